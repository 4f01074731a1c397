/* route_servers.c - GET /servers, GET /servers/{name}, GET /contract: who is there, and what their records hold.
 *
 * A list is sorted and cut into pages; a cursor holds the sort key and the name of the last item, so that the next page
 * goes on behind it however the fleet has changed meanwhile.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/render.h"
#include "server/routes.h"
#include "server/sleep.h"
#include "server/views.h"
#include "store/capacity.h"

/* ---- one server ---------------------------------------------------------------------------------------- */

static void put_server(server *srv, const forecast_snapshot *s, const server_view *view, tft_text *out)
{
    char id[16];
    view_server_id(view, id);
    tft_text_puts(out, "{\"server_name\": ");
    tft_text_json_string(out, view->name, view->name_length);
    tft_text_printf(out, ", \"server_id\": \"%s\", \"profile\": \"%s\", \"labels\": ", id,
                    tft_profile_name(view->profile));
    labels_put(&srv->labels, view->id, out);
    tft_text_puts(out, ", \"state\": ");
    json_put_string(out, view->state == TFT_STATE_NONE ? NULL : tft_state_name(view->state));
    tft_text_puts(out, ", \"state_since\": ");
    json_put_time_s(out, view->state == TFT_STATE_NONE ? INT64_MIN : view_state_since(srv, view));
    tft_text_puts(out, ", \"first_seen\": ");
    json_put_time_s(out, view->first_seen_ms);
    tft_text_puts(out, ", \"last_seen\": ");
    json_put_time_s(out, view->last_seen_ms);
    tft_text_printf(out, ", \"records\": %llu, \"history_steps\": %zu, \"ready\": %s, \"stale\": %s, \"model_type\": ",
                    (unsigned long long)view->records, view->forecast != NULL ? view->forecast->history_steps : 0,
                    view->ready ? "true" : "false", view->stale ? "true" : "false");
    json_put_string(out, view->forecast != NULL ? snapshot_model_type_name(view->forecast->model_type) : NULL);
    tft_text_puts(out, ", \"current\": ");
    view_put_current(out, srv, view);
    tft_text_puts(out, ", \"incident_probability\": ");
    view_put_probabilities(out, view->forecast != NULL ? view->forecast->incident_probability : NULL);
    tft_text_puts(out, ", \"risk\": ");
    view_put_risk(out, srv, s, view);
}

/* Alerts of the server that are not over, as far as a line in its own page needs them. */
static void put_open_alerts(const server *srv, const forecast_snapshot *s, const server_view *view, tft_text *out)
{
    bool first = true;
    tft_text_puts(out, "[");
    for (size_t i = 0; i < s->n_alerts; i++) {
        const alert *const a = &s->alerts[i];
        if (a->server != view->id)
            continue;
        tft_text_printf(out, "%s{\"id\": \"%s\", \"kind\": \"%s\", \"metric\": ", first ? "" : ", ", a->id,
                        alert_kind_name(a->kind));
        json_put_string(out, a->metric != ALERT_METRICS ? srv->contract.metrics[a->metric].name : NULL);
        tft_text_printf(out, ", \"severity\": \"%s\", \"status\": \"%s\", \"predicted_value\": ",
                        alert_severity_name(a->severity), alert_status_name(a->status));
        tft_text_json_fixed(out, a->predicted_value, 3);
        tft_text_puts(out, ", \"threshold\": ");
        tft_text_json_number(out, a->threshold);
        tft_text_puts(out, ", \"expected_at\": ");
        if (a->expected_at_ms != ALERT_NEVER)
            json_put_time_s(out, a->expected_at_ms);
        else
            tft_text_puts(out, "null");
        tft_text_puts(out, ", \"since\": ");
        if (a->since_ms != ALERT_NEVER)
            json_put_time_ms(out, a->since_ms);
        else
            tft_text_puts(out, "null");
        tft_text_puts(out, "}");
        first = false;
    }
    tft_text_puts(out, "]");
}

static void route_server(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    server_view view;
    if (view_named(srv, s, request, reply, &view)) {
        put_server(srv, s, &view, &reply->text);
        tft_text_puts(&reply->text, ", \"open_alerts\": ");
        put_open_alerts(srv, s, &view, &reply->text);
        tft_text_puts(&reply->text, "}");
        http_reply_field(reply, "Cache-Control", "no-cache");
    }
    engine_release(srv->engine, s);
}

