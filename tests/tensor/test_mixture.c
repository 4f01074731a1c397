/* test_mixture.c - mixtures of anchors against their definition, on every instruction set.
 *
 * Anchors take turns in what they depend on: nothing, the level, the step, both. Buffers end at a forbidden page.
 */
#include "guard.h"

static const double u = 0x1p-24; // half a unit in the last place of 1

enum { MOST_LEVELS = 33 };

typedef struct mixed {
    matrix values[TFT_MIX_MOST], z, logits, out;
    tft_anchor anchors[TFT_MIX_MOST];
    tft_mix mix;
} mixed;

static void open_mixed(mixed *m, size_t n, size_t n_quantiles, size_t k, float size)
{
    tft_rng rng = tft_rng_seeded(n + 7 * n_quantiles, k);
    for (size_t i = 0; i < k; i++) {
        const size_t levels = i % 4 == 1 || i % 4 == 3 ? n_quantiles : 1, steps = i % 4 >= 2 ? n : 1;
        m->values[i] = guard_random(levels, steps, steps, &rng);
        m->anchors[i] = (tft_anchor){m->values[i].p, i % 4 == 1 ? 1 : i % 4 == 3 ? n : 0, i % 4 >= 2};
    }
    m->z = guard_random(1, n_quantiles, n_quantiles, &rng);
    m->logits = guard_open(n, 2 * k, 2 * k + 3);
    guard_fill(&m->logits, &rng, size);
    m->out = guard_random(n, n_quantiles, n_quantiles + 2, &rng);
    m->mix = (tft_mix){n, n_quantiles, k, m->z.p, m->anchors};
}

static void close_mixed(mixed *m)
{
    for (size_t i = 0; i < m->mix.k; i++)
        guard_close(&m->values[i]);
    guard_close(&m->z);
    guard_close(&m->logits);
    guard_close(&m->out);
}

static void near(float got, float want, double bound, const char *what)
{
    if (!(fabs((double)got - (double)want) <= bound))
        fail_msg("%s: %s is %.9g, expected %.9g within %.3g", tft_isa_name(tft_tensor_isa()), what, (double)got,
                 (double)want, bound);
}

static void check_forward(size_t n, size_t n_quantiles, size_t k, float size)
{
    mixed m;
    open_mixed(&m, n, n_quantiles, k, size);
    matrix want = guard_open(n, n_quantiles, n_quantiles);
    for (size_t t = 0; t < n; t++)
        memcpy(want.p + t * want.ld, m.out.p + t * m.out.ld, n_quantiles * sizeof(float));
    tft_tilted_mix(&m.mix, m.logits.p, m.logits.ld, m.out.p, m.out.ld);
    tft_ref_tilted_mix(&m.mix, m.logits.p, m.logits.ld, want.p, want.ld);
    for (size_t t = 0; t < n; t++)
        for (size_t q = 0; q < n_quantiles; q++)
            near(m.out.p[t * m.out.ld + q], want.p[t * want.ld + q], u * (32.0 + 64.0 * (double)size), "mixture");
    guard_check(&m.out);
    guard_close(&want);
    close_mixed(&m);
}

static void check_backward(size_t n, size_t n_quantiles, size_t k, float size)
{
    mixed m;
    open_mixed(&m, n, n_quantiles, k, size);
    matrix got = guard_open(n, 2 * k, 2 * k + 3), want = guard_open(n, 2 * k, 2 * k + 3);
    tft_tilted_mix_backward(&m.mix, m.logits.p, m.logits.ld, m.out.p, m.out.ld, got.p);
    tft_ref_tilted_mix_backward(&m.mix, m.logits.p, m.logits.ld, m.out.p, m.out.ld, want.p);
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < 2 * k; i++)
            near(got.p[t * got.ld + i], want.p[t * want.ld + i], u * (double)n_quantiles * (32.0 + 64.0 * (double)size),
                 "gradient");
    guard_check(&got);
    guard_close(&got);
    guard_close(&want);
    close_mixed(&m);
}

static void over_shapes(void (*check)(size_t n, size_t n_quantiles, size_t k, float size))
{
    static const size_t steps[] = {1, 7, 8, 16, 17, 96}, levels[] = {1, 3, 7, 11, 16, MOST_LEVELS},
                        counts[] = {1, 3, 10, 14, 16};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++)
            for (size_t c = 0; c < 5; c++) {
                check(steps[i], levels[j], counts[c], 1.0f);
                check(steps[i], levels[j], counts[c], 80.0f); // beyond what an exponential holds
            }
}

static void forward_over_shapes(void)
{
    over_shapes(check_forward);
}

static void backward_over_shapes(void)
{
    over_shapes(check_backward);
}

static void a_mixture_agrees_with_its_definition(void **state)
{
    (void)state;
    for_each_isa(forward_over_shapes);
}

static void its_gradient_agrees_with_its_definition(void **state)
{
    (void)state;
    for_each_isa(backward_over_shapes);
}

/* A step whose logits need a shift beside steps that need none: each comes out as it does alone. */
static void mix_alone_and_together(void)
{
    mixed m;
    open_mixed(&m, 16, 11, 16, 1.0f);
    m.logits.p[5 * m.logits.ld + 2] = 85.0f;
    float before[16][11], alone[11];
    for (size_t t = 0; t < 16; t++)
        memcpy(before[t], m.out.p + t * m.out.ld, sizeof before[t]);
    tft_tilted_mix(&m.mix, m.logits.p, m.logits.ld, m.out.p, m.out.ld);
    for (size_t t = 0; t < 16; t++) {
        tft_anchor there[TFT_MIX_MOST];
        for (size_t i = 0; i < 16; i++)
            there[i] = (tft_anchor){m.anchors[i].values + t * m.anchors[i].per_step, m.anchors[i].per_quantile,
                                    m.anchors[i].per_step};
        const tft_mix one = {1, 11, 16, m.z.p, there};
        memcpy(alone, before[t], sizeof alone);
        tft_tilted_mix(&one, m.logits.p + t * m.logits.ld, m.logits.ld, alone, 11);
        assert_memory_equal(alone, m.out.p + t * m.out.ld, sizeof alone);
    }
    close_mixed(&m);
}

static void a_step_does_not_depend_on_its_neighbours(void **state)
{
    (void)state;
    for_each_isa(mix_alone_and_together);
}

static void ranges_over_shapes(void)
{
    static const size_t counts[] = {1, 2, 3, 16}, lengths[] = {1, 7, 16, 40};
    for (size_t c = 0; c < 4; c++)
        for (size_t i = 0; i < 4; i++) {
            mixed m;
            float least[40], most[40], want_least[40], want_most[40];
            open_mixed(&m, 40, 7, counts[c], 1.0f);
            tft_mix_range(&m.mix, 40 - lengths[i], lengths[i], least, most);
            tft_ref_mix_range(&m.mix, 40 - lengths[i], lengths[i], want_least, want_most);
            assert_memory_equal(least, want_least, lengths[i] * sizeof(float));
            assert_memory_equal(most, want_most, lengths[i] * sizeof(float));
            close_mixed(&m);
        }
}

static void ranges_agree_with_their_definition(void **state)
{
    (void)state;
    for_each_isa(ranges_over_shapes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mixture_agrees_with_its_definition),
        cmocka_unit_test(its_gradient_agrees_with_its_definition),
        cmocka_unit_test(a_step_does_not_depend_on_its_neighbours),
        cmocka_unit_test(ranges_agree_with_their_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
