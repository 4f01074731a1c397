/* times.c - see times.h. */
#include "series/times.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define EMPTY INT64_MIN

void tft_times_free(tft_times *times)
{
    free(times->runs);
    free(times->odd);
    memset(times, 0, sizeof *times);
}

static bool in_runs(const tft_times *times, int64_t t)
{
    size_t low = 0, high = times->n_runs; // the last run that starts at or before t is at low − 1
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (times->runs[middle].start <= t)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    const tft_time_run *const run = &times->runs[low - 1];
    const int64_t past = t - run->start;
    return past == 0 || (run->n > 1 && past % run->stride == 0 && past / run->stride < run->n);
}

static tft_status append(tft_times *times, int64_t t, tft_error *err)
{
    if (times->n_runs > 0) {
        tft_time_run *const last = &times->runs[times->n_runs - 1];
        if (last->n == 1)
            last->stride = t - last->start;
        if (t == last->start + last->stride * last->n) {
            last->n++;
            return TFT_OK;
        }
    }
    if (times->n_runs == times->runs_capacity) {
        const size_t capacity = times->runs_capacity == 0 ? 4 : times->runs_capacity * 2;
        tft_time_run *const runs = realloc(times->runs, capacity * sizeof *runs);
        if (runs == NULL)
            return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu runs of instants", capacity);
        times->runs = runs;
        times->runs_capacity = capacity;
    }
    times->runs[times->n_runs++] = (tft_time_run){.start = t, .stride = 1, .n = 1};
    return TFT_OK;
}

/* The slot that holds t, or the empty one where it belongs. */
static size_t slot_of(const int64_t *odd, size_t capacity, int64_t t)
{
    size_t at = (size_t)((uint64_t)t * 0x9e3779b97f4a7c15u >> 20) & (capacity - 1);
    while (odd[at] != EMPTY && odd[at] != t)
        at = (at + 1) & (capacity - 1);
    return at;
}

static tft_status grow_odd(tft_times *times, tft_error *err)
{
    const size_t capacity = times->odd_capacity == 0 ? 16 : times->odd_capacity * 2;
    int64_t *const odd = malloc(capacity * sizeof *odd);
    if (odd == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu instants", capacity);
    for (size_t i = 0; i < capacity; i++)
        odd[i] = EMPTY;
    for (size_t i = 0; i < times->odd_capacity; i++) {
        if (times->odd[i] != EMPTY)
            odd[slot_of(odd, capacity, times->odd[i])] = times->odd[i];
    }
    free(times->odd);
    times->odd = odd;
    times->odd_capacity = capacity;
    return TFT_OK;
}

tft_status tft_times_add(tft_times *times, int64_t time_ms, bool *is_new, tft_error *err)
{
    assert(time_ms != EMPTY);
    *is_new = true;
    const tft_time_run *const last = times->n_runs > 0 ? &times->runs[times->n_runs - 1] : NULL;
    if (last == NULL || time_ms > last->start + last->stride * (last->n - 1))
        return append(times, time_ms, err);

    *is_new = false;
    if (in_runs(times, time_ms))
        return TFT_OK;
    if (2 * (times->n_odd + 1) > times->odd_capacity) {
        const tft_status status = grow_odd(times, err);
        if (status != TFT_OK)
            return status;
    }
    const size_t at = slot_of(times->odd, times->odd_capacity, time_ms);
    if (times->odd[at] == time_ms)
        return TFT_OK;
    times->odd[at] = time_ms;
    times->n_odd++;
    *is_new = true;
    return TFT_OK;
}
