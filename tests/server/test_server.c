/* test_server.c - the whole daemon inside the test, over a real socket: models that come and go, restarts, drain. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "server/accept.h"
#include "server/server.h"
#include "server/sleep.h"

static char folder[64], models[80], data[80], log_path[80];
static log_sink *test_log;

static int make_folders(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tftd-server-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(models, sizeof models, "%s/models", folder);
    snprintf(data, sizeof data, "%s/data", folder);
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    mkdir(models, 0700);
    return log_open(&(log_options){.level = LOG_LEVEL_INFO, .file = log_path}, &test_log, NULL) != TFT_OK;
}

static int remove_folders(void **state)
{
    (void)state;
    char command[128];
    log_close(test_log);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* A model directory is "valid" here when it holds a file `ok`; forecasts of such a model are not asked for. */
static tft_status refuse_to_run(void *context, const tft_request *requests, size_t n, size_t steps,
                                const tft_forecast *out, tft_error *err)
{
    (void)context, (void)requests, (void)n, (void)steps, (void)out;
    return tft_fail(err, TFT_ERR_STATE, "this model never forecasts");
}

static tft_status open_test_model(const char *directory, size_t n_threads, tft_precision precision, engine_model *model,
                                  tft_error *err)
{
    (void)n_threads, (void)precision;
    char path[256];
    snprintf(path, sizeof path, "%s/ok", directory);
    if (!tft_file_exists(path))
        return tft_fail(err, TFT_ERR_FORMAT, "model.safetensors: cut short");
    *model = (engine_model){.run = refuse_to_run, .contract = tft_contract_default()};
    snprintf(path, sizeof path, "%s/two", directory); // a contract of the first two metrics only
    if (tft_file_exists(path))
        model->contract.n_metrics = 2;
    model->config.n_targets = model->contract.n_metrics;
    for (size_t m = 0; m < model->contract.n_metrics; m++) {
        tft_target *const target = &model->config.targets[m];
        snprintf(target->name, sizeof target->name, "%s", model->contract.metrics[m].name);
        target->n_quantiles = FORECAST_N_QUANTILES;
        memcpy(target->quantiles, forecast_levels, sizeof forecast_levels);
    }
    model->config.max_encoder_length = model->contract.context;
    model->config.max_decoder_length = model->contract.horizon;
    snprintf(model->name, sizeof model->name, "%s", strrchr(directory, '/') + 1);
    snprintf(model->directory, sizeof model->directory, "%s", directory);
    return TFT_OK;
}

static void add_model(const char *name, bool valid)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", models, name);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/ok", models, name);
    if (valid)
        assert_int_equal(tft_file_replace(path, "", 0, NULL), TFT_OK);
}

static void add_file(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", models, name);
    assert_int_equal(tft_file_replace(path, "", 0, NULL), TFT_OK);
}

static server_options options_for_test(void)
{
    server_options o = {.listen = {"127.0.0.1:0"},
                        .n_listen = 1,
                        .max_body = 1 << 20,
                        .max_records = 1000,
                        .max_connections = 16,
                        .max_connections_per_ip = 16,
                        .idle_timeout_s = 5,
                        .http_threads = 2,
                        .compress = true,
                        .store = store_options_default(),
                        .max_future_ms = 300000,
                        .limit_disk_mb_s = 1e6,
                        .limit_latency_ms = 86400000,
                        .max_servers = 100,
                        .stale_after_ms = 1800000,
                        .offline_after_steps = 3,
                        .models_dir = models,
                        .model_name = "latest",
                        .open_model = open_test_model,
                        .model_threads = 1,
                        .min_interval_s = 0.05,
                        .warmup_records = 150,
                        .min_records = 100,
                        .memory_steps = 300,
                        .version = "test"};
    o.store.dir = data;
    return o;
}

