/* anchors.c - see anchors.h. Gathers what summary.c, changes.c and analogs.c made; the clock's are made here, step by step. */
#include "series/anchors.h"

#include <math.h>
#include <string.h>

#include "series/clock.h"
#include "series/scaled.h"
#include "tft/window.h"

typedef struct scaled_functions {
    float hour[TFT_MAX_QUANTILES], day[TFT_MAX_QUANTILES], week[TFT_MAX_QUANTILES];
} scaled_functions;

static float bounded(const tft_summary *s, float value)
{
    return tft_scaled(value < s->week_min ? s->week_min : value > s->week_max ? s->week_max : value, s->scale);
}

/* The later anchors: last value and level with the spread of past changes, and yesterday moved to where today is. */
static void fill_changes(const tft_summary *s, size_t t, float around, size_t q_count, size_t n_anchors, float *out)
{
    float day[TFT_MAX_QUANTILES], week[TFT_MAX_QUANTILES];
    tft_changes_at(&s->changes_24h, t, day);
    tft_changes_at(&s->changes_7d, t, week);
    const float shifted = bounded(s, around + s->shift_from_1d);
    for (size_t q = 0; q < q_count; q++, out += n_anchors) {
        out[10] = bounded(s, s->last + day[q]);
        out[11] = bounded(s, s->last + week[q]);
        out[12] = bounded(s, s->level + day[q]);
        out[13] = shifted;
    }
}

/* What followed moments like this one. */
static void fill_analogs(const tft_summary *s, size_t t, size_t q_count, size_t n_anchors, float *out)
{
    float values[TFT_MAX_QUANTILES], changes[TFT_MAX_QUANTILES];
    tft_changes_at(&s->analogs.values, t, values);
    tft_changes_at(&s->analogs.changes, t, changes);
    for (size_t q = 0; q < q_count; q++, out += n_anchors) {
        out[14] = s->analogs.found ? bounded(s, values[q]) : tft_scaled(s->quantiles_7d[q], s->scale);
        out[15] = s->analogs.found ? bounded(s, s->last + changes[q]) : out[11];
    }
}

static void fill_target(size_t horizon, size_t hour, const tft_summary *s, const float *lags,
                        const uint8_t *horizon_hour, size_t row, size_t n_anchors, float *anchors)
{
    scaled_functions scaled;
    for (size_t q = 0; q < s->n_levels; q++) {
        scaled.hour[q] = tft_scaled(s->quantiles_1h[q], s->scale);
        scaled.day[q] = tft_scaled(s->quantiles_24h[q], s->scale);
        scaled.week[q] = tft_scaled(s->quantiles_7d[q], s->scale);
    }
    const float last = tft_scaled(s->last, s->scale);
    const float *const lag = lags + TFT_LAG_1D * horizon, *const smooth = lags + TFT_LAG_1D_SMOOTH * horizon;
    for (size_t i = 0; i < horizon; i++) {
        const float same_minute = s->same_minute[i % hour];
        const float around = isnan(smooth[i]) ? same_minute : smooth[i];
        const float before = isnan(lag[i]) ? around : lag[i];
        const float points[5] = {
            tft_scaled(before, s->scale),
            tft_scaled(around, s->scale),
            tft_scaled(same_minute, s->scale),
            tft_scaled(s->same_minute_6h[i % hour], s->scale),
            tft_scaled(s->same_minute_24h[i % hour], s->scale),
        };
        const float *const same_hour = s->same_hour[horizon_hour[i]];
        for (size_t q = 0; q < s->n_levels; q++) {
            float *const out = anchors + (i * row + q) * n_anchors;
            out[0] = last;
            out[1] = scaled.hour[q];
            out[2] = scaled.day[q];
            out[3] = scaled.week[q];
            out[4] = tft_scaled(same_hour[q], s->scale);
            for (size_t p = 0; p < 5; p++)
                out[5 + p] = points[p];
        }
        if (n_anchors > TFT_FIRST_ANCHORS)
            fill_changes(s, i + 1, around, s->n_levels, n_anchors, anchors + i * row * n_anchors);
        if (n_anchors > TFT_SECOND_ANCHORS)
            fill_analogs(s, i + 1, s->n_levels, n_anchors, anchors + i * row * n_anchors);
    }
}

/* The clock's anchors of n steps from `first` on, in the place of three points; `minute` depends on the phase of the hour alone. */
static void fill_clock(const tft_summary *s, const tft_clock *clock, size_t first, size_t n,
                       float (*minute)[TFT_MAX_QUANTILES], size_t row, size_t n_anchors, float *anchors)
{
    float time[TFT_CHANGE_SPANS][TFT_MAX_QUANTILES], moments[TFT_CHANGE_SPANS][TFT_MAX_QUANTILES];
    memcpy(time, minute, n * sizeof *minute);
    memcpy(moments, minute, n * sizeof *minute);
    for (size_t i = 0; i < n && s->analogs.found; i++)
        tft_changes_at(&s->analogs.values, first + i + 1, moments[i]);
    tft_clock_times(clock, first + 1, n, time);
    tft_clock_all_moments(clock, &s->analogs, first + 1, n, moments);
    for (size_t i = 0; i < n; i++) {
        float *out = anchors + (first + i) * row * n_anchors;
        for (size_t q = 0; q < s->n_levels; q++, out += n_anchors) {
            out[7] = bounded(s, moments[i][q]);
            out[8] = bounded(s, minute[i][q]);
            out[9] = bounded(s, time[i][q]);
        }
    }
}

/* Eight phases of the hour at a time, and these in every hour of the horizon. */
static void fill_target_clock(const tft_summary *s, const tft_clock *clock, size_t horizon, size_t row,
                              size_t n_anchors, float *anchors)
{
    const size_t hour = clock->pace->hour;
    for (size_t phase = 0; phase < hour && phase < horizon; phase += TFT_CHANGE_SPANS) {
        float minute[TFT_CHANGE_SPANS][TFT_MAX_QUANTILES];
        const size_t phases = hour - phase < TFT_CHANGE_SPANS ? hour - phase : TFT_CHANGE_SPANS;
        for (size_t i = 0; i < phases; i++) {
            memcpy(minute[i], s->quantiles_24h, sizeof minute[i]);
            (void)tft_clock_minute(clock, phase + i + 1, minute[i]);
        }
        for (size_t first = phase; first < horizon; first += hour)
            fill_clock(s, clock, first, horizon - first < phases ? horizon - first : phases, minute, row, n_anchors,
                       anchors);
    }
}

void tft_anchors_fill(const tft_config *config, const tft_past *past, const tft_pace *pace,
                      const tft_summary *summaries, const float *lags, const uint8_t *horizon_hour, float *anchors)
{
    const size_t horizon = config->max_decoder_length, n_anchors = config->n_anchors, row = tft_config_outputs(config);
    size_t at = 0; // quantiles of the targets before this one
    for (size_t m = 0; m < config->n_targets; m++) {
        float *const out = anchors + at * n_anchors;
        fill_target(horizon, pace->hour, &summaries[m], lags + m * TFT_N_LAGS * horizon, horizon_hour, row, n_anchors,
                    out);
        const tft_clock clock = {past->columns + m * past->n, past->n, pace, config->targets[m].quantiles,
                                 summaries[m].n_levels};
        if (config->clock_anchors)
            fill_target_clock(&summaries[m], &clock, horizon, row, n_anchors, out);
        at += summaries[m].n_levels;
    }
}
