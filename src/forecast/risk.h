/* risk.h - from a forecast to one number a person can sort by (CONTRACT 1.3).
 *
 *     risk = max(now, soon)
 *     now  = largest over metrics of curve(current); at least 80 in critical_issue, 90 in unplanned offline, 0 in
 *            maintenance
 *     soon = max(100 · P(incident within 2 h), largest over metrics of curve(largest p50 of the next 60 min))
 *
 *     curve    100 |                    ____      through (start_share · warning, 0), (warning, 50),
 *               80 |                 .-'          (critical, 80), (limit, 100); flat outside;
 *               50 |             .-'              limit = 100 for %, 2 · critical otherwise
 *                0 |________..-'
 *                       0.8 w   w    c   limit
 *
 * A metric without thresholds has no part. All constants are in risk_settings.
 *
 * Threads: pure functions.
 */
#ifndef TFTD_FORECAST_RISK_H
#define TFTD_FORECAST_RISK_H

#include "tft/contract.h"

typedef struct risk_threshold {
    double warning, critical; // NaN = none
} risk_threshold;

#define RISK_N_BANDS 7 // healthy, watch, degrading, warning, danger, critical, imminent failure

typedef struct risk_settings {
    risk_threshold thresholds[TFT_N_PROFILES][TFT_MAX_METRICS]; // alerts.thresholds, alerts.profiles
    double limit[TFT_MAX_METRICS];                              // where the curve is 100; NaN = 2 · critical
    double start_share;                                         // 0.8
    double at_warning, at_critical;                             // 50, 80
    double floor_critical, floor_offline;                       // 80, 90
    int64_t incident_horizon_ms;                                // 2 h
    int64_t lookahead_ms;                                       // alerts.lookahead, 60 min
    double bands[RISK_N_BANDS - 1];                             // 30 50 60 70 80 90
    double priorities[3];                                       // 20 40 70
    double high, middle;                                        // of fleet_health and high_risk_servers: 70, 50
} risk_settings;

/* CONTRACT 1.3's numbers for whichever of cpu_pct, mem_pct, latency_ms the contract has; limits from the units. */
void risk_settings_default(const tft_contract *contract, risk_settings *settings);
/* profile −1 = all of them; NaN, NaN takes the thresholds away. */
void risk_set_threshold(risk_settings *settings, int profile, size_t metric, double warning, double critical);

/* 0 … 100; 0 where the threshold is NaN or the value is NaN. `limit` NaN = 2 · critical. */
double risk_curve(const risk_settings *settings, risk_threshold threshold, double limit, double value);

typedef struct risk_input {
    tft_profile profile;
    tft_state state;
    bool planned;          // of an offline: began in maintenance
    size_t n_metrics;      // metrics with `current`
    const double *current; // [n_metrics], NaN = none
    size_t n_targets, horizon;
    const float *const *p50; // [n_targets] pointers to [horizon], NULL = metric not forecast
    double incident;         // P(incident within incident_horizon_ms)
    size_t lookahead_steps;  // steps inside lookahead_ms
} risk_input;

/* Why the score is what it is: parts, −1 where there is none. */
typedef struct risk_score {
    double score, now, soon;
    int now_metric; // metric with the largest curve(current)
    double now_metric_part, now_state_part;
    double incident_part; // 100 · P(incident within the horizon)
    int soon_metric;      // metric with the largest curve(max p50)
    double soon_metric_part;
    size_t soon_step; // index of its largest p50
    uint8_t band;     // 0 … RISK_N_BANDS − 1
    uint8_t priority; // 1 … 4
} risk_score;

risk_score risk_evaluate(const risk_settings *settings, const risk_input *input);
const char *
risk_band_name(size_t band); // "healthy", "watch", "degrading", "warning", "danger", "critical", "imminent failure"
uint8_t risk_band(const risk_settings *settings, double score);
uint8_t risk_priority(const risk_settings *settings, double score);

typedef enum risk_health { RISK_HEALTH_UNKNOWN, RISK_HEALTHY, RISK_HEALTH_WARNING, RISK_HEALTH_CRITICAL } risk_health;
/* Of n servers, so many at risk ≥ high and ≥ middle. */
risk_health risk_fleet_health(size_t n, size_t n_high, size_t n_middle);
const char *risk_health_name(risk_health health); // "unknown", "healthy", "warning", "critical"

#endif
