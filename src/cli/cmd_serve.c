/* cmd_serve.c - tftd serve: reads flags and settings, starts the server, waits for signals.
 *
 * All signals are blocked before the first thread starts, so that every thread inherits that, and the main thread takes them
 * one after the other with sigwaitinfo(2): no handler runs anywhere. Only while draining a handler stands ready, for the
 * second SIGTERM or SIGINT, which ends the process at once.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/demo.h"
#include "cli/flags.h"
#include "cli/settings.h"
#include "cli/settings_show.h"
#include "server/heap.h"
#include "server/http_listen.h"
#include "server/model_loader.h"
#include "server/notify.h"
#include "server/server.h"
#include "tensor/tensor.h"

#define DRAIN_MS 10000

typedef struct serve_args {
    const char *config, *data_dir, *model, *models_dir, *demo, *log_level;
    flag_list listen;
    size_t port, threads;
    bool no_model, allow_unauthenticated, quiet;
} serve_args;

static const char about[] =
    "Takes metrics of servers, forecasts them 8 hours ahead, and serves forecasts, risk and alerts over HTTP.\n"
    "Settings come from the file of --config ($TFTD_CONFIG, ./tftd.yaml, /etc/tftd/tftd.yaml), from TFTD_* variables "
    "and\n"
    "from these flags, the later ones winning. docs/OPERATIONS.md lists every key.";

static const char examples[] = "  tftd serve --demo                      a built-in fleet, to look around\n"
                               "  tftd serve --data-dir /var/lib/tftd    listens on 127.0.0.1:8000\n"
                               "  tftd serve --port 0 --no-model         picks a port; heuristic forecasts only\n";

/* ---- from settings to the server's options ---------------------------------------------------------------- */

static void set_state_level(double levels[TFT_N_PROFILES][TFT_MAX_METRICS], int profile, int m, double value)
{
    for (int p = 0; p < TFT_N_PROFILES; p++) {
        if (profile < 0 || profile == p)
            levels[p][m] = value;
    }
}

/* The levels of the file, by the contract that is served; those of metrics that it lacks have no use. Levels for all
 * profiles come first, so that a profile's own stand. */
static void apply_levels(const void *context, const tft_contract *contract, state_rules *states, engine_settings *to)
{
    const settings *const s = context;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < s->n_levels; i++) {
            const settings_level *const level = &s->levels[i];
            const int m = tft_contract_find(contract, level->metric, strlen(level->metric));
            if (m < 0 || (level->profile < 0) != (pass == 0))
                continue;
            switch (level->kind) {
            case LEVEL_CRITICAL:
                set_state_level(states->critical, level->profile, m, level->high);
                break;
            case LEVEL_HEAVY:
                set_state_level(states->heavy, level->profile, m, level->high);
                break;
            case LEVEL_IDLE:
                states->idle[m] = level->high;
                break;
            case LEVEL_THRESHOLD:
                risk_set_threshold(&to->risk, level->profile, (size_t)m, level->low, level->high);
                break;
            }
        }
    }
    to->risk.incident_horizon_ms = s->risk.incident_horizon;
    to->risk.lookahead_ms = s->alerts.lookahead;
    memcpy(to->risk.bands, s->risk.bands, sizeof to->risk.bands);
    memcpy(to->risk.priorities, s->risk.priorities, sizeof to->risk.priorities);
    to->alerts.lookahead_ms = s->alerts.lookahead;
    to->alerts.for_ms = s->alerts.for_;
    to->alerts.keep_for_ms = s->alerts.keep_for;
    to->alerts.clear_ratio = s->alerts.clear_ratio;
    to->alerts.incident_horizon_ms = s->alerts.incident_horizon;
    to->alerts.incident_levels[0] = s->alerts.incident_warning;
    to->alerts.incident_levels[1] = s->alerts.incident_critical;
}

