/* csv.h - rows of a CSV file, RFC 4180, one at a time, from any packing that reader.h knows.
 *
 * Fields are separated by commas, rows by LF or CR LF; a field may be quoted, a doubled quote inside is one quote, and
 * commas and line ends inside quotes belong to the field (RFC 4180 §2.5-2.7). A byte order mark in front is skipped, blank
 * lines are skipped. A row with a fault (a quote where none may be, text behind a closing quote) is handed out with
 * `fault` set and no fields, so that the reader of the file decides what it costs; reading goes on at the next line.
 *
 * Nearly all rows hold no quote: those are cut with memchr and nothing is copied.
 *
 * Memory:  owns one buffer that grows to the longest row, at most 1 MiB; at most 1024 columns. Both beyond: TFT_ERR_LIMIT.
 *          The fields of a row are lent until the next row is read.
 * Threads: one reader, one thread.
 */
#ifndef TFT_SERIES_CSV_H
#define TFT_SERIES_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "series/reader.h"
#include "tft/error.h"

#define TFT_CSV_MAX_COLUMNS 1024
#define TFT_CSV_MAX_ROW_BYTES ((size_t)1 << 20)

typedef struct tft_csv_field {
    const char *text; // not NUL-terminated
    size_t n;
} tft_csv_field;

typedef struct tft_csv {
    tft_reader *reader;
    char *buffer;
    size_t capacity, at, end; // bytes at … end−1 are not yet read
    bool ended;               // nothing follows what is in the buffer
    bool started;
    size_t next_line; // 1-based number of the line at `at`
    /* the row read last */
    size_t line; // where it began
    size_t n_fields;
    const char *fault; // NULL, or what is wrong with the row
    tft_csv_field fields[TFT_CSV_MAX_COLUMNS];
} tft_csv;

/* Takes the reader over: tft_csv_close() closes it (also where opening fails). */
tft_status tft_csv_open(tft_reader *reader, tft_csv *csv, tft_error *err);
void tft_csv_close(tft_csv *csv); // accepts a zeroed struct

/* Reads the next row; *more is false at the end. */
tft_status tft_csv_next(tft_csv *csv, bool *more, tft_error *err);

/* The column called `name` of the row read last (the header), or −1. */
int tft_csv_column(const tft_csv *csv, const char *name);

/* A decimal number (RFC 8259's grammar, and a leading '+' or '.'), all of text[0 … n−1]; correctly rounded.
 * False for anything else: hexadecimal, words, "1,5". An overflow gives ±HUGE_VAL. */
bool tft_csv_number(const char *text, size_t n, double *value);

/* Whether a cell says "no value": empty, or one of NaN, nan, NA, N/A, null, NULL, None as other programs write. */
bool tft_csv_missing(const char *text, size_t n);

#endif
