/* housekeeping.c - what has to be done now and then, on one thread: prune the store, look for a new model, mark the steps of servers in
 * maintenance, forget old alerts, give back the places of servers that are silent for good, and free memory.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "server/heap.h"
#include "server/server.h"
#include "server/sleep.h"
#include "store/fleet_log.h"

#define MODELS_EVERY_S 5.0
#define PRUNE_EVERY_S 15.0
#define WAKE_EVERY_S 1.0             // streams look whether a heartbeat is due
#define FREE_BYTES ((size_t)8 << 20) // so much free memory between blocks is given back
#define PRUNE_LOGGED_EVERY_S 300

static double prune_interval(const server *srv)
{
    const live_settings *const now = live_hold(srv->live);
    const double quarter = (double)now->retention_records_ms / 4000.0;
    live_drop(now);
    return quarter < 1 ? 1 : quarter > PRUNE_EVERY_S ? PRUNE_EVERY_S : quarter;
}

static bool watches_models(const server *srv)
{
    const live_settings *const now = live_hold(srv->live);
    const bool watches = now->watch_models;
    live_drop(now);
    return watches;
}

static void prune(server *srv, log_gate *gate)
{
    size_t n = 0;
    tft_error why = {0};
    uint64_t held = 0;
    const tft_status status = store_maintain(srv->store, &n, &why);
    if (n > 0)
        fleet_pruned(srv->fleet, n);
    if (status != TFT_OK && log_gate_open(gate, PRUNE_LOGGED_EVERY_S, &held))
        log_line(srv->log, LOG_TAG_ERROR, "The store's maintenance failed, the next round tries again: %s", why.text);
}

static void maintain_alerts(server *srv, log_gate *gate)
{
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    tft_error why = {0};
    uint64_t held = 0;
    tft_status status = notify_maintain(srv->notify, s, srv->retention_alerts_ms, &why);
    if (status == TFT_OK && s->sufficient)
        status = store_forget_fleet(srv->store, s->clock.now_ms - srv->retention_alerts_ms, &why);
    engine_release(srv->engine, s);
    if (status != TFT_OK && log_gate_open(gate, PRUNE_LOGGED_EVERY_S, &held))
        log_line(srv->log, LOG_TAG_ERROR, "Upkeep of alerts failed, the next round tries again: %s", why.text);
}

/* ---- the thread ---------------------------------------------------------------------------------------- */

/* Sleeps a second, or until somebody wants something. Returns false at the end. */
static bool wait_a_little(server *srv, bool *models_asked)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&srv->housekeeping_lock);
    while (!srv->housekeeping_ends && !srv->models_asked &&
           pthread_cond_timedwait(&srv->housekeeping_wake, &srv->housekeeping_lock, &until) != ETIMEDOUT) {
    }
    const bool goes_on = !srv->housekeeping_ends;
    *models_asked = srv->models_asked;
    srv->models_asked = false;
    pthread_mutex_unlock(&srv->housekeeping_lock);
    return goes_on;
}

void *server_housekeeping(void *context)
{
    server *const srv = context;
    log_gate gate = {0}, alerts_gate = {0};
    bool models_asked = false;
    double next_models = tft_monotonic_s() + MODELS_EVERY_S, next_prune = tft_monotonic_s(),
           next_wake = tft_monotonic_s();
    while (wait_a_little(srv, &models_asked)) {
        const double now = tft_monotonic_s();
        if (fleet_count(srv->fleet, tft_wall_ms()).warmup_complete)
            srv->warm_s = now;
        if (models_asked || (now >= next_models && watches_models(srv))) {
            server_watch_models(srv);
            next_models = now + MODELS_EVERY_S;
        }
        if (now >= next_prune) {
            prune(srv, &gate);
            sleep_silent(srv);
            maintain_alerts(srv, &alerts_gate);
            (void)heap_give_back(FREE_BYTES);
            next_prune = now + prune_interval(srv);
        }
        if (now >= next_wake) {
            if (srv->tls != NULL && tls_changed(srv->tls))
                (void)server_reload_tls(srv, NULL); // the log says it
            events_wake(srv->events);
            next_wake = now + WAKE_EVERY_S;
        }
    }
    return NULL;
}
