/* test_baselines.c - what each baseline says about series whose future is plain to see. */
#include "data.h"

#include "score/baselines.h"
#include "score/scores.h"

#define HORIZON 96
#define ROW (HORIZON * SCORE_N_LEVELS)

typedef struct said {
    float out[SCORE_N_BASELINES * ROW];
} said;

static float at(const said *s, score_baseline b, size_t step, size_t level)
{
    return s->out[(size_t)b * ROW + (step - 1) * SCORE_N_LEVELS + level];
}

#define MEDIAN 5

/* Forecasts metric a of the first server after `origin`. */
static bool forecast(const tft_dataset *data, int64_t origin, said *s)
{
    score_baselines *b = NULL;
    assert_int_equal(score_baselines_open(&data->contract, &b, NULL), TFT_OK);
    memset(s, 0, sizeof *s);
    const bool ok = score_baselines_run(b, &data->series[0], origin, 0, s->out);
    score_baselines_close(b);
    return ok;
}

static double constant(size_t server, int64_t step)
{
    (void)server, (void)step;
    return 42;
}

static double ramp(size_t server, int64_t step)
{
    (void)server;
    return 0.25 * (double)step;
}

static void a_constant_is_forecast_exactly_by_all(void **state)
{
    (void)state;
    static said s;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    data_fill(&data, &contract, 1, 9 * STEPS_A_DAY, constant);
    const int64_t origins[3] = {0, 10, 9 * STEPS_A_DAY - 1}; // with one value, with few, with eight days
    for (size_t k = 0; k < 3; k++) {
        assert_true(forecast(&data, origins[k], &s));
        for (size_t i = 0; i < SCORE_N_BASELINES * ROW; i++)
            assert_float_equal(s.out[i], 42, 1e-3f);
    }
    tft_dataset_close(&data);
}

static void a_ramp_goes_on_for_the_trend_and_nobody_else(void **state)
{
    (void)state;
    static said s;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    data_fill(&data, &contract, 1, 3 * STEPS_A_DAY, ramp);
    const int64_t origin = 3 * STEPS_A_DAY - 1;
    assert_true(forecast(&data, origin, &s));
    const float newest = (float)ramp(0, origin);
    for (size_t step = 1; step <= HORIZON; step++) {
        assert_float_equal(at(&s, SCORE_LINEAR_TREND, step, MEDIAN), (float)ramp(0, origin + (int64_t)step), 1e-2f);
        assert_float_equal(at(&s, SCORE_LAST_VALUE, step, 0), newest, 0);
        assert_float_equal(at(&s, SCORE_YESTERDAY, step, MEDIAN), (float)ramp(0, origin + (int64_t)step - 288), 1e-3f);
    }
    const float low = (float)ramp(0, origin - 287); // the last day's 288 values
    assert_float_equal(at(&s, SCORE_QUANTILES_24H, 1, 1), low + 0.1f * (newest - low), 1e-3f);
    assert_float_equal(at(&s, SCORE_QUANTILES_24H, HORIZON, 9), low + 0.9f * (newest - low), 1e-3f);
    tft_dataset_close(&data);
}

static void the_trend_is_cut_to_the_range_of_the_metric(void **state)
{
    (void)state;
    static said s;
    tft_dataset data;
    tft_contract contract = data_contract(1);
    contract.metrics[0].min = 0;
    contract.metrics[0].max = 220;
    data_fill(&data, &contract, 1, 3 * STEPS_A_DAY, ramp);
    assert_true(forecast(&data, 3 * STEPS_A_DAY - 1, &s));
    assert_float_equal(at(&s, SCORE_LINEAR_TREND, HORIZON, MEDIAN), 220, 0);
    for (size_t i = 0; i < ROW; i++)
        assert_true(s.out[(size_t)SCORE_HOLT_WINTERS * ROW + i] <= 220);
    tft_dataset_close(&data);
}

