/* test_fused.c - the kernels of evaluation against their definitions, on every instruction set.
 *
 * Buffers end at a forbidden page, so a vector that reads or writes past a row is a crash.
 */
#include "guard.h"

static const double u = 0x1p-24; // half a unit in the last place of 1

static void near(float got, double want, double bound, const char *what)
{
    if (!(fabs((double)got - want) <= bound))
        fail_msg("%s: %s is %.9g, expected %.9g within %.3g", tft_isa_name(tft_tensor_isa()), what, (double)got, want,
                 bound);
}

/* ---- curves ------------------------------------------------------------------------------------------------- */

enum { MOST = 40, PIECES = 5, NODES = 3 + 2 + 5 + 2 + 9 }; // pieces of 2, 1, 4, 1 and 8 cubics

static void check_curves(size_t n_curves, size_t d)
{
    enum { ROWS = 9 };
    tft_rng rng = tft_rng_seeded(n_curves, d);
    matrix first = guard_open(1, n_curves, n_curves), per_unit = guard_open(1, n_curves, n_curves);
    matrix pieces = guard_open(1, n_curves, n_curves);
    matrix nodes = guard_random(n_curves * NODES, 2 * d, 2 * d, &rng);
    static const float splits[PIECES] = {2.0f, 1.0f, 4.0f, 1.0f, 8.0f};
    tft_curve_piece piece[MOST * PIECES];
    matrix x = guard_random(ROWS, n_curves, n_curves + 2, &rng), w = guard_random(ROWS, n_curves, n_curves + 1, &rng);
    matrix y = guard_random(ROWS, d, d, &rng), want = guard_open(ROWS, d, d);
    uint32_t start[MOST];
    for (size_t i = 0; i < n_curves; i++) {
        first.p[i] = -8.0f;
        per_unit.p[i] = (float)PIECES / 16.0f;
        pieces.p[i] = (float)PIECES;
        start[i] = (uint32_t)(i * PIECES);
        uint32_t node = (uint32_t)(i * NODES);
        for (size_t k = 0; k < PIECES; node += (uint32_t)splits[k++] + 1)
            piece[i * PIECES + k] = (tft_curve_piece){node, splits[k]};
    }
    const tft_curves c = {n_curves, d, first.p, per_unit.p, pieces.p, start, piece, nodes.p};
    matrix values = guard_open(ROWS, d, d), exact = guard_open(ROWS, d, d);
    for (size_t i = 0; i < n_curves; i += 5) {
        assert_true(tft_curve_values(&c, i, x.p + i, n_curves + 2, ROWS, values.p));
        assert_true(tft_ref_curve_values(&c, i, x.p + i, n_curves + 2, ROWS, exact.p));
        for (size_t k = 0; k < ROWS * d; k++)
            near(values.p[k], (double)exact.p[k], 400.0 * u, "one curve");
    }
    // rows that repeat: what is made once and what is looked up each time give the same bits
    const float *shared[MOST] = {NULL};
    uint32_t step[ROWS];
    for (uint32_t r = 0; r < ROWS; r++)
        step[r] = r;
    tft_curve_values(&c, n_curves / 2, x.p + n_curves / 2, n_curves + 2, ROWS, values.p);
    shared[n_curves / 2] = values.p;
    memcpy(exact.p, y.p, ROWS * d * sizeof(float));
    memcpy(want.p, y.p, ROWS * d * sizeof(float));
    assert_true(tft_curves_mix(&c, x.p, n_curves + 2, w.p, n_curves + 1, shared, step, ROWS, exact.p));
    assert_true(tft_curves_mix(&c, x.p, n_curves + 2, w.p, n_curves + 1, NULL, NULL, ROWS, want.p));
    assert_memory_equal(exact.p, want.p, ROWS * d * sizeof(float));
    guard_close(&values);
    guard_close(&exact);
    for (int round = 0; round < 3; round++) {
        if (round == 1)
            x.p[3 * (n_curves + 2) + n_curves - 1] = 8.0f; // the end itself is outside
        if (round == 2)
            x.p[4 * (n_curves + 2)] = NAN;
        memcpy(want.p, y.p, ROWS * d * sizeof(float));
        const bool expected = tft_ref_curves_mix(&c, x.p, n_curves + 2, w.p, n_curves + 1, NULL, NULL, ROWS, want.p);
        assert_true(expected == (round == 0));
        assert_true(tft_curves_mix(&c, x.p, n_curves + 2, w.p, n_curves + 1, NULL, NULL, ROWS, y.p) == expected);
        for (size_t i = 0; i < ROWS * d; i++) // the place in a cubic is good to 40 u, slopes are of size 1
            near(y.p[i], (double)want.p[i], 400.0 * u * (double)n_curves, "curves");
    }
    guard_close(&first);
    guard_close(&per_unit);
    guard_close(&pieces);
    guard_close(&nodes);
    guard_close(&x);
    guard_close(&w);
    guard_close(&y);
    guard_close(&want);
}

