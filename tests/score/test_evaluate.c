/* test_evaluate.c - whole runs on made-up fleets: the same cells for everybody, the same bytes on any number of threads. */
#include "data.h"

#include "base/json.h"
#include "score/evaluate.h"
#include "score/report.h"

static score_windows list(const tft_dataset *data, size_t every)
{
    const score_selection selection = {.from_ms = INT64_MIN, .to_ms = INT64_MAX, .every = every};
    score_windows windows;
    assert_int_equal(score_windows_list(data, &selection, &windows, NULL), TFT_OK);
    return windows;
}

static score_result run(const tft_dataset *data, const score_windows *windows, const score_source *source,
                        size_t n_threads)
{
    score_result result;
    tft_error err = {0};
    const score_evaluation evaluation = {.dataset = data, .windows = windows, .source = source, .n_threads = n_threads};
    const tft_status status = score_evaluate(&evaluation, &result, &err);
    if (status != TFT_OK)
        print_message("%s\n", err.text);
    assert_int_equal(status, TFT_OK);
    return result;
}

/* Sources: one that sees the future, one that says the last value, one that answers every other window, one that says NaN. */
typedef enum fake_kind { ORACLE, PERSISTENCE, EVERY_OTHER, NOT_FINITE } fake_kind;

typedef struct fake {
    const tft_dataset *data;
    fake_kind kind;
} fake;

static float value_at(const tft_series *series, int64_t step, size_t metric)
{
    const int64_t i = tft_series_index(series, step);
    return i < 0 ? NAN : series->values[(size_t)i * series->n_metrics + metric];
}

static tft_status fake_run(void *context, const score_window *windows, size_t n, float *levels, uint8_t *ok,
                           float *incident, tft_error *err)
{
    (void)err;
    const fake *const f = context;
    const size_t horizon = f->data->contract.horizon, n_metrics = tft_contract_targets(&f->data->contract);
    for (size_t i = 0; i < n; i++) {
        const tft_series *const series = &f->data->series[windows[i].server];
        ok[i] = f->kind != EVERY_OTHER || windows[i].origin % 2 == 0;
        for (size_t m = 0; m < n_metrics; m++) {
            for (size_t t = 0; t < horizon; t++) {
                const int64_t step = windows[i].origin + (f->kind == ORACLE ? (int64_t)t + 1 : 0);
                float value = f->kind == NOT_FINITE ? NAN : value_at(series, step, m);
                value = f->kind == ORACLE && isnan(value) ? 0 : value;
                for (size_t q = 0; q < SCORE_N_LEVELS; q++)
                    levels[((i * n_metrics + m) * horizon + t) * SCORE_N_LEVELS + q] = value;
            }
        }
        for (size_t t = 0; incident != NULL && t < horizon; t++)
            incident[i * horizon + t] = 0.25f;
    }
    return TFT_OK;
}

static score_source source_of(fake *f)
{
    return (score_source){.name = "fake", .label = "fake", .incidents = true, .context = f, .run = fake_run};
}

