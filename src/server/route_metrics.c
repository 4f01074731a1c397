/* route_metrics.c - GET /metrics: what the daemon knows about itself, for Prometheus (CONTRACT 2.10).
 *
 * OpenMetrics where Accept prefers it, else Prometheus text. All of it are atomics and the newest snapshot; the only
 * lock is the fleet's read lock, once, for the counters of /status. Names of servers appear only with metrics.per_server.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "series/record.h"
#include "server/alert_metrics.h"
#include "server/metrics.h"
#include "server/negotiate.h"
#include "server/quality_metrics.h"
#include "server/routes.h"
#include "server/server.h"

#ifndef TFTD_COMMIT
#define TFTD_COMMIT ""
#endif

#define OFFERS "text/plain, application/openmetrics-text"

/* ---- the process --------------------------------------------------------------------------------------- */

/* Number `field` (from 1, as in proc(5)) of /proc/self/stat; the name in it may hold blanks, so counting starts behind it. */
static double stat_field(const char *text, int field)
{
    const char *at = strrchr(text, ')');
    for (int i = 2; at != NULL && i < field; i++)
        at = strchr(at + 1, ' ');
    return at != NULL ? strtod(at, NULL) : 0;
}

static size_t count_files(void)
{
    size_t n = 0;
    DIR *const dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n > 3 ? n - 3 : 0; // ".", ".." and the one that reads
}

static void put_process(const server *srv, metrics_text *m)
{
    char text[1024] = "";
    FILE *const file = fopen("/proc/self/stat", "re");
    if (file != NULL) {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
    }
    const double ticks = (double)sysconf(_SC_CLK_TCK);
    metrics_counter(m, "process_cpu_seconds_total", "User and system time of the process.",
                    (stat_field(text, 14) + stat_field(text, 15)) / ticks);
    metrics_gauge(m, "process_resident_memory_bytes", "Resident memory.",
                  stat_field(text, 24) * (double)sysconf(_SC_PAGESIZE));
    metrics_gauge(m, "process_open_fds", "Open file descriptors.", (double)count_files());
    metrics_gauge(m, "process_start_time_seconds", "Start, in seconds since 1970.", 1e-3 * (double)srv->started_ms);
}

/* ---- HTTP ---------------------------------------------------------------------------------------------- */

static const char *path_of(const meters_route *r)
{
    return r->route != NULL ? r->route->path : "other";
}

static uint64_t requests_of(const meters_route *r)
{
    uint64_t n = 0;
    for (size_t c = 0; c < METERS_N_CODES; c++)
        n += r->codes[c];
    return n;
}

static void put_http(const server *srv, metrics_text *m)
{
    const meters *const all = &srv->meters;
    metrics_family(m, "tftd_http_requests_total", METRICS_COUNTER, "Requests that were answered.");
    for (size_t r = 0; r < all->n_routes; r++) {
        const meters_route *const at = &all->routes[r];
        for (size_t c = 0; c < METERS_N_CODES; c++) {
            char code[16];
            if (at->codes[c] == 0)
                continue;
            snprintf(code, sizeof code, "%d", meters_codes[c]);
            const char *const labels[] = {"method", at->route != NULL ? http_method_names[at->route->method] : "other",
                                          "route",  path_of(at),
                                          "code",   meters_codes[c] != 0 ? code : "other",
                                          NULL};
            metrics_sample(m, labels, (double)at->codes[c]);
        }
    }
    static const struct {
        const char *name, *help;
        bool bytes;
    } histograms[] = {
        {"tftd_http_request_duration_seconds", "From the headers of a request to its answer.", false},
        {"tftd_http_request_size_bytes", "Bodies of requests.", true},
    };
    for (size_t k = 0; k < 2; k++) {
        metrics_family(m, histograms[k].name, METRICS_HISTOGRAM, histograms[k].help);
        for (size_t r = 0; r < all->n_routes; r++) {
            const meters_route *const at = &all->routes[r];
            const char *const labels[] = {"method", at->route != NULL ? http_method_names[at->route->method] : "other",
                                          "route", path_of(at), NULL};
            if (requests_of(at) > 0)
                metrics_put_histogram(m, labels, histograms[k].bytes ? &at->bytes : &at->seconds,
                                      histograms[k].bytes ? &meters_bytes : &meters_seconds);
        }
    }
    metrics_gauge(m, "tftd_sse_clients", "Listeners of /api/v1/events.", (double)srv->sse_clients);
}

