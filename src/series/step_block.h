/* step_block.h - up to 64 steps of a server, small: what a history keeps of steps that are over, and the store for a restart.
 *
 * As floats and counts a step of four metrics takes 27 bytes; packed it takes about five. Counts and states are kept as
 * they are. A mean is rounded to a grid that is fine beside what the metric does within the block:
 *
 *     grid   2^e, the power of two with  64 ≤ (spread of the middle half of the block's values) / 2^e < 128
 *            a mean is therefore kept within a 128th of that spread, a fraction of a per cent of its own noise;
 *            where the middle half is one number, and in a block of fewer than 16 values, the grid is as fine as a float of
 *            that size (or, where that number is 0, a 65,536th of the largest value)
 *     k      rint(value / 2^e); most of them lie in a window of 2^width numbers from `base` on, of a width that makes the
 *            whole smallest; those that do not are kept as floats, exactly. So one spike costs five bytes, not the grid.
 *
 *     block  u6 first step, u6 steps − 1 | column of records | u1 all one state, u4 each or once
 *            per metric: u1 its counts are the records', else a column | i16 e, i32 base, u5 width, u7 n
 *                        | n × (u6 place, binary32) | u(width) per value that is there
 *     column u16 least, u5 width, u(width) each
 *
 * A step without a value has count 0 and is NaN again. A block that is unpacked for a late record is rounded once more when
 * it is packed again; where its spread stays between the same powers of two, that changes nothing.
 *
 * Unpacking takes any bytes: they may come from a disk.
 *
 * Memory:  the caller's. Threads: pure functions.
 */
#ifndef TFTD_SERIES_STEP_BLOCK_H
#define TFTD_SERIES_STEP_BLOCK_H

#include <stdbool.h>

#include "base/bits.h"
#include "tft/series.h"

#define TFT_STEP_BLOCK 64               // steps; a block begins at a multiple of it
#define TFT_STEP_BLOCK_PARTS 128        // of the middle half's spread: a mean is at most one of them off
#define TFT_STEP_BLOCK_MOST (32 * 1024) // bytes, with TFT_MAX_METRICS metrics

/* Number of the block that a step lies in. */
static inline int64_t tft_step_block_of(int64_t step)
{
    return step >= 0 ? step / TFT_STEP_BLOCK : -((-step + TFT_STEP_BLOCK - 1) / TFT_STEP_BLOCK);
}

#define TFT_STEP_BLOCK_FORMAT 1 // changes with the bytes: whoever keeps blocks on disk keeps this beside them

/* Bytes that packing takes at most. Whoever unpacks needs TFT_BITS_SLACK (base/bits.h) readable bytes behind them. */
size_t tft_step_block_most(size_t n_metrics);
/* Packs a series that covers steps of one block only, at least one; returns the bytes written. */
size_t tft_step_block_pack(const tft_series *series, unsigned char *out);

/* Steps of an unpacked block. */
typedef struct tft_step_block {
    size_t first, n;        // covered: first … first + n − 1 of the 64
    float *values;          // [64, n_metrics]; rows outside the covered are not touched
    uint16_t *value_counts; // [64, n_metrics]
    uint16_t *counts;       // [64]
    uint8_t *states;        // [64]
} tft_step_block;

/* Unpacks n bytes into the arrays of `block`, at their places among the 64. False where they are not a block of so many metrics:
 * too short, too long, a count or a state beyond what there is; the arrays then hold anything. */
bool tft_step_block_unpack(const unsigned char *packed, size_t n, size_t n_metrics, tft_step_block *block);

#endif
