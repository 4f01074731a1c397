/* hours.c - see hours.h. */
#include "store/hours.h"

#include <string.h>

#include "base/clock.h"
#include "store/database_blocks.h"
#include "store/database_hours.h"
#include "store/step_blocks.h"
#include "store/tally.h"

#define FORGET_BATCH 5000
#define PATIENCE_S 2.0 // the next round goes on
#define TOO_FULL 0.95  // share of max_bytes; from 0.9 on raw records are sealed early (retention.c)

static int64_t hour_length(const store *s)
{
    return DATABASE_HOUR_STEPS * s->step_ms;
}

/* The oldest hour that has steps, no raw records, and ends by end_ms; INT64_MIN = none. */
static tft_status find_hour(store *s, int64_t end_ms, int64_t *hour_ms, tft_error *err)
{
    const int64_t length = hour_length(s);
    int64_t from_ms = INT64_MIN, step_ms, record_ms = INT64_MIN;
    tft_status status;
    do {
        store_begin_writing(s);
        status = database_oldest_kept_step(s->db, from_ms, &step_ms, err);
        *hour_ms = step_ms == INT64_MAX ? INT64_MIN : tft_floor_to(step_ms, length);
        if (*hour_ms != INT64_MIN && *hour_ms > end_ms - length)
            *hour_ms = INT64_MIN;
        if (status == TFT_OK && *hour_ms != INT64_MIN)
            status = database_oldest_record(s->db, *hour_ms, &record_ms, err);
        store_end_writing(s);
        from_ms = *hour_ms + length;
    } while (status == TFT_OK && *hour_ms != INT64_MIN && record_ms < from_ms);
    return status;
}

/* ---- one hour ------------------------------------------------------------------------------------------ */

typedef struct making {
    store *s;
    tally sums;
    int64_t hour_ms, first, end;    // servers first ≤ id < end
    uint32_t sealed[HOURS_SERVERS]; // of each
    bool has_values[HOURS_SERVERS];
} making;

static tft_status add(void *context, const database_hour *step, tft_error *err)
{
    making *const m = context;
    const int64_t at = step->row.server - m->first;
    if (at < 0 || at >= HOURS_SERVERS)
        return tft_fail(err, TFT_ERR_FORMAT, "a step of server number %lld, which was not asked for",
                        (long long)step->row.server);
    const int64_t i = (step->row.time_ms - m->hour_ms) / m->s->step_ms;
    m->sealed[at] |= step->sealed << i;
    m->has_values[at] |= step->row.n_values > 0;
    return tally_add_sums(&m->sums, &step->row, err);
}

/* Adds to server number i of those seen what its hour held before, and writes the sum. */
static tft_status put_hour(making *m, size_t i, tft_error *err)
{
    const int64_t server = (int64_t)m->sums.seen[i] + 1, at = server - m->first;
    database_hour hour;
    tft_status status = database_get_hour(m->s->db, m->hour_ms, server, &hour, err);
    if (status == TFT_OK) {
        m->sealed[at] |= hour.sealed;
        m->has_values[at] |= hour.row.n_values > 0;
        status = tally_add_sums(&m->sums, &hour.row, err);
    } else if (status == TFT_ERR_NOT_FOUND) {
        status = TFT_OK;
    }
    if (status != TFT_OK)
        return status;
    tally_logged(&m->sums, i, m->hour_ms, &hour.row);
    hour.sealed = m->sealed[at];
    if (!m->has_values[at])
        hour.row.n_values = 0;
    return database_put_hour(m->s->db, &hour, err);
}

/* Steps go: their blocks are made again of those that are left. */
static tft_status drop_block(const making *m, int64_t step_ms, tft_error *err)
{
    const int64_t block = step_blocks_of(m->s, step_ms);
    return step_ms == m->hour_ms || block != step_blocks_of(m->s, step_ms - m->s->step_ms)
               ? database_drop_blocks(m->s->db, block, m->first, m->end, err)
               : TFT_OK;
}

/* The hour of these servers, in one transaction. */
static tft_status make_part(making *m, tft_error *err)
{
    const int64_t step_ms = m->s->step_ms;
    memset(m->sealed, 0, sizeof m->sealed);
    memset(m->has_values, 0, sizeof m->has_values);
    tally_clear(&m->sums);
    tft_status status = store_begin_transaction(m->s, err);
    for (int64_t i = 0; i < DATABASE_HOUR_STEPS && status == TFT_OK; i++) {
        status = database_each_kept_step(m->s->db, m->hour_ms + i * step_ms, m->first, m->end, add, m, err);
        if (status == TFT_OK)
            status = database_drop_steps(m->s->db, m->hour_ms + i * step_ms, m->first, m->end, err);
        if (status == TFT_OK)
            status = drop_block(m, m->hour_ms + i * step_ms, err);
    }
    for (size_t i = 0; i < m->sums.n_seen && status == TFT_OK; i++)
        status = put_hour(m, i, err);
    return store_end_transaction(m->s, status, err);
}

