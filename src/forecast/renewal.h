/* renewal.h - one renewal: from the fleet as it is now to a finished snapshot.
 *
 *     for each chunk of servers
 *         gather     under the fleet's read lock: newest values, state, and a copy of the series of those whose forecast
 *                    is not simply taken over from the snapshot before
 *         network    one call for all servers of the chunk that may have it
 *         fallback   for the rest, and for whom the network failed
 *     for each server: probabilities, risk, alerts;  then the environment
 *
 * The copy keeps the fleet's lock free while the network runs: about 60 kB and 40 µs a server with 8 days of history,
 * which the fleet holds packed (history.h).
 *
 * Memory:  a renewal owns the chunk's copies and outputs, taken once. Threads: one run at a time.
 */
#ifndef TFTD_FORECAST_RENEWAL_H
#define TFTD_FORECAST_RENEWAL_H

#include "forecast/alert_round.h"
#include "forecast/engine.h"
#include "forecast/slots.h"

#define RENEWAL_CHUNK 64 // servers per call of the network

typedef struct renewal renewal;

typedef struct renewal_job {
    const engine_model *model; // NULL = none
    const engine_settings *settings;
    uint64_t model_generation, settings_generation;
    uint64_t sequence;       // of the snapshot that will be
    snapshot_slot *previous; // the current snapshot; its alerts go on
    const alert *seeds;      // alerts of an earlier life, used where `previous` has no servers; by alert_compare_keys
    size_t n_seeds;
    const alert_quality *quality; // [n_quality] what the scoring of past forecasts has said last
    size_t n_quality;
    alert_hooks hooks;
    int64_t (*wall_ms)(void);
} renewal_job;

typedef struct renewal_result {
    size_t failed_servers;
    tft_error failure; // the first one of the network
    alert_counts fired;
} renewal_result;

tft_status renewal_open(fleet *f, renewal **out, tft_error *err);
void renewal_close(renewal *r); // accepts NULL
size_t renewal_bytes(const renewal *r);

/* Fills `out` (it is not yet published). A failing network is no error: see `result`. */
tft_status renewal_run(renewal *r, const renewal_job *job, snapshot_slot *out, renewal_result *result, tft_error *err);

#endif
