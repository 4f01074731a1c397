/* fold.c - see fold.h. */
#include "tft/fold.h"

#include <string.h>

#include "tensor/tensor.h"

static size_t count_reals(const tft_selection *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += w->variables[i].categorical ? 0 : 1;
    return n;
}

static void carve_fold(tft_carve *carve, const tft_selection *w, tft_fold *fold)
{
    const size_t hidden = w->flattened.hidden, h = w->hidden;
    fold->hidden_w = tft_carve_floats(carve, w->n > 1 ? hidden * fold->n_reals : 0);
    fold->hidden_b = tft_carve_floats(carve, w->n > 1 ? hidden : 0);
    fold->z_w = tft_carve_floats(carve, w->n > 1 ? w->n * fold->n_reals : 0);
    fold->z_b = tft_carve_floats(carve, w->n > 1 ? w->n : 0);
    fold->hidden_packed.panels =
        tft_carve_floats(carve, w->n > 1 ? tft_linear_packed_floats(fold->n_reals, hidden) : 0);
    fold->z_packed.panels = tft_carve_floats(carve, w->n > 1 ? tft_linear_packed_floats(fold->n_reals, w->n) : 0);
    fold->factor = tft_carve_floats(carve, w->n > h ? w->n : h);
    for (size_t i = 0; i < w->n; i++) {
        const tft_variable *const v = &w->variables[i];
        struct tft_fold_variable f = {0};
        if (v->categorical) {
            f.entries = tft_carve_floats(carve, w->n > 1 ? w->n * v->size : 0);
        } else {
            f.u = tft_carve_floats(carve, v->grn->hidden);
            f.v = tft_carve_floats(carve, v->grn->hidden);
            f.p = tft_carve_floats(carve, h);
            f.r = tft_carve_floats(carve, h);
        }
        if (fold->variables != NULL)
            fold->variables[i] = f;
    }
}

void tft_fold_layout(tft_arena *arena, const tft_selection *w, tft_fold *fold)
{
    memset(fold, 0, sizeof *fold);
    fold->n_reals = count_reals(w);
    fold->variables = tft_arena_alloc(arena, w->n, sizeof *fold->variables);
    tft_carve count = {NULL, 0};
    tft_fold counted = *fold;
    counted.variables = NULL;
    carve_fold(&count, w, &counted);
    fold->n_block = count.used;
    fold->block = tft_arena_floats(arena, fold->n_block);
    tft_carve carve = {fold->block, 0};
    carve_fold(&carve, w, fold);
}

/* ---- the skip of the flattened network: which embedded values a point lies between ----------------------- */

/* One term of z_j = Σ coefficient · (e_1 ∥ … ∥ e_V)[k]: the variable that holds element k, and where in it. */
typedef struct skip_term {
    size_t variable, inside;
    float coefficient;
} skip_term;

static size_t skip_terms(const tft_selection *w, size_t j, const float *factor, skip_term terms[2])
{
    const tft_grn *const f = &w->flattened;
    const bool resampled = f->in != f->out;
    const size_t lo = resampled ? f->resample.lo[j] : j;
    const float fraction = resampled ? f->resample.fraction[j] : (float)0, scale = resampled ? factor[j] : (float)1;
    const size_t n = fraction > (float)0 ? 2 : 1;
    for (size_t t = 0; t < n; t++) {
        size_t i = 0;
        while (i + 1 < w->n && w->variables[i + 1].offset <= lo + t)
            i++;
        terms[t] = (skip_term){i, lo + t - w->variables[i].offset, (t == 0 ? (float)1 - fraction : fraction) * scale};
    }
    return n;
}

static void mask_factors(const tft_resample *w, float *factor)
{
    tft_sigmoid(factor, w->mask, w->out);
    tft_scale(factor, (float)2, w->out);
}

/* ---- folding ------------------------------------------------------------------------------------------ */

/* p = R x for the vector x [in]: interpolation and mask. */
static void resample_vector(const tft_resample *w, const float *factor, const float *x, float *p)
{
    for (size_t j = 0; j < w->out; j++) {
        const float f = w->fraction[j], left = ((float)1 - f) * x[w->lo[j]];
        p[j] = factor[j] * (f > (float)0 ? left + f * x[w->lo[j] + 1] : left);
    }
}

