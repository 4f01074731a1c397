/* database_track.c - see database_track.h. */
#include "store/database_track.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "store/database_internal.h"

static const char put_set[] = "INSERT INTO forecast_sets(origin_ms, first_ms, model, rows, scored_to, complete) "
                              "VALUES(?1, ?2, ?3, 0, 0, 0) ON CONFLICT DO NOTHING RETURNING number";
static const char put_forecast[] =
    "INSERT INTO forecasts(number, server, body) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING";
static const char grow_set[] = "UPDATE forecast_sets SET rows = rows + ?2, complete = ?3 WHERE number = ?1";
static const char due_set[] = "SELECT number, origin_ms, first_ms, model, scored_to, complete FROM forecast_sets "
                              "WHERE complete AND origin_ms <= ?1 AND scored_to < 9223372036854775807 "
                              "ORDER BY origin_ms, number LIMIT 1";
static const char each_forecast[] =
    "SELECT server, body FROM forecasts WHERE number = ?1 AND server >= ?2 ORDER BY server LIMIT ?3";
static const char get_sums[] = "SELECT sums FROM scores WHERE from_ms = ?1 AND model = ?2 AND grp = ?3 AND metric = ?4";
static const char put_sums[] = "INSERT INTO scores(from_ms, model, grp, metric, sums) VALUES(?1, ?2, ?3, ?4, ?5) "
                               "ON CONFLICT(from_ms, model, grp, metric) DO UPDATE SET sums = ?5";
static const char mark_scored[] = "UPDATE forecast_sets SET scored_to = ?2 WHERE number = ?1";
static const char old_sets[] =
    "SELECT number FROM forecast_sets s WHERE origin_ms < ?1 OR (NOT complete AND number < (SELECT max(number) FROM "
    "forecast_sets)) OR (SELECT sum(rows) FROM forecast_sets n WHERE n.number >= s.number) > ?2 "
    "ORDER BY number LIMIT ?3";
static const char drop_rows[] = "DELETE FROM forecasts WHERE number = ?1";
static const char drop_set[] = "DELETE FROM forecast_sets WHERE number = ?1";
static const char drop_scores[] = "DELETE FROM scores WHERE from_ms < ?1";

/* Runs `text` once with up to three numbers. */
static tft_status run_once(database *db, const char *text, const int64_t *numbers, int n, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, text, &one, err);
    for (int i = 0; i < n && status == TFT_OK; i++)
        sqlite3_bind_int64(one, i + 1, numbers[i]);
    if (status == TFT_OK)
        status = database_run(db, one, NULL, err);
    sqlite3_finalize(one);
    return status;
}

/* ---- sets and what they say ------------------------------------------------------------------------------ */

tft_status database_put_set(database *db, store_set *set, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, put_set, &one, err);
    if (status != TFT_OK)
        return status;
    sqlite3_bind_int64(one, 1, set->origin_ms);
    sqlite3_bind_int64(one, 2, set->first_ms);
    sqlite3_bind_text(one, 3, set->model, -1, SQLITE_STATIC);
    const int code = sqlite3_step(one);
    if (code == SQLITE_ROW)
        set->number = sqlite3_column_int64(one, 0);
    else
        status = code == SQLITE_DONE ? TFT_ERR_BUSY : database_fail(db, "write a set", err);
    sqlite3_finalize(one);
    return status;
}

tft_status database_put_forecasts(database *db, int64_t set, const store_forecast *rows, size_t n, bool complete,
                                  tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, put_forecast, &one, err);
    for (size_t i = 0; i < n && status == TFT_OK; i++) {
        sqlite3_bind_int64(one, 1, set);
        sqlite3_bind_int64(one, 2, (int64_t)rows[i].server + 1);
        sqlite3_bind_blob(one, 3, rows[i].body, (int)rows[i].n, SQLITE_STATIC);
        status = database_run(db, one, NULL, err);
    }
    sqlite3_finalize(one);
    return status == TFT_OK ? run_once(db, grow_set, (int64_t[]){set, (int64_t)n, complete}, 3, err) : status;
}

tft_status database_due_set(database *db, int64_t before_ms, store_set *set, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, due_set, &one, err);
    if (status != TFT_OK)
        return status;
    sqlite3_bind_int64(one, 1, before_ms);
    const int code = sqlite3_step(one);
    if (code == SQLITE_ROW) {
        *set = (store_set){.number = sqlite3_column_int64(one, 0),
                           .origin_ms = sqlite3_column_int64(one, 1),
                           .first_ms = sqlite3_column_int64(one, 2),
                           .scored_to = sqlite3_column_int64(one, 4),
                           .complete = sqlite3_column_int(one, 5) != 0};
        snprintf(set->model, sizeof set->model, "%s", (const char *)sqlite3_column_text(one, 3));
    } else {
        status = code == SQLITE_DONE ? TFT_ERR_NOT_FOUND : database_fail(db, "read a set", err);
    }
    sqlite3_finalize(one);
    return status;
}

