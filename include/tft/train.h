/* train.h - training a network on a dataset: AdamW, warm-up and cosine, clipping, EMA, early stopping, checkpoints.
 *
 * Deterministic: the same data, options, seed and thread count give the same bytes, also across an interruption and
 * --resume. A step's batch is cut into shards by window number; each shard runs forward and backward in its own
 * workspace, and gradients are added in shard order.
 *
 * Threads: one training at a time per call; it opens a pool of its own.
 */
#ifndef TFT_TRAIN_H
#define TFT_TRAIN_H

#include "tft/config.h"
#include "tft/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tft_train_options {
    /* network */
    size_t hidden_size, n_heads, lstm_layers, hidden_continuous_size;
    float dropout;
    bool causal_attention, mixture, hazard;
    bool deep_hazard;   // the incident head also reads the decoder's vector; false: only its own network of signs
    size_t sign_hidden; // width of that network (tft/signs.h), 0 = none
    size_t trees;       // trees a horizon of the incident head's judge (tft/judge.h), 0 = no judge; needs sign_hidden
    bool
        only_mixture; // an ablation: the mixture's weights are learned constants per step, and the network says nothing
    float quantiles[TFT_MAX_QUANTILES];
    size_t n_quantiles;
    /* schedule */
    size_t epochs, steps_per_epoch, batch; // an epoch is steps_per_epoch batches drawn from all origins;
                                           // epochs 0 = as many as fit into max_time_s
    size_t micro_batch;                    // windows that go through the network together; speed and memory only
    double learning_rate, weight_decay, warmup_share, clip_norm, ema_decay;
    double hazard_weight, horizon_weight; // of the incidents' likelihood; in it, of the five horizons' (tft/loss.h)
    double scale_power
        [TFT_MAX_METRICS]; // of each target: weight of a window's loss = (scale / mean scale of the metric)^power;
                           // 0.5 by default
    size_t patience;       // epochs without a better validation loss before stopping; 0 = never
    double max_time_s;     // 0 = no limit; else the schedule follows the clock where that is ahead of the steps,
                           // and the result is no longer the same bytes on every run
    /* what is shown */
    double short_history_share, masked_share, partial_share, hidden_metric_share; // shares of windows so augmented
    double incident_share;     // of the draws, from origins with an incident ahead; 0 = as they come
    const uint16_t *group_of;  // [n_servers] group of each server of the dataset, or NULL; lent
    const double *group_share; // [n_groups] share of the draws of each group, any unit; lent
    size_t n_groups;
    /* what is held out */
    const char
        *holdout_servers;    // e.g. "3/5x20": block 3 of 5, blocks of 20 servers in name order; or names a,b,c; NULL
    int64_t holdout_from_ms; // no target at or after this instant is trained on; 0 = none
    const char *validation_servers; // the same forms; NULL = a tenth of the servers, spread, or the last tenth of time
    size_t max_validation_windows;
    size_t calibration_windows; // of the validation data, after training (train/calibrate.h); 0 = not calibrated
    uint64_t seed;
    size_t n_threads; // 0 = all cores
    /* where to */
    const char *out;          // models are written into this folder as tft_model_YYYYMMDD_HHMMSS/
    const char *command_line; // kept in training_info.json, as is
    const char *commit;       // the program's version; NULL = unknown
    bool resume;              // go on from <out>/checkpoint.tft
} tft_train_options;

tft_train_options tft_train_options_default(void);

typedef struct tft_train_progress {
    size_t epoch, epochs, step, steps;
    double loss, validation_loss, hazard_loss, samples_per_s, seconds_left, learning_rate;
    bool epoch_end;
    double preparing; // before the first step: how far the training of the judge is, 0 … 1; 0 afterwards
} tft_train_progress;

/* Called after each step; returns false to stop (the step is finished, a checkpoint and a usable model are written; while
 * preparing: nothing is written, TFT_ERR_STATE). */
typedef bool (*tft_train_observer)(void *context, const tft_train_progress *progress);

/* Trains and writes a model directory; its path goes to model_path[capacity]. TFT_ERR_INTERRUPTED when the observer
 * stopped it: model and checkpoint are then complete all the same. */
tft_status tft_train(const tft_dataset *dataset, const tft_train_options *options, tft_train_observer observer,
                     void *context, char *model_path, size_t capacity, tft_error *err);

#ifdef __cplusplus
}
#endif
#endif