/* ---- changing and forgetting --------------------------------------------------------------------------- */

static void reply_store_failure(tft_status status, const char *name, const char *why, http_reply *reply)
{
    if (status == TFT_ERR_NOT_FOUND) {
        http_reply_problem(reply, 404, "unknown-server", "Unknown server", "No server named '%s'", name);
        return;
    }
    http_reply_problem(reply, 503, "store-unavailable", "Store unavailable", "%s, nothing was changed, try again", why);
    http_reply_field(reply, "Retry-After", "5");
}

/* What the body wants; false after a problem. labels' text goes to `text`. */
static bool read_change(const tft_json *body, http_reply *reply, store_change *change, tft_text *text)
{
    const char *why = NULL;
    size_t n = 0;
    bool decommission = false;
    *change = (store_change){.profile = -1, .state = -1};
    const tft_json *const profile = tft_json_at(body, "profile"), *const given = tft_json_at(body, "decommissioned");
    if (profile != NULL) {
        const char *const word = tft_json_string(profile, &n);
        change->profile = word != NULL ? tft_profile_find(word, n) : -1;
        if (change->profile < 0)
            return api_invalid(reply, "profile", "must be one of the profiles of /api/v1/contract");
    }
    if (given != NULL && (!tft_json_bool(given, &decommission) || !decommission))
        return api_invalid(reply, "decommissioned", "must be true: a server comes back by its next record");
    change->state = decommission ? (int)TFT_STATE_MAINTENANCE : -1;
    change->set_labels = tft_json_kind_at(body, "labels") != TFT_JSON_ABSENT;
    if (tft_json_kind_at(body, "labels") == TFT_JSON_NULL)
        return true; // takes them away
    if (change->set_labels && !labels_read(tft_json_at(body, "labels"), text, &why))
        return api_invalid(reply, "labels", "%s", why);
    change->labels = change->set_labels ? text->bytes : NULL;
    if (change->profile < 0 && !decommission && !change->set_labels)
        return api_invalid(reply, "body", "names nothing to change: profile, labels, decommissioned");
    return true;
}

static void tell_server(server *srv, const char *name, const char *change)
{
    tft_text text = tft_text_new(EVENTS_MAX_BYTES);
    tft_text_puts(&text, "{\"server_name\": ");
    json_put_string(&text, name);
    tft_text_printf(&text, ", \"change\": \"%s\"}", change);
    if (!text.failed)
        events_publish(srv->events, EVENT_SERVER, name, text.bytes);
    tft_text_free(&text);
}

static void route_change(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    const char *const name = http_param(request, "name");
    tft_json_document document = {0};
    tft_text text = tft_text_new(65536);
    store_change change;
    tft_error err = {0};
    if (!api_read_object(request, reply, &document))
        return;
    if (!read_change(document.root, reply, &change, &text))
        goto done;
    if (!sleep_wake_named(srv, name, strlen(name))) {
        http_reply_problem(reply, 409, "conflict", "Conflict", "'%s' sleeps, and all places of servers.max are taken",
                           name);
        goto done;
    }
    const tft_status status = store_change_server(srv->store, name, strlen(name), &change, &err);
    const size_t id = fleet_find(srv->fleet, name, strlen(name));
    if (status != TFT_OK || id == FLEET_NO_SERVER) {
        reply_store_failure(status != TFT_OK ? status : TFT_ERR_NOT_FOUND, name, err.text, reply);
        goto done;
    }
    if (change.set_labels)
        labels_set(&srv->labels, id, change.labels);
    fleet_change(srv->fleet, id, change.profile, change.state >= 0 ? (tft_state)change.state : TFT_STATE_NONE);
    engine_notify(srv->engine);
    tell_server(srv, name, "changed");
    server_view view;
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    if (view_now(srv, id, request->received_ms, &view)) { // of the fleet: the snapshot does not know of the change yet
        put_server(srv, s, &view, &reply->text);
        tft_text_puts(&reply->text, "}");
    }
    engine_release(srv->engine, s);

done:
    tft_text_free(&text);
    tft_json_free(&document);
}

