/* database_check.h - SQLite's quick check of a file, on a thread of its own with a connection of its own.
 *
 * A damaged file must not be served from. Looking through a file of any size takes any time, and a start has none: a small file is
 * looked through before anything is read from it (database_check_wait), a large one while it is loaded, until it took `seconds` in
 * all. What is left unseen then is seen by `tftd doctor`.
 *
 * Memory:  a connection with SQLite's own page cache. Threads: start, wait and end on one thread.
 */
#ifndef TFTD_STORE_DATABASE_CHECK_H
#define TFTD_STORE_DATABASE_CHECK_H

#include <stdbool.h>

#include "tft/error.h"

typedef struct database_check database_check;

/* The file is open elsewhere in this process. TFT_ERR_FORMAT where it cannot even be opened as a database. */
tft_status database_check_start(const char *path, double seconds, database_check **check, tft_error *err);
/* Waits at most so long for its end. TFT_ERR_FORMAT: found damaged so far. NULL is a check that found nothing. */
tft_status database_check_wait(database_check *check, double seconds, tft_error *err);
/* Ends it, at once or when it has ended, and says what it found. */
tft_status database_check_end(database_check *check, bool at_once, tft_error *err);

#endif
