/* control.c - see control.h; the one place here that knows libmicrohttpd. */
#include "generate/control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"

#define BODY_MAX 4096
#define REPLY_MAX ((size_t)64 * 1024)

struct generate_control {
    struct MHD_Daemon *daemon;
    generate_stream *stream;
    uint16_t port;
};

/* ---- address ---- */

typedef union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} any_address;

static bool parse_address(const char *text, any_address *address)
{
    char host[64];
    const char *const colon = strrchr(text, ':');
    char *end;
    if (colon == NULL || (size_t)(colon - text) >= sizeof host || colon[1] < '0' || colon[1] > '9')
        return false;
    const unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || port > 65535)
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    memset(address, 0, sizeof *address);
    const size_t n = strlen(host);
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = '\0';
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host + 1, &address->v6.sin6_addr) == 1;
    }
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &address->v4.sin_addr) == 1;
}

/* ---- answers ---- */

static void add_affected(generate_stream *stream, tft_text *text)
{
    const char *names[10];
    const size_t n = generate_stream_affected(stream, names, sizeof names / sizeof names[0]);
    for (size_t i = 0; i < n; i++) {
        tft_text_puts(text, i > 0 ? ", " : "");
        tft_text_json_string(text, names[i], strlen(names[i]));
    }
}

static unsigned scenario_status(generate_stream *stream, tft_text *text)
{
    const generate_stream_view v = generate_stream_look(stream);
    tft_text_printf(text, "{\"scenario\": \"%s\", \"affected_servers\": [", generate_scenario_name(v.fleet.scenario));
    add_affected(stream, text);
    tft_text_printf(text, "], \"total_affected\": %zu, \"fleet_size\": %zu, \"tick_count\": %zu}", v.fleet.n_affected,
                    v.fleet.n_servers, v.tick_count);
    return MHD_HTTP_OK;
}

static unsigned status(generate_stream *stream, tft_text *text)
{
    const generate_stream_view v = generate_stream_look(stream);
    tft_text_printf(text, "{\"running\": %s, \"scenario\": \"%s\", \"tick_count\": %zu, \"fleet_size\": %zu, ",
                    v.running ? "true" : "false", generate_scenario_name(v.fleet.scenario), v.tick_count,
                    v.fleet.n_servers);
    tft_text_printf(text, "\"affected_servers\": %zu, \"inference_url\": ", v.fleet.n_affected);
    tft_text_json_string(text, v.url, strlen(v.url));
    tft_text_printf(text,
                    ", \"records_sent\": %zu, \"records_refused\": %zu, \"records_lost\": %zu, \"failed_posts\": %zu}",
                    v.n_sent, v.n_refused, v.n_lost, v.n_failures);
    return MHD_HTTP_OK;
}

static unsigned root(generate_stream *stream, tft_text *text)
{
    const generate_stream_view v = generate_stream_look(stream);
    tft_text_printf(text,
                    "{\"service\": \"Metrics Generator Daemon\", \"version\": \"2.0.0\", \"status\": \"%s\", "
                    "\"scenario\": \"%s\", ",
                    v.running ? "streaming" : "stopped", generate_scenario_name(v.fleet.scenario));
    tft_text_printf(text,
                    "\"fleet_size\": %zu, \"tick_count\": %zu, \"endpoints\": {\"health\": \"GET /health\", "
                    "\"status\": \"GET /status\", \"scenario_status\": \"GET /scenario/status\", "
                    "\"set_scenario\": \"POST /scenario/set\"}}",
                    v.fleet.n_servers, v.tick_count);
    return MHD_HTTP_OK;
}

static unsigned health(generate_stream *stream, tft_text *text)
{
    (void)stream;
    tft_text_puts(text, "{\"status\": \"healthy\"}");
    return MHD_HTTP_OK;
}

int generate_control_scenario(const char *body, size_t n, tft_error *err)
{
    tft_json_document document = {0};
    int scenario = -1;
    if (tft_json_parse(body, n, 8, &document, err) != TFT_OK)
        return -1;
    size_t length = 0;
    const char *const word = tft_json_string(tft_json_at(document.root, "scenario"), &length);
    if (word != NULL)
        scenario = generate_scenario_find(word, length);
    if (scenario < 0 && word != NULL)
        tft_fail(err, TFT_ERR_FORMAT, "Invalid scenario: \"%.*s\"; it is healthy, degrading or critical",
                 (int)(length < 80 ? length : 80), word);
    else if (scenario < 0)
        tft_fail(err, TFT_ERR_FORMAT,
                 "Invalid scenario: the body must be {\"scenario\": \"healthy\", \"degrading\" or \"critical\"}");
    tft_json_free(&document);
    return scenario;
}

static unsigned set_scenario(generate_stream *stream, const char *body, size_t n, tft_text *text)
{
    tft_error err = {0};
    const int wanted = generate_control_scenario(body, n, &err);
    if (wanted < 0) {
        tft_text_puts(text, "{\"status\": \"error\", \"message\": ");
        tft_text_json_string(text, err.text, strlen(err.text));
        tft_text_puts(text, "}");
        return err.status == TFT_ERR_FORMAT && strncmp(err.text, "malformed", 9) == 0 ? MHD_HTTP_BAD_REQUEST
                                                                                      : MHD_HTTP_UNPROCESSABLE_CONTENT;
    }
    generate_stream_view v;
    const generate_scenario old = generate_stream_set_scenario(stream, (generate_scenario)wanted, &v);
    tft_text_printf(text, "{\"status\": \"success\", \"old_scenario\": \"%s\", \"new_scenario\": \"%s\", ",
                    generate_scenario_name(old), generate_scenario_name(v.fleet.scenario));
    tft_text_printf(text, "\"affected_servers\": %zu, \"tick_count\": %zu}", v.fleet.n_affected, v.tick_count);
    return MHD_HTTP_OK;
}

