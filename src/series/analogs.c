/* analogs.c - see analogs.h. */
#include "series/analogs.h"

#include <math.h>
#include <string.h>

#include "series/scaled.h"

#define MOST TFT_MOST_SAMPLES
#define FEWEST 32
#define FEWEST_AT_MINUTE 10 // so many seen in two days say less than analogues at any minute
#define STRIDE 2

void tft_analog_finder_layout(tft_analog_finder *finder, const tft_pace *pace, tft_arena *arena)
{
    finder->at = tft_arena_floats(arena, pace->week);
    finder->around = tft_arena_floats(arena, pace->week);
    finder->nearest = tft_arena_alloc(arena, pace->week, sizeof *finder->nearest);
}

/* log2(v + √(v² + 1)), read off the bits of a float: its exponent, and its fraction as it stands. */
static float squash(float v)
{
    const float grown = v < 0.0f ? 1.0f / (sqrtf(v * v + 1.0f) - v) : v + sqrtf(v * v + 1.0f);
    int32_t bits;
    memcpy(&bits, &grown, sizeof bits);
    return (float)(bits - 0x3f800000) * (1.0f / 8388608.0f);
}

/* Every value / scale, and the mean / scale of what is known in the hour that ends there; NaN stays NaN in `at`. */
static void describe(const tft_analog_finder *finder, const float *column, size_t n, size_t hour, float scale)
{
    double sum = 0.0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(column[i])) {
            sum += (double)column[i];
            count++;
        }
        if (i >= hour && !isnan(column[i - hour])) {
            sum -= (double)column[i - hour];
            count--;
        }
        finder->around[i] = count > 0 ? (float)(sum / (double)count) : 0.0f;
    }
    for (size_t i = 0; i < n; i++) {
        finder->at[i] = tft_scaled(column[i], scale);
        finder->around[i] = tft_scaled(finder->around[i], scale);
    }
}

/* Moves the k smallest of n different keys to the front, k < n (Hoare's selection). */
static void select_smallest(uint64_t *keys, size_t n, size_t k)
{
    ptrdiff_t low = 0, high = (ptrdiff_t)n - 1;
    const ptrdiff_t boundary = (ptrdiff_t)k;
    while (low < high) {
        const uint64_t pivot = keys[low + (high - low) / 2];
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (keys[i] < pivot)
                i++;
            while (keys[j] > pivot)
                j--;
            if (i <= j) {
                const uint64_t swap = keys[i];
                keys[i++] = keys[j];
                keys[j--] = swap;
            }
        }
        if (j < boundary)
            low = i;
        if (boundary < i)
            high = j;
    }
}

/* Distances from now of every `stride`-th moment as sortable keys; returns how many. */
static size_t measure(const tft_analog_finder *finder, size_t n, size_t first_age, size_t stride)
{
    const float here = squash(finder->at[n - 1]), around = squash(finder->around[n - 1]);
    size_t count = 0;
    for (size_t age = first_age; age < n; age += stride) {
        const size_t i = n - 1 - age;
        const float distance = fabsf(squash(finder->at[i]) - here) + fabsf(squash(finder->around[i]) - around);
        uint32_t bits;
        memcpy(&bits, &distance, sizeof bits); // not negative: its bits are in order
        if (!isnan(distance))
            finder->nearest[count++] = (uint64_t)bits << 32 | age;
    }
    return count;
}

static void follow(const float *column, size_t n, const uint64_t *nearest, size_t count, bool change,
                   const float *levels, size_t n_levels, tft_changes *out)
{
    tft_span_samples samples = {0};
    for (size_t c = 0; c < count; c++) {
        const float *const from = column + (n - 1 - (size_t)(nearest[c] & 0xffffffffu));
        const float base = change ? *from : 0.0f;
        for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
            const float value = from[tft_change_span(s)] - base;
            samples.x[samples.n[s]][s] = value;
            samples.n[s] += isnan(value) == 0;
        }
    }
    tft_spans_quantiles(&samples, levels, n_levels, out);
}

/* `late`: steps from the newest known value to the column's last, from where the minutes are counted. */
static void find_at_minute(tft_analog_finder *finder, size_t newest, size_t late, size_t longest, size_t hour,
                           tft_analogs *analogs)
{
    const size_t whole = (longest + late + hour - 1) / hour * hour;
    const size_t candidates = whole - late < newest ? measure(finder, newest, whole - late, hour) : 0;
    if (candidates < 4 * FEWEST_AT_MINUTE)
        return;
    const size_t n = candidates / 4 < TFT_CLOCK_MOMENTS ? candidates / 4 : TFT_CLOCK_MOMENTS;
    select_smallest(finder->nearest, candidates, n);
    analogs->n_at_minute = n;
    for (size_t i = 0; i < n; i++)
        analogs->ages_at_minute[i] = (uint16_t)((size_t)(finder->nearest[i] & 0xffffffffu) + late);
}

void tft_analogs_make(tft_analog_finder *finder, const float *column, size_t n, const tft_pace *pace, float scale,
                      const float *levels, size_t n_levels, tft_analogs *analogs)
{
    memset(analogs, 0, sizeof *analogs);
    if (n > pace->week) {
        column += n - pace->week;
        n = pace->week;
    }
    size_t newest = n; // one past the newest value that is known
    while (newest > 0 && isnan(column[newest - 1]))
        newest--;
    const size_t longest = tft_change_span(TFT_CHANGE_SPANS - 1);
    if (newest <= longest + FEWEST * STRIDE)
        return;
    describe(finder, column, newest, pace->hour, scale);
    const size_t candidates = measure(finder, newest, longest, STRIDE);
    if (candidates < FEWEST)
        return;
    const size_t count = candidates / 4 < MOST ? candidates / 4 : MOST, near = count / 2;
    select_smallest(finder->nearest, candidates, count);
    analogs->n = count;
    for (size_t i = 0; i < count; i++)
        analogs->ages[i] = (uint16_t)((size_t)(finder->nearest[i] & 0xffffffffu) + n - newest);
    follow(column, newest, finder->nearest, count, false, levels, n_levels, &analogs->values);
    select_smallest(finder->nearest, count, near);
    follow(column, newest, finder->nearest, near, true, levels, n_levels, &analogs->changes);
    analogs->found = true;
    find_at_minute(finder, newest, n - newest, longest, pace->hour, analogs);
}
