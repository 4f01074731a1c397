/* arena.c - see arena.h. Poisoning uses the sanitizer's own interface and costs nothing without it. */
#include "base/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define TFT_ARENA_GAP 64
#else
#define ASAN_POISON_MEMORY_REGION(at, n) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(at, n) ((void)0)
#define TFT_ARENA_GAP 0
#endif

tft_status tft_arena_init(tft_arena *arena, size_t size, tft_error *err)
{
    memset(arena, 0, sizeof *arena);
    if (size > SIZE_MAX - TFT_ARENA_ALIGN)
        return tft_fail(err, TFT_ERR_MEMORY, "a workspace larger than the address space was asked for");
    arena->block = malloc(size + TFT_ARENA_ALIGN);
    if (arena->block == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a workspace of %zu bytes", size);
    const size_t skew = (uintptr_t)arena->block % TFT_ARENA_ALIGN;
    arena->base = arena->block + (skew == 0 ? 0 : TFT_ARENA_ALIGN - skew);
    arena->size = size;
    ASAN_POISON_MEMORY_REGION(arena->base, arena->size);
    return TFT_OK;
}

void tft_arena_free(tft_arena *arena)
{
    if (arena == NULL)
        return;
    if (arena->base != NULL)
        ASAN_UNPOISON_MEMORY_REGION(arena->base, arena->size);
    free(arena->block);
    memset(arena, 0, sizeof *arena);
}

void *tft_arena_alloc(tft_arena *arena, size_t n, size_t size)
{
    const size_t bytes = tft_mul_sat(n, size);
    if (bytes > SIZE_MAX - TFT_ARENA_ALIGN - TFT_ARENA_GAP || arena->used == SIZE_MAX) {
        arena->used = SIZE_MAX;
        return NULL;
    }
    const size_t padded = (bytes + TFT_ARENA_ALIGN - 1) / TFT_ARENA_ALIGN * TFT_ARENA_ALIGN + TFT_ARENA_GAP;
    if (padded > SIZE_MAX - arena->used) {
        arena->used = SIZE_MAX;
        return NULL;
    }
    if (arena->base == NULL) {
        arena->used += padded;
        return NULL;
    }
    if (padded > arena->size - arena->used)
        return NULL;
    unsigned char *const at = arena->base + arena->used;
    arena->used += padded;
    ASAN_UNPOISON_MEMORY_REGION(at, bytes);
    memset(at, 0, bytes);
    return at;
}

void tft_arena_rewind(tft_arena *arena, size_t mark)
{
    assert(mark <= arena->used);
    if (arena->base != NULL)
        ASAN_POISON_MEMORY_REGION(arena->base + mark, arena->used - mark);
    arena->used = mark;
}
