/* database_blocks.c - see database_blocks.h. What is written is prepared for each call, in the background; what a restart reads, once. */
#include "store/database_blocks.h"

#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "series/step_block.h"
#include "store/database_internal.h"

/* ?1: the length of a block in milliseconds. From block to block, not from row to row. */
static const char *const mark_all[] = {
    "WITH RECURSIVE t(x) AS (SELECT min(time) FROM step_log UNION ALL SELECT (SELECT time FROM step_log "
    "WHERE time >= x - x % ?1 + ?1 ORDER BY time LIMIT 1) FROM t WHERE x IS NOT NULL) "
    "INSERT OR IGNORE INTO blocks_due SELECT x / ?1 FROM t WHERE x IS NOT NULL",
    "WITH RECURSIVE t(x) AS (SELECT min(time) FROM steps UNION ALL SELECT (SELECT time FROM steps "
    "WHERE time >= x - x % ?1 + ?1 ORDER BY time LIMIT 1) FROM t WHERE x IS NOT NULL) "
    "INSERT OR IGNORE INTO blocks_due SELECT x / ?1 FROM t WHERE x IS NOT NULL"};
static const char counted[] =
    "SELECT time, server, records, state, vals, 1 FROM step_log WHERE time = ?1 AND server >= ?2 AND server < ?3 "
    "UNION ALL SELECT time, server, records, state, vals, 0 FROM steps s "
    "WHERE time = ?1 AND server >= ?2 AND server < ?3 AND NOT EXISTS "
    "(SELECT 1 FROM step_log l WHERE l.time = s.time AND l.server = s.server)";
static const char sealed[] = "SELECT time, server, records, state, vals, 0 FROM steps WHERE time = ?1";
static const char blocks_of_all[] = "SELECT server, vals FROM step_blocks WHERE block = ?1 ORDER BY server";
static const char block_of_one[] = "SELECT server, vals FROM step_blocks WHERE block = ?1 AND server = ?2";

/* ---- marks ---------------------------------------------------------------------------------------------- */

/* Runs `text` with numbers. */
static tft_status run_with(database *db, const char *text, const int64_t *values, int n, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, text, &one, err);
    for (int i = 0; i < n && status == TFT_OK; i++)
        sqlite3_bind_int64(one, i + 1, values[i]);
    if (status == TFT_OK)
        status = database_run(db, one, NULL, err);
    sqlite3_finalize(one);
    return status;
}

tft_status database_mark_block(database *db, int64_t block, tft_error *err)
{
    return run_with(db, "INSERT OR IGNORE INTO blocks_due(block) VALUES(?1)", &block, 1, err);
}

tft_status database_unmark_block(database *db, int64_t block, tft_error *err)
{
    return run_with(db, "DELETE FROM blocks_due WHERE block = ?1", &block, 1, err);
}

tft_status database_due_block(database *db, int64_t before, int64_t *block, tft_error *err)
{
    return database_number(db, "SELECT max(block) FROM blocks_due WHERE block < ?1", before, INT64_MIN, block, err);
}

tft_status database_newest_counted(database *db, int64_t *time_ms, tft_error *err)
{
    return database_number(db, "SELECT max(time) FROM step_log WHERE time > ?1", INT64_MIN, INT64_MIN, time_ms, err);
}

/* ---- rows ----------------------------------------------------------------------------------------------- */

tft_status database_put_blocks(database *db, int64_t block, const database_block *(*next)(void *context), void *context,
                               tft_error *err)
{
    const database_block *row;
    sqlite3_stmt *one = NULL;
    tft_status status =
        database_prepare(db, "INSERT OR IGNORE INTO step_blocks(block, server, vals) VALUES(?1, ?2, ?3)", &one, err);
    while (status == TFT_OK && (row = next(context)) != NULL) {
        sqlite3_bind_int64(one, 1, block);
        sqlite3_bind_int64(one, 2, row->server);
        sqlite3_bind_blob(one, 3, row->bytes, (int)row->n, SQLITE_STATIC);
        status = database_run(db, one, NULL, err);
    }
    sqlite3_finalize(one);
    return status;
}

tft_status database_drop_blocks(database *db, int64_t block, int64_t first, int64_t end, tft_error *err)
{
    const int64_t values[] = {block, first, end};
    const tft_status status =
        run_with(db, "DELETE FROM step_blocks WHERE block = ?1 AND server >= ?2 AND server < ?3", values, 3, err);
    return status == TFT_OK ? database_mark_block(db, block, err) : status;
}