static void curves_over_shapes(void)
{
    static const size_t counts[] = {1, 3, 11, 16, 17, 31}, widths[] = {1, 6, 16, 17, 32, 40, 160};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 7; j++)
            check_curves(counts[i], widths[j]);
}

static void curves_agree_with_their_definition_and_tell_what_lies_outside(void **state)
{
    (void)state;
    for_each_isa(curves_over_shapes);
}

/* ---- attention ------------------------------------------------------------------------------------------------ */

static void check_attend(size_t d, size_t n, size_t first_open, size_t step, float scale)
{
    const size_t keys = first_open + n * step;
    tft_rng rng = tft_rng_seeded(d * 1000 + n, keys);
    matrix q = guard_random(n, d, d + 3, &rng), k = guard_random(d, keys, keys + 5, &rng);
    matrix v = guard_random(d, keys, keys + 5, &rng), out = guard_random(n, d, d, &rng), want = guard_open(n, d, d);
    memcpy(want.p, out.p, n * d * sizeof(float));
    tft_attend(q.p, d + 3, k.p, v.p, keys + 5, n, d, first_open, step, scale, 0.125f, out.p, NULL);
    tft_ref_attend(q.p, d + 3, k.p, v.p, keys + 5, n, d, first_open, step, scale, 0.125f, want.p, NULL);
    // a score errs by a few units of the largest partial sum; the exponential turns that into a relative error
    const double bound = 0.125 * u * (16.0 + 8.0 * (double)d * (double)scale);
    for (size_t i = 0; i < n * d; i++)
        near(out.p[i], (double)want.p[i], bound + 2.0 * u, "attention");
    guard_close(&q);
    guard_close(&k);
    guard_close(&v);
    guard_close(&out);
    guard_close(&want);
}

static void attend_over_shapes(void)
{
    static const size_t opens[] = {0, 1, 7, 16, 33, 96};
    for (size_t d = 1; d <= TFT_ATTEND_WIDEST; d++)
        for (size_t i = 0; i < 6; i++)
            for (size_t step = 0; step < 2; step++) {
                if (opens[i] + step == 0)
                    continue;
                check_attend(d, 5, opens[i], step, 0.5f);
                check_attend(d, 5, opens[i], step, 100.0f); // scores far beyond what an exponential holds
            }
}

static void attention_agrees_with_its_definition_also_where_scores_are_huge(void **state)
{
    (void)state;
    for_each_isa(attend_over_shapes);
}

static void check_attend_heads(size_t n_heads, size_t d, size_t n, size_t first_open, size_t step, float scale)
{
    const size_t keys = first_open + n * step, ld = keys + 5, width = n_heads * d;
    tft_rng rng = tft_rng_seeded(n_heads * 1000 + d, keys);
    matrix q = guard_random(n, width, width + 3, &rng), kv = guard_random(width + d, keys, ld, &rng);
    matrix weights = guard_open(n_heads, keys, ld), out = guard_random(n, d, d, &rng), want = guard_open(n, d, d);
    memcpy(want.p, out.p, n * d * sizeof(float));
    tft_attend_heads(n_heads, d, q.p, width + 3, kv.p, ld, n, first_open, step, scale, weights.p, out.p);
    tft_ref_attend_heads(n_heads, d, q.p, width + 3, kv.p, ld, n, first_open, step, scale, NULL, want.p);
    const double bound = u * (16.0 + 8.0 * (double)d * (double)scale); // a mean of heads errs as one head does
    for (size_t i = 0; i < n * d; i++)
        near(out.p[i], (double)want.p[i], bound + 2.0 * u, "attention of all heads");
    guard_close(&q);
    guard_close(&kv);
    guard_close(&weights);
    guard_close(&out);
    guard_close(&want);
}

static void attend_heads_over_shapes(void)
{
    static const size_t opens[] = {0, 1, 7, 16, 33, 96}, heads[] = {1, 2, 3, 4, 8, 9, 64};
    for (size_t h = 0; h < 7; h++)
        for (size_t d = 1; d <= TFT_ATTEND_WIDEST; d++)
            for (size_t i = 0; i < 6; i++)
                for (size_t step = 0; step < 2; step++) {
                    if (opens[i] + step == 0)
                        continue;
                    check_attend_heads(heads[h], d, 5, opens[i], step, 0.5f);
                    check_attend_heads(heads[h], d, 5, opens[i], step, 100.0f);
                }
}

static void attention_of_all_heads_agrees_with_its_definition_also_where_scores_are_huge(void **state)
{
    (void)state;
    for_each_isa(attend_heads_over_shapes);
}

