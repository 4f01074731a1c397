/* bench_roofline.c - where the network's time goes, kernel by kernel, beside what the machine could do.
 *
 *     build/release/bench/bench_roofline [forward|bf16|training] [--json FILE]
 *
 * Every kernel is wrapped in a stopwatch and a count of its arithmetic and of the bytes that it must move (each operand once).
 * Then the network of 288 + 96 steps runs, and each kernel gets a line: its share of the time, GFLOP/s, arithmetic intensity, and
 * the roof over it, the smaller of the peak of multiply-adds and intensity · memory bandwidth (Williams, Waterman, Patterson
 * 2009). A kernel above its roof had its operands in a cache. Multiplications and additions count 1 each, an exponential with what
 * surrounds it 20, a division 1. Each figure is the smallest of many passes, the stopwatch's own time taken off.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

#include "network_case.h"
#include "peak.h"
#include "tensor/kernels.h"

#define EXP 20.0
#define N(x) ((double)(x))

typedef enum which {
#define NAME_IT(name) KERNEL_##name,
    TFT_KERNEL_LIST(NAME_IT) TFT_KERNEL_BF16_LIST(NAME_IT)
#undef NAME_IT
        N_KERNELS
} which;

static const char *const names[N_KERNELS] = {
#define NAME_IT(name) #name,
    TFT_KERNEL_LIST(NAME_IT) TFT_KERNEL_BF16_LIST(NAME_IT)
#undef NAME_IT
};

typedef struct tally {
    double ticks, flops, bytes, calls;
} tally;

static const tft_kernels *inside; // the kernels that are measured
static tally now[N_KERNELS];

static inline double ticks(void)
{
#ifdef __x86_64__
    return (double)__rdtsc();
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
#endif
}

static void count(which k, double start, double flops, double floats)
{
    now[k].ticks += ticks() - start;
    now[k].flops += flops;
    now[k].bytes += 4.0 * floats;
    now[k].calls += 1.0;
}

static void w_linear(const float *x, size_t ldx, const float *w, const float *b, size_t n, size_t in, size_t out,
                     float *y, size_t ldy)
{
    const double start = ticks();
    inside->linear(x, ldx, w, b, n, in, out, y, ldy);
    count(KERNEL_linear, start, 2.0 * N(n) * N(in) * N(out), N(n) * N(in) + N(in) * N(out) + N(n) * N(out));
}

static void w_linear_add(const float *x, size_t ldx, const float *w, const float *b, size_t n, size_t in, size_t out,
                         float *y, size_t ldy)
{
    const double start = ticks();
    inside->linear_add(x, ldx, w, b, n, in, out, y, ldy);
    count(KERNEL_linear_add, start, 2.0 * N(n) * N(in) * N(out), N(n) * N(in) + N(in) * N(out) + 2 * N(n) * N(out));
}

static void w_linear_backward(const float *x, size_t ldx, const float *w, const float *dy, size_t lddy, size_t n,
                              size_t in, size_t out, float *dx, size_t lddx, float *dw, float *db)
{
    const double start = ticks();
    inside->linear_backward(x, ldx, w, dy, lddy, n, in, out, dx, lddx, dw, db);
    count(KERNEL_linear_backward, start,
          (dx != NULL ? 4.0 : 2.0) * N(n) * N(in) * N(out) + (db != NULL ? N(n) * N(out) : 0.0),
          N(n) * N(out) + N(n) * N(in) * (dx != NULL ? 3.0 : 1.0) + 3 * N(in) * N(out));
}

static void w_linear_packed(const float *x, size_t ldx, const float *w, const float *b, size_t n, size_t in, size_t out,
                            float *y, size_t ldy)
{
    const double start = ticks();
    inside->linear_packed(x, ldx, w, b, n, in, out, y, ldy);
    count(KERNEL_linear_packed, start, 2.0 * N(n) * N(in) * N(out), N(n) * N(in) + N(in) * N(out) + N(n) * N(out));
}

static void w_linear_packed_add(const float *x, size_t ldx, const float *w, const float *b, size_t n, size_t in,
                                size_t out, float *y, size_t ldy)
{
    const double start = ticks();
    inside->linear_packed_add(x, ldx, w, b, n, in, out, y, ldy);
    count(KERNEL_linear_packed_add, start, 2.0 * N(n) * N(in) * N(out),
          N(n) * N(in) + N(in) * N(out) + 2 * N(n) * N(out));
}

static void w_linear_bf16(const float *x, size_t ldx, const float *w, const float *b, size_t n, size_t in, size_t out,
                          float *y, size_t ldy)
{
    const double start = ticks();
    inside->linear_bf16(x, ldx, w, b, n, in, out, y, ldy);
    count(KERNEL_linear_bf16, start, 2.0 * N(n) * N(in) * N(out), N(n) * N(in) + 0.5 * N(in) * N(out) + N(n) * N(out));
}

static void w_linear_bf16_add(const float *x, size_t ldx, const float *w, const float *b, size_t n, size_t in,
                              size_t out, float *y, size_t ldy)
{
    const double start = ticks();
    inside->linear_bf16_add(x, ldx, w, b, n, in, out, y, ldy);
    count(KERNEL_linear_bf16_add, start, 2.0 * N(n) * N(in) * N(out),
          N(n) * N(in) + 0.5 * N(in) * N(out) + 2 * N(n) * N(out));
}

static void w_matmul_nt(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k,
                        float alpha, float beta, float *c, size_t ldc)
{
    const double start = ticks();
    inside->matmul_nt(a, lda, b, ldb, m, n, k, alpha, beta, c, ldc);
    count(KERNEL_matmul_nt, start, 2.0 * N(m) * N(n) * N(k),
          N(m) * N(k) + N(n) * N(k) + N(m) * N(n) * (beta != 0.0f ? 2.0 : 1.0));
}

static void w_matmul_nn(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k,
                        float alpha, float beta, float *c, size_t ldc)
{
    const double start = ticks();
    inside->matmul_nn(a, lda, b, ldb, m, n, k, alpha, beta, c, ldc);
    count(KERNEL_matmul_nn, start, 2.0 * N(m) * N(n) * N(k),
          N(m) * N(k) + N(n) * N(k) + N(m) * N(n) * (beta != 0.0f ? 2.0 : 1.0));
}

static void w_matmul_tn(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k,
                        float alpha, float beta, float *c, size_t ldc)
{
    const double start = ticks();
    inside->matmul_tn(a, lda, b, ldb, m, n, k, alpha, beta, c, ldc);
    count(KERNEL_matmul_tn, start, 2.0 * N(m) * N(n) * N(k),
          N(m) * N(k) + N(n) * N(k) + N(m) * N(n) * (beta != 0.0f ? 2.0 : 1.0));
}

static void w_add(float *y, const float *x, size_t n)
{
    const double start = ticks();
    inside->add(y, x, n);
    count(KERNEL_add, start, N(n), 3 * N(n));
}

static void w_axpy(float *y, float a, const float *x, size_t n)
{
    const double start = ticks();
    inside->axpy(y, a, x, n);
    count(KERNEL_axpy, start, 2 * N(n), 3 * N(n));
}

static void w_mul(float *y, const float *a, const float *b, size_t n)
{
    const double start = ticks();
    inside->mul(y, a, b, n);
    count(KERNEL_mul, start, N(n), 3 * N(n));
}

static void w_elu(float *y, const float *x, size_t n)
{
    const double start = ticks();
    inside->elu(y, x, n);
    count(KERNEL_elu, start, EXP * N(n), 2 * N(n));
}

static void w_elu_backward(float *dx, const float *y, const float *dy, size_t n)
{
    const double start = ticks();
    inside->elu_backward(dx, y, dy, n);
    count(KERNEL_elu_backward, start, 4 * N(n), 4 * N(n));
}

static void w_glu_backward(const float *x, const float *s, const float *dy, size_t n, size_t d, float *dx)
{
    const double start = ticks();
    inside->glu_backward(x, s, dy, n, d, dx);
    count(KERNEL_glu_backward, start, 5 * N(n) * N(d), 5 * N(n) * N(d));
}

static void w_layernorm(const float *x, const float *w, const float *b, size_t n, size_t d, float eps, float *y,
                        float *z, float *s)
{
    const double start = ticks();
    inside->layernorm(x, w, b, n, d, eps, y, z, s);
    count(KERNEL_layernorm, start, 8 * N(n) * N(d), (z != NULL ? 3.0 : 2.0) * N(n) * N(d));
}

static void w_layernorm_backward(const float *w, const float *z, const float *s, const float *dy, size_t n, size_t d,
                                 float *dx, float *dw, float *db)
{
    const double start = ticks();
    inside->layernorm_backward(w, z, s, dy, n, d, dx, dw, db);
    count(KERNEL_layernorm_backward, start, 12 * N(n) * N(d), 3 * N(n) * N(d));
}

static void w_gate_norm(const float *x, const float *skip, const float *w, const float *b, size_t n, size_t d,
                        float eps, float *y, float *g, float *z, float *s)
{
    const double start = ticks();
    inside->gate_norm(x, skip, w, b, n, d, eps, y, g, z, s);
    count(KERNEL_gate_norm, start, (EXP + 12) * N(n) * N(d), (z != NULL ? 6.0 : 4.0) * N(n) * N(d));
}

static void w_weigh_rows(const float *x, const float *a, size_t lda, size_t n, size_t d, float *y)
{
    const double start = ticks();
    inside->weigh_rows(x, a, lda, n, d, y);
    count(KERNEL_weigh_rows, start, 2 * N(n) * N(d), 3 * N(n) * N(d));
}

static void w_weigh_rows_backward(const float *x, const float *a, size_t lda, const float *dy, size_t n, size_t d,
                                  float *dx, float *da, size_t ldda)
{
    const double start = ticks();
    inside->weigh_rows_backward(x, a, lda, dy, n, d, dx, da, ldda);
    count(KERNEL_weigh_rows_backward, start, 3 * N(n) * N(d), 3 * N(n) * N(d));
}

static void w_softmax(const float *x, size_t n, size_t d, size_t ld, float *y)
{
    const double start = ticks();
    inside->softmax(x, n, d, ld, y);
    count(KERNEL_softmax, start, (EXP + 4) * N(n) * N(d), 2 * N(n) * N(d));
}

static void w_softmax_backward(const float *y, const float *dy, size_t n, size_t d, size_t ld, float *dx)
{
    const double start = ticks();
    inside->softmax_backward(y, dy, n, d, ld, dx);
    count(KERNEL_softmax_backward, start, 4 * N(n) * N(d), 3 * N(n) * N(d));
}

static void w_lstm_cell(float *gates, const float *c_prev, const float *h_prev, const uint8_t *live, size_t n,
                        size_t hidden, float *c, float *h, float *tanh_c, float *h_out, size_t ld)
{
    const double start = ticks();
    inside->lstm_cell(gates, c_prev, h_prev, live, n, hidden, c, h, tanh_c, h_out, ld);
    count(KERNEL_lstm_cell, start, (5 * EXP + 15) * N(n) * N(hidden), 13 * N(n) * N(hidden));
}

static void w_lstm_cell_backward(const float *gates, const float *c_prev, const float *tanh_c, const uint8_t *live,
                                 size_t n, size_t hidden, float *dh, float *dc, float *dgates)
{
    const double start = ticks();
    inside->lstm_cell_backward(gates, c_prev, tanh_c, live, n, hidden, dh, dc, dgates);
    count(KERNEL_lstm_cell_backward, start, 25 * N(n) * N(hidden), 14 * N(n) * N(hidden));
}

static void w_lstm_cell_lean(const float *gates, size_t n, size_t hidden, float *c, float *h)
{
    const double start = ticks();
    inside->lstm_cell_lean(gates, n, hidden, c, h);
    count(KERNEL_lstm_cell_lean, start, (5 * EXP + 15) * N(n) * N(hidden), 7 * N(n) * N(hidden));
}

static void w_dropout_mask(float *mask, size_t n, float p, uint64_t key)
{
    const double start = ticks();
    inside->dropout_mask(mask, n, p, key);
    count(KERNEL_dropout_mask, start, 0.0, N(n));
}

static bool w_curves_mix(const tft_curves *c, const float *x, size_t ldx, const float *w, size_t ldw,
                         const float *const *shared, const uint32_t *step, size_t n, float *y)
{
    const double start = ticks();
    const bool all = inside->curves_mix(c, x, ldx, w, ldw, shared, step, n, y);
    size_t made = 0;
    for (size_t i = 0; i < c->n; i++)
        made += shared != NULL && shared[i] != NULL;
    count(KERNEL_curves_mix, start, N(n) * (10 * N(c->n) * N(c->d) - 8 * N(made) * N(c->d) + 18 * N(c->n)),
          N(n) * (4 * N(c->n) * N(c->d) - 3 * N(made) * N(c->d) + 2 * N(c->n) + 2 * N(c->d)));
    return all;
}

static bool w_curve_values(const tft_curves *c, size_t i, const float *x, size_t ldx, size_t n, float *y)
{
    const double start = ticks();
    const bool all = inside->curve_values(c, i, x, ldx, n, y);
    count(KERNEL_curve_values, start, N(n) * (8 * N(c->d) + 18), N(n) * (5 * N(c->d) + 1));
    return all;
}

static void w_attend(const float *q, size_t ldq, const float *k, const float *v, size_t ld, size_t n, size_t d,
                     size_t open, size_t step, float scale, float share, float *out, float *kept)
{
    const double start = ticks();
    inside->attend(q, ldq, k, v, ld, n, d, open, step, scale, share, out, kept);
    count(KERNEL_attend, start, (4 * N(d) + EXP + 1) * (N(n) * N(open) + 0.5 * N(step) * N(n) * N(n)),
          2 * N(n) * N(d) + 2 * N(d) * (N(open) + N(step) * N(n)));
}

/* Four multiply-adds a key for the score, one for the mean of the heads; the values once for all heads. */
static void w_attend_heads(size_t n_heads, size_t d, const float *q, size_t ldq, const float *kv, size_t ld, size_t n,
                           size_t open, size_t step, float scale, float *weights, float *out)
{
    const double start = ticks(), pairs = N(n) * N(open) + 0.5 * N(step) * N(n) * N(n);
    inside->attend_heads(n_heads, d, q, ldq, kv, ld, n, open, step, scale, weights, out);
    count(KERNEL_attend_heads, start, (N(n_heads) * (2 * N(d) + EXP + 3) + 2 * N(d)) * pairs,
          N(n) * N(d) * (N(n_heads) + 1) + (N(n_heads) + 1) * N(d) * (N(open) + N(step) * N(n)));
}

