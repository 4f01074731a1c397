/* pass.c - the network forward, in the order of figure 2 of Lim et al. 2021, and below it backward, in reverse. */
#include <math.h>

#include "tensor/tensor.h"
#include "tft/workspace.h"

/* Where a selection network's inputs come from: columns of reals and codes, and how many of the steps count. */
typedef struct source {
    const tft_inputs *inputs;
    const float *reals;
    const int32_t *codes;
    const uint32_t *lengths; // NULL: all steps
    size_t n_windows, n_steps;
} source;

/* Row of embedding table i for one set of codes: the sum over a group's members; a code outside reads as 0. */
static void embed_codes(const tft_config *config, const float *table, const tft_embedding *spec, const int32_t *codes,
                        float *out)
{
    (void)config;
    memset(out, 0, spec->dim * sizeof(float));
    for (size_t k = 0; k < spec->n_members; k++) {
        const int32_t code = codes != NULL ? codes[spec->members[k]] : 0;
        const size_t row = code >= 0 && (uint32_t)code < spec->cardinality ? (size_t)code : 0;
        tft_add(out, table + row * spec->dim, spec->dim);
    }
}

static void embed(const tft_model *model, const source *s, const tft_selection_weights *selection, float *embedded)
{
    const tft_config *const c = &model->config;
    const tft_inputs *const in = s->inputs;
    for (size_t r = 0; r < s->n_windows * s->n_steps; r++) {
        float *const row = embedded + r * selection->width;
        const bool counts = s->lengths == NULL || r % s->n_steps < s->lengths[r / s->n_steps];
        if (!counts) { // padding may hold anything: nothing of it gets in
            memset(row, 0, selection->width * sizeof(float));
            continue;
        }
        for (size_t i = 0; i < in->n_embeddings; i++)
            embed_codes(c, model->weights.embedding[in->embeddings[i]], &c->embeddings[in->embeddings[i]],
                        s->codes != NULL ? s->codes + r * c->n_categoricals : NULL, row + selection->offset[i]);
        for (size_t i = 0; i < in->n_reals; i++) {
            const tft_linear_weights *const p = &model->weights.prescaler[in->reals[i]];
            float *const e = row + selection->offset[in->n_embeddings + i];
            const float x = s->reals[r * in->n_reals + i];
            for (size_t k = 0; k < p->out; k++)
                e[k] = x * p->w[k] + p->b[k];
        }
    }
}

static source static_source(const tft_config *c, const tft_batch *b)
{
    return (source){&c->static_inputs, b->static_reals, b->static_codes, NULL, b->n_windows, 1};
}

static source encoder_source(const tft_config *c, const tft_batch *b)
{
    return (source){&c->encoder_inputs, b->encoder_reals, b->encoder_codes,
                    b->encoder_lengths, b->n_windows,     b->encoder_steps};
}

static source decoder_source(const tft_config *c, const tft_batch *b)
{
    return (source){&c->decoder_inputs, b->decoder_reals, b->decoder_codes,
                    b->decoder_lengths, b->n_windows,     b->decoder_steps};
}

/* Places of dropout; each must differ. */
enum {
    AT_STATIC = 1000,
    AT_ENCODER = 2000,
    AT_DECODER = 3000,
    AT_CONTEXTS = 4000,
    AT_LSTM = 5000,
    AT_POST_LSTM = 6000,
    AT_ENRICHMENT,
    AT_ATTENTION,
    AT_POST_ATTENTION,
    AT_POSITION
};

static void statics_forward(const tft_model *model, tft_workspace *ws, const tft_batch *batch, tft_dropout dropout)
{
    const tft_weights *const w = &model->weights;
    const size_t b = batch->n_windows, h = model->config.hidden_size;
    const source s = static_source(&model->config, batch);
    tft_scratch *const scratch = &ws->scratch;
    embed(model, &s, &w->static_selection, ws->static_tape.embedded);
    tft_selection_forward(&w->static_selection, NULL, 1, b, h, tft_dropout_at(dropout, AT_STATIC), &ws->static_tape,
                          scratch, ws->statics);
    tft_grn_forward(&w->context_selection, ws->statics, h, NULL, 1, b, tft_dropout_at(dropout, AT_CONTEXTS),
                    &ws->selection_tape, scratch, ws->context_selection);
    tft_grn_forward(&w->context_hidden, ws->statics, h, NULL, 1, b, tft_dropout_at(dropout, AT_CONTEXTS + 1),
                    &ws->hidden_tape, scratch, ws->context_hidden);
    tft_grn_forward(&w->context_cell, ws->statics, h, NULL, 1, b, tft_dropout_at(dropout, AT_CONTEXTS + 2),
                    &ws->cell_tape, scratch, ws->context_cell);
    tft_grn_forward(&w->context_enrichment, ws->statics, h, NULL, 1, b, tft_dropout_at(dropout, AT_CONTEXTS + 3),
                    &ws->enrichment_context_tape, scratch, ws->context_enrichment);
}

