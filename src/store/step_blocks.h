/* step_blocks.h - counted steps, 64 of a server packed into one row: what a restart reads in place of millions of rows.
 *
 *     records ──(step_log.h)──▶ step_log, a row a step ──▶ step_blocks, a row of up to 64 steps, as the fleet packs them
 *
 * Whoever maintains the store packs blocks that are due (a step of theirs was counted anew) and in front of which a later block has
 * begun, the newest first:
 *
 *     as nobody      reads the steps of 256 servers from step_log with the maintainer's connection
 *     as the writer  one transaction: the rows that are missing; with the last servers the mark goes
 *
 * The transaction that changes a row of step_log takes the row of its block away (database_log_steps), and nobody else than the
 * maintainer changes step_log but the forgetting of a server, which is asked for. So a row that is there is right as long as none
 * of its steps waits to be counted, whatever was cut off when; and a late record costs the row of its own server.
 *
 * Blocks older than STEP_BLOCKS_REACH are not packed: a restart seldom asks for them, and then reads their steps one by one.
 *
 * Cost: with four metrics 200 to 400 bytes a row, 3 to 6 bytes a step beside 95 in step_log.
 * Memory:  the steps of 256 servers while they are packed, some 700 kB with four metrics.
 * Threads: one at a time, whoever maintains the store.
 */
#ifndef TFTD_STORE_STEP_BLOCKS_H
#define TFTD_STORE_STEP_BLOCKS_H

#include "series/step_block.h"
#include "store/internal.h"

#define STEP_BLOCKS_REACH 72    // blocks behind the newest: 16 days of five minutes
#define STEP_BLOCKS_SERVERS 256 // in one transaction
#define STEP_BLOCKS_PATIENCE_S 1.0

/* Number of the block that the step of time_ms lies in. */
static inline int64_t step_blocks_of(const store *s, int64_t time_ms)
{
    const int64_t length_ms = TFT_STEP_BLOCK * s->step_ms;
    return time_ms >= 0 ? time_ms / length_ms : -((-time_ms + length_ms - 1) / length_ms);
}

/* Packs blocks that are due, for STEP_BLOCKS_PATIENCE_S at most; the next round goes on. */
tft_status step_blocks_make(store *s, tft_error *err);

#endif
