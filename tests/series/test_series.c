/* test_series.c - records become steps, whatever their order; old steps go; nothing else is lost. */
#include "check.h"

#include "base/rng.h"

static float value_at(const tft_series *series, int64_t step, size_t m)
{
    const int64_t i = tft_series_index(series, step);
    assert_true(i >= 0);
    return series->values[(size_t)i * series->n_metrics + m];
}

static void a_step_holds_the_mean_of_its_records_and_the_worst_state(void **state)
{
    (void)state;
    tft_series s;
    tft_series_init(&s, 2, 0);
    add(&s, 10, 1.0, TFT_STATE_HEALTHY);
    add(&s, 10, 4.0, TFT_STATE_HEAVY_LOAD);
    add(&s, 10, 7.0, TFT_STATE_IDLE);
    assert_int_equal(s.n_steps, 1);
    assert_int_equal(s.first_step, 10);
    assert_float_equal(value_at(&s, 10, 0), 4.0f, 0.0f);
    assert_float_equal(value_at(&s, 10, 1), 5.0f, 0.0f);
    assert_int_equal(s.counts[0], 3);
    assert_int_equal(s.states[0], TFT_STATE_HEAVY_LOAD);
    assert_int_equal(s.n_known, 1);
    tft_series_free(&s);
}

static void a_missing_value_counts_for_no_mean(void **state)
{
    (void)state;
    tft_series s;
    tft_series_init(&s, 2, 0);
    const double first[2] = {2.0, (double)NAN}, second[2] = {4.0, 10.0};
    tft_series_add(&s, 0, first, TFT_STATE_NONE, NULL);
    assert_true(isnan(value_at(&s, 0, 1)));
    tft_series_add(&s, 0, second, TFT_STATE_NONE, NULL);
    assert_float_equal(value_at(&s, 0, 0), 3.0f, 0.0f);
    assert_float_equal(value_at(&s, 0, 1), 10.0f, 0.0f);
    assert_int_equal(s.value_counts[0], 2);
    assert_int_equal(s.value_counts[1], 1);
    assert_int_equal(s.counts[0], 2);
    tft_series_free(&s);
}

static void steps_between_records_are_there_and_empty(void **state)
{
    (void)state;
    tft_series s;
    tft_series_init(&s, 1, 0);
    add(&s, -3, 1.0, TFT_STATE_HEALTHY);
    add(&s, 2, 2.0, TFT_STATE_HEALTHY);
    assert_int_equal(s.n_steps, 6);
    assert_int_equal(s.n_known, 2);
    for (int64_t step = -2; step < 2; step++) {
        const int64_t i = tft_series_index(&s, step);
        assert_true(isnan(s.values[i]));
        assert_int_equal(s.counts[i], 0);
        assert_int_equal(s.states[i], TFT_STATE_NONE);
    }
    assert_int_equal(tft_series_index(&s, -4), -1);
    assert_int_equal(tft_series_index(&s, 3), -1);
    tft_series_free(&s);
}

static void completing_a_record_does_not_count_it_again(void **state)
{
    (void)state;
    tft_series s;
    tft_series_init(&s, 2, 0);
    const double first[2] = {2.0, (double)NAN}, rest[2] = {(double)NAN, 8.0};
    tft_series_add(&s, 5, first, TFT_STATE_NONE, NULL);
    tft_series_fill(&s, 5, rest, TFT_STATE_CRITICAL_ISSUE, NULL);
    assert_int_equal(s.counts[0], 1);
    assert_float_equal(value_at(&s, 5, 0), 2.0f, 0.0f);
    assert_float_equal(value_at(&s, 5, 1), 8.0f, 0.0f);
    assert_int_equal(s.states[0], TFT_STATE_CRITICAL_ISSUE);
    tft_series_free(&s);
}

