/* store.c - see store.h: opening, deciding, committing.
 *
 * Group commit. An append puts a ticket on the queue. Whoever finds no writer becomes it, takes the whole queue into one
 * transaction, commits, and wakes everybody; those whose ticket is done leave, one of the others is the next writer.
 *
 *     A ──────▶ writes A ─────────▶ done
 *     B ──▶ waits ............... ▶ writes B C D in one transaction ──▶ done
 *     C ────▶ waits .............................................. ▶ done
 *
 * A failed transaction fails every batch in it and changes nothing: the database rolls back, and what was pending in
 * memory is forgotten.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "series/record.h"
#include "store/database_blocks.h"
#include "store/internal.h"
#include "store/step_log.h"

typedef enum trouble_kind { TROUBLE_NONE, TROUBLE_FULL, TROUBLE_IO, TROUBLE_DAMAGED, TROUBLE_MEMORY } trouble_kind;

static const char *const trouble_text[] = {
    [TROUBLE_NONE] = NULL,
    [TROUBLE_FULL] = "disk full",
    [TROUBLE_IO] = "the store cannot write",
    [TROUBLE_DAMAGED] = "the store's file is damaged",
    [TROUBLE_MEMORY] = "out of memory",
};

struct store_ticket {
    store_batch *batch;
    tft_status status;
    tft_error err;
    bool done;
    store_ticket *next;
};

store_options store_options_default(void)
{
    return (store_options){
        .dir = "./tftd-data",
        .sync_full = true,
        .retention_records_ms = (int64_t)7 * 86400000,
        .retention_steps_ms = (int64_t)400 * 86400000,
        .max_servers = 10000,
        .max_bytes = (uint64_t)4 << 30,
    };
}

/* ---- opening ------------------------------------------------------------------------------------------- */

static tft_status lock_folder(store *s, const char *dir, tft_error *err)
{
    char path[4096];
    tft_status status = tft_make_folders(dir, 0700, err);
    if (status != TFT_OK)
        return status;
    if (snprintf(path, sizeof path, "%s/lock", dir) >= (int)sizeof path)
        return tft_fail(err, TFT_ERR_ARGUMENT, "data directory: the name is too long");
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return tft_fail(err, TFT_ERR_IO, "%s: %s", path, strerror(errno));
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? tft_fail(err, TFT_ERR_BUSY, "data directory %s is used by another tftd", dir)
                                    : tft_fail(err, TFT_ERR_IO, "%s: %s", path, strerror(errno));
    char pid[32];
    const int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(s->lock_fd, 0) != 0 || pwrite(s->lock_fd, pid, (size_t)n, 0) != n)
        return tft_fail(err, TFT_ERR_IO, "%s: %s", path, strerror(errno)); // a full or read-only disk shows here first
    return TFT_OK;
}

static tft_status load_server(void *context, const database_server *row, tft_error *err)
{
    store *const s = context;
    uint32_t index;
    if (row->id != (int64_t)s->names.n + 1 || row->name_len == 0 || row->profile >= TFT_N_PROFILES || row->state < 0 ||
        row->state >= TFT_N_STATES)
        return tft_fail(err, TFT_ERR_FORMAT, "table servers: row %lld is damaged", (long long)row->id);
    const tft_status status = names_add(&s->names, row->name, row->name_len, &index, err);
    if (status != TFT_OK)
        return status;
    s->names.servers[index].committed = s->names.servers[index].pending =
        (name_facts){row->profile, row->state, row->records, row->first_ms, row->newest_ms};
    return TFT_OK;
}

static tft_status load_memory(store *s, const tft_contract *contract, tft_error *err)
{
    tft_status status = database_begin(s->db, err);
    for (size_t m = 0; m < contract->n_metrics && status == TFT_OK; m++) {
        status = database_metric(s->db, contract->metrics[m].name, &s->columns[m], err);
        s->n_columns = s->columns[m] + 1 > s->n_columns ? s->columns[m] + 1 : s->n_columns;
    }
    if (status == TFT_OK)
        status = database_blocks_begin(s->db, s->columns, s->n_metrics, err);
    if (status == TFT_OK)
        status = database_commit(s->db, err);
    if (status == TFT_OK)
        status = database_get_counters(s->db, &s->counters, err);
    if (status == TFT_OK)
        status = database_each_server(s->db, load_server, s, err);
    int64_t newest = INT64_MIN;
    if (status == TFT_OK)
        status = database_newest_step(s->db, &newest, err);
    s->sealed_end_ms = newest == INT64_MIN ? INT64_MIN : newest + s->step_ms;
    return status;
}

