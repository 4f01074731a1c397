/* loss.c - see loss.h. Sums are double: a batch adds up to a million small terms. */
#include "tft/loss.h"

#include <math.h>
#include <string.h>

static double cell_loss(const tft_target *spec, const float *prediction, float target, float factor, float *d)
{
    double sum = 0.0;
    for (size_t q = 0; q < spec->n_quantiles; q++) {
        const float level = spec->quantiles[q], e = target - prediction[q];
        sum += 2.0 * (double)(e > 0.0f ? level * e : (level - 1.0f) * e);
        if (d != NULL)
            d[q] = 2.0f * factor * (e > 0.0f ? -level : 1.0f - level);
    }
    return sum / (double)spec->n_quantiles;
}

double tft_quantile_loss(const tft_config *config, const float *prediction, const float *target, const float *weight,
                         const uint32_t *lengths, size_t n_windows, size_t n_steps, float scale, float *dprediction)
{
    const size_t outputs = tft_config_outputs(config), targets = config->n_targets;
    double n_valid = 0.0, loss = 0.0;
    for (size_t b = 0; b < n_windows; b++)
        n_valid += (double)lengths[b];
    if (dprediction != NULL)
        memset(dprediction, 0, n_windows * n_steps * outputs * sizeof(float));
    for (size_t b = 0; b < n_windows; b++) {
        for (size_t t = 0; t < lengths[b]; t++) {
            const size_t row = b * n_steps + t;
            size_t at = row * outputs;
            for (size_t m = 0; m < targets; m++) {
                const tft_target *const spec = &config->targets[m];
                const float w = weight != NULL ? weight[row * targets + m] : 1.0f;
                if (w != 0.0f) { // a missing target may be NaN: it is not even read
                    const double share = (double)spec->loss_weight * (double)w / n_valid;
                    loss += share * cell_loss(spec, prediction + at, target[row * targets + m],
                                              (float)(share * (double)scale / (double)spec->n_quantiles),
                                              dprediction != NULL ? dprediction + at : NULL);
                }
                at += spec->n_quantiles;
            }
        }
    }
    return loss;
}

/* softplus(z) = log(1 + e^z) without overflow. */
static double softplus(double z)
{
    return z > 0.0 ? z + log1p(exp(-z)) : log1p(exp(z));
}

double tft_hazard_loss(const float *logit, const uint32_t *event_step, const uint32_t *at_risk, size_t n_windows,
                       size_t n_steps, float scale, float *dlogit)
{
    double loss = 0.0;
    if (dlogit != NULL)
        memset(dlogit, 0, n_windows * n_steps * sizeof(float));
    for (size_t b = 0; b < n_windows; b++) {
        const size_t event = event_step[b], watched = event > 0 ? event : at_risk[b];
        for (size_t t = 0; t < watched && t < n_steps; t++) {
            const double z = (double)logit[b * n_steps + t];
            const int starts = t + 1 == event;
            loss += softplus(starts ? -z : z);
            if (dlogit != NULL)
                dlogit[b * n_steps + t] = (float)((1.0 / (1.0 + exp(-z)) - starts) * (double)scale / (double)n_windows);
        }
    }
    return loss / (double)n_windows;
}
