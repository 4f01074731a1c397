/* payload.h - what receivers are sent: alerts with labels and annotations, as Alertmanager takes them and as its webhooks look.
 *
 *     Alertmanager v2     POST /api/v2/alerts: [{labels, annotations, startsAt, endsAt, generatorURL}]
 *     webhook             Alertmanager's version-4 message for one group: {version, groupKey, status, receiver, groupLabels,
 *                         commonLabels, commonAnnotations, externalURL, alerts: [{status, labels, …, fingerprint}]}
 *     source: prometheus.io/docs/alerting/latest/clients, …/configuration#webhook_config; api/v2/openapi.yaml of Alertmanager 0.25
 *
 * Labels are what an alert is to a receiver: alertname, severity, kind, and server, profile, metric where it has them. They come from
 * its key alone, so they are the same over restarts; numbers and times stand in annotations. The fingerprint is Alertmanager's own: FNV-1a,
 * 64 bits, over the sorted labels.
 *
 * Threads: pure functions.
 */
#ifndef TFTD_NOTIFY_PAYLOAD_H
#define TFTD_NOTIFY_PAYLOAD_H

#include "base/text.h"
#include "notify/expectation.h"
#include "notify/outbox.h"

#define PAYLOAD_MAX ((size_t)1 << 20)

/* What all messages share. */
typedef struct payload_frame {
    const char *base_url; // of this daemon, "http://127.0.0.1:8000": links back
    const char *receiver;
    int64_t now_ms, resend_ms; // an alert that fires ends, if nothing more is heard, 4 · resend_ms from now
    alert_expecter expecter;   // for the annotations expected_precision and description
} payload_frame;

void payload_alertmanager(const payload_frame *frame, const outbox_item *items, size_t n, tft_text *out);
/* All items are of one server. */
void payload_webhook(const payload_frame *frame, const outbox_item *items, size_t n, tft_text *out);

/* "ppdb001: cpu_pct is expected to reach 90 (92.7 at 2025-10-13T16:50:00Z)": what a person reads. */
void payload_summary(const store_alert *row, tft_text *out);
uint64_t payload_fingerprint(const store_alert *row);
/* An alert that means nothing, for POST /receivers/{name}/test. */
store_alert payload_test_alert(int64_t now_ms);

#endif
