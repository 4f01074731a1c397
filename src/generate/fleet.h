/* fleet.h - a synthetic fleet of servers: what the demo shows, and what the incident head of the shipped model learns from.
 *
 * A simulation without input or output: the caller moves its clock on, and gets one record per server that sends. Levels,
 * daily and weekly rhythm, correlated noise, deployments, maintenance, and incidents that build up before they break, beside
 * ones that strike without warning. docs/GENERATOR.md holds the model with its formulas and rates; in reading order the
 * code is profiles.h (what kinds of server), rhythm.h (what time of day does), noise.h, incident.h, server.h (one
 * server from drivers to metrics), fleet.c (who is in it, scenarios, cascades).
 *
 * Everything is defined in continuous time. A record stamped T is the mean over [T, T + length), with the worst state
 * inside: a fleet moved on in 5-minute ticks shows what one moved on in 5-second ticks shows when it is averaged, in
 * distribution. When incidents, deployments and jobs happen depends on seed and scenario only, not on the tick's length.
 *
 *     generate_options options = generate_options_default();
 *     options.start_ms = now_ms - 86400000;
 *     status = generate_fleet_open(&options, &fleet, err);
 *     while (generate_fleet_clock(fleet) <= now_ms)
 *         n = generate_fleet_tick(fleet, 5000, records);      // records[generate_fleet_size(fleet)]
 *
 * Same options and same calls: same records. Random numbers come from one stream per server and process (base/rng.h).
 * Memory:  the fleet owns everything, names in records too; about 2 KiB a server; a tick allocates nothing.
 * Threads: one at a time; who shares a fleet (streamer and control port) guards it.
 */
#ifndef TFTD_GENERATE_FLEET_H
#define TFTD_GENERATE_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/contract.h"
#include "tft/error.h"

#define GENERATE_MIN_SERVERS 7 // one of every profile
#define GENERATE_MAX_SERVERS 100000

/* What the fleet is pushed into. healthy: nobody is forced. degrading: 25 % of the servers drift into heavy_load within
 * 10–30 minutes, and some on into incidents. critical: 50 % drift into critical_issue within 5–25 minutes. */
typedef enum generate_scenario {
    GENERATE_HEALTHY,
    GENERATE_DEGRADING,
    GENERATE_CRITICAL,
    GENERATE_N_SCENARIOS
} generate_scenario;

/* Kinds of incident; the first four announce themselves. */
typedef enum generate_kind {
    GENERATE_LEAK,    // memory rises for hours until the server runs out of it
    GENERATE_RUNAWAY, // a job eats the CPU, 30–90 minutes
    GENERATE_DISK,    // disk and latency climb for 1–3 hours
    GENERATE_CASCADE, // a database slows down, the web servers behind it follow 5–20 minutes later
    GENERATE_CRASH,   // offline without warning
    GENERATE_SUDDEN,  // critical_issue without warning
    GENERATE_N_KINDS
} generate_kind;

typedef struct generate_options {
    size_t n_servers; // 20 is the demo fleet with its names; other counts follow the shares of CONTRACT 1.7
    uint64_t seed;
    int64_t start_ms; // the clock's first value, UTC
    generate_scenario scenario;
    double incident_rate;         // multiplies the rate of incidents; 1 = as documented, 0 = none of their own accord
    double gap_rate;              // multiplies the rate of lost records; 0 (the default) = none
    double mix[GENERATE_N_KINDS]; // weights of the kinds, ≥ 0; a kind with weight 0 never occurs of its own accord
    int64_t quiet_from_ms,
        quiet_to_ms;   // in between no server breaks, or is about to, unless a scenario forces it; equal
                       // (the default): never quiet. For a demo that starts calm
    bool keep_offline; // an offline server gives a record without values, state offline; otherwise it gives none
} generate_options;

typedef struct generate_record {
    int64_t time_ms;
    size_t server;           // 0 … size − 1, the same server for the fleet's whole life
    const char *server_name; // lent until generate_fleet_close()
    tft_profile profile;
    tft_state state;
    double cpu_pct, mem_pct;         // 0 … 100; every value may be NaN: not measured
    double disk_io_mb_s, latency_ms; // ≥ 0, as all below
    double net_in_mb_s, net_out_mb_s;
    double error_rate; // share of failed requests, 0 … 1
    double gc_pause_ms;
    bool problem_child; // this server has more incidents than its neighbours
    bool container_oom; // a container was killed for memory within this record
    const char *notes;  // static text, often ""
} generate_record;

typedef struct generate_status {
    generate_scenario scenario;
    size_t n_servers;
    size_t n_affected; // servers that the scenario forces; 0 under healthy
    int64_t clock_ms;
} generate_status;

typedef struct generate_fleet generate_fleet;

/* 20 servers, seed 1, starting 1970, healthy, rates 1, gaps 0, the documented mix. */
generate_options generate_options_default(void);

/* TFT_ERR_ARGUMENT where an option is out of range, TFT_ERR_MEMORY. The caller owns *fleet. */
tft_status generate_fleet_open(const generate_options *options, generate_fleet **fleet, tft_error *err);
void generate_fleet_close(generate_fleet *fleet); // accepts NULL

size_t generate_fleet_size(const generate_fleet *fleet);
int64_t generate_fleet_clock(const generate_fleet *fleet); // the stamp of the next tick's records
const char *generate_fleet_name(const generate_fleet *fleet, size_t server);
tft_profile generate_fleet_profile(const generate_fleet *fleet, size_t server);

/* Simulates [clock, clock + length_ms), writes the records of the servers that send, in the order of their numbers, all
 * stamped with the clock, and moves the clock on. length_ms is 1 … 86400000; records holds generate_fleet_size() of them.
 * Returns how many were written. Cannot fail. */
size_t generate_fleet_tick(generate_fleet *fleet, int64_t length_ms, generate_record *records);

/* Changes the scenario from the clock on. The servers are chosen anew at every call that changes it; those no longer forced
 * recover within minutes. Setting the scenario that is on already changes nothing. */
void generate_fleet_set_scenario(generate_fleet *fleet, generate_scenario scenario);

generate_status generate_fleet_status(const generate_fleet *fleet);
/* Names of the servers that the scenario forces, at most `capacity`; returns how many were written. */
size_t generate_fleet_affected(const generate_fleet *fleet, const char **names, size_t capacity);

/* "healthy", "degrading", "critical"; −1 for another word. "leak", "runaway", "disk", "cascade", "crash", "sudden". */
const char *generate_scenario_name(generate_scenario scenario);
int generate_scenario_find(const char *name, size_t n);
const char *generate_kind_name(generate_kind kind);
int generate_kind_find(const char *name, size_t n);

#endif
