/* heap.c - see heap.h. */
#include "server/heap.h"

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

bool heap_give_back(size_t from_bytes)
{
    const struct mallinfo2 info = mallinfo2();
    return info.fordblks >= from_bytes && malloc_trim(0) != 0;
}
#else
bool heap_give_back(size_t from_bytes)
{
    (void)from_bytes;
    return false;
}

void heap_settle(void)
{
}
#endif
