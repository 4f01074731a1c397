/* golden.h - runs a reference case and compares: does this network compute what pytorch-forecasting computes?
 *
 * A case is a folder as tests/golden/README.md describes: config.json, model.safetensors, input, output, grad and
 * grad_raw. Outputs come from an evaluation pass (raw also from one as a forecast makes it: curves.h, no tape), losses and gradients from a training pass without dropout. Only valid
 * positions are compared. Also reads cases whose gradients are shortened to "<name>|norm" and "<name>|head".
 *
 * Allowed differences, unless the caller gives others (section 2 of that README):
 *     raw, attention, selection weights, losses   1e-5 · max(1, largest |reference|)
 *     prediction                                  1e-5 · the target's largest scale + a float's rounding (1.2e-7) of the value
 *     gradients                                   1e-4 · max(largest |reference| of the tensor, 1e-3 · of the whole model)
 * With given ones: atol + rtol · largest |reference| of the tensor; for gradients "largest" has the same floor.
 *
 * Memory:  the report owns its lines. Threads: opens a pool of its own; windows are cut into one shard per thread.
 */
#ifndef TFT_TFT_GOLDEN_H
#define TFT_TFT_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>

#include "tft/error.h"

typedef struct tft_golden_options {
    bool given; // atol and rtol replace the defaults
    double atol, rtol;
    bool doubles;     // compare with output_f64 and grad_f64: for a double-precision build
    size_t n_threads; // 0 is 1
    bool bf16;        // the outputs of evaluation alone, made in bfloat16: how far off that is, for it is outside
} tft_golden_options;

typedef struct tft_golden_line {
    char name[224];
    double max_abs, max_rel, allowed; // max_rel: max_abs ÷ largest |reference|, 0 where that is 0
    bool ok;
} tft_golden_line;

typedef struct tft_golden_report {
    tft_golden_line *lines;
    size_t n, n_failed;
} tft_golden_report;

/* TFT_OK also where lines failed: the report says so. Errors are missing or unreadable files. */
tft_status tft_golden_check(const char *folder, const tft_golden_options *options, tft_golden_report *report,
                            tft_error *err);
void tft_golden_report_free(tft_golden_report *report); // accepts a zeroed struct

#endif
