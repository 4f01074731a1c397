/* render.c - see render.h. The body of 20 servers holds 54 000 numbers, so they are written without printf. */
#include "server/render.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define MAX_HORIZON_TEXT 65536

void render_fixed(tft_text *out, double value, int decimals)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    const double scaled = value * powers[decimals];
    if (!(fabs(scaled) < 9e15)) { // too large for exact integers, or not finite
        tft_text_json_fixed(out, value, decimals);
        return;
    }
    int64_t rest = llround(scaled);
    char text[32];
    char *at = text + sizeof text;
    const bool negative = rest < 0;
    rest = negative ? -rest : rest;
    int places = decimals;
    while (places > 0 && rest % 10 == 0) { // trailing zeros
        rest /= 10;
        places--;
    }
    for (int i = 0; i < places; i++) {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (places > 0)
        *--at = '.';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (negative)
        *--at = '-';
    tft_text_add(out, at, (size_t)(text + sizeof text - at));
}

render_filter render_everything(const forecast_snapshot *snapshot)
{
    return (render_filter){
        .metrics = UINT32_MAX,
        .quantiles = (1u << FORECAST_N_QUANTILES) - 1,
        .horizon_steps = snapshot->horizon,
    };
}

static bool wants_server(const render_filter *filter, const snapshot_server *server)
{
    const char *list = filter->servers;
    while (list != NULL) {
        const size_t n = strcspn(list, ",");
        if (n == server->name_length && memcmp(list, server->name, n) == 0)
            return true;
        list = list[n] == ',' ? list + n + 1 : NULL;
    }
    return filter->servers == NULL;
}

static const char *key_of(const tft_metric *metric, bool contract_names)
{
    return contract_names || metric->legacy_name[0] == '\0' ? metric->name : metric->legacy_name;
}

static void put_string(tft_text *out, const char *text)
{
    tft_text_json_string(out, text, strlen(text));
}

static void put_time_s(tft_text *out, int64_t ms)
{
    char text[TFT_TIME_TEXT];
    tft_time_format_s(ms, text);
    tft_text_printf(out, "\"%s\"", text);
}

static void put_time_ms(tft_text *out, int64_t ms)
{
    char text[TFT_TIME_TEXT];
    tft_time_format_ms(ms, text);
    tft_text_printf(out, "\"%s\"", text);
}

int render_decimals(const float *rows, size_t n)
{
    float largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fabsf(rows[i]) > largest ? fabsf(rows[i]) : largest;
    static const float bounds[] = {0.1f, 1, 10, 100, 1000};
    int decimals = 6;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0] && largest >= bounds[i]; i++)
        decimals--;
    return decimals;
}

/* The stamps of the horizon, the same for every server and metric: written once per page. */
static void make_timestamps(const forecast_snapshot *s, size_t n, tft_text *out)
{
    tft_text_puts(out, "[");
    for (size_t i = 0; i < n; i++) {
        tft_text_puts(out, i > 0 ? ", " : "");
        put_time_s(out, snapshot_time_ms(s, i));
    }
    tft_text_puts(out, "]");
}

static void put_metric(const forecast_snapshot *s, const render_filter *filter, size_t server, size_t m,
                       const tft_text *stamps, const float *rows, tft_text *out)
{
    const tft_metric *const metric = &s->contract->metrics[m];
    const snapshot_server *const from = &s->servers[server];
    tft_text_puts(out, ", ");
    put_string(out, key_of(metric, filter->contract_names));
    tft_text_puts(out, ": {\"metric\": ");
    put_string(out, metric->name);
    tft_text_puts(out, ", \"unit\": ");
    put_string(out, metric->unit);
    tft_text_puts(out, ", \"current\": ");
    tft_text_json_number(out, from->current[m]);
    tft_text_puts(out, ", \"trend\": ");
    if (isfinite(from->trend[m]))
        render_fixed(out, from->trend[m], 6);
    else
        tft_text_puts(out, "null");
    tft_text_puts(out, ", \"timestamps\": ");
    tft_text_add(out, stamps->bytes, stamps->n);
    const int decimals = render_decimals(rows, FORECAST_N_QUANTILES * s->horizon);
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
        if ((filter->quantiles & (1u << q)) == 0)
            continue;
        tft_text_printf(out, ", \"%s\": [", forecast_level_names[q]);
        for (size_t i = 0; i < filter->horizon_steps; i++) {
            if (i > 0)
                tft_text_add(out, ", ", 2);
            render_fixed(out, (double)rows[q * s->horizon + i], decimals);
        }
        tft_text_puts(out, "]");
    }
    tft_text_puts(out, "}");
}

