/* route_risk.c - GET /incidents, /incidents/{name}, /risk: what may go wrong, by server and for the fleet.
 *
 * Probabilities are the snapshot's: calibrated, never falling with the horizon. The list of risks is sorted by score; its
 * cursor holds the last score and name, so that the next page goes on behind it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/render.h"
#include "server/routes.h"
#include "server/track_json.h"
#include "server/views.h"

/* ---- incidents ----------------------------------------------------------------------------------------- */

static void put_head(const server *srv, const forecast_snapshot *s, tft_text *out)
{
    tft_text_puts(out, "{");
    view_put_forecast_head(s, out);
    track_json(srv, out);
}

/* How much the probabilities are worth, in the model's own words. */
static void put_calibration(server *srv, const forecast_snapshot *s, tft_text *out)
{
    tft_text_puts(out, ", \"calibration\": ");
    model_facts_put(&srv->facts, s->has_model ? s->model_directory : "", out);
}

static void put_fleet(const forecast_snapshot *s, tft_text *out)
{
    tft_text_puts(out, "{\"any\": ");
    view_put_probabilities(out, s->environment.prob);
    tft_text_puts(out, ", \"expected\": ");
    view_put_probabilities(out, s->environment.expected);
    tft_text_puts(out, "}");
}

static void put_curve(const forecast_snapshot *s, const snapshot_server *of, tft_text *out)
{
    float *const room = snapshot_rows_new(s);
    const float *const curve = room != NULL ? snapshot_incident(s, (size_t)(of - s->servers), room) : NULL;
    tft_text_puts(out, ", \"curve\": [");
    for (size_t i = 0; i < s->horizon && curve != NULL; i++) {
        tft_text_puts(out, i > 0 ? ", " : "");
        render_fixed(out, (double)curve[i], 6);
    }
    tft_text_puts(out, "]");
    out->failed |= curve == NULL;
    free(room);
}

static void put_incident(const forecast_snapshot *s, const snapshot_server *of, bool curve, tft_text *out)
{
    tft_text_puts(out, "{\"server_name\": ");
    tft_text_json_string(out, of->name, of->name_length);
    tft_text_printf(out, ", \"profile\": \"%s\", \"state\": ", tft_profile_name(of->profile));
    json_put_string(out, of->state == TFT_STATE_NONE ? NULL : tft_state_name(of->state));
    tft_text_printf(out, ", \"in_incident\": %s, \"model_type\": \"%s\", \"incident_probability\": ",
                    of->in_incident ? "true" : "false", snapshot_model_type_name(of->model_type));
    view_put_probabilities(out, of->incident_probability);
    if (curve)
        put_curve(s, of, out);
    tft_text_puts(out, "}");
}

static void put_timestamps(const forecast_snapshot *s, tft_text *out)
{
    tft_text_puts(out, ", \"timestamps\": [");
    for (size_t i = 0; i < s->horizon; i++) {
        tft_text_puts(out, i > 0 ? ", " : "");
        json_put_time_s(out, snapshot_time_ms(s, i));
    }
    tft_text_puts(out, "]");
}

/* ---- lists by probability and by score ------------------------------------------------------------------ */

static double key_incident(const snapshot_server *of)
{
    return of->incident_probability[SNAPSHOT_N_HORIZONS - 1];
}

static double key_risk(const snapshot_server *of)
{
    return of->risk.score;
}

/* A cursor's place is "<key>:<name>". */
static bool read_place(const http_request *request, http_reply *reply, const api_paging *paging, view_place *out)
{
    char *end;
    out->key = strtod(paging->place, &end);
    if (end == paging->place || *end != ':' || isnan(out->key))
        return api_bad_parameter(request, reply, "cursor", "next_cursor of the page before");
    out->name = end + 1;
    out->n = strlen(out->name);
    return true;
}

/* Servers with what `put` writes about them, sorted by key, as one page: `"items": […], "next_cursor": …}`. */
static void put_page(const server *srv, const forecast_snapshot *s, const api_paging *paging, const view_place *after,
                     double (*key)(const snapshot_server *), bool flag,
                     void (*put)(const server *, const forecast_snapshot *, size_t id, bool flag, tft_text *),
                     http_reply *reply)
{
    tft_text *const out = &reply->text;
    view_place *const places = calloc(s->n_servers > 0 ? s->n_servers : 1, sizeof *places);
    if (places == NULL) {
        out->failed = true;
        return;
    }
    size_t n = 0, from = 0;
    for (size_t id = 0; id < s->n_servers; id++) {
        if (!s->servers[id].forgotten)
            places[n++] = (view_place){key(&s->servers[id]), s->servers[id].name, s->servers[id].name_length, id};
    }
    qsort(places, n, sizeof *places, view_compare_places);
    while (paging->has_cursor && from < n && view_compare_places(&places[from], after) <= 0)
        from++;
    const size_t to = n - from > paging->limit ? from + paging->limit : n;
    tft_text_printf(out, ", \"total\": %zu, \"items\": [", n);
    for (size_t i = from; i < to; i++) {
        tft_text_puts(out, i > from ? ", " : "");
        put(srv, s, places[i].id, flag, out);
    }
    char cursor[API_CURSOR_MAX];
    const bool more = to < n && to > from;
    if (more)
        snprintf(cursor, sizeof cursor, "%.17g:%s", places[to - 1].key, places[to - 1].name);
    api_put_list_end(out, more ? cursor : NULL, more ? strlen(cursor) : 0);
    free(places);
    http_reply_field(reply, "Cache-Control", "no-cache");
}

