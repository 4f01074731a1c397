/* memory_bound.c - see memory_bound.h. */
#include "server/memory_bound.h"

#include "forecast/packed.h"
#include "forecast/slots.h"

#define MIB 1048576.0

static size_t count_targets(const tft_contract *contract)
{
    size_t n = 0;
    for (size_t m = 0; m < contract->n_metrics; m++)
        n += contract->metrics[m].target;
    return n;
}

memory_bound memory_bound_of(const server *srv)
{
    const server_options *const o = &srv->options;
    const tft_contract *const c = &srv->contract;
    const size_t metric =
        sizeof(double) + sizeof(int64_t) + sizeof(double) + sizeof(bool); // current, when, trend, present
    const size_t forecast = sizeof(snapshot_server) + packed_most(count_targets(c), c->horizon) +
                            c->horizon * sizeof(float) + c->n_metrics * metric;
    const double each = (double)fleet_bytes_per_server(srv->fleet) + (double)(SLOTS_N * forecast);
    return (memory_bound){.servers = (double)o->max_servers * each,
                          .bodies = 2.0 * SERVER_BODIES * (double)o->max_body,
                          .connections = (double)o->max_connections * HTTP_CONNECTION_MEMORY,
                          .store = (double)(o->store.cache_bytes > 0 ? o->store.cache_bytes : STORE_CACHE_BYTES)};
}

static double total(const memory_bound *b)
{
    return b->servers + b->bodies + b->connections + b->store;
}

void memory_bound_say(const server *srv)
{
    const memory_bound b = memory_bound_of(srv);
    log_line(
        srv->log, LOG_TAG_INFO,
        "Memory: at most %.0f MiB by the settings: %.0f for %zu servers, %.0f for bodies, %.0f for connections, %.0f "
        "for the store",
        total(&b) / MIB, b.servers / MIB, srv->options.max_servers, b.bodies / MIB, b.connections / MIB, b.store / MIB);
}

tft_status memory_bound_check(const server *srv, tft_error *err)
{
    const memory_bound b = memory_bound_of(srv);
    const double sum = total(&b), limit = (double)srv->options.memory_limit;
    if (limit > 0 && sum > limit)
        return tft_fail(err, TFT_ERR_ARGUMENT,
                        "limits.memory: the settings add up to %.0f MiB, more than %.0f: lower servers.max, "
                        "forecast.memory_steps or http.max_body",
                        sum / MIB, limit / MIB);
    return TFT_OK;
}
