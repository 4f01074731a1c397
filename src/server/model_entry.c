/* model_entry.c - see model_entry.h. */
#include "server/model_entry.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "server/api.h"
#include "train/model_dir.h"

#define MAX_WEIGHTS ((size_t)256 << 20)
#define MAX_INFO ((size_t)1 << 20)

static int newest_first(const void *a, const void *b)
{
    return strcmp(b, a);
}

void model_names_list(const char *folder, model_names *list)
{
    list->n = 0;
    DIR *const dir = opendir(folder);
    if (dir == NULL)
        return;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (!tft_model_name_valid(entry->d_name))
            continue;
        size_t at = list->n;
        if (at == MODEL_MOST) { // full: the oldest of those we have makes room
            qsort(list->names, list->n, sizeof list->names[0], newest_first);
            at = strcmp(entry->d_name, list->names[MODEL_MOST - 1]) > 0 ? MODEL_MOST - 1 : MODEL_MOST;
        } else {
            list->n++;
        }
        if (at < MODEL_MOST)
            snprintf(list->names[at], sizeof list->names[at], "%.31s", entry->d_name);
    }
    closedir(dir);
    qsort(list->names, list->n, sizeof list->names[0], newest_first);
}

static void read_card(const char *path, model_entry *e, tft_error *err)
{
    tft_model *model = NULL;
    tft_model_card *const card = calloc(1, sizeof *card);
    e->valid = card != NULL && tft_model_dir_read(path, card, &model, err) == TFT_OK &&
               tft_model_card_check_features(card, err) == TFT_OK;
    if (card != NULL && model != NULL) {
        size_t used = 0;
        e->parameters = tft_model_n_values(model);
        snprintf(e->contract, sizeof e->contract, "%s", card->contract.version);
        for (size_t m = 0; m < card->contract.n_metrics && used < sizeof e->metrics; m++)
            used += (size_t)snprintf(e->metrics + used, sizeof e->metrics - used, "%s\"%s\"", m > 0 ? ", " : "",
                                     card->contract.metrics[m].name);
    }
    tft_model_close(model);
    free(card);
}

static void read_info(const char *path, model_entry *e)
{
    char file[4200];
    char *bytes = NULL;
    size_t n = 0;
    tft_error none = {0};
    tft_json_document document = {0};
    snprintf(file, sizeof file, "%s/training_info.json", path);
    if (tft_file_read(file, MAX_INFO, &bytes, &n, &none) == TFT_OK &&
        tft_json_parse(bytes, n, 8, &document, &none) == TFT_OK) {
        const tft_json *const root = document.root;
        const char *const at = tft_json_string(tft_json_at(root, "trained_at"), NULL);
        if (at == NULL || !api_parse_instant(at, 0, &e->trained_ms))
            e->trained_ms = INT64_MIN;
        if (!tft_json_number(tft_json_at(root, "training_seconds"), &e->training_s))
            e->training_s = (double)NAN;
        if (!tft_json_number(tft_json_at(root, "final_val_loss"), &e->loss))
            e->loss = (double)NAN;
    }
    tft_json_free(&document);
    free(bytes);
}

static void hash_weights(const char *path, model_entry *e)
{
    char file[4200];
    char *bytes = NULL;
    size_t n = 0;
    tft_error none = {0};
    unsigned char digest[TFT_SHA256_BYTES];
    snprintf(file, sizeof file, "%s/model.safetensors", path);
    if (tft_file_read(file, MAX_WEIGHTS, &bytes, &n, &none) == TFT_OK && tft_sha256(bytes, n, digest, &none) == TFT_OK)
        tft_sha256_hex(digest, e->sha256);
    free(bytes);
}

int64_t model_entry_changed(const char *path)
{
    char file[4200];
    struct stat info;
    snprintf(file, sizeof file, "%s/config.json", path);
    return stat(file, &info) == 0 ? (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec : 0;
}

void model_entry_read(const char *models_dir, const char *name, model_entry *e)
{
    char path[4096];
    tft_error err = {0};
    snprintf(path, sizeof path, "%s/%s", models_dir, name);
    *e = (model_entry){
        .changed = model_entry_changed(path), .trained_ms = INT64_MIN, .training_s = (double)NAN, .loss = (double)NAN};
    snprintf(e->name, sizeof e->name, "%s", name);
    read_card(path, e, &err);
    if (!e->valid) { // the fault names the directory: the file's name within is what a client may know
        const char *const inside = strstr(err.text, name);
        snprintf(e->fault, sizeof e->fault, "%s", inside != NULL ? inside : err.text);
    }
    read_info(path, e);
    hash_weights(path, e);
}

void model_entry_json(const model_entry *e, const char *role, bool pinned, tft_text *out)
{
    tft_text_printf(out, "{\"id\": \"%s\", \"role\": \"%s\", \"pinned\": %s, \"valid\": %s, \"reason\": ", e->name,
                    role, pinned ? "true" : "false", e->valid ? "true" : "false");
    json_put_string(out, e->valid ? NULL : e->fault);
    tft_text_puts(out, ", \"contract\": ");
    json_put_string(out, e->contract[0] != '\0' ? e->contract : NULL);
    tft_text_printf(out, ", \"metrics\": [%s], \"parameters\": %zu, \"trained_at\": ", e->metrics, e->parameters);
    json_put_time_s(out, e->trained_ms);
    tft_text_puts(out, ", \"training_seconds\": ");
    tft_text_json_number(out, e->training_s);
    tft_text_puts(out, ", \"validation_loss\": ");
    tft_text_json_number(out, e->loss);
    tft_text_puts(out, ", \"sha256\": ");
    json_put_string(out, e->sha256[0] != '\0' ? e->sha256 : NULL);
    tft_text_puts(out, "}");
}
