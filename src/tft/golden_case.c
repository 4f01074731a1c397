/* golden_case.c - see golden_case.h. */
#include "tft/golden_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "tft/config_json.h"
#include "tft/weights.h"

#define MAX_CONFIG_BYTES ((size_t)4 << 20)

tft_status tft_golden_file(const char *folder, const char *name, tft_safetensors *file, tft_error *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.safetensors", folder, name);
    return tft_safetensors_open(path, file, err);
}

static tft_status read_config(tft_golden_case *c, tft_error *err)
{
    char path[4096], *bytes = NULL;
    size_t n = 0;
    tft_json_document document = {0};
    snprintf(path, sizeof path, "%s/config.json", c->folder);
    tft_status status = tft_file_read(path, MAX_CONFIG_BYTES, &bytes, &n, err);
    if (status != TFT_OK)
        return status;
    status = tft_json_parse(bytes, n, 32, &document, err);
    if (status == TFT_OK)
        status = tft_config_from_pytorch_forecasting(document.root, &c->config, err);
    if (status != TFT_OK)
        tft_error_prefix(err, "%s", path);
    tft_json_free(&document);
    free(bytes);
    return status;
}

static tft_status read_model(tft_golden_case *c, tft_error *err)
{
    char path[4096];
    tft_status status = tft_model_open(&c->config, &c->model, err);
    if (status != TFT_OK)
        return status;
    snprintf(path, sizeof path, "%s/model.safetensors", c->folder);
    return tft_model_load_weights(c->model, path, err);
}

tft_status tft_golden_need(const tft_safetensors *file, const char *what, const char *name, size_t n,
                           const tft_tensor_view **view, tft_error *err)
{
    *view = tft_safetensors_find(file, name);
    if (*view == NULL)
        return tft_fail(err, TFT_ERR_FORMAT, "%s: no tensor %s", what, name);
    if ((*view)->n != n)
        return tft_fail(err, TFT_ERR_FORMAT, "%s: tensor %s has %zu elements, expected %zu", what, name, (*view)->n, n);
    return TFT_OK;
}

