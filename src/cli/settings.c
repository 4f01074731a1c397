/* settings.c - see settings.h; the only file that knows libyaml.
 *
 * The file is walked once, event by event. Every leaf (a scalar, or a list of scalars) has a path of keys from the root;
 * the path is looked up in the table, or in the few places whose keys are names of metrics, profiles or prefixes:
 *
 *     states.{critical,heavy,idle}.METRIC          states.profiles.PROFILE.{critical,heavy}.METRIC
 *     alerts.thresholds.METRIC: [warning, critical]    alerts.profiles.PROFILE.METRIC: [warning, critical]
 *     profiles.prefixes.PREFIX: PROFILE
 *     alerts.receivers, alerts.routes: lists of mappings      settings_notify.h
 */
#include "cli/settings.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "cli/flags.h"
#include "cli/settings_keys.h"
#include "cli/settings_notify.h"

#define MAX_FILE_BYTES ((size_t)1 << 20)
#define MAX_DEPTH 6
#define MAX_KEYS 512 // leaves of one file, so that a key given twice is noticed

void settings_default(settings *s)
{
    *s = (settings){
        .http = {.listen = {1, {"127.0.0.1:8000"}},
                 .max_body = (size_t)16 << 20,
                 .max_records = 50000,
                 .max_connections = 1024,
                 .max_connections_per_ip = 256,
                 .threads = 2,
                 .header_timeout = 10000,
                 .body_timeout = 15000,
                 .idle_timeout = 75000,
                 .compress = true},
        .tls = {"", "", "", 0},
        .auth = {.keys_file = ""},
        .data = {"./tftd-data"},
        .store = {.retention_records = (int64_t)7 * 86400000,
                  .retention_steps = (int64_t)400 * 86400000,
                  .retention_alerts = (int64_t)400 * 86400000,
                  .retention_forecasts = (int64_t)30 * 86400000,
                  .forecasts_every = (int64_t)30 * 60000,
                  .max_size = (size_t)4 << 30,
                  .min_free = (size_t)512 << 20},
        .ingest = {.max_future = 300000, .limit_disk_io_mb_s = 1e6, .limit_latency_ms = 86400000},
        .servers = {.max = 10000,
                    .offline_after_steps = 3,
                    .stale_after = 1800000,
                    .forget_after = (int64_t)30 * 86400000},
        .dashboard = {true, "127.0.0.1:8501", "http://127.0.0.1:8001", ""},
        .model = {.dir = "./models", .name = "latest", .watch = true},
        .forecast = {.min_interval = 1000,
                     .warmup_records = 150,
                     .min_records = 100,
                     .memory_steps = 2304,
                     .window_steps = 288},
        .alerts = {.lookahead = 3600000,
                   .keep_for = 120000,
                   .clear_ratio = 0.95,
                   .incident_horizon = 3600000,
                   .incident_warning = 0.3,
                   .incident_critical = 0.6},
        .risk = {.incident_horizon = 7200000, .bands = {30, 50, 60, 70, 80, 90}, .priorities = {20, 40, 70}},
        .audit = {""},
        .log = {.level = 1, .file = ""},
    };
}

void settings_free(settings *s)
{
    for (size_t i = 0; i < s->n_texts; i++)
        free(s->texts[i]);
    s->n_texts = 0;
}

/* A copy that lives as long as the settings; NULL without memory or beyond SETTINGS_MAX_TEXTS. */
static const char *keep_text(settings *s, const char *text)
{
    if (s->n_texts == SETTINGS_MAX_TEXTS)
        return NULL;
    char *const copy = strdup(text);
    if (copy != NULL)
        s->texts[s->n_texts++] = copy;
    return copy;
}

/* ---- values -------------------------------------------------------------------------------------------- */

/* Where a value stands, for messages: "tftd.yaml:3:15" or "TFTD_HTTP_MAX_BODY". */
typedef struct place {
    const char *name;
    size_t line, column; // 1 …; 0 = no file
} place;

static tft_status refuse(const place *at, const char *path, tft_error *err, const char *format, ...) TFT_PRINTF(4, 5);
static tft_status refuse(const place *at, const char *path, tft_error *err, const char *format, ...)
{
    char why[300];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (at->line == 0)
        return tft_fail(err, TFT_ERR_FORMAT, "%s: %s", at->name, why);
    return tft_fail(err, TFT_ERR_FORMAT, "%s:%zu:%zu: %s: %s", at->name, at->line, at->column, path, why);
}

