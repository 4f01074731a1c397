/* dropout.h - which elements a training pass leaves out.
 *
 * A mask is a function of (key of the pass, place in the network, element), so backward draws the same one again
 * instead of keeping it, and threads don't matter. Places: section 3.10 of tests/golden/README.md.
 *
 * Memory:  none; masks are drawn into the caller's tmp. Threads: any.
 */
#ifndef TFT_TFT_DROPOUT_H
#define TFT_TFT_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

#include "tensor/tensor.h"

typedef struct tft_dropout {
    float p; // 0 = none
    uint64_t key;
} tft_dropout;

/* The mask of one place. Nested places (a variable inside a selection) apply it twice. */
static inline tft_dropout tft_dropout_at(tft_dropout dropout, uint64_t place)
{
    dropout.key = (dropout.key ^ (place + 1)) * UINT64_C(0x9E3779B97F4A7C15); // odd multiplier: a bijection of the key
    dropout.key ^= dropout.key >> 29;
    return dropout;
}

/* x ⊙= mask, [n]; tmp [n] is touched only where there is dropout. Its own gradient: dx ⊙= mask. */
static inline void tft_dropout_apply(tft_dropout dropout, float *x, size_t n, float *tmp)
{
    if (dropout.p > (float)0) {
        tft_dropout_mask(tmp, n, dropout.p, dropout.key);
        tft_mul(x, x, tmp, n);
    }
}

#endif
