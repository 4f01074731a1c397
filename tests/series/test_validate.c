/* test_validate.c - what `tftd validate` finds, and how it says so. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "series/validate.h"

#define HEADER "timestamp,server_name,cpu_pct,mem_pct,disk_io_mb_s,latency_ms,state\n"
#define NOW_MS INT64_C(1760371200000) // 2025-10-13T16:00:00Z

static char path[128];

static const char *file_of(const char *text)
{
    snprintf(path, sizeof path, "/tmp/tft-validate-%ld.csv", (long)getpid());
    assert_int_equal(tft_file_replace(path, text, strlen(text), NULL), TFT_OK);
    return path;
}

static const tft_validation *validate(const char *text)
{
    static tft_validation report;
    const tft_contract contract = tft_contract_default();
    tft_error err = {0};
    const tft_status status = tft_validate_csv(&contract, file_of(text), NOW_MS, &report, &err);
    unlink(path);
    assert_string_equal(err.text, "");
    assert_int_equal(status, TFT_OK);
    return &report;
}

static const tft_remark *find(const tft_validation *report, const char *code, const char *column)
{
    for (size_t i = 0; i < report->n_remarks; i++) {
        if (strcmp(report->remarks[i].code, code) == 0 && strcmp(report->remarks[i].column, column) == 0)
            return &report->remarks[i];
    }
    return NULL;
}

/* A file in which nothing is wrong: every state, four servers, 800 rows. */
static tft_text good_rows(void)
{
    tft_text text = tft_text_new(1 << 20);
    tft_text_puts(&text, HEADER);
    for (int i = 0; i < 800; i++) {
        char time[TFT_TIME_TEXT];
        tft_time_format_s(NOW_MS - 86400000 + i / 4 * 300000, time);
        tft_text_printf(&text, "%s,web%d,%d,%d,%.2f,%d,%s\n", time, i % 4, i % 90, i % 80, i / 10.0, i % 50,
                        tft_state_name((tft_state)(1 + i % 8)));
    }
    return text;
}

static void a_good_file_has_no_remarks(void **state)
{
    (void)state;
    tft_text text = good_rows();
    const tft_validation *const r = validate(text.bytes);
    assert_int_equal(r->n_rows, 800);
    assert_int_equal(r->n_servers, 4);
    assert_int_equal(r->n_remarks, 0);
    assert_int_equal(r->n_states[TFT_STATE_OFFLINE], 100);
    assert_true(r->metrics[0].max == 89.0 && r->metrics[0].min == 0.0);
    assert_int_equal(r->last_ms - r->first_ms, 199 * 300000);
    tft_text_free(&text);
}

static void expect(const char *row, const char *code, const char *column, bool is_error, size_t line, const char *value)
{
    tft_text text = good_rows();
    tft_text_puts(&text, row);
    const tft_validation *const report = validate(text.bytes);
    const tft_remark *const r = find(report, code, column);
    if (r == NULL)
        print_error("no remark %s on %s for %s", code, column, row);
    assert_non_null(r);
    assert_int_equal(r->is_error, is_error);
    assert_int_equal(r->count, 1);
    assert_int_equal(report->n_remarks, 1);
    assert_int_equal(report->n_errors, is_error ? 1 : 0);
    assert_int_equal(report->n_warnings, is_error ? 0 : 1);
    assert_int_equal(r->examples[0].line, line);
    assert_string_equal(r->examples[0].value, value);
    tft_text_free(&text);
}

static void every_fault_of_a_row_is_an_error_with_its_line(void **state)
{
    (void)state;
    const size_t line = 802;
    expect("2025-10-13T15:59:00Z,web0,140.2,1,1,1,idle\n", "out_of_range", "cpu_pct", true, line, "140.2");
    expect("2025-10-13T15:59:00Z,web0,1,1,-0.5,1,idle\n", "out_of_range", "disk_io_mb_s", true, line, "-0.5");
    expect("2025-10-13T15:59:00Z,web0,1,1,1,fast,idle\n", "wrong_type", "latency_ms", true, line, "fast");
    expect("2025-10-13T15:59:00Z,web0,1,1,1,1e999,idle\n", "not_finite", "latency_ms", true, line, "1e999");
    expect("13.10.2025 15:59,web0,1,1,1,1,idle\n", "bad_timestamp", "timestamp", true, line, "13.10.2025 15:59");
    expect("2025-10-13T16:05:01Z,web0,1,1,1,1,idle\n", "in_future", "timestamp", true, line, "2025-10-13T16:05:01Z");
    expect("1999-12-31T23:59:59Z,web0,1,1,1,1,idle\n", "too_old", "timestamp", true, line, "1999-12-31T23:59:59Z");
    expect("2025-10-13T15:59:00Z,   ,1,1,1,1,idle\n", "bad_name", "server_name", true, line, "   ");
    expect("2025-10-13T15:59:00Z,web0,1,1\n", "wrong_cells", "", true, line, "4 instead of 7");
    expect("2025-10-13T15:59:00Z,w\"eb0,1,1,1,1,idle\n", "bad_row", "", true, line, "");
}

