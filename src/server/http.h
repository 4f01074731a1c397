/* http.h - an HTTP/1.1 server in the words of this daemon; http.c is the only file that knows libmicrohttpd
 * (with http_framing.c, which reads a request's headers for it).
 *
 * A route is a row: a path, a method, a role, the parameters that it takes, a handler; and what the OpenAPI document says
 * about it, so that the document is made of the routes themselves. The handler reads a finished request and fills a reply.
 * Paths without a route, methods without a route, HEAD, OPTIONS, cross-origin requests, unknown parameters, bodies that
 * are too large, compression and keep-alive are dealt with here, the same for all routes. A handler runs on a worker
 * thread of the server and may block for a commit, but never for the network's work.
 *
 * Two surfaces: below /api/v1 (strict = true) errors are problem documents (RFC 9457), and a parameter that a route
 * does not list is one; elsewhere errors are {"detail": …}, as clients of the original know them.
 *
 *     path      segments between slashes; "{name}" takes any one segment, "{name*}" the rest of the path.
 *               A request's segments are percent-decoded one by one, so a name may hold an encoded slash.
 *     role      who may: decided by http_options.admit before the body is read, never by a handler
 *
 * Memory:  a body is buffered whole, at most max_body each and body_budget together; a reply owns its text until sent.
 * Threads: handlers run in parallel; everything else belongs to the thread that opened the server.
 */
#ifndef TFTD_SERVER_HTTP_H
#define TFTD_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "server/log.h"
#include "tft/error.h"

typedef struct http_server http_server;

typedef enum http_method {
    HTTP_GET, // HEAD and OPTIONS follow from the others
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_N_METHODS
} http_method;
extern const char *const http_method_names[HTTP_N_METHODS];

/* Who may use a route. Each role may what the ones before it may. */
typedef enum http_role { ROLE_OPEN, ROLE_READ, ROLE_WRITE, ROLE_ADMIN } http_role;

#define HTTP_CONNECTION_MEMORY 49152 // bytes a connection may hold of a request's line and headers
#define HTTP_MAX_PARAMS 4            // {name} segments of one path

typedef struct http_route http_route;

/* A request, lent to the handler for the duration of its call. */
typedef struct http_request {
    http_method method; // HEAD is a GET whose body nobody reads
    bool is_head;
    bool strict;             // below /api/v1
    const http_route *route; // NULL: none was found (admit() sees such requests too)
    const char *path;        // percent-decoded, without the query
    const char *body;        // [body_len], as sent (still compressed where Content-Encoding says so)
    size_t body_len;
    const char *peer; // "127.0.0.1"
    int64_t received_ms;
    // set by admit(), for the audit log: who it is and what he may
    char key_name[64];
    http_role granted;
    size_t n_params;
    const char *params[HTTP_MAX_PARAMS]; // in the order of the route's path: http_param()
    void *connection;                    // private to http.c
} http_request;

/* Value of a header (name in any case), or NULL. */
const char *http_header(const http_request *request, const char *name);
/* Percent-decoded value of a query parameter, "" where it has none, NULL where it is not there. */
const char *http_query(const http_request *request, const char *name);
/* All of them, decoded, in their order, until visit returns false. */
typedef bool http_query_visit(void *context, const char *key, size_t n_key, const char *value, size_t n_value);
void http_each_query(const http_request *request, http_query_visit *visit, void *context);
/* The segment that stands for {name} in the route's path, decoded: valid UTF-8 without NUL, not empty. */
const char *http_param(const http_request *request, const char *name);
/* Whether Accept-Encoding takes gzip. */
bool http_accepts_gzip(const http_request *request);

#define HTTP_MAX_FIELDS 16
typedef struct http_field {
    const char *name; // static
    char value[480];
} http_field;

/* Writes at most `max` bytes of a body that is made while it is sent. Returns how many, or one of these. */
#define HTTP_STREAM_WAIT 0      // nothing now: called again after http_wake_streams()
#define HTTP_STREAM_END (-1)    // that was all
#define HTTP_STREAM_BROKEN (-2) // the connection is cut, so that the client sees that something is missing
typedef ptrdiff_t http_stream(void *context, char *out, size_t max);

