/* housekeeping.c - what has to be done now and then, on one thread: prune the store, look for a new model, keep the alerts
 * that are on, so that a restart goes on with their `since` and ids.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "server/server.h"

#define MODELS_EVERY_S 5.0
#define PRUNE_EVERY_S 15.0
#define PRUNE_LOGGED_EVERY_S 300

static double prune_interval(const server *srv)
{
    const double quarter = (double)srv->options.store.retention_records_ms / 4000.0;
    return quarter < 1 ? 1 : quarter > PRUNE_EVERY_S ? PRUNE_EVERY_S : quarter;
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

/* ---- alerts -------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    return h;
}

static void keep_alerts(server *srv)
{
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    alert_saved *const saved = calloc(s->n_alerts > 0 ? s->n_alerts : 1, sizeof *saved);
    store_alert *const rows = calloc(s->n_alerts > 0 ? s->n_alerts : 1, sizeof *rows);
    if (saved == NULL || rows == NULL || !s->sufficient)
        goto done;
    const size_t n = snapshot_save_alerts(s, saved);
    uint64_t mark = mix(0xcbf29ce484222325u, &n, sizeof n);
    for (size_t i = 0; i < n; i++) {
        const alert_saved *const a = &saved[i];
        rows[i] = (store_alert){a->server, a->server_length, a->metric,        (int)a->severity,
                                a->firing, a->since_ms,      a->below_since_ms};
        mark = mix(mark, a->server, a->server_length);
        mark = mix(mark, a->metric, strlen(a->metric));
        const int64_t facts[] = {(int64_t)a->severity, a->firing, a->since_ms, a->below_since_ms};
        mark = mix(mark, facts, sizeof facts);
    }
    if (mark != srv->alerts_mark && store_save_alerts(srv->store, rows, n, NULL) == TFT_OK)
        srv->alerts_mark = mark; // where that failed, store_trouble() tells, and the next round tries again

done:
    free(saved);
    free(rows);
    engine_release(srv->engine, s);
}

typedef struct alert_list {
    alert_saved *items;
    char **names; // [n] ours, lent to the items
    size_t n, capacity;
} alert_list;

static void take_alert(void *context, const store_alert *row)
{
    alert_list *const list = context;
    if (list->n == list->capacity) {
        const size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        alert_saved *const items = realloc(list->items, capacity * sizeof *items);
        list->items = items != NULL ? items : list->items;
        char **const names = realloc(list->names, capacity * sizeof *names);
        list->names = names != NULL ? names : list->names;
        if (items == NULL || names == NULL)
            return; // that alert begins anew
        list->capacity = capacity;
    }
    const size_t metric_length = strlen(row->metric);
    const bool sound = row->severity == ALERT_WARNING || row->severity == ALERT_CRITICAL;
    char *const name = sound && metric_length < TFT_MAX_METRIC_NAME ? malloc(row->server_len + 1) : NULL;
    if (name == NULL)
        return;
    memcpy(name, row->server, row->server_len);
    list->names[list->n] = name;
    alert_saved *const item = &list->items[list->n++];
    *item = (alert_saved){.server = name,
                          .server_length = row->server_len,
                          .severity = (alert_severity)row->severity,
                          .firing = row->firing,
                          .since_ms = row->since_ms,
                          .below_since_ms = row->below_since_ms};
    memcpy(item->metric, row->metric, metric_length + 1);
}

tft_status server_restore_alerts(server *srv, tft_error *err)
{
    alert_list list = {0};
    tft_status status = store_each_alert(srv->store, take_alert, &list, err);
    if (status == TFT_OK && list.n > 0)
        status = engine_restore_alerts(srv->engine, list.items, list.n, err);
    for (size_t i = 0; i < list.n; i++)
        free(list.names[i]);
    free(list.names);
    free(list.items);
    return status;
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
    log_gate gate = {0};
    bool models_asked = false;
    double next_models = tft_monotonic_s() + MODELS_EVERY_S, next_prune = tft_monotonic_s();
    while (wait_a_little(srv, &models_asked)) {
        const double now = tft_monotonic_s();
        if (models_asked || (srv->options.watch_models && now >= next_models)) {
            server_watch_models(srv);
            next_models = now + MODELS_EVERY_S;
        }
        if (now >= next_prune) {
            prune(srv, &gate);
            next_prune = now + prune_interval(srv);
        }
        keep_alerts(srv);
    }
    return NULL;
}
