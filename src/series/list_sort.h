/* list_sort.h - one long list of floats sorted, and its order statistics.
 *
 * The list goes into eight columns, which are sorted side by side (sort_rows.h); three more folds, across the columns, merge
 * them into one. A week of 2,016 values takes some 50,000 instructions with AVX2 and no branch that could be foreseen wrongly; three passes of
 * a radix sort took 140,000. Sorted, value p stands in row p mod rows of the column whose number is p ÷ rows with its three bits in reverse:
 *
 *     column   0     4     2     6     1     5     3     7
 *     holds    1st   2nd   3rd   4th   5th   6th   7th   8th eighth
 *
 * Values are kept as keys in the order of sort_rows.h: −0 before 0; what is missing (NaN) is not counted.
 *
 * Memory:  the caller's arena. Threads: a list belongs to one.
 */
#ifndef TFT_SERIES_LIST_SORT_H
#define TFT_SERIES_LIST_SORT_H

#include <stdint.h>

#include "base/arena.h"
#include "series/span_sort.h"

typedef struct tft_list {
    int32_t (*keys)[TFT_SORT_COLUMNS]; // [rows], of those that there is room for
    size_t rows;                       // in use: a power of two, at least TFT_SORT_BLOCK
    size_t n;                          // known values
} tft_list;

/* Room for lists of up to `most` values. */
void tft_list_layout(tft_list *list, size_t most, tft_arena *arena);
/* Takes the known ones of n values, as many as there is room for, and sorts them. Cannot fail. */
void tft_list_sort(tft_list *list, const float *values, size_t n);
/* The p-th smallest, p = 0 … n − 1. */
float tft_list_at(const tft_list *list, size_t p);
/* Quantile q of n ≥ 1 values, type 7. */
float tft_list_quantile(const tft_list *list, float q);

#endif
