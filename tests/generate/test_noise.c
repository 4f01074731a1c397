/* test_noise.c - the exact moments of an Ornstein-Uhlenbeck process, at any length of step. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "generate/noise.h"

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

/* Variance of the mean over T of a stationary process with variance 1: 2 (r − 1 + exp(−r)) / r², r = T/tau. */
static double variance_of_mean(double tau_s, double length_s)
{
    const double r = length_s / tau_s;
    return 2 * (r + expm1(-r)) / (r * r);
}

typedef struct moments {
    double mean_variance, end_variance, covariance;
} moments;

/* Means over `length_s`, put together from n_steps steps each. */
static moments measure(double tau_s, double length_s, size_t n_steps, size_t n)
{
    const generate_ou ou = generate_ou_prepare(tau_s, length_s / (double)n_steps);
    tft_rng rng = tft_rng_seeded(7, (uint64_t)n_steps);
    moments m = {0};
    for (size_t i = 0; i < n; i++) {
        double x = tft_rng_normal(&rng), mean = 0;
        for (size_t s = 0; s < n_steps; s++)
            mean += generate_ou_advance(&ou, &x, &rng) / (double)n_steps;
        m.mean_variance += mean * mean / (double)n;
        m.end_variance += x * x / (double)n;
        m.covariance += mean * x / (double)n;
    }
    return m;
}

static void the_mean_over_a_step_has_the_variance_of_the_integral(void **state)
{
    (void)state;
    static const double taus[] = {15, 60, 300, 4800};
    for (size_t i = 0; i < sizeof taus / sizeof taus[0]; i++) {
        const moments m = measure(taus[i], 300, 1, 60000);
        assert_near(m.mean_variance, variance_of_mean(taus[i], 300), 0.03);
        assert_near(m.end_variance, 1, 0.03);
    }
}

static void many_short_steps_are_one_long_step_in_distribution(void **state)
{
    (void)state;
    static const double taus[] = {15, 300, 4800};
    for (size_t i = 0; i < sizeof taus / sizeof taus[0]; i++) {
        const moments one = measure(taus[i], 300, 1, 40000), sixty = measure(taus[i], 300, 60, 20000);
        assert_near(sixty.mean_variance / one.mean_variance, 1, 0.05);
        assert_near(sixty.covariance / one.covariance, 1, 0.05);
    }
}

static void a_step_forgets_with_its_time_constant(void **state)
{
    (void)state;
    const generate_ou ou = generate_ou_prepare(60, 60);
    assert_near(ou.keep, exp(-1.0), 1e-12);
    assert_near(ou.keep * ou.keep + ou.kick * ou.kick, 1, 1e-12); // the variance stays 1
}

static void a_rate_of_zero_waits_for_ever_and_a_range_is_kept(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(1, 1);
    assert_true(isinf(generate_wait(&rng, 0)));
    double sum = 0;
    for (int i = 0; i < 20000; i++) {
        sum += generate_wait(&rng, 0.1);
        const double x = generate_around(&rng, 30, 2, 10, 90);
        assert_true(x >= 10 && x <= 90);
    }
    assert_near(sum / 20000, 10, 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mean_over_a_step_has_the_variance_of_the_integral),
        cmocka_unit_test(many_short_steps_are_one_long_step_in_distribution),
        cmocka_unit_test(a_step_forgets_with_its_time_constant),
        cmocka_unit_test(a_rate_of_zero_waits_for_ever_and_a_range_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
