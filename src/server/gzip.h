/* gzip.h - replies made smaller (RFC 1952): whole, or as a head that is packed once and a tail that is new each time.
 *
 * The body of /predictions/current is the same for every client until the next forecast, but for its last bytes (the
 * age). So the head is deflated once, up to a byte boundary (Z_SYNC_FLUSH), and a reply is
 *
 *     | gzip header, deflated head | stored block: tail | CRC-32, length of head and tail |
 *
 * where the CRC of both comes from the CRC of the head (crc32_combine's idea: crc32 goes on from there).
 *
 * Memory:  outputs are the caller's texts. Threads: any.
 */
#ifndef TFTD_SERVER_GZIP_H
#define TFTD_SERVER_GZIP_H

#include <stdint.h>

#include "base/text.h"

/* Appends bytes[0 … n−1] to `out`, packed. False without memory or past out's bound. */
bool gzip_whole(const char *bytes, size_t n, tft_text *out);

typedef struct gzip_head {
    uint32_t crc;
    uint32_t length; // modulo 2³², as gzip stores it
} gzip_head;

/* Packs a head that gzip_tail() will finish. */
bool gzip_begin(const char *bytes, size_t n, tft_text *out, gzip_head *head);
/* Appends the end of the stream: tail of at most 65535 bytes and trailer. */
bool gzip_tail(const gzip_head *head, const char *tail, size_t n, tft_text *out);

#endif
