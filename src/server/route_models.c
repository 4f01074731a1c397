/* route_models.c - GET /models, /models/{id}; POST /models/{id}/promote, /models/rollback.
 *
 * What a model says of itself is read once per directory (and again when it changes): all its files are verified then, which
 * takes some milliseconds, and its weights are hashed. A broken one is listed with what is wrong.
 *
 * Memory:  at most MOST facts of 600 bytes. Threads: any.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/model_entry.h"
#include "server/routes.h"
#include "server/server.h"

#define MOST 256

struct model_list {
    pthread_mutex_t lock; // guards all; held while a directory is read
    size_t n;
    char folder[4000]; // model.dir when they were read
    model_entry entries[MOST];
};

struct model_list *model_list_open(void)
{
    struct model_list *const list = calloc(1, sizeof *list);
    if (list != NULL)
        pthread_mutex_init(&list->lock, NULL);
    return list;
}

void model_list_close(struct model_list *list)
{
    if (list == NULL)
        return;
    pthread_mutex_destroy(&list->lock);
    free(list);
}

/* What is known of a model; under the list's lock. */
static const model_entry *find_entry(const server *srv, const char *name)
{
    struct model_list *const list = srv->model_list;
    char path[4096], folder[4000];
    size_t at = 0;
    const live_settings *const now = live_hold(srv->live);
    snprintf(folder, sizeof folder, "%s", now->models_dir);
    live_drop(now);
    if (strcmp(folder, list->folder) != 0) { // another model.dir: what was known is of the one before
        list->n = 0;
        snprintf(list->folder, sizeof list->folder, "%s", folder);
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const int64_t changed = model_entry_changed(path);
    while (at < list->n && strcmp(list->entries[at].name, name) != 0)
        at++;
    if (at < list->n && list->entries[at].changed == changed)
        return &list->entries[at];
    if (at == MOST)
        at = 0; // one has to go: the directory holds more than are listed
    model_entry *const e = &list->entries[at];
    list->n = at >= list->n ? at + 1 : list->n;
    model_entry_read(folder, name, e);
    return e;
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

static const char *role_of(const model_entry *e, const model_roles *r)
{
    return strcmp(e->name, r->served) == 0   ? "served"
           : strcmp(e->name, r->next) == 0   ? "next"
           : !e->valid                       ? "invalid"
           : strcmp(e->name, r->shadow) == 0 ? "shadow"
           : strcmp(e->name, r->before) == 0 ? "previous"
                                             : "available";
}

static void put_entry(const model_entry *e, const model_roles *r, tft_text *out)
{
    model_entry_json(e, role_of(e, r), strcmp(e->name, r->pinned) == 0, out);
}

static void route_models(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    model_roles r;
    api_paging paging;
    if (!api_read_paging(request, reply, &paging))
        return;
    char(*const names)[32] = calloc(MOST, sizeof *names);
    if (names == NULL) {
        reply->text.failed = true;
        return;
    }
    const size_t n = server_list_models(srv, names, MOST);
    server_model_roles(srv, &r);
    tft_text_puts(&reply->text, "{\"items\": [");
    pthread_mutex_lock(&srv->model_list->lock);
    size_t at = 0, shown = 0;
    while (paging.has_cursor && at < n && strcmp(names[at], paging.place) >= 0)
        at++; // newest first: a page goes on behind the name that ended the one before
    for (; at < n && shown < paging.limit; at++, shown++) {
        tft_text_puts(&reply->text, shown > 0 ? ", " : "");
        put_entry(find_entry(srv, names[at]), &r, &reply->text);
    }
    pthread_mutex_unlock(&srv->model_list->lock);
    const char *const last = at < n ? names[at - 1] : NULL;
    api_put_list_end(&reply->text, last, last != NULL ? strlen(last) : 0);
    http_reply_field(reply, "Cache-Control", "no-cache");
    free(names);
}

/* The {id} of the path if there is such a model; NULL and a 404 where there is none. */
static const char *named(const server *srv, const http_request *request, http_reply *reply, bool latest)
{
    const char *const id = http_param(request, "id");
    char path[4200];
    if ((latest && strcmp(id, "latest") == 0) || server_model_path(srv, id, path, sizeof path, NULL) == TFT_OK)
        return id;
    http_reply_problem(reply, 404, "unknown-model", "Unknown model", "There is no model '%.60s'", id);
    return NULL;
}

static void put_one(server *srv, const char *id, http_reply *reply)
{
    model_roles r;
    server_model_roles(srv, &r);
    pthread_mutex_lock(&srv->model_list->lock);
    put_entry(find_entry(srv, id), &r, &reply->text);
    pthread_mutex_unlock(&srv->model_list->lock);
}

static void route_model(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    const char *const id = named(srv, request, reply, false);
    if (id == NULL)
        return;
    put_one(srv, id, reply);
    http_reply_field(reply, "Cache-Control", "no-cache");
}

static void answer_change(server *srv, tft_status status, const tft_error *err, http_reply *reply)
{
    model_roles r;
    if (status == TFT_OK) {
        server_model_roles(srv, &r);
        put_one(srv, r.served, reply);
    } else if (status == TFT_ERR_NOT_FOUND) {
        http_reply_problem(reply, 404, "unknown-model", "Unknown model", "There is no such model");
    } else { // what does not fit, is damaged, or cannot be: the client may see why, without paths
        const char *const slash = strrchr(err->text, '/');
        http_reply_problem(reply, 409, "model-refused", "Model refused", "%s", slash != NULL ? slash + 1 : err->text);
    }
}

static void route_promote(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    tft_error err = {0};
    model_roles r;
    bool force = false;
    if (!api_read_bool(request, reply, "force", &force))
        return;
    const char *const id = named(srv, request, reply, true);
    if (id == NULL)
        return;
    const tft_status status = server_promote(srv, id, force, &err);
    server_model_roles(srv, &r);
    if (status == TFT_OK && r.next[0] != '\0') { // it does not serve yet
        put_one(srv, r.next, reply);
        reply->status = 202;
    } else {
        answer_change(srv, status, &err, reply);
    }
}

static void route_rollback(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    tft_error err = {0};
    (void)request;
    const tft_status status = server_rollback(srv, &err);
    answer_change(srv, status, &err, reply);
}

static void route_load(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    tft_error err = {0};
    const char *const id = named(srv, request, reply, false);
    if (id == NULL)
        return;
    const tft_status status = shadow_load(srv, id, &err);
    if (status == TFT_OK)
        put_one(srv, id, reply);
    else
        answer_change(srv, status, &err, reply);
}

static void route_unload(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    const char *const id = named(srv, request, reply, false);
    if (id == NULL)
        return;
    if (shadow_drop(srv, id))
        put_one(srv, id, reply);
    else
        http_reply_problem(reply, 409, "conflict", "Conflict", "Model %.60s runs as no shadow", id);
}

static const http_parameter of_models[] = {API_PAGING, {0}};
static const http_parameter of_model[] = {{"id", API_NAME, "Name of its directory", "tft_model_20251101_090000", true},
                                          {0}};
static const http_parameter of_promote[] = {
    {"id", API_NAME, "Name of its directory; latest = the newest, from here on", "tft_model_20251101_090000", true},
    {"force", API_BOOL,
     "Also a model whose metrics are not those in memory: it then serves from the next start on (202)", NULL, false},
    {0}};

const http_route routes_models[] = {
    {.path = "/api/v1/models",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_models,
     .parameters = of_models,
     .tag = "Models",
     .summary = "Models in the models directory, newest first, and which one serves",
     .reply = "Models",
     .statuses = "200"},
    {.path = "/api/v1/models/rollback",
     .method = HTTP_POST,
     .role = ROLE_ADMIN,
     .handler = route_rollback,
     .tag = "Models",
     .summary = "Serve the model that served before this one",
     .reply = "Model",
     .statuses = "200 404 409"},
    {.path = "/api/v1/models/{id}",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_model,
     .parameters = of_model,
     .tag = "Models",
     .summary = "One model, and why it cannot serve where it cannot",
     .reply = "Model",
     .statuses = "200 404"},
    {.path = "/api/v1/models/{id}/load",
     .method = HTTP_POST,
     .role = ROLE_ADMIN,
     .handler = route_load,
     .parameters = of_model,
     .tag = "Models",
     .summary = "Verify this model and run it beside the one that serves, for /quality?group_by=model; in place of "
                "another one",
     .reply = "Model",
     .statuses = "200 404 409"},
    {.path = "/api/v1/models/{id}/load",
     .method = HTTP_DELETE,
     .role = ROLE_ADMIN,
     .handler = route_unload,
     .parameters = of_model,
     .tag = "Models",
     .summary = "Run this model beside the other no longer",
     .reply = "Model",
     .statuses = "200 404 409"},
    {.path = "/api/v1/models/{id}/promote",
     .method = HTTP_POST,
     .role = ROLE_ADMIN,
     .handler = route_promote,
     .parameters = of_promote,
     .tag = "Models",
     .summary = "Serve this model from the next forecast on, and stay with it over restarts",
     .reply = "Model",
     .statuses = "200 202 404 409"},
    {0}};
