/* server.c - see server.h: starting and stopping, in order, with the lines of CONTRACT 1.9. */
#include "server/server.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "series/record.h"
#include "server/alert_json.h"
#include "server/explain.h"
#include "server/keeper.h"
#include "server/memory_bound.h"
#include "server/notify.h"
#include "server/sleep.h"
#include "server/watchdog.h"
#include "store/capacity.h"

/* ---- names --------------------------------------------------------------------------------------------- */

static tft_profile profile_by_name(void *context, const char *name, size_t n)
{
    const server *const srv = context;
    const live_settings *const now = live_hold(srv->live);
    const tft_profile profile = tft_profile_of_name(name, n, now->prefixes, now->n_prefixes);
    live_drop(now);
    return profile;
}

/* ---- loading ------------------------------------------------------------------------------------------- */

static tft_status load_server(void *context, const store_server *saved, tft_error *err)
{
    server *const srv = context;
    const fleet_saved_server to = {.name = saved->name,
                                   .name_length = saved->name_len,
                                   .profile = saved->profile,
                                   .records = (uint64_t)saved->records,
                                   .first_seen_ms = saved->first_ms,
                                   .last_seen_ms = saved->newest_ms,
                                   .state = saved->state};
    size_t id;
    const tft_status status = fleet_load_server(srv->fleet, &to, &id, err);
    // the store gives servers by index and the fleet counts up: its ids are the store's indices
    if (status == TFT_OK && id != saved->index)
        return tft_fail(err, TFT_ERR_STATE, "server %u got id %zu in memory", saved->index, id);
    if (status == TFT_OK && store_is_gap(saved->name, saved->name_len))
        fleet_forget(srv->fleet, id, 0);
    return status;
}

static tft_status load_step(void *context, uint32_t index, int64_t step, const float *means,
                            const uint16_t *value_counts, uint16_t count, tft_state state, tft_error *err)
{
    const server *const srv = context;
    return fleet_load_step(srv->fleet, index, step, means, value_counts, count, state, err);
}

static tft_status load_block(void *context, uint32_t index, int64_t block, const unsigned char *packed, size_t n,
                             const tft_step_block *steps, tft_error *err)
{
    const server *const srv = context;
    return fleet_load_block(srv->fleet, index, block, packed, n, steps, err);
}

static bool keeps_steps(void *context, uint32_t index)
{
    const server *const srv = context;
    fleet_read_lock(srv->fleet);
    const bool keeps = !fleet_at(srv->fleet, index)->forgotten; // nor asleep
    fleet_read_unlock(srv->fleet);
    return keeps;
}

static tft_status load_record(void *context, uint32_t index, int64_t time_ms, const double *values, tft_state state,
                              tft_error *err)
{
    (void)err;
    const server *const srv = context;
    fleet_load_recent(srv->fleet, index, time_ms, values, state);
    return TFT_OK;
}

/* A server that was decommissioned by hand says so in its row, and not in its newest record. */
static tft_status load_maintenance(void *context, const store_server *saved, tft_error *err)
{
    server *const srv = context;
    (void)err;
    if (saved->state == TFT_STATE_MAINTENANCE)
        fleet_change(srv->fleet, saved->index, -1, saved->state);
    return TFT_OK;
}

static void load_labels(void *context, uint32_t index, const char *text)
{
    server *const srv = context;
    labels_set(&srv->labels, index, text);
}

/* Of the servers that are stored, those that were silent for too long sleep, before any step is read; the others must fit. */
static tft_status find_places(server *srv, tft_error *err)
{
    const server_options *const o = &srv->options;
    sleep_silent(srv);
    const size_t n = fleet_count(srv->fleet, tft_wall_ms()).servers_tracked;
    if (n > o->max_servers)
        return tft_fail(err, TFT_ERR_LIMIT,
                        "%zu servers are stored that are not asleep, and servers.max is %zu: raise it, or lower "
                        "servers.forget_after",
                        n, o->max_servers);
    store_set_max_servers(srv->store, fleet_most_ids(srv->fleet));
    return TFT_OK;
}

