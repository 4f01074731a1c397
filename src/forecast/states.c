/* states.c - the rules of CONTRACT 1.6 with configurable levels. See states.h. */
#include "forecast/states.h"

#include <math.h>
#include <string.h>

static int metric_called(const tft_contract *contract, const char *name)
{
    return tft_contract_find(contract, name, strlen(name));
}

static void set_for_all(double levels[TFT_N_PROFILES][TFT_MAX_METRICS], int metric, double level)
{
    if (metric < 0)
        return;
    for (size_t p = 0; p < TFT_N_PROFILES; p++)
        levels[p][metric] = level;
}

void state_rules_default(const tft_contract *contract, state_rules *rules)
{
    for (size_t m = 0; m < TFT_MAX_METRICS; m++) {
        set_for_all(rules->critical, (int)m, (double)NAN);
        set_for_all(rules->heavy, (int)m, (double)NAN);
        rules->idle[m] = (double)NAN;
    }
    const int cpu = metric_called(contract, "cpu_pct");
    const int mem = metric_called(contract, "mem_pct");
    const int latency = metric_called(contract, "latency_ms");
    set_for_all(rules->critical, cpu, 95.0);
    set_for_all(rules->critical, mem, 95.0);
    set_for_all(rules->critical, latency, 200.0);
    set_for_all(rules->heavy, cpu, 80.0);
    set_for_all(rules->heavy, mem, 80.0);
    set_for_all(rules->heavy, latency, 100.0);
    if (mem >= 0) { // page cache: a database's memory is full when all is well
        rules->critical[TFT_PROFILE_DATABASE][mem] = 99.0;
        rules->heavy[TFT_PROFILE_DATABASE][mem] = 95.0;
    }
    if (cpu >= 0 && mem >= 0) { // the rule needs both: a missing metric satisfies none
        rules->idle[cpu] = 10.0;
        rules->idle[mem] = 30.0;
    }
}

/* NaN compares false on either side: a missing value or level never matches. */
static bool any_above(const double *levels, const double *values, size_t n)
{
    for (size_t m = 0; m < n; m++)
        if (values[m] > levels[m])
            return true;
    return false;
}

static bool all_below(const double *levels, const double *values, size_t n)
{
    size_t n_levels = 0;
    for (size_t m = 0; m < n; m++) {
        if (isnan(levels[m]))
            continue;
        n_levels++;
        if (!(values[m] < levels[m]))
            return false;
    }
    return n_levels > 0;
}

tft_state state_derive(const state_rules *rules, size_t n_metrics, tft_profile profile, const double *values)
{
    bool any = false;
    for (size_t m = 0; m < n_metrics; m++)
        any = any || !isnan(values[m]);
    if (!any)
        return TFT_STATE_NONE;
    if (any_above(rules->critical[profile], values, n_metrics))
        return TFT_STATE_CRITICAL_ISSUE;
    if (any_above(rules->heavy[profile], values, n_metrics))
        return TFT_STATE_HEAVY_LOAD;
    if (all_below(rules->idle, values, n_metrics))
        return TFT_STATE_IDLE;
    return TFT_STATE_HEALTHY;
}
