/* test_alert_log.c - alerts, deliveries, silences and maintenance come back as they were kept. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "store/alert_log.h"

#define T0 1760371200000 // 2025-10-13T16:00:00Z
#define MINUTE 60000

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tftd-alerts-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    tft_remove_folder(folder, NULL);
    return 0;
}

static store *open_store(void)
{
    store_options options = store_options_default();
    const tft_contract contract = tft_contract_default();
    options.dir = folder;
    store *s = NULL;
    tft_error err = {0};
    if (store_open(&options, &contract, &s, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return s;
}

/* A firing alert that began n minutes after T0. */
static store_alert alert_of(const char *id, const char *server, int n)
{
    store_alert a = {.profile = "database",
                     .kind = "threshold",
                     .metric = "cpu_pct",
                     .severity = "critical",
                     .status = "firing",
                     .starts_ms = T0 + n * MINUTE,
                     .since_ms = T0 + n * MINUTE,
                     .ends_ms = STORE_NEVER,
                     .below_since_ms = STORE_NEVER,
                     .expected_at_ms = T0 + 60 * MINUTE,
                     .p10_ms = STORE_NEVER,
                     .p50_ms = T0 + 60 * MINUTE,
                     .p90_ms = T0 + 30 * MINUTE,
                     .minutes_ahead = 55,
                     .predicted_value = 92.7,
                     .threshold = 90,
                     .current = (double)NAN,
                     .probability = 0.61,
                     .crossing_probability = 0.75,
                     .ack = {.at_ms = STORE_NEVER, .until_ms = STORE_NEVER}};
    snprintf(a.id, sizeof a.id, "%s", id);
    snprintf(a.server, sizeof a.server, "%s", server);
    return a;
}

static void put(store *s, const store_alert *alerts, size_t n)
{
    const store_alert_batch batch = {.alerts = alerts, .n_alerts = n};
    tft_error err = {0};
    if (store_put_alerts(s, &batch, &err) != TFT_OK)
        fail_msg("%s", err.text);
}

static const store_alert_query everything = {.pending = true,
                                             .firing = true,
                                             .resolved = true,
                                             .from_ms = STORE_NEVER,
                                             .to_ms = STORE_NEVER,
                                             .after_starts_ms = STORE_NEVER};

static void collect_id(void *context, const store_alert *alert)
{
    strcat(strcat(context, alert->id), " ");
}

static const char *ids(store *s, store_alert_query query)
{
    static char text[512];
    text[0] = '\0';
    assert_int_equal(store_each_alert(s, &query, collect_id, text, NULL), TFT_OK);
    return text;
}

static void an_alert_comes_back_as_it_was(void **state)
{
    (void)state;
    store *s = open_store();
    const store_alert put_in = alert_of("a-1", "ppdb001 \"ä\"", 5);
    put(s, &put_in, 1);
    store_close(s);
    s = open_store();
    store_alert out;
    memset(&out, 0xff, sizeof out);
    assert_int_equal(store_find_alert(s, "a-1", &out, NULL), TFT_OK);
    assert_string_equal(out.server, put_in.server);
    assert_string_equal(out.profile, "database");
    assert_string_equal(out.metric, "cpu_pct");
    assert_string_equal(out.status, "firing");
    assert_string_equal(out.mute, "");
    assert_int_equal(out.starts_ms, put_in.starts_ms);
    assert_true(out.ends_ms == STORE_NEVER && out.p10_ms == STORE_NEVER && out.below_since_ms == STORE_NEVER);
    assert_int_equal(out.p90_ms, put_in.p90_ms);
    assert_int_equal(out.minutes_ahead, 55);
    assert_true(out.predicted_value == 92.7 && out.threshold == 90 && isnan(out.current) && out.probability == 0.61);
    assert_true(out.crossing_probability == 0.75 && out.ack.at_ms == STORE_NEVER);
    assert_int_equal(store_find_alert(s, "a-2", &out, NULL), TFT_ERR_NOT_FOUND);
    store_close(s);
}

