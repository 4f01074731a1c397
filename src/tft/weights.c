/* weights.c - a model's weights as a safetensors file, in and out.
 *
 * A file is taken whole or not at all: everything is checked into a copy first. Tensors that pytorch-forecasting's
 * state_dict lists under several names are accepted under each, as long as they hold the same numbers.
 */
#include "tft/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tft/model_internal.h"
#include "tft/safetensors.h"

void tft_canonical_name(const tft_config *config, const char *name, char *out, size_t capacity)
{
    static const struct {
        const char *from, *to;
        bool when_shared;
    } aliases[] = {
        {"static_variable_selection.prescalers.", "prescalers.", false},
        {"encoder_variable_selection.prescalers.", "prescalers.", false},
        {"decoder_variable_selection.prescalers.", "prescalers.", false},
        {"post_lstm_gate_decoder.", "post_lstm_gate_encoder.", false},
        {"post_lstm_add_norm_decoder.", "post_lstm_add_norm_encoder.", false},
        {"encoder_variable_selection.single_variable_grns.", "shared_single_variable_grns.", true},
        {"decoder_variable_selection.single_variable_grns.", "shared_single_variable_grns.", true},
    };
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        const size_t n = strlen(aliases[i].from);
        if (strncmp(name, aliases[i].from, n) == 0 &&
            (!aliases[i].when_shared || config->share_single_variable_networks)) {
            snprintf(out, capacity, "%s%s", aliases[i].to, name + n);
            return;
        }
    }
    snprintf(out, capacity, "%s", name);
}

size_t tft_parameter_index(const tft_model *model, const char *name)
{
    size_t i = 0;
    while (i < model->n_entries && strcmp(model->entries[i].name, name) != 0)
        i++;
    return i;
}

static tft_status check_shape(const tft_parameter_entry *entry, const tft_tensor_view *tensor, tft_error *err)
{
    bool same = tensor->n_dims == entry->n_dims;
    for (size_t i = 0; same && i < entry->n_dims; i++)
        same = tensor->dims[i] == entry->dims[i];
    if (tensor->dtype == TFT_DTYPE_I64)
        return tft_fail(err, TFT_ERR_MISMATCH, "tensor %s: integers, expected F32", tensor->name);
    if (same)
        return TFT_OK;
    if (entry->n_dims == 2)
        return tft_fail(err, TFT_ERR_MISMATCH, "tensor %s: %zu elements in %zu dimensions, expected [%zu, %zu]",
                        tensor->name, tensor->n, tensor->n_dims, entry->dims[0], entry->dims[1]);
    return tft_fail(err, TFT_ERR_MISMATCH, "tensor %s: %zu elements in %zu dimensions, expected [%zu]", tensor->name,
                    tensor->n, tensor->n_dims, entry->dims[0]);
}

static tft_status take_tensor(const tft_model *model, const tft_tensor_view *tensor, float *values, bool *seen,
                              tft_error *err)
{
    char name[TFT_TENSOR_NAME];
    tft_canonical_name(&model->config, tensor->name, name, sizeof name);
    const size_t i = tft_parameter_index(model, name);
    if (i == model->n_entries)
        return tft_fail(err, TFT_ERR_MISMATCH, "tensor %s: this network has none of that name", tensor->name);
    const tft_parameter_entry *const entry = &model->entries[i];
    const tft_status status = check_shape(entry, tensor, err);
    if (status != TFT_OK)
        return status;
    float *const to = values + entry->offset;
    for (size_t k = 0; k < entry->n; k++) {
        const float value = (float)tft_tensor_value(tensor, k);
        if (!isfinite(value))
            return tft_fail(err, TFT_ERR_FORMAT, "tensor %s: element %zu is not a finite number", tensor->name, k);
        if (seen[i] && value != to[k])
            return tft_fail(err, TFT_ERR_MISMATCH, "tensor %s: differs from %s, of which it should be another name",
                            tensor->name, entry->name);
        to[k] = value;
    }
    seen[i] = true;
    return TFT_OK;
}

static tft_status take_file(const tft_model *model, const tft_safetensors *file, float *values, bool *seen,
                            tft_error *err)
{
    for (size_t i = 0; i < file->n; i++) {
        const tft_status status = take_tensor(model, &file->tensors[i], values, seen, err);
        if (status != TFT_OK)
            return status;
    }
    for (size_t i = 0; i < model->n_entries; i++) {
        if (!seen[i])
            return tft_fail(err, TFT_ERR_MISMATCH, "tensor %s is missing", model->entries[i].name);
    }
    return TFT_OK;
}

tft_status tft_model_load_weights(tft_model *model, const char *path, tft_error *err)
{
    tft_safetensors file = {0};
    tft_status status = tft_safetensors_open(path, &file, err);
    if (status != TFT_OK)
        return status;
    float *const values = calloc(model->n_floats, sizeof *values);
    bool *const seen = calloc(model->n_entries, sizeof *seen);
    if (values == NULL || seen == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu weights", model->n_floats);
    } else {
        status = take_file(model, &file, values, seen, err);
        if (status != TFT_OK)
            tft_error_prefix(err, "%s", path);
    }
    if (status == TFT_OK) {
        memcpy(model->values, values, model->n_floats * sizeof *values);
        tft_model_refresh(model);
    }
    free(values);
    free(seen);
    tft_safetensors_close(&file);
    return status;
}

tft_status tft_model_save_weights(const tft_model *model, const char *path, tft_error *err)
{
    tft_tensor_source *const tensors = calloc(model->n_entries, sizeof *tensors);
    if (tensors == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to list %zu tensors", model->n_entries);
    for (size_t i = 0; i < model->n_entries; i++) {
        const tft_parameter_entry *const entry = &model->entries[i];
        tensors[i] = (tft_tensor_source){.name = entry->name, .dtype = TFT_DTYPE_F32, .n_dims = entry->n_dims};
        memcpy(tensors[i].dims, entry->dims, sizeof entry->dims);
        tensors[i].data = model->values + entry->offset;
    }
    const tft_status status = tft_safetensors_write(path, tensors, model->n_entries, err);
    free(tensors);
    return status;
}
