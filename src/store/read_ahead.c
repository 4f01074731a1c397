/* read_ahead.c - see read_ahead.h. Batches are filled and taken in turn: number k lies in batches[k mod 2]. */
#include "store/read_ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 1024 // a batch: some hundred microseconds of work, so that waking each other does not count
#define BATCHES 2

typedef struct row_head {
    int64_t time_ms, server, arrival_ms;
    int state;
    size_t n_values;
} row_head;

typedef struct batch {
    size_t n;
    row_head heads[ROWS];
    double *values; // [ROWS, n_metrics]
} batch;

typedef struct ahead {
    database *db;
    const read_ahead_span *spans; // [n_spans]
    size_t n_spans, n_metrics;
    batch *batches;
    tft_status status; // the thread's, once it has ended
    tft_error err;
    pthread_mutex_t lock; // guards the fields below, and hands over the batches
    pthread_cond_t moved;
    size_t filled, taken; // batches so far
    bool ended, stop;
} ahead;

static tft_status each_record(const ahead *a, tft_status (*visit)(void *, const database_record *, tft_error *),
                              void *context, tft_error *err)
{
    tft_status status = TFT_OK;
    for (size_t i = 0; i < a->n_spans && status == TFT_OK; i++)
        status = database_each_record(a->db, a->spans[i].from_ms, a->spans[i].to_ms, visit, context, err);
    return status;
}

/* ---- the thread ------------------------------------------------------------------------------------------------ */

/* Hands the batch over and waits until the next one is free; false where the caller wants no more. */
static bool hand_over(ahead *a)
{
    pthread_mutex_lock(&a->lock);
    a->filled++;
    pthread_cond_signal(&a->moved);
    while (a->filled - a->taken == BATCHES && !a->stop)
        pthread_cond_wait(&a->moved, &a->lock);
    const bool go_on = !a->stop;
    a->batches[a->filled % BATCHES].n = 0;
    pthread_mutex_unlock(&a->lock);
    return go_on;
}

static tft_status keep(void *context, const database_record *record, tft_error *err)
{
    ahead *const a = context;
    batch *const to = &a->batches[a->filled % BATCHES]; // only this thread moves `filled`
    if (record->n_values > a->n_metrics)
        return tft_fail(err, TFT_ERR_FORMAT, "record of server %lld at %lld has %zu values, %zu metrics are known",
                        (long long)record->server, (long long)record->time_ms, record->n_values, a->n_metrics);
    to->heads[to->n] = (row_head){record->time_ms, record->server, record->arrival_ms, record->state, record->n_values};
    memcpy(to->values + to->n * a->n_metrics, record->values, record->n_values * sizeof *to->values);
    if (++to->n < ROWS || hand_over(a))
        return TFT_OK;
    return tft_fail(err, TFT_ERR_INTERRUPTED, "reading was stopped");
}

static void *run(void *context)
{
    ahead *const a = context;
    a->status = each_record(a, keep, a, &a->err);
    pthread_mutex_lock(&a->lock);
    a->filled += a->batches[a->filled % BATCHES].n > 0; // what was read before a fault counts
    a->ended = true;
    pthread_cond_signal(&a->moved);
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* ---- the caller ------------------------------------------------------------------------------------------------ */

/* The next batch, or NULL behind the last one. */
static const batch *next_batch(ahead *a)
{
    pthread_mutex_lock(&a->lock);
    while (a->filled == a->taken && !a->ended)
        pthread_cond_wait(&a->moved, &a->lock);
    const batch *const next = a->filled > a->taken ? &a->batches[a->taken % BATCHES] : NULL;
    pthread_mutex_unlock(&a->lock);
    return next;
}

static void give_back(ahead *a, bool stop)
{
    pthread_mutex_lock(&a->lock);
    a->taken++;
    a->stop = stop;
    pthread_cond_signal(&a->moved);
    pthread_mutex_unlock(&a->lock);
}

static tft_status visit_all(ahead *a, tft_status (*visit)(void *, const database_record *, tft_error *), void *context,
                            tft_error *err)
{
    tft_status status = TFT_OK;
    database_record record;
    for (const batch *from; status == TFT_OK && (from = next_batch(a)) != NULL;) {
        for (size_t i = 0; i < from->n && status == TFT_OK; i++) {
            const row_head *const head = &from->heads[i];
            record.time_ms = head->time_ms;
            record.server = head->server;
            record.arrival_ms = head->arrival_ms;
            record.state = head->state;
            record.n_values = head->n_values;
            memcpy(record.values, from->values + i * a->n_metrics, head->n_values * sizeof *record.values);
            status = visit(context, &record, err);
        }
        give_back(a, status != TFT_OK);
    }
    return status;
}

static tft_status open_batches(ahead *a, tft_error *err)
{
    const size_t n = a->n_metrics > 0 ? a->n_metrics : 1;
    a->batches = calloc(BATCHES, sizeof *a->batches);
    bool fine = a->batches != NULL;
    for (size_t i = 0; i < BATCHES && fine; i++) {
        a->batches[i].values = calloc(ROWS * n, sizeof(double));
        fine = a->batches[i].values != NULL;
    }
    return fine ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "no memory to read records ahead");
}

static void close_batches(ahead *a)
{
    for (size_t i = 0; i < BATCHES && a->batches != NULL; i++)
        free(a->batches[i].values);
    free(a->batches);
}

tft_status read_ahead_each_record(database *db, const read_ahead_span *spans, size_t n_spans, size_t n_metrics,
                                  tft_status (*visit)(void *, const database_record *, tft_error *), void *context,
                                  tft_error *err)
{
    ahead a = {.db = db, .spans = spans, .n_spans = n_spans, .n_metrics = n_metrics};
    pthread_t thread;
    tft_status status = open_batches(&a, err);
    pthread_mutex_init(&a.lock, NULL);
    pthread_cond_init(&a.moved, NULL);
    if (status == TFT_OK && pthread_create(&thread, NULL, run, &a) == 0) {
        status = visit_all(&a, visit, context, err);
        pthread_join(thread, NULL);
        if (status == TFT_OK && a.status != TFT_OK)
            status = tft_fail(err, a.status, "%s", a.err.text);
    } else if (status == TFT_OK) {
        status = each_record(&a, visit, context, err);
    }
    pthread_cond_destroy(&a.moved);
    pthread_mutex_destroy(&a.lock);
    close_batches(&a);
    return status;
}