static bool parse_number(const char *text, double *out)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*out) && strpbrk(text, "xX") == NULL; // no hexadecimal
}

static bool parse_bool(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0;
    return *out || strcmp(text, "false") == 0;
}

static tft_status set_word(const settings_key *k, const char *value, size_t *out, const place *at, tft_error *err)
{
    char choices[128] = "";
    for (size_t i = 0; k->words[i] != NULL; i++) {
        if (strcmp(value, k->words[i]) == 0) {
            *out = i;
            return TFT_OK;
        }
        snprintf(choices + strlen(choices), sizeof choices - strlen(choices), "%s%s", i > 0 ? ", " : "", k->words[i]);
    }
    return refuse(at, k->path, err, "\"%.60s\" is none of %s", value, choices);
}

static tft_status set_scalar(settings *s, const settings_key *k, const char *value, const place *at, tft_error *err)
{
    void *const target = (char *)s + k->offset;
    double number = 0;
    size_t bytes = 0;
    switch (k->kind) {
    case TEXT:
        *(const char **)target = keep_text(s, value);
        return *(const char **)target != NULL ? TFT_OK : refuse(at, k->path, err, "no memory");
    case BOOL:
        return parse_bool(value, target) ? TFT_OK : refuse(at, k->path, err, "\"%.60s\" is not true or false", value);
    case WORD:
        return set_word(k, value, target, at, err);
    case COUNT:
        if (!parse_number(value, &number) || number != floor(number))
            return refuse(at, k->path, err, "\"%.60s\" is not a whole number", value);
        break;
    case NUMBER:
        if (!parse_number(value, &number))
            return refuse(at, k->path, err, "\"%.60s\" is not a number", value);
        break;
    case BYTES:
        if (!flags_bytes(value, &bytes))
            return refuse(at, k->path, err, "\"%.60s\" is not a size such as 64KiB, 16MiB, 4GiB", value);
        number = (double)bytes;
        break;
    case DURATION:
        if (!flags_duration(value, &number))
            return refuse(at, k->path, err, "\"%.60s\" is not a duration such as 250ms, 5s, 30m, 8h, 90d", value);
        break;
    case LIST:
    case NUMBERS:
        return refuse(at, k->path, err, "must be a list");
    }
    if (number < k->low || number > k->high)
        return refuse(at, k->path, err, "%.60s is out of bounds: %.15g to %.15g%s", value, k->low, k->high,
                      k->kind == DURATION ? " seconds"
                      : k->kind == BYTES  ? " bytes"
                                          : "");
    if (k->kind == NUMBER)
        *(double *)target = number;
    else if (k->kind == DURATION)
        *(int64_t *)target = llround(number * 1000);
    else
        *(size_t *)target = (size_t)number;
    return TFT_OK;
}

/* The values of one leaf; a scalar has one and is no list. */
typedef struct leaf {
    bool is_list;
    size_t n;
    char *values[SETTINGS_MAX_LIST];
} leaf;

static void leaf_free(leaf *given)
{
    for (size_t i = 0; i < given->n; i++)
        free(given->values[i]);
    given->n = 0;
}

static tft_status set_key(settings *s, const settings_key *k, const leaf *given, const place *at, tft_error *err)
{
    if (k->kind != LIST && k->kind != NUMBERS)
        return given->is_list ? refuse(at, k->path, err, "must be one value, not a list")
                              : set_scalar(s, k, given->values[0], at, err);
    if (!given->is_list && k->kind == NUMBERS)
        return refuse(at, k->path, err, "must be a list");
    if ((double)given->n < k->low || (double)given->n > k->high)
        return refuse(at, k->path, err, "%zu values, must be %.0f to %.0f", given->n, k->low, k->high);
    if (k->kind == LIST) {
        settings_list *const list = (void *)((char *)s + k->offset);
        list->n = 0;
        for (size_t i = 0; i < given->n; i++) {
            const char *const text = keep_text(s, given->values[i]);
            if (text == NULL)
                return refuse(at, k->path, err, "no memory");
            list->items[list->n++] = text;
        }
        return TFT_OK;
    }
    double *const numbers = (void *)((char *)s + k->offset);
    for (size_t i = 0; i < given->n; i++) {
        if (!parse_number(given->values[i], &numbers[i]) || numbers[i] < 0 || numbers[i] > 100 ||
            (i > 0 && numbers[i] <= numbers[i - 1]))
            return refuse(at, k->path, err, "\"%.60s\": must be ascending numbers from 0 to 100", given->values[i]);
    }
    return TFT_OK;
}

