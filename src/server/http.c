/* http.c - see http.h; the only file that knows libmicrohttpd.
 *
 * libmicrohttpd calls on_request() several times per request; what is known in between lives in an `exchange`:
 *
 *     first call    headers are there    find the route; refuse a body that is declared too large; reserve its bytes
 *     more calls    a piece of the body  kept up to max_body, then only counted
 *     last call     the body is whole    run the handler, queue its reply
 *     on_completed  the reply is sent    free the exchange, give the bytes back
 *
 * A reply can only be queued at the first or the last call. A body that turns out too large on the way (chunked) is read
 * and dropped up to DROP_LIMIT, so that its sender sees the 413; beyond that the connection ends.
 */
#include "server/http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/farewell.h"
#include "server/gzip.h"

#define MAX_LISTEN 8
#define COMPRESS_FROM 1024             // bytes; smaller replies fit one packet anyway
#define MAX_REPLY ((size_t)1 << 30)    // bound of a reply's text
#define DROP_LIMIT ((size_t)256 << 20) // bytes of a refused body that are read and dropped
#define CONNECTION_MEMORY 49152        // request line and headers of one request

// A declared body up to this size is read before an error is answered: the connection can then be kept.
#define EARLY_LIMIT ((uint64_t)65536)

struct http_server {
    http_options options;
    size_t n_daemons;
    struct MHD_Daemon *daemons[MAX_LISTEN];
    farewell *farewells;
    char url[128];
    _Atomic size_t body_bytes; // of all bodies being read
    _Atomic size_t running;    // exchanges
    _Atomic bool draining;
};

typedef struct exchange {
    http_server *server;
    http_handler *handler; // NULL: refused, `early` says how
    const char *allow;     // for 405 and OPTIONS
    int early;             // status to answer without a handler
    char *body;
    size_t n, capacity;
    size_t reserved; // of server->body_bytes
    size_t dropped;
    int64_t received_ms;
    char peer[INET6_ADDRSTRLEN];
    bool parting; // the body was not read: the socket needs a farewell
} exchange;

/* ---- what handlers call -------------------------------------------------------------------------------- */

const char *http_header(const http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

typedef struct query_search {
    const char *name, *value;
    bool found;
} query_search;

static enum MHD_Result find_query(void *context, enum MHD_ValueKind kind, const char *key, const char *value)
{
    (void)kind;
    query_search *const search = context;
    if (search->found || strcmp(key, search->name) != 0)
        return MHD_YES;
    search->found = true;
    search->value = value != NULL ? value : "";
    return MHD_NO;
}

const char *http_query(const http_request *request, const char *name)
{
    query_search search = {.name = name};
    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, find_query, &search);
    return search.value;
}

/* Accept-Encoding is a list "gzip;q=0.8, br, *;q=0" (RFC 9110 §12.5.3). */
static bool list_accepts_gzip(const char *list)
{
    int gzip = -1, any = -1; // 1 taken, 0 refused, −1 not named
    while (list != NULL && *list != '\0') {
        list += strspn(list, " \t,");
        const size_t word = strcspn(list, " \t;,");
        const size_t item = strcspn(list, ",");
        const char *const q = memchr(list, ';', item);
        const char *const value = q == NULL ? NULL : strstr(q, "q=");
        const int taken = value == NULL || value > list + item || strtod(value + 2, NULL) > 0;
        if ((word == 4 && strncasecmp(list, "gzip", 4) == 0) || (word == 6 && strncasecmp(list, "x-gzip", 6) == 0))
            gzip = taken;
        else if (word == 1 && *list == '*')
            any = taken;
        list += item;
    }
    return gzip == 1 || (gzip == -1 && any == 1);
}

bool http_accepts_gzip(const http_request *request)
{
    return list_accepts_gzip(http_header(request, "Accept-Encoding"));
}

