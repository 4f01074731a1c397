/* test_risk.c - the risk score of CONTRACT 1.3, worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "forecast/risk.h"

#define NONE ((double)NAN)
enum { CPU, MEM, DISK, LATENCY, HORIZON = 96 };

static void near(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-9))
        fail_msg("%.12g, expected %.12g", got, expected);
}

static risk_settings defaults(void)
{
    const tft_contract contract = tft_contract_default();
    risk_settings settings;
    risk_settings_default(&contract, &settings);
    return settings;
}

static void the_curve_goes_through_its_four_points(void **state)
{
    (void)state;
    const risk_settings s = defaults();
    const risk_threshold cpu = {75, 90}, latency = {100, 200};
    static const struct {
        double value, expected;
    } percent[] = {{0, 0}, {60, 0}, {67.5, 25}, {75, 50}, {82.5, 65}, {90, 80}, {95, 90}, {100, 100}, {101, 100}};
    static const struct {
        double value, expected;
    } ms[] = {{80, 0}, {90, 25}, {100, 50}, {150, 65}, {200, 80}, {300, 90}, {400, 100}, {5000, 100}};
    for (size_t i = 0; i < sizeof percent / sizeof *percent; i++)
        near(risk_curve(&s, cpu, 100.0, percent[i].value), percent[i].expected);
    for (size_t i = 0; i < sizeof ms / sizeof *ms; i++)
        near(risk_curve(&s, latency, NONE, ms[i].value), ms[i].expected);
    near(risk_curve(&s, (risk_threshold){NONE, NONE}, NONE, 1e9), 0); // no threshold, no part
    near(risk_curve(&s, cpu, 100.0, NONE), 0);
}

static void the_curve_never_falls(void **state)
{
    (void)state;
    const risk_settings s = defaults();
    const risk_threshold thresholds[] = {{75, 90}, {95, 99}, {99, 100}, {100, 200}, {80, 80}};
    for (size_t k = 0; k < sizeof thresholds / sizeof *thresholds; k++) {
        double before = 0;
        for (double v = 0; v < 500; v += 0.25) {
            const double now = risk_curve(&s, thresholds[k], thresholds[k].critical <= 100 ? 100.0 : NONE, v);
            assert_true(now >= before && now <= 100.0);
            before = now;
        }
        near(before, 100);
    }
}

/* A server whose metrics are forecast to stay where they are. */
typedef struct quiet_server {
    double current[4];
    float flat[4][HORIZON];
    const float *p50[4];
    risk_input input;
} quiet_server;

static void quiet(quiet_server *s, double cpu, double mem, double disk, double latency)
{
    const double values[4] = {cpu, mem, disk, latency};
    for (size_t m = 0; m < 4; m++) {
        s->current[m] = values[m];
        for (size_t t = 0; t < HORIZON; t++)
            s->flat[m][t] = (float)values[m];
        s->p50[m] = s->flat[m];
    }
    s->input = (risk_input){.profile = TFT_PROFILE_GENERIC,
                            .state = TFT_STATE_HEALTHY,
                            .n_metrics = 4,
                            .current = s->current,
                            .n_targets = 4,
                            .horizon = HORIZON,
                            .p50 = s->p50,
                            .lookahead_steps = 12};
}

static void a_quiet_server_scores_its_incident_probability(void **state)
{
    (void)state;
    const risk_settings settings = defaults();
    quiet_server s;
    quiet(&s, 30, 40, 100000, 10); // no threshold for the disk: any MB/s is fine
    s.input.incident = 0.013;
    const risk_score score = risk_evaluate(&settings, &s.input);
    near(score.score, 1.3);
    near(score.now, 0);
    near(score.soon, 1.3);
    assert_int_equal(score.now_metric, -1);
    assert_int_equal(score.soon_metric, -1);
    assert_int_equal(score.priority, 4);
    assert_string_equal(risk_band_name(score.band), "healthy");
}

