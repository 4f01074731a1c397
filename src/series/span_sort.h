/* span_sort.h - eight columns of floats sorted side by side.
 *
 * A row of eight columns goes through a sorting network as one vector, as minima and maxima (sort_rows.h): 96 rows take some 5,000
 * instructions with AVX2, a fifth of what one exchange after the other through memory takes.
 *
 * Where the compiler can make one function for several processors, rows are whole AVX2 registers on those that have them. Minima and
 * maxima do not round: every processor sorts the same bits.
 *
 * Shapes:  x [n, TFT_SORT_COLUMNS], NaN = missing. Memory: none. Threads: any.
 */
#ifndef TFT_SERIES_SPAN_SORT_H
#define TFT_SERIES_SPAN_SORT_H

#include <stddef.h>

#define TFT_SORT_COLUMNS 8
#define TFT_SORT_BLOCK 8 // rows

/* Sorts each column, its smallest in row 0 and what is missing behind all else; −0 comes before 0. There is room up to the next multiple
 * of TFT_SORT_BLOCK rows, which is written, too. Cannot fail. */
void tft_span_sort(float (*x)[TFT_SORT_COLUMNS], size_t n);

#endif
