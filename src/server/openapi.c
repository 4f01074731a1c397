/* openapi.c - see openapi.h. One function per level of the document. */
#include "server/openapi.h"

#include <stdlib.h>
#include <string.h>

#include "server/http_target.h"

bool openapi_next_word(const char **at, const char **word, size_t *n)
{
    if (*at == NULL)
        return false;
    *at += strspn(*at, ", ");
    *word = *at;
    *n = strcspn(*at, ", ");
    *at += *n;
    return *n > 0;
}

bool openapi_is_strict(const http_route *route)
{
    return strncmp(route->path, "/api/v1/", 8) == 0;
}

const char *openapi_role_name(http_role role)
{
    static const char *const names[] = {"open", "read", "write", "admin"};
    return names[role];
}

static const char *produces_of(const http_route *route)
{
    return route->produces != NULL ? route->produces : "application/json";
}

/* ---- statuses ------------------------------------------------------------------------------------------ */

static void add_status(bool seen[600], int status)
{
    if (status >= 100 && status < 600)
        seen[status] = true;
}

void openapi_each_status(const http_route *route, void (*visit)(void *context, int status), void *context)
{
    bool seen[600] = {false};
    const char *at = route->statuses != NULL ? route->statuses : "200", *word;
    size_t n;
    while (openapi_next_word(&at, &word, &n))
        add_status(seen, (int)strtol(word, NULL, 10));
    if (route->role != ROLE_OPEN) {
        add_status(seen, 401);
        add_status(seen, 403);
        add_status(seen, 429);
    }
    if (openapi_is_strict(route)) {
        add_status(seen, 400); // an unknown parameter, a path that is not UTF-8
        add_status(seen, 406);
    }
    if (route->takes != NULL) {
        add_status(seen, 413);
        add_status(seen, 415);
    }
    for (int status = 100; status < 600; status++) {
        if (seen[status])
            visit(context, status);
    }
}

static const char *status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        {200, "Success"},
        {201, "Created; Location says where"},
        {202, "Accepted"},
        {204, "Done; no content"},
        {303, "See another place"},
        {304, "Not modified since the ETag that was sent"},
        {308, "Moved for good"},
        {400, "Malformed: path, parameter, header or body"},
        {401, "No key, or one that is not known"},
        {403, "The key's role is too small"},
        {404, "No such thing"},
        {406, "None of the media types that are asked for"},
        {409, "In conflict with the present state"},
        {412, "If-Match does not match"},
        {413, "The body is too large"},
        {415, "The body's media type or encoding is not taken"},
        {422, "Well-formed, but not valid"},
        {428, "If-Match is missing"},
        {429, "Too many requests, or too many failures to authenticate; Retry-After says when"},
        {500, "A defect of the daemon; incident_id is in its log"},
        {503, "Not now; Retry-After says when"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].status == status)
            return texts[i].text;
    }
    return "See the text";
}

/* ---- pieces -------------------------------------------------------------------------------------------- */

static void put_string(tft_text *out, const char *text)
{
    tft_text_json_string(out, text, strlen(text));
}

/* A schema in a row: JSON, the name of a component, or nothing. */
static void put_schema(tft_text *out, const char *schema)
{
    if (schema == NULL)
        tft_text_puts(out, "{}");
    else if (schema[0] == '{')
        tft_text_puts(out, schema);
    else
        tft_text_printf(out, "{\"$ref\": \"#/components/schemas/%s\"}", schema);
}

/* "/ui/{path*}" as OpenAPI writes it. */
static void put_path(tft_text *out, const char *path)
{
    for (const char *c = path; *c != '\0'; c++) {
        if (*c != '*')
            tft_text_add(out, c, 1);
    }
}

/* "get_api_v1_servers_name": unique, as methods and paths are. */
static void put_operation_id(tft_text *out, const http_route *route)
{
    tft_text_puts(out, "\"");
    for (const char *c = http_method_names[route->method]; *c != '\0'; c++)
        tft_text_add(out, &(char){(char)(*c | 0x20)}, 1);
    bool gap = true;
    for (const char *c = route->path; *c != '\0'; c++) {
        const bool letter = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
        if (letter && gap)
            tft_text_puts(out, "_");
        if (letter)
            tft_text_add(out, c, 1);
        gap = !letter;
    }
    tft_text_puts(out, route->path[1] == '\0' ? "_root\"" : "\"");
}

static void put_parameters(tft_text *out, const http_route *route)
{
    bool first = true;
    tft_text_puts(out, ", \"parameters\": [");
    for (const http_parameter *p = route->parameters; p != NULL && p->name != NULL; p++) {
        const bool in_path = http_path_variable(route->path, p->name) >= 0;
        tft_text_puts(out, first ? "{\"name\": " : ", {\"name\": ");
        put_string(out, p->name);
        tft_text_printf(out, ", \"in\": \"%s\", \"required\": %s, \"description\": ", in_path ? "path" : "query",
                        in_path || p->required ? "true" : "false");
        put_string(out, p->text != NULL ? p->text : "");
        tft_text_puts(out, ", \"schema\": ");
        put_schema(out, p->schema != NULL ? p->schema : "{\"type\": \"string\"}");
        if (p->example != NULL) {
            tft_text_puts(out, ", \"example\": ");
            put_string(out, p->example);
        }
        tft_text_puts(out, "}");
        first = false;
    }
    tft_text_puts(out, "]");
}

/* application/json and its relatives: what a schema describes. */
static bool is_json(const char *type, size_t n)
{
    return n >= 16 && memcmp(type, "application/", 12) == 0 && memcmp(type + n - 4, "json", 4) == 0;
}

