/* cmd_train.c - tftd train: CSV files to a model directory. Reads flags, shows progress; tft_train() does the work. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/interrupt.h"
#include "cli/model_spec.h"
#include "cli/train_data.h"

#define NOT_GIVEN SIZE_MAX

static const flag_page page = {
    "tftd train [--config MODEL.yaml] --out DIR FILE[@SHARE]…",
    "Trains a Temporal Fusion Transformer on CSV files (plain, .gz, .xz, .zst) and writes a model directory\n"
    "DIR/tft_model_YYYYMMDD_HHMMSS/, whose path is printed. Without --config or --targets the metrics are those of\n"
    "cpu_pct, mem_pct, disk_io_mb_s, latency_ms that the files have. Ctrl-C finishes the step and writes a usable "
    "model and\n"
    "a checkpoint; --resume goes on from it. FILE@SHARE gives a file, and those after it, that share of the training\n"
    "windows, e.g. real.csv.xz generated.csv@0.3.\n"
    "A set of servers is names a,b,c or 3/5x20: block 3 of 5 in blocks of 20, by the number at the end of the name.",
    "  tftd train --out models metrics-*.csv.xz\n"
    "  tftd train --out models --holdout-servers 3/5x20 --holdout-from 2013-08-25T00:00:00Z --max-time 30m "
    "2013-0?.csv.xz\n"
    "  tftd train --config models/specs/ettm1.yaml --out models ETTm1.csv.xz\n"};

/* What the flags say; NOT_GIVEN, NAN or NULL where they say nothing. */
typedef struct train_flags {
    const char *config, *out, *targets, *observed, *time, *server, *state, *quantiles, *holdout_servers,
        *validation_servers, *seed;
    size_t context, horizon, epochs, steps_per_epoch, batch, hidden, heads, threads, patience;
    double step, lr, dropout, max_time, incident_share;
    int64_t holdout_from;
    bool resume;
} train_flags;

static void set_size(size_t *to, size_t given)
{
    *to = given != NOT_GIVEN ? given : *to;
}

static void set_number(double *to, double given)
{
    *to = isnan(given) ? *to : given;
}

static void set_text(char *to, size_t capacity, const char *given)
{
    if (given != NULL)
        snprintf(to, capacity, "%s", given);
}

/* Calls add for every name of "a,b,c". */
static tft_status add_metrics(model_spec *spec, const char *list, bool target, tft_error *err)
{
    char name[TFT_MAX_METRIC_NAME];
    for (const char *at = list; at != NULL;) {
        const size_t n = strcspn(at, ",");
        if (n >= sizeof name)
            return tft_fail(err, TFT_ERR_ARGUMENT, "metric name of %zu bytes, at most %zu fit", n, sizeof name - 1);
        memcpy(name, at, n);
        name[n] = '\0';
        const tft_status status = model_spec_add_metric(spec, name, target, err);
        if (status != TFT_OK)
            return status;
        at = at[n] == ',' ? at + n + 1 : NULL;
    }
    return TFT_OK;
}

static tft_status set_quantiles(tft_train_options *o, const char *list, tft_error *err)
{
    size_t n = 0;
    for (const char *at = list; at != NULL && *at != '\0'; n++) {
        char *end;
        const double q = strtod(at, &end);
        if (end == at || (*end != ',' && *end != '\0') || !(q > 0 && q < 1) || n == TFT_MAX_QUANTILES ||
            (n > 0 && (float)q <= o->quantiles[n - 1]))
            return tft_fail(err, TFT_ERR_ARGUMENT,
                            "--quantiles: \"%.100s\" must be at most %d rising numbers between 0 and 1", list,
                            TFT_MAX_QUANTILES);
        o->quantiles[n] = (float)q;
        at = *end == ',' ? end + 1 : end;
    }
    o->n_quantiles = n > 0 ? n : o->n_quantiles;
    return TFT_OK;
}

