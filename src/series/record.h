/* record.h - one record as it comes from outside, and whether the contract accepts it (CONTRACT 1.1).
 *
 * Decoders (JSON, CSV, later the other protocols) fill a tft_record; tft_record_check() holds the rules that are the
 * same whatever the bytes were: time, name, ranges, at least one value. Faults that only a decoder can see (a field
 * of the wrong type, an unknown word) are written with the same tft_fault, through the helpers below, so that every
 * way into the system names its faults in the same words:
 *
 *     {"index": 7, "field": "cpu_pct", "code": "out_of_range", "reason": "cpu_pct is 140.2, must be 0 to 100"}
 *
 * Memory:  plain structs; a record's name is lent by whoever decoded it (usually the request's body or arena).
 * Threads: any; nothing is shared.
 */
#ifndef TFT_SERIES_RECORD_H
#define TFT_SERIES_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/contract.h"

#define TFT_MAX_SERVER_NAME 256 // bytes of UTF-8, without a NUL
#define TFT_RECORD_NO_PROFILE (-1)

typedef struct tft_record {
    const char *name; // name[0 … name_length−1], not NUL-terminated; lent
    size_t name_length;
    int64_t time_ms; // UTC
    double
        values[TFT_MAX_METRICS]; // [contract.n_metrics], NaN = missing (a NaN that was sent is the decoder's to reject)
    tft_state state;             // TFT_STATE_NONE where none was sent
    int profile;                 // tft_profile, or TFT_RECORD_NO_PROFILE where none was sent
} tft_record;

typedef enum tft_fault_code {
    TFT_FAULT_NONE = 0,
    TFT_FAULT_MISSING_FIELD,
    TFT_FAULT_WRONG_TYPE,
    TFT_FAULT_NOT_FINITE,
    TFT_FAULT_OUT_OF_RANGE,
    TFT_FAULT_BAD_TIMESTAMP,
    TFT_FAULT_IN_FUTURE,
    TFT_FAULT_TOO_OLD,
    TFT_FAULT_BAD_NAME,
    TFT_FAULT_UNKNOWN_STATE,
    TFT_FAULT_NO_METRICS,
    TFT_FAULT_NOT_AN_OBJECT,
    TFT_FAULT_TOO_MANY_SERVERS,
    TFT_N_FAULTS
} tft_fault_code;

typedef struct tft_fault {
    tft_fault_code code;
    char field[TFT_MAX_METRIC_NAME]; // "" = the record as a whole
    char reason[448];                // a sentence of valid UTF-8 without control characters
} tft_fault;

typedef struct tft_record_limits {
    int64_t now_ms;        // the wall clock when the record was received
    int64_t max_future_ms; // how far ahead of it a record may be: 300000 (5 min) by default
    int64_t max_past_ms;   // how far behind; 0 = unlimited (but never before 2000-01-01)
} tft_record_limits;

/* A record with everything missing. */
tft_record tft_record_empty(void);
/* The limits of the configuration's defaults at this instant. */
tft_record_limits tft_record_limits_default(int64_t now_ms);

/* True where the contract accepts the record; else false, with the first fault in the order timestamp, server_name,
 * metrics as the contract lists them, then the record as a whole. Ranges are those of the contract's metrics. */
bool tft_record_check(const tft_contract *contract, const tft_record_limits *limits, const tft_record *record,
                      tft_fault *fault);

/* The part of it about time: in_future, too_old. */
bool tft_record_time_ok(const tft_record_limits *limits, int64_t time_ms, tft_fault *fault);

/* ---- for decoders: each returns false and writes *fault where the text is not one --------------------- */

/* RFC 3339 and its relatives, see base/clock.h. */
bool tft_record_parse_time(const char *text, size_t n, int64_t *time_ms, tft_fault *fault);
/* One of the eight states; `field` is "state" or its alias "status". */
bool tft_record_parse_state(const char *field, const char *text, size_t n, tft_state *state, tft_fault *fault);
/* 1 to 256 bytes of valid UTF-8, no control characters (C0, DEL), not only blanks. */
bool tft_record_name_ok(const char *name, size_t n, tft_fault *fault);

/* Whether a value that was sent is finite and inside its metric's range (not_finite, out_of_range). */
bool tft_metric_accepts(const tft_metric *metric, double value, tft_fault *fault);

/* Writes a fault; always returns false, so that `return tft_fault_set(…)` reads well. `fault` may be NULL. */
bool tft_fault_set(tft_fault *fault, tft_fault_code code, const char *field, const char *format, ...) TFT_PRINTF(4, 5);
/* "out_of_range" …; static storage. */
const char *tft_fault_word(tft_fault_code code);
/* text[0 … n−1] fit for a sentence: cut to 80 characters (then "…"), what is not UTF-8 or is a control character
 * becomes '?'. Writes a NUL-terminated string into out[TFT_QUOTED_TEXT] and returns out. */
#define TFT_QUOTED_TEXT 336
const char *tft_fault_quote(const char *text, size_t n, char *out);

/* ---- profile by name (CONTRACT 1.7) ------------------------------------------------------------------- */

typedef struct tft_profile_prefix {
    char prefix[TFT_MAX_METRIC_NAME];
    tft_profile profile;
} tft_profile_prefix;

/* The profile whose prefix, followed by a digit, starts the name: case-insensitive in ASCII, the longest match wins, at
 * equal length the caller's `extra` table (lent, may be NULL) before the built-in one. GENERIC where nothing matches. */
tft_profile tft_profile_of_name(const char *name, size_t n, const tft_profile_prefix *extra, size_t n_extra);

#endif
