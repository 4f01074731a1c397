/* fleet.h - small made-up datasets for the tests of this room. */
#ifndef TESTS_TRAIN_FLEET_H
#define TESTS_TRAIN_FLEET_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "tft/dataset.h"

#define FLEET_START INT64_C(1375315200000) // 2013-08-01T00:00:00Z

/* A contract with `n` targets a, b, c …, steps of step_ms, a short context and horizon. */
static inline tft_contract small_contract(size_t n, int64_t step_ms, size_t context, size_t horizon)
{
    tft_contract c = tft_contract_default();
    c.n_metrics = n;
    for (size_t m = 0; m < n; m++) {
        c.metrics[m] = (tft_metric){.min = 0, .max = HUGE_VAL, .scale_floor = 0.1, .target = true};
        c.metrics[m].name[0] = (char)('a' + m);
    }
    c.has_state = c.has_profile = false;
    c.step_ms = step_ms;
    c.context = context;
    c.horizon = horizon;
    c.memory = (size_t)(8 * 86400000 / step_ms);
    c.incident = (tft_incident_rule){.by_metric = true, .metric = 0, .level = 1e9, .steps = 1};
    return c;
}

/* n_servers called vm1, vm2, …, each n_steps long: a sine with a period of 24 steps, whose phase and size differ, and
 * noise. A forecaster that has learned the rhythm beats the last value by far. */
static inline void fill_fleet(tft_dataset *dataset, size_t n_servers, size_t n_steps, double noise)
{
    for (size_t s = 0; s < n_servers; s++) {
        char name[32];
        const int n = snprintf(name, sizeof name, "vm%zu", s + 1);
        tft_rng rng = tft_rng_seeded(77, s);
        const double size = 1 + 10 * tft_rng_uniform(&rng);
        for (size_t k = 0; k < n_steps; k++) {
            double values[TFT_MAX_METRICS];
            for (size_t m = 0; m < dataset->contract.n_metrics; m++)
                values[m] = fmax(
                    0, size * (2 + sin((double)(k + s) * 6.283185307 / 24 + (double)m) + noise * tft_rng_normal(&rng)));
            assert_int_equal(tft_dataset_add(dataset, name, (size_t)n,
                                             FLEET_START + (int64_t)k * dataset->contract.step_ms, values,
                                             TFT_STATE_NONE, -1, NULL),
                             TFT_OK);
        }
    }
    tft_dataset_sort(dataset);
}

#endif
