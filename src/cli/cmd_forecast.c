/* cmd_forecast.c - tftd forecast: a model and CSV files to a CSV of quantiles, origin by origin.
 *
 *     origin,server_name,metric,timestamp,q0.02,q0.1,…        one row per origin, server, metric and horizon step
 *     origin,server_name,p_30m,p_1h,p_2h,p_4h,p_8h            --incidents-out
 *
 * Origins and timestamps are labels of steps: a forecast at origin T has read the step that starts at T, and its first row
 * is stamped one step later. Requests go through the model in chunks, and rows are written as they come, so that memory
 * does not grow with the number of origins.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/interrupt.h"
#include "cli/out_file.h"
#include "cli/precision.h"
#include "tft/dataset.h"
#include "tft/forecaster.h"

#define CHUNK ((size_t)256) // requests at a time

static const int64_t incident_ms[] = {1800000, 3600000, 7200000, 14400000, 28800000};
#define N_INCIDENTS (sizeof incident_ms / sizeof incident_ms[0])

static const flag_page page = {
    "tftd forecast --model DIR [--at TIME… | --from TIME --to TIME --every STEPS] --out FILE.csv FILE…",
    "Forecasts every server of the CSV files (plain, .gz, .xz, .zst) at the given origins; without any, at the newest "
    "step\n"
    "of the files. An origin is the start of the last step that the forecast may look at. A server with at least 2 "
    "known\n"
    "steps in its window is forecast, one that is switched off at the origin is not. --history adds older rows of the "
    "same\n"
    "servers. The output is packed where its name ends in .gz, .xz or .zst.",
    "  tftd forecast --model models/tft_model_20251101_090000 --at 2013-08-20T12:00:00Z --out f.csv 2013-08.csv.xz\n"
    "  tftd forecast --model DIR --from 2013-08-08T00:00:00Z --to 2013-08-30T12:00:00Z --every 24 --out f.csv.zst "
    "2013-08.csv.xz\n"};

typedef struct job {
    const char *model, *out, *incidents_out, *precision;
    int64_t from, to;
    size_t every, horizon, threads;
    tft_precision multiply_in;
    flag_list at, history, files;

    tft_forecaster *forecaster;
    const tft_contract *contract;
    tft_dataset dataset;
    uint8_t *is_history; // [n_servers] named only in --history files
    int64_t *origins;    // [n_origins] step numbers
    size_t n_origins;
    out_file *table, *incidents;
    tft_text line;

    tft_request requests[CHUNK];
    uint32_t servers[CHUNK]; // of each request
    uint8_t ok[CHUNK];
    size_t n_requests, n_done, n_without;
    float *quantiles, *incident;
} job;

/* ---- input ---------------------------------------------------------------------------------------------------- */

static tft_status read_files(job *j, tft_error *err)
{
    tft_status status = tft_dataset_open(j->contract, &j->dataset, err);
    for (size_t i = 0; i < j->files.n && status == TFT_OK; i++)
        status = tft_dataset_read_csv(&j->dataset, j->files.items[i], NULL, err);
    const size_t n_named = j->dataset.n_servers; // those that come after are known from --history alone
    for (size_t i = 0; i < j->history.n && status == TFT_OK; i++)
        status = tft_dataset_read_csv(&j->dataset, j->history.items[i], NULL, err);
    if (status != TFT_OK)
        return status;
    if (n_named == 0)
        return tft_fail(err, TFT_ERR_STATE, "the files hold no server");
    char **const names = malloc(n_named * sizeof *names);
    j->is_history = calloc(j->dataset.n_servers, 1);
    if (names == NULL || j->is_history == NULL) {
        free(names);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu servers", j->dataset.n_servers);
    }
    memcpy(names, j->dataset.names, n_named * sizeof *names); // sorting moves these pointers, it does not replace them
    tft_dataset_sort(&j->dataset);
    for (size_t i = 0; i < j->dataset.n_servers; i++)
        j->is_history[i] = 1;
    for (size_t i = 0; i < n_named; i++)
        j->is_history[tft_dataset_find(&j->dataset, names[i], strlen(names[i]))] = 0;
    free(names);
    if (j->dataset.n_rejected > 0)
        fprintf(stderr, "tftd forecast: %zu of %zu rows or cells left out; first: %s\n", j->dataset.n_rejected,
                j->dataset.n_rows, j->dataset.first_fault);
    return TFT_OK;
}

