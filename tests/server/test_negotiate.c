/* test_negotiate.c - tests src/server/negotiate.c and pack.c: what a client takes, and what it then gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <cmocka.h>

#include "server/pack.h"

static void the_encoding_with_the_largest_weight_wins(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        negotiate_encoding encoding;
    } cases[] = {
        {NULL, ENCODE_NOTHING},
        {"", ENCODE_NOTHING},
        {"identity", ENCODE_NOTHING},
        {"br", ENCODE_NOTHING},
        {"gzip", ENCODE_GZIP},
        {"GZIP", ENCODE_GZIP},
        {"x-gzip", ENCODE_GZIP},
        {"*", ENCODE_GZIP},
        {"*;q=0", ENCODE_NOTHING},
        {"gzip;q=0, *", ENCODE_NOTHING},
        {"zstd", ENCODE_ZSTD},
        {"gzip, deflate, br, zstd", ENCODE_ZSTD},
        {"zstd;q=0.5, gzip", ENCODE_GZIP},
        {"zstd;q=0, gzip;q=0.1", ENCODE_GZIP},
        {"deflate , gzip ; q=0.5", ENCODE_GZIP},
        {"gzip;q=0.000", ENCODE_NOTHING},
        {",,,gzip,,", ENCODE_GZIP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (negotiate_encoding_of(cases[i].list) != cases[i].encoding)
            fail_msg("%s", cases[i].list != NULL ? cases[i].list : "NULL");
    }
    assert_true(negotiate_takes_gzip("br, *;q=0.1"));
    assert_false(negotiate_takes_gzip("zstd"));
}

static void the_best_type_wins_and_none_is_told(void **state)
{
    (void)state;
    static const char offers[] = "application/json, text/csv";
    static const struct {
        const char *accept;
        int index;
    } cases[] = {
        {NULL, 0},
        {"", 0},
        {"*/*", 0},
        {"text/csv", 1},
        {"TEXT/CSV; charset=utf-8", 1},
        {"text/*", 1},
        {"application/*;q=0.1, text/*;q=0.2", 1},
        {"text/csv;q=0.5, application/json", 0},
        {"text/csv, */*;q=0.1", 1},
        {"application/json;q=0, */*", 1}, // the more precise range decides
        {"text/html,application/xhtml+xml,*/*;q=0.8", 0},
        {"image/png", -1},
        {"application/jso", -1},
        {"application/json;q=0", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (negotiate_type(cases[i].accept, offers) != cases[i].index)
            fail_msg("%s", cases[i].accept != NULL ? cases[i].accept : "NULL");
    }
}

static void a_packed_text_comes_back_and_a_small_one_stays(void **state)
{
    (void)state;
    tft_text text = tft_text_new(1 << 20);
    for (int i = 0; i < 1000; i++)
        tft_text_printf(&text, "line %d of a text that repeats itself\n", i);
    char *const before = strdup(text.bytes);
    const size_t n = text.n;
    assert_null(pack_text(ENCODE_NOTHING, &text));
    assert_string_equal(pack_text(ENCODE_ZSTD, &text), "zstd");
    assert_true(text.n < n / 4);
    char *const back = malloc(n);
    assert_int_equal(ZSTD_decompress(back, n, text.bytes, text.n), n);
    assert_memory_equal(back, before, n);
    free(back);
    free(before);
    tft_text_clear(&text);
    tft_text_puts(&text, "a");
    assert_null(pack_text(ENCODE_GZIP, &text));
    assert_string_equal(text.bytes, "a");
    tft_text_free(&text);
}

static void a_body_is_of_a_type_that_is_taken_in_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"application/json",
                                       "Application/JSON; charset=UTF-8",
                                       "application/problem+json",
                                       "text/csv;charset=\"utf8\"",
                                       "",
                                       " ",
                                       ";charset=utf-8"};
    static const char *const bad[] = {"application/x",     "text/html",       "application/json; charset=latin1",
                                      "text/problem+json", "application/jso", ";charset=latin1"};
    assert_true(negotiate_takes(NULL, "text/csv"));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(negotiate_takes(good[i], "application/json, text/csv"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(negotiate_takes(bad[i], "application/json, text/csv"));
    assert_false(negotiate_takes("application/problem+json", "text/csv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_encoding_with_the_largest_weight_wins),
        cmocka_unit_test(the_best_type_wins_and_none_is_told),
        cmocka_unit_test(a_body_is_of_a_type_that_is_taken_in_utf8),
        cmocka_unit_test(a_packed_text_comes_back_and_a_small_one_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