/* ---- places whose keys are names ----------------------------------------------------------------------- */

static bool starts(const char *path, const char *prefix, const char **rest)
{
    const size_t n = strlen(prefix);
    *rest = path + n;
    return strncmp(path, prefix, n) == 0;
}

static tft_status add_level(settings *s, settings_level_kind what, int profile, const char *metric, const leaf *given,
                            const place *at, const char *path, tft_error *err)
{
    const bool pair = what == LEVEL_THRESHOLD;
    settings_level level = {.kind = what, .profile = profile};
    if (metric[0] == '\0' || strchr(metric, '.') != NULL)
        return refuse(at, path, err, "unknown key");
    if (pair && !(given->is_list && given->n == 2))
        return refuse(at, path, err, "must be [warning, critical]");
    if (!pair && given->is_list)
        return refuse(at, path, err, "must be one value, not a list");
    if (!parse_number(given->values[0], &level.low) || !parse_number(given->values[pair ? 1 : 0], &level.high))
        return refuse(at, path, err, "\"%.60s\" is not a number", given->values[0]);
    if (pair && level.high < level.low)
        return refuse(at, path, err, "critical is below warning");
    level.metric = keep_text(s, metric);
    if (s->n_levels == SETTINGS_MAX_LEVELS || level.metric == NULL)
        return refuse(at, path, err, "too many levels, at most %d", SETTINGS_MAX_LEVELS);
    s->levels[s->n_levels++] = level;
    return TFT_OK;
}

/* "database.rest" → its profile, and the rest. */
static int split_profile(const char *text, const char **rest)
{
    const size_t n = strcspn(text, ".");
    *rest = text[n] == '.' ? text + n + 1 : "";
    return tft_profile_find(text, n);
}

static tft_status add_prefix(settings *s, const char *prefix, const leaf *given, const place *at, const char *path,
                             tft_error *err)
{
    const int profile = given->is_list ? -1 : tft_profile_find(given->values[0], strlen(given->values[0]));
    if (profile < 0)
        return refuse(at, path, err, "\"%.60s\" is not a profile", given->values[0]);
    const char *const text = keep_text(s, prefix);
    if (text == NULL || prefix[0] == '\0' || strlen(prefix) >= TFT_MAX_METRIC_NAME ||
        s->n_prefixes == SETTINGS_MAX_PREFIXES)
        return refuse(at, path, err, "a prefix has 1 to %d bytes, and there are at most %d", TFT_MAX_METRIC_NAME - 1,
                      SETTINGS_MAX_PREFIXES);
    s->prefixes[s->n_prefixes].prefix = text;
    s->prefixes[s->n_prefixes++].profile = profile;
    return TFT_OK;
}

static tft_status set_named(settings *s, const char *path, const leaf *given, const place *at, tft_error *err)
{
    const char *rest, *metric;
    if (starts(path, "profiles.prefixes.", &rest))
        return add_prefix(s, rest, given, at, path, err);
    if (starts(path, "states.critical.", &rest))
        return add_level(s, LEVEL_CRITICAL, -1, rest, given, at, path, err);
    if (starts(path, "states.heavy.", &rest))
        return add_level(s, LEVEL_HEAVY, -1, rest, given, at, path, err);
    if (starts(path, "states.idle.", &rest))
        return add_level(s, LEVEL_IDLE, -1, rest, given, at, path, err);
    if (starts(path, "alerts.thresholds.", &rest))
        return add_level(s, LEVEL_THRESHOLD, -1, rest, given, at, path, err);
    if (starts(path, "alerts.receivers.", &rest) || starts(path, "alerts.routes.", &rest)) {
        const char *const why = settings_set_notify(&s->notify, path + strlen("alerts."),
                                                    (const char *const *)given->values, given->n, given->is_list);
        return why == NULL ? TFT_OK : refuse(at, path, err, "%s", why);
    }
    const bool states = starts(path, "states.profiles.", &rest);
    if (!states && !starts(path, "alerts.profiles.", &rest))
        return refuse(at, path, err, "unknown key");
    const int profile = split_profile(rest, &rest);
    if (profile < 0)
        return refuse(at, path, err, "unknown profile");
    if (!states)
        return add_level(s, LEVEL_THRESHOLD, profile, rest, given, at, path, err);
    if (starts(rest, "critical.", &metric))
        return add_level(s, LEVEL_CRITICAL, profile, metric, given, at, path, err);
    if (starts(rest, "heavy.", &metric))
        return add_level(s, LEVEL_HEAVY, profile, metric, given, at, path, err);
    return refuse(at, path, err, "unknown key");
}

