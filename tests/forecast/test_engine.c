/* test_engine.c - the engine on a network of the test's own: what a snapshot says, when the fallback answers, what is
 * taken over, how models and alerts change hands, and readers beside a running engine. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/rng.h"
#include "forecast/engine.h"

#define NONE ((double)NAN)
#define STEP 300000
#define MINUTE 60000
enum { CPU, MEM, DISK, LATENCY, HORIZON = 96 };
static const int64_t T0 = 1760371200000; // 2025-10-13T16:00:00Z

static _Atomic int64_t wall; // the test's wall clock
static int64_t test_wall(void)
{
    return atomic_load(&wall);
}

/* A metric's rows, unpacked; they hold until eight others have been asked for. */
static const float *rows_of(const forecast_snapshot *s, size_t server, size_t metric)
{
    static _Thread_local float kept[8][FORECAST_N_QUANTILES * 96];
    static _Thread_local size_t turn;
    assert_int_equal(s->horizon, 96);
    return snapshot_rows(s, server, metric, kept[turn++ % 8]);
}

/* A network that forecasts `cpu` (or the last value where that is NaN) for every metric, and a flat hazard. */
typedef struct network {
    double cpu;
    float hazard;
    atomic_int runs, windows, closed;
    enum { FINE, FAILS, NOT_FINITE, TOO_SHORT, UNSORTED } mood;
    const tft_config *config;
    size_t outputs;
} network;

static float last_value(const tft_series *series, int64_t origin, size_t metric)
{
    for (int64_t i = tft_series_index(series, origin); i >= 0; i--) {
        const float v = series->values[(size_t)i * series->n_metrics + metric];
        if (!isnan(v))
            return v;
    }
    return 0.0f;
}

static tft_status network_run(void *context, const tft_request *requests, size_t n, size_t steps,
                              const tft_forecast *out, tft_error *err)
{
    network *net = context;
    atomic_fetch_add(&net->runs, 1);
    atomic_fetch_add(&net->windows, (int)n);
    if (net->mood == FAILS)
        return tft_fail(err, TFT_ERR_FORMAT, "the weights caught a cold");
    for (size_t i = 0; i < n; i++) {
        out->ok[i] = net->mood != TOO_SHORT;
        for (size_t t = 0; t < steps; t++) {
            float *row = out->quantiles + (i * steps + t) * net->outputs;
            for (size_t m = 0, at = 0; m < net->config->n_targets; m++)
                for (size_t q = 0; q < net->config->targets[m].n_quantiles; q++, at++) {
                    const float level = net->config->targets[m].quantiles[q];
                    const float centre = m == CPU && !isnan(net->cpu)
                                             ? (float)net->cpu
                                             : last_value(requests[i].series, requests[i].origin, m);
                    row[at] = centre + (net->mood == UNSORTED ? 0.5f - level : level - 0.5f) * 10.0f;
                }
            if (out->incident != NULL)
                out->incident[i * steps + t] = 1.0f - powf(1.0f - net->hazard, (float)(t + 1));
        }
        if (net->mood == NOT_FINITE && i == 0)
            out->quantiles[3] = NAN;
    }
    return TFT_OK;
}

static void network_close(void *context)
{
    atomic_fetch_add(&((network *)context)->closed, 1);
}

static engine_model model_of(network *net, const char *name, const float *levels, size_t n_levels)
{
    static const float served[] = {0.02f, 0.1f, 0.25f, 0.5f, 0.75f, 0.9f, 0.98f};
    engine_model model = {
        .context = net, .run = network_run, .close = network_close, .contract = tft_contract_default()};
    model.config.n_targets = 4;
    model.config.hazard = true;
    for (size_t m = 0; m < 4; m++) {
        tft_target *target = &model.config.targets[m];
        snprintf(target->name, sizeof target->name, "%s", model.contract.metrics[m].name);
        target->n_quantiles = (uint8_t)(levels != NULL ? n_levels : 7);
        memcpy(target->quantiles, levels != NULL ? levels : served, target->n_quantiles * sizeof(float));
    }
    snprintf(model.name, sizeof model.name, "%s", name);
    return model;
}

/* A fleet, an engine, a network; nothing is in it yet. */
typedef struct world {
    fleet *f;
    engine *e;
    network net;
    engine_model model;
    char log[4096];
    const forecast_snapshot *s; // held between look() and let_go()
} world;

static void keep_log(void *context, engine_log_level level, const char *text)
{
    world *w = context;
    const size_t n = strlen(w->log);
    snprintf(w->log + n, sizeof w->log - n, "%d %s\n", (int)level, text);
}

static void open_world(world *w, bool with_model)
{
    memset(w, 0, sizeof *w);
    atomic_store(&wall, T0);
    const tft_contract contract = tft_contract_default();
    fleet_options options;
    fleet_options_default(&contract, &options);
    assert_int_equal(fleet_open(&options, &w->f, NULL), TFT_OK);
    engine_options eo;
    engine_options_default(w->f, &eo);
    eo.wall_ms = test_wall;
    eo.log = keep_log;
    eo.context = w;
    eo.isa = "avx2";
    eo.settings.min_interval_s = 0.001;
    assert_int_equal(engine_open(&eo, &w->e, NULL), TFT_OK);
    w->net.cpu = NONE;
    w->net.hazard = 0.001f;
    w->model = model_of(&w->net, "tft_model_test", NULL, 0);
    w->net.config = &w->model.config;
    w->net.outputs = 28;
    if (with_model)
        assert_int_equal(engine_set_model(w->e, &w->model, NULL), TFT_OK);
}

