/* test_calibration_fit.c - tests src/train/calibration_fit.c and what it fits to. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "train/calibration_fit.h"

#define N_LEVELS 7
static const float levels[N_LEVELS] = {0.02f, 0.1f, 0.25f, 0.5f, 0.75f, 0.9f, 0.98f};
static const double z[N_LEVELS] = {-2.0537, -1.2816, -0.6745, 0, 0.6745, 1.2816, 2.0537}; // of the normal distribution

/* A forecaster that says normal quantiles of width `says` where the truth has width `is`, in three sizes of server. */
static void fill(tft_stretch_cells *cells, double says, double is, size_t n)
{
    tft_rng rng = tft_rng_seeded(5, 0);
    for (size_t i = 0; i < n; i++) {
        const double scale = i % 3 == 0 ? 1 : i % 3 == 1 ? 10 : 100;
        float quantiles[N_LEVELS];
        for (size_t q = 0; q < N_LEVELS; q++)
            quantiles[q] = (float)(scale * (5 + says * z[q]));
        const double y = scale * (5 + is * tft_rng_normal(&rng));
        assert_int_equal(tft_stretch_add(cells, levels, quantiles, N_LEVELS, y, scale, i % 2 + 1, NULL), TFT_OK);
    }
}

static void quantiles_that_are_too_narrow_are_stretched_to_what_was_missing(void **state)
{
    tft_stretch_cells cells = {0};
    tft_stretch s = {0};
    (void)state;
    fill(&cells, 1, 1.4, 60000);
    assert_int_equal(tft_stretch_fit(&cells, &s, NULL), TFT_OK);
    for (size_t k = 0; k < TFT_N_CLASSES; k++) {
        for (size_t q = 0; q < TFT_N_KNOTS; q++) {
            assert_true(s.factor[0][k][q] == 1); // no cell of that part of the horizon
            assert_true(fabs(s.factor[1][k][q] - 1.4) < 0.08);
            assert_true(fabs(s.factor[2][k][q] - 1.4) < 0.08);
        }
    }
    assert_true(s.scale[0] == 1 && s.scale[1] == 10 && s.scale[2] == 100);
    tft_stretch_cells_free(&cells);
}

static void stretched_quantiles_hold_what_they_promise_on_other_cells(void **state)
{
    tft_stretch_cells cells = {0};
    static tft_calibration c;
    (void)state;
    fill(&cells, 1.5, 1, 60000);
    tft_span_centres(96, c.span_step);
    assert_int_equal(tft_stretch_fit(&cells, &c.stretch[0], NULL), TFT_OK);
    c.n_stretched = 1;
    tft_rng rng = tft_rng_seeded(6, 0);
    size_t in_80 = 0, in_96 = 0, n = 20000;
    for (size_t i = 0; i < n; i++) {
        float quantiles[N_LEVELS];
        for (size_t q = 0; q < N_LEVELS; q++)
            quantiles[q] = (float)(10 * (5 + 1.5 * z[q]));
        tft_calibration_quantiles(&c, 0, 60, 10, levels, N_LEVELS, quantiles);
        const double y = 10 * (5 + tft_rng_normal(&rng));
        in_80 += y >= (double)quantiles[1] && y <= (double)quantiles[5];
        in_96 += y >= (double)quantiles[0] && y <= (double)quantiles[6];
    }
    assert_true(fabs((double)in_80 / (double)n - 0.80) < 0.015);
    assert_true(fabs((double)in_96 / (double)n - 0.96) < 0.01);
    tft_stretch_cells_free(&cells);
}

static void few_cells_change_nothing(void **state)
{
    tft_stretch_cells cells = {0};
    tft_stretch s = {0};
    (void)state;
    fill(&cells, 1, 3, 100);
    assert_int_equal(tft_stretch_fit(&cells, &s, NULL), TFT_OK);
    for (size_t q = 0; q < TFT_N_KNOTS; q++)
        assert_true(s.factor[1][0][q] == 1);
    assert_true(s.scale[0] > 0 && s.scale[1] > s.scale[0] && s.scale[2] > s.scale[1]);
    tft_stretch_cells_free(&cells);
}

static void a_value_that_never_moves_is_no_reason_to_stretch_without_end(void **state)
{
    tft_stretch_cells cells = {0};
    tft_stretch s = {0};
    const float same[N_LEVELS] = {3, 3, 3, 3, 3, 3, 3};
    (void)state;
    for (size_t i = 0; i < 3000; i++) // half of them are always outside: nothing can be done about that
        assert_int_equal(tft_stretch_add(&cells, levels, same, N_LEVELS, i % 2 ? 3 : 4, 3, 2, NULL), TFT_OK);
    assert_int_equal(tft_stretch_fit(&cells, &s, NULL), TFT_OK);
    for (size_t k = 0; k < TFT_N_CLASSES; k++) {
        for (size_t q = 0; q < TFT_N_KNOTS; q++)
            assert_true(s.factor[2][k][q] >= 0.5 && s.factor[2][k][q] <= 2);
    }
    tft_stretch_cells_free(&cells);
}

