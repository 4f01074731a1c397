/* pass.c - one batch through the network, forward, and back.
 *
 * Section 3 of tests/golden/README.md in its order; backward is the same list read upwards. Only valid steps are
 * computed (rows.h). Numbers are equations of Lim et al. 2021.
 *
 * Memory:  all of it is the workspace's. Threads: see model.h.
 */
#include <math.h>
#include <string.h>

#include "tensor/tensor.h"
#include "tft/loss.h"
#include "tft/workspace.h"

/* Places of dropout (tests/golden/README.md, 3.10). pre_output has none. */
enum place {
    PLACE_STATICS,
    PLACE_ENCODER,
    PLACE_DECODER,
    PLACE_C_SELECTION,
    PLACE_C_HIDDEN,
    PLACE_C_CELL,
    PLACE_C_ENRICHMENT,
    PLACE_LSTM_ENCODER,
    PLACE_LSTM_DECODER,
    PLACE_POST_LSTM,
    PLACE_ENRICHMENT,
    PLACE_ATTENTION,
    PLACE_POST_ATTENTION,
    PLACE_FEED_FORWARD,
    PLACE_SIGNS
};

static const tft_dropout no_dropout = {0};

/* ---- the batch ---------------------------------------------------------------------------------------- */

static tft_status check_lengths(const char *what, const uint32_t *lengths, size_t n, size_t steps, tft_error *err)
{
    for (size_t b = 0; b < n; b++) {
        if (lengths[b] == 0 || lengths[b] > steps)
            return tft_fail(err, TFT_ERR_ARGUMENT, "window %zu: %s length %u, allowed is 1 to %zu", b, what,
                            (unsigned)lengths[b], steps);
    }
    return TFT_OK;
}

static tft_status check_batch(const tft_model *model, const tft_workspace *ws, const tft_batch *batch, tft_error *err)
{
    if (ws->model != model)
        return tft_fail(err, TFT_ERR_ARGUMENT, "the workspace was opened for another model");
    if (model->packed_for != tft_tensor_isa())
        return tft_fail(err, TFT_ERR_ARGUMENT, "weights are packed for %s kernels, in use are %s: refresh the model",
                        tft_isa_name(model->packed_for), tft_isa_name(tft_tensor_isa()));
    if (batch->n_windows == 0)
        return tft_fail(err, TFT_ERR_ARGUMENT, "a batch without windows");
    if (model->network.signs.n > 0 && batch->signs == NULL)
        return tft_fail(err, TFT_ERR_ARGUMENT, "the network reads %zu signs, the batch has none",
                        model->network.signs.n);
    if (batch->n_windows > ws->max_windows || batch->encoder_steps > ws->max_encoder ||
        batch->decoder_steps > ws->max_decoder)
        return tft_fail(err, TFT_ERR_LIMIT,
                        "a batch of %zu windows of %zu + %zu steps, the workspace holds %zu of %zu + %zu",
                        batch->n_windows, batch->encoder_steps, batch->decoder_steps, ws->max_windows, ws->max_encoder,
                        ws->max_decoder);
    if (model->config.n_anchors > 0 && batch->anchors == NULL)
        return tft_fail(err, TFT_ERR_ARGUMENT, "the network mixes %zu anchors, the batch has none",
                        model->config.n_anchors);
    for (size_t i = 0; i < batch->n_windows * model->config.n_targets * model->config.n_anchors; i++) {
        if (batch->anchors[i].values == NULL || batch->anchors[i].per_step > 1)
            return tft_fail(err, TFT_ERR_ARGUMENT, "anchor %zu of the batch: %s", i,
                            batch->anchors[i].values == NULL ? "no values"
                                                             : "steps must lie side by side, per_step 0 or 1");
    }
    tft_status status = check_lengths("encoder", batch->encoder_lengths, batch->n_windows, batch->encoder_steps, err);
    if (status == TFT_OK)
        status = check_lengths("decoder", batch->decoder_lengths, batch->n_windows, batch->decoder_steps, err);
    return status;
}