/* Whether meta says that the rows are of these metrics, in this format. */
static tft_status is_of(database *db, const unsigned char *wanted, size_t n, bool *same, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    const tft_status status = database_prepare(db, "SELECT value FROM meta WHERE key = 'blocks'", &one, err);
    if (status != TFT_OK)
        return status;
    *same = sqlite3_step(one) == SQLITE_ROW && (size_t)sqlite3_column_bytes(one, 0) == n &&
            memcmp(sqlite3_column_blob(one, 0), wanted, n) == 0;
    sqlite3_finalize(one);
    return TFT_OK;
}

static tft_status say_of(database *db, const unsigned char *wanted, size_t n, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(
        db, "INSERT INTO meta(key, value) VALUES('blocks', ?1) ON CONFLICT(key) DO UPDATE SET value = ?1", &one, err);
    if (status == TFT_OK) {
        sqlite3_bind_blob(one, 1, wanted, (int)n, SQLITE_STATIC);
        status = database_run(db, one, NULL, err);
    }
    sqlite3_finalize(one);
    return status;
}

tft_status database_blocks_begin(database *db, const size_t *columns, size_t n, tft_error *err)
{
    unsigned char wanted[1 + TFT_MAX_METRICS] = {TFT_STEP_BLOCK_FORMAT};
    bool same = false;
    for (size_t m = 0; m < n; m++)
        wanted[1 + m] = (unsigned char)columns[m]; // DATABASE_MAX_METRICS fit
    tft_status status = is_of(db, wanted, 1 + n, &same, err);
    if (status != TFT_OK || same)
        return status;
    int64_t length_ms = 0;
    status = run_with(db, "DELETE FROM step_blocks", NULL, 0, err);
    if (status == TFT_OK)
        status = database_number(db, "SELECT value * ?1 FROM meta WHERE key = 'step_ms'", TFT_STEP_BLOCK, 0, &length_ms,
                                 err);
    for (size_t i = 0; i < sizeof mark_all / sizeof *mark_all && status == TFT_OK; i++)
        status = run_with(db, mark_all[i], &length_ms, 1, err);
    return status == TFT_OK ? say_of(db, wanted, 1 + n, err) : status;
}

/* ---- lists of marks ------------------------------------------------------------------------------------- */

static tft_status numbers_from(database *db, const char *text, int64_t from, int64_t **numbers, size_t *n,
                               tft_error *err)
{
    size_t capacity = 0;
    sqlite3_stmt *all = NULL;
    int code = SQLITE_DONE;
    *numbers = NULL;
    *n = 0;
    tft_status status = database_prepare(db, text, &all, err);
    if (status == TFT_OK)
        sqlite3_bind_int64(all, 1, from);
    while (status == TFT_OK && (code = sqlite3_step(all)) == SQLITE_ROW) {
        if (*n == capacity) {
            capacity = 2 * capacity + 64;
            int64_t *const fresh = realloc(*numbers, capacity * sizeof *fresh);
            if (fresh == NULL) {
                status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu marks", capacity);
                break;
            }
            *numbers = fresh;
        }
        (*numbers)[(*n)++] = sqlite3_column_int64(all, 0);
    }
    if (status == TFT_OK && code != SQLITE_DONE)
        status = database_fail(db, "read marks", err);
    sqlite3_finalize(all);
    return status;
}

tft_status database_due_blocks_from(database *db, int64_t from, int64_t **numbers, size_t *n, tft_error *err)
{
    return numbers_from(db, "SELECT block FROM blocks_due WHERE block >= ?1 ORDER BY block", from, numbers, n, err);
}

tft_status database_due_steps_from(database *db, int64_t from_ms, int64_t **times_ms, size_t *n, tft_error *err)
{
    return numbers_from(db, "SELECT time FROM steps_due WHERE time >= ?1 ORDER BY time", from_ms, times_ms, n, err);
}

/* ---- reading many rows ---------------------------------------------------------------------------------- */

struct database_rows {
    database *db;
    sqlite3_stmt *counted, *sealed, *blocks_of_all, *block_of_one;
    database_logged_step step; // the row that is visited
};

