/* lags.c - see lags.h. */
#include "series/lags.h"

#include <math.h>

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
