/* database_alerts.c - see database_alerts.h. */
#include "store/database_alerts.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "store/database_internal.h"

#define COLUMNS                                                                                                        \
    "id, server, profile, kind, metric, severity, status, mute, inhibited_by, starts_ms, since_ms, ends_ms, "          \
    "below_ms, expected_ms, p10_ms, p50_ms, p90_ms, minutes_ahead, value, threshold, current, probability, crossing, " \
    "ack_by, ack_comment, ack_ms, ack_until_ms"

static const char put_alert[] =
    "INSERT INTO alerts(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
    "?17, ?18, ?19, ?20, ?21, ?22, ?23, NULL, NULL, NULL, NULL) ON CONFLICT(id) DO UPDATE SET status = ?7, mute = ?8, "
    "inhibited_by = ?9, since_ms = ?11, ends_ms = ?12, below_ms = ?13, expected_ms = ?14, p10_ms = ?15, p50_ms = ?16, "
    "p90_ms = ?17, minutes_ahead = ?18, value = ?19, threshold = ?20, current = ?21, probability = ?22, "
    "crossing = ?23";
static const char drop_alert[] = "DELETE FROM alerts WHERE id = ?1";
static const char find_alerts[] =
    "SELECT " COLUMNS " FROM alerts WHERE ((?1 AND status = 'pending') OR (?2 AND status = 'firing') OR "
    "(?3 AND status = 'resolved')) AND (?4 IS NULL OR instr(?4, ',' || severity || ',') > 0) AND "
    "(?5 IS NULL OR instr(?5, ',' || kind || ',') > 0) AND "
    "(?6 IS NULL OR server = ?6) AND (?7 IS NULL OR ends_ms IS NULL OR ends_ms >= ?7) AND "
    "(?8 IS NULL OR starts_ms < ?8) AND (?9 IS NULL OR starts_ms < ?9 OR (starts_ms = ?9 AND id > ?10)) "
    "ORDER BY starts_ms DESC, id LIMIT ?11";
static const char find_alert[] = "SELECT " COLUMNS " FROM alerts WHERE id = ?1";
static const char acknowledge[] =
    "UPDATE alerts SET ack_by = ?2, ack_comment = ?3, ack_ms = ?4, ack_until_ms = ?5 WHERE id = ?1";
static const char prune_alerts[] =
    "DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE status = 'resolved' AND ends_ms < ?1 LIMIT ?2)";
static const char put_delivery[] = "INSERT INTO deliveries(target, alert, told) VALUES(?1, ?2, ?3) "
                                   "ON CONFLICT(target, alert) DO UPDATE SET told = ?3";
static const char drop_delivery[] = "DELETE FROM deliveries WHERE target = ?1 AND alert = ?2";
static const char each_delivery[] = "SELECT target, alert, told FROM deliveries";
static const char put_silence[] = "INSERT INTO silences(id, version, body) VALUES(?1, ?2, ?3) "
                                  "ON CONFLICT(id) DO UPDATE SET version = ?2, body = ?3";
static const char drop_silence[] = "DELETE FROM silences WHERE id = ?1";
static const char each_silence[] = "SELECT id, version, body FROM silences ORDER BY id";
static const char put_span[] = "INSERT INTO maintenance(server, from_ms, to_ms) VALUES(?1, ?2, ?3) "
                               "ON CONFLICT(server, from_ms) DO UPDATE SET to_ms = max(to_ms, ?3)";
static const char each_span[] = "SELECT server, from_ms, to_ms FROM maintenance WHERE (?1 < 0 OR server = ?1) AND "
                                "from_ms < ?3 AND to_ms > ?2 ORDER BY server, from_ms";

/* ---- statements ------------------------------------------------------------------------------------------ */

static void bind_text(sqlite3_stmt *one, int at, const char *text)
{
    if (text == NULL)
        sqlite3_bind_null(one, at);
    else
        sqlite3_bind_text(one, at, text, -1, SQLITE_TRANSIENT);
}