/* What was turned away before anything was done about it, by why. */
static void put_refused(const server *srv, metrics_text *m)
{
    static const struct {
        int code;
        const char *reason;
    } reasons[] = {{413, "too_large"},    {414, "target"},  {415, "media_type"},
                   {429, "rate_limited"}, {431, "headers"}, {503, "unavailable"}};
    const meters *const all = &srv->meters;
    metrics_family(m, "tftd_http_refused_total", METRICS_COUNTER, "Requests that were turned away.");
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        uint64_t n = 0;
        for (size_t r = 0; r < all->n_routes; r++) {
            for (size_t c = 0; c < METERS_N_CODES; c++)
                n += meters_codes[c] == reasons[i].code ? all->routes[r].codes[c] : 0;
        }
        metrics_sample(m, (const char *const[]){"reason", reasons[i].reason, NULL}, (double)n);
    }
    uint64_t counts[HTTP_N_REFUSALS];
    http_count_refusals(srv->http, counts);
    for (size_t i = 0; i < HTTP_N_REFUSALS; i++)
        metrics_sample(m, (const char *const[]){"reason", http_refusal_names[i], NULL}, (double)counts[i]);
    const auth_counts a = auth_count(srv->auth);
    const struct {
        const char *reason;
        uint64_t n;
    } failures[] = {{"missing", a.failures_missing},
                    {"unknown", a.failures_unknown},
                    {"role", a.failures_role},
                    {"host", a.failures_host}};
    metrics_family(m, "tftd_auth_failures_total", METRICS_COUNTER, "Requests without the key that they needed.");
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        metrics_sample(m, (const char *const[]){"reason", failures[i].reason, NULL}, (double)failures[i].n);
    metrics_counter(m, "tftd_rate_limited_total", "Requests beyond a limit.", (double)a.rate_limited);
}

/* ---- records ------------------------------------------------------------------------------------------- */

static void put_by_source(metrics_text *m, const char *name, const char *help, const _Atomic uint64_t *values)
{
    metrics_family(m, name, METRICS_COUNTER, help);
    for (size_t i = 0; i < METERS_N_SOURCES; i++) {
        const char *const labels[] = {"source", meters_source_names[i], NULL};
        metrics_sample(m, labels, (double)values[i]);
    }
}

static void put_records(const server *srv, metrics_text *m)
{
    const meters *const all = &srv->meters;
    const fleet_counters c = fleet_count(srv->fleet, tft_wall_ms());
    put_by_source(m, "tftd_records_received_total", "Records that requests held.", all->received);
    put_by_source(m, "tftd_records_accepted_total", "Records that were stored.", all->accepted);
    metrics_counter(m, "tftd_records_duplicate_total", "Records that added nothing.",
                    (double)c.totals.duplicates_total);
    metrics_counter(m, "tftd_records_conflict_total", "Records that disagreed with a stored one.",
                    (double)c.totals.conflicts_total);
    metrics_counter(m, "tftd_records_late_total", "Records older than their server's newest.",
                    (double)c.totals.late_total);
    metrics_family(m, "tftd_records_rejected_total", METRICS_COUNTER, "Records that were rejected, since the start.");
    for (int code = 1; code < TFT_N_FAULTS; code++) {
        const char *const labels[] = {"code", tft_fault_word((tft_fault_code)code), NULL};
        metrics_sample(m, labels, (double)all->rejected[code]);
    }
    metrics_counter(m, "tftd_ticks_total", "Batches that stored something new.", (double)c.totals.tick);
    metrics_family(m, "tftd_ingest_batch_records", METRICS_HISTOGRAM, "Records per batch.");
    metrics_put_histogram(m, NULL, &all->batch_records, &meters_counts);

    metrics_gauge(m, "tftd_servers_tracked", "Servers that are known.", (double)c.servers_tracked);
    metrics_gauge(m, "tftd_servers_ready", "Servers that are warmed up.", (double)c.servers_ready);
    metrics_gauge(m, "tftd_servers_active", "Servers whose newest record is not stale.", (double)c.servers_active);
    metrics_gauge(m, "tftd_warmup_complete", "1 when every active server is ready.", c.warmup_complete);
    metrics_gauge(m, "tftd_warmup_incomplete_seconds", "For how long that has not been so.",
                  c.warmup_complete ? 0 : tft_monotonic_s() - srv->warm_s);
    metrics_gauge(m, "tftd_window_records", "Raw records that are held.", (double)c.totals.held);
    metrics_gauge(m, "tftd_last_record_timestamp_seconds", "Timestamp of the newest record.",
                  c.clock.newest_ms != INT64_MIN ? 1e-3 * (double)c.clock.newest_ms : 0);
    metrics_gauge(m, "tftd_data_lag_seconds", "Wall clock minus the newest record.",
                  1e-3 * (double)c.clock.data_lag_ms);
}