static void a_row_that_moves_keeps_its_acknowledgement(void **state)
{
    (void)state;
    store *s = open_store();
    store_alert a = alert_of("a-1", "x", 0);
    put(s, &a, 1);
    const store_ack ack = {.by = "ops", .comment = "looking", .at_ms = T0, .until_ms = T0 + MINUTE};
    assert_int_equal(store_acknowledge(s, "a-1", &ack, NULL), TFT_OK);
    assert_int_equal(store_acknowledge(s, "a-9", &ack, NULL), TFT_ERR_NOT_FOUND);
    snprintf(a.status, sizeof a.status, "resolved");
    a.ends_ms = T0 + 9 * MINUTE;
    put(s, &a, 1);
    store_alert out;
    assert_int_equal(store_find_alert(s, "a-1", &out, NULL), TFT_OK);
    assert_string_equal(out.status, "resolved");
    assert_string_equal(out.ack.by, "ops");
    assert_string_equal(out.ack.comment, "looking");
    assert_int_equal(out.ack.until_ms, T0 + MINUTE);
    const store_ack none = {.at_ms = STORE_NEVER, .until_ms = STORE_NEVER};
    assert_int_equal(store_acknowledge(s, "a-1", &none, NULL), TFT_OK);
    assert_int_equal(store_find_alert(s, "a-1", &out, NULL), TFT_OK);
    assert_true(out.ack.at_ms == STORE_NEVER);
    assert_string_equal(out.ack.by, "");
    store_close(s);
}

static void queries_choose_by_status_words_time_and_page(void **state)
{
    (void)state;
    store *s = open_store();
    store_alert rows[4] = {alert_of("a-1", "x", 1), alert_of("a-2", "y", 2), alert_of("a-3", "x", 2),
                           alert_of("a-4", "z", 3)};
    snprintf(rows[0].status, sizeof rows[0].status, "resolved");
    rows[0].ends_ms = T0 + 5 * MINUTE;
    snprintf(rows[3].status, sizeof rows[3].status, "pending");
    snprintf(rows[1].kind, sizeof rows[1].kind, "incident");
    snprintf(rows[2].severity, sizeof rows[2].severity, "warning");
    put(s, rows, 4);
    assert_string_equal(ids(s, everything), "a-4 a-2 a-3 a-1 ");
    store_alert_query q = everything;
    q.firing = q.pending = false;
    assert_string_equal(ids(s, q), "a-1 ");
    q = everything;
    q.server = "x";
    assert_string_equal(ids(s, q), "a-3 a-1 ");
    q.severities = ",warning,";
    assert_string_equal(ids(s, q), "a-3 ");
    q = everything;
    q.kinds = ",incident,silent,";
    assert_string_equal(ids(s, q), "a-2 ");
    q = everything;
    q.from_ms = T0 + 6 * MINUTE; // what was over by then is not alive
    assert_string_equal(ids(s, q), "a-4 a-2 a-3 ");
    q.from_ms = STORE_NEVER;
    q.to_ms = T0 + 2 * MINUTE; // what began then is not yet
    assert_string_equal(ids(s, q), "a-1 ");
    q = everything;
    q.limit = 2;
    assert_string_equal(ids(s, q), "a-4 a-2 ");
    q.after_starts_ms = rows[1].starts_ms;
    q.after_id = "a-2";
    assert_string_equal(ids(s, q), "a-3 a-1 ");
    store_close(s);
}

static void old_ones_are_forgotten_but_never_open_ones(void **state)
{
    (void)state;
    store *s = open_store();
    store_alert rows[3] = {alert_of("a-1", "x", 1), alert_of("a-2", "y", 2), alert_of("a-3", "x", 3)};
    snprintf(rows[0].status, sizeof rows[0].status, "resolved");
    rows[0].ends_ms = T0 + 5 * MINUTE;
    snprintf(rows[1].status, sizeof rows[1].status, "resolved");
    rows[1].ends_ms = T0 + 8 * MINUTE;
    put(s, rows, 3);
    size_t n = 9;
    assert_int_equal(store_forget_alerts(s, T0 + 8 * MINUTE, 100, &n, NULL), TFT_OK);
    assert_int_equal(n, 1);
    assert_string_equal(ids(s, everything), "a-3 a-2 ");
    const char gone[1][STORE_ID_BYTES] = {"a-3"};
    const store_alert_batch batch = {.forgotten = gone, .n_forgotten = 1};
    assert_int_equal(store_put_alerts(s, &batch, NULL), TFT_OK);
    assert_string_equal(ids(s, everything), "a-2 ");
    store_close(s);
}

