/* source_model.h - a trained model as the forecaster under test (score_source of evaluate.h).
 *
 * Memory:  owns a buffer for one batch of the model's own quantiles, grown to the largest batch; borrows forecaster and
 *          dataset until close. Threads: one call at a time; the model uses its own.
 */
#ifndef TFTD_SCORE_SOURCE_MODEL_H
#define TFTD_SCORE_SOURCE_MODEL_H

#include "score/evaluate.h"
#include "tft/forecaster.h"

typedef struct score_model score_model;

/* The dataset must have been read with the model's contract. */
tft_status score_model_open(tft_forecaster *forecaster, const tft_dataset *dataset, score_model **model,
                            tft_error *err);
void score_model_close(score_model *model); // accepts NULL
/* From now on every server is only so many steps old (0 = as it is); the evaluation must be told the same. */
void score_model_set_history(score_model *model, size_t history);
score_source score_model_source(score_model *model);

#endif
