/* test_state.c - the words of states and profiles, which state is worse, and what values suggest (CONTRACT 1.6). */
#include "check.h"

static void every_state_and_profile_is_found_by_its_exact_word(void **state)
{
    (void)state;
    for (int s = TFT_STATE_CRITICAL_ISSUE; s < TFT_N_STATES; s++) {
        const char *const name = tft_state_name((tft_state)s);
        assert_int_equal(tft_state_find(name, strlen(name)), s);
    }
    for (int p = 0; p < TFT_N_PROFILES; p++) {
        const char *const name = tft_profile_name((tft_profile)p);
        assert_int_equal(tft_profile_find(name, strlen(name)), p);
    }
    assert_string_equal(tft_state_name(TFT_STATE_NONE), "");
    assert_int_equal(tft_state_find("", 0), -1);
    assert_int_equal(tft_state_find("Healthy", 7), -1);
    assert_int_equal(tft_state_find("healthy ", 8), -1);
    assert_int_equal(tft_profile_find("databas", 7), -1);
}

static void the_worse_of_two_states_follows_the_contract(void **state)
{
    (void)state;
    static const tft_state order[] = {TFT_STATE_OFFLINE,  TFT_STATE_CRITICAL_ISSUE, TFT_STATE_HEAVY_LOAD,
                                      TFT_STATE_RECOVERY, TFT_STATE_MORNING_SPIKE,  TFT_STATE_HEALTHY,
                                      TFT_STATE_IDLE,     TFT_STATE_MAINTENANCE,    TFT_STATE_NONE};
    for (size_t i = 0; i < TFT_N_STATES; i++) {
        for (size_t k = i; k < TFT_N_STATES; k++) {
            assert_int_equal(tft_state_worse(order[i], order[k]), order[i]);
            assert_int_equal(tft_state_worse(order[k], order[i]), order[i]);
        }
    }
}

typedef struct derivation {
    float cpu, mem, disk, latency;
    tft_profile profile;
    tft_state expected;
} derivation;

static void states_are_derived_by_the_table(void **state)
{
    (void)state;
    const float none = NAN;
    const tft_profile generic = TFT_PROFILE_GENERIC, database = TFT_PROFILE_DATABASE;
    const derivation rows[] = {
        {95.1f, 50, 1, 5, generic, TFT_STATE_CRITICAL_ISSUE},
        {95.0f, 50, 1, 5, generic, TFT_STATE_HEAVY_LOAD},
        {50, 95.1f, 1, 5, generic, TFT_STATE_CRITICAL_ISSUE},
        {50, 95.1f, 1, 5, database, TFT_STATE_HEAVY_LOAD},
        {50, 99.0f, 1, 5, database, TFT_STATE_HEAVY_LOAD},
        {50, 99.1f, 1, 5, database, TFT_STATE_CRITICAL_ISSUE},
        {50, 95.0f, 1, 5, database, TFT_STATE_HEALTHY},
        {50, 50, 1, 200.5f, generic, TFT_STATE_CRITICAL_ISSUE},
        {50, 50, 1, 200.0f, generic, TFT_STATE_HEAVY_LOAD},
        {50, 50, 1, 100.0f, generic, TFT_STATE_HEALTHY},
        {80.5f, 50, 1, 5, generic, TFT_STATE_HEAVY_LOAD},
        {80.0f, 80.0f, 1, 5, generic, TFT_STATE_HEALTHY},
        {9.9f, 29.9f, 1, 5, generic, TFT_STATE_IDLE},
        {10.0f, 29.9f, 1, 5, generic, TFT_STATE_HEALTHY},
        {9.9f, 30.0f, 1, 5, generic, TFT_STATE_HEALTHY},
        {9.9f, none, 1, 5, generic, TFT_STATE_HEALTHY}, // a missing metric satisfies no rule
        {none, none, 1, none, generic, TFT_STATE_HEALTHY},
        {none, none, none, 300.0f, generic, TFT_STATE_CRITICAL_ISSUE},
        {none, none, none, none, generic, TFT_STATE_NONE},
    };
    const tft_contract contract = tft_contract_default();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const float values[4] = {rows[i].cpu, rows[i].mem, rows[i].disk, rows[i].latency};
        assert_int_equal(tft_state_derive(&contract, rows[i].profile, values), rows[i].expected);
    }
}

static void a_contract_without_those_metrics_derives_healthy(void **state)
{
    (void)state;
    const tft_contract contract = contract_of(2);
    const float values[2] = {1e6f, NAN}, none[2] = {NAN, NAN};
    assert_int_equal(tft_state_derive(&contract, TFT_PROFILE_GENERIC, values), TFT_STATE_HEALTHY);
    assert_int_equal(tft_state_derive(&contract, TFT_PROFILE_GENERIC, none), TFT_STATE_NONE);
}

static void a_state_that_was_sent_is_not_derived(void **state)
{
    (void)state;
    const tft_contract contract = tft_contract_default();
    tft_series series;
    tft_series_init(&series, 4, 0);
    add(&series, 0, 97.0, TFT_STATE_NONE);
    add(&series, 1, 97.0, TFT_STATE_HEALTHY);
    assert_int_equal(tft_series_state(&series, &contract, 0), TFT_STATE_CRITICAL_ISSUE);
    assert_int_equal(tft_series_state(&series, &contract, 1), TFT_STATE_HEALTHY);
    tft_series_free(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_profile_is_found_by_its_exact_word),
        cmocka_unit_test(the_worse_of_two_states_follows_the_contract),
        cmocka_unit_test(states_are_derived_by_the_table),
        cmocka_unit_test(a_contract_without_those_metrics_derives_healthy),
        cmocka_unit_test(a_state_that_was_sent_is_not_derived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
