/* route_steps.c - GET /history/steps: one server's five-minute steps, oldest first.
 *
 * Steps that have ended come from the disk, with least and most (store/step_log.h: counted some seconds after their end, and again after
 * late records), as far back as store.retention.steps. What is not counted yet, as the current step, which says `partial`,
 * comes out of the fleet's memory (the last 8 days by default), which knows no least and most: null. Where both have a step,
 * the one with more records counts. A step without records is left out: that is a gap.
 *
 * Memory:  the reply, a page of the disk's steps (1 kB each), and the server's steps in memory.
 * Threads: any; the fleet's read lock is held while the span is copied out of it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/render.h"
#include "server/routes.h"
#include "server/views.h"
#include "store/reader.h"

typedef struct steps_page {
    server *srv;
    const char *name;
    uint32_t metrics; // bit m: metric m is wanted
    size_t limit, n;
    int64_t end_step, now_step;
    int64_t next_step; // INT64_MIN = this is the last page
    bool csv;
    const tft_series *memory;
    int64_t at; // next step of the memory that may be written
    tft_text *out;
} steps_page;

/* ---- one row ------------------------------------------------------------------------------------------- */

static void put_number(tft_text *out, double value, const char *missing)
{
    if (isfinite(value))
        render_fixed(out, value, 3);
    else
        tft_text_puts(out, missing);
}

static void put_json(steps_page *p, const store_past_step *row, bool partial)
{
    const tft_contract *const c = &p->srv->contract;
    tft_text_puts(p->out, p->n > 0 ? ", {\"start\": " : "{\"start\": ");
    json_put_time_s(p->out, row->start_ms);
    tft_text_puts(p->out, ", \"state\": ");
    json_put_string(p->out, row->state == TFT_STATE_NONE ? NULL : tft_state_name(row->state));
    tft_text_printf(p->out, ", \"records\": %zu, \"partial\": %s, \"metrics\": {", row->records,
                    partial ? "true" : "false");
    bool any = false;
    for (size_t m = 0; m < c->n_metrics; m++) {
        if ((p->metrics >> m & 1u) == 0)
            continue;
        tft_text_printf(p->out, "%s\"%s\": {\"mean\": ", any ? ", " : "", c->metrics[m].name);
        put_number(p->out, row->mean[m], "null");
        tft_text_puts(p->out, ", \"min\": ");
        put_number(p->out, row->least[m], "null");
        tft_text_puts(p->out, ", \"max\": ");
        put_number(p->out, row->most[m], "null");
        tft_text_printf(p->out, ", \"count\": %zu}", row->count[m]);
        any = true;
    }
    tft_text_puts(p->out, "}}");
}

static void put_csv_head(const steps_page *p)
{
    const tft_contract *const c = &p->srv->contract;
    tft_text_puts(p->out, "start,server_name,state,records,partial");
    for (size_t m = 0; m < c->n_metrics; m++) {
        const char *const name = c->metrics[m].name;
        if ((p->metrics >> m & 1u) != 0)
            tft_text_printf(p->out, ",%s_mean,%s_min,%s_max,%s_count", name, name, name, name);
    }
    tft_text_puts(p->out, CSV_END);
}

static void put_csv(steps_page *p, const store_past_step *row, bool partial)
{
    csv_put_time_s(p->out, row->start_ms);
    tft_text_puts(p->out, ",");
    csv_put_text(p->out, p->name, strlen(p->name));
    tft_text_printf(p->out, ",%s,%zu,%s", row->state == TFT_STATE_NONE ? "" : tft_state_name(row->state), row->records,
                    partial ? "true" : "false");
    for (size_t m = 0; m < p->srv->contract.n_metrics; m++) {
        if ((p->metrics >> m & 1u) == 0)
            continue;
        tft_text_puts(p->out, ",");
        put_number(p->out, row->mean[m], "");
        tft_text_puts(p->out, ",");
        put_number(p->out, row->least[m], "");
        tft_text_puts(p->out, ",");
        put_number(p->out, row->most[m], "");
        tft_text_printf(p->out, ",%zu", row->count[m]);
    }
    tft_text_puts(p->out, CSV_END);
}

