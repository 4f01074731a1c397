/* stream_pack.h - a stream packed while it is made: one gzip member or zstd frame, however long.
 *
 * Memory:  about 300 kB (gzip) or 1.5 MB (zstd) while it is open. Threads: one at a time.
 */
#ifndef TFTD_SERVER_STREAM_PACK_H
#define TFTD_SERVER_STREAM_PACK_H

#include "base/text.h"
#include "server/negotiate.h"

typedef struct stream_pack stream_pack;

stream_pack *stream_pack_open(negotiate_encoding encoding); // gzip or zstd; NULL without memory
void stream_pack_close(stream_pack *pack);                  // accepts NULL

/* Takes bytes[0 … n−1] and appends what is packed by now to `out`, which may be nothing; with `last` everything. False where that
 * failed: the stream is then of no use. */
bool stream_pack_add(stream_pack *pack, const char *bytes, size_t n, bool last, tft_text *out);

/* The Content-Encoding. */
const char *stream_pack_name(negotiate_encoding encoding);

#endif
