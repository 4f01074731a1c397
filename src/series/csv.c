/* csv.c - see csv.h. */
#include "series/csv.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES ((size_t)256 << 10)

tft_status tft_csv_open(tft_reader *reader, tft_csv *csv, tft_error *err)
{
    memset(csv, 0, sizeof *csv);
    csv->reader = reader;
    csv->next_line = 1;
    csv->buffer = malloc(BUFFER_BYTES);
    csv->capacity = BUFFER_BYTES;
    if (csv->buffer == NULL) {
        tft_csv_close(csv);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu bytes of rows", BUFFER_BYTES);
    }
    return TFT_OK;
}

void tft_csv_close(tft_csv *csv)
{
    tft_reader_close(csv->reader);
    free(csv->buffer);
    memset(csv, 0, sizeof *csv);
}

/* Gets more bytes behind those that are there; moves them to the front first, and doubles the buffer if it is full. */
static tft_status refill(tft_csv *csv, tft_error *err)
{
    memmove(csv->buffer, csv->buffer + csv->at, csv->end - csv->at);
    csv->end -= csv->at;
    csv->at = 0;
    assert(csv->capacity > 0);
    if (csv->end == csv->capacity) {
        if (csv->capacity >= TFT_CSV_MAX_ROW_BYTES)
            return tft_fail(err, TFT_ERR_LIMIT, "line %zu: a row of more than %zu bytes", csv->next_line,
                            TFT_CSV_MAX_ROW_BYTES);
        char *const larger = realloc(csv->buffer, csv->capacity * 2);
        if (larger == NULL)
            return tft_fail(err, TFT_ERR_MEMORY, "no memory for a row of %zu bytes", csv->capacity * 2);
        csv->buffer = larger;
        csv->capacity *= 2;
    }
    size_t n;
    const tft_status status = tft_reader_read(csv->reader, csv->buffer + csv->end, csv->capacity - csv->end, &n, err);
    csv->end += n;
    csv->ended = status == TFT_OK && n == 0;
    return status;
}

/* Finds the end of the row at `at`: the first LF outside quotes, or the end of the file. *length is without it.
 * A quote opens only at the start of a field; in a field that began without one it is an ordinary byte here, so that a
 * stray quote costs its own line and not the rest of the file. */
static tft_status find_row_end(tft_csv *csv, size_t *length, bool *quoted, size_t *lines, tft_error *err)
{
    bool inside = false;
    size_t i = 0;
    *lines = 1;
    *quoted = false;
    for (;;) {
        const char *const from = csv->buffer + csv->at;
        const size_t n = csv->end - csv->at;
        if (!*quoted) { // the fast way: look for the line's end, then whether there is a quote at all
            const char *const lf = memchr(from + i, '\n', n - i);
            const size_t stop = lf != NULL ? (size_t)(lf - from) : n;
            if (memchr(from + i, '"', stop - i) != NULL) {
                *quoted = true;
                i = 0;
            } else if (lf != NULL) {
                *length = stop;
                return TFT_OK;
            } else {
                i = n;
            }
        }
        if (*quoted) {
            for (; i < n; i++) {
                const char c = from[i];
                if (c == '"') // "" inside closes and opens again, which comes to the same
                    inside = inside ? false : i == 0 || from[i - 1] == ',' || from[i - 1] == '"';
                else if (c == '\n' && !inside)
                    break;
                else if (c == '\n')
                    ++*lines;
            }
            if (i < n) {
                *length = i;
                return TFT_OK;
            }
        }
        if (csv->ended) {
            *length = n;
            return TFT_OK;
        }
        const tft_status status = refill(csv, err);
        if (status != TFT_OK)
            return status;
    }
}

static bool add_field(tft_csv *csv, const char *text, size_t n)
{
    if (csv->n_fields == TFT_CSV_MAX_COLUMNS) {
        csv->fault = "more than 1024 columns";
        return false;
    }
    csv->fields[csv->n_fields++] = (tft_csv_field){text, n};
    return true;
}

static void split_plain(tft_csv *csv, const char *row, size_t n)
{
    size_t from = 0;
    for (;;) {
        const char *const comma = memchr(row + from, ',', n - from);
        const size_t to = comma != NULL ? (size_t)(comma - row) : n;
        if (!add_field(csv, row + from, to - from) || comma == NULL)
            return;
        from = to + 1;
    }
}

