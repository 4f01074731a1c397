/* bench_model.c - the network at work: forecasts and training samples per second, beside the machine's peak.
 *
 *     build/release/bench/bench_model             both tables
 *     build/release/bench/bench_model forecasts   or: training
 *
 * Forecasts go the whole way that the daemon's do: from series in memory through windows, network and scaling to quantiles
 * in real units, with 8 days of history behind each. Each figure is the best of a few rounds of at least half a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "peak.h"
#include "subject.h"
#include "tft/forecaster.h"
#include "tft/train.h"

enum { MOST_SERVERS = 1000, ROUNDS = 3 };
static const double ROUND_S = 0.5, LONGEST_S = 4.0, TRAIN_S = 6.0;
static const int64_t ORIGIN = 5867904; // 2025-10-13T16:00:00Z in steps of 5 minutes
static const size_t thread_counts[] = {1, 2};

typedef struct outputs {
    float *quantiles, *incident;
    uint8_t *ok;
} outputs;

/* Seconds per call for a batch of n: the best round. A negative number after a fault. */
static double seconds_of_batch(tft_forecaster *f, const tft_request *requests, size_t n, const outputs *out)
{
    const tft_forecast into = {.quantiles = out->quantiles, .incident = out->incident, .ok = out->ok};
    double best = 1e30, spent = 0.0;
    for (int round = -1; round < ROUNDS && spent < LONGEST_S; round++) { // the first warms up
        size_t calls = 0;
        const double start = tft_monotonic_s();
        double end = start;
        while (end - start < (round < 0 ? 0.0 : ROUND_S) || calls == 0) {
            tft_error err = {0};
            if (tft_forecaster_run(f, requests, n, 0, &into, &err) != TFT_OK) {
                fprintf(stderr, "bench_model: %s\n", err.text);
                return -1.0;
            }
            calls++;
            end = tft_monotonic_s();
        }
        const double each = (end - start) / (double)calls;
        spent += end - start;
        if ((round >= 0 || spent >= LONGEST_S) && each < best)
            best = each;
    }
    return best;
}

static bool print_forecasts(const bench_subject *subject, const double *peaks)
{
    static const size_t batches[] = {1, 20, MOST_SERVERS};
    tft_dataset histories = {0};
    tft_forecaster *f = NULL;
    tft_request *requests = calloc(MOST_SERVERS, sizeof *requests);
    outputs out = {0};
    tft_error err = {0};
    bool fine = false;
    for (size_t k = 0; k < sizeof thread_counts / sizeof *thread_counts; k++) {
        if (tft_forecaster_open(subject->path, thread_counts[k], &f, &err) != TFT_OK)
            goto done;
        const tft_contract *c = tft_forecaster_contract(f);
        const double operations = bench_operations(tft_forecaster_model(f), c->context, c->horizon);
        if (k == 0) {
            if (requests == NULL || !bench_histories(c, MOST_SERVERS, c->memory, ORIGIN, &histories))
                goto done;
            for (size_t i = 0; i < MOST_SERVERS; i++)
                requests[i] = (tft_request){.series = &histories.series[i], .origin = ORIGIN};
            const size_t values = MOST_SERVERS * c->horizon;
            out.quantiles = malloc(values * tft_config_outputs(tft_forecaster_config(f)) * sizeof(float));
            out.incident = malloc(values * sizeof(float));
            out.ok = malloc(MOST_SERVERS);
            if (out.quantiles == NULL || out.incident == NULL || out.ok == NULL)
                goto done;
            printf("model %s%s: %zu parameters, %zu + %zu steps, %.1f million operations a forecast as written\n\n",
                   tft_forecaster_name(f), subject->shipped ? "" : " (random weights)",
                   tft_model_n_values(tft_forecaster_model(f)), c->context, c->horizon, operations * 1e-6);
            printf("%-10s%10s%16s%16s%12s%16s\n", "threads", "batch", "forecasts/s", "ms a batch", "GFLOP/s",
                   "share of peak");
        }
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
            const double s = seconds_of_batch(f, requests, batches[b], &out);
            if (s < 0.0)
                goto done;
            const double rate = (double)batches[b] / s, gflops = rate * operations * 1e-9;
            printf("%-10zu%10zu%16.0f%16.2f%12.1f%14.0f %%\n", thread_counts[k], batches[b], rate, s * 1e3, gflops,
                   100.0 * gflops / peaks[k]);
            fflush(stdout);
        }
        tft_forecaster_close(f);
        f = NULL;
    }
    fine = true;
