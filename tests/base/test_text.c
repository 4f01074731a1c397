/* test_text.c - bounded texts, and the JSON that is written with them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "base/text.h"

static void a_text_stops_at_its_bound_and_remembers(void **state)
{
    (void)state;
    tft_text text = tft_text_new(5);
    tft_text_puts(&text, "1234");
    tft_text_puts(&text, "56");
    assert_true(text.failed);
    assert_string_equal(text.bytes, "1234");
    tft_text_clear(&text);
    tft_text_printf(&text, "%d", 12345);
    assert_false(text.failed);
    assert_string_equal(text.bytes, "12345");
    tft_text_free(&text);
    tft_text_free(NULL);
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        size_t n;
        const char *json;
    } cases[] = {
        {"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
        {"\n\t\x01", 3, "\"\\n\\t\\u0001\""},
        {"nul\0in", 6, "\"nul\\u0000in\""},
        {"\xc3\xa4", 2, "\"\xc3\xa4\""},
        {"x\xe2\x80\xa8y", 5, "\"x\\u2028y\""},
        {"\x7f", 1, "\"\\u007f\""},
        {"", 0, "\"\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tft_text text = tft_text_new(1000);
        tft_text_json_string(&text, cases[i].raw, cases[i].n);
        assert_string_equal(text.bytes, cases[i].json);
        tft_text_free(&text);
    }
}

static void json_numbers_read_back_as_the_same_double(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(7, 0);
    tft_text text = tft_text_new(64);
    for (size_t i = 0; i < 20000; i++) {
        const uint64_t bits = tft_rng_next(&rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        tft_text_clear(&text);
        tft_text_json_number(&text, value);
        if (isfinite(value))
            assert_true(strtod(text.bytes, NULL) == value);
        else
            assert_string_equal(text.bytes, "null");
    }
    tft_text_free(&text);
}

static void counts_are_grouped_by_thousands(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        const char *text;
    } cases[] = {{0, "0"}, {999, "999"}, {1000, "1,000"}, {1234567, "1,234,567"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tft_text text = tft_text_new(64);
        tft_text_grouped(&text, cases[i].n);
        assert_string_equal(text.bytes, cases[i].text);
        tft_text_free(&text);
    }
}

static void fixed_numbers_are_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        int decimals;
        const char *json;
    } cases[] = {{1.5, 3, "1.5"},    {2, 2, "2"},     {-0.0001, 2, "0"},
                 {0.126, 2, "0.13"}, {100, 0, "100"}, {NAN, 2, "null"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tft_text text = tft_text_new(64);
        tft_text_json_fixed(&text, cases[i].value, cases[i].decimals);
        assert_string_equal(text.bytes, cases[i].json);
        tft_text_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_stops_at_its_bound_and_remembers),   cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(json_numbers_read_back_as_the_same_double), cmocka_unit_test(fixed_numbers_are_short),
        cmocka_unit_test(counts_are_grouped_by_thousands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
