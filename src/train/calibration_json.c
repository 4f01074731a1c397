/* calibration_json.c - a calibration as part of config.json; calibration.h shows the form.
 *
 * Reading trusts nothing: every list has its length, every number its bounds, whatever rises is checked to rise.
 */
#include <math.h>
#include <string.h>

#include "train/calibration.h"

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void put_numbers(tft_text *text, const double *values, size_t n)
{
    tft_text_puts(text, "[");
    for (size_t i = 0; i < n; i++) {
        tft_text_puts(text, i == 0 ? "" : ", ");
        tft_text_json_number(text, values[i]);
    }
    tft_text_puts(text, "]");
}

static void put_steps(tft_text *text, const uint32_t *steps, size_t n)
{
    tft_text_puts(text, "[");
    for (size_t i = 0; i < n; i++)
        tft_text_printf(text, "%s%u", i == 0 ? "" : ", ", steps[i]);
    tft_text_puts(text, "]");
}

static void put_incident(const tft_calibration *c, tft_text *text)
{
    if (c->n_points == 0) {
        tft_text_puts(text, "{\"kind\": \"identity\"}");
        return;
    }
    tft_text_puts(text, "{\"kind\": \"platt\", \"steps\": ");
    put_steps(text, c->step, c->n_points);
    tft_text_puts(text, ", \"slope\": ");
    put_numbers(text, c->slope, c->n_points);
    tft_text_puts(text, ", \"intercept\": ");
    put_numbers(text, c->intercept, c->n_points);
    tft_text_puts(text, "}");
}

static void put_quantiles(const tft_calibration *c, tft_text *text)
{
    if (c->n_stretched == 0) {
        tft_text_puts(text, "{\"kind\": \"identity\"}");
        return;
    }
    tft_text_puts(text, "{\"kind\": \"stretch\", \"levels\": ");
    put_numbers(text, tft_knot_levels, TFT_N_KNOTS);
    tft_text_puts(text, ", \"steps\": ");
    put_numbers(text, c->span_step, TFT_N_SPANS);
    tft_text_puts(text, ", \"metrics\": [");
    for (size_t m = 0; m < c->n_stretched; m++) {
        const tft_stretch *const s = &c->stretch[m];
        tft_text_puts(text, m == 0 ? "\n   {\"scales\": " : ",\n   {\"scales\": ");
        put_numbers(text, s->scale, TFT_N_CLASSES);
        tft_text_puts(text, ", \"factors\": [");
        for (size_t h = 0; h < TFT_N_SPANS; h++) {
            for (size_t k = 0; k < TFT_N_CLASSES; k++) {
                tft_text_puts(text, k > 0 ? ", " : h > 0 ? "], [" : "[");
                put_numbers(text, s->factor[h][k], TFT_N_KNOTS);
            }
        }
        tft_text_puts(text, "]]}");
    }
    tft_text_puts(text, "]}");
}

void tft_calibration_to_json(const tft_calibration *c, tft_text *text)
{
    tft_text_puts(text, "{\"incident\": ");
    put_incident(c, text);
    tft_text_puts(text, ", \"quantiles\": ");
    put_quantiles(c, text);
    if (c->fleet.n > 0) {
        tft_text_puts(text, ", \"fleet\": {\"kind\": \"exponent\", \"steps\": ");
        put_steps(text, c->fleet.step, c->fleet.n);
        tft_text_puts(text, ", \"exponent\": ");
        put_numbers(text, c->fleet.exponent, c->fleet.n);
        tft_text_puts(text, ", \"bend\": ");
        put_numbers(text, c->fleet.bend, c->fleet.n);
        tft_text_puts(text, "}");
    }
    if (c->alerts.n > 0) {
        tft_text_puts(text, ",\n   \"alerts\": ");
        tft_alert_record_to_json(&c->alerts, text);
    }
    tft_text_puts(text, "}");
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static tft_status read_array(const tft_json *array, const char *key, size_t n, double low, double high, double *out,
                             tft_error *err)
{
    if (tft_json_kind_of(array) != TFT_JSON_ARRAY || tft_json_length(array) != n)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\" must be an array of %zu numbers", key, n);
    for (size_t i = 0; i < n; i++) {
        double value = NAN;
        if (!tft_json_number(tft_json_item(array, i), &value) || !(value >= low && value <= high))
            return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\"[%zu] must be a number from %g to %g", key, i, low, high);
        out[i] = value;
    }
    return TFT_OK;
}

