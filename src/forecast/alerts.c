/* alerts.c - words, ids and orders of alerts. See alerts.h. */
#include "forecast/alerts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const severities[ALERT_N_SEVERITIES] = {"", "warning", "critical"};
static const char *const kinds[ALERT_N_KINDS] = {"threshold", "incident", "silent", "drift", "quality"};
static const char *const statuses[ALERT_N_STATUSES] = {"pending", "firing", "resolved"};

const char *alert_severity_name(alert_severity severity)
{
    return severity < ALERT_N_SEVERITIES ? severities[severity] : "";
}

const char *alert_kind_name(alert_kind kind)
{
    return kind < ALERT_N_KINDS ? kinds[kind] : "";
}

const char *alert_status_name(alert_status status)
{
    return status < ALERT_N_STATUSES ? statuses[status] : "";
}

static int find(const char *const *words, size_t n_words, const char *word, size_t n)
{
    for (size_t i = 0; i < n_words; i++)
        if (n > 0 && strlen(words[i]) == n && memcmp(words[i], word, n) == 0)
            return (int)i;
    return -1;
}

int alert_severity_find(const char *word, size_t n)
{
    return find(severities, ALERT_N_SEVERITIES, word, n);
}

int alert_kind_find(const char *word, size_t n)
{
    return find(kinds, ALERT_N_KINDS, word, n);
}

int alert_status_find(const char *word, size_t n)
{
    return find(statuses, ALERT_N_STATUSES, word, n);
}

alert_settings alert_settings_default(void)
{
    return (alert_settings){.lookahead_ms = 3600 * 1000,
                            .for_ms = 0,
                            .keep_for_ms = 120 * 1000,
                            .clear_ratio = 0.95,
                            .incident_horizon_ms = 3600 * 1000,
                            .incident_levels = {0.3, 0.6},
                            .forget_after_ms = (int64_t)30 * 24 * 3600 * 1000,
                            .coverage = {0.7, 0.9},
                            .coverage_margin = 0.02,
                            .skill_margin = 0.02,
                            .quality_min = 1000};
}

void alert_make_id(const char *server, size_t n, alert_kind kind, const char *metric, alert_severity severity,
                   int64_t starts_ms, char out[ALERT_ID_BYTES])
{
    // FNV-1a (Fowler, Noll, Vo), 64 bits, over name, NUL, kind, NUL, metric, NUL, severity, NUL, starts.
    uint64_t hash = 14695981039346656037u;
    const char *const kind_name = alert_kind_name(kind), *const severity_name = alert_severity_name(severity);
    const struct {
        const void *bytes;
        size_t n;
    } parts[] = {{server, n},
                 {"", 1},
                 {kind_name, strlen(kind_name) + 1},
                 {metric, strlen(metric) + 1},
                 {severity_name, strlen(severity_name) + 1},
                 {&starts_ms, sizeof starts_ms}};
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (size_t i = 0; i < parts[p].n; i++)
            hash = (hash ^ ((const unsigned char *)parts[p].bytes)[i]) * 1099511628211u;
    snprintf(out, ALERT_ID_BYTES, "a-%016" PRIx64, hash);
}

int alert_compare_keys(const alert *a, const alert *b)
{
    if (a->server != b->server)
        return a->server < b->server ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->metric != b->metric)
        return a->metric < b->metric ? -1 : 1;
    return (a->severity > b->severity) - (a->severity < b->severity);
}

/* ---- the order of CONTRACT 1.3 ---------------------------------------------------------------------------------- */

typedef struct ordering {
    const tft_contract *contract;
    const alert *alerts;
    alert_name (*name_of)(const void *context, size_t server);
    const void *context;
} ordering;

static int compare_names(alert_name a, alert_name b)
{
    const size_t n = a.n < b.n ? a.n : b.n;
    const int by_bytes = memcmp(a.bytes, b.bytes, n);
    return by_bytes != 0 ? by_bytes : (a.n > b.n) - (a.n < b.n);
}

static const char *shown_metric(const tft_metric *metric)
{
    return metric->legacy_name[0] != '\0' ? metric->legacy_name : metric->name;
}

static int compare_shown(const void *left, const void *right, void *context)
{
    const ordering *o = context;
    const alert *a = &o->alerts[*(const uint32_t *)left], *b = &o->alerts[*(const uint32_t *)right];
    if (a->severity != b->severity)
        return a->severity > b->severity ? -1 : 1;
    if (a->minutes_ahead != b->minutes_ahead)
        return a->minutes_ahead < b->minutes_ahead ? -1 : 1;
    if (a->server != b->server)
        return compare_names(o->name_of(o->context, a->server), o->name_of(o->context, b->server));
    return strcmp(shown_metric(&o->contract->metrics[a->metric]), shown_metric(&o->contract->metrics[b->metric]));
}

size_t alert_order(const tft_contract *contract, const alert *alerts, size_t n,
                   alert_name (*name_of)(const void *context, size_t server), const void *context, uint32_t *order)
{
    size_t shown = 0;
    for (size_t i = 0; i < n; i++)
        if (alerts[i].kind == ALERT_THRESHOLD && alert_is_heard(&alerts[i]))
            order[shown++] = (uint32_t)i;
    ordering o = {contract, alerts, name_of, context};
    if (shown > 1)
        qsort_r(order, shown, sizeof *order, compare_shown, &o);
    return shown;
}
