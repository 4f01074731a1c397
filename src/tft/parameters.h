/* parameters.h - the table of a network's weights: name, shape, first value and place of each stand once.
 *
 * Layers are declared by "define" functions (tft_grn_define …) that add their tensors to a builder and keep the
 * pointers. The same functions run three times: counting (no memory), for the weights, and for a workspace's
 * gradients, which so have the same fields at the same offsets. Initialising, loading, saving, optimising and
 * gradient-checking walk the table; nothing else knows a tensor's name.
 *
 *     values: | tensor 0 ... |pad to 16| tensor 1 ... |pad| ...        one block of floats, table order
 *
 * Names are pytorch-forecasting's state_dict keys. Tensors of ours: mixture_layer.*, hazard_layer.*.
 * Memory:  entries and block belong to the model (or workspace). Threads: a builder belongs to one thread.
 */
#ifndef TFT_TFT_PARAMETERS_H
#define TFT_TFT_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "tft/error.h"

#define TFT_PARAMETER_NAME                                                                                             \
    168 // "encoder_variable_selection.single_variable_grns.<63>.gate_norm.add_norm.norm.weight" fits

/* How a tensor starts (section 3.11 of tests/golden/README.md); `amount` is the constant, bound or standard deviation. */
typedef enum tft_initial { TFT_INITIAL_CONSTANT, TFT_INITIAL_UNIFORM, TFT_INITIAL_NORMAL } tft_initial;

typedef struct tft_parameter_entry {
    char name[TFT_PARAMETER_NAME];
    size_t n_dims, dims[3], n;
    size_t offset; // floats from the block's start
    bool no_decay;
    tft_initial initial;
    double amount;
} tft_parameter_entry;

typedef struct tft_builder {
    tft_arena *arena;             // for arrays that layers need beside weights; counting or real
    tft_parameter_entry *entries; // NULL: names are not wanted (counting, gradients)
    float *base;                  // NULL while counting
    size_t n, floats;             // entries and floats so far
    bool derived;                 // layers take memory for what they derive from weights (a model; not gradients)
} tft_builder;

/* A tensor [rows, cols], or a vector [rows] with cols 0. NULL while counting. */
float *tft_builder_add(tft_builder *builder, tft_initial initial, double amount, bool no_decay, size_t rows,
                       size_t cols, const char *format, ...) TFT_PRINTF(7, 8);

/* The usual pairs: a linear layer's weight [out, in] and bias [out] as "<name>.weight", "<name>.bias" … */
void tft_builder_linear(tft_builder *builder, const char *name, size_t in, size_t out, tft_initial initial,
                        double amount, double bias_bound, float **w, float **b); // b NULL: a layer without bias
void tft_builder_norm(tft_builder *builder, const char *name, size_t d, float **w, float **b); // 1 and 0

double tft_xavier_bound(size_t in, size_t out); // √(6 / (in + out)): Glorot, Bengio 2010, eq. 16
double tft_he_std(size_t in);                   // √(2 / in): He et al. 2015, eq. 10

#endif
