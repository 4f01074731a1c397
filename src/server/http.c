/* http.c - see http.h; the only file that knows libmicrohttpd.
 *
 * libmicrohttpd calls back several times per request; what is known in between lives in an `exchange`:
 *
 *     on_target     the request line     copy the target as it came, before anybody decodes it
 *     first call    headers are there    find the route; admit; refuse what is wrong already; reserve the body's bytes
 *     more calls    a piece of the body  kept up to max_body, then only counted
 *     last call     the body is whole    run the handler, queue its reply
 *     on_completed  the reply is sent    free the exchange, give the bytes back
 *
 * A reply can only be queued at the first or the last call, so a refusal is written at once and kept until then. A body
 * that turns out too large on the way (chunked) is read and dropped up to DROP_LIMIT, so that its sender sees the 413;
 * beyond that the connection ends.
 *
 * Streams: a reply whose bytes are made while it is sent. One that has nothing to send is suspended, so that it costs no
 * thread and no time, and resumed by http_wake_streams(). `wakes` counts those calls: a stream that found nothing and
 * sees that somebody has called meanwhile asks again instead of going to sleep on news.
 */
#include "server/http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
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
#include "server/http_check.h"
#include "server/http_framing.h"
#include "server/http_listen.h"
#include "server/http_patience.h"
#include "server/http_target.h"
#include "server/negotiate.h"
#include "server/pack.h"
#include "server/tls.h"

#define MAX_LISTEN 9
#define COMPRESS_FROM 1024             // bytes; smaller replies fit one packet anyway
#define MAX_REPLY ((size_t)1 << 30)    // bound of a reply's text
#define DROP_LIMIT ((size_t)256 << 20) // bytes of a refused body that are read and dropped
#define STREAM_BLOCK 16384             // bytes a stream is asked for at once
#define PREFLIGHT_S 600                // how long a browser may keep the answer to a preflight

// A declared body up to this size is read before an error is answered: the connection can then be kept.
#define EARLY_LIMIT ((uint64_t)65536)

const char *const http_method_names[HTTP_N_METHODS] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
const char *const http_refusal_names[HTTP_N_REFUSALS] = {"malformed", "slow_header", "slow_body", "connections"};

typedef struct live_stream live_stream;

struct http_server {
    http_options options;
    size_t n_daemons;
    struct MHD_Daemon *daemons[MAX_LISTEN];
    farewell *farewells;
    patience *patience;
    _Atomic uint64_t malformed;
    char url[128];
    struct sockaddr_storage knock_at; // the first listener's address
    _Atomic uint32_t knocker;         // the port that http_probe() knocks from; 0 = nobody does
    _Atomic size_t body_bytes;        // of all bodies being read
    _Atomic size_t running;           // exchanges
    _Atomic bool draining;
    _Atomic unsigned incidents;   // so far: tells two of one millisecond apart
    pthread_mutex_t streams_lock; // guards the next two and every stream's `suspended`
    live_stream *streams;
    uint64_t wakes;
};

typedef struct exchange {
    http_server *server;
    patience_guest *guest; // its connection
    bool begun;
    http_request request;
    bool refused; // the reply below goes out instead of the handler's
    http_reply refusal;
    char allow[64]; // where the path has routes
    char *body;
    size_t n, capacity;
    size_t reserved; // of server->body_bytes
    size_t dropped;
    double began_s;
    char peer[INET6_ADDRSTRLEN];
    bool parting;    // the body was not read: the socket needs a farewell
    size_t n_target; // bytes of the target
    char target[];   // as it came, then the space of its decoded pieces
} exchange;

static http_reply new_reply(const http_request *request)
{
    return (http_reply){.status = 200,
                        .content_type = "application/json",
                        .compressible = true,
                        .text = tft_text_new(MAX_REPLY),
                        .request = request};
}

static void drop_reply(http_reply *reply)
{
    if (reply->release != NULL)
        reply->release(reply->release_context);
    reply->release = NULL;
    tft_text_free(&reply->text);
}

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

typedef struct query_walk {
    http_query_visit *visit;
    void *context;
} query_walk;

static enum MHD_Result visit_query(void *context, enum MHD_ValueKind kind, const char *key, size_t key_size,
                                   const char *value, size_t value_size)
{
    (void)kind;
    const query_walk *const walk = context;
    return walk->visit(walk->context, key, key_size, value != NULL ? value : "", value_size) ? MHD_YES : MHD_NO;
}

