/* risk.c - the curve, the two parts, bands and fleet health. See risk.h. */
#include "forecast/risk.h"

#include <math.h>
#include <string.h>

void risk_set_threshold(risk_settings *settings, int profile, size_t metric, double warning, double critical)
{
    for (size_t p = 0; p < TFT_N_PROFILES; p++)
        if (profile < 0 || (size_t)profile == p)
            settings->thresholds[p][metric] = (risk_threshold){warning, critical};
}

static void set_named(const tft_contract *contract, risk_settings *settings, int profile, const char *metric,
                      double warning, double critical)
{
    const int m = tft_contract_find(contract, metric, strlen(metric));
    if (m >= 0)
        risk_set_threshold(settings, profile, (size_t)m, warning, critical);
}

void risk_settings_default(const tft_contract *contract, risk_settings *settings)
{
    *settings = (risk_settings){.start_share = 0.8,
                                .at_warning = 50.0,
                                .at_critical = 80.0,
                                .floor_critical = 80.0,
                                .floor_offline = 90.0,
                                .incident_horizon_ms = 2 * 3600 * 1000,
                                .lookahead_ms = 3600 * 1000,
                                .bands = {30.0, 50.0, 60.0, 70.0, 80.0, 90.0},
                                .priorities = {20.0, 40.0, 70.0},
                                .high = 70.0,
                                .middle = 50.0};
    for (size_t m = 0; m < TFT_MAX_METRICS; m++) {
        risk_set_threshold(settings, -1, m, (double)NAN, (double)NAN);
        settings->limit[m] =
            m < contract->n_metrics && strcmp(contract->metrics[m].unit, "%") == 0 ? 100.0 : (double)NAN;
    }
    set_named(contract, settings, -1, "cpu_pct", 75.0, 90.0);
    set_named(contract, settings, -1, "mem_pct", 80.0, 93.0);
    set_named(contract, settings, TFT_PROFILE_DATABASE, "mem_pct", 95.0, 99.0); // page cache
    set_named(contract, settings, -1, "latency_ms", 100.0, 200.0);
}

/* The line from (x0, y0) to (x1, y1) at x. */
static double between(double x, double x0, double y0, double x1, double y1)
{
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0);
}

double risk_curve(const risk_settings *settings, risk_threshold threshold, double limit, double value)
{
    const double w = threshold.warning, c = threshold.critical;
    if (isnan(w) || isnan(c) || isnan(value))
        return 0.0;
    const double start = settings->start_share * w;
    const double end = isnan(limit) ? 2.0 * c : limit;
    if (value <= start)
        return 0.0;
    if (value < w)
        return between(value, start, 0.0, w, settings->at_warning);
    if (value < c)
        return between(value, w, settings->at_warning, c, settings->at_critical);
    if (value < end)
        return between(value, c, settings->at_critical, end, 100.0);
    return 100.0;
}

static void evaluate_now(const risk_settings *settings, const risk_input *input, risk_score *score)
{
    for (size_t m = 0; m < input->n_metrics; m++) {
        const double part =
            risk_curve(settings, settings->thresholds[input->profile][m], settings->limit[m], input->current[m]);
        if (part > score->now_metric_part) {
            score->now_metric = (int)m;
            score->now_metric_part = part;
        }
    }
    if (input->state == TFT_STATE_CRITICAL_ISSUE)
        score->now_state_part = settings->floor_critical;
    else if (input->state == TFT_STATE_OFFLINE && !input->planned)
        score->now_state_part = settings->floor_offline;
    score->now = input->state == TFT_STATE_MAINTENANCE ? 0.0 : fmax(score->now_metric_part, score->now_state_part);
}

static void evaluate_soon(const risk_settings *settings, const risk_input *input, risk_score *score)
{
    const size_t steps = input->lookahead_steps < input->horizon ? input->lookahead_steps : input->horizon;
    score->incident_part = 100.0 * input->incident;
    for (size_t m = 0; m < input->n_targets; m++) {
        if (input->p50[m] == NULL || steps == 0)
            continue;
        size_t top = 0;
        for (size_t t = 1; t < steps; t++)
            if (input->p50[m][t] > input->p50[m][top])
                top = t;
        const double part = risk_curve(settings, settings->thresholds[input->profile][m], settings->limit[m],
                                       (double)input->p50[m][top]);
        if (part > score->soon_metric_part) {
            score->soon_metric = (int)m;
            score->soon_metric_part = part;
            score->soon_step = top;
        }
    }
    score->soon = fmax(score->incident_part, score->soon_metric_part);
}

risk_score risk_evaluate(const risk_settings *settings, const risk_input *input)
{
    risk_score score = {.now_metric = -1, .soon_metric = -1};
    evaluate_now(settings, input, &score);
    evaluate_soon(settings, input, &score);
    score.score = fmin(fmax(fmax(score.now, score.soon), 0.0), 100.0);
    score.band = risk_band(settings, score.score);
    score.priority = risk_priority(settings, score.score);
    return score;
}

uint8_t risk_band(const risk_settings *settings, double score)
{
    uint8_t band = 0;
    while (band < RISK_N_BANDS - 1 && score >= settings->bands[band])
        band++;
    return band;
}

uint8_t risk_priority(const risk_settings *settings, double score)
{
    uint8_t priority = 4;
    for (size_t i = 0; i < 3 && score >= settings->priorities[i]; i++)
        priority--;
    return priority;
}

const char *risk_band_name(size_t band)
{
    static const char *const names[RISK_N_BANDS] = {"healthy", "watch",    "degrading",       "warning",
                                                    "danger",  "critical", "imminent failure"};
    return band < RISK_N_BANDS ? names[band] : "";
}

risk_health risk_fleet_health(size_t n, size_t n_high, size_t n_middle)
{
    if (n == 0)
        return RISK_HEALTH_UNKNOWN;
    // Shares as whole numbers, so that exactly 30 % of 10 servers is 30 %.
    if (n_high * 100 >= n * 30 || n_middle * 100 >= n * 50)
        return RISK_HEALTH_CRITICAL;
    if (n_high * 100 >= n * 10 || n_middle * 100 >= n * 30)
        return RISK_HEALTH_WARNING;
    return RISK_HEALTHY;
}

const char *risk_health_name(risk_health health)
{
    switch (health) {
    case RISK_HEALTHY:
        return "healthy";
    case RISK_HEALTH_WARNING:
        return "warning";
    case RISK_HEALTH_CRITICAL:
        return "critical";
    case RISK_HEALTH_UNKNOWN:
    default:
        return "unknown";
    }
}
