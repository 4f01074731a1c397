/* incident_run.c - see incident_run.h. */
#include "score/incident_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "score/labels.h"

#define DAY_MS INT64_C(86400000)

static const struct {
    int64_t ms;
    const char *name;
} horizons[SCORE_MAX_HORIZONS] = {
    {1800000, "30m"}, {3600000, "1h"}, {7200000, "2h"}, {14400000, "4h"}, {28800000, "8h"}};

bool score_has_labels(const tft_dataset *dataset, const tft_incident_rule *rule)
{
    if (rule->by_metric)
        return true;
    for (size_t i = 0; i < dataset->n_servers; i++) {
        if (dataset->series[i].labelled)
            return true;
    }
    return false;
}

size_t score_incident_horizons(const tft_contract *contract, uint32_t *steps, const char **names)
{
    size_t n = 0;
    for (size_t i = 0; i < SCORE_MAX_HORIZONS; i++) {
        const int64_t whole = horizons[i].ms / contract->step_ms;
        if (whole < 1 || whole > (int64_t)contract->horizon || horizons[i].ms % contract->step_ms != 0)
            continue;
        steps[n] = (uint32_t)whole;
        names[n++] = horizons[i].name;
    }
    return n;
}

/* The cases of one horizon, each column [n]. */
typedef struct cases {
    size_t n;
    size_t *window; // index into the list of windows
    uint8_t *y;
    uint32_t *server;
    float *p;
} cases;

static void list_cases(const score_windows *windows, const score_labels *labels, const float *probability, size_t k,
                       uint32_t steps, cases *list, score_incident_result *result)
{
    list->n = 0;
    for (size_t i = 0; i < windows->n; i++) {
        if (!labels->counts[i])
            continue;
        if (probability != NULL && isnan(probability[i * labels->n_horizons + k])) {
            result->n_unanswered++;
            continue;
        }
        list->window[list->n] = i;
        list->server[list->n] = windows->items[i].server;
        list->y[list->n++] = labels->first[i] >= 1 && labels->first[i] <= steps;
    }
}

/* A day's worth of the base rate beside what the server itself showed. */
static void fill_frequency(const score_labels *labels, size_t k, double weight, cases *list)
{
    double positives = 0;
    for (size_t i = 0; i < list->n; i++)
        positives += list->y[i];
    const double base = list->n > 0 ? positives / (double)list->n : 0;
    for (size_t i = 0; i < list->n; i++) {
        const size_t at = list->window[i] * labels->n_horizons + k;
        list->p[i] = (float)(((double)labels->followed[at] + weight * base) / ((double)labels->of[at] + weight));
    }
}

static tft_status score_horizon(const tft_contract *contract, const score_windows *windows, const score_labels *labels,
                                const float *probability, size_t k, uint32_t steps, cases *list,
                                score_incident_result *result, tft_error *err)
{
    memset(result, 0, sizeof *result);
    list_cases(windows, labels, probability, k, steps, list, result);
    for (size_t i = 0; probability != NULL && i < list->n; i++)
        list->p[i] = probability[list->window[i] * labels->n_horizons + k];
    const size_t n_source = probability != NULL ? list->n : 0;
    tft_status status = score_incident_figures_of(list->p, list->y, list->server, n_source, &result->source, err);
    const double day = fmax(1.0, (double)(DAY_MS / contract->step_ms));
    fill_frequency(labels, k, day, list);
    if (status == TFT_OK)
        status = score_incident_figures_of(list->p, list->y, list->server, list->n, &result->frequency, err);
    return status;
}

tft_status score_incidents_evaluate(const tft_dataset *dataset, const score_windows *windows,
                                    const tft_incident_rule *rule, const uint32_t *steps, size_t n_horizons,
                                    const float *probability, score_incident_result *results, tft_error *err)
{
    score_labels labels = {0};
    cases list = {0};
    tft_status status = score_labels_make(dataset, rule, windows, steps, n_horizons, &labels, err);
    if (status != TFT_OK)
        return status;
    list.window = malloc(tft_mul_sat(windows->n + 1, sizeof *list.window));
    list.server = malloc(tft_mul_sat(windows->n + 1, sizeof *list.server));
    list.p = malloc(tft_mul_sat(windows->n + 1, sizeof *list.p));
    list.y = malloc(windows->n + 1);
    if (list.window == NULL || list.server == NULL || list.p == NULL || list.y == NULL)
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu incident cases", windows->n);
    for (size_t k = 0; k < n_horizons && status == TFT_OK; k++)
        status = score_horizon(&dataset->contract, windows, &labels, probability, k, steps[k], &list, &results[k], err);
    free(list.window);
    free(list.server);
    free(list.p);
    free(list.y);
    score_labels_free(&labels);
    return status;
}
