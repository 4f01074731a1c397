/* lstm.c - see lstm.h. */
#include "tft/lstm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tensor/tensor.h"
#include "tft/gate_add_norm.h"

void tft_lstm_define(tft_builder *builder, tft_lstm *w, const char *name, size_t hidden, size_t n_layers)
{
    const double bound = 1.0 / sqrt((double)hidden);
    memset(w, 0, sizeof *w);
    w->hidden = hidden;
    w->n_layers = n_layers;
    for (size_t l = 0; l < n_layers; l++) {
        w->w_ih[l] = tft_builder_add(builder, TFT_INITIAL_UNIFORM, bound, false, 4 * hidden, hidden,
                                     "%s.weight_ih_l%zu", name, l);
        w->w_hh[l] = tft_builder_add(builder, TFT_INITIAL_UNIFORM, bound, false, 4 * hidden, hidden,
                                     "%s.weight_hh_l%zu", name, l);
        w->b_ih[l] =
            tft_builder_add(builder, TFT_INITIAL_UNIFORM, bound, true, 4 * hidden, 0, "%s.bias_ih_l%zu", name, l);
        w->b_hh[l] =
            tft_builder_add(builder, TFT_INITIAL_UNIFORM, bound, true, 4 * hidden, 0, "%s.bias_hh_l%zu", name, l);
        w->ih_packed[l] = tft_builder_packed(builder, hidden, 4 * hidden);
        w->hh_packed[l] = tft_builder_packed(builder, hidden, 4 * hidden);
    }
}

void tft_lstm_refresh(tft_lstm *w)
{
    for (size_t l = 0; l < w->n_layers; l++) {
        tft_packed_fill(&w->ih_packed[l], w->w_ih[l], w->hidden, 4 * w->hidden);
        tft_packed_fill(&w->hh_packed[l], w->w_hh[l], w->hidden, 4 * w->hidden);
    }
}

void tft_lstm_state_carve(tft_carve *carve, const tft_lstm *w, size_t n_windows, tft_lstm_state *state)
{
    for (size_t l = 0; l < w->n_layers; l++) {
        state->h[l] = tft_carve_floats(carve, n_windows * w->hidden);
        state->c[l] = tft_carve_floats(carve, n_windows * w->hidden);
    }
}

/* Rows whose product with W_ih an evaluation makes at once: 48 KB of gates at a hidden size of 32, which stay in the cache until their
 * steps have come. */
enum { AHEAD = 96 };

static size_t rows_ahead(size_t n, size_t n_windows)
{
    const size_t ahead = n_windows > AHEAD ? n_windows : AHEAD; // a step at least
    return n < ahead ? n : ahead;
}

/* Without `keep` the same few rows of x and gates serve all steps, and only h of a layer below another is kept. */
static void lean_tape_carve(tft_carve *carve, const tft_lstm *w, size_t n, size_t n_windows, tft_lstm_tape *tape)
{
    const size_t d = w->hidden, ahead = rows_ahead(n, n_windows);
    tape->x[0] = tft_carve_floats(carve, ahead * d);
    tape->gates[0] = tft_carve_floats(carve, ahead * 4 * d);
    tape->h[0] = tft_carve_floats(carve, w->n_layers > 1 ? n * d : 0);
    tape->h0[0] = tft_carve_floats(carve, n_windows * d);
    tape->c0[0] = tft_carve_floats(carve, n_windows * d);
}

void tft_lstm_tape_carve(tft_carve *carve, const tft_lstm *w, size_t n, size_t n_windows, bool keep,
                         tft_lstm_tape *tape)
{
    const size_t d = w->hidden;
    memset(tape, 0, sizeof *tape);
    tape->keep = keep;
    if (!keep) {
        lean_tape_carve(carve, w, n, n_windows, tape);
        return;
    }
    for (size_t l = 0; l < w->n_layers; l++) {
        tape->x[l] = tft_carve_floats(carve, n * d);
        tape->h[l] = tft_carve_floats(carve, n * d);
        tape->c[l] = tft_carve_floats(carve, n * d);
        tape->tanh_c[l] = tft_carve_floats(carve, n * d);
        tape->gates[l] = tft_carve_floats(carve, n * 4 * d);
        tape->h0[l] = tft_carve_floats(carve, n_windows * d);
        tape->c0[l] = tft_carve_floats(carve, n_windows * d);
    }
}

typedef struct lstm_tmp {
    float *h_out;   // [B, H] a step's output once more, as the kernel writes it
    float *mask;    // [N, H]
    float *dgates;  // [N, 4H]
    float *dy;      // [N, H] gradient of a layer's outputs, in time
    float *h_prev;  // [N, H] state before each step, in time
    float *dh, *dc; // [B, H] by rank
} lstm_tmp;

