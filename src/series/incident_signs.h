/* incident_signs.h - what an operator would look at before saying that a server is about to fail, in numbers: the inputs that
 * go to the incident head alone (tft/signs.h), whatever the contract's rule is.
 *
 * The pressure of a step is how near it is to what counts as an incident, 1 = there:
 *     by metric   value ÷ level
 *     by state    the largest of cpu ÷ 95, mem ÷ 95 (database 99), latency ÷ 200: the limits of critical_issue (CONTRACT 1.6)
 * Signs, all without units and cut to ±4:
 *     the pressure now, of the steps before, means and spreads of 1 h … 7 d, largest of 1 h and 6 h, changes
 *     the present run, time since the last start, high and near step (incident_past.h has these marks), how often and how
 *     long of each in 1 h … 7 d; how long it has been busy or idle (pressure above or below ½, ⅓), crossings of ½
 *     for each of five horizons h: how often a start came within h of a moment of the last week and day (this server's own
 *     frequency), the same of the 128 moments most like now (analogs.h), and on how many of the last seven days the clock's same
 *     h hours saw a start, and high steps
 *     of each of the first four metrics: its own distance from its limit, its rise over 30 min, 1 h and 3 h, its size
 *     the calendar; by state, the present state
 * Frequencies are logits with prior counts. h: a sixteenth, an eighth, a quarter, half and all of the horizon.
 *
 * Memory:  in the scratch's arena. Threads: as the scratch.
 */
#ifndef TFT_SERIES_INCIDENT_SIGNS_H
#define TFT_SERIES_INCIDENT_SIGNS_H

#include "series/incident_past.h"
#include "series/summary.h"

#define TFT_N_SIGNS 98

typedef struct tft_incident_signs {
    float *pressure;    // [n], carried over gaps, 0 before the first value
    uint8_t *bytes;     // [n] one kind of marks at a time
    tft_marks busy;     // pressure at BUSY or above
    tft_marks rises;    // to it
    tft_marks moments;  // known steps in no incident
    uint32_t *start_at; // [n + 1] where the starts are
    size_t n_starts;
} tft_incident_signs;

void tft_incident_signs_layout(tft_incident_signs *signs, size_t n, tft_arena *arena);

/* Fills out [TFT_N_SIGNS]; `marks` were made for this past, `summaries` are of all metrics. */
void tft_incident_signs_make(tft_incident_signs *signs, const tft_incident_past *marks, const tft_summary *summaries,
                             float *out);

#endif
