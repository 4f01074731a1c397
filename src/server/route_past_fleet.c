/* route_past_fleet.c - GET /history/incidents and /history/environment: what happened to the fleet (store/fleet_log.h).
 *
 * Incidents come with how long before them somebody was warned: of the alerts of the server that fired at most a horizon before
 * the start and still did, the first. null: nobody was warned in time. An incident that began inside the last step may
 * still be revised by late records.
 *
 * Memory:  a page of at most `limit` rows of some 400 bytes. Threads: any; reads with a connection of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/render.h"
#include "server/routes.h"
#include "server/views.h"
#include "store/reader.h"

#define DAY_MS ((int64_t)86400000)
#define PLACE_BYTES 64

typedef struct past_page {
    server *srv;
    size_t limit, n;
    bool csv, more;
    char place[PLACE_BYTES]; // of the last row written
    tft_text *out;
} past_page;

/* Whether there is room for a row; else the page is at its end, and more follows. */
static bool has_room(past_page *p)
{
    p->more = p->n == p->limit;
    if (!p->more && !p->csv && p->n > 0)
        tft_text_puts(p->out, ", ");
    p->n += !p->more;
    return !p->more;
}

static void reply_page(past_page *p, tft_status status, const tft_error *err, http_reply *reply)
{
    if (status != TFT_OK) {
        tft_text_clear(p->out);
        view_reply_unreadable(p->srv, reply, err);
        return;
    }
    const char *const next = p->more ? p->place : NULL;
    if (p->csv)
        api_next_cursor_field(reply, next, strlen(p->place));
    else
        api_put_list_end(p->out, next, strlen(p->place));
    http_reply_field(reply, "Cache-Control", "no-cache");
}

/* ---- incidents ------------------------------------------------------------------------------------------- */

static void put_warning(const store_past_incident *row, tft_text *out)
{
    if (row->warned_ms == INT64_MIN) {
        tft_text_puts(out, ", \"first_warning\": null, \"lead_time_s\": null}");
        return;
    }
    tft_text_printf(out, ", \"first_warning\": {\"id\": \"%s\", \"kind\": \"%s\", \"severity\": \"%s\", \"since\": ",
                    row->alert, row->kind, row->severity);
    json_put_time_ms(out, row->warned_ms);
    tft_text_puts(out, "}, \"lead_time_s\": ");
    render_fixed(out, (double)(row->incident.start_ms - row->warned_ms) / 1000.0, 3);
    tft_text_puts(out, "}");
}

static void put_incident(const store_past_incident *row, tft_text *out)
{
    tft_text_puts(out, "{\"server_name\": ");
    json_put_string(out, row->server_name);
    tft_text_printf(out, ", \"state\": \"%s\", \"start\": ", tft_state_name(row->incident.state));
    json_put_time_s(out, row->incident.start_ms);
    tft_text_puts(out, ", \"end\": ");
    json_put_time_s(out, row->incident.end_ms);
    tft_text_printf(out, ", \"planned\": %s", row->incident.planned ? "true" : "false");
    put_warning(row, out);
}

static void put_incident_csv(const store_past_incident *row, tft_text *out)
{
    csv_put_text(out, row->server_name, strlen(row->server_name));
    tft_text_printf(out, ",%s,", tft_state_name(row->incident.state));
    csv_put_time_s(out, row->incident.start_ms);
    tft_text_puts(out, ",");
    csv_put_time_s(out, row->incident.end_ms);
    tft_text_printf(out, ",%s,", row->incident.planned ? "true" : "false");
    csv_put_time_ms(out, row->warned_ms);
    tft_text_puts(out, ",");
    if (row->warned_ms != INT64_MIN)
        render_fixed(out, (double)(row->incident.start_ms - row->warned_ms) / 1000.0, 3);
    tft_text_printf(out, ",%s,%s,%s" CSV_END, row->alert, row->kind, row->severity);
}

static bool add_incident(void *context, const store_past_incident *row)
{
    past_page *const p = context;
    if (!has_room(p))
        return false;
    if (p->csv)
        put_incident_csv(row, p->out);
    else
        put_incident(row, p->out);
    snprintf(p->place, sizeof p->place, "%lld:%lld", (long long)row->incident.start_ms, (long long)row->server);
    return true;
}

/* A cursor's place is "<start_ms>:<server's number>". */
static bool read_place(const http_request *request, http_reply *reply, const api_paging *paging,
                       store_incident_query *query)
{
    char *end;
    if (!paging->has_cursor)
        return true;
    query->after_ms = strtoll(paging->place, &end, 10);
    if (end == paging->place || *end != ':')
        return api_bad_parameter(request, reply, "cursor", "next_cursor of the page before");
    const char *const number = end + 1;
    query->after_server = strtoll(number, &end, 10);
    if (end == number || *end != '\0')
        return api_bad_parameter(request, reply, "cursor", "next_cursor of the page before");
    return true;
}

static void route_past_incidents(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    past_page p = {.srv = srv, .out = &reply->text};
    api_span span;
    api_paging paging;
    tft_error err = {0};
    store_reader *reader = NULL;
    store_incident_query query = {.after_ms = INT64_MIN,
                                  .horizon_ms = (int64_t)srv->contract.horizon * srv->contract.step_ms};
    if (!api_read_paging(request, reply, &paging) || !api_read_span(request, reply, DAY_MS, &span) ||
        !read_place(request, reply, &paging, &query) || !api_read_format(request, reply, &p.csv))
        return;
    if (http_query(request, "server") != NULL) {
        const size_t id = view_server_asked(srv, request, reply);
        if (id == FLEET_NO_SERVER)
            return;
        query.server = (int64_t)id + 1;
    }
    query.from_ms = span.from_ms;
    query.to_ms = span.to_ms;
    p.limit = paging.limit;
    tft_text_puts(p.out, p.csv ? "server_name,state,start,end,planned,warned_at,lead_time_s,alert,kind,severity" CSV_END
                               : "{\"items\": [");
    tft_status status = store_reader_open(srv->options.store.dir, &srv->contract, &reader, &err);
    if (status == TFT_OK)
        status = store_reader_incidents(reader, &query, add_incident, &p, &err);
    store_reader_close(reader);
    reply_page(&p, status, &err, reply);
}

