/* split.c - see split.h. */
#include "train/split.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* The number at the end of a name, or 0 without one (or with one of more than 9 digits, which is no counter). */
static uint64_t trailing_number(const char *name)
{
    const size_t n = strlen(name);
    size_t at = n;
    while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9')
        at--;
    return at == n || n - at > 9 ? 0 : strtoull(name + at, NULL, 10);
}

static int by_name(const void *a, const void *b)
{
    const char *const *const x = a, *const *const y = b;
    return strcmp(*x, *y);
}

static bool parse_block(const char *text, uint64_t *block, uint64_t *blocks, uint64_t *size)
{
    uint64_t *const parts[] = {block, blocks, size};
    const char marks[] = {'/', 'x', '\0'};
    for (size_t i = 0; i < 3; i++) {
        char *end;
        if (*text < '0' || *text > '9')
            return false;
        *parts[i] = strtoull(text, &end, 10);
        if (*end != marks[i] || *parts[i] > 1000000000)
            return false;
        text = end + 1;
    }
    return *blocks > 0 && *size > 0 && *block < *blocks;
}

static tft_status select_block(uint64_t block, uint64_t blocks, uint64_t size, const char *const *names, size_t n,
                               uint8_t *selected, tft_error *err)
{
    const char **const sorted = malloc((n + 1) * sizeof *sorted);
    if (sorted == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu names", n);
    memcpy(sorted, names, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_name);
    for (size_t i = 0; i < n; i++) {
        uint64_t number = trailing_number(names[i]);
        if (number == 0) {
            const char **const place = bsearch(&names[i], sorted, n, sizeof *sorted, by_name);
            number = (uint64_t)(place - sorted) + 1;
        }
        selected[i] = ((number - 1) / size) % blocks == block;
    }
    free(sorted);
    return TFT_OK;
}

static tft_status select_names(const char *text, const char *const *names, size_t n, uint8_t *selected, tft_error *err)
{
    for (const char *at = text;; at++) {
        const size_t length = strcspn(at, ",");
        size_t i = 0;
        while (i < n && (strlen(names[i]) != length || memcmp(names[i], at, length) != 0))
            i++;
        if (i == n)
            return tft_fail(err, TFT_ERR_NOT_FOUND,
                            "no server is called \"%.*s\" (a set of servers is names a,b,c or a block such as 3/5x20)",
                            (int)(length > 80 ? 80 : length), at);
        selected[i] = 1;
        at += length;
        if (*at == '\0')
            return TFT_OK;
    }
}

tft_status tft_server_set(const char *text, const char *const *names, size_t n, uint8_t *selected, tft_error *err)
{
    uint64_t block, blocks, size;
    memset(selected, 0, n);
    if (!parse_block(text, &block, &blocks, &size))
        return select_names(text, names, n, selected, err);
    const tft_status status = select_block(block, blocks, size, names, n, selected, err);
    if (status != TFT_OK)
        return status;
    return memchr(selected, 1, n) != NULL ? TFT_OK : tft_fail(err, TFT_ERR_NOT_FOUND, "no server is in block %s", text);
}

/* First and last step of all training servers' series, cut at last_step. */
static void time_range(const tft_dataset *dataset, const tft_split *split, int64_t *first, int64_t *last)
{
    *first = INT64_MAX;
    *last = INT64_MIN;
    for (size_t i = 0; i < split->n_servers; i++) {
        const tft_series *const s = &dataset->series[i];
        if (split->roles[i] != TFT_ROLE_TRAIN || s->n_steps == 0)
            continue;
        const int64_t end = s->first_step + (int64_t)s->n_steps - 1;
        *first = s->first_step < *first ? s->first_step : *first;
        *last = end > *last ? end : *last;
    }
    *last = *last > split->last_step ? split->last_step : *last;
}

static tft_status set_role(const char *text, const tft_dataset *dataset, tft_role role, tft_split *split,
                           tft_error *err)
{
    uint8_t *const selected = malloc(split->n_servers + 1);
    if (selected == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu servers", split->n_servers);
    const tft_status status =
        tft_server_set(text, (const char *const *)dataset->names, split->n_servers, selected, err);
    for (size_t i = 0; i < split->n_servers && status == TFT_OK; i++) {
        if (selected[i] && split->roles[i] == TFT_ROLE_TRAIN) // a held-out server never validates
            split->roles[i] = (uint8_t)role;
    }
    free(selected);
    return status;
}

/* Every tenth training server of a group that has no validating one yet. */
static void validate_group(const tft_split_wish *wish, size_t group, tft_split *split)
{
    size_t k = 0;
    for (size_t i = 0; i < split->n_servers; i++) {
        if (split->roles[i] == TFT_ROLE_VALIDATE && (wish->group_of == NULL || wish->group_of[i] == group))
            return;
    }
    for (size_t i = 0; i < split->n_servers; i++) {
        if (split->roles[i] == TFT_ROLE_TRAIN && (wish->group_of == NULL || wish->group_of[i] == group) &&
            k++ % 10 == 9)
            split->roles[i] = TFT_ROLE_VALIDATE;
    }
}

static void settle_validation(const tft_dataset *dataset, const tft_split_wish *wish, tft_split *split)
{
    const size_t n_groups = wish->group_of != NULL ? wish->n_groups : 1;
    int64_t first, last;
    for (size_t g = 0; g < n_groups; g++)
        validate_group(wish, g, split);
    if (memchr(split->roles, TFT_ROLE_VALIDATE, split->n_servers) != NULL)
        return;
    time_range(dataset, split, &first, &last);
    if (first <= last)
        split->validation_from = last - (last - first) / 10;
}

tft_status tft_split_make(const tft_dataset *dataset, const tft_split_wish *wish, tft_split *split, tft_error *err)
{
    *split = (tft_split){.n_servers = dataset->n_servers, .last_step = INT64_MAX, .validation_from = INT64_MAX};
    if (dataset->n_servers == 0)
        return tft_fail(err, TFT_ERR_STATE, "the data hold no server");
    split->roles = calloc(dataset->n_servers, 1);
    if (split->roles == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu servers", dataset->n_servers);
    if (wish->holdout_from_ms != 0) { // the step that holds the instant is held out with it
        const int64_t step_ms = dataset->contract.step_ms;
        split->last_step = tft_floor_to(wish->holdout_from_ms, step_ms) / step_ms - 1;
    }
    tft_status status = TFT_OK;
    if (wish->holdout != NULL) {
        status = set_role(wish->holdout, dataset, TFT_ROLE_HELD_OUT, split, err);
        if (status != TFT_OK)
            tft_error_prefix(err, "held-out servers");
    }
    if (status == TFT_OK && wish->validation != NULL) {
        status = set_role(wish->validation, dataset, TFT_ROLE_VALIDATE, split, err);
        if (status != TFT_OK)
            tft_error_prefix(err, "validation servers");
    }
    if (status == TFT_OK)
        settle_validation(dataset, wish, split);
    if (status == TFT_OK && memchr(split->roles, TFT_ROLE_TRAIN, split->n_servers) == NULL)
        status = tft_fail(err, TFT_ERR_STATE, "of %zu servers none is left to train on", split->n_servers);
    if (status != TFT_OK)
        tft_split_free(split);
    return status;
}

void tft_split_free(tft_split *split)
{
    free(split->roles);
    split->roles = NULL;
    split->n_servers = 0;
}
