/* bench_network.c - how many windows a second the network reads and learns from, on one thread (per second of CPU).
 *
 *     bench_network [SECONDS per figure, default 1] [KERNELS] [SHAPE] [forward|training]
 *
 * Two shapes: "shipped", like the model that comes with tftd (hidden 32, 96 + 96 steps, 13 encoder and 31 decoder reals of
 * width 8, 4 targets x 13 quantiles mixed from 10 anchors, hazard head), and "golden", the fleet daemon's (288 + 96 steps,
 * width 16, tests/golden/daemon). Weights and inputs are random. GFLOP/s counts the multiply-adds of the network's matrix
 * products as the formulas state them, once for forward and three times for a training pass, whatever is really computed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "tensor/tensor.h"
#include "tft/model.h"

typedef struct bench_shape {
    const char *name;
    size_t hidden, heads, continuous, encoder, decoder, n_static, n_encoder, n_decoder, targets, quantiles, anchors;
    bool hazard;
} bench_shape;

static void add_reals(tft_config *c, tft_inputs *inputs, const char *prefix, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        snprintf(c->reals[c->n_reals].name, TFT_MAX_NAME, "%s%zu", prefix, i);
        inputs->reals[inputs->n_reals++] = (uint8_t)c->n_reals++;
    }
}

static tft_config config_of(const bench_shape *s)
{
    tft_config c = {.hidden_size = s->hidden,
                    .n_heads = s->heads,
                    .lstm_layers = 1,
                    .hidden_continuous_size = s->continuous,
                    .dropout = 0.1f,
                    .causal_attention = true,
                    .max_encoder_length = s->encoder,
                    .max_decoder_length = s->decoder,
                    .n_targets = s->targets,
                    .n_anchors = s->anchors,
                    .hazard = s->hazard};
    add_reals(&c, &c.static_inputs, "s", s->n_static);
    add_reals(&c, &c.encoder_inputs, "e", s->n_encoder);
    add_reals(&c, &c.decoder_inputs, "d", s->n_decoder);
    for (size_t m = 0; m < s->targets; m++) {
        snprintf(c.targets[m].name, TFT_MAX_NAME, "t%zu", m);
        c.targets[m].loss_weight = 1.0f;
        c.targets[m].n_quantiles = (uint8_t)s->quantiles;
        for (size_t q = 0; q < s->quantiles; q++)
            c.targets[m].quantiles[q] = ((float)q + 0.5f) / (float)s->quantiles;
    }
    return c;
}

static float *random_floats(tft_rng *rng, size_t n)
{
    float *const x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; x != NULL && i < n; i++)
        x[i] = (float)tft_rng_normal(rng);
    return x;
}

/* Multiply-adds of one window's forward pass. */
static double macs(const bench_shape *s)
{
    const double h = (double)s->hidden, k = (double)s->continuous, e = (double)s->encoder, d = (double)s->decoder;
    const double n = e + d, grn = 4 * h * h, head = h / (double)s->heads;
    double sum = n * (grn + 8 * h * h + 2 * h * h) + d * (grn + 4 * h * h); // enrichment, LSTM, gates, feed-forward
    const double places[3][2] = {{1, (double)s->n_static}, {e, (double)s->n_encoder}, {d, (double)s->n_decoder}};
    for (size_t i = 0; i < 3; i++) {
        const double rows = places[i][0], v = places[i][1], low = v < h ? v : h, own = k < h ? k : h;
        sum += rows * (v * (k + k * own + own * own + 2 * own * h + h) + v * k * low + low * low + 2 * low * v);
    }
    sum += n * h * (h + head) + d * h * h;                             // keys and value, queries
    sum += d * (e + d) * (h + (double)s->heads * head) + d * head * h; // scores and weighted values
    sum += d * h * (double)s->targets * (double)(s->quantiles + s->anchors);
    sum += d * (double)(s->targets * s->quantiles * s->anchors);
    return sum + 4 * grn;
}

/* Seconds of this thread's CPU, so that a busy machine does not change the figures. */
static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct bench {
    tft_model *model;
    tft_batch batch;
    tft_truth truth;
    float *raw;
} bench;

