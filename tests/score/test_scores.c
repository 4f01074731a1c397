/* test_scores.c - losses by hand, the identities they obey, and sums that add up however they are cut. */
#include "data.h"

#include "score/scores.h"

static void fill(float *forecast, float value)
{
    for (size_t q = 0; q < SCORE_N_LEVELS; q++)
        forecast[q] = value;
}

static void one_cell_by_hand(void **state)
{
    (void)state;
    score_sums sums = {0};
    const float forecast[SCORE_N_LEVELS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    score_sums_add(&sums, forecast, 6.5); // QL_q = q·(y − f) below, (1 − q)·(f − y) above
    const double wanted[SCORE_N_LOSSES] = {0.55, 0.9, 1.05, 1.0, 0.75, 0.3, 0.15, 0.3, 0.25};
    double all = 0;
    for (size_t q = 0; q < SCORE_N_LOSSES; q++) {
        assert_double_equal(sums.quantile_loss[q], wanted[q], 1e-12);
        all += wanted[q];
    }
    assert_double_equal(score_mae(&sums), 1.5, 1e-12);
    assert_double_equal(score_q_risk(&sums, SCORE_P50), 2 * 0.75 / 6.5, 1e-12);
    assert_double_equal(score_q_risk(&sums, SCORE_P90), 2 * 0.25 / 6.5, 1e-12);
    assert_double_equal(score_crps(&sums), 2 * all / 9 / 6.5, 1e-12);
    assert_double_equal(score_width_80(&sums), 8, 1e-12);
    assert_int_equal(sums.inside_80, 1);
    assert_int_equal(sums.inside_96, 1);
}

static void a_point_forecast_has_the_crps_of_its_absolute_error(void **state)
{
    (void)state;
    score_sums sums = {0};
    double error = 0, size = 0;
    tft_rng rng = tft_rng_seeded(1, 0);
    for (int i = 0; i < 500; i++) {
        float forecast[SCORE_N_LEVELS];
        const double y = 10 * tft_rng_normal(&rng);
        const float f = (float)(10 * tft_rng_normal(&rng));
        fill(forecast, f);
        score_sums_add(&sums, forecast, y);
        error += fabs(y - (double)f);
        size += fabs(y);
    }
    assert_double_equal(score_crps(&sums), error / size, 1e-12);
    assert_double_equal(score_q_risk(&sums, SCORE_P50), error / size, 1e-12);
}

static void the_true_quantile_has_the_least_expected_loss(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(2, 0);
    score_sums at[3] = {{0}, {0}, {0}}; // 5 % below, on, above the quantiles of a uniform distribution
    for (int i = 0; i < 20000; i++) {
        const double y = tft_rng_uniform(&rng);
        for (size_t k = 0; k < 3; k++) {
            float forecast[SCORE_N_LEVELS];
            for (size_t q = 0; q < SCORE_N_LEVELS; q++)
                forecast[q] = score_levels[q] + 0.05f * ((float)k - 1.0f);
            score_sums_add(&at[k], forecast, y);
        }
    }
    for (size_t q = 0; q < SCORE_N_LOSSES; q++) {
        assert_true(at[1].quantile_loss[q] < at[0].quantile_loss[q]);
        assert_true(at[1].quantile_loss[q] < at[2].quantile_loss[q]);
    }
}

static void coverage_of_a_known_distribution_is_its_levels(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(3, 0);
    score_sums sums = {0};
    for (int i = 0; i < 40000; i++)
        score_sums_add(&sums, score_levels, tft_rng_uniform(&rng));
    assert_double_equal(score_coverage_80(&sums), 0.80, 0.01);
    assert_double_equal(score_coverage_96(&sums), 0.96, 0.005);
}

static void the_ends_of_an_interval_are_inside_it(void **state)
{
    (void)state;
    score_sums sums = {0};
    score_sums_add(&sums, score_levels, (double)score_levels[1]);
    score_sums_add(&sums, score_levels, (double)score_levels[9]);
    score_sums_add(&sums, score_levels, (double)score_levels[10]);
    assert_int_equal(sums.inside_80, 2);
    assert_int_equal(sums.inside_96, 3);
}

static void any_cut_of_the_cells_gives_the_same_figures(void **state)
{
    (void)state;
    enum { CELLS = 1000 };
    score_sums whole = {0};
    for (size_t pieces = 1; pieces <= 7; pieces++) {
        score_sums part[7] = {{0}}, merged = {0};
        tft_rng rng = tft_rng_seeded(4, 0);
        for (size_t i = 0; i < CELLS; i++) {
            float forecast[SCORE_N_LEVELS];
            for (size_t q = 0; q < SCORE_N_LEVELS; q++)
                forecast[q] = (float)q + (float)tft_rng_uniform(&rng);
            score_sums_add(&part[i * 31 % pieces], forecast, 10 * tft_rng_uniform(&rng));
        }
        for (size_t k = 0; k < pieces; k++)
            score_sums_merge(&merged, &part[k]);
        if (pieces == 1)
            whole = merged;
        assert_int_equal(merged.n, CELLS);
        assert_int_equal(merged.inside_80, whole.inside_80);
        assert_int_equal(merged.inside_96, whole.inside_96);
        assert_double_equal(score_crps(&merged), score_crps(&whole), 1e-13);
        assert_double_equal(score_mae(&merged), score_mae(&whole), 1e-12);
        assert_double_equal(score_width_80(&merged), score_width_80(&whole), 1e-12);
    }
}

static void levels_are_interpolated_linearly_and_end_at_the_outermost(void **state)
{
    (void)state;
    const float levels[7] = {0.02f, 0.1f, 0.25f, 0.5f, 0.75f, 0.9f, 0.98f}, values[7] = {2, 10, 25, 50, 75, 90, 98};
    float out[SCORE_N_LEVELS];
    score_to_levels(levels, values, 7, out);
    for (size_t q = 0; q < SCORE_N_LEVELS; q++)
        assert_float_equal(out[q], 100 * score_levels[q], 1e-4f);
    const float three[3] = {0.1f, 0.5f, 0.9f}, few[3] = {1, 5, 13};
    score_to_levels(three, few, 3, out);
    assert_float_equal(out[0], 1, 0); // .02: the outermost
    assert_float_equal(out[3], 3, 1e-5f);
    assert_float_equal(out[7], 9, 1e-5f);
    assert_float_equal(out[10], 13, 0);
    const float one = 0.5f, value = 4;
    score_to_levels(&one, &value, 1, out);
    assert_float_equal(out[0], 4, 0);
    assert_float_equal(out[10], 4, 0);
}

static void bands_cover_every_step_once(void **state)
{
    (void)state;
    const score_bands day = score_bands_of(96);
    assert_int_equal(day.n, 3);
    assert_int_equal(day.last[0], 6);
    assert_int_equal(day.first[1], 7);
    assert_int_equal(day.last[1], 24);
    assert_int_equal(day.first[2], 25);
    for (size_t horizon = 1; horizon <= 200; horizon++) {
        const score_bands bands = score_bands_of(horizon);
        assert_int_equal(bands.first[0], 1);
        assert_int_equal(bands.last[bands.n - 1], horizon);
        for (size_t step = 1; step <= horizon; step++) {
            const size_t b = score_band_of(&bands, step);
            assert_true(step >= bands.first[b] && step <= bands.last[b]);
        }
    }
}

static void the_geometric_mean_weighs_every_server_the_same(void **state)
{
    (void)state;
    const double loss[4] = {2, 1000, 7, 0}, reference[4] = {1, 2000, 7, 0};
    const uint64_t cells[4] = {5, 1000000, 5, 3}, none[4] = {0};
    assert_double_equal(score_gm(loss, reference, cells, 4, 0), 1.0, 1e-12); // 2 · ½ · 1 · (0/0 = 1)
    assert_double_equal(score_gm(loss, reference, cells, 1, 0), 2.0, 1e-12);
    assert_true(isnan(score_gm(loss, reference, none, 4, 0)));
}

static void a_server_without_any_loss_does_not_decide_the_mean(void **state)
{
    (void)state;
    const double loss[2] = {1, 0.001}, reference[2] = {1, 0};
    const uint64_t cells[2] = {10, 10};
    assert_true(isinf(score_gm(loss, reference, cells, 2, 0)));
    assert_true(score_gm(loss, reference, cells, 2, score_gm_floor(200, 2)) < 1.2);
}

static void nothing_scored_is_not_a_number(void **state)
{
    (void)state;
    const score_sums none = {0};
    assert_true(isnan(score_mae(&none)) && isnan(score_crps(&none)) && isnan(score_coverage_80(&none)));
    score_sums zeros = {0};
    float forecast[SCORE_N_LEVELS];
    fill(forecast, 0);
    score_sums_add(&zeros, forecast, 0);
    assert_true(isnan(score_crps(&zeros))); // Σ|y| is 0
    assert_double_equal(score_mae(&zeros), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_cell_by_hand),
        cmocka_unit_test(a_point_forecast_has_the_crps_of_its_absolute_error),
        cmocka_unit_test(the_true_quantile_has_the_least_expected_loss),
        cmocka_unit_test(coverage_of_a_known_distribution_is_its_levels),
        cmocka_unit_test(the_ends_of_an_interval_are_inside_it),
        cmocka_unit_test(any_cut_of_the_cells_gives_the_same_figures),
        cmocka_unit_test(levels_are_interpolated_linearly_and_end_at_the_outermost),
        cmocka_unit_test(bands_cover_every_step_once),
        cmocka_unit_test(the_geometric_mean_weighs_every_server_the_same),
        cmocka_unit_test(a_server_without_any_loss_does_not_decide_the_mean),
        cmocka_unit_test(nothing_scored_is_not_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
