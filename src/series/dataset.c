/* dataset.c - see tft/dataset.h: the servers of a dataset, found by name, and the door through which records enter.
 *
 * Servers are found by a hash table of indices (open addressing, FNV-1a over the bytes of the name); rows of a file
 * nearly always follow rows of the same server, so the last one found is tried first. Beside each series stand the
 * instants it has heard (times.h), which is what makes a repeated row count once.
 *
 * What a file can make us allocate is bounded: TFT_MAX_DATASET_SERVERS servers, 10 million steps a server (series.c),
 * and dataset.max_bytes for the steps of all.
 */
#include "tft/dataset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "series/record.h"
#include "series/times.h"

#define TFT_MAX_DATASET_SERVERS 1000000
#define MAX_SERIES_STEPS 10000000 // as series.c has it for series without a bound
#define DEFAULT_MAX_BYTES ((size_t)8 << 30)
#define MAX_TIME_MS INT64_C(253402300800000) // year 10000, as far as timestamps can be written

typedef struct dataset_index {
    size_t n_slots;   // a power of two, at least twice the servers
    uint32_t *slots;  // server + 1; 0 = empty
    size_t last;      // the server found last
    tft_times *times; // [capacity of the dataset]
    size_t bytes;     // of the steps of all series, about
} dataset_index;

