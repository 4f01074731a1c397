/* models.c - which model is served: the newest complete and valid one in the models directory, or the one that was pinned.
 *
 * Promoting pins a model: DATA_DIR/served-model holds its name, so that it stays over restarts and newer ones are not taken
 * by themselves; promoting "latest" takes the pin away. The model that served before is remembered for rolling back. A
 * pinned model that is gone or broken is named, and the newest serves.
 *
 * Memory is laid out by the contract of the model that served at the start. A model with another one can therefore not take over in
 * flight: promoting it by force pins it, and it serves from the next start on, which reads the history into its layout.
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
    const live_settings *const now = live_hold(srv->live);
    model_names_list(now->models_dir, list);
    live_drop(now);
    const size_t n = list->n < capacity ? list->n : capacity;
    memcpy(names, list->names, n * sizeof *names);
    free(list);
    return n;
}

tft_status server_model_path(const server *srv, const char *name, char *path, size_t capacity, tft_error *err)
{
    const live_settings *const now = live_hold(srv->live);
    snprintf(path, capacity, "%s/%s", now->models_dir, name);
    live_drop(now);
    return tft_model_name_valid(name) && tft_file_exists(path)
               ? TFT_OK
               : tft_fail(err, TFT_ERR_NOT_FOUND, "there is no model %.60s", name);
}

bool server_models_fixed(const server *srv)
{
    return srv->options.open_model == NULL || srv->options.model_path != NULL;
}

/* ---- the pin ---------------------------------------------------------------------------------------------- */

