/* test_alert_record.c - alerts are counted at every level that a probability reaches, and said only where there were enough. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "train/alert_record.h"

static void a_probability_counts_at_each_level_that_it_reaches(void **state)
{
    (void)state;
    tft_alert_record r = {.n = 2, .step = {6, 12}, .within = 96};
    tft_alert_record_add(&r, 1, (double)0.3f, true); // a float of 0.3 is 0.3
    tft_alert_record_add(&r, 1, 0.299, false);
    tft_alert_record_add(&r, 1, 1.0, true);
    tft_alert_record_add(&r, 1, 0.05, true);
    tft_alert_record_add(&r, 1, (double)NAN, true);
    const uint64_t raised[TFT_N_ALERT_LEVELS] = {3, 3, 2, 1, 1, 1, 1, 1, 1};
    const uint64_t followed[TFT_N_ALERT_LEVELS] = {2, 2, 2, 1, 1, 1, 1, 1, 1};
    assert_memory_equal(r.raised[1], raised, sizeof raised);
    assert_memory_equal(r.followed[1], followed, sizeof followed);
    assert_true(r.raised[0][0] == 0);
}

static void too_few_alerts_say_nothing(void **state)
{
    (void)state;
    tft_alert_record r = {.n = 1, .step = {12}, .within = 96};
    uint64_t raised = 7, followed = 7;
    for (int i = 0; i < TFT_MIN_ALERTS - 1; i++)
        tft_alert_record_add(&r, 0, 0.45, i % 2 == 0);
    assert_false(tft_alert_record_find(&r, 12, 0.3, &raised, &followed));
    assert_true(raised == 7 && followed == 7);
    tft_alert_record_add(&r, 0, 0.35, false);
    assert_true(tft_alert_record_find(&r, 12, 0.3, &raised, &followed));
    assert_true(raised == TFT_MIN_ALERTS && followed == TFT_MIN_ALERTS / 2);
    assert_true(tft_alert_record_find(&r, 12, 0.35, &raised, &followed)); // what is known of 0.3
    assert_false(tft_alert_record_find(&r, 12, 0.4, &raised, &followed)); // 19 of them
    assert_false(tft_alert_record_find(&r, 6, 0.3, &raised, &followed));  // another horizon
    assert_false(tft_alert_record_find(&r, 12, 0.05, &raised, &followed));
    assert_false(tft_alert_record_find(&r, 12, (double)NAN, &raised, &followed));
    const tft_alert_record none = {0};
    assert_false(tft_alert_record_find(&none, 12, 0.3, &raised, &followed));
}

static tft_status read(const char *json, tft_alert_record *r, tft_error *err)
{
    tft_json_document document = {0};
    assert_int_equal(tft_json_parse(json, strlen(json), 8, &document, NULL), TFT_OK);
    const tft_status status = tft_alert_record_from_json(document.root, r, err);
    tft_json_free(&document);
    return status;
}

static void json_brings_back_what_was_counted(void **state)
{
    (void)state;
    tft_alert_record r = {.n = 2, .step = {6, 96}, .within = 96, .n_cases = 500, .n_came = 60}, back;
    tft_rng rng = tft_rng_seeded(4, 0);
    tft_text text = tft_text_new(100000);
    for (int i = 0; i < 500; i++)
        tft_alert_record_add(&r, tft_rng_below(&rng, 2), tft_rng_uniform(&rng), tft_rng_below(&rng, 3) == 0);
    tft_alert_record_to_json(&r, &text);
    assert_int_equal(read(text.bytes, &back, NULL), TFT_OK);
    assert_memory_equal(&back, &r, sizeof r);
    tft_text_free(&text);
}

#define HEAD "{\"within\": 96, \"cases\": 50, \"came\": 5, "
#define LEVELS "\"levels\": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], "
static void bad_records_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *json, *fault;
    } cases[] = {{"{}", "\"within\""},
                 {"{\"within\": 96, \"cases\": 5, \"came\": 6}", "\"came\""},
                 {HEAD "\"steps\": []}", "\"steps\""},
                 {HEAD "\"steps\": [12, 6]}", "rise"},
                 {HEAD "\"steps\": [97]}", "at most 96"},
                 {HEAD "\"steps\": [12], \"levels\": [0.3]}", "\"levels\""},
                 {HEAD "\"steps\": [12], " LEVELS "\"raised\": [[1, 2]]}", "\"raised\"[0]"},
                 {HEAD "\"steps\": [12], " LEVELS "\"raised\": [[1, 2, 0, 0, 0, 0, 0, 0, 0]]}", "\"raised\"[0][1]"},
                 {HEAD "\"steps\": [12], " LEVELS "\"raised\": [[-1, 0, 0, 0, 0, 0, 0, 0, 0]]}", "\"raised\"[0][0]"},
                 {HEAD "\"steps\": [12], " LEVELS
                       "\"raised\": [[2, 0, 0, 0, 0, 0, 0, 0, 0]], \"followed\": [[3, 0, 0, 0, 0, 0, 0, "
                       "0, 0]]}",
                  "\"followed\"[0][0] is more"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tft_alert_record r = {.n = 3};
        tft_error err = {0};
        assert_int_equal(read(cases[i].json, &r, &err), TFT_ERR_FORMAT);
        if (strstr(err.text, cases[i].fault) == NULL)
            fail_msg("case %zu: %s", i, err.text);
        assert_true(r.n == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probability_counts_at_each_level_that_it_reaches),
        cmocka_unit_test(too_few_alerts_say_nothing),
        cmocka_unit_test(json_brings_back_what_was_counted),
        cmocka_unit_test(bad_records_are_named),
    };
    return cmocka_run_group_tests_name("train.alert_record", tests, NULL, NULL);
}
