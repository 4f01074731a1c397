/* live.h - the settings that a reload changes while requests run: one set, never changed, swapped as a whole.
 *
 * Whoever needs one of them holds the set that is in force (live_hold), reads, and lets it go (live_drop): what it has read belongs
 * together, even where a reload comes in between. The set that was replaced goes with its last reader. Only what server_reload()
 * gives to somebody who has a lock for it (fleet, engine, store, log) is not in here.
 *
 * Memory:  a set owns copies of its texts, so that the file it came from may go. Threads: any.
 */
#ifndef TFTD_SERVER_LIVE_H
#define TFTD_SERVER_LIVE_H

#include "series/record.h"
#include "server/auth.h"
#include "tft/contract.h"
#include "tft/model.h"

struct server_options;

typedef struct live_settings {
    tft_contract contract; // as records are checked: the model's, with ingest.limits
    int64_t max_future_ms, max_past_ms;
    size_t max_servers;
    auth_policy access;    // auth.*, http.allowed_hosts, http.cors_origins
    const char *keys_file; // NULL: no authentication at all
    int64_t retention_records_ms;
    int64_t forget_after_ms; // servers.forget_after; 0 = never
    const char *models_dir, *model_name;
    bool watch_models;
    size_t model_threads;
    tft_precision model_precision;
    size_t n_prefixes;
    tft_profile_prefix *prefixes; // profiles.prefixes
    // private
    _Atomic size_t holders;
    size_t n_texts;
    char **texts;
} live_settings;

typedef struct live live;

bool live_any_foreign(const struct server_options *options); // some listener is not on loopback

/* A set made of `options`; `contract` is that of the model, without ingest.limits. Held once, by the caller. */
tft_status live_make(const struct server_options *options, const tft_contract *contract, live_settings **out,
                     tft_error *err);
void live_drop(const live_settings *set); // accepts NULL

live *live_open(void);     // NULL: no memory. Without a set yet
void live_close(live *of); // accepts NULL; nobody holds a set any more
/* From here on `set` is in force; the caller's hold goes over. */
void live_swap(live *of, live_settings *set);
const live_settings *live_hold(live *of);

#endif
