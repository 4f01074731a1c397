/* page.c - see page.h. In the order of the page: heading, a section per metric, incidents, alerts, examples, inputs. */
#include "score/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "score/chart.h"
#include "score/page_style.h"
#include "score/report_alerts.h"

#define MAX_LINES 8 // forecasters in a chart: all of them
#define N_SHOWN_WEIGHTS 12

typedef struct page {
    const score_report *report;
    const score_result *result;
    const tft_contract *contract;
    const tft_dataset *dataset;
    const score_extras *extras;
    tft_text *text;
} page;

/* ---- pieces -------------------------------------------------------------------------------------------------------- */

static void put_cell(tft_text *text, double value, int decimals)
{
    if (isfinite(value))
        tft_text_printf(text, "<td>%.*f</td>", decimals, value);
    else
        tft_text_puts(text, "<td>–</td>");
}

static void open_table(tft_text *text, const char *id, const char *suffix, const char *columns)
{
    tft_text_printf(text, "<div class=\"scroll\"><table id=\"%s%s%s\"><thead><tr>", id, suffix[0] != '\0' ? "-" : "",
                    suffix);
    for (const char *at = columns; *at != '\0';) {
        const size_t n = strcspn(at, "|");
        tft_text_puts(text, "<th>");
        tft_text_add(text, at, n);
        tft_text_puts(text, "</th>");
        at += n + (at[n] == '|');
    }
    tft_text_puts(text, "</tr></thead><tbody>");
}

static void close_table(tft_text *text)
{
    tft_text_puts(text, "</tbody></table></div>\n");
}

static void open_figure(tft_text *text, const char *caption, const char *aside)
{
    tft_text_puts(text, "<figure><figcaption>");
    chart_escape(text, caption);
    tft_text_puts(text, " <span>");
    chart_escape(text, aside);
    tft_text_puts(text, "</span></figcaption>");
}

static void put_legend(const page *p, const size_t *shown, size_t n)
{
    tft_text_puts(p->text, "<div class=\"legend\">");
    for (size_t i = 0; i < n; i++) {
        tft_text_printf(p->text, "<span><i style=\"background:var(--c%zu)\"></i>", i);
        chart_escape(p->text, p->result->forecasters[shown[i]].label);
        tft_text_puts(p->text, "</span>");
    }
    tft_text_puts(p->text, "</div>");
}

static const char *line_class(size_t i)
{
    static const char *const classes[MAX_LINES] = {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"};
    return classes[i % MAX_LINES];
}

static bool is_scored(const page *p, size_t metric)
{
    const score_sums all = score_result_all(p->result, 0, metric);
    return all.n > 0;
}

/* The forecaster under test and the three best baselines of a metric, best first: what a chart can show at once. */
static size_t choose_lines(const page *p, size_t metric, size_t shown[4])
{
    size_t n = 0;
    bool taken[SCORE_MAX_FORECASTERS] = {false};
    if (p->result->has_source) {
        shown[n++] = 0;
        taken[0] = true;
    }
    while (n < 4) {
        size_t best = SIZE_MAX;
        double least = INFINITY;
        for (size_t f = 0; f < p->result->n_forecasters; f++) {
            const score_sums all = score_result_all(p->result, f, metric);
            if (!taken[f] && score_crps(&all) < least) {
                least = score_crps(&all);
                best = f;
            }
        }
        if (best == SIZE_MAX)
            break;
        taken[best] = true;
        shown[n++] = best;
    }
    return n;
}

/* ---- heading ------------------------------------------------------------------------------------------------------- */

static void put_heading(const page *p)
{
    const score_windows *const w = p->report->windows;
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < w->n; i++) {
        first = w->items[i].origin < first ? w->items[i].origin : first;
        last = w->items[i].origin > last ? w->items[i].origin : last;
    }
    char from[TFT_TIME_TEXT], to[TFT_TIME_TEXT];
    tft_time_format_s(first * p->contract->step_ms, from);
    tft_time_format_s(last * p->contract->step_ms, to);
    tft_text_puts(p->text, "<h1>How good the forecasts were</h1><p class=\"soft\">");
    chart_escape(p->text, p->report->title);
    tft_text_puts(p->text, " · ");
    tft_text_grouped(p->text, w->n);
    tft_text_puts(p->text, " windows of ");
    tft_text_grouped(p->text, w->n_servers);
    tft_text_printf(p->text, " servers, %zu origins from %s to %s", w->n_origins, from, to);
    if (p->report->model != NULL) {
        tft_text_puts(p->text, " · model ");
        chart_escape(p->text, p->report->model);
        if (p->report->precision != NULL)
            tft_text_printf(p->text, ", products in %s", p->report->precision);
    }
    if (p->result->n_refused > 0)
        tft_text_printf(p->text, " · %zu windows without an answer, where the last value was scored in its place",
                        p->result->n_refused);
    tft_text_puts(p->text, "</p>\n<nav>");
    for (size_t m = 0; m < p->result->n_metrics; m++) {
        if (is_scored(p, m))
            tft_text_printf(p->text, "<a href=\"#metric-%s\">%s</a>", p->contract->metrics[m].name,
                            p->contract->metrics[m].name);
    }
    tft_text_puts(p->text, "<a href=\"#incidents\">incidents</a>");
    if (p->result->has_alerts)
        tft_text_puts(p->text, "<a href=\"#alerts\">alerts</a>");
    if (p->extras != NULL)
        tft_text_puts(p->text, "<a href=\"#examples\">examples</a><a href=\"#inputs\">inputs</a>");
    tft_text_puts(p->text, "<a href=\"#words\">definitions</a></nav>\n");
}

