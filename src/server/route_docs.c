/* route_docs.c - the API's own description: /openapi.json, /docs as a page to read, /docs/problems/<slug>.
 *
 * Both are made once, when they are first asked for, of the routes' rows. The page needs nothing from elsewhere: no
 * script, one stylesheet of ours, and a Content-Security-Policy that allows nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_target.h"
#include "server/openapi.h"
#include "server/routes.h"
#include "server/server.h"

#define MAX_DOCUMENT ((size_t)8 << 20)

static const char style[] =
    ":root{color-scheme:light dark;--line:#8884;--soft:#8882}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "h1{margin-bottom:0}h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}"
    "h3{font:600 1rem ui-monospace,monospace;margin:1.6rem 0 .2rem;overflow-wrap:anywhere}"
    "h3 b{display:inline-block;min-width:4.2rem}h3 small{font-weight:400;opacity:.7}"
    "p{margin:.3rem 0}table{border-collapse:collapse;margin:.5rem 0;width:100%}"
    "td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;border-bottom:1px solid var(--soft)}"
    "code,pre{font-family:ui-monospace,monospace;font-size:.9em}"
    "pre{background:var(--soft);padding:.6rem;border-radius:.4rem;overflow-x:auto}"
    "a{color:inherit}nav a{margin-right:1rem}";

/* ---- HTML ---------------------------------------------------------------------------------------------- */

static void put_html(tft_text *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char c = text[i];
        tft_text_add(out,
                     c == '<'   ? "&lt;"
                     : c == '>' ? "&gt;"
                     : c == '&' ? "&amp;"
                     : c == '"' ? "&quot;"
                                : &text[i],
                     c == '<' || c == '>' ? 4
                     : c == '&'           ? 5
                     : c == '"'           ? 6
                                          : 1);
    }
}

static void put_words(tft_text *out, const char *text)
{
    put_html(out, text, strlen(text));
}

static void begin_page(tft_text *out, const char *title)
{
    tft_text_puts(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                       "content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/docs/style.css\"><title>");
    put_words(out, title);
    tft_text_puts(out, "</title></head><body>");
}

