/* accept.h - the one way in for records: store, then fleet, then the engine is told.
 *
 * Whatever decoded them (JSON now, other protocols later), checked records come here and leave committed.
 *
 * Threads: any.
 */
#ifndef TFTD_SERVER_ACCEPT_H
#define TFTD_SERVER_ACCEPT_H

#include "series/record.h"
#include "server/server.h"

typedef struct accept_counts {
    size_t accepted, filled, duplicates, conflicts, late, rejected; // rejected here: by the store, after validation
    fleet_receipt receipt;
} accept_counts;

/* `source` counts in /metrics. Commits records[0 … n−1] (already checked) and applies them. n_rejected records of the same request were refused by
 * validation. verdicts [n] are filled in. The records' values are changed: of a completed one, only what it added is left.
 * Anything but TFT_OK: nothing of it was stored. */
tft_status accept_records(server *srv, meters_source source, tft_record *records, size_t n, size_t n_rejected,
                          int64_t arrival_ms, store_verdict *verdicts, accept_counts *counts, tft_error *err);

/* The same, all or nothing: where the store refuses one of them, *refused is set and nothing was stored. */
tft_status accept_whole(server *srv, meters_source source, tft_record *records, size_t n, int64_t arrival_ms,
                        store_verdict *verdicts, accept_counts *counts, bool *refused, tft_error *err);

#endif
