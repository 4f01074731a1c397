/* times.h - the instants at which a server was already heard, so that a repeated row counts once.
 *
 * Nearly every file holds a server's rows in time order and at an even pace, so the set is kept as runs
 * (start, stride, n) in ascending order: a month of 5-minute rows is one run, 24 bytes. An instant that is not newer
 * than all before goes into a small hash table instead. Exact in either case.
 *
 * Memory:  owns its arrays; at worst 24 bytes for two instants in order, 16 to 32 bytes for one out of order.
 */
#ifndef TFT_SERIES_TIMES_H
#define TFT_SERIES_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

typedef struct tft_time_run {
    int64_t start, stride;
    int64_t n;
} tft_time_run;

typedef struct tft_times {
    size_t n_runs, runs_capacity;
    tft_time_run *runs;
    size_t n_odd, odd_capacity; // a power of two, or 0
    int64_t *odd;               // open addressing; INT64_MIN = empty
} tft_times;

void tft_times_free(tft_times *times); // accepts a zeroed struct

/* Adds an instant (not INT64_MIN); *is_new tells whether it was not there. */
tft_status tft_times_add(tft_times *times, int64_t time_ms, bool *is_new, tft_error *err);

#endif
