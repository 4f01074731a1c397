/* test_alert_rules.c - what sets an alert of each kind, what clears it, and what it says of the time to come. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "forecast/alert_rules.h"
#include "forecast/crossing.h"
#include "forecast/quantiles.h"

#define NONE ((double)NAN)
#define STEP 300000
#define MINUTE 60000
enum { HORIZON = 96 };
static const int64_t T0 = 1760371500000; // 2025-10-13T16:05:00Z
static const alert_frame frame = {
    .now_ms = 1760371500000, .first_ms = 1760371500000 + STEP, .step_ms = STEP, .horizon = HORIZON};

/* p50 rises from `from` to `to` over the first `steps` steps and stays there; ±10 around it. */
static void path(float *rows, double from, double to, size_t steps)
{
    static const double off[FORECAST_N_QUANTILES] = {-10, -6, -3, 0, 3, 6, 10};
    for (size_t t = 0; t < HORIZON; t++) {
        const double p50 = t < steps ? from + (to - from) * (double)(t + 1) / (double)steps : to;
        for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
            rows[q * HORIZON + t] = (float)(p50 + off[q]);
    }
}

static void a_threshold_is_described_at_the_first_step_that_reaches_it(void **state)
{
    (void)state;
    const alert_settings settings = alert_settings_default();
    float rows[FORECAST_N_QUANTILES * HORIZON];
    path(rows, 60, 93, 11); // 63, 66 … 93: 90 at the 10th step
    const alert_condition c = alert_rule_threshold(&settings, &frame, rows, 90, 60, false);
    assert_true(c.exists && c.set && !c.clear);
    assert_int_equal(c.steps_ahead, 10);
    assert_int_equal(c.minutes_ahead, 50);
    assert_int_equal(c.expected_at_ms, T0 + 10 * STEP);
    assert_true(fabs(c.predicted_value - 90) < 1e-4 && fabs(c.threshold - 90) < 1e-9 && fabs(c.current - 60) < 1e-9);
    assert_true(fabs(c.probability - 0.5) < 1e-6);
    // p90 is 6 above: 84 at the 8th step. p10 is 6 below and never gets past 87
    assert_int_equal(c.crossing.p50_ms, T0 + 10 * STEP);
    assert_int_equal(c.crossing.p90_ms, T0 + 8 * STEP);
    assert_true(c.crossing.p10_ms == ALERT_NEVER);
    // within the hour p50 gets to 93: P(≥ 90) is then 0.75, three below the median
    assert_true(fabs(c.crossing_probability - 0.75) < 1e-6);
}

static void beyond_the_lookahead_nothing_is_set_but_crossings_are_told(void **state)
{
    (void)state;
    const alert_settings settings = alert_settings_default();
    float rows[FORECAST_N_QUANTILES * HORIZON];
    path(rows, 30, 30, 1);
    rows[FORECAST_P50 * HORIZON + 12] = 99;
    alert_condition c = alert_rule_threshold(&settings, &frame, rows, 75, 30, true);
    assert_true(!c.set && c.clear);
    assert_int_equal(c.crossing.p50_ms, T0 + 13 * STEP);
    rows[FORECAST_P50 * HORIZON + 11] = 99;
    c = alert_rule_threshold(&settings, &frame, rows, 75, 30, true);
    assert_true(c.set);
    assert_int_equal(c.minutes_ahead, 60);
}

