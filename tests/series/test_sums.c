/* test_sums.c - several metrics added up side by side are each of them added up alone, to the last bit. */
#include "check.h"

#include <stdlib.h>

#include "base/rng.h"
#include "series/sums.h"

enum { STEPS = 2304, METRICS = 6 };

typedef struct fixture {
    tft_contract contract;
    tft_arena arena;
    tft_past past;
} fixture;

static void open_fixture(fixture *f, size_t n_steps)
{
    tft_arena counting = {0};
    tft_series series;
    tft_rng rng = tft_rng_seeded(3, 0);
    *f = (fixture){.contract = contract_of(METRICS)};
    f->contract.memory = STEPS;
    tft_past_layout(&f->past, &f->contract, &counting);
    assert_int_equal(tft_arena_init(&f->arena, counting.used, NULL), TFT_OK);
    tft_past_layout(&f->past, &f->contract, &f->arena);
    tft_series_init(&series, METRICS, 0);
    for (size_t i = 0; i < n_steps; i++) {
        double values[METRICS];
        for (size_t m = 0; m < METRICS; m++) {
            const double u = tft_rng_uniform(&rng);
            values[m] = m == 4 || u < 0.05 || (m == 1 && i % 288 < 40) ? (double)NAN : 1e3 * u - 300.0 * (double)m;
        }
        assert_int_equal(tft_series_add(&series, (int64_t)i, values, TFT_STATE_HEALTHY, NULL), TFT_OK);
    }
    tft_past_take(&f->past, &f->contract, &series, (int64_t)n_steps - 1, NULL);
    tft_series_free(&series);
}

static tft_span_sum of_span(const float *column, size_t n, size_t span)
{
    tft_span_sum s = {0};
    for (size_t age = 0; age < n && age < span; age++) {
        const float value = column[n - 1 - age];
        if (isnan(value))
            continue;
        s.sum += (double)value;
        s.magnitude += fabs((double)value);
        s.n++;
    }
    return s;
}

static void assert_same(tft_span_sum made, tft_span_sum want)
{
    assert_memory_equal(&made.sum, &want.sum, sizeof want.sum);
    assert_memory_equal(&made.magnitude, &want.magnitude, sizeof want.magnitude);
    assert_int_equal(made.n, want.n);
}

static void sums_are_those_of_each_metric_alone(void **state)
{
    (void)state;
    static const size_t lengths[] = {2, 100, STEPS};
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        fixture f;
        open_fixture(&f, lengths[k]);
        const tft_pace pace = tft_pace_of(f.contract.step_ms);
        tft_sums sums[2 * TFT_SUM_LANES];
        tft_sums_make(&f.past, &pace, 0, sums);
        tft_sums_make(&f.past, &pace, TFT_SUM_LANES, sums + TFT_SUM_LANES);
        for (size_t m = 0; m < METRICS; m++) {
            const size_t n = f.past.n;
            const float *const column = f.past.columns + m * n;
            assert_same(sums[m].hour, of_span(column, n, pace.hour));
            assert_same(sums[m].day, of_span(column, n, pace.day));
            assert_same(sums[m].week, of_span(column, n, pace.week));
            double change = 0.0;
            size_t n_changes = 0;
            for (size_t i = n - pace.day; i < n; i++) {
                const float by = fabsf(column[i] - column[i - 1]);
                change += isnan(by) ? 0.0 : (double)by;
                n_changes += isnan(by) == 0;
            }
            assert_memory_equal(&sums[m].change, &change, sizeof change);
            assert_int_equal(sums[m].n_changes, n_changes);
        }
        tft_arena_free(&f.arena);
    }
}

static void the_mean_of_an_hour_is_of_what_is_known_in_it(void **state)
{
    (void)state;
    enum { WEEK = 2016, HOUR = 12 };
    static float means[WEEK][TFT_SUM_LANES];
    fixture f;
    open_fixture(&f, STEPS);
    for (size_t first = 0; first < METRICS; first += TFT_SUM_LANES) {
        tft_hour_means(&f.past, HOUR, first, WEEK, means);
        for (size_t m = first; m < METRICS && m < first + TFT_SUM_LANES; m++) {
            const float *const column = f.past.columns + m * f.past.n + f.past.n - WEEK;
            for (size_t i = 0; i < WEEK; i++) {
                double sum = 0.0;
                size_t count = 0;
                for (size_t k = i + 1 > HOUR ? i + 1 - HOUR : 0; k <= i; k++) {
                    sum += isnan(column[k]) ? 0.0 : (double)column[k];
                    count += isnan(column[k]) == 0;
                }
                assert_float_equal(means[i][m - first], count > 0 ? (float)(sum / (double)count) : 0.0f, 1e-3f);
            }
        }
    }
    tft_arena_free(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_each_metric_alone),
        cmocka_unit_test(the_mean_of_an_hour_is_of_what_is_known_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
