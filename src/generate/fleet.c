/* fleet.c - see fleet.h. Who is in the fleet, the shared weather, ticks, scenarios, cascades.
 *
 * A tick is cut into steps of at most a minute; a record is the mean of its steps. The shared noise is drawn once a
 * step, then every server takes its own.
 */
#include "generate/fleet.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/rhythm.h"
#include "generate/server.h"

#define STEP_MAX_MS 60000
#define FLEET_STREAMS ((uint64_t)1 << 40) // streams below belong to servers

enum {
    FLEET_NOISE,
    PROFILE_MINUTES,
    PROFILE_HOURS = PROFILE_MINUTES + TFT_N_PROFILES,
    N_SHARED = PROFILE_HOURS + TFT_N_PROFILES
};

/* The mean of a record's steps, and the worst state in it. */
typedef struct sum {
    size_t n; // steps in which the server sent
    generate_record total;
} sum;

struct generate_fleet {
    generate_options options;
    int64_t clock_ms;
    generate_scenario scenario;
    size_t n_affected;
    tft_rng shared_stream, scenario_stream, outage_stream;
    double shared[N_SHARED];
    generate_episode outage;  // nobody's records arrive
    double prepared_s;        // step length that `weather` and `shared_ou` are made for
    generate_ou shared_ou[3]; // fleet, minutes, hours
    generate_weather weather;
    int64_t spike_day;
    size_t web_begin, web_n, database_begin, database_n;
    size_t *order; // [n_servers] scratch for choosing servers
    sum *sums;     // [n_servers] of the tick under way
    generate_server servers[];
};

static const char *const scenario_names[GENERATE_N_SCENARIOS] = {"healthy", "degrading", "critical"};

const char *generate_scenario_name(generate_scenario scenario)
{
    return scenario_names[scenario];
}

int generate_scenario_find(const char *name, size_t n)
{
    for (int i = 0; i < GENERATE_N_SCENARIOS; i++) {
        if (strlen(scenario_names[i]) == n && memcmp(scenario_names[i], name, n) == 0)
            return i;
    }
    return -1;
}

generate_options generate_options_default(void)
{
    generate_options options = {.n_servers = 20, .seed = 1, .incident_rate = 1};
    for (size_t k = 0; k < GENERATE_N_KINDS; k++)
        options.mix[k] = 1;
    return options;
}

static tft_status check(const generate_options *o, tft_error *err)
{
    if (o->n_servers < GENERATE_MIN_SERVERS || o->n_servers > GENERATE_MAX_SERVERS)
        return tft_fail(err, TFT_ERR_ARGUMENT, "servers is %zu, must be %d to %d", o->n_servers, GENERATE_MIN_SERVERS,
                        GENERATE_MAX_SERVERS);
    if (!(o->incident_rate >= 0 && o->incident_rate <= 100))
        return tft_fail(err, TFT_ERR_ARGUMENT, "incident rate is %g, must be 0 to 100", o->incident_rate);
    if (!(o->gap_rate >= 0 && o->gap_rate <= 100))
        return tft_fail(err, TFT_ERR_ARGUMENT, "gap rate is %g, must be 0 to 100", o->gap_rate);
    for (size_t k = 0; k < GENERATE_N_KINDS; k++) {
        if (!(o->mix[k] >= 0 && o->mix[k] <= 1e6))
            return tft_fail(err, TFT_ERR_ARGUMENT, "weight of %s is %g, must be 0 to 1000000",
                            generate_kind_name((generate_kind)k), o->mix[k]);
    }
    if (o->start_ms < -62135596800000 || o->start_ms > 253370764800000) // years 1 to 9999
        return tft_fail(err, TFT_ERR_ARGUMENT, "start is outside the years 1 to 9999");
    return TFT_OK;
}

static void enrol(generate_fleet *fleet)
{
    size_t counts[TFT_N_PROFILES], number = 0;
    generate_profile_counts(fleet->options.n_servers, counts);
    for (size_t i = 0; i < TFT_N_PROFILES; i++) {
        const tft_profile profile = generate_profile_order(i);
        if (profile == TFT_PROFILE_DATABASE)
            fleet->database_begin = number;
        if (profile == TFT_PROFILE_WEB_API)
            fleet->web_begin = number;
        for (size_t j = 0; j < counts[profile]; j++, number++) {
            generate_server *const s = &fleet->servers[number];
            generate_server_init(s, &fleet->options, profile, number);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" // the format is the profile table's own
            snprintf(s->name, sizeof s->name, s->profile->name_format, j + 1);
#pragma GCC diagnostic pop
        }
    }
    fleet->database_n = counts[TFT_PROFILE_DATABASE];
    fleet->web_n = counts[TFT_PROFILE_WEB_API];
}

