/* lstm.h - the sequence-to-sequence layer: encoder and decoder LSTM, each of 1 … TFT_MAX_LAYERS layers.
 *
 *     (i, f, g, o) = W_ih x_t + b_ih + W_hh h_{t−1} + b_hh
 *     c_t = σ(f) c_{t−1} + σ(i) tanh(g);   h_t = σ(o) tanh(c_t)          Hochreiter & Schmidhuber 1997, PyTorch's order
 *
 * Window b runs lengths[b] steps; after its last one its state stands still, and its output is 0. The input product of
 * all steps is one matrix product; only the recurrent one is done step by step, for all windows at once.
 *
 * Shapes: x [B, T, H]; first state h0, c0 [B, H] the same for each layer (encoder) or one per layer (decoder: what the
 * encoder's layers ended with); output [B, ·, H] with `stride` floats from one window to the next.
 * States lie time-major: h[(t+1) B H + b H + k] is the state after step t; index 0 holds the first state.
 */
#ifndef TFT_TFT_LSTM_H
#define TFT_TFT_LSTM_H

#include <stdint.h>

#include "tft/gate_norm.h"

typedef struct tft_lstm_tape {
    float *x;     // [B, T, H] the layer's input (layer 0: the caller's, copied; later: what the one before put out)
    float *mask;  // [B, T, H] dropout on that input; layers ≥ 1
    float *gates; // [T, B, 4H] activated
    float *h, *c, *tanh_c; // [T + 1, B, H], [T + 1, B, H], [T, B, H]
} tft_lstm_tape;

void tft_lstm_tape_layout(tft_arena *arena, size_t n_layers, size_t n_windows, size_t n_steps, size_t hidden,
                          bool dropout, tft_lstm_tape *layers);

/* live [T, B] is 1 where step t of window b counts. first_h, first_c: one pointer per layer. */
void tft_lstm_forward(const tft_lstm_weights *w, size_t n_layers, const float *x, const uint8_t *live, size_t n_windows,
                      size_t n_steps, size_t hidden, const float *const *first_h, const float *const *first_c,
                      tft_dropout dropout, const tft_lstm_tape *layers, tft_scratch *scratch, float *y, size_t stride);

/* dy as y. last_dh, last_dc: gradient of each layer's last state coming from elsewhere, or NULL. Adds to dx [B, T, H] and to
 * first_dh, first_dc [B, H] per layer (the same pointer may stand there twice). */
void tft_lstm_backward(const tft_lstm_weights *w, size_t n_layers, const uint8_t *live, size_t n_windows,
                       size_t n_steps, size_t hidden, tft_dropout dropout, const tft_lstm_tape *layers, const float *dy,
                       size_t stride, float *const *last_dh, float *const *last_dc, tft_scratch *scratch,
                       tft_lstm_weights *grad, float *dx, float *const *first_dh, float *const *first_dc);

#endif
