/* reader.c - see reader.h; beside database.c the second file that knows SQL, for reading only. */
#include "store/reader.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/reader_internal.h"

#define MAX_PATH 4096

tft_status store_reader_fail(const store_reader *r, const char *doing, tft_error *err)
{
    const int code = sqlite3_errcode(r->handle) & 0xff;
    return tft_fail(err, code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? TFT_ERR_FORMAT : TFT_ERR_IO, "%s: %s", doing,
                    sqlite3_errmsg(r->handle));
}

static tft_status map_columns(store_reader *r, const tft_contract *contract, tft_error *err)
{
    sqlite3_stmt *all = NULL;
    r->n_metrics = contract->n_metrics;
    for (size_t m = 0; m < contract->n_metrics; m++)
        r->columns[m] = -1;
    if (sqlite3_prepare_v2(r->handle, "SELECT id, name FROM metrics", -1, &all, NULL) != SQLITE_OK)
        return store_reader_fail(r, "read metrics", err);
    while (sqlite3_step(all) == SQLITE_ROW) {
        const char *const name = (const char *)sqlite3_column_text(all, 1);
        const int m = name != NULL ? tft_contract_find(contract, name, strlen(name)) : -1;
        if (m >= 0)
            r->columns[m] = sqlite3_column_int64(all, 0);
    }
    sqlite3_finalize(all);
    return TFT_OK;
}

tft_status store_reader_open(const char *dir, const tft_contract *contract, store_reader **reader, tft_error *err)
{
    char path[MAX_PATH];
    *reader = NULL;
    store_reader *const r = calloc(1, sizeof *r);
    if (r == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a reader");
    snprintf(path, sizeof path, "%s/tftd.db", dir);
    r->step_ms = contract->step_ms;
    tft_status status = TFT_OK;
    if (sqlite3_open_v2(path, &r->handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        status = store_reader_fail(r, path, err);
    if (status == TFT_OK) {
        sqlite3_busy_timeout(r->handle, 5000);
        status = map_columns(r, contract, err);
    }
    if (status != TFT_OK) {
        store_reader_close(r);
        return status;
    }
    *reader = r;
    return TFT_OK;
}

void store_reader_close(store_reader *reader)
{
    if (reader == NULL)
        return;
    sqlite3_close(reader->handle);
    free(reader);
}

int64_t store_reader_server(store_reader *r, const char *name, size_t n)
{
    sqlite3_stmt *one = NULL;
    int64_t id = -1;
    if (n < sizeof r->name &&
        sqlite3_prepare_v2(r->handle, "SELECT id FROM servers WHERE name = ?", -1, &one, NULL) == SQLITE_OK) {
        sqlite3_bind_text(one, 1, name, (int)n, SQLITE_STATIC);
        if (sqlite3_step(one) == SQLITE_ROW)
            id = sqlite3_column_int64(one, 0);
    }
    sqlite3_finalize(one);
    return id;
}

const char *store_reader_name(store_reader *r, int64_t server)
{
    sqlite3_stmt *one = NULL;
    bool found = false;
    if (sqlite3_prepare_v2(r->handle, "SELECT name FROM servers WHERE id = ?", -1, &one, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(one, 1, server);
        found = sqlite3_step(one) == SQLITE_ROW;
        if (found)
            snprintf(r->name, sizeof r->name, "%s", (const char *)sqlite3_column_text(one, 0));
    }
    sqlite3_finalize(one);
    return found ? r->name : NULL;
}

/* ---- records ------------------------------------------------------------------------------------------- */

static void read_record(const store_reader *r, sqlite3_stmt *row, store_past_record *out)
{
    const unsigned char *const blob = sqlite3_column_blob(row, 3);
    const size_t n = (size_t)sqlite3_column_bytes(row, 3) / sizeof(double);
    out->time_ms = sqlite3_column_int64(row, 0);
    out->server = sqlite3_column_int64(row, 1);
    out->state = (tft_state)sqlite3_column_int(row, 2);
    for (size_t m = 0; m < r->n_metrics; m++) {
        out->values[m] = NAN;
        if (r->columns[m] >= 0 && (size_t)r->columns[m] < n)
            memcpy(&out->values[m], blob + (size_t)r->columns[m] * sizeof(double), sizeof(double));
    }
}

/* The rows of `text` (time from, to, server three times over) one after the other. */
static tft_status prepare_span(const store_reader *r, const char *text, int64_t server, int64_t from_ms, int64_t to_ms,
                               sqlite3_stmt **all, tft_error *err)
{
    if (sqlite3_prepare_v2(r->handle, text, -1, all, NULL) != SQLITE_OK)
        return store_reader_fail(r, "read history", err);
    sqlite3_bind_int64(*all, 1, from_ms);
    sqlite3_bind_int64(*all, 2, to_ms);
    sqlite3_bind_int64(*all, 3, server);
    return TFT_OK;
}

tft_status store_reader_records(store_reader *r, int64_t server, int64_t from_ms, int64_t to_ms,
                                bool (*visit)(void *context, const store_past_record *record), void *context,
                                tft_error *err)
{
    sqlite3_stmt *all = NULL;
    tft_status status = prepare_span(r,
                                     "SELECT time, server, state, vals FROM records WHERE time >= ?1 AND time < ?2 AND "
                                     "(?3 = 0 OR server = ?3) ORDER BY time, server",
                                     server, from_ms, to_ms, &all, err);
    if (status != TFT_OK)
        return status;
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(all)) == SQLITE_ROW) {
        store_past_record record;
        read_record(r, all, &record);
        goes_on = visit(context, &record);
    }
    if (goes_on && code != SQLITE_DONE)
        status = store_reader_fail(r, "read records", err);
    sqlite3_finalize(all);
    return status;
}

/* ---- the track record ---------------------------------------------------------------------------------- */

tft_status store_reader_forecasts(store_reader *r, int64_t server, int64_t from_ms, int64_t to_ms,
                                  bool (*visit)(void *context, const store_past_forecast *forecast), void *context,
                                  tft_error *err)
{
    sqlite3_stmt *all = NULL;
    tft_status status = prepare_span(
        r,
        "SELECT s.origin_ms, s.first_ms, s.model, f.body FROM forecast_sets s JOIN forecasts f ON f.number "
        "= s.number AND f.server = ?3 WHERE s.origin_ms >= ?1 AND s.origin_ms < ?2 "
        "ORDER BY s.origin_ms, s.number",
        server, from_ms, to_ms, &all, err);
    if (status != TFT_OK)
        return status;
    int code = SQLITE_DONE;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(all)) == SQLITE_ROW) {
        const store_past_forecast forecast = {.origin_ms = sqlite3_column_int64(all, 0),
                                              .first_ms = sqlite3_column_int64(all, 1),
                                              .model = (const char *)sqlite3_column_text(all, 2),
                                              .body = sqlite3_column_blob(all, 3),
                                              .n = (size_t)sqlite3_column_bytes(all, 3)};
        goes_on = visit(context, &forecast);
    }
    if (goes_on && code != SQLITE_DONE)
        status = store_reader_fail(r, "read forecasts", err);
    sqlite3_finalize(all);
    return status;
}

