/* incident_run.c - see incident_run.h. */
#include "score/incident_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "score/labels.h"

#define EIGHT_HOURS_MS INT64_C(28800000)

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

static void list_cases(const score_incident_job *job, const score_labels *labels, size_t k, cases *list,
                       score_incident_result *result)
{
    list->n = 0;
    for (size_t i = 0; i < job->windows->n; i++) {
        if (!labels->counts[i])
            continue;
        if (job->probability != NULL && isnan(job->probability[i * labels->n_horizons + k])) {
            result->n_unanswered++;
            continue;
        }
        list->window[list->n] = i;
        list->server[list->n] = job->windows->items[i].server;
        list->y[list->n++] = labels->first[i] >= 1 && labels->first[i] <= job->steps[k];
    }
}

static double base_rate(const cases *list)
{
    double positives = 0;
    for (size_t i = 0; i < list->n; i++)
        positives += list->y[i];
    return list->n > 0 ? positives / (double)list->n : 0;
}

/* Eight hours' worth of the base rate beside what the server itself showed. */
static void fill_frequency(const score_labels *labels, size_t k, double weight, double base, cases *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const size_t at = list->window[i] * labels->n_horizons + k;
        list->p[i] = (float)(((double)labels->followed[at] + weight * base) / ((double)labels->of[at] + weight));
    }
}

static tft_status score_horizon(const score_incident_job *job, const score_labels *labels, size_t k, cases *list,
                                score_incident_result *result, tft_error *err)
{
    memset(result, 0, sizeof *result);
    list_cases(job, labels, k, list, result);
    for (size_t i = 0; job->probability != NULL && i < list->n; i++)
        list->p[i] = job->probability[list->window[i] * labels->n_horizons + k];
    const size_t n_source = job->probability != NULL ? list->n : 0;
    tft_status status = score_incident_figures_of(list->p, list->y, list->server, n_source, &result->source, err);
    const double weight = fmax(1.0, (double)(EIGHT_HOURS_MS / job->dataset->contract.step_ms));
    fill_frequency(labels, k, weight, job->prior != NULL ? job->prior[k] : base_rate(list), list);
    if (status == TFT_OK)
        status = score_incident_figures_of(list->p, list->y, list->server, list->n, &result->frequency, err);
    for (size_t i = 0; job->prior != NULL && i < list->n; i++)
        list->p[i] = (float)job->prior[k];
    if (status == TFT_OK && job->prior != NULL)
        status = score_incident_figures_of(list->p, list->y, list->server, list->n, &result->climatology, err);
    return status;
}

/* ---- the fleet -------------------------------------------------------------------------------------------------- */

typedef struct fleet_item {
    int64_t origin;
    size_t index; // of the case
} fleet_item;

static int by_origin(const void *left, const void *right)
{
    const fleet_item *const a = left, *const b = right;
    return a->origin != b->origin ? (a->origin < b->origin ? -1 : 1) : (a->index > b->index) - (a->index < b->index);
}

/* Scores [3, capacity] probabilities of n fleets, none of which has a server number. */
static tft_status score_fleets(const float *p, size_t capacity, const uint8_t *y, const uint32_t *nobody, size_t n,
                               score_incident_result *result, tft_error *err)
{
    score_incident_figures *const into[] = {&result->fleet, &result->fleet_independent, &result->fleet_largest};
    tft_status status = TFT_OK;
    for (size_t f = 0; f < 3 && status == TFT_OK; f++)
        status = score_incident_figures_of(p + f * capacity, y, nobody, n, into[f], err);
    return status;
}

static tft_status score_fleet(const score_incident_job *job, size_t k, const cases *list, score_incident_result *result,
                              tft_error *err)
{
    static const tft_fleet_link independent = {0};
    const size_t n = list->n;
    fleet_item *const items = calloc(n + 1, sizeof *items);
    float *const p = calloc(3 * (n + 1), sizeof *p);
    uint8_t *const y = calloc(n + 1, 1);
    uint32_t *const nobody = calloc(n + 1, sizeof *nobody);
    size_t n_fleets = 0;
    tft_status status = TFT_OK;
    if (items == NULL || p == NULL || y == NULL || nobody == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for the fleets of %zu cases", n);
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        items[i] = (fleet_item){job->windows->items[list->window[i]].origin, i};
    qsort(items, n, sizeof *items, by_origin);
    for (size_t from = 0, to; from < n; from = to) {
        double quiet = 0, largest = 0;
        uint8_t any = 0;
        for (to = from; to < n && items[to].origin == items[from].origin; to++) {
            const size_t i = items[to].index;
            const double one = (double)job->probability[list->window[i] * job->n_horizons + k];
            quiet += log1p(-fmin(one, 1.0));
            largest = fmax(largest, one);
            any |= list->y[i];
        }
        if (to - from < 2)
            continue;
        p[n_fleets] = (float)tft_fleet_probability(&job->fleet, job->steps[k], quiet, largest);
        p[n + 1 + n_fleets] = (float)tft_fleet_probability(&independent, job->steps[k], quiet, largest);
        p[2 * (n + 1) + n_fleets] = (float)largest;
        y[n_fleets++] = any;
    }
    status = score_fleets(p, n + 1, y, nobody, n_fleets, result, err);
done:
    free(items);
    free(p);
    free(y);
    free(nobody);
    return status;
}

tft_status score_incidents_evaluate(const score_incident_job *job, score_incident_result *results, tft_error *err)
{
    score_labels labels = {0};
    cases list = {0};
    const size_t n = job->windows->n;
    tft_status status =
        score_labels_make(job->dataset, job->rule, job->windows, job->steps, job->n_horizons, &labels, err);
    if (status != TFT_OK)
        return status;
    list.window = malloc(tft_mul_sat(n + 1, sizeof *list.window));
    list.server = malloc(tft_mul_sat(n + 1, sizeof *list.server));
    list.p = malloc(tft_mul_sat(n + 1, sizeof *list.p));
    list.y = malloc(n + 1);
    if (list.window == NULL || list.server == NULL || list.p == NULL || list.y == NULL)
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu incident cases", n);
    for (size_t k = 0; k < job->n_horizons && status == TFT_OK; k++) {
        status = score_horizon(job, &labels, k, &list, &results[k], err);
        if (status == TFT_OK && job->probability != NULL)
            status = score_fleet(job, k, &list, &results[k], err);
    }
    free(list.window);
    free(list.server);
    free(list.p);
    free(list.y);
    score_labels_free(&labels);
    return status;
}
