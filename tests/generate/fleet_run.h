/* fleet_run.h - runs a fleet and keeps what it showed, as arrays over (tick, server): for the tests of this room. */
#ifndef TESTS_GENERATE_FLEET_RUN_H
#define TESTS_GENERATE_FLEET_RUN_H

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "generate/fleet.h"

#define MONDAY_MS INT64_C(1756684800000) // 2025-09-01T00:00:00Z
#define HOUR_MS INT64_C(3600000)
#define DAY_MS INT64_C(86400000)
#define STEP_MS INT64_C(300000)

typedef struct fleet_run {
    size_t n_ticks, n_servers;
    generate_record *records; // [n_ticks, n_servers]; state NONE where nothing was sent
} fleet_run;

static inline generate_options options_of(size_t n_servers, uint64_t seed)
{
    generate_options o = generate_options_default();
    o.n_servers = n_servers;
    o.seed = seed;
    o.start_ms = MONDAY_MS;
    return o;
}

static inline generate_fleet *open_fleet(const generate_options *options)
{
    generate_fleet *fleet = NULL;
    const tft_status status = generate_fleet_open(options, &fleet, NULL);
    assert(status == TFT_OK);
    (void)status;
    return fleet;
}

static inline generate_record *at(const fleet_run *run, size_t tick, size_t server)
{
    return &run->records[tick * run->n_servers + server];
}

static inline fleet_run watch(generate_fleet *fleet, int64_t tick_ms, int64_t length_ms)
{
    fleet_run run = {.n_ticks = (size_t)(length_ms / tick_ms), .n_servers = generate_fleet_size(fleet)};
    run.records = calloc(run.n_ticks * run.n_servers, sizeof *run.records);
    generate_record *const now = calloc(run.n_servers, sizeof *now);
    assert(run.records != NULL && now != NULL);
    for (size_t t = 0; t < run.n_ticks; t++) {
        const size_t n = generate_fleet_tick(fleet, tick_ms, now);
        for (size_t i = 0; i < n; i++)
            *at(&run, t, now[i].server) = now[i];
    }
    free(now);
    return run;
}

/* Names in its records are gone with the fleet. */
static inline fleet_run run_fleet(const generate_options *options, int64_t tick_ms, int64_t length_ms)
{
    generate_fleet *const fleet = open_fleet(options);
    const fleet_run run = watch(fleet, tick_ms, length_ms);
    generate_fleet_close(fleet);
    return run;
}

static inline bool broken(tft_state state)
{
    return state == TFT_STATE_CRITICAL_ISSUE || state == TFT_STATE_OFFLINE;
}

/* Whether an incident starts at this tick. */
static inline bool starts(const fleet_run *run, size_t tick, size_t server)
{
    return tick > 0 && broken(at(run, tick, server)->state) && !broken(at(run, tick - 1, server)->state);
}

#endif