static void who_sees_the_future_has_no_loss_and_beats_everybody(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(2);
    data_fill(&data, &contract, 3, 4 * STEPS_A_DAY, data_noise);
    score_windows windows = list(&data, 24);
    fake f = {&data, ORACLE};
    const score_source source = source_of(&f);
    score_result result = run(&data, &windows, &source, 2);
    assert_int_equal(result.n_forecasters, SCORE_N_BASELINES + 1);
    for (size_t m = 0; m < 2; m++) {
        const score_sums own = score_result_all(&result, 0, m);
        assert_int_equal(own.n, windows.n * 96);
        assert_double_equal(score_crps(&own), 0, 0);
        assert_double_equal(score_coverage_80(&own), 1, 0);
        assert_true(score_result_gm(&result, 0, m) < 1e-3);
        for (size_t k = 1; k < result.n_forecasters; k++) {
            const score_sums other = score_result_all(&result, k, m);
            assert_int_equal(other.n, own.n); // the same cells for everybody
            assert_double_equal(other.abs_y, own.abs_y, 1e-6);
            assert_true(score_crps(&other) > 0);
        }
    }
    score_result_free(&result);
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

static void the_last_value_from_outside_equals_the_baseline_to_the_bit(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    data_fill(&data, &contract, 2, 3 * STEPS_A_DAY, data_noise);
    score_windows windows = list(&data, 7);
    fake f = {&data, PERSISTENCE};
    const score_source source = source_of(&f);
    score_result result = run(&data, &windows, &source, 1);
    for (size_t b = 0; b < result.bands.n; b++)
        assert_memory_equal(score_result_band(&result, 0, 0, b), score_result_band(&result, 1 + SCORE_LAST_VALUE, 0, b),
                            sizeof(score_sums));
    score_result_free(&result);
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

static void the_number_of_threads_changes_not_one_bit(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(2);
    data_fill(&data, &contract, 5, 3 * STEPS_A_DAY, data_noise);
    score_windows windows = list(&data, 5);
    assert_true(windows.n > 300); // several chunks, the last one not full
    score_result one = run(&data, &windows, NULL, 1), three = run(&data, &windows, NULL, 3);
    const size_t n_sums = one.n_forecasters * one.n_metrics * one.bands.n;
    assert_memory_equal(one.sums, three.sums, n_sums * sizeof *one.sums);
    assert_memory_equal(one.server_loss, three.server_loss,
                        one.n_forecasters * one.n_metrics * one.n_servers * sizeof *one.server_loss);
    score_result_free(&one);
    score_result_free(&three);
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

static void losses_per_server_add_up_to_the_pooled_one(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    data_fill(&data, &contract, 4, 2 * STEPS_A_DAY, data_noise);
    score_windows windows = list(&data, 11);
    score_result result = run(&data, &windows, NULL, 2);
    for (size_t f = 0; f < result.n_forecasters; f++) {
        double sum = 0;
        for (size_t s = 0; s < 4; s++)
            sum += result.server_loss[f * 4 + s];
        const score_sums all = score_result_all(&result, f, 0);
        assert_double_equal(sum / score_loss(&all), 1, 1e-12);
    }
    assert_double_equal(score_result_gm(&result, SCORE_QUANTILES_24H, 0), 1, 0); // against itself
    score_result_free(&result);
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

static void declining_a_window_is_scored_as_the_last_value_and_counted(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    data_fill(&data, &contract, 1, 2 * STEPS_A_DAY, data_noise);
    score_windows windows = list(&data, 3);
    fake f = {&data, EVERY_OTHER};
    const score_source source = source_of(&f);
    score_result result = run(&data, &windows, &source, 1);
    size_t odd = 0;
    for (size_t i = 0; i < windows.n; i++)
        odd += windows.items[i].origin % 2 != 0;
    assert_true(odd > 0);
    assert_int_equal(result.n_refused, odd);
    const score_sums own = score_result_all(&result, 0, 0), last = score_result_all(&result, 1, 0);
    assert_int_equal(own.n, last.n);
    assert_double_equal(own.abs_error, last.abs_error, 0); // the other windows said the last value, too
    score_result_free(&result);
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

static void a_forecast_that_is_not_a_number_is_an_error_with_server_and_step(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    data_fill(&data, &contract, 1, 2 * STEPS_A_DAY, data_noise);
    score_windows windows = list(&data, 100);
    fake f = {&data, NOT_FINITE};
    const score_source source = source_of(&f);
    const score_evaluation evaluation = {.dataset = &data, .windows = &windows, .source = &source, .n_threads = 1};
    score_result result;
    tft_error err = {0};
    assert_int_equal(score_evaluate(&evaluation, &result, &err), TFT_ERR_FORMAT);
    assert_non_null(strstr(err.text, "s01"));
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

static void missing_and_switched_off_targets_are_not_scored(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    assert_int_equal(tft_dataset_open(&contract, &data, NULL), TFT_OK);
    for (int64_t i = 0; i <= 96; i++) {
        const double value = i == 10 ? (double)NAN : 1;
        if (i != 20)
            data_put(&data, "x", i, value, i >= 30 && i < 35 ? TFT_STATE_OFFLINE : TFT_STATE_HEALTHY);
    }
    score_windows windows = list(&data, 96);
    assert_int_equal(windows.n, 1);
    score_result result = run(&data, &windows, NULL, 1);
    const score_sums all = score_result_all(&result, SCORE_LAST_VALUE, 0);
    assert_int_equal(all.n, 96 - 1 - 1 - 5);
    score_result_free(&result);
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

static bool stop_at_once(void *context, size_t done, size_t total)
{
    *(size_t *)context = done;
    return done == total;
}

static void stopping_is_told_as_interrupted(void **state)
{
    (void)state;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    data_fill(&data, &contract, 5, 2 * STEPS_A_DAY, data_noise);
    score_windows windows = list(&data, 1);
    size_t done = 0;
    score_evaluation evaluation = {.dataset = &data, .windows = &windows, .n_threads = 1};
    evaluation.progress = stop_at_once;
    evaluation.progress_context = &done;
    score_result result;
    assert_int_equal(score_evaluate(&evaluation, &result, NULL), TFT_ERR_INTERRUPTED);
    assert_true(done > 0 && done < windows.n);
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

static double with_incidents(size_t server, int64_t step)
{
    return step % 100 >= 90 && server == 0 ? 99 : 10;
}

static void the_report_is_json_with_everything_in_it(void **state)
{
    (void)state;
    tft_dataset data;
    tft_contract contract = data_contract(1);
    contract.incident = (tft_incident_rule){.by_metric = true, .level = 90, .steps = 3};
    data_fill(&data, &contract, 2, 2 * STEPS_A_DAY, with_incidents);
    score_windows windows = list(&data, 12);
    fake f = {&data, PERSISTENCE};
    const score_source source = source_of(&f);
    score_result result = run(&data, &windows, &source, 1);
    const score_report report = {.result = &result,
                                 .contract = &contract,
                                 .windows = &windows,
                                 .server_names = data.names,
                                 .title = "a \"title\"",
                                 .by_metric = true,
                                 .by_horizon = true,
                                 .by_server = true};
    tft_text text = tft_text_new(1 << 20);
    score_report_json(&report, &text);
    assert_false(text.failed);
    tft_json_document document;
    assert_int_equal(tft_json_parse(text.bytes, text.n, 16, &document, NULL), TFT_OK);
    double number;
    assert_true(tft_json_number(tft_json_at(document.root, "windows"), &number) && number == (double)windows.n);
    const tft_json *const metric = tft_json_item(tft_json_at(document.root, "metrics"), 0);
    assert_int_equal(tft_json_length(tft_json_at(metric, "forecasters")), SCORE_N_BASELINES + 1);
    assert_int_equal(tft_json_length(tft_json_at(metric, "servers")), 2);
    const tft_json *const horizons = tft_json_at(tft_json_at(document.root, "incidents"), "horizons");
    assert_int_equal(tft_json_length(horizons), 5);
    const tft_json *const forecasters = tft_json_at(tft_json_item(horizons, 0), "forecasters");
    assert_int_equal(tft_json_length(forecasters), 2);
    const double base = result.incidents[0].source.base_rate;
    assert_true(tft_json_number(tft_json_at(tft_json_item(forecasters, 0), "brier"), &number));
    assert_double_equal(number, base * 0.75 * 0.75 + (1 - base) * 0.25 * 0.25, 1e-12);
    tft_json_free(&document);

    tft_text_clear(&text);
    score_report_text(&report, &text);
    assert_non_null(strstr(text.bytes, "quantiles of last 24 h"));
    assert_non_null(strstr(text.bytes, "a: fake "));
    assert_non_null(strstr(text.bytes, "server's own frequency"));
    tft_text_free(&text);
    score_result_free(&result);
    score_windows_free(&windows);
    tft_dataset_close(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_sees_the_future_has_no_loss_and_beats_everybody),
        cmocka_unit_test(the_last_value_from_outside_equals_the_baseline_to_the_bit),
        cmocka_unit_test(the_number_of_threads_changes_not_one_bit),
        cmocka_unit_test(losses_per_server_add_up_to_the_pooled_one),
        cmocka_unit_test(declining_a_window_is_scored_as_the_last_value_and_counted),
        cmocka_unit_test(a_forecast_that_is_not_a_number_is_an_error_with_server_and_step),
        cmocka_unit_test(missing_and_switched_off_targets_are_not_scored),
        cmocka_unit_test(stopping_is_told_as_interrupted),
        cmocka_unit_test(the_report_is_json_with_everything_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
