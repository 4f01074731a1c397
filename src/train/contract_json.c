/* contract_json.c - see contract_json.h. */
#include "train/contract_json.h"

#include <math.h>
#include <string.h>

static void put_key(tft_text *text, const char *key)
{
    tft_text_json_string(text, key, strlen(key));
    tft_text_puts(text, ": ");
}

static void put_string(tft_text *text, const char *key, const char *value)
{
    put_key(text, key);
    tft_text_json_string(text, value, strlen(value));
}

static void put_number(tft_text *text, const char *key, double value) // null where it is not finite: no bound
{
    put_key(text, key);
    tft_text_json_number(text, value);
}

static void put_metric(tft_text *text, const tft_metric *m)
{
    tft_text_puts(text, "{");
    put_string(text, "name", m->name);
    tft_text_puts(text, ", ");
    put_string(text, "legacy_name", m->legacy_name);
    tft_text_puts(text, ", ");
    put_string(text, "unit", m->unit);
    tft_text_puts(text, ", ");
    put_number(text, "min", m->min);
    tft_text_puts(text, ", ");
    put_number(text, "max", m->max);
    tft_text_puts(text, ", ");
    put_number(text, "scale_floor", m->scale_floor);
    tft_text_printf(text, ", \"target\": %s}", m->target ? "true" : "false");
}

void tft_contract_to_json(const tft_contract *c, tft_text *text)
{
    tft_text_puts(text, "{");
    put_string(text, "version", c->version);
    tft_text_printf(text, ", \"step_ms\": %lld, \"context\": %zu, \"horizon\": %zu, \"memory\": %zu",
                    (long long)c->step_ms, c->context, c->horizon, c->memory);
    tft_text_printf(text, ",\n  \"has_state\": %s, \"has_profile\": %s,\n  \"metrics\": [",
                    c->has_state ? "true" : "false", c->has_profile ? "true" : "false");
    for (size_t i = 0; i < c->n_metrics; i++) {
        tft_text_puts(text, i == 0 ? "\n    " : ",\n    ");
        put_metric(text, &c->metrics[i]);
    }
    tft_text_puts(text, "],\n  \"incident\": ");
    if (c->incident.by_metric) {
        tft_text_puts(text, "{\"by\": \"metric\", ");
        put_string(text, "metric", c->metrics[c->incident.metric].name);
        tft_text_puts(text, ", ");
        put_number(text, "level", c->incident.level);
        tft_text_printf(text, ", \"steps\": %zu", c->incident.steps);
    } else {
        tft_text_puts(text, "{\"by\": \"state\"");
    }
    tft_text_puts(text, c->incident.inputs ? ", \"inputs\": true}}" : "}}");
}

static tft_status need_bool(const tft_json *object, const char *key, bool *out, tft_error *err)
{
    return tft_json_bool(tft_json_at(object, key), out)
               ? TFT_OK
               : tft_fail(err, TFT_ERR_FORMAT, "key \"%s\": missing or neither true nor false", key);
}

/* A number, or `absent` where the key is null. */
static tft_status need_bound(const tft_json *object, const char *key, double absent, double *out, tft_error *err)
{
    if (tft_json_kind_at(object, key) == TFT_JSON_NULL) {
        *out = absent;
        return TFT_OK;
    }
    return tft_json_need_number(object, key, -1e300, 1e300, out, err);
}

static tft_status read_metric(const tft_json *object, tft_metric *m, tft_error *err)
{
    if (tft_json_kind_of(object) != TFT_JSON_OBJECT)
        return tft_fail(err, TFT_ERR_FORMAT, "not an object");
    tft_status status = tft_json_need_string(object, "name", m->name, sizeof m->name, err);
    if (status == TFT_OK)
        status = tft_json_need_string(object, "legacy_name", m->legacy_name, sizeof m->legacy_name, err);
    if (status == TFT_OK)
        status = tft_json_need_string(object, "unit", m->unit, sizeof m->unit, err);
    if (status == TFT_OK)
        status = need_bound(object, "min", -HUGE_VAL, &m->min, err);
    if (status == TFT_OK)
        status = need_bound(object, "max", HUGE_VAL, &m->max, err);
    if (status == TFT_OK)
        status = tft_json_need_number(object, "scale_floor", 0, 1e300, &m->scale_floor, err);
    if (status == TFT_OK)
        status = need_bool(object, "target", &m->target, err);
    return status;
}

