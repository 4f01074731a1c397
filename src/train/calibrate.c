/* calibrate.c - see calibrate.h. */
#include "train/calibrate_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "tft/window.h"

#define CHUNK ((size_t)256) // windows at a time

static const int64_t point_ms[CALIBRATE_POINTS] = {1800000, 3600000, 7200000, 14400000, 28800000};

/* ---- windows ---------------------------------------------------------------------------------------------------- */

static bool is_chosen(const calibrating *c, size_t server, size_t group)
{
    const tft_calibrate_plan *const p = c->plan;
    return (p->selected == NULL || p->selected[server] != 0) && (p->group_of == NULL || p->group_of[server] == group) &&
           c->dataset->series[server].n_steps > 0;
}

static tft_status add_window(calibrating *c, size_t server, int64_t step, size_t group, size_t origin_index,
                             tft_error *err)
{
    const tft_series *const s = &c->dataset->series[server];
    const int64_t at = tft_series_index(s, step);
    if (at < 0 || s->counts[at] == 0 || s->states[at] == TFT_STATE_OFFLINE)
        return TFT_OK;
    if (c->n == c->capacity) {
        const size_t capacity = c->capacity == 0 ? 1024 : 2 * c->capacity;
        calibration_window *const grown = realloc(c->windows, capacity * sizeof *grown);
        if (grown == NULL)
            return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu windows to calibrate with", capacity);
        c->windows = grown;
        c->capacity = capacity;
    }
    c->windows[c->n++] = (calibration_window){.server = (uint32_t)server,
                                              .origin_index = (uint32_t)origin_index,
                                              .group = (uint32_t)group,
                                              .step = step,
                                              .in_incident = tft_series_in_incident(s, c->contract, (size_t)at)};
    return TFT_OK;
}

/* Where the origins of a group may lie, and how many of its servers were chosen. */
static size_t range_of(const calibrating *c, size_t group, int64_t *first, int64_t *last)
{
    size_t n = 0;
    int64_t begin = INT64_MAX, end = INT64_MIN;
    for (size_t i = 0; i < c->dataset->n_servers; i++) {
        if (!is_chosen(c, i, group))
            continue;
        const tft_series *const s = &c->dataset->series[i];
        const int64_t newest = s->first_step + (int64_t)s->n_steps - 1;
        begin = s->first_step < begin ? s->first_step : begin;
        end = newest > end ? newest : end;
        n++;
    }
    if (n == 0)
        return 0;
    end = c->plan->last_step < end ? c->plan->last_step : end;
    begin += (end - begin) / 8 < (int64_t)c->contract->context ? (end - begin) / 8 : (int64_t)c->contract->context;
    *first = c->plan->first_step > begin ? c->plan->first_step : begin;
    *last = end - (int64_t)c->contract->horizon;
    if (*last < *first)
        *last = end - 1; // a short piece of time: better some steps ahead than none
    return *last < *first ? 0 : n;
}

static tft_status list_group(calibrating *c, size_t group, double share, tft_error *err)
{
    int64_t first = 0, last = 0;
    const size_t n_servers = range_of(c, group, &first, &last);
    if (n_servers == 0 || share <= 0)
        return TFT_OK;
    const double room = (double)(last - first + 1);
    double n = ceil(share * (double)c->plan->n_windows / (double)n_servers);
    n = n < 1 ? 1 : n > room ? room : n;
    tft_rng rng = tft_rng_seeded(c->plan->seed, CALIBRATE_STREAM + group);
    for (double k = 0; k < n;
         k++) { // one origin somewhere in each n-th of the time: every hour of the day has its turn
        const int64_t step = first + (int64_t)((k + tft_rng_uniform(&rng)) * room / n);
        for (size_t i = 0; i < c->dataset->n_servers; i++) {
            const tft_status status =
                is_chosen(c, i, group) ? add_window(c, i, step < last ? step : last, group, c->n_origins, err) : TFT_OK;
            if (status != TFT_OK)
                return status;
        }
        c->n_origins++;
    }
    return TFT_OK;
}

