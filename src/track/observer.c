/* observer.c - what is seen of the fleet goes to the store: incidents when a step has ended, the environment of each step. See
 * track.h.
 *
 * Each time a step is over, the incidents of all servers are found anew in what is in memory, and those servers whose incidents
 * are others than the last time are written. That is a hundred microseconds a server and five minutes, and it needs to know nothing
 * of where a late record went.
 *
 * Memory:  a byte per step, eight per server, and one piece of incidents.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "track/internal.h"
#include "track/observed.h"

#define PIECE 32   // servers in one transaction
#define WAITING 64 // steps of the environment that wait for the writer; in a replay many pass in a second

struct observer {
    int64_t seen_step; // everything up to it has been looked at
    uint8_t *reported; // [memory]
    size_t memory;
    uint64_t *marks; // [n_marks] of what was written for each server
    size_t n_marks;
    observed found[PIECE];
    store_incidents rows[PIECE];
    uint64_t fresh[PIECE];
    size_t n;
    pthread_mutex_t lock; // guards the rest: the engine's thread notes, the keeper's writes
    size_t n_steps;
    store_environment steps[WAITING]; // by start; the last one is the step that is on
    bool begun;                       // … and is written as it began
};

tft_status observer_open(track *t, tft_error *err)
{
    observer *const o = t->observer = calloc(1, sizeof *o);
    if (o == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to observe incidents");
    fleet_read_lock(t->options.fleet);
    o->memory = fleet_settings(t->options.fleet)->memory_steps;
    fleet_read_unlock(t->options.fleet);
    o->seen_step = INT64_MIN;
    pthread_mutex_init(&o->lock, NULL);
    o->reported = malloc(o->memory > 0 ? o->memory : 1);
    return o->reported != NULL ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "no memory to observe incidents");
}

void observer_close(track *t)
{
    if (t->observer == NULL)
        return;
    free(t->observer->reported);
    free(t->observer->marks);
    pthread_mutex_destroy(&t->observer->lock);
    free(t->observer);
}

/* ---- incidents ------------------------------------------------------------------------------------------- */

/* Copies the server's history and facts; false where it is gone or empty. */
static bool copy_server(track *t, size_t id, size_t *offline_after, bool *planned)
{
    fleet_read_lock(t->options.fleet);
    const fleet_server *const from = fleet_at(t->options.fleet, id);
    const bool there = !from->forgotten && from->history.any;
    if (there)
        history_copy(&from->history, INT64_MIN, INT64_MAX, scorer_series(t));
    *planned = from->planned;
    *offline_after = fleet_settings(t->options.fleet)->offline_after_steps;
    fleet_read_unlock(t->options.fleet);
    return there;
}

static void note_activity(track *t, int64_t first, size_t n_servers)
{
    observer *const o = t->observer;
    const tft_series *const series = scorer_series(t);
    size_t offline_after;
    bool planned;
    memset(o->reported, 0, o->memory);
    for (size_t id = 0; id < n_servers; id++) {
        if (!copy_server(t, id, &offline_after, &planned))
            continue;
        for (size_t i = 0; i < series->n_steps; i++) {
            const int64_t at = series->first_step + (int64_t)i - first;
            if (at >= 0 && at < (int64_t)o->memory && series->counts[i] > 0)
                o->reported[at] = 1;
        }
    }
}

static uint64_t mix(uint64_t mark, uint64_t value) // FNV-1a, eight bytes at once
{
    return (mark ^ value) * 1099511628211u;
}

static uint64_t mark_of(const observed *found)
{
    uint64_t mark = mix(14695981039346656037u, found->earlier_end_ms == STORE_GOES_ON);
    for (size_t i = 0; i < found->n; i++) {
        mark = mix(mark, (uint64_t)found->items[i].start_ms);
        mark = mix(mark, (uint64_t)found->items[i].end_ms);
        mark = mix(mark, (uint64_t)found->items[i].state * 2 + found->items[i].planned);
    }
    return mark | 1; // 0: nothing written yet
}

static tft_status flush(track *t, tft_error *err)
{
    observer *const o = t->observer;
    const tft_status status = o->n > 0 ? store_put_incidents(t->options.store, o->rows, o->n, err) : TFT_OK;
    for (size_t i = 0; status == TFT_OK && i < o->n; i++)
        o->marks[o->rows[i].server] = o->fresh[i];
    o->n = 0;
    return status;
}

static tft_status observe_server(track *t, size_t id, const observed_activity *all, tft_error *err)
{
    observer *const o = t->observer;
    observed *const found = &o->found[o->n];
    size_t offline_after;
    bool planned;
    if (!copy_server(t, id, &offline_after, &planned))
        return TFT_OK;
    observed_find(scorer_series(t), t->contract, all, offline_after, planned, found);
    const uint64_t mark = mark_of(found);
    if (found->from_ms == INT64_MAX || mark == o->marks[id])
        return TFT_OK;
    o->rows[o->n] = (store_incidents){.server = (uint32_t)id,
                                      .from_ms = found->from_ms,
                                      .earlier_end_ms = found->earlier_end_ms,
                                      .items = found->items,
                                      .n = found->n};
    o->fresh[o->n++] = mark;
    return o->n == PIECE ? flush(t, err) : TFT_OK;
}