static tft_status apply_flags(const train_flags *f, model_spec *spec, tft_error *err)
{
    tft_train_options *const o = &spec->train;
    double dropout = (double)o->dropout, step_s = (double)spec->contract.step_ms / 1000;
    tft_status status = TFT_OK;
    if (f->targets != NULL) {
        spec->metrics_given = false; // the flags' list replaces the file's
        spec->contract.incident = (tft_incident_rule){0};
        status = add_metrics(spec, f->targets, true, err);
    }
    if (status == TFT_OK)
        status = add_metrics(spec, f->observed, false, err);
    if (status == TFT_OK)
        status = set_quantiles(o, f->quantiles, err);
    if (status != TFT_OK)
        return status;
    set_text(spec->time, sizeof spec->time, f->time);
    set_text(spec->server, sizeof spec->server, f->server);
    set_text(spec->state, sizeof spec->state, f->state);
    set_size(&spec->contract.context, f->context);
    set_size(&spec->contract.horizon, f->horizon);
    set_number(&step_s, f->step);
    spec->contract.step_ms = (int64_t)llround(step_s * 1000);
    set_size(&o->steps_per_epoch, f->steps_per_epoch);
    set_size(&o->batch, f->batch);
    set_size(&o->hidden_size, f->hidden);
    set_size(&o->n_heads, f->heads);
    set_size(&o->n_threads, f->threads);
    set_number(&o->learning_rate, f->lr);
    set_number(&dropout, f->dropout);
    o->dropout = (float)dropout;
    set_number(&o->incident_share, f->incident_share);
    if (!isnan(f->max_time)) { // a time limit replaces the number of epochs, unless both are given
        o->max_time_s = f->max_time;
        o->epochs = 0;
        o->patience = 0; // stopping early would leave the learning rate high: the time was given to bring it down
    }
    set_size(&o->epochs, f->epochs);
    set_size(&o->patience, f->patience);
    if (f->holdout_servers != NULL)
        o->holdout_servers = f->holdout_servers;
    if (f->validation_servers != NULL)
        o->validation_servers = f->validation_servers;
    if (f->holdout_from != 0)
        o->holdout_from_ms = f->holdout_from;
    if (f->seed != NULL) {
        char *end;
        o->seed = strtoull(f->seed, &end, 10);
        if (end == f->seed || *end != '\0')
            return tft_fail(err, TFT_ERR_ARGUMENT, "--seed: \"%.60s\" is not a whole number", f->seed);
    }
    o->resume = f->resume;
    o->out = f->out;
    return TFT_OK;
}

/* ---- progress ------------------------------------------------------------------------------------------------- */

typedef struct shown {
    bool terminal;
    double last; // seconds, of the last line that was written
} shown;

static void duration_text(double seconds, char *text, size_t capacity)
{
    const long s = seconds > 0 && seconds < 1e8 ? lround(seconds) : 0;
    if (s >= 3600)
        snprintf(text, capacity, "%ldh%02ldm", s / 3600, s / 60 % 60);
    else
        snprintf(text, capacity, "%ldm%02lds", s / 60, s % 60);
}

