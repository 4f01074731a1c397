/* test_elementwise.c - the simple kernels and the sums against their definitions, at lengths that vectors do not divide.
 *
 * u = 2⁻²⁴, half a unit in the last place of 1.
 */
#include "guard.h"

static const double u = 0x1p-24;
static const size_t lengths[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 67, 127, 130, 1000};
enum { N_LENGTHS = 19 };

typedef struct vectors {
    matrix a, b, c, d;
} vectors;

static vectors vectors_open(size_t n)
{
    tft_rng rng = tft_rng_seeded(n, 5);
    return (vectors){guard_random(1, n, n, &rng), guard_random(1, n, n, &rng), guard_random(1, n, n, &rng),
                     guard_random(1, n, n, &rng)};
}

static void vectors_close(vectors *v)
{
    guard_close(&v->a);
    guard_close(&v->b);
    guard_close(&v->c);
    guard_close(&v->d);
}

static void near(float got, double want, double bound)
{
    if (!(fabs((double)got - want) <= bound))
        fail_msg("%s: %.9g, expected %.9g within %.3g", tft_isa_name(tft_tensor_isa()), (double)got, want, bound);
}

static void simple_kernels_at(size_t n)
{
    vectors v = vectors_open(n);
    const float *a = v.a.p, *b = v.b.p;
    float *c = v.c.p;
    const float *before = v.d.p;
    guard_copy(&v.d, &v.c);
    tft_add(c, a, n);
    for (size_t i = 0; i < n; i++)
        assert_true(c[i] == before[i] + a[i]);
    guard_copy(&v.c, &v.d);
    tft_scale(c, -0.3f, n);
    for (size_t i = 0; i < n; i++)
        assert_true(c[i] == before[i] * -0.3f);
    tft_mul(c, a, b, n);
    for (size_t i = 0; i < n; i++)
        assert_true(c[i] == a[i] * b[i]);
    guard_copy(&v.c, &v.d);
    tft_mul(c, c, b, n); // in place
    for (size_t i = 0; i < n; i++)
        assert_true(c[i] == before[i] * b[i]);
    guard_copy(&v.c, &v.d);
    tft_axpy(c, 0.7f, a, n);
    for (size_t i = 0; i < n; i++) {
        const double product = (double)0.7f * (double)a[i];
        near(c[i], (double)before[i] + product, 2.0 * u * (fabs(product) + fabs((double)before[i])));
    }
    guard_copy(&v.c, &v.d);
    tft_elu_backward(c, a, b, n);
    for (size_t i = 0; i < n; i++) {
        const double slope = a[i] > 0.0f ? 1.0 : (double)a[i] + 1.0, step = (double)b[i] * slope;
        near(c[i], (double)before[i] + step,
             3.0 * u * (fabs((double)b[i]) * (1.0 + fabs((double)a[i])) + fabs((double)before[i])));
    }
    vectors_close(&v);
}

static void simple_kernels(void)
{
    for (size_t i = 0; i < N_LENGTHS; i++)
        simple_kernels_at(lengths[i]);
}

static void simple_kernels_do_what_they_say_at_every_length(void **state)
{
    (void)state;
    for_each_isa(simple_kernels);
}

static void sums(void)
{
    for (size_t t = 0; t < N_LENGTHS; t++) {
        const size_t n = lengths[t];
        vectors v = vectors_open(n);
        double dot = 0.0, magnitude = 0.0, squares = 0.0;
        for (size_t i = 0; i < n; i++) {
            dot += (double)v.a.p[i] * (double)v.b.p[i];
            magnitude += fabs((double)v.a.p[i] * (double)v.b.p[i]);
            squares += (double)v.a.p[i] * (double)v.a.p[i];
        }
        near(tft_dot(v.a.p, v.b.p, n), dot, ((double)n + 1.0) * u * magnitude);
        assert_true(fabs(tft_sum_squares(v.a.p, n) - squares) <= (double)n * 0x1p-53 * squares);
        for (size_t offset = 1; offset < 5; offset++) { // the same sum at another address
            matrix a = guard_open_at(1, n, n, offset), b = guard_open_at(1, n, n, 2 * offset);
            guard_copy(&a, &v.a);
            guard_copy(&b, &v.b);
            assert_true(tft_dot(a.p, b.p, n) == tft_dot(v.a.p, v.b.p, n));
            assert_true(tft_sum_squares(a.p, n) == tft_sum_squares(v.a.p, n));
            guard_close(&a);
            guard_close(&b);
        }
        vectors_close(&v);
    }
}

static void sums_agree_with_sums_in_double_wherever_the_buffers_lie(void **state)
{
    (void)state;
    for_each_isa(sums);
}

static void large_sums_of_squares(void)
{
    float x[3] = {1e30f, 1e30f, 1e-30f}; // 1e60 overflows a float
    assert_true(fabs(tft_sum_squares(x, 3) / ((double)x[0] * (double)x[0]) - 2.0) < 1e-12);
}

