/* test_alerts.c - the life of an alert, told by a series of forecasts; ids; order. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "forecast/alerts.h"
#include "forecast/quantiles.h"

#define NONE ((double)NAN)
#define STEP 300000
#define MINUTE 60000
enum { HORIZON = 96 };
static const int64_t T0 = 1760371500000; // 2025-10-13T16:05:00Z

static const tft_metric cpu = {.name = "cpu_pct", .legacy_name = "cpu_percent", .unit = "%", .max = 100};

/* A server whose p50 rises from `from` to `to` over the first `steps` steps and stays there; ±10 around it. */
static void path(float *rows, double from, double to, size_t steps)
{
    static const double off[FORECAST_N_QUANTILES] = {-10, -6, -3, 0, 3, 6, 10};
    for (size_t t = 0; t < HORIZON; t++) {
        const double p50 = t < steps ? from + (to - from) * (double)(t + 1) / (double)steps : to;
        for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
            rows[q * HORIZON + t] = (float)(p50 + off[q]);
    }
}

/* One alert followed over time. */
typedef struct life {
    alert_settings settings;
    alert_input input;
    float rows[FORECAST_N_QUANTILES * HORIZON];
    alert now;
    bool there;
} life;

static void begin(life *l)
{
    memset(l, 0, sizeof *l);
    l->settings = alert_settings_default();
    l->input = (alert_input){.server_name = "ppweb003",
                             .server_name_length = 8,
                             .server = 2,
                             .metric = &cpu,
                             .metric_index = 0,
                             .threshold = {75, 90},
                             .rows = l->rows,
                             .horizon = HORIZON,
                             .current = 60,
                             .now_ms = T0,
                             .origin_ms = T0,
                             .step_ms = STEP};
}

/* The next snapshot comes after_ms later and has a path that stays at p50. */
static bool next(life *l, int64_t after_ms, double p50)
{
    alert after;
    path(l->rows, p50, p50, 1);
    l->input.now_ms += after_ms;
    l->there = alert_step(&l->settings, &l->input, l->there ? &l->now : NULL, &after);
    if (l->there)
        l->now = after;
    return l->there;
}

static void it_describes_the_first_step_that_reaches_the_threshold(void **state)
{
    (void)state;
    life l;
    begin(&l);
    path(l.rows, 60, 93, 11); // 63, 66 … 93: 75 at the 5th step, 90 at the 10th
    alert a;
    assert_true(alert_step(&l.settings, &l.input, NULL, &a));
    assert_int_equal(a.severity, ALERT_CRITICAL);
    assert_int_equal(a.steps_ahead, 10);
    assert_int_equal(a.minutes_ahead, 50);
    assert_int_equal(a.expected_at_ms, T0 + 10 * STEP);
    assert_true(fabs(a.predicted_value - 90) < 1e-4 && fabs(a.threshold - 90) < 1e-9);
    assert_true(fabs(a.probability - 0.5) < 1e-6);
    assert_int_equal(a.since_ms, T0);
    assert_true(a.firing);
    path(l.rows, 60, 89.9, 4);
    assert_true(alert_step(&l.settings, &l.input, NULL, &a));
    assert_int_equal(a.severity, ALERT_WARNING);
    assert_int_equal(a.steps_ahead, 3); // 67.5, 75.0 would be the 2nd: 74.95
}

static void beyond_the_lookahead_nothing_fires(void **state)
{
    (void)state;
    life l;
    begin(&l);
    alert a;
    path(l.rows, 30, 30, 1);
    l.rows[FORECAST_P50 * HORIZON + 12] = 99;
    assert_false(alert_step(&l.settings, &l.input, NULL, &a));
    l.rows[FORECAST_P50 * HORIZON + 11] = 99;
    assert_true(alert_step(&l.settings, &l.input, NULL, &a));
    assert_int_equal(a.minutes_ahead, 60);
}

static void since_and_id_stay_while_it_fires(void **state)
{
    (void)state;
    life l;
    begin(&l);
    assert_false(next(&l, 0, 74));
    assert_true(next(&l, 5000, 76));
    const alert first = l.now;
    assert_int_equal(first.severity, ALERT_WARNING);
    assert_true(next(&l, 5000, 91)); // rises at once
    assert_int_equal(l.now.severity, ALERT_CRITICAL);
    assert_int_equal(l.now.since_ms, first.since_ms);
    assert_string_equal(l.now.id, first.id);
    for (int i = 0; i < 100; i++)
        assert_true(next(&l, 5000, 80 + i % 20));
    assert_int_equal(l.now.since_ms, first.since_ms);
    assert_string_equal(l.now.id, first.id);
}

