/* golden.c - see golden.h. */
#include "tft/golden.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/pool.h"
#include "tft/golden_case.h"
#include "tft/weights.h"

#define MAX_THREADS 64

typedef struct golden_case {
    const tft_golden_options *options;
    tft_golden_case in;
    tft_safetensors output, grad, grad_raw;
    tft_outputs outputs; // of the evaluation pass
    float *raw_training; // [B, T, Q] of the training pass
    float *raw_served;   // [B, T, Q] of the way that a forecast takes: curves, no tape
    size_t n_shards;
    tft_workspace *workspaces[MAX_THREADS];
    tft_losses losses[2]; // of the two kinds
    float *gradients[2];  // in parameter order, without padding
    tft_golden_report *report;
} golden_case;

/* ---- running it --------------------------------------------------------------------------------------- */

static size_t n_of(const tft_inputs *inputs)
{
    return (size_t)inputs->n_embeddings + inputs->n_reals;
}

static tft_status make_buffers(golden_case *c, tft_error *err)
{
    const size_t rows = c->in.b * c->in.t, heads = c->in.config.n_heads, values = tft_model_n_values(c->in.model);
    tft_outputs *const o = &c->outputs;
    o->raw = calloc(rows * c->in.q, sizeof(float));
    o->prediction = calloc(rows * c->in.q, sizeof(float));
    o->encoder_attention = calloc(rows * heads * c->in.e, sizeof(float));
    o->decoder_attention = calloc(rows * heads * c->in.t, sizeof(float));
    o->static_selection = calloc(c->in.b * n_of(&c->in.config.static_inputs) + 1, sizeof(float));
    o->encoder_selection = calloc(c->in.b * c->in.e * n_of(&c->in.config.encoder_inputs) + 1, sizeof(float));
    o->decoder_selection = calloc(rows * n_of(&c->in.config.decoder_inputs) + 1, sizeof(float));
    c->raw_training = calloc(rows * c->in.q, sizeof(float));
    c->raw_served = calloc(rows * c->in.q, sizeof(float));
    c->gradients[0] = calloc(values, sizeof(float));
    c->gradients[1] = calloc(values, sizeof(float));
    if (o->raw == NULL || o->prediction == NULL || o->encoder_attention == NULL || o->decoder_attention == NULL ||
        o->static_selection == NULL || o->encoder_selection == NULL || o->decoder_selection == NULL ||
        c->raw_training == NULL || c->raw_served == NULL || c->gradients[0] == NULL || c->gradients[1] == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the outputs of %zu windows", c->in.b);
    const size_t threads = c->options->n_threads > MAX_THREADS ? MAX_THREADS : c->options->n_threads;
    c->n_shards = threads == 0 ? 1 : (threads < c->in.b ? threads : c->in.b);
    const size_t most = (c->in.b + c->n_shards - 1) / c->n_shards;
    for (size_t i = 0; i < c->n_shards; i++) {
        const tft_status status = tft_workspace_open(c->in.model, most, c->in.e, c->in.t, true, &c->workspaces[i], err);
        if (status != TFT_OK)
            return status;
    }
    return TFT_OK;
}

/* Windows of shard i. */
static void shard_range(const golden_case *c, size_t i, size_t *first, size_t *n)
{
    const size_t most = (c->in.b + c->n_shards - 1) / c->n_shards;
    *first = i * most < c->in.b ? i * most : c->in.b;
    *n = c->in.b - *first < most ? c->in.b - *first : most;
}

enum { SERVED = -2, EVALUATED = -1 };

typedef struct shard_run {
    golden_case *c;
    int kind; // SERVED, EVALUATED, else a tft_loss_kind
    tft_status status[MAX_THREADS];
    tft_error err[MAX_THREADS];
    tft_losses losses[MAX_THREADS];
} shard_run;

static tft_batch batch_from(const golden_case *c, size_t first, size_t n)
{
    const tft_config *const config = &c->in.config;
    tft_batch batch = c->in.batch;
    batch.n_windows = n;
    batch.encoder_lengths += first;
    batch.decoder_lengths += first;
    batch.static_reals += first * config->static_inputs.n_reals;
    batch.encoder_reals += first * c->in.e * config->encoder_inputs.n_reals;
    batch.decoder_reals += first * c->in.t * config->decoder_inputs.n_reals;
    batch.static_codes += first * config->n_categoricals;
    batch.encoder_codes += first * c->in.e * config->n_categoricals;
    batch.decoder_codes += first * c->in.t * config->n_categoricals;
    batch.target_scale += first * c->in.m * 2;
    return batch;
}

static tft_outputs outputs_from(const golden_case *c, size_t first)
{
    tft_outputs o = c->outputs;
    const size_t row = first * c->in.t;
    o.raw += row * c->in.q;
    o.prediction += row * c->in.q;
    o.encoder_attention += row * c->in.config.n_heads * c->in.e;
    o.decoder_attention += row * c->in.config.n_heads * c->in.t;
    o.static_selection += first * n_of(&c->in.config.static_inputs);
    o.encoder_selection += first * c->in.e * n_of(&c->in.config.encoder_inputs);
    o.decoder_selection += row * n_of(&c->in.config.decoder_inputs);
    return o;
}

/* As a forecast is made: a workspace without a tape, curves, and nobody asks for attention. */
static tft_status run_served(golden_case *c, const tft_batch *batch, float *raw, tft_error *err)
{
    tft_workspace *workspace = NULL;
    const tft_outputs outputs = {.raw = raw};
    tft_status status = tft_workspace_open(c->in.model, batch->n_windows, c->in.e, c->in.t, false, &workspace, err);
    if (status == TFT_OK)
        status = tft_model_forward(c->in.model, workspace, batch, &outputs, err);
    tft_workspace_close(workspace);
    return status;
}

static void run_shard(void *context, size_t i, size_t worker)
{
    (void)worker;
    shard_run *const run = context;
    golden_case *const c = run->c;
    size_t first = 0, n = 0;
    shard_range(c, i, &first, &n);
    if (n == 0)
        return;
    const tft_batch batch = batch_from(c, first, n);
    if (run->kind == SERVED) {
        run->status[i] = run_served(c, &batch, c->raw_served + first * c->in.t * c->in.q, &run->err[i]);
        return;
    }
    if (run->kind == EVALUATED) {
        const tft_outputs outputs = outputs_from(c, first);
        run->status[i] = tft_model_forward(c->in.model, c->workspaces[i], &batch, &outputs, &run->err[i]);
        return;
    }
    double steps = 0.0, all = 0.0;
    for (size_t b = 0; b < c->in.b; b++) {
        all += (double)c->in.decoder_lengths[b];
        steps += b >= first && b < first + n ? (double)c->in.decoder_lengths[b] : 0.0;
    }
    tft_truth truth = c->in.truth;
    truth.target += first * c->in.t * c->in.m;
    truth.target_scaled += first * c->in.t * c->in.m;
    const tft_outputs outputs = {.raw = c->raw_training + first * c->in.t * c->in.q};
    tft_workspace_zero_gradients(c->workspaces[i]);
    run->status[i] = tft_model_train_pass(c->in.model, c->workspaces[i], &batch, &truth, (tft_loss_kind)run->kind, 0,
                                          (float)(steps / all), &outputs, &run->losses[i], &run->err[i]);
    run->losses[i].total *= steps / all; // a shard's loss is the mean over its own steps
}

static void add_gradients(golden_case *c, size_t shard, float *sum)
{
    for (size_t i = 0; i < tft_model_n_parameters(c->in.model); i++) {
        const size_t n = tft_model_parameter(c->in.model, i).n;
        const float *const part = tft_workspace_gradient(c->workspaces[shard], i);
        for (size_t k = 0; k < n; k++)
            *sum++ += part[k];
    }
}

static tft_status run_passes(golden_case *c, tft_error *err)
{
    tft_pool *pool = NULL;
    tft_status status = tft_pool_open(c->n_shards, &pool, err);
    if (status == TFT_OK)
        status = tft_model_tabulate(c->in.model, err);
    if (c->options->bf16)
        tft_model_set_precision(c->in.model, TFT_PRECISION_BF16); // which does not train
    for (int kind = SERVED; status == TFT_OK && kind < (c->options->bf16 ? 0 : 2); kind++) {
        shard_run run = {.c = c, .kind = kind};
        tft_pool_run(pool, c->n_shards, run_shard, &run);
        for (size_t i = 0; status == TFT_OK && i < c->n_shards; i++) {
            status = run.status[i];
            if (status != TFT_OK) {
                tft_fail(err, status, "%s", run.err[i].text);
            } else if (kind >= 0) {
                c->losses[kind].total += run.losses[i].total;
                add_gradients(c, i, c->gradients[kind]);
            }
        }
    }
    tft_pool_close(pool);
    return status;
}

/* ---- comparing ---------------------------------------------------------------------------------------- */

/* Rows of a reference tensor: `inner` rows per step, `steps` steps per window; which of them count. */
typedef struct compared {
    size_t n_windows, steps, inner, width;
    const uint32_t *lengths;       // valid steps per window; NULL: all
    const uint32_t *width_lengths; // valid columns per window; NULL: all
    const float *ours;             // rows of ld floats
    size_t ld;
} compared;

typedef struct difference {
    double abs, largest; // NaN counts as infinite
} difference;

static void differ(difference *d, double ours, double reference)
{
    const double delta = fabs(ours - reference);
    d->abs = !(delta <= d->abs) ? (isnan(delta) ? INFINITY : delta) : d->abs;
    d->largest = fabs(reference) > d->largest ? fabs(reference) : d->largest;
}

static difference compare_rows(const tft_tensor_view *reference, const compared *c)
{
    difference d = {0.0, 0.0};
    for (size_t r = 0; r < c->n_windows * c->steps * c->inner; r++) {
        const size_t b = r / (c->steps * c->inner), t = r / c->inner % c->steps;
        if (c->lengths != NULL && t >= c->lengths[b])
            continue;
        const size_t width = c->width_lengths != NULL ? c->width_lengths[b] : c->width;
        for (size_t i = 0; i < width; i++)
            differ(&d, (double)c->ours[r * c->ld + i], tft_tensor_value(reference, r * c->width + i));
    }
    return d;
}

/* base: what the default tolerance is relative to; scale: what --rtol is relative to. */
static void add_line(golden_case *c, const char *name, difference d, double allowed, double scale)
{
    tft_golden_line *const line = &c->report->lines[c->report->n++];
    snprintf(line->name, sizeof line->name, "%s", name);
    line->max_abs = d.abs;
    line->max_rel = d.largest > 0.0 ? d.abs / d.largest : 0.0;
    line->allowed = c->options->given ? c->options->atol + c->options->rtol * scale : allowed;
    line->ok = d.abs <= line->allowed;
    c->report->n_failed += line->ok ? 0 : 1;
}

static tft_status check_rows(golden_case *c, const char *name, const char *shown, const compared *rows,
                             double extra_scale, tft_error *err)
{
    if (rows->n_windows * rows->steps * rows->inner * rows->width == 0)
        return TFT_OK; // tensors without elements are left out of the files
    const tft_tensor_view *view = NULL;
    const tft_status status = tft_golden_need(&c->output, "output", name,
                                              rows->n_windows * rows->steps * rows->inner * rows->width, &view, err);
    if (status != TFT_OK)
        return status;
    const difference d = compare_rows(view, rows);
    const double top = d.largest > 1.0 ? d.largest : 1.0;
    add_line(c, shown, d, extra_scale > 0.0 ? 1e-5 * extra_scale + 1.2e-7 * d.largest : 1e-5 * top, d.largest);
    return TFT_OK;
}

static double largest_scale(const golden_case *c, size_t target)
{
    double top = 0.0;
    for (size_t b = 0; b < c->in.b; b++)
        top = fmax(top, fabs((double)c->in.scale[(b * c->in.m + target) * 2 + 1]));
    return top > 1.0 ? top : 1.0;
}

static tft_status check_forecasts(golden_case *c, tft_error *err)
{
    tft_status status = TFT_OK;
    size_t first = 0;
    for (size_t i = 0; status == TFT_OK && i < c->in.m; first += c->in.config.targets[i++].n_quantiles) {
        char name[40], shown[64];
        compared rows = {c->in.b,
                         c->in.t,
                         1,
                         c->in.config.targets[i].n_quantiles,
                         c->in.decoder_lengths,
                         NULL,
                         c->outputs.raw + first,
                         c->in.q};
        snprintf(name, sizeof name, "raw.%zu", i);
        status = check_rows(c, name, name, &rows, 0.0, err);
        rows.ours = c->raw_training + first;
        snprintf(shown, sizeof shown, "raw.%zu (training pass)", i);
        if (status == TFT_OK && !c->options->bf16)
            status = check_rows(c, name, shown, &rows, 0.0, err);
        rows.ours = c->raw_served + first;
        snprintf(shown, sizeof shown, "raw.%zu (as served)", i);
        if (status == TFT_OK)
            status = check_rows(c, name, shown, &rows, 0.0, err);
        rows.ours = c->outputs.prediction + first;
        snprintf(name, sizeof name, "prediction.%zu", i);
        if (status == TFT_OK)
            status = check_rows(c, name, name, &rows, largest_scale(c, i), err);
    }
    return status;
}

static tft_status check_weights(golden_case *c, tft_error *err)
{
    const size_t heads = c->in.config.n_heads, n_static = n_of(&c->in.config.static_inputs);
    const size_t n_encoder = n_of(&c->in.config.encoder_inputs), n_decoder = n_of(&c->in.config.decoder_inputs);
    const tft_outputs *const o = &c->outputs;
    const struct {
        const char *name;
        compared rows;
    } all[] = {
        {"encoder_attention",
         {c->in.b, c->in.t, heads, c->in.e, c->in.decoder_lengths, c->in.encoder_lengths, o->encoder_attention,
          c->in.e}},
        {"decoder_attention",
         {c->in.b, c->in.t, heads, c->in.t, c->in.decoder_lengths, c->in.decoder_lengths, o->decoder_attention,
          c->in.t}},
        {"static_variables", {c->in.b, 1, 1, n_static, NULL, NULL, o->static_selection, n_static}},
        {"encoder_variables",
         {c->in.b, c->in.e, 1, n_encoder, c->in.encoder_lengths, NULL, o->encoder_selection, n_encoder}},
        {"decoder_variables",
         {c->in.b, c->in.t, 1, n_decoder, c->in.decoder_lengths, NULL, o->decoder_selection, n_decoder}},
    };
    tft_status status = TFT_OK;
    for (size_t i = 0; status == TFT_OK && i < sizeof all / sizeof all[0]; i++)
        status = check_rows(c, all[i].name, all[i].name, &all[i].rows, 0.0, err);
    return status;
}

static tft_status check_losses(golden_case *c, tft_error *err)
{
    static const char *const names[] = {"loss", "loss_raw"};
    for (int kind = 0; kind < 2; kind++) {
        const tft_tensor_view *view = NULL;
        const tft_status status = tft_golden_need(&c->output, "output", names[kind], 1, &view, err);
        if (status != TFT_OK)
            return status;
        difference d = {0.0, 0.0};
        differ(&d, c->losses[kind].total, tft_tensor_value(view, 0));
        add_line(c, names[kind], d, 1e-5 * (d.largest > 1.0 ? d.largest : 1.0), d.largest);
    }
    return TFT_OK;
}

/* A gradient in the file: the parameter it belongs to, and which form of it ("|norm", "|head" or all). */
typedef enum gradient_form { GRADIENT_WHOLE, GRADIENT_NORM, GRADIENT_HEAD } gradient_form;

static size_t gradient_parameter(const golden_case *c, const char *stored, gradient_form *form)
{
    char canonical[TFT_TENSOR_NAME];
    tft_canonical_name(&c->in.config, stored, canonical, sizeof canonical);
    char *const bar = strrchr(canonical, '|');
    *form = GRADIENT_WHOLE;
    if (bar != NULL && strcmp(bar, "|norm") == 0)
        *form = GRADIENT_NORM;
    else if (bar != NULL && strcmp(bar, "|head") == 0)
        *form = GRADIENT_HEAD;
    if (*form != GRADIENT_WHOLE)
        *bar = '\0';
    return tft_parameter_index(c->in.model, canonical);
}

static tft_status compare_gradient(const golden_case *c, const tft_tensor_view *view, const float *ours, size_t n,
                                   gradient_form form, difference *d, tft_error *err)
{
    if ((form == GRADIENT_WHOLE && view->n != n) || (form == GRADIENT_NORM && view->n != 1) || view->n > n)
        return tft_fail(err, TFT_ERR_FORMAT, "gradient %s: %zu elements, the parameter has %zu", view->name, view->n,
                        n);
    *d = (difference){0.0, 0.0};
    if (form == GRADIENT_NORM) {
        double sum = 0.0;
        for (size_t k = 0; k < n; k++)
            sum += (double)ours[k] * (double)ours[k];
        differ(d, sqrt(sum), tft_tensor_value(view, 0));
        return TFT_OK;
    }
    for (size_t k = 0; k < view->n; k++)
        differ(d, (double)ours[k], tft_tensor_value(view, k));
    (void)c;
    return TFT_OK;
}

static tft_status check_gradients(golden_case *c, const tft_safetensors *file, int kind, const char *label,
                                  tft_error *err)
{
    const size_t n_parameters = tft_model_n_parameters(c->in.model);
    double top[3] = {0.0, 0.0, 0.0}; // largest of the whole model, by form
    for (size_t round = 0; round < 2; round++) {
        for (size_t f = 0; f < file->n; f++) {
            const tft_tensor_view *const view = &file->tensors[f];
            gradient_form form = GRADIENT_WHOLE;
            const size_t i = gradient_parameter(c, view->name, &form);
            if (i == n_parameters)
                return tft_fail(err, TFT_ERR_MISMATCH, "%s: %s is no parameter of this network", label, view->name);
            const float *ours = c->gradients[kind];
            for (size_t k = 0; k < i; k++)
                ours += tft_model_parameter(c->in.model, k).n;
            difference d;
            const tft_status status =
                compare_gradient(c, view, ours, tft_model_parameter(c->in.model, i).n, form, &d, err);
            if (status != TFT_OK)
                return status;
            if (round == 0) {
                top[form] = fmax(top[form], d.largest);
                continue;
            }
            char shown[TFT_TENSOR_NAME + 16];
            snprintf(shown, sizeof shown, "%s %s", label, view->name);
            const double scale = fmax(d.largest, 1e-3 * top[form]);
            add_line(c, shown, d, 1e-4 * scale, scale);
        }
    }
    return TFT_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

static void close_case(golden_case *c)
{
    for (size_t i = 0; i < c->n_shards; i++)
        tft_workspace_close(c->workspaces[i]);
    tft_golden_case_close(&c->in);
    tft_safetensors_close(&c->output);
    tft_safetensors_close(&c->grad);
    tft_safetensors_close(&c->grad_raw);
    void *const owned[] = {c->outputs.raw,
                           c->outputs.prediction,
                           c->outputs.encoder_attention,
                           c->outputs.decoder_attention,
                           c->outputs.static_selection,
                           c->outputs.encoder_selection,
                           c->outputs.decoder_selection,
                           c->raw_training,
                           c->raw_served,
                           c->gradients[0],
                           c->gradients[1]};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free(owned[i]);
}

static tft_status open_case(golden_case *c, const char *folder, tft_error *err)
{
    tft_status status = tft_golden_case_open(folder, &c->in, err);
    if (status == TFT_OK)
        status = tft_golden_file(folder, c->options->doubles ? "output_f64" : "output", &c->output, err);
    if (status == TFT_OK)
        status = tft_golden_file(folder, c->options->doubles ? "grad_f64" : "grad", &c->grad, err);
    if (status == TFT_OK && !c->options->doubles) // there is no grad_raw_f64
        status = tft_golden_file(folder, "grad_raw", &c->grad_raw, err);
    return status == TFT_OK ? make_buffers(c, err) : status;
}

tft_status tft_golden_check(const char *folder, const tft_golden_options *options, tft_golden_report *report,
                            tft_error *err)
{
    memset(report, 0, sizeof *report);
    golden_case *const c = calloc(1, sizeof *c);
    if (c == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a reference case");
    c->options = options;
    c->report = report;
    tft_status status = open_case(c, folder, err);
    if (status == TFT_OK)
        status = run_passes(c, err);
    if (status == TFT_OK) {
        report->lines = calloc(16 + 4 * c->in.m + c->grad.n + c->grad_raw.n, sizeof *report->lines);
        if (report->lines == NULL)
            status = tft_fail(err, TFT_ERR_MEMORY, "no memory for a report");
    }
    if (status == TFT_OK)
        status = check_forecasts(c, err);
    if (status == TFT_OK)
        status = check_weights(c, err);
    const bool learned = !options->bf16;
    if (status == TFT_OK && learned)
        status = check_losses(c, err);
    if (status == TFT_OK && learned)
        status = check_gradients(c, &c->grad, TFT_LOSS_PREDICTION, "grad", err);
    if (status == TFT_OK && learned)
        status = check_gradients(c, &c->grad_raw, TFT_LOSS_SCALED, "grad_raw", err);
    close_case(c);
    free(c);
    if (status != TFT_OK)
        tft_golden_report_free(report);
    return status;
}

void tft_golden_report_free(tft_golden_report *report)
{
    free(report->lines);
    memset(report, 0, sizeof *report);
}
