/* golden.c - see golden.h. */
#include "tft/golden.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "tensor/pool.h"
#include "tft/config_json.h"
#include "tft/model.h"
#include "tft/safetensors.h"
#include "tft/weights.h"

#define MAX_THREADS 64
#define MAX_CONFIG_BYTES ((size_t)4 << 20)

typedef struct golden_case {
    const char *folder;
    const tft_golden_options *options;
    tft_config config;
    tft_model *model;
    tft_safetensors input, output, grad, grad_raw;
    size_t b, e, t, q, m; // windows, encoder and decoder steps, outputs, targets
    uint32_t *encoder_lengths, *decoder_lengths;
    float *statics, *encoder_reals, *decoder_reals, *scale, *target, *target_scaled;
    int32_t *static_codes, *encoder_codes, *decoder_codes;
    tft_batch batch;
    tft_truth truth;
    tft_outputs outputs; // of the evaluation pass
    float *raw_training; // [B, T, Q] of the training pass
    size_t n_shards;
    tft_workspace *workspaces[MAX_THREADS];
    tft_losses losses[2]; // of the two kinds
    float *gradients[2];  // in parameter order, without padding
    tft_golden_report *report;
} golden_case;

/* ---- reading the case --------------------------------------------------------------------------------- */

static tft_status open_file(const golden_case *c, const char *name, tft_safetensors *file, tft_error *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.safetensors", c->folder, name);
    return tft_safetensors_open(path, file, err);
}

static tft_status read_config(golden_case *c, tft_error *err)
{
    char path[4096], *bytes = NULL;
    size_t n = 0;
    tft_json_document document = {0};
    snprintf(path, sizeof path, "%s/config.json", c->folder);
    tft_status status = tft_file_read(path, MAX_CONFIG_BYTES, &bytes, &n, err);
    if (status != TFT_OK)
        return status;
    status = tft_json_parse(bytes, n, 32, &document, err);
    if (status == TFT_OK)
        status = tft_config_from_pytorch_forecasting(document.root, &c->config, err);
    if (status != TFT_OK)
        tft_error_prefix(err, "%s", path);
    tft_json_free(&document);
    free(bytes);
    return status;
}

static tft_status read_model(golden_case *c, tft_error *err)
{
    char path[4096];
    tft_status status = tft_model_open(&c->config, &c->model, err);
    if (status != TFT_OK)
        return status;
    snprintf(path, sizeof path, "%s/model.safetensors", c->folder);
    return tft_model_load_weights(c->model, path, err);
}

static tft_status need(const tft_safetensors *file, const char *what, const char *name, size_t n,
                       const tft_tensor_view **view, tft_error *err)
{
    *view = tft_safetensors_find(file, name);
    if (*view == NULL)
        return tft_fail(err, TFT_ERR_FORMAT, "%s: no tensor %s", what, name);
    if ((*view)->n != n)
        return tft_fail(err, TFT_ERR_FORMAT, "%s: tensor %s has %zu elements, expected %zu", what, name, (*view)->n, n);
    return TFT_OK;
}