void http_each_query(const http_request *request, http_query_visit *visit, void *context)
{
    query_walk walk = {visit, context};
    MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, visit_query, &walk);
}

const char *http_param(const http_request *request, const char *name)
{
    const int k = http_path_variable(request->route->path, name);
    assert(k >= 0 && (size_t)k < request->n_params);
    return request->params[k];
}

bool http_accepts_gzip(const http_request *request)
{
    return negotiate_takes_gzip(http_header(request, "Accept-Encoding"));
}

/* ---- streams ------------------------------------------------------------------------------------------- */

struct live_stream {
    http_server *server;
    struct MHD_Connection *connection;
    http_stream *read;
    void (*release)(void *context);
    void *context;
    bool suspended;
    live_stream *next, **link; // link: what points here
};

static ssize_t pull(void *context, uint64_t position, char *out, size_t max)
{
    (void)position;
    live_stream *const stream = context;
    http_server *const server = stream->server;
    pthread_mutex_lock(&server->streams_lock);
    const uint64_t wakes = server->wakes;
    pthread_mutex_unlock(&server->streams_lock);
    const ptrdiff_t n = stream->read(stream->context, out, max);
    if (n > 0)
        return (ssize_t)n;
    if (n == HTTP_STREAM_END || (n == HTTP_STREAM_WAIT && atomic_load(&server->draining)))
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n != HTTP_STREAM_WAIT)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    pthread_mutex_lock(&server->streams_lock);
    if (server->wakes == wakes) {
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
    }
    pthread_mutex_unlock(&server->streams_lock);
    return 0;
}

static void free_stream(void *context)
{
    live_stream *const stream = context;
    http_server *const server = stream->server;
    pthread_mutex_lock(&server->streams_lock);
    *stream->link = stream->next;
    if (stream->next != NULL)
        stream->next->link = stream->link;
    pthread_mutex_unlock(&server->streams_lock);
    if (stream->release != NULL)
        stream->release(stream->context);
    free(stream);
}

void http_wake_streams(http_server *server)
{
    pthread_mutex_lock(&server->streams_lock);
    server->wakes++;
    for (live_stream *stream = server->streams; stream != NULL; stream = stream->next) {
        if (stream->suspended) {
            stream->suspended = false;
            MHD_resume_connection(stream->connection);
        }
    }
    pthread_mutex_unlock(&server->streams_lock);
}

/* The reply's stream as a response that owns it. NULL without memory; the reply then still owns it. */
static struct MHD_Response *take_stream(http_server *server, struct MHD_Connection *connection, http_reply *reply)
{
    live_stream *const stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    *stream = (live_stream){.server = server,
                            .connection = connection,
                            .read = reply->stream,
                            .release = reply->release,
                            .context = reply->release_context};
    const uint64_t size = reply->stream_bytes > 0 ? reply->stream_bytes : MHD_SIZE_UNKNOWN;
    struct MHD_Response *const response =
        MHD_create_response_from_callback(size, STREAM_BLOCK, pull, stream, free_stream);
    if (response == NULL) {
        free(stream);
        return NULL;
    }
    pthread_mutex_lock(&server->streams_lock);
    stream->next = server->streams;
    stream->link = &server->streams;
    if (stream->next != NULL)
        stream->next->link = &stream->next;
    server->streams = stream;
    pthread_mutex_unlock(&server->streams_lock);
    reply->release = NULL;
    return response;
}

/* ---- replies ------------------------------------------------------------------------------------------- */

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
    if (!reply->compressible || reply->shared != NULL || reply->stream != NULL || reply->encoding != NULL ||
        !server->options.compress || reply->text.n < COMPRESS_FROM)
        return;
    http_reply_field(reply, "Vary", "Accept-Encoding");
    const char *const accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept-Encoding");
    reply->encoding = pack_text(negotiate_encoding_of(accept), &reply->text);
}

