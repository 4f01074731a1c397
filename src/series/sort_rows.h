/* sort_rows.h - eight numbers a row, sorted column by column as whole vectors: what span_sort.c and list_sort.c are made of.
 *
 * Rows are exchanged in blocks of eight that fit in the registers: a block is read once, goes through all the exchanges that lie within
 * it, and is written once. Which rows are compared does not depend on what stands there (sorting networks: Batcher 1968; the block's
 * is the nineteen exchanges of Knuth 3, 5.3.4), so there are no branches to foresee.
 *
 * Runs are merged by folding: the second run is compared from its end backwards, what is smaller goes to the first half, and each half then
 * is bitonic and settles in strides that halve. All exchanges put the smaller number first, so a run may end anywhere: what is missing
 * behind it is as good as the largest number, and needs no exchange.
 *
 * Numbers are compared as keys: the bits of a float as a signed number in the same order, −0 before 0, NaN (MISSING) behind all.
 */
#ifndef TFT_SERIES_SORT_ROWS_H
#define TFT_SERIES_SORT_ROWS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "series/span_sort.h"

#define TFT_KEY_MISSING INT32_MAX
#define TFT_INLINE static inline __attribute__((always_inline))

/* Memory is seen as rows of eight ints; a local one is one register, or two. Rows go by pointer: there is no calling convention for
 * vectors that every processor has. */
typedef int32_t tft_row __attribute__((vector_size(TFT_SORT_COLUMNS * sizeof(int32_t))));
typedef float tft_float_row __attribute__((vector_size(TFT_SORT_COLUMNS * sizeof(float))));
typedef int32_t tft_key_row[TFT_SORT_COLUMNS];

TFT_INLINE float tft_key_value(int32_t key)
{
    const int32_t bits = key ^ (key >> 31 & INT32_MAX);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Eight floats to keys, and back; in place too. Only NaN is not ≤ ∞. */
TFT_INLINE void tft_row_to_keys(const void *values, void *keys)
{
    tft_row bits;
    tft_float_row v;
    memcpy(&bits, values, sizeof bits);
    memcpy(&v, values, sizeof v);
    const tft_row known = v <= INFINITY, key = bits ^ (bits >> 31 & TFT_KEY_MISSING);
    const tft_row out = (key & known) | (TFT_KEY_MISSING & ~known);
    memcpy(keys, &out, sizeof out);
}

TFT_INLINE void tft_row_to_values(const void *keys, void *values)
{
    tft_row key;
    memcpy(&key, keys, sizeof key);
    const tft_row bits = key ^ (key >> 31 & TFT_KEY_MISSING);
    memcpy(values, &bits, sizeof bits);
}

/* The smaller of two keys first, in every column. As loops over the columns: that is what compilers make minima and maxima of. */
TFT_INLINE void tft_rows_exchange(tft_row *a, tft_row *b)
{
    tft_key_row x, y, low, high;
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    for (size_t c = 0; c < TFT_SORT_COLUMNS; c++) {
        low[c] = x[c] < y[c] ? x[c] : y[c];
        high[c] = x[c] < y[c] ? y[c] : x[c];
    }
    memcpy(a, low, sizeof low);
    memcpy(b, high, sizeof high);
}

TFT_INLINE void tft_block_load(tft_row *rows, tft_key_row *x)
{
#pragma GCC unroll 8
    for (size_t i = 0; i < TFT_SORT_BLOCK; i++)
        memcpy(&rows[i], x[i], sizeof rows[i]);
}

TFT_INLINE void tft_block_store(const tft_row *rows, tft_key_row *x)
{
#pragma GCC unroll 8
    for (size_t i = 0; i < TFT_SORT_BLOCK; i++)
        memcpy(x[i], &rows[i], sizeof rows[i]);
}

TFT_INLINE void tft_block_sort(tft_row *r)
{
    static const uint8_t pairs[][2] = {{0, 2}, {1, 3}, {4, 6}, {5, 7}, {0, 4}, {1, 5}, {2, 6}, {3, 7}, {0, 1}, {2, 3},
                                       {4, 5}, {6, 7}, {2, 4}, {3, 5}, {1, 4}, {3, 6}, {1, 2}, {3, 4}, {5, 6}};
#pragma GCC unroll 19
    for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++)
        tft_rows_exchange(&r[pairs[k][0]], &r[pairs[k][1]]);
}

/* The end of a merge: strides 4, 2 and 1. */
TFT_INLINE void tft_block_settle(tft_row *r)
{
    static const uint8_t pairs[][2] = {{0, 4}, {1, 5}, {2, 6}, {3, 7}, {0, 2}, {1, 3},
                                       {4, 6}, {5, 7}, {0, 1}, {2, 3}, {4, 5}, {6, 7}};
#pragma GCC unroll 12
    for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++)
        tft_rows_exchange(&r[pairs[k][0]], &r[pairs[k][1]]);
}

