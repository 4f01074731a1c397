/* test_history.c - steps packed and unpacked: the oracle is a tft_series that gets the same records. */
#include "forecast/history.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"

enum { M = 4, MAX = 2304 };
#define NONE ((double)NAN)

typedef struct world {
    block_pool pool;
    history h;
    tft_series oracle, copy;
    tft_series all; // nothing is dropped: blocks were packed whole
} world;

static void open_world(world *w, size_t max_steps)
{
    w->pool = (block_pool){0};
    history_init(&w->h, M, max_steps, &w->pool);
    tft_series_init(&w->oracle, M, max_steps);
    tft_series_init(&w->all, M, 0);
    tft_series_init(&w->copy, M, 0);
    assert_int_equal(tft_series_reserve(&w->copy, max_steps, NULL), TFT_OK);
}

static void close_world(world *w)
{
    history_free(&w->h);
    assert_int_equal(w->pool.bytes, 0);
    tft_series_free(&w->oracle);
    tft_series_free(&w->copy);
    tft_series_free(&w->all);
}

static void add(world *w, int64_t step, const double *values, tft_state state)
{
    assert_int_equal(history_add(&w->h, step, values, state, NULL), TFT_OK);
    assert_int_equal(tft_series_add(&w->oracle, step, values, state, NULL), TFT_OK);
    assert_int_equal(tft_series_add(&w->all, step, values, state, NULL), TFT_OK);
}

