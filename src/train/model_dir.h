/* model_dir.h - a trained model on disk: models/tft_model_YYYYMMDD_HHMMSS/ (CONTRACT 1.8).
 *
 *     model.safetensors     weights
 *     incident_judge.safetensors   the incident head's judge, where config.json says n_trees (tft/judge.h)
 *     config.json           network, contract, quantiles, scaling, calibration: everything a forecast needs beside them
 *     training_info.json    where it comes from: times, data, losses, seed, command line
 *     server_mapping.json   names seen in training and their numeric ids
 *
 * Written whole under a temporary name (".<name>.tmp.<pid>", which no reader looks at), each file synced, and renamed:
 * a directory with a model's name is complete. Reading trusts nothing: sizes, JSON, shapes, finiteness are checked, and
 * the error names file and fault.
 *
 * Threads: any.
 */
#ifndef TFT_TRAIN_MODEL_DIR_H
#define TFT_TRAIN_MODEL_DIR_H

#include "base/text.h"
#include "tft/config.h"
#include "tft/contract.h"
#include "tft/model.h"
#include "train/calibration.h"

#define TFT_MODEL_NAME 32 // bytes of "tft_model_20251101_090000" with its NUL

/* config.json in memory. */
typedef struct tft_model_card {
    tft_config network;
    tft_contract contract;
    tft_calibration calibration;
} tft_model_card;

typedef struct tft_training_info {
    int64_t trained_at_ms; // names the directory, too
    size_t epochs, steps;
    size_t unique_states;
    double data_hours; // from the first to the last step of the training data
    double final_train_loss, final_val_loss, final_hazard_loss;
    bool early_stopping, interrupted;
    uint64_t seed;
    size_t n_threads;
    double training_seconds;
    const char *commit, *command_line; // NULL = unknown
    const char *options;               // the options that shape the result, as text
} tft_training_info;

void tft_model_card_to_json(const tft_model_card *card, tft_text *text);
tft_status tft_model_card_from_json(const char *bytes, size_t n, tft_model_card *card, tft_error *err);

/* Writes a new directory below `folder` (made if missing), named after info->trained_at_ms, or the next free second.
 * Its path goes to path[capacity]. */
tft_status tft_model_dir_write(const char *folder, const tft_model_card *card, const tft_model *model,
                               const tft_training_info *info, const char *const *server_names, size_t n_servers,
                               char *path, size_t capacity, tft_error *err);

/* Reads and verifies a directory; the caller owns *model. */
tft_status tft_model_dir_read(const char *directory, tft_model_card *card, tft_model **model, tft_error *err);

/* TFT_ERR_MISMATCH names the first place where a network's inputs or outputs are not those that this build makes from
 * the contract (window.h): it could then not be fed. */
tft_status tft_model_card_check_features(const tft_model_card *card, tft_error *err);

/* Finds the newest complete and valid model below `folder`, by name. Each broken one on the way is given to `warn`
 * (which may be NULL) with its path and what is wrong. TFT_ERR_NOT_FOUND where there is none. */
typedef void (*tft_model_warning)(void *context, const char *path, const char *fault);
tft_status tft_model_dir_newest(const char *folder, tft_model_warning warn, void *context, char *path, size_t capacity,
                                tft_error *err);

/* Whether `name` has the form tft_model_YYYYMMDD_HHMMSS. */
bool tft_model_name_valid(const char *name);

#endif
