/* test_clock.c - quantiles by the clock: jobs that come by the hour and by the day, gaps, short histories. */
#include "series/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "series/check.h"

enum { WEEK = 2016, N = 2304, HORIZON = 96 };
static const float levels[3] = {0.1f, 0.5f, 0.9f};
static const tft_pace pace = {.step_ms = 300000, .hour = 12, .day = 288, .week = WEEK};

typedef struct fixture {
    tft_arena arena;
    tft_analog_finder finder;
    float column[N + TFT_PAST_SPARE];
    tft_analogs analogs;
    tft_clock clock;
} fixture;

static fixture *open_fixture(float value)
{
    fixture *f = test_calloc(1, sizeof *f);
    tft_arena count = {0};
    tft_analog_finder_layout(&f->finder, &pace, &count);
    assert_int_equal(tft_arena_init(&f->arena, count.used, NULL), TFT_OK);
    tft_analog_finder_layout(&f->finder, &pace, &f->arena);
    for (size_t i = 0; i < N; i++)
        f->column[i] = value;
    f->clock = (tft_clock){f->column, N, &pace, levels, 3};
    return f;
}

static void close_fixture(fixture *f)
{
    tft_arena_free(&f->arena);
    test_free(f);
}

static void find_analogs(fixture *f, size_t n)
{
    float *const from = f->column + N - n;
    const tft_past past = {.n = n, .values = from, .columns = from, .steps = {.n_metrics = 1}};
    tft_analog_finder_begin(&f->finder, &past, &pace, 0);
    tft_analogs_make(&f->finder, &past, 0, &pace, 5.0f, levels, 3, &f->analogs);
}

static void a_job_of_every_hour_is_due_at_its_minute_and_not_before(void **state)
{
    (void)state;
    fixture *const f = open_fixture(1.0f);
    for (size_t i = 5; i < N; i += 12)
        f->column[i] = 50.0f;
    find_analogs(f, N);
    assert_int_equal(f->analogs.n_at_minute, TFT_CLOCK_MOMENTS);
    for (size_t t = 1; t <= HORIZON; t++) {
        const float due = (N - 1 + t) % 12 == 5 ? 50.0f : 1.0f;
        float minute[3], moments[3];
        assert_true(tft_clock_minute(&f->clock, t, minute));
        assert_true(tft_clock_moments(&f->clock, &f->analogs, t, moments));
        for (size_t q = 0; q < 3; q++) {
            assert_float_equal(minute[q], due, 0.0f);
            assert_float_equal(moments[q], due, 0.0f);
        }
    }
    close_fixture(f);
}

static void a_job_of_every_night_is_due_at_its_time_a_step_early_or_late(void **state)
{
    (void)state;
    fixture *const f = open_fixture(1.0f);
    for (size_t i = 40; i < N; i += 288)
        f->column[i] = 90.0f;
    for (size_t t = 1; t <= HORIZON; t++) {
        const size_t at = (N - 1 + t) % 288;
        float time[3];
        assert_true(tft_clock_time(&f->clock, t, time));
        assert_float_equal(time[0], 1.0f, 0.0f);
        assert_float_equal(time[1], 1.0f, 0.0f); // one of three
        assert_float_equal(time[2], at >= 39 && at <= 41 ? 90.0f : 1.0f, 0.0f);
    }
    close_fixture(f);
}

static void what_is_missing_is_left_out_and_too_little_is_said(void **state)
{
    (void)state;
    fixture *const f = open_fixture(NAN);
    const tft_clock young = {f->column, 2, &pace, levels, 3};
    float out[3] = {7.0f, 7.0f, 7.0f};
    f->analogs.n_at_minute = 0;
    for (size_t t = 1; t <= HORIZON; t++) {
        assert_false(tft_clock_minute(&f->clock, t, out));
        assert_false(tft_clock_time(&f->clock, t, out));
        assert_false(tft_clock_moments(&f->clock, &f->analogs, t, out));
        assert_false(tft_clock_minute(&young, t, out));
        assert_false(tft_clock_time(&young, t, out));
    }
    assert_float_equal(out[1], 7.0f, 0.0f);
    for (size_t k = 1; k <= 4; k++)
        f->column[N - 12 * k] = (float)k; // age 12k − 1: phase 0 of the hour to come
    assert_true(tft_clock_minute(&f->clock, 1, out));
    assert_float_equal(out[1], 2.5f, 0.0f);
    assert_false(tft_clock_minute(&f->clock, 2, out));
    close_fixture(f);
}