/* ---- forecasts ----------------------------------------------------------------------------------------- */

static void put_fleet(const forecast_snapshot *s, metrics_text *m)
{
    size_t states[TFT_N_STATES] = {0};
    for (size_t i = 0; i < s->n_servers; i++)
        states[s->servers[i].state] += !s->servers[i].forgotten;
    metrics_family(m, "tftd_servers", METRICS_GAUGE, "Servers by state.");
    for (int state = 1; state < TFT_N_STATES; state++) {
        const char *const labels[] = {"state", tft_state_name((tft_state)state), NULL};
        metrics_sample(m, labels, (double)states[state]);
    }
    metrics_family(m, "tftd_fleet_incident_probability", METRICS_GAUGE, "P(at least one server has an incident).");
    for (size_t h = 0; h < SNAPSHOT_N_HORIZONS; h++) {
        const char *const labels[] = {"horizon", snapshot_horizon_names[h], NULL};
        metrics_sample(m, labels, s->environment.prob[h]);
    }
    const size_t n = s->tft_servers + s->heuristic_servers;
    metrics_gauge(m, "tftd_fallback_ratio", "Share of servers that the network did not forecast.",
                  n > 0 ? (double)s->heuristic_servers / (double)n : 0);
    metrics_gauge(m, "tftd_forecast_age_seconds", "Age of the newest forecast.", tft_monotonic_s() - s->finished_s);
}

static void put_servers(const forecast_snapshot *s, metrics_text *m)
{
    metrics_family(m, "tftd_server_risk_score", METRICS_GAUGE, "Risk, 0 to 100.");
    for (size_t i = 0; i < s->n_servers; i++) {
        const char *const labels[] = {"server", s->servers[i].name, NULL};
        if (!s->servers[i].forgotten)
            metrics_sample(m, labels, s->servers[i].risk.score);
    }
    metrics_family(m, "tftd_server_incident_probability", METRICS_GAUGE, "P(the server has an incident).");
    for (size_t i = 0; i < s->n_servers; i++) {
        for (size_t h = 0; h < SNAPSHOT_N_HORIZONS && !s->servers[i].forgotten; h++) {
            const char *const labels[] = {"server", s->servers[i].name, "horizon", snapshot_horizon_names[h], NULL};
            metrics_sample(m, labels, s->servers[i].incident_probability[h]);
        }
    }
}

