/* calibrate.h - fits the calibration of a trained model on windows that it was not trained on.
 *
 *     servers (chosen by the caller) ─┐
 *     origins spread over time ───────┴─► windows ─► forecaster ─► quantiles, hazards ─► calibration_fit.h
 *
 * All chosen servers of a group (a world of its own: train_data.h) are forecast at the same origins, because the fleet's
 * probability is about what happens to them together. In order: quantiles; incident curves; then, with curves so
 * calibrated, the fleet. A case of a horizon h is a window whose labels reach so far (tft_window_truth) or hold a start
 * before; those already in an incident are left out, as evaluation leaves them out.
 *
 * On other windows again it counts what alerts on the calibrated probabilities were worth (alert_record.h).
 *
 * Memory:  24 bytes a cell: 4,000 windows of 96 steps and four metrics are 37 MB, given back at the end.
 * Threads: one call; windows are cut over the forecaster's pool.
 */
#ifndef TFT_TRAIN_CALIBRATE_H
#define TFT_TRAIN_CALIBRATE_H

#include "tft/dataset.h"
#include "train/calibration.h"

enum { TFT_CALIBRATE_QUANTILES = 1, TFT_CALIBRATE_INCIDENTS = 2, TFT_CALIBRATE_FLEET = 4, TFT_CALIBRATE_ALL = 7 };

typedef struct tft_calibrate_plan {
    unsigned parts;            // TFT_CALIBRATE_…; 0 = all
    const uint8_t *selected;   // [n_servers] of the dataset: 1 = calibrate with it; NULL = all
    const uint16_t *group_of;  // [n_servers] or NULL: one group
    const double *group_share; // [n_groups] of the windows, any unit; NULL = by their number of servers
    size_t n_groups;
    int64_t first_step, last_step; // origins lie at or after first_step (INT64_MIN = any), no target after last_step
    size_t n_windows;              // about so many
    uint64_t seed;
} tft_calibrate_plan;

typedef struct tft_calibrate_facts {
    size_t n_windows, n_origins, n_cells;
    size_t n_cases[TFT_MAX_CALIBRATION_POINTS],
        n_incidents[TFT_MAX_CALIBRATION_POINTS]; // per point of the incident curve
} tft_calibrate_facts;

/* Fits the parts of the plan; the others of *calibration stay as they are (the fleet's is fitted on top of the incident curves that then
 * stand there). Parts for which the data say too little are the identity. Other incident curves make what was counted of alerts
 * void. The forecaster must have no calibration of its own (tft_forecaster_lend with the identity). `facts` may be NULL.
 * TFT_ERR_NOT_FOUND where there is no window at all. */
tft_status tft_calibrate(tft_forecaster *forecaster, const tft_dataset *dataset, const tft_calibrate_plan *plan,
                         tft_calibration *calibration, tft_calibrate_facts *facts, tft_error *err);

/* Counts alerts at the horizons of the incident curves (30 min … 8 h). The forecaster is calibrated as it will serve; plan->parts does not
 * matter. */
tft_status tft_calibrate_alerts(tft_forecaster *forecaster, const tft_dataset *dataset, const tft_calibrate_plan *plan,
                                tft_alert_record *record, tft_calibrate_facts *facts, tft_error *err);

#endif