static void bind_time(sqlite3_stmt *one, int at, int64_t ms)
{
    if (ms == STORE_NEVER)
        sqlite3_bind_null(one, at);
    else
        sqlite3_bind_int64(one, at, ms);
}

static void bind_number(sqlite3_stmt *one, int at, double value)
{
    if (isfinite(value))
        sqlite3_bind_double(one, at, value);
    else
        sqlite3_bind_null(one, at);
}

static void read_text(sqlite3_stmt *row, int at, char *out, size_t capacity)
{
    const char *const text = (const char *)sqlite3_column_text(row, at);
    snprintf(out, capacity, "%s", text != NULL ? text : "");
}

static int64_t read_time(sqlite3_stmt *row, int at)
{
    return sqlite3_column_type(row, at) == SQLITE_NULL ? STORE_NEVER : sqlite3_column_int64(row, at);
}

static double read_number(sqlite3_stmt *row, int at)
{
    return sqlite3_column_type(row, at) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(row, at);
}

/* ---- alerts ---------------------------------------------------------------------------------------------- */

tft_status database_put_alerts(database *db, const store_alert *alerts, size_t n, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = n > 0 ? database_prepare(db, put_alert, &one, err) : TFT_OK;
    for (size_t i = 0; i < n && status == TFT_OK; i++) {
        const store_alert *const a = &alerts[i];
        const char *const texts[] = {a->id,       a->server, a->profile, a->kind,        a->metric,
                                     a->severity, a->status, a->mute,    a->inhibited_by};
        const int64_t times[] = {a->starts_ms, a->since_ms, a->ends_ms, a->below_since_ms, a->expected_at_ms,
                                 a->p10_ms,    a->p50_ms,   a->p90_ms,  a->minutes_ahead};
        const double numbers[] = {a->predicted_value, a->threshold, a->current, a->probability,
                                  a->crossing_probability};
        int at = 1;
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
            bind_text(one, at++, texts[k]);
        for (size_t k = 0; k < sizeof times / sizeof *times; k++)
            bind_time(one, at++, times[k]);
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            bind_number(one, at++, numbers[k]);
        status = database_run(db, one, NULL, err);
    }
    sqlite3_finalize(one);
    return status;
}

static void read_alert(sqlite3_stmt *row, store_alert *a)
{
    int at = 0;
    read_text(row, at++, a->id, sizeof a->id);
    read_text(row, at++, a->server, sizeof a->server);
    read_text(row, at++, a->profile, sizeof a->profile);
    read_text(row, at++, a->kind, sizeof a->kind);
    read_text(row, at++, a->metric, sizeof a->metric);
    read_text(row, at++, a->severity, sizeof a->severity);
    read_text(row, at++, a->status, sizeof a->status);
    read_text(row, at++, a->mute, sizeof a->mute);
    read_text(row, at++, a->inhibited_by, sizeof a->inhibited_by);
    int64_t *const times[] = {&a->starts_ms, &a->since_ms, &a->ends_ms, &a->below_since_ms, &a->expected_at_ms,
                              &a->p10_ms,    &a->p50_ms,   &a->p90_ms,  &a->minutes_ahead};
    for (size_t k = 0; k < sizeof times / sizeof *times; k++)
        *times[k] = read_time(row, at++);
    double *const numbers[] = {&a->predicted_value, &a->threshold, &a->current, &a->probability,
                               &a->crossing_probability};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        *numbers[k] = read_number(row, at++);
    read_text(row, at++, a->ack.by, sizeof a->ack.by);
    read_text(row, at++, a->ack.comment, sizeof a->ack.comment);
    a->ack.at_ms = read_time(row, at++);
    a->ack.until_ms = read_time(row, at++);
}

