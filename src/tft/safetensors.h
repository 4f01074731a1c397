/* safetensors.h - the file format of weights, read as if it came from an enemy.
 *
 * https://huggingface.co/docs/safetensors (format): little-endian,
 *
 *     | 8 bytes: N | N bytes: JSON header, '{' first, spaces allowed at its end | data: tensors, row-major |
 *     header: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …, "__metadata__": {…}}
 *
 * Offsets count from the start of the data. The data must be covered exactly: no overlap, no hole, nothing behind. We
 * hold to that, bound the header (16 MiB), a tensor's dimensions (8) and names (200 bytes), and know the types F32, F64
 * and I64. Whether a name is expected and its values are finite is the caller's question (weights.c).
 *
 * This file speaks bytes and doubles, not the room's tensors, so that a double-precision build can use it too.
 * Memory:  a tft_safetensors owns its list; the bytes are its own (open) or lent for its life (parse).
 * Threads: a parsed file may be read by many.
 */
#ifndef TFT_TFT_SAFETENSORS_H
#define TFT_TFT_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

#define TFT_TENSOR_MAX_DIMS 8
#define TFT_TENSOR_NAME 201 // bytes, with the NUL
#define TFT_SAFETENSORS_MAX_HEADER ((size_t)16 << 20)
#define TFT_SAFETENSORS_MAX_FILE ((size_t)1 << 30)

typedef enum tft_dtype { TFT_DTYPE_F32, TFT_DTYPE_F64, TFT_DTYPE_I64 } tft_dtype;

typedef struct tft_tensor_view {
    char name[TFT_TENSOR_NAME];
    tft_dtype dtype;
    size_t n_dims, dims[TFT_TENSOR_MAX_DIMS], n; // n = product of dims
    size_t begin, end;                           // bytes from the start of the data
    const unsigned char *bytes;                  // [n] elements, any alignment
} tft_tensor_view;

typedef struct tft_safetensors {
    tft_tensor_view *tensors; // in the order of their bytes
    size_t n;
    char *owned; // the file's bytes, where open() read them
} tft_safetensors;

/* TFT_ERR_FORMAT or TFT_ERR_LIMIT with the first fault; *file is then empty. */
tft_status tft_safetensors_parse(const void *bytes, size_t n, tft_safetensors *file, tft_error *err);
tft_status tft_safetensors_open(const char *path, tft_safetensors *file, tft_error *err);
void tft_safetensors_close(tft_safetensors *file); // accepts NULL and a zeroed struct

const tft_tensor_view *tft_safetensors_find(const tft_safetensors *file, const char *name); // NULL: not there
double tft_tensor_value(const tft_tensor_view *tensor, size_t i);                           // element i, converted

/* A tensor to write. */
typedef struct tft_tensor_source {
    const char *name;
    tft_dtype dtype;
    size_t n_dims, dims[TFT_TENSOR_MAX_DIMS];
    const void *data;
} tft_tensor_source;

/* Writes the tensors in this order, aside and renamed. The same tensors give the same bytes. */
tft_status tft_safetensors_write(const char *path, const tft_tensor_source *tensors, size_t n, tft_error *err);

#endif
