/* http_framing.c - see http_framing.h. */
#include "server/http_framing.h"

#include <microhttpd.h>
#include <string.h>
#include <strings.h>

/* What one walk over the headers finds. */
typedef struct head_walk {
    size_t bytes;
    unsigned lengths, encodings, hosts;
    bool chunked; // the last Transfer-Encoding is "chunked", alone
    bool bad_name, bad_value;
} head_walk;

/* tchar of RFC 9110 §5.6.2. */
static bool is_token(const char *text, size_t n)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < n; i++) {
        const char c = text[i];
        const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alphanumeric && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return n > 0;
}

static bool has_control(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
            return true;
    }
    return false;
}

static bool is(const char *name, size_t n, const char *wanted)
{
    return strlen(wanted) == n && strncasecmp(name, wanted, n) == 0;
}

static enum MHD_Result look_at(void *context, enum MHD_ValueKind kind, const char *name, size_t n_name,
                               const char *value, size_t n_value)
{
    (void)kind;
    head_walk *const walk = context;
    walk->bytes += n_name + n_value + 4; // ": " and the line's end
    walk->bad_name = walk->bad_name || !is_token(name, n_name);
    walk->bad_value = walk->bad_value || (value != NULL && has_control(value, n_value));
    if (is(name, n_name, "Content-Length"))
        walk->lengths++;
    if (is(name, n_name, "Host"))
        walk->hosts++;
    if (is(name, n_name, "Transfer-Encoding")) {
        walk->encodings++;
        walk->chunked = value != NULL && is(value, n_value, "chunked");
    }
    return MHD_YES;
}

http_framing_fault http_framing_check(void *connection, size_t n_target, const char *version)
{
    head_walk walk = {0};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look_at, &walk);
    if (n_target > HTTP_MAX_TARGET)
        return (http_framing_fault){414, "target-too-long", "The target is longer than 8 KiB"};
    if (walk.bytes > HTTP_MAX_HEADERS)
        return (http_framing_fault){431, "headers-too-large", "The headers are longer than 32 KiB"};
    const char *why = NULL;
    if (walk.bad_name)
        why = "The name of a header is not a token";
    else if (walk.bad_value)
        why = "The value of a header holds a control character";
    else if (walk.hosts > 1)
        why = "Host is given twice";
    else if (walk.lengths > 1)
        why = "Content-Length is given twice";
    else if (walk.lengths > 0 && walk.encodings > 0)
        why = "Content-Length and Transfer-Encoding exclude each other";
    else if (walk.encodings > 1 || (walk.encodings == 1 && !walk.chunked))
        why = "Transfer-Encoding may only be chunked; compression is a Content-Encoding";
    else if (walk.encodings == 1 && strcmp(version, "HTTP/1.1") != 0)
        why = "Transfer-Encoding needs HTTP/1.1";
    return (http_framing_fault){why != NULL ? 400 : 0, "bad-framing", why};
}
