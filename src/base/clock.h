/* clock.h - instants as UTC milliseconds since 1970, their text, and the clocks of the machine.
 *
 * Everything stored and sent is UTC. Text follows RFC 3339 / ISO 8601; parsing is as wide as senders are
 * (T, t or a space between date and time; Z, ±hh:mm, ±hhmm or nothing = UTC; any fraction, kept to 1 ms)
 * and refuses what is ambiguous: a date alone, a number, impossible dates, a zone given twice.
 *
 * Threads: any.
 */
#ifndef TFT_BASE_CLOCK_H
#define TFT_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TFT_TIME_TEXT 32 // bytes that any text of tft_time_format_* needs, with its NUL

/* Days since 1970-01-01 of a proleptic Gregorian date, and back (Howard Hinnant's civil calendar). */
int64_t tft_days_from_civil(int64_t year, int month, int day);
void tft_civil_from_days(int64_t days, int64_t *year, int *month, int *day);

/* Reads text[0 … n−1], all of it. False, and *ms untouched, where it is not an instant. */
bool tft_time_parse(const char *text, size_t n, int64_t *ms);

/* "2025-10-13T16:35:00Z" and "2025-10-13T16:35:00.402Z" into out[TFT_TIME_TEXT]; return their length. */
size_t tft_time_format_s(int64_t ms, char *out);
size_t tft_time_format_ms(int64_t ms, char *out);

int64_t tft_wall_ms(void);    // the wall clock, UTC milliseconds
double tft_monotonic_s(void); // for durations: never goes back

/* Largest multiple of `step` that is ≤ t (also for t < 0): the label of the step that holds t. */
static inline int64_t tft_floor_to(int64_t t, int64_t step)
{
    const int64_t r = t % step;
    return r < 0 ? t - r - step : t - r;
}

#endif