/* The database and what SQLite keeps beside it are nobody else's to read, whatever the folder's mode is. SQLite gives the files that it
 * makes the mode of the database, so that is there before it is opened; where it cannot be made, opening it says why. */
static void make_private(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char name[4096 + 8];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        chmod(name, 0600);
    }
}

tft_status store_open(const store_options *options, const tft_contract *contract, store **out, tft_error *err)
{
    *out = NULL;
    store *const s = calloc(1, sizeof *s);
    if (s == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a store");
    s->lock_fd = -1;
    s->n_metrics = contract->n_metrics;
    s->step_ms = contract->step_ms;
    s->max_servers = options->max_servers;
    s->max_bytes = options->max_bytes;
    s->min_free_bytes = options->min_free_bytes;
    s->dir_fd = -1;
    s->now_ms = options->now_ms != NULL ? options->now_ms : tft_wall_ms;
    s->retention_records_ms = options->retention_records_ms;
    s->retention_steps_ms = options->retention_steps_ms;
    s->last = &s->first;
    s->prune_from_ms = s->next_expiry_ms = s->hours_from_ms = INT64_MIN;
    s->soonest_ms = INT64_MAX;
    s->counting_ms = INT64_MIN;
    step_log_unmark(s);
    pthread_mutex_init(&s->queue_lock, NULL);
    pthread_cond_init(&s->queue_moved, NULL);
    pthread_mutex_init(&s->counters_lock, NULL);

    char path[4096];
    tft_status status = names_init(&s->names, err);
    if (status == TFT_OK)
        status = lock_folder(s, options->dir, err);
    if (status != TFT_OK)
        goto done;
    s->dir_fd = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(path, sizeof path, "%s/tftd.db", options->dir);
    const database_options how = {path, options->sync_full,
                                  options->cache_bytes > 0 ? options->cache_bytes : STORE_CACHE_BYTES,
                                  options->max_bytes, s->step_ms};
    make_private(path);
    status = database_open(&how, &s->db, err);
    if (status == TFT_OK)
        status = database_open_beside(path, &s->beside, err);
    if (status == TFT_OK)
        status = load_memory(s, contract, err);
    if (status != TFT_OK) {
        tft_error_prefix(err, "%s", path);
        goto done;
    }
    (void)store_check_room(s, NULL); // a store that is low can still be read, and says so
    store_settle(s, &s->counters);

done:
    if (status != TFT_OK) {
        store_close(s);
        return status;
    }
    *out = s;
    return TFT_OK;
}

void store_close(store *s)
{
    if (s == NULL)
        return;
    database_close(s->beside);
    database_close(s->db);
    names_free(&s->names);
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    pthread_mutex_destroy(&s->queue_lock);
    pthread_cond_destroy(&s->queue_moved);
    pthread_mutex_destroy(&s->counters_lock);
    free(s);
}

/* ---- the writer ---------------------------------------------------------------------------------------- */

void store_begin_writing(store *s)
{
    pthread_mutex_lock(&s->queue_lock);
    while (s->writing)
        pthread_cond_wait(&s->queue_moved, &s->queue_lock);
    s->writing = true;
    pthread_mutex_unlock(&s->queue_lock);
}

void store_end_writing(store *s)
{
    pthread_mutex_lock(&s->queue_lock);
    s->writing = false;
    pthread_cond_broadcast(&s->queue_moved);
    pthread_mutex_unlock(&s->queue_lock);
}

tft_status store_begin_transaction(store *s, tft_error *err)
{
    store_begin_writing(s);
    return database_begin(s->db, err);
}

tft_status store_end_transaction(store *s, tft_status status, tft_error *err)
{
    if (status == TFT_OK)
        status = database_commit(s->db, err);
    if (status != TFT_OK)
        store_undo(s, status);
    store_end_writing(s);
    return status;
}

tft_status store_undo(store *s, tft_status status)
{
    const bool full = status == TFT_ERR_IO && database_was_full(s->db);
    database_rollback(s->db);
    names_revert(&s->names);
    step_log_unmark(s);
    s->trouble = full                       ? TROUBLE_FULL
                 : status == TFT_ERR_FORMAT ? TROUBLE_DAMAGED
                 : status == TFT_ERR_MEMORY ? TROUBLE_MEMORY
                                            : TROUBLE_IO;
    return status;
}

void store_settle(store *s, const database_counters *counters)
{
    names_settle(&s->names);
    s->counters = *counters;
    s->trouble = TROUBLE_NONE;
    pthread_mutex_lock(&s->counters_lock);
    s->shown = (store_counters){
        .ticks = counters->ticks,
        .records_total = counters->records_total,
        .window_size = counters->window_size,
        .duplicates_total = counters->duplicates_total,
        .conflicts_total = counters->conflicts_total,
        .filled_total = counters->filled_total,
        .late_total = counters->late_total,
        .rejected_total = counters->rejected_total,
        .n_servers = s->names.n,
    };
    pthread_mutex_unlock(&s->counters_lock);
}

store_counters store_counters_now(store *s)
{
    pthread_mutex_lock(&s->counters_lock);
    const store_counters counters = s->shown;
    pthread_mutex_unlock(&s->counters_lock);
    return counters;
}

const char *store_trouble(const store *s)
{
    if (atomic_load(&s->low))
        return "disk nearly full: less than store.min_free is left";
    return trouble_text[atomic_load(&s->trouble)]; // gcc reads a const atomic as if it were none
}

tft_status store_check_room(store *s, tft_error *err)
{
    struct statvfs disk;
    if (s->min_free_bytes == 0 || s->dir_fd < 0 || fstatvfs(s->dir_fd, &disk) != 0)
        return TFT_OK;
    const uint64_t unit = disk.f_frsize > 0 ? disk.f_frsize : disk.f_bsize, left = (uint64_t)disk.f_bavail * unit;
    s->low = left < s->min_free_bytes;
    return s->low ? tft_fail(err, TFT_ERR_IO, "disk nearly full: %llu MiB are left, store.min_free wants %llu MiB",
                             (unsigned long long)(left >> 20), (unsigned long long)(s->min_free_bytes >> 20))
                  : TFT_OK;
}

/* ---- deciding ------------------------------------------------------------------------------------------ */

/* The key is known: fills what was missing, or finds that nothing was. */
static tft_status complete(store *s, const tft_record *record, database_record *old, store_verdict *verdict,
                           tft_error *err)
{
    for (size_t c = old->n_values; c < s->n_columns; c++)
        old->values[c] = NAN;
    old->n_values = old->n_values < s->n_columns ? s->n_columns : old->n_values;
    for (size_t m = 0; m < s->n_metrics; m++) {
        double *const was = &old->values[s->columns[m]];
        const double is = record->values[m];
        if (isnan(is))
            continue;
        if (isnan(*was)) {
            *was = is;
            verdict->filled |= 1u << m;
        } else if (*was != is) {
            verdict->conflict = true;
        }
    }
    if (record->state != TFT_STATE_NONE && old->state == TFT_STATE_NONE) {
        old->state = record->state;
        verdict->state_filled = true;
    } else if (record->state != TFT_STATE_NONE && old->state != (int)record->state) {
        verdict->conflict = true;
    }
    const bool adds = verdict->filled != 0 || verdict->state_filled;
    verdict->outcome = adds ? STORE_FILLED : STORE_DUPLICATE;
    return adds ? database_update_record(s->db, old, err) : TFT_OK;
}

static tft_status is_sealed(store *s, int64_t time_ms, int64_t server, bool *sealed, tft_error *err)
{
    *sealed = false;
    return time_ms < s->sealed_end_ms
               ? database_is_sealed(s->db, tft_floor_to(time_ms, s->step_ms), server, sealed, err)
               : TFT_OK;
}

static tft_status note_server(store *s, uint32_t index, const tft_record *record, store_verdict *verdict,
                              tft_error *err)
{
    name_facts *const facts = names_touch(&s->names, index);
    if (facts == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to note a change");
    const bool newest = record->time_ms >= facts->newest_ms;
    if (verdict->outcome == STORE_NEW) {
        verdict->late = !newest;
        facts->records++;
        facts->first_ms = record->time_ms < facts->first_ms ? record->time_ms : facts->first_ms;
    }
    if (newest) {
        facts->newest_ms = record->time_ms;
        if (verdict->outcome == STORE_NEW || verdict->state_filled)
            facts->state = (int)record->state;
        if (record->profile != TFT_RECORD_NO_PROFILE)
            facts->profile = record->profile;
    }
    return TFT_OK;
}

static tft_status decide(store *s, const tft_record *record, int64_t arrival_ms, store_verdict *verdict, tft_error *err)
{
    *verdict = (store_verdict){.server = NAMES_NONE};
    uint32_t index = names_find(&s->names, record->name, record->name_length);
    tft_status status = TFT_OK;
    if (index == NAMES_NONE) {
        if (s->names.n >= s->max_servers) {
            verdict->outcome = STORE_TOO_MANY_SERVERS;
            return TFT_OK;
        }
        status = names_add(&s->names, record->name, record->name_length, &index, err);
        if (status != TFT_OK)
            return status;
    }
    verdict->server = index;
    const int64_t id = (int64_t)index + 1;
    bool sealed;
    status = is_sealed(s, record->time_ms, id, &sealed, err);
    if (status != TFT_OK)
        return status;

    database_record row = {
        .time_ms = record->time_ms, .server = id, .arrival_ms = arrival_ms, .state = (int)record->state};
    bool inserted = false;
    if (!sealed) {
        row.n_values = s->n_columns;
        for (size_t c = 0; c < s->n_columns; c++)
            row.values[c] = NAN;
        for (size_t m = 0; m < s->n_metrics; m++)
            row.values[s->columns[m]] = record->values[m];
        status = database_insert_record(s->db, &row, &inserted, err);
        if (status != TFT_OK)
            return status;
    }
    if (inserted) {
        verdict->outcome = STORE_NEW;
    } else {
        status = database_get_record(s->db, record->time_ms, id, &row, err);
        if (sealed) { // a record that waits for its own retention is a duplicate still; nothing can be added to its step
            verdict->outcome = status == TFT_OK ? STORE_DUPLICATE : STORE_TOO_OLD;
            return status == TFT_ERR_NOT_FOUND ? TFT_OK : status;
        }
        if (status == TFT_OK)
            status = complete(s, record, &row, verdict, err);
    }
    if (status != TFT_OK || verdict->outcome == STORE_DUPLICATE)
        return status;
    status = step_log_mark(s, record->time_ms, err);
    return status == TFT_OK ? note_server(s, index, record, verdict, err) : status;
}

/* ---- appending ----------------------------------------------------------------------------------------- */

static tft_status decide_batch(store *s, store_batch *batch, database_counters *counters, tft_error *err)
{
    bool stored = false;
    counters->rejected_total += (int64_t)batch->n_rejected;
    for (size_t i = 0; i < batch->n; i++) {
        store_verdict *const verdict = &batch->verdicts[i];
        const tft_status status = decide(s, &batch->records[i], batch->arrival_ms, verdict, err);
        if (status != TFT_OK)
            return status;
        counters->conflicts_total += verdict->conflict;
        counters->late_total += verdict->late;
        switch (verdict->outcome) {
        case STORE_NEW:
            counters->records_total++;
            counters->window_size++;
            stored = true;
            break;
        case STORE_FILLED:
            counters->filled_total++;
            stored = true;
            break;
        case STORE_DUPLICATE:
            counters->duplicates_total++;
            break;
        case STORE_TOO_OLD:
        case STORE_TOO_MANY_SERVERS:
            counters->rejected_total++;
            break;
        }
    }
    counters->ticks += stored;
    batch->after = (store_counters){
        .ticks = counters->ticks,
        .records_total = counters->records_total,
        .window_size = counters->window_size,
        .duplicates_total = counters->duplicates_total,
        .conflicts_total = counters->conflicts_total,
        .filled_total = counters->filled_total,
        .late_total = counters->late_total,
        .rejected_total = counters->rejected_total,
        .n_servers = s->names.n,
    };
    return TFT_OK;
}

static tft_status write_servers(store *s, tft_error *err)
{
    for (size_t i = 0; i < s->names.n_touched; i++) {
        const uint32_t index = s->names.touched[i];
        const name_entry *const entry = &s->names.servers[index];
        const name_facts *const facts = &entry->pending;
        const database_server row = {(int64_t)index + 1, entry->name,    entry->length,   facts->profile,
                                     facts->state,       facts->records, facts->first_ms, facts->newest_ms};
        const tft_status status = index < s->names.n_committed ? database_update_server(s->db, &row, err)
                                                               : database_put_server(s->db, &row, err);
        if (status != TFT_OK)
            return status;
    }
    return TFT_OK;
}

/* One transaction for all tickets of the list. */
static tft_status write_group(store *s, store_ticket *list, tft_error *err)
{
    database_counters counters = s->counters;
    tft_status status = store_check_room(s, err);
    if (status != TFT_OK)
        return status;
    status = database_begin(s->db, err);
    for (store_ticket *t = list; t != NULL && status == TFT_OK; t = t->next)
        status = decide_batch(s, t->batch, &counters, err);
    if (status == TFT_OK)
        status = write_servers(s, err);
    if (status == TFT_OK && memcmp(&counters, &s->counters, sizeof counters) != 0)
        status = database_set_counters(s->db, &counters, err);
    if (status == TFT_OK)
        status = database_commit(s->db, err);
    if (status != TFT_OK)
        return store_undo(s, status);
    store_settle(s, &counters);
    return TFT_OK;
}

tft_status store_append(store *s, store_batch *batch, tft_error *err)
{
    store_ticket ticket = {.batch = batch};
    pthread_mutex_lock(&s->queue_lock);
    *s->last = &ticket;
    s->last = &ticket.next;
    while (!ticket.done && s->writing)
        pthread_cond_wait(&s->queue_moved, &s->queue_lock);
    if (!ticket.done) { // nobody writes: the whole queue, this ticket among it, is ours
        store_ticket *const list = s->first;
        s->first = NULL;
        s->last = &s->first;
        s->writing = true;
        pthread_mutex_unlock(&s->queue_lock);

        tft_error why = {0};
        const tft_status status = write_group(s, list, &why);

        pthread_mutex_lock(&s->queue_lock);
        for (store_ticket *t = list, *next; t != NULL; t = next) {
            next = t->next; // a done ticket is its owner's again, once the lock is free
            t->status = status;
            t->err = why;
            t->done = true;
        }
        s->writing = false;
        pthread_cond_broadcast(&s->queue_moved);
    }
    pthread_mutex_unlock(&s->queue_lock);
    return ticket.status == TFT_OK ? TFT_OK : tft_fail(err, ticket.status, "%s", ticket.err.text);
}

static bool has_refusal(const store_batch *batch)
{
    bool found = false;
    for (size_t i = 0; i < batch->n; i++)
        found = found || batch->verdicts[i].outcome == STORE_TOO_OLD ||
                batch->verdicts[i].outcome == STORE_TOO_MANY_SERVERS;
    return found;
}

tft_status store_append_whole(store *s, store_batch *batch, bool *refused, tft_error *err)
{
    *refused = false;
    store_begin_writing(s);
    database_counters counters = s->counters;
    tft_status status = store_check_room(s, err);
    if (status != TFT_OK) {
        store_end_writing(s);
        return status;
    }
    status = database_begin(s->db, err);
    if (status == TFT_OK)
        status = decide_batch(s, batch, &counters, err);
    *refused = status == TFT_OK && has_refusal(batch);
    if (*refused) { // nothing is wrong with the store: the transaction is given up on purpose
        database_rollback(s->db);
        names_revert(&s->names);
        step_log_unmark(s);
        store_end_writing(s);
        return TFT_OK;
    }
    if (status == TFT_OK)
        status = write_servers(s, err);
    if (status == TFT_OK)
        status = database_set_counters(s->db, &counters, err);
    if (status == TFT_OK)
        status = database_commit(s->db, err);
    if (status == TFT_OK)
        store_settle(s, &counters);
    else
        store_undo(s, status);
    store_end_writing(s);
    return status;
}

void store_set_retention(store *s, int64_t records_ms, int64_t steps_ms)
{
    s->retention_records_ms = records_ms;
    s->retention_steps_ms = steps_ms;
    store_begin_writing(s);
    s->prune_from_ms = s->next_expiry_ms = INT64_MIN;
    s->soonest_ms = INT64_MAX;
    store_end_writing(s);
}
