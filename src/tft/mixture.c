/* mixture.c - see mixture.h. */
#include "tft/mixture.h"

#include <math.h>
#include <string.h>

#include "tensor/tensor.h"

#define MOST_SPREAD 4.0f
#define LEAST_SPREAD 0.02f
#define SPREAD_STEPS 64 // at a time
#define FULL_SPREAD 24  // steps; before, a correction grows like the spread of a random walk
_Static_assert(TFT_MAX_ANCHORS <= TFT_MIX_MOST, "the kernels mix no more");
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

/* Target m's anchors in window b. */
static const tft_anchor *anchors_of(const tft_mixture *w, const tft_anchor *anchors, size_t b, size_t m)
{
    return anchors + (b * w->n_targets + m) * w->n_anchors;
}

static tft_mix mix_of(const tft_mixture *w, const tft_rows *rows, const tft_anchor *anchors, size_t b, size_t m)
{
    return (tft_mix){rows->length[b], w->n_quantiles[m], w->n_anchors, w->z[m], anchors_of(w, anchors, b, m)};
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

static void blend_shared(const tft_mixture *w, const float *weights, const tft_anchor *anchors, size_t t, float *out)
{
    const size_t k = w->n_anchors;
    for (size_t m = 0; m < w->n_targets; m++, weights += k, anchors += k) {
        for (size_t q = 0; q < w->n_quantiles[m]; q++) {
            float sum = (float)0;
            for (size_t i = 0; i < k; i++)
                sum += weights[i] * tft_anchor_at(&anchors[i], q, t);
            *out++ += sum;
        }
    }
}

/* How far a correction may go `t` steps after the origin (t = 0 is the first), from what the anchors say there. */
static float spread_of(float least, float most, size_t t)
{
    const float range = most - least;
    const float spread = (range < MOST_SPREAD ? range : MOST_SPREAD) + LEAST_SPREAD;
    return t + 1 < FULL_SPREAD ? spread * (float)sqrt((double)(t + 1) / FULL_SPREAD) : spread;
}

/* x [n, Q] of one window and target, times its spread. */
static void spread_target(const tft_mix *mix, float *x, size_t ld)
{
    float least[SPREAD_STEPS], most[SPREAD_STEPS];
    for (size_t first = 0; first < mix->n; first += SPREAD_STEPS) {
        const size_t n = mix->n - first < SPREAD_STEPS ? mix->n - first : SPREAD_STEPS;
        tft_mix_range(mix, first, n, least, most);
        for (size_t t = 0; t < n; t++) {
            const float spread = spread_of(least[t], most[t], first + t);
            for (size_t q = 0; q < mix->n_quantiles; q++)
                x[(first + t) * ld + q] *= spread;
        }
    }
}

/* A target at a time: the anchors that its spread has read are still near when they are mixed. */
static void blend_tilted(const tft_mixture *w, const tft_rows *rows, size_t b, const tft_anchor *anchors,
                         const float *logits, float *raw)
{
    for (size_t m = 0; m < w->n_targets; raw += w->n_quantiles[m++], logits += 2 * w->n_anchors) {
        const tft_mix mix = mix_of(w, rows, anchors, b, m);
        spread_target(&mix, raw, w->n_outputs);
        tft_tilted_mix(&mix, logits, w->width, raw, w->n_outputs);
    }
}

void tft_mixture_forward(const tft_mixture *w, const tft_rows *rows, const float *x, const tft_anchor *anchors,
                         float *raw, float *logits)
{
    tft_linear(x, w->hidden, w->w, w->b, rows->n, w->hidden, w->width, logits, w->width);
    if (w->tilted) {
        for (size_t r = 0; r < rows->n; r++) {
            const float *const step = w->step + step_of(rows, r) * w->width;
            for (size_t i = 0; i < w->width; i++)
                logits[r * w->width + i] += (float)TFT_MIXTURE_STEP_GAIN * step[i];
        }
        for (size_t b = 0; b < rows->n_windows; b++)
            blend_tilted(w, rows, b, anchors, logits + rows->start[b] * w->width, raw + rows->start[b] * w->n_outputs);
        return;
    }
    tft_softmax(logits, rows->n * w->n_targets, w->n_anchors, w->n_anchors, logits);
    for (size_t r = 0; r < rows->n; r++)
        blend_shared(w, logits + r * w->width, anchors_of(w, anchors, rows->window_of[r], 0), step_of(rows, r),
                     raw + r * w->n_outputs);
}

static void back_shared(const tft_mixture *w, const tft_anchor *anchors, size_t t, const float *dout, float *dweights)
{
    const size_t k = w->n_anchors;
    for (size_t m = 0; m < w->n_targets; m++, dweights += k, anchors += k) {
        memset(dweights, 0, k * sizeof *dweights);
        for (size_t q = 0; q < w->n_quantiles[m]; q++, dout++) {
            for (size_t i = 0; i < k; i++)
                dweights[i] += *dout * tft_anchor_at(&anchors[i], q, t);
        }
    }
}

/* draw · spread stands for the correction's gradient afterwards, in its place. */
static void back_tilted(const tft_mixture *w, const tft_rows *rows, size_t b, const tft_anchor *anchors,
                        const float *logits, float *draw, float *dlogits)
{
    for (size_t m = 0; m < w->n_targets; m++) {
        const tft_mix mix = mix_of(w, rows, anchors, b, m);
        tft_tilted_mix_backward(&mix, logits, w->width, draw, w->n_outputs, dlogits);
        spread_target(&mix, draw, w->n_outputs);
        draw += w->n_quantiles[m];
        logits += 2 * w->n_anchors;
        dlogits += 2 * w->n_anchors;
    }
}

void tft_mixture_backward(const tft_mixture *w, const tft_rows *rows, const float *x, const tft_anchor *anchors,
                          const float *logits, float *draw, tft_mixture *grad, float *dx, float *dlogits)
{
    const size_t width = w->width;
    if (w->tilted) {
        for (size_t b = 0; b < rows->n_windows; b++) {
            const size_t first = rows->start[b];
            back_tilted(w, rows, b, anchors, logits + first * width, draw + first * w->n_outputs,
                        dlogits + first * width);
        }
        for (size_t r = 0; r < rows->n; r++)
            tft_axpy(grad->step + step_of(rows, r) * width, (float)TFT_MIXTURE_STEP_GAIN, dlogits + r * width, width);
    } else {
        for (size_t r = 0; r < rows->n; r++)
            back_shared(w, anchors_of(w, anchors, rows->window_of[r], 0), step_of(rows, r), draw + r * w->n_outputs,
                        dlogits + r * width);
        tft_softmax_backward(logits, dlogits, rows->n * w->n_targets, w->n_anchors, w->n_anchors, dlogits);
    }
    tft_linear_backward(x, w->hidden, w->w, dlogits, width, rows->n, w->hidden, width, dx, w->hidden, grad->w, grad->b);
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
