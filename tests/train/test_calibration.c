/* test_calibration.c - tests src/train/calibration.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "train/calibration.h"

static void say(const tft_calibration *c, const float *hazard, size_t n, float *p)
{
    double logit[1000];
    assert_true(n <= 1000);
    tft_incident_logits(hazard, n, logit);
    tft_calibration_incident(c, logit, n, p);
}

static void the_identity_is_one_minus_the_product_of_survivals(void **state)
{
    const float logits[4] = {-3, 0, -30, 2};
    const tft_calibration identity = {0};
    float p[4];
    double survival = 1;
    (void)state;
    say(&identity, logits, 4, p);
    for (size_t t = 0; t < 4; t++) {
        survival *= 1 - 1 / (1 + exp(-(double)logits[t]));
        assert_true(fabs((double)p[t] - (1 - survival)) < 1e-6);
    }
}

static void tiny_hazards_add_up_instead_of_rounding_away(void **state)
{
    float logits[1000], p[1000];
    const tft_calibration identity = {0};
    (void)state;
    for (size_t t = 0; t < 1000; t++)
        logits[t] = -25; // 1.4e-11 each: 1 − p is 1 in float
    say(&identity, logits, 1000, p);
    assert_true(fabs((double)p[999] / (1000 * exp(-25)) - 1) < 1e-4);
}

static void the_curve_never_falls_and_stays_a_probability(void **state)
{
    const tft_calibration c = {.n_points = 2, .step = {1, 3}, .slope = {1, 0.2}, .intercept = {2, -3}};
    const float logits[5] = {-1, -1, 400, -400, 3};
    float p[5];
    (void)state;
    say(&c, logits, 5, p);
    for (size_t t = 0; t < 5; t++) {
        assert_true(p[t] >= 0 && p[t] <= 1);
        assert_true(t == 0 || p[t] >= p[t - 1]);
    }
}

static void hazards_that_are_sure_stay_sure_with_any_calibration(void **state)
{
    const tft_calibration identity = {0}, c = {.n_points = 1, .step = {1}, .slope = {0.3}, .intercept = {-3}};
    const float hazards[] = {-90, 90, -3e38f, 3e38f};
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        const float logits[3] = {hazards[k], hazards[k], hazards[k]};
        float plain[3], p[3];
        say(&identity, logits, 3, plain);
        say(&c, logits, 3, p);
        for (size_t t = 0; t < 3; t++) {
            assert_true(hazards[k] < 0 ? plain[t] < 1e-30f : plain[t] == 1);
            assert_true(p[t] >= 0 && p[t] <= 1);
            assert_true(fabsf(hazards[k]) < 100 || p[t] == plain[t]);
        }
    }
}

static void platt_points_move_the_probability_at_their_step(void **state)
{
    const tft_calibration c = {.n_points = 1, .step = {2}, .slope = {2}, .intercept = {-1}};
    const float logits[1] = {0.75f};
    float p[1];
    (void)state;
    say(&c, logits, 1, p);
    assert_true(fabs((double)p[0] - 1 / (1 + exp(-(2 * 0.75 - 1)))) < 1e-6);
}

static tft_status read(const char *json, tft_calibration *c, tft_error *err)
{
    tft_json_document document = {0};
    assert_int_equal(tft_json_parse(json, strlen(json), 8, &document, NULL), TFT_OK);
    const tft_status status = tft_calibration_from_json(document.root, c, err);
    tft_json_free(&document);
    return status;
}

static void json_brings_back_what_was_written(void **state)
{
    tft_calibration c = {.n_points = 2,
                         .step = {6, 96},
                         .slope = {1.25, 0.8},
                         .intercept = {0, -0.1},
                         .fleet = {.n = 2, .step = {6, 24}, .exponent = {0.5, 0.75}, .bend = {0, 0.25}},
                         .alerts = {.n = 1, .step = {12}, .within = 96, .n_cases = 9, .n_came = 2}};
    tft_calibration back = {0};
    tft_text text = tft_text_new(100000);
    (void)state;
    c.n_stretched = 2;
    tft_span_centres(96, c.span_step);
    for (size_t m = 0; m < 2; m++) {
        for (size_t k = 0; k < TFT_N_CLASSES; k++)
            c.stretch[m].scale[k] = 0.1 * (double)(m + 1) * (double)(k + 1);
        for (size_t i = 0; i < TFT_N_SPANS * TFT_N_CLASSES * TFT_N_KNOTS; i++)
            (&c.stretch[m].factor[0][0][0])[i] = 0.9 + 0.013 * (double)i;
    }
    tft_calibration_to_json(&c, &text);
    assert_int_equal(read(text.bytes, &back, NULL), TFT_OK);
    assert_memory_equal(&back, &c, sizeof c);
    tft_text_free(&text);
}

#define STRETCH "{\"incident\": {\"kind\": \"identity\"}, \"quantiles\": {\"kind\": \"stretch\", "
#define LEVELS "\"levels\": [0.02, 0.1, 0.9, 0.98], "
#define FLEET "{\"quantiles\": {\"kind\": \"identity\"}, \"incident\": {\"kind\": \"identity\"}, \"fleet\": "
#define PLATT "{\"quantiles\": {\"kind\": \"identity\"}, \"incident\": {\"kind\": \"platt\", "
static void bad_calibrations_are_named(void **state)
{
    static const struct {
        const char *json, *fault;
    } cases[] = {{"{}", "quantiles: key \"kind\""},
                 {"{\"quantiles\": {\"kind\": \"magic\"}}", "magic"},
                 {"{\"quantiles\": {\"kind\": \"identity\"}, \"incident\": {\"kind\": \"x\"}}", "incident: kind \"x\""},
                 {STRETCH "\"levels\": [0.1, 0.2, 0.9, 0.98]}}", "\"levels\" must be"},
                 {STRETCH LEVELS "\"steps\": [9, 3, 49]}}", "\"steps\" must be numbers that rise"},
                 {STRETCH LEVELS "\"steps\": [2, 13, 49], \"metrics\": []}}", "\"metrics\" must be"},
                 {STRETCH LEVELS "\"steps\": [2, 13, 49], \"metrics\": [{\"scales\": [1, 1, 2]}]}}", "metric 0"},
                 {STRETCH LEVELS "\"steps\": [2, 13, 49], \"metrics\": [{\"scales\": [1, 2, 3], \"factors\": [[]]}]}}",
                  "\"factors\" must be"},
                 {FLEET "{\"kind\": \"copula\"}}", "fleet: kind \"copula\""},
                 {FLEET "{\"kind\": \"exponent\", \"steps\": [6], \"exponent\": [9]}}", "\"exponent\"[0]"},
                 {FLEET "{\"kind\": \"exponent\", \"steps\": [6], \"exponent\": [1], \"bend\": [1]}}", "\"bend\"[0]"},
                 {PLATT "\"steps\": []}}", "\"steps\""},
                 {PLATT "\"steps\": [3, 2], \"slope\": [1, 1], \"intercept\": [0, 0]}}", "rise"},
                 {PLATT "\"steps\": [3], \"slope\": [-1], \"intercept\": [0]}}", "\"slope\"[0]"},
                 {PLATT "\"steps\": [3], \"slope\": [NaN], \"intercept\": [0]}}", "\"slope\"[0]"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tft_calibration c = {0};
        tft_error err = {0};
        assert_int_equal(read(cases[i].json, &c, &err), TFT_ERR_FORMAT);
        assert_non_null(strstr(err.text, cases[i].fault));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_identity_is_one_minus_the_product_of_survivals),
                                       cmocka_unit_test(tiny_hazards_add_up_instead_of_rounding_away),
                                       cmocka_unit_test(the_curve_never_falls_and_stays_a_probability),
                                       cmocka_unit_test(hazards_that_are_sure_stay_sure_with_any_calibration),
                                       cmocka_unit_test(platt_points_move_the_probability_at_their_step),
                                       cmocka_unit_test(json_brings_back_what_was_written),
                                       cmocka_unit_test(bad_calibrations_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
