/* data.h - small datasets for the tests of this room: servers whose values are a function of server, metric and step. */
#ifndef TESTS_SCORE_DATA_H
#define TESTS_SCORE_DATA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "tft/dataset.h"

#define STEPS_A_DAY 288

/* cmocka 1.1.5 has this for floats only. Not a number equals nothing. */
#define assert_double_equal(is, wanted, bound)                                                                         \
    do {                                                                                                               \
        const double is_ = (is), wanted_ = (wanted);                                                                   \
        if (!(fabs(is_ - wanted_) <= (bound)))                                                                         \
            fail_msg("%s is %.17g, not %.17g", #is, is_, wanted_);                                                     \
    } while (0)

/* n targets called a, b, … without bounds, 5-minute steps, 96 ahead. */
static inline tft_contract data_contract(size_t n)
{
    tft_contract contract = tft_contract_default();
    contract.n_metrics = n;
    for (size_t m = 0; m < n; m++) {
        contract.metrics[m] = (tft_metric){.min = -HUGE_VAL, .max = HUGE_VAL, .scale_floor = 0.001, .target = true};
        contract.metrics[m].name[0] = (char)('a' + m);
    }
    return contract;
}

/* Sets one step of a server (made if new) to one record: every metric m gets value + m. */
static inline void data_put(tft_dataset *data, const char *name, int64_t step, double value, tft_state state)
{
    double values[TFT_MAX_METRICS];
    for (size_t m = 0; m < data->contract.n_metrics; m++)
        values[m] = value + (double)m;
    assert_int_equal(tft_dataset_add(data, name, strlen(name), step * data->contract.step_ms, values, state, -1, NULL),
                     TFT_OK);
}

/* Servers s01 … sN, steps 0 … n_steps − 1, value(server, step). */
static inline void data_fill(tft_dataset *data, const tft_contract *contract, size_t n_servers, int64_t n_steps,
                             double (*value)(size_t server, int64_t step))
{
    assert_int_equal(tft_dataset_open(contract, data, NULL), TFT_OK);
    for (size_t s = 0; s < n_servers; s++) {
        char name[32];
        snprintf(name, sizeof name, "s%02zu", s + 1);
        for (int64_t i = 0; i < n_steps; i++)
            data_put(data, name, i, value(s, i), TFT_STATE_NONE);
    }
    tft_dataset_sort(data);
}

static inline double data_sine(size_t server, int64_t step)
{
    return 50 + 30 * sin(6.283185307179586 * (double)step / STEPS_A_DAY + (double)server);
}

static inline double data_noise(size_t server, int64_t step)
{
    tft_rng rng = tft_rng_seeded(1000 + server, (uint64_t)step);
    return 20 + 10 * tft_rng_uniform(&rng) + 5 * sin((double)step / 40);
}

#endif
