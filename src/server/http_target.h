/* http_target.h - a request's target: percent-decoding, and which route its path means. Pure functions of bytes.
 *
 *     target   = path [ "?" query ]                   (RFC 9112 §3.2; an absolute form loses its scheme and host)
 *     path     = "/" segment *( "/" segment )         each segment decoded by itself, so %2F stays inside it
 *
 * Threads: any.
 */
#ifndef TFTD_SERVER_HTTP_TARGET_H
#define TFTD_SERVER_HTTP_TARGET_H

#include "server/http.h"

#define HTTP_MAX_SEGMENTS 32

typedef struct http_target {
    bool sound; // every escape is two hex digits, decoded segments are UTF-8 without NUL, and there are not too many
    size_t n_segments;
    const char *segments[HTTP_MAX_SEGMENTS]; // decoded, NUL-terminated; "/" has one, empty
    const char *tail[HTTP_MAX_SEGMENTS];     // the decoded path from that segment on
    const char *path;                        // decoded as a whole, for logs and "instance"
} http_target;

/* Bytes of `space` that http_target_read() needs for a target of n bytes. */
static inline size_t http_target_space(size_t n)
{
    return 2 * (n + 2);
}
/* Takes the path of `text` (the target as it came) apart; the pieces live in `space`. */
void http_target_read(const char *text, char *space, http_target *out);

/* Whether the path of a route fits; params[0 …] then get its {name} segments. */
bool http_path_fits(const char *path, const http_target *target, const char *params[HTTP_MAX_PARAMS], size_t *n_params);
/* Whether "{name}" or "{name*}" is the k-th of the path's variable segments: k, or −1. */
int http_path_variable(const char *path, const char *name);

/* Valid UTF-8 (RFC 3629) without NUL. */
bool http_is_text(const char *bytes, size_t n);

#endif
