/* test_window.c - windows against figures worked out by hand, against a slow twin, and properties that hold always. */
#include "bench.h"

#include <stdlib.h>

#include "base/rng.h"

#define DAY 288

/* ---- small cases, by hand ----------------------------------------------------------------------------------------- */

static void two_steps_of_history_are_enough(void **state)
{
    (void)state;
    bench *const b = bench_open(contract_of(1));
    b->config.clock_anchors = false;
    tft_series s;
    tft_series_init(&s, 1, 0);
    add(&s, 1000, 2.0, TFT_STATE_HEALTHY);
    add(&s, 1001, 4.0, TFT_STATE_HEAVY_LOAD);
    build(b, &s, 1001, NULL);
    // scale: 24 h mean and 7 d mean are both 3
    assert_float_equal(b->window.target_scale[0], 0.0f, 0.0f);
    assert_float_equal(b->window.target_scale[1], 3.0f, 1e-6f);
    assert_int_equal(b->window.encoder_length, 2);
    assert_int_equal(b->window.n_known, 2);
    assert_int_equal(b->window.decoder_length, 96);
    assert_float_equal(encoder_real(b, 0, "a"), asinhf(2.0f / 3), 1e-6f);
    assert_float_equal(encoder_real(b, 1, "a"), asinhf(4.0f / 3), 1e-6f);
    assert_float_equal(encoder_real(b, 1, "gap"), 0.0f, 0.0f);
    assert_int_equal(b->window.encoder_codes[0], TFT_STATE_HEALTHY);
    assert_int_equal(b->window.encoder_codes[2], TFT_STATE_HEAVY_LOAD);
    assert_float_equal(static_real(b, "a_last"), asinhf(4.0f / 3), 1e-6f);
    assert_float_equal(static_real(b, "a_mean_1h"), asinhf(1.0f), 1e-6f);
    assert_float_equal(static_real(b, "a_mean_7d"), asinhf(1.0f), 1e-6f);
    assert_float_equal(static_real(b, "a_p10_24h"), asinhf(2.2f / 3), 1e-6f);
    assert_float_equal(static_real(b, "a_p90_24h"), asinhf(3.8f / 3), 1e-6f);
    assert_float_equal(static_real(b, "a_max_24h"), asinhf(4.0f / 3), 1e-6f);
    assert_float_equal(static_real(b, "a_change_24h"), asinhf(2.0f / 3), 1e-6f);
    assert_float_equal(static_real(b, "a_log_scale"), log10f(3.0f) / 3, 1e-6f);
    assert_float_equal(static_real(b, "a_missing"), 0.0f, 0.0f);
    assert_float_equal(static_real(b, "history"), 1.0f / 11, 1e-6f);
    assert_float_equal(static_real(b, "encoder_length"), 2.0f / 288, 1e-6f);
    assert_float_equal(static_real(b, "newest_fill"), 1.0f, 0.0f);
    assert_float_equal(static_real(b, "since_incident"), 1.0f, 1e-6f);
    assert_float_equal(anchor(b, 1, 0, 3, "last_value"), 4.0f, 1e-5f);
    assert_float_equal(anchor(b, 1, 0, 3, "quantiles_1h"), 3.0f, 1e-5f);
    assert_float_equal(anchor(b, 96, 0, 1, "quantiles_7d"), 2.2f, 1e-5f);
    // nothing a day ago, and at the same minute of the last hour only at phases 10 and 11
    assert_float_equal(anchor(b, 1, 0, 3, "one_day_before"), 4.0f, 1e-5f);
    assert_float_equal(anchor(b, 11, 0, 3, "same_minute"), 2.0f, 1e-5f);
    assert_float_equal(anchor(b, 12, 0, 3, "same_minute"), 4.0f, 1e-5f);
    assert_float_equal(anchor(b, 23, 0, 3, "same_minute_24h"), 2.0f, 1e-5f);
    assert_float_equal(decoder_real(b, 11, "a_same_minute"), asinhf(2.0f / 3), 1e-6f);
    assert_float_equal(decoder_real(b, 1, "a_lag_1d"), 0.0f, 0.0f);
    assert_float_equal(decoder_real(b, 1, "has_lag_1d"), 0.0f, 0.0f);
    assert_float_equal(decoder_real(b, 96, "horizon"), 1.0f, 0.0f);
    assert_float_equal(decoder_real(b, 1, "log_horizon"), logf(2.0f) / logf(97.0f), 1e-6f);
    tft_series_free(&s);
    bench_close(b);
}

