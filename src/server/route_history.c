/* route_history.c - GET /history/records and /history/export: what was sent, exactly as it was sent.
 *
 * Read with a connection of its own (store/reader.h), so nothing here holds up a sender. `total` counts the span, which walks
 * all of its records: see the cost stated there. An export is made while it is sent, some thousand rows at a time; a row
 * that arrives behind the place it has reached is in it.
 *
 * Memory:  a page, or one piece of an export (at most PIECE_ROWS rows).
 * Threads: any.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/routes.h"
#include "server/views.h"
#include "store/reader.h"

#define DAY_MS ((int64_t)86400000)
#define PIECE_ROWS 2000
#define MAX_TEXT ((size_t)64 << 20) // 10,000 rows with names of 256 bytes, all escaped, stay below it

/* ---- one row ------------------------------------------------------------------------------------------- */

static void put_state(const server *srv, const store_past_record *record, size_t id, tft_state *state, bool *derived)
{
    *state = record->state;
    *derived = *state == TFT_STATE_NONE;
    if (!*derived)
        return;
    float values[TFT_MAX_METRICS];
    for (size_t m = 0; m < srv->contract.n_metrics; m++)
        values[m] = (float)record->values[m];
    fleet_read_lock(srv->fleet);
    const tft_profile profile = fleet_at(srv->fleet, id)->profile;
    fleet_read_unlock(srv->fleet);
    *state = tft_state_derive(&srv->contract, profile, values);
}

static void put_json_row(const server *srv, const store_past_record *record, const char *name, size_t id, tft_text *out)
{
    tft_state state;
    bool derived;
    put_state(srv, record, id, &state, &derived);
    tft_text_puts(out, "{\"timestamp\": ");
    json_put_time_ms(out, record->time_ms);
    if (name != NULL) {
        tft_text_puts(out, ", \"server_name\": ");
        json_put_string(out, name);
    }
    for (size_t m = 0; m < srv->contract.n_metrics; m++) {
        tft_text_printf(out, ", \"%s\": ", srv->contract.metrics[m].name);
        tft_text_json_number(out, record->values[m]); // binary64, as sent; null where missing
    }
    tft_text_puts(out, ", \"state\": ");
    json_put_string(out, state == TFT_STATE_NONE ? NULL : tft_state_name(state));
    tft_text_printf(out, ", \"state_derived\": %s}", derived ? "true" : "false");
}

static void put_csv_head(const server *srv, tft_text *out)
{
    tft_text_puts(out, "timestamp,server_name");
    for (size_t m = 0; m < srv->contract.n_metrics; m++)
        tft_text_printf(out, ",%s", srv->contract.metrics[m].name);
    tft_text_puts(out, ",state" CSV_END);
}

/* A state that was not sent is an empty cell: read back, it is derived again. */
static void put_csv_row(const server *srv, const store_past_record *record, const char *name, tft_text *out)
{
    csv_put_time_ms(out, record->time_ms);
    tft_text_puts(out, ",");
    csv_put_text(out, name, strlen(name));
    for (size_t m = 0; m < srv->contract.n_metrics; m++) {
        tft_text_puts(out, ",");
        csv_put_number(out, record->values[m]);
    }
    tft_text_printf(out, ",%s" CSV_END, record->state == TFT_STATE_NONE ? "" : tft_state_name(record->state));
}

/* ---- a page of records --------------------------------------------------------------------------------- */

typedef struct record_page {
    const server *srv;
    const char *name;
    size_t id, limit, n, total;
    int64_t from_ms; // where the page begins, by the cursor
    int64_t next_ms; // INT64_MIN = nothing after the page
    bool csv;
    tft_text *out;
} record_page;

static bool add_to_page(void *context, const store_past_record *record)
{
    record_page *const p = context;
    p->total++;
    if (record->time_ms < p->from_ms)
        return true;
    if (p->n == p->limit) {
        p->next_ms = p->next_ms == INT64_MIN ? record->time_ms : p->next_ms;
        return true; // the rest is counted
    }
    if (p->csv) {
        put_csv_row(p->srv, record, p->name, p->out);
    } else {
        tft_text_puts(p->out, p->n > 0 ? ", " : "");
        put_json_row(p->srv, record, NULL, p->id, p->out);
    }
    p->n++;
    return true;
}

