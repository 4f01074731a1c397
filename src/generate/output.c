/* output.c - see output.h. The three packers differ in names only: give them bytes, take what they put out. */
#include "generate/output.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define BUFFER_BYTES 65536

typedef enum packing { PACK_NONE, PACK_GZIP, PACK_XZ, PACK_ZSTD } packing;

struct generate_output {
    packing packing;
    FILE *file;
    char *path, *aside; // NULL for the lent stream
    z_stream gzip;
    lzma_stream xz;
    ZSTD_CCtx *zstd;
    unsigned char buffer[BUFFER_BYTES];
};

static packing packing_of(const char *path)
{
    static const struct {
        const char *suffix;
        packing packing;
    } suffixes[] = {{".gz", PACK_GZIP}, {".xz", PACK_XZ}, {".zst", PACK_ZSTD}};
    const size_t n = strlen(path);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        const size_t m = strlen(suffixes[i].suffix);
        if (n > m && strcmp(path + n - m, suffixes[i].suffix) == 0)
            return suffixes[i].packing;
    }
    return PACK_NONE;
}

static tft_status start_packer(generate_output *o, tft_error *err)
{
    bool ok = true;
    switch (o->packing) {
    case PACK_NONE:
        break;
    case PACK_GZIP: // 15 + 16: the largest window, with a gzip header
        ok = deflateInit2(&o->gzip, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
        break;
    case PACK_XZ:
        o->xz = (lzma_stream)LZMA_STREAM_INIT;
        ok = lzma_easy_encoder(&o->xz, 2, LZMA_CHECK_CRC64) == LZMA_OK;
        break;
    case PACK_ZSTD:
        o->zstd = ZSTD_createCCtx();
        ok = o->zstd != NULL && !ZSTD_isError(ZSTD_CCtx_setParameter(o->zstd, ZSTD_c_checksumFlag, 1));
        break;
    }
    return ok ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "the packer could not start: out of memory");
}

static tft_status put(generate_output *o, const void *bytes, size_t n, tft_error *err)
{
    if (n > 0 && fwrite(bytes, 1, n, o->file) != n)
        return tft_fail(err, TFT_ERR_IO, "%s: cannot write: %s", o->path != NULL ? o->path : "standard output",
                        strerror(errno));
    return TFT_OK;
}

/* Gives the packer bytes[0 … n−1] and writes what comes out; `finish` ends its stream. */
static tft_status pack(generate_output *o, const char *bytes, size_t n, bool finish, tft_error *err)
{
    tft_status status = TFT_OK;
    bool more = true, broken = false;
    ZSTD_inBuffer in = {bytes, n, 0};
    o->gzip.next_in = (Bytef *)(uintptr_t)bytes; // zlib takes it non-const and only reads
    o->gzip.avail_in = (uInt)n;
    o->xz.next_in = (const uint8_t *)bytes;
    o->xz.avail_in = n;
    while (more && !broken && status == TFT_OK) {
        size_t made = 0;
        if (o->packing == PACK_GZIP) {
            o->gzip.next_out = o->buffer;
            o->gzip.avail_out = BUFFER_BYTES;
            const int code = deflate(&o->gzip, finish ? Z_FINISH : Z_NO_FLUSH);
            made = BUFFER_BYTES - o->gzip.avail_out;
            broken = code == Z_STREAM_ERROR;
            more = finish ? code != Z_STREAM_END : o->gzip.avail_out == 0;
        } else if (o->packing == PACK_XZ) {
            o->xz.next_out = o->buffer;
            o->xz.avail_out = BUFFER_BYTES;
            const lzma_ret code = lzma_code(&o->xz, finish ? LZMA_FINISH : LZMA_RUN);
            made = BUFFER_BYTES - o->xz.avail_out;
            broken = code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR;
            more = finish ? code != LZMA_STREAM_END : o->xz.avail_in > 0 || o->xz.avail_out == 0;
        } else {
            ZSTD_outBuffer out = {o->buffer, BUFFER_BYTES, 0};
            const size_t left = ZSTD_compressStream2(o->zstd, &out, &in, finish ? ZSTD_e_end : ZSTD_e_continue);
            made = out.pos;
            broken = ZSTD_isError(left) != 0;
            more = finish ? left != 0 : in.pos < in.size;
        }
        status = put(o, o->buffer, made, err);
    }
    return broken ? tft_fail(err, TFT_ERR_MEMORY, "the packer failed: out of memory") : status;
}

tft_status generate_output_open(const char *path, FILE *standard, generate_output **out, tft_error *err)
{
    generate_output *const o = calloc(1, sizeof *o);
    if (o == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "%s: out of memory", path);
    tft_status status = TFT_OK;
    if (strcmp(path, "-") == 0) {
        o->file = standard;
        *out = o;
        return TFT_OK;
    }
    const size_t n = strlen(path) + 32;
    o->packing = packing_of(path);
    o->path = strdup(path);
    o->aside = malloc(n);
    if (o->path == NULL || o->aside == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "%s: out of memory", path);
        goto done;
    }
    snprintf(o->aside, n, "%s.tmp.%ld", path, (long)getpid());
    status = start_packer(o, err);
    if (status != TFT_OK)
        goto done;
    o->file = fopen(o->aside, "wb");
    if (o->file == NULL)
        status = tft_fail(err, TFT_ERR_IO, "%s: cannot create: %s", o->aside, strerror(errno));
done:
    if (status != TFT_OK)
        generate_output_close(o, false, NULL);
    else
        *out = o;
    return status;
}

tft_status generate_output_write(generate_output *o, const char *bytes, size_t n, tft_error *err)
{
    while (o->packing != PACK_NONE && n > BUFFER_BYTES) { // zlib counts in 32 bits
        const tft_status status = pack(o, bytes, BUFFER_BYTES, false, err);
        if (status != TFT_OK)
            return status;
        bytes += BUFFER_BYTES;
        n -= BUFFER_BYTES;
    }
    return o->packing == PACK_NONE ? put(o, bytes, n, err) : pack(o, bytes, n, false, err);
}

tft_status generate_output_close(generate_output *o, bool complete, tft_error *err)
{
    if (o == NULL)
        return TFT_OK;
    tft_status status = TFT_OK;
    const bool own = o->path != NULL;
    if (complete && o->packing != PACK_NONE)
        status = pack(o, "", 0, true, err);
    if (complete && status == TFT_OK && (fflush(o->file) != 0 || (own && fsync(fileno(o->file)) != 0)))
        status = tft_fail(err, TFT_ERR_IO, "%s: cannot write: %s", own ? o->path : "standard output", strerror(errno));
    if (own && o->file != NULL && fclose(o->file) != 0 && complete && status == TFT_OK)
        status = tft_fail(err, TFT_ERR_IO, "%s: cannot write: %s", o->path, strerror(errno));
    if (own && o->file != NULL && complete && status == TFT_OK && rename(o->aside, o->path) != 0)
        status = tft_fail(err, TFT_ERR_IO, "%s: cannot rename: %s", o->aside, strerror(errno));
    if (own && o->file != NULL && (!complete || status != TFT_OK))
        unlink(o->aside);
    if (o->packing == PACK_GZIP)
        deflateEnd(&o->gzip);
    if (o->packing == PACK_XZ)
        lzma_end(&o->xz);
    ZSTD_freeCCtx(o->zstd);
    free(o->path);
    free(o->aside);
    free(o);
    return status;
}
