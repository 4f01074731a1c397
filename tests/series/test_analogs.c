/* test_analogs.c - what followed moments like this one: known series, broken ones, short ones. */
#include "series/analogs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "series/summary.h"

enum { WEEK = 2016, N = 2304 };
static const float levels[3] = {0.1f, 0.5f, 0.9f};
static const tft_pace pace = {.step_ms = 300000, .hour = 12, .day = 288, .week = WEEK};

typedef struct fixture {
    tft_arena arena;
    tft_analog_finder finder;
    float column[N + TFT_PAST_SPARE];
    tft_analogs analogs;
} fixture;

static fixture *open_fixture(void)
{
    fixture *f = test_calloc(1, sizeof *f);
    tft_arena count = {0};
    tft_analog_finder_layout(&f->finder, &pace, &count);
    assert_int_equal(tft_arena_init(&f->arena, count.used, NULL), TFT_OK);
    tft_analog_finder_layout(&f->finder, &pace, &f->arena);
    return f;
}

static void close_fixture(fixture *f)
{
    tft_arena_free(&f->arena);
    test_free(f);
}

static void make(fixture *f, size_t n, float scale)
{
    float *const from = f->column + N - n;
    const tft_past past = {.n = n, .values = from, .columns = from, .steps = {.n_metrics = 1}};
    tft_analog_finder_begin(&f->finder, &past, &pace, 0);
    tft_analogs_make(&f->finder, &past, 0, &pace, scale, levels, 3, &f->analogs);
}

static void a_pattern_that_repeats_is_continued_exactly(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    for (size_t i = 0; i < N; i++)
        f->column[i] = (float)(10 + i % 7 * (i % 7)); // no period of a day: only likeness can find it
    make(f, N, 20.0f);
    assert_true(f->analogs.found);
    for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
        const size_t phase = (N - 1 + tft_change_span(s)) % 7;
        for (size_t q = 0; q < 3; q++) {
            assert_float_equal(f->analogs.values.quantiles[q][s], (float)(10 + phase * phase), 0.0f);
            assert_float_equal(f->analogs.changes.quantiles[q][s], (float)(10 + phase * phase) - f->column[N - 1],
                               0.0f);
        }
    }
    close_fixture(f);
}

/* Busy for 40 steps, idle for 83: twenty steps into a busy spell it is busy for a while yet, then surely idle. */
static void it_knows_how_long_a_spell_lasts(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    for (size_t i = 0; i < N; i++)
        f->column[i] = (i + 123 - (N - 1 - 20) % 123) % 123 < 40 ? 100.0f : 1.0f;
    assert_float_equal(f->column[N - 1], 100.0f, 0.0f);
    assert_float_equal(f->column[N - 22], 1.0f, 0.0f);
    make(f, N, 30.0f);
    assert_true(f->analogs.found);
    assert_float_equal(f->analogs.values.quantiles[1][0], 100.0f, 0.0f); // in one step
    assert_float_equal(f->analogs.values.quantiles[1][6], 1.0f, 0.0f);   // in 64
    close_fixture(f);
}

static void quantiles_ascend_and_stay_inside_what_was_seen(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    uint32_t x = 1;
    for (size_t round = 0; round < 50; round++) {
        for (size_t i = 0; i < N; i++) {
            x = x * 1664525u + 1013904223u;
            f->column[i] = x % 10 < round % 10 ? NAN : (float)(x >> 20) * 0.01f;
        }
        make(f, round < 25 ? N : 200 + round * 20, 10.0f);
        for (size_t s = 0; f->analogs.found && s < TFT_CHANGE_SPANS; s++) {
            const float v[3] = {f->analogs.values.quantiles[0][s], f->analogs.values.quantiles[1][s],
                                f->analogs.values.quantiles[2][s]};
            assert_true(v[0] >= 0.0f && v[0] <= v[1] && v[1] <= v[2] && v[2] <= 40.96f);
            assert_true(isfinite(f->analogs.changes.quantiles[0][s]) && isfinite(f->analogs.changes.quantiles[2][s]));
        }
    }
    close_fixture(f);
}

/* ---- the definition, written down without haste ---- */

typedef struct moment {
    float distance;
    size_t age;
} moment;

