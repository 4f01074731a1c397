/* safetensors.c - see safetensors.h. */
#include "tft/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors are little-endian; a big-endian machine would have to swap them here"
#endif

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {[TFT_DTYPE_F32] = {"F32", 4}, [TFT_DTYPE_F64] = {"F64", 8}, [TFT_DTYPE_I64] = {"I64", 8}};

/* ---- reading ------------------------------------------------------------------------------------------ */

static tft_status read_size(const tft_json *value, size_t *out)
{
    double number = 0.0;
    if (!tft_json_number(value, &number) || !(number >= 0.0) || number > 9007199254740992.0 || number != floor(number))
        return TFT_ERR_FORMAT;
    *out = (size_t)number;
    return TFT_OK;
}

static tft_status read_dtype(const tft_json *entry, tft_tensor_view *tensor, tft_error *err)
{
    size_t length = 0;
    const char *const text = tft_json_string(tft_json_at(entry, "dtype"), &length);
    for (size_t d = 0; text != NULL && d < sizeof dtypes / sizeof dtypes[0]; d++) {
        if (length == strlen(dtypes[d].name) && memcmp(text, dtypes[d].name, length) == 0) {
            tensor->dtype = (tft_dtype)d;
            return TFT_OK;
        }
    }
    return tft_fail(err, TFT_ERR_FORMAT, "tensor %s: type \"%.20s\", known are F32, F64 and I64", tensor->name,
                    text != NULL ? text : "missing");
}

static tft_status read_shape(const tft_json *entry, tft_tensor_view *tensor, tft_error *err)
{
    const tft_json *const shape = tft_json_at(entry, "shape");
    if (tft_json_kind_of(shape) != TFT_JSON_ARRAY)
        return tft_fail(err, TFT_ERR_FORMAT, "tensor %s: no shape", tensor->name);
    tensor->n_dims = tft_json_length(shape);
    if (tensor->n_dims > TFT_TENSOR_MAX_DIMS)
        return tft_fail(err, TFT_ERR_LIMIT, "tensor %s: %zu dimensions, at most %d are read", tensor->name,
                        tensor->n_dims, TFT_TENSOR_MAX_DIMS);
    tensor->n = 1;
    for (size_t i = 0; i < tensor->n_dims; i++) {
        if (read_size(tft_json_item(shape, i), &tensor->dims[i]) != TFT_OK)
            return tft_fail(err, TFT_ERR_FORMAT, "tensor %s: dimension %zu is not a whole number", tensor->name, i);
        tensor->n = tft_mul_sat(tensor->n, tensor->dims[i]);
    }
    return TFT_OK;
}

static tft_status read_offsets(const tft_json *entry, size_t n_data, tft_tensor_view *tensor, tft_error *err)
{
    const tft_json *const offsets = tft_json_at(entry, "data_offsets");
    if (tft_json_kind_of(offsets) != TFT_JSON_ARRAY || tft_json_length(offsets) != 2 ||
        read_size(tft_json_item(offsets, 0), &tensor->begin) != TFT_OK ||
        read_size(tft_json_item(offsets, 1), &tensor->end) != TFT_OK)
        return tft_fail(err, TFT_ERR_FORMAT, "tensor %s: data_offsets must be two whole numbers", tensor->name);
    if (tensor->begin > tensor->end || tensor->end > n_data)
        return tft_fail(err, TFT_ERR_FORMAT, "tensor %s: bytes %zu to %zu of %zu", tensor->name, tensor->begin,
                        tensor->end, n_data);
    const size_t expected = tft_mul_sat(tensor->n, dtypes[tensor->dtype].size);
    if (tensor->end - tensor->begin != expected)
        return tft_fail(err, TFT_ERR_FORMAT, "tensor %s: %zu bytes, its shape needs %zu", tensor->name,
                        tensor->end - tensor->begin, expected);
    return TFT_OK;
}

typedef struct header_walk {
    tft_safetensors *file;
    const unsigned char *data;
    size_t n_data;
    tft_status status;
    tft_error *err;
} header_walk;

