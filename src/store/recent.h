/* recent.h - which raw records a restart wants: each server's newest, found by what its steps count.
 *
 * Wanted of a server are its newest records, n_recent of them (the fallback forecaster's points), and those of the newest step in which each
 * metric has a value (newest values). Whoever loads steps notes them here, and then has the records of the steps that are wanted read,
 * and of no other:
 *
 *     steps      … 12 | 60 | 20 | 3        n_recent 32: the last three steps, which hold 83
 *     a metric   … v  | –  | –  | –        and the one with `v`
 *
 * A step that is sealed for somebody may have lost records. So what was not found in steps behind the last sealed one is looked for in
 * all records that are left before its end: those of a step or so, unless much was filled in late.
 *
 * The table of records is ordered by time. A step that many servers want is read whole, of all of them, by a thread ahead of the fleet
 * (read_ahead.h). Servers that fell silent want steps that nobody else does: of these, keys are looked at from the step's end until the
 * server's records are found.
 *
 * Memory:  10 · n_recent + 8 · n_metrics bytes a server, and 24 for each step that is wanted of it. Threads: one at a time.
 */
#ifndef TFTD_STORE_RECENT_H
#define TFTD_STORE_RECENT_H

#include "store/internal.h"

typedef struct recent {
    const store *s;
    size_t n_servers, n_recent;
    int64_t
        *steps; // [n_servers, n_recent] of a server's newest steps: ring, place of the oldest is n_seen mod n_recent
    uint16_t *records;   // [n_servers, n_recent]
    size_t *n_seen;      // [n_servers] steps so far
    int64_t *with_value; // [n_servers, n_metrics] newest step with a value; INT64_MIN = none
} recent;

tft_status recent_init(recent *r, const store *s, size_t n_recent, tft_error *err);
void recent_free(recent *r); // accepts a zeroed struct

/* A step of a server: steps of one come by time. */
void recent_note(recent *r, uint32_t server, int64_t step, uint16_t records, const uint16_t *value_counts);

/* Reads the records that are wanted and gives them (and others of the same steps) to to->record, each once, in no order, but those of steps in due_ms [n_due] (starts, ascending): the caller has
 * given them. */
tft_status recent_give(const recent *r, const int64_t *due_ms, size_t n_due, const store_visitor *to, tft_error *err);

#endif
