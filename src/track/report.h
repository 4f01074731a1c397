/* report.h - scores added up over a span of time, by whatever somebody wants to compare.
 *
 * Metrics are never added together (their units differ); servers, profiles and models are, unless they are asked for one by
 * one. Time is known to six hours: the span is widened to whole ones.
 *
 * Memory:  a report owns its groups (2.5 kB each, at most TRACK_MAX_GROUPS).
 * Threads: any; each call reads with a connection of its own.
 */
#ifndef TFTD_TRACK_REPORT_H
#define TFTD_TRACK_REPORT_H

#include "track/track.h"

#define TRACK_MAX_GROUPS 20000
#define TRACK_EVERY INT64_MIN // the group of everything

typedef struct track_query {
    int64_t from_ms, to_ms; // of origins
    bool by_server, by_profile, by_model;
    int metric;     // −1 = all
    int64_t server; // a server's index; −1 = all
} track_query;

typedef struct track_group {
    char model[STORE_MODEL_BYTES]; // "" = all
    int64_t group;                 // a server's index; −1 − profile; TRACK_EVERY
    int metric;                    // −1 = incidents
    double sums[STORE_MAX_SUMS];
} track_group;

typedef struct track_report {
    int64_t from_ms, to_ms; // as widened
    int64_t scored_ms;      // newest origin that is scored; INT64_MIN = none
    size_t n;
    track_group *groups; // by metric (incidents last), model, group
} track_report;

/* profile_of says a server's profile now, −1 where it is gone. TFT_ERR_LIMIT: too many groups. */
tft_status track_report_make(const char *dir, const tft_contract *contract, const track_query *query,
                             int (*profile_of)(void *context, int64_t server), void *context, track_report *report,
                             tft_error *err);
void track_report_free(track_report *report); // accepts a zeroed struct

/* 1 − CRPS / CRPS of the best baseline, of a group's band (SCORE_MAX_BANDS = all); *best gets which one (may be NULL). NaN
 * without any. */
double track_skill_of(const double *sums, size_t band, const char **best);

#endif
