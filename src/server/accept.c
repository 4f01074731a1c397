/* accept.c - see accept.h. */
#include "server/accept.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "server/sleep.h"

static fleet_verdict to_fleet(const server *srv, tft_record *record, const store_verdict *verdict)
{
    if (verdict->outcome == STORE_NEW)
        return FLEET_NEW;
    if (verdict->outcome != STORE_FILLED)
        return FLEET_NOTHING;
    for (size_t m = 0; m < srv->contract.n_metrics; m++) {
        if ((verdict->filled & (1u << m)) == 0)
            record->values[m] = NAN;
    }
    if (!verdict->state_filled)
        record->state = TFT_STATE_NONE;
    return FLEET_FILLED;
}

static void count(accept_counts *counts, const store_verdict *verdict)
{
    const bool refused = verdict->outcome == STORE_TOO_OLD || verdict->outcome == STORE_TOO_MANY_SERVERS;
    counts->accepted += verdict->outcome == STORE_NEW || verdict->outcome == STORE_FILLED;
    counts->filled += verdict->outcome == STORE_FILLED;
    counts->duplicates += verdict->outcome == STORE_DUPLICATE;
    counts->conflicts += verdict->conflict;
    counts->late += verdict->late;
    counts->rejected += refused;
}

/* What the store has committed becomes the fleet's; tells the engine. */
static void apply(server *srv, tft_record *records, size_t n, size_t n_rejected, int64_t arrival_ms,
                  const store_verdict *verdicts, fleet_record *moves, accept_counts *counts)
{
    for (size_t i = 0; i < n; i++) {
        tft_record *const r = &records[i];
        count(counts, &verdicts[i]);
        srv->meters.rejected[TFT_FAULT_TOO_OLD] += verdicts[i].outcome == STORE_TOO_OLD;
        srv->meters.rejected[TFT_FAULT_TOO_MANY_SERVERS] += verdicts[i].outcome == STORE_TOO_MANY_SERVERS;
        const fleet_verdict verdict = to_fleet(srv, r, &verdicts[i]); // leaves of a completed record what it added
        moves[i] = (fleet_record){r->name, r->name_length, r->time_ms, r->values, r->state, r->profile, verdict};
    }
    const fleet_batch moved = {moves, n, counts->duplicates, counts->conflicts, n_rejected + counts->rejected};
    tft_error why = {0};
    if (fleet_apply(srv->fleet, &moved, arrival_ms, &counts->receipt, &why) != TFT_OK)
        // on disk and acknowledged all the same: the next start brings it back
        log_line(srv->log, LOG_TAG_WARNING, "Stored records are not in memory: %s", why.text);
    if (counts->accepted > 0)
        engine_notify(srv->engine);
}

static tft_status store_and_apply(server *srv, meters_source source, tft_record *records, size_t n, size_t n_rejected,
                                  int64_t arrival_ms, store_verdict *verdicts, accept_counts *counts, bool whole,
                                  bool *refused, tft_error *err)
{
    *counts = (accept_counts){0};
    fleet_record *const moves = calloc(n > 0 ? n : 1, sizeof *moves);
    if (moves == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu records", n);
    store_batch batch = {
        .records = records, .n = n, .n_rejected = n_rejected, .arrival_ms = arrival_ms, .verdicts = verdicts};
    pthread_rwlock_rdlock(&srv->forget_lock); // nobody forgets a server between store and fleet
    const double began = tft_monotonic_s();
    const tft_status status =
        whole ? store_append_whole(srv->store, &batch, refused, err) : store_append(srv->store, &batch, err);
    const double took = tft_monotonic_s() - began;
    if (status == TFT_OK && !*refused)
        apply(srv, records, n, n_rejected, arrival_ms, verdicts, moves, counts);
    pthread_rwlock_unlock(&srv->forget_lock);
    meters_batch(&srv->meters, source, n + n_rejected, counts->accepted, took, status == TFT_OK, arrival_ms);
    free(moves);
    return status;
}

/* The same for a batch that may hold servers that sleep: they wake first. Those for whom there is no place are held back from the
 * store, or refuse the whole batch. */
static tft_status take_waking(server *srv, meters_source source, tft_record *records, size_t n, size_t n_rejected,
                              int64_t arrival_ms, store_verdict *verdicts, accept_counts *counts, bool whole,
                              bool *refused, tft_error *err)
{
    tft_status status = TFT_OK;
    bool *const held = calloc(n + 1, sizeof *held);
    tft_record *const some = calloc(n + 1, sizeof *some);
    store_verdict *const said = calloc(n + 1, sizeof *said);
    if (held == NULL || some == NULL || said == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu records", n);
        goto done;
    }
    const size_t n_held = sleep_wake(srv, records, n, held);
    *counts = (accept_counts){0};
    if (n_held > 0 && whole) {
        *refused = true;
        for (size_t i = 0; i < n; i++)
            verdicts[i].outcome = held[i] ? STORE_TOO_MANY_SERVERS : STORE_DUPLICATE;
        goto done;
    }
    size_t n_some = 0;
    for (size_t i = 0; i < n; i++) {
        if (!held[i])
            some[n_some++] = records[i];
    }
    status =
        store_and_apply(srv, source, some, n_some, n_rejected + n_held, arrival_ms, said, counts, whole, refused, err);
    for (size_t i = 0, k = 0; i < n && status == TFT_OK; i++)
        verdicts[i] = held[i] ? (store_verdict){.outcome = STORE_TOO_MANY_SERVERS, .server = UINT32_MAX} : said[k++];
    counts->rejected += n_held;
    srv->meters.rejected[TFT_FAULT_TOO_MANY_SERVERS] += n_held;

done:
    free(held);
    free(some);
    free(said);
    return status;
}

static tft_status take(server *srv, meters_source source, tft_record *records, size_t n, size_t n_rejected,
                       int64_t arrival_ms, store_verdict *verdicts, accept_counts *counts, bool whole, bool *refused,
                       tft_error *err)
{
    return (fleet_n_asleep(srv->fleet) > 0 ? take_waking : store_and_apply)(
        srv, source, records, n, n_rejected, arrival_ms, verdicts, counts, whole, refused, err);
}

tft_status accept_records(server *srv, meters_source source, tft_record *records, size_t n, size_t n_rejected,
                          int64_t arrival_ms, store_verdict *verdicts, accept_counts *counts, tft_error *err)
{
    bool refused = false;
    return take(srv, source, records, n, n_rejected, arrival_ms, verdicts, counts, false, &refused, err);
}

tft_status accept_whole(server *srv, meters_source source, tft_record *records, size_t n, int64_t arrival_ms,
                        store_verdict *verdicts, accept_counts *counts, bool *refused, tft_error *err)
{
    *refused = false;
    return take(srv, source, records, n, 0, arrival_ms, verdicts, counts, true, refused, err);
}
