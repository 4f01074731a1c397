/* judge_fit.c - see judge_fit.h. */
#include "train/judge_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "tft/judge.h"
#include "train/boost.h"
#include "train/sign_nets_fit.h"

#define MOST_OF_TROUBLED 160000.0 // windows of servers that had an incident
#define MOST_OF_OTHERS 100000.0
#define SHORT_HISTORY 0.1
#define BATCH ((size_t)4096) // windows between two looks at the clock and the user
#define PICK_STREAM UINT64_C(0x7069636b)

typedef struct pick {
    tft_origin origin;
    float weight;
    uint32_t event, at_risk; // after building; both 0 = says nothing
} pick;

typedef struct collecting {
    tft_trainer *t;
    size_t n, capacity, first; // first: of the batch under way
    pick *picks;
    float *signs; // [n, n_signs]
} collecting;

/* ---- which windows ------------------------------------------------------------------------------------------------- */

static tft_status stopped(tft_error *err)
{
    return tft_fail(err, TFT_ERR_STATE, "stopped before the first step: nothing was written");
}

static void find_troubled(const tft_trainer *t, uint8_t *troubled)
{
    for (size_t i = 0; i < t->dataset->n_servers; i++) {
        const tft_series *const s = &t->dataset->series[i];
        for (size_t k = 0; k < s->n_steps && !troubled[i]; k++) {
            troubled[i] = s->first_step + (int64_t)k <= t->split.last_step &&
                          tft_series_incident_starts(s, &t->dataset->contract, k);
        }
    }
}

static uint64_t length_of(const tft_origins *o, const tft_origin_group *g, size_t r)
{
    return o->runs[r].end - (r > g->first_run ? o->runs[r - 1].end : 0);
}

static tft_status pick_run(collecting *c, const tft_origins *o, size_t r, uint64_t length, size_t stride, double weight,
                           tft_error *err)
{
    const tft_series *const s = &c->t->dataset->series[o->runs[r].server];
    tft_rng rng =
        tft_rng_seeded(c->t->options->seed, PICK_STREAM + o->runs[r].server + ((uint64_t)o->runs[r].first << 32));
    for (uint64_t at = 0; at < length; at += stride) {
        const uint64_t here = at + tft_rng_below(&rng, stride);
        if (here >= length)
            break;
        if (c->n == c->capacity) {
            const size_t capacity = c->capacity == 0 ? 4096 : 2 * c->capacity;
            pick *const grown = realloc(c->picks, capacity * sizeof *grown);
            if (grown == NULL)
                return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu windows to judge by", capacity);
            c->picks = grown;
            c->capacity = capacity;
        }
        const tft_origin origin = {o->runs[r].server, s->first_step + (int64_t)(o->runs[r].first + here), o->last_step};
        c->picks[c->n++] = (pick){.origin = origin, .weight = (float)weight};
    }
    return TFT_OK;
}

/* The sets of origins to pick from, strides of the two kinds of server, and the least share of the draws that one origin has. */
typedef struct picking {
    const tft_origins *sets[2];
    size_t n_sets, stride[2];
    const uint8_t *troubled;
    double least;
} picking;

/* Share of the draws of one origin of group g: the group's, over its origins in all sets. */
static double share_of(const picking *p, size_t g)
{
    double n = 0;
    for (size_t i = 0; i < p->n_sets; i++)
        n += g < p->sets[i]->n_groups ? (double)p->sets[i]->groups[g].n : 0;
    return n > 0 ? p->sets[0]->groups[g].share / n : 0;
}

static tft_status pick_from(collecting *c, const picking *p, const tft_origins *o, tft_error *err)
{
    for (size_t g = 0; g < o->n_groups && g < p->sets[0]->n_groups; g++) {
        const tft_origin_group *const group = &o->groups[g];
        const double share = share_of(p, g);
        for (size_t r = group->first_run; r < group->first_run + group->n_runs && share > 0; r++) {
            const size_t stride = p->stride[p->troubled[o->runs[r].server] != 0];
            const double weight = (double)stride / (double)p->stride[1] * (share / p->least);
            const tft_status status = pick_run(c, o, r, length_of(o, group, r), stride, weight, err);
            if (status != TFT_OK)
                return status;
        }
    }
    return TFT_OK;
}

