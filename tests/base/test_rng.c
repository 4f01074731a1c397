/* test_rng.c - random streams: the same everywhere, uniform, independent by stream. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"

static void a_seed_always_gives_the_same_numbers(void **state)
{
    (void)state;
    tft_rng a = tft_rng_seeded(1, 2), b = tft_rng_seeded(1, 2), c = tft_rng_seeded(1, 3);
    size_t equal = 0;
    for (size_t i = 0; i < 1000; i++) {
        const uint64_t x = tft_rng_next(&a);
        assert_true(x == tft_rng_next(&b));
        equal += x == tft_rng_next(&c);
    }
    assert_int_equal(equal, 0);
}

static void moments_are_those_of_the_distributions(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(3, 0);
    const size_t n = 200000;
    double u = 0, u2 = 0, z = 0, z2 = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = tft_rng_uniform(&rng), y = tft_rng_normal(&rng);
        assert_true(x >= 0 && x < 1);
        u += x;
        u2 += x * x;
        z += y;
        z2 += y * y;
    }
    const double five_sigma = 5 / sqrt((double)n);
    assert_true(fabs(u / (double)n - 0.5) < five_sigma * 0.2887);
    assert_true(fabs(u2 / (double)n - 1.0 / 3) < five_sigma * 0.2982);
    assert_true(fabs(z / (double)n) < five_sigma);
    assert_true(fabs(z2 / (double)n - 1) < five_sigma * 1.4143);
}

static void below_is_uniform_over_its_values(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(4, 0);
    size_t counts[7] = {0};
    for (size_t i = 0; i < 70000; i++)
        counts[tft_rng_below(&rng, 7)]++;
    for (size_t i = 0; i < 7; i++)
        assert_in_range(counts[i], 9500, 10500);
    assert_int_equal(tft_rng_below(&rng, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_always_gives_the_same_numbers),
        cmocka_unit_test(moments_are_those_of_the_distributions),
        cmocka_unit_test(below_is_uniform_over_its_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
