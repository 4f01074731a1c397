/* fuzz_forecasts.c - files of forecasts and of incident probabilities, as tftd evaluate reads them. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "score/source_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define HORIZON 12

/* Two servers with twenty steps; the windows are two origins of each. */
static void make_data(tft_dataset *data, score_window *windows)
{
    tft_contract contract = tft_contract_default();
    contract.horizon = HORIZON;
    contract.n_metrics = 2;
    tft_dataset_open(&contract, data, NULL);
    const double values[2] = {10, 20};
    for (int64_t i = 0; i < 20; i++) {
        tft_dataset_add(data, "p", 1, i * contract.step_ms, values, TFT_STATE_NONE, -1, NULL);
        tft_dataset_add(data, "q", 1, i * contract.step_ms, values, TFT_STATE_NONE, -1, NULL);
    }
    tft_dataset_sort(data);
    for (uint32_t i = 0; i < 4; i++)
        windows[i] = (score_window){i / 2, 4 + i % 2};
}

static tft_reader *reader_of(const uint8_t *data, size_t n)
{
    tft_reader *reader = NULL;
    return tft_reader_open_bytes(data, n, &reader, NULL) == TFT_OK ? reader : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    tft_dataset dataset;
    score_window items[4];
    make_data(&dataset, items);
    const score_windows windows = {.n = 4, .items = items, .n_origins = 2, .n_servers = 2};
    score_csv *csv = NULL;
    if (score_csv_open(&dataset, &windows, 1 << 16, &csv, NULL) == TFT_OK) {
        tft_error err = {0};
        tft_reader *reader = reader_of(data, n);
        if (reader != NULL)
            score_csv_add_forecasts(csv, reader, "f", &err);
        reader = reader_of(data, n);
        if (reader != NULL)
            score_csv_add_incidents(csv, reader, "i", &err);
        const score_source source = score_csv_source(csv);
        float levels[4 * 2 * HORIZON * SCORE_N_LEVELS], incident[4 * HORIZON];
        uint8_t ok[4];
        source.run(source.context, items, 4, levels, ok, source.incidents ? incident : NULL, &err);
        for (size_t i = 0; i < 4; i++) { // what is answered is finite and ascends
            for (size_t k = 0; ok[i] && k < 2 * HORIZON * SCORE_N_LEVELS; k++) {
                const float value = levels[i * 2 * HORIZON * SCORE_N_LEVELS + k];
                if (!isfinite(value) ||
                    (k % SCORE_N_LEVELS > 0 && value < levels[i * 2 * HORIZON * SCORE_N_LEVELS + k - 1]))
                    abort();
            }
        }
    }
    score_csv_close(csv);
    score_windows found = {0};
    tft_reader *const reader = reader_of(data, n);
    if (reader != NULL && score_csv_windows(&dataset, reader, "f", &found, NULL) == TFT_OK)
        score_windows_free(&found);
    tft_dataset_close(&dataset);
    return 0;
}
