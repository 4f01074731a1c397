/* route_alert_list.c - GET /api/v1/alerts and /alerts/{id}; POST and DELETE /alerts/{id}/ack.
 *
 * What is open comes from the newest snapshot, so its numbers are as fresh as the forecast; what is over comes from the store. Both
 * are one list, newest start first, then by id, and a cursor is such a place: it stays right while alerts come and go.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notify/lives.h"
#include "server/alert_json.h"
#include "server/alert_row.h"
#include "server/api.h"
#include "server/routes.h"
#include "server/server.h"

#define DAY_MS ((int64_t)86400000)
#define WORDS_MAX 96

/* What is asked for. */
typedef struct filter {
    bool statuses[ALERT_N_STATUSES];
    char severities[WORDS_MAX], kinds[WORDS_MAX]; // ",warning,"; "" = all
    const char *server;                           // NULL = all
    api_span span;
    bool has_place;
    int64_t place_ms;
    char place_id[STORE_ID_BYTES];
} filter;

typedef struct rows {
    store_alert *items;
    size_t n, capacity;
    bool failed;
} rows;

static store_alert *add(rows *list)
{
    if (list->n == list->capacity) {
        const size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        store_alert *const more = realloc(list->items, capacity * sizeof *more);
        list->failed = list->failed || more == NULL;
        if (more == NULL)
            return NULL;
        list->items = more;
        list->capacity = capacity;
    }
    return &list->items[list->n++];
}

/* ---- reading the query ------------------------------------------------------------------------------------ */

static bool take_status(void *context, const char *item, size_t n)
{
    const int found = alert_status_find(item, n);
    if (found >= 0)
        ((bool *)context)[found] = true;
    return found >= 0;
}

static bool take_word(char *list, const char *item, size_t n)
{
    const size_t used = strlen(list);
    if (used + n + 3 > WORDS_MAX)
        return true; // it is there already: there are not so many different ones
    snprintf(list + used, WORDS_MAX - used, "%s%.*s,", used == 0 ? "," : "", (int)n, item);
    return true;
}

static bool take_severity(void *context, const char *item, size_t n)
{
    return alert_severity_find(item, n) >= 0 && take_word(context, item, n);
}

static bool take_kind(void *context, const char *item, size_t n)
{
    return alert_kind_find(item, n) >= 0 && take_word(context, item, n);
}

/* A cursor's place is "<starts_ms>:<id>". */
static bool read_place(const http_request *request, http_reply *reply, const api_paging *paging, filter *f)
{
    char *end;
    f->has_place = paging->has_cursor;
    if (!f->has_place)
        return true;
    f->place_ms = strtoll(paging->place, &end, 10);
    if (end == paging->place || *end != ':' || strlen(end + 1) >= sizeof f->place_id)
        return api_bad_parameter(request, reply, "cursor", "next_cursor of the page before");
    snprintf(f->place_id, sizeof f->place_id, "%s", end + 1);
    return true;
}

static bool read_filter(const http_request *request, http_reply *reply, const api_paging *paging, filter *f)
{
    *f = (filter){.server = http_query(request, "server")};
    if (!api_each_item(request, reply, "status", "pending, firing, resolved by commas", take_status, f->statuses) ||
        !api_each_item(request, reply, "severity", "warning, critical by commas", take_severity, f->severities) ||
        !api_each_item(request, reply, "kind", "threshold, incident, silent, drift, quality by commas", take_kind,
                       f->kinds) ||
        !api_read_span(request, reply, DAY_MS, &f->span) || !read_place(request, reply, paging, f))
        return false;
    if (http_query(request, "to") == NULL)
        f->span.to_ms = INT64_MAX; // now: what began this instant is in
    const bool any = f->statuses[ALERT_PENDING] || f->statuses[ALERT_FIRING] || f->statuses[ALERT_RESOLVED];
    for (size_t i = 0; i < ALERT_N_STATUSES && !any; i++)
        f->statuses[i] = true;
    return true;
}

static bool in_words(const char *list, const char *word)
{
    char between[32];
    snprintf(between, sizeof between, ",%s,", word);
    return list[0] == '\0' || strstr(list, between) != NULL;
}

