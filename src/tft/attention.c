/* attention.c - see attention.h. */
#include "tft/attention.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tensor/tensor.h"

enum { QUERIES = 32 }; // rows of scores at a time: with 200 keys they stay in the first cache

/* ---- declaring ---------------------------------------------------------------------------------------- */

void tft_attention_define(tft_builder *builder, tft_attention *w, size_t hidden, size_t n_heads)
{
    const size_t d = hidden / n_heads;
    const double bound = tft_xavier_bound(hidden, d);
    float **const arrays = tft_arena_alloc(builder->arena, 4 * n_heads, sizeof *arrays);
    char name[64];
    *w = (tft_attention){.hidden = hidden, .n_heads = n_heads, .d = d};
    if (arrays != NULL) {
        w->q_w = arrays;
        w->q_b = arrays + n_heads;
        w->k_w = arrays + 2 * n_heads;
        w->k_b = arrays + 3 * n_heads;
    }
    tft_builder_linear(builder, "multihead_attn.v_layer", hidden, d, TFT_INITIAL_UNIFORM, bound, 0.0, &w->v_w, &w->v_b);
    for (size_t i = 0; i < 2 * n_heads; i++) { // the queries' of all heads, then the keys'
        const size_t head = i % n_heads;
        float *weight, *bias;
        snprintf(name, sizeof name, "multihead_attn.%c_layers.%zu", i < n_heads ? 'q' : 'k', head);
        tft_builder_linear(builder, name, hidden, d, TFT_INITIAL_UNIFORM, bound, 0.0, &weight, &bias);
        if (arrays != NULL) {
            (i < n_heads ? w->q_w : w->k_w)[head] = weight;
            (i < n_heads ? w->q_b : w->k_b)[head] = bias;
        }
    }
    tft_builder_linear(builder, "multihead_attn.w_h", d, hidden, TFT_INITIAL_UNIFORM, bound, 0.0, &w->w_h, NULL);
    if (builder->derived)
        w->direct_w = tft_arena_floats(builder->arena, 2 * hidden * d);
}

void tft_attention_refresh(tft_attention *w, const float *gate_w)
{
    tft_matmul_nn(gate_w, w->hidden, w->w_h, w->d, 2 * w->hidden, w->d, w->hidden, (float)1, (float)0, w->direct_w,
                  w->d);
}

static bool is_wide(const tft_attention *w)
{
    return w->d > TFT_ATTEND_WIDEST;
}

void tft_attention_tape_carve(tft_carve *carve, const tft_attention *w, size_t n_encoder, size_t n_decoder, bool keep,
                              tft_attention_tape *tape)
{
    const size_t q = w->n_heads * w->d, kv = q + w->d;
    tape->q_w = tft_carve_floats(carve, q * w->hidden);
    tape->q_b = tft_carve_floats(carve, q);
    tape->kv_w = tft_carve_floats(carve, kv * w->hidden);
    tape->kv_b = tft_carve_floats(carve, kv);
    tape->q = tft_carve_floats(carve, n_decoder * q);
    tape->kv = is_wide(w) ? tft_carve_floats(carve, (n_encoder + n_decoder) * kv) : NULL;
    tape->heads = keep && !is_wide(w) ? tft_carve_floats(carve, n_decoder * q) : NULL;
    tape->kept = keep && !is_wide(w) ? tft_carve_floats(carve, n_decoder * w->n_heads * 2) : NULL;
    tape->mean = tft_carve_floats(carve, n_decoder * w->d);
}

typedef struct attention_tmp {
    float *scores;      // [T, E + T] one head of one window; [n, E + T] all heads of one query
    float *kv;          // [E + T, (n+1)·d] one window
    float *head;        // [T, d]
    float *mask;        // [N_d, H]
    float *dscores;     // [T, E + T]
    float *dhead;       // [T, d]
    float *dkv_window;  // [E + T, (n+1)·d]
    float *dmean;       // [N_d, d]
    float *dq, *dkv;    // [N_d, n·d], [N_e + N_d, (n+1)·d]
    float *dq_w, *dq_b; // gradients of the joined projections, then taken apart
    float *dkv_w, *dkv_b;
} attention_tmp;