static void less_than_two_known_steps_are_refused(void **state)
{
    (void)state;
    bench *const b = bench_open(contract_of(1));
    tft_series s;
    tft_series_init(&s, 1, 0);
    tft_error err = {0};
    assert_int_equal(tft_window_build(&b->contract, &b->config, &s, 5, NULL, b->scratch, &b->window, &err),
                     TFT_ERR_STATE);
    add(&s, 1000, 2.0, TFT_STATE_HEALTHY);
    err = (tft_error){0};
    assert_int_equal(tft_window_build(&b->contract, &b->config, &s, 1000, NULL, b->scratch, &b->window, &err),
                     TFT_ERR_STATE);
    assert_string_equal(err.text, "1 known steps inside the last 288; 2 are needed");
    add(&s, 1001, 2.0, TFT_STATE_HEALTHY);
    build(b, &s, 1001 + 286, NULL); // both still inside
    assert_int_equal(b->window.encoder_length, 288);
    assert_int_equal(tft_window_build(&b->contract, &b->config, &s, 1001 + 287, NULL, b->scratch, &b->window, NULL),
                     TFT_ERR_STATE);
    assert_int_equal(tft_window_build(&b->contract, &b->config, &s, 1000, NULL, b->scratch, &b->window, NULL),
                     TFT_ERR_STATE);
    tft_series_free(&s);
    bench_close(b);
}

static void a_window_without_any_target_is_refused(void **state)
{
    (void)state;
    tft_contract contract = contract_of(2);
    contract.metrics[1].target = false;
    bench *const b = bench_open(contract);
    tft_series s;
    tft_series_init(&s, 2, 0);
    const double only_observed[2] = {(double)NAN, 5.0};
    for (int64_t i = 0; i < 10; i++)
        tft_series_add(&s, i, only_observed, TFT_STATE_HEALTHY, NULL);
    tft_error err = {0};
    assert_int_equal(tft_window_build(&b->contract, &b->config, &s, 9, NULL, b->scratch, &b->window, &err),
                     TFT_ERR_STATE);
    assert_non_null(strstr(err.text, "no metric that is forecast has a value"));
    tft_series_free(&s);
    bench_close(b);
}

static void another_contracts_network_is_refused(void **state)
{
    (void)state;
    bench *const b = bench_open(contract_of(1)), *const other = bench_open(contract_of(2));
    tft_series s;
    tft_series_init(&s, 1, 0);
    add(&s, 0, 1.0, TFT_STATE_NONE);
    add(&s, 1, 1.0, TFT_STATE_NONE);
    assert_int_equal(tft_window_build(&b->contract, &other->config, &s, 1, NULL, b->scratch, &b->window, NULL),
                     TFT_ERR_MISMATCH);
    tft_series_free(&s);
    bench_close(b);
    bench_close(other);
}

static void a_gap_carries_the_last_value_and_is_marked(void **state)
{
    (void)state;
    bench *const b = bench_open(contract_of(2));
    tft_series s;
    tft_series_init(&s, 2, 0);
    const double first[2] = {1.0, 10.0}, only_a[2] = {3.0, (double)NAN};
    tft_series_add(&s, 0, first, TFT_STATE_NONE, NULL);
    tft_series_add(&s, 2, only_a, TFT_STATE_NONE, NULL);
    build(b, &s, 3, NULL); // the origin itself is a gap
    assert_int_equal(b->window.encoder_length, 4);
    assert_int_equal(b->window.n_known, 2);
    const float a = b->window.target_scale[1], bb = b->window.target_scale[3];
    const float expected_a[] = {1, 1, 3, 3}, expected_gap[] = {0, 1, 0.5f, 1};
    for (size_t i = 0; i < 4; i++) {
        assert_float_equal(encoder_real(b, i, "a"), asinhf(expected_a[i] / a), 1e-6f);
        assert_float_equal(encoder_real(b, i, "b"), asinhf(10.0f / bb), 1e-6f);
        assert_float_equal(encoder_real(b, i, "gap"), expected_gap[i], 0.0f);
    }
    assert_float_equal(static_real(b, "a_missing"), 0.5f, 0.0f);
    assert_float_equal(static_real(b, "b_missing"), 0.75f, 0.0f);
    assert_int_equal(b->window.encoder_codes[1 * 2], TFT_STATE_NONE);
    assert_int_equal(b->window.encoder_codes[2 * 2], TFT_STATE_HEALTHY); // derived from what is there
    tft_series_free(&s);
    bench_close(b);
}

static void a_value_from_before_the_window_is_carried_into_it(void **state)
{
    (void)state;
    bench *const b = bench_open(contract_of(2));
    tft_series s;
    tft_series_init(&s, 2, 0);
    const double both[2] = {2.0, 7.0}, only_a[2] = {2.0, (double)NAN};
    tft_series_add(&s, 0, both, TFT_STATE_NONE, NULL);
    for (int64_t i = 1; i < 400; i++)
        tft_series_add(&s, i, only_a, TFT_STATE_NONE, NULL);
    build(b, &s, 399, NULL);
    assert_float_equal(encoder_real(b, 0, "b"), asinhf(7.0f / b->window.target_scale[3]), 1e-6f);
    assert_float_equal(static_real(b, "b_missing"), 1.0f, 0.0f);
    assert_float_equal(anchor(b, 1, 1, 3, "quantiles_24h"), 7.0f, 1e-5f); // falls back to the last value
    tft_series_free(&s);
    bench_close(b);
}