/* ---- collecting ------------------------------------------------------------------------------------------- */

static int compare_places(int64_t a_ms, const char *a_id, int64_t b_ms, const char *b_id)
{
    if (a_ms != b_ms)
        return a_ms > b_ms ? -1 : 1;
    return strcmp(a_id, b_id);
}

static int compare_rows(const void *left, const void *right)
{
    const store_alert *const a = left, *const b = right;
    return compare_places(a->starts_ms, a->id, b->starts_ms, b->id);
}

static void collect_open(server *srv, const forecast_snapshot *s, const filter *f, rows *list)
{
    for (size_t i = 0; i < s->n_alerts; i++) {
        const alert *const a = &s->alerts[i];
        if (!f->statuses[a->status] || a->starts_ms >= f->span.to_ms ||
            !in_words(f->severities, alert_severity_name(a->severity)) ||
            !in_words(f->kinds, alert_kind_name(a->kind)) ||
            (f->has_place && compare_places(a->starts_ms, a->id, f->place_ms, f->place_id) <= 0))
            continue;
        store_alert *const row = add(list);
        if (row == NULL)
            return;
        lives_row(s, a, row);
        if (f->server != NULL && strcmp(f->server, row->server) != 0)
            list->n--;
        else
            notify_ack_of(srv->notify, row->id, s->clock.now_ms, &row->ack);
    }
}

static void take_stored(void *context, const store_alert *row)
{
    store_alert *const to = add(context);
    if (to != NULL)
        *to = *row;
}

static bool collect_resolved(server *srv, const filter *f, size_t limit, rows *list, http_reply *reply)
{
    const store_alert_query query = {.resolved = true,
                                     .severities = f->severities[0] != '\0' ? f->severities : NULL,
                                     .kinds = f->kinds[0] != '\0' ? f->kinds : NULL,
                                     .server = f->server,
                                     .from_ms = f->span.from_ms,
                                     .to_ms = f->span.to_ms == INT64_MAX ? STORE_NEVER : f->span.to_ms,
                                     .after_starts_ms = f->has_place ? f->place_ms : STORE_NEVER,
                                     .after_id = f->has_place ? f->place_id : NULL,
                                     .limit = limit};
    tft_error err = {0};
    if (!f->statuses[ALERT_RESOLVED] || store_each_alert(srv->store, &query, take_stored, list, &err) == TFT_OK)
        return true;
    http_reply_problem(reply, 503, "store-unavailable", "Store unavailable", "%s", err.text);
    http_reply_field(reply, "Retry-After", "5");
    return false;
}

/* Sorted, each id once: what was open in the snapshot may have ended in the store meanwhile. */
static void order(rows *list)
{
    if (list->n > 1)
        qsort(list->items, list->n, sizeof *list->items, compare_rows);
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++) {
        const bool twice = kept > 0 && strcmp(list->items[kept - 1].id, list->items[i].id) == 0;
        if (twice && strcmp(list->items[i].status, "resolved") != 0)
            continue;
        list->items[twice ? kept - 1 : kept] = list->items[i];
        kept += !twice;
    }
    list->n = kept;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

static void put_list(server *srv, const rows *list, size_t limit, int64_t now_ms, bool csv, http_reply *reply)
{
    tft_text *const out = &reply->text;
    const size_t n = list->n < limit ? list->n : limit;
    char place[64];
    const bool more = list->n > n && n > 0;
    if (more)
        snprintf(place, sizeof place, "%lld:%s", (long long)list->items[n - 1].starts_ms, list->items[n - 1].id);
    if (csv) {
        alert_csv_head(out);
        for (size_t i = 0; i < n; i++)
            alert_csv(&list->items[i], out);
        api_next_cursor_field(reply, more ? place : NULL, more ? strlen(place) : 0);
    } else {
        tft_text_puts(out, "{\"items\": [");
        for (size_t i = 0; i < n; i++) {
            tft_text_puts(out, i > 0 ? ", " : "");
            alert_row_json(srv, &list->items[i], now_ms, out);
        }
        api_put_list_end(out, more ? place : NULL, more ? strlen(place) : 0);
    }
    http_reply_field(reply, "Cache-Control", "no-cache");
}

