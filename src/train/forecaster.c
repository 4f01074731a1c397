/* forecaster.c - see forecaster.h: requests are cut into micro-batches, each a task that builds its windows, runs the
 * network and writes real units.
 *
 * What comes out of the network is put in order here: the quantiles of a step are sorted (a network may cross them; a
 * sorted set is never worse in quantile loss: Chernozhukov, Fernández-Val, Galichon 2010), calibrated (calibration.h) and
 * cut to the metric's range.
 *
 * Memory:  a workspace, eight windows and their outputs per thread, taken at opening; a run allocates nothing, however
 *          many requests it has.
 * Threads: one call at a time; a task uses what belongs to its worker. Results do not depend on threads: a window's
 *          result does not depend on its neighbours' in the batch beyond rounding, and batches are cut by number.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "tensor/pool.h"
#include "tensor/tensor.h"
#include "tft/forecaster.h"
#include "tft/judge.h"
#include "tft/window.h"
#include "train/batch.h"
#include "train/lend.h"
#include "train/model_dir.h"

#define MICRO ((size_t)8)

typedef struct worker {
    tft_workspace *workspace;
    tft_window_scratch *scratch;
    tft_error fault; // why the network refused a batch in this run
    tft_slot slots[MICRO];
    tft_pack pack;
    float *prediction, *hazard_logit; // [MICRO, T, Q], [MICRO, T]
    double *incident_logit;           // [T]
    float *encoder_attention, *encoder_selection, *decoder_selection, *static_selection;
} worker;

struct tft_forecaster {
    tft_model_card card;
    tft_model *model;
    bool owns_model;
    tft_pool *pool;
    tft_arena arena;
    size_t n_workers;
    worker *workers;
    tft_place *places; // [T] of the steps in the calibration
    char *directory;
    const char *name; // inside directory
};

/* ---- opening -------------------------------------------------------------------------------------------------- */

static size_t n_variables(const tft_inputs *inputs)
{
    return (size_t)inputs->n_reals + inputs->n_embeddings;
}

static void layout_worker(tft_arena *arena, const tft_forecaster *f, worker *w)
{
    const tft_config *const n = &f->card.network;
    const size_t context = f->card.contract.context, horizon = f->card.contract.horizon;
    const tft_batch_shape shape = tft_batch_shape_of(n, context, horizon);
    for (size_t i = 0; i < MICRO; i++)
        tft_slot_layout(arena, &shape, false, &w->slots[i]);
    tft_pack_layout(arena, &shape, MICRO, false, &w->pack);
    w->prediction = tft_arena_floats(arena, MICRO * horizon * shape.n_outputs);
    w->hazard_logit = tft_arena_floats(arena, MICRO * horizon);
    w->incident_logit = tft_arena_alloc(arena, horizon, sizeof *w->incident_logit);
    w->encoder_attention = tft_arena_floats(arena, MICRO * horizon * n->n_heads * context);
    w->encoder_selection = tft_arena_floats(arena, MICRO * context * n_variables(&n->encoder_inputs));
    w->decoder_selection = tft_arena_floats(arena, MICRO * horizon * n_variables(&n->decoder_inputs));
    w->static_selection = tft_arena_floats(arena, MICRO * n_variables(&n->static_inputs));
}

static void layout(tft_arena *arena, tft_forecaster *f)
{
    f->workers = tft_arena_alloc(arena, f->n_workers, sizeof *f->workers);
    f->places = tft_arena_alloc(arena, f->card.contract.horizon, sizeof *f->places);
    for (size_t i = 0; i < f->n_workers; i++) {
        worker counted;
        layout_worker(arena, f, arena->base != NULL ? &f->workers[i] : &counted);
    }
}

