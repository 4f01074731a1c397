/* reader_steps.c - the steps of one server out of step_log and, where that has none, out of the sealed ones. See reader.h.
 *
 * Both tables are ordered by time, then server; so the span's steps are looked up one by one instead of walking the whole fleet.
 */
#include <endian.h>
#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "base/clock.h"
#include "store/database_steps.h"
#include "store/reader_internal.h"

#define SEALED_BYTES 6 // a metric: the mean, how many values (database.h)

static double read_float(const unsigned char *at)
{
    uint32_t bits;
    float value;
    memcpy(&bits, at, sizeof bits);
    bits = le32toh(bits);
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static void read_logged(const unsigned char *at, store_past_step *out, size_t m)
{
    uint32_t count;
    memcpy(&count, at + 12, sizeof count);
    out->count[m] = le32toh(count);
    out->mean[m] = read_float(at);
    out->least[m] = read_float(at + 4);
    out->most[m] = read_float(at + 8);
}

static void read_sealed(const unsigned char *at, store_past_step *out, size_t m)
{
    uint16_t count;
    memcpy(&count, at + 4, sizeof count);
    out->count[m] = le16toh(count);
    out->mean[m] = out->count[m] > 0 ? read_float(at) : (double)NAN;
}

static void read_step(const store_reader *r, sqlite3_stmt *row, int64_t server, store_past_step *out)
{
    const bool logged = sqlite3_column_int(row, 4) != 0;
    const size_t bytes = logged ? DATABASE_STEP_LOG_BYTES : SEALED_BYTES;
    const unsigned char *const blob = sqlite3_column_blob(row, 3);
    const size_t n = (size_t)sqlite3_column_bytes(row, 3) / bytes;
    *out = (store_past_step){.start_ms = sqlite3_column_int64(row, 0),
                             .server = server,
                             .records = (size_t)sqlite3_column_int64(row, 1),
                             .state = (tft_state)sqlite3_column_int(row, 2)};
    for (size_t m = 0; m < r->n_metrics; m++) {
        out->mean[m] = out->least[m] = out->most[m] = NAN;
        if (r->columns[m] < 0 || (size_t)r->columns[m] >= n)
            continue;
        const unsigned char *const at = blob + (size_t)r->columns[m] * bytes;
        if (logged)
            read_logged(at, out, m);
        else
            read_sealed(at, out, m);
    }
}

/* Cuts the span to what the tables reach, so that a span of years is not looked up step by step. */
static tft_status cut(const store_reader *r, int64_t *from_ms, int64_t *to_ms, tft_error *err)
{
    static const char *const bounds[] = {"SELECT min(time) FROM step_log UNION ALL SELECT min(time) FROM steps",
                                         "SELECT max(time) FROM step_log UNION ALL SELECT max(time) FROM steps"};
    int64_t ends[2] = {INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < 2; i++) {
        sqlite3_stmt *both = NULL;
        if (sqlite3_prepare_v2(r->handle, bounds[i], -1, &both, NULL) != SQLITE_OK)
            return store_reader_fail(r, "read steps", err);
        while (sqlite3_step(both) == SQLITE_ROW) {
            const int64_t time_ms = sqlite3_column_int64(both, 0);
            const bool further = i == 0 ? time_ms < ends[i] : time_ms > ends[i];
            if (sqlite3_column_type(both, 0) != SQLITE_NULL && further)
                ends[i] = time_ms;
        }
        sqlite3_finalize(both);
    }
    const int64_t first_ms = tft_floor_to(*from_ms + r->step_ms - 1, r->step_ms);
    *from_ms = first_ms > ends[0] ? first_ms : ends[0];
    *to_ms = ends[1] == INT64_MIN ? *from_ms : *to_ms < ends[1] + 1 ? *to_ms : ends[1] + 1;
    return TFT_OK;
}

tft_status store_reader_steps(store_reader *r, int64_t server, int64_t from_ms, int64_t to_ms,
                              bool (*visit)(void *context, const store_past_step *step), void *context, tft_error *err)
{
    sqlite3_stmt *all = NULL;
    tft_status status = cut(r, &from_ms, &to_ms, err);
    if (status != TFT_OK || from_ms >= to_ms)
        return status;
    if (sqlite3_prepare_v2(
            r->handle,
            "WITH RECURSIVE t(x) AS (SELECT ?1 UNION ALL SELECT x + ?4 FROM t WHERE x + ?4 < ?2) "
            "SELECT t.x, coalesce(l.records, s.records), coalesce(l.state, s.state), coalesce(l.vals, s.vals), "
            "l.time IS NOT NULL FROM t LEFT JOIN step_log l ON l.time = t.x AND l.server = ?3 "
            "LEFT JOIN steps s ON s.time = t.x AND s.server = ?3 "
            "WHERE l.time IS NOT NULL OR s.vals IS NOT NULL",
            -1, &all, NULL) != SQLITE_OK)
        return store_reader_fail(r, "read steps", err);
    sqlite3_bind_int64(all, 1, from_ms);
    sqlite3_bind_int64(all, 2, to_ms);
    sqlite3_bind_int64(all, 3, server);
    sqlite3_bind_int64(all, 4, r->step_ms);
    int code = SQLITE_DONE;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(all)) == SQLITE_ROW) {
        store_past_step step;
        read_step(r, all, server, &step);
        goes_on = visit(context, &step);
    }
    if (goes_on && code != SQLITE_DONE)
        status = store_reader_fail(r, "read steps", err);
    sqlite3_finalize(all);
    return status;
}
