/* silences.c - see silences.h. */
#include "notify/silences.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

struct silences {
    store *keep;
    pthread_mutex_t lock; // guards what follows
    size_t n;
    silence *items[SILENCES_MAX]; // by id
    uint64_t generation;
    /* the maintenances that are active at active_ms */
    int64_t active_ms;
    uint64_t active_generation;
    size_t n_active;
    silence *active[SILENCES_MAX];
};

/* ---- the set ----------------------------------------------------------------------------------------------------- */

/* Where `id` is, or would be. */
static size_t place_of(const silences *all, const char *id, bool *found)
{
    size_t low = 0, high = all->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(all->items[middle]->id, id);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

static void insert(silences *all, size_t at, silence *s)
{
    memmove(all->items + at + 1, all->items + at, (all->n - at) * sizeof *all->items);
    all->items[at] = s;
    all->n++;
    all->generation++;
}

static void free_one(silence *s)
{
    if (s != NULL)
        silence_free(s);
    free(s);
}

typedef struct loading {
    silences *all;
    void (*log)(void *context, const char *text);
    void *context;
} loading;

static void load_one(void *context, const store_silence *row)
{
    loading *const to = context;
    tft_error err = {0};
    bool found = false;
    silence *const s = to->all->n < SILENCES_MAX ? calloc(1, sizeof *s) : NULL;
    if (s == NULL)
        return;
    if (silence_restore(row->body, row->body_len, s, &err) != TFT_OK) {
        char text[700];
        snprintf(text, sizeof text, "silence %s is left out: %s", row->id, err.text);
        if (to->log != NULL)
            to->log(to->context, text);
        free(s);
        return;
    }
    snprintf(s->id, sizeof s->id, "%s", row->id);
    s->version = row->version;
    const size_t at = place_of(to->all, s->id, &found);
    if (found)
        free_one(s);
    else
        insert(to->all, at, s);
}

tft_status silences_open(store *keep, void (*log)(void *context, const char *text), void *context, silences **out,
                         tft_error *err)
{
    *out = NULL;
    silences *const all = calloc(1, sizeof *all);
    if (all == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for silences");
    all->keep = keep;
    all->active_ms = INT64_MIN;
    pthread_mutex_init(&all->lock, NULL);
    loading to = {all, log, context};
    const tft_status status = store_each_silence(keep, load_one, &to, err);
    if (status != TFT_OK) {
        silences_close(all);
        return status;
    }
    *out = all;
    return TFT_OK;
}

void silences_close(silences *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < all->n; i++)
        free_one(all->items[i]);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

static tft_status save(silences *all, const silence *s, tft_error *err)
{
    tft_text body = tft_text_new(2 * SILENCE_MAX_BYTES);
    tft_text_puts(&body, "{");
    silence_write(s, &body);
    tft_text_puts(&body, "}");
    store_silence row = {.version = s->version, .body = body.bytes, .body_len = body.n};
    snprintf(row.id, sizeof row.id, "%s", s->id);
    const tft_status status = body.failed ? tft_fail(err, TFT_ERR_MEMORY, "no memory for a silence")
                                          : store_put_silence(all->keep, &row, err);
    tft_text_free(&body);
    return status;
}

/* Random, so that ids of deleted ones never come again. */
static bool make_id(char id[ALERT_SILENCE_BYTES])
{
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        return false;
    snprintf(id, ALERT_SILENCE_BYTES, "s-%016" PRIx64, bits);
    return true;
}

static tft_status check(const silences *all, size_t at, bool found, int64_t version, const char *id, tft_error *err)
{
    if (!found)
        return tft_fail(err, TFT_ERR_NOT_FOUND, "No silence '%s'", id);
    if (version != 0 && all->items[at]->version != version)
        return tft_fail(err, TFT_ERR_MISMATCH, "silence %s is at version %lld, not %lld", id,
                        (long long)all->items[at]->version, (long long)version);
    return TFT_OK;
}

/* Under the lock. */
static tft_status put(silences *all, silence *s, int64_t version, int64_t now_ms, tft_error *err)
{
    bool found = false;
    const bool is_new = s->id[0] == '\0' || version == SILENCES_NEW;
    if (is_new && all->n == SILENCES_MAX)
        return tft_fail(err, TFT_ERR_LIMIT, "there are %d silences already", SILENCES_MAX);
    if (s->id[0] == '\0' && !make_id(s->id))
        return tft_fail(err, TFT_ERR_IO, "the system gave no random numbers");
    const size_t at = place_of(all, s->id, &found);
    if (is_new && found)
        return tft_fail(err, TFT_ERR_MISMATCH, "silence %s is there already", s->id);
    tft_status status = is_new ? TFT_OK : check(all, at, found, version, s->id, err);
    if (status != TFT_OK)
        return status;
    silence *const kept = calloc(1, sizeof *kept);
    if (kept == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a silence");
    s->version = is_new ? 1 : all->items[at]->version + 1;
    s->created_ms = is_new ? now_ms : all->items[at]->created_ms;
    s->updated_ms = now_ms;
    status = save(all, s, err);
    if (status != TFT_OK) {
        free(kept);
        return status;
    }
    *kept = *s;
    s->zone = NULL; // kept has it
    if (is_new) {
        insert(all, at, kept);
    } else {
        free_one(all->items[at]);
        all->items[at] = kept;
        all->generation++;
    }
    return TFT_OK;
}

tft_status silences_put(silences *all, silence *s, int64_t version, int64_t now_ms, tft_error *err)
{
    pthread_mutex_lock(&all->lock);
    const tft_status status = put(all, s, version, now_ms, err);
    pthread_mutex_unlock(&all->lock);
    silence_free(s); // nothing is left in it where it was kept
    return status;
}

tft_status silences_delete(silences *all, const char *id, int64_t version, tft_error *err)
{
    bool found = false;
    pthread_mutex_lock(&all->lock);
    const size_t at = place_of(all, id, &found);
    tft_status status = check(all, at, found, version, id, err);
    if (status == TFT_OK)
        status = store_delete_silence(all->keep, id, err);
    if (status == TFT_OK) {
        free_one(all->items[at]);
        memmove(all->items + at, all->items + at + 1, (all->n - at - 1) * sizeof *all->items);
        all->n--;
        all->generation++;
    }
    pthread_mutex_unlock(&all->lock);
    return status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

void silences_each(silences *all, void (*visit)(void *context, silence *s), void *context)
{
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->n; i++)
        visit(context, all->items[i]);
    pthread_mutex_unlock(&all->lock);
}

bool silences_find(silences *all, const char *id, void (*visit)(void *context, silence *s), void *context)
{
    bool found = false;
    pthread_mutex_lock(&all->lock);
    const size_t at = place_of(all, id, &found);
    if (found)
        visit(context, all->items[at]);
    pthread_mutex_unlock(&all->lock);
    return found;
}

size_t silences_covering(silences *all, const notify_subject *subject, int64_t now_ms,
                         char ids[SILENCES_MAX_IDS][ALERT_SILENCE_BYTES])
{
    size_t n = 0;
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->n && n < SILENCES_MAX_IDS; i++) {
        silence *const s = all->items[i];
        if (!s->maintenance && notify_matches(&s->matcher, subject) && silence_status_at(s, now_ms) == SILENCE_ACTIVE)
            memcpy(ids[n++], s->id, ALERT_SILENCE_BYTES);
    }
    pthread_mutex_unlock(&all->lock);
    return n;
}

/* Under the lock: works out which maintenances are active at now_ms, if that is not known. */
static void find_active(silences *all, int64_t now_ms)
{
    if (all->active_ms == now_ms && all->active_generation == all->generation)
        return;
    all->n_active = 0;
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i]->maintenance && silence_status_at(all->items[i], now_ms) == SILENCE_ACTIVE)
            all->active[all->n_active++] = all->items[i];
    all->active_ms = now_ms;
    all->active_generation = all->generation;
}

