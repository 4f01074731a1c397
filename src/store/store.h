/* store.h - history and counters on disk: what makes "accepted" mean "survives kill -9". The one door to SQLite.
 *
 * A batch is decided and committed in one transaction. For each record, by its key (server name, timestamp to 1 ms):
 *
 *     key unknown                                       STORE_NEW         one more record
 *     key known, adds values that were missing          STORE_FILLED      the values there keep their first value
 *     key known, adds nothing                           STORE_DUPLICATE   with `conflict` where it disagreed
 *     its step is sealed (raw records past retention)   STORE_TOO_OLD
 *     a new server beyond max_servers                   STORE_TOO_MANY_SERVERS
 *
 * The same holds inside one batch, in its order. Concurrent callers share a commit: while one is writing, the others
 * queue, and the next writer takes the whole queue into one transaction (one fsync for all of them).
 *
 * Raw records live until their timestamp and their arrival are both older than retention_records; then their step is
 * sealed: its means stay, the record goes, and a later record for that step is too old. Counters and the number of
 * records per server never fall by that.
 *
 * Memory:  bounded by max_servers (a name and about 100 bytes each) and SQLite's page cache (cache_bytes).
 * Threads: all functions from any thread after store_open(); store_load() before the first append and store_maintain().
 * Files:   <dir>/tftd.db (+ -wal, -shm), <dir>/lock. The folder is made with mode 0700 and locked: one process.
 */
#ifndef TFTD_STORE_STORE_H
#define TFTD_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "series/step_block.h"
#include "tft/contract.h"
#include "tft/error.h"

struct tft_record; // series/record.h

typedef struct store store;

#define STORE_CACHE_BYTES ((uint64_t)16 << 20)

typedef struct store_options {
    const char *dir;
    bool sync_full;               // fsync at each commit: survives power loss too; else it survives kill -9 only
    int64_t retention_records_ms; // 7 days
    int64_t retention_steps_ms;   // 400 days; older ones become hours (hours.h), the mark that they were sealed stays
    size_t max_servers;           // 10000
    uint64_t max_bytes;           // hard bound of the database file; 0 = none
    uint64_t min_free_bytes;      // store.min_free: nothing is stored while the file system has less; 0 = none
    uint64_t cache_bytes;         // SQLite's page cache; 0 = STORE_CACHE_BYTES
    int64_t (*now_ms)(void);      // NULL = the wall clock
} store_options;

store_options store_options_default(void);

/* Opens or creates the database for the metrics of `contract`. A large file is looked through for damage while it is used, until
 * store_load_newest() ends at the latest, which then says so. TFT_ERR_BUSY: another process has the folder.
 * TFT_ERR_IO: it cannot be made, read or written. TFT_ERR_FORMAT: damaged. TFT_ERR_MISMATCH: made by a newer tftd. */
tft_status store_open(const store_options *options, const tft_contract *contract, store **store, tft_error *err);
void store_close(store *store); // accepts NULL; checkpoints the log and unlocks the folder

typedef enum store_outcome {
    STORE_NEW,
    STORE_FILLED,
    STORE_DUPLICATE,
    STORE_TOO_OLD,
    STORE_TOO_MANY_SERVERS
} store_outcome;

typedef struct store_verdict {
    store_outcome outcome;
    bool conflict;     // disagreed with a stored value (which stays)
    bool late;         // STORE_NEW and older than its server's newest record
    bool state_filled; // the state was missing before
    uint32_t filled;   // STORE_FILLED: bit m = metric m was missing before
    uint32_t server; // index of the server, 0 … n_servers − 1, stable over restarts; UINT32_MAX where there is none
} store_verdict;

/* None of these ever falls, but window_size. All survive kill -9. */
typedef struct store_counters {
    int64_t ticks;         // batches that stored something new
    int64_t records_total; // distinct records ever accepted
    int64_t window_size;   // raw records held now
    int64_t duplicates_total, conflicts_total, filled_total, late_total, rejected_total;
    size_t n_servers;
} store_counters;

typedef struct store_batch {
    const struct tft_record *records; // lent; valid by series/record.h
    size_t n;
    size_t n_rejected; // records of this request that validation refused: they count in rejected_total
    int64_t arrival_ms;
    store_verdict *verdicts; // [n], lent; filled in
    store_counters after;    // filled in: as committed with this batch
} store_batch;

