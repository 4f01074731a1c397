/* evaluate.c - see evaluate.h. */
#include "score/evaluate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "score/incident_run.h"
#include "series/calendar.h"
#include "tensor/pool.h"

#define CHUNK 64                       // windows of one task: fixed, because it fixes the order of the sums
#define BATCH_CHUNKS 16                // tasks of one batch
#define BATCH_BYTES ((size_t)64 << 20) // the source's answers of a batch hold at most so much, or one chunk

/* What one chunk adds up; windows are kept apart, because the next step is per server. */
typedef struct chunk_sums {
    score_sums *sums;       // [F, M, bands]
    double *window_loss;    // [CHUNK, M, F]
    double *window_abs_y;   // [CHUNK, M]
    uint32_t *window_cells; // [CHUNK, M]
    uint8_t *no_history;    // [CHUNK, M]
    score_details details;  // where they were asked for
    int not_finite;         // 1 + window whose answer was not finite
} chunk_sums;

/* What belongs to one thread. */
typedef struct worker {
    score_baselines *baselines;
    float *said;   // [SCORE_N_BASELINES, horizon, SCORE_N_LEVELS]
    double *truth; // [horizon]
} worker;

typedef struct run {
    const score_evaluation *evaluation;
    score_result *result;
    size_t horizon, n_sums;
    size_t batch_from, batch_n; // windows
    float *levels;              // [batch, M, horizon, SCORE_N_LEVELS]
    uint8_t *ok;                // [batch]
    float *incident;            // [batch, horizon]
    float *probability;         // [n_windows, n_horizons] of the source
    float *alert_values;        // [n_windows, SCORE_N_ALERT_RULES]; NULL where nobody asked
    size_t alert_metric, alert_steps;
    chunk_sums chunks[BATCH_CHUNKS];
    size_t n_chunks;
    tft_pool *pool;
    worker *workers; // [n_threads]
    tft_arena arena;
} run;

/* ---- the cells of one chunk ------------------------------------------------------------------------------------- */

/* What came: truth [horizon], NaN where nothing is scored. Returns the number of cells. */
static uint32_t take_truth(const tft_series *series, int64_t origin, size_t metric, size_t horizon, double *truth)
{
    uint32_t cells = 0;
    for (size_t i = 0; i < horizon; i++) {
        const int64_t at = tft_series_index(series, origin + 1 + (int64_t)i);
        const bool online = at >= 0 && series->states[at] != TFT_STATE_OFFLINE;
        truth[i] = online ? (double)series->values[(size_t)at * series->n_metrics + metric] : NAN;
        cells += isnan(truth[i]) ? 0 : 1;
    }
    return cells;
}

static bool all_finite(const float *values, size_t n)
{
    float sum = 0; // stays 0 unless something is not finite: x · 0 is then NaN
    for (size_t i = 0; i < n; i++)
        sum += values[i] * 0.0f;
    return sum == 0.0f;
}

tft_series score_young_series(const tft_series *series, int64_t origin, size_t history)
{
    tft_series young = *series;
    const int64_t first = origin - (int64_t)history + 1;
    if (history == 0 || series->n_steps == 0 || first <= series->first_step)
        return young;
    const int64_t cut = first - series->first_step;
    const size_t n = cut < (int64_t)series->n_steps ? (size_t)cut : series->n_steps;
    young.first_step += (int64_t)n;
    young.n_steps -= n;
    young.values += n * series->n_metrics;
    young.counts += n;
    young.states += n;
    return young;
}

/* What one forecaster said of a window and metric, step by step. */
static void add_details(const run *r, const score_window *window, chunk_sums *c, size_t forecaster, size_t metric,
                        const float *forecast, const double *truth)
{
    const int64_t step_ms = r->evaluation->dataset->contract.step_ms;
    for (size_t i = 0; i < r->horizon; i++) {
        if (isnan(truth[i]))
            continue;
        const float *const levels = forecast + i * SCORE_N_LEVELS;
        const size_t hour = tft_hour_of_day(step_ms, window->origin + 1 + (int64_t)i);
        score_details_add(&c->details, forecaster, metric, i, hour, levels, truth[i]);
        if (forecaster == 0)
            score_details_pit(&c->details, metric, levels, truth[i]);
    }
}

