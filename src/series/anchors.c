/* anchors.c - see anchors.h. Gathers what summary.c, changes.c and analogs.c made; the clock's are made here, step by step. */
#include "series/anchors.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "series/clock.h"
#include "series/scaled.h"
#include "tft/window.h"

#define MOST_PHASES 60 // of an hour: steps of a minute
#define MOST_ANCHORS 16

/* The anchors of one step, an anchor after the other: rows of quantiles, as vectors make them. */
typedef struct step_rows {
    float x[MOST_ANCHORS][TFT_MAX_QUANTILES];
} step_rows;

static float bounded(const tft_summary *s, float value)
{
    return tft_scaled(value < s->week_min ? s->week_min : value > s->week_max ? s->week_max : value, s->scale);
}

static void scale_row(const tft_summary *s, const float *restrict values, float *restrict out)
{
    const float scale = s->scale;
    for (size_t q = 0, n = s->n_levels; q < n; q++)
        out[q] = tft_scaled(values[q], scale);
}

/* Within what the week has seen, and scaled. */
static void bound_row(const tft_summary *s, const float *restrict values, float *restrict out)
{
    const float low = s->week_min, high = s->week_max, scale = s->scale;
    for (size_t q = 0, n = s->n_levels; q < n; q++) {
        const float value = values[q];
        out[q] = tft_scaled(value < low ? low : value > high ? high : value, scale);
    }
}

static void bound_row_from(const tft_summary *s, float from, const float *restrict changes, float *restrict out)
{
    const float low = s->week_min, high = s->week_max, scale = s->scale;
    for (size_t q = 0, n = s->n_levels; q < n; q++) {
        const float value = from + changes[q];
        out[q] = tft_scaled(value < low ? low : value > high ? high : value, scale);
    }
}

static void repeat(size_t n, float value, float *out)
{
    for (size_t q = 0; q < n; q++)
        out[q] = value;
}

/* The later anchors: last value and level with the spread of past changes, and yesterday moved to where today is. */
static void make_changes(const tft_summary *s, size_t t, float around, step_rows *rows)
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
static void make_analogs(const tft_summary *s, size_t t, step_rows *rows)
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

/* Turns the rows into columns: anchors [Q, K]. Always all K of them, so that no loop is left of the inner one. */
static void place(const step_rows *rows, size_t n_levels, size_t n_anchors, float *out)
{
    for (size_t q = 0; q < n_levels; q++, out += n_anchors) {
        float column[MOST_ANCHORS];
        for (size_t a = 0; a < MOST_ANCHORS; a++)
            column[a] = rows->x[a][q];
        memcpy(out, column, n_anchors * sizeof *out);
    }
}

/* What depends on the step alone; rows 0 to 3 are there already. `spare`: the clock's anchors take the place of three points. */
static void make_points(const tft_summary *s, const float *lags, size_t horizon, size_t hour, size_t i, bool spare,
                        step_rows *rows, float *around)
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
static void fill_target(const tft_summary *s, const tft_clock *clock, bool by_clock, const float *lags, size_t horizon,
                        const uint8_t *horizon_hour, size_t row, size_t n_anchors, float *anchors)
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