/* The items go to a text of their own: `total`, which stands before them, is known behind them. */
static bool read_page(const server *srv, record_page *p, api_span span, tft_error *err)
{
    store_reader *reader = NULL;
    tft_status status = store_reader_open(srv->options.store.dir, &srv->contract, &reader, err);
    const int64_t number = status == TFT_OK ? store_reader_server(reader, p->name, strlen(p->name)) : -1;
    if (status == TFT_OK && number > 0)
        status = store_reader_records(reader, number, span.from_ms, span.to_ms, add_to_page, p, err);
    store_reader_close(reader);
    return status == TFT_OK;
}

static void route_history_records(void *context, const http_request *request, http_reply *reply)
{
    const server *const srv = context;
    api_span span;
    api_paging paging;
    bool csv = false;
    tft_error err = {0};
    if (!api_read_paging(request, reply, &paging) || !api_read_span(request, reply, DAY_MS, &span) ||
        !api_read_format(request, reply, &csv))
        return;
    const char *const name = http_query(request, "server");
    const size_t id = view_server_asked(srv, request, reply);
    if (id == FLEET_NO_SERVER)
        return;
    tft_text items = tft_text_new(MAX_TEXT);
    record_page p = {.srv = srv,
                     .name = name,
                     .id = id,
                     .limit = paging.limit,
                     .from_ms = paging.has_cursor ? strtoll(paging.place, NULL, 10) : INT64_MIN,
                     .next_ms = INT64_MIN,
                     .csv = csv,
                     .out = &items};
    if (csv)
        put_csv_head(srv, &items);
    if (!read_page(srv, &p, span, &err)) {
        tft_text_free(&items);
        view_reply_unreadable(srv, reply, &err);
        return;
    }
    char place[24];
    const int n = snprintf(place, sizeof place, "%lld", (long long)p.next_ms);
    const char *const next = p.next_ms != INT64_MIN ? place : NULL;
    if (!csv) {
        tft_text_puts(&reply->text, "{\"server_name\": ");
        json_put_string(&reply->text, name);
        tft_text_printf(&reply->text, ", \"total\": %zu, \"items\": [", p.total);
    }
    tft_text_add(&reply->text, items.bytes != NULL ? items.bytes : "", items.n);
    if (csv)
        api_next_cursor_field(reply, next, (size_t)n);
    else
        api_put_list_end(&reply->text, next, (size_t)n);
    reply->text.failed |= items.failed;
    tft_text_free(&items);
    http_reply_field(reply, "Cache-Control", "no-cache");
}

/* ---- export -------------------------------------------------------------------------------------------- */

typedef struct exporting {
    const server *srv;
    int64_t server;         // 0 = all
    int64_t from_ms, to_ms; // what is left
    int64_t after_server;   // of the records at from_ms, those of servers up to this one are sent
    size_t n;               // rows of this piece
    bool csv, over, broken;
    store_reader *names; // of the piece at hand
    tft_text piece;
    size_t sent; // bytes of the piece
} exporting;

static bool add_to_piece(void *context, const store_past_record *record)
{
    exporting *const x = context;
    if (record->time_ms == x->from_ms && record->server <= x->after_server)
        return true;
    const char *const name = store_reader_name(x->names, record->server);
    if (name == NULL)
        return true;
    if (x->csv) {
        put_csv_row(x->srv, record, name, &x->piece);
    } else {
        const size_t id = fleet_find(x->srv->fleet, name, strlen(name));
        if (id == FLEET_NO_SERVER)
            return true; // forgotten meanwhile
        put_json_row(x->srv, record, name, id, &x->piece);
        tft_text_puts(&x->piece, "\n");
    }
    x->from_ms = record->time_ms;
    x->after_server = record->server;
    return ++x->n < PIECE_ROWS;
}

static void refill(exporting *x)
{
    tft_error err = {0};
    store_reader *rows = NULL;
    tft_text_clear(&x->piece);
    x->sent = x->n = 0;
    tft_status status = store_reader_open(x->srv->options.store.dir, &x->srv->contract, &rows, &err);
    if (status == TFT_OK)
        status = store_reader_open(x->srv->options.store.dir, &x->srv->contract, &x->names, &err);
    if (status == TFT_OK)
        status = store_reader_records(rows, x->server, x->from_ms, x->to_ms, add_to_piece, x, &err);
    store_reader_close(rows);
    store_reader_close(x->names);
    x->names = NULL;
    x->broken = status != TFT_OK || x->piece.failed;
    x->over = x->n < PIECE_ROWS;
}

