/* route_steps.c - GET /history/steps: one server's five-minute steps, oldest first.
 *
 * Steps that have ended come from the disk, with least and most (store/step_log.h: counted some seconds after their end, and again after
 * late records), as far back as store.retention.steps; before that hours stand for them (store/hours.h), and `resolution_s` says so.
 * What is not counted yet, as the current step, which says `partial`, comes out of the fleet's memory (the last 8 days by
 * default), which knows least and most of its two newest steps: null before. Where both have a step, the one with more records
 * counts. A step without records is left out: that is a gap.
 *
 * Memory:  the reply, a page of the disk's steps (1 kB each), and the server's steps in memory.
 * Threads: any; the fleet's read lock is held while the span is copied out of it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/routes.h"
#include "server/step_rows.h"
#include "server/views.h"

typedef struct steps_page {
    server *srv;
    const char *name;
    uint32_t metrics; // bit m: metric m is wanted
    size_t limit, n;
    int64_t end_step, now_step;
    int64_t from_place, next_place; // place_of(); next_place INT64_MIN = this is the last page
    bool csv;
    const tft_series *memory;
    extremes newest; // of the memory's newest steps
    int64_t at;      // next step of the memory that may be written
    tft_text *out;
} steps_page;

/* ---- a page -------------------------------------------------------------------------------------------- */

/* Places of a page: of a row that starts with step s, 2 s where it is an hour, 2 s + 1 where it is the step itself. */
static int64_t place_of(int64_t step, bool is_step)
{
    return 2 * step + is_step;
}

/* False where the page is full. */
static bool put_row(steps_page *p, const store_past_step *row)
{
    const tft_contract *const c = &p->srv->contract;
    const int64_t step = row->start_ms / c->step_ms, place = place_of(step, row->length_ms == c->step_ms);
    if (place < p->from_place)
        return true; // on the page before
    if (p->n == p->limit) {
        p->next_place = place;
        return false;
    }
    if (p->csv) {
        step_row_csv(c, p->metrics, p->name, row, step >= p->now_step, p->out);
    } else {
        tft_text_puts(p->out, p->n > 0 ? ", " : "");
        step_row_json(c, p->metrics, NULL, row, step >= p->now_step, p->out);
    }
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
                             .length_ms = p->srv->contract.step_ms,
                             .state = tft_series_state(s, &p->srv->contract, (size_t)at),
                             .records = s->counts[at]};
    const float *least = NULL, *most = NULL;
    const bool known = extremes_find(&p->newest, s->n_metrics, step, row->records, &least, &most);
    for (size_t m = 0; m < s->n_metrics; m++) {
        row->mean[m] = (double)s->values[(size_t)at * s->n_metrics + m];
        row->count[m] = s->value_counts[(size_t)at * s->n_metrics + m];
        row->least[m] = known ? (double)least[m] : (double)NAN;
        row->most[m] = known ? (double)most[m] : (double)NAN;
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

static bool visit(void *context, const store_past_step *stored)
{
    steps_page *const p = context;
    const int64_t step_ms = p->srv->contract.step_ms, step = stored->start_ms / step_ms,
                  behind = step + stored->length_ms / step_ms;
    store_past_step kept = *stored, fresh;
    if (!catch_up(p, step))
        return false;
    p->at = behind > p->at ? behind : p->at; // an hour stands for the steps in it, also for those in memory
    step_row_derive(&p->srv->contract, p->memory->profile, &kept);
    if (stored->length_ms != step_ms)
        return put_row(p, &kept);
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
    if (status == TFT_OK && p->next_place == INT64_MIN)
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
        step_row_csv_head(&p->srv->contract, p->metrics, p->out);
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
    const int n = snprintf(place, sizeof place, "%lld", (long long)p->next_place);
    const char *const next = p->next_place != INT64_MIN ? place : NULL;
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
    steps_page p = {.srv = srv, .name = http_query(request, "server"), .next_place = INT64_MIN, .out = &reply->text};
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
    p.from_place = paging.has_cursor ? strtoll(paging.place, NULL, 10) : place_of(first, false);
    const int64_t place = p.from_place / 2;
    first = place > p.end_step ? p.end_step : place > first ? place : first; // a cursor stays inside the span
    p.now_step = fleet_now(srv->fleet, tft_wall_ms()).now_ms / step_ms;
    tft_series memory;
    float least[EXTREMES_STEPS * TFT_MAX_METRICS], most[EXTREMES_STEPS * TFT_MAX_METRICS];
    tft_series_init(&memory, srv->contract.n_metrics, 0);
    p.memory = &memory;
    p.newest = (extremes){.least = least, .most = most};
    if (fleet_copy_newest(srv->fleet, id, first, p.end_step - 1, &memory, &p.newest, NULL) == TFT_OK) {
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
     .summary = "Five-minute steps of a server, oldest first; hours in place of those beyond store.retention.steps",
     .produces = API_JSON_CSV,
     .reply =
         "{\"type\": \"object\", \"required\": [\"server_name\", \"items\", \"next_cursor\"], \"properties\": "
         "{\"server_name\": {\"type\": \"string\"}, \"items\": {\"type\": \"array\", \"items\": {\"type\": \"object\", "
         "\"required\": [\"start\", \"state\", \"records\", \"partial\", \"resolution_s\", \"metrics\"]}}, "
         "\"next_cursor\": {\"type\": "
         "[\"string\", \"null\"]}}}",
     .statuses = "200 404 503"},
    {0}};
