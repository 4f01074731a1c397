/* cmd_evaluate.c - tftd evaluate: a model (or forecasts in a file) against the baselines, on the same origins, in one run.
 *
 * Reads flags, loads the data, lists the windows, runs score/evaluate.h and prints score/report.h.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/interrupt.h"
#include "cli/precision.h"
#include "cli/train_data.h"
#include "forecast/risk.h"
#include "score/evaluate.h"
#include "score/page.h"
#include "score/report.h"
#include "score/source_csv.h"
#include "score/source_model.h"

#define MAX_FORECAST_BYTES ((size_t)4 << 30)
#define MAX_REPORT_BYTES ((size_t)256 << 20)
#define TWO_HOURS_MS 7200000

static const flag_page page = {
    "tftd evaluate --model DIR | --forecasts FILE.csv | --baselines  [--split NAME] [--json] FILE…",
    "Walks forecast origins through CSV files (plain, .gz, .xz, .zst) and scores the forecasts after each of them "
    "against\n"
    "what came: MAE, q-risk of P50 and P90, CRPS, coverage, by metric and horizon band; incident probabilities where "
    "the\n"
    "data has labels. The baselines (last value, same time yesterday, quantiles of the last 24 h and 7 d, hour of the "
    "day,\n"
    "linear trend, Holt-Winters) run on the same origins and are scored on the same cells. docs/SCORES.md defines\n"
    "every figure. The last lines say for each metric whether every baseline is beaten.",
    "  tftd evaluate --model models/tft_model_20251101_090000 --split dev-unseen 2013-07.csv.xz 2013-08.csv.xz\n"
    "  tftd evaluate --model DIR --from 2025-10-01T00:00:00Z --servers ppdb001,ppweb002 fleet.csv\n"
    "  tftd evaluate --forecasts forecasts.csv --incidents incidents.csv fleet.csv\n"
    "  tftd evaluate --baselines --spec models/specs/ettm1.yaml ETTm1.csv.xz\n"};

typedef struct evaluate_args {
    const char *model, *baselines, *split, *servers, *by, *rule, *spec, *report, *precision;
    int64_t from, to;
    size_t every, threads;
    tft_precision multiply_in;
    bool json, quiet, alerts;
    flag_list forecasts, incidents, files;
} evaluate_args;

typedef struct job {
    const evaluate_args *args;
    const score_split *split;
    model_spec spec;
    train_data data; // without a model
    tft_dataset own; // with one
    const tft_dataset *dataset;
    tft_forecaster *forecaster;
    score_model *model;
    score_csv *csv;
    score_source source;
    bool has_source;
    score_windows windows;
    tft_incident_rule rule;
    score_result result;
    score_extras extras;
    bool has_extras;
    bool by_metric, by_horizon, by_server;
    double began_s, shown_s;
} job;

/* ---- input -------------------------------------------------------------------------------------------------------- */

static tft_status read_with_model(job *j, tft_error *err)
{
    const evaluate_args *const a = j->args;
    tft_status status = tft_forecaster_open(a->model, a->threads, &j->forecaster, err);
    if (status != TFT_OK)
        return status;
    precision_use("evaluate", a->multiply_in, j->forecaster);
    const tft_csv_columns columns = {.time = j->spec.time[0] != '\0' ? j->spec.time : NULL,
                                     .server = j->spec.server[0] != '\0' ? j->spec.server : NULL,
                                     .state = j->spec.state[0] != '\0' ? j->spec.state : NULL,
                                     .profile = j->spec.profile[0] != '\0' ? j->spec.profile : NULL};
    status = tft_dataset_open(tft_forecaster_contract(j->forecaster), &j->own, err);
    for (size_t i = 0; i < a->files.n && status == TFT_OK; i++)
        status = tft_dataset_read_csv(&j->own, a->files.items[i], &columns, err);
    if (status == TFT_OK)
        tft_dataset_sort(&j->own);
    j->dataset = &j->own;
    return status;
}

static tft_status read_data(job *j, tft_error *err)
{
    const evaluate_args *const a = j->args;
    model_spec_init(&j->spec);
    tft_status status = a->spec != NULL ? model_spec_read(a->spec, &j->spec, err) : TFT_OK;
    if (status != TFT_OK)
        return status;
    if (a->model != NULL) {
        status = read_with_model(j, err);
    } else {
        status = train_data_read(&j->spec, &a->files, &j->data, err);
        j->dataset = &j->data.dataset;
    }
    if (status != TFT_OK)
        return status;
    if (j->dataset->n_servers == 0)
        return tft_fail(err, TFT_ERR_STATE, "the files hold no server");
    if (j->dataset->n_rejected > 0)
        fprintf(stderr, "tftd evaluate: %zu of %zu rows or cells left out; first: %s\n", j->dataset->n_rejected,
                j->dataset->n_rows, j->dataset->first_fault);
    return TFT_OK;
}