static tft_status reserve_marks(observer *o, size_t n, tft_error *err)
{
    if (n <= o->n_marks)
        return TFT_OK;
    uint64_t *const more = realloc(o->marks, n * sizeof *more);
    if (more == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to observe the incidents of %zu servers", n);
    memset(more + o->n_marks, 0, (n - o->n_marks) * sizeof *more);
    o->marks = more;
    o->n_marks = n;
    return TFT_OK;
}

tft_status track_observe(track *t, int64_t now_ms, tft_error *err)
{
    observer *const o = t->observer;
    const int64_t step = tft_floor_to(now_ms, t->contract->step_ms) / t->contract->step_ms; // the one that is on
    if (step <= o->seen_step)
        return TFT_OK;
    const size_t n = fleet_size(t->options.fleet);
    const observed_activity all = {.first = step - (int64_t)o->memory, .n = o->memory, .reported = o->reported};
    tft_status status = reserve_marks(o, n, err);
    if (status != TFT_OK)
        return status;
    note_activity(t, all.first, n);
    o->n = 0;
    for (size_t id = 0; id < n && status == TFT_OK; id++)
        status = observe_server(t, id, &all, err);
    if (status == TFT_OK)
        status = flush(t, err);
    if (status == TFT_OK)
        o->seen_step = step;
    return status;
}

/* ---- environment ----------------------------------------------------------------------------------------- */

static void count_servers(const forecast_snapshot *s, store_environment *row)
{
    for (size_t i = 0; i < s->n_servers; i++) {
        const snapshot_server *const server = &s->servers[i];
        if (server->forgotten)
            continue;
        row->servers++;
        row->stale += server->stale;
        row->in_incident += server->in_incident;
        row->states[server->state]++;
    }
}

static void count_alerts(const forecast_snapshot *s, store_environment *row)
{
    for (size_t i = 0; i < s->n_alerts; i++) {
        const bool heard = alert_is_heard(&s->alerts[i]);
        row->warnings += heard && s->alerts[i].severity == ALERT_WARNING;
        row->criticals += heard && s->alerts[i].severity == ALERT_CRITICAL;
    }
}

void track_environment(track *t, const forecast_snapshot *s)
{
    observer *const o = t->observer;
    store_environment row = {.start_ms = s->origin_ms, .high_risk = (uint32_t)s->environment.high_risk_servers};
    if (!s->sufficient)
        return;
    count_servers(s, &row);
    count_alerts(s, &row);
    for (size_t k = 0; k < STORE_N_HORIZONS; k++) {
        row.any[k] = s->environment.prob[k];
        row.expected[k] = s->environment.expected[k];
    }
    pthread_mutex_lock(&o->lock);
    const int64_t last_ms = o->n_steps > 0 ? o->steps[o->n_steps - 1].start_ms : INT64_MIN;
    if (row.start_ms > last_ms) {
        if (o->n_steps == WAITING) { // the writer is far behind: the oldest is lost
            memmove(o->steps, o->steps + 1, (WAITING - 1) * sizeof *o->steps);
            o->n_steps--;
        }
        o->steps[o->n_steps++] = row;
        o->begun = false;
    } else if (row.start_ms == last_ms) {
        o->steps[o->n_steps - 1] = row;
    }
    pthread_mutex_unlock(&o->lock);
}

tft_status track_keep_environment(track *t, bool ends, tft_error *err)
{
    observer *const o = t->observer;
    store_environment rows[WAITING];
    pthread_mutex_lock(&o->lock);
    const size_t n = o->n_steps;
    memcpy(rows, o->steps, n * sizeof *rows);
    const bool last_too = ends || !o->begun;
    pthread_mutex_unlock(&o->lock);
    const size_t n_write = n > 0 && !last_too ? n - 1 : n;
    const tft_status status = n_write > 0 ? store_put_environment(t->options.store, rows, n_write, err) : TFT_OK;
    if (status != TFT_OK || n == 0)
        return status;
    pthread_mutex_lock(&o->lock);
    size_t done = 0; // steps that are over and written; others may have come meanwhile
    while (done + 1 < o->n_steps && o->steps[done].start_ms < rows[n - 1].start_ms)
        done++;
    memmove(o->steps, o->steps + done, (o->n_steps - done) * sizeof *o->steps);
    o->n_steps -= done;
    o->begun = o->begun || o->steps[o->n_steps - 1].start_ms == rows[n - 1].start_ms;
    pthread_mutex_unlock(&o->lock);
    return TFT_OK;
}
