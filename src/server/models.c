/* models.c - which model is served: the newest complete and valid one in the models directory, or the one that was pinned.
 *
 * Promoting pins a model: DATA_DIR/served-model holds its name, so that it stays over restarts and newer ones are not taken
 * by themselves; promoting "latest" takes the pin away. The model that served before is remembered for rolling back. A
 * pinned model that is gone or broken is named, and the newest serves.
 *
 * Names are tft_model_YYYYMMDD_HHMMSS, so the newest is the last in byte order. A directory is written aside and renamed
 * when complete; a folder under another name is not looked at. A broken one is named once and skipped, and the next
 * older one is tried.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "server/model_entry.h"
#include "server/model_pin.h"
#include "server/server.h"
#include "train/model_dir.h"

size_t server_list_models(const server *srv, char (*names)[32], size_t capacity)
{
    model_names *const list = calloc(1, sizeof *list);
    if (list == NULL)
        return 0;
    model_names_list(srv->options.models_dir, list);
    const size_t n = list->n < capacity ? list->n : capacity;
    memcpy(names, list->names, n * sizeof *names);
    free(list);
    return n;
}

/* ---- the pin ---------------------------------------------------------------------------------------------- */

static void read_pin(server *srv)
{
    model_pin pin;
    model_pin_read(srv->options.store.dir, &pin);
    snprintf(srv->pinned, sizeof srv->pinned, "%s", pin.pinned);
    snprintf(srv->model_before, sizeof srv->model_before, "%s", pin.before);
}

static tft_status write_pin(const server *srv, const char *pinned, const char *before, tft_error *err)
{
    model_pin pin;
    snprintf(pin.pinned, sizeof pin.pinned, "%.31s", pinned);
    snprintf(pin.before, sizeof pin.before, "%.31s", before);
    return model_pin_write(srv->options.store.dir, &pin, err);
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
    const char *const wanted = srv->pinned[0] != '\0' ? srv->pinned : o->model_name;
    const bool latest = strcmp(wanted, "latest") == 0;
    model_names_list(o->models_dir, list);
    bool found = false;
    for (size_t i = 0; i < list->n && !found && strcmp(list->names[i], served) != 0; i++) {
        if (!latest && strcmp(list->names[i], wanted) != 0)
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
    read_pin(srv);
    if (srv->options.open_model != NULL)
        *found = find_newer(srv, "", model);
    if (srv->options.open_model != NULL && !*found && srv->pinned[0] != '\0') {
        log_line(srv->log, LOG_TAG_WARNING, "The pinned model %s cannot serve; the newest does", srv->pinned);
        srv->pinned[0] = '\0';
        *found = find_newer(srv, "", model);
    }
    if (!*found)
        log_line(srv->log, LOG_TAG_WARNING, "Running in HEURISTIC mode (no TFT model loaded)");
    return TFT_OK;
}

/* Serves `name` from the next forecast on and pins it; under model_lock. */
static tft_status serve(server *srv, const char *name, bool pin, tft_error *err)
{
    engine_model model;
    char path[4096], before[sizeof srv->model];
    if (srv->options.open_model == NULL || srv->options.model_path != NULL)
        return tft_fail(err, TFT_ERR_STATE, "the model was fixed when the daemon was started (--model, --no-model)");
    snprintf(path, sizeof path, "%s/%s", srv->options.models_dir, name);
    if (!tft_model_name_valid(name) || !tft_file_exists(path))
        return tft_fail(err, TFT_ERR_NOT_FOUND, "there is no model %.60s", name);
    memcpy(before, srv->model, sizeof before);
    tft_status status = try_model(srv, path, &model, err);
    if (status == TFT_OK)
        status = engine_set_model(srv->engine, &model, err);
    if (status != TFT_OK)
        return status;
    alert_worth_model(&srv->worth, &model.alerts);
    snprintf(srv->model, sizeof srv->model, "%s", name);
    snprintf(srv->pinned, sizeof srv->pinned, "%s", pin ? name : "");
    if (strcmp(before, name) != 0)
        memcpy(srv->model_before, before, sizeof before);
    say_found(srv, path, &model);
    shadow_drop(srv, name);
    return write_pin(srv, srv->pinned, srv->model_before, err);
}

/* `tftd models promote` writes the pin behind our back: the daemon follows, or puts back what holds. Under model_lock; true where
 * there was something to follow. */
static bool follow_pin(server *srv)
{
    model_pin pin;
    tft_error why = {0};
    model_pin_read(srv->options.store.dir, &pin);
    if (strcmp(pin.pinned, srv->pinned) == 0)
        return false;
    if (pin.pinned[0] == '\0') { // the newest again, as the next look finds it
        srv->pinned[0] = srv->broken_model[0] = '\0';
        return false;
    }
    if (serve(srv, pin.pinned, true, &why) != TFT_OK) {
        log_line(srv->log, LOG_TAG_WARNING, "Model %s is not served: %s", pin.pinned, why.text);
        (void)write_pin(srv, srv->pinned, srv->model_before, &why);
    }
    return true;
}

void server_watch_models(server *srv)
{
    engine_model model;
    char before[128];
    if (srv->options.open_model == NULL || srv->options.model_path != NULL)
        return;
    pthread_mutex_lock(&srv->model_lock);
    if (follow_pin(srv)) {
        pthread_mutex_unlock(&srv->model_lock);
        return;
    }
    memcpy(before, srv->model, sizeof before);
    tft_error why = {0};
    if (!find_newer(srv, srv->model, &model)) {
        pthread_mutex_unlock(&srv->model_lock);
        return;
    }
    if (engine_set_model(srv->engine, &model, &why) == TFT_OK) {
        alert_worth_model(&srv->worth, &model.alerts);
        memcpy(srv->model_before, before, sizeof before);
        shadow_drop(srv, srv->model);
        (void)write_pin(srv, srv->pinned, before, &why); // rolling back is then only for this life
    } else {
        log_line(srv->log, LOG_TAG_WARNING, "Model %s is not served: %s", srv->model, why.text);
        snprintf(srv->broken_model, sizeof srv->broken_model, "%s", srv->model);
        memcpy(srv->model, before, sizeof before);
    }
    pthread_mutex_unlock(&srv->model_lock);
}

tft_status server_promote(server *srv, const char *name, tft_error *err)
{
    tft_status status = TFT_OK;
    char names[1][32];
    pthread_mutex_lock(&srv->model_lock);
    const bool latest = strcmp(name, "latest") == 0;
    if (latest && server_list_models(srv, names, 1) == 0)
        status = tft_fail(err, TFT_ERR_NOT_FOUND, "there is no model at all");
    if (status == TFT_OK)
        status = serve(srv, latest ? names[0] : name, !latest, err);
    pthread_mutex_unlock(&srv->model_lock);
    return status;
}

tft_status server_rollback(server *srv, tft_error *err)
{
    char name[sizeof srv->model_before];
    pthread_mutex_lock(&srv->model_lock);
    memcpy(name, srv->model_before, sizeof name);
    const tft_status status = name[0] != '\0' ? serve(srv, name, true, err)
                                              : tft_fail(err, TFT_ERR_STATE, "no other model has served before");
    pthread_mutex_unlock(&srv->model_lock);
    return status;
}

void server_model_roles(server *srv, char served[128], char before[128], char pinned[128])
{
    pthread_mutex_lock(&srv->model_lock);
    memcpy(served, srv->model, 128);
    memcpy(before, srv->model_before, 128);
    memcpy(pinned, srv->pinned, 128);
    pthread_mutex_unlock(&srv->model_lock);
}
