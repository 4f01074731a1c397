/* out_file.c - see out_file.h. Each packer is three small functions behind one table. */
#include "cli/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define CHUNK ((size_t)1 << 16)

typedef enum packing { PACK_NONE, PACK_GZIP, PACK_XZ, PACK_ZSTD } packing;

struct out_file {
    packing packing;
    int fd;
    bool is_stdout, failed;
    int cause; // errno of the first failed write, or 0
    char path[PATH_MAX], aside[PATH_MAX + 32];
    z_stream gzip;
    lzma_stream xz;
    ZSTD_CStream *zstd;
    size_t n_pending;
    char pending[CHUNK]; // text that is not packed yet
    unsigned char packed[CHUNK];
};

static void write_bytes(out_file *f, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n > 0 && !f->failed) {
        const ssize_t k = write(f->fd, at, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0) {
            f->failed = true;
            f->cause = errno;
            return;
        }
        at += k;
        n -= (size_t)k;
    }
}

static void pack_gzip(out_file *f, bool end)
{
    f->gzip.next_in = (unsigned char *)f->pending;
    f->gzip.avail_in = (unsigned)f->n_pending;
    int result = Z_OK;
    do {
        f->gzip.next_out = f->packed;
        f->gzip.avail_out = CHUNK;
        result = deflate(&f->gzip, end ? Z_FINISH : Z_NO_FLUSH);
        write_bytes(f, f->packed, CHUNK - f->gzip.avail_out);
        f->failed |= result == Z_STREAM_ERROR;
    } while (!f->failed && (end ? result != Z_STREAM_END : f->gzip.avail_out == 0));
}

static void pack_xz(out_file *f, bool end)
{
    f->xz.next_in = (const uint8_t *)f->pending;
    f->xz.avail_in = f->n_pending;
    lzma_ret result = LZMA_OK;
    do {
        f->xz.next_out = f->packed;
        f->xz.avail_out = CHUNK;
        result = lzma_code(&f->xz, end ? LZMA_FINISH : LZMA_RUN);
        write_bytes(f, f->packed, CHUNK - f->xz.avail_out);
        f->failed |= result != LZMA_OK && result != LZMA_STREAM_END;
    } while (!f->failed && (end ? result != LZMA_STREAM_END : f->xz.avail_in > 0));
}

static void pack_zstd(out_file *f, bool end)
{
    ZSTD_inBuffer in = {f->pending, f->n_pending, 0};
    size_t left = 0;
    do {
        ZSTD_outBuffer out = {f->packed, CHUNK, 0};
        left = ZSTD_compressStream2(f->zstd, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        f->failed |= ZSTD_isError(left) != 0;
        write_bytes(f, f->packed, out.pos);
    } while (!f->failed && (end ? left > 0 : in.pos < in.size));
}

static void flush(out_file *f, bool end)
{
    switch (f->packing) {
    case PACK_NONE:
        write_bytes(f, f->pending, f->n_pending);
        break;
    case PACK_GZIP:
        pack_gzip(f, end);
        break;
    case PACK_XZ:
        pack_xz(f, end);
        break;
    case PACK_ZSTD:
        pack_zstd(f, end);
        break;
    }
    f->n_pending = 0;
}

static packing packing_of(const char *path)
{
    static const struct {
        const char *end;
        packing packing;
    } table[] = {{".gz", PACK_GZIP}, {".xz", PACK_XZ}, {".zst", PACK_ZSTD}};
    const size_t n = strlen(path);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const size_t k = strlen(table[i].end);
        if (n > k && strcmp(path + n - k, table[i].end) == 0)
            return table[i].packing;
    }
    return PACK_NONE;
}

static bool open_packer(out_file *f)
{
    switch (f->packing) {
    case PACK_NONE:
        return true;
    case PACK_GZIP: // 15 + 16: a gzip header around the stream
        return deflateInit2(&f->gzip, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    case PACK_XZ:
        return lzma_easy_encoder(&f->xz, 2, LZMA_CHECK_CRC64) == LZMA_OK;
    case PACK_ZSTD:
        f->zstd = ZSTD_createCStream();
        return f->zstd != NULL;
    }
    return false;
}

static void close_packer(out_file *f)
{
    deflateEnd(&f->gzip);
    lzma_end(&f->xz);
    ZSTD_freeCStream(f->zstd);
}

tft_status out_file_open(const char *path, out_file **file, tft_error *err)
{
    out_file *const f = calloc(1, sizeof *f);
    if (f == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for an output buffer");
    f->is_stdout = strcmp(path, "-") == 0;
    f->packing = f->is_stdout ? PACK_NONE : packing_of(path);
    f->fd = STDOUT_FILENO;
    tft_status status = TFT_OK;
    if (snprintf(f->path, sizeof f->path, "%s", path) >= (int)sizeof f->path)
        status = tft_fail(err, TFT_ERR_LIMIT, "%s: path too long", path);
    snprintf(f->aside, sizeof f->aside, "%s.tmp.%ld", f->path, (long)getpid());
    if (status == TFT_OK && !f->is_stdout) {
        f->fd = open(f->aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (f->fd < 0)
            status = tft_fail(err, TFT_ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (status == TFT_OK && !open_packer(f))
        status = tft_fail(err, TFT_ERR_MEMORY, "%s: no memory for a packer", path);
    if (status != TFT_OK) {
        out_file_abandon(f);
        return status;
    }
    *file = f;
    return TFT_OK;
}

void out_file_add(out_file *f, const char *bytes, size_t n)
{
    while (n > 0 && !f->failed) {
        const size_t room = CHUNK - f->n_pending, k = n < room ? n : room;
        memcpy(f->pending + f->n_pending, bytes, k);
        f->n_pending += k;
        bytes += k;
        n -= k;
        if (f->n_pending == CHUNK)
            flush(f, false);
    }
}

tft_status out_file_close(out_file *f, tft_error *err)
{
    if (!f->failed)
        flush(f, true);
    if (!f->failed && !f->is_stdout && (fsync(f->fd) != 0 || rename(f->aside, f->path) != 0)) {
        f->failed = true;
        f->cause = errno;
    }
    if (f->failed) {
        const tft_status status =
            tft_fail(err, TFT_ERR_IO, "%s: %s", f->path, f->cause != 0 ? strerror(f->cause) : "packing failed");
        out_file_abandon(f);
        return status;
    }
    close_packer(f);
    if (!f->is_stdout)
        close(f->fd);
    free(f);
    return TFT_OK;
}

void out_file_abandon(out_file *f)
{
    if (f == NULL)
        return;
    close_packer(f);
    if (!f->is_stdout && f->fd >= 0) {
        close(f->fd);
        unlink(f->aside);
    }
    free(f);
}