static tft_status make_hour(store *s, int64_t hour_ms, tft_error *err)
{
    making m = {.s = s, .hour_ms = hour_ms};
    size_t n_metrics = 0;
    store_begin_writing(s);
    const size_t n_servers = s->names.n; // more have no steps of an hour without raw records
    tft_status status = database_count_metrics(s->db, &n_metrics, err);
    store_end_writing(s);
    if (status == TFT_OK)
        status = tally_init(&m.sums, n_servers, n_metrics, err);
    for (m.first = 1; m.first <= (int64_t)n_servers && status == TFT_OK; m.first = m.end) {
        m.end = m.first + HOURS_SERVERS;
        status = make_part(&m, err);
    }
    tally_free(&m.sums);
    s->hours_from_ms = hour_ms < s->hours_from_ms ? hour_ms : s->hours_from_ms;
    return status;
}

/* ---- retention ----------------------------------------------------------------------------------------- */

/* Drops the values of hours before cutoff_ms. */
static tft_status forget(store *s, int64_t cutoff_ms, tft_error *err)
{
    size_t n = FORGET_BATCH;
    tft_status status = TFT_OK;
    while (n == FORGET_BATCH && status == TFT_OK) {
        status = store_begin_transaction(s, err);
        if (status == TFT_OK)
            status = database_forget_hours(s->db, s->hours_from_ms, cutoff_ms, FORGET_BATCH, &n, err);
        status = store_end_transaction(s, status, err);
    }
    if (status == TFT_OK && cutoff_ms > s->hours_from_ms)
        s->hours_from_ms = cutoff_ms;
    return status;
}

static tft_status is_too_full(store *s, bool *full, tft_error *err)
{
    uint64_t bytes = 0;
    store_begin_writing(s);
    const tft_status status = s->max_bytes > 0 ? database_bytes(s->db, &bytes, err) : TFT_OK;
    store_end_writing(s);
    *full = s->max_bytes > 0 && (double)bytes > TOO_FULL * (double)s->max_bytes;
    return status;
}

/* Gives up the oldest hour where hours reach too far for the steps that are left; else the oldest steps become one. *more: there was
 * something. */
static tft_status make_room(store *s, bool *more, tft_error *err)
{
    const int64_t now_ms = s->now_ms();
    int64_t hour_ms = INT64_MIN, oldest_ms = INT64_MAX;
    tft_status status = find_hour(s, now_ms, &hour_ms, err);
    store_begin_writing(s);
    if (status == TFT_OK)
        status = database_oldest_hour(s->db, s->hours_from_ms, &oldest_ms, err);
    store_end_writing(s);
    const bool hours =
        oldest_ms != INT64_MAX && (hour_ms == INT64_MIN || (now_ms - oldest_ms) / HOURS_REACH > now_ms - hour_ms);
    *more = hours || hour_ms != INT64_MIN;
    if (status != TFT_OK || !*more)
        return status;
    return hours ? forget(s, oldest_ms + hour_length(s), err) : make_hour(s, hour_ms, err);
}

tft_status hours_keep(store *s, tft_error *err)
{
    const double until = tft_monotonic_s() + PATIENCE_S;
    const int64_t now_ms = s->now_ms(), kept_ms = s->retention_steps_ms;
    int64_t hour_ms = INT64_MIN;
    bool full = false, more = true;
    tft_status status;
    do {
        status = find_hour(s, now_ms - kept_ms, &hour_ms, err);
        if (status == TFT_OK && hour_ms != INT64_MIN)
            status = make_hour(s, hour_ms, err);
    } while (status == TFT_OK && hour_ms != INT64_MIN && tft_monotonic_s() < until);
    if (status == TFT_OK && kept_ms < now_ms / HOURS_REACH)
        status = forget(s, now_ms - HOURS_REACH * kept_ms, err);
    while (status == TFT_OK && more) { // to the end: what is refused otherwise are records
        status = is_too_full(s, &full, err);
        more = status == TFT_OK && full;
        if (more)
            status = make_room(s, &more, err);
    }
    return status;
}