static void assert_same(bool known, const float alone[3], unsigned enough, const tft_changes *all, size_t i)
{
    assert_int_equal(enough >> i & 1u, known);
    for (size_t q = 0; q < 3 && known; q++)
        assert_memory_equal(&all->quantiles[q][i], &alone[q], sizeof(float));
}

static void steps_side_by_side_are_those_one_by_one(void **state)
{
    (void)state;
    fixture *const f = open_fixture(1.0f);
    for (size_t i = 0; i < N; i++)
        f->column[i] = i % 7 == 3 || (i > N - 900 && i % 288 < 200) ? NAN : (float)((i * 7919) % 1013) - 300.0f;
    find_analogs(f, N);
    size_t alone = 0;
    for (size_t t = 1; t + TFT_CHANGE_SPANS <= HORIZON; t += 3) {
        for (size_t n = 1; n <= TFT_CHANGE_SPANS; n += 7) {
            tft_changes times, moments, minutes;
            const size_t left = 12 - (t - 1) % 12, phases = n < left ? n : left; // of one hour
            const unsigned enough_times = tft_clock_times(&f->clock, t, n, &times),
                           enough_moments = tft_clock_all_moments(&f->clock, &f->analogs, t, n, &moments),
                           enough_minutes = tft_clock_minutes(&f->clock, t, phases, &minutes);
            for (size_t i = 0; i < phases; i++) {
                float minute[3] = {0};
                assert_same(tft_clock_minute(&f->clock, t + i, minute), minute, enough_minutes, &minutes, i);
            }
            for (size_t i = 0; i < n; i++) {
                float time[3] = {0}, moment[3] = {0};
                const bool known = tft_clock_time(&f->clock, t + i, time);
                alone += known;
                assert_same(known, time, enough_times, &times, i);
                assert_same(tft_clock_moments(&f->clock, &f->analogs, t + i, moment), moment, enough_moments, &moments,
                            i);
            }
        }
    }
    assert_true(alone > 0);
    close_fixture(f);
}

static void moments_are_of_the_minute_also_where_the_newest_value_is_late(void **state)
{
    (void)state;
    fixture *const f = open_fixture(1.0f);
    for (size_t i = 5; i < N; i += 12)
        f->column[i] = 50.0f;
    for (size_t i = N - 7; i < N; i++)
        f->column[i] = NAN;
    find_analogs(f, N);
    assert_true(f->analogs.n_at_minute > 0);
    for (size_t i = 0; i < f->analogs.n_at_minute; i++) {
        assert_int_equal(f->analogs.ages_at_minute[i] % 12, 0);
        assert_true(f->analogs.ages_at_minute[i] >= HORIZON);
    }
    close_fixture(f);
}

static void too_few_moments_at_the_minute_are_none(void **state)
{
    (void)state;
    fixture *const f = open_fixture(1.0f);
    const size_t two_days = 576, three_days = 864;
    find_analogs(f, two_days);
    assert_true(f->analogs.found);
    assert_int_equal(f->analogs.n_at_minute, 10); // a quarter of forty
    find_analogs(f, 560);
    assert_int_equal(f->analogs.n_at_minute, 0);
    find_analogs(f, three_days);
    assert_int_equal(f->analogs.n_at_minute, 16);
    close_fixture(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_of_every_hour_is_due_at_its_minute_and_not_before),
        cmocka_unit_test(a_job_of_every_night_is_due_at_its_time_a_step_early_or_late),
        cmocka_unit_test(what_is_missing_is_left_out_and_too_little_is_said),
        cmocka_unit_test(steps_side_by_side_are_those_one_by_one),
        cmocka_unit_test(moments_are_of_the_minute_also_where_the_newest_value_is_late),
        cmocka_unit_test(too_few_moments_at_the_minute_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