static void put_cards(const page *p)
{
    tft_text_puts(p->text, "<div class=\"cards\">");
    for (size_t m = 0; m < p->result->n_metrics; m++) {
        if (!is_scored(p, m))
            continue;
        const int best = score_result_best_baseline(p->result, m);
        const score_sums own = score_result_all(p->result, 0, m);
        tft_text_printf(p->text, "<div class=\"card\"><span class=\"name\">%s, CRPS</span><b>%.4f</b><small>",
                        p->contract->metrics[m].name, score_crps(&own));
        if (best >= 0 && p->result->has_source) {
            const score_sums other = score_result_all(p->result, (size_t)best, m);
            const double change = 100 * (score_crps(&own) / score_crps(&other) - 1);
            tft_text_printf(p->text, "<span class=\"%s\">%+.1f %%</span> against ", change < 0 ? "good" : "bad",
                            change);
            chart_escape(p->text, p->result->forecasters[best].label);
            tft_text_printf(p->text, "<br>P10–P90 holds %.1f %%", 100 * score_coverage_80(&own));
        }
        tft_text_puts(p->text, "</small></div>");
    }
    if (p->result->has_probabilities && p->result->n_horizons > 0) {
        const size_t k = p->result->n_horizons > 2 ? 2 : p->result->n_horizons - 1;
        const score_incident_figures *const f = &p->result->incidents[k].source;
        tft_text_printf(
            p->text,
            "<div class=\"card\"><span class=\"name\">incident within %s</span><b>%.3f</b><small>Brier skill; "
            "ECE %.4f<br>%zu starts in %zu cases</small></div>",
            p->result->horizon_names[k], f->brier_skill, f->ece, f->positives, f->n);
    }
    tft_text_puts(p->text, "</div>\n");
}

/* ---- a metric ------------------------------------------------------------------------------------------------------- */

static void put_scores(const page *p, size_t m)
{
    const score_result *const result = p->result;
    char columns[256] = "forecaster|MAE|P50|P90|CRPS";
    for (size_t b = 0; b < result->bands.n; b++) {
        const size_t n = strlen(columns);
        snprintf(columns + n, sizeof columns - n, "|%zu–%zu", result->bands.first[b], result->bands.last[b]);
    }
    const size_t n = strlen(columns);
    snprintf(columns + n, sizeof columns - n, "|in P10–P90, %%|in P02–P98, %%|gm");
    open_table(p->text, "scores", p->contract->metrics[m].name, columns);
    for (size_t f = 0; f < result->n_forecasters; f++) {
        const score_sums all = score_result_all(result, f, m);
        tft_text_puts(p->text, f == 0 && result->has_source ? "<tr class=\"own\"><th>" : "<tr><th>");
        chart_escape(p->text, result->forecasters[f].label);
        tft_text_puts(p->text, "</th>");
        put_cell(p->text, score_mae(&all), 4);
        put_cell(p->text, score_q_risk(&all, SCORE_P50), 4);
        put_cell(p->text, score_q_risk(&all, SCORE_P90), 4);
        put_cell(p->text, score_crps(&all), 4);
        for (size_t b = 0; b < result->bands.n; b++)
            put_cell(p->text, score_crps(score_result_band(result, f, m, b)), 4);
        put_cell(p->text, 100 * score_coverage_80(&all), 1);
        put_cell(p->text, 100 * score_coverage_96(&all), 1);
        put_cell(p->text, score_result_gm(result, f, m), 3);
        tft_text_puts(p->text, "</tr>");
    }
    close_table(p->text);
}

