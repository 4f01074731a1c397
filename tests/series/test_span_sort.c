/* test_span_sort.c - columns sorted side by side are what each is when sorted alone. */
#include "series/span_sort.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MOST = 300, ROOM = 304 };

static int ascending(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

static void every_column_of_every_length_is_sorted(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (size_t n = 0; n <= MOST; n++) {
        float x[ROOM + 1][TFT_SORT_COLUMNS], alone[TFT_SORT_COLUMNS][MOST];
        for (size_t i = 0; i < n; i++) {
            for (size_t s = 0; s < TFT_SORT_COLUMNS; s++) {
                seed = seed * 1664525u + 1013904223u;
                x[i][s] =
                    s == 5 && i % 3 == 0 ? INFINITY : (float)(int32_t)(seed >> 8 & (s == 2 ? 7u : 0xffffffu)) - 3.0f;
                alone[s][i] = x[i][s];
            }
        }
        const size_t room = (n + TFT_SORT_BLOCK - 1) / TFT_SORT_BLOCK * TFT_SORT_BLOCK;
        x[room][0] = -99.0f; // the block behind is not touched
        tft_span_sort(x, n);
        assert_float_equal(x[room][0], -99.0f, 0.0f);
        for (size_t s = 0; s < TFT_SORT_COLUMNS; s++) {
            qsort(alone[s], n, sizeof(float), ascending);
            for (size_t i = 0; i < n; i++)
                assert_true(x[i][s] == alone[s][i]);
        }
    }
}

static void what_is_missing_goes_behind_infinity_and_zeros_have_an_order(void **state)
{
    (void)state;
    float x[8][TFT_SORT_COLUMNS];
    const float column[5] = {INFINITY, -NAN, 0.0f, NAN, -0.0f};
    for (size_t i = 0; i < 5; i++) {
        for (size_t s = 0; s < TFT_SORT_COLUMNS; s++)
            x[i][s] = column[(i + s) % 5];
    }
    tft_span_sort(x, 5);
    for (size_t s = 0; s < TFT_SORT_COLUMNS; s++) {
        assert_true(x[0][s] == 0.0f && signbit(x[0][s]) && x[1][s] == 0.0f && !signbit(x[1][s]));
        assert_true(isinf(x[2][s]) && isnan(x[3][s]) && isnan(x[4][s]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column_of_every_length_is_sorted),
        cmocka_unit_test(what_is_missing_goes_behind_infinity_and_zeros_have_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
