/* variable_selection.c - see variable_selection.h. */
#include "tft/variable_selection.h"

#include <stdio.h>
#include <string.h>

#include "tft/curves.h"
#include "tft/fold.h"

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
    float *flat, *dflat;      // [C, Σ sizes] plain only
    float *e, *de;            // [C, size] of one variable
    float *t, *dt;            // [C, H]
    float *z, *dz;            // [C, max(H, V)] skips of a fold
    float *dpre;              // [C, widest hidden] of a fold
    float *logits, *dweights; // [C, V]
    float *codes;             // [C, V] as numbers, for their curves
    float *x_turned;          // [n_reals, C] of scalar networks: a chunk with its rows side by side, as the next four
    float *weights_turned;    // [n_reals, C]
    float *dweights_turned;   // [n_reals, C]
    float *y_turned;          // [H, C] y, or dy
    float *sums;              // of tft_scalar_mix_backward()
    tft_grn_tape flat_tape;   // of (6)
    float *tape;              // of one variable's network, carved when it is known which
    float *block;             // tmp of the networks
} selection_tmp;

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t variable_tape(const tft_variable *v, size_t n, bool keep)
{
    tft_carve carve = {NULL, 0};
    tft_grn_tape grn;
    tft_resample_tape resample;
    if (v->grn != NULL)
        tft_grn_tape_carve(&carve, v->grn, n, keep, &grn);
    else
        tft_resample_tape_carve(&carve, v->resample, n, keep, &resample);
    return carve.used;
}

/* In training a real's own network is worked out with a row in each lane (tensor.h, tft_scalar_net), where it is narrow enough. */
static bool is_scalar(const tft_variable *v)
{
    return !v->categorical && v->grn != NULL && v->grn->hidden <= TFT_SCALAR_DEEPEST &&
           v->grn->out <= TFT_SCALAR_WIDEST;
}

static bool all_scalar(const tft_selection *w)
{
    for (size_t i = 0; i < w->n; i++) {
        if (!w->variables[i].categorical && !is_scalar(&w->variables[i]))
            return false;
    }
    return true;
}

static size_t selection_carve_tmp(const tft_selection *w, bool folded, bool training, float *base, selection_tmp *t)
{
    const size_t n = TFT_SELECTION_CHUNK, skip = larger(w->hidden, w->n);
    size_t widest = 0, tape = 0, hidden = w->flattened.hidden;
    size_t block = w->n > 1 ? tft_grn_tmp(&w->flattened, n, training) : 0;
    for (size_t i = 0; i < w->n; i++) {
        const tft_variable *const v = &w->variables[i];
        widest = larger(widest, !folded || v->categorical ? v->size : 0);
        hidden = larger(hidden, v->grn != NULL ? v->grn->hidden : 0);
        tape = larger(tape, variable_tape(v, n, training));
        block = larger(block, v->grn != NULL ? tft_grn_tmp(v->grn, n, training) : tft_resample_tmp(v->resample));
    }
    memset(t, 0, sizeof *t);
    tft_carve carve = {base, 0};
    t->flat = tft_carve_floats(&carve, folded ? 0 : n * w->total);
    t->dflat = tft_carve_floats(&carve, folded || !training ? 0 : n * w->total);
    t->z = tft_carve_floats(&carve, folded ? n * skip : 0);
    t->dz = tft_carve_floats(&carve, training ? n * skip : 0);
    t->dpre = tft_carve_floats(&carve, training && folded ? n * hidden : 0);
    t->e = tft_carve_floats(&carve, n * widest);
    t->de = tft_carve_floats(&carve, training ? n * widest : 0);
    t->t = tft_carve_floats(&carve, n * w->hidden);
    t->dt = tft_carve_floats(&carve, training ? n * w->hidden : 0);
    t->logits = tft_carve_floats(&carve, n * w->n);
    t->codes = tft_carve_floats(&carve, n * w->n);
    t->dweights = tft_carve_floats(&carve, training ? n * w->n : 0);
    if (folded && training && all_scalar(w)) {
        t->x_turned = tft_carve_floats(&carve, n * w->n);
        t->weights_turned = tft_carve_floats(&carve, n * w->n);
        t->dweights_turned = tft_carve_floats(&carve, n * w->n);
        t->y_turned = tft_carve_floats(&carve, n * w->hidden);
        t->sums = tft_carve_floats(&carve, tft_scalar_floats(n, TFT_SCALAR_DEEPEST, w->hidden));
    }
    if (w->n > 1)
        tft_grn_tape_carve(&carve, &w->flattened, n, training, &t->flat_tape);
    t->tape = tft_carve_floats(&carve, tape);
    t->block = tft_carve_floats(&carve, block);
    return carve.used;
}

