/* config.c - see tft/config.h: what a configuration may hold. */
#include "tft/config.h"

#include <string.h>

#include "tft/weights.h"

size_t tft_config_outputs(const tft_config *config)
{
    size_t n = 0;
    for (size_t m = 0; m < config->n_targets; m++)
        n += config->targets[m].n_quantiles;
    return n;
}

static tft_status in_range(const char *name, size_t value, size_t low, size_t high, tft_error *err)
{
    if (value < low || value > high)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%s is %zu, must be %zu to %zu", name, value, low, high);
    return TFT_OK;
}

static tft_status check_inputs(const tft_config *c, const char *place, const tft_inputs *in, tft_error *err)
{
    if (in->n_embeddings > TFT_MAX_CATEGORICALS || in->n_reals > TFT_MAX_REALS)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%s: %u embeddings and %u reals, at most %d and %d", place,
                        in->n_embeddings, in->n_reals, TFT_MAX_CATEGORICALS, TFT_MAX_REALS);
    for (size_t i = 0; i < in->n_embeddings; i++) {
        if (in->embeddings[i] >= c->n_embeddings)
            return tft_fail(err, TFT_ERR_ARGUMENT, "%s: embedding %u of %zu", place, in->embeddings[i],
                            c->n_embeddings);
    }
    for (size_t i = 0; i < in->n_reals; i++) {
        if (in->reals[i] >= c->n_reals)
            return tft_fail(err, TFT_ERR_ARGUMENT, "%s: real %u of %zu", place, in->reals[i], c->n_reals);
    }
    return TFT_OK;
}

static tft_status check_lists(const tft_config *c, tft_error *err)
{
    for (size_t i = 0; i < c->n_embeddings; i++) {
        const tft_embedding *const e = &c->embeddings[i];
        if (e->cardinality < 1 || e->dim < 1 || e->dim > c->hidden_size || e->n_members < 1 ||
            e->n_members > TFT_MAX_CATEGORICALS)
            return tft_fail(err, TFT_ERR_ARGUMENT,
                            "embedding %.40s: %u rows of %u (1 to hidden_size %zu) for %u columns", e->name,
                            (unsigned)e->cardinality, e->dim, c->hidden_size, e->n_members);
        for (size_t k = 0; k < e->n_members; k++) {
            if (e->members[k] >= c->n_categoricals)
                return tft_fail(err, TFT_ERR_ARGUMENT, "embedding %.40s: column %u of %zu", e->name, e->members[k],
                                c->n_categoricals);
        }
    }
    for (size_t m = 0; m < c->n_targets; m++) {
        const tft_target *const t = &c->targets[m];
        if (t->n_quantiles < 1 || t->n_quantiles > TFT_MAX_QUANTILES)
            return tft_fail(err, TFT_ERR_ARGUMENT, "target %.40s: %u quantiles, must be 1 to %d", t->name,
                            t->n_quantiles, TFT_MAX_QUANTILES);
        for (size_t q = 0; q < t->n_quantiles; q++) {
            if (!(t->quantiles[q] > 0.0f && t->quantiles[q] < 1.0f) ||
                (q > 0 && !(t->quantiles[q] > t->quantiles[q - 1])))
                return tft_fail(err, TFT_ERR_ARGUMENT, "target %.40s: quantiles must ascend inside 0 to 1", t->name);
        }
    }
    return TFT_OK;
}

tft_status tft_config_check(const tft_config *c, tft_error *err)
{
    const struct {
        const char *name;
        size_t value, low, high;
    } ranges[] = {
        {"hidden_size", c->hidden_size, 1, 1024},
        {"n_heads", c->n_heads, 1, c->hidden_size < TFT_MAX_HEADS ? c->hidden_size : TFT_MAX_HEADS},
        {"lstm_layers", c->lstm_layers, 1, TFT_MAX_LAYERS},
        {"hidden_continuous_size", c->hidden_continuous_size, 1, 1024},
        {"max_encoder_length", c->max_encoder_length, 1, 100000},
        {"max_decoder_length", c->max_decoder_length, 1, 100000},
        {"n_reals", c->n_reals, 0, TFT_MAX_REALS},
        {"n_categoricals", c->n_categoricals, 0, TFT_MAX_CATEGORICALS},
        {"n_embeddings", c->n_embeddings, 0, TFT_MAX_CATEGORICALS},
        {"n_targets", c->n_targets, 1, TFT_MAX_TARGETS},
        {"n_anchors", c->n_anchors, 0, TFT_MAX_ANCHORS},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const tft_status status = in_range(ranges[i].name, ranges[i].value, ranges[i].low, ranges[i].high, err);
        if (status != TFT_OK)
            return status;
    }
    if (!(c->dropout >= 0.0f && c->dropout < 1.0f))
        return tft_fail(err, TFT_ERR_ARGUMENT, "dropout is %g, must be 0 to below 1", (double)c->dropout);
    for (size_t i = 0; i < c->n_reals; i++) {
        if (c->reals[i].size > 1024)
            return tft_fail(err, TFT_ERR_ARGUMENT, "real %.40s: embedded in %u, at most 1024", c->reals[i].name,
                            c->reals[i].size);
    }
    tft_status status = check_lists(c, err);
    if (status == TFT_OK)
        status = check_inputs(c, "static_inputs", &c->static_inputs, err);
    if (status == TFT_OK)
        status = check_inputs(c, "encoder_inputs", &c->encoder_inputs, err);
    if (status == TFT_OK)
        status = check_inputs(c, "decoder_inputs", &c->decoder_inputs, err);
    return status;
}
