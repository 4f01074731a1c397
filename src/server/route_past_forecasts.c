/* route_past_forecasts.c - GET /history/forecasts: what was said, beside what came.
 *
 * One item per kept forecast (track/track.h: every half hour) and model, oldest first: quantiles of the metrics that are asked for, the
 * probabilities of an incident, and `actual`, each step's mean from the fleet's memory (eight days; null where it is not
 * known, or not yet).
 *
 * CSV has a row per step and metric, as `tftd forecast` writes them, with the model and what came behind.
 *
 * Memory:  a page of at most `limit` items of some 6 kB a metric. Threads: any; reads with a connection of its own.
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
#include "track/pack.h"

#define DAY_MS ((int64_t)86400000)

typedef struct past_page {
    server *srv;
    const char *name;
    size_t id, limit, n;
    int metric;        // −1 = all
    int64_t origin_ms; // of the forecast at hand,
    size_t of_origin;  // and how many of this origin (one per model) came before it
    size_t skip;       // of the first origin so many were on the page before
    int64_t next_ms;   // INT64_MIN = this is the last page; else the next one begins there,
    size_t next_skip;  // behind so many
    track_said said;
    tft_series came; // all of the server's steps
    int64_t now_ms;  // its newest record
    bool csv;
    tft_text *out;
} past_page;

/* What came in step i of a forecast; NaN where that is not known. */
static double came(const past_page *p, size_t m, int64_t first_ms, size_t i)
{
    const tft_contract *const c = &p->srv->contract;
    const tft_series *const series = &p->came;
    const int64_t step = first_ms / c->step_ms + (int64_t)i, at = tft_series_index(series, step);
    const bool over = (step + 1) * c->step_ms <= p->now_ms; // a step that still fills says nothing yet
    return at >= 0 && over ? (double)series->values[(size_t)at * series->n_metrics + m] : (double)NAN;
}

static void put_actual(past_page *p, size_t m, int64_t first_ms)
{
    tft_text_puts(p->out, ", \"actual\": [");
    for (size_t i = 0; i < p->said.horizon; i++) {
        const double mean = came(p, m, first_ms, i);
        tft_text_puts(p->out, i > 0 ? ", " : "");
        if (isfinite(mean))
            render_fixed(p->out, mean, 4);
        else
            tft_text_puts(p->out, "null");
    }
    tft_text_puts(p->out, "]");
}

static void put_metric(past_page *p, size_t m, int64_t first_ms)
{
    const size_t h = p->said.horizon;
    const float *const rows = p->said.rows[m];
    const int decimals = render_decimals(rows, FORECAST_N_QUANTILES * h);
    tft_text_printf(p->out, "\"%s\": {\"quantiles\": {", p->srv->contract.metrics[m].name);
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
        tft_text_printf(p->out, "%s\"%.3g\": [", q > 0 ? ", " : "", (double)forecast_levels[q]);
        for (size_t i = 0; i < h; i++) {
            tft_text_puts(p->out, i > 0 ? ", " : "");
            render_fixed(p->out, (double)rows[q * h + i], decimals);
        }
        tft_text_puts(p->out, "]");
    }
    tft_text_puts(p->out, "}");
    put_actual(p, m, first_ms);
    tft_text_puts(p->out, "}");
}