/* Codes of valid steps, those outside their table as 0. Only columns that some embedding reads are looked at. */
static void pack_codes(const tft_config *config, const tft_rows *rows, const int32_t *padded, size_t steps,
                       const tft_inputs *inputs, uint32_t *packed)
{
    const size_t width = config->n_categoricals;
    for (size_t i = 0; i < inputs->n_embeddings; i++) {
        const tft_embedding *const e = &config->embeddings[inputs->embeddings[i]];
        for (size_t m = 0; m < e->n_members; m++) {
            const size_t column = e->members[m];
            for (size_t r = 0; r < rows->n; r++) {
                const size_t b = rows->window_of[r], t = r - rows->start[b];
                const int32_t code = padded[(b * steps + t) * width + column];
                packed[r * width + column] = code >= 0 && (uint32_t)code < e->cardinality ? (uint32_t)code : 0;
            }
        }
    }
}

static void pack_static_codes(const tft_config *config, const tft_batch *batch, uint32_t *packed)
{
    const size_t width = config->n_categoricals;
    for (size_t i = 0; i < config->static_inputs.n_embeddings; i++) {
        const tft_embedding *const e = &config->embeddings[config->static_inputs.embeddings[i]];
        for (size_t m = 0; m < e->n_members; m++) {
            for (size_t b = 0; b < batch->n_windows; b++) {
                const int32_t code = batch->static_codes[b * width + e->members[m]];
                packed[b * width + e->members[m]] = code >= 0 && (uint32_t)code < e->cardinality ? (uint32_t)code : 0;
            }
        }
    }
}

static void pack_batch(const tft_config *config, tft_workspace *ws, const tft_batch *batch)
{
    tft_activations *const a = &ws->a;
    tft_rows_set(&ws->encoder, batch->n_windows, batch->encoder_lengths);
    tft_rows_set(&ws->decoder, batch->n_windows, batch->decoder_lengths);
    memcpy(a->window_of, ws->encoder.window_of, ws->encoder.n * sizeof *a->window_of);
    memcpy(a->window_of + ws->encoder.n, ws->decoder.window_of, ws->decoder.n * sizeof *a->window_of);
    tft_rows_pack(&ws->encoder, batch->encoder_reals, batch->encoder_steps, config->encoder_inputs.n_reals,
                  a->encoder_reals);
    tft_rows_pack(&ws->decoder, batch->decoder_reals, batch->decoder_steps, config->decoder_inputs.n_reals,
                  a->decoder_reals);
    pack_static_codes(config, batch, a->static_codes);
    pack_codes(config, &ws->encoder, batch->encoder_codes, batch->encoder_steps, &config->encoder_inputs,
               a->encoder_codes);
    pack_codes(config, &ws->decoder, batch->decoder_codes, batch->decoder_steps, &config->decoder_inputs,
               a->decoder_codes);
}

/* ---- what both directions read ------------------------------------------------------------------------ */

typedef struct pass {
    const tft_model *model;
    const tft_config *config;
    const tft_network *w;
    tft_workspace *ws;
    const tft_batch *batch;
    tft_dropout dropout;
    size_t b, n_e, n_d, n; // windows, rows
} pass;

static tft_dropout dropout_at(const pass *p, enum place place)
{
    return tft_dropout_at(p->dropout, (uint64_t)place);
}

/* The folded form of a selection, or NULL where the workspace is for the plain one. */
static const tft_fold *fold_of(const pass *p, const tft_fold *fold)
{
    return p->ws->folded ? fold : NULL;
}

/* Only evaluation reads curves: a training pass has to come to the same loss as its own backward believes. */
static const tft_selection_curves *curves_of(const pass *p, const tft_selection_curves *curves)
{
    return p->ws->training ? NULL : curves;
}

static tft_selection_rows static_rows(const pass *p)
{
    return (tft_selection_rows){p->b,
                                p->batch->static_reals,
                                p->config->static_inputs.n_reals,
                                p->ws->a.static_codes,
                                p->config->n_categoricals,
                                NULL,
                                NULL,
                                NULL,
                                NULL};
}

