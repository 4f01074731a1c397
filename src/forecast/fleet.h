/* fleet.h - all servers that ever sent a record: their steps, newest values, states, and the counters of /status.
 *
 * The fleet is the daemon's memory of what came in; the store is its memory on disk. A batch goes to the store first;
 * the store says for every record whether it is new, completes a known one, or is a duplicate; then fleet_apply()
 * does here what the store has committed there. At start the fleet is filled from the store by fleet_load_…().
 *
 *     name table          open addressing, name bytes → id; ids are 0, 1, 2 … in order of first appearance
 *     servers[id]         one block per server: name, counts, newest values, the last records; and its history
 *     reporting           a bit per step: did anybody report in it (for "silent while others report")
 *
 * A server's id is stable while the process lives; across restarts the name is the key.
 *
 * A server that has been silent for servers.forget_after sleeps (fleet_sleep_silent): its history is on disk only, it takes no place of
 * max_servers, and counts and shows nowhere. What it keeps is its id, its name and its newest values, about a kilobyte. When it
 * comes back it is woken (fleet_wake) and its steps are loaded again. So that names which never come back cannot pile up, there are at
 * most FLEET_IDS_PER_PLACE ids for each place.
 *
 * Clock (CONTRACT 1.5): the wall clock, or, where the newest record of the fleet is older than stale_after, that
 * record's time. Every age here (stale, active, offline) is by that clock.
 *
 * Memory:  bounded by max_servers × (memory_steps + recent records); fleet_bytes_per_server() says how much at most,
 *          fleet_bytes() how much it is.
 *          Names live as long as the fleet: a pointer to one may be kept.
 * Threads: all functions may be called from any thread. One rwlock (writers first) guards everything; ingest holds
 *          it for one batch. Readers that want several things at once take fleet_read_lock() for microseconds.
 */
#ifndef TFTD_FORECAST_FLEET_H
#define TFTD_FORECAST_FLEET_H

#include "forecast/extremes.h"
#include "forecast/history.h"
#include "forecast/states.h"

typedef struct fleet fleet;

#define FLEET_NAME_MAX 256 // bytes of a server's name
#define FLEET_RECENT 32    // newest records kept per server, for the fallback forecaster
#define FLEET_NO_SERVER ((size_t)-1)
#define FLEET_IDS_PER_PLACE 4

typedef enum fleet_clock_mode { FLEET_CLOCK_AUTO, FLEET_CLOCK_WALL, FLEET_CLOCK_DATA } fleet_clock_mode;

typedef struct fleet_options {
    tft_contract contract;
    size_t max_servers;         // servers.max, 10000: those that are awake
    size_t memory_steps;        // forecast.memory_steps, 2304 (0 = the contract's)
    size_t warmup_records;      // forecast.warmup_records, 150
    size_t min_records;         // forecast.min_records, 100
    int64_t stale_after_ms;     // servers.stale_after, 30 min
    size_t offline_after_steps; // servers.offline_after_steps, 3
    fleet_clock_mode clock;     // time.clock
    state_rules states;         // states.*
    /* Profile of a server that never named one (CONTRACT 1.7's prefixes plus the configured ones). NULL = generic. */
    tft_profile (*profile_of_name)(void *context, const char *name, size_t n);
    void *profile_context;
} fleet_options;

/* The defaults above for a contract. */
void fleet_options_default(const tft_contract *contract, fleet_options *options);

tft_status fleet_open(const fleet_options *options, fleet **out, tft_error *err);
void fleet_close(fleet *f); // accepts NULL; nobody may use it, its names or an engine on it afterwards

const tft_contract *fleet_contract(const fleet *f);  // constant while the fleet is open
const fleet_options *fleet_settings(const fleet *f); // hold the read lock: fleet_reconfigure() may change it
/* ↻ keys: max_servers, stale_after, offline_after_steps, clock, states, and the prefix function; contract and memory_steps stay. Where
 * max_servers falls below what is there, nobody goes, and nobody new comes. */
void fleet_reconfigure(fleet *f, const fleet_options *options);
/* Most bytes that one server can take in this fleet, and what all of them take now. */
size_t fleet_bytes_per_server(const fleet *f);
size_t fleet_bytes_asleep(const fleet *f); // the same for one that sleeps
size_t fleet_bytes(const fleet *f);

/* ---- records ---------------------------------------------------------------------------------------------------- */

