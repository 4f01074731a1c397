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

memory_bound memory_bound_of(const server *srv, size_t max_servers)
{
    const server_options *const o = &srv->options;
    const tft_contract *const c = &srv->contract;
    const double n = (double)max_servers;
    const size_t targets = count_targets(c);
    const size_t metric =
        sizeof(double) + sizeof(int64_t) + sizeof(double) + sizeof(bool); // current, when, trend, present
    const size_t place = sizeof(snapshot_server) + 2 * sizeof(uint32_t) + c->n_metrics * metric;
    const size_t packed = packed_most(targets, c->horizon) + packed_curve_most(c->horizon);
    // The oldest snapshot's shelves may be half full (slots.h); each later one adds a forecast at most.
    const double forecasts = (double)(SLOTS_N * place + (SLOTS_N + 1) * packed);
    const double asleep = (double)(fleet_bytes_asleep(srv->fleet) + 2 * SLOTS_N * place);
    return (memory_bound){.servers = n * ((double)fleet_bytes_per_server(srv->fleet) + forecasts),
                          .asleep = (FLEET_IDS_PER_PLACE - 1) * n * asleep,
                          .shadow = server_models_fixed(srv) ? 0 : n * forecasts,
                          .pages = PAGES_MOST * page_bytes(max_servers, targets, c->horizon),
                          .bodies = 2.0 * SERVER_BODIES * (double)o->max_body,
                          .connections = (double)o->max_connections * HTTP_CONNECTION_MEMORY,
                          .store = (double)(o->store.cache_bytes > 0 ? o->store.cache_bytes : STORE_CACHE_BYTES)};
}

static double total(const memory_bound *b)
{
    return b->servers + b->asleep + b->shadow + b->pages + b->bodies + b->connections + b->store;
}

void memory_bound_say(const server *srv)
{
    const memory_bound b = memory_bound_of(srv, srv->options.max_servers);
    log_line(
        srv->log, LOG_TAG_INFO,
        "Memory: at most %.0f MiB by the settings: %.0f for %zu servers, %.0f for those asleep, %.0f for a shadow, "
        "%.0f for pages, %.0f for bodies, %.0f for connections, %.0f for the store",
        total(&b) / MIB, b.servers / MIB, srv->options.max_servers, b.asleep / MIB, b.shadow / MIB, b.pages / MIB,
        b.bodies / MIB, b.connections / MIB, b.store / MIB);
}

tft_status memory_bound_check(const server *srv, size_t max_servers, tft_error *err)
{
    const memory_bound b = memory_bound_of(srv, max_servers);
    const double sum = total(&b), limit = (double)srv->options.memory_limit;
    if (limit > 0 && sum > limit)
        return tft_fail(err, TFT_ERR_ARGUMENT,
                        "limits.memory: the settings add up to %.0f MiB, more than %.0f: lower servers.max, "
                        "forecast.memory_steps or http.max_body",
                        sum / MIB, limit / MIB);
    return TFT_OK;
}
