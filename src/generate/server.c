/* server.c - one server's metrics at one instant: from demand and noise to CPU, memory and disk, from these to latency.
 *
 * Order of cause: time of day and shared noise make demand; demand, batches and jobs make CPU, memory and disk; incidents
 * and scenarios pull on those; latency follows from all three as in a queue, and is pulled on last. So a memory leak slows
 * a server down before it kills it, and a busy hour looks like one in every metric. Formulas: docs/GENERATOR.md.
 *
 * Nothing in normal life reaches what counts as critical: soft ceilings hold CPU below 92 %, memory below the profile's
 * cap, latency below 180 ms. Only incidents go beyond, so that states and metrics say the same.
 */
#include "generate/server.h"

#include <math.h>

#include "generate/rhythm.h"

#define MINUTE 60.0

const double generate_channel_tau_s[N_CHANNELS] = {
    [CPU_JITTER] = 15,       [CPU_MINUTES] = 300,
    [CPU_HOUR] = 4800,       [CPU_DAY] = 64800,
    [MEM_MINUTES] = 240,     [MEM_HOURS] = 21600,
    [DISK_JITTER] = 20,      [DISK_MINUTES] = 600,
    [DISK_HOURS] = 14400,    [LATENCY_JITTER] = 20,
    [LATENCY_MINUTES] = 900, [NET_JITTER] = 30,
    [ERRORS] = 120,          [GC] = 60,
};

/* x up to `knee`, then ever flatter towards `top`. */
static double ceiling(double x, double knee, double top)
{
    return x <= knee ? x : knee + (top - knee) * tanh((x - knee) / (top - knee));
}

/* x down to 2 · low, then ever flatter towards low. */
static double floor_at(double x, double low)
{
    return x >= 2 * low ? x : low * (1.0 + exp((x - 2 * low) / low));
}

static double mix(double from, double to, double weight)
{
    return from + (to - from) * weight;
}

/* Pulls upwards only: a goal below where the metric is anyway is no sign of anything. */
static double pull(double x, double goal, double weight)
{
    return goal > x ? mix(x, goal, weight) : x;
}

/* The same in ratios, for what grows by factors. */
static double pull_ratio(double x, double goal, double weight)
{
    return goal > x && x > 0 ? x * pow(goal / x, weight) : x;
}

/* All that pulls at one instant: every slot's precursor and break, and the scenario's drift. */
typedef struct pulls {
    size_t n;
    struct {
        generate_goals goals;
        double weight;
    } items[2 * N_SLOTS + 1];
    double late, early, errors; // largest weights; error rate
} pulls;

static void add_pull(pulls *all, const generate_goals *goals, double weight)
{
    if (weight <= 0)
        return;
    all->items[all->n].goals = *goals;
    all->items[all->n++].weight = weight;
}

static double drift_weight(const generate_server *s, double t_s)
{
    if (t_s < s->drift_begin)
        return 0;
    const double on =
        generate_smooth((fmin(t_s, s->drift_release) - s->drift_begin) / (s->drift_full - s->drift_begin));
    return t_s < s->drift_release ? on : on * exp(-(t_s - s->drift_release) / (4 * MINUTE));
}

static pulls collect_pulls(const generate_server *s, double t_s)
{
    pulls all = {0};
    const double drift = drift_weight(s, t_s);
    add_pull(&all, &s->drift, drift);
    all.early = drift;
    for (size_t i = 0; i < N_SLOTS; i++) {
        const generate_incident *const in = &s->slots[i];
        const double early = generate_incident_early(in, t_s), late = generate_incident_late(in, t_s);
        add_pull(&all, &in->early, early);
        add_pull(&all, &in->late, late);
        all.early = fmax(all.early, early);
        all.late = fmax(all.late, late);
        all.errors = fmax(all.errors, late * in->errors);
    }
    return all;
}

