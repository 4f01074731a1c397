/* list_sort.c - see list_sort.h. */
#include "series/list_sort.h"

#include <assert.h>
#include <math.h>

#include "series/lanes.h"
#include "series/per_processor.h"
#include "series/sort_rows.h"

static size_t rows_of(size_t n)
{
    size_t rows = TFT_SORT_BLOCK;
    while (rows * TFT_SORT_COLUMNS < n)
        rows *= 2;
    return rows;
}

void tft_list_layout(tft_list *list, size_t most, tft_arena *arena)
{
    list->keys = tft_arena_alloc(arena, rows_of(most), sizeof *list->keys);
    list->rows = list->n = 0;
}

/* Lane l gets lane l xor `mask`. */
TFT_INLINE void turn(tft_row *v, int mask)
{
    *v = mask == 2   ? LANES(*v, *v, 2, 3, 0, 1, 6, 7, 4, 5)
         : mask == 4 ? LANES(*v, *v, 4, 5, 6, 7, 0, 1, 2, 3)
         : mask == 6 ? LANES(*v, *v, 6, 7, 4, 5, 2, 3, 0, 1)
                     : LANES(*v, *v, 7, 6, 5, 4, 3, 2, 1, 0);
}

/* The lanes with `bit` in their number come from `set`, the others from `clear`. */
TFT_INLINE void pick(const tft_row *clear, const tft_row *set, int bit, tft_row *out)
{
    *out = bit == 1   ? LANES(*clear, *set, 0, 9, 2, 11, 4, 13, 6, 15)
           : bit == 2 ? LANES(*clear, *set, 0, 1, 10, 11, 4, 5, 14, 15)
                      : LANES(*clear, *set, 0, 1, 2, 3, 12, 13, 14, 15);
}

/* tft_rows_exchange() for rows whose lanes have just been moved: there, compilers make vectors of a comparison, and not of the loop. */
TFT_INLINE void exchange(tft_row *a, tft_row *b)
{
    const tft_row x = *a, y = *b, less = x < y;
    *a = (x & less) | (y & ~less);
    *b = (y & less) | (x & ~less);
}

/* Lanes that differ in `bit` alone: the smaller key where it is clear. */
TFT_INLINE void settle_lanes(tft_row *v, int bit)
{
    tft_row other = *v;
    turn(&other, bit);
    exchange(v, &other);
    pick(v, &other, bit, v);
}

/* Columns without `bit` in their number (and, where they already are one list, with the higher bits) are merged with those that have it: the
 * second list is compared from its end backwards, last row first and last column first. */
TFT_INLINE void fold(tft_key_row *x, size_t rows, int bit)
{
    const int all = bit == 4 ? 4 : bit == 2 ? 6 : 7;
    for (size_t i = 0; i < rows / 2; i++) {
        tft_row low, high, near, far;
        memcpy(&low, x[i], sizeof low);
        memcpy(&high, x[rows - 1 - i], sizeof high);
        turn(&high, all);
        exchange(&low, &high);
        pick(&low, &high, bit, &near);
        pick(&high, &low, bit, &far);
        turn(&far, all);
        if (bit == 1) {
            settle_lanes(&near, 2);
            settle_lanes(&far, 2);
        }
        if (bit != 4) {
            settle_lanes(&near, 4);
            settle_lanes(&far, 4);
        }
        memcpy(x[i], &near, sizeof near);
        memcpy(x[rows - 1 - i], &far, sizeof far);
    }
    tft_blocks_settle(x, 0, rows / TFT_SORT_BLOCK, rows / TFT_SORT_BLOCK / 2);
}

/* Copies values as keys and counts those that are known; all rows are filled. */
TFT_INLINE size_t take(tft_key_row *x, size_t rows, const float *values, size_t n)
{
    float rest[TFT_SORT_COLUMNS];
    tft_row missing = {0};
    for (size_t r = 0; r < rows; r++, values += TFT_SORT_COLUMNS) {
        const size_t left = n > r * TFT_SORT_COLUMNS ? n - r * TFT_SORT_COLUMNS : 0;
        for (size_t c = 0; left < TFT_SORT_COLUMNS && c < TFT_SORT_COLUMNS; c++)
            rest[c] = c < left ? values[c] : NAN;
        tft_row_to_keys(left < TFT_SORT_COLUMNS ? rest : values, x[r]);
        tft_row keys;
        memcpy(&keys, x[r], sizeof keys);
        missing -= keys == TFT_KEY_MISSING;
    }
    size_t known = rows * TFT_SORT_COLUMNS;
    for (size_t c = 0; c < TFT_SORT_COLUMNS; c++)
        known -= (size_t)missing[c];
    return known;
}

TFT_PER_PROCESSOR void tft_list_sort(tft_list *list, const float *values, size_t n)
{
    list->rows = rows_of(n);
    list->n = take(list->keys, list->rows, values, n);
    tft_blocks_sort(list->keys, list->rows / TFT_SORT_BLOCK);
    fold(list->keys, list->rows, 4);
    fold(list->keys, list->rows, 2);
    fold(list->keys, list->rows, 1);
}

float tft_list_at(const tft_list *list, size_t p)
{
    static const uint8_t column_of_eighth[TFT_SORT_COLUMNS] = {0, 4, 2, 6, 1, 5, 3, 7};
    assert(p < list->n);
    return tft_key_value(list->keys[p % list->rows][column_of_eighth[p / list->rows]]);
}

float tft_list_quantile(const tft_list *list, float q)
{
    const double at = (double)q * (double)(list->n - 1);
    const size_t low = (size_t)at;
    if (low + 1 >= list->n)
        return tft_list_at(list, list->n - 1);
    const double part = at - (double)low;
    return (float)((1.0 - part) * (double)tft_list_at(list, low) + part * (double)tft_list_at(list, low + 1));
}
