/* score_set.c - one kept forecast of the fleet, a piece at a time, against what came. See track.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "series/calendar.h"
#include "tft/window.h"
#include "track/internal.h"

#define PIECE 32 // servers

/* The baselines that are shown, in the order of track_baseline_names. */
static const score_baseline shown[TRACK_N_FORECASTERS - 1] = {SCORE_LAST_VALUE, SCORE_YESTERDAY, SCORE_QUANTILES_24H,
                                                              SCORE_LINEAR_TREND};

typedef struct row_copy {
    uint32_t server;
    unsigned char *body; // [n] at most scorer.most_bytes
    size_t n;
} row_copy;

struct scorer {
    tft_arena arena;
    score_baselines *baselines;
    tft_series series;            // a copy; its arrays lie in the arena
    float *simple;                // [SCORE_N_BASELINES, horizon, SCORE_N_LEVELS]
    float *values;                // [n_targets, 7, horizon] unpacked
    float *scale, *came, *counts; // [2 · M], [horizon, M], [horizon, M]: as tft_window_truth
    size_t most_bytes;
    row_copy rows[PIECE];
    size_t n_rows;
    store_score *out; // [n_out] sums of the piece
    size_t n_out, capacity;
};

static void lay_out(tft_arena *a, const track *t, size_t memory, scorer *s)
{
    const size_t m = t->contract->n_metrics, h = t->contract->horizon;
    s->series = (tft_series){.n_metrics = m, .max_steps = memory, .capacity = memory};
    s->series.values = tft_arena_floats(a, memory * m);
    s->series.value_counts = tft_arena_alloc(a, memory * m, sizeof(uint16_t));
    s->series.counts = tft_arena_alloc(a, memory, sizeof(uint16_t));
    s->series.states = tft_arena_alloc(a, memory, sizeof(uint8_t));
    s->simple = tft_arena_floats(a, SCORE_N_BASELINES * h * SCORE_N_LEVELS);
    s->values = tft_arena_floats(a, m * FORECAST_N_QUANTILES * h);
    s->scale = tft_arena_floats(a, 2 * m);
    s->came = tft_arena_floats(a, h * m);
    s->counts = tft_arena_floats(a, h * m);
    s->most_bytes = 64 + m * (TFT_MAX_NAME + 16 + 2 * FORECAST_N_QUANTILES * h);
    for (size_t i = 0; i < PIECE; i++)
        s->rows[i].body = tft_arena_alloc(a, s->most_bytes, 1);
    s->capacity = PIECE * (m + 1) * 2; // of two models: the network's and the heuristic's
    s->out = tft_arena_alloc(a, s->capacity, sizeof *s->out);
}

