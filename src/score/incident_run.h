/* incident_run.h - incident probabilities of a whole evaluation: which cases count, and what they are measured against.
 *
 * There are labels where the rule is one of a metric, or where some server sends states (a rule by state says nothing about
 * the others; they are left out). A window is a case when its server is in no incident at the origin, and, if a forecaster
 * is under test, when that one gave a probability: both rows are about the same cases.
 *
 * The baseline is the server's own frequency: the share of the last seven days' steps that were followed by a start within
 * h, drawn towards the base rate of all cases with the weight of one day. A real forecaster would not know that rate, so
 * the baseline is a little flattered. It knows which servers are bad, and nothing of when.
 */
#ifndef TFTD_SCORE_INCIDENT_RUN_H
#define TFTD_SCORE_INCIDENT_RUN_H

#include <stdbool.h>

#include "score/incidents.h"
#include "score/splits.h"

#define SCORE_MAX_HORIZONS 5 // 30m 1h 2h 4h 8h

typedef struct score_incident_result {
    size_t n_unanswered;              // windows that would count, but the forecaster gave no probability
    score_incident_figures source;    // n = 0 without a forecaster under test
    score_incident_figures frequency; // the baseline
} score_incident_result;

bool score_has_labels(const tft_dataset *dataset, const tft_incident_rule *rule);

/* The horizons that are whole steps and inside the contract's; steps and names [SCORE_MAX_HORIZONS]. Returns how many. */
size_t score_incident_horizons(const tft_contract *contract, uint32_t *steps, const char **names);

/* probability [windows->n, n_horizons] of the forecaster under test, NaN where it gave none; NULL = none under test.
 * results [n_horizons]. */
tft_status score_incidents_evaluate(const tft_dataset *dataset, const score_windows *windows,
                                    const tft_incident_rule *rule, const uint32_t *steps, size_t n_horizons,
                                    const float *probability, score_incident_result *results, tft_error *err);

#endif