static void a_stored_step_replaces_what_was_there(void **state)
{
    (void)state;
    tft_series s;
    tft_series_init(&s, 2, 0);
    add(&s, 0, 1.0, TFT_STATE_CRITICAL_ISSUE);
    const float means[2] = {3.5f, 9.0f};
    const uint16_t value_counts[2] = {4, 0}, none[2] = {0, 0};
    tft_series_set(&s, 0, means, value_counts, 4, TFT_STATE_IDLE, NULL);
    assert_float_equal(value_at(&s, 0, 0), 3.5f, 0.0f);
    assert_true(isnan(value_at(&s, 0, 1))); // no value stands behind it
    assert_int_equal(s.counts[0], 4);
    assert_int_equal(s.states[0], TFT_STATE_IDLE);
    assert_int_equal(s.n_known, 1);
    tft_series_set(&s, 0, means, none, 0, TFT_STATE_NONE, NULL);
    assert_int_equal(s.n_known, 0);
    tft_series_set(&s, 3, means, value_counts, 1, TFT_STATE_NONE, NULL);
    assert_int_equal(s.n_known, 1);
    assert_int_equal(s.n_steps, 4);
    // Further records join the stored mean with its weight.
    add(&s, 3, 8.5, TFT_STATE_NONE);
    tft_series_set(&s, 3, means, value_counts, 4, TFT_STATE_NONE, NULL);
    add(&s, 3, 8.5, TFT_STATE_NONE);
    assert_float_equal(value_at(&s, 3, 0), 4.5f, 1e-6f);
    tft_series_free(&s);
}

static void the_oldest_steps_go_and_older_records_are_ignored(void **state)
{
    (void)state;
    tft_series s;
    tft_series_init(&s, 1, 100);
    for (int64_t step = 0; step < 1000; step++)
        add(&s, step, (double)step, TFT_STATE_HEALTHY);
    assert_int_equal(s.n_steps, 100);
    assert_int_equal(s.n_known, 100);
    assert_int_equal(s.first_step, 900);
    assert_float_equal(value_at(&s, 900, 0), 900.0f, 0.0f);
    add(&s, 899, 1.0, TFT_STATE_HEALTHY);
    assert_int_equal(s.n_steps, 100);
    assert_int_equal(s.first_step, 900);
    assert_true(s.capacity <= 200);
    // A jump drops what is too old by then, and a long one everything.
    add(&s, 1050, 1.0, TFT_STATE_HEALTHY);
    assert_int_equal(s.first_step, 951);
    assert_int_equal(s.n_known, 49 + 1);
    assert_float_equal(value_at(&s, 951, 0), 951.0f, 0.0f);
    add(&s, 5000, 2.0, TFT_STATE_HEALTHY);
    assert_int_equal(s.n_known, 1);
    assert_int_equal(s.first_step, 5000);
    assert_float_equal(value_at(&s, 5000, 0), 2.0f, 0.0f);
    add(&s, 4990, 3.0, TFT_STATE_HEALTHY);
    assert_float_equal(value_at(&s, 4990, 0), 3.0f, 0.0f);
    assert_int_equal(s.n_steps, 11);
    tft_series_free(&s);
}

static void a_span_without_bound_is_bounded_all_the_same(void **state)
{
    (void)state;
    tft_series s;
    tft_series_init(&s, 1, 0);
    add(&s, 0, 1.0, TFT_STATE_NONE);
    tft_error err = {0};
    const double value = 1.0;
    assert_int_equal(tft_series_add(&s, 20000000, &value, TFT_STATE_NONE, &err), TFT_ERR_LIMIT);
    assert_int_equal(tft_series_add(&s, -20000000, &value, TFT_STATE_NONE, NULL), TFT_ERR_LIMIT);
    assert_int_equal(s.n_steps, 1);
    tft_series_free(&s);
}

static void labels_are_known_once_a_state_other_than_offline_was_sent(void **state)
{
    (void)state;
    tft_series s;
    tft_series_init(&s, 1, 0);
    add(&s, 0, 1.0, TFT_STATE_NONE);
    add_state(&s, 1, TFT_STATE_OFFLINE);
    assert_false(s.labelled);
    add(&s, 2, 1.0, TFT_STATE_HEALTHY);
    assert_true(s.labelled);
    tft_series_free(&s);
}

/* The slow twin: every step in a plain array of sums. */
#define TWIN 600
typedef struct twin {
    double sum[TWIN][2];
    int n[TWIN][2], count[TWIN];
    tft_state worst[TWIN];
} twin;

