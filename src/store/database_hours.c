/* database_hours.c - see database_hours.h. Statements are prepared for each call, some thousand rows' work. */
#include "store/database_hours.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "store/database_internal.h"

static const char kept_steps[] =
    "SELECT l.time, l.server, l.records, l.state, s.time IS NOT NULL, l.vals, 1 FROM step_log l "
    "LEFT JOIN steps s ON s.time = l.time AND s.server = l.server "
    "WHERE l.time = ?1 AND l.server >= ?2 AND l.server < ?3 "
    "UNION ALL SELECT s.time, s.server, s.records, s.state, 1, s.vals, 0 FROM steps s "
    "WHERE s.time = ?1 AND s.server >= ?2 AND s.server < ?3 AND NOT EXISTS "
    "(SELECT 1 FROM step_log l WHERE l.time = s.time AND l.server = s.server)";
static const char *const drop_steps[] = {"DELETE FROM step_log WHERE time = ?1 AND server >= ?2 AND server < ?3",
                                         "DELETE FROM steps WHERE time = ?1 AND server >= ?2 AND server < ?3"};
static const char get_hour[] =
    "SELECT time, server, records, state, sealed, vals, 1 FROM hours WHERE time = ?1 AND server = ?2";
static const char put_hour[] =
    "INSERT OR REPLACE INTO hours(time, server, records, state, sealed, vals) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
static const char oldest_kept_step[] = "SELECT min(t) FROM (SELECT min(time) t FROM step_log WHERE time >= ?1 "
                                       "UNION ALL SELECT min(time) FROM steps WHERE time >= ?1)";
static const char oldest_hour[] =
    "SELECT (SELECT time FROM hours WHERE time >= ?1 AND vals IS NOT NULL ORDER BY time LIMIT 1)";
static const char forget_hours[] = "UPDATE hours SET vals = NULL WHERE (time, server) IN (SELECT time, server FROM "
                                   "hours WHERE time >= ?1 AND time < ?2 AND vals IS NOT NULL LIMIT ?3)";

static tft_status read_hour(sqlite3_stmt *row, database_hour *out, tft_error *err)
{
    database_logged_step *const step = &out->row;
    const int64_t records = sqlite3_column_int64(row, 2);
    step->time_ms = sqlite3_column_int64(row, 0);
    step->server = sqlite3_column_int64(row, 1);
    step->state = sqlite3_column_int(row, 3);
    out->sealed = (uint32_t)sqlite3_column_int64(row, 4);
    const unsigned char *const blob = sqlite3_column_blob(row, 5);
    const size_t n = (size_t)sqlite3_column_bytes(row, 5);
    const bool logged = sqlite3_column_int(row, 6) != 0;
    const size_t bytes = logged ? DATABASE_STEP_LOG_BYTES : DATABASE_STEP_BYTES;
    if (n % bytes != 0 || n / bytes > DATABASE_MAX_METRICS || (n > 0 && blob == NULL) || records < 0 ||
        records > UINT32_MAX || step->state < 0 || step->state >= TFT_N_STATES)
        return tft_fail(err, TFT_ERR_FORMAT, "step or hour of server %lld at %lld is damaged", (long long)step->server,
                        (long long)step->time_ms);
    step->records = (unsigned)records;
    step->n_values = n / bytes;
    for (size_t i = 0; i < step->n_values; i++) {
        const database_values v =
            logged ? database_read_logged(blob + i * bytes) : database_read_sealed(blob + i * bytes);
        step->means[i] = v.mean;
        step->least[i] = v.least;
        step->most[i] = v.most;
        step->counts[i] = v.count;
    }
    return TFT_OK;
}

