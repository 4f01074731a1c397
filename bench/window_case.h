/* window_case.h - a server's history and everything that a window of it needs, as the model that ships has it: the default
 * contract, the clock's anchors, the signs, eleven quantiles.
 *
 * Memory: window_case_open() takes everything, window_case_close() gives it back. Threads: one case, one thread.
 */
#ifndef TFTD_BENCH_WINDOW_CASE_H
#define TFTD_BENCH_WINDOW_CASE_H

#include "base/arena.h"
#include "tft/window.h"

typedef struct window_case {
    tft_contract contract;
    tft_config config;
    tft_series series; // steps 0 … 5999: a daily rhythm, noise, and an incident now and then
    tft_window_scratch *scratch;
    tft_window window;
    tft_arena arena;
} window_case;

tft_status window_case_open(window_case *c, tft_error *err);
void window_case_close(window_case *c); // accepts a zeroed struct
/* Builds the k-th of 3,500 windows, eight days before each. */
tft_status window_case_build(window_case *c, size_t k, tft_error *err);

#endif
