/* fuzz_safetensors.c - weights from strangers: whatever the bytes are, the file is read inside its bounds or refused with
 * a text.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tft/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    tft_safetensors file = {0};
    tft_error err = {0};
    if (tft_safetensors_parse(data, n, &file, &err) != TFT_OK) {
        if (err.text[0] == '\0' || file.tensors != NULL)
            abort();
        return 0;
    }
    double sum = 0.0;
    for (size_t i = 0; i < file.n; i++) {
        if (tft_safetensors_find(&file, file.tensors[i].name) == NULL)
            abort();
        for (size_t k = 0; k < file.tensors[i].n; k++)
            sum += tft_tensor_value(&file.tensors[i], k);
    }
    volatile double seen = sum; // every element has been read
    (void)seen;
    tft_safetensors_close(&file);
    return 0;
}
