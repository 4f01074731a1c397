/* test_truth.c - what came after an origin: values, weights, the first incident, and how long was watched. */
#include "check.h"

#include "tft/window.h"

typedef struct truth {
    float scaled[96 * 4], weight[96 * 4];
    uint32_t event_step, at_risk;
} truth;

static truth truth_of(const tft_contract *contract, const tft_series *s, int64_t origin, int64_t last_step)
{
    static truth t;
    const float scales[] = {0, 2, 0, 2, 0, 2, 0, 2};
    memset(&t, 0xff, sizeof t);
    tft_window_truth(contract, s, origin, last_step, scales, t.scaled, t.weight, &t.event_step, &t.at_risk);
    return t;
}

/* One letter a step: h healthy, c critical, o offline, m maintenance, n no state sent, - no record. */
static tft_series series_of(const char *steps)
{
    tft_series s;
    tft_series_init(&s, 4, 0);
    for (int64_t i = 0; steps[i] != '\0'; i++) {
        switch (steps[i]) {
        case 'h':
            add(&s, i, 10.0, TFT_STATE_HEALTHY);
            break;
        case 'c':
            add(&s, i, 10.0, TFT_STATE_CRITICAL_ISSUE);
            break;
        case 'n':
            add(&s, i, 10.0, TFT_STATE_NONE);
            break;
        case 'o':
            add_state(&s, i, TFT_STATE_OFFLINE);
            break;
        case 'm':
            add_state(&s, i, TFT_STATE_MAINTENANCE);
            break;
        default:
            break;
        }
    }
    return s;
}

static void expect(const char *steps, int64_t origin, int64_t last_step, unsigned event_step, unsigned at_risk)
{
    tft_contract contract = tft_contract_default();
    contract.horizon = 6;
    tft_series s = series_of(steps);
    const truth t = truth_of(&contract, &s, origin, last_step);
    assert_int_equal(t.event_step, event_step);
    assert_int_equal(t.at_risk, at_risk);
    tft_series_free(&s);
}

static void the_first_incident_ends_the_watch(void **state)
{
    (void)state;
    expect("hhhhcchc", 1, 100, 3, 3);
    expect("hhc", 1, 100, 1, 1);
    expect("hhhhhhhhc", 1, 100, 0, 6); // beyond the horizon
    expect("hhhhhhhc", 1, 100, 6, 6);
    expect("hhhoo", 1, 100, 2, 2);
}

static void the_watch_ends_with_the_data(void **state)
{
    (void)state;
    expect("hhhh", 1, 100, 0, 2);
    expect("hhhhc", 1, 3, 0, 2); // not after last_step
    expect("hhhh", 3, 100, 0, 0);
    expect("hhhh", 10, 100, 0, 0);
    expect("hhh-c", 1, 100, 0, 1); // nobody knows when within the gap
}

static void maintenance_and_planned_offline_end_the_watch(void **state)
{
    (void)state;
    expect("hhhmhc", 1, 100, 0, 1);
    expect("hhhmoc", 1, 100, 0, 1);
    expect("hmooo", 1, 100, 0, 0);
    expect("hhoc", 1, 100, 1, 1); // unplanned: that is the incident
}

static void in_an_incident_the_next_one_is_awaited(void **state)
{
    (void)state;
    expect("hcccchhc", 2, 100, 5, 5);
    expect("ccchhc", 1, 100, 4, 4);
}

static void without_labels_nothing_was_watched(void **state)
{
    (void)state;
    expect("nnnnoonn", 1, 100, 0, 0);
    expect("nnnnnnh", 1, 100, 0, 5); // some record carried a state: then derived ones count
}

static void by_metric_no_state_is_needed(void **state)
{
    (void)state;
    tft_contract contract = tft_contract_default();
    contract.horizon = 8;
    contract.incident = (tft_incident_rule){.by_metric = true, .metric = 0, .level = 90.0, .steps = 3};
    tft_series s;
    tft_series_init(&s, 4, 0);
    const double cpu[] = {50, 95, 95, 95, 50, 50, (double)NAN, 95};
    for (int64_t i = 0; i < 8; i++)
        add(&s, i, cpu[i], TFT_STATE_NONE);
    truth t = truth_of(&contract, &s, 1, 100); // the run began before the origin
    assert_int_equal(t.event_step, 2);
    assert_int_equal(t.at_risk, 2);
    t = truth_of(&contract, &s, 3, 100);
    assert_int_equal(t.event_step, 0);
    assert_int_equal(t.at_risk, 2); // until the value is missing
    tft_series_free(&s);
}

static void values_are_scaled_and_weighted(void **state)
{
    (void)state;
    tft_contract contract = tft_contract_default();
    contract.horizon = 5;
    tft_series s = series_of("hhh-o");
    const double half[4] = {10.0, (double)NAN, 12.0, 13.0};
    tft_series_add(&s, 5, half, TFT_STATE_HEALTHY, NULL);
    tft_series_add(&s, 6, half, TFT_STATE_HEALTHY, NULL);
    const truth t = truth_of(&contract, &s, 1, 5);
    const float weights[5][4] = {{1, 1, 1, 1}, {0, 0, 0, 0}, {0, 0, 0, 0}, {1, 0, 1, 1}, {0, 0, 0, 0}};
    for (size_t i = 0; i < 5; i++) {
        for (size_t m = 0; m < 4; m++) {
            assert_float_equal(t.weight[i * 4 + m], weights[i][m], 0.0f);
            const float expected = weights[i][m] > 0 ? (10.0f + (float)m) / 2.0f : 0.0f;
            assert_float_equal(t.scaled[i * 4 + m], expected, 1e-6f);
        }
    }
    tft_series_free(&s);
}

static void an_offline_step_with_values_is_not_scored(void **state)
{
    (void)state;
    tft_contract contract = tft_contract_default();
    contract.horizon = 1;
    tft_series s = series_of("hh");
    add(&s, 2, 5.0, TFT_STATE_OFFLINE);
    const truth t = truth_of(&contract, &s, 1, 100);
    assert_float_equal(t.weight[0], 0.0f, 0.0f);
    assert_float_equal(t.scaled[0], 0.0f, 0.0f);
    tft_series_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_incident_ends_the_watch),
        cmocka_unit_test(the_watch_ends_with_the_data),
        cmocka_unit_test(maintenance_and_planned_offline_end_the_watch),
        cmocka_unit_test(in_an_incident_the_next_one_is_awaited),
        cmocka_unit_test(without_labels_nothing_was_watched),
        cmocka_unit_test(by_metric_no_state_is_needed),
        cmocka_unit_test(values_are_scaled_and_weighted),
        cmocka_unit_test(an_offline_step_with_values_is_not_scored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
