/* test_states.c - the table of CONTRACT 1.6, row by row. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forecast/states.h"
#include "tft/series.h"

#define NONE ((double)NAN)

static void every_row_of_the_table_holds(void **state)
{
    (void)state;
    static const struct {
        tft_profile profile;
        double cpu, mem, latency;
        tft_state expected;
    } rows[] = {
        {TFT_PROFILE_GENERIC, 95.1, 10, 1, TFT_STATE_CRITICAL_ISSUE},
        {TFT_PROFILE_GENERIC, 95.0, 50, 1, TFT_STATE_HEAVY_LOAD}, // the rules are "more than"
        {TFT_PROFILE_GENERIC, 50, 95.1, 1, TFT_STATE_CRITICAL_ISSUE},
        {TFT_PROFILE_GENERIC, 50, 50, 200.1, TFT_STATE_CRITICAL_ISSUE},
        {TFT_PROFILE_DATABASE, 50, 96, 1, TFT_STATE_HEAVY_LOAD},
        {TFT_PROFILE_DATABASE, 50, 95, 1, TFT_STATE_HEALTHY},
        {TFT_PROFILE_DATABASE, 50, 99.1, 1, TFT_STATE_CRITICAL_ISSUE},
        {TFT_PROFILE_GENERIC, 80.1, 50, 1, TFT_STATE_HEAVY_LOAD},
        {TFT_PROFILE_GENERIC, 80, 80, 100, TFT_STATE_HEALTHY},
        {TFT_PROFILE_GENERIC, 50, 50, 100.1, TFT_STATE_HEAVY_LOAD},
        {TFT_PROFILE_GENERIC, 9.9, 29.9, 1, TFT_STATE_IDLE},
        {TFT_PROFILE_GENERIC, 10, 29.9, 1, TFT_STATE_HEALTHY},
        {TFT_PROFILE_GENERIC, 9.9, NONE, 1, TFT_STATE_HEALTHY}, // a missing metric satisfies no rule
        {TFT_PROFILE_GENERIC, 9.9, 29.9, 100.1, TFT_STATE_HEAVY_LOAD},
        {TFT_PROFILE_GENERIC, NONE, NONE, NONE, TFT_STATE_NONE},
    };
    const tft_contract contract = tft_contract_default();
    state_rules rules;
    state_rules_default(&contract, &rules);
    const size_t cpu = (size_t)tft_contract_find(&contract, "cpu_pct", 7);
    const size_t mem = (size_t)tft_contract_find(&contract, "mem_pct", 7);
    const size_t latency = (size_t)tft_contract_find(&contract, "latency_ms", 10);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double values[TFT_MAX_METRICS];
        for (size_t m = 0; m < contract.n_metrics; m++)
            values[m] = NONE;
        values[cpu] = rows[i].cpu;
        values[mem] = rows[i].mem;
        values[latency] = rows[i].latency;
        const tft_state got = state_derive(&rules, contract.n_metrics, rows[i].profile, values);
        if (got != rows[i].expected)
            fail_msg("row %zu: %s, expected %s", i, tft_state_name(got), tft_state_name(rows[i].expected));
    }
}

static void the_default_levels_agree_with_those_the_network_reads(void **state)
{
    (void)state;
    const tft_contract contract = tft_contract_default();
    state_rules rules;
    state_rules_default(&contract, &rules);
    static const double cpu_mem[] = {5, 20, 50, 81, 90, 94, 96, 98, 99.5};
    static const double latency[] = {1, 101, 201};
    for (int profile = 0; profile < TFT_N_PROFILES; profile++)
        for (size_t c = 0; c < 9; c++)
            for (size_t m = 0; m < 9; m++)
                for (size_t l = 0; l < 3; l++) {
                    double values[TFT_MAX_METRICS];
                    float same[TFT_MAX_METRICS];
                    for (size_t i = 0; i < contract.n_metrics; i++) {
                        const char *name = contract.metrics[i].name;
                        values[i] = strcmp(name, "cpu_pct") == 0      ? cpu_mem[c]
                                    : strcmp(name, "mem_pct") == 0    ? cpu_mem[m]
                                    : strcmp(name, "latency_ms") == 0 ? latency[l]
                                                                      : 1.0;
                        same[i] = (float)values[i];
                    }
                    assert_int_equal(state_derive(&rules, contract.n_metrics, (tft_profile)profile, values),
                                     tft_state_derive(&contract, (tft_profile)profile, same));
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_holds),
        cmocka_unit_test(the_default_levels_agree_with_those_the_network_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
