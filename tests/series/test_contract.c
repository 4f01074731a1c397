/* test_contract.c - what the default contract is, and what a contract must not be. */
#include "check.h"

static void the_default_is_the_four_metrics_in_steps_of_five_minutes(void **state)
{
    (void)state;
    const tft_contract c = tft_contract_default();
    assert_int_equal(tft_contract_check(&c, NULL), TFT_OK);
    assert_int_equal(tft_contract_targets(&c), 4);
    assert_int_equal(c.step_ms, 300000);
    assert_int_equal(c.context, 288);
    assert_int_equal(c.horizon, 96);
    assert_int_equal(c.memory, 2304);
    assert_int_equal(tft_contract_find(&c, "latency_ms", 10), 3);
    assert_int_equal(tft_contract_find(&c, "latency_ms_", 10), 3);
    assert_int_equal(tft_contract_find(&c, "latency", 7), -1);
    assert_string_equal(c.metrics[2].legacy_name, "disk_percent");
}

static void refuses(const tft_contract *contract, const char *text)
{
    tft_error err = {0};
    assert_int_equal(tft_contract_check(contract, &err), TFT_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, text));
}

static void a_contract_that_cannot_be_used_is_named(void **state)
{
    (void)state;
    tft_contract c = tft_contract_default();
    c.n_metrics = 0;
    refuses(&c, "number of metrics is 0");
    c.n_metrics = TFT_MAX_METRICS + 1;
    refuses(&c, "number of metrics is 33");

    c = tft_contract_default();
    memset(c.metrics[1].name, 'x', sizeof c.metrics[1].name);
    refuses(&c, "metric 1: its name");
    c = tft_contract_default();
    c.metrics[1] = c.metrics[0];
    refuses(&c, "metric cpu_pct is there twice");
    c = tft_contract_default();
    c.metrics[0].min = 100.0;
    refuses(&c, "its range is 100 to 100");
    c = tft_contract_default();
    c.metrics[3].scale_floor = 0.0;
    refuses(&c, "scale_floor is 0");
    c.metrics[3].scale_floor = (double)NAN;
    refuses(&c, "scale_floor");
    c = tft_contract_default();
    c.metrics[1].target = false;
    refuses(&c, "disk_io_mb_s is a target behind an observed one");
    for (size_t m = 0; m < 4; m++)
        c.metrics[m].target = false;
    refuses(&c, "no metric is a target");
}

static void lengths_and_steps_are_bounded(void **state)
{
    (void)state;
    tft_contract c = tft_contract_default();
    c.step_ms = 999;
    refuses(&c, "step_ms is 999");
    c = tft_contract_default();
    c.context = 1;
    refuses(&c, "context is 1");
    c = tft_contract_default();
    c.horizon = 0;
    refuses(&c, "horizon is 0");
    c = tft_contract_default();
    c.memory = 287;
    refuses(&c, "memory is 287");
}

static void an_incident_rule_by_metric_names_a_metric_of_the_contract(void **state)
{
    (void)state;
    tft_contract c = tft_contract_default();
    c.incident = (tft_incident_rule){.by_metric = true, .metric = 4, .level = 90.0, .steps = 3};
    refuses(&c, "metric 4 of 4");
    c.incident.metric = 0;
    assert_int_equal(tft_contract_check(&c, NULL), TFT_OK);
    c.incident.level = HUGE_VAL;
    refuses(&c, "level");
    c.incident.level = 90.0;
    c.incident.steps = 0;
    refuses(&c, "number of steps is 0");
}

static void a_daily_step_and_observed_metrics_are_fine(void **state)
{
    (void)state;
    tft_contract c = contract_of(7);
    c.metrics[5].target = c.metrics[6].target = false;
    c.step_ms = 86400000;
    assert_int_equal(tft_contract_check(&c, NULL), TFT_OK);
    assert_int_equal(tft_contract_targets(&c), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_the_four_metrics_in_steps_of_five_minutes),
        cmocka_unit_test(a_contract_that_cannot_be_used_is_named),
        cmocka_unit_test(lengths_and_steps_are_bounded),
        cmocka_unit_test(an_incident_rule_by_metric_names_a_metric_of_the_contract),
        cmocka_unit_test(a_daily_step_and_observed_metrics_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
