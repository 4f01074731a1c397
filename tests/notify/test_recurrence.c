/* test_recurrence.c - rules as they are read, and when windows begin: against 800 random rules that python-dateutil and zoneinfo have
 * answered (recurrence_cases.txt, made by make_recurrence_cases.py), and by hand where clocks change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "notify/recurrence.h"

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_true(tft_time_parse(text, strlen(text), &ms));
    return ms / 1000;
}

static zone *open_zone(const char *name)
{
    zone *z = NULL;
    tft_error err = {0};
    if (zone_open(NULL, name, &z, &err) != TFT_OK) {
        if (err.status == TFT_ERR_NOT_FOUND && strcmp(name, "UTC") != 0)
            return NULL; // no time zone database on this machine
        fail_msg("%s: %s", name, err.text);
    }
    return z;
}

static recurrence parse(const char *text)
{
    recurrence rule;
    const char *const why = recurrence_parse(text, strlen(text), &rule);
    if (why != NULL)
        fail_msg("%s %s", text, why);
    return rule;
}

static void it_begins_when_dateutil_says(void **state)
{
    (void)state;
    FILE *const file = fopen(TFTD_SOURCE_DIR "/tests/notify/recurrence_cases.txt", "re");
    assert_non_null(file);
    char line[1024];
    size_t cases = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = line;
        const char *const name = strsep(&rest, "|"), *const text = strsep(&rest, "|");
        const int64_t start = strtoll(strsep(&rest, "|"), NULL, 10);
        zone *const z = open_zone(name);
        if (z == NULL)
            skip();
        const recurrence rule = parse(text);
        int64_t from = start;
        for (const char *expected = strsep(&rest, ","); expected != NULL; expected = strsep(&rest, ",")) {
            const int64_t wanted = strcmp(expected, ".") == 0 ? RECURRENCE_NEVER : strtoll(expected, NULL, 10);
            const int64_t got = recurrence_next(&rule, z, start, from);
            if (got != wanted)
                fail_msg("%s %s from %lld: expected %s, got %lld", name, text, (long long)from, expected,
                         (long long)got);
            if (got != RECURRENCE_NEVER && recurrence_next(&rule, z, start, got) != got)
                fail_msg("%s %s: %lld is no answer for itself", name, text, (long long)got);
            from = got + 1;
        }
        cases++;
        zone_close(z);
    }
    fclose(file);
    assert_int_equal(cases, 800);
}

static void the_hour_stays_when_clocks_change(void **state)
{
    (void)state;
    zone *const berlin = open_zone("Europe/Berlin");
    if (berlin == NULL)
        skip();
    const recurrence daily = parse("FREQ=DAILY");
    // 02:30 every day: 29 March 2026 has none (03:30 instead), 25 October has two (the first)
    const int64_t start = at("2026-03-27T01:30:00Z");
    static const char *const spring[] = {"2026-03-27T01:30:00Z", "2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z",
                                         "2026-03-30T00:30:00Z"};
    int64_t from = start;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(recurrence_next(&daily, berlin, start, from), at(spring[i]));
        from = at(spring[i]) + 1;
    }
    static const char *const autumn[] = {"2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"};
    from = at("2026-10-24T00:00:00Z");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(recurrence_next(&daily, berlin, start, from), at(autumn[i]));
        from = at(autumn[i]) + 1;
    }
    zone_close(berlin);
}

static void far_ahead_is_found_quickly(void **state)
{
    (void)state;
    zone *const utc = open_zone("UTC");
    const recurrence daily = parse("FREQ=DAILY;BYDAY=SU");
    assert_int_equal(recurrence_next(&daily, utc, at("1970-01-04T03:00:00Z"), at("2999-12-25T00:00:00Z")),
                     at("2999-12-29T03:00:00Z"));
    const recurrence none = parse("FREQ=DAILY;INTERVAL=7;BYDAY=MO"); // always a Sunday
    assert_true(recurrence_next(&none, utc, at("1970-01-04T03:00:00Z"), 0) == RECURRENCE_NEVER);
    const recurrence leap = parse("FREQ=MONTHLY;INTERVAL=12");
    assert_int_equal(recurrence_next(&leap, utc, at("2024-02-29T00:00:00Z"), at("2025-01-01T00:00:00Z")),
                     at("2028-02-29T00:00:00Z"));
    zone_close(utc);
}

static void what_it_cannot_do_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      ";",
                                      "FREQ=YEARLY",
                                      "FREQ=HOURLY",
                                      "INTERVAL=2",
                                      "FREQ=DAILY;INTERVAL=0",
                                      "FREQ=DAILY;INTERVAL=-1",
                                      "FREQ=DAILY;INTERVAL=1001",
                                      "FREQ=DAILY;INTERVAL=99999999999999999999",
                                      "FREQ=DAILY;COUNT=0",
                                      "FREQ=DAILY;COUNT=3;UNTIL=20260101",
                                      "FREQ=DAILY;FREQ=DAILY",
                                      "FREQ=WEEKLY;BYDAY=XX",
                                      "FREQ=WEEKLY;BYDAY=MO,",
                                      "FREQ=WEEKLY;BYDAY=1MO",
                                      "FREQ=MONTHLY;BYDAY=6MO",
                                      "FREQ=MONTHLY;BYDAY=0MO",
                                      "FREQ=MONTHLY;BYDAY=-MO",
                                      "FREQ=MONTHLY;BYMONTHDAY=3",
                                      "FREQ=DAILY;UNTIL=20260230",
                                      "FREQ=DAILY;UNTIL=2026-01-01",
                                      "FREQ=DAILY;UNTIL=20260101T250000Z",
                                      "FREQ=DAILY;UNTIL=20260101T000000X",
                                      "FREQ=DAILY;WKST=1",
                                      "FREQ=DAILY;;INTERVAL=2",
                                      "FREQ=DAILYX",
                                      "freq=daily"};
    recurrence rule;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (recurrence_parse(bad[i], strlen(bad[i]), &rule) == NULL)
            fail_msg("%s was taken", bad[i]);
    rule = parse("FREQ=MONTHLY;BYDAY=1SU,-1FR;INTERVAL=3;WKST=SU;COUNT=10;");
    assert_int_equal(rule.n_days, 2);
    assert_int_equal(rule.days[1].ordinal, -1);
    assert_int_equal(rule.days[1].weekday, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_when_dateutil_says),
        cmocka_unit_test(the_hour_stays_when_clocks_change),
        cmocka_unit_test(far_ahead_is_found_quickly),
        cmocka_unit_test(what_it_cannot_do_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