static void w_attend_backward(const float *q, size_t ldq, const float *k, const float *v, size_t ld, size_t n, size_t d,
                              size_t open, size_t step, float scale, const float *out, const float *kept,
                              const float *dout, float *dq, float *dk, float *dv)
{
    const double start = ticks(), pairs = N(n) * N(open) + 0.5 * N(step) * N(n) * N(n);
    inside->attend_backward(q, ldq, k, v, ld, n, d, open, step, scale, out, kept, dout, dq, dk, dv);
    count(KERNEL_attend_backward, start, (10 * N(d) + EXP + 2) * pairs,
          5 * N(n) * N(d) + 6 * N(d) * (N(open) + N(step) * N(n)));
}

/* Of one row of a network of one number: ELU, its product, the gate's product and sigmoid, skip, norm, weighing. */
static double scalar_products(const tft_scalar_net *net)
{
    return 2 * N(net->k) * N(net->k) + 4 * N(net->d) * N(net->k);
}

static double scalar_flops(const tft_scalar_net *net)
{
    const double skip = net->skip_w != NULL ? 6 : 2; // normalised, it stays affine in the number
    return scalar_products(net) + N(net->k) * (EXP + 4) + N(net->d) * (EXP + 2 + skip + 2 + 8 + 2);
}

static void w_scalar_mix(const tft_scalar_net *net, const float *x, const float *a, size_t n, float p, uint64_t key,
                         float eps, float *y, size_t ld)
{
    const double start = ticks();
    inside->scalar_mix(net, x, a, n, p, key, eps, y, ld);
    count(KERNEL_scalar_mix, start, N(n) * scalar_flops(net), N(n) * (2 + 2 * N(net->d)));
}

