/* alert_metrics.c - see alert_metrics.h. */
#include "server/alert_metrics.h"

#include <stdio.h>

static void put_fired(const server *srv, metrics_text *m)
{
    const engine_totals t = engine_count(srv->engine);
    metrics_family(m, "tftd_alerts_fired_total", METRICS_COUNTER, "Alerts that began to fire, and were heard.");
    for (alert_kind kind = 0; kind < ALERT_N_KINDS; kind++)
        for (alert_severity severity = ALERT_WARNING; severity < ALERT_N_SEVERITIES; severity++)
            metrics_sample(
                m,
                (const char *const[]){"kind", alert_kind_name(kind), "severity", alert_severity_name(severity), NULL},
                (double)t.alerts_fired[kind][severity]);
}

static void put_active(const server *srv, metrics_text *m)
{
    size_t active[ALERT_N_SEVERITIES] = {0};
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    for (size_t i = 0; i < s->n_alerts; i++)
        active[s->alerts[i].severity] += alert_is_heard(&s->alerts[i]);
    engine_release(srv->engine, s);
    metrics_family(m, "tftd_alerts_active", METRICS_GAUGE, "Alerts that fire, neither muted nor inhibited.");
    for (alert_severity severity = ALERT_WARNING; severity < ALERT_N_SEVERITIES; severity++)
        metrics_sample(m, (const char *const[]){"severity", alert_severity_name(severity), NULL},
                       (double)active[severity]);
}

/* Targets of one receiver are added up. */
typedef struct deliveries {
    size_t n;
    double waiting;
    struct {
        const char *receiver;
        double results[3];
    } items[NOTIFY_MAX_RECEIVERS];
    char names[NOTIFY_MAX_RECEIVERS][64];
} deliveries;

static void add_target(void *context, const notify_receiver *receiver, size_t which, const outbox_target *target,
                       size_t waiting)
{
    deliveries *const all = context;
    if (which == 0 && all->n < NOTIFY_MAX_RECEIVERS) {
        snprintf(all->names[all->n], sizeof all->names[0], "%s", receiver->name);
        all->items[all->n].receiver = all->names[all->n];
        all->n++;
    }
    if (all->n == 0)
        return;
    double *const results = all->items[all->n - 1].results;
    results[0] += (double)target->delivered;
    results[1] += (double)target->failed;
    results[2] += (double)target->dropped;
    all->waiting += (double)waiting;
}

static void put_deliveries(const server *srv, metrics_text *m)
{
    static const char *const words[] = {"ok", "failed", "dropped"};
    deliveries all = {0};
    notify_each_target(srv->notify, add_target, &all);
    metrics_family(m, "tftd_notifications_total", METRICS_COUNTER, "Alerts told to receivers, by what came of it.");
    for (size_t i = 0; i < all.n; i++)
        for (size_t k = 0; k < 3; k++)
            metrics_sample(m, (const char *const[]){"receiver", all.items[i].receiver, "result", words[k], NULL},
                           all.items[i].results[k]);
    metrics_family(m, "tftd_queue_depth", METRICS_GAUGE, "Entries that wait.");
    metrics_sample(m, (const char *const[]){"queue", "notifications", NULL}, all.waiting);
}

void alert_metrics(const server *srv, metrics_text *m)
{
    put_fired(srv, m);
    put_active(srv, m);
    put_deliveries(srv, m);
}
