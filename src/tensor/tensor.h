/* tensor.h - float32 kernels: the only place that knows instruction sets.
 *
 * Every kernel exists once per instruction set (portable C, AVX2+FMA, AVX-512F), reached through one table
 * that tft_tensor_init() fills for the best set the machine has (or the one asked for), before threads
 * start. A layer calls the plain functions below and never sees an intrinsic.
 *
 * Conventions: row-major float32; N rows. Weights of a linear layer are stored [out, in], as PyTorch does.
 * "add" functions add to their output, the others overwrite it. No buffer overlaps another unless a comment
 * allows it. Nothing is allocated; nothing fails: sizes of 0 are fine.
 * Results depend on the instruction set (order of summation) but never on thread or address.
 * Threads: after init all functions are pure and may run anywhere.
 */
#ifndef TFT_TENSOR_TENSOR_H
#define TFT_TENSOR_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/anchor.h"

typedef enum tft_isa { TFT_ISA_AUTO, TFT_ISA_PORTABLE, TFT_ISA_AVX2, TFT_ISA_AVX512 } tft_isa;

/* Chooses the kernels, before the first work. An instruction set that the machine lacks falls back to the best it has.
 * TFT_ISA_AUTO takes the best, unless a choice was made before: then it keeps that, so a library may call it to be sure
 * without overriding its program. Returns the set in use. Until somebody calls it, the portable kernels run.
 * Threads: any, but results change with the set, so not while others compute. */
tft_isa tft_tensor_init(tft_isa wanted);
tft_isa tft_tensor_isa(void);
const char *tft_isa_name(tft_isa isa); // "portable", "avx2", "avx512"

/* ---- matrix products -------------------------------------------------------------------------------- */

/* y [N, out] = x [N, in] · wᵀ + b;  w [out, in], b [out] or NULL.  ldx, ldy: floats from one row to the next. */
void tft_linear(const float *x, size_t ldx, const float *w, const float *b, size_t n, size_t in, size_t out, float *y,
                size_t ldy);
/* The same, added to y (b is added too). */
void tft_linear_add(const float *x, size_t ldx, const float *w, const float *b, size_t n, size_t in, size_t out,
                    float *y, size_t ldy);
/* Gradients of y = x wᵀ + b:  dx [N, in] += dy · w (skipped if dx is NULL);  dw [out, in] += dyᵀ · x;
 * db [out] += column sums of dy (skipped if NULL). */
void tft_linear_backward(const float *x, size_t ldx, const float *w, const float *dy, size_t lddy, size_t n, size_t in,
                         size_t out, float *dx, size_t lddx, float *dw, float *db);

/* For weights that stay the same over many calls with few rows (the LSTM's recurrent product): packed once, in the order
 * the kernels read. `packed` has tft_linear_packed_floats() floats and is good for the instruction set in use only.
 * Results are those of tft_linear() and tft_linear_add(), bit by bit. */
size_t tft_linear_packed_floats(size_t in, size_t out); // SIZE_MAX where that overflows
void tft_linear_pack(const float *w, size_t in, size_t out, float *packed);
void tft_linear_packed(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in, size_t out,
                       float *y, size_t ldy);
void tft_linear_packed_add(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in,
                           size_t out, float *y, size_t ldy);

/* The same with x and w rounded to bfloat16 (8 bits of mantissa, to the nearest, ties to even; below 2⁻¹²⁶ they are 0), products and
 * sums in float32: within (in + 3) 2⁻²⁴ Σ |x w|, and 2⁻¹²⁶ a term, of the exact sum of the rounded numbers. Twice as fast where
 * tft_bf16_usable() says so, in many times the time elsewhere. `packed` by tft_linear_pack_bf16(), as large as the other. */
bool tft_bf16_usable(void); // with the set in use
void tft_linear_pack_bf16(const float *w, size_t in, size_t out, float *packed);
void tft_linear_bf16(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in, size_t out,
                     float *y, size_t ldy);
void tft_linear_bf16_add(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in,
                         size_t out, float *y, size_t ldy);

/* General products for attention.  c [m, n] = alpha · a [m, k] · b + beta · c
 *   nt: b is [n, k] (both contracted over their rows' elements);  nn: b is [k, n];  tn: a is [k, m], b is [k, n]. */
void tft_matmul_nt(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k, float alpha,
                   float beta, float *c, size_t ldc);
