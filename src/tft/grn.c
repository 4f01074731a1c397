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
    if (builder->derived) {
        w->direct_w = tft_arena_floats(builder->arena, 2 * out * hidden);
        w->direct_b = tft_arena_floats(builder->arena, 2 * out);
    }
    w->fc1_packed = tft_builder_packed(builder, in, hidden);
    w->fc2_packed = tft_builder_packed(builder, hidden, hidden);
    w->direct_packed = tft_builder_packed(builder, hidden, 2 * out);
}

void tft_grn_refresh(tft_grn *w)
{
    const size_t h = w->hidden, out = 2 * w->out;
    // W_glu (W_fc2 x + b_fc2) + b_glu
    tft_matmul_nn(w->gate.w, h, w->fc2_w, h, out, h, h, (float)1, (float)0, w->direct_w, h);
    memcpy(w->direct_b, w->gate.b, out * sizeof *w->direct_b);
    tft_matmul_nt(w->gate.w, h, w->fc2_b, h, out, 1, h, (float)1, (float)1, w->direct_b, 1);
    tft_packed_fill(&w->fc1_packed, w->fc1_w, w->in, h);
    tft_packed_fill(&w->fc2_packed, w->fc2_w, h, h);
    tft_packed_fill(&w->direct_packed, w->direct_w, h, out);
    tft_gate_refresh(&w->gate);
}

void tft_grn_tape_carve(tft_carve *carve, const tft_grn *w, size_t n, bool keep, tft_grn_tape *tape)
{
    memset(tape, 0, sizeof *tape);
    tape->eta2 = tft_carve_floats(carve, n * w->hidden);
    tape->eta1 = keep || w->direct_w == NULL ? tft_carve_floats(carve, n * w->hidden) : NULL;
    if (w->in != w->out) {
        tape->skip = tft_carve_floats(carve, n * w->out);
        tft_resample_tape_carve(carve, &w->resample, n, keep, &tape->resample);
    }
    tft_gate_tape_carve(carve, &w->gate, n, keep, &tape->gate);
}

typedef struct grn_tmp {
    float *gate;      // of tft_gate_*
    float *deta1;     // [N, hidden]
    float *deta2;     // [N, hidden]
    float *dskip;     // [N, out]
    float *dpre, *dz; // [N, hidden], [N, out] what the core gives back
    float *resample;  // of tft_resample_*
} grn_tmp;

static size_t grn_carve_tmp(const tft_grn *w, size_t n, bool training, float *base, grn_tmp *t)
{
    const bool resampled = w->in != w->out;
    tft_carve carve = {base, 0};
    t->gate = tft_carve_floats(&carve, tft_gate_tmp(&w->gate, n, training));
    t->resample = tft_carve_floats(&carve, resampled ? tft_resample_tmp(&w->resample) : 0);
    t->deta1 = tft_carve_floats(&carve, training ? n * w->hidden : 0);
    t->deta2 = tft_carve_floats(&carve, training ? n * w->hidden : 0);
    t->dskip = tft_carve_floats(&carve, training && resampled ? n * w->out : 0);
    t->dpre = tft_carve_floats(&carve, training ? n * w->hidden : 0);
    t->dz = tft_carve_floats(&carve, training ? n * w->out : 0);
    return carve.used;
}

size_t tft_grn_tmp(const tft_grn *w, size_t n, bool training)
{
    grn_tmp t;
    return grn_carve_tmp(w, n, training, NULL, &t);
}

/* ---- the core ----------------------------------------------------------------------------------------- */

void tft_grn_core_forward(const tft_grn *w, const float *skip, size_t n, tft_dropout dropout, tft_grn_tape *tape,
                          float *y, float *tmp)
{
    const size_t h = w->hidden;
    grn_tmp t;
    grn_carve_tmp(w, n, dropout.p > (float)0, tmp, &t);
    if (w->in != w->out) {
        tft_resample_normalise(&w->resample, n, &tape->resample, tape->skip);
        skip = tape->skip;
    }
    tft_elu(tape->eta2, tape->eta2, n * h); // (4)
    if (tape->eta1 == NULL) {               // (3) and the product in (5)
        tft_linear_by(tape->eta2, h, w->direct_w, w->direct_packed, w->direct_b, n, h, 2 * w->out, tape->gate.pre,
                      2 * w->out);
        tft_gate_product(&w->gate, skip, n, &tape->gate, y); // (2)
        return;
    }
    tft_linear_by(tape->eta2, h, w->fc2_w, w->fc2_packed, w->fc2_b, n, h, h, tape->eta1, h); // (3)
    tft_gate_forward(&w->gate, tape->eta1, skip, n, dropout, &tape->gate, y, t.gate);        // (2)
}

