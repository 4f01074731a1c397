/* history.h - one server's steps in the daemon's memory: the newest as they come in, the older ones packed.
 *
 *     first_step                                                              last_step
 *     | block | block | NULL (gap) | block | ……………………………… | block |  newest   |
 *       packed: step_block.h, 64 steps each                           a tft_series
 *                          late: one older block, unpacked again while records come for it
 *
 * It means the same as a tft_series of max_steps (tft/series.h says how records become steps), but for the rounding of
 * means that step_block.h states, and it takes a fifth of the memory: 8 days of four metrics in about 12 kB. Nobody walks
 * over it: history_copy() writes any part into a series of the caller's.
 *
 * Memory:  owns its blocks, which lie in a pool that it shares with others (lent until history_free()); grows with the history, at most history_most_bytes(). Threads: one writer or many readers.
 */
#ifndef TFTD_FORECAST_HISTORY_H
#define TFTD_FORECAST_HISTORY_H

#include "forecast/block_pool.h"
#include "series/step_block.h"

typedef struct history {
    size_t n_metrics, max_steps;
    block_pool *pool;
    tft_profile profile;
    bool labelled;                 // as in tft_series
    int64_t first_step, last_step; // covered; meaningless while empty
    bool any;                      // false: empty
    tft_series newest;             // of the block of last_step
    tft_series late;               // of block late_block, where n_steps > 0
    int64_t late_block;
    int64_t first_block; // number of blocks[0]
    size_t n_blocks, capacity;
    unsigned char **blocks; // [n_blocks] NULL: no records, or unpacked
    size_t packed_bytes;    // in blocks
} history;

void history_init(history *h, size_t n_metrics, size_t max_steps, block_pool *pool); // max_steps at least 1
void history_free(history *h);                                                       // accepts a zeroed struct

/* As tft_series_add(), _fill() and _set(). TFT_ERR_MEMORY leaves what was there. */
tft_status history_add(history *h, int64_t step, const double *values, tft_state state, tft_error *err);
tft_status history_fill(history *h, int64_t step, const double *values, tft_state state, tft_error *err);
tft_status history_set(history *h, int64_t step, const float *means, const uint16_t *value_counts, uint16_t count,
                       tft_state state, tft_error *err);

/* A whole block that was packed elsewhere of the same steps, newer than all that is there: as history_set() of each of them, but that
 * the means are rounded already. `steps` is what the bytes unpack to. max_steps must be at least TFT_STEP_BLOCK. */
tft_status history_set_block(history *h, int64_t block, const unsigned char *packed, size_t n,
                             const tft_step_block *steps, tft_error *err);

/* Steps that it covers. */
static inline size_t history_steps(const history *h)
{
    return h->any ? (size_t)(h->last_step - h->first_step) + 1 : 0;
}

/* Writes what is covered of the steps from … to (both included) into the arrays of `to`, which hold to->capacity steps of
 * n_metrics; where the part is longer, its newest steps. Whole copies have the series' other fields too. Cannot fail. */
void history_copy(const history *h, int64_t from, int64_t to_step, tft_series *to);

size_t history_bytes(const history *h); // what it takes now
size_t history_most_bytes(size_t n_metrics, size_t max_steps);

#endif
