/* test_features.c - the network that a contract asks for. */
#include "bench.h"

#include "series/features.h"

static void the_default_contract_has_the_inputs_that_the_docs_list(void **state)
{
    (void)state;
    bench *const b = bench_open(tft_contract_default());
    const tft_config *const c = &b->config;
    assert_int_equal(c->encoder_inputs.n_reals, 4 + 1 + 6);
    assert_int_equal(c->decoder_inputs.n_reals, 6 + 2 + 5 * 4 + 3);
    assert_int_equal(c->static_inputs.n_reals, 10 * 4 + 8);
    assert_int_equal(c->n_reals, 4 + 1 + 6 + 2 + 20 + 3 + 48); // the calendar is one variable in both places
    assert_int_equal(c->n_categoricals, 2);
    assert_int_equal(c->n_embeddings, 2);
    assert_string_equal(c->categorical_names[0], "state");
    assert_string_equal(c->categorical_names[1], "profile");
    assert_int_equal(c->embeddings[0].cardinality, 9);
    assert_int_equal(c->embeddings[1].cardinality, 7);
    assert_int_equal(c->encoder_inputs.n_embeddings, 1);
    assert_int_equal(c->static_inputs.n_embeddings, 1);
    assert_int_equal(c->decoder_inputs.n_embeddings, 0);
    assert_int_equal(c->max_encoder_length, 288);
    assert_int_equal(c->max_decoder_length, 96);
    assert_int_equal(c->n_targets, 4);
    assert_string_equal(c->targets[3].name, "latency_ms");
    assert_int_equal(c->targets[3].n_quantiles, 7);
    assert_int_equal(c->n_anchors, tft_window_anchors());
    assert_true(c->hazard);
    bench_close(b);
}

static void what_the_caller_set_before_is_kept(void **state)
{
    (void)state;
    static tft_config c;
    c.hidden_size = 64;
    c.n_heads = 4;
    c.dropout = 0.3f;
    const tft_contract contract = tft_contract_default();
    for (int again = 0; again < 2; again++) // and filling twice is the same as once
        assert_int_equal(tft_features_config(&contract, levels, N_LEVELS, false, false, &c, NULL), TFT_OK);
    assert_int_equal(c.hidden_size, 64);
    assert_int_equal(c.n_heads, 4);
    assert_int_equal(c.n_anchors, 0);
    assert_false(c.hazard);
    assert_int_equal(c.static_inputs.n_reals, 48);
}

static void observed_metrics_are_read_but_not_forecast(void **state)
{
    (void)state;
    tft_contract contract = contract_of(3);
    contract.metrics[2].target = false;
    contract.has_state = false;
    bench *const b = bench_open(contract);
    assert_int_equal(b->config.n_targets, 2);
    assert_int_equal(b->config.encoder_inputs.n_reals, 3 + 7);
    assert_int_equal(b->config.decoder_inputs.n_reals, 8 + 5 * 2 + 3);
    assert_int_equal(b->config.static_inputs.n_reals, 10 * 3 + 8);
    assert_int_equal(b->config.n_categoricals, 1);
    assert_string_equal(b->config.categorical_names[0], "profile");
    bench_close(b);
}

static void refuses(const tft_contract *contract, const float *quantiles, size_t n, tft_status expected,
                    const char *text)
{
    static tft_config c;
    tft_error err = {0};
    assert_int_equal(tft_features_config(contract, quantiles, n, true, true, &c, &err), expected);
    assert_non_null(strstr(err.text, text));
}

static void what_cannot_be_a_network_is_refused(void **state)
{
    (void)state;
    tft_contract contract = tft_contract_default();
    const float falling[] = {0.5f, 0.1f}, outside[] = {0.5f, 1.0f};
    refuses(&contract, falling, 2, TFT_ERR_ARGUMENT, "quantile 1 is 0.1");
    refuses(&contract, outside, 2, TFT_ERR_ARGUMENT, "quantile 1 is 1");
    refuses(&contract, levels, 0, TFT_ERR_ARGUMENT, "0 quantiles");
    strcpy(contract.metrics[1].name, "horizon");
    refuses(&contract, levels, 7, TFT_ERR_ARGUMENT, "two inputs would be called \"horizon\"");
    memset(contract.metrics[1].name, 'x', 63);
    refuses(&contract, levels, 7, TFT_ERR_LIMIT, "its name is too long");
    contract = contract_of(26);
    refuses(&contract, levels, 7, TFT_ERR_LIMIT, "the contract has too many metrics");
}

static void anchors_have_names(void **state)
{
    (void)state;
    tft_config config = {.clock_anchors = false};
    for (size_t k = 0; k < tft_window_anchors(); k++)
        assert_string_not_equal(tft_window_anchor_name(&config, k), "");
    assert_string_equal(tft_window_anchor_name(&config, tft_window_anchors()), "");
    assert_string_equal(tft_window_anchor_name(&config, 9), "same_minute_24h");
    config.clock_anchors = true;
    assert_string_equal(tft_window_anchor_name(&config, 9), "time_quantiles");
    assert_string_equal(tft_window_anchor_name(&config, 10), "last_and_changes_24h");
    assert_true(tft_window_anchors() <= TFT_MAX_ANCHORS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_contract_has_the_inputs_that_the_docs_list),
        cmocka_unit_test(what_the_caller_set_before_is_kept),
        cmocka_unit_test(observed_metrics_are_read_but_not_forecast),
        cmocka_unit_test(what_cannot_be_a_network_is_refused),
        cmocka_unit_test(anchors_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
