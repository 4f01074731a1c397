/* report.c - see report.h. */
#include "score/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "score/page.h"
#include "score/report_alerts.h"

/* Characters of a UTF-8 text: what a column of a terminal is wide. */
static int width_of(const char *text)
{
    int n = 0;
    for (const char *at = text; *at != '\0'; at++)
        n += ((unsigned char)*at & 0xc0) != 0x80;
    return n;
}

static void put_left(tft_text *text, const char *word, int width)
{
    tft_text_puts(text, word);
    for (int i = width_of(word); i < width; i++)
        tft_text_puts(text, " ");
}

static void put_right(tft_text *text, const char *word, int width)
{
    for (int i = width_of(word); i < width; i++)
        tft_text_puts(text, " ");
    tft_text_puts(text, word);
}

static void put_number(tft_text *text, double value, int decimals, int width)
{
    char word[64] = "–";
    if (isfinite(value))
        snprintf(word, sizeof word, "%.*f", decimals, value);
    put_right(text, word, width);
}

static bool is_scored(const score_report *report, size_t metric)
{
    return score_result_all(report->result, 0, metric).n > 0;
}

/* ---- tables -------------------------------------------------------------------------------------------------------- */

#define NAME_WIDTH 28

static void put_header(const score_report *report, tft_text *text)
{
    static const char *const columns[] = {"MAE", "P50", "P90", "CRPS"};
    const score_bands *const bands = &report->result->bands;
    put_left(text, "forecaster", NAME_WIDTH);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        put_right(text, columns[i], i == 0 ? 10 : 8);
    for (size_t b = 0; report->by_horizon && b < bands->n; b++) {
        char range[48];
        snprintf(range, sizeof range, "%zu–%zu", bands->first[b], bands->last[b]);
        put_right(text, range, 8);
    }
    tft_text_puts(text, "  in P10–P90  in P02–P98      gm\n");
}

static void put_row(const score_report *report, size_t forecaster, size_t metric, tft_text *text)
{
    const score_result *const result = report->result;
    const score_sums all = score_result_all(result, forecaster, metric);
    put_left(text, result->forecasters[forecaster].label, NAME_WIDTH);
    put_number(text, score_mae(&all), score_mae(&all) < 1 ? 4 : 3, 10);
    put_number(text, score_q_risk(&all, SCORE_P50), 4, 8);
    put_number(text, score_q_risk(&all, SCORE_P90), 4, 8);
    put_number(text, score_crps(&all), 4, 8);
    for (size_t b = 0; report->by_horizon && b < result->bands.n; b++)
        put_number(text, score_crps(score_result_band(result, forecaster, metric, b)), 4, 8);
    put_number(text, 100 * score_coverage_80(&all), 1, 10);
    tft_text_puts(text, " %");
    put_number(text, 100 * score_coverage_96(&all), 1, 10);
    tft_text_puts(text, " %");
    put_number(text, score_result_gm(result, forecaster, metric), 3, 8);
    tft_text_puts(text, "\n");
}

static void put_metric(const score_report *report, size_t metric, tft_text *text)
{
    const score_result *const result = report->result;
    const tft_metric *const about = &report->contract->metrics[metric];
    const score_sums all = score_result_all(result, 0, metric);
    tft_text_printf(text, "\n%s", about->name);
    if (about->unit[0] != '\0')
        tft_text_printf(text, " (%s)", about->unit);
    tft_text_puts(text, ": ");
    tft_text_grouped(text, all.n);
    tft_text_printf(text, " cells, mean |value| %.4g", all.abs_y / (double)all.n);
    if (result->n_without_history[metric] > 0)
        tft_text_printf(text, "; %zu windows without any value in 8 days left out", result->n_without_history[metric]);
    tft_text_puts(text, "\n");
    put_header(report, text);
    for (size_t f = 0; f < result->n_forecasters; f++)
        put_row(report, f, metric, text);
}

/* Means over metrics of what has no unit: every metric weighs the same. */
typedef struct pooled_figures {
    double p50, p90, crps, bands[SCORE_MAX_BANDS], in_80, in_96, log_gm;
    size_t n_metrics;
} pooled_figures;

