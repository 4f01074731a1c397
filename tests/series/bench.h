/* bench.h - a contract, its network configuration, a scratch and a window, opened together; and inputs found by name. */
#ifndef TESTS_SERIES_BENCH_H
#define TESTS_SERIES_BENCH_H

#include "check.h"

#include "base/arena.h"
#include "tft/window.h"

static const float levels[] = {0.02f, 0.10f, 0.25f, 0.50f, 0.75f, 0.90f, 0.98f};
enum { N_LEVELS = 7, N_ANCHORS = 16 };

typedef struct bench {
    tft_contract contract;
    tft_config config;
    tft_window_scratch *scratch;
    tft_arena arena;
    tft_window window;
} bench;

static inline bench *bench_open(tft_contract contract)
{
    bench *const b = test_calloc(1, sizeof *b);
    tft_arena counting = {0};
    b->contract = contract;
    b->config.sign_hidden = 8; // with the inputs of the incident head's own network
    assert_int_equal(tft_features_config(&b->contract, levels, N_LEVELS, true, true, &b->config, NULL), TFT_OK);
    assert_int_equal(tft_window_scratch_open(&b->contract, &b->scratch, NULL), TFT_OK);
    tft_window_layout(&b->config, &counting, &b->window);
    assert_int_equal(tft_arena_init(&b->arena, counting.used, NULL), TFT_OK);
    tft_window_layout(&b->config, &b->arena, &b->window);
    return b;
}

static inline void bench_close(bench *b)
{
    tft_window_scratch_close(b->scratch);
    tft_arena_free(&b->arena);
    test_free(b);
}

static inline void build(bench *b, const tft_series *series, int64_t origin, const tft_window_view *view)
{
    tft_error err = {0};
    const tft_status status =
        tft_window_build(&b->contract, &b->config, series, origin, view, b->scratch, &b->window, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(status, TFT_OK);
}

static inline size_t column_of(const bench *b, const tft_inputs *inputs, const char *name)
{
    for (size_t i = 0; i < inputs->n_reals; i++) {
        if (strcmp(b->config.reals[inputs->reals[i]].name, name) == 0)
            return i;
    }
    fail_msg("no input called %s", name);
    return 0;
}

static inline float static_real(const bench *b, const char *name)
{
    return b->window.static_reals[column_of(b, &b->config.static_inputs, name)];
}

static inline float encoder_real(const bench *b, size_t row, const char *name)
{
    const tft_inputs *const inputs = &b->config.encoder_inputs;
    return b->window.encoder_reals[row * inputs->n_reals + column_of(b, inputs, name)];
}

/* t = 1 … horizon */
static inline float decoder_real(const bench *b, size_t t, const char *name)
{
    const tft_inputs *const inputs = &b->config.decoder_inputs;
    return b->window.decoder_reals[(t - 1) * inputs->n_reals + column_of(b, inputs, name)];
}

/* In real units. */
static inline float anchor(const bench *b, size_t t, size_t m, size_t q, const char *name)
{
    size_t k = 0;
    while (k < N_ANCHORS && strcmp(tft_window_anchor_name(&b->config, k), name) != 0)
        k++;
    assert_true(k < N_ANCHORS);
    return tft_anchor_at(&b->window.anchors[m * N_ANCHORS + k], q, t - 1) * b->window.target_scale[2 * m + 1];
}

#endif
