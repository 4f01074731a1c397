/* source_csv.c - see source_csv.h. */
#include "score/source_csv.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "series/csv.h"
#include "tft/config.h"

struct score_csv {
    const tft_dataset *dataset;
    const score_windows *windows;
    size_t horizon, n_targets;
    size_t bytes, max_bytes, n_skipped;
    float **levels;  // [n_windows] → [targets, horizon, SCORE_N_LEVELS], NaN where no row came; NULL = no row at all
    float *incident; // [n_windows, SCORE_MAX_HORIZONS]; NULL until a file of incidents is added
    size_t n_horizons;
    uint32_t steps[SCORE_MAX_HORIZONS];
    const char *names[SCORE_MAX_HORIZONS];
};

tft_status score_csv_open(const tft_dataset *dataset, const score_windows *windows, size_t max_bytes, score_csv **csv,
                          tft_error *err)
{
    score_csv *const c = calloc(1, sizeof *c);
    *csv = NULL;
    if (c == NULL || (c->levels = calloc(windows->n + 1, sizeof *c->levels)) == NULL) {
        free(c);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for forecasts of %zu windows", windows->n);
    }
    c->dataset = dataset;
    c->windows = windows;
    c->horizon = dataset->contract.horizon;
    c->n_targets = tft_contract_targets(&dataset->contract);
    c->max_bytes = max_bytes;
    c->n_horizons = score_incident_horizons(&dataset->contract, c->steps, c->names);
    *csv = c;
    return TFT_OK;
}

void score_csv_close(score_csv *csv)
{
    if (csv == NULL)
        return;
    for (size_t i = 0; i < csv->windows->n; i++)
        free(csv->levels[i]);
    free(csv->levels);
    free(csv->incident);
    free(csv);
}

size_t score_csv_skipped(const score_csv *csv)
{
    return csv->n_skipped;
}

/* ---- the columns ------------------------------------------------------------------------------------------------- */

typedef struct quantile_columns {
    int origin, server, metric, timestamp;
    size_t n;
    int column[TFT_MAX_QUANTILES];
    float level[TFT_MAX_QUANTILES];
} quantile_columns;

static tft_status need_column(const tft_csv *csv, const char *name, int *column, tft_error *err)
{
    *column = tft_csv_column(csv, name);
    return *column >= 0 ? TFT_OK : tft_fail(err, TFT_ERR_FORMAT, "no column \"%s\" in the header", name);
}

static tft_status find_columns(const tft_csv *csv, quantile_columns *columns, tft_error *err)
{
    memset(columns, 0, sizeof *columns);
    tft_status status = need_column(csv, "origin", &columns->origin, err);
    if (status == TFT_OK)
        status = need_column(csv, "server_name", &columns->server, err);
    if (status == TFT_OK)
        status = need_column(csv, "metric", &columns->metric, err);
    if (status == TFT_OK)
        status = need_column(csv, "timestamp", &columns->timestamp, err);
    for (size_t i = 0; status == TFT_OK && i < csv->n_fields; i++) {
        const tft_csv_field *const field = &csv->fields[i];
        double level;
        if (field->n < 2 || field->text[0] != 'q' || !tft_csv_number(field->text + 1, field->n - 1, &level))
            continue;
        if (!(level > 0 && level < 1))
            return tft_fail(err, TFT_ERR_FORMAT, "column q%g: a level must lie between 0 and 1", level);
        if (columns->n == TFT_MAX_QUANTILES)
            return tft_fail(err, TFT_ERR_LIMIT, "more than %d columns of quantiles", TFT_MAX_QUANTILES);
        if (columns->n > 0 && !((float)level > columns->level[columns->n - 1]))
            return tft_fail(err, TFT_ERR_FORMAT, "column q%g: the levels must ascend", level);
        columns->column[columns->n] = (int)i;
        columns->level[columns->n++] = (float)level;
    }
    if (status == TFT_OK && columns->n == 0)
        status = tft_fail(err, TFT_ERR_FORMAT, "no column of quantiles (q0.1, q0.5, …) in the header");
    return status;
}

