/* fleet_log.h - what happened to the fleet, kept for reading later: observed incidents, and its counts step by step.
 *
 *     incident      a server was in critical_issue or offline, from its first such step to the first good one after it. Worked out
 *                   again and again of the history in memory (track/observed.h), so that late records mend it: what is
 *                   found replaces what was kept of the same time.
 *     environment   one row a step: how many servers there were in which state, at risk, alerting, and what was expected of
 *                   the fleet. That cannot be worked out again: it is what the last forecast of that step said.
 *
 * Threads: any, as store.h. Reading for requests: reader.h.
 */
#ifndef TFTD_STORE_FLEET_LOG_H
#define TFTD_STORE_FLEET_LOG_H

#include "store/store.h"

#define STORE_GOES_ON INT64_MIN // end of an incident that is not over

typedef struct store_incident {
    int64_t start_ms, end_ms;
    tft_state state; // the worst: offline before critical_issue
    bool planned;    // an offline that began in maintenance, or that nothing labelled says more of
} store_incident;

/* All incidents of one server that begin at or after from_ms. */
typedef struct store_incidents {
    uint32_t server;
    int64_t from_ms;
    int64_t earlier_end_ms;      // where one that began before and is open ended; STORE_GOES_ON = it did not
    const store_incident *items; // [n], by start
    size_t n;
} store_incidents;
/* Replaces what is kept of these servers, in one transaction. */
tft_status store_put_incidents(store *store, const store_incidents *servers, size_t n, tft_error *err);

#define STORE_N_HORIZONS 5 // 30m 1h 2h 4h 8h

typedef struct store_environment {
    int64_t start_ms;
    uint32_t servers, stale, in_incident, high_risk, warnings, criticals;
    uint32_t states[TFT_N_STATES];     // by tft_state; NONE: nobody knows
    double any[STORE_N_HORIZONS];      // P(at least one incident)
    double expected[STORE_N_HORIZONS]; // Σ P
} store_environment;
/* Keeps some steps, in place of what is there for the same ones. */
tft_status store_put_environment(store *store, const store_environment *rows, size_t n, tft_error *err);

/* Forgets incidents that ended, and steps of the environment that began, before cutoff_ms. */
tft_status store_forget_fleet(store *store, int64_t cutoff_ms, tft_error *err);

#endif