static void put_server(const forecast_snapshot *s, const render_filter *filter, size_t i, const render_room *room,
                       tft_text *out)
{
    const snapshot_server *const server = &s->servers[i];
    tft_text_json_string(out, server->name, server->name_length);
    tft_text_puts(out, ": {\"profile\": ");
    put_string(out, tft_profile_name(server->profile));
    tft_text_puts(out, ", \"state\": ");
    put_string(out, tft_state_name(server->state));
    tft_text_printf(out, ", \"model_type\": \"%s\", \"last_seen\": ", snapshot_model_type_name(server->model_type));
    put_time_s(out, server->last_seen_ms);
    tft_text_printf(out, ", \"stale\": %s, \"records\": %llu, \"history_steps\": %zu, \"risk_score\": ",
                    server->stale ? "true" : "false", (unsigned long long)server->records, server->history_steps);
    render_fixed(out, server->risk.score, 1);
    tft_text_printf(out, ", \"priority\": \"P%u\", \"incident_probability\": {", server->risk.priority);
    for (size_t h = 0; h < SNAPSHOT_N_HORIZONS; h++) {
        tft_text_printf(out, "%s\"%s\": ", h > 0 ? ", " : "", snapshot_horizon_names[h]);
        render_fixed(out, server->incident_probability[h], 6);
    }
    tft_text_puts(out, "}");
    for (size_t m = 0; m < s->n_targets; m++) {
        const float *const rows = (filter->metrics & (1u << m)) != 0 ? snapshot_rows(s, i, m, room->rows) : NULL;
        if (rows != NULL)
            put_metric(s, filter, i, m, &room->stamps, rows, out);
    }
    tft_text_puts(out, "}");
}

void render_alerts(const forecast_snapshot *s, tft_text *out)
{
    tft_text_puts(out, "[");
    for (size_t k = 0; k < s->n_firing; k++) {
        const alert *const a = &s->alerts[s->alert_order[k]];
        const tft_metric *const metric = &s->contract->metrics[a->metric];
        const snapshot_server *const server = &s->servers[a->server];
        const char *const key = key_of(metric, false);
        tft_text_printf(out, "%s{\"id\": \"%s\", \"server\": ", k > 0 ? ", " : "", a->id);
        tft_text_json_string(out, server->name, server->name_length);
        tft_text_puts(out, ", \"metric\": ");
        put_string(out, key);
        tft_text_puts(out, ", \"metric_name\": ");
        put_string(out, metric->name);
        tft_text_puts(out, ", \"unit\": ");
        put_string(out, metric->unit);
        tft_text_printf(out, ", \"severity\": \"%s\", \"predicted_value\": ",
                        a->severity == ALERT_CRITICAL ? "critical" : "warning");
        tft_text_json_fixed(out, a->predicted_value, 3);
        tft_text_puts(out, ", \"threshold\": ");
        tft_text_json_number(out, a->threshold);
        tft_text_printf(out, ", \"steps_ahead\": %zu, \"minutes_ahead\": %lld, \"expected_at\": ", a->steps_ahead,
                        (long long)a->minutes_ahead);
        put_time_s(out, a->expected_at_ms);
        tft_text_puts(out, ", \"since\": ");
        put_time_ms(out, a->since_ms);
        tft_text_puts(out, ", \"current\": ");
        tft_text_json_number(out, a->current);
        tft_text_puts(out, ", \"probability\": ");
        tft_text_json_fixed(out, a->probability, 4);
        tft_text_printf(
            out, ", \"acknowledged\": %s, \"silenced\": false, \"message\": ", a->acknowledged ? "true" : "false");
        tft_text message = tft_text_new(1024);
        tft_text_add(&message, server->name, server->name_length);
        tft_text_printf(&message, ": %s predicted to reach %.1f", key, a->predicted_value);
        tft_text_json_string(out, message.bytes != NULL ? message.bytes : "", message.n);
        tft_text_free(&message);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "]");
}

static void put_environment(const forecast_snapshot *s, tft_text *out)
{
    const snapshot_environment *const e = &s->environment;
    tft_text_puts(out, "{");
    for (size_t h = 0; h < SNAPSHOT_N_HORIZONS; h++) {
        tft_text_printf(out, "\"prob_%s\": ", snapshot_horizon_names[h]);
        render_fixed(out, e->prob[h], 6);
        tft_text_puts(out, ", ");
    }
    for (size_t h = 0; h < SNAPSHOT_N_HORIZONS; h += SNAPSHOT_N_HORIZONS - 1) { // the first and the last
        tft_text_printf(out, "\"incident_probability_%s\": ", snapshot_horizon_names[h]);
        render_fixed(out, e->prob[h], 6);
        tft_text_printf(out, ", \"expected_incidents_%s\": ", snapshot_horizon_names[h]);
        render_fixed(out, e->expected[h], 6);
        tft_text_puts(out, ", ");
    }
    tft_text_printf(out, "\"high_risk_servers\": %zu, \"total_servers\": %zu, \"fleet_health\": \"%s\"}",
                    e->high_risk_servers, s->tft_servers + s->heuristic_servers, risk_health_name(e->fleet_health));
}

