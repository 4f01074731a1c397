/* route_forecasts.c - GET /forecasts, /forecasts/{name}: the newest finished forecast, as JSON or CSV, whole or in part.
 *
 *     layout=columns   an array per quantile, stamps once for all        (the default)
 *     layout=rows      an object per server, metric and step
 *     CSV              origin,server_name,metric,timestamp,q0.02,…       as `tftd forecast` writes
 *
 * Pages go through the servers in the order in which they first came; the cursor is the last server's name. Rows of one
 * server are never split between pages. Never runs the network: everything is in the snapshot.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/render.h"
#include "server/routes.h"
#include "server/track_json.h"
#include "server/views.h"

static const char *const level_words[FORECAST_N_QUANTILES] = {"0.02", "0.1", "0.25", "0.5", "0.75", "0.9", "0.98"};

typedef enum layout { LAYOUT_COLUMNS, LAYOUT_ROWS, N_LAYOUTS } layout;
static const char *const layout_words[N_LAYOUTS] = {"columns", "rows"};

typedef struct forecast_filter {
    const tft_contract *contract;
    const char *servers; // "a,b", NULL = all
    uint32_t profiles, metrics;
    unsigned quantiles;
    size_t steps;
    size_t layout;
    bool csv;
    float *rows; // [7, horizon] to unpack a metric into
} forecast_filter;

/* ---- what is asked for --------------------------------------------------------------------------------- */

static bool take_server(void *context, const char *item, size_t n)
{
    (void)context, (void)item;
    return n <= FLEET_NAME_MAX; // a name that nobody has selects nothing
}

static bool take_profile(void *context, const char *item, size_t n)
{
    const int found = tft_profile_find(item, n);
    if (found >= 0)
        ((forecast_filter *)context)->profiles |= 1u << found;
    return found >= 0;
}

static bool take_metric(void *context, const char *item, size_t n)
{
    forecast_filter *const f = context;
    const int found = tft_contract_find(f->contract, item, n);
    if (found >= 0)
        f->metrics |= 1u << found;
    return found >= 0;
}

static bool take_level(void *context, const char *item, size_t n)
{
    forecast_filter *const f = context;
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
        if (strlen(level_words[q]) == n && memcmp(level_words[q], item, n) == 0) {
            f->quantiles |= 1u << q;
            return true;
        }
    }
    return false;
}

/* `horizon=2h` or `steps=24`; not both. */
static bool read_steps(const http_request *request, http_reply *reply, forecast_filter *f)
{
    const char *const horizon = http_query(request, "horizon");
    int64_t ms = 0, steps = (int64_t)f->contract->horizon;
    if (!api_read_integer(request, reply, "steps", 1, steps, &steps))
        return false;
    if (horizon != NULL) {
        const int64_t longest = (int64_t)f->contract->horizon * f->contract->step_ms;
        if (http_query(request, "steps") != NULL)
            return api_bad_parameter(request, reply, "horizon", "left out where steps is given");
        if (!api_parse_duration(horizon, &ms) || ms < f->contract->step_ms || ms > longest)
            return api_bad_parameter(request, reply, "horizon", "a length of time inside the horizon, as 30m or 2h");
        steps = ms / f->contract->step_ms;
    }
    f->steps = (size_t)steps;
    return true;
}

static bool read_filter(const server *srv, const http_request *request, http_reply *reply, forecast_filter *f)
{
    *f = (forecast_filter){.contract = &srv->contract, .servers = http_query(request, "servers")};
    if (!api_each_item(request, reply, "servers", "names by commas", take_server, f) ||
        !api_each_item(request, reply, "profile", "profiles by commas", take_profile, f) ||
        !api_each_item(request, reply, "metrics", "metrics of the contract by commas", take_metric, f) ||
        !api_each_item(request, reply, "quantiles", "0.02 0.1 0.25 0.5 0.75 0.9 0.98 by commas", take_level, f) ||
        !read_steps(request, reply, f) ||
        !api_read_word(request, reply, "layout", layout_words, N_LAYOUTS, &f->layout) ||
        !api_read_format(request, reply, &f->csv))
        return false;
    f->profiles = f->profiles != 0 ? f->profiles : UINT32_MAX;
    f->metrics = f->metrics != 0 ? f->metrics : UINT32_MAX;
    f->quantiles = f->quantiles != 0 ? f->quantiles : (1u << FORECAST_N_QUANTILES) - 1;
    return true;
}

