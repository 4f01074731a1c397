/* past.c - see past.h.
 *
 * The newest step is usually not over when a forecast is made; its mean is over fewer records than the others'. Training
 * data has only whole steps, so view.newest_fill makes a stand-in: the mean over a share f of a step scatters around the
 * mean over all of it about as much as neighbouring steps differ, less as f grows:
 *     value += N(0, 1) · (1 − f) · 0.7 · median |step-to-step change over the last 12 steps|
 * and the input `newest_fill` is f. On live data it is (records in the newest step) ÷ (median records of the dozen known
 * steps before), at most 1.
 */
#include "series/past.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "series/lanes.h"

#define RECENT 12 // steps over which noise and usual record counts are measured
#define FILL_NOISE 0.7

typedef float floats __attribute__((vector_size(4 * sizeof(float))));

size_t tft_past_length(const tft_contract *contract)
{
    const tft_pace pace = tft_pace_of(contract->step_ms);
    const size_t lags = (contract->horizon / pace.day + 2) * pace.day;
    size_t n = pace.week + pace.day;
    n = contract->context > n ? contract->context : n;
    n = lags > n ? lags : n;
    return n < contract->memory ? n : contract->memory;
}

void tft_past_layout(tft_past *past, const tft_contract *contract, tft_arena *arena)
{
    const size_t n = tft_past_length(contract), m = contract->n_metrics;
    past->n = n;
    past->values = tft_arena_floats(arena, n * m + TFT_PAST_SPARE);
    past->columns = tft_arena_floats(arena, n * m);
    past->counts = tft_arena_alloc(arena, n, sizeof *past->counts);
    past->states = tft_arena_alloc(arena, n, sizeof *past->states);
}

static void blank(tft_past *past, size_t m, size_t from, size_t to)
{
    for (size_t i = from * m; i < to * m; i++)
        past->values[i] = NAN;
    memset(past->counts + from, 0, (to - from) * sizeof *past->counts);
    memset(past->states + from, TFT_STATE_NONE, to - from);
}

/* Copies what the series has of [origin − n + 1, origin]; the rest stays blank. */
static void copy_steps(tft_past *past, const tft_series *series, int64_t origin)
{
    const size_t m = series->n_metrics, n = past->n;
    const int64_t oldest = origin - (int64_t)n + 1;
    const int64_t end = series->first_step + (int64_t)series->n_steps; // one past the newest
    int64_t from = series->first_step > oldest ? series->first_step : oldest;
    int64_t to = end < origin + 1 ? end : origin + 1;
    if (series->n_steps == 0 || from >= to)
        from = to = oldest;
    const size_t at = (size_t)(from - oldest), count = (size_t)(to - from);
    blank(past, m, 0, at);
    blank(past, m, at + count, n);
    if (count == 0)
        return;
    const size_t source = (size_t)(from - series->first_step);
    memcpy(past->values + at * m, series->values + source * m, count * m * sizeof *past->values);
    memcpy(past->counts + at, series->counts + source, count * sizeof *past->counts);
    memcpy(past->states + at, series->states + source, count);
}

/* A metric that is never reported: and a step that holds nothing else was never a record. */
static void hide_metrics(tft_past *past, size_t m, uint32_t hidden)
{
    for (size_t i = 0; i < past->n; i++) {
        bool any = false;
        for (size_t k = 0; k < m; k++) {
            if ((hidden >> k & 1u) != 0)
                past->values[i * m + k] = NAN;
            any = any || !isnan(past->values[i * m + k]);
        }
        if (!any && past->states[i] != TFT_STATE_OFFLINE && past->states[i] != TFT_STATE_MAINTENANCE)
            blank(past, m, i, i + 1);
    }
}

static void sort_small(float *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const float v = x[i];
        size_t k = i;
        for (; k > 0 && x[k - 1] > v; k--)
            x[k] = x[k - 1];
        x[k] = v;
    }
}

static float median_small(float *x, size_t n)
{
    sort_small(x, n);
    return n % 2 == 1 ? x[n / 2] : 0.5f * (x[n / 2 - 1] + x[n / 2]);
}

