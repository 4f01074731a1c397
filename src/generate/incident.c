/* incident.c - see incident.h. The table of kinds is the one of docs/GENERATOR.md. */
#include "generate/incident.h"

#include <math.h>
#include <string.h>

#include "generate/noise.h"
#include "generate/rhythm.h"

#define MINUTE 60.0

/* Durations in minutes: median, sigma of the log, range. */
typedef struct spread {
    double median, sigma, low, high;
} spread;

static const struct {
    const char *name, *note;
    spread sign, broken, mend; // precursor, critical or offline, recovery
    double shape_low, shape_high;
    double called_off;
    bool restarts;
} kinds[GENERATE_N_KINDS] = {
    [GENERATE_LEAK] = {"leak",
                       "memory leak: out of memory",
                       {180, 0.45, 75, 420},
                       {18, 0.4, 10, 45},
                       {15, 0.3, 8, 30},
                       0.8,
                       1.3,
                       0.32,
                       true},
    [GENERATE_RUNAWAY] =
        {"runaway", "runaway job", {55, 0.35, 30, 90}, {28, 0.5, 10, 80}, {9, 0.3, 5, 20}, 0.7, 1.5, 0.35, false},
    [GENERATE_DISK] =
        {"disk", "disk saturated", {110, 0.35, 60, 180}, {38, 0.5, 12, 90}, {14, 0.3, 8, 30}, 0.8, 1.6, 0.35, false},
    [GENERATE_CASCADE] = {"cascade",
                          "slow database: cascade",
                          {32, 0.3, 20, 55},
                          {30, 0.45, 12, 75},
                          {12, 0.3, 6, 25},
                          0.8,
                          1.3,
                          0.20,
                          false},
    [GENERATE_CRASH] = {"crash", "crashed", {0, 0, 0, 0}, {24, 0.5, 10, 80}, {15, 0.3, 8, 30}, 1, 1, 0, true},
    [GENERATE_SUDDEN] =
        {"sudden", "sudden failure", {0, 0, 0, 0}, {28, 0.55, 10, 90}, {11, 0.3, 6, 25}, 1, 1, 0, false},
};

static double minutes_of(const spread *s, tft_rng *rng)
{
    return MINUTE * generate_around(rng, s->median, s->sigma, s->low, s->high);
}

/* Goals per kind. Short of critical (CONTRACT 1.6) before the break, beyond it after: cpu 95, mem 95 (database 99), latency
 * 200. A database's memory is page cache and full anyway, so its leak goes from its 84–94 % to 99.5 %. */
static void draw_goals(generate_incident *in, const generate_profile *p, tft_rng *rng)
{
    const bool database = p->profile == TFT_PROFILE_DATABASE;
    const double u = tft_rng_uniform(rng), v = tft_rng_uniform(rng), w = tft_rng_uniform(rng);
    switch (in->kind) {
    case GENERATE_LEAK:
        in->early.mem = database ? 98.2 : 94.0;
        in->late =
            (generate_goals){.cpu = 70 + 22 * u, .mem = database ? 99.6 : 97.4 + 1.6 * v, .latency = 180 + 260 * w};
        in->errors = 0.05 + 0.15 * u;
        break;
    case GENERATE_RUNAWAY:
        in->early.cpu = 93.0;
        in->late = (generate_goals){.cpu = 98.0 + 1.6 * u, .latency = fmax(3.5 * p->latency, 60) + 220 * v};
        in->errors = 0.01 + 0.06 * w;
        break;
    case GENERATE_DISK:
        in->early = (generate_goals){.cpu = 45 + 20 * u, .latency = 130 + 45 * v, .disk = 0.72 + 0.12 * w};
        in->late = (generate_goals){.cpu = 55 + 25 * u, .latency = 260 + 420 * v, .disk = 0.9 + 0.08 * w};
        in->errors = 0.02 + 0.08 * u;
        break;
    case GENERATE_CASCADE:
        in->early = (generate_goals){.cpu = 72 + 12 * u, .latency = 120 + 50 * v};
        in->late = (generate_goals){.cpu = 80 + 12 * u, .latency = 250 + 350 * v};
        in->errors = 0.04 + 0.12 * w;
        break;
    case GENERATE_CRASH:
        in->errors = 0;
        break;
    default: // sudden: one of the three ways to be critical at once
        if (u < 0.4)
            in->late = (generate_goals){.cpu = 97.5 + 2 * v, .latency = fmax(3 * p->latency, 50) + 200 * w};
        else
            in->late = (generate_goals){.cpu = 35 + 45 * v, .latency = 260 + 640 * w};
        in->early = (generate_goals){.cpu = fmin(in->late.cpu, 92), .latency = in->late.latency > 200 ? 150 : 0};
        in->errors = 0.08 + 0.3 * v;
        break;
    }
}