static tft_selection_rows encoder_rows(const pass *p)
{
    const tft_activations *const a = &p->ws->a;
    return (tft_selection_rows){p->n_e,
                                a->encoder_reals,
                                p->config->encoder_inputs.n_reals,
                                a->encoder_codes,
                                p->config->n_categoricals,
                                a->window_of,
                                p->w->encoder.n > 1 ? a->encoder_product : NULL,
                                NULL,
                                NULL};
}

static tft_selection_rows decoder_rows(const pass *p)
{
    const tft_activations *const a = &p->ws->a;
    return (tft_selection_rows){p->n_d,
                                a->decoder_reals,
                                p->config->decoder_inputs.n_reals,
                                a->decoder_codes,
                                p->config->n_categoricals,
                                a->window_of + p->n_e,
                                p->w->decoder.n > 1 ? a->decoder_product : NULL,
                                NULL,
                                NULL};
}

static tft_grn_rows per_window(const pass *p)
{
    return (tft_grn_rows){p->b, NULL, NULL};
}

static tft_grn_rows enrichment_rows(const pass *p)
{
    return (tft_grn_rows){p->n, p->ws->a.window_of, p->ws->a.enrichment_product};
}

static tft_hazard_inputs hazard_inputs(const pass *p)
{
    return (tft_hazard_inputs){&p->ws->decoder, p->ws->a.out, p->batch->static_reals, p->ws->a.decoder_reals};
}

/* Every layer of the LSTM starts from the same two contexts. */
static tft_lstm_state first_state(const pass *p)
{
    tft_lstm_state state = {0};
    for (size_t l = 0; l < p->w->lstm_encoder.n_layers; l++) {
        state.h[l] = p->ws->a.c_hidden;
        state.c[l] = p->ws->a.c_cell;
    }
    return state;
}

/* ---- forward ------------------------------------------------------------------------------------------ */

static void forward_statics(const pass *p)
{
    const tft_network *const w = p->w;
    tft_activations *const a = &p->ws->a;
    float *const tmp = p->ws->tmp;
    tft_selection_forward(&w->statics, &w->embeddings, fold_of(p, &p->model->statics), NULL, static_rows(p),
                          dropout_at(p, PLACE_STATICS), a->statics, a->static_weights, tmp);
    tft_grn_forward(&w->context_selection, a->statics, per_window(p), dropout_at(p, PLACE_C_SELECTION), &a->t_selection,
                    a->c_selection, tmp);
    tft_grn_forward(&w->context_hidden, a->statics, per_window(p), dropout_at(p, PLACE_C_HIDDEN), &a->t_hidden,
                    a->c_hidden, tmp);
    tft_grn_forward(&w->context_cell, a->statics, per_window(p), dropout_at(p, PLACE_C_CELL), &a->t_cell, a->c_cell,
                    tmp);
    tft_grn_forward(&w->context_enrichment, a->statics, per_window(p), dropout_at(p, PLACE_C_ENRICHMENT),
                    &a->t_enrichment, a->c_enrichment, tmp);
    if (w->encoder.n > 1)
        tft_grn_context(&w->encoder.flattened, a->c_selection, p->b, a->encoder_product);
    if (w->decoder.n > 1)
        tft_grn_context(&w->decoder.flattened, a->c_selection, p->b, a->decoder_product);
    tft_grn_context(&w->enrichment, a->c_enrichment, p->b, a->enrichment_product);
}

/* What all windows of the batch have in common goes through its networks once. */
static tft_selection_rows with_shared(tft_selection_rows selection, const tft_selection_curves *curves,
                                      const tft_rows *rows, tft_shared_inputs *shared)
{
    if (curves == NULL || !curves->ready)
        return selection;
    tft_shared_inputs_find(&curves->reals, rows, selection.reals, selection.n_reals, shared);
    selection.shared = shared->n > 0 ? shared->values : NULL;
    selection.step = shared->n > 0 ? shared->step : NULL;
    return selection;
}

