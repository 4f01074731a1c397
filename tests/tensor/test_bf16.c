/* test_bf16.c - products in bfloat16 against their definition (bf16_ref.c), which runs anywhere.
 *
 * The bound is that of the sum of the rounded factors in any order (Higham 2002, section 3.1), and for each of its terms the 2⁻¹²⁶ below which the
 * instruction takes a number for zero. Rounding itself is held against a table.
 */
#include "guard.h"

static const size_t row_counts[] = {0, 1, 2, 3, 5, 7, 8, 11, 12, 13, 25};
static const size_t widths[] = {0, 1, 8, 15, 16, 17, 31, 32, 33, 48, 65, 100};
static const size_t depths[] = {0, 1, 2, 3, 8, 15, 16, 17, 31, 32, 33, 64};
enum { N_ROWS = 11, N_WIDTHS = 12, N_DEPTHS = 12 };

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void rounding_goes_to_the_nearest_and_to_the_even_one_of_two(void **state)
{
    (void)state;
    static const uint32_t table[][2] = {
        {0x3F800000, 0x3F800000}, // 1
        {0x3F807FFF, 0x3F800000}, // just below the middle
        {0x3F808000, 0x3F800000}, // the middle: down to the even one
        {0x3F818000, 0x3F820000}, // the middle: up to it
        {0x3F808001, 0x3F810000}, // just above
        {0xBF808001, 0xBF810000}, // the sign does not matter
        {0x7F7FFFFF, 0x7F800000}, // the largest float is nearer to the infinity than to bfloat16's largest
        {0x7F800000, 0x7F800000}, // infinities stay
        {0xFF800000, 0xFF800000}, {0x00000000, 0x00000000},
        {0x80000000, 0x80000000}, {0x00800000, 0x00800000}, // 2⁻¹²⁶ is the smallest that is left
        {0x007FFFFF, 0x00000000}, {0x80000001, 0x80000000},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(bits_of(tft_bf16_round(of_bits(table[i][0]))), table[i][1]);
    assert_true(isnan(tft_bf16_round(NAN)));
    assert_true(isnan(tft_bf16_round(of_bits(0x7F800001)))); // its only bit of mantissa is among those that go
}

static matrix rounded(const matrix *m, bool absolute)
{
    matrix a = guard_open(m->rows, m->width, m->ld);
    for (size_t r = 0; r < m->rows; r++)
        for (size_t i = 0; i < m->width; i++) {
            const float x = tft_bf16_round(m->p[r * m->ld + i]);
            a.p[r * a.ld + i] = absolute ? fabsf(x) : x;
        }
    return a;
}

static void check_product(size_t n, size_t in, size_t out, size_t gap, bool with_bias, bool add)
{
    tft_rng rng = tft_rng_seeded(n * 1000003 + in * 1009 + out, gap);
    matrix x = guard_random(n, in, in + gap, &rng), x_abs = rounded(&x, true);
    matrix w = guard_random(out, in, in, &rng), w_abs = rounded(&w, true);
    matrix b = guard_random(1, out, out, &rng);
    matrix y = guard_random(n, out, out + gap, &rng), want = guard_open(n, out, out), bound = guard_open(n, out, out);
    matrix packed = guard_open(1, tft_linear_packed_floats(in, out), tft_linear_packed_floats(in, out));
    matrix definition = guard_open(1, in * out, in * out);
    const float *const bias = with_bias ? b.p : NULL;
    guard_copy(&want, &y);
    for (size_t i = 0; i < n * out; i++)
        bound.p[i] = fabsf(want.p[i]) + fabsf(b.p[i % out]);
    if (!add) // y is then not read: NaN in it must not matter
        for (size_t r = 0; r < n; r++)
            for (size_t j = 0; j < out; j++)
                y.p[r * y.ld + j] = NAN;

    tft_linear_pack_bf16(w.p, in, out, packed.p);
    tft_ref_linear_pack_bf16(w.p, in, out, definition.p);
    if (add) {
        tft_linear_bf16_add(x.p, x.ld, packed.p, bias, n, in, out, y.p, y.ld);
        tft_ref_linear_bf16_add(x.p, x.ld, definition.p, bias, n, in, out, want.p, want.ld);
    } else {
        tft_linear_bf16(x.p, x.ld, packed.p, bias, n, in, out, y.p, y.ld);
        tft_ref_linear_bf16(x.p, x.ld, definition.p, bias, n, in, out, want.p, want.ld);
    }
    tft_ref_linear_add(x_abs.p, x.ld, w_abs.p, NULL, n, in, out, bound.p, bound.ld);
    for (size_t i = 0; i < n * out; i++)
        bound.p[i] = bound.p[i] * (float)(in + 3) * 0x1p-24f + (float)in * 0x1p-126f;
    guard_near(&y, &want, &bound, add ? "linear_bf16_add" : "linear_bf16");
    guard_check(&y);
    matrix *const all[] = {&x, &x_abs, &w, &w_abs, &b, &y, &want, &bound, &packed, &definition};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        guard_close(all[i]);
}

static void products_over_shapes(void)
{
    for (size_t i = 0; i < N_ROWS; i++)
        for (size_t j = 0; j < N_WIDTHS; j++)
            for (size_t t = 0; t < N_DEPTHS; t++)
                check_product(row_counts[i], depths[t], widths[j], (i + j + t) % 3, (i + j) % 2 == 0, (j + t) % 2 == 0);
    const size_t deep[] = {160, 511, 512, 513, 1025}; // beyond a block of sums
    for (size_t t = 0; t < sizeof deep / sizeof *deep; t++) {
        check_product(13, deep[t], 70, 1, true, false);
        check_product(700, deep[t], 33, 0, true, true); // beyond a chunk of rows
    }
}

static void products_in_bfloat16_agree_with_their_definition(void **state)
{
    (void)state;
    for_each_isa(products_over_shapes);
}

/* Factors of a few bits need no rounding, and their sums none either: then every order gives the same. */
static void exact_over_shapes(void)
{
    enum { N = 29, IN = 37, OUT = 50 };
    tft_rng rng = tft_rng_seeded(3, 3);
    matrix x = guard_open(N, IN, IN), w = guard_open(OUT, IN, IN), y = guard_open(N, OUT, OUT),
           want = guard_open(N, OUT, OUT);
    matrix packed = guard_open(1, tft_linear_packed_floats(IN, OUT), tft_linear_packed_floats(IN, OUT));
    for (size_t i = 0; i < (size_t)N * IN; i++)
        x.p[i] = (float)((int)(tft_rng_uniform(&rng) * 255) - 127) * 0.125f;
    for (size_t i = 0; i < (size_t)OUT * IN; i++)
        w.p[i] = (float)((int)(tft_rng_uniform(&rng) * 255) - 127) * 4.0f;
    tft_linear_pack_bf16(w.p, IN, OUT, packed.p);
    tft_linear_bf16(x.p, IN, packed.p, NULL, N, IN, OUT, y.p, OUT);
    tft_ref_linear(x.p, IN, w.p, NULL, N, IN, OUT, want.p, OUT);
    assert_true(guard_same_bits(y.p, want.p, (size_t)N * OUT));
    matrix *const all[] = {&x, &w, &y, &want, &packed};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        guard_close(all[i]);
}

static void factors_of_eight_bits_lose_nothing(void **state)
{
    (void)state;
    for_each_isa(exact_over_shapes);
}

static void rows_one_by_one(void)
{
    enum { N = 45, IN = 37, OUT = 50 };
    tft_rng rng = tft_rng_seeded(7, 7);
    matrix x = guard_random(N, IN, IN, &rng), w = guard_random(OUT, IN, IN, &rng), b = guard_random(1, OUT, OUT, &rng);
    matrix whole = guard_open(N, OUT, OUT), part = guard_open(N, OUT, OUT);
    matrix packed = guard_open(1, tft_linear_packed_floats(IN, OUT), tft_linear_packed_floats(IN, OUT));
    tft_linear_pack_bf16(w.p, IN, OUT, packed.p);
    tft_linear_bf16(x.p, IN, packed.p, b.p, N, IN, OUT, whole.p, OUT);
    for (size_t count = 1; count < N; count++)
        for (size_t r = 0; r + count <= N; r += count) {
            tft_linear_bf16(x.p + r * IN, IN, packed.p, b.p, count, IN, OUT, part.p, OUT);
            assert_true(guard_same_bits(whole.p + r * OUT, part.p, count * OUT));
        }
    matrix *const all[] = {&x, &w, &b, &whole, &part, &packed};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        guard_close(all[i]);
}

static void a_row_of_the_result_does_not_depend_on_the_other_rows(void **state)
{
    (void)state;
    for_each_isa(rows_one_by_one);
}

static void a_number_that_is_none(void)
{
    enum { IN = 5, OUT = 3 };
    const float w[OUT * IN] = {1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2};
    float packed[64 * IN], y[2 * OUT];
    const float x[2 * IN] = {1, NAN, 1, 1, 1, 1, 1, INFINITY, 1, 1};
    tft_linear_pack_bf16(w, IN, OUT, packed);
    tft_linear_bf16(x, IN, packed, NULL, 2, IN, OUT, y, OUT);
    for (size_t j = 0; j < OUT; j++)
        assert_true(isnan(y[j]));
    assert_true(isinf(y[OUT]) && isnan(y[OUT + 1]) && isinf(y[OUT + 2]));
}

static void what_is_not_finite_shows_in_its_row_alone(void **state)
{
    (void)state;
    for_each_isa(a_number_that_is_none);
}

static void bfloat16_is_usable_with_the_widest_kernels_at_most(void **state)
{
    (void)state;
    tft_tensor_init(TFT_ISA_PORTABLE);
    assert_false(tft_bf16_usable());
    if (tft_tensor_init(TFT_ISA_AVX2) == TFT_ISA_AVX2)
        assert_false(tft_bf16_usable());
    tft_tensor_init(TFT_ISA_AVX512);
    printf("  bfloat16 here: %s\n", tft_bf16_usable() ? "by the processor" : "by the reference");
    assert_true(tft_bf16_usable() == (tft_kernels_current()->linear_bf16 != tft_ref_linear_bf16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_goes_to_the_nearest_and_to_the_even_one_of_two),
        cmocka_unit_test(products_in_bfloat16_agree_with_their_definition),
        cmocka_unit_test(factors_of_eight_bits_lose_nothing),
        cmocka_unit_test(a_row_of_the_result_does_not_depend_on_the_other_rows),
        cmocka_unit_test(what_is_not_finite_shows_in_its_row_alone),
        cmocka_unit_test(bfloat16_is_usable_with_the_widest_kernels_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
