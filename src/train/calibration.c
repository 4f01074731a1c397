/* calibration.c - see calibration.h. */
#include "train/calibration.h"

#include <math.h>
#include <string.h>

void tft_calibration_to_json(const tft_calibration *c, tft_text *text)
{
    static const char *const keys[] = {"slope", "intercept"};
    const double *const lists[] = {c->slope, c->intercept};
    if (c->n_points == 0) {
        tft_text_puts(text, "{\"incident\": {\"kind\": \"identity\"}, \"quantiles\": {\"kind\": \"identity\"}}");
        return;
    }
    tft_text_puts(text, "{\"incident\": {\"kind\": \"platt\", \"steps\": [");
    for (size_t i = 0; i < c->n_points; i++)
        tft_text_printf(text, "%s%u", i == 0 ? "" : ", ", c->step[i]);
    for (size_t k = 0; k < 2; k++) {
        tft_text_printf(text, "], \"%s\": [", keys[k]);
        for (size_t i = 0; i < c->n_points; i++) {
            tft_text_puts(text, i == 0 ? "" : ", ");
            tft_text_json_number(text, lists[k][i]);
        }
    }
    tft_text_puts(text, "]}, \"quantiles\": {\"kind\": \"identity\"}}");
}

static tft_status read_list(const tft_json *object, const char *key, size_t n, double low, double high, double *out,
                            tft_error *err)
{
    const tft_json *const array = tft_json_at(object, key);
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

static tft_status read_platt(const tft_json *object, tft_calibration *c, tft_error *err)
{
    double steps[TFT_MAX_CALIBRATION_POINTS] = {0};
    c->n_points = tft_json_length(tft_json_at(object, "steps"));
    if (c->n_points == 0 || c->n_points > TFT_MAX_CALIBRATION_POINTS)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"steps\" must be an array of 1 to %d numbers",
                        TFT_MAX_CALIBRATION_POINTS);
    tft_status status = read_list(object, "steps", c->n_points, 1, 100000, steps, err);
    if (status == TFT_OK)
        status = read_list(object, "slope", c->n_points, 1e-6, 1e6, c->slope, err);
    if (status == TFT_OK)
        status = read_list(object, "intercept", c->n_points, -1e6, 1e6, c->intercept, err);
    for (size_t i = 0; i < c->n_points && status == TFT_OK; i++) {
        if (steps[i] != floor(steps[i]) || (i > 0 && steps[i] <= steps[i - 1]))
            status = tft_fail(err, TFT_ERR_FORMAT, "key \"steps\" must be whole numbers that rise");
        c->step[i] = (uint32_t)steps[i];
    }
    return status;
}

static tft_status read_kind(const tft_json *object, const char *key, char *kind, size_t capacity, tft_error *err)
{
    const tft_json *const part = tft_json_at(object, key);
    const tft_status status = tft_json_need_string(part, "kind", kind, capacity, err);
    if (status != TFT_OK)
        tft_error_prefix(err, "%s", key);
    return status;
}

tft_status tft_calibration_from_json(const tft_json *object, tft_calibration *calibration, tft_error *err)
{
    tft_calibration c = {0};
    char kind[16];
    tft_status status = read_kind(object, "quantiles", kind, sizeof kind, err);
    if (status != TFT_OK)
        return status;
    if (strcmp(kind, "identity") != 0)
        return tft_fail(err, TFT_ERR_FORMAT, "quantiles: kind \"%s\" is not known here, only identity is", kind);
    status = read_kind(object, "incident", kind, sizeof kind, err);
    if (status != TFT_OK)
        return status;
    if (strcmp(kind, "platt") == 0) {
        status = read_platt(tft_json_at(object, "incident"), &c, err);
        if (status != TFT_OK) {
            tft_error_prefix(err, "incident");
            return status;
        }
    } else if (strcmp(kind, "identity") != 0) {
        return tft_fail(err, TFT_ERR_FORMAT, "incident: kind \"%s\" is not known here, only identity and platt are",
                        kind);
    }
    *calibration = c;
    return TFT_OK;
}

/* Slope and intercept at horizon step h: linear between the points, the outermost beyond. */
static void at_step(const tft_calibration *c, size_t h, double *slope, double *intercept)
{
    size_t hi = 0;
    while (hi < c->n_points && c->step[hi] < h)
        hi++;
    const size_t a = hi == 0 ? 0 : hi - 1, b = hi == c->n_points ? c->n_points - 1 : hi;
    const double t = a == b ? 0 : ((double)h - c->step[a]) / ((double)c->step[b] - c->step[a]);
    *slope = c->slope[a] + t * (c->slope[b] - c->slope[a]);
    *intercept = c->intercept[a] + t * (c->intercept[b] - c->intercept[a]);
}

void tft_calibration_incident(const tft_calibration *c, const float *logits, size_t n, float *incident)
{
    double log_survival = 0, highest = 0; // Σ log(1 − σ(z)) = −Σ softplus(z)
    for (size_t t = 0; t < n; t++) {
        const double z = (double)logits[t];
        log_survival -= z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
        double p = -expm1(log_survival);
        if (c->n_points > 0 && p > 0 && p < 1) {
            double slope, intercept;
            at_step(c, t + 1, &slope, &intercept);
            p = 1.0 / (1.0 + exp(-(slope * (log(p) - log_survival) + intercept))); // logit p = log p − log(1 − p)
        }
        highest = p > highest ? p : highest;
        incident[t] = (float)highest;
    }
}
