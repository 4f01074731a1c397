/* engine.h - the background thread that turns the fleet into the newest forecast.
 *
 * It renews when told that records came (engine_notify; at most every min_interval) and at each step's end. A renewal
 *   1. copies the servers' series out of the fleet, a chunk at a time, under its read lock (microseconds a server);
 *   2. runs the network on servers with warmup_records or more, the fallback on the others, and on those for which
 *      the network fails or has too little history; a server unchanged since the last snapshot of the same origin and
 *      model is taken over from it;
 *   3. computes incident probabilities, risk, alerts and the environment;
 *   4. publishes the snapshot by swapping one atomic pointer.
 * Requests never wait for it: they read the snapshot that is there (engine_acquire).
 *
 * Publishing without locks: the engine has ENGINE_SLOTS snapshots for its whole life. A reader adds itself to the count
 * of the current one and then looks whether it is still the current one (else it steps back and tries again); the engine
 * fills a slot again only when it is not the current one and its count is 0. A slow reader costs a slot, never a wait.
 *
 * Memory:  slots grow to the number of servers (n_targets · 7 · horizon floats each) and stay; nothing grows per tick.
 * Threads: engine_renew() and the settings functions exclude each other by `run_lock`; the rest is free.
 */
#ifndef TFTD_FORECAST_ENGINE_H
#define TFTD_FORECAST_ENGINE_H

#include "forecast/alert_round.h"
#include "forecast/fallback.h"
#include "forecast/snapshot.h"
#include "tft/forecaster.h"
#include "train/alert_record.h"

typedef struct engine engine;

#define ENGINE_SLOTS 4

typedef enum engine_log_level { ENGINE_DEBUG, ENGINE_OK, ENGINE_INFO, ENGINE_WARNING } engine_log_level;

/* Changed by a reload (engine_configure). */
typedef struct engine_settings {
    risk_settings risk;
    alert_settings alerts;
    fallback_settings fallback;
    double min_interval_s; // forecast.min_interval, 1 s
    size_t window_steps;   // forecast.window_steps: steps that the network reads, at most; 0 = the model's context
} engine_settings;

typedef struct engine_options {
    fleet *f;        // lent; outlives the engine
    const char *isa; // for metadata.device ("avx2"); copied; NULL = none
    engine_settings settings;
    int64_t (*wall_ms)(void); // NULL = tft_wall_ms; tests give their own
    /* A line for the log, without its tag: "TFT predictions generated for 20 servers". Called on the engine's thread;
     * repeated lines come at most once a minute. May be NULL. */
    void (*log)(void *context, engine_log_level level, const char *text);
    /* A snapshot has become the current one; it is lent for the call. On the engine's thread, which must not call
     * engine_renew, engine_configure, engine_set_… from there. May be NULL. */
    void (*published)(void *context, const forecast_snapshot *snapshot);
    /* The same just before, when the snapshot is whole and nobody else sees it yet: what is to be there with it is made here, and
     * delays it. Only sufficient ones. May be NULL. */
    void (*finished)(void *context, const forecast_snapshot *snapshot);
    void *context;     // of the three
    alert_hooks hooks; // with a context of their own
} engine_options;

void engine_options_default(fleet *f, engine_options *options);

/* Makes an engine without model and thread; the first snapshot (sequence 0, insufficient) is there at once. */
tft_status engine_open(const engine_options *options, engine **out, tft_error *err);
/* Starts the background thread; it renews at once. */
tft_status engine_start(engine *e, tft_error *err);
/* Stops the thread (a running renewal ends first); the current snapshot stays readable. */
void engine_stop(engine *e);
void engine_close(engine *e); // accepts NULL; stops first; no reader may hold a snapshot any more

/* Records came: renew soon. Never blocks for the renewal. */
void engine_notify(engine *e);

/* Renews now, on the calling thread (start-up, tests). TFT_ERR_BUSY where readers hold all other slots. */
tft_status engine_renew(engine *e, tft_error *err);

/* The newest snapshot; never NULL. Release it soon. No lock. */
const forecast_snapshot *engine_acquire(engine *e);
void engine_release(engine *e, const forecast_snapshot *snapshot);

/* ---- model ------------------------------------------------------------------------------------------------------ */

/* A network at work, as the engine sees it. engine_set_forecaster() makes one of a tft_forecaster; tests make their own. */
typedef struct engine_model {
    void *context;
    tft_status (*run)(void *context, const tft_request *requests, size_t n, size_t steps, const tft_forecast *out,
                      tft_error *err);
    void (*close)(void *context); // when the engine has no use for it any more; may be NULL
    tft_contract contract;        // must fit the fleet's: metrics by name and order, step length, horizon
    tft_config config;            // targets and their quantile levels; hazard
    tft_fleet_link fleet;         // how its servers fail together; zeroed: each by itself
    tft_alert_record alerts;      // what alerts on its probabilities were worth; zeroed: not measured
    tft_precision precision;      // what its network multiplies in
    char name[128], directory[512];
} engine_model;

/* Serves with this model from the next renewal on; the one before is closed when no run uses it. The engine owns it
 * from here on, also on error (it is closed then). NULL = none (heuristics only).
 * Returns  TFT_ERR_MISMATCH where its contract does not fit the fleet's. */
tft_status engine_set_model(engine *e, const engine_model *model, tft_error *err);
/* The same question alone: would it fit? The model stays the caller's. */
tft_status engine_check_model(const engine *e, const engine_model *model, tft_error *err);
/* A forecaster (given, not lent) as such a model. */
engine_model engine_model_of(tft_forecaster *forecaster);
/* Opens a model directory as such a model, with threads that give way to requests (background.h). Where the machine cannot have the
 * precision that is asked for, model->precision says float32. */
tft_status engine_open_model(const char *directory, size_t n_threads, tft_precision precision, engine_model *model,
                             tft_error *err);
/* The same for a forecaster: given, not lent. NULL = none. */
tft_status engine_set_forecaster(engine *e, tft_forecaster *forecaster, tft_error *err);

/* Whether a model is set, and its name ("none" without); for /status. No waiting for a renewal. */
bool engine_model_name(const engine *e, char *name, size_t capacity);

/* ---- settings and alerts ---------------------------------------------------------------------------------------- */

void engine_configure(engine *e, const engine_settings *settings);

/* Gives back alerts of an earlier life (after the fleet is loaded, before the first renewal): since and ids go on. Alerts
 * of unknown servers or metrics are left out. */
tft_status engine_restore_alerts(engine *e, const alert_saved *saved, size_t n, tft_error *err);

/* How good forecasts of each metric have been, from whoever scores them: for the alerts of kind drift and quality. Copied;
 * n ≤ TFT_MAX_METRICS, one per metric, in the contract's order. Never waits for a renewal. */
void engine_set_quality(engine *e, const alert_quality *quality, size_t n);

/* Totals for /metrics, each an atomic. */
typedef struct engine_totals {
    uint64_t forecasts, tft_server_forecasts, heuristic_server_forecasts, failures, alerts_fired_warning,
        alerts_fired_critical; // of kind threshold
    uint64_t alerts_fired[ALERT_N_KINDS][ALERT_N_SEVERITIES];
} engine_totals;
engine_totals engine_count(const engine *e);

/* Bytes that the engine holds now (slots and scratch); and at most for n servers. */
size_t engine_bytes(const engine *e);

#endif