static void a_daily_rhythm_is_known_to_yesterday_and_to_holt_winters(void **state)
{
    (void)state;
    static said s;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    data_fill(&data, &contract, 1, 9 * STEPS_A_DAY, data_sine);
    const int64_t origin = 8 * STEPS_A_DAY + 100;
    assert_true(forecast(&data, origin, &s));
    for (size_t step = 1; step <= HORIZON; step++) {
        const float truth = (float)data_sine(0, origin + (int64_t)step);
        assert_float_equal(at(&s, SCORE_YESTERDAY, step, MEDIAN), truth, 1e-3f);
        assert_float_equal(at(&s, SCORE_HOLT_WINTERS, step, MEDIAN), truth, 0.5f);
        assert_true(at(&s, SCORE_HOLT_WINTERS, step, 1) <= at(&s, SCORE_HOLT_WINTERS, step, 9));
    }
    tft_dataset_close(&data);
}

static void yesterdays_missing_value_is_replaced_by_the_newest(void **state)
{
    (void)state;
    static said s;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    assert_int_equal(tft_dataset_open(&contract, &data, NULL), TFT_OK);
    for (int64_t i = 0; i < 2 * STEPS_A_DAY; i++) {
        if (i != STEPS_A_DAY + 4)
            data_put(&data, "x", i, (double)i, TFT_STATE_NONE);
    }
    const int64_t origin = 2 * STEPS_A_DAY - 1;
    assert_true(forecast(&data, origin, &s));
    assert_float_equal(at(&s, SCORE_YESTERDAY, 4, MEDIAN), STEPS_A_DAY + 3, 0);
    assert_float_equal(at(&s, SCORE_YESTERDAY, 5, MEDIAN), (float)origin, 0); // step 5 looks at the gap
    tft_dataset_close(&data);
}

static void an_origin_without_a_value_uses_the_newest_one(void **state)
{
    (void)state;
    static said s;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    assert_int_equal(tft_dataset_open(&contract, &data, NULL), TFT_OK);
    data_put(&data, "x", 0, 5, TFT_STATE_NONE);
    data_put(&data, "x", 1, 6, TFT_STATE_NONE);
    data_put(&data, "x", 9, (double)NAN, TFT_STATE_NONE);
    assert_true(forecast(&data, 9, &s));
    assert_float_equal(at(&s, SCORE_LAST_VALUE, 1, MEDIAN), 6, 0);
    data_put(&data, "x", 9 + 8 * STEPS_A_DAY, (double)NAN, TFT_STATE_NONE);
    assert_false(forecast(&data, 1 + 8 * STEPS_A_DAY, &s)); // both values are older than eight days
    tft_dataset_close(&data);
}

static void values_of_steps_switched_off_are_not_history(void **state)
{
    (void)state;
    static said s;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    assert_int_equal(tft_dataset_open(&contract, &data, NULL), TFT_OK);
    data_put(&data, "x", 0, 5, TFT_STATE_HEALTHY);
    data_put(&data, "x", 1, 0, TFT_STATE_OFFLINE);
    assert_true(forecast(&data, 1, &s));
    assert_float_equal(at(&s, SCORE_LAST_VALUE, 1, MEDIAN), 5, 0);
    tft_dataset_close(&data);
}

static void nothing_after_the_origin_is_read(void **state)
{
    (void)state;
    static said with, without;
    tft_dataset longer, shorter;
    const tft_contract contract = data_contract(1);
    const int64_t origin = 8 * STEPS_A_DAY + 17;
    data_fill(&longer, &contract, 1, origin + 200, data_noise);
    data_fill(&shorter, &contract, 1, origin + 1, data_noise);
    assert_true(forecast(&longer, origin, &with));
    assert_true(forecast(&shorter, origin, &without));
    assert_memory_equal(&with, &without, sizeof with);
    tft_dataset_close(&longer);
    tft_dataset_close(&shorter);
}