void tft_matmul_nn(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k, float alpha,
                   float beta, float *c, size_t ldc);
void tft_matmul_tn(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k, float alpha,
                   float beta, float *c, size_t ldc);

/* ---- element-wise; in and out may be the same buffer ------------------------------------------------- */
void tft_add(float *y, const float *x, size_t n);                 // y += x
void tft_axpy(float *y, float a, const float *x, size_t n);       // y += a x
void tft_scale(float *y, float a, size_t n);                      // y *= a
void tft_mul(float *y, const float *a, const float *b, size_t n); // y = a ⊙ b
/* The functions below are within 3 units in the last place of the exact value over all floats, ELU included near 0
 * (it is not eˣ − 1 literally); NaN gives NaN. tests/tensor/test_vmath.c measures it. */
void tft_exp(float *y, const float *x, size_t n);
void tft_sigmoid(float *y, const float *x, size_t n);
void tft_tanh(float *y, const float *x, size_t n);
void tft_elu(float *y, const float *x, size_t n); // x > 0 ? x : eˣ − 1
/* dx += dy · ELU'(x), from y = ELU(x): the slope is 1 where y > 0, y + 1 elsewhere. */
void tft_elu_backward(float *dx, const float *y, const float *dy, size_t n);
float tft_dot(const float *a, const float *b, size_t n);
double tft_sum_squares(const float *x, size_t n); // for the gradient's norm

/* ---- rows ------------------------------------------------------------------------------------------- */

/* GLU (eq. 5):  y [N, D] = value ⊙ σ(gate), x [N, 2D] = value ∥ gate.  `gate_sigmoid` [N, D] keeps σ(gate) for
 * backward, or NULL.  Backward:  dx [N, 2D] = (dy ⊙ s, dy ⊙ value ⊙ s(1−s)), overwritten. */
void tft_glu(const float *x, size_t n, size_t d, float *y, float *gate_sigmoid);
void tft_glu_backward(const float *x, const float *gate_sigmoid, const float *dy, size_t n, size_t d, float *dx);

/* Layer normalisation of each row, biased variance, eps inside the root:  y = (x − mean) · inv_std ⊙ w + b.
 * `normed` [N, D] = (x − mean) · inv_std and `inv_std` [N] are kept for backward (both or neither NULL).
 * Backward: dx [N, D] overwritten, dw and db added to. dx may be dy. */
void tft_layernorm(const float *x, const float *w, const float *b, size_t n, size_t d, float eps, float *y,
                   float *normed, float *inv_std);
void tft_layernorm_backward(const float *w, const float *normed, const float *inv_std, const float *dy, size_t n,
                            size_t d, float *dx, float *dw, float *db);

/* GLU, skip and normalisation in one walk, the end of every gated block:
 *     y [N, D] = layer normalisation of (skip + value ⊙ σ(gate)),  x [N, 2D] = value ∥ gate.
 * `gate_sigmoid`, `normed` and `inv_std` are kept for tft_glu_backward() and tft_layernorm_backward(), all or none.
 * y may be skip. */
void tft_gate_norm(const float *x, const float *skip, const float *w, const float *b, size_t n, size_t d, float eps,
                   float *y, float *gate_sigmoid, float *normed, float *inv_std);

/* Rows weighed one by one:  y [N, D] += a ⊙ x, the weight of row r at a[r · lda].
 * Backward: dx = a ⊙ dy and da = row sums of dy ⊙ x, both overwritten; dx may be x. */
void tft_weigh_rows(const float *x, const float *a, size_t lda, size_t n, size_t d, float *y);
void tft_weigh_rows_backward(const float *x, const float *a, size_t lda, const float *dy, size_t n, size_t d, float *dx,
                             float *da, size_t ldda);

/* Softmax of each row of [N, ld], over its first d entries; the rest of the row is left alone. In place is fine.
 * An entry of −∞ gets weight 0; a row of nothing but −∞ becomes zeros (it has nothing to choose from).
 * Backward: dx = y ⊙ (dy − Σ y dy); dx may be dy. */
void tft_softmax(const float *x, size_t n, size_t d, size_t ld, float *y);
void tft_softmax_backward(const float *y, const float *dy, size_t n, size_t d, size_t ld, float *dx);