typedef enum fleet_verdict {
    FLEET_NOTHING, // duplicate or rejected: is skipped
    FLEET_NEW,     // a key that was not known
    FLEET_FILLED   // completes a known record: `values` holds only what was added, NaN elsewhere; `state` likewise
} fleet_verdict;

typedef struct fleet_record {
    const char *name; // [name_length] any bytes, 1 … FLEET_NAME_MAX; need not end in NUL
    size_t name_length;
    int64_t time_ms;      // UTC
    const double *values; // [contract.n_metrics], NaN = missing
    tft_state state;      // NONE where none was sent
    int profile;          // tft_profile, or −1 where none was sent
    fleet_verdict verdict;
} fleet_record;

/* What a batch counts for besides its records. */
typedef struct fleet_batch {
    const fleet_record *records;
    size_t n;
    size_t duplicates, conflicts, rejected; // of this request, for the totals
} fleet_batch;

/* What POST /feed/data says about the whole fleet after a batch. */
typedef struct fleet_receipt {
    uint64_t tick;
    size_t window_size, servers_tracked, servers_ready;
    bool warmup_complete;
    size_t late; // FLEET_NEW records of this batch that were older than their server's newest
} fleet_receipt;

/* Takes a committed batch. `tick` moves by one if any record is FLEET_NEW or FLEET_FILLED, never otherwise.
 * wall_ms: the wall clock (tft_wall_ms()). `receipt` may be NULL.
 * Returns  TFT_ERR_LIMIT where a new server does not fit max_servers (its records are left out, the others applied);
 *          TFT_ERR_MEMORY likewise. A caller that asked fleet_admits() first does not see the former. */
tft_status fleet_apply(fleet *f, const fleet_batch *batch, int64_t wall_ms, fleet_receipt *receipt, tft_error *err);

/* The server's id, or FLEET_NO_SERVER. */
size_t fleet_find(const fleet *f, const char *name, size_t n);
/* How many servers more would fit: a batch with more new names than that answers `too_many_servers` for the rest. */
size_t fleet_room(const fleet *f);
/* So many ids there may be: those that are taken for good or asleep, and a place for each of max_servers. */
size_t fleet_most_ids(const fleet *f);

/* Puts to sleep whoever has been silent for longer than silent_ms, by the fleet's clock. Returns how many. */
size_t fleet_sleep_silent(fleet *f, int64_t wall_ms, int64_t silent_ms);
size_t fleet_n_asleep(const fleet *f); // takes no lock
/* The id of a server of this name that sleeps, or FLEET_NO_SERVER. */
size_t fleet_find_asleep(const fleet *f, const char *name, size_t n);
/* It takes a place again, with no step in memory: the caller loads them. False: all places are taken, and it sleeps on. */
bool fleet_wake(fleet *f, size_t id);

/* Takes a server away: its name is free, its history gone, its id never used again; it counts nowhere. Its name and this
 * struct stay readable, with `forgotten` set. n_records: raw records that the store dropped with it. */
void fleet_forget(fleet *f, size_t id, size_t n_records);
/* profile −1 and state NONE = stays; the state counts as sent with the newest record (maintenance: planned, until the next
 * record says otherwise). */
void fleet_change(fleet *f, size_t id, int profile, tft_state state);

/* The store has dropped n raw records by retention: window_size falls, nothing else does. */
void fleet_pruned(fleet *f, size_t n);

/* ---- restart ---------------------------------------------------------------------------------------------------- */

typedef struct fleet_saved_server {
    const char *name;
    size_t name_length;
    int profile;                         // tft_profile once sent in a record or set by hand, −1 = by its name
    uint64_t records;                    // distinct records ever
    int64_t first_seen_ms, last_seen_ms; // of records
    tft_state state;                     // sent with the newest record, NONE where none was
} fleet_saved_server;

typedef struct fleet_saved_totals {
    uint64_t tick, records_total, duplicates_total, conflicts_total, late_total, rejected_total, filled_total;
    size_t held; // raw records in the store = window_size
} fleet_saved_totals;

/* Makes (or updates) a server with what the store remembers of it; its id goes to *id. */
tft_status fleet_load_server(fleet *f, const fleet_saved_server *saved, size_t *id, tft_error *err);
/* One whole step of a server: means [n_metrics], counts behind each mean, records, worst state. Any order. */
tft_status fleet_load_step(fleet *f, size_t id, int64_t step, const float *means, const uint16_t *value_counts,
                           uint16_t count, tft_state state, tft_error *err);
