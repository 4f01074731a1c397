/* test_incident_signs.c - the inputs of the incident head's own network, by metric and by state. */
#include "bench.h"

#include <math.h>

#include "base/rng.h"
#include "series/incident_signs.h"

/* Where some of them stand: pressure 0-18, marks 19-43, five horizons of five 44-68, four metrics of five 69-88, now 89-97. */
enum { NOW = 0, RUN = 19, SINCE_HIGH = 20, SINCE_START = 22, STARTS_7D = 37, FIRST_HORIZON = 44, PER_HORIZON = 5 };
enum { FIRST_METRIC = 69, PER_METRIC = 5, HEAVY = 95 };
enum { N = 9 * 288 };

static tft_contract rule_contract(bool by_metric)
{
    tft_contract contract = tft_contract_default();
    contract.incident = (tft_incident_rule){.by_metric = by_metric, .metric = 0, .level = 90, .steps = 3};
    return contract;
}

static void record(tft_series *series, int64_t i, double cpu, double mem, double latency)
{
    const double values[4] = {cpu, mem, 5, latency};
    assert_int_equal(tft_series_add(series, i, values, TFT_STATE_NONE, NULL), TFT_OK);
}

static bool near(float a, double b)
{
    return fabs((double)a - b) < 1e-5;
}

static void a_run_below_its_length_is_seen_and_no_start(void **state)
{
    (void)state;
    bench *const b = bench_open(rule_contract(true));
    tft_series series;
    tft_series_init(&series, 4, 0);
    for (int64_t i = 0; i < N; i++)
        record(&series, i, i >= N - 2 ? 95 : 9, 40, 20);
    build(b, &series, N - 1, NULL);
    const float *const s = b->window.signs;
    assert_true(near(s[NOW], 2 * 95.0 / 90) && near(s[NOW + 2], 2 * 9.0 / 90));
    assert_true(near(s[RUN], log1p(2) / 2) && s[SINCE_HIGH] == 0);
    assert_true(s[STARTS_7D] == 0);
    tft_series_free(&series);
    bench_close(b);
}

/* Three steps at 95 every four hours: every eight hours hold a start, half an hour rarely does. */
static void how_often_a_start_came_within_each_horizon_is_counted(void **state)
{
    (void)state;
    bench *const b = bench_open(rule_contract(true));
    tft_series series;
    tft_series_init(&series, 4, 0);
    for (int64_t i = 0; i < N; i++)
        record(&series, i, i % 48 < 3 ? 95 : 9, 40, 20);
    build(b, &series, N - 1, NULL);
    const float *const first = b->window.signs + FIRST_HORIZON, *const last = first + 4 * PER_HORIZON;
    assert_true(first[0] < 0 && last[0] > 2); // of the week
    assert_true(first[1] < 0 && last[1] > 1); // of the day
    assert_true(near(last[3], 4));            // the same eight hours of all seven days
    assert_true(near(b->window.signs[STARTS_7D], log1p(2016 / 48)));
    assert_true(near(b->window.signs[SINCE_START], log1p(45) / 2));
    tft_series_free(&series);
    bench_close(b);
}

/* The definition that incident_signs.c does not follow: every moment of the last `reach` steps, and every step after it. */
static double counted_frequency(const tft_series *series, const tft_contract *contract, size_t reach, size_t h)
{
    const size_t n = 2304, first = series->n_steps - n;
    double followed = 0, moments = 0;
    for (size_t i = n - h - reach; i + h < n; i++) {
        if (series->counts[first + i] == 0 || tft_series_in_incident(series, contract, first + i))
            continue;
        bool found = false;
        for (size_t t = 1; t <= h; t++)
            found = found || tft_series_incident_starts(series, contract, first + i + t);
        moments += 1;
        followed += found;
    }
    return fmax(log((followed + 0.1) / (moments - followed + 5)) / 2, -4);
}

