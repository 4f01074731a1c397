/* summary.c - see summary.h.
 *
 * Sorting is a least-significant-digit radix sort of 64-bit items: the upper half is the float turned into an unsigned
 * number of the same order (sign bit flipped for positives, all bits for negatives), the lower half the age. Three
 * passes of 11 bits over 2016 items take a tenth of the time of a comparison sort, and the order is total: equal
 * values stay in order of age, so results do not depend on the platform's qsort.
 */
#include "series/summary.h"

#include <math.h>
#include <string.h>

#define DIGIT_BITS 11
#define N_DIGITS 2048
#define FEW 48 // below this, insertion is faster than three passes

void tft_sorter_layout(tft_sorter *sorter, const tft_pace *pace, tft_arena *arena)
{
    sorter->items = tft_arena_alloc(arena, pace->week, sizeof *sorter->items);
    sorter->spare = tft_arena_alloc(arena, pace->week, sizeof *sorter->spare);
    sorter->week = tft_arena_floats(arena, pace->week);
    sorter->day = tft_arena_floats(arena, pace->day + 1); // one more: see deal()
    sorter->hour = tft_arena_floats(arena, pace->hour + 1);
    sorter->by_hour_capacity = 8 * (pace->hour + 1); // a week touches an hour of the day at most eight times
    sorter->by_hour = tft_arena_floats(arena, 24 * sorter->by_hour_capacity);
    sorter->hour_of_age = tft_arena_alloc(arena, pace->week, sizeof *sorter->hour_of_age);
}

void tft_sorter_begin(tft_sorter *sorter, const tft_pace *pace, int64_t origin)
{
    int64_t ms = tft_ms_of_day(pace->step_ms, origin);
    const int64_t back = pace->step_ms % TFT_DAY_MS;
    for (size_t age = 0; age < pace->week; age++) {
        sorter->hour_of_age[age] = (uint8_t)(ms / TFT_HOUR_MS);
        ms -= back;
        ms += ms < 0 ? TFT_DAY_MS : 0;
    }
}

void tft_summary_layout(tft_summary *summary, const tft_pace *pace, tft_arena *arena)
{
    summary->same_minute = tft_arena_floats(arena, pace->hour);
    summary->same_minute_6h = tft_arena_floats(arena, pace->hour);
    summary->same_minute_24h = tft_arena_floats(arena, pace->hour);
}

