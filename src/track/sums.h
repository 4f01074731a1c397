/* sums.h - the numbers that a row of scores is made of, and what they add up to.
 *
 * A row of a metric:     [3 bands, 5 forecasters, 15]: n, inside P10–P90, inside P02–P98, Σ|y|, Σ|y − p50|, nine Σ QL, Σ width
 * A row of incidents:    [5 horizons, 54]: n, positives, Σ(p − y)², Σ −ln, ten bins of p (n, Σp, Σy), warned and caught at the
 *                        levels .3 and .6, and of the caught at .3 how long before the start it was said, in sixteenths of
 *                        the horizon; then, of each horizon and level, how many such alerts stood and how many of them an incident
 *                        followed within the longest horizon (train/alert_record.h). Rows of before end in front of these
 *
 * All are plain sums: rows add up number by number, over time, servers and models. Bands are those of score/scores.h
 * (5–30 min, 35 min – 2 h, 2 – 8 h); bins of p are ten equal parts of 0 … 1.
 *
 * Threads: pure functions.
 */
#ifndef TFTD_TRACK_SUMS_H
#define TFTD_TRACK_SUMS_H

#include <stdbool.h>

#include "score/scores.h"
#include "store/track_log.h"

#define TRACK_N_FORECASTERS 5 // the forecast itself, then last_value, yesterday, quantiles_24h, linear_trend
#define TRACK_N_FIELDS 15
#define TRACK_METRIC_SUMS (SCORE_MAX_BANDS * TRACK_N_FORECASTERS * TRACK_N_FIELDS)
#define TRACK_N_HORIZONS 5
#define TRACK_N_BINS 10
#define TRACK_N_LEVELS 2
#define TRACK_N_LEADS 16
#define TRACK_CASE_FIELDS (4 + 3 * TRACK_N_BINS + 2 * TRACK_N_LEVELS + TRACK_N_LEADS)
#define TRACK_CASE_SUMS (TRACK_N_HORIZONS * TRACK_CASE_FIELDS) // all that rows of before have
#define TRACK_INCIDENT_SUMS (TRACK_CASE_SUMS + TRACK_N_HORIZONS * TRACK_N_LEVELS * 2)

extern const char *const track_baseline_names[TRACK_N_FORECASTERS - 1];
extern const double track_levels[TRACK_N_LEVELS]; // .3, .6: warning and critical of alerts.incident

/* One cell: forecast [SCORE_N_LEVELS] and what came, into the sums [TRACK_METRIC_SUMS] of a row. */
void track_add_cell(float *sums, size_t band, size_t forecaster, const float *forecast, double y);
/* One case: p of horizon h and whether an incident began; step: when, of `steps`, from 1 (only where it began). */
void track_add_case(float *sums, size_t horizon, double p, bool began, size_t step, size_t steps);
/* One case of which the whole forecast is known: whether an alert on p of horizon h stood, and whether an incident followed. */
void track_add_alert(float *sums, size_t horizon, double p, bool followed);
/* Whether a row of a metric (−1 = incidents) may have so many sums. */
bool track_sums_fit(int metric, size_t n);

/* The sums of one forecaster, of one band or (band = SCORE_MAX_BANDS) of all. */
score_sums track_sums_of(const double *sums, size_t band, size_t forecaster);

typedef struct track_incidents {
    double n, positives, base_rate, brier, brier_skill, log_loss, log_loss_skill, ece;
    double precision[TRACK_N_LEVELS], recall[TRACK_N_LEVELS]; // NaN where nothing was warned of, or nothing came
    double raised[TRACK_N_LEVELS],
        followed[TRACK_N_LEVELS]; // alerts that stood; those that an incident followed at all
    double lead; // median share of the horizon between what was said (p ≥ .3) and the start; NaN without any
    struct {
        double n, said, came; // means; NaN where n is 0
    } bins[TRACK_N_BINS];
} track_incidents;
track_incidents track_incidents_of(const double *sums, size_t horizon);

#endif