static server_options to_options(const settings *s)
{
    server_options o = {
        .n_listen = s->http.listen.n < SERVER_MAX_LISTEN ? s->http.listen.n : SERVER_MAX_LISTEN,
        .max_body = s->http.max_body,
        .max_records = s->http.max_records,
        .max_connections = (unsigned)s->http.max_connections,
        .max_connections_per_ip = (unsigned)s->http.max_connections_per_ip,
        .header_timeout_ms = s->http.header_timeout,
        .body_timeout_ms = s->http.body_timeout,
        .idle_timeout_s = (unsigned)(s->http.idle_timeout / 1000),
        .http_threads = (unsigned)s->http.threads,
        .compress = s->http.compress,
        .store = store_options_default(),
        .retention_alerts_ms = s->store.retention_alerts,
        .retention_forecasts_ms = s->store.retention_forecasts,
        .forecasts_every_ms = s->store.forecasts_every,
        .notify = &s->notify,
        .max_future_ms = s->ingest.max_future,
        .max_past_ms = s->ingest.max_past,
        .limit_disk_mb_s = s->ingest.limit_disk_io_mb_s,
        .limit_latency_ms = s->ingest.limit_latency_ms,
        .max_servers = s->servers.max,
        .stale_after_ms = s->servers.stale_after,
        .forget_after_ms = s->servers.forget_after,
        .offline_after_steps = s->servers.offline_after_steps,
        .models_dir = s->model.dir,
        .model_name = s->model.name,
        .watch_models = s->model.watch,
        .open_model = server_load_model,
        .model_threads = s->model.threads,
        .model_precision = (tft_precision)s->model.precision,
        .min_interval_s = 1e-3 * (double)s->forecast.min_interval,
        .warmup_records = s->forecast.warmup_records,
        .min_records = s->forecast.min_records,
        .memory_steps = s->forecast.memory_steps,
        .window_steps = s->forecast.window_steps,
        .clock = (fleet_clock_mode)s->time.clock,
        .tls_cert = s->tls.cert,
        .tls_key = s->tls.key,
        .tls_client_ca = s->tls.client_ca,
        .tls_only_13 = s->tls.min_version == 1,
        .metrics_per_server = s->metrics.per_server,
        .memory_limit = s->limits.memory,
        .audit_file = s->audit.file,
        .keys_file = s->auth.keys_file,
        .auth = (auth_mode)s->auth.enabled,
        .protect_status = s->auth.protect_status,
        .allow_unauthenticated = s->http.allow_unauthenticated,
        .read_per_minute = (unsigned)s->auth.rate_read,
        .write_per_minute = (unsigned)s->auth.rate_write,
        .n_cors_origins = s->http.cors_origins.n,
        .n_allowed_hosts = s->http.allowed_hosts.n,
        .levels = apply_levels,
        .levels_context = s,
        .n_prefixes = s->n_prefixes,
        .version = TFTD_VERSION,
    };
    for (size_t i = 0; i < o.n_listen; i++)
        o.listen[i] = s->http.listen.items[i];
    if (s->dashboard.enabled && s->dashboard.listen[0] != '\0' && o.n_listen < SERVER_MAX_LISTEN) {
        o.listen[o.n_listen++] = s->dashboard.listen;
        o.n_optional_listen = 1;
    }
    o.generator_url = s->dashboard.generator_url;
    for (size_t i = 0; i < o.n_cors_origins; i++)
        o.cors_origins[i] = s->http.cors_origins.items[i];
    for (size_t i = 0; i < o.n_allowed_hosts; i++)
        o.allowed_hosts[i] = s->http.allowed_hosts.items[i];
    for (size_t i = 0; i < s->n_prefixes && i < SERVER_MAX_PREFIXES; i++) {
        snprintf(o.prefixes[i].prefix, sizeof o.prefixes[i].prefix, "%s", s->prefixes[i].prefix);
        o.prefixes[i].profile = (tft_profile)s->prefixes[i].profile;
    }
    o.store.dir = s->data.dir;
    o.store.sync_full = s->store.sync == 0;
    o.store.retention_records_ms = s->store.retention_records;
    o.store.retention_steps_ms = s->store.retention_steps;
    o.store.max_bytes = s->store.max_size;
    o.store.min_free_bytes = s->store.min_free;
    o.store.max_servers = s->servers.max;
    return o;
}