static void read_pin(server *srv)
{
    model_pin pin;
    tft_error why = {0};
    if (model_pin_read(srv->options.store.dir, &pin, &why) != TFT_OK) // followed as soon as it can be read
        log_line(srv->log, LOG_TAG_WARNING, "Which model was chosen cannot be read: %s", why.text);
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

static tft_status try_model(server *srv, const char *path, const live_settings *how, engine_model *model,
                            tft_error *err)
{
    const tft_status status = srv->options.open_model(path, how->model_threads, how->model_precision, model, err);
    if (status == TFT_OK)
        srv->meters.model_loads++;
    else
        srv->meters.model_load_errors++;
    if (status == TFT_OK && how->model_precision != model->precision)
        log_line(srv->log, LOG_TAG_WARNING,
                 "model.precision is %s, which this processor cannot do: the network uses %s",
                 tft_precision_name(how->model_precision), tft_precision_name(model->precision));
    return status;
}

/* Opens the newest model that is wanted of those newer than `served` ("" = of all); its name goes to `name`. One that waits for the
 * next start is none of them. */
static bool find_newer(server *srv, const live_settings *how, const char *served, engine_model *model, char name[32])
{
    model_names *const list = calloc(1, sizeof *list);
    if (list == NULL)
        return false;
    const char *const wanted = srv->pinned[0] != '\0' ? srv->pinned : how->model_name;
    const bool latest = strcmp(wanted, "latest") == 0;
    model_names_list(how->models_dir, list);
    bool found = false;
    for (size_t i = 0; i < list->n && !found && strcmp(list->names[i], served) != 0; i++) {
        if ((!latest && strcmp(list->names[i], wanted) != 0) || strcmp(list->names[i], srv->model_next) == 0)
            continue;
        char path[4096];
        tft_error why = {0};
        snprintf(path, sizeof path, "%s/%s", how->models_dir, list->names[i]);
        found = try_model(srv, path, how, model, &why) == TFT_OK;
        if (found) {
            memcpy(name, list->names[i], 32);
        } else if (strcmp(srv->broken_model, list->names[i]) < 0) { // once: not at each look at the directory
            log_line(srv->log, LOG_TAG_WARNING, "Model %s is skipped: %s", path, why.text);
            if (i == 0)
                snprintf(srv->broken_model, sizeof srv->broken_model, "%s", list->names[i]);
        }
    }
    free(list);
    return found;
}

/* What serves at the start: the pinned model; where it cannot, the newest, or the one of model.name. */
static bool find_first(server *srv, const live_settings *how, engine_model *model, char name[32])
{
    char pinned[sizeof srv->pinned];
    memcpy(pinned, srv->pinned, sizeof pinned);
    const bool waits = pinned[0] != '\0' && strcmp(pinned, srv->model_next) == 0;
    if (!waits && find_newer(srv, how, "", model, name))
        return true;
    if (pinned[0] == '\0')
        return false;
    if (!waits)
        log_line(srv->log, LOG_TAG_WARNING, "The pinned model %s cannot serve; the newest does", pinned);
    srv->pinned[0] = '\0';
    const bool found = find_newer(srv, how, "", model, name);
    if (waits)
        memcpy(srv->pinned, pinned, sizeof pinned);
    return found;
}

tft_status server_find_model(server *srv, engine_model *model, bool *found, tft_error *err)
{
    const live_settings *const how = live_hold(srv->live);
    char name[32] = "";
    tft_status status = TFT_OK;
    *found = false;
    if (srv->options.open_model != NULL && srv->options.model_path != NULL) { // asked for by name: it must work
        status = try_model(srv, srv->options.model_path, how, model, err);
        *found = status == TFT_OK;
        if (*found)
            say_found(srv, srv->options.model_path, model);
    } else {
        read_pin(srv);
        *found = srv->options.open_model != NULL && find_first(srv, how, model, name);
        if (*found)
            say_found(srv, model->directory[0] != '\0' ? model->directory : name, model);
        else
            log_line(srv->log, LOG_TAG_WARNING, "Running in HEURISTIC mode (no TFT model loaded)");
        snprintf(srv->model, sizeof srv->model, "%s", name);
    }
    live_drop(how);
    return status;
}

/* ---- another one serves --------------------------------------------------------------------------------- */

/* Where the engine has another model now; under model_lock. */
static void note_served(server *srv, const char *name, const engine_model *model)
{
    alert_worth_model(&srv->worth, &model->alerts);
    if (strcmp(srv->model, name) != 0)
        memcpy(srv->model_before, srv->model, sizeof srv->model_before);
    snprintf(srv->model, sizeof srv->model, "%s", name);
    shadow_drop(srv, name);
}

/* Serves `name` from the next forecast on and pins it; under model_lock. With `force`, one whose metrics are not those of the fleet
 * waits for the next start. */
static tft_status serve(server *srv, const char *name, bool pin, bool force, tft_error *err)
{
    engine_model model;
    char path[4096];
    tft_error why = {0};
    if (server_models_fixed(srv))
        return tft_fail(err, TFT_ERR_STATE, "the model was fixed when the daemon was started (--model, --no-model)");
    tft_status status = server_model_path(srv, name, path, sizeof path, err);
    if (status != TFT_OK)
        return status;
    const live_settings *const how = live_hold(srv->live);
    status = try_model(srv, path, how, &model, &why);
    live_drop(how);
    if (status == TFT_OK)
        status = engine_set_model(srv->engine, &model, &why);
    const bool waits = status == TFT_ERR_MISMATCH && force;
    if (status != TFT_OK && !waits) {
        if (err != NULL)
            *err = why;
        return status;
    }
    snprintf(srv->pinned, sizeof srv->pinned, "%s", pin ? name : "");
    snprintf(srv->model_next, sizeof srv->model_next, "%s", waits ? name : "");
    if (waits) {
        log_line(srv->log, LOG_TAG_WARNING, "Model %s serves from the next start on, %s until then: %s", name,
                 srv->model[0] != '\0' ? srv->model : "none", why.text);
        return write_pin(srv, srv->pinned, srv->model, err);
    }
    say_found(srv, path, &model);
    note_served(srv, name, &model);
    return write_pin(srv, srv->pinned, srv->model_before, err);
}

/* `tftd models promote` writes the pin behind our back: the daemon follows, or puts back what holds. Under model_lock; true where
 * there was something to follow. */
static bool follow_pin(server *srv)
{
    model_pin pin;
    tft_error why = {0};
    if (model_pin_read(srv->options.store.dir, &pin, &why) != TFT_OK)
        return false; // no news: what holds goes on holding
    if (strcmp(pin.pinned, srv->pinned) == 0)
        return false;
    if (pin.pinned[0] == '\0') { // the newest again, as the next look finds it
        srv->pinned[0] = srv->broken_model[0] = srv->model_next[0] = '\0';
        return false;
    }
    if (serve(srv, pin.pinned, true, false, &why) != TFT_OK) {
        log_line(srv->log, LOG_TAG_WARNING, "Model %s is not served: %s", pin.pinned, why.text);
        (void)write_pin(srv, srv->pinned, srv->model_before, &why);
    }
    return true;
}

/* Serves what is newer than the model that serves, if there is such a one; under model_lock. */
static void take_newer(server *srv)
{
    engine_model model;
    char name[32], path[512];
    tft_error why = {0};
    const live_settings *const how = live_hold(srv->live);
    const bool found = find_newer(srv, how, srv->model, &model, name);
    live_drop(how);
    if (!found)
        return;
    snprintf(path, sizeof path, "%s", model.directory);
    if (engine_set_model(srv->engine, &model, &why) == TFT_OK) {
        say_found(srv, path[0] != '\0' ? path : name, &model);
        note_served(srv, name, &model);
        (void)write_pin(srv, srv->pinned, srv->model_before, &why); // rolling back is then only for this life
    } else {
        log_line(srv->log, LOG_TAG_WARNING, "Model %s is not served: %s", name, why.text);
        snprintf(srv->broken_model, sizeof srv->broken_model, "%s", name);
    }
}

void server_watch_models(server *srv)
{
    if (server_models_fixed(srv))
        return;
    pthread_mutex_lock(&srv->model_lock);
    if (!follow_pin(srv))
        take_newer(srv);
    pthread_mutex_unlock(&srv->model_lock);
}

/* ---- a reload -------------------------------------------------------------------------------------------- */

static bool models_differ(const live_settings *a, const live_settings *b)
{
    return strcmp(a->models_dir, b->models_dir) != 0 || strcmp(a->model_name, b->model_name) != 0 ||
           a->model_threads != b->model_threads || a->model_precision != b->model_precision;
}

tft_status server_prepare_model(server *srv, const live_settings *next, model_change *change, tft_error *err)
{
    const live_settings *const now = live_hold(srv->live);
    const bool differ = models_differ(now, next);
    live_drop(now);
    *change = (model_change){.found = false};
    if (server_models_fixed(srv) || !differ)
        return TFT_OK;
    memcpy(change->pinned, srv->pinned, sizeof change->pinned);
    srv->broken_model[0] = '\0';
    change->found = find_first(srv, next, &change->model, change->name);
    if (!change->found && strcmp(next->model_name, "latest") != 0) {
        memcpy(srv->pinned, change->pinned, sizeof change->pinned);
        return tft_fail(err, TFT_ERR_NOT_FOUND, "model.name: there is no model %.60s in %s that could serve",
                        next->model_name, next->models_dir);
    }
    change->none = !change->found;
    const tft_status status = change->found ? engine_check_model(srv->engine, &change->model, err) : TFT_OK;
    if (status != TFT_OK) {
        server_drop_model(srv, change);
        tft_error_prefix(err, "model.name, model.dir: %s", change->name);
    }
    return status;
}

void server_drop_model(server *srv, model_change *change)
{
    if (!change->found)
        return;
    if (change->model.close != NULL)
        change->model.close(change->model.context);
    change->found = false;
    memcpy(srv->pinned, change->pinned, sizeof change->pinned);
}

void server_take_model(server *srv, model_change *change)
{
    tft_error why = {0};
    char path[512];
    if (change->none)
        log_line(srv->log, LOG_TAG_WARNING, "There is no model in model.dir that could serve; %s goes on",
                 srv->model[0] != '\0' ? srv->model : "the heuristic");
    if (!change->found)
        return;
    change->found = false; // the engine's from here on
    snprintf(path, sizeof path, "%s", change->model.directory);
    if (engine_set_model(srv->engine, &change->model, &why) != TFT_OK) { // it has been checked
        log_line(srv->log, LOG_TAG_ERROR, "Model %s is not served: %s", change->name, why.text);
        return;
    }
    say_found(srv, path[0] != '\0' ? path : change->name, &change->model);
    srv->model_next[0] = '\0';
    note_served(srv, change->name, &change->model);
}

/* ---- by request ------------------------------------------------------------------------------------------ */

tft_status server_promote(server *srv, const char *name, bool force, tft_error *err)
{
    tft_status status = TFT_OK;
    char names[1][32];
    pthread_mutex_lock(&srv->model_lock);
    const bool latest = strcmp(name, "latest") == 0;
    if (latest && server_list_models(srv, names, 1) == 0)
        status = tft_fail(err, TFT_ERR_NOT_FOUND, "there is no model at all");
    if (status == TFT_OK)
        status = serve(srv, latest ? names[0] : name, !latest, force, err);
    pthread_mutex_unlock(&srv->model_lock);
    return status;
}

tft_status server_rollback(server *srv, tft_error *err)
{
    char name[sizeof srv->model_before];
    pthread_mutex_lock(&srv->model_lock);
    memcpy(name, srv->model_before, sizeof name);
    const tft_status status = name[0] != '\0' ? serve(srv, name, true, false, err)
                                              : tft_fail(err, TFT_ERR_STATE, "no other model has served before");
    pthread_mutex_unlock(&srv->model_lock);
    return status;
}

void server_model_roles(server *srv, model_roles *r)
{
    pthread_mutex_lock(&srv->model_lock);
    memcpy(r->served, srv->model, sizeof r->served);
    memcpy(r->before, srv->model_before, sizeof r->before);
    memcpy(r->pinned, srv->pinned, sizeof r->pinned);
    memcpy(r->next, srv->model_next, sizeof r->next);
    pthread_mutex_unlock(&srv->model_lock);
    shadow_name(srv, r->shadow);
}
