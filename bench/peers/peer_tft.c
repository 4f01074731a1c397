/* peer_tft.c - libtft's side of the comparison with PyTorch and ONNX Runtime: does one measured thing per line it is told.
 *
 *     peer_tft CASE_DIR        a folder as case.py writes it (tests/golden/README.md): network, weights, inputs
 *
 *     forward N T   the case's windows repeated to N, on T threads: all quantiles    → seconds
 *     first N T     the same without getting warm before                           → seconds
 *     train N T     one training step on N windows: forward with dropout, loss, backward, AdamW   → seconds
 *     raw FILE      the network's outputs for the case's own windows, float32 [B, T, Q] → bytes written
 *     rss           resident memory now                                              → bytes
 *
 * The driver (run.py) alternates these with the peers' so that a busy moment hits everybody. Windows go through the network
 * in tiles, as the daemon's do; a training step is cut as the trainer cuts it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tensor/pool.h"
#include "tensor/tensor.h"
#include "tft/golden_case.h"
#include "train/optimizer.h"

enum { MOST_THREADS = 64, TILE = 8, MICRO = 8, WARM = 20 };
#define WARM_S 0.1 // run.py has the same

typedef struct peer {
    tft_golden_case in;
    tft_pool *pools[MOST_THREADS + 1];     // by number of threads
    tft_workspace *forward[MOST_THREADS];  // by worker
    tft_workspace *training[MOST_THREADS]; // by slot
    float *raw[MOST_THREADS];              // [TILE, T, Q] by worker
    tft_optimizer optimizer;
    size_t steps;
    bool has_optimizer;
    bool tabulated; // the curves of evaluation follow the weights (tft_model_tabulate)
    /* of the call at hand */
    size_t n, threads;
    float *all; // NULL, or where every window's output goes
    bool failed;
    tft_error err;
} peer;

/* Windows first … first + n − 1 of the repeated case; never across its end. */
static tft_batch slice(const peer *p, size_t first, size_t n)
{
    const tft_golden_case *const c = &p->in;
    const size_t at = first % c->b, codes = c->config.n_categoricals;
    tft_batch batch = c->batch;
    batch.n_windows = n;
    batch.encoder_lengths += at;
    batch.decoder_lengths += at;
    batch.static_reals += at * c->config.static_inputs.n_reals;
    batch.encoder_reals += at * c->e * c->config.encoder_inputs.n_reals;
    batch.decoder_reals += at * c->t * c->config.decoder_inputs.n_reals;
    batch.static_codes += at * codes;
    batch.encoder_codes += at * c->e * codes;
    batch.decoder_codes += at * c->t * codes;
    batch.target_scale += at * c->m * 2;
    return batch;
}

/* Tile i of the call: its first window and how many. Tiles end where the case does, so that inputs are never copied. */
static void tile(const peer *p, size_t i, size_t most, size_t *first, size_t *n)
{
    const size_t per_case = (p->in.b + most - 1) / most;
    const size_t within = i % per_case * most;
    *first = i / per_case * p->in.b + within;
    *n = p->in.b - within < most ? p->in.b - within : most;
    if (*first >= p->n)
        *n = 0;
    else if (p->n - *first < *n)
        *n = p->n - *first;
}

static size_t n_tiles(const peer *p, size_t most)
{
    const size_t per_case = (p->in.b + most - 1) / most;
    return (p->n + p->in.b - 1) / p->in.b * per_case;
}

/* As the daemon cuts its requests: at most TILE, and as many tiles for each thread. */
static size_t tile_size(const peer *p)
{
    const size_t n = p->n < p->in.b ? p->n : p->in.b;
    size_t tiles = (n + TILE - 1) / TILE;
    tiles = (tiles + p->threads - 1) / p->threads * p->threads;
    return (n + tiles - 1) / tiles;
}

static void forward_tile(void *context, size_t i, size_t worker)
{
    peer *const p = context;
    size_t first, n;
    tile(p, i, tile_size(p), &first, &n);
    if (n == 0)
        return;
    const tft_batch batch = slice(p, first, n);
    float *const raw = p->all != NULL ? p->all + first * p->in.t * p->in.q : p->raw[worker];
    const tft_outputs outputs = {.raw = raw};
    if (tft_model_forward(p->in.model, p->forward[worker], &batch, &outputs, &p->err) != TFT_OK)
        p->failed = true;
}

static void train_slot(void *context, size_t slot, size_t worker)
{
    peer *const p = context;
    (void)worker;
    tft_workspace_zero_gradients(p->training[slot]);
    for (size_t i = slot; i < n_tiles(p, MICRO); i += p->threads) {
        size_t first, n;
        tile(p, i, MICRO, &first, &n);
        if (n == 0)
            continue;
        const tft_batch batch = slice(p, first, n);
        const size_t at = first % p->in.b * p->in.t * p->in.m;
        const tft_truth truth = {.target = p->in.target + at, .target_scaled = p->in.target_scaled + at};
        tft_losses losses;
        if (tft_model_train_pass(p->in.model, p->training[slot], &batch, &truth, TFT_LOSS_PREDICTION,
                                 p->steps * 4096 + i + 1, (float)n / (float)p->n, NULL, &losses, &p->err) != TFT_OK)
            p->failed = true;
    }
}

