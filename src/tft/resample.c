/* resample.c - see resample.h. */
#include "tft/resample.h"

#include <math.h>

#include "tensor/tensor.h"

#define EPS 1e-5f

void tft_resample_tape_layout(tft_arena *arena, const tft_resample_weights *w, size_t n, tft_resample_tape *tape)
{
    tape->scaled = tft_arena_floats(arena, n * w->out);
    tape->normed = tft_arena_floats(arena, n * w->out);
    tape->inv_std = tft_arena_floats(arena, n);
}

/* Interpolation and factors 2σ(mask) as one matrix [m, n] with at most two entries a row: y = x · matrixᵀ. */
static void make_matrix(const tft_resample_weights *w, float *factor, float *matrix)
{
    const size_t n = w->in, m = w->out;
    tft_sigmoid(factor, w->mask, m);
    tft_scale(factor, 2.0f, m);
    memset(matrix, 0, m * n * sizeof(float));
    for (size_t j = 0; j < m; j++) {
        const size_t at = m < 2 ? 0 : j * (n - 1), gaps = m < 2 ? 1 : m - 1;
        const size_t low = at / gaps, high = low + 1 < n ? low + 1 : low;
        const float fraction = (float)(at % gaps) / (float)gaps;
        matrix[j * n + low] += factor[j] * (1.0f - fraction);
        matrix[j * n + high] += factor[j] * fraction;
    }
}

void tft_resample_forward(const tft_resample_weights *w, const float *x, size_t ldx, size_t n,
                          const tft_resample_tape *tape, tft_scratch *scratch, float *y)
{
    const size_t mark = scratch->used, m = w->out;
    float *const factor = tft_scratch_take(scratch, m), *const matrix = tft_scratch_take(scratch, m * w->in);
    make_matrix(w, factor, matrix);
    tft_linear(x, ldx, matrix, NULL, n, w->in, m, tape->scaled, m);
    tft_layernorm(tape->scaled, w->norm.w, w->norm.b, n, m, EPS, y, tape->normed, tape->inv_std);
    scratch->used = mark;
}

void tft_resample_backward(const tft_resample_weights *w, size_t n, const tft_resample_tape *tape, const float *dy,
                           tft_scratch *scratch, tft_resample_weights *grad, float *dx, size_t lddx)
{
    const size_t mark = scratch->used, m = w->out;
    float *const factor = tft_scratch_take(scratch, m), *const matrix = tft_scratch_take(scratch, m * w->in);
    float *const dscaled = tft_scratch_take(scratch, n * m), *const product = tft_scratch_take_zero(scratch, m);
    make_matrix(w, factor, matrix);
    tft_layernorm_backward(w->norm.w, tape->normed, tape->inv_std, dy, n, m, dscaled, grad->norm.w, grad->norm.b);
    for (size_t r = 0; r < n; r++) {
        for (size_t j = 0; j < m; j++)
            product[j] += dscaled[r * m + j] * tape->scaled[r * m + j];
    }
    // factor = 2σ(mask) has the slope factor (1 − factor / 2), and scaled = interpolated · factor.
    for (size_t j = 0; j < m; j++)
        grad->mask[j] += product[j] * (1.0f - 0.5f * factor[j]);
    tft_matmul_nn(dscaled, m, matrix, w->in, n, w->in, m, 1.0f, 1.0f, dx, lddx);
    scratch->used = mark;
}
