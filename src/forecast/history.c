/* history.c - see history.h. */
#include "forecast/history.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEWEST_GROWS (TFT_STEP_BLOCK / 4) // steps

void history_init(history *h, size_t n_metrics, size_t max_steps, block_pool *pool)
{
    assert(n_metrics >= 1 && n_metrics <= TFT_MAX_METRICS && max_steps >= 1);
    *h = (history){.n_metrics = n_metrics, .max_steps = max_steps, .pool = pool};
    tft_series_init(&h->newest, n_metrics, 0);
    tft_series_init(&h->late, n_metrics, 0);
}

/* Packed size; the first bytes do not say it, so the allocator keeps it beside. */
typedef struct block_head {
    uint32_t n;
} block_head;

static const unsigned char *bytes_of(const unsigned char *block)
{
    return block + sizeof(block_head);
}

static size_t size_of(const unsigned char *block)
{
    block_head head;
    memcpy(&head, block, sizeof head);
    return head.n;
}

/* What a packed block takes of the pool. */
static size_t taken_for(size_t n)
{
    return sizeof(block_head) + n + TFT_BITS_SLACK;
}

static void drop_block(history *h, unsigned char **place)
{
    if (*place != NULL) {
        const size_t n = size_of(*place);
        h->packed_bytes -= sizeof(block_head) + n;
        block_pool_give(h->pool, *place, taken_for(n));
    }
    *place = NULL;
}

void history_free(history *h)
{
    for (size_t i = 0; i < h->n_blocks; i++)
        drop_block(h, &h->blocks[i]);
    free(h->blocks);
    tft_series_free(&h->newest);
    tft_series_free(&h->late);
    memset(h, 0, sizeof *h);
}

static size_t bytes_of_series(const tft_series *series)
{
    return series->capacity * (series->n_metrics * (sizeof(float) + sizeof(uint16_t)) + sizeof(uint16_t) + 1);
}

/* ---- the list of blocks ----------------------------------------------------------------------------------------- */

static unsigned char **place_of(const history *h, int64_t block)
{
    const int64_t i = block - h->first_block;
    return i >= 0 && i < (int64_t)h->n_blocks ? &h->blocks[i] : NULL;
}

/* Makes room for the numbers from … to; what is between stays a gap. */
static tft_status cover_blocks(history *h, int64_t from, int64_t to, tft_error *err)
{
    if (h->n_blocks > 0) {
        const int64_t end = h->first_block + (int64_t)h->n_blocks - 1;
        from = from < h->first_block ? from : h->first_block;
        to = to > end ? to : end;
    }
    const size_t n = (size_t)(to - from) + 1;
    if (n > h->capacity) {
        const size_t capacity = n + n / 4 + 1;
        unsigned char **const fresh = realloc(h->blocks, capacity * sizeof *fresh);
        if (fresh == NULL)
            return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu blocks of history", capacity);
        h->blocks = fresh;
        h->capacity = capacity;
    }
    const size_t shift = h->n_blocks > 0 ? (size_t)(h->first_block - from) : 0;
    memmove(h->blocks + shift, h->blocks, h->n_blocks * sizeof *h->blocks);
    for (size_t i = 0; i < shift; i++)
        h->blocks[i] = NULL;
    for (size_t i = shift + h->n_blocks; i < n; i++)
        h->blocks[i] = NULL;
    h->first_block = from;
    h->n_blocks = n;
    return TFT_OK;
}

static void forget(tft_series *series)
{
    const size_t m = series->n_metrics;
    tft_series_free(series);
    tft_series_init(series, m, 0);
}

/* Gives up the blocks that hold nothing from first_step on. */
static void drop_oldest(history *h)
{
    size_t n = 0;
    const int64_t first = tft_step_block_of(h->first_step);
    for (; n < h->n_blocks && h->first_block + (int64_t)n < first; n++)
        drop_block(h, &h->blocks[n]);
    if (n > 0) // a history without blocks has no array to move in
        memmove(h->blocks, h->blocks + n, (h->n_blocks - n) * sizeof *h->blocks);
    h->n_blocks -= n;
    h->first_block += (int64_t)n;
    if (h->late.n_steps > 0 && h->late_block < first)
        forget(&h->late);
}