void http_reply_field(http_reply *reply, const char *name, const char *format, ...)
{
    assert(reply->n_fields < HTTP_MAX_FIELDS);
    http_field *const field = &reply->fields[reply->n_fields++];
    field->name = name;
    va_list args;
    va_start(args, format);
    vsnprintf(field->value, sizeof field->value, format, args);
    va_end(args);
    char *out = field->value;
    for (const char *in = field->value; *in != '\0'; in++) {
        if ((unsigned char)*in >= 0x20 && (unsigned char)*in != 0x7f)
            *out++ = *in;
    }
    *out = '\0';
}

void http_reply_detail(http_reply *reply, int status, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    reply->status = status;
    tft_text_clear(&reply->text);
    tft_text_puts(&reply->text, "{\"detail\": ");
    tft_text_json_string(&reply->text, text, strlen(text));
    tft_text_puts(&reply->text, "}");
}

/* ---- replies ------------------------------------------------------------------------------------------- */

static http_reply new_reply(void)
{
    return (http_reply){
        .status = 200, .content_type = "application/json", .compressible = true, .text = tft_text_new(MAX_REPLY)};
}

static void drop_reply(http_reply *reply)
{
    if (reply->release != NULL)
        reply->release(reply->release_context);
    tft_text_free(&reply->text);
}

/* What a response made of two pieces keeps until it is sent. */
typedef struct kept_pieces {
    void (*release)(void *context);
    void *release_context;
    char *tail;
} kept_pieces;

static void free_pieces(void *context)
{
    kept_pieces *const kept = context;
    if (kept->release != NULL)
        kept->release(kept->release_context);
    free(kept->tail);
    free(kept);
}

/* The reply's bytes as a response that owns them. NULL without memory; the reply then still owns everything. */
static struct MHD_Response *take_bytes(http_reply *reply)
{
    struct MHD_Response *response;
    if (reply->shared == NULL) {
        if (reply->text.n == 0)
            return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        response = MHD_create_response_from_buffer(reply->text.n, reply->text.bytes, MHD_RESPMEM_MUST_FREE);
        if (response != NULL)
            reply->text = tft_text_new(0);
        return response;
    }
    kept_pieces *const kept = malloc(sizeof *kept);
    if (kept == NULL)
        return NULL;
    *kept = (kept_pieces){reply->release, reply->release_context, reply->text.bytes};
    const struct MHD_IoVec pieces[2] = {{reply->shared, reply->shared_len}, {reply->text.bytes, reply->text.n}};
    response = MHD_create_response_from_iovec(pieces, reply->text.n > 0 ? 2 : 1, free_pieces, kept);
    if (response == NULL) {
        free(kept);
        return NULL;
    }
    reply->release = NULL;
    reply->text = tft_text_new(0);
    return response;
}