static tft_status read_metrics(const tft_json *array, tft_contract *c, tft_error *err)
{
    const size_t n = tft_json_length(array);
    if (tft_json_kind_of(array) != TFT_JSON_ARRAY || n == 0 || n > TFT_MAX_METRICS)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"metrics\" must be an array of 1 to %d metrics", TFT_MAX_METRICS);
    c->n_metrics = n;
    for (size_t i = 0; i < n; i++) {
        const tft_status status = read_metric(tft_json_item(array, i), &c->metrics[i], err);
        if (status != TFT_OK) {
            tft_error_prefix(err, "metrics[%zu]", i);
            return status;
        }
    }
    return TFT_OK;
}

static tft_status read_incident(const tft_json *object, tft_contract *c, tft_error *err)
{
    char by[16], metric[TFT_MAX_METRIC_NAME];
    tft_status status = tft_json_need_string(object, "by", by, sizeof by, err);
    if (status != TFT_OK)
        return status;
    c->incident = (tft_incident_rule){.by_metric = strcmp(by, "metric") == 0};
    if (tft_json_kind_at(object, "inputs") != TFT_JSON_ABSENT &&
        !tft_json_bool(tft_json_at(object, "inputs"), &c->incident.inputs))
        return tft_fail(err, TFT_ERR_FORMAT, "key \"inputs\" must be true or false");
    if (!c->incident.by_metric)
        return strcmp(by, "state") == 0
                   ? TFT_OK
                   : tft_fail(err, TFT_ERR_FORMAT, "key \"by\" is \"%s\", must be state or metric", by);
    status = tft_json_need_string(object, "metric", metric, sizeof metric, err);
    if (status == TFT_OK)
        status = tft_json_need_number(object, "level", -1e300, 1e300, &c->incident.level, err);
    if (status == TFT_OK)
        status = tft_json_need_size(object, "steps", 1, 1000, &c->incident.steps, err);
    if (status != TFT_OK)
        return status;
    const int found = tft_contract_find(c, metric, strlen(metric));
    if (found < 0)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"metric\" is \"%s\", which is none of the metrics", metric);
    c->incident.metric = (size_t)found;
    return TFT_OK;
}

tft_status tft_contract_from_json(const tft_json *object, tft_contract *contract, tft_error *err)
{
    tft_contract c = {0};
    size_t step_ms = 0;
    if (tft_json_kind_of(object) != TFT_JSON_OBJECT)
        return tft_fail(err, TFT_ERR_FORMAT, "missing or not an object");
    tft_status status = tft_json_need_string(object, "version", c.version, sizeof c.version, err);
    if (status == TFT_OK)
        status = tft_json_need_size(object, "step_ms", 1, (size_t)1000 * 86400 * 366, &step_ms, err);
    if (status == TFT_OK)
        status = tft_json_need_size(object, "context", 2, 100000, &c.context, err);
    if (status == TFT_OK)
        status = tft_json_need_size(object, "horizon", 1, 100000, &c.horizon, err);
    if (status == TFT_OK)
        status = tft_json_need_size(object, "memory", 2, 1000000, &c.memory, err);
    if (status == TFT_OK)
        status = need_bool(object, "has_state", &c.has_state, err);
    if (status == TFT_OK)
        status = need_bool(object, "has_profile", &c.has_profile, err);
    c.step_ms = (int64_t)step_ms;
    if (status == TFT_OK)
        status = read_metrics(tft_json_at(object, "metrics"), &c, err);
    if (status == TFT_OK) {
        status = read_incident(tft_json_at(object, "incident"), &c, err);
        if (status != TFT_OK)
            tft_error_prefix(err, "incident");
    }
    if (status == TFT_OK)
        status = tft_contract_check(&c, err);
    if (status == TFT_OK)
        *contract = c;
    return status;
}
