/* model_spec.c - see model_spec.h. libyaml builds the document; one table per section says which keys there are. */
#include "cli/model_spec.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/flags.h"

#define MAX_SPEC_BYTES ((size_t)1 << 20)

typedef struct reader {
    yaml_document_t *document;
    model_spec *spec;
    tft_error *err;
} reader;

static tft_status at_line(const reader *r, const yaml_node_t *node, tft_status status)
{
    tft_error_prefix(r->err, "line %zu", node->start_mark.line + 1);
    return status;
}

static const char *scalar(const yaml_node_t *node, size_t *n)
{
    if (node == NULL || node->type != YAML_SCALAR_NODE)
        return NULL;
    *n = node->data.scalar.length;
    const char *const text = (const char *)node->data.scalar.value;
    return memchr(text, '\0', *n) == NULL ? text : NULL;
}

typedef enum kind { K_TEXT, K_SIZE, K_SEED, K_NUMBER, K_NUMBERS, K_FLOAT, K_BOOL, K_DURATION, K_TIME } kind;

typedef struct key {
    const char *name;
    kind kind;
    void *target;
    size_t capacity; // of a text, of a list
    double low, high;
    bool *given; // set where the key stands there; or NULL
} key;

static tft_status wrong(const reader *r, const yaml_node_t *node, const key *k, const char *wanted)
{
    size_t n = 0;
    const char *const text = scalar(node, &n);
    return at_line(r, node,
                   tft_fail(r->err, TFT_ERR_FORMAT, "%s is \"%.*s\", must be %s", k->name, (int)(n < 60 ? n : 60),
                            text != NULL ? text : "", wanted));
}

static bool parse_number(const char *text, double *value)
{
    static const char *const none[] = {"null", "~", ""};
    char *end;
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text, none[i]) == 0)
            return false;
    }
    *value = strtod(text, &end);
    return *end == '\0' && isfinite(*value);
}

static tft_status read_value(const reader *r, const yaml_node_t *node, const key *k);

/* One number for all places of an array, or a list of them, of which the last also counts for the places after it. */
static tft_status read_numbers(const reader *r, const yaml_node_t *node, const key *k)
{
    double *const to = k->target;
    const bool list = node->type == YAML_SEQUENCE_NODE;
    const yaml_node_item_t *item = list ? node->data.sequence.items.start : NULL;
    const size_t n = list ? (size_t)(node->data.sequence.items.top - item) : 1;
    if (n == 0 || n > k->capacity)
        return at_line(r, node,
                       tft_fail(r->err, TFT_ERR_FORMAT, "%s: a list of %zu numbers, 1 to %zu are possible", k->name, n,
                                k->capacity));
    for (size_t i = 0; i < n; i++) {
        const key one = {k->name, K_NUMBER, &to[i], 0, k->low, k->high, k->given};
        const tft_status status = read_value(r, list ? yaml_document_get_node(r->document, item[i]) : node, &one);
        if (status != TFT_OK)
            return status;
    }
    for (size_t i = n; i < k->capacity; i++)
        to[i] = to[n - 1];
    return TFT_OK;
}

static tft_status read_value(const reader *r, const yaml_node_t *node, const key *k)
{
    char wanted[96];
    size_t n = 0;
    double x = 0;
    int64_t ms = 0;
    if (k->kind == K_NUMBERS)
        return read_numbers(r, node, k);
    const char *const text = scalar(node, &n);
    if (text == NULL)
        return wrong(r, node, k, "a plain value");
    snprintf(wanted, sizeof wanted, "%s from %g to %g", k->kind == K_SIZE ? "a whole number" : "a number", k->low,
             k->high);
    switch (k->kind) {
    case K_TEXT:
        if (n >= k->capacity)
            return wrong(r, node, k, "shorter");
        memcpy(k->target, text, n + 1);
        break;
    case K_SEED: {
        char *end;
        errno = 0;
        const unsigned long long seed = strtoull(text, &end, 10);
        if (end == text || *end != '\0' || errno != 0 || text[0] == '-')
            return wrong(r, node, k, "a whole number");
        *(uint64_t *)k->target = seed;
        break;
    }
    case K_SIZE:
        if (!parse_number(text, &x) || !(x >= k->low && x <= k->high) || x != floor(x))
            return wrong(r, node, k, wanted);
        *(size_t *)k->target = (size_t)x;
        break;
    case K_NUMBER:
    case K_FLOAT:
        if (!parse_number(text, &x) || !(x >= k->low && x <= k->high))
            return wrong(r, node, k, wanted);
        if (k->kind == K_FLOAT)
            *(float *)k->target = (float)x;
        else
            *(double *)k->target = x;
        break;
    case K_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return wrong(r, node, k, "true or false");
        *(bool *)k->target = strcmp(text, "true") == 0;
        break;
    case K_DURATION:
        if (!flags_duration(text, &x) || x < k->low || x > k->high)
            return wrong(r, node, k, "a duration such as 250ms, 5s, 30m, 8h");
        *(double *)k->target = x;
        break;
    case K_TIME:
        if (!tft_time_parse(text, n, &ms))
            return wrong(r, node, k, "a time such as 2025-10-13T16:00:00Z");
        *(int64_t *)k->target = ms;
        break;
    case K_NUMBERS:
        break; // done above
    }
    if (k->given != NULL)
        *k->given = true;
    return TFT_OK;
}

