/* test_unpack.c - compressed bodies: what they hold, what is damaged, and the bound on what comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <cmocka.h>

#include "ingest/unpack.h"

#define BIG ((size_t)4 << 20)

static size_t pack_gzip(const char *bytes, size_t n, char *out, size_t capacity)
{
    z_stream z;
    memset(&z, 0, sizeof z);
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)bytes;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)capacity;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t used = capacity - z.avail_out;
    deflateEnd(&z);
    return used;
}

static void what_was_packed_comes_out(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,     1,     100,   16383,
                                   16384, 16385, 32768, 100000}; // around the block that is unpacked at once
    char *const plain = calloc(1, 100000), *const packed = malloc(200000);
    for (size_t i = 0; i < 100000; i++)
        plain[i] = (char)(i * i >> 7);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (ingest_encoding e = INGEST_PLAIN; e <= INGEST_ZSTD; e++) {
            const size_t n = e == INGEST_GZIP   ? pack_gzip(plain, sizes[i], packed, 200000)
                             : e == INGEST_ZSTD ? ZSTD_compress(packed, 200000, plain, sizes[i], 3)
                                                : sizes[i];
            tft_text out = tft_text_new(BIG);
            tft_error err = {0};
            if (ingest_unpack(e, e == INGEST_PLAIN ? plain : packed, n, &out, &err) != TFT_OK)
                fail_msg("%zu bytes, encoding %d: %s", sizes[i], (int)e, err.text);
            assert_int_equal(out.n, sizes[i]);
            if (out.n > 0)
                assert_memory_equal(out.bytes, plain, out.n);
            tft_text_free(&out);
        }
    }
    free(plain);
    free(packed);
}

static void cut_and_damaged_data_is_refused(void **state)
{
    (void)state;
    char plain[3000], packed[8000];
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (char)(i * 7 + i / 13);
    for (ingest_encoding e = INGEST_GZIP; e <= INGEST_ZSTD; e++) {
        const size_t n = e == INGEST_GZIP ? pack_gzip(plain, sizeof plain, packed, sizeof packed)
                                          : ZSTD_compress(packed, sizeof packed, plain, sizeof plain, 3);
        for (size_t cut = 0; cut < n; cut++) {
            tft_text out = tft_text_new(BIG);
            assert_int_equal(ingest_unpack(e, packed, cut, &out, NULL), TFT_ERR_FORMAT);
            tft_text_free(&out);
        }
        packed[0] ^= 1;
        tft_text out = tft_text_new(BIG);
        assert_int_equal(ingest_unpack(e, packed, n, &out, NULL), TFT_ERR_FORMAT);
        tft_text_free(&out);
    }
}

static void the_bound_holds_for_what_comes_out(void **state)
{
    (void)state;
    const size_t huge = (size_t)64 << 20;
    char *const plain = calloc(1, huge), *const packed = malloc(1 << 20);
    for (ingest_encoding e = INGEST_GZIP; e <= INGEST_ZSTD; e++) {
        const size_t n =
            e == INGEST_GZIP ? pack_gzip(plain, huge, packed, 1 << 20) : ZSTD_compress(packed, 1 << 20, plain, huge, 3);
        assert_true(n < 100000);
        tft_text out = tft_text_new(1 << 20);
        tft_error err = {0};
        assert_int_equal(ingest_unpack(e, packed, n, &out, &err), TFT_ERR_LIMIT);
        assert_true(out.capacity <= (size_t)4 << 20); // stopped on the way, not after
        tft_text_free(&out);
    }
    free(plain);
    free(packed);
}

static void members_that_follow_one_another_are_one_body(void **state)
{
    (void)state;
    char packed[400];
    size_t n = pack_gzip("ab", 2, packed, 200);
    n += pack_gzip("cd", 2, packed + n, 200);
    tft_text out = tft_text_new(100);
    assert_int_equal(ingest_unpack(INGEST_GZIP, packed, n, &out, NULL), TFT_OK);
    assert_string_equal(out.bytes, "abcd");
    tft_text_free(&out);
}

static void encodings_are_known_by_name(void **state)
{
    (void)state;
    assert_int_equal(ingest_encoding_of(NULL), INGEST_PLAIN);
    assert_int_equal(ingest_encoding_of(" GZip "), INGEST_GZIP);
    assert_int_equal(ingest_encoding_of("identity"), INGEST_PLAIN);
    assert_int_equal(ingest_encoding_of("zstd"), INGEST_ZSTD);
    assert_int_equal(ingest_encoding_of("br"), INGEST_UNKNOWN_ENCODING);
    assert_int_equal(ingest_encoding_of("gzip, zstd"), INGEST_UNKNOWN_ENCODING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_out),
        cmocka_unit_test(cut_and_damaged_data_is_refused),
        cmocka_unit_test(the_bound_holds_for_what_comes_out),
        cmocka_unit_test(members_that_follow_one_another_are_one_body),
        cmocka_unit_test(encodings_are_known_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