/* Makes the newest step look as if only `fill` of it had passed. */
static void make_partial(tft_past *past, const tft_contract *contract, double fill, uint64_t seed)
{
    const size_t m = contract->n_metrics, last = past->n - 1;
    tft_rng rng = tft_rng_seeded(seed, 0x66696c6c);
    for (size_t k = 0; k < m; k++) {
        const double noise = tft_rng_normal(&rng); // drawn for missing metrics too: streams do not shift
        float changes[RECENT];
        size_t n = 0;
        for (size_t i = past->n > RECENT ? past->n - RECENT : 1; i < past->n; i++) {
            const float change = fabsf(past->values[i * m + k] - past->values[(i - 1) * m + k]);
            if (!isnan(change))
                changes[n++] = change;
        }
        float *const value = &past->values[last * m + k];
        if (isnan(*value) || n == 0)
            continue;
        const double made = (double)*value + noise * (1.0 - fill) * FILL_NOISE * (double)median_small(changes, n);
        const tft_metric *const metric = &contract->metrics[k];
        *value = (float)(made < metric->min ? metric->min : made > metric->max ? metric->max : made);
    }
}

/* Share of the newest step that has passed, by its record count. */
static float measured_fill(const tft_past *past)
{
    float counts[RECENT];
    size_t n = 0;
    const size_t last = past->n - 1;
    for (size_t back = 1; back <= last && back <= RECENT; back++) {
        if (past->counts[last - back] > 0)
            counts[n++] = past->counts[last - back];
    }
    if (n == 0 || past->counts[last] == 0)
        return 1.0f;
    const float usual = median_small(counts, n);
    return past->counts[last] < usual ? (float)past->counts[last] / usual : 1.0f;
}

/* Four metrics, from `first` on as far as there are so many: rows of them become columns, four steps at a time, without leaving the registers. */
static void copy_columns(const float *values, size_t n, size_t m, size_t first, float *columns)
{
    const size_t n_columns = m - first < 4 ? m - first : 4;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        floats row[4], column[4];
        for (size_t k = 0; k < 4; k++)
            memcpy(&row[k], values + (i + k) * m + first, sizeof row[k]);
        const floats a = LANES(row[0], row[1], 0, 4, 1, 5), b = LANES(row[2], row[3], 0, 4, 1, 5);
        const floats c = LANES(row[0], row[1], 2, 6, 3, 7), d = LANES(row[2], row[3], 2, 6, 3, 7);
        column[0] = LANES(a, b, 0, 1, 4, 5);
        column[1] = LANES(a, b, 2, 3, 6, 7);
        column[2] = LANES(c, d, 0, 1, 4, 5);
        column[3] = LANES(c, d, 2, 3, 6, 7);
        for (size_t k = 0; k < n_columns; k++)
            memcpy(columns + (first + k) * n + i, &column[k], sizeof column[k]);
    }
    for (; i < n; i++) {
        for (size_t k = 0; k < n_columns; k++)
            columns[(first + k) * n + i] = values[i * m + first + k];
    }
}

static size_t count_known(const uint16_t *counts, size_t n)
{
    uint32_t known = 0;
    for (size_t i = 0; i < n; i++)
        known += counts[i] != 0;
    return known;
}

static bool any_label(const uint8_t *states, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= (uint8_t)((states[i] != TFT_STATE_NONE) & (states[i] != TFT_STATE_OFFLINE));
    return any != 0;
}

void tft_past_take(tft_past *past, const tft_contract *contract, const tft_series *series, int64_t origin,
                   const tft_window_view *view)
{
    static const tft_window_view plain = {0};
    const size_t n = past->n, m = contract->n_metrics;
    if (view == NULL)
        view = &plain;
    past->origin = origin;
    copy_steps(past, series, origin);
    if (view->history > 0 && view->history < n)
        blank(past, m, 0, n - view->history);
    for (size_t age = 0; view->hidden != NULL && age < n; age++) {
        if (view->hidden[age] != 0)
            blank(past, m, n - 1 - age, n - age);
    }
    if (view->metrics_hidden != 0)
        hide_metrics(past, m, view->metrics_hidden);
    past->newest_fill = measured_fill(past);
    if (view->newest_fill > 0.0 && view->newest_fill < 1.0) {
        make_partial(past, contract, view->newest_fill, view->seed);
        past->newest_fill = (float)view->newest_fill;
    }

    for (size_t i = 0; i < TFT_PAST_SPARE; i++)
        past->values[n * m + i] = 0.0f;
    for (size_t k = 0; k < m; k += 4)
        copy_columns(past->values, n, m, k, past->columns);
    past->n_known = count_known(past->counts, n);
    // as far as could be known at the origin: the series' own flag may come from later steps
    const bool labelled = any_label(past->states, n);
    past->steps = (tft_series){
        .n_metrics = m,
        .first_step = origin - (int64_t)n + 1,
        .n_steps = n,
        .values = past->values,
        .counts = past->counts,
        .states = past->states,
        .profile = series->profile,
        .n_known = past->n_known,
        .labelled = labelled,
    };
}
