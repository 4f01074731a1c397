/* timeline.c - what happens to a server and when: jobs, deployments, fragile days, maintenance, gaps, incidents.
 *
 * Each kind of event is a process in continuous time on a random stream of its own. Where its rate changes with time
 * (incidents: fragile days, office hours; deployments: office hours) candidates come at the highest rate and are accepted in
 * proportion (thinning: Lewis, Shedler 1979, Naval Research Logistics Quarterly 26, 403). Streams are used up in order
 * of time alone, never once per tick: the same seed has the same events at any length of tick.
 */
#include <math.h>
#include <string.h>

#include "generate/rhythm.h"
#include "generate/server.h"

#define MINUTE 60.0
#define HOUR 3600.0
#define DAY 86400.0

// Incidents: rate = the profile's × (CALM + FRAGILE · fragility) × (0.75 + 0.5 · office hours); about 1 on average
static const double CALM = 0.45, FRAGILE = 6.0, PROBLEM_CHILD = 3.0;
static const double RATE_MAX = (0.45 + 6.0) * 1.25;

/* ---- episodes ---- */

static void next_job(generate_server *s)
{
    const generate_profile *const p = s->profile;
    s->job.begin = s->job.end + generate_wait(&s->job_stream, p->jobs_per_day / DAY);
    s->job.end = s->job.begin + MINUTE * generate_around(&s->job_stream, p->job_minutes, 0.6, 2, 600);
    s->job.height = generate_between(&s->job_stream, p->job_cpu_low, p->job_cpu_high);
}

static void next_fragile(generate_server *s)
{
    s->fragile.begin = s->fragile.end + generate_wait(&s->fragile_stream, 1 / (9 * DAY));
    s->fragile.end = s->fragile.begin + HOUR * generate_around(&s->fragile_stream, 18, 0.5, 6, 48);
}

static void next_gap(generate_server *s)
{
    s->gap.begin = s->gap.end + generate_wait(&s->gap_stream, s->gap_rate);
    s->gap.end = s->gap.begin + MINUTE * generate_around(&s->gap_stream, 3, 0.7, 0.5, 12);
}

/* Deployments: 1 in 8 days, nearly all of them in office hours. A new version has a new level of its own around 1, starts
 * with empty memory, and one in four makes the server shaky for a day or so. */
static void advance_deployments(generate_server *s, double t_s)
{
    while (s->next_deploy <= t_s) {
        const double at = s->next_deploy;
        const double u = tft_rng_uniform(&s->deploy_stream), shaky = tft_rng_uniform(&s->deploy_stream);
        const double level = exp(0.13 * tft_rng_normal(&s->deploy_stream));
        const double hours = generate_around(&s->deploy_stream, 14, 0.5, 4, 40);
        s->next_deploy = at + generate_wait(&s->deploy_stream, 1 / (1.9 * DAY));
        if (u > 0.04 + 0.96 * generate_office(at))
            continue;
        s->level_from = generate_server_level(s, at);
        s->level_to = level;
        s->deployed = s->restarted = at;
        if (shaky < 0.25)
            s->shaky = (generate_episode){at + 10 * MINUTE, at + hours * HOUR, 1};
    }
}

static double hump(const generate_episode *e, double t_s, double ramp_s)
{
    return generate_plateau(t_s, e->begin + ramp_s, e->end - ramp_s, ramp_s);
}

double generate_server_fragile(const generate_server *s, double t_s)
{
    const double fragile = fmax(hump(&s->fragile, t_s, HOUR), s->shaky.height > 0 ? hump(&s->shaky, t_s, HOUR / 2) : 0);
    if (!(s->quiet_from < s->quiet_to))
        return fragile;
    return fragile * (1 - generate_plateau(t_s, s->quiet_from, s->quiet_to, HOUR));
}

double generate_server_level(const generate_server *s, double t_s)
{
    return s->level_from + (s->level_to - s->level_from) * generate_smooth((t_s - s->deployed) / (8 * MINUTE));
}

/* ---- maintenance: one night window a week, used six weeks out of ten ---- */

static bool maintenance_window(const generate_server *s, int64_t week, generate_episode *window)
{
    tft_rng rng = tft_rng_seeded(s->seed ^ 0x6d61696e74u, s->number * 4096u + (uint64_t)(week & 4095));
    const double used = tft_rng_uniform(&rng), stretch = generate_between(&rng, 0.8, 1.3);
    window->begin =
        DAY * (double)(week * 7 - 3 + s->maintenance_weekday) + MINUTE * s->maintenance_min; // 1970-01-01 − 3: Monday
    window->end = window->begin + MINUTE * s->maintenance_minutes * stretch;
    return used < 0.6;
}