static tft_status read_list(const tft_json *object, const char *key, size_t n, double low, double high, double *out,
                            tft_error *err)
{
    return read_array(tft_json_at(object, key), key, n, low, high, out, err);
}

static tft_status must_rise(const char *key, const double *values, size_t n, tft_error *err)
{
    for (size_t i = 1; i < n; i++) {
        if (!(values[i] > values[i - 1]))
            return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\" must be numbers that rise", key);
    }
    return TFT_OK;
}

/* "steps": 1 to 16 whole numbers that rise. */
static tft_status read_steps(const tft_json *object, uint32_t *steps, size_t *n, tft_error *err)
{
    double values[TFT_MAX_CALIBRATION_POINTS] = {0};
    *n = tft_json_length(tft_json_at(object, "steps"));
    if (*n == 0 || *n > TFT_MAX_CALIBRATION_POINTS)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"steps\" must be an array of 1 to %d numbers",
                        TFT_MAX_CALIBRATION_POINTS);
    const tft_status status = read_list(object, "steps", *n, 1, 100000, values, err);
    if (status != TFT_OK)
        return status;
    for (size_t i = 0; i < *n; i++) {
        if (values[i] != floor(values[i]) || (i > 0 && values[i] <= values[i - 1]))
            return tft_fail(err, TFT_ERR_FORMAT, "key \"steps\" must be whole numbers that rise");
        steps[i] = (uint32_t)values[i];
    }
    return TFT_OK;
}

static tft_status read_incident(const tft_json *object, const char *kind, tft_calibration *c, tft_error *err)
{
    if (strcmp(kind, "identity") == 0)
        return TFT_OK;
    if (strcmp(kind, "platt") != 0)
        return tft_fail(err, TFT_ERR_FORMAT, "kind \"%s\" is not known here, only identity and platt are", kind);
    tft_status status = read_steps(object, c->step, &c->n_points, err);
    if (status == TFT_OK)
        status = read_list(object, "slope", c->n_points, 1e-6, 1e6, c->slope, err);
    if (status == TFT_OK)
        status = read_list(object, "intercept", c->n_points, -1e6, 1e6, c->intercept, err);
    return status;
}

static tft_status read_stretch(const tft_json *object, tft_stretch *s, tft_error *err)
{
    const tft_json *const factors = tft_json_at(object, "factors");
    tft_status status = read_list(object, "scales", TFT_N_CLASSES, 1e-300, 1e300, s->scale, err);
    if (status == TFT_OK)
        status = must_rise("scales", s->scale, TFT_N_CLASSES, err);
    if (status != TFT_OK)
        return status;
    if (tft_json_kind_of(factors) != TFT_JSON_ARRAY || tft_json_length(factors) != TFT_N_SPANS)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"factors\" must be an array of %d", TFT_N_SPANS);
    for (size_t h = 0; h < TFT_N_SPANS; h++) {
        const tft_json *const part = tft_json_item(factors, h);
        if (tft_json_kind_of(part) != TFT_JSON_ARRAY || tft_json_length(part) != TFT_N_CLASSES)
            return tft_fail(err, TFT_ERR_FORMAT, "key \"factors\"[%zu] must be an array of %d", h, TFT_N_CLASSES);
        for (size_t k = 0; k < TFT_N_CLASSES; k++) {
            status = read_array(tft_json_item(part, k), "factors", TFT_N_KNOTS, TFT_MIN_STRETCH, TFT_MAX_STRETCH,
                                s->factor[h][k], err);
            if (status != TFT_OK)
                return status;
        }
    }
    return TFT_OK;
}

