/* test_zone.c - offsets of real zones at known instants, names that are refused, and damaged files. */
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
#include "notify/zone.h"

#define BERLIN "/usr/share/zoneinfo/Europe/Berlin"

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_true(tft_time_parse(text, strlen(text), &ms));
    return ms / 1000;
}

static void offsets_follow_the_database_and_its_rule_for_the_future(void **state)
{
    (void)state;
    static const struct {
        const char *name, *when;
        int32_t offset;
    } cases[] = {{"UTC", "2026-07-01T00:00:00Z", 0},
                 {"Europe/Berlin", "2026-01-01T00:00:00Z", 3600},
                 {"Europe/Berlin", "2026-03-29T00:59:59Z", 3600},
                 {"Europe/Berlin", "2026-03-29T01:00:00Z", 7200},
                 {"Europe/Berlin", "2026-10-25T00:59:59Z", 7200},
                 {"Europe/Berlin", "2026-10-25T01:00:00Z", 3600},
                 {"Europe/Berlin", "2090-07-01T00:00:00Z", 7200}, // behind the last transition of the file
                 {"America/New_York", "2090-12-01T00:00:00Z", -18000},
                 {"Australia/Lord_Howe", "2060-01-01T00:00:00Z", 39600}, // half an hour of summer time
                 {"Australia/Lord_Howe", "2060-07-01T00:00:00Z", 37800},
                 {"Europe/Dublin", "2060-07-01T00:00:00Z", 3600}, // its winter time is the exception
                 {"Europe/Dublin", "2060-01-01T00:00:00Z", 0},
                 {"Asia/Kolkata", "2026-01-01T00:00:00Z", 19800},
                 {"Asia/Calcutta", "2026-01-01T00:00:00Z", 19800}, // a link
                 {"Pacific/Apia", "2011-12-29T00:00:00Z", -36000}, // and then it skipped a day
                 {"Pacific/Apia", "2011-12-31T00:00:00Z", 50400}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zone *z = NULL;
        tft_error err = {0};
        if (!tft_file_exists(BERLIN))
            skip();
        if (zone_open(NULL, cases[i].name, &z, &err) != TFT_OK)
            fail_msg("%s", err.text);
        if (zone_offset_s(z, at(cases[i].when)) != cases[i].offset)
            fail_msg("%s at %s: %d, not %d", cases[i].name, cases[i].when, (int)zone_offset_s(z, at(cases[i].when)),
                     (int)cases[i].offset);
        zone_close(z);
    }
}

static void local_times_go_back_to_where_they_came_from(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"};
    if (!tft_file_exists(BERLIN))
        skip();
    for (size_t k = 0; k < 4; k++) {
        zone *z = NULL;
        assert_int_equal(zone_open(NULL, names[k], &z, NULL), TFT_OK);
        for (int64_t s = at("2025-01-01T00:00:00Z"); s < at("2027-01-01T00:00:00Z"); s += 1800) {
            const int64_t back = zone_to_utc_s(z, s + zone_offset_s(z, s));
            if (back != s) // of a time that comes twice the first is taken
                assert_true(back < s && zone_offset_s(z, s) < zone_offset_s(z, back) && s - back <= 3600);
        }
        zone_close(z);
    }
}

static void only_names_of_the_database_are_opened(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "Europe",
                                      "europe/berlin",
                                      "../../../etc/passwd",
                                      "/etc/passwd",
                                      "Europe/Berlin ",
                                      "posixrules",
                                      "tzdata.zi",
                                      "Z",
                                      "Europe/../UTC",
                                      "%s%n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        zone *z = NULL;
        if (zone_open(NULL, bad[i], &z, NULL) == TFT_OK)
            fail_msg("\"%s\" was opened", bad[i]);
        assert_null(z);
    }
}

static void a_cut_or_changed_file_is_refused_or_harmless(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t n = 0;
    if (tft_file_read(BERLIN, 1 << 20, &bytes, &n, NULL) != TFT_OK)
        skip();
    for (size_t cut = 0; cut < n; cut++) {
        zone *z = NULL;
        assert_int_not_equal(zone_decode((const unsigned char *)bytes, cut, &z, NULL), TFT_OK);
    }
    for (size_t i = 0; i < n; i++) {
        zone *z = NULL;
        const char was = bytes[i];
        bytes[i] = (char)(was ^ 0x55);
        if (zone_decode((const unsigned char *)bytes, n, &z, NULL) == TFT_OK)
            zone_offset_s(z, 1790000000);
        zone_close(z);
        bytes[i] = was;
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_follow_the_database_and_its_rule_for_the_future),
        cmocka_unit_test(local_times_go_back_to_where_they_came_from),
        cmocka_unit_test(only_names_of_the_database_are_opened),
        cmocka_unit_test(a_cut_or_changed_file_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