static tft_status load_state(server *srv, tft_error *err)
{
    const store_counters c = store_counters_now(srv->store);
    const fleet_saved_totals totals = {.tick = (uint64_t)c.ticks,
                                       .records_total = (uint64_t)c.records_total,
                                       .duplicates_total = (uint64_t)c.duplicates_total,
                                       .conflicts_total = (uint64_t)c.conflicts_total,
                                       .late_total = (uint64_t)c.late_total,
                                       .rejected_total = (uint64_t)c.rejected_total,
                                       .filled_total = (uint64_t)c.filled_total,
                                       .held = (size_t)c.window_size};
    const store_visitor names = {srv, load_server, NULL, NULL}, visitor = {srv, NULL, load_step, load_record};
    tft_status status = store_load(srv->store, INT64_MIN, &names, err);
    if (status == TFT_OK)
        status = find_places(srv, err);
    const store_reach reach = {.memory_steps = fleet_settings(srv->fleet)->memory_steps, // never changes
                               .n_recent = FLEET_RECENT,
                               .keeps = keeps_steps,
                               .block = load_block};
    if (status == TFT_OK)
        status = store_load_newest(srv->store, &reach, &visitor, err);
    if (status != TFT_OK)
        return status;
    fleet_load_totals(srv->fleet, &totals);
    const store_visitor again = {srv, load_maintenance, NULL, NULL};
    status = store_load(srv->store, INT64_MIN, &again, err);
    if (status == TFT_OK)
        status = store_each_labels(srv->store, load_labels, srv, err);
    if (status != TFT_OK)
        return status;
    if (c.records_total == 0) {
        log_line(srv->log, LOG_TAG_INFO, "No persisted state found - starting fresh");
        return TFT_OK;
    }
    const fleet_counters counts = fleet_count(srv->fleet, tft_wall_ms());
    log_line(srv->log, LOG_TAG_OK, "Loaded %lld records from disk", (long long)c.window_size);
    log_line(srv->log, LOG_TAG_OK, "Warmup status: %zu/%zu servers ready", counts.servers_ready,
             counts.servers_tracked);
    if (counts.warmup_complete)
        log_line(srv->log, LOG_TAG_SUCCESS, "Model is WARMED UP - ready for predictions immediately!");
    return TFT_OK;
}

/* ---- engine -------------------------------------------------------------------------------------------- */

static void engine_says(void *context, engine_log_level level, const char *text)
{
    const server *const srv = context;
    static const log_tag tags[] = {[ENGINE_DEBUG] = LOG_TAG_DEBUG,
                                   [ENGINE_OK] = LOG_TAG_OK,
                                   [ENGINE_INFO] = LOG_TAG_INFO,
                                   [ENGINE_WARNING] = LOG_TAG_WARNING};
    log_line(srv->log, tags[level], "%s", text);
}

static void alerts_say(void *context, notify_level level, const char *text)
{
    const server *const srv = context;
    static const log_tag tags[] = {
        [NOTIFY_DEBUG] = LOG_TAG_DEBUG, [NOTIFY_INFO] = LOG_TAG_INFO, [NOTIFY_WARNING] = LOG_TAG_WARNING};
    log_line(srv->log, tags[level], "%s", text);
}

/* News for GET /events: enough to know which alert it is and what it is now. */
static void alert_changed(void *context, const store_alert *row)
{
    const server *const srv = context;
    tft_text json = tft_text_new(EVENTS_MAX_BYTES);
    alert_json_brief(row, &json);
    if (!json.failed)
        events_publish(srv->events, EVENT_ALERT, row->server[0] != '\0' ? row->server : NULL, json.bytes);
    tft_text_free(&json);
}

const notify_config *server_receivers(const server_options *o)
{
    static const notify_config nobody;
    return o->notify != NULL ? o->notify : &nobody;
}

static tft_status open_alerts(server *srv, tft_error *err)
{
    const notify_options how = {.keep = srv->store,
                                .config = server_receivers(&srv->options),
                                .log = alerts_say,
                                .changed = alert_changed,
                                .context = srv,
                                .expecter = {alert_worth_of, &srv->worth}};
    return notify_open(&how, &srv->notify, err);
}

