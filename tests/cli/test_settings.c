/* test_settings.c - the configuration file: what is read, and what is refused with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/settings.h"

static tft_status read_text(settings *s, const char *text, tft_error *err)
{
    settings_default(s);
    return settings_read_yaml(s, "t.yaml", text, strlen(text), err);
}

static void keys_of_every_kind_are_read(void **state)
{
    (void)state;
    static const char text[] = "# everything\n"
                               "http: {listen: [\"127.0.0.1:1\", \"[::1]:2\"], max_body: 64KiB, threads: 3, compress: "
                               "false, idle_timeout: 90}\n"
                               "data:\n"
                               "  dir: /var/lib/tftd\n"
                               "store: {sync: normal, retention: {records: 36h}}\n"
                               "ingest: {max_future: 250ms, limits: {latency_ms: 5000.5}}\n"
                               "time: {clock: data}\n"
                               "risk: {priorities: [10, 20, 30.5]}\n"
                               "states: {critical: {cpu_pct: 97}, profiles: {database: {heavy: {mem_pct: 90}}}}\n"
                               "alerts: {thresholds: {cpu_pct: [70, 80]}, profiles: {web_api: {latency_ms: [5, 6]}}}\n"
                               "profiles: {prefixes: {dbx: database}}\n";
    settings s;
    tft_error err = {0};
    if (read_text(&s, text, &err) != TFT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(s.http.listen.n, 2);
    assert_string_equal(s.http.listen.items[1], "[::1]:2");
    assert_int_equal(s.http.max_body, 65536);
    assert_int_equal(s.http.threads, 3);
    assert_false(s.http.compress);
    assert_int_equal(s.http.idle_timeout, 90000);
    assert_string_equal(s.data.dir, "/var/lib/tftd");
    assert_int_equal(s.store.sync, 1);
    assert_int_equal(s.store.retention_records, (int64_t)36 * 3600000);
    assert_int_equal(s.store.retention_steps, (int64_t)400 * 86400000); // untouched: the default
    assert_int_equal(s.ingest.max_future, 250);
    assert_true(s.ingest.limit_latency_ms == 5000.5);
    assert_int_equal(s.time.clock, 2);
    assert_true(s.risk.priorities[2] == 30.5);
    assert_int_equal(s.n_levels, 4);
    assert_int_equal(s.levels[1].profile, TFT_PROFILE_DATABASE);
    assert_int_equal(s.levels[1].kind, LEVEL_HEAVY);
    assert_true(s.levels[3].low == 5 && s.levels[3].high == 6);
    assert_int_equal(s.n_prefixes, 1);
    assert_int_equal(s.prefixes[0].profile, TFT_PROFILE_DATABASE);
    settings_free(&s);
}

static void an_empty_file_leaves_the_defaults(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# nothing\n", "---\n"};
    for (size_t i = 0; i < 3; i++) {
        settings s;
        assert_int_equal(read_text(&s, texts[i], NULL), TFT_OK);
        assert_string_equal(s.http.listen.items[0], "127.0.0.1:8000");
        settings_free(&s);
    }
}

static void mistakes_are_named_with_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"htpp: {threads: 1}", "t.yaml:1:17: htpp.threads: unknown key"},
        {"http:\n  treads: 1", "t.yaml:2:11: http.treads: unknown key"},
        {"http: {threads: two}", "t.yaml:1:17: http.threads: \"two\" is not a whole number"},
        {"http: {threads: 1.5}", "is not a whole number"},
        {"http: {threads: 0}", "out of bounds: 1 to 64"},
        {"http: {threads: [1]}", "must be one value, not a list"},
        {"http: {threads: {a: 1}}", "must be one value, not a mapping"},
        {"http: {threads: 0x10}", "is not a whole number"},
        {"http:\n  threads:\n", "has no value"},
        {"http: {compress: yes}", "is not true or false"},
        {"http: {max_body: 16MB}", "is not a size"},
        {"http: {max_body: 1KiB, max_body: 2KiB}", "is given twice"},
        {"http: {listen: []}", "0 values, must be 1 to 8"},
        {"http: {listen: [[a]]}", "single values only"},
        {"http: 5", "t.yaml:1:7: http: unknown key"},
        {"ingest: {max_future: soon}", "is not a duration"},
        {"ingest: {max_future: -5s}", "is not a duration"},
        {"time: {clock: sun}", "is none of auto, wall, data"},
        {"risk: {bands: [1, 2]}", "2 values, must be 6 to 6"},
        {"risk: {priorities: [3, 2, 1]}", "ascending"},
        {"risk: {priorities: 3}", "must be a list"},
        {"alerts: {thresholds: {cpu_pct: 5}}", "must be [warning, critical]"},
        {"alerts: {thresholds: {cpu_pct: [9, 5]}}", "critical is below warning"},
        {"alerts: {profiles: {toaster: {cpu_pct: [5, 9]}}}", "unknown profile"},
        {"states: {critical: {cpu_pct: hot}}", "is not a number"},
        {"states: {sometimes: {cpu_pct: 5}}", "unknown key"},
        {"profiles: {prefixes: {x: toaster}}", "is not a profile"},
        {"tls: {certificate: a.pem}", "tls.certificate: unknown key"},
        {"- a\n- b", "must be a mapping"},
        {"just text", "must be a mapping"},
        {"a: &x {b: 1}\nc: *x", "unknown key"},
        {"http: {threads: &t 1}\nmodel: {threads: *t}", "aliases are not supported"},
        {"http: {threads: 1\n", "not YAML"},
        {"http:\n\tthreads: 1", "not YAML"},
        {"a: {b: {c: {d: {e: {f: {g: {h: 1}}}}}}}", "nested too deep"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        settings s;
        tft_error err = {0};
        const tft_status status = read_text(&s, cases[i].text, &err);
        if (status != TFT_ERR_FORMAT || strstr(err.text, cases[i].message) == NULL ||
            strncmp(err.text, "t.yaml:", 7) != 0)
            fail_msg("%s\ngave \"%s\"\nexpected %s", cases[i].text, err.text, cases[i].message);
        settings_free(&s);
    }
}

static void the_environment_wins_over_the_file(void **state)
{
    (void)state;
    setenv("TFTD_HTTP_THREADS", "7", 1);
    setenv("TFTD_HTTP_LISTEN", "127.0.0.1:1,127.0.0.1:2", 1);
    setenv("TFTD_STORE_RETENTION_RECORDS", "2d", 1);
    setenv("TFTD_ALERTS_THRESHOLDS_CPU_PCT", "60,70", 1);
    settings s;
    tft_error err = {0};
    assert_int_equal(read_text(&s, "http: {threads: 3}", NULL), TFT_OK);
    if (settings_read_environment(&s, &err) != TFT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(s.http.threads, 7);
    assert_int_equal(s.http.listen.n, 2);
    assert_int_equal(s.store.retention_records, (int64_t)2 * 86400000);
    assert_int_equal(s.n_levels, 1);
    settings_free(&s);

    setenv("TFTD_HTTP_THREADS", "seven", 1);
    settings_default(&s);
    assert_int_equal(settings_read_environment(&s, &err), TFT_ERR_FORMAT);
    assert_string_equal(err.text, "TFTD_HTTP_THREADS: \"seven\" is not a whole number");
    settings_free(&s);
    unsetenv("TFTD_HTTP_THREADS");
    unsetenv("TFTD_HTTP_LISTEN");
    unsetenv("TFTD_STORE_RETENTION_RECORDS");
    unsetenv("TFTD_ALERTS_THRESHOLDS_CPU_PCT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_every_kind_are_read),
        cmocka_unit_test(an_empty_file_leaves_the_defaults),
        cmocka_unit_test(mistakes_are_named_with_line_and_column),
        cmocka_unit_test(the_environment_wins_over_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