tft_status scorer_open(track *t, tft_error *err)
{
    scorer *const s = t->scorer = calloc(1, sizeof *s);
    if (s == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to score forecasts");
    fleet_read_lock(t->options.fleet);
    const size_t memory = fleet_settings(t->options.fleet)->memory_steps;
    fleet_read_unlock(t->options.fleet);
    tft_arena count = {0};
    lay_out(&count, t, memory, s);
    tft_status status = tft_arena_init(&s->arena, count.used, err);
    if (status == TFT_OK) {
        lay_out(&s->arena, t, memory, s);
        status = score_baselines_open(t->contract, &s->baselines, err);
    }
    for (size_t m = 0; status == TFT_OK && m < t->contract->n_metrics; m++)
        s->scale[2 * m + 1] = 1.0f; // what came, in its own unit
    return status;
}

void scorer_close(track *t)
{
    if (t->scorer == NULL)
        return;
    score_baselines_close(t->scorer->baselines);
    tft_arena_free(&t->scorer->arena);
    free(t->scorer);
}

tft_series *scorer_series(track *t)
{
    return &t->scorer->series;
}

/* ---- one server ------------------------------------------------------------------------------------------ */

/* The row of sums that this one's cells go to; rows of the piece are few, so it is looked for from the end. */
static float *sums_of(scorer *s, const store_set *set, const char *model, int64_t group, int metric)
{
    const int64_t from_ms = tft_floor_to(set->origin_ms, TRACK_BUCKET_MS);
    for (size_t i = s->n_out; i-- > 0;) {
        if (s->out[i].group == group && s->out[i].metric == metric && strcmp(s->out[i].model, model) == 0)
            return s->out[i].sums;
    }
    store_score *const row = &s->out[s->n_out++];
    memset(row, 0, sizeof *row);
    row->from_ms = from_ms;
    row->group = group;
    row->metric = metric;
    row->n = metric < 0 ? TRACK_INCIDENT_SUMS : TRACK_METRIC_SUMS;
    snprintf(row->model, sizeof row->model, "%s", model);
    return row->sums;
}

/* The seven levels of a step, as the eleven that are scored. */
static void levels_at(const float *rows, size_t horizon, size_t step, float *out)
{
    float seven[FORECAST_N_QUANTILES];
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
        seven[q] = rows[q * horizon + step];
    score_to_levels(forecast_levels, seven, FORECAST_N_QUANTILES, out);
}

static void score_metric(scorer *s, const tft_contract *contract, const track_said *said, int64_t origin, size_t m,
                         float *sums)
{
    const size_t n_targets = tft_contract_targets(contract), h = said->horizon;
    const score_bands bands = score_bands_of(h);
    const bool simple = score_baselines_run(s->baselines, &s->series, origin, m, s->simple);
    for (size_t i = 0; i < h; i++) {
        if (s->counts[i * n_targets + m] <= 0.0f)
            continue;
        float levels[SCORE_N_LEVELS];
        const double y = (double)s->came[i * n_targets + m];
        const size_t band = score_band_of(&bands, i + 1);
        levels_at(said->rows[m], h, i, levels);
        track_add_cell(sums, band, 0, levels, y);
        for (size_t f = 1; simple && f < TRACK_N_FORECASTERS; f++)
            track_add_cell(sums, band, f, s->simple + (shown[f - 1] * h + i) * SCORE_N_LEVELS, y);
    }
}

static void score_incidents(const tft_contract *contract, const track_said *said, uint32_t event, uint32_t at_risk,
                            float *sums)
{
    for (size_t k = 0; k < TRACK_N_HORIZONS; k++) {
        const size_t steps = (size_t)(snapshot_horizon_ms[k] / contract->step_ms);
        const bool began = event > 0 && event <= steps;
        if (steps == 0 || steps > said->horizon || !(said->incident[k] >= 0.0) || (!began && at_risk < steps))
            continue; // nobody knows what came
        track_add_case(sums, k, said->incident[k], began, event, steps);
        if (event > 0 || at_risk >= said->horizon)
            track_add_alert(sums, k, said->incident[k], event > 0);
    }
}

/* Copies the server's history; false where it is gone. */
static bool copy_history(const track *t, size_t server, tft_series *to)
{
    fleet_read_lock(t->options.fleet);
    const fleet_server *const from = server < fleet_size(t->options.fleet) ? fleet_at(t->options.fleet, server) : NULL;
    const bool there = from != NULL && !from->forgotten && from->history.any;
    if (there)
        history_copy(&from->history, INT64_MIN, INT64_MAX, to);
    fleet_read_unlock(t->options.fleet);
    return there;
}

static void score_server(track *t, const store_set *set, const row_copy *row, bool by_server)
{
    scorer *const s = t->scorer;
    const tft_contract *const c = t->contract;
    track_said said = {.values = s->values, .n_values = c->n_metrics * FORECAST_N_QUANTILES * c->horizon};
    if (!track_unpack(c, row->body, row->n, &said) || said.horizon != c->horizon ||
        !copy_history(t, row->server, &s->series))
        return;
    const int64_t origin = set->origin_ms / c->step_ms, last = origin + (int64_t)c->horizon;
    uint32_t event = 0, at_risk = 0;
    tft_window_truth(c, &s->series, origin, last, s->scale, s->came, s->counts, &event, &at_risk);
    const char *const model = said.tft ? set->model : snapshot_model_type_name(SNAPSHOT_HEURISTIC);
    const int64_t group = by_server ? (int64_t)row->server : -1 - (int64_t)s->series.profile;
    for (size_t m = 0; m < tft_contract_targets(c); m++) {
        if (said.rows[m] != NULL)
            score_metric(s, c, &said, origin, m, sums_of(s, set, model, group, (int)m));
    }
    if (!said.in_incident && (event > 0 || at_risk > 0))
        score_incidents(c, &said, event, at_risk, sums_of(s, set, model, group, -1));
}

/* ---- a piece --------------------------------------------------------------------------------------------- */

static void take_row(void *context, const store_forecast *row)
{
    scorer *const s = context;
    row_copy *const to = &s->rows[s->n_rows];
    if (row->n > s->most_bytes)
        return;
    to->server = row->server;
    to->n = row->n;
    memcpy(to->body, row->body, row->n);
    s->n_rows++;
}

tft_status track_score(track *t, int64_t now_ms, bool *more, tft_error *err)
{
    scorer *const s = t->scorer;
    const int64_t span = ((int64_t)t->contract->horizon + 2) * t->contract->step_ms;
    store_set set;
    *more = false;
    tft_status status = store_due_set(t->options.store, now_ms - span, &set, err);
    if (status == TFT_ERR_NOT_FOUND && err->text[0] == '\0')
        return TFT_OK;
    s->n_rows = s->n_out = 0;
    if (status == TFT_OK)
        status = store_each_forecast(t->options.store, set.number, set.scored_to, PIECE, take_row, s, err);
    if (status != TFT_OK)
        return status;
    const size_t n_fleet = fleet_size(t->options.fleet), most = t->options.most_servers;
    const size_t stride = (n_fleet + most - 1) / (most > 0 ? most : 1);
    for (size_t i = 0; i < s->n_rows; i++) {
        if (stride <= 1 || (s->rows[i].server + (uint64_t)set.number) % stride == 0)
            score_server(t, &set, &s->rows[i], stride <= 1);
    }
    const int64_t next = s->n_rows == PIECE ? (int64_t)s->rows[PIECE - 1].server + 1 : INT64_MAX;
    *more = true;
    return store_add_scores(t->options.store, set.number, next, s->out, s->n_out, err);
}
