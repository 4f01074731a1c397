/* test_times.c - the set of instants is exact, whatever the order. */
#include "check.h"

#include "base/rng.h"
#include "series/times.h"

static bool adds(tft_times *times, int64_t t)
{
    bool is_new;
    assert_int_equal(tft_times_add(times, t, &is_new, NULL), TFT_OK);
    return is_new;
}

static void an_even_pace_is_one_run(void **state)
{
    (void)state;
    tft_times times = {0};
    for (int64_t i = 0; i < 100000; i++)
        assert_true(adds(&times, i * 300000));
    assert_int_equal(times.n_runs, 1);
    assert_int_equal(times.odd_capacity, 0);
    for (int64_t i = 0; i < 100000; i += 7)
        assert_false(adds(&times, i * 300000));
    assert_true(adds(&times, 150000)); // between two of the run
    assert_false(adds(&times, 150000));
    tft_times_free(&times);
}

static void any_order_is_exact(void **state)
{
    (void)state;
    enum { RANGE = 4000 };
    for (uint64_t seed = 0; seed < 20; seed++) {
        tft_rng rng = tft_rng_seeded(seed, 0);
        static bool seen[RANGE + 100];
        memset(seen, 0, sizeof seen);
        tft_times times = {0};
        size_t front = 0;
        for (int i = 0; i < 6000; i++) {
            front = seed % 2 == 0 ? front + tft_rng_below(&rng, 2) : tft_rng_below(&rng, RANGE);
            const size_t back = tft_rng_below(&rng, 10) == 0 ? tft_rng_below(&rng, front + 1) : 0;
            const size_t at = front % RANGE - (back < front % RANGE ? back : 0);
            assert_int_equal(adds(&times, (int64_t)at - 1000), !seen[at]);
            seen[at] = true;
        }
        tft_times_free(&times);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_even_pace_is_one_run),
        cmocka_unit_test(any_order_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
