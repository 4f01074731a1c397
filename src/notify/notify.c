/* notify.c - see notify.h. */
#include "notify/notify.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "notify/lives.h"

#define UNSAVED_MAX 50000 // rows of one round, or that wait for a disk that is full
#define MARK_BACK_MS ((int64_t)7 * 86400000)
#define MAX_SPANS 2048
#define FORGET_BATCH 1000

typedef struct pending_row {
    char id[STORE_ID_BYTES];
    bool there; // in the snapshot that is being settled
} pending_row;

struct notify {
    notify_options options;
    silences *quiet;
    acks *seen;

    /* the engine's thread's */
    size_t n_rows, rows_capacity; // what must be written; what could not be waits here for the next snapshot
    store_alert *rows;
    size_t n_pending, pending_capacity;
    pending_row *pending; // the pending alerts that are on disk, by id
    size_t n_gone, gone_capacity;
    char (*gone)[STORE_ID_BYTES];

    pthread_mutex_t delivery_lock; // guards the pointer: a reload opens another one
    delivery *told;                // NULL only where a reload failed
    char url[128];
    size_t n_open, open_capacity, n_over, over_capacity; // the engine's thread's
    store_alert *open, *over;

    /* the maintenance's: one caller */
    int64_t marked_ms; // steps are marked up to here
    uint64_t marked_generation;
};

static void say(const notify *n, notify_level level, const char *text)
{
    if (n->options.log != NULL)
        n->options.log(n->options.context, level, text);
}

static void warn(void *context, const char *text)
{
    say(context, NOTIFY_WARNING, text);
}

static void tell(void *context, bool bad, const char *text)
{
    say(context, bad ? NOTIFY_WARNING : NOTIFY_INFO, text);
}

static tft_status open_delivery(notify *n, const notify_config *config, tft_error *err)
{
    const delivery_options how = {
        .keep = n->options.keep, .config = config, .log = tell, .context = n, .expecter = n->options.expecter};
    const tft_status status = delivery_open(&how, &n->told, err);
    if (status == TFT_OK)
        delivery_set_url(n->told, n->url);
    return status;
}

