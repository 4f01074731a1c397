/* matcher.c - see matcher.h. */
#include "notify/matcher.h"

#include <string.h>

#include "forecast/alerts.h"
#include "notify/glob.h"

static bool is_or_any(const char *wanted, const char *word)
{
    return wanted[0] == '\0' || strcmp(wanted, word) == 0;
}

bool notify_matches_server(const notify_matcher *m, const char *server, size_t n, const char *profile)
{
    return (m->server[0] == '\0' || glob_match(m->server, server, n)) && is_or_any(m->profile, profile);
}

bool notify_matches(const notify_matcher *m, const notify_subject *s)
{
    return is_or_any(m->severity, s->severity) && is_or_any(m->kind, s->kind) && is_or_any(m->metric, s->metric) &&
           notify_matches_server(m, s->server, s->server_length, s->profile);
}

bool notify_matcher_is_empty(const notify_matcher *m)
{
    return m->server[0] == '\0' && m->profile[0] == '\0' && m->kind[0] == '\0' && m->metric[0] == '\0' &&
           m->severity[0] == '\0';
}

static const char *put(char *out, size_t capacity, const char *value, size_t n)
{
    if (n == 0)
        return "is empty";
    if (n >= capacity || memchr(value, '\0', n) != NULL)
        return "is too long";
    memcpy(out, value, n);
    out[n] = '\0';
    return NULL;
}

const char *notify_matcher_set(notify_matcher *m, const char *key, const char *value, size_t n)
{
    if (strcmp(key, "server") == 0)
        return put(m->server, sizeof m->server, value, n);
    if (strcmp(key, "metric") == 0)
        return put(m->metric, sizeof m->metric, value, n);
    if (strcmp(key, "profile") == 0)
        return tft_profile_find(value, n) < 0 ? "is not a profile" : put(m->profile, sizeof m->profile, value, n);
    if (strcmp(key, "severity") == 0)
        return alert_severity_find(value, n) < 0 ? "is not warning or critical"
                                                 : put(m->severity, sizeof m->severity, value, n);
    if (strcmp(key, "kind") == 0)
        return alert_kind_find(value, n) < 0 ? "is not a kind of alert" : put(m->kind, sizeof m->kind, value, n);
    return "is none of server, profile, kind, metric, severity";
}

typedef struct parsing {
    notify_matcher *matcher;
    const char *why, **field;
} parsing;

static void take(void *context, const char *key, const tft_json *value)
{
    parsing *const p = context;
    static const char *const known[] = {"server", "profile", "kind", "metric", "severity"};
    size_t n = 0, i = 0;
    const char *const text = tft_json_string(value, &n);
    while (i < 5 && strcmp(known[i], key) != 0)
        i++;
    if (p->why != NULL)
        return;
    *p->field = i < 5 ? known[i] : "matchers";
    p->why = i == 5         ? "holds a key that is none of server, profile, kind, metric, severity"
             : text == NULL ? "is not a string"
                            : notify_matcher_set(p->matcher, known[i], text, n);
}

const char *notify_matcher_parse(const tft_json *object, notify_matcher *matcher, const char **field)
{
    memset(matcher, 0, sizeof *matcher);
    *field = "matchers";
    if (tft_json_kind_of(object) != TFT_JSON_OBJECT)
        return "must be an object";
    parsing p = {matcher, NULL, field};
    tft_json_each(object, take, &p);
    if (p.why != NULL)
        return p.why;
    *field = "matchers";
    return notify_matcher_is_empty(matcher) ? "must hold at least one of server, profile, kind, metric, severity"
                                            : NULL;
}

void notify_matcher_write(const notify_matcher *m, tft_text *out)
{
    const char *const parts[][2] = {{"server", m->server},
                                    {"profile", m->profile},
                                    {"kind", m->kind},
                                    {"metric", m->metric},
                                    {"severity", m->severity}};
    const char *before = "{";
    for (size_t i = 0; i < 5; i++) {
        if (parts[i][1][0] == '\0')
            continue;
        tft_text_printf(out, "%s\"%s\": ", before, parts[i][0]);
        tft_text_json_string(out, parts[i][1], strlen(parts[i][1]));
        before = ", ";
    }
    tft_text_puts(out, before[0] == '{' ? "{}" : "}");
}