static void it_clears_after_two_minutes_clearly_below(void **state)
{
    (void)state;
    life l;
    begin(&l);
    assert_true(next(&l, 0, 76));
    assert_true(next(&l, MINUTE, 72)); // below the threshold, not below 0.95 of it (71.25)
    assert_int_equal(l.now.below_since_ms, INT64_MIN);
    assert_true(next(&l, 10 * MINUTE, 71.3)); // however long
    assert_true(next(&l, MINUTE, 71));
    assert_true(next(&l, 2 * MINUTE - 1, 60));
    assert_int_equal(l.now.severity, ALERT_WARNING);
    assert_false(next(&l, 1, 60));
    const int64_t again = 5 * MINUTE;
    assert_true(next(&l, again, 76)); // a new one
    assert_int_equal(l.now.since_ms, l.input.now_ms);
}

static void a_relapse_starts_the_two_minutes_anew(void **state)
{
    (void)state;
    life l;
    begin(&l);
    assert_true(next(&l, 0, 76));
    assert_true(next(&l, MINUTE, 60));
    assert_true(next(&l, MINUTE, 73)); // not below 71.25
    assert_true(next(&l, MINUTE, 60));
    assert_true(next(&l, 2 * MINUTE - 1, 60));
    assert_false(next(&l, 1, 60));
}

static void a_critical_one_falls_back_to_warning_before_it_clears(void **state)
{
    (void)state;
    life l;
    begin(&l);
    assert_true(next(&l, 0, 95));
    const int64_t since = l.now.since_ms;
    assert_true(next(&l, MINUTE, 87)); // above 85.5
    assert_true(next(&l, 10 * MINUTE, 87));
    assert_int_equal(l.now.severity, ALERT_CRITICAL);
    assert_true(fabs(l.now.threshold - 90) < 1e-9); // it still speaks of its own threshold
    assert_true(fabs(l.now.predicted_value - 87) < 1e-4);
    assert_true(next(&l, MINUTE, 80));
    assert_true(next(&l, MINUTE, 80));
    assert_int_equal(l.now.severity, ALERT_CRITICAL);
    assert_true(next(&l, MINUTE, 80));
    assert_int_equal(l.now.severity, ALERT_WARNING);
    assert_int_equal(l.now.since_ms, since);
    assert_true(next(&l, MINUTE, 60));
    assert_true(next(&l, MINUTE, 60));
    assert_false(next(&l, MINUTE, 60));
}

static void a_fall_below_both_thresholds_clears_in_one_go(void **state)
{
    (void)state;
    life l;
    begin(&l);
    assert_true(next(&l, 0, 95));
    assert_true(next(&l, MINUTE, 50));
    assert_true(next(&l, MINUTE, 50));
    assert_false(next(&l, MINUTE, 50));
}

static void for_makes_it_wait_before_it_fires(void **state)
{
    (void)state;
    life l;
    begin(&l);
    l.settings.for_ms = 3 * MINUTE;
    assert_true(next(&l, 0, 76));
    assert_false(l.now.firing);
    assert_false(next(&l, MINUTE, 74)); // what is only pending ends at once
    assert_true(next(&l, MINUTE, 76));
    assert_true(next(&l, 3 * MINUTE - 1, 76));
    assert_false(l.now.firing);
    assert_true(next(&l, 1, 76));
    assert_true(l.now.firing);
    assert_int_equal(l.now.since_ms, l.input.now_ms);
}

static void maintenance_ends_it(void **state)
{
    (void)state;
    life l;
    begin(&l);
    assert_true(next(&l, 0, 95));
    l.input.maintenance = true;
    assert_false(next(&l, MINUTE, 95));
    l.input.maintenance = false;
    assert_true(next(&l, MINUTE, 95));
    assert_int_equal(l.now.since_ms, l.input.now_ms);
    l.input.rows = NULL; // the metric is no longer reported
    assert_false(next(&l, MINUTE, 95));
}

static void a_metric_without_thresholds_never_fires(void **state)
{
    (void)state;
    life l;
    begin(&l);
    l.input.threshold = (risk_threshold){NONE, NONE};
    assert_false(next(&l, 0, 100));
    l.input.threshold = (risk_threshold){NONE, 90}; // critical alone
    assert_false(next(&l, 0, 89));
    assert_true(next(&l, 0, 90));
    assert_true(next(&l, MINUTE, 50));
    assert_false(next(&l, 2 * MINUTE, 50));
}

static void a_clock_that_goes_back_does_no_harm(void **state)
{
    (void)state;
    life l;
    begin(&l);
    assert_true(next(&l, 0, 95));
    assert_true(next(&l, MINUTE, 50));
    assert_true(next(&l, -3600 * 1000, 50));
    assert_true(next(&l, 2 * MINUTE - 1, 50));
    assert_false(next(&l, 1, 50));
}

