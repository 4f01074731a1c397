/* recurrence.c - see recurrence.h.
 *
 * Local days are counted since 1970. A period (a day, a week, a month) gives its days in ascending order; walking over periods gives
 * all days in order. Without COUNT the walk begins two periods before the one that is asked for; with COUNT it has to begin at
 * the start, so that is bounded (MAX_COUNT).
 */
#include "notify/recurrence.h"

#include <string.h>

#include "base/clock.h"

#define DAY_S ((int64_t)86400)
#define MAX_COUNT 10000
#define MAX_INTERVAL 1000
#define MAX_PERIODS 200000 // that give nothing, one after the other: more than 500 years of days

static const char *const weekday_names = "MOTUWETHFRSASU";

static int weekday_of(int64_t days)
{
    return (int)(((days + 3) % 7 + 7) % 7); // 1970-01-01 was a Thursday
}

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

typedef struct reading {
    const char *at, *end;
} reading;

static bool read_number(reading *r, int64_t most, int64_t *value)
{
    const char *const first = r->at;
    *value = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && *value <= most)
        *value = *value * 10 + (*r->at++ - '0');
    return r->at > first && *value <= most;
}

static bool read_weekday(reading *r, int *weekday)
{
    if (r->end - r->at < 2)
        return false;
    for (int i = 0; i < 7; i++) {
        if (memcmp(r->at, weekday_names + 2 * i, 2) == 0) {
            *weekday = i;
            r->at += 2;
            return true;
        }
    }
    return false;
}

static const char *read_days(reading *r, recurrence *rule)
{
    do {
        if (rule->n_days == RECURRENCE_MAX_DAYS)
            return "BYDAY has more than 16 days";
        int64_t ordinal = 0;
        const bool minus = r->at < r->end && *r->at == '-';
        r->at += minus || (r->at < r->end && *r->at == '+');
        const bool has = r->at < r->end && *r->at >= '0' && *r->at <= '9';
        if ((has && (!read_number(r, 5, &ordinal) || ordinal == 0)) || (minus && !has))
            return "BYDAY: a number before a day is 1 to 5 or -1 to -5";
        rule->days[rule->n_days].ordinal = (int)(minus ? -ordinal : ordinal);
        if (!read_weekday(r, &rule->days[rule->n_days].weekday))
            return "BYDAY: days are MO TU WE TH FR SA SU";
        rule->n_days++;
    } while (r->at < r->end && *r->at++ == ',');
    return NULL;
}

static bool digits(const char *text, size_t n, int *value)
{
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *value = *value * 10 + (text[i] - '0');
    }
    return true;
}

static const char *read_until(reading *r, recurrence *rule)
{
    static const char *const wrong = "UNTIL is not a date such as 20261231, 20261231T230000 or 20261231T220000Z";
    const size_t n = (size_t)(r->end - r->at);
    int year, month, day, hour = 23, minute = 59, second = 59;
    if ((n != 8 && n != 15 && n != 16) || !digits(r->at, 4, &year) || !digits(r->at + 4, 2, &month) ||
        !digits(r->at + 6, 2, &day))
        return wrong;
    if (n > 8 && (r->at[8] != 'T' || !digits(r->at + 9, 2, &hour) || !digits(r->at + 11, 2, &minute) ||
                  !digits(r->at + 13, 2, &second) || (n == 16 && r->at[15] != 'Z')))
        return wrong;
    int64_t back_year;
    int back_month, back_day;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60)
        return wrong;
    const int64_t days = tft_days_from_civil(year, month, day);
    tft_civil_from_days(days, &back_year, &back_month, &back_day);
    if (back_month != month || back_day != day)
        return wrong;
    rule->has_until = true;
    rule->until_is_utc = n == 16;
    rule->until_s = days * DAY_S + hour * 3600 + minute * 60 + second;
    r->at = r->end;
    return NULL;
}

static bool is_word(const reading *r, const char *word)
{
    return (size_t)(r->end - r->at) == strlen(word) && memcmp(r->at, word, strlen(word)) == 0;
}

static const char *read_part(const char *key, size_t n, reading *r, recurrence *rule, unsigned *seen)
{
    static const char *const keys[] = {"FREQ", "INTERVAL", "BYDAY", "UNTIL", "COUNT", "WKST"};
    unsigned which = 0;
    while (which < 6 && !(strlen(keys[which]) == n && memcmp(keys[which], key, n) == 0))
        which++;
    if (which == 6)
        return "holds a part other than FREQ, INTERVAL, BYDAY, UNTIL, COUNT, WKST";
    if (*seen & 1u << which)
        return "holds a part twice";
    *seen |= 1u << which;
    switch (which) {
    case 0:
        rule->freq = is_word(r, "DAILY")    ? RECURRENCE_DAILY
                     : is_word(r, "WEEKLY") ? RECURRENCE_WEEKLY
                                            : RECURRENCE_MONTHLY;
        if (rule->freq == RECURRENCE_MONTHLY && !is_word(r, "MONTHLY"))
            return "FREQ is none of DAILY, WEEKLY, MONTHLY";
        r->at = r->end;
        return NULL;
    case 1:
        return read_number(r, MAX_INTERVAL, &rule->interval) && rule->interval > 0 ? NULL : "INTERVAL is not 1 to 1000";
    case 2:
        return read_days(r, rule);
    case 3:
        return read_until(r, rule);
    case 4:
        return read_number(r, MAX_COUNT, &rule->count) && rule->count > 0 ? NULL : "COUNT is not 1 to 10000";
    default:
        return read_weekday(r, &rule->week_start) ? NULL : "WKST is none of MO TU WE TH FR SA SU";
    }
}

