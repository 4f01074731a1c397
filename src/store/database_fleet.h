/* database_fleet.h - the tables incidents and environment of tftd.db as typed calls.
 *
 *     incidents    (start_ms, server), end_ms (NULL = goes on), state, planned
 *     environment  start_ms, counts, a count per state, any_… and expected_… for 30m 1h 2h 4h 8h
 *
 * Threads: as database.h; a write stands between database_begin and database_commit.
 */
#ifndef TFTD_STORE_DATABASE_FLEET_H
#define TFTD_STORE_DATABASE_FLEET_H

#include "store/database.h"
#include "store/fleet_log.h"

tft_status database_put_incidents(database *db, const store_incidents *servers, size_t n, tft_error *err);
tft_status database_put_environment(database *db, const store_environment *rows, size_t n, tft_error *err);
tft_status database_forget_fleet(database *db, int64_t cutoff_ms, tft_error *err);

#endif
