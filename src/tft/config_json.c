/* config_json.c - see config_json.h. */
#include "tft/config_json.h"

#include <string.h>

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void put_string(tft_text *out, const char *text)
{
    tft_text_json_string(out, text, strlen(text));
}

static void put_inputs(tft_text *out, const tft_config *c, const char *key, const tft_inputs *in)
{
    tft_text_printf(out, ", \"%s\": {\"embeddings\": [", key);
    for (size_t i = 0; i < in->n_embeddings; i++) {
        tft_text_puts(out, i > 0 ? ", " : "");
        put_string(out, c->embeddings[in->embeddings[i]].name);
    }
    tft_text_puts(out, "], \"reals\": [");
    for (size_t i = 0; i < in->n_reals; i++) {
        tft_text_puts(out, i > 0 ? ", " : "");
        put_string(out, c->reals[in->reals[i]].name);
    }
    tft_text_puts(out, "]}");
}

static void put_embeddings(tft_text *out, const tft_config *c)
{
    tft_text_puts(out, "], \"embeddings\": [");
    for (size_t i = 0; i < c->n_embeddings; i++) {
        const tft_embedding *const e = &c->embeddings[i];
        tft_text_puts(out, i > 0 ? ", {\"name\": " : "{\"name\": ");
        put_string(out, e->name);
        tft_text_printf(out, ", \"cardinality\": %u, \"dim\": %u, \"members\": [", (unsigned)e->cardinality,
                        (unsigned)e->dim);
        for (size_t k = 0; k < e->n_members; k++) {
            tft_text_puts(out, k > 0 ? ", " : "");
            put_string(out, c->categorical_names[e->members[k]]);
        }
        tft_text_puts(out, e->padding ? "], \"padding\": true}" : "]}");
    }
}

static void put_targets(tft_text *out, const tft_config *c)
{
    tft_text_puts(out, "], \"targets\": [");
    for (size_t m = 0; m < c->n_targets; m++) {
        const tft_target *const t = &c->targets[m];
        tft_text_puts(out, m > 0 ? ", {\"name\": " : "{\"name\": ");
        put_string(out, t->name);
        tft_text_printf(out, ", \"transform\": \"%s\", \"loss_weight\": ",
                        t->transform == TFT_TRANSFORM_SOFTPLUS ? "softplus" : "identity");
        tft_text_printf(out, "%.9g, \"quantiles\": [", (double)t->loss_weight);
        for (size_t q = 0; q < t->n_quantiles; q++)
            tft_text_printf(out, "%s%.9g", q > 0 ? ", " : "", (double)t->quantiles[q]);
        tft_text_puts(out, "]}");
    }
}

