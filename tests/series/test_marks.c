/* test_marks.c - counts, latest and next marks against a walk over the bytes: every length around a word's end, none and all. */
#include "series/marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MOST = 330 };

static void check(const tft_marks *marks, const uint8_t *bytes, size_t n)
{
    size_t count = 0, latest = 0, without = 0, next = n;
    for (size_t i = 0; i <= n; i++) {
        assert_int_equal(tft_marks_before(marks, i), count);
        if (i == n)
            break;
        count += bytes[i];
        latest = bytes[i] ? i + 1 : latest;
        without = bytes[i] ? without : i + 1;
    }
    assert_int_equal(tft_marks_latest(marks), latest);
    assert_int_equal(tft_marks_latest_without(marks), without);
    for (size_t newest = 0; newest <= n + 2; newest++)
        assert_int_equal(tft_marks_newest(marks, newest),
                         count - (newest < n ? tft_marks_before(marks, n - newest) : 0));
    for (size_t i = n; i-- > 0;) {
        next = bytes[i] ? i : next;
        assert_int_equal(tft_marks_next(marks, i), next);
    }
}

static void marks_are_those_of_a_walk_over_the_bytes(void **state)
{
    (void)state;
    tft_arena arena = {0}, counting = {0};
    tft_marks marks;
    tft_marks_layout(&marks, MOST, &counting);
    assert_int_equal(tft_arena_init(&arena, counting.used, NULL), TFT_OK);
    tft_marks_layout(&marks, MOST, &arena);
    uint32_t seed = 1;
    for (size_t n = 0; n <= MOST; n++) {
        for (uint32_t share = 0; share <= 8; share += 2) { // of eight
            uint8_t bytes[MOST + 1] = {0};
            for (size_t i = 0; i < n; i++) {
                seed = seed * 1664525u + 1013904223u;
                bytes[i] = (seed >> 29) < share;
            }
            tft_marks_take(&marks, bytes, n);
            check(&marks, bytes, n);
        }
    }
    tft_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(marks_are_those_of_a_walk_over_the_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
