/* window.h - from a server's history to the numbers that the network reads.
 *
 * A window is what a forecast at one origin may know: the last `context` steps up to the origin, the calendar,
 * values one, two and seven days before each horizon step (they lie in the past for any horizon under 24 h, so the
 * decoder may know them), statistics of the last hour, day and week, and K simple forecasts ("anchors") that the
 * mixture output starts from. Everything is scaled by the window itself, so that a server never seen in training
 * works:  scale[m] = mean of the 24 h mean and the 7 d mean of |value|, at least metric.scale_floor;
 * real inputs made of values are asinh(value / scale), anchors and targets are value / scale.
 * Nothing after the origin is ever read (a test holds this).
 *
 * tft_features_config() writes the variables this file makes into a network's configuration; tft_window_build()
 * fills them in exactly that order. Both walk one table (src/series/features.c), so they cannot disagree; docs/DATA.md
 * tells what each variable is.
 *
 * Missing values: a gap inside the encoder carries the last value forward and is marked; a metric that the window
 * never saw is 0 everywhere and marked in the statics. Lags without history are 0 and marked.
 *
 * Memory:  the caller owns the arrays of tft_window (tft_window_layout counts or places them in an arena).
 * Threads: pure functions of their arguments; a scratch per thread.
 */
#ifndef TFT_WINDOW_H
#define TFT_WINDOW_H

#include "tft/anchor.h"
#include "tft/config.h"
#include "tft/contract.h"
#include "tft/series.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many anchors a mixture has, and their names (for the model card and explanations). */
size_t tft_window_anchors(void);
const char *tft_window_anchor_name(const tft_config *config, size_t k);

/* What the network's configuration should be for this contract: fills variable lists, embeddings (state, profile),
 * targets with `quantiles` (ascending), lengths, n_anchors (0 without mixture) and hazard. The caller has set hidden_size,
 * n_heads, lstm_layers, hidden_continuous_size, dropout, causal_attention before. */
tft_status tft_features_config(const tft_contract *contract, const float *quantiles, size_t n_quantiles, bool mixture,
                               bool hazard, tft_config *config, tft_error *err);

/* One window's rows, laid out as tft_batch wants them with E = context and T = horizon. */
typedef struct tft_window {
    uint32_t encoder_length; // steps from the first known one inside the context to the origin, 1 … context
    uint32_t decoder_length;
    float *static_reals;    // [n static reals]
    float *encoder_reals;   // [context, n encoder reals]; rows 0 … encoder_length−1 are filled, oldest first
    float *decoder_reals;   // [horizon, n decoder reals]
    int32_t *static_codes;  // [n_categoricals]
    int32_t *encoder_codes; // [context, n_categoricals]
    int32_t *decoder_codes; // [horizon, n_categoricals]
    float *target_scale;    // [M, 2]: 0, scale
    float *anchor_values;   // what the anchors point at; NULL without mixture, as they are
    tft_anchor *anchors;    // [M, K] scaled
    float *signs;           // [n_signs] inputs of the incident head alone; NULL without
    size_t n_known;         // steps with records inside the context, the origin's included
} tft_window;

/* Places a window's arrays in an arena (or counts them: src/base/arena.h). */
struct tft_arena;
void tft_window_layout(const tft_config *config, struct tft_arena *arena, tft_window *window);

/* What the network is shown of a history; training uses it to show every kind. All zero for a plain window. */
typedef struct tft_window_view {
    size_t
        encoder; // the encoder reads at most so many steps, the newest (0 = the context); lags and statistics reach further
    size_t history;          // pretend that the server is only this many steps old (0 = all of it)
    double newest_fill;      // 0 = as it is; else the newest step is made as if only this share of it had passed:
                             // noise of (1 − share) · 0.7 · the median step-to-step change of the last 12 steps
    const uint8_t *hidden;   // [memory] steps to treat as missing, index 0 = origin, 1 = the step before …; or NULL
    uint32_t metrics_hidden; // bit m: pretend that metric m is never reported
    uint64_t seed;           // for the noise of newest_fill
} tft_window_view;

typedef struct tft_window_scratch tft_window_scratch; // sorting space and the like
tft_status tft_window_scratch_open(const tft_contract *contract, tft_window_scratch **scratch, tft_error *err);
void tft_window_scratch_close(tft_window_scratch *scratch);

/* Fills `window` for the forecast whose last known step is number `origin` (the series may lack that step, or end before
 * it). `view` may be NULL. `scratch` was opened for this contract.
 * TFT_ERR_STATE with fewer than 2 known steps inside the context, or none of the targets ever seen in it;
 * TFT_ERR_MISMATCH where the configuration was not made by tft_features_config() for this contract. */
tft_status tft_window_build(const tft_contract *contract, const tft_config *config, const tft_series *series,
                            int64_t origin, const tft_window_view *view, tft_window_scratch *scratch,
                            tft_window *window, tft_error *err);

/* The truth after an origin, for training and scoring: target_scaled [horizon, M] (value / scale; 0 where missing),
 * cell_weight [horizon, M] (1, or 0 where missing, offline or past `last_step`), event_step and at_risk as tft_truth.
 * at_risk ends before the first step that says nothing about incidents: without records, in maintenance, in a planned
 * offline, past `last_step`. By state it is 0 for a series that is not `labelled`: there are no labels to learn from. */
void tft_window_truth(const tft_contract *contract, const tft_series *series, int64_t origin, int64_t last_step,
                      const float *target_scale, float *target_scaled, float *cell_weight, uint32_t *event_step,
                      uint32_t *at_risk);

#ifdef __cplusplus
}
#endif
#endif
