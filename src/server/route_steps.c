/* route_steps.c - GET /history/steps: one server's five-minute steps out of the fleet's memory (the last 8 days by default).
 *
 * Oldest first. A step without records is left out: that is a gap. The current step says `partial`.
 *
 * Memory:  the reply; at most memory_steps rows of some 200 bytes.
 * Threads: any; the fleet's read lock is held while a page is copied out of it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/render.h"
#include "server/routes.h"
#include "server/views.h"

static void put_metric(tft_text *out, const tft_contract *contract, const tft_series *series, size_t at, size_t m)
{
    const double mean = (double)series->values[at * series->n_metrics + m];
    tft_text_printf(out, "%s\"%s\": {\"mean\": ", m > 0 ? ", " : "", contract->metrics[m].name);
    if (isfinite(mean))
        render_fixed(out, mean, 3);
    else
        tft_text_puts(out, "null");
    tft_text_printf(out, ", \"count\": %u}", series->value_counts[at * series->n_metrics + m]);
}

static void put_step(tft_text *out, const tft_contract *contract, const tft_series *series, size_t at, int64_t now_step)
{
    const int64_t step = series->first_step + (int64_t)at;
    const tft_state state = tft_series_state(series, contract, at);
    tft_text_puts(out, "{\"start\": ");
    json_put_time_s(out, step * contract->step_ms);
    tft_text_puts(out, ", \"state\": ");
    json_put_string(out, state == TFT_STATE_NONE ? NULL : tft_state_name(state));
    tft_text_printf(out, ", \"records\": %u, \"partial\": %s, \"metrics\": {", series->counts[at],
                    step >= now_step ? "true" : "false");
    for (size_t m = 0; m < series->n_metrics; m++)
        put_metric(out, contract, series, at, m);
    tft_text_puts(out, "}}");
}

/* The steps of [first, last), at most `limit`; returns the step behind the last one where some are left, else 0. */
static int64_t put_steps(server *srv, const tft_series *series, int64_t first, int64_t last, size_t limit,
                         tft_text *out)
{
    const tft_contract *const contract = fleet_contract(srv->fleet);
    const int64_t now_step = fleet_now(srv->fleet, tft_wall_ms()).now_ms / contract->step_ms;
    int64_t next = 0;
    size_t n = 0;
    for (size_t at = 0; at < series->n_steps; at++) {
        const int64_t step = series->first_step + (int64_t)at;
        if (step < first || step >= last || series->counts[at] == 0)
            continue;
        if (n == limit) {
            next = step;
            break;
        }
        tft_text_puts(out, n++ > 0 ? ", " : "");
        put_step(out, contract, series, at, now_step);
    }
    return next;
}

static void route_steps(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    api_span span;
    api_paging paging;
    const char *const name = http_query(request, "server");
    if (!api_read_paging(request, reply, &paging) || !api_read_span(request, reply, (int64_t)86400000, &span))
        return;
    const size_t id = view_server_asked(srv, request, reply);
    if (id == FLEET_NO_SERVER)
        return;
    const int64_t step_ms = fleet_contract(srv->fleet)->step_ms;
    int64_t first = (span.from_ms + step_ms - 1) / step_ms; // steps that start inside the span
    if (paging.has_cursor)
        first = strtoll(paging.place, NULL, 10);
    const int64_t end = (span.to_ms + step_ms - 1) / step_ms;
    tft_series series;
    tft_series_init(&series, fleet_contract(srv->fleet)->n_metrics, 0);
    if (fleet_copy_steps(srv->fleet, id, first, end - 1, &series, NULL) != TFT_OK) {
        http_reply_problem(reply, 503, "overloaded", "Overloaded", "no memory for the reply, try again");
        http_reply_field(reply, "Retry-After", "1");
        return;
    }
    tft_text_puts(&reply->text, "{\"server_name\": ");
    json_put_string(&reply->text, name);
    tft_text_puts(&reply->text, ", \"items\": [");
    const int64_t next = put_steps(srv, &series, first, end, paging.limit, &reply->text);
    tft_series_free(&series);
    char place[24];
    const int n = snprintf(place, sizeof place, "%lld", (long long)next);
    api_put_list_end(&reply->text, next > 0 ? place : NULL, (size_t)n);
    http_reply_field(reply, "Cache-Control", "no-cache");
}

static const http_parameter of_steps[] = {
    {"server", API_NAME, "Name of the server", "ppdb001", true}, API_SPAN, API_PAGING, {0}};

const http_route routes_steps[] = {
    {.path = "/api/v1/history/steps",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_steps,
     .parameters = of_steps,
     .tag = "History",
     .summary = "Five-minute steps of a server, oldest first",
     .reply =
         "{\"type\": \"object\", \"required\": [\"server_name\", \"items\", \"next_cursor\"], \"properties\": "
         "{\"server_name\": {\"type\": \"string\"}, \"items\": {\"type\": \"array\", \"items\": {\"type\": \"object\", "
         "\"required\": [\"start\", \"state\", \"partial\", \"metrics\"]}}, \"next_cursor\": {\"type\": [\"string\", "
         "\"null\"]}}}",
     .statuses = "200 404"},
    {0}};
