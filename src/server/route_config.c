/* route_config.c - GET /config and /config/schema: which settings are in force, where each came from, and what there is to set.
 *
 * Both are texts of whoever reads the settings (server_options.put_config); secrets are not in them. Threads: any.
 */
#include "server/api.h"
#include "server/routes.h"
#include "server/server.h"

static void route_config(void *context, const http_request *request, http_reply *reply)
{
    const server *const srv = context;
    (void)request;
    if (srv->options.put_config == NULL)
        tft_text_puts(&reply->text, "{\"file\": null, \"items\": []}");
    else
        srv->options.put_config(srv->options.config_context, &reply->text);
    http_reply_field(reply, "Cache-Control", "no-cache");
}

static void route_schema(void *context, const http_request *request, http_reply *reply)
{
    const server *const srv = context;
    (void)request;
    if (srv->options.put_config_schema == NULL)
        tft_text_puts(&reply->text, "{}");
    else
        srv->options.put_config_schema(&reply->text);
    http_reply_field(reply, "Cache-Control", "max-age=3600");
}

const http_route routes_config[] = {{.path = "/api/v1/config",
                                     .method = HTTP_GET,
                                     .role = ROLE_READ,
                                     .handler = route_config,
                                     .tag = "Settings",
                                     .summary = "Settings in force, each with its source; secrets are not shown",
                                     .reply = "Config",
                                     .statuses = "200"},
                                    {.path = "/api/v1/config/schema",
                                     .method = HTTP_GET,
                                     .role = ROLE_READ,
                                     .handler = route_schema,
                                     .tag = "Settings",
                                     .summary = "JSON Schema of the settings file",
                                     .reply = "{\"type\": \"object\"}",
                                     .statuses = "200"},
                                    {0}};