/* Reads one pair by the table; TFT_ERR_NOT_FOUND without a message where the table has no such key. */
static tft_status read_pair(const reader *r, const yaml_node_t *name, const yaml_node_t *value, const key *keys)
{
    size_t n = 0;
    const char *const text = scalar(name, &n);
    for (const key *k = keys; text != NULL && k->name != NULL; k++) {
        if (strcmp(k->name, text) == 0)
            return read_value(r, value, k);
    }
    return TFT_ERR_NOT_FOUND;
}

static tft_status unknown_key(const reader *r, const yaml_node_t *name)
{
    size_t n = 0;
    const char *const text = scalar(name, &n);
    return at_line(r, name,
                   tft_fail(r->err, TFT_ERR_FORMAT,
                            "unknown key \"%.60s\" (cli/model_spec.h and docs/TRAINING.md list them)",
                            text != NULL ? text : ""));
}

static tft_status read_table(const reader *r, const yaml_node_t *node, const key *keys)
{
    if (node->type != YAML_MAPPING_NODE)
        return at_line(r, node, tft_fail(r->err, TFT_ERR_FORMAT, "must be a table of keys and values"));
    for (const yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *const name = yaml_document_get_node(r->document, p->key);
        const tft_status status = read_pair(r, name, yaml_document_get_node(r->document, p->value), keys);
        if (status != TFT_OK)
            return status == TFT_ERR_NOT_FOUND ? unknown_key(r, name) : status;
    }
    return TFT_OK;
}

/* ---- metrics -------------------------------------------------------------------------------------------------- */

tft_status model_spec_add_metric(model_spec *spec, const char *name, bool target, tft_error *err)
{
    tft_contract *const c = &spec->contract;
    const size_t n = strlen(name);
    if (!spec->metrics_given) {
        spec->metrics_given = true;
        c->n_metrics = 0;
        memset(spec->floor_given, 0, sizeof spec->floor_given);
    }
    if (n == 0 || n >= TFT_MAX_METRIC_NAME)
        return tft_fail(err, TFT_ERR_FORMAT, "metric name of %zu bytes, 1 to %d are possible", n,
                        TFT_MAX_METRIC_NAME - 1);
    if (c->n_metrics == TFT_MAX_METRICS)
        return tft_fail(err, TFT_ERR_LIMIT, "more than %d metrics", TFT_MAX_METRICS);
    if (tft_contract_find(c, name, n) >= 0)
        return tft_fail(err, TFT_ERR_FORMAT, "metric \"%s\" stands there twice", name);
    if (target && c->n_metrics > 0 && !c->metrics[c->n_metrics - 1].target)
        return tft_fail(err, TFT_ERR_FORMAT, "\"targets\" must stand before \"observed\"");
    const tft_contract known = tft_contract_default();
    const int found = tft_contract_find(&known, name, n);
    tft_metric *const m = &c->metrics[c->n_metrics];
    *m = found >= 0 ? known.metrics[found] : (tft_metric){.min = -HUGE_VAL, .max = HUGE_VAL};
    m->target = target;
    memcpy(m->name, name, n + 1);
    spec->floor_given[c->n_metrics++] = found >= 0;
    return TFT_OK;
}

