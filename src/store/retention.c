/* retention.c - store_maintain(): raw records past retention become sealed steps.
 *
 * A record expires when its timestamp and its arrival are both older than retention_records. The first one of a (server,
 * step) to expire seals the step: the mean of all its raw records is kept, and from then on nothing is added to it, so
 * a retry can never count twice. The other records of the step stay until they expire themselves.
 *
 * The walk goes over the steps from the oldest on, one step of the whole fleet a transaction, so that appends wait for
 * one step at most. A block of backfilled (old, but just arrived) records would be walked over again each time; so
 * a full walk remembers when the soonest of those it left will expire, and nothing is done before.
 *
 * Steps beyond their own retention become hours (hours.h). Those that have ended are counted for /history last, and packed for a
 * restart (step_blocks.h): what room has to be made for must not keep it from being made.
 *
 * Where the file grows past nine tenths of max_bytes, the oldest steps are sealed early, until a twentieth is free again.
 */
#include "base/clock.h"
#include "store/hours.h"
#include "store/internal.h"
#include "store/step_blocks.h"
#include "store/step_log.h"
#include "store/tally.h"

typedef struct seal_context {
    tally sums;
    int64_t cutoff_ms;
    int64_t soonest_ms; // least max(time, arrival) of the records that stay
    size_t n_expired;
} seal_context;

static tft_status visit(void *context, const database_record *row, tft_error *err)
{
    seal_context *const seal = context;
    const int64_t later = row->time_ms > row->arrival_ms ? row->time_ms : row->arrival_ms;
    const bool expired = later < seal->cutoff_ms;
    seal->n_expired += expired;
    if (!expired && later < seal->soonest_ms)
        seal->soonest_ms = later;
    return tally_add(&seal->sums, row, expired, err);
}

static tft_status put_steps(store *s, const seal_context *seal, int64_t step_ms, tft_error *err)
{
    tft_status status = TFT_OK;
    for (size_t i = 0; i < seal->sums.n_seen && status == TFT_OK; i++) {
        if (!seal->sums.expired[seal->sums.seen[i]])
            continue;
        database_step row;
        tally_step(&seal->sums, i, step_ms, &row);
        bool sealed;
        status = database_is_sealed(s->db, step_ms, row.server, &sealed, err);
        if (status == TFT_OK && !sealed)
            status = database_put_step(s->db, &row, err);
    }
    return status;
}

/* Seals and prunes the step that starts at step_ms, in one transaction. */
static tft_status seal_step(store *s, seal_context *seal, int64_t step_ms, size_t *n_pruned, tft_error *err)
{
    const int64_t end_ms = step_ms + s->step_ms;
    seal->n_expired = 0;
    tally_clear(&seal->sums);
    tft_status status = database_each_record(s->db, step_ms, end_ms, visit, seal, err);
    if (status != TFT_OK || seal->n_expired == 0)
        return status;

    database_counters counters = s->counters;
    size_t n = 0;
    int64_t due_ms = INT64_MIN;
    status = database_begin(s->db, err);
    if (status == TFT_OK)
        status = database_due_step(s->db, step_ms + 1, &due_ms, err);
    if (status == TFT_OK && due_ms == step_ms) // the last moment at which all of its records are there
        status = step_log_put(s, &seal->sums, step_ms, err);
    if (status == TFT_OK)
        status = put_steps(s, seal, step_ms, err);
    if (status == TFT_OK)
        status = database_delete_records(s->db, step_ms, end_ms, seal->cutoff_ms, &n, err);
    counters.window_size -= (int64_t)n;
    if (status == TFT_OK)
        status = database_set_counters(s->db, &counters, err);
    if (status == TFT_OK)
        status = database_commit(s->db, err);
    if (status != TFT_OK)
        return store_undo(s, status);
    store_settle(s, &counters);
    s->sealed_end_ms = end_ms > s->sealed_end_ms ? end_ms : s->sealed_end_ms;
    *n_pruned += n;
    return TFT_OK;
}