static pooled_figures pool_metrics(const score_report *report, size_t forecaster)
{
    const score_result *const result = report->result;
    pooled_figures p = {0};
    for (size_t m = 0; m < result->n_metrics; m++) {
        const score_sums all = score_result_all(result, forecaster, m);
        if (all.n == 0 || !(all.abs_y > 0))
            continue; // nothing to divide by: the metric was 0 throughout
        p.n_metrics++;
        p.p50 += score_q_risk(&all, SCORE_P50);
        p.p90 += score_q_risk(&all, SCORE_P90);
        p.crps += score_crps(&all);
        p.in_80 += score_coverage_80(&all);
        p.in_96 += score_coverage_96(&all);
        p.log_gm += log(score_result_gm(result, forecaster, m));
        for (size_t b = 0; b < result->bands.n; b++)
            p.bands[b] += score_crps(score_result_band(result, forecaster, m, b));
    }
    const double n = (double)p.n_metrics;
    p.p50 /= n, p.p90 /= n, p.crps /= n, p.in_80 /= n, p.in_96 /= n, p.log_gm /= n;
    for (size_t b = 0; b < SCORE_MAX_BANDS; b++)
        p.bands[b] /= n;
    return p;
}

static void put_pooled(const score_report *report, tft_text *text)
{
    const score_result *const result = report->result;
    tft_text_printf(text, "\nall metrics: means over %zu of them\n", pool_metrics(report, 0).n_metrics);
    put_header(report, text);
    for (size_t f = 0; f < result->n_forecasters; f++) {
        const pooled_figures p = pool_metrics(report, f);
        put_left(text, result->forecasters[f].label, NAME_WIDTH);
        put_right(text, "–", 10);
        put_number(text, p.p50, 4, 8);
        put_number(text, p.p90, 4, 8);
        put_number(text, p.crps, 4, 8);
        for (size_t b = 0; report->by_horizon && b < result->bands.n; b++)
            put_number(text, p.bands[b], 4, 8);
        put_number(text, 100 * p.in_80, 1, 10);
        tft_text_puts(text, " %");
        put_number(text, 100 * p.in_96, 1, 10);
        tft_text_puts(text, " %");
        put_number(text, exp(p.log_gm), 3, 8);
        tft_text_puts(text, "\n");
    }
}

/* CRPS of one server and metric; NaN without cells. */
static double server_crps(const score_result *result, size_t forecaster, size_t metric, size_t server)
{
    const size_t n = result->n_servers;
    const double abs_y = result->server_abs_y[metric * n + server];
    const double loss = result->server_loss[(forecaster * result->n_metrics + metric) * n + server];
    return abs_y > 0 ? 2 * loss / SCORE_N_LOSSES / abs_y : NAN;
}

static void put_servers(const score_report *report, size_t metric, tft_text *text)
{
    const score_result *const result = report->result;
    tft_text_printf(text, "\n%s: CRPS by server\n", report->contract->metrics[metric].name);
    put_left(text, "server", NAME_WIDTH);
    put_right(text, "cells", 10);
    for (size_t f = 0; f < result->n_forecasters; f++)
        put_right(text, result->forecasters[f].name, 15);
    tft_text_puts(text, "\n");
    for (size_t s = 0; s < result->n_servers; s++) {
        const uint64_t cells = result->server_cells[metric * result->n_servers + s];
        if (cells == 0)
            continue;
        put_left(text, report->server_names[s], NAME_WIDTH);
        put_number(text, (double)cells, 0, 10);
        for (size_t f = 0; f < result->n_forecasters; f++)
            put_number(text, server_crps(result, f, metric, s), 4, 15);
        tft_text_puts(text, "\n");
    }
}

/* ---- incidents ----------------------------------------------------------------------------------------------------- */

static void rule_text(const score_report *report, const tft_incident_rule *rule, char *out, size_t capacity)
{
    if (rule->by_metric)
        snprintf(out, capacity, "%s >= %g for %zu steps", report->contract->metrics[rule->metric].name, rule->level,
                 rule->steps);
    else
        snprintf(out, capacity, "state critical_issue or unplanned offline");
}

/* Probabilities of one kind of incident, scored against another: that must be said. */
static bool is_another_rule(const score_report *report)
{
    const tft_incident_rule *const a = &report->result->rule, *const b = &report->contract->incident;
    if (report->model == NULL || !report->result->has_probabilities)
        return false;
    if (!a->by_metric || !b->by_metric)
        return a->by_metric != b->by_metric;
    return a->metric != b->metric || a->level < b->level || a->level > b->level || a->steps != b->steps;
}

