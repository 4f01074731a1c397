/* http_target.c - see http_target.h. */
#include "server/http_target.h"

#include <string.h>
#include <strings.h>

/* Bytes of the character at text[0 … n−1], or 0 where there is none (RFC 3629 §4). */
static size_t character(const unsigned char *text, size_t n)
{
    const unsigned char c = text[0];
    if (c < 0x80)
        return c != 0;
    const size_t length = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
    if (length == 0 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    const bool overlong = (c == 0xe0 && text[1] < 0xa0) || (c == 0xf0 && text[1] < 0x90);
    const bool beyond = (c == 0xed && text[1] > 0x9f) || (c == 0xf4 && text[1] > 0x8f); // surrogates; past U+10FFFF
    return overlong || beyond ? 0 : length;
}

bool http_is_text(const char *bytes, size_t n)
{
    const unsigned char *const text = (const unsigned char *)bytes;
    for (size_t at = 0; at < n;) {
        const size_t length = character(text + at, n - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes text[0 … n−1] to `out`; returns the bytes written. A bad escape stays as it is and *sound becomes false. */
static size_t decode(const char *text, size_t n, char *out, bool *sound)
{
    char *const begin = out;
    for (size_t i = 0; i < n; i++) {
        const int high = text[i] == '%' && i + 2 < n ? hex(text[i + 1]) : -1;
        const int low = high >= 0 ? hex(text[i + 2]) : -1;
        if (text[i] == '%' && low < 0)
            *sound = false;
        if (low >= 0) {
            *out++ = (char)(unsigned char)(high * 16 + low);
            i += 2;
        } else {
            *out++ = text[i];
        }
    }
    return (size_t)(out - begin);
}

/* The path and its length: without scheme and host, without the query. */
static const char *path_of(const char *text, size_t *n)
{
    const size_t scheme = strncasecmp(text, "http://", 7) == 0 ? 7 : strncasecmp(text, "https://", 8) == 0 ? 8 : 0;
    if (scheme > 0)
        text += scheme + strcspn(text + scheme, "/?#");
    *n = strcspn(text, "?#");
    return text;
}

void http_target_read(const char *text, char *space, http_target *out)
{
    size_t n;
    const char *const path = path_of(text, &n);
    *out = (http_target){.sound = n > 0 && path[0] == '/', .path = space};
    char *whole = space, *pieces = space + n + 2;
    size_t at = 1;
    *whole++ = '/';
    for (bool last = n == 0; !last;) {
        const char *const slash = at < n ? memchr(path + at, '/', n - at) : NULL;
        const size_t length = slash != NULL ? (size_t)(slash - (path + at)) : at < n ? n - at : 0;
        const size_t got = decode(path + at, length, pieces, &out->sound);
        pieces[got] = '\0';
        out->sound = out->sound && http_is_text(pieces, got);
        if (out->n_segments < HTTP_MAX_SEGMENTS) {
            out->tail[out->n_segments] = whole;
            out->segments[out->n_segments++] = pieces;
        } else {
            out->sound = false;
        }
        memcpy(whole, pieces, got);
        whole += got;
        pieces += got + 1;
        last = slash == NULL;
        if (!last)
            *whole++ = '/';
        at += length + 1;
    }
    *whole = '\0';
}

bool http_path_fits(const char *path, const http_target *target, const char *params[HTTP_MAX_PARAMS], size_t *n_params)
{
    *n_params = 0;
    const char *at = path + 1;
    for (size_t i = 0;; i++) {
        const size_t n = strcspn(at, "/");
        if (i == target->n_segments)
            return false;
        const char *const segment = target->segments[i];
        if (at[0] == '{') {
            const bool rest = at[n - 2] == '*';
            if (*n_params == HTTP_MAX_PARAMS || (segment[0] == '\0' && !rest))
                return false;
            params[(*n_params)++] = rest ? target->tail[i] : segment;
            if (rest)
                return true;
        } else if (strlen(segment) != n || memcmp(segment, at, n) != 0) {
            return false;
        }
        if (at[n] == '\0')
            return i + 1 == target->n_segments;
        at += n + 1;
    }
}

int http_path_variable(const char *path, const char *name)
{
    const size_t length = strlen(name);
    int k = 0;
    for (const char *at = strchr(path, '{'); at != NULL; at = strchr(at + 1, '{'), k++) {
        if (strncmp(at + 1, name, length) == 0 && (at[1 + length] == '}' || at[1 + length] == '*'))
            return k;
    }
    return -1;
}
