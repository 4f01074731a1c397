/* quality_metrics.c - tftd_quality_… of /metrics: how good the served model's forecasts were over the last seven days. */
#include "server/quality_metrics.h"

#include <math.h>
#include <stdio.h>

#include "server/server.h"

/* "30m", "2h": the end of a band of the horizon. */
static void band_name(const tft_contract *c, size_t last_step, char out[32])
{
    const long long minutes = (long long)((int64_t)last_step * c->step_ms / 60000);
    if (minutes % 60 == 0)
        snprintf(out, 32, "%lldh", minutes / 60);
    else
        snprintf(out, 32, "%lldm", minutes);
}

static void put_coverage(const tft_contract *c, const track_last *last, metrics_text *m)
{
    const score_bands bands = score_bands_of(c->horizon);
    metrics_family(
        m, "tftd_quality_coverage", METRICS_GAUGE,
        "Share of values that came inside P10 to P90, last 7 days, by the end of the horizon's band; .8 is right.");
    for (size_t i = 0; i < last->n_metrics; i++) {
        for (size_t b = 0; b < bands.n; b++) {
            char horizon[32];
            band_name(c, bands.last[b], horizon);
            const double value = score_coverage_80(&last->metrics[i].bands[b]);
            if (isfinite(value))
                metrics_sample(
                    m,
                    (const char *const[]){"metric", c->metrics[last->metrics[i].metric].name, "horizon", horizon, NULL},
                    value);
        }
    }
}

static void put_q_risk(const tft_contract *c, const track_last *last, metrics_text *m)
{
    static const struct {
        size_t loss;
        const char *name;
    } levels[] = {{SCORE_P50, "0.5"}, {SCORE_P90, "0.9"}};
    const score_bands bands = score_bands_of(c->horizon);
    metrics_family(m, "tftd_quality_q_risk", METRICS_GAUGE,
                   "Quantile loss over the sum of values, last 7 days, by the end of the horizon's band.");
    for (size_t i = 0; i < last->n_metrics; i++) {
        for (size_t b = 0; b < bands.n * 2; b++) {
            char horizon[32];
            band_name(c, bands.last[b / 2], horizon);
            const double value = score_q_risk(&last->metrics[i].bands[b / 2], levels[b % 2].loss);
            if (isfinite(value))
                metrics_sample(m,
                               (const char *const[]){"metric", c->metrics[last->metrics[i].metric].name, "horizon",
                                                     horizon, "quantile", levels[b % 2].name, NULL},
                               value);
        }
    }
}

void quality_metrics(const server *srv, metrics_text *m)
{
    const tft_contract *const c = &srv->contract;
    track_last last;
    track_read_last(srv->track, &last);
    put_coverage(c, &last, m);
    put_q_risk(c, &last, m);
    metrics_family(m, "tftd_quality_skill", METRICS_GAUGE,
                   "1 - CRPS / CRPS of the best simple forecaster, last 7 days; below 0 the model is worse.");
    for (size_t i = 0; i < last.n_metrics; i++) {
        if (isfinite(last.metrics[i].skill))
            metrics_sample(m, (const char *const[]){"metric", c->metrics[last.metrics[i].metric].name, NULL},
                           last.metrics[i].skill);
    }
    metrics_family(m, "tftd_quality_brier_skill", METRICS_GAUGE,
                   "1 - Brier score / that of always saying the base rate, last 7 days.");
    for (size_t h = 0; h < TRACK_N_HORIZONS; h++) {
        if (isfinite(last.incidents[h].brier_skill))
            metrics_sample(m, (const char *const[]){"horizon", snapshot_horizon_names[h], NULL},
                           last.incidents[h].brier_skill);
    }
}
