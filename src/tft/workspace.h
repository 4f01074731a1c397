/* workspace.h - everything a pass writes: packed inputs, activations, their gradients, scratch; for this room only.
 *
 *     arena: | struct arrays | packed rows | activations and tape | (training) gradients of weights and activations | tmp |
 * laid out by one function that runs on a counting arena and on the real one.
 */
#ifndef TFT_TFT_WORKSPACE_H
#define TFT_TFT_WORKSPACE_H

#include "tft/model_internal.h"
#include "tft/shared_inputs.h"

/* Activations of one batch, in the order in which they are made. Letters: B windows, N_e and N_d packed encoder and
 * decoder rows, N = N_e + N_d in one block, the encoder's first. */
typedef struct tft_activations {
    float *encoder_reals, *decoder_reals;                   // [N_e, n], [N_d, n]
    uint32_t *static_codes, *encoder_codes, *decoder_codes; // [B, n], [N_e, n], [N_d, n]: checked
    uint32_t *window_of;                                    // [N]
    float *statics, *static_weights;                        // [B, H], [B, V]
    float *c_selection, *c_hidden, *c_cell, *c_enrichment;  // [B, H]
    tft_grn_tape t_selection, t_hidden, t_cell, t_enrichment;
    float *encoder_product, *decoder_product, *enrichment_product; // [B, hidden of that network]
    float *selected;                                               // [N, H]
    float *encoder_weights, *decoder_weights;                      // [N_e, V], [N_d, V]
    tft_lstm_tape lstm_encoder, lstm_decoder;
    tft_lstm_state middle; // between the two
    float *lstm;           // [N, H]
    tft_gate_tape post_lstm;
    float *local; // [N, H]
    tft_grn_tape enrichment;
    float *theta; // [N, H]
    tft_attention_tape attention_tape;
    float *attention; // [N_d, H]
    tft_gate_tape post_attention;
    float *delta; // [N_d, H]
    tft_grn_tape feed_forward;
    float *psi; // [N_d, H]
    tft_gate_tape pre_output;
    float *out;                                 // [N_d, H]
    float *raw, *prediction, *mixture, *hazard; // [N_d, Q], [N_d, Q], [N_d, width of the mixture's logits], [N_d]
    float *hazard_by_window;                    // [B, 4], of both directions
    tft_signs_tape signs;
} tft_activations;

typedef struct tft_activation_gradients {
    float *statics, *c_selection, *c_hidden, *c_cell, *c_enrichment;
    float *encoder_product, *decoder_product, *enrichment_product;
    float *selected, *lstm, *local, *theta, *attention, *delta, *psi, *out;
    float *raw, *logits, *hazard;
    tft_lstm_state first, middle;
} tft_activation_gradients;

struct tft_workspace {
    const tft_model *model; // lent
    tft_arena arena;
    size_t max_windows, max_encoder, max_decoder;
    bool training;
    tft_rows encoder, decoder;
    tft_shared_inputs shared_encoder, shared_decoder; // evaluation
    tft_activations a;
    tft_activation_gradients d;
    bool folded;                                       // the selections work with the model's folds
    tft_fold statics_fold, encoder_fold, decoder_fold; // training: gradients of the folds
    tft_network grad;                                  // training: the same layers over `gradients`
    float *gradients;                                  // [model->n_floats]
    float *tmp;                                        // what one layer needs at a time
    size_t n_tmp;
};

#endif
