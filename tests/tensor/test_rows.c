/* test_rows.c - GLU, layer normalisation, softmax and the LSTM cell against their definitions, in place, at odd widths,
 * and each backward against central differences of its forward formula, computed here in double.
 *
 * Bounds are multiples of u = 2⁻²⁴ (half a unit in the last place of 1) times the magnitudes that were added up.
 */
#include "guard.h"

static const double u = 0x1p-24;
static const size_t widths[] = {0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 32, 33, 40, 64, 100, 384};
static const size_t rows[] = {0, 1, 2, 5, 67};
enum { N_WIDTHS = 17, N_ROWS = 5 };

static void near(float got, double want, double bound, const char *what)
{
    if (!(fabs((double)got - want) <= bound))
        fail_msg("%s, %s: %.9g, expected %.9g within %.3g", what, tft_isa_name(tft_tensor_isa()), (double)got, want,
                 bound);
}

static void close_all(matrix *const *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        guard_close(all[i]);
}
#define CLOSE(...) close_all((matrix *const[]){__VA_ARGS__}, sizeof((matrix *const[]){__VA_ARGS__}) / sizeof(matrix *))

static void over_shapes(void (*check)(size_t n, size_t d))
{
    for (size_t i = 0; i < N_ROWS; i++)
        for (size_t j = 0; j < N_WIDTHS; j++)
            check(rows[i], widths[j]);
}

/* ---- GLU ---------------------------------------------------------------------------------------------------- */

static void check_glu(size_t n, size_t d)
{
    tft_rng rng = tft_rng_seeded(n, d);
    matrix x = guard_open(n, 2 * d, 2 * d);
    guard_fill(&x, &rng, 4.0f);
    matrix y = guard_open(n, d, d), s = guard_open(n, d, d), want = guard_open(n, d, d), want_s = guard_open(n, d, d);
    matrix dy = guard_random(n, d, d, &rng), dx = guard_open(n, 2 * d, 2 * d), want_dx = guard_open(n, 2 * d, 2 * d);
    tft_glu(x.p, n, d, y.p, s.p);
    tft_ref_glu(x.p, n, d, want.p, want_s.p);
    for (size_t i = 0; i < n * d; i++) {
        near(s.p[i], (double)want_s.p[i], 7.0 * u * (double)want_s.p[i], "sigmoid of the gate");
        near(y.p[i], (double)want.p[i], 9.0 * u * fabs((double)want.p[i]) + 1e-44, "glu");
    }
    tft_glu_backward(x.p, s.p, dy.p, n, d, dx.p);
    tft_ref_glu_backward(x.p, s.p, dy.p, n, d, want_dx.p);
    for (size_t i = 0; i < n * 2 * d; i++)
        near(dx.p[i], (double)want_dx.p[i], 8.0 * u * fabs((double)want_dx.p[i]) + 1e-44, "glu backward");
    tft_glu(x.p, n, d, want.p, NULL); // nothing kept: the same result
    assert_true(guard_same_bits(y.p, want.p, n * d));
    CLOSE(&x, &y, &s, &want, &want_s, &dy, &dx, &want_dx);
}

static void glu_over_shapes(void)
{
    over_shapes(check_glu);
}

static void glu_agrees_with_its_definition(void **state)
{
    (void)state;
    for_each_isa(glu_over_shapes);
}

/* ---- layer normalisation --------------------------------------------------------------------------------------- */