static void collect_delivery(void *context, const store_delivery *d)
{
    char *const out = context;
    sprintf(out + strlen(out), "%s/%s/%d ", d->target, d->alert, d->told);
}

static void deliveries_come_back_and_are_forgotten(void **state)
{
    (void)state;
    store *s = open_store();
    const store_alert a = alert_of("a-1", "x", 1);
    const store_delivery first[] = {{"ops", "a-1", 0}, {"hook", "a-1", 0}};
    const store_alert_batch batch = {.alerts = &a, .n_alerts = 1, .deliveries = first, .n_deliveries = 2};
    assert_int_equal(store_put_alerts(s, &batch, NULL), TFT_OK);
    const store_delivery then[] = {{"ops", "a-1", 1}, {"hook", "a-1", -1}};
    const store_alert_batch more = {.deliveries = then, .n_deliveries = 2};
    assert_int_equal(store_put_alerts(s, &more, NULL), TFT_OK);
    store_close(s);
    s = open_store();
    char text[200] = "";
    assert_int_equal(store_each_delivery(s, collect_delivery, text, NULL), TFT_OK);
    assert_string_equal(text, "ops/a-1/1 ");
    store_close(s);
}

static void collect_silence(void *context, const store_silence *silence)
{
    char *const out = context;
    sprintf(out + strlen(out), "%s/%d/%.*s ", silence->id, (int)silence->version, (int)silence->body_len,
            silence->body);
}

static void silences_come_back_with_their_version(void **state)
{
    (void)state;
    store *s = open_store();
    store_silence one = {"s-1", 1, "{\"a\": 1}", 8}, two = {"s-2", 1, "{}", 2};
    assert_int_equal(store_put_silence(s, &one, NULL), TFT_OK);
    assert_int_equal(store_put_silence(s, &two, NULL), TFT_OK);
    one.version = 2;
    assert_int_equal(store_put_silence(s, &one, NULL), TFT_OK);
    assert_int_equal(store_delete_silence(s, "s-2", NULL), TFT_OK);
    assert_int_equal(store_delete_silence(s, "s-2", NULL), TFT_ERR_NOT_FOUND);
    store_close(s);
    s = open_store();
    char text[200] = "";
    assert_int_equal(store_each_silence(s, collect_silence, text, NULL), TFT_OK);
    assert_string_equal(text, "s-1/2/{\"a\": 1} ");
    store_close(s);
}

static void collect_span(void *context, const store_maintenance *span)
{
    char *const out = context;
    sprintf(out + strlen(out), "%u %d-%d;", span->server, (int)((span->from_ms - T0) / MINUTE),
            (int)((span->to_ms - T0) / MINUTE));
}

static void maintenance_spans_grow_and_never_shrink(void **state)
{
    (void)state;
    store *s = open_store();
    const store_maintenance first[] = {{3, T0, T0 + 5 * MINUTE}, {1, T0, T0 + 5 * MINUTE}};
    const store_maintenance then[] = {
        {3, T0, T0 + 10 * MINUTE}, {1, T0, T0 + MINUTE}, {1, T0 + 60 * MINUTE, T0 + 70 * MINUTE}};
    assert_int_equal(store_mark_maintenance(s, first, 2, NULL), TFT_OK);
    assert_int_equal(store_mark_maintenance(s, then, 3, NULL), TFT_OK);
    char text[200] = "";
    assert_int_equal(store_each_maintenance(s, UINT32_MAX, T0, T0 + 100 * MINUTE, collect_span, text, NULL), TFT_OK);
    assert_string_equal(text, "1 0-5;1 60-70;3 0-10;");
    text[0] = '\0';
    assert_int_equal(store_each_maintenance(s, 1, T0 + 5 * MINUTE, T0 + 60 * MINUTE, collect_span, text, NULL), TFT_OK);
    assert_string_equal(text, ""); // ends are exclusive on both sides
    store_close(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(an_alert_comes_back_as_it_was),
        TEST(a_row_that_moves_keeps_its_acknowledgement),
        TEST(queries_choose_by_status_words_time_and_page),
        TEST(old_ones_are_forgotten_but_never_open_ones),
        TEST(deliveries_come_back_and_are_forgotten),
        TEST(silences_come_back_with_their_version),
        TEST(maintenance_spans_grow_and_never_shrink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