/* It runs the row forward again, and then two products for each. */
static void w_scalar_mix_backward(const tft_scalar_net *net, const float *x, const float *a, const float *dy, size_t ld,
                                  size_t n, float p, uint64_t key, float eps, float *da, tft_scalar_net *grad,
                                  float *tmp)
{
    const double start = ticks(), back = 2 * scalar_products(net) + 8 * N(net->k) + 30 * N(net->d);
    inside->scalar_mix_backward(net, x, a, dy, ld, n, p, key, eps, da, grad, tmp);
    count(KERNEL_scalar_mix_backward, start, N(n) * (scalar_flops(net) + back), N(n) * (3 + N(net->d)));
}

static void w_turn(const float *x, size_t ldx, size_t n, size_t d, float *y, size_t ldy)
{
    const double start = ticks();
    inside->turn(x, ldx, n, d, y, ldy);
    count(KERNEL_turn, start, 0.0, 2 * N(n) * N(d));
}

static tft_kernels wrapped(void)
{
    tft_kernels t = *inside;
    t.linear = w_linear;
    t.linear_add = w_linear_add;
    t.linear_backward = w_linear_backward;
    t.linear_packed = w_linear_packed;
    t.linear_packed_add = w_linear_packed_add;
    t.linear_bf16 = w_linear_bf16;
    t.linear_bf16_add = w_linear_bf16_add;
    t.matmul_nt = w_matmul_nt;
    t.matmul_nn = w_matmul_nn;
    t.matmul_tn = w_matmul_tn;
    t.add = w_add;
    t.axpy = w_axpy;
    t.mul = w_mul;
    t.elu = w_elu;
    t.elu_backward = w_elu_backward;
    t.glu_backward = w_glu_backward;
    t.layernorm = w_layernorm;
    t.layernorm_backward = w_layernorm_backward;
    t.gate_norm = w_gate_norm;
    t.weigh_rows = w_weigh_rows;
    t.weigh_rows_backward = w_weigh_rows_backward;
    t.softmax = w_softmax;
    t.softmax_backward = w_softmax_backward;
    t.lstm_cell = w_lstm_cell;
    t.lstm_cell_backward = w_lstm_cell_backward;
    t.lstm_cell_lean = w_lstm_cell_lean;
    t.dropout_mask = w_dropout_mask;
    t.curves_mix = w_curves_mix;
    t.curve_values = w_curve_values;
    t.attend = w_attend;
    t.attend_heads = w_attend_heads;
    t.attend_backward = w_attend_backward;
    t.scalar_mix = w_scalar_mix;
    t.scalar_mix_backward = w_scalar_mix_backward;
    t.turn = w_turn;
    return t;
}

