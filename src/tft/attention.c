/* attention.c - see attention.h. */
#include "tft/attention.h"

#include <math.h>

#include "tensor/tensor.h"

void tft_attention_tape_layout(tft_arena *arena, size_t n_windows, size_t encoder_steps, size_t decoder_steps,
                               size_t hidden, size_t n_heads, bool dropout, tft_attention_tape *tape)
{
    const size_t steps = encoder_steps + decoder_steps, d = hidden / n_heads, all = n_heads * d;
    tape->keys = tft_arena_floats(arena, n_windows * steps * all);
    tape->values = tft_arena_floats(arena, n_windows * steps * d);
    tape->theta = tft_arena_floats(arena, n_windows * steps * hidden);
    tape->queries = tft_arena_floats(arena, n_windows * decoder_steps * all);
    tape->weights = tft_arena_floats(arena, n_windows * n_heads * decoder_steps * steps);
    tape->mean = tft_arena_floats(arena, n_windows * decoder_steps * d);
    tape->head_mask = dropout ? tft_arena_floats(arena, n_windows * n_heads * decoder_steps * d) : NULL;
    tape->out_mask = dropout ? tft_arena_floats(arena, n_windows * decoder_steps * hidden) : NULL;
    tape->packed = tft_arena_floats(arena, 2 * all * (hidden + 1));
}

/* The heads' matrices side by side, so that one product serves them all. */
static void pack_heads(const tft_attention_weights *w, size_t n_heads, size_t d, size_t hidden, float *packed)
{
    const size_t all = n_heads * d;
    float *const bias = packed + 2 * all * hidden;
    for (size_t h = 0; h < n_heads; h++) {
        memcpy(packed + h * d * hidden, w->q[h].w, d * hidden * sizeof(float));
        memcpy(packed + (all + h * d) * hidden, w->k[h].w, d * hidden * sizeof(float));
        memcpy(bias + h * d, w->q[h].b, d * sizeof(float));
        memcpy(bias + all + h * d, w->k[h].b, d * sizeof(float));
    }
}

static size_t n_keys(const tft_attention_shape *s, size_t b)
{
    return s->encoder_lengths[b] + s->decoder_steps;
}

/* How many of the packed keys query t of window b sees. */
static size_t n_seen(const tft_attention_shape *s, size_t b, size_t t)
{
    return s->encoder_lengths[b] + (s->causal ? t : (size_t)s->decoder_lengths[b]);
}

static void window_forward(const tft_attention_shape *s, size_t b, const tft_attention_tape *tape, tft_dropout dropout,
                           float *head)
{
    const size_t d = s->hidden / s->n_heads, all = s->n_heads * d, t_steps = s->decoder_steps;
    const size_t steps = s->encoder_steps + t_steps, keys = n_keys(s, b);
    const float scale = 1.0f / sqrtf((float)d), share = 1.0f / (float)s->n_heads;
    float *const mean = tape->mean + b * t_steps * d;
    memset(mean, 0, t_steps * d * sizeof(float));
    for (size_t h = 0; h < s->n_heads; h++) {
        float *const a = tape->weights + (b * s->n_heads + h) * t_steps * steps;
        tft_matmul_nt(tape->queries + b * t_steps * all + h * d, all, tape->keys + b * steps * all + h * d, all,
                      t_steps, keys, d, scale, 0.0f, a, steps);
        for (size_t t = 0; t < t_steps; t++) { // (13)
            const size_t seen = n_seen(s, b, t);
            tft_softmax(a + t * steps, 1, seen, steps, a + t * steps);
            memset(a + t * steps + seen, 0, (keys - seen) * sizeof(float));
        }
        tft_matmul_nn(a, steps, tape->values + b * steps * d, d, t_steps, d, keys, 1.0f, 0.0f, head, d);
        if (dropout.p > 0.0f)
            tft_mul(head, head, tape->head_mask + (b * s->n_heads + h) * t_steps * d, t_steps * d);
        tft_axpy(mean, share, head, t_steps * d); // (14–15)
    }
}

