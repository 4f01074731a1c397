/* test_quantiles.c - probabilities out of quantiles, and tidying. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "forecast/quantiles.h"

static void near(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-6))
        fail_msg("%.9g, expected %.9g", got, expected);
}

static void at_a_quantile_the_probability_is_what_its_level_leaves(void **state)
{
    (void)state;
    const float rows[FORECAST_N_QUANTILES] = {10, 20, 30, 40, 50, 60, 80};
    const double left[FORECAST_N_QUANTILES] = {0.98, 0.9, 0.75, 0.5, 0.25, 0.1, 0.02};
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
        near(forecast_exceedance(rows, 1, 0, (double)rows[q]), left[q]);
    near(forecast_exceedance(rows, 1, 0, 45), 0.375); // half-way from p50 to p75
    near(forecast_exceedance(rows, 1, 0, 70), 0.06);
    // Tails: p90 → p98 are 20 apart and a factor of 5 in probability; 20 more are another factor of 5.
    near(forecast_exceedance(rows, 1, 0, 100), 0.02 / 5);
    near(forecast_exceedance(rows, 1, 0, 0), 1 - 0.02 / 5);
}

static void without_spread_the_probability_is_a_step(void **state)
{
    (void)state;
    const float rows[FORECAST_N_QUANTILES] = {7, 7, 7, 7, 7, 7, 7};
    near(forecast_exceedance(rows, 1, 0, 6.99), 1);
    near(forecast_exceedance(rows, 1, 0, 7.01), 0);
    near(forecast_exceedance(rows, 1, 0, 7), 0.98); // reached for certain, as far as the levels know
}

static void the_probability_never_rises_with_the_threshold(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(1, 0);
    const tft_metric metric = {.min = 0, .max = 100};
    for (size_t round = 0; round < 500; round++) {
        float rows[FORECAST_N_QUANTILES * 2];
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            rows[i] = (float)(tft_rng_normal(&rng) * 40.0 + 50.0);
        if (round % 5 == 0)
            rows[3 * 2 + 1] = rows[4 * 2 + 1] = rows[5 * 2 + 1]; // a flat piece
        assert_true(forecast_tidy(&metric, rows, 2));
        double before = 1.0;
        for (double x = -20; x < 120; x += 0.37) {
            const double p = forecast_exceedance(rows, 2, 1, x);
            assert_true(p >= 0.0 && p <= before);
            before = p;
        }
    }
}

static void tidying_sorts_and_keeps_inside_the_range(void **state)
{
    (void)state;
    const tft_metric metric = {.min = 0.1, .max = 99.7}; // bounds that float cannot hold exactly
    float rows[FORECAST_N_QUANTILES * 2] = {5, -3, 4, 0, 3, 1, 2, 200, 1, 2, 0, 3, 120, 4};
    assert_true(forecast_tidy(&metric, rows, 2));
    for (size_t t = 0; t < 2; t++)
        for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
            const float v = rows[q * 2 + t];
            assert_true((double)v >= metric.min && (double)v <= metric.max);
            assert_true(q == 0 || v >= rows[(q - 1) * 2 + t]);
        }
}

static void a_value_that_is_not_finite_spoils_the_rows(void **state)
{
    (void)state;
    const tft_metric metric = {.min = 0, .max = HUGE_VAL};
    const float bad[] = {NAN, HUGE_VALF, -HUGE_VALF};
    for (size_t i = 0; i < 3; i++) {
        float rows[FORECAST_N_QUANTILES] = {1, 2, 3, 4, 5, 6, 7};
        rows[i * 2] = bad[i];
        assert_false(forecast_tidy(&metric, rows, 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_a_quantile_the_probability_is_what_its_level_leaves),
        cmocka_unit_test(without_spread_the_probability_is_a_step),
        cmocka_unit_test(the_probability_never_rises_with_the_threshold),
        cmocka_unit_test(tidying_sorts_and_keeps_inside_the_range),
        cmocka_unit_test(a_value_that_is_not_finite_spoils_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
