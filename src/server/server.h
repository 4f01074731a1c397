/* server.h - the daemon: what its parts are, in which order they start and stop, and what every route may reach.
 *
 *     start   model directory → contract → store → fleet (loaded from the store) → engine → keeper → listeners → housekeeping
 *     stop    drain the listeners → housekeeping → keeper → engine → store
 *
 *     bytes ──http.c──▶ route_feed.c ──▶ accept.c: store_append ─▶ fleet_apply ─▶ engine_notify ─▶ reply
 *                                                     engine's thread: forecast ─▶ snapshot
 *     GET ────http.c──▶ route_predictions.c ──▶ pages.c: the body, rendered once per snapshot
 *
 * Housekeeping is one thread: it seals and prunes, watches the model directory, and keeps alerts on disk.
 *
 * Memory:  bounded by servers.max, forecast.memory_steps and http.*; see limits in docs/OPERATIONS.md.
 * Threads: server_open, _stop and _close belong to one thread; routes run on the listeners' threads.
 */
#ifndef TFTD_SERVER_SERVER_H
#define TFTD_SERVER_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "forecast/engine.h"
#include "notify/notify.h"
#include "series/record.h"
#include "server/alert_worth.h"
#include "server/audit.h"
#include "server/auth.h"
#include "server/events.h"
#include "server/http.h"
#include "server/labels.h"
#include "server/live.h"
#include "server/log.h"
#include "server/meters.h"
#include "server/model_facts.h"
#include "server/news.h"
#include "server/pages.h"
#include "server/shadow.h"
#include "server/tls.h"
#include "store/store.h"
#include "track/track.h"

#define SERVER_MAX_LISTEN 9
#define SERVER_MAX_PREFIXES 128
#define SERVER_BODIES 16 // so many bodies of full size may be in memory at once

/* Opens a model directory for the engine, which will own it (server_load_model() of model_loader.h; tests bring theirs). */
typedef tft_status server_model_opener(const char *directory, size_t n_threads, tft_precision precision,
                                       engine_model *model, tft_error *err);

struct server;

/* Everything that configuration says about the daemon; lent strings live as long as the server. */
typedef struct server_options {
    const char *listen[SERVER_MAX_LISTEN];
    size_t n_listen;
    const int *inherited; // [n_inherited] listening sockets of the service manager: http.h
    size_t n_inherited;
    size_t n_optional_listen;  // of these, at the end: dashboard.listen, which may be taken
    const char *generator_url; // dashboard.generator_url; NULL or "" = none
    size_t max_body, max_records;
    unsigned max_connections, max_connections_per_ip, idle_timeout_s, http_threads;
    int64_t header_timeout_ms, body_timeout_ms; // http.header_timeout, http.body_timeout
    bool compress;
    const char *cors_origins[HTTP_MAX_ORIGINS]; // http.cors_origins
    size_t n_cors_origins;
    const char *tls_cert, *tls_key, *tls_client_ca; // tls.*; NULL or "" = no TLS, no client certificates
    bool tls_only_13;
    size_t memory_limit;    // limits.memory; 0 = any
    const char *audit_file; // audit.file; NULL or "" = none
    const char *keys_file;  // NULL: no authentication at all (tests)
    auth_mode auth;
    bool protect_status, allow_unauthenticated;
    unsigned read_per_minute, write_per_minute;
    const char *allowed_hosts[HTTP_MAX_ORIGINS]; // http.allowed_hosts
    size_t n_allowed_hosts;
    store_options store;
    int64_t retention_alerts_ms;                        // store.retention.alerts
    int64_t retention_forecasts_ms, forecasts_every_ms; // store.retention.forecasts, store.forecasts_every
    const notify_config *notify;                        // alerts.receivers, alerts.routes; NULL = nobody is told
    int64_t max_future_ms, max_past_ms;
    double limit_disk_mb_s, limit_latency_ms; // ingest.limits: ranges of these two metrics
    size_t max_servers;
    int64_t stale_after_ms, forget_after_ms; // forget_after_ms 0 = never
    size_t offline_after_steps;
    const char *models_dir;
    const char *model_name;          // "latest" or a directory's name inside models_dir
    const char *model_path;          // one model directory; then nothing is watched; NULL = none
    server_model_opener *open_model; // NULL = heuristics only
    bool watch_models;
    size_t model_threads;
    tft_precision model_precision; // model.precision, where the machine can have it
    double min_interval_s;
    bool metrics_per_server;                                        // metrics.per_server
    size_t warmup_records, min_records, memory_steps, window_steps; // window_steps 0 = the model's own context
    fleet_clock_mode clock;
    size_t n_prefixes;
    tft_profile_prefix prefixes[SERVER_MAX_PREFIXES]; // profiles.prefixes, beside the built-in ones
    /* Levels by metric name: applied to the contract's metrics once it is known. Called with context; may be NULL. */
    void (*levels)(const void *context, const tft_contract *contract, state_rules *states, engine_settings *engine);
    const void *levels_context;
    /* What SIGHUP does, for POST /-/reload; NULL = cannot. Called by any HTTP thread; guards itself. */
    tft_status (*reload)(void *context, struct server *srv, tft_error *err);
    void *reload_context;
    /* The settings in force and their schema, as JSON, for GET /config; any HTTP thread. NULL = there are none. */
    void (*put_config)(void *context, tft_text *out);
    void (*put_config_schema)(tft_text *out);
    void *config_context;
    const char *version;
    const char *isa; // "avx2": what the network's kernels use, for metadata.device
} server_options;

