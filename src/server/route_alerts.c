/* route_alerts.c - GET /alerts/active: the alerts of the newest snapshot that fire. */
#include "base/clock.h"
#include "server/render.h"
#include "server/server.h"

void route_alerts(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    char stamp[TFT_TIME_TEXT];
    tft_time_format_ms(s->sufficient ? s->wall_ms : request->received_ms, stamp);
    tft_text_printf(&reply->text, "{\"timestamp\": \"%s\", \"count\": %zu, \"alerts\": ", stamp, s->n_firing);
    render_alerts(s, &reply->text);
    engine_release(srv->engine, s);
    tft_text_puts(&reply->text, "}");
    http_reply_field(reply, "Cache-Control", "no-cache");
}
