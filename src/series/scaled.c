/* scaled.c - see scaled.h: what vectors do many at a time. */
#include "series/scaled.h"

#include "series/per_processor.h"

TFT_PER_PROCESSOR void tft_scale_all(float *x, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = tft_scaled(x[i], scale);
}

TFT_PER_PROCESSOR void tft_bound_all(float *x, size_t n, float low, float high, float scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = tft_scaled(tft_bounded(x[i], low, high), scale);
}

TFT_PER_PROCESSOR void tft_bound_all_from(float *x, size_t n, float from, float low, float high, float scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = tft_scaled(tft_bounded(from + x[i], low, high), scale);
}
