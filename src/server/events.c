/* events.c - see events.h. */
#include "server/events.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

const char *const event_kind_names[EVENT_N_KINDS] = {"forecast", "alert",  "warmup",   "server",
                                                     "model",    "config", "heartbeat"};

typedef struct kept_event {
    event_kind kind;
    int64_t time_ms;
    char *server; // NULL = about none; in the same block as data
    char *data;
} kept_event;

struct events {
    pthread_mutex_t lock; // guards the ring
    uint64_t newest;
    kept_event ring[EVENTS_KEPT]; // event n at n % EVENTS_KEPT
    pthread_mutex_t wake_lock;    // held while `wake` runs; guards the next two
    void (*wake)(void *context);
    void *wake_context;
};

events *events_open(void)
{
    events *const all = calloc(1, sizeof *all);
    if (all == NULL)
        return NULL;
    pthread_mutex_init(&all->lock, NULL);
    pthread_mutex_init(&all->wake_lock, NULL);
    return all;
}

void events_close(events *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < EVENTS_KEPT; i++)
        free(all->ring[i].data);
    pthread_mutex_destroy(&all->lock);
    pthread_mutex_destroy(&all->wake_lock);
    free(all);
}

void events_on_news(events *all, void (*wake)(void *context), void *context)
{
    pthread_mutex_lock(&all->wake_lock);
    all->wake = wake;
    all->wake_context = context;
    pthread_mutex_unlock(&all->wake_lock);
}

void events_wake(events *all)
{
    pthread_mutex_lock(&all->wake_lock);
    if (all->wake != NULL)
        all->wake(all->wake_context);
    pthread_mutex_unlock(&all->wake_lock);
}

void events_publish(events *all, event_kind kind, const char *server, const char *json)
{
    const size_t n = strlen(json) + 1, n_server = server != NULL ? strlen(server) + 1 : 0;
    if (n > EVENTS_MAX_BYTES || n_server > 257)
        return;
    char *const block = malloc(n + n_server);
    if (block == NULL)
        return;
    memcpy(block, json, n);
    if (server != NULL)
        memcpy(block + n, server, n_server);
    pthread_mutex_lock(&all->lock);
    kept_event *const slot = &all->ring[++all->newest % EVENTS_KEPT];
    char *const old = slot->data;
    *slot = (kept_event){kind, tft_wall_ms(), server != NULL ? block + n : NULL, block};
    pthread_mutex_unlock(&all->lock);
    free(old);
    events_wake(all);
}

uint64_t events_newest(events *all)
{
    pthread_mutex_lock(&all->lock);
    const uint64_t newest = all->newest;
    pthread_mutex_unlock(&all->lock);
    return newest;
}

bool events_next(events *all, uint64_t seen, event *out)
{
    pthread_mutex_lock(&all->lock);
    const uint64_t oldest = all->newest >= EVENTS_KEPT ? all->newest - EVENTS_KEPT + 1 : 1;
    const uint64_t wanted = seen + 1 > oldest ? seen + 1 : oldest;
    const bool there = seen < all->newest;
    if (there) {
        const kept_event *const slot = &all->ring[wanted % EVENTS_KEPT];
        out->number = wanted;
        out->kind = slot->kind;
        out->time_ms = slot->time_ms;
        const size_t n = slot->server != NULL ? strlen(slot->server) : 0;
        memcpy(out->server, slot->server != NULL ? slot->server : "", n);
        out->server[n] = '\0';
        tft_text_puts(&out->data, slot->data);
    }
    pthread_mutex_unlock(&all->lock);
    return there;
}
