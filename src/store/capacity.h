/* capacity.h - how many servers the store takes, changed while it runs.
 *
 * Its own count is of all names it has ever numbered; the fleet's is of those in memory. So whoever knows how many of the numbered ones
 * take no place any more (deleted, or asleep) says here how many numbers there may be.
 */
#ifndef TFTD_STORE_CAPACITY_H
#define TFTD_STORE_CAPACITY_H

#include <stddef.h>

#include "store/store.h"

/* A new name beyond n is STORE_TOO_MANY_SERVERS from the next batch on; names that are there stay. Waits for whoever writes. */
void store_set_max_servers(store *store, size_t n);

#endif
