/* alerts.h - what an alert is: its kinds, its key, its id, the words for all that, and the list of CONTRACT 1.3.
 *
 * There is at most one open alert per (server, kind, metric, severity): warning and critical are two alerts, each with a
 * life of its own, and while the critical one fires the warning is inhibited (CONTRACT 2.4).
 *
 *     threshold   a metric's p50 reaches its warning or critical level within the lookahead
 *     incident    P(incident within alerts.incident.horizon) reaches a level
 *     silent      a server stopped reporting while others went on; a planned absence does not count
 *     drift       P10–P90 of a metric, over the whole fleet, holds far from 80 % of what came
 *     quality     forecasts of a metric are worse than the best simple baseline
 *
 * The last two belong to no server. Who is the judge of each is alert_rules.h; how long it must last, alert_life.h; what of it
 * is heard, alert_round.h. An alert's id is a hash of its key and of the instant it began: the same over renewals and restarts.
 *
 * Times are those of the clock of CONTRACT 1.5. Threads: pure functions.
 */
#ifndef TFTD_FORECAST_ALERTS_H
#define TFTD_FORECAST_ALERTS_H

#include "forecast/risk.h"

typedef enum alert_severity { ALERT_NONE, ALERT_WARNING, ALERT_CRITICAL, ALERT_N_SEVERITIES } alert_severity;
typedef enum alert_kind {
    ALERT_THRESHOLD,
    ALERT_INCIDENT,
    ALERT_SILENT,
    ALERT_DRIFT,
    ALERT_QUALITY,
    ALERT_N_KINDS
} alert_kind;
typedef enum alert_status { ALERT_PENDING, ALERT_FIRING, ALERT_RESOLVED, ALERT_N_STATUSES } alert_status;
/* Why nobody is told of an alert that fires: a silence, or a maintenance (a window, or the server's own state). */
typedef enum alert_mute { ALERT_HEARD, ALERT_SILENCED, ALERT_MAINTENANCE } alert_mute;

/* "warning"; "threshold"; "pending". The reverse gives −1 for an unknown word. */
const char *alert_severity_name(alert_severity severity);
const char *alert_kind_name(alert_kind kind);
const char *alert_status_name(alert_status status);
int alert_severity_find(const char *word, size_t n);
int alert_kind_find(const char *word, size_t n);
int alert_status_find(const char *word, size_t n);

typedef struct alert_settings {
    int64_t lookahead_ms;        // 60 min
    int64_t for_ms;              // 0: fires at once
    int64_t keep_for_ms;         // 2 min
    double clear_ratio;          // 0.95
    int64_t incident_horizon_ms; // 1 h
    double incident_levels[2];   // warning, critical: 0.3, 0.6; NaN = none
    int64_t forget_after_ms;     // a server silent for longer has left: 30 days
    double coverage[2];          // of P10–P90: 0.7, 0.9
    double coverage_margin;      // so far inside again, and drift is over: 0.02
    double skill_margin;         // so far above the baseline again, and quality is over: 0.02
    uint64_t quality_min;        // scored values below which neither is judged: 1000
} alert_settings;

alert_settings alert_settings_default(void);

#define ALERT_ID_BYTES 20          // "a-" and 16 hex digits, NUL
#define ALERT_SILENCE_BYTES 20     // id of a silence
#define ALERT_FLEET ((size_t)-1)   // `server` of an alert that belongs to none
#define ALERT_METRICS ((size_t)-1) // `metric` of an alert that is about none
#define ALERT_NEVER INT64_MIN      // a time that is not there

/* When each path first reaches the threshold, over the whole horizon; ALERT_NEVER = not within it. The upper paths come first:
 * at crossing[p90] the value is above with 10 %, at crossing[p10] with 90 %. */
typedef struct alert_crossing {
    int64_t p10_ms, p50_ms, p90_ms;
} alert_crossing;

typedef struct alert {
    char id[ALERT_ID_BYTES];
    size_t server; // id in the fleet = index in the snapshot, or ALERT_FLEET
    alert_kind kind;
    size_t metric; // index in the contract, or ALERT_METRICS
    alert_severity severity;
    alert_status status;
    int64_t starts_ms;      // its condition has held since
    int64_t since_ms;       // it has been firing since; ALERT_NEVER while pending
    int64_t ends_ms;        // ALERT_NEVER while it is open
    int64_t below_since_ms; // clearly below its level since; ALERT_NEVER = it is not
    double predicted_value; // threshold: p50 at that step; incident: the probability; silent: seconds
    double threshold;
    double current;              // newest value, NaN = none
    double probability;          // P(value ≥ threshold) at that step
    double crossing_probability; // P(threshold reached within the lookahead)
    size_t steps_ahead;          // 1 …; 0 where there is no such step
    int64_t minutes_ahead;       // steps_ahead · step length
    int64_t expected_at_ms;      // start of that step
    alert_crossing crossing;
    alert_mute mute;
    char silence[ALERT_SILENCE_BYTES]; // ALERT_SILENCED: the first that matches
    char inhibited_by[ALERT_ID_BYTES]; // "" = by none
    bool acknowledged;
    bool just_fired; // in this round
    bool changed;    // this round moved what must be kept on disk: status, below_since, mute, inhibition
} alert;

/* Whether somebody is to be told of it: it fires, and nothing speaks against that. */
static inline bool alert_is_heard(const alert *a)
{
    return a->status == ALERT_FIRING && a->mute == ALERT_HEARD && a->inhibited_by[0] == '\0';
}

/* The id of the alert that began at starts_ms. `server` may be "" (of the fleet), `metric` too. */
void alert_make_id(const char *server, size_t n, alert_kind kind, const char *metric, alert_severity severity,
                   int64_t starts_ms, char out[ALERT_ID_BYTES]);

/* Order of the lists: by server, kind, metric, severity; those of the fleet last. */
int alert_compare_keys(const alert *a, const alert *b);

/* Fills order[] with the indices of the threshold alerts that CONTRACT 1.3 shows, in its order: what is heard, critical first,
 * then minutes_ahead, server name, metric (the name that is shown). Returns their number. */
typedef struct alert_name {
    const char *bytes;
    size_t n;
} alert_name;
size_t alert_order(const tft_contract *contract, const alert *alerts, size_t n,
                   alert_name (*name_of)(const void *context, size_t server), const void *context, uint32_t *order);

/* What must be kept on disk so that an alert goes on after a restart. */
typedef struct alert_saved {
    const char *server; // [server_length]
    size_t server_length;
    alert_kind kind;
    char metric[TFT_MAX_METRIC_NAME]; // "" = none
    alert_severity severity;
    alert_status status; // PENDING or FIRING
    int64_t starts_ms, since_ms, below_since_ms;
} alert_saved;

#endif
