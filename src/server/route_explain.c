/* route_explain.c - GET /explain/{name}: what a forecast rests on (explain.h). The only GET that runs the network: a copy of its own, one at
 * a time, never the engine's.
 */
#include <string.h>

#include "server/api.h"
#include "server/explain.h"
#include "server/routes.h"

#define DEFAULT_STEP 12 // an hour ahead

/* The metric asked for, or the first that this server has a forecast of. False after a problem. */
static bool read_metric(const server *srv, const snapshot_server *of, const http_request *request, http_reply *reply,
                        size_t *metric)
{
    const char *const name = http_query(request, "metric");
    const size_t n_targets = tft_contract_targets(&srv->contract);
    size_t m = 0;
    if (name == NULL) {
        while (m < n_targets && (of == NULL || !of->present[m]))
            m++;
        *metric = m < n_targets ? m : 0;
        return true;
    }
    const int found = tft_contract_find(&srv->contract, name, strlen(name));
    if (found < 0 || (size_t)found >= n_targets)
        return api_bad_parameter(request, reply, "metric", "a forecast metric of the contract");
    *metric = (size_t)found;
    return true;
}

static void reply_failure(tft_status status, const char *why, http_reply *reply)
{
    if (status == TFT_ERR_STATE) {
        http_reply_problem(reply, 409, "not-explainable", "Not explainable", "%s", why);
        return;
    }
    http_reply_problem(reply, 503, "overloaded", "Overloaded", "%s, try again", why);
    http_reply_field(reply, "Retry-After", "1");
}

static void route_explain(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    int64_t step = srv->contract.horizon < DEFAULT_STEP ? 1 : DEFAULT_STEP;
    if (!api_read_integer(request, reply, "step", 1, (int64_t)srv->contract.horizon, &step))
        return;
    const forecast_snapshot *const s = views_acquire(srv, reply);
    if (s == NULL)
        return;
    server_view view;
    size_t metric = 0;
    tft_error err = {0};
    if (view_named(srv, s, request, reply, &view) && read_metric(srv, view.forecast, request, reply, &metric)) {
        const bool there = view.forecast != NULL && view.forecast->present[metric];
        const tft_status status =
            !there ? tft_fail(&err, TFT_ERR_STATE, "this server has no forecast of that metric")
                   : explain_server(srv->explainer, srv, s, &view, metric, (size_t)step - 1, &reply->text, &err);
        if (status == TFT_OK)
            http_reply_field(reply, "Cache-Control", "no-cache");
        else
            reply_failure(status, err.text, reply);
    }
    engine_release(srv->engine, s);
}

static const http_parameter of_explain[] = {
    {"name", API_NAME, "Name of the server", "ppdb001", true},
    {"metric", API_STRING, "A forecast metric of the contract; the first one where it is not given", NULL, false},
    {"step", "{\"type\": \"integer\", \"minimum\": 1, \"maximum\": 96, \"default\": 12}", "Step of the horizon", NULL,
     false},
    {0}};

const http_route routes_explain[] = {{.path = "/api/v1/explain/{name}",
                                      .method = HTTP_GET,
                                      .role = ROLE_READ,
                                      .handler = route_explain,
                                      .parameters = of_explain,
                                      .tag = "Forecasts",
                                      .summary = "What a forecast rests on: weights of inputs, attention to the past, "
                                                 "what changes where a part is hidden",
                                      .reply = "Explanation",
                                      .statuses = "200 404 409 503"},
                                     {0}};
