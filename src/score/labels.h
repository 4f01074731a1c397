/* labels.h - which windows were followed by an incident, and when; and how often their server had one before.
 *
 * Each server's series is walked once from its start (series/incident.h), so an incident is what the whole history says it
 * is. Windows must be listed server by server with ascending origins, as score_windows_list does.
 *
 * Memory:  owns its arrays. Threads: any; one call builds, then it is only read.
 */
#ifndef TFTD_SCORE_LABELS_H
#define TFTD_SCORE_LABELS_H

#include "score/splits.h"

typedef struct score_labels {
    size_t n; // windows
    size_t n_horizons;
    uint8_t *counts;    // [n] 1 = the window is a case: labels are known and the server is in no incident at the origin
    uint32_t *first;    // [n] first horizon step in which an incident starts; 0 = none within the horizon
    uint32_t *followed; // [n, n_horizons] steps of the last seven days that were followed by a start within h …
    uint32_t *of; // [n, n_horizons] … of so many: those in no incident, and not within h of the origin (who knows
                  // yet what follows them?)
} score_labels;

/* steps [n_horizons]: the horizons h, ascending. */
tft_status score_labels_make(const tft_dataset *dataset, const tft_incident_rule *rule, const score_windows *windows,
                             const uint32_t *steps, size_t n_horizons, score_labels *labels, tft_error *err);
void score_labels_free(score_labels *labels); // accepts a zeroed struct

#endif
