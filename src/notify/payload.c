/* payload.c - see payload.h. */
#include "notify/payload.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define MAX_LABELS 8
#define NO_END "0001-01-01T00:00:00Z" // what Go writes for a time that is not there

typedef struct label {
    const char *name, *value;
} label;

/* By name, which is the order that the fingerprint needs; empty ones are left out, as Alertmanager does. */
static size_t labels_of(const store_alert *row, char alertname[32], label out[MAX_LABELS])
{
    snprintf(alertname, 32, "Tftd%s", row->kind);
    if (alertname[4] >= 'a' && alertname[4] <= 'z')
        alertname[4] = (char)(alertname[4] - 'a' + 'A');
    const label all[] = {{"alertname", alertname},  {"kind", row->kind},     {"metric", row->metric},
                         {"profile", row->profile}, {"server", row->server}, {"severity", row->severity},
                         {"source", "tftd"}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].value[0] != '\0')
            out[n++] = all[i];
    return n;
}

uint64_t payload_fingerprint(const store_alert *row)
{
    char alertname[32];
    label labels[MAX_LABELS];
    const size_t n = labels_of(row, alertname, labels);
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < n; i++) {
        const char *const parts[] = {labels[i].name, labels[i].value};
        for (size_t p = 0; p < 2; p++) {
            for (const char *c = parts[p]; *c != '\0'; c++)
                hash = (hash ^ (unsigned char)*c) * 1099511628211u;
            hash = (hash ^ 0xffu) * 1099511628211u;
        }
    }
    return hash;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static const char *stamp(int64_t ms, char out[TFT_TIME_TEXT])
{
    out[0] = '\0';
    if (ms != STORE_NEVER)
        tft_time_format_ms(ms, out);
    return out;
}

static void put_minutes(tft_text *out, double seconds)
{
    tft_text_printf(out, "%.0f min", floor(seconds / 60));
}

