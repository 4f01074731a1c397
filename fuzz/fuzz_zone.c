/* fuzz_zone.c - zone_decode() on any bytes: refused, or a zone whose offsets can be asked for any time. */
#include <stdint.h>
#include <stdlib.h>

#include "notify/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    zone *z = NULL;
    tft_error err = {0};
    const tft_status status = zone_decode(data, n, &z, &err);
    if ((status == TFT_OK) != (z != NULL) || (status != TFT_OK) != (err.text[0] != '\0'))
        abort();
    for (int64_t s = -((int64_t)1 << 36); z != NULL && s < (int64_t)1 << 37; s += (int64_t)1 << 31) {
        const int32_t offset = zone_offset_s(z, s);
        if (offset < -1000000 || offset > 1000000)
            abort();
        (void)zone_to_utc_s(z, s);
    }
    zone_close(z);
    return 0;
}
