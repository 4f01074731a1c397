/* gate_norm.c - see gate_norm.h. */
#include "tft/gate_norm.h"

#include "tensor/tensor.h"

#define EPS 1e-5f

void tft_gate_norm_tape_layout(tft_arena *arena, const tft_gate_norm_weights *w, size_t n, bool dropout,
                               tft_gate_norm_tape *tape)
{
    const size_t out = w->norm.d;
    tape->mask = dropout ? tft_arena_floats(arena, n * w->glu.in) : NULL;
    tape->glu = tft_arena_floats(arena, n * 2 * out);
    tape->gate = tft_arena_floats(arena, n * out);
    tape->normed = tft_arena_floats(arena, n * out);
    tape->inv_std = tft_arena_floats(arena, n);
}

void tft_gate_norm_forward(const tft_gate_norm_weights *w, float *x, const float *skip, size_t ldskip, size_t n,
                           tft_dropout dropout, const tft_gate_norm_tape *tape, tft_scratch *scratch, float *y)
{
    const size_t mark = scratch->used, in = w->glu.in, out = w->norm.d;
    if (dropout.p > 0.0f) {
        tft_dropout_mask(tape->mask, n * in, dropout.p, dropout.key);
        tft_mul(x, x, tape->mask, n * in);
    }
    float *const sum = tft_scratch_take(scratch, n * out);
    tft_linear(x, in, w->glu.w, w->glu.b, n, in, 2 * out, tape->glu, 2 * out);
    tft_glu(tape->glu, n, out, sum, tape->gate); // (5)
    if (ldskip == out) {
        tft_add(sum, skip, n * out);
    } else {
        for (size_t r = 0; r < n; r++)
            tft_add(sum + r * out, skip + r * ldskip, out);
    }
    tft_layernorm(sum, w->norm.w, w->norm.b, n, out, EPS, y, tape->normed, tape->inv_std);
    scratch->used = mark;
}

void tft_gate_norm_backward(const tft_gate_norm_weights *w, const float *x, size_t n, tft_dropout dropout,
                            const tft_gate_norm_tape *tape, const float *dy, tft_scratch *scratch,
                            tft_gate_norm_weights *grad, float *dx, float *dsum)
{
    const size_t mark = scratch->used, in = w->glu.in, out = w->norm.d;
    tft_layernorm_backward(w->norm.w, tape->normed, tape->inv_std, dy, n, out, dsum, grad->norm.w, grad->norm.b);
    float *const dglu = tft_scratch_take(scratch, n * 2 * out);
    tft_glu_backward(tape->glu, tape->gate, dsum, n, out, dglu);
    memset(dx, 0, n * in * sizeof(float));
    tft_linear_backward(x, in, w->glu.w, dglu, 2 * out, n, in, 2 * out, dx, in, grad->glu.w, grad->glu.b);
    if (dropout.p > 0.0f)
        tft_mul(dx, dx, tape->mask, n * in);
    scratch->used = mark;
}