static int64_t newest_step(const job *j)
{
    int64_t newest = INT64_MIN;
    for (size_t i = 0; i < j->dataset.n_servers; i++) {
        const tft_series *const s = &j->dataset.series[i];
        const int64_t last = s->first_step + (int64_t)s->n_steps - 1;
        newest = s->n_steps > 0 && !j->is_history[i] && last > newest ? last : newest;
    }
    return newest;
}

static int by_value(const void *a, const void *b)
{
    const int64_t *const x = a, *const y = b;
    return (*x > *y) - (*x < *y);
}

/* Step numbers of all origins, ascending, each once. */
static tft_status settle_origins(job *j, tft_error *err)
{
    const int64_t step_ms = j->contract->step_ms, newest = newest_step(j);
    int64_t from = newest, to = newest;
    if (newest == INT64_MIN)
        return tft_fail(err, TFT_ERR_STATE, "the files hold no step");
    if (j->from != 0)
        from = tft_floor_to(j->from + step_ms - 1, step_ms) / step_ms;
    if (j->to != 0)
        to = tft_floor_to(j->to, step_ms) / step_ms;
    const bool listed = j->at.n > 0;
    const int64_t every = (int64_t)j->every;
    const int64_t n = listed ? (int64_t)j->at.n : to < from ? 0 : (to - from) / every + 1;
    if (n <= 0 || n > 10000000)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%lld origins between --from and --to, 1 to 10000000 are possible",
                        (long long)n);
    j->origins = malloc((size_t)n * sizeof *j->origins);
    if (j->origins == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %lld origins", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        int64_t ms = (from + i * every) * step_ms;
        const char *const text = listed ? j->at.items[i] : "";
        if (listed && !tft_time_parse(text, strlen(text), &ms))
            return tft_fail(err, TFT_ERR_ARGUMENT, "--at: \"%.60s\" is not a time such as 2025-10-13T16:00:00Z", text);
        j->origins[i] = tft_floor_to(ms, step_ms) / step_ms;
    }
    qsort(j->origins, (size_t)n, sizeof *j->origins, by_value);
    for (int64_t i = 0; i < n; i++) {
        if (j->n_origins == 0 || j->origins[i] != j->origins[j->n_origins - 1])
            j->origins[j->n_origins++] = j->origins[i];
    }
    return TFT_OK;
}

/* ---- output --------------------------------------------------------------------------------------------------- */

/* RFC 4180: quotes where the text needs them. */
static void put_cell(tft_text *line, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        tft_text_puts(line, text);
        return;
    }
    tft_text_puts(line, "\"");
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"')
            tft_text_puts(line, "\"");
        tft_text_add(line, at, 1);
    }
    tft_text_puts(line, "\"");
}

static void end_line(tft_text *line, out_file *file)
{
    tft_text_puts(line, "\n");
    out_file_add(file, line->bytes, line->n);
    tft_text_clear(line);
}

static void write_headers(job *j)
{
    const tft_target *const target = &tft_forecaster_config(j->forecaster)->targets[0];
    tft_text_puts(&j->line, "origin,server_name,metric,timestamp");
    for (size_t q = 0; q < target->n_quantiles; q++)
        tft_text_printf(&j->line, ",q%g", (double)target->quantiles[q]);
    end_line(&j->line, j->table);
    if (j->incidents != NULL) {
        tft_text_puts(&j->line, "origin,server_name,p_30m,p_1h,p_2h,p_4h,p_8h");
        end_line(&j->line, j->incidents);
    }
}