static void close_world(world *w)
{
    engine_close(w->e);
    fleet_close(w->f);
}

static void give(world *w, const char *name, int64_t time_ms, const double values[4], tft_state state)
{
    const fleet_record record = {name, strlen(name), time_ms, values, state, -1, FLEET_NEW};
    const fleet_batch batch = {.records = &record, .n = 1};
    assert_int_equal(fleet_apply(w->f, &batch, test_wall(), NULL, NULL), TFT_OK);
}

/* n records of a server, 5 s apart, the last one at the wall clock. */
static void feed(world *w, const char *name, int n, const double values[4])
{
    for (int i = n - 1; i >= 0; i--)
        give(w, name, test_wall() - i * 5000, values, TFT_STATE_NONE);
}

static const forecast_snapshot *look(world *w)
{
    tft_error err = {0};
    if (engine_renew(w->e, &err) != TFT_OK)
        fail_msg("%s", err.text);
    w->s = engine_acquire(w->e);
    return w->s;
}

static void let_go(world *w)
{
    engine_release(w->e, w->s);
    w->s = NULL;
}

static const double quiet[4] = {30, 40, 5, 10};

/* What holds of every snapshot whatever happened. */
static void check_invariants(const forecast_snapshot *s)
{
    assert_int_equal(s->tft_servers + s->heuristic_servers, s->n_servers);
    for (size_t i = 0; i < s->n_servers; i++) {
        const snapshot_server *server = &s->servers[i];
        assert_true(server->risk.score >= 0 && server->risk.score <= 100);
        for (size_t m = 0; m < s->n_targets; m++) {
            const float *rows = rows_of(s, i, m);
            assert_true((rows != NULL) == server->present[m]);
            for (size_t t = 0; rows != NULL && t < s->horizon; t++)
                for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
                    const float v = rows[q * s->horizon + t];
                    assert_true(isfinite(v) && (q == 0 || v >= rows[(q - 1) * s->horizon + t]));
                    assert_true((double)v >= s->contract->metrics[m].min && (double)v <= s->contract->metrics[m].max);
                }
            assert_true(rows == NULL || isfinite(server->trend[m]));
        }
        float curve[HORIZON];
        assert_true(s->horizon == HORIZON);
        snapshot_incident(s, i, curve);
        for (size_t t = 0; t < s->horizon; t++)
            assert_true(curve[t] >= (t > 0 ? curve[t - 1] : 0.0f) && curve[t] <= 1.0f);
        for (size_t k = 0; k < SNAPSHOT_N_HORIZONS; k++) {
            assert_true(server->incident_probability[k] >= (k > 0 ? server->incident_probability[k - 1] : 0.0));
            assert_true(s->environment.prob[k] >= server->incident_probability[k]);
        }
    }
    for (size_t k = 0; k < SNAPSHOT_N_HORIZONS; k++) {
        assert_true(s->environment.prob[k] >= (k > 0 ? s->environment.prob[k - 1] : 0.0));
        assert_true(s->environment.prob[k] <= 1.0);
        assert_true(s->environment.expected[k] >= s->environment.prob[k] - 1e-9);
    }
}

/* ---- what a snapshot says --------------------------------------------------------------------------------------- */

static void an_engine_without_records_has_an_insufficient_snapshot(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    const forecast_snapshot *s = engine_acquire(w.e);
    assert_false(s->sufficient);
    assert_int_equal(s->sequence, 0);
    assert_int_equal(s->min_records, 100);
    engine_release(w.e, s);
    s = look(&w);
    assert_false(s->sufficient);
    assert_int_equal(s->n_servers, 0);
    assert_int_equal(s->environment.fleet_health, RISK_HEALTH_UNKNOWN);
    let_go(&w);
    close_world(&w);
}

static void a_hundred_records_open_the_predictions(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 50, quiet);
    feed(&w, "b", 49, quiet);
    assert_false(look(&w)->sufficient);
    assert_int_equal(w.s->records_total, 99);
    let_go(&w);
    atomic_fetch_add(&wall, 1);
    give(&w, "b", test_wall(), quiet, TFT_STATE_NONE);
    assert_true(look(&w)->sufficient);
    assert_int_equal(w.s->n_servers, 2);
    assert_int_equal(w.s->heuristic_servers, 2);
    assert_int_equal(atomic_load(&w.net.runs), 0);
    check_invariants(w.s);
    let_go(&w);
    close_world(&w);
}

static void the_network_takes_over_with_the_150th_record(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 149, quiet);
    assert_int_equal(look(&w)->servers[0].model_type, SNAPSHOT_HEURISTIC);
    assert_false(w.s->servers[0].ready);
    let_go(&w);
    atomic_fetch_add(&wall, 5000);
    give(&w, "a", test_wall(), quiet, TFT_STATE_NONE);
    const forecast_snapshot *s = look(&w);
    assert_int_equal(s->servers[0].model_type, SNAPSHOT_TFT);
    assert_true(s->servers[0].ready);
    assert_int_equal(s->tft_servers, 1);
    assert_int_equal(atomic_load(&w.net.windows), 1);
    assert_non_null(strstr(w.log, "TFT predictions generated for 1 servers"));
    check_invariants(s);
    let_go(&w);
    close_world(&w);
}