tft_status database_rows_open(database *db, database_rows **out, tft_error *err)
{
    database_rows *const rows = calloc(1, sizeof *rows);
    *out = NULL;
    if (rows == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to read steps");
    rows->db = db;
    tft_status status = database_prepare(db, counted, &rows->counted, err);
    if (status == TFT_OK)
        status = database_prepare(db, sealed, &rows->sealed, err);
    if (status == TFT_OK)
        status = database_prepare(db, blocks_of_all, &rows->blocks_of_all, err);
    if (status == TFT_OK)
        status = database_prepare(db, block_of_one, &rows->block_of_one, err);
    if (status != TFT_OK) {
        database_rows_close(rows);
        return status;
    }
    *out = rows;
    return TFT_OK;
}

void database_rows_close(database_rows *rows)
{
    if (rows == NULL)
        return;
    sqlite3_finalize(rows->counted);
    sqlite3_finalize(rows->sealed);
    sqlite3_finalize(rows->blocks_of_all);
    sqlite3_finalize(rows->block_of_one);
    free(rows);
}

static tft_status read_step(sqlite3_stmt *row, database_logged_step *step, tft_error *err)
{
    const int64_t records = sqlite3_column_int64(row, 2);
    step->time_ms = sqlite3_column_int64(row, 0);
    step->server = sqlite3_column_int64(row, 1);
    step->state = sqlite3_column_int(row, 3);
    const unsigned char *const blob = sqlite3_column_blob(row, 4);
    const size_t n = (size_t)sqlite3_column_bytes(row, 4);
    const bool logged = sqlite3_column_int(row, 5) != 0;
    const size_t bytes = logged ? DATABASE_STEP_LOG_BYTES : DATABASE_STEP_BYTES;
    if (n % bytes != 0 || n / bytes > DATABASE_MAX_METRICS || (n > 0 && blob == NULL) || records < 0 ||
        records > UINT32_MAX || step->state < 0 || step->state >= TFT_N_STATES)
        return tft_fail(err, TFT_ERR_FORMAT, "step of server %lld at %lld is damaged", (long long)step->server,
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

static tft_status each_step(database_rows *rows, sqlite3_stmt *one, database_step_visit *visit, void *context,
                            tft_error *err)
{
    tft_status status = TFT_OK;
    int code = SQLITE_DONE;
    while (status == TFT_OK && (code = sqlite3_step(one)) == SQLITE_ROW) {
        status = read_step(one, &rows->step, err);
        if (status == TFT_OK)
            status = visit(context, &rows->step, err);
    }
    if (status == TFT_OK && code != SQLITE_DONE)
        status = database_fail(rows->db, "read steps", err);
    sqlite3_reset(one);
    return status;
}

tft_status database_rows_counted(database_rows *rows, int64_t time_ms, int64_t first, int64_t end,
                                 database_step_visit *visit, void *context, tft_error *err)
{
    sqlite3_bind_int64(rows->counted, 1, time_ms);
    sqlite3_bind_int64(rows->counted, 2, first);
    sqlite3_bind_int64(rows->counted, 3, end);
    return each_step(rows, rows->counted, visit, context, err);
}

tft_status database_rows_sealed(database_rows *rows, int64_t time_ms, database_step_visit *visit, void *context,
                                tft_error *err)
{
    sqlite3_bind_int64(rows->sealed, 1, time_ms);
    return each_step(rows, rows->sealed, visit, context, err);
}

tft_status database_rows_blocks(database_rows *rows, int64_t block, int64_t server,
                                tft_status (*visit)(void *context, const database_block *row, tft_error *err),
                                void *context, tft_error *err)
{
    sqlite3_stmt *const one = server > 0 ? rows->block_of_one : rows->blocks_of_all;
    tft_status status = TFT_OK;
    int code = SQLITE_DONE;
    sqlite3_bind_int64(one, 1, block);
    if (server > 0)
        sqlite3_bind_int64(one, 2, server);
    while (status == TFT_OK && (code = sqlite3_step(one)) == SQLITE_ROW) {
        const database_block row = {.server = sqlite3_column_int64(one, 0),
                                    .bytes = sqlite3_column_blob(one, 1),
                                    .n = (size_t)sqlite3_column_bytes(one, 1)};
        status = visit(context, &row, err);
    }
    if (status == TFT_OK && code != SQLITE_DONE)
        status = database_fail(rows->db, "read blocks of steps", err);
    sqlite3_reset(one);
    return status;
}