static void route_alert_list(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    api_paging paging;
    filter f;
    bool csv;
    if (!api_read_paging(request, reply, &paging) || !read_filter(request, reply, &paging, &f) ||
        !api_read_format(request, reply, &csv))
        return;
    rows list = {0};
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    const int64_t now_ms = s->sufficient ? s->clock.now_ms : request->received_ms;
    collect_open(srv, s, &f, &list);
    engine_release(srv->engine, s);
    if (collect_resolved(srv, &f, paging.limit + 1, &list, reply)) {
        if (list.failed) {
            http_reply_problem(reply, 503, "overloaded", "Overloaded", "no memory for a list of alerts");
            http_reply_field(reply, "Retry-After", "5");
        } else {
            order(&list);
            put_list(srv, &list, paging.limit, now_ms, csv, reply);
        }
    }
    free(list.items);
}

/* ---- one alert -------------------------------------------------------------------------------------------- */

/* The alert of the path: open in the snapshot, or as the store knows it. False after a problem. */
static bool find_alert(server *srv, const http_request *request, http_reply *reply, store_alert *row, int64_t *now_ms)
{
    const char *const id = http_param(request, "id");
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    bool found = false;
    *now_ms = s->sufficient ? s->clock.now_ms : request->received_ms;
    for (size_t i = 0; i < s->n_alerts && !found; i++) {
        found = strcmp(s->alerts[i].id, id) == 0;
        if (found)
            lives_row(s, &s->alerts[i], row);
    }
    engine_release(srv->engine, s);
    if (found) {
        notify_ack_of(srv->notify, row->id, *now_ms, &row->ack);
        return true;
    }
    tft_error err = {0};
    const tft_status status = store_find_alert(srv->store, id, row, &err);
    if (status == TFT_ERR_NOT_FOUND)
        http_reply_problem(reply, 404, "unknown-alert", "Unknown alert", "No alert '%.40s'", id);
    else if (status != TFT_OK) {
        http_reply_problem(reply, 503, "store-unavailable", "Store unavailable", "%s", err.text);
        http_reply_field(reply, "Retry-After", "5");
    }
    return status == TFT_OK;
}

static void route_alert(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    store_alert row;
    int64_t now_ms;
    if (!find_alert(srv, request, reply, &row, &now_ms))
        return;
    alert_row_json(srv, &row, now_ms, &reply->text);
    http_reply_field(reply, "Cache-Control", "no-cache");
}

static bool read_text(const tft_json *body, const char *key, char *out, size_t capacity, http_reply *reply)
{
    size_t n = 0;
    const tft_json *const value = tft_json_at(body, key);
    const char *const text = tft_json_string(value, &n);
    if (value != NULL && text == NULL)
        return api_invalid(reply, key, "must be a string");
    if (n >= capacity || (text != NULL && memchr(text, '\0', n) != NULL))
        return api_invalid(reply, key, "is longer than %zu bytes", capacity - 1);
    if (text != NULL)
        memcpy(out, text, n);
    out[n] = '\0';
    return true;
}

static bool read_ack(const tft_json *body, const http_request *request, http_reply *reply, int64_t now_ms,
                     store_ack *ack)
{
    size_t n = 0;
    *ack = (store_ack){.at_ms = now_ms, .until_ms = STORE_NEVER};
    if (!read_text(body, "by", ack->by, sizeof ack->by, reply) ||
        !read_text(body, "comment", ack->comment, sizeof ack->comment, reply))
        return false;
    if (ack->by[0] == '\0')
        snprintf(ack->by, sizeof ack->by, "%s", request->key_name);
    if (ack->by[0] == '\0')
        return api_invalid(reply, "by", "is missing: who has seen it?");
    const tft_json *const until = tft_json_at(body, "until");
    const char *const text = tft_json_string(until, &n);
    if (until != NULL && (text == NULL || !tft_time_parse(text, n, &ack->until_ms)))
        return api_invalid(reply, "until", "must be a time such as 2026-11-29T02:00:00Z");
    if (until != NULL && ack->until_ms <= now_ms)
        return api_invalid(reply, "until", "lies in the past");
    return true;
}