/* ---- measuring --------------------------------------------------------------------------------------------- */

enum { WINDOWS = 8, PASSES = 60 };

static double stopwatch_ticks(void)
{
    double least = 1e30;
    for (int i = 0; i < 1000; i++) {
        const double start = ticks(), took = ticks() - start;
        least = took < least ? took : least;
    }
    return least;
}

static double ticks_a_second(void)
{
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    const double start = ticks();
    do
        clock_gettime(CLOCK_MONOTONIC, &b);
    while ((double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec) < 0.05);
    return (ticks() - start) / ((double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec));
}

typedef struct figures {
    tally kernels[N_KERNELS]; // a pass
    double whole;             // ticks of a pass without stopwatches
} figures;

static bool pass(const network_case *c, tft_workspace *ws, bool training, size_t round)
{
    tft_error err = {0};
    tft_batch batch = c->batch;
    tft_losses losses;
    batch.n_windows = WINDOWS;
    const tft_status status = training ? tft_model_train_pass(c->model, ws, &batch, &c->truth, TFT_LOSS_SCALED,
                                                              round + 1, 1.0f, NULL, &losses, &err)
                                       : tft_model_forward(c->model, ws, &batch, &(tft_outputs){.raw = c->raw}, &err);
    if (status != TFT_OK)
        fprintf(stderr, "bench_roofline: %s\n", err.text);
    return status == TFT_OK;
}