/* Splits a row with quotes; a quoted field is unescaped in place (it only gets shorter). */
static void split_quoted(tft_csv *csv, char *row, size_t n)
{
    size_t i = 0;
    for (;;) {
        char *const text = row + i;
        size_t length = 0;
        if (i < n && row[i] == '"') {
            i++;
            for (;; i++) {
                if (i == n) {
                    csv->fault = "a quoted field does not end";
                    return;
                }
                if (row[i] == '"' && (i + 1 == n || row[i + 1] != '"'))
                    break;
                if (row[i] == '"')
                    i++;
                text[length++] = row[i];
            }
            i++;
            if (i < n && row[i] != ',') {
                csv->fault = "text behind a closing quote";
                return;
            }
        } else {
            for (; i < n && row[i] != ','; i++, length++) {
                if (row[i] == '"') {
                    csv->fault = "a quote inside a field that is not quoted";
                    return;
                }
            }
        }
        if (!add_field(csv, text, length) || i == n)
            return;
        i++;
    }
}

tft_status tft_csv_next(tft_csv *csv, bool *more, tft_error *err)
{
    *more = false;
    csv->n_fields = 0;
    csv->fault = NULL;
    for (;;) {
        if (csv->at == csv->end && !csv->ended) {
            const tft_status status = refill(csv, err);
            if (status != TFT_OK)
                return status;
        }
        if (!csv->started) {
            while (csv->end - csv->at < 3 && !csv->ended) {
                const tft_status status = refill(csv, err);
                if (status != TFT_OK)
                    return status;
            }
            if (csv->end - csv->at >= 3 && memcmp(csv->buffer + csv->at, "\xef\xbb\xbf", 3) == 0)
                csv->at += 3;
            csv->started = true;
        }
        if (csv->at == csv->end && csv->ended)
            return TFT_OK;
        size_t length, lines;
        bool quoted;
        const tft_status status = find_row_end(csv, &length, &quoted, &lines, err);
        if (status != TFT_OK)
            return status;
        char *const row = csv->buffer + csv->at;
        csv->line = csv->next_line;
        csv->next_line += lines;
        csv->at += length + (csv->at + length < csv->end ? 1 : 0);
        if (length > 0 && row[length - 1] == '\r')
            length--;
        if (length == 0)
            continue;
        if (quoted)
            split_quoted(csv, row, length);
        else
            split_plain(csv, row, length);
        if (csv->fault != NULL)
            csv->n_fields = 0;
        *more = true;
        return TFT_OK;
    }
}

int tft_csv_column(const tft_csv *csv, const char *name)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < csv->n_fields; i++) {
        if (csv->fields[i].n == n && memcmp(csv->fields[i].text, name, n) == 0)
            return (int)i;
    }
    return -1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* strtod on a copy; the grammar was checked by the caller. */
static double number_by_library(const char *text, size_t n)
{
    char small[128];
    char *const copy = n < sizeof small ? small : malloc(n + 1);
    if (copy == NULL)
        return NAN;
    memcpy(copy, text, n);
    copy[n] = '\0';
    const double value = strtod(copy, NULL);
    if (copy != small)
        free(copy);
    return value;
}

/* A decimal of up to 15 digits times a power of ten up to 10^22 is exact in double, so one multiplication or division
 * rounds correctly (Clinger 1990, "How to read floating point numbers accurately", the fast path); the rest is rare. */
bool tft_csv_number(const char *text, size_t n, double *value)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    size_t i = 0;
    const bool negative = n > 0 && text[0] == '-';
    if (n > 0 && (text[0] == '-' || text[0] == '+'))
        i++;
    uint64_t digits = 0;
    size_t n_digits = 0, significant = 0;
    int decimals = 0;
    bool point = false;
    for (; i < n && (is_digit(text[i]) || (text[i] == '.' && !point)); i++) {
        if (text[i] == '.') {
            point = true;
            continue;
        }
        n_digits++;
        decimals += point;
        if (significant > 0 || text[i] != '0')
            significant++;
        if (significant <= 18)
            digits = digits * 10 + (uint64_t)(text[i] - '0');
    }
    if (n_digits == 0)
        return false;
    bool has_exponent = false;
    if (i < n && (text[i] == 'e' || text[i] == 'E')) {
        has_exponent = true;
        i++;
        if (i < n && (text[i] == '-' || text[i] == '+'))
            i++;
        if (i == n)
            return false;
        while (i < n && is_digit(text[i]))
            i++;
        if (!is_digit(text[i - 1]))
            return false;
    }
    if (i != n)
        return false;
    if (has_exponent || significant > 15 || decimals > 22) {
        *value = number_by_library(text, n);
        return !isnan(*value);
    }
    const double magnitude = (double)digits / power[decimals];
    *value = negative ? -magnitude : magnitude;
    return true;
}

bool tft_csv_missing(const char *text, size_t n)
{
    static const char *const words[] = {"NaN", "nan", "NA", "N/A", "null", "NULL", "None"};
    if (n == 0)
        return true;
    if (n > 4)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == n && memcmp(words[i], text, n) == 0)
            return true;
    }
    return false;
}