static void route_forget(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    const char *const name = http_param(request, "name");
    tft_error err = {0};
    size_t n_records = 0;
    pthread_rwlock_wrlock(&srv->forget_lock);
    const size_t id = fleet_find(srv->fleet, name, strlen(name));
    const tft_status status = id == FLEET_NO_SERVER
                                  ? TFT_ERR_NOT_FOUND
                                  : store_forget_server(srv->store, name, strlen(name), &n_records, &err);
    if (status == TFT_OK) {
        fleet_forget(srv->fleet, id, n_records);
        store_set_max_servers(srv->store, fleet_most_ids(srv->fleet));
    }
    pthread_rwlock_unlock(&srv->forget_lock);
    if (status != TFT_OK) {
        reply_store_failure(status, name, err.text, reply);
        return;
    }
    labels_set(&srv->labels, id, NULL);
    log_line(srv->log, LOG_TAG_INFO, "Forgot server %s with %zu raw records (%s from %s)", name, n_records,
             request->key_name[0] != '\0' ? request->key_name : "no key", request->peer);
    engine_notify(srv->engine);
    tell_server(srv, name, "forgotten");
    reply->status = 204;
}

/* ---- the list ------------------------------------------------------------------------------------------ */

typedef enum sort_key { SORT_NAME, SORT_RISK, SORT_INCIDENT, SORT_LAST_SEEN, N_SORTS } sort_key;
static const char *const sort_words[N_SORTS] = {"name", "risk", "incident_8h", "last_seen"};

static double key_of(const server_view *view, sort_key sort)
{
    switch (sort) {
    case SORT_RISK:
        return view->forecast != NULL ? view->forecast->risk.score : -1;
    case SORT_INCIDENT:
        return view->forecast != NULL ? view->forecast->incident_probability[SNAPSHOT_N_HORIZONS - 1] : -1;
    case SORT_LAST_SEEN:
        return (double)view->last_seen_ms;
    case SORT_NAME:
    case N_SORTS:
    default:
        return 0;
    }
}

typedef struct list_filter {
    uint32_t profiles, states, priorities; // bit sets; all ones where not asked for
    bool has_stale, stale;
    const char *part; // q
    size_t sort;
} list_filter;

static bool take_profile(void *context, const char *item, size_t n)
{
    const int found = tft_profile_find(item, n);
    if (found >= 0)
        *(uint32_t *)context |= 1u << found;
    return found >= 0;
}

static bool take_state(void *context, const char *item, size_t n)
{
    const int found = tft_state_find(item, n);
    if (found >= 0)
        *(uint32_t *)context |= 1u << found;
    return found >= 0;
}

static bool take_priority(void *context, const char *item, size_t n)
{
    const bool known = n == 2 && item[0] == 'P' && item[1] >= '1' && item[1] <= '4';
    if (known)
        *(uint32_t *)context |= 1u << (item[1] - '0');
    return known;
}

static bool read_filter(const http_request *request, http_reply *reply, list_filter *f)
{
    *f = (list_filter){.sort = SORT_NAME, .part = http_query(request, "q")};
    f->has_stale = http_query(request, "stale") != NULL;
    if (!api_each_item(request, reply, "profile", "profiles by commas", take_profile, &f->profiles) ||
        !api_each_item(request, reply, "state", "states by commas", take_state, &f->states) ||
        !api_each_item(request, reply, "priority", "P1 to P4 by commas", take_priority, &f->priorities) ||
        !api_read_bool(request, reply, "stale", &f->stale) ||
        !api_read_word(request, reply, "sort", sort_words, N_SORTS, &f->sort))
        return false;
    f->profiles = f->profiles != 0 ? f->profiles : UINT32_MAX;
    f->states = f->states != 0 ? f->states : UINT32_MAX;
    f->priorities = f->priorities != 0 ? f->priorities : UINT32_MAX;
    return true;
}

static bool wanted(const list_filter *f, const server_view *view)
{
    const unsigned priority = view->forecast != NULL ? view->forecast->risk.priority : 0;
    return (f->profiles & 1u << view->profile) != 0 && (f->states & 1u << view->state) != 0 &&
           (f->priorities == UINT32_MAX || (f->priorities & 1u << priority) != 0) &&
           (!f->has_stale || f->stale == view->stale) && (f->part == NULL || strstr(view->name, f->part) != NULL);
}

