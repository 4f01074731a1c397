/* dataset.h - many servers' series read from CSV files: what training and offline forecasts work on.
 *
 * A file has a header row; RFC 4180 quoting; plain, .gz, .xz or .zst (told by content, not by name). Column names
 * come from the options; without any, the default contract: whichever of its metrics the files have, and `state`,
 * `profile`. A missing cell or row is a missing value. Rows may come in any order and at any pace: they are placed
 * into steps by their time, and a repeated (server, time) counts once. A file without a server column is one server.
 *
 * A cell that is no number, out of its metric's range or an unknown word is left out and its row counted as rejected; a
 * row without a readable time or name, or with more or fewer cells than the header, is left out as a whole. A row with
 * no value at all is a missing row, unless its state is offline or maintenance.
 *
 * Memory:  the dataset owns its series and names; the steps of all servers together take at most `max_bytes`.
 * Threads: reading is one thread; a finished dataset may be read by many.
 */
#ifndef TFT_DATASET_H
#define TFT_DATASET_H

#include "tft/series.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tft_dataset {
    tft_contract contract;
    size_t n_servers, capacity;
    char **names;              // [n_servers]
    tft_series *series;        // [n_servers]
    size_t n_rows, n_rejected; // rows read, and those of them that had a fault (the first one in first_fault)
    char first_fault[512];     // "file.csv:17: cpu_pct is 140.2, must be 0 to 100"
    size_t max_bytes;          // bound of the steps' memory; set by open (8 GiB), may be changed after it
    void *index;               // name → server, private to dataset.c
} tft_dataset;

typedef struct tft_csv_columns {
    const char *time;    // NULL = "timestamp", else "date"
    const char *server;  // NULL = "server_name"
    const char *state;   // NULL = "state"
    const char *profile; // NULL = "profile"
} tft_csv_columns;

/* Starts an empty dataset that reads the metrics of `contract`. */
tft_status tft_dataset_open(const tft_contract *contract, tft_dataset *dataset, tft_error *err);
void tft_dataset_close(tft_dataset *dataset);

/* Adds a file's rows ("-" = standard input). `columns` may be NULL. TFT_ERR_FORMAT for a file that is no such CSV;
 * single bad cells and rows are left out and counted, with the first one's place and reason in first_fault. */
tft_status tft_dataset_read_csv(tft_dataset *dataset, const char *path, const tft_csv_columns *columns, tft_error *err);

/* The columns a file has, for building a contract from it: names joined in *columns (free()), count in *n. */
tft_status tft_csv_header(const char *path, char ***columns, size_t *n, tft_error *err);
void tft_csv_header_free(char **columns, size_t n);

/* Adds one record to the server called name[0 … n−1], made if new. `profile` −1 = not told: by its name.
 * A repeated (server, time) changes nothing. TFT_ERR_FORMAT for a name that cannot be, or a time that is farther than
 * 10 million steps from the server's others; TFT_ERR_LIMIT where max_bytes would be passed. */
tft_status tft_dataset_add(tft_dataset *dataset, const char *name, size_t n, int64_t time_ms, const double *values,
                           tft_state state, int profile, tft_error *err);
int64_t tft_dataset_find(const tft_dataset *dataset, const char *name, size_t n); // index or −1
/* Orders servers by name (byte order), so that results do not depend on the order of rows. */
void tft_dataset_sort(tft_dataset *dataset);

#ifdef __cplusplus
}
#endif
#endif
