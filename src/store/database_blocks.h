/* database_blocks.h - the tables step_blocks and blocks_due of tftd.db as typed calls, and the reading of a restart.
 *
 *     step_blocks   (block, server), vals    up to 64 counted steps of a server, packed as the fleet keeps them (series/step_block.h)
 *     blocks_due    block                    blocks with steps that were counted since the block's rows were made
 *
 * Block number b holds the steps that start at b · 64 · step_ms and up to 63 steps later. A row is made of the rows of step_log (and of steps,
 * where step_log has none), and goes in the transaction that changes one of them: a row that is there is right. meta has, under
 * `blocks`, of which metrics in which order the rows are, and in which format: for others all rows go (database_blocks_begin).
 *
 * Threads: as database.h; a write stands between database_begin and database_commit.
 */
#ifndef TFTD_STORE_DATABASE_BLOCKS_H
#define TFTD_STORE_DATABASE_BLOCKS_H

#include "store/database_steps.h"

/* Makes the tables those of these metrics (ids, in the contract's order): of others, all rows go and all blocks of steps are due. In a
 * transaction. */
tft_status database_blocks_begin(database *db, const size_t *columns, size_t n, tft_error *err);

tft_status database_mark_block(database *db, int64_t block, tft_error *err);
tft_status database_unmark_block(database *db, int64_t block, tft_error *err);
/* The newest block below `before` that is due; INT64_MIN where there is none. */
tft_status database_due_block(database *db, int64_t before, int64_t *block, tft_error *err);
/* The newest step in step_log; INT64_MIN where there is none. */
tft_status database_newest_counted(database *db, int64_t *time_ms, tft_error *err);

typedef struct database_block {
    int64_t server;
    const unsigned char *bytes; // [n], lent
    size_t n;
} database_block;
/* Adds the rows that are not there. */
tft_status database_put_blocks(database *db, int64_t block, const database_block *(*next)(void *context), void *context,
                               tft_error *err);
/* Drops the rows of servers first ≤ id < end, and marks the block. */
tft_status database_drop_blocks(database *db, int64_t block, int64_t first, int64_t end, tft_error *err);

/* Numbers of a table's only column from `from` on, ascending; the caller frees *numbers. */
tft_status database_due_blocks_from(database *db, int64_t from, int64_t **numbers, size_t *n, tft_error *err);
tft_status database_due_steps_from(database *db, int64_t from_ms, int64_t **times_ms, size_t *n, tft_error *err);

/* ---- reading many rows: statements that are prepared once ---------------------------------------------------------- */

typedef struct database_rows database_rows;
tft_status database_rows_open(database *db, database_rows **rows, tft_error *err);
void database_rows_close(database_rows *rows); // accepts NULL

typedef tft_status database_step_visit(void *context, const database_logged_step *step, tft_error *err);

/* The steps that start at time_ms, of servers first ≤ id < end, by server: as step_log has them, else as steps does. */
tft_status database_rows_counted(database_rows *rows, int64_t time_ms, int64_t first, int64_t end,
                                 database_step_visit *visit, void *context, tft_error *err);
/* Of all servers, only as steps has them: sealed. */
tft_status database_rows_sealed(database_rows *rows, int64_t time_ms, database_step_visit *visit, void *context,
                                tft_error *err);
/* A block's rows, by server: of one (first), or of all (0). */
tft_status database_rows_blocks(database_rows *rows, int64_t block, int64_t server,
                                tft_status (*visit)(void *context, const database_block *row, tft_error *err),
                                void *context, tft_error *err);

#endif
