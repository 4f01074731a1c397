/* read_ahead.h - all raw records, read by a thread of their own while the caller works on those before.
 *
 *     thread   SQLite, decoding ─▶ | batch | batch | ─▶ caller   visit(), a record at a time, in the same order
 *
 * A restart reads millions of records, and half of its time was the database's, half what the fleet makes of them. The thread is
 * at most one batch ahead of the one that is being visited. Where there is no thread to be had, everything is done here.
 *
 * Memory:  two batches, a few hundred kilobytes, for the call. Threads: `db` belongs to the thread during the call, `visit` is called
 *          on the caller's.
 */
#ifndef TFTD_STORE_READ_AHEAD_H
#define TFTD_STORE_READ_AHEAD_H

#include "store/database.h"

/* As database_each_record() from from_ms on; no record has more than n_metrics values. */
tft_status read_ahead_each_record(database *db, int64_t from_ms, size_t n_metrics,
                                  tft_status (*visit)(void *, const database_record *, tft_error *), void *context,
                                  tft_error *err);

#endif
