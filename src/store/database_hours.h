/* database_hours.h - the table hours of tftd.db as typed calls: twelve steps of a server as one row, of what is beyond retention.
 *
 *     hours   (time, server), records, state, sealed, vals
 *
 * time is a multiple of DATABASE_HOUR_STEPS steps: an hour, where a step has five minutes. records is their sum, state the worst,
 * vals as in step_log (database_steps.h): the mean of all values in the hour, least, most, how many; NULL once the hours are past
 * their own retention, and where those of the steps were. Bit i of sealed: step i of the twelve is sealed. So the row stands
 * in for the rows of step_log and of steps, which go in the same transaction; and the marks outlive the values.
 *
 * Threads: as database.h; a write stands between database_begin and database_commit.
 */
#ifndef TFTD_STORE_DATABASE_HOURS_H
#define TFTD_STORE_DATABASE_HOURS_H

#include "store/database_steps.h"

#define DATABASE_HOUR_STEPS 12

/* A step's row, or an hour's; n_values is 0 where the values are past retention. */
typedef struct database_hour {
    database_logged_step row;
    uint32_t sealed; // of a step: 1 or 0
} database_hour;

/* The steps that start at time_ms, of servers first ≤ id < end, by server: as step_log has them, else as steps does, whose least
 * and most are not known: NaN. */
tft_status database_each_kept_step(database *db, int64_t time_ms, int64_t first, int64_t end,
                                   tft_status (*visit)(void *context, const database_hour *step, tft_error *err),
                                   void *context, tft_error *err);
/* Deletes them, from both tables. */
tft_status database_drop_steps(database *db, int64_t time_ms, int64_t first, int64_t end, tft_error *err);

/* TFT_ERR_NOT_FOUND (without text) where there is none. */
tft_status database_get_hour(database *db, int64_t time_ms, int64_t server, database_hour *hour, tft_error *err);
tft_status database_put_hour(database *db, const database_hour *hour, tft_error *err); // replaces what is there

/* The oldest step at or after from_ms in step_log or steps, and the oldest hour that has values; INT64_MAX = none. */
tft_status database_oldest_kept_step(database *db, int64_t from_ms, int64_t *time_ms, tft_error *err);
tft_status database_oldest_hour(database *db, int64_t from_ms, int64_t *time_ms, tft_error *err);
/* Drops the values of at most `limit` hours with from_ms ≤ time < cutoff_ms. */
tft_status database_forget_hours(database *db, int64_t from_ms, int64_t cutoff_ms, size_t limit, size_t *n,
                                 tft_error *err);

#endif