/* CRPS of the chosen forecasters over n rows (steps or hours), with the same numbers as a table below. */
static void put_crps_chart(const page *p, size_t m, const score_sums *rows, size_t n, const char *id,
                           const char *caption, const char *label)
{
    size_t shown[4];
    const size_t n_shown = choose_lines(p, m, shown);
    double *const x = calloc(2 * n, sizeof *x), *const y = x + n, top = 0;
    if (x == NULL)
        return; // a page without this chart
    for (size_t i = 0; i < n_shown; i++) {
        for (size_t k = 0; k < n; k++) {
            const double crps = score_crps(&rows[(shown[i] * p->result->n_metrics + m) * n + k]);
            top = isfinite(crps) && crps > top ? crps : top;
        }
    }
    const bool hours = n == SCORE_N_HOURS && strcmp(id, "hours") == 0;
    open_figure(p->text, caption, p->contract->metrics[m].name);
    put_legend(p, shown, n_shown);
    const chart c = chart_open(p->text, 520, 240, hours ? 0 : 1, hours ? 23 : (double)n, 0, top * 1.06, caption);
    chart_grid_y(&c, 5, false, "CRPS");
    for (size_t k = 0; k < n; k++)
        x[k] = (double)(hours ? k : k + 1);
    for (size_t i = n_shown; i-- > 0;) {
        for (size_t k = 0; k < n; k++)
            y[k] = score_crps(&rows[(shown[i] * p->result->n_metrics + m) * n + k]);
        chart_line(&c, x, y, n, line_class(i));
    }
    const size_t every = n > 12 ? (n + 5) / 6 : 1;
    for (size_t k = hours ? 0 : every - 1; k < n; k += every) {
        char word[32];
        snprintf(word, sizeof word, hours ? "%02zu:00" : "%zu", hours ? k : k + 1);
        chart_tick_x(&c, x[k], word);
    }
    chart_label_x(&c, label);
    chart_close(&c);
    tft_text_puts(p->text, "<details><summary>as a table</summary>");
    char columns[512] = "";
    snprintf(columns, sizeof columns, "%s", hours ? "hour" : "step");
    for (size_t i = 0; i < n_shown; i++) {
        const size_t at = strlen(columns);
        snprintf(columns + at, sizeof columns - at, "|%s", p->result->forecasters[shown[i]].label);
    }
    open_table(p->text, id, p->contract->metrics[m].name, columns);
    for (size_t k = 0; k < n; k++) {
        tft_text_printf(p->text, "<tr><th>%zu</th>", hours ? k : k + 1);
        for (size_t i = 0; i < n_shown; i++)
            put_cell(p->text, score_crps(&rows[(shown[i] * p->result->n_metrics + m) * n + k]), 4);
        tft_text_puts(p->text, "</tr>");
    }
    close_table(p->text);
    tft_text_puts(p->text, "</details></figure>\n");
    free(x);
}

