/* sleep.c - see sleep.h. */
#include "server/sleep.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "store/capacity.h"
#include "store/reader.h"

#define UNCOUNTED_MS                                                                                                   \
    3600000 // records so shortly before its last may not have been counted into steps; a scan of the whole fleet's

void sleep_silent(server *srv)
{
    const live_settings *const now = live_hold(srv->live);
    const int64_t silent_ms = now->forget_after_ms;
    live_drop(now);
    if (silent_ms <= 0)
        return;
    pthread_rwlock_wrlock(&srv->forget_lock);
    const size_t n = fleet_sleep_silent(srv->fleet, tft_wall_ms(), silent_ms);
    if (n > 0)
        store_set_max_servers(srv->store, fleet_most_ids(srv->fleet));
    pthread_rwlock_unlock(&srv->forget_lock);
    if (n == 0)
        return;
    log_line(srv->log, LOG_TAG_INFO,
             "%zu servers were silent for servers.forget_after and gave back their places; their history stays on disk",
             n);
    engine_notify(srv->engine);
}

/* ---- waking ---------------------------------------------------------------------------------------------- */

typedef struct waking {
    server *srv;
    size_t id, n_metrics;
    int64_t next_ms; // behind the last step that was read
    tft_status status;
    tft_error *err;
} waking;

static bool load_step(void *context, const store_past_step *step)
{
    waking *const w = context;
    float means[TFT_MAX_METRICS];
    uint16_t counts[TFT_MAX_METRICS];
    const int64_t step_ms = w->srv->contract.step_ms;
    for (size_t m = 0; m < w->n_metrics; m++) {
        means[m] = (float)step->mean[m];
        counts[m] = step->count[m] > UINT16_MAX ? UINT16_MAX : (uint16_t)step->count[m];
    }
    w->status = fleet_load_step(w->srv->fleet, w->id, step->start_ms / step_ms, means, counts,
                                step->records > UINT16_MAX ? UINT16_MAX : (uint16_t)step->records, step->state, w->err);
    w->next_ms = step->start_ms + step_ms > w->next_ms ? step->start_ms + step_ms : w->next_ms;
    return w->status == TFT_OK;
}

/* Of the last steps, which the database has not counted yet. */
static bool load_record(void *context, const store_past_record *record)
{
    waking *const w = context;
    w->status = fleet_load_record(w->srv->fleet, w->id, record->time_ms, record->values, record->state, w->err);
    return w->status == TFT_OK;
}

/* What memory held of it before it slept: the last memory_steps up to its newest record. */
static tft_status load_history(server *srv, store_reader *reader, size_t id, tft_error *err)
{
    waking w = {.srv = srv, .id = id, .n_metrics = srv->contract.n_metrics, .err = err};
    fleet_read_lock(srv->fleet);
    const fleet_server *const s = fleet_at(srv->fleet, id);
    const int64_t last_ms = s->last_seen_ms;
    const char *const name = s->name; // lives as long as the fleet
    const size_t n = s->name_length;
    const int64_t reach_ms = (int64_t)fleet_settings(srv->fleet)->memory_steps * srv->contract.step_ms;
    fleet_read_unlock(srv->fleet);
    const int64_t row = store_reader_server(reader, name, n);
    if (row < 0 || last_ms == INT64_MIN)
        return TFT_OK;
    w.next_ms = tft_floor_to(last_ms - UNCOUNTED_MS, srv->contract.step_ms);
    tft_status status = store_reader_steps(reader, row, last_ms - reach_ms, last_ms + 1, load_step, &w, err);
    if (status == TFT_OK && w.status == TFT_OK)
        status = store_reader_records(reader, row, w.next_ms, last_ms + 1, load_record, &w, err);
    return status == TFT_OK ? w.status : status;
}

/* Under forget_lock. */
static bool wake(server *srv, size_t id, store_reader **reader)
{
    tft_error why = {0};
    if (!fleet_wake(srv->fleet, id))
        return false;
    tft_status status = TFT_OK;
    if (*reader == NULL)
        status = store_reader_open(srv->options.store.dir, &srv->contract, reader, &why);
    if (status == TFT_OK)
        status = load_history(srv, *reader, id, &why);
    if (status != TFT_OK) // it goes on with what comes; the next start brings the rest
        log_line(srv->log, LOG_TAG_WARNING, "The history of a server that came back is not in memory: %s", why.text);
    return true;
}

size_t sleep_wake(server *srv, const tft_record *records, size_t n, bool *refused)
{
    size_t n_refused = 0, n_woken = 0;
    store_reader *reader = NULL;
    pthread_rwlock_wrlock(&srv->forget_lock);
    for (size_t i = 0; i < n; i++) {
        const size_t id = fleet_find_asleep(srv->fleet, records[i].name, records[i].name_length);
        refused[i] = id != FLEET_NO_SERVER && !wake(srv, id, &reader);
        n_refused += refused[i];
        n_woken += id != FLEET_NO_SERVER && !refused[i];
    }
    if (n_woken > 0)
        store_set_max_servers(srv->store, fleet_most_ids(srv->fleet));
    pthread_rwlock_unlock(&srv->forget_lock);
    store_reader_close(reader);
    if (n_woken > 0)
        log_line(srv->log, LOG_TAG_INFO, "%zu servers came back; their history is in memory again", n_woken);
    return n_refused;
}

bool sleep_wake_named(server *srv, const char *name, size_t n)
{
    const tft_record record = {.name = name, .name_length = n};
    bool refused = false;
    return fleet_n_asleep(srv->fleet) == 0 || sleep_wake(srv, &record, 1, &refused) == 0;
}
