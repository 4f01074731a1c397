/* test_optimizer.c - tests src/train/optimizer.c on a real network's layout. */
#include "train/fleet.h"

#include "tft/window.h"
#include "train/optimizer.h"

typedef struct kit {
    tft_model *model;
    tft_workspace *workspaces[3];
    tft_optimizer optimizer;
    tft_pool *pool;
} kit;

static int open_kit(void **state)
{
    static kit k;
    static tft_config config;
    const float quantiles[3] = {0.1f, 0.5f, 0.9f};
    const tft_contract c = small_contract(2, 3600000, 24, 6);
    config = (tft_config){.hidden_size = 24, .n_heads = 2, .lstm_layers = 1, .hidden_continuous_size = 4};
    assert_int_equal(tft_features_config(&c, quantiles, 3, true, true, &config, NULL), TFT_OK);
    assert_int_equal(tft_model_open(&config, &k.model, NULL), TFT_OK);
    tft_model_randomize(k.model, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(tft_workspace_open(k.model, 2, 24, 6, true, &k.workspaces[i], NULL), TFT_OK);
    assert_int_equal(tft_pool_open(2, &k.pool, NULL), TFT_OK);
    assert_int_equal(tft_optimizer_open(k.model, k.workspaces[0], &k.optimizer, NULL), TFT_OK);
    *state = &k;
    return 0;
}

static int close_kit(void **state)
{
    kit *const k = *state;
    tft_optimizer_close(&k->optimizer);
    tft_pool_close(k->pool);
    for (size_t i = 0; i < 3; i++)
        tft_workspace_close(k->workspaces[i]);
    tft_model_close(k->model);
    return 0;
}

/* Gradients that differ between workspaces, parameters and places. */
static void fill_gradients(const kit *k)
{
    for (size_t w = 0; w < 3; w++) {
        tft_workspace_zero_gradients(k->workspaces[w]);
        for (size_t i = 0; i < tft_model_n_parameters(k->model); i++) {
            float *const g = tft_workspace_gradient(k->workspaces[w], i);
            for (size_t j = 0; j < tft_model_parameter(k->model, i).n; j++)
                g[j] = (float)sin((double)(1 + w) * (double)(i * 131 + j)) * 0.01f;
        }
    }
}

static void every_value_lies_in_exactly_one_chunk(void **state)
{
    const kit *const k = *state;
    uint8_t *const covered = calloc(k->optimizer.n, 1);
    size_t n = 0;
    for (size_t c = 0; c < k->optimizer.n_chunks; c++) {
        const tft_chunk *const chunk = &k->optimizer.chunks[c];
        for (size_t j = 0; j < chunk->n; j++) {
            assert_int_equal(covered[chunk->offset + j], 0);
            covered[chunk->offset + j] = 1;
            n++;
        }
    }
    assert_int_equal(n, tft_model_n_values(k->model));
    free(covered);
}

static void the_sum_of_gradients_and_its_norm_are_those_of_all_workspaces(void **state)
{
    kit *const k = *state;
    double square = 0;
    fill_gradients(k);
    const double norm = tft_optimizer_reduce(&k->optimizer, k->pool, k->workspaces, 3);
    for (size_t i = 0; i < tft_model_n_parameters(k->model); i++) {
        const float *const g = tft_workspace_gradient(k->workspaces[0], i);
        for (size_t j = 0; j < tft_model_parameter(k->model, i).n; j++) {
            const double at = (double)(i * 131 + j), sum = 0.01 * (sin(at) + sin(2 * at) + sin(3 * at));
            assert_true(fabs((double)g[j] - sum) < 1e-7);
            square += sum * sum;
        }
    }
    assert_true(fabs(norm / sqrt(square) - 1) < 1e-5);
}

static void one_bad_number_anywhere_shows_in_the_norm(void **state)
{
    kit *const k = *state;
    const size_t last = tft_model_n_parameters(k->model) - 1;
    fill_gradients(k);
    tft_workspace_gradient(k->workspaces[2], last)[tft_model_parameter(k->model, last).n - 1] = NAN;
    assert_true(!isfinite(tft_optimizer_reduce(&k->optimizer, k->pool, k->workspaces, 3)));
    fill_gradients(k);
    tft_workspace_gradient(k->workspaces[1], 0)[0] = HUGE_VALF;
    assert_true(!isfinite(tft_optimizer_reduce(&k->optimizer, k->pool, k->workspaces, 3)));
}

static void an_update_moves_every_weight_against_its_gradient_and_the_average_after_it(void **state)
{
    kit *const k = *state;
    const tft_adamw adamw = {
        .rate = 0.01, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8, .step = 1, .gradient_scale = 1};
    float *const before = calloc(k->optimizer.n, sizeof(float)), *const after = calloc(k->optimizer.n, sizeof(float));
    tft_optimizer_get(k->model, k->workspaces[0], before);
    memcpy(k->optimizer.ema, before, k->optimizer.n * sizeof(float));
    fill_gradients(k);
    tft_optimizer_reduce(&k->optimizer, k->pool, k->workspaces, 1);
    tft_optimizer_update(&k->optimizer, k->pool, k->workspaces[0], &adamw, 0.75);
    tft_optimizer_get(k->model, k->workspaces[0], after);
    const float *const g = tft_workspace_gradient(k->workspaces[0], 0);
    for (size_t c = 0; c < k->optimizer.n_chunks; c++) {
        const tft_chunk *const chunk = &k->optimizer.chunks[c];
        for (size_t j = chunk->offset; j < chunk->offset + chunk->n; j++) {
            if (fabsf(g[j]) > 1e-4f) // the first step of Adam is the rate, whatever the gradient
                assert_true(fabsf(after[j] - (before[j] - copysignf(0.01f, g[j]))) < 1e-4f);
            assert_true(fabsf(k->optimizer.ema[j] - (0.75f * before[j] + 0.25f * after[j])) < 1e-6f);
        }
    }
    tft_optimizer_put(before, k->model, k->workspaces[0]);
    free(before);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_lies_in_exactly_one_chunk),
        cmocka_unit_test(the_sum_of_gradients_and_its_norm_are_those_of_all_workspaces),
        cmocka_unit_test(one_bad_number_anywhere_shows_in_the_norm),
        cmocka_unit_test(an_update_moves_every_weight_against_its_gradient_and_the_average_after_it)};
    return cmocka_run_group_tests(tests, open_kit, close_kit);
}
