/* alerts.h - threshold alerts: one per (server, metric), with a life (CONTRACT 1.3).
 *
 *                    p50 ≥ warning or critical within the lookahead
 *      (nothing) ──────────────────────────────▶ pending ──`for` passed──▶ firing ──▶ … ──▶ (nothing)
 *                                                                          │  ▲
 *                              p50 < clear_ratio · threshold for keep_for  └──┘ anything else
 *
 * It fires at the highest severity whose threshold p50 reaches; it rises to critical at once, and falls back to warning
 * only after p50 has stayed below clear_ratio · critical for keep_for. `since` is when it began to fire, and its id is a
 * hash of server, metric and since: both survive renewals, changes of severity and, through engine_restore_alerts(), restarts.
 * The engine lets no alert go on across a gap between two forecasts that is longer than the lookahead.
 * While no step reaches the threshold any more but the alert has not cleared, it describes the step with the largest p50.
 *
 * A step of the life is a function from the old list and a forecast to the new list; the list lives in the snapshot.
 * Lists are sorted by (server, metric) inside, and by severity, minutes, server, metric where they are shown.
 *
 * Times are those of the clock of CONTRACT 1.5. Threads: pure functions.
 */
#ifndef TFTD_FORECAST_ALERTS_H
#define TFTD_FORECAST_ALERTS_H

#include "forecast/risk.h"

typedef enum alert_severity { ALERT_NONE, ALERT_WARNING, ALERT_CRITICAL } alert_severity;

typedef struct alert_settings {
    int64_t lookahead_ms; // 60 min
    int64_t for_ms;       // 0: fires at once
    int64_t keep_for_ms;  // 2 min
    double clear_ratio;   // 0.95
} alert_settings;

alert_settings alert_settings_default(void);

#define ALERT_ID_BYTES 16 // "a-" and 10 hex digits, NUL

typedef struct alert {
    char id[ALERT_ID_BYTES];
    size_t server; // id in the fleet = index in the snapshot
    size_t metric; // index in the contract
    alert_severity severity;
    bool firing;            // false: pending (`for` has not passed); not to be shown as active
    double predicted_value; // p50 at that step
    double threshold;
    size_t steps_ahead;             // 1 … lookahead
    int64_t minutes_ahead;          // steps_ahead · step length
    int64_t expected_at_ms;         // start of that step
    int64_t since_ms;               // when it began to fire (while pending: when it would have begun to count)
    int64_t below_since_ms;         // p50 has been below clear_ratio · threshold since; INT64_MIN = it is not
    int64_t below_warning_since_ms; // the same for the warning threshold (equal to the above in a warning)
    double current;                 // newest value, NaN = none
    double probability;             // P(value ≥ threshold) at that step
} alert;

typedef struct alert_input {
    const char *server_name;
    size_t server_name_length, server;
    const tft_metric *metric;
    size_t metric_index;
    risk_threshold threshold;
    const float *rows; // [FORECAST_N_QUANTILES, horizon], NULL = no forecast: an alert ends
    size_t horizon;
    double current;
    bool maintenance;                   // an alert ends
    int64_t now_ms, origin_ms, step_ms; // origin_ms: label of the current step
} alert_input;

/* One step of one alert's life. `old` is NULL or the alert as it was; returns whether there is one now, in *out. */
bool alert_step(const alert_settings *settings, const alert_input *input, const alert *old, alert *out);

/* The id for a server, metric and since. */
void alert_make_id(const char *server, size_t n, const char *metric, int64_t since_ms, char out[ALERT_ID_BYTES]);

/* Fills order[n] with the indices of the n_firing firing alerts in the order of CONTRACT 1.3: critical first, then
 * minutes_ahead, server name, metric (the name that is shown). Returns their number. */
typedef struct alert_name {
    const char *bytes;
    size_t n;
} alert_name;
size_t alert_order(const tft_contract *contract, const alert *alerts, size_t n,
                   alert_name (*name_of)(const void *context, size_t server), const void *context, uint32_t *order);

/* What must be kept on disk so that `since` and id survive a restart. */
typedef struct alert_saved {
    const char *server;
    size_t server_length;
    char metric[TFT_MAX_METRIC_NAME];
    alert_severity severity;
    bool firing;
    int64_t since_ms, below_since_ms;
} alert_saved;

#endif
