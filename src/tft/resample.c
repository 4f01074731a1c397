/* resample.c - see resample.h. */
#include "tft/resample.h"

#include <math.h>

#include "tensor/tensor.h"

#define EPS 1e-5f

void tft_resample_tape_layout(tft_arena *arena, const tft_resample_weights *w, size_t n, tft_resample_tape *tape)
{
    tape->interpolated = tft_arena_floats(arena, n * w->out);
    tape->normed = tft_arena_floats(arena, n * w->out);
    tape->inv_std = tft_arena_floats(arena, n);
}

/* Where point j of m lies between the n points of the input. */
static size_t position(size_t n, size_t m, size_t j, float *fraction)
{
    *fraction = 0.0f;
    if (m < 2)
        return 0;
    const size_t at = j * (n - 1);
    *fraction = (float)(at % (m - 1)) / (float)(m - 1);
    return at / (m - 1);
}

static void factors(const tft_resample_weights *w, float *factor)
{
    tft_sigmoid(factor, w->mask, w->out);
    tft_scale(factor, 2.0f, w->out);
}

void tft_resample_forward(const tft_resample_weights *w, const float *x, size_t ldx, size_t n,
                          const tft_resample_tape *tape, tft_scratch *scratch, float *y)
{
    const size_t mark = scratch->used, m = w->out;
    float *const factor = tft_scratch_take(scratch, m), *const scaled = tft_scratch_take(scratch, n * m);
    factors(w, factor);
    for (size_t j = 0; j < m; j++) {
        float fraction;
        const size_t low = position(w->in, m, j, &fraction), high = low + 1 < w->in ? low + 1 : low;
        for (size_t r = 0; r < n; r++) {
            const float *const row = x + r * ldx;
            const float v = w->in == m ? row[j] : row[low] * (1.0f - fraction) + row[high] * fraction;
            tape->interpolated[r * m + j] = v;
            scaled[r * m + j] = v * factor[j];
        }
    }
    tft_layernorm(scaled, w->norm.w, w->norm.b, n, m, EPS, y, tape->normed, tape->inv_std);
    scratch->used = mark;
}

void tft_resample_backward(const tft_resample_weights *w, size_t n, const tft_resample_tape *tape, const float *dy,
                           tft_scratch *scratch, tft_resample_weights *grad, float *dx, size_t lddx)
{
    const size_t mark = scratch->used, m = w->out;
    float *const factor = tft_scratch_take(scratch, m), *const dscaled = tft_scratch_take(scratch, n * m);
    factors(w, factor);
    tft_layernorm_backward(w->norm.w, tape->normed, tape->inv_std, dy, n, m, dscaled, grad->norm.w, grad->norm.b);
    for (size_t j = 0; j < m; j++) {
        float fraction, dfactor = 0.0f;
        const size_t low = position(w->in, m, j, &fraction), high = low + 1 < w->in ? low + 1 : low;
        for (size_t r = 0; r < n; r++) {
            const float d = dscaled[r * m + j];
            dfactor += d * tape->interpolated[r * m + j];
            if (w->in == m) {
                dx[r * lddx + j] += d * factor[j];
            } else {
                dx[r * lddx + low] += d * factor[j] * (1.0f - fraction);
                dx[r * lddx + high] += d * factor[j] * fraction;
            }
        }
        // factor = 2σ(mask): its slope is 2σ(1 − σ) = factor · (1 − factor / 2)
        grad->mask[j] += dfactor * factor[j] * (1.0f - 0.5f * factor[j]);
    }
    scratch->used = mark;
}
