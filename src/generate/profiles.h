/* profiles.h - the seven kinds of server: their levels, what drives them, how often they break, how they are named.
 *
 * One table, in the units of the records. A server's own numbers are drawn around these when the fleet is opened.
 */
#ifndef TFTD_GENERATE_PROFILES_H
#define TFTD_GENERATE_PROFILES_H

#include "generate/fleet.h"

#define GENERATE_MAX_BATCHES 4

/* A batch job at a fixed minute of the day (UTC). minutes 0 = none. */
typedef struct generate_batch {
    double start_min, minutes;
    double cpu, mem, disk; // what it adds at full height: points, points, MB/s
    bool weekdays_only;
} generate_batch;

typedef struct generate_profile {
    tft_profile profile;
    const char *name_format;                // "ppweb%03zu", from 1
    double share;                           // of the fleet (CONTRACT 1.7); web_api takes the remainder
    double cpu_idle, cpu_busy;              // points: always there, and at full demand
    double mem, mem_busy, mem_cap;          // level, what demand adds, where normal life ends
    double disk, disk_busy, disk_ceiling;   // MB/s
    double latency;                         // ms, unloaded
    double net_in, net_out;                 // MB/s at full demand
    double office, evening, spike, weekend; // weights of the rhythm (rhythm.h); weekend: what is left of it
    double jobs_per_day, job_minutes;       // jobs at random times: rate, median length
    double job_cpu_low, job_cpu_high;       // points they add
    double incidents_per_day;               // per server, before fragility and problem children
    double mix[GENERATE_N_KINDS];           // shares of the kinds here, before the options' weights
    generate_batch batches[GENERATE_MAX_BATCHES];
} generate_profile;

const generate_profile *generate_profile_of(tft_profile profile);

/* How many servers of every profile (index tft_profile) a fleet of n has; n ≥ GENERATE_MIN_SERVERS. */
void generate_profile_counts(size_t n, size_t counts[TFT_N_PROFILES]);

/* The order in which servers are numbered: i = 0 … TFT_N_PROFILES − 1. */
tft_profile generate_profile_order(size_t i);

#endif