size_t tft_selection_tmp(const tft_selection *w, bool folded, bool training)
{
    selection_tmp t;
    return selection_carve_tmp(w, folded, training, NULL, &t);
}

/* What all chunks of a call share. */
typedef struct selection_call {
    const tft_selection *w;
    const tft_embeddings *embeddings;
    const tft_fold *fold;
    const tft_selection_curves *curves;
    tft_fold *dfold;
    tft_selection *grad;
    tft_embeddings *embeddings_grad;
    float *dproduct;
    bool training;
    selection_tmp t;
} selection_call;

/* The rows from `first` on, at most a chunk of them. */
static tft_selection_rows chunk_of(tft_selection_rows rows, size_t first)
{
    rows.n = rows.n - first < TFT_SELECTION_CHUNK ? rows.n - first : TFT_SELECTION_CHUNK;
    rows.reals = rows.reals != NULL ? rows.reals + first * rows.n_reals : NULL;
    rows.codes = rows.codes != NULL ? rows.codes + first * rows.n_codes : NULL;
    rows.window_of = rows.window_of != NULL ? rows.window_of + first : NULL; // the static place has no context
    rows.step = rows.step != NULL ? rows.step + first : NULL;
    return rows;
}

static void embed(const selection_call *c, const tft_variable *v, tft_selection_rows rows, float *y, size_t ldy)
{
    if (v->categorical)
        tft_table_forward(&c->embeddings->tables[v->source], rows.codes, rows.n_codes, rows.n, y, ldy);
    else
        tft_prescaler_forward(&c->embeddings->prescalers[v->source], rows.reals + v->column, rows.n_reals, rows.n, y,
                              ldy);
}

static void embed_backward(const selection_call *c, const tft_variable *v, tft_selection_rows rows, const float *dy,
                           size_t lddy)
{
    if (v->categorical)
        tft_table_backward(&c->embeddings->tables[v->source], rows.codes, rows.n_codes, dy, lddy, rows.n,
                           &c->embeddings_grad->tables[v->source]);
    else
        tft_prescaler_backward(&c->embeddings->prescalers[v->source], rows.reals + v->column, rows.n_reals, dy, lddy,
                               rows.n, &c->embeddings_grad->prescalers[v->source]);
}

/* ---- the weights, (6) --------------------------------------------------------------------------------- */

/* fc1 and skip of the flattened network without the embeddings of reals. */
static void flatten_folded(selection_call *c, tft_selection_rows rows)
{
    const tft_selection *const w = c->w;
    const tft_fold *const fold = c->fold;
    const size_t hidden = w->flattened.hidden, n = rows.n;
    selection_tmp *const t = &c->t;
    float *const pre = t->flat_tape.eta2;
    float *const z = w->flattened.in != w->flattened.out ? t->flat_tape.resample.z : t->z;
    if (rows.product != NULL) {
        tft_grn_start_rows(&w->flattened, (tft_grn_rows){n, rows.window_of, rows.product}, pre);
        tft_linear_add_by(rows.reals, rows.n_reals, fold->hidden_w, fold->hidden_packed, fold->hidden_b, n,
                          fold->n_reals, hidden, pre, hidden);
    } else {
        tft_linear_by(rows.reals, rows.n_reals, fold->hidden_w, fold->hidden_packed, fold->hidden_b, n, fold->n_reals,
                      hidden, pre, hidden);
    }
    tft_linear_by(rows.reals, rows.n_reals, fold->z_w, fold->z_packed, fold->z_b, n, fold->n_reals, w->n, z, w->n);
    for (size_t i = 0; i < w->n && w->variables[i].categorical; i++) { // they come first
        const tft_variable *const v = &w->variables[i];
        embed(c, v, rows, t->e, v->size);
        tft_matmul_nt(t->e, v->size, w->flattened.fc1_w + v->offset, w->total, n, hidden, v->size, (float)1, (float)1,
                      pre, hidden);
        tft_matmul_nt(t->e, v->size, fold->variables[i].entries, v->size, n, w->n, v->size, (float)1, (float)1, z,
                      w->n);
    }
}

