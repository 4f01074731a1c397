/* window.c - see tft/window.h: fills a window, row by row of the feature table (features.c).
 *
 * In order: the past is copied (past.c), every metric summarised (summary.c), the targets' lags are looked up (lags.c),
 * then each row of the table writes its columns into static, encoder and decoder inputs; anchors come last
 * (anchors.c). All of it reads the copy, never the series.
 */
#include "tft/window.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "series/anchors.h"
#include "series/features.h"
#include "series/incident_past.h"
#include "series/incident_signs.h"
#include "series/lags.h"
#include "series/past.h"
#include "series/scaled.h"
#include "series/squash.h"
#include "series/state.h"
#include "series/summary.h"

struct tft_window_scratch {
    tft_arena arena;
    tft_calendar calendar;
    tft_past past;
    tft_sorter sorter;
    tft_analog_finder finder;
    tft_summary *summaries;  // [n_metrics]
    float *squashed;         // [the longer of context and horizon] one column
    float *lags;             // [n_targets, TFT_N_LAGS, horizon], NaN = none
    float *horizon_calendar; // [horizon, 6]
    float *horizon_place;    // [2, horizon] how far into the horizon a step is, and the same logarithmically
    uint8_t *horizon_hour;   // [horizon] hour of the day
    tft_incident_past incidents;
    tft_incident_signs signs;
};

/* What the columns are made of, for the window at hand. */
typedef struct making {
    const tft_contract *contract;
    const tft_window_scratch *scratch;
    size_t n_targets, first, length; // the encoder's first step as an index into the past, and its steps
    float incident_share_24h, incident_share_7d, since_incident, incidents_24h, incidents_7d;
} making;

static void layout(tft_window_scratch *s, const tft_contract *contract, tft_arena *arena)
{
    tft_calendar_layout(&s->calendar, contract->step_ms, arena);
    const tft_pace *const pace = &s->calendar.pace;
    tft_past_layout(&s->past, contract, arena);
    tft_sorter_layout(&s->sorter, pace, contract->n_metrics, arena);
    tft_analog_finder_layout(&s->finder, pace, arena);
    s->summaries = tft_arena_alloc(arena, contract->n_metrics, sizeof *s->summaries);
    tft_summary while_counting;
    for (size_t m = 0; m < contract->n_metrics; m++)
        tft_summary_layout(s->summaries != NULL ? &s->summaries[m] : &while_counting, pace, arena);
    const size_t t = contract->horizon;
    s->squashed = tft_arena_floats(arena, contract->context > t ? contract->context : t);
    s->lags = tft_arena_floats(arena, tft_contract_targets(contract) * TFT_N_LAGS * t);
    s->horizon_calendar = tft_arena_floats(arena, t * TFT_N_CALENDAR);
    s->horizon_place = tft_arena_floats(arena, 2 * t);
    for (size_t i = 0; s->horizon_place != NULL && i < t; i++) {
        s->horizon_place[i] = (float)(i + 1) / (float)t;
        s->horizon_place[t + i] = log1pf((float)(i + 1)) / log1pf((float)t);
    }
    s->horizon_hour = tft_arena_alloc(arena, t, sizeof *s->horizon_hour);
    tft_incident_past_layout(&s->incidents, tft_past_length(contract), arena);
    tft_incident_signs_layout(&s->signs, tft_past_length(contract), arena);
}

