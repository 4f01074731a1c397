/* test_forecaster.c - tests src/train/forecaster.c on a model that was trained for a second. */
#include "train/small_training.h"

#include "tft/forecaster.h"

typedef struct kit {
    small_folder out;
    tft_dataset dataset;
    char path[512];
    tft_forecaster *forecaster;
} kit;

#define HORIZON 8
#define Q 6 // two targets of three quantiles
#define CONTEXT 24

static int open_kit(void **state)
{
    static kit k;
    k.out = folder_make();
    tft_contract c = small_contract(2, 3600000, CONTEXT, HORIZON);
    c.metrics[0].max = 20; // below what the larger servers reach: forecasts must be cut there
    c.incident.level = 15;
    assert_int_equal(tft_dataset_open(&c, &k.dataset, NULL), TFT_OK);
    fill_fleet(&k.dataset, 12, 300, 0.2);
    tft_train_options o = small_options(&k.out);
    o.hazard = true;
    assert_int_equal(small_train(&k.dataset, &o, NULL, NULL, k.path), TFT_OK);
    assert_int_equal(tft_forecaster_open(k.path, 2, &k.forecaster, NULL), TFT_OK);
    *state = &k;
    return 0;
}

static int close_kit(void **state)
{
    kit *const k = *state;
    tft_forecaster_close(k->forecaster);
    tft_dataset_close(&k->dataset);
    folder_remove(&k->out);
    return 0;
}

static tft_request request_at(const kit *k, size_t server, int64_t index)
{
    const tft_series *const s = &k->dataset.series[server];
    return (tft_request){.series = s, .origin = s->first_step + index};
}

static void a_forecaster_knows_its_name_and_contract(void **state)
{
    const kit *const k = *state;
    assert_string_equal(tft_forecaster_directory(k->forecaster), k->path);
    assert_string_equal(tft_forecaster_name(k->forecaster), strrchr(k->path, '/') + 1);
    assert_int_equal(tft_forecaster_contract(k->forecaster)->horizon, HORIZON);
    assert_int_equal(tft_config_outputs(tft_forecaster_config(k->forecaster)), Q);
}

static void a_request_may_show_the_network_fewer_steps(void **state)
{
    const kit *const k = *state;
    const tft_config *const n = tft_forecaster_config(k->forecaster);
    const size_t ne = n->encoder_inputs.n_reals + n->encoder_inputs.n_embeddings;
    float *const encoder = calloc(2 * CONTEXT * ne, sizeof(float));
    float *const quantiles = calloc(2 * HORIZON * Q, sizeof(float));
    uint8_t ok[2];
    tft_request requests[2] = {request_at(k, 5, 140), request_at(k, 5, 140)};
    requests[1].encoder = 4;
    const tft_forecast forecast = {.quantiles = quantiles, .ok = ok, .encoder_selection = encoder};
    assert_int_equal(tft_forecaster_run(k->forecaster, requests, 2, 0, &forecast, NULL), TFT_OK);
    assert_true(ok[0] && ok[1]);
    for (size_t i = 0; i < CONTEXT; i++) { // rows of steps that were not read are 0
        assert_true(encoder[i * ne] > 0);
        assert_true((encoder[(CONTEXT + i) * ne] > 0) == (i < 4));
    }
    assert_memory_not_equal(quantiles, quantiles + HORIZON * Q, HORIZON * Q * sizeof(float));
    free(encoder);
    free(quantiles);
}

static void quantiles_never_cross_and_stay_in_range(void **state)
{
    const kit *const k = *state;
    static float quantiles[12 * 30][HORIZON][Q];
    static uint8_t ok[12 * 30];
    static tft_request requests[12 * 30];
    size_t n_at_limit = 0;
    for (size_t i = 0; i < 12 * 30; i++)
        requests[i] = request_at(k, i % 12, 5 + (int64_t)(i / 12) * 9);
    const tft_forecast forecast = {.quantiles = &quantiles[0][0][0], .ok = ok};
    assert_int_equal(tft_forecaster_run(k->forecaster, requests, 12 * 30, 0, &forecast, NULL), TFT_OK);
    for (size_t i = 0; i < 12 * 30; i++) {
        assert_int_equal(ok[i], 1);
        for (size_t t = 0; t < HORIZON; t++) {
            for (size_t q = 0; q < Q; q++) {
                const float x = quantiles[i][t][q];
                assert_true(isfinite(x) && x >= 0);
                assert_true(q % 3 == 0 || x >= quantiles[i][t][q - 1]);
                if (q < 3) {
                    assert_true(x <= 20);
                    n_at_limit += x >= 20;
                }
            }
        }
    }
    assert_true(n_at_limit > 0); // the cut was needed
}