static bool wants_name(const char *list, const snapshot_server *of)
{
    for (const char *at = list; at != NULL;) {
        const size_t n = strcspn(at, ",");
        if (n == of->name_length && memcmp(at, of->name, n) == 0)
            return true;
        at = at[n] == ',' ? at + n + 1 : NULL;
    }
    return list == NULL;
}

static bool wants_server(const forecast_filter *f, const snapshot_server *of)
{
    return !of->forgotten && (f->profiles & 1u << of->profile) != 0 && wants_name(f->servers, of);
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static void put_value(tft_text *out, const float *rows, size_t horizon, size_t q, size_t i, int decimals)
{
    render_fixed(out, (double)rows[q * horizon + i], decimals);
}

static void put_columns(const forecast_snapshot *s, const forecast_filter *f, const float *rows, int decimals,
                        tft_text *out)
{
    bool first = true;
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
        if ((f->quantiles & 1u << q) == 0)
            continue;
        tft_text_printf(out, "%s\"%s\": [", first ? "" : ", ", level_words[q]);
        for (size_t i = 0; i < f->steps; i++) {
            tft_text_puts(out, i > 0 ? ", " : "");
            put_value(out, rows, s->horizon, q, i, decimals);
        }
        tft_text_puts(out, "]");
        first = false;
    }
}

static void put_server_columns(const forecast_snapshot *s, const forecast_filter *f, size_t id, tft_text *out)
{
    const snapshot_server *const of = &s->servers[id];
    tft_text_puts(out, "{\"server_name\": ");
    tft_text_json_string(out, of->name, of->name_length);
    tft_text_printf(out, ", \"profile\": \"%s\", \"model_type\": \"%s\", \"metrics\": {", tft_profile_name(of->profile),
                    snapshot_model_type_name(of->model_type));
    bool first = true;
    for (size_t m = 0; m < s->n_targets; m++) {
        const float *const rows = (f->metrics & 1u << m) != 0 ? snapshot_rows(s, id, m, f->rows) : NULL;
        if (rows == NULL)
            continue;
        tft_text_puts(out, first ? "" : ", ");
        json_put_string(out, s->contract->metrics[m].name);
        tft_text_puts(out, ": {\"unit\": ");
        json_put_string(out, s->contract->metrics[m].unit);
        tft_text_puts(out, ", \"values\": {");
        put_columns(s, f, rows, render_decimals(rows, FORECAST_N_QUANTILES * s->horizon), out);
        tft_text_puts(out, "}}");
        first = false;
    }
    tft_text_puts(out, "}}");
}

/* One row in either form. */
static void put_row(const forecast_snapshot *s, const forecast_filter *f, const snapshot_server *of, size_t m,
                    const float *rows, int decimals, size_t i, tft_text *out)
{
    const char *const metric = s->contract->metrics[m].name;
    if (f->csv) {
        csv_put_time_s(out, s->origin_ms);
        tft_text_puts(out, ",");
        csv_put_text(out, of->name, of->name_length);
        tft_text_puts(out, ",");
        csv_put_text(out, metric, strlen(metric));
        tft_text_puts(out, ",");
        csv_put_time_s(out, snapshot_time_ms(s, i));
    } else {
        tft_text_puts(out, "{\"server_name\": ");
        tft_text_json_string(out, of->name, of->name_length);
        tft_text_puts(out, ", \"metric\": ");
        json_put_string(out, metric);
        tft_text_puts(out, ", \"timestamp\": ");
        json_put_time_s(out, snapshot_time_ms(s, i));
        tft_text_puts(out, ", \"values\": {");
    }
    bool first = true;
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
        if ((f->quantiles & 1u << q) == 0)
            continue;
        if (f->csv)
            tft_text_puts(out, ",");
        else
            tft_text_printf(out, "%s\"%s\": ", first ? "" : ", ", level_words[q]);
        put_value(out, rows, s->horizon, q, i, decimals);
        first = false;
    }
    tft_text_puts(out, f->csv ? CSV_END : "}}");
}

