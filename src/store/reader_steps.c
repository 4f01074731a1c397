/* reader_steps.c - steps out of step_log and, where that has none, out of the sealed ones; beyond their retention hours. See reader.h.
 *
 * All three tables are ordered by time, then server; so one server's span is looked up step by step instead of walking the whole fleet.
 */
#include <math.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "store/database_hours.h"
#include "store/reader_internal.h"

/* Each gives time, server, records, state, vals, and whether vals are of the kind of step_log. ?1 from, ?2 to, ?3 server, ?4
 * the distance between two. */
static const char steps_of_one[] =
    "WITH RECURSIVE t(x) AS (SELECT ?1 UNION ALL SELECT x + ?4 FROM t WHERE x + ?4 < ?2) "
    "SELECT t.x, ?3, coalesce(l.records, s.records), coalesce(l.state, s.state), coalesce(l.vals, s.vals), "
    "l.time IS NOT NULL FROM t LEFT JOIN step_log l ON l.time = t.x AND l.server = ?3 "
    "LEFT JOIN steps s ON s.time = t.x AND s.server = ?3 WHERE l.time IS NOT NULL OR s.vals IS NOT NULL";
static const char steps_of_all[] =
    "SELECT time, server, records, state, vals, 1 FROM step_log WHERE time >= ?1 AND time < ?2 "
    "UNION ALL SELECT time, server, records, state, vals, 0 FROM steps s WHERE time >= ?1 AND time < ?2 AND "
    "vals IS NOT NULL AND NOT EXISTS (SELECT 1 FROM step_log l WHERE l.time = s.time AND l.server = s.server) "
    "ORDER BY 1, 2";
static const char hours_of_one[] =
    "WITH RECURSIVE t(x) AS (SELECT ?1 UNION ALL SELECT x + ?4 FROM t WHERE x + ?4 < ?2) "
    "SELECT h.time, h.server, h.records, h.state, h.vals, 1 FROM t JOIN hours h ON h.time = t.x AND h.server = ?3 "
    "WHERE h.vals IS NOT NULL";
static const char hours_of_all[] = "SELECT time, server, records, state, vals, 1 FROM hours WHERE time >= ?1 AND "
                                   "time < ?2 AND vals IS NOT NULL ORDER BY time, server";
/* Where the tables begin and end. */
static const char steps_reach[] = "SELECT min(time), max(time) FROM step_log UNION ALL "
                                  "SELECT min(time), max(time) FROM steps";
static const char hours_reach[] = "SELECT min(time), max(time) FROM hours";

/* Steps or hours, one after the other. */
typedef struct rows {
    sqlite3_stmt *all; // NULL: none
    int64_t length_ms;
    bool there; // `next` is one
    store_past_step next;
} rows;

static void read_row(const store_reader *r, const rows *from, store_past_step *out)
{
    sqlite3_stmt *const row = from->all;
    const bool logged = sqlite3_column_int(row, 5) != 0;
    const size_t bytes = logged ? DATABASE_STEP_LOG_BYTES : DATABASE_STEP_BYTES;
    const unsigned char *const blob = sqlite3_column_blob(row, 4);
    const size_t n = (size_t)sqlite3_column_bytes(row, 4) / bytes;
    *out = (store_past_step){.start_ms = sqlite3_column_int64(row, 0),
                             .length_ms = from->length_ms,
                             .server = sqlite3_column_int64(row, 1),
                             .records = (size_t)sqlite3_column_int64(row, 2),
                             .state = (tft_state)sqlite3_column_int(row, 3)};
    for (size_t m = 0; m < r->n_metrics; m++) {
        out->mean[m] = out->least[m] = out->most[m] = NAN;
        if (r->columns[m] < 0 || (size_t)r->columns[m] >= n)
            continue;
        const unsigned char *const at = blob + (size_t)r->columns[m] * bytes;
        const database_values v = logged ? database_read_logged(at) : database_read_sealed(at);
        out->count[m] = v.count;
        out->mean[m] = (double)v.mean;
        out->least[m] = (double)v.least;
        out->most[m] = (double)v.most;
    }
}