/* The next step of the walk; *more is false when the walk is at its end. Runs as the writer. */
static tft_status walk(store *s, int64_t now_ms, bool *more, size_t *n_pruned, tft_error *err)
{
    *more = false;
    const int64_t cutoff_ms = now_ms - s->retention_records_ms;
    if (s->next_expiry_ms >= cutoff_ms)
        return TFT_OK;
    int64_t oldest;
    size_t n_metrics;
    tft_status status = database_oldest_record(s->db, s->prune_from_ms, &oldest, err);
    if (status != TFT_OK)
        return status;
    if (oldest >= cutoff_ms) { // what is left expires when the oldest of it does, or when one that was passed over does
        s->next_expiry_ms = oldest < s->soonest_ms ? oldest : s->soonest_ms;
        s->prune_from_ms = INT64_MIN;
        s->soonest_ms = INT64_MAX;
        if (s->next_expiry_ms == INT64_MAX) // nothing there: a backfilled record may come any time, but arrives now
            s->next_expiry_ms = now_ms;
        return TFT_OK;
    }
    seal_context seal = {.cutoff_ms = cutoff_ms, .soonest_ms = s->soonest_ms};
    status = database_count_metrics(s->db, &n_metrics, err);
    if (status == TFT_OK)
        status = tally_init(&seal.sums, s->names.n, n_metrics, err);
    const int64_t step_ms = tft_floor_to(oldest, s->step_ms);
    if (status == TFT_OK)
        status = seal_step(s, &seal, step_ms, n_pruned, err);
    tally_free(&seal.sums);
    if (status != TFT_OK)
        return status;
    s->soonest_ms = seal.soonest_ms;
    s->prune_from_ms = step_ms + s->step_ms;
    *more = true;
    return TFT_OK;
}

/* Seals the oldest step early where the file is too full; *more tells whether that may have to go on. */
static tft_status make_room(store *s, int64_t now_ms, double share, bool *more, size_t *n_pruned, tft_error *err)
{
    *more = false;
    uint64_t bytes;
    tft_status status = database_bytes(s->db, &bytes, err);
    if (status != TFT_OK || s->max_bytes == 0 || (double)bytes < share * (double)s->max_bytes)
        return status;
    int64_t oldest;
    size_t n_metrics;
    status = database_oldest_record(s->db, INT64_MIN, &oldest, err);
    if (status != TFT_OK || oldest >= now_ms - s->step_ms)
        return status;
    seal_context seal = {.cutoff_ms = INT64_MAX, .soonest_ms = INT64_MAX};
    status = database_count_metrics(s->db, &n_metrics, err);
    if (status == TFT_OK)
        status = tally_init(&seal.sums, s->names.n, n_metrics, err);
    if (status == TFT_OK)
        status = seal_step(s, &seal, tft_floor_to(oldest, s->step_ms), n_pruned, err);
    tally_free(&seal.sums);
    *more = status == TFT_OK;
    return status;
}

/* While the store is in trouble nobody may be sending: a write of our own finds out whether it is over. */
static tft_status probe(store *s, tft_error *err)
{
    tft_status status = database_begin(s->db, err);
    if (status == TFT_OK)
        status = database_set_counters(s->db, &s->counters, err);
    if (status == TFT_OK)
        status = database_commit(s->db, err);
    if (status != TFT_OK)
        return store_undo(s, status);
    store_settle(s, &s->counters);
    return TFT_OK;
}

tft_status store_maintain(store *s, size_t *n_pruned, tft_error *err)
{
    size_t pruned = 0;
    bool more = true;
    tft_status status = TFT_OK;
    (void)store_check_room(s, NULL); // also where nobody sends: /health is asked
    if (s->trouble != 0) {
        store_begin_writing(s);
        status = probe(s, err);
        store_end_writing(s);
    }
    while (more && status == TFT_OK) { // appends get their turn between two steps
        store_begin_writing(s);
        status = walk(s, s->now_ms(), &more, &pruned, err);
        store_end_writing(s);
    }
    more = true;
    for (size_t round = 0; more && status == TFT_OK; round++) {
        store_begin_writing(s);
        status = make_room(s, s->now_ms(), round == 0 ? 0.9 : 0.85, &more, &pruned, err);
        store_end_writing(s);
    }
    if (status == TFT_OK)
        status = hours_keep(s, err);
    if (status == TFT_OK)
        status = step_log_count(s, err);
    if (status == TFT_OK)
        status = step_blocks_make(s, err);
    if (n_pruned != NULL)
        *n_pruned = pruned;
    return status;
}
