/* contract.h - what a fleet's records hold: metrics with units and bounds, states, profiles, step and horizon.
 *
 * A model carries its contract in config.json, and everything that reads or writes records follows the contract
 * of the model that is served: nothing is hard-wired to the four server metrics of the default.
 *
 * A plain struct without pointers: copy it freely.
 */
#ifndef TFT_CONTRACT_H
#define TFT_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TFT_MAX_METRICS 32
#define TFT_MAX_METRIC_NAME 64

typedef struct tft_metric {
    char name[TFT_MAX_METRIC_NAME];        // "cpu_pct": in records, files, models
    char legacy_name[TFT_MAX_METRIC_NAME]; // "cpu_percent": the key in /predictions/current; "" = its own name
    char unit[16];                         // "%", "MB/s", "ms", "" unknown
    double min, max;                       // valid range, inclusive; −HUGE_VAL, HUGE_VAL = unbounded
    double scale_floor;                    // smallest scale of a window, in units: what is noise, not signal
    bool target;                           // forecast; otherwise observed only
} tft_metric;

/* The eight states, in the order of their codes; unknown (no state at all) is TFT_STATE_NONE. */
typedef enum tft_state {
    TFT_STATE_NONE = 0,
    TFT_STATE_CRITICAL_ISSUE,
    TFT_STATE_HEALTHY,
    TFT_STATE_HEAVY_LOAD,
    TFT_STATE_IDLE,
    TFT_STATE_MAINTENANCE,
    TFT_STATE_MORNING_SPIKE,
    TFT_STATE_OFFLINE,
    TFT_STATE_RECOVERY,
    TFT_N_STATES // 9, with NONE
} tft_state;

typedef enum tft_profile {
    TFT_PROFILE_GENERIC = 0,
    TFT_PROFILE_ML_COMPUTE,
    TFT_PROFILE_DATABASE,
    TFT_PROFILE_WEB_API,
    TFT_PROFILE_CONDUCTOR_MGMT,
    TFT_PROFILE_DATA_INGEST,
    TFT_PROFILE_RISK_ANALYTICS,
    TFT_N_PROFILES
} tft_profile;

/* What counts as the start of an incident (CONTRACT 1.6): by state, or by "metric >= level for steps". */
typedef struct tft_incident_rule {
    bool by_metric; // false: a step in critical_issue, or in offline not preceded by maintenance
    size_t metric;  // index into metrics
    double level;
    size_t steps; // the incident starts at the last of this many consecutive steps
    bool inputs;  // the network reads more about past incidents than their number (docs/DATA.md)
} tft_incident_rule;

typedef struct tft_contract {
    char version[16]; // "1.0.0"
    size_t n_metrics; // targets first, then observed ones
    tft_metric metrics[TFT_MAX_METRICS];
    bool has_state, has_profile;
    int64_t step_ms; // 300000
    size_t context;  // longest encoder window, steps
    size_t horizon;  // decoder steps
    size_t memory;   // steps kept for lags and statistics (2304)
    tft_incident_rule incident;
} tft_contract;

/* The four metrics of the original daemon, 5-minute steps, 288 → 96, 8 days of memory, incidents by state. */
tft_contract tft_contract_default(void);
tft_status tft_contract_check(const tft_contract *contract, tft_error *err);
size_t tft_contract_targets(const tft_contract *contract);

/* The horizons at which incident probabilities are trained, judged and looked for in the past: a sixteenth, an eighth, a
 * quarter, half and all of `horizon`, in steps. 0 where the horizon is too short for such a part. */
#define TFT_N_HORIZONS 5
static inline size_t tft_horizon_part(size_t horizon, size_t k)
{
    return horizon >> (TFT_N_HORIZONS - 1 - k);
}
/* The same, one step at least. */
static inline size_t tft_horizon_at(size_t horizon, size_t k)
{
    const size_t part = tft_horizon_part(horizon, k);
    return part > 0 ? part : 1;
}
/* Index of the metric called name[0 … n−1], or −1. */
int tft_contract_find(const tft_contract *contract, const char *name, size_t n);

/* "critical_issue" …; NONE gives "". The reverse gives −1 for an unknown word, exact spelling. */
const char *tft_state_name(tft_state state);
int tft_state_find(const char *name, size_t n);
const char *tft_profile_name(tft_profile profile);
int tft_profile_find(const char *name, size_t n);

/* The worse of two states of one step: offline > critical_issue > heavy_load > recovery > morning_spike > healthy >
 * idle > maintenance > none. */
tft_state tft_state_worse(tft_state a, tft_state b);

#ifdef __cplusplus
}
#endif
#endif
