/* database_servers.c - see database_servers.h. Prepared for each call: people change servers now and then. */
#include "store/database_servers.h"

#include <sqlite3.h>
#include <string.h>

#include "store/database_internal.h"

static tft_status finish(database *db, sqlite3_stmt *one, tft_error *err)
{
    const tft_status status = sqlite3_step(one) == SQLITE_DONE ? TFT_OK : database_fail(db, "change a server", err);
    sqlite3_finalize(one);
    return status;
}

tft_status database_put_labels(database *db, int64_t server, const char *labels, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    const tft_status status = database_prepare(db, "UPDATE servers SET labels = ?2 WHERE id = ?1", &one, err);
    if (status != TFT_OK)
        return status;
    sqlite3_bind_int64(one, 1, server);
    if (labels != NULL)
        sqlite3_bind_text(one, 2, labels, -1, SQLITE_STATIC);
    return finish(db, one, err);
}

tft_status database_each_labels(database *db, void (*visit)(void *context, uint32_t index, const char *labels),
                                void *context, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, "SELECT id, labels FROM servers WHERE labels IS NOT NULL", &one, err);
    int code = SQLITE_DONE;
    while (status == TFT_OK && (code = sqlite3_step(one)) == SQLITE_ROW)
        visit(context, (uint32_t)(sqlite3_column_int64(one, 0) - 1), (const char *)sqlite3_column_text(one, 1));
    if (status == TFT_OK && code != SQLITE_DONE)
        status = database_fail(db, "read labels", err);
    sqlite3_finalize(one);
    return status;
}

tft_status database_forget_server(database *db, int64_t server, const char *name, size_t name_len, const char *gap_name,
                                  size_t *n_records, tft_error *err)
{
    static const char *const by_id[] = {
        "DELETE FROM records WHERE server = ?1",
        "DELETE FROM steps WHERE server = ?1",
        "DELETE FROM step_log WHERE server = ?1",
        "DELETE FROM step_blocks WHERE server = ?1",
        "DELETE FROM hours WHERE server = ?1",
        "DELETE FROM forecasts WHERE server = ?1 AND number IN (SELECT number FROM forecast_sets)",
        "DELETE FROM scores WHERE grp = ?1",
        "DELETE FROM incidents WHERE server = ?1",
        "DELETE FROM maintenance WHERE server = ?1"};
    sqlite3_stmt *one = NULL;
    tft_status status = TFT_OK;
    for (size_t i = 0; i < sizeof by_id / sizeof *by_id && status == TFT_OK; i++) {
        status = database_prepare(db, by_id[i], &one, err);
        if (status != TFT_OK)
            return status;
        sqlite3_bind_int64(one, 1, server);
        status = finish(db, one, err);
        if (i == 0)
            *n_records = status == TFT_OK ? (size_t)sqlite3_changes(database_handle(db)) : 0;
    }
    if (status == TFT_OK)
        status = database_prepare(db, "DELETE FROM alerts WHERE server = ?1 AND status = 'resolved'", &one, err);
    if (status != TFT_OK)
        return status;
    sqlite3_bind_text(one, 1, name, (int)name_len, SQLITE_STATIC);
    status = finish(db, one, err);
    if (status == TFT_OK)
        status = database_prepare(
            db, "UPDATE servers SET name = ?2, profile = -1, state = 0, records = 0, labels = NULL WHERE id = ?1", &one,
            err);
    if (status != TFT_OK)
        return status;
    sqlite3_bind_int64(one, 1, server);
    sqlite3_bind_text(one, 2, gap_name, -1, SQLITE_STATIC);
    return finish(db, one, err);
}
