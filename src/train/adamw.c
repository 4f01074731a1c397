/* adamw.c - see adamw.h. The constants of a step are worked out in double, once; the loops are float and vectorise. */
#include "train/adamw.h"

#include <math.h>

void tft_adamw_update(const tft_adamw *a, int decays, size_t n, const float *gradient, float *weights, float *m,
                      float *v)
{
    const double t = (double)a->step;
    const float b1 = (float)a->beta1, b2 = (float)a->beta2, c1 = (float)(1 - a->beta1), c2 = (float)(1 - a->beta2);
    const float scale = (float)a->gradient_scale, epsilon = (float)a->epsilon;
    const float rate = (float)(a->rate / (1 - pow(a->beta1, t)));        // η / (1 − β₁ᵗ)
    const float root = (float)(1 / sqrt(1 - pow(a->beta2, t)));          // √v̂ = √v · root
    const float keep = (float)(1 - (decays ? a->rate * a->decay : 0.0)); // w − η λ w
    for (size_t i = 0; i < n; i++) {
        const float g = gradient[i] * scale;
        m[i] = b1 * m[i] + c1 * g;
        v[i] = b2 * v[i] + c2 * g * g;
        weights[i] = weights[i] * keep - rate * m[i] / (sqrtf(v[i]) * root + epsilon);
    }
}

double tft_ema_decay(double decay, uint64_t step)
{
    const double young = (1 + (double)step) / (10 + (double)step);
    return decay < young ? decay : young;
}

void tft_ema_update(double decay, size_t n, const float *weights, float *average)
{
    const float share = (float)(1 - decay);
    for (size_t i = 0; i < n; i++)
        average[i] += share * (weights[i] - average[i]);
}