static tft_status read_metric_table(const reader *r, const yaml_node_t *node, bool target)
{
    model_spec *const spec = r->spec;
    char name[TFT_MAX_METRIC_NAME] = "";
    tft_metric scratch = {0};
    const key find_name[] = {{"name", K_TEXT, name, sizeof name, 0, 0, NULL},
                             {"unit", K_TEXT, scratch.unit, sizeof scratch.unit, 0, 0, NULL},
                             {"legacy_name", K_TEXT, scratch.legacy_name, sizeof scratch.legacy_name, 0, 0, NULL},
                             {"min", K_NUMBER, &scratch.min, 0, -1e300, 1e300, NULL},
                             {"max", K_NUMBER, &scratch.max, 0, -1e300, 1e300, NULL},
                             {"scale_floor", K_NUMBER, &scratch.scale_floor, 0, 1e-300, 1e300, NULL},
                             {0}};
    tft_status status = read_table(r, node, find_name);
    if (status != TFT_OK)
        return status;
    status = model_spec_add_metric(spec, name, target, r->err);
    if (status != TFT_OK)
        return at_line(r, node, status);
    const size_t i = spec->contract.n_metrics - 1;
    tft_metric *const m = &spec->contract.metrics[i];
    const key fill[] = {{"name", K_TEXT, name, sizeof name, 0, 0, NULL},
                        {"unit", K_TEXT, m->unit, sizeof m->unit, 0, 0, NULL},
                        {"legacy_name", K_TEXT, m->legacy_name, sizeof m->legacy_name, 0, 0, NULL},
                        {"min", K_NUMBER, &m->min, 0, -1e300, 1e300, NULL},
                        {"max", K_NUMBER, &m->max, 0, -1e300, 1e300, NULL},
                        {"scale_floor", K_NUMBER, &m->scale_floor, 0, 1e-300, 1e300, &spec->floor_given[i]},
                        {0}};
    return read_table(r, node, fill); // the same pairs again, now that the metric has its place
}

static tft_status read_metrics(const reader *r, const yaml_node_t *node, bool target)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return at_line(r, node, tft_fail(r->err, TFT_ERR_FORMAT, "must be a list of metrics"));
    for (const yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
        const yaml_node_t *const item = yaml_document_get_node(r->document, *i);
        size_t n = 0;
        const char *const name = scalar(item, &n);
        tft_status status = TFT_OK;
        if (name != NULL) {
            status = model_spec_add_metric(r->spec, name, target, r->err);
            if (status != TFT_OK)
                return at_line(r, item, status);
        } else {
            status = read_metric_table(r, item, target);
        }
        if (status != TFT_OK)
            return status;
    }
    return TFT_OK;
}

static tft_status read_quantiles(const reader *r, const yaml_node_t *node)
{
    tft_train_options *const o = &r->spec->train;
    if (node->type != YAML_SEQUENCE_NODE)
        return at_line(r, node, tft_fail(r->err, TFT_ERR_FORMAT, "must be a list of numbers between 0 and 1"));
    o->n_quantiles = 0;
    for (const yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
        const yaml_node_t *const item = yaml_document_get_node(r->document, *i);
        if (o->n_quantiles == TFT_MAX_QUANTILES)
            return at_line(r, item, tft_fail(r->err, TFT_ERR_LIMIT, "more than %d quantiles", TFT_MAX_QUANTILES));
        const key k = {"a quantile", K_FLOAT, &o->quantiles[o->n_quantiles], 0, 1e-6, 1 - 1e-6, NULL};
        const tft_status status = read_value(r, item, &k);
        if (status != TFT_OK)
            return status;
        if (o->n_quantiles > 0 && o->quantiles[o->n_quantiles] <= o->quantiles[o->n_quantiles - 1])
            return at_line(r, item, tft_fail(r->err, TFT_ERR_FORMAT, "quantiles must rise"));
        o->n_quantiles++;
    }
    return o->n_quantiles > 0 ? TFT_OK : at_line(r, node, tft_fail(r->err, TFT_ERR_FORMAT, "no quantile"));
}

static tft_status read_incident(const reader *r, const yaml_node_t *node)
{
    char by[16] = "state", metric[TFT_MAX_METRIC_NAME] = "";
    tft_incident_rule rule = {.steps = 1};
    const key keys[] = {{"by", K_TEXT, by, sizeof by, 0, 0, NULL},
                        {"metric", K_TEXT, metric, sizeof metric, 0, 0, NULL},
                        {"level", K_NUMBER, &rule.level, 0, -1e300, 1e300, NULL},
                        {"steps", K_SIZE, &rule.steps, 0, 1, 1000, NULL},
                        {"inputs", K_BOOL, &rule.inputs, 0, 0, 0, NULL},
                        {0}};
    const tft_status status = read_table(r, node, keys);
    if (status != TFT_OK)
        return status;
    rule.by_metric = strcmp(by, "metric") == 0;
    if (!rule.by_metric && strcmp(by, "state") != 0)
        return at_line(r, node, tft_fail(r->err, TFT_ERR_FORMAT, "by is \"%s\", must be state or metric", by));
    if (rule.by_metric) {
        const int found = tft_contract_find(&r->spec->contract, metric, strlen(metric));
        if (found < 0)
            return at_line(r, node,
                           tft_fail(r->err, TFT_ERR_FORMAT,
                                    "metric \"%s\" is none of the targets and observed ones (they must stand "
                                    "before \"incident\")",
                                    metric));
        rule.metric = (size_t)found;
    }
    r->spec->contract.incident = rule;
    return TFT_OK;
}