void tft_grn_core_backward(const tft_grn *w, size_t n, tft_dropout dropout, const tft_grn_tape *tape, const float *dy,
                           tft_grn *grad, float *dpre, float *dz, float *tmp)
{
    const size_t h = w->hidden;
    const bool resampled = w->in != w->out;
    grn_tmp t;
    grn_carve_tmp(w, n, true, tmp, &t);
    // (2)
    tft_gate_backward(&w->gate, tape->eta1, n, dropout, &tape->gate, dy, &grad->gate, t.deta1, resampled ? t.dskip : dz,
                      t.gate);
    if (resampled)
        tft_resample_normalise_backward(&w->resample, n, &tape->resample, t.dskip, &grad->resample, dz);
    // (3)
    tft_linear_backward_over(tape->eta2, h, w->fc2_w, t.deta1, n, h, h, t.deta2, grad->fc2_w, grad->fc2_b);
    // (4)
    memset(dpre, 0, n * h * sizeof *dpre);
    tft_elu_backward(dpre, tape->eta2, t.deta2, n * h);
}

/* ---- the ends: context and row ------------------------------------------------------------------------ */

void tft_grn_start_rows(const tft_grn *w, tft_grn_rows rows, float *pre)
{
    for (size_t r = 0; r < rows.n; r++) {
        const size_t window = rows.window_of != NULL ? rows.window_of[r] : r;
        memcpy(pre + r * w->hidden, rows.product + window * w->hidden, w->hidden * sizeof *pre);
    }
}

void tft_grn_start_rows_backward(const tft_grn *w, tft_grn_rows rows, const float *dpre, float *dproduct)
{
    for (size_t r = 0; r < rows.n; r++) {
        const size_t window = rows.window_of != NULL ? rows.window_of[r] : r;
        tft_add(dproduct + window * w->hidden, dpre + r * w->hidden, w->hidden);
    }
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
    grn_tmp t;
    grn_carve_tmp(w, rows.n, dropout.p > (float)0, tmp, &t);
    if (w->in != w->out)
        tft_resample_product(&w->resample, x, w->in, rows.n, &tape->resample, t.resample);
    if (rows.product != NULL) {
        tft_grn_start_rows(w, rows, tape->eta2);
        tft_linear_add_by(x, w->in, w->fc1_w, w->fc1_packed, w->fc1_b, rows.n, w->in, w->hidden, tape->eta2, w->hidden);
    } else {
        tft_linear_by(x, w->in, w->fc1_w, w->fc1_packed, w->fc1_b, rows.n, w->in, w->hidden, tape->eta2, w->hidden);
    }
    tft_grn_core_forward(w, x, rows.n, dropout, tape, y, tmp);
}

void tft_grn_backward(const tft_grn *w, const float *x, tft_grn_rows rows, tft_dropout dropout,
                      const tft_grn_tape *tape, const float *dy, tft_grn *grad, float *dx, float *dproduct, float *tmp)
{
    const size_t h = w->hidden;
    grn_tmp t;
    grn_carve_tmp(w, rows.n, true, tmp, &t);
    tft_grn_core_backward(w, rows.n, dropout, tape, dy, grad, t.dpre, t.dz, tmp);
    tft_linear_backward(x, w->in, w->fc1_w, t.dpre, h, rows.n, w->in, h, dx, w->in, grad->fc1_w, grad->fc1_b);
    if (dproduct != NULL)
        tft_grn_start_rows_backward(w, rows, t.dpre, dproduct);
    if (w->in != w->out)
        tft_resample_product_backward(&w->resample, rows.n, &tape->resample, t.dz, &grad->resample, dx, w->in,
                                      t.resample);
    else
        tft_add(dx, t.dz, rows.n * w->in); // the skip was x itself
}