static void a_metric_never_seen_is_zero_and_marked(void **state)
{
    (void)state;
    bench *const b = bench_open(contract_of(2));
    tft_series s;
    tft_series_init(&s, 2, 0);
    const double only_a[2] = {2.0, (double)NAN};
    for (int64_t i = 0; i < 3000; i++)
        tft_series_add(&s, i, only_a, TFT_STATE_NONE, NULL);
    build(b, &s, 2999, NULL);
    assert_float_equal(b->window.target_scale[3], 0.001f, 0.0f);
    for (size_t i = 0; i < 288; i++)
        assert_float_equal(encoder_real(b, i, "b"), 0.0f, 0.0f);
    static const char *const statics[] = {"b_last",    "b_mean_1h", "b_mean_24h",   "b_mean_7d",  "b_p10_24h",
                                          "b_p90_24h", "b_max_24h", "b_change_24h", "b_log_scale"};
    for (size_t i = 0; i < sizeof statics / sizeof statics[0]; i++)
        assert_float_equal(static_real(b, statics[i]), 0.0f, 0.0f);
    assert_float_equal(static_real(b, "b_missing"), 1.0f, 0.0f);
    for (size_t t = 1; t <= 96; t++) {
        assert_float_equal(decoder_real(b, t, "b_lag_7d"), 0.0f, 0.0f);
        assert_float_equal(decoder_real(b, t, "has_lag_7d"), 0.5f, 0.0f);
        for (size_t k = 0; k < N_ANCHORS; k++)
            assert_float_equal(anchor(b, t, 1, 3, tft_window_anchor_name(&b->config, k)), 0.0f, 0.0f);
    }
    tft_series_free(&s);
    bench_close(b);
}

static void lags_are_the_values_days_before_each_step(void **state)
{
    (void)state;
    bench *const b = bench_open(contract_of(1));
    b->config.clock_anchors = false;
    tft_series s;
    tft_series_init(&s, 1, 0);
    for (int64_t i = 0; i < 3000; i++)
        add(&s, i, 10.0 + (double)i, TFT_STATE_NONE);
    build(b, &s, 2900, NULL);
    const float scale = b->window.target_scale[1];
    for (size_t t = 1; t <= 96; t++) {
        const float step = 2910.0f + (float)t; // value at origin + t
        assert_float_equal(decoder_real(b, t, "a_lag_1d"), asinhf((step - DAY) / scale), 1e-5f);
        assert_float_equal(decoder_real(b, t, "a_lag_2d"), asinhf((step - 2 * DAY) / scale), 1e-5f);
        assert_float_equal(decoder_real(b, t, "a_lag_7d"), asinhf((step - 7 * DAY) / scale), 1e-5f);
        assert_float_equal(decoder_real(b, t, "has_lag_7d"), 1.0f, 0.0f);
        assert_float_equal(anchor(b, t, 0, 0, "one_day_before"), step - DAY, 0.01f);
        assert_float_equal(anchor(b, t, 0, 6, "one_day_before_smooth"), step - DAY, 0.01f);
        const size_t hours = (t + 11) / 12;
        assert_float_equal(anchor(b, t, 0, 0, "same_minute"), step - 12.0f * (float)hours, 0.01f);
        assert_float_equal(anchor(b, t, 0, 0, "same_minute_6h"), step - 12.0f * ((float)hours + 2.5f), 0.01f);
        assert_float_equal(anchor(b, t, 0, 0, "same_minute_24h"), step - 12.0f * ((float)hours + 11.5f), 0.01f);
    }
    tft_series_free(&s);
    bench_close(b);
}

static void the_smoothed_lag_uses_what_is_there_and_nothing_later_than_the_origin(void **state)
{
    (void)state;
    tft_contract contract = contract_of(1);
    contract.step_ms = 3600000; // a day is 24 steps
    contract.context = 24;
    contract.horizon = 48;
    contract.memory = 24 * 9;
    bench *const b = bench_open(contract);
    tft_series s;
    tft_series_init(&s, 1, 0);
    for (int64_t i = 0; i < 24 * 9; i++) {
        if (i != 200)
            add(&s, i, (double)i, TFT_STATE_NONE);
    }
    const int64_t origin = 24 * 9 - 1; // 215
    build(b, &s, origin, NULL);
    const float scale = b->window.target_scale[1];
    // t = 24: a day before is the origin; the two steps behind it are not known
    assert_float_equal(decoder_real(b, 24, "a_lag_1d"), asinhf((213 + 214 + 215) / 3.0f / scale), 1e-5f);
    assert_float_equal(decoder_real(b, 23, "a_lag_1d"), asinhf((212 + 213 + 214 + 215) / 4.0f / scale), 1e-5f);
    // t = 9: around step 200, which is missing
    assert_float_equal(decoder_real(b, 9, "a_lag_1d"), asinhf(200.0f / scale), 1e-5f);
    assert_float_equal(anchor(b, 9, 0, 3, "one_day_before"), 200.0f, 1e-3f); // the mean stands in for the point
    // beyond a day: the smallest whole number of days that lies in the past
    assert_float_equal(anchor(b, 25, 0, 3, "one_day_before"), (float)(origin + 25 - 48), 1e-3f);
    assert_float_equal(anchor(b, 48, 0, 3, "one_day_before"), (float)origin, 1e-3f);
    assert_float_equal(decoder_real(b, 48, "a_lag_2d"), asinhf((float)origin / scale), 1e-5f);
    tft_series_free(&s);
    bench_close(b);
}

