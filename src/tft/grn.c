/* grn.c - see grn.h. */
#include "tft/grn.h"

#include <stdio.h>
#include <string.h>

void tft_grn_define(tft_builder *builder, tft_grn *w, const char *name, size_t in, size_t hidden, size_t out,
                    size_t context_in)
{
    char fc[TFT_PARAMETER_NAME + 32], norm[TFT_PARAMETER_NAME + 32];
    memset(w, 0, sizeof *w);
    w->in = in;
    w->hidden = hidden;
    w->out = out;
    w->context_in = context_in;
    if (in != out) {
        snprintf(fc, sizeof fc, "%s.resample_norm", name);
        tft_resample_define(builder, &w->resample, fc, in, out);
    }
    snprintf(fc, sizeof fc, "%s.fc1", name);
    tft_builder_linear(builder, fc, in, hidden, TFT_INITIAL_NORMAL, tft_he_std(in), 0.0, &w->fc1_w, &w->fc1_b);
    if (context_in > 0) {
        snprintf(fc, sizeof fc, "%s.context", name);
        tft_builder_linear(builder, fc, context_in, hidden, TFT_INITIAL_UNIFORM, tft_xavier_bound(context_in, hidden),
                           0.0, &w->context_w, NULL);
    }
    snprintf(fc, sizeof fc, "%s.fc2", name);
    tft_builder_linear(builder, fc, hidden, hidden, TFT_INITIAL_NORMAL, tft_he_std(hidden), 0.0, &w->fc2_w, &w->fc2_b);
    snprintf(fc, sizeof fc, "%s.gate_norm.glu.fc", name);
    snprintf(norm, sizeof norm, "%s.gate_norm.add_norm.norm", name);
    tft_gate_define(builder, &w->gate, fc, norm, hidden, out);
}

void tft_grn_tape_carve(tft_carve *carve, const tft_grn *w, size_t n, bool keep, tft_grn_tape *tape)
{
    memset(tape, 0, sizeof *tape);
    tape->eta2 = tft_carve_floats(carve, n * w->hidden);
    tape->eta1 = tft_carve_floats(carve, n * w->hidden);
    if (w->in != w->out) {
        tape->skip = tft_carve_floats(carve, n * w->out);
        tft_resample_tape_carve(carve, &w->resample, n, keep, &tape->resample);
    }
    tft_gate_tape_carve(carve, &w->gate, n, keep, &tape->gate);
}

typedef struct grn_tmp {
    float *gate;     // of tft_gate_*, and of tft_resample_* after it
    float *deta1;    // [N, hidden]
    float *deta2;    // [N, hidden]
    float *dpre;     // [N, hidden] gradient of what ELU got
    float *dskip;    // [N, out]
    float *resample; // of tft_resample_*
} grn_tmp;

static size_t grn_carve_tmp(const tft_grn *w, size_t n, float *base, grn_tmp *t)
{
    tft_carve carve = {base, 0};
    t->gate = tft_carve_floats(&carve, tft_gate_tmp(&w->gate, n));
    t->deta1 = tft_carve_floats(&carve, n * w->hidden);
    t->deta2 = tft_carve_floats(&carve, n * w->hidden);
    t->dpre = tft_carve_floats(&carve, n * w->hidden);
    t->dskip = tft_carve_floats(&carve, w->in == w->out ? 0 : n * w->out);
    t->resample = tft_carve_floats(&carve, w->in == w->out ? 0 : tft_resample_tmp(&w->resample, n));
    return carve.used;
}

size_t tft_grn_tmp(const tft_grn *w, size_t n)
{
    grn_tmp t;
    return grn_carve_tmp(w, n, NULL, &t);
}

void tft_grn_context(const tft_grn *w, const float *c, size_t n_windows, float *product)
{
    tft_linear(c, w->context_in, w->context_w, NULL, n_windows, w->context_in, w->hidden, product, w->hidden);
}

void tft_grn_context_backward(const tft_grn *w, const float *c, const float *dproduct, size_t n_windows, tft_grn *grad,
                              float *dc)
{
    tft_linear_backward(c, w->context_in, w->context_w, dproduct, w->hidden, n_windows, w->context_in, w->hidden, dc,
                        w->context_in, grad->context_w, NULL);
}

void tft_grn_forward(const tft_grn *w, const float *x, tft_grn_rows rows, tft_dropout dropout, tft_grn_tape *tape,
                     float *y, float *tmp)
{
    const size_t n = rows.n, h = w->hidden;
    grn_tmp t;
    grn_carve_tmp(w, n, tmp, &t);
    const float *skip = x;
    if (w->in != w->out) {
        tft_resample_forward(&w->resample, x, w->in, n, &tape->resample, tape->skip, t.resample);
        skip = tape->skip;
    }
    if (rows.product != NULL) { // each row starts from its window's context
        for (size_t r = 0; r < n; r++) {
            const size_t window = rows.window_of != NULL ? rows.window_of[r] : r;
            memcpy(tape->eta2 + r * h, rows.product + window * h, h * sizeof *tape->eta2);
        }
        tft_linear_add(x, w->in, w->fc1_w, w->fc1_b, n, w->in, h, tape->eta2, h);
    } else {
        tft_linear(x, w->in, w->fc1_w, w->fc1_b, n, w->in, h, tape->eta2, h);
    }
    tft_elu(tape->eta2, tape->eta2, n * h);                                           // (4)
    tft_linear(tape->eta2, h, w->fc2_w, w->fc2_b, n, h, h, tape->eta1, h);            // (3)
    tft_gate_forward(&w->gate, tape->eta1, skip, n, dropout, &tape->gate, y, t.gate); // (2)
}

void tft_grn_backward(const tft_grn *w, const float *x, tft_grn_rows rows, tft_dropout dropout,
                      const tft_grn_tape *tape, const float *dy, tft_grn *grad, float *dx, float *dproduct, float *tmp)
{
    const size_t n = rows.n, h = w->hidden;
    grn_tmp t;
    grn_carve_tmp(w, n, tmp, &t);
    float *dskip = dx; // the skip is x itself …
    if (w->in != w->out) {
        dskip = t.dskip; // … or made from it
        memset(dskip, 0, n * w->out * sizeof *dskip);
    }
    // (2)
    tft_gate_backward(&w->gate, tape->eta1, n, dropout, &tape->gate, dy, &grad->gate, t.deta1, dskip, t.gate);
    // (3)
    memset(t.deta2, 0, n * h * sizeof *t.deta2);
    tft_linear_backward(tape->eta2, h, w->fc2_w, t.deta1, h, n, h, h, t.deta2, h, grad->fc2_w, grad->fc2_b);
    // (4)
    memset(t.dpre, 0, n * h * sizeof *t.dpre);
    tft_elu_backward(t.dpre, tape->eta2, t.deta2, n * h);
    tft_linear_backward(x, w->in, w->fc1_w, t.dpre, h, n, w->in, h, dx, w->in, grad->fc1_w, grad->fc1_b);
    for (size_t r = 0; dproduct != NULL && r < n; r++)
        tft_add(dproduct + (rows.window_of != NULL ? rows.window_of[r] : r) * h, t.dpre + r * h, h);
    if (w->in != w->out)
        tft_resample_backward(&w->resample, n, &tape->resample, dskip, &grad->resample, dx, w->in, t.resample);
}
