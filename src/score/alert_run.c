/* alert_run.c - see alert_run.h. */
#include "score/alert_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "score/labels.h"

static const double probabilities[] = {0.1, 0.2, 0.3, 0.5, 0.7};
static const double soon[] = {0.1, 0.2, 0.3, 0.6}; // the daemon's: warning 0.3, critical 0.6

const char *score_alert_rule_name(score_alert_rule rule)
{
    static const char *const names[SCORE_N_ALERT_RULES] = {"probability", "soon", "p50", "static", "trend"};
    return names[rule];
}

size_t score_alert_metric(const tft_contract *contract, const tft_incident_rule *rule)
{
    const int cpu = tft_contract_find(contract, "cpu_pct", 7);
    return rule->by_metric && rule->metric < tft_contract_targets(contract) ? rule->metric : cpu > 0 ? (size_t)cpu : 0;
}

/* The cases, server by server, origins ascending. */
typedef struct alert_cases {
    const score_windows *windows;
    const score_labels *labels;
    const float *values;
    size_t n;
    size_t *window; // [n]
    double *room;   // [n] for sorting
    double step_minutes;
} alert_cases;

static double value_of(const alert_cases *c, size_t i, score_alert_rule rule)
{
    return (double)c->values[c->window[i] * SCORE_N_ALERT_RULES + rule];
}

static uint32_t ahead(const alert_cases *c, size_t i)
{
    return c->labels->first[c->window[i]]; // 0 = no start within the horizon
}

static bool same_start(const alert_cases *c, size_t i, size_t k)
{
    const score_window *const a = &c->windows->items[c->window[i]], *const b = &c->windows->items[c->window[k]];
    return a->server == b->server && ahead(c, i) > 0 && ahead(c, k) > 0 &&
           a->origin + ahead(c, i) == b->origin + ahead(c, k);
}

static int by_value(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *x, size_t n)
{
    if (n == 0)
        return (double)NAN;
    qsort(x, n, sizeof *x, by_value);
    return n % 2 == 1 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

/* Raised stretches without an incident after any of their windows; neighbours in the list are neighbours in time. */
static size_t count_false(const alert_cases *c, score_alert_rule rule, double threshold)
{
    size_t found = 0;
    bool running = false, right = false;
    for (size_t i = 0; i < c->n; i++) {
        const bool new_server =
            i > 0 && c->windows->items[c->window[i]].server != c->windows->items[c->window[i - 1]].server;
        const bool raised = value_of(c, i, rule) >= threshold;
        if (running && (new_server || !raised)) {
            found += !right;
            running = false;
        }
        if (raised) {
            right = (running && right) || ahead(c, i) > 0;
            running = true;
        }
    }
    return found + (running && !right);
}

static score_alert_row count_row(const alert_cases *c, score_alert_rule rule, double threshold, double server_days)
{
    score_alert_row row = {.rule = rule, .threshold = threshold};
    size_t n_starts = 0, n_announced = 0, n_positive = 0;
    for (size_t i = 0, end; i < c->n;
         i = end) { // a stretch of windows before the same start, or one window before none
        size_t first = SIZE_MAX;
        for (end = i; end < c->n && (end == i || same_start(c, i, end)); end++) {
            const bool raised = value_of(c, end, rule) >= threshold;
            row.n_raised += raised;
            row.n_followed += raised && ahead(c, end) > 0;
            n_positive += ahead(c, end) > 0;
            first = raised && first == SIZE_MAX ? end : first;
        }
        if (ahead(c, i) == 0)
            continue;
        n_starts++;
        if (first != SIZE_MAX)
            c->room[n_announced++] = (double)ahead(c, first) * c->step_minutes;
    }
    row.precision = row.n_raised > 0 ? (double)row.n_followed / (double)row.n_raised : (double)NAN;
    row.recall = n_starts > 0 ? (double)n_announced / (double)n_starts : (double)NAN;
    row.window_recall = n_positive > 0 ? (double)row.n_followed / (double)n_positive : (double)NAN;
    row.lead_minutes = median(c->room, n_announced);
    row.false_per_server_day = server_days > 0 ? (double)count_false(c, rule, threshold) / server_days : (double)NAN;
    return row;
}

/* The threshold at which at least `wanted` of the windows before incidents are raised; NaN without any. */
static double threshold_for(const alert_cases *c, score_alert_rule rule, size_t wanted)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (ahead(c, i) > 0 && !isnan(value_of(c, i, rule)))
            c->room[n++] = value_of(c, i, rule);
    }
    if (wanted == 0 || wanted > n)
        return (double)NAN;
    qsort(c->room, n, sizeof *c->room, by_value);
    return c->room[n - wanted];
}

