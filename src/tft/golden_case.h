/* golden_case.h - a reference case as pytorch-forecasting wrote it: network, weights and one batch of inputs.
 *
 * A case is a folder as tests/golden/README.md describes. Whoever compares (golden.c) or measures (bench/peers) starts here.
 *
 * Memory:  the case owns everything; `batch` and `truth` point into it. Threads: read-only after opening.
 */
#ifndef TFT_TFT_GOLDEN_CASE_H
#define TFT_TFT_GOLDEN_CASE_H

#include "tft/model.h"
#include "tft/safetensors.h"

typedef struct tft_golden_case {
    const char *folder; // lent
    tft_config config;
    tft_model *model;
    tft_safetensors input;
    size_t b, e, t, q, m; // windows, encoder and decoder steps, outputs, targets
    uint32_t *encoder_lengths, *decoder_lengths;
    float *statics, *encoder_reals, *decoder_reals, *scale, *target, *target_scaled;
    int32_t *static_codes, *encoder_codes, *decoder_codes;
    tft_batch batch;
    tft_truth truth;
} tft_golden_case;

/* Reads config.json, model.safetensors and input.safetensors. Close it whatever this returns. */
tft_status tft_golden_case_open(const char *folder, tft_golden_case *golden, tft_error *err);
void tft_golden_case_close(tft_golden_case *golden); // accepts a zeroed struct

/* Opens <folder>/<name>.safetensors. */
tft_status tft_golden_file(const char *folder, const char *name, tft_safetensors *file, tft_error *err);
/* The tensor called `name`, which must have n elements; `what` is named in errors. */
tft_status tft_golden_need(const tft_safetensors *file, const char *what, const char *name, size_t n,
                           const tft_tensor_view **view, tft_error *err);

#endif
