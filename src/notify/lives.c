/* lives.c - see lives.h. */
#include "notify/lives.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *mute_word(alert_mute mute)
{
    return mute == ALERT_SILENCED ? "silenced" : mute == ALERT_MAINTENANCE ? "maintenance" : "";
}

static_assert(ALERT_ID_BYTES == STORE_ID_BYTES && ALERT_SILENCE_BYTES == STORE_ID_BYTES, "ids are the same on disk");
static_assert(INT64_MIN == STORE_NEVER && INT64_MIN == ALERT_NEVER, "and so is a time that is not there"); // NOLINT

void lives_row(const forecast_snapshot *s, const alert *a, store_alert *row)
{
    *row = (store_alert){.starts_ms = a->starts_ms,
                         .since_ms = a->since_ms,
                         .ends_ms = a->ends_ms,
                         .below_since_ms = a->below_since_ms,
                         .expected_at_ms = a->expected_at_ms,
                         .p10_ms = a->crossing.p10_ms,
                         .p50_ms = a->crossing.p50_ms,
                         .p90_ms = a->crossing.p90_ms,
                         .minutes_ahead = a->minutes_ahead,
                         .predicted_value = a->predicted_value,
                         .threshold = a->threshold,
                         .current = a->current,
                         .probability = a->probability,
                         .crossing_probability = a->crossing_probability,
                         .ack = {.at_ms = STORE_NEVER, .until_ms = STORE_NEVER}};
    memcpy(row->id, a->id, sizeof row->id);
    memcpy(row->inhibited_by, a->inhibited_by, sizeof row->inhibited_by);
    if (a->server != ALERT_FLEET) {
        const snapshot_server *const server = &s->servers[a->server];
        snprintf(row->server, sizeof row->server, "%.*s", (int)server->name_length, server->name);
        snprintf(row->profile, sizeof row->profile, "%s", tft_profile_name(server->profile));
    }
    if (a->metric != ALERT_METRICS)
        snprintf(row->metric, sizeof row->metric, "%s", s->contract->metrics[a->metric].name);
    snprintf(row->kind, sizeof row->kind, "%s", alert_kind_name(a->kind));
    snprintf(row->severity, sizeof row->severity, "%s", alert_severity_name(a->severity));
    snprintf(row->status, sizeof row->status, "%s", alert_status_name(a->status));
    snprintf(row->mute, sizeof row->mute, "%s", mute_word(a->mute));
}

notify_subject lives_subject(const store_alert *row)
{
    return (notify_subject){.server = row->server,
                            .server_length = strlen(row->server),
                            .profile = row->profile,
                            .kind = row->kind,
                            .metric = row->metric,
                            .severity = row->severity};
}

bool lives_saved(const store_alert *row, alert_saved *saved)
{
    const int kind = alert_kind_find(row->kind, strlen(row->kind));
    const int severity = alert_severity_find(row->severity, strlen(row->severity));
    const int status = alert_status_find(row->status, strlen(row->status));
    if (kind < 0 || severity < 0 || status < 0 || status == ALERT_RESOLVED)
        return false;
    *saved = (alert_saved){.server = row->server,
                           .server_length = strlen(row->server),
                           .kind = (alert_kind)kind,
                           .severity = (alert_severity)severity,
                           .status = (alert_status)status,
                           .starts_ms = row->starts_ms,
                           .since_ms = row->since_ms,
                           .below_since_ms = row->below_since_ms};
    memcpy(saved->metric, row->metric, sizeof saved->metric);
    return true;
}
