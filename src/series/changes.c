/* changes.c - see changes.h. */
#include "series/changes.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "series/per_processor.h"
#include "series/summary.h"

#define HALF (TFT_CHANGE_SPANS / 2)

/* Half a row, as floats and as doubles. */
typedef float floats __attribute__((vector_size(HALF * sizeof(float))));
typedef double doubles __attribute__((vector_size(HALF * sizeof(double))));

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

void tft_sample_quantiles(const float *samples, size_t n, const float *levels, size_t n_levels, float *out)
{
    float sorted[TFT_MOST_SAMPLES];
    sort_samples(samples, n, sorted);
    for (size_t q = 0; q < n_levels; q++)
        out[q] = tft_quantile_sorted(sorted, n, levels[q]);
}

/* Quantile q of a column, as tft_quantile_sorted() has it. */
static float quantile_of(const tft_span_samples *sorted, size_t s, float q)
{
    const size_t n = sorted->n[s];
    const double at = (double)q * (double)(n - 1);
    const size_t low = (size_t)at;
    if (low + 1 >= n)
        return sorted->x[n - 1][s];
    const double part = at - (double)low;
    return (float)((1.0 - part) * (double)sorted->x[low][s] + part * (double)sorted->x[low + 1][s]);
}

static void quantiles_one_by_one(const tft_span_samples *sorted, const float *levels, size_t n_levels, tft_changes *out)
{
    for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
        for (size_t q = 0; q < n_levels; q++)
            out->quantiles[q][s] = sorted->n[s] > 0 ? quantile_of(sorted, s, levels[q])
                                   : s > 0          ? out->quantiles[q][s - 1]
                                                    : 0.0f;
    }
}

/* The same where every span has as many samples: a level stands at the same place in all of them. */
TFT_PER_PROCESSOR static void quantiles_side_by_side(const tft_span_samples *sorted, const float *levels,
                                                     size_t n_levels, tft_changes *out)
{
    const size_t n = sorted->n[0];
    for (size_t q = 0; q < n_levels; q++) {
        const double at = (double)levels[q] * (double)(n - 1);
        const size_t low = (size_t)at < n - 1 ? (size_t)at : n - 1, high = low + 1 < n ? low + 1 : low;
        const double part = low == high ? 0.0 : at - (double)low, rest = 1.0 - part;
        for (size_t s = 0; s < TFT_CHANGE_SPANS; s += HALF) {
            floats x, y;
            memcpy(&x, sorted->x[low] + s, sizeof x);
            memcpy(&y, sorted->x[high] + s, sizeof y);
            const doubles mixed =
                rest * __builtin_convertvector(x, doubles) + part * __builtin_convertvector(y, doubles);
            x = __builtin_convertvector(mixed, floats);
            memcpy(out->quantiles[q] + s, &x, sizeof x);
        }
    }
}

void tft_span_rows_quantiles(tft_span_samples *samples, size_t n_rows, const float *levels, size_t n_levels,
                             tft_changes *out)
{
    bool alike = samples->n[0] > 0;
    for (size_t s = 1; s < TFT_CHANGE_SPANS; s++)
        alike = alike && samples->n[s] == samples->n[0];
    tft_span_sort(samples->x, n_rows);
    out->n_levels = n_levels;
    if (alike)
        quantiles_side_by_side(samples, levels, n_levels, out);
    else
        quantiles_one_by_one(samples, levels, n_levels, out);
}

/* Changes over span s, newest first, every `stride` steps; returns how many rows they take. */
static size_t gather(const float *column, size_t n, size_t reach, size_t s, tft_span_samples *samples)
{
    const size_t oldest = n > reach ? n - reach : 0, available = n - oldest, span = spans[s];
    if (available <= span)
        return 0;
    const size_t starts = available - span, stride = (starts + TFT_CHANGE_SAMPLES - 1) / TFT_CHANGE_SAMPLES;
    const size_t n_rows = (starts + stride - 1) / stride;
    const float *now = column + n - 1;
    for (size_t k = 0; k < n_rows; k++, now -= stride)
        samples->x[k][s] = now[0] - *(now - span);
    return n_rows;
}

void tft_changes_make(const float *column, size_t n, size_t reach, const float *levels, size_t n_levels,
                      tft_changes *changes)
{
    tft_span_samples samples;
    size_t n_rows[TFT_CHANGE_SPANS], most = 0;
    for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) { // too little history for a span: as much as for the one before
        n_rows[s] = gather(column, n, reach, s, &samples);
        most = n_rows[s] > most ? n_rows[s] : most;
    }
    for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
        for (size_t k = n_rows[s]; k < most; k++)
            samples.x[k][s] = NAN;
    }
    memset(samples.n, 0, sizeof samples.n);
    for (size_t k = 0; k < most; k++)
        tft_span_count(&samples, k);
    tft_span_rows_quantiles(&samples, most, levels, n_levels, changes);
}

TFT_PER_PROCESSOR void tft_changes_at(const tft_changes *changes, size_t t, float *restrict out)
{
    const size_t last = TFT_CHANGE_SPANS - 1;
    const size_t s = t >= spans[last] ? last : 63 - (size_t)__builtin_clzll(t | 1); // the others are powers of two
    const size_t next = s < last ? s + 1 : s;
    const float part = next == s || t <= spans[s] ? 0.0f : (float)(t - spans[s]) / (float)(spans[next] - spans[s]);
    for (size_t q = 0; q < changes->n_levels; q++)
        out[q] = (1.0f - part) * changes->quantiles[q][s] + part * changes->quantiles[q][next];
}

/* n steps from a span whose quantile is a to the next, b; as far apart as `per_step` says: a power of two, so its product is the quotient. */
static inline __attribute__((always_inline)) void interpolate(float a, float b, float per_step, size_t n, float *out)
{
    for (int i = 0; i < (int)n; i++) {
        const float part = (float)i * per_step;
        out[i] = (1.0f - part) * a + part * b;
    }
}

TFT_PER_PROCESSOR void tft_changes_along(const tft_changes *changes, size_t n, float *out)
{
    for (size_t q = 0; q < changes->n_levels; q++, out += n) {
        const float *const of_level = changes->quantiles[q];
        size_t s = 0;
        for (; s + 1 < TFT_CHANGE_SPANS && spans[s] <= n; s++) {
            const size_t span = spans[s + 1] - spans[s], left = n - spans[s] + 1;
            interpolate(of_level[s], of_level[s + 1], 1.0f / (float)span, left < span ? left : span,
                        out + spans[s] - 1);
        }
        for (size_t t = spans[s]; t <= n; t++)
            out[t - 1] = of_level[s];
    }
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