/* What a page of another origin needs to read the reply, where that origin is one of ours (Fetch standard, §3.2). */
static void add_cross_origin(const http_server *server, struct MHD_Connection *connection,
                             struct MHD_Response *response, const char *allow)
{
    const http_options *const o = &server->options;
    const char *const origin = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Origin");
    const http_origin known = o->origin_of != NULL ? o->origin_of(o->context, origin) : HTTP_NO_ORIGINS;
    if (known == HTTP_NO_ORIGINS)
        return;
    MHD_add_response_header(response, "Vary", "Origin");
    if (known == HTTP_UNKNOWN_ORIGIN ||
        MHD_add_response_header(response, "Access-Control-Allow-Origin", origin) != MHD_YES)
        return;
    MHD_add_response_header(response, "Access-Control-Expose-Headers",
                            "ETag, Location, Retry-After, Allow, Next-Cursor");
    if (allow == NULL ||
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Access-Control-Request-Method") == NULL)
        return;
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", PREFLIGHT_S);
    MHD_add_response_header(response, "Access-Control-Allow-Methods", allow);
    MHD_add_response_header(response, "Access-Control-Allow-Headers",
                            "Authorization, Content-Type, Content-Encoding, If-Match, If-None-Match, Idempotency-Key, "
                            "Last-Event-ID, X-API-Key");
    MHD_add_response_header(response, "Access-Control-Max-Age", seconds);
}

/* A defect of ours: the client gets a number, the log what happened. */
static void add_incident(exchange *ex, const char *method, http_reply *reply)
{
    char id[40];
    snprintf(id, sizeof id, "i-%llx-%x", (unsigned long long)ex->request.received_ms,
             atomic_fetch_add(&ex->server->incidents, 1) & 0xfffu);
    log_line(ex->server->options.log, LOG_TAG_ERROR, "Internal error %s: %s %s: %.300s", id, method, ex->request.path,
             reply->text.n > 0 ? reply->text.bytes : "");
    if (reply->text.n > 0 && reply->text.bytes[reply->text.n - 1] == '}') {
        tft_text_printf(http_problem_member(reply, "incident_id"), "\"%s\"", id);
        http_problem_end(reply);
    }
}

static void tell(const exchange *ex, const char *method, const http_reply *reply)
{
    const http_options *const o = &ex->server->options;
    if (o->observe == NULL)
        return;
    http_outcome outcome = {ex->request.route,   method,       reply->status, tft_monotonic_s() - ex->began_s,
                            ex->n + ex->dropped, &ex->request, NULL};
    for (size_t i = 0; i < reply->n_fields && reply->status == 201; i++) {
        if (strcmp(reply->fields[i].name, "Location") == 0)
            outcome.location = reply->fields[i].value;
    }
    o->observe(o->context, &outcome);
}

/* Queues the reply and frees what of it is not handed over. */
static enum MHD_Result send_reply(exchange *ex, struct MHD_Connection *connection, const char *method,
                                  http_reply *reply)
{
    http_server *const server = ex->server;
    patience_served(ex->guest);
    if (reply->text.failed) { // out of memory or past the bound: never send half a document
        drop_reply(reply);
        *reply = new_reply(&ex->request);
        http_reply_refusal(reply, 500, "too-large-to-send", "Reply too large", "the reply does not fit into memory");
    }
    if (reply->status == 500)
        add_incident(ex, method, reply);
    compress_text(server, connection, reply);
    struct MHD_Response *const response =
        reply->stream != NULL ? take_stream(server, connection, reply) : take_bytes(reply);
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
    add_cross_origin(server, connection, response, reply->status == 204 && ex->refused ? ex->allow : NULL);
    if (ex->parting || atomic_load(&server->draining))
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    tell(ex, method, reply);
    const enum MHD_Result queued = MHD_queue_response(connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    drop_reply(reply);
    return queued;
}

/* ---- refusals ------------------------------------------------------------------------------------------ */

/* The reply that will go out instead of the handler's. */
static http_reply *refuse(exchange *ex)
{
    assert(!ex->refused);
    ex->refused = true;
    ex->refusal = new_reply(&ex->request);
    return &ex->refusal;
}

static void refuse_body(exchange *ex, int status)
{
    http_reply *const reply = refuse(ex);
    if (status == 413) {
        http_reply_refusal(reply, 413, "body-too-large", "Body too large", "body too large: at most %zu bytes",
                           ex->server->options.max_body);
        return;
    }
    http_reply_refusal(reply, 503, "overloaded", "Overloaded", "too many large requests at once, try again");
    http_reply_field(reply, "Retry-After", "1");
}

/* What two readers could take for two different requests; the connection ends with it. */
static void refuse_framing(exchange *ex, const http_framing_fault *fault)
{
    ex->parting = true;
    if (fault->status == 400)
        atomic_fetch_add(&ex->server->malformed, 1);
    http_reply_refusal(refuse(ex), fault->status, fault->slug,
                       fault->status == 414   ? "Target too long"
                       : fault->status == 431 ? "Headers too large"
                                              : "Ambiguous request",
                       "%s", fault->why);
}

/* No route: 404, or 204 and 405 with the methods that the path has. */
static void refuse_route(exchange *ex, const char *method)
{
    http_reply *const reply = refuse(ex);
    if (ex->allow[0] == '\0' && ex->request.strict)
        http_reply_problem(reply, 404, "not-found", "Not found",
                           "There is nothing at this path; /docs lists what there is");
    else if (ex->allow[0] == '\0')
        http_reply_detail(reply, 404, "Not Found");
    else if (strcmp(method, "OPTIONS") == 0)
        reply->status = 204;
    else if (ex->request.strict)
        http_reply_problem(reply, 405, "method-not-allowed", "Method not allowed", "This path takes %s", ex->allow);
    else
        http_reply_detail(reply, 405, "Method Not Allowed");
    if (ex->allow[0] != '\0')
        http_reply_field(reply, "Allow", "%s", ex->allow);
}

/* Rules of /api/v1 that need no handler. */
static void check_strictly(exchange *ex, uint64_t declared)
{
    http_reply reply = new_reply(&ex->request);
    if (http_check_strictly(&ex->request, declared, &reply)) {
        drop_reply(&reply);
        return;
    }
    ex->refused = true;
    ex->refusal = reply;
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static void put_allow(unsigned methods, char allow[64])
{
    size_t n = 0;
    allow[0] = '\0';
    for (size_t m = 0; m < HTTP_N_METHODS; m++) {
        if ((methods & (1u << m)) != 0)
            n += (size_t)snprintf(allow + n, 64 - n, "%s, %s", http_method_names[m], m == HTTP_GET ? "HEAD, " : "");
    }
    if (methods != 0)
        snprintf(allow + n, 64 - n, "OPTIONS");
}

/* Rows that fit a path, and of these the one that takes the method. */
typedef struct route_match {
    unsigned known; // methods of all, a bit each
    const http_route *route;
    size_t n_params;
    const char *params[HTTP_MAX_PARAMS];
} route_match;

/* Sets request.route, or ex->allow where only other methods are there. Where some row is this very path, those with
 * {parameters} in its place are not meant. */
static void find_route(exchange *ex, const http_target *target, const char *method)
{
    const http_options *const o = &ex->server->options;
    http_request *const request = &ex->request;
    request->is_head = strcmp(method, "HEAD") == 0;
    size_t wanted = 0;
    while (wanted < HTTP_N_METHODS && strcmp(request->is_head ? "GET" : method, http_method_names[wanted]) != 0)
        wanted++;
    request->method = wanted < HTTP_N_METHODS ? (http_method)wanted : HTTP_GET;
    route_match literal = {0}, general = {0};
    for (size_t f = 0; f < o->n_families && literal.route == NULL; f++) {
        for (const http_route *route = o->families[f]; route->path != NULL; route++) {
            const char *params[HTTP_MAX_PARAMS];
            size_t n_params;
            if (!http_path_fits(route->path, target, params, &n_params))
                continue;
            route_match *const match = n_params == 0 ? &literal : &general;
            match->known |= 1u << route->method;
            if (route->method != wanted || match->route != NULL)
                continue;
            match->route = route;
            match->n_params = n_params;
            memcpy(match->params, params, n_params * sizeof params[0]);
        }
    }
    const route_match *const best = literal.known != 0 ? &literal : &general;
    request->route = best->route;
    request->n_params = best->n_params;
    memcpy(request->params, best->params, best->n_params * sizeof best->params[0]);
    put_allow(best->known, ex->allow);
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

/* What on_connection() left with the connection. */
static patience_guest *guest_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *const info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    const size_t n = strlen(target);
    exchange *const ex = calloc(1, sizeof *ex + n + 1 + http_target_space(n));
    if (ex == NULL)
        return NULL;
    ex->server = context;
    ex->guest = guest_of(connection);
    patience_head(ex->guest);
    ex->n_target = n;
    memcpy(ex->target, target, n + 1);
    return ex;
}

/* A path that is not text is shown with question marks. */
static void make_printable(char *path)
{
    for (char *c = path; *c != '\0'; c++)
        *c = (unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e ? '?' : *c;
}

/* What is known with the headers; ex->refused where that is enough. */
static void read_headers(exchange *ex, struct MHD_Connection *connection, const char *method, const char *version,
                         uint64_t declared)
{
    http_server *const server = ex->server;
    http_request *const request = &ex->request;
    http_target target;
    http_target_read(ex->target, ex->target + ex->n_target + 1, &target);
    if (!target.sound)
        make_printable(ex->target + ex->n_target + 1);
    *request = (http_request){.path = target.path,
                              .strict = strncmp(target.path, "/api/v1", 7) == 0 &&
                                        (target.path[7] == '/' || target.path[7] == '\0'),
                              .body = "",
                              .peer = ex->peer,
                              .received_ms = tft_wall_ms(),
                              .connection = connection};
    const http_framing_fault fault = http_framing_check(connection, ex->n_target, version);
    if (fault.status != 0) {
        refuse_framing(ex, &fault);
        return;
    }
    if (!target.sound && request->strict) {
        http_reply_problem(refuse(ex), 400, "bad-path", "Bad path",
                           "The path is not percent-encoded UTF-8, or holds a NUL");
        return;
    }
    if (target.sound)
        find_route(ex, &target, method);
    const bool options = strcmp(method, "OPTIONS") == 0;
    if (!options && server->options.admit != NULL) {
        http_reply reply = new_reply(request);
        if (!server->options.admit(server->options.context, request, &reply)) {
            ex->refused = true;
            ex->refusal = reply;
            return;
        }
        drop_reply(&reply);
    }
    if (request->route == NULL)
        refuse_route(ex, method);
    else if (declared != UINT64_MAX && declared > server->options.max_body)
        refuse_body(ex, 413);
    else if (request->strict)
        check_strictly(ex, declared);
    if (!ex->refused && declared != UINT64_MAX && declared > 0 && !reserve_bytes(ex, (size_t)declared))
        refuse_body(ex, 503);
}

static enum MHD_Result begin(exchange *ex, struct MHD_Connection *connection, const char *method, const char *version)
{
    ex->begun = true;
    ex->began_s = tft_monotonic_s();
    atomic_fetch_add(&ex->server->running, 1);
    note_peer(ex, connection);
    const uint64_t declared = declared_body(connection);
    read_headers(ex, connection, method, version, declared);
    if (!ex->parting && (!ex->refused || declared <= EARLY_LIMIT)) {
        if (declared > 0)
            patience_body(ex->guest);
        return MHD_YES; // go on to the body, if there is one; a refusal waits for its end
    }
    ex->parting = true;
    return send_reply(ex, connection, method, &ex->refusal);
}

/* Keeps a piece of the body. False: the connection is to end. */
static bool keep(exchange *ex, const char *bytes, size_t n)
{
    if (!ex->refused && ex->n + n > ex->server->options.max_body)
        refuse_body(ex, 413);
    if (!ex->refused && ex->n + n > ex->reserved && !reserve_bytes(ex, ex->n + n - ex->reserved))
        refuse_body(ex, 503);
    if (!ex->refused && ex->n + n > ex->capacity) {
        const size_t wanted = ex->reserved > 2 * ex->capacity ? ex->reserved : 2 * ex->capacity;
        char *const body = realloc(ex->body, wanted);
        if (body == NULL) {
            refuse_body(ex, 503);
        } else {
            ex->body = body;
            ex->capacity = wanted;
        }
    }
    if (ex->refused) {
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
    (void)path;
    http_server *const server = context;
    exchange *const ex = *slot;
    if (ex == NULL) // no memory
        return MHD_NO;
    if (!ex->begun)
        return begin(ex, connection, method, version);
    if (*upload_size > 0) {
        const size_t n = *upload_size;
        *upload_size = 0;
        patience_more(ex->guest, n);
        return keep(ex, upload, n) ? MHD_YES : MHD_NO;
    }
    if (ex->refused)
        return send_reply(ex, connection, method, &ex->refusal);
    ex->request.body = ex->n > 0 ? ex->body : "";
    ex->request.body_len = ex->n;
    patience_served(ex->guest);
    http_reply reply = new_reply(&ex->request);
    ex->request.route->handler(server->options.context, &ex->request, &reply);
    return send_reply(ex, connection, method, &reply);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode why)
{
    (void)why;
    http_server *const server = context;
    exchange *const ex = *slot;
    if (ex == NULL)
        return;
    patience_rests(ex->guest);
    if (ex->parting) { // libmicrohttpd closes its descriptor after this; ours keeps the socket open for the rest of the body
        const union MHD_ConnectionInfo *const info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        const int fd = info != NULL ? dup(info->connect_fd) : -1;
        if (fd >= 0)
            farewell_adopt(server->farewells, fd);
    }
    atomic_fetch_sub(&server->body_bytes, ex->reserved);
    if (ex->begun)
        atomic_fetch_sub(&server->running, 1);
    if (ex->refused)
        drop_reply(&ex->refusal); // where it was not sent; else there is nothing left in it
    free(ex->body);
    free(ex);
    *slot = NULL;
}

static enum MHD_Result on_accept(void *context, const struct sockaddr *from, socklen_t length)
{
    (void)length;
    http_server *const server = context;
    if (http_is_knock(from, &server->knock_at, &server->knocker)) {
        if (server->options.alive != NULL)
            server->options.alive(server->options.context);
        return MHD_NO; // that was all
    }
    return patience_takes(server->patience, from) ? MHD_YES : MHD_NO;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode what)
{
    const http_server *const server = context;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        patience_part(*slot);
        *slot = NULL;
        return;
    }
    const union MHD_ConnectionInfo *const fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *const from =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (fd != NULL && from != NULL)
        *slot = patience_meet(server->patience, fd->connect_fd, from->client_addr);
}

static void on_mhd_log(void *context, const char *format, va_list args)
{
    const http_server *const server = context;
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_line(server->options.log, LOG_TAG_DEBUG, "http: %s", text);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static tft_status start_daemon(http_server *server, int fd, tft_error *err)
{
    const http_options *const o = &server->options;
    const struct MHD_OptionItem secure[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, o->tls != NULL ? tls_certificate_callback() : NULL},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, o->tls != NULL ? (void *)(uintptr_t)tls_priorities() : NULL},
        {MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_Daemon *const daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                             (o->tls != NULL ? MHD_USE_TLS : 0),
                         0, on_accept, server, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, server,
                         MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
                         server, MHD_OPTION_CONNECTION_LIMIT,
                         (o->max_connections + 1) * o->threads, // each thread could take all: on_accept() counts
                         MHD_OPTION_CONNECTION_TIMEOUT, o->idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                         (size_t)HTTP_CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_THREAD_POOL_SIZE,
                         o->threads, MHD_OPTION_ARRAY, o->tls != NULL ? secure : plain, MHD_OPTION_END);
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
    pthread_mutex_init(&server->streams_lock, NULL);
    const patience_limits limits = {options->header_timeout_ms, options->body_timeout_ms, options->max_connections,
                                    options->max_connections_per_ip, options->tls != NULL};
    tft_status status = farewell_open(&server->farewells, err);
    if (status == TFT_OK)
        status = patience_open(&limits, &server->patience, err);
    for (size_t i = 0; i < options->n_listen && status == TFT_OK; i++) {
        int fd = -1;
        char host[64];
        uint16_t port = 0;
        tft_error busy = {0};
        status = http_listen_at(options->listen[i], options->inherited, options->n_inherited, &fd, host, &port, &busy);
        if (status == TFT_ERR_BUSY && i + options->n_optional >= options->n_listen) {
            log_line(options->log, LOG_TAG_WARNING, "The dashboard is at %s/ui/ only: %s", server->url, busy.text);
            status = TFT_OK;
            continue;
        }
        if (status != TFT_OK && err != NULL)
            *err = busy;
        if (status == TFT_OK && i == 0)
            snprintf(server->url, sizeof server->url, strchr(host, ':') != NULL ? "%s://[%s]:%u" : "%s://%s:%u",
                     options->tls != NULL ? "https" : "http", host, port);
        if (status == TFT_OK && i == 0)
            http_knocking_place(fd, &server->knock_at);
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
    http_wake_streams(server);
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
    server->draining = true;
    http_wake_streams(server); // libmicrohttpd does not stop while a connection is suspended, and none is from here on
    for (size_t i = 0; i < server->n_daemons; i++)
        MHD_stop_daemon(server->daemons[i]);
    patience_close(server->patience);
    farewell_close(server->farewells);
    pthread_mutex_destroy(&server->streams_lock);
    free(server);
}

void http_probe(http_server *server)
{
    http_knock(&server->knock_at, &server->knocker);
}

void http_count_refusals(const http_server *server, uint64_t counts[HTTP_N_REFUSALS])
{
    const patience_counts late = patience_count(server->patience);
    counts[HTTP_REFUSED_MALFORMED] = atomic_load(&server->malformed);
    counts[HTTP_REFUSED_SLOW_HEADER] = late.slow_heads;
    counts[HTTP_REFUSED_SLOW_BODY] = late.slow_bodies;
    counts[HTTP_REFUSED_CONNECTIONS] = late.crowded;
}

const char *http_url(const http_server *server)
{
    return server->url;
}
