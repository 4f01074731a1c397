/* dataset.c - see tft/dataset.h: the servers of a dataset, found by name, and the door through which records enter.
 *
 * Names are numbered by names.h; beside each series stand the instants it has heard (times.h), which is what makes a
 * repeated row count once.
 *
 * What a file can make us allocate is bounded: a million servers (names.h), 10 million steps a server (series.c), and
 * dataset.max_bytes for the steps of all.
 */
#include "tft/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "series/names.h"
#include "series/record.h"
#include "series/times.h"

#define MAX_SERIES_STEPS 10000000 // as series.c has it for series without a bound
#define DEFAULT_MAX_BYTES ((size_t)8 << 30)
#define MAX_TIME_MS INT64_C(253402300800000) // year 10000, as far as timestamps can be written

typedef struct dataset_index {
    tft_names names;  // dataset->names is names.texts
    tft_times *times; // [capacity of the dataset]
    size_t bytes;     // of the steps of all series, about
} dataset_index;

tft_status tft_dataset_open(const tft_contract *contract, tft_dataset *dataset, tft_error *err)
{
    memset(dataset, 0, sizeof *dataset);
    const tft_status status = tft_contract_check(contract, err);
    if (status != TFT_OK) {
        tft_error_prefix(err, "contract");
        return status;
    }
    dataset->contract = *contract;
    dataset->max_bytes = DEFAULT_MAX_BYTES;
    dataset->index = calloc(1, sizeof(dataset_index));
    if (dataset->index == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a dataset");
    return TFT_OK;
}

void tft_dataset_close(tft_dataset *dataset)
{
    if (dataset == NULL || dataset->index == NULL)
        return;
    dataset_index *const index = dataset->index;
    for (size_t i = 0; i < dataset->n_servers; i++) {
        tft_series_free(&dataset->series[i]);
        tft_times_free(&index->times[i]);
    }
    tft_names_free(&index->names);
    free(index->times);
    free(index);
    free(dataset->series);
    memset(dataset, 0, sizeof *dataset);
}

int64_t tft_dataset_find(const tft_dataset *dataset, const char *name, size_t n)
{
    const dataset_index *const index = dataset->index;
    return tft_names_find(&index->names, name, n);
}

/* Room in the two arrays for one more series. What was enlarged before a failure stays so. */
static tft_status reserve_series(tft_dataset *dataset, dataset_index *index, tft_error *err)
{
    if (dataset->n_servers < dataset->capacity)
        return TFT_OK;
    const size_t capacity = dataset->capacity == 0 ? 16 : dataset->capacity * 2;
    tft_series *const series = realloc(dataset->series, capacity * sizeof *series);
    if (series != NULL)
        dataset->series = series;
    tft_times *const times = realloc(index->times, capacity * sizeof *times);
    if (times != NULL)
        index->times = times;
    if (series == NULL || times == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the series of %zu servers", capacity);
    dataset->capacity = capacity;
    return TFT_OK;
}

/* Number of the server, made if it is new. */
static tft_status find_or_make(tft_dataset *dataset, dataset_index *index, const char *name, size_t n, size_t *server,
                               tft_error *err)
{
    tft_status status = reserve_series(dataset, index, err);
    if (status == TFT_OK)
        status = tft_names_add(&index->names, name, n, server, err);
    if (status != TFT_OK || *server < dataset->n_servers)
        return status;
    tft_series_init(&dataset->series[*server], dataset->contract.n_metrics, 0);
    dataset->series[*server].profile = tft_profile_of_name(name, n, NULL, 0);
    index->times[*server] = (tft_times){0};
    dataset->n_servers = index->names.n;
    dataset->names = index->names.texts;
    return TFT_OK;
}

/* Steps by which the series would have to grow to cover the step. */
static size_t growth(const tft_series *series, int64_t step)
{
    if (series->n_steps == 0)
        return 1;
    const int64_t newest = series->first_step + (int64_t)series->n_steps - 1;
    return (size_t)(step > newest ? step - newest : series->first_step > step ? series->first_step - step : 0);
}

tft_status tft_dataset_add(tft_dataset *dataset, const char *name, size_t n, int64_t time_ms, const double *values,
                           tft_state state, int profile, tft_error *err)
{
    dataset_index *const index = dataset->index;
    if (time_ms < -MAX_TIME_MS || time_ms >= MAX_TIME_MS)
        return tft_fail(err, TFT_ERR_ARGUMENT, "an instant of %lld ms is beyond the year 9999", (long long)time_ms);
    size_t server;
    tft_status status = find_or_make(dataset, index, name, n, &server, err);
    if (status != TFT_OK)
        return status;
    tft_series *const series = &dataset->series[server];
    const int64_t step = tft_floor_to(time_ms, dataset->contract.step_ms) / dataset->contract.step_ms;
    const size_t more = growth(series, step);
    if (more + series->n_steps > MAX_SERIES_STEPS)
        return tft_fail(err, TFT_ERR_FORMAT, "timestamp is more than %d steps away from the server's others",
                        MAX_SERIES_STEPS);
    const size_t step_bytes = series->n_metrics * (sizeof(float) + sizeof(uint16_t)) + sizeof(uint16_t) + 1;
    if (index->bytes > dataset->max_bytes || more * step_bytes > dataset->max_bytes - index->bytes)
        return tft_fail(err, TFT_ERR_LIMIT, "the steps of all servers would take more than %zu MiB",
                        dataset->max_bytes >> 20);
    bool is_new;
    status = tft_times_add(&index->times[server], time_ms, &is_new, err);
    if (status != TFT_OK || !is_new)
        return status;
    if (profile >= 0 && profile < TFT_N_PROFILES)
        series->profile = (tft_profile)profile;
    status = tft_series_add(series, step, values, state, err);
    if (status == TFT_OK)
        index->bytes += more * step_bytes;
    return status;
}

static void swap_servers(tft_dataset *dataset, dataset_index *index, size_t a, size_t b)
{
    char *const name = dataset->names[a];
    dataset->names[a] = dataset->names[b];
    dataset->names[b] = name;
    const tft_series series = dataset->series[a];
    dataset->series[a] = dataset->series[b];
    dataset->series[b] = series;
    const tft_times times = index->times[a];
    index->times[a] = index->times[b];
    index->times[b] = times;
}

/* Lets server `root` sink to its place in the heap [0, n), the greatest name on top. */
static void sink(tft_dataset *dataset, dataset_index *index, size_t root, size_t n)
{
    for (size_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
        if (child + 1 < n && strcmp(dataset->names[child], dataset->names[child + 1]) < 0)
            child++;
        if (strcmp(dataset->names[root], dataset->names[child]) >= 0)
            return;
        swap_servers(dataset, index, root, child);
        root = child;
    }
}

/* Heapsort: three arrays move together, in place, so that sorting cannot fail. */
void tft_dataset_sort(tft_dataset *dataset)
{
    dataset_index *const index = dataset->index;
    const size_t n = dataset->n_servers;
    if (n < 2)
        return;
    for (size_t root = n / 2; root-- > 0;)
        sink(dataset, index, root, n);
    for (size_t left = n - 1; left > 0; left--) {
        swap_servers(dataset, index, 0, left);
        sink(dataset, index, 0, left);
    }
    tft_names_reorder(&index->names);
}