/* Decides and commits. Anything but TFT_OK: nothing of the batch was stored and the verdicts mean nothing.
 * TFT_ERR_IO: the disk is full, has less than min_free_bytes left, or fails (store_trouble() then says so until a write succeeds). */
tft_status store_append(store *store, store_batch *batch, tft_error *err);

/* The same, all or nothing: where a record would be STORE_TOO_OLD or STORE_TOO_MANY_SERVERS, nothing is stored, *refused is
 * set, and the verdicts say which. Waits for whoever writes; shares no commit. */
tft_status store_append_whole(store *store, store_batch *batch, bool *refused, tft_error *err);

store_counters store_counters_now(store *store);

/* NULL while the store can write, else why not ("disk full", …; static text). Takes no lock. */
const char *store_trouble(const store *store);

/* One server as stored. `name` is lent for the duration of a call-back. */
typedef struct store_server {
    uint32_t index;
    const char *name;
    size_t name_len;
    int profile;     // tft_profile as last sent, −1 = never sent
    tft_state state; // sent with the newest record, NONE where none was
    int64_t records; // distinct records ever accepted
    int64_t first_ms, newest_ms;
} store_server;

/* What store_load() calls, any of them NULL: all servers by index; then, by time, the steps at or after from_ms (sealed
 * ones, then those that the raw records make) and the raw records at or after from_ms. Values are in the contract's
 * order, NaN where missing. A status other than TFT_OK ends the load and is returned. */
typedef struct store_visitor {
    void *context;
    tft_status (*server)(void *context, const store_server *server, tft_error *err);
    tft_status (*step)(void *context, uint32_t server, int64_t step, const float *means, const uint16_t *value_counts,
                       uint16_t count, tft_state state, tft_error *err);
    tft_status (*record)(void *context, uint32_t server, int64_t time_ms, const double *values, tft_state state,
                         tft_error *err);
} store_visitor;

tft_status store_load(store *store, int64_t from_ms, const store_visitor *visitor, tft_error *err);

/* What a restart needs of it (restart.c). */
typedef struct store_reach {
    size_t memory_steps;                           // of a server that is kept: up to its newest one
    size_t n_recent;                               // newest raw records of a server, at most STORE_MOST_RECENT
    bool (*keeps)(void *context, uint32_t server); // whether a server's steps are wanted; NULL = of all
    /* A whole block of a server's steps as series/step_block.h packs it, newer than all that was given of it. */
    tft_status (*block)(void *context, uint32_t server, int64_t block, const unsigned char *packed, size_t n,
                        const tft_step_block *steps, tft_error *err);
} store_reach;
#define STORE_MOST_RECENT 64

/* The part of store_load() that a fleet keeps, which reads little more than that: each server's steps by time, once, and of the raw
 * records, each once and in no order: all of steps that are not counted yet, its n_recent newest ones, and those with the newest value
 * of each metric (and others). A fleet that is filled from it is the same as one that is filled from store_load(), ordered by step, but for
 * least and most of steps that are counted: those are on disk. All of `visitor` is set but
 * server, which may be NULL; the call-backs of `reach` get its context. */
tft_status store_load_newest(store *store, const store_reach *reach, const store_visitor *visitor, tft_error *err);

/* Seals and prunes what is past retention, in small transactions between which appends get their turn: to be called every
 * few seconds. *n_pruned (may be NULL) gets the number of raw records removed, also where the call fails later on. */
tft_status store_maintain(store *store, size_t *n_pruned, tft_error *err);

/* ---- what people change (servers.c) --------------------------------------------------------------------- */

typedef struct store_change {
    int profile; // tft_profile; −1 = stays
    int state;   // tft_state as if sent with the newest record; −1 = stays
    bool set_labels;
    const char *labels; // a JSON object, NULL = none; only with set_labels
} store_change;

/* TFT_ERR_NOT_FOUND: no server of this name. */
tft_status store_change_server(store *store, const char *name, size_t n, const store_change *change, tft_error *err);
/* Forgets a server with all its records and steps, in one transaction that other writers wait for; records_total stays. Its
 * index is not given to another; store_load() shows it as a gap (store_is_gap() of its name). */
tft_status store_forget_server(store *store, const char *name, size_t n, size_t *n_records, tft_error *err);
bool store_is_gap(const char *name, size_t n);
tft_status store_each_labels(store *store, void (*visit)(void *context, uint32_t server, const char *labels),
                             void *context, tft_error *err);

void store_set_retention(store *store, int64_t records_ms, int64_t steps_ms);

#endif
