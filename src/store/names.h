/* names.h - the servers the store knows, in memory: name → index, and what the next commit will write about them.
 *
 * A transaction changes servers before it is known whether it will commit. So every server has its committed values and
 * the pending ones; names_settle() makes the pending ones committed, names_revert() forgets them, new servers included.
 *
 *     slots   open addressing, power of two, at most half full: index + 1 of a server, 0 = empty
 *     servers [n]  in order of their first record; index + 1 is their id in the database
 *
 * Threads: one at a time (the store's writer).
 */
#ifndef TFTD_STORE_NAMES_H
#define TFTD_STORE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

#define NAMES_NONE UINT32_MAX

typedef struct name_facts {
    int profile, state;
    int64_t records, first_ms, newest_ms; // newest_ms INT64_MIN: no record yet
} name_facts;

typedef struct name_entry {
    char *name; // [length], NUL behind it
    size_t length;
    uint64_t hash;
    bool touched; // pending differs
    name_facts committed, pending;
} name_entry;

typedef struct names {
    name_entry *servers;
    size_t n, capacity, n_committed; // servers[n_committed …] are new in this transaction
    uint32_t *slots;
    size_t n_slots;
    uint32_t *touched; // [n_touched] indices
    size_t n_touched, touched_capacity;
    uint64_t seed; // so that a client cannot choose names that collide
} names;

tft_status names_init(names *table, tft_error *err);
void names_free(names *table);

/* Index of the server, or NAMES_NONE. */
uint32_t names_find(const names *table, const char *name, size_t n);
/* Adds a server that is not there yet: pending facts are empty, profile −1. */
tft_status names_add(names *table, const char *name, size_t n, uint32_t *index, tft_error *err);
/* The pending facts of a server, to be changed; it counts as touched. NULL without memory. */
name_facts *names_touch(names *table, uint32_t index);
/* Gives a server another name; what it is known for stays. */
tft_status names_rename(names *table, uint32_t index, const char *name, tft_error *err);
void names_settle(names *table);
void names_revert(names *table);

#endif
