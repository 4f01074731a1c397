/* test_model_spec.c - tests src/cli/model_spec.c and the shares of src/cli/train_data.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/model_spec.h"
#include "cli/train_data.h"

static tft_status parse(const char *text, model_spec *spec, tft_error *err)
{
    return model_spec_parse(text, strlen(text), spec, err);
}

static void an_empty_file_is_the_default(void **state)
{
    model_spec spec;
    (void)state;
    assert_int_equal(parse("", &spec, NULL), TFT_OK);
    assert_false(spec.metrics_given);
    assert_int_equal(spec.contract.n_metrics, tft_contract_default().n_metrics);
    assert_int_equal(parse("# nothing but a comment\n", &spec, NULL), TFT_OK);
}

static void every_kind_of_key_is_read(void **state)
{
    model_spec spec;
    tft_error err = {0};
    (void)state;
    assert_int_equal(
        parse("time: t\nserver: host\nstep: 15m\ncontext: 96\nhorizon: 48\nmemory: 700\n"
              "quantiles: [0.1, 0.5, 0.9]\n"
              "targets:\n  - cpu_pct\n  - {name: queue, unit: ms, min: 0, scale_floor: 0.5, legacy_name: q}\n"
              "observed: [net]\n"
              "incident: {by: metric, metric: queue, level: 100, steps: 3}\n"
              "network: {hidden: 24, dropout: 0.25, mixture: false, hazard: true}\n"
              "training: {lr: 0.003, batch: 32, max_time: 90s, seed: 18446744073709551615,\n"
              "  holdout_servers: 3/5x20, holdout_from: \"2013-08-25T00:00:00Z\"}\n",
              &spec, &err),
        TFT_OK);
    const tft_contract *const c = &spec.contract;
    assert_string_equal(spec.time, "t");
    assert_string_equal(spec.server, "host");
    assert_int_equal(c->step_ms, 900000);
    assert_int_equal(c->context, 96);
    assert_int_equal(c->horizon, 48);
    assert_true(spec.memory_given && c->memory == 700);
    assert_int_equal(c->n_metrics, 3);
    assert_string_equal(c->metrics[0].unit, "%"); // known from the default contract
    assert_string_equal(c->metrics[1].legacy_name, "q");
    assert_true(c->metrics[1].min == 0 && isinf(c->metrics[1].max) && c->metrics[1].scale_floor == 0.5);
    assert_true(spec.floor_given[1] && !spec.floor_given[2]);
    assert_true(c->metrics[1].target && !c->metrics[2].target);
    assert_true(c->incident.by_metric && c->incident.metric == 1 && c->incident.steps == 3);
    assert_int_equal(spec.train.n_quantiles, 3);
    assert_true(spec.train.quantiles[2] == 0.9f);
    assert_int_equal(spec.train.hidden_size, 24);
    assert_false(spec.train.mixture);
    assert_true(spec.hazard_given);
    assert_true(spec.train.learning_rate == 0.003 && spec.train.max_time_s == 90);
    assert_true(spec.train.seed == UINT64_MAX);
    assert_true(spec.train.scale_power[0] == 0.5 && spec.train.scale_power[TFT_MAX_METRICS - 1] == 0.5);
    assert_string_equal(spec.train.holdout_servers, "3/5x20");
    assert_true(spec.train.holdout_from_ms == INT64_C(1377388800000));
}

static void a_power_is_one_number_or_one_for_each_target(void **state)
{
    model_spec spec;
    (void)state;
    assert_int_equal(parse("training: {scale_power: 0.3}\n", &spec, NULL), TFT_OK);
    assert_true(spec.train.scale_power[0] == 0.3 && spec.train.scale_power[3] == 0.3);
    assert_int_equal(parse("training: {scale_power: [0.3, 0.4, 0.1]}\n", &spec, NULL), TFT_OK);
    assert_true(spec.train.scale_power[0] == 0.3 && spec.train.scale_power[1] == 0.4);
    assert_true(spec.train.scale_power[2] == 0.1 && spec.train.scale_power[3] == 0.1);
}

static void a_mistake_is_named_with_its_line(void **state)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {{"step: 5m\ncontecst: 3\n", "line 2: unknown key \"contecst\""},
                 {"training:\n  lr: fast\n", "line 2: lr is \"fast\""},
                 {"context: 2.5\n", "context is \"2.5\""},
                 {"context: -1\n", "context is \"-1\""},
                 {"network: {hidden: 1e9}\n", "hidden is \"1e9\""},
                 {"network: {mixture: maybe}\n", "true or false"},
                 {"quantiles: [0.5, 0.1]\n", "must rise"},
                 {"quantiles: []\n", "no quantile"},
                 {"quantiles: [0.5, 1.5]\n", "1.5"},
                 {"targets: cpu_pct\n", "list of metrics"},
                 {"targets: [a, a]\n", "twice"},
                 {"targets: [{unit: ms}]\n", "metric name of 0 bytes"},
                 {"observed: [a]\ntargets: [b]\n", "before \"observed\""},
                 {"targets: [a]\nincident: {by: metric, metric: b, level: 1}\n", "\"b\""},
                 {"incident: {by: moon}\n", "moon"},
                 {"training: {holdout_from: yesterday}\n", "yesterday"},
                 {"- a\n- b\n", "table"},
                 {"a: [1, 2\n", "line"},
                 {"training: {scale_power: []}\n", "scale_power: a list of 0 numbers"},
                 {"training: {scale_power: [0.3, much]}\n", "scale_power is \"much\""},
                 {"step: soon\n", "soon"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        model_spec spec;
        tft_error err = {0};
        assert_int_equal(parse(cases[i].text, &spec, &err), TFT_ERR_FORMAT);
        if (strstr(err.text, cases[i].fault) == NULL)
            print_message("%s -> %s\n", cases[i].text, err.text);
        assert_non_null(strstr(err.text, cases[i].fault));
    }
}

static void the_specs_of_the_repository_are_valid(void **state)
{
    static const char *const paths[] = {"models/specs/fleet.yaml", "models/specs/ettm1.yaml"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        model_spec spec;
        tft_error err = {0};
        assert_int_equal(model_spec_read(paths[i], &spec, &err), TFT_OK);
        assert_true(spec.metrics_given);
    }
}

static void a_share_stands_behind_an_at_sign(void **state)
{
    size_t n;
    double share;
    (void)state;
    assert_true(train_data_share("fleet.csv@0.25", &n, &share));
    assert_int_equal(n, 9);
    assert_true(share == 0.25);
    assert_true(train_data_share("fleet.csv", &n, &share));
    assert_true(n == 9 && share < 0);
    assert_true(train_data_share("me@home.csv", &n, &share)); // a name
    assert_true(n == 11 && share < 0);
    assert_false(train_data_share("fleet.csv@1.5", &n, &share));
    assert_false(train_data_share("fleet.csv@0", &n, &share));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_empty_file_is_the_default),
                                       cmocka_unit_test(every_kind_of_key_is_read),
                                       cmocka_unit_test(a_power_is_one_number_or_one_for_each_target),
                                       cmocka_unit_test(a_mistake_is_named_with_its_line),
                                       cmocka_unit_test(the_specs_of_the_repository_are_valid),
                                       cmocka_unit_test(a_share_stands_behind_an_at_sign)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
