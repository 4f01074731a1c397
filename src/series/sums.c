/* sums.c - see sums.h. What is missing adds +0, which changes no sum that began with +0. */
#include "series/sums.h"

#include <math.h>
#include <string.h>

#include "series/per_processor.h"

#define INFINITE ((double)INFINITY) // only NaN is not below or at it
#define INLINE static inline __attribute__((always_inline))

typedef float floats __attribute__((vector_size(TFT_SUM_LANES * sizeof(float))));
typedef double doubles __attribute__((vector_size(TFT_SUM_LANES * sizeof(double))));
typedef int64_t longs __attribute__((vector_size(TFT_SUM_LANES * sizeof(int64_t))));

/* Values of one step; past.c leaves room for lanes without a metric behind the last one. */
typedef struct step {
    doubles value; // 0 where missing
    longs known;   // −1, 0 where missing
} step;

INLINE void read_step(const tft_past *past, size_t first, size_t i, step *to)
{
    floats f;
    memcpy(&f, past->values + i * past->steps.n_metrics + first, sizeof f);
    const doubles d = __builtin_convertvector(f, doubles);
    to->known = d <= INFINITE;
    to->value = (doubles)((longs)d & to->known);
}

/* Running sums over ages. */
typedef struct walk {
    doubles sum, magnitude;
    longs n;
} walk;

INLINE void walk_to(walk *w, const tft_past *past, size_t first, size_t from, size_t age)
{
    for (; from < age; from++) {
        step s;
        read_step(past, first, past->n - 1 - from, &s);
        w->sum += s.value;
        w->magnitude += (doubles)((longs)s.value & INT64_MAX);
        w->n -= s.known;
    }
}

TFT_PER_PROCESSOR void tft_sums_make(const tft_past *past, const tft_pace *pace, size_t first,
                                     tft_sums sums[TFT_SUM_LANES])
{
    const size_t spans[3] = {pace->hour, pace->day, pace->week};
    walk walks[3], w = {0};
    for (size_t k = 0, at = 0; k < 3; k++) {
        const size_t reach = spans[k] < past->n ? spans[k] : past->n;
        walk_to(&w, past, first, at, reach);
        walks[k] = w;
        at = reach;
    }
    doubles change = {0};
    longs n_changes = {0};
    const size_t m = past->steps.n_metrics;
    for (size_t i = past->n > pace->day ? past->n - pace->day : 1; i < past->n; i++) {
        floats now, before;
        memcpy(&now, past->values + i * m + first, sizeof now);
        memcpy(&before, past->values + (i - 1) * m + first, sizeof before);
        const doubles d = __builtin_convertvector(now - before, doubles);
        const longs known = d <= INFINITE;
        change += (doubles)((longs)d & known & INT64_MAX);
        n_changes -= known;
    }
    for (size_t c = 0; c < TFT_SUM_LANES; c++) {
        tft_span_sum *const to[3] = {&sums[c].hour, &sums[c].day, &sums[c].week};
        for (size_t k = 0; k < 3; k++)
            *to[k] = (tft_span_sum){walks[k].sum[c], walks[k].magnitude[c], (size_t)walks[k].n[c]};
        sums[c].change = change[c];
        sums[c].n_changes = (size_t)n_changes[c];
    }
}

TFT_PER_PROCESSOR void tft_sums_add(const float *values, size_t n, double *sums, double *counts)
{
    const doubles one = {1.0, 1.0, 1.0, 1.0};
    size_t i = 0;
    for (; i + TFT_SUM_LANES <= n; i += TFT_SUM_LANES) {
        floats f;
        doubles sum, count;
        memcpy(&f, values + i, sizeof f);
        memcpy(&sum, sums + i, sizeof sum);
        memcpy(&count, counts + i, sizeof count);
        const doubles d = __builtin_convertvector(f, doubles);
        const longs known = d <= INFINITE;
        sum += (doubles)((longs)d & known);
        count += (doubles)((longs)one & known);
        memcpy(sums + i, &sum, sizeof sum);
        memcpy(counts + i, &count, sizeof count);
    }
    for (; i < n; i++) {
        sums[i] += isnan(values[i]) ? 0.0 : (double)values[i];
        counts[i] += isnan(values[i]) ? 0.0 : 1.0;
    }
}

TFT_PER_PROCESSOR void tft_hour_means(const tft_past *past, size_t hour, size_t first, size_t n,
                                      float (*out)[TFT_SUM_LANES])
{
    const size_t oldest = past->n - n;
    const doubles one = {1.0, 1.0, 1.0, 1.0};
    doubles sum = {0}, count = {0};
    for (size_t i = 0; i < n; i++) {
        step s;
        read_step(past, first, oldest + i, &s);
        sum += s.value;
        count += (doubles)((longs)one & s.known);
        if (i >= hour) {
            read_step(past, first, oldest + i - hour, &s);
            sum -= s.value;
            count -= (doubles)((longs)one & s.known);
        }
        const longs any = count > 0.0;
        const floats mean = __builtin_convertvector((doubles)((longs)(sum / count) & any), floats);
        memcpy(out[i], &mean, sizeof mean);
    }
}