/* ---- the rows ---------------------------------------------------------------------------------------------------- */

static tft_status wrong_cell(const tft_csv *csv, const char *column, const tft_csv_field *field, const char *wanted,
                             tft_error *err)
{
    const int shown = field->n < 60 ? (int)field->n : 60;
    return tft_fail(err, TFT_ERR_FORMAT, "line %zu: %s is \"%.*s\", must be %s", csv->line, column, shown, field->text,
                    wanted);
}

/* A cell that is the label of a step → its number. */
static tft_status step_of(const score_csv *c, const tft_csv *csv, const char *name, int column, int64_t *step,
                          tft_error *err)
{
    const tft_csv_field *const field = &csv->fields[column];
    const int64_t step_ms = c->dataset->contract.step_ms;
    int64_t ms;
    if (!tft_time_parse(field->text, field->n, &ms))
        return wrong_cell(csv, name, field, "a time", err);
    if (tft_floor_to(ms, step_ms) != ms)
        return wrong_cell(csv, name, field, "the start of a step", err);
    *step = ms / step_ms;
    return TFT_OK;
}

static int by_window(const void *left, const void *right)
{
    const score_window *const a = left, *const b = right;
    if (a->server != b->server)
        return a->server < b->server ? -1 : 1;
    return a->origin < b->origin ? -1 : a->origin > b->origin;
}

/* The window of a row, or −1. Rows of one window follow one another: the last one is looked at first. */
static int64_t find_window(const score_csv *c, const tft_csv_field *server, int64_t origin, int64_t last)
{
    const score_windows *const w = c->windows;
    const int64_t index = tft_dataset_find(c->dataset, server->text, server->n);
    if (index < 0)
        return -1;
    const score_window wanted = {(uint32_t)index, origin};
    if (last >= 0 && by_window(&wanted, &w->items[last]) == 0)
        return last;
    const score_window *const found = bsearch(&wanted, w->items, w->n, sizeof wanted, by_window);
    return found == NULL ? -1 : found - w->items;
}

