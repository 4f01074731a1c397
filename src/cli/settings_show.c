/* settings_show.c - see settings_show.h. All of it walks the table of settings_keys.c. */
#include "cli/settings_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/settings_keys.h"
#include "server/api.h"

static const char *const source_names[] = {"default", "file", "environment", "flag"};
static const char *const kind_names[] = {
    [TEXT] = "text",     [BOOL] = "boolean", [COUNT] = "count", [BYTES] = "size",     [DURATION] = "duration",
    [NUMBER] = "number", [WORD] = "word",    [LIST] = "list",   [NUMBERS] = "numbers"};

/* In the largest unit that divides it. */
static void put_unit(tft_text *out, int64_t value, const int64_t *sizes, const char *const *units, size_t n)
{
    size_t u = n - 1;
    while (u > 0 && (value == 0 || value % sizes[u] != 0))
        u--;
    tft_text_printf(out, "\"%" PRId64 "%s\"", value / sizes[u], units[u]);
}

static void put_value(const settings *s, const settings_key *k, tft_text *out)
{
    static const int64_t times[] = {1, 1000, 60000, 3600000, 86400000};
    static const char *const time_units[] = {"ms", "s", "m", "h", "d"};
    static const int64_t sizes[] = {1, 1 << 10, 1 << 20, 1 << 30};
    static const char *const size_units[] = {"", "KiB", "MiB", "GiB"};
    const void *const at = (const char *)s + k->offset;
    const settings_list *list;
    switch (k->kind) {
    case TEXT:
        json_put_string(out, *(const char *const *)at);
        return;
    case BOOL:
        tft_text_puts(out, *(const bool *)at ? "true" : "false");
        return;
    case COUNT:
        tft_text_printf(out, "%zu", *(const size_t *)at);
        return;
    case BYTES:
        put_unit(out, (int64_t) * (const size_t *)at, sizes, size_units, 4);
        return;
    case DURATION:
        put_unit(out, *(const int64_t *)at, times, time_units, 5);
        return;
    case NUMBER:
        tft_text_json_number(out, *(const double *)at);
        return;
    case WORD:
        json_put_string(out, k->words[*(const size_t *)at]);
        return;
    case LIST:
        list = at;
        tft_text_puts(out, "[");
        for (size_t i = 0; i < list->n; i++) {
            tft_text_puts(out, i > 0 ? ", " : "");
            json_put_string(out, list->items[i]);
        }
        tft_text_puts(out, "]");
        return;
    case NUMBERS:
        tft_text_puts(out, "[");
        for (size_t i = 0; i < (size_t)k->high; i++) {
            tft_text_puts(out, i > 0 ? ", " : "");
            tft_text_json_number(out, ((const double *)at)[i]);
        }
        tft_text_puts(out, "]");
        return;
    }
}

/* ---- keys whose names are names --------------------------------------------------------------------------- */

static void put_level_path(const settings_level *level, tft_text *out)
{
    static const char *const kinds[] = {"critical", "heavy", "idle", "thresholds"};
    const char *const root = level->kind == LEVEL_THRESHOLD ? "alerts" : "states";
    if (level->profile < 0)
        tft_text_printf(out, "%s.%s.%s", root, kinds[level->kind], level->metric);
    else if (level->kind == LEVEL_THRESHOLD)
        tft_text_printf(out, "alerts.profiles.%s.%s", tft_profile_name((tft_profile)level->profile), level->metric);
    else
        tft_text_printf(out, "states.profiles.%s.%s.%s", tft_profile_name((tft_profile)level->profile),
                        kinds[level->kind], level->metric);
}

static void put_named_item(tft_text *out, const char *kind, bool reloads)
{
    tft_text_printf(out,
                    ", \"default\": null, \"source\": \"file\", \"kind\": \"%s\", \"reloads\": %s, \"help\": \"\"}",
                    kind, reloads ? "true" : "false");
}

