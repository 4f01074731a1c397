/* grn.c - see grn.h. */
#include "tft/grn.h"

#include "tensor/tensor.h"

void tft_grn_tape_layout(tft_arena *arena, const tft_grn_weights *w, size_t n, bool dropout, tft_grn_tape *tape)
{
    if (w->in != w->out) {
        tft_resample_tape_layout(arena, &w->skip, n, &tape->skip);
        tape->skipped = tft_arena_floats(arena, n * w->out);
    }
    tape->elu = tft_arena_floats(arena, n * w->hidden);
    tape->eta1 = tft_arena_floats(arena, n * w->hidden);
    tft_gate_norm_tape_layout(arena, &w->gate, n, dropout, &tape->gate);
}

void tft_grn_forward(const tft_grn_weights *w, const float *a, size_t lda, const float *context, size_t repeat,
                     size_t n, tft_dropout dropout, const tft_grn_tape *tape, tft_scratch *scratch, float *y)
{
    const size_t mark = scratch->used, hidden = w->hidden;
    tft_linear(a, lda, w->fc1.w, w->fc1.b, n, w->in, hidden, tape->elu, hidden);
    if (context != NULL) { // W3 c, once per window
        const size_t windows = n / repeat;
        float *const projected = tft_scratch_take(scratch, windows * hidden);
        tft_linear(context, w->context.in, w->context.w, NULL, windows, w->context.in, hidden, projected, hidden);
        for (size_t r = 0; r < n; r++)
            tft_add(tape->elu + r * hidden, projected + r / repeat * hidden, hidden);
    }
    tft_elu(tape->elu, tape->elu, n * hidden);                                                // (4)
    tft_linear(tape->elu, hidden, w->fc2.w, w->fc2.b, n, hidden, hidden, tape->eta1, hidden); // (3)
    const float *skip = a;
    size_t ldskip = lda;
    if (w->in != w->out) {
        tft_resample_forward(&w->skip, a, lda, n, &tape->skip, scratch, tape->skipped);
        skip = tape->skipped;
        ldskip = w->out;
    }
    tft_gate_norm_forward(&w->gate, tape->eta1, skip, ldskip, n, dropout, &tape->gate, scratch, y); // (2)
    scratch->used = mark;
}

void tft_grn_backward(const tft_grn_weights *w, const float *a, size_t lda, const float *context, size_t repeat,
                      size_t n, tft_dropout dropout, const tft_grn_tape *tape, const float *dy, tft_scratch *scratch,
                      tft_grn_weights *grad, float *da, size_t ldda, float *dcontext)
{
    const size_t mark = scratch->used, hidden = w->hidden, out = w->out;
    float *const dsum = tft_scratch_take(scratch, n * out), *const deta = tft_scratch_take(scratch, n * hidden);
    // (2) the residual hands dsum to `a` as it is; the gate below gets the same dsum.
    tft_gate_norm_backward(&w->gate, tape->eta1, n, dropout, &tape->gate, dy, scratch, &grad->gate, deta, dsum);
    if (w->in != out) {
        tft_resample_backward(&w->skip, n, &tape->skip, dsum, scratch, &grad->skip, da, ldda);
    } else {
        for (size_t r = 0; r < n; r++)
            tft_add(da + r * ldda, dsum + r * out, out);
    }
    // (3)
    float *const delu = tft_scratch_take_zero(scratch, n * hidden);
    tft_linear_backward(tape->elu, hidden, w->fc2.w, deta, hidden, n, hidden, hidden, delu, hidden, grad->fc2.w,
                        grad->fc2.b);
    // (4)
    float *const dpre = tft_scratch_take_zero(scratch, n * hidden);
    tft_elu_backward(dpre, tape->elu, delu, n * hidden);
    tft_linear_backward(a, lda, w->fc1.w, dpre, hidden, n, w->in, hidden, da, ldda, grad->fc1.w, grad->fc1.b);
    if (context != NULL) {
        const size_t windows = n / repeat;
        float *const dprojected = tft_scratch_take_zero(scratch, windows * hidden);
        for (size_t r = 0; r < n; r++)
            tft_add(dprojected + r / repeat * hidden, dpre + r * hidden, hidden);
        tft_linear_backward(context, w->context.in, w->context.w, dprojected, hidden, windows, w->context.in, hidden,
                            dcontext, w->context.in, grad->context.w, NULL);
    }
    scratch->used = mark;
}