/* ---- the document --------------------------------------------------------------------------------------------- */

static tft_status read_network(const reader *r, const yaml_node_t *node)
{
    tft_train_options *const o = &r->spec->train;
    const key keys[] = {{"hidden", K_SIZE, &o->hidden_size, 0, 1, 1024, NULL},
                        {"heads", K_SIZE, &o->n_heads, 0, 1, 64, NULL},
                        {"lstm_layers", K_SIZE, &o->lstm_layers, 0, 1, 8, NULL},
                        {"continuous", K_SIZE, &o->hidden_continuous_size, 0, 1, 1024, NULL},
                        {"dropout", K_FLOAT, &o->dropout, 0, 0, 0.9, NULL},
                        {"causal", K_BOOL, &o->causal_attention, 0, 0, 0, NULL},
                        {"mixture", K_BOOL, &o->mixture, 0, 0, 0, NULL},
                        {"only_mixture", K_BOOL, &o->only_mixture, 0, 0, 0, NULL},
                        {"hazard", K_BOOL, &o->hazard, 0, 0, 0, &r->spec->hazard_given},
                        {"deep_hazard", K_BOOL, &o->deep_hazard, 0, 0, 0, NULL},
                        {"signs", K_SIZE, &o->sign_hidden, 0, 0, 1024, NULL},
                        {"trees", K_SIZE, &o->trees, 0, 0, 1000, NULL},
                        {0}};
    return read_table(r, node, keys);
}

static tft_status read_training(const reader *r, const yaml_node_t *node)
{
    model_spec *const s = r->spec;
    tft_train_options *const o = &s->train;
    const key keys[] = {{"epochs", K_SIZE, &o->epochs, 0, 0, 1e9, NULL},
                        {"steps_per_epoch", K_SIZE, &o->steps_per_epoch, 0, 1, 1e9, NULL},
                        {"batch", K_SIZE, &o->batch, 0, 1, 65536, NULL},
                        {"micro_batch", K_SIZE, &o->micro_batch, 0, 1, 256, NULL},
                        {"lr", K_NUMBER, &o->learning_rate, 0, 0, 10, NULL},
                        {"weight_decay", K_NUMBER, &o->weight_decay, 0, 0, 10, NULL},
                        {"warmup", K_NUMBER, &o->warmup_share, 0, 0, 0.9, NULL},
                        {"clip", K_NUMBER, &o->clip_norm, 0, 0, 1e9, NULL},
                        {"ema", K_NUMBER, &o->ema_decay, 0, 0, 0.999999, NULL},
                        {"hazard_weight", K_NUMBER, &o->hazard_weight, 0, 0, 1e6, NULL},
                        {"horizon_weight", K_NUMBER, &o->horizon_weight, 0, 0, 1e6, NULL},
                        {"scale_power", K_NUMBERS, o->scale_power, TFT_MAX_METRICS, 0, 4, NULL},
                        {"patience", K_SIZE, &o->patience, 0, 0, 1e9, NULL},
                        {"max_time", K_DURATION, &o->max_time_s, 0, 0, 1e9, NULL},
                        {"short_history", K_NUMBER, &o->short_history_share, 0, 0, 1, NULL},
                        {"masked", K_NUMBER, &o->masked_share, 0, 0, 1, NULL},
                        {"partial", K_NUMBER, &o->partial_share, 0, 0, 1, NULL},
                        {"hidden_metrics", K_NUMBER, &o->hidden_metric_share, 0, 0, 1, NULL},
                        {"incident_share", K_NUMBER, &o->incident_share, 0, 0, 1, NULL},
                        {"holdout_servers", K_TEXT, s->holdout_servers, sizeof s->holdout_servers, 0, 0, NULL},
                        {"holdout_from", K_TIME, &o->holdout_from_ms, 0, 0, 0, NULL},
                        {"validation_servers", K_TEXT, s->validation_servers, sizeof s->validation_servers, 0, 0, NULL},
                        {"validation_windows", K_SIZE, &o->max_validation_windows, 0, 0, 1e7, NULL},
                        {"calibration_windows", K_SIZE, &o->calibration_windows, 0, 0, 1e6, NULL},
                        {"threads", K_SIZE, &o->n_threads, 0, 0, 256, NULL},
                        {"seed", K_SEED, &o->seed, 0, 0, 0, NULL},
                        {0}};
    return read_table(r, node, keys);
}

