/* test_calendar.c - hours and days in steps, and the angles of known instants. */
#include "check.h"

#include "base/clock.h"
#include "series/calendar.h"

static void an_hour_and_a_day_follow_the_step(void **state)
{
    (void)state;
    const tft_pace five = tft_pace_of(300000), quarter = tft_pace_of(900000), day = tft_pace_of(86400000);
    assert_int_equal(five.hour, 12);
    assert_int_equal(five.day, 288);
    assert_int_equal(five.week, 2016);
    assert_int_equal(quarter.hour, 4);
    assert_int_equal(quarter.day, 96);
    assert_int_equal(day.hour, 1);
    assert_int_equal(day.day, 1);
    assert_int_equal(day.week, 7);
}

static void inputs_of(int64_t step_ms, const char *instant, float out[TFT_N_CALENDAR])
{
    int64_t ms;
    assert_true(tft_time_parse(instant, strlen(instant), &ms));
    tft_calendar calendar = {0};
    tft_arena counting = {0}, arena;
    tft_calendar_layout(&calendar, step_ms, &counting);
    assert_int_equal(tft_arena_init(&arena, counting.used, NULL), TFT_OK);
    tft_calendar_layout(&calendar, step_ms, &arena);
    tft_calendar_inputs(&calendar, ms / step_ms, out);
    tft_arena_free(&arena);
}

static void expect_inputs(int64_t step_ms, const char *instant, double day, double week, double hour)
{
    float out[TFT_N_CALENDAR];
    inputs_of(step_ms, instant, out);
    const double turns[] = {day, week, hour};
    for (size_t i = 0; i < 3; i++) {
        assert_float_equal(out[2 * i], (float)sin(turns[i] * 2 * 3.14159265358979), 1e-6f);
        assert_float_equal(out[2 * i + 1], (float)cos(turns[i] * 2 * 3.14159265358979), 1e-6f);
    }
}

static void angles_of_known_instants(void **state)
{
    (void)state;
    expect_inputs(300000, "2025-10-13T00:00:00Z", 0.0, 0.0, 0.0); // a Monday
    expect_inputs(300000, "2025-10-13T06:00:00Z", 0.25, 0.25 / 7, 0.0);
    expect_inputs(300000, "2025-10-16T12:15:00Z", (12.25) / 24, (3 + 12.25 / 24) / 7, 0.25); // a Thursday
    expect_inputs(300000, "2025-10-19T23:55:00Z", 1 - 5.0 / 1440, 1 - 5.0 / 10080, 55.0 / 60);
    expect_inputs(660000, "1970-01-01T00:11:00Z", 11.0 / 1440, (3 + 11.0 / 1440) / 7,
                  11.0 / 60);                                                  // computed, not looked up
    expect_inputs(3600000, "1999-12-31T18:00:00Z", 0.75, (4 + 0.75) / 7, 0.0); // a Friday
}

static void the_hour_of_a_step_is_that_of_its_start(void **state)
{
    (void)state;
    assert_int_equal(tft_hour_of_day(300000, 0), 0);
    assert_int_equal(tft_hour_of_day(300000, 12 * 5 + 11), 5);
    assert_int_equal(tft_hour_of_day(300000, -1), 23);
    assert_int_equal(tft_hour_of_day(21600000, 3), 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_and_a_day_follow_the_step),
        cmocka_unit_test(angles_of_known_instants),
        cmocka_unit_test(the_hour_of_a_step_is_that_of_its_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
