/* state.h - states derived from values, with the metrics looked up once (CONTRACT 1.6).
 *
 * tft_state_derive() finds its three metrics by name each time; a loop over a week of steps takes a tft_state_rules
 * first. Missing metrics satisfy no rule, and a contract without them derives `healthy` for whatever has a value.
 */
#ifndef TFT_SERIES_STATE_H
#define TFT_SERIES_STATE_H

#include "tft/contract.h"

typedef struct tft_state_rules {
    size_t n_metrics;
    int cpu, mem, latency;         // indices into a step's values, −1 = the contract has none
    float mem_critical, mem_heavy; // a database keeps its memory full: 99 and 95 instead of 95 and 80
} tft_state_rules;

tft_state_rules tft_state_rules_of(const tft_contract *contract, tft_profile profile);
tft_state tft_state_by_rules(const tft_state_rules *rules, const float *values);

#endif
