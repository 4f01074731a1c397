/* calibration.h - what stands between the network's incident curve and the probability that is shown.
 *
 * The network gives one hazard logit z_t per horizon step; P(incident within h) = 1 − Π_{t≤h} (1 − σ(z_t)), in double,
 * so that 96 small hazards do not round away. Calibration maps that probability at a few horizons by Platt scaling
 * (Platt 1999): logit p' = slope · logit p + intercept, fitted on validation windows; between the horizons slope and
 * intercept are linear in h. A cumulative maximum keeps the curve from falling. Without points it is the identity.
 *
 *     "calibration": {"incident": {"kind": "identity"}, "quantiles": {"kind": "identity"}}
 *     "calibration": {"incident": {"kind": "platt", "steps": [6, 12, 96], "slope": [1, 1.1, 0.9], "intercept": [0, -0.2, 0]}, …}
 *
 * Threads: any.
 */
#ifndef TFT_TRAIN_CALIBRATION_H
#define TFT_TRAIN_CALIBRATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/text.h"

#define TFT_MAX_CALIBRATION_POINTS 16

typedef struct tft_calibration {
    size_t n_points;                           // 0 = identity
    uint32_t step[TFT_MAX_CALIBRATION_POINTS]; // 1 …, ascending
    double slope[TFT_MAX_CALIBRATION_POINTS];  // > 0, so that more alarming stays more alarming
    double intercept[TFT_MAX_CALIBRATION_POINTS];
} tft_calibration;

void tft_calibration_to_json(const tft_calibration *calibration, tft_text *text);
tft_status tft_calibration_from_json(const tft_json *object, tft_calibration *calibration, tft_error *err);

/* logits [n] of the hazard → incident [n], each 0 … 1, never falling. Cannot fail. */
void tft_calibration_incident(const tft_calibration *calibration, const float *logits, size_t n, float *incident);

#endif
