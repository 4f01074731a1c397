/* unpack.c - see unpack.h. */
#include "ingest/unpack.h"

#include <limits.h>
#include <string.h>
#include <strings.h>
#define ZLIB_CONST // zlib.h: next_in is const
#include <zlib.h>
#include <zstd.h>

#define WINDOW_LOG_MAX 24 // a zstd frame may ask for a window of at most 16 MiB

ingest_encoding ingest_encoding_of(const char *header)
{
    if (header == NULL)
        return INGEST_PLAIN;
    header += strspn(header, " \t");
    size_t n = strlen(header);
    while (n > 0 && (header[n - 1] == ' ' || header[n - 1] == '\t'))
        n--;
    static const struct {
        const char *word;
        ingest_encoding encoding;
    } words[] = {{"", INGEST_PLAIN},
                 {"identity", INGEST_PLAIN},
                 {"gzip", INGEST_GZIP},
                 {"x-gzip", INGEST_GZIP},
                 {"zstd", INGEST_ZSTD}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i].word) == n && strncasecmp(words[i].word, header, n) == 0)
            return words[i].encoding;
    }
    return INGEST_UNKNOWN_ENCODING;
}

static tft_status too_large(const tft_text *out, tft_error *err)
{
    if (out->n + 65536 < out->max)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to unpack the body");
    return tft_fail(err, TFT_ERR_LIMIT, "body too large: more than %zu bytes unpacked", out->max);
}

/* Members may follow one another (RFC 1952 §2.2); every one must be whole. */
static tft_status unpack_gzip(const char *bytes, size_t n, tft_text *out, tft_error *err)
{
    z_stream z;
    memset(&z, 0, sizeof z);
    if (n > UINT_MAX)
        return tft_fail(err, TFT_ERR_LIMIT, "body too large: %zu bytes packed", n);
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to unpack the body");
    z.next_in = (const Bytef *)bytes;
    z.avail_in = (uInt)n;
    tft_status status = TFT_OK;
    int code = Z_OK;
    do {
        unsigned char block[16384];
        if (code == Z_STREAM_END)
            inflateReset(&z);
        z.next_out = block;
        z.avail_out = sizeof block;
        code = inflate(&z, Z_NO_FLUSH);
        tft_text_add(out, (const char *)block, sizeof block - z.avail_out);
        if (code != Z_OK && code != Z_STREAM_END)
            status = tft_fail(err, TFT_ERR_FORMAT, "gzip data is %s", code == Z_BUF_ERROR ? "cut short" : "damaged");
        else if (out->failed)
            status = too_large(out, err);
    } while (status == TFT_OK && !(code == Z_STREAM_END && z.avail_in == 0));
    inflateEnd(&z);
    return status;
}

static tft_status unpack_zstd(const char *bytes, size_t n, tft_text *out, tft_error *err)
{
    ZSTD_DCtx *const context = ZSTD_createDCtx();
    if (context == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to unpack the body");
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    ZSTD_inBuffer in = {bytes, n, 0};
    tft_status status = TFT_OK;
    size_t left = 1; // 0 when a frame is complete and flushed
    bool filled = false;
    while (status == TFT_OK && (in.pos < in.size || (filled && left != 0))) {
        char block[16384];
        ZSTD_outBuffer piece = {block, sizeof block, 0};
        left = ZSTD_decompressStream(context, &piece, &in);
        if (ZSTD_isError(left)) {
            status = tft_fail(err, TFT_ERR_FORMAT, "zstd data is damaged: %s", ZSTD_getErrorName(left));
            break;
        }
        tft_text_add(out, block, piece.pos);
        if (out->failed)
            status = too_large(out, err);
        filled = piece.pos == sizeof block;
    }
    if (status == TFT_OK && (left != 0 || n == 0))
        status = tft_fail(err, TFT_ERR_FORMAT, "zstd data is cut short");
    ZSTD_freeDCtx(context);
    return status;
}

tft_status ingest_unpack(ingest_encoding encoding, const char *bytes, size_t n, tft_text *out, tft_error *err)
{
    switch (encoding) {
    case INGEST_GZIP:
        return unpack_gzip(bytes, n, out, err);
    case INGEST_ZSTD:
        return unpack_zstd(bytes, n, out, err);
    case INGEST_PLAIN:
        tft_text_add(out, bytes, n);
        return out->failed ? too_large(out, err) : TFT_OK;
    case INGEST_UNKNOWN_ENCODING:
        break;
    }
    return tft_fail(err, TFT_ERR_ARGUMENT, "Content-Encoding must be gzip, zstd or identity");
}