static void put_forecast(past_page *p, const store_past_forecast *f)
{
    tft_text_puts(p->out, p->n > 0 ? ", {\"origin\": " : "{\"origin\": ");
    json_put_time_s(p->out, f->origin_ms);
    tft_text_puts(p->out, ", \"first\": ");
    json_put_time_s(p->out, f->first_ms);
    tft_text_printf(p->out, ", \"step_seconds\": %lld, \"model\": ", (long long)(p->srv->contract.step_ms / 1000));
    json_put_string(p->out, f->model);
    tft_text_printf(p->out, ", \"model_type\": \"%s\", \"incident_probability\": {", p->said.tft ? "TFT" : "heuristic");
    for (size_t h = 0; h < SNAPSHOT_N_HORIZONS; h++) {
        tft_text_printf(p->out, "%s\"%s\": ", h > 0 ? ", " : "", snapshot_horizon_names[h]);
        render_fixed(p->out, p->said.incident[h], 6);
    }
    tft_text_puts(p->out, "}, \"metrics\": {");
    bool any = false;
    for (size_t m = 0; m < p->srv->contract.n_metrics; m++) {
        if (p->said.rows[m] == NULL || (p->metric >= 0 && (size_t)p->metric != m))
            continue;
        tft_text_puts(p->out, any ? ", " : "");
        put_metric(p, m, f->first_ms);
        any = true;
    }
    tft_text_puts(p->out, "}}");
}

static void put_csv_head(tft_text *out)
{
    tft_text_puts(out, "origin,server_name,metric,timestamp");
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
        tft_text_printf(out, ",q%.3g", (double)forecast_levels[q]);
    tft_text_puts(out, ",model,actual" CSV_END);
}

static void put_csv_row(past_page *p, const store_past_forecast *f, size_t m, size_t i)
{
    const tft_contract *const c = &p->srv->contract;
    const size_t h = p->said.horizon;
    const int decimals = render_decimals(p->said.rows[m], FORECAST_N_QUANTILES * h);
    const double actual = came(p, m, f->first_ms, i);
    csv_put_time_s(p->out, f->origin_ms);
    tft_text_puts(p->out, ",");
    csv_put_text(p->out, p->name, strlen(p->name));
    tft_text_printf(p->out, ",%s,", c->metrics[m].name);
    csv_put_time_s(p->out, f->first_ms + (int64_t)i * c->step_ms);
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
        tft_text_puts(p->out, ",");
        render_fixed(p->out, (double)p->said.rows[m][q * h + i], decimals);
    }
    tft_text_puts(p->out, ",");
    csv_put_text(p->out, f->model, strlen(f->model));
    tft_text_puts(p->out, ",");
    if (isfinite(actual))
        render_fixed(p->out, actual, 4);
    tft_text_puts(p->out, CSV_END);
}

static void put_csv(past_page *p, const store_past_forecast *f)
{
    for (size_t m = 0; m < p->srv->contract.n_metrics; m++) {
        const bool wanted = p->said.rows[m] != NULL && (p->metric < 0 || (size_t)p->metric == m);
        for (size_t i = 0; wanted && i < p->said.horizon; i++)
            put_csv_row(p, f, m, i);
    }
}

static bool visit(void *context, const store_past_forecast *f)
{
    past_page *const p = context;
    p->of_origin = f->origin_ms == p->origin_ms ? p->of_origin + 1 : 0;
    p->origin_ms = f->origin_ms;
    if (p->skip > 0) {
        p->skip--;
        return true;
    }
    if (p->n == p->limit) {
        p->next_ms = f->origin_ms;
        p->next_skip = p->of_origin;
        return false;
    }
    if (track_unpack(&p->srv->contract, f->body, f->n, &p->said)) {
        if (p->csv)
            put_csv(p, f);
        else
            put_forecast(p, f);
        p->n++;
    }
    return true;
}

static bool read_wish(server *srv, const http_request *request, http_reply *reply, past_page *p, api_span *span)
{
    const char *const metric = http_query(request, "metric"), *const origin = http_query(request, "origin");
    if (!api_read_span(request, reply, DAY_MS, span))
        return false;
    p->id = view_server_asked(srv, request, reply);
    if (p->id == FLEET_NO_SERVER)
        return false;
    p->metric = metric != NULL ? tft_contract_find(&srv->contract, metric, strlen(metric)) : -1;
    if (metric != NULL && p->metric < 0)
        return api_bad_parameter(request, reply, "metric", "a metric of the contract");
    if (origin == NULL)
        return true;
    if (!api_parse_instant(origin, tft_wall_ms(), &span->from_ms))
        return api_bad_parameter(request, reply, "origin", "an instant, RFC 3339");
    span->to_ms = span->from_ms + 1;
    return true;
}

