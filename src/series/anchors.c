/* anchors.c - see anchors.h. Gathers what summary.c, changes.c and analogs.c made; the clock's are made here, eight steps at a time.
 *
 * A target's anchors are written side by side in the metric's unit, a level's steps in a row, and bounded and scaled in one walk at
 * the end. An anchor that falls back to another one as a whole points at its values.
 */
#include "series/anchors.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "series/clock.h"
#include "series/scaled.h"
#include "tft/window.h"

#define MOST_ANCHORS 16

typedef enum shape { NUMBER, LEVELS, STEPS, BOTH } shape; // what an anchor depends on

static shape shape_of(const tft_config *config, size_t k)
{
    static const shape shapes[MOST_ANCHORS] = {NUMBER, LEVELS, LEVELS, LEVELS, BOTH, STEPS, STEPS, STEPS,
                                               STEPS,  STEPS,  BOTH,   BOTH,   BOTH, STEPS, BOTH,  BOTH};
    return config->clock_anchors && k >= 7 && k < 10 ? BOTH : shapes[k];
}

/* The clock's fall back to the analogues, so with them all are made. */
static size_t n_made(const tft_config *config)
{
    return config->clock_anchors ? MOST_ANCHORS : config->n_anchors;
}

/* Places one target's anchors from `values` on (NULL: counts only); returns how many values they have. */
static size_t place(const tft_config *config, size_t n_levels, float *values, tft_anchor *anchors)
{
    const size_t horizon = config->max_decoder_length;
    size_t at = 0;
    for (size_t k = 0; k < n_made(config); k++) {
        const shape is = shape_of(config, k);
        const size_t rows = is == LEVELS || is == BOTH ? n_levels : 1,
                     columns = is == STEPS || is == BOTH ? horizon : 1;
        if (anchors != NULL)
            anchors[k] = (tft_anchor){values + at, rows > 1 || is == BOTH ? columns : 0, columns > 1 ? 1 : 0};
        at += rows * columns;
    }
    return at;
}

size_t tft_anchors_floats(const tft_config *config)
{
    size_t n = 0;
    for (size_t m = 0; m < config->n_targets && config->n_anchors > 0; m++)
        n += place(config, config->targets[m].n_quantiles, NULL, NULL);
    return n;
}

/* One target at work. */
typedef struct target {
    const tft_summary *s;
    const tft_clock *clock;
    const float *lags;              // [TFT_N_LAGS, horizon]
    const uint8_t *hour;            // [horizon] of the day
    size_t horizon, n_levels, both; // both: values of an anchor that depends on both
    float *x[MOST_ANCHORS];
} target;

static void bound(const target *t, size_t k)
{
    tft_bound_all(t->x[k], t->both, t->s->week_min, t->s->week_max, t->s->scale);
}

static void bound_from(const target *t, size_t k, float from)
{
    tft_bound_all_from(t->x[k], t->both, from, t->s->week_min, t->s->week_max, t->s->scale);
}

static void fill_levels(const target *t)
{
    const tft_summary *const s = t->s;
    const float *const levels[] = {s->quantiles_1h, s->quantiles_24h, s->quantiles_7d};
    t->x[0][0] = tft_scaled(s->last, s->scale);
    for (size_t k = 1; k <= 3; k++) {
        memcpy(t->x[k], levels[k - 1], t->n_levels * sizeof(float));
        tft_scale_all(t->x[k], t->n_levels, s->scale);
    }
}

static void fill_same_hour(const target *t)
{
    for (size_t i = 0, end; i < t->horizon; i = end) {
        for (end = i + 1; end < t->horizon && t->hour[end] == t->hour[i];)
            end++;
        for (size_t q = 0; q < t->n_levels; q++) {
            const float value = tft_scaled(t->s->same_hour[t->hour[i]][q], t->s->scale);
            for (size_t at = i; at < end; at++)
                t->x[4][q * t->horizon + at] = value;
        }
    }
}

/* What depends on the step alone. */
static void fill_points(const target *t, bool by_clock, bool shifted)
{
    const tft_summary *const s = t->s;
    const float *const lag = t->lags + TFT_LAG_1D * t->horizon, *const smooth =
                                                                    t->lags + TFT_LAG_1D_SMOOTH * t->horizon;
    const size_t hour = t->clock->pace->hour;
    for (size_t i = 0, phase = 0; i < t->horizon; i++, phase = phase + 1 < hour ? phase + 1 : 0) {
        const float around = isnan(smooth[i]) ? s->same_minute[phase] : smooth[i];
        t->x[5][i] = tft_scaled(isnan(lag[i]) ? around : lag[i], s->scale);
        t->x[6][i] = tft_scaled(around, s->scale);
        if (shifted)
            t->x[13][i] = tft_scaled(tft_bounded(around + s->shift_from_1d, s->week_min, s->week_max), s->scale);
        if (by_clock)
            continue;
        t->x[7][i] = tft_scaled(s->same_minute[phase], s->scale);
        t->x[8][i] = tft_scaled(s->same_minute_6h[phase], s->scale);
        t->x[9][i] = tft_scaled(s->same_minute_24h[phase], s->scale);
    }
}

