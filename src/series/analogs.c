/* analogs.c - see analogs.h. */
#include "series/analogs.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "series/per_processor.h"

#define MOST TFT_MOST_SAMPLES
#define FEWEST 32
#define FEWEST_AT_MINUTE 10 // so many seen in two days say less than analogues at any minute
#define STRIDE 2
#define UNKNOWN 128.5f      // φ of a missing value: farther than any float, and a moment all the same
#define NEAR 0x3c000000     // the bits of 2⁻⁷, a usual bound on the nearest
#define FARTHEST 0x44000000 // of 512, which no distance reaches
#define LANES ((size_t)8)
#define INLINE static inline __attribute__((always_inline))

void tft_analog_finder_layout(tft_analog_finder *finder, const tft_pace *pace, tft_arena *arena)
{
    finder->means = tft_arena_alloc(arena, pace->week, sizeof *finder->means);
    const size_t whole = (pace->week + LANES - 1) / LANES * LANES;
    finder->at = tft_arena_floats(arena, whole);
    finder->around = tft_arena_floats(arena, whole);
    finder->distances = tft_arena_alloc(arena, whole, sizeof *finder->distances);
    finder->chosen = tft_arena_alloc(arena, pace->week, sizeof *finder->chosen);
}

void tft_analog_finder_begin(tft_analog_finder *finder, const tft_past *past, const tft_pace *pace, size_t m)
{
    assert(m % TFT_SUM_LANES == 0);
    finder->first = m;
    tft_hour_means(past, pace->hour, m, past->n < pace->week ? past->n : pace->week, finder->means);
}

/* One metric's week, and now. */
typedef struct view {
    const float *column;                 // [n] up to the newest value that is known
    const float (*means)[TFT_SUM_LANES]; // beside it
    size_t lane, n;
    float scale;
} view;

/* Eight candidates at once. */
typedef float floats __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t ints __attribute__((vector_size(LANES * sizeof(int32_t))));

INLINE void choose(const ints *where, const floats *yes, const floats *no, floats *out)
{
    *out = (floats)(((ints)*yes & *where) | ((ints)*no & ~*where));
}

/* φ of value / scale: log2(v + √(v² + 1)), read off the bits of a float: its exponent, and its fraction as it stands. */
INLINE void squash(const floats *value, float scale, floats *out)
{
    const floats one = {1, 1, 1, 1, 1, 1, 1, 1}, most = one * 1e9f, least = -most, unknown = one * UNKNOWN;
    floats v = *value / scale, root;
    ints where = v > most;
    choose(&where, &most, &v, &v);
    where = v < least;
    choose(&where, &least, &v, &v);
    const floats squares = v * v + one;
    float x[LANES];
    memcpy(x, &squares, sizeof x);
    for (size_t i = 0; i < LANES; i++)
        x[i] = sqrtf(x[i]);
    memcpy(&root, x, sizeof root);
    const floats grown = root + (floats)((ints)v & INT32_MAX), shrunk = one / grown; // √ + |v|
    where = v < 0.0f;
    choose(&where, &shrunk, &grown, &v);
    const ints bits = (ints)v - 0x3f800000, known = v <= INFINITY; // false for NaN
    const floats phi = __builtin_convertvector(bits, floats) * (1.0f / 8388608.0f);
    choose(&known, &phi, &unknown, out);
}

/* Distances from now of n candidates, as keys; the arrays are whole vectors. */
TFT_PER_PROCESSOR static void find_distances(const float *at, const float *around, size_t n, float value, float mean,
                                             float scale, int32_t *out)
{
    floats here = {0}, hour = {0}, x, y;
    here += value; // in every lane
    hour += mean;
    squash(&here, scale, &here);
    squash(&hour, scale, &hour);
    for (size_t k = 0; k < n; k += LANES) {
        memcpy(&x, at + k, sizeof x);
        memcpy(&y, around + k, sizeof y);
        squash(&x, scale, &x);
        squash(&y, scale, &y);
        const floats distance = (floats)((ints)(x - here) & INT32_MAX) + (floats)((ints)(y - hour) & INT32_MAX);
        memcpy(out + k, &distance, sizeof distance); // not negative: its bits are in order
    }
}

/* Looks at every `stride`-th moment, from `first_age` back; returns how many there are. */
static size_t measure(const tft_analog_finder *finder, const view *v, size_t first_age, size_t stride)
{
    size_t n = 0;
    for (size_t age = first_age; age < v->n; age += stride, n++) {
        finder->at[n] = v->column[v->n - 1 - age];
        finder->around[n] = v->means[v->n - 1 - age][v->lane];
    }
    for (size_t k = n; k % LANES != 0; k++)
        finder->at[k] = finder->around[k] = 0.0f;
    find_distances(finder->at, finder->around, n, v->column[v->n - 1], v->means[v->n - 1][v->lane], v->scale,
                   finder->distances);
    return n;
}

