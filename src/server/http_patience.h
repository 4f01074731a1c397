/* http_patience.h - how long a connection may take, and how many there may be, in all and from one address.
 *
 * libmicrohttpd ends a connection on which nothing moves at all. Who sends a byte now and then would hold it for ever
 * (slow loris), so each connection's stage is known here, and one thread looks at all of them now and then:
 *
 *     head    from the connection's beginning, or from the first byte after the last reply, to the end of the headers:
 *             at most header_timeout, however the bytes trickle
 *     body    no silence longer than body_timeout, and at least BODY_RATE bytes/s beyond that time
 *     served  a handler works or the reply is being sent: not our business
 *     rests   between two requests: libmicrohttpd's idle timeout
 *
 * Whoever is late gets a 408 (on a plain connection; TLS's state belongs to the thread that serves it) and the socket is
 * shut for reading, which libmicrohttpd takes for the client's own end. Where the head of the next request begins is told
 * by the kernel: TCP_INFO knows when data came last, whoever has read it.
 *
 * Memory:  a block per connection, freed by patience_part(). Threads: any.
 */
#ifndef TFTD_SERVER_HTTP_PATIENCE_H
#define TFTD_SERVER_HTTP_PATIENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tft/error.h"

typedef struct patience patience;
typedef struct patience_guest patience_guest; // one connection

typedef struct patience_limits {
    int64_t header_ms, body_ms;    // 0 = for ever
    unsigned max, max_per_address; // connections of all listeners together; 0 = any
    bool tls;
} patience_limits;

typedef struct patience_counts {
    uint64_t slow_heads, slow_bodies, crowded; // crowded: connections beyond max or max_per_address
} patience_counts;

tft_status patience_open(const patience_limits *limits, patience **out, tft_error *err);
void patience_close(patience *p); // accepts NULL; after the last guest has parted

/* Whether one more connection from there may be; counted where not. */
bool patience_takes(patience *p, const struct sockaddr *from);
/* A connection begins, with its head; it is shut at once where several threads took the last place. `fd` is lent until it parts, just before it is closed. NULL without memory: it is then not
 * watched, and all calls below accept that. */
patience_guest *patience_meet(patience *p, int fd, const struct sockaddr *from);
void patience_part(patience_guest *guest);

void patience_head(patience_guest *guest); // the request line is there: the head's time runs, if it did not already
void patience_body(patience_guest *guest); // the headers are there, a body is to come
void patience_more(patience_guest *guest, size_t n); // n bytes of it came
void patience_served(patience_guest *guest);
void patience_rests(patience_guest *guest);

patience_counts patience_count(patience *p);

#endif
