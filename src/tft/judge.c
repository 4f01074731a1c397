/* judge.c - see judge.h. */
#include "tft/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tft/model_internal.h"
#include "tft/safetensors.h"

#define MOST_LOGIT 30.0 // beyond, a probability is 0 or 1 in a float
#define N_TENSORS 11

tft_status tft_judge_open(size_t n_trees, size_t n_signs, tft_judge **judge, tft_error *err)
{
    tft_judge *const j = calloc(1, sizeof *j);
    if (j == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a judge");
    tft_status status = tft_trees_open(n_trees, &j->trees, err);
    if (status == TFT_OK)
        status = tft_sign_nets_open(n_signs, &j->nets, err);
    if (status != TFT_OK) {
        tft_judge_close(j);
        return status;
    }
    *judge = j;
    return TFT_OK;
}

void tft_judge_close(tft_judge *j)
{
    if (j == NULL)
        return;
    tft_trees_close(j->trees);
    tft_sign_nets_close(j->nets);
    free(j);
}

/* ---- judging ------------------------------------------------------------------------------------------------------- */

static double bounded(double logit)
{
    return logit > MOST_LOGIT ? MOST_LOGIT : logit > -MOST_LOGIT ? logit : -MOST_LOGIT;
}

void tft_judge_move(const tft_judge *j, const float *signs, size_t horizon, double *logit)
{
    double trees[TFT_N_HORIZONS], nets[TFT_N_HORIZONS], by[TFT_N_HORIZONS];
    tft_trees_logits(j->trees, signs, trees);
    tft_sign_nets_logits(j->nets, signs, nets);
    for (size_t k = 0; k < TFT_N_HORIZONS; k++)
        by[k] = bounded((trees[k] + nets[k]) / 2) - bounded(logit[tft_horizon_at(horizon, k) - 1]);
    size_t k = 0;
    for (size_t step = 1; step <= horizon; step++) {
        while (k + 1 < TFT_N_HORIZONS && tft_horizon_at(horizon, k + 1) <= step)
            k++;
        const double from = (double)tft_horizon_at(horizon, k);
        double part = 0;
        if (k + 1 < TFT_N_HORIZONS && (double)step > from)
            part = log((double)step / from) / log((double)tft_horizon_at(horizon, k + 1) / from);
        logit[step - 1] += part > 0 ? by[k] + part * (by[k + 1] - by[k]) : by[k];
    }
}

/* ---- on disk ------------------------------------------------------------------------------------------------------- */

/* Trees as tensors: features are numbers there. */
typedef struct tree_arrays {
    float *feature, *threshold, *leaf;
} tree_arrays;

static tft_status take_arrays(size_t n_trees, tree_arrays *a, tft_error *err)
{
    const size_t n = TFT_N_HORIZONS * n_trees;
    a->feature = calloc(n * (2 * TFT_TREE_SPLITS + TFT_TREE_LEAVES), sizeof(float));
    if (a->feature == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to list %zu trees", n);
    a->threshold = a->feature + n * TFT_TREE_SPLITS;
    a->leaf = a->threshold + n * TFT_TREE_SPLITS;
    return TFT_OK;
}

/* Where every tensor of the file lies in memory. */
static void list(const tft_judge *j, const tree_arrays *a, tft_tensor_source out[N_TENSORS])
{
    const size_t h = TFT_N_HORIZONS, t = j->trees->n, n = j->nets->n_signs;
    const tft_sign_net *const first = &j->nets->net[0]; // each part of it goes on with those of the others
    const tft_tensor_source all[N_TENSORS] = {
        {"base", TFT_DTYPE_F32, 1, {h}, j->trees->base},
        {"feature", TFT_DTYPE_F32, 3, {h, t, TFT_TREE_SPLITS}, a->feature},
        {"threshold", TFT_DTYPE_F32, 3, {h, t, TFT_TREE_SPLITS}, a->threshold},
        {"leaf", TFT_DTYPE_F32, 3, {h, t, TFT_TREE_LEAVES}, a->leaf},
        {"mean", TFT_DTYPE_F32, 1, {n}, j->nets->mean},
        {"inverse_spread", TFT_DTYPE_F32, 1, {n}, j->nets->inverse_spread},
        {"hidden.weight", TFT_DTYPE_F32, 3, {TFT_SIGN_NETS, TFT_SIGN_NET_HIDDEN, n}, first->w1},
        {"hidden.bias", TFT_DTYPE_F32, 2, {TFT_SIGN_NETS, TFT_SIGN_NET_HIDDEN}, first->b1},
        {"output.weight", TFT_DTYPE_F32, 3, {TFT_SIGN_NETS, h, TFT_SIGN_NET_HIDDEN}, first->w2},
        {"output.bias", TFT_DTYPE_F32, 2, {TFT_SIGN_NETS, h}, first->b2},
        {"linear.weight", TFT_DTYPE_F32, 3, {TFT_SIGN_NETS, h, n}, first->linear},
    };
    memcpy(out, all, sizeof all);
}

static size_t n_of(const tft_tensor_source *t)
{
    size_t n = 1;
    for (size_t i = 0; i < t->n_dims; i++)
        n *= t->dims[i];
    return n;
}

static tft_status read_tensor(const tft_safetensors *file, const tft_tensor_source *wanted, float *out, tft_error *err)
{
    const tft_tensor_view *const v = tft_safetensors_find(file, wanted->name);
    if (v == NULL)
        return tft_fail(err, TFT_ERR_MISMATCH, "tensor %s is missing", wanted->name);
    bool fits = v->dtype == TFT_DTYPE_F32 && v->n_dims == wanted->n_dims;
    for (size_t i = 0; fits && i < v->n_dims; i++)
        fits = v->dims[i] == wanted->dims[i];
    if (!fits)
        return tft_fail(err, TFT_ERR_MISMATCH, "tensor %s: %zu elements in %zu dimensions; expected F32, %zu in %zu",
                        wanted->name, v->n, v->n_dims, n_of(wanted), wanted->n_dims);
    for (size_t i = 0; i < v->n; i++) {
        out[i] = (float)tft_tensor_value(v, i);
        if (!isfinite(out[i]))
            return tft_fail(err, TFT_ERR_FORMAT, "tensor %s: element %zu is not a finite number", wanted->name, i);
    }
    return TFT_OK;
}

static tft_status plant(tft_judge *j, const tree_arrays *a, tft_error *err)
{
    for (size_t i = 0; i < TFT_N_HORIZONS * j->trees->n; i++) {
        tft_tree *const tree = &j->trees->trees[i];
        for (size_t k = 0; k < TFT_TREE_SPLITS; k++) {
            const float which = a->feature[i * TFT_TREE_SPLITS + k];
            if (!(which >= 0 && which < (float)j->nets->n_signs && which == floorf(which)))
                return tft_fail(err, TFT_ERR_FORMAT,
                                "tensor feature: element %zu is %g, must be a sign's number below %zu",
                                i * TFT_TREE_SPLITS + k, (double)which, j->nets->n_signs);
            tree->feature[k] = (uint16_t)which;
            tree->threshold[k] = a->threshold[i * TFT_TREE_SPLITS + k];
        }
        memcpy(tree->leaf, a->leaf + i * TFT_TREE_LEAVES, sizeof tree->leaf);
    }
    return TFT_OK;
}

static tft_status take_file(const tft_safetensors *file, tft_judge *j, tft_error *err)
{
    tft_tensor_source tensors[N_TENSORS];
    tree_arrays a = {0};
    tft_status status = take_arrays(j->trees->n, &a, err);
    if (status != TFT_OK)
        return status;
    list(j, &a, tensors);
    const tft_sign_net *const first = &j->nets->net[0];
    float *const to[N_TENSORS] = {
        j->trees->base, a.feature, a.threshold, a.leaf,    j->nets->mean, j->nets->inverse_spread,
        first->w1,      first->b1, first->w2,   first->b2, first->linear};
    for (size_t i = 0; i < N_TENSORS && status == TFT_OK; i++)
        status = read_tensor(file, &tensors[i], to[i], err);
    if (status == TFT_OK)
        status = plant(j, &a, err);
    free(a.feature);
    return status;
}

tft_status tft_judge_load(const char *path, size_t n_trees, size_t n_signs, tft_judge **judge, tft_error *err)
{
    tft_safetensors file = {0};
    tft_judge *j = NULL;
    tft_status status = tft_safetensors_open(path, &file, err);
    if (status == TFT_OK)
        status = tft_judge_open(n_trees, n_signs, &j, err);
    if (status == TFT_OK) {
        status = take_file(&file, j, err);
        if (status != TFT_OK)
            tft_error_prefix(err, "%s", path);
    }
    tft_safetensors_close(&file);
    if (status != TFT_OK) {
        tft_judge_close(j);
        return status;
    }
    *judge = j;
    return TFT_OK;
}

tft_status tft_judge_save(const tft_judge *j, const char *path, tft_error *err)
{
    tft_tensor_source tensors[N_TENSORS];
    tree_arrays a = {0};
    tft_status status = take_arrays(j->trees->n, &a, err);
    if (status != TFT_OK)
        return status;
    for (size_t i = 0; i < TFT_N_HORIZONS * j->trees->n; i++) {
        const tft_tree *const tree = &j->trees->trees[i];
        for (size_t k = 0; k < TFT_TREE_SPLITS; k++) {
            a.feature[i * TFT_TREE_SPLITS + k] = (float)tree->feature[k];
            a.threshold[i * TFT_TREE_SPLITS + k] = tree->threshold[k];
        }
        memcpy(a.leaf + i * TFT_TREE_LEAVES, tree->leaf, sizeof tree->leaf);
    }
    list(j, &a, tensors);
    status = tft_safetensors_write(path, tensors, N_TENSORS, err);
    free(a.feature);
    return status;
}

/* ---- a model's ----------------------------------------------------------------------------------------------------- */

void tft_model_take_judge(tft_model *model, tft_judge *judge)
{
    tft_judge_close(model->judge);
    model->judge = judge;
}

const tft_judge *tft_model_judge(const tft_model *model)
{
    return model->judge;
}
