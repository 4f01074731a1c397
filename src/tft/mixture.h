/* mixture.h - the output as a learned convex mixture of simple forecasts ("anchors", series/anchors.h).
 *
 *     forecast[q] = Σ_k weight[q,k] · anchor_k(q)  (+ the output layer's correction)
 *
 * Two forms, told by the configuration:
 *   shared  weight[·,k] = Softmax_k(W x + b): one mixture per target and step for all its quantiles. Since every anchor
 *           ascends in q, so does the mixture. Models of version 0.1.0.
 *   tilted  weight[q,k] = Softmax_k(α_k + z_q β_k), α and β from W x + b + 5 s_t, z_q = ½ ln(q / (1 − q)). A machine that is
 *           either idle or busy is forecast by "idle" at low levels and "busy" at high ones: a mixture of distributions,
 *           which shared weights can only average into a state that never occurs. s_t is a bias of decoder step t alone:
 *           which simple forecast is best depends on how far it looks ahead above all. Quantiles may cross; whoever shows
 *           them sorts (forecaster.h).
 *
 * Shapes:  N decoder rows; logits [N, width], width = M·K or, tilted, 2·M·K (a target's α, then its β); anchors [B, M, K].
 * Memory:  the caller owns every buffer. Threads: weights are only read.
 */
#ifndef TFT_TFT_MIXTURE_H
#define TFT_TFT_MIXTURE_H

#include "tft/anchor.h"
#include "tft/config.h"
#include "tft/parameters.h"
#include "tft/rows.h"

/* Logits move by several units within the first steps of the horizon, a network's weights by hundredths: this factor of s_t
 * lets the optimiser, whose steps are all of one size, get there in time. */
#define TFT_MIXTURE_STEP_GAIN 5.0

typedef struct tft_mixture { // also holds gradients: same fields, same shapes
    size_t hidden, n_targets, n_anchors, n_outputs, width;
    bool tilted;
    float *w, *b, *step; // [width, H], [width]; tilted: [T, width]
    uint8_t n_quantiles[TFT_MAX_TARGETS];
    float z[TFT_MAX_TARGETS][TFT_MAX_QUANTILES];
} tft_mixture;

size_t tft_mixture_width(const tft_config *config); // 0 without anchors
void tft_mixture_define(tft_builder *builder, tft_mixture *w, const tft_config *config);

/* raw [N, Q] holds the output layer's values and becomes mixture + spread · values. The spread, 1 where weights are shared, is how far
 * the anchors of a row and target lie apart, from the smallest lowest level to the largest highest (at most 4, plus 0.02, in scaled units): a correction may move a forecast as far as the
 * simple ones disagree, and leaves a flat line flat. In the first 24 steps, as a random walk would, only by √(t / 24) of that.
 * logits stay for backward and for tft_mixture_weights(). */
void tft_mixture_forward(const tft_mixture *w, const tft_rows *rows, const float *x, const tft_anchor *anchors,
                         float *raw, float *logits);
/* draw [N, Q] becomes the gradient of the output layer's values; dx [N, H] and grad are added to; dlogits [N, width] of working
 * memory. */
void tft_mixture_backward(const tft_mixture *w, const tft_rows *rows, const float *x, const tft_anchor *anchors,
                          const float *logits, float *draw, tft_mixture *grad, float *dx, float *dlogits);

/* What each anchor weighs, mean over a target's quantiles: logits [n, width] → weights [n, M·K]. */
void tft_mixture_weights(const tft_mixture *w, const float *logits, size_t n, float *weights);

#endif
