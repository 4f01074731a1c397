/* test_golden.c - every output and every gradient of every reference case, on every instruction set and cut into shards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tensor/tensor.h"
#include "tft/golden.h"

static void check_case(const char *name, tft_golden_options options)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s/tests/golden/%s", TFTD_SOURCE_DIR, name);
    tft_golden_report report = {0};
    tft_error err = {0};
    if (tft_golden_check(folder, &options, &report, &err) != TFT_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < report.n; i++) {
        const tft_golden_line *const line = &report.lines[i];
        if (!line->ok)
            print_error("%s: %s: %g, allowed %g\n", name, line->name, line->max_abs, line->allowed);
    }
    assert_true(report.n > 100);
    assert_int_equal(report.n_failed, 0);
    tft_golden_report_free(&report);
}

static void check_all(tft_golden_options options)
{
    static const char *const cases[] = {"tiny", "bare", "multi", "daemon"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_case(cases[i], options);
}

static void outputs_and_gradients_match_on_the_best_kernels(void **state)
{
    (void)state;
    tft_tensor_init(TFT_ISA_AUTO);
    check_all((tft_golden_options){0});
}

static void outputs_and_gradients_match_on_avx2(void **state)
{
    (void)state;
    if (tft_tensor_init(TFT_ISA_AVX2) != TFT_ISA_AVX2)
        skip();
    check_all((tft_golden_options){0});
}

static void outputs_and_gradients_match_on_portable_kernels(void **state)
{
    (void)state;
    tft_tensor_init(TFT_ISA_PORTABLE);
    check_all((tft_golden_options){0});
}

static void shards_add_up_to_the_whole_batch(void **state)
{
    (void)state;
    tft_tensor_init(TFT_ISA_AVX512); // or the best there is
    check_all((tft_golden_options){.n_threads = 3});
}

static void a_tolerance_that_is_given_replaces_the_default(void **state)
{
    (void)state;
    tft_tensor_init(TFT_ISA_AVX512); // or the best there is
    char folder[512];
    snprintf(folder, sizeof folder, "%s/tests/golden/tiny", TFTD_SOURCE_DIR);
    const tft_golden_options nothing_allowed = {.given = true};
    tft_golden_report report = {0};
    tft_error err = {0};
    assert_int_equal(tft_golden_check(folder, &nothing_allowed, &report, &err), TFT_OK);
    assert_true(report.n_failed > 0); // float32 is not float64
    tft_golden_report_free(&report);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    tft_golden_report report = {0};
    tft_error err = {0};
    const tft_golden_options options = {0};
    assert_int_equal(tft_golden_check("/nonexistent", &options, &report, &err), TFT_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/config.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_and_gradients_match_on_the_best_kernels),
        cmocka_unit_test(outputs_and_gradients_match_on_avx2),
        cmocka_unit_test(outputs_and_gradients_match_on_portable_kernels),
        cmocka_unit_test(shards_add_up_to_the_whole_batch),
        cmocka_unit_test(a_tolerance_that_is_given_replaces_the_default),
        cmocka_unit_test(a_missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