static void check_layernorm(size_t n, size_t d)
{
    tft_rng rng = tft_rng_seeded(n, d);
    matrix x = guard_open(n, d, d);
    guard_fill(&x, &rng, 3.0f);
    for (size_t i = 0; i < n * d; i++)
        x.p[i] += 5.0f; // a mean well away from 0
    matrix w = guard_random(1, d, d, &rng), b = guard_random(1, d, d, &rng), dy = guard_random(n, d, d, &rng);
    matrix y = guard_open(n, d, d), z = guard_open(n, d, d), scale = guard_open(1, n, n);
    matrix want = guard_open(n, d, d), want_z = guard_open(n, d, d), want_scale = guard_open(1, n, n);
    tft_layernorm(x.p, w.p, b.p, n, d, 1e-5f, y.p, z.p, scale.p);
    tft_ref_layernorm(x.p, w.p, b.p, n, d, 1e-5f, want.p, want_z.p, want_scale.p);
    for (size_t r = 0; r < n; r++) {
        // the mean errs by (d + 2) u · the largest |x|, which inv_std magnifies
        double largest = 0.0;
        for (size_t i = 0; i < d; i++)
            largest = fmax(largest, fabs((double)x.p[r * d + i]));
        const double s = (double)want_scale.p[r], off = ((double)d + 8.0) * u * (largest * s + 1.0);
        near(scale.p[r], s, 4.0 * off * s, "inv_std");
        for (size_t i = 0; i < d; i++) {
            const double zi = (double)want_z.p[r * d + i], wi = (double)w.p[i];
            near(z.p[r * d + i], zi, off * (1.0 + 4.0 * fabs(zi)), "normed");
            near(y.p[r * d + i], (double)want.p[r * d + i],
                 off * (1.0 + 4.0 * fabs(zi)) * fabs(wi) + 2.0 * u * (fabs(zi * wi) + fabs((double)b.p[i])),
                 "layernorm");
        }
    }
    matrix dx = guard_open(n, d, d), want_dx = guard_open(n, d, d), in_place = guard_twin(&dy);
    matrix dw = guard_random(1, d, d, &rng), db = guard_random(1, d, d, &rng);
    matrix want_dw = guard_twin(&dw), want_db = guard_twin(&db), dw2 = guard_twin(&dw), db2 = guard_twin(&db);
    tft_layernorm_backward(w.p, z.p, scale.p, dy.p, n, d, dx.p, dw.p, db.p);
    tft_ref_layernorm_backward(w.p, z.p, scale.p, dy.p, n, d, want_dx.p, want_dw.p, want_db.p);
    for (size_t r = 0; r < n; r++) {
        double sum = 0.0, largest_z = 0.0;
        for (size_t i = 0; i < d; i++) {
            sum += fabs((double)dy.p[r * d + i] * (double)w.p[i]) / (double)d;
            largest_z = fmax(largest_z, fabs((double)z.p[r * d + i]));
        }
        for (size_t i = 0; i < d; i++) {
            const double own = fabs((double)dy.p[r * d + i] * (double)w.p[i]);
            near(dx.p[r * d + i], (double)want_dx.p[r * d + i],
                 ((double)d + 8.0) * u * (double)scale.p[r] * (own + sum * (1.0 + largest_z * largest_z)),
                 "layernorm backward");
        }
    }
    for (size_t i = 0; i < d; i++) {
        double z_sum = fabs((double)want_dw.p[i]) + 10.0, plain = fabs((double)want_db.p[i]) + 10.0;
        for (size_t r = 0; r < n; r++) {
            z_sum += fabs((double)dy.p[r * d + i] * (double)z.p[r * d + i]);
            plain += fabs((double)dy.p[r * d + i]);
        }
        near(dw.p[i], (double)want_dw.p[i], ((double)n + 3.0) * u * z_sum, "layernorm dw");
        near(db.p[i], (double)want_db.p[i], ((double)n + 3.0) * u * plain, "layernorm db");
    }
    tft_layernorm_backward(w.p, z.p, scale.p, in_place.p, n, d, in_place.p, dw2.p, db2.p); // dx is dy
    assert_true(guard_same_bits(in_place.p, dx.p, n * d));
    assert_true(guard_same_bits(dw2.p, dw.p, d) && guard_same_bits(db2.p, db.p, d));
    matrix bare = guard_open(n, d, d);
    tft_layernorm(x.p, w.p, b.p, n, d, 1e-5f, bare.p, NULL, NULL); // nothing kept: the same result
    assert_true(guard_same_bits(bare.p, y.p, n * d));
    CLOSE(&x, &w, &b, &dy, &y, &z, &scale, &want, &want_z, &want_scale, &dx, &want_dx, &in_place, &dw, &db, &want_dw,
          &want_db, &dw2, &db2, &bare);
}

