/* anchors.c - see anchors.h. Gathers what summary.c, changes.c and analogs.c made; the clock's are made here, step by step. */
#include "series/anchors.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "series/clock.h"
#include "series/per_processor.h"
#include "series/scaled.h"
#include "tft/window.h"

#define MOST_PHASES 60 // of an hour: steps of a minute
#define MOST_ANCHORS 16
#define WIDE 8 // levels at a time; the last eight overlap those before, so nothing is read or written beyond a row

#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef float wide __attribute__((vector_size(WIDE * sizeof(float))));
typedef int32_t wide_mask __attribute__((vector_size(WIDE * sizeof(int32_t))));

/* The anchors of one step, an anchor after the other: rows of quantiles, as vectors make them. */
typedef struct step_rows {
    float x[MOST_ANCHORS][TFT_MAX_QUANTILES];
} step_rows;

ALWAYS_INLINE float bounded(const tft_summary *s, float value)
{
    return tft_scaled(value < s->week_min ? s->week_min : value > s->week_max ? s->week_max : value, s->scale);
}

/* Where eight levels from i on begin. */
ALWAYS_INLINE size_t block_at(size_t i, size_t n)
{
    return i + WIDE <= n ? i : n - WIDE;
}

/* By pointer: there is no calling convention for vectors that every processor has. */
ALWAYS_INLINE void choose(const wide_mask *mask, const wide *yes, wide *no)
{
    *no = (wide)(((wide_mask)*yes & *mask) | ((wide_mask)*no & ~*mask));
}

/* x within low and high, then scaled (scaled.h): eight at once. */
ALWAYS_INLINE void bound_and_scale(wide *x, float low, float high, float scale)
{
    const wide zero = {0.0f}, least = zero + low, most = zero + high, largest = zero + 1e9f, smallest = -largest;
    wide_mask under = *x<least, over = *x> most;
    choose(&over, &most, x);
    choose(&under, &least, x);
    *x /= zero + scale;
    under = *x < smallest;
    over = *x > largest;
    choose(&under, &smallest, x);
    choose(&over, &largest, x);
}

/* out = from + values, within low and high, and scaled. */
ALWAYS_INLINE void fill_row(const tft_summary *s, float low, float high, float from, bool added, const float *values,
                            float *out)
{
    const size_t n = s->n_levels;
    if (n < WIDE) {
        for (size_t q = 0; q < n; q++) {
            const float value = added ? from + values[q] : values[q];
            out[q] = tft_scaled(value < low ? low : value > high ? high : value, s->scale);
        }
        return;
    }
    for (size_t i = 0; i < n; i += WIDE) {
        const size_t at = block_at(i, n);
        wide x;
        memcpy(&x, values + at, sizeof x);
        if (added)
            x = from + x;
        bound_and_scale(&x, low, high, s->scale);
        memcpy(out + at, &x, sizeof x);
    }
}

ALWAYS_INLINE void scale_row(const tft_summary *s, const float *values, float *out)
{
    fill_row(s, -INFINITY, INFINITY, 0.0f, false, values, out);
}

/* Within what the week has seen, and scaled. */
ALWAYS_INLINE void bound_row(const tft_summary *s, const float *values, float *out)
{
    fill_row(s, s->week_min, s->week_max, 0.0f, false, values, out);
}

ALWAYS_INLINE void bound_row_from(const tft_summary *s, float from, const float *changes, float *out)
{
    fill_row(s, s->week_min, s->week_max, from, true, changes, out);
}

ALWAYS_INLINE void repeat(size_t n, float value, float *out)
{
    for (size_t q = 0; q < n; q++)
        out[q] = value;
}

/* The later anchors: last value and level with the spread of past changes, and yesterday moved to where today is. */
ALWAYS_INLINE void make_changes(const tft_summary *s, size_t t, float around, step_rows *rows)
{
    float day[TFT_MAX_QUANTILES], week[TFT_MAX_QUANTILES];
    tft_changes_at(&s->changes_24h, t, day);
    tft_changes_at(&s->changes_7d, t, week);
    bound_row_from(s, s->last, day, rows->x[10]);
    bound_row_from(s, s->last, week, rows->x[11]);
    bound_row_from(s, s->level, day, rows->x[12]);
    repeat(s->n_levels, bounded(s, around + s->shift_from_1d), rows->x[13]);
}