static int nearer_then_newer(const void *a, const void *b)
{
    const moment *const x = a, *const y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return (x->age > y->age) - (x->age < y->age);
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float phi(float value, float scale)
{
    const float v = value / scale;
    const float grown = v < 0.0f ? 1.0f / (sqrtf(v * v + 1.0f) - v) : v + sqrtf(v * v + 1.0f);
    int32_t bits;
    memcpy(&bits, &grown, sizeof bits);
    return (float)(bits - 0x3f800000) * (1.0f / 8388608.0f);
}

/* Mean of the known values of the hour that ends at i; sums slide as the finder's do, so that they round alike. */
static void means_of_hours(const float *x, size_t n, float *means)
{
    double sum = 0.0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        sum += isnan(x[i]) ? 0.0 : (double)x[i];
        count += isnan(x[i]) ? 0 : 1;
        if (i >= pace.hour && !isnan(x[i - pace.hour])) {
            sum -= (double)x[i - pace.hour];
            count--;
        }
        means[i] = count > 0 ? (float)(sum / (double)count) : 0.0f;
    }
}

static void expect(const float *x, size_t n, const moment *moments, size_t count, bool change, const tft_changes *found)
{
    for (size_t s = 0; s < TFT_CHANGE_SPANS; s++) {
        float samples[TFT_MOST_SAMPLES];
        size_t known = 0;
        for (size_t c = 0; c < count; c++) {
            const size_t i = n - 1 - moments[c].age;
            const float value = x[i + tft_change_span(s)] - (change ? x[i] : 0.0f);
            if (!isnan(value))
                samples[known++] = value;
        }
        assert_true(known > 0);
        qsort(samples, known, sizeof *samples, ascending);
        for (size_t q = 0; q < 3; q++)
            assert_float_equal(found->quantiles[q][s], tft_quantile_sorted(samples, known, levels[q]), 0.0f);
    }
}

static void the_nearest_moments_are_those_of_the_definition(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    static moment moments[WEEK];
    static float means[N];
    uint32_t seed = 7;
    for (size_t round = 0; round < 60; round++) {
        for (size_t i = 0; i < N; i++) {
            seed = seed * 1664525u + 1013904223u;
            const uint32_t values = round % 3 == 0 ? 4 : 100000; // every third has hardly any distances, and ties
            f->column[i] = seed % 10 < round % 5 ? NAN : (float)((seed >> 8) % values) - (round % 4 == 0 ? 2.0f : 0.0f);
        }
        f->column[N - 1] = 3.0f;
        const float scale = round % 2 == 0 ? 1.5f : 30000.0f;
        make(f, N, scale);
        assert_true(f->analogs.found);

        const float *const x = f->column + N - WEEK;
        size_t n = 0;
        means_of_hours(x, WEEK, means);
        for (size_t age = tft_change_span(TFT_CHANGE_SPANS - 1); age < WEEK; age += 2) {
            const size_t i = WEEK - 1 - age;
            const float distance = fabsf(phi(x[i], scale) - phi(x[WEEK - 1], scale)) +
                                   fabsf(phi(means[i], scale) - phi(means[WEEK - 1], scale));
            moments[n++] = (moment){isnan(x[i]) ? INFINITY : distance, age};
        }
        qsort(moments, n, sizeof *moments, nearer_then_newer);
        expect(x, WEEK, moments, 128, false, &f->analogs.values);
        expect(x, WEEK, moments, 64, true, &f->analogs.changes);
    }
    close_fixture(f);
}

static void too_little_or_nothing_known_finds_none(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    for (size_t i = 0; i < N; i++)
        f->column[i] = 5.0f;
    make(f, 150, 5.0f);
    assert_false(f->analogs.found);
    make(f, 300, 5.0f);
    assert_true(f->analogs.found);
    for (size_t i = 0; i < N; i++)
        f->column[i] = NAN;
    make(f, N, 5.0f);
    assert_false(f->analogs.found);
    f->column[3] = 1.0f; // one value, long ago
    make(f, N, 5.0f);
    assert_false(f->analogs.found);
    close_fixture(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_that_repeats_is_continued_exactly),
        cmocka_unit_test(it_knows_how_long_a_spell_lasts),
        cmocka_unit_test(quantiles_ascend_and_stay_inside_what_was_seen),
        cmocka_unit_test(the_nearest_moments_are_those_of_the_definition),
        cmocka_unit_test(too_little_or_nothing_known_finds_none),
    };
    return cmocka_run_group_tests_name("series.analogs", tests, NULL, NULL);
}
