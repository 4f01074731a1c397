/* weights_file.c - a model's weights as safetensors, under pytorch-forecasting's names.
 *
 * Loading checks everything before it changes anything. pytorch-forecasting stores a tensor that is used in several places
 * under several names; the further names are accepted if they hold the same values.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tft/safetensors.h"
#include "tft/workspace.h"

#define MAX_BYTES ((size_t)1 << 31)

/* The first name of a tensor that has several; writes into out[256]. */
static void first_name(const char *name, char *out)
{
    static const struct {
        const char *alias, *first;
    } prefixes[] = {
        {"static_variable_selection.prescalers.", "prescalers."},
        {"encoder_variable_selection.prescalers.", "prescalers."},
        {"decoder_variable_selection.prescalers.", "prescalers."},
        {"post_lstm_gate_decoder.", "post_lstm_gate_encoder."},
        {"post_lstm_add_norm_decoder.", "post_lstm_add_norm_encoder."},
    };
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        const size_t n = strlen(prefixes[i].alias);
        if (strncmp(name, prefixes[i].alias, n) == 0) {
            const size_t m = strlen(prefixes[i].first);
            memcpy(out, prefixes[i].first, m);
            strncpy(out + m, name + n, TFT_TENSOR_NAME - m - 1);
            out[TFT_TENSOR_NAME - 1] = '\0';
            return;
        }
    }
    memcpy(out, name, strlen(name) + 1);
}

static int64_t find_parameter(const tft_model *model, const char *name)
{
    char first[TFT_TENSOR_NAME];
    first_name(name, first);
    const char *const inner = strstr(first, "_variable_selection.single_variable_grns.");
    for (int shared = 0; shared < 2; shared++) {
        char wanted[TFT_TENSOR_NAME];
        if (shared == 0)
            memcpy(wanted, first, strlen(first) + 1);
        else if (inner != NULL && strncmp(first, "static", 6) != 0)
            snprintf(wanted, sizeof wanted, "shared_single_variable_grns.%.200s",
                     inner + strlen("_variable_selection.single_variable_grns."));
        else
            break;
        for (size_t i = 0; i < model->n_tensors; i++) {
            if (strcmp(model->specs[i].name, wanted) == 0)
                return (int64_t)i;
        }
    }
    return -1;
}

static tft_status check_tensor(const tft_model *model, const tft_stored_tensor *t, const tft_tensor_spec *spec,
                               const float *seen, float *values, bool *known, tft_error *err)
{
    (void)model;
    (void)seen;
    if (t->dtype != TFT_F32)
        return tft_fail(err, TFT_ERR_FORMAT, "tensor %.100s: not F32", t->name);
    bool same = t->n_dims == spec->n_dims;
    for (size_t k = 0; same && k < t->n_dims; k++)
        same = t->dims[k] == spec->dims[k];
    if (!same)
        return tft_fail(err, TFT_ERR_MISMATCH, "tensor %.100s: %zu dimensions, %zu × %zu, expected %zu × %zu", t->name,
                        t->n_dims, t->n_dims > 0 ? t->dims[0] : 0, t->n_dims > 1 ? t->dims[1] : 0, spec->dims[0],
                        spec->dims[1]);
    const float *const data = t->data;
    for (size_t k = 0; k < t->n; k++) {
        if (!isfinite(data[k]))
            return tft_fail(err, TFT_ERR_FORMAT, "tensor %.100s: element %zu is not finite", t->name, k);
        if (*known && data[k] != values[k])
            return tft_fail(err, TFT_ERR_FORMAT, "tensor %.100s: differs from %.100s, which it should share", t->name,
                            spec->name);
    }
    memcpy(values, data, t->n * sizeof(float));
    *known = true;
    return TFT_OK;
}

tft_status tft_model_load_weights(tft_model *model, const char *path, tft_error *err)
{
    tft_tensors tensors;
    tft_status status = tft_safetensors_read(path, MAX_BYTES, &tensors, err);
    if (status != TFT_OK)
        return status;
    float *const block = calloc(model->n_floats + 1, sizeof *block);
    bool *const known = calloc(model->n_tensors + 1, sizeof *known);
    if (block == NULL || known == NULL)
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for the weights");
    for (size_t i = 0; i < tensors.n && status == TFT_OK; i++) {
        const int64_t at = find_parameter(model, tensors.items[i].name);
        if (at < 0)
            status = tft_fail(err, TFT_ERR_MISMATCH, "tensor %.100s: the network has none of that name",
                              tensors.items[i].name);
        else
            status = check_tensor(model, &tensors.items[i], &model->specs[at], NULL, block + model->specs[at].at,
                                  &known[at], err);
    }
    for (size_t i = 0; i < model->n_tensors && status == TFT_OK; i++) {
        if (!known[i])
            status = tft_fail(err, TFT_ERR_MISMATCH, "tensor %.100s: missing", model->specs[i].name);
    }
    if (status == TFT_OK) {
        memcpy(model->block, block, model->n_floats * sizeof(float));
        tft_model_refresh(model);
    } else {
        tft_error_prefix(err, "%s", path);
    }
    free(block);
    free(known);
    tft_safetensors_free(&tensors);
    return status;
}

tft_status tft_model_save_weights(const tft_model *model, const char *path, tft_error *err)
{
    tft_stored_tensor *const items = calloc(model->n_tensors, sizeof *items);
    if (items == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the list of weights");
    for (size_t i = 0; i < model->n_tensors; i++) {
        const tft_tensor_spec *const s = &model->specs[i];
        items[i] = (tft_stored_tensor){.dtype = TFT_F32, .n_dims = s->n_dims, .n = s->n, .data = model->block + s->at};
        memcpy(items[i].name, s->name, sizeof s->name);
        memcpy(items[i].dims, s->dims, sizeof s->dims);
    }
    const tft_status status = tft_safetensors_write(path, items, model->n_tensors, err);
    free(items);
    return status;
}