static void put_incident_row(const char *horizon, const char *label, const score_incident_figures *f, tft_text *text)
{
    char cases[64];
    snprintf(cases, sizeof cases, "%zu / %zu", f->positives, f->n);
    put_left(text, horizon, 8);
    put_left(text, label, 24);
    put_right(text, cases, 18);
    put_number(text, f->brier, 5, 9);
    put_number(text, f->brier_skill, 3, 12);
    put_number(text, f->log_loss, 4, 9);
    put_number(text, f->log_loss_skill, 3, 9);
    put_number(text, f->ece, 4, 9);
    put_number(text, f->auc, 3, 7);
    put_number(text, f->auc_within, 3, 12);
    put_number(text, f->precision_at_half_recall, 3, 14);
    tft_text_puts(text, "\n");
}

static void put_fleet(const score_result *result, tft_text *text)
{
    tft_text_puts(text, "\nat least one incident on any server: the servers of one origin are a fleet\n");
    tft_text_puts(text,
                  "within  forecaster                 starts / cases    Brier  Brier skill log loss    skill      "
                  "ECE    AUC  within AUC  precision R50\n");
    for (size_t k = 0; k < result->n_horizons; k++) {
        const score_incident_result *const r = &result->incidents[k];
        put_incident_row(result->horizon_names[k], result->forecasters[0].label, &r->fleet, text);
        put_incident_row(result->horizon_names[k], "taken as independent", &r->fleet_independent, text);
        put_incident_row(result->horizon_names[k], "largest server alone", &r->fleet_largest, text);
    }
}

static void put_bins(const score_report *report, tft_text *text)
{
    const score_result *const result = report->result;
    tft_text_printf(text, "\nreliability of %s: mean probability → observed share, ten bins of equal count\n",
                    result->forecasters[0].label);
    for (size_t k = 0; k < result->n_horizons; k++) {
        const score_incident_figures *const f = &result->incidents[k].source;
        put_left(text, result->horizon_names[k], 4);
        for (size_t b = 0; b < f->n_bins; b++)
            tft_text_printf(text, "  %.3f→%.3f", f->bins[b].mean_p, f->bins[b].observed);
        tft_text_puts(text, "\n");
    }
}

static void put_incidents(const score_report *report, tft_text *text)
{
    const score_result *const result = report->result;
    char rule[160];
    rule_text(report, &report->result->rule, rule, sizeof rule);
    if (result->n_horizons == 0) {
        tft_text_printf(text, "\nincidents (%s): the data has no labels\n", rule);
        return;
    }
    tft_text_printf(text, "\nincidents (%s), windows already in one left out\n", rule);
    if (is_another_rule(report)) {
        rule_text(report, &report->contract->incident, rule, sizeof rule);
        tft_text_printf(text, "the model's own rule is another one (%s): it was not trained for these\n", rule);
    }
    tft_text_puts(text,
                  "within  forecaster                 starts / cases    Brier  Brier skill log loss    skill      "
                  "ECE    AUC  within AUC  precision R50\n");
    for (size_t k = 0; k < result->n_horizons; k++) {
        if (result->has_probabilities)
            put_incident_row(result->horizon_names[k], result->forecasters[0].label, &result->incidents[k].source,
                             text);
        put_incident_row(result->horizon_names[k], "server's own frequency", &result->incidents[k].frequency, text);
        if (result->has_prior)
            put_incident_row(result->horizon_names[k], "climatology", &result->incidents[k].climatology, text);
    }
    if (result->has_probabilities && result->incidents[0].fleet.n > 0)
        put_fleet(result, text);
    if (result->has_probabilities)
        put_bins(report, text);
}

/* ---- the verdict ----------------------------------------------------------------------------------------------------- */

static void put_verdict(const score_report *report, size_t metric, tft_text *text)
{
    const score_result *const result = report->result;
    const int best = score_result_best_baseline(result, metric);
    const char *const name = report->contract->metrics[metric].name;
    if (best < 0) {
        tft_text_printf(text, "%s: every value is 0, there is nothing to compare\n", name);
        return;
    }
    const score_sums baseline = score_result_all(result, (size_t)best, metric);
    const double least = score_crps(&baseline);
    const char *const label = result->forecasters[best].label;
    if (!result->has_source) {
        tft_text_printf(text, "%s: the best baseline is %s, CRPS %.4f\n", name, label, least);
        return;
    }
    const score_sums own = score_result_all(result, 0, metric);
    const double crps = score_crps(&own);
    const char *const verdict = crps < least ? "beats every baseline" : crps > least ? "does NOT beat" : "equals";
    tft_text_printf(text, "%s: %s %s%s%s, CRPS %.4f against %.4f (%s), %+.1f %%\n", name, result->forecasters[0].label,
                    verdict, crps < least ? "" : " ", crps < least ? "" : label, crps, least, label,
                    100 * (crps / least - 1));
}