static void put_levels(const settings *s, tft_text *out)
{
    for (size_t i = 0; i < s->n_levels; i++) {
        const settings_level *const level = &s->levels[i];
        tft_text_puts(out, ", {\"key\": \"");
        put_level_path(level, out);
        tft_text_puts(out, "\", \"value\": ");
        tft_text_puts(out, level->kind == LEVEL_THRESHOLD ? "[" : "");
        tft_text_json_number(out, level->low);
        if (level->kind == LEVEL_THRESHOLD) {
            tft_text_puts(out, ", ");
            tft_text_json_number(out, level->high);
            tft_text_puts(out, "]");
        }
        put_named_item(out, level->kind == LEVEL_THRESHOLD ? "numbers" : "number", true);
    }
}

static void put_prefixes(const settings *s, tft_text *out)
{
    for (size_t i = 0; i < s->n_prefixes; i++) {
        char path[TFT_MAX_METRIC_NAME + 32];
        snprintf(path, sizeof path, "profiles.prefixes.%s", s->prefixes[i].prefix);
        tft_text_puts(out, ", {\"key\": ");
        json_put_string(out, path);
        tft_text_printf(out, ", \"value\": \"%s\"", tft_profile_name((tft_profile)s->prefixes[i].profile));
        put_named_item(out, "word", true);
    }
}

static void put_receivers(const settings *s, tft_text *out)
{
    tft_text_puts(out, ", {\"key\": \"alerts.receivers\", \"value\": [");
    for (size_t i = 0; i < s->notify.n_receivers; i++) {
        tft_text_puts(out, i > 0 ? ", {\"name\": " : "{\"name\": ");
        json_put_string(out, s->notify.receivers[i].name);
        tft_text_puts(out, ", \"url\": \"***\"}");
    }
    tft_text_printf(out,
                    "], \"default\": [], \"source\": \"%s\", \"kind\": \"list\", \"reloads\": true, \"help\": \"Who is "
                    "told of alerts; urls and passwords are not shown\"}",
                    source_names[s->notify.n_receivers > 0 ? SETTINGS_FILE : SETTINGS_DEFAULT]);
}

/* ---- JSON ------------------------------------------------------------------------------------------------- */

void settings_put_json(const settings *boot, const settings *now, tft_text *out)
{
    settings *const defaults = calloc(1, sizeof *defaults);
    if (defaults == NULL) {
        out->failed = true;
        return;
    }
    settings_default(defaults);
    tft_text_puts(out, "{\"file\": ");
    json_put_string(out, now->path);
    tft_text_puts(out, ", \"items\": [");
    for (size_t i = 0; i < SETTINGS_N_KEYS; i++) {
        const settings_key *const k = &settings_keys[i];
        const settings *const from = k->reloads ? now : boot;
        tft_text_printf(out, "%s{\"key\": \"%s\", \"value\": ", i > 0 ? ", " : "", k->path);
        put_value(from, k, out);
        tft_text_puts(out, ", \"default\": ");
        put_value(defaults, k, out);
        tft_text_printf(out, ", \"source\": \"%s\", \"kind\": \"%s\", \"reloads\": %s, \"help\": ",
                        source_names[from->sources[i]], kind_names[k->kind], k->reloads ? "true" : "false");
        json_put_string(out, k->help);
        tft_text_puts(out, "}");
    }
    put_levels(now, out);
    put_prefixes(now, out);
    put_receivers(now, out);
    tft_text_puts(out, "]}");
    settings_free(defaults);
    free(defaults);
}

/* ---- schema ----------------------------------------------------------------------------------------------- */

