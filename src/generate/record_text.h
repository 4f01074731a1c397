/* record_text.h - records as text: rows of CSV, and the body of POST /feed/data.
 *
 * Values are rounded as a monitoring system would: two places for what is read by people, more for small numbers. A value
 * that is not there is an empty cell, and left out of the JSON (CONTRACT 1.1: leave the field out).
 */
#ifndef TFTD_GENERATE_RECORD_TEXT_H
#define TFTD_GENERATE_RECORD_TEXT_H

#include "base/text.h"
#include "generate/fleet.h"

/* "timestamp,server_name,profile,cpu_pct,…,notes\n" and a row of it. Names and notes hold nothing that needs quotes. */
void generate_csv_header(tft_text *text);
void generate_csv_row(tft_text *text, const generate_record *record);

/* {"records": [ … ]} */
void generate_json_batch(tft_text *text, const generate_record *records, size_t n);

#endif
