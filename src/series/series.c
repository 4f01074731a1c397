/* series.c - see tft/series.h: placing records into steps.
 *
 * One block of memory holds the four arrays, each with the same number of unused steps in front:
 *
 *     values        | front | n_steps ...... | unused |    n_metrics floats a step
 *     value_counts  | front | n_steps ...... | unused |    n_metrics counts a step
 *     counts        | front | n_steps ...... | unused |
 *     states        | front | n_steps ...... | unused |
 *     <--------------------- capacity ---------------->
 *
 * The pointers of tft_series point at index 0. Dropping the oldest steps moves them forward; when the end (or the
 * front) is reached, everything is copied once into a block with room at both ends, so a step costs O(1) on average,
 * whether history arrives forwards, backwards or in pieces. A step costs 6·n_metrics + 3 bytes: 62 kB for four metrics
 * and eight days.
 *
 * A mean is updated as mean += (x − mean)/n in double and kept as float: the same records in another order may give
 * a mean that differs in the last bit.
 */
#include "tft/series.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "series/state.h"

#define MAX_VALUE 1e30    // beyond, a value says no more; sums and squares of floats stay finite
#define MAX_SPAN 10000000 // steps of an unbounded series: 95 years of 5 minutes

void tft_series_init(tft_series *series, size_t n_metrics, size_t max_steps)
{
    assert(n_metrics >= 1 && n_metrics <= TFT_MAX_METRICS);
    memset(series, 0, sizeof *series);
    series->n_metrics = n_metrics;
    series->max_steps = max_steps;
}

void tft_series_free(tft_series *series)
{
    if (series == NULL)
        return;
    free(series->block);
    memset(series, 0, sizeof *series);
}

