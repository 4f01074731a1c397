/* lend.h - a forecaster of a model that is in memory and not yet on disk: calibration runs one before the model is written.
 *
 * Threads: as tft/forecaster.h.
 */
#ifndef TFT_TRAIN_LEND_H
#define TFT_TRAIN_LEND_H

#include "tft/forecaster.h"
#include "train/model_dir.h"

/* The card is copied, the model is lent until tft_forecaster_close(). Its name is "model". */
tft_status tft_forecaster_lend(const tft_model_card *card, tft_model *model, size_t n_threads,
                               tft_forecaster **forecaster, tft_error *err);

#endif