void settings_mark(settings *s, const char *path, settings_source source)
{
    const settings_key *const k = settings_find_key(path);
    if (k != NULL)
        s->sources[k - settings_keys] = (uint8_t)source;
}

static tft_status set_path(settings *s, const char *path, const leaf *given, const place *at, tft_error *err)
{
    const settings_key *const k = settings_find_key(path);
    if (k == NULL)
        return set_named(s, path, given, at, err);
    const tft_status status = set_key(s, k, given, at, err);
    if (status == TFT_OK)
        settings_mark(s, path, at->line > 0 ? SETTINGS_FILE : SETTINGS_ENVIRONMENT);
    return status;
}

tft_status settings_set(settings *s, const char *path, const char *value, const char *name, tft_error *err)
{
    const place at = {name, 0, 0};
    leaf given = {.n = 1, .values = {strdup(value)}};
    if (given.values[0] == NULL)
        return refuse(&at, path, err, "no memory");
    const tft_status status = set_path(s, path, &given, &at, err);
    leaf_free(&given);
    return status;
}

/* ---- the file ------------------------------------------------------------------------------------------ */

typedef struct walk {
    settings *s;
    const char *name;
    yaml_parser_t parser;
    tft_error *err;
    size_t n_seen;
    char *seen[MAX_KEYS]; // paths that were set
} walk;

static place place_of(const walk *w, const yaml_mark_t *mark)
{
    return (place){w->name, mark->line + 1, mark->column + 1};
}

static tft_status next_event(walk *w, yaml_event_t *event)
{
    if (yaml_parser_parse(&w->parser, event))
        return TFT_OK;
    const yaml_mark_t *const mark = &w->parser.problem_mark;
    return tft_fail(w->err, TFT_ERR_FORMAT, "%s:%zu:%zu: not YAML: %s", w->name, mark->line + 1, mark->column + 1,
                    w->parser.problem != NULL ? w->parser.problem : "unreadable");
}

static tft_status note_path(walk *w, const char *path, const place *at)
{
    for (size_t i = 0; i < w->n_seen; i++) {
        if (strcmp(w->seen[i], path) == 0)
            return refuse(at, path, w->err, "is given twice");
    }
    if (w->n_seen == MAX_KEYS || (w->seen[w->n_seen] = strdup(path)) == NULL)
        return refuse(at, path, w->err, "more than %d keys", MAX_KEYS);
    w->n_seen++;
    return TFT_OK;
}

static tft_status leaf_add(walk *w, leaf *given, const char *path, const yaml_event_t *event)
{
    const place at = place_of(w, &event->start_mark);
    const char *const value = (const char *)event->data.scalar.value;
    if (strlen(value) != event->data.scalar.length)
        return refuse(&at, path, w->err, "holds a NUL byte");
    if (given->n == SETTINGS_MAX_LIST || (given->values[given->n] = strdup(value)) == NULL)
        return refuse(&at, path, w->err, "at most %d values", SETTINGS_MAX_LIST);
    given->n++;
    return TFT_OK;
}

/* The values of a sequence whose start has been read. */
static tft_status read_list(walk *w, leaf *given, const char *path)
{
    tft_status status = TFT_OK;
    given->is_list = true;
    for (bool more = true; more && status == TFT_OK;) {
        yaml_event_t event;
        status = next_event(w, &event);
        if (status != TFT_OK)
            return status;
        const place at = place_of(w, &event.start_mark);
        if (event.type == YAML_SCALAR_EVENT)
            status = leaf_add(w, given, path, &event);
        else if (event.type != YAML_SEQUENCE_END_EVENT)
            status = refuse(&at, path, w->err, "a list may hold single values only");
        more = event.type == YAML_SCALAR_EVENT;
        yaml_event_delete(&event);
    }
    return status;
}

static tft_status read_mapping(walk *w, const char *path, size_t depth);