static void put_title(const score_report *report, tft_text *text)
{
    const score_windows *const w = report->windows;
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < w->n; i++) {
        first = w->items[i].origin < first ? w->items[i].origin : first;
        last = w->items[i].origin > last ? w->items[i].origin : last;
    }
    char from[TFT_TIME_TEXT], to[TFT_TIME_TEXT];
    tft_time_format_s(first * report->contract->step_ms, from);
    tft_time_format_s(last * report->contract->step_ms, to);
    tft_text_printf(text, "%s: ", report->title);
    tft_text_grouped(text, w->n);
    tft_text_puts(text, " windows, ");
    tft_text_grouped(text, w->n_origins);
    tft_text_printf(text, " origins from %s to %s, ", from, to);
    tft_text_grouped(text, w->n_servers);
    tft_text_puts(text, w->n_servers == 1 ? " server\n" : " servers\n");
    if (report->model != NULL)
        tft_text_printf(text, "model: %s%s%s\n", report->model, report->precision != NULL ? ", products in " : "",
                        report->precision != NULL ? report->precision : "");
    if (report->result->n_refused > 0) {
        tft_text_grouped(text, report->result->n_refused);
        tft_text_printf(text, " windows without an answer of %s: the last value was scored in its place\n",
                        report->result->forecasters[0].label);
    }
}

