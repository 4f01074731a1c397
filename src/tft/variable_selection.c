/* variable_selection.c - see variable_selection.h. */
#include "tft/variable_selection.h"

#include <stdio.h>
#include <string.h>

/* ---- declaring ---------------------------------------------------------------------------------------- */

static tft_grn *grn_new(tft_builder *builder, const char *name, size_t in, size_t out)
{
    tft_grn counted; // stands in while there is no memory yet
    tft_grn *const grn = tft_arena_alloc(builder->arena, 1, sizeof *grn);
    tft_grn_define(builder, grn != NULL ? grn : &counted, name, in, in < out ? in : out, out, 0);
    return grn;
}

static tft_resample *resample_new(tft_builder *builder, const char *name, size_t in, size_t out)
{
    tft_resample counted;
    tft_resample *const resample = tft_arena_alloc(builder->arena, 1, sizeof *resample);
    tft_resample_define(builder, resample != NULL ? resample : &counted, name, in, out);
    return resample;
}

static const char *variable_name(const tft_config *config, bool categorical, size_t source)
{
    return categorical ? config->embeddings[source].name : config->reals[source].name;
}

static size_t variable_size(const tft_config *config, bool categorical, size_t source)
{
    return categorical ? config->embeddings[source].dim : tft_real_size(config, source);
}

static void share(tft_builder *builder, tft_shared_grns *shared, const tft_config *config, const tft_inputs *inputs,
                  bool *done)
{
    for (size_t i = 0; i < (size_t)inputs->n_embeddings + inputs->n_reals; i++) {
        const bool categorical = i < inputs->n_embeddings;
        const size_t source = categorical ? inputs->embeddings[i] : inputs->reals[i - inputs->n_embeddings];
        const size_t at = categorical ? source : config->n_embeddings + source;
        if (done[at])
            continue;
        done[at] = true;
        char name[TFT_PARAMETER_NAME];
        snprintf(name, sizeof name, "shared_single_variable_grns.%s", variable_name(config, categorical, source));
        tft_grn *const grn = grn_new(builder, name, variable_size(config, categorical, source), config->hidden_size);
        if (shared->grns != NULL)
            shared->grns[at] = grn;
    }
}

void tft_shared_grns_define(tft_builder *builder, tft_shared_grns *shared, const tft_config *config)
{
    bool done[TFT_MAX_CATEGORICALS + TFT_MAX_REALS] = {false};
    shared->grns = tft_arena_alloc(builder->arena, config->n_embeddings + config->n_reals, sizeof(tft_grn *));
    share(builder, shared, config, &config->encoder_inputs, done);
    share(builder, shared, config, &config->decoder_inputs, done);
}

void tft_selection_define(tft_builder *builder, tft_selection *w, const char *name, const tft_config *config,
                          const tft_inputs *inputs, size_t context_in, const tft_shared_grns *shared)
{
    char text[TFT_PARAMETER_NAME];
    memset(w, 0, sizeof *w);
    w->n = (size_t)inputs->n_embeddings + inputs->n_reals;
    w->hidden = config->hidden_size;
    w->variables = tft_arena_alloc(builder->arena, w->n, sizeof *w->variables);
    for (size_t i = 0; i < w->n; i++) {
        const bool categorical = i < inputs->n_embeddings;
        w->total += variable_size(config, categorical,
                                  categorical ? inputs->embeddings[i] : inputs->reals[i - inputs->n_embeddings]);
    }
    if (w->n > 1) {
        snprintf(text, sizeof text, "%s.flattened_grn", name);
        tft_grn_define(builder, &w->flattened, text, w->total, w->n < w->hidden ? w->n : w->hidden, w->n, context_in);
    }
    size_t offset = 0;
    for (size_t i = 0; i < w->n; i++) {
        tft_variable v = {.categorical = i < inputs->n_embeddings};
        v.column = v.categorical ? 0 : i - inputs->n_embeddings;
        v.source = v.categorical ? inputs->embeddings[i] : inputs->reals[v.column];
        v.size = variable_size(config, v.categorical, v.source);
        v.offset = offset;
        offset += v.size;
        snprintf(text, sizeof text, "%s.single_variable_grns.%s", name, variable_name(config, v.categorical, v.source));
        if (shared != NULL)
            v.grn =
                shared->grns != NULL ? shared->grns[v.categorical ? v.source : config->n_embeddings + v.source] : NULL;
        else if (v.categorical)
            v.resample = resample_new(builder, text, v.size, w->hidden);
        else
            v.grn = grn_new(builder, text, v.size, w->hidden);
        if (w->variables != NULL)
            w->variables[i] = v;
    }
}

/* ---- working memory: one chunk of rows ---------------------------------------------------------------- */

typedef struct selection_tmp {
    float *flat, *dflat;      // [C, Σ sizes]
    float *e, *de;            // [C, size] of one variable
    float *t, *dt;            // [C, H]
    float *logits, *dweights; // [C, V]
    tft_grn_tape flat_tape;   // of (6)
    float *tape;              // of one variable's network, carved when it is known which
    float *block;             // tmp of the networks
} selection_tmp;

