/* test_dataset.c - files become series: any order, any packing, every row once, every fault named. */
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "tft/dataset.h"

#define FOLDER TFTD_SOURCE_DIR "/tests/series/bad_csv"

static char path[256];

/* Writes text into a temporary file; its path. */
static const char *file_of(const char *text)
{
    snprintf(path, sizeof path, "/tmp/tft-dataset-%ld.csv", (long)getpid());
    assert_int_equal(tft_file_replace(path, text, strlen(text), NULL), TFT_OK);
    return path;
}

static tft_dataset open_default(void)
{
    const tft_contract contract = tft_contract_default();
    tft_dataset dataset;
    assert_int_equal(tft_dataset_open(&contract, &dataset, NULL), TFT_OK);
    return dataset;
}

static tft_dataset read_text(const char *text)
{
    tft_dataset dataset = open_default();
    tft_error err = {0};
    const tft_status status = tft_dataset_read_csv(&dataset, file_of(text), NULL, &err);
    unlink(path);
    assert_string_equal(err.text, "");
    assert_int_equal(status, TFT_OK);
    return dataset;
}

static void rows_are_placed_by_server_and_time(void **state)
{
    (void)state;
    tft_dataset d = read_text("timestamp,server_name,mem_pct,cpu_pct,other,state\n"
                              "2025-10-13T16:05:00Z,web1,20,11,x,healthy\n"
                              "2025-10-13 16:00:00,db1,30,50,x,\n"
                              "2025-10-13T16:07:30+00:00,web1,,13,x,critical_issue\n"
                              "2025-10-13T15:55:00.000Z,web1,25,,x,idle\n");
    assert_int_equal(d.n_servers, 2);
    assert_int_equal(d.n_rows, 4);
    assert_int_equal(d.n_rejected, 0);
    const tft_series *const web = &d.series[tft_dataset_find(&d, "web1", 4)];
    int64_t ms;
    assert_true(tft_time_parse("2025-10-13T15:55:00Z", 20, &ms));
    assert_int_equal(web->first_step, ms / 300000);
    assert_int_equal(web->n_steps, 3);
    assert_true(isnan(web->values[0]));
    assert_float_equal(web->values[1], 25.0f, 0.0f);
    assert_float_equal(web->values[2 * 4], 12.0f, 0.0f);
    assert_float_equal(web->values[2 * 4 + 1], 20.0f, 0.0f);
    assert_true(isnan(web->values[2 * 4 + 2])); // no such column
    assert_int_equal(web->states[2], TFT_STATE_CRITICAL_ISSUE);
    assert_true(web->labelled);
    const tft_series *const db = &d.series[tft_dataset_find(&d, "db1", 3)];
    assert_false(db->labelled);
    assert_int_equal(tft_dataset_find(&d, "db", 2), -1);
    assert_int_equal(tft_dataset_find(&d, "db12", 4), -1);
    tft_dataset_close(&d);
}

static void a_repeated_row_counts_once(void **state)
{
    (void)state;
    tft_dataset d = read_text("timestamp,server_name,cpu_pct\n"
                              "2025-10-13T16:00:00Z,a,10\n"
                              "2025-10-13T16:00:05Z,a,20\n"
                              "2025-10-13T16:00:05Z,a,99\n"
                              "2025-10-13T16:00:00Z,a,99\n"
                              "2025-10-13T16:00:00Z,b,40\n"
                              "2025-10-13T18:00:00+02:00,a,99\n");
    assert_float_equal(d.series[0].values[0], 15.0f, 0.0f);
    assert_int_equal(d.series[0].counts[0], 2);
    assert_float_equal(d.series[1].values[0], 40.0f, 0.0f);
    tft_dataset_close(&d);
}

static void a_row_without_values_is_a_missing_row_unless_offline(void **state)
{
    (void)state;
    tft_dataset d = read_text("timestamp,server_name,cpu_pct,mem_pct,state\n"
                              "2025-10-13T16:00:00Z,a,10,,\n"
                              "2025-10-13T16:05:00Z,a,,,healthy\n"
                              "2025-10-13T16:10:00Z,a,,NaN,offline\n"
                              "2025-10-13T16:15:00Z,a,,,\n");
    assert_int_equal(d.n_rejected, 0);
    assert_int_equal(d.series[0].n_steps, 3);
    assert_int_equal(d.series[0].n_known, 2);
    assert_int_equal(d.series[0].states[2], TFT_STATE_OFFLINE);
    assert_false(d.series[0].labelled);
    tft_dataset_close(&d);
}

