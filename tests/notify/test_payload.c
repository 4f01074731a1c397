/* test_payload.c - messages are JSON whatever the names are, and say what receivers expect; routes choose receivers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "notify/payload.h"

static const int64_t T0 = 1760371875402; // 2025-10-13T16:11:15.402Z

static outbox_item item_of(const char *server, const char *severity, bool firing)
{
    outbox_item item = {.row = payload_test_alert(T0), .firing = firing, .closed_ms = T0 + 60000};
    snprintf(item.row.kind, sizeof item.row.kind, "threshold");
    snprintf(item.row.server, sizeof item.row.server, "%s", server);
    snprintf(item.row.profile, sizeof item.row.profile, "database");
    snprintf(item.row.metric, sizeof item.row.metric, "cpu_pct");
    snprintf(item.row.severity, sizeof item.row.severity, "%s", severity);
    item.row.predicted_value = 92.7;
    item.row.threshold = 90;
    item.row.expected_at_ms = T0 + 1200000;
    return item;
}

static const payload_frame frame = {
    .base_url = "http://127.0.0.1:8000", .receiver = "chat", .now_ms = 1760371875402 + 120000, .resend_ms = 60000};

static const char *text_at(const tft_json *object, const char *key)
{
    const char *const text = tft_json_string(tft_json_at(object, key), NULL);
    return text != NULL ? text : "";
}

static void alertmanager_gets_an_end_four_resends_ahead_or_the_end(void **state)
{
    (void)state;
    const outbox_item items[2] = {item_of("ppdb001", "critical", true),
                                  item_of("b\xc3\xbcro \"7\" \\ x", "warning", false)};
    tft_text out = tft_text_new(PAYLOAD_MAX);
    tft_json_document document;
    payload_alertmanager(&frame, items, 2, &out);
    assert_int_equal(tft_json_parse(out.bytes, out.n, 16, &document, NULL), TFT_OK);
    assert_int_equal(tft_json_length(document.root), 2);
    const tft_json *const first = tft_json_item(document.root, 0), *const second = tft_json_item(document.root, 1);
    assert_string_equal(text_at(first, "startsAt"), "2025-10-13T16:11:15.402Z");
    assert_string_equal(text_at(first, "endsAt"), "2025-10-13T16:17:15.402Z");
    assert_string_equal(text_at(first, "generatorURL"), "http://127.0.0.1:8000/api/v1/alerts/a-test");
    assert_string_equal(text_at(tft_json_at(first, "labels"), "alertname"), "TftdThreshold");
    assert_int_equal(tft_json_length(tft_json_at(first, "labels")), 7);
    assert_string_equal(text_at(tft_json_at(first, "annotations"), "summary"),
                        "ppdb001: cpu_pct is expected to reach 92.7 at 2025-10-13T16:31:15Z (threshold 90)");
    assert_int_equal(tft_json_kind_at(tft_json_at(first, "annotations"), "current"), TFT_JSON_ABSENT); // NaN
    assert_string_equal(text_at(second, "endsAt"), "2025-10-13T16:12:15.402Z"); // when it ceased to be heard
    assert_string_equal(text_at(tft_json_at(second, "labels"), "server"), "b\xc3\xbcro \"7\" \\ x");
    tft_json_free(&document);
    tft_text_free(&out);
}

static void an_end_is_never_before_the_start_nor_in_the_future(void **state)
{
    (void)state;
    outbox_item item = item_of("x", "warning", false);
    static const struct {
        int64_t ends_ms;
        const char *shown;
    } cases[] = {{1760371875402 - 5000, "2025-10-13T16:11:15.402Z"},
                 {1760371875402 + 5000, "2025-10-13T16:11:20.402Z"},
                 {1760371875402 + 900000, "2025-10-13T16:13:15.402Z"}};
    for (size_t i = 0; i < 3; i++) {
        tft_text out = tft_text_new(PAYLOAD_MAX);
        tft_json_document document;
        item.row.ends_ms = cases[i].ends_ms;
        payload_alertmanager(&frame, &item, 1, &out);
        assert_int_equal(tft_json_parse(out.bytes, out.n, 16, &document, NULL), TFT_OK);
        assert_string_equal(text_at(tft_json_item(document.root, 0), "endsAt"), cases[i].shown);
        tft_json_free(&document);
        tft_text_free(&out);
    }
}

static void a_webhook_message_names_what_all_have_in_common(void **state)
{
    (void)state;
    const outbox_item items[2] = {item_of("x", "critical", true), item_of("x", "warning", false)};
    tft_text out = tft_text_new(PAYLOAD_MAX);
    tft_json_document document;
    payload_webhook(&frame, items, 2, &out);
    assert_int_equal(tft_json_parse(out.bytes, out.n, 16, &document, NULL), TFT_OK);
    assert_string_equal(text_at(document.root, "version"), "4");
    assert_string_equal(text_at(document.root, "status"), "firing"); // one of them does
    assert_string_equal(text_at(document.root, "groupKey"), "{}:{server=\"x\"}");
    const tft_json *const common = tft_json_at(document.root, "commonLabels");
    assert_int_equal(tft_json_length(common), 6); // all but the severity
    assert_null(tft_json_at(common, "severity"));
    const tft_json *const alerts = tft_json_at(document.root, "alerts");
    assert_string_equal(text_at(tft_json_item(alerts, 0), "endsAt"), "0001-01-01T00:00:00Z");
    assert_string_equal(text_at(tft_json_item(alerts, 1), "status"), "resolved");
    assert_string_not_equal(text_at(tft_json_item(alerts, 0), "fingerprint"),
                            text_at(tft_json_item(alerts, 1), "fingerprint"));
    tft_json_free(&document);
    tft_text_free(&out);
}

static void summaries_are_sentences_for_each_kind(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *server, *said;
        double value;
    } cases[] = {{"incident", "x", "x: an incident is expected with a probability of 42 %", 0.42},
                 {"silent", "x", "x: no record for 16 min while others report", 990},
                 {"drift", "", "61 % of cpu_pct lay between P10 and P90, 80 % should", 0.61},
                 {"quality", "", "forecasts of cpu_pct are worse than the best simple baseline (skill -0.12)", -0.12},
                 {"test", "", "a test: nothing is wrong", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        store_alert row = item_of(cases[i].server, "warning", true).row;
        snprintf(row.kind, sizeof row.kind, "%s", cases[i].kind);
        row.predicted_value = cases[i].value;
        tft_text out = tft_text_new(1000);
        payload_summary(&row, &out);
        assert_string_equal(out.bytes, cases[i].said);
        tft_text_free(&out);
    }
}

static void routes_are_read_from_the_top(void **state)
{
    (void)state;
    static notify_config config;
    char where[64];
    config.n_receivers = 3;
    for (size_t i = 0; i < 3; i++) {
        config.receivers[i] = notify_receiver_default();
        snprintf(config.receivers[i].name, 64, "r%zu", i);
        snprintf(config.receivers[i].urls[0], 256, "http://x/");
        config.receivers[i].n_urls = 1;
    }
    const notify_subject db = {"ppdb001", 7, "database", "threshold", "cpu_pct", "critical"};
    const notify_subject web = {"ppweb001", 8, "web_api", "threshold", "cpu_pct", "warning"};
    assert_null(notify_config_check(&config, where, sizeof where));
    assert_int_equal(notify_route_of(&config, &db), 7); // without routes: all
    config.n_routes = 3;
    snprintf(config.routes[0].match.severity, 12, "critical");
    snprintf(config.routes[0].receivers[0], 64, "r0");
    config.routes[0].n_receivers = 1;
    config.routes[0].goes_on = true;
    snprintf(config.routes[1].match.server, 64, "ppdb*");
    snprintf(config.routes[1].receivers[0], 64, "r1");
    config.routes[1].n_receivers = 1;
    snprintf(config.routes[2].receivers[0], 64, "r2");
    config.routes[2].n_receivers = 1;
    assert_int_equal(notify_route_of(&config, &db), 3);
    assert_int_equal(notify_route_of(&config, &web), 4);
    config.n_routes = 2;
    assert_int_equal(notify_route_of(&config, &web), 0); // nobody
    snprintf(config.routes[1].receivers[0], 64, "r9");
    assert_non_null(notify_config_check(&config, where, sizeof where));
    assert_string_equal(where, "alerts.routes[1]");
    config.n_routes = 0;
    snprintf(config.receivers[1].name, 64, "r0");
    assert_non_null(notify_config_check(&config, where, sizeof where));
    assert_string_equal(where, "alerts.receivers[1]");
    snprintf(config.receivers[1].name, 64, "r1");
    snprintf(config.receivers[2].urls[0], 256, "file:///etc/passwd");
    assert_non_null(notify_config_check(&config, where, sizeof where));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alertmanager_gets_an_end_four_resends_ahead_or_the_end),
        cmocka_unit_test(an_end_is_never_before_the_start_nor_in_the_future),
        cmocka_unit_test(a_webhook_message_names_what_all_have_in_common),
        cmocka_unit_test(summaries_are_sentences_for_each_kind),
        cmocka_unit_test(routes_are_read_from_the_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