/* One step of an LSTM cell for N rows; gates [N, 4H] hold the pre-activations in PyTorch's order i, f, g, o and
 * receive the activated values (kept for backward).  c = σ(f) c_prev + σ(i) tanh(g);  h = σ(o) tanh(c).
 * Rows with live[r] == 0 keep their state: c = c_prev, h = h_prev, and h_out (the sequence output) is 0.
 * `live` may be NULL (all live).  `tanh_c` [N, H] is kept for backward.  c may be c_prev. */
void tft_lstm_cell(float *gates, const float *c_prev, const float *h_prev, const uint8_t *live, size_t n, size_t hidden,
                   float *c, float *h, float *tanh_c, float *h_out, size_t ld_h_out);
/* dgates [N, 4H] = gradient of the pre-activations (0 for rows that are not live); dh and dc come in as the
 * gradient of this step's h and c and leave as: dc = gradient of c_prev; dh is left for rows not live (they pass
 * their state on) and set to 0 for live rows (the caller adds dgates · w_hh). */
void tft_lstm_cell_backward(const float *gates, const float *c_prev, const float *tanh_c, const uint8_t *live, size_t n,
                            size_t hidden, float *dh, float *dc, float *dgates);

/* Dropout: mask[i] is 0 or 1/(1−p), drawn from (key, i) by a counter-based generator, so that the mask of an
 * element does not depend on threads. p = 0 gives all ones. */
void tft_dropout_mask(float *mask, size_t n, float p, uint64_t key);

/* ---- networks of one number ---------------------------------------------------------------------------- */

#define TFT_SCALAR_DEEPEST 16 // k
#define TFT_SCALAR_WIDEST 64  // d

/* A gated residual network whose input is one number x, its first layer and its skip affine in it; also holds gradients:
 *     eta2 = ELU(u x + v);  eta1 = mask ⊙ (w2 eta2 + b2);  value ∥ gate = glu_w eta1 + glu_b
 *     skip = LayerNorm(p x + r) ⊙ skip_w + skip_b, or p x + r where skip_w is NULL
 *     t(x) = LayerNorm(skip + value ⊙ σ(gate)) ⊙ norm_w + norm_b */
typedef struct tft_scalar_net {
    size_t k, d;            // up to TFT_SCALAR_DEEPEST and TFT_SCALAR_WIDEST, at least 1
    float *u, *v;           // [k]
    float *w2, *b2;         // [k, k], [k]
    float *glu_w, *glu_b;   // [2d, k], [2d]
    float *p, *r;           // [d]
    float *skip_w, *skip_b; // [d] or both NULL
    float *norm_w, *norm_b; // [d]
} tft_scalar_net;

/* For n rows that lie side by side, with weights a [n]:  y [d, ld] += a ⊙ t(x).  The mask is tft_dropout_mask(p, key) of
 * [n, k]; p = 0 for none. */
void tft_scalar_mix(const tft_scalar_net *net, const float *x, const float *a, size_t n, float p, uint64_t key,
                    float eps, float *y, size_t ld);
/* Back from dy [d, ld]:  da [n] is overwritten with dy · t(x), `grad` is added to.  tmp has tft_scalar_floats(n, k, d) floats. */
void tft_scalar_mix_backward(const tft_scalar_net *net, const float *x, const float *a, const float *dy, size_t ld,
                             size_t n, float p, uint64_t key, float eps, float *da, tft_scalar_net *grad, float *tmp);
static inline size_t tft_scalar_floats(size_t n, size_t k, size_t d)
{
    return (n + 15) / 16 * 16 * (4 * d + 4 * k + 9);
}

/* y [d, ldy] = x [n, ldx] turned over: columns become rows. */
void tft_turn(const float *x, size_t ldx, size_t n, size_t d, float *y, size_t ldy);

/* ---- simple forecasts, mixed ------------------------------------------------------------------------------ */

#define TFT_MIX_MOST 16

/* One target's anchors over n steps, mixed with weights softmax(α + z_q β) at level q. */
typedef struct tft_mix {
    size_t n, n_quantiles, k;  // k: anchors, 1 to TFT_MIX_MOST
    const float *z;            // [n_quantiles]
    const tft_anchor *anchors; // [k]
} tft_mix;

/* out [n, n_quantiles] += the mixture of each step and level;  logits [n, 2k]: α, then β. ld, ld_out: floats from one step to
 * the next.  Backward: dlogits [n, 2k], with ld too, is overwritten. */
