/* crossing.h - when a forecast reaches a level, and how sure that is.
 *
 * A forecast says at each step how the value is distributed, not how steps hang together. Here each quantile is read as a
 * path of its own (a server that runs above its median now mostly does so at the next step too), so
 *
 *     T(q)             = first step at which the path of level q is ≥ x            (SIZE_MAX: not within the horizon)
 *     P(T ≤ t)         = max over s ≤ t of P(X_s ≥ x)
 *
 * which is exact for such paths and the least that it can be for any others: taking steps as independent, 1 − Π(1 − p), would make
 * a certainty of every level that is merely touched for an hour.
 *
 * Threads: pure functions.
 */
#ifndef TFTD_FORECAST_CROSSING_H
#define TFTD_FORECAST_CROSSING_H

#include <stddef.h>

#define CROSSING_NEVER ((size_t)-1)

/* First index in row[0 … n−1] that is ≥ x; CROSSING_NEVER where none is (also where x is NaN). */
size_t crossing_first(const float *row, size_t n, double x);

/* P(x is reached within the first n steps) of rows [FORECAST_N_QUANTILES, horizon]. */
double crossing_probability(const float *rows, size_t horizon, size_t n, double x);

#endif