static void add_row(const alert_cases *c, score_alert_rule rule, double threshold, bool matched, score_alerts *alerts)
{
    if (isnan(threshold) || alerts->n_rows == SCORE_MAX_ALERT_ROWS)
        return;
    score_alert_row row = count_row(c, rule, threshold, alerts->server_days);
    row.matched = matched;
    alerts->rows[alerts->n_rows++] = row;
}

static bool has_values(const alert_cases *c, score_alert_rule rule)
{
    for (size_t i = 0; i < c->n; i++) {
        if (!isnan(value_of(c, i, rule)))
            return true;
    }
    return false;
}

static void fill_rows(const alert_cases *c, const double levels[2], score_alerts *alerts)
{
    for (size_t k = 0; k < sizeof probabilities / sizeof probabilities[0] && has_values(c, SCORE_ALERT_PROBABILITY);
         k++) {
        add_row(c, SCORE_ALERT_PROBABILITY, probabilities[k], false, alerts);
        const size_t wanted = alerts->rows[alerts->n_rows - 1].n_followed;
        add_row(c, SCORE_ALERT_STATIC, threshold_for(c, SCORE_ALERT_STATIC, wanted), true, alerts);
        add_row(c, SCORE_ALERT_TREND, threshold_for(c, SCORE_ALERT_TREND, wanted), true, alerts);
    }
    for (size_t k = 0; k < sizeof soon / sizeof soon[0] && has_values(c, SCORE_ALERT_SOON); k++)
        add_row(c, SCORE_ALERT_SOON, soon[k], false, alerts);
    for (size_t k = 0; k < 2; k++) {
        if (has_values(c, SCORE_ALERT_P50))
            add_row(c, SCORE_ALERT_P50, levels[k], false, alerts);
        add_row(c, SCORE_ALERT_STATIC, levels[k], false, alerts);
        add_row(c, SCORE_ALERT_TREND, levels[k], false, alerts);
    }
}

/* Steps between a server's neighbouring windows: the least there is. */
static int64_t spacing(const score_windows *windows)
{
    int64_t least = INT64_MAX;
    for (size_t i = 1; i < windows->n; i++) {
        const int64_t gap = windows->items[i].origin - windows->items[i - 1].origin;
        if (windows->items[i].server == windows->items[i - 1].server && gap > 0 && gap < least)
            least = gap;
    }
    return least == INT64_MAX ? 1 : least;
}

tft_status score_alerts_evaluate(const tft_dataset *dataset, const score_windows *windows,
                                 const tft_incident_rule *rule, const float *values, const double levels[2],
                                 score_alerts *alerts, tft_error *err)
{
    score_labels labels = {0};
    const uint32_t whole = (uint32_t)dataset->contract.horizon;
    alert_cases c = {.windows = windows,
                     .labels = &labels,
                     .values = values,
                     .step_minutes = (double)dataset->contract.step_ms / 60000};
    *alerts = (score_alerts){.metric = score_alert_metric(&dataset->contract, rule)};
    tft_status status = score_labels_make(dataset, rule, windows, &whole, 1, &labels, err);
    c.window = malloc(tft_mul_sat(windows->n + 1, sizeof *c.window));
    c.room = malloc(tft_mul_sat(windows->n + 1, sizeof *c.room));
    if (status == TFT_OK && (c.window == NULL || c.room == NULL))
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu windows' alerts", windows->n);
    if (status == TFT_OK) {
        for (size_t i = 0; i < windows->n; i++) {
            if (labels.counts[i])
                c.window[c.n++] = i;
        }
        alerts->n_cases = c.n;
        for (size_t i = 0, end; i < c.n; i = end) {
            for (end = i + 1; end < c.n && same_start(&c, i, end);)
                end++;
            alerts->n_starts += ahead(&c, i) > 0;
        }
        alerts->every_minutes = (double)spacing(windows) * c.step_minutes;
        alerts->server_days = (double)c.n * alerts->every_minutes / 1440;
        fill_rows(&c, levels, alerts);
    }
    free(c.window);
    free(c.room);
    score_labels_free(&labels);
    return status;
}