static void order_and_repetition_are_warnings(void **state)
{
    (void)state;
    expect("2025-10-13T08:34:59Z,web3,1,1,1,1,idle\n", "out_of_order", "", false, 802, "2025-10-13T08:34:59Z web3");
    expect("2025-10-13T08:35:00Z,web3,1,1,1,1,idle\n", "duplicate_key", "", false, 802, "2025-10-13T08:35:00Z web3");
    expect("2025-10-13T10:35:00+02:00,web3,1,1,1,1,idle\n", "duplicate_key", "", false, 802,
           "2025-10-13T08:35:00Z web3");
}

static void an_unknown_state_is_an_error(void **state)
{
    (void)state;
    tft_text text = good_rows();
    tft_text_puts(&text, "2025-10-13T15:59:00Z,web0,1,1,1,1,Healthy\n");
    const tft_validation *const r = validate(text.bytes);
    assert_true(find(r, "unknown_state", "state")->is_error);
    assert_string_equal(find(r, "unknown_state", "state")->examples[0].value, "Healthy");
    tft_text_free(&text);
}

/* `empty` of 1000 rows without a cpu_pct. */
static const tft_validation *with_missing(int empty, const char *state)
{
    tft_text text = tft_text_new(1 << 20);
    tft_text_puts(&text, HEADER);
    for (int i = 0; i < 1000; i++) {
        char time[TFT_TIME_TEXT];
        tft_time_format_s(NOW_MS - 86400000 + i * 60000, time);
        tft_text_printf(&text, "%s,a,%s,1,1,1,%s\n", time, i < empty ? "" : "5", state);
    }
    const tft_validation *const r = validate(text.bytes);
    tft_text_free(&text);
    return r;
}

static void missing_cells_are_an_error_above_five_percent(void **state)
{
    (void)state;
    const tft_validation *r = with_missing(50, "healthy");
    assert_false(find(r, "missing_cells", "cpu_pct")->is_error);
    assert_int_equal(find(r, "missing_cells", "cpu_pct")->count, 50);
    r = with_missing(51, "healthy");
    assert_true(find(r, "missing_cells", "cpu_pct")->is_error);
    r = with_missing(500, "offline"); // a machine that is off has no values
    assert_null(find(r, "missing_cells", "cpu_pct"));
    assert_int_equal(r->metrics[0].n_values, 500);
}

static void states_that_hardly_occur_are_warnings(void **state)
{
    (void)state;
    const tft_validation *const r = with_missing(0, "healthy");
    assert_int_equal(r->n_errors, 0);
    assert_int_equal(r->n_warnings, 7); // all but healthy
    assert_string_equal(r->remarks[0].code, "rare_state");
    assert_string_equal(r->remarks[0].text, "critical_issue never occurs");
}

static void a_cpu_pinned_at_its_limit_is_a_warning(void **state)
{
    (void)state;
    for (int pinned = 5; pinned <= 6; pinned++) {
        tft_text text = tft_text_new(1 << 20);
        tft_text_puts(&text, HEADER);
        for (int i = 0; i < 100; i++) {
            char time[TFT_TIME_TEXT];
            tft_time_format_s(NOW_MS - 86400000 + i * 60000, time);
            tft_text_printf(&text, "%s,a,%s,1,1,1,healthy\n", time, i < pinned ? "100" : "99.9");
        }
        const tft_validation *const r = validate(text.bytes);
        assert_int_equal(find(r, "pinned", "cpu_pct") != NULL, pinned == 6);
        tft_text_free(&text);
    }
}

static void missing_columns_are_named(void **state)
{
    (void)state;
    const tft_validation *r = validate("cpu_pct,mem_pct\n1,2\n");
    assert_true(find(r, "missing_column", "timestamp")->is_error);
    assert_true(find(r, "missing_column", "server_name")->is_error);
    assert_false(find(r, "missing_column", "latency_ms")->is_error);
    assert_false(find(r, "missing_column", "state")->is_error);
    r = validate("timestamp,server_name,load\n2025-10-13T15:00:00Z,a,1\n");
    assert_true(find(r, "missing_column", "cpu_pct")->is_error);
    r = validate(HEADER);
    assert_true(find(r, "no_rows", "")->is_error);
}

