/* optimizer.h - from the workspaces' gradients to new weights, in parallel and always in the same order.
 *
 * All parameters lie in one padded block (model.h: tft_workspace_gradient), cut into chunks of at most 4096 floats that
 * never span two parameters:
 *
 *     | lstm.w ............................ pad | lstm.b .. pad | output.w ............. pad |
 *     | chunk 0 | chunk 1 | chunk 2 | chunk 3   | chunk 4       | chunk 5    | chunk 6       |
 *
 * A step is two rounds over the chunks: add the gradients of workspaces 0, 1, 2 … in that order and square them; then,
 * with the norm known, update. A chunk is one task, so who runs it does not matter.
 *
 * Memory:  m, v, ema, best: four blocks as large as the gradients', owned.
 * Threads: one caller; inside, its pool.
 */
#ifndef TFT_TRAIN_OPTIMIZER_H
#define TFT_TRAIN_OPTIMIZER_H

#include <stdbool.h>

#include "base/arena.h"
#include "tensor/pool.h"
#include "tft/model.h"
#include "train/adamw.h"

typedef struct tft_chunk {
    float *weights; // into the model
    size_t offset, n;
    bool decays;
} tft_chunk;

typedef struct tft_optimizer {
    tft_arena arena;
    size_t n, n_chunks; // floats of a block; chunks
    tft_chunk *chunks;
    double *squares;   // [n_chunks]
    float *m, *v;      // [n] Adam's moments
    float *ema, *best; // [n] averaged weights: now, and where validation was best
} tft_optimizer;

/* The average starts at the model's weights. `workspace` tells the layout. */
tft_status tft_optimizer_open(const tft_model *model, tft_workspace *workspace, tft_optimizer *optimizer,
                              tft_error *err);
void tft_optimizer_close(tft_optimizer *optimizer); // accepts a zeroed struct

/* Adds the gradients of all workspaces into the first one's; returns their Euclidean norm (not finite where one of
 * them is not). */
double tft_optimizer_reduce(tft_optimizer *optimizer, tft_pool *pool, tft_workspace *const *workspaces, size_t n);

/* Updates weights and average from the first workspace's gradients. The caller refreshes the model. */
void tft_optimizer_update(tft_optimizer *optimizer, tft_pool *pool, tft_workspace *first, const tft_adamw *adamw,
                          double ema_decay);

/* Copies a block into a model's parameters (and refreshes it), or a model's parameters into a block. */
void tft_optimizer_put(const float *block, tft_model *model, tft_workspace *layout);
void tft_optimizer_get(const tft_model *model, tft_workspace *layout, float *block);

#endif
