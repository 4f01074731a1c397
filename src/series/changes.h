/* changes.h - how far a metric usually moves within h steps: what "last value" leaves unsaid.
 *
 * A persistence forecast with an honest spread is the last value plus the quantiles of the series' own changes over h
 * steps (a random walk's fan, without assuming that it is one). They are taken at a few spans and interpolated linearly in h
 * between them; beyond the largest span they stay. Per span, at most TFT_CHANGE_SAMPLES changes are looked at, evenly
 * spread over the time, so that the cost does not depend on the step.
 *
 * level: exponentially weighted mean, weight 0.8^age of the value `age` steps back, over the newest 24 steps.
 * shift: mean of the newest hour − mean of the same hour a day before: how far today is from yesterday.
 */
#ifndef TFT_SERIES_CHANGES_H
#define TFT_SERIES_CHANGES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "series/calendar.h"
#include "series/span_sort.h"
#include "tft/config.h"

#define TFT_CHANGE_SPANS TFT_SORT_COLUMNS
#define TFT_CHANGE_SAMPLES 96
#define TFT_MOST_SAMPLES 128

typedef struct tft_changes {
    size_t n_levels;
    float quantiles[TFT_MAX_QUANTILES][TFT_CHANGE_SPANS]; // 0 where no change is known
} tft_changes;

/* Samples of every span, sample k of span s at x[k][s], NaN = none: so laid out, all spans are sorted at once. */
typedef struct tft_span_samples {
    uint32_t n[TFT_CHANGE_SPANS]; // known ones
    float x[TFT_MOST_SAMPLES][TFT_CHANGE_SPANS];
} tft_span_samples;

/* Counts the known ones of a row that was just filled. */
static inline void tft_span_count(tft_span_samples *samples, size_t row)
{
    for (size_t s = 0; s < TFT_CHANGE_SPANS; s++)
        samples->n[s] += isnan(samples->x[row][s]) ? 0 : 1;
}

/* Quantiles of each span's samples in the first n_rows rows; a span without any gets those of the one before, the first one 0. Sorts
 * `samples`. */
void tft_span_rows_quantiles(tft_span_samples *samples, size_t n_rows, const float *levels, size_t n_levels,
                             tft_changes *out);

/* Quantiles at `levels` of column[i + span] − column[i] over the last `reach` of its n values (NaN = missing). */
void tft_changes_make(const float *column, size_t n, size_t reach, const float *levels, size_t n_levels,
                      tft_changes *changes);
/* The s-th span, in steps, as the table in changes.c has them: 1, 2, 4 … 64, and 96, the longest. */
static inline size_t tft_change_span(size_t s)
{
    return s + 1 < TFT_CHANGE_SPANS ? (size_t)1 << s : 96;
}
/* Quantiles of n known samples, 1 to TFT_MOST_SAMPLES, in any order. */
void tft_sample_quantiles(const float *samples, size_t n, const float *levels, size_t n_levels, float *out);
/* The quantiles for t = 1 … steps ahead, interpolated between the spans. */
void tft_changes_at(const tft_changes *changes, size_t t, float *out);
/* The same for all t = 1 … n, a level's steps side by side: out [n_levels, n]. */
void tft_changes_along(const tft_changes *changes, size_t n, float *out);

float tft_level(const float *column, size_t n, float otherwise);
float tft_shift(const float *column, size_t n, const tft_pace *pace);

#endif