tft_status database_each_forecast(database *db, int64_t set, int64_t from, size_t limit,
                                  void (*visit)(void *context, const store_forecast *row), void *context,
                                  tft_error *err)
{
    sqlite3_stmt *all = NULL;
    tft_status status = database_prepare(db, each_forecast, &all, err);
    if (status != TFT_OK)
        return status;
    sqlite3_bind_int64(all, 1, set);
    sqlite3_bind_int64(all, 2, from + 1);
    sqlite3_bind_int64(all, 3, (int64_t)limit);
    int code;
    while ((code = sqlite3_step(all)) == SQLITE_ROW) {
        const store_forecast row = {.server = (uint32_t)(sqlite3_column_int64(all, 0) - 1),
                                    .body = sqlite3_column_blob(all, 1),
                                    .n = (size_t)sqlite3_column_bytes(all, 1)};
        visit(context, &row);
    }
    if (code != SQLITE_DONE)
        status = database_fail(db, "read forecasts", err);
    sqlite3_finalize(all);
    return status;
}

/* ---- scores ---------------------------------------------------------------------------------------------- */

static void bind_key(sqlite3_stmt *one, const size_t *columns, const store_score *row)
{
    sqlite3_bind_int64(one, 1, row->from_ms);
    sqlite3_bind_text(one, 2, row->model, -1, SQLITE_STATIC);
    sqlite3_bind_int64(one, 3, row->group < 0 ? row->group : row->group + 1);
    sqlite3_bind_int64(one, 4, row->metric < 0 ? -1 : (int64_t)columns[row->metric]);
}

/* What is there of a row, added to `sums`. Another length is of an older layout: it starts anew. */
static tft_status add_there(database *db, sqlite3_stmt *get, const store_score *row, float *sums, tft_error *err)
{
    const int code = sqlite3_step(get);
    if (code == SQLITE_ROW && (size_t)sqlite3_column_bytes(get, 0) == row->n * sizeof(float)) {
        const unsigned char *const blob = sqlite3_column_blob(get, 0);
        for (size_t i = 0; i < row->n; i++) {
            float there;
            memcpy(&there, blob + i * sizeof there, sizeof there);
            sums[i] += there;
        }
    }
    sqlite3_reset(get);
    return code == SQLITE_ROW || code == SQLITE_DONE ? TFT_OK : database_fail(db, "read scores", err);
}

tft_status database_add_scores(database *db, const size_t *columns, const store_score *rows, size_t n, tft_error *err)
{
    sqlite3_stmt *get = NULL, *put = NULL;
    tft_status status = database_prepare(db, get_sums, &get, err);
    if (status == TFT_OK)
        status = database_prepare(db, put_sums, &put, err);
    for (size_t i = 0; i < n && status == TFT_OK; i++) {
        float sums[STORE_MAX_SUMS];
        memcpy(sums, rows[i].sums, rows[i].n * sizeof *sums);
        bind_key(get, columns, &rows[i]);
        status = add_there(db, get, &rows[i], sums, err);
        if (status != TFT_OK)
            break;
        bind_key(put, columns, &rows[i]);
        sqlite3_bind_blob(put, 5, sums, (int)(rows[i].n * sizeof *sums), SQLITE_TRANSIENT);
        status = database_run(db, put, NULL, err);
    }
    sqlite3_finalize(get);
    sqlite3_finalize(put);
    return status;
}

tft_status database_mark_scored(database *db, int64_t set, int64_t scored_to, tft_error *err)
{
    return run_once(db, mark_scored, (int64_t[]){set, scored_to}, 2, err);
}

/* ---- forgetting ------------------------------------------------------------------------------------------ */

tft_status database_forget_sets(database *db, int64_t cutoff_ms, int64_t max_rows, size_t limit, size_t *n,
                                tft_error *err)
{
    int64_t numbers[64];
    const size_t most = limit < sizeof numbers / sizeof *numbers ? limit : sizeof numbers / sizeof *numbers;
    sqlite3_stmt *all = NULL;
    *n = 0;
    tft_status status = database_prepare(db, old_sets, &all, err);
    if (status != TFT_OK)
        return status;
    sqlite3_bind_int64(all, 1, cutoff_ms);
    sqlite3_bind_int64(all, 2, max_rows);
    sqlite3_bind_int64(all, 3, (int64_t)most);
    int code;
    while ((code = sqlite3_step(all)) == SQLITE_ROW)
        numbers[(*n)++] = sqlite3_column_int64(all, 0);
    if (code != SQLITE_DONE)
        status = database_fail(db, "read sets", err);
    sqlite3_finalize(all);
    for (size_t i = 0; i < *n && status == TFT_OK; i++) {
        status = run_once(db, drop_rows, &numbers[i], 1, err);
        if (status == TFT_OK)
            status = run_once(db, drop_set, &numbers[i], 1, err);
    }
    return status;
}

tft_status database_forget_scores(database *db, int64_t cutoff_ms, tft_error *err)
{
    return run_once(db, drop_scores, &cutoff_ms, 1, err);
}