void payload_summary(const store_alert *row, tft_text *out)
{
    char at[TFT_TIME_TEXT] = "";
    if (row->expected_at_ms != STORE_NEVER)
        tft_time_format_s(row->expected_at_ms, at);
    if (row->server[0] != '\0')
        tft_text_printf(out, "%s: ", row->server);
    if (strcmp(row->kind, "threshold") == 0)
        tft_text_printf(out, "%s is expected to reach %.4g at %s (threshold %.4g)", row->metric, row->predicted_value,
                        at, row->threshold);
    else if (strcmp(row->kind, "incident") == 0)
        tft_text_printf(out, "an incident is expected with a probability of %.0f %%", 100 * row->predicted_value);
    else if (strcmp(row->kind, "silent") == 0) {
        tft_text_puts(out, "no record for ");
        put_minutes(out, row->predicted_value);
        tft_text_puts(out, " while others report");
    } else if (strcmp(row->kind, "drift") == 0)
        tft_text_printf(out, "%.0f %% of %s lay between P10 and P90, 80 %% should", 100 * row->predicted_value,
                        row->metric);
    else if (strcmp(row->kind, "quality") == 0)
        tft_text_printf(out, "forecasts of %s are worse than the best simple baseline (skill %.2f)", row->metric,
                        row->predicted_value);
    else
        tft_text_puts(out, "a test: nothing is wrong");
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void put_pair(tft_text *out, bool first, const char *key, const char *value)
{
    tft_text_printf(out, "%s\"%s\": ", first ? "" : ", ", key);
    tft_text_json_string(out, value, strlen(value));
}

static void put_labels(tft_text *out, const store_alert *row)
{
    char alertname[32];
    label labels[MAX_LABELS];
    const size_t n = labels_of(row, alertname, labels);
    tft_text_puts(out, "{");
    for (size_t i = 0; i < n; i++)
        put_pair(out, i == 0, labels[i].name, labels[i].value);
    tft_text_puts(out, "}");
}

static void put_number(tft_text *out, const char *key, double value)
{
    if (isfinite(value))
        tft_text_printf(out, ", \"%s\": \"%.6g\"", key, value); // annotations are strings
}

static void put_time(tft_text *out, const char *key, int64_t ms)
{
    char text[TFT_TIME_TEXT];
    if (ms != STORE_NEVER)
        put_pair(out, false, key, stamp(ms, text));
}

/* Of so many such alerts, how many were right. */
static void put_expectation(tft_text *out, const payload_frame *frame, const store_alert *row)
{
    alert_expectation e;
    if (!expectation_of(&frame->expecter, row, &e))
        return;
    tft_text sentence = tft_text_new(512);
    expectation_text(&e, &sentence);
    put_number(out, "expected_precision", expectation_precision(&e));
    put_pair(out, false, "description", sentence.bytes != NULL ? sentence.bytes : "");
    tft_text_free(&sentence);
}

static void put_annotations(tft_text *out, const payload_frame *frame, const store_alert *row)
{
    tft_text summary = tft_text_new(1024);
    payload_summary(row, &summary);
    tft_text_puts(out, "{");
    put_pair(out, true, "summary", summary.bytes != NULL ? summary.bytes : "");
    put_pair(out, false, "alert_id", row->id);
    put_number(out, "predicted_value", row->predicted_value);
    put_number(out, "threshold", row->threshold);
    put_number(out, "current", row->current);
    put_number(out, "probability", row->probability);
    put_number(out, "crossing_probability", row->crossing_probability);
    put_expectation(out, frame, row);
    put_time(out, "expected_at", row->expected_at_ms);
    put_time(out, "crossing_p10", row->p10_ms);
    put_time(out, "crossing_p50", row->p50_ms);
    put_time(out, "crossing_p90", row->p90_ms);
    if (row->ack.at_ms != STORE_NEVER)
        put_pair(out, false, "acknowledged_by", row->ack.by);
    tft_text_puts(out, "}");
    tft_text_free(&summary);
}

static void put_url(tft_text *out, const payload_frame *frame, const store_alert *row)
{
    tft_text_printf(out, "\"%s/api/v1/alerts/%s\"", frame->base_url, row->id);
}

/* When it ended: as the alert says, or when it ceased to be heard; never before it began, never in the future. */
static int64_t end_of(const payload_frame *frame, const outbox_item *item)
{
    const int64_t since = item->row.since_ms != STORE_NEVER ? item->row.since_ms : item->row.starts_ms;
    int64_t end = item->row.ends_ms != STORE_NEVER ? item->row.ends_ms : item->closed_ms;
    end = end > frame->now_ms ? frame->now_ms : end;
    return end < since ? since : end;
}

static int64_t start_of(const store_alert *row)
{
    return row->since_ms != STORE_NEVER ? row->since_ms : row->starts_ms;
}

void payload_alertmanager(const payload_frame *frame, const outbox_item *items, size_t n, tft_text *out)
{
    char starts[TFT_TIME_TEXT], ends[TFT_TIME_TEXT];
    tft_text_puts(out, "[");
    for (size_t i = 0; i < n; i++) {
        const store_alert *const row = &items[i].row;
        tft_text_puts(out, i > 0 ? ",\n{\"labels\": " : "{\"labels\": ");
        put_labels(out, row);
        tft_text_puts(out, ", \"annotations\": ");
        put_annotations(out, frame, row);
        stamp(start_of(row), starts);
        stamp(items[i].firing ? frame->now_ms + 4 * frame->resend_ms : end_of(frame, &items[i]), ends);
        tft_text_printf(out, ", \"startsAt\": \"%s\", \"endsAt\": \"%s\", \"generatorURL\": ", starts, ends);
        put_url(out, frame, row);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "]");
}

/* Labels that all items share. */
static void put_common_labels(tft_text *out, const outbox_item *items, size_t n)
{
    char alertname[32], other_name[32];
    label labels[MAX_LABELS], others[MAX_LABELS];
    const size_t count = labels_of(&items[0].row, alertname, labels);
    bool first = true;
    tft_text_puts(out, "{");
    for (size_t k = 0; k < count; k++) {
        bool in_all = true;
        for (size_t i = 1; i < n && in_all; i++) {
            const size_t other_count = labels_of(&items[i].row, other_name, others);
            bool found = false;
            for (size_t l = 0; l < other_count; l++)
                found = found ||
                        (strcmp(others[l].name, labels[k].name) == 0 && strcmp(others[l].value, labels[k].value) == 0);
            in_all = found;
        }
        if (!in_all)
            continue;
        put_pair(out, first, labels[k].name, labels[k].value);
        first = false;
    }
    tft_text_puts(out, "}");
}

static void put_group(tft_text *out, const payload_frame *frame, const outbox_item *items, size_t n)
{
    const char *const server = items[0].row.server;
    bool firing = false;
    for (size_t i = 0; i < n; i++)
        firing = firing || items[i].firing;
    tft_text key = tft_text_new(1024);
    tft_text_puts(&key, "{}:{");
    if (server[0] != '\0') {
        tft_text_puts(&key, "server=");
        tft_text_json_string(&key, server, strlen(server));
    }
    tft_text_puts(&key, "}");
    tft_text_puts(out, "{\"version\": \"4\", ");
    put_pair(out, true, "groupKey", key.bytes != NULL ? key.bytes : "");
    tft_text_free(&key);
    tft_text_printf(out, ", \"truncatedAlerts\": 0, \"status\": \"%s\", ", firing ? "firing" : "resolved");
    put_pair(out, true, "receiver", frame->receiver);
    tft_text_puts(out, ", \"groupLabels\": {");
    if (server[0] != '\0')
        put_pair(out, true, "server", server);
    tft_text_puts(out, "}, \"commonLabels\": ");
    put_common_labels(out, items, n);
    tft_text_puts(out, ", \"commonAnnotations\": ");
    if (n == 1)
        put_annotations(out, frame, &items[0].row);
    else
        tft_text_puts(out, "{}");
    tft_text_printf(out, ", \"externalURL\": \"%s\", \"alerts\": [", frame->base_url);
}

void payload_webhook(const payload_frame *frame, const outbox_item *items, size_t n, tft_text *out)
{
    char starts[TFT_TIME_TEXT], ends[TFT_TIME_TEXT];
    put_group(out, frame, items, n);
    for (size_t i = 0; i < n; i++) {
        const store_alert *const row = &items[i].row;
        tft_text_printf(out, "%s{\"status\": \"%s\", \"labels\": ", i > 0 ? ", " : "",
                        items[i].firing ? "firing" : "resolved");
        put_labels(out, row);
        tft_text_puts(out, ", \"annotations\": ");
        put_annotations(out, frame, row);
        stamp(start_of(row), starts);
        if (items[i].firing)
            snprintf(ends, sizeof ends, "%s", NO_END);
        else
            stamp(end_of(frame, &items[i]), ends);
        tft_text_printf(out, ", \"startsAt\": \"%s\", \"endsAt\": \"%s\", \"generatorURL\": ", starts, ends);
        put_url(out, frame, row);
        tft_text_printf(out, ", \"fingerprint\": \"%016" PRIx64 "\"}", payload_fingerprint(row));
    }
    tft_text_puts(out, "]}");
}

store_alert payload_test_alert(int64_t now_ms)
{
    return (store_alert){.id = "a-test",
                         .kind = "test",
                         .severity = "warning",
                         .status = "firing",
                         .starts_ms = now_ms,
                         .since_ms = now_ms,
                         .ends_ms = STORE_NEVER,
                         .below_since_ms = STORE_NEVER,
                         .expected_at_ms = STORE_NEVER,
                         .p10_ms = STORE_NEVER,
                         .p50_ms = STORE_NEVER,
                         .p90_ms = STORE_NEVER,
                         .predicted_value = (double)NAN,
                         .threshold = (double)NAN,
                         .current = (double)NAN,
                         .probability = (double)NAN,
                         .crossing_probability = (double)NAN,
                         .ack = {.at_ms = STORE_NEVER, .until_ms = STORE_NEVER}};
}
