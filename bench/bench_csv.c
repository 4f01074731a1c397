/* bench_csv.c - seconds to read CSV files into a dataset:  bench_csv FILE… */
#include <stdio.h>

#include "base/clock.h"
#include "tft/dataset.h"

int main(int argc, char **argv)
{
    const tft_contract contract = tft_contract_default();
    tft_dataset dataset;
    tft_error err = {0};
    if (tft_dataset_open(&contract, &dataset, &err) != TFT_OK)
        return 1;
    for (int i = 1; i < argc; i++) {
        const double from = tft_monotonic_s();
        const size_t rows = dataset.n_rows;
        if (tft_dataset_read_csv(&dataset, argv[i], NULL, &err) != TFT_OK)
            fprintf(stderr, "%s\n", err.text);
        const double s = tft_monotonic_s() - from;
        printf("%s: %zu rows in %.2f s, %.2f million rows/s; %zu servers, %zu rejected %s\n", argv[i],
               dataset.n_rows - rows, s, 1e-6 * (double)(dataset.n_rows - rows) / s, dataset.n_servers,
               dataset.n_rejected, dataset.first_fault);
    }
    tft_dataset_sort(&dataset);
    tft_dataset_close(&dataset);
    return 0;
}
