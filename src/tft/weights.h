/* weights.h - where every parameter of the network stands: the one table that all else walks.
 *
 * tft_weights_walk() goes through the network in a fixed order and names each tensor once: its pytorch-forecasting key,
 * shape, how it is drawn at the start, and whether weight decay acts on it. The same walk counts (base NULL), points the
 * layers' structs into a block of weights, and points a second set of structs into a block of gradients, so the two
 * cannot disagree. Tensors are padded to 16 floats inside a block.
 *
 * Each *_weights struct also serves as the gradient of the same layer: same fields, same shapes.
 */
#ifndef TFT_TFT_WEIGHTS_H
#define TFT_TFT_WEIGHTS_H

#include "tft/config.h"

#define TFT_MAX_LAYERS 4
#define TFT_MAX_HEADS 32
#define TFT_MAX_VARIABLES (TFT_MAX_REALS + TFT_MAX_CATEGORICALS)

typedef struct tft_linear_weights {
    size_t in, out;
    float *w, *b; // [out, in], [out] or NULL
} tft_linear_weights;

typedef struct tft_norm_weights {
    size_t d;
    float *w, *b; // [d], [d]
} tft_norm_weights;

typedef struct tft_resample_weights {
    size_t in, out;
    float *mask; // [out]
    tft_norm_weights norm;
} tft_resample_weights;

typedef struct tft_gate_norm_weights {
    tft_linear_weights glu; // [2 out, in], value rows first
    tft_norm_weights norm;
} tft_gate_norm_weights;

typedef struct tft_grn_weights {
    size_t in, hidden, out;
    tft_linear_weights fc1, context, fc2; // context.w NULL where there is none
    tft_gate_norm_weights gate;
    tft_resample_weights skip; // used where in ≠ out
} tft_grn_weights;

typedef struct tft_selection_weights {
    size_t n, width;                  // variables, Σ of their embedded sizes
    size_t offset[TFT_MAX_VARIABLES]; // column of each variable in the concatenation
    size_t size[TFT_MAX_VARIABLES];
    bool resample_only[TFT_MAX_VARIABLES]; // a categorical: ResampleNorm instead of a GRN
    tft_grn_weights single[TFT_MAX_VARIABLES];
    tft_grn_weights flattened; // n ≥ 2
} tft_selection_weights;

typedef struct tft_lstm_weights {
    float *w_ih, *w_hh, *b_ih, *b_hh; // [4H, H], [4H, H], [4H], [4H]; gates i, f, g, o
} tft_lstm_weights;

typedef struct tft_attention_weights {
    tft_linear_weights v, q[TFT_MAX_HEADS], k[TFT_MAX_HEADS], w_h;
} tft_attention_weights;

typedef struct tft_weights {
    tft_linear_weights prescaler[TFT_MAX_REALS]; // w NULL where the real is read nowhere
    float *embedding[TFT_MAX_CATEGORICALS];      // [cardinality, dim]
    tft_selection_weights static_selection, encoder_selection, decoder_selection;
    tft_grn_weights context_selection, context_hidden, context_cell, context_enrichment;
    tft_lstm_weights encoder_lstm[TFT_MAX_LAYERS], decoder_lstm[TFT_MAX_LAYERS];
    tft_gate_norm_weights post_lstm;
    tft_grn_weights enrichment;
    tft_attention_weights attention;
    tft_gate_norm_weights post_attention;
    tft_grn_weights position_wise;
    tft_gate_norm_weights pre_output;
    tft_linear_weights output[TFT_MAX_TARGETS];
    tft_linear_weights mixture; // [M K, H]
    tft_linear_weights hazard;  // [1, H]
} tft_weights;

typedef enum tft_draw {
    TFT_DRAW_ZERO,
    TFT_DRAW_ONE,
    TFT_DRAW_HE,     // normal, std √(2 / fan_in)
    TFT_DRAW_XAVIER, // uniform ±√(6 / (fan_in + fan_out))
    TFT_DRAW_FAN_IN, // uniform ±1/√fan_in
    TFT_DRAW_NORMAL, // normal(0, 1)
    TFT_DRAW_SMALL,  // uniform ±0.01/√fan_in: the correction and the mixture start near "all anchors alike"
    TFT_DRAW_RARE    // −7: an event is rare before anything is known
} tft_draw;

typedef struct tft_tensor_spec {
    char name[192];
    size_t n_dims, dims[3], n;
    size_t at; // place in a block, floats
    tft_draw draw;
    size_t fan_in, fan_out;
    bool no_decay;
} tft_tensor_spec;

/* Walks the network of `config`. specs: NULL, or room for *n_specs of an earlier walk. base: the block, or NULL to count.
 * Writes the number of tensors and of floats in a block. `weights` receives shapes always, pointers with a base. */
void tft_weights_walk(const tft_config *config, float *base, tft_weights *weights, tft_tensor_spec *specs,
                      size_t *n_specs, size_t *n_floats);

#endif