static generate_phase worst_phase(const generate_server *s, double t_s, const generate_incident **which)
{
    generate_phase worst = GENERATE_QUIET;
    static const int rank[] = {[GENERATE_QUIET] = 0,
                               [GENERATE_PRECURSOR] = 1,
                               [GENERATE_MENDING] = 2,
                               [GENERATE_BROKEN] = 3,
                               [GENERATE_DOWN] = 4};
    for (size_t i = 0; i < N_SLOTS; i++) {
        const generate_phase phase = generate_incident_phase(&s->slots[i], t_s);
        if (rank[phase] > rank[worst]) {
            worst = phase;
            *which = &s->slots[i];
        }
    }
    return worst;
}

/* Smoothed over a minute and with a margin on the way back, so that a state stays for a while (CONTRACT 1.6 for the rule). */
static tft_state derive_state(generate_server *s, const generate_weather *weather, const generate_record *r,
                              double spike)
{
    const double fresh = 1.0 - exp(-weather->step_s / MINUTE);
    s->smooth_cpu += fresh * (r->cpu_pct - s->smooth_cpu);
    s->smooth_mem += fresh * (r->mem_pct - s->smooth_mem);
    s->smooth_latency += fresh * (r->latency_ms - s->smooth_latency);
    const bool database = s->profile->profile == TFT_PROFILE_DATABASE;
    const bool heavy = s->state == TFT_STATE_HEAVY_LOAD, idle = s->state == TFT_STATE_IDLE;
    const double back = heavy ? 3 : 0, stay = idle ? 2 : 0;
    if (s->smooth_cpu > 80 - back || s->smooth_mem > (database ? 95 - back / 3 : 80 - back) ||
        s->smooth_latency > 100 - 2 * back)
        return TFT_STATE_HEAVY_LOAD;
    if (s->smooth_cpu < 10 + stay && s->smooth_mem < 30 + stay)
        return TFT_STATE_IDLE;
    if (spike > (s->state == TFT_STATE_MORNING_SPIKE ? 0.3 : 0.45) && s->profile->spike > 0.12)
        return TFT_STATE_MORNING_SPIKE;
    return TFT_STATE_HEALTHY;
}

static void advance_noise(generate_server *s, const generate_weather *weather, double mean[N_CHANNELS])
{
    for (size_t c = 0; c < N_CHANNELS; c++)
        mean[c] = generate_ou_advance(&weather->channels[c], &s->x[c], &s->noise);
}

typedef struct drivers {
    double t_s, demand, spike, fragile, restart; // restart: 1 just after one, then fading
    generate_load load;
    double maintenance; // weight 0 … 1
    pulls pulls;
} drivers;

static drivers collect_drivers(const generate_server *s, const generate_weather *w, const double x[N_CHANNELS])
{
    const generate_profile *const p = s->profile;
    drivers d = {.t_s = w->mid_s};
    const double local_s = d.t_s + s->shift_s, base = generate_demand(p, local_s);
    const double day = exp(0.13 * w->hours[p->profile] + 0.12 * x[CPU_DAY] + 0.06 * w->fleet);
    const double wave = (0.25 + base) * (0.10 * w->minutes[p->profile] + 0.08 * x[CPU_HOUR]);
    d.spike = generate_spike(local_s) * w->spike[p->profile];
    d.demand = fmax(0, base * day + wave + p->spike * d.spike);
    d.fragile = generate_server_fragile(s, d.t_s);
    d.load = generate_server_load(s, d.t_s);
    d.restart = exp(-fmax(0, d.t_s - s->restarted) / (14 * MINUTE));
    double seconds_in;
    if (generate_server_in_maintenance(s, d.t_s, &seconds_in))
        d.maintenance = generate_smooth(seconds_in / 90);
    d.pulls = collect_pulls(s, d.t_s);
    return d;
}

