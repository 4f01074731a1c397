/* summary.h - one metric's past in figures: its scale, its statistics, and the quantile functions and means that the
 * anchors are made of. All in the metric's own unit; whoever writes inputs divides by the scale.
 *
 * The last week, day and hour are sorted each by itself (list_sort.h), and the hours of the day that the horizon touches eight at a time, side by
 * side (span_sort.h): quantiles need values in order, and nobody needs to know whose they were.
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
#include "series/list_sort.h"
#include "series/past.h"
#include "series/sums.h"
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

/* Steps of the last week that follow each other and lie in one hour of the day: ages [age, age + n). */
typedef struct tft_hour_run {
    uint32_t age, n;
    uint8_t hour;
} tft_hour_run;

typedef struct tft_sorter {
    int64_t origin; // of the runs
    uint32_t hours; // of the day that they are of, 0: none are known yet
    size_t n_runs;
    tft_hour_run *runs;
    tft_list list;
    float (*by_hour)[TFT_SORT_COLUMNS]; // [hour_rows]
    size_t hour_rows;
    double *minute_sums; // [hour]
    double *minute_counts;
    tft_sums *sums; // [n_metrics, rounded up to TFT_SUM_LANES]
} tft_sorter;

void tft_sorter_layout(tft_sorter *sorter, const tft_pace *pace, size_t n_metrics, tft_arena *arena);
/* Takes the sums of all metrics of a past, and looks up the steps of the wanted hours of the day (bit h: hour h) where
 * its origin is a new one. */
void tft_sorter_begin(tft_sorter *sorter, const tft_pace *pace, const tft_past *past, uint32_t hours);
void tft_summary_layout(tft_summary *summary, const tft_pace *pace, tft_arena *arena);

/* Summarises metric m of the past that the sorter began with. `levels` NULL for metrics that are not forecast. `hours` as the sorter began with: those
 * in the horizon. */
void tft_summary_make(const tft_past *past, const tft_pace *pace, const tft_metric *metric, size_t m,
                      const float *levels, size_t n_levels, uint32_t hours, tft_sorter *sorter, tft_summary *summary);

/* Quantile q of n ≥ 1 ascending values, type 7. */
float tft_quantile_sorted(const float *sorted, size_t n, float q);

#endif
