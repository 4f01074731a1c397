/* loss.h - what training minimises: quantile loss of the forecasts, survival likelihood of the incidents.
 *
 * Quantile loss (Lim et al. 2021, 24–25, with pytorch-forecasting's factor 2): for e = target − prediction
 *     ℓ_q = 2 max((q − 1) e, q e),  mean over the quantiles, times the cell's weight, summed over valid steps, ÷ their number;
 * several targets: Σ loss_weight · loss.
 *
 * Hazard likelihood (discrete-time survival: Singer & Willett 1993; Kvamme & Borgan 2019, arXiv:1910.06724, eq. 2–4): with
 * h_t = σ(z_t), a window whose incident starts in step k contributes −log h_k − Σ_{t<k} log(1 − h_t), one watched for a
 * steps without any −Σ_{t≤a} log(1 − h_t); −log(1 − σ(z)) = softplus(z), −log σ(z) = softplus(−z).
 *
 * Shapes: prediction [B, T, Q] with Q over targets one after the other, target and weight [B, T, M], logits [B, T].
 */
#ifndef TFT_TFT_LOSS_H
#define TFT_TFT_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include "tft/config.h"

/* Returns the loss; dprediction (NULL, or [B, T, Q] overwritten) receives scale · its gradient, 0 in padding. weight NULL = 1. */
double tft_quantile_loss(const tft_config *config, const float *prediction, const float *target, const float *weight,
                         const uint32_t *lengths, size_t n_windows, size_t n_steps, float scale, float *dprediction);

/* Mean over windows. dlogit (NULL, or [B, T] overwritten) receives scale · its gradient. */
double tft_hazard_loss(const float *logit, const uint32_t *event_step, const uint32_t *at_risk, size_t n_windows,
                       size_t n_steps, float scale, float *dlogit);

#endif
