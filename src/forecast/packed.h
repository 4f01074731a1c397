/* packed.h - the forecast of one server, small: how a snapshot holds its quantiles and its curve of incidents.
 *
 * As floats they are 10.8 kB a server (4 metrics, 7 levels, 96 steps), and two snapshots live at a time; packed they are
 * about a fifth of it. Neighbouring steps and neighbouring levels look alike, so what is kept is how they differ:
 *
 *     u32 [n_targets]     where the metric's part begins; 0 = it is not there
 *     a part:  i16 e | i32 base |  bits: per level, per group of 16 steps:  u5 width, 16 × u(width)
 *
 *     value k(q, t)       (base + k) · 2^e
 *     expected k          k(q, t−1) for the lowest level; above it, as far from the level below as one step before:
 *                         k(q−1, t) + k(q, t−1) − k(q−1, t−1)
 *     number in the bits  k − expected, folded (0 −1 1 −2 …)
 *
 * 2^e is the power of two that cuts the span of the metric's values in this forecast into 4,096 to 8,192 parts: every
 * value is served to within a 4,096th of that span, never outside it, and in the same order. A flat forecast, and numbers
 * that are short in binary, are exact. Alerts, risk and replies are all made from the values as they are served.
 *
 * The curve is a probability that never falls. It is kept on a grid of 2^−22 (a quarter of a millionth; replies show six digits):
 *
 *     u23 first | per group of 16 steps: u5 width, 16 × u(width), by how much it rises
 *
 * 0 and 1 are exact, and a level that it reaches exactly it reaches still where that is a multiple of the grid.
 *
 * Memory:  the caller's. Threads: pure functions.
 */
#ifndef TFTD_FORECAST_PACKED_H
#define TFTD_FORECAST_PACKED_H

#include <stdint.h>

#include "base/bits.h"
#include "forecast/quantiles.h"

#define PACKED_PARTS 4096 // of the span: a served value is at most one of them off

/* Bytes that packing takes at most. Whoever unpacks needs TFT_BITS_SLACK (base/bits.h) readable bytes behind them. */
size_t packed_most(size_t n_targets, size_t horizon);
/* Packs rows [n_targets, 7, horizon], finite and ascending in the level where present [n_targets]; returns the bytes written.
 * scratch: [7, horizon]. */
size_t packed_make(const float *rows, const bool *present, size_t n_targets, size_t horizon, int32_t *scratch,
                   unsigned char *out);
/* The same for a curve [horizon] of numbers from 0 to 1; where it falls, it is taken as level. */
size_t packed_curve_most(size_t horizon);
size_t packed_curve_make(const float *curve, size_t horizon, unsigned char *out);
void packed_curve(const unsigned char *packed, size_t horizon, float *curve);
/* Rows [7, horizon] of a metric; false where it is not there. */
bool packed_rows(const unsigned char *packed, size_t metric, size_t horizon, float *rows);

#endif
