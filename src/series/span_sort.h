/* span_sort.h - eight columns of floats sorted side by side.
 *
 * Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M): which places are compared does not
 * depend on what stands there, so a row of eight columns goes through it as one vector, as minima and maxima. About a thousand
 * exchanges for 96 rows: a quarter of the time of eight sorts one after the other.
 *
 * Where the compiler can make one function for several processors, rows are whole AVX2 registers on those that have them. Minima and
 * maxima do not round: every processor sorts the same bits.
 *
 * Shapes:  x [n, TFT_SORT_COLUMNS], no NaN. Memory: none. Threads: any.
 */
#ifndef TFT_SERIES_SPAN_SORT_H
#define TFT_SERIES_SPAN_SORT_H

#include <stddef.h>

#define TFT_SORT_COLUMNS 8

/* Sorts each column, its smallest in row 0. Cannot fail. */
void tft_span_sort(float (*x)[TFT_SORT_COLUMNS], size_t n);

#endif