/* A cursor's place is "<sort>:<key>:<name>". */
static bool read_place(const http_request *request, http_reply *reply, const api_paging *paging, size_t sort,
                       view_place *out)
{
    char *end = NULL;
    const char *const colon = strchr(paging->place, ':');
    const size_t n = colon != NULL ? (size_t)(colon - paging->place) : 0;
    if (colon != NULL && strlen(sort_words[sort]) == n && memcmp(sort_words[sort], paging->place, n) == 0)
        out->key = strtod(colon + 1, &end);
    if (end == NULL || *end != ':' || isnan(out->key))
        return api_bad_parameter(request, reply, "cursor", "next_cursor of the page before, with the same sort");
    out->name = end + 1;
    out->n = strlen(out->name);
    return true;
}

static size_t collect(const server *srv, const forecast_snapshot *s, const http_request *request, const list_filter *f,
                      view_place *out, size_t n)
{
    size_t found = 0;
    for (size_t id = 0; id < n; id++) {
        server_view view;
        if (view_of(srv, s, id, request->received_ms, &view) && wanted(f, &view))
            out[found++] = (view_place){key_of(&view, (sort_key)f->sort), view.name, view.name_length, id};
    }
    qsort(out, found, sizeof *out, view_compare_places);
    return found;
}

static void put_page(server *srv, const forecast_snapshot *s, const http_request *request, const api_paging *paging,
                     const list_filter *f, const view_place *places, size_t n, size_t from, tft_text *out)
{
    const size_t to = n - from > paging->limit ? from + paging->limit : n;
    tft_text_printf(out, "{\"total\": %zu, \"items\": [", n);
    bool first = true;
    for (size_t i = from; i < to; i++) {
        server_view view;
        if (!view_of(srv, s, places[i].id, request->received_ms, &view))
            continue; // forgotten a moment ago
        tft_text_puts(out, first ? "" : ", ");
        put_server(srv, s, &view, out);
        tft_text_puts(out, "}");
        first = false;
    }
    char cursor[API_CURSOR_MAX];
    if (to < n && to > from)
        snprintf(cursor, sizeof cursor, "%s:%.17g:%s", sort_words[f->sort], places[to - 1].key, places[to - 1].name);
    const bool more = to < n && to > from;
    api_put_list_end(out, more ? cursor : NULL, more ? strlen(cursor) : 0);
}

static void route_servers(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    api_paging paging;
    list_filter filter;
    view_place after = {0};
    if (!api_read_paging(request, reply, &paging) || !read_filter(request, reply, &filter) ||
        (paging.has_cursor && !read_place(request, reply, &paging, filter.sort, &after)))
        return;
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    const size_t n_servers = views_count(srv, s);
    view_place *const places = calloc(n_servers > 0 ? n_servers : 1, sizeof *places);
    if (places == NULL) {
        http_reply_problem(reply, 503, "overloaded", "Overloaded", "no memory for a list of %zu servers", n_servers);
        http_reply_field(reply, "Retry-After", "5");
    } else {
        const size_t n = collect(srv, s, request, &filter, places, n_servers);
        size_t from = 0;
        while (paging.has_cursor && from < n && view_compare_places(&places[from], &after) <= 0)
            from++;
        put_page(srv, s, request, &paging, &filter, places, n, from, &reply->text);
        http_reply_field(reply, "Cache-Control", "no-cache");
    }
    free(places);
    engine_release(srv->engine, s);
}

/* ---- the contract -------------------------------------------------------------------------------------- */

static void put_bound(tft_text *out, double bound)
{
    if (isfinite(bound))
        tft_text_json_number(out, bound);
    else
        tft_text_puts(out, "null");
}