static bool measure(const network_case *c, tft_workspace *ws, bool training, figures *f)
{
    const tft_kernels watched = wrapped();
    const double own = stopwatch_ticks();
    memset(f, 0, sizeof *f);
    f->whole = 1e30;
    for (size_t k = 0; k < N_KERNELS; k++)
        f->kernels[k].ticks = 1e30;
    for (size_t round = 0; round < PASSES; round++) {
        const double start = ticks();
        if (!pass(c, ws, training, round))
            return false;
        const double took = ticks() - start;
        f->whole = took < f->whole ? took : f->whole;
        memset(now, 0, sizeof now);
        tft_kernels_replace(&watched);
        const bool fine = pass(c, ws, training, round);
        tft_kernels_replace(inside);
        if (!fine)
            return false;
        for (size_t k = 0; k < N_KERNELS; k++) {
            now[k].ticks -= now[k].calls * own;
            if (now[k].ticks < f->kernels[k].ticks)
                f->kernels[k] = now[k];
        }
    }
    return true;
}

/* ---- telling ------------------------------------------------------------------------------------------------ */

typedef struct machine {
    double peak_gflops, peak_bf16_gflops, memory_gbs, hz;
} machine;

static volatile float sink;
static void read_memory(const void *context)
{
    float *const *p = context;
    sink = tft_dot(p[0], p[1], (size_t)32 << 20);
}

