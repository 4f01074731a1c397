/* test_silences.c - windows over time, and the set: kept, versioned, asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "notify/silences.h"

static char folder[64];
static store *keep;

static int open_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tftd-silences-XXXXXX");
    assert_non_null(mkdtemp(folder));
    store_options options = store_options_default();
    const tft_contract contract = tft_contract_default();
    options.dir = folder;
    assert_int_equal(store_open(&options, &contract, &keep, NULL), TFT_OK);
    return 0;
}

static int close_folder(void **state)
{
    (void)state;
    store_close(keep);
    tft_remove_folder(folder, NULL);
    return 0;
}

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_true(tft_time_parse(text, strlen(text), &ms));
    return ms;
}

static silence decode(const char *json, const char *now)
{
    silence s;
    silence_fault fault;
    tft_error err = {0};
    if (silence_decode(json, strlen(json), at(now), &s, &fault, &err) != TFT_OK)
        fail_msg("%s: %s %s %s", json, err.text, fault.field, fault.why);
    return s;
}

static silences *open_set(void)
{
    silences *all = NULL;
    assert_int_equal(silences_open(keep, NULL, NULL, &all, NULL), TFT_OK);
    return all;
}

static const char *const sunday_nights =
    "{\"kind\": \"maintenance\", \"matchers\": {\"server\": \"ppdb*\"}, \"starts_at\": \"2026-03-22T01:00:00Z\", "
    "\"ends_at\": \"2026-03-22T03:00:00Z\", \"rrule\": \"FREQ=WEEKLY;BYDAY=SU\", \"timezone\": \"Europe/Berlin\"}";

static void a_window_that_repeats_is_active_in_each_of_its_times(void **state)
{
    (void)state;
    if (!tft_file_exists("/usr/share/zoneinfo/tzdata.zi"))
        skip();
    silence s = decode(sunday_nights, "2026-03-01T00:00:00Z"); // 02:00 to 04:00, Sundays, from 22 March on
    static const struct {
        const char *now, *from;
        silence_status status;
    } cases[] = {
        {"2026-03-01T00:00:00Z", "2026-03-22T01:00:00Z", SILENCE_PENDING},
        {"2026-03-22T00:59:59Z", "2026-03-22T01:00:00Z", SILENCE_PENDING},
        {"2026-03-22T01:00:00Z", "2026-03-22T01:00:00Z", SILENCE_ACTIVE},
        {"2026-03-22T02:59:59Z", "2026-03-22T01:00:00Z", SILENCE_ACTIVE},
        {"2026-03-22T03:00:00Z", "2026-03-29T01:00:00Z", SILENCE_PENDING},
        {"2026-03-29T01:30:00Z", "2026-03-29T01:00:00Z", SILENCE_ACTIVE}, // 02:00 is in the gap: 03:00 to 05:00
        {"2026-04-05T00:30:00Z", "2026-04-05T00:00:00Z", SILENCE_ACTIVE}, // summer time
        {"2026-03-22T01:30:00Z", "2026-03-22T01:00:00Z", SILENCE_ACTIVE}, // also backwards
        {"2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z", SILENCE_ACTIVE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t from, to;
        assert_true(silence_window(&s, at(cases[i].now), &from, &to));
        if (from != at(cases[i].from) || silence_status_at(&s, at(cases[i].now)) != cases[i].status)
            fail_msg("at %s", cases[i].now);
        assert_int_equal(to - from, 7200000); // exactly as long as the first
    }
    silence_free(&s);
}

static void a_walk_behind_each_window_finds_all_of_them(void **state)
{
    (void)state;
    if (!tft_file_exists("/usr/share/zoneinfo/tzdata.zi"))
        skip();
    silence s = decode(sunday_nights, "2026-03-01T00:00:00Z");
    static const char *const begins[] = {"2026-03-22T01:00:00Z", "2026-03-29T01:00:00Z", "2026-04-05T00:00:00Z",
                                         "2026-04-12T00:00:00Z"};
    size_t n = 0;
    int64_t from, to;
    for (int64_t i = at("2026-03-01T00:00:00Z");
         silence_window_behind(&s, i, &from, &to) && from < at("2026-04-15T00:00:00Z"); i = to) {
        assert_true(n < sizeof begins / sizeof *begins);
        assert_int_equal(from, at(begins[n++]));
        assert_int_equal(to - from, 7200000);
    }
    assert_int_equal(n, sizeof begins / sizeof *begins);
    silence once = decode("{\"matchers\": {\"server\": \"a\"}, \"starts_at\": \"2026-01-01T01:00:00Z\", \"ends_at\": "
                          "\"2026-01-01T02:00:00Z\"}",
                          "2026-01-01T00:00:00Z");
    assert_true(silence_window_behind(&once, at("2025-12-01T00:00:00Z"), &from, &to));
    assert_false(silence_window_behind(&once, to, &from, &to)); // one that does not repeat has one window
    silence_free(&once);
    silence_free(&s);
}

static void what_is_stored_comes_back(void **state)
{
    (void)state;
    if (!tft_file_exists("/usr/share/zoneinfo/tzdata.zi"))
        skip();
    silences *all = open_set();
    silence s = decode(sunday_nights, "2026-03-01T00:00:00Z");
    assert_int_equal(silences_put(all, &s, 0, at("2026-03-01T00:00:00Z"), NULL), TFT_OK);
    assert_int_equal(s.version, 1);
    char id[ALERT_SILENCE_BYTES];
    memcpy(id, s.id, sizeof id);
    silences_close(all);
    all = open_set();
    const int64_t inside = at("2026-04-05T01:00:00Z"), outside = at("2026-04-05T03:00:00Z");
    assert_true(silences_in_maintenance(all, "ppdb001", 7, "database", inside));
    assert_false(silences_in_maintenance(all, "ppdb001", 7, "database", outside));
    assert_false(silences_in_maintenance(all, "ppweb01", 7, "web_api", inside));
    char ids[SILENCES_MAX_IDS][ALERT_SILENCE_BYTES];
    assert_int_equal(silences_maintaining(all, "ppdb001", 7, "database", inside, ids), 1);
    assert_string_equal(ids[0], id);
    const notify_subject about = {"ppdb001", 7, "database", "threshold", "cpu_pct", "critical"};
    assert_int_equal(silences_covering(all, &about, inside, ids), 0); // a maintenance is no silence
    silences_close(all);
}

static void versions_keep_two_writers_apart(void **state)
{
    (void)state;
    silences *const all = open_set();
    const char *const body = "{\"matchers\": {\"severity\": \"warning\"}, \"ends_at\": \"2030-01-01T00:00:00Z\"}";
    const char *const now = "2026-01-01T00:00:00Z";
    silence s = decode(body, now);
    assert_int_equal(silences_put(all, &s, 0, at(now), NULL), TFT_OK);
    char id[ALERT_SILENCE_BYTES];
    memcpy(id, s.id, sizeof id);
    s = decode(body, now);
    memcpy(s.id, id, sizeof id);
    assert_int_equal(silences_put(all, &s, 1, at(now) + 1000, NULL), TFT_OK);
    assert_int_equal(s.version, 2);
    assert_int_equal(s.created_ms, at(now));
    s = decode(body, now);
    memcpy(s.id, id, sizeof id);
    assert_int_equal(silences_put(all, &s, 1, at(now), NULL), TFT_ERR_MISMATCH);
    assert_int_equal(silences_delete(all, id, 1, NULL), TFT_ERR_MISMATCH);
    assert_int_equal(silences_delete(all, "s-0", 0, NULL), TFT_ERR_NOT_FOUND);
    const notify_subject about = {"x", 1, "generic", "incident", "", "warning"};
    char ids[SILENCES_MAX_IDS][ALERT_SILENCE_BYTES];
    assert_int_equal(silences_covering(all, &about, at(now), ids), 1);
    assert_int_equal(silences_covering(all, &about, at("2030-01-01T00:00:00Z"), ids), 0);
    assert_int_equal(silences_delete(all, id, 2, NULL), TFT_OK);
    assert_int_equal(silences_covering(all, &about, at(now), ids), 0);
    silences_close(all);
}

static void spans_are_the_windows_that_were(void **state)
{
    (void)state;
    silences *const all = open_set();
    silence s = decode("{\"kind\": \"maintenance\", \"matchers\": {\"server\": \"a\"}, \"starts_at\": "
                       "\"2026-01-01T01:00:00Z\", \"ends_at\": "
                       "\"2026-01-01T02:00:00Z\", \"rrule\": \"FREQ=DAILY;COUNT=3\"}",
                       "2026-01-01T00:00:00Z");
    assert_int_equal(silences_put(all, &s, 0, 0, NULL), TFT_OK);
    silences_span spans[8];
    assert_int_equal(silences_spans(all, at("2025-12-25T00:00:00Z"), at("2026-01-01T01:00:00Z"), spans, 8), 0);
    assert_int_equal(silences_spans(all, at("2025-12-25T00:00:00Z"), at("2026-01-02T01:30:00Z"), spans, 8), 2);
    assert_int_equal(spans[0].to_ms, at("2026-01-01T02:00:00Z"));
    assert_int_equal(spans[1].from_ms, at("2026-01-02T01:00:00Z"));
    assert_int_equal(spans[1].to_ms, at("2026-01-02T01:30:00Z")); // as far as it has come
    assert_int_equal(silences_spans(all, at("2026-01-02T01:30:00Z"), at("2026-02-01T00:00:00Z"), spans, 8), 2);
    assert_int_equal(spans[0].from_ms, at("2026-01-02T01:00:00Z")); // its begin stays: the span on disk grows
    assert_int_equal(spans[1].to_ms, at("2026-01-03T02:00:00Z"));
    assert_int_equal(silences_spans(all, at("2026-01-03T02:00:00Z"), at("2026-02-01T00:00:00Z"), spans, 8), 0);
    silences_close(all);
}

static void there_are_only_so_many(void **state)
{
    (void)state;
    silences *const all = open_set();
    tft_error err = {0};
    for (int i = 0; i <= SILENCES_MAX; i++) {
        silence s = decode("{\"matchers\": {\"server\": \"a\"}, \"ends_at\": \"2030-01-01T00:00:00Z\"}",
                           "2026-01-01T00:00:00Z");
        const tft_status status = silences_put(all, &s, 0, 0, &err);
        assert_int_equal(status, i < SILENCES_MAX ? TFT_OK : TFT_ERR_LIMIT);
    }
    silences_close(all);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)
    const struct CMUnitTest tests[] = {
        TEST(a_window_that_repeats_is_active_in_each_of_its_times),
        TEST(a_walk_behind_each_window_finds_all_of_them),
        TEST(what_is_stored_comes_back),
        TEST(versions_keep_two_writers_apart),
        TEST(spans_are_the_windows_that_were),
        TEST(there_are_only_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
