/* curves.c - see curves.h. */
#include "tft/curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SPARE = 2,                                              // nodes of a curve that is left out: one piece, all 0
    MOST_NODES = TFT_CURVE_PIECES * (TFT_CURVE_SPLITS + 1), // of a curve
    MARGIN = 2, // half spacings beyond each end of a piece, for the slopes there
    MOST_SAMPLES = 2 * TFT_CURVE_SPLITS + 1 + 2 * MARGIN, // of a piece
};

/* ---- memory ------------------------------------------------------------------------------------------- */

/* Rows of a categorical's table, 0 where it has none: a sum of several members is not one code. */
static size_t codes_of(const tft_variable *v, const tft_embeddings *embeddings)
{
    const tft_table *const table = &embeddings->tables[v->source];
    return table->n_members == 1 && table->cardinality <= TFT_CURVE_CODES ? table->cardinality : 0;
}

static void layout(tft_arena *arena, size_t n, size_t d, size_t pieces, tft_curves *c)
{
    float *const nodes = c->nodes;
    *c = (tft_curves){.n = n, .d = d, .nodes = nodes};
    c->first = tft_arena_floats(arena, n);
    c->per_unit = tft_arena_floats(arena, n);
    c->pieces = tft_arena_floats(arena, n);
    c->start = tft_arena_alloc(arena, n, sizeof *c->start);
    c->piece = tft_arena_alloc(arena, pieces, sizeof *c->piece);
}

static float *nodes_new(size_t n, size_t d)
{
    const size_t bytes = tft_mul_sat(n, tft_mul_sat(2 * d, sizeof(float)));
    return aligned_alloc(64, bytes / 64 * 64 + 128); // not zeroed: pages that nobody writes cost nothing
}

tft_status tft_selection_curves_open(const tft_selection *w, const tft_embeddings *embeddings,
                                     tft_selection_curves *curves, tft_error *err)
{
    size_t n_codes = 0, n_reals = 0, code_nodes = 0;
    for (size_t i = 0; i < w->n; i++) {
        const bool categorical = w->variables[i].categorical;
        n_codes += categorical;
        n_reals += !categorical;
        code_nodes += categorical ? codes_of(&w->variables[i], embeddings) + SPARE : 0;
    }
    memset(curves, 0, sizeof *curves);
    layout(&curves->arena, n_codes, w->hidden, code_nodes, &curves->codes);
    layout(&curves->arena, n_reals, w->hidden, n_reals * TFT_CURVE_PIECES, &curves->reals);
    const size_t bytes = curves->arena.used;
    const tft_status status = tft_arena_init(&curves->arena, bytes, err);
    if (status != TFT_OK)
        return status;
    curves->codes.nodes = nodes_new(code_nodes, w->hidden);
    curves->reals.nodes = nodes_new(n_reals * MOST_NODES, w->hidden);
    if (curves->codes.nodes == NULL || curves->reals.nodes == NULL) {
        tft_selection_curves_close(curves);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the curves of %zu inputs", w->n);
    }
    layout(&curves->arena, n_codes, w->hidden, code_nodes, &curves->codes);
    layout(&curves->arena, n_reals, w->hidden, n_reals * TFT_CURVE_PIECES, &curves->reals);
    return TFT_OK;
}

void tft_selection_curves_close(tft_selection_curves *curves)
{
    free(curves->codes.nodes);
    free(curves->reals.nodes);
    tft_arena_free(&curves->arena);
    memset(curves, 0, sizeof *curves);
}

/* ---- values of one variable ------------------------------------------------------------------------------ */

typedef struct curve_tmp {
    float *reals;    // [chunk, n_reals] only one column is read
    uint32_t *codes; // [chunk, n_codes]; likewise
    float *values;   // [MOST_SAMPLES or chunk of codes, H]
    float *selection;
} curve_tmp;

