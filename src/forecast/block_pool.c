/* block_pool.c - see block_pool.h. A shelf begins at a multiple of its size, so a block's address says which one it lies on. */
#include "forecast/block_pool.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define SHELF_BYTES ((size_t)64 << 10)
#define HEAD_BYTES 64

struct block_shelf {
    block_shelf *next, *before; // among those of its size that have room
    size_t size, n_used;
    size_t fresh; // from here on nothing was ever taken
    void *given;  // blocks that were given back; each holds the next
};

_Static_assert(sizeof(block_shelf) <= HEAD_BYTES, "blocks begin behind the head");

/* Which list blocks of n bytes are on; BLOCK_POOL_SIZES: too large. */
static size_t list_of(size_t n)
{
    const size_t list = n > 0 ? (n - 1) / BLOCK_POOL_GRAIN : 0;
    return list < BLOCK_POOL_SIZES ? list : BLOCK_POOL_SIZES;
}

static bool has_room(const block_shelf *shelf)
{
    return shelf->given != NULL || shelf->fresh + shelf->size <= SHELF_BYTES;
}

static void link_shelf(block_shelf **list, block_shelf *shelf)
{
    shelf->before = NULL;
    shelf->next = *list;
    if (*list != NULL)
        (*list)->before = shelf;
    *list = shelf;
}

static void unlink_shelf(block_shelf **list, block_shelf *shelf)
{
    if (shelf->before != NULL)
        shelf->before->next = shelf->next;
    else
        *list = shelf->next;
    if (shelf->next != NULL)
        shelf->next->before = shelf->before;
}

static block_shelf *add_shelf(block_pool *pool, size_t list)
{
    block_shelf *const shelf = aligned_alloc(SHELF_BYTES, SHELF_BYTES);
    if (shelf == NULL)
        return NULL;
    *shelf = (block_shelf){.size = (list + 1) * BLOCK_POOL_GRAIN, .fresh = HEAD_BYTES};
    link_shelf(&pool->open[list], shelf);
    pool->bytes += SHELF_BYTES;
    return shelf;
}

void *block_pool_take(block_pool *pool, size_t n)
{
    const size_t list = list_of(n);
    if (list == BLOCK_POOL_SIZES) {
        void *const large = malloc(n);
        pool->bytes += large != NULL ? n : 0;
        return large;
    }
    block_shelf *const shelf = pool->open[list] != NULL ? pool->open[list] : add_shelf(pool, list);
    if (shelf == NULL)
        return NULL;
    void *block = shelf->given;
    if (block != NULL) {
        shelf->given = *(void **)block;
    } else {
        block = (char *)shelf + shelf->fresh;
        shelf->fresh += shelf->size;
    }
    shelf->n_used++;
    if (!has_room(shelf))
        unlink_shelf(&pool->open[list], shelf);
    return block;
}

void block_pool_give(block_pool *pool, void *block, size_t n)
{
    const size_t list = list_of(n);
    if (block == NULL)
        return;
    if (list == BLOCK_POOL_SIZES) {
        pool->bytes -= n;
        free(block);
        return;
    }
    block_shelf *const shelf = (block_shelf *)((char *)block - (uintptr_t)block % SHELF_BYTES);
    assert(shelf->size == (list + 1) * BLOCK_POOL_GRAIN && shelf->n_used > 0);
    if (!has_room(shelf))
        link_shelf(&pool->open[list], shelf);
    *(void **)block = shelf->given;
    shelf->given = block;
    if (--shelf->n_used > 0)
        return;
    unlink_shelf(&pool->open[list], shelf);
    pool->bytes -= SHELF_BYTES;
    free(shelf);
}
