/* lags.h - the value k days before a step of the horizon.
 *
 * For a horizon under a day, k days before always lies in the past. Beyond that, the smallest whole number of days that
 * does is taken: step t of a horizon looks max(k, ⌈t / day⌉) days back.
 */
#ifndef TFT_SERIES_LAGS_H
#define TFT_SERIES_LAGS_H

#include "series/past.h"

typedef enum tft_lag_kind { TFT_LAG_1D, TFT_LAG_1D_SMOOTH, TFT_LAG_2D, TFT_LAG_7D, TFT_N_LAGS } tft_lag_kind;

/* Value of metric m `days` before horizon step t = 1 …; NaN where there is none. `reach` r > 0: the mean of those that are
 * there within ±r steps and not after the origin. */
float tft_lag(const tft_past *past, const tft_pace *pace, size_t m, size_t days, size_t t, size_t reach);

#define TFT_SMOOTH_REACH 2 // steps on either side of "one day before"

/* All kinds for all steps of the horizon, as tft_lag() has each: out [TFT_N_LAGS, horizon]. */
void tft_lags_fill(const tft_past *past, const tft_pace *pace, size_t m, size_t horizon, float *out);

#endif
