/* fleet.c - the name table, what a batch does to a server, the clock, and the counters. See fleet.h.
 *
 *     f->table[slot] = id + 1 (0 = empty)   open addressing, linear probing, at most half full
 *     f->servers[id]                        a fleet_server and its arrays in one block, never moved
 *     f->hot[id]                            what the counters walk over: 16 bytes a server, in a row
 *
 * The tables have room for max_servers at birth, and double where sleepers or a reload want more. Names come from clients: the hash is seeded
 * per fleet, so that nobody can prepare names that collide.
 */
#include "forecast/fleet.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/clock.h"

#define NO_TIME INT64_MIN

typedef struct hot_server {
    int64_t last_seen_ms; // as in the server
    uint64_t records;
} hot_server;

struct fleet {
    fleet_options options;  // contract and sizes never change; the rest is guarded by lock
    pthread_rwlock_t *lock; // guards everything below; a pointer, so that readers of a const fleet can take it
    size_t capacity;        // ids that the next two hold
    fleet_server **servers; // [capacity]
    hot_server *hot;        // [capacity]
    uint32_t *table;        // [table_size]
    size_t table_size;      // a power of two ≥ 2 · capacity
    uint64_t seed;
    atomic_size_t n_servers; // written under the lock; read without it by fleet_size()
    uint8_t *reporting;      // [reporting_steps] did anybody report in step s: reporting[s mod n]
    size_t reporting_steps;
    block_pool blocks;      // of all histories
    size_t n_forgotten;     // those asleep too
    atomic_size_t n_asleep; // written under the lock
    int64_t newest_step;    // newest step in `reporting`; INT64_MIN = none
    int64_t newest_ms;      // newest record of the fleet; INT64_MIN = none
    fleet_saved_totals totals;
};

/* ---- opening ---------------------------------------------------------------------------------------------------- */

void fleet_options_default(const tft_contract *contract, fleet_options *options)
{
    *options = (fleet_options){.contract = *contract,
                               .max_servers = 10000,
                               .memory_steps = 0,
                               .warmup_records = 150,
                               .min_records = 100,
                               .stale_after_ms = 30 * 60 * 1000,
                               .offline_after_steps = 3,
                               .clock = FLEET_CLOCK_AUTO};
    state_rules_default(contract, &options->states);
}

static tft_status open_lock(pthread_rwlock_t **out, tft_error *err)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlock_t *lock = malloc(sizeof *lock);
    if (lock == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "fleet: no memory for a lock");
    pthread_rwlockattr_init(&attributes);
    // Writers first: a stream of readers must not keep ingest waiting. No reader takes the lock twice.
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    const int failed = pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    if (failed) {
        free(lock);
        return tft_fail(err, TFT_ERR_MEMORY, "fleet: the system gave no lock");
    }
    *out = lock;
    return TFT_OK;
}

static uint64_t draw_seed(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint64_t)tft_wall_ms() ^ (uint64_t)(uintptr_t)&draw_seed;
    return seed;
}

tft_status fleet_open(const fleet_options *options, fleet **out, tft_error *err)
{
    tft_status status = tft_contract_check(&options->contract, err);
    if (status != TFT_OK)
        return status;
    if (options->max_servers == 0 || options->max_servers > 10000000)
        return tft_fail(err, TFT_ERR_ARGUMENT, "servers.max is %zu, must be 1 to 10000000", options->max_servers);
    fleet *f = calloc(1, sizeof *f);
    if (f == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "fleet: no memory");
    f->options = *options;
    if (f->options.memory_steps == 0)
        f->options.memory_steps = options->contract.memory;
    if (f->options.memory_steps < options->contract.context)
        f->options.memory_steps = options->contract.context;
    f->table_size = 16;
    while (f->table_size < 2 * options->max_servers)
        f->table_size *= 2;
    f->reporting_steps = f->options.memory_steps;
    f->newest_step = NO_TIME;
    f->newest_ms = NO_TIME;
    f->seed = draw_seed();
    f->capacity = options->max_servers;
    f->servers = calloc(options->max_servers, sizeof *f->servers);
    f->hot = calloc(options->max_servers, sizeof *f->hot);
    f->table = calloc(f->table_size, sizeof *f->table);
    f->reporting = calloc(f->reporting_steps, 1);
    if (f->servers == NULL || f->hot == NULL || f->table == NULL || f->reporting == NULL)
        status = tft_fail(err, TFT_ERR_MEMORY, "fleet: no memory for tables of %zu servers", options->max_servers);
    else
        status = open_lock(&f->lock, err);
    if (status != TFT_OK) {
        fleet_close(f);
        return status;
    }
    *out = f;
    return TFT_OK;
}

