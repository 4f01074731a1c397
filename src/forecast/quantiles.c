/* quantiles.c - the served levels, tails and tidying. See quantiles.h. */
#include "forecast/quantiles.h"

#include <assert.h>
#include <math.h>

const float forecast_levels[FORECAST_N_QUANTILES] = {0.02f, 0.10f, 0.25f, 0.50f, 0.75f, 0.90f, 0.98f};
const char *const forecast_level_names[FORECAST_N_QUANTILES] = {"p02", "p10", "p25", "p50", "p75", "p90", "p98"};

/* Share of an outermost level that is left at distance `beyond` past it; `gap` is the last gap between levels. */
static double tail_share(double outer_share, double inner_share, double gap, double beyond)
{
    const double s = gap / log(inner_share / outer_share);
    return s > 0.0 ? outer_share * exp(-beyond / s) : 0.0; // no spread: nothing beyond
}

double forecast_exceedance(const float *rows, size_t horizon, size_t step, double x)
{
    enum { last = FORECAST_N_QUANTILES - 1 };
    double v[FORECAST_N_QUANTILES], level[FORECAST_N_QUANTILES];
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
        v[q] = (double)rows[q * horizon + step];
        level[q] = (double)forecast_levels[q];
    }
    if (x > v[last])
        return tail_share(1.0 - level[last], 1.0 - level[last - 1], v[last] - v[last - 1], x - v[last]);
    if (x < v[0])
        return 1.0 - tail_share(level[0], level[1], v[1] - v[0], v[0] - x);
    size_t q = 0; // the lowest level whose quantile reaches x: of equal quantiles the lowest counts, for P(value ≥ x)
    while (v[q] < x)
        q++;
    if (q == 0)
        return 1.0 - level[0];
    const double share = (x - v[q - 1]) / (v[q] - v[q - 1]);
    return 1.0 - (level[q - 1] + share * (level[q] - level[q - 1]));
}

bool forecast_tidy(const tft_metric *metric, float *rows, size_t horizon)
{
    // The nearest floats inside the range: a bound that float cannot hold must not be overstepped by rounding.
    float low = (float)metric->min, high = (float)metric->max;
    if ((double)low < metric->min)
        low = nextafterf(low, HUGE_VALF);
    if ((double)high > metric->max)
        high = nextafterf(high, -HUGE_VALF);
    for (size_t t = 0; t < horizon; t++) {
        float v[FORECAST_N_QUANTILES];
        for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
            const float x = rows[q * horizon + t];
            if (!isfinite(x))
                return false;
            size_t at = q; // insertion sort: seven values, nearly always in order
            while (at > 0 && v[at - 1] > x) {
                v[at] = v[at - 1];
                at--;
            }
            v[at] = x;
        }
        for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
            rows[q * horizon + t] = fminf(fmaxf(v[q], low), high);
    }
    return true;
}
