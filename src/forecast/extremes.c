/* extremes.c - see extremes.h. */
#include "forecast/extremes.h"

#include <math.h>
#include <string.h>

static void clear_one(extremes *e, size_t n_metrics, size_t at, int64_t step)
{
    e->steps[at] = step;
    e->records[at] = 0;
    for (size_t m = 0; m < n_metrics; m++)
        e->least[at * n_metrics + m] = e->most[at * n_metrics + m] = NAN;
}

void extremes_clear(extremes *e, size_t n_metrics)
{
    for (size_t i = 0; i < EXTREMES_STEPS; i++)
        clear_one(e, n_metrics, i, INT64_MIN);
}

static size_t place_of(const extremes *e, int64_t step)
{
    size_t at = 0;
    while (at < EXTREMES_STEPS && e->steps[at] != step)
        at++;
    return at;
}

static void widen(extremes *e, size_t n_metrics, size_t at, const double *values)
{
    for (size_t m = 0; m < n_metrics; m++) {
        float *const least = &e->least[at * n_metrics + m], *const most = &e->most[at * n_metrics + m];
        const float value = (float)values[m];
        if (isnan(value))
            continue;
        *least = *least <= value ? *least : value; // NaN is not below anything
        *most = *most >= value ? *most : value;
    }
}

void extremes_add(extremes *e, size_t n_metrics, int64_t step, const double *values)
{
    size_t at = place_of(e, step);
    if (at == EXTREMES_STEPS) {
        at = 0;
        for (size_t i = 1; i < EXTREMES_STEPS; i++)
            at = e->steps[i] < e->steps[at] ? i : at;
        if (step < e->steps[at])
            return;
        clear_one(e, n_metrics, at, step);
    }
    e->records[at]++;
    widen(e, n_metrics, at, values);
}

void extremes_fill(extremes *e, size_t n_metrics, int64_t step, const double *values)
{
    const size_t at = place_of(e, step);
    if (at < EXTREMES_STEPS)
        widen(e, n_metrics, at, values);
}

void extremes_copy(const extremes *from, size_t n_metrics, extremes *to)
{
    memcpy(to->steps, from->steps, sizeof to->steps);
    memcpy(to->records, from->records, sizeof to->records);
    memcpy(to->least, from->least, EXTREMES_STEPS * n_metrics * sizeof *to->least);
    memcpy(to->most, from->most, EXTREMES_STEPS * n_metrics * sizeof *to->most);
}

bool extremes_find(const extremes *e, size_t n_metrics, int64_t step, size_t records, const float **least,
                   const float **most)
{
    const size_t at = place_of(e, step);
    if (at == EXTREMES_STEPS || e->records[at] != records)
        return false;
    *least = e->least + at * n_metrics;
    *most = e->most + at * n_metrics;
    return true;
}
