/* anchors.h - the K = 16 simple forecasts that the mixture output starts from (QUALITY-TARGETS §4.1 found them).
 *
 *     k   name                   value at step t, quantile q                                   falls back to
 *     0   last_value             newest value                                                  0
 *     1   quantiles_1h           quantile q of the last hour                                   last value
 *     2   quantiles_24h          … of the last 24 h                                            last value
 *     3   quantiles_7d           … of the last 7 d                                             last value
 *     4   quantiles_same_hour    … of the last 7 d in the same hour of the day as t           quantiles_7d
 *     5   one_day_before         value a day before t                                         6
 *     6   one_day_before_smooth  mean of the five steps around it                             7
 *     7   same_minute            value at the same minute of the latest hour                  last value
 *     8   same_minute_6h         mean over the latest 6 hours                                 7
 *     9   same_minute_24h        mean over the latest 24 hours                                8
 *     10  last_and_changes_24h   newest value + quantile q of the last 24 h's changes over t steps   (changes.h)
 *     11  last_and_changes_7d    … of the last 7 d's
 *     12  level_and_changes_24h  exponentially weighted level + the same
 *     13  one_day_before_shifted 6 + (mean of the last hour − mean of that hour a day before)
 *     14  analogs                quantile q of what followed moments like this one (analogs.h)    quantiles_7d
 *     15  analogs_changes        newest value + quantile q of the changes that followed them      11
 *
 * With config.clock_anchors, 7 to 9 are quantiles in place of points (clock.h):
 *     7   minute_moments         of what followed moments like this one at this minute of the hour    14, 8
 *     8   minute_quantiles       … of the same minute of the latest 24 hours                       quantiles_24h
 *     9   time_quantiles         … of the same time of the latest 7 days, ± 1 step                 8
 *
 * A point forecast has the same value for all q, and is kept once; so are quantiles that are the same at every step (tft/anchor.h): some
 * 157 kB a window of four metrics where all of it would be 270. Every number lies between the least and the greatest value of the past.
 */
#ifndef TFT_SERIES_ANCHORS_H
#define TFT_SERIES_ANCHORS_H

#include "series/lags.h"
#include "series/summary.h"
#include "tft/anchor.h"

#define TFT_FIRST_ANCHORS 10  // models of version 0.1.0 mix these
#define TFT_SECOND_ANCHORS 14 // those before analogues were found; later ones mix all of them

/* How many values a window's anchors have, all targets together. */
size_t tft_anchors_floats(const tft_config *config);

/* Fills anchors [M, K], scaled, and the values that they point at, tft_anchors_floats() of them.
 * lags [n_targets, TFT_N_LAGS, horizon]; horizon_hour [horizon]: hour of the day. */
void tft_anchors_fill(const tft_config *config, const tft_past *past, const tft_pace *pace,
                      const tft_summary *summaries, const float *lags, const uint8_t *horizon_hour, float *values,
                      tft_anchor *anchors);

#endif
