/* memory_bound.h - what the settings add up to in memory, at most, said at the start (limits.memory).
 *
 *     servers      servers.max × (history of forecast.memory_steps, packed as badly as can be, and the newest forecasts)
 *     asleep       the ids of those who sleep or were deleted, FLEET_IDS_PER_PLACE − 1 for each place
 *     shadow       the newest forecasts once more, of a model that runs beside the one that serves
 *     pages        PAGES_MOST bodies of /predictions/current, plain and packed; of a large fleet packed alone
 *     bodies       SERVER_BODIES of http.max_body, compressed and not
 *     connections  http.max_connections × what one may hold of a request's head
 *     store        SQLite's cache
 *
 * The models, other replies under way and the program itself come on top: some tens of MiB that do not grow. In practice it is far
 * less, as real histories pack well and few fleets are full.
 */
#ifndef TFTD_SERVER_MEMORY_BOUND_H
#define TFTD_SERVER_MEMORY_BOUND_H

#include "server/server.h"

typedef struct memory_bound {
    double servers, asleep, shadow, pages, bodies, connections, store; // bytes
} memory_bound;

memory_bound memory_bound_of(const server *srv, size_t max_servers);

void memory_bound_say(const server *srv); // to the log
/* TFT_ERR_ARGUMENT where options.memory_limit is less than it would be with so many servers. */
tft_status memory_bound_check(const server *srv, size_t max_servers, tft_error *err);

#endif
