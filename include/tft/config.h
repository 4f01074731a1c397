/* config.h - the shape of one network: which inputs it reads, how wide it is, what it puts out.
 *
 * The words are those of Lim et al. 2021 (arXiv:1912.09363v3) and of pytorch-forecasting, whose
 * TemporalFusionTransformer this network equals when `n_anchors` is 0 and `hazard` is false. On top of the
 * paper it can have
 *   - a mixture output (n_anchors = K > 0): quantile q of target m at step t is
 *         Σ_k softmax_k(logits[t, m, :])[k] · anchor_k(t, m, q)  +  correction[t, m, q],
 *     a learned convex mixture of K simple forecasts plus the network's own correction, in scaled units;
 *   - a hazard head (hazard = true): one logit per horizon step; P(incident within h) = 1 − Π_{t≤h} (1 − σ(logit_t)).
 *
 * A plain struct without pointers: copy it freely. Bounds are below; tft_config_check() holds them.
 */
#ifndef TFT_CONFIG_H
#define TFT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TFT_MAX_NAME 64   // bytes of a variable's name, with its NUL
#define TFT_MAX_REALS 192 // distinct real inputs
#define TFT_MAX_CATEGORICALS 32
#define TFT_MAX_TARGETS 32
#define TFT_MAX_QUANTILES 33
#define TFT_MAX_ANCHORS 16
#define TFT_MAX_SIGNS 256
#define TFT_MAX_TREES 1000 // a horizon

typedef enum tft_transform { TFT_TRANSFORM_IDENTITY, TFT_TRANSFORM_SOFTPLUS } tft_transform;

typedef struct tft_real {
    char name[TFT_MAX_NAME];
    uint16_t size; // width of its embedding; 0 = hidden_continuous_size
} tft_real;

/* One embedding table. A group (n_members > 1) sums the rows of its members' codes. */
typedef struct tft_embedding {
    char name[TFT_MAX_NAME];
    uint32_t cardinality;
    uint16_t dim;
    uint8_t n_members;                     // 1 unless it is a group
    uint8_t members[TFT_MAX_CATEGORICALS]; // columns of the flat list `categorical_names`
    bool padding;                          // row 0 stands for "unknown" and is never trained (PyTorch's padding_idx)
} tft_embedding;

typedef struct tft_target {
    char name[TFT_MAX_NAME];
    tft_transform transform;
    float loss_weight;
    uint8_t n_quantiles;
    float quantiles[TFT_MAX_QUANTILES]; // ascending, inside (0, 1)
} tft_target;

/* A list of variables read at one place: embeddings first, then reals, in this order in the network. */
typedef struct tft_inputs {
    uint16_t n_embeddings, n_reals;
    uint8_t embeddings[TFT_MAX_CATEGORICALS]; // indices into tft_config.embeddings
    uint8_t reals[TFT_MAX_REALS];             // indices into tft_config.reals
} tft_inputs;

typedef struct tft_config {
    size_t hidden_size, n_heads, lstm_layers, hidden_continuous_size;
    float dropout;
    bool causal_attention;
    bool share_single_variable_networks;
    size_t max_encoder_length, max_decoder_length;

    size_t n_reals, n_categoricals, n_embeddings, n_targets;
    tft_real reals[TFT_MAX_REALS];
    char categorical_names[TFT_MAX_CATEGORICALS][TFT_MAX_NAME];
    tft_embedding embeddings[TFT_MAX_CATEGORICALS];
    tft_target targets[TFT_MAX_TARGETS];
    tft_inputs static_inputs, encoder_inputs, decoder_inputs;

    size_t n_anchors;    // 0 = the plain network
    bool clock_anchors;  // three of the anchors are quantiles by the clock (series/anchors.h)
    bool tilted_mixture; // weights differ by quantile, with a bias of their own at every decoder step (tft/mixture.h)
    bool hazard;
    bool wide_hazard;    // real static and known inputs reach the hazard directly too (tft/hazard.h)
    bool shallow_hazard; // the decoder's vector does not
    size_t n_signs;      // inputs of the hazard alone, 0 = none, and the hidden size of the network that reads them
    size_t sign_hidden;  // (tft/signs.h)
    size_t n_trees;      // boosted trees per horizon of the judge of the same signs, 0 = no judge (tft/judge.h)
} tft_config;

/* TFT_ERR_ARGUMENT names the first field that is out of its bounds. */
tft_status tft_config_check(const tft_config *config, tft_error *err);

/* Σ over targets of their number of quantiles: the width of one row of predictions. */
size_t tft_config_outputs(const tft_config *config);

#ifdef __cplusplus
}
#endif
#endif