static void send_page(http_reply *reply)
{
    tft_text_puts(&reply->text, "</body></html>\n");
    reply->content_type = "text/html; charset=utf-8";
    http_reply_field(
        reply, "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    http_reply_field(reply, "Referrer-Policy", "no-referrer");
    http_reply_field(reply, "Cache-Control", "no-cache");
}

static void put_status(void *context, int status)
{
    tft_text_printf(context, " %d", status);
}

static void put_parameters(tft_text *out, const http_route *route)
{
    if (route->parameters == NULL)
        return;
    tft_text_puts(out, "<table><tr><th>parameter</th><th>in</th><th>what</th></tr>");
    for (const http_parameter *p = route->parameters; p->name != NULL; p++) {
        tft_text_puts(out, "<tr><td><code>");
        put_words(out, p->name);
        const bool in_path = http_path_variable(route->path, p->name) >= 0;
        tft_text_printf(out, "</code></td><td>%s</td><td>", in_path ? "path" : p->required ? "query, needed" : "query");
        put_words(out, p->text != NULL ? p->text : "");
        if (p->schema != NULL && strstr(p->schema, "\"enum\"") != NULL) {
            tft_text_puts(out, " <code>");
            put_words(out, strchr(strstr(p->schema, "\"enum\""), '['));
            out->n -= out->n > 0; // the schema's closing brace
            tft_text_puts(out, "</code>");
        }
        tft_text_puts(out, "</td></tr>");
    }
    tft_text_puts(out, "</table>");
}

static void put_route(tft_text *out, const http_route *route)
{
    tft_text_printf(out, "<h3><b>%s</b> ", http_method_names[route->method]);
    put_words(out, route->path);
    tft_text_printf(out, " <small>%s</small></h3><p>", openapi_role_name(route->role));
    put_words(out, route->summary);
    tft_text_puts(out, "</p>");
    put_parameters(out, route);
    if (route->takes != NULL) {
        tft_text_puts(out, "<p>Body: ");
        put_words(out, route->takes);
        tft_text_puts(out, "</p>");
    }
    if (route->example != NULL) {
        tft_text_puts(out, "<pre>");
        put_words(out, route->example);
        tft_text_puts(out, "</pre>");
    }
    tft_text_puts(out, "<p>Answers ");
    put_words(out, route->produces != NULL ? route->produces : "application/json");
    tft_text_puts(out, ":");
    openapi_each_status(route, put_status, out);
    tft_text_puts(out, "</p>");
}

/* The routes of one tag; marks them as done. */
static void put_tag(tft_text *out, const char *tag)
{
    tft_text_puts(out, "<h2 id=\"");
    put_words(out, tag);
    tft_text_puts(out, "\">");
    put_words(out, tag);
    tft_text_puts(out, "</h2>");
    for (size_t f = 0; f < server_n_families; f++) {
        for (const http_route *route = server_families[f]; route->path != NULL; route++) {
            if (route->summary != NULL && strcmp(route->tag != NULL ? route->tag : "Other", tag) == 0)
                put_route(out, route);
        }
    }
}

/* The tags in the order in which they first come. */
static size_t list_tags(const char *tags[64])
{
    size_t n = 0;
    for (size_t f = 0; f < server_n_families; f++) {
        for (const http_route *route = server_families[f]; route->path != NULL; route++) {
            const char *const tag = route->tag != NULL ? route->tag : "Other";
            size_t i = 0;
            while (i < n && strcmp(tags[i], tag) != 0)
                i++;
            if (i == n && n < 64 && route->summary != NULL)
                tags[n++] = tag;
        }
    }
    return n;
}

static void route_docs(void *context, const http_request *request, http_reply *reply)
{
    const server *const srv = context;
    tft_text *const out = &reply->text;
    const char *tags[64];
    const size_t n = list_tags(tags);
    (void)request;
    begin_page(out, "tftd: the API");
    tft_text_puts(out, "<h1>tftd</h1><p>Version ");
    put_words(out, srv->options.version);
    tft_text_puts(out,
                  ". The same for machines: <a href=\"/openapi.json\">openapi.json</a>. Times are UTC, RFC 3339; a "
                  "missing value is null. Errors of /api/v1 are problem documents (RFC 9457), explained <a "
                  "href=\"/docs/problems/\">here</a>. The word behind a path is the role that a key needs where "
                  "keys are asked for.</p><nav>");
    for (size_t i = 0; i < n; i++) {
        tft_text_puts(out, "<a href=\"#");
        put_words(out, tags[i]);
        tft_text_puts(out, "\">");
        put_words(out, tags[i]);
        tft_text_puts(out, "</a>");
    }
    tft_text_puts(out, "</nav>");
    for (size_t i = 0; i < n; i++)
        put_tag(out, tags[i]);
    send_page(reply);
}

static void route_style(void *context, const http_request *request, http_reply *reply)
{
    (void)context, (void)request;
    reply->content_type = "text/css; charset=utf-8";
    tft_text_puts(&reply->text, style);
    http_reply_field(reply, "Cache-Control", "max-age=3600");
}

static void route_redoc(void *context, const http_request *request, http_reply *reply)
{
    (void)context, (void)request;
    reply->status = 308;
    http_reply_field(reply, "Location", "/docs");
}

/* ---- problems ------------------------------------------------------------------------------------------ */

static void route_problem(void *context, const http_request *request, http_reply *reply)
{
    const char *const slug = http_param(request, "slug");
    const problem_kind *kind = problem_kinds;
    (void)context;
    while (kind->slug != NULL && strcmp(kind->slug, slug) != 0)
        kind++;
    if (kind->slug == NULL) {
        http_reply_detail(reply, 404, "Not Found");
        return;
    }
    begin_page(&reply->text, kind->title);
    tft_text_printf(&reply->text, "<h1>%s</h1><p><code>%d %s</code></p><p>", kind->title, kind->status, kind->slug);
    put_words(&reply->text, kind->text);
    tft_text_puts(&reply->text, "</p><p><a href=\"/docs/problems/\">All problems</a></p>");
    send_page(reply);
}

static void route_problems(void *context, const http_request *request, http_reply *reply)
{
    (void)context, (void)request;
    begin_page(&reply->text, "Problems");
    tft_text_puts(&reply->text, "<h1>Problems</h1><table><tr><th>status</th><th>type</th><th>what</th></tr>");
    for (const problem_kind *kind = problem_kinds; kind->slug != NULL; kind++) {
        tft_text_printf(&reply->text, "<tr><td>%d</td><td><a href=\"/docs/problems/%s\">%s</a></td><td>", kind->status,
                        kind->slug, kind->slug);
        put_words(&reply->text, kind->text);
        tft_text_puts(&reply->text, "</td></tr>");
    }
    tft_text_puts(&reply->text, "</table><p><a href=\"/docs\">The API</a></p>");
    send_page(reply);
}

/* ---- openapi.json -------------------------------------------------------------------------------------- */

/* The document is constant while the process lives: made by whoever asks first. */
static const tft_text *document_of(server *srv)
{
    pthread_mutex_lock(&srv->document_lock);
    if (srv->document.n == 0) {
        srv->document = tft_text_new(MAX_DOCUMENT);
        openapi_write(server_families, server_n_families, srv->options.version, &srv->document);
    }
    pthread_mutex_unlock(&srv->document_lock);
    return &srv->document;
}

static void route_openapi(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    const tft_text *const document = document_of(srv);
    char tag[40];
    snprintf(tag, sizeof tag, "api-%llx", (unsigned long long)srv->started_ms);
    http_reply_field(reply, "Cache-Control", "no-cache");
    if (http_not_modified(request, reply, tag))
        return;
    tft_text_add(&reply->text, document->bytes, document->n);
}

static const http_parameter of_problem[] = {{"slug", NULL, "Kind of problem", "unknown-server", true}, {0}};

const http_route routes_docs[] = {
    {.path = "/openapi.json",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_openapi,
     .tag = "Description",
     .summary = "This API as OpenAPI 3.1",
     .reply = "{\"type\": \"object\", \"required\": [\"openapi\", \"info\", \"paths\"]}",
     .statuses = "200 304"},
    {.path = "/api/v1/openapi.json",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_openapi,
     .tag = "Description",
     .summary = "The same",
     .reply = "{\"type\": \"object\", \"required\": [\"openapi\", \"info\", \"paths\"]}",
     .statuses = "200 304"},
    {.path = "/docs",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_docs,
     .tag = "Description",
     .summary = "This API as a page to read",
     .produces = "text/html",
     .statuses = "200"},
    {.path = "/docs/problems/{slug}",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_problem,
     .parameters = of_problem,
     .tag = "Description",
     .summary = "What a kind of problem means",
     .produces = "text/html",
     .statuses = "200 404"},
    {.path = "/docs/problems/", .method = HTTP_GET, .role = ROLE_READ, .handler = route_problems},
    {.path = "/docs/", .method = HTTP_GET, .role = ROLE_READ, .handler = route_docs},
    {.path = "/docs/style.css", .method = HTTP_GET, .role = ROLE_OPEN, .handler = route_style},
    {.path = "/redoc", .method = HTTP_GET, .role = ROLE_READ, .handler = route_redoc},
    {0}};