static void forward_local(const pass *p) // variable selection (6–8), LSTM
{
    const tft_network *const w = p->w;
    tft_activations *const a = &p->ws->a;
    const size_t h = p->config->hidden_size;
    float *const tmp = p->ws->tmp;
    const tft_selection_curves *const encoder = curves_of(p, &p->model->encoder_curves);
    const tft_selection_curves *const decoder = curves_of(p, &p->model->decoder_curves);
    tft_selection_forward(&w->encoder, &w->embeddings, fold_of(p, &p->model->encoder), encoder,
                          with_shared(encoder_rows(p), encoder, &p->ws->encoder, &p->ws->shared_encoder),
                          dropout_at(p, PLACE_ENCODER), a->selected, a->encoder_weights, tmp);
    tft_selection_forward(&w->decoder, &w->embeddings, fold_of(p, &p->model->decoder), decoder,
                          with_shared(decoder_rows(p), decoder, &p->ws->decoder, &p->ws->shared_decoder),
                          dropout_at(p, PLACE_DECODER), a->selected + p->n_e * h, a->decoder_weights, tmp);
    const tft_lstm_state first = first_state(p);
    tft_lstm_forward(&w->lstm_encoder, &p->ws->encoder, a->selected, &first, dropout_at(p, PLACE_LSTM_ENCODER),
                     &a->lstm_encoder, a->lstm, &a->middle, tmp);
    tft_lstm_forward(&w->lstm_decoder, &p->ws->decoder, a->selected + p->n_e * h, &a->middle,
                     dropout_at(p, PLACE_LSTM_DECODER), &a->lstm_decoder, a->lstm + p->n_e * h, NULL, tmp);
}

/* Row by row from the LSTM's output to what attention reads: (17), (18). For evaluation a tile of rows goes all the way while
 * it is in the first cache, over and over in the same few kilobytes; a training pass leaves its tape for every row. */
static void forward_rows(const pass *p)
{
    enum { TILE = 96 };
    const tft_network *const w = p->w;
    tft_activations *const a = &p->ws->a;
    const size_t h = p->config->hidden_size, tile = p->ws->training ? p->n : TILE;
    for (size_t r = 0; r < p->n; r += tile) {
        tft_grn_rows rows = enrichment_rows(p);
        rows.n = p->n - r < tile ? p->n - r : tile;
        rows.window_of += r;
        tft_gate_forward(&w->post_lstm, a->lstm + r * h, a->selected + r * h, rows.n, dropout_at(p, PLACE_POST_LSTM),
                         &a->post_lstm, a->local + r * h, p->ws->tmp);
        tft_grn_forward(&w->enrichment, a->local + r * h, rows, dropout_at(p, PLACE_ENRICHMENT), &a->enrichment,
                        a->theta + r * h, p->ws->tmp);
    }
}

static void forward_temporal(const pass *p, const tft_attention_weights *weights) // (19) to (22)
{
    const tft_network *const w = p->w;
    tft_activations *const a = &p->ws->a;
    const size_t h = p->config->hidden_size;
    float *const tmp = p->ws->tmp;
    const float *const theta = a->theta + p->n_e * h;
    const bool direct = !p->ws->training && w->attention.direct_w != NULL;
    tft_attention_forward(&w->attention, &p->ws->encoder, &p->ws->decoder, p->config->causal_attention, a->theta,
                          dropout_at(p, PLACE_ATTENTION), &a->attention_tape, direct ? NULL : a->attention, weights,
                          tmp); // (19)
    if (direct) {
        tft_linear(a->attention_tape.mean, w->attention.d, w->attention.direct_w, w->post_attention.b, p->n_d,
                   w->attention.d, 2 * h, a->post_attention.pre, 2 * h);
        tft_gate_product(&w->post_attention, theta, p->n_d, &a->post_attention, a->delta); // (20)
    } else {
        tft_gate_forward(&w->post_attention, a->attention, theta, p->n_d, dropout_at(p, PLACE_POST_ATTENTION),
                         &a->post_attention, a->delta, tmp); // (20)
    }
    tft_grn_forward(&w->feed_forward, a->delta, (tft_grn_rows){p->n_d, NULL, NULL}, dropout_at(p, PLACE_FEED_FORWARD),
                    &a->feed_forward, a->psi, tmp); // (21)
    tft_gate_forward(&w->pre_output, a->psi, a->local + p->n_e * h, p->n_d, no_dropout, &a->pre_output, a->out,
                     tmp); // (22)
}