static void a_snapshot_says_what_it_was_made_of(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    atomic_store(&wall, T0 + 31 * MINUTE + 10000); // 16:31:10
    w.net.cpu = 37.9;
    const double values[4] = {37.5, 61.2, 142.8, 9.1};
    feed(&w, "ppdb001", 374, values);
    const forecast_snapshot *s = look(&w);
    assert_int_equal(s->origin_ms, T0 + 30 * MINUTE);
    assert_int_equal(s->first_ms, T0 + 35 * MINUTE);
    assert_int_equal(snapshot_time_ms(s, 95), s->first_ms + 95 * STEP);
    assert_int_equal(s->horizon, 96);
    assert_string_equal(s->isa, "avx2");
    assert_string_equal(s->model_name, "tft_model_test");
    assert_false(s->clock.data);
    assert_int_equal(s->input_points, 374);
    assert_int_equal(s->wall_ms, test_wall());
    const snapshot_server *a = &s->servers[0];
    assert_string_equal(a->name, "ppdb001");
    assert_int_equal(a->records, 374);
    assert_int_equal(a->history_steps, 7); // 374 · 5 s: from 16:00:05 on
    assert_int_equal(a->last_seen_ms, test_wall());
    assert_int_equal(a->state, TFT_STATE_HEALTHY);
    assert_false(a->stale);
    assert_true(a->current[CPU] == 37.5 && a->current[LATENCY] == 9.1);
    const float *rows = rows_of(s, 0, CPU);
    const float off = 9.6f / PACKED_PARTS; // what packed.h promises for a span of 9.6
    assert_true(fabsf(rows[FORECAST_P50 * HORIZON + 17] - 37.9f) <= off);
    assert_true(fabsf(rows[0] - (37.9f - 4.8f)) <= off && fabsf(rows[6 * HORIZON] - (37.9f + 4.8f)) <= off);
    assert_true(fabs(a->trend[CPU] - 0.4 / 96) <= (double)off / 96);
    for (size_t k = 0; k < SNAPSHOT_N_HORIZONS; k++) { // 6 12 24 48 96 steps of a flat hazard
        const double steps = 6.0 * pow(2, (double)k);
        assert_true(fabs(a->incident_probability[k] - (1 - pow(0.999, steps))) < 1e-5);
    }
    assert_true(fabs(a->risk.score - 100 * a->incident_probability[2]) < 1e-9);
    check_invariants(s);
    let_go(&w);
    close_world(&w);
}

static void a_metric_that_was_never_reported_is_left_out(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    const double values[4] = {30, NONE, NONE, 10};
    feed(&w, "a", 200, values);
    const forecast_snapshot *s = look(&w);
    assert_non_null(rows_of(s, 0, CPU));
    assert_null(rows_of(s, 0, MEM));
    assert_null(rows_of(s, 0, DISK));
    assert_non_null(rows_of(s, 0, LATENCY));
    assert_null(rows_of(s, 1, CPU));
    check_invariants(s);
    let_go(&w);
    close_world(&w);
}

static void late_and_filled_records_reach_the_network(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    const double no_mem[4] = {30, NONE, 5, 10}, mem[4] = {NONE, 80, NONE, NONE};
    feed(&w, "a", 150, no_mem);
    assert_null(rows_of(look(&w), 0, MEM));
    let_go(&w);
    const fleet_record filled = {"a", 1, test_wall() - 5000, mem, TFT_STATE_NONE, -1, FLEET_FILLED};
    const fleet_batch batch = {.records = &filled, .n = 1};
    assert_int_equal(fleet_apply(w.f, &batch, test_wall(), NULL, NULL), TFT_OK);
    const float *rows = rows_of(look(&w), 0, MEM);
    assert_non_null(rows);
    assert_true(rows[FORECAST_P50 * HORIZON] == 80.0f);
    assert_true(w.s->servers[0].current[MEM] == 80);
    assert_int_equal(w.s->servers[0].records, 150);
    let_go(&w);
    const size_t steps = look(&w)->servers[0].history_steps;
    let_go(&w);
    give(&w, "a", test_wall() - 3600 * 1000, quiet, TFT_STATE_NONE); // an hour late
    assert_int_equal(look(&w)->servers[0].history_steps, steps + 1);
    let_go(&w);
    close_world(&w);
}

static void a_record_ahead_of_the_clock_is_not_in_the_window(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 150, quiet);
    const double ahead[4] = {90, NONE, NONE, NONE};
    give(&w, "a", T0 + STEP, ahead, TFT_STATE_NONE); // a sender whose clock is five minutes fast
    const forecast_snapshot *s = look(&w);
    assert_int_equal(s->servers[0].input_points, 150);
    assert_int_equal(s->servers[0].history_steps, 4); // 15:47:35 … 16:00:00
    assert_true(rows_of(s, 0, CPU)[FORECAST_P50 * HORIZON] == 30.0f);
    assert_true(s->servers[0].current[CPU] == 90); // it is the newest value all the same
    let_go(&w);
    close_world(&w);
}

static void a_model_with_other_levels_is_read_between_them(void **state)
{
    (void)state;
    static const float levels[] = {0.05f, 0.5f, 0.95f};
    world w;
    open_world(&w, false);
    w.model = model_of(&w.net, "three", levels, 3);
    w.net.outputs = 12;
    w.net.cpu = 50;
    assert_int_equal(engine_set_model(w.e, &w.model, NULL), TFT_OK);
    feed(&w, "a", 150, quiet);
    const float *rows = rows_of(look(&w), 0, CPU); // the network's quantile is 50 + 10 · (level − 0.5)
    static const float expected[] = {45.5f, 46, 47.5f, 50, 52.5f, 54, 54.5f};
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
        assert_true(fabsf(rows[q * HORIZON + 9] - expected[q]) < 1e-4f); // short in binary: exact
    check_invariants(w.s);
    let_go(&w);
    close_world(&w);
}

