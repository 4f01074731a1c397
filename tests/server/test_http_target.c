/* test_http_target.c - tests src/server/http_target.c: decoding of paths, and which route they mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "server/http_target.h"

static char space[4096];

static http_target read_target(const char *text)
{
    http_target target;
    assert_true(http_target_space(strlen(text)) <= sizeof space);
    memset(space, 'x', sizeof space);
    http_target_read(text, space, &target);
    return target;
}

static void segments_are_decoded_one_by_one(void **state)
{
    (void)state;
    const http_target t = read_target("/api/v1/servers/a%2Fb%20%C3%A9?x=/y");
    assert_true(t.sound);
    assert_int_equal(t.n_segments, 4);
    assert_string_equal(t.segments[3], "a/b \xc3\xa9");
    assert_string_equal(t.path, "/api/v1/servers/a/b \xc3\xa9");
    const http_target root = read_target("/");
    assert_int_equal(root.n_segments, 1);
    assert_string_equal(root.segments[0], "");
    assert_string_equal(read_target("/ui/").segments[1], "");
    assert_string_equal(read_target("http://host:80/status?a").path, "/status");
}

static void what_is_not_text_is_not_sound(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "*",       "status", "/%",         "/%4",     "/%zz",
                                      "/a%00b", "/%ff",    "/%c3",   "/%ed%a0%80", "/%c0%af", "/%f4%90%80%80",
                                      "/%f5",   "http://", "/%+1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_target(bad[i]).sound)
            fail_msg("\"%s\" was taken", bad[i]);
    }
    char deep[2 * HTTP_MAX_SEGMENTS + 4];
    memset(deep, '/', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    assert_false(read_target(deep).sound);
}

static bool fits(const char *path, const char *text, const char *first)
{
    const http_target target = read_target(text);
    const char *params[HTTP_MAX_PARAMS];
    size_t n;
    if (!http_path_fits(path, &target, params, &n))
        return false;
    assert_int_equal(n, first != NULL);
    if (first != NULL)
        assert_string_equal(params[0], first);
    return true;
}

static void a_path_takes_what_its_segments_say(void **state)
{
    (void)state;
    assert_true(fits("/", "/", NULL));
    assert_true(fits("/api/v1/servers", "/api/v1/servers", NULL));
    assert_true(fits("/api/v1/servers", "/api/v1/%73ervers", NULL));
    assert_false(fits("/api/v1/servers", "/api/v1/servers/", NULL));
    assert_false(fits("/api/v1/servers", "/api/v1/Servers", NULL));
    assert_false(fits("/api/v1/servers", "/api/v1", NULL));
    assert_true(fits("/api/v1/servers/{name}", "/api/v1/servers/x", "x"));
    assert_false(fits("/api/v1/servers/{name}", "/api/v1/servers/", NULL));
    assert_false(fits("/api/v1/servers/{name}", "/api/v1/servers", NULL));
    assert_false(fits("/api/v1/servers/{name}", "/api/v1/servers/x/y", NULL));
    assert_true(fits("/alerts/{id}/ack", "/alerts/a-1/ack", "a-1"));
    assert_false(fits("/alerts/{id}/ack", "/alerts/a-1", NULL));
    assert_true(fits("/ui/{path*}", "/ui/", ""));
    assert_true(fits("/ui/{path*}", "/ui/js/app.js", "js/app.js"));
    assert_false(fits("/ui/{path*}", "/ui", NULL));
}

static void variables_are_found_by_name(void **state)
{
    (void)state;
    assert_int_equal(http_path_variable("/a/{x}/b/{yy}", "x"), 0);
    assert_int_equal(http_path_variable("/a/{x}/b/{yy}", "yy"), 1);
    assert_int_equal(http_path_variable("/a/{x}/b/{yy}", "y"), -1);
    assert_int_equal(http_path_variable("/ui/{path*}", "path"), 0);
    assert_int_equal(http_path_variable("/ui", "path"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_decoded_one_by_one),
        cmocka_unit_test(what_is_not_text_is_not_sound),
        cmocka_unit_test(a_path_takes_what_its_segments_say),
        cmocka_unit_test(variables_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
