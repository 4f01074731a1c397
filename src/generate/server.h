/* server.h - one server of the fleet: its timeline of events, and the metrics that follow from time, noise and events.
 *
 * Two halves, kept apart so that they can be read apart:
 *   - the timeline (timeline.c): jobs, deployments, fragile days, maintenance, gaps, incidents. Drawn from streams of its
 *     own, event after event in order of time, so that it is the same however long the ticks are;
 *   - the metrics (server.c): a function of the instant, of the timeline and of a few noise processes.
 *
 * Memory:  plain structs inside the fleet's one block. Threads: the fleet's.
 */
#ifndef TFTD_GENERATE_SERVER_H
#define TFTD_GENERATE_SERVER_H

#include "generate/incident.h"
#include "generate/noise.h"
#include "generate/profiles.h"

/* The noise processes of one server, each with its time constant (server.c: taus). */
typedef enum generate_channel {
    CPU_JITTER, // 15 s
    CPU_MINUTES,
    CPU_HOUR,
    CPU_DAY,
    MEM_MINUTES,
    MEM_HOURS,
    DISK_JITTER,
    DISK_MINUTES,
    DISK_HOURS,
    LATENCY_JITTER,
    LATENCY_MINUTES,
    NET_JITTER,
    ERRORS,
    GC,
    N_CHANNELS
} generate_channel;

/* What the whole fleet or a profile shares in one step of the simulation. */
typedef struct generate_weather {
    double mid_s, step_s;           // middle of the step, its length
    double fleet;                   // noise of all, τ 3 h
    double minutes[TFT_N_PROFILES]; // noise of a profile, τ 30 min
    double hours[TFT_N_PROFILES];   // τ 5 h
    double spike[TFT_N_PROFILES];   // today's height of the morning spike
    generate_ou channels[N_CHANNELS];
} generate_weather;

/* A stretch of time that comes again and again: a job, a fragile day, a gap. */
typedef struct generate_episode {
    double begin, end, height;
} generate_episode;

enum { SLOT_OWN, SLOT_CASCADE, SLOT_FORCED, N_SLOTS };

typedef struct generate_server {
    char name[24];
    const generate_profile *profile;
    uint64_t seed;
    size_t number;
    bool problem_child;
    double quiet_from, quiet_to; // s; of the options

    // its own levels, drawn around the profile's
    double cpu_idle, cpu_busy, mem, disk, latency, net, shift_s, leak_per_day;
    int maintenance_weekday;
    double maintenance_min, maintenance_minutes;

    // timeline
    tft_rng job_stream, deploy_stream, fragile_stream, incident_stream, cascade_stream, force_stream, gap_stream;
    double kind_rates[GENERATE_N_KINDS]; // precursors begun per second, before the factors of `incident_factor`
    double gap_rate;
    generate_episode job, fragile, shaky, gap; // shaky: fragile after a deployment
    double next_deploy, deployed, restarted;
    double level_from, level_to;
    double next_candidate;
    generate_incident slots[N_SLOTS];
    bool cascade_begun; // by SLOT_OWN since the fleet last looked
    int64_t batch_day;
    generate_episode batches[GENERATE_MAX_BATCHES]; // of batch_day
    // scenario
    generate_scenario forced;                      // GENERATE_HEALTHY: by none
    double drift_begin, drift_full, drift_release; // release: HUGE_VAL while it is forced
    generate_goals drift;
    double next_escalation;

    // metrics
    tft_rng noise;
    double x[N_CHANNELS];
    double smooth_cpu, smooth_mem, smooth_latency; // over about a minute: what a state is derived from
    tft_state state;
} generate_server;

/* Draws server `number`'s own levels and the first event of each kind. `weights` [GENERATE_N_KINDS] of the options. */
void generate_server_init(generate_server *server, const generate_options *options, tft_profile profile, size_t number);

/* Moves the timeline on to t_s. */
void generate_server_timeline(generate_server *server, double t_s);

/* Today's batches and jobs at t_s, and how fragile (0 … 1) the server is. Of the timeline at t_s only. */
typedef struct generate_load {
    double cpu, mem, disk;
} generate_load;
generate_load generate_server_load(const generate_server *server, double t_s);
double generate_server_fragile(const generate_server *server, double t_s);
double generate_server_level(const generate_server *server, double t_s); // after deployments, about 1
bool generate_server_in_maintenance(const generate_server *server, double t_s, double *seconds_in);

/* Forces the server by a scenario from now_s on, or lets it go (GENERATE_HEALTHY). */
void generate_server_force(generate_server *server, generate_scenario scenario, double now_s);

/* Hangs this server behind a database's incident. */
void generate_server_follow(generate_server *server, const generate_incident *root);

/* One step: reads the timeline at weather->mid_s, moves the noise on, fills values, state and notes of `record`.
 * Returns false where the server sends nothing: it is offline (state says so), or its records are lost in a gap. */
bool generate_server_step(generate_server *server, const generate_weather *weather, generate_record *record);

/* Time constants of the channels, seconds. */
extern const double generate_channel_tau_s[N_CHANNELS];

#endif