static ptrdiff_t read_export(void *context, char *out, size_t max)
{
    exporting *const x = context;
    if (x->sent == x->piece.n && !x->over)
        refill(x);
    if (x->broken)
        return HTTP_STREAM_BROKEN;
    const size_t left = x->piece.n - x->sent, n = left < max ? left : max;
    if (n == 0)
        return HTTP_STREAM_END;
    memcpy(out, x->piece.bytes + x->sent, n);
    x->sent += n;
    return (ptrdiff_t)n;
}

static void free_export(void *context)
{
    exporting *const x = context;
    tft_text_free(&x->piece);
    free(x);
}

static void route_history_export(void *context, const http_request *request, http_reply *reply)
{
    static const char *const what[] = {"records"}, *const formats[] = {"csv", "ndjson"};
    const server *const srv = context;
    size_t chosen = 0, format = 0;
    api_span span;
    if (!api_read_word(request, reply, "what", what, 1, &chosen) ||
        !api_read_word(request, reply, "format", formats, 2, &format) || !api_read_span(request, reply, DAY_MS, &span))
        return;
    const char *const name = http_query(request, "server");
    int64_t number = 0;
    tft_error err = {0};
    if (name != NULL) {
        store_reader *reader = NULL;
        if (view_server_asked(srv, request, reply) == FLEET_NO_SERVER)
            return;
        const tft_status status = store_reader_open(srv->options.store.dir, &srv->contract, &reader, &err);
        number = status == TFT_OK ? store_reader_server(reader, name, strlen(name)) : -1;
        store_reader_close(reader);
    }
    exporting *const x = number >= 0 ? calloc(1, sizeof *x) : NULL;
    if (x == NULL) {
        view_reply_unreadable(srv, reply, &err);
        return;
    }
    *x = (exporting){.srv = srv,
                     .server = number,
                     .from_ms = span.from_ms,
                     .to_ms = span.to_ms,
                     .after_server = -1,
                     .csv = format == 0,
                     .piece = tft_text_new(MAX_TEXT)};
    if (x->csv)
        put_csv_head(srv, &x->piece);
    reply->content_type = x->csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
    reply->stream = read_export;
    reply->release = free_export;
    reply->release_context = x;
    http_reply_field(reply, "Content-Disposition", "attachment; filename=\"tftd-records.%s\"",
                     x->csv ? "csv" : "ndjson");
    http_reply_field(reply, "Cache-Control", "no-cache");
}

static const http_parameter of_records[] = {
    {"server", API_NAME, "Name of the server", "ppdb001", true}, API_SPAN, API_PAGING, API_FORMAT, {0}};
static const http_parameter of_export[] = {
    {"what", "{\"type\": \"string\", \"enum\": [\"records\"]}", "What to export", NULL, false},
    {"server", API_NAME, "One server only", NULL, false},
    API_SPAN,
    {"format", "{\"type\": \"string\", \"enum\": [\"csv\", \"ndjson\"]}", "csv where it is not given", NULL, false},
    {0}};

const http_route routes_history[] = {
    {.path = "/api/v1/history/records",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_history_records,
     .parameters = of_records,
     .tag = "History",
     .summary = "Raw records of a server, oldest first, exactly as sent",
     .produces = API_JSON_CSV,
     .reply =
         "{\"type\": \"object\", \"required\": [\"server_name\", \"total\", \"items\", \"next_cursor\"], "
         "\"properties\": "
         "{\"server_name\": {\"type\": \"string\"}, \"total\": {\"type\": \"integer\", \"minimum\": 0}, \"items\": "
         "{\"type\": \"array\", \"items\": {\"type\": \"object\", \"required\": [\"timestamp\", \"state\", "
         "\"state_derived\"]}}, \"next_cursor\": {\"type\": [\"string\", \"null\"]}}}",
     .statuses = "200 404 503"},
    {.path = "/api/v1/history/export",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_history_export,
     .parameters = of_export,
     .tag = "History",
     .summary = "Records of a server or of all, as a stream; its CSV is what `tftd train` and POST /records read",
     .produces = "text/csv, application/x-ndjson",
     .statuses = "200 404 503"},
    {0}};