static double memory_gbs(void)
{
    const size_t n = (size_t)32 << 20;
    float *p[2] = {malloc(n * sizeof(float)), malloc(n * sizeof(float))};
    double rate = 0.0;
    if (p[0] != NULL && p[1] != NULL) {
        for (size_t i = 0; i < n; i++)
            p[0][i] = p[1][i] = 1.0f;
        rate = 8.0 * (double)n / bench_seconds(read_memory, p) * 1e-9;
    }
    free(p[0]);
    free(p[1]);
    return rate;
}

static void tell(const char *what, const figures *f, const machine *m, FILE *json)
{
    const double pass_s = f->whole / m->hz;
    double seen = 0.0, flops = 0.0;
    printf("\n%s: %d windows of 288 + 96 steps a pass, %.2f ms, %.0f windows/s\n", what, WINDOWS, pass_s * 1e3,
           WINDOWS / pass_s);
    printf("%-22s%9s%9s%12s%12s%10s%10s%10s%9s\n", "kernel", "calls", "share", "MFLOP", "MB", "GFLOP/s", "GB/s",
           "FLOP/byte", "of roof");
    if (json != NULL)
        fprintf(json, "  \"%s\": {\"windows\": %d, \"seconds\": %.9f, \"kernels\": [", what, WINDOWS, pass_s);
    bool told[N_KERNELS] = {false}, first = true;
    for (size_t round = 0; round < N_KERNELS; round++) {
        size_t k = N_KERNELS;
        for (size_t i = 0; i < N_KERNELS; i++)
            if (!told[i] && f->kernels[i].calls > 0.0 && (k == N_KERNELS || f->kernels[i].ticks > f->kernels[k].ticks))
                k = i;
        if (k == N_KERNELS)
            break;
        told[k] = true;
        const tally *const t = &f->kernels[k];
        const double s = t->ticks / m->hz, gflops = t->flops / s * 1e-9, gbs = t->bytes / s * 1e-9;
        const bool bf16 = k == KERNEL_linear_bf16 || k == KERNEL_linear_bf16_add;
        const double by_memory = t->flops / t->bytes * m->memory_gbs,
                     peak = bf16 ? m->peak_bf16_gflops : m->peak_gflops;
        const double roof = by_memory < peak ? by_memory : peak;
        seen += t->ticks;
        flops += t->flops;
        printf("%-22s%9.0f%7.1f %%%12.2f%12.2f%10.1f%10.1f%10.1f", names[k], t->calls, 100.0 * t->ticks / f->whole,
               t->flops * 1e-6, t->bytes * 1e-6, gflops, gbs, t->flops / t->bytes);
        printf(roof > 0.0 ? "%7.0f %%\n" : "        -\n", 100.0 * gflops / roof);
        if (json != NULL)
            fprintf(json,
                    "%s\n    {\"kernel\": \"%s\", \"calls\": %.0f, \"share\": %.5f, \"flops\": %.0f, \"bytes\": %.0f, "
                    "\"gflops\": %.3f, \"gbs\": %.3f, \"roof_gflops\": %.3f}",
                    first ? "" : ",", names[k], t->calls, t->ticks / f->whole, t->flops, t->bytes, gflops, gbs, roof);
        first = false;
    }
    printf("%-22s%9s%7.1f %%%12.2f%12s%10.1f\n", "all of it", "", 100.0 * seen / f->whole, flops * 1e-6, "",
           flops / pass_s * 1e-9);
    if (json != NULL)
        fprintf(json, "]}");
}

