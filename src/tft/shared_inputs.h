/* shared_inputs.h - the columns that are the same in every window of a batch.
 *
 * A fleet is forecast at one instant: at a step the calendar, and how far into the horizon it is, are the same number for every server.
 * What the network of such an input says (curves.h) is then made once a step, not once a window and step; only the selection's
 * weights differ. Which columns those are is seen in the numbers themselves, not asked of names: windows are laid side by side at
 * their last steps, which is where encoders of different lengths meet, and a column is shared where all agree with the longest.
 *
 * A number made once is the very one that would be made each time (tft_curve_values), and it is added in the same place, so a forecast
 * does not depend on who is in the batch. A batch of one has nothing to share.
 *
 * Shapes:  values [TFT_SHARED_MOST, steps, H].
 * Memory:  the workspace's arena. Threads: one workspace, one thread.
 */
#ifndef TFT_TFT_SHARED_INPUTS_H
#define TFT_TFT_SHARED_INPUTS_H

#include "tensor/tensor.h"
#include "tft/rows.h"

#define TFT_SHARED_MOST 16 // columns; more go the usual way

typedef struct tft_shared_inputs {
    size_t n;             // columns that are shared now
    uint32_t *step;       // [N] which step of the longest window a row is at
    const float **values; // [reals] of a shared column its values [steps, H], else NULL
    float *made;          // [TFT_SHARED_MOST, steps, H]
} tft_shared_inputs;

/* Takes memory for up to max_windows · max_steps rows of n_reals columns. */
void tft_shared_inputs_layout(tft_arena *arena, size_t n_reals, size_t hidden, size_t max_windows, size_t max_steps,
                              tft_shared_inputs *shared);

/* Looks through the packed rows `reals` [N, n_reals] of a batch, whose curves are `curves`. */
void tft_shared_inputs_find(const tft_curves *curves, const tft_rows *rows, const float *reals, size_t n_reals,
                            tft_shared_inputs *shared);

#endif
