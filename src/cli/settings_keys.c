/* settings_keys.c - see settings_keys.h. */
#include "cli/settings_keys.h"

#include <string.h>

static const char *const sync_words[] = {"full", "normal", NULL};
static const char *const auth_words[] = {"auto", "true", "false", NULL};
static const char *const tls_words[] = {"1.2", "1.3", NULL};
static const char *const precision_words[] = {"float32", "bf16", NULL}; // as tft_precision goes
static const char *const clock_words[] = {"auto", "wall", "data", NULL};
static const char *const level_words[] = {"debug", "info", "warning", "error", NULL};
static const char *const format_words[] = {"text", "json", NULL};
static const char *const stamp_words[] = {"auto", "always", "never", NULL};

#define DAY 86400.0
#define AT(field) offsetof(settings, field)
// clang-format off: a row a line
const settings_key settings_keys[SETTINGS_N_KEYS] = {
    {"http.listen", LIST, AT(http.listen), 1, 8, NULL, false,
     "Addresses to listen on, ADDR:PORT or [V6]:PORT; port 0 picks one"},
    {"http.max_body", BYTES, AT(http.max_body), 1024, 1024.0 * 1024 * 1024, NULL, false,
     "Largest body of a request, also after decompression; beyond it 413"},
    {"http.max_records", COUNT, AT(http.max_records), 1, 1e6, NULL, false, "Records in one request"},
    {"http.max_connections", COUNT, AT(http.max_connections), 1, 65536, NULL, false, "Connections at a time"},
    {"http.max_connections_per_ip", COUNT, AT(http.max_connections_per_ip), 1, 65536, NULL, false,
     "Connections at a time from one address"},
    {"http.header_timeout", DURATION, AT(http.header_timeout), 1, 3600, NULL, false,
     "The whole head of a request must be there after this, however it trickles; 408"},
    {"http.body_timeout", DURATION, AT(http.body_timeout), 1, 3600, NULL, false,
     "A body that stands still for so long, or averages less than 500 bytes/s beyond it, is a 408"},
    {"http.idle_timeout", DURATION, AT(http.idle_timeout), 1, 3600, NULL, false,
     "A connection on which nothing moves is closed after this"},
    {"http.threads", COUNT, AT(http.threads), 1, 64, NULL, false, "Threads that answer requests"},
    {"http.compress", BOOL, AT(http.compress), 0, 0, NULL, false,
     "gzip or zstd of replies above 1 KiB, when asked for"},
    {"http.allow_unauthenticated", BOOL, AT(http.allow_unauthenticated), 0, 0, NULL, false,
     "Permit addresses beyond loopback without keys"},
    {"http.cors_origins", LIST, AT(http.cors_origins), 0, SETTINGS_MAX_LIST, NULL, true,
     "Origins whose pages may read and write; \"*\" = all"},
    {"http.allowed_hosts", LIST, AT(http.allowed_hosts), 0, SETTINGS_MAX_LIST, NULL, true,
     "Host names, beside loopback's, that a daemon without keys answers to"},
    {"tls.cert", TEXT, AT(tls.cert), 0, 0, NULL, true,
     "PEM file of the certificate and its chain; with tls.key every listener speaks TLS"},
    {"tls.key", TEXT, AT(tls.key), 0, 0, NULL, true, "PEM file of the private key"},
    {"tls.client_ca", TEXT, AT(tls.client_ca), 0, 0, NULL, true,
     "PEM file; clients must then show a certificate of one of these authorities"},
    {"tls.min_version", WORD, AT(tls.min_version), 0, 0, tls_words, true, "Oldest TLS that is spoken"},
    {"metrics.per_server", BOOL, AT(metrics.per_server), 0, 0, NULL, false,
     "/metrics has risk and incident probabilities of each server"},
    {"auth.enabled", WORD, AT(auth.enabled), 0, 0, auth_words, true,
     "auto: keys are asked for as soon as there is one"},
    {"auth.keys_file", TEXT, AT(auth.keys_file), 0, 0, NULL, true,
     "Where `tftd keys` keeps them; empty = api-keys in data.dir"},
    {"auth.protect_status", BOOL, AT(auth.protect_status), 0, 0, NULL, true, "/status and /metrics need a key too"},
    {"auth.rate_limit.read", COUNT, AT(auth.rate_read), 0, 1e6, NULL, true,
     "Reading requests a minute and key; 0 = no limit"},
    {"auth.rate_limit.write", COUNT, AT(auth.rate_write), 0, 1e6, NULL, true,
     "Writing requests a minute and key; 0 = no limit"},
    {"data.dir", TEXT, AT(data.dir), 0, 0, NULL, false,
     "Where everything is kept; made with mode 0700, one process at a time"},
    {"store.sync", WORD, AT(store.sync), 0, 0, sync_words, false,
     "full: survives power loss; normal: survives kill -9 only"},
    {"store.forecasts_every", DURATION, AT(store.forecasts_every), 1, DAY, NULL, false,
     "How often the newest forecast is kept and scored later"},
    {"store.max_size", BYTES, AT(store.max_size), 1048576, 9e15, NULL, false,
     "Bound of the database; the oldest steps are sealed early from nine tenths on"},
    {"store.min_free", BYTES, AT(store.min_free), 0, 9e15, NULL, false,
     "While the disk has less left, records are refused (503) and /health says why; 0 = no such bound"},
    {"store.retention.records", DURATION, AT(store.retention_records), 1, 3660 * DAY, NULL, true,
     "Raw records, from the later of timestamp and arrival"},
    {"store.retention.steps", DURATION, AT(store.retention_steps), 1, 36600 * DAY, NULL, true,
     "Values of sealed steps"},
    {"store.retention.alerts", DURATION, AT(store.retention_alerts), 1, 36600 * DAY, NULL, true,
     "Alerts that have ended"},
    {"store.retention.forecasts", DURATION, AT(store.retention_forecasts), 1, 3660 * DAY, NULL, true,
     "Forecasts as they were made, and their scores"},
    {"ingest.max_future", DURATION, AT(ingest.max_future), 0, 36500 * DAY, NULL, true,
     "How far a stamp may be ahead of the wall clock"},
    {"ingest.max_past", DURATION, AT(ingest.max_past), 0, 36500 * DAY, NULL, true, "How far behind; 0 = any"},
    {"ingest.limits.disk_io_mb_s", NUMBER, AT(ingest.limit_disk_io_mb_s), 0, 1e6, NULL, true,
     "Upper bound of disk_io_mb_s in a record, MB/s"},
    {"ingest.limits.latency_ms", NUMBER, AT(ingest.limit_latency_ms), 0, 86400000, NULL, true,
     "Upper bound of latency_ms in a record, ms"},
    {"servers.max", COUNT, AT(servers.max), 1, 1e6, NULL, true,
     "A record of one more server is rejected; those asleep do not count"},
    {"servers.forget_after", DURATION, AT(servers.forget_after), 0, 36500 * DAY, NULL, true,
     "A server silent for longer gives back its place in memory and in servers.max, until it comes back; its history "
     "stays; 0 = never"},
    {"servers.stale_after", DURATION, AT(servers.stale_after), 1, 365 * DAY, NULL, true,
     "A server silent for longer is stale"},
    {"servers.offline_after_steps", COUNT, AT(servers.offline_after_steps), 1, 2304, NULL, true,
     "Whole steps of silence, while others report, that mean offline"},
    {"model.dir", TEXT, AT(model.dir), 0, 0, NULL, true, "Where model directories are looked for"},
    {"model.name", TEXT, AT(model.name), 0, 0, NULL, true, "latest, or the name of one directory inside model.dir"},
    {"model.watch", BOOL, AT(model.watch), 0, 0, NULL, true, "Look for a newer model every 5 s"},
    {"model.threads", COUNT, AT(model.threads), 0, 256, NULL, true, "Threads of the network; 0 = all cores"},
    {"model.precision", WORD, AT(model.precision), 0, 0, precision_words, true,
     "What the network multiplies in; bf16 is faster and rounds more, on processors with AVX512_BF16; others use "
     "float32"},
    {"forecast.min_interval", DURATION, AT(forecast.min_interval), 0, 300, NULL, true,
     "Forecasts are renewed at most so often"},
    {"forecast.warmup_records", COUNT, AT(forecast.warmup_records), 1, 1e6, NULL, false,
     "Records of a server before the network forecasts it"},
    {"forecast.min_records", COUNT, AT(forecast.min_records), 1, 1e6, NULL, false,
     "Records in total before there is any forecast"},
    {"forecast.memory_steps", COUNT, AT(forecast.memory_steps), 2, 100000, NULL, false,
     "Steps kept in memory per server"},
    {"forecast.window_steps", COUNT, AT(forecast.window_steps), 2, 100000, NULL, true,
     "Newest steps that the network reads, at most; a model that was trained on fewer reads those"},
    {"time.clock", WORD, AT(time.clock), 0, 0, clock_words, true,
     "wall, data (the newest record's time), or auto: data where the newest record is older than 30 min"},
    {"alerts.lookahead", DURATION, AT(alerts.lookahead), 300, 8 * 3600, NULL, true,
     "How far ahead a threshold alert looks"},
    {"alerts.for", DURATION, AT(alerts.for_), 0, DAY, NULL, true, "How long a condition must hold before it fires"},
    {"alerts.keep_for", DURATION, AT(alerts.keep_for), 0, DAY, NULL, true,
     "How long it must be gone before it resolves"},
    {"alerts.clear_ratio", NUMBER, AT(alerts.clear_ratio), 0, 1, NULL, true,
     "A threshold is cleared below this share of it"},
    {"alerts.incident.horizon", DURATION, AT(alerts.incident_horizon), 300, 8 * 3600, NULL, true,
     "Horizon of the probability that means an incident alert"},
    {"alerts.incident.warning", NUMBER, AT(alerts.incident_warning), 0, 1, NULL, true,
     "P(incident) that means a warning"},
    {"alerts.incident.critical", NUMBER, AT(alerts.incident_critical), 0, 1, NULL, true,
     "P(incident) that is critical"},
    {"risk.incident_horizon", DURATION, AT(risk.incident_horizon), 300, 8 * 3600, NULL, true,
     "Horizon of the probability inside the risk score"},
    {"risk.bands", NUMBERS, AT(risk.bands), 6, 6, NULL, true, "Scores at which the bands begin"},
    {"risk.priorities", NUMBERS, AT(risk.priorities), 3, 3, NULL, true, "Scores at which the priorities begin"},
    {"dashboard.enabled", BOOL, AT(dashboard.enabled), 0, 0, NULL, false, "Serve the page on an address of its own"},
    {"dashboard.listen", TEXT, AT(dashboard.listen), 0, 0, NULL, false, "That address; \"\" = none"},
    {"dashboard.generator_url", TEXT, AT(dashboard.generator_url), 0, 0, NULL, false,
     "The generator's control port, for the page's demo controls"},
    {"dashboard.title", TEXT, AT(dashboard.title), 0, 0, NULL, false,
     "Name of this installation on the page; \"\" = tftd"},
    {"audit.file", TEXT, AT(audit.file), 0, 0, NULL, false,
     "Who changed what: a JSON line for each request that may change something, but for records; \"\" = none"},
    {"limits.memory", BYTES, AT(limits.memory), 0, 9e15, NULL, false,
     "What the other settings may add up to, printed at the start; beyond it the daemon does not start; 0 = any"},
    {"log.level", WORD, AT(log.level), 0, 0, level_words, true, "Least level of lines that are written"},
    {"log.format", WORD, AT(log.format), 0, 0, format_words, true, "text, or json with ts, level, tag, message"},
    {"log.file", TEXT, AT(log.file), 0, 0, NULL, true, "A file instead of stderr"},
    {"log.timestamps", WORD, AT(log.timestamps), 0, 0, stamp_words, true, "auto: no stamps under the journal"},
};
// clang-format on

const settings_key *settings_find_key(const char *path)
{
    for (size_t i = 0; i < SETTINGS_N_KEYS; i++) {
        if (strcmp(settings_keys[i].path, path) == 0)
            return &settings_keys[i];
    }
    return NULL;
}
