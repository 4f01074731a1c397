/* engine.c - the thread that renews, what it says to the log, and the model and settings it works with. See engine.h.
 *
 * Locks:  run_lock   one renewal at a time; guards model, settings, seeds, generations and the slots' filling
 *         wake_lock  guards wake, stop and due; never held together with run_lock
 *         name_lock  guards the model's name for engine_model_name(); held for a copy
 * None of them is ever taken by a reader of snapshots.
 */
#include "forecast/engine.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "forecast/background.h"
#include "forecast/renewal.h"
#include "forecast/slots.h"

static_assert(ENGINE_SLOTS == SLOTS_N, "the header promises the number of slots");

#define REPEAT_LOG_S 60.0 // a line that repeats is logged this often
#define RETRY_S 0.1       // readers held all slots
#define LONGEST_SLEEP_S 60.0

struct engine {
    engine_options options;
    fleet *f;
    char isa[16];
    slots all;

    pthread_mutex_t run_lock;
    renewal *work; // guarded by run_lock, as what follows
    engine_settings settings;
    bool has_model;
    engine_model model;
    uint64_t model_generation, settings_generation, sequence;
    alert *seeds;
    size_t n_seeds;
    double logged_ok_s, logged_failure_s; // tft_monotonic_s() of the last such line

    pthread_mutex_t *name_lock; // a pointer, so that engine_model_name() can take it of a const engine
    char model_name[128];       // guarded by name_lock; "" = no model

    pthread_mutex_t wake_lock;
    pthread_cond_t wake;
    bool due, stop, started; // guarded by wake_lock
    pthread_t thread;

    pthread_mutex_t quality_lock; // guards the next two; held for a copy
    alert_quality quality[TFT_MAX_METRICS];
    size_t n_quality;

    _Atomic uint64_t n_forecasts, n_tft, n_heuristic, n_failures, n_fired[ALERT_N_KINDS][ALERT_N_SEVERITIES];
    atomic_size_t bytes;
};

void engine_options_default(fleet *f, engine_options *options)
{
    *options = (engine_options){.f = f, .wall_ms = tft_wall_ms};
    options->settings.min_interval_s = 1.0;
    options->settings.alerts = alert_settings_default();
    options->settings.fallback = fallback_settings_default();
    risk_settings_default(fleet_contract(f), &options->settings.risk);
}

