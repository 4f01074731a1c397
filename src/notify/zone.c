/* zone.c - see zone.h.
 *
 *     TZif   header 44 bytes: "TZif", version, 15 unused, six counts (isutc, isstd, leap, time, type, char), big-endian
 *            version 1 block (32-bit times), skipped; header again; then with 64-bit times:
 *            times [timecnt] 8 · types [timecnt] 1 · ttinfo [typecnt] 6 (offset 4, dst 1, name 1) · names · leaps 12 · std · ut
 *            footer  \n rule \n                                                        (RFC 8536, 3)
 *     rule   std offset [dst [offset] [,start[/time],end[/time]]]        offsets count west; Mm.w.d, Jn or n (POSIX, TZ)
 */
#include "notify/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

#define FOLDER "/usr/share/zoneinfo"
#define MAX_LIST_BYTES ((size_t)1 << 20)
#define MAX_FILE_BYTES ((size_t)64 << 10)
#define DAY_S 86400

typedef enum day_rule_kind { JULIAN, ZERO_BASED, MONTH_WEEK_DAY } day_rule_kind;

typedef struct day_rule {
    day_rule_kind kind;
    int day;         // JULIAN 1 … 365 without 29 February; ZERO_BASED 0 … 365; else weekday, 0 = Sunday
    int month, week; // MONTH_WEEK_DAY; week 5 = last
    int32_t time_s;  // local, of the offset before
} day_rule;

struct zone {
    size_t n; // transitions
    int64_t times[ZONE_MAX_TRANSITIONS];
    int32_t offsets[ZONE_MAX_TRANSITIONS]; // from times[i] on
    int32_t first_offset;                  // before times[0]
    bool has_rule, has_dst;                // behind the last transition
    int32_t std_s, dst_s;
    day_rule start, end; // of dst
};

/* ---- the footer's rule ------------------------------------------------------------------------------------------- */

static bool read_name(const char **at)
{
    const char *p = *at;
    if (*p == '<') {
        while (*p != '\0' && *p != '>')
            p++;
        if (*p != '>')
            return false;
        *at = p + 1;
        return true;
    }
    while (isalpha((unsigned char)*p))
        p++;
    const bool long_enough = p - *at >= 3;
    *at = p;
    return long_enough;
}

