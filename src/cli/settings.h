/* settings.h - the daemon's configuration: defaults, then the YAML file, then the environment, then flags.
 *
 * One table in settings.c holds every key with its kind, its bounds and its place in this struct; reading the file, reading
 * TFTD_* variables and the documentation (docs/OPERATIONS.md) follow it. An unknown key, a wrong type or a value out of
 * bounds is an error that names file, line and column; nothing is guessed.
 *
 * Memory:  the settings own their texts until settings_free().
 * Threads: one.
 */
#ifndef TFTD_CLI_SETTINGS_H
#define TFTD_CLI_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "notify/config.h"
#include "tft/contract.h"

#define SETTINGS_MAX_LIST 16
#define SETTINGS_MAX_LEVELS 256
#define SETTINGS_MAX_PREFIXES 128
#define SETTINGS_MAX_TEXTS 1024

typedef struct settings_list {
    size_t n;
    const char *items[SETTINGS_MAX_LIST];
} settings_list;

typedef enum settings_level_kind { LEVEL_CRITICAL, LEVEL_HEAVY, LEVEL_IDLE, LEVEL_THRESHOLD } settings_level_kind;

/* states.critical.cpu_pct: 95; alerts.profiles.database.mem_pct: [95, 99] */
typedef struct settings_level {
    settings_level_kind kind;
    int profile; // −1 = all
    const char *metric;
    double low, high; // THRESHOLD: warning, critical; else both the level
} settings_level;

#define SETTINGS_N_KEYS 71
typedef enum settings_source { SETTINGS_DEFAULT, SETTINGS_FILE, SETTINGS_ENVIRONMENT, SETTINGS_FLAG } settings_source;

typedef struct settings {
    struct {
        settings_list listen;
        size_t max_body, max_records, max_connections, max_connections_per_ip, threads;
        int64_t header_timeout, body_timeout, idle_timeout;
        bool compress, allow_unauthenticated;
        settings_list cors_origins, allowed_hosts;
    } http;
    struct {
        const char *cert, *key, *client_ca; // "" = none
        size_t min_version;                 // 1.2, 1.3
    } tls;
    struct {
        bool per_server;
    } metrics;
    struct {
        size_t enabled; // auto, true, false
        const char *keys_file;
        bool protect_status;
        size_t rate_read, rate_write; // requests a minute and key, 0 = no limit
    } auth;
    struct {
        const char *dir;
    } data;
    struct {
        size_t sync; // 0 full, 1 normal
        int64_t retention_records, retention_steps, retention_alerts, retention_forecasts, forecasts_every;
        size_t max_size, min_free;
    } store;
    struct {
        int64_t max_future, max_past;
        double limit_disk_io_mb_s, limit_latency_ms;
    } ingest;
    struct {
        size_t max, offline_after_steps;
        int64_t stale_after, forget_after;
    } servers;
    struct {
        const char *dir, *name;
        bool watch;
        size_t threads;
        size_t precision; // float32, bf16
    } model;
    struct {
        int64_t min_interval;
        size_t warmup_records, min_records, memory_steps, window_steps;
    } forecast;
    struct {
        size_t clock; // auto, wall, data
    } time;
    struct {
        int64_t lookahead, for_, keep_for, incident_horizon;
        double clear_ratio, incident_warning, incident_critical;
    } alerts;
    notify_config notify; // alerts.receivers, alerts.routes
    struct {
        int64_t incident_horizon;
        double bands[6], priorities[3];
    } risk;
    struct {
        bool enabled;
        const char *listen, *generator_url, *title;
    } dashboard;
    struct {
        const char *file;
    } audit;
    struct {
        size_t memory;
    } limits;
    struct {
        size_t level, format, timestamps; // as log.h's enums
        const char *file;
    } log;
    size_t n_levels;
    settings_level levels[SETTINGS_MAX_LEVELS];
    size_t n_prefixes;
    struct {
        const char *prefix;
        int profile;
    } prefixes[SETTINGS_MAX_PREFIXES];

    uint8_t sources[SETTINGS_N_KEYS]; // settings_source of each key of the table
    const char *path;                 // the file that was read, NULL = none
    size_t n_texts;                   // private: what settings_free() frees
    char *texts[SETTINGS_MAX_TEXTS];
} settings;

/* Defaults, then the file, then the environment. `path` NULL: $TFTD_CONFIG, ./tftd.yaml, /etc/tftd/tftd.yaml, or none.
 * TFT_ERR_NOT_FOUND for a named file that is not there; TFT_ERR_FORMAT with "FILE:LINE:COLUMN: key: why". */
tft_status settings_read(const char *path, settings *s, tft_error *err);
void settings_free(settings *s);

/* Sets one key as if `name` (a flag, for messages) had been a line of the file. */
tft_status settings_set(settings *s, const char *path, const char *value, const char *name, tft_error *err);

/* Notes where a key's value came from: flags write the fields themselves. */
void settings_mark(settings *s, const char *path, settings_source source);

/* The parts, for tests. `name` stands for the file in messages. */
void settings_default(settings *s);
tft_status settings_read_yaml(settings *s, const char *name, const char *bytes, size_t n, tft_error *err);
tft_status settings_read_environment(settings *s, tft_error *err);

#endif
