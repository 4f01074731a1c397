/* workspace.h - all that one pass writes: tapes, activations, scratch, gradients; internal to src/tft.
 *
 *     arena: | tapes and activations, sized for the largest batch | scratch | gradients (training) |
 *
 * Letters: B windows, E encoder steps, T decoder steps, J = E + T, H hidden_size, Q outputs, M targets, K anchors.
 */
#ifndef TFT_TFT_WORKSPACE_H
#define TFT_TFT_WORKSPACE_H

#include "tft/attention.h"
#include "tft/lstm.h"
#include "tft/model.h"
#include "tft/selection.h"

struct tft_model {
    tft_config config;
    tft_arena arena; // the block of weights
    float *block;
    size_t n_floats, n_tensors;
    tft_tensor_spec *specs; // [n_tensors]
    tft_weights weights;
};

struct tft_workspace {
    const tft_model *model;
    size_t max_windows, max_encoder, max_decoder;
    bool training;
    tft_arena arena;
    tft_scratch scratch;

    tft_selection_tape static_tape, encoder_tape, decoder_tape;
    float *statics; // [B, H]
    tft_grn_tape selection_tape, hidden_tape, cell_tape, enrichment_context_tape;
    float *context_selection, *context_hidden, *context_cell, *context_enrichment; // [B, H]
    float *encoder_selected, *decoder_selected;                                    // [B E, H], [B T, H]
    uint8_t *encoder_live, *decoder_live;                                          // [E, B], [T, B]
    tft_lstm_tape encoder_lstm[TFT_MAX_LAYERS], decoder_lstm[TFT_MAX_LAYERS];
    float *selected, *lstm, *local, *theta; // [B J, H]
    tft_gate_norm_tape post_lstm_tape;
    tft_grn_tape enrichment_tape;
    tft_attention_tape attention_tape;
    float *attended, *theta_decoder, *local_decoder, *delta, *psi, *decoded; // [B T, H]
    tft_gate_norm_tape post_attention_tape, pre_output_tape;
    tft_grn_tape position_tape;
    float *raw, *prediction; // [B T, Q]
    float *mixture;          // [B T, M K] softmax weights
    float *hazard;           // [B T]

    float *gradients; // one block in parameter order
    tft_weights grad;
};

/* Forward over a checked batch; dropout.p = 0 in evaluation. What it computes stays in the workspace. */
void tft_pass_forward(const tft_model *model, tft_workspace *ws, const tft_batch *batch, tft_dropout dropout);

/* Backward from draw [B T, Q] (gradient of raw) and dhazard [B T] (or NULL); adds to ws->grad. */
void tft_pass_backward(const tft_model *model, tft_workspace *ws, const tft_batch *batch, tft_dropout dropout,
                       const float *draw, const float *dhazard);

#endif
