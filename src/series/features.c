/* features.c - see features.h. */
#include "series/features.h"

#include <stdio.h>
#include <string.h>

#include "series/incident_signs.h"
#include "tft/window.h"

#define N_ANCHORS 16
/* Width of an embedding by the rule of thumb 1.6·n^0.56 that pytorch-forecasting uses: 5 for 9 states and for 7 kinds. */
#define EMBEDDING_DIM 5

static const tft_feature_row rows[] = {
    {TFT_FEATURE_VALUE, TFT_ENCODER, TFT_PER_METRIC, ""},
    {TFT_FEATURE_GAP, TFT_ENCODER, TFT_PER_WINDOW, "gap"},
    {TFT_FEATURE_TIME_OF_DAY_SIN, TFT_ENCODER | TFT_DECODER, TFT_PER_WINDOW, "time_of_day_sin"},
    {TFT_FEATURE_TIME_OF_DAY_COS, TFT_ENCODER | TFT_DECODER, TFT_PER_WINDOW, "time_of_day_cos"},
    {TFT_FEATURE_DAY_OF_WEEK_SIN, TFT_ENCODER | TFT_DECODER, TFT_PER_WINDOW, "day_of_week_sin"},
    {TFT_FEATURE_DAY_OF_WEEK_COS, TFT_ENCODER | TFT_DECODER, TFT_PER_WINDOW, "day_of_week_cos"},
    {TFT_FEATURE_MINUTE_OF_HOUR_SIN, TFT_ENCODER | TFT_DECODER, TFT_PER_WINDOW, "minute_of_hour_sin"},
    {TFT_FEATURE_MINUTE_OF_HOUR_COS, TFT_ENCODER | TFT_DECODER, TFT_PER_WINDOW, "minute_of_hour_cos"},
    {TFT_FEATURE_HORIZON, TFT_DECODER, TFT_PER_WINDOW, "horizon"},
    {TFT_FEATURE_LOG_HORIZON, TFT_DECODER, TFT_PER_WINDOW, "log_horizon"},
    {TFT_FEATURE_LAG_1D, TFT_DECODER, TFT_PER_TARGET, "lag_1d"},
    {TFT_FEATURE_LAG_2D, TFT_DECODER, TFT_PER_TARGET, "lag_2d"},
    {TFT_FEATURE_LAG_7D, TFT_DECODER, TFT_PER_TARGET, "lag_7d"},
    {TFT_FEATURE_SAME_HOUR, TFT_DECODER, TFT_PER_TARGET, "same_hour"},
    {TFT_FEATURE_SAME_MINUTE, TFT_DECODER, TFT_PER_TARGET, "same_minute"},
    {TFT_FEATURE_HAS_LAG_1D, TFT_DECODER, TFT_PER_WINDOW, "has_lag_1d"},
    {TFT_FEATURE_HAS_LAG_2D, TFT_DECODER, TFT_PER_WINDOW, "has_lag_2d"},
    {TFT_FEATURE_HAS_LAG_7D, TFT_DECODER, TFT_PER_WINDOW, "has_lag_7d"},
    {TFT_FEATURE_LAST, TFT_STATIC, TFT_PER_METRIC, "last"},
    {TFT_FEATURE_MEAN_1H, TFT_STATIC, TFT_PER_METRIC, "mean_1h"},
    {TFT_FEATURE_MEAN_24H, TFT_STATIC, TFT_PER_METRIC, "mean_24h"},
    {TFT_FEATURE_MEAN_7D, TFT_STATIC, TFT_PER_METRIC, "mean_7d"},
    {TFT_FEATURE_P10_24H, TFT_STATIC, TFT_PER_METRIC, "p10_24h"},
    {TFT_FEATURE_P90_24H, TFT_STATIC, TFT_PER_METRIC, "p90_24h"},
    {TFT_FEATURE_MAX_24H, TFT_STATIC, TFT_PER_METRIC, "max_24h"},
    {TFT_FEATURE_CHANGE_24H, TFT_STATIC, TFT_PER_METRIC, "change_24h"},
    {TFT_FEATURE_LOG_SCALE, TFT_STATIC, TFT_PER_METRIC, "log_scale"},
    {TFT_FEATURE_MISSING, TFT_STATIC, TFT_PER_METRIC, "missing"},
    {TFT_FEATURE_HISTORY, TFT_STATIC, TFT_PER_WINDOW, "history"},
    {TFT_FEATURE_ENCODER_LENGTH, TFT_STATIC, TFT_PER_WINDOW, "encoder_length"},
    {TFT_FEATURE_NEWEST_FILL, TFT_STATIC, TFT_PER_WINDOW, "newest_fill"},
    {TFT_FEATURE_INCIDENT_SHARE_24H, TFT_STATIC, TFT_PER_WINDOW, "incident_share_24h"},
    {TFT_FEATURE_INCIDENT_SHARE_7D, TFT_STATIC, TFT_PER_WINDOW, "incident_share_7d"},
    {TFT_FEATURE_SINCE_INCIDENT, TFT_STATIC, TFT_PER_WINDOW, "since_incident"},
    {TFT_FEATURE_INCIDENTS_24H, TFT_STATIC, TFT_PER_WINDOW, "incidents_24h"},
    {TFT_FEATURE_INCIDENTS_7D, TFT_STATIC, TFT_PER_WINDOW, "incidents_7d"},
    {TFT_FEATURE_INCIDENT_LEVEL, TFT_ENCODER, TFT_PER_WINDOW, "incident_level"},
    {TFT_FEATURE_INCIDENT_START_1D, TFT_DECODER, TFT_PER_WINDOW, "incident_start_1d"},
    {TFT_FEATURE_INCIDENT_START_7D, TFT_DECODER, TFT_PER_WINDOW, "incident_start_7d"},
    {TFT_FEATURE_INCIDENT_START_AROUND_7D, TFT_DECODER, TFT_PER_WINDOW, "incident_start_around_7d"},
    {TFT_FEATURE_INCIDENT_HIGH_SAME_TIME, TFT_DECODER, TFT_PER_WINDOW, "incident_high_same_time"},
    {TFT_FEATURE_INCIDENT_START_SAME_MINUTE, TFT_DECODER, TFT_PER_WINDOW, "incident_start_same_minute"},
    {TFT_FEATURE_INCIDENT_ANALOGS, TFT_DECODER, TFT_PER_WINDOW, "incident_analogs"},
    {TFT_FEATURE_INCIDENT_ANALOGS_RATE, TFT_DECODER, TFT_PER_WINDOW, "incident_analogs_rate"},
    {TFT_FEATURE_INCIDENT_RUN, TFT_STATIC, TFT_PER_WINDOW, "incident_run"},
    {TFT_FEATURE_INCIDENT_RUN_LOG, TFT_STATIC, TFT_PER_WINDOW, "incident_run_log"},
    {TFT_FEATURE_INCIDENT_SINCE_HIGH, TFT_STATIC, TFT_PER_WINDOW, "incident_since_high"},
    {TFT_FEATURE_INCIDENT_HEADROOM, TFT_STATIC, TFT_PER_WINDOW, "incident_headroom"},
    {TFT_FEATURE_INCIDENT_HEADROOM_1H, TFT_STATIC, TFT_PER_WINDOW, "incident_headroom_1h"},
    {TFT_FEATURE_INCIDENT_HIGH_1H, TFT_STATIC, TFT_PER_WINDOW, "incident_high_1h"},
    {TFT_FEATURE_INCIDENT_HIGH_6H, TFT_STATIC, TFT_PER_WINDOW, "incident_high_6h"},
    {TFT_FEATURE_INCIDENT_HIGH_24H, TFT_STATIC, TFT_PER_WINDOW, "incident_high_24h"},
    {TFT_FEATURE_INCIDENT_HIGH_7D, TFT_STATIC, TFT_PER_WINDOW, "incident_high_7d"},
    {TFT_FEATURE_INCIDENT_NEAR_1H, TFT_STATIC, TFT_PER_WINDOW, "incident_near_1h"},
    {TFT_FEATURE_INCIDENT_NEAR_6H, TFT_STATIC, TFT_PER_WINDOW, "incident_near_6h"},
    {TFT_FEATURE_INCIDENT_NEAR_24H, TFT_STATIC, TFT_PER_WINDOW, "incident_near_24h"},
    {TFT_FEATURE_INCIDENT_NEAR_7D, TFT_STATIC, TFT_PER_WINDOW, "incident_near_7d"},
    {TFT_FEATURE_INCIDENTS_1H, TFT_STATIC, TFT_PER_WINDOW, "incidents_1h"},
    {TFT_FEATURE_INCIDENTS_6H, TFT_STATIC, TFT_PER_WINDOW, "incidents_6h"},
};

