/* alert_worth.h - what the daemon's alerts are worth: as the model was judged, or as its own record has it by now.
 *
 * For alerts of kind incident, P(incident within alerts.incident.horizon) ≥ level:
 *
 *     own record    of the model that serves, the last seven days (track.h), where the level is one that the record counts (track_levels)
 *                   and at least ALERT_WORTH_OWN of them stood at the half-hourly instants that it judges
 *     model         else what its config.json says (train/alert_record.h), where it was measured
 *
 * For other kinds nobody counts: nothing is said of them.
 *
 * Threads: any; everything is behind one lock.
 */
#ifndef TFTD_SERVER_ALERT_WORTH_H
#define TFTD_SERVER_ALERT_WORTH_H

#include <pthread.h>

#include "notify/expectation.h"
#include "track/sums.h"
#include "train/alert_record.h"

#define ALERT_WORTH_OWN 50

/* What there is to go by. */
typedef struct alert_counts_known {
    tft_alert_record model;                // n = 0: not measured
    track_incidents own[TRACK_N_HORIZONS]; // raised = 0: nothing yet
    int64_t step_ms, within_ms;            // of the contract: a step, the whole horizon
    int64_t horizon_ms;                    // alerts.incident.horizon
} alert_counts_known;

typedef struct alert_worth {
    pthread_mutex_t lock;
    alert_counts_known known; // guarded by lock
} alert_worth;

void alert_worth_init(alert_worth *worth);
void alert_worth_free(alert_worth *worth);

/* Another model serves from now on: what was counted of the one before is forgotten. */
void alert_worth_model(alert_worth *worth, const tft_alert_record *record);
void alert_worth_contract(alert_worth *worth, const tft_contract *contract);
void alert_worth_horizon(alert_worth *worth, int64_t horizon_ms);
/* incidents [TRACK_N_HORIZONS] of the model that serves. */
void alert_worth_record(alert_worth *worth, const track_incidents *incidents);

/* As alert_expecter.of; context: the alert_worth. */
bool alert_worth_of(void *worth, const store_alert *row, alert_expectation *out);
/* What is said of alerts at this level. Pure. */
bool alert_worth_find(const alert_counts_known *known, double level, alert_expectation *out);

#endif