typedef enum server_phase { SERVER_STARTING, SERVER_SERVING, SERVER_DRAINING } server_phase;

typedef struct server {
    server_options options;
    log_sink *log;
    live *live;            // what a reload changes while requests run; options are those of the start
    tft_contract contract; // the model's; records are checked by that of `live`, which has ingest.limits
    store *store;
    events *events; // what GET /events sends
    pthread_rwlock_t
        forget_lock; // held for writing while a server is forgotten, sleeps or wakes, for reading by whoever adds records
    server_labels labels;
    model_facts facts;
    meters meters;
    struct explainer *explainer;   // GET /explain
    struct quality_cache *quality; // GET /quality (route_quality.c)
    pthread_mutex_t document_lock; // guards the making of the next
    tft_text document;             // openapi.json, made when it is first asked for
    news news;                     // the engine's thread: what events have told
    atomic_size_t sse_clients;
    atomic_size_t n_exports; // under way (route_export.c)
    fleet *fleet;
    engine *engine;
    notify *notify;
    alert_worth worth; // of the alerts that are shown and sent
    http_server *http;
    audit *audit;                        // NULL where options.audit_file is not set
    tls *tls;                            // NULL where options.tls_cert is not set
    auth *auth;                          // NULL where options.keys_file is
    atomic_size_t window_steps;          // forecast.window_steps
    _Atomic int64_t incident_horizon_ms; // risk.incident_horizon
    _Atomic int64_t retention_alerts_ms; // store.retention.alerts
    int64_t started_ms;
    double started_s;
    _Atomic double warm_s; // tft_monotonic_s() when housekeeping last saw the fleet warm; started_s before that
    _Atomic int phase;
    pages pages;
    log_gate rejects_gate, store_gate;

    track *track; // what was said, and how good it was
    pthread_t keeper;
    bool has_keeper;
    pthread_mutex_t keeper_lock; // guards the next
    pthread_cond_t keeper_wake;
    bool keeper_ends;

    struct watchdog *watchdog; // NULL where nobody wants to hear

    pthread_t housekeeper;
    bool has_housekeeper;
    pthread_mutex_t housekeeping_lock; // guards the next three
    pthread_cond_t housekeeping_wake;
    bool housekeeping_ends, models_asked; // models_asked: look for a new model now
    pthread_mutex_t model_lock;           // guards the next five, and that one model is taken at a time
    char model[128];                      // the served model's name, "" = none
    char pinned[128];                     // the one that serves until somebody says otherwise, "" = the newest
    char model_before[128];               // the one that served before it, "" = none
    char model_next[128];                 // promoted by force: serves from the next start on, "" = none
    char broken_model[128];               // the last one that was named as broken
    shadow shadow;                        // a model that runs beside the served one
    struct model_list *model_list;        // what GET /models says (route_models.c)
} server;

