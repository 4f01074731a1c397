/* origins.h - every place of the data that a window may end at, drawn from uniformly.
 *
 * An origin is a (server, step) whose step is known and not offline, that has at least 2 known steps in its context, and
 * at least one known target value between it and the last step that may be looked at. Millions of them lie in long
 * runs of neighbouring steps, so they are kept as runs with cumulative counts: drawing is a binary search.
 *
 *     run 0: vm001, steps 100 … 899     cumulative   800
 *     run 1: vm001, steps 905 … 1204                1100
 *     run 2: vm002, …
 *
 * Groups: servers may belong to groups (real data, generated data), each drawn with its own share whatever its size.
 *
 * Memory:  tft_origins owns its runs.
 * Threads: drawing only reads; each thread has its own random stream.
 */
#ifndef TFT_TRAIN_ORIGINS_H
#define TFT_TRAIN_ORIGINS_H

#include "base/rng.h"
#include "tft/dataset.h"
#include "train/split.h"

typedef struct tft_origin {
    uint32_t server;
    int64_t step;      // step number of the last known step
    int64_t last_step; // of the targets that may be read
} tft_origin;

typedef struct tft_run {
    uint32_t server, first; // index of the first origin inside the series
    uint64_t end;           // origins up to and with this run, counted inside its group
} tft_run;

typedef struct tft_origin_group {
    size_t first_run, n_runs;
    uint64_t n;   // origins
    double share; // of the draws; all of them together are 1
} tft_origin_group;

typedef struct tft_origins {
    const tft_dataset *dataset; // lent
    int64_t last_step;
    size_t n_runs, capacity, n_groups;
    tft_run *runs;
    tft_origin_group *groups;
    uint64_t n;
} tft_origins;

typedef struct tft_origin_filter {
    tft_role role;
    int64_t first_step, last_step; // origins lie at or after first_step; nothing after last_step is looked at
    bool incident_ahead;           // only origins with an incident starting inside the horizon
    const uint16_t *group_of;      // [n_servers] group of each server, or NULL: all in one
    const double *group_share;     // [n_groups] relative, or NULL: by number of origins
    size_t n_groups;
} tft_origin_filter;

/* An empty set is no error: n is 0 then. */
tft_status tft_origins_find(const tft_dataset *dataset, const tft_split *split, const tft_origin_filter *filter,
                            tft_origins *origins, tft_error *err);
void tft_origins_free(tft_origins *origins); // accepts a zeroed struct

tft_origin tft_origins_draw(const tft_origins *origins, tft_rng *rng); // n ≥ 1

#endif
