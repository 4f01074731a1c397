/* json_plain.h - the body of POST /feed/data as senders write it, read in one pass: ten times as fast as by way of a document.
 *
 * It reads what nearly every body is: {"records": [ … ]} or the list alone, of flat objects with plain ASCII keys and texts,
 * ordinary numbers, null, and no fault in any record. For anything else (an escape, a nested value, a key twice, a record that
 * the contract refuses, a profile that is none, not JSON) it says "not plain" and json.c reads the body from the start: there is
 * one place that judges and names what is wrong. Whatever is read here, json.c reads the same; fuzz_json.c compares them.
 *
 * Numbers: up to 15 digits and at most 22 behind the point are m / 10^k with both exact, so the quotient is the nearest double
 * (Clinger 1990, "How to read floating point numbers accurately"); longer ones go to strtod.
 *
 * Memory:  names in the records point into `bytes`, which must outlive the batch. Threads: as json.h.
 */
#ifndef TFTD_INGEST_JSON_PLAIN_H
#define TFTD_INGEST_JSON_PLAIN_H

#include "ingest/json.h"

/* True: the batch is filled. False: not plain (or no memory); the batch is empty. list_too: the list alone will do. */
bool ingest_json_plain(const char *bytes, size_t n, bool list_too, const tft_contract *contract,
                       const tft_record_limits *limits, size_t max_records, ingest_batch *batch);

#endif
