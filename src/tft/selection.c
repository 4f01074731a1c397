/* selection.c - see selection.h. */
#include "tft/selection.h"

#include "tensor/tensor.h"

void tft_selection_tape_layout(tft_arena *arena, const tft_selection_weights *w, size_t n_rows, size_t hidden,
                               bool dropout, tft_selection_tape *tape)
{
    tape->embedded = tft_arena_floats(arena, n_rows * w->width);
    tape->weights = tft_arena_floats(arena, n_rows * w->n);
    tape->transformed = tft_arena_floats(arena, w->n * n_rows * hidden);
    for (size_t i = 0; i < w->n; i++) {
        if (w->resample_only[i])
            tft_resample_tape_layout(arena, &w->single[i].skip, n_rows, &tape->single[i].skip);
        else
            tft_grn_tape_layout(arena, &w->single[i], n_rows, dropout, &tape->single[i]);
    }
    if (w->n > 1)
        tft_grn_tape_layout(arena, &w->flattened, n_rows, dropout, &tape->flattened);
}

void tft_selection_forward(const tft_selection_weights *w, const float *context, size_t repeat, size_t n_rows,
                           size_t hidden, tft_dropout dropout, const tft_selection_tape *tape, tft_scratch *scratch,
                           float *y)
{
    memset(y, 0, n_rows * hidden * sizeof(float));
    for (size_t i = 0; i < w->n; i++) { // (7)
        const float *const e = tape->embedded + w->offset[i];
        float *const t = tape->transformed + i * n_rows * hidden;
        if (w->resample_only[i])
            tft_resample_forward(&w->single[i].skip, e, w->width, n_rows, &tape->single[i].skip, scratch, t);
        else
            tft_grn_forward(&w->single[i], e, w->width, NULL, 1, n_rows, tft_dropout_at(dropout, i + 1),
                            &tape->single[i], scratch, t);
    }
    if (w->n == 1) {
        memcpy(y, tape->transformed, n_rows * hidden * sizeof(float));
        for (size_t r = 0; r < n_rows; r++)
            tape->weights[r] = 1.0f;
    }
    if (w->n < 2)
        return;
    tft_grn_forward(&w->flattened, tape->embedded, w->width, context, repeat, n_rows, dropout, &tape->flattened,
                    scratch, tape->weights);
    tft_softmax(tape->weights, n_rows, w->n, w->n, tape->weights); // (6)
    for (size_t i = 0; i < w->n; i++) {                            // (8)
        const float *const t = tape->transformed + i * n_rows * hidden;
        for (size_t r = 0; r < n_rows; r++) {
            const float v = tape->weights[r * w->n + i];
            for (size_t k = 0; k < hidden; k++)
                y[r * hidden + k] += v * t[r * hidden + k];
        }
    }
}

static void single_backward(const tft_selection_weights *w, size_t i, size_t n_rows, tft_dropout dropout,
                            const tft_selection_tape *tape, const float *dt, tft_scratch *scratch,
                            tft_selection_weights *grad, float *dembedded)
{
    float *const de = dembedded + w->offset[i];
    if (w->resample_only[i])
        tft_resample_backward(&w->single[i].skip, n_rows, &tape->single[i].skip, dt, scratch, &grad->single[i].skip, de,
                              w->width);
    else
        tft_grn_backward(&w->single[i], tape->embedded + w->offset[i], w->width, NULL, 1, n_rows,
                         tft_dropout_at(dropout, i + 1), &tape->single[i], dt, scratch, &grad->single[i], de, w->width,
                         NULL);
}

void tft_selection_backward(const tft_selection_weights *w, const float *context, size_t repeat, size_t n_rows,
                            size_t hidden, tft_dropout dropout, const tft_selection_tape *tape, const float *dy,
                            tft_scratch *scratch, tft_selection_weights *grad, float *dembedded, float *dcontext)
{
    if (w->n == 1)
        single_backward(w, 0, n_rows, dropout, tape, dy, scratch, grad, dembedded);
    if (w->n < 2)
        return;
    const size_t mark = scratch->used;
    float *const dweights = tft_scratch_take(scratch, n_rows * w->n);
    float *const dt = tft_scratch_take(scratch, n_rows * hidden);
    for (size_t i = 0; i < w->n; i++) {
        // (8) y = Σ v_i t_i: each t_i gets v_i dy, each v_i gets the product of t_i and dy.
        const float *const t = tape->transformed + i * n_rows * hidden;
        for (size_t r = 0; r < n_rows; r++) {
            const float v = tape->weights[r * w->n + i];
            const float *const d = dy + r * hidden;
            for (size_t k = 0; k < hidden; k++)
                dt[r * hidden + k] = v * d[k];
            dweights[r * w->n + i] = tft_dot(t + r * hidden, d, hidden);
        }
        single_backward(w, i, n_rows, dropout, tape, dt, scratch, grad, dembedded); // (7)
    }
    tft_softmax_backward(tape->weights, dweights, n_rows, w->n, w->n, dweights); // (6)
    tft_grn_backward(&w->flattened, tape->embedded, w->width, context, repeat, n_rows, dropout, &tape->flattened,
                     dweights, scratch, &grad->flattened, dembedded, w->width, dcontext);
    scratch->used = mark;
}