static tft_status read_quantiles(const tft_json *object, const char *kind, tft_calibration *c, tft_error *err)
{
    double levels[TFT_N_KNOTS];
    const tft_json *const metrics = tft_json_at(object, "metrics");
    if (strcmp(kind, "identity") == 0)
        return TFT_OK;
    if (strcmp(kind, "stretch") != 0)
        return tft_fail(err, TFT_ERR_FORMAT, "kind \"%s\" is not known here, only identity and stretch are", kind);
    tft_status status = read_list(object, "levels", TFT_N_KNOTS, 0, 1, levels, err);
    for (size_t i = 0; i < TFT_N_KNOTS && status == TFT_OK; i++) {
        if (fabs(levels[i] - tft_knot_levels[i]) > 1e-9)
            status = tft_fail(err, TFT_ERR_FORMAT, "key \"levels\" must be [0.02, 0.1, 0.9, 0.98]");
    }
    if (status == TFT_OK)
        status = read_list(object, "steps", TFT_N_SPANS, 1, 100000, c->span_step, err);
    if (status == TFT_OK)
        status = must_rise("steps", c->span_step, TFT_N_SPANS, err);
    if (status != TFT_OK)
        return status;
    c->n_stretched = tft_json_length(metrics);
    if (tft_json_kind_of(metrics) != TFT_JSON_ARRAY || c->n_stretched == 0 || c->n_stretched > TFT_MAX_METRICS)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"metrics\" must be an array of 1 to %d", TFT_MAX_METRICS);
    for (size_t m = 0; m < c->n_stretched; m++) {
        status = read_stretch(tft_json_item(metrics, m), &c->stretch[m], err);
        if (status != TFT_OK) {
            tft_error_prefix(err, "metric %zu", m);
            return status;
        }
    }
    return TFT_OK;
}

static tft_status read_fleet(const tft_json *object, const char *kind, tft_calibration *c, tft_error *err)
{
    if (strcmp(kind, "exponent") != 0)
        return tft_fail(err, TFT_ERR_FORMAT, "kind \"%s\" is not known here, only exponent is", kind);
    tft_status status = read_steps(object, c->fleet.step, &c->fleet.n, err);
    if (status == TFT_OK)
        status = read_list(object, "exponent", c->fleet.n, 0, TFT_MAX_FLEET_EXPONENT, c->fleet.exponent, err);
    if (status == TFT_OK && tft_json_at(object, "bend") != NULL) // models of before have none
        status = read_list(object, "bend", c->fleet.n, 0, 0.99, c->fleet.bend, err);
    return status;
}

static tft_status read_alerts(const tft_json *object, const char *kind, tft_calibration *c, tft_error *err)
{
    if (strcmp(kind, "counts") != 0)
        return tft_fail(err, TFT_ERR_FORMAT, "kind \"%s\" is not known here, only counts is", kind);
    return tft_alert_record_from_json(object, &c->alerts, err);
}

tft_status tft_calibration_from_json(const tft_json *object, tft_calibration *calibration, tft_error *err)
{
    static const struct {
        const char *key;
        tft_status (*read)(const tft_json *object, const char *kind, tft_calibration *c, tft_error *err);
        bool optional; // models of before have none
    } parts[] = {{"quantiles", read_quantiles, false},
                 {"incident", read_incident, false},
                 {"fleet", read_fleet, true},
                 {"alerts", read_alerts, true}};
    static const tft_calibration identity = {0};
    *calibration = identity;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const tft_json *const part = tft_json_at(object, parts[i].key);
        char kind[16];
        if (part == NULL && parts[i].optional)
            continue;
        tft_status status = tft_json_need_string(part, "kind", kind, sizeof kind, err);
        if (status == TFT_OK)
            status = parts[i].read(part, kind, calibration, err);
        if (status != TFT_OK) {
            *calibration = identity;
            tft_error_prefix(err, "%s", parts[i].key);
            return status;
        }
    }
    return TFT_OK;
}
