/* validate.c - see validate.h. One pass: each row adds to the counts, what depends on shares is said at the end. */
#include "series/validate.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "series/csv.h"
#include "series/names.h"
#include "series/record.h"
#include "series/times.h"

#define MAX_MISSING_SHARE 0.05
#define MIN_STATE_SHARE 0.001
#define MAX_PINNED_SHARE 0.05
#define PINNED_CPU 99.9

typedef struct validating {
    const tft_contract *contract;
    tft_validation *report;
    tft_csv csv;
    tft_record_limits limits;
    size_t n_columns;
    int time, server, state, profile, metrics[TFT_MAX_METRICS];
    tft_names names;
    tft_times *times; // [names.capacity]
    int64_t *newest;  // [names.capacity]
    size_t servers_capacity;
    size_t n_pinned; // cells of cpu_pct above 99.9
} validating;

/* The remark of this kind and column, made if it is the first of its kind. NULL when there are too many kinds. */
static tft_remark *remark_of(tft_validation *report, bool is_error, const char *code, const char *column)
{
    for (size_t i = 0; i < report->n_remarks; i++) {
        tft_remark *const r = &report->remarks[i];
        if (strcmp(r->code, code) == 0 && strcmp(r->column, column) == 0)
            return r;
    }
    if (report->n_remarks == TFT_MAX_REMARKS)
        return NULL;
    tft_remark *const r = &report->remarks[report->n_remarks++];
    *r = (tft_remark){.is_error = is_error};
    snprintf(r->code, sizeof r->code, "%s", code);
    snprintf(r->column, sizeof r->column, "%s", column);
    *(is_error ? &report->n_errors : &report->n_warnings) += 1;
    return r;
}

static void add_example(tft_remark *r, size_t line, const char *text, size_t n)
{
    if (r == NULL || r->n_examples == TFT_MAX_EXAMPLES)
        return;
    char quoted[TFT_QUOTED_TEXT];
    tft_fault_quote(text, n < 60 ? n : 60, quoted);
    tft_remark_example *const example = &r->examples[r->n_examples++];
    example->line = line;
    size_t fits = strlen(quoted) < sizeof example->value ? strlen(quoted) : sizeof example->value - 1;
    while (fits > 0 && fits < strlen(quoted) && ((unsigned char)quoted[fits] & 0xc0) == 0x80)
        fits--; // not in the middle of a character
    memcpy(example->value, quoted, fits);
    example->value[fits] = '\0';
}

static void set_text(tft_remark *r, const char *format, ...) TFT_PRINTF(2, 3);
static void set_text(tft_remark *r, const char *format, ...)
{
    if (r == NULL)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(r->text, sizeof r->text, format, args);
    va_end(args);
}

/* One more cell or row of this kind; the first one's sentence is kept. */
static void count_remark(validating *v, bool is_error, const char *code, const char *column, const char *text,
                         const char *cell, size_t n)
{
    tft_remark *const r = remark_of(v->report, is_error, code, column);
    if (r == NULL)
        return;
    if (r->count++ == 0)
        set_text(r, "%s", text);
    add_example(r, v->csv.line, cell, n);
}

/* ---- the header --------------------------------------------------------------------------------------------------- */

static void missing_column(validating *v, bool is_error, const char *column, const char *text)
{
    tft_remark *const r = remark_of(v->report, is_error, "missing_column", column);
    if (r != NULL)
        r->count = 1;
    set_text(r, "%s", text);
}