tft_status engine_open(const engine_options *options, engine **out, tft_error *err)
{
    engine *e = calloc(1, sizeof *e);
    if (e == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the engine");
    e->options = *options;
    if (e->options.wall_ms == NULL)
        e->options.wall_ms = tft_wall_ms;
    e->f = options->f;
    e->settings = options->settings;
    e->logged_ok_s = e->logged_failure_s = -HUGE_VAL;
    snprintf(e->isa, sizeof e->isa, "%s", options->isa != NULL ? options->isa : "");
    e->name_lock = malloc(sizeof *e->name_lock);
    const tft_status status = e->name_lock == NULL ? tft_fail(err, TFT_ERR_MEMORY, "no memory for the engine")
                                                   : renewal_open(e->f, &e->work, err);
    if (status != TFT_OK) {
        free(e->name_lock);
        free(e);
        return status;
    }
    slots_init(&e->all, fleet_contract(e->f));
    fleet_read_lock(e->f);
    e->all.slot[0].s.min_records = fleet_settings(e->f)->min_records;
    fleet_read_unlock(e->f);
    snprintf(e->all.slot[0].s.model_name, sizeof e->all.slot[0].s.model_name, "none");
    e->all.slot[0].s.wall_ms = e->options.wall_ms();
    e->all.slot[0].s.finished_s = tft_monotonic_s();
    pthread_mutex_init(&e->run_lock, NULL);
    pthread_mutex_init(e->name_lock, NULL);
    pthread_mutex_init(&e->wake_lock, NULL);
    pthread_mutex_init(&e->quality_lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&e->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = e;
    return TFT_OK;
}

static void close_model(engine_model *model)
{
    if (model->close != NULL)
        model->close(model->context);
}

void engine_close(engine *e)
{
    if (e == NULL)
        return;
    engine_stop(e);
    if (e->has_model)
        close_model(&e->model);
    slots_free(&e->all);
    renewal_close(e->work);
    free(e->seeds);
    pthread_cond_destroy(&e->wake);
    pthread_mutex_destroy(&e->wake_lock);
    pthread_mutex_destroy(&e->quality_lock);
    pthread_mutex_destroy(e->name_lock);
    free(e->name_lock);
    pthread_mutex_destroy(&e->run_lock);
    free(e);
}

/* ---- renewing --------------------------------------------------------------------------------------------------- */

static void say(const engine *e, engine_log_level level, const char *format, ...) TFT_PRINTF(3, 4);
static void say(const engine *e, engine_log_level level, const char *format, ...)
{
    if (e->options.log == NULL)
        return;
    char text[640];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    e->options.log(e->options.context, level, text);
}

/* Whether a line that was last said at *said may be said again; notes that it is. */
static bool may_repeat(double *said)
{
    const double now = tft_monotonic_s();
    if (now - *said < REPEAT_LOG_S)
        return false;
    *said = now;
    return true;
}

static void report(engine *e, const forecast_snapshot *s, const renewal_result *result)
{
    if (result->failed_servers > 0)
        say(e, may_repeat(&e->logged_failure_s) ? ENGINE_WARNING : ENGINE_DEBUG,
            "TFT prediction failed, falling back to heuristic: %s (%zu servers)", result->failure.text,
            result->failed_servers);
    if (s->tft_servers > 0)
        say(e, may_repeat(&e->logged_ok_s) ? ENGINE_OK : ENGINE_DEBUG, "TFT predictions generated for %zu servers",
            s->tft_servers);
    atomic_fetch_add(&e->n_forecasts, 1);
    atomic_fetch_add(&e->n_tft, s->tft_servers);
    atomic_fetch_add(&e->n_heuristic, s->heuristic_servers);
    atomic_fetch_add(&e->n_failures, result->failed_servers);
    for (size_t kind = 0; kind < ALERT_N_KINDS; kind++)
        for (size_t severity = 0; severity < ALERT_N_SEVERITIES; severity++)
            atomic_fetch_add(&e->n_fired[kind][severity], result->fired.fired[kind][severity]);
    atomic_store(&e->bytes, slots_bytes(&e->all) + renewal_bytes(e->work));
}

/* Under run_lock. */
static tft_status renew(engine *e, tft_error *err)
{
    snapshot_slot *out = slots_free_one(&e->all);
    if (out == NULL)
        return tft_fail(err, TFT_ERR_BUSY, "all %d snapshots are being read", SLOTS_N);
    slots_give_back(&e->all, out); // what somebody still read when the last one was published
    alert_quality quality[TFT_MAX_METRICS];
    pthread_mutex_lock(&e->quality_lock);
    const size_t n_quality = e->n_quality;
    memcpy(quality, e->quality, n_quality * sizeof *quality);
    pthread_mutex_unlock(&e->quality_lock);
    const renewal_job job = {.model = e->has_model ? &e->model : NULL,
                             .settings = &e->settings,
                             .model_generation = e->model_generation,
                             .settings_generation = e->settings_generation,
                             .sequence = e->sequence + 1,
                             .previous = slots_current(&e->all),
                             .seeds = e->seeds,
                             .n_seeds = e->n_seeds,
                             .quality = quality,
                             .n_quality = n_quality,
                             .hooks = e->options.hooks,
                             .wall_ms = e->options.wall_ms};
    renewal_result result = {0};
    const tft_status status = renewal_run(e->work, &job, out, &result, err);
    if (status != TFT_OK)
        return status;
    out->s.sequence = ++e->sequence; // job.sequence
    memcpy(out->s.isa, e->isa, sizeof out->s.isa);
    slot_link_alerts(out);
    if (e->options.hooks.settled != NULL && out->s.sufficient)
        e->options.hooks.settled(e->options.hooks.context, &out->s);
    if (e->options.finished != NULL && out->s.sufficient)
        e->options.finished(e->options.context, &out->s);
    slots_publish(&e->all, out);
    slots_give_back(&e->all, NULL);
    if (out->s.sufficient) { // from now on alerts go on from the snapshot
        free(e->seeds);
        e->seeds = NULL;
        e->n_seeds = 0;
    }
    report(e, &out->s, &result);
    if (e->options.published != NULL)
        e->options.published(e->options.context, &out->s);
    return TFT_OK;
}

tft_status engine_renew(engine *e, tft_error *err)
{
    pthread_mutex_lock(&e->run_lock);
    const tft_status status = renew(e, err);
    pthread_mutex_unlock(&e->run_lock);
    return status;
}

/* ---- the thread ------------------------------------------------------------------------------------------------- */

/* Sleeps on `wake` for at most `seconds`, under wake_lock; false once the time has passed. */
static bool sleep_for(engine *e, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const double at = (double)until.tv_nsec * 1e-9 + seconds;
    until.tv_sec += (time_t)floor(at);
    until.tv_nsec = (long)((at - floor(at)) * 1e9);
    return pthread_cond_timedwait(&e->wake, &e->wake_lock, &until) != ETIMEDOUT;
}

/* Until records came and min_interval has passed since `started_s`, or the wall clock has left step `step`. False at the
 * end. Wakes at least once a minute, because the wall clock may be set. */
static bool wait_for_work(engine *e, double started_s, double min_interval_s, int64_t step)
{
    const int64_t step_ms = fleet_contract(e->f)->step_ms;
    pthread_mutex_lock(&e->wake_lock);
    for (bool work = false; !work && !e->stop;) {
        const int64_t now_ms = e->options.wall_ms();
        const double rest_s = started_s + min_interval_s - tft_monotonic_s();
        const bool step_ended = tft_floor_to(now_ms, step_ms) / step_ms != step;
        if (step_ended || (e->due && rest_s <= 0.0))
            work = true;
        else if (e->due)
            sleep_for(e, rest_s);
        else
            sleep_for(e, fmin((double)(step_ms - (now_ms - step * step_ms)) * 1e-3 + 1e-3, LONGEST_SLEEP_S));
    }
    e->due = false;
    const bool go_on = !e->stop;
    pthread_mutex_unlock(&e->wake_lock);
    return go_on;
}

static double min_interval_of(engine *e)
{
    pthread_mutex_lock(&e->run_lock);
    const double seconds = e->settings.min_interval_s;
    pthread_mutex_unlock(&e->run_lock);
    return seconds > RETRY_S ? seconds : RETRY_S; // never back to back: settings and models must get their turn
}

static void *run_thread(void *context)
{
    engine *e = context;
    const int64_t step_ms = fleet_contract(e->f)->step_ms;
    double complained_s = -HUGE_VAL;
    background_give_way();
    for (;;) {
        const double started_s = tft_monotonic_s();
        const int64_t step = tft_floor_to(e->options.wall_ms(), step_ms) / step_ms;
        tft_error err = {0};
        const tft_status status = engine_renew(e, &err);
        if (status != TFT_OK) {
            say(e, status != TFT_ERR_BUSY && may_repeat(&complained_s) ? ENGINE_WARNING : ENGINE_DEBUG,
                "no new forecast, next try follows: %s", err.text);
            engine_notify(e);
        }
        const double interval = min_interval_of(e);
        // After a renewal that took longer than the interval there is a short breath for whoever waits for run_lock.
        const double from_s = fmax(started_s, tft_monotonic_s() + RETRY_S - interval);
        if (!wait_for_work(e, from_s, interval, step))
            return NULL;
    }
}

tft_status engine_start(engine *e, tft_error *err)
{
    assert(!e->started);
    e->stop = false;
    if (pthread_create(&e->thread, NULL, run_thread, e) != 0)
        return tft_fail(err, TFT_ERR_MEMORY, "the system gave no thread for the engine");
    e->started = true;
    return TFT_OK;
}

void engine_stop(engine *e)
{
    if (!e->started)
        return;
    pthread_mutex_lock(&e->wake_lock);
    e->stop = true;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->wake_lock);
    pthread_join(e->thread, NULL);
    e->started = false;
}

void engine_notify(engine *e)
{
    pthread_mutex_lock(&e->wake_lock);
    e->due = true;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->wake_lock);
}