static void a_bad_cell_does_not_cost_its_neighbours(void **state)
{
    (void)state;
    tft_dataset d = read_text("timestamp,server_name,cpu_pct,mem_pct,state,profile\n"
                              "2025-10-13T16:00:00Z,a,150,40,sick,database\n"
                              "2025-10-13T16:05:00Z,a,x,41,idle,\n");
    assert_int_equal(d.n_rejected, 2); // rows, not cells
    assert_non_null(strstr(d.first_fault, ":2: cpu_pct is 150"));
    assert_true(isnan(d.series[0].values[0]));
    assert_float_equal(d.series[0].values[1], 40.0f, 0.0f);
    assert_int_equal(d.series[0].states[0], TFT_STATE_NONE);
    assert_int_equal(d.series[0].states[1], TFT_STATE_IDLE);
    assert_int_equal(d.series[0].profile, TFT_PROFILE_DATABASE);
    tft_dataset_close(&d);
}

static void a_profile_comes_from_the_row_or_from_the_name(void **state)
{
    (void)state;
    tft_dataset d = read_text("timestamp,server_name,cpu_pct,profile\n"
                              "2025-10-13T16:00:00Z,ppdb001,1,\n"
                              "2025-10-13T16:00:00Z,ppdb002,1,web_api\n"
                              "2025-10-13T16:00:00Z,ppdb003,1,spaceship\n");
    assert_int_equal(d.series[0].profile, TFT_PROFILE_DATABASE);
    assert_int_equal(d.series[1].profile, TFT_PROFILE_WEB_API);
    assert_int_equal(d.series[2].profile, TFT_PROFILE_GENERIC);
    assert_non_null(strstr(d.first_fault, "profile is \"spaceship\", must be one of the seven"));
    tft_dataset_close(&d);
}

static void a_file_without_a_server_column_is_one_server(void **state)
{
    (void)state;
    tft_contract contract = contract_of(1);
    strcpy(contract.metrics[0].name, "OT");
    contract.step_ms = 900000;
    tft_dataset d;
    assert_int_equal(tft_dataset_open(&contract, &d, NULL), TFT_OK);
    assert_int_equal(
        tft_dataset_read_csv(&d, file_of("date,HUFL,OT\n2016-07-01 00:00:00,5.8,-30.5\n2016-07-01 00:15:00,5,30\n"),
                             NULL, NULL),
        TFT_OK);
    unlink(path);
    assert_int_equal(d.n_servers, 1);
    assert_int_equal(d.series[0].n_steps, 2);
    assert_float_equal(d.series[0].values[0], -30.5f, 0.0f);
    tft_dataset_close(&d);
}

static void named_columns_are_taken_and_must_be_there(void **state)
{
    (void)state;
    const tft_csv_columns columns = {.time = "when", .server = "host", .state = "status"};
    tft_dataset d = open_default();
    assert_int_equal(
        tft_dataset_read_csv(&d, file_of("host,when,cpu_pct,status\nx,2025-10-13T16:00:00Z,5,idle\n"), &columns, NULL),
        TFT_OK);
    assert_string_equal(d.names[0], "x");
    assert_int_equal(d.series[0].states[0], TFT_STATE_IDLE);
    tft_error err = {0};
    assert_int_equal(tft_dataset_read_csv(&d, file_of("host,timestamp,cpu_pct,status\n"), &columns, &err),
                     TFT_ERR_FORMAT);
    assert_non_null(strstr(err.text, "no column \"when\" in the header"));
    unlink(path);
    tft_dataset_close(&d);
}

static void sorting_orders_servers_by_name_and_loses_nothing(void **state)
{
    (void)state;
    tft_dataset d = open_default();
    tft_rng rng = tft_rng_seeded(1, 0);
    char name[16];
    for (int i = 0; i < 5000; i++) {
        double values[TFT_MAX_METRICS];
        const size_t server = tft_rng_below(&rng, 700);
        for (size_t m = 0; m < TFT_MAX_METRICS; m++)
            values[m] = (double)server / 10.0;
        const int n = snprintf(name, sizeof name, "s%zu", server);
        assert_int_equal(tft_dataset_add(&d, name, (size_t)n, (int64_t)tft_rng_below(&rng, 1000) * 60000, values,
                                         TFT_STATE_NONE, -1, NULL),
                         TFT_OK);
    }
    tft_dataset_sort(&d);
    for (size_t i = 0; i < d.n_servers; i++) {
        assert_true(i == 0 || strcmp(d.names[i - 1], d.names[i]) < 0);
        assert_int_equal(tft_dataset_find(&d, d.names[i], strlen(d.names[i])), (int64_t)i);
        const float expected = (float)(strtod(d.names[i] + 1, NULL) / 10.0);
        for (size_t k = 0; k < d.series[i].n_steps; k++)
            assert_true(isnan(d.series[i].values[k * 4]) || fabsf(d.series[i].values[k * 4] - expected) < 1e-4f);
    }
    // Duplicates are still known after sorting.
    const size_t count = d.series[0].n_known;
    const double value[TFT_MAX_METRICS] = {0};
    for (int64_t t = 0; t < 1000; t++)
        tft_dataset_add(&d, d.names[0], strlen(d.names[0]), t * 60000, value, TFT_STATE_NONE, -1, NULL);
    size_t records = 0;
    for (size_t k = 0; k < d.series[0].n_steps; k++)
        records += d.series[0].counts[k];
    assert_int_equal(records, 1000);
    assert_true(d.series[0].n_known >= count);
    tft_dataset_close(&d);
}

