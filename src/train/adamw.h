/* adamw.h - AdamW and the running average of weights, over a range of floats.
 *
 * Loshchilov, Hutter 2019 (Decoupled Weight Decay Regularization, algorithm 2), at step t = 1, 2, …:
 *     m ← β₁ m + (1 − β₁) g           m̂ = m / (1 − β₁ᵗ)
 *     v ← β₂ v + (1 − β₂) g²          v̂ = v / (1 − β₂ᵗ)
 *     w ← w − η (m̂ / (√v̂ + ε) + λ w)
 * λ is 0 where the parameter is a bias, a norm or an embedding (tft_parameter.no_decay).
 *
 * The running average (EMA) e ← d e + (1 − d) w is what is evaluated and saved: it lies in the middle of the noise
 * that the steps make. Young averages would remember the random start, so d is at most (1 + t) / (10 + t).
 *
 * Threads: any, on ranges that do not overlap.
 */
#ifndef TFT_TRAIN_ADAMW_H
#define TFT_TRAIN_ADAMW_H

#include <stddef.h>
#include <stdint.h>

typedef struct tft_adamw {
    double rate, decay, beta1, beta2, epsilon;
    uint64_t step;         // t, from 1
    double gradient_scale; // clipping: g is multiplied by it
} tft_adamw;

/* One step on n floats; `decays` tells whether λ applies. */
void tft_adamw_update(const tft_adamw *adamw, int decays, size_t n, const float *gradient, float *weights, float *m,
                      float *v);

/* What d is at step t (from 1). */
double tft_ema_decay(double decay, uint64_t step);
void tft_ema_update(double decay, size_t n, const float *weights, float *average);

#endif
