/* calibration.c - applying a calibration; see calibration.h. calibration_json.c reads and writes it. */
#include "train/calibration.h"

#include <math.h>

#include "tft/loss.h"

const double tft_knot_levels[TFT_N_KNOTS] = {0.02, 0.1, 0.9, 0.98};

/* ---- incidents -------------------------------------------------------------------------------------------------- */

/* The y of points (x, y) at h: linear between them, the outermost beyond. */
static double at_step(const uint32_t *x, const double *y, size_t n, size_t h)
{
    size_t hi = 0;
    while (hi < n && x[hi] < h)
        hi++;
    const size_t a = hi == 0 ? 0 : hi - 1, b = hi == n ? n - 1 : hi;
    const double t = a == b ? 0 : ((double)h - x[a]) / ((double)x[b] - x[a]);
    return y[a] + t * (y[b] - y[a]);
}

void tft_incident_logits(const float *hazard, size_t n, double *logit)
{
    double log_survival = 0; // Σ log(1 − σ(z)) = −Σ softplus(z)
    for (size_t t = 0; t < n; t++) {
        log_survival -= tft_softplus((double)hazard[t]);
        const double p = -expm1(log_survival);
        logit[t] = p < 1 ? log(p) - log_survival : HUGE_VAL; // log p − log(1 − p)
    }
}

void tft_calibration_incident(const tft_calibration *c, const double *logit, size_t n, float *incident)
{
    double highest = 0;
    for (size_t t = 0; t < n; t++) {
        double x = logit[t];
        if (c->n_points > 0)
            x = at_step(c->step, c->slope, c->n_points, t + 1) * x + at_step(c->step, c->intercept, c->n_points, t + 1);
        const double p = 1.0 / (1.0 + exp(-x)); // 0 and 1 stay what they are: slopes are above 0
        highest = p > highest ? p : highest;
        incident[t] = (float)highest;
    }
}

double tft_fleet_probability(const tft_fleet_link *link, size_t step, double log_quiet, double largest)
{
    const double exponent = link->n == 0 ? 1 : at_step(link->step, link->exponent, link->n, step);
    const double bend = link->n == 0 ? 0 : at_step(link->step, link->bend, link->n, step);
    if (!(largest < 1))
        return 1;
    const double worst = log1p(-largest), others = log_quiet < worst ? worst - log_quiet : 0;
    const double counted = others > 0 ? exponent * pow(others, 1 - bend) : 0; // HUGE_VAL stays what it is
    return -expm1(worst - fmin(counted, others));
}

/* ---- quantiles -------------------------------------------------------------------------------------------------- */

size_t tft_span_of(size_t horizon, size_t step)
{
    return step <= horizon / 16 ? 0 : step <= horizon / 4 ? 1 : 2;
}

void tft_span_centres(size_t horizon, double centre[TFT_N_SPANS])
{
    const size_t last[TFT_N_SPANS] = {horizon / 16, horizon / 4, horizon};
    size_t done = 0;
    for (size_t s = 0; s < TFT_N_SPANS; s++) {
        const size_t end = last[s] > done ? last[s] : done + 1; // a horizon too short for a part: any rising number
        centre[s] = sqrt((double)(done + 1) * (double)end);
        done = end;
    }
}

/* Where x lies among three rising points, on a logarithmic axis. */
static tft_place place_of(const double *points, double x)
{
    if (!(x > points[0]))
        return (tft_place){0, 0};
    for (size_t a = 0; a + 1 < 3; a++) {
        if (x < points[a + 1])
            return (tft_place){a, log(x / points[a]) / log(points[a + 1] / points[a])};
    }
    return (tft_place){1, 1};
}

void tft_calibration_places(const tft_calibration *c, size_t n, tft_place *places)
{
    for (size_t t = 0; t < n; t++)
        places[t] = c->n_stretched > 0 ? place_of(c->span_step, (double)(t + 1)) : (tft_place){0, 0};
}

/* The factors of the four knots at a step and a scale. */
static void factors_at(const tft_stretch *s, tft_place step, tft_place scale, double out[TFT_N_KNOTS])
{
    const size_t h = step.a, k = scale.a;
    for (size_t q = 0; q < TFT_N_KNOTS; q++) {
        const double low = s->factor[h][k][q] + scale.share * (s->factor[h][k + 1][q] - s->factor[h][k][q]);
        const double high =
            s->factor[h + 1][k][q] + scale.share * (s->factor[h + 1][k + 1][q] - s->factor[h + 1][k][q]);
        out[q] = low + step.share * (high - low);
    }
}

enum { N_LINE = TFT_N_KNOTS + 1 }; // the knots, and the median between them

/* A level's place on the line (.02, f0) (.1, f1) (.5, 1) (.9, f2) (.98, f3): behind point a − 1; N_LINE is beyond the last. */
static tft_place place_of_level(double q)
{
    const double x[N_LINE] = {tft_knot_levels[0], tft_knot_levels[1], 0.5, tft_knot_levels[2], tft_knot_levels[3]};
    if (q <= x[0])
        return (tft_place){0, 0};
    for (size_t i = 1; i < N_LINE; i++) {
        if (q <= x[i])
            return (tft_place){i, (q - x[i - 1]) / (x[i] - x[i - 1])};
    }
    return (tft_place){N_LINE, 0};
}

static double factor_at(const double y[N_LINE], tft_place level)
{
    if (level.a == 0)
        return y[0];
    if (level.a == N_LINE)
        return y[N_LINE - 1];
    return y[level.a - 1] + level.share * (y[level.a] - y[level.a - 1]);
}

/* Sorts a step's few quantiles (insertion: they are nearly in order). */
static void put_in_order(float *q, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const float x = q[i];
        size_t at = i;
        for (; at > 0 && q[at - 1] > x; at--)
            q[at] = q[at - 1];
        q[at] = x;
    }
}

static void stretch_step(const double f[TFT_N_KNOTS], const tft_place *places, const float *levels, size_t n,
                         float *quantiles)
{
    const double y[N_LINE] = {f[0], f[1], 1, f[2], f[3]};
    const double median = (double)tft_quantile_interpolate(levels, quantiles, n, 0.5f);
    for (size_t i = 0; i < n; i++)
        quantiles[i] = (float)(median + factor_at(y, places[i]) * ((double)quantiles[i] - median));
    put_in_order(quantiles, n); // an inner level may have been stretched past an outer one
}

void tft_calibration_rows(const tft_calibration *c, size_t metric, const tft_place *steps, size_t n_steps, double scale,
                          const float *levels, size_t n, size_t stride, float *quantiles)
{
    tft_place of_level[TFT_MAX_QUANTILES];
    for (size_t t = 0; t < n_steps; t++)
        put_in_order(quantiles + t * stride, n);
    if (metric >= c->n_stretched)
        return;
    const tft_stretch *const stretch = &c->stretch[metric];
    const tft_place of_scale = place_of(stretch->scale, scale);
    for (size_t i = 0; i < n; i++)
        of_level[i] = place_of_level((double)levels[i]);
    for (size_t t = 0; t < n_steps; t++) {
        double factor[TFT_N_KNOTS];
        factors_at(stretch, steps[t], of_scale, factor);
        stretch_step(factor, of_level, levels, n, quantiles + t * stride);
    }
}

void tft_calibration_quantiles(const tft_calibration *c, size_t metric, size_t step, double scale, const float *levels,
                               size_t n, float *quantiles)
{
    const tft_place place = c->n_stretched > 0 ? place_of(c->span_step, (double)step) : (tft_place){0, 0};
    tft_calibration_rows(c, metric, &place, 1, scale, levels, n, n, quantiles);
}