static void fifteen_minute_steps_have_days_of_96(void **state)
{
    (void)state;
    tft_contract contract = contract_of(1);
    contract.step_ms = 900000;
    contract.context = 192;
    contract.horizon = 96;
    contract.memory = 96 * 8;
    contract.has_state = contract.has_profile = false;
    bench *const b = bench_open(contract);
    tft_series s;
    tft_series_init(&s, 1, 0);
    for (int64_t i = 0; i < 1000; i++)
        add(&s, i, sin((double)i * 0.06544985) + 3.0, TFT_STATE_NONE); // 2π / 96
    build(b, &s, 900, NULL);
    for (size_t t = 1; t <= 96; t++)
        assert_float_equal(anchor(b, t, 0, 0, "one_day_before"), sinf((900.0f + (float)t) * 0.06544985f) + 3.0f, 1e-3f);
    assert_int_equal(b->window.encoder_length, 192);
    tft_series_free(&s);
    bench_close(b);
}

static void incidents_of_the_past_are_counted(void **state)
{
    (void)state;
    bench *const b = bench_open(contract_of(1));
    tft_series s;
    tft_series_init(&s, 1, 0);
    for (int64_t i = 0; i < 2100; i++) {
        const bool bad = (i >= 1500 && i < 1520) || (i >= 2000 && i < 2010) || (i >= 2050 && i < 2051);
        add(&s, i, 1.0, bad ? TFT_STATE_CRITICAL_ISSUE : TFT_STATE_HEALTHY);
    }
    build(b, &s, 2060, NULL);
    assert_float_equal(static_real(b, "incident_share_24h"), 11.0f / 288, 1e-6f);
    assert_float_equal(static_real(b, "incident_share_7d"), 31.0f / 2016, 1e-6f);
    assert_float_equal(static_real(b, "incidents_24h"), log1pf(2), 1e-6f);
    assert_float_equal(static_real(b, "incidents_7d"), log1pf(3), 1e-6f);
    assert_float_equal(static_real(b, "since_incident"), log1pf(10) / log1pf(2016), 1e-6f);
    tft_series_free(&s);
    bench_close(b);
}

/* ---- the view ----------------------------------------------------------------------------------------------------- */

/* A random series: values, gaps, states, a daily rhythm. */
static tft_series random_series(tft_rng *rng, const tft_contract *contract, int64_t n)
{
    tft_series s;
    tft_series_init(&s, contract->n_metrics, 0);
    s.profile = (tft_profile)tft_rng_below(rng, TFT_N_PROFILES);
    const double missing = tft_rng_uniform(rng) * tft_rng_uniform(rng), size = exp(4.0 * tft_rng_normal(rng));
    for (int64_t i = 0; i < n; i++) {
        if (tft_rng_uniform(rng) < missing)
            continue;
        double values[TFT_MAX_METRICS];
        for (size_t m = 0; m < contract->n_metrics; m++) {
            const double v = size * (1.0 + sin((double)i / 45.8) + 0.3 * tft_rng_normal(rng) + (double)m);
            values[m] = tft_rng_uniform(rng) < missing ? (double)NAN : v;
        }
        const tft_state sent = (tft_state)tft_rng_below(rng, TFT_N_STATES);
        const size_t records = 1 + tft_rng_below(rng, 3);
        for (size_t r = 0; r < records; r++)
            tft_series_add(&s, i, values, sent, NULL);
    }
    return s;
}

/* Everything of a window in one block, for comparing bytes. */
/* All that the anchors say; returns how many bytes that are. */
static size_t anchors_of(const bench *b, unsigned char *out)
{
    size_t n = 0;
    for (size_t k = 0; k < b->config.n_targets * N_ANCHORS; k++) {
        for (size_t q = 0; q < N_LEVELS; q++) {
            for (size_t t = 0; t < b->window.decoder_length; t++, n += sizeof(float)) {
                const float value = tft_anchor_at(&b->window.anchors[k], q, t);
                memcpy(out + n, &value, sizeof value);
            }
        }
    }
    return n;
}

static size_t bytes_of(const bench *b, unsigned char *out)
{
    const tft_window *const w = &b->window;
    const tft_config *const c = &b->config;
    size_t n = 0;
    const struct {
        const void *at;
        size_t bytes;
    } parts[] = {
        {&w->encoder_length, sizeof w->encoder_length},
        {&w->n_known, sizeof w->n_known},
        {w->static_reals, c->static_inputs.n_reals * sizeof(float)},
        {w->encoder_reals, w->encoder_length * c->encoder_inputs.n_reals * sizeof(float)},
        {w->decoder_reals, w->decoder_length * c->decoder_inputs.n_reals * sizeof(float)},
        {w->static_codes, c->n_categoricals * sizeof(int32_t)},
        {w->encoder_codes, w->encoder_length * c->n_categoricals * sizeof(int32_t)},
        {w->decoder_codes, w->decoder_length * c->n_categoricals * sizeof(int32_t)},
        {w->target_scale, c->n_targets * 2 * sizeof(float)},
        {w->signs, c->n_signs * sizeof(float)},
    };
    n += anchors_of(b, out);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        memcpy(out + n, parts[i].at, parts[i].bytes);
        n += parts[i].bytes;
    }
    return n;
}

