/* extremes.h - least and most of a server's two newest steps: the one that is on, and the one that ended and is not yet counted.
 *
 * A server's history keeps means and counts; least and most of a step come from the disk once it has been counted (store/step_log.h),
 * some seconds after its end. Until then they are here. A step is known whole or not at all: it is told only where as many records
 * were seen here as its history has, so that a step which a restart or a late record brought in half is not told half.
 *
 * Memory:  the caller's: 2 · 2 · n_metrics floats. Threads: as the struct that holds it. None of these can fail.
 */
#ifndef TFTD_FORECAST_EXTREMES_H
#define TFTD_FORECAST_EXTREMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXTREMES_STEPS 2

typedef struct extremes {
    int64_t steps[EXTREMES_STEPS]; // INT64_MIN: free
    uint32_t records[EXTREMES_STEPS];
    float *least, *most; // [EXTREMES_STEPS, n_metrics], NaN = no value
} extremes;

void extremes_clear(extremes *e, size_t n_metrics);
/* A record of `step`; values NaN = missing. Of a step older than the two nothing is kept. */
void extremes_add(extremes *e, size_t n_metrics, int64_t step, const double *values);
/* A record that was there has more values now. */
void extremes_fill(extremes *e, size_t n_metrics, int64_t step, const double *values);
/* Into one that has its own memory. */
void extremes_copy(const extremes *from, size_t n_metrics, extremes *to);
/* [n_metrics] each, lent; false where the step is not known whole: it has `records` records. */
bool extremes_find(const extremes *e, size_t n_metrics, int64_t step, size_t records, const float **least,
                   const float **most);

#endif
