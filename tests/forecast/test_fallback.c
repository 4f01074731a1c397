/* test_fallback.c - the fallback on every kind of short history, and its incident estimate. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "forecast/fallback.h"

#define NONE ((double)NAN)
#define STEP 300000
enum { CPU, MEM, DISK, LATENCY, HORIZON = 96, ROWS = FORECAST_N_QUANTILES * HORIZON };
static const int64_t ORIGIN = 5867904; // 2025-10-13T16:00:00Z in steps

/* A history of one metric, given step by step up to the origin, or record by record. */
typedef struct given {
    tft_contract contract;
    fallback_settings settings;
    tft_series series;
    fallback_recent recent;
    float values[FLEET_RECENT * 4];
    float rows[ROWS];
} given;

static void begin(given *h)
{
    memset(h, 0, sizeof *h);
    h->contract = tft_contract_default();
    h->settings = fallback_settings_default();
    tft_series_init(&h->series, h->contract.n_metrics, h->contract.memory);
    h->recent.values = h->values;
}

static void add_step(given *h, int64_t before_origin, double cpu)
{
    const double values[4] = {cpu, NONE, NONE, NONE};
    assert_int_equal(tft_series_add(&h->series, ORIGIN - before_origin, values, TFT_STATE_NONE, NULL), TFT_OK);
}

static void add_record(given *h, int64_t before_end_ms, double cpu)
{
    const size_t i = h->recent.n++;
    h->recent.ms[i] = (ORIGIN + 1) * STEP - before_end_ms;
    for (size_t m = 0; m < 4; m++)
        h->values[i * 4 + m] = m == CPU ? (float)cpu : NAN;
}

static bool forecast(given *h)
{
    return fallback_forecast(&h->settings, &h->contract, &h->series, &h->recent, ORIGIN, CPU, h->rows, HORIZON);
}

static double at(const given *h, size_t q, size_t t)
{
    return (double)h->rows[q * HORIZON + t];
}

static void check_shape(const given *h, const tft_metric *metric)
{
    for (size_t t = 0; t < HORIZON; t++)
        for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
            assert_true(isfinite(at(h, q, t)));
            assert_true(at(h, q, t) >= metric->min && at(h, q, t) <= metric->max);
            assert_true(q == 0 || at(h, q, t) >= at(h, q - 1, t));
        }
}

static void a_constant_history_stays_where_it_is(void **state)
{
    (void)state;
    given h;
    begin(&h);
    for (int i = 0; i < 24; i++)
        add_step(&h, i, 40);
    assert_true(forecast(&h));
    check_shape(&h, &h.contract.metrics[CPU]);
    for (size_t t = 0; t < HORIZON; t++)
        assert_true(fabs(at(&h, FORECAST_P50, t) - 40) < 1e-4);
    assert_true(at(&h, 6, 0) > at(&h, 0, 0)); // never certain
    tft_series_free(&h.series);
}

static void a_line_is_followed_and_damped(void **state)
{
    (void)state;
    given h;
    begin(&h);
    for (int i = 0; i < 24; i++)
        add_step(&h, i, 50 - i); // 1 a step upwards, 50 now
    assert_true(forecast(&h));
    check_shape(&h, &h.contract.metrics[CPU]);
    assert_true(fabs(at(&h, FORECAST_P50, 0) - 50.9) < 1e-3);  // φ = 9/10
    assert_true(fabs(at(&h, FORECAST_P50, 1) - 51.71) < 1e-3); // + φ²
    for (size_t t = 1; t < HORIZON; t++)
        assert_true(at(&h, FORECAST_P50, t) >= at(&h, FORECAST_P50, t - 1));
    assert_true(at(&h, FORECAST_P50, HORIZON - 1) > 58.9 && at(&h, FORECAST_P50, HORIZON - 1) <= 59.0);
    tft_series_free(&h.series);
}

static void one_wild_step_does_not_bend_the_line(void **state)
{
    (void)state;
    given h;
    begin(&h);
    for (int i = 0; i < 24; i++)
        add_step(&h, i, i == 0 || i == 5 || i == 17 ? 99 : 30);
    assert_true(forecast(&h));
    assert_true(fabs(at(&h, FORECAST_P50, 0) - 30) < 0.5);
    assert_true(fabs(at(&h, FORECAST_P50, HORIZON - 1) - 30) < 0.5);
    tft_series_free(&h.series);
}