static int compare_floats(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

/* How far off a mean of a metric may be in the block that begins with step `begin`: step_block.h's promise, by its words. */
static double allowed(const tft_series *s, int64_t begin, size_t metric)
{
    float sorted[TFT_STEP_BLOCK];
    size_t n = 0;
    for (int64_t step = begin; step < begin + TFT_STEP_BLOCK; step++) {
        const int64_t i = tft_series_index(s, step);
        if (i >= 0 && s->value_counts[(size_t)i * M + metric] > 0)
            sorted[n++] = s->values[(size_t)i * M + metric];
    }
    if (n == 0)
        return 0;
    qsort(sorted, n, sizeof *sorted, compare_floats);
    const double low = (double)sorted[n / 4], high = (double)sorted[n - 1 - n / 4];
    const double middle = fmax(fabs(low), fabs(high));
    const double largest = fmax(fabs((double)sorted[0]), fabs((double)sorted[n - 1]));
    const double spread = n < 16 ? 0 : high - low;
    return middle == 0 ? largest / 65536 : fmax(spread / TFT_STEP_BLOCK_PARTS, middle * 0x1p-23);
}

/* times: how often a block may have been rounded. */
static void check_same(world *w, double times)
{
    const tft_series *const is = &w->copy, *const was = &w->oracle;
    history_copy(&w->h, INT64_MIN, INT64_MAX, &w->copy);
    assert_int_equal(is->n_steps, was->n_steps);
    assert_true(is->n_steps == 0 || is->first_step == was->first_step);
    assert_int_equal(is->n_known, was->n_known);
    assert_int_equal(is->labelled, was->labelled);
    assert_memory_equal(is->counts, was->counts, was->n_steps * sizeof *was->counts);
    assert_memory_equal(is->states, was->states, was->n_steps);
    assert_memory_equal(is->value_counts, was->value_counts, was->n_steps * M * sizeof *was->value_counts);
    for (size_t k = 0; k < M; k++) {
        int64_t begin = INT64_MIN;
        double most = 0;
        for (size_t i = 0; i < was->n_steps; i++) {
            const int64_t step = was->first_step + (int64_t)i;
            if (tft_step_block_of(step) * TFT_STEP_BLOCK != begin) {
                begin = tft_step_block_of(step) * TFT_STEP_BLOCK;
                most = allowed(&w->all, begin, k);
            }
            const float a = is->values[i * M + k], b = was->values[i * M + k];
            if (was->value_counts[i * M + k] == 0)
                assert_true(isnan(a));
            else if (!(fabs((double)a - (double)b) <= times * most))
                fail_msg("step %lld metric %zu: %.9g became %.9g, allowed %.3g", (long long)step, k, (double)b,
                         (double)a, times * most);
        }
    }
}

/* A machine: a day's rhythm, noise, spikes, metrics that come and go. */
static void make_values(tft_rng *rng, int64_t step, double *values)
{
    const double day = sin((double)step * 2 * 3.14159265 / 288);
    values[0] = 40 + 20 * day + 3 * tft_rng_normal(rng);
    values[1] = 90.2;
    values[2] = tft_rng_uniform(rng) < 0.9 ? 0 : 100 * tft_rng_uniform(rng);
    values[3] = 10 + tft_rng_normal(rng) + (tft_rng_uniform(rng) < 0.02 ? 2000 : 0);
    for (size_t k = 0; k < M; k++)
        if (tft_rng_uniform(rng) < 0.03)
            values[k] = NONE;
}

static void eight_days_are_what_a_series_holds(void **state)
{
    (void)state;
    world w;
    open_world(&w, MAX);
    tft_rng rng = tft_rng_seeded(1, 0);
    for (int64_t step = -700; step < 2300; step++) { // more than is kept, and across step 0
        for (uint64_t n = tft_rng_below(&rng, 4); n > 0; n--) {
            double values[M];
            make_values(&rng, step, values);
            add(&w, step, values, step % 400 > 390 ? TFT_STATE_CRITICAL_ISSUE : TFT_STATE_HEALTHY);
        }
        if (step % 331 == 0)
            check_same(&w, 1);
    }
    check_same(&w, 1);
    close_world(&w);
}

static void late_records_find_their_step(void **state)
{
    (void)state;
    world w;
    open_world(&w, 500);
    tft_rng rng = tft_rng_seeded(2, 0);
    for (int i = 0; i < 6000; i++) {
        double values[M];
        const int64_t now = 1000 + i / 6;
        const int64_t step = tft_rng_uniform(&rng) < 0.6 ? now : now - (int64_t)tft_rng_below(&rng, 560);
        for (size_t k = 0; k < M; k++)
            values[k] = 50 + 10 * (double)k * tft_rng_normal(&rng);
        add(&w, step, values, TFT_STATE_NONE);
        if (i % 500 == 0) // a mean is rounded again when others of its block have arrived, whose spread was another
            check_same(&w, 4);
    }
    close_world(&w);
}

static void history_may_arrive_backwards(void **state)
{
    (void)state;
    world w;
    open_world(&w, MAX);
    tft_rng rng = tft_rng_seeded(3, 0);
    for (int64_t step = 5000; step > 2000; step--) {
        double values[M];
        make_values(&rng, step, values);
        add(&w, step, values, TFT_STATE_OFFLINE);
    }
    check_same(&w, 1);
    close_world(&w);
}

static void a_long_silence_leaves_nothing_behind(void **state)
{
    (void)state;
    world w;
    open_world(&w, 300);
    const double values[M] = {1, 2, 3, 4};
    for (int64_t step = 0; step < 400; step++)
        add(&w, step, values, TFT_STATE_HEALTHY);
    add(&w, 600, values, TFT_STATE_HEALTHY); // some of it stays
    check_same(&w, 1);
    add(&w, 899, values, TFT_STATE_HEALTHY);
    check_same(&w, 1);
    add(&w, 100000, values, TFT_STATE_HEALTHY);
    check_same(&w, 1);
    assert_int_equal(history_steps(&w.h), 1);
    assert_int_equal(w.h.packed_bytes, 0);
    close_world(&w);
}

static void steps_are_set_and_filled_where_they_are(void **state)
{
    (void)state;
    world w;
    open_world(&w, MAX);
    const float means[M] = {1.5f, 2, NAN, 1e30f};
    const uint16_t counts[M] = {3, 2, 0, 60000};
    const double more[M] = {NONE, NONE, 7, NONE};
    for (int64_t step = 100; step < 300; step++) {
        assert_int_equal(history_set(&w.h, step, means, counts, 5, TFT_STATE_MAINTENANCE, NULL), TFT_OK);
        assert_int_equal(tft_series_set(&w.oracle, step, means, counts, 5, TFT_STATE_MAINTENANCE, NULL), TFT_OK);
        assert_int_equal(tft_series_set(&w.all, step, means, counts, 5, TFT_STATE_MAINTENANCE, NULL), TFT_OK);
    }
    assert_int_equal(history_fill(&w.h, 130, more, TFT_STATE_CRITICAL_ISSUE, NULL), TFT_OK);
    assert_int_equal(tft_series_fill(&w.oracle, 130, more, TFT_STATE_CRITICAL_ISSUE, NULL), TFT_OK);
    check_same(&w, 1);
    close_world(&w);
}

static void a_part_is_copied_alone_and_the_newest_where_there_is_no_room(void **state)
{
    (void)state;
    world w;
    open_world(&w, MAX);
    for (int64_t step = 0; step < 1000; step++) {
        const double values[M] = {(double)step, 1, NONE, -3};
        add(&w, step, values, TFT_STATE_HEALTHY);
    }
    tft_series few;
    tft_series_init(&few, M, 0);
    history_copy(&w.h, INT64_MIN, INT64_MAX, &few);
    assert_int_equal(few.n_steps, 0); // no room at all
    assert_int_equal(tft_series_reserve(&few, 100, NULL), TFT_OK);
    history_copy(&w.h, 250, 300, &few);
    assert_int_equal(few.n_steps, 51);
    assert_int_equal(few.first_step, 250);
    for (size_t i = 0; i < 51; i++)
        assert_true(fabs((double)few.values[i * M] - 250 - (double)i) <= 0.25);
    history_copy(&w.h, -50, 5, &few);
    assert_int_equal(few.n_steps, 6);
    history_copy(&w.h, 5000, 6000, &few);
    assert_int_equal(few.n_steps, 0);
    history_copy(&w.h, INT64_MIN, INT64_MAX, &few);
    assert_true(few.n_steps == few.capacity && few.first_step == 1000 - (int64_t)few.capacity);
    tft_series_free(&few);
    close_world(&w);
}

static void any_values_fit_the_bytes_that_are_promised(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(4, 0);
    unsigned char *const out =
        test_malloc(tft_step_block_most(M) + TFT_BITS_SLACK); // exactly: sanitizers see what goes beyond
    for (int round = 0; round < 2000; round++) {
        tft_series s;
        tft_series_init(&s, M, 0);
        const double size = pow(10, 60 * tft_rng_uniform(&rng) - 30);
        for (int64_t step = 0; step < TFT_STEP_BLOCK; step++) {
            float means[M];
            uint16_t counts[M];
            for (size_t k = 0; k < M; k++) {
                means[k] = (float)((tft_rng_uniform(&rng) - 0.5) *
                                   (round % 2 ? size : pow(10, 60 * tft_rng_uniform(&rng) - 30)));
                counts[k] = (uint16_t)tft_rng_below(&rng, 65536);
            }
            tft_series_set(&s, step, means, counts, (uint16_t)tft_rng_below(&rng, 65536),
                           (tft_state)tft_rng_below(&rng, TFT_N_STATES), NULL);
        }
        const size_t n = tft_step_block_pack(&s, out);
        assert_true(n <= tft_step_block_most(M));
        float values[TFT_STEP_BLOCK * M];
        uint16_t value_counts[TFT_STEP_BLOCK * M], counts[TFT_STEP_BLOCK];
        uint8_t states[TFT_STEP_BLOCK];
        tft_step_block block = {.values = values, .value_counts = value_counts, .counts = counts, .states = states};
        assert_true(tft_step_block_unpack(out, n, M, &block));
        assert_int_equal(block.n, TFT_STEP_BLOCK);
        assert_memory_equal(counts, s.counts, sizeof counts);
        assert_memory_equal(states, s.states, sizeof states);
        for (size_t i = 0; i < TFT_STEP_BLOCK * M; i++) {
            assert_int_equal(value_counts[i], s.value_counts[i]);
            assert_true(value_counts[i] == 0 ? isnan(values[i])
                                             : fabs((double)values[i] - (double)s.values[i]) <= allowed(&s, 0, i % M));
        }
        tft_series_free(&s);
    }
    test_free(out);
}

static void eight_days_of_four_metrics_take_less_than_14_kb(void **state)
{
    (void)state;
    world w;
    open_world(&w, MAX);
    tft_rng rng = tft_rng_seeded(5, 0);
    for (int64_t step = 0; step < MAX; step++)
        for (int i = 0; i < 3; i++) {
            const double day = sin((double)step * 2 * 3.14159265 / 288);
            const double values[M] = {40 + 20 * day + 3 * tft_rng_normal(&rng), 60 + day + 0.2 * tft_rng_normal(&rng),
                                      fabs(20 + 10 * tft_rng_normal(&rng)), exp(3 + 0.3 * tft_rng_normal(&rng))};
            add(&w, step, values, TFT_STATE_HEALTHY);
        }
    assert_true(history_bytes(&w.h) < 14 * 1024); // 62 kB as floats and counts
    assert_true(history_bytes(&w.h) <= history_most_bytes(M, MAX));
    close_world(&w);
}

static void the_newest_block_takes_a_quarter_more_at_a_time_and_never_more_than_a_block(void **state)
{
    (void)state;
    world w;
    open_world(&w, MAX);
    const double values[M] = {1, 2, 3, 4};
    for (int64_t step = 0; step < TFT_STEP_BLOCK; step++) {
        add(&w, step, values, TFT_STATE_HEALTHY);
        assert_int_equal(w.h.newest.capacity, (step / 16 + 1) * 16);
    }
    for (int64_t step = TFT_STEP_BLOCK + 50; step < 2 * TFT_STEP_BLOCK; step++) // from the middle of a block on
        add(&w, step, values, TFT_STATE_HEALTHY);
    assert_int_equal(w.h.newest.capacity, 14);
    close_world(&w);
}

/* The steps [from, from + n) of a random machine, some of them missing; both get them, one as a block where `whole`. */
static void set_block(world *w, history *given, tft_rng *rng, int64_t from, bool whole)
{
    static unsigned char bytes[TFT_STEP_BLOCK_MOST + TFT_BITS_SLACK];
    float values[TFT_STEP_BLOCK * M];
    uint16_t value_counts[TFT_STEP_BLOCK * M], counts[TFT_STEP_BLOCK];
    uint8_t states[TFT_STEP_BLOCK];
    tft_series steps;
    tft_series_init(&steps, M, 0);
    for (int64_t step = from; step < from + TFT_STEP_BLOCK; step++) {
        double drawn[M];
        float means[M];
        uint16_t n[M];
        make_values(rng, step, drawn);
        if (tft_rng_uniform(rng) < 0.2)
            continue;
        for (size_t k = 0; k < M; k++) {
            means[k] = (float)drawn[k];
            n[k] = isnan(drawn[k]) ? 0 : 3;
        }
        assert_int_equal(history_set(&w->h, step, means, n, 3, TFT_STATE_HEALTHY, NULL), TFT_OK);
        assert_int_equal(tft_series_set(&steps, step, means, n, 3, TFT_STATE_HEALTHY, NULL), TFT_OK);
        if (!whole)
            assert_int_equal(history_set(given, step, means, n, 3, TFT_STATE_HEALTHY, NULL), TFT_OK);
    }
    const size_t n = tft_step_block_pack(&steps, bytes);
    tft_step_block block = {.values = values, .value_counts = value_counts, .counts = counts, .states = states};
    assert_true(tft_step_block_unpack(bytes, n, M, &block));
    if (whole)
        assert_int_equal(history_set_block(given, from / TFT_STEP_BLOCK, bytes, n, &block, NULL), TFT_OK);
    else // what is there already does not come as a block
        assert_int_equal(history_set_block(given, from / TFT_STEP_BLOCK, bytes, n, &block, NULL), TFT_ERR_STATE);
    tft_series_free(&steps);
}

/* Whether the other history holds the same, bit for bit. */
static void check_equal(world *w, const history *given)
{
    tft_series other;
    tft_series_init(&other, M, 0);
    assert_int_equal(tft_series_reserve(&other, w->h.max_steps, NULL), TFT_OK);
    history_copy(&w->h, INT64_MIN, INT64_MAX, &w->copy);
    history_copy(given, INT64_MIN, INT64_MAX, &other);
    assert_int_equal(other.first_step, w->copy.first_step);
    assert_int_equal(other.n_steps, w->copy.n_steps);
    assert_int_equal(other.n_known, w->copy.n_known);
    assert_int_equal(other.labelled, w->copy.labelled);
    assert_memory_equal(other.values, w->copy.values, other.n_steps * M * sizeof *other.values);
    assert_memory_equal(other.counts, w->copy.counts, other.n_steps * sizeof *other.counts);
    assert_memory_equal(other.states, w->copy.states, other.n_steps);
    tft_series_free(&other);
}

static void a_block_that_was_packed_elsewhere_is_what_its_steps_are(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        world w;
        history given;
        tft_rng rng = tft_rng_seeded(seed, 0);
        open_world(&w, 300);
        history_init(&given, M, 300, &w.pool);
        int64_t from = 64000;
        for (int i = 0; i < 12; i++, from += TFT_STEP_BLOCK) {
            from += tft_rng_uniform(&rng) < 0.2 ? TFT_STEP_BLOCK * (int64_t)tft_rng_below(&rng, 8) : 0; // silence
            set_block(&w, &given, &rng, from, tft_rng_uniform(&rng) < 0.7);
        }
        set_block(&w, &given, &rng, from, false); // the newest block comes as steps
        check_equal(&w, &given);
        history_free(&given);
        close_world(&w);
    }
}

