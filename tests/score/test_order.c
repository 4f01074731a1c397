/* test_order.c - the radix sort sorts whatever floats there are; quantiles are numpy's. */
#include "data.h"

#include <stdlib.h>

#include "score/order.h"

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void every_length_is_sorted_as_qsort_would(void **state)
{
    (void)state;
    enum { MOST = 700 };
    float values[MOST], wanted[MOST], spare[MOST];
    tft_rng rng = tft_rng_seeded(5, 0);
    for (size_t n = 0; n <= MOST; n += n < 60 ? 1 : 37) {
        for (size_t i = 0; i < n; i++) // signs, ties, sizes from tiny to huge
            wanted[i] = values[i] =
                (float)(floor(tft_rng_normal(&rng) * 8) * pow(10, (double)tft_rng_below(&rng, 40) - 20));
        score_sort(values, spare, n);
        qsort(wanted, n, sizeof *wanted, by_value);
        for (size_t i = 0; i < n; i++)
            assert_true(values[i] == wanted[i]);
    }
}

static void infinities_and_denormals_find_their_places(void **state)
{
    (void)state;
    float values[64], spare[64];
    for (size_t i = 0; i < 64; i++)
        values[i] = (float)i;
    values[7] = HUGE_VALF;
    values[9] = -HUGE_VALF;
    values[11] = 1e-42f;
    values[13] = -1e-42f;
    score_sort(values, spare, 64);
    assert_true(values[0] == -HUGE_VALF && values[1] == -1e-42f && values[2] == 0.0f && values[3] == 1e-42f);
    assert_true(values[63] == HUGE_VALF);
}

static void missing_values_are_left_out_in_order(void **state)
{
    (void)state;
    const float from[5] = {3, NAN, 1, NAN, 2};
    float out[5];
    assert_int_equal(score_known(from, 5, out), 3);
    assert_true(out[0] == 3.0f && out[1] == 1.0f && out[2] == 2.0f);
}

static void a_quantile_lies_between_the_order_statistics_at_q_times_n_minus_one(void **state)
{
    (void)state;
    const float sorted[5] = {10, 20, 40, 80, 160}; // numpy.quantile([10, 20, 40, 80, 160], q)
    assert_float_equal(score_quantile(sorted, 5, 0.0), 10, 0);
    assert_float_equal(score_quantile(sorted, 5, 0.1), 14, 1e-5f);
    assert_float_equal(score_quantile(sorted, 5, 0.5), 40, 0);
    assert_float_equal(score_quantile(sorted, 5, 0.9), 128, 1e-4f);
    assert_float_equal(score_quantile(sorted, 5, 1.0), 160, 0);
    assert_float_equal(score_quantile(sorted, 1, 0.3), 10, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_is_sorted_as_qsort_would),
        cmocka_unit_test(infinities_and_denormals_find_their_places),
        cmocka_unit_test(missing_values_are_left_out_in_order),
        cmocka_unit_test(a_quantile_lies_between_the_order_statistics_at_q_times_n_minus_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