/* What followed moments like this one; without any, as the week and the changes of the week have it. */
ALWAYS_INLINE void make_analogs(const tft_summary *s, size_t t, step_rows *rows)
{
    float values[TFT_MAX_QUANTILES], changes[TFT_MAX_QUANTILES];
    if (!s->analogs.found) {
        scale_row(s, s->quantiles_7d, rows->x[14]);
        memcpy(rows->x[15], rows->x[11], sizeof rows->x[15]);
        return;
    }
    tft_changes_at(&s->analogs.values, t, values);
    tft_changes_at(&s->analogs.changes, t, changes);
    bound_row(s, values, rows->x[14]);
    bound_row_from(s, s->last, changes, rows->x[15]);
}

/* The clock's quantiles of eight steps. */
typedef struct clock_rows {
    float minute[TFT_CHANGE_SPANS][TFT_MAX_QUANTILES], time[TFT_CHANGE_SPANS][TFT_MAX_QUANTILES],
        moments[TFT_CHANGE_SPANS][TFT_MAX_QUANTILES];
} clock_rows;

/* What each phase of the hour says by itself: the quantiles of the day where it has too little to say. */
static void find_minutes(const tft_summary *s, const tft_clock *clock, size_t phase, size_t n,
                         float (*minute)[TFT_MAX_QUANTILES])
{
    for (size_t i = 0; i < n; i++)
        memcpy(minute[i], s->quantiles_24h, sizeof minute[i]);
    for (size_t i = 0; i < n; i += TFT_CHANGE_SPANS)
        tft_clock_minutes(clock, phase + i + 1, n - i < TFT_CHANGE_SPANS ? n - i : TFT_CHANGE_SPANS, minute + i);
}

/* n steps from `first` on; where moments or times have too little to say, they say what is said of the spans or of the minute. */
static void find_clock(const tft_summary *s, const tft_clock *clock, size_t first, size_t n,
                       float (*phases)[TFT_MAX_QUANTILES], clock_rows *rows)
{
    const size_t hour = clock->pace->hour;
    for (size_t i = 0; i < n; i++) {
        if (hour <= MOST_PHASES)
            memcpy(rows->minute[i], phases[(first + i) % hour], sizeof rows->minute[i]);
        else
            find_minutes(s, clock, (first + i) % hour, 1, rows->minute + i);
    }
    memcpy(rows->time, rows->minute, n * sizeof rows->time[0]);
    memcpy(rows->moments, rows->minute, n * sizeof rows->moments[0]);
    for (size_t i = 0; i < n && s->analogs.found; i++)
        tft_changes_at(&s->analogs.values, first + i + 1, rows->moments[i]);
    tft_clock_times(clock, first + 1, n, rows->time);
    tft_clock_all_moments(clock, &s->analogs, first + 1, n, rows->moments);
}