static tft_status list_windows(calibrating *c, tft_error *err)
{
    const tft_calibrate_plan *const p = c->plan;
    const size_t n_groups = p->group_of != NULL ? p->n_groups : 1;
    double sum = 0;
    tft_status status = TFT_OK;
    double *const share = calloc(n_groups, sizeof *share);
    if (share == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu groups", n_groups);
    for (size_t g = 0; g < n_groups; g++) {
        int64_t first, last;
        const size_t n = range_of(c, g, &first, &last);
        share[g] = n == 0 ? 0 : p->group_share != NULL ? p->group_share[g] : (double)n;
        sum += share[g];
    }
    for (size_t g = 0; g < n_groups && status == TFT_OK && sum > 0; g++)
        status = list_group(c, g, share[g] / sum, err);
    free(share);
    if (status == TFT_OK && c->n == 0)
        status = tft_fail(err, TFT_ERR_NOT_FOUND, "no window to calibrate with");
    return status;
}

/* ---- forecasts -------------------------------------------------------------------------------------------------- */

static void layout(tft_arena *arena, calibrating *c)
{
    const size_t t = c->contract->horizon, m = c->network->n_targets;
    c->quantiles = tft_arena_floats(arena, CHUNK * t * tft_config_outputs(c->network));
    c->incident = tft_arena_floats(arena, CHUNK * t);
    c->target = tft_arena_floats(arena, t * m);
    c->weight = tft_arena_floats(arena, t * m);
    c->zero_scale = tft_arena_floats(arena, 2 * m);
    c->ok = tft_arena_alloc(arena, CHUNK, 1);
    c->requests = tft_arena_alloc(arena, CHUNK, sizeof *c->requests);
    c->raw = tft_arena_floats(arena, tft_mul_sat(c->n, CALIBRATE_POINTS));
    tft_window_layout(c->network, arena, &c->window);
}

/* The cells of one window: metric by metric, step by step, what was said beside what came. */
static tft_status take_cells(calibrating *c, const calibration_window *w, const float *row, tft_error *err)
{
    const size_t n_targets = c->network->n_targets, horizon = c->contract->horizon;
    for (size_t t = 0; t < horizon; t++) {
        for (size_t m = 0; m < n_targets; m++) {
            const size_t n = c->network->targets[m].n_quantiles;
            if (c->weight[t * n_targets + m] > 0 && w->step + 1 + (int64_t)t <= c->plan->last_step) {
                const tft_status status = tft_stretch_add(
                    &c->cells[m], c->network->targets[m].quantiles, row, n, (double)c->target[t * n_targets + m],
                    (double)c->window.target_scale[2 * m + 1], tft_span_of(horizon, t + 1), err);
                if (status != TFT_OK)
                    return status;
            }
            row += n;
        }
    }
    return TFT_OK;
}

static tft_status take_window(calibrating *c, size_t index, size_t in_chunk, tft_error *err)
{
    calibration_window *const w = &c->windows[index];
    const tft_series *const series = &c->dataset->series[w->server];
    for (size_t k = 0; k < c->n_points; k++)
        c->raw[index * CALIBRATE_POINTS + k] =
            c->ok[in_chunk] ? c->incident[in_chunk * c->contract->horizon + c->point[k] - 1] : NAN;
    if (!c->ok[in_chunk])
        return TFT_OK;
    tft_window_truth(c->contract, series, w->step, c->plan->last_step, c->zero_scale, c->target, c->weight,
                     &w->event_step, &w->at_risk);
    if ((c->parts & TFT_CALIBRATE_QUANTILES) == 0)
        return TFT_OK;
    // A second building, for the scale alone: a hundredth of what the network takes.
    const tft_status status =
        tft_window_build(c->contract, c->network, series, w->step, NULL, c->scratch, &c->window, err);
    return status != TFT_OK
               ? status
               : take_cells(c, w, c->quantiles + in_chunk * c->contract->horizon * tft_config_outputs(c->network), err);
}

static tft_status run(calibrating *c, tft_error *err)
{
    tft_status status = TFT_OK;
    const tft_forecast out = {.quantiles = (c->parts & TFT_CALIBRATE_QUANTILES) != 0 ? c->quantiles : NULL,
                              .incident = c->n_points > 0 ? c->incident : NULL,
                              .ok = c->ok};
    for (size_t first = 0; first < c->n && status == TFT_OK; first += CHUNK) {
        const size_t n = c->n - first < CHUNK ? c->n - first : CHUNK;
        for (size_t i = 0; i < n; i++)
            c->requests[i] = (tft_request){.series = &c->dataset->series[c->windows[first + i].server],
                                           .origin = c->windows[first + i].step};
        status = tft_forecaster_run(c->forecaster, c->requests, n, 0, &out, err);
        for (size_t i = 0; i < n && status == TFT_OK; i++)
            status = take_window(c, first + i, i, err);
    }
    return status;
}

/* ---- fits ------------------------------------------------------------------------------------------------------- */

static tft_status fit_quantiles(calibrating *c, tft_calibration *out, tft_error *err)
{
    const size_t n = c->network->n_targets <= TFT_MAX_METRICS ? c->network->n_targets : 0;
    tft_span_centres(c->contract->horizon, out->span_step);
    for (size_t m = 0; m < n; m++) {
        const tft_status status = tft_stretch_fit(&c->cells[m], &out->stretch[m], err);
        if (status != TFT_OK)
            return status;
        tft_stretch_cells_free(&c->cells[m]); // the largest piece of memory here
    }
    out->n_stretched = n;
    return TFT_OK;
}

static tft_status fit_incidents(const calibrating *c, tft_calibration *out, tft_calibrate_facts *facts, tft_error *err)
{
    double *const x = malloc(tft_mul_sat(c->n, sizeof *x));
    uint8_t *const y = malloc(c->n);
    tft_status status = TFT_OK;
    if (x == NULL || y == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu incident cases", c->n);
        goto done;
    }
    out->n_points = 0;
    memset(&out->alerts, 0, sizeof out->alerts); // of the curves of before
    for (size_t k = 0; k < c->n_points; k++) {
        size_t n = 0, positives = 0;
        for (size_t i = 0; i < c->n; i++) {
            const double p = (double)c->raw[i * CALIBRATE_POINTS + k];
            const int label = calibrate_label(&c->windows[i], c->point[k]);
            if (label < 0 || c->windows[i].in_incident || !(p > 0 && p < 1))
                continue;
            x[n] = log(p) - log1p(-p);
            y[n++] = (uint8_t)label;
            positives += label == 1;
        }
        facts->n_cases[k] = n;
        facts->n_incidents[k] = positives;
        out->step[out->n_points] = c->point[k];
        if (tft_platt_fit(x, y, n, &out->slope[out->n_points], &out->intercept[out->n_points]))
            out->n_points++;
    }
done:
    free(x);
    free(y);
    return status;
}

/* What comes before the fits: the windows, and what was forecast for each. */
static tft_status forecast_all(calibrating *c, tft_error *err)
{
    tft_arena count = {0};
    for (size_t k = 0; k < CALIBRATE_POINTS && c->network->hazard; k++) {
        const int64_t steps = point_ms[k] / c->contract->step_ms;
        if (steps >= 1 && steps <= (int64_t)c->contract->horizon &&
            (c->n_points == 0 || steps > c->point[c->n_points - 1]))
            c->point[c->n_points++] = (uint32_t)steps;
    }
    tft_status status = list_windows(c, err);
    if (status != TFT_OK)
        return status;
    layout(&count, c);
    status = tft_arena_init(&c->arena, count.used, err);
    if (status != TFT_OK)
        return status;
    layout(&c->arena, c);
    for (size_t m = 0; m < c->network->n_targets; m++)
        c->zero_scale[2 * m + 1] = 1;
    status = tft_window_scratch_open(c->contract, &c->scratch, err);
    return status == TFT_OK ? run(c, err) : status;
}

static void give_back(calibrating *c)
{
    for (size_t m = 0; m < TFT_MAX_METRICS; m++)
        tft_stretch_cells_free(&c->cells[m]);
    tft_window_scratch_close(c->scratch);
    tft_arena_free(&c->arena);
    free(c->windows);
}

tft_status tft_calibrate(tft_forecaster *forecaster, const tft_dataset *dataset, const tft_calibrate_plan *plan,
                         tft_calibration *calibration, tft_calibrate_facts *facts, tft_error *err)
{
    calibrating c = {.forecaster = forecaster,
                     .contract = tft_forecaster_contract(forecaster),
                     .network = tft_forecaster_config(forecaster),
                     .dataset = dataset,
                     .plan = plan,
                     .parts = plan->parts != 0 ? plan->parts : TFT_CALIBRATE_ALL};
    tft_calibrate_facts counted = {0};
    tft_status status = forecast_all(&c, err);
    for (size_t m = 0; m < TFT_MAX_METRICS; m++)
        counted.n_cells += c.cells[m].n;
    if (status == TFT_OK && (c.parts & TFT_CALIBRATE_QUANTILES) != 0)
        status = fit_quantiles(&c, calibration, err);
    if (status == TFT_OK && (c.parts & TFT_CALIBRATE_INCIDENTS) != 0)
        status = fit_incidents(&c, calibration, &counted, err);
    if (status == TFT_OK && (c.parts & TFT_CALIBRATE_FLEET) != 0)
        status = calibrate_fleet(&c, calibration, err);
    counted.n_windows = c.n;
    counted.n_origins = c.n_origins;
    if (status == TFT_OK && facts != NULL)
        *facts = counted;
    if (status != TFT_OK)
        memset(calibration, 0, sizeof *calibration);
    give_back(&c);
    return status;
}

tft_status tft_calibrate_alerts(tft_forecaster *forecaster, const tft_dataset *dataset, const tft_calibrate_plan *plan,
                                tft_alert_record *record, tft_calibrate_facts *facts, tft_error *err)
{
    calibrating c = {.forecaster = forecaster,
                     .contract = tft_forecaster_contract(forecaster),
                     .network = tft_forecaster_config(forecaster),
                     .dataset = dataset,
                     .plan = plan,
                     .parts = TFT_CALIBRATE_INCIDENTS};
    memset(record, 0, sizeof *record);
    tft_status status = c.network->hazard ? forecast_all(&c, err)
                                          : tft_fail(err, TFT_ERR_STATE, "the model has no incident probabilities");
    const uint32_t whole = (uint32_t)c.contract->horizon;
    for (size_t i = 0; i < c.n && status == TFT_OK; i++) {
        const int label = calibrate_label(&c.windows[i], whole);
        if (label < 0 || c.windows[i].in_incident || isnan(c.raw[i * CALIBRATE_POINTS]))
            continue;
        record->n_cases++;
        record->n_came += label == 1;
        for (size_t k = 0; k < c.n_points; k++)
            tft_alert_record_add(record, k, (double)c.raw[i * CALIBRATE_POINTS + k], label == 1);
    }
    if (status == TFT_OK) {
        record->n = c.n_points;
        record->within = whole;
        memcpy(record->step, c.point, c.n_points * sizeof *c.point);
    }
    if (status == TFT_OK && facts != NULL)
        *facts = (tft_calibrate_facts){.n_windows = c.n, .n_origins = c.n_origins};
    give_back(&c);
    return status;
}
