/* test_control.c - what a body on the control port may say, and addresses. The port itself: tests/e2e/test_generate_control.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fleet_run.h"
#include "generate/control.h"

static void a_scenario_is_read_from_its_body(void **state)
{
    (void)state;
    static const char *const words[] = {"healthy", "degrading", "critical"};
    for (int i = 0; i < 3; i++) {
        char body[64];
        tft_error err = {0};
        const int n = snprintf(body, sizeof body, "{\"scenario\": \"%s\", \"other\": [1]}", words[i]);
        assert_int_equal(generate_control_scenario(body, (size_t)n, &err), i);
    }
}

static void other_bodies_are_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *body, *why;
    } cases[] = {
        {"{\"scenario\": \"panic\"}", "Invalid scenario: \"panic\""},
        {"{\"scenario\": \"Healthy\"}", "Invalid scenario: \"Healthy\""},
        {"{\"scenario\": \"mixed\"}", "Invalid scenario"},
        {"{\"scenario\": \"\"}", "Invalid scenario"},
        {"{\"scenario\": \"healthy\\u0000\"}", "Invalid scenario"},
        {"{\"scenario\": 1}", "Invalid scenario"},
        {"{\"scenario\": null}", "Invalid scenario"},
        {"{}", "Invalid scenario"},
        {"[\"healthy\"]", "Invalid scenario"},
        {"null", "Invalid scenario"},
        {"", "malformed JSON"},
        {"{\"scenario\": \"healthy\"", "malformed JSON"},
        {"scenario=healthy", "malformed JSON"},
        {"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", "malformed JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tft_error err = {0};
        assert_int_equal(generate_control_scenario(cases[i].body, strlen(cases[i].body), &err), -1);
        if (strstr(err.text, cases[i].why) == NULL)
            fail_msg("%s: \"%s\", expected \"%s\"", cases[i].body, err.text, cases[i].why);
    }
}

static void an_address_that_is_none_is_named(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "8001", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:80x", "nowhere:1", "[::1:80", ":8001"};
    const generate_options o = options_of(20, 1);
    generate_fleet *const fleet = open_fleet(&o);
    generate_sender *sender = NULL;
    generate_stream *stream = NULL;
    generate_control *control = NULL;
    const generate_stream_plan plan = {.tick_ms = 5000, .speed = 1, .live_ms = MONDAY_MS};
    assert_int_equal(generate_sender_open(&(generate_sender_options){.url = "http://127.0.0.1:1/"}, &sender, NULL),
                     TFT_OK);
    assert_string_equal(generate_sender_url(sender), "http://127.0.0.1:1");
    assert_int_equal(generate_stream_open(fleet, sender, &plan, &stream, NULL), TFT_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tft_error err = {0};
        assert_int_equal(generate_control_open(wrong[i], stream, &control, &err), TFT_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, wrong[i]));
    }
    assert_int_equal(generate_control_open("localhost:0", stream, &control, NULL), TFT_OK);
    char taken[64];
    generate_control *second = NULL;
    snprintf(taken, sizeof taken, "127.0.0.1:%u", generate_control_port(control));
    assert_true(generate_control_port(control) > 0);
    assert_int_equal(generate_control_open(taken, stream, &second, NULL), TFT_ERR_IO);
    generate_control_close(control);
    generate_stream_close(stream);
    generate_sender_close(sender);
    generate_fleet_close(fleet);
}

static void a_url_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",        "127.0.0.1",  "ftp://127.0.0.1", "file:///etc/passwd",
                                        "http://", "http://a b/"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        generate_sender *sender = NULL;
        assert_int_equal(generate_sender_open(&(generate_sender_options){.url = wrong[i]}, &sender, NULL),
                         TFT_ERR_ARGUMENT);
        assert_null(sender);
    }
}

static void a_post_that_nobody_answers_is_to_be_repeated(void **state)
{
    (void)state;
    generate_sender *sender = NULL;
    char why[200] = "";
    assert_int_equal(generate_sender_open(&(generate_sender_options){.url = "http://127.0.0.1:1"}, &sender, NULL),
                     TFT_OK);
    assert_int_equal(generate_sender_post(sender, "{}", 2, why, sizeof why), GENERATE_RETRY);
    assert_non_null(strstr(why, "127.0.0.1:1"));
    generate_sender_close(sender);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scenario_is_read_from_its_body),
        cmocka_unit_test(other_bodies_are_refused_with_the_reason),
        cmocka_unit_test(an_address_that_is_none_is_named),
        cmocka_unit_test(a_url_that_is_none_is_refused),
        cmocka_unit_test(a_post_that_nobody_answers_is_to_be_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