/* On the engine's thread, after each forecast: must not wait for anything. */
static void published(void *context, const forecast_snapshot *snapshot)
{
    server *const srv = context;
    meters_forecast(&srv->meters, snapshot->duration_s, snapshot->n_servers, snapshot->wall_ms);
    news_tell(&srv->news, srv->events, snapshot);
    track_environment(srv->track, snapshot);
    pages_notify(&srv->pages);
}

/* On the engine's thread, before a forecast is shown: its page is shown with it, so that no request waits for one. */
static void finished(void *context, const forecast_snapshot *snapshot)
{
    server *const srv = context;
    pages_prepare(&srv->pages, snapshot);
}

engine_settings server_engine_settings(server *srv, const server_options *o, state_rules *states)
{
    engine_settings settings = {.alerts = alert_settings_default(), .fallback = fallback_settings_default()};
    risk_settings_default(&srv->contract, &settings.risk);
    state_rules_default(&srv->contract, states);
    settings.min_interval_s = o->min_interval_s;
    settings.window_steps = o->window_steps;
    if (o->levels != NULL)
        o->levels(o->levels_context, &srv->contract, states, &settings);
    srv->window_steps = o->window_steps;
    srv->incident_horizon_ms = settings.risk.incident_horizon_ms;
    alert_worth_horizon(&srv->worth, settings.alerts.incident_horizon_ms);
    return settings;
}