static void quantiles_widen_with_the_root_of_time(void **state)
{
    (void)state;
    given h;
    begin(&h);
    tft_rng rng = tft_rng_seeded(3, 0);
    for (int i = 0; i < 24; i++)
        add_step(&h, i, 50 + 0.5 * tft_rng_normal(&rng));
    assert_true(forecast(&h));
    check_shape(&h, &h.contract.metrics[CPU]);
    const double first = at(&h, 5, 0) - at(&h, 1, 0);
    for (size_t t = 0; t < HORIZON; t++)
        assert_true(fabs((at(&h, 5, t) - at(&h, 1, t)) / first - sqrt((double)t + 1)) < 1e-2);
    // p90 − p10 of a normal is 2.563 σ; σ is estimated from 24 values.
    assert_true(first > 0.5 * 2.563 * 0.5 && first < 2.0 * 2.563 * 0.5);
    tft_series_free(&h.series);
}

static void two_records_are_enough_and_are_not_trusted_far(void **state)
{
    (void)state;
    given h;
    begin(&h);
    add_step(&h, 0, 42.5);
    add_record(&h, 10000, 40);
    add_record(&h, 5000, 45); // 5 in 5 seconds: 300 a step if one believed it
    assert_true(forecast(&h));
    check_shape(&h, &h.contract.metrics[CPU]);
    // Two points 1/60 step apart carry the trend by 1/60 step: 5 more at the very most.
    assert_true(at(&h, FORECAST_P50, HORIZON - 1) >= 45 && at(&h, FORECAST_P50, HORIZON - 1) <= 50);
    tft_series_free(&h.series);
}

static void one_value_is_enough(void **state)
{
    (void)state;
    given h;
    begin(&h);
    add_step(&h, 7, 42);
    assert_true(forecast(&h));
    check_shape(&h, &h.contract.metrics[CPU]);
    assert_true(fabs(at(&h, FORECAST_P50, 50) - 42) < 1e-4);
    tft_series_free(&h.series);
    begin(&h);
    add_step(&h, 200, 43); // long ago, but the last that is known
    assert_true(forecast(&h));
    assert_true(fabs(at(&h, FORECAST_P50, 0) - 43) < 1e-4);
    tft_series_free(&h.series);
}

static void gaps_are_not_values(void **state)
{
    (void)state;
    given h;
    begin(&h);
    for (int i = 0; i < 24; i += 3)
        add_step(&h, i, 60 - i);
    for (int i = 1; i < 24; i += 3) // records without cpu
        add_step(&h, i, NONE);
    assert_true(forecast(&h));
    check_shape(&h, &h.contract.metrics[CPU]);
    assert_true(fabs(at(&h, FORECAST_P50, 0) - 60.9) < 1e-3);
    tft_series_free(&h.series);
}

static void nothing_known_is_no_forecast(void **state)
{
    (void)state;
    given h;
    begin(&h);
    h.rows[0] = 17;
    assert_false(forecast(&h));
    add_step(&h, 3, NONE);
    assert_false(forecast(&h));
    add_step(&h, -1, 50); // after the origin: nobody knows it yet
    assert_false(forecast(&h));
    assert_true(h.rows[0] == 17);
    tft_series_free(&h.series);
}

static void what_comes_after_the_origin_is_not_read(void **state)
{
    (void)state;
    given a, b;
    begin(&a);
    begin(&b);
    for (int i = 0; i < 10; i++) {
        add_step(&a, i, 40 + i % 3);
        add_step(&b, i, 40 + i % 3);
    }
    for (int i = 1; i < 5; i++)
        add_step(&b, -i, 99);
    assert_true(forecast(&a) && forecast(&b));
    assert_memory_equal(a.rows, b.rows, sizeof a.rows);
    tft_series_free(&a.series);
    tft_series_free(&b.series);
    begin(&a);
    begin(&b);
    for (int i = 1; i < 8; i++) { // the same for records
        add_record(&a, i * 5000, 40 + i % 3);
        add_record(&b, i * 5000, 40 + i % 3);
        add_record(&b, -(i - 1) * 5000, 99);
    }
    assert_true(forecast(&a) && forecast(&b));
    assert_memory_equal(a.rows, b.rows, sizeof a.rows);
    tft_series_free(&a.series);
    tft_series_free(&b.series);
}

static void any_history_gives_quantiles_in_order_and_in_range(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(11, 0);
    for (int round = 0; round < 400; round++) {
        given h;
        begin(&h);
        const double scale = pow(10, tft_rng_uniform(&rng) * 3 - 1);
        const size_t n = 1 + tft_rng_below(&rng, 30);
        for (size_t i = 0; i < n; i++)
            add_step(&h, (int64_t)tft_rng_below(&rng, 40), fmin(fmax(50 + scale * tft_rng_normal(&rng), 0), 100));
        for (size_t i = 0; i < tft_rng_below(&rng, FLEET_RECENT); i++)
            add_record(&h, (int64_t)tft_rng_below(&rng, 900000), 100 * tft_rng_uniform(&rng));
        assert_true(forecast(&h));
        check_shape(&h, &h.contract.metrics[CPU]);
        tft_series_free(&h.series);
    }
}

