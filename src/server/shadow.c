/* shadow.c - see shadow.h. */
#include "server/shadow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "server/server.h"

void shadow_init(shadow *s)
{
    pthread_mutex_init(&s->lock, NULL);
}

void shadow_close(shadow *s)
{
    engine_close(s->next);
    engine_close(s->current);
    pthread_mutex_destroy(&s->lock);
}

/* ---- its name on disk ------------------------------------------------------------------------------------ */

static void name_path(const server *srv, char path[4096])
{
    snprintf(path, 4096, "%s/shadow-model", srv->options.store.dir);
}

static tft_status write_name(const server *srv, const char *name, tft_error *err)
{
    char path[4096];
    name_path(srv, path);
    if (name[0] != '\0')
        return tft_file_replace(path, name, strlen(name), err);
    unlink(path);
    return TFT_OK;
}

void shadow_restore(server *srv)
{
    char path[4096], name[32], *bytes = NULL;
    size_t n = 0;
    tft_error why = {0};
    name_path(srv, path);
    if (!tft_file_exists(path) || tft_file_read(path, 64, &bytes, &n, &why) != TFT_OK)
        return;
    snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), bytes);
    free(bytes);
    if (shadow_load(srv, name, &why) != TFT_OK)
        log_line(srv->log, LOG_TAG_WARNING, "The shadow model does not run: %s", why.text);
}

/* ---- changing it ----------------------------------------------------------------------------------------- */

/* In the precision of the model that serves: the two are compared. */
static tft_status open_as_served(server *srv, const char *path, engine_model *model, tft_error *err)
{
    const live_settings *const how = live_hold(srv->live);
    const tft_precision precision = how->model_precision;
    live_drop(how);
    return srv->options.open_model(path, 1, precision, model, err);
}

/* An engine for the keeper, with the model in it. */
static tft_status open_engine(server *srv, const char *name, engine **out, tft_error *err)
{
    char path[4096];
    engine_options how;
    engine_model model;
    tft_status status = server_model_path(srv, name, path, sizeof path, err);
    if (status == TFT_OK)
        status = open_as_served(srv, path, &model, err);
    if (status != TFT_OK)
        return status;
    engine_options_default(srv->fleet, &how);
    status = engine_open(&how, out, err);
    if (status != TFT_OK) {
        model.close(model.context);
        return status;
    }
    status = engine_set_model(*out, &model, err); // owns the model, also where it does not fit
    if (status != TFT_OK) {
        engine_close(*out);
        *out = NULL;
    }
    return status;
}

/* Hands an engine (NULL = none) to the keeper. */
static void set_next(shadow *s, engine *e, const char *name)
{
    pthread_mutex_lock(&s->lock);
    engine *const unused = s->next;
    s->next = e;
    s->changed = true;
    snprintf(s->name, sizeof s->name, "%s", name);
    pthread_mutex_unlock(&s->lock);
    engine_close(unused);
}

/* Under model_lock. */
static tft_status refuse_served(const server *srv, const char *name, tft_error *err)
{
    return strcmp(srv->model, name) != 0 ? TFT_OK : tft_fail(err, TFT_ERR_STATE, "model %.60s serves already", name);
}

tft_status shadow_load(server *srv, const char *name, tft_error *err)
{
    engine *made = NULL;
    if (server_models_fixed(srv))
        return tft_fail(err, TFT_ERR_STATE, "the model was fixed when the daemon was started (--model, --no-model)");
    pthread_mutex_lock(&srv->model_lock);
    tft_status status = refuse_served(srv, name, err);
    pthread_mutex_unlock(&srv->model_lock);
    if (status == TFT_OK)
        status = open_engine(srv, name, &made, err); // takes its time, so nobody waits for it
    pthread_mutex_lock(&srv->model_lock);
    if (status == TFT_OK)
        status = refuse_served(srv, name, err); // it may have been promoted meanwhile
    if (status == TFT_OK)
        status = write_name(srv, name, err);
    if (status == TFT_OK) {
        set_next(&srv->shadow, made, name);
        made = NULL;
        log_line(srv->log, LOG_TAG_OK, "Model %s runs as a shadow", name);
    }
    pthread_mutex_unlock(&srv->model_lock);
    engine_close(made);
    return status;
}

bool shadow_drop(server *srv, const char *name)
{
    char running[128];
    tft_error none = {0};
    shadow_name(srv, running);
    if (running[0] == '\0' || (name != NULL && strcmp(running, name) != 0))
        return false;
    (void)write_name(srv, "", &none);
    set_next(&srv->shadow, NULL, "");
    log_line(srv->log, LOG_TAG_OK, "Model %s is no shadow any more", running);
    return true;
}

void shadow_name(server *srv, char name[128])
{
    pthread_mutex_lock(&srv->shadow.lock);
    memcpy(name, srv->shadow.name, 128);
    pthread_mutex_unlock(&srv->shadow.lock);
}

/* ---- running it ------------------------------------------------------------------------------------------ */

static void take_next(shadow *s)
{
    engine *old = NULL;
    pthread_mutex_lock(&s->lock);
    if (s->changed) {
        old = s->current;
        s->current = s->next;
        s->next = NULL;
        s->changed = false;
    }
    pthread_mutex_unlock(&s->lock);
    engine_close(old);
}

tft_status shadow_run(server *srv, tft_error *err)
{
    shadow *const s = &srv->shadow;
    take_next(s);
    if (s->current == NULL)
        return TFT_OK;
    tft_status status = engine_renew(s->current, err);
    if (status != TFT_OK)
        return status;
    const forecast_snapshot *const said = engine_acquire(s->current);
    status = track_keep_beside(srv->track, said, err);
    engine_release(s->current, said);
    return status;
}
