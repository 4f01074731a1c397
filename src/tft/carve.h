/* carve.h - cuts a block of floats into named pieces, each on a cache line.
 *
 * A layer says what it needs in one function that runs on a counting carve (base NULL, it only adds up) and on the
 * real block, so that sizes and pointers cannot drift apart:
 *
 *     static void carve_tmp(tft_carve *c, size_t n, size_t d, struct tmp *t) { t->dsum = tft_carve_floats(c, n * d); }
 *     size_t tft_x_tmp(...) { tft_carve c = {0}; struct tmp t; carve_tmp(&c, n, d, &t); return c.used; }
 *
 * Unlike an arena (base/arena.h) it zeroes nothing: it is used inside passes, thousands of times a second.
 * Memory:  the caller owns the block. Threads: one carve, one thread.
 */
#ifndef TFT_TFT_CARVE_H
#define TFT_TFT_CARVE_H

#include <stddef.h>

#define TFT_CARVE_ALIGN 16 // floats: 64 bytes

typedef struct tft_carve {
    float *base; // NULL while counting
    size_t used; // floats
} tft_carve;

static inline float *tft_carve_floats(tft_carve *carve, size_t n)
{
    float *const at = carve->base == NULL ? NULL : carve->base + carve->used;
    carve->used += (n + TFT_CARVE_ALIGN - 1) / TFT_CARVE_ALIGN * TFT_CARVE_ALIGN;
    return at;
}

#endif
