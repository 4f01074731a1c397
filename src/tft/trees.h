/* trees.h - boosted decision trees on the signs of a window: half of the incident head's judge (tft/judge.h).
 *
 * For each of five horizons h (a sixteenth, an eighth, a quarter, half and all of the model's):
 *
 *     logit P(a start within h) = base_h + Σ_k leaf_k(signs)
 *
 * A tree is complete, four questions deep. Node i asks whether signs[feature] > threshold, and goes on at 2i + 2 or, if not,
 * 2i + 1; where it arrives, less 15, is the leaf:
 *
 *                 0                 15 questions, 16 leaves; a node that nothing is gained by asks for more than
 *             1       2             FLT_MAX, and everybody goes left
 *           3   4   5   6
 *
 * Trees see steps and corners ("busy for 40 minutes AND the same hour yesterday") where a network sees slopes.
 *
 * Source: Friedman 2001, "Greedy function approximation: a gradient boosting machine". train/boost.h fits them.
 * Memory:  the caller owns a tft_trees until close; some 190 bytes a tree. Threads: reading only, any.
 */
#ifndef TFT_TFT_TREES_H
#define TFT_TFT_TREES_H

#include <stddef.h>
#include <stdint.h>

#include "tft/contract.h"
#include "tft/model.h"

#define TFT_TREE_DEPTH 4
#define TFT_TREE_SPLITS 15
#define TFT_TREE_LEAVES 16

typedef struct tft_tree {
    float threshold[TFT_TREE_SPLITS];
    uint16_t feature[TFT_TREE_SPLITS];
    float leaf[TFT_TREE_LEAVES];
} tft_tree;

typedef struct tft_trees {
    size_t n; // trees a horizon, 1 … TFT_MAX_TREES
    float base[TFT_N_HORIZONS];
    tft_tree *trees; // [TFT_N_HORIZONS, n]
} tft_trees;

tft_status tft_trees_open(size_t n, tft_trees **trees, tft_error *err);
void tft_trees_close(tft_trees *trees); // accepts NULL

/* logits[k] = logit P(a start within horizon k). */
void tft_trees_logits(const tft_trees *trees, const float *signs, double logits[TFT_N_HORIZONS]);

#endif
