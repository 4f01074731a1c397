/* route_ui.c - the dashboard's files: GET /ui/ and what the page loads.
 *
 * Everything the page is made of is in the program (ui_assets.h), packed with gzip at build time, so a request copies
 * nothing and touches no disk. The page is asked for again each time and answered with 304 while it is the same; what it
 * loads has its content's hash in its name and is kept by the browser for good.
 *
 * The policy lets the page run its own script, its own style sheet, and talk to its own origin, and nothing else: no inline
 * code, no eval, no frame, no form, no other host (CSP Level 3; Trusted Types close the ways from text to markup).
 *
 * Threads: any; everything here is constant.
 */
#include <string.h>

#include "ingest/unpack.h"
#include "server/routes.h"
#include "server/ui_assets.h"

#define POLICY                                                                                                         \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src "     \
    "'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "                       \
    "require-trusted-types-for 'script'; trusted-types 'none'"

static const ui_asset *find_asset(const char *path)
{
    for (size_t i = 0; i < ui_n_assets; i++) {
        if (strcmp(ui_assets[i].path, path) == 0)
            return &ui_assets[i];
    }
    return NULL;
}

/* Whether If-None-Match has this strong tag (a hash: no other tag can contain it). */
static bool has_tag(const http_request *request, const char *tag)
{
    const char *const list = http_header(request, "If-None-Match");
    return list != NULL && (strcmp(list, "*") == 0 || strstr(list, tag) != NULL);
}

static void drop_nothing(void *context)
{
    (void)context; // the bytes are the program's own
}

static void send_asset(const http_request *request, http_reply *reply, const ui_asset *asset)
{
    const bool is_page = asset->path[0] == '\0';
    http_reply_field(reply, "ETag", "\"%s\"", asset->tag);
    http_reply_field(reply, "Cache-Control", is_page ? "no-cache" : "public, max-age=31536000, immutable");
    http_reply_field(reply, "Vary", "Accept-Encoding");
    if (is_page) {
        http_reply_field(reply, "Content-Security-Policy", "%s", POLICY);
        http_reply_field(reply, "Referrer-Policy", "no-referrer");
        http_reply_field(reply, "Cross-Origin-Opener-Policy", "same-origin");
    }
    http_reply_field(reply, "Cross-Origin-Resource-Policy", "same-origin");
    if (has_tag(request, asset->tag)) {
        reply->status = 304;
        return;
    }
    reply->content_type = asset->content_type;
    if (http_accepts_gzip(request)) {
        reply->encoding = "gzip";
        reply->shared = (const char *)asset->bytes;
        reply->shared_len = asset->n;
        reply->release = drop_nothing;
        return;
    }
    reply->compressible = false;
    tft_error why = {0};
    if (ingest_unpack(INGEST_GZIP, (const char *)asset->bytes, asset->n, &reply->text, &why) != TFT_OK)
        http_reply_detail(reply, 500, "the dashboard cannot be unpacked: %s", why.text);
}

static void send_absence(http_reply *reply)
{
    reply->status = 404;
    reply->content_type = "text/plain; charset=utf-8";
    tft_text_puts(&reply->text, "This tftd was built without the dashboard. Build it with npm installed (and without "
                                "-DTFTD_DASHBOARD=OFF).\nThe API is all there: /docs\n");
}

static void route_page(void *context, const http_request *request, http_reply *reply)
{
    (void)context;
    if (ui_n_assets == 0)
        send_absence(reply);
    else
        send_asset(request, reply, &ui_assets[0]);
}

static void route_asset(void *context, const http_request *request, http_reply *reply)
{
    (void)context;
    const ui_asset *const asset = find_asset(http_param(request, "file"));
    if (asset == NULL)
        http_reply_detail(reply, 404, "Not Found");
    else
        send_asset(request, reply, asset);
}

static void route_to_page(void *context, const http_request *request, http_reply *reply)
{
    (void)context, (void)request;
    reply->status = 308;
    http_reply_field(reply, "Location", "/ui/");
}

static const http_parameter of_file[] = {{"file", NULL, "Name of a file of the page", NULL, true}, {0}};

const http_route routes_ui[] = {
    {.path = "/ui", .method = HTTP_GET, .role = ROLE_OPEN, .handler = route_to_page},
    {.path = "/ui/", .method = HTTP_GET, .role = ROLE_OPEN, .handler = route_page},
    {.path = "/ui/{file}", .method = HTTP_GET, .role = ROLE_OPEN, .handler = route_asset, .parameters = of_file},
    {0}};
