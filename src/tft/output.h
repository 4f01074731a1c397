/* output.h - from the decoder's vectors to quantiles: one linear layer per target, and the mixture of anchors.
 *
 *     plain (23):   raw[q] = W_q x + b_q
 *     mixture:      raw[q] = Σ_k weight_k(q) · anchor_k(q) + (W_q x + b_q) · spread      (mixture.h; spread 1 where shared)
 *
 *     prediction[q] = g(raw[q] · scale + centre),   g identity or softplus (a itself above 20, as PyTorch)
 *
 * Shapes:  N decoder rows; raw [N, Q] with the quantiles of target 0 first; anchors [B, M, K].
 * Memory:  the caller owns every buffer. Threads: weights are only read.
 */
#ifndef TFT_TFT_OUTPUT_H
#define TFT_TFT_OUTPUT_H

#include "tft/config.h"
#include "tft/mixture.h"
#include "tft/parameters.h"
#include "tft/rows.h"

typedef struct tft_output { // also holds gradients: same fields, same shapes
    size_t hidden, n_targets, n_outputs;
    float *w[TFT_MAX_TARGETS], *b[TFT_MAX_TARGETS]; // [quantiles, H], [quantiles]
    uint8_t n_quantiles[TFT_MAX_TARGETS];
    tft_mixture mixture; // n_anchors 0: the plain network
} tft_output;

void tft_output_define(tft_builder *builder, tft_output *w, const tft_config *config);

void tft_output_forward(const tft_output *w, const tft_rows *rows, const float *x, const tft_anchor *anchors,
                        float *raw, float *logits);
/* dx [N, H] and grad are added to; logits as forward left them; draw is used up; dlogits is [N, width of the mixture] of working memory. */
void tft_output_backward(const tft_output *w, const tft_rows *rows, const float *x, const tft_anchor *anchors,
                         const float *logits, float *draw, tft_output *grad, float *dx, float *dlogits);

/* target_scale [B, M, 2]. */
void tft_output_rescale(const tft_config *config, const tft_rows *rows, const float *raw, const float *target_scale,
                        float *prediction);

#endif
