/* sampling.c - see sampling.h. */
#include "train/sampling.h"

#include <math.h>
#include <string.h>

/* A whole number in low … high, its logarithm uniform: as many of one to ten as of ten to a hundred. */
static size_t log_uniform(tft_rng *rng, size_t low, size_t high)
{
    if (high <= low)
        return low;
    const double span = log((double)(high + 1) / (double)low);
    const size_t x = (size_t)((double)low * exp(span * tft_rng_uniform(rng)));
    return x < low ? low : x > high ? high : x;
}

static void hide_stretches(const tft_contract *c, tft_rng *rng, uint8_t *hidden)
{
    const size_t n = 1 + tft_rng_below(rng, 3), memory = c->memory;
    const size_t context = c->context < memory ? c->context : memory;
    memset(hidden, 0, memory);
    for (size_t k = 0; k < n; k++) {
        const size_t length = log_uniform(rng, 1, context > 3 ? context / 2 : 1);
        const double where = tft_rng_uniform(rng); // at the newest step, inside the context, anywhere in memory
        const size_t first = where < 0.3 ? 0 : tft_rng_below(rng, where < 0.8 ? context : memory);
        memset(hidden + first, 1, length < memory - first ? length : memory - first);
    }
}

static uint32_t hide_metrics(const tft_contract *c, tft_rng *rng)
{
    const size_t n_targets = tft_contract_targets(c);
    const uint32_t all_targets = n_targets >= 32 ? UINT32_MAX : (1u << n_targets) - 1;
    uint32_t hidden = 0;
    for (size_t m = 0; m < c->n_metrics; m++) {
        if (tft_rng_uniform(rng) * (double)c->n_metrics < 1)
            hidden |= 1u << m;
    }
    return (hidden & all_targets) == all_targets ? 0 : hidden;
}

static tft_window_view draw_view(const tft_sampling *s, tft_rng *rng, uint8_t *hidden)
{
    const tft_contract *const c = &s->dataset->contract;
    tft_window_view view = {0};
    if (tft_rng_uniform(rng) < s->short_history_share)
        view.history = log_uniform(rng, 2, c->memory);
    if (tft_rng_uniform(rng) < s->masked_share) {
        hide_stretches(c, rng, hidden);
        view.hidden = hidden;
    }
    if (tft_rng_uniform(rng) < s->partial_share)
        view.newest_fill = 0.02 + 0.98 * tft_rng_uniform(rng);
    if (tft_rng_uniform(rng) < s->hidden_metric_share)
        view.metrics_hidden = hide_metrics(c, rng);
    view.seed = tft_rng_next(rng);
    return view;
}

/* Whether the window, as shown, holds any value of metric m; one that it never saw has no scale to be scored in. */
static bool is_seen(const tft_contract *c, const tft_series *series, int64_t origin, const tft_window_view *view,
                    size_t m)
{
    const size_t memory = view->history != 0 && view->history < c->memory ? view->history : c->memory;
    const int64_t newest = origin - series->first_step;
    if (view->metrics_hidden & (1u << m))
        return false;
    for (size_t back = 0; back < memory; back++) {
        const int64_t i = newest - (int64_t)back;
        if (i < 0)
            return false;
        if (i < (int64_t)series->n_steps && (view->hidden == NULL || !view->hidden[back]) &&
            !isnan(series->values[(size_t)i * series->n_metrics + m]))
            return true;
    }
    return false;
}

static void weigh_cells(const tft_sampling *s, tft_origin origin, const tft_window_view *view, tft_slot *slot)
{
    const tft_contract *const c = &s->dataset->contract;
    const size_t n_targets = tft_contract_targets(c);
    for (size_t m = 0; m < n_targets; m++) {
        const double scale = (double)slot->window.target_scale[2 * m + 1];
        double weight = s->mean_scale[m] > 0 ? pow(scale / s->mean_scale[m], s->scale_power[m]) : 1;
        weight = weight < TFT_MAX_CELL_WEIGHT ? weight : TFT_MAX_CELL_WEIGHT;
        if (!is_seen(c, &s->dataset->series[origin.server], origin.step, view, m))
            weight = 0;
        for (size_t t = 0; t < c->horizon; t++)
            slot->cell_weight[t * n_targets + m] *= (float)weight;
    }
}

bool tft_sampling_build(const tft_sampling *s, tft_origin origin, const tft_window_view *view, tft_sampler *sampler,
                        tft_slot *slot)
{
    const tft_contract *const c = &s->dataset->contract;
    const tft_series *const series = &s->dataset->series[origin.server];
    slot->ok =
        tft_window_build(c, s->config, series, origin.step, view, sampler->scratch, &slot->window, NULL) == TFT_OK;
    if (!slot->ok)
        return false;
    tft_window_truth(c, series, origin.step, origin.last_step, slot->window.target_scale, slot->target_scaled,
                     slot->cell_weight, &slot->event_step, &slot->at_risk);
    weigh_cells(s, origin, view, slot);
    return true;
}

bool tft_sampling_window(const tft_sampling *s, uint64_t k, tft_sampler *sampler, tft_slot *slot)
{
    static const tft_window_view plain = {0};
    tft_rng rng = tft_rng_seeded(s->seed, k);
    for (size_t attempt = 0; attempt < 64; attempt++) {
        const bool want_incident = tft_rng_uniform(&rng) < s->incident_share;
        const tft_origins *const from =
            want_incident && s->incidents != NULL && s->incidents->n > 0 ? s->incidents : s->origins;
        const tft_origin origin = tft_origins_draw(from, &rng);
        const tft_window_view view = draw_view(s, &rng, sampler->hidden);
        if (tft_sampling_build(s, origin, &view, sampler, slot) || tft_sampling_build(s, origin, &plain, sampler, slot))
            return true;
    }
    return false;
}
