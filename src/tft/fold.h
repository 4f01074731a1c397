/* fold.h - variable selection as a function of the numbers themselves.
 *
 * A real input x is embedded as x·w + b, an affine map of one number, and everything that follows it up to the first
 * non-linearity is linear. So it folds into one affine map of x, and the embedding is never made:
 *     its own network:    fc1(embed(x)) = x·u + v,      u = W1 w, v = W1 b + b1                 [hidden]
 *                         skip before LN = x·p + r,     p = R w, r = R b, R interpolation and mask [H]
 *     the flattened one:  fc1(e_1 ∥ … ∥ e_V) = M x + m,  M [hidden, n_reals]: column i is W_i w_i
 *                         skip before LN = Z x + z,     Z [V, n_reals], at most two entries a row are not 0
 * With 31 reals of width 8 that is 31 instead of 248 columns. Categoricals keep their embedding and are added.
 *
 * The same holds backwards: the gradients of u, v, p, r, M, m, Z, z are summed over all rows, and the chain rule to
 * w, b, W, mask (tft_fold_unmake) is then a matter of small matrices, once a pass. variable_selection.c without a fold is
 * the oracle.
 *
 * Memory:  a model holds the folded weights, a training workspace their gradients. Threads: folded weights are only read;
 *          tft_fold_make() runs where weights change (tft_model_refresh).
 */
#ifndef TFT_TFT_FOLD_H
#define TFT_TFT_FOLD_H

#include "tft/variable_selection.h"

struct tft_fold_variable { // of a real; a categorical only has `entries`
    float *u, *v;          // [hidden] of its own network
    float *p, *r;          // [H]
    float *entries;        // [V, size] a categorical's part of Z
};

struct tft_fold { // also holds gradients: same fields, same shapes
    size_t n_reals;
    float *hidden_w, *hidden_b; // M [hidden, n_reals], m [hidden]
    float *z_w, *z_b;           // Z [V, n_reals], z [V]
    tft_packed hidden_packed, z_packed;
    float *factor;                       // [max(V, H)] scratch of make and unmake
    struct tft_fold_variable *variables; // [V]
    float *block;                        // all of the above, one block
    size_t n_block;
};

/* Takes memory for selection `w`, which stands already; the arena may count. */
void tft_fold_layout(tft_arena *arena, const tft_selection *w, tft_fold *fold);

/* Folds the weights as they are now. */
void tft_fold_make(const tft_selection *w, const tft_embeddings *embeddings, tft_fold *fold);

/* Carries the folded gradients on to the parameters: adds to grad and embeddings_grad. */
void tft_fold_unmake(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold, tft_fold *dfold,
                     tft_selection *grad, tft_embeddings *embeddings_grad);

#endif
