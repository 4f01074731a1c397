/* test_gemm.c - the matrix products against their definition, at shapes that tiles and vectors do not divide.
 *
 * The bound is the textbook one for a sum of products in any order, with or without FMA (Higham 2002, section 3.1):
 * |error| ≤ (k + 3) u (Σ |a b| + |bias| + |beta c|), u = 2⁻²⁴. The sum of magnitudes is the reference product of
 * the absolute values. Not a digit is given away: a product that dropped or doubled a term fails it.
 */
#include "guard.h"

static const size_t row_counts[] = {0, 1, 2, 3, 5, 6, 7, 11, 12, 13, 21, 25};
static const size_t widths[] = {0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 65, 96, 100};
static const size_t depths[] = {0, 1, 2, 3, 4, 5, 7, 8, 16, 33};
enum { N_ROWS = 12, N_WIDTHS = 19, N_DEPTHS = 10 };

/* ---- magnitudes and bounds -------------------------------------------------------------------------------- */

static matrix absolute(const matrix *m)
{
    matrix a = guard_open(m->rows, m->width, m->ld);
    for (size_t r = 0; r < m->rows; r++)
        for (size_t i = 0; i < m->width; i++)
            a.p[r * a.ld + i] = fabsf(m->p[r * m->ld + i]);
    return a;
}

static void to_bound(matrix *magnitude, size_t k)
{
    for (size_t r = 0; r < magnitude->rows; r++)
        for (size_t i = 0; i < magnitude->width; i++)
            magnitude->p[r * magnitude->ld + i] *= (float)(k + 3) * 0x1p-24f;
}

typedef void product_fn(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k,
                        float alpha, float beta, float *c, size_t ldc);

typedef struct product {
    const char *name;
    product_fn *run, *ref;
    bool a_by_columns, b_by_rows_of_k; // a is [k, m]; b is [n, k]
} product;

static const product products[] = {
    {"nt", tft_matmul_nt, tft_ref_matmul_nt, false, true},
    {"nn", tft_matmul_nn, tft_ref_matmul_nn, false, false},
    {"tn", tft_matmul_tn, tft_ref_matmul_tn, true, false},
};

static void check_product(const product *p, size_t m, size_t n, size_t k, size_t gap, float alpha, float beta)
{
    tft_rng rng = tft_rng_seeded(m * 1000003 + n * 1009 + k, gap);
    const size_t a_rows = p->a_by_columns ? k : m, a_width = p->a_by_columns ? m : k;
    const size_t b_rows = p->b_by_rows_of_k ? n : k, b_width = p->b_by_rows_of_k ? k : n;
    matrix a = guard_random(a_rows, a_width, a_width + gap, &rng), a_abs = absolute(&a);
    matrix b = guard_random(b_rows, b_width, b_width + 2 * gap, &rng), b_abs = absolute(&b);
    matrix c = guard_random(m, n, n + gap, &rng), want = guard_twin(&c), bound = absolute(&c);
    if (beta == 0.0f) // c is then not read: NaN in it must not matter
        for (size_t r = 0; r < m; r++)
            for (size_t j = 0; j < n; j++)
                c.p[r * c.ld + j] = NAN;

    p->run(a.p, a.ld, b.p, b.ld, m, n, k, alpha, beta, c.p, c.ld);
    p->ref(a.p, a.ld, b.p, b.ld, m, n, k, alpha, beta, want.p, want.ld);
    p->ref(a_abs.p, a.ld, b_abs.p, b.ld, m, n, k, fabsf(alpha), fabsf(beta), bound.p, bound.ld);
    to_bound(&bound, k);
    guard_near(&c, &want, &bound, p->name);
    guard_check(&c);
    matrix *const all[] = {&a, &a_abs, &b, &b_abs, &c, &want, &bound};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        guard_close(all[i]);
}

static void products_over_awkward_shapes(void)
{
    for (size_t p = 0; p < 3; p++)
        for (size_t i = 0; i < N_ROWS; i++)
            for (size_t j = 0; j < N_WIDTHS; j++)
                for (size_t t = 0; t < N_DEPTHS; t++) // gap and factors change along the way
                    check_product(&products[p], row_counts[i], widths[j], depths[t], (i + j + t) % 4,
                                  (i + t) % 3 == 0 ? 1.0f : -0.37f, (float)((j + t) % 3) * 0.5f);
}

