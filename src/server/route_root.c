/* route_root.c - GET /: what this is and where its endpoints are; a browser, which asks for HTML first, is sent to the page. */
#include "server/negotiate.h"
#include "server/server.h"
#include "server/ui_assets.h"

void route_root(void *context, const http_request *request, http_reply *reply)
{
    const server *const srv = context;
    http_reply_field(reply, "Vary", "Accept");
    if (ui_n_assets > 0 && negotiate_type(http_header(request, "Accept"), "application/json, text/html") == 1) {
        reply->status = 303;
        http_reply_field(reply, "Location", "/ui/");
        return;
    }
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
