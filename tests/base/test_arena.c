/* test_arena.c - arenas: what is counted is what fits, blocks are aligned and zeroed, sizes cannot wrap around. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"

static void layout(tft_arena *arena, float **a, uint8_t **b)
{
    *a = tft_arena_floats(arena, 17);
    *b = tft_arena_alloc(arena, 3, 1);
}

static void the_counted_size_is_exactly_enough(void **state)
{
    (void)state;
    float *a;
    uint8_t *b;
    tft_arena count = {0}, arena;
    layout(&count, &a, &b);
    assert_int_equal(tft_arena_init(&arena, count.used, NULL), TFT_OK);
    layout(&arena, &a, &b);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(arena.used, arena.size);
    assert_null(tft_arena_alloc(&arena, 1, 1));
    tft_arena_free(&arena);
}

static void blocks_are_aligned_and_zeroed_again_after_a_rewind(void **state)
{
    (void)state;
    tft_arena arena;
    assert_int_equal(tft_arena_init(&arena, 4096, NULL), TFT_OK);
    unsigned char *const first = tft_arena_alloc(&arena, 5, 1);
    const size_t mark = arena.used;
    unsigned char *second = tft_arena_alloc(&arena, 100, 1);
    assert_int_equal((uintptr_t)first % TFT_ARENA_ALIGN, 0);
    assert_int_equal((uintptr_t)second % TFT_ARENA_ALIGN, 0);
    memset(second, 0xff, 100);
    tft_arena_rewind(&arena, mark);
    second = tft_arena_alloc(&arena, 100, 1);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(second[i], 0);
    tft_arena_free(&arena);
}

static void a_size_that_wraps_around_is_refused(void **state)
{
    (void)state;
    tft_arena count = {0}, arena;
    tft_error err = {0};
    assert_null(tft_arena_alloc(&count, SIZE_MAX / 2, 4));
    assert_int_equal(count.used, SIZE_MAX);
    assert_null(tft_arena_alloc(&count, 1, 1));
    assert_int_equal(count.used, SIZE_MAX);
    assert_int_equal(tft_arena_init(&arena, count.used, &err), TFT_ERR_MEMORY);
    assert_int_equal(tft_mul_sat(SIZE_MAX, 2), SIZE_MAX);
    tft_arena_free(&arena);
    tft_arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counted_size_is_exactly_enough),
        cmocka_unit_test(blocks_are_aligned_and_zeroed_again_after_a_rewind),
        cmocka_unit_test(a_size_that_wraps_around_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
