/* route_history.c - GET /history/records: what was sent, exactly as it was sent.
 *
 * Read with a connection of its own (store/reader.h), so nothing here holds up a sender. `total` counts the span, which walks
 * all of its records: see the cost stated there.
 *
 * Memory:  a page.
 * Threads: any.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/record_rows.h"
#include "server/routes.h"
#include "server/views.h"
#include "store/reader.h"

#define DAY_MS ((int64_t)86400000)
#define MAX_TEXT ((size_t)64 << 20) // 10,000 rows with names of 256 bytes, all escaped, stay below it

/* ---- a page of records --------------------------------------------------------------------------------- */

typedef struct record_page {
    const server *srv;
    const char *name;
    tft_profile profile;
    size_t limit, n, total;
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
        record_row_csv(&p->srv->contract, p->name, record, p->out);
    } else {
        tft_text_puts(p->out, p->n > 0 ? ", " : "");
        record_row_json(&p->srv->contract, p->profile, NULL, record, p->out);
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
    fleet_read_lock(srv->fleet);
    const tft_profile profile = fleet_at(srv->fleet, id)->profile;
    fleet_read_unlock(srv->fleet);
    tft_text items = tft_text_new(MAX_TEXT);
    record_page p = {.srv = srv,
                     .name = name,
                     .profile = profile,
                     .limit = paging.limit,
                     .from_ms = paging.has_cursor ? strtoll(paging.place, NULL, 10) : INT64_MIN,
                     .next_ms = INT64_MIN,
                     .csv = csv,
                     .out = &items};
    if (csv)
        record_row_csv_head(&srv->contract, &items);
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

static const http_parameter of_records[] = {
    {"server", API_NAME, "Name of the server", "ppdb001", true}, API_SPAN, API_PAGING, API_FORMAT, {0}};
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
    {0}};
