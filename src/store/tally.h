/* tally.h - raw records of one step, added up per server: what a sealed step is made of, and what a restart loads; and steps to hours.
 *
 * Records come in any order of servers, all of one step; tally_each() then gives one database_step per server.
 *
 * Memory:  (28 · n_metrics + 12) bytes per server, reused from step to step.
 * Threads: one at a time.
 */
#ifndef TFTD_STORE_TALLY_H
#define TFTD_STORE_TALLY_H

#include "store/database_steps.h"

typedef struct tally {
    size_t n_servers, n_metrics;
    double *sums;         // [n_servers, n_metrics]
    double *least, *most; // [n_servers, n_metrics]; of those with a count
    uint32_t *counts;     // [n_servers, n_metrics]
    uint32_t *records;    // [n_servers]
    uint8_t *states;      // [n_servers]
    bool *expired;        // [n_servers] a record of it is past retention
    bool *is_seen;        // [n_servers]
    uint32_t *seen;       // [n_seen] servers that were added
    size_t n_seen;
} tally;

tft_status tally_init(tally *sums, size_t n_servers, size_t n_metrics, tft_error *err);
void tally_free(tally *sums); // accepts a zeroed struct

/* TFT_ERR_FORMAT where the record belongs to no known server. */
tft_status tally_add(tally *sums, const database_record *record, bool expired, tft_error *err);
/* A step or an hour that was added up before. Where its least and most are not known, they are not of the whole: NaN. */
tft_status tally_add_sums(tally *sums, const database_logged_step *step, tft_error *err);
/* Server number i of those seen, as a step that starts at time_ms. */
void tally_step(const tally *sums, size_t i, int64_t time_ms, database_step *step);
/* The same with least and most, as step_log keeps it. */
void tally_logged(const tally *sums, size_t i, int64_t time_ms, database_logged_step *step);
void tally_clear(tally *sums);

#endif