static void read_columns(validating *v)
{
    const tft_csv *const csv = &v->csv;
    v->n_columns = csv->n_fields;
    v->time = tft_csv_column(csv, "timestamp");
    if (v->time < 0)
        v->time = tft_csv_column(csv, "date");
    v->server = tft_csv_column(csv, "server_name");
    v->state = v->contract->has_state ? tft_csv_column(csv, "state") : -1;
    v->profile = v->contract->has_profile ? tft_csv_column(csv, "profile") : -1;
    if (v->time < 0)
        missing_column(v, true, "timestamp", "the column is missing; nothing can be placed in time");
    if (v->server < 0)
        missing_column(v, true, "server_name", "the column is missing; all rows would be one server");
    bool any = false;
    v->report->n_metrics = v->contract->n_metrics;
    for (size_t m = 0; m < v->contract->n_metrics; m++) {
        v->metrics[m] = tft_csv_column(csv, v->contract->metrics[m].name);
        v->report->metrics[m].present = v->metrics[m] >= 0;
        any = any || v->metrics[m] >= 0;
    }
    for (size_t m = 0; m < v->contract->n_metrics; m++) {
        if (v->metrics[m] < 0)
            missing_column(v, !any, v->contract->metrics[m].name,
                           any ? "the column is missing; the metric will not be forecast"
                               : "the column is missing, and so are all other metrics");
    }
    if (v->state < 0 && v->contract->has_state)
        missing_column(v, false, "state", "the column is missing; states are derived, incidents are not learned");
}

/* ---- rows --------------------------------------------------------------------------------------------------------- */

static void check_metric(validating *v, size_t m, bool may_miss)
{
    const tft_metric *const metric = &v->contract->metrics[m];
    const tft_csv_field *const cell = &v->csv.fields[v->metrics[m]];
    double value;
    tft_fault fault;
    if (tft_csv_missing(cell->text, cell->n)) {
        v->report->metrics[m].n_missing += !may_miss;
        return;
    }
    if (!tft_csv_number(cell->text, cell->n, &value)) {
        count_remark(v, true, "wrong_type", metric->name, "not a number", cell->text, cell->n);
        return;
    }
    if (!tft_metric_accepts(metric, value, &fault)) {
        char text[160];
        if (fault.code == TFT_FAULT_NOT_FINITE)
            snprintf(text, sizeof text, "not a finite number");
        else
            snprintf(text, sizeof text, "outside %.10g to %.10g %s", metric->min, metric->max, metric->unit);
        count_remark(v, true, tft_fault_word(fault.code), metric->name, text, cell->text, cell->n);
        return;
    }
    if (v->report->metrics[m].n_values++ == 0)
        v->report->metrics[m].min = v->report->metrics[m].max = value;
    v->report->metrics[m].min = fmin(v->report->metrics[m].min, value);
    v->report->metrics[m].max = fmax(v->report->metrics[m].max, value);
    v->n_pinned += strcmp(metric->name, "cpu_pct") == 0 && value > PINNED_CPU;
}

static tft_state check_state(validating *v)
{
    if (v->state < 0)
        return TFT_STATE_NONE;
    const tft_csv_field *const cell = &v->csv.fields[v->state];
    if (cell->n == 0)
        return TFT_STATE_NONE;
    const int found = tft_state_find(cell->text, cell->n);
    if (found < 0)
        count_remark(v, true, "unknown_state", "state", "not one of the eight states", cell->text, cell->n);
    return found < 0 ? TFT_STATE_NONE : (tft_state)found;
}

/* The row's instant; false where it has none that can be used. */
static bool check_time(validating *v, int64_t *ms)
{
    const tft_csv_field *const cell = &v->csv.fields[v->time];
    if (!tft_time_parse(cell->text, cell->n, ms)) {
        count_remark(v, true, "bad_timestamp", "timestamp", "not an ISO 8601 date and time", cell->text, cell->n);
        return false;
    }
    tft_fault fault;
    if (!tft_record_time_ok(&v->limits, *ms, &fault)) {
        const bool future = fault.code == TFT_FAULT_IN_FUTURE;
        count_remark(v, true, tft_fault_word(fault.code), "timestamp",
                     future ? "more than 5 minutes in the future" : "before 2000-01-01", cell->text, cell->n);
        return false;
    }
    tft_validation *const r = v->report;
    r->first_ms = !r->any_time || *ms < r->first_ms ? *ms : r->first_ms;
    r->last_ms = !r->any_time || *ms > r->last_ms ? *ms : r->last_ms;
    r->any_time = true;
    return true;
}

