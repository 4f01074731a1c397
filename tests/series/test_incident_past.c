/* test_incident_past.c - the optional inputs about past incidents, by metric and by state. */
#include "bench.h"

#include <math.h>

#include "series/features.h"

static tft_contract rule_contract(bool by_metric)
{
    tft_contract contract = tft_contract_default();
    contract.incident =
        (tft_incident_rule){.by_metric = by_metric, .metric = 0, .level = 90, .steps = 3, .inputs = true};
    return contract;
}

/* Nine days of cpu 10; `high` steps before the end are at 95. */
static void fill(tft_series *series, const size_t *high, size_t n_high, tft_state high_state)
{
    const int64_t n = 9 * 288;
    tft_series_init(series, 4, 0);
    for (int64_t i = 0; i < n; i++) {
        double values[4] = {10, 40, 5, 20};
        tft_state state = high_state == TFT_STATE_NONE ? TFT_STATE_NONE : TFT_STATE_HEALTHY;
        for (size_t k = 0; k < n_high; k++) {
            if ((size_t)(n - 1 - i) == high[k]) {
                values[0] = 95;
                state = high_state;
            }
        }
        assert_int_equal(tft_series_add(series, i, values, state, NULL), TFT_OK);
    }
}

static void a_model_that_does_not_ask_reads_what_it_always_read(void **state)
{
    (void)state;
    tft_contract plain = tft_contract_default(), more = rule_contract(true);
    assert_int_equal(tft_feature_count(&plain, TFT_STATIC), 48);
    assert_int_equal(tft_feature_count(&more, TFT_STATIC), 48 + 15);
    assert_int_equal(tft_feature_count(&more, TFT_ENCODER), tft_feature_count(&plain, TFT_ENCODER) + 1);
    assert_int_equal(tft_feature_count(&more, TFT_DECODER), tft_feature_count(&plain, TFT_DECODER) + 7);
}

static void runs_shares_and_distances_of_high_steps(void **state)
{
    (void)state;
    bench *const b = bench_open(rule_contract(true));
    tft_series series;
    const size_t high[] = {0, 1, 100}; // two in a row now: one more and it is an incident
    fill(&series, high, 3, TFT_STATE_NONE);
    build(b, &series, 9 * 288 - 1, NULL);
    assert_true(fabs((double)static_real(b, "incident_run") - 2.0 / 3) < 1e-6);
    assert_true(static_real(b, "incident_since_high") == 0);
    assert_true(fabs((double)static_real(b, "incident_high_1h") - 2.0 / 12) < 1e-6);
    assert_true(fabs((double)static_real(b, "incident_high_24h") - 3.0 / 288) < 1e-6);
    assert_true(fabs((double)static_real(b, "incident_headroom") - (90.0 - 95) / 90) < 1e-6);
    assert_true(static_real(b, "incidents_6h") == 0);
    assert_true(fabs((double)encoder_real(b, 287, "incident_level") - 95.0 / 90) < 1e-6);
    assert_true(fabs((double)encoder_real(b, 280, "incident_level") - 10.0 / 90) < 1e-6);
    tft_series_free(&series);
    bench_close(b);
}

static void starts_come_back_at_the_same_time_of_the_day(void **state)
{
    (void)state;
    bench *const b = bench_open(rule_contract(true));
    tft_series series;
    // three in a row on each of two days, the third of them 250 and 538 steps before the origin
    const size_t high[] = {252, 251, 250, 540, 539, 538};
    fill(&series, high, 6, TFT_STATE_NONE);
    build(b, &series, 9 * 288 - 1, NULL);
    const size_t t = 288 - 250; // that time today
    assert_true(decoder_real(b, t, "incident_start_1d") == 1);
    assert_true(decoder_real(b, t + 1, "incident_start_1d") == 1); // a step of tolerance
    assert_true(decoder_real(b, t + 2, "incident_start_1d") == 0);
    assert_true(fabs((double)decoder_real(b, t, "incident_start_7d") - 2.0 / 7) < 1e-6);
    assert_true(fabs((double)decoder_real(b, t - 6, "incident_start_around_7d") - 2.0 / 7) < 1e-6);
    assert_true(fabs((double)decoder_real(b, t - 2, "incident_high_same_time") - 2.0 / 7) < 1e-6);
    assert_true(fabs((double)decoder_real(b, t % 12, "incident_start_same_minute") - 1.0 / 24) < 1e-6);
    tft_series_free(&series);
    bench_close(b);
}

