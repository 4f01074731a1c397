/* database_internal.h - what the files that hold SQL share. Nobody else includes it. */
#ifndef TFTD_STORE_DATABASE_INTERNAL_H
#define TFTD_STORE_DATABASE_INTERNAL_H

#include "store/database.h"

struct sqlite3 *database_handle(database *db);
/* Puts SQLite's last error into err, remembers whether the disk was full, returns the status. */
tft_status database_fail(database *db, const char *doing, tft_error *err);

#endif