void tft_config_to_json(const tft_config *c, tft_text *out)
{
    tft_text_printf(out,
                    "{\"hidden_size\": %zu, \"n_heads\": %zu, \"lstm_layers\": %zu, \"hidden_continuous_size\": %zu, ",
                    c->hidden_size, c->n_heads, c->lstm_layers, c->hidden_continuous_size);
    tft_text_printf(out, "\"dropout\": %.9g, \"causal_attention\": %s, \"share_single_variable_networks\": %s, ",
                    (double)c->dropout, c->causal_attention ? "true" : "false",
                    c->share_single_variable_networks ? "true" : "false");
    tft_text_printf(out,
                    "\"max_encoder_length\": %zu, \"max_decoder_length\": %zu, \"n_anchors\": %zu, \"hazard\": %s, ",
                    c->max_encoder_length, c->max_decoder_length, c->n_anchors, c->hazard ? "true" : "false");
    if (c->clock_anchors)
        tft_text_puts(out, "\"clock_anchors\": true, ");
    if (c->tilted_mixture)
        tft_text_puts(out, "\"tilted_mixture\": true, ");
    if (c->wide_hazard)
        tft_text_puts(out, "\"wide_hazard\": true, ");
    if (c->shallow_hazard)
        tft_text_puts(out, "\"shallow_hazard\": true, ");
    if (c->n_signs > 0)
        tft_text_printf(out, "\"n_signs\": %zu, \"sign_hidden\": %zu, ", c->n_signs, c->sign_hidden);
    if (c->n_trees > 0)
        tft_text_printf(out, "\"n_trees\": %zu, ", c->n_trees);
    tft_text_puts(out, "\"reals\": [");
    for (size_t i = 0; i < c->n_reals; i++) {
        tft_text_puts(out, i > 0 ? ", {\"name\": " : "{\"name\": ");
        put_string(out, c->reals[i].name);
        tft_text_printf(out, ", \"size\": %u}", (unsigned)c->reals[i].size);
    }
    tft_text_puts(out, "], \"categoricals\": [");
    for (size_t i = 0; i < c->n_categoricals; i++) {
        tft_text_puts(out, i > 0 ? ", " : "");
        put_string(out, c->categorical_names[i]);
    }
    put_embeddings(out, c);
    put_targets(out, c);
    tft_text_puts(out, "]");
    put_inputs(out, c, "static_inputs", &c->static_inputs);
    put_inputs(out, c, "encoder_inputs", &c->encoder_inputs);
    put_inputs(out, c, "decoder_inputs", &c->decoder_inputs);
    tft_text_puts(out, "}");
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static tft_status take_name(const tft_json *value, char *out, const char *what, tft_error *err)
{
    size_t n;
    const char *const text = tft_json_string(value, &n);
    if (text == NULL || n == 0 || n >= TFT_MAX_NAME || memchr(text, '\0', n) != NULL)
        return tft_fail(err, TFT_ERR_FORMAT, "%s: a name must be a string of 1 to %d bytes", what, TFT_MAX_NAME - 1);
    memcpy(out, text, n + 1);
    return TFT_OK;
}

static tft_status list_length(const tft_json *object, const char *key, size_t most, size_t *n, tft_error *err)
{
    const tft_json *const list = tft_json_at(object, key);
    *n = tft_json_length(list);
    if (tft_json_kind_of(list) != TFT_JSON_ARRAY || *n > most)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\": must be a list of at most %zu", key, most);
    return TFT_OK;
}