static size_t lstm_carve_tmp(const tft_lstm *w, size_t n, size_t n_windows, bool backward, float *base, lstm_tmp *t)
{
    tft_carve carve = {base, 0};
    t->h_out = tft_carve_floats(&carve, n_windows * w->hidden);
    t->mask = tft_carve_floats(&carve, w->n_layers > 1 ? n * w->hidden : 0);
    t->dgates = tft_carve_floats(&carve, backward ? n * 4 * w->hidden : 0);
    t->dy = tft_carve_floats(&carve, backward ? n * w->hidden : 0);
    t->h_prev = tft_carve_floats(&carve, backward ? n * w->hidden : 0);
    t->dh = tft_carve_floats(&carve, backward ? n_windows * w->hidden : 0);
    t->dc = tft_carve_floats(&carve, backward ? n_windows * w->hidden : 0);
    return carve.used;
}

size_t tft_lstm_tmp(const tft_lstm *w, size_t n, size_t n_windows, bool backward)
{
    lstm_tmp t;
    return lstm_carve_tmp(w, n, n_windows, backward, NULL, &t);
}

/* Row in time of window order[rank]'s last step. */
static size_t last_row(const tft_rows *rows, size_t rank)
{
    return rows->step[rows->length[rows->order[rank]] - 1] + rank;
}

/* States by window to states by rank, and back. */
static void by_rank(const tft_rows *rows, const float *by_window, size_t d, float *ranked)
{
    for (size_t k = 0; k < rows->n_windows; k++)
        memcpy(ranked + k * d, by_window + rows->order[k] * d, d * sizeof *ranked);
}

static void by_window(const tft_rows *rows, const float *ranked, size_t d, float *windows)
{
    for (size_t k = 0; k < rows->n_windows; k++)
        memcpy(windows + rows->order[k] * d, ranked + k * d, d * sizeof *windows);
}

/* Steps from s on whose rows fit what is made ahead; one at least. */
static size_t steps_ahead(const tft_rows *rows, size_t s)
{
    size_t end = s + 1;
    while (end < rows->longest && rows->step[end + 1] - rows->step[s] <= AHEAD)
        end++;
    return end - s;
}

/* For evaluation: h0 and c0 hold the states by rank all along, and a window that has ended keeps its own. x is packed for the first
 * layer; what a layer hands to the next lies in tape->h[0], in time, read before it is overwritten; the last one writes y. */
static void layer_forward_lean(const tft_lstm *w, size_t l, const tft_rows *rows, const float *x, tft_lstm_tape *tape,
                               float *y)
{
    const size_t d = w->hidden;
    float *const h = tape->h0[0], *const c = tape->c0[0];
    for (size_t s = 0; s < rows->longest;) {
        const size_t end = s + steps_ahead(rows, s), first = rows->step[s], n = rows->step[end] - first;
        for (size_t r = 0; l == 0 && r < n; r++)
            memcpy(tape->x[0] + r * d, x + rows->packed_row[first + r] * d, d * sizeof *x);
        tft_linear_by(l == 0 ? tape->x[0] : tape->h[0] + first * d, d, w->w_ih[l], w->ih_packed[l], w->b_ih[l], n, d,
                      4 * d, tape->gates[0], 4 * d);
        for (; s < end; s++) {
            const size_t live = tft_rows_live(rows, s), at = rows->step[s];
            float *const gates = tape->gates[0] + (at - first) * 4 * d;
            tft_linear_add_by(h, d, w->w_hh[l], w->hh_packed[l], w->b_hh[l], live, d, 4 * d, gates, 4 * d);
            tft_lstm_cell_lean(gates, live, d, c, h);
            if (l + 1 < w->n_layers)
                memcpy(tape->h[0] + at * d, h, live * d * sizeof *h);
            for (size_t k = 0; l + 1 == w->n_layers && k < live; k++)
                memcpy(y + rows->packed_row[at + k] * d, h + k * d, d * sizeof *h);
        }
    }
}

static void forward_lean(const tft_lstm *w, const tft_rows *rows, const float *x, const tft_lstm_state *first,
                         tft_lstm_tape *tape, float *y, tft_lstm_state *last)
{
    const size_t d = w->hidden;
    for (size_t l = 0; l < w->n_layers; l++) {
        by_rank(rows, first->h[l], d, tape->h0[0]);
        by_rank(rows, first->c[l], d, tape->c0[0]);
        layer_forward_lean(w, l, rows, x, tape, y);
        if (last == NULL)
            continue;
        by_window(rows, tape->h0[0], d, last->h[l]);
        by_window(rows, tape->c0[0], d, last->c[l]);
    }
}

static void layer_forward(const tft_lstm *w, size_t l, const tft_rows *rows, tft_lstm_tape *tape, lstm_tmp *t)
{
    const size_t d = w->hidden;
    tft_linear_by(tape->x[l], d, w->w_ih[l], w->ih_packed[l], w->b_ih[l], rows->n, d, 4 * d, tape->gates[l], 4 * d);
    const float *h_prev = tape->h0[l], *c_prev = tape->c0[l];
    for (size_t s = 0; s < rows->longest; s++) {
        const size_t live = tft_rows_live(rows, s), at = rows->step[s];
        float *const gates = tape->gates[l] + at * 4 * d;
        float *const h = tape->h[l] + at * d, *const c = tape->c[l] + at * d;
        tft_linear_add_by(h_prev, d, w->w_hh[l], w->hh_packed[l], w->b_hh[l], live, d, 4 * d, gates, 4 * d);
        tft_lstm_cell(gates, c_prev, h_prev, NULL, live, d, c, h, tape->tanh_c[l] + at * d, t->h_out, d);
        h_prev = h;
        c_prev = c;
    }
}

