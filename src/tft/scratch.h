/* scratch.h - short-lived buffers inside a pass: a stack of floats that is measured before and never allocates.
 *
 * A layer takes what it needs and gives it back by restoring the mark it found. Contents are undefined when taken.
 * Memory: one block of the workspace; its size is bounded by tft_workspace (see workspace.c). Threads: one.
 */
#ifndef TFT_TFT_SCRATCH_H
#define TFT_TFT_SCRATCH_H

#include <assert.h>
#include <stddef.h>
#include <string.h>

typedef struct tft_scratch {
    float *base;
    size_t size, used, peak;
} tft_scratch;

static inline float *tft_scratch_take(tft_scratch *s, size_t n)
{
    const size_t padded = (n + 15) / 16 * 16;
    assert(padded <= s->size - s->used);
    float *const at = s->base + s->used;
    s->used += padded;
    s->peak = s->used > s->peak ? s->used : s->peak;
    return at;
}

static inline float *tft_scratch_take_zero(tft_scratch *s, size_t n)
{
    float *const at = tft_scratch_take(s, n);
    memset(at, 0, n * sizeof(float));
    return at;
}

#endif