#define MAX_BYTES (1 << 20)
static unsigned char first_bytes[MAX_BYTES], second_bytes[MAX_BYTES];

static void nothing_after_the_origin_is_read(void **state)
{
    (void)state;
    bench *const b = bench_open(tft_contract_default());
    for (uint64_t seed = 0; seed < 12; seed++) {
        tft_rng rng = tft_rng_seeded(seed, 2);
        tft_series s = random_series(&rng, &b->contract, 3000);
        const int64_t origin = s.first_step + 400 + (int64_t)tft_rng_below(&rng, 2200);
        build(b, &s, origin, NULL);
        const size_t n = bytes_of(b, first_bytes);
        for (size_t i = (size_t)(origin - s.first_step) + 1; i < s.n_steps; i++) {
            for (size_t m = 0; m < 4; m++)
                s.values[i * 4 + m] = seed % 2 == 0 ? NAN : 1e20f;
            s.counts[i] = (uint16_t)tft_rng_next(&rng);
            s.states[i] = (uint8_t)tft_rng_below(&rng, TFT_N_STATES);
        }
        s.labelled = !s.labelled;
        build(b, &s, origin, NULL);
        assert_int_equal(bytes_of(b, second_bytes), n);
        assert_memory_equal(first_bytes, second_bytes, n);
        tft_series_free(&s);
    }
    bench_close(b);
}

/* The view must give exactly the window of a series that is as the view pretends. */
static void a_short_history_is_that_of_a_young_server(void **state)
{
    (void)state;
    bench *const b = bench_open(tft_contract_default());
    tft_rng rng = tft_rng_seeded(5, 0);
    tft_series s = random_series(&rng, &b->contract, 2600);
    const int64_t origin = s.first_step + (int64_t)s.n_steps - 1;
    const size_t histories[] = {40, 287, 288, 600, 2303};
    for (size_t i = 0; i < 5; i++) {
        const tft_window_view view = {.history = histories[i]};
        build(b, &s, origin, &view);
        const size_t n = bytes_of(b, first_bytes);
        tft_series young;
        tft_series_init(&young, 4, 0);
        young.profile = s.profile;
        for (size_t k = s.n_steps - histories[i]; k < s.n_steps; k++)
            tft_series_set(&young, s.first_step + (int64_t)k, s.values + 4 * k, s.value_counts + 4 * k, s.counts[k],
                           (tft_state)s.states[k], NULL);
        build(b, &young, origin, NULL);
        assert_int_equal(bytes_of(b, second_bytes), n);
        assert_memory_equal(first_bytes, second_bytes, n);
        tft_series_free(&young);
    }
    tft_series_free(&s);
    bench_close(b);
}

static void hidden_steps_and_metrics_were_never_there(void **state)
{
    (void)state;
    bench *const b = bench_open(tft_contract_default());
    for (uint64_t seed = 0; seed < 6; seed++) {
        tft_rng rng = tft_rng_seeded(seed, 9);
        tft_series s = random_series(&rng, &b->contract, 2600);
        const int64_t origin = s.first_step + (int64_t)s.n_steps - 1;
        static uint8_t hidden[2304];
        for (size_t i = 0; i < 2304; i++)
            hidden[i] = (uint8_t)(tft_rng_below(&rng, 5) == 0);
        const tft_window_view view = {.hidden = hidden, .metrics_hidden = seed < 3 ? 0 : 1u << (seed % 4)};
        build(b, &s, origin, &view);
        const size_t n = bytes_of(b, first_bytes);
        tft_series twin;
        tft_series_init(&twin, 4, 0);
        twin.profile = s.profile;
        for (size_t k = s.n_steps - 2304; k < s.n_steps; k++) {
            if (hidden[s.n_steps - 1 - k] != 0)
                continue;
            float values[4];
            bool any = false;
            for (size_t m = 0; m < 4; m++) {
                values[m] = (view.metrics_hidden >> m & 1u) != 0 ? NAN : s.values[4 * k + m];
                any = any || !isnan(values[m]);
            }
            const tft_state sent = (tft_state)s.states[k];
            const bool record = s.counts[k] > 0 && (view.metrics_hidden == 0 || any || sent == TFT_STATE_OFFLINE ||
                                                    sent == TFT_STATE_MAINTENANCE);
            if (record)
                tft_series_set(&twin, s.first_step + (int64_t)k, values, s.value_counts + 4 * k, s.counts[k], sent,
                               NULL);
        }
        build(b, &twin, origin, NULL);
        assert_int_equal(bytes_of(b, second_bytes), n);
        assert_memory_equal(first_bytes, second_bytes, n);
        tft_series_free(&twin);
        tft_series_free(&s);
    }
    bench_close(b);
}