typedef struct direction {
    const char *name;
    bool training, bf16;
} direction;

static bool run(direction way, const machine *m, FILE *json)
{
    network_case c;
    tft_workspace *ws = NULL;
    tft_error err = {0};
    static figures f;
    const network_shape *const shape = network_shape_named("golden");
    const bool fine =
        network_case_open(shape, &c, &err) && tft_model_tabulate(c.model, &err) == TFT_OK &&
        tft_workspace_open(c.model, WINDOWS, shape->encoder, shape->decoder, way.training, &ws, &err) == TFT_OK;
    if (fine && way.bf16)
        tft_model_set_precision(c.model, TFT_PRECISION_BF16);
    const bool measured = fine && measure(&c, ws, way.training, &f);
    if (measured)
        tell(way.name, &f, m, json);
    else
        fprintf(stderr, "bench_roofline: %s\n", err.text);
    tft_workspace_close(ws);
    network_case_close(&c);
    return measured;
}

int main(int argc, char **argv)
{
    const char *only = "", *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
            path = argv[++i];
        else
            only = argv[i];
    }
    const tft_isa isa = tft_tensor_init(TFT_ISA_AUTO);
    inside = tft_kernels_current();
    const machine m = {bench_peak_gflops(isa), bench_peak_bf16_gflops(), memory_gbs(), ticks_a_second()};
    printf("%s, one thread: peak of multiply-adds %.1f GFLOP/s, memory read %.1f GB/s\n", tft_isa_name(isa),
           m.peak_gflops, m.memory_gbs);
    FILE *const json = path != NULL ? fopen(path, "w") : NULL;
    if (path != NULL && json == NULL) {
        perror(path);
        return 1;
    }
    if (json != NULL)
        fprintf(json, "{\n  \"kernels\": \"%s\", \"peak_gflops\": %.2f, \"memory_gbs\": %.2f,\n", tft_isa_name(isa),
                m.peak_gflops, m.memory_gbs);
    const direction ways[] = {{"forward", false, false}, {"bf16", false, true}, {"training", true, false}};
    bool fine = true, first = true;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if ((*only != '\0' && strcmp(only, ways[i].name) != 0) || (ways[i].bf16 && !tft_bf16_usable()))
            continue;
        if (json != NULL && !first)
            fprintf(json, ",\n");
        fine = run(ways[i], &m, json) && fine;
        first = false;
    }
    if (json != NULL) {
        fprintf(json, "\n}\n");
        fine = fclose(json) == 0 && fine;
    }
    return fine ? 0 : 1;
}
