/* negotiate.c - see negotiate.h. A weight is "q=" and a number; without one it is 1, and a bad one counts as 1. */
#include "server/negotiate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One item of a list: "text/html;level=1;q=0.5" has the word "text/html" and the weight 0.5. */
typedef struct item {
    const char *word;
    size_t n;
    double weight;
} item;

/* The next item of a list, or false at its end; *list moves behind it. */
static bool next_item(const char **list, item *out)
{
    const char *at = *list;
    at += strspn(at, " \t,");
    if (*at == '\0')
        return false;
    const size_t whole = strcspn(at, ",");
    *out = (item){at, strcspn(at, " \t;,"), 1};
    for (const char *p = memchr(at, ';', whole); p != NULL; p = memchr(p, ';', whole - (size_t)(p - at))) {
        p++;
        p += strspn(p, " \t");
        if ((p[0] == 'q' || p[0] == 'Q') && p[1] == '=') {
            char *end;
            const double q = strtod(p + 2, &end);
            out->weight = end > p + 2 && q >= 0 && q <= 1 ? q : 1;
        }
    }
    *list = at + whole;
    return true;
}

static bool is_word(const item *it, const char *word)
{
    return strlen(word) == it->n && strncasecmp(it->word, word, it->n) == 0;
}

typedef struct weights {
    double gzip, zstd, any; // −1 not named
} weights;

static weights read_weights(const char *list)
{
    weights w = {-1, -1, -1};
    item it;
    while (list != NULL && next_item(&list, &it)) {
        if (is_word(&it, "gzip") || is_word(&it, "x-gzip"))
            w.gzip = it.weight;
        else if (is_word(&it, "zstd"))
            w.zstd = it.weight;
        else if (is_word(&it, "*"))
            w.any = it.weight;
    }
    return w;
}

negotiate_encoding negotiate_encoding_of(const char *list)
{
    const weights w = read_weights(list);
    // "*" alone asks for any coding; what every client knows is gzip, so zstd must be named
    const double gzip = w.gzip >= 0 ? w.gzip : w.any, zstd = w.zstd;
    if (zstd > 0 && zstd >= gzip)
        return ENCODE_ZSTD;
    return gzip > 0 ? ENCODE_GZIP : ENCODE_NOTHING;
}

bool negotiate_takes_gzip(const char *list)
{
    const weights w = read_weights(list);
    return (w.gzip >= 0 ? w.gzip : w.any) > 0;
}

/* How precisely a range names a type: 3 by name, 2 by its first half, 1 by anything, 0 not at all. */
static int fit(const item *range, const item *type)
{
    if (range->n == type->n && strncasecmp(range->word, type->word, type->n) == 0)
        return 3;
    if (range->n == 3 && memcmp(range->word, "*/*", 3) == 0)
        return 1;
    const char *const slash = memchr(range->word, '/', range->n);
    if (slash == NULL || slash + 2 != range->word + range->n || slash[1] != '*')
        return 0;
    const size_t half = (size_t)(slash + 1 - range->word);
    return type->n > half && strncasecmp(range->word, type->word, half) == 0 ? 2 : 0;
}

int negotiate_type(const char *accept, const char *offers)
{
    if (accept == NULL || accept[strspn(accept, " \t,")] == '\0')
        return 0;
    int best = -1, index = 0;
    double best_weight = 0;
    item type, range;
    for (const char *o = offers; next_item(&o, &type); index++) {
        int precision = 0;
        double weight = 0;
        for (const char *a = accept; next_item(&a, &range);) {
            const int f = fit(&range, &type);
            if (f > precision) {
                precision = f;
                weight = range.weight;
            }
        }
        if (weight > best_weight) {
            best_weight = weight;
            best = index;
        }
    }
    return best;
}

/* ---- bodies -------------------------------------------------------------------------------------------- */

/* Every charset that the parameters name is UTF-8. */
static bool is_utf8(const char *type)
{
    for (const char *at = strchr(type, ';'); at != NULL; at = strchr(at, ';')) {
        at += 1 + strspn(at + 1, " \t");
        if (strncasecmp(at, "charset=", 8) != 0)
            continue;
        at += 8;
        at += *at == '"';
        const size_t length = strcspn(at, "\"; \t");
        if (!(length == 5 && strncasecmp(at, "utf-8", 5) == 0) && !(length == 4 && strncasecmp(at, "utf8", 4) == 0))
            return false;
    }
    return true;
}

bool negotiate_takes(const char *type, const char *takes)
{
    if (type == NULL)
        return true;
    type += strspn(type, " \t");
    const size_t n = strcspn(type, "; \t");
    const bool plus =
        n > 17 && strncasecmp(type, "application/", 12) == 0 && strncasecmp(type + n - 5, "+json", 5) == 0;
    bool listed = n == 0;
    for (const char *at = takes; *at != '\0' && !listed;) {
        at += strspn(at, ", ");
        const size_t length = strcspn(at, ", ");
        listed = (length == n && strncasecmp(at, type, n) == 0) ||
                 (plus && length == 16 && memcmp(at, "application/json", 16) == 0);
        at += length;
    }
    return listed && is_utf8(type);
}
