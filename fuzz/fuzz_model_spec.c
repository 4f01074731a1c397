/* fuzz_model_spec.c - the YAML file of tftd train. */
#include <stdint.h>

#include "cli/model_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    tft_error err = {0};
    model_spec spec;
    model_spec_parse((const char *)data, n, &spec, &err);
    return 0;
}