static bool ready(peer *p, size_t n, size_t threads, bool training)
{
    p->n = n;
    p->threads = threads;
    p->failed = false;
    if (p->pools[threads] == NULL && tft_pool_open(threads, &p->pools[threads], &p->err) != TFT_OK)
        return false;
    for (size_t i = 0; i < threads; i++) {
        tft_workspace **const ws = training ? &p->training[i] : &p->forward[i];
        if (*ws == NULL &&
            tft_workspace_open(p->in.model, training ? MICRO : TILE, p->in.e, p->in.t, training, ws, &p->err) != TFT_OK)
            return false;
        if (p->raw[i] == NULL)
            p->raw[i] = malloc(TILE * p->in.t * p->in.q * sizeof(float));
        if (p->raw[i] == NULL)
            return false;
    }
    if (training && !p->has_optimizer) {
        if (tft_optimizer_open(p->in.model, p->training[0], &p->optimizer, &p->err) != TFT_OK)
            return false;
        p->has_optimizer = true;
    }
    return true;
}

static double forward(peer *p, size_t n, size_t threads, double warm_s)
{
    if (!ready(p, n, threads, false))
        return -1.0;
    if (!p->tabulated && tft_model_tabulate(p->in.model, &p->err) != TFT_OK) // a part of loading weights, milliseconds
        return -1.0;
    p->tabulated = true;
    p->n = n < WARM ? n : WARM; // without a watch, as the peers do: caches and clock are then of this work
    for (const double begin = tft_monotonic_s(); tft_monotonic_s() < begin + warm_s;)
        tft_pool_run(p->pools[threads], n_tiles(p, tile_size(p)), forward_tile, p);
    p->n = n;
    const double start = tft_monotonic_s();
    tft_pool_run(p->pools[threads], n_tiles(p, tile_size(p)), forward_tile, p);
    return p->failed ? -1.0 : tft_monotonic_s() - start;
}

static double train(peer *p, size_t n, size_t threads)
{
    if (!ready(p, n, threads, true))
        return -1.0;
    const double start = tft_monotonic_s();
    tft_pool_run(p->pools[threads], threads, train_slot, p);
    tft_optimizer_reduce(&p->optimizer, p->pools[threads], p->training, threads);
    const tft_adamw adamw = {.rate = 1e-5,
                             .decay = 1e-2,
                             .beta1 = 0.9,
                             .beta2 = 0.999,
                             .epsilon = 1e-8,
                             .step = ++p->steps,
                             .gradient_scale = 1.0};
    tft_optimizer_update(&p->optimizer, p->pools[threads], p->training[0], &adamw, 0.998);
    tft_model_refresh(p->in.model);
    p->tabulated = false;
    return p->failed ? -1.0 : tft_monotonic_s() - start;
}

static bool write_raw(peer *p, const char *path)
{
    const size_t n = p->in.b * p->in.t * p->in.q;
    p->all = calloc(n, sizeof(float));
    FILE *const file = fopen(path, "wb");
    const bool ok = p->all != NULL && file != NULL && forward(p, p->in.b, 1, 0.0) >= 0.0 &&
                    fwrite(p->all, sizeof(float), n, file) == n;
    if (file != NULL)
        fclose(file);
    free(p->all);
    p->all = NULL;
    if (ok)
        printf("%zu\n", n * sizeof(float));
    return ok;
}

static bool print_memory(void)
{
    FILE *const file = fopen("/proc/self/statm", "r");
    unsigned long size = 0, resident = 0;
    const bool ok = file != NULL && fscanf(file, "%lu %lu", &size, &resident) == 2;
    if (file != NULL)
        fclose(file);
    if (ok)
        printf("%lu\n", resident * (unsigned long)sysconf(_SC_PAGESIZE));
    return ok;
}

static bool obey(peer *p, const char *line)
{
    char path[1024];
    size_t n, threads;
    if (sscanf(line, "raw %1023s", path) == 1)
        return write_raw(p, path);
    if (strncmp(line, "rss", 3) == 0)
        return print_memory();
    const bool training = sscanf(line, "train %zu %zu", &n, &threads) == 2;
    const bool first = sscanf(line, "first %zu %zu", &n, &threads) == 2;
    if (!training && !first && sscanf(line, "forward %zu %zu", &n, &threads) != 2)
        return false;
    if (n < 1 || n > 100000 || threads < 1 || threads > MOST_THREADS)
        return false;
    const double seconds = training ? train(p, n, threads) : forward(p, n, threads, first ? 0.0 : WARM_S);
    printf("%.9f\n", seconds);
    return seconds >= 0.0;
}

static void close_peer(peer *p)
{
    for (size_t i = 0; i < MOST_THREADS; i++) {
        tft_pool_close(p->pools[i + 1]);
        tft_workspace_close(p->forward[i]);
        tft_workspace_close(p->training[i]);
        free(p->raw[i]);
    }
    tft_optimizer_close(&p->optimizer);
    tft_golden_case_close(&p->in);
}

int main(int argc, char **argv)
{
    static peer p; // large
    char line[1200];
    if (argc != 2) {
        fprintf(stderr, "usage: peer_tft CASE_DIR < commands\n");
        return 2;
    }
    tft_tensor_init(TFT_ISA_AUTO);
    if (tft_golden_case_open(argv[1], &p.in, &p.err) != TFT_OK) {
        fprintf(stderr, "peer_tft: %s\n", p.err.text);
        close_peer(&p);
        return 4;
    }
    bool ok = true;
    printf("ready\n");
    fflush(stdout);
    while (ok && fgets(line, sizeof line, stdin) != NULL) {
        ok = obey(&p, line);
        fflush(stdout);
    }
    if (!ok)
        fprintf(stderr, "peer_tft: cannot do: %s%s\n", line, p.err.text);
    close_peer(&p);
    return ok ? 0 : 1;
}
