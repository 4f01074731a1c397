/* test_list_sort.c - lists of every length against qsort, and their quantiles against those of a sorted array. */
#include "series/list_sort.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "series/summary.h"

enum { MOST = 2100 };

static int ascending(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

static void check(tft_list *list, const float *values, size_t n)
{
    float sorted[MOST];
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(values[i]))
            sorted[known++] = values[i];
    }
    qsort(sorted, known, sizeof(float), ascending);
    tft_list_sort(list, values, n);
    assert_int_equal(list->n, known);
    for (size_t i = 0; i < known; i++)
        assert_true(tft_list_at(list, i) == sorted[i]);
    for (size_t q = 0; q <= 20 && known > 0; q++) {
        const float level = (float)q / 20.0f;
        const float want = tft_quantile_sorted(sorted, known, level), made = tft_list_quantile(list, level);
        assert_memory_equal(&made, &want, sizeof want);
    }
}

static void lists_of_every_length_are_sorted(void **state)
{
    (void)state;
    tft_arena arena = {0}, counting = {0};
    tft_list list;
    float values[MOST];
    uint32_t seed = 1;
    tft_list_layout(&list, MOST, &counting);
    assert_int_equal(tft_arena_init(&arena, counting.used, NULL), TFT_OK);
    tft_list_layout(&list, MOST, &arena);
    for (size_t n = 0; n <= MOST; n += n < 300 ? 1 : 149) {
        for (uint32_t kind = 0; kind < 5; kind++) {
            for (size_t i = 0; i < n; i++) {
                seed = seed * 1664525u + 1013904223u;
                const float x = (float)(int32_t)(seed >> 8) - 5e6f;
                values[i] = kind == 0   ? x
                            : kind == 1 ? (float)(seed >> 30) - 1.0f           // few different ones
                            : kind == 2 ? (seed >> 29 == 0 ? INFINITY : NAN)   // hardly any known
                            : kind == 3 ? (float)i                             // in order
                                        : (seed >> 30 == 0 ? NAN : 1e-3f * x); // gaps
            }
            check(&list, values, n);
        }
    }
    tft_arena_free(&arena);
}

static void zeros_have_an_order(void **state)
{
    (void)state;
    tft_arena arena = {0}, counting = {0};
    tft_list list;
    const float values[3] = {0.0f, -0.0f, -1.0f};
    tft_list_layout(&list, 3, &counting);
    assert_int_equal(tft_arena_init(&arena, counting.used, NULL), TFT_OK);
    tft_list_layout(&list, 3, &arena);
    tft_list_sort(&list, values, 3);
    assert_true(signbit(tft_list_at(&list, 1)) && !signbit(tft_list_at(&list, 2)));
    tft_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists_of_every_length_are_sorted),
                                       cmocka_unit_test(zeros_have_an_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
