/* lstm.c - see lstm.h. */
#include "tft/lstm.h"

#include "tensor/tensor.h"

void tft_lstm_tape_layout(tft_arena *arena, size_t n_layers, size_t n_windows, size_t n_steps, size_t hidden,
                          bool dropout, tft_lstm_tape *layers)
{
    const size_t rows = n_windows * n_steps;
    for (size_t l = 0; l < n_layers; l++) {
        tft_lstm_tape *const tape = &layers[l];
        tape->x = tft_arena_floats(arena, rows * hidden);
        tape->mask = dropout && l > 0 ? tft_arena_floats(arena, rows * hidden) : NULL;
        tape->gates = tft_arena_floats(arena, rows * 4 * hidden);
        tape->h = tft_arena_floats(arena, (rows + n_windows) * hidden);
        tape->c = tft_arena_floats(arena, (rows + n_windows) * hidden);
        tape->tanh_c = tft_arena_floats(arena, rows * hidden);
    }
}

/* [B, T, width] → [T, B, width], and back. */
static void to_time_major(const float *x, size_t n_windows, size_t n_steps, size_t width, float *y)
{
    for (size_t b = 0; b < n_windows; b++) {
        for (size_t t = 0; t < n_steps; t++)
            memcpy(y + (t * n_windows + b) * width, x + (b * n_steps + t) * width, width * sizeof(float));
    }
}

static void to_window_major(const float *x, size_t n_windows, size_t n_steps, size_t width, float *y)
{
    for (size_t b = 0; b < n_windows; b++) {
        for (size_t t = 0; t < n_steps; t++)
            memcpy(y + (b * n_steps + t) * width, x + (t * n_windows + b) * width, width * sizeof(float));
    }
}

static void layer_forward(const tft_lstm_weights *w, const uint8_t *live, size_t n_windows, size_t n_steps,
                          size_t hidden, const float *first_h, const float *first_c, const tft_lstm_tape *tape,
                          tft_scratch *scratch, float *y, size_t stride)
{
    const size_t mark = scratch->used, rows = n_windows * n_steps, width = 4 * hidden, state = n_windows * hidden;
    // W_ih x + b_ih for all steps at once.
    float *const input = tft_scratch_take(scratch, rows * width);
    float *const recurrent = tft_scratch_take(scratch, hidden * width); // W_hh transposed: no packing in the loop
    tft_linear(tape->x, hidden, w->w_ih, w->b_ih, rows, hidden, width, input, width);
    for (size_t r = 0; r < rows; r++)
        tft_add(input + r * width, w->b_hh, width);
    to_time_major(input, n_windows, n_steps, width, tape->gates);
    for (size_t j = 0; j < width; j++) {
        for (size_t k = 0; k < hidden; k++)
            recurrent[k * width + j] = w->w_hh[j * hidden + k];
    }
    memcpy(tape->h, first_h, state * sizeof(float));
    memcpy(tape->c, first_c, state * sizeof(float));
    for (size_t t = 0; t < n_steps; t++) {
        float *const gates = tape->gates + t * n_windows * width;
        const float *const h_prev = tape->h + t * state, *const c_prev = tape->c + t * state;
        tft_matmul_nn(h_prev, hidden, recurrent, width, n_windows, width, hidden, 1.0f, 1.0f, gates, width);
        tft_lstm_cell(gates, c_prev, h_prev, live + t * n_windows, n_windows, hidden, tape->c + (t + 1) * state,
                      tape->h + (t + 1) * state, tape->tanh_c + t * state, y + t * hidden, stride);
    }
    scratch->used = mark;
}

void tft_lstm_forward(const tft_lstm_weights *w, size_t n_layers, const float *x, const uint8_t *live, size_t n_windows,
                      size_t n_steps, size_t hidden, const float *const *first_h, const float *const *first_c,
                      tft_dropout dropout, const tft_lstm_tape *layers, tft_scratch *scratch, float *y, size_t stride)
{
    const size_t n = n_windows * n_steps * hidden;
    memcpy(layers[0].x, x, n * sizeof(float));
    for (size_t l = 0; l < n_layers; l++) {
        if (l > 0 && dropout.p > 0.0f) {
            const tft_dropout here = tft_dropout_at(dropout, l);
            tft_dropout_mask(layers[l].mask, n, here.p, here.key);
            tft_mul(layers[l].x, layers[l].x, layers[l].mask, n);
        }
        const bool last = l + 1 == n_layers; // other layers put out straight into the next one's input
        layer_forward(&w[l], live, n_windows, n_steps, hidden, first_h[l], first_c[l], &layers[l], scratch,
                      last ? y : layers[l + 1].x, last ? stride : n_steps * hidden);
    }
}

