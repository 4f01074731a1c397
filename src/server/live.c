/* live.c - see live.h. The lock is held for a pointer and a count, never while a set is made or read. */
#include "server/live.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

struct live {
    pthread_mutex_t lock; // guards the next
    live_settings *now;
};

/* ---- a set ----------------------------------------------------------------------------------------------- */

/* A copy that goes with the set; NULL stays NULL, and is also what comes without memory. */
static const char *keep(live_settings *set, const char *text, bool *failed)
{
    if (text == NULL)
        return NULL;
    char *const copy = strdup(text);
    if (copy == NULL)
        *failed = true;
    else
        set->texts[set->n_texts++] = copy;
    return copy;
}

static void limit_metric(tft_contract *contract, const char *name, double max)
{
    const int m = tft_contract_find(contract, name, strlen(name));
    if (m >= 0 && max < contract->metrics[m].max)
        contract->metrics[m].max = max;
}

bool live_any_foreign(const server_options *o)
{
    for (size_t i = 0; i < o->n_listen; i++) {
        char host[64];
        uint16_t port;
        if (http_address_parse(o->listen[i], host, &port) && !http_address_is_loopback(host))
            return true;
    }
    return false;
}

static void take_access(live_settings *set, const server_options *o, bool *failed)
{
    auth_policy *const p = &set->access;
    *p = (auth_policy){.mode = o->auth,
                       .protect_status = o->protect_status,
                       .any_foreign = live_any_foreign(o),
                       .allow_unauthenticated = o->allow_unauthenticated,
                       .read_per_minute = o->read_per_minute,
                       .write_per_minute = o->write_per_minute};
    for (size_t i = 0; i < o->n_allowed_hosts; i++)
        p->allowed_hosts[p->n_allowed_hosts++] = keep(set, o->allowed_hosts[i], failed);
    for (size_t i = 0; i < o->n_cors_origins; i++)
        p->cors_origins[p->n_cors_origins++] = keep(set, o->cors_origins[i], failed);
}

tft_status live_make(const server_options *o, const tft_contract *contract, live_settings **out, tft_error *err)
{
    bool failed = false;
    live_settings *const set = calloc(1, sizeof *set);
    *out = NULL;
    if (set == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the settings");
    set->holders = 1;
    set->texts = calloc(o->n_allowed_hosts + o->n_cors_origins + 3, sizeof *set->texts);
    set->prefixes = calloc(o->n_prefixes + 1, sizeof *set->prefixes);
    failed = set->texts == NULL || set->prefixes == NULL;
    set->contract = *contract;
    limit_metric(&set->contract, "disk_io_mb_s", o->limit_disk_mb_s);
    limit_metric(&set->contract, "latency_ms", o->limit_latency_ms);
    set->max_future_ms = o->max_future_ms;
    set->max_past_ms = o->max_past_ms;
    set->max_servers = o->max_servers;
    set->retention_records_ms = o->store.retention_records_ms;
    set->forget_after_ms = o->forget_after_ms;
    set->watch_models = o->watch_models;
    set->model_threads = o->model_threads;
    set->model_precision = o->model_precision;
    if (!failed) {
        take_access(set, o, &failed);
        set->keys_file = keep(set, o->keys_file, &failed);
        set->models_dir = keep(set, o->models_dir, &failed);
        set->model_name = keep(set, o->model_name, &failed);
        set->n_prefixes = o->n_prefixes;
        memcpy(set->prefixes, o->prefixes, o->n_prefixes * sizeof *set->prefixes);
    }
    if (failed) {
        live_drop(set);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the settings");
    }
    *out = set;
    return TFT_OK;
}

void live_drop(const live_settings *held)
{
    live_settings *const set = (live_settings *)(uintptr_t)held; // const for its readers; the count is ours
    if (set == NULL || atomic_fetch_sub(&set->holders, 1) > 1)
        return;
    for (size_t i = 0; i < set->n_texts; i++)
        free(set->texts[i]);
    free(set->texts);
    free(set->prefixes);
    free(set);
}

/* ---- the one in force ------------------------------------------------------------------------------------ */

live *live_open(void)
{
    live *const of = calloc(1, sizeof *of);
    if (of != NULL)
        pthread_mutex_init(&of->lock, NULL);
    return of;
}

void live_close(live *of)
{
    if (of == NULL)
        return;
    live_drop(of->now);
    pthread_mutex_destroy(&of->lock);
    free(of);
}

void live_swap(live *of, live_settings *set)
{
    pthread_mutex_lock(&of->lock);
    live_settings *const old = of->now;
    of->now = set;
    pthread_mutex_unlock(&of->lock);
    live_drop(old);
}

const live_settings *live_hold(live *of)
{
    pthread_mutex_lock(&of->lock);
    live_settings *const set = of->now;
    atomic_fetch_add(&set->holders, 1);
    pthread_mutex_unlock(&of->lock);
    return set;
}