/* Adds one forecaster's steps to its sums; returns its loss. */
static double score_row(const score_bands *bands, const float *forecast, const double *truth, score_sums *sums)
{
    double loss = 0;
    for (size_t b = 0; b < bands->n; b++) {
        score_sums part = {0};
        for (size_t i = bands->first[b] - 1; i < bands->last[b]; i++) {
            if (!isnan(truth[i]))
                score_sums_add(&part, forecast + i * SCORE_N_LEVELS, truth[i]);
        }
        loss += score_loss(&part);
        score_sums_merge(&sums[b], &part);
    }
    return loss;
}

static void score_window_metric(const run *r, const worker *w, chunk_sums *c, size_t in_chunk, size_t in_batch,
                                size_t metric)
{
    const score_result *const result = r->result;
    const score_window *const window = &r->evaluation->windows->items[r->batch_from + in_batch];
    const tft_series *const series = &r->evaluation->dataset->series[window->server];
    const size_t row = r->horizon * SCORE_N_LEVELS, at = in_chunk * result->n_metrics + metric;
    c->window_cells[at] = take_truth(series, window->origin, metric, r->horizon, w->truth);
    if (c->window_cells[at] == 0)
        return;
    const tft_series young = score_young_series(series, window->origin, r->evaluation->history);
    if (!score_baselines_run(w->baselines, &young, window->origin, metric, w->said)) {
        c->window_cells[at] = 0;
        c->no_history[at] = 1;
        return;
    }
    for (size_t i = 0; i < r->horizon; i++)
        c->window_abs_y[at] += isnan(w->truth[i]) ? 0 : fabs(w->truth[i]);
    for (size_t f = 0; f < result->n_forecasters; f++) {
        const bool is_source = result->has_source && f == 0;
        const float *forecast = w->said + (is_source ? SCORE_LAST_VALUE : f - result->has_source) * row;
        if (is_source && r->ok[in_batch])
            forecast = r->levels + (in_batch * result->n_metrics + metric) * row;
        if (is_source && !all_finite(forecast, row)) {
            c->not_finite = (int)in_chunk + 1;
            return;
        }
        score_sums *const sums = c->sums + (f * result->n_metrics + metric) * result->bands.n;
        c->window_loss[at * result->n_forecasters + f] = score_row(&result->bands, forecast, w->truth, sums);
        if (r->evaluation->details)
            add_details(r, window, c, f, metric, forecast, w->truth);
    }
}

/* The largest median of the next hour. */
static float top_of(const float *levels, size_t steps)
{
    float top = levels[SCORE_P50 + 1];
    for (size_t i = 1; i < steps; i++)
        top = levels[i * SCORE_N_LEVELS + SCORE_P50 + 1] > top ? levels[i * SCORE_N_LEVELS + SCORE_P50 + 1] : top;
    return top;
}

/* What the alert rules look at in this window; a window of its own, so chunks write apart. */
static void note_alert(const run *r, const worker *w, size_t in_batch)
{
    const score_window *const window = &r->evaluation->windows->items[r->batch_from + in_batch];
    const tft_series *const series = &r->evaluation->dataset->series[window->server];
    const size_t row = r->horizon * SCORE_N_LEVELS;
    const int64_t at = tft_series_index(series, window->origin);
    float *const out = r->alert_values + (r->batch_from + in_batch) * SCORE_N_ALERT_RULES;
    out[SCORE_ALERT_STATIC] = at < 0 ? NAN : series->values[(size_t)at * series->n_metrics + r->alert_metric];
    if (score_baselines_run(w->baselines, series, window->origin, r->alert_metric, w->said))
        out[SCORE_ALERT_TREND] = top_of(w->said + SCORE_LINEAR_TREND * row, r->alert_steps);
    if (r->result->has_source && r->ok[in_batch])
        out[SCORE_ALERT_P50] =
            top_of(r->levels + (in_batch * r->result->n_metrics + r->alert_metric) * row, r->alert_steps);
}

