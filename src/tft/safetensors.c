/* safetensors.c - see safetensors.h. */
#include "tft/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#define MAX_HEADER ((size_t)16 << 20)
#define MAX_TENSORS 65536

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {[TFT_F32] = {"F32", 4}, [TFT_F64] = {"F64", 8}, [TFT_I64] = {"I64", 8}};

typedef struct header_reader {
    tft_tensors *tensors;
    size_t *from; // [n] offsets, beside items
    size_t data_bytes;
    tft_status status;
    tft_error *err;
} header_reader;

static tft_status read_shape(const tft_json *shape, tft_stored_tensor *tensor, tft_error *err)
{
    tensor->n_dims = tft_json_length(shape);
    tensor->n = 1;
    if (tft_json_kind_of(shape) != TFT_JSON_ARRAY || tensor->n_dims > TFT_TENSOR_DIMS)
        return tft_fail(err, TFT_ERR_FORMAT, "shape is missing or has more than %d dimensions", TFT_TENSOR_DIMS);
    for (size_t i = 0; i < tensor->n_dims; i++) {
        double d;
        if (!tft_json_number(tft_json_item(shape, i), &d) || !(d >= 0 && d <= 9007199254740992.0) ||
            d != (double)(size_t)d)
            return tft_fail(err, TFT_ERR_FORMAT, "dimension %zu is no whole number", i);
        tensor->dims[i] = (size_t)d;
        tensor->n = tft_mul_sat(tensor->n, tensor->dims[i]);
    }
    return TFT_OK;
}

static tft_status read_entry(header_reader *r, const char *name, const tft_json *entry, tft_error *err)
{
    tft_stored_tensor *const tensor = &r->tensors->items[r->tensors->n];
    const size_t length = strlen(name);
    if (length >= TFT_TENSOR_NAME)
        return tft_fail(err, TFT_ERR_LIMIT, "name of %zu bytes, at most %d", length, TFT_TENSOR_NAME - 1);
    memcpy(tensor->name, name, length + 1);
    const char *const dtype = tft_json_string(tft_json_at(entry, "dtype"), NULL);
    size_t kind = 0;
    while (dtype != NULL && kind < 3 && strcmp(dtype, dtypes[kind].name) != 0)
        kind++;
    if (dtype == NULL || kind == 3)
        return tft_fail(err, TFT_ERR_FORMAT, "dtype %.20s, must be F32, F64 or I64", dtype != NULL ? dtype : "missing");
    tensor->dtype = (tft_dtype)kind;
    const tft_status status = read_shape(tft_json_at(entry, "shape"), tensor, err);
    if (status != TFT_OK)
        return status;
    const tft_json *const offsets = tft_json_at(entry, "data_offsets");
    double from, to;
    if (tft_json_length(offsets) != 2 || !tft_json_number(tft_json_item(offsets, 0), &from) ||
        !tft_json_number(tft_json_item(offsets, 1), &to) || !(from >= 0 && to >= from))
        return tft_fail(err, TFT_ERR_FORMAT, "data_offsets must be two ascending numbers");
    if (to > (double)r->data_bytes)
        return tft_fail(err, TFT_ERR_FORMAT, "its data ends at byte %.0f, the file holds %zu: cut short?", to,
                        r->data_bytes);
    const size_t span = (size_t)to - (size_t)from, need = tft_mul_sat(tensor->n, dtypes[kind].size);
    if (span != need)
        return tft_fail(err, TFT_ERR_FORMAT, "%zu bytes, its shape needs %zu", span, need);
    r->from[r->tensors->n++] = (size_t)from;
    return TFT_OK;
}

static void visit_entry(void *context, const char *name, const tft_json *entry)
{
    header_reader *const r = context;
    if (r->status != TFT_OK || strcmp(name, "__metadata__") == 0)
        return;
    r->status = read_entry(r, name, entry, r->err);
    if (r->status != TFT_OK)
        tft_error_prefix(r->err, "tensor %.100s", name);
}

typedef struct place {
    size_t from, item;
} place;

static int by_place(const void *a, const void *b)
{
    const place *const x = a, *const y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->item < y->item ? -1 : 1;
}

/* Sorts the items by where their data lies; holes and overlaps are faults. Empty tensors take no room. */
static tft_status order_items(tft_tensors *tensors, const size_t *from, size_t data_bytes, const char *data,
                              tft_error *err)
{
    tft_status status = TFT_OK;
    place *const places = calloc(tensors->n + 1, sizeof *places);
    tft_stored_tensor *const sorted = calloc(tensors->n + 1, sizeof *sorted);
    if (places == NULL || sorted == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu tensors", tensors->n);
        goto done;
    }
    for (size_t i = 0; i < tensors->n; i++)
        places[i] = (place){from[i], i};
    qsort(places, tensors->n, sizeof *places, by_place);
    size_t end = 0;
    for (size_t i = 0; i < tensors->n && status == TFT_OK; i++) {
        sorted[i] = tensors->items[places[i].item];
        const size_t bytes = sorted[i].n * dtypes[sorted[i].dtype].size;
        if (bytes > 0 && places[i].from != end)
            status = tft_fail(err, TFT_ERR_FORMAT, "tensor %.100s: begins at byte %zu, the one before ends at %zu: %s",
                              sorted[i].name, places[i].from, end, places[i].from < end ? "they overlap" : "a hole");
        sorted[i].data = data + places[i].from;
        end += bytes;
    }
    if (status == TFT_OK && end != data_bytes)
        status = tft_fail(err, TFT_ERR_FORMAT, "%zu bytes of data, the tensors take %zu", data_bytes, end);
    if (status == TFT_OK)
        memcpy(tensors->items, sorted, tensors->n * sizeof *sorted);
done:
    free(places);
    free(sorted);
    return status;
}

