/* numpy_choice.h - draws a part of a list exactly as `numpy.random.default_rng(seed).permutation(n)[:k]` does.
 *
 * The published figures of networks and LightGBM were measured on a part of the windows that was drawn with numpy. To
 * compare a model with them it has to be scored on the very same windows, so this file repeats, bit for bit, what numpy
 * (1.17 and later) does: SeedSequence spreads the seed over 256 bits (M. E. O'Neill, "Developing a seed_seq alternative",
 * 2015), PCG64 (O'Neill 2014: PCG XSL RR 128/64) makes the bits, a number up to i is taken from 32 of them (lower half
 * first) under a mask, again and again until it fits, and a Fisher-Yates shuffle runs from the end of the list. Everything else in this program draws from base/rng.h.
 *
 * Threads: one generator, one thread.
 */
#ifndef TFTD_SCORE_NUMPY_CHOICE_H
#define TFTD_SCORE_NUMPY_CHOICE_H

#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

typedef struct score_numpy_generator {
    uint64_t state_high, state_low, increment_high, increment_low;
    uint32_t half; // the upper half of the last 64 bits, still to be used
    int has_half;
} score_numpy_generator;

score_numpy_generator score_numpy_default_rng(uint32_t seed);
uint64_t score_numpy_next64(score_numpy_generator *generator);

/* Marks k of 0 … n−1 with 1 in chosen [n] (others are left alone); chosen may be NULL: the draws are made all the same. */
tft_status score_numpy_choose(score_numpy_generator *generator, size_t n, size_t k, uint8_t *chosen, tft_error *err);

#endif
