/* clock.c - see clock.h. */
#include "series/clock.h"

#include <math.h>

#define HOURS 24
#define DAYS 7
#define AROUND 1
#define FEWEST 4

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

bool tft_clock_time(const tft_clock *clock, size_t t, float *out)
{
    float samples[DAYS * (2 * AROUND + 1)];
    size_t known = 0;
    for (size_t d = 1; d <= DAYS; d++) {
        for (size_t shift = 0; shift <= 2 * AROUND; shift++) {
            const size_t back = d * clock->pace->day + shift; // age + t + AROUND
            const float value = back < t + AROUND ? NAN : value_at(clock, back - t - AROUND);
            if (!isnan(value))
                samples[known++] = value;
        }
    }
    return finish(clock, samples, known, out);
}

bool tft_clock_moments(const tft_clock *clock, const tft_analogs *analogs, size_t t, float *out)
{
    float samples[TFT_CLOCK_MOMENTS];
    size_t known = 0;
    for (size_t i = 0; i < analogs->n_at_minute; i++) {
        const size_t age = analogs->ages_at_minute[i];
        const float value = age < t ? NAN : value_at(clock, age - t);
        if (!isnan(value))
            samples[known++] = value;
    }
    return finish(clock, samples, known, out);
}
