/* incident.h - one incident from its first sign to the end of its recovery, and what it does to the metrics.
 *
 *     weight
 *       1 |                  ________________
 *         |              .-'|                |
 *         |         .-'     |                |\
 *       0 |____.-'          |                | \_______________
 *             begin        break            end             done
 *              | precursor  | critical_issue | recovery       |
 *              |            | or offline     |                |
 *
 * The precursor pulls metrics towards its goals, just short of what counts as critical; the break pulls them beyond, within
 * a minute. A precursor may also be called off before it breaks (somebody killed the job): then it fades away.
 * Times are UTC seconds. Everything random is drawn when the incident is, so its shape is a pure function of time.
 */
#ifndef TFTD_GENERATE_INCIDENT_H
#define TFTD_GENERATE_INCIDENT_H

#include "base/rng.h"
#include "generate/profiles.h"

typedef enum generate_phase {
    GENERATE_QUIET,
    GENERATE_PRECURSOR,
    GENERATE_BROKEN, // critical_issue
    GENERATE_DOWN,   // offline
    GENERATE_MENDING // recovery
} generate_phase;

/* Where a metric is pulled; 0 = left alone. Memory and CPU in %, latency in ms, disk as a share of the disk's ceiling. */
typedef struct generate_goals {
    double cpu, mem, latency, disk;
} generate_goals;

typedef struct generate_incident {
    bool drawn; // false: the slot has never been used
    generate_kind kind;
    bool called_off; // fades away at `breaks` instead of breaking
    bool restarts;   // ends with a restart: memory starts anew
    double begin, breaks, end, done;
    double shape;               // the precursor's weight is progress ^ shape
    double reached;             // its weight at `breaks` (1, less when called off)
    generate_goals early, late; // goals of precursor and break
    double errors;              // error rate at the break
} generate_incident;

/* One incident of `kind` on a server of profile p, first sign at begin_s. called_off: never breaks. */
generate_incident generate_incident_draw(generate_kind kind, const generate_profile *p, double begin_s, bool called_off,
                                         tft_rng *rng);

/* The same, but it breaks `ramp_s` after begin_s: what a scenario forces. Kinds without a precursor get one of this
 * length all the same. */
generate_incident generate_incident_force(generate_kind kind, const generate_profile *p, double begin_s, double ramp_s,
                                          double broken_s, tft_rng *rng);

/* What a slow database does to a web server behind it, lag_s later; breaks: it is an incident here too. */
generate_incident generate_incident_follow(const generate_incident *root, const generate_profile *p, double lag_s,
                                           bool breaks, tft_rng *rng);

/* Lets go of a forced incident: a precursor fades from now on, a broken server recovers within minutes. */
void generate_incident_release(generate_incident *incident, double now_s, tft_rng *rng);

generate_phase generate_incident_phase(const generate_incident *incident, double t_s);

/* Weights at t_s, 0 … 1: of the precursor's goals, and of the break's. */
double generate_incident_early(const generate_incident *incident, double t_s);
double generate_incident_late(const generate_incident *incident, double t_s);

/* Whether the slot may be used for an incident that begins at t_s. */
static inline bool generate_incident_over(const generate_incident *incident, double t_s)
{
    return !incident->drawn || t_s >= incident->done;
}

/* The chance that a precursor of this kind is called off. */
double generate_incident_call_off(generate_kind kind);

/* Notes of a record in this phase; static text. */
const char *generate_incident_note(const generate_incident *incident, generate_phase phase);

#endif
