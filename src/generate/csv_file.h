/* csv_file.h - a whole CSV of a fleet: what `tftd generate -o FILE` writes. */
#ifndef TFTD_GENERATE_CSV_FILE_H
#define TFTD_GENERATE_CSV_FILE_H

#include "generate/fleet.h"
#include "generate/output.h"

typedef struct generate_csv_plan {
    int64_t step_ms;   // distance of the rows of a server
    int64_t length_ms; // of the whole; rows stand at start, start + step, … < start + length
    /* mixed: the scenario changes of itself, as a fleet's fortune does: healthy for two days on average, then degrading or
     * critical for one to four hours. Wanted in training data, so that every scenario is in one file. */
    bool mixed;
    /* Called about five times a second with the share that is done; returns false to stop. May be NULL. */
    bool (*progress)(void *context, double done, size_t n_rows);
    void *context;
} generate_csv_plan;

/* Writes header and rows of the fleet from its clock on. TFT_ERR_INTERRUPTED where progress() said stop. */
tft_status generate_csv_write(generate_fleet *fleet, const generate_csv_plan *plan, uint64_t seed,
                              generate_output *output, size_t *n_rows, tft_error *err);

#endif