static tft_status list_windows(job *j, tft_error *err)
{
    const evaluate_args *const a = j->args;
    const tft_contract *const contract = &j->dataset->contract;
    score_selection selection = {.from_ms = INT64_MIN, .to_ms = INT64_MAX};
    if (j->split != NULL)
        selection = j->split->selection;
    const bool own_origins = a->from != INT64_MIN || a->to != INT64_MAX || a->every > 0 || a->servers != NULL;
    if (a->forecasts.n > 0 && j->split == NULL && !own_origins) {
        tft_reader *reader = NULL;
        tft_status status = a->forecasts.n > 1 ? tft_fail(err, TFT_ERR_ARGUMENT,
                                                          "several --forecasts need --split, --from, --to or --every")
                                               : tft_reader_open(a->forecasts.items[0], &reader, err);
        if (status == TFT_OK)
            status = score_csv_windows(j->dataset, reader, a->forecasts.items[0], &j->windows, err);
        return status;
    }
    if (a->from != INT64_MIN)
        selection.from_ms = a->from;
    if (a->to != INT64_MAX)
        selection.to_ms = a->to;
    if (a->servers != NULL) {
        selection.servers = a->servers;
        selection.all_but_servers = false;
    }
    const int64_t two_hours = TWO_HOURS_MS / contract->step_ms;
    if (a->every > 0 || selection.every == 0)
        selection.every = a->every > 0 ? a->every : two_hours > 0 ? (size_t)two_hours : 1;
    if (j->split != NULL && selection.chosen > 0 && own_origins)
        return tft_fail(err, TFT_ERR_ARGUMENT,
                        "--split %s is a fixed list of windows: no --from, --to, --every, --servers", a->split);
    return score_windows_list(j->dataset, &selection, &j->windows, err);
}

static tft_status settle_rule(job *j, tft_error *err)
{
    const tft_contract *const contract = &j->dataset->contract;
    j->rule = contract->incident;
    if (j->args->rule != NULL)
        return score_incident_rule(j->args->rule, contract, &j->rule, err);
    if (j->split != NULL)
        return score_incident_rule(j->split->incident, contract, &j->rule, err);
    return TFT_OK;
}

static tft_status read_forecasts(job *j, tft_error *err)
{
    const evaluate_args *const a = j->args;
    tft_status status = score_csv_open(j->dataset, &j->windows, MAX_FORECAST_BYTES, &j->csv, err);
    for (size_t i = 0; i < a->forecasts.n + a->incidents.n && status == TFT_OK; i++) {
        tft_reader *reader = NULL;
        const bool quantiles = i < a->forecasts.n;
        const char *const name = quantiles ? a->forecasts.items[i] : a->incidents.items[i - a->forecasts.n];
        status = tft_reader_open(name, &reader, err);
        if (status == TFT_OK)
            status = quantiles ? score_csv_add_forecasts(j->csv, reader, name, err)
                               : score_csv_add_incidents(j->csv, reader, name, err);
    }
    if (status == TFT_OK && score_csv_skipped(j->csv) > 0)
        fprintf(stderr, "tftd evaluate: %zu rows of forecasts belong to no window that is scored\n",
                score_csv_skipped(j->csv));
    return status;
}

static tft_status settle_source(job *j, tft_error *err)
{
    tft_status status = TFT_OK;
    if (j->args->model != NULL) {
        status = score_model_open(j->forecaster, j->dataset, &j->model, err);
        if (status == TFT_OK)
            j->source = score_model_source(j->model);
    } else if (j->args->forecasts.n > 0) {
        status = read_forecasts(j, err);
        if (status == TFT_OK)
            j->source = score_csv_source(j->csv);
    }
    j->has_source = j->model != NULL || j->csv != NULL;
    return status;
}

/* ---- running -------------------------------------------------------------------------------------------------------- */

/* A line on a terminal is rewritten; in a file there is one every ten seconds. */
static bool show_progress(void *context, size_t done, size_t total)
{
    job *const j = context;
    const double now_s = tft_monotonic_s(), elapsed_s = now_s - j->began_s;
    const bool terminal = isatty(STDERR_FILENO) != 0;
    if (!j->args->quiet && now_s - j->shown_s >= (terminal ? 0.2 : 10.0)) {
        j->shown_s = now_s;
        fprintf(stderr, "%s%zu of %zu windows, %.0f %%, %.0f s left%s", terminal ? "\r\033[K" : "tftd evaluate: ", done,
                total, 100.0 * (double)done / (double)total, elapsed_s * (double)(total - done) / (double)done,
                terminal ? "" : "\n");
    }
    if (!j->args->quiet && terminal && done == total)
        fprintf(stderr, "\r\033[K");
    return !interrupt_asked();
}

