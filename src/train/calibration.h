/* calibration.h - what stands between the network's outputs and the numbers that are shown.
 *
 * Incidents. The network gives one hazard logit z_t per horizon step; P(incident within h) = 1 − Π_{t≤h} (1 − σ(z_t)),
 * in double, so that 96 small hazards do not round away. Calibration maps that probability at a few horizons by Platt
 * scaling (Platt 1999): logit p' = slope · logit p + intercept; between the horizons slope and intercept are linear in
 * h. A cumulative maximum keeps the curve from falling.
 *
 * Quantiles. Each level is stretched around the median by a factor of its own,
 *     f'_q = f_.5 + s(q, h, scale) · (f_q − f_.5),
 * s given at four levels (.02 .1 .9 .98), three horizons and three sizes of a server (the window's scale), per metric.
 * In between: linear in q (1 at the median), in log h and in log scale; the outermost beyond. Factors that make the share
 * of what lies outside a level right are those of split conformal prediction with the score (y − f_.5) / (f_q − f_.5)
 * (Vovk, Gammerman, Shafer 2005; Romano, Patterson, Candès 2019, normalised as in Lei et al. 2018). The quantiles are
 * put in order before, and again after, so that they never cross.
 *
 * The fleet: tft_fleet_link (tft/forecaster.h). What alerts at these probabilities were worth: alert_record.h.
 *
 *     "calibration": {"incident": {"kind": "identity"}, "quantiles": {"kind": "identity"}}
 *     "calibration": {"incident": {"kind": "platt", "steps": [6, 12, 96], "slope": [1, 1.1, 0.9], "intercept": [0, -0.2, 0]},
 *                     "quantiles": {"kind": "stretch", "levels": [0.02, 0.1, 0.9, 0.98], "steps": [2.4, 13, 49],
 *                                   "metrics": [{"scales": [1, 5, 20], "factors": [[[1, 1.1, 1, 1], …], …]}, …]},
 *                     "fleet": {"kind": "exponent", "steps": [6, 12], "exponent": [0.6, 0.7], "bend": [0, 0.3]}}
 * factors[step][scale][level]. "fleet" may be missing (exponent 1), "bend" too (0). Each part is the identity where it was not fitted.
 *
 * Threads: any.
 */
#ifndef TFT_TRAIN_CALIBRATION_H
#define TFT_TRAIN_CALIBRATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/text.h"
#include "tft/contract.h"
#include "tft/forecaster.h"
#include "train/alert_record.h"

#define TFT_MAX_CALIBRATION_POINTS 16
#define TFT_N_KNOTS 4   // levels with a factor of their own
#define TFT_N_CLASSES 3 // sizes of a server
#define TFT_N_SPANS 3   // parts of the horizon
#define TFT_MIN_STRETCH 0.25
#define TFT_MAX_STRETCH 4.0

extern const double tft_knot_levels[TFT_N_KNOTS]; // .02 .1 .9 .98

/* One metric's factors. */
typedef struct tft_stretch {
    double scale[TFT_N_CLASSES]; // centres of the classes, in the metric's unit, ascending, > 0
    double factor[TFT_N_SPANS][TFT_N_CLASSES][TFT_N_KNOTS];
} tft_stretch;

typedef struct tft_calibration {
    size_t n_points;                           // 0 = identity
    uint32_t step[TFT_MAX_CALIBRATION_POINTS]; // 1 …, ascending
    double slope[TFT_MAX_CALIBRATION_POINTS];  // > 0, so that more alarming stays more alarming
    double intercept[TFT_MAX_CALIBRATION_POINTS];

    size_t n_stretched;            // targets with factors, all of them or 0 = identity
    double span_step[TFT_N_SPANS]; // centres of the parts of the horizon, ascending, ≥ 1
    tft_stretch stretch[TFT_MAX_METRICS];

    tft_fleet_link fleet;    // n = 0: independent
    tft_alert_record alerts; // n = 0: not measured
} tft_calibration;

void tft_calibration_to_json(const tft_calibration *calibration, tft_text *text);
tft_status tft_calibration_from_json(const tft_json *object, tft_calibration *calibration, tft_error *err);

/* hazard [n], the network's logits → logit [n] of P(start within step 1 … n); ±∞ where P is 0 or 1. */
void tft_incident_logits(const float *hazard, size_t n, double *logit);
/* These (or what a judge made of them: tft/judge.h) → incident [n], calibrated, each 0 … 1, never falling. Cannot fail. */
void tft_calibration_incident(const tft_calibration *calibration, const double *logit, size_t n, float *incident);

/* One metric's quantiles at horizon step `step` = 1 …, in the metric's unit: put in order, stretched around the median
 * and in order again. `scale` is the window's. Cutting to the range is the caller's. Cannot fail. */
void tft_calibration_quantiles(const tft_calibration *calibration, size_t metric, size_t step, double scale,
                               const float *levels, size_t n, float *quantiles);

/* The same for n_steps steps of one window, `stride` floats apart. `steps` says where each lies between the parts of the horizon, which
 * depends on the calibration alone: tft_calibration_places() fills it for steps 1 … n. */
typedef struct tft_place { // behind point a, and what share of the way to the next
    size_t a;
    double share;
} tft_place;
void tft_calibration_places(const tft_calibration *calibration, size_t n, tft_place *places);
void tft_calibration_rows(const tft_calibration *calibration, size_t metric, const tft_place *steps, size_t n_steps,
                          double scale, const float *levels, size_t n, size_t stride, float *quantiles);

/* The parts of a horizon, up to a sixteenth, a quarter, the rest (as score/scores.h has them): which one `step` is in,
 * and their centres (geometric means of first and last step). */
size_t tft_span_of(size_t horizon, size_t step);
void tft_span_centres(size_t horizon, double centre[TFT_N_SPANS]);

#endif
