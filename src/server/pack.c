/* pack.c - see pack.h. zstd at level 1: on replies of numbers it packs as well as gzip's level 1 in a third of its time. */
#include "server/pack.h"

#include <stdlib.h>
#include <zstd.h>

#include "server/gzip.h"

#define ZSTD_LEVEL 1

static bool zstd_whole(const char *bytes, size_t n, tft_text *out)
{
    const size_t bound = ZSTD_compressBound(n);
    void *const space = ZSTD_isError(bound) ? NULL : malloc(bound);
    if (space == NULL)
        return false;
    const size_t got = ZSTD_compress(space, bound, bytes, n, ZSTD_LEVEL);
    if (!ZSTD_isError(got))
        tft_text_add(out, space, got);
    free(space);
    return !ZSTD_isError(got) && !out->failed;
}

const char *pack_text(negotiate_encoding encoding, tft_text *text)
{
    if (encoding == ENCODE_NOTHING)
        return NULL;
    tft_text packed = tft_text_new(text->max);
    const bool zstd = encoding == ENCODE_ZSTD;
    const bool made = (zstd ? zstd_whole : gzip_whole)(text->bytes, text->n, &packed);
    const bool smaller = made && packed.n < text->n;
    if (smaller) {
        const tft_text plain = *text;
        *text = packed;
        packed = plain;
    }
    tft_text_free(&packed);
    return !smaller ? NULL : zstd ? "zstd" : "gzip";
}
