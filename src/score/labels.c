/* labels.c - see labels.h. */
#include "score/labels.h"

#include <stdlib.h>
#include <string.h>

#include "series/incident.h"

#define WEEK_MS INT64_C(604800000)

/* One server's incidents, step by step. */
typedef struct timeline {
    uint8_t *in;          // [n_steps]
    uint32_t *next_start; // [n_steps + 1] index of the first start at or after this step; n_steps = none
    uint32_t *before;     // [n_steps + 1] how many earlier steps, in no incident, were followed by a start within h
    uint32_t *quiet;      // [n_steps + 1] how many earlier steps were in no incident
    size_t n;
} timeline;

static void walk(const tft_contract *contract, const tft_series *series, timeline *line)
{
    line->n = series->n_steps;
    tft_incident_walk w = tft_incident_walk_begin(series, contract);
    for (size_t i = 0; i < line->n; i++) {
        tft_incident_walk_step(&w, i);
        line->in[i] = w.in;
        line->next_start[i] = w.starts;
    }
    uint32_t next = (uint32_t)line->n;
    line->next_start[line->n] = next;
    for (size_t i = line->n; i-- > 0;) {
        next = line->next_start[i] ? (uint32_t)i : next;
        line->next_start[i] = next;
    }
}

/* before[i]: of the steps 0 … i−1 in no incident, those with a start among the h steps after them. */
static void count_followed(timeline *line, uint32_t h)
{
    line->before[0] = line->quiet[0] = 0;
    for (size_t i = 0; i < line->n; i++) {
        const uint32_t next = line->next_start[i + 1];
        line->before[i + 1] = line->before[i] + (!line->in[i] && next < line->n && next - i <= h);
        line->quiet[i + 1] = line->quiet[i] + !line->in[i];
    }
}

static void label_windows(const tft_dataset *dataset, const tft_contract *contract, const score_windows *windows,
                          size_t from, size_t to, const uint32_t *steps, timeline *line, score_labels *labels)
{
    const tft_series *const series = &dataset->series[windows->items[from].server];
    const bool known = contract->incident.by_metric || series->labelled;
    const int64_t week = WEEK_MS / contract->step_ms;
    walk(contract, series, line);
    for (size_t i = from; i < to; i++) {
        const int64_t at = tft_series_index(series, windows->items[i].origin);
        labels->counts[i] = known && at >= 0 && !line->in[at];
        if (at < 0)
            continue;
        const size_t start = line->next_start[at + 1], ahead = start - (size_t)at;
        labels->first[i] = start < line->n && ahead <= contract->horizon ? (uint32_t)ahead : 0;
    }
    for (size_t k = 0; k < labels->n_horizons; k++) {
        count_followed(line, steps[k]);
        for (size_t i = from; i < to; i++) {
            const int64_t at = windows->items[i].origin - series->first_step, last = at - (int64_t)steps[k];
            const int64_t first = at - week + 1 > 0 ? at - week + 1 : 0;
            if (at < 0 || last < first || at >= (int64_t)line->n)
                continue;
            labels->followed[i * labels->n_horizons + k] = line->before[last + 1] - line->before[first];
            labels->of[i * labels->n_horizons + k] = line->quiet[last + 1] - line->quiet[first];
        }
    }
}

tft_status score_labels_make(const tft_dataset *dataset, const tft_incident_rule *rule, const score_windows *windows,
                             const uint32_t *steps, size_t n_horizons, score_labels *labels, tft_error *err)
{
    *labels = (score_labels){.n = windows->n, .n_horizons = n_horizons};
    tft_contract contract = dataset->contract;
    contract.incident = *rule;
    size_t longest = 0;
    for (size_t i = 0; i < dataset->n_servers; i++)
        longest = dataset->series[i].n_steps > longest ? dataset->series[i].n_steps : longest;
    timeline line = {0};
    line.in = malloc(longest + 1);
    line.next_start = malloc((longest + 1) * sizeof *line.next_start);
    line.before = malloc((longest + 1) * sizeof *line.before);
    line.quiet = malloc((longest + 1) * sizeof *line.quiet);
    labels->counts = calloc(windows->n + 1, sizeof *labels->counts);
    labels->first = calloc(windows->n + 1, sizeof *labels->first);
    labels->followed = calloc(windows->n * n_horizons + 1, sizeof *labels->followed);
    labels->of = calloc(windows->n * n_horizons + 1, sizeof *labels->of);
    tft_status status = TFT_OK;
    if (line.in == NULL || line.next_start == NULL || line.before == NULL || line.quiet == NULL ||
        labels->counts == NULL || labels->first == NULL || labels->followed == NULL || labels->of == NULL)
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for the labels of %zu windows", windows->n);
    for (size_t from = 0, to; status == TFT_OK && from < windows->n; from = to) {
        for (to = from; to < windows->n && windows->items[to].server == windows->items[from].server;)
            to++;
        label_windows(dataset, &contract, windows, from, to, steps, &line, labels);
    }
    free(line.in);
    free(line.next_start);
    free(line.before);
    free(line.quiet);
    if (status != TFT_OK)
        score_labels_free(labels);
    return status;
}

void score_labels_free(score_labels *labels)
{
    if (labels == NULL)
        return;
    free(labels->counts);
    free(labels->first);
    free(labels->followed);
    free(labels->of);
    memset(labels, 0, sizeof *labels);
}
