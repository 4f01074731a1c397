/* step_rows.h - a step, or an hour in place of steps, as JSON and as CSV: what /history/steps and an export have in common.
 *
 *     {"start": "2026-11-24T01:20:00Z", "state": "healthy", "records": 60, "partial": false, "resolution_s": 300,
 *      "metrics": {"cpu_pct": {"mean": 37.5, "min": 31, "max": 44, "count": 60}}}
 *
 * Threads: any; pure functions of their arguments.
 */
#ifndef TFTD_SERVER_STEP_ROWS_H
#define TFTD_SERVER_STEP_ROWS_H

#include "base/text.h"
#include "store/reader.h"
#include "tft/series.h"

/* A state that nobody sent follows from the means, as in memory. */
void step_row_derive(const tft_contract *contract, tft_profile profile, store_past_step *row);

/* Bit m of `metrics`: metric m is wanted. `name` NULL leaves server_name out of the JSON. */
void step_row_json(const tft_contract *contract, uint32_t metrics, const char *name, const store_past_step *row,
                   bool partial, tft_text *out);
void step_row_csv_head(const tft_contract *contract, uint32_t metrics, tft_text *out);
void step_row_csv(const tft_contract *contract, uint32_t metrics, const char *name, const store_past_step *row,
                  bool partial, tft_text *out);

#endif
