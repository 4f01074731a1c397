/* alert_run.h - what alerts are worth: of those that were raised, how many were followed by an incident, and how many of the
 * incidents were announced, how long before.
 *
 * A rule looks at one window and gives a number; it raises an alert where that is at or above a threshold:
 *
 *     probability   P(incident within the horizon), of the model
 *     soon          P(incident within the next hour), of the model: what the daemon's incident alerts look at; right, too, where an
 *                   incident starts within the whole horizon
 *     p50           the largest median of the next hour: what the daemon's threshold alerts look at
 *     static        the newest value (a threshold as monitoring has had it for ever)
 *     trend         the largest value of the next hour by least squares over the last 6 hours (predict_linear)
 *
 * p50, static and trend are about one metric: that of the incident rule, else cpu_pct, else the first. Cases are those of
 * incident_run.h: labels are known, the server is in no incident. Origins are `every` apart, so a rule is looked at so often.
 *
 *     precision    share of the raised windows that were followed by a start within the horizon
 *     recall       share of the starts before which (within the horizon) some window was raised
 *     lead time    from the first raised window of that stretch of raised windows to the start; the median, announced ones only
 *     false alerts stretches of raised windows of which none was followed by a start, per server and day
 *
 * "At the same recall": the threshold of static or trend at which as large a share of the windows before incidents is raised
 * as by the row above it; what it costs then is what the model saves.
 *
 * Memory:  owns its rows; four floats a window while it counts. Threads: one call.
 */
#ifndef TFTD_SCORE_ALERT_RUN_H
#define TFTD_SCORE_ALERT_RUN_H

#include "score/splits.h"

typedef enum score_alert_rule {
    SCORE_ALERT_PROBABILITY,
    SCORE_ALERT_SOON,
    SCORE_ALERT_P50,
    SCORE_ALERT_STATIC,
    SCORE_ALERT_TREND,
    SCORE_N_ALERT_RULES
} score_alert_rule;

const char *score_alert_rule_name(score_alert_rule rule); // "probability", "soon", "p50", "static", "trend"

typedef struct score_alert_row {
    score_alert_rule rule;
    bool matched; // its threshold was chosen for the recall of the last row that is not
    double threshold, precision, recall, false_per_server_day, lead_minutes; // NaN where there is nothing to say
    double window_recall;                                                    // share of the windows before incidents
    size_t n_raised, n_followed;                                             // windows
} score_alert_row;

#define SCORE_MAX_ALERT_ROWS 32

typedef struct score_alerts {
    size_t metric;            // that p50, static and trend are about
    size_t n_cases, n_starts; // windows; different incidents inside some window's horizon
    double server_days, every_minutes;
    size_t n_rows;
    score_alert_row rows[SCORE_MAX_ALERT_ROWS];
} score_alerts;

/* The metric that alerts are about. */
size_t score_alert_metric(const tft_contract *contract, const tft_incident_rule *rule);

/* values [windows->n, SCORE_N_ALERT_RULES], NaN where a rule has nothing to go by (it is then silent). `levels`: thresholds
 * of the metric (warning, critical), NaN = none. */
tft_status score_alerts_evaluate(const tft_dataset *dataset, const score_windows *windows,
                                 const tft_incident_rule *rule, const float *values, const double levels[2],
                                 score_alerts *alerts, tft_error *err);

#endif