static void clear(history *h)
{
    for (size_t i = 0; i < h->n_blocks; i++)
        drop_block(h, &h->blocks[i]);
    h->n_blocks = 0;
    h->any = false;
    forget(&h->newest);
    forget(&h->late);
}

/* ---- packing and unpacking -------------------------------------------------------------------------------------- */

/* Keeps bytes as the block of this number. */
static tft_status keep_block(history *h, int64_t block, const unsigned char *packed, size_t n, tft_error *err)
{
    const tft_status status = cover_blocks(h, block, block, err);
    if (status != TFT_OK)
        return status;
    const block_head head = {(uint32_t)n};
    unsigned char *const kept = block_pool_take(h->pool, taken_for(n));
    if (kept == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu bytes of history", n);
    memcpy(kept, &head, sizeof head);
    memcpy(kept + sizeof head, packed, n);
    unsigned char **const place = place_of(h, block);
    drop_block(h, place);
    *place = kept;
    h->packed_bytes += sizeof head + n;
    return TFT_OK;
}

/* Packs a series of one block into the list and empties it. */
static tft_status pack(history *h, tft_series *series, tft_error *err)
{
    unsigned char packed[TFT_STEP_BLOCK_MOST];
    if (series->n_steps == 0)
        return TFT_OK;
    assert(tft_step_block_most(h->n_metrics) <= sizeof packed);
    const int64_t block = tft_step_block_of(series->first_step);
    const tft_status status = keep_block(h, block, packed, tft_step_block_pack(series, packed), err);
    if (status == TFT_OK)
        forget(series);
    return status;
}

/* A block's steps on the stack. */
typedef struct open_block {
    float values[TFT_STEP_BLOCK * TFT_MAX_METRICS];
    uint16_t value_counts[TFT_STEP_BLOCK * TFT_MAX_METRICS], counts[TFT_STEP_BLOCK];
    uint8_t states[TFT_STEP_BLOCK];
    tft_step_block block;
} open_block;

static void unpack(const history *h, const unsigned char *packed, open_block *open)
{
    open->block = (tft_step_block){
        .values = open->values, .value_counts = open->value_counts, .counts = open->counts, .states = open->states};
    const bool whole = tft_step_block_unpack(bytes_of(packed), size_of(packed), h->n_metrics, &open->block);
    assert(whole); // we packed it, or whoever gave it looked
    (void)whole;
}

/* Fills an empty series with the packed steps of a block, if there are any, in place of the packed ones. */
static tft_status unpack_into(history *h, int64_t block, tft_series *series, tft_error *err)
{
    unsigned char **const place = place_of(h, block);
    tft_status status = TFT_OK;
    if (place == NULL || *place == NULL)
        return TFT_OK;
    open_block open;
    unpack(h, *place, &open);
    const size_t m = h->n_metrics, end = open.block.first + open.block.n;
    for (size_t i = open.block.first; i < end && status == TFT_OK; i++)
        status = tft_series_set(series, block * TFT_STEP_BLOCK + (int64_t)i, open.values + i * m,
                                open.value_counts + i * m, open.counts[i], (tft_state)open.states[i], err);
    if (status == TFT_OK)
        drop_block(h, place);
    else
        forget(series); // the packed one is still there
    return status;
}

/* Makes `late` the block of this number. */
static tft_status open_late(history *h, int64_t block, tft_error *err)
{
    if (h->late.n_steps > 0 && h->late_block == block)
        return TFT_OK;
    const tft_status status = pack(h, &h->late, err);
    if (status != TFT_OK)
        return status;
    h->late_block = block;
    return unpack_into(h, block, &h->late, err);
}

/* What a step that is the newest, or older, does to what is covered. */
static tft_status cover(history *h, int64_t step, bool *kept, tft_error *err)
{
    tft_status status = TFT_OK;
    *kept = true;
    if (h->any && step > h->last_step) {
        if (step - h->last_step >= (int64_t)h->max_steps) {
            clear(h);
        } else if (tft_step_block_of(step) != tft_step_block_of(h->last_step)) {
            status = pack(h, &h->late, err);
            if (status == TFT_OK)
                status = pack(h, &h->newest, err);
        }
        if (status != TFT_OK)
            return status;
    }
    if (!h->any) {
        h->any = true;
        h->first_step = h->last_step = step;
    } else if (step > h->last_step) {
        h->last_step = step;
        if (step - h->first_step >= (int64_t)h->max_steps) {
            h->first_step = step - (int64_t)h->max_steps + 1;
            drop_oldest(h);
        }
    } else if (step < h->first_step) {
        *kept = h->last_step - step < (int64_t)h->max_steps;
        h->first_step = *kept ? step : h->first_step;
    }
    return TFT_OK;
}

/* Room for step `step` of the newest block, a quarter of a block at a time: a series that doubles would take more than the block
 * ever holds. */
static tft_status reserve_newest(tft_series *newest, int64_t step, tft_error *err)
{
    const int64_t end = (tft_step_block_of(step) + 1) * TFT_STEP_BLOCK;
    const int64_t first = newest->n_steps > 0 ? newest->first_step : step;
    if (step < first)
        return TFT_OK; // backwards, which is rare: the series finds its room
    const size_t most = (size_t)(end - first), needed = ((size_t)(step - first) / NEWEST_GROWS + 1) * NEWEST_GROWS;
    return tft_series_reserve(newest, needed < most ? needed : most, err);
}

/* The series to put step `step` into, or NULL where it is older than what is kept. */
static tft_status open_for(history *h, int64_t step, tft_series **series, tft_error *err)
{
    bool kept = false;
    tft_status status = cover(h, step, &kept, err);
    *series = NULL;
    if (status != TFT_OK || !kept)
        return status;
    const int64_t block = tft_step_block_of(step);
    const bool is_newest = block == tft_step_block_of(h->last_step);
    *series = is_newest ? &h->newest : &h->late;
    if (!is_newest)
        return open_late(h, block, err);
    if (h->newest.n_steps == 0) // packed where history_set_block() gave it
        status = unpack_into(h, block, &h->newest, err);
    return status == TFT_OK ? reserve_newest(&h->newest, step, err) : status;
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

tft_status history_add(history *h, int64_t step, const double *values, tft_state state, tft_error *err)
{
    tft_series *series;
    tft_status status = open_for(h, step, &series, err);
    if (status == TFT_OK && series != NULL) {
        status = tft_series_add(series, step, values, state, err);
        h->labelled = h->labelled || series->labelled;
    }
    return status;
}

tft_status history_fill(history *h, int64_t step, const double *values, tft_state state, tft_error *err)
{
    tft_series *series;
    tft_status status = open_for(h, step, &series, err);
    if (status == TFT_OK && series != NULL) {
        status = tft_series_fill(series, step, values, state, err);
        h->labelled = h->labelled || series->labelled;
    }
    return status;
}

tft_status history_set(history *h, int64_t step, const float *means, const uint16_t *value_counts, uint16_t count,
                       tft_state state, tft_error *err)
{
    tft_series *series;
    tft_status status = open_for(h, step, &series, err);
    if (status == TFT_OK && series != NULL) {
        status = tft_series_set(series, step, means, value_counts, count, state, err);
        h->labelled = h->labelled || series->labelled;
    }
    return status;
}

tft_status history_set_block(history *h, int64_t block, const unsigned char *packed, size_t n,
                             const tft_step_block *steps, tft_error *err)
{
    const int64_t first = block * TFT_STEP_BLOCK + (int64_t)steps->first, last = first + (int64_t)steps->n - 1;
    bool kept;
    if (h->any && tft_step_block_of(h->last_step) >= block)
        return tft_fail(err, TFT_ERR_STATE, "block %lld of steps comes behind step %lld", (long long)block,
                        (long long)h->last_step);
    tft_status status = cover(h, first, &kept, err);
    if (status == TFT_OK)
        status = cover(h, last, &kept, err);
    if (status == TFT_OK)
        status = keep_block(h, block, packed, n, err);
    for (size_t i = steps->first; i < steps->first + steps->n; i++)
        h->labelled = h->labelled || (steps->states[i] != TFT_STATE_NONE && steps->states[i] != TFT_STATE_OFFLINE);
    return status;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* Copies the steps of `to` that `from` has; indices of both count from their first_step. */
static void copy_part(tft_series *to, int64_t first, size_t n, size_t m, const float *values,
                      const uint16_t *value_counts, const uint16_t *counts, const uint8_t *states)
{
    const int64_t end = first + (int64_t)n, to_end = to->first_step + (int64_t)to->n_steps;
    const int64_t begin = first > to->first_step ? first : to->first_step, stop = end < to_end ? end : to_end;
    if (begin >= stop)
        return;
    const size_t at = (size_t)(begin - to->first_step), source = (size_t)(begin - first);
    const size_t count = (size_t)(stop - begin);
    memcpy(to->values + at * m, values + source * m, count * m * sizeof *values);
    memcpy(to->value_counts + at * m, value_counts + source * m, count * m * sizeof *value_counts);
    memcpy(to->counts + at, counts + source, count * sizeof *counts);
    memcpy(to->states + at, states + source, count);
}

static void copy_series_part(tft_series *to, const tft_series *from)
{
    if (from->n_steps > 0)
        copy_part(to, from->first_step, from->n_steps, from->n_metrics, from->values, from->value_counts, from->counts,
                  from->states);
}

static void copy_blocks(const history *h, tft_series *to)
{
    const size_t m = h->n_metrics;
    const int64_t last = tft_step_block_of(to->first_step + (int64_t)to->n_steps - 1);
    open_block open;
    for (int64_t block = tft_step_block_of(to->first_step); block <= last; block++) {
        unsigned char *const *const place = place_of(h, block);
        if (place == NULL || *place == NULL)
            continue;
        unpack(h, *place, &open);
        const size_t first = open.block.first;
        copy_part(to, block * TFT_STEP_BLOCK + (int64_t)first, open.block.n, m, open.values + first * m,
                  open.value_counts + first * m, open.counts + first, open.states + first);
    }
}

void history_copy(const history *h, int64_t from, int64_t to_step, tft_series *to)
{
    const size_t m = h->n_metrics;
    assert(to->n_metrics == m);
    to->profile = h->profile;
    to->labelled = h->labelled;
    to->n_steps = to->n_known = 0;
    from = h->any && from < h->first_step ? h->first_step : from;
    to_step = h->any && to_step > h->last_step ? h->last_step : to_step;
    if (!h->any || from > to_step || to->capacity == 0)
        return;
    if (to_step - from >= (int64_t)to->capacity)
        from = to_step - (int64_t)to->capacity + 1;
    to->first_step = from;
    to->n_steps = (size_t)(to_step - from) + 1;
    for (size_t i = 0; i < to->n_steps * m; i++)
        to->values[i] = NAN;
    memset(to->value_counts, 0, to->n_steps * m * sizeof *to->value_counts);
    memset(to->counts, 0, to->n_steps * sizeof *to->counts);
    memset(to->states, TFT_STATE_NONE, to->n_steps);
    copy_blocks(h, to);
    copy_series_part(to, &h->late);
    copy_series_part(to, &h->newest);
    for (size_t i = 0; i < to->n_steps; i++)
        to->n_known += to->counts[i] > 0;
}

size_t history_bytes(const history *h)
{
    return h->packed_bytes + h->capacity * sizeof *h->blocks + bytes_of_series(&h->newest) + bytes_of_series(&h->late);
}

size_t history_most_bytes(size_t n_metrics, size_t max_steps)
{
    const size_t blocks = max_steps / TFT_STEP_BLOCK + 2;
    const size_t open =
        2 * (3 * TFT_STEP_BLOCK) * (n_metrics * (sizeof(float) + sizeof(uint16_t)) + sizeof(uint16_t) + 1);
    return blocks * (sizeof(block_head) + TFT_BITS_SLACK + tft_step_block_most(n_metrics)) +
           (blocks + blocks / 4 + 1) * sizeof(void *) + open;
}