/* What goes back: the shared bytes, if any, then the text; or a stream. The handler fills it; the server frees it. */
typedef struct http_reply {
    int status;               // 200 unless set
    const char *content_type; // static; "application/json" unless set
    const char *encoding;     // static; set where the bytes are already compressed
    bool compressible;        // true unless cleared: the server may pack the text (never shared bytes, never a stream)
    const char *shared;       // [shared_len], lent until release(release_context) is called
    size_t shared_len;
    http_stream *stream; // then shared and text are not sent; release() is called when the stream is over or abandoned
    size_t stream_bytes; // how long it will be, where that is known: Content-Length; else 0
    void (*release)(void *context);
    void *release_context; // also what `stream` gets
    tft_text text;
    size_t n_fields;
    http_field fields[HTTP_MAX_FIELDS];
    const http_request *request; // set by the server: for "instance" in problems
} http_reply;

/* Adds a header; the value is cut at 479 bytes, and bytes that may not stand in a header are dropped. */
void http_reply_field(http_reply *reply, const char *name, const char *format, ...) TFT_PRINTF(3, 4);
/* {"detail": "<text>"} with this status. */
void http_reply_detail(http_reply *reply, int status, const char *format, ...) TFT_PRINTF(3, 4);

/* An RFC 9457 problem: {"type": "/docs/problems/<slug>", "title", "status", "detail", "instance"}; what the reply held
 * before is dropped. Each slug has its row in problems.c, which explains it at /docs/problems/<slug>. */
void http_reply_problem(http_reply *reply, int status, const char *slug, const char *title, const char *format, ...)
    TFT_PRINTF(5, 6);
/* Opens the problem for one more member; the caller appends its JSON value to the text returned, then http_problem_end(). */
tft_text *http_problem_member(http_reply *reply, const char *key);
void http_problem_end(http_reply *reply);
/* Below /api/v1 a problem, else a detail; for what both surfaces refuse. */
void http_reply_refusal(http_reply *reply, int status, const char *slug, const char *title, const char *format, ...)
    TFT_PRINTF(5, 6);

/* Sets ETag: W/"<tag>" and answers 304 where If-None-Match has it (RFC 9110 §13.1.2): returns true then. */
bool http_not_modified(const http_request *request, http_reply *reply, const char *tag);
/* For writes where two writers could clash: true where If-Match names `tag` or is "*"; else the reply is 412, or 428
 * where there is no If-Match. */
bool http_if_match(const http_request *request, http_reply *reply, const char *tag);

/* ---- routes -------------------------------------------------------------------------------------------- */

typedef void http_handler(void *context, const http_request *request, http_reply *reply);

/* One parameter of a route: of the path where "{name}" stands in it, else of the query. */
typedef struct http_parameter {
    const char *name;    // NULL ends a list
    const char *schema;  // JSON Schema, {"type": "string"} where NULL
    const char *text;    // one sentence
    const char *example; // as it stands in the URL; needed for those of the path
    bool required;       // those of the path always are
} http_parameter;

struct http_route {
    const char *path;
    http_method method;
    http_role role;
    bool carries_records; // a sender's, not an operator's: not written down in the audit log
    http_handler *handler;
    const http_parameter *parameters; // ends with a NULL name; NULL = takes none
    // What the OpenAPI document says; a route without a summary is left out (aliases, pages).
    const char *tag, *summary;
    const char *produces; // media types of success, by commas; NULL = application/json. The first is the default
    const char *takes;    // media types of the body, by commas; NULL = no body
    const char *body;     // its schema: JSON, or the name of a component (openapi_schemas.c)
    const char *example;  // of the body
    const char *reply;    // schema of a successful body, likewise; NULL = any
    const char *statuses; // "200 404": the successful one first; what every route may say (400, 401 …) is added
};

/* Whether a request may go on, decided when its headers are there and before its body is read. Fills request->key_name
 * and ->granted, or the reply. request->route is NULL where no route fits: such requests are asked for too. */
