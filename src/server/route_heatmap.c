/* route_heatmap.c - GET /heatmap: one number per server and step for the whole fleet, eight hours back and the horizon ahead.
 *
 *     items[i].values   [past + future]   measured means, the current step last, then one quantile of the forecast
 *     incident          1 where the server was in an incident, 0 where not; then P(incident by the end of the step)
 *
 * It is what a heat map draws, in as few bytes as JSON allows: a thousand servers take one reply of some 700 KB (100 KB packed)
 * where single histories would be a thousand requests. The past is the fleet's memory, read a server at a time.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/render.h"
#include "server/routes.h"
#include "server/views.h"

#define PAST_HOURS 8

typedef struct heat {
    const forecast_snapshot *s;
    int metric;      // −1: incidents
    size_t quantile; // row of the forecast
    size_t past;     // steps before the first of the forecast
    double *values;  // [past], of one server
    float *rows;     // [7, horizon], of one server
    tft_series came; // its steps: all of them where incidents are asked for, which look back
} heat;

/* Figures that a reader can tell apart. */
static int decimals_of(double value)
{
    return fabs(value) >= 1000 ? 0 : fabs(value) >= 10 ? 1 : 2;
}

static double past_value(const heat *h, const tft_series *series, const tft_contract *contract, size_t index)
{
    if (series->counts[index] == 0)
        return (double)NAN;
    if (h->metric < 0)
        return tft_series_in_incident(series, contract, index) ? 1.0 : 0.0;
    return (double)series->values[index * series->n_metrics + (size_t)h->metric];
}

static bool read_past(const server *srv, heat *h, size_t id)
{
    const int64_t origin = h->s->origin_ms / h->s->step_ms, first = origin - (int64_t)h->past + 1;
    const tft_series *const series = &h->came;
    if (fleet_copy_steps(srv->fleet, id, h->metric < 0 ? INT64_MIN : first, origin, &h->came, NULL) != TFT_OK)
        return false;
    for (size_t i = 0; i < h->past; i++) {
        const int64_t at = tft_series_index(series, first + (int64_t)i);
        h->values[i] = at < 0 ? (double)NAN : past_value(h, series, fleet_contract(srv->fleet), (size_t)at);
    }
    return true;
}

static void put_value(tft_text *out, double value, bool first, int decimals)
{
    tft_text_puts(out, first ? "" : ",");
    if (isfinite(value))
        render_fixed(out, value, decimals);
    else
        tft_text_puts(out, "null");
}

static void put_row(const server *srv, heat *h, size_t id, tft_text *out)
{
    const snapshot_server *const of = &h->s->servers[id];
    const float *const rows = h->metric < 0 ? NULL : snapshot_rows(h->s, id, (size_t)h->metric, h->rows);
    const float *const curve = h->metric < 0 ? snapshot_incident(h->s, id, h->rows) : NULL;
    if (!read_past(srv, h, id)) {
        out->failed = true;
        return;
    }
    tft_text_puts(out, "{\"server_name\": ");
    tft_text_json_string(out, of->name, of->name_length);
    tft_text_printf(out, ", \"profile\": \"%s\", \"values\": [", tft_profile_name(of->profile));
    for (size_t i = 0; i < h->past; i++)
        put_value(out, h->values[i], i == 0, decimals_of(h->values[i]));
    for (size_t i = 0; i < h->s->horizon; i++) {
        const double value = h->metric < 0  ? (double)curve[i]
                             : rows == NULL ? (double)NAN
                                            : (double)rows[h->quantile * h->s->horizon + i];
        put_value(out, value, false, h->metric < 0 ? 3 : decimals_of(value));
    }
    tft_text_puts(out, "]}");
}

