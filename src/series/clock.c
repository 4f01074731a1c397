/* clock.c - see clock.h. */
#include "series/clock.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define HOURS 24
#define DAYS 7
#define AROUND 1
#define FEWEST 4
#define TIMES (DAYS * (2 * AROUND + 1))

/* The value `age` steps back; NaN before the column begins. */
static float value_at(const tft_clock *clock, size_t age)
{
    return age < clock->n ? clock->column[clock->n - 1 - age] : NAN;
}

static bool finish(const tft_clock *clock, const float *samples, size_t n, float *out)
{
    if (n < FEWEST)
        return false;
    tft_sample_quantiles(samples, n, clock->levels, clock->n_levels, out);
    return true;
}

bool tft_clock_minute(const tft_clock *clock, size_t t, float *out)
{
    float samples[HOURS];
    size_t known = 0;
    const size_t hour = clock->pace->hour, phase = (t - 1) % hour;
    for (size_t k = 1; k <= HOURS; k++) {
        const float value = value_at(clock, k * hour - 1 - phase);
        if (!isnan(value))
            samples[known++] = value;
    }
    return finish(clock, samples, known, out);
}

static size_t time_samples(const tft_clock *clock, size_t t, float *samples)
{
    size_t known = 0;
    for (size_t d = 1; d <= DAYS; d++) {
        for (size_t shift = 0; shift <= 2 * AROUND; shift++) {
            const size_t back = d * clock->pace->day + shift; // age + t + AROUND
            const float value = back < t + AROUND ? NAN : value_at(clock, back - t - AROUND);
            if (!isnan(value))
                samples[known++] = value;
        }
    }
    return known;
}

static size_t moment_samples(const tft_clock *clock, const tft_analogs *analogs, size_t t, float *samples)
{
    size_t known = 0;
    for (size_t i = 0; i < analogs->n_at_minute; i++) {
        const size_t age = analogs->ages_at_minute[i];
        const float value = age < t ? NAN : value_at(clock, age - t);
        if (!isnan(value))
            samples[known++] = value;
    }
    return known;
}

bool tft_clock_time(const tft_clock *clock, size_t t, float *out)
{
    float samples[TIMES];
    return finish(clock, samples, time_samples(clock, t, samples), out);
}

bool tft_clock_moments(const tft_clock *clock, const tft_analogs *analogs, size_t t, float *out)
{
    float samples[TFT_CLOCK_MOMENTS];
    return finish(clock, samples, moment_samples(clock, analogs, t, samples), out);
}

/* One row of samples for n steps that follow each other: so do the values, from index `from` of the column on. */
static void put_row(const tft_clock *clock, ptrdiff_t from, size_t n, size_t row, tft_span_samples *all)
{
    float *const x = all->x[row];
    if (from >= 0 && (size_t)from + TFT_CHANGE_SPANS <= clock->n) { // more than n of them do not harm
        memcpy(x, clock->column + from, sizeof all->x[row]);
    } else {
        for (size_t i = 0; i < TFT_CHANGE_SPANS; i++) {
            const ptrdiff_t at = from + (ptrdiff_t)i;
            x[i] = i < n && at >= 0 && (size_t)at < clock->n ? clock->column[at] : NAN;
        }
    }
    tft_span_count(all, row);
}

static unsigned finish_all(const tft_clock *clock, tft_span_samples *samples, size_t n_rows, size_t n, tft_changes *out)
{
    unsigned enough = 0;
    for (size_t i = 0; i < n; i++)
        enough |= (unsigned)(samples->n[i] >= FEWEST) << i;
    if (enough != 0)
        tft_span_rows_quantiles(samples, n_rows, clock->levels, clock->n_levels, out);
    return enough;
}

/* Index in the column of the value t steps after the one that is `age` steps back. */
static ptrdiff_t index_of(const tft_clock *clock, size_t age, size_t t)
{
    return (ptrdiff_t)clock->n - 1 - (ptrdiff_t)age + (ptrdiff_t)t;
}

unsigned tft_clock_minutes(const tft_clock *clock, size_t t, size_t n, tft_changes *out)
{
    tft_span_samples all;
    memset(all.n, 0, sizeof all.n);
    const size_t hour = clock->pace->hour, phase = (t - 1) % hour;
    assert(phase + n <= hour);
    for (size_t k = 1; k <= HOURS; k++)
        put_row(clock, index_of(clock, k * hour - 1, phase), n, k - 1, &all);
    return finish_all(clock, &all, HOURS, n, out);
}

unsigned tft_clock_times(const tft_clock *clock, size_t t, size_t n, tft_changes *out)
{
    tft_span_samples all;
    memset(all.n, 0, sizeof all.n);
    size_t row = 0;
    for (size_t d = 1; d <= DAYS; d++) {
        for (size_t shift = 0; shift <= 2 * AROUND; shift++)
            put_row(clock, index_of(clock, d * clock->pace->day + shift, t + AROUND), n, row++, &all);
    }
    return finish_all(clock, &all, row, n, out);
}

unsigned tft_clock_all_moments(const tft_clock *clock, const tft_analogs *analogs, size_t t, size_t n, tft_changes *out)
{
    tft_span_samples all;
    memset(all.n, 0, sizeof all.n);
    for (size_t i = 0; i < analogs->n_at_minute; i++)
        put_row(clock, index_of(clock, analogs->ages_at_minute[i], t), n, i, &all);
    return finish_all(clock, &all, analogs->n_at_minute, n, out);
}
