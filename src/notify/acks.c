/* acks.c - see acks.h. */
#include "notify/acks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    char id[STORE_ID_BYTES];
    store_ack ack;
} entry;

struct acks {
    pthread_mutex_t lock; // guards what follows
    size_t n, capacity;
    entry *items; // by id
};

acks *acks_open(void)
{
    acks *const all = calloc(1, sizeof *all);
    if (all != NULL)
        pthread_mutex_init(&all->lock, NULL);
    return all;
}

void acks_close(acks *all)
{
    if (all == NULL)
        return;
    pthread_mutex_destroy(&all->lock);
    free(all->items);
    free(all);
}

static size_t place_of(const acks *all, const char *id, bool *found)
{
    size_t low = 0, high = all->n;
    *found = false;
    while (low < high && !*found) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(all->items[middle].id, id);
        *found = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
        if (*found)
            return middle;
    }
    return low;
}

/* Under the lock. */
static bool add(acks *all, size_t at, const char *id)
{
    if (all->n == all->capacity) {
        const size_t capacity = all->capacity == 0 ? 16 : 2 * all->capacity;
        entry *const items = realloc(all->items, capacity * sizeof *items);
        if (items == NULL)
            return false;
        all->items = items;
        all->capacity = capacity;
    }
    memmove(all->items + at + 1, all->items + at, (all->n - at) * sizeof *all->items);
    all->n++;
    memset(&all->items[at], 0, sizeof all->items[at]);
    memcpy(all->items[at].id, id, strnlen(id, STORE_ID_BYTES - 1));
    return true;
}

bool acks_set(acks *all, const char *id, const store_ack *ack)
{
    bool found = false, good = true;
    pthread_mutex_lock(&all->lock);
    const size_t at = place_of(all, id, &found);
    if (ack->at_ms == STORE_NEVER) {
        if (found) {
            memmove(all->items + at, all->items + at + 1, (all->n - at - 1) * sizeof *all->items);
            all->n--;
        }
    } else {
        good = found || add(all, at, id);
        if (good)
            all->items[at].ack = *ack;
    }
    pthread_mutex_unlock(&all->lock);
    return good;
}

bool acks_find(acks *all, const char *id, int64_t now_ms, store_ack *ack)
{
    bool found = false;
    pthread_mutex_lock(&all->lock);
    const size_t at = place_of(all, id, &found);
    found = found && (all->items[at].ack.until_ms == STORE_NEVER || now_ms < all->items[at].ack.until_ms);
    if (found && ack != NULL)
        *ack = all->items[at].ack;
    pthread_mutex_unlock(&all->lock);
    return found;
}
