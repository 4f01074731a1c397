/* truth.c - what came after an origin, for training and scoring (see tft/window.h).
 *
 * Values: each target's mean of each step, divided by the window's scale; a cell counts unless it is missing, the server
 * was offline, or it lies beyond last_step (the end of what may be looked at).
 *
 * Incidents, for the survival likelihood (hazard head): event_step is the first step of the horizon in which an incident
 * starts, at_risk the number of steps that were observed until then. Observation ends, too, where nobody can say whether
 * an incident starts: at a step without records (by metric: without that metric's value), in maintenance, in a planned
 * switch-off, at last_step. A server whose incidents are known by state only, and which never sent a state, has no
 * labels at all: at_risk is 0 and the hazard head learns nothing from it. States are not derived for this purpose; the
 * network would only learn our rule.
 */
#include <math.h>

#include "series/incident.h"
#include "series/past.h"
#include "series/scaled.h"
#include "tft/window.h"

static void fill_values(const tft_contract *contract, const tft_series *series, int64_t origin, int64_t last_step,
                        const float *target_scale, float *target_scaled, float *cell_weight)
{
    const size_t n_targets = tft_contract_targets(contract);
    for (size_t i = 0; i < contract->horizon; i++) {
        const int64_t step = origin + 1 + (int64_t)i;
        const int64_t at = step <= last_step ? tft_series_index(series, step) : -1;
        const bool online = at >= 0 && series->states[at] != TFT_STATE_OFFLINE;
        for (size_t m = 0; m < n_targets; m++) {
            const float value = online ? series->values[(size_t)at * series->n_metrics + m] : NAN;
            const bool there = !isnan(value);
            target_scaled[i * n_targets + m] = there ? tft_scaled(value, target_scale[2 * m + 1]) : 0.0f;
            cell_weight[i * n_targets + m] = there ? 1.0f : 0.0f;
        }
    }
}

/* Whether the step just walked over tells if an incident starts in it. */
static bool observed(const tft_contract *contract, const tft_incident_walk *walk, size_t index)
{
    const tft_series *const s = walk->series;
    if (contract->incident.by_metric)
        return !isnan(s->values[index * s->n_metrics + contract->incident.metric]);
    const bool switched_off = walk->state == TFT_STATE_OFFLINE && !walk->in;
    return s->counts[index] > 0 && walk->state != TFT_STATE_NONE && walk->state != TFT_STATE_MAINTENANCE &&
           !switched_off;
}

static void fill_incidents(const tft_contract *contract, const tft_series *series, int64_t origin, int64_t last_step,
                           uint32_t *event_step, uint32_t *at_risk)
{
    *event_step = 0;
    *at_risk = 0;
    const int64_t end = series->first_step + (int64_t)series->n_steps;
    if (series->n_steps == 0 || (!contract->incident.by_metric && !series->labelled) || origin + 1 >= end)
        return;
    const int64_t back = (int64_t)tft_past_length(contract);
    int64_t step = origin - back + 1 > series->first_step ? origin - back + 1 : series->first_step;
    tft_incident_walk walk = tft_incident_walk_begin(series, contract);
    for (; step <= origin; step++)
        tft_incident_walk_step(&walk, (size_t)(step - series->first_step));
    for (uint32_t t = 1; t <= contract->horizon; t++) {
        step = origin + (int64_t)t;
        if (step > last_step || step >= end || step < series->first_step)
            return;
        const size_t index = (size_t)(step - series->first_step);
        tft_incident_walk_step(&walk, index);
        if (!observed(contract, &walk, index))
            return;
        *at_risk = t;
        if (walk.starts) {
            *event_step = t;
            return;
        }
    }
}

void tft_window_truth(const tft_contract *contract, const tft_series *series, int64_t origin, int64_t last_step,
                      const float *target_scale, float *target_scaled, float *cell_weight, uint32_t *event_step,
                      uint32_t *at_risk)
{
    fill_values(contract, series, origin, last_step, target_scale, target_scaled, cell_weight);
    fill_incidents(contract, series, origin, last_step, event_step, at_risk);
}