static void a_partial_newest_step_moves_a_little_and_says_so(void **state)
{
    (void)state;
    tft_contract contract = contract_of(1);
    contract.metrics[0].min = 0.0;
    contract.metrics[0].max = 10.0;
    bench *const b = bench_open(contract);
    tft_series s;
    tft_series_init(&s, 1, 0);
    for (int64_t i = 0; i < 400; i++)
        add(&s, i, i % 2 == 0 ? 4.0 : 6.0, TFT_STATE_HEALTHY); // every change is 2
    double sum = 0.0, squares = 0.0;
    const int n = 4000;
    const double fill = 0.4;
    for (int i = 0; i < n; i++) {
        const tft_window_view view = {.newest_fill = fill, .seed = (uint64_t)i};
        build(b, &s, 399, &view);
        assert_float_equal(static_real(b, "newest_fill"), 0.4f, 0.0f);
        const double last = (double)anchor(b, 1, 0, 0, "last_value");
        assert_true(last >= 0.0 && last <= 10.0001);
        sum += last - 6.0;
        squares += (last - 6.0) * (last - 6.0);
    }
    // noise of (1 − f) · 0.7 · 2 = 0.84
    assert_true(fabs(sum / n) < 0.06);
    assert_true(fabs(sqrt(squares / n) - 0.84) < 0.04);
    // the same seed, the same bytes
    const tft_window_view view = {.newest_fill = 0.1, .seed = 77};
    build(b, &s, 399, &view);
    const size_t bytes = bytes_of(b, first_bytes);
    build(b, &s, 399, &view);
    bytes_of(b, second_bytes);
    assert_memory_equal(first_bytes, second_bytes, bytes);
    tft_series_free(&s);
    bench_close(b);
}

static void the_share_of_a_live_step_is_told_by_its_records(void **state)
{
    (void)state;
    bench *const b = bench_open(contract_of(1));
    tft_series s;
    tft_series_init(&s, 1, 0);
    for (int64_t i = 0; i < 60 * 20 + 15; i++)
        add(&s, i / 60, 5.0, TFT_STATE_HEALTHY);
    build(b, &s, 20, NULL);
    assert_float_equal(static_real(b, "newest_fill"), 0.25f, 0.0f);
    build(b, &s, 19, NULL);
    assert_float_equal(static_real(b, "newest_fill"), 1.0f, 0.0f);
    tft_series_free(&s);
    bench_close(b);
}

/* ---- the slow twin ------------------------------------------------------------------------------------------------ */

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float value_at(const tft_series *s, int64_t step, int64_t origin, size_t m)
{
    const int64_t i = tft_series_index(s, step);
    return i < 0 || step > origin || step <= origin - 2304 ? NAN : s->values[(size_t)i * s->n_metrics + m];
}

/* Quantile q of the values of the last `steps` steps (hour ≥ 0: only of that hour of the day), or `otherwise`. */
static float slow_quantile(const tft_series *s, int64_t origin, size_t m, int64_t steps, int hour, float q,
                           float otherwise)
{
    static float values[2304];
    size_t n = 0;
    for (int64_t step = origin - steps + 1; step <= origin; step++) {
        const float v = value_at(s, step, origin, m);
        if (!isnan(v) && (hour < 0 || step / 12 % 24 == hour))
            values[n++] = v;
    }
    if (n == 0)
        return otherwise;
    qsort(values, n, sizeof *values, ascending);
    const double at = (double)q * (double)(n - 1);
    const size_t low = (size_t)floor(at), high = low + 1 < n ? low + 1 : low;
    return (float)((double)values[low] + (at - (double)low) * ((double)values[high] - (double)values[low]));
}

static void anchors_agree_with_a_slow_twin(void **state)
{
    (void)state;
    bench *const b = bench_open(tft_contract_default());
    for (uint64_t seed = 0; seed < 8; seed++) {
        tft_rng rng = tft_rng_seeded(seed, 4);
        tft_series s = random_series(&rng, &b->contract, 2700);
        const int64_t origin = s.first_step + (seed == 7 ? 30 : 1500 + (int64_t)tft_rng_below(&rng, 1000));
        build(b, &s, origin, NULL);
        for (size_t m = 0; m < 4; m++) {
            float last = 0.0f;
            for (int64_t step = origin - 2303; step <= origin; step++)
                last = isnan(value_at(&s, step, origin, m)) ? last : value_at(&s, step, origin, m);
            const float near = 2e-5f * b->window.target_scale[2 * m + 1];
            for (size_t t = 1; t <= 96; t += 5) {
                const int hour = (int)((origin + (int64_t)t) / 12 % 24);
                for (size_t q = 0; q < N_LEVELS; q++) {
                    const float week = slow_quantile(&s, origin, m, 2016, -1, levels[q], last);
                    const float same = slow_quantile(&s, origin, m, 2016, hour, levels[q], week);
                    assert_float_equal(anchor(b, t, m, q, "last_value"), last, near);
                    assert_float_equal(anchor(b, t, m, q, "quantiles_1h"),
                                       slow_quantile(&s, origin, m, 12, -1, levels[q], last), near);
                    assert_float_equal(anchor(b, t, m, q, "quantiles_24h"),
                                       slow_quantile(&s, origin, m, 288, -1, levels[q], last), near);
                    assert_float_equal(anchor(b, t, m, q, "quantiles_7d"), week, near);
                    assert_float_equal(anchor(b, t, m, q, "quantiles_same_hour"), same, near);
                }
            }
        }
        tft_series_free(&s);
    }
    bench_close(b);
}

