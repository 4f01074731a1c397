/* test_packed.c - forecasts packed and unpacked: how far off, in what order, inside which range, in how many bytes. */
#include "forecast/packed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"

enum { H = 96, CELLS = FORECAST_N_QUANTILES * H, M = 4 };

typedef struct fixture {
    float rows[M * CELLS], back[CELLS];
    bool present[M];
    int32_t numbers[CELLS];
    unsigned char *packed; // exactly packed_most() and the slack: sanitizers see what goes beyond
    size_t n;
} fixture;

static fixture *open_fixture(void)
{
    fixture *const f = test_calloc(1, sizeof *f);
    f->packed = test_malloc(packed_most(M, H) + TFT_BITS_SLACK);
    for (size_t m = 0; m < M; m++)
        f->present[m] = true;
    return f;
}

static void close_fixture(fixture *f)
{
    test_free(f->packed);
    test_free(f);
}

static void pack(fixture *f)
{
    f->n = packed_make(f->rows, f->present, M, H, f->numbers, f->packed);
    assert_true(f->n <= packed_most(M, H));
}

/* A fan around a wandering line: what forecasts look like. */
static void fan(tft_rng *rng, float *rows, double level, double wander, double width)
{
    double at = level;
    for (size_t t = 0; t < H; t++) {
        at += wander * tft_rng_normal(rng);
        const double w = width * sqrt(1.0 + (double)t / 8);
        for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
            rows[q * H + t] = (float)(at + w * ((double)q - 3) * (1 + 0.02 * tft_rng_normal(rng)));
    }
    for (size_t t = 0; t < H; t++)
        for (size_t q = 1; q < FORECAST_N_QUANTILES; q++)
            rows[q * H + t] = fmaxf(rows[q * H + t], rows[(q - 1) * H + t]);
}

/* What packed.h promises of every forecast. */
static void check_promises(fixture *f, size_t m)
{
    const float *const was = f->rows + m * CELLS;
    float least = was[0], most = was[0];
    for (size_t i = 0; i < CELLS; i++) {
        least = fminf(least, was[i]);
        most = fmaxf(most, was[i]);
    }
    assert_true(packed_rows(f->packed, m, H, f->back));
    for (size_t i = 0; i < CELLS; i++) {
        assert_true(f->back[i] >= least && f->back[i] <= most);
        if (fabs((double)f->back[i] - (double)was[i]) > ((double)most - (double)least) / PACKED_PARTS)
            fail_msg("%.9g became %.9g, of %.9g to %.9g", (double)was[i], (double)f->back[i], (double)least,
                     (double)most);
        assert_true(i < H || f->back[i] >= f->back[i - H]); // in the order of the levels
    }
}

static void every_value_is_within_a_4096th_of_the_span_and_in_order(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    tft_rng rng = tft_rng_seeded(7, 0);
    for (int round = 0; round < 300; round++) {
        for (size_t m = 0; m < M; m++) {
            const double size = pow(10, 8 * tft_rng_uniform(&rng) - 4);
            const double centre = (tft_rng_uniform(&rng) - 0.5) * size * pow(10, 4 * tft_rng_uniform(&rng));
            fan(&rng, f->rows + m * CELLS, centre, size * tft_rng_uniform(&rng), size * tft_rng_uniform(&rng));
        }
        pack(f);
        for (size_t m = 0; m < M; m++)
            check_promises(f, m);
    }
    close_fixture(f);
}

static void values_without_any_pattern_fit_too(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    tft_rng rng = tft_rng_seeded(8, 0);
    for (int round = 0; round < 100; round++) {
        for (size_t m = 0; m < M; m++)
            for (size_t t = 0; t < H; t++) {
                float v = tft_rng_uniform(&rng) < 0.5 ? 0.0f : 1e30f; // the worst there is for differences
                for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
                    f->rows[m * CELLS + q * H + t] = v;
                    v = tft_rng_uniform(&rng) < 0.3 ? 1e30f : v;
                }
            }
        pack(f);
        for (size_t m = 0; m < M; m++)
            check_promises(f, m);
    }
    close_fixture(f);
}