void fleet_close(fleet *f)
{
    if (f == NULL)
        return;
    const size_t n = fleet_size(f);
    for (size_t i = 0; i < n; i++) {
        history_free(&f->servers[i]->history);
        free(f->servers[i]->block); // the server lies in it
    }
    if (f->lock != NULL)
        pthread_rwlock_destroy(f->lock);
    free(f->lock);
    free(f->servers);
    free(f->hot);
    free(f->table);
    free(f->reporting);
    free(f);
}

const tft_contract *fleet_contract(const fleet *f)
{
    return &f->options.contract;
}

const fleet_options *fleet_settings(const fleet *f)
{
    return &f->options;
}

static void write_lock(fleet *f)
{
    pthread_rwlock_wrlock(f->lock);
}

static void unlock(const fleet *f)
{
    pthread_rwlock_unlock(f->lock);
}

void fleet_read_lock(const fleet *f)
{
    pthread_rwlock_rdlock(f->lock);
}

void fleet_read_unlock(const fleet *f)
{
    unlock(f);
}

size_t fleet_size(const fleet *f)
{
    return atomic_load_explicit(&f->n_servers, memory_order_acquire);
}

const fleet_server *fleet_at(const fleet *f, size_t id)
{
    assert(id < fleet_size(f));
    return f->servers[id];
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static uint64_t hash_name(const fleet *f, const char *name, size_t n)
{
    uint64_t h = f->seed ^ (n * 0x9e3779b97f4a7c15u);
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)name[i]) * 0x100000001b3u ^ (h >> 29);
    h ^= h >> 33; // murmur3's finalizer: linear probing wants good low bits
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    return h;
}

/* The slot that holds the name, or the empty one where it belongs. */
static size_t find_slot(const fleet *f, const char *name, size_t n, uint64_t hash)
{
    size_t slot = (size_t)hash & (f->table_size - 1);
    for (; f->table[slot] != 0; slot = (slot + 1) & (f->table_size - 1)) {
        const fleet_server *s = f->servers[f->table[slot] - 1];
        if (s->hash == hash && s->name_length == n && memcmp(s->name, name, n) == 0)
            break;
    }
    return slot;
}

size_t fleet_find(const fleet *f, const char *name, size_t n)
{
    fleet_read_lock(f);
    const uint32_t found = f->table[find_slot(f, name, n, hash_name(f, name, n))];
    unlock(f);
    return found == 0 ? FLEET_NO_SERVER : found - 1;
}

/* Servers that take a place. */
static size_t count_awake(const fleet *f)
{
    return fleet_size(f) - f->n_forgotten;
}

static size_t most_ids(const fleet *f)
{
    const size_t wanted = f->options.max_servers + f->n_forgotten, most = f->options.max_servers * FLEET_IDS_PER_PLACE;
    return wanted < most ? wanted : most;
}

size_t fleet_room(const fleet *f)
{
    fleet_read_lock(f);
    const size_t n = fleet_size(f), most = most_ids(f);
    unlock(f);
    return most > n ? most - n : 0;
}

size_t fleet_most_ids(const fleet *f)
{
    fleet_read_lock(f);
    const size_t most = most_ids(f);
    unlock(f);
    return most;
}

/* Arrays of one kind lie in one block of the arena: each would be padded to a cache line, and there are as many as servers. */
static void lay_out_server(tft_arena *a, size_t n_metrics, size_t name_length, fleet_server **s, char **name)
{
    fleet_server *const server = tft_arena_alloc(a, 1, sizeof *server);
    int64_t *const newest_ms = tft_arena_alloc(a, n_metrics + FLEET_RECENT, sizeof(int64_t));
    double *const newest = tft_arena_alloc(a, n_metrics, sizeof(double));
    float *const recent = tft_arena_floats(a, (FLEET_RECENT + 2 * EXTREMES_STEPS) * n_metrics);
    *name = tft_arena_alloc(a, name_length + 1, 1);
    *s = server;
    if (server != NULL && *name != NULL) {
        server->newest = newest;
        server->newest_ms = newest_ms;
        server->recent_ms = newest_ms + n_metrics;
        server->recent = recent;
        server->extremes.least = recent + FLEET_RECENT * n_metrics;
        server->extremes.most = server->extremes.least + EXTREMES_STEPS * n_metrics;
    }
}