static int64_t week_of(double t_s)
{
    return (int64_t)floor((t_s + 3 * DAY) / (7 * DAY));
}

bool generate_server_in_maintenance(const generate_server *s, double t_s, double *seconds_in)
{
    generate_episode window;
    if (!maintenance_window(s, week_of(t_s), &window) || t_s < window.begin || t_s >= window.end)
        return false;
    *seconds_in = t_s - window.begin;
    return true;
}

/* Whether it would overlap with a time that is to stay quiet. */
static bool touches_quiet(const generate_server *s, const generate_incident *in)
{
    return s->quiet_from < s->quiet_to && in->begin < s->quiet_to && in->done > s->quiet_from;
}

static bool touches_maintenance(const generate_server *s, const generate_incident *in)
{
    generate_episode window;
    for (int64_t week = week_of(in->begin); week <= week_of(in->done); week++) {
        if (maintenance_window(s, week, &window) && in->begin < window.end && in->done > window.begin)
            return true;
    }
    return false;
}

/* ---- incidents ---- */

static double kind_total(const generate_server *s)
{
    double sum = 0;
    for (size_t k = 0; k < GENERATE_N_KINDS; k++)
        sum += s->kind_rates[k];
    return sum;
}

static generate_kind pick_kind(const generate_server *s, double u)
{
    double left = u * kind_total(s);
    size_t last = 0;
    for (size_t k = 0; k < GENERATE_N_KINDS; k++) {
        if (s->kind_rates[k] <= 0)
            continue;
        last = k;
        if (left < s->kind_rates[k])
            break;
        left -= s->kind_rates[k];
    }
    return (generate_kind)last;
}

static void consider_incident(generate_server *s, double at)
{
    tft_rng *const rng = &s->incident_stream;
    const double u = tft_rng_uniform(rng), which = tft_rng_uniform(rng), off = tft_rng_uniform(rng);
    const double rate = (CALM + FRAGILE * generate_server_fragile(s, at)) * (0.75 + 0.5 * generate_office(at));
    if (u * RATE_MAX > rate || !generate_incident_over(&s->slots[SLOT_OWN], at))
        return;
    const generate_kind kind = pick_kind(s, which);
    const generate_incident in =
        generate_incident_draw(kind, s->profile, at, off < generate_incident_call_off(kind), rng);
    if (touches_quiet(s, &in) || touches_maintenance(s, &in))
        return; // planned work comes with a restart: nothing builds up into it
    s->slots[SLOT_OWN] = in;
    s->cascade_begun = kind == GENERATE_CASCADE;
}

void generate_server_follow(generate_server *s, const generate_incident *root)
{
    tft_rng *const rng = &s->cascade_stream;
    const double reached = tft_rng_uniform(rng), breaks = tft_rng_uniform(rng);
    const double lag_s = MINUTE * generate_between(rng, 5, 20);
    if (reached > 0.75 || !generate_incident_over(&s->slots[SLOT_CASCADE], root->begin + lag_s))
        return;
    const generate_incident in =
        generate_incident_follow(root, s->profile, lag_s, !root->called_off && breaks < 0.55, rng);
    if (!touches_quiet(s, &in) && !touches_maintenance(s, &in))
        s->slots[SLOT_CASCADE] = in;
}

static void note_restarts(generate_server *s, double t_s)
{
    generate_episode window;
    if (maintenance_window(s, week_of(t_s), &window) && t_s >= window.end && window.end > s->restarted)
        s->restarted = window.end;
    for (size_t i = 0; i < N_SLOTS; i++) {
        const generate_incident *const in = &s->slots[i];
        if (in->drawn && in->restarts && t_s >= in->end && in->end > s->restarted)
            s->restarted = in->end;
    }
}

/* ---- scenarios ---- */

static void draw_drift(generate_server *s, double now_s)
{
    tft_rng *const rng = &s->force_stream;
    const double which = tft_rng_uniform(rng), u = tft_rng_uniform(rng);
    const bool database = s->profile->profile == TFT_PROFILE_DATABASE;
    s->drift_begin = now_s + MINUTE * generate_between(rng, 0, 3);
    s->drift_full = s->drift_begin + MINUTE * generate_between(rng, 9, 26);
    s->drift_release = HUGE_VAL;
    if (which < 0.55)
        s->drift = (generate_goals){.cpu = 84.5 + 5 * u};
    else if (which < 0.75 && !database)
        s->drift = (generate_goals){.mem = 84 + 5 * u};
    else
        s->drift = (generate_goals){.cpu = 60, .latency = 116 + 45 * u};
    s->next_escalation = s->drift_full + generate_wait(rng, 1 / (3.5 * HOUR));
}