/* Whatever the factors, the scale and the step: never crossing, and finite. */
static void calibrated_quantiles_never_cross(void **state)
{
    static tft_calibration c;
    tft_rng rng = tft_rng_seeded(7, 0);
    (void)state;
    c.n_stretched = 1;
    tft_span_centres(96, c.span_step);
    for (size_t round = 0; round < 3000; round++) {
        tft_stretch *const s = &c.stretch[0];
        s->scale[0] = exp(8 * tft_rng_uniform(&rng) - 4);
        s->scale[1] = s->scale[0] * (1.001 + 9 * tft_rng_uniform(&rng));
        s->scale[2] = s->scale[1] * (1.001 + 9 * tft_rng_uniform(&rng));
        for (size_t h = 0; h < TFT_N_SPANS; h++) {
            for (size_t k = 0; k < TFT_N_CLASSES; k++) {
                for (size_t q = 0; q < TFT_N_KNOTS; q++)
                    s->factor[h][k][q] = TFT_MIN_STRETCH + (TFT_MAX_STRETCH - TFT_MIN_STRETCH) * tft_rng_uniform(&rng);
            }
        }
        float quantiles[N_LEVELS];
        for (size_t q = 0; q < N_LEVELS; q++)
            quantiles[q] = (float)(100 * tft_rng_uniform(&rng)); // crossing, as a network may
        tft_calibration_quantiles(&c, 0, 1 + tft_rng_below(&rng, 96), exp(12 * tft_rng_uniform(&rng) - 6), levels,
                                  N_LEVELS, quantiles);
        for (size_t q = 0; q < N_LEVELS; q++) {
            assert_true(isfinite(quantiles[q]));
            assert_true(q == 0 || quantiles[q] >= quantiles[q - 1]);
        }
    }
}

static void without_factors_quantiles_are_only_put_in_order(void **state)
{
    static const tft_calibration identity;
    float quantiles[3] = {3, 1, 2};
    const float three[3] = {0.1f, 0.5f, 0.9f};
    (void)state;
    tft_calibration_quantiles(&identity, 0, 5, 1, three, 3, quantiles);
    assert_true(quantiles[0] == 1 && quantiles[1] == 2 && quantiles[2] == 3);
}

static void platt_finds_the_map_that_made_the_labels(void **state)
{
    enum { N = 20000 };
    static double x[N];
    static uint8_t y[N];
    double slope = 0, intercept = 0;
    tft_rng rng = tft_rng_seeded(8, 0);
    (void)state;
    for (size_t i = 0; i < N; i++) {
        x[i] = 2 * tft_rng_normal(&rng) - 2;
        y[i] = tft_rng_uniform(&rng) < 1 / (1 + exp(-(0.6 * x[i] - 0.8)));
    }
    assert_true(tft_platt_fit(x, y, N, &slope, &intercept));
    assert_true(fabs(slope - 0.6) < 0.05);
    assert_true(fabs(intercept + 0.8) < 0.1);
}

static void a_handful_of_incidents_is_left_alone(void **state)
{
    static double x[1000];
    static uint8_t y[1000];
    double slope = 7, intercept = 7;
    (void)state;
    y[0] = y[1] = 1;
    assert_false(tft_platt_fit(x, y, 1000, &slope, &intercept));
    assert_true(slope == 7 && intercept == 7);
}

static void labels_that_contradict_the_forecast_do_not_turn_it_around(void **state)
{
    static double x[400];
    static uint8_t y[400];
    double slope = 0, intercept = 0;
    (void)state;
    for (size_t i = 0; i < 400; i++) {
        x[i] = i % 2 ? 2 : -2;
        y[i] = i % 2 == 0;
    }
    assert_true(tft_platt_fit(x, y, 400, &slope, &intercept));
    assert_true(slope > 0);
}

/* Fleets of 20 of which groups of 4 fail together: as if there were 5 servers, the worst and 4 of the 19 others. */
static void servers_that_fail_together_count_as_fewer(void **state)
{
    enum { N = 4000 };
    static tft_fleet_case cases[N];
    double exponent = 0;
    tft_rng rng = tft_rng_seeded(9, 0);
    (void)state;
    for (size_t i = 0; i < N; i++) {
        const double p = 0.01 + 0.1 * tft_rng_uniform(&rng);
        cases[i].weight = 1;
        cases[i].log_quiet = 20 * log1p(-p);
        cases[i].largest = p;
        for (size_t group = 0; group < 5; group++)
            cases[i].y |= tft_rng_uniform(&rng) < p;
    }
    assert_true(tft_fleet_fit(cases, N, TFT_EVERY_FOLD, &exponent));
    const tft_fleet_link link = {.n = 1, .step = {6}, .exponent = {exponent}};
    for (double p = 0.02; p < 0.1; p += 0.01)
        assert_true(fabs(tft_fleet_probability(&link, 6, 20 * log1p(-p), p) + expm1(5 * log1p(-p))) < 0.03);
}

