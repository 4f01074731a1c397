/* database_steps.h - the tables step_log and steps_due of tftd.db as typed calls.
 *
 *     step_log    (time, server), records, state, vals    what /history/steps shows of steps that have ended
 *     steps_due   time                                    steps that got records since they were last counted
 *
 * step_log.vals is 16 bytes per metric id 0 …: mean, least, most as binary32 (NaN = no value), how many values as uint32,
 * little-endian. A step is marked as due in the transaction that brings its record, so that no kill can lose the mark.
 *
 * Threads: as database.h; a write stands between database_begin and database_commit.
 */
#ifndef TFTD_STORE_DATABASE_STEPS_H
#define TFTD_STORE_DATABASE_STEPS_H

#include "store/database.h"

#define DATABASE_STEP_LOG_BYTES 16 // a metric
#define DATABASE_STEP_BYTES 6      // a metric of table steps (database.h)

typedef struct database_logged_step {
    int64_t time_ms, server;
    unsigned records;
    int state;
    size_t n_values;
    float means[DATABASE_MAX_METRICS], least[DATABASE_MAX_METRICS], most[DATABASE_MAX_METRICS];
    uint32_t counts[DATABASE_MAX_METRICS];
} database_logged_step;

tft_status database_mark_step(database *db, int64_t time_ms, tft_error *err);
tft_status database_unmark_step(database *db, int64_t time_ms, tft_error *err);
/* The newest step that is due and starts before before_ms; INT64_MIN where there is none. */
tft_status database_due_step(database *db, int64_t before_ms, int64_t *time_ms, tft_error *err);
/* Writes rows of one step, of block number `block`, in place of those that are there and say something else. Where one changes, its
 * server's row of the block goes and the block is due (database_blocks.h). */
tft_status database_log_steps(database *db, int64_t block, const database_logged_step *(*next)(void *context),
                              void *context, tft_error *err);

/* One metric out of a blob of step_log or hours, and out of one of steps, which knows no least and most: NaN. */
typedef struct database_values {
    float mean, least, most; // NaN = none
    uint32_t count;
} database_values;
database_values database_read_logged(const unsigned char *at);
database_values database_read_sealed(const unsigned char *at);
/* The blob of a row, at most DATABASE_STEP_LOG_BYTES · DATABASE_MAX_METRICS; returns its size. */
size_t database_pack_logged(const database_logged_step *step, unsigned char *blob);

#endif
