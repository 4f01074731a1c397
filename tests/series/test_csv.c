/* test_csv.c - RFC 4180 rows, and numbers. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "series/csv.h"

/* All rows as text: fields joined by '|', rows by '/', "!" for a row with a fault. */
static const char *rows_of(const char *text, size_t n, char *out, size_t capacity)
{
    tft_reader *reader;
    tft_csv *const csv = calloc(1, sizeof *csv);
    assert_int_equal(tft_reader_open_bytes(text, n, &reader, NULL), TFT_OK);
    assert_int_equal(tft_csv_open(reader, csv, NULL), TFT_OK);
    size_t at = 0;
    out[0] = '\0';
    for (bool more = true;;) {
        assert_int_equal(tft_csv_next(csv, &more, NULL), TFT_OK);
        if (!more)
            break;
        if (at > 0)
            at += (size_t)snprintf(out + at, capacity - at, "/");
        if (csv->fault != NULL)
            at += (size_t)snprintf(out + at, capacity - at, "!");
        for (size_t i = 0; i < csv->n_fields; i++)
            at += (size_t)snprintf(out + at, capacity - at, "%s%.*s", i > 0 ? "|" : "", (int)csv->fields[i].n,
                                   csv->fields[i].text);
    }
    tft_csv_close(csv);
    free(csv);
    return out;
}

static void expect_rows(const char *text, const char *expected)
{
    char out[4096];
    assert_string_equal(rows_of(text, strlen(text), out, sizeof out), expected);
}

static void rows_end_with_lf_or_crlf_or_the_file(void **state)
{
    (void)state;
    expect_rows("a,b\n1,2\n", "a|b/1|2");
    expect_rows("a,b\r\n1,2\r\n", "a|b/1|2");
    expect_rows("a,b\n1,2", "a|b/1|2");
    expect_rows("a,b\n1,\n", "a|b/1|");
    expect_rows(",\n", "|");
    expect_rows("a", "a");
}

static void blank_lines_and_a_byte_order_mark_are_skipped(void **state)
{
    (void)state;
    expect_rows("\xef\xbb\xbf"
                "a,b\n\n\r\n1,2\n\n",
                "a|b/1|2");
    expect_rows("\n\n", "");
    expect_rows("", "");
    expect_rows("\xef\xbb\xbf", "");
}

static void quotes_protect_commas_line_ends_and_quotes(void **state)
{
    (void)state;
    expect_rows("\"a,b\",c\n", "a,b|c");
    expect_rows("\"a\"\"b\",\"\"\n", "a\"b|");
    expect_rows("\"a\nb\",c\n1,2\n", "a\nb|c/1|2");
    expect_rows("x,\"a\r\n\"\r\n1,2", "x|a\r\n/1|2");
    expect_rows("\"\"\"\"\n", "\"");
    expect_rows("\"a\"", "a");
}

static void a_misplaced_quote_costs_its_own_row(void **state)
{
    (void)state;
    expect_rows("a\"b,c\n1,2\n", "!/1|2");
    expect_rows("\"a\"b,c\n1,2\n", "!/1|2");
    expect_rows("1,2\n\"never closed", "1|2/!");
}

static void lines_are_counted_through_quoted_line_ends(void **state)
{
    (void)state;
    const char text[] = "a\n\n\"x\ny\"\nlast\n";
    tft_reader *reader;
    static tft_csv csv;
    bool more;
    tft_reader_open_bytes(text, strlen(text), &reader, NULL);
    tft_csv_open(reader, &csv, NULL);
    const size_t lines[] = {1, 3, 5};
    for (size_t i = 0; i < 3; i++) {
        tft_csv_next(&csv, &more, NULL);
        assert_int_equal(csv.line, lines[i]);
    }
    tft_csv_close(&csv);
}

static void a_row_longer_than_the_buffer_is_read_and_an_endless_one_refused(void **state)
{
    (void)state;
    const size_t n = 3 * TFT_CSV_MAX_ROW_BYTES;
    char *const text = malloc(n);
    memset(text, 'x', n);
    memcpy(text, "a,b\n", 4);
    text[700000] = '\n';
    tft_reader *reader;
    static tft_csv csv;
    bool more;
    tft_reader_open_bytes(text, n, &reader, NULL);
    tft_csv_open(reader, &csv, NULL);
    assert_int_equal(tft_csv_next(&csv, &more, NULL), TFT_OK);
    assert_int_equal(tft_csv_next(&csv, &more, NULL), TFT_OK);
    assert_int_equal(csv.fields[0].n, 700000 - 4);
    tft_error err = {0};
    assert_int_equal(tft_csv_next(&csv, &more, &err), TFT_ERR_LIMIT);
    assert_non_null(strstr(err.text, "line 3"));
    tft_csv_close(&csv);
    free(text);
}

