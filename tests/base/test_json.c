/* test_json.c - reading JSON: strict, except that one bad number does not cost the document. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"

static tft_status parse(const char *text, tft_json_document *document, tft_error *err)
{
    return tft_json_parse(text, strlen(text), 32, document, err);
}

static void what_is_not_json_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        " ",
        "{",
        "[1,",
        "{\"a\":}",
        "[1] x",
        "[1][2]",
        "nul",
        "{\"a\":1,}",
        "[1,]",
        "{'a':1}",
        "[\"\xff\"]",
        "[\"\\ud800\"]",
        "[\"\\udc00\"]",
        "[\"\\ud800\\u0041\"]",
        "[01]",
        "[+1]",
        "[.5]",
        "\"\x01\"",
        "[\"a\tb\"]",
        "{\"a\" 1}",
        "/*c*/1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tft_json_document document;
        tft_error err = {0};
        if (parse(cases[i], &document, &err) == TFT_OK)
            fail_msg("accepted: %s", cases[i]);
        assert_int_equal(err.status, TFT_ERR_FORMAT);
        assert_non_null(strstr(err.text, "malformed JSON at byte"));
    }
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char text[80];
    for (size_t depth = 30; depth < 36; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        tft_json_document document;
        const tft_status status = tft_json_parse(text, 2 * depth, 32, &document, NULL);
        if ((status == TFT_OK) != (depth <= 32))
            fail_msg("depth %zu: %s", depth, status == TFT_OK ? "accepted" : "refused");
        tft_json_free(&document);
    }
}

static void bad_numbers_become_non_finite_and_spoil_nothing_else(void **state)
{
    (void)state;
    tft_json_document document;
    assert_int_equal(parse("{\"r\":[NaN,Infinity,-Infinity,1e999,-1e999,37.5]}", &document, NULL), TFT_OK);
    const tft_json *const list = tft_json_at(document.root, "r");
    assert_int_equal(tft_json_length(list), 6);
    for (size_t i = 0; i < 5; i++) {
        double value = 0;
        assert_true(tft_json_number(tft_json_item(list, i), &value));
        assert_false((bool)isfinite(value));
    }
    double value = 0;
    assert_true(tft_json_number(tft_json_item(list, 5), &value));
    assert_true(value == 37.5);
    tft_json_free(&document);
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    tft_json_document document;
    assert_int_equal(parse("{\"n\":null,\"b\":true,\"s\":\"1\",\"x\":1,\"x\":2,\"z\":\"a\\u0000b\"}", &document, NULL),
                     TFT_OK);
    assert_int_equal(tft_json_kind_at(document.root, "n"), TFT_JSON_NULL);
    assert_int_equal(tft_json_kind_at(document.root, "q"), TFT_JSON_ABSENT);
    assert_int_equal(tft_json_kind_at(document.root, "b"), TFT_JSON_BOOL);
    double value = 7;
    assert_false(tft_json_number(tft_json_at(document.root, "s"), &value));
    assert_false(tft_json_number(tft_json_at(document.root, "b"), &value));
    assert_true(tft_json_number(tft_json_at(document.root, "x"), &value));
    assert_true(value == 2); // the last one counts
    size_t n = 0;
    const char *const text = tft_json_string(tft_json_at(document.root, "z"), &n);
    assert_int_equal(n, 3);
    assert_memory_equal(text, "a\0b", 3);
    tft_json_free(&document);
    assert_int_equal(parse("null", &document, NULL), TFT_OK);
    assert_true(document.is_null);
    assert_int_equal(parse(" 12 ", &document, NULL), TFT_OK);
    tft_json_free(&document);
    assert_int_equal(parse("12", &document, NULL), TFT_OK);
    tft_json_free(&document);
    assert_int_equal(parse("\xef\xbb\xbf{}", &document, NULL), TFT_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_json_is_refused_with_its_place),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(bad_numbers_become_non_finite_and_spoil_nothing_else),
        cmocka_unit_test(kinds_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