static void layernorm_over_shapes(void)
{
    over_shapes(check_layernorm);
}

static void layernorm_agrees_with_its_definition(void **state)
{
    (void)state;
    for_each_isa(layernorm_over_shapes);
}

static void layernorm_of_equal_values(void)
{
    float x[20], w[20], b[20], y[20];
    for (size_t i = 0; i < 20; i++) {
        x[i] = 1e4f;
        w[i] = 2.0f;
        b[i] = (float)i;
    }
    tft_layernorm(x, w, b, 1, 20, 1e-5f, y, NULL, NULL);
    for (size_t i = 0; i < 20; i++)
        near(y[i], (double)b[i], 2.0 * 20.0 * u * 1e4 / sqrt(1e-5), "layernorm of a constant row");
}

static void layernorm_of_a_constant_row_is_the_bias(void **state)
{
    (void)state;
    for_each_isa(layernorm_of_equal_values);
}

/* ---- a gated block's end ------------------------------------------------------------------------------------------- */

static void check_gate_norm(size_t n, size_t d)
{
    tft_rng rng = tft_rng_seeded(n, d);
    matrix x = guard_open(n, 2 * d, 2 * d);
    guard_fill(&x, &rng, 3.0f);
    matrix skip = guard_random(n, d, d, &rng), w = guard_random(1, d, d, &rng), b = guard_random(1, d, d, &rng);
    matrix y = guard_open(n, d, d), s = guard_open(n, d, d), z = guard_open(n, d, d), scale = guard_open(1, n, n);
    matrix sum = guard_open(n, d, d), gate = guard_open(n, d, d), want = guard_open(n, d, d);
    tft_gate_norm(x.p, skip.p, w.p, b.p, n, d, 1e-5f, y.p, s.p, z.p, scale.p);
    tft_ref_glu(x.p, n, d, sum.p, gate.p); // the same in three walks
    tft_ref_add(sum.p, skip.p, n * d);
    tft_ref_layernorm(sum.p, w.p, b.p, n, d, 1e-5f, want.p, NULL, NULL);
    for (size_t i = 0; i < n * d; i++)
        near(s.p[i], (double)gate.p[i], 2e-7, "sigmoid of the gate");
    for (size_t r = 0; r < n; r++) {
        double largest = 0.0;
        for (size_t i = 0; i < d; i++)
            largest = fmax(largest, fabs((double)sum.p[r * d + i]));
        for (size_t i = 0; i < d; i++) {
            // a rounding of the sum is magnified by the normalisation, and once more by its weight
            const double bound = 16.0 * u * (1.0 + largest) * (double)scale.p[r];
            near(y.p[r * d + i], (double)want.p[r * d + i], bound * (1.0 + fabs((double)w.p[i])), "gate_norm");
            near(y.p[r * d + i], (double)z.p[r * d + i] * (double)w.p[i] + (double)b.p[i],
                 4.0 * u * (fabs((double)z.p[r * d + i] * (double)w.p[i]) + fabs((double)b.p[i])), "gate_norm's tape");
        }
    }
    tft_gate_norm(x.p, skip.p, w.p, b.p, n, d, 1e-5f, skip.p, NULL, NULL, NULL); // in place, nothing kept: the same
    assert_true(guard_same_bits(skip.p, y.p, n * d));
    CLOSE(&x, &skip, &w, &b, &y, &s, &z, &scale, &sum, &gate, &want);
}

static void gate_norm_over_shapes(void)
{
    over_shapes(check_gate_norm);
}