tft_status generate_fleet_open(const generate_options *options, generate_fleet **out, tft_error *err)
{
    tft_status status = check(options, err);
    if (status != TFT_OK)
        return status;
    const size_t n = options->n_servers;
    generate_fleet *const fleet = calloc(1, sizeof *fleet + n * sizeof fleet->servers[0]);
    size_t *const order = calloc(n, sizeof *order);
    sum *const sums = calloc(n, sizeof *sums);
    if (fleet == NULL || order == NULL || sums == NULL) {
        free(fleet);
        free(order);
        free(sums);
        return tft_fail(err, TFT_ERR_MEMORY, "a fleet of %zu servers: out of memory", n);
    }
    fleet->options = *options;
    fleet->order = order;
    fleet->sums = sums;
    fleet->clock_ms = options->start_ms;
    fleet->spike_day = INT64_MIN;
    fleet->shared_stream = tft_rng_seeded(options->seed, FLEET_STREAMS);
    fleet->scenario_stream = tft_rng_seeded(options->seed, FLEET_STREAMS + 1);
    fleet->outage_stream = tft_rng_seeded(options->seed, FLEET_STREAMS + 2);
    fleet->outage.end = (double)options->start_ms / 1000.0;
    for (size_t i = 0; i < N_SHARED; i++)
        fleet->shared[i] = tft_rng_normal(&fleet->shared_stream);
    enrol(fleet);
    generate_fleet_set_scenario(fleet, options->scenario);
    *out = fleet;
    return TFT_OK;
}

void generate_fleet_close(generate_fleet *fleet)
{
    if (fleet == NULL)
        return;
    free(fleet->order);
    free(fleet->sums);
    free(fleet);
}

size_t generate_fleet_size(const generate_fleet *fleet)
{
    return fleet->options.n_servers;
}

int64_t generate_fleet_clock(const generate_fleet *fleet)
{
    return fleet->clock_ms;
}

const char *generate_fleet_name(const generate_fleet *fleet, size_t server)
{
    return fleet->servers[server].name;
}

tft_profile generate_fleet_profile(const generate_fleet *fleet, size_t server)
{
    return fleet->servers[server].profile->profile;
}

/* ---- weather ---- */

static void prepare(generate_fleet *fleet, double step_s)
{
    if (!(fleet->prepared_s < step_s) && !(fleet->prepared_s > step_s))
        return;
    for (size_t c = 0; c < N_CHANNELS; c++)
        fleet->weather.channels[c] = generate_ou_prepare(generate_channel_tau_s[c], step_s);
    fleet->shared_ou[0] = generate_ou_prepare(3 * 3600, step_s);
    fleet->shared_ou[1] = generate_ou_prepare(1800, step_s);
    fleet->shared_ou[2] = generate_ou_prepare(5 * 3600, step_s);
    fleet->weather.step_s = step_s;
    fleet->prepared_s = step_s;
}

static void advance_weather(generate_fleet *fleet, double at_s)
{
    generate_weather *const w = &fleet->weather;
    w->mid_s = at_s + w->step_s / 2;
    w->fleet = generate_ou_advance(&fleet->shared_ou[0], &fleet->shared[FLEET_NOISE], &fleet->shared_stream);
    for (size_t p = 0; p < TFT_N_PROFILES; p++) {
        w->minutes[p] =
            generate_ou_advance(&fleet->shared_ou[1], &fleet->shared[PROFILE_MINUTES + p], &fleet->shared_stream);
        w->hours[p] =
            generate_ou_advance(&fleet->shared_ou[2], &fleet->shared[PROFILE_HOURS + p], &fleet->shared_stream);
    }
    const double outages = 0.05 / 86400 * fleet->options.gap_rate;
    while (fleet->outage.end < w->mid_s) {
        fleet->outage.begin = fleet->outage.end + generate_wait(&fleet->outage_stream, outages);
        fleet->outage.end = fleet->outage.begin + 60 * generate_around(&fleet->outage_stream, 8, 0.8, 2, 40);
    }
    const int64_t day = generate_day(w->mid_s);
    if (day == fleet->spike_day)
        return;
    fleet->spike_day = day;
    for (size_t p = 0; p < TFT_N_PROFILES; p++) {
        tft_rng rng = tft_rng_seeded(fleet->options.seed ^ 0x7370696b65u, p * 65536u + (uint64_t)(day & 65535));
        w->spike[p] = generate_around(&rng, 1, 0.3, 0.4, 1.8);
    }
}

/* ---- a tick ---- */

static void add(sum *all, const generate_record *r)
{
    generate_record *const t = &all->total;
    t->cpu_pct += r->cpu_pct;
    t->mem_pct += r->mem_pct;
    t->disk_io_mb_s += r->disk_io_mb_s;
    t->latency_ms += r->latency_ms;
    t->net_in_mb_s += r->net_in_mb_s;
    t->net_out_mb_s += r->net_out_mb_s;
    t->error_rate += r->error_rate;
    t->gc_pause_ms += r->gc_pause_ms;
    t->container_oom = t->container_oom || r->container_oom;
    all->n++;
}