static tft_status reserve_servers(validating *v, tft_error *err)
{
    if (v->names.n <= v->servers_capacity)
        return TFT_OK;
    const size_t capacity = v->names.capacity;
    tft_times *const times = realloc(v->times, capacity * sizeof *times);
    if (times != NULL)
        v->times = times;
    int64_t *const newest = realloc(v->newest, capacity * sizeof *newest);
    if (newest != NULL)
        v->newest = newest;
    if (times == NULL || newest == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu servers", capacity);
    for (size_t i = v->servers_capacity; i < capacity; i++) {
        v->times[i] = (tft_times){0};
        v->newest[i] = INT64_MIN;
    }
    v->servers_capacity = capacity;
    return TFT_OK;
}

/* Order and repetition of the row's key. */
static tft_status check_key(validating *v, const tft_csv_field *name, int64_t ms, bool has_time, tft_error *err)
{
    size_t server;
    tft_fault fault;
    if (!tft_record_name_ok(name->text, name->n, &fault)) {
        count_remark(v, true, "bad_name", "server_name", fault.reason, name->text, name->n);
        return TFT_OK;
    }
    tft_status status = tft_names_add(&v->names, name->text, name->n, &server, err);
    if (status == TFT_OK)
        status = reserve_servers(v, err);
    if (status != TFT_OK || !has_time)
        return status;
    bool is_new;
    status = tft_times_add(&v->times[server], ms, &is_new, err);
    if (status != TFT_OK)
        return status;
    char key[TFT_TIME_TEXT + 2 + TFT_MAX_SERVER_NAME];
    const size_t at = tft_time_format_s(ms, key);
    snprintf(key + at, sizeof key - at, " %.*s", (int)name->n, name->text);
    if (!is_new)
        count_remark(v, false, "duplicate_key", "", "server and timestamp were there before; the first row counts", key,
                     strlen(key));
    else if (ms < v->newest[server])
        count_remark(v, false, "out_of_order", "", "older than the server's row before it", key, strlen(key));
    v->newest[server] = ms > v->newest[server] ? ms : v->newest[server];
    return TFT_OK;
}

static tft_status check_row(validating *v, tft_error *err)
{
    static const tft_csv_field only_server = {"server", 6};
    const tft_csv *const csv = &v->csv;
    v->report->n_rows++;
    if (csv->fault != NULL) {
        count_remark(v, true, "bad_row", "", csv->fault, "", 0);
        return TFT_OK;
    }
    if (csv->n_fields != v->n_columns) {
        char cells[40];
        snprintf(cells, sizeof cells, "%zu instead of %zu", csv->n_fields, v->n_columns);
        count_remark(v, true, "wrong_cells", "", "another number of cells than the header", cells, strlen(cells));
        return TFT_OK;
    }
    const tft_state state = check_state(v);
    v->report->n_states[state]++;
    for (size_t m = 0; m < v->contract->n_metrics; m++) {
        if (v->metrics[m] >= 0)
            check_metric(v, m, state == TFT_STATE_OFFLINE || state == TFT_STATE_MAINTENANCE);
    }
    if (v->profile >= 0) {
        const tft_csv_field *const cell = &csv->fields[v->profile];
        if (cell->n > 0 && tft_profile_find(cell->text, cell->n) < 0)
            count_remark(v, false, "unknown_profile", "profile", "not one of the seven profiles; read as generic",
                         cell->text, cell->n);
    }
    int64_t ms = 0;
    const bool has_time = v->time >= 0 && check_time(v, &ms);
    return check_key(v, v->server >= 0 ? &csv->fields[v->server] : &only_server, ms, has_time, err);
}

/* ---- the end ------------------------------------------------------------------------------------------------------ */

static void check_shares(validating *v)
{
    tft_validation *const report = v->report;
    for (size_t m = 0; m < report->n_metrics; m++) {
        const size_t missing = report->metrics[m].n_missing;
        if (!report->metrics[m].present || missing == 0)
            continue;
        const double share = (double)missing / (double)report->n_rows;
        tft_remark *const r =
            remark_of(report, share > MAX_MISSING_SHARE, "missing_cells", v->contract->metrics[m].name);
        if (r != NULL)
            r->count = missing;
        set_text(r, "%.2f %% of the cells are empty, at most %g %% may be", 100.0 * share, 100.0 * MAX_MISSING_SHARE);
    }
    const int cpu = tft_contract_find(v->contract, "cpu_pct", 7);
    if (cpu >= 0 && (double)v->n_pinned > MAX_PINNED_SHARE * (double)report->metrics[cpu].n_values) {
        tft_remark *const r = remark_of(report, false, "pinned", "cpu_pct");
        if (r != NULL)
            r->count = v->n_pinned;
        set_text(r, "%.2f %% of the values are above %g; is the machine saturated or the sender clipping?",
                 100.0 * (double)v->n_pinned / (double)report->metrics[cpu].n_values, PINNED_CPU);
    }
    if (v->state < 0 || report->n_rows == 0)
        return;
    if (report->n_states[TFT_STATE_NONE] > 0) {
        tft_remark *const r = remark_of(report, false, "missing_cells", "state");
        if (r != NULL)
            r->count = report->n_states[TFT_STATE_NONE];
        set_text(r, "%.2f %% of the cells are empty or unknown; those states are derived",
                 100.0 * (double)report->n_states[TFT_STATE_NONE] / (double)report->n_rows);
    }
    for (int s = TFT_STATE_CRITICAL_ISSUE; s < TFT_N_STATES; s++) {
        const double share = (double)report->n_states[s] / (double)report->n_rows;
        if (share >= MIN_STATE_SHARE)
            continue;
        char code[24];
        snprintf(code, sizeof code, "rare_state.%d", s); // one remark a state; cut again below
        tft_remark *const r = remark_of(report, false, code, "state");
        if (r == NULL)
            continue;
        r->count = report->n_states[s];
        snprintf(r->code, sizeof r->code, "rare_state");
        if (report->n_states[s] == 0)
            set_text(r, "%s never occurs", tft_state_name((tft_state)s));
        else
            set_text(r, "%s occurs in %.3f %% of the rows only", tft_state_name((tft_state)s), 100.0 * share);
    }
}

static tft_status read_rows(validating *v, tft_error *err)
{
    bool more;
    tft_status status = tft_csv_next(&v->csv, &more, err);
    if (status == TFT_OK && !more)
        return tft_fail(err, TFT_ERR_FORMAT, "empty: there is no header");
    if (status == TFT_OK && v->csv.fault != NULL)
        return tft_fail(err, TFT_ERR_FORMAT, "the header: %s", v->csv.fault);
    if (status != TFT_OK)
        return status;
    read_columns(v);
    for (;;) {
        status = tft_csv_next(&v->csv, &more, err);
        if (status != TFT_OK || !more)
            return status;
        status = check_row(v, err);
        if (status != TFT_OK)
            return status;
    }
}

tft_status tft_validate_csv(const tft_contract *contract, const char *path, int64_t now_ms, tft_validation *report,
                            tft_error *err)
{
    memset(report, 0, sizeof *report);
    validating *const v = calloc(1, sizeof *v);
    if (v == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a validation");
    v->contract = contract;
    v->report = report;
    v->limits = tft_record_limits_default(now_ms);
    tft_reader *reader = NULL;
    tft_status status = tft_reader_open(path, &reader, err);
    if (status == TFT_OK)
        status = tft_csv_open(reader, &v->csv, err);
    if (status == TFT_OK)
        status = read_rows(v, err);
    if (status == TFT_OK) {
        report->n_servers = v->names.n;
        if (report->n_rows == 0) {
            tft_remark *const r = remark_of(report, true, "no_rows", "");
            set_text(r, "the file has a header and no rows");
        } else {
            check_shares(v);
        }
    }
    for (size_t i = 0; i < v->servers_capacity; i++)
        tft_times_free(&v->times[i]);
    free(v->times);
    free(v->newest);
    tft_names_free(&v->names);
    tft_csv_close(&v->csv);
    free(v);
    if (status != TFT_OK)
        tft_error_prefix(err, "%s", path);
    return status;
}
