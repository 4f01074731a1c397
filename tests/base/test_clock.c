/* test_clock.c - instants as text: what senders write is read, what is ambiguous is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"

static void every_spelling_of_an_instant_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2025-10-13T16:00:00Z", 1760371200000},
        {"2025-10-13t16:00:00z", 1760371200000},
        {"2025-10-13 16:00:00", 1760371200000},
        {"2025-10-13T18:00:00+02:00", 1760371200000},
        {"2025-10-13T18:00:00+0200", 1760371200000},
        {"2025-10-13T12:30:00-03:30", 1760371200000},
        {"2025-10-13T16:00:00.5Z", 1760371200500},
        {"2025-10-13T16:00:00.402999Z", 1760371200402},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"1969-12-31T23:59:59.999Z", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = 42;
        assert_true(tft_time_parse(cases[i].text, strlen(cases[i].text), &ms));
        assert_int_equal(ms, cases[i].ms);
    }
}

static void what_is_no_instant_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2025-10-13",
        "1760371200",
        "2025-13-01T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2025-10-13T24:00:00Z",
        "2025-10-13T16:60:00Z",
        "2025-10-13T16:00:60Z",
        "2025-10-13T16:00Z",
        "2025-10-13T16:00:00.Z",
        "2025-10-13T16:00:00+00:00Z",
        "2025-10-13T16:00:00+2",
        "2025-10-13T16:00:00 Z",
        "2025-10-13T16:00:00Zx",
        "2025-10-13_16:00:00Z",
        "x025-10-13T16:00:00Z",
        "2025-10-13T16:00:00+24:00",
        "2025-00-10T16:00:00Z",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = 42;
        assert_false(tft_time_parse(cases[i], strlen(cases[i]), &ms));
        assert_int_equal(ms, 42);
    }
}

static void formatting_and_parsing_are_inverse_over_four_centuries(void **state)
{
    (void)state;
    for (int64_t ms = -8000000000000; ms < 8000000000000; ms += 86399999137) {
        char text[TFT_TIME_TEXT];
        int64_t back = 0;
        const size_t n = tft_time_format_ms(ms, text);
        assert_true(n < sizeof text);
        assert_true(tft_time_parse(text, n, &back));
        assert_int_equal(back, ms);
    }
}

static void steps_are_floored_also_before_1970(void **state)
{
    (void)state;
    assert_int_equal(tft_floor_to(299999, 300000), 0);
    assert_int_equal(tft_floor_to(300000, 300000), 300000);
    assert_int_equal(tft_floor_to(-1, 300000), -300000);
    assert_int_equal(tft_floor_to(-300000, 300000), -300000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_an_instant_is_read),
        cmocka_unit_test(what_is_no_instant_is_refused),
        cmocka_unit_test(formatting_and_parsing_are_inverse_over_four_centuries),
        cmocka_unit_test(steps_are_floored_also_before_1970),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