/* A cursor's place is "<origin_ms>:<how many of it were shown>". */
static bool read_place(const http_request *request, http_reply *reply, const api_paging *paging, api_span *span,
                       past_page *p)
{
    char *end;
    if (!paging->has_cursor)
        return true;
    span->from_ms = strtoll(paging->place, &end, 10);
    if (end == paging->place || *end != ':')
        return api_bad_parameter(request, reply, "cursor", "next_cursor of the page before");
    p->skip = (size_t)strtoull(end + 1, NULL, 10);
    return true;
}

static void route_past_forecasts(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    const size_t cells = srv->contract.n_metrics * FORECAST_N_QUANTILES * srv->contract.horizon;
    past_page p = {.srv = srv,
                   .name = http_query(request, "server"),
                   .origin_ms = INT64_MIN,
                   .next_ms = INT64_MIN,
                   .out = &reply->text};
    api_span span;
    api_paging paging;
    tft_error err = {0};
    store_reader *reader = NULL;
    if (!api_read_paging(request, reply, &paging) || !read_wish(srv, request, reply, &p, &span) ||
        !api_read_format(request, reply, &p.csv))
        return;
    p.limit = paging.limit;
    if (!read_place(request, reply, &paging, &span, &p))
        return;
    p.said.values = malloc(cells * sizeof *p.said.values);
    p.said.n_values = cells;
    tft_series_init(&p.came, srv->contract.n_metrics, 0);
    if (p.csv) {
        put_csv_head(p.out);
    } else {
        tft_text_puts(p.out, "{\"server_name\": ");
        json_put_string(p.out, p.name);
        tft_text_puts(p.out, ", \"items\": [");
    }
    tft_status status = p.said.values == NULL ? tft_fail(&err, TFT_ERR_MEMORY, "no memory for a forecast")
                                              : fleet_copy_steps(srv->fleet, p.id, INT64_MIN, INT64_MAX, &p.came, &err);
    fleet_read_lock(srv->fleet);
    p.now_ms = fleet_at(srv->fleet, p.id)->last_seen_ms;
    fleet_read_unlock(srv->fleet);
    if (status == TFT_OK)
        status = store_reader_open(srv->options.store.dir, &srv->contract, &reader, &err);
    if (status == TFT_OK)
        status = store_reader_forecasts(reader, (int64_t)p.id + 1, span.from_ms, span.to_ms, visit, &p, &err);
    store_reader_close(reader);
    free(p.said.values);
    tft_series_free(&p.came);
    if (status != TFT_OK) {
        tft_text_clear(p.out);
        view_reply_unreadable(srv, reply, &err);
        return;
    }
    char place[48];
    const int n = snprintf(place, sizeof place, "%lld:%zu", (long long)p.next_ms, p.next_skip);
    const char *const next = p.next_ms != INT64_MIN ? place : NULL;
    if (p.csv)
        api_next_cursor_field(reply, next, (size_t)n);
    else
        api_put_list_end(p.out, next, (size_t)n);
    http_reply_field(reply, "Cache-Control", "no-cache");
}

static const http_parameter of_forecasts[] = {{"server", API_NAME, "Name of the server", "ppdb001", true},
                                              {"metric", API_STRING, "One metric only", NULL, false},
                                              {"origin", API_STRING, "The forecast of one origin only", NULL, false},
                                              API_SPAN,
                                              API_PAGING,
                                              API_FORMAT,
                                              {0}};

const http_route routes_past_forecasts[] = {
    {.path = "/api/v1/history/forecasts",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_past_forecasts,
     .parameters = of_forecasts,
     .tag = "History",
     .summary = "What was forecast for a server, beside what came; oldest first",
     .produces = API_JSON_CSV,
     .reply = "PastForecasts",
     .statuses = "200 404 503"},
    {0}};
