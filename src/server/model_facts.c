/* model_facts.c - see model_facts.h. */
#include "server/model_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

#define MAX_FILE ((size_t)16 << 20)
#define MAX_TEXT ((size_t)256 << 10)
#define MAX_DEPTH 16

void model_facts_init(model_facts *facts)
{
    *facts = (model_facts){.calibration = tft_text_new(MAX_TEXT), .validation = tft_text_new(MAX_TEXT)};
    pthread_mutex_init(&facts->lock, NULL);
}

void model_facts_free(model_facts *facts)
{
    tft_text_free(&facts->calibration);
    tft_text_free(&facts->validation);
    pthread_mutex_destroy(&facts->lock);
}

/* ---- a value as it was read, written again ------------------------------------------------------------- */

static void put_value(const tft_json *value, size_t depth, tft_text *out);

typedef struct members {
    tft_text *out;
    size_t n, depth;
} members;

static void put_member(void *context, const char *key, const tft_json *value)
{
    members *const m = context;
    tft_text_puts(m->out, m->n++ > 0 ? ", " : "");
    tft_text_json_string(m->out, key, strlen(key));
    tft_text_puts(m->out, ": ");
    put_value(value, m->depth, m->out);
}

static void put_list(const tft_json *list, size_t depth, tft_text *out)
{
    tft_text_puts(out, "[");
    for (size_t i = 0, n = tft_json_length(list); i < n; i++) {
        tft_text_puts(out, i > 0 ? ", " : "");
        put_value(tft_json_item(list, i), depth, out);
    }
    tft_text_puts(out, "]");
}

static void put_value(const tft_json *value, size_t depth, tft_text *out)
{
    size_t n = 0;
    double number = 0;
    bool truth = false;
    members m = {.out = out, .depth = depth + 1};
    switch (depth > MAX_DEPTH ? TFT_JSON_NULL : tft_json_kind_of(value)) {
    case TFT_JSON_OBJECT:
        tft_text_puts(out, "{");
        tft_json_each(value, put_member, &m);
        tft_text_puts(out, "}");
        return;
    case TFT_JSON_ARRAY:
        put_list(value, depth + 1, out);
        return;
    case TFT_JSON_STRING: {
        const char *const text = tft_json_string(value, &n);
        tft_text_json_string(out, text, n);
        return;
    }
    case TFT_JSON_NUMBER:
        tft_json_number(value, &number);
        tft_text_json_number(out, number);
        return;
    case TFT_JSON_BOOL:
        tft_json_bool(value, &truth);
        tft_text_puts(out, truth ? "true" : "false");
        return;
    case TFT_JSON_ABSENT:
    case TFT_JSON_NULL:
    default:
        tft_text_puts(out, "null");
    }
}

/* ---- the model's files --------------------------------------------------------------------------------- */

/* The value under `key`, or under `within`.`key`, of a file in the directory; null where there is none. */
static void read_fact(const char *directory, const char *file, const char *within, const char *key, tft_text *out)
{
    char path[768];
    char *bytes = NULL;
    size_t n = 0;
    tft_json_document document = {0};
    tft_text_clear(out);
    snprintf(path, sizeof path, "%s/%s", directory, file);
    if (tft_file_read(path, MAX_FILE, &bytes, &n, NULL) == TFT_OK &&
        tft_json_parse(bytes, n, 64, &document, NULL) == TFT_OK) {
        const tft_json *const from = within != NULL ? tft_json_at(document.root, within) : document.root;
        put_value(tft_json_at(from, key), 0, out);
    }
    if (out->failed || out->n == 0) {
        tft_text_clear(out);
        tft_text_puts(out, "null");
    }
    tft_json_free(&document);
    free(bytes);
}

void model_facts_put(model_facts *facts, const char *directory, tft_text *out)
{
    pthread_mutex_lock(&facts->lock);
    if (facts->calibration.n == 0 || strcmp(facts->directory, directory) != 0) {
        snprintf(facts->directory, sizeof facts->directory, "%s", directory);
        read_fact(directory, "config.json", "calibration", "incident", &facts->calibration);
        read_fact(directory, "training_info.json", NULL, "incident_validation", &facts->validation);
    }
    tft_text_puts(out, "{\"incident\": ");
    tft_text_add(out, facts->calibration.bytes, facts->calibration.n);
    tft_text_puts(out, ", \"validation\": ");
    tft_text_add(out, facts->validation.bytes, facts->validation.n);
    tft_text_puts(out, "}");
    pthread_mutex_unlock(&facts->lock);
}
