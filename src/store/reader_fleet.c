/* reader_fleet.c - incidents and the environment, read beside the writer. See reader.h. */
#include <sqlite3.h>
#include <stdio.h>

#include "store/reader_internal.h"

/* The warning of an incident: of this server's alerts, the first that fired within the horizon before it and still did. */
static const char incidents[] =
    "SELECT i.start_ms, i.server, i.end_ms, i.state, i.planned OR EXISTS(SELECT 1 FROM maintenance m WHERE m.server = "
    "i.server AND m.from_ms <= i.start_ms AND m.to_ms > i.start_ms), s.name, w.since_ms, w.id, w.kind, w.severity "
    "FROM incidents i JOIN servers s ON s.id = i.server LEFT JOIN alerts w ON w.id = (SELECT a.id FROM alerts a WHERE "
    "a.server = s.name AND a.kind IN ('threshold', 'incident') AND a.since_ms BETWEEN i.start_ms - ?6 AND i.start_ms "
    "AND (a.ends_ms IS NULL OR a.ends_ms >= i.start_ms) ORDER BY a.since_ms, a.id LIMIT 1) "
    "WHERE i.start_ms < ?2 AND (i.end_ms IS NULL OR i.end_ms > ?1) AND (?3 = 0 OR i.server = ?3) AND (i.start_ms, "
    "i.server) > (?4, ?5) ORDER BY i.start_ms, i.server";
static const char environment[] =
    "SELECT start_ms, servers, stale, in_incident, high_risk, warnings, criticals, unknown, critical_issue, healthy, "
    "heavy_load, idle, maintenance, morning_spike, offline, recovery, any_30m, any_1h, any_2h, any_4h, any_8h, "
    "expected_30m, expected_1h, expected_2h, expected_4h, expected_8h FROM environment WHERE start_ms >= ?1 AND "
    "start_ms < ?2 ORDER BY start_ms";

static void take_text(char *to, size_t capacity, sqlite3_stmt *row, int column)
{
    const char *const text = (const char *)sqlite3_column_text(row, column);
    snprintf(to, capacity, "%s", text != NULL ? text : "");
}

static void read_incident(sqlite3_stmt *row, store_past_incident *out)
{
    const bool over = sqlite3_column_type(row, 2) != SQLITE_NULL, warned = sqlite3_column_type(row, 6) != SQLITE_NULL;
    *out = (store_past_incident){
        .server = sqlite3_column_int64(row, 1),
        .server_name = (const char *)sqlite3_column_text(row, 5),
        .incident = {.start_ms = sqlite3_column_int64(row, 0),
                     .end_ms = over ? sqlite3_column_int64(row, 2) : STORE_GOES_ON,
                     .state = (tft_state)sqlite3_column_int(row, 3),
                     .planned = sqlite3_column_int(row, 4) != 0},
        .warned_ms = warned ? sqlite3_column_int64(row, 6) : INT64_MIN,
    };
    take_text(out->alert, sizeof out->alert, row, 7);
    take_text(out->kind, sizeof out->kind, row, 8);
    take_text(out->severity, sizeof out->severity, row, 9);
}

tft_status store_reader_incidents(store_reader *r, const store_incident_query *query,
                                  bool (*visit)(void *context, const store_past_incident *incident), void *context,
                                  tft_error *err)
{
    const int64_t numbers[] = {query->from_ms,  query->to_ms,        query->server,
                               query->after_ms, query->after_server, query->horizon_ms};
    sqlite3_stmt *all = NULL;
    if (sqlite3_prepare_v2(r->handle, incidents, -1, &all, NULL) != SQLITE_OK)
        return store_reader_fail(r, "read incidents", err);
    for (int i = 0; i < 6; i++)
        sqlite3_bind_int64(all, i + 1, numbers[i]);
    int code = SQLITE_DONE;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(all)) == SQLITE_ROW) {
        store_past_incident incident;
        read_incident(all, &incident);
        goes_on = incident.server_name == NULL || incident.incident.state >= TFT_N_STATES || visit(context, &incident);
    }
    const tft_status status = goes_on && code != SQLITE_DONE ? store_reader_fail(r, "read incidents", err) : TFT_OK;
    sqlite3_finalize(all);
    return status;
}

static void read_environment(sqlite3_stmt *row, store_environment *out)
{
    uint32_t *const counts[] = {&out->servers,   &out->stale,    &out->in_incident,
                                &out->high_risk, &out->warnings, &out->criticals};
    int at = 0;
    out->start_ms = sqlite3_column_int64(row, at++);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        *counts[i] = (uint32_t)sqlite3_column_int64(row, at++);
    for (size_t i = 0; i < TFT_N_STATES; i++)
        out->states[i] = (uint32_t)sqlite3_column_int64(row, at++);
    for (size_t i = 0; i < STORE_N_HORIZONS; i++)
        out->any[i] = sqlite3_column_double(row, at++);
    for (size_t i = 0; i < STORE_N_HORIZONS; i++)
        out->expected[i] = sqlite3_column_double(row, at++);
}

tft_status store_reader_environment(store_reader *r, int64_t from_ms, int64_t to_ms,
                                    bool (*visit)(void *context, const store_environment *row), void *context,
                                    tft_error *err)
{
    sqlite3_stmt *all = NULL;
    if (sqlite3_prepare_v2(r->handle, environment, -1, &all, NULL) != SQLITE_OK)
        return store_reader_fail(r, "read the environment", err);
    sqlite3_bind_int64(all, 1, from_ms);
    sqlite3_bind_int64(all, 2, to_ms);
    int code = SQLITE_DONE;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(all)) == SQLITE_ROW) {
        store_environment row;
        read_environment(all, &row);
        goes_on = visit(context, &row);
    }
    const tft_status status =
        goes_on && code != SQLITE_DONE ? store_reader_fail(r, "read the environment", err) : TFT_OK;
    sqlite3_finalize(all);
    return status;
}
