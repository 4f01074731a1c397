/* details.h - an evaluation cut finer than tables need, for the report page: by step, by hour of the day, where values fell
 * inside the forecast, and which windows came out best and worst.
 *
 *     steps   score_sums of every forecaster and metric at each step of the horizon
 *     hours   the same by the hour of the day (UTC) of the step that was forecast
 *     pit     of the forecaster under test: how much of what came fell between its levels 0, .1, .2 … 1. Each tenth should
 *             hold a tenth (Dawid 1984; the probability integral transform). A value that equals several levels at once is
 *             shared out evenly between them.
 *     best, worst   the window of each metric with the smallest and largest (own loss) / (loss of "quantiles of last 24 h"),
 *             a tenth of the window's Σ|y| added to both, so that flat lines do not win
 *
 * Memory:  owns its arrays. Threads: parts are filled apart and merged in order, as all sums are.
 */
#ifndef TFTD_SCORE_DETAILS_H
#define TFTD_SCORE_DETAILS_H

#include "base/arena.h"
#include "score/scores.h"
#include "tft/contract.h"

#define SCORE_N_PIT 10
#define SCORE_N_HOURS 24

typedef struct score_example {
    bool there;
    size_t window; // index into the list of windows
    double ratio;
} score_example;

typedef struct score_details {
    size_t n_forecasters, n_metrics, horizon;
    score_sums *steps; // [F, M, horizon]
    score_sums *hours; // [F, M, 24]
    double *pit;       // [M, SCORE_N_PIT]
    score_example best[TFT_MAX_METRICS], worst[TFT_MAX_METRICS];
} score_details;

/* Places the arrays in an arena, or counts them. */
void score_details_layout(score_details *details, size_t n_forecasters, size_t n_metrics, size_t horizon,
                          tft_arena *arena);
void score_details_clear(score_details *details);
void score_details_merge(score_details *into, const score_details *from);

/* One cell of a forecaster. hour: of the day, of the step. */
void score_details_add(score_details *details, size_t forecaster, size_t metric, size_t step, size_t hour,
                       const float *levels, double y);
void score_details_pit(score_details *details, size_t metric, const float *levels, double y);
void score_details_window(score_details *details, size_t metric, size_t window, double loss, double reference,
                          double abs_y);

#endif