/* Which models there are, newest first. */
size_t server_list_models(const server *srv, char (*names)[32], size_t capacity);
/* The directory of one of them. TFT_ERR_NOT_FOUND: no name of a model, or there is none. */
tft_status server_model_path(const server *srv, const char *name, char *path, size_t capacity, tft_error *err);
bool server_models_fixed(const server *srv); // --model, --no-model: nothing is looked for
/* Who serves, served before, is pinned, waits for the next start, runs beside it; "" = nobody. */
typedef struct model_roles {
    char served[128], before[128], pinned[128], next[128], shadow[128];
} model_roles;
void server_model_roles(server *srv, model_roles *roles);
/* Serves another model from the next forecast on, and stays with it over restarts; "latest" follows the newest again. Requests go
 * on with the forecast that is there. TFT_ERR_NOT_FOUND; TFT_ERR_MISMATCH: its metrics are not those of the fleet; TFT_ERR_FORMAT: it is
 * damaged; TFT_ERR_STATE: the model was fixed at the start. With `force` one whose metrics are others is pinned and serves from the
 * next start on: TFT_OK, and it is model_roles.next. */
tft_status server_promote(server *srv, const char *name, bool force, tft_error *err);
/* The same with the model that served before this one. TFT_ERR_STATE where there is none. */
tft_status server_rollback(server *srv, tft_error *err);

struct model_list *model_list_open(void); // NULL: no memory
void model_list_close(struct model_list *list);
struct quality_cache *quality_cache_open(void); // NULL: no memory
void quality_cache_close(struct quality_cache *cache);

/* Where starting failed, for the exit code. */
typedef enum server_stage {
    SERVER_STAGE_MODEL,
    SERVER_STAGE_STORE,
    SERVER_STAGE_ENGINE,
    SERVER_STAGE_LISTEN
} server_stage;

/* Starts everything, writing the lines of CONTRACT 1.9; the port is open when it returns. `log` is lent. */
tft_status server_open(const server_options *options, log_sink *log, server **out, server_stage *stage, tft_error *err);
/* From here on the service manager hears WATCHDOG=1 (watchdog.h); every_ms 0: it does not want to. After READY=1. */
tft_status server_start_watchdog(server *srv, int64_t every_ms, tft_error *err);
/* Drains for at most drain_ms, then stops; what was accepted is on disk anyway. */
void server_stop(server *srv, int64_t drain_ms);
void server_close(server *srv); // accepts NULL; stops first
/* Takes over what may change while it runs (docs/CONFIGURATION.md, ↻): everything that can fail is tried first, and where it does
 * nothing has changed, but that receivers are those of before or none. `fresh` is lent for the call. One thread at a time. */
tft_status server_reload(server *srv, const server_options *fresh, tft_error *err);
/* Reads the certificates again; the old ones stay where it fails, and the log says which. Without TLS: nothing. */
tft_status server_reload_tls(server *srv, tft_error *err);
/* Other files for the next server_reload_tls(); whether TLS is spoken at all stays as it was at the start (the log says so). */
tft_status server_point_tls(server *srv, const server_options *fresh, tft_error *err);
/* Look for a newer model now (SIGHUP). */
void server_rescan_models(server *srv);
const char *server_url(const server *srv);

/* NULL while the daemon can do its work, else the word for /health ("starting", "draining", "unhealthy"); *reason may
 * become a text. Takes no lock. */
const char *server_unwell(const server *srv, const char **reason);

/* models.c: the newest complete and valid model; what is broken is named and skipped. */
tft_status server_find_model(server *srv, engine_model *model, bool *found, tft_error *err);
void server_watch_models(server *srv); // serves a newer one, if there is one

/* reload.c, models.c: another model by other settings, in two halves. Under model_lock. */
typedef struct model_change {
    bool found, none; // none: there is nothing that could serve, so what serves goes on
    engine_model model;
    char name[32], pinned[128];
} model_change;
tft_status server_prepare_model(server *srv, const live_settings *next, model_change *change, tft_error *err);
void server_take_model(server *srv, model_change *change);
void server_drop_model(server *srv, model_change *change); // it was not to be

/* server.c, for reload.c */
const notify_config *server_receivers(const server_options *o);
/* What of the settings the engine works with; levels of derived states go to `states`. */
engine_settings server_engine_settings(server *srv, const server_options *o, state_rules *states);
/* Whoever can reach the port from outside shows a key, unless that is explicitly not wanted: else TFT_ERR_ARGUMENT. */
tft_status server_check_access(const server *srv, const auth_policy *policy, const char *keys_file, tft_error *err);

/* housekeeping.c */
void *server_housekeeping(void *context);

/* routes.c: the families of routes, each a block of rows in the file that knows it (routes.h) */
extern const http_route *const server_families[];
extern const size_t server_n_families;
http_handler route_feed, route_predictions, route_alerts, route_status, route_health, route_root;

#endif
