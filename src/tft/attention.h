/* attention.h - interpretable multi-head attention: one value head for all, so that the heads' weights can be averaged.
 *
 * Lim et al. 2021:
 *     A_h = softmax(Q_h K_hᵀ / √d),  Q_h = θ W_q^h, K_h = θ W_k^h, V = θ W_v          (9–12, 13)
 *     y   = (1/n Σ_h A_h V) W_H                                                        (14–16)
 * Queries are the decoder steps, keys and values all steps. A query t sees every known encoder step and, causal, the decoder
 * steps before it (j < t: not itself, as in pytorch-forecasting), else all valid decoder steps.
 *
 * Keys of one window are put side by side (known encoder steps, then decoder steps), so that what a causal query sees is
 * a prefix of them, and padding costs nothing.
 *
 * Shapes: θ [B, E + T, D], y [B, T, D], weights [B, heads, T, E + T] over the packed keys (tape).
 */
#ifndef TFT_TFT_ATTENTION_H
#define TFT_TFT_ATTENTION_H

#include <stdint.h>

#include "tft/gate_norm.h"

typedef struct tft_attention_tape {
    float *keys;      // [B, E + T, heads d] packed
    float *values;    // [B, E + T, d] packed
    float *theta;     // [B, E + T, D] packed rows of θ
    float *queries;   // [B, T, heads d]
    float *weights;   // [B, heads, T, E + T]
    float *mean;      // [B T, d] mean over heads of A V
    float *head_mask; // [B, heads, T, d] dropout, or NULL
    float *out_mask;  // [B T, D] dropout, or NULL
    float *packed;    // weights of all heads side by side: [heads d, D] queries, then keys, then their biases
} tft_attention_tape;

typedef struct tft_attention_shape {
    size_t n_windows, encoder_steps, decoder_steps, hidden, n_heads;
    const uint32_t *encoder_lengths, *decoder_lengths;
    bool causal;
} tft_attention_shape;

void tft_attention_tape_layout(tft_arena *arena, size_t n_windows, size_t encoder_steps, size_t decoder_steps,
                               size_t hidden, size_t n_heads, bool dropout, tft_attention_tape *tape);
void tft_attention_forward(const tft_attention_weights *w, const tft_attention_shape *shape, const float *theta,
                           tft_dropout dropout, const tft_attention_tape *tape, tft_scratch *scratch, float *y);
/* dy is overwritten; dtheta [B, E + T, D] is added to. */
void tft_attention_backward(const tft_attention_weights *w, const tft_attention_shape *shape, tft_dropout dropout,
                            const tft_attention_tape *tape, float *dy, tft_scratch *scratch,
                            tft_attention_weights *grad, float *dtheta);

#endif