static void check_attend_backward(size_t d, size_t n, size_t first_open, size_t step, float scale)
{
    const size_t keys = first_open + n * step;
    tft_rng rng = tft_rng_seeded(d * 1000 + n, keys + 7);
    matrix q = guard_random(n, d, d + 3, &rng), k = guard_random(d, keys, keys + 5, &rng);
    matrix v = guard_random(d, keys, keys + 5, &rng), dout = guard_random(n, d, d, &rng);
    matrix out = guard_open(n, d, d), kept = guard_open(n, 2, 2), want = guard_open(n, d, d),
           want_kept = guard_open(n, 2, 2);
    matrix dq = guard_open(n, d, d + 3), dk = guard_random(d, keys, keys + 5, &rng);
    matrix dv = guard_random(d, keys, keys + 5, &rng), want_dq = guard_open(n, d, d + 3);
    matrix want_dk = guard_open(d, keys, keys + 5), want_dv = guard_open(d, keys, keys + 5);
    guard_copy(&want_dk, &dk);
    guard_copy(&want_dv, &dv);
    memset(out.p, 0, n * d * sizeof(float));
    memset(want.p, 0, n * d * sizeof(float));
    tft_attend(q.p, d + 3, k.p, v.p, keys + 5, n, d, first_open, step, scale, 1.0f, out.p, kept.p);
    tft_attend_backward(q.p, d + 3, k.p, v.p, keys + 5, n, d, first_open, step, scale, out.p, kept.p, dout.p, dq.p,
                        dk.p, dv.p);
    tft_ref_attend(q.p, d + 3, k.p, v.p, keys + 5, n, d, first_open, step, scale, 1.0f, want.p, want_kept.p);
    tft_ref_attend_backward(q.p, d + 3, k.p, v.p, keys + 5, n, d, first_open, step, scale, want.p, want_kept.p, dout.p,
                            want_dq.p, want_dk.p, want_dv.p);
    const double bound = u * (64.0 + 32.0 * (double)d * (double)scale) * (1.0 + (double)scale) * (double)(d + n);
    for (size_t r = 0; r < n; r++)
        for (size_t t = 0; t < d; t++)
            near(dq.p[r * (d + 3) + t], (double)want_dq.p[r * (d + 3) + t], bound, "dq");
    for (size_t t = 0; t < d; t++) {
        for (size_t s = 0; s < keys; s++) {
            near(dk.p[t * (keys + 5) + s], (double)want_dk.p[t * (keys + 5) + s], bound, "dk");
            near(dv.p[t * (keys + 5) + s], (double)want_dv.p[t * (keys + 5) + s], bound, "dv");
        }
    }
    matrix *const all[] = {&q,         &k,  &v,  &dout, &out,     &kept,    &want,
                           &want_kept, &dq, &dk, &dv,   &want_dq, &want_dk, &want_dv};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        guard_close(all[i]);
}

static void attend_backward_over_shapes(void)
{
    static const size_t opens[] = {0, 1, 7, 16, 33, 96};
    for (size_t d = 1; d <= TFT_ATTEND_WIDEST; d++)
        for (size_t i = 0; i < 6; i++)
            for (size_t step = 0; step < 2; step++) {
                if (opens[i] + step == 0)
                    continue;
                check_attend_backward(d, 5, opens[i], step, 0.5f);
                check_attend_backward(d, 5, opens[i], step, 30.0f);
            }
}

static void attention_backward_agrees_with_its_definition(void **state)
{
    (void)state;
    for_each_isa(attend_backward_over_shapes);
}

/* ---- LSTM cell -------------------------------------------------------------------------------------------------- */

static void check_cell(size_t n, size_t hidden, float size)
{
    tft_rng rng = tft_rng_seeded(n, hidden);
    matrix gates = guard_open(n, 4 * hidden, 4 * hidden);
    guard_fill(&gates, &rng, size);
    matrix c = guard_random(n, hidden, hidden, &rng), h = guard_open(n, hidden, hidden);
    matrix want_c = guard_open(n, hidden, hidden), want_h = guard_open(n, hidden, hidden);
    memcpy(want_c.p, c.p, n * hidden * sizeof(float));
    tft_lstm_cell_lean(gates.p, n, hidden, c.p, h.p);
    tft_ref_lstm_cell_lean(gates.p, n, hidden, want_c.p, want_h.p);
    for (size_t i = 0; i < n * hidden; i++) {
        near(c.p[i], (double)want_c.p[i], 3e-7 * (1.0 + fabs((double)want_c.p[i])), "c");
        near(h.p[i], (double)want_h.p[i], 6e-7, "h");
    }
    guard_close(&gates);
    guard_close(&c);
    guard_close(&h);
    guard_close(&want_c);
    guard_close(&want_h);
}

static void cells_over_shapes(void)
{
    static const size_t widths[] = {1, 5, 16, 31, 32, 160};
    for (size_t i = 0; i < 6; i++) {
        check_cell(1, widths[i], 2.0f);
        check_cell(9, widths[i], 1e-3f);
        check_cell(9, widths[i], 100.0f); // every gate open or shut
    }
}

static void the_lean_cell_agrees_with_its_definition(void **state)
{
    (void)state;
    for_each_isa(cells_over_shapes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_agree_with_their_definition_and_tell_what_lies_outside),
        cmocka_unit_test(attention_agrees_with_its_definition_also_where_scores_are_huge),
        cmocka_unit_test(attention_of_all_heads_agrees_with_its_definition_also_where_scores_are_huge),
        cmocka_unit_test(attention_backward_agrees_with_its_definition),
        cmocka_unit_test(the_lean_cell_agrees_with_its_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
