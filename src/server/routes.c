/* routes.c - the router's table: the families of routes, in the order in which they are searched. */
#include "server/routes.h"
#include "server/server.h"

static const http_parameter of_predictions[] = {
    {"servers", NULL, "Names, by commas; a name that nobody has selects nothing", NULL, false},
    {"metrics", NULL, "Metrics by their old or their contract's name, by commas", NULL, false},
    {"quantiles", NULL, "p02 p10 p25 p50 p75 p90 p98, by commas", NULL, false},
    {"horizon_steps", "{\"type\": \"integer\", \"minimum\": 1, \"maximum\": 96}", "Steps of the horizon", NULL, false},
    {"names", "{\"type\": \"string\", \"enum\": [\"legacy\", \"contract\"]}", "Keys of the metrics", NULL, false},
    {0}};

/* The surface that clients of the original daemon know (CONTRACT part 1). */
const http_route routes_compatible[] = {
    {.path = "/feed/data",
     .method = HTTP_POST,
     .role = ROLE_WRITE,
     .carries_records = true,
     .handler = route_feed,
     .tag = "Compatible",
     .summary = "Records in",
     .takes = "application/json",
     .body = "Feed",
     .example =
         "{\"records\": [{\"timestamp\": \"2025-10-13T16:00:00Z\", \"server_name\": \"ppdb001\", \"cpu_pct\": 37.5, "
         "\"mem_pct\": 61.2, \"disk_io_mb_s\": 142.8, \"latency_ms\": 9.1, \"state\": \"healthy\"}]}",
     .reply = "FeedResult",
     .statuses = "200 400 413 415 422 503"},
    {.path = "/predictions/current",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_predictions,
     .parameters = of_predictions,
     .tag = "Compatible",
     .summary = "Newest finished forecast of every server",
     .reply = "Predictions",
     .statuses = "200 304 400"},
    {.path = "/alerts/active",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_alerts,
     .tag = "Compatible",
     .summary = "Alerts that are firing",
     .reply = "ActiveAlerts",
     .statuses = "200"},
    {.path = "/status",
     .method = HTTP_GET,
     .role = ROLE_OPEN,
     .handler = route_status,
     .tag = "Compatible",
     .summary = "Counters and warm-up",
     .reply = "Status",
     .statuses = "200"},
    {.path = "/health",
     .method = HTTP_GET,
     .role = ROLE_OPEN,
     .handler = route_health,
     .tag = "Compatible",
     .summary = "Is it alive and able to store",
     .reply = "Health",
     .statuses = "200 503"},
    {.path = "/",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_root,
     .tag = "Compatible",
     .summary = "What this is, and where its endpoints are",
     .statuses = "200"},
    {0}};

const http_route *const server_families[] = {
    routes_compatible, routes_records,  routes_servers,    routes_forecasts, routes_explain,
    routes_risk,       routes_events,   routes_probes,     routes_metrics,   routes_docs,
    routes_alerts,     routes_silences, routes_receivers,  routes_ui,        routes_heatmap,
    routes_steps,      routes_demo,     routes_history,    routes_quality,   routes_past_forecasts,
    routes_config,     routes_models,   routes_past_fleet, routes_export};
const size_t server_n_families = sizeof server_families / sizeof server_families[0];
