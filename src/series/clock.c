/* clock.c - see clock.h. */
#include "series/clock.h"

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

/* The samples of a step go into the column of a span. */
static void put_samples(tft_span_samples *all, size_t column, const float *samples, size_t n)
{
    all->n[column] = n;
    for (size_t i = 0; i < n; i++)
        all->x[i][column] = samples[i];
}

static void finish_all(const tft_clock *clock, tft_span_samples *samples, size_t n, float (*out)[TFT_MAX_QUANTILES])
{
    tft_changes made;
    tft_spans_quantiles(samples, clock->levels, clock->n_levels, &made);
    for (size_t i = 0; i < n; i++) {
        if (samples->n[i] >= FEWEST)
            memcpy(out[i], made.quantiles[i], clock->n_levels * sizeof **out);
    }
}

void tft_clock_times(const tft_clock *clock, size_t t, size_t n, float (*out)[TFT_MAX_QUANTILES])
{
    tft_span_samples all = {0};
    float samples[TIMES];
    for (size_t i = 0; i < n; i++)
        put_samples(&all, i, samples, time_samples(clock, t + i, samples));
    finish_all(clock, &all, n, out);
}

void tft_clock_all_moments(const tft_clock *clock, const tft_analogs *analogs, size_t t, size_t n,
                           float (*out)[TFT_MAX_QUANTILES])
{
    tft_span_samples all = {0};
    float samples[TFT_CLOCK_MOMENTS];
    for (size_t i = 0; i < n; i++)
        put_samples(&all, i, samples, moment_samples(clock, analogs, t + i, samples));
    finish_all(clock, &all, n, out);
}