static size_t attention_carve_tmp(const tft_attention *w, size_t n_encoder, size_t n_decoder, size_t encoder_steps,
                                  size_t decoder_steps, bool backward, float *base, attention_tmp *t)
{
    const size_t q = w->n_heads * w->d, kv = q + w->d, keys = encoder_steps + decoder_steps;
    tft_carve carve = {base, 0};
    memset(t, 0, sizeof *t);
    t->scores = tft_carve_floats(&carve, (w->n_heads > QUERIES ? w->n_heads : QUERIES) * (keys + TFT_CARVE_ALIGN));
    t->kv = tft_carve_floats(&carve, (keys + TFT_CARVE_ALIGN) * kv);
    t->head = tft_carve_floats(&carve, decoder_steps * w->d);
    t->mask = tft_carve_floats(&carve, n_decoder * w->hidden);
    if (backward) {
        t->dscores = tft_carve_floats(&carve, QUERIES * keys);
        t->dhead = tft_carve_floats(&carve, decoder_steps * w->d);
        t->dkv_window = tft_carve_floats(&carve, (keys + TFT_CARVE_ALIGN) * kv);
        t->dmean = tft_carve_floats(&carve, n_decoder * w->d);
        t->dq = tft_carve_floats(&carve, n_decoder * q);
        t->dkv = tft_carve_floats(&carve, is_wide(w) ? (n_encoder + n_decoder) * kv : 0);
        t->dq_w = tft_carve_floats(&carve, q * w->hidden);
        t->dq_b = tft_carve_floats(&carve, q);
        t->dkv_w = tft_carve_floats(&carve, kv * w->hidden);
        t->dkv_b = tft_carve_floats(&carve, kv);
    }
    return carve.used;
}

size_t tft_attention_tmp(const tft_attention *w, size_t n_encoder, size_t n_decoder, size_t encoder_steps,
                         size_t decoder_steps, bool backward)
{
    attention_tmp t;
    return attention_carve_tmp(w, n_encoder, n_decoder, encoder_steps, decoder_steps, backward, NULL, &t);
}

/* ---- the heads' projections as two matrices ----------------------------------------------------------- */

static void join_projections(const tft_attention *w, tft_attention_tape *tape)
{
    const size_t d = w->d, matrix = d * w->hidden;
    for (size_t i = 0; i < w->n_heads; i++) {
        memcpy(tape->q_w + i * matrix, w->q_w[i], matrix * sizeof(float));
        memcpy(tape->q_b + i * d, w->q_b[i], d * sizeof(float));
        memcpy(tape->kv_w + i * matrix, w->k_w[i], matrix * sizeof(float));
        memcpy(tape->kv_b + i * d, w->k_b[i], d * sizeof(float));
    }
    memcpy(tape->kv_w + w->n_heads * matrix, w->v_w, matrix * sizeof(float));
    memcpy(tape->kv_b + w->n_heads * d, w->v_b, d * sizeof(float));
}

static void part_projections(const tft_attention *w, const attention_tmp *t, tft_attention *grad)
{
    const size_t d = w->d, matrix = d * w->hidden;
    for (size_t i = 0; i < w->n_heads; i++) {
        tft_add(grad->q_w[i], t->dq_w + i * matrix, matrix);
        tft_add(grad->q_b[i], t->dq_b + i * d, d);
        tft_add(grad->k_w[i], t->dkv_w + i * matrix, matrix);
        tft_add(grad->k_b[i], t->dkv_b + i * d, d);
    }
    tft_add(grad->v_w, t->dkv_w + w->n_heads * matrix, matrix);
    tft_add(grad->v_b, t->dkv_b + w->n_heads * d, d);
}

