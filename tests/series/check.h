/* check.h - what the tests of this room share: cmocka's includes in their order, and short ways to make a series. */
#ifndef TESTS_SERIES_CHECK_H
#define TESTS_SERIES_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tft/contract.h"
#include "tft/series.h"

/* A contract of n targets called a, b, c … without bounds, 5-minute steps. */
static inline tft_contract contract_of(size_t n)
{
    tft_contract contract = tft_contract_default();
    contract.n_metrics = n;
    for (size_t m = 0; m < n; m++) {
        contract.metrics[m] = (tft_metric){.min = -HUGE_VAL, .max = HUGE_VAL, .scale_floor = 0.001, .target = true};
        contract.metrics[m].name[0] = (char)('a' + m);
    }
    return contract;
}

static inline void add(tft_series *series, int64_t step, double value, tft_state state)
{
    double values[TFT_MAX_METRICS];
    for (size_t m = 0; m < series->n_metrics; m++)
        values[m] = value + (double)m;
    assert_int_equal(tft_series_add(series, step, values, state, NULL), TFT_OK);
}

/* Adds a record without any value. */
static inline void add_state(tft_series *series, int64_t step, tft_state state)
{
    add(series, step, (double)NAN, state);
}

#endif
