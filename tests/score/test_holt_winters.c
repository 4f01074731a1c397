/* test_holt_winters.c - the recursion against a plain walk, and a spread that holds what it promises. */
#include "data.h"

#include "score/holt_winters.h"
#include "score/scores.h"

#define DAY 24
#define HORIZON 30
#define N (8 * DAY)

static void run(const float *past, float *out)
{
    static float season[DAY * SCORE_HW_SETTINGS], errors[N], spare[N];
    const score_hw_space space = {season, errors, spare};
    score_holt_winters(past, N, DAY, HORIZON, &space, out);
}

static void a_pure_season_is_repeated_without_spread(void **state)
{
    (void)state;
    float past[N], out[HORIZON * SCORE_N_LEVELS];
    for (size_t i = 0; i < N; i++)
        past[i] = (float)(i % DAY * i % 7);
    for (size_t i = 0; i < N; i++)
        past[i] = past[i % DAY];
    run(past, out);
    for (size_t h = 1; h <= HORIZON; h++) {
        for (size_t q = 0; q < SCORE_N_LEVELS; q++)
            assert_float_equal(out[(h - 1) * SCORE_N_LEVELS + q], past[(N - 1 + h) % DAY], 1e-4f);
    }
}

static void gaps_do_not_disturb_a_season(void **state)
{
    (void)state;
    float past[N], out[HORIZON * SCORE_N_LEVELS];
    for (size_t i = 0; i < N; i++)
        past[i] = i % 11 == 5 && i > DAY ? NAN : (float)(i % DAY);
    run(past, out);
    assert_float_equal(out[5], (float)(N % DAY), 1e-3f);
    assert_float_equal(out[(HORIZON - 1) * SCORE_N_LEVELS + 5], (float)((N - 1 + HORIZON) % DAY), 1e-3f);
}

static void quantiles_ascend_and_widen_with_the_horizon(void **state)
{
    (void)state;
    float past[N], out[HORIZON * SCORE_N_LEVELS];
    tft_rng rng = tft_rng_seeded(9, 0);
    double walk = 0;
    for (size_t i = 0; i < N; i++)
        past[i] = (float)(walk += tft_rng_normal(&rng));
    run(past, out);
    float before = 0;
    for (size_t h = 0; h < HORIZON; h++) {
        const float *const row = out + h * SCORE_N_LEVELS;
        for (size_t q = 1; q < SCORE_N_LEVELS; q++)
            assert_true(row[q] >= row[q - 1]);
        assert_true(row[9] - row[1] >= before);
        before = row[9] - row[1];
    }
}

/* A random walk's spread after h steps is √h of one step's: α is then near 1. */
static void the_spread_of_a_random_walk_holds_eighty_percent(void **state)
{
    (void)state;
    size_t inside = 0, cells = 0;
    for (uint64_t k = 0; k < 300; k++) {
        float past[N], out[HORIZON * SCORE_N_LEVELS];
        tft_rng rng = tft_rng_seeded(10, k);
        double walk = 0;
        for (size_t i = 0; i < N; i++)
            past[i] = (float)(walk += tft_rng_normal(&rng));
        run(past, out);
        for (size_t h = 0; h < 12; h++) {
            walk += tft_rng_normal(&rng);
            inside += walk >= (double)out[h * SCORE_N_LEVELS + 1] && walk <= (double)out[h * SCORE_N_LEVELS + 9];
            cells++;
        }
    }
    const double share = (double)inside / (double)cells;
    assert_true(share > 0.74 && share < 0.86); // 0.76: α ends at .98, and 168 errors have few at the ends
}

static void one_value_is_enough(void **state)
{
    (void)state;
    float past[N], out[HORIZON * SCORE_N_LEVELS];
    for (size_t i = 0; i < N; i++)
        past[i] = NAN;
    past[N - 1] = 7;
    run(past, out);
    for (size_t i = 0; i < HORIZON * SCORE_N_LEVELS; i++)
        assert_float_equal(out[i], 7, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pure_season_is_repeated_without_spread),
        cmocka_unit_test(gaps_do_not_disturb_a_season),
        cmocka_unit_test(quantiles_ascend_and_widen_with_the_horizon),
        cmocka_unit_test(the_spread_of_a_random_walk_holds_eighty_percent),
        cmocka_unit_test(one_value_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