static void score_chunk(void *context, size_t index, size_t thread)
{
    run *const r = context;
    chunk_sums *const c = &r->chunks[index];
    const size_t m = r->result->n_metrics, f = r->result->n_forecasters;
    const size_t from = index * CHUNK, n = r->batch_n - from < CHUNK ? r->batch_n - from : CHUNK;
    memset(c->sums, 0, r->n_sums * sizeof *c->sums);
    memset(c->window_loss, 0, CHUNK * m * f * sizeof *c->window_loss);
    memset(c->window_abs_y, 0, CHUNK * m * sizeof *c->window_abs_y);
    memset(c->no_history, 0, CHUNK * m);
    c->not_finite = 0;
    if (r->evaluation->details)
        score_details_clear(&c->details);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < m; k++)
            score_window_metric(r, &r->workers[thread], c, i, from + i, k);
        if (r->alert_values != NULL)
            note_alert(r, &r->workers[thread], from + i);
    }
}

/* ---- putting chunks together, in their order -------------------------------------------------------------------- */

static tft_status merge_chunk(run *r, size_t index, tft_error *err)
{
    score_result *const result = r->result;
    const chunk_sums *const c = &r->chunks[index];
    const size_t from = index * CHUNK, n = r->batch_n - from < CHUNK ? r->batch_n - from : CHUNK;
    const score_window *const windows = r->evaluation->windows->items + r->batch_from + from;
    const size_t n_metrics = result->n_metrics, n_servers = result->n_servers;
    if (c->not_finite > 0)
        return tft_fail(err, TFT_ERR_FORMAT, "%s: the forecast of %s after step %lld is not a finite number",
                        result->forecasters[0].label, r->evaluation->dataset->names[windows[c->not_finite - 1].server],
                        (long long)windows[c->not_finite - 1].origin);
    for (size_t i = 0; i < r->n_sums; i++)
        score_sums_merge(&result->sums[i], &c->sums[i]);
    if (r->evaluation->details)
        score_details_merge(&result->details, &c->details);
    for (size_t i = 0; i < n; i++) {
        result->n_refused += result->has_source && !r->ok[from + i];
        for (size_t k = 0; k < n_metrics; k++) {
            const size_t at = i * n_metrics + k, server = windows[i].server;
            result->server_cells[k * n_servers + server] += c->window_cells[at];
            result->server_abs_y[k * n_servers + server] += c->window_abs_y[at];
            result->n_without_history[k] += c->no_history[at];
            const double *const loss = c->window_loss + at * result->n_forecasters;
            if (r->evaluation->details && c->window_cells[at] > 0)
                score_details_window(&result->details, k, r->batch_from + from + i, loss[0],
                                     loss[result->has_source + (size_t)SCORE_QUANTILES_24H], c->window_abs_y[at]);
            for (size_t f = 0; f < result->n_forecasters; f++)
                result->server_loss[(f * n_metrics + k) * n_servers + server] +=
                    c->window_loss[at * result->n_forecasters + f];
        }
    }
    return TFT_OK;
}

static void keep_alert_probabilities(run *r)
{
    for (size_t i = 0; i < r->batch_n; i++) {
        const float *const curve = r->incident + i * r->horizon;
        float *const out = r->alert_values + (r->batch_from + i) * SCORE_N_ALERT_RULES;
        if (!r->ok[i] || !isfinite(curve[r->horizon - 1]))
            continue;
        out[SCORE_ALERT_PROBABILITY] = curve[r->horizon - 1];
        out[SCORE_ALERT_SOON] = curve[r->alert_steps - 1];
    }
}

static void keep_probabilities(run *r)
{
    const score_result *const result = r->result;
    for (size_t i = 0; i < r->batch_n; i++) {
        for (size_t k = 0; k < result->n_horizons; k++) {
            const float p = r->incident[i * r->horizon + result->horizon_steps[k] - 1];
            r->probability[(r->batch_from + i) * result->n_horizons + k] = r->ok[i] && isfinite(p) ? p : NAN;
        }
    }
}