static void mark_live(const uint32_t *lengths, size_t n_windows, size_t n_steps, uint8_t *live)
{
    for (size_t t = 0; t < n_steps; t++) {
        for (size_t b = 0; b < n_windows; b++)
            live[t * n_windows + b] = t < lengths[b];
    }
}

static void sequences_forward(const tft_model *model, tft_workspace *ws, const tft_batch *batch, tft_dropout dropout)
{
    const tft_weights *const w = &model->weights;
    const size_t b = batch->n_windows, e = batch->encoder_steps, t = batch->decoder_steps, j = e + t;
    const size_t h = model->config.hidden_size, layers = model->config.lstm_layers;
    const source encoder = encoder_source(&model->config, batch), decoder = decoder_source(&model->config, batch);
    tft_scratch *const scratch = &ws->scratch;
    embed(model, &encoder, &w->encoder_selection, ws->encoder_tape.embedded);
    embed(model, &decoder, &w->decoder_selection, ws->decoder_tape.embedded);
    tft_selection_forward(&w->encoder_selection, ws->context_selection, e, b * e, h,
                          tft_dropout_at(dropout, AT_ENCODER), &ws->encoder_tape, scratch, ws->encoder_selected);
    tft_selection_forward(&w->decoder_selection, ws->context_selection, t, b * t, h,
                          tft_dropout_at(dropout, AT_DECODER), &ws->decoder_tape, scratch, ws->decoder_selected);

    const float *first_h[TFT_MAX_LAYERS], *first_c[TFT_MAX_LAYERS], *middle_h[TFT_MAX_LAYERS],
        *middle_c[TFT_MAX_LAYERS];
    for (size_t l = 0; l < layers; l++) {
        first_h[l] = ws->context_hidden;
        first_c[l] = ws->context_cell;
        middle_h[l] = ws->encoder_lstm[l].h + e * b * h; // a state stands still after its window's last step
        middle_c[l] = ws->encoder_lstm[l].c + e * b * h;
    }
    mark_live(batch->encoder_lengths, b, e, ws->encoder_live);
    mark_live(batch->decoder_lengths, b, t, ws->decoder_live);
    tft_lstm_forward(w->encoder_lstm, layers, ws->encoder_selected, ws->encoder_live, b, e, h, first_h, first_c,
                     tft_dropout_at(dropout, AT_LSTM), ws->encoder_lstm, scratch, ws->lstm, j * h);
    tft_lstm_forward(w->decoder_lstm, layers, ws->decoder_selected, ws->decoder_live, b, t, h, middle_h, middle_c,
                     tft_dropout_at(dropout, AT_LSTM + 100), ws->decoder_lstm, scratch, ws->lstm + e * h, j * h);
    for (size_t i = 0; i < b; i++) {
        memcpy(ws->selected + i * j * h, ws->encoder_selected + i * e * h, e * h * sizeof(float));
        memcpy(ws->selected + (i * j + e) * h, ws->decoder_selected + i * t * h, t * h * sizeof(float));
    }
    tft_gate_norm_forward(&w->post_lstm, ws->lstm, ws->selected, h, b * j, tft_dropout_at(dropout, AT_POST_LSTM),
                          &ws->post_lstm_tape, scratch, ws->local); // (17)
    tft_grn_forward(&w->enrichment, ws->local, h, ws->context_enrichment, j, b * j,
                    tft_dropout_at(dropout, AT_ENRICHMENT), &ws->enrichment_tape, scratch, ws->theta); // (18)
}

static tft_attention_shape attention_shape(const tft_config *c, const tft_batch *batch)
{
    return (tft_attention_shape){batch->n_windows, batch->encoder_steps,   batch->decoder_steps,   c->hidden_size,
                                 c->n_heads,       batch->encoder_lengths, batch->decoder_lengths, c->causal_attention};
}