/* Weights are so that a window of the closest stride counts one, in the group whose windows count least. */
static tft_status pick_windows(collecting *c, const uint8_t *troubled, tft_error *err)
{
    const bool by_time = c->t->split.validation_from != INT64_MAX; // the same servers validate, later
    picking p = {.sets = {&c->t->origins, &c->t->validation_origins},
                 .n_sets = by_time ? 1 : 2,
                 .troubled = troubled,
                 .least = HUGE_VAL};
    double n[2] = {0, 0};
    for (size_t i = 0; i < p.n_sets; i++) {
        for (size_t g = 0; g < p.sets[i]->n_groups; g++) {
            const tft_origin_group *const group = &p.sets[i]->groups[g];
            for (size_t r = group->first_run; r < group->first_run + group->n_runs; r++)
                n[troubled[p.sets[i]->runs[r].server] != 0] += (double)length_of(p.sets[i], group, r);
        }
    }
    for (size_t g = 0; g < p.sets[0]->n_groups; g++)
        p.least = share_of(&p, g) > 0 ? fmin(p.least, share_of(&p, g)) : p.least;
    p.stride[1] = (size_t)(n[1] / MOST_OF_TROUBLED) + 1;
    p.stride[0] = (size_t)(n[0] / MOST_OF_OTHERS) + 1;
    p.stride[0] = p.stride[0] > p.stride[1] ? p.stride[0] : p.stride[1];
    for (size_t i = 0; i < p.n_sets; i++) {
        const tft_status status = pick_from(c, &p, p.sets[i], err);
        if (status != TFT_OK)
            return status;
    }
    return TFT_OK;
}

/* ---- their signs --------------------------------------------------------------------------------------------------- */

static void build(void *context, size_t i, size_t worker)
{
    collecting *const c = context;
    const tft_trainer *const t = c->t;
    const tft_contract *const contract = &t->dataset->contract;
    tft_slot *const slot = &t->slots[worker];
    pick *const p = &c->picks[c->first + i];
    const tft_series *const s = &t->dataset->series[p->origin.server];
    tft_rng rng = tft_rng_seeded(t->options->seed, PICK_STREAM ^ (uint64_t)(c->first + i) << 32);
    tft_window_view view = {0};
    if (tft_rng_uniform(&rng) < SHORT_HISTORY)
        view.history = 2 + tft_rng_below(&rng, 1 + tft_rng_below(&rng, contract->memory)); // short ones more often
    if (tft_series_in_incident(s, contract, (size_t)(p->origin.step - s->first_step)) ||
        !tft_sampling_build(&t->sampling, p->origin, &view, &t->samplers[worker], slot))
        return;
    p->event = slot->event_step;
    p->at_risk = slot->at_risk;
    memcpy(c->signs + (c->first + i) * t->config.n_signs, slot->window.signs, t->config.n_signs * sizeof(float));
}

static tft_status build_all(collecting *c, tft_judge_observer said, void *context, tft_error *err)
{
    for (c->first = 0; c->first < c->n; c->first += BATCH) {
        const size_t n = c->n - c->first < BATCH ? c->n - c->first : BATCH;
        tft_pool_run(c->t->pool, n, build, c);
        if (said != NULL && !said(context, 0.4 * (double)(c->first + n) / (double)c->n))
            return stopped(err);
    }
    size_t kept = 0; // those that say nothing go
    const size_t n_signs = c->t->config.n_signs;
    for (size_t i = 0; i < c->n; i++) {
        if (c->picks[i].event == 0 && c->picks[i].at_risk == 0)
            continue;
        c->picks[kept] = c->picks[i];
        memmove(c->signs + kept * n_signs, c->signs + i * n_signs, n_signs * sizeof(float));
        kept++;
    }
    c->n = kept;
    return TFT_OK;
}

/* ---- fitting ------------------------------------------------------------------------------------------------------- */

