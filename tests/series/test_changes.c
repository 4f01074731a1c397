/* test_changes.c - the changes of a series over h steps: known ones, missing ones, too few. */
#include "series/changes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "series/summary.h"

enum { DAY = 288, N = 2304 };
static const float levels[3] = {0.1f, 0.5f, 0.9f};

static void a_straight_line_changes_by_its_slope_times_the_span(void **state)
{
    (void)state;
    static float column[N];
    tft_changes changes;
    float out[3];
    for (size_t i = 0; i < N; i++)
        column[i] = 0.25f * (float)i;
    tft_changes_make(column, N, DAY, levels, 3, &changes);
    for (size_t t = 1; t <= 96; t++) { // between the spans too: it is linear
        tft_changes_at(&changes, t, out);
        for (size_t q = 0; q < 3; q++)
            assert_float_equal(out[q], 0.25f * (float)t, 1e-3f);
    }
    tft_changes_at(&changes, 500, out); // beyond the largest span they stay
    assert_float_equal(out[1], 24.0f, 1e-3f);
}

static void quantiles_of_changes_ascend_and_only_the_reach_counts(void **state)
{
    (void)state;
    static float column[N];
    tft_changes changes;
    for (size_t i = 0; i < N; i++) // a wild past, then a calm day of a sawtooth
        column[i] = i < N - DAY ? (float)((i * 7919) % 1000) : (float)(i % 4);
    tft_changes_make(column, N, DAY, levels, 3, &changes);
    for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
        assert_true(changes.quantiles[0][s] <= changes.quantiles[1][s]);
        assert_true(changes.quantiles[1][s] <= changes.quantiles[2][s]);
        assert_true(fabsf(changes.quantiles[0][s]) <= 3.0f && fabsf(changes.quantiles[2][s]) <= 3.0f);
    }
    assert_float_equal(changes.quantiles[0][2], 0.0f, 0.0f); // a span of 4 is the sawtooth's period
    assert_float_equal(changes.quantiles[2][2], 0.0f, 0.0f);
}

static void short_and_broken_histories_have_finite_changes(void **state)
{
    (void)state;
    float column[40], out[3];
    tft_changes changes;
    for (size_t n = 1; n <= 40; n++) {
        for (size_t i = 0; i < n; i++)
            column[i] = i % 3 == 1 ? NAN : 5.0f;
        tft_changes_make(column, n, DAY, levels, 3, &changes);
        for (size_t t = 1; t <= 96; t++) {
            tft_changes_at(&changes, t, out);
            for (size_t q = 0; q < 3; q++)
                assert_float_equal(out[q], 0.0f, 0.0f);
        }
    }
}

static void the_level_leans_to_the_newest_values_and_skips_missing_ones(void **state)
{
    (void)state;
    const float rising[3] = {0.0f, NAN, 1.0f}, nothing[2] = {NAN, NAN};
    assert_float_equal(tft_level(rising, 3, 9.0f), 1.0f / 1.64f, 1e-6f); // weights 1 and 0.64
    assert_float_equal(tft_level(nothing, 2, 9.0f), 9.0f, 0.0f);
}

static void the_shift_is_today_against_yesterday(void **state)
{
    (void)state;
    static float column[N];
    const tft_pace pace = tft_pace_of(300000);
    for (size_t i = 0; i < N; i++)
        column[i] = i >= N - 12 ? 8.0f : 3.0f;
    assert_float_equal(tft_shift(column, N, &pace), 5.0f, 1e-6f);
    assert_float_equal(tft_shift(column, DAY, &pace), 0.0f, 0.0f); // no yesterday yet
    for (size_t i = N - DAY - 12; i < N - DAY; i++)
        column[i] = NAN;
    assert_float_equal(tft_shift(column, N, &pace), 0.0f, 0.0f);
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void all_spans_at_once_are_each_span_by_itself(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (size_t n = 1; n <= TFT_MOST_SAMPLES; n++) {
        tft_span_samples samples = {0};
        float alone[TFT_CHANGE_SPANS][TFT_MOST_SAMPLES];
        tft_changes made;
        for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
            samples.n[s] = (uint32_t)(s == 3 ? n / 2 : n - (n > s ? s : 0)); // not all have as many, and some none
            for (size_t k = 0; k < samples.n[s]; k++) {
                seed = seed * 1664525u + 1013904223u;
                alone[s][k] = samples.x[k][s] = (float)(int32_t)(seed >> 8) * (k % 5 == 0 ? 0.0f : 1e-3f);
            }
        }
        const tft_span_samples before = samples;
        for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
            for (size_t k = samples.n[s]; k < n; k++)
                samples.x[k][s] = NAN;
        }
        tft_span_rows_quantiles(&samples, n, levels, 3, &made);
        for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
            float want[3] = {0.0f, 0.0f, 0.0f};
            if (s > 0) {
                for (size_t q = 0; q < 3; q++)
                    want[q] = made.quantiles[q][s - 1];
            }
            qsort(alone[s], before.n[s], sizeof(float), ascending);
            for (size_t q = 0; q < 3 && before.n[s] > 0; q++)
                want[q] = tft_quantile_sorted(alone[s], before.n[s], levels[q]);
            for (size_t q = 0; q < 3; q++)
                assert_memory_equal(&made.quantiles[q][s], &want[q], sizeof want[q]);
        }
    }
}

static void all_steps_at_once_are_each_step_by_itself(void **state)
{
    (void)state;
    tft_changes changes = {.n_levels = 3};
    uint32_t seed = 3;
    for (size_t q = 0; q < 3; q++) {
        for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
            seed = seed * 1664525u + 1013904223u;
            changes.quantiles[q][s] = (float)(int32_t)seed * 1e-6f;
        }
    }
    static const size_t lengths[] = {1, 2, 3, 17, 95, 96, 97, 300};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        float all[3 * 300], one[3];
        const size_t n = lengths[i];
        tft_changes_along(&changes, n, all);
        for (size_t t = 1; t <= n; t++) {
            tft_changes_at(&changes, t, one);
            for (size_t q = 0; q < 3; q++)
                assert_memory_equal(&all[q * n + t - 1], &one[q], sizeof one[q]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_straight_line_changes_by_its_slope_times_the_span),
        cmocka_unit_test(quantiles_of_changes_ascend_and_only_the_reach_counts),
        cmocka_unit_test(short_and_broken_histories_have_finite_changes),
        cmocka_unit_test(the_level_leans_to_the_newest_values_and_skips_missing_ones),
        cmocka_unit_test(all_spans_at_once_are_each_span_by_itself),
        cmocka_unit_test(all_steps_at_once_are_each_step_by_itself),
        cmocka_unit_test(the_shift_is_today_against_yesterday),
    };
    return cmocka_run_group_tests_name("series.changes", tests, NULL, NULL);
}
