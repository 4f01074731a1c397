/* scaled.h - the two transforms between a metric's unit and what the network reads.
 *
 * Anchors and targets are value / scale; inputs made of values are asinh(value / scale), which is linear near 0 and
 * logarithmic far out, so that a server at fifty times its usual load is a large input and not an absurd one. The ratio
 * is cut at ±10⁹: a week of nothing followed by a flood divides by the scale's floor, and must stay a finite float.
 */
#ifndef TFT_SERIES_SCALED_H
#define TFT_SERIES_SCALED_H

#include <math.h>
#include <stddef.h>

static inline float tft_scaled(float value, float scale)
{
    const float ratio = value / scale;
    return ratio > 1e9f ? 1e9f : ratio < -1e9f ? -1e9f : ratio;
}

static inline float tft_bounded(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}

/* Each of n numbers x in place:  x / scale,  bounded x / scale  and  bounded (from + x) / scale. */
void tft_scale_all(float *x, size_t n, float scale);
void tft_bound_all(float *x, size_t n, float low, float high, float scale);
void tft_bound_all_from(float *x, size_t n, float from, float low, float high, float scale);

static inline float tft_squashed(float value, float scale)
{
    return asinhf(tft_scaled(value, scale));
}

#endif
