/* renewal.c - gathering, forecasting, probabilities, risk, alerts, environment. See renewal.h. */
#include "forecast/renewal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define SCAN 1024 // servers looked at under one hold of the fleet's lock

/* A server of the chunk, copied out of the fleet. */
typedef struct copy {
    size_t id;
    tft_series series; // its arrays lie in the chunk's arena
    fallback_recent recent;
    bool network; // to be forecast by the network
} copy;

struct renewal {
    fleet *f;
    const tft_contract *contract;
    size_t n_targets, memory;
    tft_arena arena;
    copy *copies;          // [RENEWAL_CHUNK]
    tft_request *requests; // [RENEWAL_CHUNK]
    size_t *asked;         // [RENEWAL_CHUNK] which copy a request is of
    uint8_t *ok;           // [RENEWAL_CHUNK]
    float *incident;       // [RENEWAL_CHUNK, horizon] as the network gave it, by request
    float *curves;         // [RENEWAL_CHUNK, horizon] what will be packed, by copy; then for unpacking
    float *rows;           // [RENEWAL_CHUNK, n_targets, 7, horizon] what will be packed; then for unpacking
    int32_t *numbers;      // [7, horizon] for packing
    unsigned char *packed; // packed_most() and packed_curve_most()
    float *quantiles;      // [RENEWAL_CHUNK, horizon, outputs]; sized for the model
    size_t outputs;        // what it is sized for
    /* of the run */
    const renewal_job *job;
    snapshot_slot *out;
    fleet_clock clock;
    int64_t origin; // step number
    state_rules rules;
    size_t warmup_records;
    int64_t stale_after_ms, offline_after_ms;
    renewal_result *result;
};

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static void lay_out(tft_arena *a, renewal *r)
{
    const size_t m = r->contract->n_metrics, steps = r->memory;
    r->copies = tft_arena_alloc(a, RENEWAL_CHUNK, sizeof *r->copies);
    r->requests = tft_arena_alloc(a, RENEWAL_CHUNK, sizeof *r->requests);
    r->asked = tft_arena_alloc(a, RENEWAL_CHUNK, sizeof *r->asked);
    r->ok = tft_arena_alloc(a, RENEWAL_CHUNK, sizeof *r->ok);
    r->incident = tft_arena_floats(a, RENEWAL_CHUNK * r->contract->horizon);
    r->rows = tft_arena_floats(a, RENEWAL_CHUNK * r->n_targets * FORECAST_N_QUANTILES * r->contract->horizon);
    r->numbers = tft_arena_alloc(a, FORECAST_N_QUANTILES * r->contract->horizon, sizeof *r->numbers);
    r->curves = tft_arena_floats(a, RENEWAL_CHUNK * r->contract->horizon);
    r->packed = tft_arena_alloc(
        a, packed_most(r->n_targets, r->contract->horizon) + packed_curve_most(r->contract->horizon), 1);
    for (size_t i = 0; i < RENEWAL_CHUNK; i++) {
        float *const values = tft_arena_floats(a, steps * m);
        uint16_t *const value_counts = tft_arena_alloc(a, steps * m, sizeof(uint16_t));
        uint16_t *const counts = tft_arena_alloc(a, steps, sizeof(uint16_t));
        uint8_t *const states = tft_arena_alloc(a, steps, sizeof(uint8_t));
        float *const recent = tft_arena_floats(a, FLEET_RECENT * m);
        if (r->copies == NULL)
            continue; // counting
        r->copies[i].series = (tft_series){.n_metrics = m,
                                           .max_steps = steps,
                                           .capacity = steps,
                                           .values = values,
                                           .value_counts = value_counts,
                                           .counts = counts,
                                           .states = states};
        r->copies[i].recent.values = recent;
    }
}

