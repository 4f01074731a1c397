/* test_alert_worth.c - alerts state what the model was judged to be worth, until the daemon's own record says enough. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "notify/payload.h"
#include "server/alert_json.h"
#include "server/alert_worth.h"

#define HOUR_MS ((int64_t)3600000)

/* Judged: P(1 h) >= 0.3 in 93 alerts, 39 of them right. */
static alert_counts_known judged(void)
{
    alert_counts_known known = {.step_ms = 300000, .within_ms = 8 * HOUR_MS, .horizon_ms = HOUR_MS};
    known.model = (tft_alert_record){.n = 1, .step = {12}, .within = 96};
    for (int i = 0; i < 93; i++)
        tft_alert_record_add(&known.model, 0, 0.31, i < 39);
    return known;
}

static void the_model_speaks_until_the_daemon_has_counted_fifty(void **state)
{
    (void)state;
    alert_counts_known known = judged();
    alert_expectation e;
    assert_true(alert_worth_find(&known, 0.3, &e));
    assert_true(e.raised == 93 && e.followed == 39 && !e.own && e.within_ms == 8 * HOUR_MS);
    known.own[1].raised[0] = ALERT_WORTH_OWN - 1;
    known.own[1].followed[0] = 40;
    assert_true(alert_worth_find(&known, 0.3, &e) && !e.own);
    known.own[1].raised[0] = ALERT_WORTH_OWN;
    assert_true(alert_worth_find(&known, 0.3, &e) && e.own);
    assert_true(e.raised == ALERT_WORTH_OWN && e.followed == 40 && e.within_ms == 8 * HOUR_MS);
    known.horizon_ms = 2 * HOUR_MS; // neither counted that one
    assert_false(alert_worth_find(&known, 0.3, &e));
}

static void levels_of_your_own_are_those_that_the_model_knows_below_them(void **state)
{
    (void)state;
    alert_counts_known known = judged();
    alert_expectation e;
    known.own[1].raised[0] = 1000; // of 0.3 alone
    assert_true(alert_worth_find(&known, 0.25, &e));
    assert_true(!e.own && e.raised == 93);
    assert_false(alert_worth_find(&known, 0.6, &e)); // nobody saw such an alert
}

static store_alert row_of(const char *kind)
{
    store_alert row = payload_test_alert(1760371875402);
    snprintf(row.kind, sizeof row.kind, "%s", kind);
    snprintf(row.server, sizeof row.server, "ppdb001");
    row.threshold = 0.3;
    row.predicted_value = 0.41;
    return row;
}

static void replies_and_messages_say_it_in_a_sentence(void **state)
{
    (void)state;
    static const char sentence[] =
        "of 10 such alerts, about 4 are followed by an incident within 8 h (39 of 93 when the model was judged)";
    alert_worth worth;
    const tft_contract contract = tft_contract_default();
    const alert_counts_known known = judged();
    alert_worth_init(&worth);
    alert_worth_contract(&worth, &contract);
    alert_worth_horizon(&worth, HOUR_MS);
    alert_worth_model(&worth, &known.model);
    const alert_extras extras = {.contract = &contract, .expecter = {alert_worth_of, &worth}};
    const payload_frame frame = {"http://127.0.0.1:8000", "chat", 1760371875402, 60000, extras.expecter};
    tft_text out = tft_text_new(PAYLOAD_MAX);
    const store_alert incident = row_of("incident"), threshold = row_of("threshold");
    alert_json(&incident, &extras, &out);
    assert_non_null(strstr(out.bytes, "\"expected_precision\": 0.4194, \"precision_basis\": {\"source\": \"model\", "
                                      "\"alerts\": 93, \"followed\": 39, \"within_minutes\": 480}"));
    assert_non_null(strstr(out.bytes, sentence));
    tft_text_clear(&out);
    alert_json(&threshold, &extras, &out);
    assert_non_null(
        strstr(out.bytes, "\"expected_precision\": null, \"precision_basis\": null, \"description\": null"));
    const outbox_item item = {.row = incident, .firing = true};
    tft_text_clear(&out);
    payload_webhook(&frame, &item, 1, &out);
    assert_non_null(strstr(out.bytes, "\"expected_precision\": \"0.419355\""));
    assert_non_null(strstr(out.bytes, sentence));
    tft_text_clear(&out);
    payload_alertmanager(&frame, &item, 1, &out);
    assert_non_null(strstr(out.bytes, sentence));
    tft_text_free(&out);
    alert_worth_free(&worth);
}

static void another_model_is_not_taken_for_the_one_before(void **state)
{
    (void)state;
    alert_worth worth;
    alert_expectation e;
    track_incidents own[TRACK_N_HORIZONS] = {0};
    const tft_alert_record none = {0};
    const store_alert row = row_of("incident");
    const tft_contract contract = tft_contract_default();
    alert_worth_init(&worth);
    alert_worth_contract(&worth, &contract);
    alert_worth_horizon(&worth, HOUR_MS);
    own[1].raised[0] = 200;
    own[1].followed[0] = 150;
    alert_worth_record(&worth, own);
    assert_true(alert_worth_of(&worth, &row, &e) && e.own && e.followed == 150);
    alert_worth_model(&worth, &none);
    assert_false(alert_worth_of(&worth, &row, &e));
    alert_worth_free(&worth);
}

static void rare_ones_are_told_of_a_hundred(void **state)
{
    (void)state;
    static const struct {
        uint64_t raised, followed;
        const char *said;
    } cases[] = {{100, 67, "of 10 such alerts, about 7 are followed"},
                 {100, 12, "of 10 such alerts, about 1 is followed"},
                 {100, 4, "of 100 such alerts, about 4 are followed"},
                 {100, 0, "of 100 such alerts, about 0 are followed"},
                 {100, 100, "of 10 such alerts, about 10 are followed"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const alert_expectation e = {cases[i].raised, cases[i].followed, 5400000, true};
        tft_text out = tft_text_new(1024);
        expectation_text(&e, &out);
        assert_non_null(strstr(out.bytes, cases[i].said));
        assert_non_null(strstr(out.bytes, "within 90 min"));
        assert_non_null(strstr(out.bytes, "here, in the last 7 days"));
        tft_text_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_speaks_until_the_daemon_has_counted_fifty),
        cmocka_unit_test(levels_of_your_own_are_those_that_the_model_knows_below_them),
        cmocka_unit_test(replies_and_messages_say_it_in_a_sentence),
        cmocka_unit_test(another_model_is_not_taken_for_the_one_before),
        cmocka_unit_test(rare_ones_are_told_of_a_hundred),
    };
    return cmocka_run_group_tests_name("server.alert_worth", tests, NULL, NULL);
}