/* ---- incidents -------------------------------------------------------------------------------------------------- */

static void flat(float *rows, double p50, double spread)
{
    static const double off[FORECAST_N_QUANTILES] = {-2, -1.3, -0.7, 0, 0.7, 1.3, 2};
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
        for (size_t t = 0; t < HORIZON; t++)
            rows[q * HORIZON + t] = (float)(p50 + spread * off[q]);
}

static void estimate(const float *cpu_rows, bool in_incident, float *curve)
{
    static float rows[4 * ROWS];
    static const bool present[4] = {true, false, false, false};
    const tft_contract contract = tft_contract_default();
    const fallback_settings settings = fallback_settings_default();
    state_rules rules;
    state_rules_default(&contract, &rules);
    memcpy(rows, cpu_rows, ROWS * sizeof(float));
    fallback_incident(&settings, &contract, &rules, TFT_PROFILE_GENERIC, in_incident, rows, present, HORIZON, curve);
    for (size_t t = 0; t < HORIZON; t++) {
        assert_true(curve[t] > 0.0f && curve[t] <= 1.0f);
        assert_true(t == 0 || curve[t] >= curve[t - 1]);
    }
}

static void a_quiet_server_has_the_base_rate(void **state)
{
    (void)state;
    float rows[ROWS], curve[HORIZON];
    flat(rows, 30, 2);
    estimate(rows, false, curve);
    assert_true(fabs((double)curve[0] - 0.0002) < 1e-6);
    assert_true(fabs((double)curve[95] - (1 - pow(0.9998, 96))) < 1e-5);
}

static void a_forecast_across_the_critical_level_is_likely_an_incident(void **state)
{
    (void)state;
    float rows[ROWS], curve[HORIZON];
    flat(rows, 95, 2); // half of it at or above 95
    estimate(rows, false, curve);
    assert_true(curve[0] > 0.499f && curve[0] < 0.502f && curve[95] < 0.52f);
    flat(rows, 99, 1);
    estimate(rows, false, curve);
    assert_true(curve[0] > 0.97f);
}

static void in_an_incident_a_new_one_needs_an_end_first(void **state)
{
    (void)state;
    float rows[ROWS], curve[HORIZON];
    flat(rows, 99, 1); // stays critical: no new one
    estimate(rows, true, curve);
    assert_true(curve[95] < 0.05f);
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
        for (size_t t = 10; t < 20; t++)
            rows[q * HORIZON + t] -= 60; // recovers, and breaks again
    estimate(rows, true, curve);
    assert_true(curve[15] < 0.05f && curve[20] > 0.9f);
}

static void without_any_metric_there_is_still_an_estimate(void **state)
{
    (void)state;
    const tft_contract contract = tft_contract_default();
    const fallback_settings settings = fallback_settings_default();
    state_rules rules;
    state_rules_default(&contract, &rules);
    static const float rows[4 * ROWS];
    static const bool present[4];
    float curve[HORIZON];
    fallback_incident(&settings, &contract, &rules, TFT_PROFILE_GENERIC, false, rows, present, HORIZON, curve);
    assert_true(curve[0] > 0 && curve[95] > curve[0] && curve[95] < 0.02f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_history_stays_where_it_is),
        cmocka_unit_test(a_line_is_followed_and_damped),
        cmocka_unit_test(one_wild_step_does_not_bend_the_line),
        cmocka_unit_test(quantiles_widen_with_the_root_of_time),
        cmocka_unit_test(two_records_are_enough_and_are_not_trusted_far),
        cmocka_unit_test(one_value_is_enough),
        cmocka_unit_test(gaps_are_not_values),
        cmocka_unit_test(nothing_known_is_no_forecast),
        cmocka_unit_test(what_comes_after_the_origin_is_not_read),
        cmocka_unit_test(any_history_gives_quantiles_in_order_and_in_range),
        cmocka_unit_test(a_quiet_server_has_the_base_rate),
        cmocka_unit_test(a_forecast_across_the_critical_level_is_likely_an_incident),
        cmocka_unit_test(in_an_incident_a_new_one_needs_an_end_first),
        cmocka_unit_test(without_any_metric_there_is_still_an_estimate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