/* Moves the series into a block of `capacity` steps with `front` unused ones before index 0. */
static tft_status move_to(tft_series *series, size_t capacity, size_t front, tft_error *err)
{
    assert(front + series->n_steps <= capacity);
    const size_t m = series->n_metrics;
    const size_t step_bytes = m * (sizeof(float) + sizeof(uint16_t)) + sizeof(uint16_t) + sizeof(uint8_t);
    void *const block = malloc(tft_mul_sat(capacity, step_bytes));
    if (block == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu steps of %zu metrics", capacity, m);
    float *const values = (float *)block + front * m;
    uint16_t *const all_counts = (uint16_t *)((float *)block + capacity * m);
    uint16_t *const value_counts = all_counts + front * m;
    uint16_t *const counts = all_counts + capacity * m + front;
    uint8_t *const states = (uint8_t *)(all_counts + capacity * m + capacity) + front;
    if (series->n_steps > 0) {
        memcpy(values, series->values, series->n_steps * m * sizeof *values);
        memcpy(value_counts, series->value_counts, series->n_steps * m * sizeof *value_counts);
        memcpy(counts, series->counts, series->n_steps * sizeof *counts);
        memcpy(states, series->states, series->n_steps);
    }
    free(series->block);
    series->block = block;
    series->capacity = capacity;
    series->front = front;
    series->values = values;
    series->value_counts = value_counts;
    series->counts = counts;
    series->states = states;
    return TFT_OK;
}

tft_status tft_series_reserve(tft_series *series, size_t n, tft_error *err)
{
    return series->front + n <= series->capacity ? TFT_OK : move_to(series, n + series->front, series->front, err);
}

/* Moves index 0 by `by` steps: forward over steps that are given up, backward over unused ones. */
static void shift_start(tft_series *series, ptrdiff_t by)
{
    const ptrdiff_t m = (ptrdiff_t)series->n_metrics;
    series->values += by * m;
    series->value_counts += by * m;
    series->counts += by;
    series->states += by;
    series->front = (size_t)((ptrdiff_t)series->front + by);
    series->n_steps = (size_t)((ptrdiff_t)series->n_steps - by);
    series->first_step += by;
}

static void clear_steps(tft_series *series, size_t from, size_t n)
{
    const size_t m = series->n_metrics;
    for (size_t i = from * m; i < (from + n) * m; i++)
        series->values[i] = NAN;
    memset(series->value_counts + from * m, 0, n * m * sizeof *series->value_counts);
    memset(series->counts + from, 0, n * sizeof *series->counts);
    memset(series->states + from, TFT_STATE_NONE, n);
}

static void drop_oldest(tft_series *series, size_t n)
{
    for (size_t i = 0; i < n; i++)
        series->n_known -= series->counts[i] > 0;
    shift_start(series, (ptrdiff_t)n);
}

/* How much room beside `needed` steps: as much again while small, an eighth when large or bounded. */
static size_t room_for(const tft_series *series, size_t needed)
{
    const bool bounded = series->max_steps != 0 && needed >= series->max_steps;
    return bounded ? needed / 8 + 8 : needed / 2 + 16;
}

static tft_status extend_forward(tft_series *series, size_t by, tft_error *err)
{
    if (series->front + series->n_steps + by > series->capacity) {
        const size_t needed = series->n_steps + by;
        const tft_status status = move_to(series, needed + room_for(series, needed), 0, err);
        if (status != TFT_OK)
            return status;
    }
    clear_steps(series, series->n_steps, by);
    series->n_steps += by;
    return TFT_OK;
}

static tft_status extend_backward(tft_series *series, size_t by, tft_error *err)
{
    if (by > series->front) {
        const size_t needed = series->n_steps + by;
        const size_t room = room_for(series, needed);
        const tft_status status = move_to(series, needed + 2 * room, by + room, err);
        if (status != TFT_OK)
            return status;
    }
    shift_start(series, -(ptrdiff_t)by);
    clear_steps(series, 0, by);
    return TFT_OK;
}

/* Makes the series cover `step`; *index is then its place, or −1 where it is older than what is kept.
 * On failure nothing has changed. */
static tft_status cover(tft_series *series, int64_t step, int64_t *index, tft_error *err)
{
    *index = tft_series_index(series, step);
    if (*index >= 0)
        return TFT_OK;
    const tft_series before = *series;
    const size_t max = series->max_steps != 0 ? series->max_steps : MAX_SPAN;
    const int64_t newest = series->first_step + (int64_t)series->n_steps - 1;

    if (series->n_steps == 0) {
        const tft_status status = series->capacity > 0 ? TFT_OK : move_to(series, max < 16 ? max : 16, 0, err);
        if (status != TFT_OK)
            return status;
        series->first_step = step;
    } else if (step < series->first_step) {
        const int64_t span = newest - step + 1;
        if (series->max_steps != 0 && span > (int64_t)max)
            return TFT_OK; // older than what is kept; *index is −1
        if (span > (int64_t)max)
            return tft_fail(err, TFT_ERR_LIMIT, "records span %lld steps, at most %d fit", (long long)span, MAX_SPAN);
        *index = 0;
        return extend_backward(series, (size_t)(series->first_step - step), err);
    } else {
        const int64_t span = step - series->first_step + 1;
        if (series->max_steps == 0 && span > (int64_t)max)
            return tft_fail(err, TFT_ERR_LIMIT, "records span %lld steps, at most %d fit", (long long)span, MAX_SPAN);
        if (step - newest >= (int64_t)max) { // nothing that is kept stays
            series->n_known = 0;
            shift_start(series, (ptrdiff_t)series->n_steps);
            shift_start(series, -(ptrdiff_t)series->front);
            series->n_steps = 0;
            series->first_step = step;
        } else if (span > (int64_t)max) {
            drop_oldest(series, (size_t)(span - (int64_t)max));
        }
    }
    const size_t by = (size_t)(step - series->first_step) + 1 - series->n_steps;
    const tft_status status = extend_forward(series, by, err);
    if (status == TFT_OK)
        *index = tft_series_index(series, step);
    else
        *series = before; // dropping only moved the start; what was dropped is still there
    return status;
}

static void put_state(tft_series *series, size_t i, tft_state state)
{
    series->states[i] = (uint8_t)tft_state_worse((tft_state)series->states[i], state);
    if (state != TFT_STATE_NONE && state != TFT_STATE_OFFLINE)
        series->labelled = true;
}

static void put_values(tft_series *series, size_t i, const double *values)
{
    const size_t m = series->n_metrics;
    for (size_t k = 0; k < m; k++) {
        if (isnan(values[k]))
            continue;
        const double value = values[k] > MAX_VALUE ? MAX_VALUE : values[k] < -MAX_VALUE ? -MAX_VALUE : values[k];
        float *const mean = &series->values[i * m + k];
        uint16_t *const n = &series->value_counts[i * m + k];
        if (*n == 0) {
            *n = 1;
            *mean = (float)value;
            continue;
        }
        if (*n < UINT16_MAX)
            ++*n;
        *mean = (float)((double)*mean + (value - (double)*mean) / (double)*n);
    }
}

tft_status tft_series_add(tft_series *series, int64_t step, const double *values, tft_state state, tft_error *err)
{
    int64_t at;
    const tft_status status = cover(series, step, &at, err);
    if (status != TFT_OK || at < 0)
        return status;
    const size_t i = (size_t)at;
    put_values(series, i, values);
    put_state(series, i, state);
    series->n_known += series->counts[i] == 0;
    if (series->counts[i] < UINT16_MAX)
        series->counts[i]++;
    return TFT_OK;
}

tft_status tft_series_fill(tft_series *series, int64_t step, const double *values, tft_state state, tft_error *err)
{
    int64_t at;
    const tft_status status = cover(series, step, &at, err);
    if (status != TFT_OK || at < 0)
        return status;
    put_values(series, (size_t)at, values);
    put_state(series, (size_t)at, state);
    return TFT_OK;
}

tft_status tft_series_set(tft_series *series, int64_t step, const float *means, const uint16_t *value_counts,
                          uint16_t count, tft_state state, tft_error *err)
{
    int64_t at;
    const tft_status status = cover(series, step, &at, err);
    if (status != TFT_OK || at < 0)
        return status;
    const size_t i = (size_t)at, m = series->n_metrics;
    for (size_t k = 0; k < m; k++) {
        const bool there = value_counts[k] > 0 && !isnan(means[k]);
        series->values[i * m + k] = there ? means[k] : NAN;
        series->value_counts[i * m + k] = there ? value_counts[k] : 0;
    }
    series->n_known += (size_t)(count > 0) - (size_t)(series->counts[i] > 0);
    series->counts[i] = count;
    series->states[i] = TFT_STATE_NONE;
    put_state(series, i, state);
    return TFT_OK;
}

tft_state tft_series_state(const tft_series *series, const tft_contract *contract, size_t index)
{
    assert(index < series->n_steps);
    const tft_state sent = (tft_state)series->states[index];
    return sent != TFT_STATE_NONE
               ? sent
               : tft_state_derive(contract, series->profile, series->values + index * series->n_metrics);
}
