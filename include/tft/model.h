/* model.h - one network: its weights, and forward and backward passes over a batch.
 *
 * Letters: B windows, E encoder steps (the longest in the batch), T decoder steps, M targets, Q = Σ quantiles of
 * all targets (tft_config_outputs), K anchors. Row-major.
 *
 * A batch is padded on the right: window b uses encoder steps 0 … encoder_lengths[b]−1 and decoder steps
 * 0 … decoder_lengths[b]−1; what stands in the padding is never read into a valid result.
 *
 * Memory:  a tft_model owns one arena of weights; a tft_workspace owns one arena of activations, sized for the
 *          largest batch named at its opening. No allocation inside a pass.
 * Threads: a model may be read by any number of threads, each with its own workspace. A pass runs on the calling
 *          thread; parallel callers cut batches by windows.
 */
#ifndef TFT_MODEL_H
#define TFT_MODEL_H

#include "tft/anchor.h"
#include "tft/config.h"
#include "tft/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tft_model tft_model;
typedef struct tft_workspace tft_workspace;

/* Inputs of one batch; all pointers are lent for the duration of the call. */
typedef struct tft_batch {
    size_t n_windows, encoder_steps, decoder_steps; // B, E, T
    const uint32_t *encoder_lengths;                // [B], each 1 … E
    const uint32_t *decoder_lengths;                // [B], each 1 … T
    const float *static_reals;                      // [B, n of static_inputs.reals], in the order of that list
    const float *encoder_reals;                     // [B, E, n of encoder_inputs.reals]
    const float *decoder_reals;                     // [B, T, n of decoder_inputs.reals]
    const int32_t *static_codes;                    // [B, n_categoricals]: the flat columns; only those that the
    const int32_t *encoder_codes;                   // [B, E, n_categoricals]  place's embeddings use are read; a code
    const int32_t *decoder_codes;                   // [B, T, n_categoricals]  outside its table reads as 0
    const float *target_scale;                      // [B, M, 2]: centre, scale (prediction = g(raw · scale + centre))
    const tft_anchor *anchors;                      // [B, M, K] in scaled units, or NULL with n_anchors = 0
    const float *signs;                             // [B, n_signs], or NULL with n_signs = 0
} tft_batch;

/* What the loss needs besides; NULL members where they do not apply. */
typedef struct tft_truth {
    const float *target;        // [B, T, M] real units, for TFT_LOSS_PREDICTION
    const float *target_scaled; // [B, T, M] scaled units, for TFT_LOSS_SCALED
    const float
        *cell_weight; // [B, T, M]: 0 = not scored (missing); NULL = all 1. A cell whose weight is 0 may hold NaN
    const uint32_t *event_step; // [B]: first step (1 … T) with an incident start, 0 = none seen
    const uint32_t *at_risk;    // [B]: steps observed at risk (0 … T), ≥ event_step
    float hazard_weight;        // factor of the hazard's likelihood in the loss
    float horizon_weight;       // of the probabilities within five horizons beside that likelihood (tft/loss.h)
} tft_truth;

typedef enum tft_loss_kind {
    TFT_LOSS_PREDICTION, // quantile loss on rescaled predictions, as pytorch-forecasting trains
    TFT_LOSS_SCALED      // quantile loss in scaled units with cell weights, as we train
} tft_loss_kind;

/* Where results go; NULL members are not computed where that saves work. */
typedef struct tft_outputs {
    float *raw;          // [B, T, Q] the output layers' values; with anchors, mixture plus correction, scaled units
    float *prediction;   // [B, T, Q] real units
    float *hazard_logit; // [B, T]
    float *encoder_attention; // [B, T, heads, E]
    float *decoder_attention; // [B, T, heads, T]
    float *static_selection;  // [B, n static]
    float *encoder_selection; // [B, E, n encoder]
    float *decoder_selection; // [B, T, n decoder]
    float *mixture_weights;   // [B, T, M, K]
} tft_outputs;

typedef struct tft_losses {
    double
        quantile; // Σ targets loss_weight · (Σ cells weight · mean over quantiles of 2·max((q−1)e, qe)) ÷ valid steps
    double hazard;  // mean over windows of the negative log likelihood, and horizon_weight · that of the five horizons
    double total;   // quantile + hazard_weight · hazard
    double n_steps; // valid decoder steps: Σ decoder_lengths
} tft_losses;

/* One named parameter tensor; the table of them is what initialising, loading, saving, optimising and
 * gradient-checking walk. Gradients of a workspace have the same table with the same indices. */