static void set_ack(server *srv, const http_request *request, http_reply *reply, store_alert *row, const store_ack *ack,
                    int64_t now_ms)
{
    tft_error err = {0};
    if (strcmp(row->status, "resolved") == 0) {
        http_reply_problem(reply, 409, "conflict", "Conflict", "Alert %s has ended", row->id);
        return;
    }
    const tft_status status = notify_acknowledge(srv->notify, row->id, ack, &err);
    if (status != TFT_OK && status != TFT_ERR_NOT_FOUND) {
        http_reply_problem(reply, 503, "store-unavailable", "Store unavailable", "%s", err.text);
        http_reply_field(reply, "Retry-After", "5");
        return;
    }
    (void)request;
    row->ack = *ack;
    engine_notify(srv->engine); // what is shown of it follows with the next forecast, within a second
    alert_row_json(srv, row, now_ms, &reply->text);
}

static void route_acknowledge(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    tft_json_document document;
    store_alert row;
    store_ack ack;
    int64_t now_ms;
    if (!find_alert(srv, request, reply, &row, &now_ms) || !api_read_object(request, reply, &document))
        return;
    if (read_ack(document.root, request, reply, now_ms, &ack))
        set_ack(srv, request, reply, &row, &ack, now_ms);
    tft_json_free(&document);
}

static void route_unacknowledge(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    const store_ack none = {.at_ms = STORE_NEVER, .until_ms = STORE_NEVER};
    store_alert row;
    int64_t now_ms;
    if (find_alert(srv, request, reply, &row, &now_ms))
        set_ack(srv, request, reply, &row, &none, now_ms);
}

/* ---- rows ------------------------------------------------------------------------------------------------- */

static const http_parameter of_alerts[] = {
    {"status", API_STRING, "pending, firing, resolved, by commas", NULL, false},
    {"severity", API_STRING, "warning, critical, by commas", NULL, false},
    {"kind", API_STRING, "threshold, incident, silent, drift, quality, by commas", NULL, false},
    {"server", API_NAME, "Of this server", NULL, false},
    API_SPAN,
    API_PAGING,
    API_FORMAT,
    {0}};
static const http_parameter of_alert[] = {{"id", API_STRING, "Id of the alert", "a-0123456789abcdef", true}, {0}};

const http_route routes_alerts[] = {
    {.path = "/api/v1/alerts",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_alert_list,
     .parameters = of_alerts,
     .tag = "Alerts",
     .summary = "Alerts that are open, and those that were within the span",
     .produces = API_JSON_CSV,
     .reply = "AlertList",
     .statuses = "200 503"},
    {.path = "/api/v1/history/alerts",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_alert_list,
     .parameters = of_alerts,
     .tag = "History",
     .summary = "The same list as /alerts: the lives of alerts, those that are over too",
     .produces = API_JSON_CSV,
     .reply = "AlertList",
     .statuses = "200 503"},
    {.path = "/api/v1/alerts/{id}",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_alert,
     .parameters = of_alert,
     .tag = "Alerts",
     .summary = "One alert",
     .reply = "Alert",
     .statuses = "200 404 503"},
    {.path = "/api/v1/alerts/{id}/ack",
     .method = HTTP_POST,
     .role = ROLE_WRITE,
     .handler = route_acknowledge,
     .parameters = of_alert,
     .tag = "Alerts",
     .summary = "Acknowledge an alert: somebody has seen it",
     .takes = "application/json",
     .body = "{\"type\": \"object\", \"properties\": {\"by\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": "
             "127}, "
             "\"comment\": {\"type\": \"string\", \"maxLength\": 255}, \"until\": {\"type\": \"string\", \"format\": "
             "\"date-time\"}}, \"required\": [\"by\"]}",
     .example = "{\"by\": \"ops\", \"comment\": \"looking into it\"}",
     .reply = "Alert",
     .statuses = "200 404 409 422 503"},
    {.path = "/api/v1/alerts/{id}/ack",
     .method = HTTP_DELETE,
     .role = ROLE_WRITE,
     .handler = route_unacknowledge,
     .parameters = of_alert,
     .tag = "Alerts",
     .summary = "Take an acknowledgement back",
     .reply = "Alert",
     .statuses = "200 404 409 503"},
    {0}};
