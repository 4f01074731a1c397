/* test_labels.c - windows and the incidents that followed them, by state and by metric. */
#include "data.h"

#include "score/incident_run.h"
#include "score/labels.h"

static const uint32_t hours[2] = {6, 24};

/* One server; value 95 in the steps of `high`, 10 elsewhere. */
static void fill(tft_dataset *data, int64_t n_steps, const int64_t *high, size_t n_high, tft_state otherwise)
{
    const tft_contract contract = data_contract(1);
    assert_int_equal(tft_dataset_open(&contract, data, NULL), TFT_OK);
    for (int64_t i = 0; i < n_steps; i++) {
        bool is_high = false;
        for (size_t k = 0; k < n_high; k++)
            is_high = is_high || high[k] == i;
        const tft_state state = otherwise == TFT_STATE_NONE ? otherwise
                                : is_high                   ? TFT_STATE_CRITICAL_ISSUE
                                                            : otherwise;
        data_put(data, "x", i, is_high ? 95 : 10, state);
    }
}

static score_windows windows_at(score_window *items, size_t n)
{
    return (score_windows){.n = n, .items = items, .n_origins = n, .n_servers = 1};
}

static void an_incident_by_metric_starts_with_the_third_step_in_a_row(void **state)
{
    (void)state;
    tft_dataset data;
    const int64_t high[] = {100, 101, 102, 103, 150, 151};
    fill(&data, 300, high, 6, TFT_STATE_NONE);
    score_window items[] = {{0, 90}, {0, 96}, {0, 101}, {0, 102}, {0, 104}, {0, 149}};
    const score_windows windows = windows_at(items, 6);
    const tft_incident_rule rule = {.by_metric = true, .metric = 0, .level = 90, .steps = 3};
    score_labels labels;
    assert_int_equal(score_labels_make(&data, &rule, &windows, hours, 2, &labels, NULL), TFT_OK);
    const uint32_t first[6] = {12, 6, 1, 0, 0, 0}; // the start is step 102; two steps at 150 are no incident
    const uint8_t counts[6] = {1, 1, 1, 0, 1, 1};  // at 102 the server is in it
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(labels.first[i], first[i]);
        assert_int_equal(labels.counts[i], counts[i]);
    }
    score_labels_free(&labels);
    tft_dataset_close(&data);
}

static void a_missing_sample_breaks_the_run(void **state)
{
    (void)state;
    tft_dataset data;
    const int64_t high[] = {100, 101};
    fill(&data, 102, high, 2, TFT_STATE_NONE);
    data_put(&data, "x", 103, 95, TFT_STATE_NONE);
    data_put(&data, "x", 104, 95, TFT_STATE_NONE);
    score_window items[] = {{0, 99}};
    const score_windows windows = windows_at(items, 1);
    const tft_incident_rule rule = {.by_metric = true, .metric = 0, .level = 90, .steps = 3};
    score_labels labels;
    assert_int_equal(score_labels_make(&data, &rule, &windows, hours, 2, &labels, NULL), TFT_OK);
    assert_int_equal(labels.first[0], 0);
    score_labels_free(&labels);
    tft_dataset_close(&data);
}

static void the_servers_own_week_is_counted_up_to_what_the_origin_knows(void **state)
{
    (void)state;
    tft_dataset data;
    const int64_t high[] = {98, 99, 100};
    fill(&data, 400, high, 3, TFT_STATE_NONE);
    score_window items[] = {{0, 99}, {0, 106}, {0, 300}};
    const score_windows windows = windows_at(items, 3);
    const tft_incident_rule rule = {.by_metric = true, .metric = 0, .level = 90, .steps = 3};
    score_labels labels;
    assert_int_equal(score_labels_make(&data, &rule, &windows, hours, 2, &labels, NULL), TFT_OK);
    // the start is step 100: steps 94 … 99 were followed by it within 6, 76 … 99 within 24
    assert_int_equal(labels.followed[0], 0); // at 99 only the steps up to 93 are judged
    assert_int_equal(labels.of[0], 94);
    assert_int_equal(labels.followed[2], 6); // at 106: the steps up to 100
    assert_int_equal(labels.of[2], 100);     // 0 … 100, without step 100: it is in the incident
    assert_int_equal(labels.followed[3], 7); // within 24: steps 76 … 82, those that are 24 old
    assert_int_equal(labels.followed[4], 6);
    assert_int_equal(labels.followed[5], 24);
    assert_int_equal(labels.of[4], 294);
    score_labels_free(&labels);
    tft_dataset_close(&data);
}

static void a_server_that_sends_no_state_has_no_labels_by_state(void **state)
{
    (void)state;
    tft_dataset data;
    const int64_t high[] = {100};
    fill(&data, 200, high, 1, TFT_STATE_NONE);
    const tft_incident_rule rule = {.by_metric = false};
    assert_false(score_has_labels(&data, &rule));
    score_window items[] = {{0, 90}};
    const score_windows windows = windows_at(items, 1);
    score_labels labels;
    assert_int_equal(score_labels_make(&data, &rule, &windows, hours, 2, &labels, NULL), TFT_OK);
    assert_int_equal(labels.counts[0], 0);
    score_labels_free(&labels);
    tft_dataset_close(&data);
}