static tft_status write_page(const job *j, const score_report *report, tft_text *text, tft_error *err)
{
    score_page(report, j->dataset, report->extras, text);
    if (text->failed)
        return tft_fail(err, TFT_ERR_LIMIT, "the page is longer than %zu MiB", MAX_REPORT_BYTES >> 20);
    return tft_file_replace(j->args->report, text->bytes, text->n, err);
}

static tft_status print_report(job *j, tft_error *err)
{
    const score_report report = {
        .extras = j->has_extras ? &j->extras : NULL,
        .result = &j->result,
        .contract = &j->dataset->contract,
        .windows = &j->windows,
        .server_names = j->dataset->names,
        .title = j->split != NULL ? j->split->name : j->args->files.items[0],
        .model = j->forecaster != NULL ? tft_forecaster_name(j->forecaster) : NULL,
        .precision = precision_worth_telling(j->forecaster),
        .by_metric = j->by_metric,
        .by_horizon = j->by_horizon,
        .by_server = j->by_server,
    };
    tft_text text = tft_text_new(MAX_REPORT_BYTES);
    if (j->args->json)
        score_report_json(&report, &text);
    else
        score_report_text(&report, &text);
    tft_status status = TFT_OK;
    if (text.failed)
        status = tft_fail(err, TFT_ERR_LIMIT, "the report is longer than %zu MiB", MAX_REPORT_BYTES >> 20);
    else if (fwrite(text.bytes, 1, text.n, stdout) != text.n || fflush(stdout) != 0)
        status = tft_fail(err, TFT_ERR_IO, "cannot write to standard output");
    tft_text_clear(&text);
    if (status == TFT_OK && j->args->report != NULL)
        status = write_page(j, &report, &text, err);
    tft_text_free(&text);
    return status;
}

/* The daemon's own thresholds of the metric that alerts are about. */
static void settle_alert_levels(const job *j, double levels[2])
{
    const tft_contract *const contract = &j->dataset->contract;
    risk_settings *const risk = malloc(sizeof *risk);
    levels[0] = levels[1] = (double)NAN;
    if (risk == NULL)
        return; // the rows of the thresholds are left out then
    risk_settings_default(contract, risk);
    const risk_threshold t = risk->thresholds[TFT_PROFILE_GENERIC][score_alert_metric(contract, &j->rule)];
    levels[0] = t.warning;
    levels[1] = t.critical;
    free(risk);
}

static tft_status evaluate(job *j, tft_error *err)
{
    tft_status status = read_data(j, err);
    if (status == TFT_OK)
        status = list_windows(j, err);
    if (status == TFT_OK)
        status = settle_rule(j, err);
    if (status == TFT_OK)
        status = settle_source(j, err);
    if (status != TFT_OK)
        return status;
    j->began_s = j->shown_s = tft_monotonic_s();
    score_evaluation evaluation = {
        .dataset = j->dataset,
        .windows = &j->windows,
        .source = j->has_source ? &j->source : NULL,
        .rule = &j->rule,
        .prior = j->split != NULL && j->args->rule == NULL ? j->split->base_rate : NULL,
        .fleet = j->forecaster != NULL ? tft_forecaster_fleet(j->forecaster) : NULL,
        .alerts = j->args->alerts || j->args->report != NULL,
        .details = j->args->report != NULL,
        .n_threads = j->args->threads,
        .progress = show_progress,
        .progress_context = j,
    };
    if (evaluation.alerts)
        settle_alert_levels(j, evaluation.alert_levels);
    status = score_evaluate(&evaluation, &j->result, err);
    if (status == TFT_OK && j->args->report != NULL && j->model != NULL) {
        status = score_extras_make(&evaluation, &j->result, j->forecaster, j->model, &j->extras, err);
        j->has_extras = status == TFT_OK;
    }
    return status == TFT_OK ? print_report(j, err) : status;
}

static void give_back(job *j)
{
    score_extras_free(&j->extras);
    score_result_free(&j->result);
    score_csv_close(j->csv);
    score_model_close(j->model);
    score_windows_free(&j->windows);
    tft_forecaster_close(j->forecaster);
    tft_dataset_close(&j->own);
    train_data_free(&j->data);
}

/* ---- the command ---------------------------------------------------------------------------------------------------- */

static int wrong(const char *text, const char *value)
{
    fprintf(stderr, "tftd evaluate: ");
    fprintf(stderr, "%s%s%.100s%s; `tftd help evaluate` shows how\n", text, value[0] != '\0' ? " \"" : "", value,
            value[0] != '\0' ? "\"" : "");
    return EXIT_USAGE;
}

