/* routes.h - the families of routes. A family is a block of rows in a file of its own, ended by a row without path:
 *
 *     static const http_parameter of_thing[] = {{"name", API_NAME, "Name of the thing", "cpu"}, {0}};
 *     const http_route routes_things[] = {
 *         {.path = "/api/v1/things/{name}", .method = HTTP_GET, .role = ROLE_READ, .handler = route_thing,
 *          .parameters = of_thing, .tag = "Things", .summary = "One thing", .reply = "Thing", .statuses = "200 404"},
 *         {0}};
 *
 * and a line in routes.c. What a row says about itself is what the OpenAPI document says (openapi.c).
 */
#ifndef TFTD_SERVER_ROUTES_H
#define TFTD_SERVER_ROUTES_H

#include "server/http.h"

extern const http_route routes_alerts[];
extern const http_route routes_compatible[];
extern const http_route routes_config[];
extern const http_route routes_demo[];
extern const http_route routes_docs[];
extern const http_route routes_events[];
extern const http_route routes_explain[];
extern const http_route routes_forecasts[];
extern const http_route routes_heatmap[];
extern const http_route routes_history[];
extern const http_route routes_export[];
extern const http_route routes_metrics[];
extern const http_route routes_models[];
extern const http_route routes_past_fleet[];
extern const http_route routes_past_forecasts[];
extern const http_route routes_probes[];
extern const http_route routes_quality[];
extern const http_route routes_receivers[];
extern const http_route routes_records[];
extern const http_route routes_risk[];
extern const http_route routes_servers[];
extern const http_route routes_silences[];
extern const http_route routes_steps[];
extern const http_route routes_ui[];

#endif
