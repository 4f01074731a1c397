/* test_scalar.c - networks of one number against their definition, forward and backward, on every instruction set.
 *
 * Buffers end at a forbidden page, so a vector that reads or writes past the last row is a crash.
 */
#include "guard.h"

#define EPS 1e-5f

static const double u = 0x1p-24; // half a unit in the last place of 1

enum { FIELDS = 12 };

/* A network and where its fields' numbers lie: the same walk fills, compares and closes. */
typedef struct net {
    tft_scalar_net w;
    matrix m[FIELDS];
} net;

static net open_net(size_t k, size_t d, bool norm)
{
    const size_t sizes[FIELDS] = {k, k, k * k, k, 2 * d * k, 2 * d, d, d, d, d, d, d};
    net n = {.w = {.k = k, .d = d}};
    float **const fields[FIELDS] = {&n.w.u, &n.w.v, &n.w.w2,     &n.w.b2,     &n.w.glu_w,  &n.w.glu_b,
                                    &n.w.p, &n.w.r, &n.w.skip_w, &n.w.skip_b, &n.w.norm_w, &n.w.norm_b};
    for (size_t i = 0; i < FIELDS; i++) {
        n.m[i] = guard_open(1, sizes[i], sizes[i]);
        memset(n.m[i].p, 0, sizes[i] * sizeof(float));
        *fields[i] = n.m[i].p;
    }
    if (!norm)
        n.w.skip_w = n.w.skip_b = NULL;
    return n;
}

static void close_net(net *n)
{
    for (size_t i = 0; i < FIELDS; i++)
        guard_close(&n->m[i]);
}

static void near(float got, double want, double bound, const char *what, size_t i)
{
    if (!(fabs((double)got - want) <= bound))
        fail_msg("%s: %s [%zu] is %.9g, expected %.9g within %.3g", tft_isa_name(tft_tensor_isa()), what, i,
                 (double)got, want, bound);
}

typedef struct scalar_case {
    size_t k, d, n;
    float p;
    bool norm;
    float apart; // 0: the skip's r is a multiple of its p, so that its variance is 0 for one x
} scalar_case;

static net random_net(const scalar_case *c, tft_rng *rng)
{
    net w = open_net(c->k, c->d, c->norm);
    for (size_t i = 0; i < FIELDS; i++)
        guard_fill(&w.m[i], rng, i == 2 || i == 4 ? 0.4f : 1.0f);
    for (size_t j = 0; c->apart == 0.0f && j < c->d; j++)
        w.w.r[j] = -2.0f * w.w.p[j];
    return w;
}