static void flatten_folded_backward(selection_call *c, tft_selection_rows rows)
{
    const tft_selection *const w = c->w;
    const tft_fold *const fold = c->fold;
    tft_fold *const dfold = c->dfold;
    const size_t hidden = w->flattened.hidden, n = rows.n;
    selection_tmp *const t = &c->t;
    if (c->dproduct != NULL)
        tft_grn_start_rows_backward(&w->flattened, (tft_grn_rows){n, rows.window_of, rows.product}, t->dpre,
                                    c->dproduct);
    tft_linear_backward(rows.reals, rows.n_reals, fold->hidden_w, t->dpre, hidden, n, fold->n_reals, hidden, NULL, 0,
                        dfold->hidden_w, dfold->hidden_b);
    tft_linear_backward(rows.reals, rows.n_reals, fold->z_w, t->dz, w->n, n, fold->n_reals, w->n, NULL, 0, dfold->z_w,
                        dfold->z_b);
    for (size_t i = 0; i < w->n && w->variables[i].categorical; i++) {
        const tft_variable *const v = &w->variables[i];
        const float *const columns = w->flattened.fc1_w + v->offset;
        embed(c, v, rows, t->e, v->size);
        tft_matmul_tn(t->dpre, hidden, t->e, v->size, hidden, v->size, n, (float)1, (float)1,
                      c->grad->flattened.fc1_w + v->offset, w->total);
        tft_matmul_tn(t->dz, w->n, t->e, v->size, w->n, v->size, n, (float)1, (float)1, dfold->variables[i].entries,
                      v->size);
        tft_matmul_nn(t->dpre, hidden, columns, w->total, n, v->size, hidden, (float)1, (float)0, t->de, v->size);
        tft_matmul_nn(t->dz, w->n, fold->variables[i].entries, v->size, n, v->size, w->n, (float)1, (float)1, t->de,
                      v->size);
        embed_backward(c, v, rows, t->de, v->size);
    }
}

/* Logits of the weights, tape in t->flat_tape. */
static void select_logits(selection_call *c, tft_selection_rows rows, tft_dropout dropout)
{
    const tft_selection *const w = c->w;
    selection_tmp *const t = &c->t;
    if (c->fold != NULL) {
        flatten_folded(c, rows);
        tft_grn_core_forward(&w->flattened, t->z, rows.n, tft_dropout_at(dropout, w->n), &t->flat_tape, t->logits,
                             t->block);
        return;
    }
    for (size_t i = 0; i < w->n; i++)
        embed(c, &w->variables[i], rows, t->flat + w->variables[i].offset, w->total);
    tft_grn_forward(&w->flattened, t->flat, (tft_grn_rows){rows.n, rows.window_of, rows.product},
                    tft_dropout_at(dropout, w->n), &t->flat_tape, t->logits, t->block);
}

/* From t->dweights, the gradient of the logits. */
static void select_logits_backward(selection_call *c, tft_selection_rows rows, tft_dropout dropout)
{
    const tft_selection *const w = c->w;
    selection_tmp *const t = &c->t;
    if (c->fold != NULL) {
        tft_grn_core_backward(&w->flattened, rows.n, tft_dropout_at(dropout, w->n), &t->flat_tape, t->dweights,
                              &c->grad->flattened, t->dpre, t->dz, t->block);
        flatten_folded_backward(c, rows);
        return;
    }
    memset(t->dflat, 0, rows.n * w->total * sizeof *t->dflat);
    tft_grn_backward(&w->flattened, t->flat, (tft_grn_rows){rows.n, rows.window_of, rows.product},
                     tft_dropout_at(dropout, w->n), &t->flat_tape, t->dweights, &c->grad->flattened, t->dflat,
                     c->dproduct, t->block);
    for (size_t i = 0; i < w->n; i++)
        embed_backward(c, &w->variables[i], rows, t->dflat + w->variables[i].offset, w->total);
}

/* ---- one variable, (7) -------------------------------------------------------------------------------- */

/* The tape of one variable's network; only one of the two is used. */
typedef struct variable_tapes {
    tft_grn_tape grn;
    tft_resample_tape resample;
} variable_tapes;

