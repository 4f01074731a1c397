/* database.c - see database.h. Every statement stands in the table below and is prepared once.
 *
 * Journal: write-ahead log, so that readers never wait for the writer and a commit is one append and (synchronous=FULL)
 * one fsync of the log (https://www.sqlite.org/wal.html). After kill -9 the log is replayed at the next open.
 */
#include "store/database.h"

#include <endian.h>
#include <math.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/database_check.h"
#include "store/database_hours.h"
#include "store/database_internal.h"

typedef enum statement {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_FIND_METRIC,
    SQL_ADD_METRIC,
    SQL_COUNT_METRICS,
    SQL_GET_COUNTERS,
    SQL_SET_COUNTERS,
    SQL_PUT_SERVER,
    SQL_UPDATE_SERVER,
    SQL_EACH_SERVER,
    SQL_INSERT_RECORD,
    SQL_GET_RECORD,
    SQL_UPDATE_RECORD,
    SQL_EACH_RECORD,
    SQL_NEWEST_RECORDS,
    SQL_OLDEST_RECORD,
    SQL_DELETE_RECORDS,
    SQL_IS_SEALED,
    SQL_PUT_STEP,
    SQL_EACH_STEP,
    SQL_NEWEST_STEP,
    SQL_PAGES,
    SQL_N
} statement;

static const char *const sql[SQL_N] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_FIND_METRIC] = "SELECT id FROM metrics WHERE name = ?1",
    [SQL_ADD_METRIC] = "INSERT INTO metrics(id, name) VALUES((SELECT count(*) FROM metrics), ?1) RETURNING id",
    [SQL_COUNT_METRICS] = "SELECT count(*) FROM metrics",
    [SQL_GET_COUNTERS] = "SELECT ticks, records_total, window_size, duplicates_total, conflicts_total, filled_total, "
                         "late_total, rejected_total FROM counters",
    [SQL_SET_COUNTERS] = "UPDATE counters SET ticks = ?1, records_total = ?2, window_size = ?3, duplicates_total = ?4, "
                         "conflicts_total = ?5, filled_total = ?6, late_total = ?7, rejected_total = ?8",
    [SQL_PUT_SERVER] = "INSERT INTO servers(id, name, profile, state, records, first_ms, newest_ms) "
                       "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(id) DO UPDATE "
                       "SET profile = ?3, state = ?4, records = ?5, first_ms = ?6, newest_ms = ?7",
    [SQL_UPDATE_SERVER] = "UPDATE servers SET profile = ?3, state = ?4, records = ?5, first_ms = ?6, newest_ms = ?7 "
                          "WHERE id = ?1",
    [SQL_EACH_SERVER] = "SELECT id, name, profile, state, records, first_ms, newest_ms FROM servers ORDER BY id",
    [SQL_INSERT_RECORD] = "INSERT INTO records(time, server, arrival, state, vals) VALUES(?1, ?2, ?3, ?4, ?5) "
                          "ON CONFLICT DO NOTHING",
    [SQL_GET_RECORD] = "SELECT time, server, arrival, state, vals FROM records WHERE time = ?1 AND server = ?2",
    [SQL_UPDATE_RECORD] = "UPDATE records SET state = ?3, vals = ?4 WHERE time = ?1 AND server = ?2",
    [SQL_EACH_RECORD] = "SELECT time, server, arrival, state, vals FROM records WHERE time >= ?1 AND time < ?2 "
                        "ORDER BY time, server",
    [SQL_NEWEST_RECORDS] = "SELECT time, server, arrival, state, vals FROM records WHERE time >= ?1 AND time < ?2 "
                           "AND server = ?3 ORDER BY time DESC LIMIT ?4",
    [SQL_OLDEST_RECORD] = "SELECT min(time) FROM records WHERE time >= ?1",
    [SQL_DELETE_RECORDS] = "DELETE FROM records WHERE time >= ?1 AND time < ?2 AND time < ?3 AND arrival < ?3",
    [SQL_IS_SEALED] = "SELECT 1 FROM steps WHERE time = ?1 AND server = ?2 UNION ALL "
                      "SELECT 1 FROM hours WHERE time = ?3 AND server = ?2 AND (sealed >> ?4) & 1 LIMIT 1",
    [SQL_PUT_STEP] = "INSERT INTO steps(time, server, records, state, vals) VALUES(?1, ?2, ?3, ?4, ?5)",
    [SQL_EACH_STEP] = "SELECT time, server, records, state, vals FROM steps WHERE time >= ?1 ORDER BY time, server",
    [SQL_NEWEST_STEP] = "SELECT max(t) FROM (SELECT max(time) t FROM steps UNION ALL SELECT max(time) + ?1 FROM hours)",
    [SQL_PAGES] = "SELECT (p.page_count - f.freelist_count) * s.page_size FROM pragma_page_count p, "
                  "pragma_freelist_count f, pragma_page_size s",
};