tft_status tft_window_scratch_open(const tft_contract *contract, tft_window_scratch **scratch, tft_error *err)
{
    *scratch = NULL;
    tft_status status = tft_contract_check(contract, err);
    if (status != TFT_OK)
        return status;
    tft_window_scratch *const s = calloc(1, sizeof *s);
    if (s == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a window's scratch");
    tft_arena counting = {0};
    layout(s, contract, &counting);
    status = tft_arena_init(&s->arena, counting.used, err);
    if (status != TFT_OK) {
        free(s);
        return status;
    }
    layout(s, contract, &s->arena);
    *scratch = s;
    return TFT_OK;
}

void tft_window_scratch_close(tft_window_scratch *scratch)
{
    if (scratch == NULL)
        return;
    tft_arena_free(&scratch->arena);
    free(scratch);
}

void tft_window_layout(const tft_config *config, struct tft_arena *arena, tft_window *window)
{
    const size_t e = config->max_encoder_length, t = config->max_decoder_length;
    const size_t n_codes = config->n_categoricals;
    memset(window, 0, sizeof *window);
    window->static_reals = tft_arena_floats(arena, config->static_inputs.n_reals);
    window->encoder_reals = tft_arena_floats(arena, e * config->encoder_inputs.n_reals);
    window->decoder_reals = tft_arena_floats(arena, t * config->decoder_inputs.n_reals);
    window->static_codes = tft_arena_alloc(arena, n_codes, sizeof *window->static_codes);
    window->encoder_codes = tft_arena_alloc(arena, e * n_codes, sizeof *window->encoder_codes);
    window->decoder_codes = tft_arena_alloc(arena, t * n_codes, sizeof *window->decoder_codes);
    window->target_scale = tft_arena_floats(arena, 2 * config->n_targets);
    if (config->n_anchors > 0) {
        window->anchor_values = tft_arena_floats(arena, tft_anchors_floats(config));
        window->anchors = tft_arena_alloc(arena, config->n_targets * config->n_anchors, sizeof *window->anchors);
    }
    if (config->n_signs > 0)
        window->signs = tft_arena_floats(arena, config->n_signs);
}

/* ---- static inputs ------------------------------------------------------------------------------------------------ */

static void measure_incidents(making *k)
{
    const tft_incident_past *const marks = &k->scratch->incidents;
    const tft_pace *const pace = &k->scratch->calendar.pace;
    const size_t n = k->scratch->past.n, latest = tft_marks_latest(&marks->starts);
    const size_t since = latest > 0 && n - latest < pace->week ? n - latest : pace->week;
    k->incident_share_24h = (float)tft_marks_newest(&marks->ins, pace->day) / (float)pace->day;
    k->incident_share_7d = (float)tft_marks_newest(&marks->ins, pace->week) / (float)pace->week;
    k->since_incident = log1pf((float)since) / log1pf((float)pace->week);
    k->incidents_24h = log1pf((float)tft_marks_newest(&marks->starts, pace->day));
    k->incidents_7d = log1pf((float)tft_marks_newest(&marks->starts, pace->week));
}

static float share_missing(const making *k, size_t m)
{
    const tft_past *const past = &k->scratch->past;
    size_t missing = 0;
    for (size_t i = k->first; i < past->n; i++)
        missing += isnan(past->columns[m * past->n + i]) != 0;
    return (float)missing / (float)k->length;
}

static float static_value(const making *k, tft_feature feature, size_t m)
{
    const tft_past *const past = &k->scratch->past;
    const tft_summary *const s = &k->scratch->summaries[m];
    switch (feature) {
    case TFT_FEATURE_LAST:
        return tft_squashed(s->last, s->scale);
    case TFT_FEATURE_MEAN_1H:
        return tft_squashed(s->mean_1h, s->scale);
    case TFT_FEATURE_MEAN_24H:
        return tft_squashed(s->mean_24h, s->scale);
    case TFT_FEATURE_MEAN_7D:
        return tft_squashed(s->mean_7d, s->scale);
    case TFT_FEATURE_P10_24H:
        return tft_squashed(s->p10_24h, s->scale);
    case TFT_FEATURE_P90_24H:
        return tft_squashed(s->p90_24h, s->scale);
    case TFT_FEATURE_MAX_24H:
        return tft_squashed(s->max_24h, s->scale);
    case TFT_FEATURE_CHANGE_24H:
        return tft_squashed(s->change_24h, s->scale);
    case TFT_FEATURE_LOG_SCALE:
        return s->seen ? log10f(s->scale) / 3.0f : 0.0f;
    case TFT_FEATURE_MISSING:
        return share_missing(k, m);
    case TFT_FEATURE_HISTORY:
        return log2f((float)past->n_known) / 11.0f;
    case TFT_FEATURE_ENCODER_LENGTH:
        return (float)k->length / (float)k->contract->context;
    case TFT_FEATURE_NEWEST_FILL:
        return past->newest_fill;
    case TFT_FEATURE_INCIDENT_SHARE_24H:
        return k->incident_share_24h;
    case TFT_FEATURE_INCIDENT_SHARE_7D:
        return k->incident_share_7d;
    case TFT_FEATURE_SINCE_INCIDENT:
        return k->since_incident;
    case TFT_FEATURE_INCIDENTS_24H:
        return k->incidents_24h;
    case TFT_FEATURE_INCIDENTS_7D:
        return k->incidents_7d;
    default:
        return tft_incident_past_static(&k->scratch->incidents, feature); // and nobody else is left
    }
}

/* ---- encoder inputs ----------------------------------------------------------------------------------------------- */

/* A gap carries the last value forward, also one from before the window's first step; before any value it is 0. */
static void fill_values(const making *k, size_t m, size_t stride, float *out)
{
    const tft_past *const past = &k->scratch->past;
    const float *const column = past->columns + m * past->n;
    const float scale = k->scratch->summaries[m].scale;
    float carried = 0.0f;
    for (size_t i = k->first; i-- > 0;) {
        if (!isnan(column[i])) {
            carried = tft_squashed(column[i], scale);
            break;
        }
    }
    float *const squashed = k->scratch->squashed;
    tft_squash_all(column + k->first, k->length, scale, squashed);
    for (size_t i = 0; i < k->length; i++) {
        carried = isnan(squashed[i]) ? carried : squashed[i];
        out[i * stride] = carried;
    }
}

static void fill_gaps(const making *k, size_t stride, float *out)
{
    const size_t n_metrics = k->contract->n_metrics;
    for (size_t i = 0; i < k->length; i++) {
        const float *const values = k->scratch->past.values + (k->first + i) * n_metrics;
        size_t missing = 0;
        for (size_t m = 0; m < n_metrics; m++)
            missing += isnan(values[m]) != 0;
        out[i * stride] = (float)missing / (float)n_metrics;
    }
}

/* All six calendar columns at once, where the first of them stands. */
static void fill_encoder_calendar(const making *k, size_t stride, float *out)
{
    const int64_t first_step = k->scratch->past.origin - (int64_t)k->length + 1;
    for (size_t i = 0; i < k->length; i++)
        tft_calendar_inputs(&k->scratch->calendar, first_step + (int64_t)i, out + i * stride);
}

static void fill_encoder_column(const making *k, tft_feature feature, size_t m, size_t stride, float *out)
{
    switch (feature) {
    case TFT_FEATURE_VALUE:
        fill_values(k, m, stride, out);
        return;
    case TFT_FEATURE_GAP:
        fill_gaps(k, stride, out);
        return;
    case TFT_FEATURE_TIME_OF_DAY_SIN:
        fill_encoder_calendar(k, stride, out);
        return;
    case TFT_FEATURE_INCIDENT_LEVEL:
        tft_incident_past_encoder(&k->scratch->incidents, k->first, k->length, stride, out);
        return;
    default:
        return; // the other calendar columns came with the first
    }
}

/* ---- decoder inputs ----------------------------------------------------------------------------------------------- */

static const float *lags_of(const making *k, size_t target, tft_lag_kind kind)
{
    return k->scratch->lags + (target * TFT_N_LAGS + kind) * k->contract->horizon;
}

static void fill_lag(const making *k, size_t m, tft_lag_kind kind, size_t stride, float *out)
{
    const float *const lag = lags_of(k, m, kind);
    const float scale = k->scratch->summaries[m].scale;
    float *const squashed = k->scratch->squashed;
    tft_squash_all(lag, k->contract->horizon, scale, squashed);
    for (size_t i = 0; i < k->contract->horizon; i++)
        out[i * stride] = isnan(squashed[i]) ? 0.0f : squashed[i];
}

static void fill_has_lag(const making *k, tft_lag_kind kind, size_t stride, float *out)
{
    const size_t horizon = k->contract->horizon;
    float *const known = k->scratch->squashed;
    memset(known, 0, horizon * sizeof *known);
    for (size_t m = 0; m < k->n_targets; m++) {
        const float *const lag = lags_of(k, m, kind);
        for (size_t i = 0; i < horizon; i++)
            known[i] += isnan(lag[i]) ? 0.0f : 1.0f;
    }
    for (size_t i = 0; i < horizon; i++)
        out[i * stride] = known[i] / (float)k->n_targets;
}

static void fill_same_hour(const making *k, size_t m, size_t stride, float *out)
{
    const tft_summary *const s = &k->scratch->summaries[m];
    const uint8_t *const hour = k->scratch->horizon_hour;
    for (size_t i = 0; i < k->contract->horizon; i++) // steps of one hour follow each other
        out[i * stride] = i > 0 && hour[i] == hour[i - 1] ? out[(i - 1) * stride]
                                                          : tft_squashed(s->same_hour_median[hour[i]], s->scale);
}

static void fill_same_minute(const making *k, size_t m, size_t stride, float *out)
{
    const tft_summary *const s = &k->scratch->summaries[m];
    const size_t hour = k->scratch->calendar.pace.hour;
    for (size_t i = 0; i < k->contract->horizon; i++) // every hour says the same
        out[i * stride] = i < hour ? tft_squashed(s->same_minute[i], s->scale) : out[(i - hour) * stride];
}

static void fill_horizon(const making *k, bool logarithmic, size_t stride, float *out)
{
    const size_t horizon = k->contract->horizon;
    const float *const place = k->scratch->horizon_place + (logarithmic ? horizon : 0);
    for (size_t i = 0; i < horizon; i++)
        out[i * stride] = place[i];
}

static void fill_decoder_column(const making *k, tft_feature feature, size_t m, size_t stride, float *out)
{
    switch (feature) {
    case TFT_FEATURE_TIME_OF_DAY_SIN:
        for (size_t i = 0; i < k->contract->horizon; i++)
            memcpy(out + i * stride, k->scratch->horizon_calendar + i * TFT_N_CALENDAR, TFT_N_CALENDAR * sizeof *out);
        return;
    case TFT_FEATURE_HORIZON:
        fill_horizon(k, false, stride, out);
        return;
    case TFT_FEATURE_LOG_HORIZON:
        fill_horizon(k, true, stride, out);
        return;
    case TFT_FEATURE_LAG_1D:
        fill_lag(k, m, TFT_LAG_1D_SMOOTH, stride, out);
        return;
    case TFT_FEATURE_LAG_2D:
        fill_lag(k, m, TFT_LAG_2D, stride, out);
        return;
    case TFT_FEATURE_LAG_7D:
        fill_lag(k, m, TFT_LAG_7D, stride, out);
        return;
    case TFT_FEATURE_SAME_HOUR:
        fill_same_hour(k, m, stride, out);
        return;
    case TFT_FEATURE_SAME_MINUTE:
        fill_same_minute(k, m, stride, out);
        return;
    case TFT_FEATURE_HAS_LAG_1D:
        fill_has_lag(k, TFT_LAG_1D_SMOOTH, stride, out);
        return;
    case TFT_FEATURE_HAS_LAG_2D:
        fill_has_lag(k, TFT_LAG_2D, stride, out);
        return;
    case TFT_FEATURE_HAS_LAG_7D:
        fill_has_lag(k, TFT_LAG_7D, stride, out);
        return;
    case TFT_FEATURE_INCIDENT_START_1D:
    case TFT_FEATURE_INCIDENT_START_7D:
    case TFT_FEATURE_INCIDENT_START_AROUND_7D:
    case TFT_FEATURE_INCIDENT_HIGH_SAME_TIME:
    case TFT_FEATURE_INCIDENT_START_SAME_MINUTE:
    case TFT_FEATURE_INCIDENT_ANALOGS:
    case TFT_FEATURE_INCIDENT_ANALOGS_RATE:
        tft_incident_past_decoder(&k->scratch->incidents, feature, stride, out);
        return;
    default:
        return; // the other calendar columns came with the first
    }
}

/* ---- the window --------------------------------------------------------------------------------------------------- */

static void fill_reals(const making *k, tft_window *window)
{
    const size_t n_encoder = tft_feature_count(k->contract, TFT_ENCODER);
    const size_t n_decoder = tft_feature_count(k->contract, TFT_DECODER);
    size_t n_rows, at_static = 0, at_encoder = 0, at_decoder = 0;
    const tft_feature_row *const rows = tft_feature_rows(&n_rows);
    for (size_t r = 0; r < n_rows; r++) {
        const size_t width = tft_feature_width(&rows[r], k->contract);
        for (size_t m = 0; m < width; m++) {
            if ((rows[r].places & TFT_STATIC) != 0)
                window->static_reals[at_static++] = static_value(k, rows[r].feature, m);
            if ((rows[r].places & TFT_ENCODER) != 0)
                fill_encoder_column(k, rows[r].feature, m, n_encoder, window->encoder_reals + at_encoder++);
            if ((rows[r].places & TFT_DECODER) != 0)
                fill_decoder_column(k, rows[r].feature, m, n_decoder, window->decoder_reals + at_decoder++);
        }
    }
}

static void fill_codes(const making *k, tft_window *window)
{
    const int state = tft_feature_state_column(k->contract), profile = tft_feature_profile_column(k->contract);
    const size_t n = (size_t)(state >= 0) + (size_t)(profile >= 0);
    const tft_series *const steps = &k->scratch->past.steps;
    const tft_state_rules rules = tft_state_rules_of(k->contract, steps->profile);
    memset(window->static_codes, 0, n * sizeof *window->static_codes);
    memset(window->encoder_codes, 0, k->length * n * sizeof *window->encoder_codes);
    memset(window->decoder_codes, 0, k->contract->horizon * n * sizeof *window->decoder_codes);
    if (profile >= 0)
        window->static_codes[profile] = (int32_t)steps->profile;
    for (size_t i = 0; state >= 0 && i < k->length; i++) {
        const size_t at = k->first + i;
        const tft_state sent = (tft_state)steps->states[at];
        const tft_state known =
            sent != TFT_STATE_NONE ? sent : tft_state_by_rules(&rules, steps->values + at * steps->n_metrics);
        window->encoder_codes[i * n + (size_t)state] = (int32_t)known;
    }
}

/* Finds the encoder's first step and whether there is enough to go on. */
static tft_status find_encoder(making *k, const tft_window_view *view, tft_window *window, tft_error *err)
{
    const tft_past *const past = &k->scratch->past;
    const size_t context = k->contract->context;
    const size_t most = view != NULL && view->encoder > 0 && view->encoder < context ? view->encoder : context;
    const size_t oldest = past->n > most ? past->n - most : 0;
    k->first = past->n;
    window->n_known = 0;
    bool any_target = false;
    for (size_t i = past->n; i-- > oldest;) {
        if (past->counts[i] == 0)
            continue;
        k->first = i;
        window->n_known++;
        for (size_t m = 0; m < k->n_targets; m++)
            any_target = any_target || !isnan(past->values[i * k->contract->n_metrics + m]);
    }
    if (window->n_known < 2)
        return tft_fail(err, TFT_ERR_STATE, "%zu known steps inside the last %zu; 2 are needed", window->n_known, most);
    if (!any_target)
        return tft_fail(err, TFT_ERR_STATE, "no metric that is forecast has a value in the last %zu steps", most);
    k->length = past->n - k->first;
    return TFT_OK;
}

static tft_status check_fit(const tft_contract *contract, const tft_config *config, tft_error *err)
{
    const size_t n_codes = (size_t)contract->has_state + (size_t)contract->has_profile;
    const bool fits = config->n_targets == tft_contract_targets(contract) && config->n_categoricals == n_codes &&
                      config->max_encoder_length == contract->context &&
                      config->max_decoder_length == contract->horizon &&
                      config->static_inputs.n_reals == tft_feature_count(contract, TFT_STATIC) &&
                      config->encoder_inputs.n_reals == tft_feature_count(contract, TFT_ENCODER) &&
                      config->decoder_inputs.n_reals == tft_feature_count(contract, TFT_DECODER) &&
                      (config->n_anchors == 0 || config->n_anchors == TFT_FIRST_ANCHORS ||
                       config->n_anchors == TFT_SECOND_ANCHORS || config->n_anchors == tft_window_anchors()) &&
                      (config->n_signs == 0 || config->n_signs == TFT_N_SIGNS);
    return fits ? TFT_OK
                : tft_fail(err, TFT_ERR_MISMATCH, "the network reads other inputs than this contract makes windows of");
}

/* Summaries, lags and the calendar of the horizon: everything the columns read. */
static void prepare(const tft_contract *contract, const tft_config *config, size_t n_targets, tft_window_scratch *s)
{
    const tft_pace *const pace = &s->calendar.pace;
    const int64_t origin = s->past.origin;
    uint32_t hours = 0;
    for (size_t i = 0; i < contract->horizon; i++) {
        const int64_t step = origin + 1 + (int64_t)i;
        tft_calendar_inputs(&s->calendar, step, s->horizon_calendar + i * TFT_N_CALENDAR);
        s->horizon_hour[i] = (uint8_t)tft_hour_of_day(contract->step_ms, step);
        hours |= 1u << s->horizon_hour[i];
    }
    const bool with_analogs =
        config->n_anchors > TFT_SECOND_ANCHORS || config->n_signs > 0 || contract->incident.inputs;
    tft_sorter_begin(&s->sorter, pace, &s->past, hours);
    for (size_t m = 0; m < contract->n_metrics; m++) {
        const tft_target *const target = m < n_targets ? &config->targets[m] : NULL;
        tft_summary_make(&s->past, pace, &contract->metrics[m], m, target != NULL ? target->quantiles : NULL,
                         target != NULL ? target->n_quantiles : 0, hours, &s->sorter, &s->summaries[m]);
        if (target != NULL && with_analogs && m % TFT_SUM_LANES == 0)
            tft_analog_finder_begin(&s->finder, &s->past, pace, m);
        if (target != NULL && with_analogs)
            tft_analogs_make(&s->finder, &s->past, m, pace, s->summaries[m].scale, target->quantiles,
                             target->n_quantiles, &s->summaries[m].analogs);
    }
    for (size_t m = 0; m < n_targets; m++)
        tft_lags_fill(&s->past, pace, m, contract->horizon, s->lags + m * TFT_N_LAGS * contract->horizon);
}

tft_status tft_window_build(const tft_contract *contract, const tft_config *config, const tft_series *series,
                            int64_t origin, const tft_window_view *view, tft_window_scratch *scratch,
                            tft_window *window, tft_error *err)
{
    assert(series->n_metrics == contract->n_metrics);
    assert(scratch->past.n == tft_past_length(contract) && scratch->calendar.pace.step_ms == contract->step_ms);
    making k = {.contract = contract, .scratch = scratch, .n_targets = tft_contract_targets(contract)};
    tft_status status = check_fit(contract, config, err);
    if (status != TFT_OK)
        return status;
    tft_past_take(&scratch->past, contract, series, origin, view);
    status = find_encoder(&k, view, window, err);
    if (status != TFT_OK)
        return status;
    prepare(contract, config, k.n_targets, scratch);
    tft_incident_past_make(&scratch->incidents, &scratch->past, contract, scratch->calendar.pace);
    if (contract->incident.inputs || config->n_signs > 0)
        tft_incident_past_follow(
            &scratch->incidents,
            &scratch->summaries[contract->incident.by_metric ? contract->incident.metric : 0].analogs);
    measure_incidents(&k);

    window->encoder_length = (uint32_t)k.length;
    window->decoder_length = (uint32_t)contract->horizon;
    fill_reals(&k, window);
    fill_codes(&k, window);
    if (config->n_signs > 0 && window->signs != NULL)
        tft_incident_signs_make(&scratch->signs, &scratch->incidents, scratch->summaries, window->signs);
    for (size_t m = 0; m < k.n_targets; m++) {
        window->target_scale[2 * m] = 0.0f;
        window->target_scale[2 * m + 1] = scratch->summaries[m].scale;
    }
    if (config->n_anchors > 0 && window->anchors != NULL)
        tft_anchors_fill(config, &scratch->past, &scratch->calendar.pace, scratch->summaries, scratch->lags,
                         scratch->horizon_hour, window->anchor_values, window->anchors);
    return TFT_OK;
}