/* The mappings of a list whose start has been read: their keys become path.0.key, path.1.key … */
static tft_status read_items(walk *w, const char *path, size_t depth)
{
    for (size_t i = 0;; i++) {
        yaml_event_t event;
        tft_status status = next_event(w, &event);
        if (status != TFT_OK)
            return status;
        const yaml_event_type_t type = event.type;
        const place at = place_of(w, &event.start_mark);
        yaml_event_delete(&event);
        if (type == YAML_SEQUENCE_END_EVENT)
            return TFT_OK;
        char inner[256];
        snprintf(inner, sizeof inner, "%s.%zu", path, i);
        status = type == YAML_MAPPING_START_EVENT
                     ? read_mapping(w, inner, depth + 1)
                     : refuse(&at, inner, w->err, "must be a mapping such as {name: …, kind: …, url: …}");
        if (status != TFT_OK)
            return status;
    }
}

/* The value of `path`, whose first event is given. */
static tft_status read_value(walk *w, const char *path, const yaml_event_t *event, size_t depth)
{
    const place at = place_of(w, &event->start_mark);
    const settings_key *k;
    leaf given = {0};
    tft_status status;
    switch (event->type) {
    case YAML_MAPPING_START_EVENT:
        k = settings_find_key(path);
        if (k != NULL)
            return refuse(&at, path, w->err, "must be %s, not a mapping",
                          k->kind == LIST || k->kind == NUMBERS ? "a list" : "one value");
        return read_mapping(w, path, depth + 1);
    case YAML_SCALAR_EVENT: {
        const bool plain_empty = event->data.scalar.length == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        if (plain_empty)
            return refuse(&at, path, w->err, "has no value");
        status = leaf_add(w, &given, path, event);
        break;
    }
    case YAML_SEQUENCE_START_EVENT:
        if (settings_is_item_list(path))
            return read_items(w, path, depth + 1);
        status = read_list(w, &given, path);
        break;
    default:
        return refuse(&at, path, w->err, "aliases are not supported");
    }
    if (status == TFT_OK)
        status = note_path(w, path, &at);
    const bool none = given.n == 0 && (strcmp(path, "alerts.receivers") == 0 || strcmp(path, "alerts.routes") == 0);
    if (status == TFT_OK && given.n == 0 && !none && settings_find_key(path) == NULL)
        status = refuse(&at, path, w->err, "is an empty list");
    if (status == TFT_OK && !none)
        status = set_path(w->s, path, &given, &at, w->err);
    leaf_free(&given);
    return status;
}

/* The keys of a mapping whose start has been read. */
static tft_status read_mapping(walk *w, const char *path, size_t depth)
{
    for (;;) {
        yaml_event_t event;
        tft_status status = next_event(w, &event);
        if (status != TFT_OK)
            return status;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return TFT_OK;
        }
        const place at = place_of(w, &event.start_mark);
        char inner[256] = "";
        bool fits = event.type == YAML_SCALAR_EVENT && depth < MAX_DEPTH;
        if (fits)
            fits = snprintf(inner, sizeof inner, "%s%s%s", path, path[0] != '\0' ? "." : "",
                            (const char *)event.data.scalar.value) < (int)sizeof inner;
        yaml_event_delete(&event);
        if (!fits)
            return refuse(&at, path[0] != '\0' ? path : "the file", w->err,
                          "a key that is no short text, or nested too deep");
        status = next_event(w, &event);
        if (status != TFT_OK)
            return status;
        status = read_value(w, inner, &event, depth);
        yaml_event_delete(&event);
        if (status != TFT_OK)
            return status;
    }
}

