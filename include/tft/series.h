/* series.h - one server's history as steps: what every window is cut from.
 *
 * Step number = floor(UTC ms / step_ms); its label is the start of the step. A series covers a contiguous range of
 * steps; a step without records is there with count 0 and NaN values. A step holds, per metric, the mean of the
 * values inside it, how many records it had, and the worst state seen.
 *
 *     first_step                                       first_step + n_steps − 1
 *     | v0 v1 v2 v3 | v0 … | (gap: NaN, count 0) | … | newest, maybe partial |
 *
 * Records may arrive in any order: they are placed by their timestamp. Whoever calls tft_series_add() has already
 * dropped duplicates (the store does in the daemon, the CSV reader offline).
 *
 * Memory:  a series owns its arrays (one block); they grow with the steps it covers, to at most `max_steps`, then the
 *          oldest go. There is room in front and behind, so adding a step at either end costs O(1) on average.
 * Threads: one writer or many readers; the owner guards it.
 */
#ifndef TFT_SERIES_H
#define TFT_SERIES_H

#include "tft/contract.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tft_series {
    size_t n_metrics;
    size_t max_steps;   // 0 = unbounded (offline data)
    int64_t first_step; // step number of index 0; meaningless while n_steps is 0
    size_t n_steps, capacity;
    size_t front;           // unused steps before index 0; series.c only
    void *block;            // what is behind the four arrays; series.c only
    float *values;          // [n_steps, n_metrics] means; NaN = no value
    uint16_t *value_counts; // [n_steps, n_metrics] values behind each mean
    uint16_t *counts;       // [n_steps] records, saturating
    uint8_t *states;        // [n_steps] tft_state, worst seen
    tft_profile profile;
    size_t n_known; // steps with count > 0
    bool labelled;  // some record carried a state other than offline: incidents by state are known here
} tft_series;

void tft_series_init(tft_series *series, size_t n_metrics, size_t max_steps);
void tft_series_free(tft_series *series); // accepts a zeroed struct

/* Room for n steps without taking memory again. */
tft_status tft_series_reserve(tft_series *series, size_t n, tft_error *err);

/* Adds one record to step number `step`: values [n_metrics], NaN where missing; state NONE where none was sent.
 * A step older than the newest minus max_steps is ignored (returns TFT_OK). TFT_ERR_MEMORY leaves the series as it was;
 * TFT_ERR_LIMIT where an unbounded series would span more than 10 million steps. */
tft_status tft_series_add(tft_series *series, int64_t step, const double *values, tft_state state, tft_error *err);

/* Completes a record that was added before: values that were missing then; the record count does not move. */
tft_status tft_series_fill(tft_series *series, int64_t step, const double *values, tft_state state, tft_error *err);

/* Sets one whole step (loading stored steps): means, their counts, record count, worst state. */
tft_status tft_series_set(tft_series *series, int64_t step, const float *means, const uint16_t *value_counts,
                          uint16_t count, tft_state state, tft_error *err);

/* Index of step number `step`, or −1 outside. */
static inline int64_t tft_series_index(const tft_series *series, int64_t step)
{
    const int64_t i = step - series->first_step;
    return (series->n_steps > 0 && i >= 0 && i < (int64_t)series->n_steps) ? i : -1;
}

/* State of a step: the one sent, or else derived from the means by CONTRACT 1.6 (cpu_pct, mem_pct, latency_ms where the
 * contract has them), NONE without any value. */
tft_state tft_series_state(const tft_series *series, const tft_contract *contract, size_t index);
tft_state tft_state_derive(const tft_contract *contract, tft_profile profile, const float *values);

/* Incidents (CONTRACT 1.6). By state: a step in critical_issue, or in offline that is not planned. An offline run is
 * planned where the last known state before it was maintenance, and in a series that is not `labelled` (it sends
 * nothing but offline: a machine that is switched off and on again). By metric: at least rule.steps consecutive steps
 * at or above rule.level; a missing value ends the run.
 *
 * Whether the server is in an incident at step `index`; a step without records never is. */
bool tft_series_in_incident(const tft_series *series, const tft_contract *contract, size_t index);
/* Whether an incident starts at step `index`: it is in one, and the last known step before it was not. By state, a step
 * with nothing known before it is no start (nobody saw it begin). */
bool tft_series_incident_starts(const tft_series *series, const tft_contract *contract, size_t index);

#ifdef __cplusplus
}
#endif
#endif
