/* record_rows.h - a raw record as JSON and as CSV, exactly as it was sent: what /history/records and an export have in common.
 *
 * Threads: any; pure functions of their arguments.
 */
#ifndef TFTD_SERVER_RECORD_ROWS_H
#define TFTD_SERVER_RECORD_ROWS_H

#include "base/text.h"
#include "store/reader.h"
#include "tft/series.h"

/* A state that was not sent is derived from the record's values, and said to be. `name` NULL leaves server_name out. */
void record_row_json(const tft_contract *contract, tft_profile profile, const char *name,
                     const store_past_record *record, tft_text *out);
void record_row_csv_head(const tft_contract *contract, tft_text *out);
/* A state that was not sent is an empty cell: read back, it is derived again. */
void record_row_csv(const tft_contract *contract, const char *name, const store_past_record *record, tft_text *out);

#endif
