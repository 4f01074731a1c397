/* calibration_fit.h - from what was forecast and what came to the numbers of a calibration (calibration.h).
 *
 * Stretch. For the knot q < ½ of a cell let r = (y − f_.5) / (f_q − f_.5): y lies below the stretched quantile just when
 * r > s. The factor is the least s for which no more than a share q of the cells lies below; above the median likewise
 * with 1 − q. A cell whose quantile equals the median lies outside whatever s is, or never. Each part of the horizon gets
 * factors from all its cells and from those of each third of the scales; what is taken is the geometric mean of the two,
 * because a third of a few dozen servers says less than it seems. Bounds ½ … 2.
 *
 * Platt. Slope and intercept by the likelihood of the cases, Newton's method, with a prior worth a handful of cases that
 * pulls towards (1, 0), so that few incidents cannot turn the curve around.
 *
 * Fleet. θ of tft_fleet_link by the likelihood of weighted cases, golden section on 0.02 … 1, with a prior that pulls log θ towards 0 (servers that
 * fail by themselves). Cross-fitting: a fold's cases are judged with the θ that the other folds give; θ holds where it beats
 * θ = 1 in mean log loss and in mean Brier skill. Why both: log loss forgives what is lost where nearly every fleet has an incident.
 *
 * Memory:  cells belong to tft_stretch_cells, 24 bytes each. Threads: pure functions.
 */
#ifndef TFT_TRAIN_CALIBRATION_FIT_H
#define TFT_TRAIN_CALIBRATION_FIT_H

#include "train/calibration.h"

typedef struct tft_stretch_cell {
    float r[TFT_N_KNOTS]; // −INFINITY: never outside; INFINITY: always
    float scale;
    uint32_t span;
} tft_stretch_cell;

typedef struct tft_stretch_cells {
    size_t n, capacity;
    double lowest, highest; // outermost levels of the forecasts: a knot beyond them is fitted as if it were they
    tft_stretch_cell *items;
} tft_stretch_cells;

/* Adds one cell: its quantiles in order, what came, the window's scale. */
tft_status tft_stretch_add(tft_stretch_cells *cells, const float *levels, const float *quantiles, size_t n, double y,
                           double scale, size_t span, tft_error *err);
void tft_stretch_cells_free(tft_stretch_cells *cells); // accepts a zeroed struct

/* Fits one metric; reorders the cells. With too few of them every factor is 1. */
tft_status tft_stretch_fit(tft_stretch_cells *cells, tft_stretch *stretch, tft_error *err);

/* x [n]: logit of the raw probability, finite; y [n]: 0 or 1. False, and the outputs untouched, where there are fewer than
 * ten cases of either kind. */
bool tft_platt_fit(const double *x, const uint8_t *y, size_t n, double *slope, double *intercept);

/* One case of a fleet: Σ log(1 − p), the largest p, whether any server failed. */
typedef struct tft_fleet_case {
    double log_quiet, largest, weight;
    size_t fold;
    uint8_t y;
} tft_fleet_case;

#define TFT_EVERY_FOLD SIZE_MAX

/* θ from the cases outside the fold `without`. False, and *exponent untouched, with fewer than five cases of either kind. */
bool tft_fleet_fit(const tft_fleet_case *cases, size_t n, size_t without, double *exponent);
/* Whether a θ fitted without them is better than 1 on the judged cases of each fold, on the whole. */
bool tft_fleet_holds(const tft_fleet_case *cases, size_t n, const tft_fleet_case *judged, size_t n_judged,
                     size_t n_folds);

#endif