/* ---- environment ----------------------------------------------------------------------------------------- */

static void put_horizons(const char *key, const double *values, int decimals, tft_text *out)
{
    tft_text_printf(out, ", \"%s\": {", key);
    for (size_t k = 0; k < SNAPSHOT_N_HORIZONS; k++) {
        tft_text_printf(out, "%s\"%s\": ", k > 0 ? ", " : "", snapshot_horizon_names[k]);
        render_fixed(out, values[k], decimals);
    }
    tft_text_puts(out, "}");
}

static void put_environment(const store_environment *row, tft_text *out)
{
    tft_text_puts(out, "{\"start\": ");
    json_put_time_s(out, row->start_ms);
    tft_text_printf(out,
                    ", \"servers\": %u, \"stale\": %u, \"in_incident\": %u, \"high_risk_servers\": %u, "
                    "\"alerts\": {\"warning\": %u, \"critical\": %u}, \"states\": {",
                    row->servers, row->stale, row->in_incident, row->high_risk, row->warnings, row->criticals);
    for (size_t i = TFT_STATE_NONE + 1; i < TFT_N_STATES; i++)
        tft_text_printf(out, "%s\"%s\": %u", i > 1 ? ", " : "", tft_state_name((tft_state)i), row->states[i]);
    tft_text_puts(out, "}");
    put_horizons("any", row->any, 6, out);
    put_horizons("expected", row->expected, 6, out);
    tft_text_puts(out, "}");
}

static void put_environment_head(tft_text *out)
{
    tft_text_puts(out, "start,servers,stale,in_incident,high_risk_servers,warnings,criticals");
    for (size_t i = TFT_STATE_NONE + 1; i < TFT_N_STATES; i++)
        tft_text_printf(out, ",%s", tft_state_name((tft_state)i));
    for (size_t k = 0; k < SNAPSHOT_N_HORIZONS; k++)
        tft_text_printf(out, ",any_%s", snapshot_horizon_names[k]);
    for (size_t k = 0; k < SNAPSHOT_N_HORIZONS; k++)
        tft_text_printf(out, ",expected_%s", snapshot_horizon_names[k]);
    tft_text_puts(out, CSV_END);
}

static void put_environment_csv(const store_environment *row, tft_text *out)
{
    csv_put_time_s(out, row->start_ms);
    tft_text_printf(out, ",%u,%u,%u,%u,%u,%u", row->servers, row->stale, row->in_incident, row->high_risk,
                    row->warnings, row->criticals);
    for (size_t i = TFT_STATE_NONE + 1; i < TFT_N_STATES; i++)
        tft_text_printf(out, ",%u", row->states[i]);
    for (size_t k = 0; k < 2 * SNAPSHOT_N_HORIZONS; k++) {
        tft_text_puts(out, ",");
        render_fixed(out, k < SNAPSHOT_N_HORIZONS ? row->any[k] : row->expected[k - SNAPSHOT_N_HORIZONS], 6);
    }
    tft_text_puts(out, CSV_END);
}

static bool add_environment(void *context, const store_environment *row)
{
    past_page *const p = context;
    if (!has_room(p))
        return false;
    if (p->csv)
        put_environment_csv(row, p->out);
    else
        put_environment(row, p->out);
    snprintf(p->place, sizeof p->place, "%lld", (long long)row->start_ms + 1);
    return true;
}

static void route_past_environment(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    past_page p = {.srv = srv, .out = &reply->text};
    api_span span;
    api_paging paging;
    tft_error err = {0};
    store_reader *reader = NULL;
    if (!api_read_paging(request, reply, &paging) || !api_read_span(request, reply, DAY_MS, &span) ||
        !api_read_format(request, reply, &p.csv))
        return;
    p.limit = paging.limit;
    if (p.csv)
        put_environment_head(p.out);
    else
        tft_text_puts(p.out, "{\"items\": [");
    tft_status status = store_reader_open(srv->options.store.dir, &srv->contract, &reader, &err);
    if (status == TFT_OK)
        status = store_reader_environment(reader, paging.has_cursor ? strtoll(paging.place, NULL, 10) : span.from_ms,
                                          span.to_ms, add_environment, &p, &err);
    store_reader_close(reader);
    reply_page(&p, status, &err, reply);
}

static const http_parameter of_incidents[] = {
    {"server", API_NAME, "Of this server", "ppdb001", false}, API_SPAN, API_PAGING, API_FORMAT, {0}};
static const http_parameter of_environment[] = {API_SPAN, API_PAGING, API_FORMAT, {0}};

const http_route routes_past_fleet[] = {
    {.path = "/api/v1/history/incidents",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_past_incidents,
     .parameters = of_incidents,
     .tag = "History",
     .summary = "Incidents that were observed, oldest first, and how long before each somebody was warned",
     .produces = API_JSON_CSV,
     .reply = "PastIncidents",
     .statuses = "200 404 503"},
    {.path = "/api/v1/history/environment",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_past_environment,
     .parameters = of_environment,
     .tag = "History",
     .summary = "The fleet in numbers, step by step, oldest first",
     .produces = API_JSON_CSV,
     .reply = "PastEnvironment",
     .statuses = "200 503"},
    {0}};
