/* test_sign_nets_fit.c - tests src/train/sign_nets_fit.c: it learns slopes and kinks, by weight, the same on every run. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "train/sign_nets_fit.h"

#define N ((size_t)20000)
#define N_SIGNS ((size_t)5)

typedef struct world {
    float *signs, *weight, *p; // p [N]: of every horizon, that of horizon k to the power 1 / (k + 1)
    uint8_t *y, *known;
} world;

static world make_world(uint64_t seed)
{
    world w = {malloc(N * N_SIGNS * sizeof(float)), malloc(N * sizeof(float)), malloc(N * sizeof(float)),
               malloc(TFT_N_HORIZONS * N), malloc(TFT_N_HORIZONS * N)};
    tft_rng rng = tft_rng_seeded(seed, 0);
    for (size_t i = 0; i < N; i++) {
        float *const x = w.signs + i * N_SIGNS;
        for (size_t f = 0; f < N_SIGNS; f++)
            x[f] = 10 + 3 * (float)tft_rng_normal(&rng);
        const double logit = -2 + 0.4 * ((double)x[0] - 10) + (x[1] > 10 ? 0.6 * ((double)x[1] - 10) : 0);
        w.p[i] = (float)(1 / (1 + exp(-logit)));
        for (size_t k = 0; k < TFT_N_HORIZONS; k++) {
            w.y[k * N + i] = tft_rng_uniform(&rng) < pow((double)w.p[i], 1.0 / (double)(k + 1));
            w.known[k * N + i] = 1;
        }
        w.weight[i] = 1;
    }
    return w;
}

static void free_world(world *w)
{
    free(w->signs);
    free(w->weight);
    free(w->p);
    free(w->y);
    free(w->known);
}

static tft_sign_nets *fit(const world *w, size_t threads)
{
    const tft_sign_rows rows = {N, w->signs, w->y, w->known, w->weight};
    tft_sign_nets *nets;
    tft_pool *pool;
    assert_int_equal(tft_pool_open(threads, &pool, NULL), TFT_OK);
    assert_int_equal(tft_sign_nets_open(N_SIGNS, &nets, NULL), TFT_OK);
    assert_int_equal(tft_sign_nets_fit(&rows, 1, pool, nets, NULL), TFT_OK);
    tft_pool_close(pool);
    return nets;
}

static double error_of(const tft_sign_nets *nets, const world *w, size_t k)
{
    double squares = 0, logits[TFT_N_HORIZONS];
    for (size_t i = 0; i < N; i++) {
        tft_sign_nets_logits(nets, w->signs + i * N_SIGNS, logits);
        const double e = 1 / (1 + exp(-logits[k])) - pow((double)w->p[i], 1.0 / (double)(k + 1));
        squares += e * e;
    }
    return sqrt(squares / (double)N);
}

static void a_slope_and_a_kink_are_learned_and_right_on_other_rows(void **state)
{
    world w = make_world(1), other = make_world(2);
    tft_sign_nets *const nets = fit(&w, 2);
    (void)state;
    for (size_t k = 0; k < TFT_N_HORIZONS; k++)
        assert_true(error_of(nets, &other, k) < 0.05); // the base rate alone is off by .2
    tft_sign_nets_close(nets);
    free_world(&w);
    free_world(&other);
}

static void the_networks_do_not_depend_on_threads_nor_on_what_is_not_known_or_has_no_weight(void **state)
{
    world w = make_world(3);
    (void)state;
    for (size_t i = 0; i < N; i++) {
        w.weight[i] = i % 3 == 0 ? 0.0f : 1.0f;
        w.known[2 * N + i] = i % 5 != 0;
    }
    tft_sign_nets *const a = fit(&w, 1);
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < TFT_N_HORIZONS; k++) {
            if (w.weight[i] == 0.0f || !w.known[k * N + i])
                w.y[k * N + i] = !w.y[k * N + i] && w.known[k * N + i] == 0;
        }
    }
    for (size_t i = 0; i < N; i += 3) // starts are counted by weight too, so these may not matter
        w.y[i] = 1;
    tft_sign_nets *const b = fit(&w, 3);
    assert_memory_equal(a->block, b->block,
                        (2 * N_SIGNS + TFT_SIGN_NETS * tft_sign_net_floats(N_SIGNS)) * sizeof(float));
    tft_sign_nets_close(a);
    tft_sign_nets_close(b);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slope_and_a_kink_are_learned_and_right_on_other_rows),
        cmocka_unit_test(the_networks_do_not_depend_on_threads_nor_on_what_is_not_known_or_has_no_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
