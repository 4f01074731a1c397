/* fuzz_rows.c - ingest_ndjson() and ingest_csv() on any bytes; the first one chooses. What is kept is sound, and counts agree. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    const tft_contract contract = tft_contract_default();
    const tft_record_limits limits = tft_record_limits_default(1760373000000);
    char *const body = malloc(n); // exactly as large as it is: a sanitizer sees the byte behind it
    if (body == NULL)
        return 0;
    memcpy(body, data + 1, n - 1);
    ingest_batch batch;
    const tft_status status =
        (data[0] % 2 == 0 ? ingest_ndjson : ingest_csv)(body, n - 1, &contract, &limits, 1000, &batch, NULL);
    free(body); // names are the batch's own
    if (status == TFT_OK && batch.n + batch.n_rejected != batch.received)
        abort();
    for (size_t i = 0; i < batch.n; i++) {
        tft_fault fault;
        if (!tft_record_check(&contract, &limits, &batch.records[i], &fault))
            abort();
    }
    ingest_batch_free(&batch);
    return 0;
}
