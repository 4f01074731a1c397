/* http.h - an HTTP/1.1 server in the words of this daemon; http.c is the only file that knows libmicrohttpd.
 *
 * A route is a path, a method and a handler: the handler reads a finished request and fills a reply. Paths without a
 * route, methods without a route, HEAD, OPTIONS, bodies that are too large, compression and keep-alive are dealt with
 * here, the same for all routes. A handler runs on a worker thread of the server and may block for a commit, but never
 * for the network's work.
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

typedef enum http_method { HTTP_GET, HTTP_POST } http_method; // HEAD and OPTIONS follow from these

/* A request, lent to the handler for the duration of its call. */
typedef struct http_request {
    http_method method; // HEAD is a GET whose body nobody reads
    const char *path;   // percent-decoded, without the query
    const char *body;   // [body_len], as sent (still compressed where Content-Encoding says so)
    size_t body_len;
    const char *peer; // "127.0.0.1"
    int64_t received_ms;
    void *connection; // private to http.c
} http_request;

/* Value of a header (name in any case), or NULL. */
const char *http_header(const http_request *request, const char *name);
/* Percent-decoded value of a query parameter, "" where it has none, NULL where it is not there. */
const char *http_query(const http_request *request, const char *name);
/* Whether Accept-Encoding takes gzip. */
bool http_accepts_gzip(const http_request *request);

#define HTTP_MAX_FIELDS 8
typedef struct http_field {
    const char *name; // static
    char value[240];
} http_field;

/* What goes back: the shared bytes, if any, then the text. The handler fills it; the server frees it. */
typedef struct http_reply {
    int status;               // 200 unless set
    const char *content_type; // static; "application/json" unless set
    const char *encoding;     // static; set where the bytes are already compressed
    bool compressible;        // true unless cleared: the server may gzip the text (never shared bytes)
    const char *shared;       // [shared_len], lent until release(release_context) is called
    size_t shared_len;
    void (*release)(void *context);
    void *release_context;
    tft_text text;
    size_t n_fields;
    http_field fields[HTTP_MAX_FIELDS];
} http_reply;

/* Adds a header; the value is cut at 239 bytes, and bytes that may not stand in a header are dropped. */
void http_reply_field(http_reply *reply, const char *name, const char *format, ...) TFT_PRINTF(3, 4);
/* {"detail": "<text>"} with this status. */
void http_reply_detail(http_reply *reply, int status, const char *format, ...) TFT_PRINTF(3, 4);

typedef void http_handler(void *context, const http_request *request, http_reply *reply);

typedef struct http_route {
    const char *path;
    http_method method;
    http_handler *handler;
} http_route;

typedef struct http_options {
    const char *const *listen; // "127.0.0.1:8000", "[::1]:8000"; port 0 picks one
    size_t n_listen;
    size_t max_body;    // bytes of one body
    size_t body_budget; // bytes of all bodies being read; beyond it: 503
    unsigned max_connections, max_connections_per_ip, idle_timeout_s, threads;
    bool compress;
    const http_route *routes; // [n_routes], lent until close
    size_t n_routes;
    void *context; // what handlers get
    log_sink *log;
} http_options;

/* Opens all listeners. TFT_ERR_ARGUMENT: not an address. TFT_ERR_BUSY: in use or not allowed. */
tft_status http_open(const http_options *options, http_server **server, tft_error *err);
/* No new connections; waits until running requests have ended, at most max_ms. Returns how many had not. */
size_t http_drain(http_server *server, int64_t max_ms);
void http_close(http_server *server); // accepts NULL

/* The first listener's address as a URL, with the port that was picked: "http://127.0.0.1:8000". */
const char *http_url(const http_server *server);

/* Splits "127.0.0.1:8000" or "[::1]:8000"; false where it is neither. `host` gets at most 63 bytes. */
bool http_address_parse(const char *text, char host[64], uint16_t *port);
bool http_address_is_loopback(const char *host);

#endif
