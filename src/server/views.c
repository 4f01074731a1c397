/* views.c - see views.h. */
#include "server/views.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "server/api.h"
#include "server/render.h"

size_t views_count(const server *srv, const forecast_snapshot *s)
{
    const size_t n = fleet_size(srv->fleet);
    return n > s->n_servers ? n : s->n_servers;
}

static bool view_of_snapshot(const forecast_snapshot *s, size_t id, server_view *out)
{
    const snapshot_server *const from = &s->servers[id];
    if (from->forgotten)
        return false;
    *out = (server_view){.id = id,
                         .name = from->name,
                         .name_length = from->name_length,
                         .profile = from->profile,
                         .state = from->state,
                         .stale = from->stale,
                         .ready = from->ready,
                         .first_seen_ms = from->first_seen_ms,
                         .last_seen_ms = from->last_seen_ms,
                         .records = from->records,
                         .forecast = from};
    memcpy(out->current, from->current, s->n_metrics * sizeof out->current[0]);
    return true;
}

bool view_now(const server *srv, size_t id, int64_t wall_ms, server_view *out)
{
    const fleet_clock clock = fleet_now(srv->fleet, wall_ms);
    fleet_read_lock(srv->fleet);
    const fleet_options *const how = fleet_settings(srv->fleet);
    const fleet_server *const from = fleet_at(srv->fleet, id);
    const bool there = !from->forgotten;
    if (there) {
        *out = (server_view){.id = id,
                             .name = from->name,
                             .name_length = from->name_length,
                             .profile = from->profile,
                             .state = fleet_state(srv->fleet, from, &clock, NULL),
                             .stale = from->last_seen_ms == INT64_MIN ||
                                      clock.now_ms - from->last_seen_ms > how->stale_after_ms,
                             .ready = from->records >= how->warmup_records,
                             .first_seen_ms = from->first_seen_ms,
                             .last_seen_ms = from->last_seen_ms,
                             .records = from->records};
        memcpy(out->current, from->newest, srv->contract.n_metrics * sizeof out->current[0]);
    }
    fleet_read_unlock(srv->fleet);
    return there;
}

bool view_of(const server *srv, const forecast_snapshot *s, size_t id, int64_t wall_ms, server_view *out)
{
    return id < s->n_servers ? view_of_snapshot(s, id, out) : view_now(srv, id, wall_ms, out);
}

bool view_named(const server *srv, const forecast_snapshot *s, const http_request *request, http_reply *reply,
                server_view *out)
{
    const char *const name = http_param(request, "name");
    const size_t id = fleet_find(srv->fleet, name, strlen(name));
    if (id != FLEET_NO_SERVER && view_of(srv, s, id, request->received_ms, out) && out->name_length == strlen(name) &&
        memcmp(out->name, name, out->name_length) == 0)
        return true;
    http_reply_problem(reply, 404, "unknown-server", "Unknown server", "No server named '%s'", name);
    return false;
}

size_t view_server_asked(const server *srv, const http_request *request, http_reply *reply)
{
    const char *const name = http_query(request, "server");
    if (name == NULL || name[0] == '\0') {
        api_bad_parameter(request, reply, "server", "the name of a server");
        return FLEET_NO_SERVER;
    }
    const size_t id = fleet_find(srv->fleet, name, strlen(name));
    if (id == FLEET_NO_SERVER)
        http_reply_problem(reply, 404, "unknown-server", "Unknown server", "No server named '%s'", name);
    return id;
}

void view_reply_unreadable(const server *srv, http_reply *reply, const tft_error *why)
{
    log_line(srv->log, LOG_TAG_ERROR, "The history cannot be read: %s", why->text);
    http_reply_problem(reply, 503, "store-unavailable", "Store unavailable", "The history cannot be read now");
    http_reply_field(reply, "Retry-After", "5");
}