static void ids_depend_on_server_metric_and_since_alone(void **state)
{
    (void)state;
    char a[ALERT_ID_BYTES], b[ALERT_ID_BYTES];
    alert_make_id("ppweb003", 8, "cpu_pct", T0, a);
    alert_make_id("ppweb003, but cut", 8, "cpu_pct", T0, b);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 12);
    assert_memory_equal(a, "a-", 2);
    alert_make_id("ppweb004", 8, "cpu_pct", T0, b);
    assert_string_not_equal(a, b);
    alert_make_id("ppweb003", 8, "mem_pct", T0, b);
    assert_string_not_equal(a, b);
    alert_make_id("ppweb003", 8, "cpu_pct", T0 + 1, b);
    assert_string_not_equal(a, b);
}

static alert_name name_in(const void *context, size_t server)
{
    const char *const *names = context;
    return (alert_name){names[server], strlen(names[server])};
}

static void the_order_is_severity_minutes_server_metric(void **state)
{
    (void)state;
    const tft_contract contract = tft_contract_default();
    static const char *const names[] = {"b", "a", "ab"};
    enum { PENDING, LATE, EARLY, SHORT_NAME, SECOND, FIRST };
    alert alerts[] = {
        [PENDING] = {.server = 1, .severity = ALERT_CRITICAL, .minutes_ahead = 5, .firing = false},
        [LATE] = {.server = 1, .severity = ALERT_WARNING, .minutes_ahead = 20, .firing = true},
        [EARLY] = {.server = 0, .severity = ALERT_WARNING, .minutes_ahead = 5, .firing = true},
        [SHORT_NAME] = {.server = 1, .severity = ALERT_CRITICAL, .minutes_ahead = 60, .firing = true, .metric = 1},
        [SECOND] = {.server = 2, .severity = ALERT_CRITICAL, .minutes_ahead = 60, .firing = true, .metric = 1},
        [FIRST] = {.server = 1, .severity = ALERT_CRITICAL, .minutes_ahead = 60, .firing = true, .metric = 0},
    };
    uint32_t order[6];
    assert_int_equal(alert_order(&contract, alerts, 6, name_in, names, order), 5);
    static const uint32_t expected[] = {FIRST, SHORT_NAME, SECOND, EARLY, LATE};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(order[i], expected[i]);
}

/* Any walk of forecasts: since never moves while it fires, never fires without a cause, always has sane numbers. */
static void random_lives_keep_their_invariants(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(7, 0);
    for (int round = 0; round < 200; round++) {
        life l;
        begin(&l);
        double p50 = 70;
        int64_t reached_at = INT64_MIN;
        for (int i = 0; i < 300; i++) {
            const bool was = l.there;
            const alert before = l.now;
            p50 = fmin(fmax(p50 + tft_rng_normal(&rng) * 3.0, 40), 100);
            next(&l, (int64_t)tft_rng_below(&rng, 40000), p50);
            const double reached = (double)(float)p50;
            if (reached >= 71.25)
                reached_at = l.input.now_ms;
            if (reached >= 75)
                assert_true(l.there);
            if (reached >= 90)
                assert_int_equal(l.now.severity, ALERT_CRITICAL);
            if (l.there && was) {
                assert_int_equal(l.now.since_ms, before.since_ms);
                assert_string_equal(l.now.id, before.id);
            }
            if (l.there) {
                assert_true(l.now.since_ms <= l.input.now_ms);
                assert_in_range(l.now.steps_ahead, 1, 12);
                assert_true(l.now.probability >= 0 && l.now.probability <= 1);
                assert_true(l.input.now_ms - reached_at < 120000 + 40000);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_describes_the_first_step_that_reaches_the_threshold),
        cmocka_unit_test(beyond_the_lookahead_nothing_fires),
        cmocka_unit_test(since_and_id_stay_while_it_fires),
        cmocka_unit_test(it_clears_after_two_minutes_clearly_below),
        cmocka_unit_test(a_relapse_starts_the_two_minutes_anew),
        cmocka_unit_test(a_critical_one_falls_back_to_warning_before_it_clears),
        cmocka_unit_test(a_fall_below_both_thresholds_clears_in_one_go),
        cmocka_unit_test(for_makes_it_wait_before_it_fires),
        cmocka_unit_test(maintenance_ends_it),
        cmocka_unit_test(a_metric_without_thresholds_never_fires),
        cmocka_unit_test(a_clock_that_goes_back_does_no_harm),
        cmocka_unit_test(ids_depend_on_server_metric_and_since_alone),
        cmocka_unit_test(the_order_is_severity_minutes_server_metric),
        cmocka_unit_test(random_lives_keep_their_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
