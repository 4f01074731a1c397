/* mixture.c - see mixture.h. */
#include "tft/mixture.h"

#include <math.h>
#include <string.h>

#include "tensor/tensor.h"

#define MOST_SPREAD 4.0f
#define LEAST_SPREAD 0.02f
#define FULL_SPREAD 24 // steps; before, a correction grows like the spread of a random walk
#define MOST_WEIGHTS (TFT_MAX_QUANTILES * TFT_MAX_ANCHORS) // of one target and step

size_t tft_mixture_width(const tft_config *config)
{
    return config->n_targets * config->n_anchors * (config->tilted_mixture ? 2 : 1);
}

void tft_mixture_define(tft_builder *builder, tft_mixture *w, const tft_config *config)
{
    memset(w, 0, sizeof *w);
    w->hidden = config->hidden_size;
    w->n_targets = config->n_targets;
    w->n_anchors = config->n_anchors;
    w->n_outputs = tft_config_outputs(config);
    w->width = tft_mixture_width(config);
    w->tilted = config->tilted_mixture;
    for (size_t m = 0; m < config->n_targets; m++) {
        w->n_quantiles[m] = config->targets[m].n_quantiles;
        for (size_t q = 0; q < w->n_quantiles[m]; q++) {
            const double level = (double)config->targets[m].quantiles[q];
            w->z[m][q] = (float)(0.5 * log(level / (1.0 - level)));
        }
    }
    if (w->n_anchors == 0)
        return;
    const double bound = 0.05 / sqrt((double)w->hidden); // starts near the even mixture
    tft_builder_linear(builder, "mixture_layer", w->hidden, w->width, TFT_INITIAL_UNIFORM, bound, 0.0, &w->w, &w->b);
    if (w->tilted)
        w->step = tft_builder_add(builder, TFT_INITIAL_CONSTANT, 0.0, true, config->max_decoder_length, w->width,
                                  "mixture_layer.step");
}

static size_t step_of(const tft_rows *rows, size_t r)
{
    return r - rows->start[rows->window_of[r]];
}

static const float *anchors_of(const tft_mixture *w, const tft_rows *rows, size_t r, tft_anchors anchors)
{
    return anchors.values + (rows->window_of[r] * anchors.steps + step_of(rows, r)) * w->n_outputs * w->n_anchors;
}

/* Weights [quantiles, K] of target m from its α and β. */
static void tilt(const tft_mixture *w, size_t m, const float *alpha, float *weights)
{
    const size_t k = w->n_anchors, n = w->n_quantiles[m];
    const float *const beta = alpha + k;
    for (size_t q = 0; q < n; q++) {
        for (size_t i = 0; i < k; i++)
            weights[q * k + i] = alpha[i] + w->z[m][q] * beta[i];
    }
    tft_softmax(weights, n, k, k, weights);
}

static void blend_shared(const tft_mixture *w, const float *weights, const float *anchor, float *out)
{
    const size_t k = w->n_anchors;
    for (size_t m = 0; m < w->n_targets; m++, weights += k) {
        for (size_t q = 0; q < w->n_quantiles[m]; q++, anchor += k) {
            float sum = (float)0;
            for (size_t i = 0; i < k; i++)
                sum += weights[i] * anchor[i];
            *out++ += sum;
        }
    }
}

static void blend_tilted(const tft_mixture *w, const float *logits, const float *anchor, float *out)
{
    const size_t k = w->n_anchors;
    for (size_t m = 0; m < w->n_targets; m++, logits += 2 * k) {
        const size_t n = w->n_quantiles[m];
        tft_tilted_mix(logits, logits + k, w->z[m], n, k, anchor, out);
        anchor += n * k;
        out += n;
    }
}

void tft_mixture_forward(const tft_mixture *w, const tft_rows *rows, const float *x, tft_anchors anchors, float *raw,
                         float *logits)
{
    tft_linear(x, w->hidden, w->w, w->b, rows->n, w->hidden, w->width, logits, w->width);
    for (size_t r = 0; w->tilted && r < rows->n; r++) {
        const float *const step = w->step + step_of(rows, r) * w->width;
        for (size_t i = 0; i < w->width; i++)
            logits[r * w->width + i] += (float)TFT_MIXTURE_STEP_GAIN * step[i];
    }
    if (!w->tilted)
        tft_softmax(logits, rows->n * w->n_targets, w->n_anchors, w->n_anchors, logits);
    for (size_t r = 0; r < rows->n; r++) {
        const float *const anchor = anchors_of(w, rows, r, anchors);
        if (w->tilted)
            blend_tilted(w, logits + r * w->width, anchor, raw + r * w->n_outputs);
        else
            blend_shared(w, logits + r * w->width, anchor, raw + r * w->n_outputs);
    }
}