static void the_environment_is_never_below_its_worst_server(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    char name[16];
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "s%02d", i);
        feed(&w, name, 150, quiet);
    }
    w.net.hazard = 0.01f;
    const forecast_snapshot *s = look(&w);
    check_invariants(s);
    const double p = s->servers[0].incident_probability[0];
    assert_true(fabs(s->environment.prob[0] - (1 - pow(1 - p, 30))) < 1e-9);
    assert_true(fabs(s->environment.expected[0] - 30 * p) < 1e-9);
    assert_int_equal(s->environment.high_risk_servers, 0);
    assert_int_equal(s->environment.fleet_health, RISK_HEALTHY);
    let_go(&w);
    const double burning[4] = {99, 40, 5, 10};
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "s%02d", i);
        give(&w, name, test_wall() + 1, burning, TFT_STATE_NONE);
    }
    s = look(&w);
    assert_int_equal(s->environment.high_risk_servers, 9);
    assert_int_equal(s->environment.fleet_health, RISK_HEALTH_CRITICAL); // 30 % at risk ≥ 70
    check_invariants(s);
    let_go(&w);
    close_world(&w);
}

static void a_fleet_that_fails_together_counts_as_fewer_servers(void **state)
{
    (void)state;
    world w;
    char name[16];
    open_world(&w, true);
    network second = {.cpu = 20, .hazard = 0.01f, .outputs = 28, .config = &w.model.config};
    engine_model other = model_of(&second, "linked", NULL, 0);
    other.fleet = (tft_fleet_link){.n = 2, .step = {6, 12}, .exponent = {0.5, 0.2}};
    assert_int_equal(engine_set_model(w.e, &other, NULL), TFT_OK);
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "s%02d", i);
        feed(&w, name, 150, quiet);
    }
    const forecast_snapshot *s = look(&w);
    check_invariants(s); // θ falls from 30 min to 1 h: the fleet's curve does not
    const double p = s->servers[0].incident_probability[0];
    assert_true(fabs(s->environment.prob[0] - (1 - pow(1 - p, 1 + 0.5 * 29))) < 1e-9);
    let_go(&w);
    close_world(&w);
}

/* ---- when the network does not answer --------------------------------------------------------------------------- */

static void a_failing_network_leaves_the_fallback_and_says_so(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 150, quiet);
    w.net.mood = FAILS;
    const forecast_snapshot *s = look(&w);
    assert_int_equal(s->servers[0].model_type, SNAPSHOT_HEURISTIC);
    assert_int_equal(s->failed_servers, 1);
    assert_non_null(strstr(w.log, "TFT prediction failed, falling back to heuristic: the weights caught a cold"));
    check_invariants(s);
    let_go(&w);
    w.net.mood = FINE; // the same records: it is tried again
    assert_int_equal(look(&w)->servers[0].model_type, SNAPSHOT_TFT);
    let_go(&w);
    assert_int_equal(engine_count(w.e).failures, 1);
    close_world(&w);
}

static void a_number_that_is_not_finite_costs_its_server_alone(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 150, quiet);
    feed(&w, "b", 150, quiet);
    w.net.mood = NOT_FINITE;
    const forecast_snapshot *s = look(&w);
    assert_int_equal(s->servers[0].model_type, SNAPSHOT_HEURISTIC);
    assert_int_equal(s->servers[1].model_type, SNAPSHOT_TFT);
    assert_non_null(strstr(w.log, "server a: the network gave a number that is not finite"));
    check_invariants(s);
    let_go(&w);
    close_world(&w);
}

static void too_little_history_is_no_failure(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 150, quiet);
    w.net.mood = TOO_SHORT;
    const forecast_snapshot *s = look(&w);
    assert_int_equal(s->servers[0].model_type, SNAPSHOT_HEURISTIC);
    assert_int_equal(s->failed_servers, 0);
    assert_null(strstr(w.log, "failed"));
    check_invariants(s);
    let_go(&w);
    close_world(&w);
}

static void crossing_quantiles_are_sorted(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 150, quiet);
    w.net.mood = UNSORTED;
    check_invariants(look(&w));
    assert_int_equal(w.s->servers[0].model_type, SNAPSHOT_TFT);
    let_go(&w);
    close_world(&w);
}

static void without_a_model_all_is_heuristic(void **state)
{
    (void)state;
    world w;
    open_world(&w, false);
    char name[128];
    feed(&w, "a", 200, quiet);
    const forecast_snapshot *s = look(&w);
    assert_int_equal(s->heuristic_servers, 1);
    assert_false(s->has_model);
    assert_string_equal(s->model_name, "none");
    assert_false(engine_model_name(w.e, name, sizeof name));
    assert_string_equal(name, "none");
    check_invariants(s);
    let_go(&w);
    close_world(&w);
}

/* ---- taking over ------------------------------------------------------------------------------------------------ */

