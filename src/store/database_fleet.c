/* database_fleet.c - see database_fleet.h. Prepared for each call: a few a step. */
#include "store/database_fleet.h"

#include <sqlite3.h>

#include "store/database_internal.h"

static const char drop_incidents[] = "DELETE FROM incidents WHERE server = ?1 AND start_ms >= ?2";
static const char end_earlier[] =
    "UPDATE incidents SET end_ms = ?3 WHERE server = ?1 AND start_ms < ?2 AND end_ms IS NULL";
static const char put_incident[] =
    "INSERT INTO incidents(start_ms, server, end_ms, state, planned) VALUES(?1, ?2, ?3, ?4, ?5)";
static const char put_environment[] =
    "INSERT OR REPLACE INTO environment(start_ms, servers, stale, in_incident, high_risk, warnings, criticals, "
    "unknown, "
    "critical_issue, healthy, heavy_load, idle, maintenance, morning_spike, offline, recovery, any_30m, any_1h, "
    "any_2h, "
    "any_4h, any_8h, expected_30m, expected_1h, expected_2h, expected_4h, expected_8h) VALUES(?, ?, ?, ?, ?, ?, ?, ?, "
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
static const char *const forget[] = {"DELETE FROM incidents WHERE start_ms < ?1 AND end_ms < ?1",
                                     "DELETE FROM environment WHERE start_ms < ?1"};

static tft_status put_items(database *db, sqlite3_stmt *put, const store_incidents *server, tft_error *err)
{
    tft_status status = TFT_OK;
    for (size_t i = 0; i < server->n && status == TFT_OK; i++) {
        const store_incident *const incident = &server->items[i];
        sqlite3_bind_int64(put, 1, incident->start_ms);
        sqlite3_bind_int64(put, 2, (int64_t)server->server + 1);
        if (incident->end_ms == STORE_GOES_ON)
            sqlite3_bind_null(put, 3);
        else
            sqlite3_bind_int64(put, 3, incident->end_ms);
        sqlite3_bind_int(put, 4, (int)incident->state);
        sqlite3_bind_int(put, 5, incident->planned);
        status = database_run(db, put, NULL, err);
    }
    return status;
}

tft_status database_put_incidents(database *db, const store_incidents *servers, size_t n, tft_error *err)
{
    sqlite3_stmt *drop = NULL, *end = NULL, *put = NULL;
    tft_status status = database_prepare(db, drop_incidents, &drop, err);
    if (status == TFT_OK)
        status = database_prepare(db, end_earlier, &end, err);
    if (status == TFT_OK)
        status = database_prepare(db, put_incident, &put, err);
    for (size_t i = 0; i < n && status == TFT_OK; i++) {
        const store_incidents *const server = &servers[i];
        sqlite3_bind_int64(drop, 1, (int64_t)server->server + 1);
        sqlite3_bind_int64(drop, 2, server->from_ms);
        status = database_run(db, drop, NULL, err);
        if (status == TFT_OK && server->earlier_end_ms != STORE_GOES_ON) {
            sqlite3_bind_int64(end, 1, (int64_t)server->server + 1);
            sqlite3_bind_int64(end, 2, server->from_ms);
            sqlite3_bind_int64(end, 3, server->earlier_end_ms);
            status = database_run(db, end, NULL, err);
        }
        if (status == TFT_OK)
            status = put_items(db, put, server, err);
    }
    sqlite3_finalize(drop);
    sqlite3_finalize(end);
    sqlite3_finalize(put);
    return status;
}

static tft_status put_step(database *db, sqlite3_stmt *put, const store_environment *row, tft_error *err)
{
    const uint32_t counts[] = {row->servers,   row->stale,    row->in_incident,
                               row->high_risk, row->warnings, row->criticals};
    int at = 1;
    sqlite3_bind_int64(put, at++, row->start_ms);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        sqlite3_bind_int64(put, at++, counts[i]);
    for (size_t i = 0; i < TFT_N_STATES; i++) // the columns stand in the order of tft_state
        sqlite3_bind_int64(put, at++, row->states[i]);
    for (size_t i = 0; i < STORE_N_HORIZONS; i++)
        sqlite3_bind_double(put, at++, row->any[i]);
    for (size_t i = 0; i < STORE_N_HORIZONS; i++)
        sqlite3_bind_double(put, at++, row->expected[i]);
    return database_run(db, put, NULL, err);
}

tft_status database_put_environment(database *db, const store_environment *rows, size_t n, tft_error *err)
{
    sqlite3_stmt *put = NULL;
    tft_status status = database_prepare(db, put_environment, &put, err);
    for (size_t i = 0; i < n && status == TFT_OK; i++)
        status = put_step(db, put, &rows[i], err);
    sqlite3_finalize(put);
    return status;
}

tft_status database_forget_fleet(database *db, int64_t cutoff_ms, tft_error *err)
{
    tft_status status = TFT_OK;
    for (size_t i = 0; i < 2 && status == TFT_OK; i++) {
        sqlite3_stmt *one = NULL;
        status = database_prepare(db, forget[i], &one, err);
        if (status == TFT_OK) {
            sqlite3_bind_int64(one, 1, cutoff_ms);
            status = database_run(db, one, NULL, err);
        }
        sqlite3_finalize(one);
    }
    return status;
}