static void products_agree_with_the_definition_at_awkward_shapes(void **state)
{
    (void)state;
    for_each_isa(products_over_awkward_shapes);
}

static void products_over_long_sums(void)
{
    const size_t deep[] = {255, 256, 257, 511, 512, 513, 1030, 3072};
    for (size_t p = 0; p < 3; p++)
        for (size_t t = 0; t < sizeof deep / sizeof *deep; t++) {
            check_product(&products[p], 13, 7, deep[t], 3, 1.0f, 1.0f);
            check_product(&products[p], 5, 40, deep[t], 0, 0.5f, 0.0f);
            check_product(&products[p], 8, 129, deep[t], 1, 1.0f, 0.25f);
        }
    check_product(&products[0], 700, 100, 33, 0, 1.0f, 0.0f); // more rows than a chunk of them
    check_product(&products[1], 700, 100, 33, 0, 1.0f, 0.0f);
    check_product(&products[2], 700, 100, 33, 0, 1.0f, 0.0f);
    check_product(&products[2], 1100, 8, 5, 1, -0.5f, 0.25f); // few columns: turned over, in several chunks
    check_product(&products[2], 4500, 1, 3, 2, 1.0f, 1.0f);
    check_product(&products[0], 3, 1200, 512, 0, 1.0f, 0.0f); // more columns than are packed at once
}

static void products_agree_beyond_a_block_of_sums_rows_or_columns(void **state)
{
    (void)state;
    for_each_isa(products_over_long_sums);
}

/* ---- linear ----------------------------------------------------------------------------------------------- */

static matrix row_of(matrix *m) // a bias as one row
{
    return (matrix){.rows = 1, .width = m->width, .ld = m->width, .p = m->p};
}

static void check_linear(size_t n, size_t in, size_t out, size_t gap, bool with_bias)
{
    tft_rng rng = tft_rng_seeded(n * 1000003 + in * 1009 + out, gap);
    matrix x = guard_random(n, in, in + gap, &rng), x_abs = absolute(&x);
    matrix w = guard_random(out, in, in, &rng), w_abs = absolute(&w);
    matrix b = guard_random(1, out, out, &rng), b_abs = absolute(&b);
    matrix y = guard_open(n, out, out + gap), want = guard_open(n, out, out), bound = guard_open(n, out, out);
    matrix packed = guard_open(1, tft_linear_packed_floats(in, out), tft_linear_packed_floats(in, out));
    matrix y_packed = guard_open(n, out, out + gap);
    const float *bias = with_bias ? b.p : NULL, *bias_abs = with_bias ? b_abs.p : NULL;

    tft_linear(x.p, x.ld, w.p, bias, n, in, out, y.p, y.ld);
    tft_ref_linear(x.p, x.ld, w.p, bias, n, in, out, want.p, want.ld);
    tft_ref_linear(x_abs.p, x.ld, w_abs.p, bias_abs, n, in, out, bound.p, bound.ld);
    to_bound(&bound, in);
    guard_near(&y, &want, &bound, "linear");
    tft_linear_pack(w.p, in, out, packed.p);
    tft_linear_packed(x.p, x.ld, packed.p, bias, n, in, out, y_packed.p, y_packed.ld);
    for (size_t r = 0; r < n; r++)
        assert_true(guard_same_bits(y.p + r * y.ld, y_packed.p + r * y_packed.ld, out));

    guard_fill(&y, &rng, 1.0f);
    guard_copy(&want, &y);
    guard_copy(&y_packed, &y);
    matrix y_abs = absolute(&y);
    guard_copy(&bound, &y_abs);
    tft_linear_add(x.p, x.ld, w.p, bias, n, in, out, y.p, y.ld);
    tft_ref_linear_add(x.p, x.ld, w.p, bias, n, in, out, want.p, want.ld);
    tft_ref_linear_add(x_abs.p, x.ld, w_abs.p, bias_abs, n, in, out, bound.p, bound.ld);
    to_bound(&bound, in);
    guard_near(&y, &want, &bound, "linear_add");
    guard_check(&y);
    tft_linear_packed_add(x.p, x.ld, packed.p, bias, n, in, out, y_packed.p, y_packed.ld);
    for (size_t r = 0; r < n; r++)
        assert_true(guard_same_bits(y.p + r * y.ld, y_packed.p + r * y_packed.ld, out));

    matrix *const all[] = {&x, &x_abs, &w, &w_abs, &b, &b_abs, &y, &y_abs, &want, &bound, &packed, &y_packed};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        guard_close(all[i]);
}