static void forward_outputs(const pass *p)
{
    const tft_network *const w = p->w;
    tft_activations *const a = &p->ws->a;
    tft_output_forward(&w->output, &p->ws->decoder, a->out, p->batch->anchors, a->raw, a->mixture); // (23)
    if (p->config->hazard) {
        const tft_hazard_inputs in = hazard_inputs(p);
        tft_hazard_forward(&w->hazard, &in, a->hazard_by_window, a->hazard);
        tft_signs_forward(&w->signs, &p->ws->decoder, p->batch->signs, dropout_at(p, PLACE_SIGNS), &a->signs,
                          a->hazard);
    }
}

static void forward(const pass *p, const tft_outputs *outputs)
{
    forward_statics(p);
    forward_local(p);
    forward_rows(p);
    tft_attention_weights weights = {p->batch->encoder_steps, p->batch->decoder_steps, NULL, NULL};
    if (outputs != NULL) {
        const size_t rows = p->b * weights.decoder_steps * p->config->n_heads;
        weights.encoder = outputs->encoder_attention;
        weights.decoder = outputs->decoder_attention;
        if (weights.encoder != NULL)
            memset(weights.encoder, 0, rows * weights.encoder_steps * sizeof(float));
        if (weights.decoder != NULL)
            memset(weights.decoder, 0, rows * weights.decoder_steps * sizeof(float));
    }
    forward_temporal(p, weights.encoder != NULL || weights.decoder != NULL ? &weights : NULL);
    forward_outputs(p);
}

/* Packed rows to the caller's padded array; padding reads as 0. */
static void deliver(const tft_rows *rows, const float *packed, size_t steps, size_t width, float *padded)
{
    if (padded == NULL)
        return;
    memset(padded, 0, rows->n_windows * steps * width * sizeof *padded);
    tft_rows_unpack(rows, packed, steps, width, padded);
}

/* Row by row: the logits of a tilted mixture are wider than its weights. */
static void deliver_mixture(const pass *p, size_t steps, float *padded)
{
    const tft_rows *const rows = &p->ws->decoder;
    const tft_mixture *const mixture = &p->w->output.mixture;
    const size_t width = mixture->n_targets * mixture->n_anchors;
    memset(padded, 0, rows->n_windows * steps * width * sizeof *padded);
    for (size_t r = 0; r < rows->n; r++) {
        const size_t b = rows->window_of[r], t = r - rows->start[b];
        tft_mixture_weights(mixture, p->ws->a.mixture + r * mixture->width, 1, padded + (b * steps + t) * width);
    }
}

static void deliver_outputs(const pass *p, const tft_outputs *outputs)
{
    tft_activations *const a = &p->ws->a;
    const tft_rows *const encoder = &p->ws->encoder, *const decoder = &p->ws->decoder;
    const size_t e = p->batch->encoder_steps, t = p->batch->decoder_steps, q = tft_config_outputs(p->config);
    if (outputs->prediction != NULL)
        tft_output_rescale(p->config, decoder, a->raw, p->batch->target_scale, a->prediction);
    deliver(decoder, a->raw, t, q, outputs->raw);
    deliver(decoder, a->prediction, t, q, outputs->prediction);
    if (p->config->hazard)
        deliver(decoder, a->hazard, t, 1, outputs->hazard_logit);
    if (outputs->mixture_weights != NULL && p->config->n_anchors > 0)
        deliver_mixture(p, t, outputs->mixture_weights);
    deliver(encoder, a->encoder_weights, e, p->w->encoder.n, outputs->encoder_selection);
    deliver(decoder, a->decoder_weights, t, p->w->decoder.n, outputs->decoder_selection);
    if (outputs->static_selection != NULL && p->w->statics.n > 0)
        memcpy(outputs->static_selection, a->static_weights, p->b * p->w->statics.n * sizeof(float));
}

