/* test_schedule.c - tests src/train/schedule.c and the arithmetic of src/train/adamw.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "train/adamw.h"
#include "train/schedule.h"

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance;
}

static void the_rate_rises_to_its_peak_and_falls_to_a_hundredth(void **state)
{
    (void)state;
    assert_true(near(tft_schedule_rate(0, 0.1), 0, 1e-12));
    assert_true(near(tft_schedule_rate(0.05, 0.1), 0.5, 1e-12));
    assert_true(near(tft_schedule_rate(0.1, 0.1), 1, 1e-12));
    assert_true(near(tft_schedule_rate(0.55, 0.1), 0.505, 1e-12)); // half of the cosine
    assert_true(near(tft_schedule_rate(1, 0.1), 0.01, 1e-12));
    assert_true(near(tft_schedule_rate(7, 0.1), 0.01, 1e-12));
    for (double p = 0.1; p < 0.98; p += 0.01)
        assert_true(tft_schedule_rate(p + 0.01, 0.1) < tft_schedule_rate(p, 0.1));
}

/* The algorithm in double, step by step as the paper writes it. */
static void adamw_follows_its_paper(void **state)
{
    const double b1 = 0.9, b2 = 0.99, rate = 0.01, decay = 0.1, epsilon = 1e-8;
    double w[3] = {1, -2, 0.5}, m[3] = {0}, v[3] = {0};
    float fw[3] = {1, -2, 0.5f}, fm[3] = {0}, fv[3] = {0};
    (void)state;
    for (uint64_t t = 1; t <= 20; t++) {
        float gradient[3];
        for (size_t i = 0; i < 3; i++) {
            gradient[i] = (float)(2 * sin((double)t * (double)(i + 1)));
            const double g = 0.5 * (double)gradient[i];
            m[i] = b1 * m[i] + (1 - b1) * g;
            v[i] = b2 * v[i] + (1 - b2) * g * g;
            const double mean = m[i] / (1 - pow(b1, (double)t)), square = v[i] / (1 - pow(b2, (double)t));
            w[i] -= rate * (mean / (sqrt(square) + epsilon) + decay * w[i]);
        }
        const tft_adamw a = {rate, decay, b1, b2, epsilon, t, 0.5};
        tft_adamw_update(&a, 1, 3, gradient, fw, fm, fv);
    }
    for (size_t i = 0; i < 3; i++)
        assert_true(near((double)fw[i], w[i], 2e-6));
}

static void weights_without_decay_do_not_shrink(void **state)
{
    const tft_adamw a = {0.1, 0.5, 0.9, 0.99, 1e-8, 1, 1};
    const float zero[1] = {0};
    float w[1] = {3}, m[1] = {0}, v[1] = {0};
    (void)state;
    tft_adamw_update(&a, 0, 1, zero, w, m, v);
    assert_true(w[0] == 3.0f);
    tft_adamw_update(&a, 1, 1, zero, w, m, v);
    assert_true(near((double)w[0], 3 * 0.95, 1e-6));
}

static void a_young_average_forgets_its_start(void **state)
{
    float weights[1] = {1}, average[1] = {0};
    (void)state;
    assert_true(near(tft_ema_decay(0.998, 1), 2.0 / 11, 1e-12));
    assert_true(near(tft_ema_decay(0.998, 1000000), 0.998, 1e-12));
    for (uint64_t t = 1; t <= 30; t++)
        tft_ema_update(tft_ema_decay(0.998, t), 1, weights, average);
    assert_true(average[0] > 0.99f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_rate_rises_to_its_peak_and_falls_to_a_hundredth),
                                       cmocka_unit_test(adamw_follows_its_paper),
                                       cmocka_unit_test(weights_without_decay_do_not_shrink),
                                       cmocka_unit_test(a_young_average_forgets_its_start)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
