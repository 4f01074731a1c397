/* states.h - what state a server is in when nobody said so.
 *
 * CONTRACT 1.6: the first rule that matches gives the state; a missing metric satisfies no rule.
 *     any metric > critical   critical_issue
 *     any metric > heavy      heavy_load
 *     all idle metrics < idle idle
 *     else                    healthy
 * These are the levels of the configuration (`states.*`), used for what the daemon shows. The states that the network
 * reads come from tft_series_state() with the fixed levels it was trained with, whatever the configuration says.
 *
 * Threads: pure functions; a rules struct is copied freely.
 */
#ifndef TFTD_FORECAST_STATES_H
#define TFTD_FORECAST_STATES_H

#include "tft/contract.h"

typedef struct state_rules {
    double critical[TFT_N_PROFILES][TFT_MAX_METRICS]; // NaN = no level for this metric
    double heavy[TFT_N_PROFILES][TFT_MAX_METRICS];
    double idle[TFT_MAX_METRICS];
} state_rules;

/* The levels of CONTRACT 1.6 for whichever of cpu_pct, mem_pct and latency_ms the contract has. */
void state_rules_default(const tft_contract *contract, state_rules *rules);

/* The state that values[0 … n_metrics−1] mean (NaN = missing); NONE where all are missing. */
tft_state state_derive(const state_rules *rules, size_t n_metrics, tft_profile profile, const double *values);

#endif
