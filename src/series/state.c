/* state.c - the words for states and profiles, their order of badness, and the state that values suggest.
 *
 * The table of CONTRACT 1.6, first match:
 *     cpu > 95 or mem > 95 (database: > 99) or latency > 200   critical_issue
 *     cpu > 80 or mem > 80 (database: > 95) or latency > 100   heavy_load
 *     cpu < 10 and mem < 30                                    idle
 *     else                                                     healthy
 * Comparisons with NaN are false, which is just what "a missing metric satisfies no rule" asks for.
 */
#include "series/state.h"

#include <math.h>
#include <string.h>

#include "tft/series.h"

static const char *const state_names[TFT_N_STATES] = {
    "", "critical_issue", "healthy", "heavy_load", "idle", "maintenance", "morning_spike", "offline", "recovery",
};

static const char *const profile_names[TFT_N_PROFILES] = {
    "generic", "ml_compute", "database", "web_api", "conductor_mgmt", "data_ingest", "risk_analytics",
};

/* Higher is worse. */
static const unsigned char badness[TFT_N_STATES] = {
    [TFT_STATE_NONE] = 0,       [TFT_STATE_MAINTENANCE] = 1,    [TFT_STATE_IDLE] = 2,
    [TFT_STATE_HEALTHY] = 3,    [TFT_STATE_MORNING_SPIKE] = 4,  [TFT_STATE_RECOVERY] = 5,
    [TFT_STATE_HEAVY_LOAD] = 6, [TFT_STATE_CRITICAL_ISSUE] = 7, [TFT_STATE_OFFLINE] = 8,
};

static int find_word(const char *const *words, size_t from, size_t n_words, const char *name, size_t n)
{
    for (size_t i = from; i < n_words; i++) {
        if (strlen(words[i]) == n && memcmp(words[i], name, n) == 0)
            return (int)i;
    }
    return -1;
}

const char *tft_state_name(tft_state state)
{
    return (unsigned)state < TFT_N_STATES ? state_names[state] : "";
}

int tft_state_find(const char *name, size_t n)
{
    return find_word(state_names, 1, TFT_N_STATES, name, n);
}

const char *tft_profile_name(tft_profile profile)
{
    return (unsigned)profile < TFT_N_PROFILES ? profile_names[profile] : profile_names[TFT_PROFILE_GENERIC];
}

int tft_profile_find(const char *name, size_t n)
{
    return find_word(profile_names, 0, TFT_N_PROFILES, name, n);
}

tft_state tft_state_worse(tft_state a, tft_state b)
{
    return badness[b] > badness[a] ? b : a;
}

tft_state_rules tft_state_rules_of(const tft_contract *contract, tft_profile profile)
{
    const bool database = profile == TFT_PROFILE_DATABASE;
    return (tft_state_rules){
        .n_metrics = contract->n_metrics,
        .cpu = tft_contract_find(contract, "cpu_pct", 7),
        .mem = tft_contract_find(contract, "mem_pct", 7),
        .latency = tft_contract_find(contract, "latency_ms", 10),
        .mem_critical = database ? 99.0f : 95.0f,
        .mem_heavy = database ? 95.0f : 80.0f,
    };
}

tft_state tft_state_by_rules(const tft_state_rules *rules, const float *values)
{
    const float cpu = rules->cpu >= 0 ? values[rules->cpu] : NAN;
    const float mem = rules->mem >= 0 ? values[rules->mem] : NAN;
    const float latency = rules->latency >= 0 ? values[rules->latency] : NAN;
    if (cpu > 95.0f || mem > rules->mem_critical || latency > 200.0f)
        return TFT_STATE_CRITICAL_ISSUE;
    if (cpu > 80.0f || mem > rules->mem_heavy || latency > 100.0f)
        return TFT_STATE_HEAVY_LOAD;
    if (cpu < 10.0f && mem < 30.0f)
        return TFT_STATE_IDLE;
    for (size_t m = 0; m < rules->n_metrics; m++) {
        if (!isnan(values[m]))
            return TFT_STATE_HEALTHY;
    }
    return TFT_STATE_NONE;
}

tft_state tft_state_derive(const tft_contract *contract, tft_profile profile, const float *values)
{
    const tft_state_rules rules = tft_state_rules_of(contract, profile);
    return tft_state_by_rules(&rules, values);
}
