/* squash.h - asinh(value / scale) of many values: what inputs that are made of values are (scaled.h), eight at a time.
 *
 * The C library's asinhf takes a hundred instructions a value, and a window has some 1,500 of them. Here the same arithmetic is done in
 * vectors: fdlibm's, as glibc has it, every rounding in its place, so that the bits are those of asinhf there (all 134 million floats from
 * 2⁻¹⁵ to 2 were compared once). Beyond 2 it is asinhf itself.
 *
 * Threads: pure functions.
 */
#ifndef TFT_SERIES_SQUASH_H
#define TFT_SERIES_SQUASH_H

#include <stddef.h>

/* out [n] may be `values` itself; NaN stays NaN. Cannot fail. */
void tft_squash_all(const float *values, size_t n, float scale, float *out);

#endif