/* The contract's place of a metric's id, −1 for incidents, −2 where the contract has no such metric. */
static int metric_of(const store_reader *r, int64_t id)
{
    for (size_t m = 0; m < r->n_metrics; m++) {
        if (id >= 0 && r->columns[m] == id)
            return (int)m;
    }
    return id == -1 ? -1 : -2;
}

tft_status store_reader_scores(store_reader *r, int64_t from_ms, int64_t to_ms,
                               void (*visit)(void *context, const store_score *score), void *context, tft_error *err)
{
    sqlite3_stmt *all = NULL;
    tft_status status = prepare_span(r,
                                     "SELECT from_ms, model, grp, metric, sums FROM scores WHERE from_ms >= ?1 AND "
                                     "from_ms < ?2 AND ?3 = 0 ORDER BY from_ms, model, grp, metric",
                                     0, from_ms, to_ms, &all, err);
    if (status != TFT_OK)
        return status;
    int code;
    while ((code = sqlite3_step(all)) == SQLITE_ROW) {
        const int64_t group = sqlite3_column_int64(all, 2);
        store_score row = {.from_ms = sqlite3_column_int64(all, 0),
                           .group = group > 0 ? group - 1 : group,
                           .metric = metric_of(r, sqlite3_column_int64(all, 3)),
                           .n = (size_t)sqlite3_column_bytes(all, 4) / sizeof(float)};
        if (row.metric < -1 || row.n > STORE_MAX_SUMS)
            continue;
        snprintf(row.model, sizeof row.model, "%s", (const char *)sqlite3_column_text(all, 1));
        if (row.n > 0)
            memcpy(row.sums, sqlite3_column_blob(all, 4), row.n * sizeof(float));
        visit(context, &row);
    }
    if (code != SQLITE_DONE)
        status = store_reader_fail(r, "read scores", err);
    sqlite3_finalize(all);
    return status;
}

int64_t store_reader_scored(store_reader *r)
{
    sqlite3_stmt *one = NULL;
    int64_t newest = INT64_MIN;
    if (sqlite3_prepare_v2(r->handle, "SELECT max(origin_ms) FROM forecast_sets WHERE scored_to = 9223372036854775807",
                           -1, &one, NULL) == SQLITE_OK &&
        sqlite3_step(one) == SQLITE_ROW && sqlite3_column_type(one, 0) != SQLITE_NULL)
        newest = sqlite3_column_int64(one, 0);
    sqlite3_finalize(one);
    return newest;
}
