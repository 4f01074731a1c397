/* sign_nets_fit.c - see sign_nets_fit.h. */
#include "train/sign_nets_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "tensor/tensor.h"
#include "train/adamw.h"

#define EPOCHS ((size_t)12)
#define FEWEST_STEPS ((size_t)500)
#define MOST_STEPS ((size_t)12000)
#define WARM_UP 0.05
#define BATCH ((size_t)256)
#define RATE 0.003
#define DECAY 0.01
#define AVERAGE 0.998
#define DROP_INPUTS 0.1f
#define DROP_HIDDEN 0.3f
#define NET_STREAM UINT64_C(0x6e657473)

#define HIDDEN ((size_t)TFT_SIGN_NET_HIDDEN)
#define OUT ((size_t)TFT_N_HORIZONS)

typedef struct fitting {
    const tft_sign_rows *rows;
    tft_sign_nets *nets;
    const double *before; // [n] weights up to and with each row
    uint64_t seed, steps;
    size_t n_floats;
    float *memory; // [TFT_SIGN_NETS, floats_of]
} fitting;

/* One network under training: weights, gradient, moments, and a batch on its way. */
typedef struct trainee {
    tft_sign_net net, grad;
    float *weights, *gradient, *m, *v, *average;
    float *x, *hidden, *mask, *out, *dhidden;
} trainee;

static size_t floats_of(size_t n_signs)
{
    const size_t w = tft_sign_net_floats(n_signs);
    return 5 * w + BATCH * (n_signs + 3 * HIDDEN + OUT) + BATCH * (n_signs > HIDDEN ? n_signs : HIDDEN);
}

static void place(float *at, size_t n_signs, trainee *t)
{
    const size_t w = tft_sign_net_floats(n_signs);
    t->weights = at;
    t->gradient = at + w;
    t->m = at + 2 * w;
    t->v = at + 3 * w;
    t->average = at + 4 * w;
    t->x = at + 5 * w;
    t->hidden = t->x + BATCH * n_signs;
    t->dhidden = t->hidden + BATCH * HIDDEN;
    t->out = t->dhidden + BATCH * HIDDEN;
    t->mask = t->out + BATCH * OUT;
    tft_sign_net_place(t->weights, n_signs, &t->net);
    tft_sign_net_place(t->gradient, n_signs, &t->grad);
}

/* Mean and spread of each sign over the rows, by weight. */
static void measure(const tft_sign_rows *r, tft_sign_nets *nets)
{
    for (size_t f = 0; f < nets->n_signs; f++) {
        double sum = 0, squares = 0, all = 0;
        for (size_t i = 0; i < r->n; i++) {
            const double x = (double)r->signs[i * nets->n_signs + f], w = (double)r->weight[i];
            sum += w * x;
            squares += w * x * x;
            all += w;
        }
        const double mean = sum / all, variance = squares / all - mean * mean;
        nets->mean[f] = (float)mean;
        nets->inverse_spread[f] = (float)(1 / (sqrt(variance > 0 ? variance : 0) + 1e-3));
    }
}

static void start(const fitting *f, trainee *t, tft_rng *rng)
{
    const size_t n = f->nets->n_signs;
    const double width = 1 / sqrt((double)n), narrow = 0.3 / sqrt((double)HIDDEN);
    for (size_t i = 0; i < HIDDEN * n; i++)
        t->net.w1[i] = (float)(width * (2 * tft_rng_uniform(rng) - 1));
    for (size_t i = 0; i < OUT * HIDDEN; i++)
        t->net.w2[i] = (float)(narrow * (2 * tft_rng_uniform(rng) - 1));
    for (size_t k = 0; k < OUT; k++) {
        double ones = 0.5, all = 1;
        for (size_t i = 0; i < f->rows->n; i++) {
            const double w = f->rows->known[k * f->rows->n + i] ? (double)f->rows->weight[i] : 0;
            ones += f->rows->y[k * f->rows->n + i] ? w : 0;
            all += w;
        }
        t->net.b2[k] = (float)log(ones / (all - ones));
    }
    memcpy(t->average, t->weights, f->n_floats * sizeof(float));
}

