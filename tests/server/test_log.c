/* test_log.c - a line is a line, whatever text a client sent. */
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
#include "base/json.h"
#include "server/log.h"

static char path[64];
static char *text;

static log_sink *open_log(log_options options)
{
    log_sink *log = NULL;
    options.file = path;
    assert_int_equal(log_open(&options, &log, NULL), TFT_OK);
    return log;
}

static const char *written(void)
{
    size_t n;
    free(text);
    assert_int_equal(tft_file_read(path, 1 << 20, &text, &n, NULL), TFT_OK);
    return text;
}

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/tftd-log-XXXXXX");
    const int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int remove_path(void **state)
{
    (void)state;
    free(text);
    text = NULL;
    return unlink(path);
}

static void a_line_has_stamp_tag_and_text(void **state)
{
    (void)state;
    log_sink *const log = open_log((log_options){.level = LOG_LEVEL_INFO});
    log_line(log, LOG_TAG_READY, "Daemon started on %d", 8000);
    log_line(log, LOG_TAG_DEBUG, "not wanted");
    log_close(log);
    const char *const line = written();
    assert_int_equal(strlen(line), strlen("2025-10-13T16:31:15.402Z [READY] Daemon started on 8000\n"));
    assert_string_equal(line + 24, " [READY] Daemon started on 8000\n");
}

static void what_could_break_a_line_or_drive_a_terminal_is_escaped(void **state)
{
    (void)state;
    log_sink *const log = open_log((log_options){.stamps = LOG_STAMPS_NEVER});
    log_line(log, LOG_TAG_INFO, "%s", "a\nb\x1b[2Jc\x7f caf\xc3\xa9 \xe2\x82\xac \xff \xc0\xaf \xc2\x9b \xed\xa0\x80");
    log_close(log);
    assert_string_equal(
        written(),
        "[INFO] a\\x0ab\\x1b[2Jc\\x7f caf\xc3\xa9 \xe2\x82\xac \\xff \\xc0\\xaf \\xc2\\x9b \\xed\\xa0\\x80\n");
}

static void json_lines_are_json(void **state)
{
    (void)state;
    log_sink *const log = open_log((log_options){.format = LOG_FORMAT_JSON});
    log_line(log, LOG_TAG_WARNING, "say \"%s\"", "x\ny");
    log_close(log);
    const char *const line = written();
    tft_json_document document;
    assert_int_equal(tft_json_parse(line, strlen(line), 4, &document, NULL), TFT_OK);
    assert_string_equal(tft_json_string(tft_json_at(document.root, "tag"), NULL), "WARNING");
    assert_string_equal(tft_json_string(tft_json_at(document.root, "level"), NULL), "warning");
    assert_string_equal(tft_json_string(tft_json_at(document.root, "message"), NULL), "say \"x\\x0ay\"");
    tft_json_free(&document);
}

static void a_long_line_is_cut_and_ends(void **state)
{
    (void)state;
    static char endless[10000];
    memset(endless, '\x01', sizeof endless - 1);
    log_sink *const log = open_log((log_options){.stamps = LOG_STAMPS_NEVER});
    log_line(log, LOG_TAG_INFO, "%s", endless);
    log_close(log);
    const char *const line = written();
    assert_true(strlen(line) < 2100);
    assert_int_equal(line[strlen(line) - 1], '\n');
}

static void a_rotated_file_is_opened_anew(void **state)
{
    (void)state;
    log_sink *const log = open_log((log_options){.stamps = LOG_STAMPS_NEVER});
    log_line(log, LOG_TAG_INFO, "before");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(log_reopen(log, NULL), TFT_OK);
    log_line(log, LOG_TAG_INFO, "after");
    log_close(log);
    assert_string_equal(written(), "[INFO] after\n");
}

static void a_gate_lets_one_through_and_counts_the_others(void **state)
{
    (void)state;
    log_gate gate = {0};
    uint64_t held = 7;
    assert_true(log_gate_open(&gate, 0.05, &held));
    assert_int_equal(held, 0);
    assert_false(log_gate_open(&gate, 0.05, &held));
    assert_false(log_gate_open(&gate, 0.05, &held));
    usleep(60000);
    assert_true(log_gate_open(&gate, 0.05, &held));
    assert_int_equal(held, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_path, remove_path)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_has_stamp_tag_and_text), TEST(what_could_break_a_line_or_drive_a_terminal_is_escaped),
        TEST(json_lines_are_json),           TEST(a_long_line_is_cut_and_ends),
        TEST(a_rotated_file_is_opened_anew), cmocka_unit_test(a_gate_lets_one_through_and_counts_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