static void check_scalar(const scalar_case *c)
{
    tft_rng rng = tft_rng_seeded(c->k * 1000 + c->d, c->n);
    net w = random_net(c, &rng), grad = open_net(c->k, c->d, c->norm), want_grad = open_net(c->k, c->d, c->norm);
    const size_t ld = c->n + 3;
    matrix x = guard_random(1, c->n, c->n, &rng), a = guard_random(1, c->n, c->n, &rng);
    matrix y = guard_random(c->d, c->n, ld, &rng), want = guard_open(c->d, c->n, ld);
    matrix dy = guard_random(c->d, c->n, ld, &rng), da = guard_open(1, c->n, c->n), want_da = guard_open(1, c->n, c->n);
    matrix tmp = guard_open(1, tft_scalar_floats(c->n, c->k, c->d), tft_scalar_floats(c->n, c->k, c->d));
    if (c->apart == 0.0f)
        for (size_t r = 0; r < c->n; r++)
            x.p[r] = 3.0f + x.p[r]; // near 2 the normalisation of the skip magnifies
    guard_copy(&want, &y);
    tft_scalar_mix(&w.w, x.p, a.p, c->n, c->p, 99, EPS, y.p, ld);
    tft_ref_scalar_mix(&w.w, x.p, a.p, c->n, c->p, 99, EPS, want.p, ld);
    // what is normalised errs by a few units of its terms; divided by a standard deviation of about 1
    const double bound = 400.0 * u;
    for (size_t j = 0; j < c->d; j++)
        for (size_t r = 0; r < c->n; r++)
            near(y.p[j * ld + r], (double)want.p[j * ld + r], bound, "y", j * c->n + r);
    guard_check(&y);

    tft_scalar_mix_backward(&w.w, x.p, a.p, dy.p, ld, c->n, c->p, 99, EPS, da.p, &grad.w, tmp.p);
    tft_ref_scalar_mix_backward(&w.w, x.p, a.p, dy.p, ld, c->n, c->p, 99, EPS, want_da.p, &want_grad.w, tmp.p);
    for (size_t r = 0; r < c->n; r++)
        near(da.p[r], (double)want_da.p[r], bound * (double)c->d, "da", r);
    static const char *const names[FIELDS] = {"du", "dv", "dw2",     "db2",     "dglu_w",  "dglu_b",
                                              "dp", "dr", "dskip_w", "dskip_b", "dnorm_w", "dnorm_b"};
    for (size_t i = 0; i < FIELDS; i++) {
        double most = 1.0; // the largest gradient of a field says how large its terms are
        for (size_t j = 0; j < grad.m[i].width; j++)
            most = fmax(most, fabs((double)want_grad.m[i].p[j]));
        for (size_t j = 0; j < grad.m[i].width; j++)
            near(grad.m[i].p[j], (double)want_grad.m[i].p[j], 200.0 * u * (most + (double)c->n), names[i], j);
    }
    net *const nets[] = {&w, &grad, &want_grad};
    matrix *const matrices[] = {&x, &a, &y, &want, &dy, &da, &want_da, &tmp};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        close_net(nets[i]);
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
        guard_close(matrices[i]);
}

static void scalar_over_shapes(void)
{
    static const size_t depths[] = {1, 3, 8, 16}, widths[] = {4, 7, 32, 64}, rows[] = {1, 5, 16, 33, 192};
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++)
            for (size_t r = 0; r < 5; r++)
                for (int norm = 0; norm < 2; norm++)
                    check_scalar(
                        &(scalar_case){depths[i], widths[j], rows[r], r % 2 == 0 ? 0.3f : 0.0f, norm == 1, 1.0f});
}

static void networks_of_one_number_agree_with_their_definition_both_ways(void **state)
{
    (void)state;
    for_each_isa(scalar_over_shapes);
}

static void scalar_near_nothing(void)
{
    check_scalar(&(scalar_case){8, 32, 40, 0.0f, true, 0.0f});
}

static void a_skip_whose_variance_nearly_vanishes_is_normalised_all_the_same(void **state)
{
    (void)state;
    for_each_isa(scalar_near_nothing);
}

static void turn_over_shapes(void)
{
    static const size_t sizes[] = {1, 3, 4, 15, 16, 17, 32, 45};
    tft_rng rng = tft_rng_seeded(3, 3);
    for (size_t i = 0; i < 8; i++) {
        for (size_t j = 0; j < 8; j++) {
            const size_t n = sizes[i], d = sizes[j];
            matrix x = guard_random(n, d, d + 2, &rng), y = guard_open(d, n, n + 1), want = guard_open(d, n, n + 1);
            tft_turn(x.p, d + 2, n, d, y.p, n + 1);
            tft_ref_turn(x.p, d + 2, n, d, want.p, n + 1);
            for (size_t r = 0; r < d; r++)
                assert_true(guard_same_bits(y.p + r * (n + 1), want.p + r * (n + 1), n));
            guard_check(&y);
            guard_close(&x);
            guard_close(&y);
            guard_close(&want);
        }
    }
}

static void turning_over_moves_every_number_and_no_other(void **state)
{
    (void)state;
    for_each_isa(turn_over_shapes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_of_one_number_agree_with_their_definition_both_ways),
        cmocka_unit_test(a_skip_whose_variance_nearly_vanishes_is_normalised_all_the_same),
        cmocka_unit_test(turning_over_moves_every_number_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