tft_status database_find_alerts(database *db, const store_alert_query *query,
                                void (*visit)(void *context, const store_alert *alert), void *context, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    const tft_status prepared = database_prepare(db, find_alerts, &one, err);
    if (prepared != TFT_OK)
        return prepared;
    sqlite3_bind_int(one, 1, query->pending);
    sqlite3_bind_int(one, 2, query->firing);
    sqlite3_bind_int(one, 3, query->resolved);
    bind_text(one, 4, query->severities);
    bind_text(one, 5, query->kinds);
    bind_text(one, 6, query->server);
    bind_time(one, 7, query->from_ms);
    bind_time(one, 8, query->to_ms);
    bind_time(one, 9, query->after_starts_ms);
    bind_text(one, 10, query->after_id);
    sqlite3_bind_int64(one, 11, query->limit > 0 ? (int64_t)query->limit : -1);
    int code;
    store_alert alert;
    while ((code = sqlite3_step(one)) == SQLITE_ROW) {
        read_alert(one, &alert);
        visit(context, &alert);
    }
    const tft_status status = code == SQLITE_DONE ? TFT_OK : database_fail(db, "read alerts", err);
    sqlite3_finalize(one);
    return status;
}

tft_status database_find_alert(database *db, const char *id, store_alert *alert, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, find_alert, &one, err);
    if (status != TFT_OK)
        return status;
    bind_text(one, 1, id);
    const int code = sqlite3_step(one);
    if (code == SQLITE_ROW)
        read_alert(one, alert);
    else
        status = code == SQLITE_DONE ? TFT_ERR_NOT_FOUND : database_fail(db, "read an alert", err);
    sqlite3_finalize(one);
    return status;
}

/* A statement whose one argument is each of the ids. */
static tft_status for_each_id(database *db, const char *text, const char (*ids)[STORE_ID_BYTES], size_t n,
                              tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = n > 0 ? database_prepare(db, text, &one, err) : TFT_OK;
    for (size_t i = 0; i < n && status == TFT_OK; i++) {
        bind_text(one, 1, ids[i]);
        status = database_run(db, one, NULL, err);
    }
    sqlite3_finalize(one);
    return status;
}

tft_status database_forget_alerts(database *db, const char (*ids)[STORE_ID_BYTES], size_t n, tft_error *err)
{
    return for_each_id(db, drop_alert, ids, n, err);
}

tft_status database_acknowledge(database *db, const char *id, const store_ack *ack, size_t *n, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, acknowledge, &one, err);
    if (status != TFT_OK)
        return status;
    const bool is = ack->at_ms != STORE_NEVER;
    bind_text(one, 1, id);
    bind_text(one, 2, is ? ack->by : NULL);
    bind_text(one, 3, is ? ack->comment : NULL);
    bind_time(one, 4, ack->at_ms);
    bind_time(one, 5, is ? ack->until_ms : STORE_NEVER);
    status = database_run(db, one, n, err);
    sqlite3_finalize(one);
    return status;
}

tft_status database_prune_alerts(database *db, int64_t cutoff_ms, size_t limit, size_t *n, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, prune_alerts, &one, err);
    if (status != TFT_OK)
        return status;
    sqlite3_bind_int64(one, 1, cutoff_ms);
    sqlite3_bind_int64(one, 2, (int64_t)limit);
    status = database_run(db, one, n, err);
    sqlite3_finalize(one);
    return status;
}

/* ---- deliveries ------------------------------------------------------------------------------------------ */

tft_status database_put_deliveries(database *db, const store_delivery *deliveries, size_t n, tft_error *err)
{
    sqlite3_stmt *put = NULL, *drop = NULL;
    tft_status status = n > 0 ? database_prepare(db, put_delivery, &put, err) : TFT_OK;
    if (status == TFT_OK && n > 0)
        status = database_prepare(db, drop_delivery, &drop, err);
    for (size_t i = 0; i < n && status == TFT_OK; i++) {
        sqlite3_stmt *const one = deliveries[i].told < 0 ? drop : put;
        bind_text(one, 1, deliveries[i].target);
        bind_text(one, 2, deliveries[i].alert);
        if (deliveries[i].told >= 0)
            sqlite3_bind_int(one, 3, deliveries[i].told);
        status = database_run(db, one, NULL, err);
    }
    sqlite3_finalize(put);
    sqlite3_finalize(drop);
    return status;
}

