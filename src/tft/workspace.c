/* workspace.c - see workspace.h. */
#include "tft/workspace.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ROWS ((size_t)1 << 26) // rows of one batch: far above any use, far below where sizes could overflow

static size_t most_of(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The most that any one layer needs. */
static size_t tmp_needed(const tft_model *model, size_t b, size_t n_e, size_t n_d, const tft_workspace *ws)
{
    const tft_network *const w = &model->network;
    const size_t n = n_e + n_d;
    const bool training = ws->training;
    size_t most = tft_selection_tmp(&w->statics, ws->folded, training);
    most = most_of(most, tft_selection_tmp(&w->encoder, ws->folded, training));
    most = most_of(most, tft_selection_tmp(&w->decoder, ws->folded, training));
    most = most_of(most, tft_grn_tmp(&w->context_selection, b, training));
    most = most_of(most, tft_lstm_tmp(&w->lstm_encoder, n_e, b, training));
    most = most_of(most, tft_lstm_tmp(&w->lstm_decoder, n_d, b, training));
    most = most_of(most, tft_gate_tmp(&w->post_lstm, n, training));
    most = most_of(most, tft_grn_tmp(&w->enrichment, n, training));
    most = most_of(most, tft_attention_tmp(&w->attention, n_e, n_d, ws->max_encoder, ws->max_decoder, training));
    return most_of(most, tft_grn_tmp(&w->feed_forward, n_d, training));
}

static void layout_activations(tft_carve *carve, const tft_model *model, size_t b, size_t n_e, size_t n_d, bool keep,
                               tft_activations *a)
{
    const tft_network *const w = &model->network;
    const tft_config *const config = &model->config;
    const size_t h = config->hidden_size, n = n_e + n_d, q = tft_config_outputs(config);
    a->encoder_reals = tft_carve_floats(carve, n_e * config->encoder_inputs.n_reals);
    a->decoder_reals = tft_carve_floats(carve, n_d * config->decoder_inputs.n_reals);
    a->statics = tft_carve_floats(carve, b * h);
    a->static_weights = tft_carve_floats(carve, b * w->statics.n);
    a->c_selection = tft_carve_floats(carve, b * h);
    a->c_hidden = tft_carve_floats(carve, b * h);
    a->c_cell = tft_carve_floats(carve, b * h);
    a->c_enrichment = tft_carve_floats(carve, b * h);
    tft_grn_tape_carve(carve, &w->context_selection, b, keep, &a->t_selection);
    tft_grn_tape_carve(carve, &w->context_hidden, b, keep, &a->t_hidden);
    tft_grn_tape_carve(carve, &w->context_cell, b, keep, &a->t_cell);
    tft_grn_tape_carve(carve, &w->context_enrichment, b, keep, &a->t_enrichment);
    a->encoder_product = tft_carve_floats(carve, b * w->encoder.flattened.hidden);
    a->decoder_product = tft_carve_floats(carve, b * w->decoder.flattened.hidden);
    a->enrichment_product = tft_carve_floats(carve, b * h);
    a->selected = tft_carve_floats(carve, n * h);
    a->encoder_weights = tft_carve_floats(carve, n_e * w->encoder.n);
    a->decoder_weights = tft_carve_floats(carve, n_d * w->decoder.n);
    tft_lstm_tape_carve(carve, &w->lstm_encoder, n_e, b, keep, &a->lstm_encoder);
    tft_lstm_tape_carve(carve, &w->lstm_decoder, n_d, b, keep, &a->lstm_decoder);
    tft_lstm_state_carve(carve, &w->lstm_encoder, b, &a->middle);
    a->lstm = tft_carve_floats(carve, n * h);
    tft_gate_tape_carve(carve, &w->post_lstm, n, keep, &a->post_lstm);
    a->local = tft_carve_floats(carve, n * h);
    tft_grn_tape_carve(carve, &w->enrichment, n, keep, &a->enrichment);
    a->theta = tft_carve_floats(carve, n * h);
    tft_attention_tape_carve(carve, &w->attention, n_e, n_d, keep, &a->attention_tape);
    a->attention = tft_carve_floats(carve, n_d * h);
    tft_gate_tape_carve(carve, &w->post_attention, n_d, keep, &a->post_attention);
    a->delta = tft_carve_floats(carve, n_d * h);
    tft_grn_tape_carve(carve, &w->feed_forward, n_d, keep, &a->feed_forward);
    a->psi = tft_carve_floats(carve, n_d * h);
    tft_gate_tape_carve(carve, &w->pre_output, n_d, keep, &a->pre_output);
    a->out = tft_carve_floats(carve, n_d * h);
    a->raw = tft_carve_floats(carve, n_d * q);
    a->prediction = tft_carve_floats(carve, n_d * q);
    a->mixture = tft_carve_floats(carve, n_d * tft_mixture_width(config));
    a->hazard = tft_carve_floats(carve, config->hazard ? n_d : 0);
    a->hazard_by_window = tft_carve_floats(carve, config->wide_hazard ? b * TFT_HAZARD_CURVES : 0);
    const size_t n_signs = w->signs.n, wider = w->signs.hidden > n_signs ? w->signs.hidden : n_signs;
    a->signs.dropped = tft_carve_floats(carve, b * n_signs);
    a->signs.hidden = tft_carve_floats(carve, b * w->signs.hidden);
    a->signs.dhidden = tft_carve_floats(carve, b * wider);
    a->signs.by_window = tft_carve_floats(carve, n_signs > 0 ? b * TFT_SIGN_KNOTS : 0);
}

static void layout_gradients(tft_carve *carve, const tft_model *model, size_t b, size_t n_e, size_t n_d,
                             tft_activation_gradients *d)
{
    const tft_network *const w = &model->network;
    const tft_config *const config = &model->config;
    const size_t h = config->hidden_size, n = n_e + n_d;
    d->statics = tft_carve_floats(carve, b * h);
    d->c_selection = tft_carve_floats(carve, b * h);
    d->c_hidden = tft_carve_floats(carve, b * h);
    d->c_cell = tft_carve_floats(carve, b * h);
    d->c_enrichment = tft_carve_floats(carve, b * h);
    d->encoder_product = tft_carve_floats(carve, b * w->encoder.flattened.hidden);
    d->decoder_product = tft_carve_floats(carve, b * w->decoder.flattened.hidden);
    d->enrichment_product = tft_carve_floats(carve, b * h);
    d->selected = tft_carve_floats(carve, n * h);
    d->lstm = tft_carve_floats(carve, n * h);
    d->local = tft_carve_floats(carve, n * h);
    d->theta = tft_carve_floats(carve, n * h);
    d->attention = tft_carve_floats(carve, n_d * h);
    d->delta = tft_carve_floats(carve, n_d * h);
    d->psi = tft_carve_floats(carve, n_d * h);
    d->out = tft_carve_floats(carve, n_d * h);
    d->raw = tft_carve_floats(carve, n_d * tft_config_outputs(config));
    d->logits = tft_carve_floats(carve, n_d * tft_mixture_width(config));
    d->hazard = tft_carve_floats(carve, config->hazard ? n_d : 0);
    tft_lstm_state_carve(carve, &w->lstm_encoder, b, &d->first);
    tft_lstm_state_carve(carve, &w->lstm_encoder, b, &d->middle);
}

/* A part made of floats: its size is counted, then it is cut out of one block of the arena. */
static tft_carve block_of(tft_arena *arena, size_t n)
{
    return (tft_carve){tft_arena_floats(arena, n), 0};
}

static void layout_workspace(tft_workspace *ws)
{
    const tft_model *const model = ws->model;
    const size_t b = ws->max_windows, n_e = b * ws->max_encoder, n_d = b * ws->max_decoder;
    const size_t codes = model->config.n_categoricals;
    tft_arena *const arena = &ws->arena;
    tft_rows_layout(arena, &ws->encoder, b, ws->max_encoder);
    tft_rows_layout(arena, &ws->decoder, b, ws->max_decoder);
    ws->a.window_of = tft_arena_alloc(arena, n_e + n_d, sizeof(uint32_t));
    ws->a.static_codes = tft_arena_alloc(arena, b * codes, sizeof(uint32_t));
    ws->a.encoder_codes = tft_arena_alloc(arena, n_e * codes, sizeof(uint32_t));
    ws->a.decoder_codes = tft_arena_alloc(arena, n_d * codes, sizeof(uint32_t));

    tft_carve count = {NULL, 0};
    tft_activations a = ws->a;
    layout_activations(&count, model, b, n_e, n_d, ws->training, &a);
    tft_carve carve = block_of(arena, count.used);
    layout_activations(&carve, model, b, n_e, n_d, ws->training, &ws->a);

    ws->n_tmp = tmp_needed(model, b, n_e, n_d, ws);
    ws->tmp = tft_arena_floats(arena, ws->n_tmp);
    if (!ws->training) {
        const tft_config *const config = &model->config;
        tft_shared_inputs_layout(arena, config->encoder_inputs.n_reals, config->hidden_size, b, ws->max_encoder,
                                 &ws->shared_encoder);
        tft_shared_inputs_layout(arena, config->decoder_inputs.n_reals, config->hidden_size, b, ws->max_decoder,
                                 &ws->shared_decoder);
        return;
    }
    count = (tft_carve){NULL, 0};
    tft_activation_gradients d;
    layout_gradients(&count, model, b, n_e, n_d, &d);
    carve = block_of(arena, count.used);
    layout_gradients(&carve, model, b, n_e, n_d, &ws->d);
    tft_fold_layout(arena, &model->network.statics, &ws->statics_fold);
    tft_fold_layout(arena, &model->network.encoder, &ws->encoder_fold);
    tft_fold_layout(arena, &model->network.decoder, &ws->decoder_fold);
    ws->gradients = tft_arena_floats(arena, model->n_floats);
    tft_builder builder = {.arena = arena, .base = ws->gradients};
    tft_network_define(&builder, &ws->grad, &model->config);
}

tft_status tft_workspace_open(const tft_model *model, size_t max_windows, size_t max_encoder, size_t max_decoder,
                              bool training, tft_workspace **workspace, tft_error *err)
{
    *workspace = NULL;
    if (max_windows == 0 || max_encoder == 0 || max_decoder == 0)
        return tft_fail(err, TFT_ERR_ARGUMENT, "a workspace for %zu windows of %zu + %zu steps holds nothing",
                        max_windows, max_encoder, max_decoder);
    if (max_encoder > MAX_ROWS || max_decoder > MAX_ROWS || max_windows > MAX_ROWS / (max_encoder + max_decoder))
        return tft_fail(err, TFT_ERR_LIMIT, "a workspace for %zu windows of %zu + %zu steps is beyond %zu rows",
                        max_windows, max_encoder, max_decoder, MAX_ROWS);
    tft_workspace *const ws = calloc(1, sizeof *ws);
    if (ws == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a workspace");
    ws->model = model;
    ws->max_windows = max_windows;
    ws->max_encoder = max_encoder;
    ws->max_decoder = max_decoder;
    ws->training = training;
    ws->folded = !model->plain;
    layout_workspace(ws);
    const size_t bytes = ws->arena.used;
    if (tft_arena_init(&ws->arena, bytes, err) != TFT_OK) {
        free(ws);
        return TFT_ERR_MEMORY;
    }
    layout_workspace(ws);
    *workspace = ws;
    return TFT_OK;
}

void tft_workspace_close(tft_workspace *workspace)
{
    if (workspace == NULL)
        return;
    tft_arena_free(&workspace->arena);
    free(workspace);
}

size_t tft_workspace_bytes(const tft_workspace *workspace)
{
    return workspace->arena.size + sizeof *workspace;
}

void tft_workspace_zero_gradients(tft_workspace *workspace)
{
    if (workspace->training)
        memset(workspace->gradients, 0, workspace->model->n_floats * sizeof *workspace->gradients);
}

float *tft_workspace_gradient(tft_workspace *workspace, size_t i)
{
    return workspace->gradients + workspace->model->entries[i].offset;
}
