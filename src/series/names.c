/* names.c - see names.h. */
#include "series/names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "series/record.h"

static uint64_t hash_name(const char *name, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

static bool same_name(const char *text, const char *name, size_t n)
{
    return strnlen(text, n + 1) == n && memcmp(text, name, n) == 0;
}

void tft_names_free(tft_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->texts[i]);
    free(names->texts);
    free(names->slots);
    memset(names, 0, sizeof *names);
}

/* The slot of the name, or the empty one where it belongs; there is always one. */
static size_t slot_of(const tft_names *names, const char *name, size_t n)
{
    size_t at = (size_t)hash_name(name, n) & (names->n_slots - 1);
    while (names->slots[at] != 0 && !same_name(names->texts[names->slots[at] - 1], name, n))
        at = (at + 1) & (names->n_slots - 1);
    return at;
}

void tft_names_reorder(tft_names *names)
{
    if (names->n_slots == 0)
        return;
    memset(names->slots, 0, names->n_slots * sizeof *names->slots);
    for (size_t i = 0; i < names->n; i++)
        names->slots[slot_of(names, names->texts[i], strlen(names->texts[i]))] = (uint32_t)(i + 1);
    names->last = 0;
}

int64_t tft_names_find(const tft_names *names, const char *name, size_t n)
{
    return names->n == 0 ? -1 : (int64_t)names->slots[slot_of(names, name, n)] - 1;
}

/* Room for one more. What was enlarged before a failure stays so. */
static tft_status reserve(tft_names *names, tft_error *err)
{
    if (names->n == TFT_MAX_NAMES)
        return tft_fail(err, TFT_ERR_LIMIT, "more than %d servers", TFT_MAX_NAMES);
    if (names->n < names->capacity)
        return TFT_OK;
    const size_t capacity = names->capacity == 0 ? 16 : names->capacity * 2;
    char **const texts = realloc(names->texts, capacity * sizeof *texts);
    if (texts != NULL)
        names->texts = texts;
    uint32_t *const slots = malloc(2 * capacity * sizeof *slots);
    if (texts == NULL || slots == NULL) {
        free(slots);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu servers", capacity);
    }
    free(names->slots);
    names->slots = slots;
    names->n_slots = 2 * capacity;
    names->capacity = capacity;
    tft_names_reorder(names);
    return TFT_OK;
}

tft_status tft_names_add(tft_names *names, const char *name, size_t n, size_t *number, tft_error *err)
{
    if (names->n > 0 && same_name(names->texts[names->last], name, n)) {
        *number = names->last;
        return TFT_OK;
    }
    const int64_t found = tft_names_find(names, name, n);
    if (found >= 0) {
        *number = names->last = (size_t)found;
        return TFT_OK;
    }
    tft_fault fault;
    if (!tft_record_name_ok(name, n, &fault))
        return tft_fail(err, TFT_ERR_FORMAT, "%s", fault.reason);
    const tft_status status = reserve(names, err);
    if (status != TFT_OK)
        return status;
    char *const text = malloc(n + 1);
    if (text == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a server's name");
    memcpy(text, name, n);
    text[n] = '\0';
    names->texts[names->n] = text;
    names->slots[slot_of(names, name, n)] = (uint32_t)(names->n + 1);
    *number = names->last = names->n++;
    return TFT_OK;
}