/* False where the page is full. */
static bool put_row(steps_page *p, const store_past_step *row)
{
    const int64_t step = row->start_ms / p->srv->contract.step_ms;
    if (p->n == p->limit) {
        p->next_step = step;
        return false;
    }
    if (p->csv)
        put_csv(p, row, step >= p->now_step);
    else
        put_json(p, row, step >= p->now_step);
    p->n++;
    return true;
}

/* ---- disk and memory as one ------------------------------------------------------------------------------ */

/* The memory's step, if it has records. */
static bool remembered(const steps_page *p, int64_t step, store_past_step *row)
{
    const tft_series *const s = p->memory;
    const int64_t at = tft_series_index(s, step);
    if (at < 0 || s->counts[at] == 0)
        return false;
    *row = (store_past_step){.start_ms = step * p->srv->contract.step_ms,
                             .state = tft_series_state(s, &p->srv->contract, (size_t)at),
                             .records = s->counts[at]};
    for (size_t m = 0; m < s->n_metrics; m++) {
        row->mean[m] = (double)s->values[(size_t)at * s->n_metrics + m];
        row->count[m] = s->value_counts[(size_t)at * s->n_metrics + m];
        row->least[m] = row->most[m] = NAN;
    }
    return true;
}

/* Writes the memory's steps before `step`. */
static bool catch_up(steps_page *p, int64_t step)
{
    const tft_series *const s = p->memory;
    const int64_t end = s->n_steps == 0 ? p->at : s->first_step + (int64_t)s->n_steps;
    store_past_step row;
    p->at = s->n_steps > 0 && p->at < s->first_step ? s->first_step : p->at;
    for (; p->at < step && p->at < end; p->at++) {
        if (remembered(p, p->at, &row) && !put_row(p, &row))
            return false;
    }
    return true;
}

/* A state that nobody sent follows from the means, as in memory. */
static void derive_state(const steps_page *p, store_past_step *row)
{
    float means[TFT_MAX_METRICS];
    if (row->state != TFT_STATE_NONE)
        return;
    for (size_t m = 0; m < p->srv->contract.n_metrics; m++)
        means[m] = (float)row->mean[m];
    row->state = tft_state_derive(&p->srv->contract, p->memory->profile, means);
}

static bool visit(void *context, const store_past_step *stored)
{
    steps_page *const p = context;
    const int64_t step = stored->start_ms / p->srv->contract.step_ms;
    store_past_step kept = *stored, fresh;
    if (!catch_up(p, step))
        return false;
    p->at = step + 1;
    derive_state(p, &kept);
    return put_row(p, remembered(p, step, &fresh) && fresh.records > kept.records ? &fresh : &kept);
}

static tft_status put_steps(steps_page *p, size_t id, int64_t first_step, tft_error *err)
{
    const int64_t step_ms = p->srv->contract.step_ms;
    store_reader *reader = NULL;
    tft_status status = store_reader_open(p->srv->options.store.dir, &p->srv->contract, &reader, err);
    p->at = first_step;
    if (status == TFT_OK)
        status =
            store_reader_steps(reader, (int64_t)id + 1, first_step * step_ms, p->end_step * step_ms, visit, p, err);
    store_reader_close(reader);
    if (status == TFT_OK && p->next_step == INT64_MIN)
        (void)catch_up(p, p->end_step);
    return status;
}

/* ---- the route ------------------------------------------------------------------------------------------- */

typedef struct wish {
    const tft_contract *contract;
    uint32_t metrics;
} wish;

static bool take_metric(void *context, const char *item, size_t n)
{
    wish *const w = context;
    const int m = tft_contract_find(w->contract, item, n);
    if (m >= 0)
        w->metrics |= 1u << m;
    return m >= 0;
}