static void decode_forward(const tft_model *model, tft_workspace *ws, const tft_batch *batch, tft_dropout dropout)
{
    const tft_weights *const w = &model->weights;
    const size_t b = batch->n_windows, e = batch->encoder_steps, t = batch->decoder_steps, j = e + t;
    const size_t h = model->config.hidden_size, rows = b * t;
    const tft_attention_shape shape = attention_shape(&model->config, batch);
    tft_scratch *const scratch = &ws->scratch;
    tft_attention_forward(&w->attention, &shape, ws->theta, tft_dropout_at(dropout, AT_ATTENTION), &ws->attention_tape,
                          scratch, ws->attended); // (19)
    for (size_t i = 0; i < b; i++) {
        memcpy(ws->theta_decoder + i * t * h, ws->theta + (i * j + e) * h, t * h * sizeof(float));
        memcpy(ws->local_decoder + i * t * h, ws->local + (i * j + e) * h, t * h * sizeof(float));
    }
    tft_gate_norm_forward(&w->post_attention, ws->attended, ws->theta_decoder, h, rows,
                          tft_dropout_at(dropout, AT_POST_ATTENTION), &ws->post_attention_tape, scratch,
                          ws->delta); // (20)
    tft_grn_forward(&w->position_wise, ws->delta, h, NULL, 1, rows, tft_dropout_at(dropout, AT_POSITION),
                    &ws->position_tape, scratch, ws->psi); // (21)
    tft_gate_norm_forward(&w->pre_output, ws->psi, ws->local_decoder, h, rows, (tft_dropout){0}, &ws->pre_output_tape,
                          scratch, ws->decoded); // (22)
}

static void heads_forward(const tft_model *model, tft_workspace *ws, const tft_batch *batch)
{
    const tft_config *const c = &model->config;
    const tft_weights *const w = &model->weights;
    const size_t h = c->hidden_size, rows = batch->n_windows * batch->decoder_steps, q = tft_config_outputs(c);
    const size_t m = c->n_targets, k = c->n_anchors;
    size_t at = 0;
    for (size_t i = 0; i < m; i++) { // (23)
        tft_linear(ws->decoded, h, w->output[i].w, w->output[i].b, rows, h, w->output[i].out, ws->raw + at, q);
        at += w->output[i].out;
    }
    if (k > 0) {
        tft_linear(ws->decoded, h, w->mixture.w, w->mixture.b, rows, h, m * k, ws->mixture, m * k);
        tft_softmax(ws->mixture, rows * m, k, k, ws->mixture);
        for (size_t r = 0; r < rows; r++) {
            size_t out = r * q;
            for (size_t i = 0; i < m; i++) {
                const float *const weights = ws->mixture + (r * m + i) * k;
                for (size_t n = 0; n < c->targets[i].n_quantiles; n++, out++) {
                    float sum = 0.0f;
                    for (size_t a = 0; a < k; a++)
                        sum += weights[a] * batch->anchors[out * k + a];
                    ws->raw[out] += sum;
                }
            }
        }
    }
    if (c->hazard)
        tft_linear(ws->decoded, h, w->hazard.w, w->hazard.b, rows, h, 1, ws->hazard, 1);
}

static void rescale(const tft_config *c, tft_workspace *ws, const tft_batch *batch)
{
    const size_t q = tft_config_outputs(c);
    for (size_t r = 0; r < batch->n_windows * batch->decoder_steps; r++) {
        size_t at = r * q;
        for (size_t m = 0; m < c->n_targets; m++) {
            const float *const scale = batch->target_scale + (r / batch->decoder_steps * c->n_targets + m) * 2;
            for (size_t i = 0; i < c->targets[m].n_quantiles; i++, at++) {
                const float a = ws->raw[at] * scale[1] + scale[0];
                ws->prediction[at] = c->targets[m].transform == TFT_TRANSFORM_IDENTITY ? a
                                     : a > 20.0f                                       ? a
                                                                                       : log1pf(expf(a));
            }
        }
    }
}

void tft_pass_forward(const tft_model *model, tft_workspace *ws, const tft_batch *batch, tft_dropout dropout)
{
    statics_forward(model, ws, batch, dropout);
    sequences_forward(model, ws, batch, dropout);
    decode_forward(model, ws, batch, dropout);
    heads_forward(model, ws, batch);
    rescale(&model->config, ws, batch);
}

/* ---- and back: each function undoes the one of the same name above ---------------------------------------------- */