static void a_server_has_another_revision_only_when_something_told_of_it_changed(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 150, quiet);
    feed(&w, "b", 150, quiet);
    const forecast_snapshot *s = look(&w);
    assert_true(s->servers[0].revision == s->sequence && s->servers[1].revision == s->sequence);
    const uint64_t first = s->sequence;
    let_go(&w);
    give(&w, "b", test_wall() + 1, quiet, TFT_STATE_NONE);
    s = look(&w);
    assert_true(s->servers[0].revision == first && s->servers[1].revision == s->sequence);
    let_go(&w);
    atomic_fetch_add(&wall, 1000); // a second later nothing is new
    const uint64_t second = first + 1;
    s = look(&w);
    assert_true(s->servers[0].revision == first && s->servers[1].revision == second);
    let_go(&w);
    // `a` is declared to be in maintenance without a record: its forecast stays, its state does not
    fleet_change(w.f, 0, -1, TFT_STATE_MAINTENANCE);
    s = look(&w);
    assert_true(s->servers[0].revision == s->sequence && s->servers[1].revision == second);
    let_go(&w);
    fleet_forget(w.f, 1, 0);
    s = look(&w);
    assert_true(s->servers[1].forgotten && s->servers[1].revision == s->sequence);
    let_go(&w);
    close_world(&w);
}

static void an_unchanged_server_is_taken_over(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 150, quiet);
    feed(&w, "b", 150, quiet);
    look(&w);
    let_go(&w);
    assert_int_equal(atomic_load(&w.net.windows), 2);
    w.net.cpu = 77;
    give(&w, "b", test_wall() + 1, quiet, TFT_STATE_NONE);
    const forecast_snapshot *s = look(&w);
    assert_int_equal(s->reused_servers, 1);
    assert_int_equal(atomic_load(&w.net.windows), 3);
    assert_int_equal(s->tft_servers, 2);
    assert_true(rows_of(s, 0, CPU)[FORECAST_P50 * HORIZON] == 30.0f);
    assert_true(rows_of(s, 1, CPU)[FORECAST_P50 * HORIZON] == 77.0f);
    assert_int_equal(s->servers[0].history_steps, s->servers[1].history_steps);
    assert_int_equal(s->input_points, 301);
    check_invariants(s);
    let_go(&w);
    atomic_fetch_add(&wall, STEP); // another origin: everything anew
    assert_int_equal(look(&w)->reused_servers, 0);
    assert_true(rows_of(w.s, 0, CPU)[FORECAST_P50 * HORIZON] == 77.0f);
    let_go(&w);
    engine_settings settings;
    engine_options defaults;
    engine_options_default(w.f, &defaults);
    settings = defaults.settings;
    engine_configure(w.e, &settings);
    assert_int_equal(look(&w)->reused_servers, 0); // other settings
    let_go(&w);
    assert_int_equal(look(&w)->reused_servers, 2);
    let_go(&w);
    close_world(&w);
}

static void slots_are_used_again_and_nothing_grows(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 150, quiet);
    size_t bytes = 0;
    const forecast_snapshot *first = NULL, *second = NULL;
    for (int i = 0; i < 50; i++) {
        give(&w, "a", test_wall() + i, quiet, TFT_STATE_NONE);
        const forecast_snapshot *s = look(&w);
        let_go(&w);
        first = i == 10 ? s : first;
        second = i == 11 ? s : second;
        if (i == 10)
            bytes = engine_bytes(w.e);
        if (i > 11)
            assert_true(s == first || s == second);
    }
    assert_int_equal(engine_bytes(w.e), bytes);
    close_world(&w);
}

static void readers_that_hold_all_slots_stop_renewals_not_themselves(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    const forecast_snapshot *held[ENGINE_SLOTS];
    for (size_t i = 0; i < ENGINE_SLOTS; i++) {
        held[i] = engine_acquire(w.e);
        const tft_status status = engine_renew(w.e, NULL);
        assert_int_equal(status, i + 1 < ENGINE_SLOTS ? TFT_OK : TFT_ERR_BUSY);
    }
    assert_int_equal(held[0]->sequence, 0); // what is held does not change
    engine_release(w.e, held[1]);
    assert_int_equal(engine_renew(w.e, NULL), TFT_OK);
    for (size_t i = 0; i < ENGINE_SLOTS; i++)
        if (i != 1)
            engine_release(w.e, held[i]);
    close_world(&w);
}

/* ---- clock, states, alerts -------------------------------------------------------------------------------------- */

static void a_replay_is_forecast_at_its_own_time(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 150, quiet);
    atomic_fetch_add(&wall, 365LL * 24 * 3600 * 1000);
    const forecast_snapshot *s = look(&w);
    assert_true(s->clock.data);
    assert_int_equal(s->origin_ms, T0);
    assert_false(s->servers[0].stale);
    assert_int_equal(s->servers[0].model_type, SNAPSHOT_TFT);
    assert_int_equal(s->wall_ms, test_wall());
    let_go(&w);
    close_world(&w);
}

static void a_silent_server_becomes_stale_and_offline_but_keeps_its_forecast(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "silent", 150, quiet);
    feed(&w, "loud", 150, quiet);
    for (int i = 0; i < 7; i++) {
        atomic_fetch_add(&wall, STEP);
        give(&w, "loud", test_wall(), quiet, TFT_STATE_NONE);
    }
    const forecast_snapshot *s = look(&w);
    const snapshot_server *a = &s->servers[0];
    assert_true(a->stale && a->in_incident);
    assert_int_equal(a->state, TFT_STATE_OFFLINE);
    assert_int_equal(a->model_type, SNAPSHOT_TFT);
    assert_non_null(rows_of(s, 0, CPU));
    assert_true(a->risk.score >= 90);
    assert_false(s->servers[1].stale);
    check_invariants(s);
    let_go(&w);
    close_world(&w);
}

