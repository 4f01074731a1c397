/* test_judge.c - tests src/tft/judge.c and its halves: asking, moving the network's hazards, and files as they may come. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tft/judge.h"
#include "tft/safetensors.h"

#define N_SIGNS 3
#define HORIZON 96

/* One tree a horizon: 1 where sign 1 > 0.5 and sign 2 > 2, −1 elsewhere. Networks that say sign 0, from a mean of 1 and in halves. */
static tft_judge *small_judge(void)
{
    tft_judge *j;
    assert_int_equal(tft_judge_open(1, N_SIGNS, &j, NULL), TFT_OK);
    for (size_t k = 0; k < TFT_N_HORIZONS; k++) {
        tft_tree *const tree = &j->trees->trees[k];
        j->trees->base[k] = (float)k - 3;
        for (size_t i = 0; i < TFT_TREE_SPLITS; i++)
            tree->threshold[i] = FLT_MAX;
        tree->feature[0] = 1;
        tree->threshold[0] = 0.5f;
        tree->feature[2] = 2;
        tree->threshold[2] = 2;
        for (size_t i = 0; i < TFT_TREE_LEAVES; i++)
            tree->leaf[i] = i >= 12 ? 1 : -1; // right, right
    }
    for (size_t i = 0; i < N_SIGNS; i++) {
        j->nets->mean[i] = 1;
        j->nets->inverse_spread[i] = 2;
    }
    for (size_t i = 0; i < TFT_SIGN_NETS; i++) {
        for (size_t k = 0; k < TFT_N_HORIZONS; k++) {
            j->nets->net[i].b2[k] = (float)k;
            j->nets->net[i].linear[k * N_SIGNS] = (float)i; // the mean of 0, 1, 2
        }
    }
    return j;
}

static void a_tree_answers_by_its_questions(void **state)
{
    static const float rows[][N_SIGNS] = {{0, 0.6f, 2.1f}, {0, 0.5f, 2.1f}, {9, 0.6f, 2.0f}};
    static const double wanted[] = {1, -1, -1};
    double logits[TFT_N_HORIZONS];
    tft_judge *const j = small_judge();
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tft_trees_logits(j->trees, rows[i], logits);
        for (size_t k = 0; k < TFT_N_HORIZONS; k++)
            assert_true(logits[k] == (double)k - 3 + wanted[i]);
    }
    tft_judge_close(j);
}

static void networks_read_signs_in_spreads_cut_to_four(void **state)
{
    static const float rows[][N_SIGNS] = {{1.5f, 0, 0}, {100, 0, 0}, {-100, 0, 0}};
    static const double wanted[] = {1, 4, -4};
    double logits[TFT_N_HORIZONS];
    tft_judge *const j = small_judge();
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tft_sign_nets_logits(j->nets, rows[i], logits);
        for (size_t k = 0; k < TFT_N_HORIZONS; k++)
            assert_true(fabs(logits[k] - (double)k - wanted[i]) < 1e-6);
    }
    j->nets->net[0].w1[0] = -1; // relu(−x₀), which only a negative x₀ passes
    j->nets->net[0].w2[0] = 3;
    tft_sign_nets_logits(j->nets, rows[0], logits);
    assert_true(fabs(logits[0] - 1) < 1e-6);
    tft_sign_nets_logits(j->nets, rows[2], logits);
    assert_true(fabs(logits[0]) < 1e-6); // −4 + 3 · 4 ÷ 3
    tft_judge_close(j);
}

static double logit_at(const float *hazard, size_t steps)
{
    double quiet = 1;
    for (size_t i = 0; i < steps; i++)
        quiet *= 1 - 1 / (1 + exp(-(double)hazard[i]));
    return log((1 - quiet) / quiet);
}