/* schema[v] leads from version v to v + 1. Never edit a line that has shipped: add the next one. */
static const char *const schema[DATABASE_VERSION] = {
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE counters(one INTEGER PRIMARY KEY CHECK(one = 1), ticks INTEGER NOT NULL, records_total INTEGER NOT "
    "NULL,"
    "  window_size INTEGER NOT NULL, duplicates_total INTEGER NOT NULL, conflicts_total INTEGER NOT NULL,"
    "  filled_total INTEGER NOT NULL, late_total INTEGER NOT NULL, rejected_total INTEGER NOT NULL);"
    "INSERT INTO counters VALUES(1, 0, 0, 0, 0, 0, 0, 0, 0);"
    "CREATE TABLE metrics(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE servers(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, profile INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, records INTEGER NOT NULL, first_ms INTEGER NOT NULL, newest_ms INTEGER NOT NULL);"
    "CREATE TABLE records(time INTEGER NOT NULL, server INTEGER NOT NULL, arrival INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, vals BLOB NOT NULL, PRIMARY KEY(time, server)) WITHOUT ROWID;"
    "CREATE TABLE steps(time INTEGER NOT NULL, server INTEGER NOT NULL, records INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, vals BLOB, PRIMARY KEY(time, server)) WITHOUT ROWID;"
    "CREATE TABLE alerts(server TEXT NOT NULL, metric TEXT NOT NULL, severity INTEGER NOT NULL, firing INTEGER NOT "
    "NULL,"
    "  since_ms INTEGER NOT NULL, below_ms INTEGER NOT NULL, PRIMARY KEY(server, metric)) WITHOUT ROWID;",

    // lives of alerts and who was told of them. The list of before knew no kinds: what still holds begins anew.
    "DROP TABLE alerts;"
    "CREATE TABLE alerts(id TEXT PRIMARY KEY, server TEXT NOT NULL, profile TEXT NOT NULL, kind TEXT NOT NULL,"
    "  metric TEXT NOT NULL, severity TEXT NOT NULL, status TEXT NOT NULL, mute TEXT NOT NULL,"
    "  inhibited_by TEXT NOT NULL, starts_ms INTEGER NOT NULL, since_ms INTEGER, ends_ms INTEGER, below_ms INTEGER,"
    "  expected_ms INTEGER, p10_ms INTEGER, p50_ms INTEGER, p90_ms INTEGER, minutes_ahead INTEGER, value REAL,"
    "  threshold REAL, current REAL, probability REAL, crossing REAL, ack_by TEXT, ack_comment TEXT, ack_ms INTEGER,"
    "  ack_until_ms INTEGER) WITHOUT ROWID;"
    "CREATE INDEX alerts_by_start ON alerts(starts_ms);"
    "CREATE INDEX alerts_by_end ON alerts(ends_ms);"
    "CREATE TABLE deliveries(target TEXT NOT NULL, alert TEXT NOT NULL, told INTEGER NOT NULL,"
    "  PRIMARY KEY(target, alert)) WITHOUT ROWID;"
    "CREATE TABLE silences(id TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE maintenance(server INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(server, from_ms)) WITHOUT ROWID;",

    // what people say about a server: a JSON object of texts
    "ALTER TABLE servers ADD COLUMN labels TEXT;",

    // what was said, and how good it was
    "CREATE TABLE forecast_sets(number INTEGER PRIMARY KEY AUTOINCREMENT, origin_ms INTEGER NOT NULL,"
    "  first_ms INTEGER NOT NULL, model TEXT NOT NULL, rows INTEGER NOT NULL, scored_to INTEGER NOT NULL,"
    "  complete INTEGER NOT NULL, UNIQUE(origin_ms, model));"
    "CREATE TABLE forecasts(number INTEGER NOT NULL, server INTEGER NOT NULL, body BLOB NOT NULL,"
    "  PRIMARY KEY(number, server)) WITHOUT ROWID;"
    "CREATE TABLE scores(from_ms INTEGER NOT NULL, model TEXT NOT NULL, grp INTEGER NOT NULL, metric INTEGER NOT NULL,"
    "  sums BLOB NOT NULL, PRIMARY KEY(from_ms, model, grp, metric)) WITHOUT ROWID;",

    // what happened to the fleet
    "CREATE TABLE incidents(start_ms INTEGER NOT NULL, server INTEGER NOT NULL, end_ms INTEGER, state INTEGER NOT NULL,"
    "  planned INTEGER NOT NULL, PRIMARY KEY(start_ms, server)) WITHOUT ROWID;"
    "CREATE INDEX incidents_by_server ON incidents(server, start_ms);"
    "CREATE INDEX alerts_by_server ON alerts(server, since_ms);"
    "CREATE TABLE environment(start_ms INTEGER PRIMARY KEY, servers INTEGER NOT NULL, stale INTEGER NOT NULL,"
    "  in_incident INTEGER NOT NULL, high_risk INTEGER NOT NULL, warnings INTEGER NOT NULL, criticals INTEGER NOT NULL,"
    "  unknown INTEGER NOT NULL, critical_issue INTEGER NOT NULL, healthy INTEGER NOT NULL, heavy_load INTEGER NOT "
    "NULL,"
    "  idle INTEGER NOT NULL, maintenance INTEGER NOT NULL, morning_spike INTEGER NOT NULL, offline INTEGER NOT NULL,"
    "  recovery INTEGER NOT NULL, any_30m REAL, any_1h REAL, any_2h REAL, any_4h REAL, any_8h REAL, expected_30m REAL,"
    "  expected_1h REAL, expected_2h REAL, expected_4h REAL, expected_8h REAL);",

    // steps that have ended, with least and most; all steps that there are records of have to be counted first
    "CREATE TABLE step_log(time INTEGER NOT NULL, server INTEGER NOT NULL, records INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, vals BLOB NOT NULL, PRIMARY KEY(time, server)) WITHOUT ROWID;"
    "CREATE TABLE steps_due(time INTEGER PRIMARY KEY);"
    "WITH RECURSIVE size(s) AS (SELECT value FROM meta WHERE key = 'step_ms'),"
    "  first(t) AS (SELECT min(time) FROM records UNION ALL"
    "    SELECT (SELECT time FROM records WHERE time >= t - t % s + s ORDER BY time LIMIT 1) FROM first, size"
    "    WHERE t IS NOT NULL)"
    "  INSERT INTO steps_due SELECT t - t % s FROM first, size WHERE t IS NOT NULL;",

    // what is beyond the retention of steps, twelve of them as one
    "CREATE TABLE hours(time INTEGER NOT NULL, server INTEGER NOT NULL, records INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, sealed INTEGER NOT NULL, vals BLOB, PRIMARY KEY(time, server)) WITHOUT ROWID;",

    // counted steps, packed for a restart; who opens the store for the first time marks the blocks that there are steps of
    "CREATE TABLE step_blocks(block INTEGER NOT NULL, server INTEGER NOT NULL, vals BLOB NOT NULL,"
    "  PRIMARY KEY(block, server)) WITHOUT ROWID;"
    "CREATE TABLE blocks_due(block INTEGER PRIMARY KEY);",
};

struct database {
    sqlite3 *handle;
    sqlite3_stmt *statements[SQL_N];
    int64_t step_ms;
    bool full;             // the last error was a full disk
    database_check *check; // of this connection's file, while it goes on
};

struct sqlite3 *database_handle(database *db)
{
    return db->handle;
}

tft_status database_fail(database *db, const char *doing, tft_error *err)
{
    const int code = db->handle == NULL ? SQLITE_NOMEM : sqlite3_errcode(db->handle);
    const char *const why = db->handle == NULL ? "no memory" : sqlite3_errmsg(db->handle);
    db->full = (code & 0xff) == SQLITE_FULL;
    switch (code & 0xff) {
    case SQLITE_FULL:
        return tft_fail(err, TFT_ERR_IO, "disk full: %s: %s", doing, why);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return tft_fail(err, TFT_ERR_FORMAT, "%s: %s", doing, why);
    case SQLITE_NOMEM:
        return tft_fail(err, TFT_ERR_MEMORY, "%s: %s", doing, why);
    case SQLITE_BUSY:
        return tft_fail(err, TFT_ERR_BUSY, "%s: %s", doing, why);
    default:
        return tft_fail(err, TFT_ERR_IO, "%s: %s (SQLite %d)", doing, why, sqlite3_extended_errcode(db->handle));
    }
}

tft_status database_prepare(database *db, const char *text, sqlite3_stmt **one, tft_error *err)
{
    return sqlite3_prepare_v2(db->handle, text, -1, one, NULL) == SQLITE_OK ? TFT_OK : database_fail(db, text, err);
}

tft_status database_run(database *db, sqlite3_stmt *one, size_t *n, tft_error *err)
{
    const tft_status status = sqlite3_step(one) == SQLITE_DONE ? TFT_OK : database_fail(db, "write", err);
    if (n != NULL)
        *n = status == TFT_OK ? (size_t)sqlite3_changes(db->handle) : 0;
    sqlite3_reset(one);
    return status;
}

static tft_status execute(database *db, const char *text, const char *doing, tft_error *err)
{
    return sqlite3_exec(db->handle, text, NULL, NULL, NULL) == SQLITE_OK ? TFT_OK : database_fail(db, doing, err);
}

/* The number that a statement of one row and one column gives. */
static tft_status query_number(database *db, const char *text, int64_t *value, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = TFT_OK;
    if (sqlite3_prepare_v2(db->handle, text, -1, &one, NULL) != SQLITE_OK)
        return database_fail(db, text, err);
    if (sqlite3_step(one) == SQLITE_ROW)
        *value = sqlite3_column_int64(one, 0);
    else
        status = database_fail(db, text, err);
    sqlite3_finalize(one);
    return status;
}

tft_status database_checked(database *db, tft_error *err)
{
    database_check *const check = db->check;
    db->check = NULL;
    return database_check_end(check, false, err);
}

static tft_status migrate(database *db, const char *path, tft_error *err)
{
    int64_t version = 0;
    tft_status status = query_number(db, "PRAGMA user_version", &version, err);
    if (status != TFT_OK)
        return status;
    if (version < 0 || version > DATABASE_VERSION)
        return tft_fail(err, TFT_ERR_MISMATCH, "%s: made by a newer tftd (layout %lld, this one knows %d)", path,
                        (long long)version, DATABASE_VERSION);
    if (version == DATABASE_VERSION)
        return TFT_OK;
    status = database_checked(db, err); // a damaged file is not migrated
    if (status == TFT_OK)
        status = execute(db, "BEGIN EXCLUSIVE", "migrate", err);
    for (int64_t v = version; v < DATABASE_VERSION && status == TFT_OK; v++)
        status = execute(db, schema[v], "migrate", err);
    char text[64];
    snprintf(text, sizeof text, "PRAGMA user_version = %d", DATABASE_VERSION);
    if (status == TFT_OK)
        status = execute(db, text, "migrate", err);
    if (status == TFT_OK)
        status = execute(db, "COMMIT", "migrate", err);
    if (status != TFT_OK)
        database_rollback(db);
    return status;
}

static tft_status check_step(database *db, const database_options *options, tft_error *err)
{
    char text[128];
    snprintf(text, sizeof text, "INSERT INTO meta VALUES('step_ms', %lld) ON CONFLICT DO NOTHING",
             (long long)options->step_ms);
    tft_status status = execute(db, text, "write meta", err);
    int64_t step_ms = 0;
    if (status == TFT_OK)
        status = query_number(db, "SELECT value FROM meta WHERE key = 'step_ms'", &step_ms, err);
    if (status == TFT_OK && step_ms != options->step_ms)
        return tft_fail(err, TFT_ERR_MISMATCH, "%s: holds steps of %lld ms, the model wants %lld ms", options->path,
                        (long long)step_ms, (long long)options->step_ms);
    return status;
}

static tft_status configure(database *db, const database_options *options, tft_error *err)
{
    char text[512];
    const uint64_t cache_kib = (options->cache_bytes == 0 ? (uint64_t)16 << 20 : options->cache_bytes) / 1024;
    snprintf(text, sizeof text,
             "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = %s; PRAGMA cache_size = -%llu;"
             "PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;",
             options->sync_full ? "FULL" : "NORMAL", (unsigned long long)cache_kib);
    tft_status status = execute(db, text, options->path, err);
    if (status == TFT_OK && options->max_bytes > 0) {
        int64_t page = 4096;
        status = query_number(db, "PRAGMA page_size", &page, err);
        snprintf(text, sizeof text, "PRAGMA max_page_count = %llu",
                 (unsigned long long)(options->max_bytes / (uint64_t)page));
        if (status == TFT_OK)
            status = execute(db, text, options->path, err);
    }
    return status;
}

/* How long a file is looked through: before it is read or changed, and in all. */
#define CHECK_FIRST_S 0.1
#define CHECK_ALL_S 0.5

static tft_status prepare_all(database *db, tft_error *err)
{
    for (size_t i = 0; i < SQL_N; i++) {
        if (sqlite3_prepare_v3(db->handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &db->statements[i], NULL) !=
            SQLITE_OK)
            return database_fail(db, sql[i], err);
    }
    return TFT_OK;
}

/* SQLite's account of its memory costs a mutex at every allocation, and nobody asks for it. Only the first use of SQLite in a process
 * can say so; where that was somebody else's, the account goes on. */
static void keep_no_account(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

tft_status database_open_beside(const char *path, database **db, tft_error *err)
{
    *db = NULL;
    database *const made = calloc(1, sizeof *made);
    if (made == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a database");
    tft_status status = TFT_OK;
    if (sqlite3_open_v2(path, &made->handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        status = database_fail(made, path, err);
    if (status == TFT_OK) {
        sqlite3_busy_timeout(made->handle, 5000);
        status = query_number(made, "SELECT value FROM meta WHERE key = 'step_ms'", &made->step_ms, err);
    }
    if (status == TFT_OK)
        status = prepare_all(made, err);
    if (status != TFT_OK) {
        database_close(made);
        return status;
    }
    *db = made;
    return TFT_OK;
}

tft_status database_open(const database_options *options, database **db, tft_error *err)
{
    *db = NULL;
    database *const made = calloc(1, sizeof *made);
    if (made == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a database");
    tft_status status = TFT_OK;
    static pthread_once_t first = PTHREAD_ONCE_INIT;
    pthread_once(&first, keep_no_account);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX; // one thread at a time
    if (sqlite3_open_v2(options->path, &made->handle, flags, NULL) != SQLITE_OK) {
        status = database_fail(made, options->path, err);
        goto done;
    }
    sqlite3_extended_result_codes(made->handle, 1);
    sqlite3_busy_timeout(made->handle, 5000); // a backup tool may read beside us
    status = configure(made, options, err);
    if (status == TFT_OK)
        status = database_check_start(options->path, CHECK_ALL_S, &made->check, err);
    if (status == TFT_OK)
        status = database_check_wait(made->check, CHECK_FIRST_S, err);
    if (status == TFT_OK)
        status = migrate(made, options->path, err);
    made->step_ms = options->step_ms;
    if (status == TFT_OK)
        status = check_step(made, options, err);
    if (status == TFT_OK)
        status = prepare_all(made, err);

done:
    if (status != TFT_OK) {
        database_close(made);
        return status;
    }
    *db = made;
    return TFT_OK;
}

void database_close(database *db)
{
    if (db == NULL)
        return;
    (void)database_check_end(db->check, true, NULL);
    for (size_t i = 0; i < SQL_N; i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close(db->handle); // the last connection checkpoints the log into the file
    free(db);
}

/* Runs a prepared statement that gives no rows. */
static tft_status run(database *db, statement which, tft_error *err)
{
    sqlite3_stmt *const one = db->statements[which];
    const int code = sqlite3_step(one);
    const tft_status status = code == SQLITE_DONE ? TFT_OK : database_fail(db, "write", err);
    sqlite3_reset(one);
    return status;
}

tft_status database_begin(database *db, tft_error *err)
{
    return run(db, SQL_BEGIN, err);
}

tft_status database_commit(database *db, tft_error *err)
{
    return run(db, SQL_COMMIT, err);
}

void database_rollback(database *db)
{
    if (!sqlite3_get_autocommit(db->handle)) // some errors (a full disk) have rolled back already
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

bool database_was_full(const database *db)
{
    return db->full;
}

tft_status database_metric(database *db, const char *name, size_t *id, tft_error *err)
{
    for (statement which = SQL_FIND_METRIC; which <= SQL_ADD_METRIC; which++) {
        sqlite3_stmt *const one = db->statements[which];
        sqlite3_bind_text(one, 1, name, -1, SQLITE_TRANSIENT);
        const int code = sqlite3_step(one);
        const int64_t found = code == SQLITE_ROW ? sqlite3_column_int64(one, 0) : -1;
        const bool broken = code != SQLITE_ROW && code != SQLITE_DONE;
        const tft_status status = broken ? database_fail(db, "metrics", err) : TFT_OK;
        sqlite3_reset(one);
        if (broken)
            return status;
        if (found >= DATABASE_MAX_METRICS)
            return tft_fail(err, TFT_ERR_LIMIT, "metric %s: the data directory knows %d metrics already", name,
                            DATABASE_MAX_METRICS);
        if (found >= 0) {
            *id = (size_t)found;
            return TFT_OK;
        }
    }
    return tft_fail(err, TFT_ERR_IO, "metric %s could not be added", name);
}

/* The number of a one-row statement whose result may be NULL. */
static tft_status take_number(database *db, sqlite3_stmt *one, const char *doing, int64_t if_null, int64_t *value,
                              tft_error *err)
{
    if (sqlite3_step(one) != SQLITE_ROW)
        return database_fail(db, doing, err);
    *value = sqlite3_column_type(one, 0) == SQLITE_NULL ? if_null : sqlite3_column_int64(one, 0);
    return TFT_OK;
}

static tft_status one_number(database *db, statement which, int64_t if_null, int64_t *value, tft_error *err)
{
    const tft_status status = take_number(db, db->statements[which], "read", if_null, value, err);
    sqlite3_reset(db->statements[which]);
    return status;
}

tft_status database_number(database *db, const char *text, int64_t given, int64_t if_null, int64_t *value,
                           tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, text, &one, err);
    if (status == TFT_OK) {
        sqlite3_bind_int64(one, 1, given);
        status = take_number(db, one, "read steps", if_null, value, err);
    }
    sqlite3_finalize(one);
    return status;
}

tft_status database_count_metrics(database *db, size_t *n, tft_error *err)
{
    int64_t value = 0;
    const tft_status status = one_number(db, SQL_COUNT_METRICS, 0, &value, err);
    *n = (size_t)value;
    return status == TFT_OK && *n > DATABASE_MAX_METRICS
               ? tft_fail(err, TFT_ERR_FORMAT, "table metrics has %zu rows", *n)
               : status;
}

tft_status database_get_counters(database *db, database_counters *counters, tft_error *err)
{
    sqlite3_stmt *const one = db->statements[SQL_GET_COUNTERS];
    tft_status status = TFT_OK;
    if (sqlite3_step(one) == SQLITE_ROW)
        *counters = (database_counters){
            .ticks = sqlite3_column_int64(one, 0),
            .records_total = sqlite3_column_int64(one, 1),
            .window_size = sqlite3_column_int64(one, 2),
            .duplicates_total = sqlite3_column_int64(one, 3),
            .conflicts_total = sqlite3_column_int64(one, 4),
            .filled_total = sqlite3_column_int64(one, 5),
            .late_total = sqlite3_column_int64(one, 6),
            .rejected_total = sqlite3_column_int64(one, 7),
        };
    else
        status = tft_fail(err, TFT_ERR_FORMAT, "table counters is empty");
    sqlite3_reset(one);
    return status;
}

tft_status database_set_counters(database *db, const database_counters *counters, tft_error *err)
{
    sqlite3_stmt *const one = db->statements[SQL_SET_COUNTERS];
    sqlite3_bind_int64(one, 1, counters->ticks);
    sqlite3_bind_int64(one, 2, counters->records_total);
    sqlite3_bind_int64(one, 3, counters->window_size);
    sqlite3_bind_int64(one, 4, counters->duplicates_total);
    sqlite3_bind_int64(one, 5, counters->conflicts_total);
    sqlite3_bind_int64(one, 6, counters->filled_total);
    sqlite3_bind_int64(one, 7, counters->late_total);
    sqlite3_bind_int64(one, 8, counters->rejected_total);
    return run(db, SQL_SET_COUNTERS, err);
}

static tft_status write_server(database *db, statement which, const database_server *server, tft_error *err)
{
    sqlite3_stmt *const one = db->statements[which];
    sqlite3_bind_int64(one, 1, server->id);
    if (which == SQL_PUT_SERVER)
        sqlite3_bind_text(one, 2, server->name, (int)server->name_len, SQLITE_STATIC);
    sqlite3_bind_int(one, 3, server->profile);
    sqlite3_bind_int(one, 4, server->state);
    sqlite3_bind_int64(one, 5, server->records);
    sqlite3_bind_int64(one, 6, server->first_ms);
    sqlite3_bind_int64(one, 7, server->newest_ms);
    const tft_status status = run(db, which, err);
    if (which == SQL_PUT_SERVER)
        sqlite3_clear_bindings(one); // the name was lent
    return status;
}

tft_status database_put_server(database *db, const database_server *server, tft_error *err)
{
    return write_server(db, SQL_PUT_SERVER, server, err);
}

tft_status database_update_server(database *db, const database_server *server, tft_error *err)
{
    return write_server(db, SQL_UPDATE_SERVER, server, err);
}

/* Walks the rows of `which`; `read` turns each into a call of the caller's visitor. */
static tft_status each_row(database *db, statement which,
                           tft_status (*read)(sqlite3_stmt *row, void *context, tft_error *err), void *context,
                           tft_error *err)
{
    sqlite3_stmt *const one = db->statements[which];
    tft_status status = TFT_OK;
    int code = SQLITE_ROW;
    while (status == TFT_OK && (code = sqlite3_step(one)) == SQLITE_ROW)
        status = read(one, context, err);
    if (status == TFT_OK && code != SQLITE_DONE)
        status = database_fail(db, "read", err);
    sqlite3_reset(one);
    return status;
}

typedef struct server_visit {
    tft_status (*visit)(void *, const database_server *, tft_error *);
    void *context;
} server_visit;

static tft_status read_server(sqlite3_stmt *row, void *context, tft_error *err)
{
    const server_visit *const to = context;
    const database_server server = {
        .id = sqlite3_column_int64(row, 0),
        .name = (const char *)sqlite3_column_text(row, 1),
        .name_len = (size_t)sqlite3_column_bytes(row, 1),
        .profile = sqlite3_column_int(row, 2),
        .state = sqlite3_column_int(row, 3),
        .records = sqlite3_column_int64(row, 4),
        .first_ms = sqlite3_column_int64(row, 5),
        .newest_ms = sqlite3_column_int64(row, 6),
    };
    return server.name == NULL ? tft_fail(err, TFT_ERR_MEMORY, "no memory for a name")
                               : to->visit(to->context, &server, err);
}

tft_status database_each_server(database *db, tft_status (*visit)(void *, const database_server *, tft_error *),
                                void *context, tft_error *err)
{
    server_visit to = {visit, context};
    return each_row(db, SQL_EACH_SERVER, read_server, &to, err);
}

static size_t encode_values(const database_record *record, unsigned char *out)
{
    for (size_t i = 0; i < record->n_values; i++) {
        uint64_t bits;
        memcpy(&bits, &record->values[i], sizeof bits);
        bits = htole64(bits);
        memcpy(out + 8 * i, &bits, sizeof bits);
    }
    return 8 * record->n_values;
}

static tft_status decode_record(sqlite3_stmt *row, database_record *record, tft_error *err)
{
    record->time_ms = sqlite3_column_int64(row, 0);
    record->server = sqlite3_column_int64(row, 1);
    record->arrival_ms = sqlite3_column_int64(row, 2);
    record->state = sqlite3_column_int(row, 3);
    const unsigned char *const blob = sqlite3_column_blob(row, 4);
    const size_t n = (size_t)sqlite3_column_bytes(row, 4);
    if (n % 8 != 0 || n > 8 * DATABASE_MAX_METRICS || (n > 0 && blob == NULL) || record->state < 0 ||
        record->state >= TFT_N_STATES)
        return tft_fail(err, TFT_ERR_FORMAT, "record of server %lld at %lld is damaged", (long long)record->server,
                        (long long)record->time_ms);
    record->n_values = n / 8;
    for (size_t i = 0; i < record->n_values; i++) {
        uint64_t bits;
        memcpy(&bits, blob + 8 * i, sizeof bits);
        bits = le64toh(bits);
        memcpy(&record->values[i], &bits, sizeof bits);
    }
    return TFT_OK;
}

tft_status database_insert_record(database *db, const database_record *record, bool *inserted, tft_error *err)
{
    unsigned char blob[8 * DATABASE_MAX_METRICS];
    const size_t n = encode_values(record, blob);
    sqlite3_stmt *const one = db->statements[SQL_INSERT_RECORD];
    sqlite3_bind_int64(one, 1, record->time_ms);
    sqlite3_bind_int64(one, 2, record->server);
    sqlite3_bind_int64(one, 3, record->arrival_ms);
    sqlite3_bind_int(one, 4, record->state);
    sqlite3_bind_blob(one, 5, blob, (int)n, SQLITE_STATIC);
    const tft_status status = run(db, SQL_INSERT_RECORD, err);
    *inserted = status == TFT_OK && sqlite3_changes(db->handle) > 0;
    sqlite3_bind_null(one, 5); // the blob lies on our stack
    return status;
}

tft_status database_get_record(database *db, int64_t time_ms, int64_t server, database_record *record, tft_error *err)
{
    sqlite3_stmt *const one = db->statements[SQL_GET_RECORD];
    sqlite3_bind_int64(one, 1, time_ms);
    sqlite3_bind_int64(one, 2, server);
    const int code = sqlite3_step(one);
    const tft_status status = code == SQLITE_ROW    ? decode_record(one, record, err)
                              : code == SQLITE_DONE ? TFT_ERR_NOT_FOUND
                                                    : database_fail(db, "read a record", err);
    sqlite3_reset(one);
    return status;
}

tft_status database_update_record(database *db, const database_record *record, tft_error *err)
{
    unsigned char blob[8 * DATABASE_MAX_METRICS];
    const size_t n = encode_values(record, blob);
    sqlite3_stmt *const one = db->statements[SQL_UPDATE_RECORD];
    sqlite3_bind_int64(one, 1, record->time_ms);
    sqlite3_bind_int64(one, 2, record->server);
    sqlite3_bind_int(one, 3, record->state);
    sqlite3_bind_blob(one, 4, blob, (int)n, SQLITE_STATIC);
    const tft_status status = run(db, SQL_UPDATE_RECORD, err);
    sqlite3_bind_null(one, 4);
    return status;
}

typedef struct record_visit {
    tft_status (*visit)(void *, const database_record *, tft_error *);
    void *context;
    database_record record;
} record_visit;

static tft_status read_record(sqlite3_stmt *row, void *context, tft_error *err)
{
    record_visit *const to = context;
    const tft_status status = decode_record(row, &to->record, err);
    return status == TFT_OK ? to->visit(to->context, &to->record, err) : status;
}

tft_status database_each_record(database *db, int64_t from_ms, int64_t to_ms,
                                tft_status (*visit)(void *, const database_record *, tft_error *), void *context,
                                tft_error *err)
{
    sqlite3_bind_int64(db->statements[SQL_EACH_RECORD], 1, from_ms);
    sqlite3_bind_int64(db->statements[SQL_EACH_RECORD], 2, to_ms);
    record_visit to = {.visit = visit, .context = context};
    return each_row(db, SQL_EACH_RECORD, read_record, &to, err);
}

tft_status database_newest_records(database *db, const database_span *of, size_t limit,
                                   tft_status (*visit)(void *, const database_record *, tft_error *), void *context,
                                   tft_error *err)
{
    sqlite3_stmt *const one = db->statements[SQL_NEWEST_RECORDS];
    sqlite3_bind_int64(one, 1, of->from_ms);
    sqlite3_bind_int64(one, 2, of->to_ms);
    sqlite3_bind_int64(one, 3, of->server);
    sqlite3_bind_int64(one, 4, limit == 0 ? -1 : (int64_t)limit);
    record_visit to = {.visit = visit, .context = context};
    return each_row(db, SQL_NEWEST_RECORDS, read_record, &to, err);
}

tft_status database_oldest_record(database *db, int64_t from_ms, int64_t *time_ms, tft_error *err)
{
    sqlite3_bind_int64(db->statements[SQL_OLDEST_RECORD], 1, from_ms);
    return one_number(db, SQL_OLDEST_RECORD, INT64_MAX, time_ms, err);
}

tft_status database_delete_records(database *db, int64_t from_ms, int64_t to_ms, int64_t cutoff_ms, size_t *n,
                                   tft_error *err)
{
    sqlite3_stmt *const one = db->statements[SQL_DELETE_RECORDS];
    sqlite3_bind_int64(one, 1, from_ms);
    sqlite3_bind_int64(one, 2, to_ms);
    sqlite3_bind_int64(one, 3, cutoff_ms);
    const tft_status status = run(db, SQL_DELETE_RECORDS, err);
    *n = status == TFT_OK ? (size_t)sqlite3_changes(db->handle) : 0;
    return status;
}

tft_status database_is_sealed(database *db, int64_t step_time_ms, int64_t server, bool *sealed, tft_error *err)
{
    sqlite3_stmt *const one = db->statements[SQL_IS_SEALED];
    const int64_t hour_ms = tft_floor_to(step_time_ms, DATABASE_HOUR_STEPS * db->step_ms);
    sqlite3_bind_int64(one, 1, step_time_ms);
    sqlite3_bind_int64(one, 2, server);
    sqlite3_bind_int64(one, 3, hour_ms);
    sqlite3_bind_int64(one, 4, (step_time_ms - hour_ms) / db->step_ms);
    const int code = sqlite3_step(one);
    *sealed = code == SQLITE_ROW;
    const tft_status status =
        code == SQLITE_ROW || code == SQLITE_DONE ? TFT_OK : database_fail(db, "read a step", err);
    sqlite3_reset(one);
    return status;
}

tft_status database_put_step(database *db, const database_step *step, tft_error *err)
{
    unsigned char blob[6 * DATABASE_MAX_METRICS];
    for (size_t i = 0; i < step->n_values; i++) {
        uint32_t bits;
        memcpy(&bits, &step->means[i], sizeof bits);
        bits = htole32(bits);
        const uint16_t count = htole16(step->value_counts[i]);
        memcpy(blob + 6 * i, &bits, sizeof bits);
        memcpy(blob + 6 * i + 4, &count, sizeof count);
    }
    sqlite3_stmt *const one = db->statements[SQL_PUT_STEP];
    sqlite3_bind_int64(one, 1, step->time_ms);
    sqlite3_bind_int64(one, 2, step->server);
    sqlite3_bind_int64(one, 3, step->records);
    sqlite3_bind_int(one, 4, step->state);
    sqlite3_bind_blob(one, 5, blob, (int)(6 * step->n_values), SQLITE_STATIC);
    const tft_status status = run(db, SQL_PUT_STEP, err);
    sqlite3_bind_null(one, 5);
    return status;
}

typedef struct step_visit {
    tft_status (*visit)(void *, const database_step *, tft_error *);
    void *context;
    database_step step;
} step_visit;

static tft_status read_step(sqlite3_stmt *row, void *context, tft_error *err)
{
    step_visit *const to = context;
    database_step *const step = &to->step;
    step->time_ms = sqlite3_column_int64(row, 0);
    step->server = sqlite3_column_int64(row, 1);
    const int64_t records = sqlite3_column_int64(row, 2);
    step->state = sqlite3_column_int(row, 3);
    const unsigned char *const blob = sqlite3_column_blob(row, 4);
    const size_t n = (size_t)sqlite3_column_bytes(row, 4);
    if (n % 6 != 0 || n > 6 * DATABASE_MAX_METRICS || (n > 0 && blob == NULL) || records < 0 || records > UINT32_MAX ||
        step->state < 0 || step->state >= TFT_N_STATES)
        return tft_fail(err, TFT_ERR_FORMAT, "step of server %lld at %lld is damaged", (long long)step->server,
                        (long long)step->time_ms);
    step->records = (unsigned)records;
    step->n_values = n / 6;
    for (size_t i = 0; i < step->n_values; i++) {
        uint32_t bits;
        uint16_t count;
        memcpy(&bits, blob + 6 * i, sizeof bits);
        memcpy(&count, blob + 6 * i + 4, sizeof count);
        bits = le32toh(bits);
        memcpy(&step->means[i], &bits, sizeof bits);
        step->value_counts[i] = le16toh(count);
    }
    return to->visit(to->context, step, err);
}

tft_status database_each_step(database *db, int64_t from_ms,
                              tft_status (*visit)(void *, const database_step *, tft_error *), void *context,
                              tft_error *err)
{
    sqlite3_bind_int64(db->statements[SQL_EACH_STEP], 1, from_ms);
    step_visit to = {.visit = visit, .context = context};
    return each_row(db, SQL_EACH_STEP, read_step, &to, err);
}

tft_status database_newest_step(database *db, int64_t *time_ms, tft_error *err)
{
    sqlite3_bind_int64(db->statements[SQL_NEWEST_STEP], 1, (DATABASE_HOUR_STEPS - 1) * db->step_ms);
    return one_number(db, SQL_NEWEST_STEP, INT64_MIN, time_ms, err);
}

tft_status database_bytes(database *db, uint64_t *bytes, tft_error *err)
{
    int64_t value = 0;
    const tft_status status = one_number(db, SQL_PAGES, 0, &value, err);
    *bytes = (uint64_t)value;
    return status;
}
