/* recurrence.h - when a window that repeats begins again: a subset of RFC 5545's RRULE, in local time.
 *
 *     FREQ=DAILY | WEEKLY | MONTHLY
 *     INTERVAL=n           every n days, weeks (from Monday, or from WKST), months; counted from the start's own
 *     BYDAY=MO,TU          DAILY: on these days only; WEEKLY: on each of them; MONTHLY: on each of them in the month,
 *     BYDAY=1SU,-1FR       MONTHLY: on the first Sunday and the last Friday
 *     UNTIL=20261231T220000Z | 20261231T230000 (local) | 20261231 (that day, local);  COUNT=n
 *     WKST=MO
 *
 * Without BYDAY, WEEKLY is the start's weekday, MONTHLY its day of the month (a month without a 31st has none). What begins is what
 * matches the rule at or after the start: a start that does not match is not an occurrence of its own.
 *
 * The time of day is the start's, in its zone: 02:30 stays 02:30 when clocks change; in the night in which 02:30 does not exist it
 * is 03:30, where it comes twice it is the first (RFC 5545, 3.3.5). How long a window lasts is for the caller: exactly as long as
 * the first one (3.8.5.3).
 *
 * Why not a library: docs/decisions/010-recurrence.md.
 *
 * Memory:  a plain struct. Threads: pure functions.
 */
#ifndef TFTD_NOTIFY_RECURRENCE_H
#define TFTD_NOTIFY_RECURRENCE_H

#include "notify/zone.h"

#define RECURRENCE_MAX_DAYS 16
#define RECURRENCE_NEVER INT64_MIN

typedef enum recurrence_freq { RECURRENCE_DAILY, RECURRENCE_WEEKLY, RECURRENCE_MONTHLY } recurrence_freq;

typedef struct recurrence {
    recurrence_freq freq;
    int64_t interval;
    size_t n_days;
    struct {
        int ordinal; // 0 = every; 1 … 5, −1 … −5
        int weekday; // 0 = Monday
    } days[RECURRENCE_MAX_DAYS];
    int week_start; // 0 = Monday
    int64_t count;  // 0 = no bound
    bool has_until, until_is_utc;
    int64_t until_s; // the last second at which one may begin; local or UTC
} recurrence;

/* NULL, or a sentence on what is wrong with text[0 … n−1]. */
const char *recurrence_parse(const char *text, size_t n, recurrence *rule);

/* The first occurrence that begins at or after from_s (UTC seconds), for a series that starts at start_s (UTC);
 * RECURRENCE_NEVER where there is none any more. */
int64_t recurrence_next(const recurrence *rule, const zone *z, int64_t start_s, int64_t from_s);

#endif
