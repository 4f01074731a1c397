/* clock.h - what this server does at this minute of the hour and at this time of the day: quantiles, not means.
 *
 * Cron jobs, backups and polls come by the clock. A mean over the hours blurs "nothing, or a burst" into a state that never
 * occurs; the quantiles of the same values keep both. docs/decisions/011 has what each gives by itself.
 *
 *     minute    values at the same minute of the latest 24 hours
 *     time      values at the same time of the latest 7 days, with the step before and the step after it
 *     moments   what followed the nearest, at most 24, of the moments at the same minute of their hour (analogs.h has the likeness): a
 *               burst at :15 is found where it is due, which quantiles over all minutes cannot tell
 *
 * t = 1 … steps ahead, under a day. Each function writes n_levels quantiles and says so, or leaves `out` as it is where fewer than
 * four values are known.
 */
#ifndef TFT_SERIES_CLOCK_H
#define TFT_SERIES_CLOCK_H

#include "series/analogs.h"

typedef struct tft_clock {
    const float *column; // [n] oldest first, the newest at the origin; NaN = missing
    size_t n;
    const tft_pace *pace;
    const float *levels; // [n_levels]
    size_t n_levels;
} tft_clock;

bool tft_clock_minute(const tft_clock *clock, size_t t, float *out);
bool tft_clock_time(const tft_clock *clock, size_t t, float *out);
bool tft_clock_moments(const tft_clock *clock, const tft_analogs *analogs, size_t t, float *out);

/* The same for the n steps from t on, up to TFT_CHANGE_SPANS of them: they are sorted side by side. Quantile q of step t + i is
 * out->quantiles[q][i], and bit i of the result says whether enough values are known there. Of `minutes` all lie in one hour
 * after the origin. */
unsigned tft_clock_minutes(const tft_clock *clock, size_t t, size_t n, tft_changes *out);
unsigned tft_clock_times(const tft_clock *clock, size_t t, size_t n, tft_changes *out);
unsigned tft_clock_all_moments(const tft_clock *clock, const tft_analogs *analogs, size_t t, size_t n,
                               tft_changes *out);

#endif
