/* model_entry.h - what a model directory says of itself, for GET /models and `tftd models`.
 *
 * Reading one verifies all its files, which takes some milliseconds, and hashes its weights. A broken one is described too, with
 * what is wrong.
 *
 * Threads: pure functions of the directory.
 */
#ifndef TFTD_SERVER_MODEL_ENTRY_H
#define TFTD_SERVER_MODEL_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sha256.h"
#include "base/text.h"

typedef struct model_entry {
    char name[32];
    int64_t changed; // of config.json, ns
    bool valid;
    char fault[512];
    char contract[32], sha256[TFT_SHA256_TEXT];
    size_t parameters;
    char metrics[256]; // JSON list of names
    int64_t trained_ms;
    double training_s, loss; // NaN = unknown
} model_entry;

#define MODEL_MOST 256 // of the newest, so many are considered

typedef struct model_names {
    size_t n;
    char names[MODEL_MOST][32]; // tft_model_name_valid
} model_names;
/* The models of a folder, newest first, by their names alone. */
void model_names_list(const char *folder, model_names *list);

/* `name` has the form of a model's name. */
void model_entry_read(const char *models_dir, const char *name, model_entry *e);
/* When config.json of a model's directory was changed, ns; 0 where there is none. */
int64_t model_entry_changed(const char *path);
void model_entry_json(const model_entry *e, const char *role, bool pinned, tft_text *out);

#endif
