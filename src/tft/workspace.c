/* workspace.c - lays out a workspace: the same lines count the bytes and place the buffers. */
#include "tft/workspace.h"

#include <stdlib.h>

/* A bound of what a pass takes from the scratch at once: the buffers of tft_pass_backward, and below them the deepest
 * layer. Asserts in tft_scratch_take() hold it. */
static size_t scratch_floats(const tft_model *model, size_t b, size_t e, size_t t, bool training)
{
    const tft_config *const c = &model->config;
    const tft_weights *const w = &model->weights;
    const size_t h = c->hidden_size, j = e + t, rows = b * j, q = tft_config_outputs(c);
    size_t variables = w->static_selection.n, embedded = w->static_selection.width;
    const tft_selection_weights *const selections[2] = {&w->encoder_selection, &w->decoder_selection};
    for (size_t i = 0; i < 2; i++) {
        variables = selections[i]->n > variables ? selections[i]->n : variables;
        embedded = selections[i]->width > embedded ? selections[i]->width : embedded;
    }
    const size_t widest = h > variables ? h : variables;
    const size_t layer = rows * (variables + h + 8 * widest) + 8 * b * h + widest * embedded;
    const size_t lstm = rows * 10 * h + 4 * h * h + 8 * b * h;
    const size_t attention = rows * h + 2 * (h + 1) * (h + 1) * 2 + j * (t + 4 * h) + t * h * 2;
    size_t deepest = layer > lstm ? layer : lstm;
    deepest = attention > deepest ? attention : deepest;
    const size_t pass = training ? rows * (8 * h + embedded) +
                                       b * t * (6 * h + 3 * q + 2 * c->n_targets * c->n_anchors + 2) + 16 * b * h
                                 : 0;
    return deepest + pass + 64 * 64;
}

static void layout(tft_workspace *ws, tft_arena *arena)
{
    const tft_config *const c = &ws->model->config;
    const tft_weights *const w = &ws->model->weights;
    const bool dropout = ws->training && c->dropout > 0.0f;
    const size_t h = c->hidden_size, b = ws->max_windows, be = b * ws->max_encoder, bt = b * ws->max_decoder,
                 bj = be + bt;
    tft_selection_tape_layout(arena, &w->static_selection, b, h, dropout, &ws->static_tape);
    tft_selection_tape_layout(arena, &w->encoder_selection, be, h, dropout, &ws->encoder_tape);
    tft_selection_tape_layout(arena, &w->decoder_selection, bt, h, dropout, &ws->decoder_tape);
    ws->statics = tft_arena_floats(arena, b * h);
    tft_grn_tape_layout(arena, &w->context_selection, b, dropout, &ws->selection_tape);
    tft_grn_tape_layout(arena, &w->context_hidden, b, dropout, &ws->hidden_tape);
    tft_grn_tape_layout(arena, &w->context_cell, b, dropout, &ws->cell_tape);
    tft_grn_tape_layout(arena, &w->context_enrichment, b, dropout, &ws->enrichment_context_tape);
    ws->context_selection = tft_arena_floats(arena, b * h);
    ws->context_hidden = tft_arena_floats(arena, b * h);
    ws->context_cell = tft_arena_floats(arena, b * h);
    ws->context_enrichment = tft_arena_floats(arena, b * h);
    ws->encoder_selected = tft_arena_floats(arena, be * h);
    ws->decoder_selected = tft_arena_floats(arena, bt * h);
    ws->encoder_live = tft_arena_alloc(arena, be, 1);
    ws->decoder_live = tft_arena_alloc(arena, bt, 1);
    tft_lstm_tape_layout(arena, c->lstm_layers, b, ws->max_encoder, h, dropout, ws->encoder_lstm);
    tft_lstm_tape_layout(arena, c->lstm_layers, b, ws->max_decoder, h, dropout, ws->decoder_lstm);
    ws->selected = tft_arena_floats(arena, bj * h);
    ws->lstm = tft_arena_floats(arena, bj * h);
    ws->local = tft_arena_floats(arena, bj * h);
    ws->theta = tft_arena_floats(arena, bj * h);
    tft_gate_norm_tape_layout(arena, &w->post_lstm, bj, dropout, &ws->post_lstm_tape);
    tft_grn_tape_layout(arena, &w->enrichment, bj, dropout, &ws->enrichment_tape);
    tft_attention_tape_layout(arena, b, ws->max_encoder, ws->max_decoder, h, c->n_heads, dropout, &ws->attention_tape);
    ws->attended = tft_arena_floats(arena, bt * h);
    ws->theta_decoder = tft_arena_floats(arena, bt * h);
    ws->local_decoder = tft_arena_floats(arena, bt * h);
    ws->delta = tft_arena_floats(arena, bt * h);
    ws->psi = tft_arena_floats(arena, bt * h);
    ws->decoded = tft_arena_floats(arena, bt * h);
    tft_gate_norm_tape_layout(arena, &w->post_attention, bt, dropout, &ws->post_attention_tape);
    tft_grn_tape_layout(arena, &w->position_wise, bt, dropout, &ws->position_tape);
    tft_gate_norm_tape_layout(arena, &w->pre_output, bt, false, &ws->pre_output_tape);
    ws->raw = tft_arena_floats(arena, bt * tft_config_outputs(c));
    ws->prediction = tft_arena_floats(arena, bt * tft_config_outputs(c));
    ws->mixture = tft_arena_floats(arena, bt * c->n_targets * c->n_anchors);
    ws->hazard = tft_arena_floats(arena, bt);
    ws->scratch.size = scratch_floats(ws->model, b, ws->max_encoder, ws->max_decoder, ws->training);
    ws->scratch.base = tft_arena_floats(arena, ws->scratch.size);
    ws->gradients = ws->training ? tft_arena_floats(arena, ws->model->n_floats) : NULL;
}