/* A row, by weight: the first whose weights added up pass a uniform share of them all. */
static size_t draw(const fitting *f, tft_rng *rng)
{
    const double wanted = tft_rng_uniform(rng) * f->before[f->rows->n - 1];
    size_t low = 0, high = f->rows->n - 1;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (f->before[middle] > wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Fills a batch and leaves ∂loss/∂logits in out. */
static void forward(const fitting *f, trainee *t, const size_t *drawn, uint64_t key)
{
    const size_t n = f->nets->n_signs;
    for (size_t i = 0; i < BATCH; i++)
        tft_sign_nets_scale(f->nets, f->rows->signs + drawn[i] * n, t->x + i * n);
    tft_dropout_mask(t->mask, BATCH * n, DROP_INPUTS, key);
    tft_mul(t->x, t->x, t->mask, BATCH * n);
    tft_linear(t->x, n, t->net.w1, t->net.b1, BATCH, n, HIDDEN, t->hidden, HIDDEN);
    tft_dropout_mask(t->mask, BATCH * HIDDEN, DROP_HIDDEN, key + 1);
    for (size_t i = 0; i < BATCH * HIDDEN; i++)
        t->hidden[i] = t->hidden[i] > 0 ? t->hidden[i] * t->mask[i] : 0;
    tft_linear(t->hidden, HIDDEN, t->net.w2, t->net.b2, BATCH, HIDDEN, OUT, t->out, OUT);
    tft_linear_add(t->x, n, t->net.linear, NULL, BATCH, n, OUT, t->out, OUT);
    for (size_t i = 0; i < BATCH; i++) {
        for (size_t k = 0; k < OUT; k++) {
            const size_t at = k * f->rows->n + drawn[i];
            const float p = 1.0f / (1.0f + expf(-t->out[i * OUT + k]));
            t->out[i * OUT + k] = f->rows->known[at] ? (p - (float)f->rows->y[at]) / (float)BATCH : 0.0f;
        }
    }
}

static void backward(const fitting *f, trainee *t)
{
    const size_t n = f->nets->n_signs;
    memset(t->gradient, 0, f->n_floats * sizeof(float));
    memset(t->dhidden, 0, BATCH * HIDDEN * sizeof(float));
    tft_linear_backward(t->x, n, t->net.linear, t->out, OUT, BATCH, n, OUT, NULL, 0, t->grad.linear, NULL);
    tft_linear_backward(t->hidden, HIDDEN, t->net.w2, t->out, OUT, BATCH, HIDDEN, OUT, t->dhidden, HIDDEN, t->grad.w2,
                        t->grad.b2);
    for (size_t i = 0; i < BATCH * HIDDEN; i++)
        t->dhidden[i] = t->hidden[i] > 0 ? t->dhidden[i] * t->mask[i] : 0;
    tft_linear_backward(t->x, n, t->net.w1, t->dhidden, HIDDEN, BATCH, n, HIDDEN, NULL, 0, t->grad.w1, t->grad.b1);
}

static double rate_at(uint64_t step, uint64_t steps)
{
    const double done = (double)step / (double)steps;
    return done < WARM_UP ? RATE * done / WARM_UP
                          : RATE * 0.5 * (1 + cos(acos(-1.0) * (done - WARM_UP) / (1 - WARM_UP)));
}

static void keep(const tft_sign_net *to, float *average, size_t n_signs)
{
    tft_sign_net from;
    tft_sign_net_place(average, n_signs, &from);
    memcpy(to->w1, from.w1, HIDDEN * n_signs * sizeof(float));
    memcpy(to->b1, from.b1, HIDDEN * sizeof(float));
    memcpy(to->w2, from.w2, OUT * HIDDEN * sizeof(float));
    memcpy(to->b2, from.b2, OUT * sizeof(float));
    memcpy(to->linear, from.linear, OUT * n_signs * sizeof(float));
}

static void fit_one(void *context, size_t k, size_t worker)
{
    const fitting *const f = context;
    const size_t n = f->nets->n_signs, w1 = HIDDEN * n, w2 = OUT * HIDDEN;
    size_t drawn[BATCH];
    trainee t;
    (void)worker;
    place(f->memory + k * floats_of(n), n, &t);
    tft_rng rng = tft_rng_seeded(f->seed, NET_STREAM + k);
    start(f, &t, &rng);
    const struct {
        size_t from, n;
        int decays;
    } parts[] = {{0, w1, 1},
                 {w1, HIDDEN, 0},
                 {w1 + HIDDEN, w2, 1},
                 {w1 + HIDDEN + w2, OUT, 0},
                 {w1 + HIDDEN + w2 + OUT, OUT * n, 1}};
    for (uint64_t step = 1; step <= f->steps; step++) {
        for (size_t i = 0; i < BATCH; i++)
            drawn[i] = draw(f, &rng);
        forward(f, &t, drawn, tft_rng_next(&rng));
        backward(f, &t);
        const tft_adamw a = {.rate = rate_at(step, f->steps),
                             .beta1 = 0.9,
                             .beta2 = 0.999,
                             .epsilon = 1e-8,
                             .decay = DECAY,
                             .gradient_scale = 1,
                             .step = step};
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++)
            tft_adamw_update(&a, parts[p].decays, parts[p].n, t.gradient + parts[p].from, t.weights + parts[p].from,
                             t.m + parts[p].from, t.v + parts[p].from);
        tft_ema_update(tft_ema_decay(AVERAGE, step), f->n_floats, t.weights, t.average);
    }
    keep(&f->nets->net[k], t.average, n);
}

tft_status tft_sign_nets_fit(const tft_sign_rows *rows, uint64_t seed, tft_pool *pool, tft_sign_nets *nets,
                             tft_error *err)
{
    double *const before = malloc(tft_mul_sat(rows->n, sizeof *before));
    float *const memory = calloc(TFT_SIGN_NETS * floats_of(nets->n_signs), sizeof *memory);
    tft_status status = TFT_OK;
    if (before == NULL || memory == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory to train on the signs of %zu windows", rows->n);
    } else {
        double sum = 0;
        for (size_t i = 0; i < rows->n; i++)
            before[i] = sum += (double)rows->weight[i];
        const size_t steps = EPOCHS * rows->n / BATCH;
        fitting f = {.rows = rows,
                     .nets = nets,
                     .before = before,
                     .seed = seed,
                     .steps = steps < FEWEST_STEPS ? FEWEST_STEPS
                              : steps > MOST_STEPS ? MOST_STEPS
                                                   : steps,
                     .n_floats = tft_sign_net_floats(nets->n_signs),
                     .memory = memory};
        measure(rows, nets);
        tft_pool_run(pool, TFT_SIGN_NETS, fit_one, &f);
    }
    free(before);
    free(memory);
    return status;
}
