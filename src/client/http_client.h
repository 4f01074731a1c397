/* http_client.h - requests to one URL of another server; the one file that knows libcurl.
 *
 * Redirects are not followed (who moves is a matter of configuration, and a header with a key must not travel), only http and https are
 * spoken, the certificate of https is verified, and an answer is kept up to a bound: the rest is read and forgotten.
 *
 * Memory:  a client owns one connection, kept open between requests, and at most answer_max bytes of an answer.
 * Threads: one client, one thread; clients may be opened on any thread (libcurl 7.84 and later start once whoever comes first).
 */
#ifndef TFTD_CLIENT_HTTP_CLIENT_H
#define TFTD_CLIENT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

typedef struct http_client http_client;

#define HTTP_CLIENT_HEADERS 8

typedef struct http_client_options {
    const char *url;                          // whole; copied
    const char *user_agent;                   // NULL = none
    const char *headers[HTTP_CLIENT_HEADERS]; // "Name: value", up to the first NULL; copied
    const char *ca_file; // PEM: who may have signed the server's certificate; NULL or "" = those of the system
    int64_t timeout_ms, connect_ms;    // of a whole request; of its beginning (0 = the same)
    size_t answer_max;                 // bytes of an answer that are kept
    bool proxy;                        // the environment's proxy applies
    bool (*stop)(const void *context); // a request under way ends soon after it says so; NULL = never
    const void *context;
} http_client_options;

tft_status http_client_open(const http_client_options *options, http_client **out, tft_error *err);
void http_client_close(http_client *c); // accepts NULL

/* Other headers from the next request on. The old ones stay where there is no memory. */
tft_status http_client_set_headers(http_client *c, const char *const headers[HTTP_CLIENT_HEADERS], tft_error *err);

typedef struct http_answer {
    int status;       // 0 = there was none
    const char *why;  // where there was none: libcurl's words, else ""
    const char *body; // what was kept of it, NUL-terminated; the client's until its next request
    size_t n;
    int64_t retry_after_s; // Retry-After, 0 = none
} http_answer;

/* POST of n bytes, or GET where body is NULL. */
http_answer http_client_ask(http_client *c, const char *body, size_t n);

/* Whether a URL is http or https and has a host. */
bool http_client_usable(const char *url);

/* Makes one line of what somebody said: control characters become blanks, and so does what is not ASCII where `ascii`. */
void http_client_one_line(char *text, bool ascii);

#endif