static tft_status run_batch(run *r, tft_error *err)
{
    const score_source *const source = r->evaluation->source;
    tft_status status = TFT_OK;
    if (source != NULL) {
        status = source->run(source->context, r->evaluation->windows->items + r->batch_from, r->batch_n, r->levels,
                             r->ok, source->incidents ? r->incident : NULL, err);
        if (status == TFT_OK && r->probability != NULL)
            keep_probabilities(r);
        if (status == TFT_OK && r->probability != NULL && r->alert_values != NULL)
            keep_alert_probabilities(r);
    }
    const size_t n_chunks = (r->batch_n + CHUNK - 1) / CHUNK;
    if (status == TFT_OK)
        tft_pool_run(r->pool, n_chunks, score_chunk, r);
    for (size_t i = 0; i < n_chunks && status == TFT_OK; i++)
        status = merge_chunk(r, i, err);
    return status;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void name_forecasters(const score_source *source, score_result *result)
{
    result->has_source = source != NULL;
    if (source != NULL)
        result->forecasters[result->n_forecasters++] = (score_forecaster_name){source->name, source->label};
    for (size_t b = 0; b < SCORE_N_BASELINES; b++)
        result->forecasters[result->n_forecasters++] =
            (score_forecaster_name){score_baseline_name((score_baseline)b), score_baseline_label((score_baseline)b)};
}

static tft_status take_result(const score_evaluation *evaluation, score_result *result, tft_error *err)
{
    const tft_contract *const contract = &evaluation->dataset->contract;
    name_forecasters(evaluation->source, result);
    result->n_metrics = tft_contract_targets(contract);
    result->n_servers = evaluation->dataset->n_servers;
    result->bands = score_bands_of(contract->horizon);
    result->n_windows = evaluation->windows->n;
    const size_t per_server = tft_mul_sat(result->n_metrics, result->n_servers);
    result->sums = calloc(result->n_forecasters * result->n_metrics * result->bands.n, sizeof *result->sums);
    result->server_loss = calloc(tft_mul_sat(result->n_forecasters, per_server), sizeof *result->server_loss);
    result->server_abs_y = calloc(per_server, sizeof *result->server_abs_y);
    result->server_cells = calloc(per_server, sizeof *result->server_cells);
    if (result->sums == NULL || result->server_loss == NULL || result->server_abs_y == NULL ||
        result->server_cells == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the scores of %zu servers", result->n_servers);
    if (!evaluation->details)
        return TFT_OK;
    tft_arena count = {0};
    score_details_layout(&result->details, result->n_forecasters, result->n_metrics, contract->horizon, &count);
    const tft_status status = tft_arena_init(&result->details_arena, count.used, err);
    if (status != TFT_OK)
        return status;
    score_details_layout(&result->details, result->n_forecasters, result->n_metrics, contract->horizon,
                         &result->details_arena);
    result->has_details = true;
    return TFT_OK;
}

static void layout(run *r, tft_arena *arena)
{
    const size_t f = r->result->n_forecasters, m = r->result->n_metrics, row = r->horizon * SCORE_N_LEVELS;
    const size_t batch = r->n_chunks * CHUNK, n_threads = tft_pool_threads(r->pool);
    const bool has_source = r->result->has_source;
    r->levels = tft_arena_floats(arena, has_source ? tft_mul_sat(batch * m, row) : 0);
    r->ok = tft_arena_alloc(arena, batch, sizeof *r->ok);
    r->incident = tft_arena_floats(arena, has_source ? tft_mul_sat(batch, r->horizon) : 0);
    for (size_t i = 0; i < r->n_chunks; i++) {
        chunk_sums *const c = &r->chunks[i];
        c->sums = tft_arena_alloc(arena, r->n_sums, sizeof *c->sums);
        c->window_loss = tft_arena_alloc(arena, CHUNK * m * f, sizeof *c->window_loss);
        c->window_abs_y = tft_arena_alloc(arena, CHUNK * m, sizeof *c->window_abs_y);
        c->window_cells = tft_arena_alloc(arena, CHUNK * m, sizeof *c->window_cells);
        c->no_history = tft_arena_alloc(arena, CHUNK * m, sizeof *c->no_history);
        if (r->evaluation->details)
            score_details_layout(&c->details, f, m, r->horizon, arena);
    }
    r->workers = tft_arena_alloc(arena, n_threads, sizeof *r->workers);
    for (size_t i = 0; i < n_threads; i++) {
        worker counted;
        worker *const w = arena->base != NULL ? &r->workers[i] : &counted;
        w->said = tft_arena_floats(arena, tft_mul_sat(SCORE_N_BASELINES, row));
        w->truth = tft_arena_alloc(arena, r->horizon, sizeof *w->truth);
    }
}

static tft_status take_memory(run *r, tft_error *err)
{
    const score_result *const result = r->result;
    const size_t window_bytes = tft_mul_sat(result->n_metrics * SCORE_N_LEVELS * sizeof(float), r->horizon);
    r->n_sums = result->n_forecasters * result->n_metrics * result->bands.n;
    r->n_chunks = BATCH_CHUNKS;
    while (r->n_chunks > 1 && r->n_chunks * CHUNK * window_bytes > BATCH_BYTES)
        r->n_chunks--;
    tft_status status = tft_pool_open(r->evaluation->n_threads, &r->pool, err);
    if (status != TFT_OK)
        return status;
    tft_arena count = {0};
    layout(r, &count);
    status = tft_arena_init(&r->arena, count.used, err);
    if (status != TFT_OK)
        return status;
    layout(r, &r->arena);
    for (size_t i = 0; i < tft_pool_threads(r->pool) && status == TFT_OK; i++)
        status = score_baselines_open(&r->evaluation->dataset->contract, &r->workers[i].baselines, err);
    const score_source *const source = r->evaluation->source;
    if (status == TFT_OK && source != NULL && source->incidents && result->n_horizons > 0) {
        r->probability = calloc(result->n_windows * result->n_horizons, sizeof *r->probability);
        if (r->probability == NULL)
            status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu windows", result->n_windows);
    }
    return status;
}

static void give_back(run *r)
{
    for (size_t i = 0; r->arena.base != NULL && i < tft_pool_threads(r->pool); i++)
        score_baselines_close(r->workers[i].baselines);
    tft_arena_free(&r->arena);
    tft_pool_close(r->pool);
    free(r->probability);
    free(r->alert_values);
}

static tft_status begin_alerts(run *r, tft_error *err)
{
    const tft_contract *const contract = &r->evaluation->dataset->contract;
    const int64_t hour = TFT_HOUR_MS / contract->step_ms;
    if (!r->evaluation->alerts || r->result->n_horizons == 0)
        return TFT_OK;
    r->alert_metric = score_alert_metric(contract, &r->result->rule);
    r->alert_steps = hour < 1 ? 1 : hour < (int64_t)r->horizon ? (size_t)hour : r->horizon;
    const size_t n = r->result->n_windows * SCORE_N_ALERT_RULES; // windows are listed: their number is small
    r->alert_values = calloc(r->result->n_windows, SCORE_N_ALERT_RULES * sizeof *r->alert_values);
    if (r->alert_values == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu windows' alerts", r->result->n_windows);
    for (size_t i = 0; i < n; i++)
        r->alert_values[i] = NAN;
    return TFT_OK;
}

static tft_status evaluate_incidents(const run *r, tft_error *err)
{
    const score_evaluation *const e = r->evaluation;
    score_result *const result = r->result;
    score_incident_job job = {.dataset = e->dataset,
                              .windows = e->windows,
                              .rule = &result->rule,
                              .steps = result->horizon_steps,
                              .n_horizons = result->n_horizons,
                              .probability = r->probability};
    result->has_prior = e->prior != NULL && result->n_horizons == SCORE_MAX_HORIZONS; // else which is which?
    job.prior = result->has_prior ? e->prior : NULL;
    if (e->fleet != NULL)
        job.fleet = *e->fleet;
    return score_incidents_evaluate(&job, result->incidents, err);
}

tft_status score_evaluate(const score_evaluation *evaluation, score_result *result, tft_error *err)
{
    memset(result, 0, sizeof *result);
    run r = {.evaluation = evaluation, .result = result, .horizon = evaluation->dataset->contract.horizon};
    tft_status status = take_result(evaluation, result, err);
    if (status != TFT_OK)
        goto done;
    const tft_contract *const contract = &evaluation->dataset->contract;
    result->rule = evaluation->rule != NULL ? *evaluation->rule : contract->incident;
    if (score_has_labels(evaluation->dataset, &result->rule))
        result->n_horizons = score_incident_horizons(contract, result->horizon_steps, result->horizon_names);
    status = take_memory(&r, err);
    if (status == TFT_OK)
        status = begin_alerts(&r, err);
    while (status == TFT_OK && r.batch_from < result->n_windows) {
        const size_t left = result->n_windows - r.batch_from;
        r.batch_n = left < r.n_chunks * CHUNK ? left : r.n_chunks * CHUNK;
        status = run_batch(&r, err);
        r.batch_from += r.batch_n;
        if (status == TFT_OK && evaluation->progress != NULL &&
            !evaluation->progress(evaluation->progress_context, r.batch_from, result->n_windows))
            status =
                tft_fail(err, TFT_ERR_INTERRUPTED, "stopped after %zu of %zu windows", r.batch_from, result->n_windows);
    }
    if (status == TFT_OK && result->n_horizons > 0)
        status = evaluate_incidents(&r, err);
    result->has_probabilities = r.probability != NULL;
    if (status == TFT_OK && r.alert_values != NULL) {
        status = score_alerts_evaluate(evaluation->dataset, evaluation->windows, &result->rule, r.alert_values,
                                       evaluation->alert_levels, &result->alerts, err);
        result->has_alerts = status == TFT_OK;
    }

done:
    give_back(&r);
    if (status != TFT_OK)
        score_result_free(result);
    return status;
}

void score_result_free(score_result *result)
{
    if (result == NULL)
        return;
    free(result->sums);
    free(result->server_loss);
    free(result->server_abs_y);
    free(result->server_cells);
    tft_arena_free(&result->details_arena);
    memset(result, 0, sizeof *result);
}

/* ---- figures ----------------------------------------------------------------------------------------------------- */

const score_sums *score_result_band(const score_result *result, size_t forecaster, size_t metric, size_t band)
{
    assert(forecaster < result->n_forecasters && metric < result->n_metrics && band < result->bands.n);
    return &result->sums[(forecaster * result->n_metrics + metric) * result->bands.n + band];
}

score_sums score_result_all(const score_result *result, size_t forecaster, size_t metric)
{
    score_sums all = {0};
    for (size_t b = 0; b < result->bands.n; b++)
        score_sums_merge(&all, score_result_band(result, forecaster, metric, b));
    return all;
}

double score_result_gm(const score_result *result, size_t forecaster, size_t metric)
{
    const size_t n = result->n_servers, reference = result->has_source + (size_t)SCORE_QUANTILES_24H;
    double abs_y = 0;
    size_t n_scored = 0;
    for (size_t i = 0; i < n; i++) {
        abs_y += result->server_abs_y[metric * n + i];
        n_scored += result->server_cells[metric * n + i] > 0;
    }
    return score_gm(result->server_loss + (forecaster * result->n_metrics + metric) * n,
                    result->server_loss + (reference * result->n_metrics + metric) * n,
                    result->server_cells + metric * n, n, score_gm_floor(abs_y, n_scored));
}

int score_result_best_baseline(const score_result *result, size_t metric)
{
    int best = -1;
    double least = INFINITY;
    for (size_t f = result->has_source; f < result->n_forecasters; f++) {
        const score_sums all = score_result_all(result, f, metric);
        const double crps = score_crps(&all);
        if (crps < least) {
            least = crps;
            best = (int)f;
        }
    }
    return best;
}
