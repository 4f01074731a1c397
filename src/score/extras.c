/* extras.c - see extras.h. */
#include "score/extras.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define MAX_HISTORY_WINDOWS 1000
#define IMPORTANCE_WINDOWS 64

static const struct {
    const char *name;
    int64_t ms;
} ages[SCORE_N_HISTORIES] = {
    {"15 min", 900000}, {"1 h", 3600000}, {"4 h", 14400000}, {"24 h", 86400000}, {"8 d", 691200000}};

/* Every k-th of the windows, about a thousand. */
static tft_status thin_out(const score_windows *all, score_windows *few, tft_error *err)
{
    const size_t every = all->n > MAX_HISTORY_WINDOWS ? all->n / MAX_HISTORY_WINDOWS : 1;
    *few = (score_windows){.items = malloc((all->n / every + 1) * sizeof *few->items)};
    if (few->items == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu windows", all->n / every + 1);
    for (size_t i = every / 2; i < all->n; i += every)
        few->items[few->n++] = all->items[i];
    return few->n > 0 ? TFT_OK : tft_fail(err, TFT_ERR_NOT_FOUND, "no window to look at");
}

static tft_status run_histories(const score_evaluation *evaluation, const score_windows *windows, score_model *model,
                                score_extras *extras, tft_error *err)
{
    tft_status status = TFT_OK;
    score_evaluation one = *evaluation;
    one.windows = windows;
    one.details = one.alerts = false;
    one.progress = NULL;
    extras->n_history_windows = windows->n;
    for (size_t i = 0; i < SCORE_N_HISTORIES && status == TFT_OK; i++) {
        score_history *const h = &extras->history[i];
        const int64_t steps = ages[i].ms / evaluation->dataset->contract.step_ms;
        h->name = ages[i].name;
        h->steps = steps < 2 ? 2 : (size_t)steps;
        if (i > 0 && h->steps <= extras->history[i - 1].steps)
            continue; // a pace of hours knows no quarter of one
        one.history = h->steps;
        score_model_set_history(model, h->steps);
        status = score_evaluate(&one, &h->result, err);
        h->there = status == TFT_OK;
    }
    score_model_set_history(model, 0);
    return status;
}

/* ---- importance -------------------------------------------------------------------------------------------------- */

static size_t variables_of(const tft_inputs *inputs)
{
    return (size_t)inputs->n_reals + inputs->n_embeddings;
}

/* Embeddings come first in a selection network, then reals. */
static const char *name_of(const tft_config *network, const tft_inputs *inputs, size_t i)
{
    return i < inputs->n_embeddings ? network->embeddings[inputs->embeddings[i]].name
                                    : network->reals[inputs->reals[i - inputs->n_embeddings]].name;
}

static int heaviest_first(const void *left, const void *right)
{
    const double a = ((const score_weight *)left)->weight, b = ((const score_weight *)right)->weight;
    return (a < b) - (a > b);
}

/* Adds one place's mean weights; rows without any (padding) do not count. */
static void take_place(const tft_config *network, const tft_inputs *inputs, const char *place, const float *rows,
                       size_t n_rows, score_extras *extras)
{
    const size_t n = variables_of(inputs), first = extras->n_weights;
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t r = 0; r < n_rows; r++)
            sum += (double)rows[r * n + i];
        total += sum;
        extras->weights[extras->n_weights++] = (score_weight){place, name_of(network, inputs, i), sum};
    }
    for (size_t i = first; i < extras->n_weights && total > 0; i++)
        extras->weights[i].weight /= total;
    qsort(extras->weights + first, n, sizeof *extras->weights, heaviest_first);
}

