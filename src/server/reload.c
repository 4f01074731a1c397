/* reload.c - other settings while requests run (SIGHUP, POST /-/reload).
 *
 * Two halves. First everything that can fail: the set is made, keys that lie elsewhere are read, a model that the settings name is
 * opened and held against the fleet, receivers are configured. Then what cannot: each part takes its own, and the set is swapped. A
 * request sees the set of before or the one of after, never some of both (live.h).
 */
#include <string.h>

#include "server/memory_bound.h"
#include "server/server.h"
#include "store/capacity.h"

/* Keys are read again where the settings name another file; else as the file changes (auth.c). */
static tft_status take_keys(server *srv, const live_settings *next, tft_error *err)
{
    const live_settings *const now = live_hold(srv->live);
    const bool elsewhere = srv->auth != NULL && strcmp(now->keys_file, next->keys_file) != 0;
    tft_status status = elsewhere ? auth_reload(srv->auth, next->keys_file, err) : TFT_OK;
    if (status == TFT_OK && srv->auth != NULL)
        status = server_check_access(srv, &next->access, next->keys_file, err);
    if (status != TFT_OK && elsewhere)
        (void)auth_reload(srv->auth, now->keys_file, NULL); // as it was
    live_drop(now);
    return status;
}

static void configure_fleet(server *srv, const server_options *fresh, const state_rules *states)
{
    fleet_read_lock(srv->fleet);
    fleet_options how = *fleet_settings(srv->fleet);
    fleet_read_unlock(srv->fleet);
    how.states = *states;
    how.stale_after_ms = fresh->stale_after_ms;
    how.offline_after_steps = fresh->offline_after_steps;
    how.clock = fresh->clock;
    how.max_servers = fresh->max_servers;
    pthread_rwlock_wrlock(&srv->forget_lock);
    fleet_reconfigure(srv->fleet, &how);
    store_set_max_servers(srv->store, fleet_most_ids(srv->fleet));
    pthread_rwlock_unlock(&srv->forget_lock);
}

/* Nothing of this fails. */
static void commit(server *srv, const server_options *fresh, live_settings *next, model_change *model)
{
    state_rules states;
    const engine_settings settings = server_engine_settings(srv, fresh, &states);
    live_swap(srv->live, next); // first: the fleet asks it for prefixes
    configure_fleet(srv, fresh, &states);
    store_set_retention(srv->store, fresh->store.retention_records_ms, fresh->store.retention_steps_ms);
    srv->retention_alerts_ms = fresh->retention_alerts_ms;
    track_set_retention(srv->track, fresh->retention_forecasts_ms);
    engine_configure(srv->engine, &settings);
    server_take_model(srv, model);
    events_publish(srv->events, EVENT_CONFIG, NULL, "{\"change\": \"reloaded\"}");
}

tft_status server_reload(server *srv, const server_options *fresh, tft_error *err)
{
    live_settings *next = NULL;
    model_change model = {.found = false};
    tft_status status = live_make(fresh, &srv->contract, &next, err);
    if (status == TFT_OK)
        status = memory_bound_check(srv, fresh->max_servers, err);
    if (status != TFT_OK) {
        live_drop(next);
        return status;
    }
    next->access.any_foreign = live_any_foreign(&srv->options); // listeners and this permission are those of the start
    next->access.allow_unauthenticated = srv->options.allow_unauthenticated;
    pthread_mutex_lock(&srv->model_lock);
    status = server_prepare_model(srv, next, &model, err);
    if (status == TFT_OK)
        status = take_keys(srv, next, err);
    if (status == TFT_OK)
        status = notify_configure(srv->notify, server_receivers(fresh), err);
    if (status == TFT_OK)
        status = server_point_tls(srv, fresh, err);
    if (status == TFT_OK) {
        commit(srv, fresh, next, &model);
    } else {
        server_drop_model(srv, &model);
        live_drop(next);
    }
    pthread_mutex_unlock(&srv->model_lock);
    return status;
}
