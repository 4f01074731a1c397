/* meters.c - see meters.h. */
#include "server/meters.h"

#include <math.h>
#include <stdlib.h>

const meters_bounds meters_seconds = {14,
                                      {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}};
const meters_bounds meters_bytes = {9, {0, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 16777216}};
const meters_bounds meters_counts = {12, {1, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000}};

const int meters_codes[METERS_N_CODES] = {200, 201, 202, 204, 206, 303, 304, 308, 400, 401, 403, 404, 405, 406,
                                          408, 409, 410, 412, 413, 414, 415, 422, 428, 429, 431, 500, 503, 0};
const char *const meters_source_names[METERS_N_SOURCES] = {"feed", "records", "demo"};

void meters_observe(meters_histogram *h, const meters_bounds *bounds, double value)
{
    size_t i = 0;
    while (i < bounds->n && value > bounds->upper[i])
        i++;
    atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
    const double micro = value > 0 ? value * 1e6 : 0;
    atomic_fetch_add_explicit(&h->sum_micro, micro < 9e18 ? (uint64_t)llround(micro) : 0, memory_order_relaxed);
}

bool meters_open(meters *m, const http_route *const *families, size_t n_families)
{
    size_t n = 1;
    for (size_t f = 0; f < n_families; f++) {
        for (const http_route *route = families[f]; route->path != NULL; route++)
            n++;
    }
    m->routes = calloc(n, sizeof *m->routes);
    if (m->routes == NULL)
        return false;
    m->n_routes = 0;
    for (size_t f = 0; f < n_families; f++) {
        for (const http_route *route = families[f]; route->path != NULL; route++)
            m->routes[m->n_routes++].route = route;
    }
    m->n_routes++; // for those without one
    return true;
}

void meters_close(meters *m)
{
    free(m->routes);
    m->routes = NULL;
    m->n_routes = 0;
}

void meters_http(meters *m, const http_outcome *outcome)
{
    size_t r = 0, c = 0;
    while (r + 1 < m->n_routes && m->routes[r].route != outcome->route)
        r++;
    while (c + 1 < METERS_N_CODES && meters_codes[c] != outcome->status)
        c++;
    meters_route *const at = &m->routes[r];
    atomic_fetch_add_explicit(&at->codes[c], 1, memory_order_relaxed);
    meters_observe(&at->seconds, &meters_seconds, outcome->seconds);
    meters_observe(&at->bytes, &meters_bytes, (double)outcome->body_bytes);
}

void meters_batch(meters *m, meters_source source, size_t received, size_t accepted, double commit_s, bool stored,
                  int64_t arrival_ms)
{
    m->received[source] += received;
    meters_observe(&m->batch_records, &meters_counts, (double)received);
    meters_observe(&m->commit_seconds, &meters_seconds, commit_s);
    if (!stored) {
        m->store_errors++;
        return;
    }
    m->commits++;
    m->accepted[source] += accepted;
    int64_t none = 0;
    if (accepted > 0)
        atomic_compare_exchange_strong(&m->oldest_unforecast_ms, &none, arrival_ms);
}

void meters_forecast(meters *m, double seconds, size_t servers, int64_t now_ms)
{
    const int64_t since = atomic_exchange(&m->oldest_unforecast_ms, 0);
    meters_observe(&m->forecast_seconds, &meters_seconds, seconds);
    meters_observe(&m->forecast_servers, &meters_counts, (double)servers);
    if (since > 0 && now_ms >= since)
        meters_observe(&m->record_to_forecast, &meters_seconds, 1e-3 * (double)(now_ms - since));
}
