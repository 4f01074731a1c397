/* fallback.h - the forecaster for servers that the network cannot answer for (CONTRACT 1.5).
 *
 * Points (t, y): the steps with a value among the last 24 up to the origin, if they are 6 or more; else the newest raw
 * records. t is in steps, 0 = the origin's middle. Then, robustly:
 *     slope  = median over pairs of (y_j − y_i) / (t_j − t_i)                     Theil 1950, Sen 1968
 *     level  = median of (y − slope · (t − t_newest))
 *     σ      = 1.4826 · median |residual|, at least a small share of the level and of the metric's scale
 *     centre(h) = level + slope · Σ_{i=1…h} φ^i,  φ = L / (1 + L),  L = min(max_trend_steps, span of the points)
 *     quantile(q, h) = centre(h) + z(q) · σ · √h, cut to the metric's range
 * The damping makes the whole trend worth at most L steps of slope: it never carries further than it has seen.
 *
 * Incidents: c(t) = largest over metrics of P(value ≥ the level that means critical_issue) at step t;
 *     P(h) = 1 − (1 − max_{t≤h} c(t)) · (1 − base_rate)^h
 * never falling, never 0, never null. In an incident now, a new one needs an end first: c(t) is multiplied by
 * 1 − min_{s≤t} c(s). max over t, not 1 − Π: a level that is exceeded at one step is mostly exceeded at the next too.
 *
 * Threads: pure functions; the caller brings the scratch memory.
 */
#ifndef TFTD_FORECAST_FALLBACK_H
#define TFTD_FORECAST_FALLBACK_H

#include "forecast/fleet.h"
#include "forecast/quantiles.h"

typedef struct fallback_settings {
    size_t max_trend_steps; // 9
    double base_rate;       // P(incident starts) per step for a server about which nothing is known: 0.0002
    double level_share;     // least σ as a share of |level|: 0.01
    double floor_share;     // least σ as a share of metric.scale_floor: 0.1
} fallback_settings;

fallback_settings fallback_settings_default(void);

/* The newest raw records of a server, copied out of the fleet. */
typedef struct fallback_recent {
    size_t n;
    int64_t ms[FLEET_RECENT];
    float *values; // [FLEET_RECENT, n_metrics], NaN = missing
} fallback_recent;

/* Forecasts metric `metric`: writes rows [FORECAST_N_QUANTILES, horizon]. False, and nothing written, where it has no
 * point at or before the end of the origin's step. */
bool fallback_forecast(const fallback_settings *settings, const tft_contract *contract, const tft_series *series,
                       const fallback_recent *recent, int64_t origin, size_t metric, float *rows, size_t horizon);

/* The incident estimate: curve [horizon]. rows [n_targets, 7, horizon], present [n_targets]. */
void fallback_incident(const fallback_settings *settings, const tft_contract *contract, const state_rules *rules,
                       tft_profile profile, bool in_incident, const float *rows, const bool *present, size_t horizon,
                       float *curve);

#endif