static size_t variable_tape(const tft_variable *v, size_t n)
{
    tft_carve carve = {NULL, 0};
    tft_grn_tape grn;
    tft_resample_tape resample;
    if (v->grn != NULL)
        tft_grn_tape_carve(&carve, v->grn, n, true, &grn);
    else
        tft_resample_tape_carve(&carve, v->resample, n, true, &resample);
    return carve.used;
}

static size_t selection_carve_tmp(const tft_selection *w, bool backward, float *base, selection_tmp *t)
{
    const size_t n = TFT_SELECTION_CHUNK;
    size_t widest = 0, tape = 0, block = w->n > 1 ? tft_grn_tmp(&w->flattened, n) : 0;
    for (size_t i = 0; i < w->n; i++) {
        const tft_variable *const v = &w->variables[i];
        const size_t needed = variable_tape(v, n);
        const size_t tmp = v->grn != NULL ? tft_grn_tmp(v->grn, n) : tft_resample_tmp(v->resample, n);
        widest = v->size > widest ? v->size : widest;
        tape = needed > tape ? needed : tape;
        block = tmp > block ? tmp : block;
    }
    memset(t, 0, sizeof *t);
    tft_carve carve = {base, 0};
    t->flat = tft_carve_floats(&carve, n * w->total);
    t->e = tft_carve_floats(&carve, n * widest);
    t->t = tft_carve_floats(&carve, n * w->hidden);
    t->logits = tft_carve_floats(&carve, n * w->n);
    if (w->n > 1)
        tft_grn_tape_carve(&carve, &w->flattened, n, backward, &t->flat_tape);
    t->tape = tft_carve_floats(&carve, tape);
    t->block = tft_carve_floats(&carve, block);
    if (backward) {
        t->dflat = tft_carve_floats(&carve, n * w->total);
        t->de = tft_carve_floats(&carve, n * widest);
        t->dt = tft_carve_floats(&carve, n * w->hidden);
        t->dweights = tft_carve_floats(&carve, n * w->n);
    }
    return carve.used;
}

size_t tft_selection_tmp(const tft_selection *w, bool backward)
{
    selection_tmp t;
    return selection_carve_tmp(w, backward, NULL, &t);
}

/* ---- one chunk ---------------------------------------------------------------------------------------- */

/* The rows from `first` on, at most a chunk of them. */
static tft_selection_rows chunk_of(tft_selection_rows rows, size_t first)
{
    rows.n = rows.n - first < TFT_SELECTION_CHUNK ? rows.n - first : TFT_SELECTION_CHUNK;
    rows.reals = rows.reals != NULL ? rows.reals + first * rows.n_reals : NULL;
    rows.codes = rows.codes != NULL ? rows.codes + first * rows.n_codes : NULL;
    rows.window_of = rows.window_of != NULL ? rows.window_of + first : NULL; // the static place has no context
    return rows;
}

static void embed(const tft_variable *v, const tft_embeddings *embeddings, tft_selection_rows rows, float *y,
                  size_t ldy)
{
    if (v->categorical)
        tft_table_forward(&embeddings->tables[v->source], rows.codes, rows.n_codes, rows.n, y, ldy);
    else
        tft_prescaler_forward(&embeddings->prescalers[v->source], rows.reals + v->column, rows.n_reals, rows.n, y, ldy);
}

static void embed_backward(const tft_variable *v, const tft_embeddings *embeddings, tft_selection_rows rows,
                           const float *dy, size_t lddy, tft_embeddings *grad)
{
    if (v->categorical)
        tft_table_backward(&embeddings->tables[v->source], rows.codes, rows.n_codes, dy, lddy, rows.n,
                           &grad->tables[v->source]);
    else
        tft_prescaler_backward(&embeddings->prescalers[v->source], rows.reals + v->column, rows.n_reals, dy, lddy,
                               rows.n, &grad->prescalers[v->source]);
}

static void select_weights(const tft_selection *w, const tft_embeddings *embeddings, tft_selection_rows rows,
                           tft_dropout dropout, selection_tmp *t, float *weights)
{
    for (size_t i = 0; i < w->n; i++)
        embed(&w->variables[i], embeddings, rows, t->flat + w->variables[i].offset, w->total);
    tft_grn_forward(&w->flattened, t->flat, (tft_grn_rows){rows.n, rows.window_of, rows.product},
                    tft_dropout_at(dropout, w->n), &t->flat_tape, t->logits, t->block);
    if (weights != NULL)
        tft_softmax(t->logits, rows.n, w->n, w->n, weights); // (6)
}

/* (7): t = GRN_i(e_i), its tape in t->tape. */
static void transform(const tft_variable *v, size_t i, const tft_embeddings *embeddings, tft_selection_rows rows,
                      tft_dropout dropout, bool keep, selection_tmp *t, tft_grn_tape *grn, tft_resample_tape *resample,
                      float *y)
{
    tft_carve carve = {t->tape, 0};
    embed(v, embeddings, rows, t->e, v->size);
    if (v->grn != NULL) {
        tft_grn_tape_carve(&carve, v->grn, rows.n, keep, grn);
        tft_grn_forward(v->grn, t->e, (tft_grn_rows){rows.n, NULL, NULL}, tft_dropout_at(dropout, i), grn, y, t->block);
    } else {
        tft_resample_tape_carve(&carve, v->resample, rows.n, keep, resample);
        tft_resample_forward(v->resample, t->e, v->size, rows.n, resample, y, t->block);
    }
}

