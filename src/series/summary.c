/* summary.c - see summary.h. */
#include "series/summary.h"

#include <math.h>
#include <string.h>

void tft_sorter_layout(tft_sorter *sorter, const tft_pace *pace, size_t n_metrics, tft_arena *arena)
{
    const size_t in_hour = 8 * (pace->hour + 1); // a week touches an hour of the day at most eight times
    sorter->n_runs = 0;
    sorter->hours = 0;
    sorter->runs = tft_arena_alloc(arena, pace->week, sizeof *sorter->runs);
    tft_list_layout(&sorter->list, pace->week, arena);
    sorter->hour_rows = (in_hour + TFT_SORT_BLOCK - 1) / TFT_SORT_BLOCK * TFT_SORT_BLOCK;
    sorter->by_hour = tft_arena_alloc(arena, sorter->hour_rows, sizeof *sorter->by_hour);
    sorter->minute_sums = tft_arena_alloc(arena, pace->hour, sizeof *sorter->minute_sums);
    sorter->minute_counts = tft_arena_alloc(arena, pace->hour, sizeof *sorter->minute_counts);
    sorter->sums = tft_arena_alloc(arena, n_metrics + TFT_SUM_LANES - 1, sizeof *sorter->sums);
}

/* Runs of the wanted hours alone. */
static void find_runs(tft_sorter *sorter, const tft_pace *pace, int64_t origin, uint32_t hours)
{
    int64_t ms = tft_ms_of_day(pace->step_ms, origin);
    const int64_t back = pace->step_ms % TFT_DAY_MS;
    sorter->n_runs = 0;
    for (size_t age = 0; age < pace->week;) {
        const size_t in_hour = back > 0 ? (size_t)(ms % TFT_HOUR_MS / back) + 1 : pace->week; // down to the full hour
        const size_t n = in_hour < pace->week - age ? in_hour : pace->week - age;
        const uint8_t hour = (uint8_t)(ms / TFT_HOUR_MS);
        if ((hours >> hour & 1u) != 0)
            sorter->runs[sorter->n_runs++] = (tft_hour_run){(uint32_t)age, (uint32_t)n, hour};
        age += n;
        ms -= (int64_t)n * back;
        ms += ms < 0 ? TFT_DAY_MS : 0;
    }
    sorter->origin = origin;
    sorter->hours = hours;
}

void tft_sorter_begin(tft_sorter *sorter, const tft_pace *pace, const tft_past *past, uint32_t hours)
{
    if (sorter->hours != hours || sorter->origin != past->origin)
        find_runs(sorter, pace, past->origin, hours);
    for (size_t m = 0; m < past->steps.n_metrics; m += TFT_SUM_LANES)
        tft_sums_make(past, pace, m, sorter->sums + m);
}

