/* alert_rules.h - what sets an alert of each kind and what clears it.
 *
 *     kind        value v                                       set                       clear
 *     threshold   largest p50 within the lookahead              v ≥ threshold             v < clear_ratio · threshold
 *     incident    P(incident within incident_horizon)           v ≥ level                 v < clear_ratio · level
 *     silent      seconds since the last record, of a server    v ≥ limit                 it reports again
 *                 that is offline while others report
 *     drift       share of values inside P10–P90                v < 0.7 or v > 0.9        0.72 ≤ v ≤ 0.88
 *     quality     1 − CRPS / CRPS of the best baseline          v < 0                     v ≥ 0.02
 *
 * Silent: warning after offline_after_steps (15 min), critical after stale_after (30 min). A planned absence (maintenance) and a
 * server that has been gone for longer than forget_after are no condition at all.
 *
 * Threads: pure functions.
 */
#ifndef TFTD_FORECAST_ALERT_RULES_H
#define TFTD_FORECAST_ALERT_RULES_H

#include "forecast/alert_life.h"

/* When it is, and what a step is. */
typedef struct alert_frame {
    int64_t now_ms, first_ms, step_ms; // first_ms: start of the first forecast step
    size_t horizon;
} alert_frame;

/* rows [FORECAST_N_QUANTILES, horizon], NULL = no forecast; threshold NaN = none. Describes the first step within the lookahead
 * that reaches the threshold, or the one with the largest p50; nothing where it is neither set nor was_open. */
alert_condition alert_rule_threshold(const alert_settings *settings, const alert_frame *frame, const float *rows,
                                     double threshold, double current, bool was_open);

/* curve [horizon]: P(incident within step 1 … h), never falling. Crossing: when the curve reaches 10 % (p90), 50 % (p50) and
 * 90 % (p10): the times by which an incident has come with that probability. */
alert_condition alert_rule_incident(const alert_settings *settings, const alert_frame *frame, const float *curve,
                                    double level);

typedef struct alert_absence {
    bool offline; // silent while others report, or announced as offline
    bool planned; // maintenance
    int64_t last_seen_ms;
} alert_absence;
alert_condition alert_rule_silent(const alert_settings *settings, const alert_frame *frame,
                                  const alert_absence *absence, int64_t limit_ms);

/* How good forecasts of one metric have been: what the daemon's scoring of itself tells the engine. */
typedef struct alert_quality {
    size_t metric;   // index in the contract
    uint64_t n;      // values scored
    double coverage; // share of them inside P10–P90
    double skill;    // 1 − CRPS / CRPS of the best baseline
} alert_quality;
alert_condition alert_rule_drift(const alert_settings *settings, const alert_quality *quality);
alert_condition alert_rule_quality(const alert_settings *settings, const alert_quality *quality);

#endif
