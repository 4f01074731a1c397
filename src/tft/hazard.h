/* hazard.h - the incident head: one logit for every step of the horizon, deep and wide.
 *
 *     logit_t = w·x_t + b                              deep: the decoder's vector (not with config.shallow_hazard)
 *             + Σ_k φ_k(t) · (S_k · s) + D · d_t       wide: the window's own inputs, straight (config.wide_hazard)
 *
 * s are the real static inputs, d_t the real inputs that the decoder knows of step t, φ = 1, e^{-(t-1)/3}, e^{-(t-1)/12},
 * e^{-(t-1)/48}: what counts in the next quarter of an hour need not count in the eighth hour. Incidents are rare; "at
 * 88 % and rising", "twenty minutes into a run", "this happened yesterday at the same time" say most of it, and a linear
 * model of such inputs learns it from a few hundred incidents, while a deep one has to get it through variable selection and
 * dropout first. So the deep part only learns what the wide one leaves (Cheng et al. 2016, "Wide & Deep Learning", section 3).
 *
 * Shapes:  B windows, N decoder rows; x [N, H], statics [B, n_static], known [N, n_known], logit [N], by_window [B, 4].
 * Memory:  the caller owns every buffer. Threads: weights are only read.
 */
#ifndef TFT_TFT_HAZARD_H
#define TFT_TFT_HAZARD_H

#include "tft/config.h"
#include "tft/parameters.h"
#include "tft/rows.h"

#define TFT_HAZARD_CURVES 4 // φ

typedef struct tft_hazard {           // also holds gradients: same fields, same shapes
    size_t hidden, n_static, n_known; // the last two 0 without the wide part
    float *w, *b;                     // [1, H], [1]; NULL without the head, w also where it is shallow
    float *statics, *known;           // [4, n_static], [1, n_known]; NULL without the wide part
} tft_hazard;

typedef struct tft_hazard_inputs {
    const tft_rows *rows;
    const float *x, *statics, *known;
} tft_hazard_inputs;

void tft_hazard_define(tft_builder *builder, tft_hazard *w, const tft_config *config);

/* by_window is working memory. */
void tft_hazard_forward(const tft_hazard *w, const tft_hazard_inputs *in, float *by_window, float *logit);
/* dx [N, H] and grad are added to; by_window is working memory. */
void tft_hazard_backward(const tft_hazard *w, const tft_hazard_inputs *in, const float *dlogit, tft_hazard *grad,
                         float *dx, float *by_window);

#endif