/* ---- one window --------------------------------------------------------------------------------------- */

typedef struct attention_window {
    size_t encoder, decoder, keys;   // its steps
    size_t encoder_row, decoder_row; // where they begin in the block of all rows, and among the decoder's rows
} attention_window;

static attention_window window_at(const tft_rows *encoder, const tft_rows *decoder, size_t b)
{
    attention_window v;
    v.encoder = encoder->length[b];
    v.decoder = decoder->length[b];
    v.keys = v.encoder + v.decoder;
    v.encoder_row = encoder->start[b];
    v.decoder_row = decoder->start[b];
    return v;
}

/* Keys and values of one window, encoder steps first. */
static void gather(const float *rows, size_t width, size_t n_encoder, attention_window v, float *window)
{
    memcpy(window, rows + v.encoder_row * width, v.encoder * width * sizeof *window);
    memcpy(window + v.encoder * width, rows + (n_encoder + v.decoder_row) * width, v.decoder * width * sizeof *window);
}

static void scatter(const float *window, size_t width, size_t n_encoder, attention_window v, float *rows)
{
    memcpy(rows + v.encoder_row * width, window, v.encoder * width * sizeof *rows);
    memcpy(rows + (n_encoder + v.decoder_row) * width, window + v.encoder * width, v.decoder * width * sizeof *rows);
}

/* Queries first … first + n − 1 of a window, and how many keys the last of them can see; scores have this stride. */
typedef struct attention_block {
    size_t first, n, keys;
} attention_block;

static attention_block block_at(attention_window v, size_t first, bool causal)
{
    attention_block block = {first, v.decoder - first < QUERIES ? v.decoder - first : QUERIES, v.keys};
    if (causal)
        block.keys = v.encoder + first + block.n - 1; // step s sees decoder steps 0 … s−1
    return block;
}

/* A_i of one block into t->scores. A row's softmax runs over the keys that it sees and no further: scores of −∞ would
 * cost an exponential each, and the slowest kind, whose result is denormal. */
static void block_weights(const tft_attention *w, attention_window v, attention_block block, size_t head, bool causal,
                          const float *q, attention_tmp *t)
{
    const size_t d = w->d, ldq = w->n_heads * d, ldkv = ldq + d;
    const float scale = (float)(1.0 / sqrt((double)d));
    tft_matmul_nt(q + (v.decoder_row + block.first) * ldq + head * d, ldq, t->kv + head * d, ldkv, block.n, block.keys,
                  d, scale, (float)0, t->scores, block.keys);
    if (!causal) {
        tft_softmax(t->scores, block.n, block.keys, block.keys, t->scores); // (10)
        return;
    }
    for (size_t r = 0; r < block.n; r++) {
        float *const row = t->scores + r * block.keys;
        const size_t open = v.encoder + block.first + r;
        tft_softmax(row, 1, open, block.keys, row); // (10)
        memset(row + open, 0, (block.keys - open) * sizeof *row);
    }
}

static void report_weights(const tft_attention *w, attention_window v, attention_block block, size_t b, size_t head,
                           const float *scores, const tft_attention_weights *weights)
{
    for (size_t r = 0; r < block.n; r++) {
        const size_t at = (b * weights->decoder_steps + block.first + r) * w->n_heads + head;
        if (weights->encoder != NULL)
            memcpy(weights->encoder + at * weights->encoder_steps, scores + r * block.keys, v.encoder * sizeof *scores);
        if (weights->decoder != NULL)
            memcpy(weights->decoder + at * weights->decoder_steps, scores + r * block.keys + v.encoder,
                   (block.keys - v.encoder) * sizeof *scores);
    }
}

