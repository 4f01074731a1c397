/* gzip.h - replies made smaller (RFC 1952): whole, or as a head that is packed once and a tail that is new each time.
 *
 * The body of /predictions/current is the same for every client until the next forecast, but for its last bytes (the
 * age). So the head is deflated once, up to a byte boundary (Z_SYNC_FLUSH), and a reply is
 *
 *     | gzip header, deflated head | stored block: tail | CRC-32, length of head and tail |
 *
 * where the CRC of both comes from the CRC of the head (crc32_combine's idea: crc32 goes on from there).
 *
 * A head may also be put together from pieces, each packed on its own (it refers to nothing outside itself, and ends with a byte), so
 * that one of them can be replaced: one behind the other, between header and tail, they are a head. Their CRCs are combined
 * (crc32_combine(): no byte is read again).
 *
 * Memory:  outputs are the caller's texts. Threads: any; a packer or an unpacker is one thread's at a time.
 */
#ifndef TFTD_SERVER_GZIP_H
#define TFTD_SERVER_GZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* Appends bytes[0 … n−1] to `out`, packed. False without memory or past out's bound. */
bool gzip_whole(const char *bytes, size_t n, tft_text *out);

typedef struct gzip_head {
    uint32_t crc;
    uint32_t length; // modulo 2³², as gzip stores it
} gzip_head;

#define GZIP_HEADER_BYTES 10
extern const char gzip_header[GZIP_HEADER_BYTES];

/* Packs pieces, about 270 kB while it is open. NULL without memory. */
typedef struct gzip_packer gzip_packer;
gzip_packer *gzip_packer_open(void);
void gzip_packer_close(gzip_packer *packer); // accepts NULL
/* Appends the packed piece to `out`, and says what gzip_join() needs to know of it. */
bool gzip_pack_piece(gzip_packer *packer, const char *bytes, size_t n, tft_text *out, gzip_head *facts);
/* The same of a text that is packed otherwise. */
gzip_head gzip_facts(const char *bytes, size_t n);
/* `head` goes on with a piece of which `piece` is said. A head begins as {0}. */
void gzip_join(gzip_head *head, const gzip_head *piece);

/* Unpacks what is between header and tail of a stream, about 40 kB while it is open. NULL without memory. */
typedef struct gzip_unpacker gzip_unpacker;
gzip_unpacker *gzip_unpacker_open(void);
void gzip_unpacker_close(gzip_unpacker *unpacker); // accepts NULL
/* Takes from *in (*n bytes, both move on) and writes at most `max` bytes, which it returns; 0 when it needs more; −1 where that is no
 * packed piece. */
ptrdiff_t gzip_unpack(gzip_unpacker *unpacker, const char **in, size_t *n, char *out, size_t max);

/* Packs a whole head that gzip_tail() will finish. */
bool gzip_begin(const char *bytes, size_t n, tft_text *out, gzip_head *head);
/* Appends the end of the stream: tail of at most 65535 bytes and trailer. */
bool gzip_tail(const gzip_head *head, const char *tail, size_t n, tft_text *out);

#endif