tft_status notify_open(const notify_options *options, notify **out, tft_error *err)
{
    *out = NULL;
    notify *const n = calloc(1, sizeof *n);
    if (n == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for alerts");
    n->options = *options;
    n->marked_ms = INT64_MIN;
    pthread_mutex_init(&n->delivery_lock, NULL);
    n->seen = acks_open();
    tft_status status = n->seen == NULL ? tft_fail(err, TFT_ERR_MEMORY, "no memory for alerts") : TFT_OK;
    if (status == TFT_OK)
        status = silences_open(options->keep, warn, n, &n->quiet, err);
    if (status == TFT_OK)
        status = open_delivery(n, options->config, err);
    if (status != TFT_OK) {
        notify_close(n);
        return status;
    }
    n->options.config = NULL; // was lent
    *out = n;
    return TFT_OK;
}

void notify_close(notify *n)
{
    if (n == NULL)
        return;
    delivery_close(n->told);
    pthread_mutex_destroy(&n->delivery_lock);
    silences_close(n->quiet);
    acks_close(n->seen);
    free(n->rows);
    free(n->pending);
    free(n->gone);
    free(n->open);
    free(n->over);
    free(n);
}

/* ---- the engine's questions ------------------------------------------------------------------------------------- */

static bool in_maintenance(void *context, const char *name, size_t length, tft_profile profile, int64_t now_ms)
{
    const notify *const n = context;
    return silences_in_maintenance(n->quiet, name, length, tft_profile_name(profile), now_ms);
}

static bool mark(void *context, const snapshot_server *server, const tft_metric *metric, int64_t now_ms, alert *a)
{
    const notify *const n = context;
    const notify_subject subject = {.server = server != NULL ? server->name : "",
                                    .server_length = server != NULL ? server->name_length : 0,
                                    .profile = server != NULL ? tft_profile_name(server->profile) : "",
                                    .kind = alert_kind_name(a->kind),
                                    .metric = metric != NULL ? metric->name : "",
                                    .severity = alert_severity_name(a->severity)};
    char ids[SILENCES_MAX_IDS][ALERT_SILENCE_BYTES];
    a->acknowledged = acks_find(n->seen, a->id, now_ms, NULL);
    if (silences_covering(n->quiet, &subject, now_ms, ids) == 0)
        return false;
    memcpy(a->silence, ids[0], sizeof a->silence);
    return true;
}

/* ---- keeping lives ---------------------------------------------------------------------------------------------- */

/* Room for one more of `size` bytes; false without memory. */
static bool reserve(void **items, size_t *capacity, size_t n, size_t size)
{
    if (n < *capacity)
        return true;
    const size_t wanted = n < 16 ? 16 : 2 * n;
    void *const more = realloc(*items, tft_mul_sat(wanted, size));
    if (more == NULL)
        return false;
    *items = more;
    *capacity = wanted;
    return true;
}

static store_alert *add_row(notify *n, const forecast_snapshot *s, const alert *a)
{
    if (n->n_rows == UNSAVED_MAX || !reserve((void **)&n->rows, &n->rows_capacity, n->n_rows, sizeof *n->rows))
        return NULL; // its life goes on in memory; the disk learns of it when it moves again
    store_alert *const row = &n->rows[n->n_rows++];
    lives_row(s, a, row);
    return row;
}

static int compare_pending(const void *left, const void *right)
{
    return strcmp(((const pending_row *)left)->id, ((const pending_row *)right)->id);
}

static void add_pending(notify *n, const char *id)
{
    if (reserve((void **)&n->pending, &n->pending_capacity, n->n_pending, sizeof *n->pending))
        memcpy(n->pending[n->n_pending++].id, id, sizeof n->pending->id);
}

/* A pending alert that is not there any more has left no trace with anybody: its row goes. */
static void find_gone(notify *n, const forecast_snapshot *s)
{
    n->n_gone = 0;
    for (size_t i = 0; i < n->n_pending; i++)
        n->pending[i].there = false;
    for (size_t i = 0; i < s->n_alerts && n->n_pending > 0; i++) {
        pending_row *const row =
            bsearch(s->alerts[i].id, n->pending, n->n_pending, sizeof *n->pending, compare_pending);
        if (row != NULL)
            row->there = true;
    }
    for (size_t i = 0; i < n->n_pending; i++)
        if (!n->pending[i].there && reserve((void **)&n->gone, &n->gone_capacity, n->n_gone, sizeof *n->gone))
            memcpy(n->gone[n->n_gone++], n->pending[i].id, sizeof *n->gone);
}

static void note_pending(notify *n, const forecast_snapshot *s)
{
    n->n_pending = 0;
    for (size_t i = 0; i < s->n_alerts; i++)
        if (s->alerts[i].status == ALERT_PENDING)
            add_pending(n, s->alerts[i].id);
    if (n->n_pending > 1)
        qsort(n->pending, n->n_pending, sizeof *n->pending, compare_pending);
}

/* What receivers are to know: everything that fires and is not muted, with its newest numbers, and what has ended. */
static void collect(notify *n, const forecast_snapshot *s)
{
    n->n_open = n->n_over = 0;
    for (size_t i = 0; i < s->n_alerts; i++) {
        const alert *const a = &s->alerts[i];
        if (a->status != ALERT_FIRING || a->mute != ALERT_HEARD ||
            !reserve((void **)&n->open, &n->open_capacity, n->n_open, sizeof *n->open))
            continue;
        store_alert *const row = &n->open[n->n_open++];
        lives_row(s, a, row);
        if (a->acknowledged)
            acks_find(n->seen, row->id, s->clock.now_ms, &row->ack);
    }
    for (size_t i = 0; i < s->n_ended; i++)
        if (reserve((void **)&n->over, &n->over_capacity, n->n_over, sizeof *n->over))
            lives_row(s, &s->ended[i], &n->over[n->n_over++]);
}

static void settled(void *context, const forecast_snapshot *s)
{
    notify *const n = context;
    const store_ack none = {.at_ms = STORE_NEVER, .until_ms = STORE_NEVER};
    const size_t old_rows = n->n_rows; // of before, that could not be written
    for (size_t i = 0; i < s->n_alerts; i++)
        if (s->alerts[i].changed)
            add_row(n, s, &s->alerts[i]);
    for (size_t i = 0; i < s->n_ended; i++) {
        add_row(n, s, &s->ended[i]);
        acks_set(n->seen, s->ended[i].id, &none);
    }
    find_gone(n, s);
    collect(n, s);
    for (size_t i = old_rows; i < n->n_rows && n->options.changed != NULL; i++)
        n->options.changed(n->options.context, &n->rows[i]);
    const delivery_round round = {.open = n->open,
                                  .n_open = n->n_open,
                                  .over = n->over,
                                  .n_over = n->n_over,
                                  .extra = {.alerts = n->rows,
                                            .n_alerts = n->n_rows,
                                            .forgotten = (const char(*)[STORE_ID_BYTES])n->gone,
                                            .n_forgotten = n->n_gone}};
    tft_error err = {0};
    pthread_mutex_lock(&n->delivery_lock);
    const tft_status status =
        n->told != NULL ? delivery_step(n->told, &round, &err) : store_put_alerts(n->options.keep, &round.extra, &err);
    pthread_mutex_unlock(&n->delivery_lock);
    if (status != TFT_OK) {
        say(n, NOTIFY_DEBUG, err.text); // store_trouble() tells; the rows wait
        return;
    }
    if (n->n_rows > 0 || n->n_gone > 0)
        note_pending(n, s);
    n->n_rows = 0;
}

alert_hooks notify_hooks(notify *n)
{
    return (alert_hooks){.context = n, .in_maintenance = in_maintenance, .mark = mark, .settled = settled};
}

/* ---- restart ---------------------------------------------------------------------------------------------------- */

typedef struct open_alerts {
    store_alert *rows;
    size_t n, capacity;
} open_alerts;

static void take_open(void *context, const store_alert *row)
{
    open_alerts *const list = context;
    if (reserve((void **)&list->rows, &list->capacity, list->n, sizeof *list->rows))
        list->rows[list->n++] = *row; // else that alert begins anew
}

tft_status notify_restore(notify *n, engine *e, tft_error *err)
{
    const store_alert_query query = {
        .pending = true, .firing = true, .from_ms = STORE_NEVER, .to_ms = STORE_NEVER, .after_starts_ms = STORE_NEVER};
    open_alerts list = {0};
    alert_saved *saved = NULL;
    size_t kept = 0;
    tft_status status = store_each_alert(n->options.keep, &query, take_open, &list, err);
    if (status != TFT_OK || list.n == 0)
        goto done;
    saved = calloc(list.n, sizeof *saved);
    if (saved == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu alerts", list.n);
        goto done;
    }
    for (size_t i = 0; i < list.n; i++) {
        const store_alert *const row = &list.rows[i];
        kept += lives_saved(row, &saved[kept]);
        if (row->ack.at_ms != STORE_NEVER)
            acks_set(n->seen, row->id, &row->ack);
        if (strcmp(row->status, "pending") == 0)
            add_pending(n, row->id);
    }
    if (n->n_pending > 1)
        qsort(n->pending, n->n_pending, sizeof *n->pending, compare_pending);
    status = engine_restore_alerts(e, saved, kept, err);

done:
    free(saved);
    free(list.rows);
    return status;
}

/* ---- maintenance ------------------------------------------------------------------------------------------------- */

static tft_status mark_span(notify *n, const forecast_snapshot *s, const silences_span *span, tft_error *err)
{
    tft_status status = TFT_OK;
    store_maintenance batch[256];
    size_t filled = 0;
    for (size_t i = 0; i < s->n_servers && status == TFT_OK; i++) {
        const snapshot_server *const server = &s->servers[i];
        if (notify_matches_server(&span->matcher, server->name, server->name_length, tft_profile_name(server->profile)))
            batch[filled++] = (store_maintenance){(uint32_t)i, span->from_ms, span->to_ms};
        if (filled == sizeof batch / sizeof *batch || (i + 1 == s->n_servers && filled > 0)) {
            status = store_mark_maintenance(n->options.keep, batch, filled, err);
            filled = 0;
        }
    }
    return status;
}

/* Marks what maintenances have covered since the last time; after a start and after a change of the windows, of the last week. */
static tft_status mark_steps(notify *n, const forecast_snapshot *s, tft_error *err)
{
    const int64_t now_ms = s->clock.now_ms, step_ms = s->step_ms;
    const uint64_t generation = silences_generation(n->quiet);
    const bool anew = n->marked_ms == INT64_MIN || generation != n->marked_generation || now_ms < n->marked_ms;
    if (!anew && tft_floor_to(now_ms, step_ms) == tft_floor_to(n->marked_ms, step_ms))
        return TFT_OK;
    silences_span *const spans = calloc(MAX_SPANS, sizeof *spans);
    if (spans == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to mark maintenance");
    const size_t count =
        silences_spans(n->quiet, anew ? now_ms - MARK_BACK_MS : n->marked_ms, now_ms, spans, MAX_SPANS);
    tft_status status = TFT_OK;
    for (size_t i = 0; i < count && status == TFT_OK; i++)
        status = mark_span(n, s, &spans[i], err);
    free(spans);
    if (status == TFT_OK) {
        n->marked_ms = now_ms;
        n->marked_generation = generation;
    }
    return status;
}

tft_status notify_maintain(notify *n, const forecast_snapshot *snapshot, int64_t retention_ms, tft_error *err)
{
    tft_status status = snapshot->sufficient ? mark_steps(n, snapshot, err) : TFT_OK;
    size_t forgotten = FORGET_BATCH;
    while (status == TFT_OK && forgotten == FORGET_BATCH && snapshot->sufficient)
        status =
            store_forget_alerts(n->options.keep, snapshot->clock.now_ms - retention_ms, FORGET_BATCH, &forgotten, err);
    return status;
}

/* ---- people ------------------------------------------------------------------------------------------------------ */

silences *notify_silences(notify *n)
{
    return n->quiet;
}

tft_status notify_acknowledge(notify *n, const char *id, const store_ack *ack, tft_error *err)
{
    const tft_status status = store_acknowledge(n->options.keep, id, ack, err);
    if (status == TFT_OK && !acks_set(n->seen, id, ack))
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for an acknowledgement");
    return status;
}

bool notify_ack_of(notify *n, const char *id, int64_t now_ms, store_ack *ack)
{
    return acks_find(n->seen, id, now_ms, ack);
}

/* ---- receivers --------------------------------------------------------------------------------------------------- */

void notify_set_url(notify *n, const char *url)
{
    pthread_mutex_lock(&n->delivery_lock);
    snprintf(n->url, sizeof n->url, "%s", url);
    if (n->told != NULL)
        delivery_set_url(n->told, url);
    pthread_mutex_unlock(&n->delivery_lock);
}

tft_status notify_configure(notify *n, const notify_config *config, tft_error *err)
{
    pthread_mutex_lock(&n->delivery_lock);
    delivery_close(n->told); // first: two at once would tell everything twice
    n->told = NULL;
    const tft_status status = open_delivery(n, config, err);
    pthread_mutex_unlock(&n->delivery_lock);
    return status;
}

void notify_each_target(notify *n,
                        void (*visit)(void *context, const notify_receiver *receiver, size_t which,
                                      const outbox_target *target, size_t waiting),
                        void *context)
{
    pthread_mutex_lock(&n->delivery_lock);
    if (n->told != NULL)
        delivery_each(n->told, visit, context);
    pthread_mutex_unlock(&n->delivery_lock);
}

tft_status notify_test(notify *n, const char *name,
                       void (*visit)(void *context, const char *target, const post_answer *answer), void *context,
                       tft_error *err)
{
    char url[128];
    notify_receiver receiver;
    pthread_mutex_lock(&n->delivery_lock);
    const bool found = n->told != NULL && delivery_receiver(n->told, name, &receiver, url);
    pthread_mutex_unlock(&n->delivery_lock);
    if (!found)
        return tft_fail(err, TFT_ERR_NOT_FOUND, "No receiver '%s'", name);
    return delivery_test(&receiver, url, visit, context, err);
}
