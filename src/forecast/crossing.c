/* crossing.c - see crossing.h. */
#include "forecast/crossing.h"

#include "forecast/quantiles.h"

size_t crossing_first(const float *row, size_t n, double x)
{
    for (size_t t = 0; t < n; t++)
        if ((double)row[t] >= x)
            return t;
    return CROSSING_NEVER;
}

double crossing_probability(const float *rows, size_t horizon, size_t n, double x)
{
    double largest = 0.0;
    for (size_t t = 0; t < n && t < horizon; t++) {
        const double p = forecast_exceedance(rows, horizon, t, x);
        largest = p > largest ? p : largest;
    }
    return largest;
}
