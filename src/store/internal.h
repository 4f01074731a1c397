/* internal.h - what store.c, load.c and retention.c share. Nobody outside this room includes it. */
#ifndef TFTD_STORE_INTERNAL_H
#define TFTD_STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/database_steps.h"
#include "store/names.h"
#include "store/store.h"

typedef struct store_ticket store_ticket; // one waiting append

struct store {
    int lock_fd;
    size_t n_metrics;                // of the contract
    size_t columns[TFT_MAX_METRICS]; // contract metric → id in the database
    size_t n_columns;                // highest id + 1: what a blob holds
    int64_t step_ms;
    size_t max_servers;
    uint64_t max_bytes, min_free_bytes;
    database *beside; // reads beside db: the maintainer's
    int dir_fd;       // of the data directory, to ask for free space
    int64_t (*now_ms)(void);
    _Atomic int64_t retention_records_ms, retention_steps_ms;
    _Atomic int trouble; // store_trouble_kind
    atomic_bool low;     // less than min_free_bytes is left: records are refused

    pthread_mutex_t queue_lock; // guards the fields of this block
    pthread_cond_t queue_moved;
    store_ticket *first, **last;
    bool writing; // somebody is the writer: only the writer touches the next block

    database *db;
#define STORE_MARKED 8
    int64_t marked_ms[STORE_MARKED]; // steps that the last records marked as due (step_log.h); INT64_MIN = none
    size_t next_marked;
    int64_t counting_ms;               // the step that is being counted,
    bool counted_again, counting_void; // and that it got a record meanwhile; that a server was forgotten meanwhile
    names names;
    database_counters counters; // as committed
    int64_t sealed_end_ms;      // no step that ends later is sealed: spares the look-up for nearly all records
    int64_t prune_from_ms;      // where the walk over old records goes on
    int64_t next_expiry_ms;     // no record expires earlier
    int64_t soonest_ms;         // of the walk that is under way
    int64_t hours_from_ms;      // no older hour has values: the maintainer's

    pthread_mutex_t counters_lock; // guards `shown`
    store_counters shown;          // what store_counters_now() gives
};

/* Become the writer, and cease to be; store_append() has its own way in. */
void store_begin_writing(store *s);
void store_end_writing(store *s);

/* A transaction of its own that moves no counters: begins as the writer, and ends what was begun. A failure, of what stood in
 * between (status) or of the commit, leaves everything as it was. */
tft_status store_begin_transaction(store *s, tft_error *err);
tft_status store_end_transaction(store *s, tft_status status, tft_error *err);

/* Whoever writes a server's rows may have begun before it was forgotten: as the writer asks this first, so that none stays behind. */
bool store_is_forgotten(const store *s, uint32_t server);

/* What loading gives, in the contract's order: means NaN where there is none, counts and records at most UINT16_MAX. */
tft_status store_give_servers(const store *s, const store_visitor *to, tft_error *err);
tft_status store_give_record(const store *s, const store_visitor *to, const database_record *row, tft_error *err);
void store_step_values(const store *s, const database_logged_step *row, float *means, uint16_t *counts);
uint16_t store_step_records(const database_logged_step *row);

/* TFT_ERR_IO while the file system has less than min_free_bytes left, and store_trouble() says so; asks anew each time. */
tft_status store_check_room(store *s, tft_error *err);

/* After a failed transaction: rolls back, forgets what was pending, remembers the trouble. Returns status. */
tft_status store_undo(store *s, tft_status status);
/* After a commit: pending becomes committed, counters are shown, the trouble is over. */
void store_settle(store *s, const database_counters *counters);

#endif
