/* scores.h - how good quantile forecasts were: sums over cells that can be added up in any grouping.
 *
 * A cell is one forecast value and what came: one metric at one step after one origin. With f_q the forecast of level q,
 *
 *     QL_q(y, f) = max(q · (y − f), (q − 1) · (y − f))          quantile (pinball) loss
 *     MAE        = mean |y − f_.5|
 *     q-risk P   = 2 · Σ QL_P / Σ |y|                           Lim et al. 2021, eq. 26 (P50, P90)
 *     CRPS       = mean over q = .1, .2, … .9 of 2 · Σ QL_q / Σ |y|
 *     coverage   = share of cells inside P10 … P90 (aim .80) and P02 … P98 (aim .96), ends included
 *     gm         = geometric mean over servers of (the server's Σ QL) / (the same for the reference forecaster)
 *
 * All forecasts are scored at the same eleven levels: .02 and .98 for coverage, .1 … .9 for the rest. A forecaster with
 * other levels is interpolated linearly in q (score_to_levels); beyond its outermost levels it keeps the outermost value.
 * A point forecast is the same value at every level: its CRPS is then Σ |y − f| / Σ |y|.
 *
 * Sums are doubles and merge by addition, so whoever cuts the work into fixed pieces and merges in their order gets the
 * same bytes with any number of threads. The same sums serve `tftd evaluate` and the running daemon.
 *
 * Threads: plain structs; whoever writes one owns it.
 */
#ifndef TFTD_SCORE_SCORES_H
#define TFTD_SCORE_SCORES_H

#include <stddef.h>
#include <stdint.h>

#define SCORE_N_LEVELS 11 // .02, .1 … .9, .98
#define SCORE_N_LOSSES 9  // .1 … .9: score_levels[1 … 9]
#define SCORE_P50 4       // index among the losses
#define SCORE_P90 8
#define SCORE_MAX_BANDS 3

extern const float score_levels[SCORE_N_LEVELS];

typedef struct score_sums {
    uint64_t n;                           // cells
    uint64_t inside_80, inside_96;        // between P10 and P90, P02 and P98
    double abs_y, abs_error;              // Σ |y|, Σ |y − f_.5|
    double quantile_loss[SCORE_N_LOSSES]; // Σ QL_q, q = .1 … .9
    double width_80;                      // Σ (P90 − P10)
} score_sums;

/* Adds one cell: forecast [SCORE_N_LEVELS] and what came, both finite. */
void score_sums_add(score_sums *sums, const float *forecast, double y);
void score_sums_merge(score_sums *into, const score_sums *from);

/* Figures; NaN where no cell was scored (CRPS and q-risk also where Σ|y| is 0). */
double score_mae(const score_sums *sums);
double score_q_risk(const score_sums *sums, size_t loss); // SCORE_P50, SCORE_P90
double score_crps(const score_sums *sums);
double score_coverage_80(const score_sums *sums);
double score_coverage_96(const score_sums *sums);
double score_width_80(const score_sums *sums);
double score_loss(const score_sums *sums); // Σ over the nine levels of Σ QL_q: what gm compares

/* Quantiles given at `levels` (ascending) → the eleven levels of this file. */
void score_to_levels(const float *levels, const float *values, size_t n, float *out);

/* The horizon in three bands: up to a sixteenth, up to a quarter, the rest. 96 steps give 1–6, 7–24, 25–96. Horizons
 * too short for that have fewer bands. */
typedef struct score_bands {
    size_t n;
    size_t first[SCORE_MAX_BANDS], last[SCORE_MAX_BANDS]; // steps, from 1, inclusive
} score_bands;
score_bands score_bands_of(size_t horizon);
size_t score_band_of(const score_bands *bands, size_t step); // step from 1

/* Geometric mean over servers i with n_cells[i] > 0 of loss[i] / reference[i]. A server whose metric is constant can
 * have no loss at all: `floor` is added to both, so that 0 / 0 is 1 (score_gm_floor). NaN without servers. */
double score_gm(const double *loss, const double *reference, const uint64_t *n_cells, size_t n_servers, double floor);
/* A hundred-thousandth of the average server's Σ|y|, in units of score_loss. */
double score_gm_floor(double abs_y, size_t n_servers);

#endif
