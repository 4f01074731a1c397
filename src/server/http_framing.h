/* http_framing.h - whether a request's head says one thing only: where it ends, and for whom it is.
 *
 * A request that two parsers read differently smuggles a second one past the first of them (RFC 9112 §11.2), so what is
 * ambiguous is refused and its connection closed, whatever the route:
 *
 *     400   two Content-Length, or one together with Transfer-Encoding; a Transfer-Encoding other than chunked, or in
 *           HTTP/1.0; two Host; a header's name that is no token ("Content-Length : 5"), a value with a control character
 *     414   a target longer than 8 KiB
 *     431   headers longer than 32 KiB
 *
 * libmicrohttpd itself refuses a missing Host, a length that is no number and chunks that are none.
 * With http.c the only file that knows libmicrohttpd.
 *
 * Threads: any; pure function of the request.
 */
#ifndef TFTD_SERVER_HTTP_FRAMING_H
#define TFTD_SERVER_HTTP_FRAMING_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_MAX_TARGET ((size_t)8 << 10)
#define HTTP_MAX_HEADERS ((size_t)32 << 10)

typedef struct http_framing_fault {
    int status;             // 400, 414, 431; 0 = none
    const char *slug, *why; // static
} http_framing_fault;

/* `connection` is http.c's; n_target as it came, version "HTTP/1.1". */
http_framing_fault http_framing_check(void *connection, size_t n_target, const char *version);

#endif