static void incident_probabilities_never_fall(void **state)
{
    const kit *const k = *state;
    float incident[12][HORIZON];
    uint8_t ok[12];
    tft_request requests[12];
    for (size_t i = 0; i < 12; i++)
        requests[i] = request_at(k, i, 250);
    const tft_forecast forecast = {.incident = &incident[0][0], .ok = ok};
    assert_int_equal(tft_forecaster_run(k->forecaster, requests, 12, 0, &forecast, NULL), TFT_OK);
    for (size_t i = 0; i < 12; i++) {
        for (size_t t = 0; t < HORIZON; t++) {
            assert_true(incident[i][t] > 0 && incident[i][t] < 1);
            assert_true(t == 0 || incident[i][t] >= incident[i][t - 1]);
        }
    }
}

static void a_window_with_too_little_history_is_not_ok_and_its_rows_stay(void **state)
{
    const kit *const k = *state;
    float quantiles[3][HORIZON][Q], incident[3][HORIZON];
    uint8_t ok[3] = {9, 9, 9};
    tft_request requests[3] = {request_at(k, 0, 100), request_at(k, 1, 0),
                               request_at(k, 2, 100)}; // one step of history
    for (size_t i = 0; i < 3 * HORIZON * Q; i++)
        (&quantiles[0][0][0])[i] = -7;
    const tft_forecast forecast = {.quantiles = &quantiles[0][0][0], .incident = &incident[0][0], .ok = ok};
    assert_int_equal(tft_forecaster_run(k->forecaster, requests, 3, 0, &forecast, NULL), TFT_OK);
    assert_int_equal(ok[0], 1);
    assert_int_equal(ok[1], 0);
    assert_int_equal(ok[2], 1);
    assert_true(quantiles[1][0][0] == -7.0f && quantiles[1][HORIZON - 1][Q - 1] == -7.0f);
    assert_true(quantiles[2][0][0] >= 0);
}

static void two_steps_of_history_are_enough(void **state)
{
    const kit *const k = *state;
    float quantiles[HORIZON][Q];
    uint8_t ok = 0;
    const tft_request request = request_at(k, 3, 1);
    const tft_forecast forecast = {.quantiles = &quantiles[0][0], .ok = &ok};
    assert_int_equal(tft_forecaster_run(k->forecaster, &request, 1, 0, &forecast, NULL), TFT_OK);
    assert_int_equal(ok, 1);
}

static void many_requests_give_what_each_alone_gives(void **state)
{
    const kit *const k = *state;
    float all[21][HORIZON][Q], one[HORIZON][Q];
    uint8_t ok[21];
    tft_request requests[21];
    for (size_t i = 0; i < 21; i++)
        requests[i] = request_at(k, i % 12, 3 + (int64_t)i * 11); // short and full histories beside each other
    const tft_forecast forecast = {.quantiles = &all[0][0][0], .ok = ok};
    assert_int_equal(tft_forecaster_run(k->forecaster, requests, 21, 0, &forecast, NULL), TFT_OK);
    for (size_t i = 0; i < 21; i++) {
        const tft_forecast alone = {.quantiles = &one[0][0], .ok = ok};
        assert_int_equal(tft_forecaster_run(k->forecaster, &requests[i], 1, 0, &alone, NULL), TFT_OK);
        for (size_t j = 0; j < HORIZON * Q; j++) {
            const float a = (&all[i][0][0])[j], b = (&one[0][0])[j];
            assert_true(fabsf(a - b) <= 1e-4f * (1 + fabsf(b)));
        }
    }
}

static void fewer_steps_are_the_first_ones_of_all(void **state)
{
    const kit *const k = *state;
    float all[2][HORIZON][Q], few[2][HORIZON][Q];
    uint8_t ok[2];
    const tft_request requests[2] = {request_at(k, 4, 100), request_at(k, 5, 40)};
    const tft_forecast whole = {.quantiles = &all[0][0][0], .ok = ok}, part = {.quantiles = &few[0][0][0], .ok = ok};
    assert_int_equal(tft_forecaster_run(k->forecaster, requests, 2, 0, &whole, NULL), TFT_OK);
    assert_int_equal(tft_forecaster_run(k->forecaster, requests, 2, 3, &part, NULL), TFT_OK);
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < 3 * Q; j++) // attention is causal: later steps cannot matter
            assert_true(fabsf((&all[i][0][0])[j] - (&few[i][0][0])[j]) <= 1e-4f * (1 + (&all[i][0][0])[j]));
    }
    assert_int_equal(tft_forecaster_run(k->forecaster, requests, 2, HORIZON + 1, &part, NULL), TFT_ERR_ARGUMENT);
}

