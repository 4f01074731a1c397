/* names.c - see names.h. */
#include "store/names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

/* FNV-1a over the bytes, started at a random seed, then mixed so that the low bits depend on all of them. */
static uint64_t hash_name(uint64_t seed, const char *name, size_t n)
{
    uint64_t h = seed ^ 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 29);
}

tft_status names_init(names *table, tft_error *err)
{
    *table = (names){.n_slots = 64};
    if (getrandom(&table->seed, sizeof table->seed, GRND_NONBLOCK) != (ssize_t)sizeof table->seed)
        table->seed = (uint64_t)tft_wall_ms() * 0x9e3779b97f4a7c15u;
    table->slots = calloc(table->n_slots, sizeof *table->slots);
    return table->slots != NULL ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "no memory for server names");
}

void names_free(names *table)
{
    for (size_t i = 0; i < table->n; i++)
        free(table->servers[i].name);
    free(table->servers);
    free(table->slots);
    free(table->touched);
    *table = (names){0};
}

static void put_slot(uint32_t *slots, size_t n_slots, uint64_t hash, uint32_t index)
{
    size_t at = (size_t)hash & (n_slots - 1);
    while (slots[at] != 0)
        at = (at + 1) & (n_slots - 1);
    slots[at] = index + 1;
}

uint32_t names_find(const names *table, const char *name, size_t n)
{
    const uint64_t hash = hash_name(table->seed, name, n);
    for (size_t at = (size_t)hash & (table->n_slots - 1); table->slots[at] != 0; at = (at + 1) & (table->n_slots - 1)) {
        const name_entry *const entry = &table->servers[table->slots[at] - 1];
        if (entry->hash == hash && entry->length == n && memcmp(entry->name, name, n) == 0)
            return table->slots[at] - 1;
    }
    return NAMES_NONE;
}

/* Room for one server more in every array; nothing changes where there is none. */
static bool grow(names *table)
{
    if (table->n == table->capacity) {
        const size_t capacity = table->capacity == 0 ? 64 : 2 * table->capacity;
        name_entry *const servers = realloc(table->servers, capacity * sizeof *servers);
        if (servers == NULL)
            return false;
        table->servers = servers;
        table->capacity = capacity;
    }
    if (2 * (table->n + 1) > table->n_slots) {
        uint32_t *const slots = calloc(2 * table->n_slots, sizeof *slots);
        if (slots == NULL)
            return false;
        for (size_t i = 0; i < table->n; i++)
            put_slot(slots, 2 * table->n_slots, table->servers[i].hash, (uint32_t)i);
        free(table->slots);
        table->slots = slots;
        table->n_slots *= 2;
    }
    return true;
}

tft_status names_add(names *table, const char *name, size_t n, uint32_t *index, tft_error *err)
{
    char *const copy = malloc(n + 1);
    if (copy == NULL || !grow(table)) {
        free(copy);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for server %zu", table->n + 1);
    }
    memcpy(copy, name, n);
    copy[n] = '\0';
    *index = (uint32_t)table->n++;
    const name_facts empty = {.profile = -1, .first_ms = INT64_MAX, .newest_ms = INT64_MIN};
    table->servers[*index] = (name_entry){copy, n, hash_name(table->seed, name, n), false, empty, empty};
    put_slot(table->slots, table->n_slots, table->servers[*index].hash, *index);
    return TFT_OK;
}

/* Open addressing: taking one out breaks chains, so the slots are filled anew. */
static void fill_slots(names *table)
{
    memset(table->slots, 0, table->n_slots * sizeof *table->slots);
    for (size_t i = 0; i < table->n; i++)
        put_slot(table->slots, table->n_slots, table->servers[i].hash, (uint32_t)i);
}

tft_status names_rename(names *table, uint32_t index, const char *name, tft_error *err)
{
    const size_t n = strlen(name);
    char *const copy = malloc(n + 1);
    if (copy == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a name");
    memcpy(copy, name, n + 1);
    name_entry *const entry = &table->servers[index];
    free(entry->name);
    entry->name = copy;
    entry->length = n;
    entry->hash = hash_name(table->seed, name, n);
    fill_slots(table);
    return TFT_OK;
}

name_facts *names_touch(names *table, uint32_t index)
{
    name_entry *const entry = &table->servers[index];
    if (!entry->touched) {
        if (table->n_touched == table->touched_capacity) {
            const size_t capacity = table->touched_capacity == 0 ? 64 : 2 * table->touched_capacity;
            uint32_t *const touched = realloc(table->touched, capacity * sizeof *touched);
            if (touched == NULL)
                return NULL;
            table->touched = touched;
            table->touched_capacity = capacity;
        }
        table->touched[table->n_touched++] = index;
        entry->touched = true;
    }
    return &entry->pending;
}

void names_settle(names *table)
{
    for (size_t i = 0; i < table->n_touched; i++) {
        name_entry *const entry = &table->servers[table->touched[i]];
        entry->committed = entry->pending;
        entry->touched = false;
    }
    table->n_touched = 0;
    table->n_committed = table->n;
}

void names_revert(names *table)
{
    for (size_t i = 0; i < table->n_touched; i++) {
        name_entry *const entry = &table->servers[table->touched[i]];
        entry->pending = entry->committed;
        entry->touched = false;
    }
    table->n_touched = 0;
    if (table->n == table->n_committed)
        return;
    for (size_t i = table->n_committed; i < table->n; i++)
        free(table->servers[i].name);
    table->n = table->n_committed;
    fill_slots(table);
}