tft_status renewal_open(fleet *f, renewal **out, tft_error *err)
{
    renewal *r = calloc(1, sizeof *r);
    if (r == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the engine");
    r->f = f;
    r->contract = fleet_contract(f);
    r->n_targets = tft_contract_targets(r->contract);
    r->memory = fleet_settings(f)->memory_steps;
    tft_arena count = {0};
    lay_out(&count, r);
    const tft_status status = tft_arena_init(&r->arena, count.used, err);
    if (status != TFT_OK) {
        renewal_close(r);
        return status;
    }
    lay_out(&r->arena, r);
    *out = r;
    return TFT_OK;
}

void renewal_close(renewal *r)
{
    if (r == NULL)
        return;
    tft_arena_free(&r->arena);
    free(r->quantiles);
    free(r);
}

size_t renewal_bytes(const renewal *r)
{
    return sizeof *r + r->arena.size + RENEWAL_CHUNK * r->contract->horizon * r->outputs * sizeof(float);
}

/* Width of a row of predictions: the quantiles of all targets, one after the other. */
static size_t outputs_of(const tft_config *config)
{
    size_t n = 0;
    for (size_t m = 0; m < config->n_targets; m++)
        n += config->targets[m].n_quantiles;
    return n;
}

/* Room for the outputs of this model; only another model changes the size. */
static tft_status reserve_outputs(renewal *r, size_t outputs, tft_error *err)
{
    if (outputs == r->outputs)
        return TFT_OK;
    const size_t n = tft_mul_sat(tft_mul_sat(RENEWAL_CHUNK * r->contract->horizon, outputs), sizeof(float));
    float *const fresh = malloc(n);
    if (fresh == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the outputs of the model: %zu bytes", n);
    free(r->quantiles);
    r->quantiles = fresh;
    r->outputs = outputs;
    return TFT_OK;
}

/* ---- gathering -------------------------------------------------------------------------------------------------- */

static void copy_recent(fallback_recent *to, const fleet_server *from, size_t n_metrics)
{
    to->n = from->n_recent;
    memcpy(to->ms, from->recent_ms, from->n_recent * sizeof *to->ms);
    memcpy(to->values, from->recent, from->n_recent * n_metrics * sizeof *to->values);
}

/* What the snapshot says about a server besides its forecast. */
static void describe(const renewal *r, size_t id, const fleet_server *from)
{
    snapshot_slot *out = r->out;
    snapshot_server *s = &out->servers[id];
    const size_t m = r->contract->n_metrics;
    s->name = from->name;
    s->name_length = from->name_length;
    s->forgotten = from->forgotten;
    s->profile = from->profile;
    s->state = fleet_state(r->f, from, &r->clock, &s->planned);
    s->maintenance =
        s->state == TFT_STATE_MAINTENANCE ||
        (r->job->hooks.in_maintenance != NULL &&
         r->job->hooks.in_maintenance(r->job->hooks.context, s->name, s->name_length, s->profile, r->clock.now_ms));
    s->planned = s->planned || s->maintenance;
    s->in_incident = s->state == TFT_STATE_CRITICAL_ISSUE || (s->state == TFT_STATE_OFFLINE && !s->planned);
    s->stale = from->last_seen_ms == INT64_MIN || r->clock.now_ms - from->last_seen_ms > r->stale_after_ms;
    s->ready = from->records >= r->warmup_records;
    s->first_seen_ms = from->first_seen_ms;
    s->last_seen_ms = from->last_seen_ms;
    s->records = from->records;
    s->version = from->version;
    memcpy(out->current + id * m, from->newest, m * sizeof *out->current);
    memcpy(out->current_ms + id * m, from->newest_ms, m * sizeof *out->current_ms);
}

/* What of the window holds values: the last `context` steps up to the origin. */
static void survey_window(const renewal *r, size_t id, const tft_series *series)
{
    snapshot_server *s = &r->out->servers[id];
    const size_t m = r->contract->n_metrics;
    bool *present = r->out->present + id * m;
    memset(present, 0, m * sizeof *present);
    s->history_steps = 0;
    s->input_points = 0;
    for (size_t i = 0; i < series->n_steps; i++) {
        const int64_t step = series->first_step + (int64_t)i;
        if (step > r->origin || step <= r->origin - (int64_t)r->contract->context)
            continue;
        s->history_steps += series->counts[i] > 0;
        s->input_points += series->counts[i];
        for (size_t k = 0; k < m; k++)
            present[k] = present[k] || !isnan(series->values[i * m + k]);
    }
}

/* The forecast of the snapshot before still holds: same records, same origin, same model, same settings. */
static bool still_holds(const renewal *r, size_t id, const fleet_server *from)
{
    const snapshot_slot *before = r->job->previous;
    return before->s.sufficient && id < before->s.n_servers &&
           before->s.origin_ms == r->origin * r->contract->step_ms &&
           before->model_generation == r->job->model_generation &&
           before->settings_generation == r->job->settings_generation && before->servers[id].version == from->version &&
           !before->failed[id];
}

static tft_status take_over(const renewal *r, size_t id, tft_error *err)
{
    const snapshot_slot *before = r->job->previous;
    const size_t m = r->contract->n_metrics;
    snapshot_server *s = &r->out->servers[id];
    s->model_type = before->servers[id].model_type;
    s->history_steps = before->servers[id].history_steps;
    s->input_points = before->servers[id].input_points;
    memcpy(r->out->present + id * m, before->present + id * m, m * sizeof(bool));
    r->out->failed[id] = 0;
    s->revision = before->servers[id].revision;
    return slot_take_packed(r->out, id, before, err);
}

/* Copies servers from *next on out of the fleet until the chunk is full; *n_copies need a forecast. */
static tft_status gather(renewal *r, size_t *next, size_t n, size_t *n_copies, tft_error *err)
{
    tft_status status = TFT_OK;
    *n_copies = 0;
    fleet_read_lock(r->f);
    for (size_t looked = 0; *next < n && *n_copies < RENEWAL_CHUNK && looked < SCAN && status == TFT_OK;
         looked++, (*next)++) {
        const size_t id = *next;
        const fleet_server *from = fleet_at(r->f, id);
        describe(r, id, from);
        if (still_holds(r, id, from)) {
            status = take_over(r, id, err);
            r->out->s.reused_servers++;
            continue;
        }
        copy *c = &r->copies[(*n_copies)++];
        c->id = id;
        history_copy(&from->history, INT64_MIN, INT64_MAX, &c->series);
        copy_recent(&c->recent, from, r->contract->n_metrics);
    }
    fleet_read_unlock(r->f);
    return status;
}

/* ---- forecasting ------------------------------------------------------------------------------------------------ */

/* Rows [n_targets, 7, horizon] of a copy. */
static float *rows_of(const renewal *r, const copy *c)
{
    return r->rows + (size_t)(c - r->copies) * r->n_targets * FORECAST_N_QUANTILES * r->contract->horizon;
}

/* Its curve [horizon]. */
static float *curve_of(const renewal *r, const copy *c)
{
    return r->curves + (size_t)(c - r->copies) * r->contract->horizon;
}

/* Level `level` of a quantile function: linear in the level between its neighbours, the outermost beyond. */
static float at_level(const tft_target *target, const float *values, float level)
{
    const size_t n = target->n_quantiles;
    size_t i = 0;
    while (i < n && target->quantiles[i] < level - 1e-6f)
        i++;
    if (i == n)
        return values[n - 1];
    if (i == 0 || target->quantiles[i] <= level + 1e-6f)
        return values[i];
    const float share = (level - target->quantiles[i - 1]) / (target->quantiles[i] - target->quantiles[i - 1]);
    return values[i - 1] + share * (values[i] - values[i - 1]);
}

/* Request i's outputs [horizon, outputs] become the copy's rows. False where a number is not finite. */
static bool take_quantiles(renewal *r, size_t i, const copy *c)
{
    const tft_config *config = &r->job->model->config;
    const size_t h = r->contract->horizon;
    const float *from = r->quantiles + i * h * r->outputs;
    float *rows = rows_of(r, c);
    for (size_t m = 0, first = 0; m < r->n_targets; m++, rows += FORECAST_N_QUANTILES * h) {
        const tft_target *target = &config->targets[m];
        for (size_t t = 0; t < h; t++)
            for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
                rows[q * h + t] = at_level(target, from + t * r->outputs + first, forecast_levels[q]);
        if (!forecast_tidy(&r->contract->metrics[m], rows, h))
            return false;
        first += target->n_quantiles;
    }
    return true;
}

/* Request i's P(incident) becomes the copy's: within 0 … 1, never falling. */
static bool take_incident(renewal *r, size_t i, const copy *c)
{
    const size_t h = r->contract->horizon;
    const float *from = r->incident + i * h;
    float *curve = curve_of(r, c);
    float highest = 0.0f;
    for (size_t t = 0; t < h; t++) {
        if (!isfinite(from[t]))
            return false;
        highest = fmaxf(highest, fminf(from[t], 1.0f));
        curve[t] = highest;
    }
    return true;
}

static void estimate_incident(renewal *r, const copy *c)
{
    const snapshot_server *s = &r->out->servers[c->id];
    fallback_incident(&r->job->settings->fallback, r->contract, &r->rules, s->profile, s->in_incident, rows_of(r, c),
                      s->present, r->contract->horizon, curve_of(r, c));
}

static void fail(renewal *r, copy *c, const tft_error *why)
{
    c->network = false;
    r->out->failed[c->id] = 1;
    if (r->result->failed_servers++ == 0)
        r->result->failure = *why;
}

static bool any_target(const renewal *r, const snapshot_server *s)
{
    for (size_t m = 0; m < r->n_targets; m++)
        if (s->present[m])
            return true;
    return false;
}

/* Asks the network for all copies that may have it; those that get nothing are left to the fallback. */
static void run_network(renewal *r, size_t n_copies)
{
    size_t n = 0;
    for (size_t k = 0; k < n_copies; k++) {
        copy *c = &r->copies[k];
        const snapshot_server *s = &r->out->servers[c->id];
        c->network = r->job->model != NULL && s->ready && any_target(r, s);
        if (!c->network)
            continue;
        r->requests[n] =
            (tft_request){.series = &c->series, .origin = r->origin, .encoder = r->job->settings->window_steps};
        r->asked[n++] = k;
    }
    if (n == 0)
        return;
    const tft_forecast wanted = {
        .quantiles = r->quantiles, .incident = r->job->model->config.hazard ? r->incident : NULL, .ok = r->ok};
    memset(r->ok, 1, n);
    tft_error err = {0};
    const double start = tft_monotonic_s();
    const tft_status status =
        r->job->model->run(r->job->model->context, r->requests, n, r->contract->horizon, &wanted, &err);
    r->out->s.network_s += tft_monotonic_s() - start;
    if (status != TFT_OK)
        tft_fail(&err, status, "%s", tft_status_word(status)); // a network that gave no reason
    for (size_t i = 0; i < n; i++) {
        copy *c = &r->copies[r->asked[i]];
        if (status != TFT_OK) {
            fail(r, c, &err);
        } else if (!r->ok[i]) {
            c->network = false; // too little history: nothing is wrong
        } else if (!take_quantiles(r, i, c) || (wanted.incident != NULL && !take_incident(r, i, c))) {
            const snapshot_server *s = &r->out->servers[c->id];
            tft_error not_finite = {0};
            tft_fail(&not_finite, TFT_ERR_FORMAT, "server %.*s: the network gave a number that is not finite",
                     (int)s->name_length, s->name);
            fail(r, c, &not_finite);
        } else if (wanted.incident == NULL) {
            estimate_incident(r, c); // a model without hazard head
        }
    }
}

static void run_fallback(renewal *r, const copy *c)
{
    const size_t h = r->contract->horizon, m = r->contract->n_metrics;
    bool *present = r->out->present + c->id * m;
    for (size_t k = 0; k < r->n_targets; k++)
        if (present[k])
            present[k] = fallback_forecast(&r->job->settings->fallback, r->contract, &c->series, &c->recent, r->origin,
                                           k, rows_of(r, c) + k * FORECAST_N_QUANTILES * h, h);
    estimate_incident(r, c);
}

static tft_status forecast_chunk(renewal *r, size_t n_copies, tft_error *err)
{
    tft_status status = TFT_OK;
    for (size_t k = 0; k < n_copies; k++) {
        survey_window(r, r->copies[k].id, &r->copies[k].series);
        r->out->failed[r->copies[k].id] = 0;
    }
    run_network(r, n_copies);
    for (size_t k = 0; k < n_copies && status == TFT_OK; k++) {
        const copy *c = &r->copies[k];
        r->out->servers[c->id].revision = r->job->sequence;
        r->out->servers[c->id].model_type = c->network ? SNAPSHOT_TFT : SNAPSHOT_HEURISTIC;
        if (!c->network)
            run_fallback(r, c);
        const size_t n = packed_make(rows_of(r, c), r->out->servers[c->id].present, r->n_targets, r->contract->horizon,
                                     r->numbers, r->packed);
        const size_t all = n + packed_curve_make(curve_of(r, c), r->contract->horizon, r->packed + n);
        status = slot_put_packed(r->out, c->id, r->packed, all, n, err);
    }
    return status;
}

/* ---- what follows from the forecasts ---------------------------------------------------------------------------- */

/* P(incident within `ms`) from a curve over steps. */
static double incident_within(const renewal *r, const float *curve, int64_t ms)
{
    const int64_t step = r->contract->step_ms, last = (int64_t)r->contract->horizon;
    int64_t steps = (ms + step - 1) / step;
    steps = steps < 1 ? 1 : steps > last ? last : steps;
    return (double)curve[steps - 1];
}

static void assess(const renewal *r, size_t id)
{
    const risk_settings *risk = &r->job->settings->risk;
    const size_t h = r->contract->horizon;
    snapshot_server *s = &r->out->servers[id];
    const float *p50[TFT_MAX_METRICS] = {NULL};
    for (size_t m = 0; m < r->n_targets; m++) {
        double *trend = r->out->trend + id * r->n_targets + m;
        *trend = (double)NAN;
        const float *const rows = snapshot_rows(&r->out->s, id, m, r->rows + m * FORECAST_N_QUANTILES * h);
        if (rows == NULL)
            continue;
        p50[m] = rows + FORECAST_P50 * h;
        *trend = ((double)p50[m][h - 1] - s->current[m]) / (double)h;
    }
    const float *const curve = snapshot_incident(&r->out->s, id, r->curves);
    for (size_t k = 0; k < SNAPSHOT_N_HORIZONS; k++)
        s->incident_probability[k] = incident_within(r, curve, snapshot_horizon_ms[k]);
    const risk_input input = {.profile = s->profile,
                              .state = s->state,
                              .planned = s->planned,
                              .n_metrics = r->contract->n_metrics,
                              .current = s->current,
                              .n_targets = r->n_targets,
                              .horizon = h,
                              .p50 = p50,
                              .incident = incident_within(r, curve, risk->incident_horizon_ms),
                              .lookahead_steps = (size_t)(risk->lookahead_ms / r->contract->step_ms)};
    s->risk = risk_evaluate(risk, &input);
}

/* Bit by bit: what is not known is like what is not known. */
static bool same_numbers(const void *a, const void *b, size_t bytes)
{
    return memcmp(a, b, bytes) == 0;
}

/* Whether the snapshot tells the same of a server, whose forecast was taken over, as the one before: what the clock, a maintenance
 * window or a rule may have changed did not. What is written of a server into a page (server/render.c) is compared here. */
static bool tells_the_same(const renewal *r, size_t id)
{
    const snapshot_slot *const before = r->job->previous;
    const snapshot_server *const a = &r->out->servers[id], *const b = &before->servers[id];
    const size_t m = r->contract->n_metrics;
    return a->forgotten == b->forgotten && a->profile == b->profile && a->state == b->state && a->stale == b->stale &&
           a->model_type == b->model_type && a->last_seen_ms == b->last_seen_ms && a->records == b->records &&
           a->history_steps == b->history_steps && a->risk.priority == b->risk.priority &&
           same_numbers(&a->risk.score, &b->risk.score, sizeof a->risk.score) &&
           same_numbers(a->incident_probability, b->incident_probability, sizeof a->incident_probability) &&
           same_numbers(a->current, b->current, m * sizeof *a->current) &&
           same_numbers(a->trend, b->trend, r->n_targets * sizeof *a->trend);
}

static tft_status step_alerts(renewal *r, tft_error *err)
{
    const snapshot_slot *const before = r->job->previous;
    const bool goes_on = before->s.sufficient;
    const alert_round round = {.settings = &r->job->settings->alerts,
                               .risk = &r->job->settings->risk,
                               .contract = r->contract,
                               .hooks = &r->job->hooks,
                               .now_ms = r->clock.now_ms,
                               .previous_now_ms = before->s.clock.now_ms,
                               .offline_after_ms = r->offline_after_ms,
                               .stale_after_ms = r->stale_after_ms,
                               .old = goes_on ? before->alerts : r->job->seeds,
                               .n_old = goes_on ? before->s.n_alerts : r->job->n_seeds,
                               .restored = !goes_on,
                               .quality = r->job->quality,
                               .n_quality = r->job->n_quality,
                               .rows = r->rows,
                               .curve = r->curves};
    return alert_round_run(&round, r->out, &r->result->fired, err);
}

/* The fleet as a whole. Servers are taken as independent: 1 − Π(1 − p) is then exact; where they fail together it is too
 * high, and the largest single p is what it can't be below. */
static void assess_fleet(const renewal *r)
{
    forecast_snapshot *s = &r->out->s;
    snapshot_environment env = {0};
    size_t n_middle = 0;
    static const tft_fleet_link independent = {0};
    const tft_fleet_link *const link = r->job->model != NULL ? &r->job->model->fleet : &independent;
    for (size_t k = 0; k < SNAPSHOT_N_HORIZONS; k++) {
        double log_quiet = 0.0, largest = 0.0;
        for (size_t id = 0; id < s->n_servers; id++) {
            const double p = r->out->servers[id].incident_probability[k];
            log_quiet += log1p(-fmin(p, 1.0));
            largest = fmax(largest, p);
            env.expected[k] += p;
        }
        const size_t step = (size_t)(snapshot_horizon_ms[k] / r->contract->step_ms);
        env.prob[k] = fmax(k > 0 ? env.prob[k - 1] : 0.0, tft_fleet_probability(link, step, log_quiet, largest));
    }
    for (size_t id = 0; id < s->n_servers; id++) {
        const snapshot_server *server = &r->out->servers[id];
        if (server->forgotten)
            continue;
        env.high_risk_servers += server->risk.score >= r->job->settings->risk.high;
        n_middle += server->risk.score >= r->job->settings->risk.middle;
        s->input_points += server->input_points;
        if (server->model_type == SNAPSHOT_TFT)
            s->tft_servers++;
        else
            s->heuristic_servers++;
    }
    env.fleet_health = risk_fleet_health(s->tft_servers + s->heuristic_servers, env.high_risk_servers, n_middle);
    s->environment = env;
}

/* ---- one run ---------------------------------------------------------------------------------------------------- */

/* Clears what the slot said before, but for its shape. */
static void begin(renewal *r, const fleet_counters *count)
{
    forecast_snapshot *s = &r->out->s;
    s->n_servers = 0;
    s->environment = (snapshot_environment){0};
    s->n_alerts = s->n_ended = s->n_firing = 0;
    s->network_s = 0.0;
    s->clock = r->clock;
    s->origin_ms = r->origin * r->contract->step_ms;
    s->first_ms = s->origin_ms + r->contract->step_ms;
    s->tft_servers = s->heuristic_servers = s->failed_servers = s->reused_servers = 0;
    s->input_points = 0;
    s->records_total = count->totals.records_total;
    s->has_model = r->job->model != NULL;
    s->precision = s->has_model ? r->job->model->precision : TFT_PRECISION_FLOAT32;
    snprintf(s->model_name, sizeof s->model_name, "%s", s->has_model ? r->job->model->name : "none");
    snprintf(s->model_directory, sizeof s->model_directory, "%s", s->has_model ? r->job->model->directory : "");
    s->alert_rules = r->job->settings->alerts;
    r->out->model_generation = r->job->model_generation;
    r->out->settings_generation = r->job->settings_generation;
}

tft_status renewal_run(renewal *r, const renewal_job *job, snapshot_slot *out, renewal_result *result, tft_error *err)
{
    const double start = tft_monotonic_s();
    tft_status status = TFT_OK;
    r->job = job;
    r->out = out;
    r->result = result;
    const fleet_counters count = fleet_count(r->f, job->wall_ms());
    r->clock = count.clock;
    r->origin = tft_floor_to(r->clock.now_ms, r->contract->step_ms) / r->contract->step_ms;
    fleet_read_lock(r->f);
    const fleet_options *options = fleet_settings(r->f);
    r->rules = options->states;
    r->warmup_records = options->warmup_records;
    r->stale_after_ms = options->stale_after_ms;
    r->offline_after_ms = (int64_t)options->offline_after_steps * r->contract->step_ms;
    out->s.min_records = options->min_records;
    fleet_read_unlock(r->f);
    begin(r, &count);
    out->s.sufficient = count.totals.records_total >= out->s.min_records && count.servers_tracked > 0;
    if (out->s.sufficient) {
        const size_t n = fleet_size(r->f);
        status = slot_reserve(out, n, err);
        if (status == TFT_OK && job->model != NULL)
            status = reserve_outputs(r, outputs_of(&job->model->config), err);
        if (status != TFT_OK)
            return status;
        out->s.n_servers = n;
        slot_clear_packed(out);
        for (size_t next = 0; next < n && status == TFT_OK;) {
            size_t n_copies;
            status = gather(r, &next, n, &n_copies, err);
            if (status == TFT_OK)
                status = forecast_chunk(r, n_copies, err);
        }
        if (status != TFT_OK)
            return status;
        for (size_t id = 0; id < n; id++) {
            assess(r, id);
            if (out->servers[id].revision != job->sequence && !tells_the_same(r, id))
                out->servers[id].revision = job->sequence;
        }
        assess_fleet(r);
        status = step_alerts(r, err);
        if (status != TFT_OK)
            return status;
    }
    out->s.failed_servers = result->failed_servers;
    out->s.wall_ms = job->wall_ms();
    out->s.finished_s = tft_monotonic_s();
    out->s.duration_s = out->s.finished_s - start;
    return TFT_OK;
}