tft_status database_each_delivery(database *db, void (*visit)(void *context, const store_delivery *delivery),
                                  void *context, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    const tft_status prepared = database_prepare(db, each_delivery, &one, err);
    if (prepared != TFT_OK)
        return prepared;
    int code;
    while ((code = sqlite3_step(one)) == SQLITE_ROW) {
        store_delivery delivery;
        read_text(one, 0, delivery.target, sizeof delivery.target);
        read_text(one, 1, delivery.alert, sizeof delivery.alert);
        delivery.told = sqlite3_column_int(one, 2);
        visit(context, &delivery);
    }
    const tft_status status = code == SQLITE_DONE ? TFT_OK : database_fail(db, "read deliveries", err);
    sqlite3_finalize(one);
    return status;
}

/* ---- silences and maintenance ---------------------------------------------------------------------------- */

tft_status database_put_silence(database *db, const store_silence *silence, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, put_silence, &one, err);
    if (status != TFT_OK)
        return status;
    bind_text(one, 1, silence->id);
    sqlite3_bind_int64(one, 2, silence->version);
    sqlite3_bind_text(one, 3, silence->body, (int)silence->body_len, SQLITE_TRANSIENT);
    status = database_run(db, one, NULL, err);
    sqlite3_finalize(one);
    return status;
}

tft_status database_delete_silence(database *db, const char *id, size_t *n, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = database_prepare(db, drop_silence, &one, err);
    if (status != TFT_OK)
        return status;
    bind_text(one, 1, id);
    status = database_run(db, one, n, err);
    sqlite3_finalize(one);
    return status;
}

tft_status database_each_silence(database *db, void (*visit)(void *context, const store_silence *silence),
                                 void *context, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    const tft_status prepared = database_prepare(db, each_silence, &one, err);
    if (prepared != TFT_OK)
        return prepared;
    int code;
    while ((code = sqlite3_step(one)) == SQLITE_ROW) {
        store_silence silence = {.version = sqlite3_column_int64(one, 1)};
        read_text(one, 0, silence.id, sizeof silence.id);
        silence.body = (const char *)sqlite3_column_text(one, 2);
        silence.body_len = (size_t)sqlite3_column_bytes(one, 2);
        if (silence.body != NULL)
            visit(context, &silence);
    }
    const tft_status status = code == SQLITE_DONE ? TFT_OK : database_fail(db, "read silences", err);
    sqlite3_finalize(one);
    return status;
}

tft_status database_put_maintenance(database *db, const store_maintenance *spans, size_t n, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = n > 0 ? database_prepare(db, put_span, &one, err) : TFT_OK;
    for (size_t i = 0; i < n && status == TFT_OK; i++) {
        sqlite3_bind_int64(one, 1, (int64_t)spans[i].server + 1); // ids begin at 1, indices at 0
        sqlite3_bind_int64(one, 2, spans[i].from_ms);
        sqlite3_bind_int64(one, 3, spans[i].to_ms);
        status = database_run(db, one, NULL, err);
    }
    sqlite3_finalize(one);
    return status;
}

tft_status database_each_maintenance(database *db, uint32_t server, int64_t from_ms, int64_t to_ms,
                                     void (*visit)(void *context, const store_maintenance *span), void *context,
                                     tft_error *err)
{
    sqlite3_stmt *one = NULL;
    const tft_status prepared = database_prepare(db, each_span, &one, err);
    if (prepared != TFT_OK)
        return prepared;
    sqlite3_bind_int64(one, 1, server == UINT32_MAX ? -1 : (int64_t)server + 1);
    sqlite3_bind_int64(one, 2, from_ms);
    sqlite3_bind_int64(one, 3, to_ms);
    int code;
    while ((code = sqlite3_step(one)) == SQLITE_ROW) {
        const store_maintenance span = {(uint32_t)(sqlite3_column_int64(one, 0) - 1), sqlite3_column_int64(one, 1),
                                        sqlite3_column_int64(one, 2)};
        visit(context, &span);
    }
    const tft_status status = code == SQLITE_DONE ? TFT_OK : database_fail(db, "read maintenance", err);
    sqlite3_finalize(one);
    return status;
}
