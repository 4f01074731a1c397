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

/* Changes over `span`, newest first, every `stride` steps; returns how many. */
static size_t gather(const float *column, size_t n, size_t reach, size_t span, float *out)
{
    const size_t oldest = n > reach ? n - reach : 0, available = n - oldest;
    if (available <= span)
        return 0;
    const size_t starts = available - span, stride = (starts + TFT_CHANGE_SAMPLES - 1) / TFT_CHANGE_SAMPLES;
    size_t count = 0;
    for (size_t back = 0; back < starts; back += stride) {
        const float change = column[n - 1 - back] - column[n - 1 - back - span];
        if (!isnan(change))
            out[count++] = change;
    }
    return count;
}

void tft_changes_make(const float *column, size_t n, size_t reach, const float *levels, size_t n_levels,
                      tft_changes *changes)
{
    float samples[TFT_CHANGE_SAMPLES];
    changes->n_levels = n_levels;
    for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
        const size_t count = gather(column, n, reach, spans[s], samples);
        float *const out = changes->quantiles[s];
        if (count == 0) { // too little history for this span: as much as for the one before
            for (size_t q = 0; q < n_levels; q++)
                out[q] = s > 0 ? changes->quantiles[s - 1][q] : 0.0f;
            continue;
        }
        tft_sample_quantiles(samples, count, levels, n_levels, out);
    }
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
