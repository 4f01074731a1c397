/* source_csv.h - forecasts read from CSV files as the forecaster under test: what `tftd forecast` writes, or any other tool.
 *
 *     origin,server_name,metric,timestamp,q0.02,q0.1,…      the quantile columns ascend; at least one
 *     origin,server_name,p_30m,p_1h,p_2h,p_4h,p_8h          incident probabilities; an empty cell = none
 *
 * Origins and timestamps are labels of steps; row k of an origin is stamped origin + k steps. Rows may come in any order.
 * A row of a server or a metric that the data does not have, of a step outside the horizon, or of a window that is not
 * scored is skipped and counted; a row with a fault (no time, no number, quantiles that fall) ends the reading, with file
 * and line: a broken forecast must not be scored as if it were a gap. A window is answered when every cell of it that
 * can be scored has a row; a metric without any row at that origin counts as refused, too.
 *
 * Memory:  owns one row of levels per (window, metric, step) of the windows that the file speaks of, taken as they come:
 *          horizon · targets · 44 bytes a window, at most `max_bytes` (then TFT_ERR_LIMIT).
 * Threads: one.
 */
#ifndef TFTD_SCORE_SOURCE_CSV_H
#define TFTD_SCORE_SOURCE_CSV_H

#include "score/evaluate.h"
#include "series/reader.h"

typedef struct score_csv score_csv;

/* The windows are lent until close; listed server by server, origins ascending. */
tft_status score_csv_open(const tft_dataset *dataset, const score_windows *windows, size_t max_bytes, score_csv **csv,
                          tft_error *err);
void score_csv_close(score_csv *csv); // accepts NULL

/* Adds a file's rows; `name` goes into messages. The reader is taken over. */
tft_status score_csv_add_forecasts(score_csv *csv, tft_reader *reader, const char *name, tft_error *err);
tft_status score_csv_add_incidents(score_csv *csv, tft_reader *reader, const char *name, tft_error *err);

size_t score_csv_skipped(const score_csv *csv); // rows that belong to no scored window
score_source score_csv_source(score_csv *csv);

/* The origins that a file of forecasts speaks of, and nothing else: windows from it, instead of from the calendar. */
tft_status score_csv_windows(const tft_dataset *dataset, tft_reader *reader, const char *name, score_windows *windows,
                             tft_error *err);

#endif
