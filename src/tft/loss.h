/* loss.h - what training minimises: the quantile loss of the forecasts and the likelihood of the incidents.
 *
 * Quantile loss (Lim et al. 2021, eq. 24–25, with pytorch-forecasting's factor 2), e = target − forecast_q:
 *     ℓ_q = 2 · max((q − 1) e, q e)
 *     loss = Σ_targets loss_weight · Σ_cells cell_weight · mean_q(ℓ_q)  ÷  valid decoder steps
 * At e = 0, where the slope jumps from −2q to 2(1 − q), the gradient is the middle of the two, as PyTorch's max gives.
 *
 * Hazard: a discrete-time survival model, h_t = σ(z_t) the probability of an incident at step t given none before
 * (Singer, Willett 1993; Kvamme, Borgan 2019, arXiv:1910.06724, who call it "logistic hazard"). Per window:
 *     event at step s:   nll = −[Σ_{t<s} log(1 − h_t) + log h_s]
 *     none seen:         nll = −Σ_{t≤at_risk} log(1 − h_t)
 * worked out from the logits, −log(1 − h) = softplus(z), −log h = softplus(−z), so that nothing overflows. Steps after
 * the event or past at_risk, or past the decoder's length, were not observed and do not count. The loss is the mean
 * over windows.
 *
 * Horizons: that likelihood takes each step's hazard as news; hazards that are all a little too high add up to a probability
 * within eight hours that is far too high. So what is asked in the end is trained too: with S_h = Π_{t≤h} (1 − h_t),
 *     bce_h = −log(1 − S_h) where an event came within h,  −log S_h where none did in h observed steps, nothing else
 * for h = a sixteenth, an eighth, a quarter, half and all of the horizon. The loss is horizon_weight · Σ_h bce_h, mean over windows.
 *
 * Shapes:  N packed decoder rows; truth is padded to `steps`.
 * Memory:  nothing is kept. Threads: pure functions.
 */
#ifndef TFT_TFT_LOSS_H
#define TFT_TFT_LOSS_H

#include <math.h>

#include "tft/contract.h"
#include "tft/model.h"
#include "tft/rows.h"

/* log(1 + eᶻ) without overflow: −log(1 − σ(z)), what a hazard's logit takes from the logarithm of survival. */
static inline double tft_softplus(double z)
{
    return (z > 0.0 ? z : 0.0) + log1p(exp(-fabs(z)));
}

/* Gradient with respect to raw, times `scale`, into draw [N, Q] (overwritten; may be NULL). Returns the loss.
 * A cell with weight 0 is not looked at. */
double tft_quantile_loss(const tft_config *config, const tft_rows *rows, const tft_batch *batch, const tft_truth *truth,
                         tft_loss_kind kind, const float *raw, double scale, float *draw);

/* Gradient with respect to the logits [N], times `scale`, into dlogit (overwritten; may be NULL). Returns the loss. */
double tft_hazard_loss(const tft_rows *rows, const tft_truth *truth, const float *logit, double scale, float *dlogit);

/* The same for the horizons; the gradient is ADDED to dlogit. 0 where truth->horizon_weight is. */
double tft_horizon_loss(const tft_rows *rows, const tft_truth *truth, size_t horizon, const float *logit, double scale,
                        float *dlogit);

/* Σ_h bce_h of one window, `n` logits of it; dlogit[t] += factor · its derivative by z_t (NULL: not wanted). */
double tft_horizon_bce(const float *logit, size_t n, size_t horizon, uint32_t event, uint32_t at_risk, double factor,
                       float *dlogit);

#endif
