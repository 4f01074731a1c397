/* report.c - see report.h. */
#include "track/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/reader.h"

typedef struct adding {
    const track_query *query;
    int (*profile_of)(void *context, int64_t server);
    void *context;
    track_report *report;
    size_t capacity;  // groups
    uint32_t *places; // [n_places] open addressing: group + 1, 0 = free; n_places is a power of two
    size_t n_places;
    bool too_many, no_memory;
} adding;

static uint64_t hash_of(const track_group *key)
{
    uint64_t hash = UINT64_C(1469598103934665603); // FNV-1a
    for (const char *c = key->model; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    hash = (hash ^ (uint64_t)key->group) * UINT64_C(1099511628211);
    hash = (hash ^ (uint64_t)(key->metric + 2)) * UINT64_C(1099511628211);
    return hash ^ hash >> 29;
}

static bool same(const track_group *a, const track_group *b)
{
    return a->group == b->group && a->metric == b->metric && strcmp(a->model, b->model) == 0;
}

static bool grow(adding *a)
{
    const size_t capacity = a->capacity > 0 ? 2 * a->capacity : 64, n_places = 4 * capacity;
    track_group *const groups = realloc(a->report->groups, capacity * sizeof *groups);
    if (groups != NULL)
        a->report->groups = groups;
    uint32_t *const places = groups != NULL ? calloc(n_places, sizeof *places) : NULL;
    if (places == NULL)
        return false;
    for (size_t g = 0; g < a->report->n; g++) {
        size_t at = hash_of(&groups[g]) & (n_places - 1);
        while (places[at] != 0)
            at = (at + 1) & (n_places - 1);
        places[at] = (uint32_t)g + 1;
    }
    free(a->places);
    a->places = places;
    a->n_places = n_places;
    a->capacity = capacity;
    return true;
}

/* The group of this key, made where there is none; NULL where there is no room. */
static track_group *group_of(adding *a, const track_group *key)
{
    if (a->report->n == a->capacity && !grow(a)) {
        a->no_memory = true;
        return NULL;
    }
    size_t at = hash_of(key) & (a->n_places - 1);
    for (; a->places[at] != 0; at = (at + 1) & (a->n_places - 1)) {
        if (same(&a->report->groups[a->places[at] - 1], key))
            return &a->report->groups[a->places[at] - 1];
    }
    if (a->report->n == TRACK_MAX_GROUPS) {
        a->too_many = true;
        return NULL;
    }
    a->report->groups[a->report->n] = *key;
    a->places[at] = (uint32_t)++a->report->n;
    return &a->report->groups[a->report->n - 1];
}

static void add_row(void *context, const store_score *row)
{
    adding *const a = context;
    const track_query *const q = a->query;
    if (!track_sums_fit(row->metric, row->n) || (q->server >= 0 && row->group != q->server) ||
        (q->metric >= 0 && row->metric >= 0 && row->metric != q->metric) || a->too_many || a->no_memory)
        return;
    track_group key = {.metric = row->metric, .group = TRACK_EVERY};
    if (q->by_model)
        memcpy(key.model, row->model, sizeof key.model);
    if (q->by_server || q->by_profile) {
        const int profile = row->group < 0 ? (int)(-1 - row->group) : a->profile_of(a->context, row->group);
        if (profile < 0)
            return; // gone meanwhile
        key.group = q->by_server ? row->group : -1 - (int64_t)profile;
    }
    track_group *const group = group_of(a, &key);
    for (size_t i = 0; group != NULL && i < row->n; i++)
        group->sums[i] += (double)row->sums[i];
}

static int compare(const void *left, const void *right)
{
    const track_group *const a = left, *const b = right;
    const unsigned x = (unsigned)a->metric, y = (unsigned)b->metric; // −1 comes last
    if (x != y)
        return x < y ? -1 : 1;
    const int models = strcmp(a->model, b->model);
    return models != 0 ? models : a->group < b->group ? -1 : a->group > b->group;
}

tft_status track_report_make(const char *dir, const tft_contract *contract, const track_query *query,
                             int (*profile_of)(void *context, int64_t server), void *context, track_report *report,
                             tft_error *err)
{
    adding a = {.query = query, .profile_of = profile_of, .context = context, .report = report};
    store_reader *reader = NULL;
    *report = (track_report){.from_ms = tft_floor_to(query->from_ms, TRACK_BUCKET_MS),
                             .to_ms = tft_floor_to(query->to_ms - 1, TRACK_BUCKET_MS) + TRACK_BUCKET_MS,
                             .scored_ms = INT64_MIN};
    tft_status status = store_reader_open(dir, contract, &reader, err);
    if (status == TFT_OK)
        status = store_reader_scores(reader, report->from_ms, report->to_ms, add_row, &a, err);
    if (status == TFT_OK)
        report->scored_ms = store_reader_scored(reader);
    store_reader_close(reader);
    free(a.places);
    if (status == TFT_OK && a.no_memory)
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for a report of %zu groups", a.capacity);
    if (status == TFT_OK && a.too_many)
        status = tft_fail(err, TFT_ERR_LIMIT, "more than %d groups", TRACK_MAX_GROUPS);
    if (status != TFT_OK)
        track_report_free(report);
    else if (report->n > 1)
        qsort(report->groups, report->n, sizeof *report->groups, compare);
    return status;
}

void track_report_free(track_report *report)
{
    free(report->groups);
    *report = (track_report){0};
}

double track_skill_of(const double *sums, size_t band, const char **best)
{
    double least = HUGE_VAL;
    if (best != NULL)
        *best = NULL;
    for (size_t f = 1; f < TRACK_N_FORECASTERS; f++) {
        const score_sums simple = track_sums_of(sums, band, f);
        const double crps = score_crps(&simple); // NaN is below nothing
        if (crps < least) {
            least = crps;
            if (best != NULL)
                *best = track_baseline_names[f - 1];
        }
    }
    const score_sums ours = track_sums_of(sums, band, 0);
    return isfinite(least) && least > 0.0 ? 1.0 - score_crps(&ours) / least : (double)NAN;
}