static void window_forward(const tft_attention *w, attention_window v, size_t b, bool causal, tft_dropout dropout,
                           tft_attention_tape *tape, const tft_attention_weights *weights, attention_tmp *t)
{
    const size_t d = w->d, ldkv = (w->n_heads + 1) * d;
    float *const mean = tape->mean + v.decoder_row * d;
    memset(mean, 0, v.decoder * d * sizeof *mean);
    for (size_t i = 0; i < w->n_heads; i++) {
        for (size_t s = 0; s < v.decoder; s += QUERIES) {
            const attention_block block = block_at(v, s, causal);
            block_weights(w, v, block, i, causal, tape->q, t);
            if (weights != NULL)
                report_weights(w, v, block, b, i, t->scores, weights);
            tft_matmul_nn(t->scores, block.keys, t->kv + w->n_heads * d, ldkv, block.n, d, block.keys, (float)1,
                          (float)0, t->head + s * d, d); // (14)
        }
        tft_dropout_apply(tft_dropout_at(dropout, i), t->head, v.decoder * d, t->mask);
        tft_axpy(mean, (float)(1.0 / (double)w->n_heads), t->head, v.decoder * d); // (16)
    }
}

static void block_backward(const tft_attention *w, attention_window v, attention_block block, size_t head, bool causal,
                           const tft_attention_tape *tape, attention_tmp *t)
{
    const size_t d = w->d, ldq = w->n_heads * d, ldkv = ldq + d, row = v.decoder_row + block.first;
    const float scale = (float)(1.0 / sqrt((double)d));
    const float *const value = t->kv + w->n_heads * d, *const dhead = t->dhead + block.first * d;
    block_weights(w, v, block, head, causal, tape->q, t);
    // (14) was A v, with one v for all heads.
    tft_matmul_tn(t->scores, block.keys, dhead, d, block.keys, d, block.n, (float)1, (float)1,
                  t->dkv_window + w->n_heads * d, ldkv);
    tft_matmul_nt(dhead, d, value, ldkv, block.n, block.keys, d, (float)1, (float)0, t->dscores, block.keys);
    // (10); a closed key has weight 0 and so gradient 0.
    tft_softmax_backward(t->scores, t->dscores, block.n, block.keys, block.keys, t->dscores);
    tft_matmul_nn(t->dscores, block.keys, t->kv + head * d, ldkv, block.n, d, block.keys, scale, (float)0,
                  t->dq + row * ldq + head * d, ldq);
    tft_matmul_tn(t->dscores, block.keys, tape->q + row * ldq + head * d, ldq, block.keys, d, block.n, scale, (float)1,
                  t->dkv_window + head * d, ldkv);
}

static void window_backward(const tft_attention *w, attention_window v, bool causal, tft_dropout dropout,
                            const tft_attention_tape *tape, attention_tmp *t)
{
    const size_t d = w->d, ldkv = (w->n_heads + 1) * d;
    memset(t->dkv_window, 0, v.keys * ldkv * sizeof *t->dkv_window);
    for (size_t i = 0; i < w->n_heads; i++) {
        // (16)
        memset(t->dhead, 0, v.decoder * d * sizeof *t->dhead);
        tft_axpy(t->dhead, (float)(1.0 / (double)w->n_heads), t->dmean + v.decoder_row * d, v.decoder * d);
        tft_dropout_apply(tft_dropout_at(dropout, i), t->dhead, v.decoder * d, t->mask);
        for (size_t s = 0; s < v.decoder; s += QUERIES)
            block_backward(w, v, block_at(v, s, causal), i, causal, tape, t);
    }
}

/* ---- one window with narrow heads --------------------------------------------------------------------- */

/* Scores and weights of heads of up to TFT_ATTEND_WIDEST values never leave the registers (tft_attend), in both directions. Keys and
 * values of the window lie transposed for that: [(n+1)·d, ld], step after step, so that a vector of keys meets a query at
 * once. The keys' biases are left out: they shift all scores of a query alike, which softmax does not see, so their gradient
 * is 0. The value's bias is added to a head's result, because weights sum to 1. */