static void reply_steps(steps_page *p, size_t id, int64_t first_step, http_reply *reply)
{
    tft_error err = {0};
    if (p->csv) {
        put_csv_head(p);
    } else {
        tft_text_puts(p->out, "{\"server_name\": ");
        json_put_string(p->out, p->name);
        tft_text_puts(p->out, ", \"items\": [");
    }
    if (put_steps(p, id, first_step, &err) != TFT_OK) {
        tft_text_clear(p->out);
        view_reply_unreadable(p->srv, reply, &err);
        return;
    }
    char place[24];
    const int n = snprintf(place, sizeof place, "%lld", (long long)p->next_step);
    const char *const next = p->next_step != INT64_MIN ? place : NULL;
    if (p->csv)
        api_next_cursor_field(reply, next, (size_t)n);
    else
        api_put_list_end(p->out, next, (size_t)n);
    http_reply_field(reply, "Cache-Control", "no-cache");
}

static void route_steps(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    api_span span;
    api_paging paging;
    wish w = {&srv->contract, 0};
    steps_page p = {.srv = srv, .name = http_query(request, "server"), .next_step = INT64_MIN, .out = &reply->text};
    if (!api_read_paging(request, reply, &paging) || !api_read_span(request, reply, (int64_t)86400000, &span) ||
        !api_each_item(request, reply, "metrics", "metrics of the contract by commas", take_metric, &w) ||
        !api_read_format(request, reply, &p.csv))
        return;
    const size_t id = view_server_asked(srv, request, reply);
    if (id == FLEET_NO_SERVER)
        return;
    const int64_t step_ms = srv->contract.step_ms;
    int64_t first = (span.from_ms + step_ms - 1) / step_ms; // steps that start inside the span
    p.limit = paging.limit;
    p.metrics = w.metrics != 0 ? w.metrics : ~0u;
    p.end_step = (span.to_ms + step_ms - 1) / step_ms;
    const int64_t place = paging.has_cursor ? strtoll(paging.place, NULL, 10) : first;
    first = place > p.end_step ? p.end_step : place > first ? place : first; // a cursor stays inside the span
    p.now_step = fleet_now(srv->fleet, tft_wall_ms()).now_ms / step_ms;
    tft_series memory;
    tft_series_init(&memory, srv->contract.n_metrics, 0);
    p.memory = &memory;
    if (fleet_copy_steps(srv->fleet, id, first, p.end_step - 1, &memory, NULL) == TFT_OK) {
        reply_steps(&p, id, first, reply);
    } else {
        http_reply_problem(reply, 503, "overloaded", "Overloaded", "no memory for the reply, try again");
        http_reply_field(reply, "Retry-After", "1");
    }
    tft_series_free(&memory);
}

static const http_parameter of_steps[] = {{"server", API_NAME, "Name of the server", "ppdb001", true},
                                          {"metrics", API_STRING, "Metrics of the contract, by commas", NULL, false},
                                          API_SPAN,
                                          API_PAGING,
                                          API_FORMAT,
                                          {0}};

const http_route routes_steps[] = {
    {.path = "/api/v1/history/steps",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_steps,
     .parameters = of_steps,
     .tag = "History",
     .summary = "Five-minute steps of a server, oldest first",
     .produces = API_JSON_CSV,
     .reply =
         "{\"type\": \"object\", \"required\": [\"server_name\", \"items\", \"next_cursor\"], \"properties\": "
         "{\"server_name\": {\"type\": \"string\"}, \"items\": {\"type\": \"array\", \"items\": {\"type\": \"object\", "
         "\"required\": [\"start\", \"state\", \"records\", \"partial\", \"metrics\"]}}, \"next_cursor\": {\"type\": "
         "[\"string\", \"null\"]}}}",
     .statuses = "200 404 503"},
    {0}};