static void compress_text(const http_server *server, struct MHD_Connection *connection, http_reply *reply)
{
    if (!reply->compressible || reply->shared != NULL || reply->encoding != NULL || !server->options.compress ||
        reply->text.n < COMPRESS_FROM)
        return;
    http_reply_field(reply, "Vary", "Accept-Encoding");
    if (!list_accepts_gzip(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept-Encoding")))
        return;
    tft_text packed = tft_text_new(MAX_REPLY);
    if (gzip_whole(reply->text.bytes, reply->text.n, &packed) && packed.n < reply->text.n) {
        const tft_text plain = reply->text;
        reply->text = packed;
        packed = plain;
        reply->encoding = "gzip";
    }
    tft_text_free(&packed);
}

/* Queues the reply and frees what of it is not handed over. */
static enum MHD_Result send_reply(http_server *server, struct MHD_Connection *connection, http_reply *reply,
                                  bool close_after)
{
    if (reply->text.failed) { // out of memory or past the bound: never send half a document
        http_reply broken = new_reply();
        drop_reply(reply);
        *reply = broken;
        http_reply_detail(reply, 500, "the reply does not fit into memory");
    }
    compress_text(server, connection, reply);
    struct MHD_Response *const response = take_bytes(reply);
    if (response == NULL) {
        drop_reply(reply);
        return MHD_NO;
    }
    if (reply->status != 204 && reply->status != 304)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    if (reply->encoding != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, reply->encoding);
    for (size_t i = 0; i < reply->n_fields; i++)
        MHD_add_response_header(response, reply->fields[i].name, reply->fields[i].value);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (close_after || atomic_load(&server->draining))
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    const enum MHD_Result queued = MHD_queue_response(connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    drop_reply(reply);
    return queued;
}

/* The answers that need no handler. */
static enum MHD_Result send_early(exchange *ex, struct MHD_Connection *connection)
{
    http_reply reply = new_reply();
    reply.status = ex->early;
    switch (ex->early) {
    case 204:
        break;
    case 404:
        http_reply_detail(&reply, 404, "Not Found");
        break;
    case 405:
        http_reply_detail(&reply, 405, "Method Not Allowed");
        break;
    case 413:
        http_reply_detail(&reply, 413, "body too large: at most %zu bytes", ex->server->options.max_body);
        break;
    default:
        http_reply_detail(&reply, 503, "too many large requests at once, try again");
        http_reply_field(&reply, "Retry-After", "1");
    }
    if (ex->allow != NULL)
        http_reply_field(&reply, "Allow", "%s", ex->allow);
    return send_reply(ex->server, connection, &reply, ex->parting);
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static const char *const allow_words[] = {NULL, "GET, HEAD, OPTIONS", "POST, OPTIONS", "GET, HEAD, POST, OPTIONS"};

static void find_route(const http_server *server, exchange *ex, const char *path, const char *method)
{
    const bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    const bool post = strcmp(method, "POST") == 0;
    unsigned known = 0;
    for (size_t i = 0; i < server->options.n_routes; i++) {
        const http_route *const route = &server->options.routes[i];
        if (strcmp(route->path, path) != 0)
            continue;
        known |= route->method == HTTP_GET ? 1 : 2;
        if (route->method == HTTP_GET ? get : post)
            ex->handler = route->handler;
    }
    if (ex->handler != NULL)
        return;
    ex->allow = allow_words[known];
    ex->early = known == 0 ? 404 : strcmp(method, "OPTIONS") == 0 ? 204 : 405;
}

static void note_peer(exchange *ex, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *const info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *const address = info != NULL ? info->client_addr : NULL;
    const char *text = NULL;
    if (address != NULL && address->sa_family == AF_INET)
        text = inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, ex->peer,
                         sizeof ex->peer);
    else if (address != NULL && address->sa_family == AF_INET6)
        text = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, ex->peer,
                         sizeof ex->peer);
    if (text == NULL)
        snprintf(ex->peer, sizeof ex->peer, "unknown");
}

/* Bytes the request declares; 0 without a body, UINT64_MAX for a chunked one. */
static uint64_t declared_body(struct MHD_Connection *connection)
{
    if (MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL)
        return UINT64_MAX;
    const char *const length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length == NULL)
        return 0;
    errno = 0;
    const unsigned long long value = strtoull(length, NULL, 10);
    return errno != 0 ? UINT64_MAX - 1 : value;
}

static bool reserve_bytes(exchange *ex, size_t n)
{
    http_server *const server = ex->server;
    if (atomic_fetch_add(&server->body_bytes, n) + n > server->options.body_budget) {
        atomic_fetch_sub(&server->body_bytes, n);
        return false;
    }
    ex->reserved += n;
    return true;
}

static enum MHD_Result begin(http_server *server, struct MHD_Connection *connection, const char *path,
                             const char *method, void **slot)
{
    exchange *const ex = calloc(1, sizeof *ex);
    if (ex == NULL)
        return MHD_NO;
    *slot = ex;
    ex->server = server;
    atomic_fetch_add(&server->running, 1);
    ex->received_ms = tft_wall_ms();
    note_peer(ex, connection);
    find_route(server, ex, path, method);

    const uint64_t declared = declared_body(connection);
    if (ex->handler != NULL && declared != UINT64_MAX && declared > server->options.max_body)
        ex->early = 413;
    else if (ex->handler != NULL && declared != UINT64_MAX && declared > 0 && !reserve_bytes(ex, (size_t)declared))
        ex->early = 503;
    if (ex->early == 0 || declared <= EARLY_LIMIT)
        return MHD_YES; // go on to the body, if there is one; an early answer waits for its end
    ex->handler = NULL;
    ex->parting = true;
    return send_early(ex, connection);
}

/* Keeps a piece of the body. False: the connection is to end. */
static bool keep(exchange *ex, const char *bytes, size_t n)
{
    if (ex->early == 0 && ex->n + n > ex->server->options.max_body)
        ex->early = 413;
    if (ex->early == 0 && ex->n + n > ex->reserved && !reserve_bytes(ex, ex->n + n - ex->reserved))
        ex->early = 503;
    if (ex->early == 0 && ex->n + n > ex->capacity) {
        const size_t wanted = ex->reserved > 2 * ex->capacity ? ex->reserved : 2 * ex->capacity;
        char *const body = realloc(ex->body, wanted);
        if (body == NULL) {
            ex->early = 503;
        } else {
            ex->body = body;
            ex->capacity = wanted;
        }
    }
    if (ex->early != 0) {
        free(ex->body);
        ex->body = NULL;
        ex->n = ex->capacity = 0;
        ex->dropped += n;
        return ex->dropped <= DROP_LIMIT;
    }
    memcpy(ex->body + ex->n, bytes, n);
    ex->n += n;
    return true;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload, size_t *upload_size,
                                  void **slot)
{
    (void)version;
    http_server *const server = context;
    if (*slot == NULL)
        return begin(server, connection, path, method, slot);
    exchange *const ex = *slot;
    if (*upload_size > 0) {
        const size_t n = *upload_size;
        *upload_size = 0;
        return keep(ex, upload, n) ? MHD_YES : MHD_NO;
    }
    if (ex->early != 0)
        return send_early(ex, connection);
    const http_request request = {
        .method = strcmp(method, "POST") == 0 ? HTTP_POST : HTTP_GET,
        .path = path,
        .body = ex->n > 0 ? ex->body : "",
        .body_len = ex->n,
        .peer = ex->peer,
        .received_ms = ex->received_ms,
        .connection = connection,
    };
    http_reply reply = new_reply();
    ex->handler(server->options.context, &request, &reply);
    return send_reply(server, connection, &reply, false);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode why)
{
    (void)why;
    http_server *const server = context;
    exchange *const ex = *slot;
    if (ex == NULL)
        return;
    if (ex->parting) { // libmicrohttpd closes its descriptor after this; ours keeps the socket open for the rest of the body
        const union MHD_ConnectionInfo *const info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        const int fd = info != NULL ? dup(info->connect_fd) : -1;
        if (fd >= 0)
            farewell_adopt(server->farewells, fd);
    }
    atomic_fetch_sub(&server->body_bytes, ex->reserved);
    atomic_fetch_sub(&server->running, 1);
    free(ex->body);
    free(ex);
    *slot = NULL;
}

static void on_mhd_log(void *context, const char *format, va_list args)
{
    const http_server *const server = context;
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_line(server->options.log, LOG_TAG_DEBUG, "http: %s", text);
}

/* ---- addresses ----------------------------------------------------------------------------------------- */

bool http_address_parse(const char *text, char host[64], uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text)
        return false;
    const char *from = text;
    size_t n = (size_t)(colon - text);
    if (text[0] == '[') {
        if (n < 3 || text[n - 1] != ']')
            return false;
        from++;
        n -= 2;
    } else if (memchr(text, ':', n) != NULL) {
        return false; // an IPv6 address needs its brackets
    }
    char *end;
    errno = 0;
    const unsigned long value = strtoul(colon + 1, &end, 10);
    if (n >= 64 || colon[1] < '0' || colon[1] > '9' || *end != '\0' || errno != 0 || value > 65535)
        return false;
    memcpy(host, from, n);
    host[n] = '\0';
    *port = (uint16_t)value;
    unsigned char address[16];
    if (strcmp(host, "localhost") == 0)
        snprintf(host, 64, "127.0.0.1");
    return inet_pton(text[0] == '[' ? AF_INET6 : AF_INET, host, address) == 1;
}