static size_t transposed_ld(attention_window v)
{
    return (v.keys + TFT_CARVE_ALIGN - 1) / TFT_CARVE_ALIGN * TFT_CARVE_ALIGN;
}

static void project_window(const tft_attention *w, attention_window v, size_t n_encoder, const float *theta,
                           const tft_attention_tape *tape, float *kv)
{
    const size_t h = w->hidden, rows = (w->n_heads + 1) * w->d, ld = transposed_ld(v);
    tft_matmul_nt(tape->kv_w, h, theta + v.encoder_row * h, h, rows, v.encoder, h, (float)1, (float)0, kv, ld);
    tft_matmul_nt(tape->kv_w, h, theta + (n_encoder + v.decoder_row) * h, h, rows, v.decoder, h, (float)1, (float)0,
                  kv + v.encoder, ld);
}

/* (14), (16) */
static void narrow_forward(const tft_attention *w, attention_window v, bool causal, tft_dropout dropout,
                           const tft_attention_tape *tape, attention_tmp *t)
{
    const size_t d = w->d, ldq = w->n_heads * d, ld = transposed_ld(v), open = causal ? v.encoder : v.keys;
    const float scale = (float)(1.0 / sqrt((double)d)), share = (float)(1.0 / (double)w->n_heads);
    const float *const value = t->kv + w->n_heads * d * ld, *const q = tape->q + v.decoder_row * ldq;
    float *const mean = tape->mean + v.decoder_row * d;
    if (tape->heads == NULL) { // evaluation: straight into the mean
        for (size_t r = 0; r < v.decoder; r++)
            memcpy(mean + r * d, w->v_b, d * sizeof *mean);
        if (w->n_heads <= TFT_ATTEND_HEADS)
            tft_attend_heads(w->n_heads, d, q, ldq, t->kv, ld, v.decoder, open, causal, scale, t->scores, mean);
        for (size_t i = 0; i < w->n_heads && w->n_heads > TFT_ATTEND_HEADS; i++)
            tft_attend(q + i * d, ldq, t->kv + i * d * ld, value, ld, v.decoder, d, open, causal, scale, share, mean,
                       NULL);
        return;
    }
    memset(mean, 0, v.decoder * d * sizeof *mean);
    for (size_t i = 0; i < w->n_heads; i++) {
        const size_t row = v.decoder_row * w->n_heads + i * v.decoder;
        float *const head = tape->heads + row * d;
        memset(head, 0, v.decoder * d * sizeof *head);
        tft_attend(q + i * d, ldq, t->kv + i * d * ld, value, ld, v.decoder, d, open, causal, scale, (float)1, head,
                   tape->kept + 2 * row);
        for (size_t r = 0; r < v.decoder; r++) {
            for (size_t j = 0; j < d; j++)
                t->head[r * d + j] = head[r * d + j] + w->v_b[j];
        }
        tft_dropout_apply(tft_dropout_at(dropout, i), t->head, v.decoder * d, t->mask);
        tft_axpy(mean, share, t->head, v.decoder * d);
    }
}

static void narrow_backward(const tft_attention *w, attention_window v, bool causal, tft_dropout dropout,
                            const tft_attention_tape *tape, attention_tmp *t)
{
    const size_t d = w->d, ldq = w->n_heads * d, ld = transposed_ld(v), at = w->n_heads * d * ld;
    const float scale = (float)(1.0 / sqrt((double)d));
    memset(t->dkv_window, 0, (at + d * ld) * sizeof *t->dkv_window);
    for (size_t i = 0; i < w->n_heads; i++) {
        const size_t row = v.decoder_row * w->n_heads + i * v.decoder, q = v.decoder_row * ldq + i * d;
        memset(t->dhead, 0, v.decoder * d * sizeof *t->dhead);
        tft_axpy(t->dhead, (float)(1.0 / (double)w->n_heads), t->dmean + v.decoder_row * d, v.decoder * d);
        tft_dropout_apply(tft_dropout_at(dropout, i), t->dhead, v.decoder * d, t->mask);
        for (size_t r = 0; r < v.decoder; r++)
            tft_add(t->dkv_b + w->n_heads * d, t->dhead + r * d, d);
        tft_attend_backward(tape->q + q, ldq, t->kv + i * d * ld, t->kv + at, ld, v.decoder, d,
                            causal ? v.encoder : v.keys, causal, scale, tape->heads + row * d, tape->kept + 2 * row,
                            t->dhead, t->dq + q, t->dkv_window + i * d * ld, t->dkv_window + at);
    }
}

