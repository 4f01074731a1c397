/* validate.h - what a CSV file has against being training data: `tftd validate` (CONTRACT 1.8).
 *
 * Every row is held against the contract as ingest would hold it, and remarks are counted per column and kind, each with
 * its first examples. Beyond single cells: order and repeated keys per server, shares of missing cells (cells of offline
 * and maintenance rows may be empty), states that hardly occur, a CPU that is pinned at its limit.
 *
 *     error    the file breaks the contract, or more than 5 % of a column is missing
 *     warning  it can be used, but something is unusual
 *
 * Memory:  a report is a fixed-size struct of about 60 kB; while reading, names and instants of the servers (names.h,
 *          times.h).
 * Threads: one report, one thread.
 */
#ifndef TFT_SERIES_VALIDATE_H
#define TFT_SERIES_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/contract.h"

#define TFT_MAX_REMARKS 160
#define TFT_MAX_EXAMPLES 3

typedef struct tft_remark_example {
    size_t line;
    char value[96]; // the cell, or a server and an instant
} tft_remark_example;

typedef struct tft_remark {
    bool is_error;
    char code[24];                    // "out_of_range", "missing_cells", "rare_state" …
    char column[TFT_MAX_METRIC_NAME]; // "" = rows as a whole
    size_t count;                     // rows or cells
    char text[192];                   // a sentence, without count and examples
    size_t n_examples;
    tft_remark_example examples[TFT_MAX_EXAMPLES];
} tft_remark;

typedef struct tft_validation {
    size_t n_rows, n_servers;
    bool any_time;
    int64_t first_ms, last_ms; // of rows with a usable timestamp
    size_t n_metrics;
    struct {
        bool present; // the file has the column
        size_t n_values, n_missing;
        double min, max; // of its values
    } metrics[TFT_MAX_METRICS];
    size_t n_states[TFT_N_STATES]; // rows in each state; NONE: without one
    size_t n_remarks, n_errors, n_warnings;
    tft_remark remarks[TFT_MAX_REMARKS];
} tft_validation;

/* Reads the file to its end. TFT_OK also where it has errors: those are remarks. Otherwise it cannot be read, is no CSV,
 * or has no memory. now_ms: the wall clock, for timestamps in the future. */
tft_status tft_validate_csv(const tft_contract *contract, const char *path, int64_t now_ms, tft_validation *report,
                            tft_error *err);

#endif
