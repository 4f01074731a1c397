/* order.h - values in order, and the quantiles that are read from them.
 *
 * A baseline sorts a day, a week and eight hour-blocks per window and metric, a hundred thousand windows over: a radix
 * sort over the bits of the floats is several times faster here than comparing (no branch to mispredict).
 *
 * Quantiles are those that numpy gives without being asked for another kind: linear between order statistics, position
 * q · (n − 1) (Hyndman and Fan 1996, definition 7). The published baseline rows were made so.
 *
 * Threads: pure functions.
 */
#ifndef TFTD_SCORE_ORDER_H
#define TFTD_SCORE_ORDER_H

#include <stddef.h>

/* Sorts values[0 … n−1] ascending; `spare` [n] holds nothing afterwards. No NaN may be among them. */
void score_sort(float *values, float *spare, size_t n);

/* Copies the values of from[0 … n−1] that are not NaN to `out`; returns how many. */
size_t score_known(const float *from, size_t n, float *out);

/* Level q (0 … 1) of n ≥ 1 sorted values. */
float score_quantile(const float *sorted, size_t n, double q);

#endif