/* Two blocks become one sorted run of sixteen rows, without leaving the registers. */
TFT_INLINE void tft_blocks_sort_two(tft_key_row *x)
{
    tft_row r[2 * TFT_SORT_BLOCK];
    tft_block_load(r, x);
    tft_block_load(r + TFT_SORT_BLOCK, x + TFT_SORT_BLOCK);
    tft_block_sort(r);
    tft_block_sort(r + TFT_SORT_BLOCK);
#pragma GCC unroll 8
    for (size_t i = 0; i < TFT_SORT_BLOCK; i++)
        tft_rows_exchange(&r[i], &r[2 * TFT_SORT_BLOCK - 1 - i]);
    tft_block_settle(r);
    tft_block_settle(r + TFT_SORT_BLOCK);
    tft_block_store(r, x);
    tft_block_store(r + TFT_SORT_BLOCK, x + TFT_SORT_BLOCK);
}

/* The rows of one block with those of another, from its first to its last, or (`folded`) from its last to its first. */
TFT_INLINE void tft_blocks_exchange(tft_key_row *a, tft_key_row *b, int folded)
{
#pragma GCC unroll 8
    for (size_t i = 0; i < TFT_SORT_BLOCK; i++) {
        tft_row low, high;
        tft_key_row *const other = b + (folded ? TFT_SORT_BLOCK - 1 - i : i);
        memcpy(&low, a + i, sizeof low);
        memcpy(&high, other, sizeof high);
        tft_rows_exchange(&low, &high);
        memcpy(a + i, &low, sizeof low);
        memcpy(other, &high, sizeof high);
    }
}

/* Four blocks with strides of two and of one of them: each row is read once for both. */
TFT_INLINE void tft_blocks_exchange_four(tft_key_row *x, size_t apart)
{
    tft_key_row *const b = x + apart, *const c = b + apart, *const d = c + apart;
#pragma GCC unroll 2
    for (size_t i = 0; i < TFT_SORT_BLOCK; i++) {
        tft_row r[4];
        memcpy(&r[0], x + i, sizeof r[0]);
        memcpy(&r[1], b + i, sizeof r[1]);
        memcpy(&r[2], c + i, sizeof r[2]);
        memcpy(&r[3], d + i, sizeof r[3]);
        tft_rows_exchange(&r[0], &r[2]);
        tft_rows_exchange(&r[1], &r[3]);
        tft_rows_exchange(&r[0], &r[1]);
        tft_rows_exchange(&r[2], &r[3]);
        memcpy(x + i, &r[0], sizeof r[0]);
        memcpy(b + i, &r[1], sizeof r[1]);
        memcpy(c + i, &r[2], sizeof r[2]);
        memcpy(d + i, &r[3], sizeof r[3]);
    }
}

/* One stride of blocks, in groups of twice as many. */
TFT_INLINE void tft_blocks_stride(tft_key_row *x, size_t first, size_t end, size_t stride)
{
    for (; first + stride < end; first += 2 * stride) {
        for (size_t k = first; k < first + stride && k + stride < end; k++)
            tft_blocks_exchange(x + k * TFT_SORT_BLOCK, x + (k + stride) * TFT_SORT_BLOCK, 0);
    }
}

/* Blocks from `first` to `end` that are bitonic together settle, beginning with a stride of `stride` blocks. */
TFT_INLINE void tft_blocks_settle(tft_key_row *x, size_t first, size_t end, size_t stride)
{
    for (; stride > 1; stride /= 4) {
        size_t group = first; // of which all four parts are there
        for (; group + 2 * stride <= end; group += 2 * stride) {
            for (size_t k = group; k < group + stride / 2; k++)
                tft_blocks_exchange_four(x + k * TFT_SORT_BLOCK, stride / 2 * TFT_SORT_BLOCK);
        }
        tft_blocks_stride(x, group, end, stride);
        tft_blocks_stride(x, group, end, stride / 2);
    }
    if (stride == 1)
        tft_blocks_stride(x, first, end, 1);
    for (size_t k = first; k < end; k++) {
        tft_row r[TFT_SORT_BLOCK];
        tft_block_load(r, x + k * TFT_SORT_BLOCK);
        tft_block_settle(r);
        tft_block_store(r, x + k * TFT_SORT_BLOCK);
    }
}

/* Sorts every column of n_blocks blocks. */
TFT_INLINE void tft_blocks_sort(tft_key_row *x, size_t n_blocks)
{
    for (size_t k = 0; k + 1 < n_blocks; k += 2)
        tft_blocks_sort_two(x + k * TFT_SORT_BLOCK);
    if (n_blocks % 2 != 0) {
        tft_row r[TFT_SORT_BLOCK];
        tft_block_load(r, x + (n_blocks - 1) * TFT_SORT_BLOCK);
        tft_block_sort(r);
        tft_block_store(r, x + (n_blocks - 1) * TFT_SORT_BLOCK);
    }
    for (size_t half = 2; half < n_blocks; half *= 2) {
        for (size_t first = 0; first + half < n_blocks; first += 2 * half) {
            const size_t whole = first + 2 * half, end = whole < n_blocks ? whole : n_blocks;
            for (size_t k = whole - end; k < half; k++)
                tft_blocks_exchange(x + (first + k) * TFT_SORT_BLOCK, x + (whole - 1 - k) * TFT_SORT_BLOCK, 1);
            tft_blocks_settle(x, first, end, half / 2);
        }
    }
}

#endif
