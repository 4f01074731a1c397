/* chart.h - small charts as inline SVG, written into a text: lines with a band, bars, a reliability diagram.
 *
 * Colours are classes (c0 … c7, band, grid, …) whose values stand in the page's style sheet, so that a page follows the
 * reader's light or dark setting. Every chart has a title and a description for those who do not see it; the page puts the
 * numbers beside it as a table.
 *
 *     viewBox 0 0 width height;   plot area inside the margins;   y grows upwards in data, downwards in SVG
 *
 * Threads: plain functions that append.
 */
#ifndef TFTD_SCORE_CHART_H
#define TFTD_SCORE_CHART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

typedef struct chart {
    tft_text *text;
    double width, height, left, right, top, bottom; // margins
    double x0, x1, y0, y1;                          // data at the plot's edges
} chart;

/* Opens an <svg> of this size; `about` is read aloud. */
chart chart_open(tft_text *text, double width, double height, double x0, double x1, double y0, double y1,
                 const char *about);
void chart_close(const chart *c);

/* About `n` ticks at round numbers with lines across; `percent` writes 0.2 as 20 %. */
void chart_grid_y(const chart *c, size_t n, bool percent, const char *label);
void chart_tick_x(const chart *c, double x, const char *word);
void chart_label_x(const chart *c, const char *label);
/* y[n] at x[n]; NaN breaks the line. */
void chart_line(const chart *c, const double *x, const double *y, size_t n, const char *class);
/* The area between low and high. */
void chart_band(const chart *c, const double *x, const double *low, const double *high, size_t n, const char *class);
void chart_bar(const chart *c, double x_from, double x_to, double y, const char *class);
void chart_dot(const chart *c, double x, double y, double radius, const char *class, const char *tip);
void chart_rule(const chart *c, bool vertical, double at, const char *class); // across the whole plot

/* The step between round ticks for a range: 1, 2 or 5 times a power of ten. */
double chart_round_step(double range, size_t n);

/* Text with &, <, > and quotes escaped. */
void chart_escape(tft_text *text, const char *words);

#endif
