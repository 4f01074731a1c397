/* lags.c - see lags.h. */
#include "series/lags.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "series/per_processor.h"

float tft_lag(const tft_past *past, const tft_pace *pace, size_t m, size_t days, size_t t, size_t reach)
{
    const size_t least = (t + pace->day - 1) / pace->day;
    const size_t age = (days > least ? days : least) * pace->day - t;
    const float *const column = past->columns + m * past->n;
    if (reach == 0)
        return age < past->n ? column[past->n - 1 - age] : NAN;
    double sum = 0.0;
    size_t n = 0;
    for (size_t a = age > reach ? age - reach : 0; a <= age + reach && a < past->n; a++) {
        const float value = column[past->n - 1 - a];
        if (!isnan(value)) {
            sum += (double)value;
            n++;
        }
    }
    return n > 0 ? (float)(sum / (double)n) : NAN;
}

/* Means of the known ones of the TFT_SMOOTH_REACH values on either side of each of `n` that follow each other, the newest of them first. */
TFT_PER_PROCESSOR static void smooth(const float *values, size_t n, float *restrict out)
{
    enum { WIDTH = 2 * TFT_SMOOTH_REACH + 1 };
    for (size_t i = 0; i < n; i++) {
        const float *const from = values + i - TFT_SMOOTH_REACH;
        double sum = 0.0, known = 0.0;
        for (size_t k = WIDTH; k-- > 0;) {
            sum += isnan(from[k]) ? 0.0 : (double)from[k];
            known += isnan(from[k]) ? 0.0 : 1.0;
        }
        out[i] = (float)(sum / known); // 0 / 0: NaN
    }
}

/* Steps t = first … end − 1 of the horizon, which look the same number of days back. */
static void fill_day(const tft_past *past, const tft_pace *pace, size_t m, tft_lag_kind kind, size_t days, size_t first,
                     size_t end, float *out)
{
    const float *const column = past->columns + m * past->n;
    const size_t reach = kind == TFT_LAG_1D_SMOOTH ? TFT_SMOOTH_REACH : 0, back = days * pace->day + 1;
    size_t t = first;
    for (; t < end && past->n + t < back + reach; t++) // the past does not reach so far
        out[t - 1] = tft_lag(past, pace, m, days, t, reach);
    const size_t inside = back > reach ? back - reach - 1 : 0, stop = end < inside + 1 ? end : inside + 1;
    if (t < stop) {
        if (reach > 0)
            smooth(column + (past->n + t - back), stop - t, out + t - 1);
        else
            memcpy(out + t - 1, column + (past->n + t - back), (stop - t) * sizeof *out);
        t = stop;
    }
    for (; t < end; t++) // so near that the mean would reach beyond the origin
        out[t - 1] = tft_lag(past, pace, m, days, t, reach);
}

void tft_lags_fill(const tft_past *past, const tft_pace *pace, size_t m, size_t horizon, float *out)
{
    static const size_t days_of[TFT_N_LAGS] = {
        [TFT_LAG_1D] = 1, [TFT_LAG_1D_SMOOTH] = 1, [TFT_LAG_2D] = 2, [TFT_LAG_7D] = 7};
    assert(pace->day > 0);
    for (tft_lag_kind kind = 0; kind < TFT_N_LAGS; kind++) {
        for (size_t first = 1, least = 1; first <= horizon; first += pace->day, least++) {
            const size_t end = first + pace->day <= horizon ? first + pace->day : horizon + 1;
            fill_day(past, pace, m, kind, days_of[kind] > least ? days_of[kind] : least, first, end,
                     out + kind * horizon);
        }
    }
}