static void transform(selection_call *c, size_t i, tft_selection_rows rows, tft_dropout dropout, variable_tapes *tapes,
                      float *y)
{
    const tft_variable *const v = &c->w->variables[i];
    selection_tmp *const t = &c->t;
    tft_carve carve = {t->tape, 0};
    if (v->grn == NULL) {
        embed(c, v, rows, t->e, v->size);
        tft_resample_tape_carve(&carve, v->resample, rows.n, c->training, &tapes->resample);
        tft_resample_product(v->resample, t->e, v->size, rows.n, &tapes->resample, t->block);
        tft_resample_normalise(v->resample, rows.n, &tapes->resample, y);
        return;
    }
    tft_grn_tape_carve(&carve, v->grn, rows.n, c->training, &tapes->grn);
    if (c->fold == NULL || v->categorical) {
        embed(c, v, rows, t->e, v->size);
        tft_grn_forward(v->grn, t->e, (tft_grn_rows){rows.n, NULL, NULL}, tft_dropout_at(dropout, i), &tapes->grn, y,
                        t->block);
        return;
    }
    const struct tft_fold_variable *const f = &c->fold->variables[i];
    const float *const x = rows.reals + v->column;
    float *const z = v->grn->in != v->grn->out ? tapes->grn.resample.z : t->z;
    tft_linear(x, rows.n_reals, f->u, f->v, rows.n, 1, v->grn->hidden, tapes->grn.eta2, v->grn->hidden);
    tft_linear(x, rows.n_reals, f->p, f->r, rows.n, 1, v->grn->out, z, v->grn->out);
    tft_grn_core_forward(v->grn, t->z, rows.n, tft_dropout_at(dropout, i), &tapes->grn, y, t->block);
}

/* From t->dt, with the tapes and t->e that transform() left. */
static void transform_backward(selection_call *c, size_t i, tft_selection_rows rows, tft_dropout dropout,
                               const variable_tapes *tapes)
{
    const tft_variable *const v = &c->w->variables[i], *const dv = &c->grad->variables[i];
    selection_tmp *const t = &c->t;
    if (c->fold != NULL && !v->categorical) {
        const struct tft_fold_variable *const f = &c->fold->variables[i], *const df = &c->dfold->variables[i];
        const float *const x = rows.reals + v->column;
        tft_grn_core_backward(v->grn, rows.n, tft_dropout_at(dropout, i), &tapes->grn, t->dt, dv->grn, t->dpre, t->dz,
                              t->block);
        tft_linear_backward(x, rows.n_reals, f->u, t->dpre, v->grn->hidden, rows.n, 1, v->grn->hidden, NULL, 0, df->u,
                            df->v);
        tft_linear_backward(x, rows.n_reals, f->p, t->dz, v->grn->out, rows.n, 1, v->grn->out, NULL, 0, df->p, df->r);
        return;
    }
    memset(t->de, 0, rows.n * v->size * sizeof *t->de);
    if (v->grn != NULL) {
        tft_grn_backward(v->grn, t->e, (tft_grn_rows){rows.n, NULL, NULL}, tft_dropout_at(dropout, i), &tapes->grn,
                         t->dt, dv->grn, t->de, NULL, t->block);
    } else {
        tft_resample_normalise_backward(v->resample, rows.n, &tapes->resample, t->dt, dv->resample, t->dz);
        tft_resample_product_backward(v->resample, rows.n, &tapes->resample, t->dz, dv->resample, t->de, v->size,
                                      t->block);
    }
    embed_backward(c, v, rows, t->de, v->size);
}

void tft_selection_transform(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold, size_t i,
                             tft_selection_rows rows, float *y, float *tmp)
{
    selection_call c = {.w = w, .embeddings = embeddings, .fold = fold};
    variable_tapes tapes;
    selection_carve_tmp(w, fold != NULL, false, tmp, &c.t);
    transform(&c, i, rows, (tft_dropout){0}, &tapes, y);
}

/* ---- (7) and (8) from curves ---------------------------------------------------------------------------- */

/* The terms of variable i that its curve left out. */
static void add_left_out(selection_call *c, size_t i, const tft_curves *curves, size_t which, const float *x,
                         size_t ldx, tft_selection_rows rows, const float *weights, float *y)
{
    const size_t v = c->w->n, d = c->w->hidden;
    bool made = false;
    for (size_t r = 0; r < rows.n; r++) {
        if (tft_curve_holds(curves, which, x[r * ldx]))
            continue;
        if (!made) { // of all rows: that many are seldom wanted, and a row does not depend on its neighbours
            variable_tapes tapes;
            transform(c, i, rows, (tft_dropout){0}, &tapes, c->t.t);
            made = true;
        }
        tft_weigh_rows(c->t.t + r * d, weights + r * v + i, v, 1, d, y + r * d);
    }
}