size_t silences_maintaining(silences *all, const char *server, size_t n, const char *profile, int64_t now_ms,
                            char ids[SILENCES_MAX_IDS][ALERT_SILENCE_BYTES])
{
    size_t count = 0;
    pthread_mutex_lock(&all->lock);
    find_active(all, now_ms);
    for (size_t i = 0; i < all->n_active && count < SILENCES_MAX_IDS; i++)
        if (notify_matches_server(&all->active[i]->matcher, server, n, profile))
            memcpy(ids[count++], all->active[i]->id, ALERT_SILENCE_BYTES);
    pthread_mutex_unlock(&all->lock);
    return count;
}

bool silences_in_maintenance(silences *all, const char *server, size_t n, const char *profile, int64_t now_ms)
{
    bool in = false;
    pthread_mutex_lock(&all->lock);
    find_active(all, now_ms);
    for (size_t i = 0; i < all->n_active && !in; i++)
        in = notify_matches_server(&all->active[i]->matcher, server, n, profile);
    pthread_mutex_unlock(&all->lock);
    return in;
}

size_t silences_spans(silences *all, int64_t since_ms, int64_t now_ms, silences_span *out, size_t capacity)
{
    size_t n = 0;
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->n; i++) {
        const silence *const s = all->items[i];
        int64_t from, to;
        for (int64_t at = since_ms;
             s->maintenance && n < capacity && silence_window_behind(s, at, &from, &to) && from < now_ms; at = to)
            out[n++] = (silences_span){s->matcher, from, to < now_ms ? to : now_ms};
    }
    pthread_mutex_unlock(&all->lock);
    return n;
}

uint64_t silences_generation(silences *all)
{
    pthread_mutex_lock(&all->lock);
    const uint64_t generation = all->generation;
    pthread_mutex_unlock(&all->lock);
    return generation;
}