/* y = W x for W [m, k] with ldw floats from row to row; y has ldy floats from one value to the next. */
static void times_vector(const float *w, size_t ldw, const float *x, size_t m, size_t k, float beta, float *y,
                         size_t ldy)
{
    tft_matmul_nn(w, ldw, x, 1, m, 1, k, (float)1, beta, y, ldy);
}

static void make_variable(const tft_selection *w, size_t i, const tft_prescaler *e, tft_fold *fold)
{
    const tft_variable *const v = &w->variables[i];
    const tft_grn *const g = v->grn;
    struct tft_fold_variable *const f = &fold->variables[i];
    times_vector(g->fc1_w, v->size, e->w, g->hidden, v->size, (float)0, f->u, 1);
    memcpy(f->v, g->fc1_b, g->hidden * sizeof *f->v);
    times_vector(g->fc1_w, v->size, e->b, g->hidden, v->size, (float)1, f->v, 1);
    if (g->in == g->out) {
        memcpy(f->p, e->w, g->out * sizeof *f->p);
        memcpy(f->r, e->b, g->out * sizeof *f->r);
    } else {
        mask_factors(&g->resample, fold->factor);
        resample_vector(&g->resample, fold->factor, e->w, f->p);
        resample_vector(&g->resample, fold->factor, e->b, f->r);
    }
    if (w->n < 2)
        return;
    const float *const columns = w->flattened.fc1_w + v->offset; // of W that read this variable
    times_vector(columns, w->total, e->w, w->flattened.hidden, v->size, (float)0, fold->hidden_w + v->column,
                 fold->n_reals);
    times_vector(columns, w->total, e->b, w->flattened.hidden, v->size, (float)1, fold->hidden_b, 1);
}

static void make_skip(const tft_selection *w, const tft_embeddings *embeddings, tft_fold *fold)
{
    if (w->flattened.in != w->flattened.out)
        mask_factors(&w->flattened.resample, fold->factor);
    for (size_t j = 0; j < w->n; j++) {
        skip_term terms[2];
        const size_t n = skip_terms(w, j, fold->factor, terms);
        for (size_t t = 0; t < n; t++) {
            const tft_variable *const v = &w->variables[terms[t].variable];
            const size_t k = terms[t].inside;
            if (v->categorical) {
                fold->variables[terms[t].variable].entries[j * v->size + k] = terms[t].coefficient;
                continue;
            }
            const tft_prescaler *const e = &embeddings->prescalers[v->source];
            fold->z_w[j * fold->n_reals + v->column] += terms[t].coefficient * e->w[k];
            fold->z_b[j] += terms[t].coefficient * e->b[k];
        }
    }
}

void tft_fold_make(const tft_selection *w, const tft_embeddings *embeddings, tft_fold *fold)
{
    if (w->n == 0)
        return;
    memset(fold->block, 0, fold->n_block * sizeof *fold->block);
    if (w->n > 1)
        memcpy(fold->hidden_b, w->flattened.fc1_b, w->flattened.hidden * sizeof *fold->hidden_b);
    for (size_t i = 0; i < w->n; i++) {
        if (!w->variables[i].categorical)
            make_variable(w, i, &embeddings->prescalers[w->variables[i].source], fold);
    }
    if (w->n < 2)
        return;
    make_skip(w, embeddings, fold);
    tft_packed_fill(&fold->hidden_packed, fold->hidden_w, fold->n_reals, w->flattened.hidden);
    tft_packed_fill(&fold->z_packed, fold->z_w, fold->n_reals, w->n);
}

/* ---- and back ----------------------------------------------------------------------------------------- */

/* y = W x + …:  dW [m, k] += dy ⊗ x,  dx [k] += Wᵀ dy. */
static void times_vector_backward(const float *w, size_t ldw, const float *x, const float *dy, size_t lddy, size_t m,
                                  size_t k, float *dw, float *dx)
{
    tft_matmul_nn(dy, lddy, x, k, m, k, 1, (float)1, (float)1, dw, ldw);
    tft_matmul_tn(w, ldw, dy, lddy, k, 1, m, (float)1, (float)1, dx, 1);
}