static void any_order_of_records_gives_the_same_steps(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        tft_rng rng = tft_rng_seeded(seed, 1);
        static twin t;
        memset(&t, 0, sizeof t);
        tft_series s;
        tft_series_init(&s, 2, seed % 2 == 0 ? 0 : TWIN);
        int64_t low = TWIN, high = -1;
        for (int i = 0; i < 1500; i++) {
            // forwards with late ones, backwards, or anywhere
            const size_t wander = tft_rng_below(&rng, 40);
            const int64_t at = seed % 3 == 0   ? (int64_t)tft_rng_below(&rng, TWIN)
                               : seed % 3 == 1 ? (int64_t)((size_t)i * 550 / 1500 + wander)
                                               : (int64_t)(TWIN - 1 - (size_t)i * 550 / 1500 - wander);
            double values[2];
            for (int m = 0; m < 2; m++) {
                values[m] = tft_rng_below(&rng, 5) == 0 ? (double)NAN : tft_rng_normal(&rng);
                if (!isnan(values[m])) {
                    t.sum[at][m] += values[m];
                    t.n[at][m]++;
                }
            }
            const tft_state sent = (tft_state)tft_rng_below(&rng, TFT_N_STATES);
            t.worst[at] = tft_state_worse(t.worst[at], sent);
            t.count[at]++;
            low = at < low ? at : low;
            high = at > high ? at : high;
            assert_int_equal(tft_series_add(&s, at - 300, values, sent, NULL), TFT_OK);
        }
        assert_int_equal(s.first_step, low - 300);
        assert_int_equal(s.n_steps, high - low + 1);
        size_t known = 0;
        for (int64_t at = low; at <= high; at++) {
            const size_t i = (size_t)(at - low);
            assert_int_equal(s.counts[i], t.count[at]);
            assert_int_equal(s.states[i], t.worst[at]);
            known += t.count[at] > 0;
            for (size_t m = 0; m < 2; m++) {
                assert_int_equal(s.value_counts[i * 2 + m], t.n[at][m]);
                const float value = s.values[i * 2 + m];
                if (t.n[at][m] == 0)
                    assert_true(isnan(value));
                else
                    assert_float_equal(value, (float)(t.sum[at][m] / t.n[at][m]), 1e-5f);
            }
        }
        assert_int_equal(s.n_known, known);
        tft_series_free(&s);
    }
}

static void a_value_beyond_float_stays_finite(void **state)
{
    (void)state;
    tft_series s;
    tft_series_init(&s, 1, 0);
    const double values[] = {1e300, -1e300};
    tft_series_add(&s, 0, &values[0], TFT_STATE_NONE, NULL);
    tft_series_add(&s, 1, &values[1], TFT_STATE_NONE, NULL);
    assert_true(isfinite(s.values[0]) && s.values[0] > 1e29f);
    assert_true(isfinite(s.values[1]) && s.values[1] < -1e29f);
    tft_series_free(&s);
}

static void freeing_twice_is_harmless(void **state)
{
    (void)state;
    tft_series s = {0};
    tft_series_free(&s);
    tft_series_init(&s, 1, 0);
    tft_series_free(&s);
    tft_series_free(&s);
    tft_series_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_holds_the_mean_of_its_records_and_the_worst_state),
        cmocka_unit_test(a_missing_value_counts_for_no_mean),
        cmocka_unit_test(steps_between_records_are_there_and_empty),
        cmocka_unit_test(completing_a_record_does_not_count_it_again),
        cmocka_unit_test(a_stored_step_replaces_what_was_there),
        cmocka_unit_test(the_oldest_steps_go_and_older_records_are_ignored),
        cmocka_unit_test(a_span_without_bound_is_bounded_all_the_same),
        cmocka_unit_test(labels_are_known_once_a_state_other_than_offline_was_sent),
        cmocka_unit_test(any_order_of_records_gives_the_same_steps),
        cmocka_unit_test(a_value_beyond_float_stays_finite),
        cmocka_unit_test(freeing_twice_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