const forecast_snapshot *views_acquire(server *srv, http_reply *reply)
{
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    if (s->sufficient)
        return s;
    const uint64_t have = s->records_total;
    engine_release(srv->engine, s);
    http_reply_problem(reply, 503, "no-forecast", "No forecast yet",
                       "The first forecast needs %zu records, there are %llu", srv->options.min_records,
                       (unsigned long long)have);
    http_reply_field(reply, "Retry-After", "5");
    return NULL;
}

int view_compare_places(const void *a, const void *b)
{
    const view_place *const x = a, *const y = b;
    if (x->key != y->key)
        return x->key > y->key ? -1 : 1;
    const int order = memcmp(x->name, y->name, x->n < y->n ? x->n : y->n);
    return order != 0 ? order : x->n < y->n ? -1 : x->n > y->n;
}

/* Start of the newest run of steps in this state; steps without records belong to the state around them. False where the
 * run may have begun before the series. */
static bool find_begin(const server *srv, const tft_series *series, tft_state state, int64_t *since)
{
    for (size_t i = series->n_steps; i > 0; i--) {
        if (series->counts[i - 1] == 0)
            continue;
        if (tft_series_state(series, &srv->contract, i - 1) != state)
            return true;
        *since = (series->first_step + (int64_t)i - 1) * srv->contract.step_ms;
    }
    return false;
}

int64_t view_state_since(const server *srv, const server_view *view)
{
    int64_t since = INT64_MIN;
    fleet_read_lock(srv->fleet);
    const fleet_server *const from = fleet_at(srv->fleet, view->id);
    const int64_t newest = from->history.any ? from->history.last_step : 0;
    // an offline that nobody sent began with the silence
    const bool silent = view->state == TFT_STATE_OFFLINE && from->sent_state != TFT_STATE_OFFLINE;
    fleet_read_unlock(srv->fleet);
    tft_series series;
    tft_series_init(&series, srv->contract.n_metrics, 0);
    // most states are young: the whole history is unpacked only where the newest steps do not tell
    if (!silent &&
        fleet_copy_steps(srv->fleet, view->id, newest - TFT_STEP_BLOCK, newest + TFT_STEP_BLOCK, &series, NULL) ==
            TFT_OK &&
        !find_begin(srv, &series, view->state, &since) &&
        fleet_copy_steps(srv->fleet, view->id, INT64_MIN, INT64_MAX, &series, NULL) == TFT_OK)
        find_begin(srv, &series, view->state, &since);
    tft_series_free(&series);
    return since == INT64_MIN ? view->last_seen_ms : since < view->first_seen_ms ? view->first_seen_ms : since;
}