static void put_content(tft_text *out, const char *types, const char *schema, const char *example)
{
    const char *at = types, *word;
    size_t n;
    tft_text_puts(out, "\"content\": {");
    for (bool first = true; openapi_next_word(&at, &word, &n); first = false) {
        tft_text_puts(out, first ? "" : ", ");
        tft_text_json_string(out, word, n);
        tft_text_puts(out, ": {\"schema\": ");
        put_schema(out, is_json(word, n) ? schema : "{\"type\": \"string\"}");
        if (is_json(word, n) && example != NULL)
            tft_text_printf(out, ", \"example\": %s", example);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "}");
}

typedef struct status_writer {
    tft_text *out;
    const http_route *route;
    bool first;
} status_writer;

static void put_status(void *context, int status)
{
    status_writer *const w = context;
    const http_route *const route = w->route;
    tft_text_printf(w->out, "%s\"%d\": {\"description\": ", w->first ? "" : ", ", status);
    put_string(w->out, status_text(status));
    w->first = false;
    const bool bodiless = status == 204 || status == 304 || status == 303 || status == 308;
    tft_text_puts(w->out, bodiless ? "" : ", ");
    // probes of the old surface say "no" (503) in the same form as "yes"
    const bool own = status < 400 || (status == 503 && !openapi_is_strict(route) && route->takes == NULL);
    if (!bodiless && own)
        put_content(w->out, produces_of(route), route->reply, NULL);
    else if (!bodiless && openapi_is_strict(route))
        put_content(w->out, "application/problem+json", "Problem", NULL);
    else if (!bodiless)
        put_content(w->out, "application/json", "Detail", NULL);
    tft_text_puts(w->out, "}");
}

static void put_operation(tft_text *out, const http_route *route)
{
    char method[8] = "";
    for (size_t i = 0; http_method_names[route->method][i] != '\0'; i++)
        method[i] = (char)(http_method_names[route->method][i] | 0x20);
    tft_text_printf(out, "\"%s\": {\"operationId\": ", method);
    put_operation_id(out, route);
    tft_text_puts(out, ", \"tags\": [");
    put_string(out, route->tag != NULL ? route->tag : "Other");
    tft_text_puts(out, "], \"summary\": ");
    put_string(out, route->summary);
    tft_text_printf(out, ", \"x-role\": \"%s\", \"security\": %s", openapi_role_name(route->role),
                    route->role == ROLE_OPEN ? "[]" : "[{}, {\"key\": []}, {\"bearer\": []}]");
    put_parameters(out, route);
    if (route->takes != NULL) {
        tft_text_puts(out, ", \"requestBody\": {\"required\": true, ");
        put_content(out, route->takes, route->body, route->example);
        tft_text_puts(out, "}");
    }
    status_writer writer = {out, route, true};
    tft_text_puts(out, ", \"responses\": {");
    openapi_each_status(route, put_status, &writer);
    tft_text_puts(out, "}}");
}

/* ---- the document -------------------------------------------------------------------------------------- */

/* Calls visit for every documented route of the families. */
typedef struct route_list {
    const http_route *routes[512];
    size_t n;
} route_list;

static void list_routes(const http_route *const *families, size_t n_families, route_list *list)
{
    list->n = 0;
    for (size_t f = 0; f < n_families; f++) {
        for (const http_route *route = families[f]; route->path != NULL; route++) {
            if (route->summary != NULL && list->n < sizeof list->routes / sizeof list->routes[0])
                list->routes[list->n++] = route;
        }
    }
}

static void put_paths(tft_text *out, const route_list *list)
{
    bool first = true;
    for (size_t i = 0; i < list->n; i++) {
        bool known = false; // an earlier row has this path and has written its methods
        for (size_t k = 0; k < i; k++)
            known |= strcmp(list->routes[k]->path, list->routes[i]->path) == 0;
        if (known)
            continue;
        tft_text_puts(out, first ? "\n\"" : ",\n\"");
        put_path(out, list->routes[i]->path);
        tft_text_puts(out, "\": {");
        for (size_t k = i, n = 0; k < list->n; k++) {
            if (strcmp(list->routes[k]->path, list->routes[i]->path) != 0)
                continue;
            tft_text_puts(out, n++ > 0 ? ", " : "");
            put_operation(out, list->routes[k]);
        }
        tft_text_puts(out, "}");
        first = false;
    }
}

void openapi_write(const http_route *const *families, size_t n_families, const char *version, tft_text *out)
{
    route_list *const list = malloc(sizeof *list);
    if (list == NULL) {
        out->failed = true;
        return;
    }
    list_routes(families, n_families, list);
    tft_text_puts(out, "{\"openapi\": \"3.1.0\", \"info\": {\"title\": \"tftd\", \"version\": ");
    put_string(out, version);
    tft_text_puts(out,
                  ", \"description\": \"Takes metrics of servers, forecasts each of them 8 hours ahead, and says "
                  "what may go wrong. Times are UTC, RFC 3339; numbers are finite, a missing value is null. Fields "
                  "may be added to any answer.\"}, \"servers\": [{\"url\": \"/\"}], \"paths\": {");
    put_paths(out, list);
    tft_text_puts(out, "},\n\"components\": {\"securitySchemes\": {\"key\": {\"type\": \"apiKey\", \"in\": \"header\", "
                       "\"name\": \"X-API-Key\"}, \"bearer\": {\"type\": \"http\", \"scheme\": \"bearer\"}}, "
                       "\"schemas\": {");
    for (const openapi_schema *s = openapi_schemas; s->name != NULL; s++)
        tft_text_printf(out, "%s\n\"%s\": %s", s != openapi_schemas ? "," : "", s->name, s->json);
    tft_text_puts(out, "}}}\n");
    free(list);
}
