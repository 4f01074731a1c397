/* dataset_csv.c - rows of a CSV file into a dataset (see tft/dataset.h for what is taken and what is left out).
 *
 * The header is matched once; then each row is: its instant, its server, its metrics, its state. The first fault is
 * kept with file and line, in the words that the daemon uses for records (record.h); the others are counted.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "series/csv.h"
#include "series/record.h"
#include "tft/dataset.h"

#define ONLY_SERVER "server" // the name where a file has no server column

typedef struct column_map {
    size_t n_columns;
    int time, server, state, profile; // −1 = the file has none
    int metrics[TFT_MAX_METRICS];
} column_map;

/* A column the caller named must be there; one of our own choice may be missing. */
static tft_status find_named(const tft_csv *csv, const char *named, const char *usual, int *column, tft_error *err)
{
    *column = tft_csv_column(csv, named != NULL ? named : usual);
    if (*column < 0 && named != NULL)
        return tft_fail(err, TFT_ERR_FORMAT, "no column \"%.100s\" in the header", named);
    return TFT_OK;
}

static tft_status map_columns(const tft_contract *contract, const tft_csv *csv, const tft_csv_columns *columns,
                              column_map *map, tft_error *err)
{
    static const tft_csv_columns none = {0};
    if (columns == NULL)
        columns = &none;
    *map = (column_map){.n_columns = csv->n_fields};
    tft_status status = find_named(csv, columns->time, "timestamp", &map->time, err);
    if (status == TFT_OK && map->time < 0)
        map->time = tft_csv_column(csv, "date");
    if (status == TFT_OK && map->time < 0)
        return tft_fail(err, TFT_ERR_FORMAT, "no column \"timestamp\" or \"date\" in the header");
    if (status == TFT_OK)
        status = find_named(csv, columns->server, "server_name", &map->server, err);
    if (status == TFT_OK)
        status = find_named(csv, columns->state, "state", &map->state, err);
    if (status == TFT_OK)
        status = find_named(csv, columns->profile, "profile", &map->profile, err);
    if (status != TFT_OK)
        return status;
    if (!contract->has_state)
        map->state = -1;
    if (!contract->has_profile)
        map->profile = -1;
    bool any = false;
    for (size_t m = 0; m < contract->n_metrics; m++) {
        map->metrics[m] = tft_csv_column(csv, contract->metrics[m].name);
        any = any || map->metrics[m] >= 0;
    }
    if (!any)
        return tft_fail(err, TFT_ERR_FORMAT, "none of the contract's metrics (%s …) is a column of the header",
                        contract->metrics[0].name);
    return TFT_OK;
}

/* One cell of a metric: NaN where missing, and false where it is not usable. */
static bool parse_value(const tft_metric *metric, const tft_csv_field *cell, double *value, tft_fault *fault)
{
    *value = NAN;
    if (tft_csv_missing(cell->text, cell->n))
        return true;
    double number;
    char quoted[TFT_QUOTED_TEXT];
    if (!tft_csv_number(cell->text, cell->n, &number))
        return tft_fault_set(fault, TFT_FAULT_WRONG_TYPE, metric->name, "%s is \"%s\", must be a number", metric->name,
                             tft_fault_quote(cell->text, cell->n, quoted));
    if (!tft_metric_accepts(metric, number, fault))
        return false;
    *value = number;
    return true;
}

/* Decodes a row into a record. False where it cannot be one; cells that are left out only set *fault. */
static bool parse_row(const tft_contract *contract, const column_map *map, const tft_csv *csv, tft_record *record,
                      tft_fault *fault)
{
    *record = tft_record_empty();
    if (csv->fault != NULL)
        return tft_fault_set(fault, TFT_FAULT_NOT_AN_OBJECT, "", "%s", csv->fault);
    if (csv->n_fields != map->n_columns)
        return tft_fault_set(fault, TFT_FAULT_NOT_AN_OBJECT, "", "%zu cells, the header has %zu", csv->n_fields,
                             map->n_columns);
    const tft_csv_field *const time = &csv->fields[map->time];
    if (!tft_record_parse_time(time->text, time->n, &record->time_ms, fault))
        return false;
    record->name = map->server >= 0 ? csv->fields[map->server].text : ONLY_SERVER;
    record->name_length = map->server >= 0 ? csv->fields[map->server].n : strlen(ONLY_SERVER);

    tft_fault *first = fault; // of the cells that are left out, the first is told
    for (size_t m = 0; m < contract->n_metrics; m++) {
        if (map->metrics[m] >= 0 &&
            !parse_value(&contract->metrics[m], &csv->fields[map->metrics[m]], &record->values[m], first))
            first = NULL;
    }
    if (map->state >= 0 && csv->fields[map->state].n > 0) {
        const tft_csv_field *const cell = &csv->fields[map->state];
        if (!tft_record_parse_state("state", cell->text, cell->n, &record->state, first))
            first = NULL;
    }
    if (map->profile >= 0 && csv->fields[map->profile].n > 0) {
        const tft_csv_field *const cell = &csv->fields[map->profile];
        char quoted[TFT_QUOTED_TEXT];
        record->profile = tft_profile_find(cell->text, cell->n);
        if (record->profile < 0) {
            tft_fault_set(first, TFT_FAULT_OUT_OF_RANGE, "profile", "profile is \"%s\", must be one of the seven",
                          tft_fault_quote(cell->text, cell->n, quoted));
            record->profile = TFT_PROFILE_GENERIC;
        }
    }
    return true;
}