static void explanations_are_distributions(void **state)
{
    const kit *const k = *state;
    const tft_config *const n = tft_forecaster_config(k->forecaster);
    const size_t ne = n->encoder_inputs.n_reals + n->encoder_inputs.n_embeddings,
                 nd = n->decoder_inputs.n_reals + n->decoder_inputs.n_embeddings,
                 ns = n->static_inputs.n_reals + n->static_inputs.n_embeddings;
    float *const attention = calloc(2 * HORIZON * n->n_heads * CONTEXT, sizeof(float));
    float *const encoder = calloc(2 * CONTEXT * ne, sizeof(float));
    float *const decoder = calloc(2 * HORIZON * nd, sizeof(float));
    float *const statics = calloc(2 * ns, sizeof(float));
    uint8_t ok[2];
    const tft_request requests[2] = {request_at(k, 4, 9), request_at(k, 5, 140)}; // 10 steps of history, and all
    const tft_forecast forecast = {.ok = ok,
                                   .encoder_attention = attention,
                                   .encoder_selection = encoder,
                                   .decoder_selection = decoder,
                                   .static_selection = statics};
    assert_int_equal(tft_forecaster_run(k->forecaster, requests, 2, 0, &forecast, NULL), TFT_OK);
    for (size_t i = 0; i < 2; i++) {
        double sum = 0;
        for (size_t v = 0; v < ns; v++)
            sum += (double)statics[i * ns + v];
        assert_true(fabs(sum - 1) < 1e-4);
        for (size_t t = 0; t < HORIZON; t++) {
            sum = 0;
            for (size_t v = 0; v < nd; v++)
                sum += (double)decoder[(i * HORIZON + t) * nd + v];
            assert_true(fabs(sum - 1) < 1e-4);
        }
        const float *const first = attention + i * HORIZON * n->n_heads * CONTEXT; // step 0 sees only the encoder
        for (size_t h = 0; h < n->n_heads; h++) {
            sum = 0;
            for (size_t e = 0; e < CONTEXT; e++) {
                sum += (double)first[h * CONTEXT + e];
                assert_true(i == 1 || e < 10 || first[h * CONTEXT + e] == 0);
            }
            assert_true(fabs(sum - 1) < 1e-4);
        }
    }
    free(attention);
    free(encoder);
    free(decoder);
    free(statics);
}

static void levels_between_quantiles_are_linear_and_beyond_them_constant(void **state)
{
    const float levels[3] = {0.1f, 0.5f, 0.9f}, values[3] = {1, 3, 10};
    (void)state;
    assert_true(tft_quantile_interpolate(levels, values, 3, 0.05f) == 1.0f);
    assert_true(tft_quantile_interpolate(levels, values, 3, 0.1f) == 1.0f);
    assert_true(fabsf(tft_quantile_interpolate(levels, values, 3, 0.3f) - 2) < 1e-5f);
    assert_true(fabsf(tft_quantile_interpolate(levels, values, 3, 0.6f) - 4.75f) < 1e-5f);
    assert_true(tft_quantile_interpolate(levels, values, 3, 0.99f) == 10.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_forecaster_knows_its_name_and_contract),
                                       cmocka_unit_test(a_request_may_show_the_network_fewer_steps),
                                       cmocka_unit_test(quantiles_never_cross_and_stay_in_range),
                                       cmocka_unit_test(incident_probabilities_never_fall),
                                       cmocka_unit_test(a_window_with_too_little_history_is_not_ok_and_its_rows_stay),
                                       cmocka_unit_test(two_steps_of_history_are_enough),
                                       cmocka_unit_test(many_requests_give_what_each_alone_gives),
                                       cmocka_unit_test(fewer_steps_are_the_first_ones_of_all),
                                       cmocka_unit_test(explanations_are_distributions),
                                       cmocka_unit_test(levels_between_quantiles_are_linear_and_beyond_them_constant)};
    return cmocka_run_group_tests(tests, open_kit, close_kit);
}
