/* test_sampling.c - tests src/train/sampling.c and src/train/batch.c: what a training window shows and how it counts. */
#include "train/fleet.h"

#include "train/sampling.h"

typedef struct kit {
    tft_dataset dataset;
    tft_config config;
    tft_split split;
    tft_origins origins;
    tft_sampling sampling;
    tft_sampler sampler;
    tft_arena arena;
    tft_slot a, b;
    tft_pack pack;
} kit;

#define CONTEXT 24
#define HORIZON 6
#define M 2

static void layout(tft_arena *arena, kit *k)
{
    const tft_batch_shape shape = tft_batch_shape_of(&k->config, CONTEXT, HORIZON);
    tft_slot_layout(arena, &shape, true, &k->a);
    tft_slot_layout(arena, &shape, true, &k->b);
    tft_pack_layout(arena, &shape, 2, true, &k->pack);
    k->sampler.hidden = tft_arena_alloc(arena, k->dataset.contract.memory, 1);
}

static int open_kit(void **state)
{
    static kit k;
    const float quantiles[3] = {0.1f, 0.5f, 0.9f};
    const tft_contract c = small_contract(M, 3600000, CONTEXT, HORIZON);
    assert_int_equal(tft_dataset_open(&c, &k.dataset, NULL), TFT_OK);
    fill_fleet(&k.dataset, 4, 300, 0.1);
    for (size_t i = 0; i < 300; i++) // vm4 never sends its second metric
        k.dataset.series[3].values[i * M + 1] = NAN;
    k.config = (tft_config){.hidden_size = 8, .n_heads = 2, .lstm_layers = 1, .hidden_continuous_size = 4};
    assert_int_equal(tft_features_config(&c, quantiles, 3, true, false, &k.config, NULL), TFT_OK);
    assert_int_equal(tft_split_make(&k.dataset, &(tft_split_wish){.validation = "vm1"}, &k.split, NULL), TFT_OK);
    const tft_origin_filter filter = {.role = TFT_ROLE_TRAIN, .first_step = INT64_MIN, .last_step = INT64_MAX};
    assert_int_equal(tft_origins_find(&k.dataset, &k.split, &filter, &k.origins, NULL), TFT_OK);
    tft_arena count = {0};
    layout(&count, &k);
    assert_int_equal(tft_arena_init(&k.arena, count.used, NULL), TFT_OK);
    layout(&k.arena, &k);
    assert_int_equal(tft_window_scratch_open(&c, &k.sampler.scratch, NULL), TFT_OK);
    k.sampling = (tft_sampling){.dataset = &k.dataset,
                                .config = &k.config,
                                .origins = &k.origins,
                                .mean_scale = {10, 10},
                                .scale_power = {0.5, 0.5},
                                .seed = 3};
    *state = &k;
    return 0;
}

static int close_kit(void **state)
{
    kit *const k = *state;
    tft_window_scratch_close(k->sampler.scratch);
    tft_arena_free(&k->arena);
    tft_origins_free(&k->origins);
    tft_split_free(&k->split);
    tft_dataset_close(&k->dataset);
    return 0;
}

static tft_sampling with_everything(const kit *k)
{
    tft_sampling s = k->sampling;
    s.short_history_share = s.masked_share = s.partial_share = s.hidden_metric_share = 0.5;
    return s;
}

static void window_k_is_a_function_of_the_seed_and_k(void **state)
{
    kit *const k = *state;
    const tft_sampling s = with_everything(k);
    size_t n_different = 0;
    for (uint64_t i = 0; i < 50; i++) {
        assert_true(tft_sampling_window(&s, i, &k->sampler, &k->a));
        assert_true(tft_sampling_window(&s, 1000 + i, &k->sampler, &k->b)); // something else in between
        n_different += k->a.window.encoder_length != k->b.window.encoder_length ||
                       memcmp(k->a.target_scaled, k->b.target_scaled, HORIZON * M * sizeof(float)) != 0;
        assert_true(tft_sampling_window(&s, i, &k->sampler, &k->b));
        assert_int_equal(k->a.window.encoder_length, k->b.window.encoder_length);
        assert_memory_equal(k->a.target_scaled, k->b.target_scaled, HORIZON * M * sizeof(float));
        assert_memory_equal(k->a.cell_weight, k->b.cell_weight, HORIZON * M * sizeof(float));
        assert_memory_equal(k->a.window.static_reals, k->b.window.static_reals,
                            k->config.static_inputs.n_reals * sizeof(float));
    }
    assert_true(n_different > 40);
}

static void every_length_of_history_is_shown(void **state)
{
    kit *const k = *state;
    bool seen[CONTEXT + 1] = {false};
    tft_sampling s = k->sampling;
    s.short_history_share = 1;
    for (uint64_t i = 0; i < 3000; i++) {
        assert_true(tft_sampling_window(&s, i, &k->sampler, &k->a));
        assert_in_range(k->a.window.encoder_length, 1, CONTEXT);
        seen[k->a.window.encoder_length] = true;
    }
    for (size_t length = 2; length <= CONTEXT; length++)
        assert_true(seen[length]);
}

