/* test_numpy_choice.c - the same draws as numpy 2.4 makes (expected values printed by numpy.random.default_rng(7)). */
#include "data.h"

#include "score/numpy_choice.h"

static void the_raw_bits_are_those_of_pcg64(void **state)
{
    (void)state;
    score_numpy_generator g = score_numpy_default_rng(7);
    assert_true(score_numpy_next64(&g) == UINT64_C(11530976094092348043));
    assert_true(score_numpy_next64(&g) == UINT64_C(16550673365885938325));
    assert_true(score_numpy_next64(&g) == UINT64_C(14308875409591826786));
}

static uint64_t sum_of(const uint8_t *chosen, size_t n, size_t *count)
{
    uint64_t sum = 0;
    *count = 0;
    for (size_t i = 0; i < n; i++) {
        sum += chosen[i] ? i : 0;
        *count += chosen[i];
    }
    return sum;
}

static void the_anchor_windows_are_those_of_the_study(void **state)
{
    (void)state;
    static uint8_t unseen[26952], later[19902];
    static const size_t first_unseen[] = {0, 10, 19, 23, 28, 31, 33, 35, 36, 39};
    static const size_t first_later[] = {9, 10, 12, 13, 19, 26, 33, 34, 39, 46};
    score_numpy_generator g = score_numpy_default_rng(7);
    assert_int_equal(score_numpy_choose(&g, 26952, 6738, unseen, NULL), TFT_OK);
    assert_int_equal(score_numpy_choose(&g, 19902, 6567, later, NULL), TFT_OK);
    for (size_t k = 0, i = 0, j = 0; k < 10; k++, i++, j++) {
        while (!unseen[i])
            i++;
        while (!later[j])
            j++;
        assert_int_equal(i, first_unseen[k]);
        assert_int_equal(j, first_later[k]);
    }
    size_t n;
    sum_of(unseen, 26952, &n);
    assert_int_equal(n, 6738);
    assert_int_equal(sum_of(later, 19902, &n), 65676487);
    assert_int_equal(n, 6567);
}

static void drawing_all_or_none_is_possible(void **state)
{
    (void)state;
    uint8_t chosen[5] = {0};
    score_numpy_generator g = score_numpy_default_rng(1);
    assert_int_equal(score_numpy_choose(&g, 5, 0, chosen, NULL), TFT_OK);
    assert_memory_equal(chosen, "\0\0\0\0\0", 5);
    assert_int_equal(score_numpy_choose(&g, 5, 5, chosen, NULL), TFT_OK);
    assert_memory_equal(chosen, "\1\1\1\1\1", 5);
    assert_int_equal(score_numpy_choose(&g, 1, 1, NULL, NULL), TFT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_raw_bits_are_those_of_pcg64),
        cmocka_unit_test(the_anchor_windows_are_those_of_the_study),
        cmocka_unit_test(drawing_all_or_none_is_possible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