static void now_is_the_worst_metric_and_the_state(void **state)
{
    (void)state;
    const risk_settings settings = defaults();
    quiet_server s;
    quiet(&s, 82.5, 40, 0, 150);
    for (size_t m = 0; m < 4; m++)
        s.p50[m] = NULL;
    near(risk_evaluate(&settings, &s.input).now, 65); // cpu 65, latency 65
    s.input.state = TFT_STATE_CRITICAL_ISSUE;
    near(risk_evaluate(&settings, &s.input).score, 80);
    s.current[CPU] = 95;
    near(risk_evaluate(&settings, &s.input).score, 90); // at least 80
    s.current[CPU] = 30;
    s.current[LATENCY] = 1;
    s.input.state = TFT_STATE_OFFLINE;
    near(risk_evaluate(&settings, &s.input).score, 90);
    s.input.planned = true;
    near(risk_evaluate(&settings, &s.input).score, 0);
}

static void maintenance_silences_now_but_not_soon(void **state)
{
    (void)state;
    const risk_settings settings = defaults();
    quiet_server s;
    quiet(&s, 99, 40, 0, 1);
    s.input.state = TFT_STATE_MAINTENANCE;
    s.input.incident = 0.2;
    for (size_t t = 0; t < HORIZON; t++)
        s.flat[CPU][t] = 10;
    const risk_score score = risk_evaluate(&settings, &s.input);
    near(score.now, 0);
    near(score.soon, 20);
    near(score.score, 20);
    assert_int_equal(score.priority, 3);
}

static void soon_looks_sixty_minutes_ahead_and_no_further(void **state)
{
    (void)state;
    const risk_settings settings = defaults();
    quiet_server s;
    quiet(&s, 30, 40, 0, 1);
    s.flat[CPU][12] = 99; // 65 minutes ahead
    near(risk_evaluate(&settings, &s.input).soon, 0);
    s.flat[CPU][11] = 90;
    const risk_score score = risk_evaluate(&settings, &s.input);
    near(score.soon, 80);
    assert_int_equal(score.soon_metric, CPU);
    assert_int_equal(score.soon_step, 11);
    assert_int_equal(score.priority, 1);
}

static void a_database_may_fill_its_memory(void **state)
{
    (void)state;
    const risk_settings settings = defaults();
    quiet_server s;
    quiet(&s, 30, 93, 0, 1);
    near(risk_evaluate(&settings, &s.input).now, 80);
    s.input.profile = TFT_PROFILE_DATABASE; // 0.8 · 95 = 76 → 0, 95 → 50
    near(risk_evaluate(&settings, &s.input).now, 50.0 * (93.0 - 76.0) / (95.0 - 76.0));
}

/* The score is a monotone function of what it is made of: a higher value now, a higher forecast at any step, a larger probability, or
 * a worse state never lowers it. */
static void raising_anything_never_lowers_the_risk(void **state)
{
    (void)state;
    const risk_settings settings = defaults();
    tft_rng rng = tft_rng_seeded(21, 0);
    for (int round = 0; round < 3000; round++) {
        quiet_server s;
        quiet(&s, 100 * tft_rng_uniform(&rng), 100 * tft_rng_uniform(&rng), 500 * tft_rng_uniform(&rng),
              400 * tft_rng_uniform(&rng));
        s.input.incident = tft_rng_uniform(&rng);
        s.input.profile = (tft_profile)tft_rng_below(&rng, TFT_N_PROFILES);
        for (size_t m = 0; m < 4; m++)
            for (size_t t = 0; t < HORIZON; t++)
                s.flat[m][t] += (float)(10 * tft_rng_normal(&rng));
        const risk_score before = risk_evaluate(&settings, &s.input);
        assert_true(before.score >= 0 && before.score <= 100);
        const size_t m = tft_rng_below(&rng, 4);
        switch (tft_rng_below(&rng, 4)) {
        case 0:
            s.current[m] += 30 * tft_rng_uniform(&rng);
            break;
        case 1:
            s.flat[m][tft_rng_below(&rng, HORIZON)] += (float)(50 * tft_rng_uniform(&rng));
            break;
        case 2:
            s.input.incident += (1 - s.input.incident) * tft_rng_uniform(&rng);
            break;
        default:
            s.input.state = tft_rng_below(&rng, 2) == 0 ? TFT_STATE_CRITICAL_ISSUE : TFT_STATE_OFFLINE;
        }
        const risk_score after = risk_evaluate(&settings, &s.input);
        assert_true(after.score >= before.score - 1e-12);
        assert_true(after.band >= before.band && after.priority <= before.priority);
    }
}

