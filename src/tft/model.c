/* model.c - a network's weights: taking their memory, their table, their first values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tensor/tensor.h"
#include "tft/judge.h"
#include "tft/model_internal.h"

/* Runs twice over the same lines: counting (model->values NULL, an empty arena), then for good. */
static void layout_model(tft_model *model, size_t n_entries, size_t n_floats, tft_builder *builder)
{
    *builder = (tft_builder){.arena = &model->arena, .derived = true};
    model->entries = tft_arena_alloc(&model->arena, n_entries, sizeof *model->entries);
    model->values = tft_arena_floats(&model->arena, n_floats);
    builder->entries = model->entries;
    builder->base = model->values;
    tft_network_define(builder, &model->network, &model->config);
}

static void layout_folds(tft_model *model)
{
    tft_fold_layout(&model->fold_arena, &model->network.statics, &model->statics);
    tft_fold_layout(&model->fold_arena, &model->network.encoder, &model->encoder);
    tft_fold_layout(&model->fold_arena, &model->network.decoder, &model->decoder);
}

tft_status tft_model_open(const tft_config *config, tft_model **model, tft_error *err)
{
    *model = NULL;
    const tft_status status = tft_config_check(config, err);
    if (status != TFT_OK)
        return status;
    tft_model *const m = calloc(1, sizeof *m);
    if (m == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a model");
    m->config = *config;
    tft_builder builder;
    layout_model(m, 0, 0, &builder); // how many tensors and floats
    m->arena = (tft_arena){0};
    m->n_entries = builder.n;
    m->n_floats = builder.floats;
    layout_model(m, m->n_entries, m->n_floats, &builder); // how much memory
    const size_t bytes = m->arena.used;
    if (tft_arena_init(&m->arena, bytes, err) != TFT_OK) {
        free(m);
        return TFT_ERR_MEMORY;
    }
    layout_model(m, m->n_entries, m->n_floats, &builder);
    layout_folds(m);
    const size_t fold_bytes = m->fold_arena.used;
    if (tft_arena_init(&m->fold_arena, fold_bytes, err) != TFT_OK) {
        tft_model_close(m);
        return TFT_ERR_MEMORY;
    }
    layout_folds(m);
    tft_model_refresh(m);
    *model = m;
    return TFT_OK;
}

void tft_model_close(tft_model *model)
{
    if (model == NULL)
        return;
    tft_judge_close(model->judge);
    tft_arena_free(&model->arena);
    tft_arena_free(&model->fold_arena);
    tft_selection_curves_close(&model->encoder_curves);
    tft_selection_curves_close(&model->decoder_curves);
    free(model);
}

const tft_config *tft_model_config(const tft_model *model)
{
    return &model->config;
}

size_t tft_model_n_parameters(const tft_model *model)
{
    return model->n_entries;
}

tft_parameter tft_model_parameter(const tft_model *model, size_t i)
{
    const tft_parameter_entry *const entry = &model->entries[i];
    tft_parameter p = {.name = entry->name, .n_dims = entry->n_dims, .n = entry->n, .no_decay = entry->no_decay};
    memcpy(p.dims, entry->dims, sizeof p.dims);
    p.data = model->values + entry->offset;
    return p;
}

size_t tft_model_n_values(const tft_model *model)
{
    size_t n = 0;
    for (size_t i = 0; i < model->n_entries; i++)
        n += model->entries[i].n;
    return n;
}

void tft_model_randomize(tft_model *model, uint64_t seed)
{
    for (size_t i = 0; i < model->n_entries; i++) {
        const tft_parameter_entry *const entry = &model->entries[i];
        tft_rng rng = tft_rng_seeded(seed, i); // a stream per tensor: adding one does not change the others' values
        for (size_t k = 0; k < entry->n; k++) {
            double value = entry->amount;
            if (entry->initial == TFT_INITIAL_UNIFORM)
                value *= 2.0 * tft_rng_uniform(&rng) - 1.0;
            else if (entry->initial == TFT_INITIAL_NORMAL)
                value *= tft_rng_normal(&rng);
            model->values[entry->offset + k] = (float)value;
        }
    }
    tft_model_refresh(model);
}

static void refresh_selection(const tft_selection *w, const tft_embeddings *embeddings, tft_fold *fold)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->variables[i].grn != NULL)
            tft_grn_refresh(w->variables[i].grn);
    }
    tft_fold_make(w, embeddings, fold);
}

