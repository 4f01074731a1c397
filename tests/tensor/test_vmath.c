/* test_vmath.c - eˣ, σ, tanh and ELU against libm in double: the largest error in units in the last place.
 *
 * Walks the bit patterns of all floats, every 1,009th by default (a prime: no mantissa is missed for long), every single
 * one with `test_tensor_vmath all` (minutes; part of the long checks). One unit is the spacing of floats at the
 * exact result, 2⁻¹⁴⁹ where that is subnormal.
 */
#include "guard.h"

typedef void function_fn(float *y, const float *x, size_t n);

static double elu_exact(double x)
{
    return x > 0.0 ? x : expm1(x);
}

static double sigmoid_exact(double x)
{
    return x < 0.0 ? exp(x) / (1.0 + exp(x)) : 1.0 / (1.0 + exp(-x));
}

typedef struct function {
    const char *name;
    function_fn *run;
    double (*exact)(double);
    double bound; // units in the last place
} function;

static const function functions[] = {
    {"exp", tft_exp, exp, 2.0},
    {"sigmoid", tft_sigmoid, sigmoid_exact, 3.0},
    {"tanh", tft_tanh, tanh, 3.0},
    {"elu", tft_elu, elu_exact, 2.0},
};
enum { N_FUNCTIONS = 4, BATCH = 4096 };

static uint32_t stride = 1009;

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double units(float got, double exact)
{
    const float rounded = (float)exact;
    if (got == rounded) // infinities too
        return 0.0;
    if (isnan(got) || isinf(got) || isinf(rounded))
        return isinf(got) && fabs(exact) > 0x1.fffffep127 ? 0.0 : INFINITY;
    int exponent;
    frexp(exact, &exponent); // exact = m · 2^exponent, ½ ≤ m < 1
    const double spacing = ldexp(1.0, exponent - 24 > -149 ? exponent - 24 : -149);
    return fabs((double)got - exact) / spacing;
}

static void walk(const function *f)
{
    static float x[BATCH], y[BATCH];
    double worst = 0.0;
    float worst_x = 0.0f;
    uint64_t bits = 0;
    while (bits <= UINT32_MAX) {
        size_t n = 0;
        for (; n < BATCH && bits <= UINT32_MAX; bits += stride) {
            x[n] = from_bits((uint32_t)bits);
            if (!isnan(x[n]))
                n++;
        }
        f->run(y, x, n);
        for (size_t i = 0; i < n; i++) {
            const double error = units(y[i], f->exact((double)x[i]));
            if (error > worst) {
                worst = error;
                worst_x = x[i];
            }
        }
    }
    printf("  %-10s %-9s %.3f ULP at %a\n", f->name, tft_isa_name(tft_tensor_isa()), worst, (double)worst_x);
    if (worst > f->bound)
        fail_msg("%s errs by %.3f units in the last place at %a; %.1f are promised", f->name, worst, (double)worst_x,
                 f->bound);
}

static void walk_all_functions(void)
{
    for (size_t f = 0; f < N_FUNCTIONS; f++)
        walk(&functions[f]);
}

static void every_function_is_within_its_units_over_all_floats(void **state)
{
    (void)state;
    for_each_isa(walk_all_functions);
}

static float at(function_fn *run, float x)
{
    float y;
    run(&y, &x, 1);
    return y;
}

static void special_values_once(void)
{
    assert_true(at(tft_exp, 0.0f) == 1.0f);
    assert_true(at(tft_exp, INFINITY) == INFINITY);
    assert_true(at(tft_exp, 1e30f) == INFINITY);
    assert_true(at(tft_exp, -INFINITY) == 0.0f);
    assert_true(at(tft_exp, -1e30f) == 0.0f);
    assert_true(at(tft_sigmoid, 0.0f) == 0.5f);
    assert_true(at(tft_sigmoid, INFINITY) == 1.0f);
    assert_true(at(tft_sigmoid, -INFINITY) == 0.0f);
    assert_true(at(tft_tanh, INFINITY) == 1.0f);
    assert_true(at(tft_tanh, -INFINITY) == -1.0f);
    assert_true(signbit(at(tft_tanh, -0.0f)));
    assert_true(at(tft_elu, INFINITY) == INFINITY);
    assert_true(at(tft_elu, -INFINITY) == -1.0f);
    assert_true(at(tft_elu, -0x1p-140f) == -0x1p-140f);
    for (size_t f = 0; f < N_FUNCTIONS; f++)
        assert_true(isnan(at(functions[f].run, NAN)));
}

static void infinities_zeros_and_nan_come_out_as_in_mathematics(void **state)
{
    (void)state;
    for_each_isa(special_values_once);
}

static void each_place_once(void)
{
    enum { N = 70 };
    tft_rng rng = tft_rng_seeded(3, 3);
    matrix x = guard_random(1, N, N, &rng), whole = guard_open(1, N, N);
    for (size_t f = 0; f < N_FUNCTIONS; f++) {
        functions[f].run(whole.p, x.p, N);
        for (size_t n = 0; n <= N; n++) {
            for (size_t offset = 0; offset < 3; offset++) { // other places in memory and in the buffer
                matrix part = guard_open_at(1, n, n, offset);
                memcpy(part.p, x.p + N - n, n * sizeof(float));
                functions[f].run(part.p, part.p, n); // in place
                assert_true(guard_same_bits(part.p, whole.p + N - n, n));
                guard_close(&part);
            }
        }
    }
    guard_close(&x);
    guard_close(&whole);
}

static void a_value_does_not_depend_on_where_it_stands(void **state)
{
    (void)state;
    for_each_isa(each_place_once);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "all") == 0)
        stride = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_is_within_its_units_over_all_floats),
        cmocka_unit_test(infinities_zeros_and_nan_come_out_as_in_mathematics),
        cmocka_unit_test(a_value_does_not_depend_on_where_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