tft_status database_each_kept_step(database *db, int64_t time_ms, int64_t first, int64_t end,
                                   tft_status (*visit)(void *context, const database_hour *step, tft_error *err),
                                   void *context, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    database_hour step;
    tft_status status = database_prepare(db, kept_steps, &one, err);
    int code = SQLITE_DONE;
    if (status == TFT_OK) {
        sqlite3_bind_int64(one, 1, time_ms);
        sqlite3_bind_int64(one, 2, first);
        sqlite3_bind_int64(one, 3, end);
    }
    while (status == TFT_OK && (code = sqlite3_step(one)) == SQLITE_ROW) {
        status = read_hour(one, &step, err);
        if (status == TFT_OK)
            status = visit(context, &step, err);
    }
    if (status == TFT_OK && code != SQLITE_DONE)
        status = database_fail(db, "read steps", err);
    sqlite3_finalize(one);
    return status;
}

tft_status database_drop_steps(database *db, int64_t time_ms, int64_t first, int64_t end, tft_error *err)
{
    tft_status status = TFT_OK;
    for (size_t i = 0; i < sizeof drop_steps / sizeof *drop_steps && status == TFT_OK; i++) {
        sqlite3_stmt *one = NULL;
        status = database_prepare(db, drop_steps[i], &one, err);
        if (status == TFT_OK) {
            sqlite3_bind_int64(one, 1, time_ms);
            sqlite3_bind_int64(one, 2, first);
            sqlite3_bind_int64(one, 3, end);
            status = database_run(db, one, NULL, err);
        }
        sqlite3_finalize(one);
    }
    return status;
}

tft_status database_get_hour(database *db, int64_t time_ms, int64_t server, database_hour *hour, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, get_hour, &one, err);
    if (status != TFT_OK)
        return status;
    sqlite3_bind_int64(one, 1, time_ms);
    sqlite3_bind_int64(one, 2, server);
    const int code = sqlite3_step(one);
    status = code == SQLITE_ROW    ? read_hour(one, hour, err)
             : code == SQLITE_DONE ? TFT_ERR_NOT_FOUND
                                   : database_fail(db, "read an hour", err);
    sqlite3_finalize(one);
    return status;
}

tft_status database_put_hour(database *db, const database_hour *hour, tft_error *err)
{
    unsigned char blob[DATABASE_STEP_LOG_BYTES * DATABASE_MAX_METRICS];
    const database_logged_step *const row = &hour->row;
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, put_hour, &one, err);
    if (status == TFT_OK) {
        sqlite3_bind_int64(one, 1, row->time_ms);
        sqlite3_bind_int64(one, 2, row->server);
        sqlite3_bind_int64(one, 3, row->records);
        sqlite3_bind_int(one, 4, row->state);
        sqlite3_bind_int64(one, 5, hour->sealed);
        if (row->n_values > 0) // else NULL: the values are gone
            sqlite3_bind_blob(one, 6, blob, (int)database_pack_logged(row, blob), SQLITE_STATIC);
        status = database_run(db, one, NULL, err);
    }
    sqlite3_finalize(one);
    return status;
}

tft_status database_oldest_kept_step(database *db, int64_t from_ms, int64_t *time_ms, tft_error *err)
{
    return database_number(db, oldest_kept_step, from_ms, INT64_MAX, time_ms, err);
}

tft_status database_oldest_hour(database *db, int64_t from_ms, int64_t *time_ms, tft_error *err)
{
    return database_number(db, oldest_hour, from_ms, INT64_MAX, time_ms, err);
}

tft_status database_forget_hours(database *db, int64_t from_ms, int64_t cutoff_ms, size_t limit, size_t *n,
                                 tft_error *err)
{
    sqlite3_stmt *one = NULL;
    *n = 0;
    tft_status status = database_prepare(db, forget_hours, &one, err);
    if (status == TFT_OK) {
        sqlite3_bind_int64(one, 1, from_ms);
        sqlite3_bind_int64(one, 2, cutoff_ms);
        sqlite3_bind_int64(one, 3, (int64_t)limit);
        status = database_run(db, one, n, err);
    }
    sqlite3_finalize(one);
    return status;
}