static void visit_entry(void *context, const char *key, const tft_json *value)
{
    header_walk *const walk = context;
    if (walk->status != TFT_OK || strcmp(key, "__metadata__") == 0)
        return;
    tft_tensor_view *const tensor = &walk->file->tensors[walk->file->n];
    memset(tensor, 0, sizeof *tensor);
    const size_t length = strlen(key);
    if (length == 0 || length >= sizeof tensor->name) {
        walk->status =
            tft_fail(walk->err, TFT_ERR_LIMIT, "a tensor's name of %zu bytes (\"%.40s\"), allowed are 1 to %zu", length,
                     key, sizeof tensor->name - 1);
        return;
    }
    memcpy(tensor->name, key, length);
    if (tft_json_kind_of(value) != TFT_JSON_OBJECT)
        walk->status = tft_fail(walk->err, TFT_ERR_FORMAT, "tensor %s: its entry is not an object", tensor->name);
    if (walk->status == TFT_OK)
        walk->status = read_dtype(value, tensor, walk->err);
    if (walk->status == TFT_OK)
        walk->status = read_shape(value, tensor, walk->err);
    if (walk->status == TFT_OK)
        walk->status = read_offsets(value, walk->n_data, tensor, walk->err);
    if (walk->status != TFT_OK)
        return;
    tensor->bytes = walk->data + tensor->begin;
    walk->file->n++;
}

static int by_place(const void *a, const void *b)
{
    const tft_tensor_view *const x = a, *const y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

static tft_status check_cover(const tft_safetensors *file, size_t n_data, tft_error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < file->n; i++) {
        const tft_tensor_view *const tensor = &file->tensors[i];
        if (tensor->begin < at)
            return tft_fail(err, TFT_ERR_FORMAT, "tensor %s: begins at byte %zu, inside %s, which ends at %zu",
                            tensor->name, tensor->begin, file->tensors[i - 1].name, at);
        if (tensor->begin > at)
            return tft_fail(err, TFT_ERR_FORMAT, "tensor %s: begins at byte %zu, %zu bytes before it belong to none",
                            tensor->name, tensor->begin, tensor->begin - at);
        at = tensor->end;
    }
    if (at != n_data)
        return tft_fail(err, TFT_ERR_FORMAT, "%zu bytes of data, the tensors fill %zu", n_data, at);
    return TFT_OK;
}

static tft_status check_header_length(const unsigned char *bytes, size_t n, size_t *length, tft_error *err)
{
    if (n < 8)
        return tft_fail(err, TFT_ERR_FORMAT, "%zu bytes: too short for a safetensors file", n);
    uint64_t header = 0;
    memcpy(&header, bytes, sizeof header);
    if (header > TFT_SAFETENSORS_MAX_HEADER)
        return tft_fail(err, TFT_ERR_LIMIT, "a header of %llu bytes, at most %zu are read", (unsigned long long)header,
                        TFT_SAFETENSORS_MAX_HEADER);
    if (header > n - 8)
        return tft_fail(err, TFT_ERR_FORMAT, "a header of %llu bytes in a file of %zu: cut short?",
                        (unsigned long long)header, n);
    if (header < 2 || bytes[8] != '{')
        return tft_fail(err, TFT_ERR_FORMAT, "the header is not a JSON object");
    *length = (size_t)header;
    return TFT_OK;
}

tft_status tft_safetensors_parse(const void *bytes, size_t n, tft_safetensors *file, tft_error *err)
{
    const unsigned char *const at = bytes;
    memset(file, 0, sizeof *file);
    size_t length = 0;
    tft_status status = check_header_length(at, n, &length, err);
    if (status != TFT_OK)
        return status;
    tft_json_document document = {0};
    status = tft_json_parse((const char *)at + 8, length, 8, &document, err);
    if (status != TFT_OK) {
        tft_error_prefix(err, "header");
        return status;
    }
    header_walk walk = {file, at + 8 + length, n - 8 - length, TFT_OK, err};
    file->tensors = calloc(tft_json_length(document.root) + 1, sizeof *file->tensors);
    if (tft_json_kind_of(document.root) != TFT_JSON_OBJECT)
        walk.status = tft_fail(err, TFT_ERR_FORMAT, "the header is not a JSON object");
    else if (file->tensors == NULL)
        walk.status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu tensors", tft_json_length(document.root));
    else
        tft_json_each(document.root, visit_entry, &walk);
    tft_json_free(&document);
    if (walk.status == TFT_OK && file->n > 0)
        qsort(file->tensors, file->n, sizeof *file->tensors, by_place);
    if (walk.status == TFT_OK)
        walk.status = check_cover(file, walk.n_data, err);
    if (walk.status != TFT_OK)
        tft_safetensors_close(file);
    return walk.status;
}

