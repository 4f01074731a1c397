/* reader.h - the bytes of a file, whatever it is packed with: plain, gzip, xz or zstd.
 *
 * Told by the first bytes, not by the name (RFC 1952 §2.3.1; the .xz file format §2.1.1.1; RFC 8878 §3.1.1).
 * Files made of several members or frames are read to the end, as their own tools do. Streaming: 64 KiB of packed bytes
 * at a time, and the decoder's window, which is bounded (xz 192 MiB, zstd 128 MiB) so that a hostile file cannot ask for
 * more.
 *
 * Memory:  a reader owns its buffers; what it reads goes into the caller's.
 * Threads: one reader, one thread.
 */
#ifndef TFT_SERIES_READER_H
#define TFT_SERIES_READER_H

#include <stddef.h>

#include "tft/error.h"

typedef struct tft_reader tft_reader;

/* Opens `path`, or standard input for "-". */
tft_status tft_reader_open(const char *path, tft_reader **reader, tft_error *err);
/* The same over bytes in memory, lent until close. */
tft_status tft_reader_open_bytes(const void *bytes, size_t n, tft_reader **reader, tft_error *err);
void tft_reader_close(tft_reader *reader); // accepts NULL

/* Up to `capacity` unpacked bytes; *n = 0 at the end. TFT_ERR_FORMAT for packed data that is damaged or cut short. */
tft_status tft_reader_read(tft_reader *reader, char *out, size_t capacity, size_t *n, tft_error *err);

#endif
