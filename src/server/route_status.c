/* route_status.c - GET /status: counters, warm-up, model, age of the newest forecast. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "server/server.h"

static void put_warmup(const fleet_counters *c, bool has_model, tft_text *out)
{
    char message[96];
    if (c->servers_tracked == 0)
        snprintf(message, sizeof message, "Waiting for data...");
    else if (!c->warmup_complete)
        snprintf(message, sizeof message, "Warming up: %zu/%zu servers ready", c->servers_ready, c->servers_tracked);
    else
        snprintf(message, sizeof message,
                 has_model ? "Model ready - using TFT predictions" : "No model loaded - using heuristic predictions");
    tft_text_printf(out,
                    "{\"is_warmed_up\": %s, \"progress_percent\": %u, \"threshold\": %zu, \"current_size\": %zu, "
                    "\"required_size\": %zu, \"message\": \"%s\"}",
                    c->warmup_complete ? "true" : "false", c->progress_percent, c->warmup_records,
                    c->warmup_current_size, c->warmup_records, message);
}

void route_status(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    tft_text *const out = &reply->text;
    const fleet_counters c = fleet_count(srv->fleet, request->received_ms);
    const fleet_saved_totals *const t = &c.totals;
    char model[128], stamp[TFT_TIME_TEXT];
    const bool has_model = engine_model_name(srv->engine, model, sizeof model);
    tft_time_format_ms(srv->started_ms, stamp);

    tft_text_printf(out, "{\"running\": true, \"tick_count\": %llu, \"window_size\": %zu, \"warmup\": ",
                    (unsigned long long)t->tick, t->held);
    put_warmup(&c, has_model, out);
    tft_text_printf(
        out,
        ", \"records_total\": %llu, \"servers_tracked\": %zu, \"servers_ready\": %zu, \"servers_active\": %zu, "
        "\"duplicates_total\": %llu, \"conflicts_total\": %llu, \"filled_total\": %llu, \"late_total\": %llu, "
        "\"rejected_total\": %llu, \"version\": \"%s\", \"uptime_s\": ",
        (unsigned long long)t->records_total, c.servers_tracked, c.servers_ready, c.servers_active,
        (unsigned long long)t->duplicates_total, (unsigned long long)t->conflicts_total,
        (unsigned long long)t->filled_total, (unsigned long long)t->late_total, (unsigned long long)t->rejected_total,
        srv->options.version);
    tft_text_json_fixed(out, tft_monotonic_s() - srv->started_s, 1);
    tft_text_printf(out, ", \"started_at\": \"%s\", \"draining\": %s, \"model\": {\"name\": ", stamp,
                    srv->phase == SERVER_DRAINING ? "true" : "false");
    tft_text_json_string(out, model, strlen(model));
    tft_text_printf(out, ", \"type\": \"%s\", \"contract_version\": \"%s\"}", has_model ? "TFT" : "heuristic",
                    srv->contract.version);

    const forecast_snapshot *const s = engine_acquire(srv->engine);
    const bool made = s->sufficient;
    const int64_t made_ms = s->wall_ms;
    const double age_s = tft_monotonic_s() - s->finished_s;
    engine_release(srv->engine, s);
    if (made) {
        tft_time_format_ms(made_ms, stamp);
        tft_text_printf(out, ", \"last_forecast_at\": \"%s\", \"forecast_age_s\": ", stamp);
        tft_text_json_fixed(out, age_s > 0 ? age_s : 0, 1);
        tft_text_puts(out, "}");
    } else {
        tft_text_puts(out, ", \"last_forecast_at\": null, \"forecast_age_s\": null}");
    }
    http_reply_field(reply, "Cache-Control", "no-store");
}