static log_options log_options_of(const settings *s)
{
    return (log_options){(log_level)s->log.level, (log_format)s->log.format, (log_stamps)s->log.timestamps,
                         s->log.file};
}

/* Sockets that the service manager has opened are where we listen, whatever else says so. */
typedef struct inherited_sockets {
    size_t n;
    int fds[SERVER_MAX_LISTEN];
    char texts[SERVER_MAX_LISTEN][72];
} inherited_sockets;

static tft_status inherit_sockets(settings *s, inherited_sockets *own, tft_error *err)
{
    own->n = notify_sockets(SERVER_MAX_LISTEN - 1); // dashboard.listen may be one more
    for (size_t i = 0; i < own->n; i++) {
        own->fds[i] = NOTIFY_FIRST_SOCKET + (int)i;
        if (!http_listen_text(own->fds[i], own->texts[i]))
            return tft_fail(err, TFT_ERR_ARGUMENT, "LISTEN_FDS: descriptor %d is no listening TCP socket", own->fds[i]);
        s->http.listen.items[i] = own->texts[i];
    }
    if (own->n > 0) {
        s->http.listen.n = own->n;
        settings_mark(s, "http.listen", SETTINGS_ENVIRONMENT);
    }
    return TFT_OK;
}

/* Flags win over everything. `own_address` is room for --port's, `own_keys_file` for the default one. */
static void apply_flags(const serve_args *args, settings *s, char own_address[32], char own_keys_file[PATH_MAX])
{
    if (args->listen.n > 0 || args->port != SIZE_MAX)
        s->http.listen.n = 0;
    if (args->port != SIZE_MAX) {
        snprintf(own_address, 32, "127.0.0.1:%zu", args->port);
        s->http.listen.items[s->http.listen.n++] = own_address;
    }
    for (size_t i = 0; i < args->listen.n && s->http.listen.n < SERVER_MAX_LISTEN; i++)
        s->http.listen.items[s->http.listen.n++] = args->listen.items[i];
    if (args->listen.n > 0 || args->port != SIZE_MAX)
        settings_mark(s, "http.listen", SETTINGS_FLAG);
    if (args->data_dir != NULL) {
        s->data.dir = args->data_dir;
        settings_mark(s, "data.dir", SETTINGS_FLAG);
    }
    if (args->models_dir != NULL) {
        s->model.dir = args->models_dir;
        settings_mark(s, "model.dir", SETTINGS_FLAG);
    }
    if (args->threads != SIZE_MAX) {
        s->model.threads = args->threads;
        settings_mark(s, "model.threads", SETTINGS_FLAG);
    }
    if (args->allow_unauthenticated) {
        s->http.allow_unauthenticated = true;
        settings_mark(s, "http.allow_unauthenticated", SETTINGS_FLAG);
    }
    if (s->auth.keys_file[0] == '\0') {
        snprintf(own_keys_file, PATH_MAX, "%s/api-keys", s->data.dir);
        s->auth.keys_file = own_keys_file;
    }
    if (args->quiet) {
        s->log.level = LOG_LEVEL_WARNING;
        settings_mark(s, "log.level", SETTINGS_FLAG);
    }
}

/* The words alone; whether an address that can be reached from outside is allowed depends on the keys (server.c). */
static tft_status check_listeners(const settings *s, tft_error *err)
{
    for (size_t i = 0; i < s->http.listen.n; i++) {
        char host[64];
        uint16_t port;
        const char *const text = s->http.listen.items[i];
        if (!http_address_parse(text, host, &port))
            return tft_fail(err, TFT_ERR_ARGUMENT,
                            "http.listen: \"%s\" is not ADDRESS:PORT (127.0.0.1:8000, [::1]:8000)", text);
    }
    char host[64];
    uint16_t port;
    if (s->dashboard.listen[0] != '\0' && !http_address_parse(s->dashboard.listen, host, &port))
        return tft_fail(err, TFT_ERR_ARGUMENT, "dashboard.listen: \"%s\" is not ADDRESS:PORT (127.0.0.1:8501)",
                        s->dashboard.listen);
    return TFT_OK;
}

