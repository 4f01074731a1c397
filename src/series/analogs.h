/* analogs.h - what followed the last time it looked like this: the past's own answer, without a model.
 *
 * Of the past week, the moments most like now are looked up, and what the series did in the h steps after each of them is a
 * sample of what it may do next: the method of analogues (Lorenz 1969), nearest neighbours in time. It knows how long this machine's
 * busy spells last, which neither a fan of changes (blind to where the series stands) nor quantiles of a day (blind to when) do.
 * docs/decisions/008 has what it gave.
 *
 *     likeness    |φ(x_i) − φ(x_n)| + |φ(m_i) − φ(m_n)|, m = mean of the hour that ends there, φ ≈ log2(v + √(v² + 1)) of
 *                 v = value / scale (asinh but for a factor, straight lines between powers of two)
 *     candidates  every second step of the last week whose largest span has passed; one without a value is one, too, and far off
 *     values      quantiles of x_{i+h} over the nearest quarter of them, at most 128
 *     changes     quantiles of x_{i+h} − x_i over the nearer half of these
 *
 * Both at the spans of changes.h. With fewer than 32 candidates there are none, and anchors.c falls back. Of the moments at the
 * same minute of the hour as the origin, the nearest quarter, 10 to 24, are kept for clock.h.
 *
 * Memory:  the finder's arrays lie in the scratch's arena. Threads: a finder belongs to one.
 */
#ifndef TFT_SERIES_ANALOGS_H
#define TFT_SERIES_ANALOGS_H

#include "base/arena.h"
#include "series/changes.h"
#include "series/sums.h"

#define TFT_CLOCK_MOMENTS 24

/* Space to look in. Candidates stand side by side there, newest first, so that vectors go over them. */
typedef struct tft_analog_finder {
    float (*means)[TFT_SUM_LANES]; // [week] of the hour that ends at each step, of four metrics
    size_t first;                  // of these metrics
    float *at, *around;            // [week] each candidate's value and mean
    int32_t *distances; // [week] as keys: the bits of a number that is not negative, INT32_MAX where it is not known
    uint16_t *chosen;   // [week] numbers of candidates
} tft_analog_finder;

typedef struct tft_analogs {
    bool found;
    size_t n;                        // of the moments
    uint16_t ages[TFT_MOST_SAMPLES]; // steps before the column's last one
    size_t n_at_minute;              // of the moments at the same minute of the hour
    uint16_t ages_at_minute[TFT_CLOCK_MOMENTS];
    tft_changes values, changes; // quantiles by span; values in the metric's unit
} tft_analogs;

void tft_analog_finder_layout(tft_analog_finder *finder, const tft_pace *pace, tft_arena *arena);

/* Works out the means of metric m and of those that share its vector: once for TFT_SUM_LANES metrics, the first of them a multiple of it. */
void tft_analog_finder_begin(tft_analog_finder *finder, const tft_past *past, const tft_pace *pace, size_t m);
/* Of metric m of the past that the finder began with, of which the last week counts; scale > 0. */
void tft_analogs_make(tft_analog_finder *finder, const tft_past *past, size_t m, const tft_pace *pace, float scale,
                      const float *levels, size_t n_levels, tft_analogs *analogs);

#endif
