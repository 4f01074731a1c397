/* capacity.c - see capacity.h. */
#include "store/capacity.h"

#include "store/internal.h"

void store_set_max_servers(store *s, size_t n)
{
    store_begin_writing(s);
    s->max_servers = n;
    store_end_writing(s);
}