static tft_status open_fleet(server *srv, tft_error *err)
{
    const server_options *const o = &srv->options;
    fleet_options fleet_how;
    fleet_options_default(&srv->contract, &fleet_how);
    fleet_how.max_servers = o->max_servers;
    fleet_how.memory_steps = o->memory_steps;
    fleet_how.warmup_records = o->warmup_records;
    fleet_how.min_records = o->min_records;
    fleet_how.stale_after_ms = o->stale_after_ms;
    fleet_how.offline_after_steps = o->offline_after_steps;
    fleet_how.clock = o->clock;
    fleet_how.profile_of_name = profile_by_name;
    fleet_how.profile_context = srv;
    const engine_settings settings = server_engine_settings(srv, o, &fleet_how.states);
    const tft_status status = fleet_open(&fleet_how, &srv->fleet, err);
    if (status != TFT_OK)
        return status;
    const engine_options engine_how = {.f = srv->fleet,
                                       .settings = settings,
                                       .wall_ms = tft_wall_ms,
                                       .log = engine_says,
                                       .published = published,
                                       .finished = finished,
                                       .isa = o->isa,
                                       .hooks = notify_hooks(srv->notify),
                                       .context = srv};
    return engine_open(&engine_how, &srv->engine, err);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void observe(void *context, const http_outcome *outcome)
{
    server *const srv = context;
    meters_http(&srv->meters, outcome);
    audit_request(srv->audit, outcome);
}

/* On a thread that answers requests. */
static void alive(void *context)
{
    (void)context;
    notify_manager("WATCHDOG=1");
}

static bool admit(void *context, http_request *request, http_reply *reply)
{
    const server *const srv = context;
    const live_settings *const now = live_hold(srv->live);
    const bool admitted = auth_admit(srv->auth, &now->access, request, reply);
    live_drop(now);
    return admitted;
}

static http_origin origin_of(void *context, const char *origin)
{
    const server *const srv = context;
    const live_settings *const now = live_hold(srv->live);
    const http_origin answer = now->access.n_cors_origins == 0                             ? HTTP_NO_ORIGINS
                               : origin != NULL && auth_knows_origin(&now->access, origin) ? HTTP_KNOWN_ORIGIN
                                                                                           : HTTP_UNKNOWN_ORIGIN;
    live_drop(now);
    return answer;
}

tft_status server_check_access(const server *srv, const auth_policy *policy, const char *keys_file, tft_error *err)
{
    if (!policy->any_foreign || auth_is_on(srv->auth, policy) || policy->allow_unauthenticated)
        return TFT_OK;
    return tft_fail(err, TFT_ERR_ARGUMENT,
                    "http.listen: an address can be reached from outside, and %s: make a key with `tftd keys add`, or "
                    "permit it with --allow-unauthenticated",
                    policy->mode == AUTH_OFF ? "auth.enabled is false" : keys_file);
}

static tft_status open_auth(server *srv, tft_error *err)
{
    if (srv->options.keys_file == NULL)
        return TFT_OK;
    tft_status status = auth_open(srv->options.keys_file, srv->log, &srv->auth, err);
    if (status != TFT_OK)
        return status;
    const live_settings *const now = live_hold(srv->live);
    status = server_check_access(srv, &now->access, now->keys_file, err);
    if (status == TFT_OK && auth_is_on(srv->auth, &now->access))
        log_line(srv->log, LOG_TAG_INFO, "API keys are asked for: %s", now->keys_file);
    live_drop(now);
    return status;
}

static void wake_streams(void *context)
{
    const server *const srv = context;
    http_wake_streams(srv->http);
}

/* What of TLS the options ask for; *wanted: whether they do at all. */
static tft_status tls_wish(const server_options *o, tls_options *how, bool *wanted, tft_error *err)
{
    const bool has_cert = o->tls_cert != NULL && o->tls_cert[0] != '\0',
               has_key = o->tls_key != NULL && o->tls_key[0] != '\0';
    const bool has_clients = o->tls_client_ca != NULL && o->tls_client_ca[0] != '\0';
    if (has_cert != has_key || (has_clients && !has_cert))
        return tft_fail(err, TFT_ERR_ARGUMENT, "tls.cert and tls.key go together, and tls.client_ca needs both");
    *how = (tls_options){o->tls_cert, o->tls_key, o->tls_client_ca, o->tls_only_13};
    *wanted = has_cert;
    return TFT_OK;
}

static tft_status open_tls(server *srv, tft_error *err)
{
    tls_options how;
    bool wanted = false;
    const tft_status status = tls_wish(&srv->options, &how, &wanted, err);
    return status == TFT_OK && wanted ? tls_open(&how, &srv->tls, err) : status;
}

tft_status server_point_tls(server *srv, const server_options *fresh, tft_error *err)
{
    tls_options how;
    bool wanted = false;
    const tft_status status = tls_wish(fresh, &how, &wanted, err);
    if (status != TFT_OK)
        return status;
    if (wanted != (srv->tls != NULL))
        log_line(srv->log, LOG_TAG_WARNING, "tls.cert: listeners begin or end to speak TLS with the next start");
    return wanted && srv->tls != NULL ? tls_point_at(srv->tls, &how, err) : TFT_OK;
}

tft_status server_reload_tls(server *srv, tft_error *err)
{
    tft_error why = {0};
    if (srv->tls == NULL)
        return TFT_OK;
    char cert[PATH_MAX];
    const tft_status status = tls_reload(srv->tls, cert, &why);
    if (status == TFT_OK)
        log_line(srv->log, LOG_TAG_INFO, "TLS: %s is the certificate from here on", cert);
    else
        log_line(srv->log, LOG_TAG_ERROR, "TLS: the old certificate stays: %s", why.text);
    if (status != TFT_OK && err != NULL)
        *err = why;
    return status;
}

static tft_status open_listeners(server *srv, tft_error *err)
{
    const tft_status secure = open_tls(srv, err);
    if (secure != TFT_OK)
        return secure;
    const server_options *const o = &srv->options;
    const http_options how = {.listen = o->listen,
                              .n_listen = o->n_listen,
                              .n_optional = o->n_optional_listen,
                              .inherited = o->inherited,
                              .n_inherited = o->n_inherited,
                              .alive = alive,
                              .max_body = o->max_body,
                              .body_budget = o->max_body * SERVER_BODIES,
                              .max_connections = o->max_connections,
                              .max_connections_per_ip = o->max_connections_per_ip,
                              .idle_timeout_s = o->idle_timeout_s,
                              .header_timeout_ms = o->header_timeout_ms,
                              .body_timeout_ms = o->body_timeout_ms,
                              .threads = o->http_threads,
                              .compress = o->compress,
                              .tls = srv->tls,
                              .families = server_families,
                              .n_families = server_n_families,
                              .admit = admit,
                              .origin_of = origin_of,
                              .observe = observe,
                              .context = srv,
                              .log = srv->log};
    const tft_status status = http_open(&how, &srv->http, err);
    if (status == TFT_OK) {
        events_on_news(srv->events, wake_streams, srv);
        pages_on_first(&srv->pages, wake_streams, srv);
    }
    return status;
}

tft_status server_open(const server_options *options, log_sink *log, server **out, server_stage *stage, tft_error *err)
{
    *out = NULL;
    *stage = SERVER_STAGE_MODEL;
    server *const srv = calloc(1, sizeof *srv);
    if (srv == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a server");
    srv->options = *options;
    srv->log = log;
    srv->retention_alerts_ms = options->retention_alerts_ms;
    srv->started_ms = tft_wall_ms();
    srv->started_s = tft_monotonic_s();
    srv->warm_s = srv->started_s;
    srv->phase = SERVER_STARTING;
    srv->live = live_open();
    srv->events = events_open();
    srv->explainer = explain_open();
    srv->quality = quality_cache_open();
    srv->model_list = model_list_open();
    pthread_mutex_init(&srv->model_lock, NULL);
    shadow_init(&srv->shadow);
    pages_init(&srv->pages);
    pthread_mutex_init(&srv->document_lock, NULL);
    pthread_rwlock_init(&srv->forget_lock, NULL);
    labels_init(&srv->labels);
    model_facts_init(&srv->facts);
    alert_worth_init(&srv->worth);
    pthread_mutex_init(&srv->housekeeping_lock, NULL);
    pthread_cond_init(&srv->housekeeping_wake, NULL);

    engine_model model;
    bool has_model = false;
    live_settings *settings = NULL;
    srv->contract = tft_contract_default();
    tft_status status = srv->live == NULL || srv->events == NULL || srv->explainer == NULL || srv->quality == NULL ||
                                srv->model_list == NULL ||
                                !meters_open(&srv->meters, server_families, server_n_families)
                            ? tft_fail(err, TFT_ERR_MEMORY, "no memory for events")
                            : live_make(options, &srv->contract, &settings, err);
    if (status != TFT_OK)
        goto done;
    live_swap(srv->live, settings);
    status = server_find_model(srv, &model, &has_model, err);
    if (status == TFT_OK && has_model) {
        srv->contract = model.contract;
        status = live_make(options, &srv->contract, &settings, err);
    }
    if (status != TFT_OK)
        goto done;
    if (has_model)
        live_swap(srv->live, settings);
    alert_worth_contract(&srv->worth, &srv->contract);

    *stage = SERVER_STAGE_STORE;
    status = store_open(&options->store, &srv->contract, &srv->store, err);
    if (status == TFT_OK)
        status = open_alerts(srv, err);
    if (status == TFT_OK)
        status = open_fleet(srv, err);
    if (status == TFT_OK && has_model) {
        has_model = false; // the engine's from here on
        alert_worth_model(&srv->worth, &model.alerts);
        status = engine_set_model(srv->engine, &model, err);
    }
    if (status == TFT_OK)
        status = load_state(srv, err);
    if (status == TFT_OK)
        status = notify_restore(srv->notify, srv->engine, err);
    if (status != TFT_OK)
        goto done;

    *stage = SERVER_STAGE_ENGINE;
    shadow_restore(srv);
    status = server_start_keeper(srv, err); // before the engine: each forecast is noted
    if (status == TFT_OK)
        status = engine_start(srv->engine, err);
    if (status == TFT_OK)
        status = pages_start(&srv->pages, srv->engine, err);
    if (status != TFT_OK)
        goto done;
    *stage = SERVER_STAGE_LISTEN;
    srv->phase = SERVER_SERVING; // before the port opens: a request may come at once
    status = memory_bound_check(srv, options->max_servers, err);
    if (status == TFT_OK)
        status = audit_open(options->audit_file, log, &srv->audit, err);
    if (status == TFT_OK)
        status = open_auth(srv, err);
    if (status == TFT_OK)
        status = open_listeners(srv, err);
    if (status != TFT_OK)
        goto done;
    notify_set_url(srv->notify, http_url(srv->http));
    srv->has_housekeeper = pthread_create(&srv->housekeeper, NULL, server_housekeeping, srv) == 0;
    if (!srv->has_housekeeper)
        status = tft_fail(err, TFT_ERR_MEMORY, "no thread for housekeeping");
    else
        log_line(log, LOG_TAG_READY, "Daemon started - waiting for data feed url=%s", http_url(srv->http));
    if (status == TFT_OK)
        memory_bound_say(srv);

done:
    if (status != TFT_OK) {
        if (has_model && model.close != NULL)
            model.close(model.context);
        server_close(srv);
        return status;
    }
    *out = srv;
    return TFT_OK;
}

tft_status server_start_watchdog(server *srv, int64_t every_ms, tft_error *err)
{
    return watchdog_open(srv->http, every_ms, &srv->watchdog, err);
}

void server_stop(server *srv, int64_t drain_ms)
{
    srv->phase = SERVER_DRAINING;
    watchdog_close(srv->watchdog);
    srv->watchdog = NULL;
    if (srv->http != NULL) {
        const size_t left = http_drain(srv->http, drain_ms);
        if (left > 0)
            log_line(srv->log, LOG_TAG_WARNING, "%zu requests had not ended and are cut off", left);
        events_on_news(srv->events, NULL, NULL);
        pages_on_first(&srv->pages, NULL, NULL);
        http_close(srv->http);
        srv->http = NULL;
    }
    if (srv->has_housekeeper) {
        pthread_mutex_lock(&srv->housekeeping_lock);
        srv->housekeeping_ends = true;
        pthread_cond_signal(&srv->housekeeping_wake);
        pthread_mutex_unlock(&srv->housekeeping_lock);
        pthread_join(srv->housekeeper, NULL);
        srv->has_housekeeper = false;
    }
    server_stop_keeper(srv);
    if (srv->engine != NULL)
        engine_stop(srv->engine);
    pages_stop(&srv->pages);
}

void server_close(server *srv)
{
    if (srv == NULL)
        return;
    server_stop(srv, 0);
    server_close_keeper(srv);
    shadow_close(&srv->shadow);
    pages_free(&srv->pages);
    engine_close(srv->engine);
    fleet_close(srv->fleet);
    notify_close(srv->notify);
    store_close(srv->store);
    explain_close(srv->explainer);
    quality_cache_close(srv->quality);
    model_list_close(srv->model_list);
    pthread_mutex_destroy(&srv->model_lock);
    pthread_rwlock_destroy(&srv->forget_lock);
    labels_free(&srv->labels);
    model_facts_free(&srv->facts);
    alert_worth_free(&srv->worth);
    tft_text_free(&srv->document);
    pthread_mutex_destroy(&srv->document_lock);
    audit_close(srv->audit);
    auth_close(srv->auth);
    live_close(srv->live);
    tls_close(srv->tls);
    news_free(&srv->news);
    meters_close(&srv->meters);
    events_close(srv->events);
    pthread_mutex_destroy(&srv->housekeeping_lock);
    pthread_cond_destroy(&srv->housekeeping_wake);
    free(srv);
}

void server_rescan_models(server *srv)
{
    pthread_mutex_lock(&srv->housekeeping_lock);
    srv->models_asked = true;
    pthread_cond_signal(&srv->housekeeping_wake);
    pthread_mutex_unlock(&srv->housekeeping_lock);
}

const char *server_url(const server *srv)
{
    return http_url(srv->http);
}

const char *server_unwell(const server *srv, const char **reason)
{
    *reason = NULL;
    const int phase = atomic_load(&srv->phase);
    if (phase == SERVER_STARTING)
        return "starting";
    if (phase == SERVER_DRAINING)
        return "draining";
    *reason = store_trouble(srv->store);
    return *reason != NULL ? "unhealthy" : NULL;
}