static tft_status take_memory(tft_forecaster *f, size_t n_threads, tft_error *err)
{
    const tft_contract *const c = &f->card.contract;
    tft_status status = tft_pool_open(n_threads, &f->pool, err);
    if (status != TFT_OK)
        return status;
    f->n_workers = tft_pool_threads(f->pool);
    tft_arena count = {0};
    layout(&count, f);
    status = tft_arena_init(&f->arena, count.used, err);
    if (status != TFT_OK)
        return status;
    layout(&f->arena, f);
    tft_calibration_places(&f->card.calibration, c->horizon, f->places);
    for (size_t i = 0; i < f->n_workers && status == TFT_OK; i++) {
        worker *const w = &f->workers[i];
        status = tft_workspace_open(f->model, MICRO, c->context, c->horizon, false, &w->workspace, err);
        if (status == TFT_OK)
            status = tft_window_scratch_open(c, &w->scratch, err);
    }
    return status;
}

/* The directory without slashes at its end, and its last part. */
static tft_status keep_name(tft_forecaster *f, const char *directory, tft_error *err)
{
    size_t n = strlen(directory);
    while (n > 1 && directory[n - 1] == '/')
        n--;
    f->directory = strndup(directory, n);
    if (f->directory == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a name of %zu bytes", n);
    const char *const slash = strrchr(f->directory, '/');
    f->name = slash != NULL && slash[1] != '\0' ? slash + 1 : f->directory;
    return TFT_OK;
}

tft_status tft_forecaster_open(const char *directory, size_t n_threads, tft_forecaster **forecaster, tft_error *err)
{
    tft_forecaster *const f = calloc(1, sizeof *f);
    if (f == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a forecaster");
    tft_tensor_init(TFT_ISA_AUTO);
    tft_status status = keep_name(f, directory, err);
    if (status == TFT_OK) {
        status = tft_model_dir_read(directory, &f->card, &f->model, err);
        f->owns_model = status == TFT_OK;
    }
    if (status == TFT_OK)
        status = tft_model_tabulate(f->model, err);
    if (status == TFT_OK) {
        status = tft_model_card_check_features(&f->card, err);
        if (status != TFT_OK)
            tft_error_prefix(err, "%s/config.json", f->directory);
    }
    if (status == TFT_OK)
        status = take_memory(f, n_threads, err);
    if (status != TFT_OK) {
        tft_forecaster_close(f);
        return status;
    }
    *forecaster = f;
    return TFT_OK;
}

tft_status tft_forecaster_lend(const tft_model_card *card, tft_model *model, size_t n_threads,
                               tft_forecaster **forecaster, tft_error *err)
{
    tft_forecaster *const f = calloc(1, sizeof *f);
    if (f == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a forecaster");
    tft_tensor_init(TFT_ISA_AUTO);
    f->card = *card;
    f->model = model;
    tft_status status = keep_name(f, "model", err);
    if (status == TFT_OK)
        status = take_memory(f, n_threads, err);
    if (status != TFT_OK) {
        tft_forecaster_close(f);
        return status;
    }
    *forecaster = f;
    return TFT_OK;
}

void tft_forecaster_close(tft_forecaster *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n_workers && f->arena.base != NULL; i++) {
        tft_workspace_close(f->workers[i].workspace);
        tft_window_scratch_close(f->workers[i].scratch);
    }
    tft_arena_free(&f->arena);
    tft_pool_close(f->pool);
    if (f->owns_model)
        tft_model_close(f->model);
    free(f->directory);
    free(f);
}

tft_precision tft_forecaster_set_precision(tft_forecaster *f, tft_precision precision)
{
    assert(f->owns_model);
    const tft_precision possible =
        precision == TFT_PRECISION_BF16 && tft_bf16_usable() ? TFT_PRECISION_BF16 : TFT_PRECISION_FLOAT32;
    if (possible != tft_model_precision(f->model))
        tft_model_set_precision(f->model, possible);
    return possible;
}

const tft_contract *tft_forecaster_contract(const tft_forecaster *f)
{
    return &f->card.contract;
}

const tft_config *tft_forecaster_config(const tft_forecaster *f)
{
    return &f->card.network;
}

const tft_model *tft_forecaster_model(const tft_forecaster *f)
{
    return f->model;
}

const tft_fleet_link *tft_forecaster_fleet(const tft_forecaster *f)
{
    return &f->card.calibration.fleet;
}

const tft_alert_record *tft_forecaster_alerts(const tft_forecaster *f)
{
    return &f->card.calibration.alerts;
}

const char *tft_forecaster_name(const tft_forecaster *f)
{
    return f->name;
}

const char *tft_forecaster_directory(const tft_forecaster *f)
{
    return f->directory;
}

/* ---- running -------------------------------------------------------------------------------------------------- */

typedef struct run_job {
    tft_forecaster *f;
    const tft_request *requests;
    size_t n, steps, micro; // micro: requests a task
    const tft_forecast *out;
} run_job;

/* Requests a task: at most MICRO, and such that every worker gets as many tasks as the others. Twenty requests are 5, 5, 5, 5 for
 * two workers, not 8, 8, 4: a forecast does not depend on how they are cut. */
static size_t micro_of(const tft_forecaster *f, size_t n)
{
    size_t tasks = (n + MICRO - 1) / MICRO;
    tasks = (tasks + f->n_workers - 1) / f->n_workers * f->n_workers;
    return tasks > 0 ? (n + tasks - 1) / tasks : 1;
}

static void write_quantiles(const run_job *job, const float *prediction, const tft_window *window, size_t request)
{
    const tft_config *const n = &job->f->card.network;
    const tft_contract *const c = &job->f->card.contract;
    const size_t n_outputs = tft_config_outputs(n);
    float *row = job->out->quantiles + request * c->horizon * n_outputs;
    memcpy(row, prediction, job->steps * n_outputs * sizeof(float));
    for (size_t m = 0, first = 0; m < n->n_targets; first += n->targets[m++].n_quantiles) {
        const size_t n_levels = n->targets[m].n_quantiles;
        const float low = (float)c->metrics[m].min, high = (float)c->metrics[m].max;
        tft_calibration_rows(&job->f->card.calibration, m, job->f->places, job->steps,
                             (double)window->target_scale[2 * m + 1], n->targets[m].quantiles, n_levels, n_outputs,
                             row + first);
        for (size_t t = 0; t < job->steps; t++) {
            float *const q = row + t * n_outputs + first;
            for (size_t i = 0; i < n_levels; i++)
                q[i] = q[i] < low ? low : q[i] > high ? high : q[i];
        }
    }
}

/* Copies `rows` rows of `n` floats each out of a packed array into one whose rows are `stride` long; the rest is 0. */
static void spread(float *to, const float *from, size_t rows, size_t n, size_t stride)
{
    for (size_t r = 0; r < rows; r++) {
        memcpy(to + r * stride, from + r * n, n * sizeof(float));
        memset(to + r * stride + n, 0, (stride - n) * sizeof(float));
    }
}

/* With a judge `steps` is the whole horizon (tft_forecaster_run): it speaks of parts of that. */
static void write_incident(const run_job *job, worker *w, const float *hazard, const float *signs, float *incident)
{
    const tft_judge *const judge = tft_model_judge(job->f->model);
    tft_incident_logits(hazard, job->steps, w->incident_logit);
    if (judge != NULL)
        tft_judge_move(judge, signs, job->steps, w->incident_logit);
    tft_calibration_incident(&job->f->card.calibration, w->incident_logit, job->steps, incident);
}

static void write_explanations(const run_job *job, const worker *w, size_t b, size_t request)
{
    const tft_config *const n = &job->f->card.network;
    const tft_contract *const c = &job->f->card.contract;
    const tft_forecast *const out = job->out;
    const size_t encoder = w->pack.batch.encoder_steps, ne = n_variables(&n->encoder_inputs),
                 nd = n_variables(&n->decoder_inputs), ns = n_variables(&n->static_inputs);
    if (out->encoder_attention != NULL)
        spread(out->encoder_attention + request * c->horizon * n->n_heads * c->context,
               w->encoder_attention + b * job->steps * n->n_heads * encoder, job->steps * n->n_heads, encoder,
               c->context);
    if (out->encoder_selection != NULL)
        spread(out->encoder_selection + request * c->context * ne, w->encoder_selection + b * encoder * ne, 1,
               encoder * ne, c->context * ne);
    if (out->decoder_selection != NULL)
        spread(out->decoder_selection + request * c->horizon * nd, w->decoder_selection + b * job->steps * nd, 1,
               job->steps * nd, c->horizon * nd);
    if (out->static_selection != NULL)
        memcpy(out->static_selection + request * ns, w->static_selection + b * ns, ns * sizeof(float));
}

static void run_micro(void *context, size_t k, size_t which)
{
    run_job *const job = context;
    tft_forecaster *const f = job->f;
    worker *const w = &f->workers[which];
    const tft_forecast *const out = job->out;
    const size_t first = k * job->micro, end = first + job->micro < job->n ? first + job->micro : job->n;
    const size_t horizon = f->card.contract.horizon, n_outputs = tft_config_outputs(&f->card.network);
    const tft_slot *members[MICRO];
    size_t request[MICRO], n = 0;
    for (size_t i = first; i < end; i++) {
        const tft_window_view view = {.encoder = job->requests[i].encoder};
        const tft_status built =
            tft_window_build(&f->card.contract, &f->card.network, job->requests[i].series, job->requests[i].origin,
                             &view, w->scratch, &w->slots[n].window, NULL);
        if (out->ok != NULL)
            out->ok[i] = built == TFT_OK;
        if (built != TFT_OK)
            continue;
        members[n] = &w->slots[n];
        request[n++] = i;
    }
    if (n == 0)
        return;
    tft_pack_fill(&w->pack, members, n, job->steps, 0, 0);
    const tft_outputs pass = {.prediction = out->quantiles != NULL ? w->prediction : NULL,
                              .hazard_logit = out->incident != NULL && f->card.network.hazard ? w->hazard_logit : NULL,
                              .encoder_attention = out->encoder_attention != NULL ? w->encoder_attention : NULL,
                              .encoder_selection = out->encoder_selection != NULL ? w->encoder_selection : NULL,
                              .decoder_selection = out->decoder_selection != NULL ? w->decoder_selection : NULL,
                              .static_selection = out->static_selection != NULL ? w->static_selection : NULL};
    if (tft_model_forward(f->model, w->workspace, &w->pack.batch, &pass, &w->fault) != TFT_OK)
        return;
    for (size_t b = 0; b < n; b++) {
        if (out->quantiles != NULL)
            write_quantiles(job, w->prediction + b * job->steps * n_outputs, &members[b]->window, request[b]);
        if (pass.hazard_logit != NULL)
            write_incident(job, w, w->hazard_logit + b * job->steps, members[b]->window.signs,
                           out->incident + request[b] * horizon);
        write_explanations(job, w, b, request[b]);
    }
}

tft_status tft_forecaster_run(tft_forecaster *f, const tft_request *requests, size_t n, size_t steps,
                              const tft_forecast *forecast, tft_error *err)
{
    const tft_contract *const c = &f->card.contract;
    if (steps > c->horizon)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%zu steps were asked for, the model forecasts %zu", steps, c->horizon);
    if (forecast->incident != NULL && !f->card.network.hazard)
        return tft_fail(err, TFT_ERR_MISMATCH, "%s has no incident head", f->name);
    run_job job = {.f = f, .requests = requests, .n = n, .steps = steps == 0 ? c->horizon : steps, .out = forecast};
    if (forecast->incident != NULL && tft_model_judge(f->model) != NULL)
        job.steps = c->horizon;
    job.micro = n > 0 ? micro_of(f, n) : 1;
    for (size_t i = 0; i < f->n_workers; i++)
        f->workers[i].fault = (tft_error){0};
    tft_pool_run(f->pool, (n + job.micro - 1) / job.micro, run_micro, &job);
    for (size_t i = 0; i < f->n_workers; i++) {
        if (f->workers[i].fault.status != TFT_OK)
            return tft_fail(err, f->workers[i].fault.status, "%s: %s", f->name, f->workers[i].fault.text);
    }
    return TFT_OK;
}

float tft_quantile_interpolate(const float *levels, const float *values, size_t n, float q)
{
    assert(n >= 1);
    size_t hi = 0;
    while (hi < n && levels[hi] < q)
        hi++;
    if (hi == 0)
        return values[0];
    if (hi == n)
        return values[n - 1];
    const float t = (q - levels[hi - 1]) / (levels[hi] - levels[hi - 1]);
    return values[hi - 1] + t * (values[hi] - values[hi - 1]);
}