static tft_status make_levels(score_csv *c, size_t window, tft_error *err)
{
    if (c->levels[window] != NULL)
        return TFT_OK;
    const size_t n = c->n_targets * c->horizon * SCORE_N_LEVELS;
    if (n * sizeof(float) > c->max_bytes - c->bytes)
        return tft_fail(err, TFT_ERR_LIMIT, "the forecasts need more than %zu MiB; score fewer windows at a time",
                        c->max_bytes >> 20);
    c->levels[window] = malloc(n * sizeof(float));
    if (c->levels[window] == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a forecast");
    c->bytes += n * sizeof(float);
    for (size_t i = 0; i < n; i++)
        c->levels[window][i] = NAN;
    return TFT_OK;
}

static tft_status read_quantiles(const tft_csv *csv, const quantile_columns *columns, float *values, tft_error *err)
{
    for (size_t q = 0; q < columns->n; q++) {
        const tft_csv_field *const field = &csv->fields[columns->column[q]];
        double value;
        if (!tft_csv_number(field->text, field->n, &value) || !isfinite((float)value))
            return wrong_cell(csv, "a quantile", field, "a finite number", err);
        values[q] = (float)value;
        if (q > 0 && values[q] < values[q - 1])
            return tft_fail(err, TFT_ERR_FORMAT, "line %zu: q%g is below q%g", csv->line, (double)columns->level[q],
                            (double)columns->level[q - 1]);
    }
    return TFT_OK;
}

static tft_status add_row(score_csv *c, const tft_csv *csv, const quantile_columns *columns, int64_t *last,
                          tft_error *err)
{
    int64_t origin = 0, step = 0;
    float values[TFT_MAX_QUANTILES];
    tft_status status = step_of(c, csv, "origin", columns->origin, &origin, err);
    if (status == TFT_OK)
        status = step_of(c, csv, "timestamp", columns->timestamp, &step, err);
    if (status == TFT_OK)
        status = read_quantiles(csv, columns, values, err);
    if (status != TFT_OK)
        return status;
    const tft_csv_field *const name = &csv->fields[columns->metric];
    const int metric = tft_contract_find(&c->dataset->contract, name->text, name->n);
    const int64_t window = find_window(c, &csv->fields[columns->server], origin, *last);
    const bool inside = step > origin && step - origin <= (int64_t)c->horizon;
    if (metric < 0 || (size_t)metric >= c->n_targets || window < 0 || !inside) {
        c->n_skipped++;
        return TFT_OK;
    }
    *last = window;
    status = make_levels(c, (size_t)window, err);
    if (status == TFT_OK)
        score_to_levels(columns->level, values, columns->n,
                        c->levels[window] +
                            ((size_t)metric * c->horizon + (size_t)(step - origin - 1)) * SCORE_N_LEVELS);
    return status;
}

/* Calls `row` for every row of the file; the header was looked at by `header`. */
typedef struct row_reader {
    tft_status (*header)(void *context, const tft_csv *csv, tft_error *err);
    tft_status (*row)(void *context, const tft_csv *csv, tft_error *err);
    void *context;
} row_reader;

static tft_status read_rows(tft_reader *reader, const char *name, const row_reader *rows, tft_error *err)
{
    tft_csv *const csv = calloc(1, sizeof *csv);
    if (csv == NULL) {
        tft_reader_close(reader);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to read %s", name);
    }
    bool more = false;
    tft_status status = tft_csv_open(reader, csv, err);
    if (status == TFT_OK)
        status = tft_csv_next(csv, &more, err);
    if (status == TFT_OK && (!more || csv->fault != NULL))
        status = tft_fail(err, TFT_ERR_FORMAT, "no header row");
    if (status == TFT_OK)
        status = rows->header(rows->context, csv, err);
    const size_t n_columns = csv->n_fields;
    while (status == TFT_OK && (status = tft_csv_next(csv, &more, err)) == TFT_OK && more) {
        if (csv->fault != NULL)
            status = tft_fail(err, TFT_ERR_FORMAT, "line %zu: %s", csv->line, csv->fault);
        else if (csv->n_fields != n_columns)
            status = tft_fail(err, TFT_ERR_FORMAT, "line %zu: %zu columns, the header has %zu", csv->line,
                              csv->n_fields, n_columns);
        else
            status = rows->row(rows->context, csv, err);
    }
    if (status != TFT_OK)
        tft_error_prefix(err, "%s", name);
    tft_csv_close(csv);
    free(csv);
    return status;
}

/* ---- files of forecasts ------------------------------------------------------------------------------------------ */

typedef struct forecast_file {
    score_csv *csv;
    quantile_columns columns;
    int64_t last; // window of the row before
} forecast_file;

static tft_status forecast_header(void *context, const tft_csv *csv, tft_error *err)
{
    forecast_file *const file = context;
    return find_columns(csv, &file->columns, err);
}

static tft_status forecast_row(void *context, const tft_csv *csv, tft_error *err)
{
    forecast_file *const file = context;
    return add_row(file->csv, csv, &file->columns, &file->last, err);
}

tft_status score_csv_add_forecasts(score_csv *csv, tft_reader *reader, const char *name, tft_error *err)
{
    forecast_file file = {.csv = csv, .last = -1};
    return read_rows(reader, name, &(row_reader){forecast_header, forecast_row, &file}, err);
}

/* ---- files of incident probabilities ----------------------------------------------------------------------------- */

typedef struct incident_file {
    score_csv *csv;
    int origin, server, p[SCORE_MAX_HORIZONS]; // −1 = no such column
    int64_t last;
} incident_file;

static tft_status incident_header(void *context, const tft_csv *csv, tft_error *err)
{
    incident_file *const file = context;
    bool any = false;
    tft_status status = need_column(csv, "origin", &file->origin, err);
    if (status == TFT_OK)
        status = need_column(csv, "server_name", &file->server, err);
    for (size_t k = 0; status == TFT_OK && k < file->csv->n_horizons; k++) {
        char column[16];
        snprintf(column, sizeof column, "p_%s", file->csv->names[k]);
        file->p[k] = tft_csv_column(csv, column);
        any = any || file->p[k] >= 0;
    }
    if (status == TFT_OK && !any)
        status = tft_fail(err, TFT_ERR_FORMAT, "no column p_30m, p_1h, p_2h, p_4h or p_8h in the header");
    return status;
}

static tft_status incident_row(void *context, const tft_csv *csv, tft_error *err)
{
    incident_file *const file = context;
    score_csv *const c = file->csv;
    int64_t origin = 0;
    const tft_status status = step_of(c, csv, "origin", file->origin, &origin, err);
    if (status != TFT_OK)
        return status;
    float p[SCORE_MAX_HORIZONS];
    for (size_t k = 0; k < c->n_horizons; k++) {
        double value = NAN;
        p[k] = NAN;
        if (file->p[k] < 0 || tft_csv_missing(csv->fields[file->p[k]].text, csv->fields[file->p[k]].n))
            continue;
        if (!tft_csv_number(csv->fields[file->p[k]].text, csv->fields[file->p[k]].n, &value) ||
            !(value >= 0 && value <= 1))
            return wrong_cell(csv, "a probability", &csv->fields[file->p[k]], "a number from 0 to 1", err);
        p[k] = (float)value;
    }
    const int64_t window = find_window(c, &csv->fields[file->server], origin, file->last);
    c->n_skipped += window < 0;
    if (window < 0)
        return TFT_OK;
    file->last = window;
    memcpy(c->incident + (size_t)window * SCORE_MAX_HORIZONS, p, c->n_horizons * sizeof *p);
    return TFT_OK;
}

tft_status score_csv_add_incidents(score_csv *csv, tft_reader *reader, const char *name, tft_error *err)
{
    if (csv->incident == NULL) {
        const size_t n = csv->windows->n * SCORE_MAX_HORIZONS;
        csv->incident = malloc((n + 1) * sizeof *csv->incident);
        if (csv->incident == NULL) {
            tft_reader_close(reader);
            return tft_fail(err, TFT_ERR_MEMORY, "no memory for incident probabilities");
        }
        for (size_t i = 0; i < n; i++)
            csv->incident[i] = NAN;
    }
    incident_file file = {.csv = csv, .last = -1};
    return read_rows(reader, name, &(row_reader){incident_header, incident_row, &file}, err);
}

/* ---- windows from a file ------------------------------------------------------------------------------------------ */

typedef struct window_file {
    score_csv at; // for its dataset alone
    score_windows *windows;
    size_t capacity;
    int origin, server;
} window_file;

static tft_status window_header(void *context, const tft_csv *csv, tft_error *err)
{
    window_file *const file = context;
    const tft_status status = need_column(csv, "origin", &file->origin, err);
    return status == TFT_OK ? need_column(csv, "server_name", &file->server, err) : status;
}

static tft_status window_row(void *context, const tft_csv *csv, tft_error *err)
{
    window_file *const file = context;
    score_windows *const w = file->windows;
    int64_t origin = 0;
    const tft_status status = step_of(&file->at, csv, "origin", file->origin, &origin, err);
    if (status != TFT_OK)
        return status;
    const tft_csv_field *const name = &csv->fields[file->server];
    const int64_t server = tft_dataset_find(file->at.dataset, name->text, name->n);
    if (server < 0)
        return TFT_OK; // told by score_csv_skipped later
    const tft_series *const series = &file->at.dataset->series[server];
    const int64_t index = tft_series_index(series, origin);
    const score_window window = {(uint32_t)server, origin};
    if (index < 0 || series->counts[index] == 0 || series->states[index] == TFT_STATE_OFFLINE ||
        (w->n > 0 && by_window(&window, &w->items[w->n - 1]) == 0))
        return TFT_OK;
    if (w->n == file->capacity) {
        file->capacity = file->capacity * 2 + 256;
        score_window *const more = realloc(w->items, tft_mul_sat(file->capacity, sizeof *more));
        if (more == NULL)
            return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu windows", file->capacity);
        w->items = more;
    }
    w->items[w->n++] = window;
    return TFT_OK;
}

static int by_origin(const void *left, const void *right)
{
    const int64_t *const a = left, *const b = right;
    return *a < *b ? -1 : *a > *b;
}

/* Sorts, drops repetitions, counts servers and origins. */
static tft_status settle_windows(score_windows *w, tft_error *err)
{
    if (w->n == 0)
        return tft_fail(err, TFT_ERR_NOT_FOUND, "no row has an origin at which its server has a record in the data");
    qsort(w->items, w->n, sizeof *w->items, by_window);
    size_t kept = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (kept > 0 && by_window(&w->items[i], &w->items[kept - 1]) == 0)
            continue;
        w->n_servers += kept == 0 || w->items[i].server != w->items[kept - 1].server;
        w->items[kept++] = w->items[i];
    }
    w->n = kept;
    int64_t *const origins = malloc(w->n * sizeof *origins);
    if (origins == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu origins", w->n);
    for (size_t i = 0; i < w->n; i++)
        origins[i] = w->items[i].origin;
    qsort(origins, w->n, sizeof *origins, by_origin);
    for (size_t i = 0; i < w->n; i++)
        w->n_origins += i == 0 || origins[i] != origins[i - 1];
    free(origins);
    return TFT_OK;
}

tft_status score_csv_windows(const tft_dataset *dataset, tft_reader *reader, const char *name, score_windows *windows,
                             tft_error *err)
{
    memset(windows, 0, sizeof *windows);
    window_file file = {.at = {.dataset = dataset}, .windows = windows};
    tft_status status = read_rows(reader, name, &(row_reader){window_header, window_row, &file}, err);
    if (status == TFT_OK)
        status = settle_windows(windows, err);
    if (status != TFT_OK)
        score_windows_free(windows);
    return status;
}

/* ---- as a source ------------------------------------------------------------------------------------------------- */

/* Whether every cell that came true has a forecast. */
static bool answers(const score_csv *c, const score_window *window, const float *levels)
{
    const tft_series *const s = &c->dataset->series[window->server];
    for (size_t t = 0; t < c->horizon; t++) {
        const int64_t at = tft_series_index(s, window->origin + 1 + (int64_t)t);
        for (size_t m = 0; m < c->n_targets && at >= 0 && s->states[at] != TFT_STATE_OFFLINE; m++) {
            const bool came = !isnan(s->values[(size_t)at * s->n_metrics + m]);
            if (came && isnan(levels[(m * c->horizon + t) * SCORE_N_LEVELS]))
                return false;
        }
    }
    return true;
}

static tft_status run(void *context, const score_window *windows, size_t n, float *levels, uint8_t *ok, float *incident,
                      tft_error *err)
{
    (void)err;
    const score_csv *const c = context;
    const size_t size = c->n_targets * c->horizon * SCORE_N_LEVELS;
    const size_t from = (size_t)(windows - c->windows->items);
    assert(from + n <= c->windows->n);
    for (size_t i = 0; i < n; i++) {
        const float *const said = c->levels[from + i];
        ok[i] = said != NULL && answers(c, &windows[i], said);
        for (size_t k = 0; ok[i] && k < size; k++)
            levels[i * size + k] = isnan(said[k]) ? 0 : said[k]; // a cell that nobody scores
        if (incident == NULL)
            continue;
        for (size_t t = 0; t < c->horizon; t++)
            incident[i * c->horizon + t] = NAN;
        for (size_t k = 0; k < c->n_horizons; k++)
            incident[i * c->horizon + c->steps[k] - 1] = c->incident[(from + i) * SCORE_MAX_HORIZONS + k];
    }
    return TFT_OK;
}

score_source score_csv_source(score_csv *csv)
{
    return (score_source){
        .name = "forecasts", .label = "forecasts", .incidents = csv->incident != NULL, .context = csv, .run = run};
}
