/* baselines.c - see baselines.h. */
#include "score/baselines.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "score/holt_winters.h"
#include "score/order.h"
#include "score/scores.h"

#define DAY_MS 86400000
#define HOUR_MS 3600000
#define TREND_HOURS 6
#define MAX_STEPS 1000000

struct score_baselines {
    tft_contract contract;
    size_t n;               // steps looked back over: eight days
    size_t day, week, hour; // in steps
    float *past;            // [n] one metric, oldest first, NaN where missing
    float *sorted, *spare;  // [n]
    float *day_levels;      // [SCORE_N_LEVELS] quantiles of the last day
    score_hw_space hw;
    tft_arena arena;
};

static const struct {
    const char *name, *label;
} words[SCORE_N_BASELINES] = {
    [SCORE_LAST_VALUE] = {"last_value", "last value"},
    [SCORE_YESTERDAY] = {"yesterday", "same time yesterday"},
    [SCORE_QUANTILES_24H] = {"quantiles_24h", "quantiles of last 24 h"},
    [SCORE_LINEAR_TREND] = {"linear_trend", "linear trend"},
    [SCORE_HOLT_WINTERS] = {"holt_winters", "Holt-Winters"},
    [SCORE_QUANTILES_7D] = {"quantiles_7d", "quantiles of last 7 d"},
    [SCORE_HOUR_OF_DAY] = {"hour_of_day", "hour-of-day 7 d + last 24 h"},
};

const char *score_baseline_name(score_baseline baseline)
{
    return words[baseline].name;
}

const char *score_baseline_label(score_baseline baseline)
{
    return words[baseline].label;
}

static size_t steps_in(int64_t ms, int64_t step_ms)
{
    return step_ms >= ms ? 1 : (size_t)(ms / step_ms);
}

static void layout(score_baselines *b, tft_arena *arena)
{
    b->past = tft_arena_floats(arena, b->n);
    b->sorted = tft_arena_floats(arena, b->n);
    b->spare = tft_arena_floats(arena, b->n);
    b->day_levels = tft_arena_floats(arena, SCORE_N_LEVELS);
    b->hw.season = tft_arena_floats(arena, b->day * SCORE_HW_SETTINGS);
    b->hw.errors = tft_arena_floats(arena, b->n);
    b->hw.spare = b->spare;
}