static const char *const anchor_names[N_ANCHORS] = {
    "last_value",
    "quantiles_1h",
    "quantiles_24h",
    "quantiles_7d",
    "quantiles_same_hour",
    "one_day_before",
    "one_day_before_smooth",
    "same_minute",
    "same_minute_6h",
    "same_minute_24h",
    "last_and_changes_24h",
    "last_and_changes_7d",
    "level_and_changes_24h",
    "one_day_before_shifted",
    "analogs",
    "analogs_changes",
};

const tft_feature_row *tft_feature_rows(size_t *n)
{
    *n = sizeof rows / sizeof rows[0];
    return rows;
}

size_t tft_feature_width(const tft_feature_row *row, const tft_contract *contract)
{
    if (row->feature >= TFT_FEATURE_INCIDENT_LEVEL && !contract->incident.inputs)
        return 0;
    switch (row->scope) {
    case TFT_PER_METRIC:
        return contract->n_metrics;
    case TFT_PER_TARGET:
        return tft_contract_targets(contract);
    case TFT_PER_WINDOW:
        break;
    }
    return 1;
}

size_t tft_feature_count(const tft_contract *contract, tft_place place)
{
    size_t n = 0;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        n += (rows[r].places & (unsigned)place) != 0 ? tft_feature_width(&rows[r], contract) : 0;
    return n;
}