static void put_incident_item(const server *srv, const forecast_snapshot *s, size_t id, bool curve, tft_text *out)
{
    (void)srv;
    put_incident(s, &s->servers[id], curve, out);
}

static void put_risk_item(const server *srv, const forecast_snapshot *s, size_t id, bool flag, tft_text *out)
{
    server_view view;
    (void)flag;
    if (!view_of(srv, s, id, s->wall_ms, &view))
        return;
    tft_text_puts(out, "{\"server_name\": ");
    tft_text_json_string(out, view.name, view.name_length);
    tft_text_printf(out, ", \"profile\": \"%s\", \"state\": ", tft_profile_name(view.profile));
    json_put_string(out, view.state == TFT_STATE_NONE ? NULL : tft_state_name(view.state));
    tft_text_puts(out, ", ");
    view_put_risk_members(out, srv, s, &view);
    tft_text_puts(out, "}");
}

/* ---- handlers ------------------------------------------------------------------------------------------ */

static void route_incidents(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    api_paging paging;
    view_place after = {0};
    bool curve = false;
    if (!api_read_paging(request, reply, &paging) || !api_read_bool(request, reply, "curve", &curve) ||
        (paging.has_cursor && !read_place(request, reply, &paging, &after)))
        return;
    const forecast_snapshot *const s = views_acquire(srv, reply);
    if (s == NULL)
        return;
    put_head(srv, s, &reply->text);
    tft_text_puts(&reply->text, ", \"fleet\": ");
    put_fleet(s, &reply->text);
    put_calibration(srv, s, &reply->text);
    if (curve)
        put_timestamps(s, &reply->text);
    put_page(srv, s, &paging, &after, key_incident, curve, put_incident_item, reply);
    engine_release(srv->engine, s);
}

static void route_incident(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    bool curve = false;
    if (!api_read_bool(request, reply, "curve", &curve))
        return;
    const forecast_snapshot *const s = views_acquire(srv, reply);
    if (s == NULL)
        return;
    server_view view;
    if (view_named(srv, s, request, reply, &view)) {
        if (view.forecast == NULL) {
            http_reply_problem(reply, 503, "no-forecast", "No forecast yet", "This server has just come");
            http_reply_field(reply, "Retry-After", "5");
        } else {
            put_head(srv, s, &reply->text);
            put_calibration(srv, s, &reply->text);
            if (curve)
                put_timestamps(s, &reply->text);
            tft_text_puts(&reply->text, ", \"item\": ");
            put_incident(s, view.forecast, curve, &reply->text);
            tft_text_puts(&reply->text, "}");
            http_reply_field(reply, "Cache-Control", "no-cache");
        }
    }
    engine_release(srv->engine, s);
}

static void route_risks(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    api_paging paging;
    view_place after = {0};
    if (!api_read_paging(request, reply, &paging) ||
        (paging.has_cursor && !read_place(request, reply, &paging, &after)))
        return;
    const forecast_snapshot *const s = views_acquire(srv, reply);
    if (s == NULL)
        return;
    put_head(srv, s, &reply->text);
    put_page(srv, s, &paging, &after, key_risk, false, put_risk_item, reply);
    engine_release(srv->engine, s);
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

#define CURVE                                                                                                          \
    {                                                                                                                  \
        "curve", API_BOOL, "Also all steps of the horizon", NULL, false                                                \
    }

static const http_parameter of_incidents[] = {CURVE, API_PAGING, {0}};
static const http_parameter of_incident[] = {{"name", API_NAME, "Name of the server", "ppdb001", true}, CURVE, {0}};
static const http_parameter of_risks[] = {API_PAGING, {0}};

const http_route routes_risk[] = {{.path = "/api/v1/incidents",
                                   .method = HTTP_GET,
                                   .role = ROLE_READ,
                                   .handler = route_incidents,
                                   .parameters = of_incidents,
                                   .tag = "Incidents and risk",
                                   .summary = "P(incident within 30m … 8h) per server and for the fleet",
                                   .reply = "Incidents",
                                   .statuses = "200 503"},
                                  {.path = "/api/v1/incidents/{name}",
                                   .method = HTTP_GET,
                                   .role = ROLE_READ,
                                   .handler = route_incident,
                                   .parameters = of_incident,
                                   .tag = "Incidents and risk",
                                   .summary = "P(incident within 30m … 8h) of one server",
                                   .reply = "IncidentDetail",
                                   .statuses = "200 404 503"},
                                  {.path = "/api/v1/risk",
                                   .method = HTTP_GET,
                                   .role = ROLE_READ,
                                   .handler = route_risks,
                                   .parameters = of_risks,
                                   .tag = "Incidents and risk",
                                   .summary = "Servers by risk, with what makes it",
                                   .reply = "Risks",
                                   .statuses = "200 503"},
                                  {0}};