static void at_most_three_examples_are_kept(void **state)
{
    (void)state;
    tft_text text = tft_text_new(1 << 20);
    tft_text_puts(&text, HEADER);
    for (int i = 0; i < 50; i++)
        tft_text_printf(&text, "2025-10-13T15:%02d:00Z,a,%d,1,1,1,healthy\n", i, 200 + i);
    const tft_remark *const r = find(validate(text.bytes), "out_of_range", "cpu_pct");
    assert_int_equal(r->count, 50);
    assert_int_equal(r->n_examples, 3);
    assert_int_equal(r->examples[2].line, 4);
    assert_string_equal(r->examples[2].value, "202");
    tft_text_free(&text);
}

/* Runs the program on a file of this text; its exit code, and its output in *out (free()). */
static int run(const char *flags, const char *text, char **out)
{
    char command[600];
    snprintf(command, sizeof command, "'%s' validate %s '%s' 2>/dev/null", TFTD_BINARY, flags, file_of(text));
    FILE *const pipe = popen(command, "r");
    assert_non_null(pipe);
    char *const output = calloc(1, 1 << 16);
    assert_true(fread(output, 1, (1 << 16) - 1, pipe) < (1 << 16) - 1);
    const int status = pclose(pipe);
    unlink(path);
    if (out != NULL)
        *out = output;
    else
        free(output);
    return WEXITSTATUS(status);
}

static void the_exit_code_tells_fit_unfit_and_unreadable(void **state)
{
    (void)state;
    tft_text text = good_rows();
    assert_int_equal(run("", text.bytes, NULL), 0);
    assert_int_equal(run("--strict", text.bytes, NULL), 0);
    tft_text_puts(&text, "2025-10-13T08:34:59Z,web3,1,1,1,1,idle\n");
    assert_int_equal(run("", text.bytes, NULL), 0);
    assert_int_equal(run("--strict", text.bytes, NULL), 1);
    tft_text_puts(&text, "2025-10-13T08:34:59Z,web3,101,1,1,1,idle\n");
    assert_int_equal(run("", text.bytes, NULL), 1);
    assert_int_equal(run("", "", NULL), 4);
    assert_int_equal(run("--nonsense", "", NULL), 2);
    tft_text_free(&text);
}

static void json_says_the_same_as_the_report(void **state)
{
    (void)state;
    char *out;
    tft_text text = good_rows();
    tft_text_puts(&text, "2025-10-13T15:59:00Z,web0,140.2,1,1,1,idle\n");
    assert_int_equal(run("--json", text.bytes, &out), 1);
    tft_json_document document;
    assert_int_equal(tft_json_parse(out, strlen(out), 16, &document, NULL), TFT_OK);
    bool valid = true;
    double rows = 0;
    assert_true(tft_json_bool(tft_json_at(document.root, "valid"), &valid));
    assert_false(valid);
    assert_true(tft_json_number(tft_json_at(document.root, "rows"), &rows));
    assert_true(rows == 801.0);
    const tft_json *const remark = tft_json_item(tft_json_at(document.root, "remarks"), 0);
    assert_string_equal(tft_json_string(tft_json_at(remark, "code"), NULL), "out_of_range");
    assert_string_equal(tft_json_string(tft_json_at(remark, "column"), NULL), "cpu_pct");
    assert_string_equal(tft_json_string(tft_json_at(remark, "severity"), NULL), "error");
    assert_int_equal(tft_json_length(tft_json_at(document.root, "columns")), 4);
    tft_json_free(&document);
    free(out);
    tft_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_has_no_remarks),
        cmocka_unit_test(every_fault_of_a_row_is_an_error_with_its_line),
        cmocka_unit_test(order_and_repetition_are_warnings),
        cmocka_unit_test(an_unknown_state_is_an_error),
        cmocka_unit_test(missing_cells_are_an_error_above_five_percent),
        cmocka_unit_test(states_that_hardly_occur_are_warnings),
        cmocka_unit_test(a_cpu_pinned_at_its_limit_is_a_warning),
        cmocka_unit_test(missing_columns_are_named),
        cmocka_unit_test(at_most_three_examples_are_kept),
        cmocka_unit_test(the_exit_code_tells_fit_unfit_and_unreadable),
        cmocka_unit_test(json_says_the_same_as_the_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
