/* stream_pack.c - see stream_pack.h. Level 1 of both, as for whole replies (gzip.c, pack.c). */
#include "server/stream_pack.h"

#include <stdlib.h>
#define ZLIB_CONST // zlib.h: next_in is const
#include <zlib.h>
#include <zstd.h>

#define LEVEL 1
#define BLOCK 16384

struct stream_pack {
    ZSTD_CCtx *zstd; // NULL: gzip
    z_stream gzip;
};

stream_pack *stream_pack_open(negotiate_encoding encoding)
{
    stream_pack *const p = calloc(1, sizeof *p);
    bool made = p != NULL;
    if (made && encoding == ENCODE_ZSTD) {
        p->zstd = ZSTD_createCCtx();
        made = p->zstd != NULL && !ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, LEVEL));
    } else if (made) {
        made = deflateInit2(&p->gzip, LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    }
    if (made)
        return p;
    if (p != NULL)
        ZSTD_freeCCtx(p->zstd);
    free(p);
    return NULL;
}

void stream_pack_close(stream_pack *p)
{
    if (p == NULL)
        return;
    if (p->zstd == NULL)
        deflateEnd(&p->gzip);
    ZSTD_freeCCtx(p->zstd); // accepts NULL
    free(p);
}

static bool add_zstd(stream_pack *p, const char *bytes, size_t n, bool last, tft_text *out)
{
    char block[BLOCK];
    ZSTD_inBuffer in = {bytes, n, 0};
    size_t left = 0;
    do {
        ZSTD_outBuffer to = {block, sizeof block, 0};
        left = ZSTD_compressStream2(p->zstd, &to, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return false;
        tft_text_add(out, block, to.pos);
    } while ((last ? left > 0 : in.pos < in.size) && !out->failed);
    return !out->failed;
}

static bool add_gzip(stream_pack *p, const char *bytes, size_t n, bool last, tft_text *out)
{
    char block[BLOCK];
    int code = Z_OK;
    p->gzip.next_in = (const Bytef *)bytes;
    p->gzip.avail_in = (uInt)n;
    do {
        p->gzip.next_out = (Bytef *)block;
        p->gzip.avail_out = sizeof block;
        code = deflate(&p->gzip, last ? Z_FINISH : Z_NO_FLUSH);
        tft_text_add(out, block, sizeof block - p->gzip.avail_out);
        if (code == Z_STREAM_ERROR)
            return false;
    } while ((last ? code != Z_STREAM_END : p->gzip.avail_out == 0) && !out->failed);
    return !out->failed;
}

bool stream_pack_add(stream_pack *p, const char *bytes, size_t n, bool last, tft_text *out)
{
    return (p->zstd != NULL ? add_zstd : add_gzip)(p, bytes, n, last, out);
}

const char *stream_pack_name(negotiate_encoding encoding)
{
    return encoding == ENCODE_ZSTD ? "zstd" : encoding == ENCODE_GZIP ? "gzip" : NULL;
}