static void put_coverage(const page *p, size_t m)
{
    const size_t n = p->result->details.horizon;
    const score_sums *const own = p->result->details.steps + m * n;
    double *const x = calloc(3 * n, sizeof *x), *const y = x + n, *const z = y + n;
    if (x == NULL)
        return;
    for (size_t k = 0; k < n; k++) {
        x[k] = (double)(k + 1);
        y[k] = score_coverage_80(&own[k]);
        z[k] = score_coverage_96(&own[k]);
    }
    open_figure(p->text, "Coverage by horizon", "broken lines: the promise");
    tft_text_puts(p->text, "<div class=\"legend\"><span><i style=\"background:var(--c0)\"></i>P10–P90</span><span><i "
                           "style=\"background:var(--c2)\"></i>P02–P98</span></div>");
    const chart c = chart_open(p->text, 520, 240, 1, (double)n, 0.5, 1, "coverage by horizon");
    chart_grid_y(&c, 5, true, "inside");
    chart_rule(&c, false, 0.8, "");
    chart_rule(&c, false, 0.96, "");
    chart_line(&c, x, z, n, "k2");
    chart_line(&c, x, y, n, "k0");
    const size_t every = n > 12 ? (n + 5) / 6 : 1;
    for (size_t k = every - 1; k < n; k += every) {
        char word[32];
        snprintf(word, sizeof word, "%zu", k + 1);
        chart_tick_x(&c, x[k], word);
    }
    chart_label_x(&c, "step of the horizon");
    chart_close(&c);
    tft_text_puts(p->text, "<details><summary>as a table</summary>");
    open_table(p->text, "coverage", p->contract->metrics[m].name, "step|in P10–P90, %|in P02–P98, %");
    for (size_t k = 0; k < n; k++) {
        tft_text_printf(p->text, "<tr><th>%zu</th>", k + 1);
        put_cell(p->text, 100 * y[k], 1);
        put_cell(p->text, 100 * z[k], 1);
        tft_text_puts(p->text, "</tr>");
    }
    close_table(p->text);
    tft_text_puts(p->text, "</details></figure>\n");
    free(x);
}

static void put_pit(const page *p, size_t m)
{
    const double *const pit = p->result->details.pit + m * SCORE_N_PIT;
    double total = 0, top = 0.2;
    for (size_t b = 0; b < SCORE_N_PIT; b++)
        total += pit[b];
    if (!(total > 0))
        return;
    for (size_t b = 0; b < SCORE_N_PIT; b++)
        top = fmax(top, 1.08 * pit[b] / total);
    open_figure(p->text, "Where values fell in the forecast", "each tenth should hold 10 %");
    const chart c =
        chart_open(p->text, 520, 240, 0, 1, 0, top, "share of values in each tenth of the forecast distribution");
    chart_grid_y(&c, 4, true, "share");
    for (size_t b = 0; b < SCORE_N_PIT; b++)
        chart_bar(&c, 0.1 * (double)b + 0.006, 0.1 * (double)(b + 1) - 0.006, pit[b] / total, "bar");
    chart_rule(&c, false, 0.1, "");
    for (size_t b = 0; b <= SCORE_N_PIT; b += 2) {
        char word[32];
        snprintf(word, sizeof word, "P%zu", 10 * b);
        chart_tick_x(&c, 0.1 * (double)b, word);
    }
    chart_label_x(&c, "level");
    chart_close(&c);
    tft_text_puts(p->text, "<details><summary>as a table</summary>");
    open_table(p->text, "pit", p->contract->metrics[m].name, "between|share, %");
    for (size_t b = 0; b < SCORE_N_PIT; b++) {
        tft_text_printf(p->text, "<tr><th>P%zu–P%zu</th>", 10 * b, 10 * (b + 1));
        put_cell(p->text, 100 * pit[b] / total, 2);
        tft_text_puts(p->text, "</tr>");
    }
    close_table(p->text);
    tft_text_puts(p->text, "</details></figure>\n");
}

static void put_history(const page *p, size_t m)
{
    tft_text_printf(
        p->text,
        "<h3>By length of history</h3><p class=\"soft\">The same windows, %zu of them, with every server made so "
        "old and no older; baselines know as little. CRPS.</p>",
        p->extras->n_history_windows);
    char columns[512] = "history";
    for (size_t f = 0; f < p->result->n_forecasters; f++) {
        const size_t at = strlen(columns);
        snprintf(columns + at, sizeof columns - at, "|%s", p->result->forecasters[f].label);
    }
    const size_t at = strlen(columns);
    snprintf(columns + at, sizeof columns - at, "|in P10–P90, %%");
    open_table(p->text, "history", p->contract->metrics[m].name, columns);
    for (size_t i = 0; i < SCORE_N_HISTORIES; i++) {
        const score_history *const h = &p->extras->history[i];
        if (!h->there)
            continue;
        tft_text_printf(p->text, "<tr><th>%s</th>", h->name);
        for (size_t f = 0; f < h->result.n_forecasters; f++) {
            const score_sums all = score_result_all(&h->result, f, m);
            put_cell(p->text, score_crps(&all), 4);
        }
        const score_sums own = score_result_all(&h->result, 0, m);
        put_cell(p->text, 100 * score_coverage_80(&own), 1);
        tft_text_puts(p->text, "</tr>");
    }
    close_table(p->text);
}