generate_incident generate_incident_draw(generate_kind kind, const generate_profile *p, double begin_s, bool called_off,
                                         tft_rng *rng)
{
    generate_incident in = {
        .drawn = true, .kind = kind, .begin = begin_s, .reached = 1, .restarts = kinds[kind].restarts};
    in.breaks = begin_s + minutes_of(&kinds[kind].sign, rng);
    in.end = in.breaks + minutes_of(&kinds[kind].broken, rng);
    in.done = in.end + minutes_of(&kinds[kind].mend, rng);
    in.shape = generate_between(rng, kinds[kind].shape_low, kinds[kind].shape_high);
    draw_goals(&in, p, rng);
    const double at = generate_between(rng, 0.35, 0.92); // how far a called-off precursor comes
    if (called_off) {
        in.called_off = true;
        in.reached = pow(at, in.shape);
        in.breaks = in.end = begin_s + at * (in.breaks - begin_s);
        in.done = in.end + 20 * MINUTE;
    }
    return in;
}

generate_incident generate_incident_force(generate_kind kind, const generate_profile *p, double begin_s, double ramp_s,
                                          double broken_s, tft_rng *rng)
{
    generate_incident in = generate_incident_draw(kind, p, begin_s, false, rng);
    const double mend_s = in.done - in.end;
    in.shape = generate_between(rng, 0.7, 1.3);
    in.breaks = begin_s + ramp_s;
    in.end = in.breaks + broken_s;
    in.done = in.end + fmin(mend_s, 10 * MINUTE);
    return in;
}

generate_incident generate_incident_follow(const generate_incident *root, const generate_profile *p, double lag_s,
                                           bool breaks, tft_rng *rng)
{
    generate_incident in = generate_incident_draw(GENERATE_CASCADE, p, root->begin + lag_s, false, rng);
    in.breaks = root->breaks + lag_s;
    in.end = root->end + lag_s;
    in.done = in.end + 10 * MINUTE;
    in.shape = root->shape;
    if (!breaks) { // slow while the database is, but no worse
        in.called_off = true;
        in.reached = root->reached;
        in.end = in.breaks = root->end + lag_s;
        in.done = in.end + 20 * MINUTE;
    }
    return in;
}

void generate_incident_release(generate_incident *in, double now_s, tft_rng *rng)
{
    const double soon = now_s + MINUTE * generate_between(rng, 1, 4);
    switch (generate_incident_phase(in, now_s)) {
    case GENERATE_PRECURSOR:
        in->reached = generate_incident_early(in, now_s);
        in->called_off = true;
        in->breaks = in->end = now_s;
        in->done = now_s + 20 * MINUTE;
        break;
    case GENERATE_BROKEN:
    case GENERATE_DOWN:
        in->end = fmin(in->end, soon);
        in->done = in->end + 8 * MINUTE;
        break;
    case GENERATE_QUIET:
        if (in->begin > now_s)
            in->drawn = false;
        break;
    case GENERATE_MENDING:
        break;
    }
}

generate_phase generate_incident_phase(const generate_incident *in, double t_s)
{
    if (!in->drawn || t_s < in->begin || t_s >= in->done)
        return GENERATE_QUIET;
    if (t_s < in->breaks)
        return GENERATE_PRECURSOR;
    if (in->called_off)
        return GENERATE_QUIET; // fading
    if (t_s >= in->end)
        return GENERATE_MENDING;
    return in->kind == GENERATE_CRASH ? GENERATE_DOWN : GENERATE_BROKEN;
}

double generate_incident_early(const generate_incident *in, double t_s)
{
    if (!in->drawn || t_s < in->begin || t_s >= in->done || in->kind == GENERATE_CRASH)
        return 0;
    if (t_s < in->breaks)
        return in->reached * pow((t_s - in->begin) / (in->breaks - in->begin), in->shape);
    if (t_s < in->end)
        return in->reached;
    // 0 at `done`, so that nothing jumps when the slot is free again
    const double fade_s = in->called_off ? 4 * MINUTE : 2.5 * MINUTE;
    return in->reached * exp(-(t_s - in->end) / fade_s) * generate_smooth((in->done - t_s) / (3 * MINUTE));
}

double generate_incident_late(const generate_incident *in, double t_s)
{
    if (!in->drawn || in->called_off || t_s < in->breaks || t_s >= in->done || in->kind == GENERATE_CRASH)
        return 0;
    if (t_s < in->end)
        return 1; // the step to critical is sharp: state and metrics change together
    return exp(-(t_s - in->end) / 20.0);
}

double generate_incident_call_off(generate_kind kind)
{
    return kinds[kind].called_off;
}

const char *generate_incident_note(const generate_incident *in, generate_phase phase)
{
    switch (phase) {
    case GENERATE_BROKEN:
    case GENERATE_DOWN:
        return kinds[in->kind].note;
    case GENERATE_MENDING:
        return in->restarts ? "recovering after a restart" : "recovering";
    default:
        return "";
    }
}

const char *generate_kind_name(generate_kind kind)
{
    return kinds[kind].name;
}

int generate_kind_find(const char *name, size_t n)
{
    for (int i = 0; i < GENERATE_N_KINDS; i++) {
        if (strlen(kinds[i].name) == n && memcmp(kinds[i].name, name, n) == 0)
            return i;
    }
    return -1;
}