void tft_attention_forward(const tft_attention_weights *w, const tft_attention_shape *s, const float *theta,
                           tft_dropout dropout, const tft_attention_tape *tape, tft_scratch *scratch, float *y)
{
    const size_t mark = scratch->used, hidden = s->hidden, d = hidden / s->n_heads, all = s->n_heads * d;
    const size_t t_steps = s->decoder_steps, steps = s->encoder_steps + t_steps;
    float *const head = tft_scratch_take(scratch, t_steps * d);
    const float *const bias = tape->packed + 2 * all * hidden;
    pack_heads(w, s->n_heads, d, hidden, tape->packed);
    if (dropout.p > 0.0f) {
        const tft_dropout here = tft_dropout_at(dropout, 1), there = tft_dropout_at(dropout, 2);
        tft_dropout_mask(tape->head_mask, s->n_windows * s->n_heads * t_steps * d, here.p, here.key);
        tft_dropout_mask(tape->out_mask, s->n_windows * t_steps * hidden, there.p, there.key);
    }
    for (size_t b = 0; b < s->n_windows; b++) {
        const size_t known = s->encoder_lengths[b], keys = n_keys(s, b);
        const float *const rows = theta + b * steps * hidden;
        float *const packed = tape->theta + b * steps * hidden;
        memcpy(packed, rows, known * hidden * sizeof(float));
        memcpy(packed + known * hidden, rows + s->encoder_steps * hidden, t_steps * hidden * sizeof(float));
        tft_linear(packed, hidden, tape->packed + all * hidden, bias + all, keys, hidden, all,
                   tape->keys + b * steps * all, all);
        tft_linear(packed, hidden, w->v.w, w->v.b, keys, hidden, d, tape->values + b * steps * d, d);
        tft_linear(packed + known * hidden, hidden, tape->packed, bias, t_steps, hidden, all,
                   tape->queries + b * t_steps * all, all);
        window_forward(s, b, tape, dropout, head);
    }
    const size_t rows = s->n_windows * t_steps;
    tft_linear(tape->mean, d, w->w_h.w, NULL, rows, d, hidden, y, hidden); // (16)
    if (dropout.p > 0.0f)
        tft_mul(y, y, tape->out_mask, rows * hidden);
    scratch->used = mark;
}

/* Backward through one window, from dmean [T, d]: dqueries [T, all], dkeys [keys, all], dvalues [keys, d] are added to. */
static void window_backward(const tft_attention_shape *s, size_t b, const tft_attention_tape *tape, tft_dropout dropout,
                            const float *dmean, float *head, float *da, float *dqueries, float *dkeys, float *dvalues)
{
    const size_t d = s->hidden / s->n_heads, all = s->n_heads * d, t_steps = s->decoder_steps;
    const size_t steps = s->encoder_steps + t_steps, keys = n_keys(s, b);
    const float scale = 1.0f / sqrtf((float)d), share = 1.0f / (float)s->n_heads;
    for (size_t h = 0; h < s->n_heads; h++) {
        const float *const a = tape->weights + (b * s->n_heads + h) * t_steps * steps;
        memcpy(head, dmean, t_steps * d * sizeof(float));
        tft_scale(head, share, t_steps * d);
        if (dropout.p > 0.0f)
            tft_mul(head, head, tape->head_mask + (b * s->n_heads + h) * t_steps * d, t_steps * d);
        tft_matmul_tn(a, steps, head, d, keys, d, t_steps, 1.0f, 1.0f, dvalues, d);
        tft_matmul_nt(head, d, tape->values + b * steps * d, d, t_steps, keys, d, 1.0f, 0.0f, da, steps);
        for (size_t t = 0; t < t_steps; t++) {
            const size_t seen = n_seen(s, b, t);
            tft_softmax_backward(a + t * steps, da + t * steps, 1, seen, steps, da + t * steps);
            memset(da + t * steps + seen, 0, (keys - seen) * sizeof(float));
        }
        tft_matmul_nn(da, steps, tape->keys + b * steps * all + h * d, all, t_steps, d, keys, scale, 1.0f,
                      dqueries + h * d, all);
        tft_matmul_tn(da, steps, tape->queries + b * t_steps * all + h * d, all, keys, d, t_steps, scale, 1.0f,
                      dkeys + h * d, all);
    }
}