static size_t server_block_bytes(const fleet *f, size_t name_length)
{
    tft_arena count = {0};
    fleet_server *s;
    char *text;
    lay_out_server(&count, f->options.contract.n_metrics, name_length, &s, &text);
    return count.used;
}

static size_t table_bytes(const fleet *f)
{
    return sizeof(hot_server) + sizeof(fleet_server *) + f->table_size / f->capacity * sizeof *f->table;
}

size_t fleet_bytes_asleep(const fleet *f)
{
    fleet_read_lock(f);
    const size_t bytes = server_block_bytes(f, FLEET_NAME_MAX) + table_bytes(f);
    unlock(f);
    return bytes;
}

size_t fleet_bytes_per_server(const fleet *f)
{
    return fleet_bytes_asleep(f) + history_most_bytes(f->options.contract.n_metrics, f->options.memory_steps);
}

size_t fleet_bytes(const fleet *f)
{
    fleet_read_lock(f);
    size_t bytes = f->capacity * table_bytes(f);
    for (size_t i = 0, n = fleet_size(f); i < n; i++)
        bytes += server_block_bytes(f, f->servers[i]->name_length) + history_bytes(&f->servers[i]->history);
    fleet_read_unlock(f);
    return bytes;
}

static void set_profile(const fleet *f, fleet_server *s, int profile)
{
    if (profile >= 0 && profile < TFT_N_PROFILES) {
        s->profile_given = true;
        s->profile = (tft_profile)profile;
    } else if (!s->profile_given) {
        s->profile = f->options.profile_of_name != NULL
                         ? f->options.profile_of_name(f->options.profile_context, s->name, s->name_length)
                         : TFT_PROFILE_GENERIC;
    }
    s->history.profile = s->profile;
}

/* Open addressing: taking a name out breaks chains, so the table is filled anew. */
static void fill_table(fleet *f)
{
    memset(f->table, 0, f->table_size * sizeof *f->table);
    for (size_t i = 0, n = fleet_size(f); i < n; i++) {
        const fleet_server *s = f->servers[i];
        if (!s->forgotten || s->asleep)
            f->table[find_slot(f, s->name, s->name_length, s->hash)] = (uint32_t)(i + 1);
    }
}

/* Room for twice as many ids. Readers hold the lock whenever they look. */
static tft_status grow(fleet *f, tft_error *err)
{
    const size_t capacity = 2 * f->capacity;
    fleet_server **const servers = realloc(f->servers, capacity * sizeof *servers);
    f->servers = servers != NULL ? servers : f->servers;
    hot_server *const hot = realloc(f->hot, capacity * sizeof *hot);
    f->hot = hot != NULL ? hot : f->hot;
    uint32_t *const table = calloc(2 * f->table_size, sizeof *table);
    if (servers == NULL || hot == NULL || table == NULL) {
        free(table);
        return tft_fail(err, TFT_ERR_MEMORY, "fleet: no memory for tables of %zu servers", capacity);
    }
    free(f->table);
    f->table = table;
    f->table_size *= 2;
    f->capacity = capacity;
    fill_table(f);
    return TFT_OK;
}

static tft_status make_server(fleet *f, const char *name, size_t n, uint64_t hash, size_t *id, tft_error *err)
{
    const size_t m = f->options.contract.n_metrics, at = fleet_size(f);
    if (n == 0 || n > FLEET_NAME_MAX)
        return tft_fail(err, TFT_ERR_ARGUMENT, "server name of %zu bytes, must be 1 to %d", n, FLEET_NAME_MAX);
    tft_arena arena = {0};
    tft_status status = at < f->capacity ? TFT_OK : grow(f, err);
    if (status == TFT_OK)
        status = tft_arena_init(&arena, server_block_bytes(f, n), err);
    if (status != TFT_OK)
        return status;
    fleet_server *s;
    char *text;
    lay_out_server(&arena, m, n, &s, &text);
    memcpy(text, name, n);
    s->name = text;
    s->name_length = n;
    s->hash = hash;
    s->block = arena.block;
    s->version = 1;
    s->first_seen_ms = s->last_seen_ms = NO_TIME;
    for (size_t i = 0; i < m; i++) {
        s->newest[i] = (double)NAN;
        s->newest_ms[i] = NO_TIME;
    }
    extremes_clear(&s->extremes, m);
    history_init(&s->history, m, f->options.memory_steps, &f->blocks);
    set_profile(f, s, -1);
    f->servers[at] = s;
    f->hot[at] = (hot_server){.last_seen_ms = NO_TIME};
    f->table[find_slot(f, name, n, hash)] = (uint32_t)(at + 1);
    atomic_store_explicit(&f->n_servers, at + 1, memory_order_release);
    *id = at;
    return TFT_OK;
}