static bool show(void *context, const tft_train_progress *p)
{
    shown *const s = context;
    const double now = tft_monotonic_s();
    const bool due = p->epoch_end || now - s->last >= (s->terminal ? 0.2 : 30);
    if (due && p->preparing > 0) {
        fprintf(stderr, "%sincident judge  %.0f %%%s", s->terminal ? "\r\033[K" : "", 100 * p->preparing,
                s->terminal && p->preparing < 1 ? "" : "\n");
        fflush(stderr);
        s->last = now;
    } else if (due) {
        char left[32], epochs[32] = "", validation[32] = "-";
        duration_text(p->seconds_left, left, sizeof left);
        if (p->epochs > 0)
            snprintf(epochs, sizeof epochs, "/%zu", p->epochs);
        if (isfinite(p->validation_loss))
            snprintf(validation, sizeof validation, "%.4f", p->validation_loss);
        fprintf(stderr, "%sepoch %zu%s  step %zu  loss %.4f  hazard %.4f  validation %s  %.0f samples/s  %s left%s",
                s->terminal ? "\r\033[K" : "", p->epoch_end ? p->epoch : p->epoch + 1, epochs, p->step, p->loss,
                p->hazard_loss, validation, p->samples_per_s, left, s->terminal && !p->epoch_end ? "" : "\n");
        fflush(stderr);
        s->last = now;
    }
    return !interrupt_asked();
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static void put_command_line(int argc, char **argv, tft_text *text)
{
    tft_text_puts(text, "tftd");
    for (int i = 0; i < argc; i++)
        tft_text_printf(text, " %s", argv[i]);
}

static void tell_data(const train_data *data)
{
    const tft_dataset *const d = &data->dataset;
    fprintf(stderr, "%zu servers, %zu rows", d->n_servers, d->n_rows);
    if (d->n_rejected > 0)
        fprintf(stderr, ", %zu left out (first: %s)", d->n_rejected, d->first_fault);
    fprintf(stderr, "; metrics:");
    for (size_t m = 0; m < d->contract.n_metrics; m++)
        fprintf(stderr, " %s%s", d->contract.metrics[m].name, d->contract.metrics[m].target ? "" : " (observed)");
    fprintf(stderr, "\n");
}

static int run(model_spec *spec, const flag_list *files, const char *command_line)
{
    tft_error err = {0};
    train_data data = {0};
    char path[4096];
    tft_status status = train_data_read(spec, files, &data, &err);
    if (status == TFT_OK) {
        tell_data(&data);
        spec->train.command_line = command_line;
        spec->train.commit = "tftd " TFTD_VERSION;
        if (data.n_groups > 0) {
            spec->train.group_of = data.group_of;
            spec->train.group_share = data.share;
            spec->train.n_groups = data.n_groups;
        }
        shown progress = {.terminal = isatty(STDERR_FILENO) != 0, .last = tft_monotonic_s()};
        interrupt_listen();
        status = tft_train(&data.dataset, &spec->train, show, &progress, path, sizeof path, &err);
        if (progress.terminal)
            fprintf(stderr, "\n");
    }
    if (status == TFT_OK || status == TFT_ERR_INTERRUPTED)
        printf("%s\n", path);
    if (status != TFT_OK)
        fprintf(stderr, "tftd train: %s\n", err.text);
    train_data_free(&data);
    return command_exit_code(status);
}

int cmd_train(int argc, char **argv)
{
    train_flags f = {.context = NOT_GIVEN,
                     .horizon = NOT_GIVEN,
                     .epochs = NOT_GIVEN,
                     .steps_per_epoch = NOT_GIVEN,
                     .batch = NOT_GIVEN,
                     .hidden = NOT_GIVEN,
                     .heads = NOT_GIVEN,
                     .threads = NOT_GIVEN,
                     .patience = NOT_GIVEN,
                     .step = NAN,
                     .lr = NAN,
                     .dropout = NAN,
                     .max_time = NAN,
                     .incident_share = NAN};
    const flag flags[] = {
        {"--config", "MODEL.yaml", "columns, contract, network and schedule (docs/TRAINING.md); flags win", FLAG_TEXT,
         &f.config},
        {"--out", "DIR", "where the model directory and checkpoint.tft go", FLAG_TEXT, &f.out},
        {"--targets", "A,B,…", "metrics (columns) to forecast", FLAG_TEXT, &f.targets},
        {"--observed", "A,B,…", "metrics that are read but not forecast", FLAG_TEXT, &f.observed},
        {"--time-column", "NAME", "default: timestamp, else date", FLAG_TEXT, &f.time},
        {"--server-column", "NAME", "default: server_name; a file without it is one server", FLAG_TEXT, &f.server},
        {"--state-column", "NAME", "default: state", FLAG_TEXT, &f.state},
        {"--step", "DURATION", "length of a step (5m)", FLAG_DURATION, &f.step},
        {"--context", "STEPS", "past steps the network reads, at most (288)", FLAG_SIZE, &f.context},
        {"--horizon", "STEPS", "steps to forecast (96)", FLAG_SIZE, &f.horizon},
        {"--quantiles", "Q,Q,…", "levels to forecast (0.02,0.1,0.25,0.5,0.75,0.9,0.98)", FLAG_TEXT, &f.quantiles},
        {"--epochs", "N", "epochs (20); with --max-time: at most, default as many as fit", FLAG_SIZE, &f.epochs},
        {"--steps-per-epoch", "N", "batches between two validations (200)", FLAG_SIZE, &f.steps_per_epoch},
        {"--batch", "N", "windows per step (64)", FLAG_SIZE, &f.batch},
        {"--lr", "RATE", "peak learning rate (0.002)", FLAG_NUMBER, &f.lr},
        {"--hidden", "N", "width of the network (64)", FLAG_SIZE, &f.hidden},
        {"--heads", "N", "attention heads (4)", FLAG_SIZE, &f.heads},
        {"--dropout", "P", "dropout (0.3)", FLAG_NUMBER, &f.dropout},
        {"--seed", "N", "same seed, data, options and threads: same bytes (1)", FLAG_TEXT, &f.seed},
        {"--threads", "N", "0 = all cores (0)", FLAG_SIZE, &f.threads},
        {"--holdout-servers", "SET", "servers that the model never sees", FLAG_TEXT, &f.holdout_servers},
        {"--holdout-from", "TIME", "no target at or after this instant", FLAG_TIME, &f.holdout_from},
        {"--validation-servers", "SET", "servers that early stopping looks at (every tenth)", FLAG_TEXT,
         &f.validation_servers},
        {"--patience", "N", "epochs without improvement before stopping, 0 = never (8; with --max-time 0)", FLAG_SIZE,
         &f.patience},
        {"--incident-share", "S", "share of windows drawn from before incidents, 0 = as they come (0)", FLAG_NUMBER,
         &f.incident_share},
        {"--max-time", "DURATION", "end by then, the learning rate's schedule fitted to it", FLAG_DURATION,
         &f.max_time},
        {"--resume", NULL, "go on from DIR/checkpoint.tft", FLAG_SWITCH, &f.resume},
        {0}};
    flag_list files = {0};
    const int code = flags_parse(argc, argv, &page, flags, &files);
    if (code >= 0)
        return code;
    if (f.out == NULL || files.n == 0) {
        fprintf(stderr, "tftd train: %s; `tftd help train` shows how\n",
                f.out == NULL ? "--out is missing" : "no FILE");
        return EXIT_USAGE;
    }
    tft_error err = {0};
    tft_text line = tft_text_new((size_t)1 << 20);
    model_spec spec;
    model_spec_init(&spec);
    int result = EXIT_CONFIG;
    if (f.config != NULL && model_spec_read(f.config, &spec, &err) != TFT_OK) {
        fprintf(stderr, "tftd train: %s\n", err.text);
        return EXIT_CONFIG;
    }
    if (apply_flags(&f, &spec, &err) != TFT_OK) {
        fprintf(stderr, "tftd train: %s\n", err.text);
        return EXIT_USAGE;
    }
    put_command_line(argc, argv, &line);
    result = run(&spec, &files, line.bytes);
    tft_text_free(&line);
    return result;
}