static void bands_and_priorities_begin_at_their_bounds(void **state)
{
    (void)state;
    const risk_settings s = defaults();
    static const struct {
        double score;
        const char *band;
        uint8_t priority;
    } rows[] = {
        {0, "healthy", 4},
        {19.999, "healthy", 4},
        {20, "healthy", 3},
        {29.999, "healthy", 3},
        {30, "watch", 3},
        {40, "watch", 2},
        {50, "degrading", 2},
        {60, "warning", 2},
        {69.999, "warning", 2},
        {70, "danger", 1},
        {80, "critical", 1},
        {90, "imminent failure", 1},
        {100, "imminent failure", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(risk_band_name(risk_band(&s, rows[i].score)), rows[i].band);
        assert_int_equal(risk_priority(&s, rows[i].score), rows[i].priority);
    }
}

static void fleet_health_counts_shares(void **state)
{
    (void)state;
    static const struct {
        size_t n, high, middle;
        risk_health expected;
    } rows[] = {{0, 0, 0, RISK_HEALTH_UNKNOWN},
                {10, 0, 0, RISK_HEALTHY},
                {10, 1, 1, RISK_HEALTH_WARNING},
                {10, 0, 3, RISK_HEALTH_WARNING},
                {10, 3, 3, RISK_HEALTH_CRITICAL},
                {10, 0, 5, RISK_HEALTH_CRITICAL},
                {11, 1, 3, RISK_HEALTHY},
                {20, 2, 2, RISK_HEALTH_WARNING},
                {3, 1, 1, RISK_HEALTH_CRITICAL},
                {1000, 99, 299, RISK_HEALTHY},
                {1000, 100, 100, RISK_HEALTH_WARNING},
                {1000, 299, 499, RISK_HEALTH_WARNING}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(risk_fleet_health(rows[i].n, rows[i].high, rows[i].middle), rows[i].expected);
}

/* The fleet's health is a monotone function of its servers' scores: a server at greater risk never makes it better. */
static void a_server_at_greater_risk_never_makes_the_fleet_healthier(void **state)
{
    (void)state;
    const risk_settings settings = defaults();
    tft_rng rng = tft_rng_seeded(22, 0);
    for (int round = 0; round < 3000; round++) {
        double scores[40];
        const size_t n = 1 + tft_rng_below(&rng, 40), which = tft_rng_below(&rng, n);
        risk_health health[2];
        for (size_t i = 0; i < n; i++)
            scores[i] = 100 * tft_rng_uniform(&rng) * tft_rng_uniform(&rng);
        for (int after = 0; after < 2; after++) {
            size_t n_high = 0, n_middle = 0;
            scores[which] += after * (100 - scores[which]) * tft_rng_uniform(&rng);
            for (size_t i = 0; i < n; i++) {
                n_high += scores[i] >= settings.high;
                n_middle += scores[i] >= settings.middle;
            }
            health[after] = risk_fleet_health(n, n_high, n_middle);
        }
        assert_true(health[1] >= health[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_curve_goes_through_its_four_points),
        cmocka_unit_test(the_curve_never_falls),
        cmocka_unit_test(a_quiet_server_scores_its_incident_probability),
        cmocka_unit_test(now_is_the_worst_metric_and_the_state),
        cmocka_unit_test(maintenance_silences_now_but_not_soon),
        cmocka_unit_test(soon_looks_sixty_minutes_ahead_and_no_further),
        cmocka_unit_test(a_database_may_fill_its_memory),
        cmocka_unit_test(raising_anything_never_lowers_the_risk),
        cmocka_unit_test(bands_and_priorities_begin_at_their_bounds),
        cmocka_unit_test(fleet_health_counts_shares),
        cmocka_unit_test(a_server_at_greater_risk_never_makes_the_fleet_healthier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
