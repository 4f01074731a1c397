/* heap.h - how the C library's allocator is to keep house in a daemon that runs for months.
 *
 * A model is some 20 MiB in a few blocks, and each new one is read by whichever thread was told of it. glibc by default learns from
 * the first that is freed: from then on blocks of that size come out of the thread's own arena, where a small block that lives on holds
 * them fast. Three models later resident memory stood at 96 MiB instead of 57, and stayed there. So:
 *
 *     blocks of 1 MiB and more    mapped on their own, and given back when they are freed: never learned otherwise
 *     arenas                      one for each processor (at least 2), not eight
 *     a free end of an arena      given back from 1 MiB on
 *
 * What the engine and the routes use over and over is taken once and kept, so nothing of it is mapped twice.
 * Source: mallopt(3), "M_MMAP_THRESHOLD" on its dynamic adjustment. Other C libraries are left as they are.
 */
#ifndef TFTD_SERVER_HEAP_H
#define TFTD_SERVER_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* Before any thread is started. */
void heap_settle(void);

/* Gives the system back what is free in the middle of arenas, where that is from_bytes or more: what a page of a large fleet took (when
 * nobody asks for it any more) lies between blocks that live on. Looking takes microseconds; giving back some milliseconds, in which
 * nobody takes memory. True where something was given back. */
bool heap_give_back(size_t from_bytes);

#endif
