/* trees.c - see trees.h. */
#include "tft/trees.h"

#include <stdlib.h>

tft_status tft_trees_open(size_t n, tft_trees **trees, tft_error *err)
{
    if (n < 1 || n > TFT_MAX_TREES)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%zu trees a horizon, may be 1 to %d", n, TFT_MAX_TREES);
    tft_trees *const t = calloc(1, sizeof *t);
    if (t != NULL)
        t->trees = calloc(TFT_N_HORIZONS * n, sizeof *t->trees);
    if (t == NULL || t->trees == NULL) {
        free(t);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu trees", TFT_N_HORIZONS * n);
    }
    t->n = n;
    *trees = t;
    return TFT_OK;
}

void tft_trees_close(tft_trees *t)
{
    if (t == NULL)
        return;
    free(t->trees);
    free(t);
}

/* ---- asking -------------------------------------------------------------------------------------------------------- */

static float answer_of(const tft_tree *tree, const float *signs)
{
    size_t i = 0;
    for (size_t depth = 0; depth < TFT_TREE_DEPTH; depth++)
        i = 2 * i + 1 + (signs[tree->feature[i]] > tree->threshold[i]);
    return tree->leaf[i - TFT_TREE_SPLITS];
}

void tft_trees_logits(const tft_trees *t, const float *signs, double logits[TFT_N_HORIZONS])
{
    for (size_t k = 0; k < TFT_N_HORIZONS; k++) {
        double sum = (double)t->base[k];
        for (size_t i = 0; i < t->n; i++)
            sum += (double)answer_of(&t->trees[k * t->n + i], signs);
        logits[k] = sum;
    }
}
