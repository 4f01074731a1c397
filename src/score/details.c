/* details.c - see details.h. */
#include "score/details.h"

#include <string.h>

void score_details_layout(score_details *d, size_t n_forecasters, size_t n_metrics, size_t horizon, tft_arena *arena)
{
    const size_t rows = n_forecasters * n_metrics;
    d->n_forecasters = n_forecasters;
    d->n_metrics = n_metrics;
    d->horizon = horizon;
    d->steps = tft_arena_alloc(arena, tft_mul_sat(rows, horizon), sizeof *d->steps);
    d->hours = tft_arena_alloc(arena, rows * SCORE_N_HOURS, sizeof *d->hours);
    d->pit = tft_arena_alloc(arena, n_metrics * SCORE_N_PIT, sizeof *d->pit);
}

void score_details_clear(score_details *d)
{
    const size_t rows = d->n_forecasters * d->n_metrics;
    memset(d->steps, 0, rows * d->horizon * sizeof *d->steps);
    memset(d->hours, 0, rows * SCORE_N_HOURS * sizeof *d->hours);
    memset(d->pit, 0, d->n_metrics * SCORE_N_PIT * sizeof *d->pit);
}

void score_details_merge(score_details *into, const score_details *from)
{
    const size_t rows = into->n_forecasters * into->n_metrics;
    for (size_t i = 0; i < rows * into->horizon; i++)
        score_sums_merge(&into->steps[i], &from->steps[i]);
    for (size_t i = 0; i < rows * SCORE_N_HOURS; i++)
        score_sums_merge(&into->hours[i], &from->hours[i]);
    for (size_t i = 0; i < into->n_metrics * SCORE_N_PIT; i++)
        into->pit[i] += from->pit[i];
}

void score_details_add(score_details *d, size_t forecaster, size_t metric, size_t step, size_t hour,
                       const float *levels, double y)
{
    const size_t row = forecaster * d->n_metrics + metric;
    score_sums_add(&d->steps[row * d->horizon + step], levels, y);
    score_sums_add(&d->hours[row * SCORE_N_HOURS + hour], levels, y);
}

void score_details_pit(score_details *d, size_t metric, const float *levels, double y)
{
    size_t first = 0; // bins between first and last, both included, may hold y
    while (first < SCORE_N_LOSSES && (double)levels[first + 1] < y)
        first++;
    size_t last = first;
    while (last < SCORE_N_LOSSES && (double)levels[last + 1] <= y)
        last++;
    for (size_t b = first; b <= last; b++)
        d->pit[metric * SCORE_N_PIT + b] += 1.0 / (double)(last - first + 1);
}

void score_details_window(score_details *d, size_t metric, size_t window, double loss, double reference, double abs_y)
{
    const double floor = 0.1 * abs_y;
    if (!(floor > 0))
        return;
    const double ratio = (loss + floor) / (reference + floor);
    if (!d->best[metric].there || ratio < d->best[metric].ratio)
        d->best[metric] = (score_example){true, window, ratio};
    if (!d->worst[metric].there || ratio > d->worst[metric].ratio)
        d->worst[metric] = (score_example){true, window, ratio};
}
