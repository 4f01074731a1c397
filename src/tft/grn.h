/* grn.h - gated residual network, the block that nearly every part of the model is built from.
 *
 * Lim et al. 2021, for one row:
 *     eta2 = ELU(W2 a + W3 c + b2)                                  (4)
 *     eta1 = W1 eta2 + b1                                           (3)
 *     y    = LayerNorm(skip(a) + value(eta1) * sigmoid(gate(eta1))) (2), GLU: (5)
 * skip(a) = a where input and output are equally wide, ResampleNorm(a) elsewhere (pytorch-forecasting's).
 *
 * Shapes:  a [N, in] with row stride lda; context c [N / repeat, context], each row serving `repeat` consecutive rows of a;
 *          y [N, out].
 * Memory:  the tape is the workspace's; nothing is allocated. Backward needs `a` and the tape as forward left them.
 */
#ifndef TFT_TFT_GRN_H
#define TFT_TFT_GRN_H

#include "tft/gate_norm.h"
#include "tft/resample.h"

typedef struct tft_grn_tape {
    tft_resample_tape skip;
    float *skipped;    // [N, out], resampled skip
    float *elu, *eta1; // [N, hidden]
    tft_gate_norm_tape gate;
} tft_grn_tape;

void tft_grn_tape_layout(tft_arena *arena, const tft_grn_weights *w, size_t n, bool dropout, tft_grn_tape *tape);
void tft_grn_forward(const tft_grn_weights *w, const float *a, size_t lda, const float *context, size_t repeat,
                     size_t n, tft_dropout dropout, const tft_grn_tape *tape, tft_scratch *scratch, float *y);
/* Adds to grad, da (stride ldda) and dcontext (NULL if context was). */
void tft_grn_backward(const tft_grn_weights *w, const float *a, size_t lda, const float *context, size_t repeat,
                      size_t n, tft_dropout dropout, const tft_grn_tape *tape, const float *dy, tft_scratch *scratch,
                      tft_grn_weights *grad, float *da, size_t ldda, float *dcontext);

#endif
