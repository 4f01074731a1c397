/* mixture_ref.c - what mixture.inc means: a mean of anchors with weights softmax(α + z β), and back. */
#include <math.h>

#include "tensor/kernels.h"

/* Weights of level q at step t, in double; returns the mean. */
static double tilted_mean(const tft_mix *mix, const float *logits, size_t q, size_t t, double weights[TFT_MIX_MOST])
{
    const float *const alpha = logits, *const beta = logits + mix->k;
    double top = -INFINITY, total = 0.0, mean = 0.0;
    for (size_t i = 0; i < mix->k; i++)
        top = fmax(top, (double)alpha[i] + (double)mix->z[q] * (double)beta[i]);
    for (size_t i = 0; i < mix->k; i++) {
        weights[i] = exp((double)alpha[i] + (double)mix->z[q] * (double)beta[i] - top);
        total += weights[i];
    }
    for (size_t i = 0; i < mix->k; i++) {
        weights[i] /= total;
        mean += weights[i] * (double)tft_anchor_at(&mix->anchors[i], q, t);
    }
    return mean;
}

void tft_ref_tilted_mix(const tft_mix *mix, const float *logits, size_t ld, float *out, size_t ld_out)
{
    double weights[TFT_MIX_MOST];
    for (size_t t = 0; t < mix->n; t++) {
        for (size_t q = 0; q < mix->n_quantiles; q++) {
            float *const to = out + t * ld_out + q;
            *to = (float)((double)*to + tilted_mean(mix, logits + t * ld, q, t, weights));
        }
    }
}

void tft_ref_tilted_mix_backward(const tft_mix *mix, const float *logits, size_t ld, const float *dout, size_t ld_out,
                                 float *dlogits)
{
    double weights[TFT_MIX_MOST];
    for (size_t t = 0; t < mix->n; t++) {
        double d[2 * TFT_MIX_MOST] = {0};
        for (size_t q = 0; q < mix->n_quantiles; q++) {
            const double mean = tilted_mean(mix, logits + t * ld, q, t, weights), up = (double)dout[t * ld_out + q];
            for (size_t i = 0; i < mix->k; i++) {
                const double step = up * weights[i] * ((double)tft_anchor_at(&mix->anchors[i], q, t) - mean);
                d[i] += step;
                d[mix->k + i] += (double)mix->z[q] * step;
            }
        }
        for (size_t i = 0; i < 2 * mix->k; i++)
            dlogits[t * ld + i] = (float)d[i];
    }
}

void tft_ref_mix_range(const tft_mix *mix, size_t first, size_t n, float *least, float *most)
{
    for (size_t t = 0; t < n; t++) {
        least[t] = (float)INFINITY;
        most[t] = (float)-INFINITY;
        for (size_t i = 0; i < mix->k; i++) {
            const float low = tft_anchor_at(&mix->anchors[i], 0, first + t);
            const float high = tft_anchor_at(&mix->anchors[i], mix->n_quantiles - 1, first + t);
            least[t] = low < least[t] ? low : least[t];
            most[t] = high > most[t] ? high : most[t];
        }
    }
}
