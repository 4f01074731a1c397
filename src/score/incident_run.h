/* incident_run.h - incident probabilities of a whole evaluation: which cases count, and what they are measured against.
 *
 * There are labels where the rule is one of a metric, or where some server sends states (a rule by state says nothing about
 * the others; they are left out). A window is a case when its server is in no incident at the origin, and, if a forecaster
 * is under test, when that one gave a probability: all rows are about the same cases.
 *
 * Baselines. The server's own frequency: the share of the last seven days' steps (those in no incident) that were followed
 * by a start within h, drawn towards a base rate with the weight of eight hours. It knows which servers are bad, and nothing
 * of when. The base rate is the one that was known before, `prior`; without one it is that of the cases themselves, which a
 * real forecaster would not know, so the baseline is then a little flattered. Climatology says the prior itself.
 *
 * The fleet: all cases of one origin are a fleet, y whether any of its servers had a start within h. Three forecasters: the
 * model's own link (tft_fleet_link), servers taken as independent, and the largest single probability.
 */
#ifndef TFTD_SCORE_INCIDENT_RUN_H
#define TFTD_SCORE_INCIDENT_RUN_H

#include <stdbool.h>

#include "score/incidents.h"
#include "score/splits.h"
#include "tft/forecaster.h"

typedef struct score_incident_result {
    size_t n_unanswered;                // windows that would count, but the forecaster gave no probability
    score_incident_figures source;      // n = 0 without a forecaster under test
    score_incident_figures frequency;   // the baseline
    score_incident_figures climatology; // n = 0 without a prior
    score_incident_figures fleet, fleet_independent,
        fleet_largest; // n = 0 without a forecaster, or fleets of one server
} score_incident_result;

typedef struct score_incident_job {
    const tft_dataset *dataset;
    const score_windows *windows;
    const tft_incident_rule *rule;
    const uint32_t *steps; // [n_horizons]
    size_t n_horizons;
    const float *probability; // [windows->n, n_horizons] of the forecaster under test, NaN where it gave none; or NULL
    const double *prior;      // [n_horizons] base rates known before; or NULL
    tft_fleet_link fleet;     // of the forecaster under test; zeroed: independent
} score_incident_job;

bool score_has_labels(const tft_dataset *dataset, const tft_incident_rule *rule);

/* The horizons that are whole steps and inside the contract's; steps and names [SCORE_MAX_HORIZONS]. Returns how many. */
size_t score_incident_horizons(const tft_contract *contract, uint32_t *steps, const char **names);

/* results [n_horizons]. */
tft_status score_incidents_evaluate(const score_incident_job *job, score_incident_result *results, tft_error *err);

#endif
