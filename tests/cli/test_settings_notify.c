/* test_settings_notify.c - receivers and routes out of a configuration file, and what is said about wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "cli/settings.h"

static tft_status read_yaml(settings *s, const char *text, tft_error *err)
{
    settings_default(s);
    return settings_read_yaml(s, "tftd.yaml", text, strlen(text), err);
}

static void receivers_and_routes_are_read_in_order(void **state)
{
    (void)state;
    static settings s;
    tft_error err = {0};
    if (read_yaml(&s,
                  "alerts:\n"
                  "  for: 1m\n"
                  "  receivers:\n"
                  "    - {name: am, kind: alertmanager, urls: [\"http://a:9093\", \"http://b:9093/\"], resend: 30s, "
                  "timeout: 2s}\n"
                  "    - name: chat\n"
                  "      kind: webhook\n"
                  "      url: https://chat.example/hook\n"
                  "      authorization: Bearer x\n"
                  "      send_resolved: false\n"
                  "  routes:\n"
                  "    - {match: {server: \"ppdb*\", severity: critical}, receivers: [am, chat], continue: true}\n"
                  "    - {receivers: [am]}\n"
                  "  keep_for: 3m\n",
                  &err) != TFT_OK)
        fail_msg("%s", err.text);
    const notify_config *const c = &s.notify;
    assert_int_equal(c->n_receivers, 2);
    assert_int_equal(c->receivers[0].kind, NOTIFY_ALERTMANAGER);
    assert_int_equal(c->receivers[0].n_urls, 2);
    assert_string_equal(c->receivers[0].urls[1], "http://b:9093/");
    assert_int_equal(c->receivers[0].resend_ms, 30000);
    assert_int_equal(c->receivers[0].timeout_ms, 2000);
    assert_true(c->receivers[0].send_resolved);
    assert_string_equal(c->receivers[1].name, "chat");
    assert_string_equal(c->receivers[1].authorization, "Bearer x");
    assert_int_equal(c->receivers[1].resend_ms, 60000);
    assert_false(c->receivers[1].send_resolved);
    assert_int_equal(c->n_routes, 2);
    assert_string_equal(c->routes[0].match.server, "ppdb*");
    assert_string_equal(c->routes[0].match.severity, "critical");
    assert_int_equal(c->routes[0].n_receivers, 2);
    assert_true(c->routes[0].goes_on);
    assert_string_equal(c->routes[1].receivers[0], "am");
    assert_int_equal(s.alerts.for_, 60000);
    assert_int_equal(s.alerts.keep_for, 180000);
    settings_free(&s);
}

static void a_key_may_stand_in_a_file_of_its_own(void **state)
{
    (void)state;
    static settings s;
    char path[] = "/tmp/tftd-key-XXXXXX", text[400];
    const int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "Bearer s3cret\n", 14) == 14);
    close(fd);
    snprintf(text, sizeof text,
             "alerts: {receivers: [{name: a, kind: webhook, url: \"http://x/\", authorization_file: %s}]}", path);
    assert_int_equal(read_yaml(&s, text, NULL), TFT_OK);
    assert_string_equal(s.notify.receivers[0].authorization, "Bearer s3cret");
    settings_free(&s);
    unlink(path);
    tft_error err = {0};
    assert_int_equal(read_yaml(&s, text, &err), TFT_ERR_FORMAT);
    assert_non_null(strstr(err.text, "cannot be read"));
    settings_free(&s);
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
    (void)state;
    static settings s;
    static const char *const cases[][2] = {
        {"alerts: {receivers: [{kind: webhook, url: \"http://x/\"}]}", "alerts.receivers[0]: needs a name"},
        {"alerts: {receivers: [{name: a, kind: webhook}]}", "alerts.receivers[0]: needs a url"},
        {"alerts: {receivers: [{name: a, url: \"file:///etc/passwd\"}]}", "neither http:// nor https://"},
        {"alerts: {receivers: [{name: a, url: \"http://x/\"}, {name: a, url: \"http://y/\"}]}",
         "alerts.receivers[1]: has the name"},
        {"alerts:\n  receivers: [{name: a, kind: pager, url: \"http://x/\"}]",
         "tftd.yaml:2:31: alerts.receivers.0.kind: is none of webhook, alertmanager, command"},
        {"alerts: {receivers: [{name: a, colour: red}]}", "alerts.receivers.0.colour: unknown key"},
        {"alerts: {receivers: [{name: a, kind: command}]}", "alerts.receivers[0]: needs a command"},
        {"alerts: {receivers: [{name: a, kind: command, command: [page, x]}]}", "does not begin with /"},
        {"alerts: {receivers: [{name: a, kind: command, command: []}]}", "alerts.receivers"},
        {"alerts: {receivers: [{name: a, kind: webhook, command: [/bin/true]}]}", "its kind must be command"},
        {"alerts: {receivers: [{name: a, kind: command, command: [/bin/true], url: \"http://x/\"}]}",
         "has a url, which a command"},
        {"alerts: {receivers: [{name: a, command: [/a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q]}]}",
         "at most 16 values"},
        {"alerts: {receivers: [{name: a, timeout: soon}]}", "is not a duration"},
        {"alerts: {receivers: [{name: a, timeout: 5h}]}", "is out of bounds"},
        {"alerts: {receivers: [{name: a, send_resolved: maybe}]}", "is not true or false"},
        {"alerts: {receivers: [just a text]}", "must be a mapping"},
        {"alerts: {receivers: [{name: [a, b]}]}", "must be one value"},
        {"alerts: {receivers: {name: a}}", "unknown key"},
        {"alerts: {routes: [{receivers: [nobody]}]}", "alerts.routes[0]: names a receiver that is not there"},
        {"alerts: {routes: [{match: {severity: fatal}}]}", "is not warning or critical"},
        {"alerts: {routes: [{match: {weather: rain}}]}", "is none of server, profile"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tft_error err = {0};
        assert_int_equal(read_yaml(&s, cases[i][0], &err), TFT_ERR_FORMAT);
        if (strstr(err.text, cases[i][1]) == NULL)
            fail_msg("%s\n  said: %s\n  not:  %s", cases[i][0], err.text, cases[i][1]);
        settings_free(&s);
    }
}

static void there_is_an_end_to_receivers(void **state)
{
    (void)state;
    static settings s;
    char text[4096] = "alerts: {receivers: [";
    for (int i = 0; i < 17; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s{name: r%d, url: \"http://x/\"}",
                 i > 0 ? ", " : "", i);
    strcat(text, "]}");
    tft_error err = {0};
    assert_int_equal(read_yaml(&s, text, &err), TFT_ERR_FORMAT);
    assert_non_null(strstr(err.text, "more than 16 receivers"));
    settings_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receivers_and_routes_are_read_in_order),
        cmocka_unit_test(a_key_may_stand_in_a_file_of_its_own),
        cmocka_unit_test(what_is_wrong_is_named_with_its_place),
        cmocka_unit_test(there_is_an_end_to_receivers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
