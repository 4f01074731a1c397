/* metrics.c - see metrics.h. */
#include "server/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void metrics_family(metrics_text *m, const char *name, metrics_kind kind, const char *help)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    size_t n = strlen(name);
    if (m->open && kind == METRICS_COUNTER) // OpenMetrics names the family without the suffix of its samples
        n -= strlen("_total");
    m->family = name;
    tft_text_printf(m->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)n, name, help, (int)n, name, kinds[kind]);
}

static void put_value(tft_text *out, double value)
{
    if (isnan(value))
        tft_text_puts(out, "NaN");
    else if (isinf(value))
        tft_text_puts(out, value > 0 ? "+Inf" : "-Inf");
    else
        tft_text_json_number(out, value);
}

/* key="value",… with \, " and line feeds escaped; `more` is one more pair that needs none, or NULL. */
static void put_labels(tft_text *out, const char *const *labels, const char *more)
{
    bool first = true;
    for (; labels != NULL && labels[0] != NULL; labels += 2) {
        tft_text_printf(out, "%s%s=\"", first ? "{" : ",", labels[0]);
        for (const char *c = labels[1]; *c != '\0'; c++) {
            if (*c == '\\' || *c == '"')
                tft_text_add(out, "\\", 1);
            if (*c == '\n')
                tft_text_puts(out, "\\n");
            else
                tft_text_add(out, c, 1);
        }
        tft_text_puts(out, "\"");
        first = false;
    }
    if (more != NULL)
        tft_text_printf(out, "%s%s", first ? "{" : ",", more);
    if (!first || more != NULL)
        tft_text_puts(out, "}");
}

static void put_sample(metrics_text *m, const char *suffix, const char *const *labels, const char *more, double value)
{
    tft_text_puts(m->out, m->family);
    tft_text_puts(m->out, suffix);
    put_labels(m->out, labels, more);
    tft_text_puts(m->out, " ");
    put_value(m->out, value);
    tft_text_puts(m->out, "\n");
}

void metrics_sample(metrics_text *m, const char *const *labels, double value)
{
    put_sample(m, "", labels, NULL, value);
}

void metrics_counter(metrics_text *m, const char *name, const char *help, double value)
{
    metrics_family(m, name, METRICS_COUNTER, help);
    metrics_sample(m, NULL, value);
}

void metrics_gauge(metrics_text *m, const char *name, const char *help, double value)
{
    metrics_family(m, name, METRICS_GAUGE, help);
    metrics_sample(m, NULL, value);
}

void metrics_put_histogram(metrics_text *m, const char *const *labels, const meters_histogram *h,
                           const meters_bounds *bounds)
{
    uint64_t total = 0;
    char bound[48];
    for (size_t i = 0; i <= bounds->n; i++) {
        total += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        if (i == bounds->n)
            snprintf(bound, sizeof bound, "le=\"+Inf\"");
        else if (bounds->upper[i] == floor(bounds->upper[i]))
            snprintf(bound, sizeof bound, "le=\"%.1f\"", bounds->upper[i]); // OpenMetrics: canonical floats
        else
            snprintf(bound, sizeof bound, "le=\"%.15g\"", bounds->upper[i]);
        put_sample(m, "_bucket", labels, bound, (double)total);
    }
    put_sample(m, "_sum", labels, NULL, 1e-6 * (double)atomic_load_explicit(&h->sum_micro, memory_order_relaxed));
    put_sample(m, "_count", labels, NULL, (double)total);
}
