/* database_internal.h - what the files that hold SQL share. Nobody else includes it. */
#ifndef TFTD_STORE_DATABASE_INTERNAL_H
#define TFTD_STORE_DATABASE_INTERNAL_H

#include "store/database.h"

struct sqlite3 *database_handle(database *db);
/* Puts SQLite's last error into err, remembers whether the disk was full, returns the status. */
tft_status database_fail(database *db, const char *doing, tft_error *err);

/* A statement for this call alone; the caller finalizes it, also after an error (it is then NULL). */
tft_status database_prepare(database *db, const char *text, struct sqlite3_stmt **one, tft_error *err);
/* Runs a statement without rows and makes it ready for the next values; n (may be NULL) gets how many rows it changed. */
tft_status database_run(database *db, struct sqlite3_stmt *one, size_t *n, tft_error *err);
/* The number that a statement about steps gives for one number (?1) in its one row; if_null where that is NULL. */
tft_status database_number(database *db, const char *text, int64_t given, int64_t if_null, int64_t *value,
                           tft_error *err);

#endif