static void put_metric(const page *p, size_t m)
{
    const tft_metric *const about = &p->contract->metrics[m];
    const score_sums all = score_result_all(p->result, 0, m);
    tft_text_printf(p->text, "<section id=\"metric-%s\"><h2>%s", about->name, about->name);
    if (about->unit[0] != '\0') {
        tft_text_puts(p->text, " <span class=\"soft\">");
        chart_escape(p->text, about->unit);
        tft_text_puts(p->text, "</span>");
    }
    tft_text_puts(p->text, "</h2><p class=\"soft\">");
    tft_text_grouped(p->text, all.n);
    tft_text_printf(p->text, " values, mean size %.4g</p>", all.abs_y / (double)all.n);
    put_scores(p, m);
    tft_text_puts(p->text, "<div class=\"grid2\">");
    put_crps_chart(p, m, p->result->details.steps, p->result->details.horizon, "horizon", "CRPS by horizon",
                   "step of the horizon");
    if (p->result->has_source) {
        put_coverage(p, m);
        put_pit(p, m);
    }
    put_crps_chart(p, m, p->result->details.hours, SCORE_N_HOURS, "hours", "CRPS by hour of the day", "hour (UTC)");
    tft_text_puts(p->text, "</div>");
    if (p->extras != NULL)
        put_history(p, m);
    tft_text_puts(p->text, "</section>\n");
}

/* ---- incidents ------------------------------------------------------------------------------------------------------ */

static void put_incident_row(tft_text *text, const char *within, const char *label, const score_incident_figures *f,
                             bool own)
{
    tft_text_printf(text, "<tr%s><th>%s · ", own ? " class=\"own\"" : "", within);
    chart_escape(text, label);
    tft_text_printf(text, "</th><td>%zu</td><td>%zu</td>", f->positives, f->n);
    put_cell(text, f->brier, 5);
    put_cell(text, f->brier_skill, 3);
    put_cell(text, f->log_loss, 4);
    put_cell(text, f->log_loss_skill, 3);
    put_cell(text, f->ece, 4);
    put_cell(text, f->auc, 3);
    put_cell(text, f->auc_within, 3);
    put_cell(text, f->precision_at_half_recall, 3);
    tft_text_puts(text, "</tr>");
}

#define INCIDENT_COLUMNS                                                                                               \
    "within|starts|cases|Brier|Brier skill|log loss|log-loss skill|ECE|AUC|AUC within servers|precision at half "      \
    "recall"

/* Mean probability against observed share, one dot a bin, its count in the tip and in the table. */
static void put_reliability(const page *p, size_t k)
{
    const score_incident_figures *const f = &p->result->incidents[k].source;
    const char *const within = p->result->horizon_names[k];
    double top = 0.05;
    char caption[64];
    if (f->n == 0)
        return;
    for (size_t b = 0; b < f->n_bins; b++)
        top = fmax(top, 1.1 * fmax(f->bins[b].mean_p, f->bins[b].observed));
    top = top > 1 ? 1 : top;
    snprintf(caption, sizeof caption, "Reliability, within %s", within);
    open_figure(p->text, caption, "ten bins of equal count; on the line is right");
    const chart c = chart_open(p->text, 520, 260, 0, top, 0, top, caption);
    chart_grid_y(&c, 5, true, "observed");
    const double diagonal_x[2] = {0, top};
    chart_line(&c, diagonal_x, diagonal_x, 2, "rule");
    double x[SCORE_N_BINS], y[SCORE_N_BINS];
    for (size_t b = 0; b < f->n_bins; b++) {
        x[b] = f->bins[b].mean_p;
        y[b] = f->bins[b].observed;
    }
    chart_line(&c, x, y, f->n_bins, "k0");
    for (size_t b = 0; b < f->n_bins; b++) {
        char tip[128];
        snprintf(tip, sizeof tip, "%zu cases: forecast %.2f %%, observed %.2f %%", f->bins[b].n, 100 * x[b],
                 100 * y[b]);
        chart_dot(&c, x[b], y[b], 3.6, "", tip);
    }
    const double step = chart_round_step(top, 5);
    for (double t = 0; t <= top + 1e-9; t += step) {
        char word[32];
        snprintf(word, sizeof word, "%.3g %%", 100 * t);
        chart_tick_x(&c, t, word);
    }
    chart_label_x(&c, "forecast probability");
    chart_close(&c);
    tft_text_puts(p->text, "<details><summary>as a table</summary>");
    open_table(p->text, "bins", within, "bin|cases|forecast|observed");
    for (size_t b = 0; b < f->n_bins; b++) {
        tft_text_printf(p->text, "<tr><th>%zu</th><td>%zu</td>", b + 1, f->bins[b].n);
        put_cell(p->text, x[b], 4);
        put_cell(p->text, y[b], 4);
        tft_text_puts(p->text, "</tr>");
    }
    close_table(p->text);
    tft_text_puts(p->text, "</details></figure>\n");
}

