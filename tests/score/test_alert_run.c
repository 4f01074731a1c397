/* test_alert_run.c - alerts counted by hand on one small server. */
#include "data.h"

#include "score/alert_run.h"
#include "score/report_alerts.h"

/* One server, cpu-like metric "a", incidents of one step at 100 and 300; cases every 12 steps from 12 to 372. */
static void open_world(tft_dataset *data, score_windows *windows, score_window *items)
{
    const tft_contract contract = data_contract(1);
    assert_int_equal(tft_dataset_open(&contract, data, NULL), TFT_OK);
    for (int64_t i = 0; i < 500; i++)
        data_put(data, "s1", i, i == 100 || i == 300 ? 95 : 10, TFT_STATE_NONE);
    for (size_t k = 0; k < 31; k++)
        items[k] = (score_window){0, 12 * (int64_t)(k + 1)};
    *windows = (score_windows){.n = 31, .items = items, .n_origins = 31, .n_servers = 1};
}

static const tft_incident_rule rule = {.by_metric = true, .metric = 0, .level = 90, .steps = 1};

static void counted_by_hand(void **state)
{
    (void)state;
    tft_dataset data;
    score_windows windows;
    score_window items[31];
    float values[31][SCORE_N_ALERT_RULES];
    score_alerts alerts;
    open_world(&data, &windows, items);
    for (size_t k = 0; k < 31; k++) { // the horizon is 96: 12 … 96 come before 100, 204 … 288 before 300
        const int64_t o = items[k].origin;
        values[k][SCORE_ALERT_PROBABILITY] = o >= 60 && o <= 96 ? 0.6f : o == 156 || o == 168 ? 0.25f : 0.01f;
        values[k][SCORE_ALERT_SOON] = o == 96 || o == 168 ? 0.35f : 0.01f;
        values[k][SCORE_ALERT_P50] = NAN;
        values[k][SCORE_ALERT_STATIC] = o >= 60 && o <= 96 ? 50 : o == 144 || o == 168 || o == 336 ? 60 : 10;
        values[k][SCORE_ALERT_TREND] = NAN;
    }
    const double levels[2] = {NAN, 55};
    assert_int_equal(score_alerts_evaluate(&data, &windows, &rule, &values[0][0], levels, &alerts, NULL), TFT_OK);
    // every 12 steps: o = 96 is 4 steps before 100; 100 itself is no multiple of 12, 300 is one: in the incident, no case
    assert_int_equal(alerts.n_cases, 30);
    assert_int_equal(alerts.n_starts, 2);
    assert_double_equal(alerts.every_minutes, 60, 1e-9);
    assert_double_equal(alerts.server_days, 30 * 60 / 1440.0, 1e-9);
    const score_alert_row *const half = &alerts.rows[6]; // .1 static, .2 static, .3 static, .5: rows 0, 2, 4, 6
    assert_int_equal(half->rule, SCORE_ALERT_PROBABILITY);
    assert_double_equal(half->threshold, 0.5, 0);
    assert_int_equal(half->n_raised, 4);
    assert_double_equal(half->precision, 1, 0);
    assert_double_equal(half->recall, 0.5, 0);
    assert_double_equal(half->lead_minutes, 40 * 5, 1e-9); // first raised at 60
    assert_double_equal(half->false_per_server_day, 0, 0);
    const score_alert_row *const matched =
        &alerts.rows[7]; // four windows before incidents are raised by value >= 50, too
    assert_int_equal(matched->rule, SCORE_ALERT_STATIC);
    assert_true(matched->matched);
    assert_double_equal(matched->threshold, 50, 0);
    assert_int_equal(matched->n_raised, 7);
    assert_double_equal(matched->precision, 4.0 / 7, 1e-9);
    assert_double_equal(matched->false_per_server_day, 3 / alerts.server_days, 1e-9); // 144, 168 and 336 stand apart
    const score_alert_row *const fifth = &alerts.rows[2]; // .2: also 156 and 168, one false stretch
    assert_int_equal(fifth->n_raised, 6);
    assert_double_equal(fifth->false_per_server_day, 1 / alerts.server_days, 1e-9);
    size_t n_soon = 0;
    for (size_t i = 0; i < alerts.n_rows; i++) {
        const score_alert_row *const r = &alerts.rows[i];
        n_soon += r->rule == SCORE_ALERT_SOON;
        if (r->rule == SCORE_ALERT_SOON && r->threshold == 0.3)
            assert_true(r->n_raised == 2 && r->n_followed == 1);
    }
    assert_int_equal(n_soon, 4);
    const score_alert_row *const last =
        &alerts.rows[alerts.n_rows - 2]; // the static threshold as it is (then the trend)
    assert_double_equal(last->threshold, 55, 0);
    assert_false(last->matched);
    tft_dataset_close(&data);
}

static void without_a_model_only_simple_rules_stand_there(void **state)
{
    (void)state;
    tft_dataset data;
    score_windows windows;
    score_window items[31];
    float values[31][SCORE_N_ALERT_RULES];
    score_alerts alerts;
    open_world(&data, &windows, items);
    for (size_t k = 0; k < 31; k++) {
        for (size_t r = 0; r < SCORE_N_ALERT_RULES; r++)
            values[k][r] = r < SCORE_ALERT_STATIC ? NAN : 10;
    }
    const double levels[2] = {75, 90};
    assert_int_equal(score_alerts_evaluate(&data, &windows, &rule, &values[0][0], levels, &alerts, NULL), TFT_OK);
    assert_int_equal(alerts.n_rows, 4);
    assert_true(isnan(alerts.rows[0].precision)); // nothing was raised
    assert_double_equal(alerts.rows[0].recall, 0, 0);
    tft_text text = tft_text_new(10000);
    score_report_alerts_text(&alerts, &data.contract, &text);
    assert_non_null(strstr(text.bytes, "a >= 75 now"));
    tft_text_clear(&text);
    score_report_alerts_json(&alerts, &data.contract, &text);
    assert_non_null(strstr(text.bytes, "\"precision\": null"));
    tft_text_free(&text);
    tft_dataset_close(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_by_hand),
        cmocka_unit_test(without_a_model_only_simple_rules_stand_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