/* ---- always ------------------------------------------------------------------------------------------------------- */

static void assert_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(isfinite(x[i]));
}

static void assert_anchors_finite(const bench *b)
{
    for (size_t k = 0; k < b->config.n_targets * N_ANCHORS; k++) {
        for (size_t q = 0; q < N_LEVELS; q++) {
            for (size_t t = 0; t < b->window.decoder_length; t++)
                assert_true(isfinite(tft_anchor_at(&b->window.anchors[k], q, t)));
        }
    }
}

static void check_window(const bench *b, const tft_series *s, int64_t origin)
{
    const tft_window *const w = &b->window;
    const tft_config *const c = &b->config;
    assert_in_range(w->encoder_length, 1, c->max_encoder_length);
    assert_finite(w->static_reals, c->static_inputs.n_reals);
    assert_finite(w->encoder_reals, w->encoder_length * c->encoder_inputs.n_reals);
    assert_finite(w->decoder_reals, w->decoder_length * c->decoder_inputs.n_reals);
    assert_anchors_finite(b);
    assert_finite(w->signs, c->n_signs);
    for (size_t i = 0; i < w->encoder_length; i++) {
        for (size_t k = 0; k < c->n_categoricals; k++)
            assert_in_range(w->encoder_codes[i * c->n_categoricals + k], 0, TFT_N_STATES - 1);
    }
    assert_in_range(w->static_codes[1], 0, TFT_N_PROFILES - 1);
    for (size_t m = 0; m < c->n_targets; m++) {
        float low = HUGE_VALF, high = -HUGE_VALF;
        for (int64_t step = origin - 2303; step <= origin; step++) {
            const float v = value_at(s, step, origin, m);
            low = fminf(low, v); // fmin leaves NaN out
            high = fmaxf(high, v);
        }
        if (low > high)
            low = high = 0.0f;
        const float scale = w->target_scale[2 * m + 1];
        assert_true(scale > 0.0f && isfinite(scale));
        const float slack = 1e-5f * fmaxf(fabsf(low), fabsf(high)) / scale;
        for (size_t t = 0; t < w->decoder_length; t++) {
            for (size_t q = 0; q < N_LEVELS; q++) {
                for (size_t k = 0; k < N_ANCHORS; k++) {
                    const tft_anchor *const a = &w->anchors[m * N_ANCHORS + k];
                    const float said = tft_anchor_at(a, q, t);
                    assert_true(said >= low / scale - slack && said <= high / scale + slack);
                    assert_true(q == 0 || said >= tft_anchor_at(a, q - 1, t)); // the mixture's spread relies on it
                }
            }
        }
    }
}

static void all_is_finite_and_anchors_stay_within_the_past(void **state)
{
    (void)state;
    bench *const b = bench_open(tft_contract_default());
    size_t built = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        tft_rng rng = tft_rng_seeded(seed, 11);
        tft_series s = random_series(&rng, &b->contract, 60 + (int64_t)tft_rng_below(&rng, 3000));
        for (int k = 0; k < 4 && s.n_steps > 0; k++) {
            const int64_t origin = s.first_step + (int64_t)tft_rng_below(&rng, s.n_steps + 20);
            if (tft_window_build(&b->contract, &b->config, &s, origin, NULL, b->scratch, &b->window, NULL) != TFT_OK)
                continue;
            check_window(b, &s, origin);
            built++;
        }
        tft_series_free(&s);
    }
    assert_true(built > 150);
    bench_close(b);
}

