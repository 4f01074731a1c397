/* model_internal.h - what a tft_model is inside; for this room only (model.c, weights.c, workspace.c, pass.c). */
#ifndef TFT_TFT_MODEL_INTERNAL_H
#define TFT_TFT_MODEL_INTERNAL_H

#include "base/arena.h"
#include "tensor/tensor.h"
#include "tft/curves.h"
#include "tft/fold.h"
#include "tft/model.h"
#include "tft/network.h"

struct tft_model {
    tft_config config;
    tft_arena arena;
    tft_network network;
    tft_parameter_entry *entries;                        // [n_entries]
    size_t n_entries, n_floats;                          // floats of the block, padding included
    float *values;                                       // [n_floats]
    tft_arena fold_arena;                                // laid out after the network, whose sizes it needs
    tft_fold statics, encoder, decoder;                  // derived from the values by tft_model_refresh()
    tft_selection_curves encoder_curves, decoder_curves; // empty until tft_model_tabulate()
    tft_isa packed_for;                                  // the kernels that can read the packed weights
    tft_precision precision;                             // of the products in evaluation
    struct tft_judge *judge;                             // owned; NULL = none
    bool plain;                                          // for tests: workspaces opened from now on work without folds
};

#endif
