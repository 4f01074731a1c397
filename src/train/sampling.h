/* sampling.h - one training window: which origin, how much of its past is shown, what it should have forecast.
 *
 * Window number k of a run is a function of (seed, k) alone: nothing depends on threads, and a run that is resumed at
 * step s draws exactly what the uninterrupted one would have drawn.
 *
 * What is shown. A daemon meets servers two steps old, gaps, metrics nobody sends, and a current step that has only
 * begun; so training shows them: shares of the windows get
 *   - a short history: only the last L steps exist, L log-uniform in 2 … memory;
 *   - masked stretches: one to three, each of a length log-uniform in 1 … context / 2, hidden;
 *   - a partial newest step, of which a uniform share has passed;
 *   - hidden metrics: each with chance 1 / M, but never all targets.
 * A draw that leaves too little to forecast from is shown plainly; an origin that cannot even then is drawn again.
 *
 * What counts. A cell's weight is (scale / mean scale of the metric)^scale_power, at most 20, where the value is known and
 * the window has seen the metric at all. Power 0 is a loss in scaled units (all windows alike), 1 pooled in real units
 * (large servers rule); ½ is between them and best on the data this was built with (docs/TRAINING.md).
 *
 * Threads: any, each with its own sampler and slot.
 */
#ifndef TFT_TRAIN_SAMPLING_H
#define TFT_TRAIN_SAMPLING_H

#include "tft/train.h"
#include "tft/window.h"
#include "train/batch.h"
#include "train/origins.h"

#define TFT_MAX_CELL_WEIGHT 20.0

/* What all threads share; read only. */
typedef struct tft_sampling {
    const tft_dataset *dataset;
    const tft_config *config;
    const tft_origins *origins, *incidents; // incidents: those with one ahead, or NULL
    double short_history_share, masked_share, partial_share, hidden_metric_share, incident_share;
    double scale_power[TFT_MAX_METRICS];
    double mean_scale[TFT_MAX_METRICS]; // per target
    uint64_t seed;
} tft_sampling;

/* What a thread needs besides: scratch of window.c and room for a mask. */
typedef struct tft_sampler {
    tft_window_scratch *scratch;
    uint8_t *hidden; // [memory]
} tft_sampler;

/* Draws and builds window number k into *slot (with truth). False where 64 draws gave no window that can be built. */
bool tft_sampling_window(const tft_sampling *sampling, uint64_t k, tft_sampler *sampler, tft_slot *slot);

/* Builds the window and truth of one origin as it is, weights included. False where it cannot be built. */
bool tft_sampling_build(const tft_sampling *sampling, tft_origin origin, const tft_window_view *view,
                        tft_sampler *sampler, tft_slot *slot);

#endif
