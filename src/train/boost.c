/* boost.c - see boost.h. */
#include "train/boost.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"

#define MOST_SAMPLES ((size_t)20000)
#define MAX_FEATURES ((size_t)1024)
#define MAX_NODES (1 << (TFT_TREE_DEPTH - 1)) // of a level that is split
#define CHUNK ((size_t)16384)                 // rows of a task that follows a new tree
#define TREE_STREAM UINT64_C(0x7472656573)

tft_boost_options tft_boost_default(void)
{
    return (tft_boost_options){
        .n_trees = 250, .rate = 0.03, .min_weight = 400, .l2 = 10, .row_share = 0.7, .feature_share = 0.5, .seed = 1};
}

/* ---- bins ---------------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Upper edges, half-way between neighbours of the sorted sample. What one value fills is one bin; the rest share the others. */
static size_t find_edges(const float *sorted, size_t n, float edges[TFT_BOOST_BINS])
{
    size_t n_bins = 0, begin = 0;
    while (begin < n && n_bins + 1 < TFT_BOOST_BINS) {
        size_t end = begin + (n - begin) / (TFT_BOOST_BINS - n_bins);
        end = end > begin ? end : begin + 1;
        while (end < n && sorted[end] == sorted[end - 1])
            end++;
        if (end == n)
            break;
        edges[n_bins++] = sorted[end - 1] + (sorted[end] - sorted[end - 1]) / 2;
        begin = end;
    }
    edges[n_bins++] = FLT_MAX;
    return n_bins;
}

static uint8_t bin_of(const float *edges, size_t n_bins, float x)
{
    size_t low = 0, high = n_bins - 1; // the first edge that x does not pass
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (x > edges[middle])
            low = middle + 1;
        else
            high = middle;
    }
    return (uint8_t)low;
}

tft_status tft_boost_bins_make(const float *rows, size_t n, size_t n_features, tft_boost_bins *b, tft_error *err)
{
    const size_t stride = n / MOST_SAMPLES + 1, n_samples = (n + stride - 1) / stride;
    *b = (tft_boost_bins){.n = n, .n_features = n_features};
    if (n == 0 || n_features == 0 || n_features > MAX_FEATURES)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%zu rows of %zu signs; there must be rows, and 1 to %zu signs", n,
                        n_features, MAX_FEATURES);
    b->bins = malloc(tft_mul_sat(n, n_features));
    b->edges = malloc(n_features * sizeof *b->edges);
    b->n_bins = malloc(n_features);
    float *const sample = malloc(n_samples * sizeof *sample);
    if (b->bins == NULL || b->edges == NULL || b->n_bins == NULL || sample == NULL) {
        free(sample);
        tft_boost_bins_free(b);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for bins of %zu rows of %zu signs", n, n_features);
    }
    for (size_t f = 0; f < n_features; f++) {
        for (size_t i = 0; i < n_samples; i++)
            sample[i] = rows[i * stride * n_features + f];
        qsort(sample, n_samples, sizeof *sample, by_value);
        b->n_bins[f] = (uint8_t)find_edges(sample, n_samples, b->edges[f]);
        for (size_t i = 0; i < n; i++)
            b->bins[f * n + i] = bin_of(b->edges[f], b->n_bins[f], rows[i * n_features + f]);
    }
    free(sample);
    return TFT_OK;
}

void tft_boost_bins_free(tft_boost_bins *b)
{
    free(b->bins);
    free(b->edges);
    free(b->n_bins);
    *b = (tft_boost_bins){0};
}

/* ---- a tree -------------------------------------------------------------------------------------------------------- */

typedef struct row {
    float g, h, w;
} row;

typedef struct split {
    double gain;
    size_t feature, bin;
} split;

typedef struct fitting {
    const tft_boost_bins *data;
    const uint8_t *y;
    const float *weight;
    const tft_boost_options *options;
    float *logit;            // [n] what the trees so far say
    row *rows;               // [n] of this tree's rows, in the order of `order`
    uint32_t *order, *spare; // [n] this tree's rows, those of a node together
    row *spare_rows;
    size_t n_rows, n_chosen;
    size_t chosen[MAX_FEATURES]; // signs that this tree may ask
    size_t n_nodes, begin[MAX_NODES + 1];
    split *best; // [n_chosen, MAX_NODES]
    tft_tree *tree;
    uint8_t bin[TFT_TREE_SPLITS]; // a node's threshold as a bin
} fitting;