static uint64_t hash_name(const char *name, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

static bool same_name(const char *stored, const char *name, size_t n)
{
    return strnlen(stored, n + 1) == n && memcmp(stored, name, n) == 0;
}

tft_status tft_dataset_open(const tft_contract *contract, tft_dataset *dataset, tft_error *err)
{
    memset(dataset, 0, sizeof *dataset);
    const tft_status status = tft_contract_check(contract, err);
    if (status != TFT_OK)
        return tft_error_prefix(err, "contract"), status;
    dataset->contract = *contract;
    dataset->max_bytes = DEFAULT_MAX_BYTES;
    dataset->index = calloc(1, sizeof(dataset_index));
    if (dataset->index == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a dataset");
    return TFT_OK;
}

void tft_dataset_close(tft_dataset *dataset)
{
    if (dataset == NULL)
        return;
    dataset_index *const index = dataset->index;
    for (size_t i = 0; i < dataset->n_servers; i++) {
        free(dataset->names[i]);
        tft_series_free(&dataset->series[i]);
        tft_times_free(&index->times[i]);
    }
    if (index != NULL) {
        free(index->slots);
        free(index->times);
    }
    free(index);
    free(dataset->names);
    free(dataset->series);
    memset(dataset, 0, sizeof *dataset);
}

/* The slot of the name, or the empty one where it belongs; there is always one. */
static size_t slot_of(const tft_dataset *dataset, const dataset_index *index, const char *name, size_t n)
{
    size_t at = (size_t)hash_name(name, n) & (index->n_slots - 1);
    while (index->slots[at] != 0 && !same_name(dataset->names[index->slots[at] - 1], name, n))
        at = (at + 1) & (index->n_slots - 1);
    return at;
}

static void fill_slots(const tft_dataset *dataset, dataset_index *index)
{
    memset(index->slots, 0, index->n_slots * sizeof *index->slots);
    for (size_t i = 0; i < dataset->n_servers; i++)
        index->slots[slot_of(dataset, index, dataset->names[i], strlen(dataset->names[i]))] = (uint32_t)(i + 1);
    index->last = 0;
}

int64_t tft_dataset_find(const tft_dataset *dataset, const char *name, size_t n)
{
    const dataset_index *const index = dataset->index;
    if (dataset->n_servers == 0)
        return -1;
    return (int64_t)index->slots[slot_of(dataset, index, name, n)] - 1;
}

/* Room for one more server in the three arrays and the table. What was enlarged before a failure stays so. */
static tft_status reserve_server(tft_dataset *dataset, dataset_index *index, tft_error *err)
{
    if (dataset->n_servers == TFT_MAX_DATASET_SERVERS)
        return tft_fail(err, TFT_ERR_LIMIT, "more than %d servers", TFT_MAX_DATASET_SERVERS);
    if (dataset->n_servers < dataset->capacity)
        return TFT_OK;
    const size_t capacity = dataset->capacity == 0 ? 16 : dataset->capacity * 2;
    char **const names = realloc(dataset->names, capacity * sizeof *names);
    if (names != NULL)
        dataset->names = names;
    tft_series *const series = realloc(dataset->series, capacity * sizeof *series);
    if (series != NULL)
        dataset->series = series;
    tft_times *const times = realloc(index->times, capacity * sizeof *times);
    if (times != NULL)
        index->times = times;
    uint32_t *const slots = malloc(2 * capacity * sizeof *slots);
    if (names == NULL || series == NULL || times == NULL || slots == NULL) {
        free(slots);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu servers", capacity);
    }
    free(index->slots);
    index->slots = slots;
    index->n_slots = 2 * capacity;
    dataset->capacity = capacity;
    fill_slots(dataset, index);
    return TFT_OK;
}

static tft_status new_server(tft_dataset *dataset, dataset_index *index, const char *name, size_t n, tft_error *err)
{
    tft_fault fault;
    if (!tft_record_name_ok(name, n, &fault))
        return tft_fail(err, TFT_ERR_FORMAT, "%s", fault.reason);
    const tft_status status = reserve_server(dataset, index, err);
    if (status != TFT_OK)
        return status;
    char *const copy = malloc(n + 1);
    if (copy == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a server's name");
    memcpy(copy, name, n);
    copy[n] = '\0';
    const size_t i = dataset->n_servers;
    dataset->names[i] = copy;
    tft_series_init(&dataset->series[i], dataset->contract.n_metrics, 0);
    dataset->series[i].profile = tft_profile_of_name(name, n, NULL, 0);
    index->times[i] = (tft_times){0};
    index->slots[slot_of(dataset, index, name, n)] = (uint32_t)(i + 1);
    dataset->n_servers++;
    index->last = i;
    return TFT_OK;
}

/* Points index->last at the server, made if it is new. */
static tft_status find_or_make(tft_dataset *dataset, dataset_index *index, const char *name, size_t n, tft_error *err)
{
    if (dataset->n_servers > 0 && same_name(dataset->names[index->last], name, n))
        return TFT_OK;
    const int64_t found = tft_dataset_find(dataset, name, n);
    if (found < 0)
        return new_server(dataset, index, name, n, err);
    index->last = (size_t)found;
    return TFT_OK;
}

static size_t series_step_bytes(const tft_series *series)
{
    return series->n_metrics * (sizeof(float) + sizeof(uint16_t)) + sizeof(uint16_t) + sizeof(uint8_t);
}

/* Bytes that the series would have to grow by to cover the step. */
static size_t growth(const tft_series *series, int64_t step)
{
    const size_t step_bytes = series_step_bytes(series);
    if (series->n_steps == 0)
        return step_bytes;
    const int64_t newest = series->first_step + (int64_t)series->n_steps - 1;
    const int64_t more = step > newest ? step - newest : series->first_step > step ? series->first_step - step : 0;
    return tft_mul_sat((size_t)more, step_bytes);
}

tft_status tft_dataset_add(tft_dataset *dataset, const char *name, size_t n, int64_t time_ms, const double *values,
                           tft_state state, int profile, tft_error *err)
{
    dataset_index *const index = dataset->index;
    if (time_ms < -MAX_TIME_MS || time_ms >= MAX_TIME_MS)
        return tft_fail(err, TFT_ERR_ARGUMENT, "an instant of %lld ms is beyond the year 9999", (long long)time_ms);
    tft_status status = find_or_make(dataset, index, name, n, err);
    if (status != TFT_OK)
        return status;
    tft_series *const series = &dataset->series[index->last];
    const int64_t step = tft_floor_to(time_ms, dataset->contract.step_ms) / dataset->contract.step_ms;
    const size_t more = growth(series, step);
    if (more / series_step_bytes(series) + series->n_steps > MAX_SERIES_STEPS)
        return tft_fail(err, TFT_ERR_FORMAT, "timestamp is more than %d steps away from the server's others",
                        MAX_SERIES_STEPS);
    if (index->bytes > dataset->max_bytes || more > dataset->max_bytes - index->bytes)
        return tft_fail(err, TFT_ERR_LIMIT, "the steps of all servers would take more than %zu MiB",
                        dataset->max_bytes >> 20);
    bool is_new;
    status = tft_times_add(&index->times[index->last], time_ms, &is_new, err);
    if (status != TFT_OK || !is_new)
        return status;
    if (profile >= 0 && profile < TFT_N_PROFILES)
        series->profile = (tft_profile)profile;
    status = tft_series_add(series, step, values, state, err);
    if (status == TFT_OK)
        index->bytes += more;
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
    fill_slots(dataset, index);
}