static void put_forecasts(const server *srv, metrics_text *m)
{
    const engine_totals t = engine_count(srv->engine);
    metrics_counter(m, "tftd_forecasts_total", "Forecasts of the fleet.", (double)t.forecasts);
    metrics_family(m, "tftd_server_forecasts_total", METRICS_COUNTER, "Forecasts of single servers.");
    metrics_sample(m, (const char *const[]){"model_type", "TFT", NULL}, (double)t.tft_server_forecasts);
    metrics_sample(m, (const char *const[]){"model_type", "heuristic", NULL}, (double)t.heuristic_server_forecasts);
    metrics_family(m, "tftd_forecast_errors_total", METRICS_COUNTER, "Forecasts that the network failed to make.");
    metrics_sample(m, (const char *const[]){"reason", "network", NULL}, (double)t.failures);
    metrics_family(m, "tftd_forecast_duration_seconds", METRICS_HISTOGRAM, "Making one forecast of the fleet.");
    metrics_put_histogram(m, NULL, &srv->meters.forecast_seconds, &meters_seconds);
    metrics_family(m, "tftd_forecast_batch_servers", METRICS_HISTOGRAM, "Servers per forecast of the fleet.");
    metrics_put_histogram(m, NULL, &srv->meters.forecast_servers, &meters_counts);
    metrics_family(m, "tftd_record_to_forecast_seconds", METRICS_HISTOGRAM,
                   "From a record's arrival to the forecast that knows it.");
    metrics_put_histogram(m, NULL, &srv->meters.record_to_forecast, &meters_seconds);
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    if (s->sufficient) {
        put_fleet(s, m);
        if (srv->options.metrics_per_server)
            put_servers(s, m);
    }
    engine_release(srv->engine, s);
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

static double file_bytes(const server *srv, const char *name)
{
    char path[4096];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", srv->options.store.dir, name);
    return stat(path, &info) == 0 ? (double)info.st_size : 0;
}

static void put_store(const server *srv, metrics_text *m)
{
    metrics_counter(m, "tftd_store_commits_total", "Batches that were committed.", (double)srv->meters.commits);
    metrics_counter(m, "tftd_store_errors_total", "Batches that could not be.", (double)srv->meters.store_errors);
    metrics_family(m, "tftd_store_commit_duration_seconds", METRICS_HISTOGRAM,
                   "Committing a batch, with its wait in the queue.");
    metrics_put_histogram(m, NULL, &srv->meters.commit_seconds, &meters_seconds);
    metrics_family(m, "tftd_store_bytes", METRICS_GAUGE, "Size of the store's files.");
    metrics_sample(m, (const char *const[]){"part", "database", NULL}, file_bytes(srv, "tftd.db"));
    metrics_sample(m, (const char *const[]){"part", "log", NULL}, file_bytes(srv, "tftd.db-wal"));
    struct statvfs disk;
    if (statvfs(srv->options.store.dir, &disk) == 0)
        metrics_gauge(m, "tftd_disk_free_bytes", "Free bytes where the store lies.",
                      (double)disk.f_bavail * (double)disk.f_frsize);
}

static void put_self(const server *srv, metrics_text *m)
{
    char model[128];
    const char *reason = NULL;
    metrics_family(m, "tftd_build_info", METRICS_GAUGE, "Always 1.");
    metrics_sample(m,
                   (const char *const[]){"version", srv->options.version, "commit", TFTD_COMMIT, "simd",
                                         srv->options.isa != NULL ? srv->options.isa : "", NULL},
                   1);
    engine_model_name(srv->engine, model, sizeof model);
    metrics_family(m, "tftd_model_info", METRICS_GAUGE, "The served model; always 1.");
    metrics_sample(m, (const char *const[]){"model", model, "contract", srv->contract.version, NULL}, 1);
    metrics_family(m, "tftd_model_loads_total", METRICS_COUNTER, "Models that were opened.");
    metrics_sample(m, (const char *const[]){"result", "ok", NULL}, (double)srv->meters.model_loads);
    metrics_sample(m, (const char *const[]){"result", "failed", NULL}, (double)srv->meters.model_load_errors);
    metrics_gauge(m, "tftd_ready", "1 when /readyz is 200.", server_unwell(srv, &reason) == NULL);
    metrics_family(m, "tftd_memory_bytes", METRICS_GAUGE, "Memory by what holds it.");
    metrics_sample(m, (const char *const[]){"area", "engine", NULL}, (double)engine_bytes(srv->engine));
    metrics_sample(m, (const char *const[]){"area", "fleet", NULL}, (double)fleet_bytes(srv->fleet));
    uint64_t lines[LOG_N_LEVELS];
    static const char *const levels[LOG_N_LEVELS] = {"debug", "info", "warning", "error"};
    log_count(srv->log, lines);
    metrics_family(m, "tftd_log_lines_total", METRICS_COUNTER, "Lines that were logged.");
    for (size_t i = 0; i < LOG_N_LEVELS; i++)
        metrics_sample(m, (const char *const[]){"level", levels[i], NULL}, (double)lines[i]);
}

/* Rooms with figures of their own add a line. */
static void (*const sources[])(const server *srv, metrics_text *m) = {put_self,    put_http,      put_refused,
                                                                      put_records, put_forecasts, put_store,
                                                                      put_process, alert_metrics, quality_metrics};

static void route_metrics(void *context, const http_request *request, http_reply *reply)
{
    const server *const srv = context;
    metrics_text m = {.out = &reply->text, .open = negotiate_type(http_header(request, "Accept"), OFFERS) == 1};
    reply->content_type = m.open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                 : "text/plain; version=0.0.4; charset=utf-8";
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        sources[i](srv, &m);
    if (m.open)
        tft_text_puts(m.out, "# EOF\n");
    http_reply_field(reply, "Cache-Control", "no-store");
}

const http_route routes_metrics[] = {{.path = "/metrics",
                                      .method = HTTP_GET,
                                      .role = ROLE_OPEN,
                                      .handler = route_metrics,
                                      .tag = "Health",
                                      .summary = "Metrics, as OpenMetrics or Prometheus text",
                                      .produces = OFFERS,
                                      .statuses = "200"},
                                     {0}};
