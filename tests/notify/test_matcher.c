/* test_matcher.c - globs and matchers: what they are about, and what is wrong with those that are about nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "notify/glob.h"
#include "notify/matcher.h"

static bool glob(const char *pattern, const char *text)
{
    return glob_match(pattern, text, strlen(text));
}

static void stars_and_question_marks(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {{"", "", true},
                 {"", "a", false},
                 {"*", "", true},
                 {"*", "anything", true},
                 {"pp*", "ppdb001", true},
                 {"pp*", "xppdb", false},
                 {"*1", "ppdb001", true},
                 {"*1", "ppdb0012", false},
                 {"p*b*1", "ppdb001", true},
                 {"a?c", "abc", true},
                 {"a?c", "ac", false},
                 {"a?c",
                  "a\xc3\xa4"
                  "c",
                  true},
                 {"a??c",
                  "a\xc3\xa4"
                  "c",
                  false},
                 {"**a**", "bab", true},
                 {"A", "a", false},
                 {"a*b*c", "abbbbd", false},
                 {"*.example", "x.example", true},
                 {"[a]", "a", false},
                 {"[a]", "[a]", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (glob(cases[i].pattern, cases[i].text) != cases[i].matches)
            fail_msg("%s on %s", cases[i].pattern, cases[i].text);
    char text[4000]; // no pattern takes more than its product
    memset(text, 'a', sizeof text);
    assert_false(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", text, sizeof text));
}

/* The obvious definition, exponential and only for short texts. */
static bool slow(const char *pattern, const char *text, size_t n)
{
    if (*pattern == '\0')
        return n == 0;
    if (*pattern == '*')
        return slow(pattern + 1, text, n) || (n > 0 && slow(pattern, text + 1, n - 1));
    return n > 0 && (*pattern == '?' || *pattern == *text) && slow(pattern + 1, text + 1, n - 1);
}

static void it_agrees_with_the_definition(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(9, 0);
    for (int i = 0; i < 20000; i++) {
        char pattern[8], text[10];
        const size_t p = tft_rng_below(&rng, 7), t = tft_rng_below(&rng, 9);
        for (size_t k = 0; k < p; k++)
            pattern[k] = "ab*?"[tft_rng_below(&rng, 4)];
        for (size_t k = 0; k < t; k++)
            text[k] = "ab"[tft_rng_below(&rng, 2)];
        pattern[p] = text[t] = '\0';
        if (glob(pattern, text) != slow(pattern, text, t))
            fail_msg("%s on %s", pattern, text);
    }
}

static notify_subject subject(const char *server, const char *profile, const char *kind, const char *metric,
                              const char *severity)
{
    return (notify_subject){server, strlen(server), profile, kind, metric, severity};
}

static void every_part_must_match_and_empty_parts_do(void **state)
{
    (void)state;
    const notify_subject a = subject("ppdb001", "database", "threshold", "cpu_pct", "critical");
    const notify_subject fleet = subject("", "", "drift", "cpu_pct", "warning");
    notify_matcher m = {0};
    assert_true(notify_matches(&m, &a) && notify_matches(&m, &fleet) && notify_matcher_is_empty(&m));
    snprintf(m.server, sizeof m.server, "ppdb*");
    assert_true(notify_matches(&m, &a) && !notify_matches(&m, &fleet) && !notify_matcher_is_empty(&m));
    snprintf(m.severity, sizeof m.severity, "warning");
    assert_false(notify_matches(&m, &a));
    snprintf(m.severity, sizeof m.severity, "critical");
    assert_true(notify_matches(&m, &a));
    snprintf(m.metric, sizeof m.metric, "mem_pct");
    assert_false(notify_matches(&m, &a));
    m = (notify_matcher){.server = "*"};
    assert_true(notify_matches(&m, &fleet));
    m = (notify_matcher){.profile = "database"};
    assert_true(notify_matches(&m, &a) && !notify_matches(&m, &fleet));
}

static const char *parse(const char *json, notify_matcher *m, const char **field)
{
    tft_json_document document;
    assert_int_equal(tft_json_parse(json, strlen(json), 8, &document, NULL), TFT_OK);
    const char *const why = notify_matcher_parse(document.root, m, field);
    tft_json_free(&document);
    return why;
}

static void json_comes_back_and_faults_are_named(void **state)
{
    (void)state;
    notify_matcher m;
    const char *field;
    const char *const whole = "{\"server\": \"a\\\"*\", \"profile\": \"database\", \"kind\": \"incident\", \"metric\": "
                              "\"x\", \"severity\": \"warning\"}";
    assert_null(parse(whole, &m, &field));
    tft_text out = tft_text_new(1000);
    notify_matcher_write(&m, &out);
    assert_string_equal(out.bytes, whole);
    tft_text_free(&out);
    static const char *const bad[][2] = {{"[]", "matchers"},
                                         {"{}", "matchers"},
                                         {"{\"servers\": \"a\"}", "matchers"},
                                         {"{\"server\": \"\"}", "server"},
                                         {"{\"server\": null}", "server"},
                                         {"{\"server\": \"a\\u0000b\"}", "server"},
                                         {"{\"profile\": \"toaster\"}", "profile"},
                                         {"{\"kind\": \"cascade\"}", "kind"},
                                         {"{\"severity\": \"fatal\"}", "severity"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_non_null(parse(bad[i][0], &m, &field));
        assert_string_equal(field, bad[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stars_and_question_marks),
        cmocka_unit_test(it_agrees_with_the_definition),
        cmocka_unit_test(every_part_must_match_and_empty_parts_do),
        cmocka_unit_test(json_comes_back_and_faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