static void unpack_heads(tft_attention_weights *grad, size_t n_heads, size_t d, size_t hidden, const float *dpacked)
{
    const size_t all = n_heads * d;
    const float *const bias = dpacked + 2 * all * hidden;
    for (size_t h = 0; h < n_heads; h++) {
        tft_add(grad->q[h].w, dpacked + h * d * hidden, d * hidden);
        tft_add(grad->k[h].w, dpacked + (all + h * d) * hidden, d * hidden);
        tft_add(grad->q[h].b, bias + h * d, d);
        tft_add(grad->k[h].b, bias + all + h * d, d);
    }
}

void tft_attention_backward(const tft_attention_weights *w, const tft_attention_shape *s, tft_dropout dropout,
                            const tft_attention_tape *tape, float *dy, tft_scratch *scratch,
                            tft_attention_weights *grad, float *dtheta)
{
    const size_t mark = scratch->used, hidden = s->hidden, d = hidden / s->n_heads, all = s->n_heads * d;
    const size_t t_steps = s->decoder_steps, steps = s->encoder_steps + t_steps, rows = s->n_windows * t_steps;
    if (dropout.p > 0.0f)
        tft_mul(dy, dy, tape->out_mask, rows * hidden);
    float *const dmean = tft_scratch_take_zero(scratch, rows * d);
    tft_linear_backward(tape->mean, d, w->w_h.w, dy, hidden, rows, d, hidden, dmean, d, grad->w_h.w, NULL);

    float *const dpacked = tft_scratch_take_zero(scratch, 2 * all * (hidden + 1));
    float *const head = tft_scratch_take(scratch, t_steps * d), *const da = tft_scratch_take(scratch, t_steps * steps);
    float *const dkeys = tft_scratch_take(scratch, steps * all), *const dvalues = tft_scratch_take(scratch, steps * d);
    float *const dqueries = tft_scratch_take(scratch, t_steps * all), *const drows =
                                                                          tft_scratch_take(scratch, steps * hidden);
    float *const dbias = dpacked + 2 * all * hidden;
    for (size_t b = 0; b < s->n_windows; b++) {
        const size_t known = s->encoder_lengths[b], keys = n_keys(s, b);
        const float *const packed = tape->theta + b * steps * hidden;
        memset(dkeys, 0, keys * all * sizeof(float));
        memset(dvalues, 0, keys * d * sizeof(float));
        memset(dqueries, 0, t_steps * all * sizeof(float));
        memset(drows, 0, keys * hidden * sizeof(float));
        window_backward(s, b, tape, dropout, dmean + b * t_steps * d, head, da, dqueries, dkeys, dvalues);
        tft_linear_backward(packed, hidden, tape->packed + all * hidden, dkeys, all, keys, hidden, all, drows, hidden,
                            dpacked + all * hidden, dbias + all);
        tft_linear_backward(packed, hidden, w->v.w, dvalues, d, keys, hidden, d, drows, hidden, grad->v.w, grad->v.b);
        tft_linear_backward(packed + known * hidden, hidden, tape->packed, dqueries, all, t_steps, hidden, all,
                            drows + known * hidden, hidden, dpacked, dbias);
        float *const to = dtheta + b * steps * hidden;
        tft_add(to, drows, known * hidden);
        tft_add(to + s->encoder_steps * hidden, drows + known * hidden, t_steps * hidden);
    }
    unpack_heads(grad, s->n_heads, d, hidden, dpacked);
    scratch->used = mark;
}