static void what_is_said_is_the_mean_at_the_five_horizons_and_between_its_neighbours_elsewhere(void **state)
{
    static const float signs[N_SIGNS] = {1, 1, 3};
    float hazard[HORIZON];
    double moved[HORIZON], shift[HORIZON] = {0}, trees[TFT_N_HORIZONS], nets[TFT_N_HORIZONS];
    tft_judge *const j = small_judge();
    (void)state;
    for (size_t i = 0; i < HORIZON; i++)
        hazard[i] = -5.0f + 0.01f * (float)i;
    tft_trees_logits(j->trees, signs, trees);
    tft_sign_nets_logits(j->nets, signs, nets);
    for (size_t i = 0; i < HORIZON; i++)
        moved[i] = logit_at(hazard, i + 1);
    tft_judge_move(j, signs, HORIZON, moved);
    tft_judge_move(j, signs, HORIZON, shift); // from 0
    for (size_t k = 0; k < TFT_N_HORIZONS; k++) {
        const size_t h = tft_horizon_at(HORIZON, k);
        assert_true(fabs(moved[h - 1] - (trees[k] + nets[k]) / 2) < 1e-4);
    }
    assert_int_equal(tft_horizon_at(HORIZON, 0), 6);
    for (size_t i = 0; i < 5; i++)
        assert_true(shift[i] == shift[5]); // before the first horizon as there
    for (size_t i = 6; i < 11; i++)
        assert_true((shift[i] - shift[5]) * (shift[11] - shift[i]) > 0); // between 6 and 12 steps
    tft_judge_close(j);
}

static void a_network_that_is_sure_and_a_horizon_of_three_steps_stay_finite(void **state)
{
    static const float signs[N_SIGNS] = {0, 1, 3};
    static const double sure[] = {-90, 90, -700, 700};
    tft_judge *const j = small_judge();
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        for (size_t horizon = 1; horizon <= HORIZON; horizon += horizon < 4 ? 1 : 92) {
            double logit[HORIZON], impossible[HORIZON];
            for (size_t i = 0; i < horizon; i++) {
                logit[i] = sure[k];
                impossible[i] = copysign(HUGE_VAL, sure[k]);
            }
            tft_judge_move(j, signs, horizon, logit);
            tft_judge_move(j, signs, horizon, impossible);
            for (size_t i = 0; i < horizon; i++) {
                assert_true(isfinite(logit[i]) && fabs(logit[i] - sure[k]) < 61);
                assert_true(impossible[i] == copysign(HUGE_VAL, sure[k]));
            }
        }
    }
    tft_judge_close(j);
}

static void what_is_saved_is_what_is_loaded(void **state)
{
    char path[] = "/tmp/tftd-test-XXXXXX";
    const int fd = mkstemp(path);
    tft_judge *const j = small_judge(), *read = NULL;
    const size_t floats = 2 * N_SIGNS + TFT_SIGN_NETS * tft_sign_net_floats(N_SIGNS);
    tft_error err = {0};
    (void)state;
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < floats; i++)
        j->nets->block[i] = (float)i;
    assert_int_equal(tft_judge_save(j, path, &err), TFT_OK);
    assert_int_equal(tft_judge_load(path, 1, N_SIGNS, &read, &err), TFT_OK);
    assert_memory_equal(read->trees->base, j->trees->base, sizeof j->trees->base);
    assert_memory_equal(read->trees->trees, j->trees->trees, TFT_N_HORIZONS * sizeof(tft_tree));
    assert_memory_equal(read->nets->block, j->nets->block, floats * sizeof(float));
    tft_judge_close(read);
    assert_int_equal(tft_judge_load(path, 2, N_SIGNS, &read, NULL), TFT_ERR_MISMATCH); // more trees than there are
    assert_int_equal(tft_judge_load(path, 1, 2, &read, NULL), TFT_ERR_MISMATCH);       // fewer signs
    tft_judge_close(j);
    unlink(path);
}

typedef struct judge_file {
    float base[5], feature[75], threshold[75], leaf[80], mean[3], spread[3], w1[288], b1[96], w2[480], b2[15],
        linear[45];
} judge_file;