static void gate_norm_is_glu_skip_and_layernorm(void **state)
{
    (void)state;
    for_each_isa(gate_norm_over_shapes);
}

static void check_weigh_rows(size_t n, size_t d)
{
    const size_t lda = 3, ldda = 2;
    tft_rng rng = tft_rng_seeded(n, d);
    matrix x = guard_random(n, d, d, &rng), dy = guard_random(n, d, d, &rng), a = guard_random(n, 1, lda, &rng);
    matrix y = guard_random(n, d, d, &rng), dx = guard_open(n, d, d), da = guard_open(n, 1, ldda);
    matrix want = guard_open(n, d, d), want_dx = guard_open(n, d, d), want_da = guard_open(n, 1, ldda);
    for (size_t i = 0; i < n * d; i++)
        want.p[i] = y.p[i];
    tft_weigh_rows(x.p, a.p, lda, n, d, y.p);
    tft_ref_weigh_rows(x.p, a.p, lda, n, d, want.p);
    for (size_t i = 0; i < n * d; i++)
        near(y.p[i], (double)want.p[i], 4.0 * u * (1.0 + 2.0 * fabs((double)want.p[i])), "weigh_rows");
    tft_weigh_rows_backward(x.p, a.p, lda, dy.p, n, d, dx.p, da.p, ldda);
    tft_ref_weigh_rows_backward(x.p, a.p, lda, dy.p, n, d, want_dx.p, want_da.p, ldda);
    for (size_t r = 0; r < n; r++) {
        double magnitude = 0.0;
        for (size_t i = 0; i < d; i++) {
            magnitude += fabs((double)x.p[r * d + i] * (double)dy.p[r * d + i]);
            near(dx.p[r * d + i], (double)want_dx.p[r * d + i], 2.0 * u * fabs((double)want_dx.p[r * d + i]), "dx");
        }
        near(da.p[r * ldda], (double)want_da.p[r * ldda], (double)(d + 4) * u * magnitude, "da");
    }
    tft_weigh_rows_backward(x.p, a.p, lda, dy.p, n, d, x.p, da.p, ldda); // dx in place of x
    assert_true(guard_same_bits(x.p, dx.p, n * d));
    CLOSE(&x, &dy, &a, &y, &dx, &da, &want, &want_dx, &want_da);
}

static void weigh_rows_over_shapes(void)
{
    over_shapes(check_weigh_rows);
}

static void weigh_rows_agrees_with_its_definition(void **state)
{
    (void)state;
    for_each_isa(weigh_rows_over_shapes);
}

/* ---- softmax ------------------------------------------------------------------------------------------------------ */

static void check_softmax(size_t n, size_t d)
{
    tft_rng rng = tft_rng_seeded(n, d);
    const size_t ld = d + n % 4;
    matrix x = guard_open(n, d, ld), y = guard_open(n, d, ld), want = guard_open(n, d, ld);
    guard_fill(&x, &rng, 5.0f);
    tft_softmax(x.p, n, d, ld, y.p);
    tft_ref_softmax(x.p, n, d, ld, want.p);
    matrix dy = guard_random(n, d, ld, &rng), dx = guard_open(n, d, ld), want_dx = guard_open(n, d, ld);
    tft_softmax_backward(y.p, dy.p, n, d, ld, dx.p);
    tft_ref_softmax_backward(y.p, dy.p, n, d, ld, want_dx.p);
    for (size_t r = 0; r < n; r++) {
        double sum = 0.0, low = INFINITY, high = -INFINITY, along = 0.0;
        for (size_t i = 0; i < d; i++) {
            low = fmin(low, (double)x.p[r * ld + i]);
            high = fmax(high, (double)x.p[r * ld + i]);
            along += fabs((double)y.p[r * ld + i] * (double)dy.p[r * ld + i]);
        }
        for (size_t i = 0; i < d; i++) {
            const size_t at = r * ld + i;
            sum += (double)y.p[at];
            near(y.p[at], (double)want.p[at], ((double)d + 8.0 + high - low) * u * (double)want.p[at], "softmax");
            near(dx.p[at], (double)want_dx.p[at],
                 ((double)d + 4.0) * u * (double)y.p[at] * (fabs((double)dy.p[at]) + along) + 1e-44,
                 "softmax backward");
        }
        assert_true(d == 0 || fabs(sum - 1.0) < ((double)d + 4.0) * u);
    }
    guard_check(&y);
    guard_check(&dx);
    matrix in_place = guard_twin(&x), dy_in_place = guard_twin(&dy);
    tft_softmax(in_place.p, n, d, ld, in_place.p);
    tft_softmax_backward(y.p, dy_in_place.p, n, d, ld, dy_in_place.p);
    for (size_t r = 0; r < n; r++) {
        assert_true(guard_same_bits(in_place.p + r * ld, y.p + r * ld, d));
        assert_true(guard_same_bits(dy_in_place.p + r * ld, dx.p + r * ld, d));
    }
    CLOSE(&x, &y, &want, &dy, &dx, &want_dx, &in_place, &dy_in_place);
}