/* ---- backward ----------------------------------------------------------------------------------------- */

static void zero(float *x, size_t n)
{
    memset(x, 0, n * sizeof *x);
}

static void backward_outputs(const pass *p)
{
    tft_workspace *const ws = p->ws;
    tft_activation_gradients *const d = &ws->d;
    const size_t h = p->config->hidden_size;
    zero(d->out, p->n_d * h);
    if (p->config->hazard) {
        const tft_hazard_inputs in = hazard_inputs(p);
        tft_hazard_backward(&p->w->hazard, &in, d->hazard, &ws->grad.hazard, d->out, ws->a.hazard_by_window);
        tft_signs_backward(&p->w->signs, &ws->decoder, d->hazard, dropout_at(p, PLACE_SIGNS), &ws->a.signs,
                           &ws->grad.signs);
    }
    tft_output_backward(&p->w->output, &ws->decoder, ws->a.out, p->batch->anchors, ws->a.mixture, d->raw,
                        &ws->grad.output, d->out, d->logits); // (23)
}

static void backward_temporal(const pass *p)
{
    const tft_network *const w = p->w;
    tft_workspace *const ws = p->ws;
    tft_activations *const a = &ws->a;
    tft_activation_gradients *const d = &ws->d;
    tft_network *const grad = &ws->grad;
    const size_t h = p->config->hidden_size, decoder = p->n_e * h;
    zero(d->local, decoder); // the decoder's rows of both are overwritten first
    zero(d->theta, decoder);
    zero(d->delta, p->n_d * h);
    zero(d->enrichment_product, p->b * h);
    tft_gate_backward(&w->pre_output, a->psi, p->n_d, no_dropout, &a->pre_output, d->out, &grad->pre_output, d->psi,
                      d->local + decoder, ws->tmp); // (22)
    tft_grn_backward(&w->feed_forward, a->delta, (tft_grn_rows){p->n_d, NULL, NULL}, dropout_at(p, PLACE_FEED_FORWARD),
                     &a->feed_forward, d->psi, &grad->feed_forward, d->delta, NULL,
                     ws->tmp); // (21)
    tft_gate_backward(&w->post_attention, a->attention, p->n_d, dropout_at(p, PLACE_POST_ATTENTION), &a->post_attention,
                      d->delta, &grad->post_attention, d->attention, d->theta + decoder,
                      ws->tmp); // (20)
    tft_attention_backward(&w->attention, &ws->encoder, &ws->decoder, p->config->causal_attention, a->theta,
                           dropout_at(p, PLACE_ATTENTION), &a->attention_tape, d->attention, &grad->attention, d->theta,
                           ws->tmp); // (19)
    tft_grn_backward(&w->enrichment, a->local, enrichment_rows(p), dropout_at(p, PLACE_ENRICHMENT), &a->enrichment,
                     d->theta, &grad->enrichment, d->local, d->enrichment_product, ws->tmp); // (18)
}