static void put_metadata(const forecast_snapshot *s, const render_filter *filter, tft_text *out)
{
    tft_text_printf(out, "{\"model_type\": \"%s\", \"tft_servers\": %zu, \"heuristic_servers\": %zu, \"model_dir\": ",
                    snapshot_model_type_name(s->tft_servers > 0 ? SNAPSHOT_TFT : SNAPSHOT_HEURISTIC), s->tft_servers,
                    s->heuristic_servers);
    put_string(out, s->has_model ? s->model_directory : "none");
    tft_text_puts(out, ", \"model\": ");
    put_string(out, s->has_model ? s->model_name : "none");
    tft_text_puts(out, ", \"prediction_time\": ");
    put_time_ms(out, s->wall_ms);
    tft_text_puts(out, ", \"forecast_origin\": ");
    put_time_s(out, s->origin_ms);
    tft_text_puts(out, ", \"first_timestamp\": ");
    put_time_s(out, s->first_ms);
    tft_text_printf(out, ", \"horizon_steps\": %zu, \"step_seconds\": %lld, \"quantiles\": [", filter->horizon_steps,
                    (long long)(s->step_ms / 1000));
    bool first = true;
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
        if ((filter->quantiles & (1u << q)) == 0)
            continue;
        tft_text_puts(out, first ? "" : ", ");
        render_fixed(out, (double)forecast_levels[q], 4);
        first = false;
    }
    tft_text_printf(out, "], \"input_points\": %llu, \"device\": ", (unsigned long long)s->input_points);
    char device[32];
    snprintf(device, sizeof device, s->isa[0] != '\0' ? "cpu:%s%s" : "cpu", s->isa,
             s->precision == TFT_PRECISION_BF16 ? "_bf16" : "");
    put_string(out, device);
    tft_text_printf(out, ", \"clock\": \"%s\", \"data_lag_s\": ", s->clock.data ? "data" : "wall");
    render_fixed(out, 1e-3 * (double)s->clock.data_lag_ms, 3);
    tft_text_puts(out, ", \"forecast_age_s\": ");
}

static bool open_room(const forecast_snapshot *s, const render_filter *filter, render_room *room)
{
    *room = (render_room){.stamps = tft_text_new(MAX_HORIZON_TEXT), .rows = snapshot_rows_new(s)};
    make_timestamps(s, filter->horizon_steps, &room->stamps);
    return room->rows != NULL && !room->stamps.failed;
}

bool render_room_open(const forecast_snapshot *s, render_room *room)
{
    const render_filter everything = render_everything(s);
    return open_room(s, &everything, room);
}

void render_room_close(render_room *room)
{
    tft_text_free(&room->stamps);
    free(room->rows);
}

void render_head(tft_text *out)
{
    tft_text_puts(out, "{\"predictions\": {");
}

void render_server(const forecast_snapshot *s, const render_room *room, size_t server, tft_text *out)
{
    const render_filter everything = render_everything(s);
    put_server(s, &everything, server, room, out);
}

static void put_end(const forecast_snapshot *s, const render_filter *filter, tft_text *out)
{
    tft_text_puts(out, "}, \"alerts\": ");
    render_alerts(s, out);
    tft_text_puts(out, ", \"environment\": ");
    put_environment(s, out);
    tft_text_puts(out, ", \"metadata\": ");
    put_metadata(s, filter, out);
}

void render_end(const forecast_snapshot *s, tft_text *out)
{
    const render_filter everything = render_everything(s);
    put_end(s, &everything, out);
}

void render_predictions(const forecast_snapshot *s, const render_filter *filter, tft_text *out)
{
    render_room room;
    const bool fine = open_room(s, filter, &room);
    render_head(out);
    bool first = true;
    for (size_t i = 0; i < s->n_servers && fine; i++) {
        if (s->servers[i].forgotten || !wants_server(filter, &s->servers[i]))
            continue;
        tft_text_puts(out, first ? "" : ", ");
        put_server(s, filter, i, &room, out);
        first = false;
    }
    put_end(s, filter, out);
    out->failed |= !fine;
    render_room_close(&room);
}

void render_age(double age_s, tft_text *out)
{
    render_fixed(out, age_s > 0 ? age_s : 0, 1);
    tft_text_puts(out, "}}");
}