static void softmax_over_shapes(void)
{
    over_shapes(check_softmax);
}

static void softmax_agrees_with_its_definition_and_leaves_the_rest_of_the_row(void **state)
{
    (void)state;
    for_each_isa(softmax_over_shapes);
}

static void softmax_with_masked_entries(void)
{
    float x[3][19], y[3][19];
    for (size_t i = 0; i < 19; i++) {
        x[0][i] = i < 5 ? 1.0f : -INFINITY; // 5 equal entries
        x[1][i] = -INFINITY;                // none
        x[2][i] = i == 18 ? 3e38f : -3e38f; // the ends of the range
    }
    tft_softmax(&x[0][0], 3, 19, 19, &y[0][0]);
    for (size_t i = 0; i < 19; i++) {
        assert_true(i < 5 ? y[0][i] == 0.2f : y[0][i] == 0.0f);
        assert_true(y[1][i] == 0.0f);
        assert_true(y[2][i] == (i == 18 ? 1.0f : 0.0f));
    }
}

static void softmax_gives_masked_entries_no_weight_and_no_nan(void **state)
{
    (void)state;
    for_each_isa(softmax_with_masked_entries);
}

/* ---- LSTM cell ----------------------------------------------------------------------------------------------------- */

typedef struct cell {
    matrix gates, c_prev, h_prev, c, h, tanh_c, h_out;
} cell;

static cell cell_open(size_t n, size_t d, size_t gap, tft_rng *rng)
{
    cell s = {guard_open(n, 4 * d, 4 * d), guard_random(n, d, d, rng), guard_random(n, d, d, rng), guard_open(n, d, d),
              guard_open(n, d, d),         guard_open(n, d, d),        guard_open(n, d, d + gap)};
    guard_fill(&s.gates, rng, 2.0f);
    return s;
}

static void cell_close(cell *s)
{
    CLOSE(&s->gates, &s->c_prev, &s->h_prev, &s->c, &s->h, &s->tanh_c, &s->h_out);
}