tft_status tft_workspace_open(const tft_model *model, size_t max_windows, size_t max_encoder, size_t max_decoder,
                              bool training, tft_workspace **out, tft_error *err)
{
    *out = NULL;
    if (max_windows < 1 || max_encoder < 1 || max_decoder < 1 || max_windows > 1 << 16 || max_encoder > 1 << 20 ||
        max_decoder > 1 << 20)
        return tft_fail(err, TFT_ERR_ARGUMENT, "workspace for %zu windows of %zu + %zu steps: each must be at least 1",
                        max_windows, max_encoder, max_decoder);
    tft_workspace *const ws = calloc(1, sizeof *ws);
    if (ws == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a workspace");
    ws->model = model;
    ws->max_windows = max_windows;
    ws->max_encoder = max_encoder;
    ws->max_decoder = max_decoder;
    ws->training = training;
    tft_arena count = {0};
    layout(ws, &count);
    const tft_status status = tft_arena_init(&ws->arena, count.used, err);
    if (status != TFT_OK) {
        free(ws);
        return status;
    }
    layout(ws, &ws->arena);
    if (training) {
        size_t n_tensors, n_floats;
        tft_weights_walk(&model->config, ws->gradients, &ws->grad, NULL, &n_tensors, &n_floats);
    }
    *out = ws;
    return TFT_OK;
}

void tft_workspace_close(tft_workspace *ws)
{
    if (ws == NULL)
        return;
    tft_arena_free(&ws->arena);
    free(ws);
}

size_t tft_workspace_bytes(const tft_workspace *ws)
{
    return ws->arena.size + sizeof *ws;
}

void tft_workspace_zero_gradients(tft_workspace *ws)
{
    assert(ws->training);
    memset(ws->gradients, 0, ws->model->n_floats * sizeof(float));
}

float *tft_workspace_gradient(tft_workspace *ws, size_t i)
{
    assert(ws->training && i < ws->model->n_tensors);
    return ws->gradients + ws->model->specs[i].at;
}
