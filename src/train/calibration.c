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

/* Where x lies among three rising points, on a logarithmic axis: point *a and a share of the way to the next. */
static double place_of(const double *points, double x, size_t *a)
{
    *a = 0;
    if (!(x > points[0]))
        return 0;
    for (; *a + 1 < 3; (*a)++) {
        if (x < points[*a + 1])
            return log(x / points[*a]) / log(points[*a + 1] / points[*a]);
    }
    *a = 1;
    return 1;
}

/* The factors of the four knots at a step and a scale. */
static void factors_at(const tft_calibration *c, size_t metric, size_t step, double scale, double out[TFT_N_KNOTS])
{
    const tft_stretch *const s = &c->stretch[metric];
    size_t h, k;
    const double u = place_of(c->span_step, (double)step, &h), v = place_of(s->scale, scale, &k);
    for (size_t q = 0; q < TFT_N_KNOTS; q++) {
        const double low = s->factor[h][k][q] + v * (s->factor[h][k + 1][q] - s->factor[h][k][q]);
        const double high = s->factor[h + 1][k][q] + v * (s->factor[h + 1][k + 1][q] - s->factor[h + 1][k][q]);
        out[q] = low + u * (high - low);
    }
}

/* Linear in q through (.02, f0) (.1, f1) (.5, 1) (.9, f2) (.98, f3). */
static double factor_of_level(const double f[TFT_N_KNOTS], double q)
{
    const double x[] = {tft_knot_levels[0], tft_knot_levels[1], 0.5, tft_knot_levels[2], tft_knot_levels[3]};
    const double y[] = {f[0], f[1], 1, f[2], f[3]};
    if (q <= x[0])
        return y[0];
    for (size_t i = 1; i < 5; i++) {
        if (q <= x[i])
            return y[i - 1] + (q - x[i - 1]) / (x[i] - x[i - 1]) * (y[i] - y[i - 1]);
    }
    return y[4];
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

void tft_calibration_quantiles(const tft_calibration *c, size_t metric, size_t step, double scale, const float *levels,
                               size_t n, float *quantiles)
{
    put_in_order(quantiles, n);
    if (metric >= c->n_stretched)
        return;
    double factor[TFT_N_KNOTS];
    factors_at(c, metric, step, scale, factor);
    const double median = (double)tft_quantile_interpolate(levels, quantiles, n, 0.5f);
    for (size_t i = 0; i < n; i++)
        quantiles[i] = (float)(median + factor_of_level(factor, (double)levels[i]) * ((double)quantiles[i] - median));
    put_in_order(quantiles, n); // an inner level may have been stretched past an outer one
}
