/* lstm.h - the recurrent layer that reads the past and writes the future, step by step.
 *
 * For one layer and step (Hochreiter, Schmidhuber 1997, with the forget gate of Gers et al. 2000; PyTorch's gate order):
 *     i, f, g, o = W_ih x_t + b_ih + W_hh h_{t−1} + b_hh
 *     c_t = σ(f) c_{t−1} + σ(i) tanh(g),   h_t = σ(o) tanh(c_t)
 * The paper's eq. 17 (gate and normalisation after it) is the caller's.
 *
 * W_ih x is one product for all steps; then each step is one [live windows, H] · [H, 4H] product. Rows lie in time
 * order (rows.h), so a step's rows are contiguous, and those of the step before are its states: nothing is copied. An
 * evaluation makes the product for some steps ahead only, so that gates never leave the cache.
 * With several layers, dropout acts on what a layer hands to the next.
 *
 * Shapes:  N = Σ lengths rows; x, y [N, H] packed; states [layers, B, H] in batch order.
 * Memory:  the caller owns every buffer. Threads: weights are only read; a tape and a tmp per thread.
 */
#ifndef TFT_TFT_LSTM_H
#define TFT_TFT_LSTM_H

#include "tft/carve.h"
#include "tft/dropout.h"
#include "tft/packed.h"
#include "tft/parameters.h"
#include "tft/rows.h"

#define TFT_LSTM_MAX_LAYERS 4

typedef struct tft_lstm { // also holds gradients: same fields, same shapes
    size_t hidden, n_layers;
    float *w_ih[TFT_LSTM_MAX_LAYERS], *w_hh[TFT_LSTM_MAX_LAYERS]; // [4H, H] each
    float *b_ih[TFT_LSTM_MAX_LAYERS], *b_hh[TFT_LSTM_MAX_LAYERS]; // [4H] each
    tft_packed ih_packed[TFT_LSTM_MAX_LAYERS], hh_packed[TFT_LSTM_MAX_LAYERS];
} tft_lstm;

/* Without `keep` only the first of each is there: a few rows of x and gates, and h for what a layer hands to the next. */
typedef struct tft_lstm_tape {
    bool keep;
    float *x[TFT_LSTM_MAX_LAYERS];                            // [N, H] what each layer read, in time
    float *h[TFT_LSTM_MAX_LAYERS], *c[TFT_LSTM_MAX_LAYERS];   // [N, H] states after each step, in time
    float *tanh_c[TFT_LSTM_MAX_LAYERS];                       // [N, H]
    float *gates[TFT_LSTM_MAX_LAYERS];                        // [N, 4H] activated
    float *h0[TFT_LSTM_MAX_LAYERS], *c0[TFT_LSTM_MAX_LAYERS]; // [B, H] first states, by rank
} tft_lstm_tape;

/* One state per layer: rows [B, H] in batch order. */
typedef struct tft_lstm_state {
    float *h[TFT_LSTM_MAX_LAYERS], *c[TFT_LSTM_MAX_LAYERS];
} tft_lstm_state;

void tft_lstm_define(tft_builder *builder, tft_lstm *w, const char *name, size_t hidden, size_t n_layers);
void tft_lstm_refresh(tft_lstm *w); // after the weights have changed
void tft_lstm_state_carve(tft_carve *carve, const tft_lstm *w, size_t n_windows, tft_lstm_state *state);
void tft_lstm_tape_carve(tft_carve *carve, const tft_lstm *w, size_t n, size_t n_windows, bool keep,
                         tft_lstm_tape *tape);
size_t tft_lstm_tmp(const tft_lstm *w, size_t n, size_t n_windows, bool backward);

/* From `first` to `last` (each window's state after its own last step; NULL if nobody asks). */
void tft_lstm_forward(const tft_lstm *w, const tft_rows *rows, const float *x, const tft_lstm_state *first,
                      tft_dropout dropout, tft_lstm_tape *tape, float *y, tft_lstm_state *last, float *tmp);
/* `dlast` (NULL if last was): gradient of the last states; `dfirst` is overwritten, it may be dlast. dx [N, H] and grad
 * are added to. */
void tft_lstm_backward(const tft_lstm *w, const tft_rows *rows, tft_dropout dropout, const tft_lstm_tape *tape,
                       const float *dy, const tft_lstm_state *dlast, tft_lstm *grad, float *dx, tft_lstm_state *dfirst,
                       float *tmp);

#endif