/* Under critical, again and again: builds up for 5–25 minutes, breaks for 10–40, recovers. */
static void force_incident(generate_server *s, double begin_s, double ramp_low, double ramp_high)
{
    static const generate_kind any[] = {GENERATE_RUNAWAY, GENERATE_DISK, GENERATE_LEAK, GENERATE_CASCADE};
    tft_rng *const rng = &s->force_stream;
    const size_t n = s->profile->profile == TFT_PROFILE_DATABASE || s->profile->profile == TFT_PROFILE_WEB_API ? 4 : 3;
    const generate_kind kind = any[tft_rng_below(rng, n)];
    const double ramp_s = MINUTE * generate_between(rng, ramp_low, ramp_high);
    const double broken_s = MINUTE * generate_between(rng, 10, 40);
    s->slots[SLOT_FORCED] = generate_incident_force(kind, s->profile, begin_s, ramp_s, broken_s, rng);
}

static void advance_forced(generate_server *s, double t_s)
{
    while (s->next_escalation <= t_s) {
        const double at = s->next_escalation;
        if (s->forced == GENERATE_CRITICAL) {
            force_incident(s, at, 4.5, 22);
            s->next_escalation = s->slots[SLOT_FORCED].done + MINUTE * generate_between(&s->force_stream, 0, 5);
        } else {
            force_incident(s, at, 10, 40);
            s->next_escalation = s->slots[SLOT_FORCED].done + generate_wait(&s->force_stream, 1 / (3.5 * HOUR));
        }
    }
}

void generate_server_force(generate_server *s, generate_scenario scenario, double now_s)
{
    if (s->drift_release > now_s)
        s->drift_release = now_s; // what was forced fades
    generate_incident_release(&s->slots[SLOT_FORCED], now_s, &s->force_stream);
    s->forced = scenario;
    s->next_escalation = HUGE_VAL;
    if (scenario == GENERATE_DEGRADING)
        draw_drift(s, now_s);
    else if (scenario == GENERATE_CRITICAL)
        s->next_escalation = fmax(now_s + MINUTE * generate_between(&s->force_stream, 0, 3),
                                  s->slots[SLOT_FORCED].drawn ? s->slots[SLOT_FORCED].done : 0);
}

/* ---- the whole ---- */

void generate_server_timeline(generate_server *s, double t_s)
{
    while (s->next_candidate <= t_s) {
        const double at = s->next_candidate;
        s->next_candidate = at + generate_wait(&s->incident_stream, kind_total(s) * RATE_MAX);
        advance_deployments(s, at);
        while (s->fragile.end < at)
            next_fragile(s);
        consider_incident(s, at);
    }
    advance_deployments(s, t_s);
    while (s->fragile.end < t_s)
        next_fragile(s);
    while (s->job.end < t_s)
        next_job(s);
    while (s->gap.end < t_s)
        next_gap(s);
    advance_forced(s, t_s);
    note_restarts(s, t_s);
    const int64_t day = generate_day(t_s);
    if (day == s->batch_day)
        return;
    s->batch_day = day;
    for (size_t i = 0; i < GENERATE_MAX_BATCHES; i++) {
        const generate_batch *const b = &s->profile->batches[i];
        tft_rng rng = tft_rng_seeded(s->seed ^ 0x6261746368u,
                                     (s->number * GENERATE_MAX_BATCHES + i) * 65536u + (uint64_t)(day & 65535));
        const double skipped = tft_rng_uniform(&rng), delay = generate_between(&rng, 0, 5);
        const double longer = exp(0.13 * tft_rng_normal(&rng)), higher = exp(0.15 * tft_rng_normal(&rng));
        const bool runs = b->minutes > 0 && skipped > 0.02 && (!b->weekdays_only || generate_weekday(day) < 5);
        const double begin = DAY * (double)day + MINUTE * (b->start_min + delay);
        s->batches[i] = (generate_episode){begin, begin + MINUTE * b->minutes * longer, runs ? higher : 0};
    }
}

