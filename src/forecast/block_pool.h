/* block_pool.h - memory for the packed blocks of histories: many, small, of a few sizes, living for days.
 *
 * As blocks of malloc() they lie wherever there was room: most of it in what the newest steps of a server took until they were packed.
 * When the next newest steps need that room, it is cut up, and the heap grows beside it: 20 MB of 10,000 servers were such gaps. Here
 * blocks of one size lie side by side:
 *
 *     shelf of 64 kB    | 208 | 208 | 208 | free | 208 | …      blocks of 16, 32, 48 … bytes; larger ones are malloc()'s
 *
 * Blocks of one time are of one age: a shelf of them is empty when they are, and is given back.
 *
 * Memory:  owns its shelves; at most a shelf of each size beside what is used, and what lives on in shelves that others have left.
 * Threads: one at a time (the fleet's write lock).
 */
#ifndef TFTD_FORECAST_BLOCK_POOL_H
#define TFTD_FORECAST_BLOCK_POOL_H

#include <stddef.h>

#define BLOCK_POOL_GRAIN 16
#define BLOCK_POOL_SIZES 64 // up to a kilobyte

typedef struct block_shelf block_shelf;

typedef struct block_pool {
    block_shelf *open[BLOCK_POOL_SIZES]; // shelves of a size that have room
    size_t bytes;                        // of all shelves, and of blocks that are too large for one
} block_pool;

/* A zeroed struct is an empty pool. All blocks must have been given back before it is forgotten. */
void *block_pool_take(block_pool *pool, size_t n);             // NULL without memory
void block_pool_give(block_pool *pool, void *block, size_t n); // n as it was taken; accepts NULL

#endif