static void alerts_live_from_snapshot_to_snapshot(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 150, quiet);
    feed(&w, "b", 150, quiet);
    w.net.cpu = 92;
    const forecast_snapshot *s = look(&w);
    assert_int_equal(s->n_firing, 2);
    const alert first = s->alerts[s->alert_order[0]];
    assert_int_equal(first.severity, ALERT_CRITICAL);
    assert_int_equal(first.since_ms, T0);
    assert_int_equal(first.minutes_ahead, 5);
    assert_true(fabs(first.current - 30) < 1e-9);
    let_go(&w);
    atomic_fetch_add(&wall, MINUTE);
    s = look(&w);
    assert_int_equal(s->n_firing, 2);
    assert_int_equal(s->n_alerts, 4); // a warning each, inhibited by its critical one
    assert_string_equal(s->alerts[s->alert_order[0]].id, first.id);
    assert_string_equal(s->alerts[0].inhibited_by, s->alerts[1].id);
    assert_int_equal(s->alerts[0].since_ms, T0);
    let_go(&w);

    w.net.cpu = 50; // and `b` goes into maintenance
    give(&w, "a", test_wall(), quiet, TFT_STATE_NONE);
    give(&w, "b", test_wall(), quiet, TFT_STATE_MAINTENANCE);
    s = look(&w);
    assert_int_equal(s->n_firing, 1);
    assert_string_equal(s->alerts[s->alert_order[0]].id, first.id);
    assert_int_equal(s->alerts[3].mute, ALERT_MAINTENANCE);
    assert_int_equal(s->n_ended, 0);
    let_go(&w);
    atomic_fetch_add(&wall, 2 * MINUTE);
    assert_int_equal(look(&w)->n_firing, 0); // kept for two minutes, gone now
    assert_int_equal(w.s->n_ended, 4);
    assert_string_equal(w.s->ended[1].id, first.id);
    let_go(&w);
    assert_int_equal(look(&w)->n_ended, 0);
    let_go(&w);
    assert_int_equal(engine_count(w.e).alerts_fired_critical, 2);
    close_world(&w);
}

static void alerts_do_not_go_on_across_a_long_gap(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 150, quiet);
    w.net.cpu = 92;
    assert_int_equal(look(&w)->alerts[0].since_ms, T0);
    let_go(&w);
    atomic_fetch_add(&wall, 60 * MINUTE); // a history is fed in: an hour between two forecasts, …
    give(&w, "a", test_wall(), quiet, TFT_STATE_NONE);
    assert_int_equal(look(&w)->alerts[0].since_ms, T0);
    let_go(&w);
    atomic_fetch_add(&wall, 60 * MINUTE + 1); // … then more
    give(&w, "a", test_wall(), quiet, TFT_STATE_NONE);
    assert_int_equal(look(&w)->alerts[0].since_ms, test_wall());
    let_go(&w);
    w.net.cpu = 50;
    atomic_fetch_add(&wall, 8 * 60 * MINUTE);
    give(&w, "a", test_wall(), quiet, TFT_STATE_NONE);
    assert_int_equal(look(&w)->n_alerts, 0);
    let_go(&w);
    close_world(&w);
}

static void alerts_survive_a_restart(void **state)
{
    (void)state;
    world w, back;
    alert_saved saved[8];
    open_world(&w, true);
    feed(&w, "z", 150, quiet);
    feed(&w, "a", 150, quiet);
    w.net.cpu = 92;
    assert_int_equal(look(&w)->n_alerts, 4);
    char id[ALERT_ID_BYTES];
    memcpy(id, w.s->alerts[3].id, sizeof id); // the critical one of "a"
    const size_t n = snapshot_save_alerts(w.s, saved);
    assert_int_equal(n, 4);
    assert_string_equal(saved[1].metric, "cpu_pct");
    saved[4] = saved[0];
    saved[4].server = "gone";
    saved[4].server_length = 4;
    let_go(&w);

    open_world(&back, true);
    atomic_store(&wall, T0 + 10 * MINUTE);
    feed(&back, "a", 150, quiet); // another order than before: other ids
    feed(&back, "z", 150, quiet);
    back.net.cpu = 92;
    assert_int_equal(engine_restore_alerts(back.e, saved, 5, NULL), TFT_OK);
    const forecast_snapshot *s = look(&back);
    assert_int_equal(s->n_alerts, 4);
    assert_string_equal(s->servers[s->alerts[1].server].name, "a");
    assert_string_equal(s->alerts[1].id, id);
    assert_int_equal(s->alerts[0].since_ms, T0);
    let_go(&back);
    assert_int_equal(engine_count(back.e).alerts_fired_critical, 0); // nothing new fired
    close_world(&back);
    close_world(&w);
}

/* ---- models ----------------------------------------------------------------------------------------------------- */

static void a_model_can_be_exchanged_while_it_runs(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    network second = {.cpu = 66, .hazard = 0.001f, .outputs = 28, .config = &w.model.config};
    feed(&w, "a", 150, quiet);
    look(&w);
    let_go(&w);
    const engine_model other = model_of(&second, "tft_model_other", NULL, 0);
    assert_int_equal(engine_set_model(w.e, &other, NULL), TFT_OK);
    assert_int_equal(atomic_load(&w.net.closed), 1);
    char name[128];
    assert_true(engine_model_name(w.e, name, sizeof name));
    assert_string_equal(name, "tft_model_other");
    const forecast_snapshot *s = look(&w);
    assert_string_equal(s->model_name, "tft_model_other");
    assert_true(rows_of(s, 0, CPU)[FORECAST_P50 * HORIZON] == 66.0f); // not taken over from the old one
    let_go(&w);
    assert_int_equal(engine_set_model(w.e, NULL, NULL), TFT_OK);
    assert_int_equal(atomic_load(&second.closed), 1);
    assert_int_equal(look(&w)->heuristic_servers, 1);
    let_go(&w);
    close_world(&w);
}