static void mix_curves(selection_call *c, tft_selection_rows rows, const float *weights, float *y)
{
    const tft_curves *const codes = &c->curves->codes, *const reals = &c->curves->reals;
    const size_t v = c->w->n;
    if (codes->n > 0) {
        float *const x = c->t.codes;
        for (size_t r = 0; r < rows.n; r++) {
            for (size_t i = 0; i < codes->n; i++) {
                const tft_table *const table = &c->embeddings->tables[c->w->variables[i].source];
                x[r * codes->n + i] = (float)rows.codes[r * rows.n_codes + table->members[0]];
            }
        }
        if (!tft_curves_mix(codes, x, codes->n, weights, v, NULL, NULL, rows.n, y)) {
            for (size_t i = 0; i < codes->n; i++)
                add_left_out(c, i, codes, i, x + i, codes->n, rows, weights, y);
        }
    }
    if (reals->n > 0 &&
        !tft_curves_mix(reals, rows.reals, rows.n_reals, weights + codes->n, v, rows.shared, rows.step, rows.n, y)) {
        for (size_t i = 0; i < reals->n; i++)
            add_left_out(c, codes->n + i, reals, i, rows.reals + i, rows.n_reals, rows, weights, y);
    }
}

/* ---- (7) and (8) of reals in training ------------------------------------------------------------------- */

static tft_scalar_net scalar_net(const tft_grn *g, const struct tft_fold_variable *f)
{
    const bool resampled = g->in != g->out;
    return (tft_scalar_net){.k = g->hidden,
                            .d = g->out,
                            .u = f->u,
                            .v = f->v,
                            .w2 = g->fc2_w,
                            .b2 = g->fc2_b,
                            .glu_w = g->gate.w,
                            .glu_b = g->gate.b,
                            .p = f->p,
                            .r = f->r,
                            .skip_w = resampled ? g->resample.norm_w : NULL,
                            .skip_b = resampled ? g->resample.norm_b : NULL,
                            .norm_w = g->gate.norm_w,
                            .norm_b = g->gate.norm_b};
}

static size_t count_categoricals(const tft_selection *w)
{
    size_t n = 0;
    while (n < w->n && w->variables[n].categorical)
        n++;
    return n;
}

/* y = the reals' part of (8). They come behind the categoricals, in the order of their columns. */
static void mix_scalars(selection_call *c, tft_selection_rows rows, tft_dropout dropout, const float *weights, float *y)
{
    enum { C = TFT_SELECTION_CHUNK };
    const tft_selection *const w = c->w;
    const size_t codes = count_categoricals(w), reals = w->n - codes;
    selection_tmp *const t = &c->t;
    tft_turn(rows.reals, rows.n_reals, rows.n, reals, t->x_turned, C);
    tft_turn(weights + codes, w->n, rows.n, reals, t->weights_turned, C);
    memset(t->y_turned, 0, w->hidden * C * sizeof *t->y_turned);
    for (size_t i = 0; i < reals; i++) {
        const tft_scalar_net net = scalar_net(w->variables[codes + i].grn, &c->fold->variables[codes + i]);
        tft_scalar_mix(&net, t->x_turned + i * C, t->weights_turned + i * C, rows.n, dropout.p,
                       tft_dropout_at(dropout, codes + i).key, TFT_NORM_EPS, t->y_turned, C);
    }
    tft_turn(t->y_turned, C, w->hidden, rows.n, y, w->hidden);
}

/* t->dweights of the reals, and their networks' gradients. */
static void mix_scalars_backward(selection_call *c, tft_selection_rows rows, tft_dropout dropout, const float *weights,
                                 const float *dy)
{
    enum { C = TFT_SELECTION_CHUNK };
    const tft_selection *const w = c->w;
    const size_t codes = count_categoricals(w), reals = w->n - codes;
    selection_tmp *const t = &c->t;
    tft_turn(rows.reals, rows.n_reals, rows.n, reals, t->x_turned, C);
    tft_turn(weights + codes, w->n, rows.n, reals, t->weights_turned, C);
    tft_turn(dy, w->hidden, rows.n, w->hidden, t->y_turned, C);
    for (size_t i = 0; i < reals; i++) {
        const tft_scalar_net net = scalar_net(w->variables[codes + i].grn, &c->fold->variables[codes + i]);
        tft_scalar_net grad = scalar_net(c->grad->variables[codes + i].grn, &c->dfold->variables[codes + i]);
        tft_scalar_mix_backward(&net, t->x_turned + i * C, t->weights_turned + i * C, t->y_turned, C, rows.n, dropout.p,
                                tft_dropout_at(dropout, codes + i).key, TFT_NORM_EPS, t->dweights_turned + i * C, &grad,
                                t->sums);
    }
    tft_turn(t->dweights_turned, C, reals, rows.n, t->dweights + codes, w->n);
}

