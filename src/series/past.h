/* past.h - what one window may know: the steps up to its origin, copied out of the series, with the view applied.
 *
 * Everything a window is made of is computed from this copy, so nothing after the origin can leak in: it is not here.
 *
 *     index   0 ................................ n−1
 *             origin − n + 1                     origin        (a step the series lacks: NaN, count 0, no state)
 *
 * Memory:  the arrays lie in the scratch's arena and are overwritten by the next window.
 */
#ifndef TFT_SERIES_PAST_H
#define TFT_SERIES_PAST_H

#include "base/arena.h"
#include "series/calendar.h"
#include "tft/window.h"

#define TFT_PAST_SPARE 3

typedef struct tft_past {
    size_t n; // steps looked back over, the origin's included; the same for every window of a contract
    int64_t origin;
    tft_series steps;  // borrows the arrays below: what incident.h and the state rules walk over
    float *values;     // [n, n_metrics], masked, and TFT_PAST_SPARE more: the last steps are read as whole vectors, too
    uint16_t *counts;  // [n]
    uint8_t *states;   // [n]
    float *columns;    // [n_metrics, n]: the values again, a metric after the other
    size_t n_known;    // steps with records
    float newest_fill; // share of the newest step that has passed, 1 = all
} tft_past;

/* How far back any input reaches: the context, eight days, and the days that the lags of a long horizon need, but never
 * more than the contract keeps. */
size_t tft_past_length(const tft_contract *contract);
void tft_past_layout(tft_past *past, const tft_contract *contract, tft_arena *arena);

/* Copies the steps and applies the view (NULL = plain). Cannot fail. */
void tft_past_take(tft_past *past, const tft_contract *contract, const tft_series *series, int64_t origin,
                   const tft_window_view *view);

#endif
