/* routes.c - the router's table: which handler answers which path. One file per route. */
#include "server/server.h"

const http_route server_routes[] = {
    {"/feed/data", HTTP_POST, route_feed},      {"/predictions/current", HTTP_GET, route_predictions},
    {"/alerts/active", HTTP_GET, route_alerts}, {"/status", HTTP_GET, route_status},
    {"/health", HTTP_GET, route_health},        {"/", HTTP_GET, route_root},
};
const size_t server_n_routes = sizeof server_routes / sizeof server_routes[0];
