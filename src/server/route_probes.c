/* route_probes.c - is it alive, is it ready, what is it: /healthz /livez /readyz /-/healthy /-/ready, /api/v1/version.
 *
 * Alive is a process that answers. Ready is a daemon that can do its work now: its store writes, it is known whether there
 * is a model, and it is not draining; `?verbose` says each. None of them takes a lock that ingest or forecasting holds.
 */
#include <stdio.h>
#include <string.h>

#include "server/api.h"
#include "server/routes.h"
#include "server/server.h"

/* Both are known when the build is configured; see CMakeLists.txt. */
#ifndef TFTD_COMMIT
#define TFTD_COMMIT ""
#endif
#ifndef TFTD_LIBRARIES
#define TFTD_LIBRARIES ""
#endif

static void say(http_reply *reply, int status, const char *text)
{
    reply->status = status;
    reply->content_type = "text/plain; charset=utf-8";
    tft_text_puts(&reply->text, text);
    http_reply_field(reply, "Cache-Control", "no-store");
    if (status == 503)
        http_reply_field(reply, "Retry-After", "5");
}

static void route_alive(void *context, const http_request *request, http_reply *reply)
{
    (void)context, (void)request;
    say(reply, 200, "ok\n");
}

static void route_ready(void *context, const http_request *request, http_reply *reply)
{
    const server *const srv = context;
    const char *const verbose = http_query(request, "verbose"), *reason = NULL;
    const char *const unwell = server_unwell(srv, &reason);
    const int phase = atomic_load(&srv->phase);
    const struct {
        const char *name, *trouble; // NULL = it is well
    } checks[] = {
        {"serving", phase == SERVER_STARTING   ? "starting"
                    : phase == SERVER_DRAINING ? "draining"
                                               : NULL},
        {"store", phase == SERVER_SERVING && unwell != NULL ? reason : NULL},
        {"model", phase == SERVER_STARTING ? "not looked for yet" : NULL}, // none is a known state too
    };
    tft_text text = tft_text_new(4096);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (checks[i].trouble != NULL)
            tft_text_printf(&text, "[-]%s: %s\n", checks[i].name, checks[i].trouble);
        else if (verbose != NULL && strcmp(verbose, "false") != 0)
            tft_text_printf(&text, "[+]%s ok\n", checks[i].name);
    }
    tft_text_puts(&text, unwell == NULL ? "ok\n" : "not ready\n");
    say(reply, unwell == NULL ? 200 : 503, text.bytes != NULL ? text.bytes : "");
    tft_text_free(&text);
}

/* "json-c 0.16, libmicrohttpd 0.9.75, …" as an object. */
static void put_libraries(tft_text *out)
{
    tft_text_puts(out, "{");
    for (const char *at = TFTD_LIBRARIES; *at != '\0';) {
        const size_t n = strcspn(at, ","), word = strcspn(at, " ");
        if (at != (const char *)TFTD_LIBRARIES)
            tft_text_puts(out, ", ");
        tft_text_json_string(out, at, word < n ? word : n);
        tft_text_puts(out, ": ");
        tft_text_json_string(out, at + (word < n ? word + 1 : n), word < n ? n - word - 1 : 0);
        at += n;
        at += strspn(at, ", ");
    }
    tft_text_puts(out, "}");
}

static void route_version(void *context, const http_request *request, http_reply *reply)
{
    const server *const srv = context;
    tft_text *const out = &reply->text;
    (void)request;
    tft_text_puts(out, "{\"version\": ");
    json_put_string(out, srv->options.version);
    tft_text_puts(out, ", \"commit\": ");
    json_put_string(out, TFTD_COMMIT[0] != '\0' ? TFTD_COMMIT : NULL);
    tft_text_printf(out, ", \"compiler\": \"gcc %s\", \"build\": \"%s\", \"simd\": ", __VERSION__, TFTD_BUILD_TYPE);
    json_put_string(out, srv->options.isa);
    tft_text_puts(out, ", \"libraries\": ");
    put_libraries(out);
    tft_text_puts(out, "}");
}

/* What SIGHUP does. The reason names files and keys of the configuration: for administrators, who may read those. */
static void route_reload(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    tft_error err = {0};
    const tft_status status = srv->options.reload != NULL
                                  ? srv->options.reload(srv->options.reload_context, srv, &err)
                                  : tft_fail(&err, TFT_ERR_STATE, "this daemon has nothing to reload");
    log_line(srv->log, LOG_TAG_INFO, "Reload asked for by %s at %s",
             request->key_name[0] != '\0' ? request->key_name : "nobody in particular", request->peer);
    if (status == TFT_OK)
        say(reply, 200, "reloaded\n");
    else
        http_reply_detail(reply, 422, "The old settings stay: %s", err.text);
}

static const http_parameter of_ready[] = {{"verbose", "{}", "Also the checks that are well", NULL, false}, {0}};

#define PROBE(where, what, takes_these, said, text)                                                                    \
    {                                                                                                                  \
        .path = where, .method = HTTP_GET, .role = ROLE_OPEN, .handler = what, .parameters = takes_these,              \
        .tag = "Health", .summary = text, .produces = "text/plain", .statuses = said                                   \
    }

const http_route routes_probes[] = {
    PROBE("/healthz", route_alive, NULL, "200", "Alive: the process answers"),
    PROBE("/livez", route_alive, NULL, "200", "As /healthz"),
    PROBE("/-/healthy", route_alive, NULL, "200", "As /healthz, under the path that Prometheus uses"),
    PROBE("/readyz", route_ready, of_ready, "200 503", "Ready: it can store and serve now"),
    PROBE("/-/ready", route_ready, of_ready, "200 503", "As /readyz, under the path that Prometheus uses"),
    {.path = "/-/reload",
     .method = HTTP_POST,
     .role = ROLE_ADMIN,
     .handler = route_reload,
     .tag = "Health",
     .summary = "Read settings, keys and certificates again, as SIGHUP does; what is bad keeps the old",
     .produces = "text/plain",
     .statuses = "200 422"},
    {.path = "/api/v1/version",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_version,
     .tag = "Health",
     .summary = "What runs: version, commit, compiler, kernels, libraries",
     .reply = "Version",
     .statuses = "200"},
    {0}};
