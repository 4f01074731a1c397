/* changes.c - see changes.h. */
#include "series/changes.h"

#include <math.h>
#include <string.h>

#include "series/summary.h"

#define LEVEL_STEPS 24
#define LEVEL_DECAY 0.8f

static const size_t spans[TFT_CHANGE_SPANS] = {1, 2, 4, 8, 16, 32, 64, 96};

/* Each value goes where the count of smaller ones says. Quadratic, but for a hundred values the comparisons are a few vectors a
 * row and no branch depends on them: a third of the time of a Shell sort. None is NaN. */
static void sort_samples(const float *x, size_t n, float *sorted)
{
    for (size_t i = 0; i < n; i++) {
        const float v = x[i];
        uint32_t below = 0;
        for (size_t k = 0; k < i; k++)
            below += x[k] <= v;
        for (size_t k = i + 1; k < n; k++)
            below += x[k] < v;
        sorted[below] = v;
    }
}

size_t tft_change_span(size_t s)
{
    return spans[s];
}

void tft_sample_quantiles(const float *samples, size_t n, const float *levels, size_t n_levels, float *out)
{
    float sorted[TFT_MOST_SAMPLES];
    sort_samples(samples, n, sorted);
    for (size_t q = 0; q < n_levels; q++)
        out[q] = tft_quantile_sorted(sorted, n, levels[q]);
}

/* Puts the smaller of two samples first, in every span, for `rows` rows from a and from b on; none is in both. A function of its
 * own, or the compiler forgets that, and with it the vectors. */
static __attribute__((noinline)) void exchange(float *restrict a, float *restrict b, size_t rows)
{
    for (size_t i = 0; i < rows; i++, a += TFT_CHANGE_SPANS, b += TFT_CHANGE_SPANS) {
        for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
            const float x = a[s], y = b[s], low = x < y ? x : y, high = y > x ? y : x;
            a[s] = low;
            b[s] = high;
        }
    }
}

/* Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M): which places are compared does not
 * depend on what stands there, so the eight spans go through it side by side, as minima and maxima of vectors. About a thousand
 * exchanges for 96 samples: a quarter of the time of eight sorts one after the other. */
static void sort_spans(float (*x)[TFT_CHANGE_SPANS], size_t n)
{
    size_t top = 1;
    while (top < n)
        top *= 2;
    for (size_t p = top / 2; p > 0; p /= 2) {
        size_t d = p, r = 0;
        for (size_t q = top / 2;; q /= 2) {
            for (size_t i = r; i + d < n; i += 2 * p) // the places i with (i & p) == r, p of them in a row; p ≤ d
                exchange(x[i], x[i + d], n - d - i < p ? n - d - i : p);
            if (q == p)
                break;
            d = q - p;
            r = p;
        }
    }
}

void tft_spans_quantiles(tft_span_samples *samples, const float *levels, size_t n_levels, tft_changes *out)
{
    size_t most = 0;
    for (size_t s = 0; s < TFT_CHANGE_SPANS; s++)
        most = samples->n[s] > most ? samples->n[s] : most;
    for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
        for (size_t k = samples->n[s]; k < most; k++)
            samples->x[k][s] = INFINITY; // goes to the end, behind all that count
    }
    sort_spans(samples->x, most);
    out->n_levels = n_levels;
    for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
        float sorted[TFT_MOST_SAMPLES];
        for (size_t k = 0; k < samples->n[s]; k++)
            sorted[k] = samples->x[k][s];
        for (size_t q = 0; q < n_levels; q++)
            out->quantiles[s][q] = samples->n[s] > 0 ? tft_quantile_sorted(sorted, samples->n[s], levels[q])
                                   : s > 0           ? out->quantiles[s - 1][q]
                                                     : 0.0f;
    }
}

/* Changes over span s, newest first, every `stride` steps. */
static void gather(const float *column, size_t n, size_t reach, size_t s, tft_span_samples *samples)
{
    const size_t oldest = n > reach ? n - reach : 0, available = n - oldest, span = spans[s];
    samples->n[s] = 0;
    if (available <= span)
        return;
    const size_t starts = available - span, stride = (starts + TFT_CHANGE_SAMPLES - 1) / TFT_CHANGE_SAMPLES;
    size_t count = 0;
    for (size_t back = 0; back < starts; back += stride) {
        const float change = column[n - 1 - back] - column[n - 1 - back - span];
        samples->x[count][s] = change;
        count += isnan(change) == 0;
    }
    samples->n[s] = count;
}

void tft_changes_make(const float *column, size_t n, size_t reach, const float *levels, size_t n_levels,
                      tft_changes *changes)
{
    tft_span_samples samples;
    for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) // too little history for a span: as much as for the one before
        gather(column, n, reach, s, &samples);
    tft_spans_quantiles(&samples, levels, n_levels, changes);
}

void tft_changes_at(const tft_changes *changes, size_t t, float *out)
{
    size_t s = 0;
    while (s + 1 < TFT_CHANGE_SPANS && spans[s + 1] <= t)
        s++;
    const size_t next = s + 1 < TFT_CHANGE_SPANS ? s + 1 : s;
    const float part = next == s || t <= spans[s] ? 0.0f : (float)(t - spans[s]) / (float)(spans[next] - spans[s]);
    for (size_t q = 0; q < changes->n_levels; q++)
        out[q] = (1.0f - part) * changes->quantiles[s][q] + part * changes->quantiles[next][q];
}

float tft_level(const float *column, size_t n, float otherwise)
{
    float sum = 0.0f, weights = 0.0f, weight = 1.0f;
    for (size_t age = 0; age < n && age < LEVEL_STEPS; age++, weight *= LEVEL_DECAY) {
        const float value = column[n - 1 - age];
        if (!isnan(value)) {
            sum += weight * value;
            weights += weight;
        }
    }
    return weights > 0.0f ? sum / weights : otherwise;
}

static float mean_of(const float *column, size_t from, size_t n)
{
    float sum = 0.0f;
    size_t count = 0;
    for (size_t i = from; i < from + n; i++) {
        if (!isnan(column[i])) {
            sum += column[i];
            count++;
        }
    }
    return count > 0 ? sum / (float)count : NAN;
}

float tft_shift(const float *column, size_t n, const tft_pace *pace)
{
    if (n < pace->day + pace->hour)
        return 0.0f;
    const float shift =
        mean_of(column, n - pace->hour, pace->hour) - mean_of(column, n - pace->hour - pace->day, pace->hour);
    return isnan(shift) ? 0.0f : shift;
}
