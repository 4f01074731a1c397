/* fuzz_unpack.c - ingest_unpack() on any bytes; the first one chooses the encoding. The bound holds whatever comes. */
#include <stdint.h>
#include <stdlib.h>

#include "ingest/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    tft_text out = tft_text_new(65536);
    ingest_unpack((ingest_encoding)(data[0] % 4), (const char *)data + 1, n - 1, &out, NULL);
    if (out.n > 65536)
        abort();
    tft_text_free(&out);
    return 0;
}
