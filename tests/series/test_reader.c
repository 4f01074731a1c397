/* test_reader.c - plain, gzip, xz and zstd give the same bytes; what is damaged or cut short is named. */
#include "check.h"

#include <lzma.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "series/reader.h"

#define TEXT_BYTES 300000

static unsigned char *text_of(size_t n)
{
    unsigned char *const text = malloc(n);
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        text[i] = (unsigned char)('0' + (x >> 24) % 10);
    }
    return text;
}

typedef size_t (*packer)(const unsigned char *text, size_t n, unsigned char *out, size_t capacity);

static size_t pack_plain(const unsigned char *text, size_t n, unsigned char *out, size_t capacity)
{
    assert_true(n <= capacity);
    memcpy(out, text, n);
    return n;
}

static size_t pack_gzip(const unsigned char *text, size_t n, unsigned char *out, size_t capacity)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)text;
    z.avail_in = (unsigned)n;
    z.next_out = out;
    z.avail_out = (unsigned)capacity;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t packed = z.total_out;
    deflateEnd(&z);
    return packed;
}

static size_t pack_xz(const unsigned char *text, size_t n, unsigned char *out, size_t capacity)
{
    size_t at = 0;
    assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, text, n, out, &at, capacity), LZMA_OK);
    return at;
}

static size_t pack_zstd(const unsigned char *text, size_t n, unsigned char *out, size_t capacity)
{
    const size_t packed = ZSTD_compress(out, capacity, text, n, 1);
    assert_false(ZSTD_isError(packed));
    return packed;
}

static const packer packers[] = {pack_plain, pack_gzip, pack_xz, pack_zstd};

/* Reads everything in pieces of `piece` bytes into out; the status at the end. */
static tft_status read_all(const void *bytes, size_t n, size_t piece, unsigned char *out, size_t capacity, size_t *got,
                           tft_error *err)
{
    tft_reader *reader;
    *got = 0;
    tft_status status = tft_reader_open_bytes(bytes, n, &reader, err);
    while (status == TFT_OK) {
        size_t k;
        assert_true(*got + piece <= capacity);
        status = tft_reader_read(reader, (char *)out + *got, piece, &k, err);
        if (status != TFT_OK || k == 0)
            break;
        *got += k;
    }
    tft_reader_close(reader);
    return status;
}

static void every_packing_gives_the_same_bytes(void **state)
{
    (void)state;
    const size_t capacity = 2 * TEXT_BYTES;
    unsigned char *const text = text_of(TEXT_BYTES), *const packed = malloc(capacity), *const out = malloc(capacity);
    for (size_t p = 0; p < 4; p++) {
        const size_t n = packers[p](text, TEXT_BYTES, packed, capacity);
        const size_t pieces[] = {1, 4096, 100000};
        for (size_t k = p == 0 ? 0 : 1; k < 3; k++) {
            size_t got;
            assert_int_equal(read_all(packed, n, pieces[k], out, capacity, &got, NULL), TFT_OK);
            assert_int_equal(got, TEXT_BYTES);
            assert_memory_equal(out, text, TEXT_BYTES);
        }
    }
    free(text);
    free(packed);
    free(out);
}

static void members_one_after_the_other_are_read_to_the_end(void **state)
{
    (void)state;
    const size_t capacity = 2 * TEXT_BYTES;
    unsigned char *const text = text_of(TEXT_BYTES), *const packed = malloc(capacity), *const out = malloc(capacity);
    for (size_t p = 1; p < 4; p++) {
        size_t n = packers[p](text, TEXT_BYTES / 3, packed, capacity);
        n += packers[p](text + TEXT_BYTES / 3, TEXT_BYTES - TEXT_BYTES / 3, packed + n, capacity - n);
        size_t got;
        assert_int_equal(read_all(packed, n, 5000, out, capacity, &got, NULL), TFT_OK);
        assert_int_equal(got, TEXT_BYTES);
        assert_memory_equal(out, text, TEXT_BYTES);
    }
    free(text);
    free(packed);
    free(out);
}

static void what_is_cut_short_is_an_error_and_never_a_shorter_file(void **state)
{
    (void)state;
    const size_t n_text = 2000, capacity = 8192;
    unsigned char *const text = text_of(n_text), *const packed = malloc(capacity), *const out = malloc(capacity);
    for (size_t p = 1; p < 4; p++) {
        const size_t n = packers[p](text, n_text, packed, capacity);
        for (size_t cut = 6; cut < n; cut++) {
            size_t got;
            tft_error err = {0};
            assert_int_equal(read_all(packed, cut, 700, out, capacity, &got, &err), TFT_ERR_FORMAT);
        }
    }
    free(text);
    free(packed);
    free(out);
}

static void damage_is_found_by_the_checksum(void **state)
{
    (void)state;
    const size_t n_text = 2000, capacity = 8192;
    unsigned char *const text = text_of(n_text), *const packed = malloc(capacity), *const out = malloc(capacity);
    for (size_t p = 1; p < 3; p++) { // zstd's one-call interface writes no checksum
        const size_t n = packers[p](text, n_text, packed, capacity);
        packed[n / 2] ^= 0x10;
        size_t got;
        tft_error err = {0};
        assert_int_equal(read_all(packed, n, 700, out, capacity, &got, &err), TFT_ERR_FORMAT);
        assert_non_null(strstr(err.text, p == 1 ? "gzip" : "xz"));
    }
    free(text);
    free(packed);
    free(out);
}

static void an_empty_file_has_no_bytes(void **state)
{
    (void)state;
    unsigned char out[16];
    size_t got;
    assert_int_equal(read_all("", 0, 16, out, 16, &got, NULL), TFT_OK);
    assert_int_equal(got, 0);
}

static void a_missing_file_is_not_found(void **state)
{
    (void)state;
    tft_reader *reader;
    assert_int_equal(tft_reader_open("/nonexistent/file.csv", &reader, NULL), TFT_ERR_NOT_FOUND);
    assert_null(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packing_gives_the_same_bytes),
        cmocka_unit_test(members_one_after_the_other_are_read_to_the_end),
        cmocka_unit_test(what_is_cut_short_is_an_error_and_never_a_shorter_file),
        cmocka_unit_test(damage_is_found_by_the_checksum),
        cmocka_unit_test(an_empty_file_has_no_bytes),
        cmocka_unit_test(a_missing_file_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