const char *recurrence_parse(const char *text, size_t n, recurrence *rule)
{
    memset(rule, 0, sizeof *rule);
    rule->interval = 1;
    unsigned seen = 0;
    const char *at = text, *const end = text + n;
    while (at < end) {
        const char *const stop = memchr(at, ';', (size_t)(end - at));
        reading r = {at, stop != NULL ? stop : end};
        const char *const equals = memchr(at, '=', (size_t)(r.end - at));
        if (equals == NULL)
            return "is not a list of NAME=VALUE between semicolons";
        r.at = equals + 1;
        const char *const why = read_part(at, (size_t)(equals - at), &r, rule, &seen);
        if (why != NULL)
            return why;
        if (r.at != r.end)
            return "has something behind a value";
        at = r.end < end ? r.end + 1 : end;
    }
    if ((seen & 1u) == 0)
        return "has no FREQ";
    if ((seen & 8u) != 0 && (seen & 16u) != 0)
        return "has UNTIL and COUNT";
    for (size_t i = 0; i < rule->n_days; i++)
        if (rule->days[i].ordinal != 0 && rule->freq != RECURRENCE_MONTHLY)
            return "has a numbered day (1SU) where FREQ is not MONTHLY";
    return NULL;
}

/* ---- walking ----------------------------------------------------------------------------------------------------- */

/* The days of one period, ascending: at most all of a month. */
typedef struct period {
    size_t n;
    int64_t days[31];
} period;

static bool has_weekday(const recurrence *rule, int weekday)
{
    for (size_t i = 0; i < rule->n_days; i++)
        if (rule->days[i].ordinal == 0 && rule->days[i].weekday == weekday)
            return true;
    return false;
}

static void add_day(period *p, int64_t day)
{
    p->days[p->n++] = day;
}

/* first: the month's first day; length: its days; start_day: day of the month of the start. */
static void fill_month(const recurrence *rule, int64_t first, int length, int start_day, period *p)
{
    for (int d = 1; d <= length; d++) {
        bool in = rule->n_days == 0 && d == start_day;
        const int weekday = weekday_of(first + d - 1);
        const int nth = (d - 1) / 7 + 1, nth_last = (length - d) / 7 + 1;
        for (size_t i = 0; i < rule->n_days; i++) {
            const int ordinal = rule->days[i].ordinal;
            in = in || (rule->days[i].weekday == weekday && (ordinal == 0 || ordinal == nth || ordinal == -nth_last));
        }
        if (in)
            add_day(p, first + d - 1);
    }
}

/* Period k of the series that starts on local day `start`. */
static void fill(const recurrence *rule, int64_t start, int64_t k, period *p)
{
    p->n = 0;
    if (rule->freq == RECURRENCE_DAILY) {
        const int64_t day = start + k * rule->interval;
        if (rule->n_days == 0 || has_weekday(rule, weekday_of(day)))
            add_day(p, day);
    } else if (rule->freq == RECURRENCE_WEEKLY) {
        const int64_t monday = start - (weekday_of(start) - rule->week_start + 7) % 7 + 7 * k * rule->interval;
        for (int i = 0; i < 7; i++) {
            const int weekday = weekday_of(monday + i);
            if (rule->n_days == 0 ? weekday == weekday_of(start) : has_weekday(rule, weekday))
                add_day(p, monday + i);
        }
    } else {
        int64_t year;
        int month, day;
        tft_civil_from_days(start, &year, &month, &day);
        const int64_t months = year * 12 + (month - 1) + k * rule->interval;
        const int64_t first = tft_days_from_civil(months / 12, (int)(months % 12) + 1, 1);
        const int64_t next = tft_days_from_civil((months + 1) / 12, (int)((months + 1) % 12) + 1, 1);
        fill_month(rule, first, (int)(next - first), day, p);
    }
}

/* A period that certainly lies before local day `day`, as near as is cheap; never negative. */
static int64_t period_before(const recurrence *rule, int64_t start, int64_t day)
{
    const int64_t length = rule->freq == RECURRENCE_DAILY ? 1 : rule->freq == RECURRENCE_WEEKLY ? 7 : 31;
    const int64_t k = (day - start) / (length * rule->interval) - 2;
    return k > 0 ? k : 0;
}

int64_t recurrence_next(const recurrence *rule, const zone *z, int64_t start_s, int64_t from_s)
{
    const int64_t local = start_s + zone_offset_s(z, start_s);
    const int64_t start = tft_floor_to(local, DAY_S) / DAY_S, time_s = local - start * DAY_S;
    const int64_t from_day = tft_floor_to(from_s, DAY_S) / DAY_S;
    int64_t counted = 0, empty = 0;
    for (int64_t k = rule->count > 0 ? 0 : period_before(rule, start, from_day); empty < MAX_PERIODS; k++) {
        period p;
        fill(rule, start, k, &p);
        empty = p.n == 0 ? empty + 1 : 0;
        for (size_t i = 0; i < p.n; i++) {
            const int64_t local_s = p.days[i] * DAY_S + time_s;
            // the start itself is taken as it was given: at a time that comes twice it may be the second
            const int64_t utc_s = p.days[i] == start ? start_s : zone_to_utc_s(z, local_s);
            if (p.days[i] < start)
                continue;
            if (rule->has_until && (rule->until_is_utc ? utc_s : local_s) > rule->until_s)
                return RECURRENCE_NEVER;
            if (rule->count > 0 && ++counted > rule->count)
                return RECURRENCE_NEVER;
            if (utc_s >= from_s)
                return utc_s;
        }
    }
    return RECURRENCE_NEVER;
}
