/* anchor.h - a simple forecast of one target ("anchor", src/series/anchors.h), as the mixture output reads it.
 *
 * Most simple forecasts say the same at every step, or at every level: they are kept once. What is left has its steps side by side:
 *
 *     a number      values[0]                             per_quantile 0, per_step 0    the newest value
 *     a level each  values[q]                             1, 0                          quantiles of the last day
 *     a step each   values[t]                             0, 1                          the value a day before
 *     both          values[q · per_quantile + t]          steps of the horizon, 1       quantiles at the same time of the day
 *
 * Memory: who made it owns `values`. Threads: reading only, any.
 */
#ifndef TFT_ANCHOR_H
#define TFT_ANCHOR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tft_anchor {
    const float *values;
    size_t per_quantile, per_step; // per_step: 0 or 1
} tft_anchor;

/* What it says of quantile q at step t, both from 0. */
static inline float tft_anchor_at(const tft_anchor *anchor, size_t q, size_t t)
{
    return anchor->values[q * anchor->per_quantile + t * anchor->per_step];
}

#ifdef __cplusplus
}
#endif
#endif