static void a_flat_forecast_is_exact_whatever_its_number(void **state)
{
    (void)state;
    static const float numbers[M] = {12.345f, 0.0f, -1e30f, 1e-42f};
    fixture *const f = open_fixture();
    for (size_t m = 0; m < M; m++)
        for (size_t i = 0; i < CELLS; i++)
            f->rows[m * CELLS + i] = numbers[m];
    pack(f);
    for (size_t m = 0; m < M; m++) {
        assert_true(packed_rows(f->packed, m, H, f->back));
        for (size_t i = 0; i < CELLS; i++)
            assert_true(f->back[i] == numbers[m]);
    }
    assert_true(f->n < 300);
    close_fixture(f);
}

static void a_metric_that_is_missing_stays_missing(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    tft_rng rng = tft_rng_seeded(9, 0);
    for (size_t m = 0; m < M; m++)
        fan(&rng, f->rows + m * CELLS, 50, 1, 1);
    f->present[0] = f->present[2] = false;
    pack(f);
    for (size_t m = 0; m < M; m++)
        assert_int_equal(packed_rows(f->packed, m, H, f->back), f->present[m]);
    memset(f->present, 0, sizeof f->present);
    pack(f);
    assert_int_equal(f->n, M * sizeof(uint32_t));
    close_fixture(f);
}

static void a_usual_forecast_takes_a_third_of_its_floats(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    tft_rng rng = tft_rng_seeded(10, 0);
    for (size_t m = 0; m < M; m++)
        fan(&rng, f->rows + m * CELLS, 40, 0.5, 1);
    pack(f);
    assert_true(f->n < sizeof f->rows / 3);
    close_fixture(f);
}

/* ---- the curve of incidents ------------------------------------------------------------------------------------- */

/* Packs a curve into exactly as much memory as it may take, and unpacks it. */
static size_t around(const float *curve, size_t n, float *back)
{
    unsigned char *const packed = test_malloc(packed_curve_most(n) + TFT_BITS_SLACK);
    const size_t bytes = packed_curve_make(curve, n, packed);
    assert_true(bytes <= packed_curve_most(n));
    packed_curve(packed, n, back);
    test_free(packed);
    return bytes;
}

static void a_curve_is_within_an_eighth_of_a_millionth_and_never_falls(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(11, 0);
    for (int round = 0; round < 500; round++) {
        float curve[H], back[H];
        const size_t n = 1 + (size_t)round % H;
        const double hazard = pow(10, -6 * tft_rng_uniform(&rng));
        double quiet = 1;
        for (size_t t = 0; t < n; t++)
            curve[t] = (float)(1 - (quiet *= 1 - hazard * tft_rng_uniform(&rng)));
        around(curve, n, back);
        for (size_t t = 0; t < n; t++) {
            assert_true(fabsf(back[t] - curve[t]) <= 1.3e-7f);
            assert_true(back[t] >= (t > 0 ? back[t - 1] : 0.0f) && back[t] <= 1.0f);
        }
    }
}

static void never_and_certainly_are_exact(void **state)
{
    (void)state;
    float curve[H], back[H];
    for (size_t t = 0; t < H; t++)
        curve[t] = t < 40 ? 0.0f : t < 60 ? 0.5f : 1.0f;
    around(curve, H, back);
    assert_memory_equal(curve, back, sizeof curve);
}

static void a_usual_curve_takes_half_of_its_floats(void **state)
{
    (void)state;
    float curve[H], back[H];
    for (size_t t = 0; t < H; t++)
        curve[t] = 1 - powf(1 - 0.001f, (float)(t + 1));
    assert_true(around(curve, H, back) < sizeof curve / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_within_a_4096th_of_the_span_and_in_order),
        cmocka_unit_test(values_without_any_pattern_fit_too),
        cmocka_unit_test(a_flat_forecast_is_exact_whatever_its_number),
        cmocka_unit_test(a_metric_that_is_missing_stays_missing),
        cmocka_unit_test(a_usual_forecast_takes_a_third_of_its_floats),
        cmocka_unit_test(a_curve_is_within_an_eighth_of_a_millionth_and_never_falls),
        cmocka_unit_test(never_and_certainly_are_exact),
        cmocka_unit_test(a_usual_curve_takes_half_of_its_floats),
    };
    return cmocka_run_group_tests_name("forecast.packed", tests, NULL, NULL);
}
