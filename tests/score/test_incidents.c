/* test_incidents.c - probabilities by hand: Brier and its parts, AUC with ties, precision, servers apart. */
#include "data.h"

#include "score/incidents.h"

static score_incident_figures figures_of(const float *p, const uint8_t *y, const uint32_t *server, size_t n)
{
    score_incident_figures f;
    assert_int_equal(score_incident_figures_of(p, y, server, n, &f, NULL), TFT_OK);
    return f;
}

static const uint32_t one_server[64];

static void four_cases_by_hand(void **state)
{
    (void)state;
    const float p[4] = {0.1f, 0.8f, 0.4f, 0.3f};
    const uint8_t y[4] = {0, 1, 1, 0};
    const score_incident_figures f = figures_of(p, y, one_server, 4);
    assert_int_equal(f.positives, 2);
    assert_double_equal(f.brier, (0.01 + 0.04 + 0.36 + 0.09) / 4, 1e-7);
    assert_double_equal(f.brier_skill, 1 - 0.125 / 0.25, 1e-6);
    assert_double_equal(f.log_loss, -(log(0.9) + log(0.8) + log(0.4) + log(0.7)) / 4, 1e-6);
    assert_double_equal(f.log_loss_skill, 1 - f.log_loss / log(2), 1e-12);
    assert_double_equal(f.auc, 1, 0);
    assert_double_equal(f.precision_at_half_recall, 1, 0);
}

static void a_certain_mistake_costs_a_bounded_log_loss(void **state)
{
    (void)state;
    const float p[2] = {0, 1};
    const uint8_t y[2] = {1, 0};
    const score_incident_figures f = figures_of(p, y, one_server, 2);
    assert_double_equal(f.log_loss, -log(1e-4), 1e-9);
    assert_double_equal(f.auc, 0, 0);
}

static void ties_count_half(void **state)
{
    (void)state;
    const float p[5] = {0.5f, 0.5f, 0.5f, 0.2f, 0.9f};
    const uint8_t y[5] = {1, 0, 0, 0, 1};
    // the 1 at .5 beats one negative and ties with two: 2 of 3; the 1 at .9 beats all three
    assert_double_equal(figures_of(p, y, one_server, 5).auc, (2.0 + 3.0) / 6.0, 1e-12);
    const float same[4] = {0.3f, 0.3f, 0.3f, 0.3f};
    const uint8_t half[4] = {1, 0, 1, 0};
    const score_incident_figures f = figures_of(same, half, one_server, 4);
    assert_double_equal(f.auc, 0.5, 0);
    assert_double_equal(f.precision_at_half_recall, 0.5, 0); // the tie is taken whole
}

static void one_class_has_no_auc_and_no_skill(void **state)
{
    (void)state;
    const float p[3] = {0.1f, 0.2f, 0.3f};
    const uint8_t none[3] = {0};
    const score_incident_figures f = figures_of(p, none, one_server, 3);
    assert_true(isnan(f.auc) && isnan(f.brier_skill) && isnan(f.log_loss_skill) && isnan(f.precision_at_half_recall));
    assert_int_equal(f.n_servers_within, 0);
    assert_true(isnan(f.auc_within));
    assert_int_equal(figures_of(p, none, one_server, 0).n, 0);
}

static void knowing_who_is_not_knowing_when(void **state)
{
    (void)state;
    const float p[8] = {0.9f, 0.9f, 0.9f, 0.9f, 0.1f, 0.1f, 0.1f, 0.1f};
    const uint8_t y[8] = {1, 1, 1, 0, 0, 0, 0, 0};
    const uint32_t server[8] = {4, 4, 4, 4, 9, 9, 9, 9};
    const score_incident_figures f = figures_of(p, y, server, 8);
    assert_true(f.auc > 0.85);
    assert_double_equal(f.auc_within, 0.5, 0);
    assert_int_equal(f.n_servers_within, 1); // the other has no incident at all
}

/* Murphy 1973. With one p per bin the three parts add up to the score. */
static void brier_is_reliability_minus_resolution_plus_uncertainty(void **state)
{
    (void)state;
    enum { PER_BIN = 40, N = PER_BIN * SCORE_N_BINS };
    float p[N];
    uint8_t y[N];
    static uint32_t server[N];
    tft_rng rng = tft_rng_seeded(6, 0);
    for (size_t i = 0; i < N; i++) {
        p[i] = 0.05f + 0.1f * (float)(i % SCORE_N_BINS);
        y[i] = tft_rng_uniform(&rng) < 0.3 + 0.4 * (double)p[i];
    }
    const score_incident_figures f = figures_of(p, y, server, N);
    assert_int_equal(f.n_bins, SCORE_N_BINS);
    for (size_t b = 0; b < SCORE_N_BINS; b++)
        assert_int_equal(f.bins[b].n, PER_BIN);
    assert_double_equal(f.brier, f.reliability - f.resolution + f.uncertainty, 1e-9);
    assert_true(f.reliability > 0.001 && f.resolution > 0.001);
}

static void calibrated_probabilities_have_no_calibration_error(void **state)
{
    (void)state;
    enum { N = 20000 };
    static float p[N], off[N];
    static uint8_t y[N];
    static uint32_t server[N];
    tft_rng rng = tft_rng_seeded(8, 0);
    for (size_t i = 0; i < N; i++) {
        p[i] = (float)tft_rng_uniform(&rng);
        off[i] = 0.5f * p[i];
        y[i] = tft_rng_uniform(&rng) < (double)p[i];
    }
    const score_incident_figures f = figures_of(p, y, server, N), g = figures_of(off, y, server, N);
    assert_true(f.ece < 0.02);
    assert_double_equal(g.ece, 0.25, 0.02);
    assert_double_equal(f.auc, g.auc, 0); // ranks are the same
}

static void the_order_in_which_cases_come_changes_nothing(void **state)
{
    (void)state;
    enum { N = 500 };
    float p[N], p_back[N];
    uint8_t y[N], y_back[N];
    uint32_t server[N], server_back[N];
    tft_rng rng = tft_rng_seeded(7, 0);
    for (size_t i = 0; i < N; i++) {
        p[i] = p_back[N - 1 - i] = (float)tft_rng_below(&rng, 20) / 20;
        y[i] = y_back[N - 1 - i] = tft_rng_below(&rng, 4) == 0;
        server[i] = server_back[N - 1 - i] = (uint32_t)tft_rng_below(&rng, 5);
    }
    const score_incident_figures a = figures_of(p, y, server, N), b = figures_of(p_back, y_back, server_back, N);
    assert_memory_equal(&a, &b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_cases_by_hand),
        cmocka_unit_test(a_certain_mistake_costs_a_bounded_log_loss),
        cmocka_unit_test(ties_count_half),
        cmocka_unit_test(one_class_has_no_auc_and_no_skill),
        cmocka_unit_test(knowing_who_is_not_knowing_when),
        cmocka_unit_test(brier_is_reliability_minus_resolution_plus_uncertainty),
        cmocka_unit_test(calibrated_probabilities_have_no_calibration_error),
        cmocka_unit_test(the_order_in_which_cases_come_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
