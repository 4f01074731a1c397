/* test_squash.c - values squashed together are asinhf of each: everywhere within a unit in the last place, to the bit where the C
 * library's arithmetic is the one that is copied. */
#include "series/squash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "series/scaled.h"

static void squashed_values_are_asinhf_of_the_ratio(void **state)
{
    (void)state;
    enum { N = 1003 };
    static float values[N], out[N];
    static const float scales[] = {1.0f, 0.37f, 250.0f, 1e-3f};
    uint32_t bits = 0;
    for (size_t round = 0; round < 4000; round++) {
        const float scale = scales[round % 4];
        const size_t n = round % (N + 1);
        for (size_t i = 0; i < n; i++) {
            bits = bits * 1664525u + 1013904223u;
            const uint32_t near = (bits & 0x80ffffffu) | (0x37000000u + (bits >> 3 & 0x0f000000u)); // 2⁻¹⁷ … 2¹⁵
            memcpy(&values[i], round % 3 == 0 ? &bits : &near, sizeof values[i]);
        }
        tft_squash_all(values, n, scale, out);
        for (size_t i = 0; i < n; i++) {
            const float want = tft_squashed(values[i], scale);
            if (isnan(want)) {
                assert_true(isnan(out[i]));
                continue;
            }
            assert_int_equal(signbit(out[i]) != 0, signbit(want) != 0);
            const float next = nextafterf(want, INFINITY), before = nextafterf(want, -INFINITY);
            assert_true(out[i] >= before && out[i] <= next);
        }
    }
}

static void values_on_the_borders_are_no_exception(void **state)
{
    (void)state;
    static const float edges[] = {0.0f,           -0.0f,          0x1p-15f, 2.0f, 0.75f, 1.0f,
                                  0x1.6a09f6p-2f, 0x1.6a09fap-2f, INFINITY, 1e9f, 3e9f,  1e-40f};
    for (size_t k = 0; k < sizeof edges / sizeof edges[0]; k++) {
        float x[3] = {nextafterf(edges[k], -INFINITY), edges[k], nextafterf(edges[k], INFINITY)};
        float out[3];
        tft_squash_all(x, 3, 1.0f, out);
        for (size_t i = 0; i < 3; i++)
            assert_float_equal(out[i], tft_squashed(x[i], 1.0f), 1e-6f * fabsf(out[i]));
    }
}

static void in_place_is_allowed_and_nothing_behind_is_touched(void **state)
{
    (void)state;
    float x[11] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 77};
    tft_squash_all(x, 10, 3.0f, x);
    assert_float_equal(x[10], 77.0f, 0.0f);
    assert_float_equal(x[9], asinhf(3.0f), 1e-6f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(squashed_values_are_asinhf_of_the_ratio),
        cmocka_unit_test(values_on_the_borders_are_no_exception),
        cmocka_unit_test(in_place_is_allowed_and_nothing_behind_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
