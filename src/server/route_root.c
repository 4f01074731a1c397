/* route_root.c - GET /: what this is and where its endpoints are. */
#include "server/server.h"

void route_root(void *context, const http_request *request, http_reply *reply)
{
    (void)request;
    const server *const srv = context;
    const char *reason = NULL;
    const char *const unwell = server_unwell(srv, &reason);
    tft_text_printf(
        &reply->text,
        "{\"service\": \"TFT Inference Daemon\", \"version\": \"%s\", \"status\": \"%s\", \"endpoints\": {"
        "\"health\": \"GET /health\", \"feed\": \"POST /feed/data\", \"predictions\": \"GET /predictions/current\", "
        "\"alerts\": \"GET /alerts/active\", \"status\": \"GET /status\", \"docs\": \"GET /docs\"}, "
        "\"dashboard\": \"/ui/\"}",
        srv->options.version, unwell == NULL ? "running" : unwell);
}
