/* test_rows.c - tests src/ingest/rows.c: rows of NDJSON and CSV, good ones kept, bad ones named by their place. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ingest/rows.h"

#define NOW 1760373000000 // 2025-10-13T16:30:00Z

typedef tft_status decoder(const char *bytes, size_t n, const tft_contract *contract, const tft_record_limits *limits,
                           size_t max_records, ingest_batch *batch, tft_error *err);

static tft_status decode(decoder *with, const char *body, ingest_batch *batch, tft_error *err)
{
    const tft_contract contract = tft_contract_default();
    const tft_record_limits limits = tft_record_limits_default(NOW);
    return with(body, strlen(body), &contract, &limits, 3, batch, err);
}

static void assert_name(const tft_record *record, const char *name)
{
    assert_int_equal(record->name_length, strlen(name));
    assert_memory_equal(record->name, name, strlen(name));
}

static void lines_are_records_and_a_bad_one_costs_nothing(void **state)
{
    (void)state;
    ingest_batch batch;
    const char *const body = "{\"timestamp\": \"2025-10-13T16:00:00Z\", \"server_name\": \"a\", \"cpu_pct\": 1}\r\n\n"
                             "{\"timestamp\": oops\n"
                             "{\"timestamp\": \"2025-10-13T16:00:00Z\", \"server_name\": \"b\", \"cpu_pct\": 2}";
    assert_int_equal(decode(ingest_ndjson, body, &batch, NULL), TFT_OK);
    assert_int_equal(batch.received, 3);
    assert_int_equal(batch.n, 2);
    assert_name(&batch.records[1], "b");
    assert_int_equal(batch.indices[1], 2);
    assert_int_equal(batch.n_faults, 1);
    assert_int_equal(batch.faults[0].index, 1);
    assert_int_equal(batch.faults[0].fault.code, TFT_FAULT_NOT_AN_OBJECT);
    assert_non_null(strstr(batch.faults[0].fault.reason, "malformed JSON at byte"));
    ingest_batch_free(&batch);
}

static void a_table_is_read_by_the_names_of_its_columns(void **state)
{
    (void)state;
    ingest_batch batch;
    const char *const body = "\xef\xbb\xbf"
                             "latency_ms,server_name,colour,timestamp,state,profile\r\n"
                             "9.1,\"a \"\"b\"\", c\",red,2025-10-13T16:00:00Z,idle,database\r\n"
                             "\r\n"
                             ",x,,2025-10-13 16:00:05,offline,toaster\r\n";
    assert_int_equal(decode(ingest_csv, body, &batch, NULL), TFT_OK);
    assert_int_equal(batch.received, 2);
    assert_int_equal(batch.n, 2);
    assert_name(&batch.records[0], "a \"b\", c");
    assert_true(batch.records[0].values[3] == 9.1);
    assert_true(isnan(batch.records[0].values[0]));
    assert_int_equal(batch.records[0].state, TFT_STATE_IDLE);
    assert_int_equal(batch.records[0].profile, TFT_PROFILE_DATABASE);
    assert_int_equal(batch.records[1].profile, TFT_PROFILE_GENERIC);
    assert_int_equal(batch.n_warnings, 1);
    assert_non_null(strstr(batch.warnings[0].fault.reason, "toaster"));
    ingest_batch_free(&batch);
}

static void bad_cells_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *row, *field;
        tft_fault_code code;
    } cases[] = {
        {"2025-10-13T16:00:00Z,a,x", "cpu_pct", TFT_FAULT_WRONG_TYPE},
        {"2025-10-13T16:00:00Z,a,0x10", "cpu_pct", TFT_FAULT_WRONG_TYPE},
        {"2025-10-13T16:00:00Z,a,1e999", "cpu_pct", TFT_FAULT_NOT_FINITE},
        {"2025-10-13T16:00:00Z,a,NaN", "cpu_pct", TFT_FAULT_NOT_FINITE},
        {"2025-10-13T16:00:00Z,a,101", "cpu_pct", TFT_FAULT_OUT_OF_RANGE},
        {"2025-10-13T16:00:00Z,a,", "", TFT_FAULT_NO_METRICS},
        {"2025-10-13T16:00:00Z,,5", "server_name", TFT_FAULT_MISSING_FIELD},
        {",a,5", "timestamp", TFT_FAULT_MISSING_FIELD},
        {"yesterday,a,5", "timestamp", TFT_FAULT_BAD_TIMESTAMP},
        {"2025-10-13T16:00:00Z", "server_name", TFT_FAULT_MISSING_FIELD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[256];
        ingest_batch batch;
        snprintf(body, sizeof body, "timestamp,server_name,cpu_pct\n%s\n", cases[i].row);
        assert_int_equal(decode(ingest_csv, body, &batch, NULL), TFT_OK);
        assert_int_equal(batch.n_faults, 1);
        if (batch.faults[0].fault.code != cases[i].code || strcmp(batch.faults[0].fault.field, cases[i].field) != 0)
            fail_msg("%s: %s %s", cases[i].row, batch.faults[0].fault.field, batch.faults[0].fault.reason);
        ingest_batch_free(&batch);
    }
}

static void what_is_no_table_is_refused_as_a_whole(void **state)
{
    (void)state;
    ingest_batch batch;
    tft_error err = {0};
    assert_int_equal(decode(ingest_csv, "server_name,cpu_pct\na,1\n", &batch, &err), TFT_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "timestamp"));
    ingest_batch_free(&batch);
    assert_int_equal(decode(ingest_csv, "", &batch, NULL), TFT_ERR_ARGUMENT);
    ingest_batch_free(&batch);
    assert_int_equal(decode(ingest_csv, "timestamp,server_name\n\"2025", &batch, NULL), TFT_ERR_FORMAT);
    ingest_batch_free(&batch);
    assert_int_equal(decode(ingest_ndjson, "1\n2\n3\n4\n", &batch, NULL), TFT_ERR_LIMIT);
    ingest_batch_free(&batch);
    assert_int_equal(decode(ingest_ndjson, "", &batch, NULL), TFT_OK);
    assert_int_equal(batch.received, 0);
    ingest_batch_free(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_records_and_a_bad_one_costs_nothing),
        cmocka_unit_test(a_table_is_read_by_the_names_of_its_columns),
        cmocka_unit_test(bad_cells_are_named),
        cmocka_unit_test(what_is_no_table_is_refused_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
