/* test_api.c - tests src/server/api.c: instants and lengths of time, cells of CSV, cursors; and labels.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "server/api.h"
#include "server/labels.h"

#define NOW INT64_C(1760373000000) // 2025-10-13T16:30:00Z

static void instants_are_absolute_or_relative(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"now", NOW},
                {"-6h", NOW - 6 * 3600000},
                {"-90s", NOW - 90000},
                {"-250ms", NOW - 250},
                {"-2w", NOW - INT64_C(1209600000)},
                {"+1d", NOW + 86400000},
                {" 1d", NOW + 86400000}, // a plus that was not percent-encoded
                {"2025-10-13T16:30:00Z", NOW},
                {"2025-10-13T18:30:00+02:00", NOW}};
    static const char *const bad[] = {"",
                                      "-",
                                      "6h",
                                      "-6",
                                      "-6y",
                                      "-6hours",
                                      "--6h",
                                      "-h",
                                      "soon",
                                      "-1.5h",
                                      "-6h ",
                                      "2025-10-13",
                                      "-99999999999999999999s",
                                      "+",
                                      "NOW",
                                      "-0x10s",
                                      "1760373000"};
    int64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!api_parse_instant(good[i].text, NOW, &ms) || ms != good[i].ms)
            fail_msg("%s: %lld", good[i].text, (long long)ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (api_parse_instant(bad[i], NOW, &ms))
            fail_msg("\"%s\" was taken", bad[i]);
    }
    assert_true(api_parse_duration("2h", &ms) && ms == 7200000);
    assert_false(api_parse_duration("-2h", &ms));
}

static void cell_is(const char *text, const char *cell)
{
    tft_text out = tft_text_new(1000);
    csv_put_text(&out, text, strlen(text));
    assert_string_equal(out.bytes != NULL ? out.bytes : "", cell);
    tft_text_free(&out);
}

static void cells_are_quoted_and_are_no_formulas(void **state)
{
    (void)state;
    cell_is("", "");
    cell_is("ppdb001", "ppdb001");
    cell_is("a,b", "\"a,b\"");
    cell_is("a \"b\"", "\"a \"\"b\"\"\"");
    cell_is("a\nb", "\"a\nb\"");
    cell_is("=1+1", "'=1+1");
    cell_is("+1", "'+1");
    cell_is("-x", "'-x");
    cell_is("@a,b", "\"'@a,b\"");
    cell_is("a=b", "a=b");
    tft_text out = tft_text_new(1000);
    csv_put_number(&out, NAN);
    tft_text_puts(&out, ",");
    csv_put_number(&out, 0.1);
    tft_text_puts(&out, ",");
    csv_put_time_s(&out, NOW);
    tft_text_puts(&out, ",");
    csv_put_time_ms(&out, INT64_MIN);
    assert_string_equal(out.bytes, ",0.1,2025-10-13T16:30:00Z,");
    tft_text_free(&out);
}

static void a_cursor_is_safe_in_a_url(void **state)
{
    (void)state;
    static const char *const places[] = {"a", "ab", "abc", "risk:97.700000000000003:caf\xc3\xa9/x?&"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        tft_text out = tft_text_new(1000);
        api_put_cursor(&out, places[i], strlen(places[i]));
        assert_int_equal(out.bytes[0], '"');
        assert_int_equal(strspn(out.bytes + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                         out.n - 2);
        tft_text_free(&out);
    }
    tft_text out = tft_text_new(1000);
    api_put_list_end(&out, NULL, 0);
    assert_string_equal(out.bytes, "], \"next_cursor\": null}");
    tft_text_free(&out);
}

static bool labels_are_good(const char *json, const char *kept)
{
    tft_json_document document = {0};
    tft_text out = tft_text_new(100000);
    const char *why = NULL;
    assert_int_equal(tft_json_parse(json, strlen(json), 8, &document, NULL), TFT_OK);
    const bool good = labels_read(document.root, &out, &why);
    assert_int_equal(good, why == NULL);
    if (good)
        assert_string_equal(out.bytes, kept);
    tft_text_free(&out);
    tft_json_free(&document);
    return good;
}

static void labels_are_few_short_texts(void **state)
{
    (void)state;
    assert_true(labels_are_good("{}", "{}"));
    assert_true(labels_are_good("{\"team\":\"pay\\\"ments\",\"_a.b-1\":\"\"}",
                                "{\"team\": \"pay\\\"ments\", \"_a.b-1\": \"\"}"));
    assert_false(labels_are_good("[]", ""));
    assert_false(labels_are_good("{\"\": \"x\"}", ""));
    assert_false(labels_are_good("{\"1a\": \"x\"}", ""));
    assert_false(labels_are_good("{\"a b\": \"x\"}", ""));
    assert_false(labels_are_good("{\"a\": 1}", ""));
    assert_false(labels_are_good("{\"a\": null}", ""));
    assert_false(labels_are_good("{\"a\": \"x\\u0000y\"}", ""));
    server_labels all;
    labels_init(&all);
    tft_text out = tft_text_new(1000);
    labels_set(&all, 100, "{\"a\": \"b\"}");
    labels_put(&all, 100, &out);
    labels_put(&all, 99, &out);
    labels_put(&all, 5000, &out);
    labels_set(&all, 100, NULL);
    labels_put(&all, 100, &out);
    assert_string_equal(out.bytes, "{\"a\": \"b\"}{}{}{}");
    tft_text_free(&out);
    labels_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_are_absolute_or_relative),
        cmocka_unit_test(cells_are_quoted_and_are_no_formulas),
        cmocka_unit_test(a_cursor_is_safe_in_a_url),
        cmocka_unit_test(labels_are_few_short_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