static void the_memory_of_steps_is_bounded(void **state)
{
    (void)state;
    tft_dataset d = open_default();
    d.max_bytes = 27 * 1000;
    const double values[TFT_MAX_METRICS] = {1, 2, 3, 4};
    assert_int_equal(tft_dataset_add(&d, "a", 1, 0, values, TFT_STATE_NONE, -1, NULL), TFT_OK);
    assert_int_equal(tft_dataset_add(&d, "a", 1, 300000 * 900, values, TFT_STATE_NONE, -1, NULL), TFT_OK);
    tft_error err = {0};
    assert_int_equal(tft_dataset_add(&d, "b", 1, 0, values, TFT_STATE_NONE, -1, NULL), TFT_OK);
    assert_int_equal(tft_dataset_add(&d, "b", 1, 300000 * 200, values, TFT_STATE_NONE, -1, &err), TFT_ERR_LIMIT);
    tft_dataset_close(&d);
}

static void the_header_is_told_without_reading_the_rest(void **state)
{
    (void)state;
    char **columns;
    size_t n;
    assert_int_equal(tft_csv_header(file_of("date,\"a,b\",OT\nrubbish\"\n"), &columns, &n, NULL), TFT_OK);
    unlink(path);
    assert_int_equal(n, 3);
    assert_string_equal(columns[0], "date");
    assert_string_equal(columns[1], "a,b");
    assert_string_equal(columns[2], "OT");
    tft_csv_header_free(columns, n);
    tft_error err = {0};
    assert_int_equal(tft_csv_header("/nonexistent.csv", &columns, &n, &err), TFT_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent.csv: "));
}

/* One file of bad_csv/ against its .expected: "rows rejected :line: fault", or "refused: why". */
static void check_bad_file(const char *name)
{
    char file[512], expected_file[512], got[1200];
    char *expected;
    size_t n;
    snprintf(file, sizeof file, "%s/%s", FOLDER, name);
    snprintf(expected_file, sizeof expected_file, "%.*s.expected", (int)(strlen(file) - 4), file);
    assert_int_equal(tft_file_read(expected_file, 4096, &expected, &n, NULL), TFT_OK);
    tft_dataset d = open_default();
    tft_error err = {0};
    if (tft_dataset_read_csv(&d, file, NULL, &err) == TFT_OK)
        snprintf(got, sizeof got, "%zu %zu %s\n", d.n_rows, d.n_rejected,
                 strncmp(d.first_fault, file, strlen(file)) == 0 ? d.first_fault + strlen(file) : d.first_fault);
    else
        snprintf(got, sizeof got, "refused: %s\n",
                 strncmp(err.text, file, strlen(file)) == 0 ? err.text + strlen(file) + 2 : err.text);
    if (strcmp(got, expected) != 0)
        print_error("%s\n", name);
    assert_string_equal(got, expected);
    free(expected);
    tft_dataset_close(&d);
}

static void every_bad_file_is_told_what_is_wrong_with_it(void **state)
{
    (void)state;
    DIR *const folder = opendir(FOLDER);
    assert_non_null(folder);
    size_t n = 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        const size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 4, ".csv") != 0)
            continue;
        check_bad_file(entry->d_name);
        n++;
    }
    closedir(folder);
    assert_true(n >= 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_placed_by_server_and_time),
        cmocka_unit_test(a_repeated_row_counts_once),
        cmocka_unit_test(a_row_without_values_is_a_missing_row_unless_offline),
        cmocka_unit_test(a_bad_cell_does_not_cost_its_neighbours),
        cmocka_unit_test(a_profile_comes_from_the_row_or_from_the_name),
        cmocka_unit_test(a_file_without_a_server_column_is_one_server),
        cmocka_unit_test(named_columns_are_taken_and_must_be_there),
        cmocka_unit_test(sorting_orders_servers_by_name_and_loses_nothing),
        cmocka_unit_test(the_memory_of_steps_is_bounded),
        cmocka_unit_test(the_header_is_told_without_reading_the_rest),
        cmocka_unit_test(every_bad_file_is_told_what_is_wrong_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
