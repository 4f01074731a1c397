/* holt_winters.c - see holt_winters.h. */
#include "score/holt_winters.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "score/order.h"
#include "score/scores.h"

#define LANES SCORE_HW_SETTINGS
#define PHI 0.98f

/* α × β/α × with a season or without. */
static const float alphas[4] = {0.05f, 0.2f, 0.6f, 0.98f};
static const float trends[2] = {0.0f, 0.05f};
#define GAMMA 0.1f // × (1 − α)

typedef struct settings {
    float alpha[LANES], beta[LANES], gamma[LANES];
} settings;

static bool has_season(size_t k)
{
    return k % 2 == 1;
}

static settings all_settings(bool seasonal)
{
    settings all;
    for (size_t k = 0; k < LANES; k++) {
        all.alpha[k] = alphas[k / 4];
        all.beta[k] = alphas[k / 4] * trends[k / 2 % 2];
        all.gamma[k] = seasonal && has_season(k) ? GAMMA * (1.0f - alphas[k / 4]) : 0.0f;
    }
    return all;
}

/* Where the walk begins: the first value, or the end of the first day with its mean and its season. */
typedef struct start {
    size_t at;                  // index of the first step that is forecast
    float level, level_without; // with a season its first day's mean, without one the newest value
    bool seasonal;
} start;

static start begin(const float *past, size_t n, size_t day, float *season)
{
    size_t first = 0;
    while (isnan(past[first]))
        first++;
    assert(first < n);
    memset(season, 0, day * LANES * sizeof *season);
    if (n - first < 2 * day)
        return (start){first + 1, past[first], past[first], false};
    double sum = 0;
    size_t known = 0;
    float newest = past[first];
    for (size_t i = first; i < first + day; i++) {
        if (!isnan(past[i])) {
            sum += (double)past[i];
            known++;
            newest = past[i];
        }
    }
    const float mean = (float)(sum / (double)known);
    for (size_t i = first; i < first + day; i++) {
        const float swing = isnan(past[i]) ? 0.0f : past[i] - mean;
        for (size_t k = 0; k < LANES; k++)
            season[i % day * LANES + k] = has_season(k) ? swing : 0.0f;
    }
    return (start){first + day, mean, newest, true};
}

/* Walks all settings over the history; returns the one with the least squared one-step error. */
static size_t choose(const float *past, size_t n, size_t day, const settings *all, const start *from, float *season)
{
    float level[LANES], trend[LANES] = {0}, loss[LANES] = {0};
    for (size_t k = 0; k < LANES; k++)
        level[k] = has_season(k) ? from->level : from->level_without;
    size_t place = from->at % day;
    for (size_t t = from->at; t < n; t++, place = place + 1 == day ? 0 : place + 1) {
        float *const s = season + place * LANES;
        const float known = isnan(past[t]) ? 0.0f : 1.0f, y = isnan(past[t]) ? 0.0f : past[t];
        for (size_t k = 0; k < LANES; k++) {
            const float next = level[k] + PHI * trend[k];
            const float error = known * (y - next - s[k]);
            level[k] = next + all->alpha[k] * error;
            trend[k] = PHI * trend[k] + all->beta[k] * error;
            s[k] += all->gamma[k] * error;
            loss[k] += error * error;
        }
    }
    size_t best = 0;
    for (size_t k = 1; k < LANES; k++) {
        if (loss[k] < loss[best])
            best = k;
    }
    return best;
}

void score_holt_winters(const float *past, size_t n, size_t day, size_t horizon, const score_hw_space *space,
                        float *out)
{
    float *const season = space->season;
    start from = begin(past, n, day, season);
    const settings all = all_settings(from.seasonal);
    const size_t best = choose(past, n, day, &all, &from, season);

    // The same walk again for the best setting alone, now keeping its errors.
    from = begin(past, n, day, season);
    const float alpha = all.alpha[best], beta = all.beta[best], gamma = all.gamma[best];
    float level = has_season(best) ? from.level : from.level_without, trend = 0;
    size_t n_errors = 0, place = from.at % day;
    for (size_t t = from.at; t < n; t++, place = place + 1 == day ? 0 : place + 1) {
        float *const s = season + place * LANES + best;
        level += PHI * trend;
        trend *= PHI;
        if (isnan(past[t]))
            continue;
        const float error = past[t] - level - s[0];
        level += alpha * error;
        trend += beta * error;
        s[0] += gamma * error;
        space->errors[n_errors++] = error;
    }
    score_sort(space->errors, space->spare, n_errors);
    float spread[SCORE_N_LEVELS] = {0};
    for (size_t q = 0; n_errors > 0 && q < SCORE_N_LEVELS; q++)
        spread[q] = score_quantile(space->errors, n_errors, (double)score_levels[q]);

    double damped = 0, power = 1, variance = 1;
    for (size_t h = 1; h <= horizon; h++) {
        power *= (double)PHI;
        damped += power; // φ + … + φ^h
        const float point = level + (float)damped * trend + season[(n - 1 + h) % day * LANES + best];
        const float stretch = (float)sqrt(variance);
        for (size_t q = 0; q < SCORE_N_LEVELS; q++)
            out[(h - 1) * SCORE_N_LEVELS + q] = point + stretch * spread[q];
        const double moved = (double)alpha + (double)beta * damped + (h % day == 0 ? (double)gamma : 0);
        variance += moved * moved;
    }
}