static bool read_digits(const char **at, int most, int *value)
{
    if (!isdigit((unsigned char)**at))
        return false;
    *value = 0;
    for (int i = 0; isdigit((unsigned char)**at); i++, (*at)++) {
        if (i == 4)
            return false;
        *value = *value * 10 + (**at - '0');
    }
    return *value <= most;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool read_clock(const char **at, int32_t *seconds)
{
    const int sign = **at == '-' ? -1 : 1;
    int part[3] = {0, 0, 0};
    *at += **at == '-' || **at == '+';
    if (!read_digits(at, 167, &part[0])) // RFC 8536, 3.3.1: up to a week
        return false;
    for (int i = 1; i < 3 && **at == ':'; i++) {
        (*at)++;
        if (!read_digits(at, 59, &part[i]))
            return false;
    }
    *seconds = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
    return true;
}

static bool read_day(const char **at, day_rule *rule)
{
    *rule = (day_rule){.kind = ZERO_BASED, .time_s = 2 * 3600};
    bool good;
    if (**at == 'M') {
        (*at)++;
        rule->kind = MONTH_WEEK_DAY;
        good = read_digits(at, 12, &rule->month) && rule->month >= 1 && *(*at)++ == '.' &&
               read_digits(at, 5, &rule->week) && rule->week >= 1 && *(*at)++ == '.' && read_digits(at, 6, &rule->day);
    } else if (**at == 'J') {
        (*at)++;
        rule->kind = JULIAN;
        good = read_digits(at, 365, &rule->day) && rule->day >= 1;
    } else {
        good = read_digits(at, 365, &rule->day);
    }
    if (good && **at == '/') {
        (*at)++;
        good = read_clock(at, &rule->time_s);
    }
    return good;
}

static bool read_rule(const char *text, zone *z)
{
    const char *at = text;
    int32_t west = 0;
    if (!read_name(&at) || !read_clock(&at, &west))
        return false;
    z->std_s = -west;
    z->has_rule = true;
    if (*at == '\0')
        return true;
    z->has_dst = true;
    z->dst_s = z->std_s + 3600;
    if (!read_name(&at))
        return false;
    if (*at != ',') {
        if (!read_clock(&at, &west))
            return false;
        z->dst_s = -west;
    }
    return *at++ == ',' && read_day(&at, &z->start) && *at++ == ',' && read_day(&at, &z->end) && *at == '\0';
}

static int64_t days_of_rule(const day_rule *rule, int64_t year)
{
    const int64_t new_year = tft_days_from_civil(year, 1, 1);
    const bool leap = tft_days_from_civil(year + 1, 1, 1) - new_year == 366;
    if (rule->kind == ZERO_BASED)
        return new_year + rule->day;
    if (rule->kind == JULIAN)
        return new_year + rule->day - 1 + (leap && rule->day >= 60 ? 1 : 0);
    const int64_t first = tft_days_from_civil(year, rule->month, 1);
    const int64_t next =
        rule->month == 12 ? tft_days_from_civil(year + 1, 1, 1) : tft_days_from_civil(year, rule->month + 1, 1);
    const int weekday = (int)(((first + 4) % 7 + 7) % 7); // 1970-01-01 was a Thursday
    int64_t day = first + (rule->day - weekday + 7) % 7 + (int64_t)7 * (rule->week - 1);
    while (day >= next)
        day -= 7;
    return day;
}

static int32_t offset_by_rule(const zone *z, int64_t utc_s)
{
    if (!z->has_dst)
        return z->std_s;
    int64_t year;
    int month, day;
    tft_civil_from_days(tft_floor_to(utc_s + z->std_s, DAY_S) / DAY_S, &year, &month, &day);
    // a change near New Year may belong to the year before or behind: the last one before utc_s decides
    int64_t latest = INT64_MIN;
    int32_t offset = z->std_s;
    for (int64_t y = year - 1; y <= year + 1; y++) {
        const int64_t on = days_of_rule(&z->start, y) * DAY_S + z->start.time_s - z->std_s;
        const int64_t off = days_of_rule(&z->end, y) * DAY_S + z->end.time_s - z->dst_s;
        if (on <= utc_s && on > latest) {
            latest = on;
            offset = z->dst_s;
        }
        if (off <= utc_s && off > latest) {
            latest = off;
            offset = z->std_s;
        }
    }
    return offset;
}

/* ---- TZif -------------------------------------------------------------------------------------------------------- */

typedef struct header {
    size_t isut, isstd, leap, time, type, chars;
} header;

static uint32_t big32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static bool read_header(const unsigned char *bytes, size_t n, header *h)
{
    if (n < 44 || memcmp(bytes, "TZif", 4) != 0)
        return false;
    size_t *const counts[] = {&h->isut, &h->isstd, &h->leap, &h->time, &h->type, &h->chars};
    for (size_t i = 0; i < 6; i++) {
        *counts[i] = big32(bytes + 20 + 4 * i);
        if (*counts[i] > MAX_FILE_BYTES)
            return false;
    }
    return true;
}

static size_t block_bytes(const header *h, size_t time_bytes)
{
    return h->time * (time_bytes + 1) + h->type * 6 + h->chars + h->leap * (time_bytes + 4) + h->isstd + h->isut;
}

static bool read_block(const unsigned char *p, const header *h, zone *z)
{
    const unsigned char *const types = p + 8 * h->time, *const infos = types + h->time;
    if (h->type == 0 || h->time > ZONE_MAX_TRANSITIONS)
        return false;
    z->first_offset = (int32_t)big32(infos);
    z->n = h->time;
    for (size_t i = 0; i < h->time; i++) {
        if (types[i] >= h->type)
            return false;
        z->times[i] = (int64_t)((uint64_t)big32(p + 8 * i) << 32 | big32(p + 8 * i + 4));
        z->offsets[i] = (int32_t)big32(infos + 6 * (size_t)types[i]);
        if ((i > 0 && z->times[i] <= z->times[i - 1]) || abs(z->offsets[i]) > 2 * DAY_S)
            return false;
    }
    return abs(z->first_offset) <= 2 * DAY_S;
}

tft_status zone_decode(const unsigned char *bytes, size_t n, zone **out, tft_error *err)
{
    *out = NULL;
    header h;
    zone *const z = calloc(1, sizeof *z);
    if (z == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a time zone");
    size_t at = 44;
    if (!read_header(bytes, n, &h) || bytes[4] < '2' || n - at < block_bytes(&h, 4))
        goto damaged;
    at += block_bytes(&h, 4);
    if (!read_header(bytes + at, n - at, &h) || n - at - 44 < block_bytes(&h, 8) || !read_block(bytes + at + 44, &h, z))
        goto damaged;
    at += 44 + block_bytes(&h, 8);
    char rule[128];
    const size_t left = n - at;
    if (left < 2 || left - 2 >= sizeof rule || bytes[at] != '\n' || bytes[n - 1] != '\n')
        goto damaged;
    memcpy(rule, bytes + at + 1, left - 2);
    rule[left - 2] = '\0';
    if (rule[0] != '\0' && !read_rule(rule, z))
        goto damaged;
    *out = z;
    return TFT_OK;

damaged:
    free(z);
    return tft_fail(err, TFT_ERR_FORMAT, "not a TZif file of version 2 or later");
}

/* Whether the database's own list has this name: a line "Z name …" or "L target name". */
static bool is_listed(const char *list, const char *name, char found[ZONE_NAME_BYTES])
{
    for (const char *line = list; line != NULL && *line != '\0';) {
        const char *const end = strchr(line, '\n');
        char kind = '\0', first[ZONE_NAME_BYTES] = "", second[ZONE_NAME_BYTES] = "";
        if ((line[0] == 'Z' || line[0] == 'L') && sscanf(line, "%c %63s %63s", &kind, first, second) >= 2) {
            const char *const listed = kind == 'Z' ? first : second;
            if (strcmp(listed, name) == 0) {
                snprintf(found, ZONE_NAME_BYTES, "%s", listed);
                return true;
            }
        }
        line = end != NULL ? end + 1 : NULL;
    }
    return false;
}

tft_status zone_open(const char *folder, const char *name, zone **out, tft_error *err)
{
    *out = NULL;
    char path[512], listed[ZONE_NAME_BYTES], *bytes = NULL;
    size_t n = 0;
    const char *const from = folder != NULL ? folder : FOLDER;
    if (strcmp(name, "UTC") == 0) { // also on a machine without a database
        *out = calloc(1, sizeof **out);
        return *out != NULL ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "no memory for a time zone");
    }
    snprintf(path, sizeof path, "%s/tzdata.zi", from);
    tft_status status = tft_file_read(path, MAX_LIST_BYTES, &bytes, &n, err);
    if (status != TFT_OK)
        return tft_error_prefix(err, "the list of time zones");
    const bool known = is_listed(bytes, name, listed);
    free(bytes);
    bytes = NULL;
    if (!known)
        return tft_fail(err, TFT_ERR_NOT_FOUND, "\"%.60s\" is not a time zone of %s", name, from);
    snprintf(path, sizeof path, "%s/%s", from, listed);
    status = tft_file_read(path, MAX_FILE_BYTES, &bytes, &n, err);
    if (status == TFT_OK)
        status = zone_decode((const unsigned char *)bytes, n, out, err);
    free(bytes);
    return status == TFT_OK ? TFT_OK : tft_error_prefix(err, "time zone %s", listed);
}

void zone_close(zone *z)
{
    free(z);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

int32_t zone_offset_s(const zone *z, int64_t utc_s)
{
    if (z->n == 0)
        return z->has_rule ? offset_by_rule(z, utc_s) : z->first_offset;
    if (utc_s < z->times[0])
        return z->first_offset;
    if (utc_s >= z->times[z->n - 1] && z->has_rule)
        return offset_by_rule(z, utc_s);
    size_t low = 0, high = z->n; // times[low] ≤ utc_s < times[high]
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (z->times[middle] <= utc_s)
            low = middle;
        else
            high = middle;
    }
    return z->offsets[low];
}

int64_t zone_to_utc_s(const zone *z, int64_t local_s)
{
    const int32_t before = zone_offset_s(z, local_s - DAY_S), after = zone_offset_s(z, local_s + DAY_S);
    const int64_t early = local_s - before, late = local_s - after;
    // a time that comes twice is both; the offset before gives the first of them
    if (zone_offset_s(z, early) == before)
        return early;
    if (zone_offset_s(z, late) == after)
        return late;
    return early; // in the gap
}