static void linear_over_shapes(void)
{
    for (size_t i = 0; i < N_ROWS; i++)
        for (size_t j = 0; j < N_WIDTHS; j++)
            for (size_t t = (i + j) % 2; t < N_DEPTHS; t += 2) // every other: the products above saw all of them
                check_linear(row_counts[i], depths[t], widths[j], (i + j) % 3, (i + j + t / 2) % 2 == 0);
    check_linear(37, 480, 32, 5, true);
    check_linear(3, 1100, 70, 0, true);
    check_linear(20, 32, 128, 0, true);
}

static void linear_agrees_with_the_definition_and_packed_weights_change_no_bit(void **state)
{
    (void)state;
    for_each_isa(linear_over_shapes);
}

static void check_linear_backward(size_t n, size_t in, size_t out, size_t gap)
{
    tft_rng rng = tft_rng_seeded(n * 1000003 + in * 1009 + out, gap);
    matrix x = guard_random(n, in, in + gap, &rng), x_abs = absolute(&x);
    matrix w = guard_random(out, in, in, &rng), w_abs = absolute(&w);
    matrix dy = guard_random(n, out, out + gap, &rng), dy_abs = absolute(&dy);
    matrix dx = guard_random(n, in, in + gap, &rng), want_dx = guard_twin(&dx), bound_dx = absolute(&dx);
    matrix dw = guard_random(out, in, in, &rng), want_dw = guard_twin(&dw), bound_dw = absolute(&dw);
    matrix db = guard_random(1, out, out, &rng), want_db = guard_twin(&db), bound_db = absolute(&db);

    tft_linear_backward(x.p, x.ld, w.p, dy.p, dy.ld, n, in, out, dx.p, dx.ld, dw.p, db.p);
    tft_ref_linear_backward(x.p, x.ld, w.p, dy.p, dy.ld, n, in, out, want_dx.p, dx.ld, want_dw.p, want_db.p);
    tft_ref_linear_backward(x_abs.p, x.ld, w_abs.p, dy_abs.p, dy.ld, n, in, out, bound_dx.p, dx.ld, bound_dw.p,
                            bound_db.p);
    to_bound(&bound_dx, out);
    to_bound(&bound_dw, n);
    to_bound(&bound_db, n);
    guard_near(&dx, &want_dx, &bound_dx, "dx");
    guard_near(&dw, &want_dw, &bound_dw, "dw");
    const matrix got_row = row_of(&db), want_row = row_of(&want_db), bound_row = row_of(&bound_db);
    guard_near(&got_row, &want_row, &bound_row, "db");
    guard_check(&dx);

    matrix again = guard_twin(&dw), unused = guard_twin(&dw); // dx and db are optional
    guard_fill(&again, &rng, 0.0f);
    guard_fill(&unused, &rng, 0.0f);
    tft_linear_backward(x.p, x.ld, w.p, dy.p, dy.ld, n, in, out, NULL, 0, again.p, NULL);
    tft_linear_backward(x.p, x.ld, w.p, dy.p, dy.ld, n, in, out, dx.p, dx.ld, unused.p, db.p);
    assert_true(guard_same_bits(again.p, unused.p, out * in));

    matrix *const all[] = {&x,  &x_abs,   &w,        &w_abs, &dy,      &dy_abs,   &dx,    &want_dx, &bound_dx,
                           &dw, &want_dw, &bound_dw, &db,    &want_db, &bound_db, &again, &unused};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        guard_close(all[i]);
}

static void linear_backward_over_shapes(void)
{
    const size_t sizes[] = {0, 1, 2, 3, 5, 8, 13, 16, 17, 32, 40};
    const size_t rows[] = {0, 1, 2, 7, 33, 300};
    for (size_t i = 0; i < 11; i++)
        for (size_t j = 0; j < 11; j++)
            for (size_t t = 0; t < 6; t++)
                check_linear_backward(rows[t], sizes[i], sizes[j], (i + j + t) % 3);
    check_linear_backward(1000, 1, 160, 0);
    check_linear_backward(50, 9, 480, 0);
}