tft_status tft_safetensors_parse(char *bytes, size_t n, tft_tensors *tensors, tft_error *err)
{
    tft_status status = TFT_OK;
    tft_json_document document = {0};
    size_t *from = NULL;
    *tensors = (tft_tensors){.bytes = bytes};
    uint64_t header = 0;
    if (n < 8) {
        status = tft_fail(err, TFT_ERR_FORMAT, "%zu bytes are no safetensors file", n);
        goto done;
    }
    memcpy(&header, bytes, 8);
    if (header > MAX_HEADER || header > n - 8) {
        status = tft_fail(err, TFT_ERR_FORMAT,
                          "header of %llu bytes in a file of %zu (at most %zu): cut short, or no safetensors file",
                          (unsigned long long)header, n, MAX_HEADER);
        goto done;
    }
    status = tft_json_parse(bytes + 8, (size_t)header, 8, &document, err);
    if (status != TFT_OK)
        goto done;
    const size_t n_entries = tft_json_length(document.root);
    if (tft_json_kind_of(document.root) != TFT_JSON_OBJECT || n_entries > MAX_TENSORS) {
        status = tft_fail(err, TFT_ERR_FORMAT, "header is no object of at most %d tensors", MAX_TENSORS);
        goto done;
    }
    const size_t data_bytes = n - 8 - (size_t)header;
    tensors->items = calloc(n_entries + 1, sizeof *tensors->items);
    from = calloc(n_entries + 1, sizeof *from);
    tensors->aligned = malloc(data_bytes + 1);
    if (tensors->items == NULL || from == NULL || tensors->aligned == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu tensors", n_entries);
        goto done;
    }
    memcpy(tensors->aligned, bytes + 8 + header, data_bytes);
    header_reader reader = {tensors, from, data_bytes, TFT_OK, err};
    tft_json_each(document.root, visit_entry, &reader);
    status = reader.status;
    if (status == TFT_OK)
        status = order_items(tensors, from, data_bytes, tensors->aligned, err);
done:
    free(from);
    tft_json_free(&document);
    if (status != TFT_OK)
        tft_safetensors_free(tensors);
    return status;
}

tft_status tft_safetensors_read(const char *path, size_t max_bytes, tft_tensors *tensors, tft_error *err)
{
    char *bytes = NULL;
    size_t n = 0;
    *tensors = (tft_tensors){0};
    tft_status status = tft_file_read(path, max_bytes, &bytes, &n, err);
    if (status != TFT_OK)
        return status;
    status = tft_safetensors_parse(bytes, n, tensors, err);
    if (status != TFT_OK)
        tft_error_prefix(err, "%s", path);
    return status;
}

void tft_safetensors_free(tft_tensors *tensors)
{
    if (tensors == NULL)
        return;
    free(tensors->bytes);
    free(tensors->aligned);
    free(tensors->items);
    *tensors = (tft_tensors){0};
}

const tft_stored_tensor *tft_safetensors_find(const tft_tensors *tensors, const char *name)
{
    for (size_t i = 0; i < tensors->n; i++) {
        if (strcmp(tensors->items[i].name, name) == 0)
            return &tensors->items[i];
    }
    return NULL;
}

tft_status tft_safetensors_write(const char *path, const tft_stored_tensor *items, size_t n, tft_error *err)
{
    tft_text out = tft_text_new((size_t)1 << 32);
    tft_text_add(&out, "\0\0\0\0\0\0\0\0{", 9);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t bytes = items[i].n * dtypes[items[i].dtype].size;
        tft_text_puts(&out, i > 0 ? "," : "");
        tft_text_json_string(&out, items[i].name, strlen(items[i].name));
        tft_text_printf(&out, ":{\"dtype\":\"%s\",\"shape\":[", dtypes[items[i].dtype].name);
        for (size_t k = 0; k < items[i].n_dims; k++)
            tft_text_printf(&out, "%s%zu", k > 0 ? "," : "", items[i].dims[k]);
        tft_text_printf(&out, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes);
        at += bytes;
    }
    tft_text_puts(&out, "}");
    while (!out.failed && out.n % 8 != 0) // data begins aligned
        tft_text_puts(&out, " ");
    const uint64_t header = out.n - 8;
    for (size_t i = 0; i < n; i++)
        tft_text_add(&out, items[i].data, items[i].n * dtypes[items[i].dtype].size);
    tft_status status = TFT_OK;
    if (out.failed) {
        status = tft_fail(err, TFT_ERR_MEMORY, "%s: no memory for %zu bytes", path, at);
    } else {
        memcpy(out.bytes, &header, 8);
        status = tft_file_replace(path, out.bytes, out.n, err);
    }
    tft_text_free(&out);
    return status;
}