static tft_status read_part(const reader *r, const char *name, const yaml_node_t *value)
{
    if (strcmp(name, "targets") == 0 || strcmp(name, "observed") == 0)
        return read_metrics(r, value, name[0] == 't');
    if (strcmp(name, "quantiles") == 0)
        return read_quantiles(r, value);
    if (strcmp(name, "incident") == 0)
        return read_incident(r, value);
    if (strcmp(name, "network") == 0)
        return read_network(r, value);
    if (strcmp(name, "training") == 0)
        return read_training(r, value);
    return TFT_ERR_NOT_FOUND;
}

static tft_status read_root(const reader *r)
{
    model_spec *const s = r->spec;
    double step_s = (double)s->contract.step_ms / 1000;
    const key keys[] = {{"version", K_TEXT, s->contract.version, sizeof s->contract.version, 0, 0, NULL},
                        {"time", K_TEXT, s->time, sizeof s->time, 0, 0, NULL},
                        {"server", K_TEXT, s->server, sizeof s->server, 0, 0, NULL},
                        {"state", K_TEXT, s->state, sizeof s->state, 0, 0, NULL},
                        {"profile", K_TEXT, s->profile, sizeof s->profile, 0, 0, NULL},
                        {"step", K_DURATION, &step_s, 0, 0.001, 366 * 86400.0, NULL},
                        {"context", K_SIZE, &s->contract.context, 0, 2, 100000, NULL},
                        {"horizon", K_SIZE, &s->contract.horizon, 0, 1, 100000, NULL},
                        {"memory", K_SIZE, &s->contract.memory, 0, 2, 1000000, &s->memory_given},
                        {0}};
    const yaml_node_t *const root = yaml_document_get_root_node(r->document);
    if (root == NULL)
        return TFT_OK; // an empty file: all defaults
    if (root->type != YAML_MAPPING_NODE)
        return at_line(r, root, tft_fail(r->err, TFT_ERR_FORMAT, "must be a table of keys and values"));
    for (const yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
        const yaml_node_t *const name = yaml_document_get_node(r->document, p->key);
        const yaml_node_t *const value = yaml_document_get_node(r->document, p->value);
        size_t n = 0;
        const char *const text = scalar(name, &n);
        tft_status status = text == NULL ? TFT_ERR_NOT_FOUND : read_part(r, text, value);
        if (status == TFT_ERR_NOT_FOUND)
            status = read_pair(r, name, value, keys);
        if (status != TFT_OK)
            return status == TFT_ERR_NOT_FOUND ? unknown_key(r, name) : status;
    }
    s->contract.step_ms = (int64_t)llround(step_s * 1000);
    return TFT_OK;
}

void model_spec_init(model_spec *spec)
{
    *spec = (model_spec){.contract = tft_contract_default(), .train = tft_train_options_default()};
}

tft_status model_spec_parse(const char *bytes, size_t n, model_spec *spec, tft_error *err)
{
    yaml_parser_t parser;
    yaml_document_t document;
    model_spec_init(spec);
    if (!yaml_parser_initialize(&parser))
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a YAML parser");
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, n);
    tft_status status = TFT_OK;
    if (!yaml_parser_load(&parser, &document)) {
        status = tft_fail(err, parser.error == YAML_MEMORY_ERROR ? TFT_ERR_MEMORY : TFT_ERR_FORMAT, "line %zu: %s",
                          parser.problem_mark.line + 1, parser.problem != NULL ? parser.problem : "not YAML");
    } else {
        const reader r = {&document, spec, err};
        status = read_root(&r);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    spec->train.holdout_servers = spec->holdout_servers[0] != '\0' ? spec->holdout_servers : NULL;
    spec->train.validation_servers = spec->validation_servers[0] != '\0' ? spec->validation_servers : NULL;
    return status;
}

tft_status model_spec_read(const char *path, model_spec *spec, tft_error *err)
{
    char *bytes = NULL;
    size_t n = 0;
    tft_status status = tft_file_read(path, MAX_SPEC_BYTES, &bytes, &n, err);
    if (status != TFT_OK)
        return status;
    status = model_spec_parse(bytes, n, spec, err);
    if (status != TFT_OK)
        tft_error_prefix(err, "%s", path);
    free(bytes);
    return status;
}
