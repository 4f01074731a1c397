/* observed.h - which incidents a server's history holds: what GET /history/incidents tells.
 *
 *     good  good | critical_issue  offline  (gap)  offline | good        one incident, from the first bar to the second
 *     good  good | nothing  nothing  nothing …  while others report      another: silent for offline_after whole steps
 *
 * A step is bad where an incident is on by the contract's rule (series/incident.h), where the server is offline, planned or not,
 * or where it was silent long enough. A gap, of this server for a short time or of the whole fleet, says nothing and ends nothing.
 * Planned is an offline or a silence that began in maintenance; a bad step that is not planned ends it and begins another one.
 * What the history begins in began earlier: it is no item, but its end is told.
 *
 * Memory:  the caller's. Threads: pure.
 */
#ifndef TFTD_TRACK_OBSERVED_H
#define TFTD_TRACK_OBSERVED_H

#include "store/fleet_log.h"
#include "tft/series.h"

#define OBSERVED_MOST 256 // of one server in its history; beyond it the oldest are left to what is kept already

/* Steps in which any server of the fleet reported: bit of step number first + i. */
typedef struct observed_activity {
    int64_t first;
    size_t n;
    const uint8_t *reported; // [n] 0, 1
} observed_activity;

typedef struct observed {
    size_t n;
    store_incident items[OBSERVED_MOST]; // by start
    int64_t from_ms;                     // items are all that began at or after it; INT64_MAX = nothing is known
    int64_t earlier_end_ms;              // when what was on at the beginning was over; STORE_GOES_ON = it was not
} observed;

/* planned_now: whether an absence that goes on was announced (a server that is decommissioned). */
void observed_find(const tft_series *series, const tft_contract *contract, const observed_activity *fleet,
                   size_t offline_after_steps, bool planned_now, observed *out);

#endif
