/* calendar.c - see calendar.h. */
#include "series/calendar.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"

#define TWO_PI 6.283185307179586
#define MONDAY_MS (3 * TFT_DAY_MS) // 1970-01-01 was a Thursday: three days after a Monday
#define MAX_TABLE_STEPS 20160      // steps of 30 s; finer ones are computed

static int64_t since(int64_t ms, int64_t period)
{
    return ms - tft_floor_to(ms, period);
}

tft_pace tft_pace_of(int64_t step_ms)
{
    const int64_t hour = TFT_HOUR_MS / step_ms, day = TFT_DAY_MS / step_ms;
    const size_t day_steps = day > 1 ? (size_t)day : 1;
    return (tft_pace){step_ms, hour > 1 ? (size_t)hour : 1, day_steps, 7 * day_steps};
}

static void compute(int64_t ms, float out[TFT_N_CALENDAR])
{
    const double day = TWO_PI * (double)since(ms, TFT_DAY_MS) / (double)TFT_DAY_MS;
    const double week = TWO_PI * (double)since(ms + MONDAY_MS, TFT_WEEK_MS) / (double)TFT_WEEK_MS;
    const double hour = TWO_PI * (double)since(ms, TFT_HOUR_MS) / (double)TFT_HOUR_MS;
    out[0] = (float)sin(day);
    out[1] = (float)cos(day);
    out[2] = (float)sin(week);
    out[3] = (float)cos(week);
    out[4] = (float)sin(hour);
    out[5] = (float)cos(hour);
}

void tft_calendar_layout(tft_calendar *calendar, int64_t step_ms, tft_arena *arena)
{
    calendar->pace = tft_pace_of(step_ms);
    calendar->table = NULL;
    const int64_t steps = TFT_WEEK_MS / step_ms;
    if (TFT_WEEK_MS % step_ms != 0 || steps > MAX_TABLE_STEPS)
        return;
    float *const table = tft_arena_floats(arena, (size_t)steps * TFT_N_CALENDAR);
    for (int64_t i = 0; table != NULL && i < steps; i++)
        compute(i * step_ms, table + i * TFT_N_CALENDAR);
    calendar->table = table;
}

void tft_calendar_inputs(const tft_calendar *calendar, int64_t step, float out[TFT_N_CALENDAR])
{
    if (calendar->table == NULL) {
        compute(step * calendar->pace.step_ms, out);
        return;
    }
    const int64_t steps = TFT_WEEK_MS / calendar->pace.step_ms;
    memcpy(out, calendar->table + since(step, steps) * TFT_N_CALENDAR, TFT_N_CALENDAR * sizeof *out);
}

int64_t tft_ms_of_day(int64_t step_ms, int64_t step)
{
    return since(step * step_ms, TFT_DAY_MS);
}

size_t tft_hour_of_day(int64_t step_ms, int64_t step)
{
    return (size_t)(tft_ms_of_day(step_ms, step) / TFT_HOUR_MS);
}