static void a_gradients_norm_does_not_overflow(void **state)
{
    (void)state;
    for_each_isa(large_sums_of_squares);
}

/* ---- ELU backward is the slope of ELU ------------------------------------------------------------------------ */

static double elu(double x)
{
    return x > 0.0 ? x : expm1(x);
}

static void elu_slopes(void)
{
    const double h = 1e-6;
    for (int i = -400; i <= 400; i++) {
        const float x = 0.0173f * (float)i + 0.001f; // never within h of the kink
        float y, dx = 0.0f;
        const float dy = 1.7f;
        tft_elu(&y, &x, 1);
        tft_elu_backward(&dx, &y, &dy, 1);
        const double slope = (elu((double)x + h) - elu((double)x - h)) / (2.0 * h);
        near(dx, (double)dy * slope, 1e-6);
    }
}

static void elu_backward_is_the_slope_of_elu(void **state)
{
    (void)state;
    for_each_isa(elu_slopes);
}

/* ---- dropout --------------------------------------------------------------------------------------------------- */

static void masks_against_the_definition(void)
{
    const float shares[] = {0.0f, 0.1f, 0.5f, 0.999f, 1.0f};
    for (size_t t = 0; t < N_LENGTHS; t++) {
        for (size_t s = 0; s < 5; s++) {
            matrix got = guard_open(1, lengths[t], lengths[t]), want = guard_open(1, lengths[t], lengths[t]);
            tft_dropout_mask(got.p, got.width, shares[s], 1234567 + t);
            tft_ref_dropout_mask(want.p, want.width, shares[s], 1234567 + t);
            assert_true(guard_same_bits(got.p, want.p, got.width));
            guard_close(&got);
            guard_close(&want);
        }
    }
}

static void dropout_draws_the_same_bits_on_every_instruction_set(void **state)
{
    (void)state;
    for_each_isa(masks_against_the_definition);
}

static void dropout_of_nothing_keeps_all_and_of_everything_drops_all(void **state)
{
    (void)state;
    float mask[100];
    tft_dropout_mask(mask, 100, 0.0f, 9);
    for (size_t i = 0; i < 100; i++)
        assert_true(mask[i] == 1.0f);
    tft_dropout_mask(mask, 100, 1.0f, 9);
    for (size_t i = 0; i < 100; i++)
        assert_true(mask[i] == 0.0f);
}

enum { DRAWS = 1 << 20 };
static float one_mask[DRAWS], other_mask[DRAWS];

/* How far the share of kept elements is from `expected`, in standard deviations of a fair draw. */
static double deviations(size_t kept, size_t n, double expected)
{
    const double share = (double)kept / (double)n;
    return fabs(share - expected) / sqrt(expected * (1.0 - expected) / (double)n);
}

static void dropout_is_fair_and_neighbours_and_keys_are_independent(void **state)
{
    (void)state;
    const double keep = 0.7;
    for (uint64_t key = 0; key < 20; key++) { // 20 · 7 figures: 4.5 deviations is one chance in a thousand for all
        tft_dropout_mask(one_mask, DRAWS, 0.3f, key);
        tft_dropout_mask(other_mask, DRAWS, 0.3f, key + 1);
        size_t kept = 0, both = 0;
        for (size_t i = 0; i < DRAWS; i++) {
            assert_true(one_mask[i] == 0.0f || one_mask[i] == 1.0f / 0.7f);
            kept += one_mask[i] != 0.0f;
            both += one_mask[i] != 0.0f && other_mask[i] != 0.0f;
        }
        assert_true(deviations(kept, DRAWS, keep) < 4.5);
        assert_true(deviations(both, DRAWS, keep * keep) < 4.5); // two keys
        const size_t lags[] = {1, 2, 16, 32, 4096};
        for (size_t t = 0; t < 5; t++) { // an element and the one `lag` further on
            size_t pairs = 0;
            for (size_t i = 0; i + lags[t] < DRAWS; i++)
                pairs += one_mask[i] != 0.0f && one_mask[i + lags[t]] != 0.0f;
            // pairs overlap; the variance of their mean is q(1−q) + 2(k³ − q²), q = k²
            const double q = keep * keep, n = (double)(DRAWS - lags[t]);
            const double sigma = sqrt((q * (1.0 - q) + 2.0 * (keep * keep * keep - q * q)) / n);
            assert_true(fabs((double)pairs / n - q) < 4.5 * sigma);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simple_kernels_do_what_they_say_at_every_length),
        cmocka_unit_test(sums_agree_with_sums_in_double_wherever_the_buffers_lie),
        cmocka_unit_test(a_gradients_norm_does_not_overflow),
        cmocka_unit_test(elu_backward_is_the_slope_of_elu),
        cmocka_unit_test(dropout_draws_the_same_bits_on_every_instruction_set),
        cmocka_unit_test(dropout_of_nothing_keeps_all_and_of_everything_drops_all),
        cmocka_unit_test(dropout_is_fair_and_neighbours_and_keys_are_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
