/* sums.h - what has to be added up over the week, of four metrics side by side.
 *
 * A sum in double is one addition after the other: the order is part of the result, and each waits for the one before. So the metrics, not
 * the steps, are the lanes of a vector: past.h keeps the values of a step together, and four chains take the time of one. Every metric's
 * figures are those of a walk over it alone, bit by bit.
 *
 * Threads: pure functions.
 */
#ifndef TFT_SERIES_SUMS_H
#define TFT_SERIES_SUMS_H

#include "series/past.h"

#define TFT_SUM_LANES 4

/* Of one metric; n_…: of known values. Sums run from the newest step back. */
typedef struct tft_span_sum {
    double sum, magnitude; // of the values, of their absolute values
    size_t n;
} tft_span_sum;

typedef struct tft_sums {
    tft_span_sum hour, day, week; // the newest steps
    double change;                // Σ |value − value of the step before| of the last day, oldest first
    size_t n_changes;
} tft_sums;

/* Of TFT_SUM_LANES metrics from `first` on, as far as there are so many. */
void tft_sums_make(const tft_past *past, const tft_pace *pace, size_t first, tft_sums sums[TFT_SUM_LANES]);

/* Adds each of n values that is known to a sum of its own, and 1 to its count. */
void tft_sums_add(const float *values, size_t n, double *sums, double *counts);

/* The mean of what is known in the hour that ends at each of the newest n steps, 0 where nothing is: out [n, TFT_SUM_LANES]. The
 * first hours are those of the n steps alone. */
void tft_hour_means(const tft_past *past, size_t hour, size_t first, size_t n, float (*out)[TFT_SUM_LANES]);

#endif
