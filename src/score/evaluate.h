/* evaluate.h - one run over the windows of a split: the forecaster under test and every baseline, scored on the same cells.
 *
 * Windows are taken in batches. The forecaster under test (a score_source: a model, or a file of forecasts) answers a batch
 * at once; then the batch is cut into chunks of fixed size, and threads make the baselines and add up the losses of each
 * chunk. Chunks are merged in their order, so the figures do not depend on the number of threads.
 *
 * What is scored: every cell (window, target metric, horizon step) whose step has a value and is not `offline`. The cells
 * are the same for everybody:
 *   - where the metric has no value in the eight days before the origin, nobody can answer: the cells are left out and
 *     the window is counted in n_without_history;
 *   - where the forecaster under test has no answer to a window (too little history; no row in the file), the last value
 *     is scored in its place and the window is counted in n_refused. Declining the hard ones must not pay.
 *
 * Incidents are scored where there are labels (incident_run.h).
 *
 * Memory:  a result owns its arrays: per server a few doubles, per window five probabilities; batches are bounded.
 * Threads: one evaluation per call; the dataset is only read.
 */
#ifndef TFTD_SCORE_EVALUATE_H
#define TFTD_SCORE_EVALUATE_H

#include "score/alert_run.h"
#include "score/baselines.h"
#include "score/details.h"
#include "score/incident_run.h"
#include "score/scores.h"
#include "score/splits.h"

typedef struct score_source {
    const char *name, *label; // "tft", "TFT": in JSON, in tables
    bool incidents;           // fills `incident`
    void *context;
    /* Answers n windows: levels [n, n_targets, horizon, SCORE_N_LEVELS] in real units, ok [n] 0 = no answer,
     * incident [n, horizon] P(start within steps 1 … h), NaN = no answer. The arrays are the caller's. */
    tft_status (*run)(void *context, const score_window *windows, size_t n, float *levels, uint8_t *ok, float *incident,
                      tft_error *err);
} score_source;

typedef struct score_evaluation {
    const tft_dataset *dataset;    // lent
    const score_windows *windows;  // lent
    const score_source *source;    // NULL = baselines alone
    const tft_incident_rule *rule; // NULL = the contract's
    const double *prior;           // [SCORE_MAX_HORIZONS] base rates of incidents known before; NULL = none
    const tft_fleet_link *fleet;   // of the source; NULL = independent
    size_t history;                // pretend that every server is only so many steps old (0 = all there is)
    bool details;                  // fill result->details, too
    bool alerts;                   // and result->alerts, where there are labels
    double alert_levels[2];        // thresholds of score_alert_metric(): warning, critical; NaN = none
    size_t n_threads;              // 0 = all cores
    /* Called from time to time; false = stop. May be NULL. */
    bool (*progress)(void *context, size_t done, size_t total);
    void *progress_context;
} score_evaluation;

typedef struct score_forecaster_name {
    const char *name, *label;
} score_forecaster_name;

#define SCORE_MAX_FORECASTERS (SCORE_N_BASELINES + 1)

typedef struct score_result {
    size_t n_forecasters; // the source first, where there is one; then the baselines
    bool has_source;
    score_forecaster_name forecasters[SCORE_MAX_FORECASTERS];
    size_t n_metrics; // targets of the contract
    size_t n_servers; // of the dataset
    score_bands bands;
    score_sums *sums;       // [n_forecasters, n_metrics, bands.n]
    double *server_loss;    // [n_forecasters, n_metrics, n_servers] score_loss
    double *server_abs_y;   // [n_metrics, n_servers]
    uint64_t *server_cells; // [n_metrics, n_servers]
    size_t n_windows, n_refused;
    size_t n_without_history[TFT_MAX_METRICS];

    bool has_details;
    score_details details;
    tft_arena details_arena;

    bool has_alerts;
    score_alerts alerts;

    tft_incident_rule rule;
    size_t n_horizons; // 0 = no labels
    uint32_t horizon_steps[SCORE_MAX_HORIZONS];
    const char *horizon_names[SCORE_MAX_HORIZONS];
    bool has_probabilities; // the source gave some
    bool has_prior;
    score_incident_result incidents[SCORE_MAX_HORIZONS];
} score_result;

tft_status score_evaluate(const score_evaluation *evaluation, score_result *result, tft_error *err);
void score_result_free(score_result *result); // accepts a zeroed struct

/* A server as it would be known if its records began `history` steps before the origin's end; lends the series' arrays. */
tft_series score_young_series(const tft_series *series, int64_t origin, size_t history);

/* Sums of one forecaster and metric over all bands. */
score_sums score_result_all(const score_result *result, size_t forecaster, size_t metric);
const score_sums *score_result_band(const score_result *result, size_t forecaster, size_t metric, size_t band);
/* Geometric mean over servers against "quantiles of last 24 h". */
double score_result_gm(const score_result *result, size_t forecaster, size_t metric);
/* The baseline with the least pooled CRPS of a metric, as an index of forecasters; −1 where no cell was scored. */
int score_result_best_baseline(const score_result *result, size_t metric);

#endif