static void forward_chunk(const tft_selection *w, const tft_embeddings *embeddings, tft_selection_rows rows,
                          tft_dropout dropout, float *y, float *weights, selection_tmp *t)
{
    tft_grn_tape grn;
    tft_resample_tape resample;
    if (w->n == 1) {
        transform(&w->variables[0], 0, embeddings, rows, dropout, false, t, &grn, &resample, y);
        for (size_t r = 0; r < rows.n; r++)
            weights[r] = (float)1;
        return;
    }
    memset(y, 0, rows.n * w->hidden * sizeof *y);
    if (w->n == 0)
        return;
    select_weights(w, embeddings, rows, dropout, t, weights);
    for (size_t i = 0; i < w->n; i++) {
        transform(&w->variables[i], i, embeddings, rows, dropout, false, t, &grn, &resample, t->t);
        for (size_t r = 0; r < rows.n; r++) // (8)
            tft_axpy(y + r * w->hidden, weights[r * w->n + i], t->t + r * w->hidden, w->hidden);
    }
}

static void backward_chunk(const tft_selection *w, const tft_embeddings *embeddings, tft_selection_rows rows,
                           tft_dropout dropout, const float *weights, const float *dy, tft_selection *grad,
                           tft_embeddings *embeddings_grad, float *dproduct, selection_tmp *t)
{
    const size_t n = rows.n, d = w->hidden;
    for (size_t i = 0; i < w->n; i++) {
        const tft_variable *const v = &w->variables[i];
        tft_grn_tape grn;
        tft_resample_tape resample;
        transform(v, i, embeddings, rows, dropout, true, t, &grn, &resample, t->t);
        for (size_t r = 0; r < n; r++) { // (8)
            const float weight = weights[r * w->n + i];
            t->dweights[r * w->n + i] = tft_dot(dy + r * d, t->t + r * d, d);
            for (size_t j = 0; j < d; j++)
                t->dt[r * d + j] = weight * dy[r * d + j];
        }
        memset(t->de, 0, n * v->size * sizeof *t->de);
        if (v->grn != NULL) // (7)
            tft_grn_backward(v->grn, t->e, (tft_grn_rows){n, NULL, NULL}, tft_dropout_at(dropout, i), &grn, t->dt,
                             grad->variables[i].grn, t->de, NULL, t->block);
        else
            tft_resample_backward(v->resample, n, &resample, t->dt, grad->variables[i].resample, t->de, v->size,
                                  t->block);
        embed_backward(v, embeddings, rows, t->de, v->size, embeddings_grad);
    }
    if (w->n < 2)
        return;
    select_weights(w, embeddings, rows, dropout, t, NULL);
    tft_softmax_backward(weights, t->dweights, n, w->n, w->n, t->dweights); // (6)
    memset(t->dflat, 0, n * w->total * sizeof *t->dflat);
    tft_grn_backward(&w->flattened, t->flat, (tft_grn_rows){n, rows.window_of, rows.product},
                     tft_dropout_at(dropout, w->n), &t->flat_tape, t->dweights, &grad->flattened, t->dflat, dproduct,
                     t->block);
    for (size_t i = 0; i < w->n; i++)
        embed_backward(&w->variables[i], embeddings, rows, t->dflat + w->variables[i].offset, w->total,
                       embeddings_grad);
}

/* ---- all rows ----------------------------------------------------------------------------------------- */

void tft_selection_forward(const tft_selection *w, const tft_embeddings *embeddings, tft_selection_rows rows,
                           tft_dropout dropout, float *y, float *weights, float *tmp)
{
    selection_tmp t;
    selection_carve_tmp(w, false, tmp, &t);
    for (size_t r = 0; r < rows.n; r += TFT_SELECTION_CHUNK)
        forward_chunk(w, embeddings, chunk_of(rows, r), tft_dropout_at(dropout, r), y + r * w->hidden,
                      weights + r * w->n, &t);
}

void tft_selection_backward(const tft_selection *w, const tft_embeddings *embeddings, tft_selection_rows rows,
                            tft_dropout dropout, const float *weights, const float *dy, tft_selection *grad,
                            tft_embeddings *embeddings_grad, float *dproduct, float *tmp)
{
    if (w->n == 0)
        return;
    selection_tmp t;
    selection_carve_tmp(w, true, tmp, &t);
    for (size_t r = 0; r < rows.n; r += TFT_SELECTION_CHUNK)
        backward_chunk(w, embeddings, chunk_of(rows, r), tft_dropout_at(dropout, r), weights + r * w->n,
                       dy + r * w->hidden, grad, embeddings_grad, dproduct, &t);
}