/* `stored`: it is in the store already and is taken whatever max_servers says. */
static tft_status find_or_make(fleet *f, const char *name, size_t n, bool stored, size_t *id, tft_error *err)
{
    const uint64_t hash = hash_name(f, name, n);
    const size_t slot = find_slot(f, name, n, hash);
    if (f->table[slot] == 0 && !stored && fleet_size(f) >= most_ids(f))
        return tft_fail(err, TFT_ERR_LIMIT, "too many servers: servers.max is %zu", f->options.max_servers);
    if (f->table[slot] == 0)
        return make_server(f, name, n, hash, id, err);
    *id = f->table[slot] - 1;
    return TFT_OK;
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

static int64_t step_of(const fleet *f, int64_t ms)
{
    return tft_floor_to(ms, f->options.contract.step_ms) / f->options.contract.step_ms;
}

static size_t reporting_slot(const fleet *f, int64_t step)
{
    const int64_t n = (int64_t)f->reporting_steps;
    return (size_t)((step % n + n) % n);
}

/* Somebody reported in `step`. The ring holds the newest reporting_steps steps; older ones are of no interest. */
static void mark_reporting(fleet *f, int64_t step)
{
    const int64_t n = (int64_t)f->reporting_steps;
    if (f->newest_step == NO_TIME || step - f->newest_step >= n) {
        memset(f->reporting, 0, f->reporting_steps);
        f->newest_step = step;
    }
    for (; f->newest_step < step; f->newest_step++)
        f->reporting[reporting_slot(f, f->newest_step + 1)] = 0;
    if (f->newest_step - step < n)
        f->reporting[reporting_slot(f, step)] = 1;
}

static bool is_reporting(const fleet *f, int64_t step)
{
    return f->newest_step != NO_TIME && step <= f->newest_step && f->newest_step - step < (int64_t)f->reporting_steps &&
           f->reporting[reporting_slot(f, step)] != 0;
}

/* Keeps the record among the newest FLEET_RECENT; a filled one completes its entry. */
static void keep_recent(const fleet *f, fleet_server *s, int64_t time_ms, const double *values, bool fill)
{
    const size_t m = f->options.contract.n_metrics;
    size_t at = 0;
    if (fill) {
        while (at < s->n_recent && s->recent_ms[at] != time_ms)
            at++;
        if (at == s->n_recent)
            return;
    } else if (s->n_recent < FLEET_RECENT) {
        at = s->n_recent++;
    } else {
        for (size_t i = 1; i < FLEET_RECENT; i++)
            if (s->recent_ms[i] < s->recent_ms[at])
                at = i;
        if (time_ms <= s->recent_ms[at])
            return;
    }
    s->recent_ms[at] = time_ms;
    for (size_t i = 0; i < m; i++)
        if (!fill || !isnan(values[i]))
            s->recent[at * m + i] = (float)values[i];
}

static void keep_newest(const fleet *f, fleet_server *s, int64_t time_ms, const double *values)
{
    for (size_t i = 0; i < f->options.contract.n_metrics; i++)
        if (!isnan(values[i]) && time_ms >= s->newest_ms[i]) {
            s->newest[i] = values[i];
            s->newest_ms[i] = time_ms;
        }
}

/* Maintenance is planned, and so is an offline that follows it. */
static void set_state(fleet_server *s, tft_state state)
{
    s->planned = state == TFT_STATE_MAINTENANCE || (state == TFT_STATE_OFFLINE && s->planned);
    s->sent_state = state;
}

/* Times and state of a record that is in the store. */
static void see(fleet *f, size_t id, int64_t time_ms, tft_state state)
{
    fleet_server *s = f->servers[id];
    if (s->first_seen_ms == NO_TIME || time_ms < s->first_seen_ms)
        s->first_seen_ms = time_ms;
    if (s->last_seen_ms == NO_TIME || time_ms >= s->last_seen_ms) {
        if (time_ms > s->last_seen_ms || state != TFT_STATE_NONE)
            set_state(s, state);
        s->last_seen_ms = time_ms;
    }
    if (!s->forgotten)
        f->hot[id].last_seen_ms = s->last_seen_ms;
    if (time_ms > f->newest_ms)
        f->newest_ms = time_ms;
}

static tft_status apply_new(fleet *f, size_t id, const fleet_record *r, size_t *late, tft_error *err)
{
    fleet_server *s = f->servers[id];
    if (s->last_seen_ms != NO_TIME && r->time_ms < s->last_seen_ms)
        (*late)++;
    if (r->profile >= 0 && (!s->profile_given || s->last_seen_ms == NO_TIME || r->time_ms >= s->last_seen_ms))
        set_profile(f, s, r->profile);
    see(f, id, r->time_ms, r->state);
    keep_newest(f, s, r->time_ms, r->values);
    keep_recent(f, s, r->time_ms, r->values, false);
    extremes_add(&s->extremes, f->options.contract.n_metrics, step_of(f, r->time_ms), r->values);
    mark_reporting(f, step_of(f, r->time_ms));
    s->records++;
    f->hot[id].records = s->records;
    f->totals.records_total++;
    f->totals.held++;
    return history_add(&s->history, step_of(f, r->time_ms), r->values, r->state, err);
}

static tft_status apply_filled(fleet *f, size_t id, const fleet_record *r, tft_error *err)
{
    fleet_server *s = f->servers[id];
    if (r->profile >= 0 && r->time_ms >= s->last_seen_ms)
        set_profile(f, s, r->profile);
    if (r->state != TFT_STATE_NONE && r->time_ms == s->last_seen_ms && s->sent_state == TFT_STATE_NONE)
        set_state(s, r->state);
    keep_newest(f, s, r->time_ms, r->values);
    keep_recent(f, s, r->time_ms, r->values, true);
    extremes_fill(&s->extremes, f->options.contract.n_metrics, step_of(f, r->time_ms), r->values);
    f->totals.filled_total++;
    return history_fill(&s->history, step_of(f, r->time_ms), r->values, r->state, err);
}

static fleet_clock clock_of(const fleet *f, int64_t wall_ms)
{
    fleet_clock clock = {.now_ms = wall_ms, .newest_ms = f->newest_ms};
    if (f->newest_ms == NO_TIME)
        return clock;
    clock.data_lag_ms = wall_ms - f->newest_ms;
    clock.data = f->options.clock == FLEET_CLOCK_DATA ||
                 (f->options.clock == FLEET_CLOCK_AUTO && clock.data_lag_ms > f->options.stale_after_ms);
    if (clock.data)
        clock.now_ms = f->newest_ms;
    return clock;
}

typedef struct warmup {
    size_t ready, active, active_ready;
    uint64_t done;    // Σ min(records, warmup_records) over the active
    uint64_t records; // Σ records over the active
} warmup;

static warmup count_warmup(const fleet *f, int64_t now_ms)
{
    const uint64_t need = f->options.warmup_records;
    warmup w = {0};
    for (size_t i = 0, n = fleet_size(f); i < n; i++) {
        const hot_server h = f->hot[i];
        const bool ready = h.records >= need;
        w.ready += ready;
        if (h.last_seen_ms == NO_TIME || now_ms - h.last_seen_ms > f->options.stale_after_ms)
            continue;
        w.active++;
        w.active_ready += ready;
        w.done += ready ? need : h.records;
        w.records += h.records;
    }
    return w;
}

tft_status fleet_apply(fleet *f, const fleet_batch *batch, int64_t wall_ms, fleet_receipt *receipt, tft_error *err)
{
    tft_status first = TFT_OK;
    size_t late = 0, stored = 0;
    write_lock(f);
    for (size_t i = 0; i < batch->n; i++) {
        const fleet_record *r = &batch->records[i];
        size_t id = 0;
        if (r->verdict == FLEET_NOTHING)
            continue;
        tft_status status = find_or_make(f, r->name, r->name_length, false, &id, err);
        if (status == TFT_OK) {
            stored++;
            f->servers[id]->version++;
            status = r->verdict == FLEET_NEW ? apply_new(f, id, r, &late, err) : apply_filled(f, id, r, err);
        }
        if (first == TFT_OK)
            first = status;
    }
    f->totals.tick += stored > 0;
    f->totals.late_total += late;
    f->totals.duplicates_total += batch->duplicates;
    f->totals.conflicts_total += batch->conflicts;
    f->totals.rejected_total += batch->rejected;
    if (receipt != NULL) {
        const warmup w = count_warmup(f, clock_of(f, wall_ms).now_ms);
        *receipt = (fleet_receipt){.tick = f->totals.tick,
                                   .window_size = f->totals.held,
                                   .servers_tracked = count_awake(f),
                                   .servers_ready = w.ready,
                                   .warmup_complete = w.active > 0 && w.active_ready == w.active,
                                   .late = late};
    }
    unlock(f);
    return first;
}

/* What takes room goes. */
static void drop_history(fleet *f, fleet_server *s)
{
    extremes_clear(&s->extremes, f->options.contract.n_metrics);
    history_free(&s->history);
    history_init(&s->history, f->options.contract.n_metrics, f->options.memory_steps, &f->blocks);
    s->history.profile = s->profile;
}

void fleet_forget(fleet *f, size_t id, size_t n_records)
{
    write_lock(f);
    fleet_server *s = f->servers[id];
    if (!s->forgotten || s->asleep) {
        f->n_forgotten += !s->forgotten;
        f->n_asleep -= s->asleep;
        s->forgotten = s->planned = true;
        s->asleep = false;
        s->sent_state = TFT_STATE_MAINTENANCE;
        s->records = 0;
        s->n_recent = 0;
        s->first_seen_ms = s->last_seen_ms = NO_TIME;
        for (size_t i = 0; i < f->options.contract.n_metrics; i++) {
            s->newest[i] = (double)NAN;
            s->newest_ms[i] = NO_TIME;
        }
        drop_history(f, s);
        s->version++;
        f->hot[id] = (hot_server){.last_seen_ms = NO_TIME};
        f->totals.held -= n_records < f->totals.held ? n_records : f->totals.held;
        fill_table(f);
    }
    unlock(f);
}

/* ---- sleep ------------------------------------------------------------------------------------------------------ */

size_t fleet_sleep_silent(fleet *f, int64_t wall_ms, int64_t silent_ms)
{
    size_t n_slept = 0;
    write_lock(f);
    const int64_t now_ms = clock_of(f, wall_ms).now_ms;
    for (size_t i = 0, n = fleet_size(f); i < n; i++) {
        fleet_server *s = f->servers[i];
        if (s->forgotten || s->last_seen_ms == NO_TIME || now_ms - s->last_seen_ms <= silent_ms)
            continue;
        s->forgotten = s->asleep = true;
        s->n_recent = 0;
        s->version++;
        drop_history(f, s);
        f->hot[i] = (hot_server){.last_seen_ms = NO_TIME};
        n_slept++;
    }
    f->n_forgotten += n_slept;
    f->n_asleep += n_slept;
    unlock(f);
    return n_slept;
}

size_t fleet_n_asleep(const fleet *f)
{
    return atomic_load(&f->n_asleep);
}

size_t fleet_find_asleep(const fleet *f, const char *name, size_t n)
{
    fleet_read_lock(f);
    const uint32_t found = f->table[find_slot(f, name, n, hash_name(f, name, n))];
    const bool asleep = found != 0 && f->servers[found - 1]->asleep;
    unlock(f);
    return asleep ? found - 1 : FLEET_NO_SERVER;
}

bool fleet_wake(fleet *f, size_t id)
{
    write_lock(f);
    fleet_server *s = f->servers[id];
    const bool has_place = !s->asleep || count_awake(f) < f->options.max_servers;
    if (s->asleep && has_place) {
        s->forgotten = s->asleep = false;
        s->version++;
        f->hot[id] = (hot_server){.last_seen_ms = s->last_seen_ms, .records = s->records};
        f->n_forgotten--;
        f->n_asleep--;
    }
    unlock(f);
    return has_place;
}

void fleet_change(fleet *f, size_t id, int profile, tft_state state)
{
    write_lock(f);
    fleet_server *s = f->servers[id];
    if (!s->forgotten) {
        if (profile >= 0)
            set_profile(f, s, profile);
        if (state != TFT_STATE_NONE)
            set_state(s, state);
        s->version++;
    }
    unlock(f);
}

void fleet_pruned(fleet *f, size_t n)
{
    write_lock(f);
    f->totals.held -= n < f->totals.held ? n : f->totals.held;
    unlock(f);
}

void fleet_reconfigure(fleet *f, const fleet_options *options)
{
    write_lock(f);
    f->options.max_servers = options->max_servers;
    f->options.stale_after_ms = options->stale_after_ms;
    f->options.offline_after_steps = options->offline_after_steps;
    f->options.clock = options->clock;
    f->options.states = options->states;
    f->options.profile_of_name = options->profile_of_name;
    f->options.profile_context = options->profile_context;
    for (size_t i = 0, n = fleet_size(f); i < n; i++) {
        set_profile(f, f->servers[i], -1);
        f->servers[i]->version++; // what was forecast under the old settings is not taken over
    }
    unlock(f);
}

/* ---- restart ---------------------------------------------------------------------------------------------------- */

tft_status fleet_load_server(fleet *f, const fleet_saved_server *saved, size_t *id, tft_error *err)
{
    write_lock(f);
    const tft_status status = find_or_make(f, saved->name, saved->name_length, true, id, err);
    if (status == TFT_OK) {
        fleet_server *s = f->servers[*id];
        set_profile(f, s, saved->profile);
        s->records = saved->records;
        f->hot[*id].records = s->forgotten ? 0 : saved->records;
        if (saved->records > 0) {
            see(f, *id, saved->first_seen_ms, TFT_STATE_NONE);
            see(f, *id, saved->last_seen_ms, saved->state);
        }
        s->version++;
    }
    unlock(f);
    return status;
}

tft_status fleet_load_step(fleet *f, size_t id, int64_t step, const float *means, const uint16_t *value_counts,
                           uint16_t count, tft_state state, tft_error *err)
{
    write_lock(f);
    assert(id < fleet_size(f));
    fleet_server *s = f->servers[id];
    const tft_status status =
        s->asleep ? TFT_OK : history_set(&s->history, step, means, value_counts, count, state, err);
    if (status == TFT_OK && count > 0)
        mark_reporting(f, step);
    s->version++;
    unlock(f);
    return status;
}

/* Steps of a block one by one, for a memory that is shorter than a block. */
static tft_status load_block_steps(fleet *f, fleet_server *s, int64_t block, const tft_step_block *steps,
                                   tft_error *err)
{
    const size_t m = f->options.contract.n_metrics;
    tft_status status = TFT_OK;
    for (size_t i = steps->first; i < steps->first + steps->n && status == TFT_OK; i++)
        status = history_set(&s->history, block * TFT_STEP_BLOCK + (int64_t)i, steps->values + i * m,
                             steps->value_counts + i * m, steps->counts[i], (tft_state)steps->states[i], err);
    return status;
}

tft_status fleet_load_block(fleet *f, size_t id, int64_t block, const unsigned char *packed, size_t n,
                            const tft_step_block *steps, tft_error *err)
{
    write_lock(f);
    assert(id < fleet_size(f));
    fleet_server *s = f->servers[id];
    const tft_status status = s->asleep ? TFT_OK
                              : f->options.memory_steps < TFT_STEP_BLOCK
                                  ? load_block_steps(f, s, block, steps, err)
                                  : history_set_block(&s->history, block, packed, n, steps, err);
    for (size_t i = steps->first; i < steps->first + steps->n && status == TFT_OK; i++) {
        if (steps->counts[i] > 0)
            mark_reporting(f, block * TFT_STEP_BLOCK + (int64_t)i);
    }
    s->version++;
    unlock(f);
    return status;
}

/* What a stored record says besides its step. */
static void load_seen(fleet *f, size_t id, int64_t time_ms, const double *values, tft_state state)
{
    fleet_server *s = f->servers[id];
    see(f, id, time_ms, state);
    keep_newest(f, s, time_ms, values);
    keep_recent(f, s, time_ms, values, false);
    extremes_add(&s->extremes, f->options.contract.n_metrics, step_of(f, time_ms), values);
    s->version++;
}

tft_status fleet_load_record(fleet *f, size_t id, int64_t time_ms, const double *values, tft_state state,
                             tft_error *err)
{
    write_lock(f);
    assert(id < fleet_size(f));
    load_seen(f, id, time_ms, values, state);
    mark_reporting(f, step_of(f, time_ms));
    const tft_status status = history_add(&f->servers[id]->history, step_of(f, time_ms), values, state, err);
    unlock(f);
    return status;
}

void fleet_load_recent(fleet *f, size_t id, int64_t time_ms, const double *values, tft_state state)
{
    write_lock(f);
    assert(id < fleet_size(f));
    load_seen(f, id, time_ms, values, state);
    unlock(f);
}

void fleet_load_totals(fleet *f, const fleet_saved_totals *totals)
{
    write_lock(f);
    f->totals = *totals;
    unlock(f);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

fleet_clock fleet_now(const fleet *f, int64_t wall_ms)
{
    fleet_read_lock(f);
    const fleet_clock clock = clock_of(f, wall_ms);
    unlock(f);
    return clock;
}

fleet_counters fleet_count(const fleet *f, int64_t wall_ms)
{
    fleet_read_lock(f);
    const fleet_clock clock = clock_of(f, wall_ms);
    const warmup w = count_warmup(f, clock.now_ms);
    const uint64_t need = (uint64_t)f->options.warmup_records * w.active;
    fleet_counters c = {.totals = f->totals,
                        .servers_tracked = count_awake(f),
                        .servers_ready = w.ready,
                        .servers_active = w.active,
                        .warmup_complete = w.active > 0 && w.active_ready == w.active,
                        .warmup_records = f->options.warmup_records,
                        .clock = clock};
    c.progress_percent = need > 0 ? (unsigned)(100 * w.done / need) : c.warmup_complete ? 100 : 0;
    c.warmup_current_size = w.active > 0 ? (size_t)(w.records / w.active) : 0;
    unlock(f);
    return c;
}

/* Whole steps after the server's newest record and before the current one, in which others reported: at least n? */
static bool silent_for(const fleet *f, const fleet_server *s, const fleet_clock *clock, size_t n)
{
    if (n == 0 || s->last_seen_ms == NO_TIME)
        return false;
    const int64_t last = step_of(f, s->last_seen_ms), current = step_of(f, clock->now_ms);
    size_t silent = 0;
    // A gap longer than the ring needs only the ring's end: older steps are unknown.
    int64_t step = last + 1;
    if (current - step > (int64_t)f->reporting_steps)
        step = current - (int64_t)f->reporting_steps;
    for (; step < current && silent < n; step++)
        silent += is_reporting(f, step);
    return silent >= n;
}

tft_status fleet_copy_steps(const fleet *f, size_t id, int64_t from, int64_t to, tft_series *series, tft_error *err)
{
    return fleet_copy_newest(f, id, from, to, series, NULL, err);
}

tft_status fleet_copy_newest(const fleet *f, size_t id, int64_t from, int64_t to, tft_series *series,
                             extremes *of_newest, tft_error *err)
{
    const size_t most = f->options.memory_steps;
    const bool few = from > INT64_MIN && to < INT64_MAX && to - from < (int64_t)most;
    const size_t room = !few ? most : to < from ? 0 : (size_t)(to - from) + 1;
    const tft_status status = tft_series_reserve(series, room, err);
    if (status != TFT_OK)
        return status;
    fleet_read_lock(f);
    history_copy(&fleet_at(f, id)->history, from, to, series);
    if (of_newest != NULL)
        extremes_copy(&fleet_at(f, id)->extremes, f->options.contract.n_metrics, of_newest);
    unlock(f);
    return TFT_OK;
}

tft_state fleet_state(const fleet *f, const fleet_server *server, const fleet_clock *clock, bool *planned)
{
    const size_t m = f->options.contract.n_metrics;
    tft_state state = server->sent_state;
    if (silent_for(f, server, clock, f->options.offline_after_steps)) {
        state = TFT_STATE_OFFLINE;
    } else if (state == TFT_STATE_NONE) {
        // Metrics may come in records of their own: what is as new as the newest record, give or take a step, counts.
        double values[TFT_MAX_METRICS];
        for (size_t i = 0; i < m; i++)
            values[i] = server->newest_ms[i] != NO_TIME &&
                                server->last_seen_ms - server->newest_ms[i] < f->options.contract.step_ms
                            ? server->newest[i]
                            : (double)NAN;
        state = state_derive(&f->options.states, m, server->profile, values);
    }
    if (planned != NULL)
        *planned = server->planned && (state == TFT_STATE_MAINTENANCE || state == TFT_STATE_OFFLINE);
    return state;
}
