/* clock.c - see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t tft_days_from_civil(int64_t year, int month, int day)
{
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void tft_civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    const int64_t z = days + 719468;
    const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const int64_t day_of_era = z - era * 146097;
    const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted = (5 * day_of_year + 2) / 153; // month counted from March
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

static bool digits(const char *text, size_t n, size_t at, size_t count, int *value)
{
    if (at + count > n)
        return false;
    int v = 0;
    for (size_t i = at; i < at + count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (text[i] - '0');
    }
    *value = v;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* The zone text[at … n−1] as minutes east of UTC; nothing at all is UTC. */
static bool parse_zone(const char *text, size_t n, size_t at, int *minutes_east)
{
    *minutes_east = 0;
    if (at == n)
        return true;
    if (text[at] == 'Z' || text[at] == 'z')
        return at + 1 == n;
    if (text[at] != '+' && text[at] != '-')
        return false;
    int hours = 0, minutes = 0;
    if (!digits(text, n, at + 1, 2, &hours))
        return false;
    size_t rest = at + 3;
    if (rest < n && text[rest] == ':')
        rest++;
    if (!digits(text, n, rest, 2, &minutes) || rest + 2 != n || hours > 23 || minutes > 59)
        return false;
    *minutes_east = (text[at] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

bool tft_time_parse(const char *text, size_t n, int64_t *ms)
{
    int year, month, day, hour, minute, second, zone;
    if (n < 19 || !digits(text, n, 0, 4, &year) || text[4] != '-' || !digits(text, n, 5, 2, &month) || text[7] != '-' ||
        !digits(text, n, 8, 2, &day) || (text[10] != 'T' && text[10] != 't' && text[10] != ' ') ||
        !digits(text, n, 11, 2, &hour) || text[13] != ':' || !digits(text, n, 14, 2, &minute) || text[16] != ':' ||
        !digits(text, n, 17, 2, &second))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
        second > 59)
        return false;

    size_t at = 19;
    int milli = 0;
    if (at < n && (text[at] == '.' || text[at] == ',')) {
        int weight = 100;
        const size_t first = ++at;
        for (; at < n && text[at] >= '0' && text[at] <= '9'; at++) {
            milli += (text[at] - '0') * weight;
            weight /= 10;
        }
        if (at == first)
            return false;
    }
    if (!parse_zone(text, n, at, &zone))
        return false;
    const int64_t days = tft_days_from_civil(year, month, day);
    *ms = ((days * 24 + hour) * 60 + minute - zone) * 60000 + second * 1000 + milli;
    return true;
}

static size_t format(int64_t ms, char *out, bool with_ms)
{
    const int64_t day_ms = 86400000;
    const int64_t days = tft_floor_to(ms, day_ms) / day_ms;
    const int rest = (int)(ms - days * day_ms);
    int64_t year;
    int month, day;
    tft_civil_from_days(days, &year, &month, &day);
    int n = snprintf(out, TFT_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, month, day, rest / 3600000,
                     rest / 60000 % 60, rest / 1000 % 60);
    n += with_ms ? snprintf(out + n, TFT_TIME_TEXT - (size_t)n, ".%03dZ", rest % 1000)
                 : snprintf(out + n, TFT_TIME_TEXT - (size_t)n, "Z");
    return (size_t)n;
}

size_t tft_time_format_s(int64_t ms, char *out)
{
    return format(ms, out, false);
}

size_t tft_time_format_ms(int64_t ms, char *out)
{
    return format(ms, out, true);
}

int64_t tft_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

double tft_monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