/* *first: whether nothing stands in front of the next item. */
static void put_server_rows(const forecast_snapshot *s, const forecast_filter *f, size_t id, bool *first, tft_text *out)
{
    for (size_t m = 0; m < s->n_targets; m++) {
        const float *const rows = (f->metrics & 1u << m) != 0 ? snapshot_rows(s, id, m, f->rows) : NULL;
        if (rows == NULL)
            continue;
        const int decimals = render_decimals(rows, FORECAST_N_QUANTILES * s->horizon);
        for (size_t i = 0; i < f->steps; i++) {
            tft_text_puts(out, f->csv || *first ? "" : ", ");
            put_row(s, f, &s->servers[id], m, rows, decimals, i, out);
            *first = false;
        }
    }
}

static void put_head(const server *srv, const forecast_snapshot *s, const forecast_filter *f, tft_text *out)
{
    bool first = true;
    if (f->csv) {
        tft_text_puts(out, "origin,server_name,metric,timestamp");
        for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
            if ((f->quantiles & 1u << q) != 0)
                tft_text_printf(out, ",q%s", level_words[q]);
        }
        tft_text_puts(out, CSV_END);
        return;
    }
    tft_text_puts(out, "{");
    view_put_forecast_head(s, out);
    tft_text_puts(out, ", \"age_s\": ");
    const double age = tft_monotonic_s() - s->finished_s;
    render_fixed(out, age > 0 ? age : 0, 1);
    tft_text_printf(out, ", \"clock\": \"%s\", \"step_seconds\": %lld, \"quantiles\": [",
                    s->clock.data ? "data" : "wall", (long long)(s->step_ms / 1000));
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
        if ((f->quantiles & 1u << q) == 0)
            continue;
        tft_text_printf(out, "%s%s", first ? "" : ", ", level_words[q]);
        first = false;
    }
    tft_text_puts(out, "], \"timestamps\": [");
    for (size_t i = 0; i < f->steps; i++) {
        tft_text_puts(out, i > 0 ? ", " : "");
        json_put_time_s(out, snapshot_time_ms(s, i));
    }
    tft_text_puts(out, "]");
    track_json(srv, out);
    tft_text_puts(out, ", \"items\": [");
}

static void put_item(const forecast_snapshot *s, const forecast_filter *f, size_t id, bool *first, tft_text *out)
{
    if (f->csv || f->layout == LAYOUT_ROWS) {
        put_server_rows(s, f, id, first, out);
        return;
    }
    tft_text_puts(out, *first ? "" : ", ");
    put_server_columns(s, f, id, out);
    *first = false;
}

/* ---- handlers ------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t h, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return (h ^ 0xff) * 0x100000001b3u;
}

/* A tag of the forecast and of everything that selects a part of it. */
static void make_tag(const server *srv, const forecast_snapshot *s, const http_request *request,
                     const forecast_filter *f, char out[80])
{
    static const char *const names[] = {"servers", "profile", "metrics", "quantiles", "limit", "cursor"};
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        h = mix(h, http_query(request, names[i]));
    h = mix(h, request->path);
    h = (h ^ (f->steps * 8 + f->layout * 2 + f->csv)) * 0x100000001b3u;
    snprintf(out, 80, "f-%llx-%llx-%llx", (unsigned long long)srv->started_ms, (unsigned long long)s->sequence,
             (unsigned long long)h);
}

/* Room to unpack into, and the head; where there is no memory, the reply says so. */
static bool begin_list(const server *srv, const forecast_snapshot *s, forecast_filter *f, http_reply *reply)
{
    f->rows = snapshot_rows_new(s);
    if (f->rows == NULL) {
        http_reply_problem(reply, 503, "overloaded", "Overloaded", "no memory for the reply, try again");
        http_reply_field(reply, "Retry-After", "1");
        return false;
    }
    put_head(srv, s, f, &reply->text);
    return true;
}