static void frequencies_counted_by_starts_are_those_counted_by_moments(void **state)
{
    (void)state;
    static const size_t horizons[] = {6, 12, 24, 48, 96};
    bench *const b = bench_open(rule_contract(true));
    tft_rng rng = tft_rng_seeded(11, 0);
    for (int round = 0; round < 6; round++) { // from hardly ever to nearly always
        tft_series series;
        bool busy = false;
        tft_series_init(&series, 4, 0);
        for (int64_t i = 0; i < N; i++) {
            busy = tft_rng_uniform(&rng) < (busy ? 0.8 : 0.002 * (1 << 2 * round) / 4) || i == N - 20;
            if (tft_rng_uniform(&rng) < 0.95 || i == N - 1 || i == 0)
                record(&series, i, busy ? 95 : 9, 40, 20);
        }
        build(b, &series, N - 1, NULL);
        for (size_t k = 0; k < 5; k++) {
            const float *const s = b->window.signs + FIRST_HORIZON + k * PER_HORIZON;
            assert_true(near(s[0], counted_frequency(&series, &b->contract, 2016, horizons[k])));
            assert_true(near(s[1], counted_frequency(&series, &b->contract, 288, horizons[k])));
        }
        tft_series_free(&series);
    }
    bench_close(b);
}

/* By state no level is given: each metric with a limit has its distance and its rise, the others only their rise. */
static void a_leak_is_a_distance_that_shrinks(void **state)
{
    (void)state;
    bench *const b = bench_open(rule_contract(false));
    tft_series series;
    tft_series_init(&series, 4, 0);
    for (int64_t i = 0; i < N; i++) // memory rises by a point a step in the last three hours, to 76
        record(&series, i, 20, i < N - 36 ? 40 : 40 + (double)(i - (N - 37)), 20);
    build(b, &series, N - 1, NULL);
    const int mem = tft_contract_find(&b->contract, "mem_pct", 7);
    const float *const s = b->window.signs + FIRST_METRIC + PER_METRIC * (size_t)mem;
    assert_true(near(s[0], 4 * (1 - 75.0 / 95)));
    assert_true(near(s[1], 4 * asinh(6.0 / 95)) && near(s[2], 4 * asinh(12.0 / 95)) && s[3] > s[2]);
    assert_true(b->window.signs[NOW] > 1.5f); // the largest of the three pressures is memory's
    assert_true(b->window.signs[HEAVY] == 0);
    tft_series_free(&series);
    bench_close(b);
}

static void signs_are_finite_and_bounded_whatever_came(void **state)
{
    (void)state;
    for (int by_metric = 0; by_metric < 2; by_metric++) {
        bench *const b = bench_open(rule_contract(by_metric == 1));
        tft_rng rng = tft_rng_seeded(5, (uint64_t)by_metric);
        for (int round = 0; round < 20; round++) {
            tft_series series;
            tft_series_init(&series, 4, 0);
            const int64_t n = 2 + (int64_t)tft_rng_below(&rng, round < 10 ? 10 : 2500);
            for (int64_t i = 0; i < n; i++) {
                double values[4] = {100 * tft_rng_uniform(&rng), 40, 1e6 * tft_rng_uniform(&rng), 1e5};
                for (size_t m = 0; m < 4; m++)
                    values[m] = i + 2 < n && tft_rng_uniform(&rng) < 0.3 ? NAN : values[m];
                const tft_state sent = (tft_state)tft_rng_below(&rng, TFT_N_STATES);
                assert_int_equal(tft_series_add(&series, i, values, i + 2 < n ? sent : TFT_STATE_HEALTHY, NULL),
                                 TFT_OK);
            }
            build(b, &series, n - 1, NULL);
            for (size_t i = 0; i < b->config.n_signs; i++)
                assert_true(b->window.signs[i] >= -4 && b->window.signs[i] <= 4);
            tft_series_free(&series);
        }
        bench_close(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_below_its_length_is_seen_and_no_start),
        cmocka_unit_test(how_often_a_start_came_within_each_horizon_is_counted),
        cmocka_unit_test(frequencies_counted_by_starts_are_those_counted_by_moments),
        cmocka_unit_test(a_leak_is_a_distance_that_shrinks),
        cmocka_unit_test(signs_are_finite_and_bounded_whatever_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