tft_status score_baselines_open(const tft_contract *contract, score_baselines **baselines, tft_error *err)
{
    *baselines = NULL;
    if (contract->step_ms < 1 || 8 * (int64_t)DAY_MS / contract->step_ms > MAX_STEPS)
        return tft_fail(err, TFT_ERR_LIMIT, "steps of %lld ms: eight days of them are more than %d",
                        (long long)contract->step_ms, MAX_STEPS);
    score_baselines *const b = calloc(1, sizeof *b);
    if (b == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the baselines");
    b->contract = *contract;
    b->day = steps_in(DAY_MS, contract->step_ms);
    b->week = 7 * b->day;
    b->n = 8 * b->day;
    b->hour = steps_in(HOUR_MS, contract->step_ms);
    tft_arena count = {0};
    layout(b, &count);
    const tft_status status = tft_arena_init(&b->arena, count.used, err);
    if (status != TFT_OK) {
        free(b);
        return status;
    }
    layout(b, &b->arena);
    *baselines = b;
    return TFT_OK;
}

void score_baselines_close(score_baselines *baselines)
{
    if (baselines == NULL)
        return;
    tft_arena_free(&baselines->arena);
    free(baselines);
}

/* Copies the metric's last eight days; returns how many values are known. */
static size_t take_past(score_baselines *b, const tft_series *series, int64_t origin, size_t metric)
{
    size_t known = 0;
    const int64_t oldest = origin - (int64_t)b->n + 1;
    for (size_t i = 0; i < b->n; i++) {
        const int64_t at = tft_series_index(series, oldest + (int64_t)i);
        const bool online = at >= 0 && series->states[at] != TFT_STATE_OFFLINE;
        b->past[i] = online ? series->values[(size_t)at * series->n_metrics + metric] : NAN;
        known += isnan(b->past[i]) ? 0 : 1;
    }
    return known;
}

static float newest_value(const score_baselines *b)
{
    size_t i = b->n;
    while (isnan(b->past[i - 1]))
        i--;
    return b->past[i - 1];
}

static void say(float *row, float value)
{
    for (size_t q = 0; q < SCORE_N_LEVELS; q++)
        row[q] = value;
}

/* Quantiles of `known` values in b->sorted, not yet sorted; `otherwise` at every level where there is none. */
static void quantiles_of(score_baselines *b, size_t known, float otherwise, float *levels)
{
    if (known == 0) {
        say(levels, otherwise);
        return;
    }
    score_sort(b->sorted, b->spare, known);
    for (size_t q = 0; q < SCORE_N_LEVELS; q++)
        levels[q] = score_quantile(b->sorted, known, (double)score_levels[q]);
}

static void every_step(const float *levels, size_t horizon, float *out)
{
    for (size_t i = 0; i < horizon; i++)
        memcpy(out + i * SCORE_N_LEVELS, levels, SCORE_N_LEVELS * sizeof *levels);
}

static void last_value(const score_baselines *b, float last, float *out)
{
    for (size_t i = 0; i < b->contract.horizon; i++)
        say(out + i * SCORE_N_LEVELS, last);
}

/* A horizon of more than a day looks at the newest day that has been at that time of day. */
static void yesterday(const score_baselines *b, float last, float *out)
{
    for (size_t i = 0; i < b->contract.horizon; i++) {
        const float value = b->past[b->n - b->day + i % b->day];
        say(out + i * SCORE_N_LEVELS, isnan(value) ? last : value);
    }
}

static float cut(const tft_metric *metric, double value)
{
    return (float)fmin(fmax(value, metric->min), metric->max);
}

/* y = a + b·t by least squares over the known values of the window, t in steps from the origin. */
static void linear_trend(const score_baselines *b, const tft_metric *metric, float last, float *out)
{
    const size_t wanted = TREND_HOURS * b->hour < 2 ? 2 : TREND_HOURS * b->hour;
    const size_t window = wanted < b->n ? wanted : b->n;
    double n = 0, sum_t = 0, sum_y = 0, sum_tt = 0, sum_ty = 0;
    for (size_t i = b->n - window; i < b->n; i++) {
        if (isnan(b->past[i]))
            continue;
        const double t = (double)i - (double)(b->n - 1), y = (double)b->past[i] - (double)last;
        n++;
        sum_t += t;
        sum_y += y;
        sum_tt += t * t;
        sum_ty += t * y;
    }
    const double determinant = n * sum_tt - sum_t * sum_t;
    const bool fits = n >= 2 && determinant > 0;
    const double slope = fits ? (n * sum_ty - sum_t * sum_y) / determinant : 0;
    const double at_origin = fits ? (double)last + (sum_y - slope * sum_t) / n : (double)last;
    for (size_t i = 0; i < b->contract.horizon; i++)
        say(out + i * SCORE_N_LEVELS, cut(metric, at_origin + slope * (double)(i + 1)));
}

static void holt_winters(const score_baselines *b, const tft_metric *metric, float *out)
{
    score_holt_winters(b->past, b->n, b->day, b->contract.horizon, &b->hw, out);
    for (size_t i = 0; i < b->contract.horizon * SCORE_N_LEVELS; i++)
        out[i] = cut(metric, (double)out[i]);
}

/* For one hour of the horizon, which begins `ahead` steps after the origin: the values of that hour and half an hour on
 * either side, on each of the last seven days, as far as they lie in the past. */
static size_t take_hour(score_baselines *b, size_t ahead)
{
    const int64_t from = (int64_t)(b->n + ahead) - (int64_t)(b->hour / 2); // index of the hour's start, were it past
    const int64_t length = (int64_t)b->hour + 2 * (int64_t)(b->hour / 2);
    size_t known = 0;
    for (int64_t k = 1; k <= 7; k++) {
        const int64_t start = from - k * (int64_t)b->day;
        for (int64_t i = start < 0 ? 0 : start; i < start + length && i < (int64_t)b->n; i++) {
            b->sorted[known] = b->past[i];
            known += isnan(b->past[i]) ? 0 : 1;
        }
    }
    return known;
}

static void hour_of_day(score_baselines *b, float *out)
{
    float levels[SCORE_N_LEVELS];
    for (size_t i = 0; i < b->contract.horizon; i++) {
        if (i % b->hour == 0) {
            const size_t known = take_hour(b, i);
            quantiles_of(b, known, 0, levels);
            for (size_t q = 0; q < SCORE_N_LEVELS; q++)
                levels[q] = known > 0 ? 0.5f * (levels[q] + b->day_levels[q]) : b->day_levels[q];
        }
        memcpy(out + i * SCORE_N_LEVELS, levels, sizeof levels);
    }
}

bool score_baselines_run(score_baselines *b, const tft_series *series, int64_t origin, size_t metric, float *out)
{
    assert(metric < b->contract.n_metrics && series->n_metrics == b->contract.n_metrics);
    if (take_past(b, series, origin, metric) == 0)
        return false;
    const size_t horizon = b->contract.horizon, size = horizon * SCORE_N_LEVELS;
    const tft_metric *const bounds = &b->contract.metrics[metric];
    const float last = newest_value(b);
    last_value(b, last, out + SCORE_LAST_VALUE * size);
    yesterday(b, last, out + SCORE_YESTERDAY * size);
    quantiles_of(b, score_known(b->past + b->n - b->day, b->day, b->sorted), last, b->day_levels);
    every_step(b->day_levels, horizon, out + SCORE_QUANTILES_24H * size);
    linear_trend(b, bounds, last, out + SCORE_LINEAR_TREND * size);
    holt_winters(b, bounds, out + SCORE_HOLT_WINTERS * size);
    float week_levels[SCORE_N_LEVELS];
    quantiles_of(b, score_known(b->past + b->n - b->week, b->week, b->sorted), last, week_levels);
    every_step(week_levels, horizon, out + SCORE_QUANTILES_7D * size);
    hour_of_day(b, out + SCORE_HOUR_OF_DAY * size);
    return true;
}
