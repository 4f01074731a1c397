/* fuzz_json.c - ingest_json() on any bytes: no crash, no leak, and its counts add up. */
#include <stdint.h>
#include <stdlib.h>

#include "ingest/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const tft_contract contract = tft_contract_default();
    const tft_record_limits limits = tft_record_limits_default(1760373000000);
    ingest_batch batch;
    tft_error err = {0};
    const tft_status status = ingest_json((const char *)data, n, &contract, &limits, 1000, &batch, &err);
    if (status == TFT_OK && batch.n + batch.n_rejected != batch.received)
        abort();
    if (status != TFT_OK && err.text[0] == '\0')
        abort();
    for (size_t i = 0; status == TFT_OK && i < batch.n; i++) {
        if (!tft_record_check(&contract, &limits, &batch.records[i], NULL))
            abort();
    }
    ingest_batch_free(&batch);
    return 0;
}