void tft_tilted_mix(const tft_mix *mix, const float *logits, size_t ld, float *out, size_t ld_out);
void tft_tilted_mix_backward(const tft_mix *mix, const float *logits, size_t ld, const float *dout, size_t ld_out,
                             float *dlogits);
/* The smallest that any anchor says at its first level and the largest at its last, for each of the n steps from `first` on: least,
 * most [n]. Where anchors ascend with the level, nothing lies outside. */
void tft_mix_range(const tft_mix *mix, size_t first, size_t n, float *least, float *most);

/* ---- evaluation only: nothing is kept for backward ----------------------------------------------------- */

/* Functions of one number with `d` values each. Curve i covers first[i] ≤ x < first[i] + pieces[i] / per_unit[i] with equally long
 * pieces, number start[i] on; a piece is split into as many equal cubics as it needs (Hermite: value and slope at both ends). */
typedef struct tft_curve_piece {
    uint32_t node; // its first; splits + 1 of them
    float splits;  // a power of two
} tft_curve_piece;

typedef struct tft_curves {
    size_t n, d;
    float *first, *per_unit,
        *pieces;     // [n]; pieces holds whole numbers, 0 for a curve that is not there: it has a piece all the same
    uint32_t *start; // [n]
    tft_curve_piece *piece; // [all pieces]
    float *nodes;           // [all nodes, 2, d]: values, slopes times the spacing
} tft_curves;

/* y [N, d] += Σ over i of weights [N, n] ⊙ curve i at x [N, n].  Returns false where some x lay outside its curve (or is not
 * a number): those terms are left out, and the caller adds them. */
bool tft_curves_mix(const tft_curves *curves, const float *x, size_t ldx, const float *weights, size_t ldw,
                    const float *const *shared, const uint32_t *step, size_t n, float *y);
/* y [N, d] = curve `which` at x [N], ldx apart; 0 where x lies outside, and then false. The very numbers that tft_curves_mix() weighs,
 * so a caller whose rows repeat may make them once: shared[i] (NULL: not so) is then [steps, d] of curve i, of which row r takes
 * row step[r]; `shared` [n] and `step` [N] may both be NULL. */
bool tft_curve_values(const tft_curves *curves, size_t which, const float *x, size_t ldx, size_t n, float *y);

#define TFT_ATTEND_WIDEST 8 // d up to which tft_attend() works
/* One head:  out [n, d] += share · softmax(scale · q kᵀ) v,  where query r sees the first first_open + r · step keys.
 * q [n, ldq]; k and v lie transposed, [d, ld]: keys side by side. A query without a key adds nothing.
 * `kept` [n, 2] is for backward, or NULL. */
void tft_attend(const float *q, size_t ldq, const float *k, const float *v, size_t ld, size_t n, size_t d,
                size_t first_open, size_t step, float scale, float share, float *out, float *kept);
#define TFT_ATTEND_HEADS 64 // heads up to which tft_attend_heads() works
/* All heads, which share their values, for evaluation:  out [n, d] += 1/n_heads Σ over h of softmax(scale · q_h k_hᵀ) v.
 * q [n, ldq], head h's from column h·d on; kv [n_heads·d + d, ld]: the heads' keys, then the values, transposed as above.
 * weights [n_heads, ld] is scratch. */
void tft_attend_heads(size_t n_heads, size_t d, const float *q, size_t ldq, const float *kv, size_t ld, size_t n,
                      size_t first_open, size_t step, float scale, float *weights, float *out);
/* Back through out = softmax(scale · q kᵀ) v (share 1, from 0):  out and dout are [n, d]; dq [n, ldq] is overwritten in its d
 * columns, dk and dv [d, ld] are added to. */
void tft_attend_backward(const float *q, size_t ldq, const float *k, const float *v, size_t ld, size_t n, size_t d,
                         size_t first_open, size_t step, float scale, const float *out, const float *kept,
                         const float *dout, float *dq, float *dk, float *dv);

/* tft_lstm_cell() for all rows live: c [N, H] is replaced by the new cell, h overwritten; gates are only read. Within 3e-7 of
 * the exact value, times the largest |c|. */
void tft_lstm_cell_lean(const float *gates, size_t n, size_t hidden, float *c, float *h);

#endif
