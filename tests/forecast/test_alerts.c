/* test_alerts.c - words, ids, and the order in which /alerts/active shows alerts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forecast/alerts.h"

static const int64_t T0 = 1760371500000; // 2025-10-13T16:05:00Z

static void words_and_numbers_agree(void **state)
{
    (void)state;
    for (int i = 0; i < ALERT_N_KINDS; i++)
        assert_int_equal(alert_kind_find(alert_kind_name((alert_kind)i), strlen(alert_kind_name((alert_kind)i))), i);
    for (int i = 0; i < ALERT_N_STATUSES; i++)
        assert_int_equal(
            alert_status_find(alert_status_name((alert_status)i), strlen(alert_status_name((alert_status)i))), i);
    assert_int_equal(alert_severity_find("warning", 7), ALERT_WARNING);
    assert_int_equal(alert_severity_find("critical", 8), ALERT_CRITICAL);
    assert_int_equal(alert_severity_find("", 0), -1);
    assert_int_equal(alert_severity_find("warning!", 8), -1);
    assert_int_equal(alert_kind_find("cascade", 7), -1);
}

static void ids_depend_on_the_key_and_the_start_alone(void **state)
{
    (void)state;
    char a[ALERT_ID_BYTES], b[ALERT_ID_BYTES];
    alert_make_id("ppweb003", 8, ALERT_THRESHOLD, "cpu_pct", ALERT_WARNING, T0, a);
    alert_make_id("ppweb003, but cut", 8, ALERT_THRESHOLD, "cpu_pct", ALERT_WARNING, T0, b);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 18);
    assert_memory_equal(a, "a-", 2);
    alert_make_id("ppweb004", 8, ALERT_THRESHOLD, "cpu_pct", ALERT_WARNING, T0, b);
    assert_string_not_equal(a, b);
    alert_make_id("ppweb003", 8, ALERT_THRESHOLD, "mem_pct", ALERT_WARNING, T0, b);
    assert_string_not_equal(a, b);
    alert_make_id("ppweb003", 8, ALERT_THRESHOLD, "cpu_pct", ALERT_CRITICAL, T0, b);
    assert_string_not_equal(a, b);
    alert_make_id("ppweb003", 8, ALERT_INCIDENT, "cpu_pct", ALERT_WARNING, T0, b);
    assert_string_not_equal(a, b);
    alert_make_id("ppweb003", 8, ALERT_THRESHOLD, "cpu_pct", ALERT_WARNING, T0 + 1, b);
    assert_string_not_equal(a, b);
}

static void keys_are_ordered_by_server_kind_metric_severity_and_the_fleet_comes_last(void **state)
{
    (void)state;
    const alert sorted[] = {
        {.server = 1, .kind = ALERT_THRESHOLD, .metric = 0, .severity = ALERT_WARNING},
        {.server = 1, .kind = ALERT_THRESHOLD, .metric = 0, .severity = ALERT_CRITICAL},
        {.server = 1, .kind = ALERT_THRESHOLD, .metric = 1, .severity = ALERT_WARNING},
        {.server = 1, .kind = ALERT_SILENT, .metric = ALERT_METRICS, .severity = ALERT_WARNING},
        {.server = 2, .kind = ALERT_THRESHOLD, .metric = 0, .severity = ALERT_WARNING},
        {.server = ALERT_FLEET, .kind = ALERT_DRIFT, .metric = 0, .severity = ALERT_WARNING},
    };
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 6; k++)
            assert_int_equal(alert_compare_keys(&sorted[i], &sorted[k]), i < k ? -1 : i > k);
}

static alert_name name_in(const void *context, size_t server)
{
    const char *const *names = context;
    return (alert_name){names[server], strlen(names[server])};
}

static void what_is_heard_is_shown_by_severity_minutes_server_metric(void **state)
{
    (void)state;
    const tft_contract contract = tft_contract_default();
    static const char *const names[] = {"b", "a", "ab"};
    enum { PENDING, LATE, EARLY, SHORT_NAME, SECOND, FIRST, SILENCED, INHIBITED, OTHER_KIND, N };
    alert alerts[N] = {
        [PENDING] = {.server = 1, .severity = ALERT_CRITICAL, .minutes_ahead = 5, .status = ALERT_PENDING},
        [LATE] = {.server = 1, .severity = ALERT_WARNING, .minutes_ahead = 20, .status = ALERT_FIRING},
        [EARLY] = {.server = 0, .severity = ALERT_WARNING, .minutes_ahead = 5, .status = ALERT_FIRING},
        [SHORT_NAME] =
            {.server = 1, .severity = ALERT_CRITICAL, .minutes_ahead = 60, .status = ALERT_FIRING, .metric = 1},
        [SECOND] = {.server = 2, .severity = ALERT_CRITICAL, .minutes_ahead = 60, .status = ALERT_FIRING, .metric = 1},
        [FIRST] = {.server = 1, .severity = ALERT_CRITICAL, .minutes_ahead = 60, .status = ALERT_FIRING, .metric = 0},
        [SILENCED] = {.server = 1, .severity = ALERT_CRITICAL, .status = ALERT_FIRING, .mute = ALERT_SILENCED},
        [INHIBITED] = {.server = 1, .severity = ALERT_WARNING, .status = ALERT_FIRING, .inhibited_by = "a-0"},
        [OTHER_KIND] = {.server = 1, .kind = ALERT_SILENT, .severity = ALERT_CRITICAL, .status = ALERT_FIRING},
    };
    uint32_t order[N];
    assert_int_equal(alert_order(&contract, alerts, N, name_in, names, order), 5);
    static const uint32_t expected[] = {FIRST, SHORT_NAME, SECOND, EARLY, LATE};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(order[i], expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_numbers_agree),
        cmocka_unit_test(ids_depend_on_the_key_and_the_start_alone),
        cmocka_unit_test(keys_are_ordered_by_server_kind_metric_severity_and_the_fleet_comes_last),
        cmocka_unit_test(what_is_heard_is_shown_by_severity_minutes_server_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