int tft_feature_state_column(const tft_contract *contract)
{
    return contract->has_state ? 0 : -1;
}

int tft_feature_profile_column(const tft_contract *contract)
{
    return !contract->has_profile ? -1 : contract->has_state ? 1 : 0;
}

static const char *const clock_names[3] = {"minute_moments", "minute_quantiles",
                                           "time_quantiles"}; // in place of 7 to 9

size_t tft_window_anchors(void)
{
    return N_ANCHORS;
}

const char *tft_window_anchor_name(const tft_config *config, size_t k)
{
    if (config->clock_anchors && k >= 7 && k < 10)
        return clock_names[k - 7];
    return k < N_ANCHORS ? anchor_names[k] : "";
}

static tft_status feature_name(const tft_contract *contract, const tft_feature_row *row, size_t m,
                               char name[TFT_MAX_NAME], tft_error *err)
{
    const char *const metric = contract->metrics[m].name;
    const int n = row->scope == TFT_PER_WINDOW ? snprintf(name, TFT_MAX_NAME, "%s", row->name)
                  : row->name[0] == '\0'       ? snprintf(name, TFT_MAX_NAME, "%s", metric)
                                               : snprintf(name, TFT_MAX_NAME, "%s_%s", metric, row->name);
    if (n < 0 || n >= TFT_MAX_NAME)
        return tft_fail(err, TFT_ERR_LIMIT, "metric %s: its name is too long to make \"%s_%s\" of it", metric, metric,
                        row->name);
    return TFT_OK;
}

/* Adds a real input to the lists of the row's places. */
static tft_status add_real(const char *name, unsigned places, tft_config *config, tft_error *err)
{
    for (size_t i = 0; i < config->n_reals; i++) {
        if (strcmp(config->reals[i].name, name) == 0)
            return tft_fail(err, TFT_ERR_ARGUMENT, "two inputs would be called \"%s\"; rename a metric", name);
    }
    if (config->n_reals == TFT_MAX_REALS)
        return tft_fail(err, TFT_ERR_LIMIT, "more than %d inputs; the contract has too many metrics", TFT_MAX_REALS);
    const uint8_t at = (uint8_t)config->n_reals++;
    config->reals[at] = (tft_real){0};
    snprintf(config->reals[at].name, sizeof config->reals[at].name, "%s", name);
    tft_inputs *const lists[] = {&config->static_inputs, &config->encoder_inputs, &config->decoder_inputs};
    const tft_place order[] = {TFT_STATIC, TFT_ENCODER, TFT_DECODER};
    for (size_t p = 0; p < 3; p++) {
        if ((places & (unsigned)order[p]) != 0)
            lists[p]->reals[lists[p]->n_reals++] = at;
    }
    return TFT_OK;
}