done:
    if (!fine)
        fprintf(stderr, "bench_model: no forecasts measured: %s\n", err.text);
    tft_forecaster_close(f);
    tft_dataset_close(&histories);
    free(requests);
    free(out.quantiles);
    free(out.incident);
    free(out.ok);
    return fine;
}

/* ---- training --------------------------------------------------------------------------------------------- */

typedef struct stopwatch {
    double first_s, last_s; // the ends of the first and the last step
    size_t steps;           // between them
} stopwatch;

static bool watch(void *context, const tft_train_progress *progress)
{
    stopwatch *w = context;
    (void)progress;
    w->last_s = tft_monotonic_s();
    if (w->first_s == 0.0)
        w->first_s = w->last_s; // the first step also opened everything
    else
        w->steps++;
    return w->last_s - w->first_s < TRAIN_S;
}

static bool print_training(const bench_subject *subject, const double *peaks)
{
    tft_dataset data = {0};
    tft_forecaster *f = NULL;
    tft_error err = {0};
    char out[] = "/tmp/tftd-bench-train-XXXXXX", made[512] = "";
    bool fine = false;
    if (mkdtemp(out) == NULL || tft_forecaster_open(subject->path, 1, &f, &err) != TFT_OK)
        goto done;
    const tft_config *config = tft_forecaster_config(f);
    const tft_contract *c = tft_forecaster_contract(f);
    // forward, and backward twice as much: a product each for inputs and weights
    const double operations = 3.0 * bench_operations(tft_forecaster_model(f), c->context, c->horizon);
    if (!bench_histories(c, 20, c->memory, ORIGIN, &data))
        goto done;
    printf("\ntraining, 20 servers with 8 days each, hidden size %zu\n", config->hidden_size);
    printf("%-10s%10s%16s%16s%12s%16s\n", "threads", "batch", "samples/s", "ms a step", "GFLOP/s", "share of peak");
    for (size_t k = 0; k < sizeof thread_counts / sizeof *thread_counts; k++) {
        tft_train_options o = tft_train_options_default();
        o.hidden_size = config->hidden_size;
        o.n_heads = config->n_heads;
        o.lstm_layers = config->lstm_layers;
        o.hidden_continuous_size = config->hidden_continuous_size;
        o.mixture = config->n_anchors > 0;
        o.hazard = config->hazard;
        o.epochs = 1;
        o.steps_per_epoch = 100000;
        o.max_validation_windows = 1;
        o.n_threads = thread_counts[k];
        o.out = out;
        stopwatch w = {0};
        const tft_status status = tft_train(&data, &o, watch, &w, made, sizeof made, &err);
        if (made[0] != '\0')
            tft_remove_folder(made, NULL);
        if (status != TFT_ERR_INTERRUPTED || w.steps == 0)
            goto done;
        err = (tft_error){0};
        const double step_s = (w.last_s - w.first_s) / (double)w.steps, rate = (double)o.batch / step_s;
        printf("%-10zu%10zu%16.1f%16.1f%12.1f%14.0f %%\n", thread_counts[k], o.batch, rate, step_s * 1e3,
               rate * operations * 1e-9, 100.0 * rate * operations * 1e-9 / peaks[k]);
        fflush(stdout);
    }
    fine = true;
done:
    if (!fine)
        fprintf(stderr, "bench_model: no training measured: %s\n", err.text);
    tft_remove_folder(out, NULL);
    tft_dataset_close(&data);
    tft_forecaster_close(f);
    return fine;
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : "";
    const tft_isa isa = tft_tensor_init(TFT_ISA_AUTO);
    double peaks[2];
    bench_subject subject;
    if (!bench_subject_open(&subject))
        return 1;
    for (size_t k = 0; k < 2; k++)
        peaks[k] = bench_peak_gflops_of(isa, thread_counts[k]);
    printf("multiply-adds in registers (%s): %.1f GFLOP/s on one thread, %.1f on two\n", tft_isa_name(isa), peaks[0],
           peaks[1]);
    bool fine = true;
    if (*only == '\0' || strcmp(only, "forecasts") == 0)
        fine = print_forecasts(&subject, peaks) && fine;
    if (*only == '\0' || strcmp(only, "training") == 0)
        fine = print_training(&subject, peaks) && fine;
    bench_subject_close(&subject);
    return fine ? 0 : 1;
}
