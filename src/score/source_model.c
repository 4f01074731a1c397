/* source_model.c - see source_model.h. */
#include "score/source_model.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

struct score_model {
    tft_forecaster *forecaster;
    const tft_dataset *dataset;
    size_t history;  // 0 = all there is
    size_t capacity; // windows
    tft_request *requests;
    tft_series *young; // [capacity] what requests point at where the history is cut
    float *quantiles;  // [capacity, horizon, Q]
};

tft_status score_model_open(tft_forecaster *forecaster, const tft_dataset *dataset, score_model **model, tft_error *err)
{
    const tft_config *const network = tft_forecaster_config(forecaster);
    *model = NULL;
    if (network->n_targets != tft_contract_targets(&dataset->contract))
        return tft_fail(err, TFT_ERR_MISMATCH, "the model forecasts %zu metrics, the data has %zu", network->n_targets,
                        tft_contract_targets(&dataset->contract));
    *model = calloc(1, sizeof **model);
    if (*model == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for scoring a model");
    (*model)->forecaster = forecaster;
    (*model)->dataset = dataset;
    return TFT_OK;
}

void score_model_close(score_model *model)
{
    if (model == NULL)
        return;
    free(model->requests);
    free(model->young);
    free(model->quantiles);
    free(model);
}

void score_model_set_history(score_model *model, size_t history)
{
    model->history = history;
}

static tft_status make_room(score_model *model, size_t n, tft_error *err)
{
    if (n <= model->capacity)
        return TFT_OK;
    const size_t row = tft_config_outputs(tft_forecaster_config(model->forecaster));
    const size_t horizon = tft_forecaster_contract(model->forecaster)->horizon;
    free(model->requests);
    free(model->young);
    free(model->quantiles);
    model->capacity = 0;
    model->requests = calloc(n, sizeof *model->requests);
    model->young = calloc(n, sizeof *model->young);
    model->quantiles = malloc(tft_mul_sat(tft_mul_sat(n, horizon * row), sizeof(float)));
    if (model->requests == NULL || model->young == NULL || model->quantiles == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu forecasts", n);
    model->capacity = n;
    return TFT_OK;
}

/* One window: [horizon, targets × their quantiles] → [targets, horizon, SCORE_N_LEVELS]. */
static void to_score_levels(const tft_config *network, size_t horizon, const float *quantiles, float *levels)
{
    const size_t row = tft_config_outputs(network);
    size_t column = 0;
    for (size_t m = 0; m < network->n_targets; m++) {
        const tft_target *const target = &network->targets[m];
        for (size_t t = 0; t < horizon; t++)
            score_to_levels(target->quantiles, quantiles + t * row + column, target->n_quantiles,
                            levels + (m * horizon + t) * SCORE_N_LEVELS);
        column += target->n_quantiles;
    }
}

static tft_status run(void *context, const score_window *windows, size_t n, float *levels, uint8_t *ok, float *incident,
                      tft_error *err)
{
    score_model *const model = context;
    const tft_config *const network = tft_forecaster_config(model->forecaster);
    const size_t horizon = tft_forecaster_contract(model->forecaster)->horizon, row = tft_config_outputs(network);
    tft_status status = make_room(model, n, err);
    if (status != TFT_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        model->young[i] =
            score_young_series(&model->dataset->series[windows[i].server], windows[i].origin, model->history);
        model->requests[i] = (tft_request){.series = &model->young[i], .origin = windows[i].origin};
    }
    const tft_forecast out = {.quantiles = model->quantiles, .incident = incident, .ok = ok};
    status = tft_forecaster_run(model->forecaster, model->requests, n, 0, &out, err);
    for (size_t i = 0; status == TFT_OK && i < n; i++) {
        if (ok[i])
            to_score_levels(network, horizon, model->quantiles + i * horizon * row,
                            levels + i * network->n_targets * horizon * SCORE_N_LEVELS);
    }
    return status;
}

score_source score_model_source(score_model *model)
{
    return (score_source){
        .name = "tft",
        .label = "TFT",
        .incidents = tft_forecaster_config(model->forecaster)->hazard,
        .context = model,
        .run = run,
    };
}
