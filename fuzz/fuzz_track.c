/* fuzz_track.c - track_unpack() on any bytes: refused, or rows that lie inside the room it was given. */
#include <stdint.h>
#include <stdlib.h>

#include "track/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    enum { ROOM = 4 * FORECAST_N_QUANTILES * 96 };
    const tft_contract contract = tft_contract_default();
    float *const values = malloc(ROOM * sizeof *values);
    track_said said = {.values = values, .n_values = ROOM};
    if (values != NULL && track_unpack(&contract, data, n, &said)) {
        for (size_t m = 0; m < TFT_MAX_METRICS; m++) {
            if (said.rows[m] != NULL &&
                (said.rows[m] < values || said.rows[m] + FORECAST_N_QUANTILES * said.horizon > values + ROOM))
                abort();
        }
    }
    free(values);
    return 0;
}
