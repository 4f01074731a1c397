/* incident.h - walking a series forward and telling at each step whether an incident is on, and whether one starts.
 *
 * tft_series_in_incident() looks back as far as it must for one step; whoever looks at many (a window's week, the
 * truth of a horizon) walks once instead. Both follow the same rule and a test compares them.
 *
 *     tft_incident_walk walk = tft_incident_walk_begin(series, contract);
 *     for (i = from; i <= to; i++) { tft_incident_walk_step(&walk, i); … walk.in, walk.starts … }
 *
 * A walk that begins at index 0 agrees with the whole-series functions everywhere; one that begins later knows nothing
 * of what was before.
 */
#ifndef TFT_SERIES_INCIDENT_H
#define TFT_SERIES_INCIDENT_H

#include "series/state.h"
#include "tft/series.h"

typedef struct tft_incident_walk {
    const tft_series *series;
    const tft_incident_rule *rule;
    tft_state_rules states;
    /* about the step just walked over */
    bool in, starts;
    tft_state state; // sent or derived; NONE without any value
    /* about the way so far */
    bool any_known;       // some step was known
    bool was_in;          // the last known step was in an incident
    bool planned;         // the present offline run is planned
    tft_state last_state; // of the last step that had one
    size_t run;           // consecutive steps at or above the level
} tft_incident_walk;

tft_incident_walk tft_incident_walk_begin(const tft_series *series, const tft_contract *contract);
void tft_incident_walk_step(tft_incident_walk *walk, size_t index);

/* A whole walk: which steps an incident is on in, starts in; of a rule by state also the state of each. Bytes [n_steps], 0 or 1;
 * `states` NULL for a rule by metric. */
void tft_incident_walk_all(const tft_series *series, const tft_contract *contract, uint8_t *in, uint8_t *starts,
                           uint8_t *states);

#endif