static size_t larger_of(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The column of the codes that a categorical reads. */
static size_t member_of(const tft_variable *v, const tft_embeddings *embeddings)
{
    return v->categorical ? embeddings->tables[v->source].members[0] : 0;
}

static size_t carve_tmp(const tft_selection *w, const tft_embeddings *embeddings, float *base, curve_tmp *t)
{
    size_t columns = 0, members = 0, codes = 0;
    for (size_t i = 0; i < w->n; i++) {
        const size_t column = w->variables[i].column + 1, member = member_of(&w->variables[i], embeddings) + 1;
        columns = column > columns ? column : columns;
        members = member > members ? member : members;
        codes = larger_of(codes, w->variables[i].categorical ? codes_of(&w->variables[i], embeddings) : 0);
    }
    tft_carve carve = {base, 0};
    t->reals = tft_carve_floats(&carve, TFT_SELECTION_CHUNK * columns);
    t->codes = (uint32_t *)(void *)tft_carve_floats(&carve, TFT_SELECTION_CHUNK * members);
    t->values = tft_carve_floats(&carve, larger_of(MOST_SAMPLES, codes) * w->hidden);
    t->selection = tft_carve_floats(&carve, tft_selection_tmp(w, true, false));
    return carve.used;
}

size_t tft_selection_curves_tmp(const tft_selection *w, const tft_embeddings *embeddings)
{
    curve_tmp t;
    return carve_tmp(w, embeddings, NULL, &t);
}

/* t->values, row r for x = first + r · spacing. */
static void sample(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold, size_t i,
                   double first, double spacing, size_t n, curve_tmp *t)
{
    const tft_variable *const v = &w->variables[i];
    const size_t member = member_of(v, embeddings);
    for (size_t r = 0; r < n; r += TFT_SELECTION_CHUNK) {
        const size_t rows = n - r < TFT_SELECTION_CHUNK ? n - r : TFT_SELECTION_CHUNK;
        for (size_t k = 0; k < rows; k++) {
            const double x = first + (double)(r + k) * spacing;
            if (v->categorical)
                t->codes[k * (member + 1) + member] = (uint32_t)x;
            else
                t->reals[k * (v->column + 1) + v->column] = (float)x;
        }
        const tft_selection_rows in = {
            .n = rows, .reals = t->reals, .n_reals = v->column + 1, .codes = t->codes, .n_codes = member + 1};
        tft_selection_transform(w, embeddings, fold, i, in, t->values + r * w->hidden, t->selection);
    }
}

/* ---- a real: cubics ----------------------------------------------------------------------------------- */

/* Nodes of one piece from samples at half their spacing, row MARGIN + 2k at node k. The slope is the difference quotient of
 * fourth order,     spacing · f' ≈ (8 (f₁ − f₋₁) − (f₂ − f₋₂)) / 6     with f at ±½ and ±1 spacings.
 * Returns the largest error in the middle of a cubic; *top grows to the largest value seen. */
static double fit(const float *values, size_t d, size_t splits, float *nodes, double *top)
{
    double off = 0.0;
    for (size_t k = 0; k <= splits; k++) {
        const float *const at = values + (MARGIN + 2 * k) * d;
        for (size_t j = 0; j < d; j++) {
            const double near = (double)at[d + j] - (double)*(at - d + j);
            const double far = (double)at[2 * d + j] - (double)*(at - 2 * d + j);
            nodes[k * 2 * d + j] = at[j];
            nodes[k * 2 * d + d + j] = (float)((8.0 * near - far) / 6.0);
            *top = fmax(*top, fabs((double)at[j]));
        }
    }
    for (size_t k = 0; k < splits; k++) {
        const float *const a = nodes + k * 2 * d, *const b = a + 2 * d,
                           *const middle = values + (MARGIN + 2 * k + 1) * d;
        for (size_t j = 0; j < d; j++) {
            const double cubic = ((double)a[j] + (double)b[j]) / 2.0 + ((double)a[d + j] - (double)b[d + j]) / 8.0;
            const double error = fabs(cubic - (double)middle[j]);
            off = error <= off ? off : error; // NaN counts
        }
    }
    return off;
}

/* Curve `real` of variable i from node *node on, which moves on. Returns its error relative to its largest value. */
static double make_real(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold, size_t i,
                        size_t real, tft_curves *c, uint32_t *node, curve_tmp *t)
{
    const double length = 2.0 * TFT_CURVE_RANGE / TFT_CURVE_PIECES;
    const uint32_t first_node = *node;
    double top = 1.0, worst = 0.0; // normalised rows are of size 1 and more
    c->first[real] = (float)-TFT_CURVE_RANGE;
    c->per_unit[real] = (float)(1.0 / length);
    c->pieces[real] = (float)TFT_CURVE_PIECES;
    c->start[real] = (uint32_t)(real * TFT_CURVE_PIECES);
    for (size_t k = 0; k < TFT_CURVE_PIECES; k++) {
        tft_curve_piece *const piece = &c->piece[c->start[real] + k];
        size_t splits = 1;
        double error;
        for (;; splits *= 2) {
            const double spacing = length / (double)splits;
            sample(w, embeddings, fold, i, -TFT_CURVE_RANGE + (double)k * length - spacing * MARGIN / 2, spacing / 2,
                   2 * splits + 1 + 2 * MARGIN, t);
            error = fit(t->values, c->d, splits, c->nodes + (size_t)*node * 2 * c->d, &top);
            if (error <= TFT_CURVE_ERROR * top || splits == TFT_CURVE_SPLITS)
                break;
        }
        *piece = (tft_curve_piece){*node, (float)splits};
        *node += (uint32_t)splits + 1;
        worst = error / top <= worst ? worst : error / top;
        if (worst <= TFT_CURVE_ERROR)
            continue;
        c->pieces[real] = (float)0; // left out
        c->piece[c->start[real]] = (tft_curve_piece){first_node, (float)1};
        *node = first_node + SPARE;
        memset(c->nodes + (size_t)first_node * 2 * c->d, 0, SPARE * 2 * c->d * sizeof *c->nodes);
        break;
    }
    return worst;
}

/* ---- a categorical: its codes ------------------------------------------------------------------------- */

static void make_codes(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold, size_t i,
                       size_t code, tft_curves *c, uint32_t *node, curve_tmp *t)
{
    const size_t n = codes_of(&w->variables[i], embeddings), d = c->d;
    sample(w, embeddings, fold, i, 0.0, 1.0, n, t);
    memset(c->nodes + (size_t)*node * 2 * d, 0, (n + SPARE) * 2 * d * sizeof *c->nodes);
    for (size_t k = 0; k < n; k++) // slopes stay 0: between codes nobody asks
        memcpy(c->nodes + (*node + k) * 2 * d, t->values + k * d, d * sizeof *c->nodes);
    for (size_t k = 0; k <= n; k++)
        c->piece[*node + k] = (tft_curve_piece){*node + (uint32_t)k, (float)1};
    c->per_unit[code] = (float)1;
    c->pieces[code] = (float)n;
    c->start[code] = *node;
    *node += (uint32_t)n + SPARE;
}

void tft_selection_curves_make(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold,
                               tft_selection_curves *curves, float *tmp)
{
    curve_tmp t;
    carve_tmp(w, embeddings, tmp, &t);
    uint32_t code_node = 0, real_node = 0;
    size_t code = 0, real = 0;
    double worst = 0.0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->variables[i].categorical) {
            make_codes(w, embeddings, fold, i, code++, &curves->codes, &code_node, &t);
            continue;
        }
        const double error = make_real(w, embeddings, fold, i, real, &curves->reals, &real_node, &t);
        if (curves->reals.pieces[real++] > (float)0)
            worst = fmax(worst, error);
    }
    curves->worst = (float)worst;
    curves->ready = w->n > 1;
}
