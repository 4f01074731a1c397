/* quantiles.h - the seven served levels, and reading probabilities out of them.
 *
 * A forecast of one metric is [FORECAST_N_QUANTILES, horizon]: one row per level, as replies write them.
 *
 * P(value ≥ x) inverts the quantile function: linear between levels; beyond the outermost levels an exponential tail
 * that continues the last gap: P(X ≥ x) = 0.02 · exp(−(x − p98) / s), s = (p98 − p90) / ln(0.10 / 0.02).
 */
#ifndef TFTD_FORECAST_QUANTILES_H
#define TFTD_FORECAST_QUANTILES_H

#include <stdbool.h>
#include <stddef.h>

#include "tft/contract.h"

#define FORECAST_N_QUANTILES 7
#define FORECAST_P50 3 // index of the median

extern const float forecast_levels[FORECAST_N_QUANTILES];            // 0.02 0.1 0.25 0.5 0.75 0.9 0.98
extern const char *const forecast_level_names[FORECAST_N_QUANTILES]; // "p02" … "p98"

/* P(value ≥ x) at step `step` of rows [7, horizon]. */
double forecast_exceedance(const float *rows, size_t horizon, size_t step, double x);

/* Makes rows [7, horizon] ascending in the level at every step and cuts them to the metric's range. False where a
 * value is not finite; the rows are then not to be used. */
bool forecast_tidy(const tft_metric *metric, float *rows, size_t horizon);

#endif
