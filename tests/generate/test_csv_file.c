/* test_csv_file.c - whole files: plain and packed hold the same rows, half a file never has its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "fleet_run.h"
#include "generate/csv_file.h"
#include "tft/dataset.h"

static char folder[] = "/tmp/tftd-generate-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static tft_status write_file(const char *path, const generate_csv_plan *plan, size_t *n_rows, tft_error *err)
{
    generate_options o = options_of(20, 5);
    o.keep_offline = true;
    o.incident_rate = 10;
    generate_fleet *const fleet = open_fleet(&o);
    generate_output *output = NULL;
    tft_status status = generate_output_open(path, stdout, &output, err);
    if (status == TFT_OK)
        status = generate_csv_write(fleet, plan, o.seed, output, n_rows, err);
    const tft_status closed = generate_output_close(output, status == TFT_OK, err);
    generate_fleet_close(fleet);
    return status != TFT_OK ? status : closed;
}

static void packed_files_read_as_the_plain_one_does(void **state)
{
    (void)state;
    static const char *const names[] = {"a.csv", "a.csv.gz", "a.csv.xz", "a.csv.zst"};
    const generate_csv_plan plan = {.step_ms = STEP_MS, .length_ms = DAY_MS};
    const tft_contract contract = tft_contract_default();
    size_t n_offline[4] = {0};
    double sums[4] = {0};
    for (size_t i = 0; i < 4; i++) {
        size_t n_rows = 0;
        tft_error err = {0};
        tft_dataset data;
        assert_int_equal(write_file(in_folder(names[i]), &plan, &n_rows, &err), TFT_OK);
        assert_int_equal(n_rows, 20 * 288);
        assert_int_equal(tft_dataset_open(&contract, &data, &err), TFT_OK);
        assert_int_equal(tft_dataset_read_csv(&data, in_folder(names[i]), NULL, &err), TFT_OK);
        assert_int_equal(data.n_servers, 20);
        assert_int_equal(data.n_rows, 20 * 288);
        assert_int_equal(data.n_rejected, 0);
        for (size_t s = 0; s < 20; s++) {
            assert_int_equal(data.series[s].n_steps, 288);
            for (size_t t = 0; t < 288; t++) {
                n_offline[i] += data.series[s].states[t] == TFT_STATE_OFFLINE;
                const double cpu = (double)data.series[s].values[t * data.series[s].n_metrics];
                sums[i] += cpu >= 0 ? cpu : 0;
            }
        }
        assert_int_equal(data.series[tft_dataset_find(&data, "ppdb002", 7)].profile, TFT_PROFILE_DATABASE);
        tft_dataset_close(&data);
        assert_true(n_offline[i] > 0 && n_offline[i] == n_offline[0]);
        assert_true(sums[i] > 0 && sums[i] - sums[0] < 1e-9 && sums[0] - sums[i] < 1e-9);
    }
}

static void the_same_command_writes_the_same_bytes(void **state)
{
    (void)state;
    const generate_csv_plan plan = {.step_ms = STEP_MS, .length_ms = DAY_MS, .mixed = true};
    static const char *const names[] = {"m.csv.gz", "m.csv.xz", "m.csv.zst"};
    for (size_t i = 0; i < 3; i++) {
        char *a = NULL, *b = NULL;
        size_t n_a = 0, n_b = 0, n_rows;
        assert_int_equal(write_file(in_folder(names[i]), &plan, &n_rows, NULL), TFT_OK);
        assert_int_equal(tft_file_read(in_folder(names[i]), (size_t)1 << 24, &a, &n_a, NULL), TFT_OK);
        assert_int_equal(write_file(in_folder(names[i]), &plan, &n_rows, NULL), TFT_OK);
        assert_int_equal(tft_file_read(in_folder(names[i]), (size_t)1 << 24, &b, &n_b, NULL), TFT_OK);
        assert_int_equal(n_a, n_b);
        assert_memory_equal(a, b, n_a);
        free(a);
        free(b);
    }
}

static void the_mixed_scenario_shows_more_trouble_than_healthy(void **state)
{
    (void)state;
    size_t heavy[2] = {0};
    for (int mixed = 0; mixed < 2; mixed++) {
        const generate_csv_plan plan = {.step_ms = STEP_MS, .length_ms = 10 * DAY_MS, .mixed = mixed == 1};
        char *bytes = NULL;
        size_t n = 0, n_rows;
        assert_int_equal(write_file(in_folder("x.csv"), &plan, &n_rows, NULL), TFT_OK);
        assert_int_equal(tft_file_read(in_folder("x.csv"), (size_t)1 << 26, &bytes, &n, NULL), TFT_OK);
        for (const char *c = bytes; (c = strstr(c, ",heavy_load,")) != NULL; c++)
            heavy[mixed]++;
        free(bytes);
    }
    assert_true(heavy[1] > heavy[0] + 100);
}

static bool stop_at_once(void *context, double done, size_t n_rows)
{
    (void)context, (void)done, (void)n_rows;
    return false;
}

static void a_stopped_or_failed_write_leaves_no_file(void **state)
{
    (void)state;
    const generate_csv_plan plan = {.step_ms = 5000, .length_ms = 400 * DAY_MS, .progress = stop_at_once};
    size_t n_rows;
    tft_error err = {0};
    assert_int_equal(write_file(in_folder("stopped.csv.zst"), &plan, &n_rows, &err), TFT_ERR_INTERRUPTED);
    assert_false(tft_file_exists(in_folder("stopped.csv.zst")));
    char left[300];
    snprintf(left, sizeof left, "%s.tmp.%ld", in_folder("stopped.csv.zst"), (long)getpid());
    assert_false(tft_file_exists(left));
    err = (tft_error){0};
    assert_int_equal(write_file(in_folder("no/such/folder.csv"), &plan, &n_rows, &err), TFT_ERR_IO);
    assert_non_null(strstr(err.text, "no/such/folder.csv"));
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return tft_remove_folder(folder, NULL) != TFT_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_files_read_as_the_plain_one_does),
        cmocka_unit_test(the_same_command_writes_the_same_bytes),
        cmocka_unit_test(the_mixed_scenario_shows_more_trouble_than_healthy),
        cmocka_unit_test(a_stopped_or_failed_write_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