static tft_status read_lengths(golden_case *c, const char *name, uint32_t **lengths, size_t *longest, tft_error *err)
{
    const tft_tensor_view *const view = tft_safetensors_find(&c->input, name);
    if (view == NULL || view->n == 0 || view->n > 65536)
        return tft_fail(err, TFT_ERR_FORMAT, "input: no %s", name);
    if (c->b != 0 && view->n != c->b)
        return tft_fail(err, TFT_ERR_FORMAT, "input: %zu %s for %zu windows", view->n, name, c->b);
    c->b = view->n;
    *lengths = calloc(c->b, sizeof **lengths);
    if (*lengths == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for lengths");
    *longest = 0;
    for (size_t i = 0; i < c->b; i++) {
        const double value = tft_tensor_value(view, i);
        if (!(value >= 1.0 && value <= 100000.0))
            return tft_fail(err, TFT_ERR_FORMAT, "input: %s of window %zu is %g", name, i, value);
        (*lengths)[i] = (uint32_t)value;
        *longest = (*lengths)[i] > *longest ? (*lengths)[i] : *longest;
    }
    return TFT_OK;
}

/* Columns of a place's reals out of all reals, [B, steps, all] → [B, steps, n]; statics are read at step 0. */
static tft_status read_reals(const golden_case *c, const char *name, size_t steps, bool first_step,
                             const tft_inputs *inputs, float **out, tft_error *err)
{
    const size_t n = inputs->n_reals, all = c->config.n_reals, kept = first_step ? 1 : steps;
    *out = calloc(c->b * kept * n + 1, sizeof **out);
    if (*out == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for inputs");
    if (n == 0)
        return TFT_OK;
    const tft_tensor_view *view = NULL;
    const tft_status status = need(&c->input, "input", name, c->b * steps * all, &view, err);
    for (size_t r = 0; status == TFT_OK && r < c->b * kept; r++) {
        const size_t row = first_step ? r * steps : r;
        for (size_t i = 0; i < n; i++)
            (*out)[r * n + i] = (float)tft_tensor_value(view, row * all + inputs->reals[i]);
    }
    return status;
}

static tft_status read_codes(const golden_case *c, const char *name, size_t steps, bool first_step, int32_t **out,
                             tft_error *err)
{
    const size_t n = c->config.n_categoricals, kept = first_step ? 1 : steps;
    *out = calloc(c->b * kept * n + 1, sizeof **out);
    if (*out == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for inputs");
    if (n == 0)
        return TFT_OK;
    const tft_tensor_view *view = NULL;
    const tft_status status = need(&c->input, "input", name, c->b * steps * n, &view, err);
    for (size_t r = 0; status == TFT_OK && r < c->b * kept; r++) {
        for (size_t i = 0; i < n; i++)
            (*out)[r * n + i] = (int32_t)tft_tensor_value(view, (first_step ? r * steps : r) * n + i);
    }
    return status;
}

static tft_status read_target(golden_case *c, size_t i, tft_error *err)
{
    const tft_tensor_view *target = NULL, *scaled = NULL, *scale = NULL;
    char name[3][40];
    snprintf(name[0], sizeof name[0], "target.%zu", i);
    snprintf(name[1], sizeof name[1], "target_normalized.%zu", i);
    snprintf(name[2], sizeof name[2], "target_scale.%zu", i);
    tft_status status = need(&c->input, "input", name[0], c->b * c->t, &target, err);
    if (status == TFT_OK)
        status = need(&c->input, "input", name[1], c->b * c->t, &scaled, err);
    if (status == TFT_OK)
        status = need(&c->input, "input", name[2], c->b * 2, &scale, err);
    if (status != TFT_OK)
        return status;
    for (size_t r = 0; r < c->b * c->t; r++) {
        c->target[r * c->m + i] = (float)tft_tensor_value(target, r);
        c->target_scaled[r * c->m + i] = (float)tft_tensor_value(scaled, r);
    }
    for (size_t b = 0; b < c->b; b++) {
        c->scale[(b * c->m + i) * 2] = (float)tft_tensor_value(scale, b * 2);
        c->scale[(b * c->m + i) * 2 + 1] = (float)tft_tensor_value(scale, b * 2 + 1);
    }
    return TFT_OK;
}

static tft_status read_input(golden_case *c, tft_error *err)
{
    tft_status status = read_lengths(c, "encoder_lengths", &c->encoder_lengths, &c->e, err);
    if (status == TFT_OK)
        status = read_lengths(c, "decoder_lengths", &c->decoder_lengths, &c->t, err);
    c->q = tft_config_outputs(&c->config);
    c->m = c->config.n_targets;
    if (status == TFT_OK)
        status = read_reals(c, "encoder_cont", c->e, true, &c->config.static_inputs, &c->statics, err);
    if (status == TFT_OK)
        status = read_reals(c, "encoder_cont", c->e, false, &c->config.encoder_inputs, &c->encoder_reals, err);
    if (status == TFT_OK)
        status = read_reals(c, "decoder_cont", c->t, false, &c->config.decoder_inputs, &c->decoder_reals, err);
    if (status == TFT_OK)
        status = read_codes(c, "encoder_cat", c->e, true, &c->static_codes, err);
    if (status == TFT_OK)
        status = read_codes(c, "encoder_cat", c->e, false, &c->encoder_codes, err);
    if (status == TFT_OK)
        status = read_codes(c, "decoder_cat", c->t, false, &c->decoder_codes, err);
    if (status != TFT_OK)
        return status;
    c->target = calloc(c->b * c->t * c->m, sizeof *c->target);
    c->target_scaled = calloc(c->b * c->t * c->m, sizeof *c->target_scaled);
    c->scale = calloc(c->b * c->m * 2, sizeof *c->scale);
    if (c->target == NULL || c->target_scaled == NULL || c->scale == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for targets");
    for (size_t i = 0; status == TFT_OK && i < c->m; i++)
        status = read_target(c, i, err);
    c->batch = (tft_batch){.n_windows = c->b,
                           .encoder_steps = c->e,
                           .decoder_steps = c->t,
                           .encoder_lengths = c->encoder_lengths,
                           .decoder_lengths = c->decoder_lengths,
                           .static_reals = c->statics,
                           .encoder_reals = c->encoder_reals,
                           .decoder_reals = c->decoder_reals,
                           .static_codes = c->static_codes,
                           .encoder_codes = c->encoder_codes,
                           .decoder_codes = c->decoder_codes,
                           .target_scale = c->scale};
    c->truth = (tft_truth){.target = c->target, .target_scaled = c->target_scaled};
    return status;
}

/* ---- running it --------------------------------------------------------------------------------------- */

static size_t n_of(const tft_inputs *inputs)
{
    return (size_t)inputs->n_embeddings + inputs->n_reals;
}

static tft_status make_buffers(golden_case *c, tft_error *err)
{
    const size_t rows = c->b * c->t, heads = c->config.n_heads, values = tft_model_n_values(c->model);
    tft_outputs *const o = &c->outputs;
    o->raw = calloc(rows * c->q, sizeof(float));
    o->prediction = calloc(rows * c->q, sizeof(float));
    o->encoder_attention = calloc(rows * heads * c->e, sizeof(float));
    o->decoder_attention = calloc(rows * heads * c->t, sizeof(float));
    o->static_selection = calloc(c->b * n_of(&c->config.static_inputs) + 1, sizeof(float));
    o->encoder_selection = calloc(c->b * c->e * n_of(&c->config.encoder_inputs) + 1, sizeof(float));
    o->decoder_selection = calloc(rows * n_of(&c->config.decoder_inputs) + 1, sizeof(float));
    c->raw_training = calloc(rows * c->q, sizeof(float));
    c->gradients[0] = calloc(values, sizeof(float));
    c->gradients[1] = calloc(values, sizeof(float));
    if (o->raw == NULL || o->prediction == NULL || o->encoder_attention == NULL || o->decoder_attention == NULL ||
        o->static_selection == NULL || o->encoder_selection == NULL || o->decoder_selection == NULL ||
        c->raw_training == NULL || c->gradients[0] == NULL || c->gradients[1] == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the outputs of %zu windows", c->b);
    const size_t threads = c->options->n_threads > MAX_THREADS ? MAX_THREADS : c->options->n_threads;
    c->n_shards = threads == 0 ? 1 : (threads < c->b ? threads : c->b);
    const size_t most = (c->b + c->n_shards - 1) / c->n_shards;
    for (size_t i = 0; i < c->n_shards; i++) {
        const tft_status status = tft_workspace_open(c->model, most, c->e, c->t, true, &c->workspaces[i], err);
        if (status != TFT_OK)
            return status;
    }
    return TFT_OK;
}

/* Windows of shard i. */
static void shard_range(const golden_case *c, size_t i, size_t *first, size_t *n)
{
    const size_t most = (c->b + c->n_shards - 1) / c->n_shards;
    *first = i * most < c->b ? i * most : c->b;
    *n = c->b - *first < most ? c->b - *first : most;
}

typedef struct shard_run {
    golden_case *c;
    int kind; // −1 evaluation, else a tft_loss_kind
    tft_status status[MAX_THREADS];
    tft_error err[MAX_THREADS];
    tft_losses losses[MAX_THREADS];
} shard_run;

static tft_batch batch_from(const golden_case *c, size_t first, size_t n)
{
    const tft_config *const config = &c->config;
    tft_batch batch = c->batch;
    batch.n_windows = n;
    batch.encoder_lengths += first;
    batch.decoder_lengths += first;
    batch.static_reals += first * config->static_inputs.n_reals;
    batch.encoder_reals += first * c->e * config->encoder_inputs.n_reals;
    batch.decoder_reals += first * c->t * config->decoder_inputs.n_reals;
    batch.static_codes += first * config->n_categoricals;
    batch.encoder_codes += first * c->e * config->n_categoricals;
    batch.decoder_codes += first * c->t * config->n_categoricals;
    batch.target_scale += first * c->m * 2;
    return batch;
}

static tft_outputs outputs_from(const golden_case *c, size_t first)
{
    tft_outputs o = c->outputs;
    const size_t row = first * c->t;
    o.raw += row * c->q;
    o.prediction += row * c->q;
    o.encoder_attention += row * c->config.n_heads * c->e;
    o.decoder_attention += row * c->config.n_heads * c->t;
    o.static_selection += first * n_of(&c->config.static_inputs);
    o.encoder_selection += first * c->e * n_of(&c->config.encoder_inputs);
    o.decoder_selection += row * n_of(&c->config.decoder_inputs);
    return o;
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
    if (run->kind < 0) {
        const tft_outputs outputs = outputs_from(c, first);
        run->status[i] = tft_model_forward(c->model, c->workspaces[i], &batch, &outputs, &run->err[i]);
        return;
    }
    double steps = 0.0, all = 0.0;
    for (size_t b = 0; b < c->b; b++) {
        all += (double)c->decoder_lengths[b];
        steps += b >= first && b < first + n ? (double)c->decoder_lengths[b] : 0.0;
    }
    tft_truth truth = c->truth;
    truth.target += first * c->t * c->m;
    truth.target_scaled += first * c->t * c->m;
    const tft_outputs outputs = {.raw = c->raw_training + first * c->t * c->q};
    tft_workspace_zero_gradients(c->workspaces[i]);
    run->status[i] = tft_model_train_pass(c->model, c->workspaces[i], &batch, &truth, (tft_loss_kind)run->kind, 0,
                                          (float)(steps / all), &outputs, &run->losses[i], &run->err[i]);
    run->losses[i].total *= steps / all; // a shard's loss is the mean over its own steps
}

static void add_gradients(golden_case *c, size_t shard, float *sum)
{
    for (size_t i = 0; i < tft_model_n_parameters(c->model); i++) {
        const size_t n = tft_model_parameter(c->model, i).n;
        const float *const part = tft_workspace_gradient(c->workspaces[shard], i);
        for (size_t k = 0; k < n; k++)
            *sum++ += part[k];
    }
}

static tft_status run_passes(golden_case *c, tft_error *err)
{
    tft_pool *pool = NULL;
    tft_status status = tft_pool_open(c->n_shards, &pool, err);
    for (int kind = -1; status == TFT_OK && kind < 2; kind++) {
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
    const tft_status status =
        need(&c->output, "output", name, rows->n_windows * rows->steps * rows->inner * rows->width, &view, err);
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
    for (size_t b = 0; b < c->b; b++)
        top = fmax(top, fabs((double)c->scale[(b * c->m + target) * 2 + 1]));
    return top > 1.0 ? top : 1.0;
}

static tft_status check_forecasts(golden_case *c, tft_error *err)
{
    tft_status status = TFT_OK;
    size_t first = 0;
    for (size_t i = 0; status == TFT_OK && i < c->m; first += c->config.targets[i++].n_quantiles) {
        char name[40], shown[64];
        compared rows = {
            c->b, c->t, 1, c->config.targets[i].n_quantiles, c->decoder_lengths, NULL, c->outputs.raw + first, c->q};
        snprintf(name, sizeof name, "raw.%zu", i);
        status = check_rows(c, name, name, &rows, 0.0, err);
        rows.ours = c->raw_training + first;
        snprintf(shown, sizeof shown, "raw.%zu (training pass)", i);
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
    const size_t heads = c->config.n_heads, n_static = n_of(&c->config.static_inputs);
    const size_t n_encoder = n_of(&c->config.encoder_inputs), n_decoder = n_of(&c->config.decoder_inputs);
    const tft_outputs *const o = &c->outputs;
    const struct {
        const char *name;
        compared rows;
    } all[] = {
        {"encoder_attention",
         {c->b, c->t, heads, c->e, c->decoder_lengths, c->encoder_lengths, o->encoder_attention, c->e}},
        {"decoder_attention",
         {c->b, c->t, heads, c->t, c->decoder_lengths, c->decoder_lengths, o->decoder_attention, c->t}},
        {"static_variables", {c->b, 1, 1, n_static, NULL, NULL, o->static_selection, n_static}},
        {"encoder_variables", {c->b, c->e, 1, n_encoder, c->encoder_lengths, NULL, o->encoder_selection, n_encoder}},
        {"decoder_variables", {c->b, c->t, 1, n_decoder, c->decoder_lengths, NULL, o->decoder_selection, n_decoder}},
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
        const tft_status status = need(&c->output, "output", names[kind], 1, &view, err);
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
    tft_canonical_name(&c->config, stored, canonical, sizeof canonical);
    char *const bar = strrchr(canonical, '|');
    *form = GRADIENT_WHOLE;
    if (bar != NULL && strcmp(bar, "|norm") == 0)
        *form = GRADIENT_NORM;
    else if (bar != NULL && strcmp(bar, "|head") == 0)
        *form = GRADIENT_HEAD;
    if (*form != GRADIENT_WHOLE)
        *bar = '\0';
    return tft_parameter_index(c->model, canonical);
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
    const size_t n_parameters = tft_model_n_parameters(c->model);
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
                ours += tft_model_parameter(c->model, k).n;
            difference d;
            const tft_status status =
                compare_gradient(c, view, ours, tft_model_parameter(c->model, i).n, form, &d, err);
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
    tft_model_close(c->model);
    tft_safetensors_close(&c->input);
    tft_safetensors_close(&c->output);
    tft_safetensors_close(&c->grad);
    tft_safetensors_close(&c->grad_raw);
    void *const owned[] = {c->encoder_lengths,
                           c->decoder_lengths,
                           c->statics,
                           c->encoder_reals,
                           c->decoder_reals,
                           c->scale,
                           c->target,
                           c->target_scaled,
                           c->static_codes,
                           c->encoder_codes,
                           c->decoder_codes,
                           c->outputs.raw,
                           c->outputs.prediction,
                           c->outputs.encoder_attention,
                           c->outputs.decoder_attention,
                           c->outputs.static_selection,
                           c->outputs.encoder_selection,
                           c->outputs.decoder_selection,
                           c->raw_training,
                           c->gradients[0],
                           c->gradients[1]};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free(owned[i]);
}

static tft_status open_case(golden_case *c, tft_error *err)
{
    tft_status status = read_config(c, err);
    if (status == TFT_OK)
        status = read_model(c, err);
    if (status == TFT_OK)
        status = open_file(c, "input", &c->input, err);
    if (status == TFT_OK)
        status = open_file(c, c->options->doubles ? "output_f64" : "output", &c->output, err);
    if (status == TFT_OK)
        status = open_file(c, c->options->doubles ? "grad_f64" : "grad", &c->grad, err);
    if (status == TFT_OK && !c->options->doubles) // there is no grad_raw_f64
        status = open_file(c, "grad_raw", &c->grad_raw, err);
    if (status == TFT_OK)
        status = read_input(c, err);
    return status == TFT_OK ? make_buffers(c, err) : status;
}

tft_status tft_golden_check(const char *folder, const tft_golden_options *options, tft_golden_report *report,
                            tft_error *err)
{
    memset(report, 0, sizeof *report);
    golden_case *const c = calloc(1, sizeof *c);
    if (c == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a reference case");
    c->folder = folder;
    c->options = options;
    c->report = report;
    tft_status status = open_case(c, err);
    if (status == TFT_OK)
        status = run_passes(c, err);
    if (status == TFT_OK) {
        report->lines = calloc(16 + 3 * c->m + c->grad.n + c->grad_raw.n, sizeof *report->lines);
        if (report->lines == NULL)
            status = tft_fail(err, TFT_ERR_MEMORY, "no memory for a report");
    }
    if (status == TFT_OK)
        status = check_forecasts(c, err);
    if (status == TFT_OK)
        status = check_weights(c, err);
    if (status == TFT_OK)
        status = check_losses(c, err);
    if (status == TFT_OK)
        status = check_gradients(c, &c->grad, TFT_LOSS_PREDICTION, "grad", err);
    if (status == TFT_OK)
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
