/* config.c - what a network's configuration must satisfy before anything is built from it. */
#include "tft/config.h"

#include <math.h>
#include <string.h>

#include "tft/lstm.h"

#define MAX_WIDTH 1024   // hidden size, embedding sizes
#define MAX_STEPS 100000 // encoder, decoder
#define MAX_CARDINALITY (1u << 24)

static tft_status check_size(const char *what, size_t value, size_t low, size_t high, tft_error *err)
{
    if (value < low || value > high)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%s is %zu, allowed are %zu to %zu", what, value, low, high);
    return TFT_OK;
}

static tft_status check_name(const char *what, size_t i, const char *name, tft_error *err)
{
    const size_t n = strnlen(name, TFT_MAX_NAME);
    if (n == 0 || n == TFT_MAX_NAME)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%s %zu has no name of 1 to %d bytes", what, i, TFT_MAX_NAME - 1);
    for (size_t k = 0; k < n; k++) {
        if ((unsigned char)name[k] < 0x20 || name[k] == 0x7f || name[k] == '.' || name[k] == '"' || name[k] == '\\')
            return tft_fail(err, TFT_ERR_ARGUMENT,
                            "%s %zu: a name may not hold a dot, quote, backslash or control character", what, i);
    }
    return TFT_OK;
}

static tft_status check_distinct(const char *what, const char *name, const char *other, tft_error *err)
{
    if (strcmp(name, other) == 0)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%s \"%s\" appears twice", what, name);
    return TFT_OK;
}

static tft_status check_reals(const tft_config *c, tft_error *err)
{
    tft_status status = check_size("number of reals", c->n_reals, 0, TFT_MAX_REALS, err);
    for (size_t i = 0; status == TFT_OK && i < c->n_reals; i++) {
        status = check_name("real", i, c->reals[i].name, err);
        if (status == TFT_OK)
            status = check_size("size of a real's embedding", c->reals[i].size, 0, MAX_WIDTH, err);
        for (size_t k = 0; status == TFT_OK && k < i; k++)
            status = check_distinct("real", c->reals[i].name, c->reals[k].name, err);
    }
    return status;
}

static tft_status check_embedding(const tft_config *c, size_t i, tft_error *err)
{
    const tft_embedding *const e = &c->embeddings[i];
    tft_status status = check_name("embedding", i, e->name, err);
    if (status == TFT_OK)
        status = check_size("cardinality of an embedding", e->cardinality, 1, MAX_CARDINALITY, err);
    if (status == TFT_OK)
        status = check_size("width of an embedding", e->dim, 1, MAX_WIDTH, err);
    if (status == TFT_OK)
        status = check_size("members of an embedding", e->n_members, 1, TFT_MAX_CATEGORICALS, err);
    for (size_t m = 0; status == TFT_OK && m < e->n_members; m++) {
        if (e->members[m] >= c->n_categoricals)
            status = tft_fail(err, TFT_ERR_ARGUMENT, "embedding \"%s\" reads column %u of %zu categoricals", e->name,
                              (unsigned)e->members[m], c->n_categoricals);
    }
    for (size_t k = 0; status == TFT_OK && k < i; k++)
        status = check_distinct("embedding", e->name, c->embeddings[k].name, err);
    for (size_t k = 0; status == TFT_OK && k < c->n_reals; k++) // both name networks of the same selection
        status = check_distinct("variable", e->name, c->reals[k].name, err);
    return status;
}

static tft_status check_categoricals(const tft_config *c, tft_error *err)
{
    tft_status status = check_size("number of categoricals", c->n_categoricals, 0, TFT_MAX_CATEGORICALS, err);
    for (size_t i = 0; status == TFT_OK && i < c->n_categoricals; i++)
        status = check_name("categorical", i, c->categorical_names[i], err);
    if (status == TFT_OK)
        status = check_size("number of embeddings", c->n_embeddings, 0, TFT_MAX_CATEGORICALS, err);
    for (size_t i = 0; status == TFT_OK && i < c->n_embeddings; i++)
        status = check_embedding(c, i, err);
    return status;
}

static tft_status check_indices(const char *place, const uint8_t *indices, size_t n, size_t bound, tft_error *err)
{
    bool seen[256] = {false};
    for (size_t i = 0; i < n; i++) {
        if (indices[i] >= bound)
            return tft_fail(err, TFT_ERR_ARGUMENT, "%s inputs name variable %u of %zu", place, (unsigned)indices[i],
                            bound);
        if (seen[indices[i]])
            return tft_fail(err, TFT_ERR_ARGUMENT, "%s inputs name variable %u twice", place, (unsigned)indices[i]);
        seen[indices[i]] = true;
    }
    return TFT_OK;
}