static void resources(const generate_server *s, const generate_weather *w, const drivers *d, const double x[N_CHANNELS],
                      generate_record *r)
{
    const generate_profile *const p = s->profile;
    const double level = generate_server_level(s, d->t_s);
    double cpu = level * (s->cpu_idle * (1 + 0.08 * x[CPU_HOUR]) + s->cpu_busy * d->demand) + d->load.cpu;
    cpu += (0.5 + 0.03 * cpu) * (1 + 0.9 * d->fragile) * x[CPU_MINUTES] + 5 * d->fragile + 9 * d->restart;
    double mem = s->mem * (0.75 + 0.25 * level) + p->mem_busy * d->demand + d->load.mem + 1.1 * x[MEM_HOURS] +
                 0.3 * x[MEM_MINUTES] + 4 * d->fragile + fmin(s->leak_per_day * (d->t_s - s->restarted) / 86400.0, 12);
    mem *= 1 - 0.3 * d->restart;
    double disk = (s->disk + p->disk_busy * d->demand) * exp(0.32 * x[DISK_HOURS] + 0.22 * x[DISK_MINUTES]) +
                  d->load.disk * exp(0.15 * x[DISK_MINUTES]);
    disk *= generate_ou_factor(&w->channels[DISK_JITTER], 0.2 * (1 + 0.5 * d->fragile), x[DISK_JITTER]);
    cpu = ceiling(floor_at(cpu, 1.5), 72, 90);
    mem = ceiling(floor_at(mem, 3), p->mem_cap - 8, p->mem_cap);
    disk = ceiling(disk, 0.6 * p->disk_ceiling, 0.85 * p->disk_ceiling);
    if (d->maintenance > 0) {
        cpu = mix(cpu, fmin(cpu, 4), d->maintenance);
        mem = mix(mem, 0.7 * mem, d->maintenance);
        disk = mix(disk, 0.2 * disk, d->maintenance);
    }
    for (size_t i = 0; i < d->pulls.n; i++) {
        const double weight = d->pulls.items[i].weight;
        cpu = pull(cpu, d->pulls.items[i].goals.cpu, weight);
        mem = pull(mem, d->pulls.items[i].goals.mem, weight);
        disk = pull_ratio(disk, d->pulls.items[i].goals.disk * p->disk_ceiling, weight);
    }
    r->cpu_pct = cpu; // without its jitter yet: latency does not follow seconds
    r->mem_pct = fmin(mem, 99.9);
    r->disk_io_mb_s = disk * (1 + 0.04 * x[DISK_JITTER] * d->pulls.late);
}

/* A queue's latency: flat while there is room, steep towards full; memory pressure and a busy disk make it longer. */
static double latency(const generate_server *s, const drivers *d, const double x[N_CHANNELS], const generate_record *r)
{
    const generate_profile *const p = s->profile;
    const double rho = r->cpu_pct / 100, queue = 0.9 * rho * rho * rho / (1.02 - rho);
    const double room = 100 - p->mem_cap, squeeze = fmax(0, r->mem_pct - p->mem_cap + 4) / room;
    const double busy = fmax(0, r->disk_io_mb_s / p->disk_ceiling - 0.5) / 0.5;
    double ms = s->latency * (1 + queue) * (1 + 3 * squeeze * squeeze) * (1 + 1.5 * busy * busy);
    ms *= (1 + 0.25 * d->fragile) * (1 + 0.4 * d->restart) *
          exp(0.1 * x[LATENCY_MINUTES] + 0.06 * (1 + d->fragile) * x[LATENCY_JITTER]);
    ms = ceiling(ms, 120, 180);
    for (size_t i = 0; i < d->pulls.n; i++)
        ms = pull_ratio(ms, d->pulls.items[i].goals.latency, d->pulls.items[i].weight);
    return ms * (1 + 0.04 * fmax(-2.5, fmin(2.5, x[LATENCY_JITTER])) * d->pulls.late);
}