/* Last value and level with the spread of past changes. */
static void fill_changes(const target *t)
{
    const tft_summary *const s = t->s;
    tft_changes_along(&s->changes_24h, t->horizon, t->x[10]);
    memcpy(t->x[12], t->x[10], t->both * sizeof(float));
    tft_changes_along(&s->changes_7d, t->horizon, t->x[11]);
    bound_from(t, 10, s->last);
    bound_from(t, 11, s->last);
    bound_from(t, 12, s->level);
}

/* n steps from `first` on: what was made of them, where enough is known, or else what `otherwise` holds (a step's level each, or
 * NULL: of the last day). */
static void put_steps(const target *t, size_t k, size_t first, size_t n, unsigned enough, const tft_changes *made,
                      const float *otherwise)
{
    for (size_t q = 0; q < t->n_levels; q++) {
        float *const out = t->x[k] + q * t->horizon + first;
        if (n == TFT_CHANGE_SPANS && enough == (1u << TFT_CHANGE_SPANS) - 1) {
            memcpy(out, made->quantiles[q], sizeof made->quantiles[q]);
            continue;
        }
        for (size_t i = 0; i < n; i++)
            out[i] = (enough >> i & 1u) != 0 ? made->quantiles[q][i]
                     : otherwise != NULL     ? otherwise[q * t->horizon + first + i]
                                             : t->s->quantiles_24h[q];
    }
}

static size_t steps_at(size_t first, size_t end)
{
    return end - first < TFT_CHANGE_SPANS ? end - first : TFT_CHANGE_SPANS;
}

/* Every hour says the same of its minutes. */
static void put_minutes(const target *t)
{
    const size_t hour = t->clock->pace->hour, end = hour < t->horizon ? hour : t->horizon;
    tft_changes made;
    for (size_t i = 0; i < end; i += TFT_CHANGE_SPANS) {
        const unsigned enough = tft_clock_minutes(t->clock, i + 1, steps_at(i, end), &made);
        put_steps(t, 8, i, steps_at(i, end), enough, &made, NULL);
    }
    for (size_t q = 0; q < t->n_levels; q++) {
        float *const row = t->x[8] + q * t->horizon;
        for (size_t i = end; i < t->horizon; i++)
            row[i] = row[i - end];
    }
}

/* The clock's, and what followed moments like this one, to which they fall back: all unbounded before any is bounded. */
static void fill_clock(const target *t)
{
    const tft_summary *const s = t->s;
    tft_changes made;
    put_minutes(t);
    if (s->analogs.found)
        tft_changes_along(&s->analogs.values, t->horizon, t->x[14]);
    for (size_t i = 0; i < t->horizon; i += TFT_CHANGE_SPANS) {
        const size_t n = steps_at(i, t->horizon);
        put_steps(t, 9, i, n, tft_clock_times(t->clock, i + 1, n, &made), &made, t->x[8]);
        put_steps(t, 7, i, n, tft_clock_all_moments(t->clock, &s->analogs, i + 1, n, &made), &made,
                  t->x[s->analogs.found ? 14 : 8]);
    }
    for (size_t k = 7; k < 10; k++)
        bound(t, k);
}

/* Without any moments like this one: as the week and the changes of the week have it. */
static void fill_analogs(const target *t, tft_anchor *anchors)
{
    const tft_summary *const s = t->s;
    if (!s->analogs.found) {
        anchors[14] = anchors[3];
        anchors[15] = anchors[11];
        return;
    }
    tft_changes_along(&s->analogs.values, t->horizon, t->x[14]);
    tft_changes_along(&s->analogs.changes, t->horizon, t->x[15]);
    bound(t, 14);
    bound_from(t, 15, s->last);
}

static void fill_target(const tft_config *config, target *t, float *values, tft_anchor *anchors)
{
    tft_anchor made[MOST_ANCHORS];
    place(config, t->n_levels, values, made);
    for (size_t k = 0; k < n_made(config); k++)
        t->x[k] = values + (made[k].values - values);
    fill_levels(t);
    fill_same_hour(t);
    fill_points(t, config->clock_anchors, config->n_anchors > TFT_FIRST_ANCHORS);
    if (config->clock_anchors)
        fill_clock(t);
    if (config->n_anchors > TFT_FIRST_ANCHORS)
        fill_changes(t);
    if (config->n_anchors > TFT_SECOND_ANCHORS)
        fill_analogs(t, made);
    memcpy(anchors, made, config->n_anchors * sizeof *anchors);
}

void tft_anchors_fill(const tft_config *config, const tft_past *past, const tft_pace *pace,
                      const tft_summary *summaries, const float *lags, const uint8_t *horizon_hour, float *values,
                      tft_anchor *anchors)
{
    const size_t horizon = config->max_decoder_length;
    assert(config->n_anchors <= MOST_ANCHORS);
    for (size_t m = 0; m < config->n_targets; m++) {
        const size_t n_levels = config->targets[m].n_quantiles;
        const tft_clock clock = {past->columns + m * past->n, past->n, pace, config->targets[m].quantiles, n_levels};
        target t = {.s = &summaries[m],
                    .clock = &clock,
                    .lags = lags + m * TFT_N_LAGS * horizon,
                    .hour = horizon_hour,
                    .horizon = horizon,
                    .n_levels = n_levels,
                    .both = n_levels * horizon};
        fill_target(config, &t, values, anchors + m * config->n_anchors);
        values += place(config, n_levels, NULL, NULL);
    }
}
