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
    tft_mixture_define(builder, &w->mixture, config);
}

void tft_output_forward(const tft_output *w, const tft_rows *rows, const float *x, const tft_anchor *anchors,
                        float *raw, float *logits)
{
    const size_t h = w->hidden, q_all = w->n_outputs;
    size_t first = 0;
    for (size_t m = 0; m < w->n_targets; first += w->n_quantiles[m++])
        tft_linear(x, h, w->w[m], w->b[m], rows->n, h, w->n_quantiles[m], raw + first, q_all); // (23)
    if (w->mixture.n_anchors == 0)
        return;
    tft_mixture_forward(&w->mixture, rows, x, anchors, raw, logits);
}

void tft_output_backward(const tft_output *w, const tft_rows *rows, const float *x, const tft_anchor *anchors,
                         const float *logits, float *draw, tft_output *grad, float *dx, float *dlogits)
{
    const size_t h = w->hidden, q_all = w->n_outputs;
    if (w->mixture.n_anchors > 0)
        tft_mixture_backward(&w->mixture, rows, x, anchors, logits, draw, &grad->mixture, dx, dlogits);
    size_t first = 0;
    for (size_t m = 0; m < w->n_targets; first += w->n_quantiles[m++])
        tft_linear_backward(x, h, w->w[m], draw + first, q_all, rows->n, h, w->n_quantiles[m], dx, h, grad->w[m],
                            grad->b[m]); // (23)
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