static void a_model_that_does_not_fit_is_refused_and_closed(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    network second = {.cpu = 66};
    for (int i = 0; i < 4; i++) {
        engine_model bad = model_of(&second, "bad", NULL, 0);
        const char *expected = NULL;
        if (i == 0) {
            bad.contract.step_ms = 60000;
            expected = "model bad: model has steps of 60000 ms";
        } else if (i == 1) {
            bad.contract.horizon = 48;
            expected = "horizon of 48 steps";
        } else if (i == 2) {
            snprintf(bad.contract.metrics[1].name, sizeof bad.contract.metrics[1].name, "ram");
            expected = "metric 1 is ram in the model";
        } else {
            bad.config.targets[3].n_quantiles = 0;
            expected = "target 3";
        }
        tft_error err = {0};
        assert_int_equal(engine_set_model(w.e, &bad, &err), TFT_ERR_MISMATCH);
        if (strstr(err.text, expected) == NULL)
            fail_msg("%s", err.text);
        assert_int_equal(atomic_load(&second.closed), i + 1);
    }
    assert_int_equal(atomic_load(&w.net.closed), 0);
    feed(&w, "a", 150, quiet);
    assert_int_equal(look(&w)->tft_servers, 1); // the old one goes on
    let_go(&w);
    close_world(&w);
    assert_int_equal(atomic_load(&w.net.closed), 1);
}

/* ---- the thread ------------------------------------------------------------------------------------------------- */

static void wait_until_sequence(engine *e, uint64_t sequence)
{
    const double end = tft_monotonic_s() + 30.0;
    for (;;) {
        const forecast_snapshot *s = engine_acquire(e);
        const uint64_t at = s->sequence;
        engine_release(e, s);
        if (at >= sequence)
            return;
        if (tft_monotonic_s() > end)
            fail_msg("no forecast %llu after 30 s", (unsigned long long)sequence);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static uint64_t sequence_of(engine *e)
{
    const forecast_snapshot *s = engine_acquire(e);
    const uint64_t at = s->sequence;
    engine_release(e, s);
    return at;
}

static void the_thread_renews_when_told_and_at_the_steps_end(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    feed(&w, "a", 150, quiet);
    assert_int_equal(engine_start(w.e, NULL), TFT_OK);
    wait_until_sequence(w.e, 1);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    const uint64_t idle = sequence_of(w.e);
    assert_true(idle <= 2); // nothing happened: nothing is renewed (one more for what open_world did)
    engine_notify(w.e);
    wait_until_sequence(w.e, idle + 1);
    atomic_store(&wall, T0 + STEP - 20); // 20 ms before the end of the step
    engine_notify(w.e);
    wait_until_sequence(w.e, idle + 2);
    atomic_store(&wall, T0 + STEP);
    wait_until_sequence(w.e, idle + 3); // nobody told it
    const forecast_snapshot *s = engine_acquire(w.e);
    assert_int_equal(s->origin_ms, T0 + STEP);
    engine_release(w.e, s);
    engine_stop(w.e);
    const uint64_t last = sequence_of(w.e);
    engine_notify(w.e);
    nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL);
    assert_int_equal(sequence_of(w.e), last);
    close_world(&w);
}

typedef struct reader {
    world *w;
    atomic_bool *stop;
    uint64_t reads, torn;
} reader;

/* The network of this test says one number for all steps of a metric: two in one row would be two forecasts mixed. */
static void *read_all_the_time(void *context)
{
    reader *r = context;
    uint64_t before = 0;
    while (!atomic_load(r->stop)) {
        const forecast_snapshot *s = engine_acquire(r->w->e);
        if (s->sequence < before)
            r->torn++;
        before = s->sequence;
        for (size_t i = 0; i < s->n_servers; i++)
            for (size_t m = 0; m < s->n_targets; m++) {
                const float *rows = rows_of(s, i, m);
                if (rows == NULL || s->servers[i].model_type != SNAPSHOT_TFT)
                    continue;
                for (size_t t = 1; t < s->horizon; t++)
                    if (rows[FORECAST_P50 * s->horizon + t] != rows[FORECAST_P50 * s->horizon])
                        r->torn++;
                float curve[HORIZON];
                if (snapshot_incident(s, i, curve)[s->horizon - 1] <= 0.0f)
                    r->torn++;
            }
        for (size_t k = 0; k < s->n_firing; k++)
            if (s->alerts[s->alert_order[k]].server >= s->n_servers)
                r->torn++;
        engine_release(r->w->e, s);
        r->reads++;
    }
    return NULL;
}

static void readers_beside_ingest_and_renewals_see_whole_snapshots(void **state)
{
    (void)state;
    enum { READERS = 4 };
    world w;
    open_world(&w, true);
    char name[16];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "s%02d", i);
        feed(&w, name, 150, quiet);
    }
    assert_int_equal(engine_start(w.e, NULL), TFT_OK);
    wait_until_sequence(w.e, 1);
    atomic_bool stop = false;
    reader readers[READERS];
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (reader){.w = &w, .stop = &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, read_all_the_time, &readers[i]), 0);
    }
    network second = {.cpu = 93, .hazard = 0.01f, .outputs = 28, .config = &w.model.config};
    const uint64_t from = sequence_of(w.e);
    for (int tick = 1; sequence_of(w.e) < from + 8; tick++) {
        const double values[4] = {tick % 90, 40, 5, 10};
        for (int i = 0; i < 20 + tick % 50; i++) { // newcomers too: slots grow
            snprintf(name, sizeof name, "s%02d", i);
            give(&w, name, T0 + tick * 10, values, TFT_STATE_NONE);
        }
        engine_notify(w.e);
        if (tick == 5) {
            const engine_model other = model_of(&second, "other", NULL, 0);
            assert_int_equal(engine_set_model(w.e, &other, NULL), TFT_OK);
        }
        (void)fleet_count(w.f, test_wall());
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readers[i].torn, 0);
        assert_true(readers[i].reads > 0);
    }
    close_world(&w);
}