void tft_lstm_forward(const tft_lstm *w, const tft_rows *rows, const float *x, const tft_lstm_state *first,
                      tft_dropout dropout, tft_lstm_tape *tape, float *y, tft_lstm_state *last, float *tmp)
{
    const size_t d = w->hidden;
    lstm_tmp t;
    if (!tape->keep) {
        forward_lean(w, rows, x, first, tape, y, last);
        return;
    }
    lstm_carve_tmp(w, rows->n, rows->n_windows, false, tmp, &t);
    tft_rows_to_time(rows, x, d, tape->x[0]);
    for (size_t l = 0; l < w->n_layers; l++) {
        by_rank(rows, first->h[l], d, tape->h0[l]);
        by_rank(rows, first->c[l], d, tape->c0[l]);
        layer_forward(w, l, rows, tape, &t);
        for (size_t k = 0; last != NULL && k < rows->n_windows; k++) {
            const size_t from = last_row(rows, k) * d, to = rows->order[k] * d;
            memcpy(last->h[l] + to, tape->h[l] + from, d * sizeof *y);
            memcpy(last->c[l] + to, tape->c[l] + from, d * sizeof *y);
        }
        if (l + 1 < w->n_layers) {
            memcpy(tape->x[l + 1], tape->h[l], rows->n * d * sizeof *y);
            tft_dropout_apply(tft_dropout_at(dropout, l), tape->x[l + 1], rows->n * d, t.mask);
        }
    }
    tft_rows_from_time(rows, tape->h[w->n_layers - 1], d, y);
}

/* In: t->dy, and t->dh, t->dc of the last states. Out: t->dgates, and t->dh, t->dc of the first states. */
static void layer_backward(const tft_lstm *w, size_t l, const tft_rows *rows, const tft_lstm_tape *tape, lstm_tmp *t)
{
    const size_t d = w->hidden;
    for (size_t s = rows->longest; s-- > 0;) {
        const size_t live = tft_rows_live(rows, s), at = rows->step[s];
        const float *const c_prev = s > 0 ? tape->c[l] + rows->step[s - 1] * d : tape->c0[l];
        const float *const h_prev = s > 0 ? tape->h[l] + rows->step[s - 1] * d : tape->h0[l];
        float *const dgates = t->dgates + at * 4 * d;
        memcpy(t->h_prev + at * d, h_prev, live * d * sizeof *h_prev);
        tft_add(t->dh, t->dy + at * d, live * d);
        tft_lstm_cell_backward(tape->gates[l] + at * 4 * d, c_prev, tape->tanh_c[l] + at * d, NULL, live, d, t->dh,
                               t->dc, dgates);
        tft_matmul_nn(dgates, 4 * d, w->w_hh[l], d, live, d, 4 * d, (float)1, (float)0, t->dh, d);
    }
}

void tft_lstm_backward(const tft_lstm *w, const tft_rows *rows, tft_dropout dropout, const tft_lstm_tape *tape,
                       const float *dy, const tft_lstm_state *dlast, tft_lstm *grad, float *dx, tft_lstm_state *dfirst,
                       float *tmp)
{
    const size_t d = w->hidden, n = rows->n;
    lstm_tmp t;
    lstm_carve_tmp(w, n, rows->n_windows, true, tmp, &t);
    tft_rows_to_time(rows, dy, d, t.dy);
    for (size_t l = w->n_layers; l-- > 0;) {
        if (dlast != NULL) {
            by_rank(rows, dlast->h[l], d, t.dh);
            by_rank(rows, dlast->c[l], d, t.dc);
        } else {
            memset(t.dh, 0, rows->n_windows * d * sizeof *t.dh);
            memset(t.dc, 0, rows->n_windows * d * sizeof *t.dc);
        }
        layer_backward(w, l, rows, tape, &t);
        by_window(rows, t.dh, d, dfirst->h[l]);
        by_window(rows, t.dc, d, dfirst->c[l]);
        // W_hh h + b_hh, all steps at once; then W_ih x + b_ih, whose x was the output of the layer below.
        tft_linear_backward(t.h_prev, d, w->w_hh[l], t.dgates, 4 * d, n, d, 4 * d, NULL, 0, grad->w_hh[l],
                            grad->b_hh[l]);
        memset(t.dy, 0, n * d * sizeof *t.dy);
        tft_linear_backward(tape->x[l], d, w->w_ih[l], t.dgates, 4 * d, n, d, 4 * d, t.dy, d, grad->w_ih[l],
                            grad->b_ih[l]);
        if (l > 0)
            tft_dropout_apply(tft_dropout_at(dropout, l - 1), t.dy, n * d, t.mask);
    }
    for (size_t r = 0; r < n; r++)
        tft_add(dx + rows->packed_row[r] * d, t.dy + r * d, d);
}