static void put_incidents(const page *p)
{
    const score_result *const result = p->result;
    tft_text_puts(p->text, "<section id=\"incidents\"><h2>Incidents</h2>");
    if (result->n_horizons == 0) {
        tft_text_puts(p->text, "<p>The data has no labels.</p></section>\n");
        return;
    }
    tft_text_puts(
        p->text, "<p class=\"soft\">The probability that an incident starts within so long; servers already in one are "
                 "left out. Skill is against the base rate of the same cases: 0 is knowing nothing, 1 is knowing "
                 "all.</p>");
    open_table(p->text, "incidents-all", "", INCIDENT_COLUMNS);
    for (size_t k = 0; k < result->n_horizons; k++) {
        const score_incident_result *const r = &result->incidents[k];
        if (result->has_probabilities)
            put_incident_row(p->text, result->horizon_names[k], result->forecasters[0].label, &r->source, true);
        put_incident_row(p->text, result->horizon_names[k], "server's own frequency", &r->frequency, false);
        if (result->has_prior)
            put_incident_row(p->text, result->horizon_names[k], "climatology", &r->climatology, false);
    }
    close_table(p->text);
    if (result->has_probabilities) {
        tft_text_puts(p->text, "<div class=\"grid2\">");
        for (size_t k = 0; k < result->n_horizons; k++)
            put_reliability(p, k);
        tft_text_puts(p->text, "</div>");
    }
    if (result->has_probabilities && result->incidents[0].fleet.n > 0) {
        tft_text_puts(p->text,
                      "<h3>The fleet</h3><p class=\"soft\">At least one incident on any server; the servers of one "
                      "origin are a fleet.</p>");
        open_table(p->text, "fleet", "", INCIDENT_COLUMNS);
        for (size_t k = 0; k < result->n_horizons; k++) {
            const score_incident_result *const r = &result->incidents[k];
            put_incident_row(p->text, result->horizon_names[k], result->forecasters[0].label, &r->fleet, true);
            put_incident_row(p->text, result->horizon_names[k], "taken as independent", &r->fleet_independent, false);
            put_incident_row(p->text, result->horizon_names[k], "largest server alone", &r->fleet_largest, false);
        }
        close_table(p->text);
    }
    tft_text_puts(p->text, "</section>\n");
}

static void put_alerts(const page *p)
{
    const score_alerts *const a = &p->result->alerts;
    if (!p->result->has_alerts)
        return;
    tft_text_printf(
        p->text,
        "<section id=\"alerts\"><h2>Alerts</h2><p class=\"soft\">%zu cases, %zu incidents, %.0f server-days; "
        "looked at every %.0f minutes. An alert is right where an incident starts within the horizon. Indented: the "
        "simple rule at the threshold at which it raises as many of the windows before incidents.</p>",
        a->n_cases, a->n_starts, a->server_days, a->every_minutes);
    open_table(p->text, "alerts-all", "", "rule|raised|precision, %|recall, %|false / server-day|median lead, min");
    for (size_t i = 0; i < a->n_rows; i++) {
        const score_alert_row *const r = &a->rows[i];
        char rule[96];
        score_alert_row_text(r, p->contract->metrics[a->metric].name, rule, sizeof rule);
        tft_text_puts(p->text, r->matched                   ? "<tr class=\"sub\"><th>"
                               : r->rule <= SCORE_ALERT_P50 ? "<tr class=\"own\"><th>"
                                                            : "<tr><th>");
        chart_escape(p->text, rule);
        tft_text_printf(p->text, "</th><td>%zu</td>", r->n_raised);
        put_cell(p->text, 100 * r->precision, 1);
        put_cell(p->text, 100 * r->recall, 1);
        put_cell(p->text, r->false_per_server_day, 3);
        put_cell(p->text, r->lead_minutes, 0);
        tft_text_puts(p->text, "</tr>");
    }
    close_table(p->text);
    tft_text_puts(p->text, "</section>\n");
}

