/* gate_add_norm.c - see gate_add_norm.h. */
#include "tft/gate_add_norm.h"

void tft_gate_define(tft_builder *builder, tft_gate *w, const char *fc, const char *norm, size_t in, size_t out)
{
    w->in = in;
    w->out = out;
    tft_builder_linear(builder, fc, in, 2 * out, TFT_INITIAL_UNIFORM, tft_xavier_bound(in, 2 * out), 0.0, &w->w, &w->b);
    tft_builder_norm(builder, norm, out, &w->norm_w, &w->norm_b);
    w->packed = tft_builder_packed(builder, in, 2 * out);
}

void tft_gate_refresh(tft_gate *w)
{
    tft_packed_fill(&w->packed, w->w, w->in, 2 * w->out);
}

void tft_gate_tape_carve(tft_carve *carve, const tft_gate *w, size_t n, bool keep, tft_gate_tape *tape)
{
    tape->pre = tft_carve_floats(carve, n * 2 * w->out);
    tape->sigmoid = keep ? tft_carve_floats(carve, n * w->out) : NULL;
    tape->normed = keep ? tft_carve_floats(carve, n * w->out) : NULL;
    tape->inv_std = keep ? tft_carve_floats(carve, n) : NULL;
}

typedef struct gate_tmp {
    float *dpre; // [N, 2·out]
    float *mask; // [N, in]
} gate_tmp;

static size_t gate_carve_tmp(const tft_gate *w, size_t n, bool training, float *base, gate_tmp *t)
{
    tft_carve carve = {base, 0};
    t->dpre = tft_carve_floats(&carve, training ? n * 2 * w->out : 0);
    t->mask = tft_carve_floats(&carve, training ? n * w->in : 0);
    return carve.used;
}

size_t tft_gate_tmp(const tft_gate *w, size_t n, bool training)
{
    gate_tmp t;
    return gate_carve_tmp(w, n, training, NULL, &t);
}

void tft_gate_product(const tft_gate *w, const float *skip, size_t n, tft_gate_tape *tape, float *y)
{
    tft_gate_norm(tape->pre, skip, w->norm_w, w->norm_b, n, w->out, TFT_NORM_EPS, y, tape->sigmoid, tape->normed,
                  tape->inv_std); // (5) inside (2)
}

void tft_gate_forward(const tft_gate *w, float *x, const float *skip, size_t n, tft_dropout dropout,
                      tft_gate_tape *tape, float *y, float *tmp)
{
    gate_tmp t;
    gate_carve_tmp(w, n, dropout.p > (float)0, tmp, &t);
    tft_dropout_apply(dropout, x, n * w->in, t.mask);
    tft_linear_by(x, w->in, w->w, w->packed, w->b, n, w->in, 2 * w->out, tape->pre, 2 * w->out);
    tft_gate_product(w, skip, n, tape, y);
}

void tft_gate_backward(const tft_gate *w, const float *x, size_t n, tft_dropout dropout, const tft_gate_tape *tape,
                       const float *dy, tft_gate *grad, float *dx, float *dskip, float *tmp)
{
    gate_tmp t;
    gate_carve_tmp(w, n, true, tmp, &t);
    // (2) the skip and the GLU get the same gradient, that of their sum.
    tft_layernorm_backward(w->norm_w, tape->normed, tape->inv_std, dy, n, w->out, dskip, grad->norm_w, grad->norm_b);
    // (5) was v ⊙ σ(g).
    tft_glu_backward(tape->pre, tape->sigmoid, dskip, n, w->out, t.dpre);
    tft_linear_backward_over(x, w->in, w->w, t.dpre, n, w->in, 2 * w->out, dx, grad->w, grad->b);
    tft_dropout_apply(dropout, dx, n * w->in, t.mask);
}