const forecast_snapshot *engine_acquire(engine *e)
{
    return slots_acquire(&e->all);
}

void engine_release(engine *e, const forecast_snapshot *snapshot)
{
    slots_release(&e->all, snapshot);
}

/* ---- model ------------------------------------------------------------------------------------------------------ */

/* The fleet's steps are laid out by its contract, and requests hand them to the network as they are. */
static tft_status check_fit(const tft_contract *ours, const engine_model *model, tft_error *err)
{
    const tft_contract *theirs = &model->contract;
    const size_t n_targets = tft_contract_targets(ours);
    if (theirs->step_ms != ours->step_ms)
        return tft_fail(err, TFT_ERR_MISMATCH, "model has steps of %" PRId64 " ms, the fleet of %" PRId64 " ms",
                        theirs->step_ms, ours->step_ms);
    if (theirs->horizon != ours->horizon)
        return tft_fail(err, TFT_ERR_MISMATCH, "model has a horizon of %zu steps, the fleet of %zu", theirs->horizon,
                        ours->horizon);
    if (theirs->n_metrics != ours->n_metrics)
        return tft_fail(err, TFT_ERR_MISMATCH, "model has %zu metrics, the fleet %zu", theirs->n_metrics,
                        ours->n_metrics);
    for (size_t m = 0; m < ours->n_metrics; m++)
        if (strcmp(theirs->metrics[m].name, ours->metrics[m].name) != 0)
            return tft_fail(err, TFT_ERR_MISMATCH, "metric %zu is %s in the model, %s in the fleet", m,
                            theirs->metrics[m].name, ours->metrics[m].name);
    if (model->config.n_targets != n_targets)
        return tft_fail(err, TFT_ERR_MISMATCH, "model forecasts %zu metrics, the fleet has %zu to forecast",
                        model->config.n_targets, n_targets);
    for (size_t m = 0; m < n_targets; m++)
        if (strcmp(model->config.targets[m].name, ours->metrics[m].name) != 0 ||
            model->config.targets[m].n_quantiles == 0)
            return tft_fail(err, TFT_ERR_MISMATCH, "target %zu of the model is %s with %u quantiles, expected %s", m,
                            model->config.targets[m].name, (unsigned)model->config.targets[m].n_quantiles,
                            ours->metrics[m].name);
    return TFT_OK;
}

