/* forecaster.h - a trained model at work: from series to quantiles in real units.
 *
 * A model directory (tft_model_YYYYMMDD_HHMMSS/) holds model.safetensors, config.json (network, contract, quantiles,
 * calibration), training_info.json and server_mapping.json. A forecaster is such a directory, verified and loaded, with
 * threads and memory of its own.
 *
 * Quantiles never cross: they are sorted per step after scaling and calibration, and cut to the metric's range.
 *
 * Threads: one call at a time per forecaster; inside, windows are cut over its pool.
 */
#ifndef TFT_FORECASTER_H
#define TFT_FORECASTER_H

#include "tft/config.h"
#include "tft/contract.h"
#include "tft/model.h"
#include "tft/series.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tft_forecaster tft_forecaster;

/* Opens a model directory; n_threads 0 = all cores. */
tft_status tft_forecaster_open(const char *directory, size_t n_threads, tft_forecaster **forecaster, tft_error *err);
void tft_forecaster_close(tft_forecaster *forecaster);

/* What its network multiplies in (tft/model.h); float32 when it is opened. Returns what is in use: float32 where bfloat16 was asked for and the
 * machine has no instructions for it. Not while it runs; not for one that was lent its model. */
tft_precision tft_forecaster_set_precision(tft_forecaster *forecaster, tft_precision precision);

const tft_contract *tft_forecaster_contract(const tft_forecaster *forecaster);
const tft_config *tft_forecaster_config(const tft_forecaster *forecaster);
const tft_model *tft_forecaster_model(const tft_forecaster *forecaster);
const char *tft_forecaster_name(const tft_forecaster *forecaster); // "tft_model_20251101_090000"
const char *tft_forecaster_directory(const tft_forecaster *forecaster);

typedef struct tft_request {
    const tft_series *series;
    int64_t origin; // step number of the last known step
    size_t encoder; // the network reads at most so many steps, the newest; 0 = the model's context
} tft_request;

typedef struct tft_forecast {
    float *
        quantiles; // [n, horizon, Q] real units (Q = tft_config_outputs, targets one after the other); NULL = not wanted
    float *incident; // [n, horizon] P(incident starts within step 1 … h), calibrated; NULL = not wanted
    uint8_t *ok;     // [n] 0 where a window had too little history (its rows are then untouched)
    float *encoder_attention, *encoder_selection, *decoder_selection, *static_selection; // as tft_outputs, or NULL
} tft_forecast;

/* Forecasts n requests, `steps` horizon steps of each (0 = all; all also where incidents are wanted of a model with a judge).
 * Rows are as for the full horizon. */
tft_status tft_forecaster_run(tft_forecaster *forecaster, const tft_request *requests, size_t n, size_t steps,
                              const tft_forecast *forecast, tft_error *err);

/* How the servers of a fleet fail together: "at least one incident on any of n servers within h" lies between the
 * largest single p (all fail at once) and 1 − Π (1 − p_i) (each by itself). With X = −Σ over the others log(1 − p_i), and an exponent
 * θ and a bend β per horizon,
 *     P = 1 − (1 − largest p) · exp(−min(X, θ · X^(1−β))):
 * without a bend as if besides the worst server a share θ of the others were independent; with one (models of before; it is not fitted any
 * more), the more is to be expected of a fleet the more of it comes together. Linear in h between the points, the outermost beyond; without points θ = 1, β = 0. Fitted on
 * fleets by calibration (train/calibrate.h). */
#define TFT_MAX_FLEET_POINTS 16
#define TFT_MAX_FLEET_EXPONENT 8.0
typedef struct tft_fleet_link {
    size_t n;
    uint32_t step[TFT_MAX_FLEET_POINTS]; // 1 …, ascending
    double exponent[TFT_MAX_FLEET_POINTS];
    double bend[TFT_MAX_FLEET_POINTS]; // 0 … below 1
} tft_fleet_link;

const tft_fleet_link *tft_forecaster_fleet(const tft_forecaster *forecaster);
/* log_quiet = Σ log(1 − p_i(h)) (−HUGE_VAL where some p is 1), largest = max p_i(h), both at horizon step h = 1 …
 * Whoever walks h upwards keeps the maximum: θ may fall from one point to the next. */
double tft_fleet_probability(const tft_fleet_link *link, size_t step, double log_quiet, double largest);

/* Level q of a quantile function given at levels[0 … n−1] (ascending), linear in q between them, the outermost beyond. */
float tft_quantile_interpolate(const float *levels, const float *values, size_t n, float q);

#ifdef __cplusplus
}
#endif
#endif
