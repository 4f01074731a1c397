/* safetensors.h - reading and writing safetensors files; every byte of one is hostile until checked.
 *
 *     | n: u64 little-endian | header: n bytes of JSON {name: {dtype, shape, data_offsets: [from, to]}, …} | data |
 *
 * Source: github.com/huggingface/safetensors, "Format". Held here: the header is at most 16 MiB, every tensor is F32, F64 or
 * I64, its shape's product times the element's size is its span, spans are inside the file, and together they cover the
 * data without hole or overlap. Elements are little-endian, as is every machine this runs on.
 *
 * Memory:  a tft_tensors owns the file's bytes; data pointers are lent until tft_safetensors_free(). Data is aligned to 8.
 */
#ifndef TFT_TFT_SAFETENSORS_H
#define TFT_TFT_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

#define TFT_TENSOR_NAME 256
#define TFT_TENSOR_DIMS 8

typedef enum tft_dtype { TFT_F32, TFT_F64, TFT_I64 } tft_dtype;

typedef struct tft_stored_tensor {
    char name[TFT_TENSOR_NAME];
    tft_dtype dtype;
    size_t n_dims, dims[TFT_TENSOR_DIMS], n; // n elements
    const void *data;
} tft_stored_tensor;

typedef struct tft_tensors {
    char *bytes;
    char *aligned; // the data part, moved where its alignment in the file was off
    size_t n;
    tft_stored_tensor *items; // in the file's order of data
} tft_tensors;

tft_status tft_safetensors_read(const char *path, size_t max_bytes, tft_tensors *tensors, tft_error *err);
/* The same from memory: takes over `bytes` (malloc), also on failure. */
tft_status tft_safetensors_parse(char *bytes, size_t n, tft_tensors *tensors, tft_error *err);
void tft_safetensors_free(tft_tensors *tensors);
/* NULL where there is none of that name. */
const tft_stored_tensor *tft_safetensors_find(const tft_tensors *tensors, const char *name);
/* Writes the items in their order, whole or not at all (tft_file_replace). */
tft_status tft_safetensors_write(const char *path, const tft_stored_tensor *items, size_t n, tft_error *err);

#endif