/* The same of up to 64 steps that were packed before, newer than all that were given of the server (history_set_block). */
tft_status fleet_load_block(fleet *f, size_t id, int64_t block, const unsigned char *packed, size_t n,
                            const tft_step_block *steps, tft_error *err);
/* One raw record whose step is not loaded as a whole: goes into its step, the newest values and the fallback's points; the
 * counts (they came with server and totals) do not move. Oldest first. */
tft_status fleet_load_record(fleet *f, size_t id, int64_t time_ms, const double *values, tft_state state,
                             tft_error *err);
/* One of the server's last raw records whose step is loaded otherwise (give the last FLEET_RECENT or more): newest values and the fallback's points.
 * Neither steps nor counts move. */
void fleet_load_recent(fleet *f, size_t id, int64_t time_ms, const double *values, tft_state state);
void fleet_load_totals(fleet *f, const fleet_saved_totals *totals);

/* ---- reading ---------------------------------------------------------------------------------------------------- */

typedef struct fleet_clock {
    bool data;           // metadata.clock: "data", else "wall"
    int64_t now_ms;      // the clock of CONTRACT 1.5
    int64_t newest_ms;   // newest record of the fleet; INT64_MIN without any
    int64_t data_lag_ms; // wall − newest record; 0 without any
} fleet_clock;

fleet_clock fleet_now(const fleet *f, int64_t wall_ms);

/* Everything /status counts. */
typedef struct fleet_counters {
    fleet_saved_totals totals;
    size_t servers_tracked, servers_ready, servers_active;
    bool warmup_complete;
    unsigned progress_percent;  // 100 only when warmup_complete
    size_t warmup_current_size; // mean records per active server, rounded down
    size_t warmup_records;      // threshold
    fleet_clock clock;
} fleet_counters;

fleet_counters fleet_count(const fleet *f, int64_t wall_ms);

/* One server. Every field is guarded by the fleet's lock, but `name`, which never changes and lives as long as the fleet. */
typedef struct fleet_server {
    const char *name; // [name_length], NUL behind it
    size_t name_length;
    uint64_t hash;
    bool forgotten;     // counts and shows nowhere: taken away, or
    bool asleep;        // asleep: its name is still its own
    bool profile_given; // by a record or by hand; else from the name
    tft_profile profile;
    uint64_t records; // distinct ever: warm-up
    int64_t first_seen_ms, last_seen_ms;
    tft_state sent_state; // with the newest record; NONE where it had none
    bool planned;         // it is maintenance, or an offline that followed one
    uint64_t version;     // moves with every change: what has the same version needs no new forecast
    double *newest;       // [n_metrics] newest value of each, NaN = never seen
    int64_t *newest_ms;   // [n_metrics] when
    size_t n_recent;      // of the last records, in no order; the oldest makes room
    int64_t *recent_ms;   // [FLEET_RECENT]
    float *recent;        // [FLEET_RECENT, n_metrics], NaN = missing
    extremes extremes;    // least and most of its two newest steps
    history history;
    void *block; // what free() takes; private to fleet.c
} fleet_server;

void fleet_read_lock(const fleet *f);
void fleet_read_unlock(const fleet *f);
size_t fleet_size(const fleet *f); // ids given, those of forgotten servers too; takes no lock (an atomic)
/* Hold the read lock from here until the last use of the result. id < fleet_size(). */
const fleet_server *fleet_at(const fleet *f, size_t id);

/* Copies what is kept of the steps from … to (both included; INT64_MIN, INT64_MAX = all) into *series, which is
 * initialised or was used for this before, and which the caller frees. Takes the read lock; memory is taken before. */
tft_status fleet_copy_steps(const fleet *f, size_t id, int64_t from, int64_t to, tft_series *series, tft_error *err);
/* The same, and least and most of the newest two, of the same moment; *of_newest has memory of its own (extremes.h). */
tft_status fleet_copy_newest(const fleet *f, size_t id, int64_t from, int64_t to, tft_series *series,
                             extremes *of_newest, tft_error *err);

/* State of a server now, with what is derived: offline after offline_after_steps whole steps without a record while
 * others reported; else the newest record's; else by state_derive() of the values of its newest step's time. Hold the
 * read lock. *planned (may be NULL): the state is maintenance, or an offline that began in maintenance. */
tft_state fleet_state(const fleet *f, const fleet_server *server, const fleet_clock *clock, bool *planned);

#endif