static void the_hour_of_the_day_is_two_hours_wide_around_each_hour_of_the_horizon(void **state)
{
    (void)state;
    static said s;
    tft_dataset data;
    const tft_contract contract = data_contract(1);
    assert_int_equal(tft_dataset_open(&contract, &data, NULL), TFT_OK);
    const int64_t origin = 8 * STEPS_A_DAY - 1; // its horizon begins at step 0 of day 8
    for (int64_t i = 0; i <= origin; i++)       // steps 6 … 29 of each day are 1, all others 0
        data_put(&data, "x", i, i % STEPS_A_DAY >= 6 && i % STEPS_A_DAY < 30 ? 1 : 0, TFT_STATE_NONE);
    assert_true(forecast(&data, origin, &s));
    // hour 2 of the horizon is steps 13–24: its two hours are exactly those; the last day's median is 0
    assert_float_equal(at(&s, SCORE_HOUR_OF_DAY, 13, 1), 0.5f, 0);
    assert_float_equal(at(&s, SCORE_HOUR_OF_DAY, 24, 9), 0.5f, 0);
    assert_float_equal(at(&s, SCORE_HOUR_OF_DAY, 12, 1), 0, 0);
    assert_float_equal(at(&s, SCORE_HOUR_OF_DAY, 96, MEDIAN), 0, 0);
    tft_dataset_close(&data);
}

static void any_step_and_horizon_will_do(void **state)
{
    (void)state;
    const int64_t steps_ms[] = {1000, 60000, 900000, 3600000, 43200000, 86400000};
    for (size_t k = 0; k < sizeof steps_ms / sizeof steps_ms[0]; k++) {
        tft_dataset data;
        tft_contract contract = data_contract(2);
        contract.step_ms = steps_ms[k];
        contract.horizon = 7 + 50 * k;
        data_fill(&data, &contract, 1, 120, data_noise);
        score_baselines *b = NULL;
        assert_int_equal(score_baselines_open(&contract, &b, NULL), TFT_OK);
        const size_t n = SCORE_N_BASELINES * contract.horizon * SCORE_N_LEVELS;
        float *const out = test_malloc(n * sizeof *out);
        for (int64_t origin = 0; origin < 120; origin += 17) {
            assert_true(score_baselines_run(b, &data.series[0], origin, 1, out));
            for (size_t i = 0; i < n; i++)
                assert_true(isfinite(out[i]));
        }
        test_free(out);
        score_baselines_close(b);
        tft_dataset_close(&data);
    }
    tft_contract tiny = data_contract(1);
    tiny.step_ms = 1;
    score_baselines *b = NULL;
    tft_error err = {0};
    assert_int_equal(score_baselines_open(&tiny, &b, &err), TFT_ERR_LIMIT);
    assert_null(b);
}

static void names_are_those_of_the_contract(void **state)
{
    (void)state;
    assert_string_equal(score_baseline_name(SCORE_LAST_VALUE), "last_value");
    assert_string_equal(score_baseline_name(SCORE_YESTERDAY), "yesterday");
    assert_string_equal(score_baseline_name(SCORE_QUANTILES_24H), "quantiles_24h");
    assert_string_equal(score_baseline_name(SCORE_LINEAR_TREND), "linear_trend");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_is_forecast_exactly_by_all),
        cmocka_unit_test(a_ramp_goes_on_for_the_trend_and_nobody_else),
        cmocka_unit_test(the_trend_is_cut_to_the_range_of_the_metric),
        cmocka_unit_test(a_daily_rhythm_is_known_to_yesterday_and_to_holt_winters),
        cmocka_unit_test(yesterdays_missing_value_is_replaced_by_the_newest),
        cmocka_unit_test(an_origin_without_a_value_uses_the_newest_one),
        cmocka_unit_test(values_of_steps_switched_off_are_not_history),
        cmocka_unit_test(nothing_after_the_origin_is_read),
        cmocka_unit_test(the_hour_of_the_day_is_two_hours_wide_around_each_hour_of_the_horizon),
        cmocka_unit_test(any_step_and_horizon_will_do),
        cmocka_unit_test(names_are_those_of_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
