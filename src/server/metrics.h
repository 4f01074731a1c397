/* metrics.h - the text of /metrics, in one of two dialects, and who adds to it.
 *
 *     Prometheus text 0.0.4       # TYPE tftd_ticks_total counter      tftd_ticks_total 151
 *     OpenMetrics 1.0.0           # TYPE tftd_ticks counter            tftd_ticks_total 151      … # EOF
 *
 * A room that has figures of its own writes a function `void put_…(const server *, metrics_text *)` and adds it to the
 * list in route_metrics.c. Labels are bounded: no text of a client but names of servers that are known.
 *
 * Threads: a text belongs to one thread.
 */
#ifndef TFTD_SERVER_METRICS_H
#define TFTD_SERVER_METRICS_H

#include "server/meters.h"

typedef struct metrics_text {
    tft_text *out;
    bool open; // OpenMetrics
    const char *family;
} metrics_text;

typedef enum metrics_kind { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM } metrics_kind;

/* Begins a family: its name (of a counter with its _total), what it is, one line of help. Its samples follow at once. */
void metrics_family(metrics_text *m, const char *name, metrics_kind kind, const char *help);
/* One sample of the family begun last. labels: NULL, or "key", "value", …, NULL; values are escaped. */
void metrics_sample(metrics_text *m, const char *const *labels, double value);
/* Family and its only sample. */
void metrics_counter(metrics_text *m, const char *name, const char *help, double value);
void metrics_gauge(metrics_text *m, const char *name, const char *help, double value);
/* The samples of a histogram: _bucket, _sum, _count. */
void metrics_put_histogram(metrics_text *m, const char *const *labels, const meters_histogram *h,
                           const meters_bounds *bounds);

#endif