/* Eight rows of eight become columns. */
ALWAYS_INLINE void turn(wide r[WIDE])
{
    wide x[WIDE], y[WIDE];
#pragma GCC unroll 4
    for (size_t i = 0; i < WIDE; i += 2) {
        x[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        x[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
#pragma GCC unroll 2
    for (size_t i = 0; i < WIDE; i += 4) {
        y[i] = __builtin_shufflevector(x[i], x[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        y[i + 1] = __builtin_shufflevector(x[i], x[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        y[i + 2] = __builtin_shufflevector(x[i + 1], x[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
        y[i + 3] = __builtin_shufflevector(x[i + 1], x[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < WIDE / 2; i++) {
        r[i] = __builtin_shufflevector(y[i], y[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        r[i + 4] = __builtin_shufflevector(y[i], y[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

/* Turns the rows into columns: anchors [Q, K]. */
ALWAYS_INLINE void place(const step_rows *rows, size_t n_levels, size_t n_anchors, float *out)
{
    if (n_anchors != MOST_ANCHORS || n_levels < WIDE) {
        for (size_t q = 0; q < n_levels; q++)
            for (size_t a = 0; a < n_anchors; a++)
                out[q * n_anchors + a] = rows->x[a][q];
        return;
    }
    for (size_t i = 0; i < n_levels; i += WIDE) {
        const size_t at = block_at(i, n_levels);
        for (size_t first = 0; first < MOST_ANCHORS; first += WIDE) {
            wide r[WIDE];
#pragma GCC unroll 8
            for (size_t a = 0; a < WIDE; a++)
                memcpy(&r[a], rows->x[first + a] + at, sizeof r[a]);
            turn(r);
#pragma GCC unroll 8
            for (size_t q = 0; q < WIDE; q++)
                memcpy(out + (at + q) * MOST_ANCHORS + first, &r[q], sizeof r[q]);
        }
    }
}

/* What depends on the step alone; rows 0 to 3 are there already. `spare`: the clock's anchors take the place of three points. */
ALWAYS_INLINE void make_points(const tft_summary *s, const float *lags, size_t horizon, size_t hour, size_t i,
                               bool spare, step_rows *rows, float *around)
{
    const float lag = lags[TFT_LAG_1D * horizon + i], smooth = lags[TFT_LAG_1D_SMOOTH * horizon + i];
    const float same_minute = s->same_minute[i % hour];
    *around = isnan(smooth) ? same_minute : smooth;
    repeat(s->n_levels, tft_scaled(isnan(lag) ? *around : lag, s->scale), rows->x[5]);
    repeat(s->n_levels, tft_scaled(*around, s->scale), rows->x[6]);
    if (spare)
        return;
    repeat(s->n_levels, tft_scaled(same_minute, s->scale), rows->x[7]);
    repeat(s->n_levels, tft_scaled(s->same_minute_6h[i % hour], s->scale), rows->x[8]);
    repeat(s->n_levels, tft_scaled(s->same_minute_24h[i % hour], s->scale), rows->x[9]);
}

/* Eight steps at a time, as the clock sorts them; an hour's phases are worked out once where they are not too many. */
TFT_PER_PROCESSOR static void fill_target(const tft_summary *s, const tft_clock *clock, bool by_clock,
                                          const float *lags, size_t horizon, const uint8_t *horizon_hour, size_t row,
                                          size_t n_anchors, float *anchors)
{
    const size_t hour = clock->pace->hour;
    float phases[MOST_PHASES][TFT_MAX_QUANTILES];
    step_rows rows;
    clock_rows by;
    if (by_clock && hour <= MOST_PHASES)
        find_minutes(s, clock, 0, hour, phases);
    repeat(s->n_levels, tft_scaled(s->last, s->scale), rows.x[0]);
    scale_row(s, s->quantiles_1h, rows.x[1]);
    scale_row(s, s->quantiles_24h, rows.x[2]);
    scale_row(s, s->quantiles_7d, rows.x[3]);
    for (size_t i = 0; i < horizon; i++) {
        const size_t k = i % TFT_CHANGE_SPANS, left = horizon - i;
        float around;
        if (by_clock && k == 0)
            find_clock(s, clock, i, left < TFT_CHANGE_SPANS ? left : TFT_CHANGE_SPANS, phases, &by);
        if (i == 0 || horizon_hour[i] != horizon_hour[i - 1])
            scale_row(s, s->same_hour[horizon_hour[i]], rows.x[4]);
        make_points(s, lags, horizon, hour, i, by_clock, &rows, &around);
        if (by_clock) {
            bound_row(s, by.moments[k], rows.x[7]);
            bound_row(s, by.minute[k], rows.x[8]);
            bound_row(s, by.time[k], rows.x[9]);
        }
        if (n_anchors > TFT_FIRST_ANCHORS)
            make_changes(s, i + 1, around, &rows);
        if (n_anchors > TFT_SECOND_ANCHORS)
            make_analogs(s, i + 1, &rows);
        place(&rows, s->n_levels, n_anchors, anchors + i * row * n_anchors);
    }
}

void tft_anchors_fill(const tft_config *config, const tft_past *past, const tft_pace *pace,
                      const tft_summary *summaries, const float *lags, const uint8_t *horizon_hour, float *anchors)
{
    const size_t horizon = config->max_decoder_length, n_anchors = config->n_anchors, row = tft_config_outputs(config);
    assert(n_anchors <= MOST_ANCHORS);
    size_t at = 0; // quantiles of the targets before this one
    for (size_t m = 0; m < config->n_targets; m++) {
        const tft_clock clock = {past->columns + m * past->n, past->n, pace, config->targets[m].quantiles,
                                 summaries[m].n_levels};
        fill_target(&summaries[m], &clock, config->clock_anchors, lags + m * TFT_N_LAGS * horizon, horizon,
                    horizon_hour, row, n_anchors, anchors + at * n_anchors);
        at += summaries[m].n_levels;
    }
}
