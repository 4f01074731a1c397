/* gzip.c - see gzip.h. Level 1: on replies of numbers level 6 saves a tenth more bytes for three times the time. */
#include "server/gzip.h"

#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST // zlib.h: next_in is const
#include <zlib.h>

#define LEVEL 1

const char gzip_header[GZIP_HEADER_BYTES] = {'\x1f', '\x8b', 8, 0, 0,
                                             0,      0,      0, 4, 3}; // deflate, no name, no time, fastest, Unix

static bool open_deflate(z_stream *z, int window_bits)
{
    memset(z, 0, sizeof *z);
    return deflateInit2(z, LEVEL, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK;
}

static void deflate_all(z_stream *z, const char *bytes, size_t n, int flush, tft_text *out)
{
    unsigned char block[16384];
    size_t at = 0;
    bool more = true;
    while (more && !out->failed) {
        if (z->avail_in == 0 && at < n) {
            const size_t piece = n - at < 1u << 30 ? n - at : 1u << 30;
            z->next_in = (const Bytef *)(bytes + at);
            z->avail_in = (uInt)piece;
            at += piece;
        }
        const int mode = at == n ? flush : Z_NO_FLUSH;
        z->next_out = block;
        z->avail_out = sizeof block;
        const int code = deflate(z, mode);
        tft_text_add(out, (const char *)block, sizeof block - z->avail_out);
        // done: at a stream's end, or (a flush) when everything is in and the block was not filled
        more = mode == Z_FINISH ? code != Z_STREAM_END : !(at == n && z->avail_in == 0 && z->avail_out > 0);
    }
}

static bool deflate_into(const char *bytes, size_t n, int window_bits, int flush, tft_text *out)
{
    z_stream z;
    if (!open_deflate(&z, window_bits))
        return false;
    deflate_all(&z, bytes, n, flush, out);
    deflateEnd(&z);
    return !out->failed;
}

bool gzip_whole(const char *bytes, size_t n, tft_text *out)
{
    return deflate_into(bytes, n, 15 + 16, Z_FINISH, out);
}

static uint32_t crc_of(uint32_t crc, const char *bytes, size_t n)
{
    return (uint32_t)crc32_z(crc, (const Bytef *)bytes, n);
}

bool gzip_begin(const char *bytes, size_t n, tft_text *out, gzip_head *head)
{
    tft_text_add(out, gzip_header, sizeof gzip_header);
    *head = (gzip_head){crc_of(0, bytes, n), (uint32_t)n};
    return deflate_into(bytes, n, -15, Z_SYNC_FLUSH, out);
}

/* ---- pieces ---------------------------------------------------------------------------------------------------- */

struct gzip_packer {
    z_stream z;
};

gzip_packer *gzip_packer_open(void)
{
    gzip_packer *const packer = malloc(sizeof *packer);
    if (packer != NULL && open_deflate(&packer->z, -15))
        return packer;
    free(packer);
    return NULL;
}

void gzip_packer_close(gzip_packer *packer)
{
    if (packer != NULL)
        deflateEnd(&packer->z);
    free(packer);
}

bool gzip_pack_piece(gzip_packer *packer, const char *bytes, size_t n, tft_text *out, gzip_head *facts)
{
    deflateReset(&packer->z); // refers to nothing before it
    deflate_all(&packer->z, bytes, n, Z_SYNC_FLUSH, out);
    *facts = gzip_facts(bytes, n);
    return !out->failed;
}

gzip_head gzip_facts(const char *bytes, size_t n)
{
    return (gzip_head){crc_of(0, bytes, n), (uint32_t)n};
}

void gzip_join(gzip_head *head, const gzip_head *piece)
{
    head->crc = (uint32_t)crc32_combine(head->crc, piece->crc, (z_off_t)piece->length);
    head->length += piece->length;
}

struct gzip_unpacker {
    z_stream z;
};

gzip_unpacker *gzip_unpacker_open(void)
{
    gzip_unpacker *const unpacker = calloc(1, sizeof *unpacker);
    if (unpacker != NULL && inflateInit2(&unpacker->z, -15) == Z_OK)
        return unpacker;
    free(unpacker);
    return NULL;
}

void gzip_unpacker_close(gzip_unpacker *unpacker)
{
    if (unpacker != NULL)
        inflateEnd(&unpacker->z);
    free(unpacker);
}

ptrdiff_t gzip_unpack(gzip_unpacker *unpacker, const char **in, size_t *n, char *out, size_t max)
{
    z_stream *const z = &unpacker->z;
    const uInt piece = *n < 1u << 30 ? (uInt)*n : 1u << 30, room = max < 1u << 30 ? (uInt)max : 1u << 30;
    z->next_in = (const Bytef *)*in;
    z->avail_in = piece;
    z->next_out = (Bytef *)out;
    z->avail_out = room;
    const int code = inflate(z, Z_NO_FLUSH);
    *in += piece - z->avail_in;
    *n -= piece - z->avail_in;
    return code == Z_OK || code == Z_BUF_ERROR ? (ptrdiff_t)(room - z->avail_out)
                                               : -1; // BUF: it went as far as it could
}

static void put_le(char *out, uint32_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(unsigned char)(value >> (8 * i));
}

bool gzip_tail(const gzip_head *head, const char *tail, size_t n, tft_text *out)
{
    if (n > 65535)
        return false;
    char stored[5] = {1}; // last block, stored (RFC 1951 §3.2.4): length and its complement
    put_le(stored + 1, (uint32_t)n, 2);
    put_le(stored + 3, ~(uint32_t)n, 2);
    tft_text_add(out, stored, sizeof stored);
    tft_text_add(out, tail, n);
    char trailer[8];
    put_le(trailer, crc_of(head->crc, tail, n), 4);
    put_le(trailer + 4, head->length + (uint32_t)n, 4);
    tft_text_add(out, trailer, sizeof trailer);
    return !out->failed;
}