TFT_PER_PROCESSOR static size_t count_up_to(const int32_t *keys, size_t n, int32_t most)
{
    int32_t count = 0;
    for (size_t k = 0; k < n; k++)
        count += keys[k] <= most ? 1 : 0;
    return (size_t)count;
}

/* Numbers of the `want` smallest of n keys, none of them negative, 0 < want ≤ n: of equal ones the first, and in their order. The
 * bound that so many do not exceed is found by halving: counting is a vector's work, and branches on no key. */
static void choose_smallest(const int32_t *keys, size_t n, size_t want, uint16_t *chosen)
{
    int32_t below = -1, bound = FARTHEST, middle = NEAR; // at most `below`: fewer than wanted; at most `bound`: enough
    size_t n_bound = SIZE_MAX;
    for (; bound - below > 1 && n_bound != want; middle = below + (bound - below) / 2) {
        const size_t count = count_up_to(keys, n, middle);
        if (count < want) {
            below = middle;
        } else {
            bound = middle;
            n_bound = count;
        }
    }
    const int32_t sure = n_bound == want ? bound : below;
    size_t found = 0;
    for (size_t k = 0; k < n && found < want; k++) {
        chosen[found] = (uint16_t)k;
        found += keys[k] <= sure ? 1 : 0;
    }
    for (size_t k = 0; k < n && found < want; k++) { // the rest are as far as each other
        chosen[found] = (uint16_t)k;
        found += keys[k] == bound ? 1 : 0;
    }
    assert(found == want);
}

/* What came after the moments of these ages, as quantiles. */
static void follow(const view *v, const uint16_t *ages, size_t count, bool change, const float *levels, size_t n_levels,
                   tft_changes *out)
{
    tft_span_samples samples;
    memset(samples.n, 0, sizeof samples.n);
    for (size_t c = 0; c < count; c++) {
        const float *const from = v->column + (v->n - 1 - ages[c]);
        const float base = change ? *from : 0.0f;
        for (size_t s = 0; s < TFT_CHANGE_SPANS; s++)
            samples.x[c][s] = from[tft_change_span(s)] - base;
        tft_span_count(&samples, c);
    }
    tft_span_rows_quantiles(&samples, count, levels, n_levels, out);
}

/* `late`: steps from the newest known value to the column's last, from where the minutes are counted. */
static void find_at_minute(tft_analog_finder *finder, const view *v, size_t late, size_t longest, size_t hour,
                           tft_analogs *analogs)
{
    const size_t whole = (longest + late + hour - 1) / hour * hour, first_age = whole - late;
    const size_t candidates = first_age < v->n ? measure(finder, v, first_age, hour) : 0;
    if (candidates < 4 * FEWEST_AT_MINUTE)
        return;
    const size_t n = candidates / 4 < TFT_CLOCK_MOMENTS ? candidates / 4 : TFT_CLOCK_MOMENTS;
    choose_smallest(finder->distances, candidates, n, finder->chosen);
    analogs->n_at_minute = n;
    for (size_t i = 0; i < n; i++)
        analogs->ages_at_minute[i] = (uint16_t)(whole + finder->chosen[i] * hour);
}

void tft_analogs_make(tft_analog_finder *finder, const tft_past *past, size_t m, const tft_pace *pace, float scale,
                      const float *levels, size_t n_levels, tft_analogs *analogs)
{
    memset(analogs, 0, sizeof *analogs);
    assert(m >= finder->first && m < finder->first + TFT_SUM_LANES);
    const size_t n = past->n < pace->week ? past->n : pace->week;
    view v = {past->columns + (m + 1) * past->n - n, (const float(*)[TFT_SUM_LANES])finder->means, m - finder->first, n,
              scale};
    while (v.n > 0 && isnan(v.column[v.n - 1]))
        v.n--;
    const size_t longest = tft_change_span(TFT_CHANGE_SPANS - 1), late = n - v.n;
    if (v.n <= longest + FEWEST * STRIDE)
        return;
    const size_t candidates = measure(finder, &v, longest, STRIDE);
    if (candidates < FEWEST)
        return;
    const size_t count = candidates / 4 < MOST ? candidates / 4 : MOST, near = count / 2;
    uint16_t nearer[MOST];
    int32_t distances[MOST];
    choose_smallest(finder->distances, candidates, count, finder->chosen);
    analogs->n = count;
    for (size_t i = 0; i < count; i++) {
        distances[i] = finder->distances[finder->chosen[i]];
        finder->chosen[i] = (uint16_t)(longest + finder->chosen[i] * STRIDE);
        analogs->ages[i] = (uint16_t)(finder->chosen[i] + late);
    }
    follow(&v, finder->chosen, count, false, levels, n_levels, &analogs->values);
    choose_smallest(distances, count, near, nearer);
    for (size_t i = 0; i < near; i++)
        nearer[i] = finder->chosen[nearer[i]];
    follow(&v, nearer, near, true, levels, n_levels, &analogs->changes);
    analogs->found = true;
    find_at_minute(finder, &v, late, longest, pace->hour, analogs);
}
