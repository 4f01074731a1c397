/* resample_norm.c - see resample_norm.h. */
#include "tft/resample_norm.h"

#include <stdio.h>
#include <string.h>

#include "tensor/tensor.h"
#include "tft/gate_add_norm.h"

void tft_resample_positions(size_t in, size_t out, uint32_t *lo, float *fraction)
{
    for (size_t j = 0; j < out; j++) {
        const size_t gaps = out > 1 ? out - 1 : 1, at = out > 1 ? j * (in - 1) : 0; // position = at / gaps
        lo[j] = (uint32_t)(at / gaps);
        fraction[j] = (float)((double)(at % gaps) / (double)gaps);
    }
}

void tft_resample_define(tft_builder *builder, tft_resample *w, const char *name, size_t in, size_t out)
{
    w->in = in;
    w->out = out;
    w->lo = tft_arena_alloc(builder->arena, out, sizeof *w->lo);
    w->fraction = tft_arena_floats(builder->arena, out);
    if (w->lo != NULL && w->fraction != NULL)
        tft_resample_positions(in, out, w->lo, w->fraction);
    w->mask = tft_builder_add(builder, TFT_INITIAL_CONSTANT, 0.0, true, out, 0, "%s.mask", name);
    char norm[TFT_PARAMETER_NAME + 8];
    snprintf(norm, sizeof norm, "%s.norm", name);
    tft_builder_norm(builder, norm, out, &w->norm_w, &w->norm_b);
}

void tft_resample_tape_carve(tft_carve *carve, const tft_resample *w, size_t n, bool keep, tft_resample_tape *tape)
{
    tape->z = tft_carve_floats(carve, n * w->out);
    tape->normed = keep ? tft_carve_floats(carve, n * w->out) : NULL;
    tape->inv_std = keep ? tft_carve_floats(carve, n) : NULL;
}

typedef struct resample_tmp {
    float *factor;   // [out] 2σ(mask)
    float *matrix;   // [out, in] interpolation and mask
    float *dz_along; // [out] Σ over rows of dz ⊙ z
} resample_tmp;

static size_t resample_carve_tmp(const tft_resample *w, float *base, resample_tmp *t)
{
    tft_carve carve = {base, 0};
    t->factor = tft_carve_floats(&carve, w->out);
    t->matrix = tft_carve_floats(&carve, w->out * w->in);
    t->dz_along = tft_carve_floats(&carve, w->out);
    return carve.used;
}

size_t tft_resample_tmp(const tft_resample *w)
{
    resample_tmp t;
    return resample_carve_tmp(w, NULL, &t);
}

void tft_resample_matrix(const tft_resample *w, float *factor, float *matrix)
{
    tft_sigmoid(factor, w->mask, w->out);
    tft_scale(factor, (float)2, w->out);
    memset(matrix, 0, w->out * w->in * sizeof *matrix);
    for (size_t j = 0; j < w->out; j++) {
        float *const row = matrix + j * w->in;
        row[w->lo[j]] = ((float)1 - w->fraction[j]) * factor[j];
        if (w->fraction[j] > (float)0) // else the right neighbour may not exist
            row[w->lo[j] + 1] = w->fraction[j] * factor[j];
    }
}

void tft_resample_product(const tft_resample *w, const float *x, size_t ldx, size_t n, tft_resample_tape *tape,
                          float *tmp)
{
    resample_tmp t;
    resample_carve_tmp(w, tmp, &t);
    tft_resample_matrix(w, t.factor, t.matrix);
    tft_linear(x, ldx, t.matrix, NULL, n, w->in, w->out, tape->z, w->out);
}

void tft_resample_normalise(const tft_resample *w, size_t n, tft_resample_tape *tape, float *y)
{
    tft_layernorm(tape->z, w->norm_w, w->norm_b, n, w->out, TFT_NORM_EPS, y, tape->normed, tape->inv_std);
}

void tft_resample_normalise_backward(const tft_resample *w, size_t n, const tft_resample_tape *tape, const float *dy,
                                     tft_resample *grad, float *dz)
{
    tft_layernorm_backward(w->norm_w, tape->normed, tape->inv_std, dy, n, w->out, dz, grad->norm_w, grad->norm_b);
}

void tft_resample_product_backward(const tft_resample *w, size_t n, const tft_resample_tape *tape, const float *dz,
                                   tft_resample *grad, float *dx, size_t lddx, float *tmp)
{
    resample_tmp t;
    resample_carve_tmp(w, tmp, &t);
    tft_resample_matrix(w, t.factor, t.matrix);
    tft_matmul_nn(dz, w->out, t.matrix, w->in, n, w->in, w->out, (float)1, (float)1, dx, lddx);
    // z = interpolated · factor and factor = 2σ(mask), whose slope is factor · (1 − factor / 2): so dz · z · (1 − factor / 2).
    memset(t.dz_along, 0, w->out * sizeof *t.dz_along);
    for (size_t r = 0; r < n; r++) {
        for (size_t j = 0; j < w->out; j++)
            t.dz_along[j] += dz[r * w->out + j] * tape->z[r * w->out + j];
    }
    for (size_t j = 0; j < w->out; j++)
        grad->mask[j] += t.dz_along[j] * ((float)1 - t.factor[j] / (float)2);
}