static void build_calm(bench *b, tft_series *series, int64_t n)
{
    tft_series_init(series, 4, 0);
    for (int64_t i = 0; i < n; i++) {
        const double values[4] = {10 + (double)(i % 7), 40, 5, 20};
        assert_int_equal(tft_series_add(series, i, values, TFT_STATE_NONE, NULL), TFT_OK);
    }
    build(b, series, n - 1, NULL);
}

/* A jump to 60 foretells three steps at 95, five steps later, every four hours and a bit: no clock knows it, likeness does. */
static void what_followed_moments_like_now_is_counted(void **state)
{
    (void)state;
    enum { PERIOD = 51, N = 9 * 288 };
    bench *const b = bench_open(rule_contract(true));
    tft_series series;
    tft_series_init(&series, 4, 0);
    for (int64_t i = 0; i < N; i++) {
        const int64_t phase = (i - (N - 1) + 100 * PERIOD) % PERIOD; // the jump is now
        const double values[4] = {phase == 0 ? 60 : phase >= 5 && phase <= 7 ? 95 : 10, 40, 5, 20};
        assert_int_equal(tft_series_add(&series, i, values, TFT_STATE_NONE, NULL), TFT_OK);
    }
    build(b, &series, N - 1, NULL);
    assert_true(decoder_real(b, 6, "incident_analogs") < decoder_real(b, 7, "incident_analogs"));
    assert_true(decoder_real(b, 3, "incident_analogs_rate") > decoder_real(b, 40, "incident_analogs_rate"));
    const float now = decoder_real(b, 8, "incident_analogs");
    tft_series_free(&series);
    build_calm(b, &series, N);
    assert_true(decoder_real(b, 8, "incident_analogs") < now - 0.5f);
    tft_series_free(&series);
    bench_close(b);
}

static void by_state_an_incident_is_what_is_high(void **state)
{
    (void)state;
    bench *const b = bench_open(rule_contract(false));
    tft_series series;
    const size_t high[] = {5, 6};
    fill(&series, high, 2, TFT_STATE_CRITICAL_ISSUE);
    build(b, &series, 9 * 288 - 1, NULL);
    assert_true(static_real(b, "incident_run") == 0);
    assert_true(fabs((double)static_real(b, "incident_high_1h") - 2.0 / 12) < 1e-6);
    assert_true(fabs((double)static_real(b, "incidents_1h") - log(2)) < 1e-6);
    assert_true(static_real(b, "incident_headroom") == 0);
    assert_true(encoder_real(b, 282, "incident_level") == 1);
    tft_series_free(&series);
    bench_close(b);
}

static void every_input_is_finite_with_two_steps_of_history(void **state)
{
    (void)state;
    bench *const b = bench_open(rule_contract(true));
    tft_series series;
    tft_series_init(&series, 4, 0);
    const double values[4] = {NAN, 40, 5, 20};
    for (int64_t i = 0; i < 2; i++)
        assert_int_equal(tft_series_add(&series, i, values, TFT_STATE_NONE, NULL), TFT_OK);
    build(b, &series, 1, NULL);
    for (size_t i = 0; i < b->config.static_inputs.n_reals; i++)
        assert_true(isfinite(b->window.static_reals[i]));
    for (size_t i = 0; i < 2 * b->config.encoder_inputs.n_reals; i++)
        assert_true(isfinite(b->window.encoder_reals[i]));
    for (size_t i = 0; i < 96 * b->config.decoder_inputs.n_reals; i++)
        assert_true(isfinite(b->window.decoder_reals[i]));
    tft_series_free(&series);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_does_not_ask_reads_what_it_always_read),
        cmocka_unit_test(runs_shares_and_distances_of_high_steps),
        cmocka_unit_test(starts_come_back_at_the_same_time_of_the_day),
        cmocka_unit_test(what_followed_moments_like_now_is_counted),
        cmocka_unit_test(by_state_an_incident_is_what_is_high),
        cmocka_unit_test(every_input_is_finite_with_two_steps_of_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