static tft_status check_inputs(const tft_config *c, const char *place, const tft_inputs *inputs, tft_error *err)
{
    tft_status status = check_size("inputs of a place", inputs->n_embeddings, 0, c->n_embeddings, err);
    if (status == TFT_OK)
        status = check_size("inputs of a place", inputs->n_reals, 0, c->n_reals, err);
    if (status == TFT_OK)
        status = check_indices(place, inputs->embeddings, inputs->n_embeddings, c->n_embeddings, err);
    if (status == TFT_OK)
        status = check_indices(place, inputs->reals, inputs->n_reals, c->n_reals, err);
    return status;
}

static tft_status check_target(const tft_config *c, size_t m, tft_error *err)
{
    const tft_target *const t = &c->targets[m];
    tft_status status = check_name("target", m, t->name, err);
    if (status == TFT_OK)
        status = check_size("number of quantiles", t->n_quantiles, 1, TFT_MAX_QUANTILES, err);
    if (status != TFT_OK)
        return status;
    if (t->transform != TFT_TRANSFORM_IDENTITY && t->transform != TFT_TRANSFORM_SOFTPLUS)
        return tft_fail(err, TFT_ERR_ARGUMENT, "target \"%s\" has an unknown transform", t->name);
    if (!isfinite(t->loss_weight) || t->loss_weight < (float)0)
        return tft_fail(err, TFT_ERR_ARGUMENT, "target \"%s\": loss weight %g", t->name, (double)t->loss_weight);
    for (size_t q = 0; q < t->n_quantiles; q++) {
        if (!(t->quantiles[q] > (float)0 && t->quantiles[q] < (float)1) ||
            (q > 0 && !(t->quantiles[q] > t->quantiles[q - 1])))
            return tft_fail(err, TFT_ERR_ARGUMENT, "target \"%s\": quantiles must ascend inside (0, 1)", t->name);
    }
    return TFT_OK;
}

tft_status tft_config_check(const tft_config *config, tft_error *err)
{
    const tft_config *const c = config;
    tft_status status = check_size("hidden_size", c->hidden_size, 1, MAX_WIDTH, err);
    if (status == TFT_OK)
        status = check_size("number of heads", c->n_heads, 1, c->hidden_size, err);
    if (status == TFT_OK)
        status = check_size("lstm_layers", c->lstm_layers, 1, TFT_LSTM_MAX_LAYERS, err);
    if (status == TFT_OK)
        status = check_size("hidden_continuous_size", c->hidden_continuous_size, 1, MAX_WIDTH, err);
    if (status == TFT_OK && !(c->dropout >= (float)0 && c->dropout < (float)1))
        status = tft_fail(err, TFT_ERR_ARGUMENT, "dropout is %g, allowed is 0 to below 1", (double)c->dropout);
    if (status == TFT_OK)
        status = check_size("max_encoder_length", c->max_encoder_length, 1, MAX_STEPS, err);
    if (status == TFT_OK)
        status = check_size("max_decoder_length", c->max_decoder_length, 1, MAX_STEPS, err);
    if (status == TFT_OK)
        status = check_reals(c, err);
    if (status == TFT_OK)
        status = check_categoricals(c, err);
    if (status == TFT_OK)
        status = check_inputs(c, "static", &c->static_inputs, err);
    if (status == TFT_OK)
        status = check_inputs(c, "encoder", &c->encoder_inputs, err);
    if (status == TFT_OK)
        status = check_inputs(c, "decoder", &c->decoder_inputs, err);
    if (status == TFT_OK)
        status = check_size("number of targets", c->n_targets, 1, TFT_MAX_TARGETS, err);
    for (size_t m = 0; status == TFT_OK && m < c->n_targets; m++)
        status = check_target(c, m, err);
    if (status == TFT_OK)
        status = check_size("number of anchors", c->n_anchors, 0, TFT_MAX_ANCHORS, err);
    if (status == TFT_OK)
        status = check_size("number of signs", c->n_signs, 0, TFT_MAX_SIGNS, err);
    if (status == TFT_OK)
        status = check_size("hidden size of the signs", c->sign_hidden, c->n_signs > 0 ? 1 : 0, MAX_WIDTH, err);
    if (status == TFT_OK)
        status = check_size("trees a horizon", c->n_trees, 0, c->n_signs > 0 ? TFT_MAX_TREES : 0, err);
    return status;
}

size_t tft_config_outputs(const tft_config *config)
{
    size_t n = 0;
    for (size_t m = 0; m < config->n_targets; m++)
        n += config->targets[m].n_quantiles;
    return n;
}
