/* output.c - see output.h. */
#include "tft/output.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tensor/tensor.h"

void tft_output_define(tft_builder *builder, tft_output *w, const tft_config *config)
{
    const size_t h = config->hidden_size;
    const double bound = 1.0 / sqrt((double)h);
    memset(w, 0, sizeof *w);
    w->hidden = h;
    w->n_targets = config->n_targets;
    w->n_anchors = config->n_anchors;
    w->n_outputs = tft_config_outputs(config);
    for (size_t m = 0; m < config->n_targets; m++) {
        char name[32] = "output_layer";
        if (config->n_targets > 1)
            snprintf(name, sizeof name, "output_layer.%zu", m);
        w->n_quantiles[m] = config->targets[m].n_quantiles;
        // With anchors the layer only corrects, and starts near nothing: the first forecast is the even mixture.
        const bool mixture = config->n_anchors > 0;
        tft_builder_linear(builder, name, h, w->n_quantiles[m], TFT_INITIAL_UNIFORM, mixture ? 0.05 * bound : bound,
                           mixture ? 0.0 : bound, &w->w[m], &w->b[m]);
    }
    if (config->n_anchors > 0)
        tft_builder_linear(builder, "mixture_layer", h, config->n_targets * config->n_anchors, TFT_INITIAL_UNIFORM,
                           0.05 * bound, 0.0, &w->mixture_w, &w->mixture_b);
}

void tft_output_forward(const tft_output *w, const tft_rows *rows, const float *x, tft_anchors anchors, float *raw,
                        float *weights)
{
    const size_t h = w->hidden, q_all = w->n_outputs, k = w->n_anchors, mk = w->n_targets * k;
    size_t first = 0;
    for (size_t m = 0; m < w->n_targets; first += w->n_quantiles[m++])
        tft_linear(x, h, w->w[m], w->b[m], rows->n, h, w->n_quantiles[m], raw + first, q_all); // (23)
    if (k == 0)
        return;
    tft_linear(x, h, w->mixture_w, w->mixture_b, rows->n, h, mk, weights, mk);
    tft_softmax(weights, rows->n * w->n_targets, k, k, weights);
    for (size_t r = 0; r < rows->n; r++) {
        const size_t b = rows->window_of[r], t = r - rows->start[b];
        const float *anchor = anchors.values + (b * anchors.steps + t) * q_all * k;
        float *out = raw + r * q_all;
        for (size_t m = 0; m < w->n_targets; m++) {
            const float *const weight = weights + r * mk + m * k;
            for (size_t q = 0; q < w->n_quantiles[m]; q++, anchor += k) {
                float sum = (float)0;
                for (size_t i = 0; i < k; i++)
                    sum += weight[i] * anchor[i];
                *out++ += sum;
            }
        }
    }
}

void tft_output_backward(const tft_output *w, const tft_rows *rows, const float *x, tft_anchors anchors,
                         const float *weights, const float *draw, tft_output *grad, float *dx, float *dlogits)
{
    const size_t h = w->hidden, q_all = w->n_outputs, k = w->n_anchors, mk = w->n_targets * k;
    size_t first = 0;
    for (size_t m = 0; m < w->n_targets; first += w->n_quantiles[m++])
        tft_linear_backward(x, h, w->w[m], draw + first, q_all, rows->n, h, w->n_quantiles[m], dx, h, grad->w[m],
                            grad->b[m]); // (23)
    if (k == 0)
        return;
    memset(dlogits, 0, rows->n * mk * sizeof *dlogits);
    for (size_t r = 0; r < rows->n; r++) {
        const size_t b = rows->window_of[r], t = r - rows->start[b];
        const float *anchor = anchors.values + (b * anchors.steps + t) * q_all * k;
        const float *dout = draw + r * q_all;
        for (size_t m = 0; m < w->n_targets; m++) {
            float *const dweight = dlogits + r * mk + m * k;
            for (size_t q = 0; q < w->n_quantiles[m]; q++, anchor += k, dout++) {
                for (size_t i = 0; i < k; i++)
                    dweight[i] += *dout * anchor[i];
            }
        }
    }
    tft_softmax_backward(weights, dlogits, rows->n * w->n_targets, k, k, dlogits);
    tft_linear_backward(x, h, w->mixture_w, dlogits, mk, rows->n, h, mk, dx, h, grad->mixture_w, grad->mixture_b);
}

static double softplus_of(double a)
{
    return a > 20.0 ? a : log1p(exp(a));
}

void tft_output_rescale(const tft_config *config, const tft_rows *rows, const float *raw, const float *target_scale,
                        float *prediction)
{
    for (size_t r = 0; r < rows->n; r++) {
        const float *scale = target_scale + rows->window_of[r] * config->n_targets * 2;
        for (size_t m = 0; m < config->n_targets; m++, scale += 2) {
            const double centre = (double)scale[0], factor = (double)scale[1];
            const bool positive = config->targets[m].transform == TFT_TRANSFORM_SOFTPLUS;
            for (size_t q = 0; q < config->targets[m].n_quantiles; q++) {
                const double a = (double)*raw++ * factor + centre;
                *prediction++ = (float)(positive ? softplus_of(a) : a);
            }
        }
    }
}
