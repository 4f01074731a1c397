/* trainer.h - what the parts of a training share: trainer.c (the loop), step.c, validation.c, checkpoint.c.
 *
 *     tft_train ──► for each step:   windows  (a task per window: draw, build)
 *                                    passes   (a task per thread: its share of micro-batches, forward and backward)
 *                                    optimizer (a task per chunk of weights: add up, clip, AdamW, average)
 *                   for each epoch:  validation (a task per micro-batch), early stopping, checkpoint
 *
 * Memory:  everything is taken by tft_trainer_open() and given back by tft_trainer_close(); a step allocates nothing.
 * Threads: one caller. What belongs to a thread stands in arrays by slot (training: the share of a batch, fixed, so
 *          that sums have one order) or by worker (windows, validation: whoever takes the task).
 */
#ifndef TFT_TRAIN_TRAINER_H
#define TFT_TRAIN_TRAINER_H

#include "base/text.h"
#include "tft/train.h"
#include "train/batch.h"
#include "train/optimizer.h"
#include "train/sampling.h"
#include "train/split.h"

/* What a checkpoint keeps besides the blocks of weights. */
typedef struct tft_train_state {
    uint64_t step, epoch; // finished ones
    uint64_t n_skipped;   // steps whose loss or gradient was not finite
    uint64_t best_epoch, epochs_without_better;
    double best_loss, best_hazard; // validation; HUGE_VAL before the first
    double last_loss, last_hazard;
    double sum_loss, sum_hazard, n_losses; // over the running epoch's steps
    double epoch_loss;                     // mean training loss of the last finished epoch
    double elapsed_s;                      // training time of all runs so far
    bool finished, early_stopped;
} tft_train_state;

/* One micro-batch of a step: windows order[first … first + n − 1], done in the workspace of `slot`. */
typedef struct tft_micro {
    size_t first, n, slot;
    tft_losses losses;
    bool failed;
} tft_micro;

typedef struct tft_trainer {
    const tft_train_options *options;
    const tft_dataset *dataset;
    tft_config config;
    tft_split split;
    tft_origins origins, incidents, validation_origins;
    tft_sampling sampling, validation_sampling;

    tft_pool *pool;
    size_t n_threads;
    tft_model *model, *average; // the one that is trained; the one that is evaluated and saved
    tft_optimizer optimizer;

    tft_arena arena;
    size_t n_slots, n_micros, n_validation;
    tft_slot *slots;   // [n_slots] windows of a batch
    size_t *order;     // [batch] slots, longest encoder first
    tft_micro *micros; // [n_micros]
    size_t n_micros_now;
    tft_workspace **workspaces;                      // [n_threads] of `model`, for training passes
    tft_workspace **viewers;                         // [n_threads] of `average`, for validation
    tft_error *faults;                               // [n_threads] first refusal of a validation pass
    tft_sampler *samplers;                           // [n_threads]
    tft_pack *packs;                                 // [n_threads]
    float **raw, **hazard;                           // [n_threads] validation outputs of a micro-batch
    tft_origin *validation;                          // [n_validation]
    double *validation_quantile, *validation_hazard; // [n_validation] losses; NaN = no window
    uint64_t step_number;                            // of the step under way

    tft_train_state state;
} tft_trainer;

typedef struct tft_step_result {
    double loss, hazard;
    bool skipped; // not finite: nothing was changed
} tft_step_result;

/* With only_mixture: whether parameter `name` is one of the constants that are learned; the matrices in front of them are 0
 * and stay so, so that nothing of the window reaches the output but its anchors. */
bool tft_is_constant_of_output(const char *name);

/* One training step at learning rate `rate`. TFT_ERR_STATE where the data give no window. */
tft_status tft_trainer_step(tft_trainer *trainer, double rate, tft_step_result *result, tft_error *err);

/* Losses of the averaged weights on the fixed validation windows; HUGE_VAL where there are none. */
tft_status tft_trainer_validate(tft_trainer *trainer, double *quantile, double *hazard, tft_error *err);

/* checkpoint.c: <out>/checkpoint.tft. */
tft_status tft_checkpoint_write(tft_trainer *trainer, tft_error *err);
tft_status tft_checkpoint_read(tft_trainer *trainer, tft_error *err);

/* options.c: the options that shape the result, "name=value" separated by spaces; and their bounds. */
void tft_train_options_text(const tft_train_options *options, const tft_contract *contract, tft_text *text);
tft_status tft_train_options_check(const tft_train_options *options, tft_error *err);

#endif