static void too_many_columns_are_a_fault_of_the_row(void **state)
{
    (void)state;
    char text[3000];
    memset(text, ',', sizeof text);
    memcpy(text + sizeof text - 4, "\n1,2", 4);
    char out[4096];
    assert_string_equal(rows_of(text, sizeof text, out, sizeof out), "!/1|2");
}

/* Any fields, written with RFC 4180 quoting, come back as they were. */
static void what_is_written_is_read_back(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(3, 0);
    static const char alphabet[] = "ab,\"\n\r 1";
    for (int round = 0; round < 300; round++) {
        char text[2000], expected[2000], out[4096];
        size_t n = 0, e = 0;
        const size_t n_rows = 1 + tft_rng_below(&rng, 5), n_fields = 2 + tft_rng_below(&rng, 4);
        for (size_t r = 0; r < n_rows; r++) {
            if (r > 0)
                expected[e++] = '/';
            for (size_t f = 0; f < n_fields; f++) {
                const size_t length = tft_rng_below(&rng, 8);
                if (f > 0) {
                    expected[e++] = '|';
                    text[n++] = ',';
                }
                text[n++] = '"';
                for (size_t i = 0; i < length; i++) {
                    const char c = alphabet[tft_rng_below(&rng, sizeof alphabet - 1)];
                    expected[e++] = c;
                    text[n++] = c;
                    if (c == '"')
                        text[n++] = '"';
                }
                text[n++] = '"';
            }
            text[n++] = '\r';
            text[n++] = '\n';
        }
        expected[e] = '\0';
        assert_string_equal(rows_of(text, n, out, sizeof out), expected);
    }
}

static double number_of(const char *text)
{
    double value = (double)NAN;
    return tft_csv_number(text, strlen(text), &value) ? value : (double)NAN;
}

static void numbers_are_read_as_strtod_reads_them(void **state)
{
    (void)state;
    static const char *const good[] = {"0",
                                       "-0",
                                       "12.77",
                                       "+3.5",
                                       ".5",
                                       "5.",
                                       "1e3",
                                       "1E-3",
                                       "0.0009766",
                                       "1.5e+2",
                                       "123456789012345678901234567890",
                                       "0.1234567890123456789",
                                       "4.9e-324",
                                       "1e999",
                                       "-1e999",
                                       "9007199254740993",
                                       "00012"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(number_of(good[i]) == strtod(good[i], NULL));
    tft_rng rng = tft_rng_seeded(5, 0);
    for (int i = 0; i < 20000; i++) {
        char text[64];
        snprintf(text, sizeof text, "%.*f", (int)tft_rng_below(&rng, 12), (tft_rng_uniform(&rng) - 0.5) * 1e5);
        assert_true(number_of(text) == strtod(text, NULL));
        snprintf(text, sizeof text, "%.17g", ldexp(tft_rng_uniform(&rng), (int)tft_rng_below(&rng, 200) - 100));
        assert_true(number_of(text) == strtod(text, NULL));
    }
}

static void what_is_no_decimal_number_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    " 1",  "1 ",    "1,5", "0x10", "inf",  "Infinity", "nan", "1e",
                                      "1e+", "--1", "1.2.3", ".",   "-",    "true", "1_000",    "e5",  "١"};
    double value;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(tft_csv_number(bad[i], strlen(bad[i]), &value));
    assert_true(tft_csv_missing("", 0) && tft_csv_missing("NaN", 3) && tft_csv_missing("null", 4));
    assert_false(tft_csv_missing("0", 1) || tft_csv_missing("none of it", 10) || tft_csv_missing("Nan", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_end_with_lf_or_crlf_or_the_file),
        cmocka_unit_test(blank_lines_and_a_byte_order_mark_are_skipped),
        cmocka_unit_test(quotes_protect_commas_line_ends_and_quotes),
        cmocka_unit_test(a_misplaced_quote_costs_its_own_row),
        cmocka_unit_test(lines_are_counted_through_quoted_line_ends),
        cmocka_unit_test(a_row_longer_than_the_buffer_is_read_and_an_endless_one_refused),
        cmocka_unit_test(too_many_columns_are_a_fault_of_the_row),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(numbers_are_read_as_strtod_reads_them),
        cmocka_unit_test(what_is_no_decimal_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