/* kv = W thetaᵀ, two blocks of columns. */
static void project_window_backward(const tft_attention *w, attention_window v, size_t n_encoder, const float *theta,
                                    const tft_attention_tape *tape, attention_tmp *t, float *dtheta)
{
    const size_t h = w->hidden, rows = (w->n_heads + 1) * w->d, ld = transposed_ld(v);
    const size_t first[2] = {v.encoder_row, n_encoder + v.decoder_row}, n[2] = {v.encoder, v.decoder};
    const float *dkv = t->dkv_window;
    for (size_t part = 0; part < 2; part++) {
        tft_matmul_nn(dkv, ld, theta + first[part] * h, h, rows, h, n[part], (float)1, (float)1, t->dkv_w, h);
        tft_matmul_tn(dkv, ld, tape->kv_w, h, n[part], h, rows, (float)1, (float)1, dtheta + first[part] * h, h);
        dkv += n[part];
    }
}

/* ---- all windows -------------------------------------------------------------------------------------- */

static void forward_wide(const tft_attention *w, const tft_rows *encoder, const tft_rows *decoder, bool causal,
                         const float *theta, tft_dropout dropout, tft_attention_tape *tape,
                         const tft_attention_weights *weights, attention_tmp *t)
{
    const size_t h = w->hidden, nkv = (w->n_heads + 1) * w->d;
    tft_linear(theta, h, tape->kv_w, tape->kv_b, encoder->n + decoder->n, h, nkv, tape->kv, nkv);
    for (size_t b = 0; b < encoder->n_windows; b++) {
        const attention_window v = window_at(encoder, decoder, b);
        gather(tape->kv, nkv, encoder->n, v, t->kv);
        window_forward(w, v, b, causal, tft_dropout_at(dropout, b), tape, weights, t);
    }
}

/* The weights of a window, for who asked; tft_attend() made no such thing. */
static void report_window(const tft_attention *w, attention_window v, size_t b, bool causal, size_t n_encoder,
                          const float *theta, const tft_attention_tape *tape, const tft_attention_weights *weights,
                          attention_tmp *t)
{
    const size_t h = w->hidden, nkv = (w->n_heads + 1) * w->d;
    tft_linear(theta + v.encoder_row * h, h, tape->kv_w, tape->kv_b, v.encoder, h, nkv, t->kv, nkv);
    tft_linear(theta + (n_encoder + v.decoder_row) * h, h, tape->kv_w, tape->kv_b, v.decoder, h, nkv,
               t->kv + v.encoder * nkv, nkv);
    for (size_t i = 0; i < w->n_heads; i++) {
        for (size_t s = 0; s < v.decoder; s += QUERIES) {
            const attention_block block = block_at(v, s, causal);
            block_weights(w, v, block, i, causal, tape->q, t);
            report_weights(w, v, block, b, i, t->scores, weights);
        }
    }
}

