/* resample.h - ResampleNorm: the skip path of a block whose input and output differ in width.
 *
 *     y = LayerNorm(interpolate(x: n → m) ⊙ 2σ(mask))
 *
 * pytorch-forecasting's (tests/golden/README.md 3.3), not in the paper. Interpolation is linear with aligned end points;
 * positions are computed in integers, exactly: lo = j(n−1) div (m−1), fraction = remainder / (m−1).
 *
 * Shapes: x [N, n] with row stride ldx, y [N, m].
 */
#ifndef TFT_TFT_RESAMPLE_H
#define TFT_TFT_RESAMPLE_H

#include "base/arena.h"
#include "tft/scratch.h"
#include "tft/weights.h"

typedef struct tft_resample_tape {
    float *scaled, *normed, *inv_std; // [N, m], [N, m], [N]
} tft_resample_tape;

void tft_resample_tape_layout(tft_arena *arena, const tft_resample_weights *w, size_t n, tft_resample_tape *tape);
void tft_resample_forward(const tft_resample_weights *w, const float *x, size_t ldx, size_t n,
                          const tft_resample_tape *tape, tft_scratch *scratch, float *y);
/* Adds to grad and to dx (row stride lddx). */
void tft_resample_backward(const tft_resample_weights *w, size_t n, const tft_resample_tape *tape, const float *dy,
                           tft_scratch *scratch, tft_resample_weights *grad, float *dx, size_t lddx);

#endif
