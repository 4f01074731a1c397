/* test_details.c - src/score/details.c, and servers that are made young. */
#include "data.h"

#include "score/evaluate.h"

static const float levels[SCORE_N_LEVELS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static void details_open(score_details *d, tft_arena *arena)
{
    tft_arena count = {0};
    *d = (score_details){0};
    score_details_layout(d, 1, 1, 4, &count);
    assert_int_equal(tft_arena_init(arena, count.used, NULL), TFT_OK);
    score_details_layout(d, 1, 1, 4, arena);
}

static void a_value_falls_into_the_tenth_it_lies_in(void **state)
{
    (void)state;
    score_details d;
    tft_arena arena = {0};
    details_open(&d, &arena);
    score_details_pit(&d, 0, levels, 0.5); // below P10, which is 2
    score_details_pit(&d, 0, levels, 2.5); // between P10 and P20
    score_details_pit(&d, 0, levels, 99);
    assert_double_equal(d.pit[0], 1, 0);
    assert_double_equal(d.pit[1], 1, 0);
    assert_double_equal(d.pit[9], 1, 0);
    score_details_pit(&d, 0, levels, 3); // P20 itself: half on either side
    assert_double_equal(d.pit[1], 1.5, 0);
    assert_double_equal(d.pit[2], 0.5, 0);
    const float flat[SCORE_N_LEVELS] = {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3};
    score_details_clear(&d);
    score_details_pit(&d, 0, flat, 3);
    for (size_t b = 0; b < SCORE_N_PIT; b++)
        assert_double_equal(d.pit[b], 0.1, 1e-12);
    tft_arena_free(&arena);
}

static void parts_that_are_merged_are_the_whole(void **state)
{
    (void)state;
    score_details a, b;
    tft_arena first = {0}, second = {0};
    details_open(&a, &first);
    details_open(&b, &second);
    score_details_add(&a, 0, 0, 1, 23, levels, 6);
    score_details_add(&b, 0, 0, 1, 23, levels, 7);
    score_details_merge(&a, &b);
    assert_int_equal(a.steps[1].n, 2);
    assert_int_equal(a.hours[23].n, 2);
    assert_double_equal(a.steps[1].abs_y, 13, 1e-9);
    assert_int_equal(a.steps[0].n, 0);
    tft_arena_free(&first);
    tft_arena_free(&second);
}

static void the_best_and_the_worst_window_are_kept(void **state)
{
    (void)state;
    score_details d = {0};
    score_details_window(&d, 0, 7, 1, 2, 10);
    score_details_window(&d, 0, 8, 4, 2, 10);
    score_details_window(&d, 0, 9, 0, 0, 0); // nothing moved: no example of anything
    assert_int_equal(d.best[0].window, 7);
    assert_double_equal(d.best[0].ratio, 2.0 / 3, 1e-12);
    assert_int_equal(d.worst[0].window, 8);
    assert_false(d.best[1].there);
}

static void a_young_server_knows_its_newest_steps_and_no_more(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(2);
    data_fill(&data, &contract, 1, 100, data_sine);
    const tft_series *const old = &data.series[0];
    const tft_series young = score_young_series(old, 60, 10);
    assert_int_equal(young.first_step, 51);
    assert_true(young.values[0] == old->values[51 * 2]);
    assert_int_equal(young.n_steps, 49); // what comes after stays: it is the truth
    const tft_series all = score_young_series(old, 60, 0), older = score_young_series(old, 60, 5000);
    assert_int_equal(all.n_steps, 100);
    assert_int_equal(older.n_steps, 100);
    tft_dataset_close(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_falls_into_the_tenth_it_lies_in),
        cmocka_unit_test(parts_that_are_merged_are_the_whole),
        cmocka_unit_test(the_best_and_the_worst_window_are_kept),
        cmocka_unit_test(a_young_server_knows_its_newest_steps_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