static void heads_backward(const tft_model *model, tft_workspace *ws, const tft_batch *batch, const float *draw,
                           const float *dhazard, float *ddecoded)
{
    const tft_config *const c = &model->config;
    const tft_weights *const w = &model->weights;
    const size_t h = c->hidden_size, rows = batch->n_windows * batch->decoder_steps, q = tft_config_outputs(c);
    const size_t m = c->n_targets, k = c->n_anchors, mark = ws->scratch.used;
    if (dhazard != NULL)
        tft_linear_backward(ws->decoded, h, w->hazard.w, dhazard, 1, rows, h, 1, ddecoded, h, ws->grad.hazard.w,
                            ws->grad.hazard.b);
    if (k > 0) { // raw = Σ_k w_k A_k: each weight gets Σ_q draw_q A_k(q)
        float *const dmixture = tft_scratch_take_zero(&ws->scratch, rows * m * k);
        for (size_t r = 0; r < rows; r++) {
            size_t out = r * q;
            for (size_t i = 0; i < m; i++) {
                float *const d = dmixture + (r * m + i) * k;
                for (size_t n = 0; n < c->targets[i].n_quantiles; n++, out++) {
                    for (size_t a = 0; a < k; a++)
                        d[a] += draw[out] * batch->anchors[out * k + a];
                }
            }
        }
        tft_softmax_backward(ws->mixture, dmixture, rows * m, k, k, dmixture);
        tft_linear_backward(ws->decoded, h, w->mixture.w, dmixture, m * k, rows, h, m * k, ddecoded, h,
                            ws->grad.mixture.w, ws->grad.mixture.b);
    }
    size_t at = 0;
    for (size_t i = 0; i < m; i++) {
        tft_linear_backward(ws->decoded, h, w->output[i].w, draw + at, q, rows, h, w->output[i].out, ddecoded, h,
                            ws->grad.output[i].w, ws->grad.output[i].b);
        at += w->output[i].out;
    }
    ws->scratch.used = mark;
}

/* From ddecoded [B T, H] (destroyed) to dtheta and dlocal [B J, H], added to. */
static void decode_backward(const tft_model *model, tft_workspace *ws, const tft_batch *batch, tft_dropout dropout,
                            const float *ddecoded, float *dtheta, float *dlocal)
{
    const tft_weights *const w = &model->weights;
    const size_t b = batch->n_windows, e = batch->encoder_steps, t = batch->decoder_steps, j = e + t;
    const size_t h = model->config.hidden_size, rows = b * t;
    const tft_attention_shape shape = attention_shape(&model->config, batch);
    tft_scratch *const scratch = &ws->scratch;
    const size_t mark = scratch->used;
    float *const dpsi = tft_scratch_take(scratch, rows * h), *const dskip = tft_scratch_take(scratch, rows * h);
    float *const ddelta = tft_scratch_take_zero(scratch, rows * h), *const dattended =
                                                                        tft_scratch_take(scratch, rows * h);
    // (22)
    tft_gate_norm_backward(&w->pre_output, ws->psi, rows, (tft_dropout){0}, &ws->pre_output_tape, ddecoded, scratch,
                           &ws->grad.pre_output, dpsi, dskip);
    for (size_t i = 0; i < b; i++)
        tft_add(dlocal + (i * j + e) * h, dskip + i * t * h, t * h);
    // (21)
    tft_grn_backward(&w->position_wise, ws->delta, h, NULL, 1, rows, tft_dropout_at(dropout, AT_POSITION),
                     &ws->position_tape, dpsi, scratch, &ws->grad.position_wise, ddelta, h, NULL);
    // (20)
    tft_gate_norm_backward(&w->post_attention, ws->attended, rows, tft_dropout_at(dropout, AT_POST_ATTENTION),
                           &ws->post_attention_tape, ddelta, scratch, &ws->grad.post_attention, dattended, dskip);
    for (size_t i = 0; i < b; i++)
        tft_add(dtheta + (i * j + e) * h, dskip + i * t * h, t * h);
    // (19)
    tft_attention_backward(&w->attention, &shape, tft_dropout_at(dropout, AT_ATTENTION), &ws->attention_tape, dattended,
                           scratch, &ws->grad.attention, dtheta);
    scratch->used = mark;
}

