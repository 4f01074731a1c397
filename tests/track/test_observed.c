/* test_observed.c - which incidents a history holds. A history is a word: one letter a step.
 *     h healthy   c critical_issue   o offline   m maintenance   - no record, others reported   . no record from anybody */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "track/observed.h"

#define FIRST 5900000
#define STEP_MS 300000

static tft_contract contract;

/* "start-end state [planned]; …": steps of the word, an end of "…" goes on. */
static void found_in(const char *word, bool planned_now, char *text, size_t capacity, observed *out)
{
    const size_t n = strlen(word);
    uint8_t reported[64];
    tft_series series;
    tft_error err = {0};
    tft_series_init(&series, contract.n_metrics, 0);
    for (size_t i = 0; i < n; i++) {
        const tft_state state = word[i] == 'h'   ? TFT_STATE_HEALTHY
                                : word[i] == 'c' ? TFT_STATE_CRITICAL_ISSUE
                                : word[i] == 'o' ? TFT_STATE_OFFLINE
                                                 : TFT_STATE_MAINTENANCE;
        const double values[TFT_MAX_METRICS] = {50, 50, 50, 50};
        reported[i] = word[i] != '.';
        if (word[i] != '-' && word[i] != '.')
            assert_int_equal(tft_series_add(&series, FIRST + (int64_t)i, values, state, &err), TFT_OK);
    }
    const observed_activity activity = {.first = FIRST, .n = n, .reported = reported};
    observed_find(&series, &contract, &activity, 3, planned_now, out);
    text[0] = '\0';
    for (size_t i = 0; i < out->n; i++) {
        const store_incident *const x = &out->items[i];
        char end[24] = "…";
        if (x->end_ms != STORE_GOES_ON)
            snprintf(end, sizeof end, "%d", (int)(x->end_ms / STEP_MS - FIRST));
        snprintf(text + strlen(text), capacity - strlen(text), "%s%d-%s %s%s", i > 0 ? "; " : "",
                 (int)(x->start_ms / STEP_MS - FIRST), end, tft_state_name(x->state), x->planned ? " planned" : "");
    }
    tft_series_free(&series);
}

static void expect(const char *word, const char *wanted)
{
    static observed out;
    char text[512];
    found_in(word, false, text, sizeof text, &out);
    if (strcmp(text, wanted) != 0)
        fail_msg("%s: found \"%s\", expected \"%s\"", word, text, wanted);
}

static int begin(void **state)
{
    (void)state;
    contract = tft_contract_default();
    return 0;
}

static void bad_steps_from_first_to_last_are_one_incident(void **state)
{
    (void)state;
    expect("hhhh", "");
    expect("hhcch", "2-4 critical_issue");
    expect("hhccoch", "2-6 offline");
    expect("hchhc", "1-2 critical_issue; 4-… critical_issue");
}

static void a_gap_neither_ends_an_incident_nor_makes_one(void **state)
{
    (void)state;
    expect("hc-c-h", "1-5 critical_issue");
    expect("hh--hh", "");
    expect("hh......hh", "");
    expect("hc.....ch", "1-8 critical_issue");
}

static void a_server_silent_for_three_steps_while_others_report_is_offline_from_the_first(void **state)
{
    (void)state;
    expect("hh---h", "2-5 offline");
    expect("hh-..--h", "2-7 offline");
    expect("hh---", "2-… offline");
    expect("hhc---h", "2-6 offline");
}

static void what_began_in_maintenance_was_planned_until_it_goes_wrong_otherwise(void **state)
{
    (void)state;
    expect("hmoooh", "2-5 offline planned");
    expect("hm---h", "2-5 offline planned");
    expect("hmooch", "2-4 offline planned; 4-5 critical_issue");
    expect("hooh", "1-3 offline");
}

static void an_absence_that_was_announced_is_planned(void **state)
{
    static observed out;
    char text[512];
    (void)state;
    found_in("hh---", true, text, sizeof text, &out);
    assert_string_equal(text, "2-… offline planned");
}

static void what_the_history_begins_in_is_no_item_but_its_end_is_told(void **state)
{
    static observed out;
    char text[512];
    (void)state;
    found_in("cchhch", false, text, sizeof text, &out);
    assert_string_equal(text, "4-5 critical_issue");
    assert_int_equal(out.earlier_end_ms / STEP_MS - FIRST, 2);
    assert_int_equal(out.from_ms / STEP_MS - FIRST, 1);
    found_in("ccc", false, text, sizeof text, &out);
    assert_string_equal(text, "");
    assert_int_equal(out.earlier_end_ms, STORE_GOES_ON);
}

static void of_too_many_the_newest_are_told_and_the_others_left_alone(void **state)
{
    static tft_series series;
    static uint8_t reported[2 * OBSERVED_MOST + 40];
    static observed out;
    tft_error err = {0};
    (void)state;
    const size_t n = sizeof reported;
    tft_series_init(&series, contract.n_metrics, 0);
    for (size_t i = 0; i < n; i++) {
        const double values[TFT_MAX_METRICS] = {50, 50, 50, 50};
        reported[i] = 1;
        assert_int_equal(tft_series_add(&series, FIRST + (int64_t)i, values,
                                        i % 2 == 1 ? TFT_STATE_CRITICAL_ISSUE : TFT_STATE_HEALTHY, &err),
                         TFT_OK);
    }
    const observed_activity activity = {.first = FIRST, .n = n, .reported = reported};
    observed_find(&series, &contract, &activity, 3, false, &out);
    assert_int_equal(out.n, OBSERVED_MOST);
    assert_int_equal(out.from_ms, out.items[0].start_ms);
    assert_int_equal(out.items[OBSERVED_MOST - 1].start_ms / STEP_MS - FIRST, n - 1);
    tft_series_free(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bad_steps_from_first_to_last_are_one_incident, begin),
        cmocka_unit_test_setup(a_gap_neither_ends_an_incident_nor_makes_one, begin),
        cmocka_unit_test_setup(a_server_silent_for_three_steps_while_others_report_is_offline_from_the_first, begin),
        cmocka_unit_test_setup(what_began_in_maintenance_was_planned_until_it_goes_wrong_otherwise, begin),
        cmocka_unit_test_setup(an_absence_that_was_announced_is_planned, begin),
        cmocka_unit_test_setup(what_the_history_begins_in_is_no_item_but_its_end_is_told, begin),
        cmocka_unit_test_setup(of_too_many_the_newest_are_told_and_the_others_left_alone, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
