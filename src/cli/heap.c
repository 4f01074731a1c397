/* heap.c - see heap.h. */
#include "cli/heap.h"

#include <stdlib.h> // which says whether this is glibc
#ifdef __GLIBC__
#include <malloc.h>
#include <unistd.h>

#define LARGE_BYTES (1 << 20)

void heap_settle(void)
{
    const long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_ARENA_MAX, n_processors < 2 ? 2 : n_processors > 256 ? 256 : (int)n_processors);
}
#else
void heap_settle(void)
{
}
#endif