static void linear_backward_agrees_with_the_definition(void **state)
{
    (void)state;
    for_each_isa(linear_backward_over_shapes);
}

/* ---- what a result may depend on --------------------------------------------------------------------------- */

static void rows_one_by_one(void)
{
    enum { N = 45, IN = 37, OUT = 50 };
    tft_rng rng = tft_rng_seeded(7, 7);
    matrix x = guard_random(N, IN, IN, &rng), w = guard_random(OUT, IN, IN, &rng), b = guard_random(1, OUT, OUT, &rng);
    matrix v = guard_random(IN, OUT, OUT, &rng);
    matrix whole = guard_open(N, OUT, OUT), part = guard_open(N, OUT, OUT);
    tft_linear(x.p, IN, w.p, b.p, N, IN, OUT, whole.p, OUT);
    for (size_t count = 1; count < N; count++)
        for (size_t r = 0; r + count <= N; r += count) {
            tft_linear(x.p + r * IN, IN, w.p, b.p, count, IN, OUT, part.p, OUT);
            assert_true(guard_same_bits(whole.p + r * OUT, part.p, count * OUT));
        }
    tft_matmul_nn(x.p, IN, v.p, OUT, N, OUT, IN, 0.5f, 0.0f, whole.p, OUT);
    for (size_t r = 0; r < N; r++) {
        tft_matmul_nn(x.p + r * IN, IN, v.p, OUT, 1, OUT, IN, 0.5f, 0.0f, part.p, OUT);
        assert_true(guard_same_bits(whole.p + r * OUT, part.p, OUT));
    }
    matrix *const all[] = {&x, &w, &b, &v, &whole, &part};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        guard_close(all[i]);
}

static void a_row_of_the_result_does_not_depend_on_the_other_rows(void **state)
{
    (void)state;
    for_each_isa(rows_one_by_one);
}

static void products_at_every_offset(void)
{
    enum { M = 14, N = 35, K = 29 };
    tft_rng rng = tft_rng_seeded(8, 8);
    matrix a = guard_random(M, K, K, &rng), b = guard_random(N, K, K, &rng), c = guard_open(M, N, N);
    tft_matmul_nt(a.p, K, b.p, K, M, N, K, 1.0f, 0.0f, c.p, N);
    for (size_t offset = 1; offset < 17; offset++) {
        matrix a2 = guard_open_at(M, K, K, offset), b2 = guard_open_at(N, K, K, 17 - offset);
        matrix c2 = guard_open_at(M, N, N, offset / 2);
        guard_copy(&a2, &a);
        guard_copy(&b2, &b);
        tft_matmul_nt(a2.p, K, b2.p, K, M, N, K, 1.0f, 0.0f, c2.p, N);
        assert_true(guard_same_bits(c.p, c2.p, M * N));
        guard_close(&a2);
        guard_close(&b2);
        guard_close(&c2);
    }
    guard_close(&a);
    guard_close(&b);
    guard_close(&c);
}

static void a_result_does_not_depend_on_where_the_buffers_lie(void **state)
{
    (void)state;
    for_each_isa(products_at_every_offset);
}

static void packed_sizes_that_overflow_saturate(void **state)
{
    (void)state;
    assert_true(tft_linear_packed_floats(SIZE_MAX / 2, 100) == SIZE_MAX);
    assert_true(tft_linear_packed_floats(1, SIZE_MAX) == SIZE_MAX);
    assert_true(tft_linear_packed_floats(3, 33) == 3 * 64);
    assert_true(tft_linear_packed_floats(0, 33) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_agree_with_the_definition_at_awkward_shapes),
        cmocka_unit_test(products_agree_beyond_a_block_of_sums_rows_or_columns),
        cmocka_unit_test(linear_agrees_with_the_definition_and_packed_weights_change_no_bit),
        cmocka_unit_test(linear_backward_agrees_with_the_definition),
        cmocka_unit_test(a_row_of_the_result_does_not_depend_on_the_other_rows),
        cmocka_unit_test(a_result_does_not_depend_on_where_the_buffers_lie),
        cmocka_unit_test(packed_sizes_that_overflow_saturate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
