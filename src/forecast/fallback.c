/* fallback.c - robust damped trend with widening quantiles, and its incident estimate. See fallback.h.
 *
 * Theil, "A rank-invariant method of linear and polynomial regression analysis" (1950); Sen, "Estimates of the
 * regression coefficient based on Kendall's tau" (JASA 1968). At most 32 points: 496 slopes, a sort of them.
 */
#include "forecast/fallback.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define MAX_POINTS FLEET_RECENT
#define STEPS_BACK 24  // 2 h of steps
#define ENOUGH_STEPS 6 // with fewer, raw records say more

static_assert(STEPS_BACK <= MAX_POINTS, "steps must fit the points");

fallback_settings fallback_settings_default(void)
{
    return (fallback_settings){.max_trend_steps = 9, .base_rate = 0.0002, .level_share = 0.01, .floor_share = 0.1};
}

typedef struct points {
    size_t n;
    double t[MAX_POINTS], y[MAX_POINTS]; // t in steps, 0 = the middle of the origin's step
} points;

/* Steps with a value among the last STEPS_BACK up to the origin. */
static points points_of_steps(const tft_series *series, int64_t origin, size_t metric)
{
    points p = {0};
    for (int64_t step = origin - STEPS_BACK + 1; step <= origin; step++) {
        const int64_t i = tft_series_index(series, step);
        if (i < 0)
            continue;
        const float value = series->values[(size_t)i * series->n_metrics + metric];
        if (isnan(value))
            continue;
        p.t[p.n] = (double)(step - origin);
        p.y[p.n++] = (double)value;
    }
    return p;
}

/* Raw records not after the origin's step. */
static points points_of_records(const tft_contract *contract, const fallback_recent *recent, int64_t origin,
                                size_t metric)
{
    points p = {0};
    const double step_ms = (double)contract->step_ms;
    for (size_t i = 0; i < recent->n; i++) {
        const float value = recent->values[i * contract->n_metrics + metric];
        const double t = (double)(recent->ms[i] - origin * contract->step_ms) / step_ms - 0.5;
        if (isnan(value) || t >= 0.5)
            continue;
        p.t[p.n] = t;
        p.y[p.n++] = (double)value;
    }
    return p;
}

/* The newest value before the origin, however old, as the only point. */
static points last_point(const tft_series *series, int64_t origin, size_t metric)
{
    points p = {0};
    for (size_t i = series->n_steps; i-- > 0 && p.n == 0;) {
        const float value = series->values[i * series->n_metrics + metric];
        if (series->first_step + (int64_t)i > origin || isnan(value))
            continue;
        p.t[0] = (double)(series->first_step + (int64_t)i - origin);
        p.y[0] = (double)value;
        p.n = 1;
    }
    return p;
}

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return n % 2 != 0 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

typedef struct trend {
    double level, slope; // at the newest point; per step
    double sigma;
    double reach; // L: how many steps of slope the whole trend may be worth
} trend;

static trend fit(const fallback_settings *settings, const tft_metric *metric, const points *p)
{
    double slopes[MAX_POINTS * (MAX_POINTS - 1) / 2], rest[MAX_POINTS];
    size_t n_slopes = 0;
    double newest = p->t[0], oldest = p->t[0];
    for (size_t i = 0; i < p->n; i++) {
        newest = fmax(newest, p->t[i]);
        oldest = fmin(oldest, p->t[i]);
        for (size_t j = 0; j < i; j++)
            if (p->t[i] != p->t[j])
                slopes[n_slopes++] = (p->y[i] - p->y[j]) / (p->t[i] - p->t[j]);
    }
    trend f = {.reach = fmin((double)settings->max_trend_steps, newest - oldest)};
    f.slope = n_slopes > 0 ? median(slopes, n_slopes) : 0.0;
    for (size_t i = 0; i < p->n; i++)
        rest[i] = p->y[i] - f.slope * (p->t[i] - newest);
    f.level = median(rest, p->n);
    for (size_t i = 0; i < p->n; i++)
        rest[i] = fabs(p->y[i] - f.slope * (p->t[i] - newest) - f.level);
    f.sigma = 1.4826 * median(rest, p->n); // of a normal, the median of |residual| is σ / 1.4826
    const double floor = fmax(settings->level_share * fabs(f.level), settings->floor_share * metric->scale_floor);
    f.sigma = fmax(f.sigma, floor);
    return f;
}

bool fallback_forecast(const fallback_settings *settings, const tft_contract *contract, const tft_series *series,
                       const fallback_recent *recent, int64_t origin, size_t metric, float *rows, size_t horizon)
{
    // Φ⁻¹ of the served levels.
    static const double z[FORECAST_N_QUANTILES] = {-2.0537489, -1.2815516, -0.6744898, 0.0,
                                                   0.6744898,  1.2815516,  2.0537489};
    points p = points_of_steps(series, origin, metric);
    if (p.n < ENOUGH_STEPS) {
        const points raw = points_of_records(contract, recent, origin, metric);
        if (raw.n > p.n)
            p = raw;
    }
    if (p.n == 0)
        p = last_point(series, origin, metric);
    if (p.n == 0)
        return false;
    const trend f = fit(settings, &contract->metrics[metric], &p);
    const double damping = f.reach / (1.0 + f.reach);
    double carried = 0.0, factor = 1.0; // Σ φ^i and φ^i
    for (size_t t = 0; t < horizon; t++) {
        factor *= damping;
        carried += factor;
        const double centre = f.level + f.slope * carried, spread = f.sigma * sqrt((double)(t + 1));
        for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
            rows[q * horizon + t] = (float)(centre + z[q] * spread);
    }
    return forecast_tidy(&contract->metrics[metric], rows, horizon);
}

/* P(value is at or above what makes a critical_issue) at a step: the largest over metrics. */
static double critical_at(const tft_contract *contract, const state_rules *rules, tft_profile profile,
                          const float *rows, const bool *present, size_t horizon, size_t t)
{
    const size_t n_targets = tft_contract_targets(contract);
    double largest = 0.0;
    for (size_t m = 0; m < n_targets; m++) {
        const double level = contract->incident.by_metric
                                 ? (contract->incident.metric == m ? contract->incident.level : (double)NAN)
                                 : rules->critical[profile][m];
        if (!present[m] || isnan(level))
            continue;
        const float *metric_rows = rows + m * FORECAST_N_QUANTILES * horizon;
        largest = fmax(largest, forecast_exceedance(metric_rows, horizon, t, level));
    }
    return largest;
}

void fallback_incident(const fallback_settings *settings, const tft_contract *contract, const state_rules *rules,
                       tft_profile profile, bool in_incident, const float *rows, const bool *present, size_t horizon,
                       float *curve)
{
    double crossed = 0.0, quiet = 1.0, least = 1.0;
    for (size_t t = 0; t < horizon; t++) {
        double c = critical_at(contract, rules, profile, rows, present, horizon, t);
        least = fmin(least, c);
        if (in_incident)
            c *= 1.0 - least; // a new incident needs an end of this one first
        crossed = fmax(crossed, c);
        quiet *= 1.0 - settings->base_rate;
        curve[t] = (float)fmin(1.0 - (1.0 - crossed) * quiet, 1.0);
    }
}
