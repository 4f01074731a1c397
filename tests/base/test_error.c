/* test_error.c - the first cause stays, context goes in front, long texts are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tft/error.h"

static void the_first_cause_is_never_overwritten(void **state)
{
    (void)state;
    tft_error err = {0};
    assert_int_equal(tft_fail(&err, TFT_ERR_FORMAT, "tensor %s", "w"), TFT_ERR_FORMAT);
    assert_int_equal(tft_fail(&err, TFT_ERR_IO, "later"), TFT_ERR_IO);
    assert_int_equal(err.status, TFT_ERR_FORMAT);
    assert_int_equal(tft_error_prefix(&err, "model %d", 7), TFT_ERR_FORMAT);
    assert_string_equal(err.text, "model 7: tensor w");
}

static void nothing_happens_without_a_place_or_a_cause(void **state)
{
    (void)state;
    tft_error err = {0};
    assert_int_equal(tft_fail(NULL, TFT_ERR_LIMIT, "x"), TFT_ERR_LIMIT);
    tft_error_prefix(NULL, "x");
    assert_int_equal(tft_error_prefix(&err, "x"), TFT_OK);
    assert_string_equal(err.text, "");
}

static void a_long_text_is_cut_not_spilled(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    tft_error err = {0};
    tft_fail(&err, TFT_ERR_FORMAT, "%s", text);
    for (int i = 0; i < 5; i++)
        tft_error_prefix(&err, "%s", text);
    assert_true(strlen(err.text) < sizeof err.text);
}

static void every_status_has_a_word(void **state)
{
    (void)state;
    for (int s = TFT_OK; s <= TFT_ERR_INTERRUPTED; s++)
        assert_string_not_equal(tft_status_word((tft_status)s), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_cause_is_never_overwritten),
        cmocka_unit_test(nothing_happens_without_a_place_or_a_cause),
        cmocka_unit_test(a_long_text_is_cut_not_spilled),
        cmocka_unit_test(every_status_has_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
