/* models.c - which model is served: the newest complete and valid one in the models directory.
 *
 * Names are tft_model_YYYYMMDD_HHMMSS, so the newest is the last in byte order. A directory is written aside and renamed
 * when complete; a folder under another name is not looked at. A broken one is named once and skipped, and the next
 * older one is tried.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "server/server.h"

#define PREFIX "tft_model_"
#define MAX_MODELS 256 // of the newest, so many are considered

typedef struct model_names {
    size_t n;
    char names[MAX_MODELS][32]; // is_model_name
} model_names;

static int newest_first(const void *a, const void *b)
{
    return strcmp(b, a);
}

/* "tft_model_20251101_090000": fixed length, digits; a temporary name has more. */
static bool is_model_name(const char *name)
{
    static const char digits[] = "0123456789";
    const char *const date = name + sizeof PREFIX - 1;
    return strncmp(name, PREFIX, sizeof PREFIX - 1) == 0 && strspn(date, digits) == 8 && date[8] == '_' &&
           strspn(date + 9, digits) == 6 && date[15] == '\0';
}

static void list_models(const char *folder, model_names *list)
{
    list->n = 0;
    DIR *const dir = opendir(folder);
    if (dir == NULL)
        return;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (!is_model_name(entry->d_name))
            continue;
        size_t at = list->n;
        if (at == MAX_MODELS) { // full: the oldest of those we have makes room
            qsort(list->names, list->n, sizeof list->names[0], newest_first);
            at = strcmp(entry->d_name, list->names[MAX_MODELS - 1]) > 0 ? MAX_MODELS - 1 : MAX_MODELS;
        } else {
            list->n++;
        }
        if (at < MAX_MODELS)
            memcpy(list->names[at], entry->d_name, sizeof PREFIX + 15); // is_model_name: that long
    }
    closedir(dir);
    qsort(list->names, list->n, sizeof list->names[0], newest_first);
}

static void say_found(server *srv, const char *path, const engine_model *model)
{
    log_line(srv->log, LOG_TAG_OK, "Found model: %s", path);
    log_line(srv->log, LOG_TAG_SUCCESS, "TFT model loaded!");
    log_line(srv->log, LOG_TAG_OK, "Contract validation passed (v%s)", model->contract.version);
}

static tft_status try_model(server *srv, const char *path, engine_model *model, tft_error *err)
{
    const tft_status status = srv->options.open_model(path, srv->options.model_threads, model, err);
    if (status == TFT_OK)
        srv->meters.model_loads++;
    else
        srv->meters.model_load_errors++;
    return status;
}

/* Walks the models from the newest down to `served` (not included; "" = all). */
static bool find_newer(server *srv, const char *served, engine_model *model)
{
    model_names *const list = calloc(1, sizeof *list);
    if (list == NULL)
        return false;
    const server_options *const o = &srv->options;
    const bool latest = strcmp(o->model_name, "latest") == 0;
    list_models(o->models_dir, list);
    bool found = false;
    for (size_t i = 0; i < list->n && !found && strcmp(list->names[i], served) != 0; i++) {
        if (!latest && strcmp(list->names[i], o->model_name) != 0)
            continue;
        char path[4096];
        tft_error why = {0};
        snprintf(path, sizeof path, "%s/%s", o->models_dir, list->names[i]);
        found = try_model(srv, path, model, &why) == TFT_OK;
        if (found) {
            say_found(srv, path, model);
            snprintf(srv->model, sizeof srv->model, "%s", list->names[i]);
        } else if (strcmp(srv->broken_model, list->names[i]) < 0) { // once: not at each look at the directory
            log_line(srv->log, LOG_TAG_WARNING, "Model %s is skipped: %s", path, why.text);
            if (i == 0)
                snprintf(srv->broken_model, sizeof srv->broken_model, "%s", list->names[i]);
        }
    }
    free(list);
    return found;
}

tft_status server_find_model(server *srv, engine_model *model, bool *found, tft_error *err)
{
    *found = false;
    if (srv->options.open_model != NULL && srv->options.model_path != NULL) { // asked for by name: it must work
        const tft_status status = try_model(srv, srv->options.model_path, model, err);
        if (status != TFT_OK)
            return status;
        say_found(srv, srv->options.model_path, model);
        *found = true;
        return TFT_OK;
    }
    if (srv->options.open_model != NULL)
        *found = find_newer(srv, "", model);
    if (!*found)
        log_line(srv->log, LOG_TAG_WARNING, "Running in HEURISTIC mode (no TFT model loaded)");
    return TFT_OK;
}

void server_watch_models(server *srv)
{
    engine_model model;
    char before[128];
    if (srv->options.open_model == NULL || srv->options.model_path != NULL)
        return;
    memcpy(before, srv->model, sizeof before);
    if (!find_newer(srv, srv->model, &model))
        return;
    tft_error why = {0};
    if (engine_set_model(srv->engine, &model, &why) == TFT_OK) {
        engine_notify(srv->engine);
        return;
    }
    log_line(srv->log, LOG_TAG_WARNING, "Model %s is not served: %s", srv->model, why.text);
    snprintf(srv->broken_model, sizeof srv->broken_model, "%s", srv->model);
    memcpy(srv->model, before, sizeof before);
}