static void ten_thousand_servers_fit(void **state)
{
    (void)state;
    world w;
    open_world(&w, true);
    char name[32];
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "host-%05d.example.net", i);
        const double values[4] = {i % 80, 40, 5, 10};
        feed(&w, name, i % 4 == 0 ? 3 : 1, values);
    }
    const forecast_snapshot *s = look(&w);
    assert_int_equal(s->n_servers, 10000);
    assert_int_equal(s->heuristic_servers, 10000); // 15000 records, but nobody has 150
    assert_int_equal(fleet_room(w.f), 0);
    assert_true(s->servers[77].current[CPU] == 77);
    assert_string_equal(s->servers[9999].name, "host-09999.example.net");
    for (size_t k = 0; k < SNAPSHOT_N_HORIZONS; k++)
        assert_true(s->environment.prob[k] <= 1.0 && s->environment.prob[k] > 0.5);
    let_go(&w);
    const size_t bytes = engine_bytes(w.e);
    for (int round = 0; round < 3; round++) {
        give(&w, "host-00000.example.net", T0 + 1 + round, quiet, TFT_STATE_NONE);
        assert_int_equal(look(&w)->reused_servers, 9999);
        let_go(&w);
    }
    assert_true(engine_bytes(w.e) <= 2 * bytes); // two slots, and no more
    close_world(&w);
}

/* Whatever comes in, what goes out is in order. */
static void random_fleets_keep_their_invariants(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(5, 0);
    for (int round = 0; round < 10; round++) {
        world w;
        open_world(&w, round % 3 != 0);
        w.net.hazard = (float)tft_rng_uniform(&rng) * 0.05f;
        w.net.mood = (int)tft_rng_below(&rng, 5);
        char name[16];
        for (int tick = 0; tick < 60; tick++) {
            atomic_fetch_add(&wall, (int64_t)tft_rng_below(&rng, 400000));
            for (int i = 0; i < 12; i++) {
                double values[4];
                for (size_t m = 0; m < 4; m++)
                    values[m] = tft_rng_below(&rng, 4) == 0 ? NONE : 100 * tft_rng_uniform(&rng);
                snprintf(name, sizeof name, "s%d", (int)tft_rng_below(&rng, 8));
                give(&w, name, test_wall() - (int64_t)tft_rng_below(&rng, 7200000), values,
                     (tft_state)tft_rng_below(&rng, TFT_N_STATES));
            }
            check_invariants(look(&w));
            let_go(&w);
        }
        close_world(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_has_another_revision_only_when_something_told_of_it_changed),
        cmocka_unit_test(an_engine_without_records_has_an_insufficient_snapshot),
        cmocka_unit_test(a_hundred_records_open_the_predictions),
        cmocka_unit_test(the_network_takes_over_with_the_150th_record),
        cmocka_unit_test(a_snapshot_says_what_it_was_made_of),
        cmocka_unit_test(a_metric_that_was_never_reported_is_left_out),
        cmocka_unit_test(late_and_filled_records_reach_the_network),
        cmocka_unit_test(a_record_ahead_of_the_clock_is_not_in_the_window),
        cmocka_unit_test(a_model_with_other_levels_is_read_between_them),
        cmocka_unit_test(the_environment_is_never_below_its_worst_server),
        cmocka_unit_test(a_fleet_that_fails_together_counts_as_fewer_servers),
        cmocka_unit_test(a_failing_network_leaves_the_fallback_and_says_so),
        cmocka_unit_test(a_number_that_is_not_finite_costs_its_server_alone),
        cmocka_unit_test(too_little_history_is_no_failure),
        cmocka_unit_test(crossing_quantiles_are_sorted),
        cmocka_unit_test(without_a_model_all_is_heuristic),
        cmocka_unit_test(an_unchanged_server_is_taken_over),
        cmocka_unit_test(slots_are_used_again_and_nothing_grows),
        cmocka_unit_test(readers_that_hold_all_slots_stop_renewals_not_themselves),
        cmocka_unit_test(a_replay_is_forecast_at_its_own_time),
        cmocka_unit_test(a_silent_server_becomes_stale_and_offline_but_keeps_its_forecast),
        cmocka_unit_test(alerts_live_from_snapshot_to_snapshot),
        cmocka_unit_test(alerts_do_not_go_on_across_a_long_gap),
        cmocka_unit_test(alerts_survive_a_restart),
        cmocka_unit_test(a_model_can_be_exchanged_while_it_runs),
        cmocka_unit_test(a_model_that_does_not_fit_is_refused_and_closed),
        cmocka_unit_test(the_thread_renews_when_told_and_at_the_steps_end),
        cmocka_unit_test(readers_beside_ingest_and_renewals_see_whole_snapshots),
        cmocka_unit_test(ten_thousand_servers_fit),
        cmocka_unit_test(random_fleets_keep_their_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