/* y and known [TFT_N_HORIZONS, n]; how many starts there are within the whole horizon. */
static size_t label(const collecting *c, uint8_t *y, uint8_t *known)
{
    size_t starts = 0;
    for (size_t k = 0; k < TFT_N_HORIZONS; k++) {
        const size_t h = tft_horizon_at(c->t->dataset->contract.horizon, k);
        for (size_t i = 0; i < c->n; i++) {
            const pick *const p = &c->picks[i];
            y[k * c->n + i] = p->event >= 1 && p->event <= h;
            known[k * c->n + i] = y[k * c->n + i] || p->at_risk >= h;
            starts += k + 1 == TFT_N_HORIZONS && y[k * c->n + i];
        }
    }
    return starts;
}

static tft_status grow_trees(const collecting *c, const tft_sign_rows *rows, float *weight, tft_trees *trees,
                             tft_judge_observer said, void *context, tft_error *err)
{
    tft_boost_options options = tft_boost_default();
    tft_boost_bins bins = {0};
    tft_status status = tft_boost_bins_make(c->signs, c->n, c->t->config.n_signs, &bins, err);
    options.n_trees = trees->n;
    for (size_t k = 0; k < TFT_N_HORIZONS && status == TFT_OK; k++) {
        for (size_t i = 0; i < c->n; i++)
            weight[i] = rows->known[k * c->n + i] ? rows->weight[i] : 0;
        options.seed = c->t->options->seed + k;
        status = tft_boost_fit(&bins, rows->y + k * c->n, weight, &options, c->t->pool, &trees->base[k],
                               trees->trees + k * trees->n, err);
        if (status == TFT_OK && said != NULL && !said(context, 0.4 + 0.4 * (double)(k + 1) / TFT_N_HORIZONS))
            status = stopped(err);
    }
    tft_boost_bins_free(&bins);
    return status;
}

/* A judge of what was collected; NULL where nothing starts. */
static tft_status fit(const collecting *c, tft_judge **made, tft_judge_observer said, void *context, tft_error *err)
{
    tft_trainer *const t = c->t;
    tft_judge *judge = NULL;
    uint8_t *const labels = malloc(tft_mul_sat(2 * TFT_N_HORIZONS, c->n));
    float *const weights = malloc(tft_mul_sat(2 * sizeof *weights, c->n));
    tft_status status = TFT_OK;
    *made = NULL;
    if (labels == NULL || weights == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for the labels of %zu windows", c->n);
        goto done;
    }
    uint8_t *const y = labels, *const known = labels + TFT_N_HORIZONS * c->n;
    if (label(c, y, known) == 0)
        goto done;
    for (size_t i = 0; i < c->n; i++)
        weights[i] = c->picks[i].weight;
    const tft_sign_rows rows = {c->n, c->signs, y, known, weights};
    status = tft_judge_open(t->options->trees, t->config.n_signs, &judge, err);
    if (status == TFT_OK)
        status = grow_trees(c, &rows, weights + c->n, judge->trees, said, context, err);
    if (status == TFT_OK)
        status = tft_sign_nets_fit(&rows, t->options->seed, t->pool, judge->nets, err);
    if (status == TFT_OK && said != NULL && !said(context, 1))
        status = stopped(err);
    if (status == TFT_OK) {
        *made = judge;
        judge = NULL;
    }
done:
    tft_judge_close(judge);
    free(labels);
    free(weights);
    return status;
}

tft_status tft_judge_fit(tft_trainer *t, tft_judge_observer said, void *context, tft_error *err)
{
    collecting c = {.t = t};
    tft_judge *judge = NULL;
    uint8_t *const troubled = calloc(t->dataset->n_servers, 1);
    tft_status status = TFT_OK;
    if (troubled == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for marks of %zu servers", t->dataset->n_servers);
        goto done;
    }
    find_troubled(t, troubled);
    status = pick_windows(&c, troubled, err);
    if (status != TFT_OK)
        goto done;
    c.signs = malloc(tft_mul_sat(c.n, t->config.n_signs * sizeof *c.signs));
    if (c.signs == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for the signs of %zu windows", c.n);
        goto done;
    }
    status = build_all(&c, said, context, err);
    if (status == TFT_OK && c.n > 0)
        status = fit(&c, &judge, said, context, err);
    if (status == TFT_OK && judge != NULL) {
        t->config.n_trees = judge->trees->n;
        tft_model_take_judge(t->average, judge);
    }
done:
    free(c.signs);
    free(c.picks);
    free(troubled);
    return status;
}
