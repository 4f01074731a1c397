/* boost.h - fits boosted trees (tft/trees.h) to yes and no: one horizon's starts, from the signs.
 *
 * Each tree follows the gradient of the cross-entropy at what the trees before it say (Friedman 2001), with second
 * derivatives as Newton's method has them (Friedman, Hastie, Tibshirani 2000): with g = w (p − y) and h = w p (1 − p) added up
 * over the rows of a node,
 *
 *     leaf = −rate · G ÷ (H + l2)         gain of a split = G_l² ÷ (H_l + l2) + G_r² ÷ (H_r + l2) − G² ÷ (H + l2)
 *
 * Signs are put in at most 64 bins of about equal counts once; a split is a bin's upper edge, found from a histogram of
 * each node (Ke et al. 2017, LightGBM). Every tree sees a share of the rows and of the signs, drawn anew
 * (Friedman 2002, "Stochastic gradient boosting"), and four levels of questions, all nodes of a level at once.
 *
 * Memory:  36 bytes a row while fitting, beside the bins. Threads: signs are cut over the pool; sums are in the order of rows, so the trees
 * do not depend on the number of threads.
 */
#ifndef TFT_TRAIN_BOOST_H
#define TFT_TRAIN_BOOST_H

#include "tensor/pool.h"
#include "tft/trees.h"

#define TFT_BOOST_BINS 64

typedef struct tft_boost_bins {
    size_t n, n_features;
    uint8_t *bins;                  // [n_features, n] row r has edges[b − 1] < x ≤ edges[b]
    float (*edges)[TFT_BOOST_BINS]; // [n_features] the last one of a feature holds all that is larger
    uint8_t *n_bins;                // [n_features] 1 … TFT_BOOST_BINS
} tft_boost_bins;

/* rows [n, n_features], finite. Bins are made of at most 20,000 rows, evenly taken. */
tft_status tft_boost_bins_make(const float *rows, size_t n, size_t n_features, tft_boost_bins *bins, tft_error *err);
void tft_boost_bins_free(tft_boost_bins *bins); // accepts a zeroed struct

typedef struct tft_boost_options {
    size_t n_trees;
    double rate;                     // 0.03: how much of each tree's answer is taken
    double min_weight;               // 400: rows, by weight, that a leaf must have
    double l2;                       // 10
    double row_share, feature_share; // 0.7, 0.5
    uint64_t seed;
} tft_boost_options;

tft_boost_options tft_boost_default(void);

/* y [n] 0 or 1; weight [n], 0 = left out. Fills trees [n_trees] and *base, the logit of the weighted share of ones (all trees
 * are 0 where there are only ones or only zeros, and base is then at most ±8). */
tft_status tft_boost_fit(const tft_boost_bins *bins, const uint8_t *y, const float *weight,
                         const tft_boost_options *options, tft_pool *pool, float *base, tft_tree *trees,
                         tft_error *err);

#endif