/* ---- one chunk, (8) ----------------------------------------------------------------------------------- */

static void forward_chunk(selection_call *c, tft_selection_rows rows, tft_dropout dropout, float *y, float *weights)
{
    const size_t v = c->w->n, d = c->w->hidden;
    variable_tapes tapes;
    if (v == 1) {
        transform(c, 0, rows, dropout, &tapes, y);
        for (size_t r = 0; r < rows.n; r++)
            weights[r] = (float)1;
        return;
    }
    memset(y, 0, rows.n * d * sizeof *y);
    if (v == 0)
        return;
    select_logits(c, rows, dropout);
    tft_softmax(c->t.logits, rows.n, v, v, weights); // (6)
    if (c->curves != NULL) {
        mix_curves(c, rows, weights, y);
        return;
    }
    const bool scalars = c->t.sums != NULL;
    if (scalars)
        mix_scalars(c, rows, dropout, weights, y);
    for (size_t i = 0; i < v && !(scalars && !c->w->variables[i].categorical); i++) {
        transform(c, i, rows, dropout, &tapes, c->t.t);
        tft_weigh_rows(c->t.t, weights + i, v, rows.n, d, y); // (8)
    }
}

static void backward_chunk(selection_call *c, tft_selection_rows rows, tft_dropout dropout, const float *weights,
                           const float *dy)
{
    const size_t v = c->w->n, d = c->w->hidden;
    selection_tmp *const t = &c->t;
    const bool scalars = t->sums != NULL && v > 1;
    if (scalars)
        mix_scalars_backward(c, rows, dropout, weights, dy);
    for (size_t i = 0; i < v && !(scalars && !c->w->variables[i].categorical); i++) {
        variable_tapes tapes;
        transform(c, i, rows, dropout, &tapes, t->t);
        tft_weigh_rows_backward(t->t, weights + i, v, dy, rows.n, d, t->dt, t->dweights + i, v); // (8)
        transform_backward(c, i, rows, dropout, &tapes);
    }
    if (v < 2)
        return;
    select_logits(c, rows, dropout);
    tft_softmax_backward(weights, t->dweights, rows.n, v, v, t->dweights); // (6)
    select_logits_backward(c, rows, dropout);
}

/* ---- all rows ----------------------------------------------------------------------------------------- */

void tft_selection_forward(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold,
                           const tft_selection_curves *curves, tft_selection_rows rows, tft_dropout dropout, float *y,
                           float *weights, float *tmp)
{
    const bool apart = dropout.p > (float)0; // the mask acts between fc2 and the GLU: they are not one matrix then
    selection_call c = {.w = w, .embeddings = embeddings, .fold = fold, .training = apart};
    c.curves = !apart && fold != NULL && curves != NULL && curves->ready ? curves : NULL;
    selection_carve_tmp(w, fold != NULL, apart, tmp, &c.t);
    for (size_t r = 0; r < rows.n; r += TFT_SELECTION_CHUNK)
        forward_chunk(&c, chunk_of(rows, r), tft_dropout_at(dropout, r), y + r * w->hidden, weights + r * w->n);
}

void tft_selection_backward(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold,
                            tft_fold *dfold, tft_selection_rows rows, tft_dropout dropout, const float *weights,
                            const float *dy, tft_selection *grad, tft_embeddings *embeddings_grad, float *dproduct,
                            float *tmp)
{
    if (w->n == 0)
        return;
    selection_call c = {.w = w,
                        .embeddings = embeddings,
                        .fold = fold,
                        .dfold = dfold,
                        .grad = grad,
                        .embeddings_grad = embeddings_grad,
                        .dproduct = dproduct,
                        .training = true};
    selection_carve_tmp(w, fold != NULL, true, tmp, &c.t);
    if (fold != NULL)
        memset(dfold->block, 0, dfold->n_block * sizeof *dfold->block);
    for (size_t r = 0; r < rows.n; r += TFT_SELECTION_CHUNK)
        backward_chunk(&c, chunk_of(rows, r), tft_dropout_at(dropout, r), weights + r * w->n, dy + r * w->hidden);
    if (fold != NULL)
        tft_fold_unmake(w, embeddings, fold, dfold, grad, embeddings_grad);
}