tft_status tft_safetensors_open(const char *path, tft_safetensors *file, tft_error *err)
{
    memset(file, 0, sizeof *file);
    char *bytes = NULL;
    size_t n = 0;
    tft_status status = tft_file_read(path, TFT_SAFETENSORS_MAX_FILE, &bytes, &n, err);
    if (status != TFT_OK)
        return status;
    status = tft_safetensors_parse(bytes, n, file, err);
    if (status != TFT_OK) {
        free(bytes);
        return tft_error_prefix(err, "%s", path), status;
    }
    file->owned = bytes;
    return TFT_OK;
}

void tft_safetensors_close(tft_safetensors *file)
{
    if (file == NULL)
        return;
    free(file->tensors);
    free(file->owned);
    memset(file, 0, sizeof *file);
}

const tft_tensor_view *tft_safetensors_find(const tft_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->n; i++) {
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    }
    return NULL;
}

double tft_tensor_value(const tft_tensor_view *tensor, size_t i)
{
    const unsigned char *const at = tensor->bytes + i * dtypes[tensor->dtype].size;
    if (tensor->dtype == TFT_DTYPE_F32) {
        float value;
        memcpy(&value, at, sizeof value);
        return (double)value;
    }
    if (tensor->dtype == TFT_DTYPE_F64) {
        double value;
        memcpy(&value, at, sizeof value);
        return value;
    }
    int64_t value;
    memcpy(&value, at, sizeof value);
    return (double)value;
}

/* ---- writing ------------------------------------------------------------------------------------------ */

static size_t source_bytes(const tft_tensor_source *tensor)
{
    size_t n = dtypes[tensor->dtype].size;
    for (size_t i = 0; i < tensor->n_dims; i++)
        n = tft_mul_sat(n, tensor->dims[i]);
    return n;
}

static void write_header(tft_text *text, const tft_tensor_source *tensors, size_t n)
{
    size_t begin = 0;
    tft_text_puts(text, "{");
    for (size_t i = 0; i < n; i++) {
        tft_text_puts(text, i == 0 ? "" : ",");
        tft_text_json_string(text, tensors[i].name, strlen(tensors[i].name));
        tft_text_printf(text, ":{\"dtype\":\"%s\",\"shape\":[", dtypes[tensors[i].dtype].name);
        for (size_t k = 0; k < tensors[i].n_dims; k++)
            tft_text_printf(text, "%s%zu", k == 0 ? "" : ",", tensors[i].dims[k]);
        const size_t bytes = source_bytes(&tensors[i]);
        tft_text_printf(text, "],\"data_offsets\":[%zu,%zu]}", begin, begin + bytes);
        begin += bytes;
    }
    tft_text_puts(text, "}");
    while (text->n % 8 != 0 && !text->failed) // so that the data is aligned
        tft_text_puts(text, " ");
}

tft_status tft_safetensors_write(const char *path, const tft_tensor_source *tensors, size_t n, tft_error *err)
{
    tft_text header = tft_text_new(TFT_SAFETENSORS_MAX_HEADER);
    tft_text file = tft_text_new(TFT_SAFETENSORS_MAX_FILE);
    tft_status status = TFT_OK;
    write_header(&header, tensors, n);
    const uint64_t length = header.n;
    tft_text_add(&file, (const char *)&length, sizeof length);
    tft_text_add(&file, header.bytes, header.n);
    for (size_t i = 0; i < n; i++)
        tft_text_add(&file, tensors[i].data, source_bytes(&tensors[i]));
    if (header.failed || file.failed)
        status = tft_fail(err, TFT_ERR_LIMIT, "%s: the weights do not fit into a file of %zu bytes", path,
                          TFT_SAFETENSORS_MAX_FILE);
    if (status == TFT_OK)
        status = tft_file_replace(path, file.bytes, file.n, err);
    tft_text_free(&header);
    tft_text_free(&file);
    return status;
}
