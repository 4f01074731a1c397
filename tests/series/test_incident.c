/* test_incident.c - where incidents begin and end, by state and by metric, and that walking agrees with looking back. */
#include "check.h"

#include "base/rng.h"
#include "series/incident.h"

/* One letter a step: h healthy, c critical_issue, o offline, m maintenance, l heavy_load, r recovery, - no record. */
static tft_series series_of(const char *steps)
{
    tft_series s;
    tft_series_init(&s, 4, 0);
    for (int64_t i = 0; steps[i] != '\0'; i++) {
        switch (steps[i]) {
        case 'h':
            add(&s, i, 40.0, TFT_STATE_HEALTHY);
            break;
        case 'c':
            add(&s, i, 97.0, TFT_STATE_CRITICAL_ISSUE);
            break;
        case 'l':
            add(&s, i, 85.0, TFT_STATE_HEAVY_LOAD);
            break;
        case 'r':
            add(&s, i, 40.0, TFT_STATE_RECOVERY);
            break;
        case 'o':
            add_state(&s, i, TFT_STATE_OFFLINE);
            break;
        case 'm':
            add_state(&s, i, TFT_STATE_MAINTENANCE);
            break;
        default:
            break;
        }
    }
    return s;
}

/* `expected`: S an incident starts here, i it goes on, . none. */
static void expect(const tft_series *s, const tft_contract *contract, const char *expected)
{
    for (size_t i = 0; i < s->n_steps; i++) {
        assert_int_equal(tft_series_in_incident(s, contract, i), expected[i] != '.');
        assert_int_equal(tft_series_incident_starts(s, contract, i), expected[i] == 'S');
    }
}

static void expect_states(const char *steps, const char *expected)
{
    const tft_contract contract = tft_contract_default();
    tft_series s = series_of(steps);
    assert_int_equal(strlen(expected), s.n_steps);
    expect(&s, &contract, expected);
    tft_series_free(&s);
}

static void an_incident_starts_with_the_first_critical_step(void **state)
{
    (void)state;
    expect_states("hhcchhch", "..Si..S.");
    expect_states("hlcrcl", "..S.S.");
}

static void offline_is_an_incident_unless_maintenance_came_before(void **state)
{
    (void)state;
    expect_states("hhoooh", "..Sii.");
    expect_states("hmoooh", "......");
    expect_states("hm-o-oh", ".......");
    expect_states("hmohooh", "....Si.");
    expect_states("hco", ".Si"); // from one incident state into the other: the same incident
}

static void what_was_on_at_the_first_record_is_no_start(void **state)
{
    (void)state;
    expect_states("cchc", "ii.S");
    expect_states("och", "ii."); // nobody knows whether the offline was planned; it is not called so
}

static void a_gap_neither_ends_an_incident_nor_starts_one(void **state)
{
    (void)state;
    expect_states("hc-ch", ".S.i.");
    expect_states("h--c-h", "...S..");
}

static void a_series_that_only_says_offline_is_switched_off_not_broken(void **state)
{
    (void)state;
    const tft_contract contract = tft_contract_default();
    tft_series s;
    tft_series_init(&s, 4, 0);
    for (int64_t i = 0; i < 6; i++) {
        if (i == 2 || i == 3)
            add_state(&s, i, TFT_STATE_OFFLINE);
        else
            add(&s, i, 40.0, TFT_STATE_NONE);
    }
    expect(&s, &contract, "......");
    tft_series_free(&s);
}

static void without_states_they_are_derived(void **state)
{
    (void)state;
    const tft_contract contract = tft_contract_default();
    tft_series s;
    tft_series_init(&s, 4, 0);
    const double cpu[] = {20.0, 96.0, 97.0, 30.0};
    for (int64_t i = 0; i < 4; i++)
        add(&s, i, cpu[i], TFT_STATE_NONE);
    expect(&s, &contract, ".Si.");
    tft_series_free(&s);
}

static void by_metric_an_incident_starts_at_the_third_step_in_a_row(void **state)
{
    (void)state;
    tft_contract contract = tft_contract_default();
    contract.incident = (tft_incident_rule){.by_metric = true, .metric = 0, .level = 90.0, .steps = 3};
    const double cpu[] = {90, 91, 92, 93, 89, 95, 95, (double)NAN, 95, 95, 95, 95};
    tft_series s;
    tft_series_init(&s, 4, 0);
    for (int64_t i = 0; i < 12; i++)
        add(&s, i, cpu[i], TFT_STATE_HEALTHY);
    expect(&s, &contract, "..Si......Si"); // a missing value breaks the run
    tft_series_free(&s);
}

static void walking_agrees_with_looking_back(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        tft_rng rng = tft_rng_seeded(seed, 7);
        tft_contract contract = tft_contract_default();
        contract.incident.by_metric = seed % 2 == 1;
        contract.incident.steps = 1 + seed % 4;
        tft_series s;
        tft_series_init(&s, 4, 0);
        for (int64_t i = 0; i < 120; i++) {
            const tft_state sent = seed % 5 == 0 && tft_rng_below(&rng, 3) > 0
                                       ? TFT_STATE_NONE
                                       : (tft_state)tft_rng_below(&rng, TFT_N_STATES);
            if (tft_rng_below(&rng, 4) > 0)
                add(&s, i, tft_rng_below(&rng, 3) == 0 ? (double)NAN : 80.0 + 20.0 * tft_rng_uniform(&rng), sent);
        }
        tft_incident_walk walk = tft_incident_walk_begin(&s, &contract);
        for (size_t i = 0; i < s.n_steps; i++) {
            tft_incident_walk_step(&walk, i);
            assert_int_equal(walk.in, tft_series_in_incident(&s, &contract, i));
            assert_int_equal(walk.starts, tft_series_incident_starts(&s, &contract, i));
        }
        tft_series_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_incident_starts_with_the_first_critical_step),
        cmocka_unit_test(offline_is_an_incident_unless_maintenance_came_before),
        cmocka_unit_test(what_was_on_at_the_first_record_is_no_start),
        cmocka_unit_test(a_gap_neither_ends_an_incident_nor_starts_one),
        cmocka_unit_test(a_series_that_only_says_offline_is_switched_off_not_broken),
        cmocka_unit_test(without_states_they_are_derived),
        cmocka_unit_test(by_metric_an_incident_starts_at_the_third_step_in_a_row),
        cmocka_unit_test(walking_agrees_with_looking_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