tft_status tft_model_tabulate(tft_model *model, tft_error *err)
{
    const tft_network *const w = &model->network;
    tft_status status = TFT_OK;
    if (model->encoder_curves.arena.base == NULL)
        status = tft_selection_curves_open(&w->encoder, &w->embeddings, &model->encoder_curves, err);
    if (status == TFT_OK && model->decoder_curves.arena.base == NULL)
        status = tft_selection_curves_open(&w->decoder, &w->embeddings, &model->decoder_curves, err);
    if (status != TFT_OK)
        return status;
    const size_t encoder = tft_selection_curves_tmp(&w->encoder, &w->embeddings);
    const size_t decoder = tft_selection_curves_tmp(&w->decoder, &w->embeddings);
    tft_arena arena = {0};
    status = tft_arena_init(&arena, (encoder > decoder ? encoder : decoder) * sizeof(float) + 64, err);
    if (status != TFT_OK)
        return status;
    float *const tmp = tft_arena_floats(&arena, encoder > decoder ? encoder : decoder);
    tft_selection_curves_make(&w->encoder, &w->embeddings, &model->encoder, &model->encoder_curves, tmp);
    tft_selection_curves_make(&w->decoder, &w->embeddings, &model->decoder, &model->decoder_curves, tmp);
    tft_arena_free(&arena);
    return TFT_OK;
}

/* What is derived from the weights but curves. */
static void pack_network(tft_model *model)
{
    tft_network *const w = &model->network;
    refresh_selection(&w->statics, &w->embeddings, &model->statics);
    refresh_selection(&w->encoder, &w->embeddings, &model->encoder);
    refresh_selection(&w->decoder, &w->embeddings, &model->decoder);
    tft_grn *const grns[] = {w->statics.n > 1 ? &w->statics.flattened : NULL,
                             w->encoder.n > 1 ? &w->encoder.flattened : NULL,
                             w->decoder.n > 1 ? &w->decoder.flattened : NULL,
                             &w->context_selection,
                             &w->context_hidden,
                             &w->context_cell,
                             &w->context_enrichment,
                             &w->enrichment,
                             &w->feed_forward};
    for (size_t i = 0; i < sizeof grns / sizeof grns[0]; i++) {
        if (grns[i] != NULL)
            tft_grn_refresh(grns[i]);
    }
    tft_gate_refresh(&w->post_lstm);
    tft_gate_refresh(&w->post_attention);
    tft_attention_refresh(&w->attention, w->post_attention.w);
    tft_gate_refresh(&w->pre_output);
    tft_lstm_refresh(&w->lstm_encoder);
    tft_lstm_refresh(&w->lstm_decoder);
    model->packed_for = tft_tensor_isa();
}

void tft_model_refresh(tft_model *model)
{
    model->encoder_curves.ready = model->decoder_curves.ready = false;
    pack_network(model);
}

/* Not among them: the networks of single inputs, which are read from curves good to 2e-6, statics and contexts, which are a row a window, and
 * everything behind the last gate. */
void tft_model_set_precision(tft_model *model, tft_precision precision)
{
    tft_network *const w = &model->network;
    const bool bf16 = precision == TFT_PRECISION_BF16;
    tft_grn *const grns[] = {&w->encoder.flattened, &w->decoder.flattened, &w->enrichment, &w->feed_forward};
    for (size_t i = 0; i < sizeof grns / sizeof grns[0]; i++)
        grns[i]->fc1_packed.bf16 = grns[i]->direct_packed.bf16 = bf16;
    tft_gate *const gates[] = {&w->post_lstm, &w->post_attention, &w->pre_output};
    for (size_t i = 0; i < sizeof gates / sizeof gates[0]; i++)
        gates[i]->packed.bf16 = bf16;
    for (size_t l = 0; l < w->lstm_encoder.n_layers; l++) {
        w->lstm_encoder.ih_packed[l].bf16 = w->lstm_encoder.hh_packed[l].bf16 = bf16;
        w->lstm_decoder.ih_packed[l].bf16 = w->lstm_decoder.hh_packed[l].bf16 = bf16;
    }
    model->encoder.hidden_packed.bf16 = model->decoder.hidden_packed.bf16 = bf16;
    model->precision = precision;
    pack_network(model);
}

static const char *const precision_names[] = {"float32", "bf16"}; // as the enumeration goes

const char *tft_precision_name(tft_precision precision)
{
    return precision_names[precision];
}

bool tft_precision_named(const char *name, tft_precision *precision)
{
    for (size_t i = 0; i < sizeof precision_names / sizeof precision_names[0]; i++) {
        if (strcmp(name, precision_names[i]) == 0) {
            *precision = (tft_precision)i;
            return true;
        }
    }
    return false;
}

tft_precision tft_model_precision(const tft_model *model)
{
    return model->precision;
}