static bool has_content(const tft_contract *contract, const tft_record *record)
{
    for (size_t m = 0; m < contract->n_metrics; m++) {
        if (!isnan(record->values[m]))
            return true;
    }
    return record->state == TFT_STATE_OFFLINE || record->state == TFT_STATE_MAINTENANCE;
}

static void count_fault(tft_dataset *dataset, const char *path, size_t line, const char *reason)
{
    if (dataset->n_rejected++ == 0)
        snprintf(dataset->first_fault, sizeof dataset->first_fault, "%.200s:%zu: %.280s", path, line, reason);
}

static tft_status take_row(tft_dataset *dataset, const char *path, const column_map *map, const tft_csv *csv,
                           tft_error *err)
{
    tft_record record;
    tft_fault fault = {0};
    tft_error refused = {0};
    dataset->n_rows++;
    const bool usable = parse_row(&dataset->contract, map, csv, &record, &fault);
    if (usable && has_content(&dataset->contract, &record)) {
        const tft_status status = tft_dataset_add(dataset, record.name, record.name_length, record.time_ms,
                                                  record.values, record.state, record.profile, &refused);
        if (status != TFT_OK && status != TFT_ERR_FORMAT)
            return tft_fail(err, status, "line %zu: %s", csv->line, refused.text);
    }
    if (refused.status != TFT_OK)
        count_fault(dataset, path, csv->line, refused.text);
    else if (fault.code != TFT_FAULT_NONE)
        count_fault(dataset, path, csv->line, fault.reason);
    return TFT_OK;
}

/* Reads the first row as the header. */
static tft_status read_header(const char *path, tft_csv *csv, tft_error *err)
{
    tft_reader *reader = NULL;
    tft_status status = tft_reader_open(path, &reader, err);
    if (status == TFT_OK)
        status = tft_csv_open(reader, csv, err);
    bool more = false;
    if (status == TFT_OK)
        status = tft_csv_next(csv, &more, err);
    if (status == TFT_OK && !more)
        return tft_fail(err, TFT_ERR_FORMAT, "empty: there is no header");
    if (status == TFT_OK && csv->fault != NULL)
        return tft_fail(err, TFT_ERR_FORMAT, "the header: %s", csv->fault);
    return status;
}

tft_status tft_dataset_read_csv(tft_dataset *dataset, const char *path, const tft_csv_columns *columns, tft_error *err)
{
    tft_csv csv = {0};
    column_map map;
    bool more = true;
    tft_status status = read_header(path, &csv, err);
    if (status == TFT_OK)
        status = map_columns(&dataset->contract, &csv, columns, &map, err);
    while (status == TFT_OK) {
        status = tft_csv_next(&csv, &more, err);
        if (status != TFT_OK || !more)
            break;
        status = take_row(dataset, path, &map, &csv, err);
    }
    tft_csv_close(&csv);
    if (status != TFT_OK)
        tft_error_prefix(err, "%s", path);
    return status;
}

tft_status tft_csv_header(const char *path, char ***columns, size_t *n, tft_error *err)
{
    tft_csv csv = {0};
    char **names = NULL;
    *columns = NULL;
    *n = 0;
    tft_status status = read_header(path, &csv, err);
    if (status != TFT_OK)
        goto done;
    names = calloc(csv.n_fields + 1, sizeof *names);
    if (names == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu column names", csv.n_fields);
        goto done;
    }
    for (size_t i = 0; i < csv.n_fields; i++) {
        names[i] = strndup(csv.fields[i].text, csv.fields[i].n);
        if (names[i] == NULL) {
            status = tft_fail(err, TFT_ERR_MEMORY, "no memory for a column's name");
            goto done;
        }
    }
    *n = csv.n_fields;
    *columns = names;
    names = NULL;
done:
    tft_csv_header_free(names, csv.n_fields);
    tft_csv_close(&csv);
    if (status != TFT_OK)
        tft_error_prefix(err, "%s", path);
    return status;
}

void tft_csv_header_free(char **columns, size_t n)
{
    if (columns == NULL)
        return;
    for (size_t i = 0; i < n; i++)
        free(columns[i]);
    free(columns);
}
