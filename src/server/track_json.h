/* track_json.h - how good the last forecasts were, for replies that carry a forecast: whoever reads one sees what it is worth.
 *
 *     "track": {"days": 7, "metrics": {"cpu_pct": {"n": 23040, "coverage_p10_p90": 0.81, "skill": 0.17}},
 *               "incidents": {"8h": {"n": 960, "brier": 0.031, "brier_skill": 0.22}}}
 *
 * Of the model that serves, over the whole fleet, the last seven days, as track_sum_up() found them when a kept forecast was scored
 * last: no arithmetic here. What nothing is known of is left out; a figure that is not defined is null.
 *
 * Threads: any.
 */
#ifndef TFTD_SERVER_TRACK_JSON_H
#define TFTD_SERVER_TRACK_JSON_H

#include "server/server.h"

/* Writes `, "track": {…}`. */
void track_json(const server *srv, tft_text *out);

#endif