static void divide(sum *all)
{
    generate_record *const t = &all->total;
    const double n = all->n > 0 ? (double)all->n : NAN; // offline throughout: no values
    t->cpu_pct /= n;
    t->mem_pct /= n;
    t->disk_io_mb_s /= n;
    t->latency_ms /= n;
    t->net_in_mb_s /= n;
    t->net_out_mb_s /= n;
    t->error_rate /= n;
    t->gc_pause_ms /= n;
}

static void take(generate_fleet *fleet, sum *all, const generate_record *r, bool sent)
{
    const bool offline = r->state == TFT_STATE_OFFLINE;
    const bool in_outage = fleet->weather.mid_s >= fleet->outage.begin && fleet->weather.mid_s < fleet->outage.end;
    if (offline ? !fleet->options.keep_offline : (!sent || in_outage))
        return;
    if (!offline)
        add(all, r);
    const tft_state worse = tft_state_worse(all->total.state, r->state);
    if (worse != all->total.state || all->total.notes == NULL || all->total.notes[0] == '\0')
        all->total.notes = r->notes;
    all->total.state = worse;
    all->total.problem_child = r->problem_child;
}

static void start_cascade(generate_fleet *fleet, size_t number)
{
    generate_server *const database = &fleet->servers[number];
    database->cascade_begun = false;
    for (size_t i = 0; i < fleet->web_n; i++) {
        if (i % fleet->database_n == number - fleet->database_begin)
            generate_server_follow(&fleet->servers[fleet->web_begin + i], &database->slots[SLOT_OWN]);
    }
}

size_t generate_fleet_tick(generate_fleet *fleet, int64_t length_ms, generate_record *records)
{
    assert(length_ms >= 1 && length_ms <= 86400000);
    const size_t n = fleet->options.n_servers;
    const int64_t n_steps = (length_ms + STEP_MAX_MS - 1) / STEP_MAX_MS;
    prepare(fleet, (double)length_ms / (double)n_steps / 1000.0);
    memset(fleet->sums, 0, n * sizeof fleet->sums[0]);
    for (int64_t step = 0; step < n_steps; step++) {
        advance_weather(fleet, (double)fleet->clock_ms / 1000.0 + (double)step * fleet->weather.step_s);
        for (size_t i = 0; i < n; i++) {
            generate_server *const s = &fleet->servers[i];
            generate_record r = {0};
            generate_server_timeline(s, fleet->weather.mid_s);
            if (s->cascade_begun)
                start_cascade(fleet, i);
            const bool sent = generate_server_step(s, &fleet->weather, &r);
            take(fleet, &fleet->sums[i], &r, sent);
        }
    }
    size_t n_records = 0;
    for (size_t i = 0; i < n; i++) {
        sum *const all = &fleet->sums[i];
        if (all->total.state == TFT_STATE_NONE)
            continue; // nothing sent
        divide(all);
        all->total.time_ms = fleet->clock_ms;
        all->total.server = i;
        all->total.server_name = fleet->servers[i].name;
        all->total.profile = fleet->servers[i].profile->profile;
        records[n_records++] = all->total;
    }
    fleet->clock_ms += length_ms;
    return n_records;
}

/* ---- scenarios ---- */

void generate_fleet_set_scenario(generate_fleet *fleet, generate_scenario scenario)
{
    if (scenario == fleet->scenario)
        return;
    const size_t n = fleet->options.n_servers;
    const double now_s = (double)fleet->clock_ms / 1000.0;
    size_t n_affected = 0;
    if (scenario == GENERATE_DEGRADING)
        n_affected = (n + 2) / 4;
    else if (scenario == GENERATE_CRITICAL)
        n_affected = (n + 1) / 2;
    for (size_t i = 0; i < n; i++)
        fleet->order[i] = i;
    for (size_t i = 0; i < n; i++) { // Fisher, Yates: the first n_affected of a shuffled fleet
        const size_t other = i + tft_rng_below(&fleet->scenario_stream, n - i);
        const size_t chosen = fleet->order[other];
        fleet->order[other] = fleet->order[i];
        fleet->order[i] = chosen;
        generate_server_force(&fleet->servers[chosen], i < n_affected ? scenario : GENERATE_HEALTHY, now_s);
    }
    fleet->scenario = scenario;
    fleet->n_affected = n_affected;
}

generate_status generate_fleet_status(const generate_fleet *fleet)
{
    return (generate_status){.scenario = fleet->scenario,
                             .n_servers = fleet->options.n_servers,
                             .n_affected = fleet->n_affected,
                             .clock_ms = fleet->clock_ms};
}

size_t generate_fleet_affected(const generate_fleet *fleet, const char **names, size_t capacity)
{
    size_t n = 0;
    for (size_t i = 0; i < fleet->options.n_servers && n < capacity; i++) {
        if (fleet->servers[i].forced != GENERATE_HEALTHY)
            names[n++] = fleet->servers[i].name;
    }
    return n;
}