static double score_of(double g, double h, double l2)
{
    return g * g / (h + l2);
}

/* The best split of each node by one sign. */
static void try_feature(void *context, size_t k, size_t worker)
{
    fitting *const f = context;
    const uint8_t *const bins = f->data->bins + f->chosen[k] * f->data->n;
    const size_t n_bins = f->data->n_bins[f->chosen[k]];
    const double l2 = f->options->l2;
    (void)worker;
    for (size_t node = 0; node < f->n_nodes; node++) {
        struct {
            double g, h, w;
        } sum[TFT_BOOST_BINS] = {0}, all = {0}, left = {0};
        for (size_t i = f->begin[node]; i < f->begin[node + 1]; i++) {
            const size_t b = bins[f->order[i]];
            sum[b].g += (double)f->rows[i].g;
            sum[b].h += (double)f->rows[i].h;
            sum[b].w += (double)f->rows[i].w;
        }
        for (size_t b = 0; b < n_bins; b++) {
            all.g += sum[b].g;
            all.h += sum[b].h;
            all.w += sum[b].w;
        }
        split best = {.feature = f->chosen[k]};
        const double whole = score_of(all.g, all.h, l2);
        for (size_t b = 0; b + 1 < n_bins; b++) {
            left.g += sum[b].g;
            left.h += sum[b].h;
            left.w += sum[b].w;
            if (left.w < f->options->min_weight || all.w - left.w < f->options->min_weight)
                continue;
            const double gain = score_of(left.g, left.h, l2) + score_of(all.g - left.g, all.h - left.h, l2) - whole;
            if (gain > best.gain)
                best = (split){gain, f->chosen[k], b};
        }
        f->best[k * MAX_NODES + node] = best;
    }
}

/* Parts the rows of each node by its split into those of its two children; ranges of the next level. */
static void part_rows(fitting *f)
{
    const size_t first = f->n_nodes - 1; // number of the level's first node
    size_t begin[2 * MAX_NODES + 1] = {0}, to = 0;
    for (size_t node = 0; node < f->n_nodes; node++) {
        const uint8_t *const bins = f->data->bins + f->tree->feature[first + node] * f->data->n;
        const uint8_t most = f->bin[first + node];
        for (int right = 0; right < 2; right++) {
            begin[2 * node + (size_t)right] = to;
            for (size_t i = f->begin[node]; i < f->begin[node + 1]; i++) {
                if ((bins[f->order[i]] > most) == (right == 1)) {
                    f->spare[to] = f->order[i];
                    f->spare_rows[to++] = f->rows[i];
                }
            }
        }
    }
    begin[2 * f->n_nodes] = to;
    uint32_t *const order = f->order;
    row *const rows = f->rows;
    f->order = f->spare;
    f->rows = f->spare_rows;
    f->spare = order;
    f->spare_rows = rows;
    f->n_nodes *= 2;
    if (f->n_nodes <= MAX_NODES) {
        memcpy(f->begin, begin, (f->n_nodes + 1) * sizeof begin[0]);
        return;
    }
    for (size_t leaf = 0; leaf < TFT_TREE_LEAVES; leaf++) {
        double g = 0, h = 0;
        for (size_t i = begin[leaf]; i < begin[leaf + 1]; i++) {
            g += (double)f->rows[i].g;
            h += (double)f->rows[i].h;
        }
        f->tree->leaf[leaf] = (float)(-f->options->rate * g / (h + f->options->l2));
    }
}

static void split_level(fitting *f)
{
    const size_t first = f->n_nodes - 1;
    for (size_t node = 0; node < f->n_nodes; node++) {
        split best = {0};
        for (size_t k = 0; k < f->n_chosen; k++) {
            if (f->best[k * MAX_NODES + node].gain > best.gain)
                best = f->best[k * MAX_NODES + node];
        }
        const bool any = best.gain > 0;
        f->tree->feature[first + node] = (uint16_t)best.feature;
        f->tree->threshold[first + node] = any ? f->data->edges[best.feature][best.bin] : FLT_MAX;
        f->bin[first + node] = any ? (uint8_t)best.bin : UINT8_MAX;
    }
}