static int find_real(const tft_config *c, const char *name)
{
    for (size_t i = 0; i < c->n_reals; i++) {
        if (strcmp(c->reals[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

static int find_embedding(const tft_config *c, const char *name)
{
    for (size_t i = 0; i < c->n_embeddings; i++) {
        if (strcmp(c->embeddings[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

static int find_categorical(const tft_config *c, const char *name)
{
    for (size_t i = 0; i < c->n_categoricals; i++) {
        if (strcmp(c->categorical_names[i], name) == 0)
            return (int)i;
    }
    return -1;
}

/* A list of names under `key`, each looked up by `find`. */
static tft_status take_indices(const tft_json *object, const char *key, const tft_config *c,
                               int (*find)(const tft_config *, const char *), size_t most, uint8_t *out, size_t *n,
                               tft_error *err)
{
    tft_status status = list_length(object, key, most, n, err);
    for (size_t i = 0; i < *n && status == TFT_OK; i++) {
        char name[TFT_MAX_NAME];
        status = take_name(tft_json_item(tft_json_at(object, key), i), name, key, err);
        const int at = status == TFT_OK ? find(c, name) : 0;
        if (at < 0)
            status = tft_fail(err, TFT_ERR_FORMAT, "%s: no variable \"%s\"", key, name);
        out[i] = (uint8_t)(at < 0 ? 0 : at);
    }
    return status;
}

static tft_status take_inputs(const tft_json *network, const char *key, const tft_config *c, tft_inputs *in,
                              tft_error *err)
{
    const tft_json *const object = tft_json_at(network, key);
    size_t n_embeddings = 0, n_reals = 0;
    tft_status status =
        take_indices(object, "embeddings", c, find_embedding, TFT_MAX_CATEGORICALS, in->embeddings, &n_embeddings, err);
    if (status == TFT_OK)
        status = take_indices(object, "reals", c, find_real, TFT_MAX_REALS, in->reals, &n_reals, err);
    in->n_embeddings = (uint16_t)n_embeddings;
    in->n_reals = (uint16_t)n_reals;
    return status == TFT_OK ? TFT_OK : tft_error_prefix(err, "%s", key);
}

static tft_status take_bool(const tft_json *object, const char *key, bool *out, tft_error *err)
{
    if (!tft_json_bool(tft_json_at(object, key), out))
        return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\": missing or not true or false", key);
    return TFT_OK;
}

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        const tft_status try_status = (call);                                                                          \
        if (try_status != TFT_OK)                                                                                      \
            return try_status;                                                                                         \
    } while (0)

static tft_status take_scalars(const tft_json *network, tft_config *c, tft_error *err)
{
    double dropout;
    TRY(tft_json_need_size(network, "hidden_size", 1, 4096, &c->hidden_size, err));
    TRY(tft_json_need_size(network, "n_heads", 1, 4096, &c->n_heads, err));
    TRY(tft_json_need_size(network, "lstm_layers", 1, 16, &c->lstm_layers, err));
    TRY(tft_json_need_size(network, "hidden_continuous_size", 1, 4096, &c->hidden_continuous_size, err));
    TRY(tft_json_need_number(network, "dropout", 0.0, 0.999, &dropout, err));
    TRY(take_bool(network, "causal_attention", &c->causal_attention, err));
    TRY(take_bool(network, "share_single_variable_networks", &c->share_single_variable_networks, err));
    TRY(tft_json_need_size(network, "max_encoder_length", 1, 1 << 20, &c->max_encoder_length, err));
    TRY(tft_json_need_size(network, "max_decoder_length", 1, 1 << 20, &c->max_decoder_length, err));
    TRY(tft_json_need_size(network, "n_anchors", 0, TFT_MAX_ANCHORS, &c->n_anchors, err));
    TRY(take_bool(network, "hazard", &c->hazard, err));
    c->clock_anchors = c->tilted_mixture = c->wide_hazard = c->shallow_hazard =
        false; // models before them have no such keys
    c->n_signs = c->sign_hidden = c->n_trees = 0;
    if (tft_json_at(network, "clock_anchors") != NULL)
        TRY(take_bool(network, "clock_anchors", &c->clock_anchors, err));
    if (tft_json_at(network, "tilted_mixture") != NULL)
        TRY(take_bool(network, "tilted_mixture", &c->tilted_mixture, err));
    if (tft_json_at(network, "wide_hazard") != NULL)
        TRY(take_bool(network, "wide_hazard", &c->wide_hazard, err));
    if (tft_json_at(network, "shallow_hazard") != NULL)
        TRY(take_bool(network, "shallow_hazard", &c->shallow_hazard, err));
    if (tft_json_at(network, "n_signs") != NULL) {
        TRY(tft_json_need_size(network, "n_signs", 1, TFT_MAX_SIGNS, &c->n_signs, err));
        TRY(tft_json_need_size(network, "sign_hidden", 1, 4096, &c->sign_hidden, err));
    }
    if (tft_json_at(network, "n_trees") != NULL)
        TRY(tft_json_need_size(network, "n_trees", 1, TFT_MAX_TREES, &c->n_trees, err));
    c->dropout = (float)dropout;
    return TFT_OK;
}

static tft_status take_embeddings(const tft_json *network, tft_config *c, tft_error *err)
{
    TRY(list_length(network, "embeddings", TFT_MAX_CATEGORICALS, &c->n_embeddings, err));
    for (size_t i = 0; i < c->n_embeddings; i++) {
        const tft_json *const entry = tft_json_item(tft_json_at(network, "embeddings"), i);
        size_t cardinality, dim, members;
        TRY(take_name(tft_json_at(entry, "name"), c->embeddings[i].name, "embeddings", err));
        TRY(tft_json_need_size(entry, "cardinality", 1, 1 << 24, &cardinality, err));
        TRY(tft_json_need_size(entry, "dim", 1, 4096, &dim, err));
        TRY(take_indices(entry, "members", c, find_categorical, TFT_MAX_CATEGORICALS, c->embeddings[i].members,
                         &members, err));
        c->embeddings[i].cardinality = (uint32_t)cardinality;
        c->embeddings[i].dim = (uint16_t)dim;
        c->embeddings[i].n_members = (uint8_t)members;
        tft_json_bool(tft_json_at(entry, "padding"), &c->embeddings[i].padding); // absent: no
    }
    return TFT_OK;
}

static tft_status take_quantiles(const tft_json *list, tft_target *t, tft_error *err)
{
    const size_t n = tft_json_length(list);
    if (tft_json_kind_of(list) != TFT_JSON_ARRAY || n < 1 || n > TFT_MAX_QUANTILES)
        return tft_fail(err, TFT_ERR_FORMAT, "target %s: quantiles must be a list of 1 to %d", t->name,
                        TFT_MAX_QUANTILES);
    for (size_t q = 0; q < n; q++) {
        double level;
        if (!tft_json_number(tft_json_item(list, q), &level) || !(level > 0.0 && level < 1.0))
            return tft_fail(err, TFT_ERR_FORMAT, "target %s: quantile %zu is not inside 0 to 1", t->name, q);
        t->quantiles[q] = (float)level;
    }
    t->n_quantiles = (uint8_t)n;
    return TFT_OK;
}

static tft_status take_targets(const tft_json *network, tft_config *c, tft_error *err)
{
    TRY(list_length(network, "targets", TFT_MAX_TARGETS, &c->n_targets, err));
    for (size_t m = 0; m < c->n_targets; m++) {
        const tft_json *const entry = tft_json_item(tft_json_at(network, "targets"), m);
        tft_target *const t = &c->targets[m];
        char transform[16];
        double weight;
        TRY(take_name(tft_json_at(entry, "name"), t->name, "targets", err));
        TRY(tft_json_need_string(entry, "transform", transform, sizeof transform, err));
        if (strcmp(transform, "identity") != 0 && strcmp(transform, "softplus") != 0)
            return tft_fail(err, TFT_ERR_FORMAT, "target %s: transform \"%s\", must be identity or softplus", t->name,
                            transform);
        t->transform = strcmp(transform, "softplus") == 0 ? TFT_TRANSFORM_SOFTPLUS : TFT_TRANSFORM_IDENTITY;
        TRY(tft_json_need_number(entry, "loss_weight", 0.0, 1e6, &weight, err));
        t->loss_weight = (float)weight;
        TRY(take_quantiles(tft_json_at(entry, "quantiles"), t, err));
    }
    return TFT_OK;
}

tft_status tft_config_from_json(const tft_json *network, tft_config *c, tft_error *err)
{
    memset(c, 0, sizeof *c);
    if (tft_json_kind_of(network) != TFT_JSON_OBJECT)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"network\": missing or no object");
    TRY(take_scalars(network, c, err));
    TRY(list_length(network, "reals", TFT_MAX_REALS, &c->n_reals, err));
    for (size_t i = 0; i < c->n_reals; i++) {
        const tft_json *const entry = tft_json_item(tft_json_at(network, "reals"), i);
        size_t size;
        TRY(take_name(tft_json_at(entry, "name"), c->reals[i].name, "reals", err));
        TRY(tft_json_need_size(entry, "size", 0, 4096, &size, err));
        c->reals[i].size = (uint16_t)size;
    }
    TRY(list_length(network, "categoricals", TFT_MAX_CATEGORICALS, &c->n_categoricals, err));
    for (size_t i = 0; i < c->n_categoricals; i++)
        TRY(take_name(tft_json_item(tft_json_at(network, "categoricals"), i), c->categorical_names[i], "categoricals",
                      err));
    TRY(take_embeddings(network, c, err));
    TRY(take_targets(network, c, err));
    TRY(take_inputs(network, "static_inputs", c, &c->static_inputs, err));
    TRY(take_inputs(network, "encoder_inputs", c, &c->encoder_inputs, err));
    TRY(take_inputs(network, "decoder_inputs", c, &c->decoder_inputs, err));
    return tft_config_check(c, err);
}

/* ---- pytorch-forecasting's own words ---------------------------------------------------------------------------- */

/* Every table of embedding_sizes, also one that no place reads: the weights have them all. */
typedef struct embedding_walk {
    tft_config *config;
    const tft_json *groups;
    tft_status status;
    tft_error *err;
} embedding_walk;

static tft_status take_pf_members(const tft_json *groups, const tft_config *c, tft_embedding *e, tft_error *err)
{
    size_t members = 1;
    if (tft_json_at(groups, e->name) != NULL) {
        TRY(take_indices(groups, e->name, c, find_categorical, TFT_MAX_CATEGORICALS, e->members, &members, err));
    } else {
        const int column = find_categorical(c, e->name);
        if (column < 0)
            return tft_fail(err, TFT_ERR_FORMAT, "x_categoricals: no \"%s\"", e->name);
        e->members[0] = (uint8_t)column;
    }
    e->n_members = (uint8_t)members;
    return TFT_OK;
}

static tft_status take_pf_embedding(const embedding_walk *walk, const char *name, const tft_json *size)
{
    tft_config *const c = walk->config;
    double cardinality, dim;
    if (c->n_embeddings == TFT_MAX_CATEGORICALS)
        return tft_fail(walk->err, TFT_ERR_LIMIT, "embedding_sizes: more than %d tables", TFT_MAX_CATEGORICALS);
    tft_embedding *const e = &c->embeddings[c->n_embeddings];
    if (strlen(name) >= sizeof e->name || !tft_json_number(tft_json_item(size, 0), &cardinality) ||
        !tft_json_number(tft_json_item(size, 1), &dim) ||
        !(cardinality >= 1 && cardinality < 1 << 24 && dim >= 1 && dim <= 4096))
        return tft_fail(walk->err, TFT_ERR_FORMAT, "embedding_sizes: \"%.80s\" must be [cardinality, dim]", name);
    memcpy(e->name, name, strlen(name) + 1);
    e->cardinality = (uint32_t)cardinality;
    e->dim = (uint16_t)dim;
    c->n_embeddings++;
    return take_pf_members(walk->groups, c, e, walk->err);
}

static void visit_pf_embedding(void *context, const char *key, const tft_json *value)
{
    embedding_walk *const walk = context;
    if (walk->status == TFT_OK)
        walk->status = take_pf_embedding(walk, key, value);
}

static tft_status take_pf_embeddings(const tft_json *root, tft_config *c, tft_error *err)
{
    const tft_json *const sizes = tft_json_at(root, "embedding_sizes"), *const groups =
                                                                            tft_json_at(root, "categorical_groups");
    const tft_json *const paddings = tft_json_at(root, "embedding_paddings");
    embedding_walk walk = {c, groups, TFT_OK, err};
    if (tft_json_kind_of(sizes) == TFT_JSON_OBJECT)
        tft_json_each(sizes, visit_pf_embedding, &walk);
    for (size_t i = 0; walk.status == TFT_OK && i < tft_json_length(paddings); i++) {
        size_t n;
        const char *const name = tft_json_string(tft_json_item(paddings, i), &n);
        const int at = name != NULL ? find_embedding(c, name) : -1;
        if (at >= 0 && tft_json_at(groups, name) == NULL) // the package pads single categoricals only
            c->embeddings[at].padding = true;
    }
    return walk.status;
}

static tft_status take_pf_targets(const tft_json *root, tft_config *c, tft_error *err)
{
    TRY(list_length(root, "targets", TFT_MAX_TARGETS, &c->n_targets, err));
    for (size_t m = 0; m < c->n_targets; m++) {
        tft_target *const t = &c->targets[m];
        const char *const transform =
            tft_json_string(tft_json_item(tft_json_at(root, "target_transformation"), m), NULL);
        double weight = 1.0;
        TRY(take_name(tft_json_item(tft_json_at(root, "targets"), m), t->name, "targets", err));
        t->transform =
            transform != NULL && strcmp(transform, "softplus") == 0 ? TFT_TRANSFORM_SOFTPLUS : TFT_TRANSFORM_IDENTITY;
        if (transform != NULL && strcmp(transform, "softplus") != 0 && strcmp(transform, "identity") != 0)
            return tft_fail(err, TFT_ERR_FORMAT, "target_transformation \"%.30s\" is not known", transform);
        tft_json_number(tft_json_item(tft_json_at(root, "loss_weights"), m), &weight);
        t->loss_weight = (float)weight;
        TRY(take_quantiles(tft_json_item(tft_json_at(root, "quantiles"), m), t, err));
    }
    return TFT_OK;
}

static tft_status take_pf_inputs(const tft_json *root, const char *categoricals, const char *reals, const tft_config *c,
                                 tft_inputs *in, tft_error *err)
{
    size_t n_embeddings, n_reals;
    TRY(take_indices(root, categoricals, c, find_embedding, TFT_MAX_CATEGORICALS, in->embeddings, &n_embeddings, err));
    TRY(take_indices(root, reals, c, find_real, TFT_MAX_REALS, in->reals, &n_reals, err));
    in->n_embeddings = (uint16_t)n_embeddings;
    in->n_reals = (uint16_t)n_reals;
    return TFT_OK;
}

tft_status tft_config_from_pytorch_forecasting(const tft_json *root, tft_config *c, tft_error *err)
{
    memset(c, 0, sizeof *c);
    double dropout = 0.0, eps = 1e-5;
    if (tft_json_number(tft_json_at(root, "layer_norm_eps"), &eps) && eps != 1e-5)
        return tft_fail(err, TFT_ERR_MISMATCH, "layer_norm_eps is %g, this network normalises with 1e-5", eps);
    TRY(tft_json_need_size(root, "hidden_size", 1, 4096, &c->hidden_size, err));
    TRY(tft_json_need_size(root, "attention_head_size", 1, 4096, &c->n_heads, err));
    TRY(tft_json_need_size(root, "lstm_layers", 1, 16, &c->lstm_layers, err));
    TRY(tft_json_need_size(root, "hidden_continuous_size", 1, 4096, &c->hidden_continuous_size, err));
    tft_json_number(tft_json_at(root, "dropout"), &dropout);
    c->dropout = dropout >= 0.0 && dropout < 1.0 ? (float)dropout : 0.0f;
    TRY(take_bool(root, "causal_attention", &c->causal_attention, err));
    tft_json_bool(tft_json_at(root, "share_single_variable_networks"), &c->share_single_variable_networks);
    TRY(tft_json_need_size(root, "max_encoder_length", 1, 1 << 20, &c->max_encoder_length, err));
    TRY(tft_json_need_size(root, "max_prediction_length", 1, 1 << 20, &c->max_decoder_length, err));
    TRY(list_length(root, "x_reals", TFT_MAX_REALS, &c->n_reals, err));
    for (size_t i = 0; i < c->n_reals; i++) {
        double size = 0.0;
        TRY(take_name(tft_json_item(tft_json_at(root, "x_reals"), i), c->reals[i].name, "x_reals", err));
        tft_json_number(tft_json_at(tft_json_at(root, "hidden_continuous_sizes"), c->reals[i].name), &size);
        c->reals[i].size = size >= 1.0 && size <= 4096.0 ? (uint16_t)size : 0;
    }
    TRY(list_length(root, "x_categoricals", TFT_MAX_CATEGORICALS, &c->n_categoricals, err));
    for (size_t i = 0; i < c->n_categoricals; i++)
        TRY(take_name(tft_json_item(tft_json_at(root, "x_categoricals"), i), c->categorical_names[i], "x_categoricals",
                      err));
    TRY(take_pf_embeddings(root, c, err));
    TRY(take_pf_targets(root, c, err));
    TRY(take_pf_inputs(root, "static_categoricals", "static_reals", c, &c->static_inputs, err));
    TRY(take_pf_inputs(root, "time_varying_categoricals_encoder", "time_varying_reals_encoder", c, &c->encoder_inputs,
                       err));
    TRY(take_pf_inputs(root, "time_varying_categoricals_decoder", "time_varying_reals_decoder", c, &c->decoder_inputs,
                       err));
    return tft_config_check(c, err);
}