static void traffic(const generate_server *s, const generate_weather *w, const drivers *d, const double x[N_CHANNELS],
                    generate_record *r)
{
    const generate_profile *const p = s->profile;
    const double jobs = d->load.disk / p->disk_ceiling;
    const double flow = s->net * (0.06 + d->demand + jobs) *
                        generate_ou_factor(&w->channels[NET_JITTER], 0.16, x[NET_JITTER]) * exp(0.1 * x[CPU_MINUTES]) *
                        (1 - 0.9 * d->maintenance);
    r->net_in_mb_s = p->net_in * flow;
    r->net_out_mb_s = p->net_out * flow * (1 - 0.5 * d->pulls.late);
    r->error_rate = fmin(1, 0.0007 * generate_ou_factor(&w->channels[ERRORS], 0.5, x[ERRORS]) *
                                    (1 + 4 * d->fragile + 8 * d->pulls.early) +
                                d->pulls.errors * generate_ou_factor(&w->channels[ERRORS], 0.2, x[ERRORS]));
    const double squeeze = fmax(0, r->mem_pct - 70) / 30;
    const double calm_ms = p->profile == TFT_PROFILE_DATABASE ? 1.5 : 8;
    r->gc_pause_ms = calm_ms * generate_ou_factor(&w->channels[GC], 0.3, x[GC]) * (1 + 9 * squeeze * squeeze) *
                     (1 + 0.5 * d->fragile);
}

static const char *note(const generate_server *s, const drivers *d, generate_phase phase,
                        const generate_incident *which)
{
    if (phase == GENERATE_BROKEN || phase == GENERATE_DOWN || phase == GENERATE_MENDING)
        return generate_incident_note(which, phase);
    if (d->maintenance > 0)
        return "scheduled maintenance";
    return d->t_s - s->deployed >= 0 && d->t_s - s->deployed < 8 * MINUTE ? "deployment" : "";
}

bool generate_server_step(generate_server *s, const generate_weather *weather, generate_record *r)
{
    double x[N_CHANNELS];
    advance_noise(s, weather, x);
    const drivers d = collect_drivers(s, weather, x);
    resources(s, weather, &d, x, r);
    r->latency_ms = latency(s, &d, x, r);
    traffic(s, weather, &d, x, r);
    // the jitter of seconds sits on top; a server that is pinned to a goal has little room for it
    const double jitter = (0.5 + 0.045 * r->cpu_pct) * (1 + 0.8 * d.fragile) * (1 - 0.75 * fmin(1, d.pulls.early));
    const double high = d.pulls.late > 0.5 ? 100 : 94.5;
    r->cpu_pct =
        fmax(0.2, fmin(r->cpu_pct + jitter * (1 - 0.8 * d.pulls.late) * x[CPU_JITTER], fmax(high, r->cpu_pct)));

    const generate_incident *which = NULL;
    const generate_phase phase = worst_phase(s, d.t_s, &which);
    const tft_state derived = derive_state(s, weather, r, d.spike);
    s->state = derived;
    if (d.maintenance > 0)
        s->state = TFT_STATE_MAINTENANCE;
    if (phase == GENERATE_MENDING)
        s->state = TFT_STATE_RECOVERY;
    else if (phase == GENERATE_BROKEN)
        s->state = TFT_STATE_CRITICAL_ISSUE;
    else if (phase == GENERATE_DOWN)
        s->state = TFT_STATE_OFFLINE;
    r->state = s->state;
    r->problem_child = s->problem_child;
    r->notes = note(s, &d, phase, which);
    const double half = weather->step_s / 2;
    r->container_oom = which != NULL && phase == GENERATE_BROKEN && which->kind == GENERATE_LEAK &&
                       which->breaks >= d.t_s - 3 * half && which->breaks <= d.t_s;
    return phase != GENERATE_DOWN && (d.t_s < s->gap.begin || d.t_s >= s->gap.end);
}