/* ---- examples and inputs ---------------------------------------------------------------------------------------------- */

static double value_at(const page *p, const score_window *w, size_t metric, int64_t step)
{
    const tft_series *const s = &p->dataset->series[w->server];
    const int64_t at = tft_series_index(s, step);
    return at < 0 || s->states[at] == TFT_STATE_OFFLINE ? (double)NAN
                                                        : (double)s->values[(size_t)at * s->n_metrics + metric];
}

static void put_fan(const page *p, const score_fan *fan)
{
    const size_t horizon = p->contract->horizon, before = horizon;
    const score_window *const w = &p->report->windows->items[fan->window];
    double *const room = calloc(2 * (before + horizon) + 8 * horizon, sizeof *room);
    if (room == NULL)
        return;
    double *const x = room, *const y = x + before + horizon, *const ahead = y + before + horizon;
    double *const level[7] = {ahead + horizon,     ahead + 2 * horizon, ahead + 3 * horizon, ahead + 4 * horizon,
                              ahead + 5 * horizon, ahead + 6 * horizon, ahead + 7 * horizon};
    static const size_t columns[7] = {0, 1, 3, 5, 7, 9, 10};
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < before + horizon; i++) {
        x[i] = (double)i - (double)before + 1; // the origin is 0
        y[i] = value_at(p, w, fan->metric, w->origin + (int64_t)i - (int64_t)before + 1);
        low = isfinite(y[i]) && y[i] < low ? y[i] : low;
        high = isfinite(y[i]) && y[i] > high ? y[i] : high;
    }
    for (size_t t = 0; t < horizon; t++) {
        ahead[t] = (double)t + 1;
        for (size_t q = 0; q < 7; q++)
            level[q][t] = (double)fan->levels[t * SCORE_N_LEVELS + columns[q]];
        low = fmin(low, level[0][t]);
        high = fmax(high, level[6][t]);
    }
    char stamp[TFT_TIME_TEXT], caption[160], aside[160];
    tft_time_format_s(w->origin * p->contract->step_ms, stamp);
    snprintf(caption, sizeof caption, "%s, %s", p->contract->metrics[fan->metric].name, fan->best ? "best" : "worst");
    snprintf(aside, sizeof aside, "%.60s, %s, loss %.2f of the last day's quantiles'",
             p->report->server_names[w->server], stamp, fan->ratio);
    open_figure(p->text, caption, aside);
    const double pad = high > low ? 0.06 * (high - low) : 1;
    const chart c = chart_open(p->text, 520, 230, x[0], (double)horizon, low >= 0 ? fmax(0, low - pad) : low - pad,
                               high + pad, caption);
    chart_grid_y(&c, 5, false, NULL);
    chart_band(&c, ahead, level[0], level[6], horizon, "b96");
    chart_band(&c, ahead, level[1], level[5], horizon, "b80");
    chart_band(&c, ahead, level[2], level[4], horizon, "b40");
    chart_line(&c, ahead, level[3], horizon, "k0");
    chart_line(&c, x, y, before + horizon, "truth");
    chart_rule(&c, true, 0, "now");
    const double hours = (double)p->contract->horizon * (double)p->contract->step_ms / 3.6e6;
    for (int t = -2; t <= 2; t++) {
        char word[32];
        snprintf(word, sizeof word, t == 0 ? "origin" : "%+.3g h", hours * t / 2);
        chart_tick_x(&c, (double)horizon * t / 2, word);
    }
    chart_close(&c);
    tft_text_puts(p->text, "</figure>\n");
    free(room);
}