/* ---- running --------------------------------------------------------------------------------------------- */

static void end_at_once(int number)
{
    (void)number;
    _exit(EXIT_DONE); // accepted records are on disk
}

static void block_signals(sigset_t *taken)
{
    sigemptyset(taken);
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaddset(taken, numbers[i]);
    pthread_sigmask(SIG_BLOCK, taken, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void expect_second_signal(void)
{
    struct sigaction action = {.sa_handler = end_at_once};
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGTERM);
    sigaddset(&both, SIGINT);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    pthread_sigmask(SIG_UNBLOCK, &both, NULL);
}

static void reopen_logs(server *srv)
{
    tft_error err = {0};
    if (log_reopen(srv->log, &err) != TFT_OK)
        log_line(srv->log, LOG_TAG_WARNING, "The log goes on in the old file: %s", err.text);
    if (audit_reopen(srv->audit, &err) != TFT_OK)
        log_line(srv->log, LOG_TAG_WARNING, "The audit log goes on in the old file: %s", err.text);
}

/* What a reload needs, whether a signal or POST /-/reload asked for it. */
typedef struct reloading {
    const serve_args *args;
    const settings *boot;        // those of the start
    pthread_mutex_t lock;        // one at a time
    pthread_mutex_t config_lock; // guards the next
    tft_text config;             // what GET /config says
} reloading;

/* What is in force after settings `now` were read. */
static void show_config(reloading *how, const settings *now)
{
    pthread_mutex_lock(&how->config_lock);
    tft_text_clear(&how->config);
    settings_put_json(how->boot, now, &how->config);
    pthread_mutex_unlock(&how->config_lock);
}

static void put_config(void *context, tft_text *out)
{
    reloading *const how = context;
    pthread_mutex_lock(&how->config_lock);
    tft_text_add(out, how->config.bytes != NULL ? how->config.bytes : "", how->config.n);
    out->failed |= how->config.failed;
    pthread_mutex_unlock(&how->config_lock);
}

static tft_status reload_keys(server *srv, tft_error *err)
{
    tft_error why = {0};
    const tft_status status = srv->auth != NULL ? auth_reload(srv->auth, NULL, &why) : TFT_OK;
    if (status != TFT_OK) {
        log_line(srv->log, LOG_TAG_ERROR, "The old API keys stay: %s", why.text);
        *err = why;
    }
    return status;
}

/* What the file says now, and what the flags said at the start (own_keys_file: apply_flags). */
static tft_status read_again(const reloading *how, settings *s, char own_keys_file[PATH_MAX], tft_error *err)
{
    char own_address[32];
    tft_status status = settings_read(how->args->config, s, err);
    if (status == TFT_OK)
        apply_flags(how->args, s, own_address, own_keys_file);
    if (status == TFT_OK && how->args->log_level != NULL)
        status = settings_set(s, "log.level", how->args->log_level, "--log-level", err);
    s->http.listen = how->boot->http.listen; // where it listens; the text of a flag lies in how->boot's
    return status;
}

/* As the file says now, with flags before it as ever; a bad file changes nothing. */
static tft_status reload_settings(server *srv, reloading *how, tft_error *err)
{
    tft_error why = {0};
    char own_keys_file[PATH_MAX];
    int log_fd = -1;
    settings *const s = calloc(1, sizeof *s);
    tft_status status =
        s != NULL ? read_again(how, s, own_keys_file, &why) : tft_fail(&why, TFT_ERR_MEMORY, "no memory");
    if (status == TFT_OK) {
        const log_options log = log_options_of(s);
        status = log_prepare(srv->log, &log, &log_fd, &why);
    }
    if (status == TFT_OK) {
        const server_options options = to_options(s);
        status = server_reload(srv, &options, &why);
    }
    if (status == TFT_OK) {
        const log_options log = log_options_of(s);
        log_configure(srv->log, &log, log_fd);
        show_config(how, s);
    } else if (log_fd > STDERR_FILENO) {
        close(log_fd);
    }
    if (status != TFT_OK) {
        log_line(srv->log, LOG_TAG_ERROR, "The old settings stay: %s", why.text);
        *err = why;
    }
    if (s != NULL)
        settings_free(s);
    free(s);
    return status;
}

/* Everything that can be read again is, each for itself; the first thing that was bad is told. */
static tft_status reload(void *context, server *srv, tft_error *err)
{
    reloading *const how = context;
    tft_error whys[3] = {{0}, {0}, {0}};
    pthread_mutex_lock(&how->lock);
    reopen_logs(srv);
    const tft_status results[3] = {reload_settings(srv, how, &whys[0]), reload_keys(srv, &whys[1]),
                                   server_reload_tls(srv, &whys[2])};
    server_rescan_models(srv);
    pthread_mutex_unlock(&how->lock);
    for (size_t i = 0; i < 3; i++) {
        if (results[i] != TFT_OK) {
            *err = whys[i];
            return results[i];
        }
    }
    log_line(srv->log, LOG_TAG_INFO, "Reloaded: log reopened, keys and settings read, models looked for");
    return TFT_OK;
}

/* SIGUSR2: what somebody asks first who cannot ask the port. */
static void dump_state(server *srv)
{
    const fleet_counters c = fleet_count(srv->fleet, tft_wall_ms());
    const engine_totals e = engine_count(srv->engine);
    const store_counters d = store_counters_now(srv->store);
    const char *const trouble = store_trouble(srv->store);
    model_roles r;
    server_model_roles(srv, &r);
    log_line(srv->log, LOG_TAG_INFO,
             "State: servers %zu tracked, %zu ready, %zu active, %zu asleep; records %lld ever, %lld held; ticks %lld",
             c.servers_tracked, c.servers_ready, c.servers_active, fleet_n_asleep(srv->fleet),
             (long long)d.records_total, (long long)d.window_size, (long long)d.ticks);
    log_line(srv->log, LOG_TAG_INFO, "State: model %s, before it %s, pinned %s, at the next start %s, shadow %s",
             r.served[0] != '\0' ? r.served : "none", r.before[0] != '\0' ? r.before : "none",
             r.pinned[0] != '\0' ? r.pinned : "none", r.next[0] != '\0' ? r.next : "the same",
             r.shadow[0] != '\0' ? r.shadow : "none");
    log_line(srv->log, LOG_TAG_INFO,
             "State: forecasts %llu; servers forecast %llu by TFT, %llu by heuristic, %llu failures; store: %s",
             (unsigned long long)e.forecasts, (unsigned long long)e.tft_server_forecasts,
             (unsigned long long)e.heuristic_server_forecasts, (unsigned long long)e.failures,
             trouble != NULL ? trouble : "ok");
    log_line(srv->log, LOG_TAG_INFO, "State: memory %zu bytes of the fleet; engine holds %zu bytes",
             fleet_bytes(srv->fleet), engine_bytes(srv->engine));
}

/* Until SIGTERM or SIGINT; returns its number. */
static int wait_for_end(server *srv, reloading *how, const sigset_t *taken)
{
    for (;;) {
        siginfo_t info;
        const int number = sigwaitinfo(taken, &info);
        switch (number) {
        case SIGTERM:
        case SIGINT:
            return number;
        case SIGHUP:
            audit_say(srv->audit, "SIGHUP", "reload", NULL,
                      reload(how, srv, &(tft_error){0}) == TFT_OK); // the log has what was bad
            break;
        case SIGUSR1:
            reopen_logs(srv);
            break;
        case SIGUSR2:
            dump_state(srv);
            break;
        default:
            break; // EINTR: a debugger came by
        }
    }
}

static int exit_code(tft_status status, server_stage stage)
{
    switch (stage) {
    case SERVER_STAGE_MODEL:
        return EXIT_DATA;
    case SERVER_STAGE_STORE:
        return EXIT_DATA_DIR;
    case SERVER_STAGE_LISTEN:
        return status == TFT_ERR_BUSY                                   ? EXIT_ADDRESS
               : status == TFT_ERR_ARGUMENT || status == TFT_ERR_FORMAT ? EXIT_CONFIG
                                                                        : EXIT_FAILED;
    case SERVER_STAGE_ENGINE:
        break;
    }
    return EXIT_FAILED;
}

/* Where the demo's scenario is switched: the address of dashboard.generator_url, so that the page finds it. */
static const char *control_address(const settings *s)
{
    static const char scheme[] = "http://";
    const char *const url = s->dashboard.generator_url;
    return strncmp(url, scheme, sizeof scheme - 1) == 0 ? url + sizeof scheme - 1 : "127.0.0.1:8001";
}

static void say_where_to_look(const server *srv, const char *control)
{
    const char *const url = server_url(srv);
    log_line(srv->log, LOG_TAG_INFO, "Demo: open %s/ui/ in a browser", url);
    log_line(srv->log, LOG_TAG_INFO, "Demo: look at %s/status and %s/alerts/active, and at the forecasts:", url, url);
    log_line(srv->log, LOG_TAG_INFO,
             "Demo:   curl -s %s/predictions/current | jq '.environment, .predictions.ppdb001.cpu_percent.p50'", url);
    log_line(srv->log, LOG_TAG_INFO,
             "Demo: switch the scenario: curl -d '{\"scenario\": \"critical\"}' http://%s/scenario/set", control);
}

static int run(const settings *s, const serve_args *args, const inherited_sockets *sockets, int scenario, log_sink *log,
               const sigset_t *taken)
{
    reloading how = {args, s, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, tft_text_new((size_t)1 << 20)};
    server_options options = to_options(s);
    options.inherited = sockets->fds;
    options.n_inherited = sockets->n;
    show_config(&how, s);
    options.put_config = put_config;
    options.put_config_schema = settings_put_schema;
    options.config_context = &how;
    options.reload = reload;
    options.reload_context = &how;
    if (args->model != NULL)
        options.model_path = args->model;
    if (args->no_model)
        options.open_model = NULL;
    server *srv = NULL;
    demo *fleet_demo = NULL;
    server_stage stage;
    tft_error err = {0};
    options.isa = tft_isa_name(tft_tensor_init(TFT_ISA_AUTO));
    const tft_status status = server_open(&options, log, &srv, &stage, &err);
    if (status != TFT_OK) {
        fprintf(stderr, "tftd serve: %s\n", err.text);
        tft_text_free(&how.config);
        return exit_code(status, stage);
    }
    notify_manager("READY=1");
    if (server_start_watchdog(srv, notify_watchdog_ms(), &err) != TFT_OK)
        log_line(log, LOG_TAG_ERROR, "The service manager's watchdog will hear nothing: %s", err.text);
    if (scenario >= 0) {
        say_where_to_look(srv, control_address(s));
        if (demo_open(srv, (generate_scenario)scenario, control_address(s), &fleet_demo, &err) != TFT_OK)
            log_line(log, LOG_TAG_ERROR, "The demo fleet does not start: %s", err.text);
    }
    const int number = wait_for_end(srv, &how, taken);
    log_line(log, LOG_TAG_SHUTDOWN, "Received signal %d, saving state...", number);
    notify_manager("STOPPING=1");
    expect_second_signal();
    demo_close(fleet_demo);
    server_stop(srv, DRAIN_MS);
    server_close(srv);
    tft_text_free(&how.config);
    log_line(log, LOG_TAG_SHUTDOWN, "State saved, exiting");
    return EXIT_DONE;
}

static int fail_config(const tft_error *err)
{
    fprintf(stderr, "tftd serve: %s\n", err->text);
    return EXIT_CONFIG;
}

int cmd_serve(int argc, char **argv)
{
    serve_args args = {.port = SIZE_MAX, .threads = SIZE_MAX};
    const flag flags[] = {
        {"--listen", "ADDR:PORT", "where to listen (repeatable; default 127.0.0.1:8000; port 0 picks one)", FLAG_LIST,
         &args.listen},
        {"--port", "N", "the same on 127.0.0.1", FLAG_SIZE, &args.port},
        {"--data-dir", "DIR", "history and state (default ./tftd-data)", FLAG_TEXT, &args.data_dir},
        {"--model", "DIR", "serve this model directory", FLAG_TEXT, &args.model},
        {"--models-dir", "DIR", "serve the newest valid model in here (default ./models)", FLAG_TEXT, &args.models_dir},
        {"--no-model", NULL, "heuristic forecasts only", FLAG_SWITCH, &args.no_model},
        {"--demo", "SCENARIO", "feed a built-in fleet: healthy, degrading or critical", FLAG_OPTIONAL_TEXT, &args.demo},
        {"--threads", "N", "threads of the network (default: all cores)", FLAG_SIZE, &args.threads},
        {"--allow-unauthenticated", NULL, "listen on other addresses than loopback without keys", FLAG_SWITCH,
         &args.allow_unauthenticated},
        {"--config", "FILE", "settings (YAML)", FLAG_TEXT, &args.config},
        {"--log-level", "LEVEL", "debug, info, warning or error", FLAG_TEXT, &args.log_level},
        {"--quiet", NULL, "warnings and errors only", FLAG_SWITCH, &args.quiet},
        {"-q", NULL, "the same", FLAG_SWITCH, &args.quiet},
        {0}};
    const flag_page help = {"tftd serve [options]", about, examples};
    flag_list rest = {0};
    const int code = flags_parse(argc, argv, &help, flags, &rest);
    if (code >= 0)
        return code;
    const char *const word = args.demo == NULL      ? NULL
                             : args.demo[0] != '\0' ? args.demo
                             : rest.n > 0           ? rest.items[0]
                                                    : "healthy";
    const int scenario = word == NULL ? -1 : generate_scenario_find(word, strlen(word));
    const bool took_rest =
        args.demo != NULL && args.demo[0] == '\0' && rest.n == 1; // --demo critical, as well as --demo=critical
    if ((word != NULL && scenario < 0) || (rest.n > 0 && !took_rest) || (args.port != SIZE_MAX && args.port > 65535)) {
        fprintf(stderr, "tftd serve: %s\n",
                word != NULL && scenario < 0 ? "--demo: healthy, degrading or critical"
                : rest.n > 0                 ? "unexpected argument"
                                             : "--port: 0 to 65535");
        return EXIT_USAGE;
    }

    heap_settle();
    settings s;
    log_sink *log = NULL;
    tft_error err = {0};
    char own_address[32], own_keys_file[PATH_MAX];
    inherited_sockets sockets = {0};
    sigset_t taken;
    tft_status status = settings_read(args.config, &s, &err);
    if (status == TFT_OK)
        apply_flags(&args, &s, own_address, own_keys_file);
    if (status == TFT_OK && args.log_level != NULL)
        status = settings_set(&s, "log.level", args.log_level, "--log-level", &err);
    if (status == TFT_OK)
        status = inherit_sockets(&s, &sockets, &err);
    if (status == TFT_OK)
        status = check_listeners(&s, &err);
    const log_options how = log_options_of(&s);
    if (status == TFT_OK)
        status = log_open(&how, &log, &err);
    int result;
    if (status == TFT_OK) {
        block_signals(&taken);
        result = run(&s, &args, &sockets, scenario, log, &taken);
    } else {
        result = fail_config(&err);
    }
    log_close(log);
    settings_free(&s);
    return result;
}