typedef struct tft_parameter {
    const char *name; // pytorch-forecasting's state_dict key (further names of a shared tensor are not listed)
    size_t n_dims, dims[3], n;
    float *data;   // [n], lent by the model
    bool no_decay; // biases, norms, masks, embeddings: no weight decay
} tft_parameter;

/* Makes a network with all weights 0 (call tft_model_randomize or load weights). The caller owns *model. */
tft_status tft_model_open(const tft_config *config, tft_model **model, tft_error *err);
void tft_model_close(tft_model *model); // accepts NULL
const tft_config *tft_model_config(const tft_model *model);

/* Initial values as pytorch-forecasting draws them (distributions, not its generator). */
void tft_model_randomize(tft_model *model, uint64_t seed);

size_t tft_model_n_parameters(const tft_model *model); // number of tensors
tft_parameter tft_model_parameter(const tft_model *model, size_t i);
size_t tft_model_n_values(const tft_model *model); // number of floats in all of them

/* Weights as safetensors. Loading checks names, shapes, types, bounds and finiteness, names the first fault, and
 * leaves the model unchanged where there is one. Aliases of shared tensors are accepted if they are equal. */
tft_status tft_model_load_weights(tft_model *model, const char *path, tft_error *err);
tft_status tft_model_save_weights(const tft_model *model, const char *path, tft_error *err);

/* A workspace for batches of up to max_windows × max_encoder × max_decoder steps. With `training`, it also holds
 * the tape and gradients. */
tft_status tft_workspace_open(const tft_model *model, size_t max_windows, size_t max_encoder, size_t max_decoder,
                              bool training, tft_workspace **workspace, tft_error *err);
void tft_workspace_close(tft_workspace *workspace); // accepts NULL
size_t tft_workspace_bytes(const tft_workspace *workspace);

/* Derived weights (packed, folded) follow the parameters only when told to: after writing to tft_parameter.data,
 * call this before the next pass. Loading and randomizing call it themselves. */
void tft_model_refresh(tft_model *model);

/* Makes evaluation two to three times as fast: the networks of single inputs become tables (src/tft/curves.h), good to 2e-6 of
 * their largest value, checked while they are made. Milliseconds; up to a megabyte for each input. tft_model_refresh() forgets
 * them again. Not while others evaluate with the model. */
tft_status tft_model_tabulate(tft_model *model, tft_error *err);

/* What the large products of evaluation are made in. Bfloat16 keeps 8 bits of mantissa of their factors and sums in float32; what it gives
 * and what it costs stands in docs/decisions/022-bf16.md. A new model is float32, and only such a model trains. Without instructions for it
 * (AVX512_BF16) it is emulated, slowly; tft_forecaster_set_precision() leaves it then. Not while others evaluate with the model. */
typedef enum tft_precision { TFT_PRECISION_FLOAT32, TFT_PRECISION_BF16 } tft_precision;
void tft_model_set_precision(tft_model *model, tft_precision precision);
tft_precision tft_model_precision(const tft_model *model);
const char *tft_precision_name(tft_precision precision);              // "float32", "bf16"
bool tft_precision_named(const char *name, tft_precision *precision); // false, and nothing written, for other names

/* Evaluation: no dropout, no tape. TFT_ERR_LIMIT where the batch is larger than the workspace, TFT_ERR_ARGUMENT
 * where a length is 0 or beyond its bound. */
tft_status tft_model_forward(const tft_model *model, tft_workspace *workspace, const tft_batch *batch,
                             const tft_outputs *outputs, tft_error *err);

/* One training pass: forward with dropout (p of the config if dropout_key ≠ 0, none if it is 0), loss, backward.
 * Gradients are ADDED to the workspace's; tft_workspace_zero_gradients() starts a step. `loss_scale` multiplies
 * the gradient, e.g. to weigh shards of one batch. `outputs` may be NULL. */
tft_status tft_model_train_pass(const tft_model *model, tft_workspace *workspace, const tft_batch *batch,
                                const tft_truth *truth, tft_loss_kind kind, uint64_t dropout_key, float loss_scale,
                                const tft_outputs *outputs, tft_losses *losses, tft_error *err);

void tft_workspace_zero_gradients(tft_workspace *workspace);
/* The gradient of parameter i, [n]; lent by the workspace. All gradients lie in one block in parameter order,
 * which starts at tft_workspace_gradient(w, 0) and is padded per tensor to 16 floats (zero there). */
float *tft_workspace_gradient(tft_workspace *workspace, size_t i);

#ifdef __cplusplus
}
#endif
#endif