static void put_examples(const page *p)
{
    tft_text_puts(p->text,
                  "<section id=\"examples\"><h2>Best and worst</h2><p class=\"soft\">Per metric, the window with the "
                  "smallest and the largest loss beside that of the quantiles of its last 24 h. Bands: P02–P98, "
                  "P10–P90, P30–P70; blue the median, dark what came.</p><div class=\"grid2\">");
    for (size_t i = 0; i < p->extras->n_fans; i++)
        put_fan(p, &p->extras->fans[i]);
    tft_text_puts(p->text, "</div></section>\n");
}

static void put_inputs(const page *p)
{
    const score_extras *const e = p->extras;
    tft_text_puts(p->text,
                  "<section id=\"inputs\"><h2>What it looks at</h2><p class=\"soft\">Mean weight of each input in the "
                  "network's variable selection, the heaviest of each place.</p><div class=\"grid2\">");
    for (size_t i = 0, end; i < e->n_weights; i = end) {
        for (end = i; end < e->n_weights && strcmp(e->weights[end].place, e->weights[i].place) == 0;)
            end++;
        open_figure(p->text, e->weights[i].place, "inputs");
        tft_text_printf(p->text, "<div class=\"weights\" id=\"weights-%s\">", e->weights[i].place);
        for (size_t k = i; k < end && k < i + N_SHOWN_WEIGHTS; k++) {
            tft_text_puts(p->text, "<span>");
            chart_escape(p->text, e->weights[k].name);
            tft_text_printf(p->text, "</span><div style=\"width:%.1f%%\"></div><span>%.1f %%</span>",
                            100 * e->weights[k].weight / fmax(e->weights[i].weight, 1e-9), 100 * e->weights[k].weight);
        }
        tft_text_puts(p->text, "</div></figure>");
    }
    tft_text_puts(p->text, "</div></section>\n");
}

static const char words[] = "<section id=\"words\"><h2>Definitions</h2><p>With y what came, f<sub>q</sub> the forecast "
                            "of level q and QL<sub>q</sub> = "
                            "max(q(y − f<sub>q</sub>), (q − 1)(y − f<sub>q</sub>)): <b>P50, P90</b> = 2 "
                            "ΣQL<sub>q</sub> / Σ|y|; <b>CRPS</b> = their mean "
                            "over q = .1 … .9; <b>gm</b> = geometric mean over servers of the server's loss divided by "
                            "that of the quantiles of its last "
                            "24 h. <b>ECE</b>: mean distance between forecast and observed share over ten bins of "
                            "equal count. <b>PIT</b>: the level of "
                            "the forecast at which what came lies. Lower is better everywhere but in coverage (80 and "
                            "96 %), skill, AUC and precision. "
                            "docs/SCORES.md has all of it in full.</p></section>\n";

/* The report's JSON; a name in it may hold "</script>", so every < is written as its escape. */
static void put_json(const score_report *report, tft_text *text)
{
    tft_text json = tft_text_new(text->max);
    score_report_json(report, &json);
    for (const char *at = json.bytes; at != NULL && *at != '\0';) {
        const size_t n = strcspn(at, "<");
        tft_text_add(text, at, n);
        at += n;
        if (*at == '<') {
            tft_text_puts(text, "\\u003c");
            at++;
        }
    }
    text->failed = text->failed || json.failed;
    tft_text_free(&json);
}

void score_page(const score_report *report, const tft_dataset *dataset, const score_extras *extras, tft_text *text)
{
    const page p = {report, report->result, report->contract, dataset, extras, text};
    tft_text_puts(
        text,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><title>");
    chart_escape(text, report->title);
    tft_text_puts(text, " – forecasts judged</title>\n<style>\n");
    tft_text_puts(text, page_style);
    tft_text_puts(text, "</style></head><body><main>\n");
    put_heading(&p);
    put_cards(&p);
    for (size_t m = 0; m < p.result->n_metrics; m++) {
        if (is_scored(&p, m))
            put_metric(&p, m);
    }
    put_incidents(&p);
    put_alerts(&p);
    if (extras != NULL) {
        put_examples(&p);
        put_inputs(&p);
    }
    tft_text_puts(text, words);
    tft_text_puts(text, "</main>\n<script type=\"application/json\" id=\"report\">");
    put_json(report, text);
    tft_text_puts(text, "</script></body></html>\n");
}
