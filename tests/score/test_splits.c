/* test_splits.c - which windows a split has. */
#include "data.h"

#include "score/splits.h"

#define STEP_MS INT64_C(300000)

static double one(size_t server, int64_t step)
{
    (void)server, (void)step;
    return 1;
}

static score_selection all_of_it(size_t every)
{
    return (score_selection){.from_ms = INT64_MIN, .to_ms = INT64_MAX, .every = every};
}

static void origins_lie_on_the_clock_while_all_targets_are_in_the_data(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    assert_int_equal(tft_dataset_open(&contract, &data, NULL), TFT_OK);
    for (int64_t i = 5; i < 5 + 200; i++) // steps 5 … 204
        data_put(&data, "x", i, one(0, i), TFT_STATE_NONE);
    const score_selection selection = all_of_it(24);
    score_windows windows;
    assert_int_equal(score_windows_list(&data, &selection, &windows, NULL), TFT_OK);
    assert_int_equal(windows.n, 4); // 24, 48, 72, 96; the targets of 108 end at 204, but 120's would not
    assert_int_equal(windows.items[0].origin, 24);
    assert_int_equal(windows.items[3].origin, 96);
    assert_int_equal(windows.n_origins, 4);
    score_windows_free(&windows);
    score_selection every = all_of_it(1);
    assert_int_equal(score_windows_list(&data, &every, &windows, NULL), TFT_OK);
    assert_int_equal(windows.n, 200 - 96);
    assert_int_equal(windows.items[windows.n - 1].origin, 204 - 96);
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

static void from_is_the_first_origin_and_to_ends_the_targets(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    data_fill(&data, &contract, 2, 500, one);
    score_selection selection = all_of_it(12);
    selection.from_ms = 100 * STEP_MS - 1; // the next origin on the clock: 108
    selection.to_ms = 300 * STEP_MS;       // the last target step is 299
    score_windows windows;
    assert_int_equal(score_windows_list(&data, &selection, &windows, NULL), TFT_OK);
    assert_int_equal(windows.items[0].origin, 108);
    assert_int_equal(windows.items[windows.n - 1].origin, 192); // 192 + 96 = 288; 204 + 96 = 300 is too late
    assert_int_equal(windows.n_servers, 2);
    assert_int_equal(windows.n, 2 * 8);
    assert_int_equal(windows.items[8].server, 1);
    score_windows_free(&windows);
    selection.to_ms++; // now the step 300 starts before `to`
    assert_int_equal(score_windows_list(&data, &selection, &windows, NULL), TFT_OK);
    assert_int_equal(windows.items[windows.n - 1].origin, 204);
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

static void a_window_needs_a_record_at_its_origin_that_is_not_offline(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    assert_int_equal(tft_dataset_open(&contract, &data, NULL), TFT_OK);
    for (int64_t i = 0; i < 200; i++) {
        if (i == 24)
            continue;
        data_put(&data, "x", i, i == 72 ? (double)NAN : 1, i == 48 ? TFT_STATE_OFFLINE : TFT_STATE_NONE);
    }
    const score_selection selection = all_of_it(24);
    score_windows windows;
    assert_int_equal(score_windows_list(&data, &selection, &windows, NULL), TFT_OK);
    assert_int_equal(windows.n, 3); // 0, 72 (a row without a value is a row), 96
    assert_int_equal(windows.items[0].origin, 0);
    assert_int_equal(windows.items[1].origin, 72);
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

static void blocks_of_servers_are_told_by_their_numbers(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    assert_int_equal(tft_dataset_open(&contract, &data, NULL), TFT_OK);
    const int numbers[] = {60, 61, 80, 101, 161, 180, 181};
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
        char name[32];
        snprintf(name, sizeof name, "vm%03d", numbers[k]);
        for (int64_t i = 0; i < 100; i++)
            data_put(&data, name, i, 1, TFT_STATE_NONE);
    }
    tft_dataset_sort(&data);
    score_selection selection = all_of_it(100);
    selection.servers = "3/5x20";
    score_windows windows;
    assert_int_equal(score_windows_list(&data, &selection, &windows, NULL), TFT_OK);
    assert_int_equal(windows.n, 4); // 61, 80, 161, 180
    assert_string_equal(data.names[windows.items[0].server], "vm061");
    assert_string_equal(data.names[windows.items[3].server], "vm180");
    score_windows_free(&windows);
    selection.all_but_servers = true;
    assert_int_equal(score_windows_list(&data, &selection, &windows, NULL), TFT_OK);
    assert_int_equal(windows.n, 3);
    assert_string_equal(data.names[windows.items[0].server], "vm060");
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

static void no_window_is_an_error_that_says_what_was_looked_for(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    data_fill(&data, &contract, 1, 50, one); // shorter than the horizon
    const score_selection selection = all_of_it(1);
    score_windows windows;
    tft_error err = {0};
    assert_int_equal(score_windows_list(&data, &selection, &windows, &err), TFT_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "96 steps after it"));
    assert_null(windows.items);
    tft_dataset_close(&data);
}

static void a_fixed_part_of_another_size_of_data_is_refused(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    data_fill(&data, &contract, 1, 200, one);
    score_selection selection = all_of_it(1);
    selection.chosen = 1000;
    score_windows windows;
    tft_error err = {0};
    assert_int_equal(score_windows_list(&data, &selection, &windows, &err), TFT_ERR_MISMATCH);
    tft_dataset_close(&data);
}

static void the_named_splits_are_found_and_no_others(void **state)
{
    (void)state;
    assert_int_equal(score_split_find("dev-unseen")->selection.every, 24);
    assert_true(score_split_find("dev-later")->selection.all_but_servers);
    assert_int_equal(score_split_find("dev-later-anchor")->selection.chosen, 6567);
    assert_null(score_split_find("dev"));
}

static void a_rule_is_read_or_named_as_wrong(void **state)
{
    (void)state;
    const tft_contract contract = data_contract(2);
    tft_incident_rule rule;
    assert_int_equal(score_incident_rule("b>=90.5x3", &contract, &rule, NULL), TFT_OK);
    assert_true(rule.by_metric && rule.metric == 1 && rule.steps == 3);
    assert_double_equal(rule.level, 90.5, 0);
    assert_int_equal(score_incident_rule("state", &contract, &rule, NULL), TFT_OK);
    assert_false(rule.by_metric);
    const char *const wrong[] = {"",          "b",        "b>=",    "b>=x3", "b>=90",   "b>=90x0",
                                 "b>=90x1.5", "b>=90x-1", "c>=1x1", ">=1x1", "b>=90x3x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(score_incident_rule(wrong[i], &contract, &rule, NULL), TFT_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_lie_on_the_clock_while_all_targets_are_in_the_data),
        cmocka_unit_test(from_is_the_first_origin_and_to_ends_the_targets),
        cmocka_unit_test(a_window_needs_a_record_at_its_origin_that_is_not_offline),
        cmocka_unit_test(blocks_of_servers_are_told_by_their_numbers),
        cmocka_unit_test(no_window_is_an_error_that_says_what_was_looked_for),
        cmocka_unit_test(a_fixed_part_of_another_size_of_data_is_refused),
        cmocka_unit_test(the_named_splits_are_found_and_no_others),
        cmocka_unit_test(a_rule_is_read_or_named_as_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
