/* model.c - the public face of the network: see tft/model.h. */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "tensor/tensor.h"
#include "tft/workspace.h"

tft_status tft_model_open(const tft_config *config, tft_model **out, tft_error *err)
{
    *out = NULL;
    tft_status status = tft_config_check(config, err);
    if (status != TFT_OK)
        return status;
    tft_model *const model = calloc(1, sizeof *model);
    if (model == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a model");
    model->config = *config;
    tft_weights_walk(config, NULL, &model->weights, NULL, &model->n_tensors, &model->n_floats);
    model->specs = calloc(model->n_tensors, sizeof *model->specs);
    status = model->specs == NULL ? tft_fail(err, TFT_ERR_MEMORY, "no memory for a model")
                                  : tft_arena_init(&model->arena, (model->n_floats + 64) * sizeof(float) + 256, err);
    if (status != TFT_OK) {
        tft_model_close(model);
        return status;
    }
    model->block = tft_arena_floats(&model->arena, model->n_floats);
    tft_weights_walk(config, model->block, &model->weights, model->specs, &model->n_tensors, &model->n_floats);
    *out = model;
    return TFT_OK;
}

void tft_model_close(tft_model *model)
{
    if (model == NULL)
        return;
    tft_arena_free(&model->arena);
    free(model->specs);
    free(model);
}

const tft_config *tft_model_config(const tft_model *model)
{
    return &model->config;
}

static double draw(tft_rng *rng, const tft_tensor_spec *spec)
{
    const double fan_in = (double)spec->fan_in, sum = fan_in + (double)spec->fan_out;
    const double u = 2.0 * tft_rng_uniform(rng) - 1.0;
    switch (spec->draw) {
    case TFT_DRAW_ZERO:
        return 0.0;
    case TFT_DRAW_ONE:
        return 1.0;
    case TFT_DRAW_RARE:
        return -7.0;
    case TFT_DRAW_HE:
        return sqrt(2.0 / fan_in) * tft_rng_normal(rng);
    case TFT_DRAW_XAVIER:
        return sqrt(6.0 / sum) * u;
    case TFT_DRAW_FAN_IN:
        return u / sqrt(fan_in);
    case TFT_DRAW_SMALL:
        return 0.01 * u / sqrt(fan_in);
    case TFT_DRAW_NORMAL:
        return tft_rng_normal(rng);
    }
    return 0.0;
}

void tft_model_randomize(tft_model *model, uint64_t seed)
{
    for (size_t i = 0; i < model->n_tensors; i++) {
        const tft_tensor_spec *const spec = &model->specs[i];
        tft_rng rng = tft_rng_seeded(seed, i);
        for (size_t k = 0; k < spec->n; k++)
            model->block[spec->at + k] = (float)draw(&rng, spec);
    }
    tft_model_refresh(model);
}

size_t tft_model_n_parameters(const tft_model *model)
{
    return model->n_tensors;
}

tft_parameter tft_model_parameter(const tft_model *model, size_t i)
{
    const tft_tensor_spec *const s = &model->specs[i];
    return (tft_parameter){.name = s->name,
                           .n_dims = s->n_dims,
                           .dims = {s->dims[0], s->dims[1], 0},
                           .n = s->n,
                           .data = model->block + s->at,
                           .no_decay = s->no_decay};
}

size_t tft_model_n_values(const tft_model *model)
{
    size_t n = 0;
    for (size_t i = 0; i < model->n_tensors; i++)
        n += model->specs[i].n;
    return n;
}

void tft_model_refresh(tft_model *model)
{
    (void)model; // nothing is derived from the weights yet
}

static tft_status check_batch(const tft_model *model, const tft_workspace *ws, const tft_batch *batch, tft_error *err)
{
    if (batch->n_windows < 1 || batch->n_windows > ws->max_windows || batch->encoder_steps > ws->max_encoder ||
        batch->decoder_steps > ws->max_decoder)
        return tft_fail(err, TFT_ERR_LIMIT,
                        "batch of %zu windows of %zu + %zu steps, the workspace holds %zu of %zu + %zu",
                        batch->n_windows, batch->encoder_steps, batch->decoder_steps, ws->max_windows, ws->max_encoder,
                        ws->max_decoder);
    for (size_t b = 0; b < batch->n_windows; b++) {
        if (batch->encoder_lengths[b] < 1 || batch->encoder_lengths[b] > batch->encoder_steps ||
            batch->decoder_lengths[b] < 1 || batch->decoder_lengths[b] > batch->decoder_steps)
            return tft_fail(err, TFT_ERR_ARGUMENT, "window %zu: lengths %u + %u, must be 1 to %zu + 1 to %zu", b,
                            batch->encoder_lengths[b], batch->decoder_lengths[b], batch->encoder_steps,
                            batch->decoder_steps);
    }
    if (model->config.n_anchors > 0 && batch->anchors == NULL)
        return tft_fail(err, TFT_ERR_ARGUMENT, "a network with a mixture needs anchors");
    return TFT_OK;
}

/* Attention over the packed keys, put back where encoder and decoder steps stand. */
static void copy_attention(const tft_config *c, const tft_workspace *ws, const tft_batch *batch, const tft_outputs *out)
{
    const size_t e = batch->encoder_steps, t_steps = batch->decoder_steps, steps = e + t_steps, heads = c->n_heads;
    for (size_t b = 0; b < batch->n_windows; b++) {
        const size_t known = batch->encoder_lengths[b];
        for (size_t h = 0; h < heads; h++) {
            for (size_t t = 0; t < t_steps; t++) {
                const float *const a = ws->attention_tape.weights + ((b * heads + h) * t_steps + t) * steps;
                const size_t row = (b * t_steps + t) * heads + h;
                if (out->encoder_attention != NULL) {
                    memset(out->encoder_attention + row * e, 0, e * sizeof(float));
                    memcpy(out->encoder_attention + row * e, a, known * sizeof(float));
                }
                if (out->decoder_attention != NULL)
                    memcpy(out->decoder_attention + row * t_steps, a + known, t_steps * sizeof(float));
            }
        }
    }
}

static void give(float *to, const float *from, size_t n)
{
    if (to != NULL)
        memcpy(to, from, n * sizeof(float));
}

static void copy_outputs(const tft_model *model, const tft_workspace *ws, const tft_batch *batch,
                         const tft_outputs *out)
{
    const tft_config *const c = &model->config;
    const size_t rows = batch->n_windows * batch->decoder_steps, q = tft_config_outputs(c);
    give(out->raw, ws->raw, rows * q);
    give(out->prediction, ws->prediction, rows * q);
    if (c->hazard)
        give(out->hazard_logit, ws->hazard, rows);
    give(out->mixture_weights, ws->mixture, rows * c->n_targets * c->n_anchors);
    give(out->static_selection, ws->static_tape.weights, batch->n_windows * model->weights.static_selection.n);
    give(out->encoder_selection, ws->encoder_tape.weights,
         batch->n_windows * batch->encoder_steps * model->weights.encoder_selection.n);
    give(out->decoder_selection, ws->decoder_tape.weights, rows * model->weights.decoder_selection.n);
    if (out->encoder_attention != NULL || out->decoder_attention != NULL)
        copy_attention(c, ws, batch, out);
}

tft_status tft_model_forward(const tft_model *model, tft_workspace *ws, const tft_batch *batch,
                             const tft_outputs *outputs, tft_error *err)
{
    const tft_status status = check_batch(model, ws, batch, err);
    if (status != TFT_OK)
        return status;
    tft_pass_forward(model, ws, batch, (tft_dropout){0});
    copy_outputs(model, ws, batch, outputs);
    return TFT_OK;
}

/* Gradient of raw from that of the rescaled prediction g(raw · scale + centre), in place. */
static void unscale(const tft_config *c, const tft_workspace *ws, const tft_batch *batch, float *d)
{
    const size_t q = tft_config_outputs(c);
    for (size_t r = 0; r < batch->n_windows * batch->decoder_steps; r++) {
        size_t at = r * q;
        for (size_t m = 0; m < c->n_targets; m++) {
            const float *const scale = batch->target_scale + (r / batch->decoder_steps * c->n_targets + m) * 2;
            for (size_t i = 0; i < c->targets[m].n_quantiles; i++, at++) {
                d[at] *= scale[1];
                if (c->targets[m].transform == TFT_TRANSFORM_SOFTPLUS)
                    d[at] /= 1.0f + expf(-(ws->raw[at] * scale[1] + scale[0]));
            }
        }
    }
}

tft_status tft_model_train_pass(const tft_model *model, tft_workspace *ws, const tft_batch *batch,
                                const tft_truth *truth, tft_loss_kind kind, uint64_t dropout_key, float loss_scale,
                                const tft_outputs *outputs, tft_losses *losses, tft_error *err);

#include "tft/loss.h"

tft_status tft_model_train_pass(const tft_model *model, tft_workspace *ws, const tft_batch *batch,
                                const tft_truth *truth, tft_loss_kind kind, uint64_t dropout_key, float loss_scale,
                                const tft_outputs *outputs, tft_losses *losses, tft_error *err)
{
    const tft_status status = check_batch(model, ws, batch, err);
    if (status != TFT_OK)
        return status;
    const tft_config *const c = &model->config;
    const tft_dropout dropout = {dropout_key != 0 ? c->dropout : 0.0f, dropout_key};
    const size_t b = batch->n_windows, t = batch->decoder_steps, rows = b * t, mark = ws->scratch.used;
    tft_pass_forward(model, ws, batch, dropout);
    float *const draw = tft_scratch_take(&ws->scratch, rows * tft_config_outputs(c));
    float *const dhazard = tft_scratch_take(&ws->scratch, rows);
    *losses = (tft_losses){0};
    const bool scaled = kind == TFT_LOSS_SCALED;
    losses->quantile =
        tft_quantile_loss(c, scaled ? ws->raw : ws->prediction, scaled ? truth->target_scaled : truth->target,
                          truth->cell_weight, batch->decoder_lengths, b, t, loss_scale, draw);
    if (!scaled)
        unscale(c, ws, batch, draw);
    const bool hazard = c->hazard && truth->event_step != NULL;
    if (hazard)
        losses->hazard = tft_hazard_loss(ws->hazard, truth->event_step, truth->at_risk, b, t,
                                         loss_scale * truth->hazard_weight, dhazard);
    losses->total = losses->quantile + (hazard ? (double)truth->hazard_weight * losses->hazard : 0.0);
    for (size_t i = 0; i < b; i++)
        losses->n_steps += (double)batch->decoder_lengths[i];
    tft_pass_backward(model, ws, batch, dropout, draw, hazard ? dhazard : NULL);
    ws->scratch.used = mark;
    if (outputs != NULL)
        copy_outputs(model, ws, batch, outputs);
    return TFT_OK;
}
