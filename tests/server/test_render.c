/* test_render.c - numbers in replies: short, right, and in order after rounding. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/rng.h"
#include "server/render.h"

static const char *fixed(double value, int decimals)
{
    static char out[512];
    tft_text text = tft_text_new(500);
    render_fixed(&text, value, decimals);
    snprintf(out, sizeof out, "%s", text.bytes);
    tft_text_free(&text);
    return out;
}

static void numbers_are_short_and_exact(void **state)
{
    (void)state;
    assert_string_equal(fixed(37.9, 3), "37.9");
    assert_string_equal(fixed(100, 3), "100");
    assert_string_equal(fixed(0, 6), "0");
    assert_string_equal(fixed(-0.0004, 3), "0");
    assert_string_equal(fixed(-0.0006, 3), "-0.001");
    assert_string_equal(fixed(0.05, 2), "0.05");
    assert_string_equal(fixed(1234567.891, 1), "1234567.9");
    assert_string_equal(fixed(10, 0), "10");
    assert_string_equal(fixed(NAN, 3), "null");
    assert_string_equal(fixed(INFINITY, 3), "null");
    assert_string_equal(fixed(1e17, 1), "100000000000000000");
}

static void numbers_read_back_within_half_a_digit(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(1, 2);
    for (int i = 0; i < 20000; i++) {
        const int decimals = (int)tft_rng_below(&rng, 7);
        const double value = (tft_rng_uniform(&rng) - 0.3) * pow(10, (double)tft_rng_below(&rng, 8));
        const double back = strtod(fixed(value, decimals), NULL);
        if (fabs(back - value) > 0.5000001 * pow(10, -decimals))
            fail_msg("%.17g with %d decimals became %s", value, decimals, fixed(value, decimals));
    }
}

/* A snapshot of one server and one metric with random quantiles. */
static void quantiles_stay_ordered_after_rounding(void **state)
{
    (void)state;
    enum { H = 96 };
    tft_contract contract = tft_contract_default();
    contract.n_metrics = 1;
    tft_rng rng = tft_rng_seeded(5, 0);
    for (int round = 0; round < 30; round++) {
        float rows[FORECAST_N_QUANTILES * H], curve[H] = {0};
        const double size = pow(10, (double)round / 4 - 3); // from thousandths to ten thousands
        for (size_t i = 0; i < H; i++) {
            float value = (float)(tft_rng_uniform(&rng) * size);
            for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
                rows[q * H + i] = value;
                value += (float)(tft_rng_uniform(&rng) * size * 1e-5); // often less than the last digit
            }
        }
        const bool present[1] = {true};
        int32_t numbers[FORECAST_N_QUANTILES * H];
        static unsigned char packed[64 * 1024];
        assert_true(packed_most(1, H) <= sizeof packed);
        packed_make(rows, present, 1, H, numbers, packed);
        static unsigned char packed_risk[1024];
        packed_curve_make(curve, H, packed_risk);
        const double current[1] = {size}, trend[1] = {0};
        const int64_t current_ms[1] = {0};
        const snapshot_server server = {.name = "a\"b",
                                        .name_length = 3,
                                        .present = present,
                                        .current = current,
                                        .current_ms = current_ms,
                                        .trend = trend,
                                        .packed = packed,
                                        .curve = packed_risk,
                                        .state = TFT_STATE_HEALTHY};
        const forecast_snapshot snapshot = {.sequence = 1,
                                            .sufficient = true,
                                            .n_servers = 1,
                                            .n_metrics = 1,
                                            .n_targets = 1,
                                            .horizon = H,
                                            .servers = &server,
                                            .step_ms = 300000,
                                            .contract = &contract};
        const render_filter everything = render_everything(&snapshot);
        tft_text text = tft_text_new(1 << 20);
        render_predictions(&snapshot, &everything, &text);
        render_age(1.25, &text);
        tft_json_document document;
        tft_error err = {0};
        if (tft_json_parse(text.bytes, text.n, 32, &document, &err) != TFT_OK)
            fail_msg("%s", err.text);
        const tft_json *const metric =
            tft_json_at(tft_json_at(tft_json_at(document.root, "predictions"), "a\"b"), "cpu_percent");
        assert_int_equal(tft_json_length(tft_json_at(metric, "timestamps")), H);
        for (size_t i = 0; i < H; i++) {
            double before = -1;
            for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
                double value = 0;
                assert_true(tft_json_number(tft_json_item(tft_json_at(metric, forecast_level_names[q]), i), &value));
                if (value < before)
                    fail_msg("size %g, step %zu: %s is %.9g after %.9g", size, i, forecast_level_names[q], value,
                             before);
                before = value;
                assert_true(fabs(value - (double)rows[q * H + i]) <= size * 1e-3 + 1e-6);
            }
        }
        tft_json_free(&document);
        tft_text_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_short_and_exact),
        cmocka_unit_test(numbers_read_back_within_half_a_digit),
        cmocka_unit_test(quantiles_stay_ordered_after_rounding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