/* Six fleets of 20 whose servers fail by themselves; or in groups of 4. */
static void draw_fleets(tft_fleet_case *cases, size_t n, size_t groups, uint64_t seed)
{
    tft_rng rng = tft_rng_seeded(seed, 0);
    for (size_t i = 0; i < n; i++) {
        const double p = 0.01 + 0.1 * tft_rng_uniform(&rng);
        cases[i] = (tft_fleet_case){.log_quiet = 20 * log1p(-p), .largest = p, .weight = 0.2, .fold = 6 * i / n};
        for (size_t group = 0; group < groups; group++)
            cases[i].y |= tft_rng_uniform(&rng) < p;
    }
}

static void an_exponent_stays_only_where_it_is_better_on_fleets_that_it_has_not_seen(void **state)
{
    enum { N = 1200 };
    static tft_fleet_case cases[N];
    double exponent = 0;
    (void)state;
    draw_fleets(cases, N, 5, 12);
    assert_true(tft_fleet_holds(cases, N, cases, N, 6));
    draw_fleets(cases, N, 20, 13);
    assert_true(tft_fleet_fit(cases, N, TFT_EVERY_FOLD, &exponent));
    assert_true(exponent > 0.85);  // little is left to be wrong about
    for (size_t i = 0; i < N; i++) // what was fitted on some does not hold on the others
        cases[i].y = cases[i].fold < 3 ? cases[i].y : 1;
    draw_fleets(cases, N / 2, 2, 14);
    for (size_t i = 0; i < N / 2; i++)
        cases[i].fold = 0;
    static tft_fleet_case judged[N / 2];
    memcpy(judged, cases + N / 2, sizeof judged);
    assert_false(tft_fleet_holds(cases, N / 2, judged, N / 2, 6));
}

static void few_fleets_leave_it_at_independence(void **state)
{
    tft_fleet_case cases[6] = {{0}};
    double exponent = 7;
    (void)state;
    draw_fleets(cases, 6, 5, 15);
    assert_false(tft_fleet_fit(cases, 6, TFT_EVERY_FOLD, &exponent));
    assert_true(exponent == 7);
    assert_false(tft_fleet_holds(cases, 6, cases, 6, 6));
}

static void the_fleet_is_never_below_its_worst_server_nor_above_independence(void **state)
{
    tft_fleet_link link = {.n = 2, .step = {6, 96}};
    tft_rng rng = tft_rng_seeded(10, 0);
    (void)state;
    for (size_t round = 0; round < 2000; round++) {
        double quiet = 0, largest = 0;
        link.exponent[0] = tft_rng_uniform(&rng);
        link.exponent[1] = 8 * tft_rng_uniform(&rng);
        link.bend[0] = 0.9 * tft_rng_uniform(&rng);
        link.bend[1] = 0.9 * tft_rng_uniform(&rng);
        for (size_t i = 0; i < 10; i++) {
            const double p = tft_rng_uniform(&rng) * 0.5;
            quiet += log1p(-p);
            largest = fmax(largest, p);
        }
        const double p = tft_fleet_probability(&link, 1 + tft_rng_below(&rng, 120), quiet, largest);
        assert_true(p >= largest && p <= fmax(largest, -expm1(quiet)) + 1e-12);
    }
    assert_true(tft_fleet_probability(&link, 6, -HUGE_VAL, 1) == 1);
    const tft_fleet_link independent = {0};
    assert_true(fabs(tft_fleet_probability(&independent, 6, 2 * log(0.5), 0.5) - 0.75) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_that_are_too_narrow_are_stretched_to_what_was_missing),
        cmocka_unit_test(stretched_quantiles_hold_what_they_promise_on_other_cells),
        cmocka_unit_test(few_cells_change_nothing),
        cmocka_unit_test(a_value_that_never_moves_is_no_reason_to_stretch_without_end),
        cmocka_unit_test(calibrated_quantiles_never_cross),
        cmocka_unit_test(without_factors_quantiles_are_only_put_in_order),
        cmocka_unit_test(platt_finds_the_map_that_made_the_labels),
        cmocka_unit_test(a_handful_of_incidents_is_left_alone),
        cmocka_unit_test(labels_that_contradict_the_forecast_do_not_turn_it_around),
        cmocka_unit_test(servers_that_fail_together_count_as_fewer),
        cmocka_unit_test(an_exponent_stays_only_where_it_is_better_on_fleets_that_it_has_not_seen),
        cmocka_unit_test(few_fleets_leave_it_at_independence),
        cmocka_unit_test(the_fleet_is_never_below_its_worst_server_nor_above_independence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
