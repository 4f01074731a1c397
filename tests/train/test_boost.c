/* test_boost.c - tests src/train/boost.c: what trees find, what they leave alone, and that threads do not matter. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "train/boost.h"

#define N ((size_t)40000)
#define N_FEATURES ((size_t)6)
#define N_TREES 60

typedef struct world {
    float *rows, *weight, *p;
    uint8_t *y;
    tft_boost_bins bins;
} world;

/* Ones where sign 0 > 0.3 and sign 1 < −0.2: a corner, which no sum of slopes has. The other signs say nothing. */
static world make_world(uint64_t seed)
{
    world w = {
        malloc(N * N_FEATURES * sizeof(float)), malloc(N * sizeof(float)), malloc(N * sizeof(float)), malloc(N), {0}};
    tft_rng rng = tft_rng_seeded(seed, 0);
    for (size_t i = 0; i < N; i++) {
        float *const row = w.rows + i * N_FEATURES;
        for (size_t f = 0; f < N_FEATURES; f++)
            row[f] = (float)tft_rng_normal(&rng);
        row[5] = row[5] > 2 ? 1.0f : 0.0f; // mostly one value
        w.p[i] = row[0] > 0.3f && row[1] < -0.2f ? 0.7f : 0.02f;
        w.y[i] = tft_rng_uniform(&rng) < (double)w.p[i];
        w.weight[i] = 1;
    }
    assert_int_equal(tft_boost_bins_make(w.rows, N, N_FEATURES, &w.bins, NULL), TFT_OK);
    return w;
}

static void free_world(world *w)
{
    free(w->rows);
    free(w->weight);
    free(w->p);
    free(w->y);
    tft_boost_bins_free(&w->bins);
}

static double says(const tft_tree *trees, float base, const float *row)
{
    double sum = (double)base;
    for (size_t k = 0; k < N_TREES; k++) {
        size_t i = 0;
        for (size_t depth = 0; depth < TFT_TREE_DEPTH; depth++)
            i = 2 * i + 1 + (row[trees[k].feature[i]] > trees[k].threshold[i]);
        sum += (double)trees[k].leaf[i - TFT_TREE_SPLITS];
    }
    return 1 / (1 + exp(-sum));
}

static void fit(const world *w, size_t threads, float *base, tft_tree *trees)
{
    tft_boost_options o = tft_boost_default();
    tft_pool *pool;
    o.n_trees = N_TREES;
    o.rate = 0.1;
    o.min_weight = 100;
    o.feature_share = 0.7;
    assert_int_equal(tft_pool_open(threads, &pool, NULL), TFT_OK);
    assert_int_equal(tft_boost_fit(&w->bins, w->y, w->weight, &o, pool, base, trees, NULL), TFT_OK);
    tft_pool_close(pool);
}

static void a_corner_is_found_and_its_probability_is_right_on_other_rows(void **state)
{
    static tft_tree trees[N_TREES];
    world w = make_world(1), other = make_world(2);
    float base;
    double squares = 0;
    (void)state;
    fit(&w, 2, &base, trees);
    for (size_t i = 0; i < N; i++) {
        const double e = says(trees, base, other.rows + i * N_FEATURES) - (double)other.p[i];
        squares += e * e;
    }
    assert_true(sqrt(squares / (double)N) < 0.05); // of .02 and .7; the base rate alone is off by .27
    free_world(&w);
    free_world(&other);
}

static void the_trees_do_not_depend_on_threads(void **state)
{
    static tft_tree one[N_TREES], two[N_TREES];
    world w = make_world(3);
    float a, b;
    (void)state;
    fit(&w, 1, &a, one);
    fit(&w, 3, &b, two);
    assert_true(a == b);
    assert_memory_equal(one, two, sizeof one);
    free_world(&w);
}

static void rows_of_no_weight_are_not_looked_at(void **state)
{
    static tft_tree with[N_TREES], without[N_TREES];
    world w = make_world(4);
    float a, b;
    (void)state;
    for (size_t i = 0; i < N; i += 2)
        w.weight[i] = 0;
    fit(&w, 1, &a, with);
    for (size_t i = 0; i < N; i += 2)
        w.y[i] = !w.y[i];
    fit(&w, 1, &b, without);
    assert_true(a == b);
    assert_memory_equal(with, without, sizeof with);
    free_world(&w);
}

static void labels_that_are_all_alike_give_a_bounded_base_and_no_answers(void **state)
{
    static tft_tree trees[N_TREES];
    world w = make_world(5);
    float base;
    (void)state;
    memset(w.y, 0, N);
    fit(&w, 1, &base, trees);
    assert_true(base == -8);
    assert_true(says(trees, base, w.rows) < 0.001);
    memset(w.y, 1, N);
    fit(&w, 1, &base, trees);
    assert_true(base == 8);
    free_world(&w);
}

static void a_sign_of_one_value_gets_one_bin_and_rare_values_get_the_rest(void **state)
{
    static float rows[2000];
    tft_boost_bins b;
    (void)state;
    assert_int_equal(tft_boost_bins_make(rows, 2000, 1, &b, NULL), TFT_OK);
    assert_int_equal(b.n_bins[0], 1);
    tft_boost_bins_free(&b);
    for (size_t i = 0; i < 20; i++)
        rows[i * 100] = (float)(i + 1); // 1980 zeros
    assert_int_equal(tft_boost_bins_make(rows, 2000, 1, &b, NULL), TFT_OK);
    assert_int_equal(b.n_bins[0], 21);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(b.bins[i * 100], i + 1);
    tft_boost_bins_free(&b);
    assert_int_equal(tft_boost_bins_make(rows, 0, 1, &b, NULL), TFT_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_corner_is_found_and_its_probability_is_right_on_other_rows),
        cmocka_unit_test(the_trees_do_not_depend_on_threads),
        cmocka_unit_test(rows_of_no_weight_are_not_looked_at),
        cmocka_unit_test(labels_that_are_all_alike_give_a_bounded_base_and_no_answers),
        cmocka_unit_test(a_sign_of_one_value_gets_one_bin_and_rare_values_get_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