static uint32_t sortable(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

static float unsortable(uint32_t key)
{
    const uint32_t bits = (key & 0x80000000u) != 0 ? key & 0x7fffffffu : ~key;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void sort_few(uint64_t *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const uint64_t item = items[i];
        size_t k = i;
        for (; k > 0 && items[k - 1] > item; k--)
            items[k] = items[k - 1];
        items[k] = item;
    }
}

/* Sorts by the upper 32 bits; returns where the sorted items are: `items` or `spare`. */
static const uint64_t *sort_items(uint64_t *items, uint64_t *spare, size_t n)
{
    if (n < FEW) {
        sort_few(items, n);
        return items;
    }
    uint32_t starts[3][N_DIGITS];
    memset(starts, 0, sizeof starts);
    for (size_t i = 0; i < n; i++) {
        for (unsigned pass = 0; pass < 3; pass++)
            starts[pass][items[i] >> (32 + pass * DIGIT_BITS) & (N_DIGITS - 1)]++;
    }
    for (unsigned pass = 0; pass < 3; pass++) {
        uint32_t sum = 0;
        for (size_t d = 0; d < N_DIGITS; d++) {
            const uint32_t count = starts[pass][d];
            starts[pass][d] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            spare[starts[pass][items[i] >> (32 + pass * DIGIT_BITS) & (N_DIGITS - 1)]++] = items[i];
        uint64_t *const swap = items;
        items = spare;
        spare = swap;
    }
    return items;
}

float tft_quantile_sorted(const float *sorted, size_t n, float q)
{
    const double at = (double)q * (double)(n - 1);
    const size_t low = (size_t)at;
    if (low + 1 >= n)
        return sorted[n - 1];
    const double part = at - (double)low;
    return (float)((1.0 - part) * (double)sorted[low] + part * (double)sorted[low + 1]);
}

static void quantiles(const float *sorted, size_t n, const float *levels, size_t n_levels, const float *fallback,
                      float last, float *out)
{
    for (size_t q = 0; q < n_levels; q++)
        out[q] = n > 0 ? tft_quantile_sorted(sorted, n, levels[q]) : fallback != NULL ? fallback[q] : last;
}

/* Sums over the last hour, day and week. */
typedef struct sums {
    double hour, day, week, day_magnitude, week_magnitude;
    size_t n_hour, n_day, n_week;
} sums;

/* Walks back over the week: fills items and sums. */
static sums gather(const float *column, size_t n, const tft_pace *pace, uint64_t *items)
{
    sums s = {0};
    const size_t reach = n < pace->week ? n : pace->week;
    for (size_t age = 0; age < reach; age++) {
        const float value = column[n - 1 - age];
        if (age == pace->hour) {
            s.hour = s.week;
            s.n_hour = s.n_week;
        }
        if (age == pace->day) {
            s.day = s.week;
            s.day_magnitude = s.week_magnitude;
            s.n_day = s.n_week;
        }
        if (isnan(value))
            continue;
        items[s.n_week++] = (uint64_t)sortable(value) << 32 | age;
        s.week += (double)value;
        s.week_magnitude += fabs((double)value);
    }
    if (reach <= pace->hour) {
        s.hour = s.week;
        s.n_hour = s.n_week;
    }
    if (reach <= pace->day) {
        s.day = s.week;
        s.day_magnitude = s.week_magnitude;
        s.n_day = s.n_week;
    }
    return s;
}

static float mean_or(double sum, size_t n, float otherwise)
{
    return n > 0 ? (float)(sum / (double)n) : otherwise;
}

static float scale_of(const sums *s, const tft_metric *metric)
{
    double scale = 0.0;
    if (s->n_week > 0)
        scale = s->week_magnitude / (double)s->n_week;
    if (s->n_day > 0)
        scale = 0.5 * (scale + s->day_magnitude / (double)s->n_day);
    return (float)(scale > metric->scale_floor ? scale : metric->scale_floor);
}

static float mean_change(const float *column, size_t n, size_t day)
{
    double sum = 0.0;
    size_t count = 0;
    for (size_t i = n > day ? n - day : 1; i < n; i++) {
        const float change = fabsf(column[i] - column[i - 1]);
        if (!isnan(change)) {
            sum += (double)change;
            count++;
        }
    }
    return mean_or(sum, count, 0.0f);
}

static float last_value(const float *column, size_t n, bool *seen)
{
    for (size_t i = n; i-- > 0;) {
        if (!isnan(column[i])) {
            *seen = true;
            return column[i];
        }
    }
    *seen = false;
    return 0.0f;
}

/* Means over the latest hours of the values at the same minute. Phase p of the hour after the origin is, k hours back,
 * at age k·hour − 1 − p. */
static void same_minutes(const float *column, size_t n, size_t hour, tft_summary *s)
{
    for (size_t p = 0; p < hour; p++) {
        double sum = 0.0;
        size_t count = 0;
        float one = s->last, six = 0.0f;
        for (size_t k = 1; k <= 24; k++) {
            const size_t age = k * hour - 1 - p;
            const float value = age < n ? column[n - 1 - age] : NAN;
            if (!isnan(value)) {
                sum += (double)value;
                count++;
            }
            if (k == 1)
                one = mean_or(sum, count, one);
            if (k == 6)
                six = mean_or(sum, count, one);
        }
        s->same_minute[p] = one;
        s->same_minute_6h[p] = six;
        s->same_minute_24h[p] = mean_or(sum, count, six);
    }
}

/* Deals the sorted items out to the day, the hour and the wanted hours of the day. Where an item goes depends on its age, which no
 * branch can foresee: every value is written to the end of all three lists, and a list that does not want it does not grow. */
static void deal(const uint64_t *sorted, size_t n, const tft_pace *pace, uint32_t hours, tft_sorter *sorter,
                 size_t n_by_hour[24])
{
    size_t n_day = 0, n_hour = 0;
    float *restrict const week = sorter->week, *restrict const day = sorter->day, *restrict const hour = sorter->hour;
    float *restrict const by_hour = sorter->by_hour;
    memset(n_by_hour, 0, 24 * sizeof *n_by_hour);
    for (size_t i = 0; i < n; i++) {
        const size_t age = (size_t)(sorted[i] & 0xffffffffu), h = sorter->hour_of_age[age];
        const float value = unsortable((uint32_t)(sorted[i] >> 32));
        week[i] = value;
        day[n_day] = value;
        n_day += age < pace->day;
        hour[n_hour] = value;
        n_hour += age < pace->hour;
        by_hour[h * sorter->by_hour_capacity + n_by_hour[h]] = value;
        n_by_hour[h] += hours >> h & 1u;
    }
}

void tft_summary_make(const tft_past *past, const tft_pace *pace, const tft_metric *metric, size_t m,
                      const float *levels, size_t n_levels, uint32_t hours, tft_sorter *sorter, tft_summary *s)
{
    const size_t n = past->n;
    const float *const column = past->columns + m * n;
    const sums sum = gather(column, n, pace, sorter->items);
    s->last = last_value(column, n, &s->seen);
    s->scale = scale_of(&sum, metric);
    s->mean_1h = mean_or(sum.hour, sum.n_hour, s->last);
    s->mean_24h = mean_or(sum.day, sum.n_day, s->last);
    s->mean_7d = mean_or(sum.week, sum.n_week, s->last);
    s->change_24h = mean_change(column, n, pace->day);

    size_t n_by_hour[24];
    deal(sort_items(sorter->items, sorter->spare, sum.n_week), sum.n_week, pace, levels != NULL ? hours : 0, sorter,
         n_by_hour);
    s->p10_24h = sum.n_day > 0 ? tft_quantile_sorted(sorter->day, sum.n_day, 0.1f) : s->last;
    s->p90_24h = sum.n_day > 0 ? tft_quantile_sorted(sorter->day, sum.n_day, 0.9f) : s->last;
    s->max_24h = sum.n_day > 0 ? sorter->day[sum.n_day - 1] : s->last;
    s->n_levels = 0;
    if (levels == NULL)
        return;

    s->n_levels = n_levels;
    quantiles(sorter->hour, sum.n_hour, levels, n_levels, NULL, s->last, s->quantiles_1h);
    quantiles(sorter->day, sum.n_day, levels, n_levels, NULL, s->last, s->quantiles_24h);
    quantiles(sorter->week, sum.n_week, levels, n_levels, NULL, s->last, s->quantiles_7d);
    const float week_median = sum.n_week > 0 ? tft_quantile_sorted(sorter->week, sum.n_week, 0.5f) : s->last;
    for (size_t h = 0; h < 24; h++) {
        if ((hours >> h & 1u) == 0)
            continue;
        const float *const values = sorter->by_hour + h * sorter->by_hour_capacity;
        quantiles(values, n_by_hour[h], levels, n_levels, s->quantiles_7d, s->last, s->same_hour[h]);
        s->same_hour_median[h] = n_by_hour[h] > 0 ? tft_quantile_sorted(values, n_by_hour[h], 0.5f) : week_median;
    }
    same_minutes(column, n, pace->hour, s);
    s->week_min = sum.n_week > 0 ? sorter->week[0] : s->last;
    s->week_max = sum.n_week > 0 ? sorter->week[sum.n_week - 1] : s->last;
    s->level = tft_level(column, n, s->last);
    s->shift_from_1d = tft_shift(column, n, pace);
    tft_changes_make(column, n, pace->day, levels, n_levels, &s->changes_24h);
    tft_changes_make(column, n, pace->week, levels, n_levels, &s->changes_7d);
}
