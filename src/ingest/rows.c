/* rows.c - see rows.h. */
#include "ingest/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COLUMNS 256

/* A copy of the name that lives as long as the batch; *used counts the bytes of its space that are taken. */
static void own_name(ingest_batch *batch, tft_record *record, size_t *used)
{
    char *const copy = batch->space + *used;
    memcpy(copy, record->name, record->name_length);
    record->name = copy;
    *used += record->name_length;
}

/* Room for rows and names. */
static tft_status open_batch(ingest_batch *batch, size_t rows, size_t n, size_t max_records, tft_error *err)
{
    if (rows > max_records)
        return tft_fail(err, TFT_ERR_LIMIT, "%zu records in one request, at most %zu", rows, max_records);
    batch->space = malloc(n + 1);
    if (batch->space == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for names of %zu records", rows);
    return ingest_batch_open(batch, rows, err);
}

/* ---- NDJSON -------------------------------------------------------------------------------------------- */

/* The next line that is not blank; false at the end. A byte order mark at the very beginning is skipped by the caller. */
static bool next_line(const char **at, const char *end, const char **line, size_t *n)
{
    while (*at < end) {
        const char *const feed = memchr(*at, '\n', (size_t)(end - *at));
        const char *const stop = feed != NULL ? feed : end;
        *line = *at;
        *n = (size_t)(stop - *at);
        *at = feed != NULL ? feed + 1 : end;
        while (*n > 0 && ((*line)[*n - 1] == '\r' || (*line)[*n - 1] == ' ' || (*line)[*n - 1] == '\t'))
            --*n;
        if (*n > 0)
            return true;
    }
    return false;
}

tft_status ingest_ndjson(const char *bytes, size_t n, const tft_contract *contract, const tft_record_limits *limits,
                         size_t max_records, ingest_batch *batch, tft_error *err)
{
    const char *at = bytes, *const end = bytes + n, *line;
    size_t length, rows = 0, used = 0;
    *batch = (ingest_batch){0};
    while (next_line(&at, end, &line, &length))
        rows++;
    const tft_status status = open_batch(batch, rows, n, max_records, err);
    at = bytes;
    for (size_t i = 0; status == TFT_OK && next_line(&at, end, &line, &length); i++) {
        tft_json_document document = {0};
        tft_error why = {0};
        const size_t before = batch->n;
        if (tft_json_parse(line, length, INGEST_MAX_DEPTH, &document, &why) == TFT_OK) {
            ingest_take_object(batch, i, document.root, contract, limits);
            if (batch->n > before)
                own_name(batch, &batch->records[before], &used);
        } else {
            tft_fault fault = {0};
            tft_fault_set(&fault, TFT_FAULT_NOT_AN_OBJECT, "", "the line is %s", why.text);
            ingest_refuse(batch, i, &fault, NULL, 0);
        }
        tft_json_free(&document);
    }
    return status;
}

/* ---- CSV ----------------------------------------------------------------------------------------------- */

typedef struct cell {
    const char *text; // [n]
    size_t n;
} cell;

typedef enum column_kind {
    COLUMN_OTHER,
    COLUMN_TIME,
    COLUMN_NAME,
    COLUMN_STATE,
    COLUMN_STATUS,
    COLUMN_PROFILE,
    COLUMN_METRIC
} column_kind;

typedef struct table {
    size_t n_columns;
    column_kind kinds[MAX_COLUMNS];
    size_t metrics[MAX_COLUMNS]; // of COLUMN_METRIC
    bool has_time, has_name;
} table;

/* Reads one row; text of quoted cells with doubled quotes is written to `scratch`, which moves on. Returns the cells, 0 at
 * the end; cells beyond MAX_COLUMNS are dropped. *open: a quote was not closed. */
static size_t read_row(const char **at, const char *end, char **scratch, cell cells[MAX_COLUMNS], bool *open)
{
    size_t n = 0;
    const char *p = *at;
    if (p >= end)
        return 0;
    for (bool more = true; more;) {
        cell c = {p, 0};
        if (p < end && *p == '"') {
            c.text = *scratch;
            for (p++; p < end && (*p != '"' || (p + 1 < end && p[1] == '"')); p++) {
                p += *p == '"'; // the second of two
                *(*scratch)++ = *p;
            }
            *open = p >= end;
            p += p < end;
            c.n = (size_t)(*scratch - c.text);
        }
        const char *const rest = p;
        while (p < end && *p != ',' && *p != '\n')
            p++;
        if (c.text == rest)
            c.n = (size_t)(p - rest);
        if (c.n > 0 && c.text == rest && c.text[c.n - 1] == '\r')
            c.n--;
        if (n < MAX_COLUMNS)
            cells[n++] = c;
        more = p < end && *p == ',';
        p += p < end;
    }
    *at = p;
    return n;
}

static bool is_blank(const cell *cells, size_t n)
{
    return n == 1 && cells[0].n == 0;
}

static bool is_word(const cell *c, const char *word)
{
    return strlen(word) == c->n && memcmp(c->text, word, c->n) == 0;
}

static void read_header(const cell *cells, size_t n, const tft_contract *contract, table *t)
{
    *t = (table){.n_columns = n};
    for (size_t i = 0; i < n; i++) {
        const int m = tft_contract_find(contract, cells[i].text, cells[i].n);
        t->kinds[i] = is_word(&cells[i], "timestamp")     ? COLUMN_TIME
                      : is_word(&cells[i], "server_name") ? COLUMN_NAME
                      : is_word(&cells[i], "state")       ? COLUMN_STATE
                      : is_word(&cells[i], "status")      ? COLUMN_STATUS
                      : is_word(&cells[i], "profile")     ? COLUMN_PROFILE
                      : m >= 0                            ? COLUMN_METRIC
                                                          : COLUMN_OTHER;
        t->metrics[i] = m >= 0 ? (size_t)m : 0;
        t->has_time = t->has_time || t->kinds[i] == COLUMN_TIME;
        t->has_name = t->has_name || t->kinds[i] == COLUMN_NAME;
    }
}

static bool all_of(const cell *c, const char *set)
{
    size_t i = 0;
    while (i < c->n && c->text[i] != '\0' && strchr(set, c->text[i]) != NULL)
        i++;
    return i == c->n;
}

/* A number as JSON writes it, or one of the words for what is none. */
static bool read_number(const cell *c, const tft_metric *metric, double *value, tft_fault *fault)
{
    char text[64], quoted[TFT_QUOTED_TEXT], *end = text;
    const bool digits = c->n > 0 && c->n < sizeof text && all_of(c, "0123456789+-.eE");
    const bool word = is_word(c, "NaN") || is_word(c, "nan") || is_word(c, "Infinity") || is_word(c, "-Infinity") ||
                      is_word(c, "inf") || is_word(c, "-inf");
    if (digits) {
        memcpy(text, c->text, c->n);
        text[c->n] = '\0';
        *value = strtod(text, &end);
    }
    if (word || (digits && *end == '\0' && !isfinite(*value)))
        return tft_fault_set(fault, TFT_FAULT_NOT_FINITE, metric->name, "%s is %s, must be a finite number",
                             metric->name, tft_fault_quote(c->text, c->n, quoted));
    if (!digits || *end != '\0' || end == text)
        return tft_fault_set(fault, TFT_FAULT_WRONG_TYPE, metric->name, "%s is \"%s\", must be a number", metric->name,
                             tft_fault_quote(c->text, c->n, quoted));
    return true;
}

static bool read_cell(const table *t, size_t i, const cell *c, const tft_contract *contract, tft_record *record,
                      cell *profile, bool *has_time, tft_fault *fault)
{
    if (c->n == 0)
        return true; // missing
    switch (t->kinds[i]) {
    case COLUMN_TIME:
        *has_time = true;
        return tft_record_parse_time(c->text, c->n, &record->time_ms, fault);
    case COLUMN_NAME:
        record->name = c->text;
        record->name_length = c->n;
        return true;
    case COLUMN_STATUS:
        return record->state != TFT_STATE_NONE ||
               tft_record_parse_state("status", c->text, c->n, &record->state, fault);
    case COLUMN_STATE:
        return tft_record_parse_state("state", c->text, c->n, &record->state, fault);
    case COLUMN_PROFILE:
        record->profile = tft_profile_find(c->text, c->n);
        *profile = *c;
        return true;
    case COLUMN_METRIC:
        return read_number(c, &contract->metrics[t->metrics[i]], &record->values[t->metrics[i]], fault);
    case COLUMN_OTHER:
    default:
        return true;
    }
}

static void take_row(ingest_batch *batch, size_t index, const table *t, const cell *cells, size_t n,
                     const tft_contract *contract, const tft_record_limits *limits, size_t *used)
{
    tft_record *const record = &batch->records[batch->n];
    tft_fault fault = {0};
    cell profile = {0};
    bool has_time = false, good = true;
    *record = tft_record_empty();
    for (size_t i = 0; i < n && i < t->n_columns && good; i++)
        good = read_cell(t, i, &cells[i], contract, record, &profile, &has_time, &fault);
    if (good && !has_time)
        good = tft_fault_set(&fault, TFT_FAULT_MISSING_FIELD, "timestamp", "timestamp is missing");
    if (good && record->name_length == 0)
        good = tft_fault_set(&fault, TFT_FAULT_MISSING_FIELD, "server_name", "server_name is missing");
    if (!good || !tft_record_check(contract, limits, record, &fault)) {
        ingest_refuse(batch, index, &fault, record->name, record->name_length);
        return;
    }
    own_name(batch, record, used);
    if (profile.text != NULL && record->profile < 0) {
        record->profile = TFT_PROFILE_GENERIC;
        ingest_warn_profile(batch, index, profile.text, profile.n);
    }
    ingest_keep(batch, index);
}

tft_status ingest_csv(const char *bytes, size_t n, const tft_contract *contract, const tft_record_limits *limits,
                      size_t max_records, ingest_batch *batch, tft_error *err)
{
    const char *at = bytes, *const end = bytes + n;
    cell cells[MAX_COLUMNS];
    table t;
    size_t rows = 0, used = 0, n_cells = 0;
    bool open = false;
    *batch = (ingest_batch){0};
    char *const scratch = malloc(n + 1);
    if (scratch == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a table of %zu bytes", n);
    char *free_scratch = scratch;
    if (n >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3; // a byte order mark, as spreadsheets write it
    n_cells = read_row(&at, end, &free_scratch, cells, &open);
    read_header(cells, n_cells, contract, &t);
    const char *const body = at;
    while (free_scratch = scratch, (n_cells = read_row(&at, end, &free_scratch, cells, &open)) > 0)
        rows += !is_blank(cells, n_cells);
    tft_status status = TFT_OK;
    if (open)
        status = tft_fail(err, TFT_ERR_FORMAT, "malformed CSV: a quoted cell does not end");
    else if (!t.has_time || !t.has_name)
        status =
            tft_fail(err, TFT_ERR_ARGUMENT, "the header has no column %s", t.has_time ? "server_name" : "timestamp");
    else
        status = open_batch(batch, rows, n, max_records, err);
    at = body;
    for (size_t i = 0; status == TFT_OK &&
                       (free_scratch = scratch, (n_cells = read_row(&at, end, &free_scratch, cells, &open)) > 0);) {
        if (!is_blank(cells, n_cells))
            take_row(batch, i++, &t, cells, n_cells, contract, limits, &used);
    }
    free(scratch);
    return status;
}