static void backward_local(const pass *p)
{
    const tft_network *const w = p->w;
    tft_workspace *const ws = p->ws;
    tft_activations *const a = &ws->a;
    tft_activation_gradients *const d = &ws->d;
    tft_network *const grad = &ws->grad;
    const size_t h = p->config->hidden_size, decoder = p->n_e * h;
    tft_gate_backward(&w->post_lstm, a->lstm, p->n, dropout_at(p, PLACE_POST_LSTM), &a->post_lstm, d->local,
                      &grad->post_lstm, d->lstm, d->selected, ws->tmp); // (17)
    tft_lstm_backward(&w->lstm_decoder, &ws->decoder, dropout_at(p, PLACE_LSTM_DECODER), &a->lstm_decoder,
                      d->lstm + decoder, NULL, &grad->lstm_decoder, d->selected + decoder, &d->middle, ws->tmp);
    tft_lstm_backward(&w->lstm_encoder, &ws->encoder, dropout_at(p, PLACE_LSTM_ENCODER), &a->lstm_encoder, d->lstm,
                      &d->middle, &grad->lstm_encoder, d->selected, &d->first, ws->tmp);
    zero(d->c_hidden, p->b * h);
    zero(d->c_cell, p->b * h);
    for (size_t l = 0; l < w->lstm_encoder.n_layers; l++) { // all layers started from the same two
        tft_add(d->c_hidden, d->first.h[l], p->b * h);
        tft_add(d->c_cell, d->first.c[l], p->b * h);
    }
    zero(d->encoder_product, p->b * w->encoder.flattened.hidden);
    zero(d->decoder_product, p->b * w->decoder.flattened.hidden);
    tft_selection_backward(&w->decoder, &w->embeddings, fold_of(p, &p->model->decoder), &ws->decoder_fold,
                           decoder_rows(p), dropout_at(p, PLACE_DECODER), a->decoder_weights, d->selected + decoder,
                           &grad->decoder, &grad->embeddings, d->decoder_product, ws->tmp); // (6–8)
    tft_selection_backward(&w->encoder, &w->embeddings, fold_of(p, &p->model->encoder), &ws->encoder_fold,
                           encoder_rows(p), dropout_at(p, PLACE_ENCODER), a->encoder_weights, d->selected,
                           &grad->encoder, &grad->embeddings, d->encoder_product, ws->tmp);
}

static void backward_statics(const pass *p)
{
    const tft_network *const w = p->w;
    tft_workspace *const ws = p->ws;
    tft_activations *const a = &ws->a;
    tft_activation_gradients *const d = &ws->d;
    tft_network *const grad = &ws->grad;
    const size_t h = p->config->hidden_size;
    zero(d->c_selection, p->b * h);
    zero(d->c_enrichment, p->b * h);
    zero(d->statics, p->b * h);
    tft_grn_context_backward(&w->enrichment, a->c_enrichment, d->enrichment_product, p->b, &grad->enrichment,
                             d->c_enrichment);
    if (w->encoder.n > 1)
        tft_grn_context_backward(&w->encoder.flattened, a->c_selection, d->encoder_product, p->b,
                                 &grad->encoder.flattened, d->c_selection);
    if (w->decoder.n > 1)
        tft_grn_context_backward(&w->decoder.flattened, a->c_selection, d->decoder_product, p->b,
                                 &grad->decoder.flattened, d->c_selection);
    tft_grn_backward(&w->context_enrichment, a->statics, per_window(p), dropout_at(p, PLACE_C_ENRICHMENT),
                     &a->t_enrichment, d->c_enrichment, &grad->context_enrichment, d->statics, NULL, ws->tmp);
    tft_grn_backward(&w->context_cell, a->statics, per_window(p), dropout_at(p, PLACE_C_CELL), &a->t_cell, d->c_cell,
                     &grad->context_cell, d->statics, NULL, ws->tmp);
    tft_grn_backward(&w->context_hidden, a->statics, per_window(p), dropout_at(p, PLACE_C_HIDDEN), &a->t_hidden,
                     d->c_hidden, &grad->context_hidden, d->statics, NULL, ws->tmp);
    if (w->encoder.n > 1 || w->decoder.n > 1) // else nobody read c_selection
        tft_grn_backward(&w->context_selection, a->statics, per_window(p), dropout_at(p, PLACE_C_SELECTION),
                         &a->t_selection, d->c_selection, &grad->context_selection, d->statics, NULL, ws->tmp);
    tft_selection_backward(&w->statics, &w->embeddings, fold_of(p, &p->model->statics), &ws->statics_fold,
                           static_rows(p), dropout_at(p, PLACE_STATICS), a->static_weights, d->statics, &grad->statics,
                           &grad->embeddings, NULL, ws->tmp);
}

/* ---- the two passes ----------------------------------------------------------------------------------- */