/* Backward through one layer; dy with `stride` between windows. */
static void layer_backward(const tft_lstm_weights *w, const uint8_t *live, size_t n_windows, size_t n_steps,
                           size_t hidden, const tft_lstm_tape *tape, const float *dy, size_t stride,
                           const float *last_dh, const float *last_dc, tft_scratch *scratch, tft_lstm_weights *grad,
                           float *dx, float *first_dh, float *first_dc)
{
    const size_t mark = scratch->used, rows = n_windows * n_steps, width = 4 * hidden, state = n_windows * hidden;
    float *const dgates = tft_scratch_take(scratch, rows * width);
    float *const dh = tft_scratch_take_zero(scratch, state), *const dc = tft_scratch_take_zero(scratch, state);
    if (last_dh != NULL)
        memcpy(dh, last_dh, state * sizeof(float));
    if (last_dc != NULL)
        memcpy(dc, last_dc, state * sizeof(float));
    for (size_t t = n_steps; t-- > 0;) {
        const uint8_t *const counts = live + t * n_windows;
        for (size_t b = 0; b < n_windows; b++) {
            if (counts[b]) // elsewhere the output was a constant 0
                tft_add(dh + b * hidden, dy + b * stride + t * hidden, hidden);
        }
        float *const dg = dgates + t * n_windows * width;
        tft_lstm_cell_backward(tape->gates + t * n_windows * width, tape->c + t * state, tape->tanh_c + t * state,
                               counts, n_windows, hidden, dh, dc, dg);
        tft_matmul_nn(dg, width, w->w_hh, hidden, n_windows, hidden, width, 1.0f, 1.0f, dh, hidden);
    }
    tft_add(first_dh, dh, state);
    tft_add(first_dc, dc, state);
    // W_hh met h of the step before, time-major; W_ih met x, window-major.
    tft_linear_backward(tape->h, hidden, w->w_hh, dgates, width, rows, hidden, width, NULL, hidden, grad->w_hh,
                        grad->b_hh);
    float *const dinput = tft_scratch_take(scratch, rows * width);
    to_window_major(dgates, n_windows, n_steps, width, dinput);
    tft_linear_backward(tape->x, hidden, w->w_ih, dinput, width, rows, hidden, width, dx, hidden, grad->w_ih,
                        grad->b_ih);
    scratch->used = mark;
}

void tft_lstm_backward(const tft_lstm_weights *w, size_t n_layers, const uint8_t *live, size_t n_windows,
                       size_t n_steps, size_t hidden, tft_dropout dropout, const tft_lstm_tape *layers, const float *dy,
                       size_t stride, float *const *last_dh, float *const *last_dc, tft_scratch *scratch,
                       tft_lstm_weights *grad, float *dx, float *const *first_dh, float *const *first_dc)
{
    const size_t mark = scratch->used, n = n_windows * n_steps * hidden;
    float *const between[2] = {tft_scratch_take(scratch, n_layers > 1 ? n : 0),
                               tft_scratch_take(scratch, n_layers > 2 ? n : 0)};
    const float *d = dy;
    size_t d_stride = stride;
    for (size_t l = n_layers; l-- > 0;) {
        float *const down = l == 0 ? dx : between[l % 2 == 1 ? 0 : 1];
        if (l > 0)
            memset(down, 0, n * sizeof(float));
        layer_backward(&w[l], live, n_windows, n_steps, hidden, &layers[l], d, d_stride,
                       last_dh != NULL ? last_dh[l] : NULL, last_dc != NULL ? last_dc[l] : NULL, scratch, &grad[l],
                       down, first_dh[l], first_dc[l]);
        if (l > 0 && dropout.p > 0.0f)
            tft_mul(down, down, layers[l].mask, n);
        d = down;
        d_stride = n_steps * hidden;
    }
    scratch->used = mark;
}
