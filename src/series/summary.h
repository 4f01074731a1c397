/* summary.h - one metric's past in figures: its scale, its statistics, and the quantile functions and means that the
 * anchors are made of. All in the metric's own unit; whoever writes inputs divides by the scale.
 *
 * One sort serves everything: the last week's values are sorted once with their ages, and walking the sorted list deals
 * them out, still sorted, to the last day, the last hour and the hours of the day (a value belongs to several).
 *
 * Fallbacks, so that an anchor always has a number: quantiles of the same hour -> of the week -> last value; of the day,
 * of the hour -> last value; means of the same minute over 24 h -> 6 h -> 1 h -> last value; last value -> 0.
 *
 * Quantiles interpolate linearly between order statistics (type 7 of Hyndman and Fan 1996, numpy's default).
 */
#ifndef TFT_SERIES_SUMMARY_H
#define TFT_SERIES_SUMMARY_H

#include "series/analogs.h"
#include "series/changes.h"
#include "series/past.h"
#include "tft/config.h"

typedef struct tft_summary {
    bool seen;   // some value is in the past; else every figure is 0
    float scale; // mean of the 24 h mean and the 7 d mean of |value|, at least the metric's floor
    float last, mean_1h, mean_24h, mean_7d, p10_24h, p90_24h, max_24h;
    float change_24h; // mean |value − value of the step before| of the last day
    /* only of targets: */
    size_t n_levels;
    float quantiles_1h[TFT_MAX_QUANTILES], quantiles_24h[TFT_MAX_QUANTILES], quantiles_7d[TFT_MAX_QUANTILES];
    float same_hour[24][TFT_MAX_QUANTILES]; // filled for the hours that the horizon touches
    float same_hour_median[24];
    float level;         // exponentially weighted mean of the newest values (changes.h)
    float shift_from_1d; // mean of the last hour − mean of that hour a day before; 0 where either is missing
    float week_min, week_max;
    tft_changes changes_24h, changes_7d;
    tft_analogs analogs;    // what followed the moments that were like now; left to window.c
    float *same_minute;     // [hour] value at the same minute of the latest hour, by phase (t − 1) mod hour
    float *same_minute_6h;  // [hour] mean over the latest 6 hours
    float *same_minute_24h; // [hour] mean over the latest 24
} tft_summary;

typedef struct tft_sorter {
    uint64_t *items, *spare; // [week] (sortable key of the value, age)
    float *week, *day, *hour;
    float *by_hour; // [24, by_hour_capacity]
    size_t by_hour_capacity;
    uint8_t *hour_of_age; // [week] hour of the day of the step of that age, for the present origin
} tft_sorter;

void tft_sorter_layout(tft_sorter *sorter, const tft_pace *pace, tft_arena *arena);
/* Tells the sorter the hours of the day before this origin. */
void tft_sorter_begin(tft_sorter *sorter, const tft_pace *pace, int64_t origin);
void tft_summary_layout(tft_summary *summary, const tft_pace *pace, tft_arena *arena);

/* Summarises metric m. `levels` NULL for metrics that are not forecast. `hours` bit h: hour of day h is in the horizon. */
void tft_summary_make(const tft_past *past, const tft_pace *pace, const tft_metric *metric, size_t m,
                      const float *levels, size_t n_levels, uint32_t hours, tft_sorter *sorter, tft_summary *summary);

/* Quantile q of n ≥ 1 ascending values, type 7. */
float tft_quantile_sorted(const float *sorted, size_t n, float q);

#endif
