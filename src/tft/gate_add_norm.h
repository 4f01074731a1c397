/* gate_add_norm.h - gated linear unit, skip and layer normalisation: how every block of the model joins the main line.
 *
 * Lim et al. 2021, for one row:
 *     (v ∥ g) = W x + b,  GLU(x) = v ⊙ σ(g)                          (5)
 *     y       = LayerNorm(skip + GLU(x))                            (2, 17, 20, 22)
 * Value and gate are one matrix, value rows first: pytorch-forecasting stores them so, and its weights load unchanged.
 * Dropout, where there is any, acts on x in place before the product; nothing else reads that x.
 *
 * Shapes:  N rows, in → out; row-major.
 * Memory:  the caller owns every buffer; tape and tmp are carved from blocks of its own.
 * Threads: weights are only read; a tape and a tmp per thread.
 */
#ifndef TFT_TFT_GATE_ADD_NORM_H
#define TFT_TFT_GATE_ADD_NORM_H

#include "tensor/tensor.h"
#include "tft/carve.h"
#include "tft/dropout.h"
#include "tft/packed.h"
#include "tft/parameters.h"

#define TFT_NORM_EPS ((float)1e-5)

/* The gradients of y = x wᵀ + b as tft_linear_backward() gives them, but dx is overwritten instead of added to. */
static inline void tft_linear_backward_over(const float *x, size_t ldx, const float *w, const float *dy, size_t n,
                                            size_t in, size_t out, float *dx, float *dw, float *db)
{
    tft_matmul_nn(dy, out, w, in, n, in, out, (float)1, (float)0, dx, in);
    tft_linear_backward(x, ldx, w, dy, out, n, in, out, NULL, 0, dw, db);
}

typedef struct tft_gate { // also holds gradients: same fields, same shapes
    size_t in, out;
    float *w, *b;           // [2·out, in], [2·out]
    float *norm_w, *norm_b; // [out]
    tft_packed packed;      // w, by tft_gate_refresh()
} tft_gate;

typedef struct tft_gate_tape {
    float *pre;     // [N, 2·out] value ∥ gate
    float *sigmoid; // [N, out] σ(gate)
    float *normed;  // [N, out]
    float *inv_std; // [N]
} tft_gate_tape;

/* Tensors "<fc>.weight", "<fc>.bias", "<norm>.weight", "<norm>.bias". */
void tft_gate_define(tft_builder *builder, tft_gate *w, const char *fc, const char *norm, size_t in, size_t out);

void tft_gate_refresh(tft_gate *w); // after the weights have changed

/* Without `keep` only what forward itself needs is carved; backward is then impossible. */
void tft_gate_tape_carve(tft_carve *carve, const tft_gate *w, size_t n, bool keep, tft_gate_tape *tape);
size_t tft_gate_tmp(const tft_gate *w, size_t n, bool training); // floats of tmp for either direction over n rows

/* y [N, out]. x [N, in] is masked in place where dropout.p > 0. */
void tft_gate_forward(const tft_gate *w, float *x, const float *skip, size_t n, tft_dropout dropout,
                      tft_gate_tape *tape, float *y, float *tmp);

/* The rest of forward from tape->pre = W x + b on, for who has made that product another way. */
void tft_gate_product(const tft_gate *w, const float *skip, size_t n, tft_gate_tape *tape, float *y);

/* x as forward left it. dx [N, in] and dskip [N, out] are overwritten, `grad` is added to. */
void tft_gate_backward(const tft_gate *w, const float *x, size_t n, tft_dropout dropout, const tft_gate_tape *tape,
                       const float *dy, tft_gate *grad, float *dx, float *dskip, float *tmp);

#endif
