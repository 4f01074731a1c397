/* test_block_pool.c - blocks keep what is in them, lie apart, and leave nothing behind. */
#include "forecast/block_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"

enum { MANY = 5000, MOST = 1500 };

typedef struct taken {
    unsigned char *at;
    size_t n;
    unsigned char holds;
} taken;

static void take(block_pool *pool, taken *t, tft_rng *rng)
{
    t->n = 1 + tft_rng_below(rng, MOST);
    t->holds = (unsigned char)tft_rng_below(rng, 256);
    t->at = block_pool_take(pool, t->n);
    assert_non_null(t->at);
    assert_int_equal((uintptr_t)t->at % BLOCK_POOL_GRAIN, 0);
    memset(t->at, t->holds, t->n);
}

static void give(block_pool *pool, taken *t)
{
    for (size_t i = 0; i < t->n; i++)
        assert_int_equal(t->at[i], t->holds);
    block_pool_give(pool, t->at, t->n);
    t->at = NULL;
}

static void blocks_keep_what_is_in_them_whatever_comes_and_goes(void **state)
{
    (void)state;
    block_pool pool = {0};
    tft_rng rng = tft_rng_seeded(1, 0);
    taken *const all = test_calloc(MANY, sizeof *all);
    for (int round = 0; round < 20 * MANY; round++) {
        taken *const t = &all[tft_rng_below(&rng, MANY)];
        if (t->at == NULL)
            take(&pool, t, &rng);
        else
            give(&pool, t);
    }
    for (size_t i = 0; i < MANY; i++)
        if (all[i].at != NULL)
            give(&pool, &all[i]);
    assert_int_equal(pool.bytes, 0);
    test_free(all);
}

static void blocks_of_one_size_lie_side_by_side(void **state)
{
    (void)state;
    block_pool pool = {0};
    void *blocks[MANY];
    for (size_t i = 0; i < MANY; i++)
        assert_non_null(blocks[i] = block_pool_take(&pool, 200)); // 208 with the grain
    assert_true(pool.bytes <= (size_t)MANY * 208 + (size_t)MANY * 208 / 100 + (64 << 10));
    for (size_t i = 0; i < MANY; i++)
        block_pool_give(&pool, blocks[i], 200);
    assert_int_equal(pool.bytes, 0);
}

static void what_is_given_back_is_taken_again(void **state)
{
    (void)state;
    block_pool pool = {0};
    void *const keeper = block_pool_take(&pool, 100);
    void *const first = block_pool_take(&pool, 100);
    block_pool_give(&pool, first, 100);
    assert_ptr_equal(block_pool_take(&pool, 97), first); // the same grain
    block_pool_give(&pool, first, 97);
    block_pool_give(&pool, keeper, 100);
    block_pool_give(&pool, NULL, 5);
    assert_int_equal(pool.bytes, 0);
}

static void the_oldest_that_go_together_give_their_shelves_back(void **state)
{
    (void)state;
    block_pool pool = {0};
    enum { DAYS = 8, SERVERS = 1000 };
    static void *blocks[DAYS][SERVERS];
    for (size_t day = 0; day < 5 * DAYS; day++)
        for (size_t i = 0; i < SERVERS; i++) {
            void **const place = &blocks[day % DAYS][i];
            block_pool_give(&pool, *place, 300);
            assert_non_null(*place = block_pool_take(&pool, 300));
        }
    assert_true(pool.bytes <= (size_t)DAYS * SERVERS * 304 * 102 / 100 + (64 << 10));
    for (size_t day = 0; day < DAYS; day++)
        for (size_t i = 0; i < SERVERS; i++)
            block_pool_give(&pool, blocks[day][i], 300);
    assert_int_equal(pool.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_what_is_in_them_whatever_comes_and_goes),
        cmocka_unit_test(blocks_of_one_size_lie_side_by_side),
        cmocka_unit_test(what_is_given_back_is_taken_again),
        cmocka_unit_test(the_oldest_that_go_together_give_their_shelves_back),
    };
    return cmocka_run_group_tests_name("forecast.block_pool", tests, NULL, NULL);
}