static void draw(fitting *f, tft_rng *rng)
{
    const size_t n_features = f->data->n_features;
    size_t all[MAX_FEATURES];
    f->n_chosen = (size_t)ceil(f->options->feature_share * (double)n_features);
    for (size_t i = 0; i < n_features; i++)
        all[i] = i;
    for (size_t i = 0; i < f->n_chosen; i++) { // the first draws of a shuffle
        const size_t j = i + tft_rng_below(rng, n_features - i), moved = all[i];
        all[i] = all[j];
        all[j] = moved;
        f->chosen[i] = all[i];
    }
    f->n_rows = 0;
    for (size_t i = 0; i < f->data->n; i++) {
        const bool drawn = tft_rng_uniform(rng) < f->options->row_share;
        const float w = f->weight[i];
        if (!drawn || !(w > 0))
            continue;
        const float p = 1.0f / (1.0f + expf(-f->logit[i]));
        f->rows[f->n_rows] = (row){w * (p - (float)f->y[i]), w * p * (1.0f - p), w};
        f->order[f->n_rows++] = (uint32_t)i;
    }
}

/* Adds the new tree's answers to what all rows are told. */
static void follow(void *context, size_t task, size_t worker)
{
    const fitting *const f = context;
    const size_t n = f->data->n, end = (task + 1) * CHUNK < n ? (task + 1) * CHUNK : n;
    (void)worker;
    for (size_t r = task * CHUNK; r < end; r++) {
        size_t i = 0;
        for (size_t depth = 0; depth < TFT_TREE_DEPTH; depth++)
            i = 2 * i + 1 + (f->data->bins[f->tree->feature[i] * n + r] > f->bin[i]);
        f->logit[r] += f->tree->leaf[i - TFT_TREE_SPLITS];
    }
}

static void grow(fitting *f, tft_rng *rng, tft_pool *pool)
{
    draw(f, rng);
    f->n_nodes = 1;
    f->begin[0] = 0;
    f->begin[1] = f->n_rows;
    for (size_t depth = 0; depth < TFT_TREE_DEPTH; depth++) {
        tft_pool_run(pool, f->n_chosen, try_feature, f);
        split_level(f);
        part_rows(f);
    }
    tft_pool_run(pool, (f->data->n + CHUNK - 1) / CHUNK, follow, f);
}

static double share_of_ones(const tft_boost_bins *data, const uint8_t *y, const float *weight)
{
    double ones = 0, all = 0;
    for (size_t i = 0; i < data->n; i++) {
        all += (double)weight[i];
        ones += y[i] ? (double)weight[i] : 0;
    }
    return all > 0 ? ones / all : 0;
}

tft_status tft_boost_fit(const tft_boost_bins *data, const uint8_t *y, const float *weight,
                         const tft_boost_options *options, tft_pool *pool, float *base, tft_tree *trees, tft_error *err)
{
    const size_t n = data->n;
    const double ones = share_of_ones(data, y, weight), logit = ones > 0 && ones < 1 ? log(ones / (1 - ones)) : 0;
    memset(trees, 0, options->n_trees * sizeof *trees);
    *base = ones <= 0 ? -8.0f : ones >= 1 ? 8.0f : (float)logit;
    if (ones <= 0 || ones >= 1)
        return TFT_OK;
    fitting *const f = calloc(1, sizeof *f);
    if (f == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to fit trees");
    *f = (fitting){.data = data, .y = y, .weight = weight, .options = options};
    float *const logits = malloc(n * sizeof *logits);
    uint32_t *const orders = malloc(tft_mul_sat(2 * n, sizeof *orders));
    row *const rows = malloc(tft_mul_sat(2 * n, sizeof *rows));
    split *const best = malloc(data->n_features * MAX_NODES * sizeof *best);
    tft_status status = TFT_OK;
    if (logits == NULL || orders == NULL || rows == NULL || best == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory to fit trees to %zu rows", n);
        goto done;
    }
    f->logit = logits;
    f->order = orders;
    f->spare = orders + n;
    f->rows = rows;
    f->spare_rows = rows + n;
    f->best = best;
    for (size_t i = 0; i < n; i++)
        logits[i] = *base;
    for (size_t k = 0; k < options->n_trees; k++) {
        tft_rng rng = tft_rng_seeded(options->seed, TREE_STREAM + k);
        f->tree = &trees[k];
        grow(f, &rng, pool);
    }
done:
    free(best);
    free(rows);
    free(orders);
    free(logits);
    free(f);
    return status;
}