static bool measure(const bench *b, size_t windows, bool training, double seconds, double gmac)
{
    tft_workspace *ws = NULL;
    tft_error err = {0};
    tft_batch batch = b->batch;
    batch.n_windows = windows;
    if (tft_workspace_open(b->model, windows, batch.encoder_steps, batch.decoder_steps, training, &ws, &err) !=
        TFT_OK) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    const tft_outputs outputs = {.raw = b->raw};
    tft_losses losses;
    size_t n = 0;
    double begin = 0.0, now = 0.0;
    for (size_t round = 0; round < 2 || now - begin < seconds; round++) {
        if (round == 1)
            begin = cpu_s(); // the first one warms up
        tft_status status;
        if (training)
            status = tft_model_train_pass(b->model, ws, &batch, &b->truth, TFT_LOSS_SCALED, round + 1, 1.0f, NULL,
                                          &losses, &err);
        else
            status = tft_model_forward(b->model, ws, &batch, &outputs, &err);
        if (status != TFT_OK) {
            fprintf(stderr, "%s\n", err.text);
            break;
        }
        n += round > 0 ? windows : 0;
        now = cpu_s();
    }
    const double rate = (double)n / (now - begin);
    printf("  %-8s %4zu windows a pass: %8.0f windows/s %7.1f GFLOP/s   workspace %6.1f MiB\n",
           training ? "training" : "forward", windows, rate, rate * gmac * 2.0 * (training ? 3.0 : 1.0),
           (double)tft_workspace_bytes(ws) / 1048576.0);
    tft_workspace_close(ws);
    return true;
}

static void run(const bench_shape *s, double seconds, const char *direction)
{
    enum { MOST = 32 };
    const tft_config config = config_of(s);
    tft_error err = {0};
    bench b = {0};
    if (tft_model_open(&config, &b.model, &err) != TFT_OK) {
        fprintf(stderr, "%s\n", err.text);
        return;
    }
    tft_model_randomize(b.model, 1);
    if (strcmp(direction, "plain") != 0 && tft_model_tabulate(b.model, &err) != TFT_OK)
        fprintf(stderr, "%s\n", err.text);
    tft_rng rng = tft_rng_seeded(2, 0);
    uint32_t encoder[MOST], decoder[MOST], event[MOST], at_risk[MOST];
    for (size_t i = 0; i < MOST; i++) {
        encoder[i] = (uint32_t)s->encoder;
        decoder[i] = at_risk[i] = (uint32_t)s->decoder;
        event[i] = i % 4 == 0 ? 10 : 0;
    }
    float *const owned[] = {random_floats(&rng, MOST * s->n_static),
                            random_floats(&rng, MOST * s->encoder * s->n_encoder),
                            random_floats(&rng, MOST * s->decoder * s->n_decoder),
                            random_floats(&rng, MOST * s->targets * 2),
                            random_floats(&rng, MOST * s->decoder * s->targets * s->quantiles * s->anchors),
                            random_floats(&rng, MOST * s->decoder * s->targets),
                            random_floats(&rng, MOST * s->decoder * s->targets * s->quantiles)};
    b.batch = (tft_batch){.encoder_steps = s->encoder,
                          .decoder_steps = s->decoder,
                          .encoder_lengths = encoder,
                          .decoder_lengths = decoder,
                          .static_reals = owned[0],
                          .encoder_reals = owned[1],
                          .decoder_reals = owned[2],
                          .target_scale = owned[3],
                          .anchors = owned[4]};
    b.truth = (tft_truth){.target_scaled = owned[5], .event_step = event, .at_risk = at_risk, .hazard_weight = 0.1f};
    b.raw = owned[6];
    printf("%s: %zu weights, %.1f MFLOP a window forward\n", s->name, tft_model_n_values(b.model), 2e-6 * macs(s));
    static const size_t sizes[] = {1, 4, 8, 16, 20};
    for (size_t i = 0; strcmp(direction, "training") != 0 && i < sizeof sizes / sizeof sizes[0]; i++)
        measure(&b, sizes[i], false, seconds, 1e-9 * macs(s));
    for (size_t i = 1; strcmp(direction, "forward") != 0 && i < 4; i++)
        measure(&b, sizes[i], true, seconds, 1e-9 * macs(s));
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free(owned[i]);
    tft_model_close(b.model);
}

int main(int argc, char **argv)
{
    static const bench_shape shapes[] = {
        {"shipped", 32, 4, 8, 96, 96, 14, 13, 31, 4, 13, 10, true},
        {"golden", 32, 8, 16, 288, 96, 5, 11, 7, 1, 7, 0, false},
    };
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 1.0;
    tft_isa isa = TFT_ISA_AUTO;
    for (tft_isa i = TFT_ISA_PORTABLE; argc > 2 && i <= TFT_ISA_AVX512; i++)
        isa = strcmp(argv[2], tft_isa_name(i)) == 0 ? i : isa;
    printf("kernels: %s\n", tft_isa_name(tft_tensor_init(isa)));
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        if (argc < 4 || strcmp(argv[3], shapes[i].name) == 0)
            run(&shapes[i], seconds, argc > 4 ? argv[4] : "");
    return 0;
}
