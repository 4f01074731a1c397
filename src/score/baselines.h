/* baselines.h - the simple forecasters that every model is measured against, on the same origins.
 *
 * What each one says for the step `h` after the origin (day, week, hour in steps):
 *
 *     last_value       the newest value
 *     yesterday        the value one day before that step; where it is missing, the newest value
 *     quantiles_24h    the quantiles of the last day's values
 *     linear_trend     least squares over the last 6 hours, carried on (Prometheus' predict_linear), cut to the range
 *     holt_winters     additive, damped trend, daily season from two days of history on (holt_winters.h)
 *     quantiles_7d     the quantiles of the last seven days' values
 *     hour_of_day      the mean of two quantile functions: last day; and the two hours around the step's hour on each of the
 *                      last seven days. The "hour" is counted from the origin: steps 1–12, 13–24, …
 *
 * The definitions of all but linear_trend and holt_winters are those with which the published rows of the Bitbrains data
 * were made (docs/SCORES.md), found by matching their digits; the others follow the tools that people use.
 * predict_linear has no window of its own; 6 hours is what the alert rules of node_exporter take for a day ahead.
 *
 * History is the server's steps up to the origin, at most eight days, and nothing after it. Missing values and steps in
 * `offline` are left out. Forecasts are cut to nothing but the metric's range, and only where they can leave it (trend,
 * Holt-Winters). Where a baseline lacks what it needs (no value in its day), it says the newest value.
 *
 * Memory:  a scratch per thread owns the copies and the sorting space.
 * Threads: one call at a time per scratch.
 */
#ifndef TFTD_SCORE_BASELINES_H
#define TFTD_SCORE_BASELINES_H

#include <stdbool.h>

#include "tft/contract.h"
#include "tft/error.h"
#include "tft/series.h"

typedef enum score_baseline {
    SCORE_LAST_VALUE,
    SCORE_YESTERDAY,
    SCORE_QUANTILES_24H, // the reference of gm
    SCORE_LINEAR_TREND,
    SCORE_HOLT_WINTERS,
    SCORE_QUANTILES_7D,
    SCORE_HOUR_OF_DAY,
    SCORE_N_BASELINES
} score_baseline;

const char *score_baseline_name(score_baseline baseline);  // "last_value": JSON
const char *score_baseline_label(score_baseline baseline); // "last value": tables

typedef struct score_baselines score_baselines;

/* TFT_ERR_LIMIT where eight days are more than a million steps (steps under a second). */
tft_status score_baselines_open(const tft_contract *contract, score_baselines **baselines, tft_error *err);
void score_baselines_close(score_baselines *baselines); // accepts NULL

/* Forecasts one metric after `origin` (a step number).
 * out: [SCORE_N_BASELINES, horizon, SCORE_N_LEVELS] in real units.
 * False, and `out` untouched, where the metric has no value in the eight days: nobody could say anything. */
bool score_baselines_run(score_baselines *baselines, const tft_series *series, int64_t origin, size_t metric,
                         float *out);

#endif