void score_report_text(const score_report *report, tft_text *text)
{
    const score_result *const result = report->result;
    put_title(report, text);
    for (size_t m = 0; m < result->n_metrics; m++) {
        if (report->by_metric && is_scored(report, m))
            put_metric(report, m, text);
        if (report->by_server && is_scored(report, m))
            put_servers(report, m, text);
    }
    put_pooled(report, text);
    put_incidents(report, text);
    if (result->has_alerts)
        score_report_alerts_text(&result->alerts, report->contract, text);
    tft_text_puts(text, "\n");
    for (size_t m = 0; m < result->n_metrics; m++) {
        if (is_scored(report, m))
            put_verdict(report, m, text);
        else
            tft_text_printf(text, "%s: no value to score\n", report->contract->metrics[m].name);
    }
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------- */

static void json_key(tft_text *text, const char *key)
{
    tft_text_printf(text, "\"%s\": ", key);
}

static void json_figure(tft_text *text, const char *key, double value)
{
    json_key(text, key);
    tft_text_json_number(text, value);
    tft_text_puts(text, ", ");
}

static void json_string(tft_text *text, const char *key, const char *value)
{
    json_key(text, key);
    if (value == NULL)
        tft_text_puts(text, "null");
    else
        tft_text_json_string(text, value, strlen(value));
}

static void json_sums(tft_text *text, const score_sums *sums)
{
    tft_text_printf(text, "\"n\": %" PRIu64 ", ", sums->n);
    json_figure(text, "mae", score_mae(sums));
    json_figure(text, "q_risk_p50", score_q_risk(sums, SCORE_P50));
    json_figure(text, "q_risk_p90", score_q_risk(sums, SCORE_P90));
    json_figure(text, "crps", score_crps(sums));
    json_figure(text, "coverage_p10_p90", score_coverage_80(sums));
    json_figure(text, "coverage_p02_p98", score_coverage_96(sums));
    json_key(text, "width");
    tft_text_json_number(text, score_width_80(sums));
}

static void json_forecaster(const score_report *report, size_t forecaster, size_t metric, tft_text *text)
{
    const score_result *const result = report->result;
    const score_sums all = score_result_all(result, forecaster, metric);
    tft_text_puts(text, "{");
    json_string(text, "name", result->forecasters[forecaster].name);
    tft_text_puts(text, ", ");
    json_sums(text, &all);
    tft_text_puts(text, ", ");
    json_key(text, "gm");
    tft_text_json_number(text, score_result_gm(result, forecaster, metric));
    if (report->by_horizon) {
        tft_text_puts(text, ", \"horizon\": [");
        for (size_t b = 0; b < result->bands.n; b++) {
            tft_text_printf(text, "%s{\"steps\": [%zu, %zu], ", b == 0 ? "" : ", ", result->bands.first[b],
                            result->bands.last[b]);
            json_sums(text, score_result_band(result, forecaster, metric, b));
            tft_text_puts(text, "}");
        }
        tft_text_puts(text, "]");
    }
    tft_text_puts(text, "}");
}

static void json_servers(const score_report *report, size_t metric, tft_text *text)
{
    const score_result *const result = report->result;
    bool first = true;
    tft_text_puts(text, ", \"servers\": [");
    for (size_t s = 0; s < result->n_servers; s++) {
        const uint64_t cells = result->server_cells[metric * result->n_servers + s];
        if (cells == 0)
            continue;
        tft_text_puts(text, first ? "{" : ", {");
        first = false;
        json_string(text, "server_name", report->server_names[s]);
        tft_text_printf(text, ", \"n\": %" PRIu64 ", \"crps\": {", cells);
        for (size_t f = 0; f < result->n_forecasters; f++) {
            tft_text_printf(text, "%s\"%s\": ", f == 0 ? "" : ", ", result->forecasters[f].name);
            tft_text_json_number(text, server_crps(result, f, metric, s));
        }
        tft_text_puts(text, "}}");
    }
    tft_text_puts(text, "]");
}

static void json_metric(const score_report *report, size_t metric, tft_text *text)
{
    const score_result *const result = report->result;
    const tft_metric *const about = &report->contract->metrics[metric];
    const int best = score_result_best_baseline(result, metric);
    const score_sums all = score_result_all(result, 0, metric);
    tft_text_puts(text, "{");
    json_string(text, "metric", about->name);
    tft_text_puts(text, ", ");
    json_string(text, "unit", about->unit);
    tft_text_printf(text, ", \"n\": %" PRIu64 ", \"windows_without_history\": %zu, ", all.n,
                    result->n_without_history[metric]);
    json_figure(text, "mean_abs", all.n > 0 ? all.abs_y / (double)all.n : NAN);
    json_string(text, "best_baseline", best >= 0 ? result->forecasters[best].name : NULL);
    if (result->has_source && best >= 0) {
        const score_sums baseline = score_result_all(result, (size_t)best, metric);
        tft_text_printf(text, ", \"beats_every_baseline\": %s",
                        score_crps(&all) < score_crps(&baseline) ? "true" : "false");
        tft_text_puts(text, ", ");
        json_key(text, "skill");
        tft_text_json_number(text, 1 - score_crps(&all) / score_crps(&baseline));
    }
    tft_text_puts(text, ", \"forecasters\": [");
    for (size_t f = 0; f < result->n_forecasters; f++) {
        tft_text_puts(text, f == 0 ? "" : ", ");
        json_forecaster(report, f, metric, text);
    }
    tft_text_puts(text, "]");
    if (report->by_server)
        json_servers(report, metric, text);
    tft_text_puts(text, "}");
}

static void json_pooled(const score_report *report, tft_text *text)
{
    const score_result *const result = report->result;
    tft_text_puts(text, "\"pooled\": [");
    for (size_t f = 0; f < result->n_forecasters; f++) {
        const pooled_figures p = pool_metrics(report, f);
        tft_text_puts(text, f == 0 ? "{" : ", {");
        json_string(text, "name", result->forecasters[f].name);
        tft_text_puts(text, ", ");
        json_figure(text, "q_risk_p50", p.p50);
        json_figure(text, "q_risk_p90", p.p90);
        json_figure(text, "crps", p.crps);
        json_figure(text, "coverage_p10_p90", p.in_80);
        json_figure(text, "coverage_p02_p98", p.in_96);
        json_key(text, "gm");
        tft_text_json_number(text, exp(p.log_gm));
        tft_text_puts(text, "}");
    }
    tft_text_puts(text, "]");
}

static void json_incident(const char *name, const score_incident_figures *f, tft_text *text)
{
    tft_text_puts(text, "{");
    json_string(text, "name", name);
    tft_text_puts(text, ", ");
    json_figure(text, "brier", f->brier);
    json_figure(text, "brier_skill", f->brier_skill);
    json_figure(text, "log_loss", f->log_loss);
    json_figure(text, "log_loss_skill", f->log_loss_skill);
    json_figure(text, "ece", f->ece);
    json_figure(text, "auc", f->auc);
    json_figure(text, "auc_within_server", f->auc_within);
    tft_text_printf(text, "\"servers_within\": %zu, ", f->n_servers_within);
    json_figure(text, "precision_at_recall_50", f->precision_at_half_recall);
    tft_text_puts(text, "\"bins\": [");
    for (size_t b = 0; b < f->n_bins; b++) {
        tft_text_printf(text, "%s{\"n\": %zu, ", b == 0 ? "" : ", ", f->bins[b].n);
        json_figure(text, "mean_p", f->bins[b].mean_p);
        json_key(text, "observed");
        tft_text_json_number(text, f->bins[b].observed);
        tft_text_puts(text, "}");
    }
    tft_text_puts(text, "]}");
}

static void json_fleet(const score_incident_result *r, tft_text *text)
{
    tft_text_printf(text, ", \"fleet\": {\"n\": %zu, \"positives\": %zu, \"forecasters\": [", r->fleet.n,
                    r->fleet.positives);
    json_incident("linked", &r->fleet, text);
    tft_text_puts(text, ", ");
    json_incident("independent", &r->fleet_independent, text);
    tft_text_puts(text, ", ");
    json_incident("largest", &r->fleet_largest, text);
    tft_text_puts(text, "]}");
}

static void json_incidents(const score_report *report, tft_text *text)
{
    const score_result *const result = report->result;
    char rule[160];
    rule_text(report, &report->result->rule, rule, sizeof rule);
    tft_text_puts(text, "\"incidents\": {");
    json_string(text, "rule", rule);
    if (report->model != NULL) {
        rule_text(report, &report->contract->incident, rule, sizeof rule);
        tft_text_puts(text, ", ");
        json_string(text, "model_rule", rule);
    }
    tft_text_puts(text, ", \"horizons\": [");
    for (size_t k = 0; k < result->n_horizons; k++) {
        const score_incident_result *const r = &result->incidents[k];
        tft_text_printf(text, "%s{\"horizon\": \"%s\", \"steps\": %" PRIu32 ", \"n\": %zu, \"positives\": %zu, ",
                        k == 0 ? "" : ", ", result->horizon_names[k], result->horizon_steps[k], r->frequency.n,
                        r->frequency.positives);
        json_figure(text, "base_rate", r->frequency.base_rate);
        tft_text_printf(text, "\"unanswered\": %zu, \"forecasters\": [", r->n_unanswered);
        if (result->has_probabilities) {
            json_incident(result->forecasters[0].name, &r->source, text);
            tft_text_puts(text, ", ");
        }
        json_incident("server_frequency_7d", &r->frequency, text);
        if (result->has_prior) {
            tft_text_puts(text, ", ");
            json_incident("climatology", &r->climatology, text);
        }
        tft_text_puts(text, "]");
        if (r->fleet.n > 0)
            json_fleet(r, text);
        tft_text_puts(text, "}");
    }
    tft_text_puts(text, "]}");
}

void score_report_json(const score_report *report, tft_text *text)
{
    const score_result *const result = report->result;
    const score_windows *const w = report->windows;
    tft_text_puts(text, "{");
    json_string(text, "title", report->title);
    tft_text_puts(text, ", ");
    json_string(text, "model", report->model);
    if (report->precision != NULL) {
        tft_text_puts(text, ", ");
        json_string(text, "precision", report->precision);
    }
    tft_text_printf(text, ", \"windows\": %zu, \"origins\": %zu, \"servers\": %zu, \"refused\": %zu, ", w->n,
                    w->n_origins, w->n_servers, result->n_refused);
    tft_text_printf(text, "\"step_seconds\": %g, \"horizon\": %zu, ", (double)report->contract->step_ms / 1000,
                    report->contract->horizon);
    if (report->by_metric) {
        bool first = true;
        tft_text_puts(text, "\"metrics\": [");
        for (size_t m = 0; m < result->n_metrics; m++) {
            if (!is_scored(report, m))
                continue;
            tft_text_puts(text, first ? "" : ", ");
            json_metric(report, m, text);
            first = false;
        }
        tft_text_puts(text, "], ");
    }
    json_pooled(report, text);
    tft_text_puts(text, ", ");
    json_incidents(report, text);
    if (result->has_alerts) {
        tft_text_puts(text, ", \"alerts\": ");
        score_report_alerts_json(&result->alerts, report->contract, text);
    }
    score_page_json(report, report->extras, text);
    tft_text_puts(text, "}\n");
}
