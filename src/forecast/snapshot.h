/* snapshot.h - one finished forecast of the whole fleet: what every reply is written from.
 *
 * Immutable from the moment it is published; shared by reference count. A request acquires the newest one
 * (engine_acquire), writes its reply, and releases it (engine_release): no lock, no waiting, no copy.
 *
 *     servers[i]                       i is the server's id in the fleet
 *       packed    [n_targets, 7, horizon]  quantiles in real units, ascending in the level, inside the metric's range;
 *                                          snapshot_rows() unpacks them (packed.h)
 *       curve     [horizon]                P(incident starts within step 1 … h), never falling, packed too: snapshot_incident()
 *     alerts[j], ended[j]              all open alerts by (server, kind, metric, severity); those that ended in this round
 *     alert_order[k]                   the threshold alerts of /alerts/active, as they are shown
 *
 * Memory:  belongs to the engine, which uses it again for a later forecast once nobody holds it. Names are lent by
 *          the fleet.
 * Threads: read by any number.
 */
#ifndef TFTD_FORECAST_SNAPSHOT_H
#define TFTD_FORECAST_SNAPSHOT_H

#include <stdatomic.h>

#include "forecast/alerts.h"
#include "forecast/fleet.h"
#include "forecast/packed.h"
#include "tft/model.h"

#define SNAPSHOT_N_HORIZONS 5 // 30m 1h 2h 4h 8h
extern const int64_t snapshot_horizon_ms[SNAPSHOT_N_HORIZONS];
extern const char *const snapshot_horizon_names[SNAPSHOT_N_HORIZONS]; // "30m" …

typedef struct snapshot_server snapshot_server;
typedef struct forecast_snapshot forecast_snapshot;
typedef enum snapshot_model_type { SNAPSHOT_HEURISTIC, SNAPSHOT_TFT } snapshot_model_type;
const char *snapshot_model_type_name(snapshot_model_type type); // "heuristic", "TFT"

struct snapshot_server {
    const char *name; // [name_length], NUL behind it; lent by the fleet
    size_t name_length;
    bool forgotten; // a gap: its name may be another server's now; it has no values and counts nowhere
    tft_profile profile;
    tft_state state;  // sent or derived
    bool planned;     // maintenance, or an offline that began in it or that a maintenance window covers
    bool maintenance; // its state is maintenance, or a maintenance window covers it
    bool in_incident; // critical_issue or unplanned offline now
    bool stale;       // no record for stale_after
    bool ready;       // warm-up done
    snapshot_model_type model_type;
    int64_t first_seen_ms, last_seen_ms;
    uint64_t records;     // distinct ever
    size_t history_steps; // steps with records inside the window
    size_t input_points;  // records inside the window
    risk_score risk;
    double incident_probability[SNAPSHOT_N_HORIZONS];
    const bool *present;         // [n_metrics] reported inside the window; what is not is left out of replies
    const double *current;       // [n_metrics] newest value, NaN = never seen
    const int64_t *current_ms;   // [n_metrics]
    const double *trend;         // [n_targets] (p50[last] − current) / horizon per step; NaN without a forecast
    const unsigned char *packed; // the quantiles: snapshot_rows()
    const unsigned char *curve;  // of incidents: snapshot_incident()
    uint64_t version;            // of the fleet's server when it was read
    uint64_t revision;           // sequence of the snapshot in which anything told of it in a forecast changed last
};

/* P(at least one) and the expected number over the fleet; CONTRACT 1.2 `environment`. */
typedef struct snapshot_environment {
    double prob[SNAPSHOT_N_HORIZONS];     // tft_fleet_probability, never falling
    double expected[SNAPSHOT_N_HORIZONS]; // Σ p
    size_t high_risk_servers;
    risk_health fleet_health;
} snapshot_environment;

struct forecast_snapshot {
    uint64_t sequence;      // 1, 2, 3 … of this process: for ETags and forecast ids
    bool sufficient;        // false below min_records: then there are no servers, alerts or environment
    uint64_t records_total; // distinct records known when it was made ("have 80")
    size_t min_records;
    size_t n_servers, n_metrics, n_targets, horizon;
    const snapshot_server *servers; // [n_servers]
    snapshot_environment environment;
    const alert *alerts, *ended; // [n_alerts], [n_ended]
    size_t n_alerts, n_ended;
    const uint32_t *alert_order; // [n_firing] indices into alerts
    size_t n_firing;

    int64_t wall_ms;   // wall clock when it was finished: prediction_time
    double finished_s; // tft_monotonic_s() of the same instant, for forecast_age_s
    double duration_s; // how long making it took
    double network_s;  // … of this inside the network
    fleet_clock clock; // the clock it was made by
    int64_t origin_ms; // label of the current step
    int64_t first_ms;  // origin + one step: stamp of index 0
    int64_t step_ms;
    size_t tft_servers, heuristic_servers, failed_servers; // failed: the network was tried and failed
    size_t reused_servers;                                 // unchanged since the snapshot before, taken over
    uint64_t input_points;
    bool has_model;
    char model_name[128], model_directory[512];
    char isa[16];                 // "avx2"
    tft_precision precision;      // of the network's products
    const tft_contract *contract; // the fleet's
    alert_settings alert_rules;   // the settings it was made with
};

/* Start of horizon step i (0 … horizon − 1). */
static inline int64_t snapshot_time_ms(const forecast_snapshot *s, size_t i)
{
    return s->first_ms + (int64_t)i * s->step_ms;
}

/* Unpacks the rows [7, horizon] of a metric into `rows` and returns them, or NULL where the server has none. */
const float *snapshot_rows(const forecast_snapshot *s, size_t server, size_t metric, float *rows);
/* Unpacks the curve [horizon] of a server into `curve` and returns it: 0 of one that is forgotten. */
const float *snapshot_incident(const forecast_snapshot *s, size_t server, float *curve);
/* Room for the rows of one metric, or a curve, for free(); NULL without memory. */
float *snapshot_rows_new(const forecast_snapshot *s);

/* What of an alert must be kept on disk. The name is lent. */
alert_saved snapshot_save_alert(const forecast_snapshot *s, const alert *a);
/* Of all open ones: fills saved[0 … n_alerts−1] (at least s->n_alerts long), returns how many. */
size_t snapshot_save_alerts(const forecast_snapshot *s, alert_saved *saved);

#endif