static void check_cell(size_t n, size_t d)
{
    tft_rng rng = tft_rng_seeded(n, d);
    const size_t gap = d % 3;
    cell s = cell_open(n, d, gap, &rng), want = cell_open(n, d, gap, &rng);
    guard_copy(&want.gates, &s.gates);
    uint8_t live[67 + 1];
    for (size_t r = 0; r < n; r++)
        live[r] = r % 3 != 1;
    const uint8_t *mask = n % 2 == 1 ? live : NULL;
    tft_lstm_cell(s.gates.p, s.c_prev.p, s.h_prev.p, mask, n, d, s.c.p, s.h.p, s.tanh_c.p, s.h_out.p, d + gap);
    tft_ref_lstm_cell(want.gates.p, s.c_prev.p, s.h_prev.p, mask, n, d, want.c.p, want.h.p, want.tanh_c.p, want.h_out.p,
                      d + gap);
    for (size_t i = 0; i < n * 4 * d; i++)
        near(s.gates.p[i], (double)want.gates.p[i], 7.0 * u * fabs((double)want.gates.p[i]), "gate");
    for (size_t r = 0; r < n; r++) {
        const bool dead = mask != NULL && mask[r] == 0;
        for (size_t i = r * d; i < (r + 1) * d; i++) {
            const double bound = dead ? 0.0 : 10.0 * u * (1.0 + fabs((double)s.c_prev.p[i]));
            near(s.c.p[i], (double)want.c.p[i], bound, "c");
            near(s.tanh_c.p[i], (double)want.tanh_c.p[i], bound + 8.0 * u, "tanh c");
            near(s.h.p[i], (double)want.h.p[i], bound + (dead ? 0.0 : 16.0 * u), "h");
            const float out = s.h_out.p[r * (d + gap) + i - r * d];
            assert_true(out == (dead ? 0.0f : s.h.p[i]));
            assert_true(!dead || (s.c.p[i] == s.c_prev.p[i] && s.h.p[i] == s.h_prev.p[i]));
        }
    }
    guard_check(&s.h_out);
    matrix dh = guard_random(n, d, d, &rng), dc = guard_random(n, d, d, &rng), dgates = guard_open(n, 4 * d, 4 * d);
    matrix dh2 = guard_twin(&dh), dc2 = guard_twin(&dc), want_dgates = guard_open(n, 4 * d, 4 * d);
    matrix dc_before = guard_twin(&dc), dh_before = guard_twin(&dh);
    tft_lstm_cell_backward(s.gates.p, s.c_prev.p, s.tanh_c.p, mask, n, d, dh.p, dc.p, dgates.p);
    tft_ref_lstm_cell_backward(s.gates.p, s.c_prev.p, s.tanh_c.p, mask, n, d, dh2.p, dc2.p, want_dgates.p);
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < d; i++) {
            const size_t at = r * d + i;
            const double bound = 12.0 * u * (fabs((double)dc_before.p[at]) + fabs((double)dh_before.p[at]));
            near(dc.p[at], (double)dc2.p[at], bound, "dc");
            assert_true(dh.p[at] == dh2.p[at]);
            for (size_t g = 0; g < 4; g++)
                near(dgates.p[4 * r * d + g * d + i], (double)want_dgates.p[4 * r * d + g * d + i],
                     bound * (1.0 + fabs((double)s.c_prev.p[at])), "dgates");
        }
    cell in_place = cell_open(n, d, 0, &rng); // c is c_prev, h is h_prev
    guard_copy(&in_place.gates, &want.gates);
    for (size_t i = 0; i < n * 4 * d; i++)
        in_place.gates.p[i] = want.gates.p[i];
    cell apart = cell_open(n, d, 0, &rng);
    guard_copy(&apart.gates, &in_place.gates);
    guard_copy(&apart.c_prev, &in_place.c_prev);
    guard_copy(&apart.h_prev, &in_place.h_prev);
    tft_lstm_cell(apart.gates.p, apart.c_prev.p, apart.h_prev.p, mask, n, d, apart.c.p, apart.h.p, apart.tanh_c.p,
                  apart.h_out.p, d);
    tft_lstm_cell(in_place.gates.p, in_place.c_prev.p, in_place.h_prev.p, mask, n, d, in_place.c_prev.p,
                  in_place.h_prev.p, in_place.tanh_c.p, in_place.h_out.p, d);
    assert_true(guard_same_bits(apart.c.p, in_place.c_prev.p, n * d));
    assert_true(guard_same_bits(apart.h.p, in_place.h_prev.p, n * d));
    CLOSE(&dh, &dc, &dgates, &dh2, &dc2, &want_dgates, &dc_before, &dh_before);
    cell_close(&s);
    cell_close(&want);
    cell_close(&in_place);
    cell_close(&apart);
}