/* ---- HTTP ---- */

static const struct {
    const char *path, *allow;
    unsigned (*get)(generate_stream *stream, tft_text *text); // NULL: only POST
} routes[] = {
    {"/", "GET, HEAD, OPTIONS", root},         {"/health", "GET, HEAD, OPTIONS", health},
    {"/status", "GET, HEAD, OPTIONS", status}, {"/scenario/status", "GET, HEAD, OPTIONS", scenario_status},
    {"/scenario/set", "POST, OPTIONS", NULL},
};
static const size_t n_routes = sizeof routes / sizeof routes[0];

typedef struct request { // from the first header line to the answer
    size_t n;
    bool too_large;
    char body[BODY_MAX];
} request;

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned code, tft_text *text, const char *allow)
{
    struct MHD_Response *const response = MHD_create_response_from_buffer(text->n, text->bytes, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    if (text->n > 0)
        MHD_add_response_header(response, "Content-Type", "application/json");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    if (allow != NULL)
        MHD_add_response_header(response, "Allow", allow);
    const enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result route(generate_control *control, struct MHD_Connection *connection, const char *path,
                             const char *method, const request *req)
{
    tft_text text = tft_text_new(REPLY_MAX);
    unsigned code = MHD_HTTP_NOT_FOUND;
    const char *allow = NULL;
    size_t i = 0;
    while (i < n_routes && strcmp(routes[i].path, path) != 0)
        i++;
    const bool is_get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (i == n_routes) {
        tft_text_puts(&text, "{\"detail\": \"Not Found\"}");
    } else if (strcmp(method, "OPTIONS") == 0) {
        code = MHD_HTTP_NO_CONTENT;
        allow = routes[i].allow;
    } else if (is_get && routes[i].get != NULL) {
        code = routes[i].get(control->stream, &text);
    } else if (strcmp(method, "POST") == 0 && routes[i].get == NULL) {
        if (req->too_large) {
            code = MHD_HTTP_CONTENT_TOO_LARGE;
            tft_text_printf(&text, "{\"status\": \"error\", \"message\": \"the body may have %d bytes\"}", BODY_MAX);
        } else {
            code = set_scenario(control->stream, req->body, req->n, &text);
        }
    } else {
        code = MHD_HTTP_METHOD_NOT_ALLOWED;
        allow = routes[i].allow;
        tft_text_puts(&text, "{\"detail\": \"Method Not Allowed\"}");
    }
    const enum MHD_Result result = text.failed ? MHD_NO : answer(connection, code, &text, allow);
    tft_text_free(&text);
    return result;
}

/* Called once with the headers, then for every piece of the body, then once more at its end. What is over the bound is read
 * and dropped, so that the client gets its 413; libmicrohttpd closes a connection that stays silent. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *piece, size_t *piece_bytes, void **state)
{
    (void)version;
    request *req = *state;
    if (req == NULL) {
        *state = req = calloc(1, sizeof *req);
        return req != NULL ? MHD_YES : MHD_NO;
    }
    if (*piece_bytes > 0) {
        if (*piece_bytes > BODY_MAX - req->n)
            req->too_large = true;
        else
            memcpy(req->body + req->n, piece, *piece_bytes);
        req->n += req->too_large ? 0 : *piece_bytes;
        *piece_bytes = 0;
        return MHD_YES;
    }
    return route(context, connection, path, method, req);
}

static void finished(void *context, struct MHD_Connection *connection, void **state,
                     enum MHD_RequestTerminationCode how)
{
    (void)context, (void)connection, (void)how;
    free(*state);
    *state = NULL;
}

static int listen_at(const char *text, uint16_t *port, tft_error *err)
{
    any_address address;
    if (!parse_address(text, &address)) {
        tft_fail(err, TFT_ERR_ARGUMENT, "\"%.100s\" is not an address such as 127.0.0.1:8001", text);
        return -1;
    }
    const bool v6 = address.any.sa_family == AF_INET6;
    socklen_t size = v6 ? sizeof address.v6 : sizeof address.v4;
    const int on = 1;
    const int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || bind(fd, &address.any, size) != 0 ||
        listen(fd, 32) != 0 || getsockname(fd, &address.any, &size) != 0) {
        tft_fail(err, TFT_ERR_IO, "cannot listen on %.100s: %s", text, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *port = ntohs(v6 ? address.v6.sin6_port : address.v4.sin_port);
    return fd;
}

tft_status generate_control_open(const char *address, generate_stream *stream, generate_control **out, tft_error *err)
{
    tft_error local = {0};
    tft_error *const e = err != NULL ? err : &local;
    generate_control *const control = calloc(1, sizeof *control);
    if (control == NULL)
        return tft_fail(e, TFT_ERR_MEMORY, "control port: out of memory");
    control->stream = stream;
    const int fd = listen_at(address, &control->port, e);
    if (fd < 0) {
        free(control);
        return e->status;
    }
    control->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL, handle, control,
                                       MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, finished, NULL,
                                       MHD_OPTION_CONNECTION_LIMIT, 32u, MHD_OPTION_CONNECTION_TIMEOUT, 10u,
                                       MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
    if (control->daemon == NULL) {
        close(fd);
        free(control);
        return tft_fail(e, TFT_ERR_IO, "the control port could not start");
    }
    *out = control;
    return TFT_OK;
}

void generate_control_close(generate_control *control)
{
    if (control == NULL)
        return;
    MHD_stop_daemon(control->daemon); // waits for its thread, closes the socket
    free(control);
}

uint16_t generate_control_port(const generate_control *control)
{
    return control->port;
}
