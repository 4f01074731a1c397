/* anchors.c - see anchors.h. Only gathers: the figures were made once per metric, hour and minute in summary.c. */
#include "series/anchors.h"

#include <math.h>

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

void tft_anchors_fill(size_t horizon, size_t hour, const tft_summary *summaries, size_t n_targets, const float *lags,
                      const uint8_t *horizon_hour, size_t n_anchors, float *anchors)
{
    size_t row = 0, at = 0; // quantiles of all targets; of those before this one
    for (size_t m = 0; m < n_targets; m++)
        row += summaries[m].n_levels;
    for (size_t m = 0; m < n_targets; m++) {
        fill_target(horizon, hour, &summaries[m], lags + m * TFT_N_LAGS * horizon, horizon_hour, row, n_anchors,
                    anchors + at * n_anchors);
        at += summaries[m].n_levels;
    }
}
