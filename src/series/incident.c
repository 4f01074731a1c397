/* incident.c - see incident.h and tft/series.h for the rule.
 *
 * "Known" is a step with a state, sent or derived, or with a value. A gap inside an incident does not end it: the last
 * known step counts, else one lost step would make two incidents of one.
 */
#include "series/incident.h"

#include <assert.h>
#include <math.h>
#include <string.h>

tft_incident_walk tft_incident_walk_begin(const tft_series *series, const tft_contract *contract)
{
    return (tft_incident_walk){
        .series = series,
        .rule = &contract->incident,
        .states = tft_state_rules_of(contract, series->profile),
    };
}

static bool metric_at_level(const tft_incident_walk *walk, size_t index)
{
    const tft_series *const s = walk->series;
    const float value = s->values[index * s->n_metrics + walk->rule->metric];
    return (double)value >= walk->rule->level; // false for NaN
}

static bool step_by_metric(tft_incident_walk *walk, size_t index)
{
    walk->run = metric_at_level(walk, index) ? walk->run + 1 : 0;
    walk->in = walk->run >= walk->rule->steps;
    walk->starts = walk->run == walk->rule->steps;
    return walk->in;
}

void tft_incident_walk_step(tft_incident_walk *walk, size_t index)
{
    const tft_series *const s = walk->series;
    assert(index < s->n_steps);
    const tft_state sent = (tft_state)s->states[index];
    walk->state = sent != TFT_STATE_NONE ? sent : tft_state_by_rules(&walk->states, s->values + index * s->n_metrics);
    if (walk->rule->by_metric) {
        step_by_metric(walk, index);
        return;
    }
    walk->in = walk->starts = false;
    if (walk->state == TFT_STATE_NONE)
        return;
    if (walk->state == TFT_STATE_OFFLINE && walk->last_state != TFT_STATE_OFFLINE)
        walk->planned = !s->labelled || walk->last_state == TFT_STATE_MAINTENANCE;
    walk->in = walk->state == TFT_STATE_CRITICAL_ISSUE || (walk->state == TFT_STATE_OFFLINE && !walk->planned);
    walk->starts = walk->in && walk->any_known && !walk->was_in;
    walk->any_known = true;
    walk->was_in = walk->in;
    walk->last_state = walk->state;
}

/* Steps that are like the one before change nothing but that no incident starts in them; most are. */
static void walk_states(tft_incident_walk *walk, uint8_t *in, uint8_t *starts, uint8_t *states)
{
    const tft_series *const s = walk->series;
    for (size_t i = 0, end; i < s->n_steps; i = end) {
        const uint8_t sent = s->states[i];
        for (end = i + 1; sent != TFT_STATE_NONE && end < s->n_steps && s->states[end] == sent;)
            end++;
        tft_incident_walk_step(walk, i);
        memset(in + i, walk->in, end - i);
        memset(states + i, (int)walk->state, end - i);
        memset(starts + i, 0, end - i);
        starts[i] = walk->starts;
    }
}

void tft_incident_walk_all(const tft_series *series, const tft_contract *contract, uint8_t *in, uint8_t *starts,
                           uint8_t *states)
{
    tft_incident_walk walk = tft_incident_walk_begin(series, contract);
    if (!contract->incident.by_metric) {
        walk_states(&walk, in, starts, states);
        return;
    }
    for (size_t i = 0; i < series->n_steps; i++) {
        in[i] = step_by_metric(&walk, i);
        starts[i] = walk.starts;
    }
}

/* Index of the last step before `index` that has a state, or −1. */
static int64_t known_before(const tft_series *series, const tft_contract *contract, size_t index)
{
    int64_t i = (int64_t)index - 1;
    while (i >= 0 && tft_series_state(series, contract, (size_t)i) == TFT_STATE_NONE)
        i--;
    return i;
}

/* Steps up to `index` in a row at or above the level, counted no further than `enough`. */
static size_t run_until(const tft_series *series, const tft_incident_rule *rule, size_t index, size_t enough)
{
    size_t run = 0;
    for (int64_t i = (int64_t)index; i >= 0 && run < enough; i--, run++) {
        if (!((double)series->values[(size_t)i * series->n_metrics + rule->metric] >= rule->level))
            break;
    }
    return run;
}

bool tft_series_in_incident(const tft_series *series, const tft_contract *contract, size_t index)
{
    assert(index < series->n_steps);
    if (contract->incident.by_metric)
        return run_until(series, &contract->incident, index, contract->incident.steps) == contract->incident.steps;
    const tft_state state = tft_series_state(series, contract, index);
    if (state != TFT_STATE_OFFLINE)
        return state == TFT_STATE_CRITICAL_ISSUE;
    if (!series->labelled)
        return false;
    int64_t before = known_before(series, contract, index);
    while (before >= 0 && series->states[before] == TFT_STATE_OFFLINE)
        before = known_before(series, contract, (size_t)before);
    return before < 0 || tft_series_state(series, contract, (size_t)before) != TFT_STATE_MAINTENANCE;
}

bool tft_series_incident_starts(const tft_series *series, const tft_contract *contract, size_t index)
{
    assert(index < series->n_steps);
    if (contract->incident.by_metric) {
        const size_t steps = contract->incident.steps;
        return run_until(series, &contract->incident, index, steps + 1) == steps;
    }
    if (!tft_series_in_incident(series, contract, index))
        return false;
    const int64_t before = known_before(series, contract, index);
    return before >= 0 && !tft_series_in_incident(series, contract, (size_t)before);
}
