/* read_ahead.h - raw records of some spans of time, read by a thread of their own while the caller works on those before.
 *
 *     thread   SQLite, decoding ─▶ | batch | batch | ─▶ caller   visit(), a record at a time, in the same order
 *
 * Where a restart reads millions of records, half of its time is the database's, half what the fleet makes of them. The thread is
 * at most one batch ahead of the one that is being visited. Where there is no thread to be had, everything is done here.
 *
 * Memory:  two batches, a few hundred kilobytes, for the call. Threads: `db` belongs to the thread during the call, `visit` is called
 *          on the caller's.
 */
#ifndef TFTD_STORE_READ_AHEAD_H
#define TFTD_STORE_READ_AHEAD_H

#include "store/database.h"

typedef struct read_ahead_span {
    int64_t from_ms, to_ms; // from ≤ time < to
} read_ahead_span;

/* As database_each_record() of one span after the other; no record has more than n_metrics values. */
tft_status read_ahead_each_record(database *db, const read_ahead_span *spans, size_t n_spans, size_t n_metrics,
                                  tft_status (*visit)(void *, const database_record *, tft_error *), void *context,
                                  tft_error *err);

#endif
