/* database_servers.h - SQL about one server: its labels, and forgetting it. See database.h.
 *
 * A forgotten server's row stays as a gap in the numbering, under a name that no client can send (it begins with a control
 * character): numbers of servers are their places in memory, and those of the others must not move.
 *
 * Threads: one at a time (the store's writer).
 */
#ifndef TFTD_STORE_DATABASE_SERVERS_H
#define TFTD_STORE_DATABASE_SERVERS_H

#include "store/database.h"

/* labels: a JSON object, or NULL for none. */
tft_status database_put_labels(database *db, int64_t server, const char *labels, tft_error *err);
/* index: id − 1. */
tft_status database_each_labels(database *db, void (*visit)(void *context, uint32_t index, const char *labels),
                                void *context, tft_error *err);

/* Deletes records, steps, labels and alerts that are over of a server, and renames its row. Reads every row of records
 * and steps once: they are ordered by time. *n_records: raw records that went. */
tft_status database_forget_server(database *db, int64_t server, const char *name, size_t name_len, const char *gap_name,
                                  size_t *n_records, tft_error *err);

#endif