static void write_quantiles(job *j, size_t k, const char *origin)
{
    const tft_config *const network = tft_forecaster_config(j->forecaster);
    const size_t n_outputs = tft_config_outputs(network);
    const float *const rows = j->quantiles + k * j->contract->horizon * n_outputs;
    const tft_request *const request = &j->requests[k];
    char stamp[TFT_TIME_TEXT];
    size_t column = 0;
    for (size_t m = 0; m < network->n_targets; m++) {
        const size_t n = network->targets[m].n_quantiles;
        for (size_t t = 0; t < j->horizon; t++) {
            tft_time_format_s((request->origin + (int64_t)t + 1) * j->contract->step_ms, stamp);
            tft_text_printf(&j->line, "%s,", origin);
            put_cell(&j->line, j->dataset.names[j->servers[k]]);
            tft_text_puts(&j->line, ",");
            put_cell(&j->line, network->targets[m].name);
            tft_text_printf(&j->line, ",%s", stamp);
            for (size_t q = 0; q < n; q++)
                tft_text_printf(&j->line, ",%.6g", (double)rows[t * n_outputs + column + q]);
            end_line(&j->line, j->table);
        }
        column += n;
    }
}

static void write_incidents(job *j, size_t k, const char *origin)
{
    const float *const curve = j->incident + k * j->contract->horizon;
    tft_text_printf(&j->line, "%s,", origin);
    put_cell(&j->line, j->dataset.names[j->servers[k]]);
    for (size_t i = 0; i < N_INCIDENTS; i++) {
        const size_t step = (size_t)(incident_ms[i] / j->contract->step_ms);
        if (step >= 1 && step <= j->horizon)
            tft_text_printf(&j->line, ",%.6g", (double)curve[step - 1]);
        else
            tft_text_puts(&j->line, ","); // beyond what was forecast
    }
    end_line(&j->line, j->incidents);
}

static tft_status run_chunk(job *j, tft_error *err)
{
    const tft_forecast result = {
        .quantiles = j->quantiles, .incident = j->incidents != NULL ? j->incident : NULL, .ok = j->ok};
    const tft_status status = tft_forecaster_run(j->forecaster, j->requests, j->n_requests, j->horizon, &result, err);
    if (status != TFT_OK)
        return status;
    for (size_t k = 0; k < j->n_requests; k++) {
        char origin[TFT_TIME_TEXT];
        if (!j->ok[k]) {
            j->n_without++;
            continue;
        }
        tft_time_format_s(j->requests[k].origin * j->contract->step_ms, origin);
        write_quantiles(j, k, origin);
        if (j->incidents != NULL)
            write_incidents(j, k, origin);
        j->n_done++;
    }
    j->n_requests = 0;
    return TFT_OK;
}

static bool is_off(const tft_series *series, int64_t origin)
{
    const int64_t i = tft_series_index(series, origin);
    return i >= 0 && series->states[i] == TFT_STATE_OFFLINE;
}