static void resample_vector_backward(const tft_resample *w, const float *factor, const float *p, const float *dp,
                                     float *dmask, float *dx)
{
    for (size_t j = 0; j < w->out; j++) {
        const float f = w->fraction[j];
        dmask[j] += dp[j] * p[j] * ((float)1 - factor[j] / (float)2); // p = factor · …, as in resample_norm.c
        dx[w->lo[j]] += dp[j] * factor[j] * ((float)1 - f);
        if (f > (float)0)
            dx[w->lo[j] + 1] += dp[j] * factor[j] * f;
    }
}

static void unmake_variable(const tft_selection *w, size_t i, const tft_prescaler *e, const tft_fold *fold,
                            tft_fold *dfold, tft_selection *grad, tft_prescaler *de)
{
    const tft_variable *const v = &w->variables[i];
    const tft_grn *const g = v->grn;
    tft_grn *const dg = grad->variables[i].grn;
    const struct tft_fold_variable *const f = &fold->variables[i], *const df = &dfold->variables[i];
    times_vector_backward(g->fc1_w, v->size, e->w, df->u, 1, g->hidden, v->size, dg->fc1_w, de->w);
    times_vector_backward(g->fc1_w, v->size, e->b, df->v, 1, g->hidden, v->size, dg->fc1_w, de->b);
    tft_add(dg->fc1_b, df->v, g->hidden);
    if (g->in == g->out) {
        tft_add(de->w, df->p, g->out);
        tft_add(de->b, df->r, g->out);
    } else {
        mask_factors(&g->resample, dfold->factor);
        resample_vector_backward(&g->resample, dfold->factor, f->p, df->p, dg->resample.mask, de->w);
        resample_vector_backward(&g->resample, dfold->factor, f->r, df->r, dg->resample.mask, de->b);
    }
    if (w->n < 2)
        return;
    const float *const columns = w->flattened.fc1_w + v->offset;
    float *const dcolumns = grad->flattened.fc1_w + v->offset;
    times_vector_backward(columns, w->total, e->w, dfold->hidden_w + v->column, dfold->n_reals, w->flattened.hidden,
                          v->size, dcolumns, de->w);
    times_vector_backward(columns, w->total, e->b, dfold->hidden_b, 1, w->flattened.hidden, v->size, dcolumns, de->b);
}

static void unmake_skip(const tft_selection *w, const tft_embeddings *embeddings, tft_fold *dfold, tft_selection *grad,
                        tft_embeddings *embeddings_grad)
{
    const bool resampled = w->flattened.in != w->flattened.out;
    if (resampled)
        mask_factors(&w->flattened.resample, dfold->factor);
    for (size_t j = 0; j < w->n; j++) {
        skip_term terms[2];
        float along = (float)0; // Σ of d coefficient · coefficient
        const size_t n = skip_terms(w, j, dfold->factor, terms);
        for (size_t t = 0; t < n; t++) {
            const tft_variable *const v = &w->variables[terms[t].variable];
            const size_t k = terms[t].inside;
            const float c = terms[t].coefficient;
            if (v->categorical) {
                along += c * dfold->variables[terms[t].variable].entries[j * v->size + k];
                continue;
            }
            const tft_prescaler *const e = &embeddings->prescalers[v->source];
            tft_prescaler *const de = &embeddings_grad->prescalers[v->source];
            const float dz_w = dfold->z_w[j * dfold->n_reals + v->column], dz_b = dfold->z_b[j];
            along += c * (dz_w * e->w[k] + dz_b * e->b[k]);
            de->w[k] += c * dz_w;
            de->b[k] += c * dz_b;
        }
        if (resampled)
            grad->flattened.resample.mask[j] += along * ((float)1 - dfold->factor[j] / (float)2);
    }
}

void tft_fold_unmake(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold, tft_fold *dfold,
                     tft_selection *grad, tft_embeddings *embeddings_grad)
{
    for (size_t i = 0; i < w->n; i++) {
        const tft_variable *const v = &w->variables[i];
        if (!v->categorical)
            unmake_variable(w, i, &embeddings->prescalers[v->source], fold, dfold, grad,
                            &embeddings_grad->prescalers[v->source]);
    }
    if (w->n < 2)
        return;
    tft_add(grad->flattened.fc1_b, dfold->hidden_b, w->flattened.hidden);
    unmake_skip(w, embeddings, dfold, grad, embeddings_grad);
}
