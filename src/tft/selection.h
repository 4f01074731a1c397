/* selection.h - variable selection network: which inputs matter, and one vector out of all of them.
 *
 * Lim et al. 2021, for one row with embedded variables e_1 … e_n:
 *     v = softmax(GRN(e_1 ∥ … ∥ e_n, c_s))     (6)
 *     t_i = GRN_i(e_i)                          (7)  a categorical: ResampleNorm(e_i), as pytorch-forecasting does
 *     y = Σ v_i t_i                             (8)
 * n = 1: no weights, y = t_1, reported weight 1.  n = 0: y = 0.
 *
 * Shapes: embedded [N, width] (the concatenation), context [N / repeat, H], y [N, H], weights [N, n].
 */
#ifndef TFT_TFT_SELECTION_H
#define TFT_TFT_SELECTION_H

#include "tft/grn.h"

typedef struct tft_selection_tape {
    float *embedded;    // [N, width], filled by the caller before forward
    float *weights;     // [N, n]
    float *transformed; // [n, N, H]
    tft_grn_tape single[TFT_MAX_VARIABLES];
    tft_grn_tape flattened;
} tft_selection_tape;

void tft_selection_tape_layout(tft_arena *arena, const tft_selection_weights *w, size_t n_rows, size_t hidden,
                               bool dropout, tft_selection_tape *tape);
void tft_selection_forward(const tft_selection_weights *w, const float *context, size_t repeat, size_t n_rows,
                           size_t hidden, tft_dropout dropout, const tft_selection_tape *tape, tft_scratch *scratch,
                           float *y);
/* dembedded [N, width] is added to; dcontext likewise (NULL if context was). */
void tft_selection_backward(const tft_selection_weights *w, const float *context, size_t repeat, size_t n_rows,
                            size_t hidden, tft_dropout dropout, const tft_selection_tape *tape, const float *dy,
                            tft_scratch *scratch, tft_selection_weights *grad, float *dembedded, float *dcontext);

#endif
