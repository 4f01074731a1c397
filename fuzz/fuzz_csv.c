/* fuzz_csv.c - any bytes as a CSV file: unpacked, cut into rows, read into a dataset, and validated. Nothing may crash,
 * whatever was accepted is finite and inside its range, and both readers agree on the number of rows. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "series/validate.h"
#include "tft/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const tft_dataset *d)
{
    for (size_t i = 0; i < d->n_servers; i++) {
        const tft_series *const s = &d->series[i];
        for (size_t k = 0; k < s->n_steps * s->n_metrics; k++) {
            const tft_metric *const metric = &d->contract.metrics[k % s->n_metrics];
            const double value = (double)s->values[k];
            if (!isnan(value) && !(value >= metric->min && value <= metric->max))
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, n, 0) != (ssize_t)n)
        return 0;
    const tft_contract contract = tft_contract_default();
    tft_dataset d;
    if (tft_dataset_open(&contract, &d, NULL) != TFT_OK)
        return 0;
    d.max_bytes = 4 << 20;
    static tft_validation report;
    const tft_status read = tft_dataset_read_csv(&d, path, NULL, NULL);
    const tft_status validated = tft_validate_csv(&contract, path, INT64_C(1760371200000), &report, NULL);
    if (read == TFT_OK && (validated != TFT_OK || report.n_rows != d.n_rows))
        abort();
    tft_dataset_sort(&d);
    check(&d);
    tft_dataset_close(&d);
    return 0;
}