typedef bool http_admit(void *context, http_request *request, http_reply *reply);

/* Whose pages may read replies (http.cors_origins). `origin` NULL: the request named none. */
typedef enum http_origin {
    HTTP_NO_ORIGINS,
    HTTP_UNKNOWN_ORIGIN,
    HTTP_KNOWN_ORIGIN
} http_origin; // NO: there are none at all
typedef http_origin http_origin_of(void *context, const char *origin);

/* After each reply, for the counters of /metrics. route is NULL where none was found. */
typedef struct http_outcome {
    const http_route *route;
    const char *method;
    int status;
    double seconds;
    size_t body_bytes;           // received
    const http_request *request; // lent for the call; its path and parameters are set where a route was found
    const char *location;        // where what was made is, or NULL
} http_outcome;

#define HTTP_MAX_ORIGINS 32

typedef struct http_options {
    const char *const *listen; // "127.0.0.1:8000", "[::1]:8000"; port 0 picks one
    size_t n_listen;
    size_t n_optional; // so many at the end may be taken by somebody else: a warning, and it goes on without
    const int
        *inherited; // [n_inherited] listening sockets of the service manager (http_listen.h), used where their address
    size_t n_inherited; // is that of a listener; ours from http_open() on
    size_t max_body;    // bytes of one body
    size_t body_budget; // bytes of all bodies being read; beyond it: 503
    unsigned max_connections, max_connections_per_ip, idle_timeout_s, threads;
    int64_t header_timeout_ms, body_timeout_ms; // http_patience.h; 0 = for ever
    bool compress;
    struct tls *tls;                   // tls.h: all listeners speak TLS; NULL = plain. Lent until close
    const http_route *const *families; // [n_families] of rows, each ended by a row without path; lent until close
    size_t n_families;
    http_admit *admit;                                           // NULL: everybody may everything
    http_origin_of *origin_of;                                   // NULL: no page of another origin may read
    void (*observe)(void *context, const http_outcome *outcome); // may be NULL; any thread
    void (*alive)(void *context); // http_probe() came through; on a thread that answers requests. May be NULL
    void *context;                // what handlers, admit, origin_of, observe and alive get
    log_sink *log;
} http_options;

/* Opens all listeners. TFT_ERR_ARGUMENT: not an address. TFT_ERR_BUSY: in use or not allowed. */
tft_status http_open(const http_options *options, http_server **server, tft_error *err);
/* No new connections; streams end; waits until running requests have ended, at most max_ms. Returns how many had not. */
size_t http_drain(http_server *server, int64_t max_ms);
void http_close(http_server *server); // accepts NULL

/* Streams that had nothing to send are asked again. Any thread; never waits for a client. */
void http_wake_streams(http_server *server);

/* What was turned away and has no reply to be counted by, or shares its status code with others. Any thread. */
typedef enum http_refusal {
    HTTP_REFUSED_MALFORMED, // 400 for its framing (http_framing.h)
    HTTP_REFUSED_SLOW_HEADER,
    HTTP_REFUSED_SLOW_BODY,
    HTTP_REFUSED_CONNECTIONS, // beyond max_connections_per_ip
    HTTP_N_REFUSALS
} http_refusal;
extern const char *const http_refusal_names[HTTP_N_REFUSALS]; // "slow_header"
void http_count_refusals(const http_server *server, uint64_t counts[HTTP_N_REFUSALS]);

/* Knocks at the first listener: a thread that answers requests then calls http_options.alive, if there is one that is not
 * stuck. Does not wait for it. One thread at a time. */
void http_probe(http_server *server);

/* The first listener's address as a URL, with the port that was picked: "http://127.0.0.1:8000". */
const char *http_url(const http_server *server);

/* Splits "127.0.0.1:8000" or "[::1]:8000"; false where it is neither. `host` gets at most 63 bytes. */
bool http_address_parse(const char *text, char host[64], uint16_t *port);
bool http_address_is_loopback(const char *host);

#endif
