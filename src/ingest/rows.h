/* rows.h - records a row each: NDJSON (an object per line) and CSV (RFC 4180, with a header).
 *
 *     {"timestamp": "2025-10-13T16:00:00Z", "server_name": "ppdb001", "cpu_pct": 37.5}⏎
 *
 *     timestamp,server_name,cpu_pct,state⏎
 *     2025-10-13T16:00:00Z,ppdb001,37.5,healthy⏎
 *
 * The rules are those of ingest/json.h, and a bad row costs its neighbours nothing. Index i of a fault is the i-th row that
 * is not blank, the header not counted. CSV: columns are found by their names, others are ignored, an empty cell is a
 * missing value; a cell may be quoted, with quotes doubled and line breaks inside.
 *
 * Memory:  the batch owns copies of the names, at most as many bytes as the body has. Threads: a batch, a thread.
 */
#ifndef TFTD_INGEST_ROWS_H
#define TFTD_INGEST_ROWS_H

#include "ingest/json.h"

/* TFT_ERR_LIMIT: more than max_records rows. */
tft_status ingest_ndjson(const char *bytes, size_t n, const tft_contract *contract, const tft_record_limits *limits,
                         size_t max_records, ingest_batch *batch, tft_error *err);
/* TFT_ERR_FORMAT: a quoted cell that does not end. TFT_ERR_ARGUMENT: the header lacks timestamp or server_name. */
tft_status ingest_csv(const char *bytes, size_t n, const tft_contract *contract, const tft_record_limits *limits,
                      size_t max_records, ingest_batch *batch, tft_error *err);

#endif
