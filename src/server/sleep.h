/* sleep.h - servers.forget_after: who has been silent for so long gives back its place in memory, and takes one again when it comes back.
 *
 * A sleeper is in no list, forecast or count; its records, steps, labels and scores stay on disk, and /api/v1/history goes on showing
 * them. A record of it wakes it: its steps are read from the database into memory, some milliseconds that the batch which brings it
 * back pays, and that other batches wait for. Where all places of servers.max are taken its records are refused as too_many_servers.
 *
 * Threads: any; both take server.forget_lock for writing, so that nobody is between store and fleet.
 */
#ifndef TFTD_SERVER_SLEEP_H
#define TFTD_SERVER_SLEEP_H

#include "series/record.h"
#include "server/server.h"

/* Housekeeping's: puts to sleep whose time has come, and says so in the log. */
void sleep_silent(server *srv);
/* Wakes the servers of these records. refused [n]: those that have no place; returns how many. */
size_t sleep_wake(server *srv, const tft_record *records, size_t n, bool *refused);
/* Wakes one by its name, for somebody who wants to change it; false: it sleeps on, there is no place. */
bool sleep_wake_named(server *srv, const char *name, size_t n);

#endif
