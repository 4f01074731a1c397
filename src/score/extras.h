/* extras.h - what the report page shows beside the figures and only a model can tell: how it does with young servers, what it
 * looks at, and its best and worst forecasts.
 *
 *     history      the whole evaluation again on up to a thousand of the windows, with every server made 15 min, 1 h, 4 h,
 *                  24 h and 8 d old (evaluate.h); baselines know as little
 *     importance   mean weight of each input in the variable selection networks (Lim et al. 2021, eq. 6–8), over 64 windows
 *     examples     quantiles of the best and the worst window of each metric (details.h)
 *
 * Memory:  owns what it holds. Threads: one call.
 */
#ifndef TFTD_SCORE_EXTRAS_H
#define TFTD_SCORE_EXTRAS_H

#include "score/evaluate.h"
#include "score/source_model.h"

#define SCORE_N_HISTORIES 5

typedef struct score_history {
    const char *name; // "15 min"
    size_t steps;
    bool there; // the pace of the data has such a history
    score_result result;
} score_history;

typedef struct score_weight {
    const char *place; // "static", "encoder", "decoder"
    const char *name;  // lent by the model
    double weight;     // share of its place
} score_weight;

typedef struct score_fan {
    size_t metric, window;
    bool best;
    double ratio;
    float *levels; // [horizon, SCORE_N_LEVELS]
} score_fan;

typedef struct score_extras { // of the page
    score_history history[SCORE_N_HISTORIES];
    size_t n_history_windows;
    size_t n_weights;
    score_weight *weights; // place by place, heaviest first
    size_t n_fans;
    score_fan fans[2 * TFT_MAX_METRICS];
} score_extras;

/* `evaluation` is the one that made `result` (with details), its source the model. */
tft_status score_extras_make(const score_evaluation *evaluation, const score_result *result, tft_forecaster *forecaster,
                             score_model *model, score_extras *extras, tft_error *err);
void score_extras_free(score_extras *extras); // accepts a zeroed struct

#endif