tft_status engine_check_model(const engine *e, const engine_model *model, tft_error *err)
{
    return check_fit(fleet_contract(e->f), model, err);
}

tft_status engine_set_model(engine *e, const engine_model *model, tft_error *err)
{
    engine_model fresh = {0};
    if (model != NULL) {
        fresh = *model;
        const tft_status status = check_fit(fleet_contract(e->f), &fresh, err);
        if (status != TFT_OK) {
            close_model(&fresh);
            return tft_error_prefix(err, "model %s", model->name);
        }
    }
    pthread_mutex_lock(&e->run_lock); // waits for a renewal that uses the old one
    engine_model old = e->has_model ? e->model : (engine_model){0};
    e->model = fresh;
    e->has_model = model != NULL;
    e->model_generation++;
    pthread_mutex_unlock(&e->run_lock);
    close_model(&old);
    pthread_mutex_lock(e->name_lock);
    snprintf(e->model_name, sizeof e->model_name, "%s", fresh.name);
    pthread_mutex_unlock(e->name_lock);
    engine_notify(e);
    return TFT_OK;
}

bool engine_model_name(const engine *e, char *name, size_t capacity)
{
    pthread_mutex_lock(e->name_lock);
    const bool has = e->model_name[0] != '\0';
    snprintf(name, capacity, "%s", has ? e->model_name : "none");
    pthread_mutex_unlock(e->name_lock);
    return has;
}

/* ---- settings, alerts, totals ----------------------------------------------------------------------------------- */

