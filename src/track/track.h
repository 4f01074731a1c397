/* track.h - the daemon judges itself: keeps what it said, and when its time has come compares it with what came.
 *
 *     keep     every half hour (every 1, 2, 4 or 8 hours where a day of that would not fit its share of the store) the
 *              newest forecast of every server goes to the store, packed (pack.h)
 *     score    once all its steps have passed, and one more for late records, each cell is compared with its step's mean, and
 *              so is what four simple forecasters would have said at that origin (score/baselines.h); each probability
 *              with whether an incident began (series/truth.c). Sums per six hours, model, server and metric (sums.h) are
 *              added in the same transaction that marks the forecasts as scored: nothing counts twice, not even across kill -9.
 *     observe  when a step has ended, which incidents there were (observed.h), and of each step what the whole fleet looked like
 *     sum up   how good each metric was over the last seven days, for /metrics and the alerts of kind drift and quality
 *
 * Bounds: of fleets above `most_servers` (1000) only that many are scored per origin, every k-th one, another share each time,
 * and their sums are kept by profile. Baselines take about half a millisecond a metric: a thousand servers take two seconds
 * of one core per half hour, in pieces of 32 servers, at the lowest priority.
 *
 * History is what the fleet holds in memory (eight days), so forecasts made before the last restart are scored too.
 *
 * Memory:  one copy of a series and one piece of rows. Threads: one keeps and scores (server/keeper.c); track_last() from any.
 */
#ifndef TFTD_TRACK_TRACK_H
#define TFTD_TRACK_TRACK_H

#include "forecast/alert_rules.h"
#include "forecast/snapshot.h"
#include "store/track_log.h"
#include "track/sums.h"

#define TRACK_BUCKET_MS ((int64_t)6 * 3600 * 1000)

typedef struct track track;

typedef struct track_options {
    store *store; // lent, as the next
    fleet *fleet;
    const char *dir;      // the store's, for reading beside the writer
    int64_t keep_ms;      // at most one forecast per this time is kept; 0 = 30 min
    int64_t retention_ms; // store.retention.forecasts; of forecasts and scores
    uint64_t max_bytes;   // share of the store that kept forecasts may take; 0 = 1 GiB
    size_t most_servers;  // 0 = 1000
} track_options;

tft_status track_open(const track_options *options, track **out, tft_error *err);
void track_close(track *t); // accepts NULL

/* Whose forecasts a snapshot's are: its model's name, or that of the heuristic where none was loaded. */
const char *track_model_of(const forecast_snapshot *s);

/* Keeps this forecast if it is time for one; *kept says whether. */
tft_status track_keep(track *t, const forecast_snapshot *s, bool *kept, tft_error *err);
/* Keeps what another model (a shadow) said at about the same time: only what its network forecast. */
tft_status track_keep_beside(track *t, const forecast_snapshot *s, tft_error *err);
/* Scores the next piece of what has come to its end by now_ms; *more: there may be another. */
tft_status track_score(track *t, int64_t now_ms, bool *more, tft_error *err);
/* Forgets what is past retention or beyond its share of the store. */
tft_status track_forget(track *t, int64_t now_ms, tft_error *err);
/* From the next track_forget() on; NULL is passed over. Any thread. */
void track_set_retention(track *t, int64_t retention_ms);
int64_t track_retention(const track *t);

/* Looks for incidents, once a step: those of now_ms − 8 days … now_ms as the history tells them now (observer.c). */
tft_status track_observe(track *t, int64_t now_ms, tft_error *err);
/* Notes what the fleet looks like in this forecast; of each step the last one counts. From the engine's thread; no waiting. */
void track_environment(track *t, const forecast_snapshot *s);
/* Writes what was noted: each step as it begins and, as it then is, when it is over; `ends`: the one that is on, too. */
tft_status track_keep_environment(track *t, bool ends, tft_error *err);

/* How good the forecasts of the last seven days were, those of one model. */
typedef struct track_metric {
    size_t metric;
    score_sums bands[SCORE_MAX_BANDS], all;
    double skill; // 1 − CRPS / CRPS of the best baseline; NaN without any
} track_metric;

typedef struct track_last {
    uint64_t generation; // moves with every scored forecast: what was worked out before may be used again
    size_t n_metrics;    // 0 = nothing scored
    track_metric metrics[TFT_MAX_METRICS];
    track_incidents incidents[TRACK_N_HORIZONS];
} track_last;

/* Works the summary out for `model` (the one that serves); for the thread that scores. */
tft_status track_sum_up(track *t, const char *model, int64_t now_ms, tft_error *err);
/* A copy of the last one. */
void track_read_last(track *t, track_last *out);
/* What of it the engine wants; returns how many. */
size_t track_quality(const track_last *last, alert_quality *quality);

#endif
