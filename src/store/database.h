/* database.h - the tables of tftd.db as typed calls; database.c and its siblings are the only files that know SQLite and SQL.
 *
 *     meta      key, value                                    step_ms, blocks
 *     counters  one row: ticks, records_total, window_size and the other totals of /status
 *     metrics   id, name                                      column numbers of the blobs below; only ever added to
 *     servers   id, name, profile, state, records, first_ms, newest_ms, labels (JSON, or NULL)
 *     records   (time, server), arrival, state, vals          raw records; time first: a tick of the whole fleet is
 *                                                             appended to the last leaf instead of touching one per server
 *     steps     (time, server), records, state, vals          sealed steps
 *     step_log, steps_due                                     see database_steps.h
 *     step_blocks, blocks_due                                 see database_blocks.h
 *     hours                                                   see database_hours.h
 *     alerts, deliveries, silences, maintenance               see database_alerts.h
 *     forecast_sets, forecasts, scores                        see database_track.h
 *     incidents, environment                                  see database_fleet.h
 *
 * records.vals is one binary64, little-endian, per metric id 0 …; a shorter blob misses the later metrics, NaN is
 * missing. steps.vals is 6 bytes per metric: the mean as binary32, then how many values as uint16.
 * PRAGMA user_version is DATABASE_VERSION; an older file is migrated in one transaction, a newer one refused.
 *
 * Threads: one at a time (store.c sees to it).
 */
#ifndef TFTD_STORE_DATABASE_H
#define TFTD_STORE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/contract.h"
#include "tft/error.h"

#define DATABASE_VERSION 8
#define DATABASE_MAX_METRICS 256 // metrics that one data directory has ever seen

typedef struct database database;

typedef struct database_options {
    const char *path;
    bool sync_full;
    uint64_t cache_bytes, max_bytes; // max_bytes 0 = unbounded
    int64_t step_ms;                 // must be the one that the file was made with
} database_options;

tft_status database_open(const database_options *options, database **db, tft_error *err);
/* The file is looked through for damage beside what is done with it (database_check.h): waits for the end of that, and says
 * TFT_ERR_FORMAT where it found some. */
tft_status database_checked(database *db, tft_error *err);
/* A second connection to a file that is open, for reading beside its writer, on another thread. */
tft_status database_open_beside(const char *path, database **db, tft_error *err);
void database_close(database *db); // accepts NULL

tft_status database_begin(database *db, tft_error *err);
tft_status database_commit(database *db, tft_error *err);
void database_rollback(database *db); // harmless outside a transaction
/* Whether the last error was a full disk (or max_bytes). */
bool database_was_full(const database *db);

/* The id of the metric called `name`, added if new. */
tft_status database_metric(database *db, const char *name, size_t *id, tft_error *err);
/* How many metrics the file knows: no blob holds more. */
tft_status database_count_metrics(database *db, size_t *n, tft_error *err);

typedef struct database_counters {
    int64_t ticks, records_total, window_size, duplicates_total, conflicts_total, filled_total, late_total,
        rejected_total;
} database_counters;
tft_status database_get_counters(database *db, database_counters *counters, tft_error *err);
tft_status database_set_counters(database *db, const database_counters *counters, tft_error *err);

typedef struct database_server {
    int64_t id;
    const char *name; // lent
    size_t name_len;
    int profile, state;
    int64_t records, first_ms, newest_ms;
} database_server;
tft_status database_put_server(database *db, const database_server *server, tft_error *err); // insert or update by id
/* The same but for the name, of a server that is there: half the work. */
tft_status database_update_server(database *db, const database_server *server, tft_error *err);
tft_status database_each_server(database *db, tft_status (*visit)(void *, const database_server *, tft_error *),
                                void *context, tft_error *err);

typedef struct database_record {
    int64_t time_ms, server, arrival_ms;
    int state;
    size_t n_values; // metrics that the blob holds
    double values[DATABASE_MAX_METRICS];
} database_record;
/* *inserted is false, and nothing changes, where the key is known. */
tft_status database_insert_record(database *db, const database_record *record, bool *inserted, tft_error *err);
/* TFT_ERR_NOT_FOUND (without text) where there is none. */
tft_status database_get_record(database *db, int64_t time_ms, int64_t server, database_record *record, tft_error *err);
tft_status database_update_record(database *db, const database_record *record, tft_error *err);
/* Records with from_ms ≤ time < to_ms, by time, then server. */
tft_status database_each_record(database *db, int64_t from_ms, int64_t to_ms,
                                tft_status (*visit)(void *, const database_record *, tft_error *), void *context,
                                tft_error *err);
/* The newest `limit` (0 = all) records of one server with from_ms ≤ time < to_ms, newest first. Looks at the keys of all servers' records in
 * that span, from its end on, until it has found them. */
typedef struct database_span {
    int64_t from_ms, to_ms, server;
} database_span;
tft_status database_newest_records(database *db, const database_span *of, size_t limit,
                                   tft_status (*visit)(void *, const database_record *, tft_error *), void *context,
                                   tft_error *err);
/* Time of the oldest record at or after from_ms; INT64_MAX where there is none. */
tft_status database_oldest_record(database *db, int64_t from_ms, int64_t *time_ms, tft_error *err);
/* Deletes the records of [from_ms, to_ms) whose time and arrival are both before cutoff_ms. */
tft_status database_delete_records(database *db, int64_t from_ms, int64_t to_ms, int64_t cutoff_ms, size_t *n,
                                   tft_error *err);

typedef struct database_step {
    int64_t time_ms, server; // start of the step
    unsigned records;
    int state;
    size_t n_values; // 0 where the values went before there were hours
    float means[DATABASE_MAX_METRICS];
    uint16_t value_counts[DATABASE_MAX_METRICS];
} database_step;
tft_status database_is_sealed(database *db, int64_t step_time_ms, int64_t server, bool *sealed, tft_error *err);
tft_status database_put_step(database *db, const database_step *step, tft_error *err);
/* Steps that start at or after from_ms, by time, then server. */
tft_status database_each_step(database *db, int64_t from_ms,
                              tft_status (*visit)(void *, const database_step *, tft_error *), void *context,
                              tft_error *err);
/* No sealed step starts later; INT64_MIN where there is none. */
tft_status database_newest_step(database *db, int64_t *time_ms, tft_error *err);

/* Bytes in use, without the pages that are free inside the file. */
tft_status database_bytes(database *db, uint64_t *bytes, tft_error *err);

#endif