void engine_configure(engine *e, const engine_settings *settings)
{
    pthread_mutex_lock(&e->run_lock);
    e->settings = *settings;
    e->settings_generation++;
    pthread_mutex_unlock(&e->run_lock);
    engine_notify(e);
}

static int compare_keys(const void *left, const void *right)
{
    return alert_compare_keys(left, right);
}

/* An alert of an earlier life as it was; false where its server or metric is not there any more. */
static bool revive(const engine *e, const alert_saved *saved, alert *a)
{
    const tft_contract *const contract = fleet_contract(e->f);
    const bool of_fleet = saved->kind == ALERT_DRIFT || saved->kind == ALERT_QUALITY;
    const bool of_metric = saved->kind != ALERT_INCIDENT && saved->kind != ALERT_SILENT;
    *a = (alert){.server = of_fleet ? ALERT_FLEET : fleet_find(e->f, saved->server, saved->server_length),
                 .kind = saved->kind,
                 .metric = ALERT_METRICS,
                 .severity = saved->severity,
                 .status = saved->status,
                 .starts_ms = saved->starts_ms,
                 .since_ms = saved->since_ms,
                 .ends_ms = ALERT_NEVER,
                 .below_since_ms = saved->below_since_ms,
                 .current = (double)NAN,
                 .probability = (double)NAN,
                 .crossing_probability = (double)NAN,
                 .expected_at_ms = ALERT_NEVER,
                 .crossing = {ALERT_NEVER, ALERT_NEVER, ALERT_NEVER}};
    if ((!of_fleet && a->server == FLEET_NO_SERVER) || saved->kind >= ALERT_N_KINDS ||
        (saved->severity != ALERT_WARNING && saved->severity != ALERT_CRITICAL) || saved->status > ALERT_FIRING)
        return false;
    if (of_metric) {
        const int metric = tft_contract_find(contract, saved->metric, strlen(saved->metric));
        if (metric < 0)
            return false;
        a->metric = (size_t)metric;
    }
    // The id is that of the first life: same key, same start.
    alert_make_id(saved->server, saved->server_length, saved->kind, of_metric ? saved->metric : "", saved->severity,
                  saved->starts_ms, a->id);
    return true;
}

tft_status engine_restore_alerts(engine *e, const alert_saved *saved, size_t n, tft_error *err)
{
    alert *seeds = n > 0 ? calloc(n, sizeof *seeds) : NULL;
    if (n > 0 && seeds == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu alerts", n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        kept += revive(e, &saved[i], &seeds[kept]);
    if (kept > 1)
        qsort(seeds, kept, sizeof *seeds, compare_keys);
    pthread_mutex_lock(&e->run_lock);
    free(e->seeds);
    e->seeds = seeds;
    e->n_seeds = kept;
    pthread_mutex_unlock(&e->run_lock);
    return TFT_OK;
}

void engine_set_quality(engine *e, const alert_quality *quality, size_t n)
{
    assert(n <= TFT_MAX_METRICS);
    pthread_mutex_lock(&e->quality_lock);
    memcpy(e->quality, quality, n * sizeof *quality);
    e->n_quality = n;
    pthread_mutex_unlock(&e->quality_lock);
    engine_notify(e);
}

engine_totals engine_count(const engine *e)
{
    engine_totals totals = {.forecasts = atomic_load(&e->n_forecasts),
                            .tft_server_forecasts = atomic_load(&e->n_tft),
                            .heuristic_server_forecasts = atomic_load(&e->n_heuristic),
                            .failures = atomic_load(&e->n_failures)};
    for (size_t kind = 0; kind < ALERT_N_KINDS; kind++)
        for (size_t severity = 0; severity < ALERT_N_SEVERITIES; severity++)
            totals.alerts_fired[kind][severity] = atomic_load(&e->n_fired[kind][severity]);
    totals.alerts_fired_warning = totals.alerts_fired[ALERT_THRESHOLD][ALERT_WARNING];
    totals.alerts_fired_critical = totals.alerts_fired[ALERT_THRESHOLD][ALERT_CRITICAL];
    return totals;
}

size_t engine_bytes(const engine *e)
{
    return atomic_load(&e->bytes);
}
