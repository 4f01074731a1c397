/* meters.h - what the daemon counts while it works, for /metrics: counters and histograms of atomics.
 *
 * A histogram has fixed upper bounds; observing one value adds one to one bucket and the value, in millionths, to
 * a sum: two relaxed additions, no lock. Readers add the buckets up.
 *
 * HTTP is counted per route (a row of the router's table) and status code. Codes that no route is expected to send share
 * the last place, so the number of series is known at birth.
 *
 * Memory:  about 600 bytes per route. Threads: any.
 */
#ifndef TFTD_SERVER_METERS_H
#define TFTD_SERVER_METERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/http.h"

#define METERS_MAX_BUCKETS 16

typedef struct meters_bounds {
    size_t n;
    double upper[METERS_MAX_BUCKETS]; // ascending; +Inf follows
} meters_bounds;
extern const meters_bounds meters_seconds, meters_bytes, meters_counts;

typedef struct meters_histogram {
    _Atomic uint64_t buckets[METERS_MAX_BUCKETS + 1]; // not cumulated
    _Atomic uint64_t sum_micro;
} meters_histogram;

void meters_observe(meters_histogram *h, const meters_bounds *bounds, double value);

#define METERS_N_CODES 28
extern const int meters_codes[METERS_N_CODES]; // the last one, 0, is "other"

typedef struct meters_route {
    const http_route *route; // NULL: the last one, for requests that no route fits
    _Atomic uint64_t codes[METERS_N_CODES];
    meters_histogram seconds, bytes;
} meters_route;

/* Where records come from: the value of the label `source`. */
typedef enum meters_source { METERS_FEED, METERS_RECORDS, METERS_DEMO, METERS_N_SOURCES } meters_source;
extern const char *const meters_source_names[METERS_N_SOURCES];

typedef struct meters {
    size_t n_routes;
    meters_route *routes; // [n_routes]
    _Atomic uint64_t received[METERS_N_SOURCES], accepted[METERS_N_SOURCES];
    _Atomic uint64_t commits, store_errors, model_loads, model_load_errors;
    _Atomic uint64_t rejected[16];        // by tft_fault_code
    _Atomic int64_t oldest_unforecast_ms; // arrival of the first batch that no forecast knows yet; 0 = none
    meters_histogram batch_records, commit_seconds, forecast_seconds, forecast_servers, record_to_forecast;
} meters;

/* Room for all rows of the families. False without memory. */
bool meters_open(meters *m, const http_route *const *families, size_t n_families);
void meters_close(meters *m); // accepts a zeroed struct

void meters_http(meters *m, const http_outcome *outcome);
/* A batch was committed or was not. */
void meters_batch(meters *m, meters_source source, size_t received, size_t accepted, double commit_s, bool stored,
                  int64_t arrival_ms);
/* A forecast was finished at now_ms. */
void meters_forecast(meters *m, double seconds, size_t servers, int64_t now_ms);

#endif