static void route_forecasts(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    api_paging paging;
    forecast_filter filter;
    if (!api_read_paging(request, reply, &paging) || !read_filter(srv, request, reply, &filter))
        return;
    size_t from = 0;
    if (paging.has_cursor) {
        const size_t last = fleet_find(srv->fleet, paging.place, paging.n);
        if (last == FLEET_NO_SERVER) {
            api_bad_parameter(request, reply, "cursor", "next_cursor of the page before");
            return;
        }
        from = last + 1;
    }
    const forecast_snapshot *const s = views_acquire(srv, reply);
    if (s == NULL)
        return;
    char tag[80];
    make_tag(srv, s, request, &filter, tag);
    http_reply_field(reply, "Cache-Control", "no-cache");
    if (!http_not_modified(request, reply, tag) && begin_list(srv, s, &filter, reply)) {
        const snapshot_server *last = NULL;
        bool first = true, more = false;
        size_t n = 0;
        for (size_t id = from; id < s->n_servers && !more; id++) {
            if (!wants_server(&filter, &s->servers[id]))
                continue;
            more = n == paging.limit;
            if (more)
                break;
            put_item(s, &filter, id, &first, &reply->text);
            last = &s->servers[id];
            n++;
        }
        if (!filter.csv)
            api_put_list_end(&reply->text, more ? last->name : NULL, more ? last->name_length : 0);
        else
            api_next_cursor_field(reply, more ? last->name : NULL, more ? last->name_length : 0);
    }
    free(filter.rows);
    engine_release(srv->engine, s);
}

static void route_forecast(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    forecast_filter filter;
    if (!read_filter(srv, request, reply, &filter))
        return;
    const forecast_snapshot *const s = views_acquire(srv, reply);
    if (s == NULL)
        return;
    server_view view;
    char tag[80];
    if (!view_named(srv, s, request, reply, &view)) {
        engine_release(srv->engine, s);
        return;
    }
    make_tag(srv, s, request, &filter, tag);
    http_reply_field(reply, "Cache-Control", "no-cache");
    if (!http_not_modified(request, reply, tag) && begin_list(srv, s, &filter, reply)) {
        bool first = true;
        if (view.forecast != NULL)
            put_item(s, &filter, view.id, &first, &reply->text);
        if (!filter.csv)
            api_put_list_end(&reply->text, NULL, 0);
    }
    free(filter.rows);
    engine_release(srv->engine, s);
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

#define OF_FORECASTS                                                                                                   \
    {"metrics", API_STRING, "Metrics of the contract, by commas", NULL, false},                                        \
        {"quantiles", API_STRING, "0.02 0.1 0.25 0.5 0.75 0.9 0.98, by commas", NULL, false},                          \
        {"horizon", API_STRING, "How far ahead, as 30m or 2h", NULL, false},                                           \
        {"steps", "{\"type\": \"integer\", \"minimum\": 1}", "The same in steps", NULL, false},                        \
        {"layout", "{\"type\": \"string\", \"enum\": [\"columns\", \"rows\"], \"default\": \"columns\"}",              \
         "Arrays, or an object per step", NULL, false},                                                                \
        API_FORMAT

static const http_parameter of_list[] = {{"servers", API_STRING, "Names, by commas", NULL, false},
                                         {"profile", API_STRING, "Profiles, by commas", NULL, false},
                                         OF_FORECASTS,
                                         API_PAGING,
                                         {0}};
static const http_parameter of_one[] = {{"name", API_NAME, "Name of the server", "ppdb001", true}, OF_FORECASTS, {0}};

const http_route routes_forecasts[] = {{.path = "/api/v1/forecasts",
                                        .method = HTTP_GET,
                                        .role = ROLE_READ,
                                        .handler = route_forecasts,
                                        .parameters = of_list,
                                        .tag = "Forecasts",
                                        .summary = "Newest forecast of the fleet, in pages of servers",
                                        .produces = API_JSON_CSV,
                                        .reply = "Forecasts",
                                        .statuses = "200 304 503"},
                                       {.path = "/api/v1/forecasts/{name}",
                                        .method = HTTP_GET,
                                        .role = ROLE_READ,
                                        .handler = route_forecast,
                                        .parameters = of_one,
                                        .tag = "Forecasts",
                                        .summary = "Newest forecast of one server",
                                        .produces = API_JSON_CSV,
                                        .reply = "Forecasts",
                                        .statuses = "200 304 404 503"},
                                       {0}};