/* Writes a well-formed file but for what was put into *f, without its last `missing` tensors. */
static void write_file(const char *path, const judge_file *f, size_t missing)
{
    const tft_tensor_source all[] = {{"base", TFT_DTYPE_F32, 1, {5}, f->base},
                                     {"feature", TFT_DTYPE_F32, 3, {5, 1, 15}, f->feature},
                                     {"threshold", TFT_DTYPE_F32, 3, {5, 1, 15}, f->threshold},
                                     {"leaf", TFT_DTYPE_F32, 3, {5, 1, 16}, f->leaf},
                                     {"mean", TFT_DTYPE_F32, 1, {3}, f->mean},
                                     {"inverse_spread", TFT_DTYPE_F32, 1, {3}, f->spread},
                                     {"hidden.weight", TFT_DTYPE_F32, 3, {3, 32, 3}, f->w1},
                                     {"hidden.bias", TFT_DTYPE_F32, 2, {3, 32}, f->b1},
                                     {"output.weight", TFT_DTYPE_F32, 3, {3, 5, 32}, f->w2},
                                     {"output.bias", TFT_DTYPE_F32, 2, {3, 5}, f->b2},
                                     {"linear.weight", TFT_DTYPE_F32, 3, {3, 5, 3}, f->linear}};
    tft_error err = {0};
    assert_int_equal(tft_safetensors_write(path, all, sizeof all / sizeof all[0] - missing, &err), TFT_OK);
}

static void a_file_with_a_fault_is_refused_with_its_place(void **state)
{
    static judge_file f;
    static const struct {
        float bad, *at;
        const char *text;
    } cases[] = {{NAN, f.base, "tensor base: element 0 is not a finite number"},
                 {-1, f.feature, "tensor feature: element 0 is -1, must be a sign's number below 3"},
                 {3, f.feature, "tensor feature: element 0 is 3"},
                 {0.5f, f.feature, "tensor feature: element 0 is 0.5"},
                 {INFINITY, f.threshold, "tensor threshold: element 0 is not a finite number"},
                 {NAN, f.leaf, "tensor leaf: element 0 is not a finite number"},
                 {NAN, f.spread, "tensor inverse_spread: element 0 is not a finite number"},
                 {NAN, f.w1, "tensor hidden.weight: element 0 is not a finite number"},
                 {NAN, f.linear, "tensor linear.weight: element 0 is not a finite number"}};
    char path[] = "/tmp/tftd-test-XXXXXX";
    const int fd = mkstemp(path);
    tft_judge *j = NULL;
    (void)state;
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tft_error err = {0};
        *cases[i].at = cases[i].bad;
        write_file(path, &f, 0);
        *cases[i].at = 0;
        assert_int_equal(tft_judge_load(path, 1, N_SIGNS, &j, &err), TFT_ERR_FORMAT);
        assert_non_null(strstr(err.text, cases[i].text));
    }
    for (size_t missing = 1; missing < 11; missing++) {
        write_file(path, &f, missing);
        assert_int_equal(tft_judge_load(path, 1, N_SIGNS, &j, NULL), TFT_ERR_MISMATCH);
    }
    write_file(path, &f, 0);
    assert_int_equal(tft_judge_load(path, 1, N_SIGNS, &j, NULL), TFT_OK);
    tft_judge_close(j);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_answers_by_its_questions),
        cmocka_unit_test(networks_read_signs_in_spreads_cut_to_four),
        cmocka_unit_test(what_is_said_is_the_mean_at_the_five_horizons_and_between_its_neighbours_elsewhere),
        cmocka_unit_test(a_network_that_is_sure_and_a_horizon_of_three_steps_stay_finite),
        cmocka_unit_test(what_is_saved_is_what_is_loaded),
        cmocka_unit_test(a_file_with_a_fault_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
