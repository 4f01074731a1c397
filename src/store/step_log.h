/* step_log.h - steps that have ended, counted from their raw records and kept for /history/steps.
 *
 * A record marks its step as due, in its own transaction (step_log_mark). Whoever maintains the store counts due steps that have ended:
 *
 *     as the writer     takes the newest due step, and forgets that it was marked: a record that comes from now on marks anew
 *     as nobody         reads the step's raw records with a connection of its own: no sender waits for that
 *     as the writer     one transaction: the rows; and the mark goes, unless a record came meanwhile
 *
 * Where a step is sealed before that (nobody maintained the store for as long as records are kept), the sealing counts it.
 *
 * So a late record has its step counted once more, at any time, and a kill loses no mark. A server whose step is sealed keeps the
 * row that it has: some of its records are gone.
 *
 * Memory:  a tally of all servers while a step is counted. Threads: step_log_mark as the writer; step_log_count one at a time.
 */
#ifndef TFTD_STORE_STEP_LOG_H
#define TFTD_STORE_STEP_LOG_H

#include "store/internal.h"

/* A record of time_ms is being added, or filled, in the transaction that is open. */
tft_status step_log_mark(store *s, int64_t time_ms, tft_error *err);
/* The transaction has failed: what it marked is not marked. */
void step_log_unmark(store *s);
/* Writes the rows of a step, of the servers whose step is not sealed, in the transaction that is open. */
struct tally;
tft_status step_log_put(store *s, const struct tally *sums, int64_t step_ms, tft_error *err);
/* Counts due steps that have ended, for STEP_LOG_PATIENCE_S at most; the next round goes on. */
tft_status step_log_count(store *s, tft_error *err);

#define STEP_LOG_PATIENCE_S 2.0

#endif
