/* route_health.c - GET /health: alive and able to store? Reads two atomics; no lock that ingest or forecasting holds. */
#include "server/server.h"

void route_health(void *context, const http_request *request, http_reply *reply)
{
    (void)request;
    const server *const srv = context;
    const char *reason = NULL;
    const char *const unwell = server_unwell(srv, &reason);
    reply->status = unwell == NULL ? 200 : 503;
    tft_text_printf(&reply->text, "{\"status\": \"%s\", \"service\": \"tft_inference_daemon\", \"running\": true",
                    unwell == NULL ? "healthy" : unwell);
    if (reason != NULL)
        tft_text_printf(&reply->text, ", \"reason\": \"%s\"", reason);
    tft_text_puts(&reply->text, "}");
    http_reply_field(reply, "Cache-Control", "no-store");
    if (unwell != NULL)
        http_reply_field(reply, "Retry-After", "5");
}