static void cell_over_shapes(void)
{
    over_shapes(check_cell);
}

static void the_lstm_cell_agrees_with_its_definition_and_dead_rows_keep_their_state(void **state)
{
    (void)state;
    for_each_isa(cell_over_shapes);
}

/* ---- backward is the derivative of forward --------------------------------------------------------------------------- */

enum { D = 21 }; // a full vector and a tail on AVX2 and AVX-512
static const double h_step = 1e-5;

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* Each loss is Σ dy · y of one row, the forward formula in double. */
typedef double loss_fn(const double *x, const float *dy, const float *more);

static double glu_loss(const double *x, const float *dy, const float *more)
{
    (void)more;
    double loss = 0.0;
    for (size_t i = 0; i < D; i++)
        loss += (double)dy[i] * x[i] * sigmoid(x[D + i]);
    return loss;
}

/* more: w [D], then b [D]; x: the row [D], then w and b again as variables */
static double layernorm_loss(const double *x, const float *dy, const float *more)
{
    (void)more;
    double mean = 0.0, variance = 0.0, loss = 0.0;
    for (size_t i = 0; i < D; i++)
        mean += x[i] / D;
    for (size_t i = 0; i < D; i++)
        variance += (x[i] - mean) * (x[i] - mean) / D;
    for (size_t i = 0; i < D; i++)
        loss += (double)dy[i] * ((x[i] - mean) / sqrt(variance + (double)1e-5f) * x[D + i] + x[2 * D + i]);
    return loss;
}

static double softmax_loss(const double *x, const float *dy, const float *more)
{
    (void)more;
    double sum = 0.0, loss = 0.0;
    for (size_t i = 0; i < D; i++)
        sum += exp(x[i]);
    for (size_t i = 0; i < D; i++)
        loss += (double)dy[i] * exp(x[i]) / sum;
    return loss;
}

/* x: gates [4D], c_prev [D]; dy: dh [D], dc [D] */
static double cell_loss(const double *x, const float *dy, const float *more)
{
    (void)more;
    double loss = 0.0;
    for (size_t i = 0; i < D; i++) {
        const double c = sigmoid(x[D + i]) * x[4 * D + i] + sigmoid(x[i]) * tanh(x[2 * D + i]);
        loss += (double)dy[i] * sigmoid(x[3 * D + i]) * tanh(c) + (double)dy[D + i] * c;
    }
    return loss;
}

static void check_slopes(loss_fn *loss, const float *at, size_t n, const float *dy, const float *gradient,
                         const char *what)
{
    double x[5 * D];
    assert_true(n <= 5 * D);
    for (size_t i = 0; i < n; i++)
        x[i] = (double)at[i];
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)at[i] + h_step;
        const double up = loss(x, dy, NULL);
        x[i] = (double)at[i] - h_step;
        const double down = loss(x, dy, NULL);
        x[i] = (double)at[i];
        near(gradient[i], (up - down) / (2.0 * h_step), 4e-6, what); // float's rounding of forward and backward
    }
}

static void fill(float *p, size_t n, tft_rng *rng)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (float)tft_rng_normal(rng);
}