static void incidents_by_state_are_followed_and_scored(void **state)
{
    (void)state;
    tft_dataset data;
    const int64_t high[] = {100, 101, 200};
    fill(&data, 400, high, 3, TFT_STATE_HEALTHY);
    const tft_incident_rule rule = {.by_metric = false};
    assert_true(score_has_labels(&data, &rule));
    score_window items[] = {{0, 95}, {0, 100}, {0, 110}, {0, 190}, {0, 250}};
    const score_windows windows = windows_at(items, 5);
    const float probability[10] = {0.9f, 0.9f, 0.5f, 0.5f, 0.1f, 0.2f, NAN, 0.7f, 0.1f, 0.1f};
    score_incident_result results[2];
    const double prior[2] = {0.25, 0.5};
    const score_incident_job job = {.dataset = &data,
                                    .windows = &windows,
                                    .rule = &rule,
                                    .steps = hours,
                                    .n_horizons = 2,
                                    .probability = probability,
                                    .prior = prior};
    assert_int_equal(score_incidents_evaluate(&job, results, NULL), TFT_OK);
    // within 6 steps: 95 → yes; 100 is in it; 110 → no; 190 has no probability; 250 → no
    assert_int_equal(results[0].source.n, 3);
    assert_int_equal(results[0].source.positives, 1);
    assert_int_equal(results[0].n_unanswered, 1);
    assert_double_equal(results[0].source.brier, (0.01 + 0.01 + 0.01) / 3, 1e-6);
    assert_int_equal(results[0].frequency.n, 3); // the same cases
    assert_double_equal(results[0].climatology.brier, (0.75 * 0.75 + 2 * 0.25 * 0.25) / 3, 1e-6);
    assert_int_equal(results[0].fleet.n, 0); // one server is no fleet
    assert_int_equal(results[1].source.n, 4);
    assert_int_equal(results[1].source.positives, 2);
    tft_dataset_close(&data);
}

static void the_servers_of_one_origin_are_a_fleet(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    assert_int_equal(tft_dataset_open(&contract, &data, NULL), TFT_OK);
    for (int64_t i = 0; i < 200; i++) {
        data_put(&data, "s1", i, i == 100 ? 95 : 10, TFT_STATE_NONE);
        data_put(&data, "s2", i, 10, TFT_STATE_NONE);
    }
    const tft_incident_rule rule = {.by_metric = true, .metric = 0, .level = 90, .steps = 1};
    score_window items[] = {{0, 96}, {0, 110}, {1, 96}, {1, 110}};
    const score_windows windows = windows_at(items, 4);
    const float probability[8] = {0.5f, 0.5f, 0.2f, 0.2f, 0.5f, 0.5f, 0.2f, 0.2f};
    const score_incident_job job = {.dataset = &data,
                                    .windows = &windows,
                                    .rule = &rule,
                                    .steps = hours,
                                    .n_horizons = 2,
                                    .probability = probability,
                                    .fleet = {.n = 1, .step = {6}, .exponent = {0.5}}};
    score_incident_result results[2];
    assert_int_equal(score_incidents_evaluate(&job, results, NULL), TFT_OK);
    assert_int_equal(results[0].fleet.n, 2);
    assert_int_equal(results[0].fleet.positives, 1); // at 96, on one of the two
    assert_double_equal(results[0].fleet_independent.brier, (0.25 * 0.25 + 0.36 * 0.36) / 2, 1e-6);
    const double fleet[2] = {1 - pow(0.5, 1.5), 1 - pow(0.8, 1.5)}; // as one server and a half
    assert_double_equal(results[0].fleet.brier, (pow(1 - fleet[0], 2) + fleet[1] * fleet[1]) / 2, 1e-6);
    assert_double_equal(results[0].fleet_largest.brier, (0.5 * 0.5 + 0.2 * 0.2) / 2, 1e-6);
    tft_dataset_close(&data);
}

static void horizons_are_those_that_are_whole_steps_of_the_contract(void **state)
{
    (void)state;
    tft_contract contract = data_contract(1);
    uint32_t steps[SCORE_MAX_HORIZONS];
    const char *names[SCORE_MAX_HORIZONS];
    assert_int_equal(score_incident_horizons(&contract, steps, names), 5);
    assert_int_equal(steps[0], 6);
    assert_int_equal(steps[4], 96);
    assert_string_equal(names[4], "8h");
    contract.horizon = 30;
    assert_int_equal(score_incident_horizons(&contract, steps, names), 3);
    contract.step_ms = 3600000;
    assert_int_equal(score_incident_horizons(&contract, steps, names), 4); // without 30m
    assert_string_equal(names[0], "1h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_incident_by_metric_starts_with_the_third_step_in_a_row),
        cmocka_unit_test(a_missing_sample_breaks_the_run),
        cmocka_unit_test(the_servers_own_week_is_counted_up_to_what_the_origin_knows),
        cmocka_unit_test(a_server_that_sends_no_state_has_no_labels_by_state),
        cmocka_unit_test(incidents_by_state_are_followed_and_scored),
        cmocka_unit_test(the_servers_of_one_origin_are_a_fleet),
        cmocka_unit_test(horizons_are_those_that_are_whole_steps_of_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