/* "metric,horizon": what the tables are split by. */
static bool parse_by(const char *text, job *j)
{
    j->by_metric = j->by_horizon = text == NULL;
    for (const char *at = text; at != NULL && *at != '\0';) {
        const size_t n = strcspn(at, ",");
        if (n == 6 && strncmp(at, "metric", n) == 0)
            j->by_metric = true;
        else if (n == 7 && strncmp(at, "horizon", n) == 0)
            j->by_horizon = true;
        else if (n == 6 && strncmp(at, "server", n) == 0)
            j->by_server = j->by_metric = true;
        else
            return false;
        at += n;
        at += *at == ',';
    }
    return true;
}

static int check(const evaluate_args *a, job *j)
{
    const int n_sources = (a->model != NULL) + (a->forecasts.n > 0) + (a->baselines != NULL);
    if (n_sources != 1)
        return wrong(n_sources == 0 ? "one of --model, --forecasts, --baselines is needed"
                                    : "only one of --model, --forecasts, --baselines is possible",
                     "");
    if (a->baselines != NULL && a->baselines[0] != '\0' && strcmp(a->baselines, "only") != 0)
        return wrong("--baselines takes no value, not", a->baselines);
    if (a->incidents.n > 0 && a->forecasts.n == 0)
        return wrong("--incidents goes with --forecasts", "");
    if (a->files.n == 0)
        return wrong("no FILE", "");
    if (a->split != NULL && (j->split = score_split_find(a->split)) == NULL)
        return wrong("--split must be dev-unseen, dev-later, dev-unseen-anchor or dev-later-anchor, not", a->split);
    if (!parse_by(a->by, j))
        return wrong("--by takes metric, horizon and server, not", a->by);
    return -1;
}

int cmd_evaluate(int argc, char **argv)
{
    evaluate_args a = {.from = INT64_MIN, .to = INT64_MAX};
    const flag flags[] = {
        {"--model", "DIR", "a model directory", FLAG_TEXT, &a.model},
        {"--forecasts", "FILE.csv", "score these instead of a model: rows as `tftd forecast` writes them", FLAG_LIST,
         &a.forecasts},
        {"--incidents", "FILE.csv", "incident probabilities that go with --forecasts", FLAG_LIST, &a.incidents},
        {"--baselines", "only", "the baselines alone", FLAG_OPTIONAL_TEXT, &a.baselines},
        {"--split", "NAME", "dev-unseen, dev-later, and …-anchor: the windows of the Bitbrains study", FLAG_TEXT,
         &a.split},
        {"--servers", "SET", "names a,b,c, or 3/5x20: block 3 of 5 in blocks of 20 by number", FLAG_TEXT, &a.servers},
        {"--from", "TIME", "first origin (default: the start of the data)", FLAG_TIME, &a.from},
        {"--to", "TIME", "all targets start before it (default: the end of the data)", FLAG_TIME, &a.to},
        {"--every", "STEPS", "from one origin to the next (default: two hours)", FLAG_SIZE, &a.every},
        {"--by", "LIST", "metric,horizon,server: what tables are split by (metric,horizon)", FLAG_TEXT, &a.by},
        {"--incident-rule", "RULE", "cpu_pct>=90x3, or state (default: the model's, the split's)", FLAG_TEXT, &a.rule},
        {"--spec", "MODEL.yaml", "columns and, without a model, metrics, step and horizon, as for train", FLAG_TEXT,
         &a.spec},
        {"--threads", "N", "0 = all cores (0)", FLAG_SIZE, &a.threads},
        {"--precision", "WORD", PRECISION_FLAG_HELP, FLAG_TEXT, &a.precision},
        {"--alerts", NULL, "what alerts are worth: precision, recall, false ones, lead time, beside simple rules",
         FLAG_SWITCH, &a.alerts},
        {"--report", "FILE.html", "also write one page with tables and charts, with everything in it", FLAG_TEXT,
         &a.report},
        {"--json", NULL, "for machines", FLAG_SWITCH, &a.json},
        {"--quiet", NULL, "no progress", FLAG_SWITCH, &a.quiet},
        {"-q", NULL, "the same", FLAG_SWITCH, &a.quiet},
        {0}};
    int code = flags_parse(argc, argv, &page, flags, &a.files);
    if (code >= 0)
        return code;
    job *const j = calloc(1, sizeof *j);
    if (j == NULL)
        return EXIT_FAILED;
    j->args = &a;
    code = check(&a, j);
    if (code < 0 && !precision_read("evaluate", a.precision, &a.multiply_in))
        code = EXIT_USAGE;
    if (code < 0) {
        tft_error err = {0};
        interrupt_listen();
        const tft_status status = evaluate(j, &err);
        if (status != TFT_OK)
            fprintf(stderr, "tftd evaluate: %s\n", err.text);
        code = command_exit_code(status);
        give_back(j);
    }
    free(j);
    return code;
}