bool http_address_is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* A listening socket; *port becomes the one that was picked. */
static tft_status listen_at(const char *text, int *out, char host[64], uint16_t *port, tft_error *err)
{
    if (!http_address_parse(text, host, port))
        return tft_fail(err, TFT_ERR_ARGUMENT, "\"%s\" is not ADDRESS:PORT (127.0.0.1:8000, [::1]:8000)", text);
    const bool six = strchr(host, ':') != NULL;
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(*port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(*port)};
    inet_pton(six ? AF_INET6 : AF_INET, host, six ? (void *)&in6.sin6_addr : (void *)&in4.sin_addr);
    const struct sockaddr *const address = six ? (const void *)&in6 : (const void *)&in4;
    socklen_t length = six ? sizeof in6 : sizeof in4;

    const int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    if (fd < 0)
        return tft_fail(err, TFT_ERR_BUSY, "%s: socket: %s", text, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (six)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, address, length) != 0 || listen(fd, SOMAXCONN) != 0) {
        const tft_status status = tft_fail(err, TFT_ERR_BUSY, "cannot listen on %s: %s", text, strerror(errno));
        close(fd);
        return status;
    }
    if (six && getsockname(fd, (struct sockaddr *)(void *)&in6, &length) == 0)
        *port = ntohs(in6.sin6_port);
    else if (!six && getsockname(fd, (struct sockaddr *)(void *)&in4, &length) == 0)
        *port = ntohs(in4.sin_port);
    *out = fd;
    return TFT_OK;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static tft_status start_daemon(http_server *server, int fd, tft_error *err)
{
    const http_options *const o = &server->options;
    struct MHD_Daemon *const daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, server,
        MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, server, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_CONNECTION_LIMIT, o->max_connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->max_connections_per_ip, MHD_OPTION_CONNECTION_TIMEOUT, o->idle_timeout_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_THREAD_POOL_SIZE, o->threads, MHD_OPTION_END);
    if (daemon == NULL) {
        close(fd);
        return tft_fail(err, TFT_ERR_MEMORY, "the HTTP server could not be started");
    }
    server->daemons[server->n_daemons++] = daemon;
    return TFT_OK;
}

