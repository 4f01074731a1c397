/* settings_notify.c - see settings_notify.h. */
#include "cli/settings_notify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/flags.h"

bool settings_is_item_list(const char *path)
{
    return strcmp(path, "alerts.receivers") == 0 || strcmp(path, "alerts.routes") == 0;
}

/* "receivers.3.url" with prefix "receivers.": 3 and "url"; false where that is not so. */
static bool split_index(const char *path, const char *prefix, size_t *index, const char **rest)
{
    const size_t n = strlen(prefix);
    char *end;
    if (strncmp(path, prefix, n) != 0 || path[n] < '0' || path[n] > '9')
        return false;
    *index = strtoul(path + n, &end, 10);
    *rest = end + 1;
    return *end == '.';
}

static const char *put(char *out, size_t capacity, const char *value)
{
    return snprintf(out, capacity, "%s", value) < (int)capacity ? NULL : "is too long";
}

static const char *put_duration(const char *value, double low_s, double high_s, int64_t *ms)
{
    double seconds;
    if (!flags_duration(value, &seconds))
        return "is not a duration such as 5s, 1m";
    if (seconds < low_s || seconds > high_s)
        return "is out of bounds";
    *ms = llround(seconds * 1000);
    return NULL;
}

static const char *put_bool(const char *value, bool *out)
{
    *out = strcmp(value, "true") == 0;
    return *out || strcmp(value, "false") == 0 ? NULL : "is not true or false";
}

/* The first line of a file that the configuration names: a key that is not to stand in it. */
static const char *put_line_of(const char *path, char *out, size_t capacity)
{
    char *bytes = NULL;
    size_t n = 0;
    if (tft_file_read(path, 65536, &bytes, &n, NULL) != TFT_OK)
        return "names a file that cannot be read";
    bytes[strcspn(bytes, "\r\n")] = '\0';
    const char *const why = put(out, capacity, bytes);
    free(bytes);
    return why;
}

static const char *set_command(notify_receiver *r, const char *const *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i == NOTIFY_MAX_WORDS)
            return "has more than 16 words";
        const char *const why = put(r->words[i], sizeof r->words[i], values[i]);
        if (why != NULL)
            return why;
    }
    r->n_words = n;
    if (n == 0)
        return "is empty";
    r->n_urls = 1;
    return put(r->urls[0], sizeof r->urls[0], values[0]);
}

static const char *set_receiver(notify_receiver *r, const char *key, const char *const *values, size_t n, bool is_list)
{
    if (strcmp(key, "url") == 0 || strcmp(key, "urls") == 0) {
        for (size_t i = 0; i < n; i++) {
            if (r->n_urls == NOTIFY_MAX_URLS)
                return "has more than 4 urls";
            const char *const why = put(r->urls[r->n_urls], sizeof r->urls[0], values[i]);
            if (why != NULL)
                return why;
            r->n_urls++;
        }
        return NULL;
    }
    if (strcmp(key, "command") == 0)
        return set_command(r, values, n);
    if (is_list)
        return "must be one value, not a list";
    if (strcmp(key, "name") == 0)
        return put(r->name, sizeof r->name, values[0]);
    if (strcmp(key, "kind") == 0) {
        for (notify_kind kind = NOTIFY_WEBHOOK; kind <= NOTIFY_COMMAND; kind++) {
            r->kind = kind;
            if (strcmp(values[0], notify_kind_name(kind)) == 0)
                return NULL;
        }
        return "is none of webhook, alertmanager, command";
    }
    if (strcmp(key, "authorization") == 0)
        return put(r->authorization, sizeof r->authorization, values[0]);
    if (strcmp(key, "authorization_file") == 0)
        return put_line_of(values[0], r->authorization, sizeof r->authorization);
    if (strcmp(key, "ca_file") == 0)
        return put(r->ca_file, sizeof r->ca_file, values[0]);
    if (strcmp(key, "timeout") == 0)
        return put_duration(values[0], 0.1, 300, &r->timeout_ms);
    if (strcmp(key, "resend") == 0)
        return put_duration(values[0], 1, 3600, &r->resend_ms);
    if (strcmp(key, "send_resolved") == 0)
        return put_bool(values[0], &r->send_resolved);
    return "unknown key";
}

static const char *set_route(notify_route *r, const char *key, const char *const *values, size_t n, bool is_list)
{
    if (strcmp(key, "receivers") == 0) {
        for (size_t i = 0; i < n; i++) {
            const char *const why = put(r->receivers[i], sizeof r->receivers[0], values[i]);
            if (why != NULL)
                return why;
        }
        r->n_receivers = n;
        return NULL;
    }
    if (is_list)
        return "must be one value, not a list";
    if (strcmp(key, "continue") == 0)
        return put_bool(values[0], &r->goes_on);
    if (strncmp(key, "match.", 6) == 0)
        return notify_matcher_set(&r->match, key + 6, values[0], strlen(values[0]));
    return "unknown key";
}

const char *settings_set_notify(notify_config *config, const char *path, const char *const *values, size_t n,
                                bool is_list)
{
    size_t i;
    const char *key;
    if (split_index(path, "receivers.", &i, &key)) {
        if (i >= NOTIFY_MAX_RECEIVERS)
            return "more than 16 receivers";
        for (; config->n_receivers <= i; config->n_receivers++)
            config->receivers[config->n_receivers] = notify_receiver_default();
        return set_receiver(&config->receivers[i], key, values, n, is_list);
    }
    if (split_index(path, "routes.", &i, &key)) {
        if (i >= NOTIFY_MAX_ROUTES)
            return "more than 64 routes";
        config->n_routes = config->n_routes > i + 1 ? config->n_routes : i + 1;
        return set_route(&config->routes[i], key, values, n, is_list);
    }
    return "unknown key";
}