static server *start(const server_options *o)
{
    server *srv = NULL;
    server_stage stage;
    tft_error err = {0};
    if (server_open(o, test_log, &srv, &stage, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return srv;
}

/* Sends one request and reads until the server closes; the reply is NUL-terminated. */
static char *request(const server *srv, const char *head, const char *body)
{
    static char reply[1 << 20];
    uint16_t port = 0;
    char host[64];
    assert_true(http_address_parse(server_url(srv) + strlen("http://"), host, &port));
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    tft_text out = tft_text_new(1 << 20);
    tft_text_printf(&out, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", head,
                    strlen(body), body);
    assert_int_equal(send(fd, out.bytes, out.n, MSG_NOSIGNAL), (ssize_t)out.n);
    tft_text_free(&out);
    size_t n = 0;
    for (ssize_t got = 1; got > 0 && n < sizeof reply - 1; n += (size_t)got) {
        got = recv(fd, reply + n, sizeof reply - 1 - n, 0);
        if (got < 0)
            got = 0;
    }
    reply[n] = '\0';
    close(fd);
    return reply;
}

static bool log_has(const char *part)
{
    char *text = NULL;
    size_t n;
    assert_int_equal(tft_file_read(log_path, 1 << 20, &text, &n, NULL), TFT_OK);
    const bool has = strstr(text, part) != NULL;
    free(text);
    return has;
}

static void wait_for_log(const char *part)
{
    for (int i = 0; i < 1000; i++) {
        if (log_has(part))
            return;
        usleep(10000);
    }
    fail_msg("the log never said \"%s\"", part);
}

static void the_newest_valid_model_is_served_and_a_broken_one_is_named(void **state)
{
    (void)state;
    add_model("tft_model_20250101_000000", true);
    add_model("tft_model_20250301_000000", true);
    add_model("tft_model_20250401_000000", false);
    add_model("tft_model_20250501_000000.tmp", true); // still being written
    const server_options o = options_for_test();
    server *const srv = start(&o);
    assert_true(log_has("[WARNING] Model"));
    assert_true(log_has("tft_model_20250401_000000 is skipped: model.safetensors: cut short"));
    assert_true(log_has("[OK] Found model: "));
    assert_true(log_has("[SUCCESS] TFT model loaded!"));
    assert_true(log_has("[OK] Contract validation passed (v1.0.0)"));
    assert_non_null(strstr(request(srv, "GET /status", ""),
                           "\"model\": {\"name\": \"tft_model_20250301_000000\", \"type\": \"TFT\""));
    server_close(srv);
}

static void a_newer_model_is_taken_when_it_appears(void **state)
{
    (void)state;
    const server_options o = options_for_test();
    server *const srv = start(&o);
    assert_true(log_has("[WARNING] Running in HEURISTIC mode (no TFT model loaded)"));
    assert_non_null(strstr(request(srv, "GET /status", ""), "\"model\": {\"name\": \"none\", \"type\": \"heuristic\""));
    add_model("tft_model_20250601_000000", true);
    server_rescan_models(srv);
    wait_for_log("tft_model_20250601_000000");
    for (int i = 0; i < 500 && strstr(request(srv, "GET /status", ""), "tft_model_20250601_000000") == NULL; i++)
        usleep(10000);
    assert_non_null(strstr(request(srv, "GET /status", ""), "tft_model_20250601_000000"));
    server_close(srv);
}

/* What open_hook does while a model is being opened: a race, made to happen. */
static void (*open_hook)(void);
static server *hooked;

static tft_status open_hooked_model(const char *directory, size_t n_threads, tft_precision precision,
                                    engine_model *model, tft_error *err)
{
    void (*const hook)(void) = open_hook;
    open_hook = NULL;
    if (hook != NULL)
        hook();
    return open_test_model(directory, n_threads, precision, model, err);
}

static void promote_the_older_one(void)
{
    assert_int_equal(server_promote(hooked, "tft_model_20250101_000000", false, NULL), TFT_OK);
}

static void a_model_promoted_while_it_becomes_a_shadow_runs_once(void **state)
{
    (void)state;
    add_model("tft_model_20250101_000000", true);
    add_model("tft_model_20250301_000000", true);
    server_options o = options_for_test();
    o.open_model = open_hooked_model;
    server *const srv = start(&o);
    tft_error err = {0};
    model_roles r;
    hooked = srv;
    open_hook = promote_the_older_one;
    assert_int_equal(shadow_load(srv, "tft_model_20250101_000000", &err), TFT_ERR_STATE);
    assert_non_null(strstr(err.text, "serves already"));
    server_model_roles(srv, &r);
    assert_string_equal(r.served, "tft_model_20250101_000000");
    assert_string_equal(r.shadow, "");
    assert_int_equal(shadow_load(srv, "tft_model_20250301_000000", &err), TFT_OK); // the lock is free again
    server_close(srv);
}

static void a_choice_that_cannot_be_read_for_a_moment_holds_on(void **state)
{
    (void)state;
    add_model("tft_model_20250101_000000", true);
    add_model("tft_model_20250301_000000", true);
    const server_options o = options_for_test();
    server *const srv = start(&o);
    char path[128], aside[128];
    model_roles r;
    assert_int_equal(server_promote(srv, "tft_model_20250101_000000", false, NULL), TFT_OK);
    snprintf(path, sizeof path, "%s/served-model", data);
    snprintf(aside, sizeof aside, "%s/aside", data);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(mkdir(path, 0700), 0); // there, and no file to read
    server_watch_models(srv);
    server_model_roles(srv, &r);
    assert_string_equal(r.served, "tft_model_20250101_000000");
    assert_string_equal(r.pinned, "tft_model_20250101_000000");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rename(aside, path), 0);
    server_watch_models(srv);
    server_model_roles(srv, &r);
    assert_string_equal(r.pinned, "tft_model_20250101_000000");
    server_close(srv);
}

static void a_model_of_other_metrics_serves_by_force_from_the_next_start_on(void **state)
{
    (void)state;
    add_model("tft_model_20250101_000000", true);
    const server_options o = options_for_test();
    server *srv = start(&o);
    char body[300], stamp[TFT_TIME_TEXT];
    tft_time_format_ms(tft_wall_ms() - 1000, stamp);
    snprintf(body, sizeof body,
             "{\"records\": [{\"timestamp\": \"%s\", \"server_name\": \"a\", \"cpu_pct\": 40, \"mem_pct\": 50}]}",
             stamp);
    assert_non_null(strstr(request(srv, "POST /feed/data", body), "\"accepted\": 1"));
    add_model("tft_model_20240101_000000", true); // older: nobody takes it by himself
    add_file("tft_model_20240101_000000/two");
    const char *reply = request(srv, "POST /api/v1/models/tft_model_20240101_000000/promote", "");
    assert_non_null(strstr(reply, "HTTP/1.1 409 "));
    assert_non_null(strstr(reply, "2 metrics"));
    reply = request(srv, "POST /api/v1/models/tft_model_20240101_000000/promote?force=true", "");
    assert_non_null(strstr(reply, "HTTP/1.1 202 "));
    assert_non_null(strstr(reply, "\"role\": \"next\", \"pinned\": true"));
    server_watch_models(srv); // and the daemon stays with both
    reply = request(srv, "GET /api/v1/models", "");
    assert_non_null(strstr(reply, "\"id\": \"tft_model_20250101_000000\", \"role\": \"served\""));
    assert_non_null(strstr(reply, "\"role\": \"next\", \"pinned\": true"));
    server_close(srv);
    srv = start(&o);
    reply = request(srv, "GET /api/v1/models", "");
    assert_non_null(strstr(reply, "\"id\": \"tft_model_20240101_000000\", \"role\": \"served\""));
    reply = request(srv, "GET /api/v1/servers/a", "");
    assert_non_null(
        strstr(reply, "\"current\": {\"cpu_pct\": 40, \"mem_pct\": 50}")); // the history is there, in its layout
    assert_non_null(strstr(request(srv, "POST /api/v1/models/tft_model_20250101_000000/promote", ""), "HTTP/1.1 409 "));
    server_close(srv);
}

static void a_server_that_comes_back_has_its_history_again(void **state)
{
    (void)state;
    server_options o = options_for_test();
    o.max_servers = 2;
    o.forget_after_ms = 3600000;
    server *srv = start(&o);
    const int64_t now = tft_wall_ms();
    char old[3][TFT_TIME_TEXT], fresh[TFT_TIME_TEXT], body[800];
    for (int i = 0; i < 3; i++)
        tft_time_format_ms(now - 7200000 - i * 300000, old[i]);
    tft_time_format_ms(now - 1000, fresh);
    snprintf(
        body, sizeof body,
        "{\"records\": [{\"timestamp\": \"%s\", \"server_name\": \"gone\", \"cpu_pct\": 41}, {\"timestamp\": \"%s\", "
        "\"server_name\": \"gone\", \"cpu_pct\": 42}, {\"timestamp\": \"%s\", \"server_name\": \"gone\", \"cpu_pct\": "
        "43}, "
        "{\"timestamp\": \"%s\", \"server_name\": \"here\", \"cpu_pct\": 10}]}",
        old[0], old[1], old[2], fresh);
    assert_non_null(strstr(request(srv, "POST /feed/data", body), "\"accepted\": 4"));
    sleep_silent(srv);
    assert_int_equal(fleet_n_asleep(srv->fleet), 1);
    assert_non_null(strstr(request(srv, "GET /api/v1/servers/gone", ""), "HTTP/1.1 404 "));
    assert_non_null(strstr(request(srv, "GET /api/v1/history/records?server=gone", ""), "\"total\": 3"));
    snprintf(body, sizeof body, "{\"records\": [{\"timestamp\": \"%s\", \"server_name\": \"new\", \"cpu_pct\": 10}]}",
             fresh);
    assert_non_null(strstr(request(srv, "POST /feed/data", body), "\"accepted\": 1")); // its place
    snprintf(
        body, sizeof body,
        "{\"records\": [{\"timestamp\": \"%s\", \"server_name\": \"gone\", \"cpu_pct\": 10}, {\"timestamp\": \"%s\", "
        "\"server_name\": \"here\", \"cpu_pct\": 10, \"mem_pct\": 20}]}",
        fresh, fresh);
    const char *reply = request(srv, "POST /feed/data", body);
    assert_non_null(strstr(reply, "\"accepted\": 1, \"filled\": 1"));
    assert_non_null(strstr(reply, "\"rejected\": 1"));
    assert_non_null(strstr(reply, "too_many_servers"));
    assert_non_null(strstr(request(srv, "POST /api/v1/records?atomic=true", body), "HTTP/1.1 422 "));
    server_close(srv); // over a restart, too: it is asleep before anything of it is read
    srv = start(&o);
    assert_int_equal(fleet_n_asleep(srv->fleet), 1);
    assert_non_null(strstr(request(srv, "DELETE /api/v1/servers/new", ""), "HTTP/1.1 204 "));
    reply = request(srv, "POST /feed/data", body);
    assert_non_null(strstr(reply, "\"accepted\": 1, \"filled\": 0, \"duplicates\": 1"));
    assert_non_null(strstr(reply, "\"servers_tracked\": 2"));
    assert_non_null(strstr(request(srv, "GET /api/v1/servers/gone", ""), "\"records\": 4"));
    tft_series steps;
    tft_series_init(&steps, srv->contract.n_metrics, 0);
    assert_int_equal(
        fleet_copy_steps(srv->fleet, fleet_find(srv->fleet, "gone", 4), INT64_MIN, INT64_MAX, &steps, NULL), TFT_OK);
    assert_true(steps.values[0] == 43.0f); // the oldest of the three, two hours ago
    assert_true(steps.n_steps >= 24);
    tft_series_free(&steps);
    server_close(srv);
}

static void a_model_that_fails_falls_back_and_says_so(void **state)
{
    (void)state;
    add_model("tft_model_20250101_000000", true);
    const server_options o = options_for_test();
    server *const srv = start(&o);
    const int64_t now = tft_wall_ms();
    for (int batch = 0; batch < 2; batch++) {
        tft_text body = tft_text_new(1 << 20);
        for (int i = 0; i < 100; i++) {
            char stamp[TFT_TIME_TEXT];
            tft_time_format_ms(now - (batch * 100 + i) * 5000, stamp);
            tft_text_printf(&body, "%s{\"timestamp\": \"%s\", \"server_name\": \"a\", \"cpu_pct\": 40}",
                            i > 0 ? ", " : "{\"records\": [", stamp);
        }
        tft_text_puts(&body, "]}");
        assert_non_null(strstr(request(srv, "POST /feed/data", body.bytes), "\"accepted\": 100"));
        tft_text_free(&body);
    }
    wait_for_log("[WARNING] TFT prediction failed, falling back to heuristic: ");
    const char *const reply = request(srv, "GET /predictions/current?horizon_steps=1", "");
    assert_non_null(strstr(reply, "\"model_type\": \"heuristic\""));
    assert_non_null(strstr(reply, "\"cpu_percent\""));
    assert_null(strstr(reply, "memory_percent")); // never reported: left out
    server_close(srv);
}

static void draining_is_told_and_refuses_records(void **state)
{
    (void)state;
    const server_options o = options_for_test();
    server *const srv = start(&o);
    const char *reason;
    assert_null(server_unwell(srv, &reason));
    assert_non_null(strstr(request(srv, "GET /health", ""), "HTTP/1.1 200 "));
    srv->phase = SERVER_DRAINING;
    assert_non_null(strstr(request(srv, "GET /health", ""), "503"));
    assert_non_null(strstr(request(srv, "GET /health", ""), "\"status\": \"draining\""));
    const char *const reply = request(srv, "POST /feed/data", "{\"records\": []}");
    assert_non_null(strstr(reply, "HTTP/1.1 503 "));
    assert_non_null(strstr(reply, "Retry-After: "));
    srv->phase = SERVER_STARTING;
    assert_non_null(strstr(request(srv, "GET /health", ""), "\"status\": \"starting\""));
    server_close(srv);
}

static void a_completed_record_changes_only_what_was_missing(void **state)
{
    (void)state;
    const server_options o = options_for_test();
    server *const srv = start(&o);
    char body[400], stamp[TFT_TIME_TEXT];
    tft_time_format_ms(tft_wall_ms() - 1000, stamp);
    snprintf(body, sizeof body, "{\"records\": [{\"timestamp\": \"%s\", \"server_name\": \"a\", \"cpu_pct\": 40}]}",
             stamp);
    request(srv, "POST /feed/data", body);
    snprintf(body, sizeof body,
             "{\"records\": [{\"timestamp\": \"%s\", \"server_name\": \"a\", \"cpu_pct\": 99, \"mem_pct\": 50}]}",
             stamp);
    const char *const reply = request(srv, "POST /feed/data", body);
    assert_non_null(strstr(reply, "\"accepted\": 1, \"filled\": 1, \"duplicates\": 0, \"conflicts\": 1"));
    fleet_read_lock(srv->fleet);
    const fleet_server *const a = fleet_at(srv->fleet, 0);
    assert_true(a->newest[0] == 40);
    assert_true(a->newest[1] == 50);
    assert_int_equal(a->records, 1);
    fleet_read_unlock(srv->fleet);
    tft_series steps;
    tft_series_init(&steps, srv->contract.n_metrics, 0);
    assert_int_equal(fleet_copy_steps(srv->fleet, 0, INT64_MIN, INT64_MAX, &steps, NULL), TFT_OK);
    assert_true(steps.values[0] == 40.0f);
    tft_series_free(&steps);
    server_close(srv);
}

static void addresses_are_read_strictly(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:8000", "0.0.0.0:0", "[::1]:65535", "[2001:db8::1]:1", "localhost:80"};
    static const char *const bad[] = {"",
                                      ":",
                                      "8000",
                                      ":8000",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:8a",
                                      "::1:8000",
                                      "[::1]",
                                      "[::1]8000",
                                      "[127.0.0.1]:1",
                                      "example:1",
                                      "127.0.0.1:-1",
                                      "1.2.3:4"};
    char host[64];
    uint16_t port;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(http_address_parse(good[i], host, &port));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (http_address_parse(bad[i], host, &port))
            fail_msg("\"%s\" was taken", bad[i]);
    }
    assert_true(http_address_is_loopback("127.0.0.1"));
    assert_true(http_address_is_loopback("::1"));
    assert_false(http_address_is_loopback("0.0.0.0"));
    assert_false(http_address_is_loopback("10.0.0.1"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folders, remove_folders)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_newest_valid_model_is_served_and_a_broken_one_is_named),
        TEST(a_newer_model_is_taken_when_it_appears),
        TEST(a_model_that_fails_falls_back_and_says_so),
        TEST(a_model_promoted_while_it_becomes_a_shadow_runs_once),
        TEST(a_choice_that_cannot_be_read_for_a_moment_holds_on),
        TEST(a_model_of_other_metrics_serves_by_force_from_the_next_start_on),
        TEST(a_server_that_comes_back_has_its_history_again),
        TEST(draining_is_told_and_refuses_records),
        TEST(a_completed_record_changes_only_what_was_missing),
        cmocka_unit_test(addresses_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