tft_status http_open(const http_options *options, http_server **out, tft_error *err)
{
    *out = NULL;
    if (options->n_listen == 0 || options->n_listen > MAX_LISTEN)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%zu listeners, 1 to %d are possible", options->n_listen, MAX_LISTEN);
    http_server *const server = calloc(1, sizeof *server);
    if (server == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for an HTTP server");
    server->options = *options;
    tft_status status = farewell_open(&server->farewells, err);
    for (size_t i = 0; i < options->n_listen && status == TFT_OK; i++) {
        int fd = -1;
        char host[64];
        uint16_t port = 0;
        status = listen_at(options->listen[i], &fd, host, &port, err);
        if (status == TFT_OK && i == 0)
            snprintf(server->url, sizeof server->url, strchr(host, ':') != NULL ? "http://[%s]:%u" : "http://%s:%u",
                     host, port);
        if (status == TFT_OK)
            status = start_daemon(server, fd, err);
    }
    if (status != TFT_OK) {
        http_close(server);
        return status;
    }
    *out = server;
    return TFT_OK;
}

size_t http_drain(http_server *server, int64_t max_ms)
{
    server->draining = true;
    for (size_t i = 0; i < server->n_daemons; i++) {
        const MHD_socket fd = MHD_quiesce_daemon(server->daemons[i]);
        if (fd != MHD_INVALID_SOCKET)
            close(fd);
    }
    const double until = tft_monotonic_s() + 1e-3 * (double)max_ms;
    while (server->running > 0 && tft_monotonic_s() < until) {
        const struct timespec nap = {.tv_nsec = 5000000};
        nanosleep(&nap, NULL);
    }
    return server->running;
}

void http_close(http_server *server)
{
    if (server == NULL)
        return;
    for (size_t i = 0; i < server->n_daemons; i++)
        MHD_stop_daemon(server->daemons[i]);
    farewell_close(server->farewells);
    free(server);
}

const char *http_url(const http_server *server)
{
    return server->url;
}
