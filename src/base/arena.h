/* arena.h - memory that is measured first, taken once and given back whole.
 *
 * A function that lays out buffers runs twice over the same lines: on a counting arena (no memory, it
 * only adds up) and on a real one of exactly that size, so that sizes and pointers cannot drift apart:
 *
 *     static void layout(tft_arena *a, thing *t) { t->w = tft_arena_floats(a, n); ... }
 *     tft_arena count = {0}; layout(&count, &t);
 *     status = tft_arena_init(&arena, count.used, err); layout(&arena, &t);
 *
 * Blocks are 64-byte aligned (a cache line, one AVX-512 vector) and zeroed. Under AddressSanitizer a
 * poisoned gap lies behind every block, so that an overrun is seen.
 *
 *     | block 0 ...... |gap| block 1 ... |gap| ...            | <- size
 *     ^ base                                   ^ base + used
 *
 * Memory:  the arena owns its one block; tft_arena_free() gives it back; pointers die with it.
 * Threads: one arena, one thread at a time.
 */
#ifndef TFT_BASE_ARENA_H
#define TFT_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

#define TFT_ARENA_ALIGN 64

typedef struct tft_arena {
    unsigned char *base; // NULL while counting
    size_t size, used;
    unsigned char *block; // what free() takes; base is aligned inside it
} tft_arena;

/* Takes `size` bytes from the system. TFT_ERR_MEMORY where there are none. */
tft_status tft_arena_init(tft_arena *arena, size_t size, tft_error *err);

/* Gives the memory back; accepts a zeroed struct and NULL. */
void tft_arena_free(tft_arena *arena);

/* A zeroed block of n · size bytes. While counting, and when the arena is full or the product overflows,
 * returns NULL; `used` then saturates at SIZE_MAX on overflow, so that init fails instead of lying. */
void *tft_arena_alloc(tft_arena *arena, size_t n, size_t size);

static inline float *tft_arena_floats(tft_arena *arena, size_t n)
{
    return (float *)tft_arena_alloc(arena, n, sizeof(float));
}

/* Forgets all blocks from `mark` on (mark = an earlier `used`): for scratch memory inside a call. */
void tft_arena_rewind(tft_arena *arena, size_t mark);

/* a · b, or SIZE_MAX where it does not fit. For sizes that come from outside. */
static inline size_t tft_mul_sat(size_t a, size_t b)
{
    return (b != 0 && a > SIZE_MAX / b) ? SIZE_MAX : a * b;
}

#endif