static void route_contract(void *context, const http_request *request, http_reply *reply)
{
    const server *const srv = context;
    const live_settings *const now = live_hold(srv->live);
    const tft_contract *const c = &now->contract;
    tft_text *const out = &reply->text;
    (void)request;
    tft_text_puts(out, "{\"version\": ");
    json_put_string(out, c->version);
    tft_text_printf(out,
                    ", \"step_seconds\": %lld, \"context_steps\": %zu, \"horizon_steps\": %zu, \"memory_steps\": %zu",
                    (long long)(c->step_ms / 1000), c->context, c->horizon, c->memory);
    tft_text_puts(out, ", \"metrics\": [");
    for (size_t m = 0; m < c->n_metrics; m++) {
        const tft_metric *const metric = &c->metrics[m];
        tft_text_puts(out, m > 0 ? ", {\"name\": " : "{\"name\": ");
        json_put_string(out, metric->name);
        tft_text_puts(out, ", \"legacy_name\": ");
        json_put_string(out, metric->legacy_name[0] != '\0' ? metric->legacy_name : NULL);
        tft_text_puts(out, ", \"unit\": ");
        json_put_string(out, metric->unit);
        tft_text_puts(out, ", \"min\": ");
        put_bound(out, metric->min);
        tft_text_puts(out, ", \"max\": ");
        put_bound(out, metric->max);
        tft_text_printf(out, ", \"role\": \"%s\", \"missing_allowed\": true}", metric->target ? "target" : "observed");
    }
    tft_text_puts(out, "], \"states\": [");
    for (int state = 1; state < TFT_N_STATES; state++)
        tft_text_printf(out, "%s\"%s\"", state > 1 ? ", " : "", tft_state_name((tft_state)state));
    tft_text_puts(out, "], \"profiles\": [");
    for (int profile = 0; profile < TFT_N_PROFILES; profile++)
        tft_text_printf(out, "%s\"%s\"", profile > 0 ? ", " : "", tft_profile_name((tft_profile)profile));
    tft_text_puts(out, "]}");
    http_reply_field(reply, "Cache-Control", "no-cache");
    live_drop(now);
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

static const http_parameter of_list[] = {{"profile", API_STRING, "Profiles, by commas", NULL, false},
                                         {"state", API_STRING, "States, by commas", NULL, false},
                                         {"priority", API_STRING, "P1 to P4, by commas", NULL, false},
                                         {"stale", API_BOOL, "Only servers that are, or are not, stale", NULL, false},
                                         {"q", API_STRING, "Part of the name", NULL, false},
                                         {"sort",
                                          "{\"type\": \"string\", \"enum\": [\"name\", \"risk\", \"incident_8h\", "
                                          "\"last_seen\"], \"default\": \"name\"}",
                                          "By name, or the largest first", NULL, false},
                                         API_PAGING,
                                         {0}};
static const http_parameter of_server[] = {{"name", API_NAME, "Name of the server", "ppdb001", true}, {0}};

static const http_parameter of_forgotten[] = {{"name", API_NAME, "Name of the server", "ppgone001", true}, {0}};

const http_route routes_servers[] = {{.path = "/api/v1/servers",
                                      .method = HTTP_GET,
                                      .role = ROLE_READ,
                                      .handler = route_servers,
                                      .parameters = of_list,
                                      .tag = "Servers",
                                      .summary = "Servers, filtered, sorted, in pages",
                                      .reply = "Servers",
                                      .statuses = "200"},
                                     {.path = "/api/v1/servers/{name}",
                                      .method = HTTP_GET,
                                      .role = ROLE_READ,
                                      .handler = route_server,
                                      .parameters = of_server,
                                      .tag = "Servers",
                                      .summary = "One server: identity, newest values, risk, incidents, open alerts",
                                      .reply = "ServerDetail",
                                      .statuses = "200 404"},
                                     {.path = "/api/v1/servers/{name}",
                                      .method = HTTP_PATCH,
                                      .role = ROLE_WRITE,
                                      .handler = route_change,
                                      .parameters = of_server,
                                      .tag = "Servers",
                                      .summary = "Change profile or labels, or decommission: then it counts as in "
                                                 "maintenance until its next record",
                                      .takes = "application/json",
                                      .body = "ServerChange",
                                      .example = "{\"profile\": \"database\", \"labels\": {\"team\": \"payments\"}}",
                                      .reply = "Server",
                                      .statuses = "200 404 409 422 503"},
                                     {.path = "/api/v1/servers/{name}",
                                      .method = HTTP_DELETE,
                                      .role = ROLE_ADMIN,
                                      .handler = route_forget,
                                      .parameters = of_forgotten,
                                      .tag = "Servers",
                                      .summary = "Forget a server with all its history",
                                      .statuses = "204 404 503"},
                                     {.path = "/api/v1/contract",
                                      .method = HTTP_GET,
                                      .role = ROLE_READ,
                                      .handler = route_contract,
                                      .tag = "Servers",
                                      .summary = "What records hold: metrics of the served model, states, profiles",
                                      .reply = "Contract",
                                      .statuses = "200"},
                                     {0}};
