/* alert_round.h - one round of all alerts: from the list before and a finished forecast to the list now.
 *
 *     1. for each server and each rule    alert_rules.h says what holds, alert_life.h what becomes of the alert
 *     2. for the fleet                    drift and quality, from what the daemon's scoring of itself has said last
 *     3. marks                            silences, maintenance, acknowledgements (a call-back: people's wishes live elsewhere)
 *     4. inhibition                       critical over warning of the same key; upstream over downstream in a cascade
 *
 * Both lists are in the order of alert_compare_keys, so one walk matches them: O(servers · rules), no look-up. What has
 * ended in this round stands in the slot's `ended`. An alert goes on over a gap between two forecasts of at most the
 * lookahead: what was forecast longer ago says nothing about now, so beyond that everything has ended.
 *
 * Threads: the engine's. Memory: the slot's.
 */
#ifndef TFTD_FORECAST_ALERT_ROUND_H
#define TFTD_FORECAST_ALERT_ROUND_H

#include "forecast/alert_rules.h"
#include "forecast/slots.h"

/* What people and other rooms have to say. Called on the engine's thread, some of it under the fleet's read lock: they must be
 * quick and must not call back into fleet or engine. Each may be NULL. */
typedef struct alert_hooks {
    void *context;
    /* Whether a maintenance window covers this server now. */
    bool (*in_maintenance)(void *context, const char *name, size_t n, tft_profile profile, int64_t now_ms);
    /* Sets a->silence and returns true where a silence covers the alert now; sets a->acknowledged. `server` is NULL for an
     * alert of the fleet. */
    bool (*mark)(void *context, const struct snapshot_server *server, const tft_metric *metric, int64_t now_ms,
                 alert *a);
    /* The server whose trouble is the cause of this one's, or ALERT_FLEET: then what fires there inhibits what fires here. */
    size_t (*upstream_of)(void *context, size_t server);
    /* The alerts of a snapshot are settled, and it is about to be published: keep what has `changed`, and `ended`. */
    void (*settled)(void *context, const struct forecast_snapshot *snapshot);
} alert_hooks;

typedef struct alert_round {
    const alert_settings *settings;
    const risk_settings *risk;
    const tft_contract *contract;
    const alert_hooks *hooks;
    int64_t now_ms, previous_now_ms; // clocks of this forecast and of the one that `old` is from
    int64_t offline_after_ms, stale_after_ms;
    const alert *old; // [n_old]
    size_t n_old;
    bool restored;                // `old` is from an earlier life: its clock is not known
    const alert_quality *quality; // [n_quality], by metric
    size_t n_quality;
    float *rows;  // [7, horizon] to unpack forecasts into
    float *curve; // [horizon] likewise
} alert_round;

/* What has begun to fire and is heard, by kind and severity. */
typedef struct alert_counts {
    uint64_t fired[ALERT_N_KINDS][ALERT_N_SEVERITIES];
} alert_counts;

/* Fills out's alerts, ended and order; its servers are finished. Adds to *counts. */
tft_status alert_round_run(const alert_round *round, snapshot_slot *out, alert_counts *counts, tft_error *err);

#endif
