/* reader.c - see reader.h. One small adapter for each of zlib, liblzma and libzstd, with the same shape: take what is in
 * the input buffer, write what fits, say whether the packed stream is complete here.
 */
#include "series/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define INPUT_BYTES 65536
#define XZ_MEMORY (UINT64_C(192) << 20)
#define ZSTD_WINDOW_LOG 27

typedef enum packing { PLAIN, GZIP, XZ, ZSTD } packing;

struct tft_reader {
    int fd; // −1: reads from memory
    const unsigned char *memory;
    size_t memory_left;
    packing packing;
    bool input_ended; // nothing follows what is in `input`
    bool at_boundary; // no member or frame is open: the stream may end here
    bool done;        // the unpacked end was reached
    size_t input_at, input_n;
    z_stream gzip;
    lzma_stream xz;
    ZSTD_DCtx *zstd;
    unsigned char input[INPUT_BYTES];
};

/* Moves what is left to the front of `input` and fills it up. */
static tft_status fill(tft_reader *r, tft_error *err)
{
    memmove(r->input, r->input + r->input_at, r->input_n - r->input_at);
    r->input_n -= r->input_at;
    r->input_at = 0;
    while (r->input_n < INPUT_BYTES && !r->input_ended) {
        const size_t room = INPUT_BYTES - r->input_n;
        if (r->fd < 0) {
            const size_t n = r->memory_left < room ? r->memory_left : room;
            if (n > 0)
                memcpy(r->input + r->input_n, r->memory, n);
            r->memory += n;
            r->memory_left -= n;
            r->input_n += n;
            r->input_ended = r->memory_left == 0;
            continue;
        }
        const ssize_t n = read(r->fd, r->input + r->input_n, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return tft_fail(err, TFT_ERR_IO, "%s", strerror(errno));
        r->input_ended = n == 0;
        r->input_n += (size_t)n;
    }
    return TFT_OK;
}

static packing packing_of(const unsigned char *bytes, size_t n)
{
    static const unsigned char xz_magic[] = {0xfd, '7', 'z', 'X', 'Z', 0x00};
    static const unsigned char zstd_magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    if (n >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b)
        return GZIP;
    if (n >= sizeof xz_magic && memcmp(bytes, xz_magic, sizeof xz_magic) == 0)
        return XZ;
    if (n >= sizeof zstd_magic && memcmp(bytes, zstd_magic, sizeof zstd_magic) == 0)
        return ZSTD;
    return PLAIN;
}

static tft_status start(tft_reader *r, tft_error *err)
{
    r->gzip = (z_stream){0};
    r->xz = (lzma_stream)LZMA_STREAM_INIT;
    const tft_status status = fill(r, err);
    if (status != TFT_OK)
        return status;
    r->packing = packing_of(r->input, r->input_n);
    bool ok = true;
    switch (r->packing) {
    case PLAIN:
        break;
    case GZIP:
        ok = inflateInit2(&r->gzip, 16 + MAX_WBITS) == Z_OK; // 16: a gzip header, no zlib one
        break;
    case XZ:
        ok = lzma_stream_decoder(&r->xz, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK;
        break;
    case ZSTD:
        r->zstd = ZSTD_createDCtx();
        ok = r->zstd != NULL && !ZSTD_isError(ZSTD_DCtx_setParameter(r->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
        break;
    }
    return ok ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "no memory for a decompressor");
}

static tft_reader *new_reader(tft_error *err)
{
    tft_reader *const r = calloc(1, sizeof *r);
    if (r == NULL)
        tft_fail(err, TFT_ERR_MEMORY, "no memory for a reader");
    else
        r->fd = -1;
    return r;
}

tft_status tft_reader_open(const char *path, tft_reader **reader, tft_error *err)
{
    *reader = NULL;
    tft_reader *const r = new_reader(err);
    if (r == NULL)
        return TFT_ERR_MEMORY;
    const bool standard_input = strcmp(path, "-") == 0;
    r->fd = standard_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0) {
        const int why = errno;
        tft_reader_close(r);
        return tft_fail(err, why == ENOENT ? TFT_ERR_NOT_FOUND : TFT_ERR_IO, "%s", strerror(why));
    }
    const tft_status status = start(r, err);
    if (status != TFT_OK) {
        tft_reader_close(r);
        return status;
    }
    *reader = r;
    return TFT_OK;
}

tft_status tft_reader_open_bytes(const void *bytes, size_t n, tft_reader **reader, tft_error *err)
{
    *reader = NULL;
    tft_reader *const r = new_reader(err);
    if (r == NULL)
        return TFT_ERR_MEMORY;
    r->memory = bytes;
    r->memory_left = n;
    r->input_ended = n == 0;
    const tft_status status = start(r, err);
    if (status != TFT_OK) {
        tft_reader_close(r);
        return status;
    }
    *reader = r;
    return TFT_OK;
}

void tft_reader_close(tft_reader *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        close(r->fd);
    inflateEnd(&r->gzip); // all three accept what was never started
    lzma_end(&r->xz);
    ZSTD_freeDCtx(r->zstd);
    free(r);
}

static tft_status damaged(const char *what, tft_error *err)
{
    return tft_fail(err, TFT_ERR_FORMAT, "%s data is damaged", what);
}

static tft_status read_plain(tft_reader *r, char *out, size_t capacity, size_t *n)
{
    const size_t left = r->input_n - r->input_at;
    *n = left < capacity ? left : capacity;
    memcpy(out, r->input + r->input_at, *n);
    r->input_at += *n;
    r->at_boundary = true;
    return TFT_OK;
}

static tft_status read_gzip(tft_reader *r, char *out, size_t capacity, size_t *n, tft_error *err)
{
    if (r->at_boundary) { // the next member, or padding of zeros that some writers leave
        if (r->input[r->input_at] == 0) {
            r->input_at++;
            return TFT_OK;
        }
        if (inflateReset(&r->gzip) != Z_OK)
            return damaged("gzip", err);
    }
    const unsigned room = capacity > UINT_MAX ? UINT_MAX : (unsigned)capacity;
    r->gzip.next_in = r->input + r->input_at;
    r->gzip.avail_in = (unsigned)(r->input_n - r->input_at);
    r->gzip.next_out = (unsigned char *)out;
    r->gzip.avail_out = room;
    const int code = inflate(&r->gzip, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return damaged("gzip", err);
    r->input_at = r->input_n - r->gzip.avail_in;
    r->at_boundary = code == Z_STREAM_END;
    *n = room - r->gzip.avail_out;
    return TFT_OK;
}

static tft_status read_xz(tft_reader *r, char *out, size_t capacity, size_t *n, tft_error *err)
{
    r->xz.next_in = r->input + r->input_at;
    r->xz.avail_in = r->input_n - r->input_at;
    r->xz.next_out = (unsigned char *)out;
    r->xz.avail_out = capacity;
    const lzma_ret code = lzma_code(&r->xz, r->input_ended ? LZMA_FINISH : LZMA_RUN);
    if (code == LZMA_MEMLIMIT_ERROR)
        return tft_fail(err, TFT_ERR_LIMIT, "xz data asks for more than %d MiB to unpack", (int)(XZ_MEMORY >> 20));
    if (code == LZMA_MEM_ERROR)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to unpack xz data");
    if (code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR)
        return damaged("xz", err);
    r->input_at = r->input_n - r->xz.avail_in;
    r->at_boundary = r->done = code == LZMA_STREAM_END;
    *n = capacity - r->xz.avail_out;
    return TFT_OK;
}

static tft_status read_zstd(tft_reader *r, char *out, size_t capacity, size_t *n, tft_error *err)
{
    ZSTD_inBuffer in = {r->input + r->input_at, r->input_n - r->input_at, 0};
    ZSTD_outBuffer to = {out, capacity, 0};
    const size_t code = ZSTD_decompressStream(r->zstd, &to, &in);
    if (ZSTD_isError(code))
        return damaged("zstd", err);
    r->input_at += in.pos;
    r->at_boundary = code == 0;
    *n = to.pos;
    return TFT_OK;
}

tft_status tft_reader_read(tft_reader *r, char *out, size_t capacity, size_t *n, tft_error *err)
{
    *n = 0;
    while (*n == 0 && !r->done) {
        tft_status status = TFT_OK;
        if (r->input_at == r->input_n && !r->input_ended)
            status = fill(r, err);
        if (status != TFT_OK)
            return status;
        const bool empty = r->input_at == r->input_n && r->input_ended;
        if (empty && (r->packing == PLAIN || r->at_boundary)) {
            r->done = true;
            break;
        }
        const size_t before = r->input_at;
        switch (r->packing) {
        case PLAIN:
            status = read_plain(r, out, capacity, n);
            break;
        case GZIP:
            status = read_gzip(r, out, capacity, n, err);
            break;
        case XZ:
            status = read_xz(r, out, capacity, n, err);
            break;
        case ZSTD:
            status = read_zstd(r, out, capacity, n, err);
            break;
        }
        if (status != TFT_OK)
            return status;
        if (*n == 0 && r->input_at == before && r->input_ended && !r->at_boundary)
            return tft_fail(err, TFT_ERR_FORMAT, "packed data ends too early");
    }
    return TFT_OK;
}