static tft_status run_all(job *j, tft_error *err)
{
    for (size_t o = 0; o < j->n_origins; o++) {
        for (size_t s = 0; s < j->dataset.n_servers; s++) {
            const tft_series *const series = &j->dataset.series[s];
            if (j->is_history[s] || is_off(series, j->origins[o]))
                continue;
            j->servers[j->n_requests] = (uint32_t)s;
            j->requests[j->n_requests++] = (tft_request){.series = series, .origin = j->origins[o]};
            const tft_status status = j->n_requests == CHUNK ? run_chunk(j, err) : TFT_OK;
            if (status != TFT_OK)
                return status;
            if (interrupt_asked())
                return tft_fail(err, TFT_ERR_INTERRUPTED, "stopped; nothing was written");
        }
    }
    return run_chunk(j, err);
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static tft_status prepare(job *j, tft_error *err)
{
    tft_status status = tft_forecaster_open(j->model, j->threads, &j->forecaster, err);
    if (status != TFT_OK)
        return status;
    precision_use("forecast", j->multiply_in, j->forecaster);
    j->contract = tft_forecaster_contract(j->forecaster);
    const tft_config *const network = tft_forecaster_config(j->forecaster);
    if (j->incidents_out != NULL && !network->hazard)
        return tft_fail(err, TFT_ERR_MISMATCH, "%s has no incident head: --incidents-out is not possible", j->model);
    if (j->horizon == 0)
        j->horizon = j->contract->horizon;
    if (j->horizon > j->contract->horizon)
        return tft_fail(err, TFT_ERR_ARGUMENT, "--horizon %zu: the model forecasts %zu steps", j->horizon,
                        j->contract->horizon);
    j->quantiles = malloc(CHUNK * j->contract->horizon * tft_config_outputs(network) * sizeof(float));
    j->incident = malloc(CHUNK * j->contract->horizon * sizeof(float));
    if (j->quantiles == NULL || j->incident == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu forecasts", CHUNK);
    status = read_files(j, err);
    if (status == TFT_OK)
        status = settle_origins(j, err);
    if (status == TFT_OK)
        status = out_file_open(j->out, &j->table, err);
    if (status == TFT_OK && j->incidents_out != NULL)
        status = out_file_open(j->incidents_out, &j->incidents, err);
    return status;
}

static tft_status close_outputs(job *j, tft_error *err)
{
    out_file *const table = j->table, *const incidents = j->incidents;
    j->table = j->incidents = NULL;
    tft_status status = out_file_close(table, err);
    if (incidents != NULL && status == TFT_OK)
        status = out_file_close(incidents, err);
    else
        out_file_abandon(incidents);
    return status;
}

static int run(job *j)
{
    tft_error err = {0};
    interrupt_listen();
    tft_status status = prepare(j, &err);
    if (status == TFT_OK) {
        write_headers(j);
        status = run_all(j, &err);
    }
    if (status == TFT_OK)
        status = close_outputs(j, &err);
    out_file_abandon(j->table);
    out_file_abandon(j->incidents);
    if (status != TFT_OK)
        fprintf(stderr, "tftd forecast: %s\n", err.text);
    else
        fprintf(stderr, "%zu forecasts at %zu origins; %zu windows had too little history\n", j->n_done, j->n_origins,
                j->n_without);
    tft_text_free(&j->line);
    tft_dataset_close(&j->dataset);
    tft_forecaster_close(j->forecaster);
    free(j->quantiles);
    free(j->incident);
    free(j->is_history);
    free(j->origins);
    return command_exit_code(status);
}

int cmd_forecast(int argc, char **argv)
{
    job *const j = calloc(1, sizeof *j);
    if (j == NULL)
        return EXIT_FAILED;
    j->every = 1;
    j->line = tft_text_new((size_t)1 << 20);
    const flag flags[] = {
        {"--model", "DIR", "a model directory", FLAG_TEXT, &j->model},
        {"--at", "TIME", "an origin; may be repeated", FLAG_LIST, &j->at},
        {"--from", "TIME", "first origin (default: the newest step)", FLAG_TIME, &j->from},
        {"--to", "TIME", "last origin (default: the newest step)", FLAG_TIME, &j->to},
        {"--every", "STEPS", "from one origin to the next (1)", FLAG_SIZE, &j->every},
        {"--history", "CSV", "older rows of the same servers; may be repeated", FLAG_LIST, &j->history},
        {"--out", "FILE.csv", "quantiles; - = stdout", FLAG_TEXT, &j->out},
        {"--incidents-out", "FILE.csv", "incident probabilities", FLAG_TEXT, &j->incidents_out},
        {"--horizon", "STEPS", "fewer steps than the model has", FLAG_SIZE, &j->horizon},
        {"--threads", "N", "0 = all cores (0)", FLAG_SIZE, &j->threads},
        {"--precision", "WORD", PRECISION_FLAG_HELP, FLAG_TEXT, &j->precision},
        {0}};
    int code = flags_parse(argc, argv, &page, flags, &j->files);
    if (code < 0 && (j->model == NULL || j->out == NULL || j->files.n == 0)) {
        fprintf(stderr, "tftd forecast: %s; `tftd help forecast` shows how\n",
                j->model == NULL ? "--model is missing"
                : j->out == NULL ? "--out is missing"
                                 : "no FILE");
        code = EXIT_USAGE;
    } else if (code < 0 && (j->every == 0 || (j->at.n > 0 && (j->from != 0 || j->to != 0)))) {
        fprintf(stderr, "tftd forecast: %s\n",
                j->every == 0 ? "--every must be at least 1" : "--at and --from/--to exclude each other");
        code = EXIT_USAGE;
    }
    if (code < 0)
        code = precision_read("forecast", j->precision, &j->multiply_in) ? run(j) : EXIT_USAGE;
    free(j);
    return code;
}