static void cells_weigh_as_the_root_of_their_scale_and_at_most_twenty(void **state)
{
    kit *const k = *state;
    static const tft_window_view plain = {0};
    tft_sampling s = k->sampling;
    const tft_origin origin = {0, k->dataset.series[0].first_step + 100, INT64_MAX};
    assert_true(tft_sampling_build(&s, origin, &plain, &k->sampler, &k->a));
    for (size_t m = 0; m < M; m++) {
        const double scale = (double)k->a.window.target_scale[2 * m + 1];
        assert_true(fabs((double)k->a.cell_weight[m] - sqrt(scale / 10)) < 1e-5);
    }
    s.mean_scale[0] = 1e-6;
    s.scale_power[0] = 0;
    assert_true(tft_sampling_build(&s, origin, &plain, &k->sampler, &k->a));
    assert_true(k->a.cell_weight[0] == 1.0f);
    s.scale_power[0] = 1;
    assert_true(tft_sampling_build(&s, origin, &plain, &k->sampler, &k->a));
    assert_true(k->a.cell_weight[0] == (float)TFT_MAX_CELL_WEIGHT);
}

static void a_metric_that_the_window_never_saw_is_not_scored(void **state)
{
    kit *const k = *state;
    static const tft_window_view plain = {0};
    const tft_window_view hidden = {.metrics_hidden = 2};
    const tft_origin never = {3, k->dataset.series[3].first_step + 100, INT64_MAX};
    const tft_origin sent = {1, k->dataset.series[1].first_step + 100, INT64_MAX};
    assert_true(tft_sampling_build(&k->sampling, never, &plain, &k->sampler, &k->a));
    assert_true(k->a.cell_weight[0] > 0 && k->a.cell_weight[1] == 0);
    assert_true(tft_sampling_build(&k->sampling, sent, &hidden, &k->sampler, &k->a));
    assert_true(k->a.cell_weight[0] > 0 && k->a.cell_weight[1] == 0);
    assert_true(tft_sampling_build(&k->sampling, sent, &plain, &k->sampler, &k->a));
    assert_true(k->a.cell_weight[1] > 0);
}

static void some_target_always_stays_to_be_scored(void **state)
{
    kit *const k = *state;
    tft_sampling s = with_everything(k);
    s.hidden_metric_share = 1;
    for (uint64_t i = 0; i < 500; i++) {
        double sum = 0;
        assert_true(tft_sampling_window(&s, i, &k->sampler, &k->a));
        for (size_t j = 0; j < HORIZON * M; j++)
            sum += (double)k->a.cell_weight[j];
        assert_true(sum > 0);
    }
}

static void a_pack_holds_each_window_padded_to_the_longest(void **state)
{
    kit *const k = *state;
    const size_t n = k->config.encoder_inputs.n_reals;
    const tft_window_view young = {.history = 5};
    static const tft_window_view plain = {0};
    const tft_origin origin = {1, k->dataset.series[1].first_step + 100, INT64_MAX};
    const tft_slot *const slots[2] = {&k->a, &k->b};
    assert_true(tft_sampling_build(&k->sampling, origin, &young, &k->sampler, &k->a));
    assert_true(tft_sampling_build(&k->sampling, origin, &plain, &k->sampler, &k->b));
    assert_int_equal(k->a.window.encoder_length, 5);
    tft_pack_fill(&k->pack, slots, 1, HORIZON, 0.25f, 0); // alone it is not padded
    assert_int_equal(k->pack.batch.encoder_steps, 5);
    tft_pack_fill(&k->pack, slots, 2, 3, 0.25f, 0);
    const tft_batch *const batch = &k->pack.batch;
    assert_int_equal(batch->encoder_steps, CONTEXT);
    assert_int_equal(batch->decoder_steps, 3);
    assert_int_equal(batch->encoder_lengths[0], 5);
    assert_memory_equal(batch->encoder_reals, k->a.window.encoder_reals, 5 * n * sizeof(float));
    for (size_t i = 5 * n; i < CONTEXT * n; i++)
        assert_true(batch->encoder_reals[i] == 0);
    assert_memory_equal(batch->encoder_reals + CONTEXT * n, k->b.window.encoder_reals, CONTEXT * n * sizeof(float));
    const size_t anchors = M * k->config.n_anchors; // they stay where they are
    assert_memory_equal(batch->anchors + anchors, k->b.window.anchors, anchors * sizeof *batch->anchors);
    assert_true(batch->anchors[anchors].values == k->b.window.anchor_values);
    assert_memory_equal(k->pack.truth.target_scaled + 3 * M, k->b.target_scaled, 3 * M * sizeof(float));
    assert_true(k->pack.truth.hazard_weight == 0.25f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(window_k_is_a_function_of_the_seed_and_k),
                                       cmocka_unit_test(every_length_of_history_is_shown),
                                       cmocka_unit_test(cells_weigh_as_the_root_of_their_scale_and_at_most_twenty),
                                       cmocka_unit_test(a_metric_that_the_window_never_saw_is_not_scored),
                                       cmocka_unit_test(some_target_always_stays_to_be_scored),
                                       cmocka_unit_test(a_pack_holds_each_window_padded_to_the_longest)};
    return cmocka_run_group_tests(tests, open_kit, close_kit);
}
