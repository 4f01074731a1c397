/* rows.h - a padded batch as packed rows: only valid steps are ever computed.
 *
 * Window b of a batch uses its first lengths[b] steps. All row-wise layers work on packed rows, window after window:
 *
 *     packed:  | window 0: steps 0 … L0−1 | window 1: steps 0 … L1−1 | ...       row = start[b] + t
 *
 * so padding costs nothing and cannot leak. The LSTM goes through time instead; it wants the rows of one step together,
 * longest window first, so that the windows still running are always the first ones (PyTorch's packed sequence):
 *
 *     in time: | t = 0: all windows | t = 1: those with L > 1 | ...               row = step[t] + rank
 *
 * Memory:  arrays of fixed size, carved when the workspace is opened. Threads: belongs to one workspace.
 */
#ifndef TFT_TFT_ROWS_H
#define TFT_TFT_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef struct tft_rows {
    size_t n_windows, n;    // B, and Σ lengths
    uint32_t longest;       // steps of the longest window
    const uint32_t *length; // [B], lent by the batch
    uint32_t *start;        // [B] first packed row of each window
    uint32_t *window_of;    // [N] window of each packed row
    uint32_t *order;        // [B] windows, longest first; equal ones in batch order
    uint32_t *step;         // [longest + 1] first row in time of each step; [longest] = N
    uint32_t *packed_row;   // [N] packed row of each row in time
} tft_rows;

void tft_rows_layout(tft_arena *arena, tft_rows *rows, size_t max_windows, size_t max_steps);
/* lengths are 1 … max_steps. */
void tft_rows_set(tft_rows *rows, size_t n_windows, const uint32_t *length);

/* Windows that run at step t: they are the first ones of `order`. */
static inline size_t tft_rows_live(const tft_rows *rows, size_t t)
{
    return rows->step[t + 1] - rows->step[t];
}

/* Between a padded array [B, steps, d] and packed rows [N, d]. Unpacking leaves padding as it is. */
void tft_rows_pack(const tft_rows *rows, const float *padded, size_t steps, size_t d, float *packed);
void tft_rows_unpack(const tft_rows *rows, const float *packed, size_t steps, size_t d, float *padded);

/* Between packed rows and rows in time, [N, d]. */
void tft_rows_to_time(const tft_rows *rows, const float *packed, size_t d, float *in_time);
void tft_rows_from_time(const tft_rows *rows, const float *in_time, size_t d, float *packed);

#endif
