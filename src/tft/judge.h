/* judge.h - what the incident head says in the end: boosted trees and small networks, asked about a window's signs.
 *
 *                      ┌─► trees.h      ─┐
 *     signs of the window                 ├─ mean of logits ─► logit P(start within h), h = a sixteenth … all of the horizon
 *                      └─► sign_nets.h  ─┘                          │
 *     the network's hazards of all steps ────── moved so that they agree there ─► logit P(start within every step)
 *
 * Both halves are trained directly on the five answers, on windows of their natural weight, in seconds; the TFT's own head (hazard.h,
 * signs.h) learns 96 hazards beside the forecasts, from windows of which half are drawn before a start. It knows how the
 * probability is spread inside the horizon; the judge knows how much there is (decisions/017). Between two horizons what is
 * moved is linear in log h.
 *
 * On disk: incident_judge.safetensors in the model's directory, F32: base [5], feature, threshold [5, trees, 15], leaf
 * [5, trees, 16]; mean, inverse_spread [n], hidden.weight [3, 32, n], hidden.bias [3, 32], output.weight [3, 5, 32], output.bias [3, 5],
 * linear.weight [3, 5, n].
 *
 * Memory:  a tft_judge owns both halves; a model owns its judge. Threads: reading only, any.
 */
#ifndef TFT_TFT_JUDGE_H
#define TFT_TFT_JUDGE_H

#include "tft/sign_nets.h"
#include "tft/trees.h"

#define TFT_JUDGE_FILE "incident_judge.safetensors"

typedef struct tft_judge {
    tft_trees *trees;
    tft_sign_nets *nets;
} tft_judge;

tft_status tft_judge_open(size_t n_trees, size_t n_signs, tft_judge **judge, tft_error *err);
void tft_judge_close(tft_judge *judge); // accepts NULL

/* Moves the network's logit [horizon] of P(a start within t + 1), ±∞ where that is 0 or 1, to where it agrees with the judge. What is
 * finite stays so. */
void tft_judge_move(const tft_judge *judge, const float *signs, size_t horizon, double *logit);

/* TFT_ERR_FORMAT or TFT_ERR_MISMATCH names the tensor and what is wrong: shape, a number that is not finite, a sign that is
 * not there. */
tft_status tft_judge_load(const char *path, size_t n_trees, size_t n_signs, tft_judge **judge, tft_error *err);
tft_status tft_judge_save(const tft_judge *judge, const char *path, tft_error *err);

/* The judge of a model, NULL = none. A model owns it from tft_model_take_judge() on, which closes the one before. */
void tft_model_take_judge(tft_model *model, tft_judge *judge);
const tft_judge *tft_model_judge(const tft_model *model);

#endif