static void extreme_series_give_finite_windows(void **state)
{
    (void)state;
    tft_contract contract = tft_contract_default();
    for (size_t m = 0; m < 4; m++) {
        contract.metrics[m].min = -HUGE_VAL;
        contract.metrics[m].max = HUGE_VAL;
    }
    bench *const b = bench_open(contract);
    const double cases[][3] = {
        // early days, last week, newest step
        {0, 0, 0},    {5, 5, 5}, {0, 0, 1e300}, {1e300, 0, 0}, {1e300, -1e300, 1e300}, {1e-300, 1e-300, 1e-300},
        {-7, -7, -7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tft_series s;
        tft_series_init(&s, 4, 0);
        for (int64_t step = 0; step < 2300; step++) {
            double values[4];
            for (size_t m = 0; m < 4; m++)
                values[m] = cases[i][step < 270 ? 0 : step < 2299 ? 1 : 2];
            tft_series_add(&s, step, values, TFT_STATE_HEALTHY, NULL);
        }
        build(b, &s, 2299, NULL);
        assert_finite(b->window.static_reals, b->config.static_inputs.n_reals);
        assert_finite(b->window.encoder_reals, 288 * b->config.encoder_inputs.n_reals);
        assert_finite(b->window.decoder_reals, 96 * b->config.decoder_inputs.n_reals);
        assert_anchors_finite(b);
        assert_finite(b->window.target_scale, 8);
        tft_series_free(&s);
    }
    bench_close(b);
}

static void a_constant_series_is_a_constant_everywhere(void **state)
{
    (void)state;
    bench *const b = bench_open(contract_of(1));
    tft_series s;
    tft_series_init(&s, 1, 0);
    for (int64_t i = 0; i < 2500; i++)
        add(&s, i, 8.0, TFT_STATE_HEALTHY);
    build(b, &s, 2499, NULL);
    assert_float_equal(b->window.target_scale[1], 8.0f, 1e-6f);
    for (size_t t = 1; t <= 96; t++) {
        for (size_t k = 0; k < N_ANCHORS; k++)
            assert_float_equal(anchor(b, t, 0, t % 7, tft_window_anchor_name(&b->config, k)), 8.0f, 1e-5f);
        assert_float_equal(decoder_real(b, t, "a_same_hour"), asinhf(1.0f), 1e-6f);
    }
    assert_float_equal(static_real(b, "a_change_24h"), 0.0f, 0.0f);
    tft_series_free(&s);
    bench_close(b);
}

static void a_scale_never_falls_below_its_floor(void **state)
{
    (void)state;
    bench *const b = bench_open(tft_contract_default());
    tft_series s;
    tft_series_init(&s, 4, 0);
    const double zeros[4] = {0, 0, 0, 0};
    for (int64_t i = 0; i < 300; i++)
        tft_series_add(&s, i, zeros, TFT_STATE_NONE, NULL);
    build(b, &s, 299, NULL);
    for (size_t m = 0; m < 4; m++)
        assert_float_equal(b->window.target_scale[2 * m + 1], (float)b->contract.metrics[m].scale_floor, 0.0f);
    tft_series_free(&s);
    bench_close(b);
}

static void the_scale_is_the_mean_of_day_and_week(void **state)
{
    (void)state;
    bench *const b = bench_open(contract_of(1));
    tft_series s;
    tft_series_init(&s, 1, 0);
    for (int64_t i = 0; i < 2016; i++)
        add(&s, i, i < 2016 - DAY ? -1.0 : 8.0, TFT_STATE_NONE); // |value| counts
    build(b, &s, 2015, NULL);
    assert_float_equal(b->window.target_scale[1], 0.5f * (8.0f + (6.0f * 1.0f + 8.0f) / 7.0f), 1e-5f);
    tft_series_free(&s);
    bench_close(b);
}

static void a_network_without_mixture_gets_no_anchors(void **state)
{
    (void)state;
    bench *const b = bench_open(contract_of(1));
    assert_int_equal(tft_features_config(&b->contract, levels, N_LEVELS, false, true, &b->config, NULL), TFT_OK);
    tft_series s;
    tft_series_init(&s, 1, 0);
    add(&s, 0, 1.0, TFT_STATE_NONE);
    add(&s, 1, 1.0, TFT_STATE_NONE);
    b->window.anchor_values[0] = 123.0f;
    build(b, &s, 1, NULL);
    assert_float_equal(b->window.anchor_values[0], 123.0f, 0.0f);
    tft_series_free(&s);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_steps_of_history_are_enough),
        cmocka_unit_test(less_than_two_known_steps_are_refused),
        cmocka_unit_test(a_window_without_any_target_is_refused),
        cmocka_unit_test(another_contracts_network_is_refused),
        cmocka_unit_test(a_gap_carries_the_last_value_and_is_marked),
        cmocka_unit_test(a_value_from_before_the_window_is_carried_into_it),
        cmocka_unit_test(a_metric_never_seen_is_zero_and_marked),
        cmocka_unit_test(lags_are_the_values_days_before_each_step),
        cmocka_unit_test(the_smoothed_lag_uses_what_is_there_and_nothing_later_than_the_origin),
        cmocka_unit_test(fifteen_minute_steps_have_days_of_96),
        cmocka_unit_test(incidents_of_the_past_are_counted),
        cmocka_unit_test(nothing_after_the_origin_is_read),
        cmocka_unit_test(a_short_history_is_that_of_a_young_server),
        cmocka_unit_test(hidden_steps_and_metrics_were_never_there),
        cmocka_unit_test(a_partial_newest_step_moves_a_little_and_says_so),
        cmocka_unit_test(the_share_of_a_live_step_is_told_by_its_records),
        cmocka_unit_test(anchors_agree_with_a_slow_twin),
        cmocka_unit_test(all_is_finite_and_anchors_stay_within_the_past),
        cmocka_unit_test(extreme_series_give_finite_windows),
        cmocka_unit_test(a_constant_series_is_a_constant_everywhere),
        cmocka_unit_test(a_scale_never_falls_below_its_floor),
        cmocka_unit_test(the_scale_is_the_mean_of_day_and_week),
        cmocka_unit_test(a_network_without_mixture_gets_no_anchors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