static tft_status find_importance(const score_evaluation *evaluation, const score_windows *windows,
                                  tft_forecaster *forecaster, score_extras *extras, tft_error *err)
{
    const tft_config *const network = tft_forecaster_config(forecaster);
    const tft_contract *const contract = tft_forecaster_contract(forecaster);
    const size_t n = windows->n < IMPORTANCE_WINDOWS ? windows->n : IMPORTANCE_WINDOWS, every = windows->n / n;
    const size_t ns = variables_of(&network->static_inputs), ne = variables_of(&network->encoder_inputs),
                 nd = variables_of(&network->decoder_inputs);
    tft_request requests[IMPORTANCE_WINDOWS];
    float *const rows = calloc(n * (ns + contract->context * ne + contract->horizon * nd) + 1, sizeof *rows);
    extras->weights = calloc(ns + ne + nd + 1, sizeof *extras->weights);
    tft_status status = TFT_OK;
    if (rows == NULL || extras->weights == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for the weights of %zu inputs", ns + ne + nd);
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        const score_window *const w = &windows->items[i * every];
        requests[i] = (tft_request){.series = &evaluation->dataset->series[w->server], .origin = w->origin};
    }
    float *const encoder = rows + n * ns, *const decoder = encoder + n * contract->context * ne;
    const tft_forecast out = {.static_selection = rows, .encoder_selection = encoder, .decoder_selection = decoder};
    status = tft_forecaster_run(forecaster, requests, n, 0, &out, err);
    if (status != TFT_OK)
        goto done;
    take_place(network, &network->static_inputs, "static", rows, n, extras);
    take_place(network, &network->encoder_inputs, "encoder", encoder, n * contract->context, extras);
    take_place(network, &network->decoder_inputs, "decoder", decoder, n * contract->horizon, extras);
done:
    free(rows);
    return status;
}

/* ---- examples ---------------------------------------------------------------------------------------------------- */

static tft_status draw_fan(const score_evaluation *evaluation, const score_example *example, size_t metric, bool best,
                           score_extras *extras, tft_error *err)
{
    const score_source *const source = evaluation->source;
    const size_t row = evaluation->dataset->contract.horizon * SCORE_N_LEVELS;
    const size_t n_metrics = tft_contract_targets(&evaluation->dataset->contract);
    if (!example->there)
        return TFT_OK;
    float *const levels = calloc(n_metrics * row, sizeof *levels);
    float *const incident = calloc(evaluation->dataset->contract.horizon, sizeof *incident);
    score_fan *const fan = &extras->fans[extras->n_fans];
    uint8_t ok = 0;
    tft_status status =
        levels != NULL && incident != NULL ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "no memory for a forecast");
    if (status == TFT_OK)
        status = source->run(source->context, &evaluation->windows->items[example->window], 1, levels, &ok,
                             source->incidents ? incident : NULL, err);
    if (status == TFT_OK && ok) {
        *fan = (score_fan){metric, example->window, best, example->ratio, calloc(row, sizeof *fan->levels)};
        if (fan->levels == NULL) {
            status = tft_fail(err, TFT_ERR_MEMORY, "no memory for a forecast");
        } else {
            memcpy(fan->levels, levels + metric * row, row * sizeof *levels);
            extras->n_fans++;
        }
    }
    free(levels);
    free(incident);
    return status;
}

tft_status score_extras_make(const score_evaluation *evaluation, const score_result *result, tft_forecaster *forecaster,
                             score_model *model, score_extras *extras, tft_error *err)
{
    score_windows few = {0};
    memset(extras, 0, sizeof *extras);
    tft_status status = thin_out(evaluation->windows, &few, err);
    if (status == TFT_OK)
        status = find_importance(evaluation, &few, forecaster, extras, err);
    if (status == TFT_OK)
        status = run_histories(evaluation, &few, model, extras, err);
    for (size_t m = 0; m < result->n_metrics && status == TFT_OK; m++) {
        status = draw_fan(evaluation, &result->details.best[m], m, true, extras, err);
        if (status == TFT_OK)
            status = draw_fan(evaluation, &result->details.worst[m], m, false, extras, err);
    }
    score_windows_free(&few);
    if (status != TFT_OK)
        score_extras_free(extras);
    return status;
}

void score_extras_free(score_extras *extras)
{
    for (size_t i = 0; i < SCORE_N_HISTORIES; i++)
        score_result_free(&extras->history[i].result);
    for (size_t i = 0; i < extras->n_fans; i++)
        free(extras->fans[i].levels);
    free(extras->weights);
    memset(extras, 0, sizeof *extras);
}