static pass pass_begin(const tft_model *model, tft_workspace *ws, const tft_batch *batch, uint64_t dropout_key)
{
    pack_batch(&model->config, ws, batch);
    pass p = {.model = model, .config = &model->config, .w = &model->network, .ws = ws, .batch = batch};
    p.dropout = (tft_dropout){dropout_key != 0 ? model->config.dropout : (float)0, dropout_key};
    p.b = batch->n_windows;
    p.n_e = ws->encoder.n;
    p.n_d = ws->decoder.n;
    p.n = p.n_e + p.n_d;
    return p;
}

tft_status tft_model_forward(const tft_model *model, tft_workspace *workspace, const tft_batch *batch,
                             const tft_outputs *outputs, tft_error *err)
{
    const tft_status status = check_batch(model, workspace, batch, err);
    if (status != TFT_OK)
        return status;
    const pass p = pass_begin(model, workspace, batch, 0);
    forward(&p, outputs);
    deliver_outputs(&p, outputs);
    return TFT_OK;
}

static tft_status check_truth(const tft_model *model, const tft_workspace *ws, const tft_batch *batch,
                              const tft_truth *truth, tft_loss_kind kind, tft_error *err)
{
    if (!ws->training)
        return tft_fail(err, TFT_ERR_ARGUMENT, "the workspace was not opened for training");
    if ((kind == TFT_LOSS_PREDICTION ? truth->target : truth->target_scaled) == NULL)
        return tft_fail(err, TFT_ERR_ARGUMENT, "the loss needs targets in %s units",
                        kind == TFT_LOSS_PREDICTION ? "real" : "scaled");
    if (!model->config.hazard)
        return TFT_OK;
    if (truth->event_step == NULL || truth->at_risk == NULL)
        return tft_fail(err, TFT_ERR_ARGUMENT, "the hazard's likelihood needs event_step and at_risk");
    for (size_t b = 0; b < batch->n_windows; b++) {
        if (truth->event_step[b] > truth->at_risk[b])
            return tft_fail(err, TFT_ERR_ARGUMENT, "window %zu: an event at step %u, at risk for %u steps", b,
                            (unsigned)truth->event_step[b], (unsigned)truth->at_risk[b]);
    }
    return TFT_OK;
}

tft_status tft_model_train_pass(const tft_model *model, tft_workspace *workspace, const tft_batch *batch,
                                const tft_truth *truth, tft_loss_kind kind, uint64_t dropout_key, float loss_scale,
                                const tft_outputs *outputs, tft_losses *losses, tft_error *err)
{
    if (model->precision != TFT_PRECISION_FLOAT32)
        return tft_fail(err, TFT_ERR_ARGUMENT, "a model in bfloat16 does not train: set its precision to float32");
    tft_status status = check_batch(model, workspace, batch, err);
    if (status == TFT_OK)
        status = check_truth(model, workspace, batch, truth, kind, err);
    if (status != TFT_OK)
        return status;
    const pass p = pass_begin(model, workspace, batch, dropout_key);
    forward(&p, outputs);
    if (outputs != NULL)
        deliver_outputs(&p, outputs);

    tft_activations *const a = &workspace->a;
    const double scale = (double)loss_scale, hazard_weight = (double)truth->hazard_weight;
    *losses = (tft_losses){.n_steps = (double)p.n_d};
    losses->quantile =
        tft_quantile_loss(p.config, &workspace->decoder, batch, truth, kind, a->raw, scale, workspace->d.raw);
    if (p.config->hazard) {
        losses->hazard =
            tft_hazard_loss(&workspace->decoder, truth, a->hazard, scale * hazard_weight, workspace->d.hazard);
        losses->hazard += tft_horizon_loss(&workspace->decoder, truth, model->config.max_decoder_length, a->hazard,
                                           scale * hazard_weight, workspace->d.hazard);
    }
    losses->total = losses->quantile + hazard_weight * losses->hazard;

    backward_outputs(&p);
    backward_temporal(&p);
    backward_local(&p);
    backward_statics(&p);
    return TFT_OK;
}