static void back_shared(const tft_mixture *w, const float *anchor, const float *dout, float *dweights)
{
    const size_t k = w->n_anchors;
    for (size_t m = 0; m < w->n_targets; m++, dweights += k) {
        for (size_t q = 0; q < w->n_quantiles[m]; q++, anchor += k, dout++) {
            for (size_t i = 0; i < k; i++)
                dweights[i] += *dout * anchor[i];
        }
    }
}

static void back_tilted(const tft_mixture *w, const float *logits, const float *anchor, const float *dout,
                        float *dlogits)
{
    const size_t k = w->n_anchors;
    float weights[MOST_WEIGHTS], d[MOST_WEIGHTS];
    for (size_t m = 0; m < w->n_targets; m++, logits += 2 * k, dlogits += 2 * k) {
        const size_t n = w->n_quantiles[m];
        tilt(w, m, logits, weights);
        for (size_t q = 0; q < n; q++, anchor += k, dout++) {
            for (size_t i = 0; i < k; i++)
                d[q * k + i] = *dout * anchor[i];
        }
        tft_softmax_backward(weights, d, n, k, k, d);
        for (size_t q = 0; q < n; q++) {
            for (size_t i = 0; i < k; i++) {
                dlogits[i] += d[q * k + i];
                dlogits[k + i] += w->z[m][q] * d[q * k + i];
            }
        }
    }
}

void tft_mixture_backward(const tft_mixture *w, const tft_rows *rows, const float *x, tft_anchors anchors,
                          const float *logits, const float *draw, tft_mixture *grad, float *dx, float *dlogits)
{
    const size_t width = w->width;
    memset(dlogits, 0, rows->n * width * sizeof *dlogits);
    for (size_t r = 0; r < rows->n; r++) {
        const float *const anchor = anchors_of(w, rows, r, anchors);
        if (w->tilted)
            back_tilted(w, logits + r * width, anchor, draw + r * w->n_outputs, dlogits + r * width);
        else
            back_shared(w, anchor, draw + r * w->n_outputs, dlogits + r * width);
    }
    if (!w->tilted)
        tft_softmax_backward(logits, dlogits, rows->n * w->n_targets, w->n_anchors, w->n_anchors, dlogits);
    for (size_t r = 0; w->tilted && r < rows->n; r++) {
        float *const step = grad->step + step_of(rows, r) * width;
        for (size_t i = 0; i < width; i++)
            step[i] += (float)TFT_MIXTURE_STEP_GAIN * dlogits[r * width + i];
    }
    tft_linear_backward(x, w->hidden, w->w, dlogits, width, rows->n, w->hidden, width, dx, w->hidden, grad->w, grad->b);
}

/* How far a correction may go `t` steps after the origin (t = 0 is the first), from the anchors of its row and target. */
static float spread_of(const float *anchors, size_t n, size_t t)
{
    float least, most;
    tft_range(anchors, n, &least, &most);
    const float range = most - least;
    const float spread = (range < MOST_SPREAD ? range : MOST_SPREAD) + LEAST_SPREAD;
    return t + 1 < FULL_SPREAD ? spread * (float)sqrt((double)(t + 1) / FULL_SPREAD) : spread;
}

void tft_mixture_spread(const tft_mixture *w, const tft_rows *rows, tft_anchors anchors, float *x)
{
    if (!w->tilted)
        return;
    for (size_t r = 0; r < rows->n; r++) {
        const float *anchor = anchors_of(w, rows, r, anchors);
        for (size_t m = 0; m < w->n_targets; m++) {
            const size_t n = w->n_quantiles[m];
            const float spread = spread_of(anchor, n * w->n_anchors, step_of(rows, r));
            for (size_t q = 0; q < n; q++)
                *x++ *= spread;
            anchor += n * w->n_anchors;
        }
    }
}

void tft_mixture_weights(const tft_mixture *w, const float *logits, size_t n, float *weights)
{
    const size_t k = w->n_anchors;
    float all[MOST_WEIGHTS];
    if (!w->tilted) {
        memcpy(weights, logits, n * w->width * sizeof *weights);
        return;
    }
    for (size_t t = 0; t < n * w->n_targets; t++, weights += k, logits += 2 * k) {
        const size_t m = t % w->n_targets, quantiles = w->n_quantiles[m];
        tilt(w, m, logits, all);
        for (size_t i = 0; i < k; i++) {
            float sum = (float)0;
            for (size_t q = 0; q < quantiles; q++)
                sum += all[q * k + i];
            weights[i] = sum / (float)quantiles;
        }
    }
}
