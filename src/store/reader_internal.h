/* reader_internal.h - what the files of the reader share. Nobody else includes it. */
#ifndef TFTD_STORE_READER_INTERNAL_H
#define TFTD_STORE_READER_INTERNAL_H

#include "store/reader.h"

struct store_reader {
    struct sqlite3 *handle;
    int64_t step_ms;
    size_t n_metrics;
    int64_t columns[TFT_MAX_METRICS]; // contract metric → place in a blob; −1 = the database does not know it
    char name[320];
};

/* SQLite's last error into err; returns the status. */
tft_status store_reader_fail(const store_reader *r, const char *doing, tft_error *err);

#endif