void tft_summary_layout(tft_summary *summary, const tft_pace *pace, tft_arena *arena)
{
    summary->same_minute = tft_arena_floats(arena, pace->hour);
    summary->same_minute_6h = tft_arena_floats(arena, pace->hour);
    summary->same_minute_24h = tft_arena_floats(arena, pace->hour);
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

static void quantiles(const tft_list *list, const float *levels, size_t n_levels, float last, float *out)
{
    for (size_t q = 0; q < n_levels; q++)
        out[q] = list->n > 0 ? tft_list_quantile(list, levels[q]) : last;
}

static float mean_or(double sum, size_t n, float otherwise)
{
    return n > 0 ? (float)(sum / (double)n) : otherwise;
}

static float scale_of(const tft_sums *s, const tft_metric *metric)
{
    double scale = 0.0;
    if (s->week.n > 0)
        scale = s->week.magnitude / (double)s->week.n;
    if (s->day.n > 0)
        scale = 0.5 * (scale + s->day.magnitude / (double)s->day.n);
    return (float)(scale > metric->scale_floor ? scale : metric->scale_floor);
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

/* Means over the latest hours of the values at the same minute: phase p of the hour k hours before the one to come is at age k·hour − 1 − p. */
static void same_minutes(const float *column, size_t n, size_t hour, tft_sorter *sorter, tft_summary *s)
{
    double *const sums = sorter->minute_sums;
    double *const counts = sorter->minute_counts;
    memset(sums, 0, hour * sizeof *sums);
    memset(counts, 0, hour * sizeof *counts);
    for (size_t k = 1; k <= 24; k++) {
        const size_t back = k * hour, missing = back > n ? back - n : 0;
        if (missing < hour)
            tft_sums_add(column + (n + missing - back), hour - missing, sums + missing, counts + missing);
        for (size_t p = 0; k == 1 && p < hour; p++)
            s->same_minute[p] = mean_or(sums[p], (size_t)counts[p], s->last);
        for (size_t p = 0; k == 6 && p < hour; p++)
            s->same_minute_6h[p] = mean_or(sums[p], (size_t)counts[p], s->same_minute[p]);
    }
    for (size_t p = 0; p < hour; p++)
        s->same_minute_24h[p] = mean_or(sums[p], (size_t)counts[p], s->same_minute_6h[p]);
}

/* Puts the values of up to eight hours of the day side by side, and sorts them. `column` ends at the origin. */
static void sort_hours(const float *column, size_t n, const uint8_t column_of_hour[24], size_t n_hours,
                       tft_sorter *sorter, uint32_t known[TFT_SORT_COLUMNS])
{
    size_t n_rows[TFT_SORT_COLUMNS] = {0}, most = 0;
    for (size_t r = 0; r < sorter->n_runs && sorter->runs[r].age < n; r++) {
        const tft_hour_run *const run = &sorter->runs[r];
        const size_t c = column_of_hour[run->hour], count = run->n < n - run->age ? run->n : n - run->age;
        if (c == TFT_SORT_COLUMNS)
            continue;
        const float *const from = column + (n - run->age - count);
        for (size_t i = 0; i < count; i++)
            sorter->by_hour[n_rows[c] + i][c] = from[i];
        n_rows[c] += count;
        most = n_rows[c] > most ? n_rows[c] : most;
    }
    memset(known, 0, TFT_SORT_COLUMNS * sizeof *known);
    for (size_t c = 0; c < n_hours; c++) { // the columns behind hold whatever was there
        for (size_t i = n_rows[c]; i < most; i++)
            sorter->by_hour[i][c] = NAN;
    }
    for (size_t i = 0; i < most; i++) {
        for (size_t c = 0; c < TFT_SORT_COLUMNS; c++)
            known[c] += isnan(sorter->by_hour[i][c]) ? 0 : 1;
    }
    tft_span_sort(sorter->by_hour, most);
}

static float hour_quantile(const tft_sorter *sorter, size_t c, size_t n, float q)
{
    const double at = (double)q * (double)(n - 1);
    const size_t low = (size_t)at, high = low + 1 < n ? low + 1 : n - 1;
    const double part = low < n - 1 ? at - (double)low : 0.0;
    return (float)((1.0 - part) * (double)sorter->by_hour[low][c] + part * (double)sorter->by_hour[high][c]);
}

/* The quantiles of each wanted hour of the day; where nothing is known of one, the week's. */
static void same_hours(const float *column, size_t n, uint32_t hours, const float *levels, size_t n_levels,
                       float week_median, tft_sorter *sorter, tft_summary *s)
{
    for (size_t h = 0; h < 24;) {
        uint8_t column_of_hour[24];
        size_t hour_at[TFT_SORT_COLUMNS], n_hours = 0;
        uint32_t n_known[TFT_SORT_COLUMNS];
        memset(column_of_hour, TFT_SORT_COLUMNS, sizeof column_of_hour);
        for (; h < 24 && n_hours < TFT_SORT_COLUMNS; h++) {
            if ((hours >> h & 1u) != 0) {
                column_of_hour[h] = (uint8_t)n_hours;
                hour_at[n_hours++] = h;
            }
        }
        if (n_hours == 0)
            return;
        sort_hours(column, n, column_of_hour, n_hours, sorter, n_known);
        for (size_t c = 0; c < n_hours; c++) {
            const size_t at = hour_at[c];
            for (size_t q = 0; q < n_levels; q++)
                s->same_hour[at][q] =
                    n_known[c] > 0 ? hour_quantile(sorter, c, n_known[c], levels[q]) : s->quantiles_7d[q];
            s->same_hour_median[at] = n_known[c] > 0 ? hour_quantile(sorter, c, n_known[c], 0.5f) : week_median;
        }
    }
}

void tft_summary_make(const tft_past *past, const tft_pace *pace, const tft_metric *metric, size_t m,
                      const float *levels, size_t n_levels, uint32_t hours, tft_sorter *sorter, tft_summary *s)
{
    const size_t n = past->n, hour = pace->hour < n ? pace->hour : n, day = pace->day < n ? pace->day : n;
    const size_t week = pace->week < n ? pace->week : n;
    const float *const column = past->columns + m * n, *const end = column + n;
    const tft_sums *const sum = &sorter->sums[m];
    tft_list *const list = &sorter->list;
    s->last = last_value(column, n, &s->seen);
    s->scale = scale_of(sum, metric);
    s->mean_1h = mean_or(sum->hour.sum, sum->hour.n, s->last);
    s->mean_24h = mean_or(sum->day.sum, sum->day.n, s->last);
    s->mean_7d = mean_or(sum->week.sum, sum->week.n, s->last);
    s->change_24h = mean_or(sum->change, sum->n_changes, 0.0f);

    tft_list_sort(list, end - day, day);
    s->p10_24h = list->n > 0 ? tft_list_quantile(list, 0.1f) : s->last;
    s->p90_24h = list->n > 0 ? tft_list_quantile(list, 0.9f) : s->last;
    s->max_24h = list->n > 0 ? tft_list_at(list, list->n - 1) : s->last;
    s->n_levels = 0;
    if (levels == NULL)
        return;

    s->n_levels = n_levels;
    quantiles(list, levels, n_levels, s->last, s->quantiles_24h);
    tft_list_sort(list, end - hour, hour);
    quantiles(list, levels, n_levels, s->last, s->quantiles_1h);
    tft_list_sort(list, end - week, week);
    quantiles(list, levels, n_levels, s->last, s->quantiles_7d);
    s->week_min = list->n > 0 ? tft_list_at(list, 0) : s->last;
    s->week_max = list->n > 0 ? tft_list_at(list, list->n - 1) : s->last;
    same_hours(end - week, week, hours, levels, n_levels, list->n > 0 ? tft_list_quantile(list, 0.5f) : s->last, sorter,
               s);
    same_minutes(column, n, pace->hour, sorter, s);
    s->level = tft_level(column, n, s->last);
    s->shift_from_1d = tft_shift(column, n, pace);
    tft_changes_make(column, n, pace->day, levels, n_levels, &s->changes_24h);
    tft_changes_make(column, n, pace->week, levels, n_levels, &s->changes_7d);
}