generate_load generate_server_load(const generate_server *s, double t_s)
{
    generate_load load = {0};
    for (size_t i = 0; i < GENERATE_MAX_BATCHES; i++) {
        const generate_batch *const b = &s->profile->batches[i];
        if (s->batches[i].height <= 0)
            continue;
        const double on = s->batches[i].height * hump(&s->batches[i], t_s, 2 * MINUTE);
        load.cpu += b->cpu * fmin(on, 1.2);
        load.mem += b->mem * fmin(on, 1.2);
        load.disk += b->disk * on;
    }
    const double job = s->job.height * hump(&s->job, t_s, 1.5 * MINUTE / 2);
    load.cpu += job;
    load.mem += 0.22 * job;
    load.disk += 0.02 * s->profile->disk_busy * job;
    return load;
}

/* ---- the beginning ---- */

static double around_one(tft_rng *rng, double sigma)
{
    return exp(sigma * tft_rng_normal(rng));
}

static tft_rng stream(const generate_options *o, size_t number, uint64_t process)
{
    return tft_rng_seeded(o->seed, (uint64_t)number * 16u + process);
}

static void draw_levels(generate_server *s, tft_rng *rng)
{
    const generate_profile *const p = s->profile;
    s->cpu_idle = p->cpu_idle * around_one(rng, 0.18);
    s->cpu_busy = p->cpu_busy * around_one(rng, 0.16);
    s->mem = p->mem + 0.4 * fmin(p->mem_cap - p->mem, 16) * (tft_rng_uniform(rng) - 0.5) * 2;
    s->disk = p->disk * around_one(rng, 0.25);
    s->latency = p->latency * around_one(rng, 0.15);
    s->net = around_one(rng, 0.2);
    s->shift_s = MINUTE * generate_between(rng, -20, 20);
    const double leaks = tft_rng_uniform(rng), leak = generate_between(rng, 0.2, 1.6);
    s->leak_per_day = p->profile != TFT_PROFILE_DATABASE && leaks < 0.5 ? leak : 0.05;
    s->problem_child = tft_rng_uniform(rng) < 0.06;
    s->maintenance_weekday = (int)tft_rng_below(rng, 7);
    s->maintenance_min = 30.0 * (double)(2 + tft_rng_below(rng, 7)); // 01:00 … 04:00
    s->maintenance_minutes = generate_between(rng, 20, 45);
    for (size_t c = 0; c < N_CHANNELS; c++)
        s->x[c] = tft_rng_normal(rng);
}

void generate_server_init(generate_server *s, const generate_options *o, tft_profile profile, size_t number)
{
    const double start_s = (double)o->start_ms / 1000.0;
    memset(s, 0, sizeof *s);
    s->profile = generate_profile_of(profile);
    s->seed = o->seed;
    s->number = number;
    s->quiet_from = (double)o->quiet_from_ms / 1000.0;
    s->quiet_to = (double)o->quiet_to_ms / 1000.0;
    tft_rng own = stream(o, number, 0);
    draw_levels(s, &own);
    s->restarted = start_s - DAY * generate_between(&own, 0.1, 7);
    s->level_from = s->level_to = around_one(&own, 0.1);
    s->deployed = start_s - DAY;
    s->noise = stream(o, number, 1);
    s->incident_stream = stream(o, number, 2);
    s->deploy_stream = stream(o, number, 3);
    s->fragile_stream = stream(o, number, 4);
    s->job_stream = stream(o, number, 5);
    s->cascade_stream = stream(o, number, 6);
    s->force_stream = stream(o, number, 7);
    s->gap_stream = stream(o, number, 8);

    double total = 0;
    for (size_t k = 0; k < GENERATE_N_KINDS; k++)
        total += s->profile->mix[k] * o->mix[k];
    const double per_s =
        s->profile->incidents_per_day / DAY * (s->problem_child ? PROBLEM_CHILD : 1) * o->incident_rate;
    for (size_t k = 0; k < GENERATE_N_KINDS && total > 0; k++)
        s->kind_rates[k] =
            per_s * s->profile->mix[k] * o->mix[k] / total / (1 - generate_incident_call_off((generate_kind)k));
    s->gap_rate = 0.1 / DAY * o->gap_rate;
    s->job.end = s->fragile.end = s->gap.end = start_s;
    s->next_candidate = start_s + generate_wait(&s->incident_stream, kind_total(s) * RATE_MAX);
    s->next_deploy = start_s + generate_wait(&s->deploy_stream, 1 / (1.9 * DAY));
    s->next_escalation = s->drift_release = HUGE_VAL;
    s->drift_begin = HUGE_VAL;
    s->batch_day = INT64_MIN;
    s->state = TFT_STATE_HEALTHY;
}