static void records_go_on_in_a_block_that_was_given_whole(void **state)
{
    (void)state;
    world w;
    history given;
    tft_rng rng = tft_rng_seeded(7, 0);
    open_world(&w, 300);
    history_init(&given, M, 300, &w.pool);
    set_block(&w, &given, &rng, 640, true);
    const double values[M] = {50, 60, 70, 80};
    assert_int_equal(history_set(&given, 700, (const float[M]){1, 2, 3, 4}, (const uint16_t[M]){1, 1, 1, 1}, 1,
                                 TFT_STATE_NONE, NULL),
                     TFT_OK);
    assert_int_equal(history_add(&given, 700, values, TFT_STATE_NONE, NULL), TFT_OK);
    history_copy(&given, 641, 702, &w.copy);
    assert_int_equal(w.copy.counts[tft_series_index(&w.copy, 700)], 2);
    assert_true(w.copy.n_known > 30); // those that were packed are there still
    history_free(&given);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_days_are_what_a_series_holds),
        cmocka_unit_test(late_records_find_their_step),
        cmocka_unit_test(history_may_arrive_backwards),
        cmocka_unit_test(a_long_silence_leaves_nothing_behind),
        cmocka_unit_test(steps_are_set_and_filled_where_they_are),
        cmocka_unit_test(a_part_is_copied_alone_and_the_newest_where_there_is_no_room),
        cmocka_unit_test(any_values_fit_the_bytes_that_are_promised),
        cmocka_unit_test(the_newest_block_takes_a_quarter_more_at_a_time_and_never_more_than_a_block),
        cmocka_unit_test(a_block_that_was_packed_elsewhere_is_what_its_steps_are),
        cmocka_unit_test(records_go_on_in_a_block_that_was_given_whole),
        cmocka_unit_test(eight_days_of_four_metrics_take_less_than_14_kb),
    };
    return cmocka_run_group_tests_name("forecast.history", tests, NULL, NULL);
}