void view_server_id(const server_view *view, char out[16])
{
    unsigned char digest[TFT_SHA256_BYTES] = {0};
    tft_sha256(view->name, view->name_length, digest, NULL);
    const uint32_t number =
        (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | (uint32_t)digest[3];
    snprintf(out, 16, "%u", (unsigned)(number % 1000000));
}

void view_forecast_id(const forecast_snapshot *s, char out[VIEW_FORECAST_ID])
{
    char stamp[TFT_TIME_TEXT];
    tft_time_format_s(s->wall_ms, stamp); // 2025-10-13T16:31:10Z
    snprintf(out, VIEW_FORECAST_ID, "f-%.4s%.2s%.2sT%.2s%.2s%.2sZ-%06llu", stamp, stamp + 5, stamp + 8, stamp + 11,
             stamp + 14, stamp + 17, (unsigned long long)s->sequence);
}

void view_put_forecast_times(const forecast_snapshot *s, tft_text *out)
{
    char id[VIEW_FORECAST_ID];
    view_forecast_id(s, id);
    tft_text_printf(out, "\"forecast_id\": \"%s\", \"origin\": ", id);
    json_put_time_s(out, s->origin_ms);
    tft_text_puts(out, ", \"finished_at\": ");
    json_put_time_ms(out, s->wall_ms);
}

void view_put_forecast_head(const forecast_snapshot *s, tft_text *out)
{
    view_put_forecast_times(s, out);
    tft_text_puts(out, ", \"model\": ");
    json_put_string(out, s->model_name);
}

/* ---- pieces of JSON ------------------------------------------------------------------------------------ */

typedef struct driver {
    const char *kind;
    double part;
    int metric; // −1 = none
    int64_t when_ms;
} driver;

/* What the score is made of, the largest part first. */
static size_t find_drivers(const server *srv, const forecast_snapshot *s, const server_view *view, driver out[4])
{
    const risk_score *const r = &view->forecast->risk;
    const int64_t now = s->clock.now_ms;
    const driver all[4] = {
        {"current", r->now_metric_part, r->now_metric, now},
        {"state", r->now_state_part, -1, now},
        {"incident", r->incident_part, -1, now + srv->incident_horizon_ms},
        {"forecast", r->soon_metric_part, r->soon_metric, snapshot_time_ms(s, r->soon_step)},
    };
    size_t n = 0;
    for (size_t i = 0; i < 4; i++) {
        if (!(all[i].part > 0))
            continue;
        size_t at = n++;
        for (; at > 0 && out[at - 1].part < all[i].part; at--)
            out[at] = out[at - 1];
        out[at] = all[i];
    }
    return n;
}

void view_put_risk_members(tft_text *out, const server *srv, const forecast_snapshot *s, const server_view *view)
{
    const risk_score *const r = &view->forecast->risk;
    tft_text_puts(out, "\"score\": ");
    render_fixed(out, r->score, 1);
    tft_text_puts(out, ", \"now\": ");
    render_fixed(out, fmin(fmax(r->now, 0), 100), 1);
    tft_text_puts(out, ", \"soon\": ");
    render_fixed(out, fmin(fmax(r->soon, 0), 100), 1);
    tft_text_printf(out, ", \"band\": \"%s\", \"priority\": \"P%u\", \"drivers\": [", risk_band_name(r->band),
                    r->priority);
    driver drivers[4];
    const size_t n = find_drivers(srv, s, view, drivers);
    for (size_t i = 0; i < n; i++) {
        tft_text_printf(out, "%s{\"kind\": \"%s\", \"part\": ", i > 0 ? ", " : "", drivers[i].kind);
        render_fixed(out, drivers[i].part, 1);
        if (drivers[i].metric >= 0) {
            tft_text_puts(out, ", \"metric\": ");
            json_put_string(out, srv->contract.metrics[drivers[i].metric].name);
        }
        tft_text_puts(out, ", \"when\": ");
        json_put_time_s(out, drivers[i].when_ms);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "]");
}

void view_put_risk(tft_text *out, const server *srv, const forecast_snapshot *s, const server_view *view)
{
    if (view->forecast == NULL) {
        tft_text_puts(out, "null");
        return;
    }
    tft_text_puts(out, "{");
    view_put_risk_members(out, srv, s, view);
    tft_text_puts(out, "}");
}

void view_put_probabilities(tft_text *out, const double *probabilities)
{
    if (probabilities == NULL) {
        tft_text_puts(out, "null");
        return;
    }
    for (size_t h = 0; h < SNAPSHOT_N_HORIZONS; h++) {
        tft_text_printf(out, "%s\"%s\": ", h > 0 ? ", " : "{", snapshot_horizon_names[h]);
        render_fixed(out, probabilities[h], 6);
    }
    tft_text_puts(out, "}");
}

void view_put_current(tft_text *out, const server *srv, const server_view *view)
{
    tft_text_puts(out, "{");
    for (size_t m = 0; m < srv->contract.n_metrics; m++) {
        tft_text_puts(out, m > 0 ? ", " : "");
        json_put_string(out, srv->contract.metrics[m].name);
        tft_text_puts(out, ": ");
        tft_text_json_number(out, view->current[m]);
    }
    tft_text_puts(out, "}");
}
