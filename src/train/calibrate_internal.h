/* calibrate_internal.h - what calibrate.c and calibrate_fleet.c share. Nobody outside this room includes it. */
#ifndef TFT_TRAIN_CALIBRATE_INTERNAL_H
#define TFT_TRAIN_CALIBRATE_INTERNAL_H

#include "base/arena.h"
#include "tft/window.h"
#include "train/calibrate.h"
#include "train/calibration_fit.h"

#define CALIBRATE_POINTS 5 // 30 min, 1 h, 2 h, 4 h, 8 h where they are whole steps of the horizon
#define CALIBRATE_STREAM UINT64_C(0x63616c6962)

typedef struct calibration_window {
    uint32_t server, group, origin_index; // of a group; windows with the same origin_index are one fleet at one instant
    int64_t step;
    uint32_t event_step, at_risk;
    bool in_incident;
} calibration_window;

typedef struct calibrating {
    tft_forecaster *forecaster;
    const tft_contract *contract;
    const tft_config *network;
    const tft_dataset *dataset;
    const tft_calibrate_plan *plan;
    unsigned parts; // that are fitted
    size_t n, capacity, n_origins;
    calibration_window *windows;
    size_t n_points;
    uint32_t point[CALIBRATE_POINTS];

    tft_window_scratch *scratch;
    tft_arena arena;
    tft_window window;      // for the scale of a window
    float *quantiles;       // [CHUNK, T, Q]
    float *incident;        // [CHUNK, T]
    float *target, *weight; // [T, M]
    float *zero_scale;      // [M, 2] 0, 1: truth in the metric's own unit
    uint8_t *ok;            // [CHUNK]
    tft_request *requests;  // [CHUNK]
    float *raw;             // [n, n_points] P(h) as the network says, NaN without an answer
    tft_stretch_cells cells[TFT_MAX_METRICS];
} calibrating;

/* 1 a start within h, 0 none, −1 nobody knows. */
static inline int calibrate_label(const calibration_window *w, uint32_t h)
{
    return w->event_step > 0 && w->event_step <= h ? 1 : w->at_risk >= h ? 0 : -1;
}

/* Fits out->fleet on top of out's incident curves. */
tft_status calibrate_fleet(const calibrating *c, tft_calibration *out, tft_error *err);

#endif