static void embed_backward(const tft_model *model, tft_workspace *ws, const source *s,
                           const tft_selection_weights *selection, const float *dembedded)
{
    const tft_config *const c = &model->config;
    const tft_inputs *const in = s->inputs;
    for (size_t r = 0; r < s->n_windows * s->n_steps; r++) {
        const float *const row = dembedded + r * selection->width;
        if (s->lengths != NULL && r % s->n_steps >= s->lengths[r / s->n_steps])
            continue;
        for (size_t i = 0; i < in->n_embeddings; i++) {
            const tft_embedding *const spec = &c->embeddings[in->embeddings[i]];
            for (size_t k = 0; k < spec->n_members; k++) {
                const int32_t code = s->codes != NULL ? s->codes[r * c->n_categoricals + spec->members[k]] : 0;
                const size_t at = code >= 0 && (uint32_t)code < spec->cardinality ? (size_t)code : 0;
                tft_add(ws->grad.embedding[in->embeddings[i]] + at * spec->dim, row + selection->offset[i], spec->dim);
            }
        }
        for (size_t i = 0; i < in->n_reals; i++) {
            tft_linear_weights *const g = &ws->grad.prescaler[in->reals[i]];
            const float *const d = row + selection->offset[in->n_embeddings + i];
            const float x = s->reals[r * in->n_reals + i];
            for (size_t k = 0; k < g->out; k++) {
                g->w[k] += d[k] * x;
                g->b[k] += d[k];
            }
        }
    }
}

/* One selection network back to the embeddings. */
static void select_backward(const tft_model *model, tft_workspace *ws, const source *s, const tft_selection_weights *w,
                            const tft_selection_tape *tape, const float *context, tft_dropout dropout, const float *dy,
                            tft_selection_weights *grad, float *dcontext)
{
    const size_t rows = s->n_windows * s->n_steps, mark = ws->scratch.used;
    float *const dembedded = tft_scratch_take_zero(&ws->scratch, rows * w->width);
    tft_selection_backward(w, context, s->n_steps, rows, model->config.hidden_size, dropout, tape, dy, &ws->scratch,
                           grad, dembedded, dcontext);
    embed_backward(model, ws, s, w, dembedded);
    ws->scratch.used = mark;
}

/* Gradients of the four contexts, [B, H] each. */
typedef struct context_gradients {
    float *selection, *hidden, *cell, *enrichment;
} context_gradients;

static void sequences_backward(const tft_model *model, tft_workspace *ws, const tft_batch *batch, tft_dropout dropout,
                               const float *dtheta, float *dlocal, const context_gradients *dcontext)
{
    const tft_weights *const w = &model->weights;
    const size_t b = batch->n_windows, e = batch->encoder_steps, t = batch->decoder_steps, j = e + t;
    const size_t h = model->config.hidden_size, layers = model->config.lstm_layers, state = b * h;
    const source encoder = encoder_source(&model->config, batch), decoder = decoder_source(&model->config, batch);
    tft_scratch *const scratch = &ws->scratch;
    const size_t mark = scratch->used;
    float *const dlstm = tft_scratch_take(scratch, b * j * h), *const dselected = tft_scratch_take(scratch, b * j * h);
    // (18), (17)
    tft_grn_backward(&w->enrichment, ws->local, h, ws->context_enrichment, j, b * j,
                     tft_dropout_at(dropout, AT_ENRICHMENT), &ws->enrichment_tape, dtheta, scratch,
                     &ws->grad.enrichment, dlocal, h, dcontext->enrichment);
    tft_gate_norm_backward(&w->post_lstm, ws->lstm, b * j, tft_dropout_at(dropout, AT_POST_LSTM), &ws->post_lstm_tape,
                           dlocal, scratch, &ws->grad.post_lstm, dlstm, dselected);
    float *const dencoder = tft_scratch_take(scratch, b * e * h), *const ddecoder =
                                                                      tft_scratch_take(scratch, b * t * h);
    for (size_t i = 0; i < b; i++) {
        memcpy(dencoder + i * e * h, dselected + i * j * h, e * h * sizeof(float));
        memcpy(ddecoder + i * t * h, dselected + (i * j + e) * h, t * h * sizeof(float));
    }
    float *middle_dh[TFT_MAX_LAYERS], *middle_dc[TFT_MAX_LAYERS], *first_dh[TFT_MAX_LAYERS], *first_dc[TFT_MAX_LAYERS];
    for (size_t l = 0; l < layers; l++) {
        middle_dh[l] = tft_scratch_take_zero(scratch, state);
        middle_dc[l] = tft_scratch_take_zero(scratch, state);
        first_dh[l] = dcontext->hidden; // all layers of the encoder start alike
        first_dc[l] = dcontext->cell;
    }
    tft_lstm_backward(w->decoder_lstm, layers, ws->decoder_live, b, t, h, tft_dropout_at(dropout, AT_LSTM + 100),
                      ws->decoder_lstm, dlstm + e * h, j * h, NULL, NULL, scratch, ws->grad.decoder_lstm, ddecoder,
                      middle_dh, middle_dc);
    tft_lstm_backward(w->encoder_lstm, layers, ws->encoder_live, b, e, h, tft_dropout_at(dropout, AT_LSTM),
                      ws->encoder_lstm, dlstm, j * h, middle_dh, middle_dc, scratch, ws->grad.encoder_lstm, dencoder,
                      first_dh, first_dc);
    select_backward(model, ws, &decoder, &w->decoder_selection, &ws->decoder_tape, ws->context_selection,
                    tft_dropout_at(dropout, AT_DECODER), ddecoder, &ws->grad.decoder_selection, dcontext->selection);
    select_backward(model, ws, &encoder, &w->encoder_selection, &ws->encoder_tape, ws->context_selection,
                    tft_dropout_at(dropout, AT_ENCODER), dencoder, &ws->grad.encoder_selection, dcontext->selection);
    scratch->used = mark;
}