static void between_threshold_and_clear_level_it_is_neither(void **state)
{
    (void)state;
    const alert_settings settings = alert_settings_default();
    float rows[FORECAST_N_QUANTILES * HORIZON];
    static const struct {
        double p50;
        bool set, clear;
    } cases[] = {{75, true, false}, {74.9, false, false}, {71.3, false, false}, {71.2, false, true}, {0, false, true}};
    for (size_t i = 0; i < 5; i++) {
        path(rows, cases[i].p50, cases[i].p50, 1);
        const alert_condition c = alert_rule_threshold(&settings, &frame, rows, 75, NONE, true);
        assert_int_equal(c.set, cases[i].set);
        assert_int_equal(c.clear, cases[i].clear);
        assert_true(fabs(c.predicted_value - cases[i].p50) < 1e-4); // the step with the largest p50
    }
    path(rows, -20, -20, 1); // a ratio of a threshold below 0 would be above it
    assert_true(alert_rule_threshold(&settings, &frame, rows, -10, NONE, true).clear);
    path(rows, -10, -10, 1);
    assert_true(alert_rule_threshold(&settings, &frame, rows, -10, NONE, true).set);
}

static void without_threshold_or_forecast_there_is_no_rule(void **state)
{
    (void)state;
    alert_settings settings = alert_settings_default();
    float rows[FORECAST_N_QUANTILES * HORIZON];
    path(rows, 99, 99, 1);
    assert_false(alert_rule_threshold(&settings, &frame, rows, NONE, 99, true).exists);
    assert_false(alert_rule_threshold(&settings, &frame, NULL, 90, 99, true).exists);
    settings.lookahead_ms = STEP - 1;
    assert_false(alert_rule_threshold(&settings, &frame, rows, 90, 99, true).exists);
}

static void an_incident_is_set_by_its_probability(void **state)
{
    (void)state;
    const alert_settings settings = alert_settings_default();
    float curve[HORIZON];
    for (size_t t = 0; t < HORIZON; t++)
        curve[t] = fminf((float)(t + 1) * 0.03f + 0.001f, 0.95f); // 0.361 within the hour
    alert_condition c = alert_rule_incident(&settings, &frame, curve, 0.3);
    assert_true(c.exists && c.set);
    assert_true(fabs(c.predicted_value - 0.361) < 1e-6);
    assert_int_equal(c.steps_ahead, 10);
    assert_int_equal(c.crossing.p90_ms, T0 + 4 * STEP);  // 0.121
    assert_int_equal(c.crossing.p50_ms, T0 + 17 * STEP); // 0.511
    assert_int_equal(c.crossing.p10_ms, T0 + 30 * STEP); // 0.901
    c = alert_rule_incident(&settings, &frame, curve, 0.6);
    assert_true(c.exists && !c.set && c.clear);
    c = alert_rule_incident(&settings, &frame, curve, 0.37);
    assert_true(!c.set && !c.clear); // 0.3515 is where it would be clear
    assert_false(alert_rule_incident(&settings, &frame, curve, NONE).exists);
}

static void silence_counts_from_the_last_record_and_only_while_others_report(void **state)
{
    (void)state;
    const alert_settings settings = alert_settings_default();
    alert_absence absence = {.offline = true, .last_seen_ms = T0 - 16 * MINUTE};
    alert_condition c = alert_rule_silent(&settings, &frame, &absence, 15 * MINUTE);
    assert_true(c.set && !c.clear);
    assert_true(fabs(c.predicted_value - 960) < 1e-9 && fabs(c.threshold - 900) < 1e-9);
    assert_false(alert_rule_silent(&settings, &frame, &absence, 30 * MINUTE).set);
    absence.planned = true;
    assert_false(alert_rule_silent(&settings, &frame, &absence, 15 * MINUTE).exists);
    absence.planned = false;
    absence.offline = false; // nobody reports: the collector is down, not this server
    c = alert_rule_silent(&settings, &frame, &absence, 15 * MINUTE);
    assert_true(!c.set && c.clear);
    absence.offline = true;
    absence.last_seen_ms = T0 - settings.forget_after_ms; // it has left
    assert_false(alert_rule_silent(&settings, &frame, &absence, 15 * MINUTE).exists);
}

