/* snapshot.c - names and look-ups of a snapshot. See snapshot.h. */
#include "forecast/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTES(n) ((int64_t)(n)*60 * 1000)

const int64_t snapshot_horizon_ms[SNAPSHOT_N_HORIZONS] = {MINUTES(30), MINUTES(60), MINUTES(120), MINUTES(240),
                                                          MINUTES(480)};
const char *const snapshot_horizon_names[SNAPSHOT_N_HORIZONS] = {"30m", "1h", "2h", "4h", "8h"};

const char *snapshot_model_type_name(snapshot_model_type type)
{
    return type == SNAPSHOT_TFT ? "TFT" : "heuristic";
}

const float *snapshot_rows(const forecast_snapshot *s, size_t server, size_t metric, float *rows)
{
    if (server >= s->n_servers || metric >= s->n_targets || !s->servers[server].present[metric])
        return NULL;
    return packed_rows(s->servers[server].packed, metric, s->horizon, rows) ? rows : NULL;
}

const float *snapshot_incident(const forecast_snapshot *s, size_t server, float *curve)
{
    if (s->servers[server].forgotten)
        memset(curve, 0, s->horizon * sizeof *curve);
    else
        packed_curve(s->servers[server].curve, s->horizon, curve);
    return curve;
}

float *snapshot_rows_new(const forecast_snapshot *s)
{
    return calloc(s->horizon, FORECAST_N_QUANTILES * sizeof(float));
}

alert_saved snapshot_save_alert(const forecast_snapshot *s, const alert *a)
{
    alert_saved saved = {.server = "",
                         .kind = a->kind,
                         .severity = a->severity,
                         .status = a->status,
                         .starts_ms = a->starts_ms,
                         .since_ms = a->since_ms,
                         .below_since_ms = a->below_since_ms};
    if (a->server != ALERT_FLEET) {
        saved.server = s->servers[a->server].name;
        saved.server_length = s->servers[a->server].name_length;
    }
    if (a->metric != ALERT_METRICS)
        snprintf(saved.metric, sizeof saved.metric, "%s", s->contract->metrics[a->metric].name);
    return saved;
}

size_t snapshot_save_alerts(const forecast_snapshot *s, alert_saved *saved)
{
    for (size_t i = 0; i < s->n_alerts; i++)
        saved[i] = snapshot_save_alert(s, &s->alerts[i]);
    return s->n_alerts;
}