static void slopes_of_all_rows_kernels(void)
{
    tft_rng rng = tft_rng_seeded(11, 11);
    float x[5 * D], dy[2 * D], y[4 * D], kept[D], gradient[5 * D] = {0.0f}, scale;
    fill(x, 5 * D, &rng);
    fill(dy, 2 * D, &rng);

    tft_glu(x, 1, D, y, kept);
    tft_glu_backward(x, kept, dy, 1, D, gradient);
    check_slopes(glu_loss, x, 2 * D, dy, gradient, "glu slope");

    memset(gradient, 0, sizeof gradient); // dw and db are added to
    tft_layernorm(x, x + D, x + 2 * D, 1, D, 1e-5f, y, kept, &scale);
    tft_layernorm_backward(x + D, kept, &scale, dy, 1, D, gradient, gradient + D, gradient + 2 * D);
    check_slopes(layernorm_loss, x, 3 * D, dy, gradient, "layernorm slope");

    tft_softmax(x, 1, D, D, y);
    tft_softmax_backward(y, dy, 1, D, D, gradient);
    check_slopes(softmax_loss, x, D, dy, gradient, "softmax slope");

    float c[D], state[D], tanh_c[D], out[D], dh[D], dc[D];
    memcpy(y, x, sizeof y);
    memcpy(dh, dy, sizeof dh);
    memcpy(dc, dy + D, sizeof dc);
    tft_lstm_cell(y, x + 4 * D, state, NULL, 1, D, c, state, tanh_c, out, D);
    tft_lstm_cell_backward(y, x + 4 * D, tanh_c, NULL, 1, D, dh, dc, gradient);
    memcpy(gradient + 4 * D, dc, sizeof dc); // has become the gradient of c_prev
    check_slopes(cell_loss, x, 5 * D, dy, gradient, "lstm slope");
}

static void each_backward_is_the_slope_of_its_forward(void **state)
{
    (void)state;
    for_each_isa(slopes_of_all_rows_kernels);
}

static void linear_slopes(void)
{
    enum { N = 5, IN = 7, OUT = 6 };
    tft_rng rng = tft_rng_seeded(12, 12);
    float x[N * IN], w[OUT * IN], b[OUT], dy[N * OUT], dx[N * IN] = {0.0f}, dw[OUT * IN] = {0.0f}, db[OUT] = {0.0f};
    fill(x, N * IN, &rng);
    fill(w, OUT * IN, &rng);
    fill(b, OUT, &rng);
    fill(dy, N * OUT, &rng);
    tft_linear_backward(x, IN, w, dy, OUT, N, IN, OUT, dx, IN, dw, db);
    // the loss Σ dy (x wᵀ + b) is linear in each variable: its slope is the difference for a step of 1
    for (size_t r = 0; r < N; r++)
        for (size_t i = 0; i < IN; i++) {
            double slope = 0.0;
            for (size_t o = 0; o < OUT; o++)
                slope += (double)dy[r * OUT + o] * (double)w[o * IN + i];
            near(dx[r * IN + i], slope, 2e-6, "linear dx");
        }
    for (size_t o = 0; o < OUT; o++) {
        double by_bias = 0.0;
        for (size_t r = 0; r < N; r++)
            by_bias += (double)dy[r * OUT + o];
        near(db[o], by_bias, 2e-6, "linear db");
        for (size_t i = 0; i < IN; i++) {
            double slope = 0.0;
            for (size_t r = 0; r < N; r++)
                slope += (double)dy[r * OUT + o] * (double)x[r * IN + i];
            near(dw[o * IN + i], slope, 2e-6, "linear dw");
        }
    }
}

static void linear_backward_is_the_slope_of_linear(void **state)
{
    (void)state;
    for_each_isa(linear_slopes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glu_agrees_with_its_definition),
        cmocka_unit_test(gate_norm_is_glu_skip_and_layernorm),
        cmocka_unit_test(weigh_rows_agrees_with_its_definition),
        cmocka_unit_test(layernorm_agrees_with_its_definition),
        cmocka_unit_test(layernorm_of_a_constant_row_is_the_bias),
        cmocka_unit_test(softmax_agrees_with_its_definition_and_leaves_the_rest_of_the_row),
        cmocka_unit_test(softmax_gives_masked_entries_no_weight_and_no_nan),
        cmocka_unit_test(the_lstm_cell_agrees_with_its_definition_and_dead_rows_keep_their_state),
        cmocka_unit_test(each_backward_is_the_slope_of_its_forward),
        cmocka_unit_test(linear_backward_is_the_slope_of_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
