/* fuzz_json.c - ingest_json() on any bytes: no crash, no leak, its counts add up, and what is read in one pass is read the same
 * by way of a document. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/json_plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void compare(const ingest_batch *a, const ingest_batch *b, const tft_contract *contract)
{
    if (a->n != b->n || a->received != b->received || b->n_rejected != 0 || b->n_warnings != 0)
        abort();
    for (size_t i = 0; i < a->n; i++) {
        const tft_record *const x = &a->records[i], *const y = &b->records[i];
        if (x->time_ms != y->time_ms || x->state != y->state || x->profile != y->profile ||
            x->name_length != y->name_length || memcmp(x->name, y->name, x->name_length) != 0 ||
            memcmp(x->values, y->values, contract->n_metrics * sizeof x->values[0]) != 0)
            abort();
    }
}

/* Both ways in, with and without the list alone. */
static void read_both_ways(const char *bytes, size_t n, const tft_contract *contract, const tft_record_limits *limits)
{
    for (int list_too = 0; list_too < 2; list_too++) {
        ingest_batch plain, document;
        if (!ingest_json_plain(bytes, n, list_too, contract, limits, 1000, &plain))
            continue;
        if (ingest_json_document(bytes, n, list_too, contract, limits, 1000, &document, NULL) != TFT_OK)
            abort();
        compare(&plain, &document, contract);
        ingest_batch_free(&plain);
        ingest_batch_free(&document);
    }
}

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
    read_both_ways((const char *)data, n, &contract, &limits);
    return 0;
}