static tft_status read_lengths(tft_golden_case *c, const char *name, uint32_t **lengths, size_t *longest,
                               tft_error *err)
{
    const tft_tensor_view *const view = tft_safetensors_find(&c->input, name);
    if (view == NULL || view->n == 0 || view->n > 65536)
        return tft_fail(err, TFT_ERR_FORMAT, "input: no %s", name);
    if (c->b != 0 && view->n != c->b)
        return tft_fail(err, TFT_ERR_FORMAT, "input: %zu %s for %zu windows", view->n, name, c->b);
    c->b = view->n;
    *lengths = calloc(c->b, sizeof **lengths);
    if (*lengths == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for lengths");
    *longest = 0;
    for (size_t i = 0; i < c->b; i++) {
        const double value = tft_tensor_value(view, i);
        if (!(value >= 1.0 && value <= 100000.0))
            return tft_fail(err, TFT_ERR_FORMAT, "input: %s of window %zu is %g", name, i, value);
        (*lengths)[i] = (uint32_t)value;
        *longest = (*lengths)[i] > *longest ? (*lengths)[i] : *longest;
    }
    return TFT_OK;
}

/* Columns of a place's reals out of all reals, [B, steps, all] → [B, steps, n]; statics are read at step 0. */
static tft_status read_reals(const tft_golden_case *c, const char *name, size_t steps, bool first_step,
                             const tft_inputs *inputs, float **out, tft_error *err)
{
    const size_t n = inputs->n_reals, all = c->config.n_reals, kept = first_step ? 1 : steps;
    *out = calloc(c->b * kept * n + 1, sizeof **out);
    if (*out == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for inputs");
    if (n == 0)
        return TFT_OK;
    const tft_tensor_view *view = NULL;
    const tft_status status = tft_golden_need(&c->input, "input", name, c->b * steps * all, &view, err);
    for (size_t r = 0; status == TFT_OK && r < c->b * kept; r++) {
        const size_t row = first_step ? r * steps : r;
        for (size_t i = 0; i < n; i++)
            (*out)[r * n + i] = (float)tft_tensor_value(view, row * all + inputs->reals[i]);
    }
    return status;
}

static tft_status read_codes(const tft_golden_case *c, const char *name, size_t steps, bool first_step, int32_t **out,
                             tft_error *err)
{
    const size_t n = c->config.n_categoricals, kept = first_step ? 1 : steps;
    *out = calloc(c->b * kept * n + 1, sizeof **out);
    if (*out == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for inputs");
    if (n == 0)
        return TFT_OK;
    const tft_tensor_view *view = NULL;
    const tft_status status = tft_golden_need(&c->input, "input", name, c->b * steps * n, &view, err);
    for (size_t r = 0; status == TFT_OK && r < c->b * kept; r++) {
        for (size_t i = 0; i < n; i++)
            (*out)[r * n + i] = (int32_t)tft_tensor_value(view, (first_step ? r * steps : r) * n + i);
    }
    return status;
}

static tft_status read_target(tft_golden_case *c, size_t i, tft_error *err)
{
    const tft_tensor_view *target = NULL, *scaled = NULL, *scale = NULL;
    char name[3][40];
    snprintf(name[0], sizeof name[0], "target.%zu", i);
    snprintf(name[1], sizeof name[1], "target_normalized.%zu", i);
    snprintf(name[2], sizeof name[2], "target_scale.%zu", i);
    tft_status status = tft_golden_need(&c->input, "input", name[0], c->b * c->t, &target, err);
    if (status == TFT_OK)
        status = tft_golden_need(&c->input, "input", name[1], c->b * c->t, &scaled, err);
    if (status == TFT_OK)
        status = tft_golden_need(&c->input, "input", name[2], c->b * 2, &scale, err);
    if (status != TFT_OK)
        return status;
    for (size_t r = 0; r < c->b * c->t; r++) {
        c->target[r * c->m + i] = (float)tft_tensor_value(target, r);
        c->target_scaled[r * c->m + i] = (float)tft_tensor_value(scaled, r);
    }
    for (size_t b = 0; b < c->b; b++) {
        c->scale[(b * c->m + i) * 2] = (float)tft_tensor_value(scale, b * 2);
        c->scale[(b * c->m + i) * 2 + 1] = (float)tft_tensor_value(scale, b * 2 + 1);
    }
    return TFT_OK;
}

static tft_status read_input(tft_golden_case *c, tft_error *err)
{
    tft_status status = read_lengths(c, "encoder_lengths", &c->encoder_lengths, &c->e, err);
    if (status == TFT_OK)
        status = read_lengths(c, "decoder_lengths", &c->decoder_lengths, &c->t, err);
    c->q = tft_config_outputs(&c->config);
    c->m = c->config.n_targets;
    if (status == TFT_OK)
        status = read_reals(c, "encoder_cont", c->e, true, &c->config.static_inputs, &c->statics, err);
    if (status == TFT_OK)
        status = read_reals(c, "encoder_cont", c->e, false, &c->config.encoder_inputs, &c->encoder_reals, err);
    if (status == TFT_OK)
        status = read_reals(c, "decoder_cont", c->t, false, &c->config.decoder_inputs, &c->decoder_reals, err);
    if (status == TFT_OK)
        status = read_codes(c, "encoder_cat", c->e, true, &c->static_codes, err);
    if (status == TFT_OK)
        status = read_codes(c, "encoder_cat", c->e, false, &c->encoder_codes, err);
    if (status == TFT_OK)
        status = read_codes(c, "decoder_cat", c->t, false, &c->decoder_codes, err);
    if (status != TFT_OK)
        return status;
    c->target = calloc(c->b * c->t * c->m, sizeof *c->target);
    c->target_scaled = calloc(c->b * c->t * c->m, sizeof *c->target_scaled);
    c->scale = calloc(c->b * c->m * 2, sizeof *c->scale);
    if (c->target == NULL || c->target_scaled == NULL || c->scale == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for targets");
    for (size_t i = 0; status == TFT_OK && i < c->m; i++)
        status = read_target(c, i, err);
    c->batch = (tft_batch){.n_windows = c->b,
                           .encoder_steps = c->e,
                           .decoder_steps = c->t,
                           .encoder_lengths = c->encoder_lengths,
                           .decoder_lengths = c->decoder_lengths,
                           .static_reals = c->statics,
                           .encoder_reals = c->encoder_reals,
                           .decoder_reals = c->decoder_reals,
                           .static_codes = c->static_codes,
                           .encoder_codes = c->encoder_codes,
                           .decoder_codes = c->decoder_codes,
                           .target_scale = c->scale};
    c->truth = (tft_truth){.target = c->target, .target_scaled = c->target_scaled};
    return status;
}

tft_status tft_golden_case_open(const char *folder, tft_golden_case *c, tft_error *err)
{
    memset(c, 0, sizeof *c);
    c->folder = folder;
    tft_status status = read_config(c, err);
    if (status == TFT_OK)
        status = read_model(c, err);
    if (status == TFT_OK)
        status = tft_golden_file(folder, "input", &c->input, err);
    return status == TFT_OK ? read_input(c, err) : status;
}

void tft_golden_case_close(tft_golden_case *c)
{
    tft_model_close(c->model);
    tft_safetensors_close(&c->input);
    void *const owned[] = {c->encoder_lengths, c->decoder_lengths, c->statics,      c->encoder_reals,
                           c->decoder_reals,   c->scale,           c->target,       c->target_scaled,
                           c->static_codes,    c->encoder_codes,   c->decoder_codes};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free(owned[i]);
    memset(c, 0, sizeof *c);
}
