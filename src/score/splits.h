/* splits.h - which forecasts are scored: servers and origins, listed once and walked by everything else.
 *
 *     from                                                      to
 *     |····o···········o···········o···········o················|
 *          '-- horizon --> the last target step starts before `to`
 *
 * Origins lie on multiples of `every` steps of the UTC clock (every 24 five-minute steps: 00:00, 02:00, …). A window is
 * a server and an origin; it counts when the server has a record in the step of the origin and is not `offline` in it.
 * Windows are listed server by server in the dataset's order, origins ascending.
 *
 * The named splits are those of the Bitbrains study, so that figures can be compared with published ones:
 *
 *     dev-unseen          servers of block 3 of 5 (blocks of 20 by number), origins from 2013-08-08 00:00
 *     dev-later           the other servers, origins from 2013-08-25 00:00
 *     …-anchor            the part of their windows on which the study's networks were measured: numpy_choice.h
 *     all: every 24 steps, targets before 2013-08-30 22:00; an incident is three steps in a row with cpu_pct ≥ 90
 *
 * Memory:  score_windows owns its list, 16 bytes a window.
 * Threads: any; a finished list is only read.
 */
#ifndef TFTD_SCORE_SPLITS_H
#define TFTD_SCORE_SPLITS_H

#include "tft/dataset.h"

typedef struct score_selection {
    const char *servers;    // a set as train/split.h reads it ("3/5x20", "a,b"), or NULL = all
    bool all_but_servers;   // the others instead
    int64_t from_ms, to_ms; // INT64_MIN, INT64_MAX = as far as the data goes
    size_t every;           // steps between origins
    size_t chosen;          // 0 = all windows; else that many of them, drawn from `draws_before` earlier ones
    size_t draws_before;    // windows of the split that drew from the same generator before (0 = none)
    size_t drawn_before;
} score_selection;

#define SCORE_MAX_HORIZONS 5 // 30m 1h 2h 4h 8h

typedef struct score_split {
    const char *name;
    score_selection selection;
    const char *incident;                 // the split's rule, as score_incident_rule reads it
    double base_rate[SCORE_MAX_HORIZONS]; // of the study's training windows, 30m … 8h: its climatology
} score_split;

const score_split *score_split_find(const char *name); // NULL = no such split
const char *score_split_names(void);                   // "dev-unseen, dev-later, …"

typedef struct score_window {
    uint32_t server; // index into the dataset
    int64_t origin;  // step number
} score_window;

typedef struct score_windows {
    size_t n;
    score_window *items;
    size_t n_origins; // different ones
    size_t n_servers; // with at least one window
} score_windows;

/* Lists the windows. TFT_ERR_NOT_FOUND where there are none, with what was looked for. */
tft_status score_windows_list(const tft_dataset *dataset, const score_selection *selection, score_windows *windows,
                              tft_error *err);
void score_windows_free(score_windows *windows); // accepts a zeroed struct

/* "cpu_pct>=90x3": an incident starts at the third of three steps in a row at 90 or above; "state": by state. */
tft_status score_incident_rule(const char *text, const tft_contract *contract, tft_incident_rule *rule, tft_error *err);

#endif
