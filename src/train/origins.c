/* origins.c - see origins.h. */
#include "train/origins.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static tft_status add_run(tft_origins *o, uint32_t server, size_t first, uint64_t count, tft_error *err)
{
    if (o->n_runs == o->capacity) {
        const size_t capacity = o->capacity == 0 ? 1024 : 2 * o->capacity;
        tft_run *const runs = realloc(o->runs, capacity * sizeof *runs);
        if (runs == NULL)
            return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu runs of origins", capacity);
        o->runs = runs;
        o->capacity = capacity;
    }
    tft_origin_group *const group = &o->groups[o->n_groups - 1];
    group->n += count;
    group->n_runs++;
    o->runs[o->n_runs++] = (tft_run){.server = server, .first = (uint32_t)first, .end = group->n};
    o->n += count;
    return TFT_OK;
}

static bool has_target(const tft_contract *contract, const tft_series *s, size_t i)
{
    const size_t n_targets = tft_contract_targets(contract);
    for (size_t m = 0; m < n_targets; m++) {
        if (!isnan(s->values[i * s->n_metrics + m]))
            return s->states[i] != TFT_STATE_OFFLINE;
    }
    return false;
}

/* Walks a series backwards once for "what lies ahead" (`good`), then forwards for "what lies behind". */
static tft_status find_in_series(const tft_dataset *dataset, uint32_t server, const tft_origin_filter *f, uint8_t *good,
                                 tft_origins *o, tft_error *err)
{
    const tft_contract *const c = &dataset->contract;
    const tft_series *const s = &dataset->series[server];
    if (s->n_steps == 0 || f->last_step <= s->first_step)
        return TFT_OK;
    const int64_t beyond = f->last_step - s->first_step; // index of the last step that may be looked at
    const size_t end = beyond < (int64_t)s->n_steps - 1 ? (size_t)beyond + 1 : s->n_steps;
    size_t next_target = SIZE_MAX, next_incident = SIZE_MAX;
    for (size_t i = end; i-- > 0;) {
        const bool target_ahead = next_target != SIZE_MAX && next_target - i <= c->horizon;
        const bool incident_ahead = next_incident != SIZE_MAX && next_incident - i <= c->horizon;
        good[i] = target_ahead && (!f->incident_ahead || incident_ahead);
        if (has_target(c, s, i))
            next_target = i;
        if (f->incident_ahead && tft_series_incident_starts(s, c, i))
            next_incident = i;
    }
    size_t known = 0, run = 0; // known steps inside the context; length of the run that ends before i
    tft_status status = TFT_OK;
    for (size_t i = 0; i < end && status == TFT_OK; i++) {
        known += s->counts[i] > 0;
        if (i >= c->context)
            known -= s->counts[i - c->context] > 0;
        const bool is_origin = good[i] && known >= 2 && s->counts[i] > 0 && s->states[i] != TFT_STATE_OFFLINE &&
                               s->first_step + (int64_t)i >= f->first_step;
        if (is_origin)
            run++;
        if (run > 0 && (!is_origin || i + 1 == end)) {
            status = add_run(o, server, is_origin ? i + 1 - run : i - run, run, err);
            run = 0;
        }
    }
    return status;
}

static void settle_shares(tft_origins *o, const double *wanted)
{
    double sum = 0;
    for (size_t g = 0; g < o->n_groups; g++) {
        o->groups[g].share = o->groups[g].n == 0 ? 0 : wanted != NULL ? wanted[g] : (double)o->groups[g].n;
        sum += o->groups[g].share;
    }
    for (size_t g = 0; g < o->n_groups && sum > 0; g++)
        o->groups[g].share /= sum;
}

tft_status tft_origins_find(const tft_dataset *dataset, const tft_split *split, const tft_origin_filter *filter,
                            tft_origins *origins, tft_error *err)
{
    const size_t n_groups = filter->group_of != NULL ? filter->n_groups : 1;
    tft_status status = TFT_OK;
    size_t longest = 0;
    uint8_t *good = NULL;
    *origins = (tft_origins){.dataset = dataset, .last_step = filter->last_step};
    for (size_t i = 0; i < dataset->n_servers; i++)
        longest = dataset->series[i].n_steps > longest ? dataset->series[i].n_steps : longest;
    good = malloc(longest + 1);
    origins->groups = calloc(n_groups, sizeof *origins->groups);
    if (good == NULL || origins->groups == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for the origins of %zu servers", dataset->n_servers);
        goto done;
    }
    for (size_t g = 0; g < n_groups; g++) {
        origins->groups[origins->n_groups++].first_run = origins->n_runs;
        for (size_t i = 0; i < dataset->n_servers; i++) {
            if (split->roles[i] != filter->role || (filter->group_of != NULL && filter->group_of[i] != g))
                continue;
            status = find_in_series(dataset, (uint32_t)i, filter, good, origins, err);
            if (status != TFT_OK)
                goto done;
        }
    }
    settle_shares(origins, filter->group_share);
done:
    free(good);
    if (status != TFT_OK)
        tft_origins_free(origins);
    return status;
}

void tft_origins_free(tft_origins *origins)
{
    free(origins->runs);
    free(origins->groups);
    *origins = (tft_origins){0};
}

tft_origin tft_origins_draw(const tft_origins *o, tft_rng *rng)
{
    assert(o->n > 0);
    double u = tft_rng_uniform(rng);
    size_t g = 0, last = 0;
    for (; g < o->n_groups; g++) { // the last group with a share takes what rounding leaves
        if (o->groups[g].share <= 0)
            continue;
        last = g;
        if (u < o->groups[g].share)
            break;
        u -= o->groups[g].share;
    }
    const tft_origin_group *const group = &o->groups[g < o->n_groups ? g : last];
    const uint64_t k = tft_rng_below(rng, (size_t)group->n);
    const tft_run *const runs = o->runs + group->first_run;
    size_t low = 0, high = group->n_runs - 1; // the first run whose end is beyond k
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (runs[middle].end > k)
            high = middle;
        else
            low = middle + 1;
    }
    const uint64_t before = low == 0 ? 0 : runs[low - 1].end;
    const tft_series *const s = &o->dataset->series[runs[low].server];
    return (tft_origin){.server = runs[low].server,
                        .step = s->first_step + (int64_t)runs[low].first + (int64_t)(k - before),
                        .last_step = o->last_step};
}
