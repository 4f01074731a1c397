/* calendar.h - how long an hour, a day and a week are in steps, and the six calendar inputs of a step.
 *
 * Angles of the step's label (its start, UTC), each as sine and cosine so that midnight is next to 23:55:
 *     time of day     2π · (ms since midnight) / day
 *     day of week     2π · (ms since Monday 00:00) / week       (moves within the day, too)
 *     minute of hour  2π · (ms since the full hour) / hour      (jobs that start at :00, :15, :30)
 * Where a week is a whole number of steps, the inputs repeat weekly and are looked up in a table.
 *
 * Memory:  the table lies in the caller's arena (2016 × 6 floats for 5-minute steps).
 * Threads: read-only after init.
 */
#ifndef TFT_SERIES_CALENDAR_H
#define TFT_SERIES_CALENDAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define TFT_N_CALENDAR 6
#define TFT_HOUR_MS INT64_C(3600000)
#define TFT_DAY_MS INT64_C(86400000)
#define TFT_WEEK_MS INT64_C(604800000)

/* Whole steps in an hour, a day and a week, at least one each: 12, 288, 2016 for 5 minutes; 4, 96, 672 for 15. */
typedef struct tft_pace {
    int64_t step_ms;
    size_t hour, day, week;
} tft_pace;

tft_pace tft_pace_of(int64_t step_ms);

typedef struct tft_calendar {
    tft_pace pace;
    const float *table; // [week, 6], or NULL where a week is no whole number of steps (or a very large one)
} tft_calendar;

/* Lays the table out in the arena (which may be counting) and fills it. */
void tft_calendar_layout(tft_calendar *calendar, int64_t step_ms, tft_arena *arena);

/* The six inputs of step number `step`: time of day sin, cos, day of week sin, cos, minute of hour sin, cos. */
void tft_calendar_inputs(const tft_calendar *calendar, int64_t step, float out[TFT_N_CALENDAR]);

/* Milliseconds since midnight, UTC, at which a step starts. */
int64_t tft_ms_of_day(int64_t step_ms, int64_t step);
/* Hour of the day (0 … 23, UTC) in which a step starts. */
size_t tft_hour_of_day(int64_t step_ms, int64_t step);

#endif