static void put_key_schema(const settings_key *k, const settings *defaults, tft_text *out)
{
    static const char *const duration = "^[0-9.]+(ms|s|m|h|d|w)?$", *const size = "^[0-9.]+(B|KiB|MiB|GiB|TiB)?$";
    tft_text_puts(out, "{\"description\": ");
    json_put_string(out, k->help);
    tft_text_puts(out, ", \"default\": ");
    put_value(defaults, k, out);
    switch (k->kind) {
    case TEXT:
        tft_text_puts(out, ", \"type\": \"string\"}");
        return;
    case BOOL:
        tft_text_puts(out, ", \"type\": \"boolean\"}");
        return;
    case COUNT:
    case NUMBER:
        tft_text_printf(out, ", \"type\": \"%s\", \"minimum\": %.15g, \"maximum\": %.15g}",
                        k->kind == COUNT ? "integer" : "number", k->low, k->high);
        return;
    case BYTES:
    case DURATION:
        tft_text_printf(out,
                        ", \"type\": [\"string\", \"number\"], \"pattern\": \"%s\", \"x-minimum-%s\": %.15g, "
                        "\"x-maximum-%s\": %.15g}",
                        k->kind == BYTES ? size : duration, k->kind == BYTES ? "bytes" : "seconds", k->low,
                        k->kind == BYTES ? "bytes" : "seconds", k->high);
        return;
    case WORD:
        tft_text_puts(out, ", \"enum\": [");
        for (size_t i = 0; k->words[i] != NULL; i++)
            tft_text_printf(out, "%s\"%s\"", i > 0 ? ", " : "", k->words[i]);
        tft_text_puts(out, "]}");
        return;
    case LIST:
    case NUMBERS:
        tft_text_printf(out,
                        ", \"type\": \"array\", \"minItems\": %.0f, \"maxItems\": %.0f, \"items\": {\"type\": \"%s\"}}",
                        k->low, k->high, k->kind == LIST ? "string" : "number");
        return;
    }
}

/* The length of the path up to its last point: "store.retention" of "store.retention.records". */
static size_t stem(const char *path)
{
    const char *const last = strrchr(path, '.');
    return last != NULL ? (size_t)(last - path) : 0;
}

/* Properties of the object at `prefix` (n bytes): its own keys, and the objects below it. */
static void put_object(const char *prefix, size_t n, const settings *defaults, tft_text *out)
{
    bool any = false;
    tft_text_puts(out, "{\"type\": \"object\", \"properties\": {");
    for (size_t i = 0; i < SETTINGS_N_KEYS; i++) {
        const char *const path = settings_keys[i].path, *const rest = path + n + (n > 0);
        if (strncmp(path, prefix, n) != 0 || (n > 0 && path[n] != '.'))
            continue;
        const size_t width = strcspn(rest, "."), whole = (size_t)(rest - path) + width;
        bool first = true; // of its name: objects are written where their first key stands
        for (size_t j = 0; j < i && first; j++)
            first = strncmp(settings_keys[j].path, path, whole) != 0 || (settings_keys[j].path[whole] != '.');
        if (!first)
            continue;
        tft_text_printf(out, "%s\"%.*s\": ", any ? ", " : "", (int)width, rest);
        any = true;
        if (stem(path) == n)
            put_key_schema(&settings_keys[i], defaults, out);
        else
            put_object(path, whole, defaults, out);
    }
    tft_text_puts(out, "}}");
}

void settings_put_schema(tft_text *out)
{
    settings *const defaults = calloc(1, sizeof *defaults);
    if (defaults == NULL) {
        out->failed = true;
        return;
    }
    settings_default(defaults);
    tft_text_puts(
        out, "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"title\": \"tftd.yaml\", \"allOf\": [");
    put_object("", 0, defaults, out);
    tft_text_puts(out, "]}");
    settings_free(defaults);
    free(defaults);
}

/* ---- YAML ------------------------------------------------------------------------------------------------- */

void settings_put_yaml(const settings *s, tft_text *out)
{
    char before[128] = "";
    tft_text_printf(out, "# %s\n", s->path != NULL ? s->path : "no file");
    for (size_t i = 0; i < SETTINGS_N_KEYS; i++) {
        const settings_key *const k = &settings_keys[i];
        const size_t n = stem(k->path);
        if (strlen(before) != n || strncmp(before, k->path, n) != 0) {
            snprintf(before, sizeof before, "%.*s", (int)n, k->path);
            tft_text_printf(out, "%s:\n", before);
        }
        tft_text_printf(out, "  %s: ", k->path + n + 1);
        put_value(s, k, out);
        tft_text_printf(out, "  # %s\n", source_names[s->sources[i]]);
    }
}
