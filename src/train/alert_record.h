/* alert_record.h - what alerts on a model's incident probability were worth, counted on data that the model has not seen.
 *
 * At an instant an alert stands where P(incident within h) is at or above a level. Counted are the instants at which one stood, and of
 * these the ones that an incident followed within the whole horizon, however soon it had been announced:
 *
 *     expected precision of "P(within 1 h) ≥ 30 %" = followed / raised
 *     "of 10 such alerts, about 7 are followed by an incident within 8 h"
 *
 * Instants are cases as calibration has them (calibrate.h): what came is known, and the server was in no incident. An alert that stands for
 * long is many instants, as it is to somebody who looks now and then.
 *
 *     "alerts": {"kind": "counts", "within": 96, "cases": 24000, "came": 1320, "steps": [6, 12, 24, 48, 96],
 *                "levels": [0.1, 0.2, …, 0.9], "raised": [[310, …], …], "followed": [[96, …], …]}      raised[step][level]
 * stands under "calibration" in config.json, because it is true of these probabilities only: whoever calibrates them anew drops it.
 *
 * Threads: any.
 */
#ifndef TFT_TRAIN_ALERT_RECORD_H
#define TFT_TRAIN_ALERT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/text.h"
#include "tft/forecaster.h"

#define TFT_MAX_ALERT_POINTS 16
#define TFT_N_ALERT_LEVELS 9 // .1, .2, … .9
#define TFT_MIN_ALERTS 20    // fewer say nothing of the next ones

typedef struct tft_alert_record {
    size_t n;                            // horizons; 0 = nobody has counted
    uint32_t step[TFT_MAX_ALERT_POINTS]; // 1 …, ascending
    uint32_t within;                     // steps: the whole horizon
    uint64_t n_cases, n_came;            // instants, and those that an incident followed
    uint64_t raised[TFT_MAX_ALERT_POINTS][TFT_N_ALERT_LEVELS], followed[TFT_MAX_ALERT_POINTS][TFT_N_ALERT_LEVELS];
} tft_alert_record;

/* Counts P(within step[point]) = p of one instant. */
void tft_alert_record_add(tft_alert_record *record, size_t point, double p, bool followed);

/* What is known of alerts at P(within `step` steps) ≥ level: counts of the highest level that is not above it. False where nobody
 * counted that horizon, the level is below .1, or fewer than TFT_MIN_ALERTS were raised. */
bool tft_alert_record_find(const tft_alert_record *record, uint32_t step, double level, uint64_t *raised,
                           uint64_t *followed);

/* Of a model at work, as its config.json has it. */
const tft_alert_record *tft_forecaster_alerts(const tft_forecaster *forecaster);

void tft_alert_record_to_json(const tft_alert_record *record, tft_text *text);
tft_status tft_alert_record_from_json(const tft_json *object, tft_alert_record *record, tft_error *err);

#endif
