/* cmd_validate.c - tftd validate FILE: is this CSV fit for training? (CONTRACT 1.8)
 *
 * The work is in series/validate.c; here a report becomes text or JSON, and an exit code: 0 fit, 1 errors (with --strict:
 * or warnings), 4 not readable as CSV.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "series/validate.h"

#define MAX_REPORT_BYTES ((size_t)4 << 20)

static const char *time_text(int64_t ms, char *out)
{
    tft_time_format_s(ms, out);
    return out;
}

static void print_examples(const tft_remark *r)
{
    for (size_t i = 0; i < r->n_examples; i++) {
        printf(i == 0 ? ", e.g. line %zu" : ", line %zu", r->examples[i].line);
        if (r->examples[i].value[0] != '\0')
            printf(" \"%s\"", r->examples[i].value);
    }
}

static void print_text(const char *path, const tft_contract *contract, const tft_validation *report)
{
    char first[TFT_TIME_TEXT], last[TFT_TIME_TEXT];
    printf("%s: %zu rows, %zu servers", path, report->n_rows, report->n_servers);
    if (report->any_time)
        printf(", %s to %s", time_text(report->first_ms, first), time_text(report->last_ms, last));
    printf("\n\n%-24s %12s %12s %14s %14s\n", "column", "values", "missing", "min", "max");
    for (size_t m = 0; m < report->n_metrics; m++) {
        if (!report->metrics[m].present)
            printf("%-24s %12s\n", contract->metrics[m].name, "no column");
        else if (report->metrics[m].n_values == 0)
            printf("%-24s %12d %12zu\n", contract->metrics[m].name, 0, report->metrics[m].n_missing);
        else
            printf("%-24s %12zu %12zu %14.6g %14.6g\n", contract->metrics[m].name, report->metrics[m].n_values,
                   report->metrics[m].n_missing, report->metrics[m].min, report->metrics[m].max);
    }
    printf("\n");
    for (int errors = 1; errors >= 0; errors--) {
        for (size_t i = 0; i < report->n_remarks; i++) {
            const tft_remark *const r = &report->remarks[i];
            if (r->is_error != (errors == 1))
                continue;
            printf("%s %s%s%s", r->is_error ? "ERROR  " : "WARNING", r->column, r->column[0] != '\0' ? ": " : "",
                   r->text);
            if (r->count > 1)
                printf(" (%zu)", r->count);
            print_examples(r);
            printf("\n");
        }
    }
    printf("%s%zu errors, %zu warnings\n", report->n_remarks > 0 ? "\n" : "", report->n_errors, report->n_warnings);
}

static void json_time(tft_text *out, const tft_validation *report, int64_t ms)
{
    char text[TFT_TIME_TEXT];
    if (report->any_time)
        tft_text_printf(out, "\"%s\"", time_text(ms, text));
    else
        tft_text_puts(out, "null");
}

static void json_columns(tft_text *out, const tft_contract *contract, const tft_validation *report)
{
    tft_text_puts(out, "\"columns\": [");
    for (size_t m = 0; m < report->n_metrics; m++) {
        const bool any = report->metrics[m].n_values > 0;
        tft_text_printf(out, "%s{\"name\": ", m > 0 ? ", " : "");
        tft_text_json_string(out, contract->metrics[m].name, strlen(contract->metrics[m].name));
        tft_text_printf(out, ", \"present\": %s, \"values\": %zu, \"missing\": %zu, \"min\": ",
                        report->metrics[m].present ? "true" : "false", report->metrics[m].n_values,
                        report->metrics[m].n_missing);
        tft_text_json_number(out, any ? report->metrics[m].min : (double)NAN);
        tft_text_puts(out, ", \"max\": ");
        tft_text_json_number(out, any ? report->metrics[m].max : (double)NAN);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "], \"states\": {");
    for (int s = TFT_STATE_CRITICAL_ISSUE; s < TFT_N_STATES; s++)
        tft_text_printf(out, "%s\"%s\": %zu", s > 1 ? ", " : "", tft_state_name((tft_state)s), report->n_states[s]);
    tft_text_puts(out, "}");
}

static void json_remark(tft_text *out, const tft_remark *r)
{
    tft_text_printf(out, "{\"severity\": \"%s\", \"code\": \"%s\", \"column\": ", r->is_error ? "error" : "warning",
                    r->code);
    if (r->column[0] != '\0')
        tft_text_json_string(out, r->column, strlen(r->column));
    else
        tft_text_puts(out, "null");
    tft_text_printf(out, ", \"count\": %zu, \"message\": ", r->count);
    tft_text_json_string(out, r->text, strlen(r->text));
    tft_text_puts(out, ", \"examples\": [");
    for (size_t i = 0; i < r->n_examples; i++) {
        tft_text_printf(out, "%s{\"line\": %zu, \"value\": ", i > 0 ? ", " : "", r->examples[i].line);
        tft_text_json_string(out, r->examples[i].value, strlen(r->examples[i].value));
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "]}");
}

static void print_json(const char *path, const tft_contract *contract, const tft_validation *report, bool fit)
{
    tft_text out = tft_text_new(MAX_REPORT_BYTES);
    tft_text_puts(&out, "{\"file\": ");
    tft_text_json_string(&out, path, strlen(path));
    tft_text_printf(&out, ", \"valid\": %s, \"contract_version\": \"%s\", \"rows\": %zu, \"servers\": %zu, \"first\": ",
                    fit ? "true" : "false", contract->version, report->n_rows, report->n_servers);
    json_time(&out, report, report->first_ms);
    tft_text_puts(&out, ", \"last\": ");
    json_time(&out, report, report->last_ms);
    tft_text_puts(&out, ", ");
    json_columns(&out, contract, report);
    tft_text_printf(&out, ", \"errors\": %zu, \"warnings\": %zu, \"remarks\": [", report->n_errors, report->n_warnings);
    for (size_t i = 0; i < report->n_remarks; i++) {
        tft_text_puts(&out, i > 0 ? ", " : "");
        json_remark(&out, &report->remarks[i]);
    }
    tft_text_puts(&out, "]}");
    puts(out.bytes != NULL ? out.bytes : "{}");
    tft_text_free(&out);
}

int cmd_validate(int argc, char **argv)
{
    bool strict = false, json = false;
    flag_list files = {0};
    const flag flags[] = {{"--strict", NULL, "warnings fail, too", FLAG_SWITCH, &strict},
                          {"--json", NULL, "for machines", FLAG_SWITCH, &json},
                          {0}};
    const flag_page page = {
        "tftd validate [--strict] [--json] FILE",
        "Holds a CSV file (plain, .gz, .xz, .zst; - is standard input) against the data contract and "
        "reports, per column,\nwhat is missing, out of range, unknown, out of order or repeated. Exit "
        "code 0: fit for training, 1: errors found,\n4: not readable as CSV.",
        "tftd validate history.csv\ntftd generate --days 3 -o - | tftd validate --json -"};
    const int code = flags_parse(argc, argv, &page, flags, &files);
    if (code >= 0)
        return code;
    if (files.n != 1) {
        fprintf(stderr, "tftd validate: one FILE is needed, got %zu\n", files.n);
        return EXIT_USAGE;
    }
    const tft_contract contract = tft_contract_default();
    tft_validation *const report = malloc(sizeof *report);
    if (report == NULL) {
        fprintf(stderr, "tftd validate: no memory\n");
        return EXIT_FAILED;
    }
    tft_error err = {0};
    int result = EXIT_DONE;
    if (tft_validate_csv(&contract, files.items[0], tft_wall_ms(), report, &err) != TFT_OK) {
        fprintf(stderr, "tftd validate: %s\n", err.text);
        result = err.status == TFT_ERR_MEMORY ? EXIT_FAILED : EXIT_DATA;
    } else {
        const bool fit = report->n_errors == 0 && (!strict || report->n_warnings == 0);
        if (json)
            print_json(files.items[0], &contract, report, fit);
        else
            print_text(files.items[0], &contract, report);
        result = fit ? EXIT_DONE : EXIT_FAILED;
    }
    free(report);
    return result;
}