static tft_status read_document(walk *w)
{
    tft_status status = TFT_OK;
    for (bool more = true; more && status == TFT_OK;) {
        yaml_event_t event;
        status = next_event(w, &event);
        if (status != TFT_OK)
            return status;
        const place at = place_of(w, &event.start_mark);
        const bool empty = event.type == YAML_SCALAR_EVENT && event.data.scalar.length == 0;
        if (event.type == YAML_MAPPING_START_EVENT)
            status = read_mapping(w, "", 0);
        else if (event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_ALIAS_EVENT ||
                 (event.type == YAML_SCALAR_EVENT && !empty))
            status = refuse(&at, "the file", w->err, "must be a mapping of keys");
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return status;
}

tft_status settings_read_yaml(settings *s, const char *name, const char *bytes, size_t n, tft_error *err)
{
    walk *const w = calloc(1, sizeof *w);
    if (w == NULL || !yaml_parser_initialize(&w->parser)) {
        free(w);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %s", name);
    }
    w->s = s;
    w->name = name;
    w->err = err;
    yaml_parser_set_input_string(&w->parser, (const unsigned char *)bytes, n);
    tft_status status = read_document(w);
    char where[64];
    const char *const why = status == TFT_OK ? notify_config_check(&s->notify, where, sizeof where) : NULL;
    if (why != NULL)
        status = tft_fail(err, TFT_ERR_FORMAT, "%s: %s: %s", name, where, why);
    yaml_parser_delete(&w->parser);
    for (size_t i = 0; i < w->n_seen; i++)
        free(w->seen[i]);
    free(w);
    return status;
}

/* ---- the environment ----------------------------------------------------------------------------------- */

/* TFTD_HTTP_MAX_BODY of "http.max_body". */
static void variable_name(const char *path, char out[280])
{
    size_t n = (size_t)snprintf(out, 280, "TFTD_%s", path);
    for (size_t i = 0; i < n; i++)
        out[i] = out[i] == '.' ? '_' : (char)toupper((unsigned char)out[i]);
}

/* Value of the variable, or the first line of the file that NAME_FILE names; NULL where neither is set. */
static tft_status variable_value(const char *name, char **value, tft_error *err)
{
    *value = NULL;
    const char *const direct = getenv(name);
    if (direct != NULL) {
        *value = strdup(direct);
        return *value != NULL ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "no memory for %s", name);
    }
    char file_name[300];
    snprintf(file_name, sizeof file_name, "%s_FILE", name);
    const char *const path = getenv(file_name);
    size_t n;
    if (path == NULL)
        return TFT_OK;
    const tft_status status = tft_file_read(path, 65536, value, &n, err);
    if (status == TFT_OK)
        (*value)[strcspn(*value, "\r\n")] = '\0';
    else
        tft_error_prefix(err, "%s", file_name);
    return status;
}

static tft_status set_variable(settings *s, const char *path, bool is_list, tft_error *err)
{
    char name[280], *value;
    variable_name(path, name);
    tft_status status = variable_value(name, &value, err);
    if (status != TFT_OK || value == NULL)
        return status;
    leaf given = {.is_list = is_list};
    const place at = {name, 0, 0};
    char *rest = value;
    for (char *item = is_list ? strsep(&rest, ",") : value; item != NULL; item = is_list ? strsep(&rest, ",") : NULL) {
        if (given.n == SETTINGS_MAX_LIST || (given.values[given.n] = strdup(item)) == NULL) {
            status = refuse(&at, path, err, "at most %d values", SETTINGS_MAX_LIST);
            break;
        }
        given.n++;
    }
    if (status == TFT_OK)
        status = set_path(s, path, &given, &at, err);
    leaf_free(&given);
    free(value);
    return status;
}

tft_status settings_read_environment(settings *s, tft_error *err)
{
    tft_status status = TFT_OK;
    for (size_t i = 0; i < SETTINGS_N_KEYS && status == TFT_OK; i++)
        status = set_variable(s, settings_keys[i].path,
                              settings_keys[i].kind == LIST || settings_keys[i].kind == NUMBERS, err);
    static const char *const groups[] = {"states.critical", "states.heavy", "states.idle", "alerts.thresholds"};
    const tft_contract contract = tft_contract_default();
    for (size_t g = 0; g < 4; g++) {
        for (size_t m = 0; m < contract.n_metrics && status == TFT_OK; m++) {
            char path[128];
            snprintf(path, sizeof path, "%s.%s", groups[g], contract.metrics[m].name);
            status = set_variable(s, path, g == 3, err);
        }
    }
    return status;
}

tft_status settings_read(const char *path, settings *s, tft_error *err)
{
    settings_default(s);
    const char *const named = path != NULL ? path : getenv("TFTD_CONFIG");
    const char *const places[] = {named, "./tftd.yaml", "/etc/tftd/tftd.yaml"};
    tft_status status = TFT_OK;
    for (size_t i = named != NULL ? 0 : 1; i < (named != NULL ? 1 : 3); i++) {
        char *bytes = NULL;
        size_t n = 0;
        if (named == NULL && !tft_file_exists(places[i]))
            continue;
        status = tft_file_read(places[i], MAX_FILE_BYTES, &bytes, &n, err);
        if (status == TFT_OK) {
            s->path = keep_text(s, places[i]);
            status = settings_read_yaml(s, places[i], bytes, n, err);
        }
        free(bytes);
        break;
    }
    return status == TFT_OK ? settings_read_environment(s, err) : status;
}
