/* attention.h - interpretable multi-head attention: every forecast step looks back, and says where.
 *
 * Lim et al. 2021, heads i = 1 … n with one value projection for all of them, d = ⌊H / n⌋:
 *     A_i = Softmax(q_i k_iᵀ / √d)                                  (9, 10, 15)
 *     out = W_H · mean_i(A_i v)                                     (13, 14, 16)
 * Queries are the decoder's rows, keys and values all rows of the same window. Causal: a decoder step sees the encoder
 * and the decoder steps before it, not itself (as pytorch-forecasting does; the paper's mask lets it see itself). Not
 * causal: all steps see all. Dropout acts on each head's A_i v and on the output.
 *
 * In evaluation nothing stands between W_H and the product of the gate that follows, so the two are one of d columns.
 *
 * Queries are worked off in blocks, and a block stops at the last key that it can see.
 * The weights A_i are not kept for backward: they are T · (E + T) floats per head and window, and making them again
 * costs one small product and one softmax.
 *
 * Shapes:  θ and its rows are in one block, the encoder's N_e rows first, then the decoder's N_d; out [N_d, H].
 * Memory:  the caller owns every buffer. Threads: weights are only read; a tape and a tmp per thread.
 */
#ifndef TFT_TFT_ATTENTION_H
#define TFT_TFT_ATTENTION_H

#include "tft/carve.h"
#include "tft/dropout.h"
#include "tft/parameters.h"
#include "tft/rows.h"

typedef struct tft_attention { // also holds gradients: same fields, same shapes
    size_t hidden, n_heads, d;
    float **q_w, **q_b, **k_w, **k_b; // per head: [d, H], [d]
    float *v_w, *v_b;                 // [d, H], [d]
    float *w_h;                       // [H, d]
    float *direct_w;                  // [2H, d] derived: w_h and the product of the gate after it, as one
} tft_attention;

typedef struct tft_attention_tape {
    float *q_w, *q_b;   // [n·d, H], [n·d]: the heads' projections as one
    float *kv_w, *kv_b; // [(n+1)·d, H], [(n+1)·d]: the keys' and, last, the value's
    float *q;           // [N_d, n·d]
    float *kv;          // [N_e + N_d, (n+1)·d]; NULL with narrow heads, which project window by window
    float *heads;       // [B: n, T, d] narrow heads' results without the value's bias; NULL in evaluation
    float *kept;        // [B: n, T, 2] what tft_attend() keeps of them
    float *mean;        // [N_d, d]
} tft_attention_tape;

/* Where the weights go, padded as the batch is; NULL where nobody asks. */
typedef struct tft_attention_weights {
    size_t encoder_steps, decoder_steps;
    float *encoder; // [B, T, n, E]
    float *decoder; // [B, T, n, T]
} tft_attention_weights;

void tft_attention_define(tft_builder *builder, tft_attention *w, size_t hidden, size_t n_heads);
void tft_attention_tape_carve(tft_carve *carve, const tft_attention *w, size_t n_encoder, size_t n_decoder, bool keep,
                              tft_attention_tape *tape);
/* After the weights have changed: theirs, or those of the gate that reads the output. */
void tft_attention_refresh(tft_attention *w, const float *gate_w);
size_t tft_attention_tmp(const tft_attention *w, size_t n_encoder, size_t n_decoder, size_t encoder_steps,
                         size_t decoder_steps, bool backward);

/* Without `out` it ends with tape->mean, which direct_w reads. */
void tft_attention_forward(const tft_attention *w, const tft_rows *encoder, const tft_rows *decoder, bool causal,
                           const float *theta, tft_dropout dropout, tft_attention_tape *tape, float *out,
                           const tft_attention_weights *weights, float *tmp);
/* dout [N_d, H] is masked in place by dropout; dtheta [N_e + N_d, H] and grad are added to. */
void tft_attention_backward(const tft_attention *w, const tft_rows *encoder, const tft_rows *decoder, bool causal,
                            const float *theta, tft_dropout dropout, const tft_attention_tape *tape, float *dout,
                            tft_attention *grad, float *dtheta, float *tmp);

#endif
