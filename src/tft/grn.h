/* grn.h - gated residual network, the block nearly every part of the model is built from.
 *
 * Lim et al. 2021, for one row x of `in` values and, where there is one, a context c:
 *     eta2 = ELU(fc1(x) + context(c))                               (4)
 *     eta1 = fc2(eta2)                                              (3)
 *     y    = LayerNorm(skip + GLU(eta1))                            (2)
 * skip is x where in = out, else ResampleNorm(x): the paper has one width everywhere, pytorch-forecasting does not.
 * context(c) is a product without bias. It is the same for all rows of a window, so the caller works it out once per
 * window (tft_grn_context) and a row finds its window in `window_of`.
 *
 * The block is a core between two ends. The ends say what fc1 and the skip get, and take their gradients back; here
 * that is a row x, in fold.c it is a single number. Between fc2 and the GLU's product stands nothing but dropout, so for
 * evaluation both are one matrix, made by tft_grn_refresh().
 *
 * Shapes:  x [N, in], y [N, out], B windows; row-major.
 * Memory:  the caller owns every buffer; nothing is allocated or kept; none overlap.
 * Threads: weights are only read, so rows may be split over threads, a tape and a tmp for each.
 */
#ifndef TFT_TFT_GRN_H
#define TFT_TFT_GRN_H

#include "tft/gate_add_norm.h"
#include "tft/resample_norm.h"

typedef struct tft_grn { // also holds gradients: same fields, same shapes
    size_t in, hidden, out, context_in;
    float *fc1_w, *fc1_b;       // [hidden, in], [hidden]
    float *fc2_w, *fc2_b;       // [hidden, hidden], [hidden]
    float *context_w;           // [hidden, context_in], or NULL without context
    tft_gate gate;              // hidden → out
    tft_resample resample;      // used where in ≠ out
    float *direct_w, *direct_b; // [2·out, hidden], [2·out]: GLU's product after fc2; NULL in a struct of gradients
    tft_packed fc1_packed, fc2_packed, direct_packed;
} tft_grn;

/* The context's part of fc1, one row per window: `product` [B, hidden]; NULL where the network has no context. */
typedef struct tft_grn_rows {
    size_t n;                  // rows
    const uint32_t *window_of; // [N] the window of each row; NULL: row r is window r
    const float *product;      // [B, hidden]
} tft_grn_rows;

typedef struct tft_grn_tape {
    float *eta2; // [N, hidden]
    float *eta1; // [N, hidden], after dropout; NULL in evaluation
    float *skip; // [N, out], where it is resampled
    tft_resample_tape resample;
    tft_gate_tape gate;
} tft_grn_tape;

void tft_grn_define(tft_builder *builder, tft_grn *w, const char *name, size_t in, size_t hidden, size_t out,
                    size_t context_in);
void tft_grn_tape_carve(tft_carve *carve, const tft_grn *w, size_t n, bool keep, tft_grn_tape *tape);
size_t tft_grn_tmp(const tft_grn *w, size_t n, bool training);

/* After the weights have changed. */
void tft_grn_refresh(tft_grn *w);

/* The core. In: tape->eta2 holds fc1's output; tape->resample.z the skip before its normalisation where in ≠ out, else
 * `skip` is it. */
void tft_grn_core_forward(const tft_grn *w, const float *skip, size_t n, tft_dropout dropout, tft_grn_tape *tape,
                          float *y, float *tmp);
/* Out: dpre [N, hidden] of fc1's output and dz [N, out] of the skip, before its normalisation where in ≠ out. */
void tft_grn_core_backward(const tft_grn *w, size_t n, tft_dropout dropout, const tft_grn_tape *tape, const float *dy,
                           tft_grn *grad, float *dpre, float *dz, float *tmp);

/* Each row starts from its window's context: copies rows of `product` into pre [N, hidden]; and back, added. */
void tft_grn_start_rows(const tft_grn *w, tft_grn_rows rows, float *pre);
void tft_grn_start_rows_backward(const tft_grn *w, tft_grn_rows rows, const float *dpre, float *dproduct);

void tft_grn_context(const tft_grn *w, const float *c, size_t n_windows, float *product);
void tft_grn_context_backward(const tft_grn *w, const float *c, const float *dproduct, size_t n_windows, tft_grn *grad,
                              float *dc); // dc and grad are added to

void tft_grn_forward(const tft_grn *w, const float *x, tft_grn_rows rows, tft_dropout dropout, tft_grn_tape *tape,
                     float *y, float *tmp);
/* dx [N, in], dproduct [B, hidden] (NULL without context) and `grad` are added to. */
void tft_grn_backward(const tft_grn *w, const float *x, tft_grn_rows rows, tft_dropout dropout,
                      const tft_grn_tape *tape, const float *dy, tft_grn *grad, float *dx, float *dproduct, float *tmp);

#endif