static void add_categorical(const char *name, uint32_t cardinality, tft_inputs *inputs, tft_config *config)
{
    const uint8_t at = (uint8_t)config->n_categoricals++;
    snprintf(config->categorical_names[at], TFT_MAX_NAME, "%s", name);
    tft_embedding *const e = &config->embeddings[config->n_embeddings];
    *e = (tft_embedding){.cardinality = cardinality, .dim = EMBEDDING_DIM, .n_members = 1, .members = {at}};
    snprintf(e->name, sizeof e->name, "%s", name);
    inputs->embeddings[inputs->n_embeddings++] = (uint8_t)config->n_embeddings++;
}

static tft_status add_targets(const tft_contract *contract, const float *quantiles, size_t n_quantiles,
                              tft_config *config, tft_error *err)
{
    if (n_quantiles < 1 || n_quantiles > TFT_MAX_QUANTILES)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%zu quantiles, 1 to %d are possible", n_quantiles, TFT_MAX_QUANTILES);
    for (size_t q = 0; q < n_quantiles; q++) {
        if (!(quantiles[q] > 0.0f && quantiles[q] < 1.0f) || (q > 0 && quantiles[q] <= quantiles[q - 1]))
            return tft_fail(err, TFT_ERR_ARGUMENT, "quantile %zu is %g; levels must ascend inside (0, 1)", q,
                            (double)quantiles[q]);
    }
    config->n_targets = tft_contract_targets(contract);
    for (size_t m = 0; m < config->n_targets; m++) {
        tft_target *const target = &config->targets[m];
        *target =
            (tft_target){.transform = TFT_TRANSFORM_IDENTITY, .loss_weight = 1.0f, .n_quantiles = (uint8_t)n_quantiles};
        snprintf(target->name, sizeof target->name, "%s", contract->metrics[m].name);
        memcpy(target->quantiles, quantiles, n_quantiles * sizeof *quantiles);
    }
    return TFT_OK;
}

tft_status tft_features_config(const tft_contract *contract, const float *quantiles, size_t n_quantiles, bool mixture,
                               bool hazard, tft_config *config, tft_error *err)
{
    tft_status status = tft_contract_check(contract, err);
    if (status != TFT_OK)
        return status;
    config->n_reals = config->n_categoricals = config->n_embeddings = 0;
    config->static_inputs = config->encoder_inputs = config->decoder_inputs = (tft_inputs){0};
    config->max_encoder_length = contract->context;
    config->max_decoder_length = contract->horizon;
    config->n_anchors = mixture ? N_ANCHORS : 0;
    config->tilted_mixture = config->clock_anchors = mixture;
    config->hazard = hazard;
    config->n_signs = hazard && config->sign_hidden > 0 ? TFT_N_SIGNS : 0;
    config->wide_hazard = hazard && config->n_signs == 0;
    if (contract->has_state)
        add_categorical("state", TFT_N_STATES, &config->encoder_inputs, config);
    if (contract->has_profile)
        add_categorical("profile", TFT_N_PROFILES, &config->static_inputs, config);
    status = add_targets(contract, quantiles, n_quantiles, config, err);
    for (size_t r = 0; status == TFT_OK && r < sizeof rows / sizeof rows[0]; r++) {
        const size_t width = tft_feature_width(&rows[r], contract);
        for (size_t m = 0; status == TFT_OK && m < width; m++) {
            char name[TFT_MAX_NAME];
            status = feature_name(contract, &rows[r], m, name, err);
            if (status == TFT_OK)
                status = add_real(name, rows[r].places, config, err);
        }
    }
    return status;
}