void tft_attention_forward(const tft_attention *w, const tft_rows *encoder, const tft_rows *decoder, bool causal,
                           const float *theta, tft_dropout dropout, tft_attention_tape *tape, float *out,
                           const tft_attention_weights *weights, float *tmp)
{
    const size_t d = w->d, h = w->hidden, nq = w->n_heads * d;
    attention_tmp t;
    attention_carve_tmp(w, encoder->n, decoder->n, encoder->longest, decoder->longest, false, tmp, &t);
    join_projections(w, tape);
    tft_linear(theta + encoder->n * h, h, tape->q_w, tape->q_b, decoder->n, h, nq, tape->q, nq);
    if (is_wide(w))
        forward_wide(w, encoder, decoder, causal, theta, dropout, tape, weights, &t);
    for (size_t b = 0; !is_wide(w) && b < encoder->n_windows; b++) {
        const attention_window v = window_at(encoder, decoder, b);
        project_window(w, v, encoder->n, theta, tape, t.kv);
        narrow_forward(w, v, causal, tft_dropout_at(dropout, b), tape, &t);
        if (weights != NULL)
            report_window(w, v, b, causal, encoder->n, theta, tape, weights, &t);
    }
    if (out == NULL)
        return;
    tft_linear(tape->mean, d, w->w_h, NULL, decoder->n, d, h, out, h); // (13)
    tft_dropout_apply(tft_dropout_at(dropout, encoder->n_windows), out, decoder->n * h, t.mask);
}

static void backward_wide(const tft_attention *w, const tft_rows *encoder, const tft_rows *decoder, bool causal,
                          const float *theta, tft_dropout dropout, const tft_attention_tape *tape, float *dtheta,
                          attention_tmp *t)
{
    const size_t h = w->hidden, nkv = (w->n_heads + 1) * w->d;
    for (size_t b = 0; b < encoder->n_windows; b++) {
        const attention_window v = window_at(encoder, decoder, b);
        gather(tape->kv, nkv, encoder->n, v, t->kv);
        window_backward(w, v, causal, tft_dropout_at(dropout, b), tape, t);
        scatter(t->dkv_window, nkv, encoder->n, v, t->dkv);
    }
    tft_linear_backward(theta, h, tape->kv_w, t->dkv, nkv, encoder->n + decoder->n, h, nkv, dtheta, h, t->dkv_w,
                        t->dkv_b);
}

void tft_attention_backward(const tft_attention *w, const tft_rows *encoder, const tft_rows *decoder, bool causal,
                            const float *theta, tft_dropout dropout, const tft_attention_tape *tape, float *dout,
                            tft_attention *grad, float *dtheta, float *tmp)
{
    const size_t d = w->d, h = w->hidden, nq = w->n_heads * d, nkv = nq + d;
    attention_tmp t;
    attention_carve_tmp(w, encoder->n, decoder->n, encoder->longest, decoder->longest, true, tmp, &t);
    // (13)
    tft_dropout_apply(tft_dropout_at(dropout, encoder->n_windows), dout, decoder->n * h, t.mask);
    memset(t.dmean, 0, decoder->n * d * sizeof *t.dmean);
    tft_linear_backward(tape->mean, d, w->w_h, dout, h, decoder->n, d, h, t.dmean, d, grad->w_h, NULL);
    memset(t.dq_w, 0, nq * h * sizeof *t.dq_w);
    memset(t.dq_b, 0, nq * sizeof *t.dq_b);
    memset(t.dkv_w, 0, nkv * h * sizeof *t.dkv_w);
    memset(t.dkv_b, 0, nkv * sizeof *t.dkv_b);
    if (is_wide(w))
        backward_wide(w, encoder, decoder, causal, theta, dropout, tape, dtheta, &t);
    for (size_t b = 0; !is_wide(w) && b < encoder->n_windows; b++) {
        const attention_window v = window_at(encoder, decoder, b);
        project_window(w, v, encoder->n, theta, tape, t.kv);
        narrow_backward(w, v, causal, tft_dropout_at(dropout, b), tape, &t);
        project_window_backward(w, v, encoder->n, theta, tape, &t, dtheta);
    }
    tft_linear_backward(theta + encoder->n * h, h, tape->q_w, t.dq, nq, decoder->n, h, nq, dtheta + encoder->n * h, h,
                        t.dq_w, t.dq_b);
    part_projections(w, &t, grad);
}