static void statics_backward(const tft_model *model, tft_workspace *ws, const tft_batch *batch, tft_dropout dropout,
                             const context_gradients *dcontext)
{
    const tft_weights *const w = &model->weights;
    const size_t b = batch->n_windows, h = model->config.hidden_size, mark = ws->scratch.used;
    const source s = static_source(&model->config, batch);
    float *const dstatics = tft_scratch_take_zero(&ws->scratch, b * h);
    tft_grn_backward(&w->context_enrichment, ws->statics, h, NULL, 1, b, tft_dropout_at(dropout, AT_CONTEXTS + 3),
                     &ws->enrichment_context_tape, dcontext->enrichment, &ws->scratch, &ws->grad.context_enrichment,
                     dstatics, h, NULL);
    tft_grn_backward(&w->context_cell, ws->statics, h, NULL, 1, b, tft_dropout_at(dropout, AT_CONTEXTS + 2),
                     &ws->cell_tape, dcontext->cell, &ws->scratch, &ws->grad.context_cell, dstatics, h, NULL);
    tft_grn_backward(&w->context_hidden, ws->statics, h, NULL, 1, b, tft_dropout_at(dropout, AT_CONTEXTS + 1),
                     &ws->hidden_tape, dcontext->hidden, &ws->scratch, &ws->grad.context_hidden, dstatics, h, NULL);
    tft_grn_backward(&w->context_selection, ws->statics, h, NULL, 1, b, tft_dropout_at(dropout, AT_CONTEXTS),
                     &ws->selection_tape, dcontext->selection, &ws->scratch, &ws->grad.context_selection, dstatics, h,
                     NULL);
    select_backward(model, ws, &s, &w->static_selection, &ws->static_tape, NULL, tft_dropout_at(dropout, AT_STATIC),
                    dstatics, &ws->grad.static_selection, NULL);
    ws->scratch.used = mark;
}

void tft_pass_backward(const tft_model *model, tft_workspace *ws, const tft_batch *batch, tft_dropout dropout,
                       const float *draw, const float *dhazard)
{
    const size_t b = batch->n_windows, t = batch->decoder_steps, j = batch->encoder_steps + t;
    const size_t h = model->config.hidden_size, mark = ws->scratch.used;
    tft_scratch *const scratch = &ws->scratch;
    float *const ddecoded = tft_scratch_take_zero(scratch, b * t * h);
    float *const dtheta = tft_scratch_take_zero(scratch, b * j * h), *const dlocal =
                                                                         tft_scratch_take_zero(scratch, b * j * h);
    const context_gradients dcontext = {tft_scratch_take_zero(scratch, b * h), tft_scratch_take_zero(scratch, b * h),
                                        tft_scratch_take_zero(scratch, b * h), tft_scratch_take_zero(scratch, b * h)};
    heads_backward(model, ws, batch, draw, dhazard, ddecoded);
    decode_backward(model, ws, batch, dropout, ddecoded, dtheta, dlocal);
    sequences_backward(model, ws, batch, dropout, dtheta, dlocal, &dcontext);
    statics_backward(model, ws, batch, dropout, &dcontext);
    scratch->used = mark;
}
