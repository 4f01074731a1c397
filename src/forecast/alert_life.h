/* alert_life.h - how long a condition must hold before an alert fires, and how long it must be gone before it ends.
 *
 *                    set                                            clear for keep_for
 *      (nothing) ─────────▶ pending ── `for` passed, still set ──▶ firing ─────────────────▶ resolved
 *          ▲                   │                                   │    ▲
 *          └───── not set ─────┘                    not clear, or  └────┘
 *                                                   not for long
 *
 * `set` and `clear` are two levels (hysteresis): p50 ≥ threshold sets, p50 < clear_ratio · threshold clears, and in between
 * whatever was goes on. A pending alert that is no longer set is gone without a trace: nobody heard of it.
 *
 * Threads: pure functions.
 */
#ifndef TFTD_FORECAST_ALERT_LIFE_H
#define TFTD_FORECAST_ALERT_LIFE_H

#include "forecast/alerts.h"

/* What a rule says of one alert at one instant. Never both set and clear. */
typedef struct alert_condition {
    bool exists; // there is such a rule and something to judge; else an open alert ends at once
    bool set, clear;
    /* what it is about, as in `alert` */
    double predicted_value, threshold, current, probability, crossing_probability;
    size_t steps_ahead;
    int64_t minutes_ahead, expected_at_ms;
    alert_crossing crossing;
} alert_condition;

typedef enum alert_fate {
    ALERT_FATE_NONE,  // there is none
    ALERT_FATE_OPEN,  // *a is open, pending or firing
    ALERT_FATE_ENDED, // *a has fired and is resolved now
} alert_fate;

/* Steps one alert on to now_ms. `a` holds the alert as it was (`was_open`) or only its key (server, kind, metric, severity);
 * afterwards as it is. Its id is for the caller to make where it was not open before: it depends on the server's name. */
alert_fate alert_live(const alert_settings *settings, const alert_condition *condition, bool was_open, int64_t now_ms,
                      alert *a);

#endif