static tft_status advance(const store_reader *r, rows *from, tft_error *err)
{
    const int code = from->all != NULL ? sqlite3_step(from->all) : SQLITE_DONE;
    from->there = code == SQLITE_ROW;
    if (from->there)
        read_row(r, from, &from->next);
    return from->there || code == SQLITE_DONE ? TFT_OK : store_reader_fail(r, "read steps", err);
}

/* Cuts the span to what the tables reach, so that a span of years is not looked up step by step. */
static tft_status cut(const store_reader *r, const char *reach, int64_t length_ms, int64_t *from_ms, int64_t *to_ms,
                      tft_error *err)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    sqlite3_stmt *all = NULL;
    if (sqlite3_prepare_v2(r->handle, reach, -1, &all, NULL) != SQLITE_OK)
        return store_reader_fail(r, "read steps", err);
    while (sqlite3_step(all) == SQLITE_ROW) {
        const int64_t low = sqlite3_column_int64(all, 0), high = sqlite3_column_int64(all, 1);
        const bool any = sqlite3_column_type(all, 0) != SQLITE_NULL;
        first = any && low < first ? low : first;
        last = any && high > last ? high : last;
    }
    sqlite3_finalize(all);
    const int64_t from = tft_floor_to(*from_ms + length_ms - 1, length_ms);
    *from_ms = from > first ? from : first;
    *to_ms = last == INT64_MIN ? *from_ms : *to_ms < last + 1 ? *to_ms : last + 1;
    return TFT_OK;
}

/* Opens one kind of rows and finds its first. */
static tft_status open_rows(const store_reader *r, bool hours, int64_t server, int64_t from_ms, int64_t to_ms,
                            rows *out, tft_error *err)
{
    *out = (rows){.length_ms = hours ? DATABASE_HOUR_STEPS * r->step_ms : r->step_ms};
    tft_status status = cut(r, hours ? hours_reach : steps_reach, out->length_ms, &from_ms, &to_ms, err);
    if (status != TFT_OK || from_ms >= to_ms)
        return status;
    const char *const text = server > 0 ? (hours ? hours_of_one : steps_of_one) : hours ? hours_of_all : steps_of_all;
    if (sqlite3_prepare_v2(r->handle, text, -1, &out->all, NULL) != SQLITE_OK)
        return store_reader_fail(r, "read steps", err);
    sqlite3_bind_int64(out->all, 1, from_ms);
    sqlite3_bind_int64(out->all, 2, to_ms);
    if (server > 0) {
        sqlite3_bind_int64(out->all, 3, server);
        sqlite3_bind_int64(out->all, 4, out->length_ms);
    }
    return advance(r, out, err);
}

static bool comes_first(const rows *hours, const rows *steps)
{
    if (!hours->there || !steps->there)
        return hours->there;
    if (hours->next.start_ms != steps->next.start_ms)
        return hours->next.start_ms < steps->next.start_ms;
    return hours->next.server <= steps->next.server;
}

tft_status store_reader_steps(store_reader *r, int64_t server, int64_t from_ms, int64_t to_ms,
                              bool (*visit)(void *context, const store_past_step *step), void *context, tft_error *err)
{
    rows hours = {0}, steps = {0};
    bool goes_on = true;
    // one state of the file for both: an hour that is made meanwhile is seen as its steps
    tft_status status = sqlite3_exec(r->handle, "BEGIN", NULL, NULL, NULL) == SQLITE_OK
                            ? TFT_OK
                            : store_reader_fail(r, "read steps", err);
    if (status == TFT_OK)
        status = open_rows(r, true, server, from_ms, to_ms, &hours, err);
    if (status == TFT_OK)
        status = open_rows(r, false, server, from_ms, to_ms, &steps, err);
    while (status == TFT_OK && goes_on && (hours.there || steps.there)) {
        rows *const from = comes_first(&hours, &steps) ? &hours : &steps;
        goes_on = visit(context, &from->next);
        if (goes_on)
            status = advance(r, from, err);
    }
    sqlite3_finalize(hours.all);
    sqlite3_finalize(steps.all);
    sqlite3_exec(r->handle, "ROLLBACK", NULL, NULL, NULL);
    return status;
}