static void forecasts_are_judged_by_coverage_and_skill_once_there_are_enough(void **state)
{
    (void)state;
    const alert_settings settings = alert_settings_default();
    alert_quality q = {.metric = 1, .n = 999, .coverage = 0.5, .skill = -1};
    assert_false(alert_rule_drift(&settings, &q).exists);
    assert_false(alert_rule_quality(&settings, &q).exists);
    q.n = 1000;
    assert_true(alert_rule_drift(&settings, &q).set && alert_rule_quality(&settings, &q).set);
    assert_true(fabs(alert_rule_drift(&settings, &q).threshold - 0.7) < 1e-9);
    static const struct {
        double coverage, skill;
        bool drifts, drift_over, bad, bad_over;
    } cases[] = {{0.8, 0.3, false, true, false, true},
                 {0.91, 0.0, true, false, false, false},
                 {0.71, 0.01, false, false, false, false},
                 {0.89, -0.01, false, false, true, false}};
    for (size_t i = 0; i < 4; i++) {
        q.coverage = cases[i].coverage;
        q.skill = cases[i].skill;
        assert_int_equal(alert_rule_drift(&settings, &q).set, cases[i].drifts);
        assert_int_equal(alert_rule_drift(&settings, &q).clear, cases[i].drift_over);
        assert_int_equal(alert_rule_quality(&settings, &q).set, cases[i].bad);
        assert_int_equal(alert_rule_quality(&settings, &q).clear, cases[i].bad_over);
    }
}

/* Of any forecast: upper paths cross first, the probability grows with the steps and falls with the level, and never both set and clear. */
static void crossings_are_ordered_and_probabilities_monotone(void **state)
{
    (void)state;
    const alert_settings settings = alert_settings_default();
    tft_rng rng = tft_rng_seeded(11, 0);
    float rows[FORECAST_N_QUANTILES * HORIZON];
    for (int round = 0; round < 500; round++) {
        double p50 = 50;
        for (size_t t = 0; t < HORIZON; t++) {
            p50 += tft_rng_normal(&rng) * 4;
            double value = p50 - 10 * tft_rng_uniform(&rng);
            for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
                rows[q * HORIZON + t] = (float)value;
                value += 5 * tft_rng_uniform(&rng);
            }
        }
        const double level = 40 + 40 * tft_rng_uniform(&rng);
        const alert_condition c = alert_rule_threshold(&settings, &frame, rows, level, NONE, true);
        assert_false(c.set && c.clear);
        const int64_t p90 = c.crossing.p90_ms, mid = c.crossing.p50_ms, p10 = c.crossing.p10_ms;
        assert_true(mid == ALERT_NEVER || (p90 != ALERT_NEVER && p90 <= mid));
        assert_true(p10 == ALERT_NEVER || (mid != ALERT_NEVER && mid <= p10));
        assert_int_equal(c.set, mid != ALERT_NEVER && mid < T0 + 13 * STEP);
        assert_true(c.probability <= c.crossing_probability + 1e-12);
        if (c.set)
            assert_true(c.crossing_probability >= 0.5 - 1e-9);
        double before = 0;
        for (size_t n = 1; n <= HORIZON; n++) {
            const double p = crossing_probability(rows, HORIZON, n, level);
            assert_true(p >= before && p <= 1 && p >= crossing_probability(rows, HORIZON, n, level + 3) - 1e-12);
            before = p;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_threshold_is_described_at_the_first_step_that_reaches_it),
        cmocka_unit_test(beyond_the_lookahead_nothing_is_set_but_crossings_are_told),
        cmocka_unit_test(between_threshold_and_clear_level_it_is_neither),
        cmocka_unit_test(without_threshold_or_forecast_there_is_no_rule),
        cmocka_unit_test(an_incident_is_set_by_its_probability),
        cmocka_unit_test(silence_counts_from_the_last_record_and_only_while_others_report),
        cmocka_unit_test(forecasts_are_judged_by_coverage_and_skill_once_there_are_enough),
        cmocka_unit_test(crossings_are_ordered_and_probabilities_monotone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