static void put_all(const server *srv, heat *h, tft_text *out)
{
    const forecast_snapshot *const s = h->s;
    const tft_metric *const metric = h->metric < 0 ? NULL : &s->contract->metrics[h->metric];
    char id[VIEW_FORECAST_ID];
    view_forecast_id(s, id);
    tft_text_printf(out, "{\"forecast_id\": \"%s\", \"metric\": ", id);
    json_put_string(out, metric == NULL ? "incident" : metric->name);
    tft_text_puts(out, ", \"unit\": ");
    json_put_string(out, metric == NULL ? "" : metric->unit);
    tft_text_puts(out, ", \"quantile\": ");
    if (metric == NULL)
        tft_text_puts(out, "null");
    else
        render_fixed(out, (double)forecast_levels[h->quantile], 2);
    tft_text_puts(out, ", \"first\": ");
    json_put_time_s(out, s->origin_ms - (int64_t)(h->past - 1) * s->step_ms);
    tft_text_printf(out, ", \"step_seconds\": %lld, \"past\": %zu, \"future\": %zu, \"items\": [",
                    (long long)(s->step_ms / 1000), h->past, s->horizon);
    bool first = true;
    for (size_t i = 0; i < s->n_servers; i++) {
        if (s->servers[i].name_length == 0)
            continue;
        tft_text_puts(out, first ? "" : ", ");
        first = false;
        put_row(srv, h, i, out);
    }
    tft_text_puts(out, "]}");
}

static bool read_quantile(const http_request *request, http_reply *reply, size_t *out)
{
    static const char *const words[FORECAST_N_QUANTILES] = {"0.02", "0.1", "0.25", "0.5", "0.75", "0.9", "0.98"};
    *out = FORECAST_P50;
    return api_read_word(request, reply, "quantile", words, FORECAST_N_QUANTILES, out);
}

static void route_heatmap(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    heat h = {.metric = -1};
    const char *const name = http_query(request, "metric");
    if (!read_quantile(request, reply, &h.quantile))
        return;
    if (name != NULL && strcmp(name, "incident") != 0) {
        h.metric = tft_contract_find(&srv->contract, name, strlen(name));
        if (h.metric < 0) {
            api_bad_parameter(request, reply, "metric", "a metric of the contract, or \"incident\"");
            return;
        }
    }
    h.s = views_acquire(srv, reply);
    if (h.s == NULL)
        return;
    h.past = (size_t)(PAST_HOURS * 3600000 / h.s->step_ms);
    h.values = calloc(h.past + 1, sizeof *h.values);
    h.rows = snapshot_rows_new(h.s);
    tft_series_init(&h.came, srv->contract.n_metrics, 0);
    if (h.values == NULL || h.rows == NULL) {
        http_reply_problem(reply, 503, "overloaded", "Overloaded", "no memory for the reply, try again");
        http_reply_field(reply, "Retry-After", "1");
    } else {
        put_all(srv, &h, &reply->text);
        http_reply_field(reply, "Cache-Control", "no-cache");
    }
    free(h.values);
    free(h.rows);
    tft_series_free(&h.came);
    engine_release(srv->engine, h.s);
}

static const http_parameter of_heatmap[] = {
    {"metric", API_NAME, "A metric of the contract, or \"incident\" (the default)", "cpu_pct", false},
    {"quantile",
     "{\"type\": \"string\", \"enum\": [\"0.02\", \"0.1\", \"0.25\", \"0.5\", \"0.75\", \"0.9\", \"0.98\"]}",
     "Which quantile of the forecast, 0.5 where it is not given", "0.9", false},
    {0}};

const http_route routes_heatmap[] = {
    {.path = "/api/v1/heatmap",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_heatmap,
     .parameters = of_heatmap,
     .tag = "Forecasts",
     .summary = "One number per server and step for the whole fleet: the last 8 h and the horizon",
     .reply =
         "{\"type\": \"object\", \"required\": [\"first\", \"step_seconds\", \"past\", \"future\", \"items\"], "
         "\"properties\": {\"items\": {\"type\": \"array\", \"items\": {\"type\": \"object\", \"required\": "
         "[\"server_name\", \"profile\", \"values\"], \"properties\": {\"values\": {\"type\": \"array\", \"items\": "
         "{\"type\": [\"number\", \"null\"]}}}}}}}",
     .statuses = "200 503"},
    {0}};
